//! Sightings of the processes of a running service: who they are, what they hold, map, open and listen on.
//!
//! Pure: what the kernel says comes in, sightings come out. Numbers of processes and addresses of memory stand in none of
//! them, so that the same service gives the same words.

use std::collections::BTreeSet;

use super::table::HINTS;
use super::{Sighting, Sign};
use crate::catalogue::{EVERYBODYS_DEVICES, Namespace};
use crate::gather::Gather as _;
use crate::listeners::{Address, Families, Held, Holder};
use crate::manifest::words::Protocol;
use crate::process::{Fact, Holdings, Open, Process};
use crate::value::capabilities;

/// One process with what it holds, where that may be seen.
pub(crate) struct Seen {
    pub(crate) process: Process,
    pub(crate) holdings: Option<Holdings>,
    pub(crate) families: Option<Families>,
}

/// A running service.
pub(crate) struct Scene<'s> {
    /// Its processes, in the order of their numbers.
    pub(crate) processes: Vec<Seen>,
    /// The manager's own process, as what a process is like before it does anything.
    pub(crate) manager: Option<Process>,
    /// What they listen on.
    pub(crate) held: Held,
    /// The files of programs that its unit names.
    pub(crate) own: BTreeSet<String>,
    /// Whether its first process is root's.
    pub(crate) starts_as_root: bool,
    /// The name of a user.
    pub(crate) user: &'s dyn Fn(u32) -> String,
    /// What stands under a path.
    pub(crate) file: &'s dyn Fn(&str) -> Option<File>,
    /// Whether somebody else makes a path at every boot.
    pub(crate) is_made: &'s dyn Fn(&str) -> bool,
    /// Directories of state that belong to somebody but root, with the owner.
    pub(crate) owned: Vec<(String, u32)>,
    /// The file in which it writes its main process's number, where the unit names one.
    pub(crate) pid_file: Option<String>,
}

/// What is known of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) kind: FileKind,
    pub(crate) owner: u32,
    pub(crate) group: u32,
    /// Type and permission bits.
    pub(crate) mode: u32,
}

/// The kinds that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    Regular,
    Directory,
    Device,
    Other,
}

/// Collects, each thing once.
struct Sightings(Vec<Sighting>);

impl Sightings {
    fn see(&mut self, sign: Sign, thing: &str, source: String) {
        if !self.0.iter().any(|known| known.sign == sign && known.thing == thing) {
            self.0.push(Sighting { sign, thing: thing.to_owned(), source, is_listed: false });
        }
    }
}

/// What the processes show.
pub(crate) fn sightings(scene: &Scene<'_>) -> Vec<Sighting> {
    let mut seen = Sightings(Vec::new());
    for one in &scene.processes {
        identity(scene, one, &mut seen);
        behaviour(scene, one, &mut seen);
        if let Some(holdings) = &one.holdings {
            memory(scene, one, holdings, &mut seen);
            files(scene, one, holdings, &mut seen);
        }
        if let Some(families) = &one.families {
            sockets(scene, one, families, &mut seen);
        }
    }
    listeners(scene, &mut seen);
    state(scene, &mut seen);
    seen.0
}

fn identity(scene: &Scene<'_>, one: &Seen, seen: &mut Sightings) {
    let (process, status) = (&one.process, &one.process.status);
    let name = &process.name;
    let [real, effective, saved, _] = status.users;
    if scene.starts_as_root && effective != 0 {
        let user = (scene.user)(effective);
        let source =
            format!("`{name}` runs as {user}, and the unit starts it as root (/proc/PID/status: Uid)");
        seen.see(Sign::Became, &user, source);
    }
    let is_child = |other: &&Seen| {
        let parent = other.holdings.as_ref().map(|holdings| holdings.parent);
        parent == Some(process.pid) && other.process.status.users[1] != 0
    };
    if effective == 0
        && let Some(child) = scene.processes.iter().find(is_child)
    {
        let user = (scene.user)(child.process.status.users[1]);
        let source =
            format!("`{name}`, which runs as root, has children of {user} to signal (/proc/PID/stat: ppid)");
        seen.see(Sign::Signals, &user, source);
    }
    if let Fact::Known(program) = &process.program {
        let is_set_id = (scene.file)(program).is_some_and(|file| file.mode & 0o6000 != 0);
        if real != 0 && real != effective || is_set_id {
            let source =
                format!("{program} runs, which is set-id or runs as another user than who started it");
            seen.see(Sign::RunsSetId, program, source);
        }
        let is_library = ["/usr/lib", "/lib"].iter().any(|folder| program.starts_with(folder));
        if !is_library && !scene.own.contains(program) {
            seen.see(Sign::Runs, program, format!("{program} runs (/proc/PID/exe)"));
        }
    }
    // Root has all, also while it stands in for somebody else; what is kept by whom root became, or by a root that gave
    // up the rest, is wanted.
    let kept = status.permitted & status.bounding;
    let same_users = scene.manager.as_ref().is_none_or(|manager| manager.user_map == process.user_map);
    let is_root = [real, effective, saved].contains(&0);
    if same_users && (!is_root || kept != status.bounding) {
        for capability in capabilities(kept) {
            let known =
                HINTS.iter().any(|hint| hint.sign == Sign::Holds && hint.things.contains(&capability));
            let source = format!("`{name}` keeps {capability} (/proc/PID/status: CapPrm)");
            seen.see(if known { Sign::Holds } else { Sign::HoldsOther }, capability, source);
        }
    }
}

