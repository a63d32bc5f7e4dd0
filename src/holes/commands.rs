//! Command lines and what they run with (systemd.service(5), "Special executable prefixes").

use std::sync::Arc;

use super::{Declared, Place, severity};
use crate::bus_value::BusValue;
use crate::catalogue::runs_as_user;
use crate::finding::{Finding, Severity};
use crate::posture::Posture;
use crate::syntax;
use crate::unit_file::{COMMAND_KEYS, Sources, UnitText};

/// A command line of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The key that it stands under, such as `ExecStartPre`.
    pub key: &'static str,
    /// The program, without prefixes.
    pub program: String,
    /// What it runs with.
    pub privileges: Privileges,
    /// Where it stands.
    pub place: Option<Place>,
}

/// How much of a unit's confinement holds for a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privileges {
    /// All of it.
    Confined,
    /// All but its user, its groups and its ambient capabilities: `!`.
    KeepsIdentity,
    /// The same, on kernels without ambient capabilities alone (before 4.3): `!!`.
    KeepsIdentityOnOldKernels,
    /// None of it: `+`.
    Unconfined,
}

pub(super) fn of_files<'t>(text: &'t UnitText, sources: &mut Sources<'t>) -> Vec<Command> {
    let mut commands: Vec<Command> = Vec::new();
    for assignment in &text.assignments {
        if !assignment.key.starts_with("Exec") || assignment.section != "Service" {
            continue;
        }
        let Some(key) = COMMAND_KEYS.into_iter().find(|key| *key == assignment.key) else { continue };
        if assignment.value.is_empty() {
            commands.retain(|command| command.key != key);
        }
        let mut begins = true;
        for word in syntax::each_word(&assignment.value) {
            if std::mem::replace(&mut begins, word == ";") && !begins {
                let (program, privileges) = prefixed(&word);
                let place = Some((Arc::clone(sources.of(assignment)), Some(assignment.line)));
                commands.push(Command { key, program: program.to_owned(), privileges, place });
            }
        }
    }
    commands
}

/// A program without what stands before it, and what that says.
fn prefixed(word: &str) -> (&str, Privileges) {
    let program = word.trim_start_matches(['-', '@', ':', '+', '!', '|']);
    let prefix = word.strip_suffix(program).unwrap_or_default();
    let privileges = if prefix.contains('+') {
        Privileges::Unconfined
    } else {
        match prefix.matches('!').count() {
            0 => Privileges::Confined,
            1 => Privileges::KeepsIdentity,
            _ => Privileges::KeepsIdentityOnOldKernels,
        }
    };
    (program, privileges)
}

/// What `…Ex` properties say; systemd before 244 does not publish prefixes.
pub(super) fn of_properties<'p>(get: impl Fn(&str) -> Option<&'p BusValue>) -> Vec<Command> {
    let mut commands = Vec::new();
    for key in COMMAND_KEYS {
        let published = get(&format!("{key}Ex")).and_then(BusValue::members).unwrap_or_default();
        commands.extend(published.iter().filter_map(|command| {
            let [path, _, flags, ..] = command.members()? else { return None };
            let flags = flags.as_texts()?;
            // `exec_command_strings` of systemd 244 to 262.
            let privileges = if flags.contains(&"privileged") {
                Privileges::Unconfined
            } else if flags.contains(&"no-setuid") {
                Privileges::KeepsIdentity
            } else if flags.contains(&"ambient") {
                Privileges::KeepsIdentityOnOldKernels
            } else {
                Privileges::Confined
            };
            Some(Command { key, program: path.as_text()?.to_owned(), privileges, place: None })
        }));
    }
    commands
}

/// Commands that the unit's confinement does not hold for.
pub(super) fn unconfined(
    posture: &Posture,
    commands: &[Command],
    declared: Option<Declared<'_>>,
) -> Vec<Finding> {
    let mut found = Vec::new();
    for command in commands {
        let Command { key, program, privileges, place } = command;
        let what = match privileges {
            Privileges::Confined => continue,
            // Root is what it is anyway.
            Privileges::KeepsIdentity | Privileges::KeepsIdentityOnOldKernels if !runs_as_user(posture) => {
                continue;
            }
            Privileges::Unconfined => "runs as root and without any of the unit's confinement",
            Privileges::KeepsIdentity => "runs as root, within the unit's confinement",
            Privileges::KeepsIdentityOnOldKernels => "runs as root on kernels before 4.3",
        };
        let because = declared.and_then(|declared| {
            let mut commands = declared.planned.service.commands();
            let same = commands.find(|known| known.unconfined.is_some() && known.program() == program)?;
            Some((same.unconfined.as_ref()?.as_str().to_owned(), same.place.clone()))
        });
        let finding = if let Some((because, place)) = because {
            let text = format!("{key}= `{program}` {what}, as declared at {place}: {because}");
            Finding::notice("hole.unconfined-exec", text)
        } else {
            let undo = if declared.is_some() { "; no `unconfined` of the manifest declares it" } else { "" };
            let severity = match privileges {
                Privileges::KeepsIdentityOnOldKernels => Severity::Notice,
                _ => severity(declared),
            };
            Finding {
                severity,
                ..Finding::new("hole.unconfined-exec", format!("{key}= `{program}` {what}{undo}"))
            }
        };
        found.push(Finding { place: place.clone(), ..finding.of(program.as_str()) });
    }
    found
}
