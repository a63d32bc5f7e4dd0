//! Rows about what the service sees and writes in the file system.

use super::{
    Applies, Directive, Entry, Kind, Level, LevelRules, Managers, NOTHING, Order, Probe, ROW, Sections,
    TextGrammar, WordRules, add, also, always, at_most, check, from, privileges::BRINGS_MOUNTS,
};
use super::{Implied, Operation, Stage, When};
use crate::manifest::Strictness;
use crate::need::Need;
use crate::release::{EVERY, Range};

pub(super) static ROWS: &[&Directive] = &[
    &PROTECT_SYSTEM,
    &PROTECT_HOME,
    &PRIVATE_TMP,
    &READ_WRITE_PATHS,
    &READ_ONLY_PATHS,
    &INACCESSIBLE_PATHS,
    &EXEC_PATHS,
    &NO_EXEC_PATHS,
    &TEMPORARY_FILE_SYSTEM,
    &BIND_PATHS,
    &BIND_READ_ONLY_PATHS,
    &ROOT_DIRECTORY,
    &ROOT_IMAGE,
    &ROOT_MSTACK,
    &MOUNT_IMAGES,
    &EXTENSION_IMAGES,
    &EXTENSION_DIRECTORIES,
    &STATE_DIRECTORY,
    &STATE_DIRECTORY_MODE,
    &CACHE_DIRECTORY,
    &CACHE_DIRECTORY_MODE,
    &LOGS_DIRECTORY,
    &LOGS_DIRECTORY_MODE,
    &RUNTIME_DIRECTORY,
    &RUNTIME_DIRECTORY_MODE,
    &RUNTIME_DIRECTORY_PRESERVE,
    &CONFIGURATION_DIRECTORY,
    &CONFIGURATION_DIRECTORY_MODE,
    &RESTRICT_FILE_SYSTEMS,
];

pub(super) const fn level(text: &'static str, since: u16, rank: u8) -> Level {
    Level { text, also: &[], since, rank }
}

static SYSTEM: LevelRules = LevelRules {
    levels: &[level("no", 0, 0), level("yes", 0, 1), level("full", 215, 2), level("strict", 232, 3)],
    empty: &[],
    suffix: &[],
    order: Order::MoreIsStricter,
};

pub(crate) static PROTECT_SYSTEM: Directive = Directive {
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
    summary: "Mounts the operating system, or everything, read-only for the service.",
    breaks: "Writing anywhere that the unit does not declare; disk space as seen through the service.",
    ..ROW
};

static HOME: LevelRules = LevelRules {
    levels: &[level("no", 0, 0), level("read-only", 0, 1), level("tmpfs", 238, 2), level("yes", 0, 3)],
    empty: &[],
    suffix: &[],
    order: Order::MoreIsStricter,
};

pub(crate) static PROTECT_HOME: Directive = Directive {
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
    order: Order::MoreIsStricter,
};

pub(crate) static PRIVATE_TMP: Directive = Directive {
    name: "PrivateTmp",
    kind: Kind::Level(&TMP),
    bus: &["PrivateTmpEx", "PrivateTmp"],
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
    summary: "Gives the service a /tmp and a /var/tmp of its own.",
    breaks: "Files that other programs look for in /tmp; ordering in early boot.",
    ..ROW
};

static PATHS_GRANT: WordRules = WordRules { entry: Entry::Path, order: Order::MoreIsWeaker };
static PATHS_DENY: WordRules = WordRules { entry: Entry::Path, order: Order::MoreIsStricter };

pub(crate) static READ_WRITE_PATHS: Directive = Directive {
    name: "ReadWritePaths",
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
    summary: "Leaves paths writable that another directive makes read-only.",
    breaks: "The start (226/NAMESPACE), if a path is missing and has no `-` before it.",
    ..ROW
};

pub(crate) static READ_ONLY_PATHS: Directive = Directive {
    name: "ReadOnlyPaths",
    also: &["ReadOnlyDirectories"],
    since: 231,
    kind: Kind::Words(&PATHS_DENY),
    unset: NOTHING,
    yields: &[also(Need::KeepsReadOnly, "{path}")],
    summary: "Makes paths read-only for the service.",
    breaks: "The start (226/NAMESPACE), if a path is missing and has no `-` before it.",
    ..ROW
};

