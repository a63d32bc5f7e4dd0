//! A unit as its manager has it, with the lines of its files where they could be read: what a failure is looked for in.

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use super::manager::{Connection, OwnFiles};
use crate::bus::Properties;
use crate::bus_posture::{self, Defaults};
use crate::bus_value::BusValue;
use crate::context::{Context, UnitType};
use crate::failure::{Exit, Presence, Symptoms};
use crate::posture::{Origin, Posture};
use crate::unit_file::{Assignment, Root, SearchPath};
use crate::unit_posture;

/// The directives of a unit and its lines.
pub(super) struct Observed {
    /// What the manager has, each value by the line that set it.
    pub(super) posture: Posture,
    /// The lines of its files; none where they are not those of the manager.
    pub(super) lines: Vec<Assignment>,
}

impl Observed {
    /// What is known of `id`; the lines of one file are told as those of another.
    pub(super) fn new(
        connection: &Connection,
        id: &str,
        properties: &Properties,
        host: Option<&(Root, SearchPath)>,
        told_as: Option<(&Path, &Path)>,
    ) -> Self {
        let context = Context { unit_type: UnitType::of(id), ..connection.context };
        let mut posture = bus_posture::read(id, properties, &Posture::unset(id, context)).posture;
        let mut lines = Vec::new();
        if let Some((root, search)) = host
            && let Some(mut text) = OwnFiles::new(root, search).of(id, properties)
        {
            if let Some((own, told)) = told_as {
                let told: Arc<Path> = Arc::from(told);
                for line in text.assignments.iter_mut().filter(|line| *line.source == *own) {
                    line.source = Arc::clone(&told);
                }
            }
            let written = unit_posture::read(&text, &Posture::unset(id, context)).posture;
            let defaults = Defaults::of(connection.manager.own_properties(), &posture.context);
            bus_posture::attribute(&mut posture, &written, &defaults);
            fill(&mut posture, &written);
            lines = text.assignments;
        }
        Self { posture, lines }
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
pub(super) fn symptoms(properties: &Properties) -> Symptoms {
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
pub(super) fn presence(path: &str) -> Presence {
    if !path.starts_with('/') {
        return Presence::NotKnown;
    }
    match std::fs::canonicalize(path) {
        Ok(real) => Presence::There(real.to_string_lossy().into_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => Presence::Missing,
        Err(_) => Presence::NotKnown,
    }
}
