//! What the lines of a unit come to once later ones took earlier ones back: the assignments of each directive that
//! count, with their places.

use crate::catalogue;
use crate::context::UnitType;
use crate::unit_file::{Assignment, UnitText};
use crate::visible::shown;

/// A directive of a section and the lines that count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) section: String,
    /// As the catalogue spells it where it knows it.
    pub(super) directive: String,
    /// Values as written. One empty line alone is a list that was emptied and is not what it is unset.
    pub(super) lines: Vec<String>,
    /// `FILE:LINE` of each.
    pub(super) places: Vec<String>,
}

impl Setting {
    /// The line that counts where only one does.
    pub(super) fn last(&self) -> &str {
        self.lines.last().map_or("", String::as_str)
    }

    /// Whether a member of what the lines come to stands in them: it has no specifier then.
    pub(super) fn evidence_holds(&self, member: &str) -> bool {
        let word = member.split(' ').next().unwrap_or(member);
        let expands = self.lines.iter().any(|line| line.contains('%'));
        !expands || self.lines.iter().any(|line| line.split_ascii_whitespace().any(|own| own == word))
    }

    /// What the lines say and where, for a reason.
    pub(super) fn evidence(&self) -> String {
        const SHOWN: usize = 100;
        let value: String = self.lines.join(" ").chars().take(SHOWN).collect();
        let dots = if value.chars().count() == SHOWN { "…" } else { "" };
        let place = self.places.last().map_or("", String::as_str);
        format!("{}={}{dots} ({place})", self.directive, shown(&value))
    }
}

/// Every directive that a unit sets, in the order of their first lines. Sections of others (`X-…`) say nothing.
pub(super) fn settings(unit: &UnitText, unit_type: UnitType) -> Vec<Setting> {
    let mut settings: Vec<Setting> = Vec::new();
    for assignment in &unit.assignments {
        if assignment.section.starts_with("X-") {
            continue;
        }
        let known = catalogue::find(&assignment.key)
            .filter(|row| row.sections.contain(&assignment.section, unit_type));
        let directive = known.map_or(assignment.key.as_str(), |row| row.name);
        if assignment.value.is_empty() {
            take_back(&mut settings, assignment, directive);
            if known.is_none() {
                continue;
            }
        }
        let place = format!("{}:{}", assignment.source.display(), assignment.line);
        let found = settings
            .iter_mut()
            .find(|known| known.section == assignment.section && known.directive == directive);
        match found {
            Some(setting) => {
                setting.lines.push(assignment.value.to_string());
                setting.places.push(place);
            }
            None => settings.push(Setting {
                section: assignment.section.to_string(),
                directive: directive.to_owned(),
                lines: vec![assignment.value.to_string()],
                places: vec![place],
            }),
        }
    }
    for setting in &mut settings {
        since_reset(setting);
    }
    settings
}

/// Lines before an empty one do not count, nor does that one where others follow.
fn since_reset(setting: &mut Setting) {
    let reset = setting.lines.iter().rposition(String::is_empty);
    if let Some(reset) = reset {
        let from = if reset + 1 < setting.lines.len() { reset + 1 } else { reset };
        setting.lines.drain(..from);
        setting.places.drain(..from);
    }
}

/// What an empty assignment takes back of a directive that the catalogue does not know: its own lines, and those of its
/// kind where systemd keeps one list for all of them (systemd 257, `config_parse_unit_condition_path`,
/// `config_parse_socket_listen`, `config_parse_timer`). Dependencies stay (systemd.unit(5)).
fn take_back(settings: &mut Vec<Setting>, assignment: &Assignment, directive: &str) {
    let section = assignment.section.as_str();
    let family = match section {
        "Unit" => ["Condition", "Assert"].into_iter().find(|start| directive.starts_with(start)),
        "Socket" => Some("Listen").filter(|start| directive.starts_with(start)),
        "Timer" => Some("On").filter(|start| directive.starts_with(start)),
        _ => None,
    };
    let stays =
        section == "Unit" && family.is_none() && !matches!(directive, "Documentation" | "Description");
    if !stays && catalogue::find(directive).is_none() {
        settings.retain(|setting| {
            let same = setting.directive == directive
                || family.is_some_and(|start| setting.directive.starts_with(start));
            setting.section != section || !same
        });
    }
}
