//! Which key of the manifest says what a line of a unit file says, where the catalogue has no row that tells: sections,
//! dependencies, commands, and all of sockets and timers. Literal lines are measured by it, and importing a unit goes by
//! it.

use super::literal::SectionName as Section;

/// Section, directive, and the key below the unit's table.
type Row = (Section, &'static str, &'static str);

/// The kinds of units that a manifest describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitKind {
    /// `[services.NAME]`.
    Service,
    /// `[sockets.NAME]`.
    Socket,
    /// `[timers.NAME]`.
    Timer,
}

impl UnitKind {
    /// The section that is the kind's own.
    pub fn section(self) -> Section {
        match self {
            Self::Service => Section::Service,
            Self::Socket => Section::Socket,
            Self::Timer => Section::Timer,
        }
    }

    /// Every directive without a row that has a key in the kind's table: section, directive, key.
    pub fn keys(self) -> &'static [Row] {
        match self {
            Self::Service => SERVICE,
            Self::Socket => SOCKET,
            Self::Timer => TIMER,
        }
    }

    /// The key that says a directive of a section, the first where several do.
    pub fn key_of(self, section: &str, directive: &str) -> Option<&'static str> {
        self.keys_of(section, directive).next()
    }

    /// Every key that a directive of a section comes to.
    pub fn keys_of(self, section: &str, directive: &str) -> impl Iterator<Item = &'static str> {
        let is = move |row: &&Row| row.0.as_str() == section && row.1 == directive;
        self.keys().iter().filter(is).map(|(_, _, key)| *key)
    }
}

/// Of services. A directive with a row in the catalogue has its key there.
const SERVICE: &[Row] = &[
    (Section::Unit, "After", "after"),
    (Section::Unit, "AssertPathExists", "assert-path"),
    (Section::Unit, "Before", "before"),
    (Section::Unit, "BindsTo", "binds-to"),
    (Section::Unit, "CollectMode", "collect"),
    (Section::Unit, "ConditionPathExists", "condition-path"),
    (Section::Unit, "Conflicts", "conflicts"),
    (Section::Unit, "Description", "description"),
    (Section::Unit, "Documentation", "documentation"),
    (Section::Unit, "OnFailure", "on-failure"),
    (Section::Unit, "PartOf", "part-of"),
    (Section::Unit, "Requires", "requires"),
    (Section::Unit, "Wants", "wants"),
    (Section::Service, "Environment", "environment"),
    (Section::Service, "EnvironmentFile", "environment-files"),
    (Section::Service, "ExecCondition", "condition"),
    (Section::Service, "ExecReload", "reload"),
    (Section::Service, "ExecStart", "exec"),
    (Section::Service, "ExecStartPost", "exec-after"),
    (Section::Service, "ExecStartPre", "exec-before"),
    (Section::Service, "ExecStop", "stop"),
    (Section::Service, "ExecStopPost", "stop-after"),
    (Section::Service, "GuessMainPID", "main-pid"),
    (Section::Service, "PIDFile", "pid-file"),
    (Section::Service, "RemainAfterExit", "remain"),
    (Section::Service, "Restart", "restart"),
    (Section::Service, "RestartSec", "restart-delay"),
    (Section::Service, "TimeoutSec", "start-timeout"),
    (Section::Service, "TimeoutSec", "stop-timeout"),
    (Section::Service, "TimeoutStartSec", "start-timeout"),
    (Section::Service, "TimeoutStopSec", "stop-timeout"),
    (Section::Install, "Alias", "aliases"),
    (Section::Install, "Also", "also"),
    (Section::Install, "WantedBy", "wanted-by"),
];

/// Of sockets. Listening on what `listen` has no word for is a case of `listen` all the same.
const SOCKET: &[Row] = &[
    (Section::Unit, "ConditionPathExists", "condition-path"),
    (Section::Unit, "Description", "description"),
    (Section::Socket, "Accept", "accept"),
    (Section::Socket, "IPAddressAllow", "from"),
    (Section::Socket, "IPAddressDeny", "from"),
    (Section::Socket, "ListenDatagram", "listen"),
    (Section::Socket, "ListenFIFO", "listen"),
    (Section::Socket, "ListenMessageQueue", "listen"),
    (Section::Socket, "ListenNetlink", "listen"),
    (Section::Socket, "ListenSequentialPacket", "listen"),
    (Section::Socket, "ListenSpecial", "listen"),
    (Section::Socket, "ListenStream", "listen"),
    (Section::Socket, "ListenUSBFunction", "listen"),
    (Section::Socket, "MaxConnections", "max-connections"),
    (Section::Socket, "MaxConnectionsPerSource", "max-connections-per-source"),
    (Section::Socket, "Service", "starts"),
    (Section::Socket, "SocketGroup", "group"),
    (Section::Socket, "SocketMode", "mode"),
    (Section::Socket, "SocketUser", "owner"),
    (Section::Install, "WantedBy", "wanted-by"),
];

/// Of timers.
const TIMER: &[Row] = &[
    (Section::Unit, "Description", "description"),
    (Section::Timer, "AccuracySec", "accuracy"),
    (Section::Timer, "OnBootSec", "on-boot"),
    (Section::Timer, "OnCalendar", "on-calendar"),
    (Section::Timer, "OnUnitActiveSec", "on-unit-active"),
    (Section::Timer, "Persistent", "persistent"),
    (Section::Timer, "RandomizedDelaySec", "randomized-delay"),
    (Section::Timer, "Unit", "starts"),
    (Section::Install, "WantedBy", "wanted-by"),
];
