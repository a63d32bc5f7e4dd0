//! What the kernel tells about running processes: identity, capabilities, filters, namespaces, mounts, limits; and about
//! the control group that they run in.
//!
//! Answers what was read, and tells apart what is there, what the reader may not see and what this kernel does not have.
//! A process that ends while it is read was never there. What a directive makes of a fact is `evidence`'s.
//!
//! The files are those of proc(5) and of Documentation/filesystems/proc.rst as of Linux 6.18; all reads go through a
//! handle on the directory, so that a process's number cannot come to mean another one half-way.

mod control_group;
mod holdings;
mod mounts;
mod status;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use cap_std::ambient_authority;
use cap_std::fs::Dir;

pub use control_group::{ControlGroup, ControlGroups, Hierarchy, control_groups};
pub use holdings::{Holdings, Memory, Open};
pub use mounts::{Mount, Mounts};
pub(crate) use status::numbers;
pub use status::{Filters, Status};

use crate::catalogue::{LabelFile, Namespace};
use crate::gather::Gather as _;
use crate::unit_file::read_whole;
use crate::visible::text_of;

/// Something that the kernel may tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact<T> {
    /// It says this.
    Known(T),
    /// The reader may not know it (proc(5): PTRACE_MODE_READ).
    Denied,
    /// This kernel does not say it, or not in a form that is known.
    Missing,
    /// Nobody asked it.
    NotAsked,
}

/// What the kernel tells of a process in a file of its own, beside who it is and what it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// [`Process::limits`]
    Limits,
    /// One of [`Process::namespaces`]
    Namespace(Namespace),
    /// [`Process::user_map`]
    UserMap,
    /// [`Process::mounts`]
    Mounts,
    /// [`Process::oom_score_adjust`]
    OomScoreAdjust,
    /// [`Process::core_dumps`]
    CoreDumps,
    /// [`Process::personality`]
    Personality,
    /// [`Process::merges_pages`]
    MergesPages,
    /// One of [`Process::labels`]
    Label(LabelFile),
    /// [`Process::control_groups`]
    ControlGroups,
}

impl Part {
    /// Every part.
    pub fn all() -> BTreeSet<Self> {
        let plain = [
            Self::Limits,
            Self::UserMap,
            Self::Mounts,
            Self::OomScoreAdjust,
            Self::CoreDumps,
            Self::Personality,
            Self::MergesPages,
            Self::ControlGroups,
        ];
        let namespaces = Namespace::ALL.into_iter().map(Self::Namespace);
        let labels = LabelFile::ALL.into_iter().map(Self::Label);
        plain.into_iter().chain(namespaces).chain(labels).collect()
    }
}

/// One process, as it was at one moment; its parts as far as they were asked for.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its number, as the reader sees it.
    pub pid: u32,
    /// The first 15 bytes of what it calls itself.
    pub name: String,
    /// When it started, in clock ticks since the boot.
    pub started: u64,
    /// The file that it runs.
    pub program: Fact<String>,
    /// Who it is and what it may do.
    pub status: Status,
    /// The nice level.
    pub nice: i64,
    /// The real-time priority; 0 for a process without one.
    pub priority: i64,
    /// The number of the scheduling policy.
    pub policy: i64,
    /// Soft and hard limits by the names of /proc/PID/limits; [`u64::MAX`] is no limit.
    pub limits: Fact<BTreeMap<String, (u64, u64)>>,
    /// Inode numbers of its namespaces.
    pub namespaces: BTreeMap<Namespace, Fact<u64>>,
    /// How users of its user namespace are those of the reader's.
    pub user_map: Fact<String>,
    /// What is mounted for it.
    pub mounts: Fact<Arc<Mounts>>,
    /// How soon it is killed when memory runs out.
    pub oom_score_adjust: Fact<i64>,
    /// What its core dumps hold.
    pub core_dumps: Fact<u64>,
    /// Its execution domain.
    pub personality: Fact<u64>,
    /// Whether any of its memory may be merged with equal pages.
    pub merges_pages: Fact<bool>,
    /// What security modules call it.
    pub labels: BTreeMap<LabelFile, Fact<String>>,
    /// Its control groups.
    pub control_groups: Fact<Vec<Hierarchy>>,
}

impl Process {
    /// Whether it is a manager's child that has not become the service's program yet, or never will: the manager calls
    /// such children `(NAME)`, and `(sd-pam)` stays.
    pub fn is_manager_child(&self) -> bool {
        let is_systemd = |path: &String| {
            let file = path.rsplit('/').next().unwrap_or(path);
            matches!(file, "systemd" | "systemd-executor")
        };
        match &self.program {
            Fact::Known(path) => self.name.starts_with('(') && is_systemd(path),
            Fact::Denied | Fact::Missing | Fact::NotAsked => self.name.starts_with('('),
        }
    }

