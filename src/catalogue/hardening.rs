//! What the policy writes for a directive, and what it gives up for a need.

use crate::manifest::Strictness;
use crate::need::Need;

/// What the policy writes from one strictness on.
pub struct Hardening {
    /// The lowest strictness that writes it.
    pub from: Strictness,
    /// What must hold for the service.
    pub given: Given,
    /// The values of its assignments, in order.
    pub lines: &'static [&'static str],
}

/// A hardening without conditions.
pub(crate) const fn from(strictness: Strictness, lines: &'static [&'static str]) -> Hardening {
    Hardening { from: strictness, given: Given::Always, lines }
}

/// A hardening under a condition.
pub(crate) const fn given(from: Strictness, given: Given, lines: &'static [&'static str]) -> Hardening {
    Hardening { from, given, lines }
}

/// What can be known of a service from its needs alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// No condition.
    Always,
    /// It starts as another user than root, holds no capability and may not gain privileges.
    Unprivileged,
    /// No need adds a capability.
    NoCapabilities,
    /// The directive does not force NoNewPrivileges= upon a service with User= in the target's release.
    ForcesNothing,
    /// No need speaks IP.
    NoIp,
    /// Every IP need stays on this machine.
    LoopbackOnly,
    /// Every IP need names addresses.
    AddressesOnly,
    /// Every bound port is named.
    PortsKnown,
}

impl Given {
    /// The need that makes the condition fail.
    pub const fn asks_about(self) -> Option<Need> {
        match self {
            Self::NoIp | Self::LoopbackOnly | Self::AddressesOnly => Some(Need::UsesIp),
            Self::PortsKnown => Some(Need::BindsPort),
            Self::Always | Self::Unprivileged | Self::NoCapabilities | Self::ForcesNothing => None,
        }
    }
}

/// What the policy gives up for a need.
pub struct Yield {
    /// The need.
    pub to: Need,
    /// What is written for it; `{name}` stands for a parameter of the need.
    pub give: Give,
    /// Below this strictness the directive yields also when the manifest neither states nor denies the need;
    /// [`Strictness::Safe`] means never.
    pub unknown_below: Strictness,
    /// Whether the need cannot do without.
    pub strength: Strength,
    /// Whom it is given.
    pub to_whom: ToWhom,
}

/// Whom a relaxation is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToWhom {
    /// Every service that has the need.
    Anyone,
    /// Those that do not start as root: root has it anyway.
    NotRoot,
}

/// What is written for a need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Give {
    /// At most this value.
    AtMost(&'static str),
    /// One more assignment on top of what the policy hardens, and nothing where it does not.
    Add(&'static str),
    /// One more assignment in any case.
    Also(&'static str),
}

/// How sure it is that a need wants a relaxation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// It cannot work otherwise.
    Requires,
    /// It may; a denial of this other need, which opens the same, wins.
    SuspectsUnlessDenied(Need),
}

/// At most `value` for `to`.
pub(crate) const fn at_most(to: Need, value: &'static str) -> Yield {
    Yield {
        to,
        give: Give::AtMost(value),
        unknown_below: Strictness::Safe,
        strength: Strength::Requires,
        to_whom: ToWhom::Anyone,
    }
}

/// One more assignment for `to`.
pub(crate) const fn add(to: Need, text: &'static str) -> Yield {
    Yield {
        to,
        give: Give::Add(text),
        unknown_below: Strictness::Safe,
        strength: Strength::Requires,
        to_whom: ToWhom::Anyone,
    }
}

/// One more assignment for `to`, hardened or not.
pub(crate) const fn also(to: Need, text: &'static str) -> Yield {
    Yield {
        to,
        give: Give::Also(text),
        unknown_below: Strictness::Safe,
        strength: Strength::Requires,
        to_whom: ToWhom::Anyone,
    }
}

impl Yield {
    /// The same, and also while the need is unknown below `strictness`.
    pub(crate) const fn or_unknown_below(self, strictness: Strictness) -> Self {
        Self { unknown_below: strictness, ..self }
    }

    /// The same, but only for services that do not start as root.
    pub(crate) const fn unless_root(self) -> Self {
        Self { to_whom: ToWhom::NotRoot, ..self }
    }

    /// The same, but only on suspicion, and not where `other` is denied.
    pub(crate) const fn suspected_unless_denied(self, other: Need) -> Self {
        Self { strength: Strength::SuspectsUnlessDenied(other), ..self }
    }
}
