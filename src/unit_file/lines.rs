//! The lines of one unit file, read as systemd's `config_parse()` reads them: what it ignores becomes a notice, what
//! makes it give a file up ends the reading. Which sections and keys exist is left to others.
//!
//! rust-ini is not the reader here: it takes `Key: value` for an assignment, lets a line without `=` swallow the next
//! ones, trims blanks that systemd keeps, and knows no line numbers. Each of these turns a service that systemd runs
//! unprotected into one that looks protected.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use smol_str::SmolStr;

use super::{Assignment, Notice, quoted, quoted_bytes};
use crate::visible::is_noncharacter;

/// The longest line in bytes, continuations joined (`LONG_LINE_MAX`, systemd 233 and later).
pub const MAX_LINE: usize = 1 << 20;

/// What one file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitLines {
    /// The assignments in the order of the file, whatever their section.
    pub assignments: Vec<Assignment>,
    /// The lines that systemd ignores.
    pub notices: Vec<Notice>,
    /// Where and why systemd stops reading. A fragment is then refused as a whole; of a drop-in, what stands before
    /// counts.
    pub broken: Option<Broken>,
}

/// The place at which systemd gives a file up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The physical line, from 1.
    pub line: u32,
    /// What is wrong with it.
    pub reason: String,
}

/// Reads the text of the unit file or drop-in `source`.
pub fn parse(source: &Arc<Path>, text: &[u8]) -> UnitLines {
    /// A line of a unit with its end has some thirty bytes.
    const LINE: usize = 32;
    let mut reader = Reader { source, section: None, lines: UnitLines::default() };
    reader.lines.assignments.reserve(text.len() / LINE);
    for joined in JoinedLines::new(text) {
        if let Err(broken) = joined.and_then(|(line, text)| reader.read(line, &text)) {
            reader.lines.broken = Some(broken);
            break;
        }
    }
    reader.lines
}

struct Reader<'a> {
    source: &'a Arc<Path>,
    section: Option<SmolStr>,
    lines: UnitLines,
}

impl Reader<'_> {
    fn read(&mut self, line: u32, joined: &[u8]) -> Result<(), Broken> {
        let text = strip(joined);
        if text.is_empty() {
            return Ok(());
        }
        // systemd announces to ignore the assignment, and then refuses the file (seen with 252).
        let sound = |text: &&str| text.is_ascii() || !text.chars().any(is_noncharacter);
        let Some(text) = std::str::from_utf8(text).ok().filter(sound) else {
            let reason = format!("{} is not UTF-8", quoted_bytes(text));
            return Err(Broken { line, reason });
        };
        if text.as_bytes().first() == Some(&b'[') {
            self.section = Some(section_name(text).map_err(|reason| Broken { line, reason })?.into());
            return Ok(());
        }
        let equals = memchr::memchr(b'=', text.as_bytes());
        let parts = equals.and_then(|place| Some((text.get(..place)?, text.get(place + 1..)?)));
        match (self.section.as_ref(), parts) {
            (None, _) => self.ignore(line, format!("{} stands before any section", quoted(text))),
            (Some(_), None) => self.ignore(line, format!("{} has no `=`", quoted(text))),
            (Some(_), Some(("", _))) => self.ignore(line, format!("{} has no key before `=`", quoted(text))),
            (Some(section), Some((key, value))) => self.lines.assignments.push(Assignment {
                section: section.clone(),
                key: key.trim_end_matches(is_blank_character).into(),
                value: value.trim_start_matches(is_blank_character).into(),
                source: Arc::clone(self.source),
                line,
            }),
        }
        Ok(())
    }

    /// Sections `X-…` are other programs' own: systemd does not even look at their lines.
    fn ignore(&mut self, line: u32, text: String) {
        if !self.section.as_ref().is_some_and(|section| section.starts_with("X-")) {
            self.lines.notices.push(Notice {
                path: Arc::clone(self.source),
                line: Some(line),
                text: text + ", ignored",
            });
        }
    }
}

