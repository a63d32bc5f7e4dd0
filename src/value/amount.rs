//! Numbers: bytes, counts, times, shares of a processor, mode bits.

use super::{Remark, Value};
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
        _ if text.is_empty() => Some(Value::Unset),
        Some((soft, hard)) if rules.pair => {
            number(rules.unit, soft).zip(number(rules.unit, hard)).map(|(soft, hard)| Value::Pair(soft, hard))
        }
        _ => match text.strip_suffix('%') {
            Some(percent) if rules.unit != Unit::Quota => percent.parse().ok().map(Value::Share),
            _ => number(rules.unit, text).map(Value::Amount),
        },
    };
    read.unwrap_or_else(|| {
        remarks.push(Remark::Ignored(format!("`{}` is no {}", text.escape_debug(), noun(rules.unit))));
        before
    })
}

fn noun(unit: Unit) -> &'static str {
    match unit {
        Unit::Bytes => "size",
        Unit::Count => "number",
        Unit::Span => "time span",
        Unit::Quota => "share of a processor such as 50%",
    }
}

/// Microseconds in a second.
const SECOND: u64 = 1_000_000;

fn number(unit: Unit, text: &str) -> Option<u64> {
    if text == "infinity" {
        return Some(u64::MAX);
    }
    match unit {
        Unit::Bytes => syntax::size(text),
        Unit::Count => text.parse().ok(),
        Unit::Span => syntax::time_span(text, SECOND),
        Unit::Quota => {
            let percent = text.strip_suffix('%')?.trim_end();
            let (whole, parts) = percent.split_once('.').unwrap_or((percent, ""));
            let hundredths: u64 = match parts.len() {
                0 => 0,
                1 => parts.parse::<u64>().ok()? * 10,
                2 => parts.parse().ok()?,
                _ => return None,
            };
            whole.parse::<u64>().ok()?.checked_mul(SECOND / 100)?.checked_add(hundredths * SECOND / 10_000)
        }
    }
}

pub(super) fn write(unit: Unit, number: u64) -> String {
    if number == u64::MAX {
        return "infinity".to_owned();
    }
    match unit {
        Unit::Count => number.to_string(),
        Unit::Bytes => scaled(number, &[("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)], ""),
        Unit::Span => scaled(
            number,
            &[
                ("d", 86_400 * SECOND),
                ("h", 3_600 * SECOND),
                ("min", 60 * SECOND),
                ("s", SECOND),
                ("ms", 1_000),
            ],
            "us",
        ),
        Unit::Quota => format!("{}%", number / (SECOND / 100)),
    }
}

/// The number in the greatest unit that divides it.
fn scaled(number: u64, units: &[(&str, u64)], smallest: &str) -> String {
    let fits = units.iter().find(|(_, size)| number > 0 && number.is_multiple_of(*size));
    match fits {
        Some((word, size)) => format!("{}{word}", number / size),
        None => format!("{number}{smallest}"),
    }
}
