//! `import` with evidence, for daemons of Debian as they run: what it says of each is rendered as a drop-in and applied,
//! the service started again, and a real client's request answered; by each strictness, with the exposure before and
//! after. What had to be added by hand stands in tests/data/daemons.toml.

mod packages;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{Write as _, stderr};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::harness::project;
use crate::machine::standins::said;
use crate::machine::{Base, Boot, Machine};
use crate::traced::left_out;

/// The program under test on the host, and inside.
const BUILT: &str = env!("CARGO_BIN_EXE_systemd-harden");
const PROGRAM: &str = "/usr/local/bin/systemd-harden";

/// The strictnesses that are asked for; none leaves it to import.
const STRICTNESSES: [Option<&str>; 3] = [None, Some("default"), Some("strict")];

/// One daemon of tests/data/daemons.toml.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Daemon {
    packages: Vec<String>,
    unit: String,
    /// A script that runs once, before the service is started.
    #[serde(default)]
    prepare: String,
    /// A script that fails unless the service serves its clients.
    request: String,
    /// systemd's figure as shipped, and for each strictness.
    exposure: [String; 4],
    #[serde(default)]
    added: Vec<Added>,
}

/// A line that had to be added by hand.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Added {
    strictness: String,
    line: String,
    because: String,
}

/// A machine with these packages and the program under test; none where the host can have none, which is told and
/// fails where one is required.
pub(crate) fn machine_with(packages: &[&str], what: &str) -> Result<Option<Machine>> {
    let machine = match Machine::boot(&Base::Host, |_| Ok(()))? {
        Boot::Up(machine) => machine,
        Boot::Impossible(reason) => return left_out(what, &reason).map(|()| None),
    };
    if let Err(reason) = packages::fetch(packages) {
        return left_out(what, &format!("{reason:#}")).map(|()| None);
    }
    packages::install(&machine, packages)?;
    machine.install_file(Path::new(BUILT), PROGRAM, 0o755)?;
    Ok(Some(machine))
}

#[test]
fn daemons_serve_their_clients_with_what_import_says_of_them() -> Result<()> {
    let table: BTreeMap<String, Daemon> =
        toml::from_str(&fs::read_to_string(project("tests/data/daemons.toml"))?)?;
    let packages: Vec<&str> =
        table.values().flat_map(|daemon| &daemon.packages).map(String::as_str).collect();
    let what = format!("import for {} daemons", table.len());
    let Some(machine) = machine_with(&packages, &what)? else { return Ok(()) };
    let mut failed = Vec::new();
    let mut report = String::new();
    writeln!(report, "{:<26} shipped  import  default  strict  added by hand", "daemon")?;
    for (name, daemon) in &table {
        match figures(&machine, name, daemon) {
            Ok(figures) => {
                let [shipped, import, default, strict] = &figures;
                let added = daemon.added.iter().map(|added| format!("{} ({})", added.line, added.strictness));
                let added = added.collect::<Vec<_>>().join("; ");
                let added = if added.is_empty() { "nothing" } else { &added };
                writeln!(report, "{name:<26} {shipped:>7}  {import:>6}  {default:>7}  {strict:>6}  {added}")?;
                if daemon.exposure != figures {
                    failed
                        .push(format!("{name}: the figures are {figures:?}, expected {:?}", daemon.exposure));
                }
            }
            Err(error) => {
                writeln!(report, "{name:<26} FAILED")?;
                failed.push(format!("{name}: {error:#}"));
            }
        }
    }
    writeln!(stderr(), "{report}")?;
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

/// systemd's figure as shipped and for each strictness, each with the request answered.
fn figures(machine: &Machine, name: &str, daemon: &Daemon) -> Result<[String; 4]> {
    let unit = daemon.unit.as_str();
    script(machine, &daemon.prepare).context("preparing")?;
    machine.start_unit(unit)?;
    script(machine, &daemon.request).context("as shipped")?;
    let shipped = exposure(machine, unit)?;
    // All before any of them is applied: what runs confined shows less of what it needs.
    let mut drop_ins = Vec::new();
    for strictness in STRICTNESSES {
        drop_ins.push(drop_in(machine, name, daemon, strictness)?);
    }
    let mut figures = vec![shipped];
    for (strictness, text) in STRICTNESSES.into_iter().zip(&drop_ins) {
        let word = strictness.unwrap_or("as given");
        let stem = unit.split_once('@').map_or(unit.to_owned(), |(prefix, _)| format!("{prefix}@.service"));
        machine.install(text.as_bytes(), &format!("/etc/systemd/system/{stem}.d/50-harden.conf"), 0o644)?;
        machine.check(&["systemctl", "daemon-reload"])?;
        machine.check(&["systemctl", "stop", unit])?;
        machine.start_unit(unit).with_context(|| format!("{word}\n{text}"))?;
        let answer = script(machine, &daemon.request);
        answer.with_context(|| format!("{word}\n{text}\n{}", machine.journal(unit).unwrap_or_default()))?;
        figures.push(exposure(machine, unit)?);
    }
    machine.stop_unit(unit)?;
    figures.try_into().ok().context("a figure for each")
}

/// What import says of a running service, as a drop-in.
fn drop_in(machine: &Machine, name: &str, daemon: &Daemon, strictness: Option<&str>) -> Result<String> {
    let release = machine.systemd()?.to_string();
    let word = strictness.unwrap_or("given");
    let manifest = format!("/root/{name}-{word}.toml");
    let mut argv = vec![PROGRAM, "import", "--systemd", &release, "--output", &manifest];
    argv.extend(strictness.iter().flat_map(|strictness| ["--strictness", strictness]));
    argv.push(&daemon.unit);
    let output = machine.run(&argv)?;
    ensure!(output.status.success() && output.stderr.is_empty(), "import: {}", said(&output));
    let added: Vec<&Added> = daemon.added.iter().filter(|added| added.strictness == word).collect();
    if !added.is_empty() {
        let lines = added.iter().map(|added| format!("# {}\n{}\n", added.because, added.line));
        machine.install(
            lines.collect::<String>().as_bytes(),
            &format!("{manifest}.d/by-hand.toml"),
            0o644,
        )?;
    }
    let target = format!("systemd-{release}");
    let folder = format!("/root/{name}-{word}");
    machine.check(&[
        PROGRAM,
        "generate",
        "--drop-in",
        "--target",
        &target,
        "--output",
        &folder,
        &manifest,
    ])?;
    let found = machine.check(&["find", &folder, "-name", "50-harden.conf"])?;
    machine.check(&["cat", found.trim()])
}

/// Runs a script inside, which must succeed.
fn script(machine: &Machine, text: &str) -> Result<()> {
    let output = machine.run(&["sh", "-euc", text])?;
    ensure!(output.status.success(), "the request ended with {}\n{}", output.status, said(&output));
    Ok(())
}

/// systemd's own figure for a loaded unit, which this program's must be.
fn exposure(machine: &Machine, unit: &str) -> Result<String> {
    let document = machine.run(&[PROGRAM, "score", "--format", "json", "--evidence", "never", unit])?;
    let document: serde_json::Value = serde_json::from_slice(&document.stdout)?;
    let ours = document.pointer("/units/0/exposure").context("no exposure")?.to_string();
    let theirs = machine.check(&["systemd-analyze", "security", "--no-pager", unit])?;
    let line = theirs.lines().last().context("systemd-analyze says nothing")?;
    ensure!(line.contains(&format!(": {ours} ")), "ours is {ours}, and systemd says {line}");
    Ok(ours)
}
