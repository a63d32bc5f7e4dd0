//! Whether what a unit declares is in force in its processes: for each directive that says something, what the kernel
//! shows of it, compared with the manager that started the processes.
//!
//! Answers by the proofs of the catalogue's rows and asks for no directive by name. Reading the kernel is `process`'s,
//! showing the result the report's. What cannot be seen is never called in force, and what cannot be read is never
//! called off.

mod group;
mod place;
mod trace;

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::catalogue::{Directive, Proof, Requires, Sign, Trace};
use crate::context::{Context, Scope};
use crate::finding::{Finding, Severity};
use crate::gather::Gather as _;
use crate::posture::{Origin, Posture, Setting, default_value};
use crate::process::{ControlGroup, Fact, Part, Process};
use crate::value::Value;

/// What is known of one directive that says something.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// The directive.
    pub directive: &'static Directive,
    /// What the kernel shows of it.
    pub verdict: Verdict,
}

/// What the kernel shows of a directive.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Every process shows what it leaves behind.
    InForce,
    /// A process, or the control group, shows that it is not.
    NotInForce(Lack),
    /// Nothing outside the process can show it, for this reason.
    NotObservable(String),
    /// It could be read with more privileges: this file.
    NotReadable(String),
}

/// How a directive was found not to be in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Lack {
    /// What should be seen.
    pub expected: String,
    /// What is seen.
    pub seen: String,
    /// Why, where that is known.
    pub why: Option<String>,
    /// The first process that shows it, and its program; none where it is the control group.
    pub process: Option<(u32, String)>,
    /// Whether it needs attention.
    pub severity: Severity,
}

/// What there is to know besides the unit's settings.
pub struct Scene<'a> {
    /// The unit's processes, those apart that have not become its program.
    pub processes: Vec<Process>,
    /// The number of the main one.
    pub main: Option<u32>,
    /// The manager that started them; nothing where it cannot be read at all.
    pub manager: Option<Process>,
    /// Their control group.
    pub control_group: Option<ControlGroup>,
    /// The user and the group that the manager found for the unit.
    pub ids: (Option<u32>, Option<u32>),
    /// Users by name, as far as files say them.
    pub users: BTreeMap<String, u32>,
    /// Groups by name, as far as files say them.
    pub groups: BTreeMap<String, u32>,
    /// Whether the manager was built with a feature, where it says.
    pub feature: &'a dyn Fn(&str) -> Option<bool>,
    /// What the machine runs in, where that is a container.
    pub container: Option<String>,
    /// What keeps every setting from being applied, where something does: a command line with `+`.
    pub exempt: Option<String>,
    /// Whether the unit's files changed after its processes were started.
    pub changed: bool,
    /// A path of the host without links; nothing where nothing is.
    pub resolve: &'a dyn Fn(&str) -> Option<String>,
}

/// What was seen of a sign.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Sight {
    Shown,
    Invisible(String),
    Unreadable(String),
    Missing { expected: String, seen: String, why: Option<String>, doing: Doing },
}

/// Whose doing it is that a setting is not in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// Something went wrong between the unit and its processes.
    NotAsDeclared,
    /// The process is free to have undone it.
    Program,
    /// This machine has no means for it, whatever the unit says: a build option of systemd, a controller.
    Machine,
}

/// The files of a control group that a unit's directives are proved by.
pub fn control_files(posture: &Posture) -> BTreeSet<&'static str> {
    let file = |trace| match trace {
        Trace::ControlGroup(file) => Some(file.file),
        _ => None,
    };
    traces(posture).filter_map(file).gather()
}

/// What of its processes a unit's directives are proved by, beside who they are. Where processes are in hierarchies of
/// version 1 matters for files alone that the unit's own group has not.
pub fn process_parts(posture: &Posture, control_group: Option<&ControlGroup>) -> BTreeSet<Part> {
    let has = |file: &str| {
        control_group.is_some_and(|group| !matches!(group.files.get(file), Some(Fact::Missing) | None))
    };
    let asks = |trace: &Trace| !matches!(trace, Trace::ControlGroup(file) if has(file.file));
    traces(posture).filter(asks).flat_map(trace::parts).gather()
}

/// All that the directives which say something may leave behind.
fn traces(posture: &Posture) -> impl Iterator<Item = Trace> {
    let signs = declared(posture).filter_map(|(directive, _)| match directive.proof {
        Proof::By(signs) => Some(signs),
        Proof::Nothing(_) | Proof::Unstated => None,
    });
    signs.flatten().map(|sign| sign.trace)
}

/// What the kernel shows of each directive that the unit sets, in the catalogue's order; nothing without processes.
pub fn judge(posture: &Posture, scene: &Scene<'_>) -> Vec<Evidence> {
    if scene.processes.is_empty() {
        return Vec::new();
    }
    let judge = Judge { posture, scene, filters: least_filters(posture) };
    declared(posture)
        .map(|(directive, setting)| Evidence { directive, verdict: judge.verdict(directive, setting) })
        .collect()
}

