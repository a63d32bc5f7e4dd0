//! What a run has to say about units, apart from how it is shown: figures, drift, findings and notices, and what they
//! make of the outcome. `text` and `json` show it; nothing here prints.
//!
//! Findings have stable ids: `drift.RELATION.DIRECTIVE` for each difference from the manifest, `line.misread` for a
//! line that systemd takes for something else than it says, `exposure.above-threshold` for a figure above the limit
//! that was asked for. Notices have ids too; they never change the outcome, nor does what `[accept]` names until its
//! date (`accept`).

mod accept;
mod checks;
mod drop_ins;
mod json;
mod page;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use drop_ins::drop_ins;
pub(crate) use json::plain_json;
pub use json::{json, schema};
pub use text::{Appearance, Colour, text};

use crate::context::Context;
use crate::drift::{Difference, Drift, LeftOpen};
use crate::evidence::Evidence;
use crate::finding::{Acceptance, Finding, Term};
use crate::manifest::Accepted;
use crate::manifest::words::FindingName;
use crate::policy::LossCause;
use crate::posture::{Origin, Posture, Reason};
use crate::score::{Assessment, Exposure, Line};
use crate::status::Status;
use crate::suggest::Suggestion;
use crate::visible::{deceives, shown};

/// What there is to say about a number of units, in the order in which they were asked for.
#[derive(Default)]
pub struct Report {
    /// The units.
    pub units: Vec<UnitReport>,
}

/// What there is to say about one unit.
pub struct UnitReport {
    /// Its name.
    pub unit: String,
    /// Where it was read.
    pub source: Source,
    /// The release and mode that it was judged by; none where that is not known, as without a bus.
    pub context: Option<Context>,
    /// What came of it.
    pub outcome: Outcome,
    /// What there is to know besides drift.
    pub findings: Vec<Finding>,
    /// What the kernel shows of its settings, where that was looked for; empty where no process of it runs.
    pub evidence: Option<Vec<Evidence>>,
}

/// Where a unit was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The manager that has it loaded.
    Bus,
    /// Its files.
    File,
    /// A manifest: what would be generated.
    Manifest,
}

impl Source {
    /// As reports have it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bus => "bus",
            Self::File => "file",
            Self::Manifest => "manifest",
        }
    }
}

/// What came of the attempt to judge a unit.
pub enum Outcome {
    /// It was judged.
    Judged(Box<Judged>),
    /// It was asked for and could not be judged; why, and what to do.
    Failed(String),
    /// It was met among others and cannot be judged: masked, or gone.
    PassedOver(String),
}

/// A judged unit.
pub struct Judged {
    /// What it was found to be.
    pub posture: Posture,
    /// What systemd makes of that.
    pub assessment: Assessment,
    /// What its manifest makes of it, where it has one.
    pub declared: Option<Declared>,
    /// What it could say to be less exposed, where that was asked for.
    pub suggestion: Option<Suggestion>,
}

/// A unit beside its manifest.
pub struct Declared {
    /// The manifest's path.
    pub manifest: Arc<str>,
    /// The unit by the name that the manifest has for it, which may be a template's.
    pub service: String,
    /// How many services the manifest comes to.
    pub services: usize,
    /// What the administrator lives with, of any of them.
    pub accept: Arc<BTreeMap<FindingName, Accepted>>,
    /// The exposure of what the manifest asks for, at its own strictness.
    pub policy: Exposure,
    /// By how much the unit's exposure exceeds that of the manifest's needs at full strictness.
    pub avoidable: Exposure,
    /// What systemd makes of the manifest's needs at full strictness, where that is not what was judged anyway.
    pub strict: Option<Assessment>,
    /// How the unit differs from what the manifest asks for.
    pub drift: Drift,
}

