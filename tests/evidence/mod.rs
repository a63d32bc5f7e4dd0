//! Evidence of the kernel in a booted machine: for each setting that can be seen, a unit that has it, and one that was
//! started without it and declares it since.

mod settings;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::machine::{Machine, run_scenarios};
use settings::{SETTINGS, Setting, Shows};

const BUILT: &str = env!("CARGO_BIN_EXE_systemd-harden");
const PROGRAM: &str = "/usr/local/bin/systemd-harden";

#[test]
fn evidence() -> Result<()> {
    run_scenarios(
        |_| Ok(()),
        &[
            ("what is in force is proved, and what is not is found", settings_are_proved),
            ("what nobody may read is said in one line", is_modest),
            ("a command that nothing confines is found", privileged_command),
        ],
    )
}

#[derive(Deserialize)]
struct Report {
    units: Vec<Unit>,
}

#[derive(Deserialize)]
struct Unit {
    #[serde(rename = "unit")]
    name: String,
    #[serde(default)]
    evidence: Vec<Evidence>,
    findings: Vec<Note>,
    notices: Vec<Note>,
}

#[derive(Clone, Debug, Deserialize)]
struct Evidence {
    directive: String,
    state: String,
    detail: Option<String>,
    seen: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Note {
    id: String,
    message: String,
}

/// Every setting that this release has, in two units: `has-N`, which is started with it, and `lacks-N`, whose file
/// says it only after the start.
fn settings_are_proved(machine: &Machine) -> Result<()> {
    machine.install_file(Path::new(BUILT), PROGRAM, 0o755)?;
    machine.check(&["mkdir", "-p", "/srv/tree", "/srv/place"])?;
    let release = machine.systemd()?;
    let settings: Vec<(usize, &Setting)> =
        SETTINGS.iter().enumerate().filter(|(_, setting)| setting.since <= release).collect();
    let name = |kind: &str, number: usize| format!("{kind}-{number}.service");
    let mut before = Vec::new();
    let mut after = Vec::new();
    for (number, setting) in &settings {
        before.push((name("has", *number), setting.lines));
        before.push((name("lacks", *number), setting.before));
        after.push((name("lacks", *number), setting.lines));
    }
    install(machine, &before)?;
    let all: Vec<&str> = before.iter().map(|(name, _)| name.as_str()).collect();
    let output = machine.run(&[&["systemctl", "start"], all.as_slice()].concat())?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        let failed = machine.run(&["systemctl", "list-units", "--failed", "--plain", "--no-legend"])?;
        let log = machine.run(&["journalctl", "--no-pager", "-p", "4", "-n", "60", "-o", "cat"])?;
        anyhow::bail!(
            "{said}\n{}\n{}",
            String::from_utf8_lossy(&failed.stdout),
            String::from_utf8_lossy(&log.stdout)
        );
    }
    install(machine, &after)?;
    let units = score(machine, &all, &[])?;
    let mut wrong = String::new();
    let mut proved = 0;
    for (number, setting) in &settings {
        let expected = setting.shows.states(machine)?;
        for (kind, expected) in [("has", expected.0), ("lacks", expected.1)] {
            let unit = units.get(&name(kind, *number)).context("a unit is missing")?;
            let found = unit.evidence.iter().find(|one| one.directive == format!("{}=", setting.directive()));
            let state = found.map_or("nothing", |one| one.state.as_str());
            if state != expected {
                writeln!(wrong, "{kind} {:?}: {state} and not {expected}: {found:?}", setting.lines)?;
            }
            // Nothing else that the unit says may be called off where it is on.
            let others = unit.evidence.iter().filter(|one| {
                kind == "has"
                    && one.state == "not-in-force"
                    && one.directive != format!("{}=", setting.directive())
            });
            for other in others {
                writeln!(wrong, "has {:?}: {other:?}", setting.lines)?;
            }
        }
        proved += usize::from(expected == ("in-force", "not-in-force"));
    }
    ensure!(wrong.is_empty(), "{wrong}");
    ensure!(proved >= 60, "only {proved} settings are proved");
    is_told(&units, release)
}

/// What a report says besides the state: why, and whether it counts.
fn is_told(units: &BTreeMap<String, Unit>, release: u32) -> Result<()> {
    let number = |line: &str| {
        let place = SETTINGS.iter().position(|setting| setting.lines == line);
        place.with_context(|| format!("no {line}"))
    };
    let lacks = |line: &str| Ok::<_, anyhow::Error>(&units[&format!("lacks-{}.service", number(line)?)]);
    let unit = lacks("NoNewPrivileges=yes")?;
    let told = ids(&unit.findings);
    ensure!(told == ["evidence.not-in-force.NoNewPrivileges"], "{told:?}");
    ensure!(
        unit.findings
            .iter()
            .map(|note| note.message.as_str())
            .collect::<String>()
            .contains("systemctl restart"),
        "{:?}",
        unit.findings
    );
    let evidence = unit.evidence.iter().find(|one| one.directive == "NoNewPrivileges=");
    let evidence = evidence.context("no evidence")?;
    ensure!(evidence.seen.as_deref() == Some("`NoNewPrivs: 0`"), "{evidence:?}");
    // What every program may change is no finding where it fits.
    let unit = &units[&format!("has-{}.service", number("UMask=0077")?)];
    ensure!(ids(&unit.findings).is_empty() && ids(&unit.notices).is_empty(), "{:?}", unit.findings);
    let unit = &units[&format!("has-{}.service", number("SocketBindDeny=any")?)];
    ensure!(ids(&unit.findings).is_empty(), "{:?}", unit.findings);
    let told: Vec<_> = unit.notices.iter().map(|note| (note.id.as_str(), note.message.as_str())).collect();
    if release < 253 {
        let inert = matches!(told.as_slice(), [("evidence.not-in-force.SocketBindDeny", why)] if why.contains("BPF_FRAMEWORK"));
        ensure!(inert, "{told:?}");
    } else {
        ensure!(told.is_empty(), "{told:?}");
    }
    Ok(())
}

