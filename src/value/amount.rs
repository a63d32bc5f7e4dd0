//! Numbers: bytes, counts, times, shares of a processor, mode bits.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::{Remark, Value, directed};
use crate::bus_value::BusValue;
use crate::catalogue::{AmountRules, Unit};
use crate::syntax;

pub(super) fn assign_mode(before: Value, text: &str, remarks: &mut Vec<Remark>) -> Value {
    if let Some(bits) = syntax::mode(text) {
        Value::Mode(bits)
    } else {
        remarks.push(Remark::Ignored(format!("`{}` is no octal mode", text.escape_debug())));
        before
    }
}

pub(super) fn assign(rules: &AmountRules, before: Value, text: &str, remarks: &mut Vec<Remark>) -> Value {
    let read = match text.split_once(':') {
        _ if text.is_empty() && rules.resets => Some(Value::Unset),
        _ if rules.unit == Unit::Nanoseconds && text == "infinity" => Some(Value::Unset),
        Some((soft, hard)) if rules.pair => number(rules.unit, soft)
            .zip(number(rules.unit, hard))
            .filter(|(soft, hard)| soft <= hard)
            .map(|(soft, hard)| limits(soft, hard)),
        _ => match text.strip_suffix('%') {
            Some(percent) if is_shared(rules) => {
                let is_some = |share: &u64| *share <= WHOLE && (*share > 0 || rules.unit != Unit::Memory);
                hundredths(percent).filter(is_some).map(Value::Share)
            }
            _ => number(rules.unit, text).map(Value::Amount),
        },
    };
    read.unwrap_or_else(|| {
        remarks.push(Remark::Ignored(format!("`{}` is no {}", text.escape_debug(), noun(rules.unit))));
        before
    })
}

/// A soft and a hard limit; one number where they are the same.
fn limits(soft: u64, hard: u64) -> Value {
    if soft == hard { Value::Amount(hard) } else { Value::Pair(soft, hard) }
}

/// Whether a percentage is a part of what the host has.
fn is_shared(rules: &AmountRules) -> bool {
    matches!(rules.unit, Unit::Bytes | Unit::Memory | Unit::Tasks | Unit::Disk) && !rules.pair
}

fn noun(unit: Unit) -> Cow<'static, str> {
    let noun = match unit {
        Unit::UpTo(most) => return format!("number from 0 to {most}").into(),
        Unit::Bytes | Unit::Disk => "size",
        Unit::Memory => "size above 0",
        Unit::Rate => "size or number",
        Unit::Count | Unit::Tasks => "number",
        Unit::Weight => "weight from 1 to 10000",
        Unit::ProcessorWeight => "weight from 1 to 10000 or `idle`",
        Unit::NiceLimit => "nice level",
        Unit::Span | Unit::Microseconds | Unit::Nanoseconds | Unit::Seconds => "time span",
        Unit::Quota => "share of a processor such as 50%",
        Unit::Pressure => "percentage",
    };
    noun.into()
}

/// Microseconds in a second.
const SECOND: u64 = 1_000_000;
/// All, in hundredths of a percent.
const WHOLE: u64 = 10_000;
/// All, as pressure and quotas are published.
const SCALE: u64 = u32::MAX as u64;

pub(super) fn number(unit: Unit, text: &str) -> Option<u64> {
    if text == "infinity" && !matches!(unit, Unit::Weight | Unit::ProcessorWeight | Unit::Pressure) {
        return Some(u64::MAX);
    }
    match unit {
        Unit::Disk if text == "off" => Some(u64::MAX),
        Unit::Bytes | Unit::Disk => syntax::size(text),
        Unit::Memory => syntax::size(text).filter(|bytes| *bytes > 0),
        Unit::Rate => syntax::rate(text),
        Unit::Count => syntax::number(text),
        Unit::UpTo(most) => syntax::number(text).filter(|number| *number <= most),
        Unit::Tasks => syntax::number(text).filter(|number| *number > 0),
        Unit::ProcessorWeight if text == "idle" => Some(0),
        Unit::Weight | Unit::ProcessorWeight => {
            syntax::number(text).filter(|weight| (1..=10_000).contains(weight))
        }
        Unit::NiceLimit => nice_limit(text),
        Unit::Span => syntax::time_span(text, SECOND),
        Unit::Microseconds => syntax::time_span(text, 1),
        Unit::Nanoseconds => syntax::nanoseconds(text),
        Unit::Seconds => syntax::time_span(text, SECOND).map(|span| span.div_ceil(SECOND)),
        Unit::Quota => {
            let share = hundredths(text.strip_suffix('%')?)?;
            share.checked_mul(SECOND / WHOLE).filter(|quota| *quota > 0)
        }
        Unit::Pressure => {
            let share = hundredths(text.strip_suffix('%')?).filter(|share| *share <= WHOLE)?;
            Some((share * SCALE + WHOLE / 2) / WHOLE)
        }
    }
}

