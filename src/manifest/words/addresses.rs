//! Addresses of socket units: what they bind, what a proxy passes on to, who may come.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

use super::endpoints::{Protocol, number, read_abstract, read_net};
use super::{RulePath, Text, Unfit, check_plain, quoted, text, unfit};

/// One address that a socket unit listens on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Listen {
    /// `127.0.0.1:80`, `[::1]:80`; with `udp ` in front for datagrams. `ListenStream=`, `ListenDatagram=`.
    Ip(Protocol, SocketAddr),
    /// `80`, with `udp ` in front for datagrams: every address of both families. Refused unless `bare-port` says why.
    Port(Protocol, u16),
    /// `/run/x.sock`: a stream. `ListenStream=`.
    Stream(Local),
    /// `datagram /run/x.sock`. `ListenDatagram=`.
    Datagram(Local),
    /// `sequential /run/x.sock`. `ListenSequentialPacket=`.
    Sequential(Local),
    /// `fifo /run/x.fifo`. `ListenFIFO=`.
    Fifo(RulePath),
}

/// A socket of the machine's own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Local {
    /// In the file system.
    Path(RulePath),
    /// In the abstract name space, without the `@`.
    Abstract(String),
}

impl fmt::Display for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{path}"),
            Self::Abstract(name) => write!(f, "@{name}"),
        }
    }
}

impl Listen {
    /// The directive of systemd.socket(5) that takes it.
    pub fn directive(&self) -> &'static str {
        match self {
            Self::Ip(Protocol::Tcp, _) | Self::Port(Protocol::Tcp, _) | Self::Stream(_) => "ListenStream",
            Self::Ip(Protocol::Udp, _) | Self::Port(Protocol::Udp, _) | Self::Datagram(_) => "ListenDatagram",
            Self::Sequential(_) => "ListenSequentialPacket",
            Self::Fifo(_) => "ListenFIFO",
        }
    }

    /// The value for [`Listen::directive`].
    pub fn value(&self) -> String {
        match self {
            Self::Ip(_, address) => address.to_string(),
            Self::Port(_, port) => port.to_string(),
            Self::Stream(local) | Self::Datagram(local) | Self::Sequential(local) => local.to_string(),
            Self::Fifo(path) => path.to_string(),
        }
    }

    /// The file that it makes, if it makes one.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Stream(Local::Path(path))
            | Self::Datagram(Local::Path(path))
            | Self::Sequential(Local::Path(path))
            | Self::Fifo(path) => Some(path.as_str()),
            _ => None,
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ip(Protocol::Udp, _) | Self::Port(Protocol::Udp, _) => "udp ",
            Self::Datagram(_) => "datagram ",
            Self::Sequential(_) => "sequential ",
            Self::Fifo(_) => "fifo ",
            Self::Ip(Protocol::Tcp, _) | Self::Port(Protocol::Tcp, _) | Self::Stream(_) => "",
        })?;
        f.write_str(&self.value())
    }
}

impl Text for Listen {
    const EXPECTED: &'static str = "an address as a string such as \"127.0.0.1:80\" or \"/run/x.sock\"";
    const PATTERN: &'static str = r"^((datagram |sequential )?[/@]\S+|fifo /\S+|(udp )?(([0-9.]+|\[[0-9a-fA-F:.]+\]):)?[1-9][0-9]{0,4})$";

    fn read(text: &str) -> Result<Self, Unfit> {
        check_plain(text)?;
        let (kind, rest) = text.split_once(' ').unwrap_or(("", text));
        let local = || read_local(rest);
        match kind {
            "datagram" => local().map(Self::Datagram),
            "sequential" => local().map(Self::Sequential),
            "fifo" => socket_path(rest).map(Self::Fifo),
            "" if rest.starts_with(['/', '@']) => local().map(Self::Stream),
            "" | "udp" => {
                let protocol = if kind == "udp" { Protocol::Udp } else { Protocol::Tcp };
                if let Some(port) = number(rest) {
                    return Ok(Self::Port(protocol, port));
                }
                let address = rest.parse::<SocketAddr>().ok().filter(|address| address.port() != 0);
                address.map(|address| Self::Ip(protocol, address)).ok_or_else(|| bad_listen(text))
            }
            _ => Err(bad_listen(text)),
        }
    }
}

