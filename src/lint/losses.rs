//! What a target costs each service: the directives that are left out for it, what stands in, the exposure with and
//! without, and what the manifest could say instead.

use std::collections::BTreeMap;

use super::{Finding, Severity};
use crate::catalogue::{self, Directive, Kind, MaskGrammar, Stage};
use crate::context::{Context, Mode};
use crate::manifest::{Manifest, Place};
use crate::need::Need;
use crate::policy::{
    Contradictions, Loss, LossCause, Planned, Policy, alternative, common, plan, policy, stated_needs,
};
use crate::posture::{Origin, Posture};
use crate::render::target_context;
use crate::score::{Exposure, assess};
use crate::target::{Target, fit};
use crate::value::{Value, bit};

/// What comes of one service on one target.
#[derive(Clone, Debug)]
pub struct Fit {
    /// The unit.
    pub unit: String,
    /// The target.
    pub target: Target,
    /// The exposure of what is rendered, as the target's own release judges files.
    pub exposure: Exposure,
    /// What is left out, by its cause.
    pub lost: Vec<Lost>,
}

/// Directives that are left out for one cause.
#[derive(Clone, Debug)]
pub struct Lost {
    /// The directives, in the catalogue's order.
    pub directives: Vec<&'static Directive>,
    /// The cause.
    pub cause: LossCause,
    /// What that adds to the exposure.
    pub cost: Exposure,
    /// Where the need is stated that is the cause, if one is.
    pub place: Option<Place>,
    /// Other directives that keep the service from the same.
    pub stand_ins: Vec<String>,
    /// What the manifest could say instead, and the exposure of that.
    pub instead: Option<Instead>,
}

/// Another way.
#[derive(Clone, Debug)]
pub struct Instead {
    /// What the manifest would say.
    pub says: &'static str,
    /// What the exposure would be.
    pub exposure: Exposure,
}

/// What `targets` cost the services of a manifest when they have one output together.
pub fn losses(manifest: &Manifest, targets: &[Target]) -> Result<Vec<Fit>, Contradictions> {
    let manifest = &fit(manifest, targets)?.manifest;
    let context = |target| Context { mode: Mode::Offline, ..target_context(target, manifest) };
    let contexts: Vec<Context> = targets.iter().map(context).collect();
    let mut fits = Vec::new();
    for planned in plan(manifest) {
        let shared = common(manifest, &planned, &contexts, manifest.strictness)?;
        for (target, context) in targets.iter().zip(&contexts) {
            let own = match contexts.as_slice() {
                [_] => None,
                _ => Some(policy(manifest, &planned, *context, manifest.strictness)?),
            };
            fits.push(on_target(manifest, &planned, &shared, own.as_ref(), target, *context)?);
        }
    }
    Ok(fits)
}

/// `own` is the policy for the target alone, where that is another one.
fn on_target(
    manifest: &Manifest,
    planned: &Planned<'_>,
    shared: &Policy,
    own: Option<&Policy>,
    target: &Target,
    context: Context,
) -> Result<Fit, Contradictions> {
    let posture = match own {
        Some(_) => shared.posture_in(planned, context)?,
        None => shared.posture.clone(),
    };
    let exposure = assess(&posture).exposure;
    let elsewhere = own.map(|own| own.kept_from(shared)).unwrap_or_default();
    let own = own.unwrap_or(shared);
    let mut groups: BTreeMap<LossCause, Vec<Loss>> = BTreeMap::new();
    for loss in own.losses.iter().cloned().chain(elsewhere) {
        groups.entry(loss.cause.clone()).or_default().push(loss);
    }
    let mut lost = Vec::new();
    for (cause, losses) in groups {
        let (mut place, mut instead) = (None, None);
        if let LossCause::Forces { need, .. } = cause {
            let stated = stated_needs(manifest, planned);
            place = stated.into_iter().find(|(stated, _)| *stated == need).map(|(_, place)| place);
            instead = other_way(manifest, planned, context, need)?;
        }
        lost.push(Lost {
            cost: exposure.above(assess(&with(&posture, &losses)).exposure),
            stand_ins: losses.iter().filter_map(|loss| stand_in(loss.directive, &posture)).collect(),
            directives: losses.iter().map(|loss| loss.directive).collect(),
            cause,
            place,
            instead,
        });
    }
    Ok(Fit { unit: planned.unit_name(), target: target.clone(), exposure, lost })
}

