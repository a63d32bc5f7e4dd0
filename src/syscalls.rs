//! Which system calls the sets of `SystemCallFilter=` (`@system-service`, `@swap`, ...) hold in a systemd release, and
//! sets of system calls to reckon with. Which of the names exist on a host is the answer of [`libseccomp`]; what a
//! filter is worth is left to the scorer.
//!
//! The sets are those of systemd 240 to 262, point releases included, because stable branches add system calls. A
//! release that was not examined has the sets of the newest examined one before it: of its own branch, else of the
//! newest branch below it (261 has those of 260.1, 263 those of 262). 239, which was not examined, is taken to have those
//! of 240; below it there are no sets.
//!
//! Builds of systemd below 252 for other machines than s390 leave out `s390_pci_mmio_read`, `s390_pci_mmio_write` and
//! `s390_runtime_instr`; they are members here, and no such machine has them natively.

use std::cell::RefCell;
use std::collections::BTreeMap;

use std::fmt;

use crate::release::Release;

pub use crate::architecture::Architecture;
pub(crate) use numbers::numbered;

mod layout;
pub mod libseccomp;
mod numbers;
mod places;
mod ranges;
mod table;
#[cfg(test)]
mod tests;

/// The release below the oldest examined one.
const BELOW: u16 = 239;

/// The sets that `systemd-analyze security` checks, one check each, in its order.
pub const ASSESSED: [&str; 11] = [
    "@swap",
    "@obsolete",
    "@clock",
    "@cpu-emulation",
    "@debug",
    "@mount",
    "@module",
    "@raw-io",
    "@reboot",
    "@privileged",
    "@resources",
];

/// The names of the sets of all releases.
pub(crate) fn all_sets() -> impl Iterator<Item = &'static str> + Clone {
    table::sets()
}

/// The names of all sets that `release` has, each with its `@`, in the order of `systemd-analyze syscall-filter` as
/// far as the releases agree on one.
pub fn sets(release: Release) -> Vec<&'static str> {
    table::sets().filter(|set| table::parts(set, release).next().is_some()).collect()
}

/// The system calls of the set `name` (`@swap`) in `release`, those of nested sets included; `None` if the release has
/// no such set.
pub fn set(name: &str, release: Release) -> Option<CallSet> {
    thread_local! {
        /// A run asks for the same dozen sets of one release over and over.
        static EXPANDED: RefCell<BTreeMap<Release, BTreeMap<String, Option<CallSet>>>> =
            const { RefCell::new(BTreeMap::new()) };
    }
    let known = EXPANDED.with_borrow(|expanded| expanded.get(&release)?.get(name).copied());
    known.unwrap_or_else(|| {
        let calls = expand(name, release);
        EXPANDED.with_borrow_mut(|expanded| {
            expanded.entry(release).or_default().insert(name.to_owned(), calls);
        });
        calls
    })
}

fn expand(name: &str, release: Release) -> Option<CallSet> {
    let mut parts = table::parts(name, release).peekable();
    parts.peek()?;
    let mut calls = CallSet::EMPTY;
    for part in parts {
        calls.extend(part.calls.iter().copied());
        for nested in part.sets() {
            calls = calls.union(&set(nested, release).unwrap_or_default());
        }
    }
    Some(calls)
}

/// The system calls of `set` in the order in which systemd walks them: the nested sets first, depth first, then its
/// own, each sorted; a name only where it occurs first. `None` if the release has no such set.
pub fn members(set: &str, release: Release) -> Option<Vec<&'static str>> {
    let mut seen = CallSet::EMPTY;
    let mut members = Vec::new();
    collect(set, release, &mut seen, &mut members);
    (!members.is_empty()).then_some(members)
}

fn collect(set: &str, release: Release, seen: &mut CallSet, members: &mut Vec<&'static str>) {
    for nested in nested(set, release) {
        collect(nested, release, seen, members);
    }
    let calls: CallSet = table::parts(set, release).flat_map(|part| part.calls).copied().collect();
    members.extend(calls.iter().filter(|call| seen.insert(*call)).map(Call::name));
}

