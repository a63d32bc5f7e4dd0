//! How it shows that a directive may be what a service failed at: the steps at which systemd ends its own child before
//! it runs the program, the errors that programs are refused with, and what is to be done. Each row says which of
//! them are its own; reading a failure by them is `failure`'s.

/// One way in which a directive may end a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failing {
    /// How that shows.
    pub shows: Shows,
    /// The way out, as a phrase.
    pub remedy: &'static str,
}

/// How a failure shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// systemd's own child ends at this step, before the program runs.
    At(ExecStep),
    /// The program is refused with one of these errors.
    Refuses {
        /// The errors.
        errors: &'static [Errno],
        /// What it is refused.
        what: What,
    },
    /// The program is killed by this signal.
    Kills(Signal),
    /// The manager itself ends the service with this result (org.freedesktop.systemd1(5), `Result`).
    Ends(&'static str),
}

/// What a program is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Something that the error alone does not tell.
    Anything,
    /// Paths and what lies below them.
    Paths {
        /// The weakest word of the directive that has the effect.
        from: &'static str,
        /// The paths.
        of: &'static [&'static str],
        /// Paths below them that it leaves alone.
        but: &'static [&'static str],
    },
    /// The paths that its own entries name, and what lies below them.
    Entries,
    /// These system calls.
    Calls(&'static [&'static str]),
    /// The names that its own value leaves out: system calls, address families, capabilities.
    LeftOut,
}

/// The child ends at a step.
pub(crate) const fn ends_at(step: ExecStep, remedy: &'static str) -> Failing {
    Failing { shows: Shows::At(step), remedy }
}

/// The program is refused something.
pub(crate) const fn refuses(errors: &'static [Errno], what: What, remedy: &'static str) -> Failing {
    Failing { shows: Shows::Refuses { errors, what }, remedy }
}

/// The program is killed.
pub(crate) const fn kills(signal: Signal, remedy: &'static str) -> Failing {
    Failing { shows: Shows::Kills(signal), remedy }
}

/// The manager ends the service.
pub(crate) const fn ends(result: &'static str, remedy: &'static str) -> Failing {
    Failing { shows: Shows::Ends(result), remedy }
}

/// Paths, from any value that is on.
pub(crate) const fn below(of: &'static [&'static str]) -> What {
    What::Paths { from: "yes", of, but: &[] }
}

/// The namespaces of a service cannot be made where a container or its kernel refuses them, whatever asks for them.
pub(crate) const NO_MOUNTS: Failing = ends_at(
    ExecStep::Namespace,
    "let the container or kernel around it make mount namespaces, or leave it out",
);

/// A filter cannot be installed.
pub(crate) const NO_FILTER: Failing =
    ends_at(ExecStep::Seccomp, "run a kernel with seccomp filters, or leave it out");

/// What is hidden is missing for the program, or refused where a parent stays.
pub(crate) const HIDDEN: &[Errno] = &[Errno::NoEntry, Errno::Access];

/// A mount that cannot be written.
pub(crate) const READ_ONLY: &[Errno] = &[Errno::ReadOnly];

/// What a filter or a missing capability says.
pub(crate) const REFUSED: &[Errno] = &[Errno::NotPermitted, Errno::Access];

macro_rules! named {
    ($(#[$about:meta])* $name:ident: $number:ty { $($variant:ident = $value:literal, $word:literal, $says:literal;)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "each variant's meaning is what it says")]
        pub enum $name { $($variant),+ }

        impl $name {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its number.
            pub const fn number(self) -> $number {
                match self { $(Self::$variant => $value),+ }
            }

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// What it says.
            pub const fn says(self) -> &'static str {
                match self { $(Self::$variant => $says),+ }
            }
        }
    };
}

