//! Entries of several parts, most of them with colons between: mounts and images, files, ports, programs, sets of packet
//! filters.

use super::entry::good_path;
use crate::syntax;

/// The parts between colons; a backslash takes a colon's meaning away.
pub(super) fn fields(word: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = word.chars();
    while let Some(c) = characters.next() {
        let next = match c {
            ':' => {
                fields.push(String::new());
                continue;
            }
            '\\' => characters.next().unwrap_or(c),
            _ => c,
        };
        if let Some(field) = fields.last_mut() {
            field.push(next);
        }
    }
    fields
}

/// Parts put together again.
pub(super) fn join<'a>(fields: impl IntoIterator<Item = &'a str>) -> String {
    let escaped = fields.into_iter().map(|field| field.replace('\\', r"\\").replace(':', r"\:"));
    escaped.collect::<Vec<_>>().join(":")
}

/// Where a BPF program of a control group is called (systemd.resource-control(5), `BPFProgram=`).
static PROGRAM_TYPES: [&str; 18] = [
    "egress",
    "ingress",
    "sock_create",
    "sock_ops",
    "device",
    "bind4",
    "bind6",
    "connect4",
    "connect6",
    "post_bind4",
    "post_bind6",
    "sendmsg4",
    "sendmsg6",
    "sysctl",
    "recvmsg4",
    "recvmsg6",
    "getsockopt",
    "setsockopt",
];

pub(super) fn program(text: &str) -> Option<String> {
    let (kind, path) = text.split_once(':')?;
    PROGRAM_TYPES.contains(&kind).then_some(())?;
    Some(format!("{kind}:{}", good_path(path)?))
}

/// `[-]SOURCE[:DESTINATION[:norbind]]` without what says nothing.
pub(super) fn bind(fields: &[String]) -> Option<String> {
    let (source, rest) = fields.split_first()?;
    let (dash, source) = source.strip_prefix('-').map_or(("", source.as_str()), |source| ("-", source));
    let source = good_path(source)?;
    let destination = match rest.first().filter(|destination| !destination.is_empty()) {
        Some(destination) => good_path(destination)?,
        None => source.clone(),
    };
    let recursive = match rest.get(1).map(String::as_str) {
        None | Some("" | "rbind") => true,
        Some("norbind") => false,
        Some(_) => return None,
    };
    Some(mounted(dash, &source, &destination, recursive))
}

/// What [`bind`] comes to.
pub(super) fn mounted(dash: &str, source: &str, destination: &str, recursive: bool) -> String {
    let entry = match (recursive, source == destination) {
        (true, true) => join([source]),
        (true, false) => join([source, destination]),
        (false, _) => join([source, destination, "norbind"]),
    };
    format!("{dash}{entry}")
}

pub(super) fn temporary(fields: &[String]) -> Option<String> {
    let (path, options) = fields.split_first()?;
    Some(temporary_at(&good_path(path)?, &options.join(":")))
}

/// `PATH[:OPTIONS]`.
pub(super) fn temporary_at(path: &str, options: &str) -> String {
    if options.is_empty() { join([path]) } else { join([path, options]) }
}

/// Paths, and the options of partitions by twos; options alone are those of the root partition.
pub(super) fn image(fields: &[String], paths: usize) -> Option<String> {
    let (paths, options) = fields.split_at_checked(paths)?;
    let (source, rest) = paths.split_first()?;
    let (dash, source) = source.strip_prefix('-').map_or(("", source.as_str()), |source| ("-", source));
    let mut parts = vec![good_path(source)?];
    for path in rest {
        parts.push(good_path(path)?);
    }
    match options {
        [options] if !options.is_empty() => parts.extend(["root".to_owned(), options.clone()]),
        [only] if only.is_empty() => {}
        _ => parts.extend(options.iter().cloned()),
    }
    Some(format!("{dash}{}", join(parts.iter().map(String::as_str))))
}

/// The options of OpenFile=, by bit.
static FILE_OPTIONS: [&str; 4] = ["read-only", "append", "truncate", "graceful"];

