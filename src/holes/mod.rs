//! What a service may do that systemd's figure does not see: commands outside its confinement, paths of the system
//! left writable, writable code, its own control group, sockets open to every address, secrets in its environment.
//!
//! Answers from the posture and from lines that are no directives of the catalogue; pure. What a manifest declares is
//! no hole, and what the comparison with it (`drift`) names is not said twice. Without a manifest nothing was declared
//! that a hole could contradict: there all of them are notices.

mod commands;
mod environment;
mod mentions;
mod paths;
mod sockets;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use commands::{Command, Privileges};
pub use environment::Variable;
pub use sockets::Socket;

use crate::bus::Properties;
use crate::catalogue::{self, Opens};
use crate::finding::{Finding, Severity};
use crate::manifest::Manifest;
use crate::policy::Planned;
use crate::posture::{Origin, Posture};
use crate::unit_file::{Sources, UnitText};

/// A file and a line in it.
pub type Place = (Arc<str>, Option<u32>);

/// What belongs to a service beside its directives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Its command lines.
    pub commands: Vec<Command>,
    /// The variables that its lines set.
    pub environment: Vec<Variable>,
    /// The socket units that start it.
    pub sockets: Vec<Socket>,
    /// Paths that its lines mention, wherever they stand; of files only where they were asked for.
    pub paths: Vec<String>,
}

impl Surroundings {
    /// Those of a unit's files; sockets are other files, and mentioned paths are looked for by
    /// [`Self::with_paths_of`].
    pub fn of_files(text: &UnitText) -> Self {
        let mut sources = Sources::default();
        Self {
            commands: commands::of_files(text, &mut sources),
            environment: environment::of_files(text, &mut sources),
            sockets: Vec::new(),
            paths: Vec::new(),
        }
    }

    /// The same with the paths that the files mention.
    #[must_use]
    pub fn with_paths_of(self, text: &UnitText) -> Self {
        Self { paths: mentions::of_files(text), ..self }
    }

    /// Those that a manager publishes; sockets are other units.
    pub fn of_properties(properties: &Properties) -> Self {
        let get = |name: &str| properties.get(name);
        Self {
            commands: commands::of_properties(get),
            environment: environment::of_properties(get),
            sockets: Vec::new(),
            paths: mentions::of_properties(properties),
        }
    }
}

/// What a manifest declares of a unit.
#[derive(Clone, Copy)]
pub struct Declared<'a> {
    /// The manifest.
    pub manifest: &'a Manifest,
    /// The service.
    pub planned: &'a Planned<'a>,
}

/// The holes of a unit that was found.
pub fn holes(posture: &Posture, around: &Surroundings, declared: Option<Declared<'_>>) -> Vec<Finding> {
    let mut holes = commands::unconfined(posture, &around.commands, declared);
    holes.extend(sockets::open(&around.sockets, declared));
    holes.extend(environment::secrets(&around.environment, declared));
    holes.extend(paths::writable_code(posture));
    // Beside a manifest each of these is drift, or left unexplained.
    if declared.is_none() {
        holes.extend(paths::writable_system(posture));
        holes.extend(control_group(posture));
    }
    holes
}

/// The severity of a hole that the manifest would have to declare.
fn severity(declared: Option<Declared<'_>>) -> Severity {
    if declared.is_some() { Severity::Finding } else { Severity::Notice }
}

/// The line that a value comes from.
fn place(origin: &Origin) -> Option<Place> {
    match origin {
        Origin::Line { path, line } => Some((Arc::clone(path), Some(*line))),
        _ => None,
    }
}

/// A control group that is left to the service: limits of it are the service's to change from inside.
fn control_group(posture: &Posture) -> impl Iterator<Item = Finding> {
    let rows =
        catalogue::openers().iter().filter(|row| row.opens == Opens::ControlGroup && posture.is_on(row));
    rows.map(|row| Finding {
        place: place(&posture.get(row).origin),
        directive: Some(row),
        ..Finding::notice(
            "hole.delegate",
            format!(
                "{}= leaves the service its control group: it moves processes below it as it likes",
                row.name
            ),
        )
    })
}
