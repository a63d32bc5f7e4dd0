//! `try`: a service run under its policy on this host, and what it was refused; where that is asked for, again and again
//! with the line that allows it. Whatever happens, what that changed is taken back before anything is printed.

mod attempt;
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
use crate::status::Status;
use crate::target::Target;
use crate::trial::{RemedyFact, json, text};
use attempt::Ground;
use stage::Stage;

/// A service that needs more than this many lines has a manifest that says too little.
const MOST: usize = 32;

/// Tries what the command line says.
pub(super) fn run(arguments: &Try, out: &mut dyn Write) -> Result<Status> {
    let loaded = manifest_file::read(&arguments.manifest)?;
    let manifest = &loaded.manifest;
    ensure!(
        manifest.scope == manifest::Scope::System,
        "`{}` is of users' managers; only services of the system are tried",
        arguments.manifest.display()
    );
    let (service, instance) = asked(manifest, arguments.service.as_deref())?;
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
    let drop_ins = loaded.drop_ins.iter().map(|(path, text)| Source { path, bytes: text.as_bytes() });
    let sources = Sources {
        main: Source { path: &manifest.path, bytes: loaded.source.as_bytes() },
        drop_ins: drop_ins.collect(),
    };
    let ground = Ground {
        arguments,
        connection: &connection,
        target: &target,
        service: &service,
        instance: instance.as_deref(),
        interrupted: signals()?,
    };
    let (mut stage, recovered) = Stage::open(&connection.manager)?;
    for line in recovered {
        tell(&line);
    }
    let (mut added, mut seen): (Vec<RemedyFact>, Vec<String>) = (Vec::new(), Vec::new());
    let mut facts = loop {
        let text = drop_in(&added);
        let mut facts = match ground.attempt(&sources, &text, &mut stage) {
            // What was found so far is worth telling.
            Err(error) if !added.is_empty() => {
                tell(&format!("with what was seen so far it could not be tried again:\n{text}"));
                return Err(error);
            }
            tried => tried?,
        };
        let goes_on = arguments.until_clean && seen.len() < MOST;
        let Some(remedy) = goes_on.then(|| facts.take_next(&seen)).flatten() else { break facts };
        seen.push(remedy.grants().to_owned());
        // A wider choice takes the place of the narrower one.
        added.retain(|other| key(&other.line) != key(&remedy.line));
        added.push(remedy);
    };
    facts.added = added;
    match arguments.format {
        Format::Text => print(out, &text(&facts, appearance()))?,
        Format::Json => print(out, &json(&facts)?)?,
    }
    Ok(if facts.is_clean() { Status::Clean } else { Status::Findings })
}

/// Lines of needs as a drop-in.
fn drop_in(added: &[RemedyFact]) -> String {
    let Some(first) = added.first() else { return String::new() };
    let lines = added.iter().map(|remedy| remedy.line.as_str());
    std::iter::once(first.table.as_str()).chain(lines).flat_map(|line| [line, "\n"]).collect()
}

/// What a line says something of.
fn key(line: &str) -> &str {
    line.split_once(" = ").map_or(line, |(key, _)| key)
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
