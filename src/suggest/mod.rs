//! What a unit could say to be less exposed, as a drop-in: for a unit without a manifest the lines that its own do not
//! speak against, what helps most first; for one with a manifest the lines that bring it back to its policy.
//!
//! Every step's gain is judged by `score` with all steps before it, so the last one's exposure is what the unit with
//! the drop-in comes to. What a directive breaks is known by its row and by `breakages`; nothing here prints.

mod drop_in;
mod open;
mod restore;

pub use drop_in::{drop_in, path};
pub use open::suggest;
pub use restore::restore;

use crate::breakages::{self, Breakage, Class};
use crate::catalogue::Directive;
use crate::manifest::Strictness;
use crate::score::Exposure;

/// A drop-in for a unit, and what it comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    /// What it is for.
    pub purpose: Purpose,
    /// What is said, what helps most first; of a restored policy in the catalogue's order.
    pub steps: Vec<Step>,
    /// The exposure without it.
    pub from: Exposure,
    /// The exposure with it.
    pub to: Exposure,
    /// What would go further and is held back.
    pub held_back: Vec<HeldBack>,
}

/// What a drop-in is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To say what nothing says.
    Harden,
    /// To have the last word over what is said.
    Restore,
}

/// The lines of one directive.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The directive.
    pub directive: &'static Directive,
    /// Its values, one for each line.
    pub lines: Vec<String>,
    /// The exposure with this and all steps before it.
    pub exposure: Exposure,
    /// By how much this step lowers it.
    pub gain: Exposure,
    /// How it fails where it does.
    pub risk: Risk,
}

impl Step {
    /// The cases in which the directive broke something.
    pub fn breakages(&self) -> impl Iterator<Item = &'static Breakage> {
        breakages::by(self.directive)
    }
}

/// Something stricter that the unit's lines do not speak for.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldBack {
    /// The directive.
    pub directive: &'static Directive,
    /// The value that it would have.
    pub wanted: String,
    /// How it fails where it does.
    pub risk: Risk,
    /// The needs that the service must not have for it, as a manifest's `denies` says them.
    pub needs: Vec<&'static str>,
}

/// How a directive fails where the service needs what it takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    /// It is not known to have broken anything.
    None,
    /// At once, and one line undoes it.
    Loud,
    /// By what the administrator chose: paths, or code of others.
    Administrator,
    /// With a later release of the service or of what it uses.
    Time,
    /// Without a word: the service goes on and does something else.
    Silent,
}

impl Risk {
    /// That of a directive, by its known breakages and by the strictness that begins to write it.
    pub fn of(directive: &Directive) -> Self {
        let worst = breakages::by(directive).map(|breakage| match breakage.class {
            Class::Silent => Self::Silent,
            Class::Time => Self::Time,
            Class::AdminPaths | Class::Delegated => Self::Administrator,
            Class::Hidden | Class::Environment | Class::OldSystemd | Class::FirstStart | Class::Itself => {
                Self::Loud
            }
        });
        let safe = directive.hardened.iter().any(|hardening| hardening.from == Strictness::Safe);
        worst.max().unwrap_or(if safe { Self::None } else { Self::Loud })
    }

    /// As reports have it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none known",
            Self::Loud => "loud",
            Self::Administrator => "by the administrator's choice",
            Self::Time => "with time",
            Self::Silent => "silent",
        }
    }
}
