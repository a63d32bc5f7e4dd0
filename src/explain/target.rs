//! What is known of a distribution that units are written for, from the table of targets.

use anyhow::{Result, bail};
use schemars::JsonSchema;
use serde::Serialize;

use super::sections::{Article, entry, section};
use crate::target::{Certainty, DISTRIBUTIONS, Distribution, Feature, Known, REFUSED};

/// A distribution as a target.
#[derive(Serialize, JsonSchema)]
pub struct TargetFacts {
    /// Its name.
    pub name: &'static str,
    /// Other names: code names, rebuilds.
    pub also: Vec<&'static str>,
    /// Its systemd, as a target.
    pub systemd: String,
    /// How sure that is: "packaged", "reported" or "assumed".
    pub certainty: &'static str,
    /// Where it is from.
    pub source: &'static str,
    /// Whether its systemd has the BPF framework; null where nobody looked.
    pub bpf_framework: Option<bool>,
    /// What of later releases it reads besides.
    pub backports: Vec<BackportFact>,
}

/// Something of a later release.
#[derive(Serialize, JsonSchema)]
pub struct BackportFact {
    /// What.
    pub feature: &'static str,
    /// Where that is from.
    pub source: &'static str,
}

/// The distribution of that name. The error says why a known one is no target.
pub(super) fn find(name: &str) -> Result<Option<&'static Distribution>> {
    let is = |own: &str, also: &[&str]| own == name || also.contains(&name);
    if let Some(refused) = REFUSED.iter().find(|refused| is(refused.name, refused.also)) {
        bail!("`{}` is no target: {}", refused.name, refused.because);
    }
    Ok(DISTRIBUTIONS.iter().find(|known| is(known.name, known.also)))
}

/// Every name.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    DISTRIBUTIONS.iter().flat_map(|known| std::iter::once(known.name).chain(known.also.iter().copied()))
}

/// What the table has of it.
pub(super) fn facts(row: &'static Distribution) -> TargetFacts {
    let backport = |backport: &'static crate::target::Backport| BackportFact {
        feature: feature(backport.feature),
        source: backport.source,
    };
    TargetFacts {
        name: row.name,
        also: row.also.to_vec(),
        systemd: format!("systemd-{}", row.release),
        certainty: match row.certainty {
            Certainty::Packaged => "packaged",
            Certainty::Reported => "reported",
            Certainty::Assumed => "assumed",
        },
        source: row.source,
        bpf_framework: match row.bpf_framework {
            Known::Yes => Some(true),
            Known::No => Some(false),
            Known::Unknown => None,
        },
        backports: row.backports.iter().map(backport).collect(),
    }
}

/// A feature as a unit or file would have it.
fn feature(feature: Feature) -> &'static str {
    match feature {
        Feature::AppendOutput => "StandardOutput=append:",
        Feature::TypeExec => "Type=exec",
        Feature::ExecCondition => "ExecCondition=",
        Feature::OneshotRestart => "Restart= beside Type=oneshot",
        Feature::NamedPrimaryGroup => "groups by name in sysusers.d",
        Feature::ProxyIdleTime => "systemd-socket-proxyd --exit-idle-time=",
        Feature::Credentials => "LoadCredential=",
        Feature::CredentialSpecifier => "the specifier %d",
        Feature::CreateOnly => "`:` before owner and mode in tmpfiles.d",
    }
}

pub(super) fn article(facts: &TargetFacts) -> Article {
    let bpf = match facts.bpf_framework {
        Some(true) => "yes",
        Some(false) => "no: directives that need it do nothing",
        None => "not known",
    };
    let mut basics =
        vec![entry("systemd", format!("{}, {}: {}", facts.systemd, facts.certainty, facts.source))];
    if !facts.also.is_empty() {
        basics.insert(0, entry("also", facts.also.join(", ")));
    }
    basics.push(entry("BPF framework", bpf));
    basics.extend(
        facts.backports.iter().map(|it| entry("brought back", format!("{} ({})", it.feature, it.source))),
    );
    Article {
        title: facts.name.to_owned(),
        summary: "A distribution, and a target.".to_owned(),
        sections: vec![section("", basics)],
    }
}
