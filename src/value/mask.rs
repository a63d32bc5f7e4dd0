//! Sets of named bits: capabilities and namespaces.

use std::cmp::Ordering;

use super::{Remark, Value, bits, flags};
use crate::capabilities::CAPABILITIES;
use crate::catalogue::MaskGrammar;
use crate::context::Context;
use crate::syntax::{self, boolean};

/// Every capability that exists.
pub(crate) const ALL_CAPABILITIES: u64 = (1 << CAPABILITIES.len()) - 1;

/// Namespaces by word and clone flag (sched.h).
pub(crate) static NAMESPACES: &[(&str, u64)] = &[
    ("cgroup", 0x0200_0000),
    ("ipc", 0x0800_0000),
    ("net", 0x4000_0000),
    ("mnt", 0x0002_0000),
    ("pid", 0x2000_0000),
    ("user", 0x1000_0000),
    ("uts", 0x0400_0000),
    ("time", 0x80),
];

/// The user namespace: a service's own cannot be delegated to it.
const USER: u64 = 0x1000_0000;

/// The names of capabilities; those without one are left out.
pub(crate) fn capabilities(bits: u64) -> Vec<&'static str> {
    CAPABILITIES
        .iter()
        .enumerate()
        .filter(|(number, _)| bits & (1 << number) != 0)
        .map(|(_, name)| *name)
        .collect()
}

/// The namespaces that a boolean or `~` speaks of; systemd counts `time` among them from 258 on.
fn all_namespaces(grammar: MaskGrammar, context: &Context) -> u64 {
    let all = if context.release.major >= 258 { 0x7e02_0080 } else { 0x7e02_0000 };
    if grammar == MaskGrammar::Delegated { all & !USER } else { all }
}

/// The release from which `time` is read as a namespace.
const TIME_SINCE: u16 = 252;

/// The bit or bits of one name, for the checks.
pub(crate) const fn bit(name: &str) -> u64 {
    let mut place = 0;
    while place < CAPABILITIES.len() {
        if equal(CAPABILITIES[place], name) {
            return 1 << place;
        }
        place += 1;
    }
    place = 0;
    while place < NAMESPACES.len() {
        if equal(NAMESPACES[place].0, name) {
            return NAMESPACES[place].1;
        }
        place += 1;
    }
    0
}

/// The bits of several names.
pub(crate) const fn bits_of(names: &[&str]) -> u64 {
    let (mut bits, mut place) = (0, 0);
    while place < names.len() {
        bits |= bit(names[place]);
        place += 1;
    }
    bits
}

const fn equal(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut place = 0;
    while place < a.len() && place < b.len() && a[place] == b[place] {
        place += 1;
    }
    place == a.len() && place == b.len()
}

pub(super) fn assign(
    grammar: MaskGrammar,
    before: &Value,
    text: &str,
    context: &Context,
    remarks: &mut Vec<Remark>,
) -> Value {
    let current = match before {
        Value::Mask(bits) => *bits,
        _ => initial(grammar, context),
    };
    Value::Mask(match grammar {
        MaskGrammar::Namespaces | MaskGrammar::Delegated => {
            assign_namespaces(grammar, current, text, context, remarks)
        }
        MaskGrammar::Bounding | MaskGrammar::Ambient => {
            assign_capabilities(current, initial(grammar, context), text, context, remarks)
        }
        MaskGrammar::SecureBits | MaskGrammar::CoreDump => {
            return flags::assign(grammar, before, text, context, remarks);
        }
    })
}

/// The value that nothing set.
pub(crate) fn unset(grammar: MaskGrammar, context: &Context) -> Value {
    // The manager's own, which only it knows.
    if grammar == MaskGrammar::CoreDump { Value::Unset } else { Value::Mask(initial(grammar, context)) }
}

/// The bits before any assignment: 64, and 63 in the bounding set from 259 on.
fn initial(grammar: MaskGrammar, context: &Context) -> u64 {
    match grammar {
        MaskGrammar::Bounding if context.release.major >= 259 => u64::MAX >> 1,
        MaskGrammar::Bounding | MaskGrammar::Namespaces | MaskGrammar::Delegated => u64::MAX,
        MaskGrammar::Ambient | MaskGrammar::SecureBits | MaskGrammar::CoreDump => 0,
    }
}

fn assign_capabilities(
    current: u64,
    initial: u64,
    text: &str,
    context: &Context,
    remarks: &mut Vec<Remark>,
) -> u64 {
    let recent = context.release.major >= 259;
    let (inverted, list) = match text.strip_prefix('~') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if list.is_empty() && recent && !inverted {
        return 0;
    }
    let mut named = 0;
    for word in syntax::words(list) {
        match capability(&word, context) {
            Some(number) => named |= 1 << number,
            None => remarks.push(Remark::Misread(format!(
                "`{}` is no capability and is left out without a word",
                word.escape_debug()
            ))),
        }
    }
    match (named == 0 || current == initial, inverted) {
        (true, false) => named,
        (true, true) => (if recent { ALL_CAPABILITIES } else { u64::MAX }) & !named,
        (false, false) => current | named,
        (false, true) => current & !named,
    }
}

