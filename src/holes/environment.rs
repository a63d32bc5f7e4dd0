//! Variables of a service whose names say that they hold secrets.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Declared, Place, severity};
use crate::bus_value::BusValue;
use crate::finding::{Finding, Severity};
use crate::syntax;
use crate::unit_file::{Sources, UnitText};

/// A variable that a unit's own lines set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Whether its value may be a secret, by what it looks like; the value itself is not kept.
    pub value: Content,
    /// Where it stands.
    pub place: Option<Place>,
}

/// What a value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing, a path, or a number: no secret.
    Plain,
    /// Anything else.
    Any,
}

pub(super) fn of_files<'t>(text: &'t UnitText, sources: &mut Sources<'t>) -> Vec<Variable> {
    let mut variables: BTreeMap<String, Variable> = BTreeMap::new();
    for assignment in &text.assignments {
        if assignment.key != "Environment" || assignment.section != "Service" {
            continue;
        }
        if assignment.value.is_empty() {
            variables.clear();
        }
        let place = (Arc::clone(sources.of(assignment)), Some(assignment.line));
        let words = syntax::words(&assignment.value);
        let set = words.iter().filter_map(|word| variable(word, Some(place.clone())));
        variables.extend(set.map(|variable| (variable.name.clone(), variable)));
    }
    variables.into_values().collect()
}

pub(super) fn of_properties<'p>(get: impl Fn(&str) -> Option<&'p BusValue>) -> Vec<Variable> {
    let published = get("Environment").and_then(BusValue::as_texts).unwrap_or_default();
    published.into_iter().filter_map(|assignment| variable(assignment, None)).collect()
}

fn variable(assignment: &str, place: Option<Place>) -> Option<Variable> {
    let (name, value) = assignment.split_once('=')?;
    // `%d` is the directory of credentials.
    let is_path = ["/", "%d/", "file:", "~/", "./"].iter().any(|start| value.starts_with(start));
    let is_plain =
        is_path || value.is_empty() || value.parse::<f64>().is_ok() || syntax::boolean(value).is_some();
    let value = if is_plain { Content::Plain } else { Content::Any };
    Some(Variable { name: name.to_owned(), value, place })
}

/// Words that name a secret, and ends that make a name that of something else.
const SECRETS: [&str; 11] = [
    "PASS",
    "PASSWD",
    "PASSWORD",
    "PASSPHRASE",
    "PASSCODE",
    "TOKEN",
    "SECRET",
    "KEY",
    "APIKEY",
    "CREDENTIAL",
    "CREDENTIALS",
];
const ABOUT: [&str; 14] = [
    "FILE",
    "PATH",
    "DIR",
    "NAME",
    "ID",
    "URL",
    "URI",
    "TYPE",
    "SIZE",
    "LENGTH",
    "TTL",
    "TIMEOUT",
    "USER",
    "ALGORITHM",
];

fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let words: Vec<&str> = name.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let is_about = words.last().is_some_and(|last| ABOUT.contains(last) || last.starts_with("PUB"));
    let is_public = words.iter().any(|word| word.starts_with("PUBLIC"));
    let ends = |word: &str| ["PASSWORD", "SECRET", "TOKEN"].iter().any(|end| word.ends_with(end));
    !is_about && !is_public && words.iter().any(|word| SECRETS.contains(word) || ends(word))
}

/// Secrets in lines of a unit.
pub(super) fn secrets(
    variables: &[Variable],
    declared: Option<Declared<'_>>,
) -> impl Iterator<Item = Finding> {
    let named =
        variables.iter().filter(|variable| variable.value == Content::Any && names_a_secret(&variable.name));
    named.map(move |variable| {
        let names_it = |declared: &Declared<'_>| {
            declared.planned.service.environment.keys().any(|name| name.as_str() == variable.name)
        };
        let severity = if declared.as_ref().is_some_and(names_it) { Severity::Notice } else { severity(declared) };
        let text = format!(
            "`{}` in Environment= looks like a secret: every local user can read it over the bus and in the unit, and \
             the service's processes hand it on; LoadCredential= keeps it to the service",
            variable.name
        );
        Finding {
            severity,
            place: variable.place.clone(),
            ..Finding::new("hole.environment-secret", text).of(variable.name.as_str())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_by_their_names_and_values() {
        let cases = [
            ("DB_PASSWORD=hunter2", true),
            ("API_KEY=abc", true),
            ("githubtoken=abc", true),
            ("PGPASSFILE=/etc/x", false),
            ("DB_PASSWORD_FILE=x", false),
            ("API_KEY=/run/credentials/x", false),
            ("TOKEN=%d/token", false),
            ("TOKEN_TTL=5 min", false),
            ("PUBLIC_KEY=abc", false),
            ("MONKEY=abc", false),
            ("KEYMAP=de", false),
            ("PASSWORD=", false),
            ("USE_TOKEN=yes", false),
            ("LANG=C.UTF-8", false),
        ];
        for (assignment, expected) in cases {
            let variable = variable(assignment, None);
            let found = secrets(variable.as_slice(), None).count() == 1;
            assert_eq!(found, expected, "{assignment}");
        }
    }
}
