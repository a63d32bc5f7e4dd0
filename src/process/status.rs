//! /proc/PID/status (proc_pid_status(5)).

use std::collections::{BTreeMap, BTreeSet};

use super::Fact;
use crate::gather::Gather as _;

/// Who a process is and what it may do. Everybody may read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Real, effective, saved and file system user ids, as the reader's user namespace has them.
    pub users: [u32; 4],
    /// The same of groups.
    pub groups: [u32; 4],
    /// Further groups.
    pub supplementary: BTreeSet<u32>,
    /// Capabilities that it may make effective.
    pub permitted: u64,
    /// Capabilities that count.
    pub effective: u64,
    /// Capabilities that it can ever gain.
    pub bounding: u64,
    /// Capabilities that it keeps across execve(2).
    pub ambient: u64,
    /// Whether execve(2) can give it anything.
    pub no_new_privileges: Fact<bool>,
    /// System call filters.
    pub filters: Fact<Filters>,
    /// Permissions that files it makes do not get.
    pub umask: Fact<u32>,
    /// Processors that it may run on.
    pub processors: Fact<BTreeSet<u32>>,
}

/// The state of seccomp(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filters {
    /// 0 for none, 1 for strict, 2 for filters.
    pub mode: u32,
    /// How many filters; the kernel tells since 5.9.
    pub count: Option<u32>,
}

impl Status {
    /// Reads the file; nothing where it lacks what every kernel since 4.3 writes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let lines: BTreeMap<&str, &str> = text
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(key, value)| (key, value.trim()))
            .gather();
        let value = |key: &str| lines.get(key).copied();
        let mask = |key: &str| u64::from_str_radix(value(key)?, 16).ok();
        let number = |key: &str| value(key)?.parse::<u32>().ok();
        let fact = Fact::from_option;
        Some(Self {
            users: four(value("Uid")?)?,
            groups: four(value("Gid")?)?,
            supplementary: value("Groups")?
                .split_ascii_whitespace()
                .filter_map(|id| id.parse::<u32>().ok())
                .gather(),
            permitted: mask("CapPrm")?,
            effective: mask("CapEff")?,
            bounding: mask("CapBnd")?,
            ambient: mask("CapAmb")?,
            no_new_privileges: Fact::from_option(number("NoNewPrivs").map(|flag| flag == 1)),
            filters: Fact::from_option(
                number("Seccomp").map(|mode| Filters { mode, count: number("Seccomp_filters") }),
            ),
            umask: fact(value("Umask").and_then(|mask| u32::from_str_radix(mask, 8).ok())),
            processors: Fact::from_option(value("Cpus_allowed_list").and_then(numbers)),
        })
    }
}

impl<T> Fact<T> {
    /// What the kernel says, if it says it.
    fn from_option(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Self::Known)
    }
}

fn four(text: &str) -> Option<[u32; 4]> {
    let ids: Vec<u32> = text.split_ascii_whitespace().filter_map(|id| id.parse().ok()).collect();
    ids.try_into().ok()
}

/// The highest number of a processor or memory node that is believed (`CONFIG_NR_CPUS` is at most 8192).
const HIGHEST: u32 = 8191;

/// `0-2,5`.
pub(crate) fn numbers(text: &str) -> Option<BTreeSet<u32>> {
    let mut set = BTreeSet::new();
    for part in text.trim().split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (first.parse::<u32>().ok()?, last.parse::<u32>().ok()?);
        if last > HIGHEST {
            return None;
        }
        set.extend(first..=last);
    }
    Some(set)
}
