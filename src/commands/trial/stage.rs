//! What a trial changes of the host: files of units below /run, and other units that are stopped meanwhile. Each change
//! is written down before it is made, so that a trial that was killed is taken back by the next one.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::bus::{Interfaces, Manager, Properties};
use crate::bus_value::BusValue;
use crate::trial::{TrialUnit, TrialUnits};
use crate::unit_file::{Links, Lock, Root, UnitName};

/// Where a trial puts its units: they go with the machine's next start in any case.
const UNITS: &str = "/run/systemd/system";

/// Whoever has this directory locked tries something; what it changed stands in it.
const OWN: &str = "/run/systemd-harden-try";
const RECORD: &str = "/changes.json";

/// How long a unit may take to stop or to start again: longer than managers wait by themselves (DefaultTimeoutStopSec=
/// and DefaultTimeoutStartSec= are 90 seconds), twice for a stop that ends in killing.
const PATIENCE: Duration = Duration::from_secs(200);

/// Units that go down or come up with another one, in so many steps.
const MOST: usize = 256;

/// What was changed.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    /// Units of trials, the first to stop first.
    units: Vec<String>,
    /// Their files.
    files: Vec<String>,
    /// Units that were stopped, in the order in which they are started again.
    stopped: Vec<String>,
}

/// The host during a trial. It must be undone.
pub(super) struct Stage<'a> {
    manager: &'a Manager,
    root: Root,
    own: Root,
    record: Record,
    _lock: Lock,
}

impl<'a> Stage<'a> {
    /// Makes sure that nobody else tries anything, and takes back what a trial left that did not come to its end: what
    /// there is to say about that.
    pub(super) fn open(manager: &'a Manager) -> Result<(Self, Vec<String>)> {
        let made = DirBuilder::new().mode(0o700).recursive(true).create(OWN);
        made.with_context(|| format!("cannot make `{OWN}`"))?;
        let own = Root::open(OWN)?;
        let lock = own.lock(Duration::ZERO).context("another trial is under way on this host")?;
        let mut stage = Self { manager, root: Root::open("/")?, own, record: Record::default(), _lock: lock };
        let mut told = Vec::new();
        if let Some(bytes) = stage.own.read(Path::new(RECORD))? {
            stage.record =
                serde_json::from_slice(&bytes).with_context(|| format!("reading `{OWN}{RECORD}`"))?;
            let Record { units, stopped, .. } = &stage.record;
            let names = [units.as_slice(), stopped].concat();
            for name in names {
                name.parse::<UnitName>().with_context(|| format!("reading `{OWN}{RECORD}`"))?;
            }
            told.push(format!(
                "an earlier trial did not come to its end: {} taken back",
                stage.record.units.join(", ")
            ));
            if !stage.record.stopped.is_empty() {
                told.push(format!(
                    "what it had stopped is started again: {}",
                    stage.record.stopped.join(", ")
                ));
            }
            stage.undo().context("taking back an earlier trial")?;
        }
        Ok((stage, told))
    }

    /// Puts the units of a trial where the manager finds them.
    pub(super) fn install(&mut self, units: &TrialUnits) -> Result<()> {
        let all: Vec<&TrialUnit> = units.sockets.iter().chain([&units.service]).collect();
        for unit in &all {
            let path = place(&unit.file);
            let there = self.root.metadata(&path, Links::Keep)?.is_some();
            ensure!(!there, "`{}` is there already, and no trial of ours left it", path.display());
            let known = self.properties(&unit.unit)?;
            if let Some(path) = known.fragment_path() {
                bail!("there is a unit `{}` already, in `{path}`", unit.unit);
            }
        }
        self.record.units = all.iter().map(|unit| unit.unit.clone()).collect();
        self.record.files = all.iter().map(|unit| unit.file.clone()).collect();
        self.write()?;
        for unit in all {
            self.root.whole(&place(&unit.file), unit.text.as_bytes(), 0o644)?.appear()?;
        }
        self.manager.reload().context("having the manager read the trial's units")
    }

