//! What is doubtful about a manifest, and what targets cost it: notices, directives that do nothing on a target, known
//! breakages of services with the same needs, and for each target what is left out. Contradictions are errors and come
//! before all that; how it is shown stands in [`text`] and [`json`].

mod json;
mod losses;
mod refused;
mod text;

use std::collections::BTreeMap;

pub use json::{json, schema};
pub use losses::{Fit, Instead, Lost, losses};
pub use refused::refused;
pub use text::text;

use crate::breakages;
use crate::catalogue::{Directive, Family, Kind, Requires};
use crate::context::Context;
use crate::manifest::{Manifest, Place};
use crate::need::Need;
use crate::policy::{Contradictions, Written, common, plan, stated_needs};
use crate::posture::Reason;
use crate::render::target_context;
use crate::status::Status;
use crate::target::{Known, Target, fit};

/// What was found in one manifest.
pub struct Report {
    /// In the order of their places.
    pub findings: Vec<Finding>,
    /// What each target costs each service, in the order of services and targets.
    pub fits: Vec<Fit>,
}

/// Something worth knowing about a place of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where it is.
    pub place: Place,
    /// How much it matters.
    pub severity: Severity,
    /// What it is, in a word that stays the same: `notice`, `lost`, `stand-in`, `inert`, `risk`.
    pub id: &'static str,
    /// The unit that it is about, where it is about one.
    pub unit: Option<String>,
    /// The targets that it is about, where it is not about all.
    pub targets: Vec<String>,
    /// What it is.
    pub message: String,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It wants a decision.
    Warning,
    /// It is worth knowing.
    Note,
}

impl Severity {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl Report {
    /// How a run ends that found this.
    pub fn status(&self) -> Status {
        let doubtful = self.findings.iter().any(|finding| finding.severity == Severity::Warning);
        if doubtful { Status::Findings } else { Status::Clean }
    }
}

/// Examines a manifest for targets that have one output together.
pub fn lint(manifest: &Manifest, targets: &[Target]) -> Result<Report, Contradictions> {
    let mut findings: Vec<Finding> = manifest
        .notices
        .iter()
        .map(|notice| {
            let help = notice.help.as_ref().map_or_else(String::new, |help| format!("; {help}"));
            Finding {
                place: notice.place.clone(),
                severity: Severity::Warning,
                id: "notice",
                unit: None,
                targets: Vec::new(),
                message: format!("{}{help}", notice.message),
            }
        })
        .collect();
    let fitted = fit(manifest, targets)?;
    findings.extend(fitted.replaced.iter().map(|replaced| Finding {
        place: replaced.place.clone(),
        severity: Severity::Note,
        id: "stand-in",
        unit: Some(replaced.unit.clone()),
        targets: vec![replaced.target.clone()],
        message: format!("{} is not read; {}", replaced.what, replaced.instead),
    }));
    let manifest = &fitted.manifest;
    let contexts: Vec<Context> = targets.iter().map(|target| target_context(target, manifest)).collect();
    for planned in plan(manifest) {
        let written = common(manifest, &planned, &contexts, manifest.strictness)?.written;
        let unit = planned.unit_name();
        let whole = &planned.service.place;
        findings.extend(written.iter().filter_map(|row| inert(row, targets, &unit, whole)));
        findings.extend(risks(&stated_needs(manifest, &planned), &written, &unit));
    }
    let fits = losses(manifest, targets)?;
    findings.extend(fits.iter().flat_map(Fit::findings));
    findings.sort_unstable();
    findings.dedup();
    Ok(Report { findings, fits })
}

/// Examines a manifest for targets that have an output each.
pub fn lint_each(manifest: &Manifest, targets: &[Target]) -> Result<Report, Contradictions> {
    let mut all = Report { findings: Vec::new(), fits: Vec::new() };
    for target in targets {
        let report = lint(manifest, std::slice::from_ref(target))?;
        all.findings.extend(report.findings);
        all.fits.extend(report.fits);
    }
    all.findings.sort_unstable();
    all.findings.dedup();
    all.fits.sort_by(|a, b| a.unit.cmp(&b.unit));
    Ok(all)
}

/// Where a row's value was said, if the manifest says it.
fn said(row: &Written) -> Option<&Place> {
    row.lines.iter().flat_map(|line| &line.reasons).find_map(|reason| match reason {
        Reason::Stated(place) | Reason::Overridden { place, .. } | Reason::Denied { place, .. } => {
            Some(place)
        }
        _ => None,
    })
}

/// A directive that is read and does nothing, or may do nothing.
fn inert(row: &Written, targets: &[Target], unit: &str, whole: &Place) -> Option<Finding> {
    if row.directive.requires == Requires::Nothing || row.directive.beside.is_some() {
        return None;
    }
    let of = |wanted: Known| -> Vec<String> {
        let fitting = targets.iter().filter(|target| target.bpf_framework() == wanted);
        fitting.map(|target| target.name.clone()).collect()
    };
    let (targets, message) = match (of(Known::No), of(Known::Unknown)) {
        (without, _) if !without.is_empty() => {
            (without, "does nothing: its systemd is built without BPF_FRAMEWORK")
        }
        (_, unknown) if !unknown.is_empty() => {
            (unknown, "may do nothing: whether its systemd is built with BPF_FRAMEWORK is not known")
        }
        _ => return None,
    };
    let relied = said(row);
    Some(Finding {
        place: relied.unwrap_or(whole).clone(),
        severity: if relied.is_some() { Severity::Warning } else { Severity::Note },
        id: "inert",
        unit: Some(unit.to_owned()),
        targets,
        message: format!("{}= {message}", row.directive.name),
    })
}

/// What has broken services with the same needs and is closed here all the same.
fn risks(needs: &[(Need, Place)], written: &[Written], unit: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for (need, place) in needs {
        let mut cases: BTreeMap<&'static Directive, Vec<&'static breakages::Breakage>> = BTreeMap::new();
        // What the need adds to a list of the same family is what it wants of it.
        let answered = |family: &Family| {
            let lists = written.iter().filter(|row| {
                matches!(row.directive.kind, Kind::Words(_)) && family.rows.contains(&row.directive)
            });
            let mut reasons = lists.flat_map(|row| &row.lines).flat_map(|line| &line.reasons);
            reasons.any(|reason| is_for(reason, *need))
        };
        for row in written.iter().filter(|row| !opens(row) && !answered(row.directive.family())) {
            let known =
                breakages::without(*need).filter(|case| case.directives.contains(&row.directive.name));
            cases.entry(row.directive).or_default().extend(known);
        }
        for (directive, cases) in cases {
            let Some(first) = cases.first() else { continue };
            let others = match cases.len() - 1 {
                0 => String::new(),
                others => format!(", and {others} more"),
            };
            found.push(Finding {
                place: place.clone(),
                severity: Severity::Note,
                id: "risk",
                unit: Some(unit.to_owned()),
                targets: Vec::new(),
                message: format!(
                    "`{need}` stays with {}=, which broke {}: {} ({}{others})",
                    directive.name, first.service, first.symptom, first.source
                ),
            });
        }
    }
    found
}

fn is_for(reason: &Reason, wanted: Need) -> bool {
    matches!(reason, Reason::Needed { need, .. } if *need == wanted)
}

/// Whether a need, or nobody's knowledge of one, had a say in a row.
fn opens(row: &Written) -> bool {
    row.lines.iter().any(|line| {
        line.text.is_empty()
            || line.text == "no"
            || line.reasons.iter().any(|reason| {
                matches!(reason, Reason::Needed { .. } | Reason::Unknown(_) | Reason::Overridden { .. })
            })
    })
}
