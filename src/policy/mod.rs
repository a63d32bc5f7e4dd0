//! A manifest as the posture that it asks for on a release: what strictness hardens, less what each need opens, more
//! what denials close. Everything it knows about a directive it reads from its row; every relaxation keeps its reason.

mod circumstances;
mod claims;
mod common;
mod fold;
mod plan;
mod presumed;
mod stated;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

pub use common::{Statement, alternative, common, justified, stated_needs, statements, without};
pub(crate) use plan::base;
pub use plan::{Placement, Planned, group_of as primary_group, placement, plan};
pub use presumed::{Presumption, StartsAs, presumed};
pub use stated::log_path;

use crate::catalogue::{self, Directive, Give, Managers, Operation, Stage, When};
use crate::context::{Context, Scope};
use crate::manifest::words::SourceFilter;
use crate::manifest::{Manifest, Place, Socket, Strictness};
use crate::need::Need;
use crate::posture::{Origin, Posture, Reason};
use crate::release::covers;
use crate::unit_file::UnitName;
use crate::value::Remark;
use circumstances::Circumstances;
use fold::Folded;

/// What a manifest asks for one of its services.
pub struct Policy {
    /// Every directive as it comes out, implications at load included.
    pub posture: Posture,
    /// What a unit must say for that, in the catalogue's order.
    pub written: Vec<Written>,
    /// What the target's release keeps from being written.
    pub losses: Vec<Loss>,
}

/// The assignments of one directive.
#[derive(Clone, Debug)]
pub struct Written {
    /// The directive.
    pub directive: &'static Directive,
    /// Its assignments, in order.
    pub lines: Vec<WrittenLine>,
}

/// One assignment and why it is there.
#[derive(Clone, Debug)]
pub struct WrittenLine {
    /// The value.
    pub text: String,
    /// Why; strictness alone needs no words.
    pub reasons: Vec<Reason>,
}

/// A directive that the policy would write if the target's release let it.
#[derive(Clone, Debug)]
pub struct Loss {
    /// The directive.
    pub directive: &'static Directive,
    /// The assignments that it would have.
    pub lines: Vec<WrittenLine>,
    /// What stands against it.
    pub cause: LossCause,
}

/// Why a directive is left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LossCause {
    /// The release does not know it.
    NotKnown,
    /// A user's manager cannot apply it.
    UsersManager,
    /// It would force another directive upon the service that a need opens.
    Forces {
        /// The other one.
        other: &'static Directive,
        /// The need that opens it.
        need: Need,
    },
    /// Another target of the same output cannot have it.
    OtherTarget,
}

/// Statements of a manifest that cannot both hold.
#[derive(Debug)]
pub struct Contradictions(pub Vec<Contradiction>);

/// A statement that cannot hold: against another one, or for the target.
#[derive(Debug)]
pub struct Contradiction {
    /// Where it stands.
    pub place: Place,
    /// What is wrong with it.
    pub message: String,
    /// Where the need stands that it contradicts.
    pub also: Option<Place>,
}

impl fmt::Display for Contradictions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, contradiction) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { "\n" };
            let Contradiction { place, message, also } = contradiction;
            write!(f, "{separator}{place}: {message}")?;
            if let Some(also) = also {
                write!(f, "\n  {also}: the need is stated here")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Contradictions {}

/// The policy of one service of `manifest` in `context`, as `strictness` closes what nobody named.
pub fn policy(
    manifest: &Manifest,
    planned: &Planned<'_>,
    context: Context,
    strictness: Strictness,
) -> Result<Policy, Contradictions> {
    of_claims(manifest, planned, &claims::of(manifest, planned), context, strictness, Overrides::Kept)
}

/// What becomes of the overrides of a manifest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Overrides {
    Kept,
    LeftOut,
}

/// The policy of a service that has these needs.
fn of_claims(
    manifest: &Manifest,
    planned: &Planned<'_>,
    claims: &[claims::Claim],
    context: Context,
    strictness: Strictness,
    overrides: Overrides,
) -> Result<Policy, Contradictions> {
    // What a proxy needs is known to the last bit, whatever the manifest knows of its own services.
    let strictness = if planned.is_proxy() { Strictness::Strict } else { strictness };
    let circumstances = Circumstances::of(planned, claims, context.release);
    let folding = fold::Folding {
        manifest,
        planned,
        claims,
        circumstances: &circumstances,
        strictness,
        overrides,
        context,
    };
    let mut problems = Vec::new();
    let mut folded: Vec<Folded> = Vec::new();
    for directive in catalogue::all() {
        match folding.row(directive) {
            Ok(row) => folded.push(row),
            Err(contradiction) => problems.push(contradiction),
        }
    }
    for row in folded.iter().filter(|row| !row.directive.is_known_to(context.release)) {
        problems.extend(row.lines.first().and_then(|line| unknown(row.directive, line, context)));
    }
    if !problems.is_empty() {
        return Err(Contradictions(problems));
    }
    let mut losses = Vec::new();
    let opened: Vec<(&'static Directive, Need)> =
        folded.iter().filter_map(|row| Some((row.directive, row.opened_by?))).collect();
    folded.retain(|row| {
        if row.lines.is_empty() {
            return false;
        }
        let cause = if !row.directive.is_known_to(context.release) {
            Some(LossCause::NotKnown)
        } else if row.directive.managers == Managers::System && context.scope == Scope::User {
            Some(LossCause::UsersManager)
        } else if circumstances.runs_as_user && !row.is_off() {
            forces(row.directive, &opened, context)
        } else {
            None
        };
        let keep = cause.is_none();
        if let Some(cause) = cause {
            losses.push(Loss { directive: row.directive, lines: row.lines.clone(), cause });
        }
        keep
    });
    let names: Vec<&'static str> = folded.iter().map(|row| row.directive.name).collect();
    folded.retain(|row| {
        let literal = |reason: &Reason| matches!(reason, Reason::Overridden { .. } | Reason::Stated(_));
        let literal = row.lines.iter().any(|line| line.reasons.iter().any(literal));
        row.directive.beside.is_none_or(|other| literal || names.contains(&other.name))
    });
    let written: Vec<Written> =
        folded.into_iter().map(|row| Written { directive: row.directive, lines: row.lines }).collect();
    let posture = posture(planned, &written, context)?;
    Ok(Policy { posture, written, losses })
}

/// As systemd reads it: a text that it would not expand it would ignore, which the manifest's words leave out.
fn expanded<'t>(directive: &Directive, text: &'t str, name: Option<&UnitName>) -> Cow<'t, str> {
    name.and_then(|name| directive.kind.expand(text, name).ok()).unwrap_or(Cow::Borrowed(text))
}

