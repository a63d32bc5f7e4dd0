//! Rows about system calls.

use super::failing::{Errno, ExecStep, NO_FILTER, Signal, What, ends_at, kills, refuses};
use super::{
    Check, Directive, Entry, Given, Kind, NOTHING, NameGrammar, Order, Probe, Proof, ROW, TextGrammar, Trace,
    WordRules, add, at_most, check, checks, from, given, kernel::FORCES_NO_NEW_PRIVILEGES, sign,
};
use crate::manifest::Strictness;
use crate::need::Need;

pub(super) static ROWS: &[&Directive] =
    &[&SYSTEM_CALL_FILTER, &SYSTEM_CALL_ERROR_NUMBER, &SYSTEM_CALL_ARCHITECTURES, &SYSTEM_CALL_LOG];

const fn set(id: &'static str, weight: u64, name: &'static str) -> Check {
    check(id, weight, 10, Probe::Calls(name))
}

/// The way out where a call is refused.
const ALLOW_CALL: &str = "allow the call, or the set of calls that it belongs to";

pub(crate) static SYSTEM_CALL_FILTER: Directive = Directive {
    fails: &[
        NO_FILTER,
        ends_at(ExecStep::Exec, ALLOW_CALL),
        kills(Signal::Sys, ALLOW_CALL),
        refuses(&[Errno::NotPermitted, Errno::NoCall, Errno::Access], What::LeftOut, ALLOW_CALL),
    ],
    name: "SystemCallFilter",
    since: 187,
    kind: Kind::Calls,
    unset: NOTHING,
    hardened: &[
        given(
            Strictness::Safe,
            Given::ForcesNothing,
            &["~@cpu-emulation @debug @module @obsolete @raw-io @reboot @swap"],
        ),
        from(Strictness::Default, &["@system-service"]),
        from(Strictness::Strict, &["@system-service", "~@obsolete @resources"]),
        given(
            Strictness::Strict,
            Given::NoCapabilities,
            &["@system-service", "~@obsolete @privileged @resources"],
        ),
    ],
    yields: &[
        at_most(Need::StartsSessions, ""),
        add(Need::BecomesUsers, "@setuid"),
        add(Need::OwnsOthersFiles, "@chown"),
        add(Need::MakesSandboxes, "@mount"),
        add(Need::MakesMounts, "@mount"),
        add(Need::Chroots, "chroot"),
        add(Need::InspectsProcesses, "@debug"),
        add(Need::KernelModules, "@module"),
        add(Need::KernelClock, "@clock"),
        add(Need::KernelClockRead, "@clock"),
        add(Need::KernelRawIo, "@raw-io"),
        add(Need::KernelBpf, "bpf perf_event_open"),
        add(Need::KernelPerf, "perf_event_open"),
        add(Need::KernelReboot, "@reboot"),
        add(Need::Realtime, "@resources"),
        add(Need::Nice, "@resources"),
        add(Need::Limits, "@resources"),
        add(Need::LockedMemory, "@memlock"),
        at_most(Need::RunsHooks, "@system-service").suspected_unless_denied(Need::SystemCalls),
        add(Need::SystemCalls, "{name}"),
    ],
    implies: FORCES_NO_NEW_PRIVILEGES,
    checks: &[
        set("SystemCallFilter_swap", 1000, "@swap"),
        set("SystemCallFilter_obsolete", 250, "@obsolete"),
        set("SystemCallFilter_clock", 1000, "@clock"),
        set("SystemCallFilter_cpu_emulation", 250, "@cpu-emulation"),
        set("SystemCallFilter_debug", 1000, "@debug"),
        set("SystemCallFilter_mount", 1000, "@mount"),
        set("SystemCallFilter_module", 1000, "@module"),
        set("SystemCallFilter_raw_io", 1000, "@raw-io"),
        set("SystemCallFilter_reboot", 1000, "@reboot"),
        set("SystemCallFilter_privileged", 700, "@privileged"),
        set("SystemCallFilter_resources", 700, "@resources"),
    ],
    proof: Proof::By(&[sign(Trace::Filter)]),
    summary: "Limits the system calls of the service.",
    breaks: "Any call left out fails or ends the process; a new C library may use one that an old list lacks.",
    ..ROW
};

pub(crate) static SYSTEM_CALL_ERROR_NUMBER: Directive = Directive {
    name: "SystemCallErrorNumber",
    beside: Some(&SYSTEM_CALL_FILTER),
    since: 209,
    kind: Kind::Text(TextGrammar::Errno),
    unset: NOTHING,
    hardened: &[
        given(Strictness::Safe, Given::ForcesNothing, &["EPERM"]),
        from(Strictness::Default, &["EPERM"]),
    ],
    yields: &[at_most(Need::StartsSessions, "")],
    proof: Proof::Nothing("it is a part of the filter, which is not told"),
    summary: "The error of a denied call; without one the process is killed.",
    breaks: "Programs that take this error for another one than a missing call.",
    ..ROW
};

static ARCHITECTURES: WordRules = WordRules { entry: Entry::Architecture, order: Order::MoreIsWeaker };

pub(crate) static SYSTEM_CALL_ARCHITECTURES: Directive = Directive {
    fails: &[
        NO_FILTER,
        kills(
            Signal::Sys,
            "name the architecture of the program, where that is another one than the machine's",
        ),
        ends_at(
            ExecStep::Exec,
            "name the architecture of the program, where that is another one than the machine's",
        ),
    ],
    name: "SystemCallArchitectures",
    since: 209,
    kind: Kind::Words(&ARCHITECTURES),
    unset: NOTHING,
    hardened: &[from(Strictness::Default, &["native"])],
    yields: &[
        at_most(Need::ForeignAbi, ""),
        add(Need::ForeignAbiKnown, "{architecture}"),
        at_most(Need::StartsSessions, ""),
    ],
    implies: FORCES_NO_NEW_PRIVILEGES,
    checks: &[check(
        "SystemCallArchitectures",
        1000,
        10,
        Probe::Rule {
            says: "0 if only native calls are let through, 10 if nothing is set, else 8",
            judge: checks::architectures,
        },
    )],
    proof: Proof::By(&[sign(Trace::Filter)]),
    summary: "Refuses system calls of other architectures than the machine's own.",
    breaks: "Programs of another architecture, without a trace in the journal.",
    ..ROW
};

pub(crate) static SYSTEM_CALL_LOG: Directive = Directive {
    name: "SystemCallLog",
    since: 247,
    kind: Kind::Names(NameGrammar::Calls),
    unset: NOTHING,
    proof: Proof::By(&[sign(Trace::Filter)]),
    summary: "Logs system calls.",
    breaks: "Nothing.",
    ..ROW
};
