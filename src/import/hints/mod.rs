//! Hints: what a running service and the files of its programs show of what the service needs, where its unit says
//! nothing of it.
//!
//! A sighting is a sign with its source; the table says which need a sign speaks for and how surely. What is sure becomes
//! a need whose reason is the sighting, what is only possible a comment. What the unit denies is left out: it cannot be
//! needed. What nothing speaks for, though it was looked for, becomes a comment that denies it.
//!
//! Nothing is traced: what a service does now and then, and did not do or keep when it was looked at, shows only in what
//! its programs import. No sign is no proof.

mod comments;
pub mod programs;
pub mod running;
mod table;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use self::table::HINTS;
use super::draft::{Item, path};
use super::evidence::{setting_of, value};
use super::making::Making;
use super::statement::Statement;
use crate::catalogue::{self, Directive, Give, Number, Opens, Proof, Strength, ToWhom, Trace, runs_as_user};
use crate::gather::Gather as _;
use crate::holes::{Privileges, Surroundings};
use crate::need::Need;
use crate::value::Value;

/// What can be seen of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is told where it is looked for")]
pub enum Sign {
    // Of programs: a function, a library, a text, a word of a script, who runs it.
    Imports,
    Links,
    Contains,
    Says,
    RunBy,
    Interprets,
    FileGives,
    // Of processes.
    Became,
    Signals,
    Holds,
    HoldsOther,
    Root,
    ReadsOthers,
    WritesOthers,
    Runs,
    RunsSetId,
    WritesCode,
    LoadsCode,
    Personality,
    Made,
    Realtime,
    Nice,
    // Of what they hold open.
    Writes,
    ReadsHome,
    WritesHome,
    SharesTmp,
    OpensDevice,
    WritesTunable,
    ReadsLog,
    ChangesGroups,
    HoldsBpf,
    HoldsPerf,
    // Of their sockets.
    Listens,
    Speaks,
}

/// A sign that was seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sighting {
    /// What kind of sign.
    pub sign: Sign,
    /// What exactly: a function, a path, an endpoint.
    pub thing: String,
    /// Where, as a sentence: "/usr/sbin/unbound is linked with libnl-3.so.200".
    pub source: String,
    /// Whether the sentence still wants the thing, with others of its kind: "/usr/sbin/unbound imports".
    pub is_listed: bool,
}

/// What was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// What was seen.
    pub sightings: Vec<Sighting>,
    /// What was looked at, in words.
    pub at: Vec<String>,
    /// What could not be looked at, and why.
    pub missed: Vec<String>,
    /// What could not be seen of the running service, and why.
    pub hidden: Option<String>,
}

/// A row of the table.
struct Hint {
    sign: Sign,
    /// What the sign must be of; anything where none is named. Of libraries, how the name begins.
    things: &'static [&'static str],
    need: Need,
    takes: Takes,
    certainty: Certainty,
    whom: Whom,
    /// What is to be said beside the sighting.
    says: &'static str,
}

/// The parameter of the need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Nothing,
    /// What was seen.
    Thing,
    Fixed(&'static str),
}

/// How much a sign says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Certainty {
    /// The service may do it.
    Possible,
    /// The service does it, or is made to.
    Sure,
}

/// Of whom a sign speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whom {
    Anyone,
    /// Services whose first process runs as root.
    Root,
}

/// As much is named of what was looked at.
const NAMED: usize = 4;

/// As many sightings are told as the reason of one need.
const FEW: usize = 2;

impl Hint {
    fn is_shown_by(&self, sighting: &Sighting) -> bool {
        let matches = |thing: &&&str| match self.sign {
            Sign::Links => sighting.thing.starts_with(**thing),
            _ => sighting.thing == **thing,
        };
        self.sign == sighting.sign
            && (self.things.is_empty() || self.things.iter().any(|thing| matches(&thing)))
    }
}

/// The texts that are looked for in programs.
pub fn texts() -> Vec<&'static str> {
    let of_texts = HINTS.iter().filter(|hint| hint.sign == Sign::Contains);
    of_texts.flat_map(|hint| hint.things.iter().copied()).collect()
}

