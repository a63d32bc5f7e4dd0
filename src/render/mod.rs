//! A manifest and its policy as files in memory: units, sysusers.d and tmpfiles.d snippets, through the templates.
//! Where they are written, and whether they differ from what is there, is the command's business.

mod escape;
mod files;
mod service;
mod socket;
mod timer;
mod tmpfiles;
mod users;

use std::cell::RefCell;
use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Template, UndefinedBehavior};
use serde::Serialize;

use crate::breakages;
use crate::catalogue::{self, Directive, Kind, MaskGrammar, Sections};
use crate::context::{Context, Mode, Scope, UnitType};
use crate::manifest::{Literals, Manifest, SectionName};
use crate::need::Need;
use crate::policy::{LossCause, Planned, Policy, Written, common, plan};
use crate::posture::Reason;
use crate::syscalls::Architecture;
use crate::target::{self, Feature, Target, fit};

pub use crate::target::NEWEST;
pub use files::{DROP_IN, File, Kind as FileKind};

/// Whether whole units are rendered or drop-ins for units that a distribution ships.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Whole units, their sockets, timers, users and files.
    Units,
    /// Only what hardens.
    DropIns,
}

/// Renders everything that a manifest comes to, for all of `targets` at once: only what each of them reads and what
/// none of them must go without.
pub fn render(manifest: &Manifest, targets: &[Target], form: Form) -> Result<Vec<File>> {
    render_fitted(&fit(manifest, targets)?.manifest, targets, form).map(|rendered| rendered.files)
}

/// What was rendered.
pub struct Rendered {
    /// The files.
    pub files: Vec<File>,
    /// Whether the targets keep anything from being written that the policy would.
    pub loses: bool,
}

/// The same of a manifest that was fitted to the targets.
pub fn render_fitted(manifest: &Manifest, targets: &[Target], form: Form) -> Result<Rendered> {
    let renderer = Renderer { manifest, targets, templates: RefCell::new(environment()?) };
    let contexts: Vec<Context> = targets.iter().map(|target| target_context(target, manifest)).collect();
    let mut files = Vec::new();
    // What only one of several targets goes without is no loss of the policy that they share.
    let mut loses = targets.len() > 1;
    for planned in plan(manifest) {
        let policy = common(manifest, &planned, &contexts, manifest.strictness)?;
        loses |= !policy.losses.is_empty();
        files.push(renderer.service(&planned, &policy, form)?);
    }
    if form == Form::Units {
        for (stem, socket) in &manifest.sockets {
            files.push(renderer.socket(stem.as_str(), socket)?);
        }
        for (stem, timer) in &manifest.timers {
            files.push(renderer.timer(stem.as_str(), timer)?);
        }
        files.extend(renderer.sysusers()?);
        files.extend(renderer.tmpfiles()?);
    }
    Ok(Rendered { files, loses })
}

/// The context of a unit of `manifest` on a target: as its manager would show it.
pub fn target_context(target: &Target, manifest: &Manifest) -> Context {
    context_of(target, manifest.scope)
}

/// The same for a unit of whatever manifest of that scope.
pub fn context_of(target: &Target, scope: crate::manifest::Scope) -> Context {
    Context {
        release: target.release,
        mode: Mode::Loaded,
        scope: match scope {
            crate::manifest::Scope::System => Scope::System,
            crate::manifest::Scope::User => Scope::User,
        },
        unit_type: UnitType::Service,
        architecture: Architecture::X86_64,
    }
}

struct Renderer<'a> {
    manifest: &'a Manifest,
    targets: &'a [Target],
    /// Those that were asked for.
    templates: RefCell<Environment<'static>>,
}

/// The templates by their names.
const TEMPLATES: [(&str, &str); 10] = [
    ("service.j2", include_str!("../../templates/service.j2")),
    ("drop-in.j2", include_str!("../../templates/drop-in.j2")),
    ("news.j2", include_str!("../../templates/news.j2")),
    ("socket.j2", include_str!("../../templates/socket.j2")),
    ("timer.j2", include_str!("../../templates/timer.j2")),
    ("sysusers.j2", include_str!("../../templates/sysusers.j2")),
    ("tmpfiles.j2", include_str!("../../templates/tmpfiles.j2")),
    ("debian.j2", include_str!("../../templates/debian.j2")),
    ("spec.j2", include_str!("../../templates/spec.j2")),
    ("PKGBUILD.j2", include_str!("../../templates/PKGBUILD.j2")),
];

/// How all templates are read.
pub(crate) fn environment() -> Result<Environment<'static>> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    environment.set_syntax(syntax.build()?);
    Ok(environment)
}

/// A template that asks for nothing but `context`.
pub(crate) fn fill(template: &str, context: minijinja::Value) -> Result<String> {
    let mut templates = environment()?;
    Ok(loaded(&mut templates, template)?.render(context)?)
}

