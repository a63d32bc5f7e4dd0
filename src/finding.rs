//! A result that somebody should know of: what every judge besides the comparison with the policy has to say of a
//! unit. Which ones count for the outcome of a run is their severity's; how they are shown is the report's.

use std::borrow::Cow;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::catalogue::Directive;
use crate::manifest::{Date, Place};

/// Something to know about a unit, the process that runs it, or what it owns on disk.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Stable, in kebab-case words with dots between: `line.misread`, `path.mode`. The same in every release of this
    /// program; `[accept]` of a manifest names findings by it.
    pub id: Cow<'static, str>,
    /// What it is worth.
    pub severity: Severity,
    /// The file and line that it is about.
    pub place: Option<(Arc<str>, Option<u32>)>,
    /// The directive that it is about.
    pub directive: Option<&'static Directive>,
    /// The thing that it is about where that is no line: a path, an account, a port, a process.
    pub subject: Option<String>,
    /// What there is to say, the way out included.
    pub text: String,
    /// What an administrator says of it.
    pub accepted: Option<Acceptance>,
}

/// That an administrator lives with a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// Why.
    pub because: Arc<str>,
    /// The last day of it, in UTC.
    pub until: Date,
    /// Where it is stated.
    pub place: Place,
    /// Whether that day has not passed.
    pub term: Term,
}

/// Whether something is still in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// It is.
    Runs,
    /// It is over.
    Expired,
}

impl Acceptance {
    /// Whether there is one, in force.
    pub fn holds(acceptance: Option<&Self>) -> bool {
        acceptance.is_some_and(|acceptance| acceptance.term == Term::Runs)
    }
}

impl Finding {
    /// What needs attention, about the unit as a whole.
    pub fn new(id: impl Into<Cow<'static, str>>, text: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            severity: Severity::Finding,
            place: None,
            directive: None,
            subject: None,
            text: text.into(),
            accepted: None,
        }
    }

    /// What is worth knowing, about the unit as a whole.
    pub fn notice(id: impl Into<Cow<'static, str>>, text: impl Into<String>) -> Self {
        Self { severity: Severity::Notice, ..Self::new(id, text) }
    }

    /// Whether it makes a run end with findings.
    pub fn counts(&self) -> bool {
        self.severity.counts() && !Acceptance::holds(self.accepted.as_ref())
    }

    /// The same, about this thing.
    pub fn of(self, subject: impl Into<String>) -> Self {
        Self { subject: Some(subject.into()), ..self }
    }
}

/// What a finding is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// To be known; it does not change the outcome of a run.
    Notice,
    /// The unit or the host is not what was declared, or cannot do what was declared.
    #[default]
    Finding,
    /// Somebody else can act with the service's rights, or with root's, as the host stands.
    Critical,
}

impl Severity {
    /// As reports have it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Finding => "finding",
            Self::Critical => "critical",
        }
    }

    /// Whether it makes a run end with findings.
    pub const fn counts(self) -> bool {
        !matches!(self, Self::Notice)
    }
}
