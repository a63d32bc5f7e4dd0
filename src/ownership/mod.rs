//! Whether the host is what a manifest says of it: paths with their owners, modes and lists, accounts and groups, and the
//! programs that a service starts.
//!
//! Everything is read through a [`Root`], so that a tree that nothing runs in is judged by the same rules. Findings only
//! say what was looked at; what could not be is a notice of its own (`path.not-known`). Processes and what they
//! listen on are not looked at here.
//!
//! Ids: `path.missing`, `path.kind`, `path.owner`, `path.group`, `path.mode`, `path.acl`, `path.link-out`,
//! `path.parent-writable`; `account.missing`, `account.id`, `account.uid-shared`, `account.shell`, `account.home`,
//! `account.password`, `account.nobody`, `group.missing`, `group.id`, `group.members`, `group.member-undeclared`,
//! `group.member-missing`; `home.hidden`, `home.elsewhere`; `exec.missing`, `exec.hidden`,
//! `exec.writable`, `exec.shell`, `exec.not-known`.

mod acl;
mod claims;
mod contents;
mod homes;
mod lingering;
mod members;
mod paths;
mod programs;
#[cfg(test)]
mod tests;
mod tree;
mod way;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use lingering::lingering;

use crate::accounts::Accounts;
use crate::finding::{Finding, Severity};
use crate::holes::Command;
use crate::manifest::words::UserName;
use crate::manifest::{Manifest, Place, Socket};
use crate::policy::Planned;
use crate::posture::Posture;
use crate::unit_file::Root;
use tree::Files;
use way::{Seen, Way};

/// A unit and what declares it.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// The manifest.
    pub(crate) manifest: &'a Manifest,
    /// The unit in it.
    pub(crate) planned: &'a Planned<'a>,
    /// What the unit was found to be.
    pub(crate) posture: &'a Posture,
    /// What it was found to start; where that is not known, what the manifest says it does.
    pub(crate) commands: &'a [Command],
    /// Whether it runs.
    pub(crate) activity: Activity,
}

/// Whether a unit runs, which decides what must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    /// It belongs to a tree in which nothing runs.
    Offline,
    /// The manager does not run it now.
    Inactive,
    /// The manager runs it.
    Active,
}

/// Everything that is not as the manifest says, and what could not be looked at.
pub(crate) fn audit(subject: &Subject<'_>, root: &Root, accounts: &Accounts) -> Vec<Finding> {
    audit_files(subject, root, accounts)
}

fn audit_files(subject: &Subject<'_>, files: &dyn Files, accounts: &Accounts) -> Vec<Finding> {
    let mut audit = Audit { subject, accounts, files: Seen::new(files), told: Told::default() };
    audit.members();
    audit.homes();
    audit.paths();
    audit.programs();
    audit.told.finish()
}

/// An audit on its way.
struct Audit<'a> {
    subject: &'a Subject<'a>,
    accounts: &'a Accounts,
    files: Seen<'a>,
    told: Told,
}

/// The socket units of a manifest that lead to a service of it, by their names without the suffix.
pub(crate) fn sockets<'m>(
    manifest: &'m Manifest,
    planned: &'m Planned<'_>,
) -> impl Iterator<Item = (&'m str, &'m Socket)> {
    let stem = planned.stem.as_str();
    let leads = move |(name, socket): &(&str, &Socket)| match &socket.starts {
        Some(service) => service.as_str() == stem,
        None => socket.proxy_to.is_some() && *name == stem,
    };
    manifest.sockets.iter().map(|(name, socket)| (name.as_str(), socket)).filter(leads)
}

impl<'m> Subject<'m> {
    /// The socket units of the manifest that lead to the service, by their names without the suffix.
    pub(crate) fn sockets(&self) -> impl Iterator<Item = (&'m str, &'m Socket)> + use<'m> {
        sockets(self.manifest, self.planned)
    }

    /// The service's own user; none where that is root, or made up while it runs.
    fn user(&self) -> Option<&str> {
        let user = self.planned.service.user.as_ref().filter(|user| !user.is_root());
        user.filter(|_| !self.planned.dynamic).map(UserName::as_str)
    }
}

/// What was found so far. One change of the host is one finding: what is said twice of a path is said once, at the
/// higher severity.
#[derive(Default)]
struct Told {
    findings: Vec<Finding>,
    /// The finding about each path.
    by_path: BTreeMap<PathBuf, usize>,
    not_known: Vec<(PathBuf, String)>,
}

impl Told {
    fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// A finding about a path.
    fn of_path(&mut self, path: &Path, finding: Finding) {
        self.by_path.entry(path.to_owned()).or_insert(self.findings.len());
        self.findings.push(Finding { subject: Some(path.display().to_string()), ..finding });
    }

    /// What somebody may do by a path. Where there is a finding about it already, that is its cause.
    fn danger(&mut self, path: &Path, finding: Finding) {
        let known = self.by_path.get(path).and_then(|place| self.findings.get_mut(*place));
        match known {
            Some(known) if finding.severity > known.severity => {
                known.severity = finding.severity;
                known.text = format!("{}; {}", known.text, finding.text);
            }
            Some(_) => {}
            None => self.of_path(path, finding),
        }
    }

    fn about(&mut self, id: &str, subject: &str) -> Option<&mut Finding> {
        let mut findings = self.findings.iter_mut();
        findings.find(|finding| finding.id == id && finding.subject.as_deref() == Some(subject))
    }

    /// The link on a way that was told to be wrong.
    fn cause(&self, way: &Way) -> Option<PathBuf> {
        way.links.iter().find(|link| self.is_told(link)).cloned()
    }

    fn is_told(&self, path: &Path) -> bool {
        self.by_path.contains_key(path)
    }

    fn not_known(&mut self, path: &Path, error: &std::io::Error) {
        self.not_known.push((path.to_owned(), error.to_string()));
    }

    fn finish(mut self) -> Vec<Finding> {
        if let Some((path, error)) = self.not_known.first() {
            let more = match self.not_known.len() - 1 {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            let text = format!("cannot look at `{}`{more}: {error}; root can", path.display());
            self.findings.push(Finding::notice("path.not-known", text).of(path.display().to_string()));
        }
        self.findings
    }
}

/// The place of a finding that a statement of the manifest is about.
fn at(place: &Place) -> (Arc<str>, Option<u32>) {
    (Arc::clone(&place.file), Some(place.line))
}

/// A finding of this severity about a statement of the manifest.
fn stated(id: &'static str, severity: Severity, place: &Place, text: String) -> Finding {
    Finding { severity, place: Some(at(place)), ..Finding::new(id, text) }
}
