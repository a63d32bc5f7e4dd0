//! Rows about the service's own BPF file system.

use super::{
    Directive, Entry, Kind, Level, LevelRules, Mounted, NOTHING, Order, Places, Proof, ROW, Sections, Trace,
    WordRules, sign,
};

static BPF: LevelRules = LevelRules {
    levels: &[
        Level { text: "no", also: &[], since: 0, rank: 0 },
        Level { text: "yes", also: &[], since: 0, rank: 1 },
    ],
    empty: &[],
    suffix: &[],
    numbers: &[],
    order: Order::MoreIsStricter,
};

pub(crate) static PRIVATE_BPF: Directive = Directive {
    name: "PrivateBPF",
    sections: Sections::Exec,
    since: 258,
    kind: Kind::Level(&BPF),
    proof: Proof::By(&[sign(Trace::Mount(Places::These(&["/sys/fs/bpf"]), Mounted::OfItsOwn))]),
    summary: "Gives the service a BPF file system of its own.",
    breaks: "Pinned BPF objects of the host.",
    ..ROW
};

static BPF_PARTS: WordRules = WordRules { entry: Entry::Listed, order: Order::MoreIsWeaker };

const fn bpf_delegate(name: &'static str, summary: &'static str) -> Directive {
    Directive {
        name,
        beside: Some(&PRIVATE_BPF),
        since: 258,
        kind: Kind::Words(&BPF_PARTS),
        unset: NOTHING,
        proof: Proof::Nothing("it opens the file system of PrivateBPF="),
        summary,
        breaks: "Nothing; it opens.",
        ..ROW
    }
}

pub(crate) static BPF_DELEGATE_COMMANDS: Directive =
    bpf_delegate("BPFDelegateCommands", "Commands of bpf(2) that the service may give with a token.");
pub(crate) static BPF_DELEGATE_MAPS: Directive =
    bpf_delegate("BPFDelegateMaps", "Kinds of BPF maps that the service may make with a token.");
pub(crate) static BPF_DELEGATE_PROGRAMS: Directive =
    bpf_delegate("BPFDelegatePrograms", "Kinds of BPF programs that the service may load with a token.");
pub(crate) static BPF_DELEGATE_ATTACHMENTS: Directive = bpf_delegate(
    "BPFDelegateAttachments",
    "Places that the service may attach BPF programs to with a token.",
);
