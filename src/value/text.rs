//! Texts: names, labels, paths, errors, and whatever else is one word to systemd.

use std::cmp::Ordering;
use std::fmt::Write as _;

use super::{Published, Remark, Value, entry, errno, odd};
use crate::bus_value::BusValue;
use crate::catalogue::{Odd, TextGrammar};
use crate::context::Context;

pub(super) fn assign(
    grammar: TextGrammar,
    before: Value,
    text: &str,
    context: &Context,
    remarks: &mut Vec<Remark>,
) -> Value {
    if text.is_empty() {
        return Value::Unset;
    }
    let quoted = || text.escape_debug();
    match grammar {
        TextGrammar::Identity | TextGrammar::Group => match entry::bad_user(text) {
            Some(problem) => odd(Odd::Refused, before, problem, remarks),
            None => Value::Text(text.to_owned()),
        },
        TextGrammar::Root => match entry::bad_root(text) {
            Some(problem) => odd(Odd::Refused, before, problem, remarks),
            None => Value::Text(entry::simplify(text)),
        },
        TextGrammar::ImagePolicy if !is_image_policy(text) => {
            odd(Odd::Refused, before, format!("`{}` is no image policy", quoted()), remarks)
        }
        TextGrammar::Errno if text == "kill" => Value::Unset,
        TextGrammar::Errno => match errno::read(text, context) {
            Some(name) => Value::Text(name),
            None => odd(Odd::Ignored, before, format!("`{}` is no error", quoted()), remarks),
        },
        TextGrammar::Integer => match text.parse::<i64>() {
            Ok(number) => Value::Text(number.to_string()),
            Err(_) => odd(Odd::Ignored, before, format!("`{}` is no number", quoted()), remarks),
        },
        TextGrammar::Directory => {
            let (dash, path) = text.strip_prefix('-').map_or(("", text), |path| ("-", path));
            Value::Text(format!("{dash}{}", simplified(path)))
        }
        TextGrammar::Path => match entry::bad_root(text) {
            Some(problem) => odd(Odd::Ignored, before, problem, remarks),
            None => Value::Text(entry::simplify(text)),
        },
        TextGrammar::Hash if !text.starts_with('/') => Value::Text(text.to_ascii_lowercase()),
        TextGrammar::Free
        | TextGrammar::Label
        | TextGrammar::Profile
        | TextGrammar::Narrowing
        | TextGrammar::Hash
        | TextGrammar::Signature
        | TextGrammar::ImagePolicy
        | TextGrammar::Stream
        | TextGrammar::Choice => Value::Text(text.to_owned()),
    }
}

/// Partitions and flags of image policies (systemd 257, `image_policy_from_string`).
static PARTITIONS: [&str; 14] = [
    "",
    "root",
    "usr",
    "home",
    "srv",
    "esp",
    "xbootldr",
    "swap",
    "root-verity",
    "root-verity-sig",
    "usr-verity",
    "usr-verity-sig",
    "tmp",
    "var",
];
static PROTECTIONS: [&str; 13] = [
    "unprotected",
    "verity",
    "signed",
    "encrypted",
    "encryptedwithintegrity",
    "unused",
    "absent",
    "open",
    "ignore",
    "read-only-on",
    "read-only-off",
    "growfs-on",
    "growfs-off",
];

fn is_image_policy(text: &str) -> bool {
    let is_rule = |rule: &str| {
        rule.split_once('=').is_some_and(|(partition, flags)| {
            PARTITIONS.contains(&partition) && flags.split('+').all(|flag| PROTECTIONS.contains(&flag.trim()))
        })
    };
    matches!(text, "*" | "-" | "~") || text.split(':').all(is_rule)
}

