//! What is listened on: sockets that processes hold, from /proc/PID/fd and the tables of their networks (proc_pid_net(5)),
//! and those that a manager holds for a service, from what it says of its socket units.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::Path;

use anyhow::Context as _;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use rustix::fs::{Mode, OFlags, openat};

use super::diag::{Family, listening};
use crate::bus_value::BusValue;
use crate::gather::Gather as _;
use crate::manifest::words::Protocol;
use crate::process::read_text;

/// Where somebody waits to be called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Address {
    /// Over IP; an IPv4 address mapped into IPv6 is an IPv4 address.
    Ip(Protocol, SocketAddr),
    /// A socket or FIFO with a path, relative where it was bound by a relative one.
    Unix(String),
    /// A socket in the abstract name space, without the `@`.
    Abstract(String),
}

/// Who listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// A process, by its number and what it calls itself.
    Process(u32, String),
    /// The manager, for a socket unit of this name.
    Unit(String),
}

/// A socket unit as its manager has it.
#[derive(Clone, Debug)]
pub(crate) struct SocketUnit {
    /// Its name.
    pub(crate) name: String,
    /// Whether its sockets are open.
    pub(crate) is_active: bool,
    /// What it binds, kinds that no manifest declares left out: netlink, message queues, USB, VM sockets.
    pub(crate) addresses: BTreeSet<Address>,
}

/// What was found to be listened on for a unit.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// Each address with its first holder.
    pub(crate) by_address: BTreeMap<Address, Holder>,
    /// How many processes were looked at.
    pub(crate) processes: usize,
    /// Why what some process holds is not known.
    pub(crate) hidden: Option<String>,
    /// The ports that the kernel gives to sockets without one (`net.ipv4.ip_local_port_range`).
    pub(crate) ephemeral: RangeInclusive<u16>,
    /// The socket units that were asked about.
    pub(crate) units: Vec<SocketUnit>,
}

/// The sockets of a kernel, below /proc or a directory like it.
#[derive(Debug)]
pub(crate) struct Sockets {
    pub(super) proc: Dir,
}

/// What Linux has where nobody changes it.
const EPHEMERAL: RangeInclusive<u16> = 32_768..=60_999;

/// Listening, of TCP; unconnected, of UDP (include/net/tcp_states.h); and what else the kernel is asked for the same by.
const IP_TABLES: [(&str, Protocol, &str, Option<Family>); 4] = [
    ("tcp", Protocol::Tcp, "0A", Some(Family::V4)),
    ("tcp6", Protocol::Tcp, "0A", Some(Family::V6)),
    ("udp", Protocol::Udp, "07", None),
    ("udp6", Protocol::Udp, "07", None),
];

impl Sockets {
    /// Opens `path`, which is /proc but for tests.
    pub(crate) fn open(path: impl AsRef<Path>) -> anyhow::Result<Self> {
        let path = path.as_ref();
        let proc = Dir::open_ambient_dir(path, ambient_authority())
            .with_context(|| format!("cannot open `{}`", path.display()))?;
        Ok(Self { proc })
    }

