//! Look-ups in `catalogue/syscall-sets.txt`: ranges of releases and of libraries, read where they are needed.

use super::layout::{Block, COUNTS, NAMES, TABLE};
use super::{Call, Release};

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
pub(super) fn sets() -> impl Iterator<Item = &'static str> {
    TABLE.blocks.iter().map(|block| block.header.text()).filter(|header| super::is_set(header))
}

/// What stands in `set` in `release`, in parts: the sets nested by name, and calls. Nothing if there is no such set.
pub(super) fn parts(set: &str, release: Release) -> impl Iterator<Item = Part> {
    let release = if release.major == super::BELOW { Release::first(super::BELOW + 1) } else { release };
    let block = TABLE.blocks.iter().copied().find(|block| super::is_set(set) && block.header.text() == set);
    block.into_iter().flat_map(Block::lines).filter_map(move |line| {
        let (ranges, words) = line.text.text().trim_start().split_once(' ')?;
        holds(ranges, release).then(|| Part { words, calls: line.calls() })
    })
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

/// The labels of the libseccomp releases and builds asked, oldest first.
pub(super) fn libraries() -> impl DoubleEndedIterator<Item = &'static str> {
    let header = blocks("libraries").next().map_or("", |block| block.header.text());
    header.split_once(' ').map_or("", |(_, labels)| labels).split_ascii_whitespace()
}

/// The label of the libseccomp to assume for `release`.
pub(super) fn shipped_with(release: Release) -> Option<&'static str> {
    blocks("ships").find_map(|block| {
        let mut words = block.header.text().split_ascii_whitespace().skip(1);
        words.next().filter(|ranges| holds(ranges, release)).and(words.next())
    })
}

/// The blocks of a `kind` whose header [`says`] so of `what` and the library `label`.
pub(super) fn blocks_saying(kind: &'static str, what: &str, label: &str) -> impl Iterator<Item = Block> {
    blocks(kind).filter(move |block| says(*block, what, label))
}

fn blocks(kind: &'static str) -> impl Iterator<Item = Block> {
    let is = move |header: &str| header.strip_prefix(kind).is_some_and(|rest| rest.starts_with(' '));
    TABLE.blocks.iter().copied().filter(move |block| is(block.header.text()))
}

/// Whether the header of `block` is true of `what` (`known` or an architecture) and the library `label`.
pub(super) fn says(block: Block, what: &str, label: &str) -> bool {
    let words = block.header.text().split(' ');
    let mut answers = words.filter_map(|word| word.split_once(':'));
    let ranges = answers.find(|(names, _)| names.split(',').any(|name| name == what));
    ranges.is_some_and(|(_, ranges)| contains(ranges, version(label), label))
}

fn holds(ranges: &str, release: Release) -> bool {
    contains(ranges, [release.major, release.minor, 0], "")
}

/// Whether `ranges` contain `point`, or name `label` itself.
fn contains(ranges: &str, point: [u16; 3], label: &str) -> bool {
    ranges.split(',').any(|range| match range.split_once("..") {
        Some((first, "")) => version(first) <= point,
        Some((first, end)) => version(first) <= point && point < version(end),
        None => range == label,
    })
}

/// The numbers of `252`, `243.4`, `2.5.1` and `2.5.4-1+deb12u1`; what is missing is 0.
pub(super) fn version(text: &str) -> [u16; 3] {
    let mut numbers = [0_u16; 3];
    let mut place = 0;
    for byte in text.bytes() {
        match byte {
            b'.' => place += 1,
            b'0'..=b'9' => {
                if let Some(number) = numbers.get_mut(place) {
                    *number = number.saturating_mul(10).saturating_add(u16::from(byte - b'0'));
                }
            }
            _ => break,
        }
    }
    numbers
}
