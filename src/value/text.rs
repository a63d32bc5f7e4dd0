//! Texts: names, labels, paths, errors, and whatever else is one word to systemd.

use std::cmp::Ordering;
use std::fmt::Write as _;

use super::{Published, Remark, Value, entry, errno, odd};
use crate::bus_value::BusValue;
use crate::catalogue::{Odd, TextGrammar};
use crate::context::Context;
use crate::syntax;
use crate::syscalls::Architecture;

pub(super) fn assign(
    grammar: TextGrammar,
    before: Value,
    text: &str,
    context: &Context,
    remarks: &mut Vec<Remark>,
) -> Value {
    let keeps = matches!(
        grammar,
        TextGrammar::Stream | TextGrammar::Source | TextGrammar::Slice | TextGrammar::BusName
    );
    if text.is_empty() && !keeps {
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
        TextGrammar::Integer(least, most) => match syntax::integer(text) {
            Some(number) if (least..=most).contains(&number) => Value::Text(number.to_string()),
            _ => {
                let problem = format!("`{}` is no number from {least} to {most}", quoted());
                odd(Odd::Ignored, before, problem, remarks)
            }
        },
        TextGrammar::Directory => {
            let (dash, path) = text.strip_prefix('-').map_or(("", text), |path| ("-", path));
            match entry::bad_root(path).filter(|_| path != "~") {
                Some(problem) if dash.is_empty() => odd(Odd::Refused, before, problem, remarks),
                Some(problem) => odd(Odd::Ignored, before, problem, remarks),
                None => Value::Text(format!("{dash}{}", simplified(path))),
            }
        }
        TextGrammar::Path => match entry::bad_root(text) {
            Some(problem) => odd(Odd::Ignored, before, problem, remarks),
            None => Value::Text(entry::simplify(text)),
        },
        TextGrammar::Hash if !text.starts_with('/') => {
            let digits = text.split_ascii_whitespace().collect::<String>();
            let decodes = digits.len() % 2 == 0 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            if decodes && digits.len() >= SHORTEST_HASH {
                Value::Text(digits.to_ascii_lowercase())
            } else {
                odd(Odd::Ignored, before, format!("`{}` is no hash", quoted()), remarks)
            }
        }
        TextGrammar::Signature if !text.starts_with('/') && !is_signature(text, context) => {
            let problem = format!("`{}` is no path and not Base64 after `base64:`", quoted());
            odd(Odd::Ignored, before, problem, remarks)
        }
        TextGrammar::Stream | TextGrammar::Source if !is_stream(grammar, text) => {
            let what = if grammar == TextGrammar::Stream { "output" } else { "input" };
            odd(Odd::Ignored, before, format!("`{}` is no {what}", quoted()), remarks)
        }
        // NEWS of 246.
        TextGrammar::Stream if text.starts_with("syslog") && context.release.major >= 246 => {
            Value::Text(text.replacen("syslog", "journal", 1))
        }
        TextGrammar::Journal if !is_journal(text) => {
            odd(Odd::Ignored, before, format!("`{}` is no name that a journal can have", quoted()), remarks)
        }
        TextGrammar::Personality if !is_personality(text, context) => {
            odd(Odd::Ignored, before, format!("`{}` is no personality here", quoted()), remarks)
        }
        TextGrammar::BusName if !is_bus_name(text) => {
            odd(Odd::Ignored, before, format!("`{}` is no name of a bus", quoted()), remarks)
        }
        TextGrammar::Slice if !is_slice(text) => {
            odd(Odd::Ignored, before, format!("`{}` is no slice", quoted()), remarks)
        }
        TextGrammar::Free
        | TextGrammar::Label
        | TextGrammar::Profile
        | TextGrammar::Narrowing
        | TextGrammar::Hash
        | TextGrammar::Signature
        | TextGrammar::ImagePolicy
        | TextGrammar::Stream
        | TextGrammar::Source
        | TextGrammar::Journal
        | TextGrammar::Personality
        | TextGrammar::BusName
        | TextGrammar::Slice => Value::Text(text.to_owned()),
    }
}

/// Whether uname(2) can show it: the processor's own architecture and what it runs besides (`personality_from_string`).
fn is_personality(word: &str, context: &Context) -> bool {
    match context.architecture {
        Architecture::X86_64 => matches!(word, "x86-64" | "x86"),
        Architecture::Arm64 => matches!(word, "arm64" | "arm"),
        // Which ones others have was not looked up.
        _ => Architecture::is_word(word, context.release),
    }
}

/// Whether the message bus takes it for a well-known name: two elements or more, none of which starts with a digit.
pub(crate) fn is_bus_name(name: &str) -> bool {
    let element = |element: &str| {
        !element.is_empty()
            && !element.starts_with(|c: char| c.is_ascii_digit())
            && element.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    name.len() <= 255 && name.contains('.') && name.split('.').all(element)
}

/// Sixteen bytes, in hexadecimal digits.
const SHORTEST_HASH: usize = 32;

fn is_signature(text: &str, context: &Context) -> bool {
    text.strip_prefix("base64:").is_some_and(|text| entry::is_base64(text, context.release))
}

/// Whether systemd can connect a stream to it (systemd.exec(5), 252 to 262).
fn is_stream(grammar: TextGrammar, text: &str) -> bool {
    let files: &[&str] =
        if grammar == TextGrammar::Stream { &["file:", "append:", "truncate:"] } else { &["file:"] };
    if let Some(path) = files.iter().find_map(|prefix| text.strip_prefix(prefix)) {
        return entry::bad_root(path).is_none();
    }
    if let Some(name) = text.strip_prefix("fd:") {
        return name.is_empty() || entry::is_descriptor_name(name);
    }
    match grammar {
        TextGrammar::Stream => matches!(
            text,
            "inherit"
                | "null"
                | "tty"
                | "kmsg"
                | "kmsg+console"
                | "journal"
                | "journal+console"
                | "syslog"
                | "syslog+console"
                | "socket"
                | "fd"
        ),
        _ => matches!(text, "null" | "tty" | "tty-force" | "tty-fail" | "socket" | "fd" | "data"),
    }
}

/// A name of a journal is a file's and an instance's, and leaves room for the machine's (`log_namespace_name_valid`).
fn is_journal(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.@".contains(&byte);
    !matches!(name, "" | "." | "..") && name.len() <= 222 && name.bytes().all(letter)
}

fn is_slice(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte);
    let stem = name.strip_suffix(".slice").unwrap_or_default();
    !stem.is_empty() && name.len() < 256 && name.bytes().all(letter) && !stem.contains('@')
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
        (TextGrammar::Stream | TextGrammar::Source, BusValue::Text(word)) if is_beginning(word) => {
            Published::InPart
        }
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
        (TextGrammar::Integer(..), number) => match number.as_signed() {
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
        TextGrammar::Integer(..)
        | TextGrammar::Directory
        | TextGrammar::Stream
        | TextGrammar::Source
        | TextGrammar::Slice => (*wanted == Value::Unset).then_some(Ordering::Equal),
        TextGrammar::Free
        | TextGrammar::Group
        | TextGrammar::Path
        | TextGrammar::Label
        | TextGrammar::ImagePolicy
        | TextGrammar::Journal
        | TextGrammar::Personality
        | TextGrammar::BusName
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
