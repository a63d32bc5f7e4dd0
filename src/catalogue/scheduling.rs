//! Rows about the share of processors and disks that processes get, which say how a service runs.

use super::failing::{ExecStep, ends_at};
use super::{
    AmountRules, Bus, Directive, Entry, Kind, LevelRules, NOTHING, Number, Order, Proof, ROW, TextGrammar,
    Trace, Unit, WordRules, filesystem::level, sign,
};
use crate::catalogue::{Level, Managers, Odd};
use crate::release::EVERY;

pub(super) static ROWS: &[&Directive] = &[
    &NICE,
    &OOM_SCORE_ADJUST,
    &CPU_SCHEDULING_POLICY,
    &CPU_SCHEDULING_PRIORITY,
    &CPU_SCHEDULING_RESET_ON_FORK,
    &CPU_AFFINITY,
    &NUMA_POLICY,
    &NUMA_MASK,
    &IO_SCHEDULING_CLASS,
    &IO_SCHEDULING_PRIORITY,
    &TIMER_SLACK_NSEC,
];

/// The way out where the kernel refuses what is asked for.
const LESS: &str = "ask for what this machine has and the manager may give";

const DISK_SHARE: Proof = Proof::Nothing("the kernel tells it by ioprio_get(2) alone");
const MEMORY_POLICY: Proof = Proof::Nothing("the kernel tells it of single mappings alone");

const fn number(
    name: &'static str,
    (least, most): (i64, i64),
    proof: Proof,
    summary: &'static str,
    breaks: &'static str,
) -> Directive {
    Directive {
        name,
        kind: Kind::Text(TextGrammar::Integer(least, most)),
        unset: NOTHING,
        proof,
        summary,
        breaks,
        ..ROW
    }
}

pub(crate) static NICE: Directive = Directive {
    fails: &[ends_at(ExecStep::Nice, LESS)],
    ..number(
        "Nice",
        (-20, 19),
        Proof::By(&[sign(Trace::Number(Number::Nice))]),
        "The priority of the service, from -20 for the highest to 19.",
        "Speed; a user's manager only lowers it.",
    )
};
pub(crate) static OOM_SCORE_ADJUST: Directive = Directive {
    fails: &[ends_at(ExecStep::OomAdjust, LESS)],
    ..number(
        "OOMScoreAdjust",
        (-1000, 1000),
        Proof::By(&[sign(Trace::Number(Number::OomScoreAdjust))]),
        "How soon the kernel kills the service when memory runs out, from -1000 for never to 1000.",
        "Nothing; a user's manager only makes it sooner.",
    )
};

static POLICIES: LevelRules = LevelRules {
    levels: &[
        Level { text: "fifo", also: &[("1", 0)], since: 0, rank: 0 },
        Level { text: "rr", also: &[("2", 0)], since: 0, rank: 0 },
        Level { text: "other", also: &[("0", 0)], since: 0, rank: 1 },
        Level { text: "batch", also: &[("3", 0)], since: 0, rank: 1 },
        Level { text: "idle", also: &[("5", 0)], since: 0, rank: 1 },
        Level { text: "ext", also: &[("7", 260)], since: 260, rank: 1 },
    ],
    empty: &[],
    suffix: &[],
    numbers: &[(0, "other"), (1, "fifo"), (2, "rr"), (3, "batch"), (5, "idle"), (7, "ext")],
    order: Order::MoreIsStricter,
};

const fn words(
    name: &'static str,
    since: u16,
    rules: &'static LevelRules,
    proof: Proof,
    summary: &'static str,
) -> Directive {
    Directive {
        name,
        since,
        kind: Kind::Level(rules),
        unset: NOTHING,
        proof,
        summary,
        breaks: "The speed of the service, or that of others.",
        ..ROW
    }
}

pub(crate) static CPU_SCHEDULING_POLICY: Directive = Directive {
    fails: &[ends_at(ExecStep::Setscheduler, LESS)],
    ..words(
        "CPUSchedulingPolicy",
        0,
        &POLICIES,
        Proof::By(&[sign(Trace::Number(Number::SchedulingPolicy))]),
        "How the processor is shared; `fifo` and `rr` take it from everything else.",
    )
};

static RANK: AmountRules =
    AmountRules { unit: Unit::UpTo(99), pair: false, resets: false, order: Order::MoreIsWeaker };
static DISK_RANK: AmountRules =
    AmountRules { unit: Unit::UpTo(7), pair: false, resets: true, order: Order::Unordered };

const fn rank(
    name: &'static str,
    rules: &'static AmountRules,
    proof: Proof,
    summary: &'static str,
) -> Directive {
    Directive {
        name,
        kind: Kind::Amount(rules),
        unset: NOTHING,
        proof,
        summary,
        breaks: "The speed of the service, or that of others.",
        ..ROW
    }
}

