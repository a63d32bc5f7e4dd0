//! The drop-in of a policy for a unit that is there already: what the unit does not say itself and nothing else, each
//! line beside what it takes the place of; and in what the service is another than the manifest says.
//!
//! What a line is worth is not guessed from its text: the unit is read with it and without it, as each release reads
//! it, at the place among the unit's own drop-ins where it will stand. So a list is emptied first where it must be
//! narrower, what another directive brings along is not said again, and what a later drop-in takes back is found.
//! Where the unit is stricter than the policy it stays so, unless a need, a key or an override of the manifest asks
//! for less.

mod functional;
mod lines;

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::catalogue::{self, Directive};
use crate::context::Context;
use crate::drift::{self, Relation};
use crate::finding::Finding;
use crate::gather::Gather as _;
use crate::manifest::{Manifest, OverrideValue, Strictness};
use crate::policy::{Planned, Policy, common, plan};
use crate::posture::{Origin, Posture, Reason, Setting};
use crate::render::{self, DROP_IN, Exact, File, FileKind, Form};
use crate::target::{self, Target};
use crate::unit_file::{Assignment, UnitText};
use crate::unit_posture::{Reading, read};
use lines::{Fitting, Lines, Opening, World};

/// The drop-in of a service for the unit that it will sit on.
pub struct Against {
    /// The drop-in.
    pub file: File,
    /// What its lines cannot reach, and what the service is that the manifest does not say. Those that count make a run
    /// end with findings.
    pub findings: Vec<Finding>,
    /// The unit without the drop-in, on the first target.
    pub before: Posture,
    /// The same with it.
    pub after: Posture,
    /// Directives of the drop-in.
    pub said: usize,
    /// Directives of the policy that the unit has already.
    pub repeated: Vec<&'static Directive>,
}

/// Fits the drop-in of one of the services of `manifest` to `unit`, its files with their drop-ins, for all of `targets`
/// at once.
///
/// # Errors
///
/// Where the manifest contradicts itself or a target, or where systemd refuses the unit.
pub fn against(manifest: &Manifest, targets: &[Target], service: &str, unit: &UnitText) -> Result<Against> {
    let (unit, hidden) = without_own(unit);
    let rendered = render::render(manifest, targets, Form::Units)?;
    let whole = rendered
        .iter()
        .find(|file| matches!(file.kind, FileKind::Unit | FileKind::UserUnit) && file.name == service)
        .with_context(|| format!("the manifest does not declare `{service}`"))?;
    let whole = unit.clone().with_text("manifest", &whole.text);
    let manifest = &target::fit(manifest, targets)?.manifest;
    let planned = plan(manifest).into_iter().find(|planned| planned.unit_name() == service);
    let planned = planned.with_context(|| format!("the manifest does not declare `{service}`"))?;
    let contexts: Vec<Context> =
        targets.iter().map(|target| render::target_context(target, manifest)).collect();
    let policy = common(manifest, &planned, &contexts, manifest.strictness)?;
    let strictest = common(manifest, &planned, &contexts, Strictness::Strict)?;

    let mut worlds = Vec::new();
    for context in contexts {
        let unset = Posture::unset(unit.id.as_str(), context);
        let Reading { posture, refused, .. } = read(&unit, &unset);
        if let Some(refused) = refused {
            bail!("systemd {} refuses `{}`: {}: {}", context.release, unit.id, refused.path, refused.text);
        }
        worlds.push(World { wanted: wanted(&whole, &unset, &policy), found: posture, unset });
    }
    let openings = openings(&policy, &strictest, &worlds);
    let fitting = Fitting {
        place: place_among(&unit),
        unit: &unit,
        worlds: &worlds,
        openings: &openings,
        policy: &policy,
        left_open: left_open(&planned, &strictest),
    };
    let lines = fitting.lines();

    let mut findings = functional::drift(&whole, &unit, &worlds, &policy);
    findings.extend(hidden);
    findings.extend(unreached(&fitting, &lines));
    findings.extend(kept(&fitting, &lines));
    let said = lines::written(&lines);
    let repeated =
        fitting.scope().filter(|row| fitting.said(row).is_some() && !lines.contains_key(&row.index()));
    let notes = said.iter().filter_map(|written| {
        Some((written.directive.index(), in_place(written.directive, &lines, &fitting)?))
    });
    let exact = Exact { beside: &short(&unit), written: &said, notes: &notes.gather() };
    let file = render::drop_in(manifest, targets, &planned, &policy, &exact)?;
    let before = worlds.first().context("no target")?.found.clone();
    let after = fitting.read(&lines).into_iter().next().context("no target")?;
    Ok(Against { file, findings, before, after, said: said.len(), repeated: repeated.collect() })
}

