//! Sockets, mounts and swaps: they are refused for where they listen, and for a place that is not the one in their name.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use super::Kept;
use crate::syntax::{boolean, number};
use crate::unit_file::{Assignment, UnitName, expand};

/// Systemd mounts these itself (seen on 252, 257 and 262).
const API: &[&str] = &[
    "proc",
    "sys",
    "dev",
    "run",
    "dev-console",
    "dev-pts",
    "dev-shm",
    "sys-firmware-efi-efivars",
    "sys-fs-bpf",
    "sys-fs-cgroup",
    "sys-fs-pstore",
    "sys-fs-selinux",
    "sys-fs-smackfs",
    "sys-kernel-security",
    "run-host",
];

/// And all that lies below these.
const BELOW: &[&str] = &["sys-fs-cgroup-", "run-host-"];

/// What the last assignments of a section come to.
struct Section<'a> {
    unit: &'a UnitName,
    lines: Vec<&'a Assignment>,
}

impl<'a> Section<'a> {
    fn new(name: &str, unit: &'a UnitName, lines: &[Kept<'a>]) -> Self {
        let lines = lines.iter().map(|line| line.assignment).filter(|line| line.section == name).collect();
        Self { unit, lines }
    }

    /// The values of a key, specifiers expanded; what cannot be expanded is ignored.
    fn values(&self, key: &str) -> impl Iterator<Item = Cow<'a, str>> {
        let of_key = self.lines.iter().filter(move |line| line.key == key);
        of_key.filter_map(|line| Some(expand(&line.value, self.unit).ok()?.text))
    }

    /// The last value that is usable; an empty one takes the earlier ones back.
    fn last(&self, key: &str, is_usable: impl Fn(&str) -> bool) -> Cow<'a, str> {
        let usable = self.values(key).filter(|value| value.is_empty() || is_usable(value));
        usable.last().unwrap_or_default()
    }
}

/// A kind of address, and whether connections to it are accepted.
struct Listener {
    key: &'static str,
    is_usable: fn(&str) -> bool,
    accepts: bool,
}

const LISTENERS: &[Listener] = &[
    Listener { key: "ListenStream", is_usable: is_address, accepts: true },
    Listener { key: "ListenDatagram", is_usable: is_address, accepts: false },
    Listener { key: "ListenSequentialPacket", is_usable: is_address, accepts: true },
    Listener { key: "ListenFIFO", is_usable: is_path, accepts: false },
    Listener { key: "ListenSpecial", is_usable: is_path, accepts: false },
    Listener { key: "ListenUSBFunction", is_usable: is_path, accepts: false },
    Listener { key: "ListenNetlink", is_usable: |text| !text.is_empty(), accepts: false },
    Listener { key: "ListenMessageQueue", is_usable: |text| text.starts_with('/'), accepts: false },
];

pub(super) fn of_socket(unit: &UnitName, lines: &[Kept<'_>], major: u16) -> Option<&'static str> {
    let socket = Section::new("Socket", unit, lines);
    // An empty assignment of any of them takes all of them back.
    let mut listening: Vec<bool> = Vec::new();
    for line in &socket.lines {
        let Some(listener) = LISTENERS.iter().find(|listener| listener.key == line.key) else { continue };
        if line.value.is_empty() {
            listening.clear();
        } else if expand(&line.value, unit).is_ok_and(|value| (listener.is_usable)(&value.text)) {
            listening.push(listener.accepts);
        }
    }
    let on = |key: &str| boolean(&socket.last(key, |value| boolean(value).is_some())) == Some(true);
    if listening.is_empty() {
        return Some("it listens nowhere: no ListenStream=, ListenDatagram= or other Listen setting");
    }
    let most = number(&socket.last("MaxConnections", |value| number(value).is_some()));
    // Seen on 257, and on 252 only where connections are accepted.
    if (major >= 257 || on("Accept")) && most == Some(0) {
        return Some("MaxConnections= is 0");
    }
    if !on("Accept") {
        return None;
    }
    if listening.contains(&false) {
        return Some("Accept=yes goes with sockets that accept connections only");
    }
    if socket.values("Service").any(|service| service.ends_with(".service")) {
        return Some("Accept=yes starts an instance each time and goes with no Service=");
    }
    // Seen on 262; the setting is of 258.
    if major >= 258
        && (on("DeferTrigger") || socket.last("DeferTrigger", |word| word == "patient") == "patient")
    {
        return Some("Accept=yes does not go with DeferTrigger=");
    }
    None
}

/// A port, an IPv4 or a bracketed IPv6 address with one, a path, an abstract name, or `vsock:`.
fn is_address(text: &str) -> bool {
    let port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    let inet = || {
        text.rsplit_once(':').is_some_and(|(host, last)| {
            let six = || host.strip_prefix('[')?.strip_suffix(']')?.parse::<std::net::Ipv6Addr>().ok();
            port(last) && (host.parse::<Ipv4Addr>().is_ok() || six().is_some())
        })
    };
    (text.starts_with('/') || text.starts_with('@')) && text.len() > 1 && text.len() <= 107
        || text.starts_with("vsock:")
        || port(text)
        || inet()
}

fn is_path(text: &str) -> bool {
    text.starts_with('/') && !text.split('/').any(|part| part == "..")
}

pub(super) fn of_mount(unit: &UnitName, lines: &[Kept<'_>], major: u16) -> Option<&'static str> {
    let mount = Section::new("Mount", unit, lines);
    let place = mount.last("Where", is_path);
    let name = if place.is_empty() { Cow::Borrowed(unit.stem()) } else { Cow::Owned(escaped(&place)) };
    if name != unit.stem() {
        return Some("Where= is not the path that its name says");
    }
    if API.contains(&&*name) || BELOW.iter().any(|start| name.starts_with(start)) {
        return Some("it is one of the file systems that systemd mounts itself");
    }
    if major >= 256 && (name == "run-credentials" || name.starts_with("run-credentials-")) {
        return Some("it holds credentials, which systemd mounts itself");
    }
    if mount.last("What", |_| true).is_empty() {
        return Some("it has no What=");
    }
    None
}

pub(super) fn of_swap(unit: &UnitName, lines: &[Kept<'_>], major: u16) -> Option<&'static str> {
    let device = Section::new("Swap", unit, lines).last("What", |what| major >= 257 || is_path(what));
    // From 257 on (seen there, and not on 252) it may be what names it as in fstab(5), and must be something.
    let named = device.split_once('=').map(|(tag, name)| (tag.to_ascii_lowercase(), name));
    let path = match named {
        Some((tag, name)) if ["uuid", "label", "partuuid", "partlabel"].contains(&tag.as_str()) => {
            Cow::Owned(format!("/dev/disk/by-{tag}/{name}"))
        }
        _ => device,
    };
    let is_named = path.is_empty() || is_path(&path) && escaped(&path) == unit.stem();
    (!is_named).then_some("What= is not the path that its name says")
}

/// A path as a unit's name says it (systemd-escape(1) --path).
fn escaped(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.is_empty() {
        return "-".to_owned();
    }
    let joined = parts.join("/");
    let escaped = joined.bytes().enumerate().map(|(place, byte)| match byte {
        b'/' => "-".to_owned(),
        b'.' if place == 0 => "\\x2e".to_owned(),
        _ if byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'_' | b'.') => {
            char::from(byte).to_string()
        }
        _ => format!("\\x{byte:02x}"),
    });
    escaped.collect()
}
