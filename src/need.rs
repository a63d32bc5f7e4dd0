//! The needs, one row each: what a service may have to be allowed. The manifest states them (a stated need with its
//! parameters becomes one or more of these), rows of the catalogue yield to them; nothing here knows either.

use std::fmt;

/// One thing that a service needs. Where the manifest's vocabulary has one word with a choice (`others-files` with
/// `access`), each choice is a need of its own here, so that a row can yield to exactly it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant's meaning is the summary of its row")]
pub enum Need {
    StartsAsRoot,
    BecomesUsers,
    SignalsOthers,
    IdentifiesPeers,
    ReadsOthersFiles,
    WritesOthersFiles,
    OwnsOthersFiles,
    UsesPam,
    SendsMailSetgid,
    SendsMailSetuid,
    SendsMailSmtp,
    RunsSetuid,
    RunsPrograms,
    RunsHooks,
    StartsSessions,
    GeneratesCode,
    LoadsPlugins,
    UnpacksArchives,
    ForeignAbi,
    ForeignAbiKnown,
    MakesSandboxes,
    MakesSandboxesPrivileged,
    Chroots,
    Writes,
    KeepsReadOnly,
    ReadsHomes,
    WritesHomes,
    ReadsAdminPaths,
    WritesAdminPaths,
    SharesTmp,
    MeasuresFilesystems,
    MakesMounts,
    SeesProcesses,
    InspectsProcesses,
    HostStatistics,
    Devices,
    KernelTunables,
    KernelModules,
    KernelLog,
    KernelClock,
    KernelClockRead,
    KernelHostname,
    KernelHostnameFollow,
    KernelCgroups,
    KernelRawIo,
    KernelBpf,
    KernelPerf,
    KernelReboot,
    Realtime,
    Nice,
    Limits,
    LockedMemory,
    SharesIpc,
    SharesIpcOutside,
    UsesIp,
    UsesLoopback,
    UsesAddress,
    BindsPort,
    BindsLowPort,
    JoinsNetwork,
    AbstractSockets,
    AcceptsFrom,
    Interfaces,
    NetworkAdmin,
    NetworkRaw,
    Capabilities,
    SystemCalls,
    Executes,
    EarlyBoot,
}

/// What is known of a need.
#[derive(Clone, Copy)]
pub struct NeedRow {
    /// The need.
    pub need: Need,
    /// The word of the manifest that states or denies it, with the choice after a dot where there is one.
    pub id: &'static str,
    /// The names of the parameters that a row's template may use.
    pub parameters: &'static [&'static str],
    /// What the service does, in a sentence without its end.
    pub summary: &'static str,
    /// What the service could do instead where the need opens too much.
    pub alternative: Option<&'static Alternative>,
}

/// Another way to what a need is for.
pub struct Alternative {
    /// What the manifest would say.
    pub says: &'static str,
    /// The needs that stand in.
    pub needs: &'static [Need],
}

/// Mail by way of a server on this machine.
static BY_SMTP: Alternative =
    Alternative { says: "by = \"smtp\"", needs: &[Need::SendsMailSmtp, Need::UsesLoopback] };

const fn row(need: Need, id: &'static str, summary: &'static str) -> NeedRow {
    NeedRow { need, id, parameters: &[], summary, alternative: None }
}

const fn or(row: NeedRow, alternative: &'static Alternative) -> NeedRow {
    NeedRow { alternative: Some(alternative), ..row }
}

const fn with(
    need: Need,
    id: &'static str,
    parameters: &'static [&'static str],
    summary: &'static str,
) -> NeedRow {
    NeedRow { need, id, parameters, summary, alternative: None }
}

