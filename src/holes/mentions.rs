//! Absolute paths that the lines of a unit speak of.

use crate::bus::Properties;
use crate::bus_value::BusValue;
use crate::syntax;
use crate::unit_file::UnitText;

pub(super) fn of_files(text: &UnitText) -> Vec<String> {
    let lines = text.assignments.iter().filter(|line| line.section == "Service");
    sorted(lines.flat_map(|line| syntax::words(&line.value)).flat_map(|word| paths(&word)))
}

/// Those in the properties of a service that are no lists of paths: its commands, its variables and their files.
pub(super) fn of_properties(properties: &Properties) -> Vec<String> {
    let mut found = Vec::new();
    let of_service =
        ["Exec", "WorkingDirectory", "PIDFile", "Environment", "ReadWritePaths", "RootDirectory"];
    for (name, value) in
        properties.iter().filter(|(name, _)| of_service.iter().any(|start| name.starts_with(start)))
    {
        // The default is the root directory, which says nothing.
        if name != "WorkingDirectory" || value.as_text() != Some("/") {
            texts(value, &mut found);
        }
    }
    sorted(found.iter().flat_map(|text| paths(text)))
}

fn texts(value: &BusValue, found: &mut Vec<String>) {
    match value {
        BusValue::Text(text) => found.push(text.clone()),
        BusValue::List(members) | BusValue::Tuple(members) => {
            for member in members {
                texts(member, found);
            }
        }
        _ => {}
    }
}

/// The paths in a word: `-/x`, `--config=/x`, `append:/x`.
fn paths(word: &str) -> Vec<String> {
    let parts = word.split(['=', ':', ',']).map(|part| part.trim_start_matches(['-', '+', '@', '!', '|']));
    parts.filter(|part| part.starts_with('/') && part.len() > 1).map(str::to_owned).collect()
}

fn sorted(paths: impl Iterator<Item = String>) -> Vec<String> {
    let mut paths: Vec<String> = paths.collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}
