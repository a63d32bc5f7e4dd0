//! Each thing that a service was refused, in the order in which it happened: what a program says of itself while it goes
//! on running, and what ended it.

use super::blame::Blame;
use super::{Cause, Certainty, Ending, JournalLine, Speaker, Surroundings, Symptoms, clue, ranked};
use crate::catalogue::{self, Directive, Errno, Kind, MaskGrammar};
use crate::posture::Posture;

/// The most lines that are looked at: a service that repeats itself says nothing new.
const MOST_LINES: usize = 20_000;

/// What finds a path that a program keeps to itself.
const UNNAMED: &str = "it does not name the path that is read-only: `strace -f -z -e trace=%file` of the program where it \
                       runs unconfined shows what it opens for writing";

/// Something that was refused.
#[derive(Clone, Debug)]
pub struct Denial {
    /// What said so: a line of the journal as it was written, or how the service ended.
    pub said: String,
    /// What else systemd said of it.
    pub besides: Vec<String>,
    /// The error, as `EROFS`, the signal or the exit status with its name, as `226/NAMESPACE`.
    pub error: String,
    /// How often it was said.
    pub times: usize,
    /// Whether it ended the service.
    pub ended: bool,
    /// What refuses it, the surest first; never empty.
    pub causes: Vec<Cause>,
    /// How many more directives only may refuse it.
    pub left_out: usize,
}

impl Denial {
    /// The cause to blame first.
    pub fn first(&self) -> Option<&Cause> {
        self.causes.first()
    }
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Denials {
    /// What was refused, in the order in which it was said, each once.
    pub all: Vec<Denial>,
    /// What else there is to know.
    pub hints: Vec<String>,
}

/// Looks for everything that a unit was refused in the run that `symptoms` are of; its journal holds that run alone.
pub fn denials(symptoms: &Symptoms, around: &Surroundings<'_>) -> Denials {
    let none = Ending::default();
    let mut found: Vec<(usize, Denial)> = Vec::new();
    let mut hints: Vec<String> = Vec::new();
    for (place, line) in symptoms.journal.iter().enumerate().take(MOST_LINES) {
        if line.speaker != Speaker::Program {
            continue;
        }
        let Some(errno) = clue::read(&line.text).and_then(|clue| clue.errno) else { continue };
        let (causes, left_out) = of_line(line, &none, around, &mut hints);
        if errno == Errno::ReadOnly && !causes.is_empty() && causes.iter().all(|cause| cause.thing.is_none())
        {
            hints.push(UNNAMED.to_owned());
        }
        if !causes.is_empty() {
            let denial = Denial {
                said: line.text.clone(),
                besides: Vec::new(),
                error: errno.name().to_owned(),
                times: 1,
                ended: false,
                causes,
                left_out,
            };
            found.push((place, denial));
        }
    }
    if let Some(ending) = symptoms.failure() {
        let place = ending.place.unwrap_or(symptoms.journal.len());
        let denial = of_ending(&ending, symptoms, around, &mut hints);
        found.extend(denial.map(|denial| (place, denial)));
    }
    // An ending by the program's own words has their place.
    found.sort_by_cached_key(|(place, _)| *place);
    let mut all: Vec<Denial> = Vec::new();
    for (_, denial) in found {
        match all.iter_mut().find(|known| known.is_like(&denial)) {
            Some(known) => known.times += 1,
            None => all.push(denial),
        }
    }
    let mut seen = Vec::new();
    hints.retain(|hint| {
        let is_new = !seen.contains(hint);
        seen.push(hint.clone());
        is_new
    });
    Denials { all, hints }
}

impl Denial {
    /// Whether both are of one thing: the same error by the same directives at the same thing, or where that is not
    /// named, in the same words.
    fn is_like(&self, other: &Self) -> bool {
        let what = |denial: &Self| {
            let cause = denial.causes.first()?;
            Some((cause.directives.first().map(|row| row.index()), cause.thing.clone()))
        };
        let named = self.first().is_some_and(|cause| cause.thing.is_some());
        self.error == other.error && what(self) == what(other) && (named || self.said == other.said)
    }

