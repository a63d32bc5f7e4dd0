//! In what a service is another than its manifest says: its commands, its identity, how it runs. None of that is a
//! drop-in's to change, and each may make the policy wrong.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::cut;
use super::lines::World;
use crate::catalogue::{self, Directive, Kind, TextGrammar};
use crate::context::UnitType;
use crate::drift;
use crate::finding::Finding;
use crate::manifest::words::TimeSpan;
use crate::policy::Policy;
use crate::posture::{Origin, Posture};
use crate::render;
use crate::unit_file::{Assignment, Escapes, Quotes, UnitText, boolean, expand, split};
use crate::value::Value;

/// What is functional in `whole`, the unit as the manifest has it, and otherwise in `unit`.
pub(super) fn drift(whole: &UnitText, unit: &UnitText, worlds: &[World], policy: &Policy) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut silent: Vec<String> = Vec::new();
    if let Some(World { wanted, found, .. }) = worlds.first() {
        let functional = catalogue::all().iter().copied().filter(|row| match written(policy, row) {
            Some(written) => !render::is_for_drop_in(written),
            None => !row.confines() || render::is_functional(row),
        });
        for row in functional {
            match directive(row, wanted, found) {
                Verdict::Same => {}
                Verdict::Other(finding) => findings.push(finding),
                Verdict::Silent => silent.push(format!("{}=", row.name)),
            }
        }
    }
    let (wanted, found) = (meanings(whole), meanings(unit));
    for (key, wants) in &wanted {
        match found.get(key) {
            Some(has) if has.says(wants) => {}
            has => findings.push(other(key, Some(wants), has)),
        }
    }
    for (key, has) in found.iter().filter(|(key, _)| !wanted.contains_key(*key)) {
        if key.starts_with("Exec") {
            findings.push(other(key, None, Some(has)));
        } else {
            silent.push(format!("{key}="));
        }
    }
    if !silent.is_empty() {
        let text = format!("the unit says what the manifest does not: {}", silent.join(" "));
        findings.push(Finding::notice("against.silent", text));
    }
    findings
}

fn written<'p>(policy: &'p Policy, row: &Directive) -> Option<&'p crate::policy::Written> {
    policy.written.iter().find(|written| written.directive == row)
}

enum Verdict {
    Same,
    Other(Finding),
    /// The manifest does not say it.
    Silent,
}

fn directive(row: &'static Directive, wanted: &Posture, found: &Posture) -> Verdict {
    let (wants, has) = (wanted.get(row), found.get(row));
    let is_said = !matches!(wants.origin, Origin::Default | Origin::Implied(_));
    let is_set = matches!(has.origin, Origin::Line { .. });
    let is_root = |value: &Value| match value {
        Value::Unset => true,
        Value::Text(name) => row.kind.names_an_identity() && matches!(name.as_str(), "root" | "0"),
        _ => false,
    };
    let is_nobody_else = is_root(&wants.value) && is_root(&has.value);
    if wants.value == has.value || !is_said && !is_set || is_nobody_else || is_own_group(row, wanted, found) {
        return Verdict::Same;
    }
    let equal = drift::difference(row, wants, has, found).is_none();
    // What the manifest leaves to systemd is compared with nothing.
    if equal && wants.value != Value::Unset {
        return Verdict::Same;
    }
    if !is_said && !row.confines() {
        return Verdict::Silent;
    }
    let wants = is_said.then(|| format!("{}={}", row.name, cut(row, wants)));
    let place = match &has.origin {
        Origin::Line { path, line } => Some((path.clone(), Some(*line))),
        _ => None,
    };
    let has = is_set.then(|| format!("{}={}", row.name, cut(row, has)));
    let finding = Finding::new("against.functional", says(has.as_deref(), wants.as_deref(), row.name));
    Verdict::Other(Finding { place, directive: Some(row), ..finding })
}

/// Whether a group is the user's own, which goes without saying.
fn is_own_group(row: &'static Directive, wanted: &Posture, found: &Posture) -> bool {
    let (one, other) = (&wanted.get(row).value, &found.get(row).value);
    let ((Value::Text(named), Value::Unset) | (Value::Unset, Value::Text(named))) = (one, other) else {
        return false;
    };
    let is_user = |directive: &&'static Directive| {
        matches!(directive.kind, Kind::Text(TextGrammar::Identity))
            && [wanted, found]
                .iter()
                .all(|posture| posture.get(directive).value == Value::Text(named.clone()))
    };
    matches!(row.kind, Kind::Text(TextGrammar::Group)) && catalogue::all().iter().any(is_user)
}

