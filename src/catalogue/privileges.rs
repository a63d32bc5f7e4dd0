//! Rows about what the service may gain, and in which namespaces it lives.

use super::failing::{Errno, ExecStep, NO_FILTER, NO_MOUNTS, REFUSED, What, ends_at, refuses};
use super::{Check, NOTHING, Namespace, Proof, Sections, Trace, sign};
use super::{
    Directive, Given, Implied, Kind, Level, LevelRules, Managers, MaskGrammar, NO, Odd, Operation, Order,
    Probe, ROW, Stage, SwitchRules, When, add, also, always, at_most, check, checks, from, given,
    kernel::FORCES_NO_NEW_PRIVILEGES,
};
use super::{labels, namespaces};
use crate::manifest::Strictness;
use crate::need::Need;
use crate::release::{EVERY, Range};
use crate::value::bits_of;

pub(super) static ROWS: &[&Directive] = &[
    &NO_NEW_PRIVILEGES,
    &RESTRICT_SUID_SGID,
    &CAPABILITY_BOUNDING_SET,
    &AMBIENT_CAPABILITIES,
    &SECURE_BITS,
    &labels::SELINUX_CONTEXT,
    &labels::APP_ARMOR_PROFILE,
    &labels::SMACK_PROCESS_LABEL,
    &PRIVATE_USERS,
    &namespaces::USER_NAMESPACE_PATH,
    &PRIVATE_MOUNTS,
    &PRIVATE_IPC,
    &namespaces::IPC_NAMESPACE_PATH,
    &PRIVATE_PIDS,
    &RESTRICT_NAMESPACES,
    &namespaces::DELEGATE_NAMESPACES,
];

pub(crate) static NO_NEW_PRIVILEGES: Directive = Directive {
    fails: &[
        ends_at(ExecStep::NoNewPrivileges, "leave it out on this kernel"),
        refuses(
            REFUSED,
            What::Calls(&["setgid", "setgroups", "setresgid", "setresuid", "setuid"]),
            "start it as the user that it would become",
        ),
    ],
    name: "NoNewPrivileges",
    since: 187,
    hardened: &[from(Strictness::Default, &["yes"])],
    yields: &[
        at_most(Need::UsesPam, "no"),
        at_most(Need::SendsMailSetgid, "no"),
        at_most(Need::SendsMailSetuid, "no"),
        at_most(Need::RunsSetuid, "no"),
        at_most(Need::StartsSessions, "no"),
    ],
    checks: &[check("NoNewPrivileges", 1000, 1, Probe::On)],
    proof: Proof::By(&[sign(Trace::NoNewPrivileges)]),
    summary: "Keeps set-user-id, set-group-id and file capabilities from giving the service anything.",
    breaks: "sudo, sendmail's queue programs, PAM helpers.",
    ..ROW
};

pub(crate) static RESTRICT_SUID_SGID: Directive = Directive {
    fails: &[
        NO_FILTER,
        refuses(
            &[Errno::NotPermitted],
            What::Calls(&["chmod", "fchmod", "fchmodat", "mkdir", "mknod"]),
            "let it make no set-user-id or set-group-id files",
        ),
        refuses(
            &[Errno::NoCall],
            What::Calls(&["openat2"]),
            "leave it out: the filter cannot look into openat2()",
        ),
    ],
    name: "RestrictSUIDSGID",
    since: 242,
    hardened: &[from(Strictness::Default, &["yes"])],
    yields: &[
        at_most(Need::UnpacksArchives, "no"),
        at_most(Need::RunsHooks, "no").suspected_unless_denied(Need::UnpacksArchives),
        at_most(Need::StartsSessions, "no"),
    ],
    implies: FORCES_NO_NEW_PRIVILEGES,
    checks: &[check("RestrictSUIDSGID", 1000, 1, Probe::On).in_releases(&[Range::since(242)])],
    proof: Proof::By(&[sign(Trace::Filter)]),
    summary: "Refuses to mark files as set-user-id or set-group-id.",
    breaks: "Every openat2() (it fails with ENOSYS): tar, bubblewrap; directories with set-group-id.",
    ..ROW
};

