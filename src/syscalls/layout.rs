//! `catalogue/syscall-sets.txt`, whose head describes the format, split into places of its text while this is compiled:
//! nothing is parsed at start-up, and a malformed file fails the build. What the places say is left to
//! [`table`](super::table).

use super::places::{BYTES, List, Row, Rows, Span, is_before};
use super::ranges::{Range, Version};
use super::{Call, CallSet};

pub(super) const COUNTS: Counts = Counts::of_text();

/// The names in order; a [`Call`] is a place in it.
pub(super) static NAMES: [Span; COUNTS.names] = SORTED;
const SORTED: [Span; COUNTS.names] = sorted_names();

pub(super) static TABLE: Table = Table::of_text();

pub(super) struct Counts {
    pub(super) names: usize,
    libraries: usize,
    sets: usize,
    ships: usize,
    answers: usize,
    lines: usize,
    ranges: usize,
    words: usize,
}

pub(super) struct Table {
    /// The labels of the libseccomp releases and builds asked, oldest first; a [`Library`] is a place in it.
    pub(super) libraries: [Span; COUNTS.libraries],
    pub(super) ships: [Ship; COUNTS.ships],
    pub(super) answers: [Answer; COUNTS.answers],
    pub(super) sets: [Set; COUNTS.sets],
    lines: [Line; COUNTS.lines],
    /// Those of the lines of sets, line after line.
    ranges: [Range; COUNTS.ranges],
    /// The calls in the lines, line after line.
    calls: [Call; COUNTS.words],
}

/// A place in [`Table::libraries`].
pub(super) type Library = u8;

/// The library to assume for some releases of systemd.
#[derive(Clone, Copy)]
pub(super) struct Ship {
    pub(super) releases: Range,
    pub(super) library: Library,
}

/// What some libraries say of names, for some architectures.
#[derive(Clone, Copy)]
pub(super) struct Answer {
    /// Whether it is that they were measured, not that they are there.
    pub(super) is_measured: bool,
    /// The words of architectures, and `known`, between commas.
    about: Span,
    /// The libraries, a bit each.
    libraries: u32,
    /// Its part of [`Table::lines`].
    lines: Span,
}

/// A set of system calls.
#[derive(Clone, Copy)]
pub(super) struct Set {
    pub(super) name: Span,
    /// Its part of [`Table::lines`].
    lines: Span,
}

/// An indented line.
#[derive(Clone, Copy)]
pub(super) struct Line {
    /// Its part of [`Table::ranges`].
    ranges: Span,
    /// What stands behind the ranges.
    words: Span,
    /// Its part of [`Table::calls`].
    calls: Span,
}

impl Answer {
    /// Whether it is the answer of `library` about `what` (`known` or an architecture).
    pub(super) fn is_of(self, library: Library, what: &str) -> bool {
        self.libraries >> library & 1 == 1 && self.about.text().split(',').any(|about| about == what)
    }

    /// The calls in its lines; nothing if it has no lines.
    pub(super) fn calls(self) -> CallSet {
        let mut calls = CallSet::EMPTY;
        for line in self.lines.of(&TABLE.lines) {
            calls.extend(line.calls().iter().copied());
        }
        calls
    }
}

impl Set {
    pub(super) fn lines(self) -> &'static [Line] {
        self.lines.of(&TABLE.lines)
    }
}

impl Line {
    pub(super) fn holds(&self, release: Version) -> bool {
        self.ranges.of(&TABLE.ranges).iter().any(|range| range.holds(release))
    }

    pub(super) fn words(&self) -> &'static str {
        self.words.text()
    }

    pub(super) fn calls(&self) -> &'static [Call] {
        self.calls.of(&TABLE.calls)
    }
}

impl Counts {
    const fn of_text() -> Self {
        let mut counts =
            Self { names: 0, libraries: 0, sets: 0, ships: 0, answers: 0, lines: 0, ranges: 0, words: 0 };
        let mut rows = Rows::of_text();
        while let Some(row) = rows.next() {
            match row {
                Row::Header(header) => {
                    let kind = rows.kind;
                    counts.sets += (kind == b'@') as usize;
                    counts.ships += (kind == b's') as usize;
                    let mut about = List::of(header.tail(), b' ');
                    while let Some(one) = about.next() {
                        counts.libraries += (kind == b'l') as usize;
                        counts.answers += (one.cut(b":").1.is_some()) as usize;
                    }
                }
                Row::Body(text, mut words) => {
                    counts.lines += 1;
                    if rows.kind == b'@' {
                        let mut ranges = List::of(text.head(), b',');
                        while ranges.next().is_some() {
                            counts.ranges += 1;
                        }
                    }
                    while words.next().is_some() {
                        counts.words += 1;
                        counts.names += words.defining as usize;
                    }
                }
            }
        }
        counts
    }
}

const fn sorted_names() -> [Span; COUNTS.names] {
    let mut names = [Span::NONE; COUNTS.names];
    let mut len = 0;
    let mut rows = Rows::of_text();
    while let Some(row) = rows.next() {
        if let Row::Body(_, mut words) = row
            && words.defining
        {
            while let Some(name) = words.next() {
                names[len] = name;
                len += 1;
            }
        }
    }
    // Shell's sort: short, and quick enough for the compiler, which an insertion sort alone is not.
    let mut gap = len / 2;
    while gap > 0 {
        let mut next = gap;
        while next < len {
            let name = names[next];
            let mut place = next;
            while place >= gap && name.is_before(names[place - gap]) {
                names[place] = names[place - gap];
                place -= gap;
            }
            names[place] = name;
            next += 1;
        }
        gap /= 2;
    }
    names
}