/// The unit without the drop-in that is to be written, and what there is to say where another stands in its place.
fn without_own(unit: &UnitText) -> (UnitText, Option<Finding>) {
    let is_own = |path: &Path| path.file_name().is_some_and(|name| name == DROP_IN);
    let own = unit.drop_ins.iter().find(|path| is_own(path));
    let Some(own) = own else { return (unit.clone(), None) };
    let lines = || unit.assignments.iter().filter(|line| &*line.source == own.as_path());
    // Of files with one name the first in the order of search counts (systemd.unit(5)).
    let foreign = !lines().any(|line| line.section == render::MARK) && lines().next().is_some();
    let hidden = foreign.then(|| {
        let text = format!(
            "{} was not made here, and one of two drop-ins of one name counts: what it says is left out of account",
            own.display()
        );
        Finding::notice("against.same-name", text)
    });
    let mut rest = unit.clone();
    rest.drop_ins.retain(|path| path != own);
    rest.assignments.retain(|line| &*line.source != own.as_path());
    rest.notices.retain(|notice| &*notice.path != own.as_path());
    (rest, hidden)
}

/// Where the lines of the drop-in stand among those of the unit: drop-ins apply in the order of their names, after the
/// unit's own file.
fn place_among(unit: &UnitText) -> usize {
    let is_later = |line: &Assignment| {
        let is_drop_in = unit.drop_ins.iter().any(|path| path.as_path() == &*line.source);
        is_drop_in && line.source.file_name().is_some_and(|name| name > DROP_IN)
    };
    unit.assignments.iter().position(is_later).unwrap_or(unit.assignments.len())
}

/// The policy as the loader reads it, with its reasons.
fn wanted(whole: &UnitText, unset: &Posture, policy: &Policy) -> Posture {
    let mut wanted = read(whole, unset).posture;
    for (row, setting) in policy.posture.iter() {
        if matches!(setting.origin, Origin::Policy(_)) {
            wanted.attribute(row, setting.origin.clone());
        }
    }
    wanted
}

/// The lines that the manifest asks for on purpose. A need that the chosen strictness does not have to open, for it
/// closes nothing there, must be opened where the unit closes it: the strictest policy tells how.
fn openings(policy: &Policy, strictest: &Policy, worlds: &[World]) -> Vec<Opening> {
    let own = policy.written.iter();
    let open = strictest
        .written
        .iter()
        .filter(|row| !policy.written.iter().any(|written| written.directive == row.directive));
    let on_purpose = |reason: &Reason| {
        matches!(reason, Reason::Needed { .. } | Reason::Overridden { .. } | Reason::Stated(_))
    };
    let mut openings = Vec::new();
    for row in own.chain(open) {
        for line in row.lines.iter().filter(|line| line.reasons.iter().any(on_purpose)) {
            let opening = Opening { directive: row.directive, line: line.clone() };
            let closed = worlds
                .iter()
                .any(|world| opening.loosens(&world.wanted.get(row.directive).value, &world.unset.context));
            // What the rest of the policy closes again is nothing that it opens.
            if !closed {
                openings.push(opening);
            }
        }
    }
    openings
}

/// The directives that the manifest leaves as systemd has them, and why: an override says so, or what it needs keeps the
/// strictest policy from them.
fn left_open(planned: &Planned<'_>, strictest: &Policy) -> Vec<(&'static Directive, String)> {
    let overrides = planned.service.overrides.iter();
    let unset = overrides.filter(|(_, literal)| !matches!(literal.value, OverrideValue::Lines(_)));
    let unset = unset.filter_map(|(name, literal)| {
        Some((catalogue::find(name.as_str())?, format!("override: {}", literal.because.as_str())))
    });
    let is_written = |row: &Directive| strictest.written.iter().any(|written| written.directive == row);
    let is_lost = |row: &Directive| strictest.losses.iter().any(|loss| loss.directive == row);
    let kept = catalogue::all().iter().copied().filter(|row| !is_written(row) && !is_lost(row));
    let kept = kept.filter_map(|row| {
        let need = row.hardened.iter().find_map(|hardening| hardening.given.asks_about())?;
        Some((row, format!("`{need}` needs it open")))
    });
    unset.chain(kept).collect()
}

