//! From a unit to its manifest, step by step: what is said, what is needed, what is closed; and each time what the loader
//! and the renderer make of it so far.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};

use super::draft::{Draft, Item, path};
use super::evidence::Evidence;
use super::hints::Looked;
use super::lines::Setting;
use super::snippets::{self, Snippet};
use super::toml::Value;
use super::unit::{settings_in, stem};
use crate::catalogue::{self, Directive, Managers};
use crate::context::{Context, UnitType};
use crate::manifest::words::{DirectiveName, Line, ServiceName};
use crate::manifest::{self, Manifest, Place, Problem, Source, Sources, Strictness, UnitKind};
use crate::policy::Contradictions;
use crate::posture::Posture;
use crate::render::{self, File, FileKind, Form};
use crate::target::Target;
use crate::unit_file::UnitText;
use crate::unit_posture::{NoticeKind, read};

/// A service with what belongs to it.
pub struct Subject {
    /// Its unit, fragment and drop-ins; of a template, an instance.
    pub service: UnitText,
    /// The sockets that start it.
    pub sockets: Vec<UnitText>,
    /// The timers that start it.
    pub timers: Vec<UnitText>,
    /// Files of sysusers.d.
    pub users: Vec<Snippet>,
    /// Files of tmpfiles.d that are the service's.
    pub files: Vec<Snippet>,
    /// Which manager runs it.
    pub scope: manifest::Scope,
    /// What was seen of it beside its unit.
    pub looked: Looked,
}

/// What came of a service.
pub struct Imported {
    /// The manifest, comments included.
    pub text: String,
    /// The same, loaded.
    pub manifest: Manifest,
    /// What is rendered from it.
    pub files: Vec<File>,
    /// What is said literally, for no key or need says it.
    pub kept: Vec<Kept>,
    /// What could not be taken over, each with its place.
    pub left: Vec<String>,
}

/// A directive that is stated literally.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kept {
    /// In `unit.SECTION`: it confines nothing.
    Line {
        /// The section.
        section: String,
        /// The directive.
        directive: String,
    },
    /// In `override`: it confines.
    Override {
        /// The directive.
        directive: String,
    },
}

/// Makes the manifest of a service, for a target of the release that the service is read by. A strictness that is asked
/// for closes what it closes; without one nothing is closed that the unit leaves open, but for what `safe` closes.
///
/// # Errors
///
/// Where systemd refuses the unit, or where no manifest says what it is.
pub fn import(subject: &Subject, target: &Target, strictness: Option<Strictness>) -> Result<Imported> {
    let id = &subject.service.id;
    let Ok(name) = stem(id).parse::<ServiceName>() else {
        bail!("`{id}` cannot be imported: a manifest cannot name it")
    };
    let context = Context { unit_type: UnitType::Service, ..render::context_of(target, subject.scope) };
    let reading = read(&subject.service, &Posture::unset(id.as_str(), context));
    if let Some(refused) = &reading.refused {
        bail!("systemd {} refuses `{id}`: {}: {}", context.release, refused.path, refused.text);
    }
    let mut making = Making {
        subject,
        target,
        context,
        name,
        found: reading.posture,
        settings: settings_in(&subject.service, subject.scope),
        draft: Draft::new(subject.scope),
        closes_more: false,
        left: Vec::new(),
        unsayable: BTreeSet::new(),
    };
    for notice in reading.notices.iter().filter(|notice| notice.directive.is_some()) {
        let line = notice.line.map_or_else(String::new, |line| format!(":{line}"));
        let text = match notice.kind {
            NoticeKind::Misread => format!("systemd {} misreads", context.release),
            NoticeKind::Ignored | NoticeKind::Refused => format!("systemd {} ignores", context.release),
            NoticeKind::NotKnown => "not known is a part of".to_owned(),
            NoticeKind::Outdated => "outdated is".to_owned(),
        };
        let text = format!("{text} {}{line}: {}", notice.path, notice.text);
        making.draft.head.push(text);
    }
    let own = subject.service.assignments.iter().filter(|assignment| assignment.section == "Install");
    let installed: Vec<&str> = own.flat_map(|assignment| assignment.value.split_ascii_whitespace()).collect();
    for alias in
        subject.service.names.iter().filter(|name| *name != id && !installed.contains(&name.as_str()))
    {
        making.draft.head.push(format!("Also called {alias}, by a link of its own that no manifest makes."));
    }
    making.service();
    making.activation();
    making.left.extend(snippets::files(&mut making.draft, &subject.files, &subject.users));
    making.needs()?;
    making.hints();
    making.close(strictness)?;
    making.suggest()?;
    making.comment_on_hints();
    making.finish()
}

