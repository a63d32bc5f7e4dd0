//! The program under strace(1): which calls it makes, and what comes of it when one of them fails or is its last.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Write as _, stderr};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use anyhow::{Context as _, Result, ensure};

/// Whether programs can be traced here. Where not, that is told, and is a mistake where every test is asked for.
pub(crate) fn can_trace() -> Result<bool> {
    static CAN: OnceLock<bool> = OnceLock::new();
    let can = *CAN.get_or_init(|| {
        let mut tried = Command::new("strace");
        tried.args(["-qq", "-e", "trace=none", "true"]).stderr(Stdio::null());
        tried.status().is_ok_and(|status| status.success())
    });
    if !can {
        left_out("the program under strace", "there is none, or it may not trace")?;
    }
    Ok(can)
}

/// Tells in one line what could not be tried here, and why; a mistake where `SYSTEMD_HARDEN_REQUIRE_MACHINE=1` asks for
/// every test.
pub(crate) fn left_out(what: &str, why: &str) -> Result<()> {
    let required = std::env::var_os("SYSTEMD_HARDEN_REQUIRE_MACHINE").is_some_and(|value| value == "1");
    ensure!(!required, "{what} is required here: {why}");
    Ok(writeln!(stderr(), "{what} was not tried: {}", why.trim_end())?)
}

/// Runs `command` with its calls written to the file `log`, by strace with `options`.
pub(crate) fn run(command: &Command, log: &Path, options: &[&str]) -> Result<Output> {
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-o"]).arg(log).args(options).arg("--");
    traced.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => traced.env(name, value),
            None => traced.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        traced.current_dir(folder);
    }
    traced.output().context("running strace")
}

/// How often each of `calls` was made, by its name.
pub(crate) fn count(log: &Path, calls: &[&str]) -> Result<BTreeMap<String, usize>> {
    let mut counted = BTreeMap::new();
    for line in fs::read_to_string(log)?.lines() {
        let call = line.split_whitespace().nth(1).and_then(|rest| rest.split('(').next()).unwrap_or_default();
        if calls.contains(&call) {
            *counted.entry(call.to_owned()).or_default() += 1;
        }
    }
    Ok(counted)
}