fn bad_listen(text: &str) -> Unfit {
    unfit(format!(
        "{} is not an address: `127.0.0.1:80`, `[::1]:80`, `udp 127.0.0.1:53`, `/run/x.sock`, `@name`, \
         or `datagram`, `sequential` or `fifo` and a path",
        quoted(text)
    ))
}

fn read_local(text: &str) -> Result<Local, Unfit> {
    match text.strip_prefix('@') {
        Some(name) => read_abstract(name).map(Local::Abstract),
        None => socket_path(text).map(Local::Path),
    }
}

fn socket_path(text: &str) -> Result<RulePath, Unfit> {
    // sun_path of unix(7) has 108 bytes with the closing zero.
    const LONGEST_SOCKET: usize = 107;
    let path = RulePath::read(text)?;
    if path.is_directory() {
        return Err(unfit(format!("{} ends with a slash", quoted(text))));
    }
    if text.len() > LONGEST_SOCKET {
        return Err(unfit(format!("the socket's path has {} bytes, more than {LONGEST_SOCKET}", text.len())));
    }
    Ok(path)
}

/// An address with its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketAddress(pub(crate) SocketAddr);

impl SocketAddress {
    /// The address and the port, which is not 0.
    pub fn address(self) -> SocketAddr {
        self.0
    }
}

impl fmt::Display for SocketAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Text for SocketAddress {
    const EXPECTED: &'static str = "an address with its port as a string such as \"127.0.0.1:8080\"";
    const PATTERN: &'static str = r"^([0-9.]+|\[[0-9a-fA-F:.]+\]):[1-9][0-9]{0,4}$";

    fn read(text: &str) -> Result<Self, Unfit> {
        let address = text.parse::<SocketAddr>().ok().filter(|address| address.port() != 0);
        address.map(Self).ok_or_else(|| {
            unfit(format!("{} is not an address with its port such as `127.0.0.1:8080`", quoted(text)))
        })
    }
}

/// Who may reach a socket, as `IPAddressAllow=` takes it (systemd.resource-control(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceFilter {
    /// Everybody: no filter at all.
    Any,
    /// `localhost`: `127.0.0.0/8` and `::1/128`.
    Localhost,
    /// `link-local`: `169.254.0.0/16` and `fe80::/64`.
    LinkLocal,
    /// `multicast`: `224.0.0.0/4` and `ff00::/8`.
    Multicast,
    /// One address or a network; a network has no bits outside of its mask.
    Net(IpNet),
}

impl fmt::Display for SourceFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Localhost => f.write_str("localhost"),
            Self::LinkLocal => f.write_str("link-local"),
            Self::Multicast => f.write_str("multicast"),
            Self::Net(net) if net.prefix_len() == net.max_prefix_len() => {
                write!(f, "{}", net.addr())
            }
            Self::Net(net) => write!(f, "{net}"),
        }
    }
}

impl Text for SourceFilter {
    const EXPECTED: &'static str =
        "\"any\", \"localhost\", \"link-local\", \"multicast\", an address or a network";
    const PATTERN: &'static str =
        "^(any|localhost|link-local|multicast|[0-9.]+(/[0-9]+)?|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*(/[0-9]+)?)$";

    fn read(text: &str) -> Result<Self, Unfit> {
        match text {
            "any" => Ok(Self::Any),
            "localhost" => Ok(Self::Localhost),
            "link-local" => Ok(Self::LinkLocal),
            "multicast" => Ok(Self::Multicast),
            _ => {
                let net = read_net(text).ok_or_else(|| {
                    unfit(format!(
                        "{} is not a source: `any`, `localhost`, `link-local`, `multicast`, an address or a network \
                         without bits outside of its mask",
                        quoted(text)
                    ))
                })?;
                if everywhere(&net) {
                    return Err(unfit(format!("{} is everybody: write `any`", quoted(text))));
                }
                Ok(Self::Net(net))
            }
        }
    }
}

/// A network that holds every address of its family.
fn everywhere(net: &IpNet) -> bool {
    let addresses = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
    net.prefix_len() == 0 && addresses.contains(&net.network())
}

text!(Listen, SocketAddress, SourceFilter);
