//! Rows about limits.

use super::{AmountRules, Directive, Kind, NOTHING, Order, ROW, Sections, Unit, always};

pub(super) static ROWS: &[&Directive] = &[
    &MEMORY_LOW,
    &MEMORY_HIGH,
    &MEMORY_MAX,
    &MEMORY_SWAP_MAX,
    &TASKS_MAX,
    &CPU_QUOTA,
    &CPU_WEIGHT,
    &IO_WEIGHT,
    &LIMIT_NOFILE,
    &LIMIT_NPROC,
    &LIMIT_CORE,
    &LIMIT_MEMLOCK,
];

const fn rules(unit: Unit, order: Order, pair: bool) -> AmountRules {
    AmountRules { unit, pair, order }
}

static BYTES: AmountRules = rules(Unit::Bytes, Order::MoreIsWeaker, false);
static PROTECTED: AmountRules = rules(Unit::Bytes, Order::Unordered, false);
static COUNT: AmountRules = rules(Unit::Count, Order::MoreIsWeaker, false);
static WEIGHT: AmountRules = rules(Unit::Count, Order::Unordered, false);
static QUOTA: AmountRules = rules(Unit::Quota, Order::MoreIsWeaker, false);
static LIMIT: AmountRules = rules(Unit::Count, Order::MoreIsWeaker, true);
static LIMIT_BYTES: AmountRules = rules(Unit::Bytes, Order::MoreIsWeaker, true);

const UNLIMITED: &[super::Unset] = &[always("infinity")];

const fn amount(
    name: &'static str,
    since: u16,
    rules: &'static AmountRules,
    key: &'static str,
    summary: &'static str,
) -> Directive {
    Directive {
        name,
        sections: Sections::Exec,
        since,
        kind: Kind::Amount(rules),
        unset: UNLIMITED,
        key: Some(key),
        summary,
        breaks: "The service, when it needs more.",
        ..ROW
    }
}

pub(crate) static MEMORY_LOW: Directive = Directive {
    unset: &[always("0")],
    ..amount("MemoryLow", 231, &PROTECTED, "resources.memory-low", "Memory that is taken from others first.")
};
pub(crate) static MEMORY_HIGH: Directive = amount(
    "MemoryHigh",
    231,
    &BYTES,
    "resources.memory-high",
    "Memory above which the service is slowed down.",
);
pub(crate) static MEMORY_MAX: Directive =
    amount("MemoryMax", 231, &BYTES, "resources.memory-max", "Memory above which the service is killed.");
pub(crate) static MEMORY_SWAP_MAX: Directive =
    amount("MemorySwapMax", 232, &BYTES, "resources.swap-max", "Swap that the service may fill.");
pub(crate) static TASKS_MAX: Directive = Directive {
    // The manager's own default is a number of the host.
    unset: NOTHING,
    ..amount("TasksMax", 227, &COUNT, "resources.tasks-max", "Processes and threads of the service.")
};
pub(crate) static CPU_QUOTA: Directive = Directive {
    bus: &["CPUQuotaPerSecUSec"],
    ..amount(
        "CPUQuota",
        213,
        &QUOTA,
        "resources.cpu-quota",
        "Share of one processor, more than 100% for more than one.",
    )
};
pub(crate) static CPU_WEIGHT: Directive =
    amount("CPUWeight", 232, &WEIGHT, "resources.cpu-weight", "Share of the processors among services.");
pub(crate) static IO_WEIGHT: Directive =
    amount("IOWeight", 230, &WEIGHT, "resources.io-weight", "Share of the disks among services.");
pub(crate) static LIMIT_NOFILE: Directive = Directive {
    unset: NOTHING,
    ..amount("LimitNOFILE", 0, &LIMIT, "resources.open-files", "Open file descriptors of each process.")
};
pub(crate) static LIMIT_NPROC: Directive = Directive {
    unset: NOTHING,
    ..amount(
        "LimitNPROC",
        0,
        &LIMIT,
        "resources.processes",
        "Processes of the service's user; root has no limit.",
    )
};
pub(crate) static LIMIT_CORE: Directive = Directive {
    unset: NOTHING,
    ..amount("LimitCORE", 0, &LIMIT_BYTES, "resources.core-size", "Size of a core dump.")
};
pub(crate) static LIMIT_MEMLOCK: Directive = Directive {
    unset: NOTHING,
    ..amount("LimitMEMLOCK", 0, &LIMIT_BYTES, "resources.locked-memory", "Memory that a process may lock.")
};
