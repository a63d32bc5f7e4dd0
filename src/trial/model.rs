//! The manifest of a trial, which lines can be added to: what it comes to for one service, without and with them.

use anyhow::{Result, bail};

use crate::architecture::Architecture;
use crate::catalogue;
use crate::context::Context;
use crate::manifest::words::ServiceName;
use crate::manifest::{self, Manifest, Source, Sources, Strictness};
use crate::policy::{Policy, plan, policy};
use crate::render::target_context;
use crate::target::{Target, fit};

/// A drop-in of this name comes after those of an administrator.
const LAST: &str = "zzz-systemd-harden-try.toml";

/// The manifest, its service and what it is tried on.
pub struct Model<'a> {
    /// The texts of the manifest and its drop-ins.
    sources: &'a Sources<'a>,
    /// The service.
    service: &'a ServiceName,
    /// The instance of a template.
    instance: Option<&'a str>,
    /// What it is tried on.
    target: &'a Target,
    /// The architecture that it is tried on.
    architecture: Architecture,
    strictness: Strictness,
    own: Policy,
    is_only: bool,
}

impl<'a> Model<'a> {
    /// What `manifest`, of these texts and perhaps of another strictness, comes to.
    pub fn new(
        sources: &'a Sources<'a>,
        manifest: &Manifest,
        service: &'a ServiceName,
        instance: Option<&'a str>,
        target: &'a Target,
        architecture: Architecture,
    ) -> Result<Self> {
        let own = policy_of(manifest, service, instance, target, architecture)?;
        let strictness = manifest.strictness;
        let is_only = manifest.services.len() == 1;
        Ok(Self { sources, service, instance, target, architecture, strictness, own, is_only })
    }

    /// The policy of the manifest as it is.
    pub fn policy(&self) -> &Policy {
        &self.own
    }

    /// The table of the service's needs.
    pub fn table(&self) -> String {
        if self.is_only {
            "[needs]".to_owned()
        } else {
            format!("[services.{}.needs]", toml_writer::ToTomlKey::to_toml_key(self.service.as_str()))
        }
    }

    /// The policy of the manifest with another drop-in.
    pub fn with(&self, text: &str) -> Result<Policy> {
        let mut sources = self.sources.clone();
        sources.drop_ins.push(Source { path: LAST, bytes: text.as_bytes() });
        let mut manifest = manifest::load(&sources, &catalogue::FOR_MANIFESTS)?;
        manifest.strictness = self.strictness;
        policy_of(&manifest, self.service, self.instance, self.target, self.architecture)
    }
}

fn policy_of(
    manifest: &Manifest,
    service: &ServiceName,
    instance: Option<&str>,
    target: &Target,
    architecture: Architecture,
) -> Result<Policy> {
    let fitted = fit(manifest, std::slice::from_ref(target))?;
    let manifest = &fitted.manifest;
    let Some(mut planned) = plan(manifest).into_iter().find(|planned| planned.stem == service.as_str())
    else {
        bail!("the manifest has no service `{}` any more", service.as_str());
    };
    planned.instance = instance.map(str::to_owned);
    let context = Context { architecture, ..target_context(target, manifest) };
    Ok(policy(manifest, &planned, context, manifest.strictness)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "edition = 1\n[service]\nname = \"a\"\nexec = [\"/usr/bin/a\"]\n\
                       [needs]\nstarts-as-root = \"it is a test\"\n[denies]\ngenerates-code = \"it was traced\"\n";

    fn within<T>(text: &str, service: &str, look: impl FnOnce(&Model<'_>) -> Result<T>) -> Result<T> {
        let main = Source { path: "a.toml", bytes: text.as_bytes() };
        let sources = Sources { main, drop_ins: Vec::new() };
        let mut manifest = manifest::load(&sources, &catalogue::FOR_MANIFESTS)?;
        manifest.strictness = Strictness::Strict;
        let (service, target) = (service.parse()?, "debian-12".parse()?);
        look(&Model::new(&sources, &manifest, &service, None, &target, Architecture::X86_64)?)
    }

    #[test]
    fn a_line_is_added_and_what_contradicts_it_is_named() -> Result<()> {
        within(ONE, "a", |model| {
            let line = |line: &str| model.with(&format!("{}\n{line}\n", model.table()));
            let with = line("writes.\"/srv\" = \"it was seen\"")?;
            let home = catalogue::find("ProtectHome").map(|row| with.posture.is_on(row));
            assert_eq!(home, Some(true), "the strictness is the trial's");
            assert!(with.written.iter().any(|row| row.lines.iter().any(|line| line.text == "/srv")));
            let refused = line("generates-code = \"it was seen\"")
                .map_or_else(|error| error.to_string(), |_| String::new());
            assert!(refused.contains("a.toml") && refused.contains("generates-code"), "{refused}");
            Ok(())
        })
    }

    #[test]
    fn one_of_several_services_has_its_own_table() -> Result<()> {
        let text = "edition = 1\n[package]\nname = \"p\"\n[services.a]\nexec = [\"/usr/bin/a\"]\n[services.\"b.c\"]\nexec = [\"/usr/bin/b\"]\n\
                    [needs]\nstarts-as-root = \"it is a test\"\n";
        within(text, "b.c", |model| {
            assert_eq!(model.table(), "[services.\"b.c\".needs]");
            model.with("[services.\"b.c\".needs]\nshares-tmp = \"it was seen\"\n").map(drop)
        })
    }
}
