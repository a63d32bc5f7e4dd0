//! Rows about the directories that the manager makes for a service.

use super::failing::{ExecStep, Failing, READ_ONLY, ends_at};
use super::{
    AmountRules, Bus, Directive, Entry, FUNCTIONAL, Kind, LevelRules, Managers, NOTHING, Opens, Order, Proof,
    ROW, Unit, WordRules, Writable, always, filesystem::level,
};

static BELOW: WordRules = WordRules { entry: Entry::Below, order: Order::MoreIsWeaker };
static BELOW_BY_NAME: WordRules = WordRules { entry: Entry::BelowByName, order: Order::MoreIsWeaker };

/// The way out where a directory cannot be made.
const MAKES: &str = "make room for it: see that nothing of another kind or owner lies in its place";
const ON_DISK: Proof = Proof::Nothing("it is the file system's, not the process's");

const fn directory(
    name: &'static str,
    since: u16,
    bus: &'static [&'static str],
    (key, base): (&'static str, &'static str),
    fails: &'static [Failing],
    summary: &'static str,
) -> Directive {
    Directive {
        name,
        fails,
        spares: READ_ONLY,
        since,
        kind: Kind::Words(&BELOW),
        opens: Opens::Writing(Writable::Below(base)),
        bus: Bus::Together(bus),
        unset: NOTHING,
        key: Some(key),
        proof: ON_DISK,
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
        proof: ON_DISK,
        summary: "The mode of that directory.",
        breaks: "Programs of other users that look into it.",
        ..ROW
    }
}

pub(crate) static STATE_DIRECTORY: Directive = directory(
    "StateDirectory",
    235,
    &["StateDirectory", "StateDirectorySymlink"],
    ("directories.state", "/var/lib"),
    &[ends_at(ExecStep::StateDirectory, MAKES)],
    "A writable directory below /var/lib.",
);
pub(crate) static STATE_DIRECTORY_MODE: Directive =
    directory_mode("StateDirectoryMode", 235, "directories.state.mode");
pub(crate) static CACHE_DIRECTORY: Directive = directory(
    "CacheDirectory",
    235,
    &["CacheDirectory", "CacheDirectorySymlink"],
    ("directories.cache", "/var/cache"),
    &[ends_at(ExecStep::CacheDirectory, MAKES)],
    "A writable directory below /var/cache.",
);
pub(crate) static CACHE_DIRECTORY_MODE: Directive =
    directory_mode("CacheDirectoryMode", 235, "directories.cache.mode");
pub(crate) static LOGS_DIRECTORY: Directive = directory(
    "LogsDirectory",
    235,
    &["LogsDirectory", "LogsDirectorySymlink"],
    ("directories.logs", "/var/log"),
    &[ends_at(ExecStep::LogsDirectory, MAKES)],
    "A writable directory below /var/log.",
);
pub(crate) static LOGS_DIRECTORY_MODE: Directive =
    directory_mode("LogsDirectoryMode", 235, "directories.logs.mode");
pub(crate) static RUNTIME_DIRECTORY: Directive = directory(
    "RuntimeDirectory",
    211,
    &["RuntimeDirectory", "RuntimeDirectorySymlink"],
    ("directories.runtime", "/run"),
    &[ends_at(ExecStep::RuntimeDirectory, MAKES)],
    "A writable directory below /run, gone with the service.",
);
pub(crate) static RUNTIME_DIRECTORY_MODE: Directive =
    directory_mode("RuntimeDirectoryMode", 211, "directories.runtime.mode");
pub(crate) static CONFIGURATION_DIRECTORY: Directive = Directive {
    kind: Kind::Words(&BELOW_BY_NAME),
    ..directory(
        "ConfigurationDirectory",
        235,
        &["ConfigurationDirectory"],
        ("directories.configuration", "/etc"),
        &[ends_at(ExecStep::ConfigurationDirectory, MAKES)],
        "A directory below /etc; writable for a service that runs as root, even below ProtectSystem=strict.",
    )
};
pub(crate) static CONFIGURATION_DIRECTORY_MODE: Directive =
    directory_mode("ConfigurationDirectoryMode", 235, "directories.configuration.mode");

static PRESERVE: LevelRules = LevelRules {
    levels: &[level("yes", 0, 0), level("restart", 0, 1), level("no", 0, 2)],
    empty: &[],
    suffix: &[],
    numbers: &[],
    order: Order::MoreIsStricter,
};

pub(crate) static RUNTIME_DIRECTORY_PRESERVE: Directive = Directive {
    name: "RuntimeDirectoryPreserve",
    beside: Some(&RUNTIME_DIRECTORY),
    since: 235,
    kind: Kind::Level(&PRESERVE),
    key: Some("directories.runtime.keep"),
    proof: Proof::Nothing("the manager acts when the service stops"),
    summary: "Keeps the runtime directory when the service stops.",
    breaks: "Nothing.",
    ..ROW
};

static QUOTA: AmountRules =
    AmountRules { unit: Unit::Disk, pair: false, resets: true, order: Order::MoreIsWeaker };

const UNLIMITED: &[super::Unset] = &[always("off")];

const fn quota(name: &'static str, summary: &'static str) -> Directive {
    Directive {
        name,
        since: 258,
        managers: Managers::System,
        kind: Kind::Amount(&QUOTA),
        unset: UNLIMITED,
        proof: ON_DISK,
        summary,
        breaks: "Writing, when the service needs more; nothing on file systems without project quotas.",
        ..ROW
    }
}

const fn accounting(name: &'static str) -> Directive {
    Directive {
        name,
        since: 258,
        managers: Managers::System,
        kind: Kind::Switch(&FUNCTIONAL),
        proof: ON_DISK,
        summary: "Counts what lies in that directory.",
        breaks: "Nothing.",
        ..ROW
    }
}

pub(crate) static STATE_DIRECTORY_QUOTA: Directive =
    quota("StateDirectoryQuota", "Disk space that the state directory may take.");
pub(crate) static STATE_DIRECTORY_ACCOUNTING: Directive = accounting("StateDirectoryAccounting");
pub(crate) static CACHE_DIRECTORY_QUOTA: Directive =
    quota("CacheDirectoryQuota", "Disk space that the cache directory may take.");
pub(crate) static CACHE_DIRECTORY_ACCOUNTING: Directive = accounting("CacheDirectoryAccounting");
pub(crate) static LOGS_DIRECTORY_QUOTA: Directive =
    quota("LogsDirectoryQuota", "Disk space that the log directory may take.");
pub(crate) static LOGS_DIRECTORY_ACCOUNTING: Directive = accounting("LogsDirectoryAccounting");