pub(crate) static INACCESSIBLE_PATHS: Directive = Directive {
    name: "InaccessiblePaths",
    also: &["InaccessibleDirectories"],
    since: 231,
    kind: Kind::Words(&PATHS_DENY),
    unset: NOTHING,
    summary: "Hides paths from the service.",
    breaks: "Whatever looks there: web panels and /etc/sudoers.",
    ..ROW
};

pub(crate) static EXEC_PATHS: Directive = Directive {
    name: "ExecPaths",
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
    summary: "Leaves paths executable that NoExecPaths= closes.",
    breaks: "Nothing; it opens.",
    ..ROW
};

pub(crate) static NO_EXEC_PATHS: Directive = Directive {
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
    summary: "Refuses to run or map code from paths.",
    breaks: "Shells and helpers that ExecPaths= does not name: 203/EXEC, also in ExecReload=.",
    ..ROW
};

static LINES: WordRules = WordRules { entry: Entry::Bind, order: Order::Unordered };
static WRITABLE_BINDS: WordRules = WordRules { entry: Entry::Bind, order: Order::MoreIsWeaker };

const fn mounts(
    name: &'static str,
    since: u16,
    rules: &'static WordRules,
    summary: &'static str,
    breaks: &'static str,
) -> Directive {
    Directive { name, since, kind: Kind::Words(rules), unset: NOTHING, summary, breaks, ..ROW }
}

pub(crate) static TEMPORARY_FILE_SYSTEM: Directive = mounts(
    "TemporaryFileSystem",
    238,
    &LINES,
    "Mounts empty temporary file systems over paths.",
    "Whatever lies below those paths is hidden.",
);
pub(crate) static BIND_PATHS: Directive = Directive {
    shares: Some(&BIND_READ_ONLY_PATHS),
    ..mounts(
        "BindPaths",
        233,
        &WRITABLE_BINDS,
        "Mounts paths of the host at other places, writable.",
        "The start (226/NAMESPACE), if a source is missing.",
    )
};
pub(crate) static BIND_READ_ONLY_PATHS: Directive = Directive {
    shares: Some(&BIND_PATHS),
    ..mounts(
        "BindReadOnlyPaths",
        233,
        &LINES,
        "Mounts paths of the host at other places, read-only.",
        "The start (226/NAMESPACE), if a source is missing.",
    )
};

const fn root(
    name: &'static str,
    since: u16,
    implies: &'static [Implied],
    summary: &'static str,
) -> Directive {
    Directive {
        name,
        since,
        kind: Kind::Text(TextGrammar::Root),
        unset: NOTHING,
        implies,
        summary,
        breaks: "Everything that is not in the tree: CA certificates, user databases, the journal's sockets.",
        ..ROW
    }
}

/// An image is mounted through loop and mapper devices.
const fn opens_loop(releases: &'static [Range]) -> Implied {
    Implied {
        when: When::OnWithDeviceRules,
        on: &super::devices::DEVICE_ALLOW,
        operation: Operation::Assign("block-loop rwm"),
        releases,
        stage: Stage::Load,
    }
}

pub(crate) static ROOT_DIRECTORY: Directive =
    root("RootDirectory", 0, &[], "Takes another directory for the service's root.");
pub(crate) static ROOT_IMAGE: Directive =
    root("RootImage", 233, &[opens_loop(EVERY), BRINGS_MOUNTS], "Takes a disk image for the service's root.");
pub(crate) static ROOT_MSTACK: Directive =
    root("RootMStack", 260, &[opens_loop(EVERY)], "Takes a stack of mounts for the service's root.");
pub(crate) static MOUNT_IMAGES: Directive = Directive {
    implies: &[opens_loop(EVERY)],
    ..mounts("MountImages", 247, &LINES, "Mounts disk images below the service's root.", "Nothing.")
};
pub(crate) static EXTENSION_IMAGES: Directive =
    mounts("ExtensionImages", 248, &LINES, "Lays extension images over the service's root.", "Nothing.");
