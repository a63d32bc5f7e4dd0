//! What the manager and the journal say of a unit, and which ending of which of its processes that comes to. A restart
//! hides it from the manager's properties, so that the journal's last word counts.

use crate::catalogue::{ExecStep, Signal};

/// What is said of a unit.
#[derive(Clone, Debug, Default)]
pub struct Symptoms {
    /// `active`, `failed` and so on.
    pub active: String,
    /// The unit's own word for that, as `running`, `auto-restart`.
    pub sub: String,
    /// `success`, `exit-code`, `signal`, `oom-kill` and so on.
    pub result: String,
    /// The same of the last reload.
    pub reload_result: String,
    /// How the main process ended, where it did.
    pub main: Option<Exit>,
    /// How often the manager started it again by itself.
    pub restarts: u64,
    /// The run that the properties are of.
    pub invocation: Option<String>,
    /// What the journal has of it, oldest first.
    pub journal: Vec<JournalLine>,
    /// What the kernel said of system calls that filters refuse.
    pub kernel: Vec<String>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this status.
    Exited(u64),
    /// By this signal.
    Killed(u64),
}

/// A line of the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalLine {
    /// Who wrote it.
    pub speaker: Speaker,
    /// The text.
    pub text: String,
    /// The run of the unit that it belongs to.
    pub invocation: Option<String>,
    /// The process that wrote it.
    pub pid: Option<u64>,
    /// The error that it is about, by its number.
    pub errno: Option<u64>,
    /// The program that was to be run.
    pub executable: Option<String>,
    /// The command that ended, and how, where it tells that.
    pub ended: Option<(String, Exit)>,
}

/// Who writes to the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Speaker {
    /// The manager.
    Manager,
    /// Its child, which is to become the program.
    Child,
    /// The program.
    #[default]
    Program,
}

/// An ending that counts as a failure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ending {
    /// The command, as `ExecStart`; nothing where it is not known.
    pub command: Option<String>,
    /// How it ended; nothing where the manager gave up without a process.
    pub exit: Option<Exit>,
    /// The manager's word for it.
    pub result: String,
    /// The run.
    pub invocation: Option<String>,
    /// Its line in the journal.
    pub(super) place: Option<usize>,
}

impl Symptoms {
    /// What failed; nothing where nothing did.
    pub fn failure(&self) -> Option<Ending> {
        let fine = |result: &str| result.is_empty() || result == "success";
        let is_failed =
            self.active == "failed" || !fine(&self.result) || !fine(&self.reload_result) || self.restarts > 0;
        if !is_failed {
            return None;
        }
        let told = self.journal.iter().enumerate().rev().find_map(|(place, line)| {
            let (command, exit) = line.ended.as_ref()?;
            (line.speaker == Speaker::Manager && exit.is_failure()).then_some((place, line, command, *exit))
        });
        let main = self.main.filter(|exit| exit.is_failure());
        let result = if fine(&self.result) { &self.reload_result } else { &self.result };
        Some(match told {
            Some((place, line, command, exit)) => Ending {
                command: Some(command.clone()),
                exit: Some(exit),
                result: result.clone(),
                invocation: line.invocation.clone(),
                place: Some(place),
            },
            None => Ending {
                command: None,
                exit: main,
                result: result.clone(),
                invocation: self.invocation.clone(),
                place: None,
            },
        })
    }

    /// The lines that belong to an ending: those of its run, after the ending before it. A program's last words may
    /// reach the journal after the manager's.
    pub(super) fn lines_of(&self, ending: &Ending) -> Vec<&JournalLine> {
        let same = |line: &&JournalLine| line.invocation.is_none() || line.invocation == ending.invocation;
        let from = ending.place.map_or(0, |place| {
            let before = self.journal.get(..place).unwrap_or_default();
            before.iter().rposition(|line| line.ended.is_some()).map_or(0, |earlier| earlier + 1)
        });
        let rest = self.journal.get(from..).unwrap_or_default();
        let own = ending.place.map_or(usize::MAX, |place| place - from);
        let until = rest.iter().enumerate().position(|(place, line)| place > own && line.ended.is_some());
        rest.iter().take(until.unwrap_or(rest.len())).filter(same).collect()
    }
}

impl JournalLine {
    /// Whether it says more than that something happened.
    pub(super) fn tells(&self) -> bool {
        match self.speaker {
            Speaker::Manager => self.ended.is_some() || self.errno.is_some(),
            Speaker::Child => true,
            Speaker::Program => super::clue::read(&self.text).is_some(),
        }
    }
}

impl Exit {
    /// Whether it is one that the manager does not take for a proper end (systemd.service(5), `SuccessExitStatus=`).
    pub fn is_failure(self) -> bool {
        const PROPER: [u64; 4] = [1, 2, 13, 15];
        match self {
            Self::Exited(status) => status != 0,
            Self::Killed(signal) => !PROPER.contains(&signal),
        }
    }
}

impl Ending {
    /// The step at which systemd's own child ended, if its status is that of one.
    pub fn step(&self) -> Option<ExecStep> {
        match self.exit? {
            Exit::Exited(status) => ExecStep::find(status),
            Exit::Killed(_) => None,
        }
    }

    /// The signal that killed it, of those that directives kill with.
    pub fn signal(&self) -> Option<Signal> {
        match self.exit? {
            Exit::Killed(number) => {
                Signal::ALL.iter().copied().find(|signal| u64::from(signal.number()) == number)
            }
            Exit::Exited(_) => None,
        }
    }

    /// How it ended, in a word: `226/NAMESPACE`, `SIGSYS`, or the manager's own.
    pub fn word(&self) -> String {
        match (self.exit, self.step(), self.signal()) {
            (_, Some(step), _) => format!("{}/{}", step.number(), step.name()),
            (_, _, Some(signal)) => signal.name().to_owned(),
            (Some(Exit::Exited(status)), ..) => format!("status {status}"),
            (Some(Exit::Killed(number)), ..) => format!("signal {number}"),
            (None, ..) => self.result.clone(),
        }
    }

    /// How it ended, in systemd's words and what they mean.
    pub fn says(&self) -> String {
        let what = match &self.command {
            Some(command) => format!("{command}="),
            None if self.exit.is_some() => "the main process".to_owned(),
            None => return format!("the manager gave it up with `{}`", self.result),
        };
        match (self.exit, self.step(), self.signal()) {
            (_, Some(step), _) => {
                format!("{what} ended with {}/{}: {}", step.number(), step.name(), step.says())
            }
            (_, _, Some(signal)) => format!("{what} was killed by {}: {}", signal.name(), signal.says()),
            (Some(Exit::Exited(status)), ..) => format!("{what} ended with status {status}"),
            (Some(Exit::Killed(number)), ..) => format!("{what} was killed by signal {number}"),
            (None, ..) => format!("{what} ended with `{}`", self.result),
        }
    }
}
