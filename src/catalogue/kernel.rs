//! Rows about the kernel: its settings, its modules, its clock, processes and memory.

use super::failing::{
    Errno, ExecStep, HIDDEN, NO_FILTER, NO_MOUNTS, READ_ONLY, REFUSED, What, below, ends_at, refuses,
};
use super::{
    Bus, Directive, Given, Implied, Kind, LevelRules, Managers, Mounted, Namespace, Odd, Operation, Order,
    Places, Probe, Proof, ROW, Stage, Trace, When, always, at, at_load, at_most, bpf, check, devices,
    filesystem::level,
    from, given,
    privileges::{BRINGS_MOUNTS, CAPABILITY_BOUNDING_SET, NO_NEW_PRIVILEGES},
    process, sign,
};
use crate::manifest::Strictness;
use crate::need::Need;
use crate::release::Range;

pub(super) static ROWS: &[&Directive] = &[
    &PROTECT_KERNEL_TUNABLES,
    &PROTECT_KERNEL_MODULES,
    &PROTECT_KERNEL_LOGS,
    &PROTECT_CONTROL_GROUPS,
    &PROTECT_CLOCK,
    &PROTECT_HOSTNAME,
    &PROTECT_PROC,
    &PROC_SUBSET,
    &LOCK_PERSONALITY,
    &RESTRICT_REALTIME,
    &MEMORY_DENY_WRITE_EXECUTE,
    &process::MEMORY_KSM,
    &process::MEMORY_THP,
    &process::PERSONALITY,
    &process::COREDUMP_FILTER,
    &process::COREDUMP_RECEIVE,
    &bpf::PRIVATE_BPF,
    &bpf::BPF_DELEGATE_COMMANDS,
    &bpf::BPF_DELEGATE_MAPS,
    &bpf::BPF_DELEGATE_PROGRAMS,
    &bpf::BPF_DELEGATE_ATTACHMENTS,
];

/// Up to 254, a service with another user than root gets NoNewPrivileges= from every directive that needs a seccomp
/// filter, even beside `NoNewPrivileges=no`; the bus does not show it (measured on 252; gone in 257; systemd 255 NEWS).
pub(super) const FORCES_NO_NEW_PRIVILEGES_AND: Implied = Implied {
    when: When::OnWithUser,
    on: &NO_NEW_PRIVILEGES,
    operation: Operation::Force("yes"),
    releases: &[Range::up_to(254)],
    stage: Stage::Exec,
};

/// The same, for rows that imply nothing else.
pub(super) const FORCES_NO_NEW_PRIVILEGES: &[Implied] = &[FORCES_NO_NEW_PRIVILEGES_AND];

pub(crate) static PROTECT_KERNEL_TUNABLES: Directive = Directive {
    fails: &[
        NO_MOUNTS,
        NO_FILTER,
        refuses(
            READ_ONLY,
            below(&[
                "/proc/acpi",
                "/proc/fs",
                "/proc/irq",
                "/proc/scsi",
                "/proc/sys",
                "/proc/sysrq-trigger",
                "/sys",
            ]),
            "set it by sysctl.d(5) or tmpfiles.d(5) instead",
        ),
    ],
    name: "ProtectKernelTunables",
    since: 232,
    hardened: &[from(Strictness::Default, &["yes"])],
    yields: &[
        at_most(Need::KernelTunables, "no"),
        at_most(Need::MakesMounts, "no"),
        at_most(Need::StartsSessions, "no"),
    ],
    implies: &[BRINGS_MOUNTS, FORCES_NO_NEW_PRIVILEGES_AND],
    checks: &[check("ProtectKernelTunables", 1000, 1, Probe::On)],
    proof: Proof::By(&[sign(Trace::Mount(Places::These(&["/proc/sys"]), Mounted::ReadOnly))]),
    summary: "Makes kernel settings below /proc/sys and /sys read-only.",
    breaks: "Programs that tune the kernel: irqbalance runs on and does nothing.",
    ..ROW
};

