//! What a running unit listens on, against what its manifest declares in `needs.listens` and `[sockets]`.
//!
//! Counted are sockets of the unit's processes that wait for whoever comes: listening TCP, UDP that is bound and not
//! connected, listening local ones and local datagrams with a name; and what the manager holds for its socket units. A
//! UDP port of the range that the kernel gives to clients (`net.ipv4.ip_local_port_range`) counts only where a
//! declaration names that port: nothing else tells a client's socket from a server's. Whether a socket of IPv6 takes
//! IPv4 along is not told by the kernel's tables, so `[::]` is never what a declared IPv4 address is.
//!
//! Owner, group and mode of local sockets are paths', and so [`crate::ownership`]'s.
//!
//! Ids: `listener.undeclared`, `listener.missing`, `listener.not-known`.

mod declared;
mod diag;
mod families;
mod held;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use declared::{By, Declared, declared};
pub(crate) use families::Families;
pub(crate) use held::{Address, Held, Holder, SocketUnit, Sockets};

use crate::finding::Finding;
use crate::manifest::Place;
use crate::manifest::words::Protocol;
use crate::ownership::{Activity, Subject};

/// What is listened on without a declaration, and what is not although it is declared. `resolve` follows the links of a
/// path as the unit sees it.
pub(crate) fn judge(subject: &Subject<'_>, held: &Held, resolve: &dyn Fn(&str) -> String) -> Vec<Finding> {
    let declared = declared(subject);
    let mut findings = undeclared(subject, held, &declared, resolve);
    findings.extend(missing(subject, held, &declared, resolve));
    findings.extend(held.hidden.as_ref().map(|hidden| not_known(hidden)));
    findings
}

/// That what is listened on is not known.
pub(crate) fn not_known(why: &str) -> Finding {
    let text = format!("what the unit listens on was not compared with the manifest: {why}; root can");
    Finding::notice("listener.not-known", text)
}

/// One finding for a port, however many addresses of it are bound.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Thing<'h> {
    Port(Protocol, u16),
    Other(&'h Address),
}

impl<'h> From<&'h Address> for Thing<'h> {
    fn from(address: &'h Address) -> Self {
        match address {
            Address::Ip(protocol, at) => Self::Port(*protocol, at.port()),
            Address::Unix(_) | Address::Abstract(_) => Self::Other(address),
        }
    }
}

fn undeclared(
    subject: &Subject<'_>,
    held: &Held,
    declared: &[Declared<'_>],
    resolve: &dyn Fn(&str) -> String,
) -> Vec<Finding> {
    let counts = |address: &&Address| match address {
        Address::Ip(Protocol::Udp, at) if held.ephemeral.contains(&at.port()) => {
            declared.iter().any(|declared| declared.is_beside(address))
        }
        _ => true,
    };
    let is_declared = |address: &&Address| declared.iter().any(|declared| declared.covers(address, resolve));
    let mut things: BTreeMap<Thing<'_>, Vec<(&Address, &Holder)>> = BTreeMap::new();
    let extra = held.by_address.iter().filter(|(address, _)| counts(address) && !is_declared(address));
    for (address, holder) in extra {
        things.entry(Thing::from(address)).or_default().push((address, holder));
    }
    let told = |found: Vec<(&Address, &Holder)>| {
        let (first, holder) = found.first()?;
        let beside: Vec<_> = declared.iter().filter(|declared| declared.is_beside(first)).collect();
        let place = beside.first().map_or(&subject.planned.service.place, |declared| declared.place);
        let finding = Finding::new("listener.undeclared", text(&found, holder, &beside));
        Some(Finding { place: Some(at(place)), ..finding.of(first.to_string()) })
    };
    things.into_values().filter_map(told).collect()
}

fn text(found: &[(&Address, &Holder)], holder: &Holder, beside: &[&Declared<'_>]) -> String {
    let names = |names: Vec<String>| names.join(" and ");
    let addresses = names(found.iter().map(|(address, _)| format!("`{address}`")).collect());
    let takes_both = |(address, _): &(&Address, &Holder)| matches!(address, Address::Ip(_, SocketAddr::V6(at)) if at.ip().is_unspecified());
    let both = if found.iter().any(takes_both) {
        ", which takes every IPv4 address along unless it is bound to IPv6 alone,"
    } else {
        ""
    };
    let way_out = match holder {
        Holder::Process(..) => "bind it as declared, or declare it in `needs.listens`",
        Holder::Unit(_) => "bind it as declared, or declare it in `sockets`",
    };
    if beside.is_empty() {
        format!("{holder} listens on {addresses}{both} and nothing declares it: {way_out}")
    } else {
        let declared = names(beside.iter().map(|declared| format!("`{}`", declared.words)).collect());
        format!("{holder} listens on {addresses}{both} and declared is {declared}: {way_out}")
    }
}

/// A service may bind late, and a socket unit may be left out, so this is to be known and no more.
fn missing<'a>(
    subject: &'a Subject<'_>,
    held: &'a Held,
    declared: &'a [Declared<'_>],
    resolve: &'a dyn Fn(&str) -> String,
) -> impl Iterator<Item = Finding> + 'a {
    let is_looked_at = |declared: &&Declared<'_>| match declared.by {
        By::Service => subject.activity == Activity::Active && held.processes > 0 && held.hidden.is_none(),
        By::Socket(stem) => held.units.iter().any(|unit| unit.name.strip_suffix(".socket") == Some(stem)),
    };
    // Where the port is bound at another address, that is told.
    let is_held = |declared: &&Declared<'_>| {
        held.by_address.keys().any(|at| declared.is_beside(at) || declared.covers(at, resolve))
    };
    let missing = declared.iter().filter(|declared| declared.is_exact());
    missing.filter(is_looked_at).filter(move |declared| !is_held(declared)).map(|declared| {
        let text = match declared.by {
            By::Service => format!("the service runs and does not listen on `{}`", declared.words),
            By::Socket(stem) => {
                format!("{stem}.socket does not listen on `{}`: is it started?", declared.words)
            }
        };
        let finding = Finding::notice("listener.missing", text).of(declared.words.clone());
        Finding { place: Some(at(declared.place)), ..finding }
    })
}

fn at(place: &Place) -> (Arc<str>, Option<u32>) {
    (Arc::clone(&place.file), Some(place.line))
}
