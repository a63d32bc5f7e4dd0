//! What may have ended a service, with all that there is to say of it.

use std::borrow::Cow;

use super::allow::Allowance;
use crate::catalogue::Directive;

/// More keys would no longer be an answer.
const MOST: usize = 2;

/// How sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// systemd or the kernel named it, or nothing else could have done it.
    Certain,
    /// It does exactly that, and it was on.
    Likely,
    /// It does such things, and it was on.
    Possible,
}

impl Certainty {
    /// The word for it in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Likely => "likely",
            Self::Possible => "possible",
        }
    }
}

/// What may have ended a service.
#[derive(Clone, Debug)]
pub struct Cause {
    /// How sure that is.
    pub certainty: Certainty,
    /// How much of the thing the directive names: the longer, the more it is meant.
    pub(super) closeness: usize,
    /// The directive to blame first, then the others that are part of it; none where no directive is.
    pub directives: Vec<&'static Directive>,
    /// The path, call, capability or name that it is about, as it was written.
    pub thing: Option<String>,
    /// What happened, in a sentence without its end.
    pub why: String,
    /// The lines of the unit that say so.
    pub written: Vec<WrittenAt>,
    /// What in the manifest asks for them.
    pub declared: Vec<String>,
    /// What a manifest would state to allow it, the most fitting first.
    pub allowances: Vec<Allowance>,
    /// The way out, as a phrase.
    pub remedy: Cow<'static, str>,
}

/// A line of a unit, or what else set a directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenAt {
    /// `FILE:LINE`, or what else it is from.
    pub place: String,
    /// The assignment.
    pub assignment: String,
}

impl Cause {
    /// The keys that are worth naming where nobody tells which of them is enough.
    pub fn few_allowances(&self) -> &[Allowance] {
        self.allowances.get(..MOST).unwrap_or(&self.allowances)
    }

    /// One that no directive has a part in.
    pub(super) fn without_directive(certainty: Certainty, remedy: &'static str) -> Self {
        Self {
            certainty,
            closeness: 0,
            directives: Vec::new(),
            thing: None,
            why: String::new(),
            written: Vec::new(),
            declared: Vec::new(),
            allowances: Vec::new(),
            remedy: Cow::Borrowed(remedy),
        }
    }
}
