//! Rows about what is mounted for the service: paths at other places, another root, images and extensions.

use super::failing::{Errno, ExecStep, Failing, HIDDEN, READ_ONLY, What, ends_at, refuses};
use super::privileges::BRINGS_MOUNTS;
use super::{
    Directive, Entry, Implied, Kind, Mounted, NOTHING, Opens, Operation, Order, Places, Proof, ROW, Sight,
    Stage, TextGrammar, Trace, When, WordRules, Writable, sign,
};
use crate::release::{EVERY, Range};

const fn unordered(entry: Entry) -> WordRules {
    WordRules { entry, order: Order::Unordered }
}

static EMPTIED: WordRules = WordRules { entry: Entry::Temporary, order: Order::MoreIsStricter };
static BINDS: WordRules = unordered(Entry::Bind);
static WRITABLE_BINDS: WordRules = WordRules { entry: Entry::Bind, order: Order::MoreIsWeaker };
static IMAGES: WordRules = unordered(Entry::MountImage);
static EXTENSIONS: WordRules = unordered(Entry::ExtensionImage);
static DIRECTORIES: WordRules = unordered(Entry::Path);

const fn mounts(
    name: &'static str,
    since: u16,
    rules: &'static WordRules,
    proof: Proof,
    summary: &'static str,
    breaks: &'static str,
) -> Directive {
    Directive { name, since, kind: Kind::Words(rules), unset: NOTHING, proof, summary, breaks, ..ROW }
}

pub(crate) static TEMPORARY_FILE_SYSTEM: Directive = Directive {
    sight: Sight::HidesEntries,
    fails: &[
        ends_at(ExecStep::Namespace, "create the path before the service starts, or write `-` before it"),
        refuses(HIDDEN, What::Entries, "bring back what it needs by BindPaths= or BindReadOnlyPaths="),
    ],
    ..mounts(
        "TemporaryFileSystem",
        238,
        &EMPTIED,
        Proof::By(&[sign(Trace::Mount(Places::Named, Mounted::Temporary))]),
        "Mounts empty temporary file systems over paths.",
        "Whatever lies below those paths is hidden.",
    )
};
pub(crate) static BIND_PATHS: Directive = Directive {
    sight: Sight::Shows,
    fails: &[ends_at(
        ExecStep::Namespace,
        "create the path before the service starts, or write `-` before it",
    )],
    spares: &[Errno::NoEntry, Errno::Access, Errno::ReadOnly],
    shares: Some(&BIND_READ_ONLY_PATHS),
    opens: Opens::Writing(Writable::Sources),
    ..mounts(
        "BindPaths",
        233,
        &WRITABLE_BINDS,
        Proof::By(&[sign(Trace::Mount(Places::Named, Mounted::Mount))]),
        "Mounts paths of the host at other places, writable.",
        "The start (226/NAMESPACE), if a source is missing.",
    )
};
pub(crate) static BIND_READ_ONLY_PATHS: Directive = Directive {
    sight: Sight::Shows,
    fails: &[
        ends_at(ExecStep::Namespace, "create the path before the service starts, or write `-` before it"),
        refuses(READ_ONLY, What::Entries, "mount it by BindPaths="),
    ],
    spares: HIDDEN,
    shares: Some(&BIND_PATHS),
    ..mounts(
        "BindReadOnlyPaths",
        233,
        &BINDS,
        Proof::By(&[sign(Trace::Mount(Places::Named, Mounted::ReadOnlyMount))]),
        "Mounts paths of the host at other places, read-only.",
        "The start (226/NAMESPACE), if a source is missing.",
    )
};

/// What happens with another root.
const OTHER_ROOT: &[Failing] = &[
    ends_at(ExecStep::Namespace, "create what it names"),
    ends_at(ExecStep::Chroot, "create what it names"),
    ends_at(ExecStep::Exec, "put the program and its libraries into that tree"),
    refuses(
        HIDDEN,
        What::Paths { from: "", of: &["/"], but: &[] },
        "put it into that tree, or mount it there",
    ),
];
const ANOTHER_ROOT: Proof = Proof::By(&[sign(Trace::Root)]);

const fn root(
    name: &'static str,
    since: u16,
    implies: &'static [Implied],
    summary: &'static str,
) -> Directive {
    Directive {
        name,
        since,
        kind: Kind::Text(TextGrammar::Root),
        sight: Sight::AnotherRoot,
        unset: NOTHING,
        implies,
        fails: OTHER_ROOT,
        proof: ANOTHER_ROOT,
        summary,
        breaks: "Everything that is not in the tree: CA certificates, user databases, the journal's sockets.",
        ..ROW
    }
}

/// An image is mounted through loop and mapper devices.
const fn opens_loop(releases: &'static [Range]) -> Implied {
    Implied {
        when: When::OnWithDeviceRules,
        on: &super::devices::DEVICE_ALLOW,
        operation: Operation::Assign("block-loop rwm"),
        releases,
        stage: Stage::Load,
    }
}

pub(crate) static ROOT_DIRECTORY: Directive =
    root("RootDirectory", 0, &[], "Takes another directory for the service's root.");
pub(crate) static ROOT_IMAGE: Directive =
    root("RootImage", 233, &[opens_loop(EVERY), BRINGS_MOUNTS], "Takes a disk image for the service's root.");
pub(crate) static ROOT_MSTACK: Directive =
    root("RootMStack", 260, &[opens_loop(EVERY)], "Takes a stack of mounts for the service's root.");
pub(crate) static MOUNT_IMAGES: Directive = Directive {
    implies: &[opens_loop(EVERY)],
    ..mounts(
        "MountImages",
        247,
        &IMAGES,
        Proof::By(&[sign(Trace::Mount(Places::Named, Mounted::Mount))]),
        "Mounts disk images below the service's root.",
        "Nothing.",
    )
};
const LAID_OVER: Proof = Proof::Nothing("an overlay does not name what it was made of");

pub(crate) static EXTENSION_IMAGES: Directive = mounts(
    "ExtensionImages",
    248,
    &EXTENSIONS,
    LAID_OVER,
    "Lays extension images over the service's root.",
    "Nothing.",
);
pub(crate) static EXTENSION_DIRECTORIES: Directive = mounts(
    "ExtensionDirectories",
    251,
    &DIRECTORIES,
    LAID_OVER,
    "Lays extension directories over the service's root.",
    "Nothing.",
);
