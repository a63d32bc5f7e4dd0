//! Settings and what becomes of them in a machine.

/// A setting of a unit.
pub(super) struct Setting {
    /// What the unit says; the last line is the one that is looked for.
    pub(super) lines: &'static str,
    /// What the other unit is started with.
    pub(super) before: &'static str,
    /// The first release that reads it.
    pub(super) since: u32,
    /// What there is to see.
    pub(super) shows: Shows,
}

/// What there is to see of a setting.
#[derive(Clone, Copy)]
pub(super) enum Shows {
    /// It is in the process that was started with it, and in no other.
    InProcess,
    /// It is in every process, whoever asked for it: it opens, or the machine itself has it.
    Anyway,
    /// Nothing shows it.
    Never,
    /// A control group has it at once, where the machine has the controller.
    Controller(&'static str),
    /// A BPF program does it, where systemd is built for them: never up to Debian 12.
    Framework,
}

impl Setting {
    /// The name of what is looked for.
    pub(super) fn directive(&self) -> &'static str {
        let last = self.lines.lines().last().unwrap_or_default();
        last.split('=').next().unwrap_or_default()
    }

    const fn since(self, since: u32) -> Self {
        Self { since, ..self }
    }

    const fn after(self, before: &'static str) -> Self {
        Self { before, ..self }
    }

    const fn shows(self, shows: Shows) -> Self {
        Self { shows, ..self }
    }
}

const fn setting(lines: &'static str) -> Setting {
    Setting { lines, before: "", since: 0, shows: Shows::InProcess }
}

