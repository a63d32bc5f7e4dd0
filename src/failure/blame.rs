//! From how a service ended to the directives that may have done it. Every rule here asks the rows; none knows a
//! directive.

use std::borrow::Cow;

use super::cause::{Cause, Certainty};
use super::reach::{covers, few_denied, holds, is_on, left_out, paths};
use super::{Ending, JournalLine, Presence, Speaker, Surroundings};
use super::{allow, audit, clue, trace};
use crate::catalogue::{self, Directive, Errno, ExecStep, Kind, Shows, Signal, What};
use crate::posture::Origin;

/// The search: what it goes by, and what it has found so far.
pub(super) struct Blame<'a> {
    pub(super) ending: &'a Ending,
    pub(super) lines: &'a [&'a JournalLine],
    pub(super) around: &'a Surroundings<'a>,
    pub(super) causes: Vec<Cause>,
    pub(super) hints: Vec<String>,
}

/// Where systemd builds a service's view of the file system; its messages up to 256 name paths below it.
const UNIT_ROOTS: [&str; 2] = ["/run/systemd/unit-root", "/run/systemd/mount-rootfs"];

impl Blame<'_> {
    /// By the step at which systemd's own child ended.
    pub(super) fn step(&mut self) {
        let Some(step) = self.ending.step() else { return };
        let child: Vec<&JournalLine> =
            self.lines.iter().copied().filter(|line| line.speaker == Speaker::Child).collect();
        let announced = format!("Failed at step {} ", step.name());
        let is_told = child.iter().any(|line| line.text.contains(&announced));
        if !is_told && self.lines.iter().any(|line| line.speaker == Speaker::Program) {
            self.hints.push(format!(
                "the program itself may have ended with {}: systemd's child is not heard in the journal",
                step.number()
            ));
        }
        let errno = child.iter().rev().find_map(|line| errno(line.errno?));
        let named = child.iter().filter(|line| !line.text.contains(&announced));
        let told = named.rev().find_map(|line| clue::read(&line.text)?.path).map(|path| outside(&path));
        let program = child.iter().rev().find_map(|line| line.executable.clone());
        let rows: Vec<&'static Directive> = catalogue::all()
            .iter()
            .copied()
            .filter(|row| self.is_set(row) && remedy_at(row, step).is_some())
            .collect();
        let most = if is_told { Certainty::Certain } else { Certainty::Likely };
        let before = self.causes.len();
        if step == ExecStep::Exec
            && let Some(program) = &program
        {
            self.program(program, errno, &rows, step, most);
        } else {
            for row in &rows {
                self.own_paths(row, step, errno, told.as_deref(), most);
            }
        }
        if self.causes.len() == before {
            self.alone(&rows, step, errno, most);
        }
    }

    /// By a program that cannot be run.
    fn program(
        &mut self,
        path: &str,
        errno: Option<Errno>,
        rows: &[&'static Directive],
        step: ExecStep,
        most: Certainty,
    ) {
        if errno == Some(Errno::NoEntry) && (self.around.host)(path) == Presence::Missing {
            self.causes.push(Cause {
                thing: Some(path.to_owned()),
                why: format!("the program {path} does not exist"),
                ..Cause::without_directive(most, "install it, or correct the command of the unit")
            });
            return;
        }
        let Some(errno) = errno else { return };
        for row in rows {
            let remedy = remedy_at(row, step).unwrap_or_default();
            match covers(self.around, row, errno, path) {
                Some(closeness) => {
                    let why = format!("{}= {}", row.name, refused(errno, step, path));
                    self.blame(most, closeness, &[row], Some(path), Some(errno), why, remedy);
                }
                None if errno == Errno::Access && refuses_paths(row, errno) => {
                    let why = format!(
                        "{path} itself may run, but not all that it takes to run it: its interpreter, loader or a \
                         folder above it"
                    );
                    self.blame(Certainty::Likely, 0, &[row], Some(path), Some(errno), why, remedy);
                }
                None => {}
            }
        }
        self.hiders(path, errno, &[], most);
    }

    /// By the paths that a directive of the step names itself.
    fn own_paths(
        &mut self,
        row: &'static Directive,
        step: ExecStep,
        errno: Option<Errno>,
        told: Option<&str>,
        most: Certainty,
    ) {
        let remedy = remedy_at(row, step).unwrap_or_default();
        for path in paths(self.around.posture, row) {
            if told.is_some_and(|told| told != path) {
                continue;
            }
            let found = (self.around.host)(&path);
            if let Some(errno) = errno
                && found != Presence::Missing
                && self.hiders(&path, errno, &[row], most)
            {
                continue;
            }
            if step.precedes_directories()
                && let Some(maker) = self.maker(&path)
            {
                let why = format!(
                    "{}= opens {path} before {}= has made the directory around it",
                    row.name, maker.name
                );
                self.blame(most, path.len(), &[row, maker], Some(&path), errno, why, remedy);
                continue;
            }
            let missing = match found {
                Presence::Missing if step.precedes_directories() => {
                    parent(&path).filter(|parent| (self.around.host)(parent) == Presence::Missing)
                }
                Presence::Missing => Some(path.as_str()),
                Presence::There(_) | Presence::NotKnown => None,
            };
            match missing {
                Some(missing) => {
                    let why = format!("{missing} does not exist, and {}= names it", row.name);
                    self.blame(most, path.len(), &[row], Some(&path), errno, why, remedy);
                }
                None if told.is_some() => {
                    let error = errno.map_or("an error", Errno::says);
                    let why = format!("{}= names {path}, where systemd met: {error}", row.name);
                    self.blame(most, path.len(), &[row], Some(&path), errno, why, remedy);
                }
                None => {}
            }
        }
    }

    /// By being the only one whose step it is, or one of several.
    fn alone(&mut self, rows: &[&'static Directive], step: ExecStep, errno: Option<Errno>, most: Certainty) {
        // So systemd says that nobody has that name (user-util.c): what names nobody has no part in it.
        let naming: Vec<&'static Directive> = match errno {
            Some(Errno::NoProcess) => rows
                .iter()
                .copied()
                .filter(|row| matches!(row.kind, Kind::Text(_) | Kind::Words(_)))
                .collect(),
            _ => Vec::new(),
        };
        let rows = if naming.is_empty() { rows } else { naming.as_slice() };
        for row in rows {
            let certainty = match errno {
                _ if rows.len() == 1 => most,
                Some(errno) if refuses_with(row, errno) => Certainty::Likely,
                _ => Certainty::Possible,
            };
            let value = trace::shown(row, &row.kind.write(&self.around.posture.get(row).value));
            let named = matches!(row.kind, Kind::Text(_) | Kind::Words(_)) && !value.is_empty();
            let thing = named.then_some(value.as_str());
            let error = errno.map(|errno| format!(": {}", errno.says())).unwrap_or_default();
            let why = format!("this step applies {}={value}{error}", row.name);
            self.blame(certainty, 0, &[row], thing, errno, why, remedy_at(row, step).unwrap_or_default());
        }
    }

    /// By the signal that killed it.
    pub(super) fn signal(&mut self, kernel: &[String]) {
        let Some(signal) = self.ending.signal() else { return };
        let rows: Vec<(&'static Directive, &'static str)> = catalogue::all()
            .iter()
            .copied()
            .filter(|row| is_on(self.around.posture, row))
            .filter_map(|row| {
                let killing = row.fails.iter().find(|failing| failing.shows == Shows::Kills(signal))?;
                Some((row, killing.remedy))
            })
            .collect();
        let refusals = self.refusals(kernel);
        if signal == Signal::Sys && refusals.is_empty() {
            self.hints.push(
                "which call it was stands in the kernel's log alone (`journalctl --dmesg --grep type=1326`, where \
                 audit is on), or shows under `SystemCallErrorNumber=EPERM` as an error of the program"
                    .to_owned(),
            );
        }
        let native = self.around.posture.context.architecture;
        for (row, remedy) in rows {
            let told = refusals.iter().find_map(|refusal| match row.kind {
                Kind::Calls => {
                    let call = refusal.call.filter(|call| left_out(self.around.posture, row, call))?;
                    Some((call.to_owned(), format!("{}= refuses {call}(), says the kernel", row.name)))
                }
                _ => refusal.architecture.filter(|architecture| *architecture != native).map(|other| {
                    let why = format!("{}= refuses calls of {other}, says the kernel", row.name);
                    (other.word().to_owned(), why)
                }),
            });
            if let Some((thing, why)) = told {
                self.blame(Certainty::Certain, thing.len(), &[row], Some(&thing), None, why, remedy);
                continue;
            }
            let few = few_denied(self.around.posture, row);
            let why = match &few {
                Some(calls) => format!("{}= kills whatever calls {calls}", row.name),
                None => format!("{}= kills with {}", row.name, signal.name()),
            };
            let certainty =
                if matches!(row.kind, Kind::Calls) { Certainty::Likely } else { Certainty::Possible };
            let thing = few.filter(|calls| !calls.contains(' '));
            self.blame(certainty, 0, &[row], thing.as_deref(), None, why, remedy);
        }
    }

    /// The refused calls that the kernel tells of for one of the processes, or for all where none is known.
    fn refusals(&self, kernel: &[String]) -> Vec<audit::Refusal> {
        let pids: Vec<u64> = self.lines.iter().filter_map(|line| line.pid).collect();
        let own = |refusal: &audit::Refusal| refusal.pid.is_none_or(|pid| pids.contains(&pid));
        kernel.iter().filter_map(|text| audit::read(text)).filter(own).collect()
    }

    /// By the manager's own word.
    pub(super) fn result(&mut self) {
        let result = self.ending.result.as_str();
        let rows: Vec<(&'static Directive, &'static str)> = catalogue::all()
            .iter()
            .copied()
            .filter(|row| self.is_set(row))
            .filter_map(|row| {
                let ending =
                    row.fails.iter().find(|failing| failing.shows == Shows::Ends(result_of(failing, result)));
                Some((row, ending?.remedy))
            })
            .collect();
        let certainty = if rows.len() == 1 { Certainty::Likely } else { Certainty::Possible };
        for (row, remedy) in rows {
            let value = row.kind.write(&self.around.posture.get(row).value);
            let why = format!("the manager ended it with `{result}`, and {}= is {value}", row.name);
            self.blame(certainty, 0, &[row], None, None, why, remedy);
        }
    }

    /// Leaves out what another directive that is blamed brings along.
    pub(super) fn settle(&mut self) {
        let blamed: Vec<(Certainty, &'static Directive)> = self
            .causes
            .iter()
            .filter_map(|cause| Some((cause.certainty, *cause.directives.first()?)))
            .collect();
        let posture = self.around.posture;
        self.causes.retain(|cause| {
            let Some(row) = cause.directives.first() else { return true };
            let Origin::Implied(by) = posture.get(row).origin else { return true };
            !blamed.iter().any(|(certainty, other)| *other == by && *certainty <= cause.certainty)
        });
    }

    /// By the manager's own words, where it gave up without a process.
    pub(super) fn manager(&mut self) {
        if self.ending.exit.is_some() {
            return;
        }
        let told = self.lines.iter().find(|line| line.speaker == Speaker::Manager && line.errno.is_some());
        if let Some(line) = told {
            self.causes.push(Cause {
                why: format!("the manager says: {}", line.text),
                ..Cause::without_directive(Certainty::Certain, "correct what the message names")
            });
        }
    }

    /// Blames whatever hides or closes a path that a directive of the unit names itself; whether anything does.
    fn hiders(&mut self, path: &str, errno: Errno, named_by: &[&'static Directive], most: Certainty) -> bool {
        let known = matches!((self.around.host)(path), Presence::There(_));
        let certainty = if known { most } else { most.max(Certainty::Likely) };
        let mut found = false;
        for row in catalogue::all() {
            if named_by.contains(row) || !is_on(self.around.posture, row) {
                continue;
            }
            let Some(closeness) = covers(self.around, row, errno, path).filter(|closeness| *closeness > 1)
            else {
                continue;
            };
            found = true;
            let by = named_by.first().map(|row| format!(", which {}= names", row.name)).unwrap_or_default();
            let why = format!("{}= {}{by}", row.name, verb(errno, path));
            let rows: Vec<&'static Directive> =
                std::iter::once(*row).chain(named_by.iter().copied()).collect();
            let remedy = row.fails.iter().find(
                |failing| matches!(failing.shows, Shows::Refuses { errors, .. } if errors.contains(&errno)),
            );
            let remedy = remedy.map_or("", |failing| failing.remedy);
            self.blame(certainty, closeness, &rows, Some(path), Some(errno), why, remedy);
        }
        found
    }

    /// The directive that makes the directory that a path lies in.
    fn maker(&self, path: &str) -> Option<&'static Directive> {
        let makes = |row: &&&'static Directive| {
            row.makes_below().is_some()
                && paths(self.around.posture, row).iter().any(|base| holds(base, path))
        };
        catalogue::all().iter().find(makes).copied()
    }

    /// Whether something other than a default set it.
    pub(super) fn is_set(&self, row: &Directive) -> bool {
        let by_unit = match self.around.posture.get(row).origin {
            Origin::Default | Origin::Manager { .. } | Origin::NotKnown => false,
            Origin::Bus => self.around.lines.is_empty(),
            Origin::Line { .. } | Origin::Implied(_) | Origin::Policy(_) => true,
        };
        by_unit && is_on(self.around.posture, row)
    }

    #[expect(clippy::too_many_arguments, reason = "a cause has as many parts")]
    pub(super) fn blame(
        &mut self,
        certainty: Certainty,
        closeness: usize,
        rows: &[&'static Directive],
        thing: Option<&str>,
        errno: Option<Errno>,
        why: String,
        remedy: &'static str,
    ) {
        let allowances = rows
            .first()
            .map(|row| allow::allowances(row, thing, errno, self.around.posture))
            .unwrap_or_default();
        self.causes.push(Cause {
            certainty,
            closeness,
            directives: rows.to_vec(),
            thing: thing.map(str::to_owned),
            why,
            written: rows.iter().flat_map(|row| trace::written(self.around, row, thing)).collect(),
            declared: rows.iter().flat_map(|row| trace::declared(self.around, row, thing)).collect(),
            allowances,
            remedy: Cow::Borrowed(remedy),
        });
    }
}

/// The result if the row ends services with it.
fn result_of(failing: &catalogue::Failing, result: &str) -> &'static str {
    match failing.shows {
        Shows::Ends(own) if own == result => own,
        _ => "",
    }
}

