//! What `score` says where a running manager has no answer, and one answer that is known beforehand.

use std::fs;

use anyhow::{Context as _, Result, ensure};

use super::{PROGRAM, install_program};
use crate::harness::project;
use crate::machine::Machine;
use crate::machine::standins::said;

/// Units that cannot be scored, what is said of each, and one that can.
pub(super) fn names_what_is_missing(machine: &Machine) -> Result<()> {
    install_program(machine)?;
    machine.install_unit("plain.service", "[Service]\nExecStart=/bin/sleep infinity\n")?;
    machine.install_unit("refused.service", "[Service]\nUser=a:b\nExecStart=/bin/sleep infinity\n")?;
    machine.install_unit("many@.service", "[Service]\nExecStart=/bin/sleep infinity\n")?;
    machine.check(&["systemctl", "mask", "hidden.service"])?;
    machine.check(&["useradd", "--create-home", "carol"])?;
    let cases = [
        ("nosuch", "nosuch.service: "),
        ("hidden", "hidden.service: masked"),
        ("refused", "refused.service: "),
        ("sysinit.target", "sysinit.target: "),
    ];
    for (name, start) in cases {
        // Nobody needs a privilege to ask.
        let output = machine.run_as("carol", &[PROGRAM, "score", name, "plain"])?;
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.code() == Some(2), "{name}: {}", said(&output));
        ensure!(stderr.lines().count() == 1, "{name} is told once: {stderr}");
        ensure!(stderr.starts_with(&format!("systemd-harden: {start}")), "{name}: {stderr}");
        ensure!(stdout.contains("plain.service"), "the others are scored all the same: {stdout}");
    }
    // A template is judged through an instance, as systemd-analyze does.
    let template = machine.check(&[PROGRAM, "score", "many@"])?;
    ensure!(template.contains("many@"), "{template}");
    Ok(())
}

/// A unit that an OpenID provider's guide recommends: 2.1 as a file, 1.9 on the bus, because the manager shows what
/// the other settings bring along.
pub(super) fn knows_a_recommended_unit(machine: &Machine) -> Result<()> {
    install_program(machine)?;
    let text = fs::read_to_string(project("tests/cases/score/known-answer-loaded/provider.service"))?;
    machine.install_unit("provider.service", &text)?;
    let loaded = machine.check(&[PROGRAM, "score", "provider"])?;
    let figure = loaded.lines().next().context("an empty report")?;
    ensure!(figure.split_whitespace().nth(1) == Some("1.9"), "{figure}");
    let theirs = machine.check(&["systemd-analyze", "security", "--no-pager", "provider.service"])?;
    ensure!(theirs.contains("provider.service: 1.9 "), "{theirs}");
    let file =
        machine.check(&[PROGRAM, "score", "/etc/systemd/system/provider.service", "--systemd", "252"])?;
    let figure = file.lines().next().context("an empty report")?;
    ensure!(figure.split_whitespace().nth(1) == Some("2.1"), "{figure}");
    Ok(())
}
