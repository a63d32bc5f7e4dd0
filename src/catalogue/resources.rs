//! Rows about the limits of a service as a whole, which its control group keeps.

use super::failing::{Errno, What, ends, refuses};
use super::{
    AmountRules, Bus, ControlFile, Directive, Entry, Holds, Kind, NOTHING, Order, Proof, ROW, Trace, Unit,
    Unset, WordRules, always, limits, sign,
};

pub(super) static ROWS: &[&Directive] = &[
    &MEMORY_MIN,
    &MEMORY_LOW,
    &STARTUP_MEMORY_LOW,
    &MEMORY_HIGH,
    &STARTUP_MEMORY_HIGH,
    &MEMORY_MAX,
    &STARTUP_MEMORY_MAX,
    &MEMORY_SWAP_MAX,
    &STARTUP_MEMORY_SWAP_MAX,
    &MEMORY_ZSWAP_MAX,
    &STARTUP_MEMORY_ZSWAP_MAX,
    &TASKS_MAX,
    &CPU_QUOTA,
    &CPU_QUOTA_PERIOD_SEC,
    &CPU_WEIGHT,
    &STARTUP_CPU_WEIGHT,
    &ALLOWED_CPUS,
    &STARTUP_ALLOWED_CPUS,
    &ALLOWED_MEMORY_NODES,
    &STARTUP_ALLOWED_MEMORY_NODES,
    &IO_WEIGHT,
    &STARTUP_IO_WEIGHT,
    &IO_DEVICE_WEIGHT,
    &IO_READ_BANDWIDTH_MAX,
    &IO_WRITE_BANDWIDTH_MAX,
    &IO_READ_IOPS_MAX,
    &IO_WRITE_IOPS_MAX,
    &IO_DEVICE_LATENCY_TARGET_SEC,
    &limits::NOFILE,
    &limits::NPROC,
    &limits::CORE,
    &limits::MEMLOCK,
    &limits::CPU,
    &limits::FSIZE,
    &limits::DATA,
    &limits::STACK,
    &limits::RSS,
    &limits::AS,
    &limits::LOCKS,
    &limits::SIGPENDING,
    &limits::MSGQUEUE,
    &limits::NICE_LEVEL,
    &limits::RTPRIO,
    &limits::RTTIME,
];

const fn rules(unit: Unit, order: Order) -> AmountRules {
    AmountRules { unit, pair: false, resets: true, order }
}

static BYTES: AmountRules = rules(Unit::Bytes, Order::MoreIsWeaker);
static MEMORY: AmountRules = rules(Unit::Memory, Order::MoreIsWeaker);
static PROTECTED: AmountRules = rules(Unit::Bytes, Order::Unordered);
static TASKS: AmountRules = rules(Unit::Tasks, Order::MoreIsWeaker);
static PROCESSOR_WEIGHT: AmountRules = rules(Unit::ProcessorWeight, Order::Unordered);
static WEIGHT: AmountRules = rules(Unit::Weight, Order::Unordered);
static QUOTA: AmountRules = rules(Unit::Quota, Order::MoreIsWeaker);
static PERIOD: AmountRules = rules(Unit::Span, Order::Unordered);

const UNLIMITED: &[Unset] = &[always("infinity")];
const NONE: &[Unset] = &[always("0")];

/// The one trace of a limit that a control group keeps.
pub(super) const fn file(file: &'static str, controller: &'static str, holds: Holds) -> Trace {
    Trace::ControlGroup(ControlFile { file, controller, holds })
}

const AT_STARTUP: Proof = Proof::Nothing("it counts only while the system starts or stops");

const fn amount(
    name: &'static str,
    since: u16,
    rules: &'static AmountRules,
    unset: &'static [Unset],
    proof: Proof,
    summary: &'static str,
) -> Directive {
    Directive {
        name,
        since,
        kind: Kind::Amount(rules),
        unset,
        proof,
        summary,
        breaks: "The service, when it needs more.",
        ..ROW
    }
}

