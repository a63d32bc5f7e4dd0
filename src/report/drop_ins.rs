//! The suggestions of a report as files to paste, each under a line with its place.

use std::fmt::Write as _;

use super::{Outcome, Report, shown};
use crate::suggest::{drop_in, path};

/// The drop-ins of all units that have one. For a unit that needs none, a comment says so.
pub fn drop_ins(report: &Report) -> String {
    let mut text = String::new();
    for unit in &report.units {
        let Outcome::Judged(judged) = &unit.outcome else { continue };
        let Some(suggestion) = &judged.suggestion else { continue };
        if !text.is_empty() {
            text.push('\n');
        }
        let name = shown(&unit.unit);
        // Writing to a String cannot fail.
        let _ = if suggestion.steps.is_empty() {
            writeln!(text, "# {name}: nothing to add")
        } else {
            writeln!(text, "# {}", path(&name, suggestion.purpose))
        };
        let lines = drop_in(suggestion);
        let plain: Vec<String> = lines.lines().map(shown).collect();
        let _ = writeln!(text, "{}", plain.join("\n"));
    }
    text
}