/// What there is to know of it: each directive that is not in force, and one notice for what cannot be read.
pub fn findings(evidence: &[Evidence]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = evidence.iter().filter_map(Evidence::finding).collect();
    let unread: Vec<_> = evidence
        .iter()
        .filter_map(|evidence| match &evidence.verdict {
            Verdict::NotReadable(file) => Some(file),
            _ => None,
        })
        .collect();
    if let Some(file) = unread.first() {
        let (count, what) = (unread.len(), if unread.len() == 1 { "directive" } else { "directives" });
        let text = format!("of {count} {what} the evidence, such as `{file}`, is for root to read");
        findings.push(Finding::notice("evidence.not-readable", text));
    }
    findings
}

impl Verdict {
    /// As reports have it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::InForce => "in-force",
            Self::NotInForce(_) => "not-in-force",
            Self::NotObservable(_) => "not-observable",
            Self::NotReadable(_) => "not-readable",
        }
    }

    /// The worst comes last.
    fn badness(&self) -> u8 {
        match self {
            Self::NotObservable(_) => 0,
            Self::InForce => 1,
            Self::NotReadable(_) => 2,
            Self::NotInForce(lack) if lack.severity == Severity::Notice => 3,
            Self::NotInForce(_) => 4,
        }
    }
}

impl Evidence {
    fn finding(&self) -> Option<Finding> {
        let Verdict::NotInForce(lack) = &self.verdict else { return None };
        let Lack { expected, seen, why, process, severity } = lack;
        let name = self.directive.name;
        let why = why.as_ref().map_or_else(String::new, |why| format!("; {why}"));
        let text = format!("{name}= is declared and not in force: expected {expected}, seen {seen}{why}");
        Some(Finding {
            severity: *severity,
            directive: Some(self.directive),
            subject: process.as_ref().map(|(pid, program)| format!("process {pid} ({program})")),
            ..Finding::new(format!("evidence.not-in-force.{name}"), text)
        })
    }
}

/// Every directive that something set to a value that says something.
fn declared(posture: &Posture) -> impl Iterator<Item = (&'static Directive, &Setting)> {
    posture.iter().filter(|(directive, setting)| says_something(posture, directive, setting))
}

fn says_something(posture: &Posture, directive: &'static Directive, setting: &Setting) -> bool {
    if matches!(setting.origin, Origin::Default | Origin::Manager { .. } | Origin::NotKnown) {
        return false;
    }
    let default = default_value(directive, &posture.context);
    if default != Value::Unset && directive.kind.compare(&setting.value, &default) == Some(Ordering::Equal) {
        return false;
    }
    // What no file asks for is the manager's own default, whatever that is.
    if setting.origin == Origin::Bus
        && default == Value::Unset
        && directive.kind.compare(&setting.value, &default) == Some(Ordering::Equal)
    {
        return false;
    }
    match &setting.value {
        // No bit and no unit may be the strictest value of all.
        Value::Mask(_) | Value::Amount(_) => true,
        _ => posture.is_on(directive),
    }
}

/// How many filters the unit's settings come to at least: each makes one or more, and no two share one.
fn least_filters(posture: &Posture) -> usize {
    let makes_one = |directive: &'static Directive, setting: &Setting| {
        signs_of(directive, setting).iter().any(|sign| sign.trace == Trace::Filter)
    };
    declared(posture).filter(|(directive, setting)| makes_one(directive, setting)).count()
}

/// The signs that belong to a value.
fn signs_of(directive: &Directive, setting: &Setting) -> Vec<Sign> {
    let Proof::By(signs) = directive.proof else { return Vec::new() };
    let word = directive.kind.write(&setting.value);
    signs.iter().filter(|sign| sign.at.is_empty() || sign.at.contains(&word.as_str())).copied().collect()
}

/// A unit before the kernel.
struct Judge<'a> {
    posture: &'a Posture,
    scene: &'a Scene<'a>,
    filters: usize,
}

