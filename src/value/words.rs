//! Lists that grow with each assignment.

use std::cmp::Ordering;

use super::{Remark, Value, directed};
use crate::bus_value::BusValue;
use crate::catalogue::{Entry, WordRules};
use crate::context::Context;
use crate::syntax;
use crate::syscalls::Architecture;

pub(super) fn assign(
    rules: &WordRules,
    before: Value,
    text: &str,
    context: &Context,
    remarks: &mut Vec<Remark>,
) -> Value {
    if text.is_empty() {
        return Value::Words(Vec::new());
    }
    let mut entries = match before {
        Value::Words(entries) => entries,
        _ => Vec::new(),
    };
    for word in split(rules.entry, text) {
        match entry(rules.entry, &word, context) {
            Ok(entry) => {
                if matches!(rules.entry, Entry::Credential | Entry::Variable) {
                    entries.retain(|earlier| key(earlier) != key(&entry));
                }
                if !entries.contains(&entry) {
                    entries.push(entry);
                }
            }
            Err(remark) => {
                // Nothing is read after what systemd refuses.
                let ends = matches!(remark, Remark::Refused(_));
                remarks.push(remark);
                if ends {
                    break;
                }
            }
        }
    }
    Value::Words(entries)
}

/// The name of an entry that replaces earlier ones of the same name.
pub fn key(entry: &str) -> &str {
    entry.split([':', '=']).next().unwrap_or(entry)
}

fn split(entry: Entry, text: &str) -> Vec<String> {
    match entry {
        Entry::Line | Entry::WholePath | Entry::Device | Entry::Credential => vec![text.to_owned()],
        // Quotes are not taken off here.
        Entry::Group => text.split_ascii_whitespace().map(str::to_owned).collect(),
        Entry::Word | Entry::Path | Entry::Below | Entry::Architecture | Entry::Bind | Entry::Variable => {
            syntax::words(text)
        }
    }
}

fn entry(entry: Entry, word: &str, context: &Context) -> Result<String, Remark> {
    let quoted = || word.escape_debug();
    match entry {
        Entry::Word | Entry::Line | Entry::Credential | Entry::Bind | Entry::Variable => Ok(word.to_owned()),
        Entry::Below => Ok(word.trim_end_matches('/').to_owned()),
        Entry::Group => match bad_user(word) {
            Some(problem) => Err(Remark::Refused(problem)),
            None => Ok(word.to_owned()),
        },
        Entry::Path | Entry::WholePath => {
            let bare = bare(word);
            let prefix = &word[..word.len() - bare.len()];
            if !bare.starts_with('/') {
                return Err(Remark::Ignored(format!("`{}` is no absolute path", quoted())));
            }
            if bare.split('/').any(|part| part == "..") {
                return Err(Remark::Ignored(format!("`{}` has `..` in it", quoted())));
            }
            Ok(format!("{prefix}{}", simplify(bare)))
        }
        Entry::Device => device(word).ok_or_else(|| Remark::Ignored(format!("`{}` is no device", quoted()))),
        Entry::Architecture => {
            if word == "native" || Architecture::is_word(word, context.release) {
                Ok(word.to_owned())
            } else {
                Err(Remark::Misread(format!("`{}` is no architecture and is left out", quoted())))
            }
        }
    }
}

/// A path without the `-` and `+` before it.
fn bare(word: &str) -> &str {
    let word = word.strip_prefix('-').unwrap_or(word);
    word.strip_prefix('+').unwrap_or(word)
}

/// `PATH PERMISSIONS`, with the permissions that a bare path has written out.
fn device(text: &str) -> Option<String> {
    let (path, access) = match syntax::words(text).as_slice() {
        [path] => (path.clone(), "rwm".to_owned()),
        [path, access] => (path.clone(), access.clone()),
        _ => return None,
    };
    // `valid_device_allow_pattern`: a class of devices may even be nameless, a node may not.
    let class = ["char-", "block-"].iter().any(|start| path.starts_with(start));
    let node = ["/dev/", "/run/systemd/inaccessible/"].iter().any(|start| path.starts_with(start))
        && path.split('/').skip(1).all(|part| !matches!(part, "" | "." | ".."));
    let named = class || node;
    let letters = !access.is_empty() && access.bytes().all(|byte| matches!(byte, b'r' | b'w' | b'm'));
    (named && letters).then(|| format!("{path} {access}"))
}

/// Why systemd refuses a user or group name, if it does (systemd 243 on, `valid_user_group_name` relaxed).
pub(super) fn bad_user(name: &str) -> Option<String> {
    let digits = name.bytes().all(|byte| byte.is_ascii_digit());
    let number = || {
        let leading_zero = name.len() > 1 && name.starts_with('0');
        !leading_zero && name.parse::<u32>().is_ok_and(|id| id != u32::MAX && id != 65535)
    };
    let minus_digits =
        name.strip_prefix('-').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    let bad = name.is_empty()
        || (digits && !number())
        || minus_digits
        || name.trim() != name
        || name.chars().any(|c| c.is_control() || matches!(c, ':' | '/'))
        || matches!(name, "." | "..");
    bad.then(|| format!("`{}` is no user or group name", name.escape_debug()))
}

/// Why systemd refuses a root directory or image, if it does.
pub(super) fn bad_root(path: &str) -> Option<String> {
    let problem = if !path.starts_with('/') {
        "is no absolute path"
    } else if path.split('/').any(|part| part == "..") {
        "has `..` in it"
    } else {
        return None;
    };
    Some(format!("`{}` {problem}", path.escape_debug()))
}

/// Without doubled and trailing slashes and `.` parts.
pub(super) fn simplify(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    format!("/{}", parts.join("/"))
}

pub(super) fn from_bus(rules: &WordRules, value: &BusValue) -> Option<Value> {
    let BusValue::List(items) = value else {
        // A single label or path.
        return value
            .as_text()
            .map(|text| Value::Words(if text.is_empty() { Vec::new() } else { vec![text.to_owned()] }));
    };
    let separator = if rules.entry == Entry::Device { " " } else { ":" };
    let mut entries = Vec::with_capacity(items.len());
    for item in items {
        entries.push(match item {
            BusValue::Text(text) => text.clone(),
            BusValue::Tuple(parts) => {
                let texts: Vec<&str> = parts.iter().map_while(BusValue::as_text).collect();
                if texts.is_empty() {
                    return None;
                }
                texts.join(separator)
            }
            _ => return None,
        });
    }
    if rules.entry == Entry::Device {
        // The manager lists the newest first.
        entries.reverse();
    }
    Some(Value::Words(entries))
}

/// How strict a list is as a set: `-` and `+` before a path change nothing about what is granted.
pub(super) fn compare(rules: &WordRules, found: &[String], wanted: &[String]) -> Option<Ordering> {
    let plain = |entry: &str| match rules.entry {
        Entry::Path => bare(entry).to_owned(),
        Entry::Below => entry.trim_end_matches([':', '/']).to_owned(),
        _ => entry.to_owned(),
    };
    let within =
        |a: &[String], b: &[String]| a.iter().all(|entry| b.iter().any(|other| plain(other) == plain(entry)));
    let ordering = match (within(found, wanted), within(wanted, found)) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => return None,
    };
    directed(rules.order, ordering)
}