/// The template of that name, read on demand: most runs fill few of them.
fn loaded<'e>(templates: &'e mut Environment<'static>, name: &str) -> Result<Template<'e, 'e>> {
    if templates.templates().all(|(known, _)| known != name)
        && let Some((name, source)) = TEMPLATES.into_iter().find(|(known, _)| *known == name)
    {
        templates.add_template(name, source)?;
    }
    Ok(templates.get_template(name)?)
}

/// Settings of one family, ready to print.
#[derive(Serialize)]
struct Block {
    title: &'static str,
    /// Their comments and assignments.
    lines: Vec<String>,
}

/// Literal lines by section; every section is there, so that the templates may ask for it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct LiteralLines {
    unit: Vec<String>,
    service: Vec<String>,
    socket: Vec<String>,
    timer: Vec<String>,
    install: Vec<String>,
}

impl LiteralLines {
    fn of(literals: &Literals) -> Self {
        let section = |wanted: SectionName| {
            let keys = literals.get(&wanted).into_iter().flatten();
            keys.flat_map(|(key, lines)| {
                lines.value.0.iter().map(move |line| format!("{}={}", key.as_str(), line.as_str()))
            })
            .collect()
        };
        Self {
            unit: section(SectionName::Unit),
            service: section(SectionName::Service),
            socket: section(SectionName::Socket),
            timer: section(SectionName::Timer),
            install: section(SectionName::Install),
        }
    }
}

/// A drop-in that was made for one unit: its lines as they are.
pub struct Exact<'a> {
    /// The name of the unit.
    pub beside: &'a str,
    /// The lines.
    pub written: &'a [Written],
    /// What stands above the lines of a directive, by its place in the catalogue; comments, with their sign.
    pub notes: &'a BTreeMap<usize, Vec<String>>,
}

/// Renders a drop-in that was made for one unit.
pub fn drop_in(
    manifest: &Manifest,
    targets: &[Target],
    planned: &Planned<'_>,
    policy: &Policy,
    exact: &Exact<'_>,
) -> Result<File> {
    Renderer { manifest, targets, templates: RefCell::new(environment()?) }.exact(planned, policy, exact)
}

/// The section that a unit says of its making in.
pub const MARK: &str = "X-SystemdHarden";

impl Renderer<'_> {
    fn fill(&self, template: &str, context: minijinja::Value) -> Result<String> {
        let mut templates = self.templates.borrow_mut();
        loaded(&mut templates, template)?
            .render(context)
            .with_context(|| format!("rendering for `{}`", self.manifest.package.as_str()))
    }

    /// Whether every target reads something.
    fn reads(&self, feature: Feature) -> bool {
        self.targets.iter().all(|target| target.reads(feature))
    }

    /// The first line of every file: what made it, of what, for what.
    fn header(&self) -> String {
        format!(
            "Made by systemd-harden from {}.toml; edition {}, {}, {}",
            self.manifest.package.as_str(),
            self.manifest.edition,
            self.manifest.strictness.as_str(),
            target::names(self.targets)
        )
    }

    /// What a unit says of its making, for `score` to find.
    fn mark(&self) -> Vec<String> {
        vec![
            format!("Manifest={}", self.manifest.package.as_str()),
            format!("Edition={}", self.manifest.edition),
            format!("Strictness={}", self.manifest.strictness.as_str()),
            format!("Target={}", target::names(self.targets)),
        ]
    }

    /// The blocks of a policy, and the lines that belong into `[Unit]`.
    fn blocks(written: &[Written], setting: impl Fn(&Written) -> Vec<String>) -> (Vec<Block>, Vec<String>) {
        let mut blocks: Vec<Block> = Vec::new();
        let mut unit = Vec::new();
        let by_place: Vec<(usize, &Written)> =
            written.iter().map(|row| (row.directive.index(), row)).collect();
        let mut end = 0;
        for family in catalogue::FAMILIES {
            // The families stand one after the other in the order of all rows.
            let places = end..end + family.rows.len();
            end = places.end;
            let mut lines = Vec::new();
            for (_, row) in by_place.iter().filter(|(place, _)| places.contains(place)) {
                let section = if row.directive.sections == Sections::Unit { &mut unit } else { &mut lines };
                section.extend(setting(row));
            }
            if !lines.is_empty() {
                blocks.push(Block { title: family.title, lines });
            }
        }
        (blocks, unit)
    }
}

