//! Which sign speaks for which need: one row each. A row says nothing about who looks, nor what a need opens.

use super::{Certainty, Hint, Sign, Takes, Whom};
use crate::need::Need;

use Certainty::{Possible, Sure};
use Takes::{Fixed, Nothing, Thing};
use Whom::{Anyone, Root};

/// For anybody, without a parameter.
const fn plain(sign: Sign, things: &'static [&'static str], need: Need, certainty: Certainty) -> Hint {
    Hint { sign, things, need, takes: Nothing, certainty, whom: Anyone, says: "" }
}

/// What was seen names the thing that is needed.
const fn thing(sign: Sign, need: Need, certainty: Certainty) -> Hint {
    Hint { sign, things: &[], need, takes: Thing, certainty, whom: Anyone, says: "" }
}

impl Hint {
    /// Only of what starts as root: without its privileges nobody gets anywhere with it.
    const fn of_root(self) -> Self {
        Self { whom: Root, ..self }
    }

    /// Why it is not more than possible, or what it is for.
    const fn says(self, says: &'static str) -> Self {
        Self { says, ..self }
    }

    const fn fixed(self, thing: &'static str) -> Self {
        Self { takes: Fixed(thing), ..self }
    }
}

/// Programs that compile what they run.
const JUST_IN_TIME: &[&str] = &[
    "node",
    "nodejs",
    "deno",
    "bun",
    "java",
    "luajit",
    "pypy",
    "pypy3",
    "dotnet",
    "mono",
    "qemu-system-x86_64",
];

/// Libraries that compile what they run, by how their names begin.
const ENGINES: &[&str] = &[
    "libluajit",
    "libnode.so",
    "libv8",
    "libjvm.so",
    "libLLVM",
    "libmonosgen",
    "libcoreclr",
    "libmozjs",
    "libjavascriptcoregtk",
    "libQt5Qml.so",
    "libQt6Qml.so",
    "liborc-0.4",
    "libtcc.so",
    "libgccjit",
    "libwasmtime",
    "libwasmer",
];

const SHELLS: &[&str] = &["sh", "bash", "dash", "ksh", "mksh", "zsh", "fish"];

