//! `try` on a machine with a systemd of its own: what services are really refused, and that nothing of a trial stays.

mod daemon;
mod host;
mod ways;

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::harness::{project, same};
use crate::machine::standins::said;
use crate::machine::{Machine, run_scenarios};
use ways::{WAYS, Way};

/// The program under test on the host, and inside.
const BUILT: &str = env!("CARGO_BIN_EXE_systemd-harden");
const PROGRAM: &str = "/usr/local/bin/systemd-harden";

#[test]
fn trials() -> Result<()> {
    run_scenarios(
        |_| Ok(()),
        &[
            ("each denial is named with its line of the manifest", are_named),
            ("line by line a manifest becomes one that nothing is refused of", host::becomes_clean),
            ("what serves its client is clean", host::serves_a_client),
            ("a service that sockets start is handed them", host::is_handed_its_sockets),
            ("the service itself is in the way, and comes back", host::comes_back),
            ("whoever ends a trial leaves nothing behind", host::leaves_nothing),
            ("what cannot be tried is told with the way out", host::is_told),
        ],
    )
}

#[test]
fn the_shipped_schema_of_a_trial_is_that_of_the_document() -> Result<()> {
    same(&project("src/trial/schema.json"), &format!("{:#}\n", systemd_harden::trial::schema().as_value()))
}

fn install(machine: &Machine) -> Result<()> {
    machine.install_file(Path::new(BUILT), PROGRAM, 0o755)
}

/// Installs the manifest of a way, and tells where.
fn manifest(machine: &Machine, name: &str, text: &str) -> Result<String> {
    let path = format!("/root/try-{name}.toml");
    let head = format!("edition = 1\nstrictness = \"strict\"\n\n[service]\nname = \"try-{name}\"\n");
    machine.install(format!("{head}{}", text.trim_start()).as_bytes(), &path, 0o644)?;
    Ok(path)
}

/// What `try` says as JSON, with its status.
fn tried(machine: &Machine, arguments: &[&str]) -> Result<(i32, Value)> {
    let argv: Vec<&str> = [PROGRAM, "try", "--format", "json"].iter().chain(arguments).copied().collect();
    let output = machine.run(&argv)?;
    let document: Value = serde_json::from_slice(&output.stdout).with_context(|| said(&output))?;
    Ok((output.status.code().context("killed")?, document["trial"].clone()))
}

/// Nothing of a trial is left.
fn nothing_is_left(machine: &Machine) -> Result<()> {
    let files = machine.check(&[
        "sh",
        "-c",
        "find /run/systemd/system -name '*-try*'; ls -A /run/systemd-harden-try",
    ])?;
    ensure!(files.is_empty(), "left behind: {files}");
    let units = machine.check(&[
        "systemctl",
        "list-units",
        "--all",
        "--plain",
        "--no-legend",
        "*-try.*",
        "*-try@*",
    ])?;
    ensure!(units.trim().is_empty(), "left behind: {units}");
    Ok(())
}

fn are_named(machine: &Machine) -> Result<()> {
    install(machine)?;
    machine.install_standin("refused", "/usr/local/bin/refused")?;
    machine.check(&["useradd", "--create-home", "homer"])?;
    for path in ["/home/homer/secret", "/tmp/shared", "/srv/there"] {
        machine.install(b"text\n", path, 0o644)?;
    }
    machine.check(&["mknod", "/dev/fancy", "c", "1", "3"])?;
    let mut wrong = Vec::new();
    for way in WAYS {
        if let Err(error) = is_named(machine, way) {
            wrong.push(format!("{}: {error:#}", way.name));
        }
    }
    ensure!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), WAYS.len(), wrong.join("\n"));
    nothing_is_left(machine)
}

fn is_named(machine: &Machine, way: &Way) -> Result<()> {
    let path = manifest(machine, way.name, way.manifest)?;
    let (status, trial) = tried(machine, &[&path, "--for", "1"])?;
    let denial = &trial["denials"][0];
    ensure!(status == 1 && trial["outcome"] == way.outcome, "{trial:#}");
    let error = denial["error"].as_str().unwrap_or_default();
    ensure!(way.errors.contains(&error), "{trial:#}");
    let cause = &denial["causes"][0];
    ensure!(cause["directives"][0].as_str().unwrap_or_default() == way.directive, "{trial:#}");
    ensure!(cause["thing"].as_str() == way.thing, "{trial:#}");
    let remedy = &denial["remedies"][0];
    ensure!(
        match (remedy["line"].as_str(), way.line) {
            (Some(line), Some(expected)) => line.starts_with(expected),
            (line, expected) => line == expected,
        },
        "{trial:#}"
    );
    // Another filter than that of the first release may not tell what it was asked for.
    let is_first = way.errors.first() == Some(&error);
    ensure!(remedy["lifts"].as_bool() == way.lifts || !is_first && remedy["lifts"].is_null(), "{trial:#}");
    if way.line.is_some() {
        ensure!(remedy["loads"] == true && remedy["relaxes"] != serde_json::json!([]), "{trial:#}");
        let place = cause["written"][0]["place"].as_str().unwrap_or_default();
        let rendered = format!("/usr/lib/systemd/system/try-{}.service:", way.name);
        ensure!(place.starts_with(&rendered), "{trial:#}");
    }
    Ok(())
}