    /// The inode number of a namespace.
    pub fn namespace(&self, kind: Namespace) -> &Fact<u64> {
        self.namespaces.get(&kind).unwrap_or(&Fact::NotAsked)
    }
}

/// The processes of a kernel, below /proc or a directory like it.
#[derive(Debug)]
pub struct Processes {
    dir: Dir,
    /// The mounts of each mount namespace that was met: long lists that many processes share.
    mounts: RefCell<BTreeMap<u64, Arc<Mounts>>>,
}

impl Processes {
    /// Opens `path`, which is /proc but for tests.
    pub fn open(path: impl AsRef<Path>) -> anyhow::Result<Self> {
        let path = path.as_ref();
        let dir = Dir::open_ambient_dir(path, ambient_authority())
            .with_context(|| format!("cannot open `{}`", path.display()))?;
        Ok(Self { dir, mounts: RefCell::default() })
    }

    /// What is known of a process, and these parts; nothing of one that is gone, or that only waits to be asked how it
    /// ended.
    pub fn read(&self, pid: u32, parts: &BTreeSet<Part>) -> Option<Process> {
        let dir = self.dir.open_dir(pid.to_string()).ok()?;
        let before = Stat::read(&dir).filter(Stat::lives)?;
        let Fact::Known(status) = text(&dir, "status") else { return None };
        let status = Status::parse(&status)?;
        let asked = Asked { dir: &dir, parts };
        let namespaces = asked.each(Namespace::ALL, Part::Namespace, |kind| namespace(&dir, kind));
        let mounts = asked.part(Part::Mounts, || self.mounts(&dir, namespaces.get(&Namespace::Mount)));
        let process = Process {
            pid,
            program: link(&dir, "exe"),
            status,
            limits: asked.text(Part::Limits, "limits").map(|text| limits(&text)),
            namespaces,
            user_map: asked.text(Part::UserMap, "uid_map"),
            mounts,
            oom_score_adjust: asked
                .text(Part::OomScoreAdjust, "oom_score_adj")
                .and_then(|text| number(&text)),
            core_dumps: asked.text(Part::CoreDumps, "coredump_filter").and_then(|text| hexadecimal(&text)),
            personality: asked.text(Part::Personality, "personality").and_then(|text| hexadecimal(&text)),
            merges_pages: asked.text(Part::MergesPages, "ksm_stat").and_then(|text| merges(&text)),
            labels: asked.each(LabelFile::ALL, Part::Label, |module| label(&dir, module)),
            control_groups: asked.text(Part::ControlGroups, "cgroup").map(|text| Hierarchy::parse(&text)),
            name: before.name.clone(),
            started: before.started,
            nice: before.nice,
            priority: before.priority,
            policy: before.policy,
        };
        // What was read of a process that has ended meanwhile may be half of it.
        Stat::read(&dir).filter(|after| after.lives() && after.started == before.started)?;
        Some(process)
    }

    /// What a process holds; nothing of one that is gone.
    pub fn holdings(&self, pid: u32) -> Option<Holdings> {
        let dir = self.dir.open_dir(pid.to_string()).ok()?;
        Stat::read(&dir).filter(Stat::lives)?;
        Holdings::read(&dir)
    }

    /// Who every process is, by its number; those that end meanwhile were never there.
    pub fn statuses(&self) -> BTreeMap<u32, Status> {
        let Ok(entries) = self.dir.entries() else { return BTreeMap::new() };
        let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let read = |pid: u32| match text(&self.dir, &format!("{pid}/status")) {
            Fact::Known(status) => Some((pid, Status::parse(&status)?)),
            Fact::Denied | Fact::Missing | Fact::NotAsked => None,
        };
        numbers.filter_map(read).gather()
    }

    fn mounts(&self, dir: &Dir, namespace: Option<&Fact<u64>>) -> Fact<Arc<Mounts>> {
        let known = match namespace {
            Some(Fact::Known(number)) => Some(*number),
            _ => None,
        };
        if let Some(mounts) = known.and_then(|number| self.mounts.borrow().get(&number).cloned()) {
            return Fact::Known(mounts);
        }
        let mounts = text(dir, "mountinfo").map(|text| Arc::new(Mounts::parse(&text)));
        if let (Some(number), Fact::Known(mounts)) = (known, &mounts) {
            self.mounts.borrow_mut().insert(number, Arc::clone(mounts));
        }
        mounts
    }
}

impl<T> Fact<T> {
    /// Another fact that follows.
    pub fn map<U>(self, follow: impl FnOnce(T) -> U) -> Fact<U> {
        self.and_then(|value| Some(follow(value)))
    }

