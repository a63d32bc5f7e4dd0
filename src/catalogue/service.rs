//! Rows that say how a service runs, not what it may do: checks, implications and units need them.

use super::failing::{ExecStep, Failing, ends, ends_at};
use super::{AmountRules, Probe, Proof};
use super::{
    Bus, Directive, Entry, FUNCTIONAL, Implied, Kind, Level, LevelRules, NOTHING, Odd, Operation, Order, ROW,
    Sections, Stage, SwitchRules, TextGrammar, Unit, When, WordRules, also, always, at_load, check,
};
use crate::need::Need;
use crate::release::{EVERY, Range};

pub(super) static ROWS: &[&Directive] = &[
    &TYPE,
    &BUS_NAME,
    &NOTIFY_ACCESS,
    &WATCHDOG_SEC,
    &FILE_DESCRIPTOR_STORE_MAX,
    &DEFAULT_DEPENDENCIES,
    &JOINS_NAMESPACE_OF,
    &WORKING_DIRECTORY,
    &STANDARD_OUTPUT,
    &STANDARD_ERROR,
    &STANDARD_INPUT,
    &RUNTIME_MAX_SEC,
    &MOUNT_API_VFS,
    &BIND_LOG_SOCKETS,
];

pub(super) const ACTED_UPON_BY_MANAGER: Proof = Proof::Nothing("the manager alone acts upon it");

const fn word(text: &'static str, since: u16) -> Level {
    Level { text, also: &[], since, rank: 0 }
}

static TYPES: LevelRules = LevelRules {
    levels: &[
        word("simple", 0),
        word("exec", 240),
        word("forking", 0),
        word("oneshot", 0),
        word("dbus", 0),
        word("notify", 0),
        word("notify-reload", 253),
        word("idle", 0),
    ],
    empty: &[],
    suffix: &[],
    numbers: &[],
    order: Order::Unordered,
};

pub(crate) static TYPE: Directive = Directive {
    fails: &[
        ends("protocol", "let the program do what its type says, or state another type"),
        ends(
            "timeout",
            "let the program report that it is up, or state another type or a longer TimeoutStartSec=",
        ),
    ],
    name: "Type",
    sections: Sections::Service,
    kind: Kind::Level(&TYPES),
    unset: &[always("simple")],
    key: Some("type"),
    implies: &[
        at_load(When::Is("notify"), &NOTIFY_ACCESS, Operation::Replace("none", "main")),
        Implied {
            when: When::Is("notify-reload"),
            on: &NOTIFY_ACCESS,
            operation: Operation::Replace("none", "main"),
            releases: &[Range::since(253)],
            stage: Stage::Load,
        },
    ],
    proof: ACTED_UPON_BY_MANAGER,
    summary: "Says how the manager learns that the service has started.",
    breaks: "Ordering, where the program behaves otherwise than its type says.",
    ..ROW
};

pub(crate) static BUS_NAME: Directive = Directive {
    name: "BusName",
    sections: Sections::Service,
    kind: Kind::Text(TextGrammar::BusName),
    unset: NOTHING,
    key: Some("bus-name"),
    implies: &[at_load(When::On, &TYPE, Operation::Replace("simple", "dbus"))],
    proof: ACTED_UPON_BY_MANAGER,
    summary: "The D-Bus name that the service takes.",
    breaks: "The start, if the program never takes the name.",
    ..ROW
};

static ACCESS: LevelRules = LevelRules {
    levels: &[
        Level { text: "all", also: &[], since: 0, rank: 0 },
        Level { text: "exec", also: &[], since: 0, rank: 1 },
        Level { text: "main", also: &[], since: 0, rank: 2 },
        Level { text: "none", also: &[], since: 0, rank: 3 },
    ],
    empty: &[],
    suffix: &[],
    numbers: &[],
    order: Order::MoreIsStricter,
};

pub(crate) static NOTIFY_ACCESS: Directive = Directive {
    name: "NotifyAccess",
    sections: Sections::Service,
    kind: Kind::Level(&ACCESS),
    unset: &[always("none")],
    key: Some("notify-access"),
    checks: &[check(
        "NotifyAccess",
        1000,
        1,
        Probe::Words(&[("none", 0), ("main", 0), ("exec", 0), ("all", 1)]),
    )],
    proof: ACTED_UPON_BY_MANAGER,
    summary: "Says which processes of the service the manager listens to.",
    breaks: "Start-up notice from a child, where only the main process is heard.",
    ..ROW
};

static SPAN: AmountRules =
    AmountRules { unit: Unit::Span, pair: false, resets: false, order: Order::Unordered };

pub(crate) static WATCHDOG_SEC: Directive = Directive {
    fails: &[ends("watchdog", "let the program send WATCHDOG=1 in time, or give it longer")],
    name: "WatchdogSec",
    sections: Sections::Service,
    kind: Kind::Amount(&SPAN),
    bus: Bus::OnceStarted("WatchdogUSec"),
    unset: &[always("0")],
    key: Some("watchdog"),
    implies: &[at_load(When::On, &NOTIFY_ACCESS, Operation::Replace("none", "main"))],
    proof: ACTED_UPON_BY_MANAGER,
    summary: "Restarts the service when it has been silent for so long.",
    breaks: "Programs that do not send WATCHDOG=1.",
    ..ROW
};

static DESCRIPTORS: AmountRules =
    AmountRules { unit: Unit::Count, pair: false, resets: false, order: Order::MoreIsWeaker };