/// The name in a header, or why it ends the file.
fn section_name(text: &str) -> Result<&str, String> {
    let Some(name) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
        return Err(format!("the section header {} does not end in `]`", quoted(text)));
    };
    let forbidden = |c: char| c < ' ' || matches!(c, '"' | '\'' | '\\' | '\x7f');
    if name.contains(forbidden) {
        return Err(format!("the section header {} has a forbidden character", quoted(text)));
    }
    Ok(name)
}

/// A line with its continuations, and the number of its first physical line.
type Joined<'a> = (u32, Cow<'a, [u8]>);

/// Lines with their continuations, each with the number of its first physical line; comments are gone.
struct JoinedLines<'a> {
    physical: PhysicalLines<'a>,
    bom_seen: bool,
    ended: bool,
}

impl<'a> JoinedLines<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { physical: PhysicalLines { rest: text, number: 0 }, bom_seen: false, ended: false }
    }

    fn join(&mut self) -> Result<Option<Joined<'a>>, Broken> {
        let mut joined: Option<Joined<'a>> = None;
        for (number, line) in self.physical.by_ref() {
            if line.len() >= MAX_LINE {
                return Err(too_long(number));
            }
            // Also inside a continuation, which then goes on with the next line (systemd 245 and later).
            if matches!(strip(line).first(), Some(b'#' | b';')) {
                continue;
            }
            let line = match line.strip_prefix(b"\xef\xbb\xbf") {
                // The first mark is dropped wherever it stands; a second one is text.
                Some(rest) if !self.bom_seen => {
                    self.bom_seen = true;
                    rest
                }
                _ => line,
            };
            // Most lines are whole, and stay where they are.
            let (_, text) = joined.get_or_insert((number, Cow::Borrowed(&[])));
            if text.len() + line.len() > MAX_LINE {
                return Err(too_long(number));
            }
            if text.is_empty() {
                *text = Cow::Borrowed(line);
            } else {
                text.to_mut().extend_from_slice(line);
            }
            if !ends_escaped(text) {
                break;
            }
            let text = text.to_mut();
            text.pop();
            text.push(b' ');
        }
        Ok(joined)
    }
}

impl<'a> Iterator for JoinedLines<'a> {
    type Item = Result<Joined<'a>, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let joined = self.join().transpose();
        self.ended = !matches!(joined, Some(Ok(_)));
        joined
    }
}

/// The lines as they stand, numbered from 1.
struct PhysicalLines<'a> {
    rest: &'a [u8],
    number: u32,
}

impl<'a> Iterator for PhysicalLines<'a> {
    type Item = (u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r' | b'\0');
        let end = memchr::memchr3(b'\n', b'\r', b'\0', self.rest).unwrap_or(self.rest.len());
        let (line, mut rest) = self.rest.split_at(end);
        // Ends of different kinds in a row are one end, so that CR LF is; nothing joins after a NUL.
        let mut seen: &[u8] = &[];
        while let Some(byte) = rest.get(seen.len()) {
            if !is_end(byte) || seen.contains(byte) || seen.last() == Some(&b'\0') {
                break;
            }
            seen = rest.get(..=seen.len()).unwrap_or_default();
        }
        rest = rest.get(seen.len()..).unwrap_or_default();
        self.rest = rest;
        self.number = self.number.saturating_add(1);
        Some((self.number, line))
    }
}

/// Whether the last byte is a backslash that no other escapes. Pairs are counted from the start; what is no backslash
/// starts the count anew, so only the last of them matter, and a line of many continuations is looked at once.
fn ends_escaped(text: &[u8]) -> bool {
    text.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

fn too_long(line: u32) -> Broken {
    Broken { line, reason: format!("the line is longer than {MAX_LINE} bytes") }
}

/// The blanks that systemd strips. Others, form feed and no-break space among them, stay part of the value.
#[inline]
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

fn strip(mut text: &[u8]) -> &[u8] {
    while let Some((_, rest)) = text.split_first().filter(|(first, _)| is_blank(**first)) {
        text = rest;
    }
    while let Some((_, rest)) = text.split_last().filter(|(last, _)| is_blank(**last)) {
        text = rest;
    }
    text
}

fn is_blank_character(c: char) -> bool {
    u8::try_from(c).is_ok_and(is_blank)
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;
