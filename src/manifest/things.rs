//! The things of the needs whose things are fixed: parts of the kernel and what is claimed.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// Parts of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KernelThing {
    /// Sets variables below /proc/sys and /sys.
    Tunables,
    /// Loads modules.
    Modules,
    /// Reads or clears the kernel's log.
    Log,
    /// Sets the clock.
    Clock,
    /// Reads how the clock is adjusted.
    ClockRead,
    /// Sets the host name.
    Hostname,
    /// Must notice when the host name changes.
    HostnameFollow,
    /// Writes the control group tree.
    Cgroups,
    /// Uses I/O ports.
    RawIo,
    /// Loads BPF programs.
    Bpf,
    /// Uses performance counters.
    Perf,
    /// Reboots.
    Reboot,
}

impl KernelThing {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Tunables,
        Self::Modules,
        Self::Log,
        Self::Clock,
        Self::ClockRead,
        Self::Hostname,
        Self::HostnameFollow,
        Self::Cgroups,
        Self::RawIo,
        Self::Bpf,
        Self::Perf,
        Self::Reboot,
    ];

    /// The key of `needs.kernel`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tunables => "tunables",
            Self::Modules => "modules",
            Self::Log => "log",
            Self::Clock => "clock",
            Self::ClockRead => "clock-read",
            Self::Hostname => "hostname",
            Self::HostnameFollow => "hostname-follow",
            Self::Cgroups => "cgroups",
            Self::RawIo => "raw-io",
            Self::Bpf => "bpf",
            Self::Perf => "perf",
            Self::Reboot => "reboot",
        }
    }
}

/// Scarce things that are otherwise rationed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimThing {
    /// Real-time scheduling.
    Realtime,
    /// A better priority.
    Nice,
    /// Higher resource limits.
    Limits,
    /// Memory that is never paged out.
    LockedMemory,
}

impl ClaimThing {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Realtime, Self::Nice, Self::Limits, Self::LockedMemory];

    /// The key of `needs.claims`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Realtime => "realtime",
            Self::Nice => "nice",
            Self::Limits => "limits",
            Self::LockedMemory => "locked-memory",
        }
    }
}

impl JsonSchema for KernelThing {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "KernelThing".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": Self::ALL.map(Self::as_str) })
    }
}

impl JsonSchema for ClaimThing {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ClaimThing".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": Self::ALL.map(Self::as_str) })
    }
}
