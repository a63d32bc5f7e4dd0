//! Rows about the control group of a service and about its end: they say how it runs and is watched.

use super::{
    AmountRules, Bus, Directive, Entry, FUNCTIONAL, Holds, Kind, LevelRules, Managers, NOTHING, Odd, Order,
    Proof, ROW, Sections, TextGrammar, Trace, Unit, Unset, WordRules, always, at, filesystem::level,
    resources::file, service::ACTED_UPON_BY_MANAGER, sign,
};
use crate::release::EVERY;

pub(super) static ROWS: &[&Directive] = &[
    &SLICE,
    &DELEGATE_SUBGROUP,
    &DISABLE_CONTROLLERS,
    &CPU_SET_PARTITION,
    &CPU_ACCOUNTING,
    &MEMORY_ACCOUNTING,
    &TASKS_ACCOUNTING,
    &IO_ACCOUNTING,
    &IP_ACCOUNTING,
    &MEMORY_ZSWAP_WRITEBACK,
    &OOM_POLICY,
    &MANAGED_OOM_SWAP,
    &MANAGED_OOM_MEMORY_PRESSURE,
    &MANAGED_OOM_MEMORY_PRESSURE_LIMIT,
    &MANAGED_OOM_MEMORY_PRESSURE_DURATION_SEC,
    &MANAGED_OOM_PREFERENCE,
    &OOM_RULES,
    &MEMORY_PRESSURE_WATCH,
    &MEMORY_PRESSURE_THRESHOLD_SEC,
    &CPU_PRESSURE_WATCH,
    &CPU_PRESSURE_THRESHOLD_SEC,
    &IO_PRESSURE_WATCH,
    &IO_PRESSURE_THRESHOLD_SEC,
    &FILE_DESCRIPTOR_STORE_PRESERVE,
    &KILL_MODE,
    &SEND_SIGKILL,
];

const ACTED_UPON_BY_OOMD: Proof = Proof::Nothing("systemd-oomd acts upon it");
const TOLD: Proof = Proof::Nothing("the manager tells the service");

pub(crate) static SLICE: Directive = Directive {
    name: "Slice",
    since: 208,
    kind: Kind::Text(TextGrammar::Slice),
    unset: NOTHING,
    proof: Proof::By(&[sign(Trace::Slice)]),
    summary: "The slice that the service's control group lies in, and whose limits it shares.",
    breaks: "Nothing.",
    ..ROW
};

pub(crate) static DELEGATE_SUBGROUP: Directive = Directive {
    name: "DelegateSubgroup",
    since: 254,
    kind: Kind::Text(TextGrammar::Free),
    unset: NOTHING,
    proof: Proof::Nothing("the service moves its processes as it likes"),
    summary: "The control group below its own that the service is started in, where it manages them itself.",
    breaks: "Nothing.",
    ..ROW
};

static RULES: WordRules = WordRules { entry: Entry::Word, order: Order::Unordered };
static CONTROLLERS: WordRules = WordRules { entry: Entry::Controller, order: Order::Unordered };

pub(crate) static DISABLE_CONTROLLERS: Directive = Directive {
    name: "DisableControllers",
    since: 240,
    kind: Kind::Words(&CONTROLLERS),
    unset: NOTHING,
    proof: Proof::Nothing("it concerns control groups below the unit's"),
    summary: "Controllers that no control group below the unit gets.",
    breaks: "Limits of those controllers.",
    ..ROW
};

const fn words(levels: &'static [super::Level], order: Order) -> LevelRules {
    LevelRules { levels, empty: &[], suffix: &[], numbers: &[], order }
}

/// Nothing leaves the kernel's own, and is what an empty assignment comes back to (seen on 262).
static PARTITIONS: LevelRules = LevelRules {
    empty: &[(EVERY, Odd::Resets)],
    ..words(&[level("member", 0, 0), level("root", 0, 0), level("isolated", 0, 0)], Order::Unordered)
};

const fn choice(
    name: &'static str,
    since: u16,
    rules: &'static LevelRules,
    unset: &'static [Unset],
    proof: Proof,
    summary: &'static str,
) -> Directive {
    Directive { name, since, kind: Kind::Level(rules), unset, proof, summary, breaks: "Nothing.", ..ROW }
}

pub(crate) static CPU_SET_PARTITION: Directive = choice(
    "CPUSetPartition",
    261,
    &PARTITIONS,
    NOTHING,
    Proof::By(&[sign(file("cpuset.cpus.partition", "cpuset", Holds::Word))]),
    "Takes the allowed processors away from everything outside the unit.",
);

