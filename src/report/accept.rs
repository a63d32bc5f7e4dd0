//! What administrators live with: `[accept]` of a manifest takes findings of its units out until a date.
//!
//! A finding is named by its id (`drift.weaker.ProtectHome`, `path.mode`), by its id and its subject with a blank
//! between them (`path.mode /etc/x.conf`), or by the directive that it is about.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Declared, Outcome, Report};
use crate::catalogue::Directive;
use crate::finding::{Acceptance, Finding, Term};
use crate::manifest::words::FindingName;
use crate::manifest::{Accepted, Date};

impl Report {
    /// Marks what the units' manifests accept on the day `today`, and adds a notice for each acceptance that names
    /// nothing although all units of its manifest are in the report.
    pub fn accept(&mut self, today: Date) {
        let mut manifests: BTreeMap<Arc<str>, Seen> = BTreeMap::new();
        for (position, unit) in self.units.iter_mut().enumerate() {
            let Outcome::Judged(judged) = &mut unit.outcome else { continue };
            let Some(Declared { manifest, service, services, accept, drift, .. }) = &mut judged.declared
            else {
                continue;
            };
            let seen = manifests.entry(Arc::clone(manifest)).or_insert_with(|| Seen::first(position));
            seen.services.insert(service.clone());
            seen.of = *services;
            seen.accept = Arc::clone(accept);
            let mut accepted = |id: &str, directive: Option<&Directive>, subject: Option<&str>| {
                let (name, entry) = accept.iter().find(|(name, _)| names(name, id, directive, subject))?;
                seen.used.insert(name.clone());
                Some(Acceptance {
                    because: Arc::from(entry.because.as_str()),
                    until: entry.until,
                    place: entry.place.clone(),
                    term: if today <= entry.until { Term::Runs } else { Term::Expired },
                })
            };
            for difference in &mut drift.differences {
                difference.accepted = accepted(&difference.id(), Some(difference.directive), None);
            }
            for finding in &mut unit.findings {
                finding.accepted = accepted(&finding.id, finding.directive, finding.subject.as_deref());
            }
        }
        for seen in manifests.into_values().filter(|seen| seen.services.len() >= seen.of) {
            let unused = seen.accept.iter().filter(|(name, _)| !seen.used.contains(*name));
            let notices = unused.map(|(name, entry)| Finding {
                place: Some((Arc::clone(&entry.place.file), Some(entry.place.line))),
                ..Finding::notice(
                    "accept.unused",
                    format!("`{name}` names nothing that was found: take it out"),
                )
                .of(name.as_str())
            });
            if let Some(unit) = self.units.get_mut(seen.first) {
                unit.findings.extend(notices);
            }
        }
    }
}

/// What a report holds of one manifest.
struct Seen {
    /// Its first unit.
    first: usize,
    services: BTreeSet<String>,
    /// The number of its services.
    of: usize,
    accept: Arc<BTreeMap<FindingName, Accepted>>,
    used: BTreeSet<FindingName>,
}

impl Seen {
    fn first(position: usize) -> Self {
        Self {
            first: position,
            services: BTreeSet::new(),
            of: 0,
            accept: Arc::default(),
            used: BTreeSet::new(),
        }
    }
}

fn names(name: &FindingName, id: &str, directive: Option<&Directive>, subject: Option<&str>) -> bool {
    let name = name.as_str();
    let is_directive =
        directive.is_some_and(|directive| name.strip_suffix('=').unwrap_or(name) == directive.name);
    name == id
        || is_directive
        || subject.is_some() && name.split_once(' ') == Some((id, subject.unwrap_or("")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    #[test]
    fn findings_are_named_by_id_by_subject_or_by_directive() -> anyhow::Result<()> {
        let directive = catalogue::find("ProtectHome");
        let cases = [
            ("drift.weaker.ProtectHome", true),
            ("ProtectHome", true),
            ("ProtectHome=", true),
            ("drift.weaker.ProtectHome /a b", true),
            ("drift.weaker.ProtectHome /a", false),
            ("drift.weaker", false),
            ("ProtectSystem", false),
        ];
        for (text, expected) in cases {
            let name: FindingName = text.parse()?;
            let found = names(&name, "drift.weaker.ProtectHome", directive, Some("/a b"));
            assert_eq!(found, expected, "{text}");
            assert!(!names(&name, "path.mode", None, None), "{text}");
        }
        Ok(())
    }
}
