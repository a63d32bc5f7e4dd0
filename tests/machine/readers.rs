//! Both readers of a unit: what its file comes to and what a real manager publishes of it must be one posture,
//! directive by directive, whatever is set.
//!
//! Every directive that the manager's release knows is set at least once, words and booleans to each of their values.
//! Units are loaded and not started: what the manager publishes is what it has read. Transient units are started, for
//! those the manager reads from their properties.

mod samples;

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use systemd_harden::bus::{Address, Interfaces, LoadState, Manager, Properties};
use systemd_harden::bus_posture;
use systemd_harden::catalogue::{self, Bus, Directive, Kind, Sections};
use systemd_harden::context::{Context, Mode, Scope, UnitType};
use systemd_harden::posture::{Origin, Posture};
use systemd_harden::release::Release;
use systemd_harden::syscalls::{self, Architecture};
use systemd_harden::unit_file::{Load, Loader, Root, SearchPath};
use systemd_harden::unit_posture;
use systemd_harden::value::{CallFilter, Value};

use super::{Machine, run_scenarios};
use samples::SAMPLES;

#[test]
fn files_and_the_bus_say_the_same() -> Result<()> {
    run_scenarios(
        |_| Ok(()),
        &[
            ("both readers agree on unit files", |machine| agree_on_files(machine)),
            ("both readers agree on transient units", |machine| agree_on_transient_units(machine)),
        ],
    )
}

#[test]
fn every_directive_is_tried() {
    let untried: Vec<&str> = catalogue::all()
        .iter()
        .filter(|directive| values(directive, u16::MAX).is_empty())
        .map(|directive| directive.name)
        .collect();
    assert_eq!(untried, [""; 0]);
}

/// The values to try: each word and boolean that the release knows, or the samples.
fn values(directive: &Directive, release: u16) -> Vec<&'static str> {
    match directive.kind {
        Kind::Switch(_) => vec!["yes", "no"],
        Kind::Level(rules) => {
            rules.levels.iter().filter(|level| level.since <= release).map(|level| level.text).collect()
        }
        _ => {
            let samples = SAMPLES.iter().find(|(name, _)| *name == directive.name);
            samples.map_or_else(Vec::new, |(_, values)| values.to_vec())
        }
    }
}

/// Lines that a directive needs beside it, so that the unit is not refused.
fn beside(directive: &Directive, value: &str) -> &'static str {
    match (directive.name, value) {
        ("Type", "dbus") => "BusName=org.example.Reader\n",
        // A priority beside a policy that has none is refused.
        ("CPUSchedulingPriority", _) => "CPUSchedulingPolicy=rr\n",
        ("PAMName", _) => "User=nobody\n",
        ("CoredumpReceive" | "DelegateSubgroup", _) => "Delegate=yes\n",
        _ => "",
    }
}

/// A unit with one directive set.
struct Sample {
    directive: &'static Directive,
    value: &'static str,
    unit: String,
}

impl Sample {
    fn text(&self) -> String {
        let mut lines = String::new();
        for line in self.value.split('|') {
            // Writing to a String cannot fail.
            let _ = writeln!(lines, "{}={line}", self.directive.name);
        }
        let start = "[Service]\nExecStart=/bin/sleep infinity\n";
        if self.directive.sections == Sections::Unit {
            format!("[Unit]\n{lines}{start}")
        } else {
            format!("{start}{}{lines}", beside(self.directive, self.value))
        }
    }
}

fn samples(prefix: &str, manager: &Manager, release: Release) -> Vec<Sample> {
    // Without BPF it takes the lists for empty.
    let has_bpf = manager.feature("BPF_FRAMEWORK") == Some(true);
    let mut samples = Vec::new();
    for directive in catalogue::all().iter().copied().filter(|directive| directive.is_known_to(release)) {
        if directive.name == "RestrictFileSystems" && !has_bpf {
            continue;
        }
        for (number, value) in values(directive, release.major).into_iter().enumerate() {
            let unit = format!("{prefix}-{}-{number}.service", directive.name.to_ascii_lowercase());
            samples.push(Sample { directive, value, unit });
        }
    }
    samples
}

