//! Ends of connections: what a service listens on and connects to.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::{BusName, RulePath, Text, Unfit, check_plain, check_specifiers, quoted, text, unfit};

/// A transport over IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// Streams.
    Tcp,
    /// Datagrams.
    Udp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// Which hosts, or which of the machine's own addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hosts {
    /// All of them.
    Any,
    /// One address or a network; a network has no bits outside of its mask.
    In(IpNet),
}

/// Which port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Port {
    /// Which one is not known, or the administrator's to choose.
    Any,
    /// This one, not 0.
    Number(u16),
}

/// One end that a service listens on or connects to, the key of `needs.listens` and `needs.connects`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// `any`: of whatever kind.
    Any,
    /// `net`: anything over IP.
    Net,
    /// `tcp 443`, `tcp any`, `tcp 127.0.0.1:8080`, `tcp [::1]:80`, `udp 10.0.0.0/8:53`.
    Ip {
        /// `tcp` or `udp`.
        protocol: Protocol,
        /// The addresses.
        hosts: Hosts,
        /// The port.
        port: Port,
    },
    /// `unix /run/x.sock`; with a slash at its end, sockets below a directory.
    Unix(RulePath),
    /// `unix @name`: a socket in the abstract name space, without the `@`.
    Abstract(String),
    /// `dbus org.example.Name`: a name on the system bus.
    Dbus(BusName),
}

impl Endpoint {
    /// Whether packets may leave or enter by it over IP.
    pub fn is_ip(&self) -> bool {
        matches!(self, Self::Any | Self::Net | Self::Ip { .. })
    }

    /// Whether it is over IP and no packet of it leaves the machine.
    pub fn is_loopback(&self) -> bool {
        matches!(self, Self::Ip { hosts: Hosts::In(net), .. } if is_loopback(net))
    }

    /// Whether a stream to `address` may end here.
    pub(crate) fn accepts_tcp(&self, address: SocketAddr) -> bool {
        let Self::Ip { protocol: Protocol::Tcp, hosts, port } = self else { return false };
        let host = match hosts {
            Hosts::Any => true,
            Hosts::In(net) => net.contains(&address.ip()),
        };
        host && matches!(port, Port::Number(port) if *port == address.port())
    }

    /// A port that only `CAP_NET_BIND_SERVICE` may bind (ip(7), `ip_unprivileged_port_start`).
    pub fn low_port(&self) -> Option<u16> {
        match self {
            Self::Ip { port: Port::Number(port), .. } if *port < 1024 => Some(*port),
            _ => None,
        }
    }
}

fn is_loopback(net: &IpNet) -> bool {
    match net {
        IpNet::V4(net) => net.addr().is_loopback() && net.prefix_len() >= 8,
        IpNet::V6(net) => net.addr().is_loopback() && net.prefix_len() == 128,
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Net => f.write_str("net"),
            Self::Ip { protocol, hosts, port } => {
                write!(f, "{protocol} ")?;
                if let Hosts::In(net) = hosts {
                    write!(f, "{}:", Bracketed(net))?;
                }
                match port {
                    Port::Any => f.write_str("any"),
                    Port::Number(port) => write!(f, "{port}"),
                }
            }
            Self::Unix(path) => write!(f, "unix {path}"),
            Self::Abstract(name) => write!(f, "unix @{name}"),
            Self::Dbus(name) => write!(f, "dbus {name}"),
        }
    }
}

/// An address or network as it stands before a port.
struct Bracketed<'a>(&'a IpNet);

impl fmt::Display for Bracketed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let single = self.0.prefix_len() == self.0.max_prefix_len();
        match self.0 {
            IpNet::V4(net) if single => write!(f, "{}", net.addr()),
            IpNet::V4(net) => write!(f, "{net}"),
            IpNet::V6(net) if single => write!(f, "[{}]", net.addr()),
            IpNet::V6(net) => write!(f, "[{net}]"),
        }
    }
}

impl Text for Endpoint {
    const EXPECTED: &'static str =
        "an endpoint such as \"tcp 443\", \"unix /run/x.sock\" or \"dbus org.example.Name\"";
    const PATTERN: &'static str = r"^(any|net|(tcp|udp) (([0-9./]+|\[[0-9a-fA-F:./]+\]):)?(any|[1-9][0-9]{0,4})|unix [/@]\S+|dbus [a-zA-Z0-9_.-]+)$";

    fn read(text: &str) -> Result<Self, Unfit> {
        check_plain(text)?;
        match text.split_once(' ') {
            None if text == "any" => Ok(Self::Any),
            None if text == "net" => Ok(Self::Net),
            Some(("tcp", rest)) => read_ip(text, Protocol::Tcp, rest),
            Some(("udp", rest)) => read_ip(text, Protocol::Udp, rest),
            Some(("unix", rest)) => match rest.strip_prefix('@') {
                Some(name) => read_abstract(name).map(Self::Abstract),
                None => RulePath::read(rest).map(Self::Unix),
            },
            Some(("dbus", name)) => BusName::read(name).map(Self::Dbus),
            _ => Err(unfit(format!(
                "{} is not an endpoint: `tcp 443`, `udp any`, `tcp 127.0.0.1:80`, `unix /run/x.sock`, \
                 `dbus org.example.Name`, `net` or `any`",
                quoted(text)
            ))),
        }
    }
}

fn read_ip(text: &str, protocol: Protocol, rest: &str) -> Result<Endpoint, Unfit> {
    let bad = || {
        let forms = format!(
            "`{protocol} 443`, `{protocol} 127.0.0.1:443`, `{protocol} [::1]:443` or `{protocol} any`"
        );
        unfit(format!("{} is not an endpoint: {forms}", quoted(text)))
    };
    let Some((host, port)) = rest.rsplit_once(':') else {
        return read_port(rest)
            .map(|port| Endpoint::Ip { protocol, hosts: Hosts::Any, port })
            .ok_or_else(bad);
    };
    let net = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(host) => read_net(host).filter(|net| matches!(net, IpNet::V6(_))),
        None => read_net(host).filter(|net| matches!(net, IpNet::V4(_))),
    };
    let hosts = Hosts::In(net.ok_or_else(bad)?);
    Ok(Endpoint::Ip { protocol, hosts, port: read_port(port).ok_or_else(bad)? })
}

fn read_port(text: &str) -> Option<Port> {
    if text == "any" {
        return Some(Port::Any);
    }
    number(text).map(Port::Number)
}

/// A port as its number, without sign or leading zeros.
pub(super) fn number(text: &str) -> Option<u16> {
    if !text.starts_with(|c: char| matches!(c, '1'..='9')) {
        return None;
    }
    text.parse().ok()
}

pub(super) fn read_net(text: &str) -> Option<IpNet> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.into());
    }
    text.parse::<IpNet>().ok().filter(|net| net.trunc() == *net)
}

pub(super) fn read_abstract(name: &str) -> Result<String, Unfit> {
    check_plain(name)?;
    check_specifiers(name, "")?;
    let bad =
        name.is_empty() || name.len() > 106 || name.chars().any(|c| c.is_whitespace() || "\"'\\".contains(c));
    if bad {
        Err(unfit(format!("{} is not an abstract socket's name", quoted(name))))
    } else {
        Ok(name.to_owned())
    }
}

text!(Endpoint);
