//! What libseccomp makes of the names in the sets: which it knows, and which are system calls of an architecture.
//! systemd skips the others, so a filter is worth what the library says it is.
//!
//! Read from the releases 2.3.3 to 2.6.1 and measured on the builds of Debian 11 and 12, which added system calls of
//! later releases. Complete for x86-64, x32, arm, arm64, mips64-le, riscv64 (since 2.5.0) and loongarch64 (since
//! 2.6.0). For x86, ppc64-le and s390x only the members of the assessed sets are known, and only of Debian's 2.5.4 and
//! of 2.6.0; for other architectures nothing is, and the answers say so.

use std::cell::Cell;
use std::fmt;

use super::table::{self, Library};
use super::{Call, CallSet};
use crate::architecture::Architecture;
use crate::release::Release;

/// Names with one number to stand for them where neither exists, and the one that the library gives back for it: -10191,
/// in every release from 2.3.3 to 2.6 (its seccomp.h; of all names that systemd's sets use the only pair, measured on
/// 2.5.4).
const SHARED_NUMBERS: [[&str; 2]; 1] = [["sys_debug_setcontext", "switch_endian"]];

/// A libseccomp release, or a distribution's build of one that added system calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Libseccomp(Library);

impl Libseccomp {
    /// The library to assume where the installed one is not known: the build of the Debian release that shipped the
    /// systemd release (247, 252, 254, 257, 262), for all others the newest library at the time of `release`.
    pub fn shipped_with(release: Release) -> Self {
        Self(table::shipped_with(release).unwrap_or_default())
    }

    /// The library of a version such as `2.5.5` or of a package version such as `2.5.4-1+deb12u1` or `2.5.3-2ubuntu2`:
    /// a build examined, else the upstream release, else the newest one examined before it. `None` below 2.3.3 and for
    /// what is not a version.
    pub fn find(version: &str) -> Option<Self> {
        let exact = table::libraries().find(|(_, label)| *label == version);
        let asked = table::version(version.as_bytes());
        let before = || {
            let mut upstream = table::libraries().filter(|(_, label)| !label.contains('-')).rev();
            upstream.find(|(_, label)| table::version(label.as_bytes()) <= asked)
        };
        exact.or_else(before).map(|(library, _)| Self(library))
    }

    /// The names the library knows at all, for whichever architecture. systemd drops the others while it reads
    /// `SystemCallFilter=`.
    pub fn known(self) -> CallSet {
        thread_local! {
            /// A run asks for one library over and over.
            static ASKED: Cell<Option<(Libseccomp, CallSet)>> = const { Cell::new(None) };
        }
        match ASKED.get() {
            Some((library, known)) if library == self => known,
            _ => {
                let known = self.calls("known");
                ASKED.set(Some((self, known)));
                known
            }
        }
    }

    /// What the library says of `architecture`.
    pub fn native(self, architecture: Architecture) -> NativeCalls {
        thread_local! {
            /// A run asks for one library and one architecture over and over.
            static ASKED: Cell<Option<(Libseccomp, Architecture, NativeCalls)>> = const { Cell::new(None) };
        }
        match ASKED.get() {
            Some((library, asked, native)) if library == self && asked == architecture => native,
            _ => {
                let native = self.look_up(architecture);
                ASKED.set(Some((self, architecture, native)));
                native
            }
        }
    }

    /// `calls` as a manager on `architecture` publishes them: by the names that the library gives back for their numbers.
    pub fn published(self, calls: &CallSet, architecture: Architecture) -> CallSet {
        let mut published = *calls;
        for names in SHARED_NUMBERS {
            let [Some(call), Some(given_back)] = names.map(Call::find) else { continue };
            if calls.contains(call) && self.native(architecture).has(call) != Some(true) {
                published = published.difference(&CallSet::from_iter([call]));
                published = published.union(&CallSet::from_iter([given_back]));
            }
        }
        published
    }

    fn look_up(self, architecture: Architecture) -> NativeCalls {
        let native = self.calls(architecture.word());
        let mut answered = CallSet::EMPTY;
        for listed in table::measured(self.0, architecture.word()) {
            answered = if listed.is_empty() { CallSet::all() } else { answered.union(&listed) };
        }
        if answered != CallSet::all() {
            // What the library does not know exists nowhere.
            answered = answered.union(&CallSet::all().difference(&self.known()));
        }
        NativeCalls { native, foreign: answered.difference(&native) }
    }

    fn calls(self, what: &str) -> CallSet {
        table::calls(self.0, what)
    }
}

impl fmt::Display for Libseccomp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(table::label(self.0))
    }
}

/// Which system calls exist on an architecture, as far as that is known: the library resolves the name to a number
/// there, not to a negative stand-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NativeCalls {
    native: CallSet,
    /// Those that do not exist there; what is in neither set is not known.
    foreign: CallSet,
}

impl NativeCalls {
    /// Whether `call` exists there; `None` if that is not known.
    pub fn has(&self, call: Call) -> Option<bool> {
        if self.native.contains(call) { Some(true) } else { self.foreign.contains(call).then_some(false) }
    }

    /// The members of `calls` that exist there; `None` if that is not known of one of them.
    pub fn among(&self, calls: &CallSet) -> Option<CallSet> {
        let native = calls.intersection(&self.native);
        calls.difference(&native).is_subset(&self.foreign).then_some(native)
    }
}
