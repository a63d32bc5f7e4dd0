//! Lists of system calls that either allow or deny.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::{NameFilter, Remark, Value, errno, names};
use crate::bus_value::BusValue;
use crate::context::Context;
use crate::release::{Range, covers};
use crate::syntax;
use crate::syscalls::{Call, CallSet};

/// Which calls pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallFilter {
    /// Whether the list holds what passes, or what does not.
    pub allows: bool,
    /// The calls of the list.
    pub calls: CallSet,
    /// Names of the list that no table knows: what a newer manager publishes.
    pub unknown: BTreeSet<String>,
    /// What happens to single calls instead of the unit's own answer. In an allow list these are denied.
    pub actions: BTreeMap<Call, Action>,
    /// Whether the next line decides between allowing and denying.
    pub open: bool,
}

/// What a denied call comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The process is killed.
    Kill,
    /// The call fails with this error, a name or a number.
    Fail(String),
}

impl Action {
    /// Whether it is one that the unit reader takes: no name that merely looks like an error's.
    fn is_read(&self, context: &Context) -> bool {
        match self {
            Self::Kill => true,
            // Zero is one of a single call's answers, and none of the unit's own.
            Self::Fail(error) => errno::number(error) == Some(0) || errno::read(error, context).is_some(),
        }
    }
}

impl CallFilter {
    /// No filter at all.
    pub(crate) fn unfiltered() -> Self {
        Self {
            allows: false,
            calls: CallSet::default(),
            unknown: BTreeSet::new(),
            actions: BTreeMap::new(),
            open: true,
        }
    }

    /// Whether nothing is denied.
    pub fn is_unfiltered(&self) -> bool {
        !self.allows && self.calls.is_empty() && self.unknown.is_empty()
    }

    /// Fewer calls that pass are stricter.
    pub(super) fn compare(&self, wanted: &Self) -> Option<Ordering> {
        match (self.within(wanted), wanted.within(self)) {
            (true, true) => Some(Ordering::Equal),
            (true, false) => Some(Ordering::Greater),
            (false, true) => Some(Ordering::Less),
            (false, false) => None,
        }
    }

    /// Whether every call that passes here passes there.
    pub fn within(&self, other: &Self) -> bool {
        let rest = |filter: &Self| NameFilter {
            allows: filter.allows,
            names: filter.unknown.clone(),
            ..NameFilter::unfiltered()
        };
        let known = match (self.allows, other.allows) {
            (true, true) => self.calls.is_subset(&other.calls),
            (true, false) => self.calls.is_disjoint(&other.calls),
            (false, false) => other.calls.is_subset(&self.calls),
            (false, true) => false,
        };
        known && rest(self).compare(&rest(other)).is_some_and(|ordering| ordering != Ordering::Less)
    }

    fn put(&mut self, calls: &CallSet, action: Option<&Action>) {
        if let Some(action) = action {
            // In an allow list, an entry with an answer of its own is denied (systemd 248 on).
            self.calls = if self.allows { self.calls.difference(calls) } else { self.calls.union(calls) };
            self.actions.extend(calls.iter().map(|call| (call, action.clone())));
        } else {
            self.calls = self.calls.union(calls);
            self.actions.retain(|call, _| !calls.contains(*call));
        }
    }

    fn take(&mut self, calls: &CallSet) {
        self.calls = self.calls.difference(calls);
        self.actions.retain(|call, _| !calls.contains(*call));
    }
}

/// Releases that skip an entry with an answer of its own in a plain line, and take `~` ones in an allow list.
const ANSWERS: &[Range] = &[Range::since(248)];

pub(super) fn assign(before: Value, text: &str, context: &Context, remarks: &mut Vec<Remark>) -> Value {
    if text.is_empty() {
        return Value::Calls(Box::new(CallFilter::unfiltered()));
    }
    let mut filter = match before {
        Value::Calls(filter) => filter,
        _ => Box::new(CallFilter::unfiltered()),
    };
    let (inverted, list) = match text.strip_prefix('~') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if filter.open {
        *filter = CallFilter { allows: !inverted, open: false, ..CallFilter::unfiltered() };
        if filter.allows
            && let Some(always) = crate::syscalls::set("@default", context.release)
        {
            filter.calls = always;
        }
    }
    let (items, fault) = syntax::words_before_a_fault(list);
    remarks.extend(fault.map(super::not_split));
    for item in items {
        assign_item(&mut filter, inverted, &item, context, remarks);
    }
    Value::Calls(filter)
}

fn assign_item(
    filter: &mut CallFilter,
    inverted: bool,
    item: &str,
    context: &Context,
    remarks: &mut Vec<Remark>,
) {
    let quoted = item.escape_debug();
    let (name, action) = match item.split_once(':') {
        None => (item, None),
        Some((name, answer)) => {
            if let Some(action) = read_action(answer).filter(|action| action.is_read(context)) {
                (name, Some(action))
            } else {
                remarks.push(Remark::Ignored(format!(
                    "`{quoted}` has no error number or `kill` after its colon"
                )));
                return;
            }
        }
    };
    if action.is_some() && !inverted && covers(ANSWERS, context.release) {
        remarks.push(Remark::Ignored(format!("`{quoted}` is allowed, so it can have no answer of its own")));
        return;
    }
    let members = if name.starts_with('@') {
        crate::syscalls::set(name, context.release)
    } else {
        Call::find(name)
            .filter(|call| crate::syscalls::is_known(*call, context.release))
            .map(|call| CallSet::from_iter([call]))
    };
    let Some(members) = members else {
        let what = if name.starts_with('@') { "set of system calls" } else { "system call" };
        remarks.push(Remark::Misread(format!("`{quoted}` is no {what} of this release and is left out")));
        return;
    };
    let denies_in_allow_list =
        inverted && filter.allows && action.is_some() && covers(ANSWERS, context.release);
    if filter.allows != inverted || denies_in_allow_list {
        filter.put(&members, action.as_ref());
    } else {
        filter.take(&members);
    }
}

/// `kill`, an error's name, or a number from 0 to 4095.
fn read_action(text: &str) -> Option<Action> {
    if text == "kill" {
        return Some(Action::Kill);
    }
    let number = errno::number(text).is_some_and(|number| number <= 4095);
    let name = text.len() > 1
        && text.starts_with(['E', 'e'])
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (number || name).then(|| Action::Fail(text.to_owned()))
}

pub(super) fn from_bus(value: &BusValue) -> Option<Value> {
    let (allows, names) = names::filter_parts(value)?;
    let mut filter = CallFilter { allows, open: false, ..CallFilter::unfiltered() };
    for item in names {
        let (name, action) = match item.split_once(':') {
            Some((name, answer)) => (name, read_action(answer)),
            None => (item, None),
        };
        match Call::find(name) {
            Some(call) => filter.put(&CallSet::from_iter([call]), action.as_ref()),
            None => {
                filter.unknown.insert(name.to_owned());
            }
        }
    }
    Some(Value::Calls(Box::new(filter)))
}

pub(super) fn write(filter: &CallFilter) -> String {
    if filter.is_unfiltered() {
        return String::new();
    }
    let count = filter.calls.len() + filter.unknown.len();
    format!("{} list of {count} calls", if filter.allows { "allow" } else { "deny" })
}