fn manager(machine: &Machine) -> Result<(Manager, Context)> {
    let manager = Manager::connect(&Address::At(machine.bus_address()), Duration::from_secs(30))?;
    let architecture = manager.architecture().and_then(Architecture::find);
    let context = Context {
        release: manager.version().parse()?,
        mode: Mode::Loaded,
        scope: Scope::System,
        unit_type: UnitType::Service,
        architecture: architecture.context("the manager does not say its architecture")?,
    };
    Ok((manager, context))
}

fn posture_of_file(root: &Root, unit: &str, context: Context) -> Result<Option<Posture>> {
    let mut loader = Loader::new(root, SearchPath::system());
    let Load::Loaded(text) = loader.load(&unit.parse()?)? else { bail!("`{unit}` is not there") };
    let reading = unit_posture::read(&text, &Posture::unset(unit, context));
    if let Some(notice) = reading.notices.iter().find(|notice| notice.directive.is_some()) {
        bail!("`{unit}`: {}", notice.text);
    }
    Ok(reading.refused.is_none().then_some(reading.posture))
}

/// In what two readings of one unit differ.
fn differences(bus: &Posture, file: &Posture, but: &[&str]) -> Vec<String> {
    let mut differences = Vec::new();
    for (directive, written) in file.iter() {
        let published = bus.get(directive);
        let is_known = published.origin != Origin::NotKnown && !matches!(written.value, Value::Share(_));
        let common = |value: &Value| common(value, file.context.release);
        let order = directive.kind.compare(&common(&published.value), &common(&written.value));
        if is_known && order != Some(Ordering::Equal) && !but.contains(&directive.name) {
            let show = |value: &Value| match value {
                Value::Unset => "unset".to_owned(),
                value => format!("`{}`", directive.kind.write(value)),
            };
            let (file, bus) = (show(&written.value), show(&published.value));
            differences.push(format!("{}= is {file} in the file and {bus} on the bus", directive.name));
        }
    }
    differences
}

/// Without the system calls that the release's library does not know: the manager leaves them out.
fn common(value: &Value, release: Release) -> Value {
    let Value::Calls(filter) = value else { return value.clone() };
    let calls = filter.calls.iter().filter(|call| syscalls::is_known(*call, release)).collect();
    Value::Calls(Box::new(CallFilter { calls, ..*filter.clone() }))
}

/// Directives that the manager does not publish as they are written.
fn is_unpublished(directive: &Directive, value: &str) -> bool {
    let stream = matches!(directive.name, "StandardInput" | "StandardOutput");
    matches!(directive.bus, Bus::Nowhere)
        || matches!(directive.name, "PermissionsStartOnly" | "WatchdogSec")
        || stream && (value.contains(':') || value == "data")
        || value.starts_with("base64:")
}

fn agree_on_files(machine: &Machine) -> Result<()> {
    let (manager, context) = manager(machine)?;
    let tree = machine.scratch().join("readers");
    let folder = tree.join("etc/systemd/system");
    fs::create_dir_all(&folder)?;
    let samples = samples("reader", &manager, context.release);
    for sample in &samples {
        fs::write(folder.join(&sample.unit), sample.text())?;
    }
    machine.install_tree(&tree)?;
    let root = Root::open(&tree)?;
    let names: Vec<String> = samples.iter().map(|sample| sample.unit.clone()).collect();
    let mut wrong = Vec::new();
    for (sample, (unit, properties)) in samples.iter().zip(manager.properties(&names, Interfaces::All)) {
        let shown = format!("{}={}", sample.directive.name, sample.value);
        let properties = properties.with_context(|| format!("reading `{unit}`"))?;
        let file = posture_of_file(&root, &unit, context).with_context(|| shown.clone())?;
        let is_loaded = properties.load_state() == Some(LoadState::Loaded);
        let Some(file) = file.filter(|_| is_loaded) else {
            wrong.push(format!("{shown}: refused: {:?}", properties.load_error()));
            continue;
        };
        let bus = read(&unit, &properties, context, &mut wrong);
        let is_known = bus.get(sample.directive).origin == Origin::Bus;
        if is_known == is_unpublished(sample.directive, sample.value) {
            wrong.push(format!("{shown}: known from the bus: {is_known}"));
        }
        // Later than 252, credentials make Type=exec of a Type= that nothing set.
        let but: &[&str] = if sample.directive.name.contains("Credential") { &["Type"] } else { &[] };
        wrong.extend(differences(&bus, &file, but).iter().map(|text| format!("{shown}: {text}")));
    }
    ensure!(wrong.is_empty(), "{} of {} units:\n{}", wrong.len(), samples.len(), wrong.join("\n"));
    Ok(())
}

