//! Look-ups in `catalogue/syscall-sets.txt`: ranges of releases and of libraries, read where they are needed.

use super::layout::{Answer, COUNTS, NAMES, TABLE};
use super::ranges::point;
use super::{Call, CallSet, Release};

pub(super) use super::layout::Library;
pub(super) use super::ranges::version;

/// The number of names.
pub(super) const fn len() -> usize {
    COUNTS.names
}

/// The place of `name` among all names in order.
pub(super) fn find(name: &str) -> Option<Call> {
    let place = NAMES.binary_search_by(|known| known.text().cmp(name)).ok()?;
    u16::try_from(place).ok().map(Call)
}

/// The name of `call`.
pub(super) fn name(call: Call) -> &'static str {
    NAMES.get(usize::from(call.0)).map_or("", |name| name.text())
}

/// The names of the sets of all releases.
pub(super) fn sets() -> impl Iterator<Item = &'static str> + Clone {
    TABLE.sets.iter().map(|set| set.name.text())
}

/// What stands in `set` in `release`, in parts: the sets nested by name, and calls. Nothing if there is no such set.
pub(super) fn parts(set: &str, release: Release) -> impl Iterator<Item = Part> {
    let release = if release.major == super::BELOW { Release::first(super::BELOW + 1) } else { release };
    let release = point([release.major, release.minor, 0]);
    let set = TABLE.sets.iter().find(|known| known.name.says(set));
    let lines = set.into_iter().flat_map(|set| set.lines()).filter(move |line| line.holds(release));
    lines.map(|line| Part { words: line.words(), calls: line.calls() })
}

/// A line of a set.
pub(super) struct Part {
    words: &'static str,
    /// The system calls in it.
    pub(super) calls: &'static [Call],
}

impl Part {
    /// The sets in it, which stand before the calls.
    pub(super) fn sets(&self) -> impl Iterator<Item = &'static str> {
        self.words.split_ascii_whitespace().take_while(|word| super::is_set(word))
    }
}

/// The libseccomp releases and builds asked with their labels, oldest first.
pub(super) fn libraries() -> impl DoubleEndedIterator<Item = (Library, &'static str)> {
    (0..=Library::MAX).take(TABLE.libraries.len()).map(|library| (library, label(library)))
}

/// The label of a library.
pub(super) fn label(library: Library) -> &'static str {
    TABLE.libraries.get(usize::from(library)).map_or("", |label| label.text())
}

/// The libseccomp to assume for `release`.
pub(super) fn shipped_with(release: Release) -> Option<Library> {
    let release = point([release.major, release.minor, 0]);
    TABLE.ships.iter().find(|ship| ship.releases.holds(release)).map(|ship| ship.library)
}

/// The system calls that `library` knows (`known`) or has on an architecture.
pub(super) fn calls(library: Library, what: &str) -> CallSet {
    answers(library, what, false).fold(CallSet::EMPTY, |calls, answer| calls.union(&answer.calls()))
}

/// The system calls, group by group, of which it was measured what `library` has on an architecture; a group without any
/// is of all.
pub(super) fn measured(library: Library, what: &str) -> impl Iterator<Item = CallSet> {
    answers(library, what, true).map(|answer| answer.calls())
}

fn answers(library: Library, what: &str, is_measured: bool) -> impl Iterator<Item = &'static Answer> {
    let of_kind = TABLE.answers.iter().filter(move |answer| answer.is_measured == is_measured);
    of_kind.filter(move |answer| answer.is_of(library, what))
}