    /// Another fact that follows where the value is understood.
    pub fn and_then<U>(self, follow: impl FnOnce(T) -> Option<U>) -> Fact<U> {
        match self {
            Self::Known(value) => follow(value).map_or(Fact::Missing, Fact::Known),
            Self::Denied => Fact::Denied,
            Self::Missing => Fact::Missing,
            Self::NotAsked => Fact::NotAsked,
        }
    }

    fn of(result: io::Result<T>) -> Self {
        match result {
            Ok(value) => Self::Known(value),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Self::Denied,
            Err(_) => Self::Missing,
        }
    }
}

/// The parts that are asked for of a process.
struct Asked<'a> {
    dir: &'a Dir,
    parts: &'a BTreeSet<Part>,
}

impl Asked<'_> {
    fn part<T>(&self, part: Part, read: impl FnOnce() -> Fact<T>) -> Fact<T> {
        if self.parts.contains(&part) { read() } else { Fact::NotAsked }
    }

    fn text(&self, part: Part, file: &str) -> Fact<String> {
        self.part(part, || text(self.dir, file))
    }

    /// Those of several alike.
    fn each<K: Copy + Ord, T>(
        &self,
        kinds: impl IntoIterator<Item = K>,
        part: impl Fn(K) -> Part,
        read: impl Fn(K) -> Fact<T>,
    ) -> BTreeMap<K, Fact<T>> {
        let asked = kinds.into_iter().filter(|kind| self.parts.contains(&part(*kind)));
        asked.map(|kind| (kind, read(kind))).gather()
    }
}

/// The fields of /proc/PID/stat that are asked for (proc_pid_stat(5)).
struct Stat {
    name: String,
    state: String,
    nice: i64,
    started: u64,
    priority: i64,
    policy: i64,
}

impl Stat {
    fn read(dir: &Dir) -> Option<Self> {
        let Fact::Known(text) = text(dir, "stat") else { return None };
        // The name stands in parentheses and may hold some itself.
        let (front, back) = text.rsplit_once(')')?;
        let (_, name) = front.split_once('(')?;
        // The third field of the manual is the first one here.
        let fields: Vec<&str> = back.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3).copied();
        Some(Self {
            name: name.to_owned(),
            state: field(3)?.to_owned(),
            nice: field(19)?.parse().ok()?,
            started: field(22)?.parse().ok()?,
            priority: field(40)?.parse().ok()?,
            policy: field(41)?.parse().ok()?,
        })
    }

    fn lives(&self) -> bool {
        !matches!(self.state.as_str(), "Z" | "X" | "x")
    }
}

/// The largest file of /proc and of control groups in bytes that is read. Mounts, sockets and processes are as many as
/// somebody made them; a hundred thousand of them take about half of it.
const MAX_SIZE: u64 = 16 << 20;

/// A file of /proc, or of one like it, as text; an error above [`MAX_SIZE`].
pub(crate) fn read_text(dir: &Dir, file: &str) -> io::Result<String> {
    let mut bytes = Vec::new();
    read_whole(&dir.open(file)?.into_std(), MAX_SIZE, &mut bytes)?;
    Ok(text_of(&bytes))
}

fn text(dir: &Dir, file: &str) -> Fact<String> {
    Fact::of(read_text(dir, file))
}

fn number(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

fn hexadecimal(text: &str) -> Option<u64> {
    u64::from_str_radix(text.trim(), 16).ok()
}

/// What a link of the kernel's names; such a link is read and never followed.
fn link(dir: &Dir, file: &str) -> Fact<String> {
    Fact::of(dir.read_link_contents(file)).map(|target| target.to_string_lossy().into_owned())
}

/// `mnt:[4026531841]`: one device holds all namespaces, so that the inode number alone tells them apart.
fn namespace(dir: &Dir, kind: Namespace) -> Fact<u64> {
    link(dir, &format!("ns/{}", kind.file())).and_then(|target| {
        let (_, number) = target.split_once(":[")?;
        number.strip_suffix(']')?.parse().ok()
    })
}

/// `Max open files            1024                 524288               files`: names hold blanks, columns do not.
fn limits(text: &str) -> BTreeMap<String, (u64, u64)> {
    let value = |word: &str| if word == "unlimited" { Some(u64::MAX) } else { word.parse().ok() };
    let row = |line: &str| {
        let (name, values) = line.split_once("  ")?;
        let mut values = values.split_ascii_whitespace().filter_map(value);
        Some((name.to_owned(), (values.next()?, values.next()?)))
    };
    text.lines().filter_map(row).gather()
}

fn merges(text: &str) -> Option<bool> {
    let line = text.lines().find_map(|line| line.strip_prefix("ksm_merge_any:"))?;
    Some(line.trim() == "yes")
}

fn label(dir: &Dir, module: LabelFile) -> Fact<String> {
    text(dir, module.file()).map(|text| text.trim_end_matches(['\0', '\n']).to_owned())
}

#[cfg(test)]
mod tests;