/// Policies with real-time priority: SCHED_FIFO, SCHED_RR, SCHED_DEADLINE (include/uapi/linux/sched.h).
const REALTIME: [i64; 3] = [1, 2, 6];

fn behaviour(scene: &Scene<'_>, one: &Seen, seen: &mut Sightings) {
    let process = &one.process;
    let name = &process.name;
    let Some(manager) = &scene.manager else { return };
    if process.personality != manager.personality
        && let Fact::Known(number) = process.personality
    {
        let source = format!("`{name}` has the personality {number:08x} (/proc/PID/personality)");
        seen.see(Sign::Personality, "", source);
    }
    if REALTIME.contains(&process.policy) && manager.policy != process.policy {
        let source = format!("`{name}` has real-time priority {} (/proc/PID/stat)", process.priority);
        seen.see(Sign::Realtime, "", source);
    }
    if process.nice < manager.nice.min(0) {
        seen.see(Sign::Nice, "", format!("`{name}` has the nice level {} (/proc/PID/stat)", process.nice));
    }
    let first = scene.processes.first().map_or(process, |first| &first.process);
    for (kind, word) in KINDS {
        if let (Fact::Known(own), Fact::Known(other)) = (process.namespace(kind), first.namespace(kind))
            && own != other
        {
            let source =
                format!("`{name}` lives in another {word} namespace than `{}` (/proc/PID/ns)", first.name);
            seen.see(Sign::Made, word, source);
        }
    }
}

/// Namespaces by the words of the manifest.
const KINDS: [(Namespace, &str); 7] = [
    (Namespace::Mount, "mnt"),
    (Namespace::Network, "net"),
    (Namespace::Ipc, "ipc"),
    (Namespace::Process, "pid"),
    (Namespace::User, "user"),
    (Namespace::HostName, "uts"),
    (Namespace::ControlGroup, "cgroup"),
];

fn memory(scene: &Scene<'_>, one: &Seen, holdings: &Holdings, seen: &mut Sightings) {
    let name = &one.process.name;
    let Fact::Known(memory) = &holdings.memory else { return };
    for what in &memory.writable_code {
        let what = if what.is_empty() { "memory of no file" } else { what };
        let source = format!("`{name}` has {what} mapped writable and executable at once (/proc/PID/maps)");
        seen.see(Sign::WritesCode, "", source);
    }
    for path in &memory.code {
        let is_system = ["/usr/lib", "/lib"].iter().any(|folder| path.starts_with(folder));
        let is_program = one.process.program == Fact::Known(path.clone());
        let exists = (scene.file)(path).is_some_and(|file| file.kind == FileKind::Regular);
        if !is_system && !is_program && exists {
            seen.see(Sign::LoadsCode, path, format!("`{name}` runs code of {path} (/proc/PID/maps)"));
        }
    }
}

/// Terminals, which are no devices of a service's own.
const TERMINALS: [&str; 3] = ["/dev/tty", "/dev/ptmx", "/dev/console"];

