//! What one directive does to another, and where that can be seen.

use super::Directive;
use crate::context::Mode;
use crate::release::{EVERY, Releases};

/// What a directive does to another one.
pub struct Implied {
    /// When it does.
    pub when: When,
    /// The other one.
    pub on: &'static Directive,
    /// What it does to it.
    pub operation: Operation,
    /// The releases that do.
    pub releases: Releases,
    /// Where it can be seen.
    pub stage: Stage,
}

/// What must hold of the implying directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// It is set to anything but `no`, nothing or the empty list.
    On,
    /// It is on, and some rule about devices is active besides.
    OnWithDeviceRules,
    /// It is on, and the service runs as another user than root.
    OnWithUser,
    /// Nothing set it.
    Unset,
    /// It has this value.
    Is(&'static str),
}

/// What is done to the other directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It gets this value.
    Force(&'static str),
    /// It gets this value if it has the first one.
    Replace(&'static str, &'static str),
    /// One more assignment.
    Assign(&'static str),
    /// It is named after the unit if nothing named it.
    NameAfterUnit,
    /// It gets the value of a third one if nothing set it.
    Copy(&'static Directive),
}

/// Where an implication can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// In the loaded unit, on the bus and offline.
    Load,
    /// Only in the judgement of a loaded unit.
    LoadedJudgement,
    /// Only in the judgement of a file.
    OfflineJudgement,
    /// Only in the process.
    Exec,
}

/// Seen at load, in every release.
pub(crate) const fn at_load(when: When, on: &'static Directive, operation: Operation) -> Implied {
    Implied { when, on, operation, releases: EVERY, stage: Stage::Load }
}

/// Which implications a mode shows besides those of [`Stage::Load`].
pub fn judgement(mode: Mode) -> Stage {
    match mode {
        Mode::Offline => Stage::OfflineJudgement,
        Mode::Loaded => Stage::LoadedJudgement,
    }
}
