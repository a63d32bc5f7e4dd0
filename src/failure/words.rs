//! By what a program says of itself: the error, and the path or call that it names.

use super::blame::{Blame, verb};
use super::cause::Certainty;
use super::clue::{self, Clue};
use super::reach::{covers, is_grant, is_on, left_out};
use super::{Presence, Speaker};
use crate::catalogue::{self, CALLS_WANT, Directive, Errno, Kind, MaskGrammar, Shows, What};

impl Blame<'_> {
    /// By what the program says of itself.
    pub(super) fn words(&mut self) {
        let lines = self.lines;
        for line in lines.iter().filter(|line| line.speaker == Speaker::Program) {
            let Some(mut clue) = clue::read(&line.text) else { continue };
            let Some(errno) = clue.errno else { continue };
            self.find_program(&mut clue);
            if errno == Errno::NoEntry
                && let Some(path) = &clue.path
                && (self.around.host)(path) == Presence::Missing
            {
                self.hints.push(format!("{path} does not exist outside of the service either"));
                continue;
            }
            for row in catalogue::all() {
                if is_on(self.around.posture, row) || is_grant(row) {
                    self.word(row, errno, &clue);
                }
            }
        }
    }

    /// The path of a program that is named without one, where a shell looks for it.
    fn find_program(&self, clue: &mut Clue) {
        let is_there = |path: &String| matches!((self.around.host)(path), Presence::There(_));
        if let (Some(name), None) = (&clue.program, &clue.path) {
            // systemd tells the unit's own shells by $PATH where it looks itself.
            let searched = catalogue::search_path(self.around.posture).into_iter();
            clue.path = searched.map(|folder| format!("{folder}/{name}")).find(is_there);
        }
    }

    fn word(&mut self, row: &'static Directive, errno: Errno, clue: &Clue) {
        for failing in row.fails {
            let Shows::Refuses { errors, what } = failing.shows else { continue };
            if !errors.contains(&errno) {
                continue;
            }
            let found = match what {
                What::Anything => {
                    let certainty = if self.is_set(row) { Certainty::Likely } else { Certainty::Possible };
                    Some((certainty, 0, None))
                }
                What::Paths { .. } | What::Entries => self.path(row, errno, clue),
                What::Calls(calls) => match clue.call {
                    Some(call) if calls.contains(&call) => {
                        Some((Certainty::Likely, call.len(), Some(call.to_owned())))
                    }
                    None if clue.path.is_none() && self.is_set(row) => Some((Certainty::Possible, 0, None)),
                    _ => None,
                },
                What::LeftOut => self.name(row, errno, clue),
            };
            let Some((certainty, closeness, thing)) = found else { continue };
            let why = match &thing {
                Some(thing) if closeness <= 1 && errno != Errno::ReadOnly => {
                    format!(
                        "below {}= the program may lack what {thing} asks for, and says: {}",
                        row.name,
                        errno.says()
                    )
                }
                Some(thing) if thing.starts_with('/') => {
                    format!("{}= {}, and the program says: {}", row.name, verb(errno, thing), errno.says())
                }
                Some(thing) => {
                    format!("{}= refuses {thing}, and the program says: {}", row.name, errno.says())
                }
                None => format!("the program says: {}, as it does below {}=", errno.says(), row.name),
            };
            self.blame(certainty, closeness, &[row], thing.as_deref(), Some(errno), why, failing.remedy);
        }
    }

    fn path(
        &self,
        row: &'static Directive,
        errno: Errno,
        clue: &Clue,
    ) -> Option<(Certainty, usize, Option<String>)> {
        let Some(path) = &clue.path else {
            return (errno == Errno::ReadOnly).then_some((Certainty::Possible, 0, None));
        };
        let closeness = covers(self.around, row, errno, path)?;
        // Permissions refuse as well, anywhere; a mount that is read-only is seldom anything else.
        let certainty =
            if errno == Errno::ReadOnly || closeness > 1 { Certainty::Likely } else { Certainty::Possible };
        Some((certainty, closeness, Some(path.clone())))
    }

    /// By a name that the directive's value leaves out.
    fn name(
        &self,
        row: &'static Directive,
        errno: Errno,
        clue: &Clue,
    ) -> Option<(Certainty, usize, Option<String>)> {
        let posture = self.around.posture;
        match row.kind {
            Kind::Names(_) => {
                let family = clue.family.clone().filter(|family| left_out(posture, row, family));
                Some((Certainty::Likely, 0, family))
            }
            Kind::Calls => match clue.call {
                Some(call) => left_out(posture, row, call)
                    .then(|| (Certainty::Likely, call.len(), Some(call.to_owned()))),
                // A path tells more of the error than a filter that refuses calls whatever they are about.
                None if clue.path.is_none() && errno == Errno::NotPermitted => {
                    Some((Certainty::Possible, 0, None))
                }
                None => None,
            },
            Kind::Mask(grammar) => {
                let is_grant = grammar == MaskGrammar::Ambient;
                if is_grant != catalogue::runs_as_user(posture) {
                    return None;
                }
                let wanted = clue.call.and_then(|call| CALLS_WANT.iter().find(|(known, _)| *known == call));
                match wanted {
                    Some((_, wanted)) => {
                        let lacking = wanted.iter().find(|name| left_out(posture, row, name))?;
                        Some((Certainty::Likely, lacking.len(), Some((*lacking).to_owned())))
                    }
                    None if clue.call.is_none() && !is_grant => Some((Certainty::Possible, 0, None)),
                    None => None,
                }
            }
            _ => None,
        }
    }
}