/// A manifest that is being made.
pub(super) struct Making<'s> {
    pub(super) subject: &'s Subject,
    target: &'s Target,
    pub(super) context: Context,
    pub(super) name: ServiceName,
    /// What the unit is.
    pub(super) found: Posture,
    /// What it says.
    pub(super) settings: Vec<Setting>,
    pub(super) draft: Draft,
    /// Whether more may be closed than the unit closes: a strictness was asked for.
    pub(super) closes_more: bool,
    pub(super) left: Vec<String>,
    /// Directives that no override can say, which was told.
    pub(super) unsayable: BTreeSet<&'static str>,
}

/// What a draft comes to.
pub(super) struct Made {
    manifest: Manifest,
    files: Vec<File>,
    text: String,
    /// The posture of the rendered service.
    pub(super) posture: Posture,
}

/// How often a draft is put right before it counts as hopeless: more often than any unit has lines.
const MOST_ROUNDS: usize = 400;

impl Making<'_> {
    /// Needs that the unit speaks for, told by the strictest policy without them.
    fn needs(&mut self) -> Result<()> {
        self.draft.strictness = Strictness::Strict;
        let strict = self.make()?.posture;
        let evidence = Evidence {
            found: &self.found,
            strict: &strict,
            settings: &self.settings,
            runs_as_user: catalogue::runs_as_user(&self.found),
        };
        for statement in evidence.statements() {
            statement.put(&mut self.draft);
        }
        Ok(())
    }

    /// What the draft comes to; what the loader or the policy refuses of it is said in another way first.
    pub(super) fn make(&mut self) -> Result<Made> {
        for _ in 0..MOST_ROUNDS {
            let written = self.draft.write();
            let source = Source { path: MADE, bytes: written.text.as_bytes() };
            let loaded =
                manifest::load(&Sources { main: source, drop_ins: Vec::new() }, &catalogue::FOR_MANIFESTS);
            let (why, places): (String, Vec<Place>) = match loaded {
                Ok(manifest) => {
                    match render::render(&manifest, std::slice::from_ref(self.target), Form::Units) {
                        Ok(files) => {
                            let text = written.text;
                            let posture = self.read_back(&files)?;
                            return Ok(Made { manifest, files, text, posture });
                        }
                        Err(error) => (contradictions(&error), contradicting(&error)),
                    }
                }
                Err(error) => {
                    let messages: Vec<&str> =
                        error.problems.iter().map(|problem| problem.message.as_str()).collect();
                    (messages.join("; "), error.problems.iter().flat_map(places).collect())
                }
            };
            let lines = &written.lines;
            let items =
                places.iter().filter_map(|place| lines.get(&place.line)).map(|entry| entry.item.clone());
            let Some(item) = items.into_iter().find(|item| *item != Item::Given) else {
                let unit = self.name.unit();
                let left: Vec<String> =
                    self.left.iter().map(|left| format!("\n  not taken over: {left}")).collect();
                bail!("no manifest can say what `{unit}` is: {why}{}", left.concat())
            };
            self.say_otherwise(&item);
        }
        bail!("`{}` has no manifest: what the manifest refuses of it does not end", self.name.unit())
    }

    /// The rendered service as the release reads it.
    fn read_back(&self, files: &[File]) -> Result<Posture> {
        let unit = self.name.unit();
        let file = files
            .iter()
            .find(|file| matches!(file.kind, FileKind::Unit | FileKind::UserUnit) && file.name == unit);
        let file = file.with_context(|| format!("`{unit}` was not rendered"))?;
        let text = self.subject.service.clone().with_text(MADE, &file.text);
        let reading = read(&text, &Posture::unset(text.id.as_str(), self.context));
        match reading.refused {
            Some(refused) => {
                bail!("`{unit}` has no manifest: systemd would refuse its unit: {}", refused.text)
            }
            None => Ok(reading.posture),
        }
    }

    /// Replaces what was refused: a key by its lines as they stand, a need by the override that is found wanting then.
    fn say_otherwise(&mut self, item: &Item) {
        self.draft.retain(|_, entry| entry.item != *item);
        match item {
            Item::Said { kind, stem, section, directive } => {
                let settings = self.settings_of(*kind, stem);
                let setting = settings
                    .into_iter()
                    .find(|setting| setting.section == *section && setting.directive == *directive);
                if let Some(setting) = setting {
                    self.keep(*kind, stem, &setting);
                }
            }
            Item::Override(name) => {
                self.unsayable.insert(*name);
                self.left.push(format!("{name}=: no override can say it"));
            }
            Item::Snippet(line) => self.left.push(line.clone()),
            Item::Literal(what) => self.left.push(what.clone()),
            Item::Need | Item::Hint(_) | Item::Denial | Item::Given => {}
        }
    }

    fn settings_of(&self, kind: UnitKind, stem: &str) -> Vec<Setting> {
        let units = match kind {
            UnitKind::Service => return self.settings.clone(),
            UnitKind::Socket => &self.subject.sockets,
            UnitKind::Timer => &self.subject.timers,
        };
        units
            .iter()
            .find(|unit| super::unit::stem(&unit.id) == stem)
            .map(|unit| settings_in(unit, self.subject.scope))
            .unwrap_or_default()
    }

    /// Keeps lines that no key says: those that confine as an override, others as they are. What confines a service and
    /// is not said here is found wanting when it is closed.
    pub(super) fn keep(&mut self, kind: UnitKind, stem: &str, setting: &Setting) {
        let known = catalogue::find(&setting.directive);
        let confines = known.is_some_and(|row| row.confines() && setting.section != "Install");
        let places = || setting.evidence();
        if confines && kind == UnitKind::Service {
            if known.is_some_and(|row| self.is_vain(row)) {
                self.left.push(format!("{}: a user's manager cannot apply it", places()));
            }
            return;
        }
        let section = ["Unit", "Install", kind.section().as_str()].contains(&setting.section.as_str());
        let lines: Vec<String> = setting.lines.iter().filter(|line| !line.is_empty()).cloned().collect();
        let fits = setting.directive.parse::<DirectiveName>().is_ok()
            && lines.iter().all(|line| line.parse::<Line>().is_ok());
        if !section || !fits {
            self.left.push(places());
            return;
        }
        if lines.is_empty() {
            return;
        }
        let table = match kind {
            UnitKind::Service => path(["service", "unit", &setting.section]),
            UnitKind::Socket => path(["sockets", stem, "unit", &setting.section]),
            UnitKind::Timer => path(["timers", stem, "unit", &setting.section]),
        };
        self.draft.set(table, &setting.directive, Value::lines(&lines), Item::Literal(places()));
    }

    /// Whether the manager cannot apply a directive.
    pub(super) fn is_vain(&self, row: &Directive) -> bool {
        row.managers == Managers::System && self.subject.scope == manifest::Scope::User
    }

    fn finish(mut self) -> Result<Imported> {
        self.left.sort_unstable();
        self.left.dedup();
        let mut head = vec![format!("Imported from {}.", sources(self.subject))];
        let missed = self.subject.looked.hidden.iter().chain(&self.subject.looked.missed);
        head.extend(missed.map(|missed| format!("Not looked at: {missed}")));
        head.append(&mut self.draft.head);
        head.extend(self.left.iter().map(|left| format!("Not taken over: {left}")));
        self.draft.head = head;
        let made = self.make()?;
        let Made { manifest, files, text, .. } = made;
        let mut kept: Vec<Kept> = Vec::new();
        for (path, entry) in self.draft.entries() {
            match &entry.item {
                Item::Literal(_) => kept.push(Kept::Line {
                    section: path.last().cloned().unwrap_or_default(),
                    directive: entry.key.clone(),
                }),
                Item::Override(name) if entry.key == "value" => {
                    kept.push(Kept::Override { directive: (*name).to_owned() });
                }
                _ => {}
            }
        }
        kept.sort_unstable();
        Ok(Imported { text, manifest, files, kept, left: self.left })
    }
}