/// A user who is not root sees that there is something that only root sees.
fn is_modest(machine: &Machine) -> Result<()> {
    machine.check(&["useradd", "evidence-reader"])?;
    machine.install_unit(
        "readable.service",
        "[Service]\nNoNewPrivileges=yes\nPrivateIPC=yes\nType=exec\nExecStart=/bin/sleep infinity\n",
    )?;
    machine.start_unit("readable.service")?;
    let output =
        machine.run_as("evidence-reader", &[PROGRAM, "score", "--format", "json", "readable.service"])?;
    let report: Report = serde_json::from_slice(&output.stdout).context("no report")?;
    let unit = report.units.first().context("no unit")?;
    let state =
        |name: &str| unit.evidence.iter().find(|one| one.directive == name).map(|one| one.state.as_str());
    ensure!(state("NoNewPrivileges=") == Some("in-force"), "{:?}", unit.evidence);
    ensure!(state("PrivateIPC=") == Some("not-readable"), "{:?}", unit.evidence);
    let told = ids(&unit.notices);
    ensure!(told == ["evidence.not-readable"], "{told:?}");
    ensure!(ids(&unit.findings).is_empty(), "{:?}", unit.findings);
    Ok(())
}

/// `+` before a command line takes the whole sandbox away, whatever the unit says.
fn privileged_command(machine: &Machine) -> Result<()> {
    machine.install_unit(
        "privileged.service",
        "[Service]\nNoNewPrivileges=yes\nPrivateTmp=yes\nType=exec\nExecStart=+/bin/sleep infinity\n",
    )?;
    machine.start_unit("privileged.service")?;
    let units = score(machine, &["privileged.service"], &[])?;
    let unit = &units["privileged.service"];
    let off: Vec<_> = unit.evidence.iter().filter(|one| one.state == "not-in-force").collect();
    ensure!(off.len() == 2, "{:?}", unit.evidence);
    ensure!(off.iter().all(|one| one.detail.as_ref().is_some_and(|why| why.contains("`+`"))), "{off:?}");
    let never = score(machine, &["privileged.service"], &["--evidence", "never"])?;
    let unit = &never["privileged.service"];
    ensure!(unit.evidence.is_empty(), "{:?}", unit.evidence);
    ensure!(ids(&unit.findings).is_empty(), "{:?}", unit.findings);
    Ok(())
}

/// The ids of what is told of evidence.
fn ids(notes: &[Note]) -> Vec<&str> {
    notes.iter().map(|note| note.id.as_str()).filter(|id| id.starts_with("evidence.")).collect()
}

/// Writes units of these settings in one go and makes them known.
fn install(machine: &Machine, units: &[(String, &str)]) -> Result<()> {
    let folder = machine.scratch().join("evidence-units");
    if folder.exists() {
        // A file that is written again is newer than its processes.
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir(&folder)?;
    for (name, lines) in units {
        let text = format!("[Service]\nType=exec\nExecStart=/bin/sleep infinity\n{lines}\n");
        std::fs::write(folder.join(name), text)?;
    }
    let archive = std::process::Command::new("tar")
        .args(["--create", "--owner=root:0", "--group=root:0", "--directory"])
        .arg(&folder)
        .arg(".")
        .output()
        .context("running tar")?;
    let unpack = ["tar", "--extract", "--no-overwrite-dir", "--touch", "-C", "/run/systemd/system"];
    machine.check(&["mkdir", "-p", "/run/systemd/system"])?;
    let unpacked = machine.run_with_input(&unpack, &archive.stdout)?;
    ensure!(unpacked.status.success(), "{}", String::from_utf8_lossy(&unpacked.stderr));
    machine.check(&["systemctl", "daemon-reload"]).map(drop)
}

fn score(machine: &Machine, units: &[&str], options: &[&str]) -> Result<BTreeMap<String, Unit>> {
    let argv = [&[PROGRAM, "score", "--format", "json"], options, units].concat();
    let output = machine.run(&argv)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(said.is_empty(), "{said}");
    let report: Report = serde_json::from_slice(&output.stdout).context("no report")?;
    Ok(report.units.into_iter().map(|unit| (unit.name.clone(), unit)).collect())
}

impl Shows {
    /// The states of the unit that has a setting and of the one that says it too late.
    fn states(self, machine: &Machine) -> Result<(&'static str, &'static str)> {
        Ok(match self {
            Self::InProcess => ("in-force", "not-in-force"),
            Self::Anyway => ("in-force", "in-force"),
            Self::Controller(name) if machine.has_controller(name)? => ("in-force", "in-force"),
            Self::Controller(_) => ("not-in-force", "not-in-force"),
            Self::Framework if machine.systemd()? < 253 => ("not-in-force", "not-in-force"),
            Self::Never | Self::Framework => ("not-observable", "not-observable"),
        })
    }
}
