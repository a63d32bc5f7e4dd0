//! A line of the exposure figure: its share in it, and how its badness comes about.

use crate::posture::Posture;
use crate::release::{EVERY, Releases};

/// One line of the exposure figure.
pub struct Check {
    /// systemd's `json_field`.
    pub id: &'static str,
    /// Its share in the figure.
    pub weight: u64,
    /// The worst badness.
    pub range: u64,
    /// The releases that have it.
    pub releases: Releases,
    /// To which services it applies.
    pub applies: Applies,
    /// How badness comes about.
    pub probe: Probe,
}

/// A check of every release and service.
pub(crate) const fn check(id: &'static str, weight: u64, range: u64, probe: Probe) -> Check {
    Check { id, weight, range, releases: EVERY, applies: Applies::Always, probe }
}

impl Check {
    /// The same, in these releases only.
    pub(crate) const fn in_releases(self, releases: Releases) -> Self {
        Self { releases, ..self }
    }

    /// The same, for these services only.
    pub(crate) const fn applying(self, applies: Applies) -> Self {
        Self { applies, ..self }
    }
}

/// To which services a check applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applies {
    /// All.
    Always,
    /// Those with `DefaultDependencies=yes`.
    DefaultDependencies,
    /// Those that do not run as root, by name.
    Unprivileged,
    /// The same, and not below a user's manager from 262 on.
    UnprivilegedSystem,
}

/// How the badness of a check comes about.
#[derive(Clone, Copy)]
pub enum Probe {
    /// 0 if it is on (set to anything but `no`), else 1.
    On,
    /// 1 if it is on, else 0.
    Off,
    /// 1 if the list or set has any member, else 0.
    Empty,
    /// By the word; any other word, and none at all, has the last badness.
    Words(&'static [(&'static str, u64)]),
    /// 1 if any of these is kept, else 0; with their bits.
    KeepsAny(&'static [&'static str], u64),
    /// 1 unless this group of address families is restricted.
    Family(FamilyGroup),
    /// By the members of this set of system calls.
    Calls(&'static str),
    /// The first mask bit that is missing decides; 0 if none is.
    MaskBits(&'static [(u32, u64)]),
    /// What rows say together, or what needs a rule of its own.
    Rule {
        /// The rule in words.
        says: &'static str,
        /// The rule.
        judge: fn(&Posture) -> u64,
    },
}

/// The groups in which address families are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FamilyGroup {
    /// `AF_INET` and `AF_INET6`.
    Inet,
    /// `AF_UNIX`.
    Unix,
    /// `AF_NETLINK`.
    Netlink,
    /// `AF_PACKET`.
    Packet,
    /// Any other.
    Other,
}
