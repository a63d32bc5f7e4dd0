//! How the kernel shows that a directive is in force: a field of each row, closed, and interpreted by `evidence`. What
//! each option leaves behind was measured on systemd 252 and 257 with Linux 6.18, against PID 1 of the same machine.

/// How it can be known from outside a process that a directive is in force there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Proof {
    /// Not said; no row of the catalogue may keep it.
    Unstated,
    /// Nothing that can be read shows it, for this reason.
    Nothing(&'static str),
    /// Each of these must show, as far as it belongs to the value.
    By(&'static [Sign]),
}

/// One thing that a directive leaves behind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sign {
    /// The words of the directive that leave it; any where none is named.
    pub at: &'static [&'static str],
    /// What it is.
    pub trace: Trace,
}

/// A sign that every value leaves.
pub(crate) const fn sign(trace: Trace) -> Sign {
    Sign { at: &[], trace }
}

/// A sign that only these words leave.
pub(crate) const fn at(words: &'static [&'static str], trace: Trace) -> Sign {
    Sign { at: words, trace }
}

/// A trace of a directive in the kernel's account of a process, of its control group, or in neither.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trace {
    /// All four user ids are those of the unit (proc_pid_status(5), `Uid`).
    User,
    /// All four group ids are those of the unit.
    Group,
    /// The groups that the value names are among the process's.
    Groups,
    /// All four user ids are one of those that systemd gives out, 61184 to 65519 (systemd.exec(5), DynamicUser=).
    DynamicUser,
    /// No capability is in the bounding set but those of the value, or only in a user namespace of its own.
    Bounding,
    /// No capability is ambient but those of the value.
    Ambient,
    /// These capabilities are not in the bounding set, or only in a user namespace of its own.
    Without(&'static [&'static str]),
    /// The flag of that name (prctl(2), PR_SET_NO_NEW_PRIVS).
    NoNewPrivileges,
    /// More seccomp filters than the manager has; which ones cannot be told.
    Filter,
    /// Another namespace than the manager's.
    Namespace(Namespace),
    /// At least the bits of the value in the process's umask.
    UMask,
    /// A row of /proc/PID/limits whose hard limit is at most the value's.
    Limit(&'static str),
    /// The number, or the word that stands for it.
    Number(Number),
    /// The process may run on no other processors than these.
    Processors,
    /// The execution domain of the architecture that the value names (personality(2)).
    Personality,
    /// What a core dump holds (core(5), coredump_filter).
    CoreDumps,
    /// The kernel merges pages of the process (/proc/PID/ksm_stat).
    MergesPages,
    /// The label that this security module has given it.
    Label(LabelFile),
    /// What is mounted at these places, as the process sees it.
    Mount(Places, Mounted),
    /// The mount of /proc has this option with the directive's word, or the option's text itself.
    ProcOption(&'static str),
    /// How mounts reach the process and others (mount_namespaces(7)).
    Propagation,
    /// Another root than the manager's.
    Root,
    /// The control group lies in this slice.
    Slice,
    /// A file of the unit's control group.
    ControlGroup(ControlFile),
    /// A BPF program on the control group, which only bpf(2) lists; whether there can be one is known.
    Program,
    /// The same of a rule about devices, which version 1 of control groups keeps without a program.
    DeviceProgram,
}

/// The kinds of namespaces by which directives confine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Namespace {
    /// `cgroup`
    ControlGroup,
    /// `ipc`
    Ipc,
    /// `mnt`
    Mount,
    /// `net`
    Network,
    /// `pid`
    Process,
    /// `user`
    User,
    /// `uts`
    HostName,
}

impl Namespace {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::ControlGroup,
        Self::Ipc,
        Self::Mount,
        Self::Network,
        Self::Process,
        Self::User,
        Self::HostName,
    ];

    /// Its file below /proc/PID/ns (namespaces(7)).
    pub const fn file(self) -> &'static str {
        match self {
            Self::ControlGroup => "cgroup",
            Self::Ipc => "ipc",
            Self::Mount => "mnt",
            Self::Network => "net",
            Self::Process => "pid",
            Self::User => "user",
            Self::HostName => "uts",
        }
    }
}

/// The numbers that a process can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// /proc/PID/oom_score_adj.
    OomScoreAdjust,
    /// Field 19 of /proc/PID/stat.
    Nice,
    /// Field 41 of /proc/PID/stat.
    SchedulingPolicy,
    /// Field 40 of /proc/PID/stat.
    SchedulingPriority,
}

/// Whose label it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LabelFile {
    /// A context.
    Selinux,
    /// A profile and its mode.
    AppArmor,
    /// A label.
    Smack,
}

impl LabelFile {
    /// Every module.
    pub const ALL: [Self; 3] = [Self::Selinux, Self::AppArmor, Self::Smack];

    /// Its file below /proc/PID (Documentation/filesystems/proc.rst). The oldest place is that of whichever module is
    /// loaded, which its text does not say.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Selinux => "attr/current",
            Self::AppArmor => "attr/apparmor/current",
            Self::Smack => "attr/smack/current",
        }
    }
}

/// Which places a mount sign speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Places {
    /// All of these that exist.
    These(&'static [&'static str]),
    /// Those that the value names.
    Named,
}

/// What is seen at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mounted {
    /// It cannot be written.
    ReadOnly,
    /// It can be written.
    Writable,
    /// Nothing can be run from there.
    NotExecutable,
    /// Programs can be run from there.
    Executable,
    /// An empty file or directory without permissions covers it.
    Hidden,
    /// A temporary file system covers it.
    Temporary,
    /// Something else than the manager sees there.
    OfItsOwn,
    /// A mount of its own.
    Mount,
    /// A mount of its own, read-only.
    ReadOnlyMount,
}

/// A file of a control group and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlFile {
    /// Its name in version 2 (Documentation/admin-guide/cgroup-v2.rst).
    pub file: &'static str,
    /// The controller that keeps it.
    pub controller: &'static str,
    /// What it says.
    pub holds: Holds,
}

/// What a file of a control group says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// At most the value, or `max`; the kernel rounds down to whole pages.
    Limit,
    /// The value, rounded down to whole pages; less protects less.
    Protection,
    /// Microseconds of processor time in a period of microseconds.
    Quota,
    /// A weight, alone or after `default`.
    Weight,
    /// Numbers and ranges of them, none of which is outside of the value's.
    Numbers,
    /// The word of the directive.
    Word,
    /// 1.
    One,
    /// Anything: what matters is that it exists.
    Counts,
}
