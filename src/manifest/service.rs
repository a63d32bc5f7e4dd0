//! The shape of `[service]` and `[services.NAME]`: how a service is run.
//!
//! Doc comments name the directive that a key becomes; what confines is not here but in [`Needs`] and the policy.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::commands::Commands;
use super::denies::Denies;
use super::document::Place;
use super::literal::{Literals, Override};
use super::needs::Needs;
use super::resources::{Directories, Resources};
use super::words::{
    AbsolutePath, Because, BusName, ConditionPath, CredentialName, DirectiveName, Documentation, EnvName,
    EnvValue, EnvironmentFile, Line, LogPath, Mode, TimeSpan, UnitName, UserName,
};

/// `[service]` or `[services.NAME]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Service {
    /// Where it is declared.
    #[serde(rename = "$place")]
    #[schemars(skip)]
    pub place: Place,
    /// Other names of the unit.
    #[serde(default)]
    pub aliases: Vec<UnitName>,
    /// `Description=`.
    pub description: Option<Line>,
    /// `Documentation=`; the package's where nothing is said.
    #[serde(default)]
    pub documentation: Vec<Documentation>,
    /// `Type=`.
    #[serde(rename = "type")]
    pub type_: Option<ServiceType>,
    /// Whom it runs as. After loading: `None` is root, and `needs.starts-as-root` says why.
    pub user: Option<UserName>,
    /// `Group=`.
    pub group: Option<UserName>,
    /// `SupplementaryGroups=`.
    #[serde(default)]
    pub groups: Vec<UserName>,
    /// `UMask=`.
    pub umask: Option<Mode>,
    /// `KillMode=`.
    pub kill: Option<KillMode>,
    /// `PIDFile=`.
    pub pid_file: Option<AbsolutePath>,
    /// Whether systemd guesses the main process of `type = "forking"`.
    pub main_pid: Option<MainPid>,
    /// It counts as active after its process has ended: `RemainAfterExit=`.
    #[serde(default)]
    pub remain: bool,
    /// It is forgotten even if it failed: `CollectMode=inactive-or-failed`.
    #[serde(default)]
    pub collect: bool,
    /// It starts in early boot: `DefaultDependencies=no`.
    #[serde(default)]
    pub early: bool,
    /// `BusName=`.
    pub bus_name: Option<BusName>,
    /// `RuntimeMaxSec=`.
    pub runtime_max: Option<TimeSpan>,
    /// `TimeoutStartSec=`.
    pub start_timeout: Option<TimeSpan>,
    /// `TimeoutStopSec=`.
    pub stop_timeout: Option<TimeSpan>,
    /// `Restart=`.
    pub restart: Option<Restart>,
    /// `RestartSec=`.
    pub restart_delay: Option<TimeSpan>,
    /// `NotifyAccess=`.
    pub notify_access: Option<NotifyAccess>,
    /// `WatchdogSec=`.
    pub watchdog: Option<TimeSpan>,
    /// `WorkingDirectory=`.
    pub working_directory: Option<AbsolutePath>,
    /// `StandardInput=`.
    pub stdin: Option<Stdin>,
    /// `StandardOutput=`.
    pub stdout: Option<Output>,
    /// `StandardError=`.
    pub stderr: Option<Output>,
    /// Where its output is kept.
    pub log: Option<Log>,
    /// `ExecStart=`; at least one command after loading.
    #[serde(default)]
    pub exec: Commands,
    /// `ExecStartPre=`.
    #[serde(default)]
    pub exec_before: Commands,
    /// `ExecStartPost=`.
    #[serde(default)]
    pub exec_after: Commands,
    /// `ExecStop=`.
    #[serde(default)]
    pub stop: Commands,
    /// `ExecStopPost=`.
    #[serde(default)]
    pub stop_after: Commands,
    /// `ExecCondition=`.
    #[serde(default)]
    pub condition: Commands,
    /// `ExecReload=`.
    #[serde(default)]
    pub reload: Commands,
    /// Why `ExecReload=` stays although a guard is declared.
    pub reload_despite_guards: Option<Because>,
    /// `After=`.
    #[serde(default)]
    pub after: Vec<UnitName>,
    /// `Before=`.
    #[serde(default)]
    pub before: Vec<UnitName>,
    /// `Requires=`.
    #[serde(default)]
    pub requires: Vec<UnitName>,
    /// `Wants=`.
    #[serde(default)]
    pub wants: Vec<UnitName>,
    /// `PartOf=`.
    #[serde(default)]
    pub part_of: Vec<UnitName>,
    /// `BindsTo=` together with `After=`: these units must outlive this one.
    #[serde(default)]
    pub binds_to: Vec<UnitName>,
    /// `Conflicts=`.
    #[serde(default)]
    pub conflicts: Vec<UnitName>,
    /// `OnFailure=`.
    #[serde(default)]
    pub on_failure: Vec<UnitName>,
    /// `JoinsNamespaceOf=`.
    #[serde(default)]
    pub joins: Vec<UnitName>,
    /// `WantedBy=`.
    #[serde(default)]
    pub wanted_by: Vec<UnitName>,
    /// `Also=`.
    #[serde(default)]
    pub also: Vec<UnitName>,
    /// `ConditionPathExists=`.
    #[serde(default)]
    pub condition_path: Vec<ConditionPath>,
    /// `AssertPathExists=`.
    #[serde(default)]
    pub assert_path: Vec<ConditionPath>,
    /// `EnvironmentFile=`, in order.
    #[serde(default)]
    pub environment_files: Vec<EnvironmentFile>,
    /// `Environment=`.
    #[serde(default)]
    pub environment: BTreeMap<EnvName, EnvValue>,
    /// `LoadCredential=`.
    #[serde(default)]
    pub credentials: BTreeMap<CredentialName, Credential>,
    /// Its own directories.
    #[serde(default)]
    pub directories: Directories,
    /// Limits and shares.
    #[serde(default)]
    pub resources: Resources,
    /// What it does.
    #[serde(default)]
    pub needs: Needs,
    /// What it was proved not to do.
    #[serde(default)]
    pub denies: Denies,
    /// Literal lines of the unit that confine nothing.
    #[serde(default)]
    pub unit: Literals,
    /// Literal lines that confine, each with its reason.
    #[serde(default, rename = "override")]
    pub overrides: BTreeMap<DirectiveName, Override>,
}