/// Every need, in the order of the manual.
pub static NEEDS: &[NeedRow] = &[
    row(Need::StartsAsRoot, "starts-as-root", "its first process runs as root"),
    row(Need::BecomesUsers, "becomes-users", "it changes to other users"),
    row(Need::SignalsOthers, "becomes-users.signals", "it signals processes of other users"),
    row(Need::IdentifiesPeers, "identifies-peers", "it tells clients apart by their uid on a local socket"),
    row(Need::ReadsOthersFiles, "others-files.read", "it reads files that their permissions keep from it"),
    row(Need::WritesOthersFiles, "others-files.write", "it writes files that their permissions keep from it"),
    row(Need::OwnsOthersFiles, "others-files.own", "it changes the owner and mode of others' files"),
    row(Need::UsesPam, "uses-pam", "it authenticates through PAM"),
    or(
        row(Need::SendsMailSetgid, "sends-mail.setgid", "it sends mail through a set-group-id program"),
        &BY_SMTP,
    ),
    or(
        row(Need::SendsMailSetuid, "sends-mail.setuid", "it sends mail through a set-user-id program"),
        &BY_SMTP,
    ),
    row(Need::SendsMailSmtp, "sends-mail.smtp", "it sends mail to port 25 of this machine"),
    with(Need::RunsSetuid, "runs-setuid", &["path"], "it runs a set-user-id program"),
    with(Need::RunsPrograms, "runs-programs", &["path"], "it runs known programs"),
    row(Need::RunsHooks, "runs-hooks", "it runs code that its package does not know"),
    row(
        Need::StartsSessions,
        "starts-sessions",
        "what it starts are sessions of users, which inherit its confinement",
    ),
    row(Need::GeneratesCode, "generates-code", "it makes machine code at run time"),
    with(Need::LoadsPlugins, "loads-plugins", &["path"], "it loads code from files at run time"),
    row(Need::UnpacksArchives, "unpacks-archives", "it unpacks archives or else relies on openat2()"),
    row(Need::ForeignAbi, "foreign-abi", "it runs programs of another architecture or personality"),
    with(
        Need::ForeignAbiKnown,
        "foreign-abi.architectures",
        &["architecture"],
        "it runs programs of known other architectures",
    ),
    with(Need::MakesSandboxes, "makes-sandboxes", &["kind"], "it makes namespaces of its own"),
    row(
        Need::MakesSandboxesPrivileged,
        "makes-sandboxes.privileged",
        "it makes namespaces with host privileges",
    ),
    row(Need::Chroots, "chroots", "it changes its root directory"),
    with(Need::Writes, "writes", &["path"], "it writes below a path"),
    with(Need::KeepsReadOnly, "writes.except", &["path"], "a path below a writable one stays read-only"),
    row(Need::ReadsHomes, "homes.read", "it reads users' home directories"),
    row(Need::WritesHomes, "homes.write", "it writes in users' home directories"),
    row(Need::ReadsAdminPaths, "admin-paths.read", "it reads where the administrator chooses"),
    row(Need::WritesAdminPaths, "admin-paths.write", "it writes where the administrator chooses"),
    row(Need::SharesTmp, "shares-tmp", "it meets other programs in /tmp"),
    row(Need::MeasuresFilesystems, "measures-filesystems", "it looks at the mounts of the host"),
    row(Need::MakesMounts, "makes-mounts", "mounts that it makes must be seen by the host"),
    row(Need::SeesProcesses, "sees-processes", "it looks at processes of other users"),
    row(Need::InspectsProcesses, "sees-processes.inspect", "it reads the memory or files of other processes"),
    row(Need::HostStatistics, "host-statistics", "it reads the host's figures below /proc"),
    with(Need::Devices, "devices", &["path", "access", "group"], "it opens device nodes"),
    row(Need::KernelTunables, "kernel.tunables", "it writes kernel settings below /proc/sys or /sys"),
    row(Need::KernelModules, "kernel.modules", "it loads kernel modules"),
    row(Need::KernelLog, "kernel.log", "it reads the kernel's log"),
    row(Need::KernelClock, "kernel.clock", "it sets the clock"),
    row(Need::KernelClockRead, "kernel.clock-read", "it asks the kernel about the clock's discipline"),
    row(Need::KernelHostname, "kernel.hostname", "it sets the host name"),
    row(Need::KernelHostnameFollow, "kernel.hostname-follow", "it must see the host name change"),
    row(Need::KernelCgroups, "kernel.cgroups", "it makes or changes control groups"),
    row(Need::KernelRawIo, "kernel.raw-io", "it reaches I/O ports or physical memory"),
    row(Need::KernelBpf, "kernel.bpf", "it loads BPF programs"),
    row(Need::KernelPerf, "kernel.perf", "it reads performance counters"),
    row(Need::KernelReboot, "kernel.reboot", "it restarts or stops the machine"),
    row(Need::Realtime, "claims.realtime", "it runs with real-time priority"),
    row(Need::Nice, "claims.nice", "it raises its priority"),
    row(Need::Limits, "claims.limits", "it raises its resource limits"),
    row(Need::LockedMemory, "claims.locked-memory", "it locks memory beyond its limit"),
    with(Need::SharesIpc, "shares-ipc", &["unit"], "it shares System V IPC with other units"),
    row(
        Need::SharesIpcOutside,
        "shares-ipc.outside",
        "it shares System V IPC with programs outside its manifest",
    ),
    row(Need::UsesIp, "connects", "it speaks IP"),
    row(Need::UsesLoopback, "connects.loopback", "it speaks IP with this machine"),
    with(Need::UsesAddress, "connects.address", &["address"], "it speaks IP with known addresses"),
    with(Need::BindsPort, "listens", &["rule"], "it binds a port itself"),
    row(Need::BindsLowPort, "listens.low-port", "it binds a port under 1024 itself"),
    row(Need::JoinsNetwork, "proxy-to", "its network is the loopback that it shares with its proxies"),
    row(Need::AbstractSockets, "connects.abstract", "it uses sockets of the abstract name space"),
    with(Need::AcceptsFrom, "from", &["address"], "its socket takes connections from known addresses"),
    row(Need::Interfaces, "interfaces", "it lists network interfaces"),
    row(Need::NetworkAdmin, "network-admin", "it configures the network"),
    row(Need::NetworkRaw, "network-admin.raw", "it sends raw packets"),
    with(Need::Capabilities, "capabilities", &["name"], "it needs a capability"),
    with(Need::SystemCalls, "system-calls", &["name"], "it needs system calls"),
    with(Need::Executes, "exec", &["path"], "its own commands are run"),
    row(Need::EarlyBoot, "early", "it starts before the local file systems are mounted"),
];

impl Need {
    /// What is known of it.
    pub fn row(self) -> &'static NeedRow {
        &NEEDS[self as usize]
    }

    /// The word of the manifest.
    pub fn id(self) -> &'static str {
        self.row().id
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_the_needs() {
        for (position, row) in NEEDS.iter().enumerate() {
            assert_eq!(row.need as usize, position, "{}", row.id);
            assert_eq!(row.need.id(), row.id);
        }
        assert_eq!(Need::EarlyBoot as usize + 1, NEEDS.len());
    }

    #[test]
    fn ids_are_unique_and_summaries_are_phrases() {
        let mut ids: Vec<_> = NEEDS.iter().map(|row| row.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), NEEDS.len());
        for row in NEEDS {
            assert!(!row.summary.is_empty() && !row.summary.ends_with('.'), "{}", row.id);
        }
    }
}
