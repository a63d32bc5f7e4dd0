//! A unit of a running manager: what the manager, its files, its manifest and the journal say of it.

use std::fmt::Write as _;
use std::io::ErrorKind;

use anyhow::Context as _;

use super::journal;
use crate::bus::{Interfaces, Properties};
use crate::bus_posture::{self, Defaults};
use crate::bus_value::BusValue;
use crate::cli::Explain;
use crate::commands::manager::{Connection, OwnFiles, host, why_not};
use crate::commands::manifest_file;
use crate::commands::manifests::Manifests;
use crate::context::{Context, Mode, Scope, UnitType};
use crate::explain::{Subject, UnitFacts};
use crate::failure::{Exit, Presence, Surroundings, Symptoms, diagnose};
use crate::policy::policy;
use crate::posture::{Origin, Posture};
use crate::unit_file::{Root, UnitName};
use crate::unit_posture;

/// The manager whose units are explained; it is asked once there is a unit to explain.
pub(super) struct Units<'a> {
    arguments: &'a Explain,
    scope: Scope,
    opened: Option<Opened>,
}

struct Opened {
    connection: Connection,
    manifests: Manifests,
}

impl<'a> Units<'a> {
    /// Nothing is asked yet.
    pub(super) fn new(arguments: &'a Explain) -> Self {
        let scope = if arguments.user { Scope::User } else { Scope::System };
        Self { arguments, scope, opened: None }
    }

    /// Why the unit failed, or that it has not. An error for a unit that the manager does not know.
    pub(super) fn explain(&mut self, unit: &UnitName) -> anyhow::Result<UnitFacts> {
        let (scope, arguments) = (self.scope, self.arguments);
        let opened = match &mut self.opened {
            Some(opened) => opened,
            unopened => unopened.insert(Opened::new(scope, arguments)?),
        };
        opened.explain(unit, scope).with_context(|| unit.as_str().to_owned())
    }
}

impl Opened {
    fn new(scope: Scope, arguments: &Explain) -> anyhow::Result<Self> {
        let manifests = match &arguments.manifest {
            Some(path) => Manifests::only(manifest_file::read(path)?.manifest),
            None => Manifests::installed(&Root::open("/")?),
        };
        Ok(Self { connection: Connection::open(scope, Mode::Loaded)?, manifests })
    }

    fn explain(&self, unit: &UnitName, scope: Scope) -> anyhow::Result<UnitFacts> {
        let names = [unit.as_str().to_owned()];
        let (name, answer) =
            self.connection.manager.properties(&names, Interfaces::All).pop().context("no answer")?;
        let properties = answer?;
        let is_failed = properties.active_state() == Some("failed");
        if let Some(why) = why_not(&name, &properties).filter(|_| !is_failed) {
            anyhow::bail!("{why}");
        }
        let id = properties.id().unwrap_or(&name).to_owned();
        let mut symptoms = symptoms(&properties);
        let mut notes: Vec<String> = Vec::new();
        let host = host(scope);
        let is_elsewhere = scope == Scope::System && host.is_none();
        if is_elsewhere {
            notes.push("the bus is not this host's: neither its journal nor its files are read".to_owned());
        } else if symptoms.failure().is_some() {
            let log = properties.text("LogNamespace").filter(|name| !name.is_empty());
            let read = journal::read(&id, scope, log);
            symptoms.journal = read.lines;
            symptoms.kernel = read.kernel;
            notes.extend(read.notes);
        }
        let context = Context { unit_type: UnitType::of(&id), ..self.connection.context };
        let mut posture = bus_posture::read(&id, &properties, &Posture::unset(&id, context)).posture;
        let mut lines = Vec::new();
        if let Some((root, search)) = &host
            && let Some(text) = OwnFiles::new(root, search).of(&id, &properties)
        {
            let written = unit_posture::read(&text, &Posture::unset(&id, context)).posture;
            let defaults = Defaults::of(self.connection.manager.own_properties(), &posture.context);
            bus_posture::attribute(&mut posture, &written, &defaults);
            fill(&mut posture, &written);
            lines = text.assignments;
        }
        if properties.needs_daemon_reload() == Some(true) {
            notes.push("its files have changed since the manager read them".to_owned());
        }
        let declared = self.manifests.declaring(&[&id, &name]);
        let policy = declared.as_ref().map(|(manifest, planned)| {
            policy(manifest, planned, context, manifest.strictness).map(|policy| policy.written)
        });
        let policy = match policy {
            Some(Err(contradictions)) => {
                notes.push(format!("its manifest contradicts itself: {contradictions}"));
                None
            }
            Some(Ok(written)) => Some(written),
            None => None,
        };
        notes.extend(self.manifests.failures.iter().map(|failure| format!("{failure:#}")));
        let look: &dyn Fn(&str) -> Presence = if is_elsewhere { &|_| Presence::NotKnown } else { &presence };
        let around =
            Surroundings { posture: &posture, lines: &lines, declared: policy.as_deref(), host: look };
        let diagnosis = diagnose(&symptoms, &around);
        let manifest = declared.as_ref().map(|(manifest, _)| &*manifest.path);
        Ok(UnitFacts::new(&Subject { unit: &id, manifest, symptoms: &symptoms, notes }, &diagnosis))
    }
}

/// What the manager publishes only in part, as the path of a stream, is taken from the files.
fn fill(posture: &mut Posture, files: &Posture) {
    for (directive, written) in files.iter() {
        if posture.get(directive).origin == Origin::NotKnown && written.origin != Origin::Default {
            posture.put(directive, written.value.clone(), written.origin.clone());
        }
    }
}

/// What the manager says of how it ended.
fn symptoms(properties: &Properties) -> Symptoms {
    let text = |name: &str| properties.text(name).unwrap_or_default().to_owned();
    let number = |name: &str| properties.get(name).and_then(BusValue::as_unsigned);
    // siginfo's code (waitid(2)): exited, killed, dumped.
    let main = match (number("ExecMainCode"), number("ExecMainStatus")) {
        (Some(1), Some(status)) => Some(Exit::Exited(status)),
        (Some(2 | 3), Some(signal)) => Some(Exit::Killed(signal)),
        _ => None,
    };
    let invocation = properties.get("InvocationID").and_then(BusValue::as_bytes);
    let invocation = invocation.filter(|bytes| !bytes.is_empty());
    Symptoms {
        active: text("ActiveState"),
        sub: text("SubState"),
        result: text("Result"),
        reload_result: text("ReloadResult"),
        main,
        restarts: number("NRestarts").unwrap_or_default(),
        invocation: invocation.map(hexadecimal),
        journal: Vec::new(),
        kernel: Vec::new(),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether a path exists for this process, and where it leads.
fn presence(path: &str) -> Presence {
    if !path.starts_with('/') {
        return Presence::NotKnown;
    }
    match std::fs::canonicalize(path) {
        Ok(real) => Presence::There(real.to_string_lossy().into_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => Presence::Missing,
        Err(_) => Presence::NotKnown,
    }
}
