//! Lines of cells, cut to the width of a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

use clap::builder::styling::Style;

/// How the report is laid out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Appearance {
    /// Whether to write escape sequences for colours.
    pub colour: Colour,
    /// The columns that a line may take; none for lines as long as they are.
    pub width: Option<usize>,
}

/// Whether colours are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    #[default]
    Never,
    /// ANSI escape sequences.
    Always,
}

/// What stands between two cells.
pub(super) const GAP: &str = "  ";

/// A text that grows line by line.
pub(super) struct Page {
    pub(super) appearance: Appearance,
    pub(super) text: String,
}

/// A line that is being written.
pub(super) struct OpenLine<'p> {
    page: &'p mut Page,
    /// The columns that are left.
    room: Option<usize>,
    is_first: bool,
    /// Whether there was no room for a cell.
    is_full: bool,
}

impl Page {
    pub(super) fn line(&mut self, indent: &str, cells: &[Cell<'_>]) {
        let mut line = self.begin(indent);
        for (place, cell) in cells.iter().enumerate() {
            let pad = if place + 1 == cells.len() { 0 } else { cell.pad };
            line.cell(pad, cell.style, |text| text.push_str(&cell.text));
        }
        line.end();
    }

    pub(super) fn begin(&mut self, indent: &str) -> OpenLine<'_> {
        self.text.push_str(indent);
        let room = self.appearance.width.map(|width| width.saturating_sub(indent.len()));
        OpenLine { page: self, room, is_first: true, is_full: false }
    }
}

impl OpenLine<'_> {
    /// What `write` writes, in at least `pad` columns.
    pub(super) fn cell(&mut self, pad: usize, style: Style, write: impl FnOnce(&mut String)) {
        if self.is_full {
            return;
        }
        let gap = if self.is_first { "" } else { GAP };
        let styled = self.page.appearance.colour == Colour::Always;
        let text = &mut self.page.text;
        let before = text.len();
        text.push_str(gap);
        // Writing to a String cannot fail.
        if styled {
            let _ = write!(text, "{style}");
        }
        let start = text.len();
        write(text);
        let length = cut_from(text, start, self.room.map(|room| room.saturating_sub(gap.len())));
        let mut pad = pad.saturating_sub(length);
        if let Some(room) = &mut self.room {
            pad = pad.min(room.saturating_sub(gap.len() + length));
            *room = room.saturating_sub(gap.len() + length + pad);
        }
        if length == 0 && pad == 0 {
            text.truncate(before);
            self.is_full = true;
            return;
        }
        push_spaces(text, pad);
        if styled {
            let _ = write!(text, "{style:#}");
        }
        self.is_first = false;
    }

    pub(super) fn end(self) {
        let Page { appearance, text } = self.page;
        if appearance.colour == Colour::Never {
            text.truncate(text.trim_end_matches(' ').len());
        }
        text.push('\n');
    }
}

fn push_spaces(text: &mut String, mut count: usize) {
    const SPACES: &str = "                                ";
    while count > 0 {
        let part = SPACES.get(..count).unwrap_or(SPACES);
        text.push_str(part);
        count -= part.len();
    }
}

/// A part of a line.
pub(super) struct Cell<'t> {
    text: Cow<'t, str>,
    pad: usize,
    style: Style,
}

impl<'t> Cell<'t> {
    pub(super) fn new(text: impl Into<Cow<'t, str>>) -> Self {
        Self { text: text.into(), pad: 0, style: Style::new() }
    }

    pub(super) fn padded(text: impl Into<Cow<'t, str>>, pad: usize) -> Self {
        Self { pad, ..Self::new(text) }
    }

    pub(super) fn style(self, style: Style) -> Self {
        Self { style, ..self }
    }

    pub(super) fn dim(self) -> Self {
        self.style(Style::new().dimmed())
    }
}

pub(super) fn length(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}

/// At most `room` characters, the last one saying that there were more.
pub(super) fn cut(text: &str, room: Option<usize>) -> Cow<'_, str> {
    match room {
        Some(room) if length(text) > room => {
            let mut kept: String = text.chars().take(room.saturating_sub(1)).collect();
            if room > 0 {
                kept.push('…');
            }
            Cow::Owned(kept)
        }
        _ => Cow::Borrowed(text),
    }
}

/// The same of what stands behind `start`; its length in characters.
fn cut_from(text: &mut String, start: usize, room: Option<usize>) -> usize {
    let written = text.get(start..).unwrap_or_default();
    let length = length(written);
    match room {
        Some(room) if length > room => {
            let kept = cut(written, Some(room)).into_owned();
            text.truncate(start);
            text.push_str(&kept);
            room
        }
        _ => length,
    }
}