/// The sets that stand in `set` by name, in its order; nothing if it nests none or the release has no such set.
pub fn nested(set: &str, release: Release) -> Vec<&'static str> {
    let mut nested = Vec::new();
    for part in table::parts(set, release) {
        nested.extend(part.sets());
    }
    nested.sort_unstable();
    nested
}

/// Whether `call` is known to the libseccomp to assume for `release`, for whichever architecture. A manager leaves the
/// names out that its library does not know.
pub fn is_known(call: Call, release: Release) -> bool {
    known(release).contains(call)
}

/// The system calls that [`is_known`] says yes to.
pub fn known(release: Release) -> CallSet {
    libseccomp::Libseccomp::shipped_with(release).known()
}

fn is_set(word: &str) -> bool {
    word.starts_with('@')
}

/// A system call that some set of some release names. The order is that of the names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Call(u16);

impl Call {
    /// The system call called `name`; `None` for a name that neither systemd's sets nor the libseccomp releases
    /// examined have.
    pub fn find(name: &str) -> Option<Self> {
        table::find(name)
    }

    /// Its name in libseccomp, such as `clock_settime64`.
    pub fn name(self) -> &'static str {
        table::name(self)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of system calls; a plain value of about 90 bytes.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CallSet([u64; Self::WORDS]);

impl CallSet {
    /// No system call.
    pub const EMPTY: Self = Self([0; Self::WORDS]);

    const WORDS: usize = table::len().div_ceil(64);

    /// Every system call there is a [`Call`] of.
    pub const fn all() -> Self {
        let mut words = [u64::MAX; Self::WORDS];
        words[Self::WORDS - 1] >>= 64 * Self::WORDS - table::len();
        Self(words)
    }

    /// Whether `call` is a member.
    pub fn contains(&self, call: Call) -> bool {
        let (word, bit) = slot(call);
        self.0.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// Puts `call` in; whether it was not there before.
    pub fn insert(&mut self, call: Call) -> bool {
        let (word, bit) = slot(call);
        self.0.get_mut(word).is_some_and(|bits| {
            let new = *bits & bit == 0;
            *bits |= bit;
            new
        })
    }

    /// Takes `call` out; whether it was there.
    pub fn remove(&mut self, call: Call) -> bool {
        let (word, bit) = slot(call);
        self.0.get_mut(word).is_some_and(|bits| {
            let there = *bits & bit != 0;
            *bits &= !bit;
            there
        })
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::EMPTY
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.0.iter().map(|bits| bits.count_ones() as usize).sum()
    }

    /// Whether all members are in `other`, too.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.difference(other).is_empty()
    }

    /// Whether no member is in `other`.
    pub fn is_disjoint(&self, other: &Self) -> bool {
        self.intersection(other).is_empty()
    }

    /// The members of either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.combine(other, |mine, theirs| mine | theirs)
    }

    /// The members of both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.combine(other, |mine, theirs| mine & theirs)
    }

    /// The members that `other` lacks.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.combine(other, |mine, theirs| mine & !theirs)
    }

    /// The members in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = Call> + '_ {
        (0_u16..).step_by(64).zip(self.0).flat_map(|(first, mut bits)| {
            std::iter::from_fn(move || {
                let place = u16::try_from(bits.trailing_zeros()).ok().filter(|_| bits != 0)?;
                bits &= bits - 1;
                Some(Call(first + place))
            })
        })
    }

    fn combine(&self, other: &Self, bits: impl Fn(u64, u64) -> u64) -> Self {
        let mut all = *self;
        for (mine, theirs) in all.0.iter_mut().zip(other.0) {
            *mine = bits(*mine, theirs);
        }
        all
    }
}

fn slot(call: Call) -> (usize, u64) {
    (usize::from(call.0 / 64), 1 << (call.0 % 64))
}

impl FromIterator<Call> for CallSet {
    fn from_iter<I: IntoIterator<Item = Call>>(calls: I) -> Self {
        let mut set = Self::EMPTY;
        set.extend(calls);
        set
    }
}

impl Extend<Call> for CallSet {
    fn extend<I: IntoIterator<Item = Call>>(&mut self, calls: I) {
        for call in calls {
            self.insert(call);
        }
    }
}

impl fmt::Debug for CallSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