pub(crate) static CPU_SCHEDULING_PRIORITY: Directive = Directive {
    fails: &[ends_at(ExecStep::Setscheduler, LESS)],
    managers: Managers::System,
    ..rank(
        "CPUSchedulingPriority",
        &RANK,
        Proof::By(&[sign(Trace::Number(Number::SchedulingPriority))]),
        "The priority among real-time processes, 1 to 99.",
    )
};

pub(crate) static CPU_SCHEDULING_RESET_ON_FORK: Directive = Directive {
    name: "CPUSchedulingResetOnFork",
    proof: Proof::Nothing("the kernel tells it by sched_getattr(2) alone"),
    summary: "Keeps real-time priority from child processes.",
    breaks: "Real-time helpers.",
    ..ROW
};

static PROCESSORS: WordRules = WordRules { entry: Entry::Processors, order: Order::Unordered };
static NODES: WordRules = WordRules { entry: Entry::Numbers, order: Order::Unordered };

pub(crate) static CPU_AFFINITY: Directive = Directive {
    fails: &[ends_at(ExecStep::Cpuaffinity, LESS)],
    name: "CPUAffinity",
    kind: Kind::Words(&PROCESSORS),
    bus: Bus::Together(&["CPUAffinity", "CPUAffinityFromNUMA"]),
    unset: NOTHING,
    proof: Proof::By(&[sign(Trace::Processors)]),
    summary: "Processors that the service starts on; it may choose others itself.",
    breaks: "The speed of the service, or that of others.",
    ..ROW
};

static MEMORY_POLICIES: LevelRules = LevelRules {
    levels: &[
        level("default", 0, 0),
        level("preferred", 0, 0),
        level("bind", 0, 0),
        level("interleave", 0, 0),
        level("local", 0, 0),
        level("preferred-many", 262, 0),
        level("weighted-interleave", 262, 0),
    ],
    empty: &[(EVERY, Odd::Resets)],
    suffix: &[],
    numbers: &[
        (-1, ""),
        (0, "default"),
        (1, "preferred"),
        (2, "bind"),
        (3, "interleave"),
        (4, "local"),
        (5, "preferred-many"),
        (6, "weighted-interleave"),
    ],
    order: Order::Unordered,
};

pub(crate) static NUMA_POLICY: Directive = Directive {
    fails: &[ends_at(ExecStep::NumaPolicy, LESS)],
    ..words("NUMAPolicy", 243, &MEMORY_POLICIES, MEMORY_POLICY, "From which nodes memory is taken.")
};

pub(crate) static NUMA_MASK: Directive = Directive {
    fails: &[ends_at(ExecStep::NumaPolicy, LESS)],
    name: "NUMAMask",
    since: 243,
    kind: Kind::Words(&NODES),
    unset: NOTHING,
    proof: MEMORY_POLICY,
    summary: "The nodes that NUMAPolicy= speaks of.",
    breaks: "The speed of the service, or that of others.",
    ..ROW
};

static DISK_CLASSES: LevelRules = LevelRules {
    levels: &[
        Level { text: "realtime", also: &[("1", 0)], since: 0, rank: 0 },
        // The kernel takes no class for this one.
        Level { text: "best-effort", also: &[("2", 0), ("none", 0), ("0", 0)], since: 0, rank: 0 },
        Level { text: "idle", also: &[("3", 0)], since: 0, rank: 0 },
    ],
    empty: &[(EVERY, Odd::Resets)],
    suffix: &[],
    numbers: &[(0, "best-effort"), (1, "realtime"), (2, "best-effort"), (3, "idle")],
    order: Order::Unordered,
};

pub(crate) static IO_SCHEDULING_CLASS: Directive = Directive {
    fails: &[ends_at(ExecStep::Ioprio, LESS)],
    ..words("IOSchedulingClass", 0, &DISK_CLASSES, DISK_SHARE, "How disks are shared.")
};
pub(crate) static IO_SCHEDULING_PRIORITY: Directive = Directive {
    fails: &[ends_at(ExecStep::Ioprio, LESS)],
    ..rank(
        "IOSchedulingPriority",
        &DISK_RANK,
        DISK_SHARE,
        "The priority within the class, from 0 for the highest to 7.",
    )
};

pub(crate) static TIMER_SLACK_NSEC: Directive = Directive {
    name: "TimerSlackNSec",
    fails: &[ends_at(ExecStep::Timerslack, "name a span of time that the kernel takes")],
    kind: Kind::Amount(&AmountRules {
        unit: Unit::Nanoseconds,
        pair: false,
        resets: false,
        order: Order::Unordered,
    }),
    unset: NOTHING,
    proof: Proof::Nothing("a process sets its own by prctl(2)"),
    summary: "How late the kernel may wake the service for the sake of fewer wake-ups.",
    breaks: "What must be on time.",
    ..ROW
};