/// The way out where a service loads modules.
const LOAD_BEFORE: &str = "load the module by modules-load.d(5) before the service starts";

pub(crate) static PROTECT_KERNEL_MODULES: Directive = Directive {
    fails: &[
        NO_MOUNTS,
        NO_FILTER,
        refuses(
            &[Errno::NotPermitted],
            What::Calls(&["delete_module", "finit_module", "init_module"]),
            LOAD_BEFORE,
        ),
        refuses(HIDDEN, below(&["/lib/modules", "/usr/lib/modules"]), LOAD_BEFORE),
    ],
    name: "ProtectKernelModules",
    capability: Some("CAP_SYS_MODULE"),
    since: 232,
    hardened: &[given(Strictness::Safe, Given::ForcesNothing, &["yes"]), from(Strictness::Default, &["yes"])],
    yields: &[
        at_most(Need::KernelModules, "no"),
        at_most(Need::MakesMounts, "no"),
        at_most(Need::StartsSessions, "no"),
    ],
    implies: &[
        at_load(When::On, &CAPABILITY_BOUNDING_SET, Operation::Assign("~CAP_SYS_MODULE")),
        BRINGS_MOUNTS,
        FORCES_NO_NEW_PRIVILEGES_AND,
    ],
    checks: &[check("ProtectKernelModules", 1000, 1, Probe::On)],
    proof: Proof::By(&[
        sign(Trace::Without(&["CAP_SYS_MODULE"])),
        sign(Trace::Filter),
        sign(Trace::Mount(Places::These(&["/usr/lib/modules"]), Mounted::Hidden)),
    ]),
    summary: "Refuses to load kernel modules and hides their files.",
    breaks: "Programs that load modules themselves.",
    ..ROW
};

pub(crate) static PROTECT_KERNEL_LOGS: Directive = Directive {
    fails: &[
        NO_FILTER,
        refuses(
            &[Errno::NotPermitted],
            What::Calls(&["syslog"]),
            "read the kernel's messages from the journal",
        ),
        refuses(
            &[Errno::NoEntry, Errno::Access, Errno::NotPermitted],
            below(&["/dev/kmsg", "/proc/kmsg"]),
            "read the kernel's messages from the journal",
        ),
    ],
    name: "ProtectKernelLogs",
    capability: Some("CAP_SYSLOG"),
    since: 244,
    hardened: &[given(Strictness::Safe, Given::ForcesNothing, &["yes"]), from(Strictness::Default, &["yes"])],
    yields: &[
        at_most(Need::KernelLog, "no"),
        at_most(Need::MakesMounts, "no"),
        at_most(Need::StartsSessions, "no"),
    ],
    implies: &[
        at_load(When::On, &CAPABILITY_BOUNDING_SET, Operation::Assign("~CAP_SYSLOG")),
        FORCES_NO_NEW_PRIVILEGES_AND,
    ],
    checks: &[check("ProtectKernelLogs", 1000, 1, Probe::On).in_releases(&[Range::since(244)])],
    proof: Proof::By(&[
        sign(Trace::Without(&["CAP_SYSLOG"])),
        sign(Trace::Filter),
        sign(Trace::Mount(Places::These(&["/proc/kmsg"]), Mounted::Hidden)),
    ]),
    summary: "Hides the kernel's log.",
    breaks: "System loggers.",
    ..ROW
};

static CGROUPS: LevelRules = LevelRules {
    levels: &[level("no", 0, 0), level("yes", 0, 1), level("private", 257, 1), level("strict", 257, 2)],
    empty: &[],
    suffix: &[],
    numbers: &[],
    order: Order::MoreIsStricter,
};

