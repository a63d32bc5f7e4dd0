//! Where a directive is set, in the files of the unit and in its manifest.

use super::Surroundings;
use super::cause::WrittenAt;
use super::reach::{bare, holds};
use crate::catalogue::{self, Directive, Entry, Kind};
use crate::posture::{Origin, Reason};
use crate::unit_file::Assignment;

/// Where a directive is set, for that thing where several lines do.
pub(super) fn written(
    around: &Surroundings<'_>,
    row: &'static Directive,
    thing: Option<&str>,
) -> Vec<WrittenAt> {
    const MOST: usize = 3;
    let own = |line: &&Assignment| !line.value.is_empty() && catalogue::find(&line.key) == Some(row);
    let at = |line: &Assignment| WrittenAt {
        place: format!("{}:{}", line.source.display(), line.line),
        assignment: format!("{}={}", line.key, shown(row, &line.value)),
    };
    let all: Vec<&Assignment> = around.lines.iter().filter(own).collect();
    let setting = around.posture.get(row);
    if !all.is_empty() && matches!(setting.origin, Origin::Line { .. }) {
        let naming: Vec<&Assignment> =
            all.iter().copied().filter(|line| thing.is_some_and(|thing| names(&line.value, thing))).collect();
        let list = matches!(
            row.kind,
            Kind::Words(_) | Kind::Calls | Kind::Names(_) | Kind::Mask(_) | Kind::Networks(_)
        );
        return match (naming.is_empty(), list) {
            (false, true) => naming.into_iter().take(MOST).map(at).collect(),
            (true, true) => all.into_iter().take(MOST).map(at).collect(),
            (_, false) => all.last().map(|line| at(line)).into_iter().collect(),
        };
    }
    let assignment = format!("{}={}", row.name, shown(row, &row.kind.write(&setting.value)));
    match &setting.origin {
        Origin::Line { path, line } => vec![WrittenAt { place: format!("{path}:{line}"), assignment }],
        Origin::Implied(by) => {
            let place = format!("brought along by {}=", by.name);
            let mut lines = vec![WrittenAt { place, assignment }];
            if *by != row {
                lines.extend(written(around, by, None));
            }
            lines
        }
        Origin::Default => vec![WrittenAt { place: "systemd's default".to_owned(), assignment }],
        Origin::Manager { default } => {
            vec![WrittenAt { place: format!("{default}= of the manager"), assignment }]
        }
        Origin::Bus | Origin::NotKnown | Origin::Policy(_) => {
            vec![WrittenAt { place: "the manager, whose files do not say it".to_owned(), assignment }]
        }
    }
}

/// What in the manifest asks for it.
pub(super) fn declared(
    around: &Surroundings<'_>,
    row: &'static Directive,
    thing: Option<&str>,
) -> Vec<String> {
    let Some(policy) = around.declared else { return Vec::new() };
    let lines = policy.iter().filter(|written| written.directive == row).flat_map(|written| &written.lines);
    let all: Vec<_> = lines.collect();
    let some: Vec<_> =
        all.iter().copied().filter(|line| thing.is_some_and(|thing| names(&line.text, thing))).collect();
    let lines = if some.is_empty() { all } else { some };
    let mut said: Vec<String> = lines
        .iter()
        .flat_map(|line| line.reasons.iter().map(move |reason| (line, reason)))
        .map(|(line, reason)| told(row, &line.text, reason))
        .collect();
    said.dedup();
    said
}

/// Whether one of the words of an assignment is the thing, or holds it.
fn names(value: &str, thing: &str) -> bool {
    let words = value.split([' ', ':']).map(bare).filter(|word| !word.is_empty());
    words.into_iter().any(|word| holds(word, thing) || word == thing)
}

/// The value of a directive as it may be shown: of what holds secrets, the names alone.
pub(super) fn shown(row: &Directive, value: &str) -> String {
    let is_secret = matches!(row.kind, Kind::Words(rules) if matches!(rules.entry, Entry::Secret(_)));
    if is_secret { format!("{}:…", crate::value::entry_name(value)) } else { value.to_owned() }
}

/// A reason in words, its place first.
fn told(row: &Directive, text: &str, reason: &Reason) -> String {
    let assignment = format!("{}={}", row.name, shown(row, text));
    match reason {
        Reason::Strictness => format!("its strictness closes {}=", row.name),
        Reason::Stated(place) => format!("{place} states {assignment}"),
        Reason::Denied { place, .. } => format!("{place} denies what {}= closes", row.name),
        Reason::Needed { need, place, .. } => format!("{place} needs {need}: {assignment}"),
        Reason::Unknown(need) => format!("{need} is neither needed nor denied: {assignment}"),
        Reason::Overridden { place, .. } => format!("{place} overrides {assignment}"),
        Reason::Forces { other, .. } => format!("{}= would be forced otherwise", other.name),
    }
}
