//! Lists of names that either allow or deny: address families, file systems, network interfaces.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::{Remark, Value, file_systems};
use crate::bus_value::BusValue;
use crate::catalogue::NameGrammar;
use crate::context::Context;
use crate::gather::Gather as _;
use crate::release::Release;
use crate::syntax;
use crate::syscalls::{Call, CallSet};

/// Which names pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameFilter {
    /// Whether the names are those that pass, or those that do not.
    pub allows: bool,
    /// The names.
    pub names: BTreeSet<String>,
    /// Whether the next line decides between allowing and denying: after a reset, and after `none`.
    pub open: bool,
    /// Names of which it is not known whether the list has them: a set has them in some releases.
    pub unsure: BTreeSet<String>,
}

impl NameFilter {
    /// A list of no names.
    fn empty(allows: bool, open: bool) -> Self {
        Self { allows, names: BTreeSet::new(), open, unsure: BTreeSet::new() }
    }

    /// No filter at all.
    pub(crate) fn unfiltered() -> Self {
        Self::empty(false, true)
    }

    /// Whether a name passes.
    pub fn passes(&self, name: &str) -> bool {
        self.allows == self.names.contains(name)
    }

    /// The names that pass here and not there, as far as either list names them.
    pub(super) fn excess(&self, other: &Self) -> Vec<String> {
        let named = self.names.union(&other.names);
        named
            .filter(|name| self.passes(name) && !other.passes(name))
            .filter(|name| !self.unsure.contains(*name) && !other.unsure.contains(*name))
            .cloned()
            .collect()
    }

    /// Fewer names that pass are stricter.
    pub(super) fn compare(&self, wanted: &Self) -> Option<Ordering> {
        match (self.within(wanted), wanted.within(self)) {
            (true, true) => Some(Ordering::Equal),
            (true, false) => Some(Ordering::Greater),
            (false, true) => Some(Ordering::Less),
            (false, false) => None,
        }
    }

    /// Whether everything that passes here passes there.
    fn within(&self, other: &Self) -> bool {
        let mut excess = self.names.iter().chain(&other.names).filter(|name| {
            let unsure = self.unsure.contains(*name) || other.unsure.contains(*name);
            !unsure && self.passes(name) && !other.passes(name)
        });
        // A deny list lets names pass that nobody has thought of.
        (self.allows || !other.allows) && excess.next().is_none()
    }

    /// Takes a word of a line up.
    fn take(&mut self, name: &str, inverted: bool) {
        self.unsure.remove(name);
        if self.allows == inverted {
            self.names.remove(name);
        } else {
            self.names.insert(name.to_owned());
        }
    }

    /// Takes up what a word of a line may stand for.
    fn take_unsure(&mut self, name: &str, inverted: bool) {
        // A second word for what is there, or against what is not, changes nothing.
        if (self.allows == inverted) == self.names.contains(name) {
            self.names.remove(name);
            self.unsure.insert(name.to_owned());
        }
    }
}

/// Address families by name (glibc 2.36, bits/socket.h), AF_UNSPEC apart.
static FAMILIES: &[&str] = &[
    "AF_ALG",
    "AF_APPLETALK",
    "AF_ASH",
    "AF_ATMPVC",
    "AF_ATMSVC",
    "AF_AX25",
    "AF_BLUETOOTH",
    "AF_BRIDGE",
    "AF_CAIF",
    "AF_CAN",
    "AF_DECnet",
    "AF_ECONET",
    "AF_IB",
    "AF_IEEE802154",
    "AF_INET",
    "AF_INET6",
    "AF_IPX",
    "AF_IRDA",
    "AF_ISDN",
    "AF_IUCV",
    "AF_KCM",
    "AF_KEY",
    "AF_LLC",
    "AF_MCTP",
    "AF_MPLS",
    "AF_NETBEUI",
    "AF_NETLINK",
    "AF_NETROM",
    "AF_NFC",
    "AF_PACKET",
    "AF_PHONET",
    "AF_PPPOX",
    "AF_QIPCRTR",
    "AF_RDS",
    "AF_ROSE",
    "AF_RXRPC",
    "AF_SECURITY",
    "AF_SMC",
    "AF_SNA",
    "AF_TIPC",
    "AF_UNIX",
    "AF_VSOCK",
    "AF_WANPIPE",
    "AF_X25",
    "AF_XDP",
];

/// Other names for a family.
static FAMILY_ALIASES: &[(&str, &str)] =
    &[("AF_LOCAL", "AF_UNIX"), ("AF_FILE", "AF_UNIX"), ("AF_ROUTE", "AF_NETLINK")];

/// The release from which `RestrictAddressFamilies=none` is read.
const NONE_SINCE: u16 = 249;

/// The release from which an unknown family ends its line, where it was skipped before (262; 261 was not examined).
const UNKNOWN_ENDS_SINCE: u16 = 262;

/// The name that the manager would publish; systemd reads it in any case.
pub(crate) fn family(word: &str) -> Option<&'static str> {
    let alias =
        FAMILY_ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(word)).map(|(_, name)| *name);
    alias.or_else(|| FAMILIES.iter().find(|name| name.eq_ignore_ascii_case(word)).copied())
}

