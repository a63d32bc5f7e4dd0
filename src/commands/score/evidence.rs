//! Where the evidence of a unit comes from on this host: its manager's words, /proc, /sys/fs/cgroup and files.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use crate::bus::{Manager, Properties};
use crate::bus_value::BusValue;
use crate::context::Scope;
use crate::evidence::{self, Evidence, Scene};
use crate::gather::Gather as _;
use crate::posture::Posture;
use crate::process::{ControlGroups, Part, Process, Processes, control_groups};
use crate::unit_file::{Links, Root};

/// The kernel of this host, and the manager whose processes are looked at.
pub(super) struct Kernel {
    processes: Processes,
    control_groups: Option<ControlGroups>,
    manager: Option<Process>,
    container: Option<String>,
    users: BTreeMap<String, u32>,
    groups: BTreeMap<String, u32>,
    root: Root,
}

impl Kernel {
    /// Opens /proc and /sys/fs/cgroup, and finds the manager's own process.
    pub(super) fn open(manager: &Manager, scope: Scope) -> anyhow::Result<Self> {
        let processes = Processes::open("/proc")?;
        let control_groups = control_groups("/sys/fs/cgroup");
        let own = manager.own_properties();
        let process = match scope {
            Scope::System => processes.read(1, &Part::all()),
            // A user's manager has a control group of its own beside those of its units.
            Scope::User => own.text("ControlGroup").and_then(|group| {
                let group = control_groups.as_ref()?.read(&format!("{group}/init.scope"), [])?;
                let read = |pid: &u32| processes.read(*pid, &Part::all());
                group.processes.iter().filter_map(read).find(|found| !found.is_manager_child())
            }),
        };
        let container =
            own.text("Virtualization").filter(|name| CONTAINERS.contains(name)).map(str::to_owned);
        let root = Root::open("/")?;
        let (users, groups) = (numbers(&root, "/etc/passwd"), numbers(&root, "/etc/group"));
        Ok(Self { processes, control_groups, manager: process, container, users, groups, root })
    }

    /// What the kernel shows of a unit's settings; nothing where none of its processes is found.
    pub(super) fn evidence(
        &self,
        manager: &Manager,
        properties: &Properties,
        posture: &Posture,
    ) -> Vec<Evidence> {
        let number = |name: &str| properties.get(name).and_then(BusValue::as_unsigned);
        let id = |name: &str| number(name).and_then(|id| u32::try_from(id).ok()).filter(|id| *id != u32::MAX);
        let main = id("MainPID").filter(|pid| *pid != 0);
        let files = evidence::control_files(posture);
        let path = properties.text("ControlGroup").filter(|path| !path.is_empty());
        let control_group =
            path.zip(self.control_groups.as_ref()).and_then(|(path, groups)| groups.read(path, files));
        let numbers = control_group.as_ref().map(|group| group.processes.clone()).unwrap_or_default();
        // Where the main process is not among them, the manager speaks of another kernel's processes.
        if main.is_some_and(|main| !numbers.contains(&main)) {
            return Vec::new();
        }
        let parts = evidence::process_parts(posture, control_group.as_ref());
        let processes: Vec<Process> = numbers
            .into_iter()
            .filter_map(|pid| self.processes.read(pid, &parts))
            .filter(|process| !process.is_manager_child())
            .collect();
        let scene = Scene {
            processes,
            main,
            manager: self.manager.clone(),
            control_group,
            ids: (id("UID"), id("GID")),
            users: self.users.clone(),
            groups: self.groups.clone(),
            feature: &|name| manager.feature(name),
            container: self.container.clone(),
            exempt: exempt(properties),
            changed: self.changed(properties),
            resolve: &|path| self.resolve(path),
        };
        evidence::judge(posture, &scene)
    }

    /// Whether files that the manager has read by now are newer than the main process.
    fn changed(&self, properties: &Properties) -> bool {
        let started = properties.get("ExecMainStartTimestamp").and_then(BusValue::as_unsigned).unwrap_or(0);
        if started == 0 || properties.needs_daemon_reload() != Some(false) {
            return false;
        }
        let newer = |path: &str| {
            let written =
                self.root.metadata(Path::new(path), Links::Follow).ok()??.modified().ok()?.into_std();
            let since = written.duration_since(SystemTime::UNIX_EPOCH).ok()?;
            Some(since.as_micros() > u128::from(started))
        };
        let paths = properties.fragment_path().into_iter().chain(properties.drop_in_paths());
        paths.filter_map(newer).any(|newer| newer)
    }

    fn resolve(&self, path: &str) -> Option<String> {
        let path = self.root.resolve(Path::new(path), Links::Follow).ok()?;
        self.root.kind(&path, Links::Keep).ok()??;
        Some(path.to_string_lossy().into_owned())
    }
}

/// The containers that systemd knows (systemd-detect-virt(1)).
const CONTAINERS: [&str; 11] = [
    "container-other",
    "docker",
    "lxc",
    "lxc-libvirt",
    "openvz",
    "podman",
    "pouch",
    "proot",
    "rkt",
    "systemd-nspawn",
    "wsl",
];

/// `NAME:PASSWORD:NUMBER:…` (passwd(5), group(5)).
fn numbers(root: &Root, path: &str) -> BTreeMap<String, u32> {
    let bytes = root.read(Path::new(path)).ok().flatten().unwrap_or_default();
    let entry = |line: &str| {
        let mut fields = line.split(':');
        Some((fields.next()?.to_owned(), fields.nth(1)?.parse().ok()?))
    };
    String::from_utf8_lossy(&bytes).lines().filter_map(entry).gather()
}

/// Why nothing or not everything is applied to the main process: flags of its command line (systemd.service(5)).
fn exempt(properties: &Properties) -> Option<String> {
    let commands = properties.get("ExecStartEx")?.members()?;
    let has = |flag: &str| {
        commands.iter().any(|command| {
            let flags = command.members().and_then(|fields| fields.get(2)).and_then(BusValue::as_texts);
            flags.is_some_and(|flags| flags.contains(&flag))
        })
    };
    if has("privileged") {
        Some("its command line has `+`, which nothing confines".to_owned())
    } else if has("no-setuid") {
        Some("its command line has `!`, which leaves users, groups and capabilities as they are".to_owned())
    } else {
        None
    }
}
