//! Units as their files say: single files, and trees.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::host::{Beside, Host};
use super::judge::{Asked, Found, Judge, of_lines};
use super::tree::{Starter, Tree};
use crate::context::{Context, Mode, UnitType};
use crate::gather::Gather as _;
use crate::holes::{Socket, Surroundings};
use crate::ownership::Activity;
use crate::posture::Posture;
use crate::release::Release;
use crate::report::{Outcome, Source, UnitReport};
use crate::unit_file::{Load, Notice, UnitName, UnitText};
use crate::unit_posture::read;

/// Judges units by their files.
pub(super) struct Files<'r> {
    /// Where they are.
    tree: Tree<'r>,
    /// The release and mode that count; the unit's type is its own.
    context: Context,
    /// Units of each type met that set nothing.
    unset: BTreeMap<UnitType, Posture>,
    /// The tree as a host, where it is looked at as one.
    host: Option<&'r Host<'r>>,
}

impl<'r> Files<'r> {
    /// A reader of what stands in `tree`.
    pub(super) fn new(tree: Tree<'r>, context: Context, host: Option<&'r Host<'r>>) -> Self {
        Self { tree, context, unset: BTreeMap::new(), host }
    }

    /// The directories of the search path that cannot be read.
    pub(super) fn unreadable(&mut self) -> Vec<Notice> {
        self.tree.loader.unreadable()
    }

    /// A unit file that was named.
    pub(super) fn file(&mut self, path: &Path, shown: &str, judge: &Judge) -> UnitReport {
        let instance = template_instance(self.context);
        let load = self.tree.loader.load_file(path, instance);
        let name =
            path.file_name().map_or_else(|| shown.to_owned(), |name| name.to_string_lossy().into_owned());
        let beside = self.tree.loader.load_file(&path.with_extension("socket"), instance);
        let beside = beside.ok().and_then(Starter::of);
        self.report(name, load, Asked::ByName, judge, beside.as_ref())
    }

    /// A unit of the tree.
    pub(super) fn unit(&mut self, name: &UnitName, asked: Asked, judge: &Judge) -> UnitReport {
        let load = self.load(name);
        self.report(name.as_str().to_owned(), load, asked, judge, None)
    }

    /// The services of the tree, aliases among them.
    pub(super) fn services(&mut self) -> Vec<UnitName> {
        self.tree.loader.units("service")
    }

    /// A service of the tree; none for another name of one.
    pub(super) fn among_all(&mut self, name: &UnitName, judge: &Judge) -> Option<UnitReport> {
        let load = self.load(name);
        let is_own = !matches!(&load, Ok(Load::Loaded(text)) if is_alias(name, &text.id));
        is_own.then(|| self.report(name.as_str().to_owned(), load, Asked::AmongAll, judge, None))
    }

    fn load(&mut self, name: &UnitName) -> anyhow::Result<Load> {
        if name.is_template() {
            let instance = name.with_instance(template_instance(self.context))?;
            self.tree.loader.load(&instance)
        } else {
            self.tree.loader.load(name)
        }
    }

    fn report(
        &mut self,
        unit: String,
        load: anyhow::Result<Load>,
        asked: Asked,
        judge: &Judge,
        beside: Option<&Starter>,
    ) -> UnitReport {
        let context = Context { unit_type: UnitType::of(&unit), ..self.context };
        let cannot = |unit: String, outcome| UnitReport {
            unit,
            source: Source::File,
            context: Some(context),
            outcome,
            findings: Vec::new(),
            evidence: None,
        };
        if context.unit_type == UnitType::Other {
            let why = match &load {
                Ok(broken @ Load::Broken { .. }) => why_not(broken),
                _ => "nothing is executed by a unit of this type: name the service that it starts".to_owned(),
            };
            return cannot(unit, asked.failed(why));
        }
        let text = match load {
            Ok(Load::Loaded(text)) => text,
            Ok(other) => return cannot(unit, asked.failed(why_not(&other))),
            Err(error) => return cannot(unit, Outcome::Failed(format!("{error:#}"))),
        };
        let unset = self.unset.entry(context.unit_type).or_insert_with(|| Posture::unset("", context));
        let reading = read(&text, unset);
        if let Some(refused) = reading.refused {
            let line = refused.line.map_or_else(String::new, |line| format!(":{line}"));
            let release = context.release;
            let why = format!("systemd {release} refuses it: {}{line}: {}", refused.path, refused.text);
            return cannot(unit, asked.failed(why));
        }
        let host = self.host.filter(|_| asked == Asked::ByName);
        let on_host = host.map(|host| Beside { host, activity: Activity::Offline, live: None });
        let findings = of_lines(reading.notices);
        let mut names: Vec<&str> = vec![text.id.as_str()];
        names.extend(text.names.iter().map(UnitName::as_str));
        let mut around =
            Surroundings { sockets: self.sockets_of(&text.names, beside), ..Surroundings::of_files(&text) };
        if judge.suggests {
            around = around.with_paths_of(&text);
        }
        let posture = reading.posture;
        let source = Source::File;
        judge.judge(Found {
            unit,
            names,
            source,
            asked,
            posture,
            around,
            findings,
            beside: on_host,
            evidence: None,
        })
    }

    /// The socket units that start a service of these names.
    fn sockets_of(&mut self, names: &BTreeSet<UnitName>, beside: Option<&Starter>) -> Vec<Socket> {
        let sockets = self.tree.starters();
        if sockets.is_empty() && beside.is_none() {
            return Vec::new();
        }
        let templates: Vec<UnitName> = names.iter().filter_map(UnitName::template).collect();
        let started: BTreeSet<&str> = names.iter().chain(&templates).map(UnitName::as_str).gather();
        let beside = beside.filter(|starter| started.contains(starter.starts.as_str()));
        let mut starters: Vec<&UnitText> =
            started.iter().filter_map(|name| sockets.get(*name)).flatten().collect();
        starters.sort_by_key(|text| &text.id);
        let context = Context { unit_type: UnitType::Socket, ..self.context };
        let mut found: Vec<Socket> = Vec::new();
        for text in beside.map(|starter| &starter.text).into_iter().chain(starters) {
            if !found.iter().any(|known| known.unit == text.id.as_str()) {
                let unset = self.unset.entry(UnitType::Socket).or_insert_with(|| Posture::unset("", context));
                found.push(Socket::of_files(text, &read(text, unset).posture));
            }
        }
        found
    }
}

/// Whether a unit was found under another name than its own, template and instance apart.
fn is_alias(name: &UnitName, id: &UnitName) -> bool {
    name.prefix() != id.prefix() || name.form() != id.form() && !name.is_template()
}

/// The instance that systemd's own scorer gives a template.
pub(in crate::commands) fn template_instance(context: Context) -> &'static str {
    match context.mode {
        _ if context.release >= Release::first(257) => "test_instance",
        Mode::Offline => "i",
        Mode::Loaded => "test-instance",
    }
}

/// Why there is nothing to read.
pub(in crate::commands) fn why_not(load: &Load) -> String {
    match load {
        Load::Masked { path } => {
            format!("masked by `{}`: remove that, or name the file that it masks", path.display())
        }
        Load::NotFound => "there is no such unit file: is its package installed?".to_owned(),
        Load::Unread { path, reason } => format!("it cannot be read: {}: {reason}", path.display()),
        Load::Broken { path, line, reason } => {
            let line = line.map_or_else(String::new, |line| format!(":{line}"));
            format!("systemd refuses it: {}{line}: {reason}", path.display())
        }
        Load::Loaded(_) => String::new(),
    }
}