/// What the draft is called; it stands in no message.
const MADE: &str = "import.toml";

fn places(problem: &Problem) -> Vec<Place> {
    std::iter::once(&problem.place).chain(problem.also.as_ref().map(|(place, _)| place)).cloned().collect()
}

/// Where the statements stand that a failure to render is about.
fn contradicting(error: &anyhow::Error) -> Vec<Place> {
    let found = error.chain().find_map(|cause| cause.downcast_ref::<Contradictions>());
    let contradictions = found.map(|found| found.0.as_slice()).unwrap_or_default();
    // A need that a unit's own line contradicts was guessed wrong.
    let also = contradictions.iter().filter_map(|contradiction| contradiction.also.clone());
    also.chain(contradictions.iter().map(|contradiction| contradiction.place.clone())).collect()
}

/// What such a failure says, without places in a text that nobody sees.
fn contradictions(error: &anyhow::Error) -> String {
    match error.chain().find_map(|cause| cause.downcast_ref::<Contradictions>()) {
        Some(found) => {
            found.0.iter().map(|contradiction| contradiction.message.as_str()).collect::<Vec<_>>().join("; ")
        }
        None => format!("{error:#}"),
    }
}

/// The files that a manifest was made of.
fn sources(subject: &Subject) -> String {
    let units = std::iter::once(&subject.service).chain(&subject.sockets).chain(&subject.timers);
    let mut files: Vec<String> = Vec::new();
    for unit in units {
        for file in unit.fragment.iter().chain(&unit.drop_ins) {
            let file = file.display().to_string();
            if !files.contains(&file) {
                files.push(file);
            }
        }
    }
    files.join(", ")
}
