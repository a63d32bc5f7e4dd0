//! A unit as a manifest sees it: its name there, and its lines in specifiers that a manifest may hold.

use super::lines::{Setting, settings};
use crate::context::UnitType;
use crate::manifest::Scope;
use crate::manifest::words::{INSTANCE_SPECIFIERS, UNIT_SPECIFIERS};
use crate::unit_file::{UnitName, UnitText, expand};

/// The name of a unit in a manifest: without its suffix, of an instance that of its template.
pub(super) fn stem(id: &UnitName) -> String {
    if id.instance().is_some() { format!("{}@", id.prefix()) } else { id.stem().to_owned() }
}

/// What a unit sets, as a manifest may hold it: specifiers that it may not are replaced by what they come to for the
/// system's manager.
pub(super) fn settings_in(unit: &UnitText, scope: Scope) -> Vec<Setting> {
    let mut settings = settings(unit, UnitType::of(unit.id.as_str()));
    for line in settings.iter_mut().flat_map(|setting| &mut setting.lines) {
        *line = sayable(line, &unit.id, scope);
    }
    settings
}

fn sayable(line: &str, id: &UnitName, scope: Scope) -> String {
    let mut said = String::new();
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        let Some(letter) = (c == '%').then(|| rest.next()).flatten() else {
            said.push(c);
            continue;
        };
        let specifier: String = [c, letter].iter().collect();
        // An instance stands for itself in a template, and for nothing elsewhere.
        let own = if INSTANCE_SPECIFIERS.contains(letter) {
            id.instance().is_some()
        } else {
            letter == '%' || UNIT_SPECIFIERS.contains(letter) || scope == Scope::User
        };
        match expand(&specifier, id) {
            Ok(expanded) if !own && expanded.open.is_empty() => said.push_str(&expanded.text),
            _ => said.push_str(&specifier),
        }
    }
    said
}
