//! Booleans and lists of words.

use std::cmp::Ordering;

use super::{Remark, Value, directed, empty, odd};
use crate::bus_value::BusValue;
use crate::catalogue::{Level, LevelRules, Odd, SwitchRules};
use crate::context::Context;
use crate::release::covers;
use crate::syntax::{boolean, integer};

pub(super) fn assign_switch(
    rules: &SwitchRules,
    before: Value,
    text: &str,
    context: &Context,
    remarks: &mut Vec<Remark>,
) -> Value {
    match boolean(text) {
        Some(on) => Value::Switch(on),
        None if text.is_empty() => {
            odd(empty(rules.empty, context), before, "an empty value is no boolean".to_owned(), remarks)
        }
        None => odd(rules.other, before, format!("`{}` is no boolean", text.escape_debug()), remarks),
    }
}

/// The place of a word that the release knows.
pub(crate) fn place(rules: &LevelRules, word: &str, context: &Context) -> Option<usize> {
    let known = |word: &str| {
        let reads = |level: &Level| level.reads(word).is_some_and(|since| context.release.major >= since);
        rules.levels.iter().position(reads)
    };
    // Numbers that stand for words are written in any of C's ways.
    let by_number = || known(&integer(word)?.to_string());
    known(word).or_else(by_number).or_else(|| {
        // Boolean words stand for the levels `yes` and `no`, where the directive has both.
        let (yes, no) = (known("yes"), known("no"));
        let on = boolean(word).filter(|_| yes.is_some() && no.is_some())?;
        if on { yes } else { no }
    })
}

pub(super) fn assign(
    rules: &LevelRules,
    before: Value,
    text: &str,
    context: &Context,
    remarks: &mut Vec<Remark>,
) -> Value {
    if text.is_empty() {
        return match empty(rules.empty, context) {
            Odd::Resets => Value::Unset,
            other => odd(other, before, "an empty value changes nothing".to_owned(), remarks),
        };
    }
    if let Some(place) = place(rules, text, context) {
        return Value::Level(place);
    }
    if covers(rules.suffix, context.release)
        && let Some((word, rest)) = text.split_once(':')
        && let Some(found) = place(rules, word, context)
        && found > 0
        && is_host_name(rest)
    {
        return Value::Level(found);
    }
    let remark = match rules.levels.iter().find_map(|level| level.reads(text)) {
        Some(since) => format!("`{text}` is known from systemd {since} on"),
        None => format!("`{}` is not one of its words", text.escape_debug()),
    };
    odd(Odd::Ignored, before, remark, remarks)
}

/// A host name as ProtectHostname= takes it: labels of letters, digits and dashes, not over 64 bytes
/// (systemd 258, `hostname_is_valid`).
fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    text.len() <= 64 && text.split('.').all(label)
}

pub(super) fn from_bus(rules: &LevelRules, value: &BusValue) -> Option<Value> {
    let word = match value {
        BusValue::Bool(on) => {
            if *on {
                "yes"
            } else {
                "no"
            }
        }
        // Of some there is no word for what nothing set.
        BusValue::Text(word) if word.is_empty() => return Some(Value::Unset),
        BusValue::Text(word) => word,
        BusValue::Signed(_) | BusValue::Unsigned(_) => {
            let number = value.as_signed()?;
            match rules.numbers.iter().find(|(known, _)| *known == number)? {
                (_, "") => return Some(Value::Unset),
                (_, word) => word,
            }
        }
        // ProtectHostnameEx= is (mode, host name).
        BusValue::Tuple(parts) => match parts.first() {
            Some(BusValue::Text(word)) => word,
            _ => return None,
        },
        _ => return None,
    };
    rules.levels.iter().position(|level| level.reads(word).is_some()).map(Value::Level)
}

pub(super) fn compare(rules: &LevelRules, found: usize, wanted: usize) -> Option<Ordering> {
    let (found, wanted) = (rules.levels.get(found)?, rules.levels.get(wanted)?);
    match found.rank.cmp(&wanted.rank) {
        Ordering::Equal => None,
        ordering => directed(rules.order, ordering),
    }
}