    /// What these processes and the active ones of these socket units listen on. A process that ends while it is
    /// looked at holds nothing.
    pub(crate) fn held(&self, processes: &[u32], units: Vec<SocketUnit>) -> Held {
        let mut held = Held {
            by_address: BTreeMap::new(),
            processes: 0,
            hidden: None,
            ephemeral: self.ephemeral().unwrap_or(EPHEMERAL),
            units,
        };
        for unit in held.units.iter().filter(|unit| unit.is_active) {
            for address in &unit.addresses {
                held.by_address.insert(address.clone(), Holder::Unit(unit.name.clone()));
            }
        }
        // What the manager passed on was made in its own network, whatever network the process lives in.
        let mut networks = BTreeSet::new();
        let mut tables = BTreeMap::new();
        if let Ok(manager) = self.proc.open_dir("1") {
            networks.extend(network(&manager));
            self.read_tables(&manager, &mut tables);
        }
        let mut holders: Vec<(u32, BTreeSet<u64>)> = Vec::new();
        for pid in processes {
            let Ok(dir) = self.proc.open_dir(pid.to_string()) else { continue };
            let inodes = match inodes(&dir) {
                Ok(inodes) => inodes,
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    held.hidden.get_or_insert_with(|| format!("what process {pid} holds: {error}"));
                    continue;
                }
                Err(_) => continue,
            };
            held.processes += 1;
            if inodes.is_empty() {
                continue;
            }
            // One whose network has no number is asked for its own tables.
            if network(&dir).is_none_or(|network| networks.insert(network)) {
                self.read_tables(&dir, &mut tables);
            }
            holders.push((*pid, inodes));
        }
        for (pid, inodes) in holders {
            let addresses = inodes.iter().filter_map(|inode| tables.get(inode));
            for address in addresses {
                let name = || text(&self.proc, &format!("{pid}/comm")).unwrap_or_default();
                let holder = || Holder::Process(pid, name().trim_end_matches('\n').to_owned());
                held.by_address.entry(address.clone()).or_insert_with(holder);
            }
        }
        held
    }

    /// What is listened on in the network of a process, by the socket's inode number.
    fn read_tables(&self, dir: &Dir, tables: &mut BTreeMap<u64, Address>) {
        // Without these this is no kernel's own /proc.
        let own = self.proc.open_dir("self").ok().and_then(|own| network(&own));
        let its = own.as_ref().and_then(|_| network(dir));
        let elsewhere = (its != own).then(|| namespace(dir)).flatten();
        let is_asked = its.is_some() && (its == own || elsewhere.is_some());
        for (file, protocol, state, family) in IP_TABLES {
            let address = |(inode, address)| (inode, Address::Ip(protocol, canonical(address)));
            let listed =
                family.filter(|_| is_asked).and_then(|family| listening(family, elsewhere.as_ref()).ok());
            if let Some(listed) = listed {
                tables.extend(listed.into_iter().map(address));
            } else {
                let table = text(dir, &format!("net/{file}")).unwrap_or_default();
                tables.extend(table.lines().skip(1).filter_map(|line| ip_row(line, state)).map(address));
            }
        }
        let table = text(dir, "net/unix").unwrap_or_default();
        tables.extend(table.lines().skip(1).filter_map(unix_row));
    }

    fn ephemeral(&self) -> Option<RangeInclusive<u16>> {
        let text = text(&self.proc, "sys/net/ipv4/ip_local_port_range")?;
        let mut ports = text.split_ascii_whitespace().map_while(|port| port.parse().ok());
        Some(ports.next()?..=ports.next()?)
    }
}

impl SocketUnit {
    /// One of which the manager says this as `Listen`.
    pub(crate) fn of_property(name: &str, is_active: bool, listen: Option<&BusValue>) -> Self {
        let published = listen.and_then(BusValue::members).unwrap_or_default();
        let addresses = published.iter().filter_map(|pair| {
            let [kind, address] = pair.members()? else { return None };
            published_address(kind.as_text()?, address.as_text()?)
        });
        Self { name: name.to_owned(), is_active, addresses: addresses.gather() }
    }
}

fn published_address(kind: &str, address: &str) -> Option<Address> {
    let protocol = match kind {
        "Stream" | "SequentialPacket" => Protocol::Tcp,
        "Datagram" => Protocol::Udp,
        "FIFO" => return Some(Address::Unix(address.to_owned())),
        _ => return None,
    };
    if let Some(name) = address.strip_prefix('@') {
        return Some(Address::Abstract(name.to_owned()));
    }
    if address.starts_with('/') {
        return Some(Address::Unix(address.to_owned()));
    }
    // A port alone is every address of both families; an interface may stand behind the port: `[fe80::1]:80%eth0`.
    let every = |port: u16| SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port);
    let plain = || address.split('%').next()?.parse().ok();
    let address = address.parse().ok().map(every).or_else(plain)?;
    Some(Address::Ip(protocol, canonical(address)))
}

