//! The host beside a unit: the files, accounts, programs, stores and settings that its manifest speaks of, looked at
//! where the unit was named. What several units of a run share is told with the first of them.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::bus::Properties;
use crate::content;
use crate::finding::Finding;
use crate::guard;
use crate::holes::Command;
use crate::manifest::{Manifest, Scope};
use crate::ownership::{self, Accounts, Activity, Subject};
use crate::policy::Planned;
use crate::posture::Posture;
use crate::unit_file::Root;

/// A tree with accounts, and what was told of it so far.
pub(super) struct Host<'r> {
    root: &'r Root,
    accounts: anyhow::Result<Option<Accounts>>,
    told: RefCell<BTreeSet<(String, Option<String>, String)>>,
}

/// A unit as the host has it.
pub(super) struct Beside<'h> {
    /// The host.
    pub(super) host: &'h Host<'h>,
    /// Whether it runs.
    pub(super) activity: Activity,
}

impl<'r> Host<'r> {
    /// The host whose files lie below `root`.
    pub(super) fn new(root: &'r Root) -> Self {
        Self { root, accounts: Accounts::read(root), told: RefCell::default() }
    }

    /// What was not told yet.
    fn news(&self, findings: Vec<Finding>) -> Vec<Finding> {
        let mut told = self.told.borrow_mut();
        let key = |finding: &Finding| (finding.id.to_string(), finding.subject.clone(), finding.text.clone());
        findings.into_iter().filter(|finding| told.insert(key(finding))).collect()
    }
}

impl Beside<'_> {
    /// What the host is not as the manifest says.
    pub(super) fn audit(
        &self,
        manifest: &Manifest,
        planned: &Planned<'_>,
        posture: &Posture,
        commands: &[Command],
    ) -> Vec<Finding> {
        if manifest.scope == Scope::User {
            return Vec::new();
        }
        let not_known = |why: String| vec![Finding::notice("host.not-known", why)];
        let root = self.host.root;
        let mut findings = match &self.host.accounts {
            Ok(Some(accounts)) => {
                let subject = Subject { manifest, planned, posture, commands, activity: self.activity };
                ownership::audit(&subject, root, accounts)
            }
            Ok(None) => not_known(
                "the tree has no `/etc/passwd`: its files and accounts were not compared with the manifest"
                    .to_owned(),
            ),
            Err(error) => {
                not_known(format!("files and accounts were not compared with the manifest: {error:#}"))
            }
        };
        findings.extend(settings(manifest, root));
        findings.extend(content::environment_files(&planned.service, root));
        self.host.news(findings)
    }
}

/// What stores and files of settings say against the manifest.
fn settings(manifest: &Manifest, root: &Root) -> Vec<Finding> {
    let mut findings = guard::guards(manifest, root);
    // A key that a guard holds is told once, and by the guard, which knows what it costs.
    let held: BTreeSet<Option<String>> = findings.iter().map(|finding| finding.subject.clone()).collect();
    let contents = content::contents(manifest, root).into_iter();
    findings.extend(contents.filter(|finding| !held.contains(&finding.subject)));
    findings
}

/// Whether the manager runs a unit.
pub(super) fn activity(properties: &Properties) -> Activity {
    match properties.active_state() {
        Some("active" | "reloading") => Activity::Active,
        _ => Activity::Inactive,
    }
}