pub(super) const SETTINGS: &[Setting] = &[
    setting("User=daemon"),
    setting("User=daemon\nGroup=games"),
    setting("SupplementaryGroups=adm audio"),
    setting("DynamicUser=yes"),
    setting("UMask=0077"),
    setting("CapabilityBoundingSet="),
    setting("CapabilityBoundingSet=CAP_CHOWN CAP_KILL"),
    setting("CapabilityBoundingSet=~CAP_SYS_ADMIN"),
    setting("User=daemon\nAmbientCapabilities=CAP_NET_BIND_SERVICE")
        .after("User=daemon\nAmbientCapabilities=CAP_NET_BIND_SERVICE CAP_CHOWN"),
    setting("NoNewPrivileges=yes"),
    setting("RestrictSUIDSGID=yes"),
    setting("PrivateUsers=yes"),
    setting("PrivateUsers=identity").since(257),
    setting("PrivateMounts=yes"),
    setting("PrivateIPC=yes"),
    setting("PrivatePIDs=yes").since(257),
    setting("RestrictNamespaces=yes"),
    setting("RestrictNamespaces=~user"),
    setting("ProtectSystem=yes"),
    setting("ProtectSystem=full"),
    setting("ProtectSystem=full").after("ProtectSystem=yes"),
    setting("ProtectSystem=strict"),
    setting("ProtectSystem=strict").after("ProtectSystem=full"),
    setting("ProtectSystem=strict\nPrivateNetwork=yes\nProtectControlGroups=yes"),
    setting("ProtectHome=yes"),
    setting("ProtectHome=yes").after("ProtectHome=read-only"),
    setting("ProtectHome=read-only"),
    setting("ProtectHome=tmpfs"),
    setting("PrivateTmp=yes"),
    setting("PrivateTmp=disconnected").since(257),
    setting("ReadOnlyPaths=/var/lib"),
    setting("ReadOnlyPaths=-/var/run -/nowhere"),
    setting("InaccessiblePaths=/srv"),
    setting("InaccessiblePaths=/etc/passwd -/nowhere"),
    setting("NoExecPaths=/srv"),
    setting("ProtectSystem=strict\nReadWritePaths=/var/lib").after("ProtectSystem=strict"),
    setting("NoExecPaths=/\nExecPaths=/usr /lib").shows(Shows::Anyway),
    setting("TemporaryFileSystem=/srv"),
    setting("TemporaryFileSystem=/srv:ro,size=1M"),
    setting("BindPaths=/var/log:/srv/place"),
    setting("BindReadOnlyPaths=/var/log:/srv/place"),
    setting(
        "RootDirectory=/srv/tree\nBindReadOnlyPaths=/usr /bin /lib -/lib64\nMountAPIVFS=yes\nRootDirectory=/srv/tree",
    ),
    setting("PrivateMounts=yes\nMountFlags=private"),
    setting("PrivateMounts=yes\nMountFlags=slave"),
    setting("PrivateDevices=yes"),
    // systemd-nspawn mounts /proc/sys read-only for the whole machine.
    setting("ProtectKernelTunables=yes").shows(Shows::Anyway),
    setting("ProtectKernelModules=yes"),
    setting("ProtectKernelLogs=yes"),
    setting("ProtectControlGroups=yes"),
    setting("ProtectControlGroups=private").since(257),
    setting("ProtectControlGroups=strict").since(257),
    setting("ProtectClock=yes"),
    setting("ProtectHostname=yes"),
    setting("ProtectProc=noaccess"),
    setting("ProtectProc=invisible"),
    setting("ProtectProc=ptraceable"),
    setting("ProcSubset=pid"),
    setting("ProcSubset=pid\nProtectKernelTunables=yes\nProtectKernelLogs=yes\nProtectKernelModules=yes"),
    setting("LockPersonality=yes"),
    setting("RestrictRealtime=yes"),
    setting("MemoryDenyWriteExecute=yes").shows(Shows::Never),
    setting("Personality=x86"),
    setting("CoredumpFilter=private-anonymous"),
    setting("MemoryKSM=yes").since(254),
    setting("PrivateNetwork=yes"),
    setting("RestrictAddressFamilies=AF_UNIX"),
    setting("RestrictAddressFamilies=none"),
    setting("RestrictAddressFamilies=~AF_PACKET"),
    setting("SystemCallFilter=@system-service"),
    setting("SystemCallFilter=~@mount"),
    setting("SystemCallArchitectures=native"),
    setting("SystemCallLog=@clock"),
    setting("User=daemon\nNoNewPrivileges=yes\nSystemCallFilter=@system-service"),
    setting("LimitNOFILE=256"),
    setting("LimitNPROC=100:200"),
    setting("LimitCORE=0"),
    setting("LimitMEMLOCK=64K"),
    setting("LimitCPU=1h"),
    setting("LimitFSIZE=1G"),
    setting("LimitDATA=1G"),
    setting("LimitSTACK=4M"),
    setting("LimitRSS=1G"),
    setting("LimitAS=4G"),
    setting("LimitLOCKS=100"),
    setting("LimitSIGPENDING=100"),
    setting("LimitMSGQUEUE=4096"),
    // These are 0 where nothing raises them.
    setting("LimitNICE=+5").shows(Shows::Anyway),
    setting("LimitRTPRIO=5").shows(Shows::Anyway),
    setting("LimitRTTIME=1s"),
    setting("Nice=5"),
    setting("OOMScoreAdjust=500"),
    setting("CPUSchedulingPolicy=batch"),
    setting("CPUSchedulingPolicy=idle"),
    setting("CPUSchedulingPolicy=rr\nCPUSchedulingPriority=7"),
    setting("CPUAffinity=0"),
    setting("Slice=other.slice"),
    setting("MemoryMax=64M").shows(Shows::Controller("memory")),
    setting("MemoryHigh=64M").shows(Shows::Controller("memory")),
    setting("TasksMax=50").shows(Shows::Controller("pids")),
    setting("CPUQuota=50%").shows(Shows::Controller("cpu")),
    setting("CPUWeight=50").shows(Shows::Controller("cpu")),
    setting("AllowedCPUs=0").shows(Shows::Controller("cpuset")),
    setting("IOWeight=50").shows(Shows::Controller("io")),
    setting("IPAddressDeny=any").shows(Shows::Never),
    setting("DevicePolicy=closed").shows(Shows::Never),
    setting("SocketBindDeny=any").shows(Shows::Framework),
    setting("RestrictFileSystems=~tracefs").since(253).shows(Shows::Framework),
    setting("RestrictNetworkInterfaces=lo").shows(Shows::Framework),
    setting("StateDirectory=evidence").shows(Shows::Never),
];