    /// What is to blame: what is sure enough, or else what only may refuse the very thing that is named.
    pub fn blamed(&self) -> impl Iterator<Item = &Cause> {
        let is_sure = |cause: &Cause| cause.certainty <= Certainty::Likely;
        let any_sure = self.causes.iter().any(is_sure);
        self.causes.iter().filter(move |cause| if any_sure { is_sure(cause) } else { cause.thing.is_some() })
    }

    /// How many of those to blame refuse it still in another posture, all else being the same: nothing where that cannot be
    /// told, for the thing that is refused is not named, or the directive leaves out fewer kinds of it than before, or
    /// nobody is to blame.
    pub fn standing(
        &self,
        symptoms: &Symptoms,
        before: &Posture,
        around: &Surroundings<'_>,
    ) -> Option<usize> {
        let again = denials(symptoms, around).all;
        let same = again.iter().find(|other| other.error == self.error && other.said == self.said);
        let row = |cause: &Cause| cause.directives.first().map(|row| row.index());
        let mut standing = None;
        let mut is_partly_open = false;
        for cause in self.blamed() {
            let is_same = |other: &Cause| {
                other.certainty <= cause.certainty && row(other) == row(cause) && other.thing == cause.thing
            };
            let refuses = same.is_some_and(|other| other.causes.iter().any(is_same));
            // Of a name that is not known it cannot be told whether it is left out still.
            if refuses && cause.thing.is_none() {
                return None;
            }
            let is_open_for_some =
                refuses && cause.directives.first().is_some_and(|row| is_opened(row, before, around.posture));
            is_partly_open |= is_open_for_some;
            standing = Some(standing.unwrap_or(0) + usize::from(refuses && !is_open_for_some));
        }
        standing.filter(|standing| *standing > 0 || !is_partly_open)
    }
}

/// Whether a directive that is on still lets more pass than before, without its being known what a call asks for: a set
/// leaves less out, or a directive beside it names what is allowed.
fn is_opened(row: &'static Directive, before: &Posture, after: &Posture) -> bool {
    let is_other = |row: &Directive| before.get(row).value != after.get(row).value;
    let is_set = matches!(row.kind, Kind::Mask(grammar) if !matches!(grammar, MaskGrammar::Bounding | MaskGrammar::Ambient));
    is_set && is_other(row)
        || catalogue::all().iter().any(|other| other.beside == Some(row) && is_other(other))
}

/// By what a program says of itself.
fn of_line(
    line: &JournalLine,
    none: &Ending,
    around: &Surroundings<'_>,
    hints: &mut Vec<String>,
) -> (Vec<Cause>, usize) {
    let lines = [line];
    let mut blame = Blame { ending: none, lines: &lines, around, causes: Vec::new(), hints: Vec::new() };
    blame.words();
    blame.settle();
    hints.append(&mut blame.hints);
    ranked(blame.causes)
}

/// By how it ended, its own words left aside.
fn of_ending(
    ending: &Ending,
    symptoms: &Symptoms,
    around: &Surroundings<'_>,
    hints: &mut Vec<String>,
) -> Option<Denial> {
    let lines = symptoms.lines_of(ending);
    let mut blame = Blame { ending, lines: &lines, around, causes: Vec::new(), hints: Vec::new() };
    blame.step();
    blame.signal(&symptoms.kernel);
    blame.result();
    blame.manager();
    blame.settle();
    hints.append(&mut blame.hints);
    let (causes, left_out) = ranked(blame.causes);
    let besides = lines.iter().filter(|line| line.speaker == Speaker::Child).map(|line| line.text.clone());
    (!causes.is_empty()).then(|| Denial {
        said: ending.says(),
        besides: besides.collect(),
        error: ending.word(),
        times: 1,
        ended: true,
        causes,
        left_out,
    })
}
