//! What hardening has broken: one row per known case, with the directives that did it, the needs that would have kept
//! it from happening and where it is told. What a directive does stands in `catalogue`, what a need opens as well.

mod code;
mod places;
mod surroundings;
mod work;

use crate::catalogue::Directive;
use crate::need::Need;

/// A service that a hardening broke.
pub struct Breakage {
    /// Its number, which stays the same from release to release.
    pub id: u16,
    /// The services.
    pub service: &'static str,
    /// Where it was seen: releases of the service, of a distribution or of systemd; none where its source names none.
    pub releases: Option<&'static str>,
    /// The names of the directives that did it.
    pub directives: &'static [&'static str],
    /// The needs that the services have and that were not allowed for; none where no statement could have helped.
    pub needs: &'static [Need],
    /// Why it breaks, in sentences.
    pub what: &'static str,
    /// How it shows, as a phrase.
    pub symptom: &'static str,
    /// What kind of case it is.
    pub class: Class,
    /// Where it is told: `OWNER#N` is a thread of an upstream project, `Debian #N` a bug of Debian.
    pub source: &'static str,
}

/// The kinds of breakage, by what makes them hard to foresee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// It runs code of others: hooks, mailers, sudo, PAM.
    Delegated,
    /// It uses paths that the administrator chose.
    AdminPaths,
    /// The directive brings something along that its name does not tell.
    Hidden,
    /// It goes on and answers wrongly, so that no test of its start notices.
    Silent,
    /// A new library, kernel or release of the service needs more than the one before.
    Time,
    /// The machine around it: containers, a read-only root, an architecture.
    Environment,
    /// The release of systemd does something else.
    OldSystemd,
    /// A path does not exist yet.
    FirstStart,
    /// None of these: the service itself does what the directive refuses.
    Itself,
}

impl Class {
    /// The word for it in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Delegated => "delegated-code",
            Self::AdminPaths => "admin-paths",
            Self::Hidden => "hidden-implication",
            Self::Silent => "silent",
            Self::Time => "time",
            Self::Environment => "environment",
            Self::OldSystemd => "old-systemd",
            Self::FirstStart => "first-start",
            Self::Itself => "itself",
        }
    }
}

/// Every case, by its kind.
pub fn all() -> impl Iterator<Item = &'static Breakage> {
    [code::ROWS, places::ROWS, surroundings::ROWS, work::ROWS].into_iter().flatten()
}

/// The cases that a directive caused.
pub fn by(directive: &Directive) -> impl Iterator<Item = &'static Breakage> {
    all().filter(move |breakage| breakage.directives.contains(&directive.name))
}

/// The cases that a statement of the need would have kept from happening.
pub fn without(need: Need) -> impl Iterator<Item = &'static Breakage> {
    all().filter(move |breakage| breakage.needs.contains(&need))
}

/// Where the oldest known case of exactly that directive and need is told, for a comment.
pub fn told(directive: &Directive, need: Need) -> Option<&'static str> {
    let first = by(directive).filter(|breakage| breakage.needs.contains(&need)).min_by_key(|row| row.id)?;
    first.source.split(", ").next()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use anyhow::{Context as _, Result, ensure};

    use super::*;
    use crate::catalogue;

    #[test]
    fn numbers_are_unique_and_nothing_is_empty() -> Result<()> {
        let numbers: BTreeSet<u16> = all().map(|breakage| breakage.id).collect();
        ensure!(numbers.len() == all().count() && !numbers.contains(&0));
        for Breakage { id, service, releases, directives, what, symptom, source, .. } in all() {
            ensure!(what.ends_with('.') && !symptom.ends_with('.'), "{id}");
            let texts = [Some(*service), *releases, Some(*what), Some(*symptom), Some(*source)];
            for text in texts.into_iter().flatten() {
                ensure!(!text.trim().is_empty() && text.trim() == text && text.is_ascii(), "{id}: {text}");
            }
            ensure!(!directives.is_empty(), "{id}");
        }
        Ok(())
    }

    #[test]
    fn directives_stand_in_the_catalogue_under_that_name() -> Result<()> {
        for breakage in all() {
            for name in breakage.directives {
                let row = catalogue::find(name).with_context(|| format!("{}: {name}", breakage.id))?;
                ensure!(row.name == *name, "{}: {name} is an older spelling", breakage.id);
            }
        }
        Ok(())
    }

    #[test]
    fn every_need_opens_a_directive_of_its_case_or_a_way_around_it() -> Result<()> {
        // What is named in a list of its own, and what a set-user-ID program wants before anything else.
        let around = [
            (Need::Writes, "ReadWritePaths"),
            (Need::Devices, "DeviceAllow"),
            (Need::RunsSetuid, "NoNewPrivileges"),
        ];
        let mut idle = Vec::new();
        for breakage in all() {
            for need in breakage.needs {
                let others = around.iter().filter(|(of, _)| of == need).map(|(_, name)| name);
                let mut rows =
                    breakage.directives.iter().chain(others).filter_map(|name| catalogue::find(name));
                if !rows.any(|row| row.yields.iter().any(|offer| offer.to == *need)) {
                    idle.push(format!("{}: {need}", breakage.id));
                }
            }
        }
        ensure!(idle.is_empty(), "{idle:?}");
        Ok(())
    }
}
