//! Why a service failed: from what the manager and the journal say of it to the directive, the path or call, the line
//! of the unit, and what a manifest would say to allow it. What may end a service stands in the rows of the catalogue
//! ([`crate::catalogue::Failing`]); asking the manager and reading the journal are the command's.
//!
//! Nothing here is proof unless it says so: [`Certainty`] tells what systemd itself named from what the program's own
//! words suggest, and where neither leads anywhere there is no cause at all.

mod allow;
mod audit;
mod blame;
mod cause;
mod clue;
mod denial;
mod entry;
mod reach;
mod symptoms;
#[cfg(test)]
mod tests;
mod trace;
mod words;

use std::collections::BTreeSet;

pub use allow::Allowance;
pub use cause::{Cause, Certainty, WrittenAt};
pub use denial::{Denial, Denials, denials};
pub use entry::{Fields, field};
pub use symptoms::{Ending, Exit, JournalLine, Speaker, Symptoms};

use crate::breakages::{self, Class};
use crate::catalogue::{self, Directive};
use crate::need::Need;
use crate::policy::Written;
use crate::posture::Posture;
use crate::unit_file::Assignment;
use blame::Blame;

/// Candidates that only may be the cause; more would hide the likely ones.
const MOST_POSSIBLE: usize = 5;

/// Lines that are shown where none says anything that is known.
const LAST_WORDS: usize = 8;

/// The most lines that are shown.
const MOST_LINES: usize = 20;

/// What is known of a unit besides its symptoms.
pub struct Surroundings<'a> {
    /// Its directives, with their origins.
    pub posture: &'a Posture,
    /// The lines of its files, where they could be read.
    pub lines: &'a [Assignment],
    /// What its manifest makes of it, where one declares it.
    pub declared: Option<&'a [Written]>,
    /// Whether a path exists outside of the service's own view, as far as the caller may see.
    pub host: &'a dyn Fn(&str) -> Presence,
}

/// Whether something exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It does, now; the path without links.
    There(String),
    /// It does not, now.
    Missing,
    /// Nobody could look.
    NotKnown,
}

/// What came of looking for the cause.
#[derive(Debug)]
pub struct Diagnosis {
    /// What ended, and how; nothing for a unit that has not failed.
    pub failure: Option<Ending>,
    /// What may have caused it, the surest first.
    pub causes: Vec<Cause>,
    /// How many more directives only may have caused it.
    pub left_out: usize,
    /// The lines of the journal that it was told by, foreign text as it was written.
    pub evidence: Vec<String>,
    /// What else there is to know, the way to learn more included.
    pub hints: Vec<String>,
}

/// Looks for the cause.
pub fn diagnose(symptoms: &Symptoms, around: &Surroundings<'_>) -> Diagnosis {
    let Some(ending) = symptoms.failure() else {
        return Diagnosis {
            failure: None,
            causes: Vec::new(),
            left_out: 0,
            evidence: Vec::new(),
            hints: silent(around.posture),
        };
    };
    let lines = symptoms.lines_of(&ending);
    let mut blame = Blame { ending: &ending, lines: &lines, around, causes: Vec::new(), hints: Vec::new() };
    blame.step();
    blame.signal(&symptoms.kernel);
    blame.result();
    blame.manager();
    blame.words();
    blame.settle();
    let Blame { causes, hints, .. } = blame;
    let (causes, left_out) = ranked(causes);
    // Where nothing is recognized, whatever was said may help a reader.
    let last_words = lines.len().saturating_sub(LAST_WORDS);
    let telling = |place: usize, line: &JournalLine| line.tells() || causes.is_empty() && place >= last_words;
    let evidence: Vec<String> = lines
        .iter()
        .enumerate()
        .filter(|(place, line)| telling(*place, line))
        .map(|(_, line)| line.text.clone())
        .collect();
    let evidence = evidence.get(evidence.len().saturating_sub(MOST_LINES)..).unwrap_or_default().to_vec();
    let mut hints = hints;
    if causes.is_empty() {
        hints.push(
            "not known: neither systemd nor the program names anything that a directive of the unit is known to refuse"
                .to_owned(),
        );
    }
    Diagnosis { evidence, failure: Some(ending), causes, left_out, hints }
}

/// The surest first, each directive and thing once, and not too many of those that only may be.
fn ranked(mut causes: Vec<Cause>) -> (Vec<Cause>, usize) {
    causes.sort_by_key(|cause| (cause.certainty, std::cmp::Reverse(cause.closeness)));
    let mut seen = BTreeSet::new();
    causes
        .retain(|cause| seen.insert((cause.directives.first().map(|row| row.index()), cause.thing.clone())));
    // What only may be is no help beside what is certain.
    let sure = causes.first().is_some_and(|cause| cause.certainty == Certainty::Certain);
    let mut room = if sure { 0 } else { MOST_POSSIBLE };
    let before = causes.len();
    causes.retain(|cause| {
        if cause.certainty == Certainty::Possible {
            let fits = room > 0;
            room = room.saturating_sub(1);
            fits
        } else {
            true
        }
    });
    let left_out = if sure { 0 } else { before - causes.len() };
    (causes, left_out)
}

/// What breaks a service that goes on running: nothing of it shows in any status.
fn silent(posture: &Posture) -> Vec<String> {
    let breaks_silently = |row: &&&'static Directive| {
        let by_case = breakages::by(row).any(|case| case.class == Class::Silent);
        let by_need = row.yields.iter().any(|offer| offer.to == Need::IdentifiesPeers);
        reach::is_on(posture, row) && row.confines() && (by_case || by_need)
    };
    let tell = |row: &&'static Directive| {
        format!("{}= shows in no status where it breaks something: {}", row.name, row.breaks)
    };
    catalogue::all().iter().filter(breaks_silently).map(tell).collect()
}