fn files(scene: &Scene<'_>, one: &Seen, holdings: &Holdings, seen: &mut Sightings) {
    let name = &one.process.name;
    if let Fact::Known(root) = &holdings.root
        && root != "/"
    {
        seen.see(Sign::Root, root, format!("`{name}` has {root} as its root (/proc/PID/root)"));
    }
    let Fact::Known(open) = &holdings.open else { return };
    for file in open {
        let target = &file.target;
        let source = || format!("`{name}` has {target} open (/proc/PID/fd)");
        match target.as_str() {
            // The names that the kernel gives (kernel/bpf/syscall.c, kernel/events/core.c).
            kind if kind.starts_with("anon_inode:bpf") => seen.see(Sign::HoldsBpf, "", source()),
            "anon_inode:[perf_event]" => seen.see(Sign::HoldsPerf, "", source()),
            "/dev/kmsg" | "/proc/kmsg" if file.reads => seen.see(Sign::ReadsLog, "", source()),
            path if path.starts_with('/') => at(scene, one, file, seen),
            _ => {}
        }
    }
}

fn at(scene: &Scene<'_>, one: &Seen, open: &Open, seen: &mut Sightings) {
    let (name, path) = (&one.process.name, open.target.as_str());
    let below = |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    let Some(file) = (scene.file)(path) else { return };
    let for_writing = || format!("`{name}` has {path} open for writing (/proc/PID/fd)");
    if below("/dev") && file.kind == FileKind::Device {
        if !EVERYBODYS_DEVICES.contains(&path) && !TERMINALS.contains(&path) && !below("/dev/pts") {
            let access = if open.writes { "rw" } else { "r" };
            let source = format!("`{name}` has {path} open (/proc/PID/fd)");
            seen.see(Sign::OpensDevice, &format!("{path} {access}"), source);
        }
        return;
    }
    if below("/sys/fs/cgroup") && open.writes {
        seen.see(Sign::ChangesGroups, "", for_writing());
    } else if (below("/proc/sys") || below("/sys")) && open.writes {
        seen.see(Sign::WritesTunable, "", for_writing());
    }
    if file.kind != FileKind::Regular || below("/proc") || below("/sys") || below("/dev") {
        return;
    }
    if below("/home") || below("/root") || below("/run/user") {
        let sign = if open.writes { Sign::WritesHome } else { Sign::ReadsHome };
        seen.see(sign, "", format!("`{name}` has {path} open (/proc/PID/fd)"));
        return;
    }
    if open.writes {
        grant(scene, path, for_writing(), seen);
    }
    others(scene, one, open, file, seen);
}

/// Files that root reaches only because permissions do not hold for it.
fn others(scene: &Scene<'_>, one: &Seen, open: &Open, file: File, seen: &mut Sightings) {
    let (name, path) = (&one.process.name, &open.target);
    let status = &one.process.status;
    if status.users[1] != 0 {
        return;
    }
    let grants = |file: File| {
        let is_member = file.group == status.groups[1] || status.supplementary.contains(&file.group);
        match (file.owner == 0, is_member) {
            (true, _) => file.mode >> 6 & 7,
            (_, true) => file.mode >> 3 & 7,
            (_, false) => file.mode & 7,
        }
    };
    let who = (scene.user)(file.owner);
    let mode = file.mode & 0o7777;
    if open.writes && grants(file) & 2 == 0 {
        let source =
            format!("`{name}`, which runs as root, writes {path}, which is {who}'s with mode {mode:04o}");
        seen.see(Sign::WritesOthers, "", source);
    } else if open.reads && grants(file) & 4 == 0 {
        let source =
            format!("`{name}`, which runs as root, reads {path}, which is {who}'s with mode {mode:04o}");
        seen.see(Sign::ReadsOthers, "", source);
    }
    let folders = std::path::Path::new(path).ancestors().skip(1);
    let closed = folders.filter_map(|folder| {
        let folder = folder.to_string_lossy();
        (scene.file)(&folder).filter(|file| grants(*file) & 1 == 0).map(|_| folder.into_owned())
    });
    if let Some(folder) = closed.last() {
        let source = format!("`{name}`, which runs as root, has {path} open, and {folder} is closed to it");
        seen.see(Sign::ReadsOthers, "", source);
    }
}

/// Below these each service has a place of its own.
const SHARED_FOLDERS: [&str; 7] =
    ["/var/lib", "/var/log", "/var/cache", "/var/spool", "/run", "/srv", "/var"];