fn other_way(
    manifest: &Manifest,
    planned: &Planned<'_>,
    context: Context,
    need: Need,
) -> Result<Option<Instead>, Contradictions> {
    let Some(way) = need.row().alternative else { return Ok(None) };
    let other = alternative(manifest, planned, context, manifest.strictness, (need, way)).transpose()?;
    Ok(other.map(|policy| Instead { says: way.says, exposure: assess(&policy.posture).exposure }))
}

/// The posture if the target let the lost directives be.
fn with(posture: &Posture, losses: &[Loss]) -> Posture {
    let release = posture.context.release;
    let mut posture = posture.clone();
    for loss in losses.iter().filter(|loss| loss.directive.is_known_to(release)) {
        for line in &loss.lines {
            posture.assign(loss.directive, &line.text, Origin::Policy(line.reasons.clone()));
        }
    }
    posture.settle(Stage::Load);
    posture
}

/// What keeps the service from the same as a directive that is left out: the lack of a capability.
fn stand_in(lost: &Directive, posture: &Posture) -> Option<String> {
    let capability = lost.capability?;
    let is_bounding = |row: &&&Directive| matches!(row.kind, Kind::Mask(MaskGrammar::Bounding));
    let bounding = catalogue::all().iter().find(is_bounding)?;
    let Value::Mask(kept) = posture.get(bounding).value else { return None };
    let lacks = kept & bit(capability) == 0;
    lacks.then(|| format!("{}= without {capability} for {}=", bounding.name, lost.name))
}

impl Lost {
    /// The cause in words.
    pub fn why(&self) -> String {
        match &self.cause {
            LossCause::NotKnown => "its systemd does not know them".to_owned(),
            LossCause::UsersManager => "users' managers cannot apply them".to_owned(),
            LossCause::Forces { other, need } => {
                format!("up to systemd 254 each would force {}=, which `{need}` needs open", other.name)
            }
            LossCause::OtherTarget => {
                "another of the targets cannot have them, so that only --split writes them".to_owned()
            }
        }
    }
}

impl Fit {
    /// How many directives are left out.
    pub fn count(&self) -> usize {
        self.lost.iter().map(|lost| lost.directives.len()).sum()
    }

    /// One line where something is lost that counts in the figure.
    pub fn summary(&self) -> Option<String> {
        let cost = self.lost.iter().map(|lost| lost.cost).max().filter(|cost| cost.tenths() > 0)?;
        let instead = self.lost.iter().find_map(|lost| lost.instead.as_ref());
        let instead = instead
            .map_or_else(String::new, |way| format!("; `{}` instead gives {}", way.says, way.exposure));
        Some(format!(
            "{} on {}: exposure {}, of which {cost} for {} directives left out{instead}",
            self.unit,
            self.target.name,
            self.exposure,
            self.count()
        ))
    }

    /// The needs that the target cannot grant without giving up more.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let forced = self.lost.iter().filter_map(|lost| Some((lost, lost.place.as_ref()?)));
        forced
            .map(|(lost, place)| {
                let instead = lost.instead.as_ref().map_or_else(String::new, |way| {
                    format!("; `{}` instead gives {}", way.says, way.exposure)
                });
                Finding {
                    place: place.clone(),
                    severity: Severity::Warning,
                    id: "lost",
                    unit: Some(self.unit.clone()),
                    targets: vec![self.target.name.clone()],
                    message: format!(
                        "{} directives are left out, which costs {} of {}: {}{instead}",
                        lost.directives.len(),
                        lost.cost,
                        self.exposure,
                        lost.why()
                    ),
                }
            })
            .collect()
    }
}
