//! Managers that are busy with themselves while they are asked: one that executes itself anew, one whose units are taken
//! away; and a user's own manager, beside systemd's own scorer.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::{Machine, run_scenarios};

const BUILT: &str = env!("CARGO_BIN_EXE_systemd-harden");
const PROGRAM: &str = "/usr/local/bin/systemd-harden";

#[test]
fn managers() -> Result<()> {
    run_scenarios(
        |_| Ok(()),
        &[
            ("a run over all goes on while the manager executes itself anew", executes_itself_anew),
            ("units that vanish once they are listed are told", units_vanish),
            ("units of a user's manager come out at systemd's own figures", users_units),
        ],
    )
}

#[derive(Debug, Deserialize)]
struct Report {
    units: Vec<Unit>,
}

#[derive(Debug, Deserialize)]
struct Unit {
    #[serde(rename = "unit")]
    name: String,
    exposure: Option<f64>,
    error: Option<String>,
    #[serde(default)]
    checks: Vec<Check>,
}

#[derive(Debug, Deserialize)]
struct Check {
    id: String,
    exposure: Option<f64>,
}

/// What came of each unit: its exposure, or why there is none.
type Outcomes = BTreeMap<String, (Option<f64>, Option<String>)>;

fn outcomes(json: &[u8]) -> Result<Outcomes> {
    let report: Report = serde_json::from_slice(json).context("no report")?;
    Ok(report.units.into_iter().map(|unit| (unit.name, (unit.exposure, unit.error))).collect())
}

/// A run over all that something happens to.
struct Run {
    code: String,
    outcomes: Outcomes,
    /// Whether it had not ended when that had happened.
    is_met: bool,
    said: String,
}

/// Asks the manager over the bus, where nothing says it asks it directly.
const OVER_THE_BUS: &str = "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/dbus/system_bus_socket";

/// Runs `score` over all, with this in its environment, and `meanwhile` so many seconds after its start.
fn run_with(machine: &Machine, environment: &str, delay: &str, meanwhile: &str) -> Result<Run> {
    let script = format!(
        "{environment} {PROGRAM} score --format json >/run/score.json 2>/run/score.errors & run=$!
         sleep {delay}; {meanwhile}
         if kill -0 $run 2>/dev/null; then echo met; else echo missed; fi
         wait $run; echo $?"
    );
    let output = machine.run(&["sh", "-c", &script])?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = said.lines().rev();
    let (code, met) = (lines.next().context("no status")?.to_owned(), lines.next() == Some("met"));
    Ok(Run {
        code,
        outcomes: outcomes(machine.check(&["cat", "/run/score.json"])?.as_bytes())?,
        is_met: met,
        said: machine.check(&["cat", "/run/score.errors"])?,
    })
}

/// Installs as many units of this name.
fn install(machine: &Machine, name: &str, count: usize) -> Result<()> {
    let tree = machine.scratch().join(name);
    let folder = tree.join("etc/systemd/system");
    fs::create_dir_all(&folder)?;
    for number in 0..count {
        let text = format!(
            "[Service]\nExecStart=/bin/true\nPrivateTmp={}\nUMask=00{:02}\n",
            ["yes", "no"][number % 2],
            number % 8 * 10
        );
        fs::write(folder.join(format!("{name}-{number}.service")), text)?;
    }
    machine.install_tree(&tree)
}

/// When something happens to the manager, in seconds after the start of the program.
const DELAYS: [&str; 4] = ["0.02", "0.1", "0.3", "0.8"];

