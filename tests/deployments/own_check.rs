//! The tool's own check, which its manifest confines: it sees of a host what root sees, and fails where something is
//! found.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{BUILT, Deployment, parsec};
use crate::machine::Machine;
use crate::machine::standins::said;

const CHECK: &str = "systemd-harden-score";

/// Prints the report where it can be read, as JSON.
const AS_JSON: &str = "[Service]
ExecStart=
ExecStart=/usr/bin/systemd-harden score --format json
StandardOutput=truncate:/var/log/score.json
";

pub(super) fn sees_the_host(machine: &Machine) -> Result<()> {
    parsec::deploy(machine, "parsec-direct", "Direct")?;
    let own = Deployment::generate(machine, "systemd-harden")?;
    machine.install_file(Path::new(BUILT), "/usr/bin/systemd-harden", 0o755)?;
    // The page that the unit points to: verify has man(1) look for it, which a minimal tree lacks.
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("man/systemd-harden.1");
    machine.install_file(&page, "/usr/share/man/man1/systemd-harden.1", 0o644)?;
    if !machine.root().join("usr/bin/man").exists() {
        machine.install(
            b"#!/bin/sh\ntest -e /usr/share/man/man1/systemd-harden.1\n",
            "/usr/bin/man",
            0o755,
        )?;
    }
    own.start()?;
    machine.start_unit(CHECK)?;

    let path = format!("/etc/systemd/system/{CHECK}.service.d/json.conf");
    machine.install(AS_JSON.as_bytes(), &path, 0o644)?;
    machine.check(&["systemctl", "daemon-reload"])?;
    machine.start_unit(CHECK)?;
    let confined = of_parsec(&machine.check(&["cat", "/var/log/score.json"])?)?;
    let outside = machine.run(&["/usr/bin/systemd-harden", "score", "--format", "json"])?;
    let unconfined = of_parsec(&String::from_utf8(outside.stdout)?)?;
    ensure!(confined == unconfined, "confined:\n{confined:#}\nunconfined:\n{unconfined:#}");
    let evidence = confined["evidence"].as_array().context("no evidence")?;
    ensure!(evidence.len() > 20, "little evidence: {evidence:?}");

    machine.check(&["rm", &path])?;
    machine.check(&["systemctl", "daemon-reload"])?;
    machine.check(&["chmod", "0666", "/etc/parsec/config.toml"])?;
    let failed = machine.run(&["systemctl", "start", CHECK])?;
    ensure!(!failed.status.success(), "a finding does not fail the check: {}", said(&failed));
    let journal = machine.check(&["journalctl", "--unit", CHECK, "--output", "cat"])?;
    ensure!(journal.contains("/etc/parsec/config.toml"), "{journal}");
    Ok(())
}

/// What a report says of the one unit that a manifest declares here, beside the check itself.
fn of_parsec(report: &str) -> Result<Value> {
    let report: Value = serde_json::from_str(report).with_context(|| report.to_owned())?;
    let units = report["units"].as_array().context("no units")?;
    let found = units.iter().find(|unit| unit["unit"] == "parsec.service");
    found.cloned().context("parsec.service is not in the report")
}
