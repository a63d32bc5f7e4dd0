//! `generate --against`: the units that drop-ins will sit on, and what there is to say of them.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use crate::against::{Against, against};
use crate::commands::one_unit::Asked;
use crate::commands::score::{template_instance, why_not};
use crate::commands::tell;
use crate::finding::Finding;
use crate::manifest::{Manifest, Scope};
use crate::policy::{Planned, plan};
use crate::posture::Posture;
use crate::render::{self, File};
use crate::status::Status;
use crate::target::Target;
use crate::unit_file::{Load, Root, UnitText};
use crate::visible::shown;

/// The units that were named.
pub(super) struct Units<'a> {
    root: Root,
    is_below: bool,
    /// Each with whether a manifest has declared it by now.
    named: Vec<(&'a str, bool)>,
    told: Vec<String>,
    status: Status,
    /// What the last manifest's services become.
    compared: Vec<Compared>,
}

/// A service without its drop-in and with it.
pub(super) struct Compared {
    pub(super) service: String,
    pub(super) before: Posture,
    pub(super) after: Posture,
}

impl<'a> Units<'a> {
    /// Nothing where none is named; none is read yet.
    pub(super) fn new(root: Option<&Path>, named: &'a [String]) -> Result<Option<Self>> {
        if named.is_empty() {
            return Ok(None);
        }
        let units = Self {
            root: Root::open(root.unwrap_or(Path::new("/")))?,
            is_below: root.is_some(),
            named: named.iter().map(|name| (name.as_str(), false)).collect(),
            told: Vec::new(),
            status: Status::Clean,
            compared: Vec::new(),
        };
        Ok(Some(units))
    }

    /// The drop-ins of those services of a manifest whose units were named.
    pub(super) fn drop_ins(&mut self, manifest: &Manifest, targets: &[Target]) -> Result<Vec<File>> {
        let services: Vec<String> = plan(manifest).iter().map(Planned::unit_name).collect();
        let mut found: Vec<(String, UnitText)> = Vec::new();
        for place in 0..self.named.len() {
            let Some((name, _)) = self.named.get(place) else { continue };
            let unit = self.load(name, manifest.scope, targets)?;
            let Some(service) = services.iter().find(|service| is_called(&unit, service)) else { continue };
            if let Some((_, other)) = found.iter().find(|(known, _)| known == service) {
                bail!("`{}` and `{}` are both `{service}`: name one of them", other.id, unit.id);
            }
            if let Some((_, declared)) = self.named.get_mut(place) {
                *declared = true;
            }
            found.push((service.clone(), unit));
        }
        let mut files = Vec::new();
        self.compared.clear();
        for service in &services {
            let Some((_, unit)) = found.iter().find(|(known, _)| known == service) else {
                self.tell(format!("{service}: no drop-in is made, for no --against names its unit"));
                continue;
            };
            let Against { file, findings, before, after, said, repeated } =
                against(manifest, targets, service, unit)?;
            for finding in &findings {
                self.tell(line(service, finding));
            }
            if findings.iter().any(Finding::counts) {
                self.status = Status::Findings;
            }
            self.tell(format!(
                "{service}: {said} directives of the drop-in; {} of the policy the unit has already",
                repeated.len()
            ));
            files.push(file);
            self.compared.push(Compared { service: service.clone(), before, after });
        }
        Ok(files)
    }

    /// What the services of the last manifest become.
    pub(super) fn compared(&mut self) -> Vec<Compared> {
        std::mem::take(&mut self.compared)
    }

    fn load(&self, name: &str, scope: Scope, targets: &[Target]) -> Result<UnitText> {
        let target = targets.first().context("no target")?;
        let context = render::context_of(target, scope);
        let instance = template_instance(context);
        let asked = Asked { root: &self.root, scope, is_below: self.is_below, instance };
        match asked.load(name)?.load {
            Load::Loaded(unit) => Ok(unit),
            other => bail!("--against `{name}`: {}", why_not(&other)),
        }
    }

    fn tell(&mut self, line: String) {
        // Each target's output says the same of one unit.
        if !self.told.contains(&line) {
            self.told.push(line);
        }
    }

    /// Tells what there is to say, once all that could fail has not.
    pub(super) fn end(self) -> Result<Status> {
        for (name, declared) in &self.named {
            ensure!(*declared, "--against `{name}`: none of the manifests declares that unit");
        }
        for line in &self.told {
            tell(line);
        }
        Ok(self.status)
    }
}

/// Whether a service of a manifest is that unit; of an instance, its template.
fn is_called(unit: &UnitText, service: &str) -> bool {
    let names = unit.names.iter().chain([&unit.id]);
    names.into_iter().any(|name| {
        name.as_str() == service || name.template().is_some_and(|template| template.as_str() == service)
    })
}

fn line(service: &str, finding: &Finding) -> String {
    let word = finding.severity.word();
    match &finding.place {
        Some((path, Some(line))) => format!("{word}: {}:{line}: {}", shown(path), finding.text),
        Some((path, None)) => format!("{word}: {}: {}", shown(path), finding.text),
        None => format!("{word}: {service}: {}", finding.text),
    }
}