/// What a unit comes to that says these things.
fn posture(planned: &Planned<'_>, written: &[Written], context: Context) -> Result<Posture, Contradictions> {
    let mut problems: Vec<Contradiction> = Vec::new();
    let mut posture = Posture::unset(&planned.unit_name(), context);
    let name = planned.asked_about();
    for row in written {
        for line in &row.lines {
            let text = expanded(row.directive, &line.text, name.as_ref());
            let remarks = posture.assign(row.directive, &text, Origin::Policy(Vec::new()));
            problems.extend(remarks.iter().filter_map(|remark| unread(row.directive, line, remark, context)));
        }
        // The reasons of all lines together make the value what it is.
        let reasons = row.lines.iter().flat_map(|line| line.reasons.iter().cloned()).collect();
        posture.attribute(row.directive, Origin::Policy(reasons));
    }
    let service = &*planned.service;
    for (section, key, lines) in service.literal_lines() {
        let Some(directive) = catalogue::find(key) else { continue };
        if !directive.sections.contain(section, context.unit_type) {
            continue;
        }
        let reason = Reason::Stated(service.place.clone());
        if !directive.is_known_to(context.release) {
            let line = WrittenLine { text: String::new(), reasons: vec![reason] };
            problems.extend(unknown(directive, &line, context));
            continue;
        }
        for line in lines {
            posture.assign(
                directive,
                &expanded(directive, line, name.as_ref()),
                Origin::Policy(vec![reason.clone()]),
            );
        }
    }
    if !problems.is_empty() {
        return Err(Contradictions(problems));
    }
    posture.settle(Stage::Load);
    Ok(posture)
}

/// Where a line stands that the manifest says itself.
fn said_at(line: &WrittenLine) -> Option<&Place> {
    line.reasons.iter().find_map(|reason| match reason {
        Reason::Stated(place) | Reason::Overridden { place, .. } => Some(place),
        _ => None,
    })
}

/// A directive that the manifest says itself and the target does not have.
fn unknown(directive: &Directive, line: &WrittenLine, context: Context) -> Option<Contradiction> {
    let message = format!(
        "this becomes {}=, which is read {}; the target is systemd {}",
        directive.name,
        directive.read_by(),
        context.release
    );
    said_at(line).map(|place| Contradiction { place: place.clone(), message, also: None })
}

/// A value that the manifest says itself and the target does not read.
fn unread(
    directive: &Directive,
    line: &WrittenLine,
    remark: &Remark,
    context: Context,
) -> Option<Contradiction> {
    let (Remark::Ignored(why) | Remark::Misread(why) | Remark::Refused(why)) = remark else { return None };
    let message =
        format!("this becomes {}={}, but for systemd {} {why}", directive.name, line.text, context.release);
    said_at(line).map(|place| Contradiction { place: place.clone(), message, also: None })
}

/// What a socket unit must say about who may come: nothing where anybody may.
pub fn socket_policy(socket: &Socket) -> Vec<Written> {
    if socket.from.contains_key(&SourceFilter::Any) {
        return Vec::new();
    }
    let mut written: Vec<Written> = Vec::new();
    for directive in catalogue::all() {
        let mut lines: Vec<WrittenLine> = Vec::new();
        for offer in directive.yields.iter().filter(|offer| offer.to == Need::AcceptsFrom) {
            let Give::Also(template) = offer.give else { continue };
            for (source, because) in &socket.from {
                let text = template.replace("{address}", &source.to_string());
                let because = Arc::from(because.as_str());
                let reason = Reason::Needed { need: offer.to, because, place: socket.place.clone() };
                // What all sources have in common needs no words.
                let reasons = if text == template { Vec::new() } else { vec![reason] };
                if !lines.iter().any(|line| line.text == text) {
                    lines.push(WrittenLine { text, reasons });
                }
            }
        }
        if !lines.is_empty() {
            written.push(Written { directive, lines });
        }
    }
    written
}

/// Which directive that a need opened this one would force shut again in the process.
fn forces(
    directive: &Directive,
    opened: &[(&'static Directive, Need)],
    context: Context,
) -> Option<LossCause> {
    directive.implies.iter().find_map(|implied| {
        let applies = implied.stage == Stage::Exec
            && implied.when == When::OnWithUser
            && matches!(implied.operation, Operation::Force(_))
            && covers(implied.releases, context.release);
        let (other, need) = opened.iter().find(|(other, _)| applies && *other == implied.on)?;
        Some(LossCause::Forces { other, need: *need })
    })
}
