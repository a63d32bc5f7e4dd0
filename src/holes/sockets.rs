//! Socket units that every address reaches.

use std::iter;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::{Declared, Place, severity};
use crate::bus::Properties;
use crate::bus_value::BusValue;
use crate::catalogue::{self, Directive};
use crate::finding::Finding;
use crate::manifest::words::{Listen, SourceFilter};
use crate::need::Need;
use crate::posture::Posture;
use crate::release::Release;
use crate::unit_file::UnitText;
use crate::value::Value;
use crate::visible::shown_path;

/// A socket unit that starts a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Its name.
    pub unit: String,
    /// What it binds to every address: the port.
    pub open: Vec<Port>,
    /// Whether a filter of its own decides who may come.
    pub filter: Filter,
}

/// A port bound to every address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its number.
    pub number: u16,
    /// Where it stands.
    pub place: Option<Place>,
}

/// Who may come to a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Anybody.
    None,
    /// Whom an IP filter lets.
    Some,
}

/// The keys of sockets that take an address, and what the manager calls them.
const KEYS: [(&str, &str); 3] = [
    ("ListenStream", "Stream"),
    ("ListenDatagram", "Datagram"),
    ("ListenSequentialPacket", "SequentialPacket"),
];

impl Socket {
    /// The property of what a socket unit binds, as pairs of kind and address.
    pub const LISTEN: &str = "Listen";

    /// That of a socket unit's files and its posture.
    pub fn of_files(text: &UnitText, posture: &Posture) -> Self {
        let mut open: Vec<Port> = Vec::new();
        for assignment in text.assignments.iter().filter(|assignment| assignment.section == "Socket") {
            // An empty one of any of them clears all (systemd 262, `config_parse_socket_listen`).
            if assignment.key.starts_with("Listen") && assignment.value.is_empty() {
                open.clear();
            }
            if KEYS.iter().any(|(key, _)| *key == assignment.key)
                && let Some(number) = open_port(&assignment.value)
            {
                let place = (Arc::from(shown_path(&assignment.source)), Some(assignment.line));
                open.push(Port { number, place: Some(place) });
            }
        }
        Self { unit: text.id.as_str().to_owned(), open, filter: filter(posture) }
    }

    /// The properties of a loaded socket unit that it is read from, of those that the release has.
    pub fn properties(release: Release) -> Vec<&'static str> {
        let closing = catalogue::all().iter().copied().filter(closes);
        let rows = closing.flat_map(|row| iter::once(row).chain(exceptions(row)));
        let known = rows.filter(|row| row.is_known_to(release));
        known.flat_map(Directive::properties).copied().chain([Self::LISTEN]).collect()
    }

    /// That of a loaded socket unit's properties and their posture.
    pub fn of_properties(unit: &str, properties: &Properties, posture: &Posture) -> Self {
        let published = properties.get(Self::LISTEN).and_then(BusValue::members).unwrap_or_default();
        let open = published.iter().filter_map(|pair| {
            let [kind, address] = pair.members()? else { return None };
            KEYS.iter().find(|(_, name)| Some(*name) == kind.as_text())?;
            Some(Port { number: open_port(address.as_text()?)?, place: None })
        });
        Self { unit: unit.to_owned(), open: open.collect(), filter: filter(posture) }
    }
}

/// The port of an address that is every address of the machine; a bare port is (systemd.socket(5)).
fn open_port(text: &str) -> Option<u16> {
    if let Ok(port) = text.parse() {
        return Some(port);
    }
    // An interface may stand behind it: `[::]:80%eth0`.
    let address: SocketAddr = text.split('%').next()?.parse().ok()?;
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Some(address.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => Some(address.port()),
        _ => None,
    }
}

/// Whether a row that closes a socket for all but known addresses is on.
fn filter(posture: &Posture) -> Filter {
    let lets_all = |row: &'static Directive| {
        exceptions(row).any(|other| {
            let networks = &posture.get(other).value;
            matches!(networks, Value::Networks(networks) if networks.iter().any(|net| net.prefix_len() == 0))
        })
    };
    let mut rows = catalogue::all().iter().copied().filter(closes);
    if rows.any(|row| posture.is_on(row) && !lets_all(row)) { Filter::Some } else { Filter::None }
}

/// Whether a row closes a socket for all but known addresses.
fn closes(row: &&Directive) -> bool {
    row.beside.is_none() && row.yields.iter().any(|offer| offer.to == Need::AcceptsFrom)
}

/// The rows that let addresses in nevertheless.
fn exceptions(row: &'static Directive) -> impl Iterator<Item = &'static Directive> {
    catalogue::all().iter().copied().filter(move |other| other.beside == Some(row))
}

/// Ports that every address reaches, of sockets that start the service.
pub(super) fn open<'a>(
    sockets: &'a [Socket],
    declared: Option<Declared<'a>>,
) -> impl Iterator<Item = Finding> + 'a {
    let open = sockets.iter().filter(|socket| socket.filter == Filter::None);
    open.flat_map(move |socket| socket.open.iter().map(move |port| (socket, port)))
        .filter(move |(socket, port)| !declared.is_some_and(|declared| declares(declared, socket, port.number)))
        .map(move |(socket, port)| {
            let Port { number, place } = port;
            let text = format!(
                "{} takes connections to port {number} from every address: give it an address, or IPAddressDeny=",
                socket.unit
            );
            Finding {
                severity: severity(declared),
                place: place.clone(),
                ..Finding::new("hole.open-socket", text).of(format!("{} {number}", socket.unit))
            }
        })
}

/// Whether the manifest itself binds the port to every address, and lets every address in.
fn declares(declared: Declared<'_>, socket: &Socket, number: u16) -> bool {
    let mut sockets = declared.manifest.sockets.iter();
    let named = sockets.find(|(stem, _)| socket.unit.strip_suffix(".socket") == Some(stem.as_str()));
    named.is_some_and(|(_, socket)| {
        let lets_all = socket.from.is_empty() || socket.from.keys().any(|from| *from == SourceFilter::Any);
        lets_all
            && socket.listen.iter().any(|listen| match &listen.value {
                Listen::Port(_, port) => *port == number,
                Listen::Ip(_, address) => open_port(&address.to_string()) == Some(number),
                Listen::Stream(_) | Listen::Datagram(_) | Listen::Sequential(_) | Listen::Fifo(_) => false,
            })
    })
}