pub(crate) static PROTECT_CONTROL_GROUPS: Directive = Directive {
    fails: &[
        NO_MOUNTS,
        refuses(READ_ONLY, below(&["/sys/fs/cgroup"]), "let systemd make the control groups"),
    ],
    name: "ProtectControlGroups",
    since: 232,
    kind: Kind::Level(&CGROUPS),
    bus: Bus::Newest(&["ProtectControlGroupsEx", "ProtectControlGroups"]),
    hardened: &[from(Strictness::Default, &["yes"])],
    yields: &[
        at_most(Need::KernelCgroups, "no"),
        at_most(Need::MakesMounts, "no"),
        at_most(Need::StartsSessions, "no"),
    ],
    implies: &[BRINGS_MOUNTS],
    checks: &[check("ProtectControlGroups", 1000, 1, Probe::On)],
    proof: Proof::By(&[
        at(&["yes", "strict"], Trace::Mount(Places::These(&["/sys/fs/cgroup"]), Mounted::ReadOnly)),
        at(&["private", "strict"], Trace::Namespace(Namespace::ControlGroup)),
    ]),
    summary: "Makes the control group tree read-only.",
    breaks: "Container managers.",
    ..ROW
};

pub(crate) static PROTECT_CLOCK: Directive = Directive {
    fails: &[
        NO_FILTER,
        refuses(
            &[Errno::NotPermitted],
            What::Calls(&["adjtimex", "clock_adjtime", "clock_settime", "settimeofday"]),
            "leave the clock to a time service",
        ),
        refuses(
            &[Errno::NotPermitted],
            below(&["/dev/rtc", "/dev/rtc0"]),
            "leave the clock to a time service",
        ),
    ],
    name: "ProtectClock",
    capability: Some("CAP_SYS_TIME"),
    since: 245,
    hardened: &[from(Strictness::Default, &["yes"])],
    yields: &[
        at_most(Need::KernelClock, "no"),
        at_most(Need::KernelClockRead, "no"),
        at_most(Need::StartsSessions, "no"),
    ],
    implies: &[
        at_load(When::On, &CAPABILITY_BOUNDING_SET, Operation::Assign("~CAP_SYS_TIME CAP_WAKE_ALARM")),
        Implied {
            when: When::On,
            on: &devices::DEVICE_ALLOW,
            operation: Operation::Assign("char-rtc r"),
            releases: &[Range::majors(245, 251)],
            stage: Stage::Load,
        },
        Implied {
            when: When::OnWithDeviceRules,
            on: &devices::DEVICE_ALLOW,
            operation: Operation::Assign("char-rtc r"),
            releases: &[Range::since(252)],
            stage: Stage::Load,
        },
        FORCES_NO_NEW_PRIVILEGES_AND,
    ],
    checks: &[check("ProtectClock", 1000, 1, Probe::On).in_releases(&[Range::since(245)])],
    proof: Proof::By(&[sign(Trace::Without(&["CAP_SYS_TIME", "CAP_WAKE_ALARM"])), sign(Trace::Filter)]),
    summary: "Refuses to set the clock; leaves the hardware clock readable, which costs a tenth for DeviceAllow=.",
    breaks: "Time services; up to 251 any physical device, for it makes the device policy an allow list.",
    ..ROW
};

static HOSTNAME: LevelRules = LevelRules {
    levels: &[level("no", 0, 0), level("private", 258, 1), level("yes", 0, 2)],
    empty: &[(&[Range::since(258)], Odd::Resets)],
    suffix: &[Range::since(258)],
    numbers: &[],
    order: Order::MoreIsStricter,
};