/// What helps where the row ends a start at that step.
fn remedy_at(row: &Directive, step: ExecStep) -> Option<&'static str> {
    row.fails.iter().find(|failing| failing.shows == Shows::At(step)).map(|failing| failing.remedy)
}

fn refuses_with(row: &Directive, errno: Errno) -> bool {
    row.fails
        .iter()
        .any(|failing| matches!(failing.shows, Shows::Refuses { errors, .. } if errors.contains(&errno)))
}

fn refuses_paths(row: &Directive, errno: Errno) -> bool {
    row.fails.iter().any(|failing| {
        matches!(failing.shows, Shows::Refuses { errors, what: What::Entries } if errors.contains(&errno))
    })
}

/// What the directive does to a path that shows as that error.
pub(super) fn verb(errno: Errno, path: &str) -> String {
    match errno {
        Errno::ReadOnly => format!("makes {path} read-only"),
        Errno::NoEntry => format!("hides {path}"),
        _ => format!("closes {path}"),
    }
}

fn refused(errno: Errno, step: ExecStep, path: &str) -> String {
    match (step, errno) {
        (ExecStep::Exec, Errno::Access) => format!("refuses to run {path}"),
        _ => verb(errno, path),
    }
}

fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(parent, _)| parent).filter(|parent| !parent.is_empty())
}

/// A path of systemd's message as the unit names it.
fn outside(path: &str) -> String {
    let inner =
        UNIT_ROOTS.iter().find_map(|root| path.strip_prefix(root)).filter(|rest| rest.starts_with('/'));
    inner.unwrap_or(path).to_owned()
}

/// An error by its number; those above 34 differ between architectures, and no step shows as one.
fn errno(number: u64) -> Option<Errno> {
    const COMMON: u64 = 34;
    Errno::ALL.iter().copied().find(|errno| u64::from(errno.number()) == number && number <= COMMON)
}