/// What nothing set is the manager's own default.
const fn switch(
    name: &'static str,
    since: u16,
    unset: &'static [Unset],
    proof: Proof,
    summary: &'static str,
    breaks: &'static str,
) -> Directive {
    Directive { name, since, kind: Kind::Switch(&FUNCTIONAL), unset, proof, summary, breaks, ..ROW }
}

const fn accounting(name: &'static str, since: u16, proof: Proof, summary: &'static str) -> Directive {
    switch(name, since, NOTHING, proof, summary, "Nothing.")
}

/// Control groups of the second version always count it; systemd 258 took the setting and its property away.
pub(crate) static CPU_ACCOUNTING: Directive = Directive {
    until: Some(257),
    ..accounting(
        "CPUAccounting",
        0,
        Proof::Nothing("the kernel counts it in any case"),
        "Counts the unit's processor time.",
    )
};
pub(crate) static MEMORY_ACCOUNTING: Directive = accounting(
    "MemoryAccounting",
    208,
    Proof::By(&[at(&["yes"], file("memory.current", "memory", Holds::Counts))]),
    "Counts the unit's memory.",
);
pub(crate) static TASKS_ACCOUNTING: Directive = accounting(
    "TasksAccounting",
    227,
    Proof::By(&[at(&["yes"], file("pids.current", "pids", Holds::Counts))]),
    "Counts the unit's processes and threads.",
);
pub(crate) static IO_ACCOUNTING: Directive = accounting(
    "IOAccounting",
    230,
    Proof::By(&[at(&["yes"], file("io.stat", "io", Holds::Counts))]),
    "Counts what the unit reads from disks and writes to them.",
);
pub(crate) static IP_ACCOUNTING: Directive = Directive {
    managers: Managers::System,
    ..accounting(
        "IPAccounting",
        235,
        Proof::By(&[sign(Trace::Program)]),
        "Counts the unit's bytes and packets on the network.",
    )
};
pub(crate) static MEMORY_ZSWAP_WRITEBACK: Directive = switch(
    "MemoryZSwapWriteback",
    256,
    NOTHING,
    Proof::By(&[at(&["yes"], file("memory.zswap.writeback", "memory", Holds::One))]),
    "Lets the kernel write compressed swap to the disk.",
    "Nothing.",
);

static OUT_OF_MEMORY: LevelRules =
    words(&[level("continue", 0, 0), level("stop", 0, 0), level("kill", 0, 0)], Order::Unordered);

pub(crate) static OOM_POLICY: Directive = Directive {
    sections: Sections::Service,
    ..choice(
        "OOMPolicy",
        243,
        &OUT_OF_MEMORY,
        NOTHING,
        Proof::By(&[at(&["kill"], file("memory.oom.group", "memory", Holds::One))]),
        "What becomes of the unit when one of its processes is killed for want of memory.",
    )
};

static ACTIONS: LevelRules = words(&[level("auto", 0, 0), level("kill", 0, 0)], Order::Unordered);
const AUTO: &[Unset] = &[always("auto")];

pub(crate) static MANAGED_OOM_SWAP: Directive = choice(
    "ManagedOOMSwap",
    247,
    &ACTIONS,
    AUTO,
    ACTED_UPON_BY_OOMD,
    "Whether systemd-oomd kills control groups below the unit when swap runs out.",
);
pub(crate) static MANAGED_OOM_MEMORY_PRESSURE: Directive = choice(
    "ManagedOOMMemoryPressure",
    247,
    &ACTIONS,
    AUTO,
    ACTED_UPON_BY_OOMD,
    "Whether systemd-oomd kills control groups below the unit when they wait for memory too long.",
);

const fn amount(
    name: &'static str,
    since: u16,
    rules: &'static AmountRules,
    bus: Bus,
    unset: &'static [Unset],
    proof: Proof,
    summary: &'static str,
) -> Directive {
    Directive {
        name,
        since,
        kind: Kind::Amount(rules),
        bus,
        unset,
        proof,
        summary,
        breaks: "Nothing.",
        ..ROW
    }
}

static PRESSURE: AmountRules =
    AmountRules { unit: Unit::Pressure, pair: false, resets: true, order: Order::Unordered };
static SPAN: AmountRules =
    AmountRules { unit: Unit::Span, pair: false, resets: true, order: Order::Unordered };

pub(crate) static MANAGED_OOM_MEMORY_PRESSURE_LIMIT: Directive = amount(
    "ManagedOOMMemoryPressureLimit",
    248,
    &PRESSURE,
    Bus::Same,
    &[always("0%")],
    ACTED_UPON_BY_OOMD,
    "How much waiting for memory is too much for systemd-oomd; 0% is its own limit.",
);
pub(crate) static MANAGED_OOM_MEMORY_PRESSURE_DURATION_SEC: Directive = amount(
    "ManagedOOMMemoryPressureDurationSec",
    257,
    &SPAN,
    Bus::Newest(&["ManagedOOMMemoryPressureDurationUSec"]),
    NOTHING,
    ACTED_UPON_BY_OOMD,
    "How long the unit must have waited too much before systemd-oomd acts.",
);

