//! Lists that grow with each assignment.

use std::cmp::Ordering;
use std::path::Path;

use super::{Remark, Value, directed, entry, numbers, parts, published};
use crate::bus_value::BusValue;
use crate::catalogue::{Entry, Kind, Order, Unit, WordRules};
use crate::context::Context;

pub(super) fn assign(
    rules: &WordRules,
    before: Value,
    text: &str,
    context: &Context,
    remarks: &mut Vec<Remark>,
) -> Value {
    if matches!(rules.entry, Entry::Numbers | Entry::Processors) {
        return numbers::assign(rules.entry, before, text, context, remarks);
    }
    if text.is_empty() {
        return Value::Words(Vec::new());
    }
    let mut entries = match before {
        Value::Words(entries) => entries,
        _ => Vec::new(),
    };
    let (words, fault) = entry::split(rules.entry, text);
    remarks.extend(fault.map(super::not_split));
    for word in words {
        match entry::read(rules.entry, &word, context) {
            Ok(entry) => add(rules.entry, &mut entries, entry),
            Err(remark) => {
                // Nothing is read after what systemd refuses, nor after a path that is none among those between colons
                // (systemd 257, `config_parse_colon_separated_paths`).
                let ends = matches!(remark, Remark::Refused(_)) || rules.entry == Entry::Searched;
                remarks.push(remark);
                if ends {
                    break;
                }
            }
        }
    }
    Value::Words(entries)
}

fn add(kind: Entry, entries: &mut Vec<String>, entry: String) {
    match kind {
        Entry::Credential | Entry::Secret(_) => {
            entries.retain(|earlier| key(earlier) != key(&entry));
        }
        // One limit for each device; no limit is none that is published.
        Entry::PerDevice(Unit::Rate) => {
            entries.retain(|earlier| device(earlier).0 != device(&entry).0);
            if device(&entry).1 == "infinity" {
                return;
            }
        }
        // A link says that there is the directory.
        Entry::Below => {
            let is_bare = |other: &String| !other.contains(':') && key(&entry) == other;
            entries.retain(|earlier| !is_bare(earlier));
            if !entry.contains(':') && entries.iter().any(|earlier| key(earlier) == entry) {
                return;
            }
        }
        _ => {}
    }
    if !entries.contains(&entry) {
        entries.push(entry);
    }
}

/// Whether an entry takes the place of an earlier one of the same name, and adds to the others.
pub(crate) fn replaces_by_name(kind: &Kind) -> bool {
    let by_name = |entry| matches!(entry, Entry::Credential | Entry::Secret(_));
    matches!(kind, Kind::Words(rules) if by_name(rules.entry))
}

/// The name of an entry that replaces earlier ones of the same name.
pub fn key(entry: &str) -> &str {
    entry.split([':', '=']).next().unwrap_or(entry)
}

/// The path and the number of [`Entry::PerDevice`].
fn device(entry: &str) -> (&str, &str) {
    entry.rsplit_once(' ').unwrap_or((entry, ""))
}

pub(super) fn from_bus(rules: &WordRules, published: &[&BusValue]) -> Option<Value> {
    published::entries(rules.entry, published).map(Value::Words)
}

pub(super) fn write(rules: &WordRules, entries: &[String]) -> String {
    match rules.entry {
        Entry::Numbers | Entry::Processors => numbers::write(entries),
        Entry::Listed => entries.join(","),
        Entry::Searched => parts::join(entries.iter().map(String::as_str)),
        _ => entries.join(" "),
    }
}

/// How strict a list is as a set; of paths, as the trees below them.
pub(super) fn compare(rules: &WordRules, found: &[String], wanted: &[String]) -> Option<Ordering> {
    // The same places in another order are another search.
    if rules.entry == Entry::Searched {
        return (found == wanted).then_some(Ordering::Equal);
    }
    let within = |a: &[String], b: &[String]| excess(rules, a, b).next().is_none();
    let ordering = match (within(found, wanted), within(wanted, found)) {
        (true, true) => Ordering::Equal,
        // No numbers are all of them, and no architectures let every one of them through (systemd.exec(5)).
        (true, false) if is_everything(rules, found) => Ordering::Greater,
        (false, true) if is_everything(rules, wanted) => Ordering::Less,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => return None,
    };
    directed(rules.order, ordering)
}

/// The entries of one list that no entry of another one covers.
pub(super) fn excess<'e>(
    rules: &WordRules,
    some: &'e [String],
    others: &'e [String],
) -> impl Iterator<Item = &'e String> {
    some.iter().filter(|entry| !others.iter().any(|other| covers(rules, other, entry)))
}

/// Whether an entry says all that another one says: `-` and `+` before a path change nothing about what is granted,
/// and what holds for a path holds for what lies below it.
fn covers(rules: &WordRules, entry: &str, other: &str) -> bool {
    match rules.entry {
        Entry::Path if rules.order == Order::Unordered => entry::bare(entry) == entry::bare(other),
        Entry::Path => Path::new(entry::bare(other)).starts_with(entry::bare(entry)),
        _ => entry == other,
    }
}

fn is_everything(rules: &WordRules, entries: &[String]) -> bool {
    matches!(rules.entry, Entry::Numbers | Entry::Processors | Entry::Architecture) && entries.is_empty()
}