fn executes_itself_anew(machine: &Machine) -> Result<()> {
    machine.install_file(Path::new(BUILT), PROGRAM, 0o755)?;
    install(machine, "anew", 150)?;
    for way in ["", OVER_THE_BUS] {
        let quiet = run_with(machine, way, "0", "true")?;
        ensure!(quiet.code != "2", "{}", quiet.said);
        let mut met = 0;
        for delay in DELAYS {
            let run = run_with(machine, way, delay, "systemctl daemon-reexec")?;
            met += usize::from(run.is_met);
            let said = &run.said;
            ensure!(
                run.code == quiet.code,
                "after {delay} s {way}: {} and not {}\n{said}",
                run.code,
                quiet.code
            );
            for (unit, outcome) in quiet.outcomes.iter().filter(|(unit, _)| unit.starts_with("anew-")) {
                let found = run.outcomes.get(unit);
                ensure!(
                    found == Some(outcome),
                    "after {delay} s {way}: {unit}: {found:?} and not {outcome:?}\n{said}"
                );
            }
        }
        ensure!(met > 0, "no run {way} lasted longer than the manager took");
    }
    Ok(())
}

fn units_vanish(machine: &Machine) -> Result<()> {
    machine.install_file(Path::new(BUILT), PROGRAM, 0o755)?;
    install(machine, "stays", 20)?;
    install(machine, "vanishes", 60)?;
    let quiet = run_with(machine, "", "0", "true")?;
    ensure!(quiet.code != "2", "{}", quiet.said);
    let brief = "for tenth in 1 2 3 4 5 6 7 8 9; do
        systemd-run --quiet --no-block --collect --unit brief-$tenth sleep 0.$tenth; done";
    for delay in DELAYS {
        machine.check(&["sh", "-c", brief])?;
        let taken = "rm -f /etc/systemd/system/vanishes-*.service; systemctl daemon-reload";
        let run = run_with(machine, "", delay, taken)?;
        install(machine, "vanishes", 60)?;
        for (unit, outcome) in quiet.outcomes.iter().filter(|(unit, _)| unit.starts_with("stays-")) {
            let found = run.outcomes.get(unit);
            ensure!(
                found == Some(outcome),
                "after {delay} s: {unit}: {found:?} and not {outcome:?}\n{}",
                run.said
            );
        }
        // Those that were gone before the list are not in it.
        let is_told = |(unit, found): &(&String, &(Option<f64>, Option<String>))| match found {
            (Some(_), None) => quiet.outcomes.get(*unit).is_none_or(|outcome| outcome == *found),
            (_, Some(why)) => why.contains("no unit file") || why.contains("unloaded while it was read"),
            (None, None) => false,
        };
        let gone = |unit: &str| unit.starts_with("vanishes-") || unit.starts_with("brief-");
        let untold: Vec<_> =
            run.outcomes.iter().filter(|(unit, _)| gone(unit)).filter(|unit| !is_told(unit)).collect();
        ensure!(untold.is_empty(), "after {delay} s: {untold:?}");
        let is_lost = run.said.contains("unloaded while it was read");
        ensure!(
            run.code == quiet.code || is_lost && run.code == "2",
            "after {delay} s: {}\n{}",
            run.code,
            run.said
        );
    }
    machine.check(&["sh", "-c", "rm -f /etc/systemd/system/vanishes-*.service; systemctl daemon-reload"])?;
    let output = machine.run(&[PROGRAM, "score", "--format", "json", "vanishes-0", "stays-0"])?;
    ensure!(output.status.code() == Some(2), "{output:?}");
    let named = outcomes(&output.stdout)?;
    ensure!(
        named.get("vanishes-0.service").is_some_and(|(exposure, why)| exposure.is_none() && why.is_some())
    );
    ensure!(named.get("stays-0.service") == quiet.outcomes.get("stays-0.service"), "{named:?}");
    Ok(())
}

const USER: &str = "harden-user";

