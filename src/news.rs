//! What the users of a package must be told when a unit becomes confined: what is confined, what that may break and for
//! whom, and how an administrator takes each of it back. The cases are `breakages`', the words the rows' own.

use std::cmp::Ordering;

use anyhow::{Context as _, Result};
use minijinja::context;
use minijinja::value::{Serde, Value as Shown};
use serde::Serialize;

use crate::breakages::{self, Breakage, Class};
use crate::catalogue::{self, Directive};
use crate::context::Context;
use crate::manifest::Manifest;
use crate::policy::{Planned, stated_needs};
use crate::posture::{Posture, default_value};
use crate::render;
use crate::value::Value;

/// Columns of a line, as lintian wants changelogs and NEWS files.
const WIDTH: usize = 76;

/// The cases that are told of one directive; more make nobody more careful.
const MOST_CASES: usize = 2;

#[derive(Serialize)]
struct Group {
    /// Wrapped, the first line with its bullet.
    lines: Vec<String>,
}

/// The text for one service that comes from `before` to `after`; nothing where nothing becomes stricter.
pub fn news(
    manifest: &Manifest,
    planned: &Planned<'_>,
    targets: &str,
    before: &Posture,
    after: &Posture,
) -> Result<Option<String>> {
    let is_closed = |row: &&'static Directive| {
        let (was, is) = (&before.get(row).value, &after.get(row).value);
        row.confines() && !render::is_functional(row) && row.kind.compare(is, was) == Some(Ordering::Greater)
    };
    let closed: Vec<&'static Directive> = catalogue::all().iter().copied().filter(is_closed).collect();
    if closed.is_empty() {
        return Ok(None);
    }
    let confined = catalogue::FAMILIES.iter().filter_map(|family| {
        let own = closed.iter().filter(|row| row.family().title == family.title);
        let names: Vec<String> = own.map(|row| format!("{}=", row.name)).collect();
        (!names.is_empty()).then(|| bullet(&format!("{}: {}", family.title, names.join(", "))))
    });
    let confined: Vec<Group> = confined.collect();
    let known: Vec<_> = stated_needs(manifest, planned).into_iter().map(|(need, _)| need).collect();
    let denied = |id: &str| {
        let word = id.split('.').next().unwrap_or(id);
        let mut names = planned.service.denies.0.keys().map(ToString::to_string);
        names.any(|name| name == id || name == word)
    };
    let concerns = |case: &&'static Breakage| {
        let is_open = case.needs.iter().any(|need| known.contains(need) || denied(need.id()));
        let by_users =
            matches!(case.class, Class::AdminPaths | Class::Delegated | Class::Silent | Class::Time);
        by_users && !is_open
    };
    let mut risky: Vec<&'static Directive> = Vec::new();
    let mut breaks: Vec<Group> = Vec::new();
    for row in &closed {
        let cases: Vec<&'static Breakage> = breakages::by(row).filter(concerns).take(MOST_CASES).collect();
        if cases.is_empty() {
            continue;
        }
        let told: Vec<String> = cases
            .iter()
            .map(|case| format!("{} ({}): {}", case.service, case.source, case.symptom))
            .collect();
        breaks.push(bullet(&format!("{}= {} Seen with {}.", row.name, row.breaks, told.join("; "))));
        risky.push(row);
    }
    let undo = |section: &str| -> Vec<String> {
        let rows = risky.iter().filter(|row| row.sections.of_service() == section);
        rows.filter_map(|row| undone(row, &after.get(row).value, &after.context)).collect()
    };
    let unit = planned.unit_name();
    let context = context! {
        unit => unit.as_str(),
        targets,
        confined => Shown::from(Serde(confined)),
        breaks => Shown::from(Serde(breaks)),
        unit_lines => undo("Unit"),
        service_lines => undo("Service"),
    };
    let text = render::fill("news.j2", context).with_context(|| format!("telling of `{unit}`"))?;
    Ok(Some(text))
}

/// A line that takes back what a value closes.
fn undone(row: &'static Directive, value: &Value, context: &Context) -> Option<String> {
    let default = default_value(row, context);
    let texts =
        [row.default_text(context).to_owned(), String::new(), "~".to_owned(), row.kind.write(&default)];
    let is_open = |text: &String| {
        let after = row.kind.assign(value.clone(), text, context, &mut Vec::new());
        let after = if text.is_empty() && after == Value::Unset { default.clone() } else { after };
        after == default
    };
    texts.into_iter().find(is_open).map(|text| format!("{}={text}", row.name))
}

/// A text as an item of a list.
fn bullet(text: &str) -> Group {
    let mut lines: Vec<String> = Vec::new();
    let mut line = "  *".to_owned();
    for word in text.split_whitespace() {
        let is_full = line.chars().count() + 1 + word.chars().count() > WIDTH;
        if is_full {
            lines.push(std::mem::replace(&mut line, "   ".to_owned()));
        }
        line.push(' ');
        line.push_str(word);
    }
    lines.push(line);
    Group { lines }
}
