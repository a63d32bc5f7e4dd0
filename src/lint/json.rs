//! The reports as one JSON document, schema 1. Its fields are frozen: later releases add, they do not take away or
//! change what a field means.

use schemars::{JsonSchema, Schema, schema_for};
use serde::Serialize;

use super::{Fit, Report};
use crate::policy::LossCause;
use crate::score::Exposure;
use crate::target::Known;

/// The version of the document.
const SCHEMA: u32 = 1;

/// The document of all manifests, indented and with a newline at its end.
pub fn json(reports: &[Report]) -> anyhow::Result<String> {
    let document = Document {
        schema: SCHEMA,
        tool: concat!("systemd-harden ", env!("CARGO_PKG_VERSION")).to_owned(),
        findings: reports.iter().flat_map(|report| &report.findings).map(finding).collect(),
        services: reports.iter().flat_map(|report| &report.fits).map(service).collect(),
    };
    crate::report::plain_json(&document)
}

/// The JSON Schema of the document.
pub fn schema() -> Schema {
    schema_for!(Document)
}

/// What systemd-harden finds in manifests.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "systemd-harden lint")]
struct Document {
    /// The version of this schema. Later releases may add fields to it.
    schema: u32,
    /// The program and its version.
    tool: String,
    /// What is doubtful or worth knowing, manifest by manifest.
    findings: Vec<Found>,
    /// What each target costs each service.
    services: Vec<Service>,
}

/// Something about a place of a manifest.
#[derive(Serialize, JsonSchema)]
struct Found {
    /// The manifest or drop-in.
    file: String,
    /// Counted from 1.
    line: u32,
    /// Counted from 1, in characters.
    column: u32,
    /// `warning` or `note`.
    severity: &'static str,
    /// `notice`, `lost`, `stand-in`, `inert` or `risk`.
    id: &'static str,
    /// The unit that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    /// The targets that it is about; all where there are none.
    targets: Vec<String>,
    /// What it is.
    message: String,
}

/// A service on a target.
#[derive(Serialize, JsonSchema)]
struct Service {
    /// The unit.
    unit: String,
    /// The target.
    target: String,
    /// The systemd release of the target.
    systemd: String,
    /// Whether systemd is built with the BPF framework there: `yes`, `no` or `unknown`.
    bpf_framework: &'static str,
    /// The exposure of what is rendered.
    exposure: f64,
    /// What is left out, by its cause.
    lost: Vec<Lost>,
}

/// What is left out for one cause.
#[derive(Serialize, JsonSchema)]
struct Lost {
    /// `not-known`, `users-manager`, `forces` or `other-target`.
    cause: &'static str,
    /// The cause in words.
    why: String,
    /// The directives.
    directives: Vec<&'static str>,
    /// What that adds to the exposure.
    cost: f64,
    /// What keeps the service from the same.
    stand_ins: Vec<String>,
    /// What the manifest could say instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    instead: Option<Instead>,
}

/// Another way.
#[derive(Serialize, JsonSchema)]
struct Instead {
    /// What the manifest would say.
    says: &'static str,
    /// What the exposure would be.
    exposure: f64,
}

fn finding(finding: &super::Finding) -> Found {
    Found {
        file: finding.place.file.to_string(),
        line: finding.place.line,
        column: finding.place.column,
        severity: finding.severity.word(),
        id: finding.id,
        unit: finding.unit.clone(),
        targets: finding.targets.clone(),
        message: finding.message.clone(),
    }
}

fn service(fit: &Fit) -> Service {
    Service {
        unit: fit.unit.clone(),
        target: fit.target.name.clone(),
        systemd: fit.target.release.to_string(),
        bpf_framework: match fit.target.bpf_framework() {
            Known::Yes => "yes",
            Known::No => "no",
            Known::Unknown => "unknown",
        },
        exposure: figure(fit.exposure),
        lost: fit.lost.iter().map(lost).collect(),
    }
}

fn lost(lost: &super::Lost) -> Lost {
    Lost {
        cause: match lost.cause {
            LossCause::NotKnown => "not-known",
            LossCause::UsersManager => "users-manager",
            LossCause::Forces { .. } => "forces",
            LossCause::OtherTarget => "other-target",
        },
        why: lost.why(),
        directives: lost.directives.iter().map(|row| row.name).collect(),
        cost: figure(lost.cost),
        stand_ins: lost.stand_ins.clone(),
        instead: lost.instead.as_ref().map(|way| Instead { says: way.says, exposure: figure(way.exposure) }),
    }
}

fn figure(exposure: Exposure) -> f64 {
    // At most 100 tenths.
    u32::try_from(exposure.tenths()).map_or(10.0, f64::from) / 10.0
}
