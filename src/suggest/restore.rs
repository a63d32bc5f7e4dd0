//! The lines that bring a unit back to the policy of its manifest.

use super::{Purpose, Risk, Step, Suggestion};
use crate::catalogue::{Directive, Stage};
use crate::drift::{self, Difference};
use crate::policy::Policy;
use crate::posture::{Origin, Posture};
use crate::score::assess;

/// What undoes every difference that counts. What no drop-in can undo stays drift: a release that does not know a
/// directive, a value that only the manager has.
pub fn restore(policy: &Policy, found: &Posture, differences: &[Difference]) -> Suggestion {
    let before = assess(found);
    let (mut posture, mut last) = (found.clone(), before.exposure);
    let mut steps = Vec::new();
    for difference in differences.iter().filter(|difference| difference.severity.counts()) {
        let Some((lines, after)) = undone(difference.directive, policy, &posture) else { continue };
        let exposure = assess(&after).exposure;
        steps.push(Step {
            directive: difference.directive,
            lines,
            exposure,
            gain: last.above(exposure),
            risk: Risk::None,
        });
        (posture, last) = (after, exposure);
    }
    Suggestion { purpose: Purpose::Restore, steps, from: before.exposure, to: last, held_back: Vec::new() }
}

/// The first way to say a directive that comes to what the policy has: lists add up, so that most must be emptied
/// before, but an empty set of capabilities is none.
fn undone(directive: &'static Directive, policy: &Policy, found: &Posture) -> Option<(Vec<String>, Posture)> {
    let wanted = policy.posture.get(directive);
    let said = policy.written.iter().find(|written| written.directive == directive);
    let said: Vec<String> =
        said.iter().flat_map(|written| &written.lines).map(|line| line.text.clone()).collect();
    let emptied = |lines: &[String]| [&[String::new()], lines].concat();
    let whole = vec![directive.kind.write(&wanted.value)];
    let ways = [emptied(&said), said, emptied(&whole), whole, vec![String::new()]];
    ways.into_iter().filter(|lines| !lines.is_empty()).find_map(|lines| {
        let mut after = found.clone();
        for line in &lines {
            after.assign(directive, line, Origin::Policy(Vec::new()));
        }
        after.settle(Stage::Load);
        drift::agree(directive, wanted, after.get(directive), &after).then_some((lines, after))
    })
}
