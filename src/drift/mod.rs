//! The difference between a policy and a found posture: each directive that is weaker, stricter or other than it was
//! declared, and by which members; what both leave open without a need; and needs that the found unit does not use.
//!
//! Answers by the order of each directive's family and knows no directive's rules itself. How a difference is shown is
//! the report's; what the kernel has in force is not looked at here.
//!
//! Every difference has a stable id, `drift.RELATION.DIRECTIVE` such as `drift.weaker.NoNewPrivileges`.

mod members;
#[cfg(test)]
mod tests;
mod unexplained;
mod unused;

use std::cmp::Ordering;

use crate::catalogue::{Directive, Kind, Stage};
use crate::finding::{Acceptance, Severity};
use crate::posture::{Origin, Posture, Reason, Setting, default_value};
use crate::value::Value;
use members::Members;

pub use unexplained::LeftOpen;
pub use unused::{Use, uses};

/// What comes of comparing two postures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drift {
    /// What differs, in the catalogue's order; what is only unexplained stands behind the rest.
    pub differences: Vec<Difference>,
    /// What the policy wants and the manager does not publish: neither drift nor fine.
    pub not_known: Vec<&'static Directive>,
}

/// One directive that is not as declared.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The directive.
    pub directive: &'static Directive,
    /// Which way it differs.
    pub relation: Relation,
    /// Whether it needs anybody's attention.
    pub severity: Severity,
    /// The value of the policy as a unit would write it; empty where it is unset.
    pub wanted: String,
    /// The same of the found value.
    pub found: String,
    /// Members that only the found value has; of a filter, what passes only there. A whole set of system calls stands
    /// for its members.
    pub only_found: Vec<String>,
    /// Members that only the policy has.
    pub only_wanted: Vec<String>,
    /// Where the found value comes from.
    pub origin: Origin,
    /// Why the policy has its value.
    pub reasons: Vec<Reason>,
    /// What leaves the directive open, where no reason of the policy says it; of [`Relation::Unexplained`] alone.
    pub left_open: Option<LeftOpen>,
    /// What an administrator says of it.
    pub accepted: Option<Acceptance>,
}

impl Difference {
    /// `drift.weaker.NoNewPrivileges`, the same in every release of this program.
    pub fn id(&self) -> String {
        format!("drift.{}.{}", self.relation.word(), self.directive.name)
    }

    /// Whether it makes a run end with findings.
    pub fn counts(&self) -> bool {
        self.severity.counts() && !Acceptance::holds(self.accepted.as_ref())
    }
}

/// Which way a found value differs from the wanted one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// It lets the service do more.
    Weaker,
    /// It lets the service do less.
    Stricter,
    /// It is neither the one nor the other.
    Other,
    /// The policy leaves it as open, and no need asks for that.
    Unexplained,
}

impl Relation {
    /// As reports and ids have it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Weaker => "weaker",
            Self::Stricter => "stricter",
            Self::Other => "other",
            Self::Unexplained => "unexplained",
        }
    }
}

/// Compares two postures of one unit and one release, both as the release leaves them at load.
pub fn compare(wanted: &Posture, found: &Posture) -> Drift {
    let (wanted, found) = (settled(wanted), settled(found));
    let mut drift = Drift::default();
    for (directive, wants) in wanted.iter() {
        let has = found.get(directive);
        let stated = matches!(wants.origin, Origin::Policy(_)) && wants.value != Value::Unset;
        if !stated && !speaks_unasked(directive) || is_moot(directive, &found) {
            continue;
        }
        if has.origin == Origin::NotKnown {
            if stated {
                drift.not_known.push(directive);
            }
            continue;
        }
        drift.differences.extend(difference(directive, wants, has, &found));
    }
    drift
}

/// Some settings bring others along without showing it (PrivateMounts=); with those, written out or not is no
/// difference.
fn settled(posture: &Posture) -> Posture {
    let mut posture = posture.clone();
    posture.settle(Stage::LoadedJudgement);
    posture
}

