//! From a posture to what a report says of it: figures, and the comparison with the manifest that declares the unit.

use std::sync::Arc;

use super::host::Beside;
use crate::catalogue;
use crate::commands::manifests::Manifests;
use crate::drift::{self, Drift, Relation, Use};
use crate::evidence::Evidence;
use crate::finding::Finding;
use crate::holes::{self, Surroundings};
use crate::manifest::{Manifest, Strictness};
use crate::policy::{Planned, Policy, justified, plan, policy, statements, without};
use crate::posture::Posture;
use crate::report::{Declared, Judged, Outcome, Source, UnitReport};
use crate::score::{Assessment, Exposure, assess, assess_settled};
use crate::suggest;
use crate::unit_posture::{LineNotice, NoticeKind};

/// What every unit of a run is judged by.
pub(super) struct Judge {
    /// Where manifests are looked up.
    pub(super) manifests: Manifests,
    /// Whether they come from the command line, so that a unit that was named must be in them.
    pub(super) given: Option<String>,
    /// The highest exposure that is no finding.
    pub(super) threshold: Option<Exposure>,
    /// Whether drop-ins are asked for.
    pub(super) suggests: bool,
}

/// Why a unit is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// It was named.
    ByName,
    /// All were asked for.
    AmongAll,
}

impl Asked {
    /// The outcome for a unit that cannot be judged.
    pub(super) fn failed(self, why: String) -> Outcome {
        match self {
            Self::ByName => Outcome::Failed(why),
            Self::AmongAll => Outcome::PassedOver(why),
        }
    }
}

/// A unit that was read.
pub(super) struct Found<'n> {
    /// How the report calls it.
    pub(super) unit: String,
    /// Every name that a manifest may declare it by.
    pub(super) names: Vec<&'n str>,
    /// Where it was read.
    pub(super) source: Source,
    /// Why it is looked at.
    pub(super) asked: Asked,
    /// What it was found to be.
    pub(super) posture: Posture,
    /// What belongs to it beside its directives.
    pub(super) around: Surroundings,
    /// What there is to know of it already.
    pub(super) findings: Vec<Finding>,
    /// The host that it belongs to, where that is looked at too.
    pub(super) beside: Option<Beside<'n>>,
    /// What the kernel shows of it, where that was looked for.
    pub(super) evidence: Option<Vec<Evidence>>,
}

impl Judge {
    /// Judges a unit that was read.
    pub(super) fn judge(&self, found: Found<'_>) -> UnitReport {
        let Found { unit, names, source, asked, mut posture, around, mut findings, beside, evidence } = found;
        let context = posture.context;
        let declaring = self.manifests.declaring(&names);
        let entry = declaring.as_ref().map(|(manifest, planned)| holes::Declared { manifest, planned });
        findings.extend(holes::holes(&posture, &around, entry));
        let mut suggestion = None;
        if self.suggests && declaring.is_none() {
            // It can only fail where the catalogue contradicts itself: then there is nothing to suggest.
            suggestion = suggest::suggest(&posture, &around).ok();
        }
        let loaded = declaring.as_ref().map(|_| posture.clone());
        // The report shows the values that the checks saw.
        posture.settle(catalogue::judgement(context.mode));
        let assessment = assess_settled(&posture);
        let declared = match declaring.zip(loaded.as_ref()) {
            Some(((manifest, planned), loaded)) => {
                let audited = beside.map(|beside| beside.audit(manifest, &planned, loaded, &around.commands));
                findings.extend(audited.into_iter().flatten());
                let declared = declare(manifest, &planned, loaded, assessment.exposure, &mut findings);
                if let Ok(declared) = &declared
                    && self.suggests
                {
                    let policy = policy(manifest, &planned, context, manifest.strictness).ok();
                    let differences = &declared.drift.differences;
                    suggestion = policy.map(|policy| suggest::restore(&policy, loaded, differences));
                }
                declared.map(Some)
            }
            None => match &self.given {
                Some(path) if asked == Asked::ByName => Err(format!("`{path}` does not declare it")),
                _ => Ok(None),
            },
        };
        self.limit(assessment.exposure, &mut findings);
        if assessment.is_partial() {
            let text = format!(
                "the figure lacks checks: not all system calls of {} are known",
                context.architecture
            );
            findings.push(Finding::notice("checks.not-known", text));
        }
        let outcome = match declared {
            Ok(declared) => {
                if let Some(declared) = &declared {
                    findings.extend(not_known(&declared.drift, &posture));
                }
                Outcome::Judged(Box::new(Judged { posture, assessment, declared, suggestion }))
            }
            Err(why) => Outcome::Failed(why),
        };
        UnitReport { unit, source, context: Some(context), outcome, findings, evidence }
    }

