//! A result that somebody should know of: what every judge besides the comparison with the policy has to say of a
//! unit. Which ones count for the outcome of a run is their severity's; how they are shown is the report's.

use std::borrow::Cow;
use std::sync::Arc;

use crate::catalogue::Directive;

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
        }
    }

    /// What is worth knowing, about the unit as a whole.
    pub fn notice(id: impl Into<Cow<'static, str>>, text: impl Into<String>) -> Self {
        Self { severity: Severity::Notice, ..Self::new(id, text) }
    }

    /// The same, about this thing.
    pub fn of(self, subject: impl Into<String>) -> Self {
        Self { subject: Some(subject.into()), ..self }
    }
}

/// What a finding is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// To be known; it does not change the outcome of a run.
    Notice,
    /// The unit or the host is not what was declared, or cannot do what was declared.
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