/// Whether a published value is what a unit's lines come to.
pub(crate) fn agree(
    directive: &'static Directive,
    written: &Setting,
    published: &Setting,
    found: &Posture,
) -> bool {
    difference(directive, written, published, found).is_none()
}

/// Whether a value counts that the manifest says nothing about. What is functional does not, nor do numbers: their
/// defaults are the manager's and the host's.
pub(crate) fn speaks_unasked(directive: &Directive) -> bool {
    directive.confines() && !matches!(directive.kind, Kind::Amount(_))
}

/// Whether a directive means nothing while the one that it belongs to is off.
pub(crate) fn is_moot(directive: &Directive, found: &Posture) -> bool {
    directive.beside.is_some_and(|base| !found.is_on(base))
}

/// How a found value differs from a wanted one, if it does.
pub(crate) fn difference(
    directive: &'static Directive,
    wants: &Setting,
    has: &Setting,
    found: &Posture,
) -> Option<Difference> {
    let (wanted, value) = (&wants.value, &has.value);
    // Most are the same, and nothing need be made of them.
    if wanted == value || is_known_only_there(wanted) || is_known_only_there(value) {
        return None;
    }
    let Members { only_found, only_wanted } = members::of(directive, value, wanted, found);
    let relation = match &directive.kind {
        // The lists of two libraries may differ in calls that neither means: what counts is left in the members.
        Kind::Calls if members::same_sense(value, wanted) => {
            match (only_found.is_empty(), only_wanted.is_empty()) {
                (true, true) => return None,
                (false, true) => Relation::Weaker,
                (true, false) => Relation::Stricter,
                (false, false) => Relation::Other,
            }
        }
        // Different bits may come to one text: those without a name, and a namespace that a release overlooks.
        Kind::Mask(_) if directive.kind.write(value) == directive.kind.write(wanted) => return None,
        kind => match kind.compare(value, wanted) {
            Some(Ordering::Equal) => return None,
            Some(Ordering::Less) => Relation::Weaker,
            Some(Ordering::Greater) => Relation::Stricter,
            None => Relation::Other,
        },
    };
    let reasons = match &wants.origin {
        Origin::Policy(reasons) => reasons.clone(),
        _ => Vec::new(),
    };
    Some(Difference {
        directive,
        relation,
        // Stricter than declared is no harm, unless it takes what was opened on purpose.
        severity: match relation {
            Relation::Stricter if opens(directive, wants, &reasons, found) => Severity::Finding,
            Relation::Stricter | Relation::Unexplained => Severity::Notice,
            Relation::Weaker | Relation::Other => Severity::Finding,
        },
        wanted: written(directive, wants),
        found: written(directive, has),
        only_found,
        only_wanted,
        origin: has.origin.clone(),
        reasons,
        left_open: None,
        accepted: None,
    })
}

/// Whether the policy opens something on purpose: for a need, or as the manifest states it.
fn opens(directive: &Directive, wants: &Setting, reasons: &[Reason], found: &Posture) -> bool {
    let default = default_value(directive, &found.context);
    let beyond_default = directive.kind.compare(&wants.value, &default) == Some(Ordering::Less);
    reasons.iter().any(|reason| match reason {
        Reason::Needed { .. } => true,
        Reason::Stated(_) => beyond_default,
        _ => false,
    })
}

/// A share of what the host has: the manager publishes what it came to.
fn is_known_only_there(value: &Value) -> bool {
    matches!(value, Value::Share(_))
}

/// The value as it was written, else as a unit would write it.
pub(crate) fn written(directive: &Directive, setting: &Setting) -> String {
    match &setting.value {
        Value::Calls(_) if !setting.lines.is_empty() => {
            let since_reset = setting.lines.rsplit(String::is_empty).next().unwrap_or_default();
            since_reset.join(" ")
        }
        value => directive.kind.write(value),
    }
}