/// What the drop-in does not come to, and what has the last word.
fn unreached(fitting: &Fitting<'_>, lines: &Lines) -> Vec<Finding> {
    let postures = fitting.read(lines);
    let mut findings = Vec::new();
    for row in fitting.scope() {
        let Some((world, posture)) = fitting.failing(row, &postures) else { continue };
        let has = posture.get(row);
        let wants = drift::written(row, world.wanted.get(row));
        let value = drift::written(row, has);
        let text = match &has.origin {
            Origin::Line { path, line } if !path.contains(lines::OWN) => format!(
                "{}={value} of {}:{line} has the last word; the policy wants {}={wants}",
                row.name,
                base(path),
                row.name
            ),
            _ => format!("{}= comes to `{value}` with the drop-in too; the policy wants `{wants}`", row.name),
        };
        findings.push(Finding { directive: Some(row), ..Finding::new("against.unreached", text) });
    }
    findings
}

/// What stays stricter than the policy has it, because nothing in the manifest asks for less.
fn kept(fitting: &Fitting<'_>, lines: &Lines) -> Option<Finding> {
    let postures = fitting.read(lines);
    let is_stricter = |row: &&'static Directive| {
        let mut of_each = fitting.worlds.iter().zip(&postures);
        of_each.any(|(world, posture)| {
            let wants = world.wanted.get(row);
            let difference = drift::difference(row, wants, posture.get(row), posture);
            difference.is_some_and(|difference| difference.relation == Relation::Stricter)
        })
    };
    let first = &fitting.worlds.first()?.found;
    let own = |row: &&'static Directive| matches!(first.get(row).origin, Origin::Line { .. });
    let names: Vec<String> =
        fitting.scope().filter(own).filter(is_stricter).map(|row| format!("{}=", row.name)).collect();
    (!names.is_empty()).then(|| {
        let text = format!("stricter than the policy asks, which stays as it is: {}", names.join(" "));
        Finding::notice("against.stricter", text)
    })
}

/// What the unit says of a directive that the drop-in says otherwise or adds to.
fn in_place(row: &'static Directive, lines: &Lines, fitting: &Fitting<'_>) -> Option<Vec<String>> {
    let own = lines.get(&row.index())?;
    let mut found = fitting.worlds.iter().map(|world| world.found.get(row));
    let before = found.find(|has| has.origin != Origin::Default)?;
    let adds = render::is_list(row) && own.first().is_some_and(|line| !line.text.is_empty());
    let verb = if adds { "beside" } else { "in place of" };
    let place = match &before.origin {
        Origin::Line { path, line } => format!("{}:{line}", base(path)),
        Origin::Implied(by) => format!("which {}= brings along", by.name),
        _ => return None,
    };
    let mut note = format!("# {verb} {}={}, {place}", row.name, cut(row, before));
    let open = fitting.left_open.iter().find(|(open, _)| *open == row);
    if let Some((_, why)) = open {
        let _ = write!(note, "; {why}");
    } else if fitting.said(row).is_none() && own.iter().all(|line| line.reasons.is_empty()) {
        note.push_str("; nothing in the manifest asks for it");
    }
    Some(vec![note])
}

/// A value for a comment.
fn cut(row: &'static Directive, setting: &Setting) -> String {
    /// In characters.
    const LONGEST: usize = 100;
    let value = drift::written(row, setting);
    let value: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
        None => value,
    }
}

/// The name of a file, of a drop-in with its folder.
fn base(path: &str) -> &str {
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or(path);
    let folder =
        parts.next().filter(|folder| Path::new(folder).extension().is_some_and(|suffix| suffix == "d"));
    let length = name.len() + folder.map_or(0, |folder| folder.len() + 1);
    path.get(path.len() - length..).unwrap_or(path)
}

/// What the unit is called in the drop-in: of an instance, the template's name.
fn short(unit: &UnitText) -> String {
    unit.id.template().map_or_else(|| unit.id.to_string(), |template| template.to_string())
}
