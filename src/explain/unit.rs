//! Why a unit failed, as it is told: every foreign text free of what a terminal would obey.

use schemars::JsonSchema;
use serde::Serialize;

use super::sections::{Article, Section, entry, section};
use crate::failure::{Allowance, Cause, Diagnosis, Symptoms};
use crate::visible::shown;

/// A unit, and why it failed.
#[derive(Serialize, JsonSchema)]
pub struct UnitFacts {
    /// Its name.
    pub unit: String,
    /// What it does now, as "failed (failed)".
    pub state: String,
    /// The manager's word for how it ended last, "success" for no failure.
    pub result: String,
    /// How often the manager started it again by itself.
    pub restarts: u64,
    /// What ended and how; null for a unit that has not failed.
    pub failure: Option<String>,
    /// The manifest that declares it; null where none does.
    pub manifest: Option<String>,
    /// What may have caused it, the surest first; empty where that is not known.
    pub causes: Vec<CauseFact>,
    /// How many more directives only may have caused it.
    pub more: usize,
    /// The lines of the journal that it was told by.
    pub journal: Vec<String>,
    /// What else there is to know, or could not be looked at.
    pub hints: Vec<String>,
}

/// What may have caused a failure.
#[derive(Serialize, JsonSchema)]
pub struct CauseFact {
    /// "certain", "likely" or "possible".
    pub certainty: &'static str,
    /// The directive to blame first, then the others that are part of it; empty where no directive is.
    pub directives: Vec<&'static str>,
    /// The path, call, capability or name that it is about.
    pub thing: Option<String>,
    /// What happened.
    pub why: String,
    /// The lines of the unit that say so.
    pub written: Vec<WrittenFact>,
    /// What in the manifest asks for them.
    pub declared: Vec<String>,
    /// What a manifest would state to allow it.
    pub allowed_by: Vec<AllowanceFact>,
    /// The way out.
    pub fix: String,
}

/// Where a directive is set.
#[derive(Serialize, JsonSchema)]
pub struct WrittenFact {
    /// "FILE:LINE", or what else set it.
    pub place: String,
    /// The assignment.
    pub assignment: String,
}

/// A statement of a manifest.
#[derive(Serialize, JsonSchema)]
pub struct AllowanceFact {
    /// The need, as `explain` knows it, or a key of the service.
    pub key: &'static str,
    /// What it is stated for, where it takes such a thing.
    pub thing: Option<String>,
    /// "need" for a need, "service" for a key of the service that states the directive itself.
    pub kind: &'static str,
}

/// A unit that was asked for.
pub struct Subject<'a> {
    /// Its name.
    pub unit: &'a str,
    /// The manifest that declares it.
    pub manifest: Option<&'a str>,
    /// What is said of it.
    pub symptoms: &'a Symptoms,
    /// What could not be looked at.
    pub notes: Vec<String>,
}

impl UnitFacts {
    /// What was found out about a unit.
    pub fn new(subject: &Subject<'_>, diagnosis: &Diagnosis) -> Self {
        let symptoms = subject.symptoms;
        let result = if symptoms.result.is_empty() { "not known" } else { &symptoms.result };
        Self {
            unit: shown(subject.unit),
            state: shown(&format!("{} ({})", symptoms.active, symptoms.sub)),
            result: shown(result),
            restarts: symptoms.restarts,
            failure: diagnosis.failure.as_ref().map(|ending| shown(&ending.says())),
            manifest: subject.manifest.map(shown),
            causes: diagnosis.causes.iter().map(CauseFact::new).collect(),
            more: diagnosis.left_out,
            journal: diagnosis.evidence.iter().map(|line| shown(line)).collect(),
            hints: diagnosis.hints.iter().chain(&subject.notes).map(|hint| shown(hint)).collect(),
        }
    }
}

impl CauseFact {
    /// What is told of a cause.
    pub fn new(cause: &Cause) -> Self {
        let written = cause.written.iter().map(|written| WrittenFact {
            place: shown(&written.place),
            assignment: shown(&written.assignment),
        });
        let allowance = |allowance: &Allowance| AllowanceFact {
            key: allowance.key,
            thing: allowance.thing.as_deref().map(shown),
            kind: if allowance.is_need { "need" } else { "service" },
        };
        Self {
            certainty: cause.certainty.word(),
            directives: cause.directives.iter().map(|row| row.name).collect(),
            thing: cause.thing.as_deref().map(shown),
            why: shown(&cause.why),
            written: written.collect(),
            declared: cause.declared.iter().map(|text| shown(text)).collect(),
            allowed_by: cause.few_allowances().iter().map(allowance).collect(),
            fix: cause.remedy.clone().into_owned(),
        }
    }
}

pub(super) fn article(facts: &UnitFacts) -> Article {
    let summary = match &facts.failure {
        Some(failure) => format!("Failed: {failure}."),
        None => format!("Has not failed: {}.", facts.state),
    };
    let mut basics = vec![entry("state", facts.state.clone()), entry("result", facts.result.clone())];
    if facts.restarts > 0 {
        basics.push(entry("restarts", facts.restarts.to_string()));
    }
    basics.extend(facts.manifest.iter().map(|manifest| entry("manifest", manifest.clone())));
    let mut sections = vec![section("", basics)];
    sections.extend(facts.causes.iter().map(cause_section));
    sections.push(section("Journal", facts.journal.iter().map(|line| entry("said", line.clone()))));
    let mut hints: Vec<_> = facts.hints.iter().map(|hint| entry("note", hint.clone())).collect();
    if facts.more > 0 {
        hints.insert(0, entry("note", format!("{} more directives may refuse the like", facts.more)));
    }
    sections.push(section("Besides", hints));
    Article { title: facts.unit.clone(), summary, sections }
}

/// What may have caused a failure, as a list.
pub(crate) fn cause_section(cause: &CauseFact) -> Section {
    let names: Vec<String> = cause.directives.iter().map(|name| format!("{name}=")).collect();
    let title = if names.is_empty() { "no directive".to_owned() } else { names.join(" with ") };
    let mut entries = vec![entry("why", cause.why.clone())];
    entries.extend(cause.written.iter().map(|it| entry("from", format!("{}  {}", it.place, it.assignment))));
    entries.extend(cause.declared.iter().map(|text| entry("manifest", text.clone())));
    entries.extend(cause.allowed_by.iter().map(|it| entry("allow", it.to_string())));
    entries.push(entry("fix", cause.fix.clone()));
    section(format!("{}: {title}", capital(cause.certainty)), entries)
}

impl std::fmt::Display for AllowanceFact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = if self.kind == "need" { "the need" } else { "the service's key" };
        write!(f, "{what} {}", self.key)?;
        match &self.thing {
            Some(thing) => write!(f, ", for {thing}"),
            None => Ok(()),
        }
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
