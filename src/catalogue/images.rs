//! Rows about disk images: how they are mounted and what vouches for them.

use super::{
    Bus, Directive, Entry, FUNCTIONAL, Kind, Managers, NOTHING, Order, Proof, ROW, TextGrammar, WordRules,
};

/// What an image must be shows only before the start.
const CHECKED: Proof = Proof::Nothing("it is checked when the service starts, or the start fails");

static OPTIONS: WordRules = WordRules { entry: Entry::ImageOptions, order: Order::Unordered };

pub(crate) static ROOT_IMAGE_OPTIONS: Directive = Directive {
    name: "RootImageOptions",
    since: 247,
    beside: Some(&super::mounts::ROOT_IMAGE),
    kind: Kind::Words(&OPTIONS),
    unset: NOTHING,
    proof: CHECKED,
    summary: "Mount options for the partitions of the image that is the service's root.",
    breaks: "What the options refuse: writing with `ro`, devices with `nodev`, programs with `noexec`.",
    ..ROW
};

pub(crate) static ROOT_EPHEMERAL: Directive = Directive {
    name: "RootEphemeral",
    since: 254,
    managers: Managers::System,
    kind: Kind::Switch(&FUNCTIONAL),
    proof: Proof::Nothing("a copy looks like what it was made of"),
    summary: "Gives the service a copy of its root that is thrown away when it stops.",
    breaks: "Whatever the service means to keep in its root.",
    ..ROW
};

const fn vouching(name: &'static str, grammar: TextGrammar, bus: Bus, summary: &'static str) -> Directive {
    Directive {
        name,
        since: 246,
        beside: Some(&super::mounts::ROOT_IMAGE),
        kind: Kind::Text(grammar),
        bus,
        unset: NOTHING,
        proof: CHECKED,
        summary,
        breaks: "The start, if the image is another one.",
        ..ROW
    }
}

pub(crate) static ROOT_HASH: Directive = vouching(
    "RootHash",
    TextGrammar::Hash,
    Bus::Together(&["RootHash", "RootHashPath"]),
    "The root hash by which every block of the root image is checked.",
);
pub(crate) static ROOT_HASH_SIGNATURE: Directive = vouching(
    "RootHashSignature",
    TextGrammar::Signature,
    Bus::Together(&["RootHashSignature", "RootHashSignaturePath"]),
    "A signature of the root hash, checked against keys that the kernel trusts.",
);
pub(crate) static ROOT_VERITY: Directive =
    vouching("RootVerity", TextGrammar::Root, Bus::Same, "Where the hashes of the root image's blocks lie.");

/// What is published is simplified, and the built-in policy where the unit says nothing.
const fn policy(name: &'static str, summary: &'static str) -> Directive {
    Directive {
        name,
        since: 254,
        kind: Kind::Text(TextGrammar::ImagePolicy),
        bus: Bus::Nowhere,
        unset: NOTHING,
        proof: CHECKED,
        summary,
        breaks: "The start, with an image that lacks the protection.",
        ..ROW
    }
}

pub(crate) static ROOT_IMAGE_POLICY: Directive =
    policy("RootImagePolicy", "Protection that the partitions of RootImage= must have.");
pub(crate) static MOUNT_IMAGE_POLICY: Directive =
    policy("MountImagePolicy", "Protection that the partitions of MountImages= must have.");
pub(crate) static EXTENSION_IMAGE_POLICY: Directive =
    policy("ExtensionImagePolicy", "Protection that the partitions of ExtensionImages= must have.");
