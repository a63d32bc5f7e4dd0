//! Listening TCP sockets of a network, as the kernel lists them by state (sock_diag(7)). The table in /proc has the
//! listening ones behind a walk over all that may be connected, which takes milliseconds at each read of it.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::thread;
use std::time::Duration;

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP};
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, SocketId, StateFlags};
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// What the kernel answers at once at most (NLMSG_GOODSIZE and its maximum in net/netlink/af_netlink.c).
const ANSWER: usize = 1 << 15;

/// The kernel answers while it is asked; a kernel that does not is not waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Which addresses are asked for.
#[derive(Clone, Copy)]
pub(super) enum Family {
    V4,
    V6,
}

/// The inode number and the address of each. The network is that of the caller, or the one of `elsewhere`, a file of
/// /proc/PID/ns.
///
/// # Errors
///
/// Where the kernel has no such list, will not give it, or changed it while it was given; where the network may not be
/// entered, which takes CAP_SYS_ADMIN.
pub(super) fn listening(family: Family, elsewhere: Option<&File>) -> io::Result<Vec<(u64, SocketAddr)>> {
    let Some(network) = elsewhere else { return ask(family) };
    // The thread alone goes there, and ends there.
    let asking = || {
        move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?;
        ask(family)
    };
    thread::scope(|scope| {
        let asked = thread::Builder::new().spawn_scoped(scope, asking)?.join();
        asked.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
    })
}

fn ask(family: Family) -> io::Result<Vec<(u64, SocketAddr)>> {
    let socket = rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )?;
    set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
    rustix::net::connect(&socket, &SocketAddrNetlink::new(0, 0))?;
    rustix::net::send(&socket, &request(family), SendFlags::empty())?;
    answers(&socket)
}

fn request(family: Family) -> Vec<u8> {
    let (family, socket_id) = match family {
        Family::V4 => (AF_INET, SocketId::new_v4()),
        Family::V6 => (AF_INET6, SocketId::new_v6()),
    };
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let request = InetRequest {
        family,
        protocol: IPPROTO_TCP,
        extensions: ExtensionFlags::empty(),
        states: StateFlags::LISTEN,
        socket_id,
    };
    let mut message = NetlinkMessage::new(header, SockDiagMessage::InetRequest(request).into());
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

fn answers(socket: &OwnedFd) -> io::Result<Vec<(u64, SocketAddr)>> {
    let mut found = Vec::new();
    let mut buffer = vec![0; ANSWER];
    loop {
        let (length, _) = rustix::net::recv(socket, &mut buffer[..], RecvFlags::empty())?;
        let mut rest = buffer.get(..length).unwrap_or_default();
        while !rest.is_empty() {
            let message = <NetlinkMessage<SockDiagMessage>>::deserialize(rest)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
            if message.header.flags & NLM_F_DUMP_INTR != 0 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            match message.payload {
                NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(socket)) => {
                    let id = &socket.header.socket_id;
                    let address = SocketAddr::new(id.source_address, id.source_port);
                    found.push((socket.header.inode.into(), address));
                }
                NetlinkPayload::Done(_) => return Ok(found),
                NetlinkPayload::Error(error) => return Err(error.to_io()),
                _ => {}
            }
            // Messages begin at multiples of four bytes; one without a length has no end.
            let taken = usize::try_from(message.header.length).map_or(0, |length| length.next_multiple_of(4));
            rest = if taken == 0 { &[] } else { rest.get(taken..).unwrap_or_default() };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::fd::AsRawFd as _;
    use std::os::unix::fs::MetadataExt as _;

    use super::super::{Address, Sockets};
    use super::*;
    use crate::manifest::words::Protocol;

    #[test]
    fn a_listener_is_found_by_its_inode_number() -> anyhow::Result<()> {
        for (address, family) in [("127.0.0.1:0", Family::V4), ("[::1]:0", Family::V6)] {
            let listener = match (TcpListener::bind(address), family) {
                // A host may be without IPv6.
                (Err(_), Family::V6) => continue,
                (bound, _) => bound?,
            };
            let inode = std::fs::metadata(format!("/proc/self/fd/{}", listener.as_raw_fd()))?.ino();
            let address = listener.local_addr()?;
            // Where the kernel has no such list, the table must do.
            if let Ok(found) = listening(family, None) {
                assert!(found.contains(&(inode, address)), "{address}");
            }
            let held = Sockets::open("/proc")?.held(&[std::process::id()], Vec::new());
            assert!(held.by_address.contains_key(&Address::Ip(Protocol::Tcp, address)), "{address}");
        }
        Ok(())
    }
}