pub(super) fn assign(
    grammar: NameGrammar,
    before: Value,
    text: &str,
    context: &Context,
    remarks: &mut Vec<Remark>,
) -> Value {
    if text.is_empty() {
        return Value::Names(NameFilter::unfiltered());
    }
    let mut filter = match before {
        Value::Names(filter) => filter,
        _ => NameFilter::unfiltered(),
    };
    if grammar == NameGrammar::Families && text == "none" && context.release.major >= NONE_SINCE {
        return Value::Names(NameFilter::empty(true, true));
    }
    let (inverted, list) = match text.strip_prefix('~') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if filter.open {
        filter = NameFilter::empty(!inverted, false);
    }
    let (words, fault) = syntax::words_before_a_fault(list);
    remarks.extend(fault.map(super::not_split));
    for word in words {
        let names = match grammar {
            NameGrammar::Families => {
                if let Some(name) = family(&word) {
                    vec![name.to_owned()]
                } else {
                    let ends = context.release.major >= UNKNOWN_ENDS_SINCE;
                    let rest = if ends { " and the rest of the line with it" } else { "" };
                    let word = word.escape_debug();
                    remarks.push(Remark::Misread(format!(
                        "`{word}` is no address family: it is left out{rest}"
                    )));
                    if ends {
                        break;
                    }
                    continue;
                }
            }
            NameGrammar::FileSystems => file_systems(&word, context.release, &mut filter, inverted, remarks),
            NameGrammar::Calls => calls(&word, context, remarks),
            NameGrammar::Interfaces if !is_interface(&word) => {
                let word = word.escape_debug();
                remarks.push(Remark::Misread(format!("`{word}` is no name of an interface and is left out")));
                continue;
            }
            NameGrammar::Interfaces => vec![word],
        };
        for name in names {
            filter.take(&name, inverted);
        }
    }
    Value::Names(filter)
}

/// The bytes of the longest name of an interface (IFNAMSIZ less the byte that ends it); the longer ones that it may have
/// beside are no names here, as `systemd-analyze verify` of 252 says.
const LONGEST_INTERFACE: usize = 15;

/// What can be the name of a network interface; a number could be its index.
fn is_interface(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b':' | b'/' | b'%');
    syntax::number(name).is_none()
        && name.len() <= LONGEST_INTERFACE
        && !matches!(name, "." | ".." | "all" | "default")
        && name.bytes().all(letter)
}

/// The file systems of a set, or the one of that name; what a set may have goes to the filter at once.
fn file_systems(
    word: &str,
    release: Release,
    filter: &mut NameFilter,
    inverted: bool,
    remarks: &mut Vec<Remark>,
) -> Vec<String> {
    if !word.starts_with('@') {
        if file_systems::is_unknown(word, release) {
            let word = word.escape_debug();
            remarks.push(Remark::Misread(format!(
                "`{word}` is no file system that systemd has a name for, and is left out when the unit starts"
            )));
        }
        return vec![word.to_owned()];
    }
    let Some(members) = file_systems::members(word, release) else {
        let word = word.escape_debug();
        remarks.push(Remark::Misread(format!("`{word}` is no set of file systems and is left out")));
        return Vec::new();
    };
    for name in &members.unsure {
        filter.take_unsure(name, inverted);
    }
    if !members.unsure.is_empty() {
        remarks.push(Remark::NotKnown(format!(
            "whether systemd {release} has {} in `{word}` is not known",
            members.unsure.join(", ")
        )));
    }
    members.sure.into_iter().map(str::to_owned).collect()
}

/// The calls of a set, or the one of that name.
fn calls(word: &str, context: &Context, remarks: &mut Vec<Remark>) -> Vec<String> {
    let is_known = |call: &Call| crate::syscalls::is_known(*call, context.release);
    let found = match word.strip_prefix('@') {
        Some(_) => crate::syscalls::set(word, context.release),
        None => Call::find(word).map(|call| CallSet::from_iter([call])),
    };
    let Some(found) = found.filter(|calls| calls.iter().any(|call| is_known(&call))) else {
        let word = word.escape_debug();
        remarks.push(Remark::Misread(format!("`{word}` is no system call of this release and is left out")));
        return Vec::new();
    };
    found.iter().filter(is_known).map(|call| call.name().to_owned()).collect()
}

pub(super) fn from_bus(value: &BusValue) -> Option<Value> {
    let (allows, names) = filter_parts(value)?;
    let names: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).gather();
    Some(Value::Names(NameFilter { names, ..NameFilter::empty(allows, false) }))
}

/// The parts of `(bas)`.
pub(super) fn filter_parts(value: &BusValue) -> Option<(bool, Vec<&str>)> {
    let BusValue::Tuple(parts) = value else { return None };
    let [BusValue::Bool(allows), BusValue::List(names)] = parts.as_slice() else { return None };
    let names: Option<Vec<&str>> = names.iter().map(BusValue::as_text).collect();
    Some((*allows, names?))
}

pub(super) fn write(filter: &NameFilter) -> String {
    let names = filter.names.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    match (filter.allows, filter.names.is_empty()) {
        (true, true) => "none".to_owned(),
        (false, true) => String::new(),
        (true, false) => names,
        (false, false) => format!("~{names}"),
    }
}