pub(crate) static EXTENSION_DIRECTORIES: Directive = mounts(
    "ExtensionDirectories",
    251,
    &LINES,
    "Lays extension directories over the service's root.",
    "Nothing.",
);

static BELOW: WordRules = WordRules { entry: Entry::Below, order: Order::MoreIsWeaker };

const fn directory(name: &'static str, since: u16, key: &'static str, summary: &'static str) -> Directive {
    Directive {
        name,
        since,
        kind: Kind::Words(&BELOW),
        unset: NOTHING,
        key: Some(key),
        summary,
        breaks: "Nothing; the manager makes and owns it.",
        ..ROW
    }
}

const DIRECTORY_MODE: &[super::Unset] = &[always("0755")];

const fn directory_mode(name: &'static str, since: u16, key: &'static str) -> Directive {
    Directive {
        name,
        since,
        kind: Kind::Mode(Order::MoreIsWeaker),
        unset: DIRECTORY_MODE,
        key: Some(key),
        summary: "The mode of that directory.",
        breaks: "Programs of other users that look into it.",
        ..ROW
    }
}

pub(crate) static STATE_DIRECTORY: Directive =
    directory("StateDirectory", 235, "directories.state", "A writable directory below /var/lib.");
pub(crate) static STATE_DIRECTORY_MODE: Directive =
    directory_mode("StateDirectoryMode", 235, "directories.state.mode");
pub(crate) static CACHE_DIRECTORY: Directive =
    directory("CacheDirectory", 235, "directories.cache", "A writable directory below /var/cache.");
pub(crate) static CACHE_DIRECTORY_MODE: Directive =
    directory_mode("CacheDirectoryMode", 235, "directories.cache.mode");
pub(crate) static LOGS_DIRECTORY: Directive =
    directory("LogsDirectory", 235, "directories.logs", "A writable directory below /var/log.");
pub(crate) static LOGS_DIRECTORY_MODE: Directive =
    directory_mode("LogsDirectoryMode", 235, "directories.logs.mode");
pub(crate) static RUNTIME_DIRECTORY: Directive = directory(
    "RuntimeDirectory",
    211,
    "directories.runtime",
    "A writable directory below /run, gone with the service.",
);
pub(crate) static RUNTIME_DIRECTORY_MODE: Directive =
    directory_mode("RuntimeDirectoryMode", 211, "directories.runtime.mode");
pub(crate) static CONFIGURATION_DIRECTORY: Directive = directory(
    "ConfigurationDirectory",
    235,
    "directories.configuration",
    "A directory below /etc; writable for a service that runs as root, even below ProtectSystem=strict.",
);
pub(crate) static CONFIGURATION_DIRECTORY_MODE: Directive =
    directory_mode("ConfigurationDirectoryMode", 235, "directories.configuration.mode");

static PRESERVE: LevelRules = LevelRules {
    levels: &[level("yes", 0, 0), level("restart", 0, 1), level("no", 0, 2)],
    empty: &[],
    suffix: &[],
    order: Order::MoreIsStricter,
};

pub(crate) static RUNTIME_DIRECTORY_PRESERVE: Directive = Directive {
    name: "RuntimeDirectoryPreserve",
    beside: Some(&RUNTIME_DIRECTORY),
    since: 235,
    kind: Kind::Level(&PRESERVE),
    key: Some("directories.runtime.keep"),
    summary: "Keeps the runtime directory when the service stops.",
    breaks: "Nothing.",
    ..ROW
};

pub(crate) static RESTRICT_FILE_SYSTEMS: Directive = Directive {
    name: "RestrictFileSystems",
    requires: super::Requires::BpfFramework,
    managers: Managers::System,
    sections: Sections::Exec,
    since: 250,
    kind: Kind::Names(super::NameGrammar::FileSystems),
    unset: NOTHING,
    summary: "Refuses to open files of some types of file system, where the kernel has the BPF LSM.",
    breaks: "Programs that look at other file systems.",
    ..ROW
};
