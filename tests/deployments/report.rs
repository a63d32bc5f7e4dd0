//! What `score` says about units of the machine it runs in, beside what `systemd-analyze security` says.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::{Deployment, PROGRAM, install_program};
use crate::machine::Machine;

/// What the tests read of the report.
#[derive(Deserialize)]
struct Report {
    units: Vec<Unit>,
}

#[derive(Debug, Deserialize)]
struct Unit {
    #[serde(rename = "unit")]
    name: String,
    error: Option<String>,
    exposure: Option<f64>,
    #[serde(default)]
    checks: Vec<Check>,
    #[serde(default)]
    drift: Vec<Drift>,
    #[serde(default)]
    findings: Vec<serde_json::Value>,
    manifest: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Check {
    id: String,
    exposure: Option<f64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Drift {
    pub(super) directive: String,
    pub(super) relation: String,
    pub(super) wanted: String,
    pub(super) found: String,
    pub(super) origin: String,
}

/// What systemd-analyze has as JSON of one unit.
#[derive(Deserialize)]
struct Line {
    json_field: String,
    exposure: Option<String>,
}

/// The directives that the tests weaken, with the value that they give them.
const WEAKER: [(&str, &str); 2] = [("NoNewPrivileges=", "no"), ("ProtectSystem=", "full")];

impl Deployment<'_> {
    /// Every rendered service is as declared, and as exposed as systemd says; then two directives of one are
    /// weakened, and the score is these two.
    pub(super) fn is_scored(&self, service: &str) -> Result<()> {
        is_as_declared(self.machine, &self.services()?)?;
        let path = format!("/etc/systemd/system/{service}.d/weaker.conf");
        let lines = WEAKER.map(|(directive, value)| format!("{directive}{value}\n")).concat();
        self.machine.install(format!("[Service]\n{lines}").as_bytes(), &path, 0o644)?;
        self.machine.check(&["systemctl", "daemon-reload"])?;
        let drift = drift(self.machine, service)?;
        let found: Vec<_> = drift
            .iter()
            .map(|drift| [&drift.directive, &drift.relation, &drift.found, &drift.origin].map(String::as_str))
            .collect();
        let places = [format!("{path}:2"), format!("{path}:3")];
        let expected: Vec<_> = WEAKER
            .iter()
            .zip(&places)
            .map(|((directive, value), place)| [*directive, "weaker", *value, place.as_str()])
            .collect();
        ensure!(found == expected, "{drift:?}");
        let wanted: Vec<_> = drift.iter().map(|drift| drift.wanted.as_str()).collect();
        ensure!(wanted == ["yes", "strict"], "{wanted:?}");
        Ok(())
    }
}

/// These services are as declared, and as exposed as systemd says; those that run are confined.
pub(super) fn is_as_declared(machine: &Machine, services: &[String]) -> Result<()> {
    ensure!(!services.is_empty(), "no services");
    for unit in score(machine, services, 0)? {
        ensure!(unit.manifest.is_some(), "`{}` has no manifest", unit.name);
        ensure!(unit.drift.is_empty(), "`{}`: {:?}", unit.name, unit.drift);
        agrees(machine, &unit)?;
        is_confined(machine, &unit.name)?;
    }
    Ok(())
}

/// What is found of a service that is not as declared.
pub(super) fn drift(machine: &Machine, service: &str) -> Result<Vec<Drift>> {
    let mut units = score(machine, &[service.to_owned()], 1)?;
    Ok(units.pop().context("no unit")?.drift)
}

/// The kernel has in force what every unit here asks for, where there is a process to look at.
fn is_confined(machine: &Machine, service: &str) -> Result<()> {
    let process = machine.property(service, "MainPID")?;
    if process == "0" {
        return Ok(());
    }
    let status = machine.check(&["cat", &format!("/proc/{process}/status")])?;
    for line in ["NoNewPrivs:\t1", "Seccomp:\t2", "CapAmb:\t0000000000000000"] {
        ensure!(status.contains(line), "`{service}` is not `{line}`:\n{status}");
    }
    Ok(())
}

/// Every service that the manager has loaded, in one call: each figure and each check.
pub(super) fn agrees_on_all(machine: &Machine) -> Result<()> {
    install_program(machine)?;
    let listed = ["systemctl", "list-units", "--all", "--type=service", "--plain", "--no-legend"];
    let names: Vec<String> = machine
        .check(&listed)?
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next()?;
            (words.next()? == "loaded").then(|| name.to_owned())
        })
        .collect();
    ensure!(names.len() > 20, "only {} services", names.len());
    for unit in score(machine, &names, 0)? {
        agrees(machine, &unit)?;
    }
    Ok(())
}

/// The report on `units`, which must end with this status and no word to standard error.
fn score(machine: &Machine, units: &[String], status: i32) -> Result<Vec<Unit>> {
    let units: Vec<_> = units.iter().map(String::as_str).collect();
    let output = machine.run(&[&[PROGRAM, "score", "--format", "json"], units.as_slice()].concat())?;
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Report = serde_json::from_slice(&output.stdout).with_context(|| said.clone().into_owned())?;
    let found: Vec<_> = report.units.iter().map(|unit| unit.name.as_str()).collect();
    ensure!(found == units, "{found:?} in place of {units:?}");
    for unit in &report.units {
        ensure!(unit.error.is_none(), "`{}`: {:?}", unit.name, unit.error);
    }
    let is_as_expected = output.status.code() == Some(status) && said.is_empty();
    ensure!(
        is_as_expected,
        "{}: {said}\n{:#?}",
        output.status,
        report.units.iter().map(|unit| (&unit.drift, &unit.findings)).collect::<Vec<_>>()
    );
    Ok(report.units)
}

/// Whether the figure of a unit, and each check of it, is what the machine's own systemd-analyze says.
fn agrees(machine: &Machine, unit: &Unit) -> Result<()> {
    let text = machine.check(&["systemd-analyze", "security", &unit.name])?;
    let figure = text
        .lines()
        .last()
        .and_then(|line| line.rsplit_once(": ")?.1.split(' ').next())
        .context("no figure")?;
    ensure!(tenths(unit.exposure).as_deref() == Some(figure), "{:?} and not {figure}\n{text}", unit.exposure);
    let lines = machine.check(&["systemd-analyze", "security", "--json=short", &unit.name])?;
    let lines: Vec<Line> = serde_json::from_str(&lines).context("the checks of systemd-analyze")?;
    let theirs: BTreeMap<_, _> = lines.into_iter().map(|line| (line.json_field, line.exposure)).collect();
    let ours: BTreeMap<_, _> =
        unit.checks.iter().map(|check| (check.id.clone(), tenths(check.exposure))).collect();
    let differ = |id: &&String| ours.get(*id) != theirs.get(*id);
    let different: Vec<_> = ours.keys().chain(theirs.keys()).filter(differ).collect();
    ensure!(different.is_empty(), "`{}`: {different:?}\nours {ours:?}\ntheirs {theirs:?}", unit.name);
    Ok(())
}

/// As systemd writes an exposure.
fn tenths(exposure: Option<f64>) -> Option<String> {
    exposure.map(|exposure| format!("{exposure:.1}"))
}
