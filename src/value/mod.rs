//! What a directive can be worth, and the four operations of every family of values: assign a line, read a bus
//! value, write it as text, compare two. Nothing else knows the families.

mod amount;
mod calls;
mod entry;
mod errno;
mod file_systems;
mod flags;
mod level;
mod mask;
mod names;
mod network;
mod numbers;
mod parts;
mod published;
#[cfg(test)]
mod tests;
mod text;
mod words;

use std::borrow::Cow;
use std::cmp::Ordering;

pub use calls::{Action, CallFilter};
pub(crate) use entry::{is_base64, is_variable, place as entry_place};
pub(crate) use mask::{ALL_CAPABILITIES, bit, bits_of, capabilities, unset as unset_mask};
pub use names::NameFilter;
pub(crate) use text::is_bus_name;
pub use words::key as entry_name;
pub(crate) use words::replaces_by_name;

use crate::bus_value::BusValue;
use crate::catalogue::{Kind, Odd, Order, by_release};
use crate::context::Context;
use crate::unit_file::WordFault;
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
    /// A part of what the host has, in hundredths of a percent (memory, tasks): known only there.
    Share(u64),
    /// A text.
    Text(String),
}

/// What the properties of a directive say.
#[derive(Clone, Debug, PartialEq)]
pub enum Published {
    /// Its value.
    As(Value),
    /// A part of it, which several lines of a unit come to, so that it can be told from none of them.
    InPart,
    /// Nothing that systemd 240 to 262 publishes for it.
    Odd,
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
    /// What systemd makes of a part of it is not known here.
    NotKnown(String),
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
            Self::Text(grammar) => text::assign(*grammar, before, text, context, remarks),
        }
    }

    /// What the manager publishes: one property, or those that belong together ([`crate::catalogue::Bus`]).
    pub fn from_bus(&self, published: &[&BusValue], context: &Context) -> Published {
        let Some((first, _)) = published.split_first() else { return Published::Odd };
        let value = match self {
            Self::Switch(_) => match first {
                BusValue::Bool(on) => Some(Value::Switch(*on)),
                BusValue::Text(word) => crate::syntax::boolean(word).map(Value::Switch),
                _ => None,
            },
            Self::Level(rules) => level::from_bus(rules, first),
            Self::Mask(_) => first.as_unsigned().map(Value::Mask),
            Self::Names(_) => names::from_bus(first),
            Self::Calls => calls::from_bus(first),
            Self::Words(rules) => words::from_bus(rules, published),
            Self::Networks(_) => network::from_bus(first),
            Self::Mode(_) => first.as_unsigned().and_then(|bits| u32::try_from(bits).ok()).map(Value::Mode),
            Self::Amount(rules) => amount::from_bus(rules, published),
            Self::Text(grammar) => return text::from_bus(*grammar, published, context),
        };
        value.map_or(Published::Odd, Published::As)
    }

    /// The value as a unit would write it, shortest form.
    pub fn write(&self, value: &Value) -> String {
        self.word(value).into_owned()
    }

    /// The same, without a copy where the value is one word.
    pub(crate) fn word<'v>(&self, value: &'v Value) -> Cow<'v, str> {
        match (self, value) {
            (_, Value::Switch(on)) => Cow::Borrowed(if *on { "yes" } else { "no" }),
            (Self::Level(rules), Value::Level(place)) => {
                Cow::Borrowed(rules.levels.get(*place).map_or("", |level| level.text))
            }
            (_, Value::Text(text)) => Cow::Borrowed(text),
            _ => Cow::Owned(self.written(value)),
        }
    }

    fn written(&self, value: &Value) -> String {
        match (self, value) {
            (Self::Mask(grammar), Value::Mask(bits)) => mask::write(*grammar, *bits),
            (_, Value::Names(filter)) => names::write(filter),
            (_, Value::Calls(filter)) => calls::write(filter),
            (Self::Words(rules), Value::Words(entries)) => words::write(rules, entries),
            (_, Value::Networks(networks)) => network::write(networks),
            (_, Value::Mode(bits)) => format!("{bits:04o}"),
            (Self::Amount(rules), Value::Amount(number)) => amount::write(rules.unit, *number),
            (Self::Amount(rules), Value::Pair(soft, hard)) => {
                format!("{}:{}", amount::write(rules.unit, *soft), amount::write(rules.unit, *hard))
            }
            (_, Value::Share(share)) => amount::write_share(*share),
            (
                _,
                Value::Unset
                | Value::Switch(_)
                | Value::Level(_)
                | Value::Mask(_)
                | Value::Words(_)
                | Value::Amount(_)
                | Value::Pair(..)
                | Value::Text(_),
            ) => String::new(),
        }
    }

    /// The members of one list or set that another one has not, each as a unit would write it: bits, names that pass,
    /// entries and networks that nothing else covers. Of system calls and of what has no members, nothing.
    pub fn excess(&self, some: &Value, others: &Value) -> Vec<String> {
        match (self, some, others) {
            (Self::Mask(grammar), Value::Mask(some), Value::Mask(others)) => {
                mask::members(*grammar, some & !others)
            }
            (Self::Names(_), Value::Names(some), Value::Names(others)) => some.excess(others),
            (Self::Words(rules), Value::Words(some), Value::Words(others)) => {
                words::excess(rules, some, others).cloned().collect()
            }
            (Self::Networks(_), Value::Networks(some), Value::Networks(others)) => {
                let text = network::write(&network::excess(some, others));
                text.split_ascii_whitespace().map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }

    /// How strict `found` is, measured by `wanted`: greater is stricter, `None` cannot be compared.
    pub fn compare(&self, found: &Value, wanted: &Value) -> Option<Ordering> {
        if found == wanted {
            return Some(Ordering::Equal);
        }
        match (self, found, wanted) {
            // What nothing asks for is the manager's own, whatever that is.
            (Self::Level(_) | Self::Mask(_) | Self::Amount(_), _, Value::Unset) => Some(Ordering::Equal),
            (Self::Switch(rules), _, Value::Unset) if rules.order == Order::Unordered => {
                Some(Ordering::Equal)
            }
            (Self::Switch(rules), Value::Switch(_) | Value::Unset, Value::Switch(_) | Value::Unset) => {
                let on = |value: &Value| *value == Value::Switch(true);
                directed(rules.order, on(found).cmp(&on(wanted)))
            }
            (Self::Level(rules), Value::Level(found), Value::Level(wanted)) => {
                level::compare(rules, *found, *wanted)
            }
            (Self::Mask(grammar), Value::Mask(found), Value::Mask(wanted)) => {
                mask::compare(*grammar, *found, *wanted)
            }
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
            (Self::Amount(rules), found, wanted) => amount::compare(rules, found, wanted),
            (Self::Text(grammar), found, wanted) => text::compare(*grammar, found, wanted),
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

/// What systemd says of the end of a text that it cannot split into words.
fn not_split(fault: WordFault) -> Remark {
    Remark::Ignored(format!("the rest of the line is ignored: {fault}"))
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
