//! Rows about what the service sees and writes in the file system.

use super::failing::{ExecStep, HIDDEN, NO_MOUNTS, READ_ONLY, REFUSED, What, below, ends_at, refuses};
use super::{
    Applies, Bus, Directive, Entry, Kind, Level, LevelRules, Managers, Mounted, NOTHING, Opens, Order,
    Places, Probe, Proof, ROW, Sections, Sight, Trace, WordRules, Writable, add, also, at, at_most, check,
    from, privileges::BRINGS_MOUNTS, sign,
};
use super::{Odd, directories, images, mounts};
use crate::manifest::Strictness;
use crate::need::Need;
use crate::release::EVERY;

pub(super) static ROWS: &[&Directive] = &[
    &PROTECT_SYSTEM,
    &PROTECT_HOME,
    &PRIVATE_TMP,
    &READ_WRITE_PATHS,
    &READ_ONLY_PATHS,
    &INACCESSIBLE_PATHS,
    &EXEC_PATHS,
    &NO_EXEC_PATHS,
    &mounts::TEMPORARY_FILE_SYSTEM,
    &mounts::BIND_PATHS,
    &mounts::BIND_READ_ONLY_PATHS,
    &mounts::ROOT_DIRECTORY,
    &mounts::ROOT_IMAGE,
    &images::ROOT_IMAGE_OPTIONS,
    &images::ROOT_IMAGE_POLICY,
    &images::ROOT_EPHEMERAL,
    &images::ROOT_HASH,
    &images::ROOT_HASH_SIGNATURE,
    &images::ROOT_VERITY,
    &mounts::ROOT_MSTACK,
    &mounts::MOUNT_IMAGES,
    &images::MOUNT_IMAGE_POLICY,
    &mounts::EXTENSION_IMAGES,
    &images::EXTENSION_IMAGE_POLICY,
    &mounts::EXTENSION_DIRECTORIES,
    &MOUNT_FLAGS,
    &directories::STATE_DIRECTORY,
    &directories::STATE_DIRECTORY_MODE,
    &directories::STATE_DIRECTORY_QUOTA,
    &directories::STATE_DIRECTORY_ACCOUNTING,
    &directories::CACHE_DIRECTORY,
    &directories::CACHE_DIRECTORY_MODE,
    &directories::CACHE_DIRECTORY_QUOTA,
    &directories::CACHE_DIRECTORY_ACCOUNTING,
    &directories::LOGS_DIRECTORY,
    &directories::LOGS_DIRECTORY_MODE,
    &directories::LOGS_DIRECTORY_QUOTA,
    &directories::LOGS_DIRECTORY_ACCOUNTING,
    &directories::RUNTIME_DIRECTORY,
    &directories::RUNTIME_DIRECTORY_MODE,
    &directories::RUNTIME_DIRECTORY_PRESERVE,
    &directories::CONFIGURATION_DIRECTORY,
    &directories::CONFIGURATION_DIRECTORY_MODE,
    &RESTRICT_FILE_SYSTEMS,
];

pub(super) const fn level(text: &'static str, since: u16, rank: u8) -> Level {
    Level { text, also: &[], since, rank }
}

static SYSTEM: LevelRules = LevelRules {
    levels: &[level("no", 0, 0), level("yes", 0, 1), level("full", 215, 2), level("strict", 232, 3)],
    empty: &[],
    suffix: &[],
    numbers: &[],
    order: Order::MoreIsStricter,
};

/// The way out where a service writes what is read-only.
const WRITE_ELSEWHERE: &str = "let it write below a directory of its own (StateDirectory= and its like), or name the path in ReadWritePaths=";

