//! `generate --news`: what becomes of services, as a text for who uses them.

use anyhow::Result;

use super::against::{Compared, Units};
use crate::manifest::Manifest;
use crate::news::news;
use crate::policy::{common, plan};
use crate::posture::Posture;
use crate::render::target_context;
use crate::target::{self, Target};

/// The texts for the services of a manifest that is fitted to the targets: beside units that were named, for what
/// changes there; else for what the policy closes of what systemd leaves open.
pub(super) fn texts(
    manifest: &Manifest,
    targets: &[Target],
    is_split: bool,
    units: Option<&mut Units<'_>>,
) -> Result<Vec<String>> {
    let contexts: Vec<_> = targets.iter().map(|target| target_context(target, manifest)).collect();
    let planned = plan(manifest);
    let compared: Vec<Compared> = match units {
        Some(units) => units.compared(),
        None => planned
            .iter()
            .filter_map(|planned| Some((planned, *contexts.first()?)))
            .map(|(planned, context)| {
                let service = planned.unit_name();
                let after = common(manifest, planned, &contexts, manifest.strictness)?.posture;
                Ok(Compared { before: Posture::unset(&service, context), service, after })
            })
            .collect::<Result<_>>()?,
    };
    let names = if is_split { target::names(targets) } else { String::new() };
    let mut texts = Vec::new();
    for Compared { service, before, after } in &compared {
        let Some(planned) = planned.iter().find(|planned| planned.unit_name() == *service) else { continue };
        texts.extend(news(manifest, planned, &names, before, after)?);
    }
    Ok(texts)
}