    /// Judges what a manifest asks for a service; `strict` is what its strictest policy comes to, where that is
    /// another one.
    pub(super) fn judge_policy(
        &self,
        manifest: &Manifest,
        mut posture: Posture,
        service: String,
        strict: Option<Assessment>,
    ) -> UnitReport {
        let context = posture.context;
        posture.settle(catalogue::judgement(context.mode));
        let assessment = assess_settled(&posture);
        let mut findings = Vec::new();
        self.limit(assessment.exposure, &mut findings);
        let floor = strict.as_ref().map_or(assessment.exposure, |strict| strict.exposure);
        let declared = Declared {
            policy: assessment.exposure,
            avoidable: assessment.exposure.above(floor),
            strict,
            ..declaration(manifest, service)
        };
        UnitReport {
            unit: posture.unit.to_string(),
            source: Source::Manifest,
            context: Some(context),
            outcome: Outcome::Judged(Box::new(Judged {
                posture,
                assessment,
                declared: Some(declared),
                suggestion: None,
            })),
            findings,
            evidence: None,
        }
    }

    fn limit(&self, exposure: Exposure, findings: &mut Vec<Finding>) {
        if let Some(threshold) = self.threshold.filter(|threshold| exposure > *threshold) {
            let text = format!("exposure {exposure} is above the threshold {threshold}");
            findings.push(Finding::new("exposure.above-threshold", text));
        }
    }
}

/// What a manifest says of a unit before anything is compared.
fn declaration(manifest: &Manifest, service: String) -> Declared {
    Declared {
        manifest: manifest.path.clone(),
        service,
        services: plan(manifest).len(),
        accept: Arc::new(manifest.accept.clone()),
        policy: Exposure::from_tenths(0),
        avoidable: Exposure::from_tenths(0),
        strict: None,
        drift: Drift::default(),
    }
}

fn declare(
    manifest: &Manifest,
    planned: &Planned<'_>,
    posture: &Posture,
    exposure: Exposure,
    findings: &mut Vec<Finding>,
) -> Result<Declared, String> {
    let context = posture.context;
    let wanted = |strictness: Strictness| {
        policy(manifest, planned, context, strictness)
            .map_err(|contradictions| format!("its manifest contradicts itself: {contradictions}"))
    };
    let wanted_posture = wanted(manifest.strictness)?.posture;
    let policy = assess(&wanted_posture).exposure;
    let strict = match manifest.strictness {
        Strictness::Strict => assess(&wanted_posture),
        Strictness::Safe | Strictness::Default => assess(&wanted(Strictness::Strict)?.posture),
    };
    let mut drift = drift::compare(&wanted_posture, posture);
    let stricter = drift
        .differences
        .iter()
        .any(|difference| matches!(difference.relation, Relation::Stricter | Relation::Other));
    // An override may be all that keeps a manifest from contradicting itself: then nothing is known beyond it.
    if let Ok(justified) = justified(manifest, planned, context) {
        if stricter {
            findings.extend(unused(manifest, planned, &justified, posture));
        }
        drift.add_unexplained(&wanted_posture, &justified, posture, manifest.strictness);
    }
    Ok(Declared {
        policy,
        avoidable: exposure.above(strict.exposure),
        strict: Some(strict),
        drift,
        ..declaration(manifest, planned.unit_name())
    })
}

/// The needs that the unit does not use: all that they open is shut.
fn unused(
    manifest: &Manifest,
    planned: &Planned<'_>,
    justified: &Policy,
    found: &Posture,
) -> impl Iterator<Item = Finding> {
    statements(manifest, planned).into_iter().filter_map(move |statement| {
        let without = without(manifest, planned, found.context, &statement).ok()?;
        let Use::NoneOf(directives) = drift::uses(&justified.posture, &without.posture, found) else {
            return None;
        };
        let names: Vec<String> = directives.iter().map(|directive| format!("{}=", directive.name)).collect();
        let text = format!(
            "the unit shuts all that `{}` opens ({}): take the need out of the manifest, or open the unit",
            statement.need,
            names.join(" ")
        );
        Some(Finding {
            place: Some((statement.place.file.clone(), Some(statement.place.line))),
            ..Finding::notice("need.unused", text).of(statement.need.id())
        })
    })
}

fn not_known<'d>(drift: &'d Drift, posture: &'d Posture) -> impl Iterator<Item = Finding> + 'd {
    let release = posture.context.release;
    drift.not_known.iter().map(move |directive| Finding {
        directive: Some(directive),
        ..Finding::notice(
            "property.not-known",
            format!("{}= is not known to systemd {release}", directive.name),
        )
    })
}

/// What there is to know of a unit's lines: what systemd misreads opens what the line seems to close.
pub(super) fn of_lines(lines: Vec<LineNotice>) -> Vec<Finding> {
    let finding = |line: LineNotice| {
        let finding = match line.kind {
            NoticeKind::Misread => Finding::new("line.misread", line.text),
            NoticeKind::Ignored | NoticeKind::Refused => Finding::notice("line.ignored", line.text),
            NoticeKind::NotKnown => Finding::notice("line.not-known", line.text),
            NoticeKind::Outdated => Finding::notice("line.outdated", line.text),
        };
        Finding { place: Some((line.path, line.line)), directive: line.directive, ..finding }
    };
    lines.into_iter().map(finding).collect()
}
