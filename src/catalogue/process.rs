//! Rows about the memory of processes, their core dumps and their personality.

use super::failing::{ExecStep, ends_at};
use super::{
    Directive, Kind, LevelRules, MaskGrammar, NOTHING, Odd, Order, Proof, ROW, Sections, SwitchRules,
    TextGrammar, Trace, always, at, filesystem::level, sign,
};
use crate::release::EVERY;

static MERGING: SwitchRules =
    SwitchRules { order: Order::MoreIsWeaker, empty: &[(EVERY, Odd::Resets)], other: Odd::Ignored };

pub(crate) static MEMORY_KSM: Directive = Directive {
    fails: &[ends_at(ExecStep::Ksm, "leave it out on this kernel")],
    name: "MemoryKSM",
    since: 254,
    kind: Kind::Switch(&MERGING),
    unset: NOTHING,
    proof: Proof::By(&[at(&["yes"], Trace::MergesPages)]),
    summary: "Lets the kernel merge equal pages of memory, whose timing tells others what is in them.",
    breaks: "Nothing; it opens.",
    ..ROW
};

static HUGE_PAGES: LevelRules = LevelRules {
    levels: &[level("inherit", 0, 0), level("disable", 0, 0), level("madvise", 0, 0), level("system", 0, 0)],
    empty: &[],
    suffix: &[],
    numbers: &[],
    order: Order::Unordered,
};

pub(crate) static MEMORY_THP: Directive = Directive {
    name: "MemoryTHP",
    since: 260,
    kind: Kind::Level(&HUGE_PAGES),
    unset: &[always("inherit")],
    proof: Proof::Nothing("prctl(2) tells it to the process alone"),
    summary: "Says whether the service's memory is laid out in huge pages.",
    breaks: "Speed, or memory.",
    ..ROW
};

pub(crate) static PERSONALITY: Directive = Directive {
    fails: &[ends_at(ExecStep::Personality, "name one that the kernel can run")],
    name: "Personality",
    since: 209,
    kind: Kind::Text(TextGrammar::Personality),
    unset: NOTHING,
    proof: Proof::By(&[sign(Trace::Personality)]),
    summary: "The architecture that uname(2) names to the service.",
    breaks: "Programs that choose their files by it.",
    ..ROW
};

pub(crate) static COREDUMP_FILTER: Directive = Directive {
    name: "CoredumpFilter",
    since: 246,
    kind: Kind::Mask(MaskGrammar::CoreDump),
    unset: NOTHING,
    proof: Proof::By(&[sign(Trace::CoreDumps)]),
    summary: "Says which memory goes into a core dump.",
    breaks: "Debugging, where too little does.",
    ..ROW
};

static RECEIVING: SwitchRules = SwitchRules { order: Order::MoreIsWeaker, empty: &[], other: Odd::Ignored };

pub(crate) static COREDUMP_RECEIVE: Directive = Directive {
    name: "CoredumpReceive",
    sections: Sections::Exec,
    since: 255,
    kind: Kind::Switch(&RECEIVING),
    proof: Proof::Nothing("it opens an attribute of the control group to a handler inside"),
    summary: "Hands core dumps of containers below the service to a handler inside them.",
    breaks: "Nothing; it opens, and only with Delegate=yes.",
    ..ROW
};