/// Says that a file is written, as the place of its own in which it lies.
fn grant(scene: &Scene<'_>, path: &str, source: String, seen: &mut Sightings) {
    let path = path.strip_prefix("/var/run/").map_or(path.to_owned(), |rest| format!("/run/{rest}"));
    let place = SHARED_FOLDERS.iter().find_map(|folder| {
        let rest = path.strip_prefix(folder)?.strip_prefix('/')?;
        let first = rest.split('/').next()?;
        Some(format!("{folder}/{first}"))
    });
    let place = place.unwrap_or_else(|| path.clone());
    let is_folder =
        place != path || (scene.file)(&place).is_some_and(|file| file.kind == FileKind::Directory);
    // What lies in /run is gone at the next boot: somebody must make it again.
    let vanishes = place.starts_with("/run/") && !(scene.is_made)(&place);
    let mark = if vanishes { '+' } else { '-' };
    let slash = if is_folder { "/" } else { "" };
    seen.see(Sign::Writes, &format!("{mark}{place}{slash}"), source);
}

fn sockets(scene: &Scene<'_>, one: &Seen, families: &Families, seen: &mut Sightings) {
    let name = &one.process.name;
    let listens = scene.held.by_address.keys().any(|address| matches!(address, Address::Ip(..)));
    for (family, table) in &families.families {
        // Sockets that wait are told by their addresses.
        if family.starts_with("AF_INET") && listens {
            continue;
        }
        let source = format!("`{name}` holds a socket of {family} (/proc/PID/net/{table})");
        seen.see(Sign::Speaks, family, source);
    }
    if families.raw && !families.families.contains_key("AF_PACKET") {
        let source = format!("`{name}` holds a raw socket (/proc/PID/net/raw)");
        seen.see(Sign::HoldsOther, "CAP_NET_RAW", source);
    }
}

fn listeners(scene: &Scene<'_>, seen: &mut Sightings) {
    let mut local: Vec<(String, String)> = Vec::new();
    for (address, holder) in &scene.held.by_address {
        let Holder::Process(pid, name) = holder else { continue };
        let source = |end: &str| format!("`{name}` listens on {end} (/proc/PID/net)");
        match address {
            Address::Ip(Protocol::Udp, at) if scene.held.ephemeral.contains(&at.port()) => {}
            Address::Ip(protocol, at) => {
                let end = if at.ip().is_unspecified() {
                    format!("{protocol} {}", at.port())
                } else {
                    format!("{protocol} {at}")
                };
                seen.see(Sign::Listens, &end, source(&address.to_string()));
            }
            Address::Abstract(socket) => {
                seen.see(Sign::Listens, &format!("unix @{socket}"), source(&address.to_string()));
            }
            Address::Unix(path) => {
                let holder = scene.processes.iter().find(|one| one.process.pid == *pid);
                let directory =
                    holder.and_then(|one| one.holdings.as_ref()).map(|holdings| &holdings.directory);
                let path = match directory {
                    Some(Fact::Known(directory)) if !path.starts_with('/') => format!("{directory}/{path}"),
                    _ => path.clone(),
                };
                local.push((path, name.clone()));
            }
        }
    }
    for (path, name) in &local {
        let Some((folder, _)) = path.rsplit_once('/').filter(|_| path.starts_with('/')) else { continue };
        let source = format!("`{name}` listens on unix {path} (/proc/PID/net/unix)");
        if ["/tmp", "/var/tmp"].iter().any(|tmp| folder == *tmp || folder.starts_with(&format!("{tmp}/"))) {
            seen.see(Sign::SharesTmp, "", source.clone());
        } else {
            grant(scene, path, source.clone(), seen);
        }
        // Many sockets of one folder are one statement.
        let beside =
            local.iter().filter(|(other, _)| other.rsplit_once('/').is_some_and(|(f, _)| f == folder));
        let end = if beside.count() > 2 { format!("unix {folder}/") } else { format!("unix {path}") };
        seen.see(Sign::Listens, &end, source);
    }
}

/// Directories of state that belong to whom the service runs as.
fn state(scene: &Scene<'_>, seen: &mut Sightings) {
    let users: BTreeSet<u32> = scene.processes.iter().map(|one| one.process.status.users[1]).gather();
    for (path, owner) in scene.owned.iter().filter(|(_, owner)| users.contains(owner)) {
        let source = format!("{path} belongs to {}, as whom it runs", (scene.user)(*owner));
        grant(scene, path, source, seen);
    }
    if let Some(path) = &scene.pid_file {
        grant(scene, path, format!("the unit reads the number of its process from {path}"), seen);
    }
}