/// What unwritten directives are worth saying about: together, by what stands against them.
fn losses(policy: &Policy) -> Vec<String> {
    let mut groups: BTreeMap<(&str, Need), Vec<String>> = BTreeMap::new();
    for loss in &policy.losses {
        if let LossCause::Forces { other, need } = &loss.cause {
            groups.entry((other.name, *need)).or_default().push(format!("{}=", loss.directive.name));
        }
    }
    let mut lines = Vec::new();
    for ((other, need), names) in groups {
        lines.push(format!(
            "Left out: up to systemd 254 each of these would force {other}= upon the service, which `{need}` needs open."
        ));
        lines.extend(names.chunks(4).map(|names| names.join(" ")));
    }
    lines
}

/// Comments and assignments of one directive; none where they would say nothing.
fn setting(row: &Written, form: Form, all: &[Written]) -> Vec<String> {
    let directive = row.directive;
    if form == Form::DropIns && !is_for_drop_in(row) {
        return Vec::new();
    }
    let mut lines: Vec<(&str, Vec<String>)> =
        row.lines.iter().map(|line| (line.text.as_str(), comments(directive, &line.reasons))).collect();
    match form {
        // In a unit of its own a list starts empty; only an empty set of capabilities must be said.
        Form::Units => {
            if lines.len() > 1 && lines.first().is_some_and(|(text, _)| text.is_empty()) {
                lines.remove(0);
            }
            if lines.iter().all(|(text, why)| text.is_empty() && why.is_empty())
                && !matches!(directive.kind, Kind::Mask(_))
            {
                return Vec::new();
            }
        }
        Form::DropIns => {
            // Of two spellings of one list the first has emptied both.
            let is_before = |twin: &Directive| *twin < *directive;
            let twin = directive.shares.filter(|twin| is_before(twin));
            let emptied = twin.is_some_and(|twin| all.iter().any(|written| written.directive == twin));
            let first = lines.first().map_or("", |(text, _)| *text);
            if is_list(directive) && !emptied && !first.is_empty() {
                // To take capabilities away one must have them all: an empty line leaves none (systemd.exec(5)).
                let takes =
                    matches!(directive.kind, Kind::Mask(MaskGrammar::Bounding)) && first.starts_with('~');
                lines.insert(0, (if takes { "~" } else { "" }, Vec::new()));
            }
        }
    }
    let mut setting = Vec::new();
    for (text, why) in lines {
        setting.extend(why);
        setting.push(format!("{}={text}", directive.name));
    }
    setting
}

/// Comments and assignments of one directive, as they are.
fn exactly(row: &Written, notes: &BTreeMap<usize, Vec<String>>) -> Vec<String> {
    let mut setting = notes.get(&row.directive.index()).cloned().unwrap_or_default();
    for line in &row.lines {
        setting.extend(comments(row.directive, &line.reasons));
        setting.push(format!("{}={}", row.directive.name, line.text));
    }
    setting
}

/// Whether a directive says who a service is or how it runs, so that its unit has the say and no drop-in; limits are
/// the manifest's.
pub fn is_functional(directive: &Directive) -> bool {
    directive.key.is_some() && directive.hardened.is_empty() && !matches!(directive.kind, Kind::Amount(_))
}

/// Whether a drop-in that only hardens says it.
pub fn is_for_drop_in(row: &Written) -> bool {
    let stated = row.lines.iter().all(|line| matches!(line.reasons.as_slice(), [Reason::Stated(_)]));
    let functional =
        stated && row.directive.hardened.is_empty() && !matches!(row.directive.kind, Kind::Amount(_));
    row.directive.confines() && !functional
}

/// Whether assignments add up, so that those of another file must be taken away first.
pub fn is_list(directive: &Directive) -> bool {
    match directive.kind {
        Kind::Mask(_) | Kind::Names(_) | Kind::Calls | Kind::Words(_) | Kind::Networks(_) => true,
        Kind::Switch(_) | Kind::Level(_) | Kind::Mode(_) | Kind::Amount(_) | Kind::Text(_) => false,
    }
}

/// The reasons that are worth a line.
fn comments(directive: &Directive, reasons: &[Reason]) -> Vec<String> {
    let mut comments: Vec<String> = Vec::new();
    for reason in reasons {
        let comment = match reason {
            Reason::Strictness
            | Reason::Stated(_)
            | Reason::Forces { .. }
            | Reason::Needed { need: Need::Executes, .. } => continue,
            Reason::Denied { because, .. } => format!("# denied: {because}"),
            Reason::Needed { need, because, .. } => format!("# {need}: {because}"),
            Reason::Unknown(need) => {
                let word = need.id().split('.').next().unwrap_or(need.id());
                let case = breakages::told(directive, *need).map(|source| format!(" (see {source})"));
                let case = case.unwrap_or_default();
                format!("# {need}: not known, left open{case}; if unused say denies.{word}")
            }
            Reason::Overridden { because, .. } => format!("# override: {because}"),
        };
        if !comments.contains(&comment) {
            comments.push(comment);
        }
    }
    comments
}