impl Declared {
    /// By how much a check's share in the figure exceeds what the manifest's needs justify.
    pub fn avoidable_of(&self, line: &Line) -> Exposure {
        let none = Exposure::from_tenths(0);
        let Some(strict) = &self.strict else { return none };
        let same = strict.lines.iter().find(|other| other.group.check.id == line.group.check.id);
        let justified = same.and_then(|line| line.exposure).unwrap_or(none);
        line.exposure.unwrap_or(none).above(justified)
    }
}

impl Report {
    /// The worst of the units' outcomes.
    pub fn status(&self) -> Status {
        self.units.iter().map(UnitReport::status).fold(Status::Clean, Status::and)
    }
}

impl UnitReport {
    /// What needs attention.
    pub fn attention(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.counts())
    }

    /// What is only worth knowing, or accepted.
    pub fn notices(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| !finding.counts())
    }

    /// What this unit makes of the run. Exposure alone is never a finding.
    pub fn status(&self) -> Status {
        let drifts = |judged: &Judged| {
            let drift = judged.declared.as_ref().map(|declared| &declared.drift);
            drift.is_some_and(|drift| drift.differences.iter().any(Difference::counts))
        };
        match &self.outcome {
            Outcome::Failed(_) => Status::Failed,
            Outcome::Judged(judged) if drifts(judged) || self.attention().next().is_some() => {
                Status::Findings
            }
            Outcome::Judged(_) | Outcome::PassedOver(_) => Status::Clean,
        }
    }
}

/// Where a value comes from, in words; a path as it was read.
fn origin_words(origin: &Origin) -> String {
    written(|text| write_one_origin(text, origin))
}

fn write_one_origin(text: &mut String, origin: &Origin) {
    match origin {
        Origin::Default => text.push_str("default"),
        Origin::Line { path, line } => {
            text.push_str(path);
            text.push(':');
            text.push_str(&line.to_string());
        }
        Origin::Bus => text.push_str("bus"),
        Origin::Manager { default } => text.extend(["manager default ", default, "="]),
        Origin::NotKnown => text.push_str("not known"),
        Origin::Implied(by) => text.extend(["implied by ", by.name, "="]),
        Origin::Policy(_) => text.push_str("manifest"),
    }
}

/// What `write` writes, by itself.
fn written(write: impl FnOnce(&mut String)) -> String {
    let mut text = String::new();
    write(&mut text);
    text
}

/// Why a policy has a value, in words.
fn reason_words(reason: &Reason) -> String {
    match reason {
        Reason::Strictness => "hardened by the strictness".to_owned(),
        Reason::Stated(place) => format!("stated at {place}"),
        Reason::Denied { because, place } => format!("denied at {place}: {because}"),
        Reason::Needed { need, because, place } => {
            format!("{need} needs it at {place}: {because}")
        }
        Reason::Unknown(need) => format!("left open: {need} is neither needed nor denied"),
        Reason::Overridden { because, place } => format!("overridden at {place}: {because}"),
        Reason::Forces { other, need } => format!("would force {}=, which {need} opens", other.name),
    }
}

/// What leaves a directive open, in words.
fn left_open_words(left_open: &LeftOpen) -> String {
    match left_open {
        LeftOpen::Strictness(strictness) => format!("left open at strictness {}", strictness.as_str()),
        LeftOpen::Target(LossCause::NotKnown) => "this release does not have it".to_owned(),
        LeftOpen::Target(LossCause::UsersManager) => "a user's manager cannot apply it".to_owned(),
        LeftOpen::Target(LossCause::OtherTarget) => "left open for another target".to_owned(),
        LeftOpen::Target(LossCause::Forces { other, need }) => {
            format!("would force {}=, which {need} opens", other.name)
        }
    }
}

/// What an administrator says of a finding, in words.
fn acceptance_words(acceptance: &Acceptance) -> String {
    let Acceptance { because, until, place, term } = acceptance;
    match term {
        Term::Runs => format!("accepted until {until} at {place}: {because}"),
        Term::Expired => format!("accepted until {until} only, at {place}: {because}"),
    }
}