/// All rows. Of rows for one need the weaker choice of it stands first.
pub(super) static HINTS: &[Hint] = &[
    // Who it is.
    plain(Sign::Became, &[], Need::BecomesUsers, Sure).of_root(),
    plain(
        Sign::Imports,
        &[
            "setuid",
            "seteuid",
            "setreuid",
            "setresuid",
            "setgid",
            "setegid",
            "setregid",
            "setresgid",
            "setgroups",
            "initgroups",
        ],
        Need::BecomesUsers,
        Sure,
    )
    .of_root(),
    plain(
        Sign::Says,
        &[
            "su",
            "runuser",
            "setpriv",
            "chpst",
            "gosu",
            "setuidgid",
            "setuid",
            "setgid",
            "setresuid",
            "initgroups",
        ],
        Need::BecomesUsers,
        Sure,
    )
    .of_root(),
    plain(Sign::Holds, &["CAP_SETUID", "CAP_SETGID"], Need::BecomesUsers, Sure),
    plain(Sign::Signals, &[], Need::SignalsOthers, Sure).of_root(),
    plain(Sign::Holds, &["CAP_KILL"], Need::SignalsOthers, Sure),
    plain(Sign::Imports, &["getpeereid", "getpeerucred"], Need::IdentifiesPeers, Sure),
    plain(Sign::Contains, &["SO_PEERCRED"], Need::IdentifiesPeers, Possible)
        .says("the name of the option stands in its text"),
    plain(Sign::ReadsOthers, &[], Need::ReadsOthersFiles, Sure).of_root(),
    plain(Sign::Holds, &["CAP_DAC_READ_SEARCH"], Need::ReadsOthersFiles, Sure),
    plain(Sign::WritesOthers, &[], Need::WritesOthersFiles, Sure).of_root(),
    plain(Sign::Holds, &["CAP_DAC_OVERRIDE"], Need::WritesOthersFiles, Sure),
    plain(Sign::Imports, &["chown", "fchown", "lchown", "fchownat"], Need::OwnsOthersFiles, Sure).of_root(),
    plain(Sign::Says, &["chown", "chgrp", "install"], Need::OwnsOthersFiles, Sure).of_root(),
    plain(Sign::Holds, &["CAP_CHOWN", "CAP_FOWNER"], Need::OwnsOthersFiles, Sure),
    plain(Sign::Imports, &["pam_start", "pam_start_confdir"], Need::UsesPam, Sure),
    plain(Sign::Contains, &["/usr/sbin/sendmail", "/usr/lib/sendmail"], Need::SendsMailSetuid, Possible)
        .says("where it is told to send mail"),
    plain(Sign::Says, &["sendmail", "mail", "mailx"], Need::SendsMailSetuid, Possible)
        .says("where it is told to send mail"),
    // Code.
    thing(Sign::RunsSetId, Need::RunsSetuid, Sure),
    thing(Sign::Interprets, Need::RunsPrograms, Sure),
    thing(Sign::Runs, Need::RunsPrograms, Sure),
    plain(Sign::RunBy, SHELLS, Need::RunsPrograms, Sure).fixed("/usr/bin/").says("its commands are programs"),
    plain(Sign::RunBy, SHELLS, Need::RunsPrograms, Sure)
        .fixed("/usr/sbin/")
        .says("its commands are programs"),
    plain(
        Sign::Says,
        &["exec", "system", "popen", "qx", "subprocess", "execvp", "open3"],
        Need::RunsPrograms,
        Sure,
    )
    .fixed("/usr/bin/")
    .says("which runs programs"),
    plain(Sign::Imports, &["system", "popen"], Need::RunsPrograms, Possible)
        .fixed("/usr/bin/")
        .says("which commands it runs is a matter of its settings"),
    plain(
        Sign::Imports,
        &["execv", "execvp", "execve", "execvpe", "execl", "execlp", "execle", "posix_spawn", "posix_spawnp"],
        Need::RunsPrograms,
        Possible,
    )
    .fixed("/usr/bin/")
    .says("which programs it runs is not seen"),
    plain(Sign::Contains, &["/.forward", "/.procmailrc"], Need::RunsHooks, Possible)
        .says("files of users may name programs to run"),
    plain(Sign::WritesCode, &[], Need::GeneratesCode, Sure),
    plain(Sign::RunBy, JUST_IN_TIME, Need::GeneratesCode, Sure),
    plain(Sign::Links, ENGINES, Need::GeneratesCode, Sure).says("which compiles what it runs"),
    plain(Sign::Contains, &["UPX!"], Need::GeneratesCode, Sure).says("it unpacks itself into memory"),
    plain(
        Sign::Imports,
        &["pcre2_jit_compile_8", "pcre2_jit_compile_16", "pcre2_jit_compile_32", "pcre_jit_exec"],
        Need::GeneratesCode,
        Possible,
    )
    .says("where expressions are compiled, which it can do without"),
    plain(Sign::Imports, &["ffi_closure_alloc"], Need::GeneratesCode, Possible)
        .says("closures may need memory that is written and run"),
    plain(Sign::RunBy, &["php", "ruby"], Need::GeneratesCode, Possible)
        .says("where its compiler is turned on"),
    thing(Sign::LoadsCode, Need::LoadsPlugins, Sure),
    plain(Sign::Imports, &["archive_write_disk_new"], Need::UnpacksArchives, Sure),
    plain(Sign::Says, &["tar", "bsdtar", "unzip"], Need::UnpacksArchives, Possible),
    plain(Sign::Personality, &[], Need::ForeignAbi, Sure),
    plain(Sign::Imports, &["personality"], Need::ForeignAbi, Sure),
    thing(Sign::Made, Need::MakesSandboxes, Sure),
    plain(Sign::Imports, &["unshare", "setns"], Need::MakesSandboxes, Possible)
        .says("which namespaces it makes or joins is not seen"),
    // Files.
    thing(Sign::Root, Need::Chroots, Sure),
    plain(Sign::Imports, &["chroot"], Need::Chroots, Possible)
        .of_root()
        .fixed("/")
        .says("whether and where to is not seen"),
    plain(Sign::Holds, &["CAP_SYS_CHROOT"], Need::Chroots, Sure).fixed("/").says("where to is not seen"),
    thing(Sign::Writes, Need::Writes, Sure),
    plain(Sign::Contains, &["/var/mail"], Need::Writes, Sure)
        .fixed("-/var/mail/")
        .says("it may deliver to mailboxes"),
    plain(Sign::ReadsHome, &[], Need::ReadsHomes, Sure),
    plain(Sign::WritesHome, &[], Need::WritesHomes, Sure),
    plain(Sign::Contains, &["/.forward", "/.procmailrc"], Need::WritesHomes, Sure)
        .says("it delivers mail as users ask for it in their homes"),
    plain(Sign::Contains, &["/.ssh/authorized_keys", "/.rhosts", "/.netrc"], Need::ReadsHomes, Possible),
    plain(Sign::SharesTmp, &[], Need::SharesTmp, Sure),
    plain(Sign::Contains, &["unix.Statfs", "syscall.Statfs"], Need::MeasuresFilesystems, Possible)
        .says("it asks how full file systems are"),
    plain(Sign::Contains, &["collector.NewFilesystemCollector"], Need::MeasuresFilesystems, Sure)
        .says("it measures the mounts of the host"),
    plain(Sign::Imports, &["getmntent", "getmntent_r"], Need::MeasuresFilesystems, Possible)
        .says("it reads the list of mounts"),
    plain(Sign::Imports, &["mount", "umount", "umount2", "pivot_root"], Need::MakesMounts, Possible)
        .says("whether the host is to see its mounts is not seen"),
    plain(Sign::Says, &["mount", "umount"], Need::MakesMounts, Possible)
        .says("whether the host is to see its mounts is not seen"),
    // Processes.
    plain(
        Sign::Contains,
        &["/proc/%d/", "/proc/%u/", "/proc/%ld/", "/proc/%i/"],
        Need::SeesProcesses,
        Possible,
    )
    .says("whose processes it looks at is not seen"),
    plain(Sign::Links, &["libproc2", "libprocps", "libgtop"], Need::SeesProcesses, Sure),
    plain(
        Sign::Imports,
        &["ptrace", "process_vm_readv", "process_vm_writev"],
        Need::InspectsProcesses,
        Possible,
    )
    .says("whose processes it looks into is not seen"),
    plain(Sign::Holds, &["CAP_SYS_PTRACE"], Need::InspectsProcesses, Sure),
    plain(
        Sign::Contains,
        &[
            "/proc/stat",
            "/proc/meminfo",
            "/proc/loadavg",
            "/proc/uptime",
            "/proc/cpuinfo",
            "/proc/vmstat",
            "/proc/diskstats",
            "/proc/sys/",
            "procfs.NewFS",
        ],
        Need::HostStatistics,
        Sure,
    ),
    plain(Sign::Imports, &["getloadavg", "get_nprocs_conf"], Need::HostStatistics, Possible)
        .says("the library reads it below /proc"),
    plain(
        Sign::Says,
        &["/proc/stat", "/proc/meminfo", "/proc/loadavg", "/proc/cpuinfo"],
        Need::HostStatistics,
        Sure,
    ),
    // Devices and the kernel.
    thing(Sign::OpensDevice, Need::Devices, Sure),
    plain(Sign::WritesTunable, &[], Need::KernelTunables, Sure),
    plain(Sign::Says, &["sysctl"], Need::KernelTunables, Sure).of_root(),
    plain(Sign::Holds, &["CAP_SYS_MODULE"], Need::KernelModules, Sure),
    plain(
        Sign::Imports,
        &["init_module", "finit_module", "delete_module", "kmod_new"],
        Need::KernelModules,
        Sure,
    )
    .of_root(),
    plain(Sign::Says, &["modprobe", "insmod", "rmmod"], Need::KernelModules, Sure).of_root(),
    plain(Sign::ReadsLog, &[], Need::KernelLog, Sure),
    plain(Sign::Holds, &["CAP_SYSLOG"], Need::KernelLog, Sure),
    plain(Sign::Imports, &["klogctl"], Need::KernelLog, Sure).of_root(),
    plain(Sign::Holds, &["CAP_SYS_TIME"], Need::KernelClock, Sure),
    plain(
        Sign::Imports,
        &["clock_settime", "settimeofday", "stime", "clock_adjtime"],
        Need::KernelClock,
        Sure,
    )
    .of_root(),
    plain(
        Sign::Imports,
        &["adjtimex", "ntp_gettime", "ntp_gettimex", "ntp_adjtime"],
        Need::KernelClockRead,
        Sure,
    ),
    plain(Sign::Contains, &["unix.Adjtimex"], Need::KernelClockRead, Sure),
    plain(Sign::Imports, &["sethostname", "setdomainname"], Need::KernelHostname, Sure).of_root(),
    plain(Sign::ChangesGroups, &[], Need::KernelCgroups, Sure),
    plain(Sign::Links, &["libcgroup.so"], Need::KernelCgroups, Sure),
    plain(Sign::Imports, &["iopl", "ioperm"], Need::KernelRawIo, Sure).of_root(),
    plain(Sign::Holds, &["CAP_SYS_RAWIO"], Need::KernelRawIo, Sure),
    plain(Sign::HoldsBpf, &[], Need::KernelBpf, Sure),
    plain(Sign::Holds, &["CAP_BPF"], Need::KernelBpf, Sure),
    plain(Sign::Links, &["libbpf.so", "libbcc.so"], Need::KernelBpf, Sure),
    plain(Sign::HoldsPerf, &[], Need::KernelPerf, Sure),
    plain(Sign::Imports, &["reboot"], Need::KernelReboot, Sure).of_root(),
    // What is scarce.
    plain(Sign::Realtime, &[], Need::Realtime, Sure),
    plain(
        Sign::Imports,
        &["sched_setscheduler", "sched_setparam", "pthread_setschedparam", "pthread_attr_setschedparam"],
        Need::Realtime,
        Possible,
    )
    .says("whether it asks for more than others have is a matter of its settings"),
    plain(Sign::Nice, &[], Need::Nice, Sure),
    plain(Sign::Holds, &["CAP_SYS_NICE"], Need::Nice, Sure),
    plain(Sign::Imports, &["setpriority", "nice"], Need::Nice, Possible)
        .says("whether it asks for more than others have is a matter of its settings"),
    plain(Sign::Holds, &["CAP_SYS_RESOURCE"], Need::Limits, Sure),
    plain(Sign::Imports, &["setrlimit", "setrlimit64", "prlimit", "prlimit64"], Need::Limits, Possible)
        .says("whether it asks for more than it may is a matter of its settings"),
    plain(Sign::Holds, &["CAP_IPC_LOCK"], Need::LockedMemory, Sure),
    plain(Sign::Imports, &["mlockall"], Need::LockedMemory, Possible)
        .says("whether it locks all is a matter of its settings"),
    // The network.
    thing(Sign::Listens, Need::BindsPort, Sure),
    plain(Sign::Imports, &["connect"], Need::UsesIp, Sure).says("where to is not seen"),
    plain(Sign::Contains, &["net.(*Dialer)"], Need::UsesIp, Sure).says("where to is not seen"),
    plain(Sign::Speaks, &["AF_INET", "AF_INET6"], Need::UsesIp, Sure),
    plain(Sign::Speaks, &["AF_NETLINK"], Need::Interfaces, Sure),
    plain(Sign::Imports, &["getifaddrs", "if_nameindex", "if_indextoname"], Need::Interfaces, Sure),
    plain(Sign::Contains, &["syscall.NetlinkRIB", "netlink.Dial"], Need::Interfaces, Sure),
    plain(
        Sign::Links,
        &["libnl-3", "libnl-route", "libmnl.so", "libpcap.so", "libzmq.so"],
        Need::Interfaces,
        Sure,
    ),
    plain(Sign::RunBy, &["node", "nodejs", "java", "dotnet"], Need::Interfaces, Sure)
        .says("its library lists network interfaces"),
    plain(Sign::Holds, &["CAP_NET_ADMIN"], Need::NetworkAdmin, Sure),
    plain(Sign::Speaks, &["AF_PACKET"], Need::NetworkAdmin, Sure),
    plain(Sign::Says, &["ip", "iptables", "nft", "ifconfig", "tc", "brctl"], Need::NetworkAdmin, Possible)
        .of_root(),
    plain(Sign::Speaks, &["AF_PACKET"], Need::NetworkRaw, Sure),
    // What has no need of its own.
    thing(Sign::HoldsOther, Need::Capabilities, Sure),
    thing(Sign::FileGives, Need::Capabilities, Sure),
];

/// A sign of something that the manifest could say of how the service runs.
pub(super) struct Remark {
    pub(super) sign: Sign,
    pub(super) things: &'static [&'static str],
    pub(super) says: &'static str,
    /// The key of the manifest that says it already.
    pub(super) unless: &'static str,
}

/// What is worth knowing and opens nothing.
pub(super) static REMARKS: &[Remark] = &[
    Remark {
        sign: Sign::Imports,
        things: &["sd_notify", "sd_notifyf", "sd_pid_notify"],
        says: "it may tell the manager when it is ready: type = \"notify\"",
        unless: "type",
    },
    Remark {
        sign: Sign::Imports,
        things: &["sd_listen_fds", "sd_listen_fds_with_names"],
        says: "it may take its sockets from the manager: with [sockets] it binds none itself and needs no right to",
        unless: "sockets",
    },
    Remark {
        sign: Sign::Imports,
        things: &["dlopen"],
        says: "it loads code at run time: what lies outside of /usr/lib is a need, loads-plugins",
        unless: "loads-plugins",
    },
];
