//! The tmpfiles.d snippet: what the unit's own directives cannot make, or make too late.

use std::collections::BTreeMap;

use anyhow::Result;
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;

use super::{File, FileKind, Renderer, escape};
use crate::manifest::{Enforce, Log, PathKind, Place};
use crate::policy::{
    Contradiction, Contradictions, Placement, Planned, log_path, placement, plan, primary_group,
};
use crate::target::Feature;

#[derive(Serialize)]
struct Line {
    reasons: Vec<String>,
    kind: &'static str,
    path: String,
    mode: String,
    user: String,
    group: String,
}

struct Entry {
    line: Line,
    place: Place,
}

type Entries = BTreeMap<String, Entry>;

impl Renderer<'_> {
    pub(super) fn tmpfiles(&self) -> Result<Option<File>> {
        let mut entries = Entries::new();
        for planned in plan(self.manifest) {
            self.directories(&planned, &mut entries)?;
        }
        self.folders(&mut entries)?;
        self.rules(&mut entries)?;
        check_transitions(&entries)?;
        if entries.is_empty() {
            return Ok(None);
        }
        let lines: Vec<Line> = entries.into_values().map(|entry| entry.line).collect();
        let text = self
            .fill("tmpfiles.j2", context! { header => self.header(), lines => Value::from(Serde(lines)) })?;
        Ok(Some(File { kind: FileKind::Tmpfiles, name: self.manifest.package.as_str().to_owned(), text }))
    }

    /// Directories that the manager cannot make, what lies below declared ones, and append-files.
    fn directories(&self, planned: &Planned<'_>, entries: &mut Entries) -> Result<()> {
        let service = &*planned.service;
        let own_user = service.user.as_ref().map_or("root", |user| user.as_str());
        let own_group = primary_group(self.manifest, planned).unwrap_or_else(|| "root".to_owned());
        for (kind, directory) in service.directories.each() {
            let place = placement(self.manifest, planned, kind, directory);
            let user = directory.owner.as_ref().map_or(own_user, |owner| owner.as_str());
            let group = directory.group.as_ref().map_or(own_group.as_str(), |group| group.as_str());
            let mode = directory.mode.as_ref().map_or_else(|| "0755".to_owned(), ToString::to_string);
            // A folder with declared folders below is made here too, with the same owner and mode: else
            // systemd-tmpfiles would make it for root on the way.
            if matches!(place, Placement::Tmpfiles { .. }) || !directory.below.is_empty() {
                add(entries, "d", place.path(), &mode, user, group, Vec::new(), &directory.place)?;
            }
            for (name, mode) in &directory.below {
                let path = format!("{}/{}", place.path(), name.as_str());
                add(entries, "d", &path, &mode.to_string(), user, group, Vec::new(), &directory.place)?;
            }
        }
        if let Some(Log::File(log)) = &service.log {
            let path = log_path(planned, &log.file);
            let mode = log.mode.as_ref().map_or_else(|| "0600".to_owned(), ToString::to_string);
            let reason = "the manager would make it for root".to_owned();
            add(entries, "f", &path, &mode, own_user, &own_group, vec![reason], &service.place)?;
        }
        Ok(())
    }

    /// Folders of sockets: DirectoryMode= would leave them with root.
    fn folders(&self, entries: &mut Entries) -> Result<()> {
        for socket in self.manifest.sockets.values() {
            let Some(folder) = &socket.folder else { continue };
            for path in socket.listen.iter().filter_map(|listen| listen.value.path()) {
                let parent = path.rsplit_once('/').map_or("/", |(parent, _)| parent);
                let name = |own: Option<&crate::manifest::words::UserName>| {
                    own.map_or("root", |own| own.as_str()).to_owned()
                };
                let mode = folder.mode.as_ref().map_or_else(|| "0755".to_owned(), ToString::to_string);
                let (user, group) = (name(folder.owner.as_ref()), name(folder.group.as_ref()));
                add(entries, "d", parent, &mode, &user, &group, Vec::new(), &folder.place)?;
            }
        }
        Ok(())
    }

    /// Declared paths that the manifest wants made or repaired.
    fn rules(&self, entries: &mut Entries) -> Result<()> {
        for (path, rule) in &self.manifest.paths {
            let directory = path.is_directory() || rule.kind == Some(PathKind::Directory);
            let kind = match (rule.enforce, directory) {
                (Enforce::Audit, _) => continue,
                (Enforce::Create | Enforce::Boot, true) => "d",
                (Enforce::Create, false) => "f",
                (Enforce::Boot, false) => "z",
            };
            // What is only created keeps what an administrator changes (`:`).
            let keep =
                if rule.enforce == Enforce::Create && self.reads(Feature::CreateOnly) { ":" } else { "" };
            let field =
                |text: Option<String>| text.map_or_else(|| "-".to_owned(), |text| format!("{keep}{text}"));
            let reasons = rule.because.iter().map(|why| why.as_str().to_owned()).collect();
            let mode = field(rule.mode.as_ref().map(ToString::to_string));
            let user = field(rule.owner.as_ref().map(|owner| owner.as_str().to_owned()));
            let group = field(rule.group.as_ref().map(|group| group.as_str().to_owned()));
            add(entries, kind, path.path(), &mode, &user, &group, reasons, &rule.place)?;
        }
        Ok(())
    }
}

#[expect(clippy::too_many_arguments, reason = "the fields of a line of tmpfiles.d")]
fn add(
    entries: &mut Entries,
    kind: &'static str,
    path: &str,
    mode: &str,
    user: &str,
    group: &str,
    reasons: Vec<String>,
    place: &Place,
) -> Result<()> {
    let line = Line {
        reasons,
        kind,
        path: escape::field(path),
        mode: mode.to_owned(),
        user: user.to_owned(),
        group: group.to_owned(),
    };
    if let Some(known) = entries.get(path) {
        let same =
            known.line.mode == line.mode && known.line.user == line.user && known.line.group == line.group;
        if same && known.line.kind == kind {
            return Ok(());
        }
        let message = format!("`{path}` gets another owner or mode here than at {}", known.place);
        return Err(contradiction(place, message).into());
    }
    entries.insert(path.to_owned(), Entry { line, place: place.clone() });
    Ok(())
}

/// systemd-tmpfiles refuses a path of one owner below a folder of another one that is not root ("unsafe path
/// transition", systemd 252).
fn check_transitions(entries: &Entries) -> Result<(), Contradictions> {
    for (path, entry) in entries {
        for (folder, above) in entries {
            let below = path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'));
            let owner = |entry: &Entry| entry.line.user.trim_start_matches(':').to_owned();
            let (outer, inner) = (owner(above), owner(entry));
            if !below || matches!(outer.as_str(), "root" | "-") || outer == inner {
                continue;
            }
            let message = format!(
                "`{path}` belongs to {inner} and lies in a folder of {outer} ({}), which systemd-tmpfiles refuses: \
                 give both to one owner, or the folder to root",
                above.place
            );
            return Err(contradiction(&entry.place, message));
        }
    }
    Ok(())
}

/// What the manifest says in one place and cannot say beside another one.
fn contradiction(place: &Place, message: String) -> Contradictions {
    Contradictions(vec![Contradiction { place: place.clone(), message, also: None }])
}
