//! The address families of the sockets that a process holds, by the tables of its network (proc_pid_net(5)).

use std::collections::{BTreeMap, BTreeSet};

use super::held::{Sockets, inodes, text};

/// The tables, the family of their sockets as `RestrictAddressFamilies=` spells it, and the column of the inode number.
const TABLES: [(&str, &str, usize); 11] = [
    ("tcp", "AF_INET", 9),
    ("udp", "AF_INET", 9),
    ("udplite", "AF_INET", 9),
    ("raw", "AF_INET", 9),
    ("icmp", "AF_INET", 9),
    ("tcp6", "AF_INET6", 9),
    ("udp6", "AF_INET6", 9),
    ("udplite6", "AF_INET6", 9),
    ("raw6", "AF_INET6", 9),
    ("netlink", "AF_NETLINK", 9),
    ("packet", "AF_PACKET", 8),
];

/// Tables of sockets through which a program makes packets itself.
const RAW: [&str; 3] = ["raw", "raw6", "packet"];

/// What is known of the sockets of a process, those with a path left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Families {
    /// Each family with the table of /proc/PID/net in which a socket of it stands.
    pub(crate) families: BTreeMap<&'static str, &'static str>,
    /// Whether any of them sends packets of the program's own making.
    pub(crate) raw: bool,
}

impl Sockets {
    /// The families of what a process holds now; nothing where that may not be seen.
    pub(crate) fn families(&self, pid: u32) -> Option<Families> {
        let dir = self.proc.open_dir(pid.to_string()).ok()?;
        let held: BTreeSet<u64> = inodes(&dir).ok()?;
        let mut found = Families::default();
        for (file, family, column) in TABLES {
            let table = text(&dir, &format!("net/{file}")).unwrap_or_default();
            let mut numbers = table.lines().skip(1).filter_map(|line| inode(line, column));
            if numbers.any(|number| held.contains(&number)) {
                found.families.entry(family).or_insert(file);
                found.raw |= RAW.contains(&file);
            }
        }
        Some(found)
    }
}

fn inode(line: &str, column: usize) -> Option<u64> {
    line.split_ascii_whitespace().nth(column)?.parse().ok()
}