fn read(unit: &str, properties: &Properties, context: Context, wrong: &mut Vec<String>) -> Posture {
    let reading = bus_posture::read(unit, properties, &Posture::unset("", context));
    for odd in reading.odd {
        let value = properties.get(odd.property);
        wrong.push(format!("`{unit}`: the property {} is odd: {value:?}", odd.property));
    }
    reading.posture
}

/// What systemd-run(1) says of every unit it makes.
const RUNNERS_OWN: [&str; 1] = ["Type"];

/// Units in one go of the shell, so that no go takes too long.
const AT_ONCE: usize = 40;

fn agree_on_transient_units(machine: &Machine) -> Result<()> {
    let (manager, context) = manager(machine)?;
    let tree = machine.scratch().join("transient");
    let folder = tree.join("etc/systemd/system");
    fs::create_dir_all(&folder)?;
    let mut made = Vec::new();
    // Of several lines the last one counts for some of its properties, unlike in a file.
    let mut samples = samples("transient", &manager, context.release);
    samples.retain(|sample| !sample.value.contains('|'));
    for samples in samples.chunks(AT_ONCE) {
        let mut script = String::new();
        for sample in samples {
            fs::write(folder.join(&sample.unit), sample.text())?;
            script.push_str(&start(sample));
        }
        let started = machine.run_with_input(&["sh", "-s"], script.as_bytes())?;
        let started = String::from_utf8_lossy(&started.stdout).into_owned();
        made.extend(samples.iter().filter(|sample| started.lines().any(|unit| unit == sample.unit)));
    }
    ensure!(made.len() > 200, "systemd-run made only {} units of {}", made.len(), samples.len());
    let root = Root::open(&tree)?;
    let names: Vec<String> = made.iter().map(|sample| sample.unit.clone()).collect();
    let mut wrong = Vec::new();
    for (sample, (unit, properties)) in made.iter().zip(manager.properties(&names, Interfaces::All)) {
        let properties = properties.with_context(|| format!("reading `{unit}`"))?;
        let Some(file) = posture_of_file(&root, &unit, context)? else { continue };
        // What could not be set up at all is gone by now.
        if properties.load_state() != Some(LoadState::Loaded) {
            continue;
        }
        let bus = read(&unit, &properties, context, &mut wrong);
        let differences = differences(&bus, &file, &RUNNERS_OWN);
        let shown = format!("{}={}", sample.directive.name, sample.value);
        wrong.extend(differences.iter().map(|text| format!("{shown}: {text}")));
    }
    machine.run(&[
        "sh",
        "-c",
        "systemctl kill -s KILL 'transient-*'; systemctl reset-failed 'transient-*'",
    ])?;
    ensure!(wrong.is_empty(), "{} of {} units:\n{}", wrong.len(), made.len(), wrong.join("\n"));
    Ok(())
}

/// A command that makes the unit, and says its name if it could.
fn start(sample: &Sample) -> String {
    let quote = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let mut command = format!("systemd-run --quiet --no-block --unit={}", sample.unit);
    for line in beside(sample.directive, sample.value).lines() {
        let _ = write!(command, " --property={}", quote(line));
    }
    for line in sample.value.split('|') {
        let _ = write!(command, " --property={}", quote(&format!("{}={line}", sample.directive.name)));
    }
    format!("{command} -- sleep infinity >/dev/null 2>&1 && echo {}\n", sample.unit)
}