pub(super) fn file(fields: &[String]) -> Option<String> {
    let (path, rest) = fields.split_first()?;
    let path = good_path(path)?;
    let last = path.rsplit('/').next().unwrap_or_default();
    let name = rest.first().map(String::as_str).filter(|name| !name.is_empty()).unwrap_or(last);
    let mut bits = 0;
    for option in
        rest.get(1).map(String::as_str).unwrap_or_default().split(',').filter(|word| !word.is_empty())
    {
        bits |= 1 << FILE_OPTIONS.iter().position(|known| *known == option)?;
    }
    Some(opened(&path, name, bits))
}

/// `PATH:NAME[:OPTIONS]`.
pub(super) fn opened(path: &str, name: &str, bits: u64) -> String {
    let options = FILE_OPTIONS.iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0);
    let options = options.map(|(_, option)| *option).collect::<Vec<_>>().join(",");
    if options.is_empty() { join([path, name]) } else { join([path, name, &options]) }
}

/// The sources and the families that NFTSet= knows, with the numbers that the manager publishes for them
/// (linux/netfilter.h).
pub(super) static SET_SOURCES: [(&str, i64); 3] = [("cgroup", 3), ("user", 4), ("group", 5)];

pub(super) static SET_FAMILIES: [(&str, i64); 6] =
    [("inet", 1), ("ip", 2), ("arp", 3), ("netdev", 5), ("bridge", 7), ("ip6", 10)];

pub(super) fn packet_filter_set(word: &str) -> Option<String> {
    let [source, family, table, set] = <[&str; 4]>::try_from(word.split(':').collect::<Vec<_>>()).ok()?;
    let known = |names: &[(&str, i64)], word: &str| names.iter().any(|(name, _)| *name == word);
    let good =
        known(&SET_SOURCES, source) && known(&SET_FAMILIES, family) && !table.is_empty() && !set.is_empty();
    good.then(|| word.to_owned())
}

/// Ports of a family and a protocol (systemd 249 on, `parse_socket_bind_item`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BindRule {
    /// `AF_INET`, `AF_INET6`, or 0 for both.
    pub(super) family: i64,
    /// `IPPROTO_TCP`, `IPPROTO_UDP`, or 0 for both.
    pub(super) protocol: i64,
    /// How many ports; 0 for all.
    pub(super) count: u64,
    /// The first of them.
    pub(super) first: u64,
}

impl BindRule {
    pub(super) fn read(word: &str) -> Option<Self> {
        let mut rule = Self { family: 0, protocol: 0, count: 0, first: 0 };
        let mut rest = Some(word);
        let mut take = |words: &[(&str, i64)]| {
            let (first, after) = match rest?.split_once(':') {
                Some((first, after)) => (first, Some(after)),
                None => (rest?, None),
            };
            let number = words.iter().find(|(known, _)| *known == first).map(|(_, number)| *number)?;
            rest = after;
            Some(number)
        };
        rule.family = take(&[("ipv4", 2), ("ipv6", 10)]).unwrap_or_default();
        rule.protocol = take(&[("tcp", 6), ("udp", 17)]).unwrap_or_default();
        let Some(ports) = rest.filter(|ports| !matches!(*ports, "" | "any")) else { return Some(rule) };
        let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
        let port = |text| syntax::number(text).and_then(|port| u16::try_from(port).ok());
        let (first, last) = (port(first)?, port(last)?);
        rule.count = u64::from(last.checked_sub(first).filter(|_| first > 0)?) + 1;
        rule.first = u64::from(first);
        Some(rule)
    }

    /// The shortest form; a family or a protocol alone stands for all its ports.
    pub(super) fn write(self) -> String {
        let family = match self.family {
            2 => Some("ipv4".to_owned()),
            10 => Some("ipv6".to_owned()),
            _ => None,
        };
        let protocol = match self.protocol {
            6 => Some("tcp".to_owned()),
            17 => Some("udp".to_owned()),
            _ => None,
        };
        let ports = match self.count {
            0 if family.is_some() || protocol.is_some() => None,
            0 => Some("any".to_owned()),
            1 => Some(self.first.to_string()),
            count => Some(format!("{}-{}", self.first, self.first.saturating_add(count - 1))),
        };
        [family, protocol, ports].into_iter().flatten().collect::<Vec<_>>().join(":")
    }
}
