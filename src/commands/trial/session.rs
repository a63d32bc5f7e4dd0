//! One trial, from the start of its units to what is known of them when they are stopped.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Result, bail, ensure};

use super::super::journal;
use super::super::manager::{Connection, host, why_not};
use super::super::observed::{Observed, presence, symptoms};
use super::client;
use super::stage::{Stage, place};
use crate::bus::Properties;
use crate::cli::Try;
use crate::context::Scope;
use crate::failure::{Speaker, Surroundings, Symptoms, denials};
use crate::manifest::Manifest;
use crate::posture::Posture;
use crate::target::Target;
use crate::trial::{DenialFact, Model, Outcome, TrialFacts, TrialUnits, remedies};
use crate::unit_file::Assignment;
use crate::visible::shown;

/// How long a service may take to be up: as long as managers wait by themselves (DefaultTimeoutStartSec=). One that a
/// manager waits for without end, as for `Type=oneshot`, is stopped after that.
const START: Duration = Duration::from_secs(90);

/// How often it is looked whether it is up still.
const LOOK: Duration = Duration::from_millis(100);

/// The last lines that are told of a failure that nothing is known of.
const LAST_WORDS: usize = 8;

/// What is tried, and on what.
pub(super) struct Session<'a> {
    pub(super) arguments: &'a Try,
    pub(super) connection: &'a Connection,
    pub(super) manifest: &'a Manifest,
    pub(super) target: &'a Target,
    pub(super) units: &'a TrialUnits,
    pub(super) model: &'a Model<'a>,
    /// Set when somebody wants this program to end.
    pub(super) interrupted: Arc<AtomicBool>,
}

/// What was seen while it ran.
struct Seen {
    outcome: Outcome,
    symptoms: Symptoms,
    command: Option<crate::trial::CommandFact>,
}

