//! What a directive can be worth, and the four operations of every family of values: assign a line, read a bus
//! value, write it as text, compare two. Nothing else knows the families.

mod amount;
mod calls;
mod level;
mod mask;
mod names;
mod network;
mod words;

use std::cmp::Ordering;

pub use calls::{Action, CallFilter};
pub(crate) use mask::{bit, initial as initial_mask};
pub use names::NameFilter;
pub use words::key as entry_name;

use crate::bus_value::BusValue;
use crate::catalogue::{Kind, Odd, Order, TextGrammar, by_release};
use crate::context::Context;
use ipnet::IpNet;

/// The value of one directive.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text or tri-state that nothing set.
    Unset,
    /// A boolean.
    Switch(bool),
    /// The place of a word among the levels of its directive.
    Level(usize),
    /// Named bits that are kept.
    Mask(u64),
    /// Names that are allowed or denied.
    Names(NameFilter),
    /// System calls that are allowed or denied.
    Calls(Box<CallFilter>),
    /// Entries, in the order of their assignment.
    Words(Vec<String>),
    /// IP networks, in the order of their assignment.
    Networks(Vec<IpNet>),
    /// Mode bits.
    Mode(u32),
    /// A number in the directive's unit; [`u64::MAX`] is infinity.
    Amount(u64),
    /// A soft and a hard limit.
    Pair(u64, u64),
    /// A part of what the host has, in percent (memory, tasks): known only there.
    Share(u64),
    /// A text.
    Text(String),
}

/// What an assignment came to besides the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// systemd ignores the assignment, or a part of it, with a warning.
    Ignored(String),
    /// systemd takes it, but not for what it says.
    Misread(String),
    /// systemd refuses the whole unit.
    Refused(String),
}

impl Kind {
    /// One assignment on top of what was before.
    pub fn assign(&self, before: Value, text: &str, context: &Context, remarks: &mut Vec<Remark>) -> Value {
        match self {
            Self::Switch(rules) => level::assign_switch(rules, before, text, context, remarks),
            Self::Level(rules) => level::assign(rules, before, text, context, remarks),
            Self::Mask(grammar) => mask::assign(*grammar, &before, text, context, remarks),
            Self::Names(grammar) => names::assign(*grammar, before, text, context, remarks),
            Self::Calls => calls::assign(before, text, context, remarks),
            Self::Words(rules) => words::assign(rules, before, text, context, remarks),
            Self::Networks(_) => network::assign(before, text, context, remarks),
            Self::Mode(_) => amount::assign_mode(before, text, remarks),
            Self::Amount(rules) => amount::assign(rules, before, text, remarks),
            Self::Text(grammar) => assign_text(*grammar, before, text, remarks),
        }
    }

    /// What the manager publishes; `None` if it has not the shape of the family.
    pub fn from_bus(&self, value: &BusValue) -> Option<Value> {
        match self {
            Self::Switch(_) => match value {
                BusValue::Bool(on) => Some(Value::Switch(*on)),
                BusValue::Text(word) => crate::syntax::boolean(word).map(Value::Switch),
                _ => None,
            },
            Self::Level(rules) => level::from_bus(rules, value),
            Self::Mask(_) => value.as_unsigned().map(Value::Mask),
            Self::Names(_) => names::from_bus(value),
            Self::Calls => calls::from_bus(value),
            Self::Words(rules) => words::from_bus(rules, value),
            Self::Networks(_) => network::from_bus(value),
            Self::Mode(_) => value.as_unsigned().and_then(|bits| u32::try_from(bits).ok()).map(Value::Mode),
            Self::Amount(_) => value.as_unsigned().map(Value::Amount),
            Self::Text(_) => match value {
                BusValue::Text(text) if text.is_empty() => Some(Value::Unset),
                BusValue::Text(text) => Some(Value::Text(text.clone())),
                _ => None,
            },
        }
    }

    /// The value as a unit would write it, shortest form.
    pub fn write(&self, value: &Value) -> String {
        match (self, value) {
            (_, Value::Switch(on)) => if *on { "yes" } else { "no" }.to_owned(),
            (Self::Level(rules), Value::Level(place)) => {
                rules.levels.get(*place).map_or("", |level| level.text).to_owned()
            }
            (Self::Mask(grammar), Value::Mask(bits)) => mask::write(*grammar, *bits),
            (_, Value::Names(filter)) => names::write(filter),
            (_, Value::Calls(filter)) => calls::write(filter),
            (_, Value::Words(words)) => words.join(" "),
            (_, Value::Networks(networks)) => network::write(networks),
            (_, Value::Mode(bits)) => format!("{bits:04o}"),
            (Self::Amount(rules), Value::Amount(number)) => amount::write(rules.unit, *number),
            (Self::Amount(rules), Value::Pair(soft, hard)) => {
                format!("{}:{}", amount::write(rules.unit, *soft), amount::write(rules.unit, *hard))
            }
            (_, Value::Share(percent)) => format!("{percent}%"),
            (_, Value::Text(text)) => text.clone(),
            (_, Value::Unset | Value::Level(_) | Value::Mask(_) | Value::Amount(_) | Value::Pair(..)) => {
                String::new()
            }
        }
    }