const fn keeps(id: &'static str, weight: u64, names: &'static [&'static str]) -> Check {
    check(id, weight, 1, Probe::KeepsAny(names, bits_of(names)))
}

pub(crate) static CAPABILITY_BOUNDING_SET: Directive = Directive {
    fails: &[
        ends_at(
            ExecStep::Capabilities,
            "leave it out below a users' manager or in a container that lacks the capability",
        ),
        refuses(
            REFUSED,
            What::LeftOut,
            "add the capability to it, and to AmbientCapabilities= where it does not run as root",
        ),
    ],
    name: "CapabilityBoundingSet",
    managers: Managers::System,
    kind: Kind::Mask(MaskGrammar::Bounding),
    unset: NOTHING,
    hardened: &[
        from(
            Strictness::Safe,
            &[
                "~CAP_AUDIT_CONTROL CAP_AUDIT_READ CAP_BLOCK_SUSPEND CAP_BPF CAP_CHECKPOINT_RESTORE CAP_LEASE \
               CAP_LINUX_IMMUTABLE CAP_MAC_ADMIN CAP_MAC_OVERRIDE CAP_MKNOD CAP_PERFMON CAP_SYS_BOOT \
               CAP_SYS_MODULE CAP_SYS_PACCT CAP_SYS_RAWIO CAP_SYS_TIME CAP_SYS_TTY_CONFIG CAP_SYSLOG CAP_WAKE_ALARM",
            ],
        ),
        from(Strictness::Default, &[""]),
    ],
    yields: &[
        add(Need::BecomesUsers, "CAP_SETGID CAP_SETUID"),
        add(Need::SignalsOthers, "CAP_KILL"),
        add(Need::ReadsOthersFiles, "CAP_DAC_READ_SEARCH"),
        add(Need::WritesOthersFiles, "CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH"),
        add(Need::OwnsOthersFiles, "CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER"),
        add(Need::UsesPam, "CAP_AUDIT_WRITE"),
        add(Need::SendsMailSetuid, "CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_SETGID CAP_SETUID"),
        add(Need::RunsSetuid, "CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_SETGID CAP_SETUID"),
        at_most(Need::StartsSessions, "~"),
        add(Need::MakesSandboxesPrivileged, "CAP_SYS_ADMIN"),
        add(Need::Chroots, "CAP_SYS_CHROOT"),
        add(Need::MakesMounts, "CAP_SYS_ADMIN"),
        add(Need::InspectsProcesses, "CAP_SYS_PTRACE"),
        add(Need::KernelTunables, "CAP_SYS_ADMIN"),
        add(Need::KernelModules, "CAP_SYS_MODULE"),
        add(Need::KernelLog, "CAP_SYSLOG"),
        add(Need::KernelClock, "CAP_SYS_TIME CAP_WAKE_ALARM"),
        add(Need::KernelHostname, "CAP_SYS_ADMIN"),
        add(Need::KernelRawIo, "CAP_SYS_RAWIO"),
        add(Need::KernelBpf, "CAP_BPF CAP_PERFMON"),
        add(Need::KernelPerf, "CAP_PERFMON"),
        add(Need::KernelReboot, "CAP_SYS_BOOT"),
        add(Need::Realtime, "CAP_SYS_NICE"),
        add(Need::Nice, "CAP_SYS_NICE"),
        add(Need::Limits, "CAP_SYS_RESOURCE"),
        add(Need::LockedMemory, "CAP_IPC_LOCK"),
        add(Need::BindsLowPort, "CAP_NET_BIND_SERVICE"),
        add(Need::NetworkAdmin, "CAP_NET_ADMIN"),
        add(Need::NetworkRaw, "CAP_NET_RAW"),
        add(Need::Capabilities, "{name}"),
    ],
    checks: &[
        keeps("CapabilityBoundingSet_CAP_SYS_ADMIN", 1500, &["CAP_SYS_ADMIN"]),
        keeps(
            "CapabilityBoundingSet_CAP_SET_UID_GID_PCAP",
            1500,
            &["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"],
        ),
        keeps("CapabilityBoundingSet_CAP_SYS_PTRACE", 1500, &["CAP_SYS_PTRACE"]),
        keeps("CapabilityBoundingSet_CAP_SYS_TIME", 1000, &["CAP_SYS_TIME"]),
        keeps("CapabilityBoundingSet_CAP_NET_ADMIN", 1000, &["CAP_NET_ADMIN"]),
        keeps("CapabilityBoundingSet_CAP_SYS_RAWIO", 1000, &["CAP_SYS_RAWIO"]),
        keeps("CapabilityBoundingSet_CAP_SYS_MODULE", 1000, &["CAP_SYS_MODULE"]),
        keeps(
            "CapabilityBoundingSet_CAP_AUDIT",
            500,
            &["CAP_AUDIT_CONTROL", "CAP_AUDIT_READ", "CAP_AUDIT_WRITE"],
        ),
        keeps("CapabilityBoundingSet_CAP_SYSLOG", 500, &["CAP_SYSLOG"]),
        keeps("CapabilityBoundingSet_CAP_SYS_NICE_RESOURCE", 500, &["CAP_SYS_NICE", "CAP_SYS_RESOURCE"]),
        keeps("CapabilityBoundingSet_CAP_MKNOD", 500, &["CAP_MKNOD"]),
        keeps(
            "CapabilityBoundingSet_CAP_CHOWN_FSETID_SETFCAP",
            1000,
            &["CAP_CHOWN", "CAP_FSETID", "CAP_SETFCAP"],
        ),
        keeps(
            "CapabilityBoundingSet_CAP_DAC_FOWNER_IPC_OWNER",
            1000,
            &["CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_IPC_OWNER"],
        ),
        keeps("CapabilityBoundingSet_CAP_KILL", 500, &["CAP_KILL"]),
        // The stray parenthesis is systemd's, in every release.
        keeps(
            "CapabilityBoundingSet_CAP_NET_BIND_SERVICE_BROADCAST_RAW)",
            500,
            &["CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_RAW"],
        ),
        keeps("CapabilityBoundingSet_CAP_SYS_BOOT", 100, &["CAP_SYS_BOOT"]),
        keeps("CapabilityBoundingSet_CAP_MAC", 100, &["CAP_MAC_ADMIN", "CAP_MAC_OVERRIDE"]),
        keeps("CapabilityBoundingSet_CAP_LINUX_IMMUTABLE", 75, &["CAP_LINUX_IMMUTABLE"]),
        keeps("CapabilityBoundingSet_CAP_IPC_LOCK", 50, &["CAP_IPC_LOCK"]),
        keeps("CapabilityBoundingSet_CAP_SYS_CHROOT", 50, &["CAP_SYS_CHROOT"]),
        keeps("CapabilityBoundingSet_CAP_BLOCK_SUSPEND", 25, &["CAP_BLOCK_SUSPEND"]),
        keeps("CapabilityBoundingSet_CAP_WAKE_ALARM", 25, &["CAP_WAKE_ALARM"]),
        keeps("CapabilityBoundingSet_CAP_LEASE", 25, &["CAP_LEASE"]),
        keeps("CapabilityBoundingSet_CAP_SYS_TTY_CONFIG", 25, &["CAP_SYS_TTY_CONFIG"]),
        keeps("CapabilityBoundingSet_CAP_SYS_PACCT", 25, &["CAP_SYS_PACCT"]),
        keeps("CapabilityBoundingSet_CAP_BPF", 25, &["CAP_BPF"]).in_releases(checks::CAP_BPF_JUDGED),
    ],
    proof: Proof::By(&[sign(Trace::Bounding)]),
    summary: "Limits the capabilities that any process of the service can ever hold.",
    breaks: "Programs that start as root and use a capability left out here.",
    ..ROW
};

pub(crate) static AMBIENT_CAPABILITIES: Directive = Directive {
    fails: &[
        ends_at(
            ExecStep::Capabilities,
            "leave it out below a users' manager, and give what CapabilityBoundingSet= keeps",
        ),
        refuses(REFUSED, What::LeftOut, "add the capability to it"),
    ],
    name: "AmbientCapabilities",
    managers: Managers::System,
    since: 229,
    kind: Kind::Mask(MaskGrammar::Ambient),
    unset: NOTHING,
    hardened: &[from(Strictness::Default, &[""])],
    yields: AMBIENT,
    checks: &[check("AmbientCapabilities", 500, 1, Probe::Empty)],
    proof: Proof::By(&[sign(Trace::Ambient)]),
    summary: "Gives capabilities to a service that does not run as root.",
    breaks: "Nothing; it opens.",
    ..ROW
};

/// What a service with a user of its own must be given, for it has nothing to keep.
const AMBIENT: &[super::Yield] = &[
    also(Need::BecomesUsers, "CAP_SETGID CAP_SETUID").unless_root(),
    also(Need::SignalsOthers, "CAP_KILL").unless_root(),
    also(Need::ReadsOthersFiles, "CAP_DAC_READ_SEARCH").unless_root(),
    also(Need::WritesOthersFiles, "CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH").unless_root(),
    also(Need::OwnsOthersFiles, "CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER").unless_root(),
    also(Need::Chroots, "CAP_SYS_CHROOT").unless_root(),
    also(Need::InspectsProcesses, "CAP_SYS_PTRACE").unless_root(),
    also(Need::MakesSandboxesPrivileged, "CAP_SYS_ADMIN").unless_root(),
    also(Need::MakesMounts, "CAP_SYS_ADMIN").unless_root(),
    also(Need::KernelTunables, "CAP_SYS_ADMIN").unless_root(),
    also(Need::KernelModules, "CAP_SYS_MODULE").unless_root(),
    also(Need::KernelHostname, "CAP_SYS_ADMIN").unless_root(),
    also(Need::KernelRawIo, "CAP_SYS_RAWIO").unless_root(),
    also(Need::KernelReboot, "CAP_SYS_BOOT").unless_root(),
    also(Need::KernelLog, "CAP_SYSLOG").unless_root(),
    also(Need::KernelClock, "CAP_SYS_TIME").unless_root(),
    also(Need::KernelBpf, "CAP_BPF CAP_PERFMON").unless_root(),
    also(Need::KernelPerf, "CAP_PERFMON").unless_root(),
    also(Need::Realtime, "CAP_SYS_NICE").unless_root(),
    also(Need::Nice, "CAP_SYS_NICE").unless_root(),
    also(Need::Limits, "CAP_SYS_RESOURCE").unless_root(),
    also(Need::LockedMemory, "CAP_IPC_LOCK").unless_root(),
    also(Need::BindsLowPort, "CAP_NET_BIND_SERVICE").unless_root(),
    also(Need::NetworkAdmin, "CAP_NET_ADMIN").unless_root(),
    also(Need::NetworkRaw, "CAP_NET_RAW").unless_root(),
    also(Need::Capabilities, "{name}").unless_root(),
];

pub(crate) static SECURE_BITS: Directive = Directive {
    fails: &[ends_at(ExecStep::Securebits, "leave it out below a users' manager")],
    name: "SecureBits",
    managers: Managers::System,
    kind: Kind::Mask(MaskGrammar::SecureBits),
    unset: NOTHING,
    proof: Proof::Nothing("the kernel tells them to the process alone"),
    summary: "Takes root's special treatment of capabilities away.",
    breaks: "Programs that count on being root.",
    ..ROW
};

static USERS: LevelRules = LevelRules {
    levels: &[
        Level { text: "no", also: &[], since: 0, rank: 0 },
        Level { text: "full", also: &[], since: 258, rank: 1 },
        Level { text: "identity", also: &[], since: 257, rank: 2 },
        Level { text: "managed", also: &[], since: 260, rank: 3 },
        Level { text: "yes", also: &[("self", 257)], since: 0, rank: 3 },
    ],
    empty: &[],
    suffix: &[],
    numbers: &[],
    order: Order::MoreIsStricter,
};

pub(crate) static PRIVATE_USERS: Directive = Directive {
    fails: &[
        ends_at(ExecStep::User, "let the kernel make user namespaces, or leave it out"),
        refuses(
            REFUSED,
            What::Calls(&["bind", "chown", "fchown", "kill", "mknod", "mount", "setgroups"]),
            "leave it out: capabilities hold inside its user namespace alone, and other users do not exist there",
        ),
    ],
    name: "PrivateUsers",
    since: 232,
    kind: Kind::Level(&USERS),
    bus: super::Bus::Newest(&["PrivateUsersEx", "PrivateUsers"]),
    hardened: &[given(Strictness::Strict, Given::Unprivileged, &["yes"])],
    yields: &[
        at_most(Need::IdentifiesPeers, "no").or_unknown_below(Strictness::Strict),
        at_most(Need::StartsAsRoot, "no"),
        at_most(Need::BecomesUsers, "no"),
        at_most(Need::SignalsOthers, "no"),
        at_most(Need::ReadsOthersFiles, "no"),
        at_most(Need::WritesOthersFiles, "no"),
        at_most(Need::OwnsOthersFiles, "no"),
        at_most(Need::UsesPam, "no"),
        at_most(Need::SendsMailSetgid, "no"),
        at_most(Need::SendsMailSetuid, "no"),
        at_most(Need::RunsSetuid, "no"),
        at_most(Need::StartsSessions, "no"),
        at_most(Need::BindsLowPort, "no"),
        at_most(Need::Devices, "no"),
        at_most(Need::Capabilities, "no"),
    ],
    checks: &[check("PrivateUsers", 1000, 1, Probe::On)],
    proof: Proof::By(&[sign(Trace::Namespace(Namespace::User))]),
    summary: "Puts the service in a user namespace where only root, its own user and nobody exist.",
    breaks: "SO_PEERCRED (every client is nobody), host capabilities, access through supplementary groups.",
    ..ROW
};

static MOUNTS: SwitchRules = SwitchRules {
    order: Order::MoreIsStricter,
    empty: &[(&[Range::since(254)], Odd::Resets)],
    other: Odd::Ignored,
};

pub(crate) static PRIVATE_MOUNTS: Directive = Directive {
    fails: &[NO_MOUNTS],
    name: "PrivateMounts",
    since: 239,
    kind: Kind::Switch(&MOUNTS),
    unset: &[
        super::Unset { releases: &[Range::up_to(253)], scope: None, unit_type: None, text: "no" },
        always(""),
    ],
    hardened: &[from(Strictness::Default, &["yes"])],
    yields: &[at_most(Need::MakesMounts, "no"), at_most(Need::StartsSessions, "no")],
    implies: &[Implied {
        // An unset tri-state is -1, which the offline scorer takes for true (254 on).
        when: When::Unset,
        on: &PRIVATE_MOUNTS,
        operation: Operation::Force("yes"),
        releases: &[Range::since(254)],
        stage: Stage::OfflineJudgement,
    }],
    checks: &[check("PrivateMounts", 1000, 1, Probe::On)],
    proof: Proof::By(&[sign(Trace::Namespace(Namespace::Mount))]),
    summary: "Keeps mounts of the service from the host; the directives about the file system bring it along.",
    breaks: "Mounts that the host is meant to see.",
    ..ROW
};

/// What the judgement of a loaded unit adds: these settings give a service mounts of its own.
pub(super) const BRINGS_MOUNTS: Implied = Implied {
    when: When::On,
    on: &PRIVATE_MOUNTS,
    operation: Operation::Force("yes"),
    releases: EVERY,
    stage: Stage::LoadedJudgement,
};

pub(crate) static PRIVATE_IPC: Directive = Directive {
    fails: &[ends_at(ExecStep::Namespace, "let the kernel make IPC namespaces, or leave it out")],
    name: "PrivateIPC",
    since: 248,
    hardened: &[from(Strictness::Strict, &["yes"])],
    yields: &[
        at_most(Need::SharesIpcOutside, "no"),
        at_most(Need::MakesMounts, "no"),
        at_most(Need::StartsSessions, "no"),
    ],
    proof: Proof::By(&[sign(Trace::Namespace(Namespace::Ipc))]),
    summary: "Gives the service its own System V and POSIX IPC objects.",
    breaks: "Shared memory with other services; local tools that look at it.",
    ..ROW
};

static PIDS: LevelRules = LevelRules {
    levels: &[
        Level { text: "no", also: &[], since: 0, rank: 0 },
        Level { text: "yes", also: &[], since: 0, rank: 1 },
    ],
    empty: &[],
    suffix: &[],
    numbers: &[],
    order: Order::MoreIsStricter,
};

pub(crate) static PRIVATE_PIDS: Directive = Directive {
    fails: &[ends_at(ExecStep::Namespace, "let the kernel make PID namespaces, or leave it out")],
    name: "PrivatePIDs",
    sections: Sections::Exec,
    since: 257,
    kind: Kind::Level(&PIDS),
    unset: NO,
    // Never by strictness: the main process becomes the namespace's init, which the kernel shields from every signal
    // that it has no handler for, so that a program without one for SIGTERM stops by TimeoutStopSec= alone.
    proof: Proof::By(&[sign(Trace::Namespace(Namespace::Process))]),
    summary: "Shows the service no process but its own.",
    breaks: "Forking services, process numbers that are told to others, stopping a program without a SIGTERM handler.",
    ..ROW
};

const fn namespace(id: &'static str, weight: u64, name: &'static [&'static str]) -> Check {
    check(id, weight, 1, Probe::KeepsAny(name, bits_of(name)))
}

pub(crate) static RESTRICT_NAMESPACES: Directive = Directive {
    fails: &[
        NO_FILTER,
        refuses(
            &[Errno::NotPermitted],
            What::Calls(&["clone", "clone3", "setns", "unshare"]),
            "name the kinds of namespaces that it makes",
        ),
        refuses(&[Errno::NoCall], What::Calls(&["clone3"]), "name the kinds of namespaces that it makes"),
    ],
    name: "RestrictNamespaces",
    since: 233,
    kind: Kind::Mask(MaskGrammar::Namespaces),
    unset: NOTHING,
    hardened: &[given(Strictness::Safe, Given::ForcesNothing, &["yes"]), from(Strictness::Default, &["yes"])],
    yields: &[add(Need::MakesSandboxes, "{kind}"), at_most(Need::StartsSessions, "no")],
    implies: FORCES_NO_NEW_PRIVILEGES,
    checks: &[
        namespace("RestrictNamespaces_user", 1500, &["user"]),
        namespace("RestrictNamespaces_mnt", 500, &["mnt"]),
        namespace("RestrictNamespaces_ipc", 500, &["ipc"]),
        namespace("RestrictNamespaces_pid", 500, &["pid"]),
        namespace("RestrictNamespaces_cgroup", 500, &["cgroup"]),
        namespace("RestrictNamespaces_net", 500, &["net"]),
        namespace("RestrictNamespaces_uts", 100, &["uts"]),
    ],
    proof: Proof::By(&[sign(Trace::Filter)]),
    summary: "Refuses to make namespaces, or only some kinds of them.",
    breaks: "Sandboxes that the program builds itself: browsers, bubblewrap, containers.",
    ..ROW
};
