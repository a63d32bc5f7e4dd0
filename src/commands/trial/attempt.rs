//! One trial of a manifest as its texts have it, taken back before anything is told.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, Result};

use super::super::manager::Connection;
use super::super::tell;
use super::lacking;
use super::session::Session;
use super::stage::Stage;
use crate::catalogue;
use crate::cli::Try;
use crate::manifest::words::ServiceName;
use crate::manifest::{self, Source, Sources};
use crate::render::{self, Form};
use crate::target::{Target, fit};
use crate::trial::{Model, TrialFacts, units};

/// Comes after the drop-ins of an administrator.
const ADDED: &str = "zzy-systemd-harden-try.toml";

/// What stays the same from one trial to the next.
pub(super) struct Ground<'a> {
    pub(super) arguments: &'a Try,
    pub(super) connection: &'a Connection,
    pub(super) target: &'a Target,
    pub(super) service: &'a ServiceName,
    pub(super) instance: Option<&'a str>,
    /// Set when somebody wants this program to end.
    pub(super) interrupted: Arc<AtomicBool>,
}

impl Ground<'_> {
    /// Tries the manifest of these texts, with `added` as one drop-in more.
    pub(super) fn attempt(
        &self,
        sources: &Sources<'_>,
        added: &str,
        stage: &mut Stage<'_>,
    ) -> Result<TrialFacts> {
        let mut sources = sources.clone();
        if !added.is_empty() {
            sources.drop_ins.push(Source { path: ADDED, bytes: added.as_bytes() });
        }
        let mut manifest = manifest::load(&sources, &catalogue::FOR_MANIFESTS)?;
        if let Some(strictness) = self.arguments.strictness {
            manifest.strictness = strictness.into();
        }
        let (service, instance, target) = (self.service, self.instance, self.target);
        let targets = std::slice::from_ref(target);
        let rendering = || format!("rendering `{}`", self.arguments.manifest.display());
        let fitted = fit(&manifest, targets).with_context(rendering)?;
        let rendered =
            render::render_fitted(&fitted.manifest, targets, Form::Units).with_context(rendering)?;
        lacking::check(&fitted.manifest, &rendered.files, &self.arguments.manifest)?;
        let units = units(&fitted.manifest, &rendered.files, service, instance)?;
        let architecture = self.connection.context.architecture;
        let model = Model::new(&sources, &manifest, service, instance, target, architecture)?;
        let session = Session {
            arguments: self.arguments,
            connection: self.connection,
            manifest: &manifest,
            target,
            units: &units,
            model: &model,
            interrupted: Arc::clone(&self.interrupted),
        };
        let tried = session.run(stage);
        let undone = stage.undo();
        let mut facts = match (tried, undone) {
            (Ok(facts), Ok(())) => facts,
            (Ok(_), Err(error)) | (Err(error), Ok(())) => return Err(error),
            (Err(error), Err(more)) => {
                tell(&format!("{error:#}"));
                return Err(more);
            }
        };
        facts.hints.extend(fitted.replaced.iter().map(ToString::to_string));
        Ok(facts)
    }
}
