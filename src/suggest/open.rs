//! Suggestions for a unit that no manifest declares.
//!
//! Only what the unit leaves unsaid is suggested: a directive that one of its lines states is a choice that was made.
//! The network, and of a service that starts as root its capabilities and system calls too, cannot be told from
//! lines: they stay as open as they are, but for what hardly anything uses.

use std::cmp::Ordering;
use std::path::Path;
use std::sync::Arc;

use super::{HeldBack, Purpose, Risk, Step, Suggestion};
use crate::catalogue::{self, Directive, EVERYBODYS_DEVICES, Kind, MaskGrammar, Opens, Stage, runs_as_user};
use crate::holes::{Privileges, Surroundings};
use crate::manifest::Strictness;
use crate::need::Need;
use crate::policy::{Contradictions, Policy, Presumption, StartsAs, Written, presumed};
use crate::posture::{Origin, Posture, Reason, default_value};
use crate::score::{Assessment, assess};
use crate::value::Value;

/// What would lower the exposure of a unit, as it is before anything is judged.
pub fn suggest(found: &Posture, around: &Surroundings) -> Result<Suggestion, Contradictions> {
    let context = found.context;
    let keeps_root = around.commands.iter().any(|command| command.privileges == Privileges::KeepsIdentity);
    let starts_as = if runs_as_user(found) && !keeps_root { StartsAs::User } else { StartsAs::Root };
    let shown = shown(found, around);
    let mut needs = shown.clone();
    needs.extend([Need::UsesIp, Need::BindsPort, Need::Interfaces].map(|need| plain(need, "not known")));
    let default = presumed(starts_as, &needs, context, Strictness::Default)?;
    let safe = presumed(starts_as, &needs, context, Strictness::Safe)?;
    let candidates: Vec<Written> = catalogue::all()
        .iter()
        .filter_map(|row| {
            let from = if starts_as == StartsAs::Root && is_privilege(row) { &safe } else { &default };
            from.written.iter().find(|written| written.directive == *row)
        })
        .filter(|written| is_unsaid(written.directive, found) && closes(written, found))
        .cloned()
        .collect();
    let (steps, closed) = steps(found, candidates);
    let strictest = presumed(starts_as, &shown, context, Strictness::Strict)?;
    let assessment = assess(found);
    Ok(Suggestion {
        purpose: Purpose::Harden,
        from: assessment.exposure,
        to: steps.last().map_or(assessment.exposure, |step: &Step| step.exposure),
        held_back: held_back(&strictest, &closed, found),
        steps,
    })
}

fn plain(need: Need, because: &str) -> Presumption {
    Presumption { need, parameters: Vec::new(), because: Arc::from(because) }
}

/// Places whose mention shows a need.
const PLACES: [(&str, Need); 8] = [
    ("/home", Need::WritesHomes),
    ("/root", Need::WritesHomes),
    ("/run/user", Need::WritesHomes),
    ("/tmp", Need::SharesTmp),
    ("/var/tmp", Need::SharesTmp),
    ("/sys/fs/cgroup", Need::KernelCgroups),
    ("/sys", Need::KernelTunables),
    ("/proc/sys", Need::KernelTunables),
];

/// The streams of a service, which it has by other names.
const STREAMS: [&str; 3] = ["/dev/stdin", "/dev/stdout", "/dev/stderr"];

/// The needs that the lines of a unit show.
fn shown(found: &Posture, around: &Surroundings) -> Vec<Presumption> {
    let mut needs: Vec<Presumption> = Vec::new();
    let listed = found.iter().filter(|(row, _)| matches!(row.opens, Opens::Writing(_)));
    let listed = listed.flat_map(|(row, setting)| row.kind.excess(&setting.value, &Value::Words(Vec::new())));
    for path in around.paths.iter().cloned().chain(listed) {
        let path = path.trim_start_matches(['-', '+']);
        let lies_in = |folder: &str| Path::new(path).starts_with(folder);
        let place = PLACES.iter().find(|(folder, _)| lies_in(folder));
        needs.extend(place.map(|(_, need)| plain(*need, path)));
        if lies_in("/dev") && !EVERYBODYS_DEVICES.contains(&path) && !STREAMS.contains(&path) {
            let parameters = vec![("path", path.to_owned()), ("access", "rw".to_owned())];
            needs.push(Presumption { parameters, ..plain(Need::Devices, path) });
        }
    }
    for (row, setting) in found.iter() {
        let name = || format!("{}=", row.name);
        match (&row.kind, &setting.value) {
            (Kind::Mask(MaskGrammar::Ambient), Value::Mask(bits)) if *bits != 0 => {
                for capability in row.kind.excess(&setting.value, &Value::Mask(0)) {
                    let parameters = vec![("name", capability)];
                    needs.push(Presumption { parameters, ..plain(Need::Capabilities, &name()) });
                }
            }
            _ if row.opens == Opens::ControlGroup && found.is_on(row) => {
                needs.push(plain(Need::KernelCgroups, &name()));
            }
            // A list of devices is what it opens.
            (Kind::Words(_), Value::Words(_))
                if found.is_on(row) && row.yields.iter().any(|offer| offer.to == Need::Devices) =>
            {
                needs.push(plain(Need::Devices, &name()));
            }
            _ => {}
        }
    }
    if !catalogue::has_default_dependencies(found) {
        needs.push(plain(Need::EarlyBoot, "no default dependencies"));
    }
    if catalogue::opens_session(found) {
        needs.push(plain(Need::UsesPam, "PAM"));
        needs.push(plain(Need::StartsSessions, "PAM"));
    }
    needs
}

