//! The shape of `[directories]` and `[resources]`: what a service owns and how much it may use.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::document::{Missing, Place};
use super::words::{Count, Mode, Percent, RelativePath, Size, UserName, Weight};

/// `[directories]`: at most one of each kind; an empty table is one of the service's own name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Directories {
    /// Below /var/lib.
    pub state: Option<Directory>,
    /// Below /var/cache.
    pub cache: Option<Directory>,
    /// Below /var/log.
    pub logs: Option<Directory>,
    /// Below /run.
    pub runtime: Option<Directory>,
    /// Below /etc.
    pub configuration: Option<Directory>,
}

impl Directories {
    /// Those that are declared, with their keys.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, &Directory)> {
        let all = [
            ("state", &self.state),
            ("cache", &self.cache),
            ("logs", &self.logs),
            ("runtime", &self.runtime),
            ("configuration", &self.configuration),
        ];
        all.into_iter().filter_map(|(kind, directory)| directory.as_ref().map(|directory| (kind, directory)))
    }
}

/// One of a service's directories.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Directory {
    /// Below the root of its kind; the service's name without `@` where nothing is said.
    pub name: Option<RelativePath>,
    /// Its mode.
    pub mode: Option<Mode>,
    /// Its owner; the service's user where nothing is said.
    pub owner: Option<UserName>,
    /// Its group; the service's where nothing is said.
    pub group: Option<UserName>,
    /// Directories below it and their modes.
    #[serde(default)]
    pub below: BTreeMap<RelativePath, Mode>,
    /// It outlives the service (a runtime directory).
    #[serde(default)]
    pub keep: bool,
    /// Whether the service may write it: all may be but the configuration, where nothing is said.
    pub writable: Option<bool>,
    /// Whether it may be missing when audited.
    #[serde(default)]
    pub missing: Missing,
    /// Where it is declared.
    #[serde(rename = "$place")]
    #[schemars(skip)]
    pub place: Place,
}

/// `[resources]`, systemd.resource-control(5) and systemd.exec(5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Resources {
    /// `MemoryLow=`.
    pub memory_low: Option<Size>,
    /// `MemoryHigh=`.
    pub memory_high: Option<Size>,
    /// `MemoryMax=`.
    pub memory_max: Option<Size>,
    /// `MemorySwapMax=`.
    pub swap_max: Option<Size>,
    /// `TasksMax=`.
    pub tasks_max: Option<Count>,
    /// `LimitNOFILE=`.
    pub open_files: Option<u64>,
    /// `LimitNPROC=`.
    pub processes: Option<u64>,
    /// `LimitCORE=`.
    pub core_size: Option<Size>,
    /// `LimitMEMLOCK=`.
    pub locked_memory: Option<Size>,
    /// `CPUQuota=`.
    pub cpu_quota: Option<Percent>,
    /// `CPUWeight=`.
    pub cpu_weight: Option<Weight>,
    /// `IOWeight=`.
    pub io_weight: Option<Weight>,
}