fn says(has: Option<&str>, wants: Option<&str>, key: &str) -> String {
    match (has, wants) {
        (Some(has), Some(wants)) => format!("the unit says {has}, the manifest {wants}"),
        (Some(has), None) => format!("the unit says {has}, of which the manifest says nothing"),
        (None, Some(wants)) => format!("the manifest says {wants}, the unit has no {key}="),
        (None, None) => String::new(),
    }
}

/// What a key of `[Service]` that the catalogue does not know comes to.
struct Meaning {
    /// Comparable.
    sense: Vec<String>,
    /// As written.
    shown: String,
    /// The file and line that it ends with.
    place: (String, u32),
    /// Whether more of it than the manifest says is no contradiction.
    grows: bool,
}

impl Meaning {
    fn says(&self, wanted: &Self) -> bool {
        if self.grows {
            wanted.sense.iter().all(|one| self.sense.contains(one))
        } else {
            self.sense == wanted.sense
        }
    }
}

fn other(key: &str, wants: Option<&Meaning>, has: Option<&Meaning>) -> Finding {
    let shown = |meaning: &Meaning| format!("{key}={}", meaning.shown);
    let text = says(has.map(shown).as_deref(), wants.map(shown).as_deref(), key);
    let id = if key.starts_with("Exec") { "against.command" } else { "against.functional" };
    let place = has.map(|has| (has.place.0.as_str().into(), Some(has.place.1)));
    Finding { place, ..Finding::new(id, text) }
}

/// The keys of `[Service]` that the catalogue does not know, with what they come to.
fn meanings(unit: &UnitText) -> BTreeMap<String, Meaning> {
    let mut meanings: BTreeMap<String, Meaning> = BTreeMap::new();
    let section = "Service";
    for Assignment { section: own, key, value, source, line } in &unit.assignments {
        let is_known =
            catalogue::find(key).is_some_and(|row| row.sections.contain(section, UnitType::Service));
        if own != section || is_known || key.starts_with("X-") {
            continue;
        }
        if value.is_empty() {
            meanings.remove(key.as_str());
            continue;
        }
        let expanded =
            expand(value, &unit.id).map_or(Cow::Borrowed(value.as_str()), |expanded| expanded.text);
        let sense = sense(key, &expanded);
        let place = (source.to_string_lossy().into_owned(), *line);
        let is_list = key.starts_with("Exec") || matches!(key.as_str(), "Environment" | "EnvironmentFile");
        if let Some(known) = meanings.get_mut(key.as_str()).filter(|_| is_list) {
            known.sense.extend(sense);
            known.shown = format!("{} {value}", known.shown);
            known.place = place;
        } else {
            let grows = !key.starts_with("Exec");
            let meaning = Meaning { sense, shown: value.to_string(), place, grows };
            meanings.insert(key.to_string(), meaning);
        }
    }
    // One key for two.
    if let Some(both) = meanings.remove("TimeoutSec") {
        for key in ["TimeoutStartSec", "TimeoutStopSec"] {
            let Meaning { sense, shown, place, grows } = &both;
            let (sense, shown, place) = (sense.clone(), shown.clone(), place.clone());
            meanings.entry(key.to_owned()).or_insert(Meaning { sense, shown, place, grows: *grows });
        }
    }
    meanings
}

/// A value so that two ways to write one thing are equal.
fn sense(key: &str, value: &str) -> Vec<String> {
    if key.starts_with("Exec") {
        return vec![command(value)];
    }
    if key.ends_with("Sec") {
        let span = value.parse::<TimeSpan>().or_else(|_| format!("{value}s").parse::<TimeSpan>());
        return vec![span.map_or_else(|_| value.to_owned(), |span| format!("{:?}", span.micros()))];
    }
    match key {
        "Environment" => split(value, Quotes::Unquote, Escapes::CUnescape).unwrap_or_default(),
        "EnvironmentFile" => vec![value.to_owned()],
        _ => vec![boolean(value).map_or_else(|| value.to_owned(), |on| on.to_string())],
    }
}

/// The words of a command, its prefixes in order.
fn command(value: &str) -> String {
    let program = value.trim_start_matches(['-', '@', '+', '!', ':', '|']);
    let mut prefixes: Vec<char> =
        value.chars().take(value.chars().count() - program.chars().count()).collect();
    prefixes.sort_unstable();
    match split(program, Quotes::Unquote, Escapes::CUnescape) {
        Ok(words) => format!("{prefixes:?} {words:?}"),
        Err(_) => format!("{prefixes:?} {program}"),
    }
}