pub(crate) static FILE_DESCRIPTOR_STORE_MAX: Directive = Directive {
    name: "FileDescriptorStoreMax",
    sections: Sections::Service,
    since: 219,
    kind: Kind::Amount(&DESCRIPTORS),
    unset: &[always("0")],
    implies: &[at_load(When::On, &NOTIFY_ACCESS, Operation::Replace("none", "main"))],
    proof: ACTED_UPON_BY_MANAGER,
    summary: "Lets the service leave file descriptors with the manager.",
    breaks: "Nothing.",
    ..ROW
};

pub(crate) static DEFAULT_DEPENDENCIES: Directive = Directive {
    name: "DefaultDependencies",
    sections: Sections::Unit,
    since: 201,
    kind: Kind::Switch(&FUNCTIONAL),
    unset: &[always("yes")],
    key: Some("early"),
    proof: ACTED_UPON_BY_MANAGER,
    summary: "Orders the unit after the basic system and before shutdown.",
    breaks: "Start in early boot; four checks do not apply without it.",
    ..ROW
};

static UNITS: WordRules = WordRules { entry: Entry::Unit, order: Order::MoreIsWeaker };

pub(crate) static JOINS_NAMESPACE_OF: Directive = Directive {
    name: "JoinsNamespaceOf",
    sections: Sections::Unit,
    since: 209,
    kind: Kind::Words(&UNITS),
    unset: NOTHING,
    key: Some("joins"),
    yields: &[also(Need::SharesIpc, "{unit}")],
    proof: ACTED_UPON_BY_MANAGER,
    summary: "Shares /tmp, the network and IPC objects with other units, as far as all of them make theirs private.",
    breaks: "Nothing; it opens this unit to the others.",
    ..ROW
};

pub(crate) static WORKING_DIRECTORY: Directive = Directive {
    fails: &[ends_at(ExecStep::Chdir, "create the directory, or name one that the service can see")],
    name: "WorkingDirectory",
    kind: Kind::Text(TextGrammar::Directory),
    unset: NOTHING,
    key: Some("working-directory"),
    proof: Proof::Nothing("the service may leave it"),
    summary: "The directory in which the service starts.",
    breaks: "The start (200/CHDIR), if it is missing or hidden by another directive.",
    ..ROW
};

/// The way out where a stream cannot be opened: the manager opens it with its own rights.
const OPENS_FILE: &str = "create its directory before the service starts (tmpfiles.d(5))";

const fn stream(
    name: &'static str,
    grammar: TextGrammar,
    key: &'static str,
    fails: &'static [Failing],
    summary: &'static str,
) -> Directive {
    Directive {
        name,
        fails,
        kind: Kind::Text(grammar),
        unset: NOTHING,
        key: Some(key),
        proof: Proof::Nothing("a descriptor does not say who opened it"),
        summary,
        breaks: "The start (209/STDOUT or 208/STDIN), if the file cannot be opened.",
        ..ROW
    }
}

pub(crate) static STANDARD_INPUT: Directive = stream(
    "StandardInput",
    TextGrammar::Source,
    "stdin",
    &[ends_at(ExecStep::Stdin, OPENS_FILE)],
    "Where the service reads its standard input from.",
);
pub(crate) static STANDARD_OUTPUT: Directive = stream(
    "StandardOutput",
    TextGrammar::Stream,
    "stdout",
    &[ends_at(ExecStep::Stdout, OPENS_FILE)],
    "Where the service's standard output goes.",
);
pub(crate) static STANDARD_ERROR: Directive = stream(
    "StandardError",
    TextGrammar::Stream,
    "stderr",
    &[ends_at(ExecStep::Stderr, OPENS_FILE)],
    "Where the service's standard error goes.",
);

static RUNTIME: AmountRules =
    AmountRules { unit: Unit::Span, pair: false, resets: false, order: Order::MoreIsWeaker };

pub(crate) static RUNTIME_MAX_SEC: Directive = Directive {
    fails: &[ends("timeout", "give it longer")],
    name: "RuntimeMaxSec",
    sections: Sections::Service,
    since: 229,
    kind: Kind::Amount(&RUNTIME),
    bus: Bus::Newest(&["RuntimeMaxUSec"]),
    unset: &[always("infinity")],
    key: Some("runtime-max"),
    proof: ACTED_UPON_BY_MANAGER,
    summary: "Ends the service after so long.",
    breaks: "Work that takes longer.",
    ..ROW
};

static TRI_STATE: SwitchRules =
    SwitchRules { order: Order::Unordered, empty: &[(EVERY, Odd::Resets)], other: Odd::Ignored };

pub(crate) static MOUNT_API_VFS: Directive = Directive {
    name: "MountAPIVFS",
    since: 233,
    kind: Kind::Switch(&TRI_STATE),
    // What is published is what other directives make of it where nothing set it.
    unset: NOTHING,
    proof: Proof::Nothing("it only adds mounts"),
    summary: "Mounts /proc, /sys and /dev into a root directory.",
    breaks: "Nothing without a root directory.",
    ..ROW
};

pub(crate) static BIND_LOG_SOCKETS: Directive = Directive {
    name: "BindLogSockets",
    since: 257,
    kind: Kind::Switch(&TRI_STATE),
    // What is published is what other directives make of it where nothing set it.
    unset: NOTHING,
    proof: Proof::Nothing("it only adds mounts"),
    summary: "Brings the journal's sockets into a root directory or log namespace.",
    breaks: "Nothing.",
    ..ROW
};