    /// The units that are up, or about to be, and in the way of a trial: those that it is of, and those that cannot run
    /// beside them.
    pub(super) fn in_the_way(&self, units: &TrialUnits) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for unit in units.sockets.iter().chain([&units.service]) {
            let own = self.properties(&unit.of)?;
            let trial = self.properties(&unit.unit)?;
            let mut names = vec![own.id().unwrap_or(&unit.of).to_owned()];
            names.extend([&own, &trial].into_iter().flat_map(|unit| listed(unit, "Conflicts")));
            names.extend(listed(&own, "ConflictedBy"));
            for name in names {
                if !found.contains(&name) && is_up(&self.properties(&name)?) {
                    found.push(name);
                }
            }
        }
        Ok(found)
    }

    /// Stops units that are in the way, with all that go down with them.
    pub(super) fn stop(&mut self, names: &[String]) -> Result<()> {
        const WITH_IT: [&str; 5] = ["RequiredBy", "RequisiteOf", "BoundBy", "ConsistsOf", "PropagatesStopTo"];
        let own = self.record.units.clone();
        let mut all = names.to_vec();
        let mut next = 0;
        while let Some(name) = all.get(next).cloned() {
            next += 1;
            let properties = self.properties(&name)?;
            for other in WITH_IT.iter().flat_map(|property| listed(&properties, property)) {
                if !all.contains(&other) && !own.contains(&other) && is_up(&self.properties(&other)?) {
                    all.push(other);
                }
            }
            ensure!(all.len() <= MOST, "more than {MOST} units would go down with {}", names.join(", "));
        }
        // Sockets come before what they hand their connections to.
        all.sort_by_cached_key(|name| usize::from(!name.ends_with(".socket")));
        self.record.stopped = all;
        self.write()?;
        for name in self.record.stopped.clone() {
            self.end(&name).with_context(|| format!("stopping {name}"))?;
        }
        Ok(())
    }

    /// What was stopped.
    pub(super) fn stopped(&self) -> &[String] {
        &self.record.stopped
    }

    /// Takes back everything. What cannot be is told together, with what to do, and the next trial tries again.
    pub(super) fn undo(&mut self) -> Result<()> {
        let record = std::mem::take(&mut self.record);
        let mut failed = Vec::new();
        for unit in &record.units {
            if let Err(error) = self.end(unit) {
                failed.push(format!("{unit} may run still ({error:#}): `systemctl kill {unit}`"));
            }
        }
        for file in &record.files {
            if let Err(error) = self.root.remove(&place(file)) {
                failed.push(format!("{error:#}"));
            }
        }
        if !record.units.is_empty() {
            for unit in &record.units {
                // What is forgotten already is no failure, and a manager that is gone shows below.
                let _ = self.manager.reset_failed(unit);
            }
            if let Err(error) = self.manager.reload() {
                failed.push(format!(
                    "the manager knows the trial's units still ({error:#}): `systemctl daemon-reload`"
                ));
            }
        }
        for unit in &record.stopped {
            if let Err(error) = self.begin(unit) {
                failed.push(format!("{unit} was stopped for the trial and is not up again ({error:#}): `systemctl start {unit}`"));
            }
        }
        if failed.is_empty() {
            return self.own.remove(Path::new(RECORD));
        }
        self.record = record;
        bail!("not everything is as it was:\n  {}", failed.join("\n  "))
    }

    /// What the manager says of a unit.
    pub(super) fn properties(&self, unit: &str) -> Result<Properties> {
        let (_, answer) =
            self.manager.properties(&[unit.to_owned()], Interfaces::All).pop().context("no answer")?;
        answer.with_context(|| unit.to_owned())
    }

    /// Stops the trial's units.
    pub(super) fn end_trial(&self) -> Result<()> {
        for unit in &self.record.units {
            self.end(unit).with_context(|| format!("stopping {unit}"))?;
        }
        Ok(())
    }

    fn end(&self, unit: &str) -> Result<()> {
        if !is_up(&self.properties(unit)?) {
            return Ok(());
        }
        let until = Instant::now() + PATIENCE;
        let ended = self.manager.stop(unit, &|| Instant::now() < until)?;
        let ended =
            ended.with_context(|| format!("it does not stop within {} seconds", PATIENCE.as_secs()))?;
        ensure!(ended.is_done(), "stopping it ended with `{}`", ended.word());
        Ok(())
    }

    fn begin(&self, unit: &str) -> Result<()> {
        if self.properties(unit)?.active_state() == Some("active") {
            return Ok(());
        }
        let until = Instant::now() + PATIENCE;
        let started = self.manager.start(unit, &|| Instant::now() < until)?;
        let started =
            started.with_context(|| format!("it does not start within {} seconds", PATIENCE.as_secs()))?;
        ensure!(started.is_done(), "starting it ended with `{}`", started.word());
        Ok(())
    }

    fn write(&self) -> Result<()> {
        let text = serde_json::to_string_pretty(&self.record)? + "\n";
        self.own.whole(Path::new(RECORD), text.as_bytes(), 0o600)?.replace()
    }
}

/// Where the file of a trial's unit is.
pub(super) fn place(file: &str) -> PathBuf {
    Path::new(UNITS).join(file)
}

/// The units that a property lists.
fn listed(properties: &Properties, property: &str) -> Vec<String> {
    let texts = properties.get(property).and_then(BusValue::as_texts).unwrap_or_default();
    texts.into_iter().map(str::to_owned).collect()
}

/// Whether there is anything to stop.
fn is_up(properties: &Properties) -> bool {
    !matches!(properties.active_state(), Some("inactive" | "failed") | None)
}