pub(super) fn from_bus(grammar: TextGrammar, published: &[&BusValue], context: &Context) -> Published {
    let Some((value, more)) = published.split_first() else { return Published::Odd };
    let text =
        |text: &str| Published::As(if text.is_empty() { Value::Unset } else { Value::Text(text.to_owned()) });
    match (grammar, value) {
        // The path and the descriptor's name are not published.
        (TextGrammar::Stream, BusValue::Text(word)) if is_beginning(word) => Published::InPart,
        // Those of a transient unit are published as they were sent.
        (TextGrammar::Directory, BusValue::Text(path)) => match path.strip_prefix('!') {
            Some(path) => text(&format!("-{}", simplified(path))),
            None => text(&simplified(path)),
        },
        (TextGrammar::Root, BusValue::Text(path)) => text(&simplified(path)),
        (TextGrammar::Label | TextGrammar::Profile, BusValue::Tuple(parts)) => match parts.as_slice() {
            [BusValue::Bool(true), BusValue::Text(label)] => text(&format!("-{label}")),
            [BusValue::Bool(false), BusValue::Text(label)] => text(label),
            _ => Published::Odd,
        },
        (TextGrammar::Hash | TextGrammar::Signature, BusValue::Bytes(bytes)) if bytes.is_empty() => {
            text(more.first().and_then(|path| path.as_text()).unwrap_or_default())
        }
        (TextGrammar::Hash, BusValue::Bytes(bytes)) => text(&hexadecimal(bytes)),
        (TextGrammar::Signature, BusValue::Bytes(_)) => Published::InPart,
        (TextGrammar::Errno, number) => match number.as_signed() {
            Some(KILL | 0) => Published::As(Value::Unset),
            Some(number) => u64::try_from(number)
                .ok()
                .and_then(|number| errno::name(number, context))
                .map_or(Published::InPart, |name| Published::As(Value::Text(name))),
            None => Published::Odd,
        },
        (TextGrammar::Integer, number) => match number.as_signed() {
            Some(number) => Published::As(Value::Text(number.to_string())),
            None => Published::Odd,
        },
        (_, BusValue::Text(value)) => text(value),
        _ => Published::Odd,
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

fn simplified(path: &str) -> String {
    if path.starts_with('/') { entry::simplify(path) } else { path.to_owned() }
}

/// Words that are all that is published of `file:PATH`, `fd:NAME` and their like.
fn is_beginning(word: &str) -> bool {
    matches!(word, "file" | "append" | "truncate" | "fd" | "data")
}

/// What the manager publishes for no error but death, which is also the default (`SECCOMP_ERROR_NUMBER_KILL`).
const KILL: i64 = i32::MAX as i64 - 1;

pub(super) fn compare(grammar: TextGrammar, found: &Value, wanted: &Value) -> Option<Ordering> {
    match grammar {
        TextGrammar::Identity => compare_identity(found, wanted),
        TextGrammar::Root
        | TextGrammar::Profile
        | TextGrammar::Narrowing
        | TextGrammar::Hash
        | TextGrammar::Signature => match (found, wanted) {
            (Value::Unset, Value::Text(_)) => Some(Ordering::Less),
            (Value::Text(_), Value::Unset) => Some(Ordering::Greater),
            _ => None,
        },
        TextGrammar::Integer | TextGrammar::Directory | TextGrammar::Stream | TextGrammar::Choice => {
            (*wanted == Value::Unset).then_some(Ordering::Equal)
        }
        TextGrammar::Free
        | TextGrammar::Group
        | TextGrammar::Path
        | TextGrammar::Label
        | TextGrammar::ImagePolicy
        | TextGrammar::Errno => None,
    }
}

/// Any other user than root confines; two of them cannot be compared.
fn compare_identity(found: &Value, wanted: &Value) -> Option<Ordering> {
    let root = |value: &Value| match value {
        Value::Text(name) => name == "root" || name == "0",
        _ => true,
    };
    match (root(found), root(wanted)) {
        (true, true) => Some(Ordering::Equal),
        (true, false) => Some(Ordering::Less),
        (false, true) => Some(Ordering::Greater),
        (false, false) => None,
    }
}
