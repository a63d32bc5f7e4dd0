//! Control groups: which processes are in one, and the files of its controllers (cgroups(7)).

use std::collections::BTreeMap;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::{Fact, read_text};
use crate::gather::Gather as _;

/// As many levels of groups below a unit's own are looked into.
const DEEPEST: u32 = 16;
/// As many processes of a unit are looked at.
const MOST: usize = 4096;

/// A line of /proc/PID/cgroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchy {
    /// The controllers of a hierarchy of version 1; none are version 2.
    pub controllers: Vec<String>,
    /// Where the process is in it.
    pub path: String,
}

impl Hierarchy {
    pub(super) fn parse(text: &str) -> Vec<Self> {
        let line = |line: &str| {
            let mut fields = line.splitn(3, ':').skip(1);
            let controllers = fields.next()?.split(',').filter(|name| !name.is_empty()).map(str::to_owned);
            Some(Self { controllers: controllers.collect(), path: fields.next()?.to_owned() })
        };
        text.lines().filter_map(line).collect()
    }
}

/// The control group of a unit.
#[derive(Clone, Debug)]
pub struct ControlGroup {
    /// Its path in the manager's hierarchy.
    pub path: String,
    /// Whether that hierarchy is of version 2.
    pub unified: bool,
    /// Its processes and those below it, in ascending order.
    pub processes: Vec<u32>,
    /// Files of its controllers.
    pub files: BTreeMap<&'static str, Fact<String>>,
}

/// A handle on the manager's hierarchy.
#[derive(Debug)]
pub struct ControlGroups {
    dir: Dir,
    unified: bool,
}

/// Opens the hierarchy by which the manager tells units apart, below /sys/fs/cgroup or a directory like it: version 2
/// alone, or beside version 1 (`unified`), or one of version 1 without controllers (`systemd`).
pub fn control_groups(path: impl AsRef<Path>) -> Option<ControlGroups> {
    let root = Dir::open_ambient_dir(path.as_ref(), ambient_authority()).ok()?;
    if root.exists("cgroup.controllers") {
        return Some(ControlGroups { dir: root, unified: true });
    }
    let below = |name: &str, unified| {
        let dir = root.open_dir(name).ok().filter(|dir| dir.exists("cgroup.procs"))?;
        Some(ControlGroups { dir, unified })
    };
    below("unified", true).or_else(|| below("systemd", false))
}

impl ControlGroups {
    /// The group at `path`, as the manager names it, with these files; nothing where there is none.
    pub fn read(&self, path: &str, files: impl IntoIterator<Item = &'static str>) -> Option<ControlGroup> {
        let dir = match path.trim_matches('/') {
            "" => self.dir.try_clone().ok()?,
            path => self.dir.open_dir(path).ok()?,
        };
        let mut processes = Vec::new();
        collect(&dir, DEEPEST, &mut processes);
        processes.sort_unstable();
        processes.dedup();
        let read = |file: &str| Fact::of(read_text(&dir, file)).map(|text| text.trim().to_owned());
        Some(ControlGroup {
            path: path.to_owned(),
            unified: self.unified,
            processes,
            files: files.into_iter().map(|file| (file, read(file))).gather(),
        })
    }
}

/// Groups come and go while they are read.
fn collect(dir: &Dir, depth: u32, processes: &mut Vec<u32>) {
    let listed = read_text(dir, "cgroup.procs").unwrap_or_default();
    // Those of another process namespace have no number here: 0.
    let numbers = listed.lines().filter_map(|line| line.parse::<u32>().ok()).filter(|pid| *pid != 0);
    processes.extend(numbers.take(MOST.saturating_sub(processes.len())));
    if depth == 0 || processes.len() >= MOST {
        return;
    }
    let Ok(entries) = dir.entries() else { return };
    for entry in entries.flatten() {
        let is_group = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if let (true, Ok(below)) = (is_group, entry.open_dir()) {
            collect(&below, depth - 1, processes);
        }
    }
}