pub(crate) static PROTECT_SYSTEM: Directive = Directive {
    fails: &[
        refuses(
            READ_ONLY,
            What::Paths { from: "yes", of: &["/usr", "/boot", "/efi"], but: &[] },
            WRITE_ELSEWHERE,
        ),
        refuses(READ_ONLY, What::Paths { from: "full", of: &["/etc"], but: &[] }, WRITE_ELSEWHERE),
        refuses(
            READ_ONLY,
            What::Paths { from: "strict", of: &["/"], but: &["/dev", "/proc", "/sys"] },
            WRITE_ELSEWHERE,
        ),
        NO_MOUNTS,
    ],
    name: "ProtectSystem",
    since: 214,
    kind: Kind::Level(&SYSTEM),
    hardened: &[from(Strictness::Default, &["strict"])],
    yields: &[
        at_most(Need::ReadsAdminPaths, "full").or_unknown_below(Strictness::Strict),
        at_most(Need::WritesAdminPaths, "yes"),
        at_most(Need::MeasuresFilesystems, "no"),
        at_most(Need::MakesMounts, "no"),
        at_most(Need::StartsSessions, "no"),
    ],
    implies: &[BRINGS_MOUNTS],
    checks: &[check(
        "ProtectSystem",
        1000,
        10,
        Probe::Words(&[("strict", 0), ("full", 3), ("yes", 5), ("no", 10)]),
    )
    .applying(Applies::DefaultDependencies)],
    proof: Proof::By(&[
        at(&["yes", "full"], Trace::Mount(Places::These(&["/usr", "/boot", "/efi"]), Mounted::ReadOnly)),
        at(&["full"], Trace::Mount(Places::These(&["/etc"]), Mounted::ReadOnly)),
        at(&["strict"], Trace::Mount(Places::These(&["/"]), Mounted::ReadOnly)),
    ]),
    summary: "Mounts the operating system, or everything, read-only for the service.",
    breaks: "Writing anywhere that the unit does not declare; disk space as seen through the service.",
    ..ROW
};

static HOME: LevelRules = LevelRules {
    levels: &[level("no", 0, 0), level("read-only", 0, 1), level("tmpfs", 238, 2), level("yes", 0, 3)],
    empty: &[],
    suffix: &[],
    numbers: &[],
    order: Order::MoreIsStricter,
};

/// The directories that hold homes (systemd.exec(5), ProtectHome=).
const HOMES: &[&str] = &["/home", "/root", "/run/user"];

/// The way out where a service lives in a home.
const HOMES_ELSEWHERE: &str = "move what it uses below /var/lib, or show it that home alone by BindPaths=";

pub(crate) static PROTECT_HOME: Directive = Directive {
    fails: &[
        refuses(HIDDEN, What::Paths { from: "tmpfs", of: HOMES, but: &[] }, HOMES_ELSEWHERE),
        refuses(READ_ONLY, What::Paths { from: "read-only", of: HOMES, but: &[] }, HOMES_ELSEWHERE),
        NO_MOUNTS,
    ],
    name: "ProtectHome",
    since: 214,
    kind: Kind::Level(&HOME),
    hardened: &[from(Strictness::Default, &["yes"])],
    yields: &[
        at_most(Need::ReadsHomes, "read-only"),
        at_most(Need::WritesHomes, "no"),
        at_most(Need::MeasuresFilesystems, "no"),
        at_most(Need::MakesMounts, "no"),
        at_most(Need::StartsSessions, "no"),
    ],
    implies: &[BRINGS_MOUNTS],
    checks: &[check(
        "ProtectHome",
        1000,
        10,
        Probe::Words(&[("yes", 0), ("tmpfs", 1), ("read-only", 5), ("no", 10)]),
    )
    .applying(Applies::DefaultDependencies)],
    sight: Sight::Hides { at: &["yes", "tmpfs"], paths: &["/home", "/root", "/run/user"] },
    proof: Proof::By(&[
        at(&["yes"], Trace::Mount(Places::These(HOMES), Mounted::Hidden)),
        at(&["read-only"], Trace::Mount(Places::These(HOMES), Mounted::ReadOnly)),
        at(&["tmpfs"], Trace::Mount(Places::These(HOMES), Mounted::Temporary)),
    ]),
    summary: "Hides /home, /root and /run/user from the service.",
    breaks: "Data below /home, a working directory there, a home that is a symlink.",
    ..ROW
};

static TMP: LevelRules = LevelRules {
    levels: &[
        level("no", 0, 0),
        Level { text: "yes", also: &[("connected", 257)], since: 0, rank: 1 },
        level("disconnected", 257, 2),
    ],
    empty: &[],
    suffix: &[],
    numbers: &[],
    order: Order::MoreIsStricter,
};