impl Judge<'_> {
    fn context(&self) -> Context {
        self.posture.context
    }

    fn verdict(&self, directive: &'static Directive, setting: &Setting) -> Verdict {
        match directive.proof {
            Proof::Nothing(why) => return Verdict::NotObservable(why.to_owned()),
            Proof::Unstated => return Verdict::NotObservable("nobody has looked for it".to_owned()),
            Proof::By(_) => {}
        }
        let signs = signs_of(directive, setting);
        if signs.is_empty() {
            return Verdict::NotObservable("this value leaves nothing to be seen".to_owned());
        }
        let mut worst = Verdict::NotObservable("no sign of it was met".to_owned());
        let mut take = |sight: Sight, process: Option<&Process>| {
            let verdict = self.weigh(directive, setting, sight, process);
            // The first of equals is told; an explanation is better than none.
            if verdict.badness() > worst.badness()
                || matches!(verdict, Verdict::NotObservable(_)) && worst.badness() == 0
            {
                worst = verdict;
            }
        };
        for sign in signs {
            match self.of_the_unit(directive, setting, sign.trace) {
                Some(sight) => take(sight, None),
                None => {
                    for process in self.telling(sign.trace) {
                        take(self.of_a_process(directive, setting, sign.trace, process), Some(process));
                    }
                }
            }
        }
        worst
    }

    /// The processes of which a trace tells anything new: where mounts tell it, the first of those that share them.
    fn telling(&self, trace: Trace) -> impl Iterator<Item = &Process> {
        let in_mounts = trace::parts(trace).contains(&Part::Mounts);
        let mut met = BTreeSet::new();
        self.scene.processes.iter().filter(move |process| match &process.mounts {
            Fact::Known(mounts) if in_mounts => met.insert(Arc::as_ptr(mounts)),
            _ => true,
        })
    }

    fn weigh(
        &self,
        directive: &'static Directive,
        setting: &Setting,
        sight: Sight,
        process: Option<&Process>,
    ) -> Verdict {
        let (expected, seen, why, doing) = match sight {
            Sight::Shown => return Verdict::InForce,
            Sight::Invisible(why) => return Verdict::NotObservable(why),
            Sight::Unreadable(file) => return Verdict::NotReadable(file),
            Sight::Missing { expected, seen, why, doing } => (expected, seen, why, doing),
        };
        let default = default_value(directive, &self.context());
        let opens = directive.kind.compare(&setting.value, &default) == Some(Ordering::Less);
        let own_doing = doing == Doing::Program && !self.scene.changed && self.scene.exempt.is_none();
        // What no change of the unit can bring about is told, and left to whoever chose the machine.
        let unasked = opens || own_doing || doing == Doing::Machine || !directive.confines();
        let severity = if unasked { Severity::Notice } else { Severity::Finding };
        let why = why
            .or_else(|| self.known_reason(directive, process.is_some()))
            .or_else(|| own_doing.then(|| "the program may have changed it itself".to_owned()));
        Verdict::NotInForce(Lack {
            expected,
            seen,
            why,
            process: process.map(|process| (process.pid, program(process))),
            severity,
        })
    }

    /// What is known to keep settings from being applied.
    fn known_reason(&self, directive: &Directive, in_process: bool) -> Option<String> {
        let scene = self.scene;
        if directive.requires == Requires::BpfFramework && (scene.feature)("BPF_FRAMEWORK") == Some(false) {
            return Some("the manager was built without BPF_FRAMEWORK".to_owned());
        }
        if in_process && let Some(exempt) = &scene.exempt {
            return Some(exempt.clone());
        }
        if in_process && scene.changed {
            let unit = &self.posture.unit;
            return Some(format!(
                "its files changed after it was started: `systemctl restart {unit}` takes them over"
            ));
        }
        if self.context().scope == Scope::User && directive.managers == crate::catalogue::Managers::System {
            return Some("a user's manager cannot apply it".to_owned());
        }
        scene.container.as_ref().map(|container| {
            format!(
                "the machine is a container of `{container}`, where the kernel may refuse it to the manager"
            )
        })
    }
}

/// What a process runs, for people.
fn program(process: &Process) -> String {
    match &process.program {
        Fact::Known(path) => path.clone(),
        _ => process.name.clone(),
    }
}

/// What is not as it should be.
pub(crate) fn missing(expected: impl Into<String>, seen: impl Into<String>) -> Sight {
    Sight::Missing { expected: expected.into(), seen: seen.into(), why: None, doing: Doing::NotAsDeclared }
}

impl Sight {
    /// The same, of something that the process is free to change.
    pub(crate) fn unless_undone(self, undoable: bool) -> Self {
        match self {
            Self::Missing { expected, seen, why, .. } if undoable => {
                Self::Missing { expected, seen, why, doing: Doing::Program }
            }
            sight => sight,
        }
    }

    /// The same, for this reason.
    pub(crate) fn because(self, reason: impl Into<String>) -> Self {
        match self {
            Self::Missing { expected, seen, doing, .. } => {
                Self::Missing { expected, seen, why: Some(reason.into()), doing }
            }
            sight => sight,
        }
    }

    /// The same, where the machine has no means for it.
    pub(crate) fn beyond_the_machine(self, reason: impl Into<String>) -> Self {
        match self.because(reason) {
            Self::Missing { expected, seen, why, .. } => {
                Self::Missing { expected, seen, why, doing: Doing::Machine }
            }
            sight => sight,
        }
    }
}
