//! From a posture to what a report says of it: figures, and the comparison with the manifest that declares the unit.

use crate::catalogue;
use crate::commands::manifests::Manifests;
use crate::drift::{self, Drift};
use crate::finding::Finding;
use crate::manifest::{Manifest, Strictness};
use crate::policy::{Planned, policy};
use crate::posture::Posture;
use crate::report::{Declared, Judged, Outcome, Source, UnitReport};
use crate::score::{Exposure, assess};
use crate::unit_posture::{LineNotice, NoticeKind};

/// What every unit of a run is judged by.
pub(super) struct Judge {
    /// Where manifests are looked up.
    pub(super) manifests: Manifests,
    /// Whether they come from the command line, so that a unit that was named must be in them.
    pub(super) given: Option<String>,
    /// The highest exposure that is no finding.
    pub(super) threshold: Option<Exposure>,
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
    /// What there is to know of it already.
    pub(super) findings: Vec<Finding>,
}

impl Judge {
    /// Judges a unit that was read.
    pub(super) fn judge(&self, found: Found<'_>) -> UnitReport {
        let Found { unit, names, source, asked, mut posture, mut findings } = found;
        let context = posture.context;
        let assessment = assess(&posture);
        let declared = match self.manifests.declaring(&names) {
            Some((manifest, planned)) => declare(manifest, &planned, &posture, assessment.exposure).map(Some),
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
                // The report shows the values that the checks saw.
                posture.settle(catalogue::judgement(context.mode));
                Outcome::Judged(Box::new(Judged { posture, assessment, declared }))
            }
            Err(why) => Outcome::Failed(why),
        };
        UnitReport { unit, source, context: Some(context), outcome, findings }
    }

    /// Judges what a manifest asks for; `strict` is the figure of its strictest policy, where that is another one.
    pub(super) fn judge_policy(
        &self,
        manifest: &Manifest,
        mut posture: Posture,
        strict: Option<Exposure>,
    ) -> UnitReport {
        let context = posture.context;
        let assessment = assess(&posture);
        posture.settle(catalogue::judgement(context.mode));
        let mut findings = Vec::new();
        self.limit(assessment.exposure, &mut findings);
        let declared = Declared {
            manifest: manifest.path.clone(),
            policy: assessment.exposure,
            avoidable: assessment.exposure.above(strict.unwrap_or(assessment.exposure)),
            drift: Drift::default(),
        };
        UnitReport {
            unit: posture.unit.to_string(),
            source: Source::Manifest,
            context: Some(context),
            outcome: Outcome::Judged(Box::new(Judged { posture, assessment, declared: Some(declared) })),
            findings,
        }
    }

    fn limit(&self, exposure: Exposure, findings: &mut Vec<Finding>) {
        if let Some(threshold) = self.threshold.filter(|threshold| exposure > *threshold) {
            let text = format!("exposure {exposure} is above the threshold {threshold}");
            findings.push(Finding::new("exposure.above-threshold", text));
        }
    }
}

fn declare(
    manifest: &Manifest,
    planned: &Planned<'_>,
    posture: &Posture,
    exposure: Exposure,
) -> Result<Declared, String> {
    let wanted = |strictness: Strictness| {
        policy(manifest, planned, posture.context, strictness)
            .map_err(|contradictions| format!("its manifest contradicts itself: {contradictions}"))
    };
    let wanted_posture = wanted(manifest.strictness)?.posture;
    let policy = assess(&wanted_posture).exposure;
    let strict = match manifest.strictness {
        Strictness::Strict => policy,
        Strictness::Safe | Strictness::Default => assess(&wanted(Strictness::Strict)?.posture).exposure,
    };
    Ok(Declared {
        manifest: manifest.path.clone(),
        policy,
        avoidable: exposure.above(strict),
        drift: drift::compare(&wanted_posture, posture),
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
        };
        Finding { place: Some((line.path, line.line)), directive: line.directive, ..finding }
    };
    lines.into_iter().map(finding).collect()
}
