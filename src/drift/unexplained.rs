//! What a policy leaves open and the unit too, with no need behind it: neither drift nor declared.

use super::{Difference, Drift, Relation, difference, is_moot, settled, written};
use crate::finding::Severity;
use crate::manifest::Strictness;
use crate::policy::{LossCause, Policy};
use crate::posture::{Origin, Posture, Reason};

/// What leaves a directive open where nothing in the manifest speaks of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeftOpen {
    /// The manifest's strictness.
    Strictness(Strictness),
    /// The release, or the manager that runs the unit.
    Target(LossCause),
}

impl Drift {
    /// Adds what is as open as `wanted` has it, and more open than `justified`: what the needs alone explain.
    pub fn add_unexplained(
        &mut self,
        wanted: &Posture,
        justified: &Policy,
        found: &Posture,
        strictness: Strictness,
    ) {
        let (shut, found) = (settled(&justified.posture), settled(found));
        let mut open = Vec::new();
        for (directive, closed) in shut.iter() {
            let has = found.get(directive);
            let known = self.differences.iter().any(|difference| difference.directive == directive);
            if known || !directive.confines() || is_moot(directive, &found) || has.origin == Origin::NotKnown
            {
                continue;
            }
            let Some(difference) = difference(directive, closed, has, &found) else { continue };
            if difference.relation != Relation::Weaker {
                continue;
            }
            let reasons: Vec<Reason> = match &wanted.get(directive).origin {
                Origin::Policy(reasons) => reasons.iter().filter(|reason| opens(reason)).cloned().collect(),
                _ => Vec::new(),
            };
            open.push(Difference {
                relation: Relation::Unexplained,
                severity: Severity::Notice,
                left_open: reasons.is_empty().then_some(LeftOpen::Strictness(strictness)),
                reasons,
                ..difference
            });
        }
        for loss in &justified.losses {
            // What a need opens is explained by it.
            if matches!(loss.cause, LossCause::Forces { .. }) {
                continue;
            }
            let has = found.get(loss.directive);
            let lines: Vec<&str> = loss.lines.iter().map(|line| line.text.as_str()).collect();
            open.push(Difference {
                directive: loss.directive,
                relation: Relation::Unexplained,
                severity: Severity::Notice,
                wanted: lines.join(" "),
                found: if has.origin == Origin::NotKnown {
                    String::new()
                } else {
                    written(loss.directive, has)
                },
                only_found: Vec::new(),
                only_wanted: Vec::new(),
                origin: has.origin.clone(),
                reasons: Vec::new(),
                left_open: Some(LeftOpen::Target(loss.cause.clone())),
                accepted: None,
            });
        }
        open.sort_by_cached_key(|difference| difference.directive.index());
        self.differences.extend(open);
    }
}

/// Whether a reason of a policy leaves a directive open although no need asks for it.
fn opens(reason: &Reason) -> bool {
    match reason {
        Reason::Unknown(_) | Reason::Overridden { .. } => true,
        Reason::Strictness
        | Reason::Stated(_)
        | Reason::Denied { .. }
        | Reason::Needed { .. }
        | Reason::Forces { .. } => false,
    }
}