/// `Type=`, systemd.service(5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the words are systemd's")]
pub enum ServiceType {
    Simple,
    Exec,
    Forking,
    Oneshot,
    Dbus,
    Notify,
    NotifyReload,
    Idle,
}

/// `KillMode=`, systemd.kill(5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the words are systemd's")]
pub enum KillMode {
    ControlGroup,
    Mixed,
    Process,
    None,
}

/// `Restart=`, systemd.service(5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the words are systemd's")]
pub enum Restart {
    No,
    Always,
    OnSuccess,
    OnFailure,
    OnAbnormal,
    OnAbort,
    OnWatchdog,
}

/// `NotifyAccess=`: whose notifications count, systemd.service(5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the words are systemd's")]
pub enum NotifyAccess {
    None,
    Main,
    Exec,
    All,
}

/// `GuessMainPID=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MainPid {
    /// systemd guesses.
    Guess,
    /// systemd does not guess.
    GuessNot,
}

/// `StandardInput=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stdin {
    /// Nothing to read.
    Null,
    /// The connection of a socket with `accept`.
    Socket,
}

/// `StandardOutput=`, `StandardError=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// The journal.
    Journal,
    /// Nowhere.
    Null,
    /// The connection of a socket with `accept`.
    Socket,
    /// What standard input (or for errors, standard output) is.
    Inherit,
}

/// Where output is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Log {
    /// `"journal"`.
    Journal,
    /// A file that lines are appended to.
    File(LogFile),
}

/// A log file that only the service reads.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LogFile {
    /// A name below the logs directory, or an absolute path.
    pub file: LogPath,
    /// The file's mode.
    pub mode: Option<Mode>,
}

/// `[credentials.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Credential {
    /// The file that it is read from.
    pub from: AbsolutePath,
    /// A variable that is set to the path that the service reads it at.
    pub env: Option<EnvName>,
    /// It is encrypted: `LoadCredentialEncrypted=`.
    #[serde(default)]
    pub encrypted: bool,
    /// What to do on targets before `LoadCredential=`.
    pub fallback: Option<CredentialFallback>,
    /// Where it is stated.
    #[serde(rename = "$place")]
    #[schemars(skip)]
    pub place: Place,
}

/// What to do on targets that have no credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialFallback {
    /// The service's group may read the file.
    GroupReadable,
    /// Such a target is refused.
    Refuse,
}

struct LogVisitor;

impl<'de> Visitor<'de> for LogVisitor {
    type Value = Log;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"journal\" or a table with `file`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Log, E> {
        match text {
            "journal" => Ok(Log::Journal),
            _ => Err(E::unknown_variant(text, &["journal"])),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Log, A::Error> {
        LogFile::deserialize(MapAccessDeserializer::new(map)).map(Log::File)
    }
}

impl<'de> Deserialize<'de> for Log {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LogVisitor)
    }
}

impl JsonSchema for Log {
    fn schema_name() -> Cow<'static, str> {
        "Log".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let file = generator.subschema_for::<LogFile>();
        json_schema!({ "anyOf": [{ "const": "journal" }, file] })
    }
}
