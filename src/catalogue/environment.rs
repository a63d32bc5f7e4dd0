//! Rows about environment variables and the journal, which say how a service runs.

use super::{
    AmountRules, Bus, Directive, Entry, Kind, Level, LevelRules, Managers, Mounted, NOTHING, Order, Places,
    Proof, ROW, TextGrammar, Trace, Unit, WordRules, always, sign,
};

pub(super) static ROWS: &[&Directive] = &[
    &PASS_ENVIRONMENT,
    &UNSET_ENVIRONMENT,
    &EXEC_SEARCH_PATH,
    &LOG_NAMESPACE,
    &LOG_RATE_LIMIT_INTERVAL_SEC,
    &LOG_RATE_LIMIT_BURST,
    &LOG_LEVEL_MAX,
];

const ACTED_UPON_BY_JOURNAL: Proof = Proof::Nothing("the journal acts upon it");

static PASSED: WordRules = WordRules { entry: Entry::Variable, order: Order::MoreIsWeaker };
static TAKEN: WordRules = WordRules { entry: Entry::VariableOrValue, order: Order::Unordered };

const fn list(
    name: &'static str,
    since: u16,
    rules: &'static WordRules,
    summary: &'static str,
    breaks: &'static str,
) -> Directive {
    Directive {
        name,
        since,
        kind: Kind::Words(rules),
        unset: NOTHING,
        proof: Proof::Nothing("the environment is the service's own to change"),
        summary,
        breaks,
        ..ROW
    }
}

pub(crate) static PASS_ENVIRONMENT: Directive = list(
    "PassEnvironment",
    228,
    &PASSED,
    "Variables of the manager that the service gets too.",
    "Nothing; a variable that the manager lacks is skipped.",
);
pub(crate) static UNSET_ENVIRONMENT: Directive = list(
    "UnsetEnvironment",
    235,
    &TAKEN,
    "Variables that the service does not get, wherever they come from.",
    "Programs that need them.",
);

pub(crate) static EXEC_SEARCH_PATH: Directive = Directive {
    name: "ExecSearchPath",
    since: 250,
    kind: Kind::Words(&WordRules { entry: Entry::Searched, order: Order::Unordered }),
    unset: NOTHING,
    proof: Proof::Nothing("systemd looks there itself, and $PATH is the service's own to change"),
    summary: "Where commands without a path are looked for, and what $PATH says to the service.",
    breaks: "Commands that are found elsewhere, or nowhere.",
    ..ROW
};

pub(crate) static LOG_NAMESPACE: Directive = Directive {
    name: "LogNamespace",
    managers: Managers::System,
    since: 245,
    kind: Kind::Text(TextGrammar::Journal),
    unset: NOTHING,
    proof: Proof::By(&[sign(Trace::Mount(Places::These(&["/run/systemd/journal"]), Mounted::OfItsOwn))]),
    summary: "A journal of its own for the service.",
    breaks: "Looking for its log in the system's journal.",
    ..ROW
};

static SPAN: AmountRules =
    AmountRules { unit: Unit::Span, pair: false, resets: false, order: Order::Unordered };
static MESSAGES: AmountRules =
    AmountRules { unit: Unit::Count, pair: false, resets: false, order: Order::MoreIsWeaker };

pub(crate) static LOG_RATE_LIMIT_INTERVAL_SEC: Directive = Directive {
    name: "LogRateLimitIntervalSec",
    managers: Managers::System,
    since: 240,
    kind: Kind::Amount(&SPAN),
    bus: Bus::Newest(&["LogRateLimitIntervalUSec"]),
    unset: &[always("0")],
    proof: ACTED_UPON_BY_JOURNAL,
    summary: "The time over which LogRateLimitBurst= is counted.",
    breaks: "Messages that are dropped.",
    ..ROW
};
pub(crate) static LOG_RATE_LIMIT_BURST: Directive = Directive {
    name: "LogRateLimitBurst",
    managers: Managers::System,
    since: 240,
    kind: Kind::Amount(&MESSAGES),
    unset: &[always("0")],
    proof: ACTED_UPON_BY_JOURNAL,
    summary: "Messages that the journal takes from the service before it drops some.",
    breaks: "Messages that are dropped.",
    ..ROW
};

const fn priority(text: &'static str, also: &'static [(&'static str, u16)]) -> Level {
    Level { text, also, since: 0, rank: 0 }
}

static PRIORITIES: LevelRules = LevelRules {
    levels: &[
        priority("emerg", &[("0", 0)]),
        priority("alert", &[("1", 0)]),
        priority("crit", &[("2", 0)]),
        priority("err", &[("3", 0)]),
        priority("warning", &[("4", 0)]),
        priority("notice", &[("5", 0)]),
        priority("info", &[("6", 0)]),
        priority("debug", &[("7", 0)]),
    ],
    empty: &[],
    suffix: &[],
    numbers: &[
        (-1, ""),
        (0, "emerg"),
        (1, "alert"),
        (2, "crit"),
        (3, "err"),
        (4, "warning"),
        (5, "notice"),
        (6, "info"),
        (7, "debug"),
    ],
    order: Order::Unordered,
};

pub(crate) static LOG_LEVEL_MAX: Directive = Directive {
    name: "LogLevelMax",
    managers: Managers::System,
    since: 236,
    kind: Kind::Level(&PRIORITIES),
    unset: NOTHING,
    proof: ACTED_UPON_BY_JOURNAL,
    summary: "Drops messages of the service that matter less.",
    breaks: "Looking for them.",
    ..ROW
};
