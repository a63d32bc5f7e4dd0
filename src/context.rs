//! What a question is asked about: the release, the mode, the manager and the unit's type. Rows of the catalogue
//! answer by it; nothing here knows a directive.

use crate::release::Release;
use crate::syscalls::Architecture;

/// How a unit came before the judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As the offline scorer of the release reads a file.
    Offline,
    /// As the manager of the release would show it on the bus.
    Loaded,
}

impl Mode {
    /// The word of `--mode` and of the JSON report.
    pub fn word(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Loaded => "loaded",
        }
    }
}

/// Which manager runs the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The system manager.
    System,
    /// A user's manager.
    User,
}

/// The type of a unit, by its suffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnitType {
    /// `.service`
    Service,
    /// `.socket`
    Socket,
    /// `.mount`
    Mount,
    /// `.swap`
    Swap,
    /// Any other: nothing is executed, so no setting of the sandbox applies.
    Other,
}

impl UnitType {
    /// The type that the name's suffix says.
    pub fn of(name: &str) -> Self {
        match name.rsplit_once('.').map(|(_, suffix)| suffix) {
            Some("service") => Self::Service,
            Some("socket") => Self::Socket,
            Some("mount") => Self::Mount,
            Some("swap") => Self::Swap,
            _ => Self::Other,
        }
    }

    /// The section with the type's own settings, where sandboxing is written.
    pub fn section(self) -> Option<&'static str> {
        match self {
            Self::Service => Some("Service"),
            Self::Socket => Some("Socket"),
            Self::Mount => Some("Mount"),
            Self::Swap => Some("Swap"),
            Self::Other => None,
        }
    }
}

/// Everything that an answer may depend on besides the unit itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The release whose rules count.
    pub release: Release,
    /// File or manager.
    pub mode: Mode,
    /// System or user manager.
    pub scope: Scope,
    /// The unit's type.
    pub unit_type: UnitType,
    /// The architecture whose system calls count.
    pub architecture: Architecture,
}