/// The inode numbers of the sockets that a process holds.
pub(super) fn inodes(dir: &Dir) -> io::Result<BTreeSet<u64>> {
    let descriptors = dir.open_dir("fd")?;
    let mut inodes = BTreeSet::new();
    for entry in descriptors.entries()? {
        let Ok(target) = entry.and_then(|entry| descriptors.read_link_contents(entry.file_name())) else {
            continue;
        };
        let target = target.to_string_lossy();
        let number = target.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']'));
        inodes.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    Ok(inodes)
}

/// Its network itself, which is behind a link that is none of a path.
fn namespace(dir: &Dir) -> Option<File> {
    openat(dir, "ns/net", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok().map(File::from)
}

/// What its network is called by the kernel.
fn network(dir: &Dir) -> Option<String> {
    let target = dir.read_link_contents("ns/net").ok()?;
    Some(target.to_string_lossy().into_owned())
}

pub(super) fn text(dir: &Dir, file: &str) -> Option<String> {
    read_text(dir, file).ok()
}

/// `0: 0100007F:1A79 00000000:0000 0A 00000000:00000000 00:00000000 00000000 990 0 4711 …`
fn ip_row(line: &str, wanted: &str) -> Option<(u64, SocketAddr)> {
    let mut fields = line.split_ascii_whitespace();
    let local = fields.nth(1)?;
    let state = fields.nth(1)?;
    let inode = fields.nth(5)?.parse().ok()?;
    let (address, port) = local.split_once(':')?;
    let address = SocketAddr::new(ip(address)?, u16::from_str_radix(port, 16).ok()?);
    (state == wanted).then_some((inode, address))
}

/// Words of 32 bits in the machine's byte order, whose bytes in memory are the address.
fn ip(text: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(text.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    match text.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from(word(0)?))),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            Some(IpAddr::V6(Ipv6Addr::from(bytes)))
        }
        _ => None,
    }
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// `SO_ACCEPTCON` of include/linux/net.h.
const ACCEPTS: u32 = 1 << 16;

/// `00000000: 00000002 00000000 00010000 0001 01 4711 /run/x.sock`; a path may hold blanks.
fn unix_row(line: &str) -> Option<(u64, Address)> {
    let mut rest = line;
    let mut field = || {
        rest = rest.trim_start_matches(' ');
        let (field, behind) = rest.split_once(' ')?;
        rest = behind;
        Some(field)
    };
    let flags = {
        for _ in 0..3 {
            field()?;
        }
        u32::from_str_radix(field()?, 16).ok()?
    };
    let (kind, state, inode) = (field()?, field()?, field()?.parse().ok()?);
    // Datagrams come to whatever is bound and not connected to one peer.
    let takes_datagrams = kind == "0002" && state != "03";
    if flags & ACCEPTS == 0 && !takes_datagrams {
        return None;
    }
    let address = match rest.strip_prefix('@') {
        // The kernel names a client that asked for any name (unix(7), autobind).
        Some(name) if takes_datagrams && is_automatic(name) => return None,
        Some(name) => Address::Abstract(name.to_owned()),
        None if rest.is_empty() => return None,
        None => Address::Unix(rest.to_owned()),
    };
    Some((inode, address))
}

fn is_automatic(name: &str) -> bool {
    name.len() == 5 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(protocol, address) => write!(f, "{protocol} {address}"),
            Self::Unix(path) => write!(f, "unix {path}"),
            Self::Abstract(name) => write!(f, "unix @{name}"),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(pid, name) => write!(f, "`{name}` (process {pid})"),
            Self::Unit(name) => f.write_str(name),
        }
    }
}