/// Names in any case, or numbers: up to 63, and up to 62 since 254.
fn capability(word: &str, context: &Context) -> Option<usize> {
    if let Some(number) = syntax::number(word) {
        let last = if context.release.major >= 254 { 62 } else { 63 };
        return usize::try_from(number).ok().filter(|number| *number <= last);
    }
    CAPABILITIES.iter().position(|name| name.eq_ignore_ascii_case(word))
}

fn assign_namespaces(
    grammar: MaskGrammar,
    current: u64,
    text: &str,
    context: &Context,
    remarks: &mut Vec<Remark>,
) -> u64 {
    if text.is_empty() {
        return u64::MAX;
    }
    let all = all_namespaces(grammar, context);
    if let Some(on) = boolean(text) {
        return if on == (grammar == MaskGrammar::Delegated) { all } else { 0 };
    }
    let (inverted, list) = match text.strip_prefix('~') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut named = 0;
    // Quotes are not taken off here.
    for word in list.split_ascii_whitespace() {
        let known = NAMESPACES.iter().find(|(name, _)| *name == word);
        if let Some((_, flag)) =
            known.filter(|(name, _)| *name != "time" || context.release.major >= TIME_SINCE)
        {
            named |= flag;
        } else {
            let remark = format!("`{}` is no namespace, so the whole line is nothing", word.escape_debug());
            remarks.push(Remark::Ignored(remark));
            return current;
        }
    }
    if grammar == MaskGrammar::Delegated && !inverted && named & USER != 0 {
        let remark = "the user namespace cannot be delegated, so the whole line is nothing".to_owned();
        remarks.push(Remark::Ignored(remark));
        return current;
    }
    match (current == u64::MAX, inverted) {
        (true, false) => named,
        (true, true) => all & !named,
        (false, false) => current | named,
        (false, true) => current & !named,
    }
}

/// The bits that have a name, by name; a bit is written alone to learn it.
pub(super) fn members(grammar: MaskGrammar, mask: u64) -> Vec<String> {
    let nameless = write(grammar, 0);
    let bits = (0..u64::BITS).map(|bit| 1 << bit).filter(|bit| mask & bit != 0);
    bits.map(|bit| write(grammar, bit)).filter(|name| *name != nameless).collect()
}

pub(super) fn write(grammar: MaskGrammar, kept: u64) -> String {
    let universe: Vec<(&str, u64)> = match grammar {
        MaskGrammar::SecureBits | MaskGrammar::CoreDump => return flags::write(grammar, kept),
        MaskGrammar::Delegated if matches!(kept, 0 | u64::MAX) => return "no".to_owned(),
        MaskGrammar::Namespaces => NAMESPACES.to_vec(),
        MaskGrammar::Delegated => NAMESPACES.iter().filter(|(_, flag)| *flag != USER).copied().collect(),
        MaskGrammar::Bounding | MaskGrammar::Ambient => {
            CAPABILITIES.iter().enumerate().map(|(number, name)| (*name, 1 << number)).collect()
        }
    };
    let (in_it, out): (Vec<_>, Vec<_>) = universe.iter().partition(|(_, flag)| kept & flag != 0);
    let join = |names: &[(&str, u64)]| names.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" ");
    match grammar {
        MaskGrammar::Namespaces if in_it.is_empty() => "yes".to_owned(),
        MaskGrammar::Namespaces if out.iter().all(|(name, _)| *name == "time") => "no".to_owned(),
        MaskGrammar::Delegated if out.iter().all(|(name, _)| *name == "time") => "yes".to_owned(),
        _ if out.is_empty() => "~".to_owned(),
        _ if out.len() < in_it.len() => format!("~{}", join(&out)),
        _ => join(&in_it),
    }
}

/// Fewer kept bits are stricter; bits without a name do not count, and nothing set delegates nothing.
pub(super) fn compare(grammar: MaskGrammar, found: u64, wanted: u64) -> Option<Ordering> {
    let (found, wanted) = match grammar {
        MaskGrammar::SecureBits | MaskGrammar::CoreDump => return flags::compare(grammar, found, wanted),
        MaskGrammar::Delegated => (delegated(found), delegated(wanted)),
        MaskGrammar::Bounding | MaskGrammar::Ambient | MaskGrammar::Namespaces => (found, wanted),
    };
    let named = ALL_CAPABILITIES | NAMESPACES.iter().fold(0, |all, (_, flag)| all | flag);
    bits(found & named, wanted & named).map(Ordering::reverse)
}

fn delegated(mask: u64) -> u64 {
    if mask == u64::MAX { 0 } else { mask }
}