named! {
    /// Where systemd's child was when it ended itself (systemd.exec(5), "Process Exit Codes"; the numbers as
    /// `systemd-analyze exit-status` of 252 and 257 lists them).
    ExecStep: u8 {
        Chdir = 200, "CHDIR", "it could not enter its working directory";
        Nice = 201, "NICE", "its priority could not be set";
        Fds = 202, "FDS", "its file descriptors could not be arranged";
        Exec = 203, "EXEC", "its program could not be run";
        Memory = 204, "MEMORY", "there was no memory left";
        Limits = 205, "LIMITS", "its limits could not be set";
        OomAdjust = 206, "OOM_ADJUST", "its share in out-of-memory killing could not be set";
        SignalMask = 207, "SIGNAL_MASK", "its signal mask could not be set";
        Stdin = 208, "STDIN", "its standard input could not be opened";
        Stdout = 209, "STDOUT", "its standard output could not be opened";
        Chroot = 210, "CHROOT", "its root directory could not be changed";
        Ioprio = 211, "IOPRIO", "its disk priority could not be set";
        Timerslack = 212, "TIMERSLACK", "its timer slack could not be set";
        Securebits = 213, "SECUREBITS", "its secure bits could not be set";
        Setscheduler = 214, "SETSCHEDULER", "its processor scheduling could not be set";
        Cpuaffinity = 215, "CPUAFFINITY", "its processors could not be set";
        Group = 216, "GROUP", "its group could not be found or taken";
        User = 217, "USER", "its user could not be found or taken, or its user namespace not be made";
        Capabilities = 218, "CAPABILITIES", "its capabilities could not be taken or dropped";
        Cgroup = 219, "CGROUP", "its control group could not be set up";
        Setsid = 220, "SETSID", "it could not start a session";
        Confirm = 221, "CONFIRM", "somebody at the console did not let it run";
        Stderr = 222, "STDERR", "its standard error could not be opened";
        Pam = 224, "PAM", "its PAM session could not be opened";
        Network = 225, "NETWORK", "its network namespace could not be set up";
        Namespace = 226, "NAMESPACE", "its mount, UTS or IPC namespaces could not be set up";
        NoNewPrivileges = 227, "NO_NEW_PRIVILEGES", "gaining privileges could not be disabled";
        Seccomp = 228, "SECCOMP", "a system call filter could not be installed";
        SelinuxContext = 229, "SELINUX_CONTEXT", "its SELinux context could not be set";
        Personality = 230, "PERSONALITY", "its execution domain could not be set";
        Apparmor = 231, "APPARMOR", "its AppArmor profile could not be taken";
        AddressFamilies = 232, "ADDRESS_FAMILIES", "the filter of address families could not be installed";
        RuntimeDirectory = 233, "RUNTIME_DIRECTORY", "its runtime directory could not be made";
        Chown = 235, "CHOWN", "the owner of a socket could not be set";
        SmackProcessLabel = 236, "SMACK_PROCESS_LABEL", "its Smack label could not be set";
        Keyring = 237, "KEYRING", "its kernel keyring could not be set up";
        StateDirectory = 238, "STATE_DIRECTORY", "its state directory could not be made";
        CacheDirectory = 239, "CACHE_DIRECTORY", "its cache directory could not be made";
        LogsDirectory = 240, "LOGS_DIRECTORY", "its log directory could not be made";
        ConfigurationDirectory = 241, "CONFIGURATION_DIRECTORY", "its configuration directory could not be made";
        NumaPolicy = 242, "NUMA_POLICY", "its memory policy could not be set";
        Credentials = 243, "CREDENTIALS", "its credentials could not be read or unsealed";
        Bpf = 244, "BPF", "a BPF restriction could not be installed";
        Ksm = 245, "KSM", "merging of its memory could not be set";
    }
}

impl ExecStep {
    /// The step of that exit status.
    pub fn find(status: u64) -> Option<Self> {
        Self::ALL.iter().copied().find(|step| u64::from(step.number()) == status)
    }

    /// The step of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|step| step.name() == name)
    }

    /// Whether it comes before systemd makes the unit's own directories, so that it cannot use them (measured on 252
    /// and 257 for the three streams).
    pub fn precedes_directories(self) -> bool {
        matches!(self, Self::Stdin | Self::Stdout | Self::Stderr)
    }
}