pub(crate) static MEMORY_MIN: Directive = amount(
    "MemoryMin",
    240,
    &PROTECTED,
    NONE,
    Proof::By(&[sign(file("memory.min", "memory", Holds::Protection))]),
    "Memory that is never taken from the service.",
);
pub(crate) static MEMORY_LOW: Directive = Directive {
    key: Some("resources.memory-low"),
    ..amount(
        "MemoryLow",
        231,
        &PROTECTED,
        NONE,
        Proof::By(&[sign(file("memory.low", "memory", Holds::Protection))]),
        "Memory that is taken from others first.",
    )
};
pub(crate) static STARTUP_MEMORY_LOW: Directive = amount(
    "StartupMemoryLow",
    254,
    &PROTECTED,
    NOTHING,
    AT_STARTUP,
    "MemoryLow= while the system starts or stops.",
);
pub(crate) static MEMORY_HIGH: Directive = Directive {
    key: Some("resources.memory-high"),
    ..amount(
        "MemoryHigh",
        231,
        &MEMORY,
        UNLIMITED,
        Proof::By(&[sign(file("memory.high", "memory", Holds::Limit))]),
        "Memory above which the service is slowed down.",
    )
};
pub(crate) static STARTUP_MEMORY_HIGH: Directive = amount(
    "StartupMemoryHigh",
    254,
    &MEMORY,
    NOTHING,
    AT_STARTUP,
    "MemoryHigh= while the system starts or stops.",
);
pub(crate) static MEMORY_MAX: Directive = Directive {
    fails: &[ends("oom-kill", "give it more memory, or let it use less")],
    key: Some("resources.memory-max"),
    ..amount(
        "MemoryMax",
        231,
        &MEMORY,
        UNLIMITED,
        Proof::By(&[sign(file("memory.max", "memory", Holds::Limit))]),
        "Memory above which the service is killed.",
    )
};
pub(crate) static STARTUP_MEMORY_MAX: Directive = amount(
    "StartupMemoryMax",
    254,
    &MEMORY,
    NOTHING,
    AT_STARTUP,
    "MemoryMax= while the system starts or stops.",
);
pub(crate) static MEMORY_SWAP_MAX: Directive = Directive {
    key: Some("resources.swap-max"),
    ..amount(
        "MemorySwapMax",
        232,
        &BYTES,
        UNLIMITED,
        Proof::By(&[sign(file("memory.swap.max", "memory", Holds::Limit))]),
        "Swap that the service may fill.",
    )
};
pub(crate) static STARTUP_MEMORY_SWAP_MAX: Directive = amount(
    "StartupMemorySwapMax",
    254,
    &BYTES,
    NOTHING,
    AT_STARTUP,
    "MemorySwapMax= while the system starts or stops.",
);
pub(crate) static MEMORY_ZSWAP_MAX: Directive = amount(
    "MemoryZSwapMax",
    253,
    &BYTES,
    UNLIMITED,
    Proof::By(&[sign(file("memory.zswap.max", "memory", Holds::Limit))]),
    "Compressed swap in memory that the service may fill.",
);
pub(crate) static STARTUP_MEMORY_ZSWAP_MAX: Directive = amount(
    "StartupMemoryZSwapMax",
    254,
    &BYTES,
    NOTHING,
    AT_STARTUP,
    "MemoryZSwapMax= while the system starts or stops.",
);
// The manager's own default is a number of the host.
pub(crate) static TASKS_MAX: Directive = Directive {
    fails: &[refuses(&[Errno::Again], What::Calls(&["clone", "clone3", "fork", "vfork"]), "raise the limit")],
    key: Some("resources.tasks-max"),
    ..amount(
        "TasksMax",
        227,
        &TASKS,
        NOTHING,
        Proof::By(&[sign(file("pids.max", "pids", Holds::Limit))]),
        "Processes and threads of the service.",
    )
};
pub(crate) static CPU_QUOTA: Directive = Directive {
    bus: Bus::Newest(&["CPUQuotaPerSecUSec"]),
    key: Some("resources.cpu-quota"),
    ..amount(
        "CPUQuota",
        213,
        &QUOTA,
        UNLIMITED,
        Proof::By(&[sign(file("cpu.max", "cpu", Holds::Quota))]),
        "Share of one processor, more than 100% for more than one.",
    )
};
pub(crate) static CPU_QUOTA_PERIOD_SEC: Directive = Directive {
    bus: Bus::Newest(&["CPUQuotaPeriodUSec"]),
    ..amount(
        "CPUQuotaPeriodSec",
        242,
        &PERIOD,
        UNLIMITED,
        Proof::Nothing("it is a part of what CPUQuota= is measured by"),
        "The time over which CPUQuota= is measured.",
    )
};
pub(crate) static CPU_WEIGHT: Directive = Directive {
    key: Some("resources.cpu-weight"),
    ..amount(
        "CPUWeight",
        232,
        &PROCESSOR_WEIGHT,
        NOTHING,
        Proof::By(&[sign(file("cpu.weight", "cpu", Holds::Weight))]),
        "Share of the processors among services.",
    )
};
pub(crate) static STARTUP_CPU_WEIGHT: Directive = amount(
    "StartupCPUWeight",
    232,
    &PROCESSOR_WEIGHT,
    NOTHING,
    AT_STARTUP,
    "CPUWeight= while the system starts or stops.",
);
pub(crate) static IO_WEIGHT: Directive = Directive {
    key: Some("resources.io-weight"),
    ..amount(
        "IOWeight",
        230,
        &WEIGHT,
        NOTHING,
        Proof::By(&[sign(file("io.weight", "io", Holds::Weight))]),
        "Share of the disks among services.",
    )
};
pub(crate) static STARTUP_IO_WEIGHT: Directive = amount(
    "StartupIOWeight",
    230,
    &WEIGHT,
    NOTHING,
    AT_STARTUP,
    "IOWeight= while the system starts or stops.",
);

