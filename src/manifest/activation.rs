//! The shape of `[sockets.NAME]` and `[timers.NAME]`: what starts a service.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::document::{Place, Placed};
use super::literal::{Lines, Literals};
use super::words::{
    Because, ConditionPath, Line, Listen, Mode, ServiceName, SocketAddress, SourceFilter, TimeSpan, UnitName,
    UserName,
};

/// `[sockets.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Socket {
    /// Where it is declared.
    #[serde(rename = "$place")]
    #[schemars(skip)]
    pub place: Place,
    /// `Description=`.
    pub description: Option<Line>,
    /// What it binds; at least one after loading.
    #[serde(default)]
    pub listen: Vec<Placed<Listen>>,
    /// One instance of a template for each connection: `Accept=`.
    #[serde(default)]
    pub accept: bool,
    /// The service that it starts. After loading: always there but beside `proxy-to`.
    pub starts: Option<ServiceName>,
    /// `SocketUser=`.
    pub owner: Option<UserName>,
    /// `SocketGroup=`.
    pub group: Option<UserName>,
    /// `SocketMode=`.
    pub mode: Option<Mode>,
    /// The directory of a local socket, made through tmpfiles.d.
    pub folder: Option<Folder>,
    /// Who may reach it, each with its reason; empty: nothing is filtered.
    #[serde(default)]
    pub from: BTreeMap<SourceFilter, Because>,
    /// `MaxConnections=`.
    pub max_connections: Option<u32>,
    /// `MaxConnectionsPerSource=`.
    pub max_connections_per_source: Option<u32>,
    /// Why a port without an address is right.
    pub bare_port: Option<Because>,
    /// Where a proxy in the service's network name space passes connections on to.
    pub proxy_to: Option<SocketAddress>,
    /// How long the proxy stays without connections.
    pub proxy_idle: Option<TimeSpan>,
    /// `WantedBy=`; `sockets.target` where nothing is said.
    #[serde(default = "UnitName::sockets_target")]
    pub wanted_by: Vec<UnitName>,
    /// `ConditionPathExists=`.
    #[serde(default)]
    pub condition_path: Vec<ConditionPath>,
    /// Whether installing it enables it.
    #[serde(default)]
    pub install: Install,
    /// Literal lines of the unit.
    #[serde(default)]
    pub unit: Literals,
}

/// Whether a unit is enabled where it is installed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Install {
    /// As the target's presets say.
    #[default]
    Preset,
    /// Not: it is an alternative that the administrator chooses.
    Disabled,
}

/// The directory of a local socket.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Folder {
    /// Its mode.
    pub mode: Option<Mode>,
    /// Its owner.
    pub owner: Option<UserName>,
    /// Its group.
    pub group: Option<UserName>,
    /// Where it is stated.
    #[serde(rename = "$place")]
    #[schemars(skip)]
    pub place: Place,
}

/// `[timers.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Timer {
    /// Where it is declared.
    #[serde(rename = "$place")]
    #[schemars(skip)]
    pub place: Place,
    /// `Description=`.
    pub description: Option<Line>,
    /// `OnCalendar=`: written as a string or an array.
    pub on_calendar: Option<Lines>,
    /// `OnBootSec=`.
    pub on_boot: Option<TimeSpan>,
    /// `OnUnitActiveSec=`.
    pub on_unit_active: Option<TimeSpan>,
    /// `RandomizedDelaySec=`.
    pub randomized_delay: Option<TimeSpan>,
    /// `AccuracySec=`.
    pub accuracy: Option<TimeSpan>,
    /// `Persistent=`.
    #[serde(default)]
    pub persistent: bool,
    /// The service that it starts. After loading: always there.
    pub starts: Option<ServiceName>,
    /// `WantedBy=`; `timers.target` where nothing is said.
    #[serde(default = "UnitName::timers_target")]
    pub wanted_by: Vec<UnitName>,
    /// Literal lines of the unit.
    #[serde(default)]
    pub unit: Literals,
}