/// What speaks for needs, each with its reasons.
type Found<'s> = BTreeMap<(Need, Option<String>), Vec<Reason<'s>>>;

/// Sightings of one source, and what the row says of them.
struct Reason<'s> {
    source: &'s str,
    things: Vec<&'s str>,
    says: &'static str,
}

impl Making<'_> {
    /// Needs that sightings speak for, where the unit neither states nor denies them.
    pub(super) fn hints(&mut self) {
        let stated: BTreeSet<String> = self
            .draft
            .entries()
            .filter(|(path, _)| is_need(path))
            .map(|(path, entry)| word(path, &entry.key))
            .gather();
        self.literal_commands();
        let found = self.found_by_hints(Certainty::Sure);
        let mut statements: Vec<(Need, Statement)> = Vec::new();
        for ((need, thing), reasons) in found {
            let so_far: Vec<Statement> = statements.iter().map(|(_, statement)| statement.clone()).collect();
            let Some(statement) = Statement::seen(need, thing.as_deref(), &so_far) else { continue };
            let is_granted =
                need == Need::Writes && thing.as_deref().is_some_and(|path| self.makes_writable(path));
            if !stated.contains(&statement.word()) && !is_granted {
                statements.push((need, statement.because(&told(&reasons))));
            }
        }
        // Of two choices of one need the further one covers the other.
        let further = |(need, statement): &(Need, Statement)| {
            statements.iter().any(|(other, wider)| other > need && wider.is_wider_choice_of(statement))
        };
        for (_, statement) in statements.iter().filter(|both| !further(both)) {
            statement.put_as(&mut self.draft, Item::Hint(statement.word()));
        }
    }

    /// Programs of commands that stay as they are: that they are run is known, and the manifest cannot tell by itself.
    fn literal_commands(&mut self) {
        if self.subject.looked.at.is_empty() {
            return;
        }
        for command in Surroundings::of_files(&self.subject.service).commands {
            let is_literal = self.draft.get(&path(["service", "unit", "Service"]), command.key).is_some();
            let confined = command.privileges != Privileges::Unconfined;
            let (Some((file, line)), true, true) = (&command.place, is_literal, confined) else { continue };
            let line = line.map_or_else(String::new, |line| format!(":{line}"));
            let because = format!("as shipped: a command of the service itself ({file}{line})");
            if let Some(statement) = Statement::seen(Need::RunsPrograms, Some(&command.program), &[]) {
                let statement = statement.because(&because);
                statement.put_as(&mut self.draft, Item::Hint(statement.word()));
            }
        }
    }

    fn found_by_hints(&self, certainty: Certainty) -> Found<'_> {
        let root = self.starts_as_root();
        let hints =
            HINTS.iter().filter(|hint| hint.certainty == certainty && (hint.whom == Whom::Anyone || root));
        let mut found = Found::new();
        for hint in hints {
            for sighting in self.subject.looked.sightings.iter().filter(|sighting| hint.is_shown_by(sighting))
            {
                let thing = match hint.takes {
                    Takes::Nothing => None,
                    Takes::Thing => Some(sighting.thing.clone()),
                    Takes::Fixed(thing) => Some(thing.to_owned()),
                };
                // What the file gives it has at its start, as if it were ambient.
                let has_it = root || sighting.sign == Sign::FileGives;
                let is_denied = self.is_denied(hint.need, thing.as_deref(), has_it);
                if is_denied || self.is_set_by_unit(sighting.sign) {
                    continue;
                }
                let reasons = found.entry((hint.need, thing)).or_default();
                let things = if sighting.is_listed { vec![sighting.thing.as_str()] } else { Vec::new() };
                let same =
                    |known: &&mut Reason<'_>| known.source == sighting.source && known.says == hint.says;
                match reasons.iter_mut().find(same) {
                    Some(known) => known.things.extend(things),
                    None => reasons.push(Reason { source: &sighting.source, things, says: hint.says }),
                }
            }
        }
        found
    }

    /// Whether a line of the unit gives a path, or one above it, to the service.
    fn makes_writable(&self, path: &str) -> bool {
        let path = Path::new(path.trim_start_matches(['-', '+']));
        let rows = catalogue::all().iter().filter(|row| setting_of(&self.settings, row).is_some());
        let mut given = rows.flat_map(|row| {
            let entries = match (&row.opens, &self.found.get(row).value) {
                (Opens::Writing(_), Value::Words(entries)) => entries.as_slice(),
                _ => &[],
            };
            entries.iter().map(|entry| match row.makes_below() {
                Some(base) => format!("{base}/{}", entry.split(':').next().unwrap_or(entry)),
                None => entry.trim_start_matches(['-', '+']).replacen("/var/run/", "/run/", 1),
            })
        });
        given.any(|given| path.starts_with(given))
    }

    /// Whether it is the unit that makes processes so: then they need no right to.
    fn is_set_by_unit(&self, sign: Sign) -> bool {
        let leaves = |row: &Directive| match row.proof {
            Proof::By(signs) => signs.iter().any(|proof| {
                matches!(
                    (sign, &proof.trace),
                    (Sign::Nice, Trace::Number(Number::Nice))
                        | (Sign::Realtime, Trace::Number(Number::SchedulingPolicy))
                        | (Sign::Personality, Trace::Personality)
                )
            }),
            _ => false,
        };
        catalogue::all().iter().any(|row| leaves(row) && setting_of(&self.settings, row).is_some())
    }

    /// Whether the first process is root's: by its unit, or by a command that keeps root's identity.
    fn starts_as_root(&self) -> bool {
        let commands = Surroundings::of_files(&self.subject.service).commands;
        let keeps = |privileges| matches!(privileges, Privileges::KeepsIdentity | Privileges::Unconfined);
        !runs_as_user(&self.found)
            || commands.iter().any(|command| command.key == "ExecStart" && keeps(command.privileges))
    }

    /// Whether the unit closes what a need would open.
    fn is_denied(&self, need: Need, thing: Option<&str>, root: bool) -> bool {
        catalogue::all().iter().any(|row| {
            let offers =
                row.yields.iter().filter(|offer| offer.to == need && offer.strength == Strength::Requires);
            offers
                .filter(|offer| offer.to_whom == ToWhom::Anyone || !root)
                .any(|offer| self.closes(row, offer.give, thing))
        })
    }

    fn closes(&self, row: &'static Directive, give: Give, thing: Option<&str>) -> bool {
        let found = &self.found.get(row).value;
        match give {
            Give::AtMost(text) => {
                let open = value(row, text, &self.found);
                row.kind.compare(found, &open) == Some(Ordering::Greater)
            }
            Give::Add(template) | Give::Also(template) => {
                let filled = match (template.contains('{'), thing) {
                    (false, _) => template.to_owned(),
                    (true, Some(thing)) => thing.trim_start_matches('+').to_owned(),
                    (true, None) => return false,
                };
                if let (Value::Mask(found), Value::Mask(wanted)) = (found, value(row, &filled, &self.found)) {
                    // What the unit keeps of it may be all that the service makes use of.
                    return wanted & found == 0;
                }
                if setting_of(&self.settings, row).is_none() {
                    return false;
                }
                let mut remarks = Vec::new();
                let more = row.kind.assign(found.clone(), &filled, &self.found.context, &mut remarks);
                row.kind.compare(&more, found) != Some(Ordering::Equal)
            }
        }
    }
}

fn is_need(path: &[String]) -> bool {
    path.first().is_some_and(|top| top == "needs")
}

/// The words of an entry below its top table: `kernel.clock`.
fn word(path: &[String], key: &str) -> String {
    let below = path.get(1..).unwrap_or_default();
    below.iter().map(String::as_str).chain([key.trim_end_matches('/')]).collect::<Vec<_>>().join(".")
}

/// The first reasons, and how many more there are.
fn told(reasons: &[Reason<'_>]) -> String {
    let more = reasons.len().saturating_sub(FEW);
    let shown = reasons.iter().take(FEW).map(ToString::to_string).collect::<Vec<_>>().join("; ");
    if more > 0 { format!("{shown}; and {more} more") } else { shown }
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, things, says } = self;
        f.write_str(source)?;
        if !things.is_empty() {
            write!(f, " {}", things.join(", "))?;
        }
        if says.is_empty() { Ok(()) } else { write!(f, ": {says}") }
    }
}
