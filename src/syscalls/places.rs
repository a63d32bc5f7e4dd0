//! The text of `catalogue/syscall-sets.txt` and places in it, and the walks that take it apart while this is compiled.

use super::ranges::{Version, version};

const TEXT: &str = include_str!("../catalogue/syscall-sets.txt");
pub(super) const BYTES: &[u8] = TEXT.as_bytes();

/// From one place to before another; 16 bits keep the table small.
#[derive(Clone, Copy)]
pub(super) struct Span {
    start: u16,
    end: u16,
}

impl Span {
    pub(super) const NONE: Self = Self { start: 0, end: 0 };

    #[allow(clippy::cast_possible_truncation, reason = "checked; `try_from` is not const")]
    pub(super) const fn new(start: usize, end: usize) -> Self {
        assert!(start <= end && end <= u16::MAX as usize, "the file outgrew Span");
        Self { start: start as u16, end: end as u16 }
    }

    pub(super) fn text(self) -> &'static str {
        TEXT.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }

    /// Whether that is the text.
    pub(super) fn says(self, text: &str) -> bool {
        usize::from(self.end - self.start) == text.len() && self.text() == text
    }

    pub(super) fn of<T>(self, all: &'static [T]) -> &'static [T] {
        all.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }

    pub(super) const fn is_empty(self) -> bool {
        self.start == self.end
    }

    const fn bytes(self) -> &'static [u8] {
        BYTES.split_at(self.end as usize).0.split_at(self.start as usize).1
    }

    pub(super) const fn version(self) -> Version {
        version(self.bytes())
    }

    pub(super) const fn is(self, other: Self) -> bool {
        self.end - self.start == other.end - other.start && !self.is_before(other) && !other.is_before(self)
    }

    /// What stands before `separator`, and what behind it; all and nothing without one.
    pub(super) const fn cut(self, separator: &[u8]) -> (Self, Option<Self>) {
        let (mut at, end) = (self.start as usize, self.end as usize);
        while at + separator.len() <= end {
            let mut same = 0;
            while same < separator.len() && BYTES[at + same] == separator[same] {
                same += 1;
            }
            if same == separator.len() {
                return (Self::new(self.start as usize, at), Some(Self::new(at + same, end)));
            }
            at += 1;
        }
        (self, None)
    }

    /// The first word.
    pub(super) const fn head(self) -> Self {
        self.word(self.start as usize)
    }

    /// What stands behind it.
    pub(super) const fn tail(self) -> Self {
        Self::new(self.head().end as usize, self.end as usize)
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
    pub(super) const fn is_before(self, other: Self) -> bool {
        is_before((BYTES, self), (BYTES, other))
    }
}

/// Whether a part of a text stands before one of another in the order of their bytes. By places, for what compares so many
/// of them must not take the compiler long.
pub(super) const fn is_before((mine, part): (&[u8], Span), (theirs, other): (&[u8], Span)) -> bool {
    let (mut at, mut to) = (part.start as usize, other.start as usize);
    while at < part.end as usize && to < other.end as usize {
        if mine[at] != theirs[to] {
            return mine[at] < theirs[to];
        }
        at += 1;
        to += 1;
    }
    at == part.end as usize && to < other.end as usize
}

/// A line of the file that is neither empty nor a comment.
pub(super) enum Row {
    Header(Span),
    Body(Span, Words),
}

/// Walks the lines of the file.
pub(super) struct Rows {
    at: usize,
    /// The first byte of the last header: `l` of `libraries`, `s` of `ships`, `m` of `measured`, `c` of `calls`, `@` of a
    /// set.
    pub(super) kind: u8,
}

impl Rows {
    pub(super) const fn of_text() -> Self {
        Self { at: 0, kind: 0 }
    }

    pub(super) const fn next(&mut self) -> Option<Row> {
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
pub(super) struct Words {
    line: Span,
    at: usize,
    /// Whether these are the lines that every name stands in exactly once.
    pub(super) defining: bool,
}

impl Words {
    const fn of_line(line: Span, kind: u8) -> Self {
        let start = line.start as usize;
        // The lines of a set begin with ranges.
        let at = if kind == b'@' { line.word(start).end as usize } else { start };
        Self { line, at, defining: kind == b'c' }
    }

    pub(super) const fn next(&mut self) -> Option<Span> {
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

/// Walks what stands between separators and is not empty.
pub(super) struct List {
    rest: Option<Span>,
    separator: u8,
}

impl List {
    pub(super) const fn of(all: Span, separator: u8) -> Self {
        Self { rest: Some(all), separator }
    }

    pub(super) const fn next(&mut self) -> Option<Span> {
        while let Some(rest) = self.rest {
            let (part, behind) = rest.cut(&[self.separator]);
            self.rest = behind;
            if !part.is_empty() {
                return Some(part);
            }
        }
        None
    }
}