named! {
    /// The errors that confinement shows as, by their number on most architectures and glibc's text for them.
    Errno: u16 {
        NotPermitted = 1, "EPERM", "Operation not permitted";
        NoEntry = 2, "ENOENT", "No such file or directory";
        NoProcess = 3, "ESRCH", "No such process";
        Again = 11, "EAGAIN", "Resource temporarily unavailable";
        NoMemory = 12, "ENOMEM", "Cannot allocate memory";
        Access = 13, "EACCES", "Permission denied";
        TooManyFiles = 24, "EMFILE", "Too many open files";
        FileTooBig = 27, "EFBIG", "File too large";
        ReadOnly = 30, "EROFS", "Read-only file system";
        NoCall = 38, "ENOSYS", "Function not implemented";
        Loop = 40, "ELOOP", "Too many levels of symbolic links";
        Family = 97, "EAFNOSUPPORT", "Address family not supported by protocol";
        NoAddress = 99, "EADDRNOTAVAIL", "Cannot assign requested address";
        Unreachable = 101, "ENETUNREACH", "Network is unreachable";
    }
}

impl Errno {
    /// The error of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|errno| errno.name() == name)
    }
}

named! {
    /// The signals that limits and filters kill with, by their number on most architectures (signal(7)).
    Signal: u8 {
        Cpu = 24, "SIGXCPU", "it used up its processor time";
        FileSize = 25, "SIGXFSZ", "it wrote a file beyond its limit";
        Sys = 31, "SIGSYS", "it made a system call that a filter refuses";
    }
}

/// The capability that a call asks for, where one is refused with EPERM or EACCES for the want of it
/// (capabilities(7)): a call, and what it may want.
pub(crate) static CALLS_WANT: &[(&str, &[&str])] = &[
    ("adjtimex", &["CAP_SYS_TIME"]),
    ("bind", &["CAP_NET_BIND_SERVICE"]),
    ("bpf", &["CAP_BPF"]),
    ("chown", &["CAP_CHOWN"]),
    ("chroot", &["CAP_SYS_CHROOT"]),
    ("clock_settime", &["CAP_SYS_TIME"]),
    ("fchown", &["CAP_CHOWN"]),
    ("fchownat", &["CAP_CHOWN"]),
    ("finit_module", &["CAP_SYS_MODULE"]),
    ("init_module", &["CAP_SYS_MODULE"]),
    ("ioperm", &["CAP_SYS_RAWIO"]),
    ("iopl", &["CAP_SYS_RAWIO"]),
    ("kill", &["CAP_KILL"]),
    ("lchown", &["CAP_CHOWN"]),
    ("mknod", &["CAP_MKNOD"]),
    ("mlock", &["CAP_IPC_LOCK"]),
    ("mlockall", &["CAP_IPC_LOCK"]),
    ("mount", &["CAP_SYS_ADMIN"]),
    ("perf_event_open", &["CAP_PERFMON"]),
    ("ptrace", &["CAP_SYS_PTRACE"]),
    ("reboot", &["CAP_SYS_BOOT"]),
    ("sched_setscheduler", &["CAP_SYS_NICE"]),
    ("setdomainname", &["CAP_SYS_ADMIN"]),
    ("setgid", &["CAP_SETGID"]),
    ("setgroups", &["CAP_SETGID"]),
    ("sethostname", &["CAP_SYS_ADMIN"]),
    ("setns", &["CAP_SYS_ADMIN"]),
    ("setpriority", &["CAP_SYS_NICE"]),
    ("setresgid", &["CAP_SETGID"]),
    ("setresuid", &["CAP_SETUID"]),
    ("setrlimit", &["CAP_SYS_RESOURCE"]),
    ("settimeofday", &["CAP_SYS_TIME"]),
    ("setuid", &["CAP_SETUID"]),
    ("syslog", &["CAP_SYSLOG"]),
    ("umount2", &["CAP_SYS_ADMIN"]),
    ("unshare", &["CAP_SYS_ADMIN"]),
];
