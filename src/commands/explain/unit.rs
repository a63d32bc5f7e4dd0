//! A unit of a running manager: what the manager, its files, its manifest and the journal say of it.

use anyhow::Context as _;

use crate::bus::Interfaces;
use crate::cli::Explain;
use crate::commands::manager::{Connection, host, why_not};
use crate::commands::manifests::Manifests;
use crate::commands::observed::{Observed, presence, symptoms};
use crate::commands::{journal, manifest_file};
use crate::context::{Mode, Scope};
use crate::explain::{Subject, UnitFacts};
use crate::failure::{Presence, Surroundings, diagnose};
use crate::policy::policy;
use crate::unit_file::{Root, UnitName};

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
        let Observed { posture, lines } =
            Observed::new(&self.connection, &id, &properties, host.as_ref(), None);
        if properties.needs_daemon_reload() == Some(true) {
            notes.push("its files have changed since the manager read them".to_owned());
        }
        let declared = self.manifests.declaring(&[&id, &name]);
        let policy = declared.as_ref().map(|(manifest, planned)| {
            policy(manifest, planned, posture.context, manifest.strictness).map(|policy| policy.written)
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
