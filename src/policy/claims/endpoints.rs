//! What listening and connecting come to.

use super::Claims;
use crate::manifest::words::{Endpoint, Hosts, Listen, Port};
use crate::manifest::{Manifest, Socket};
use crate::need::Need;
use crate::policy::plan::Planned;

/// Adds what the stated endpoints come to.
pub(super) fn add(claims: &mut Claims, manifest: &Manifest, planned: &Planned<'_>) {
    let needs = &planned.service.needs;
    for (endpoint, stated) in &needs.listens {
        match endpoint {
            Endpoint::Any | Endpoint::Net => {
                claims.plain(Need::UsesIp, stated);
                claims.plain(Need::BindsPort, stated);
            }
            // A socket that is handed in needs no right to make or bind one.
            Endpoint::Ip { .. } if bound_by_socket_unit(manifest, planned, endpoint) => {}
            Endpoint::Ip { protocol, port, .. } => {
                // Clients of an address of this machine's own may be anywhere, but for loopback.
                claims.plain(if endpoint.is_loopback() { Need::UsesLoopback } else { Need::UsesIp }, stated);
                match port {
                    Port::Any => claims.plain(Need::BindsPort, stated),
                    Port::Number(port) => {
                        claims.with(Need::BindsPort, &[("rule", &format!("{protocol}:{port}"))], stated);
                    }
                }
                if endpoint.low_port().is_some() {
                    claims.plain(Need::BindsLowPort, stated);
                }
                if planned.is_fronted(manifest) {
                    claims.plain(Need::JoinsNetwork, stated);
                }
            }
            Endpoint::Abstract(_) => claims.plain(Need::AbstractSockets, stated),
            Endpoint::Unix(_) | Endpoint::Dbus(_) => {}
        }
    }
    for (endpoint, stated) in &needs.connects {
        match endpoint {
            Endpoint::Any | Endpoint::Net | Endpoint::Ip { hosts: Hosts::Any, .. } => {
                claims.plain(Need::UsesIp, stated);
            }
            Endpoint::Ip { .. } if endpoint.is_loopback() => {
                claims.plain(Need::UsesLoopback, stated);
                if planned.joins_network {
                    claims.plain(Need::JoinsNetwork, stated);
                }
            }
            Endpoint::Ip { hosts: Hosts::In(net), .. } => {
                claims.with(Need::UsesAddress, &[("address", &net.to_string())], stated);
            }
            Endpoint::Abstract(_) => claims.plain(Need::AbstractSockets, stated),
            Endpoint::Unix(_) | Endpoint::Dbus(_) => {}
        }
    }
}

/// Whether a socket unit that starts this service binds the port.
fn bound_by_socket_unit(manifest: &Manifest, planned: &Planned<'_>, endpoint: &Endpoint) -> bool {
    let Endpoint::Ip { protocol: wanted, port: Port::Number(wanted_port), .. } = endpoint else {
        return false;
    };
    manifest.sockets.iter().any(|(stem, socket)| {
        socket.proxy_to.is_none()
            && starts(stem.as_str(), socket) == planned.stem
            && socket.listen.iter().any(|listen| match &listen.value {
                Listen::Ip(protocol, address) => protocol == wanted && address.port() == *wanted_port,
                Listen::Port(protocol, port) => protocol == wanted && port == wanted_port,
                Listen::Stream(_) | Listen::Datagram(_) | Listen::Sequential(_) | Listen::Fifo(_) => false,
            })
    })
}

/// The service that a socket unit starts, without its suffix.
fn starts(stem: &str, socket: &Socket) -> String {
    let default = if socket.accept { format!("{stem}@") } else { stem.to_owned() };
    socket.starts.as_ref().map_or(default, |service| service.as_str().to_owned())
}
