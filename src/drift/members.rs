//! By which members two sets differ, named as an administrator would: entries, bits, and of system calls whole sets
//! before single calls.

use crate::catalogue::{Directive, Kind};
use crate::posture::Posture;
use crate::syscalls::libseccomp::Libseccomp;
use crate::syscalls::{self, Call, CallSet};
use crate::value::{CallFilter, Value};

/// The members that only one of two values has.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Members {
    pub(super) only_found: Vec<String>,
    pub(super) only_wanted: Vec<String>,
}

pub(super) fn of(directive: &Directive, found: &Value, wanted: &Value, posture: &Posture) -> Members {
    match (&directive.kind, found, wanted) {
        // Between a list that allows and one that denies lies every call there is.
        (Kind::Calls, Value::Calls(ours), Value::Calls(theirs)) if same_sense(found, wanted) => {
            calls(ours, theirs, posture)
        }
        (kind, ..) => {
            Members { only_found: kind.excess(found, wanted), only_wanted: kind.excess(wanted, found) }
        }
    }
}

/// Whether two filters of system calls both allow, or both deny, so that their members say all.
pub(super) fn same_sense(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Calls(found), Value::Calls(wanted)) => {
            !found.is_unfiltered() && !wanted.is_unfiltered() && found.allows == wanted.allows
        }
        _ => false,
    }
}

fn calls(found: &CallFilter, wanted: &CallFilter, posture: &Posture) -> Members {
    let release = posture.context.release;
    // A manager leaves out the calls that its library does not know, and names the others as the library does; a call
    // that the library to assume does not know either is no difference.
    let library = Libseccomp::shipped_with(release);
    let published = |calls: &CallSet| library.published(calls, posture.context.architecture);
    let common = published(&library.known());
    let passing = |filter: &CallFilter| {
        let listed = published(&filter.calls).intersection(&common);
        if filter.allows { listed } else { common.difference(&listed) }
    };
    let (here, there) = (passing(found), passing(wanted));
    let mut members = Members {
        only_found: grouped(&here.difference(&there), &here, posture),
        only_wanted: grouped(&there.difference(&here), &there, posture),
    };
    // Names that no table has come from a manager that is newer than the tables.
    let unknown = |some: &CallFilter, others: &CallFilter| {
        some.unknown.difference(&others.unknown).cloned().collect::<Vec<_>>()
    };
    let (ours, theirs) = (unknown(found, wanted), unknown(wanted, found));
    let (more, less) = if found.allows { (ours, theirs) } else { (theirs, ours) };
    members.only_found.extend(more);
    members.only_wanted.extend(less);
    members
}

/// `rest` as sets and single calls: a set stands for its members where all of it is in `passing` and most of it in
/// `rest`, the one that says most first.
fn grouped(rest: &CallSet, passing: &CallSet, posture: &Posture) -> Vec<String> {
    if rest.is_empty() {
        return Vec::new();
    }
    let release = posture.context.release;
    let known = syscalls::known(release);
    let mut candidates: Vec<(&str, CallSet)> = syscalls::sets(release)
        .into_iter()
        .filter(|name| *name != "@known")
        .filter_map(|name| Some((name, known.intersection(&syscalls::set(name, release)?))))
        .filter(|(_, set)| set.is_subset(passing))
        .collect();
    let mut rest = *rest;
    let mut names = Vec::new();
    while !rest.is_empty() {
        let weight = |set: &CallSet| set.intersection(&rest).len();
        candidates.retain(|(_, set)| weight(set) > 1 && 2 * weight(set) > set.len());
        // Of two that say as much, the first by systemd's order.
        let best = candidates.iter().rev().max_by_key(|(_, set)| weight(set));
        let Some((name, set)) = best else { break };
        names.push((*name).to_owned());
        rest = rest.difference(set);
    }
    names.extend(rest.iter().map(Call::name).map(str::to_owned));
    names
}