pub(crate) static PROTECT_HOSTNAME: Directive = Directive {
    fails: &[
        NO_FILTER,
        ends_at(ExecStep::Namespace, "let the kernel make UTS namespaces, or leave it out"),
        refuses(&[Errno::NotPermitted], What::Calls(&["setdomainname", "sethostname"]), "leave it out"),
    ],
    name: "ProtectHostname",
    capability: Some("CAP_SYS_ADMIN"),
    since: 242,
    kind: Kind::Level(&HOSTNAME),
    bus: Bus::Newest(&["ProtectHostnameEx", "ProtectHostname"]),
    hardened: &[from(Strictness::Strict, &["yes"])],
    yields: &[
        at_most(Need::KernelHostname, "no").or_unknown_below(Strictness::Strict),
        at_most(Need::KernelHostnameFollow, "no").or_unknown_below(Strictness::Strict),
        at_most(Need::StartsSessions, "no"),
    ],
    implies: FORCES_NO_NEW_PRIVILEGES,
    checks: &[check("ProtectHostname", 50, 1, Probe::On).in_releases(&[Range::since(242)])],
    proof: Proof::By(&[sign(Trace::Namespace(Namespace::HostName)), at(&["yes"], Trace::Filter)]),
    summary: "Refuses to set the host name, and freezes the one that the service sees.",
    breaks: "Programs that must see the name change.",
    ..ROW
};

static PROC: LevelRules = LevelRules {
    levels: &[
        level("default", 0, 0),
        level("noaccess", 0, 1),
        level("invisible", 0, 2),
        level("ptraceable", 0, 3),
    ],
    empty: &[],
    suffix: &[],
    numbers: &[],
    order: Order::MoreIsStricter,
};

/// What lies below /proc and is no process of another user (proc(5)).
const NO_OTHERS_PROCESS: &[&str] = &[
    "/proc/self",
    "/proc/thread-self",
    "/proc/acpi",
    "/proc/bus",
    "/proc/cmdline",
    "/proc/cpuinfo",
    "/proc/devices",
    "/proc/diskstats",
    "/proc/driver",
    "/proc/filesystems",
    "/proc/fs",
    "/proc/interrupts",
    "/proc/irq",
    "/proc/kallsyms",
    "/proc/kcore",
    "/proc/kmsg",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/modules",
    "/proc/mounts",
    "/proc/net",
    "/proc/partitions",
    "/proc/pressure",
    "/proc/scsi",
    "/proc/stat",
    "/proc/swaps",
    "/proc/sys",
    "/proc/sysrq-trigger",
    "/proc/sysvipc",
    "/proc/tty",
    "/proc/uptime",
    "/proc/version",
    "/proc/vmstat",
];

pub(crate) static PROTECT_PROC: Directive = Directive {
    fails: &[
        NO_MOUNTS,
        refuses(
            HIDDEN,
            What::Paths { from: "noaccess", of: &["/proc"], but: NO_OTHERS_PROCESS },
            "take a weaker word",
        ),
    ],
    name: "ProtectProc",
    managers: Managers::System,
    since: 247,
    kind: Kind::Level(&PROC),
    unset: &[always("default")],
    hardened: &[from(Strictness::Default, &["invisible"])],
    yields: &[
        at_most(Need::SeesProcesses, "default"),
        at_most(Need::InspectsProcesses, "default"),
        at_most(Need::RunsHooks, "default").suspected_unless_denied(Need::SeesProcesses),
        at_most(Need::MakesMounts, "default"),
        at_most(Need::StartsSessions, "default"),
    ],
    checks: &[check(
        "ProtectProc",
        1000,
        3,
        Probe::Words(&[("invisible", 0), ("ptraceable", 0), ("noaccess", 1), ("default", 3)]),
    )
    .in_releases(&[Range::since(247)])],
    proof: Proof::By(&[sign(Trace::ProcOption("hidepid"))]),
    summary: "Hides the processes of other users.",
    breaks: "Monitoring; nothing for a service that runs as root with CAP_SYS_PTRACE.",
    ..ROW
};

static SUBSET: LevelRules = LevelRules {
    levels: &[level("all", 0, 0), level("pid", 0, 1)],
    empty: &[],
    suffix: &[],
    numbers: &[],
    order: Order::MoreIsStricter,
};