pub(crate) static PRIVATE_TMP: Directive = Directive {
    fails: &[
        refuses(
            HIDDEN,
            below(&["/tmp", "/var/tmp"]),
            "let the programs meet in a directory below /run instead",
        ),
        NO_MOUNTS,
    ],
    name: "PrivateTmp",
    kind: Kind::Level(&TMP),
    bus: Bus::Newest(&["PrivateTmpEx", "PrivateTmp"]),
    hardened: &[from(Strictness::Default, &["yes"])],
    yields: &[
        at_most(Need::SharesTmp, "no"),
        at_most(Need::MeasuresFilesystems, "no"),
        at_most(Need::MakesMounts, "no"),
        at_most(Need::EarlyBoot, "no"),
        at_most(Need::StartsSessions, "no"),
    ],
    implies: &[BRINGS_MOUNTS],
    checks: &[check("PrivateTmp", 1000, 1, Probe::On).applying(Applies::DefaultDependencies)],
    proof: Proof::By(&[sign(Trace::Mount(Places::These(&["/tmp", "/var/tmp"]), Mounted::OfItsOwn))]),
    summary: "Gives the service a /tmp and a /var/tmp of its own.",
    breaks: "Files that other programs look for in /tmp; ordering in early boot.",
    ..ROW
};

static PATHS_GRANT: WordRules = WordRules { entry: Entry::Path, order: Order::MoreIsWeaker };
static PATHS_DENY: WordRules = WordRules { entry: Entry::Path, order: Order::MoreIsStricter };

pub(crate) static READ_WRITE_PATHS: Directive = Directive {
    fails: &[ends_at(
        ExecStep::Namespace,
        "create the path before the service starts, or write `-` before it",
    )],
    spares: READ_ONLY,
    name: "ReadWritePaths",
    opens: Opens::Writing(Writable::Paths),
    beside: Some(&PROTECT_SYSTEM),
    also: &["ReadWriteDirectories"],
    since: 231,
    kind: Kind::Words(&PATHS_GRANT),
    unset: NOTHING,
    yields: &[
        also(Need::Writes, "{path}"),
        // Mail programs leave messages in their queue.
        also(Need::SendsMailSetgid, "-/var/spool"),
        also(Need::SendsMailSetuid, "-/var/spool"),
    ],
    proof: Proof::By(&[sign(Trace::Mount(Places::Named, Mounted::Writable))]),
    summary: "Leaves paths writable that another directive makes read-only.",
    breaks: "The start (226/NAMESPACE), if a path is missing and has no `-` before it.",
    ..ROW
};

pub(crate) static READ_ONLY_PATHS: Directive = Directive {
    fails: &[
        ends_at(ExecStep::Namespace, "create the path before the service starts, or write `-` before it"),
        refuses(READ_ONLY, What::Entries, "take the path out, or name what lies below it in ReadWritePaths="),
    ],
    name: "ReadOnlyPaths",
    also: &["ReadOnlyDirectories"],
    since: 231,
    kind: Kind::Words(&PATHS_DENY),
    unset: NOTHING,
    yields: &[also(Need::KeepsReadOnly, "{path}")],
    proof: Proof::By(&[sign(Trace::Mount(Places::Named, Mounted::ReadOnly))]),
    summary: "Makes paths read-only for the service.",
    breaks: "The start (226/NAMESPACE), if a path is missing and has no `-` before it.",
    ..ROW
};

pub(crate) static INACCESSIBLE_PATHS: Directive = Directive {
    fails: &[
        ends_at(ExecStep::Namespace, "create the path before the service starts, or write `-` before it"),
        refuses(HIDDEN, What::Entries, "take the path out of it"),
    ],
    name: "InaccessiblePaths",
    also: &["InaccessibleDirectories"],
    since: 231,
    kind: Kind::Words(&PATHS_DENY),
    unset: NOTHING,
    sight: Sight::HidesEntries,
    proof: Proof::By(&[sign(Trace::Mount(Places::Named, Mounted::Hidden))]),
    summary: "Hides paths from the service.",
    breaks: "Whatever looks there: web panels and /etc/sudoers.",
    ..ROW
};

