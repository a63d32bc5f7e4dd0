//! Rows about the limits of single processes (setrlimit(2)).

use super::failing::{Errno, ExecStep, Failing, Signal, What, ends_at, kills, refuses};
use super::{AmountRules, Bus, Directive, Kind, NOTHING, Order, Proof, ROW, Trace, Unit, sign};

const fn counted(unit: Unit) -> AmountRules {
    AmountRules { unit, pair: true, resets: false, order: Order::MoreIsWeaker }
}

static COUNT: AmountRules = counted(Unit::Count);
static BYTES: AmountRules = counted(Unit::Bytes);
static SECONDS: AmountRules = counted(Unit::Seconds);
static MICROSECONDS: AmountRules = counted(Unit::Microseconds);
static NICE: AmountRules = counted(Unit::NiceLimit);

/// Only a privileged manager raises a limit.
const CANNOT_SET: Failing = ends_at(ExecStep::Limits, "ask for no more than the manager itself may give");

/// The way out where a limit is reached.
const RAISE: &str = "raise the limit";

/// The hard limit and the soft one are published apart.
const fn limit(
    name: &'static str,
    rules: &'static AmountRules,
    bus: &'static [&'static str],
    proof: Proof,
    summary: &'static str,
) -> Directive {
    Directive {
        name,
        kind: Kind::Amount(rules),
        bus: Bus::Together(bus),
        // The manager's own default is its configuration's.
        unset: NOTHING,
        fails: &[CANNOT_SET],
        proof,
        summary,
        breaks: "The service, when it needs more.",
        ..ROW
    }
}

pub(crate) static NOFILE: Directive = Directive {
    fails: &[CANNOT_SET, refuses(&[Errno::TooManyFiles], What::Anything, RAISE)],
    key: Some("resources.open-files"),
    ..limit(
        "LimitNOFILE",
        &COUNT,
        &["LimitNOFILE", "LimitNOFILESoft"],
        Proof::By(&[sign(Trace::Limit("Max open files"))]),
        "Open file descriptors of each process.",
    )
};
pub(crate) static NPROC: Directive = Directive {
    fails: &[CANNOT_SET, refuses(&[Errno::Again], What::Calls(&["clone", "clone3", "fork", "vfork"]), RAISE)],
    key: Some("resources.processes"),
    ..limit(
        "LimitNPROC",
        &COUNT,
        &["LimitNPROC", "LimitNPROCSoft"],
        Proof::By(&[sign(Trace::Limit("Max processes"))]),
        "Processes of the service's user; root has no limit.",
    )
};
pub(crate) static CORE: Directive = Directive {
    key: Some("resources.core-size"),
    ..limit(
        "LimitCORE",
        &BYTES,
        &["LimitCORE", "LimitCORESoft"],
        Proof::By(&[sign(Trace::Limit("Max core file size"))]),
        "Size of a core dump.",
    )
};
pub(crate) static MEMLOCK: Directive = Directive {
    fails: &[
        CANNOT_SET,
        refuses(
            &[Errno::NoMemory, Errno::NotPermitted],
            What::Calls(&["mlock", "mlock2", "mlockall"]),
            RAISE,
        ),
    ],
    key: Some("resources.locked-memory"),
    ..limit(
        "LimitMEMLOCK",
        &BYTES,
        &["LimitMEMLOCK", "LimitMEMLOCKSoft"],
        Proof::By(&[sign(Trace::Limit("Max locked memory"))]),
        "Memory that a process may lock.",
    )
};
pub(crate) static CPU: Directive = Directive {
    fails: &[CANNOT_SET, kills(Signal::Cpu, RAISE)],
    ..limit(
        "LimitCPU",
        &SECONDS,
        &["LimitCPU", "LimitCPUSoft"],
        Proof::By(&[sign(Trace::Limit("Max cpu time"))]),
        "Processor time that a process may use up.",
    )
};
pub(crate) static FSIZE: Directive = Directive {
    fails: &[
        CANNOT_SET,
        kills(Signal::FileSize, RAISE),
        refuses(&[Errno::FileTooBig], What::Anything, RAISE),
    ],
    ..limit(
        "LimitFSIZE",
        &BYTES,
        &["LimitFSIZE", "LimitFSIZESoft"],
        Proof::By(&[sign(Trace::Limit("Max file size"))]),
        "Size of the files that a process writes.",
    )
};
pub(crate) static DATA: Directive = Directive {
    fails: &[CANNOT_SET, refuses(&[Errno::NoMemory], What::Anything, RAISE)],
    ..limit(
        "LimitDATA",
        &BYTES,
        &["LimitDATA", "LimitDATASoft"],
        Proof::By(&[sign(Trace::Limit("Max data size"))]),
        "Size of a process's data segment.",
    )
};
pub(crate) static STACK: Directive = limit(
    "LimitSTACK",
    &BYTES,
    &["LimitSTACK", "LimitSTACKSoft"],
    Proof::By(&[sign(Trace::Limit("Max stack size"))]),
    "Size of a process's stack.",
);
pub(crate) static RSS: Directive = limit(
    "LimitRSS",
    &BYTES,
    &["LimitRSS", "LimitRSSSoft"],
    Proof::By(&[sign(Trace::Limit("Max resident set"))]),
    "Resident memory of a process; Linux takes no notice of it.",
);
pub(crate) static AS: Directive = Directive {
    fails: &[CANNOT_SET, refuses(&[Errno::NoMemory], What::Anything, RAISE)],
    ..limit(
        "LimitAS",
        &BYTES,
        &["LimitAS", "LimitASSoft"],
        Proof::By(&[sign(Trace::Limit("Max address space"))]),
        "Address space of a process.",
    )
};
pub(crate) static LOCKS: Directive = limit(
    "LimitLOCKS",
    &COUNT,
    &["LimitLOCKS", "LimitLOCKSSoft"],
    Proof::By(&[sign(Trace::Limit("Max file locks"))]),
    "File locks; Linux has taken no notice of it since 2.4.25.",
);
pub(crate) static SIGPENDING: Directive = limit(
    "LimitSIGPENDING",
    &COUNT,
    &["LimitSIGPENDING", "LimitSIGPENDINGSoft"],
    Proof::By(&[sign(Trace::Limit("Max pending signals"))]),
    "Signals that may wait for the service's user.",
);
pub(crate) static MSGQUEUE: Directive = limit(
    "LimitMSGQUEUE",
    &BYTES,
    &["LimitMSGQUEUE", "LimitMSGQUEUESoft"],
    Proof::By(&[sign(Trace::Limit("Max msgqueue size"))]),
    "Bytes in POSIX message queues of the service's user.",
);
pub(crate) static NICE_LEVEL: Directive = limit(
    "LimitNICE",
    &NICE,
    &["LimitNICE", "LimitNICESoft"],
    Proof::By(&[sign(Trace::Limit("Max nice priority"))]),
    "How far a process may raise its own priority.",
);
pub(crate) static RTPRIO: Directive = limit(
    "LimitRTPRIO",
    &COUNT,
    &["LimitRTPRIO", "LimitRTPRIOSoft"],
    Proof::By(&[sign(Trace::Limit("Max realtime priority"))]),
    "The highest real-time priority that a process may take without CAP_SYS_NICE.",
);
pub(crate) static RTTIME: Directive = limit(
    "LimitRTTIME",
    &MICROSECONDS,
    &["LimitRTTIME", "LimitRTTIMESoft"],
    Proof::By(&[sign(Trace::Limit("Max realtime timeout"))]),
    "Time that a real-time process may run without waiting for anything.",
);