/// Units of a user, from none of what confines to what a user's manager cannot apply.
const USERS_UNITS: [(&str, &str); 6] = [
    ("open", ""),
    ("tmp", "PrivateTmp=yes\nProtectSystem=strict\nProtectHome=read-only\n"),
    ("calls", "NoNewPrivileges=yes\nSystemCallFilter=@system-service\nSystemCallArchitectures=native\n"),
    ("caps", "CapabilityBoundingSet=CAP_CHOWN\nAmbientCapabilities=\nRestrictNamespaces=yes\n"),
    ("net", "PrivateNetwork=yes\nIPAddressDeny=any\nRestrictAddressFamilies=AF_UNIX\nDevicePolicy=closed\n"),
    (
        "kernel",
        "ProtectKernelTunables=yes\nProtectKernelModules=yes\nPrivateDevices=yes\nPrivateUsers=yes\nUMask=0077\n",
    ),
];

fn users_units(machine: &Machine) -> Result<()> {
    machine.install_file(Path::new(BUILT), PROGRAM, 0o755)?;
    machine.check(&["useradd", "--create-home", USER])?;
    let uid = machine.check(&["id", "--user", USER])?;
    let uid = uid.trim();
    for (name, lines) in USERS_UNITS {
        let path = format!("/etc/systemd/user/{name}.service");
        machine.install(
            format!("[Service]\nExecStart=/bin/sleep infinity\n{lines}").as_bytes(),
            &path,
            0o644,
        )?;
    }
    machine.start_unit(&format!("user@{uid}.service"))?;
    let runtime = format!("XDG_RUNTIME_DIR=/run/user/{uid}");
    let as_user = |argv: &[&str]| machine.run_as(USER, &[&["env", runtime.as_str()], argv].concat());
    let names: Vec<String> = USERS_UNITS.iter().map(|(name, _)| format!("{name}.service")).collect();
    let score: Vec<&str> = [PROGRAM, "score", "--user", "--format", "json"]
        .into_iter()
        .chain(names.iter().map(String::as_str))
        .collect();
    let output = as_user(&score)?;
    let report: Report = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    ensure!(report.units.len() == names.len() && output.status.code() != Some(2), "{output:?}");
    let mut wrong = Vec::new();
    for unit in &report.units {
        let output =
            as_user(&["systemd-analyze", "--user", "security", "--json=short", "--no-pager", &unit.name])?;
        let theirs: Vec<Value> = serde_json::from_slice(&output.stdout)
            .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
        let mut all = 0;
        for check in theirs {
            let id = check["json_field"].as_str().context("a check without a name")?;
            let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
            let (ours, theirs) = (unit.checks.iter().find(|ours| ours.id == id), number(&check["exposure"]));
            all += 1;
            if ours.map(|ours| ours.exposure.unwrap_or(0.0)) != Some(theirs.unwrap_or(0.0)) {
                wrong.push(format!("{}: {id}: {ours:?} and not {theirs:?}", unit.name));
            }
        }
        ensure!(all > 70 && all == unit.checks.len(), "{all} checks, and {} of ours", unit.checks.len());
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    for unit in &report.units {
        let output = as_user(&["systemd-analyze", "--user", "security", "--no-pager", &unit.name])?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let theirs = text.lines().rev().find_map(|line| line.split_once("Overall exposure level for "));
        let theirs = theirs.and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<f64>().ok());
        ensure!(
            theirs.is_some() && theirs == unit.exposure,
            "{}: {:?} and not {theirs:?}",
            unit.name,
            unit.exposure
        );
    }
    let exposures: BTreeMap<&str, Option<f64>> =
        report.units.iter().map(|unit| (unit.name.as_str(), unit.exposure)).collect();
    // The same over the user's bus, where there is one.
    let bus = format!("DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/{uid}/./bus");
    if machine.run(&["test", "-S", &format!("/run/user/{uid}/bus")])?.status.success() {
        let over = as_user(&[&["env", bus.as_str()], score.as_slice()].concat())?;
        let over = outcomes(&over.stdout)?;
        let same = |(name, (exposure, _)): (&String, &(Option<f64>, _))| {
            exposures.get(name.as_str()) == Some(exposure)
        };
        ensure!(over.iter().all(same), "{over:?}");
    }
    Ok(())
}