    /// How strict `found` is, measured by `wanted`: greater is stricter, `None` cannot be compared.
    pub fn compare(&self, found: &Value, wanted: &Value) -> Option<Ordering> {
        if found == wanted {
            return Some(Ordering::Equal);
        }
        match (self, found, wanted) {
            (Self::Switch(rules), Value::Switch(_) | Value::Unset, Value::Switch(_) | Value::Unset) => {
                let on = |value: &Value| *value == Value::Switch(true);
                directed(rules.order, on(found).cmp(&on(wanted)))
            }
            (Self::Level(rules), Value::Level(found), Value::Level(wanted)) => {
                level::compare(rules, *found, *wanted)
            }
            (Self::Mask(_), Value::Mask(found), Value::Mask(wanted)) => mask::compare(*found, *wanted),
            (Self::Names(_), Value::Names(found), Value::Names(wanted)) => found.compare(wanted),
            (Self::Calls, Value::Calls(found), Value::Calls(wanted)) => found.compare(wanted),
            (Self::Words(rules), Value::Words(found), Value::Words(wanted)) => {
                words::compare(rules, found, wanted)
            }
            (Self::Networks(order), Value::Networks(found), Value::Networks(wanted)) => {
                network::compare(found, wanted).and_then(|ordering| directed(*order, ordering))
            }
            (Self::Mode(order), Value::Mode(found), Value::Mode(wanted)) => {
                bits(u64::from(*found), u64::from(*wanted)).and_then(|ordering| directed(*order, ordering))
            }
            (Self::Amount(rules), Value::Amount(found), Value::Amount(wanted)) => {
                directed(rules.order, found.cmp(wanted))
            }
            (Self::Text(TextGrammar::Identity), found, wanted) => compare_identity(found, wanted),
            (Self::Text(TextGrammar::Root), Value::Unset, Value::Text(_)) => Some(Ordering::Less),
            (Self::Text(TextGrammar::Root), Value::Text(_), Value::Unset) => Some(Ordering::Greater),
            _ => None,
        }
    }
}

/// Turns an order of size into one of strictness.
fn directed(order: Order, ordering: Ordering) -> Option<Ordering> {
    match order {
        Order::MoreIsStricter => Some(ordering),
        Order::MoreIsWeaker => Some(ordering.reverse()),
        Order::Unordered => (ordering == Ordering::Equal).then_some(ordering),
    }
}

/// Which of two bit sets has more, if one contains the other.
fn bits(found: u64, wanted: u64) -> Option<Ordering> {
    match (found & !wanted == 0, wanted & !found == 0) {
        (true, true) => Some(Ordering::Equal),
        (true, false) => Some(Ordering::Less),
        (false, true) => Some(Ordering::Greater),
        (false, false) => None,
    }
}

fn odd(odd: Odd, before: Value, remark: String, remarks: &mut Vec<Remark>) -> Value {
    match odd {
        Odd::Ignored => {
            remarks.push(Remark::Ignored(remark));
            before
        }
        Odd::Refused => {
            remarks.push(Remark::Refused(remark));
            before
        }
        Odd::On => Value::Switch(true),
        Odd::Resets => Value::Unset,
    }
}

/// The answer to an empty assignment.
fn empty(answers: &[(crate::release::Releases, Odd)], context: &Context) -> Odd {
    by_release(answers, context.release).unwrap_or(Odd::Ignored)
}

fn assign_text(grammar: TextGrammar, before: Value, text: &str, remarks: &mut Vec<Remark>) -> Value {
    if text.is_empty() {
        return Value::Unset;
    }
    let problem = match grammar {
        TextGrammar::Identity | TextGrammar::Group => words::bad_user(text),
        TextGrammar::Root => words::bad_root(text),
        TextGrammar::Free | TextGrammar::Path => None,
    };
    match problem {
        Some(problem) => odd(Odd::Refused, before, problem, remarks),
        None if grammar == TextGrammar::Root => Value::Text(words::simplify(text)),
        None => Value::Text(text.to_owned()),
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
