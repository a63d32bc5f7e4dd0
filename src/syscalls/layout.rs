//! `catalogue/syscall-sets.txt`, whose head describes the format, split into places of its text while this is compiled:
//! nothing is parsed at start-up, and a malformed file fails the build. What the places say is left to
//! [`table`](super::table).

use super::Call;

const TEXT: &str = include_str!("../catalogue/syscall-sets.txt");
const BYTES: &[u8] = TEXT.as_bytes();

pub(super) const COUNTS: Counts = Counts::of_text();

/// The names in order; a [`Call`] is a place in it.
pub(super) static NAMES: [Span; COUNTS.names] = SORTED;
const SORTED: [Span; COUNTS.names] = sorted_names();

pub(super) static TABLE: Table = Table::of_text();

pub(super) struct Counts {
    pub(super) names: usize,
    blocks: usize,
    lines: usize,
    words: usize,
}

pub(super) struct Table {
    pub(super) blocks: [Block; COUNTS.blocks],
    pub(super) lines: [Line; COUNTS.lines],
    /// The calls in the lines, line after line.
    calls: [Call; COUNTS.words],
}

/// A line that begins in the first column, and the indented lines below it.
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub(super) header: Span,
    /// Its part of [`Table::lines`].
    lines: Span,
}

#[derive(Clone, Copy)]
pub(super) struct Line {
    pub(super) text: Span,
    /// Its part of [`Table::calls`].
    calls: Span,
}

/// From one place to before another; 16 bits keep the table small.
#[derive(Clone, Copy)]
pub(super) struct Span {
    start: u16,
    end: u16,
}

impl Block {
    /// The calls in its lines; nothing if it has no lines.
    pub(super) fn calls(self) -> impl Iterator<Item = Call> {
        self.lines().iter().flat_map(|line| line.calls()).copied()
    }

    pub(super) fn lines(self) -> &'static [Line] {
        self.lines.of(&TABLE.lines)
    }
}

impl Line {
    pub(super) fn calls(self) -> &'static [Call] {
        self.calls.of(&TABLE.calls)
    }
}

impl Span {
    const NONE: Self = Self { start: 0, end: 0 };

    #[allow(clippy::cast_possible_truncation, reason = "checked; `try_from` is not const")]
    const fn new(start: usize, end: usize) -> Self {
        assert!(start <= end && end <= u16::MAX as usize, "the file outgrew Span");
        Self { start: start as u16, end: end as u16 }
    }

    pub(super) fn text(self) -> &'static str {
        TEXT.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }

    pub(super) fn of<T>(self, all: &'static [T]) -> &'static [T] {
        all.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }

    const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The next word at or after `at` in this line; an empty span beyond the last.
    const fn word(self, mut at: usize) -> Self {
        while at < self.end as usize && BYTES[at] == b' ' {
            at += 1;
        }
        let start = at;
        while at < self.end as usize && BYTES[at] != b' ' {
            at += 1;
        }
        Self::new(start, at)
    }

    /// Whether the text stands before that of `other` in the order of its bytes.
    const fn is_before(self, other: Self) -> bool {
        let (mut mine, mut theirs) = (self.start as usize, other.start as usize);
        while mine < self.end as usize && theirs < other.end as usize {
            if BYTES[mine] != BYTES[theirs] {
                return BYTES[mine] < BYTES[theirs];
            }
            mine += 1;
            theirs += 1;
        }
        mine == self.end as usize && theirs < other.end as usize
    }
}

/// A line of the file that is neither empty nor a comment.
enum Row {
    Header(Span),
    Body(Span, Words),
}

/// Walks the lines of the file.
struct Rows {
    at: usize,
    /// The first byte of the last header: `c` of `calls`, `m` of `measured`, `@` of a set.
    kind: u8,
}

impl Rows {
    const fn of_text() -> Self {
        Self { at: 0, kind: 0 }
    }

    const fn next(&mut self) -> Option<Row> {
        while self.at < BYTES.len() {
            let start = self.at;
            while BYTES[self.at] != b'\n' {
                self.at += 1;
            }
            let line = Span::new(start, self.at);
            self.at += 1;
            match BYTES[start] {
                b'#' | b'\n' => {}
                b' ' => return Some(Row::Body(line, Words::of_line(line, self.kind))),
                first => {
                    self.kind = first;
                    return Some(Row::Header(line));
                }
            }
        }
        None
    }
}

/// Walks the names of system calls in an indented line.
struct Words {
    line: Span,
    at: usize,
    /// Whether these are the lines that every name stands in exactly once.
    defining: bool,
}

impl Words {
    const fn of_line(line: Span, kind: u8) -> Self {
        let start = line.start as usize;
        // The lines of a set begin with ranges.
        let at = if kind == b'@' { line.word(start).end as usize } else { start };
        Self { line, at, defining: kind == b'c' }
    }

    const fn next(&mut self) -> Option<Span> {
        loop {
            let word = self.line.word(self.at);
            self.at = word.end as usize;
            if word.is_empty() {
                return None;
            }
            if BYTES[word.start as usize] != b'@' {
                return Some(word);
            }
        }
    }
}

impl Counts {
    const fn of_text() -> Self {
        let mut counts = Self { names: 0, blocks: 0, lines: 0, words: 0 };
        let mut rows = Rows::of_text();
        while let Some(row) = rows.next() {
            let Row::Body(_, mut words) = row else {
                counts.blocks += 1;
                continue;
            };
            counts.lines += 1;
            while words.next().is_some() {
                counts.words += 1;
                counts.names += words.defining as usize;
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
#[allow(clippy::cast_possible_truncation, reason = "there are fewer names than bytes, which a Span counts")]
const fn call(name: Span) -> Call {
    let names: &[Span] = &SORTED;
    let (mut low, mut high) = (0, names.len());
    while low < high {
        let middle = usize::midpoint(low, high);
        if names[middle].is_before(name) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    assert!(low < names.len() && !name.is_before(names[low]), "a name stands in no `calls` block");
    Call(low as u16)
}

impl Table {
    const fn of_text() -> Self {
        let no_line = Line { text: Span::NONE, calls: Span::NONE };
        let mut table = Self {
            blocks: [Block { header: Span::NONE, lines: Span::NONE }; COUNTS.blocks],
            lines: [no_line; COUNTS.lines],
            calls: [Call(0); COUNTS.words],
        };
        let (mut blocks, mut lines, mut calls) = (0, 0, 0);
        let mut rows = Rows::of_text();
        while let Some(row) = rows.next() {
            match row {
                Row::Header(header) => {
                    table.blocks[blocks] = Block { header, lines: Span::new(lines, lines) };
                    blocks += 1;
                }
                Row::Body(text, mut words) => {
                    let first = calls;
                    while let Some(name) = words.next() {
                        table.calls[calls] = call(name);
                        calls += 1;
                    }
                    table.lines[lines] = Line { text, calls: Span::new(first, calls) };
                    lines += 1;
                    let block = &mut table.blocks[blocks - 1];
                    block.lines = Span::new(block.lines.start as usize, lines);
                }
            }
        }
        table
    }
}
