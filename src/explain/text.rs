//! Explanations for people: a heading, what it is, and lists whose texts hang beside their labels.

use std::fmt::Write as _;

use clap::builder::styling::{AnsiColor, Style};

use super::Explanation;
use super::sections::{Article, Section};
use crate::report::{Appearance, Colour};

const INDENT: &str = "  ";
const GAP: &str = "  ";
/// Longer labels stand on a line of their own.
const WIDEST_LABEL: usize = 24;
/// Fewer columns than these would break every word.
const NARROWEST: usize = 20;

/// The explanations with an empty line between them; wrapped where the appearance has a width, else a line for each
/// entry.
pub fn text(explained: &[Explanation], appearance: Appearance) -> String {
    let mut page = Page { appearance, text: String::new() };
    for (place, explanation) in explained.iter().enumerate() {
        if place > 0 {
            page.text.push('\n');
        }
        page.article(&Article::from(explanation));
    }
    page.text
}

/// One page in the same form.
pub(crate) fn page(article: &Article, appearance: Appearance) -> String {
    let mut page = Page { appearance, text: String::new() };
    page.article(article);
    page.text
}

struct Page {
    appearance: Appearance,
    text: String,
}

impl Page {
    fn article(&mut self, article: &Article) {
        self.styled(&article.title, Style::new().bold());
        self.text.push('\n');
        self.text.push_str(INDENT);
        self.hang(&article.summary, INDENT.len());
        for section in &article.sections {
            self.text.push('\n');
            self.section(section);
        }
    }

    fn section(&mut self, section: &Section) {
        let mut indent = INDENT.to_owned();
        if !section.title.is_empty() {
            self.text.push_str(INDENT);
            self.styled(&section.title, Style::new().underline());
            self.text.push('\n');
            indent.push_str(INDENT);
        }
        let widths = section.entries.iter().map(|entry| entry.label.len());
        let width = widths.filter(|width| *width <= WIDEST_LABEL).max().unwrap_or_default();
        let column = indent.len() + width + GAP.len();
        for entry in &section.entries {
            self.text.push_str(&indent);
            self.styled(&entry.label, AnsiColor::Cyan.on_default());
            if entry.label.len() > width && self.appearance.width.is_some() {
                self.text.push('\n');
                self.text.push_str(&" ".repeat(column));
            } else {
                self.text.push_str(&" ".repeat(width.saturating_sub(entry.label.len())));
                self.text.push_str(GAP);
            }
            self.hang(&entry.text, column);
        }
    }

    /// A text that begins at `column`, which its further lines keep to.
    fn hang(&mut self, text: &str, column: usize) {
        let room = self.appearance.width.map(|width| width.saturating_sub(column).max(NARROWEST));
        let mut taken = 0;
        for word in text.split(' ') {
            let length = word.chars().count();
            if taken > 0 {
                if room.is_some_and(|room| taken + 1 + length > room) {
                    self.text.push('\n');
                    self.text.push_str(&" ".repeat(column));
                    taken = 0;
                } else {
                    self.text.push(' ');
                    taken += 1;
                }
            }
            self.text.push_str(word);
            taken += length;
        }
        self.text.push('\n');
    }

    fn styled(&mut self, text: &str, style: Style) {
        match self.appearance.colour {
            // Writing to a String cannot fail.
            Colour::Always => drop(write!(self.text, "{style}{text}{style:#}")),
            Colour::Never => self.text.push_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Result, ensure};

    use super::*;
    use crate::catalogue;

    #[test]
    fn lines_fit_a_terminal_and_nothing_gets_lost() -> Result<()> {
        for row in catalogue::all() {
            let explained = super::super::explain(row.name)?;
            let plain = text(&explained, Appearance::default());
            for width in [40, 80, 200] {
                let fitted = text(&explained, Appearance { width: Some(width), ..Appearance::default() });
                let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
                ensure!(words(&plain) == words(&fitted), "{} in {width}", row.name);
                // A single word may be wider than a narrow terminal.
                let wide = fitted.lines().find(|line| width >= 80 && line.chars().count() > width);
                ensure!(wide.is_none(), "{wide:?}");
            }
        }
        Ok(())
    }
}