/// The call of a name in the file.
const fn call(name: Span) -> Call {
    match called(BYTES, name) {
        Some(call) => call,
        None => panic!("a name stands in no `calls` block"),
    }
}

/// The call whose name is a part of a text; nothing where the file has no such name.
#[allow(clippy::cast_possible_truncation, reason = "there are fewer names than bytes, which a Span counts")]
pub(super) const fn called(text: &[u8], part: Span) -> Option<Call> {
    let names: &[Span] = &SORTED;
    let (mut low, mut high) = (0, names.len());
    while low < high {
        let middle = usize::midpoint(low, high);
        if is_before((BYTES, names[middle]), (text, part)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if low == names.len() || is_before((text, part), (BYTES, names[low])) {
        return None;
    }
    Some(Call(low as u16))
}

impl Table {
    const fn of_text() -> Self {
        const NONE: Span = Span::NONE;
        let mut table = Self {
            libraries: [NONE; COUNTS.libraries],
            ships: [Ship { releases: Range::NONE, library: 0 }; COUNTS.ships],
            answers: [Answer { is_measured: false, about: NONE, libraries: 0, lines: NONE }; COUNTS.answers],
            sets: [Set { name: NONE, lines: NONE }; COUNTS.sets],
            lines: [Line { ranges: NONE, words: NONE, calls: NONE }; COUNTS.lines],
            ranges: [Range::NONE; COUNTS.ranges],
            calls: [Call(0); COUNTS.words],
        };
        let mut rows = Rows::of_text();
        // How many of each there are so far, and the first answer of this header and line below it.
        let (mut libraries, mut ships, mut answers, mut sets) = (0, 0, 0, 0);
        let (mut lines, mut ranges, mut calls) = (0, 0, 0);
        let (mut first_answer, mut first_line) = (0, 0);
        while let Some(row) = rows.next() {
            match row {
                Row::Header(header) => {
                    (first_answer, first_line) = (answers, lines);
                    let mut words = List::of(header.tail(), b' ');
                    match rows.kind {
                        b'l' => {
                            while let Some(label) = words.next() {
                                table.libraries[libraries] = label;
                                libraries += 1;
                            }
                        }
                        b's' => {
                            let (Some(range), Some(label)) = (words.next(), words.next()) else {
                                panic!("ships what?")
                            };
                            let Some(releases) = Range::of(range) else { panic!("no range of releases") };
                            let library = table.library(label);
                            table.ships[ships] = Ship { releases, library };
                            ships += 1;
                        }
                        b'@' => {
                            table.sets[sets] = Set { name: header, lines: NONE };
                            sets += 1;
                        }
                        kind => {
                            while let Some(word) = words.next() {
                                if let (about, Some(said)) = word.cut(b":") {
                                    let libraries = table.libraries_in(said);
                                    let is_measured = kind == b'm';
                                    table.answers[answers] =
                                        Answer { is_measured, about, libraries, lines: NONE };
                                    answers += 1;
                                }
                            }
                        }
                    }
                }
                Row::Body(text, mut words) => {
                    let (first_call, first_range) = (calls, ranges);
                    while let Some(name) = words.next() {
                        table.calls[calls] = call(name);
                        calls += 1;
                    }
                    let mut line = Line { ranges: NONE, words: text, calls: Span::new(first_call, calls) };
                    if rows.kind == b'@' {
                        let mut of_releases = List::of(text.head(), b',');
                        while let Some(range) = of_releases.next() {
                            let Some(range) = Range::of(range) else { panic!("no range of releases") };
                            table.ranges[ranges] = range;
                            ranges += 1;
                        }
                        line = Line { ranges: Span::new(first_range, ranges), words: text.tail(), ..line };
                    }
                    table.lines[lines] = line;
                    lines += 1;
                    let below = Span::new(first_line, lines);
                    if rows.kind == b'@' {
                        table.sets[sets - 1].lines = below;
                    }
                    let mut answer = first_answer;
                    while answer < answers {
                        table.answers[answer].lines = below;
                        answer += 1;
                    }
                }
            }
        }
        table
    }

    /// The place of a library by its label.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "there are as many libraries as bits in an answer at most"
    )]
    const fn library(&self, label: Span) -> Library {
        let mut place = 0;
        while !self.libraries[place].is(label) {
            place += 1;
        }
        place as Library
    }

    /// The libraries in `said`, a bit each: ranges of versions, and labels of single ones.
    const fn libraries_in(&self, said: Span) -> u32 {
        assert!(self.libraries.len() <= u32::BITS as usize, "more libraries than bits");
        let (mut all, mut place) = (0, 0);
        while place < self.libraries.len() {
            let label = self.libraries[place];
            let mut parts = List::of(said, b',');
            while let Some(part) = parts.next() {
                let is_in = match Range::of(part) {
                    Some(range) => range.holds(label.version()),
                    None => part.is(label),
                };
                all |= (is_in as u32) << place;
            }
            place += 1;
        }
        all
    }
}