/// `+N` and `-N` are nice levels, of which the limit counts down from 20 (systemd 262, `rlimit_parse_nice`).
fn nice_limit(text: &str) -> Option<u64> {
    if let Some(kinder) = text.strip_prefix('+') {
        return syntax::number(kinder).filter(|nice| *nice <= 19).map(|nice| 20 - nice);
    }
    if let Some(ruder) = text.strip_prefix('-') {
        return syntax::number(ruder).filter(|nice| *nice <= 20).map(|nice| 20 + nice);
    }
    syntax::number(text).filter(|limit| *limit <= 40)
}

/// `12.5` as 1250.
fn hundredths(percent: &str) -> Option<u64> {
    let (whole, parts) = percent.trim_end().split_once('.').unwrap_or((percent.trim_end(), "0"));
    let parts = match parts.len() {
        1 => parts.parse::<u64>().ok()? * 10,
        2 => parts.parse().ok()?,
        _ => return None,
    };
    whole.parse::<u64>().ok()?.checked_mul(100)?.checked_add(parts)
}

/// What hundredths of a percent are as text.
fn percent(share: u64) -> String {
    match (share / 100, share % 100) {
        (whole, 0) => format!("{whole}%"),
        (whole, parts) if parts % 10 == 0 => format!("{whole}.{}%", parts / 10),
        (whole, parts) => format!("{whole}.{parts:02}%"),
    }
}

/// The hundredths of a percent that a published part of 2^32 stands for.
fn unscaled(part: u64) -> u64 {
    (part.min(SCALE) * WHOLE + SCALE / 2) / SCALE
}

/// A number, or a hard limit with its soft one, or a quota's `(bytes, part of the file system, whether it counts)`.
pub(super) fn from_bus(rules: &AmountRules, published: &[&BusValue]) -> Option<Value> {
    match (rules.unit, published) {
        (Unit::Disk, [quota, ..]) => {
            let [bytes, part, counts] = quota.members()? else { return None };
            let bytes = bytes.as_unsigned()?;
            Some(match counts.as_text()? {
                "no" => Value::Amount(u64::MAX),
                _ if bytes == u64::MAX => Value::Share(unscaled(part.as_unsigned()?)),
                _ => Value::Amount(bytes),
            })
        }
        (_, [hard, soft]) if rules.pair => Some(limits(soft.as_unsigned()?, hard.as_unsigned()?)),
        (Unit::Weight | Unit::ProcessorWeight, [weight, ..]) => match weight.as_unsigned()? {
            u64::MAX => Some(Value::Unset),
            weight => Some(Value::Amount(weight)),
        },
        (_, [number, ..]) => number.as_unsigned().map(Value::Amount),
        (_, []) => None,
    }
}

/// A limit is a pair, of which one number is both.
pub(super) fn compare(rules: &AmountRules, found: &Value, wanted: &Value) -> Option<Ordering> {
    let pair = |value: &Value| match value {
        Value::Amount(number) => Some((*number, *number)),
        Value::Pair(soft, hard) => Some((*soft, *hard)),
        _ => None,
    };
    let ((soft, hard), (wanted_soft, wanted_hard)) = (pair(found)?, pair(wanted)?);
    let ordering = match (soft.cmp(&wanted_soft), hard.cmp(&wanted_hard)) {
        (one, other) if one == other => one,
        (Ordering::Equal, other) | (other, Ordering::Equal) => other,
        _ => return None,
    };
    directed(rules.order, ordering)
}

pub(super) fn write_share(share: u64) -> String {
    percent(share)
}

pub(super) fn write(unit: Unit, number: u64) -> String {
    match (unit, number) {
        (Unit::Disk, u64::MAX) => return "off".to_owned(),
        (_, u64::MAX) => return "infinity".to_owned(),
        (Unit::ProcessorWeight, 0) => return "idle".to_owned(),
        _ => {}
    }
    match unit {
        Unit::Count
        | Unit::UpTo(_)
        | Unit::Tasks
        | Unit::Weight
        | Unit::ProcessorWeight
        | Unit::NiceLimit => number.to_string(),
        Unit::Bytes | Unit::Memory | Unit::Disk => {
            scaled(number, &[("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)], "")
        }
        Unit::Rate => scaled(
            number,
            &[("T", 1_000_000_000_000), ("G", 1_000_000_000), ("M", 1_000_000), ("K", 1_000)],
            "",
        ),
        Unit::Span | Unit::Microseconds => span(number),
        Unit::Nanoseconds if number > 0 && number.is_multiple_of(1_000) => span(number / 1_000),
        Unit::Nanoseconds => format!("{number}ns"),
        Unit::Seconds => span(number.saturating_mul(SECOND)),
        Unit::Quota => percent(number / (SECOND / WHOLE)),
        Unit::Pressure => percent(unscaled(number)),
    }
}

fn span(number: u64) -> String {
    let units =
        [("d", 86_400 * SECOND), ("h", 3_600 * SECOND), ("min", 60 * SECOND), ("s", SECOND), ("ms", 1_000)];
    scaled(number, &units, "us")
}

/// The number in the greatest unit that divides it.
fn scaled(number: u64, units: &[(&str, u64)], smallest: &str) -> String {
    let fits = units.iter().find(|(_, size)| number > 0 && number.is_multiple_of(*size));
    match fits {
        Some((word, size)) => format!("{}{word}", number / size),
        None => format!("{number}{smallest}"),
    }
}