pub(crate) static EXEC_PATHS: Directive = Directive {
    fails: &[ends_at(
        ExecStep::Namespace,
        "create the path before the service starts, or write `-` before it",
    )],
    spares: REFUSED,
    name: "ExecPaths",
    opens: Opens::Running,
    beside: Some(&NO_EXEC_PATHS),
    since: 248,
    kind: Kind::Words(&PATHS_GRANT),
    unset: NOTHING,
    // Nearly every program is linked dynamically: its loader and libraries must be executable too.
    hardened: &[from(Strictness::Strict, &["/usr/lib -/usr/lib64"])],
    yields: &[
        at_most(Need::RunsHooks, "").or_unknown_below(Strictness::Strict),
        at_most(Need::MakesMounts, ""),
        at_most(Need::StartsSessions, ""),
        add(Need::Executes, "{path}"),
        add(Need::RunsPrograms, "{path}"),
        add(Need::RunsSetuid, "{path}"),
        add(Need::SendsMailSetgid, "/usr/sbin"),
        add(Need::SendsMailSetuid, "/usr/sbin"),
        add(Need::LoadsPlugins, "{path}"),
    ],
    proof: Proof::By(&[sign(Trace::Mount(Places::Named, Mounted::Executable))]),
    summary: "Leaves paths executable that NoExecPaths= closes.",
    breaks: "Nothing; it opens.",
    ..ROW
};

/// The way out where a program may not run.
const NAME_PROGRAMS: &str = "name in ExecPaths= whatever the unit runs, ExecReload= and its like included, with their loader and libraries";

pub(crate) static NO_EXEC_PATHS: Directive = Directive {
    fails: &[
        ends_at(ExecStep::Namespace, "create the path before the service starts, or write `-` before it"),
        ends_at(ExecStep::Exec, NAME_PROGRAMS),
        refuses(REFUSED, What::Entries, NAME_PROGRAMS),
    ],
    name: "NoExecPaths",
    since: 248,
    kind: Kind::Words(&PATHS_DENY),
    unset: NOTHING,
    hardened: &[from(Strictness::Strict, &["/"])],
    yields: &[
        at_most(Need::RunsHooks, "").or_unknown_below(Strictness::Strict),
        at_most(Need::MakesMounts, ""),
        at_most(Need::StartsSessions, ""),
    ],
    proof: Proof::By(&[sign(Trace::Mount(Places::Named, Mounted::NotExecutable))]),
    summary: "Refuses to run or map code from paths.",
    breaks: "Shells and helpers that ExecPaths= does not name: 203/EXEC, also in ExecReload=.",
    ..ROW
};

pub(crate) static RESTRICT_FILE_SYSTEMS: Directive = Directive {
    fails: &[ends_at(ExecStep::Bpf, "run a kernel with the BPF LSM, or leave it out")],
    name: "RestrictFileSystems",
    requires: super::Requires::BpfFramework,
    managers: Managers::System,
    sections: Sections::Exec,
    since: 250,
    kind: Kind::Names(super::NameGrammar::FileSystems),
    unset: NOTHING,
    proof: Proof::By(&[sign(Trace::Program)]),
    summary: "Refuses to open files of some types of file system, where the kernel has the BPF LSM.",
    breaks: "Programs that look at other file systems.",
    ..ROW
};

static PROPAGATION: LevelRules = LevelRules {
    levels: &[level("shared", 0, 0), level("slave", 0, 0), level("private", 0, 0)],
    empty: &[(EVERY, Odd::Resets)],
    suffix: &[],
    numbers: &[(0, ""), (1 << 20, "shared"), (1 << 19, "slave"), (1 << 18, "private")],
    order: Order::Unordered,
};

pub(crate) static MOUNT_FLAGS: Directive = Directive {
    name: "MountFlags",
    kind: Kind::Level(&PROPAGATION),
    unset: NOTHING,
    proof: Proof::By(&[sign(Trace::Propagation)]),
    summary: "Says whether mounts of the host reach the service, and its own the host, once it has mounts of its own.",
    breaks: "Disks that are mounted while the service runs, with `private`; it does not see them.",
    ..ROW
};