impl Session<'_> {
    /// Runs it; what it left on the host is for the stage to undo.
    pub(super) fn run(&self, stage: &mut Stage<'_>) -> Result<TrialFacts> {
        let unit = &self.units.service;
        stage.install(self.units)?;
        let loaded = stage.properties(&unit.unit)?;
        if let Some(why) = why_not(&unit.unit, &loaded) {
            bail!("{}: {why}", unit.unit);
        }
        // The lines of the trial are those of what is rendered, in the same places.
        let own = place(&unit.file);
        let told_as = Some((own.as_path(), Path::new(&unit.place)));
        let host = host(Scope::System);
        let observed = Observed::new(self.connection, &unit.unit, &loaded, host.as_ref(), told_as);
        let in_the_way = stage.in_the_way(self.units)?;
        ensure!(
            in_the_way.is_empty() || self.arguments.replace,
            "{} {} up: stop it, or have it stopped and started again with --replace",
            in_the_way.join(", "),
            if in_the_way.len() == 1 { "is" } else { "are" }
        );
        stage.stop(&in_the_way)?;
        let since = SystemTime::now();
        let mut seen = self.watch(stage)?;
        let log = loaded.text("LogNamespace").filter(|name| !name.is_empty());
        let read = journal::read_since(&unit.unit, Scope::System, log, since);
        seen.symptoms.journal = read.lines;
        seen.symptoms.kernel = read.kernel;
        if seen.outcome == Outcome::Ended
            && seen.symptoms.journal.iter().all(|line| line.invocation.is_none())
        {
            // The manager takes a condition that does not hold for a success.
            let told = seen.symptoms.journal.iter().rfind(|line| line.speaker == Speaker::Manager);
            let told = told.map_or("the journal says nothing of it", |line| line.text.as_str());
            bail!("it was not started: {}", shown(told));
        }
        let mut facts = self.judge(seen, observed, stage);
        facts.hints.extend(read.notes.iter().map(|note| shown(note)));
        let drop_ins = stage.properties(&unit.of)?;
        let drop_ins = drop_ins.drop_in_paths();
        if !drop_ins.is_empty() {
            let paths = drop_ins.into_iter().map(shown).collect::<Vec<_>>().join(", ");
            facts.hints.push(format!("drop-ins of {} are no part of the trial: {paths}", unit.of));
        }
        Ok(facts)
    }

    /// Starts it, keeps it up, and stops it.
    fn watch(&self, stage: &Stage<'_>) -> Result<Seen> {
        let manager = &self.connection.manager;
        let unit = &self.units.service.unit;
        for socket in &self.units.sockets {
            let until = Instant::now() + START;
            let started = manager.start(&socket.unit, &|| self.goes_on(until))?;
            self.check()?;
            let word = started.as_ref().map_or("no answer", |result| result.word());
            ensure!(
                word == "done",
                "{} does not listen for the trial: its start ended with `{word}`",
                socket.of
            );
        }
        let until = Instant::now() + START;
        let started = manager.start(unit, &|| self.goes_on(until))?;
        self.check()?;
        if let Some(result) = &started {
            // What else may become of a start is no failure of the service.
            let tried = ["done", "failed", "timeout", "canceled"].contains(&result.word());
            ensure!(
                tried,
                "it was not started: the manager says `{}`{}",
                result.word(),
                match result.word() {
                    "skipped" => ", for a condition of its unit does not hold",
                    "assert" => ", for what its unit asserts does not hold",
                    "dependency" => ", for a unit that it requires could not be started",
                    _ => "",
                }
            );
        }
        let mut properties = stage.properties(unit)?;
        let until = Instant::now() + Duration::from_secs(self.arguments.seconds);
        let argv = &self.arguments.command;
        let command = (!argv.is_empty()).then(|| {
            if is_active(&properties) {
                client::serve(argv, until, &|| !self.is_interrupted())
            } else {
                client::not_run(argv)
            }
        });
        while is_active(&properties) && self.goes_on(until) {
            sleep(LOOK);
            properties = stage.properties(unit)?;
        }
        self.check()?;
        let mut found = symptoms(&properties);
        let mut outcome = match (&started, found.failure().is_some(), is_active(&properties)) {
            (_, true, _) => Outcome::Failed,
            (None, ..) => Outcome::NotUp,
            (Some(result), ..) if !result.is_done() => Outcome::Failed,
            (.., true) => Outcome::Ran,
            (.., false) => Outcome::Ended,
        };
        stage.end_trial()?;
        let after = symptoms(&stage.properties(unit)?);
        if found.failure().is_none() && after.failure().is_some() && outcome != Outcome::NotUp {
            outcome = Outcome::Failed;
            found = after;
        }
        Ok(Seen { outcome, symptoms: found, command })
    }

    /// What is to be said of it.
    fn judge(&self, seen: Seen, observed: Observed, stage: &Stage<'_>) -> TrialFacts {
        let unit = &self.units.service;
        let Seen { outcome, symptoms, command } = seen;
        let Observed { posture, lines } = observed;
        let around = Surroundings {
            posture: &posture,
            lines: &lines,
            declared: Some(&self.model.policy().written),
            host: &presence,
        };
        let found = denials(&symptoms, &around);
        let refused: Vec<DenialFact> = found
            .all
            .iter()
            .map(|denial| {
                let standing = |other: &Posture| {
                    let lines: &[Assignment] = &[];
                    let around = Surroundings { posture: other, lines, declared: None, host: &presence };
                    denial.standing(&symptoms, &posture, &around)
                };
                DenialFact::new(denial, &remedies(denial, self.model, &presence, &standing))
            })
            .collect();
        let failure = symptoms.failure().map(|ending| shown(&ending.says()));
        let went = matches!(outcome, Outcome::Ran | Outcome::Ended);
        let last = symptoms.journal.len().saturating_sub(LAST_WORDS);
        let own_words = symptoms.journal.iter().skip(last).filter(|line| line.speaker != Speaker::Manager);
        let said = if went || !refused.is_empty() {
            Vec::new()
        } else {
            own_words.map(|line| shown(&line.text)).collect()
        };
        let mut hints: Vec<String> = found.hints.iter().map(|hint| shown(hint)).collect();
        if !went && refused.is_empty() {
            hints.push(
                "it fails for a reason of its own, or one that neither systemd nor the program names: nothing that it \
                 said is what a directive of its unit is known to refuse"
                    .to_owned(),
            );
        }
        if outcome == Outcome::Ended && !self.arguments.command.is_empty() {
            hints
                .push("it ended before the request was answered: it may be no service that stays".to_owned());
        }
        TrialFacts {
            unit: unit.of.clone(),
            ran_as: unit.unit.clone(),
            manifest: shown(&self.manifest.path),
            strictness: self.manifest.strictness.as_str(),
            target: self.target.name.clone(),
            systemd: shown(self.connection.manager.version()),
            outcome,
            failure,
            command,
            denials: refused,
            added: Vec::new(),
            not_tried: self.units.left_out.iter().map(|text| shown(text)).collect(),
            replaced: stage.stopped().iter().map(|unit| shown(unit)).collect(),
            said,
            hints,
        }
    }

    fn goes_on(&self, until: Instant) -> bool {
        !self.is_interrupted() && Instant::now() < until
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// An error once somebody wants an end.
    fn check(&self) -> Result<()> {
        ensure!(!self.is_interrupted(), "interrupted; what the trial changed is taken back");
        Ok(())
    }
}

fn is_active(properties: &Properties) -> bool {
    matches!(properties.active_state(), Some("active" | "reloading" | "refreshing"))
}
