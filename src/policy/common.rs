//! One policy for several releases, and the policies that a service would have with other needs or without one.

use std::cmp::Ordering;

use super::claims::{self, Claim, Source};
use super::{
    Contradictions, Loss, LossCause, Overrides, Planned, Policy, Written, of_claims, policy, posture,
};
use crate::context::Context;
use crate::manifest::{Manifest, Place, Strictness};
use crate::need::{Alternative, Need};
use crate::posture::Posture;

/// What can be written for all of `contexts`: each directive only where the policies of all of them write it, and as
/// the weakest does. The losses are those of all; the posture is that of the first context.
pub fn common(
    manifest: &Manifest,
    planned: &Planned<'_>,
    contexts: &[Context],
    strictness: Strictness,
) -> Result<Policy, Contradictions> {
    let mut rest = contexts.iter();
    let Some(first) = rest.next() else { return Err(Contradictions(Vec::new())) };
    let mut all = policy(manifest, planned, *first, strictness)?;
    for context in rest {
        let other = policy(manifest, planned, *context, strictness)?;
        meet(&mut all, other);
    }
    if contexts.len() > 1 {
        all.posture = posture(planned, &all.written, *first)?;
    }
    Ok(all)
}

/// Leaves in `policy` what `other` has, too.
fn meet(policy: &mut Policy, other: Policy) {
    let rows = std::mem::take(&mut policy.written);
    for row in rows {
        let found = other.written.iter().find(|theirs| theirs.directive == row.directive);
        if let Some(weaker) = found.and_then(|theirs| weaker(&row, theirs, policy, &other)) {
            policy.written.push(weaker);
        }
    }
    for loss in other.losses {
        if !policy.losses.iter().any(|known| known.directive == loss.directive) {
            policy.losses.push(loss);
        }
    }
    policy.losses.sort_by_cached_key(|loss| loss.directive.index());
}

/// The weaker of two ways to write a directive; none where neither allows what the other does.
fn weaker(row: &Written, theirs: &Written, policy: &Policy, other: &Policy) -> Option<Written> {
    let same = row.lines.len() == theirs.lines.len()
        && row.lines.iter().zip(&theirs.lines).all(|(mine, theirs)| mine.text == theirs.text);
    if same {
        return Some(row.clone());
    }
    let (value, found) = (&policy.posture.get(row.directive).value, &other.posture.get(row.directive).value);
    match row.directive.kind.compare(value, found)? {
        Ordering::Less | Ordering::Equal => Some(row.clone()),
        Ordering::Greater => Some(theirs.clone()),
    }
}

/// The policy of the service if it had what may stand in for one of its needs; none where it does not state the need.
pub fn alternative(
    manifest: &Manifest,
    planned: &Planned<'_>,
    context: Context,
    strictness: Strictness,
    (need, instead): (Need, &Alternative),
) -> Option<Result<Policy, Contradictions>> {
    let (replaced, mut claims): (Vec<Claim>, Vec<Claim>) =
        claims::of(manifest, planned).into_iter().partition(|claim| claim.need == need);
    let stated = replaced.first()?;
    claims.extend(instead.needs.iter().map(|need| Claim {
        need: *need,
        parameters: Vec::new(),
        ..stated.clone()
    }));
    Some(of_claims(manifest, planned, &claims, context, strictness, Overrides::Kept))
}

/// The needs of a service that the manifest states or that follow from it, each where it stands first.
pub fn stated_needs(manifest: &Manifest, planned: &Planned<'_>) -> Vec<(Need, Place)> {
    let mut needs: Vec<(Need, Place)> = Vec::new();
    for claim in claims::of(manifest, planned) {
        if !needs.iter().any(|(known, _)| *known == claim.need) {
            needs.push((claim.need, claim.place));
        }
    }
    needs
}

/// What the needs of a service justify and nothing else: the strictest policy, without overrides.
pub fn justified(
    manifest: &Manifest,
    planned: &Planned<'_>,
    context: Context,
) -> Result<Policy, Contradictions> {
    let claims = claims::of(manifest, planned);
    of_claims(manifest, planned, &claims, context, Strictness::Strict, Overrides::LeftOut)
}

/// A need as a line of the manifest states it; one line may come to several needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The first of the needs that it comes to.
    pub need: Need,
    /// Where it stands.
    pub place: Place,
}

/// The needs that a manifest states for a service, without those that only follow from its other parts.
pub fn statements(manifest: &Manifest, planned: &Planned<'_>) -> Vec<Statement> {
    let mut statements: Vec<Statement> = Vec::new();
    for claim in claims::of(manifest, planned).into_iter().filter(|claim| claim.source == Source::Stated) {
        if !statements.iter().any(|known| known.place == claim.place) {
            statements.push(Statement { need: claim.need, place: claim.place });
        }
    }
    statements
}

/// The same as [`justified`], if the manifest lacked a statement.
pub fn without(
    manifest: &Manifest,
    planned: &Planned<'_>,
    context: Context,
    statement: &Statement,
) -> Result<Policy, Contradictions> {
    let mut claims = claims::of(manifest, planned);
    claims.retain(|claim| claim.place != statement.place);
    of_claims(manifest, planned, &claims, context, Strictness::Strict, Overrides::LeftOut)
}

impl Policy {
    /// What the same unit comes to in another context.
    pub fn posture_in(&self, planned: &Planned<'_>, context: Context) -> Result<Posture, Contradictions> {
        posture(planned, &self.written, context)
    }

    /// What this policy would write and `shared` does not, because of the other targets of the same output.
    pub fn kept_from(&self, shared: &Policy) -> Vec<Loss> {
        let missing = self
            .written
            .iter()
            .filter(|row| !shared.written.iter().any(|kept| kept.directive == row.directive));
        missing
            .map(|row| Loss {
                directive: row.directive,
                lines: row.lines.clone(),
                cause: LossCause::OtherTarget,
            })
            .collect()
    }
}