static NUMBERS: WordRules = WordRules { entry: Entry::Numbers, order: Order::MoreIsWeaker };

const fn numbers(name: &'static str, since: u16, proof: Proof, summary: &'static str) -> Directive {
    Directive {
        name,
        since,
        kind: Kind::Words(&NUMBERS),
        unset: NOTHING,
        proof,
        summary,
        breaks: "Speed; the start, if none of them is there.",
        ..ROW
    }
}

pub(crate) static ALLOWED_CPUS: Directive = numbers(
    "AllowedCPUs",
    244,
    Proof::By(&[sign(file("cpuset.cpus", "cpuset", Holds::Numbers))]),
    "Processors that the service runs on; unlike CPUAffinity= it cannot leave them.",
);
pub(crate) static STARTUP_ALLOWED_CPUS: Directive =
    numbers("StartupAllowedCPUs", 250, AT_STARTUP, "AllowedCPUs= while the system starts or stops.");
pub(crate) static ALLOWED_MEMORY_NODES: Directive = numbers(
    "AllowedMemoryNodes",
    244,
    Proof::By(&[sign(file("cpuset.mems", "cpuset", Holds::Numbers))]),
    "Memory nodes that the service gets its memory from.",
);
pub(crate) static STARTUP_ALLOWED_MEMORY_NODES: Directive = numbers(
    "StartupAllowedMemoryNodes",
    250,
    AT_STARTUP,
    "AllowedMemoryNodes= while the system starts or stops.",
);

const fn per_device(unit: Unit) -> WordRules {
    WordRules { entry: Entry::PerDevice(unit), order: Order::Unordered }
}

static RATES: WordRules = per_device(Unit::Rate);
static DEVICE_WEIGHTS: WordRules = per_device(Unit::Weight);
static LATENCIES: WordRules = per_device(Unit::Span);

const fn device(
    name: &'static str,
    since: u16,
    rules: &'static WordRules,
    summary: &'static str,
) -> Directive {
    Directive {
        name,
        since,
        kind: Kind::Words(rules),
        unset: NOTHING,
        proof: Proof::Nothing("the control group tells disks by number"),
        summary,
        breaks: "Speed, where the disk's scheduler and the kernel support it.",
        ..ROW
    }
}

pub(crate) static IO_DEVICE_WEIGHT: Directive =
    device("IODeviceWeight", 230, &DEVICE_WEIGHTS, "IOWeight= for single disks.");
pub(crate) static IO_READ_BANDWIDTH_MAX: Directive =
    device("IOReadBandwidthMax", 230, &RATES, "Bytes a second that the service may read from a disk.");
pub(crate) static IO_WRITE_BANDWIDTH_MAX: Directive =
    device("IOWriteBandwidthMax", 230, &RATES, "Bytes a second that the service may write to a disk.");
pub(crate) static IO_READ_IOPS_MAX: Directive =
    device("IOReadIOPSMax", 230, &RATES, "Reads a second that the service may make of a disk.");
pub(crate) static IO_WRITE_IOPS_MAX: Directive =
    device("IOWriteIOPSMax", 230, &RATES, "Writes a second that the service may make to a disk.");
pub(crate) static IO_DEVICE_LATENCY_TARGET_SEC: Directive = Directive {
    bus: Bus::Newest(&["IODeviceLatencyTargetUSec"]),
    ..device(
        "IODeviceLatencyTargetSec",
        240,
        &LATENCIES,
        "How long the service waits for a disk at most before others are slowed down.",
    )
};
