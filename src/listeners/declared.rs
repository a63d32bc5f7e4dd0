//! What a manifest says a service listens on: `needs.listens`, and its socket units.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::held::Address;
use crate::manifest::Place;
use crate::manifest::words::{Endpoint, Hosts, Listen, Local, Port, Protocol, RulePath};
use crate::ownership::Subject;
use crate::unit_file::{UnitName, expand};

/// A statement of where something listens.
pub(super) struct Declared<'m> {
    /// As the manifest has it.
    pub(super) words: String,
    /// Where it stands.
    pub(super) place: &'m Place,
    /// Who is to listen.
    pub(super) by: By<'m>,
    spots: Spots,
}

/// Who is said to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By<'m> {
    /// The service.
    Service,
    /// A socket unit, by its name without the suffix.
    Socket(&'m str),
}

/// Some places to listen.
enum Spots {
    Everything,
    Net,
    Ip { protocol: Protocol, hosts: Hosts, port: Port },
    Path(String),
    Below(String),
    Abstract(String),
}

/// Everything that is declared for a service. Needs that are off are not.
pub(super) fn declared<'m>(subject: &Subject<'m>) -> Vec<Declared<'m>> {
    let unit = subject.posture.unit.parse().ok();
    let needs = subject.planned.service.needs.listens.iter().filter(|(_, stated)| stated.is_on());
    let own = needs.filter_map(|(endpoint, stated)| {
        let spots = match endpoint {
            Endpoint::Any => Spots::Everything,
            Endpoint::Net => Spots::Net,
            Endpoint::Ip { protocol, hosts, port } => {
                Spots::Ip { protocol: *protocol, hosts: *hosts, port: *port }
            }
            Endpoint::Unix(path) => of_path(path, unit.as_ref())?,
            Endpoint::Abstract(name) => Spots::Abstract(name.clone()),
            Endpoint::Dbus(_) => return None,
        };
        Some(Declared { words: endpoint.to_string(), place: &stated.place, by: By::Service, spots })
    });
    let mut all: Vec<_> = own.collect();
    for (stem, socket) in subject.sockets() {
        let by = By::Socket(stem);
        let bound = socket.listen.iter().filter_map(|listen| {
            let spots = of_listen(&listen.value, unit.as_ref())?;
            Some(Declared { words: listen.value.to_string(), place: &listen.place, by, spots })
        });
        all.extend(bound);
    }
    all
}

fn of_listen(listen: &Listen, unit: Option<&UnitName>) -> Option<Spots> {
    let ip = |protocol, hosts, port| Spots::Ip { protocol, hosts, port: Port::Number(port) };
    Some(match listen {
        Listen::Ip(protocol, address) => ip(*protocol, Hosts::In(address.ip().into()), address.port()),
        Listen::Port(protocol, port) => ip(*protocol, Hosts::Any, *port),
        Listen::Stream(local) | Listen::Datagram(local) | Listen::Sequential(local) => match local {
            Local::Path(path) => of_path(path, unit)?,
            Local::Abstract(name) => Spots::Abstract(name.clone()),
        },
        Listen::Fifo(path) => of_path(path, unit)?,
    })
}

/// Specifiers stand for the instance; nothing where there is none to stand for.
fn of_path(path: &RulePath, unit: Option<&UnitName>) -> Option<Spots> {
    let plain = if path.path().contains('%') {
        let expanded = expand(path.path(), unit?).ok()?;
        expanded.open.is_empty().then(|| expanded.text.into_owned())?
    } else {
        path.path().to_owned()
    };
    Some(if path.is_directory() { Spots::Below(plain) } else { Spots::Path(plain) })
}

impl Declared<'_> {
    /// Whether listening there is what is declared, or less.
    pub(super) fn covers(&self, address: &Address, resolve: &dyn Fn(&str) -> String) -> bool {
        match (&self.spots, address) {
            (Spots::Everything, _) | (Spots::Net, Address::Ip(..)) => true,
            (Spots::Ip { protocol, hosts, port }, Address::Ip(bound, at)) => {
                protocol == bound && holds_port(*port, *at) && holds_host(*hosts, at.ip())
            }
            (Spots::Path(path), Address::Unix(at)) => is_at(path, at, resolve),
            (Spots::Below(folder), Address::Unix(at)) => {
                let (folder, at) = (resolve(folder), resolve(at));
                at.strip_prefix(folder.trim_end_matches('/')).is_some_and(|below| below.starts_with('/'))
            }
            (Spots::Abstract(name), Address::Abstract(at)) => name == at,
            _ => false,
        }
    }

    /// Whether it is about the same port, whatever the address.
    pub(super) fn is_beside(&self, address: &Address) -> bool {
        match (&self.spots, address) {
            (Spots::Ip { protocol, port: Port::Number(port), .. }, Address::Ip(bound, at)) => {
                protocol == bound && *port == at.port()
            }
            _ => false,
        }
    }

    /// Whether something is to listen at one known place.
    pub(super) fn is_exact(&self) -> bool {
        match &self.spots {
            Spots::Ip { port, .. } => matches!(port, Port::Number(_)),
            Spots::Path(_) | Spots::Abstract(_) => true,
            Spots::Everything | Spots::Net | Spots::Below(_) => false,
        }
    }
}

fn holds_port(port: Port, at: SocketAddr) -> bool {
    match port {
        Port::Any => true,
        Port::Number(number) => number == at.port(),
    }
}

/// The address of all addresses holds those of its own family.
fn holds_host(hosts: Hosts, at: IpAddr) -> bool {
    match hosts {
        Hosts::Any => true,
        Hosts::In(net) if net.addr().is_unspecified() => net.addr().is_ipv4() == at.is_ipv4(),
        Hosts::In(IpNet::V4(_)) if at.is_ipv6() => false,
        // Listening at every address is more than any network.
        Hosts::In(net) => !at.is_unspecified() && net.contains(&at),
    }
}

/// Whether a socket bound by this path is the declared one. Of a relative one it is not known below what.
fn is_at(declared: &str, bound: &str, resolve: &dyn Fn(&str) -> String) -> bool {
    if bound.starts_with('/') {
        declared == bound || resolve(declared) == resolve(bound)
    } else {
        let bound = bound.trim_start_matches("./");
        declared.strip_suffix(bound).is_some_and(|folder| folder.ends_with('/'))
    }
}