pub(crate) static PROC_SUBSET: Directive = Directive {
    fails: &[
        NO_MOUNTS,
        refuses(
            HIDDEN,
            What::Paths { from: "pid", of: &["/proc"], but: &["/proc/self", "/proc/thread-self"] },
            "leave it out",
        ),
    ],
    name: "ProcSubset",
    managers: Managers::System,
    since: 247,
    kind: Kind::Level(&SUBSET),
    unset: &[always("all")],
    hardened: &[from(Strictness::Strict, &["pid"])],
    yields: &[
        at_most(Need::HostStatistics, "all").or_unknown_below(Strictness::Strict),
        at_most(Need::RunsHooks, "all").suspected_unless_denied(Need::HostStatistics),
        at_most(Need::MakesMounts, "all"),
        at_most(Need::KernelTunables, "all"),
        at_most(Need::StartsSessions, "all"),
    ],
    checks: &[
        check("ProcSubset", 10, 1, Probe::Words(&[("pid", 0), ("all", 1)])).in_releases(&[Range::since(247)])
    ],
    proof: Proof::By(&[sign(Trace::ProcOption("subset"))]),
    summary: "Hides everything in /proc but processes.",
    breaks: "/proc/meminfo, /proc/net, /proc/sys: crashes and silently wrong figures.",
    ..ROW
};

pub(crate) static LOCK_PERSONALITY: Directive = Directive {
    fails: &[NO_FILTER, refuses(&[Errno::NotPermitted], What::Calls(&["personality"]), "leave it out")],
    name: "LockPersonality",
    since: 235,
    hardened: &[given(Strictness::Safe, Given::ForcesNothing, &["yes"]), from(Strictness::Default, &["yes"])],
    yields: &[
        at_most(Need::ForeignAbi, "no"),
        at_most(Need::ForeignAbiKnown, "no"),
        at_most(Need::StartsSessions, "no"),
    ],
    implies: FORCES_NO_NEW_PRIVILEGES,
    checks: &[check("LockPersonality", 100, 1, Probe::On)],
    proof: Proof::By(&[sign(Trace::Filter)]),
    summary: "Refuses to change the kernel's execution domain.",
    breaks: "Emulators of other systems.",
    ..ROW
};

pub(crate) static RESTRICT_REALTIME: Directive = Directive {
    fails: &[
        NO_FILTER,
        refuses(
            &[Errno::NotPermitted],
            What::Calls(&["sched_setattr", "sched_setparam", "sched_setscheduler"]),
            "leave it out",
        ),
    ],
    name: "RestrictRealtime",
    since: 231,
    hardened: &[given(Strictness::Safe, Given::ForcesNothing, &["yes"]), from(Strictness::Default, &["yes"])],
    yields: &[at_most(Need::Realtime, "no"), at_most(Need::StartsSessions, "no")],
    implies: FORCES_NO_NEW_PRIVILEGES,
    checks: &[check("RestrictRealtime", 500, 1, Probe::On)],
    proof: Proof::By(&[sign(Trace::Filter)]),
    summary: "Refuses real-time scheduling.",
    breaks: "Sound servers, time services.",
    ..ROW
};

pub(crate) static MEMORY_DENY_WRITE_EXECUTE: Directive = Directive {
    fails: &[
        NO_FILTER,
        refuses(
            REFUSED,
            What::Calls(&["mmap", "mprotect", "pkey_mprotect", "shmat"]),
            "switch off its just-in-time compiler, or leave it out",
        ),
    ],
    name: "MemoryDenyWriteExecute",
    since: 231,
    hardened: &[from(Strictness::Strict, &["yes"])],
    yields: &[
        at_most(Need::GeneratesCode, "no").or_unknown_below(Strictness::Strict),
        at_most(Need::RunsHooks, "no").suspected_unless_denied(Need::GeneratesCode),
        at_most(Need::StartsSessions, "no"),
    ],
    implies: FORCES_NO_NEW_PRIVILEGES,
    checks: &[check("MemoryDenyWriteExecute", 100, 1, Probe::On)],
    proof: Proof::Nothing(
        "prctl(2) tells it to the process alone; a filter of older kernels is one among others",
    ),
    summary: "Refuses memory that is writable and executable.",
    breaks: "Just-in-time compilers, packed binaries, libraries with an executable stack.",
    ..ROW
};
