//! `try`: a service run once under its policy on this host, and what it was refused. Whatever happens, what that changed
//! is taken back before anything is printed.

mod client;
mod lacking;
mod session;
mod stage;

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, Result, bail, ensure};

use super::manager::{Connection, bus_variable, is_own_bus};
use super::{appearance, host, manifest_file, print, tell};
use crate::cli::{Format, Try};
use crate::context::{Mode, Scope};
use crate::manifest::words::ServiceName;
use crate::manifest::{self, Manifest, Source, Sources};
use crate::release::Release;
use crate::render::{self, Form};
use crate::status::Status;
use crate::target::{Target, fit};
use crate::trial::{Model, json, text, units};
use session::Session;
use stage::Stage;

/// Tries what the command line says.
pub(super) fn run(arguments: &Try, out: &mut dyn Write) -> Result<Status> {
    let loaded = manifest_file::read(&arguments.manifest)?;
    let mut manifest = loaded.manifest;
    if let Some(strictness) = arguments.strictness {
        manifest.strictness = strictness.into();
    }
    ensure!(
        manifest.scope == manifest::Scope::System,
        "`{}` is of users' managers; only services of the system are tried",
        arguments.manifest.display()
    );
    let (service, instance) = asked(&manifest, arguments.service.as_deref())?;
    ensure!(
        rustix::process::geteuid().is_root(),
        "only root may try a service: the system's manager runs it, as `systemctl start` would"
    );
    ensure!(
        is_own_bus(Scope::System),
        "${} leads to another bus than this host's, where nothing can be tried",
        bus_variable(Scope::System)
    );
    let connection = Connection::open(Scope::System, Mode::Loaded)?;
    let target = target(connection.context.release)?;
    let targets = std::slice::from_ref(&target);
    let rendering = || format!("rendering `{}`", arguments.manifest.display());
    let fitted = fit(&manifest, targets).with_context(rendering)?;
    let files = render::render_fitted(&fitted.manifest, targets, Form::Units).with_context(rendering)?.files;
    lacking::check(&fitted.manifest, &files, &arguments.manifest)?;
    let units = units(&fitted.manifest, &files, &service, instance.as_deref())?;
    let sources = Sources {
        main: Source { path: &manifest.path, bytes: loaded.source.as_bytes() },
        drop_ins: loaded
            .drop_ins
            .iter()
            .map(|(path, text)| Source { path, bytes: text.as_bytes() })
            .collect(),
    };
    let architecture = connection.context.architecture;
    let model = Model::new(&sources, &manifest, &service, instance.as_deref(), &target, architecture)?;
    let session = Session {
        arguments,
        connection: &connection,
        manifest: &manifest,
        target: &target,
        units: &units,
        model: &model,
        interrupted: signals()?,
    };
    let (mut stage, recovered) = Stage::open(&connection.manager)?;
    for line in recovered {
        tell(&line);
    }
    let tried = session.run(&mut stage);
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
    match arguments.format {
        Format::Text => print(out, &text(&facts, appearance()))?,
        Format::Json => print(out, &json(&facts)?)?,
    }
    Ok(if facts.is_clean() { Status::Clean } else { Status::Findings })
}

/// The service that is asked for, and the instance of a template.
fn asked(manifest: &Manifest, name: Option<&str>) -> Result<(ServiceName, Option<String>)> {
    let names =
        || manifest.services.keys().map(|name| format!("`{}`", name.as_str())).collect::<Vec<_>>().join(", ");
    let (service, instance) = match name {
        None => {
            let mut all = manifest.services.keys();
            let only = all.next().filter(|_| all.next().is_none());
            (only.with_context(|| format!("name one of its services with --service: {}", names()))?, None)
        }
        Some(name) => {
            let name = name.strip_suffix(".service").unwrap_or(name);
            let (prefix, instance) = match name.split_once('@') {
                Some((prefix, instance)) => {
                    (format!("{prefix}@"), Some(instance).filter(|it| !it.is_empty()))
                }
                None => (name.to_owned(), None),
            };
            let found = manifest.services.keys().find(|service| service.as_str() == prefix);
            let missing =
                || format!("the manifest has no service `{}`: it has {}", name.escape_debug(), names());
            (found.with_context(missing)?, instance.map(str::to_owned))
        }
    };
    if service.is_template() && instance.is_none() {
        bail!("`{0}` is a template: name an instance, as --service {0}x", service.as_str());
    }
    Ok((service.clone(), instance))
}

/// What this host is; where its name is not known, or its manager is of another release, by that release.
fn target(release: Release) -> Result<Target> {
    match host() {
        Ok(target) if target.release.major == release.major => Ok(target),
        _ => format!("systemd-{}", release.major).parse(),
    }
}

/// A flag that is set when somebody wants this program to end.
fn signals() -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&flag)).context("cannot wait for signals")?;
    }
    Ok(flag)
}