static PREFERENCES: LevelRules =
    words(&[level("none", 0, 0), level("avoid", 0, 0), level("omit", 0, 0)], Order::Unordered);

pub(crate) static MANAGED_OOM_PREFERENCE: Directive = choice(
    "ManagedOOMPreference",
    248,
    &PREFERENCES,
    &[always("none")],
    ACTED_UPON_BY_OOMD,
    "Whether systemd-oomd spares the unit as long as it can, or always.",
);

pub(crate) static OOM_RULES: Directive = Directive {
    name: "OOMRules",
    since: 261,
    kind: Kind::Words(&RULES),
    unset: NOTHING,
    proof: ACTED_UPON_BY_OOMD,
    summary: "The sets of rules by which systemd-oomd watches the unit.",
    breaks: "Nothing.",
    ..ROW
};

static WATCHES: LevelRules = words(
    &[
        level("auto", 0, 0),
        super::Level { text: "yes", also: &[("on", 0)], since: 0, rank: 0 },
        super::Level { text: "no", also: &[("off", 0)], since: 0, rank: 0 },
        level("skip", 0, 0),
    ],
    Order::Unordered,
);
const THRESHOLD: &[Unset] = &[always("200ms")];

const fn watch(name: &'static str, since: u16, summary: &'static str) -> Directive {
    choice(name, since, &WATCHES, AUTO, TOLD, summary)
}

const fn threshold(
    name: &'static str,
    since: u16,
    bus: &'static [&'static str],
    summary: &'static str,
) -> Directive {
    amount(name, since, &SPAN, Bus::Newest(bus), THRESHOLD, TOLD, summary)
}

pub(crate) static MEMORY_PRESSURE_WATCH: Directive =
    watch("MemoryPressureWatch", 254, "Tells the service when it waits for memory.");
pub(crate) static MEMORY_PRESSURE_THRESHOLD_SEC: Directive = threshold(
    "MemoryPressureThresholdSec",
    254,
    &["MemoryPressureThresholdUSec"],
    "How long in two seconds it must have waited for memory to be told.",
);
pub(crate) static CPU_PRESSURE_WATCH: Directive =
    watch("CPUPressureWatch", 261, "Tells the service when it waits for a processor.");
pub(crate) static CPU_PRESSURE_THRESHOLD_SEC: Directive = threshold(
    "CPUPressureThresholdSec",
    261,
    &["CPUPressureThresholdUSec"],
    "How long in two seconds it must have waited for a processor to be told.",
);
pub(crate) static IO_PRESSURE_WATCH: Directive =
    watch("IOPressureWatch", 261, "Tells the service when it waits for a disk.");
pub(crate) static IO_PRESSURE_THRESHOLD_SEC: Directive = threshold(
    "IOPressureThresholdSec",
    261,
    &["IOPressureThresholdUSec"],
    "How long in two seconds it must have waited for a disk to be told.",
);

static KEEPING: LevelRules = words(
    &[level("yes", 0, 0), level("on-success", 261, 1), level("restart", 0, 2), level("no", 0, 3)],
    Order::MoreIsStricter,
);

pub(crate) static FILE_DESCRIPTOR_STORE_PRESERVE: Directive = Directive {
    sections: Sections::Service,
    ..choice(
        "FileDescriptorStorePreserve",
        254,
        &KEEPING,
        &[always("restart")],
        ACTED_UPON_BY_MANAGER,
        "How long the manager keeps the file descriptors that the service left with it.",
    )
};

static KILLING: LevelRules = words(
    &[level("none", 0, 0), level("process", 0, 1), level("mixed", 0, 2), level("control-group", 0, 2)],
    Order::MoreIsStricter,
);

pub(crate) static KILL_MODE: Directive = Directive {
    key: Some("kill"),
    breaks: "Processes that shall outlive the service.",
    ..choice(
        "KillMode",
        187,
        &KILLING,
        &[always("control-group")],
        ACTED_UPON_BY_MANAGER,
        "Which processes are ended with the service; what is left goes on with its privileges.",
    )
};
pub(crate) static SEND_SIGKILL: Directive = switch(
    "SendSIGKILL",
    187,
    &[always("yes")],
    ACTED_UPON_BY_MANAGER,
    "Kills what does not end by itself in time.",
    "Programs that need longer than the stop's time-out.",
);