/// Whether a row says which privileges are left, of which root's are all in use as far as anybody knows.
fn is_privilege(row: &Directive) -> bool {
    matches!(row.kind, Kind::Mask(MaskGrammar::Bounding) | Kind::Calls)
}

/// Whether nothing in the unit sets a directive.
fn is_unsaid(directive: &'static Directive, found: &Posture) -> bool {
    let setting = found.get(directive);
    match &setting.origin {
        Origin::Default | Origin::Manager { .. } => true,
        Origin::Bus => setting.value == default_value(directive, &found.context),
        Origin::Line { .. } | Origin::NotKnown | Origin::Implied(_) | Origin::Policy(_) => false,
    }
}

/// Whether assignments make a unit stricter; what says who the service is and how it runs is no suggestion.
fn closes(written: &Written, found: &Posture) -> bool {
    let stated = |reason: &Reason| matches!(reason, Reason::Stated(_));
    if written.lines.iter().any(|line| line.reasons.iter().any(stated)) || !written.directive.confines() {
        return false;
    }
    let after = with(found, written);
    let (before, after) = (&found.get(written.directive).value, &after.get(written.directive).value);
    let helps_others = matches!(written.directive.kind, Kind::Text(_)) && before != after;
    helps_others || written.directive.kind.compare(before, after) == Some(Ordering::Less)
}

/// The unit with some lines more.
fn with(found: &Posture, written: &Written) -> Posture {
    let mut posture = found.clone();
    for line in &written.lines {
        posture.assign(written.directive, &line.text, Origin::Policy(line.reasons.clone()));
    }
    posture.settle(Stage::Load);
    posture
}

/// The candidates in the order of what each adds to those before it, and the unit with all of them.
fn steps(found: &Posture, mut candidates: Vec<Written>) -> (Vec<Step>, Posture) {
    let mut steps = Vec::new();
    let mut posture = found.clone();
    let mut before = assess(&posture);
    while !candidates.is_empty() {
        let tried = candidates.iter().map(|written| {
            let after = with(&posture, written);
            let assessment = assess(&after);
            (after, assessment)
        });
        let least = |(_, (_, one)): &(usize, (Posture, Assessment)),
                     (_, (_, other)): &(usize, (Posture, Assessment))| {
            // As parts of all that is weighed: a check may stop to apply.
            (one.weight.bad * other.weight.of.max(1)).cmp(&(other.weight.bad * one.weight.of.max(1)))
        };
        let Some((place, (after, assessment))) = tried.enumerate().min_by(least) else { break };
        let written = candidates.remove(place);
        steps.push(Step {
            directive: written.directive,
            lines: written.lines.iter().map(|line| line.text.clone()).collect(),
            exposure: assessment.exposure,
            gain: before.exposure.above(assessment.exposure),
            risk: Risk::of(written.directive),
        });
        posture = after;
        before = assessment;
    }
    (steps, posture)
}

/// What the strictest policy would close that stays open.
fn held_back(strictest: &Policy, closed: &Posture, found: &Posture) -> Vec<HeldBack> {
    let rows = strictest.written.iter().filter(|written| written.directive.beside.is_none());
    rows.filter(|written| is_unsaid(written.directive, found) && closes(written, closed))
        .map(|written| {
            let directive = written.directive;
            let mut needs: Vec<&'static str> = Vec::new();
            for offer in directive.yields {
                let word = offer.to.id().split('.').next().unwrap_or_default();
                if !needs.contains(&word) {
                    needs.push(word);
                }
            }
            let lines: Vec<&str> = written.lines.iter().map(|line| line.text.as_str()).collect();
            HeldBack { directive, wanted: lines.join(" "), risk: Risk::of(directive), needs }
        })
        .collect()
}
