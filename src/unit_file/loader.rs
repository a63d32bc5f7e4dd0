//! Loads units: the fragment, the drop-ins that apply to it, and their lines in order. Directories are listed once for
//! all units, so that a unit of a large root costs no more than one of a small root.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, ensure};

use super::Assignment;
use super::names::{Listing, Names};
use super::{
    Kind, Links, Load, Notice, Root, SearchPath, UnitLines, UnitName, UnitText, parse, quoted, quoted_bytes,
};

/// The most drop-ins of one unit that are read. What administrators and packages add to a unit are a few.
pub const MAX_DROP_INS: usize = 512;

/// The most parts that the values of one unit may have: assignments, the words, members between commas and specifiers in
/// them. The longest units of Debian 12 have some hundreds; what grows with the square of them ends within a second.
pub const MAX_PARTS: usize = 1 << 14;

/// The unit types that need no file of their own.
const FRAGMENTLESS: [&str; 2] = ["slice", "device"];

/// Units of one root and search path. What it has listed it keeps, and so does a copy: a file added later is not seen.
#[derive(Clone, Debug)]
pub struct Loader<'r> {
    root: &'r Root,
    search: SearchPath,
    listings: BTreeMap<PathBuf, Arc<Listing>>,
    drop_in_files: BTreeMap<PathBuf, Arc<[DropIn]>>,
    /// By the type of unit.
    names: BTreeMap<String, Arc<Names>>,
    /// The names of the search path that the last file's directory precedes, and their type.
    beside: Option<(SearchPath, String, Arc<Names>)>,
    /// The directories of the search path that are there, once they were looked for.
    present: Option<Vec<(PathBuf, Arc<Listing>)>>,
    /// The last fragment's content; kept so that the next one needs no memory of its own.
    content: Vec<u8>,
}

/// A file of a drop-in directory, and that directory without links.
#[derive(Clone, Debug)]
struct DropIn {
    name: OsString,
    path: PathBuf,
}

/// What a fragment or drop-in turned out to be.
enum Content {
    Text(Vec<u8>),
    /// An empty file or a device.
    Mask,
    Missing,
    /// Something that systemd would not take for a file.
    Odd(io::Error),
}

impl<'r> Loader<'r> {
    /// A loader for the units of `search` below `root`; nothing is read yet.
    pub fn new(root: &'r Root, search: SearchPath) -> Self {
        Self {
            root,
            search,
            listings: BTreeMap::new(),
            drop_in_files: BTreeMap::new(),
            names: BTreeMap::new(),
            beside: None,
            present: None,
            content: Vec::new(),
        }
    }

    /// All unit names with the type `suffix` (`service`), sorted: files, templates, aliases and masks alike.
    pub fn units(&mut self, suffix: &str) -> Vec<UnitName> {
        self.names(suffix).all().into_iter().collect()
    }

    /// Looks for the names of units with the type `suffix`, so that copies of the loader need not.
    pub fn look_for_names(&mut self, suffix: &str) {
        self.names(suffix);
    }

    /// The directories of the search path that could not be read; systemd goes on without them.
    pub fn unreadable(&mut self) -> Vec<Notice> {
        let listings = self.directories(&self.search.clone());
        listings.iter().filter_map(|(_, listing)| listing.unreadable().cloned()).collect()
    }

    /// Loads a plain unit or an instance. A template is an error: it is loaded by the name of an instance.
    pub fn load(&mut self, name: &UnitName) -> anyhow::Result<Load> {
        let names = self.names(name.suffix());
        self.load_among(&names, name)
    }

    /// Loads the unit file `path`, absolute as seen inside the root. As in `systemd-analyze --offline`, only its base
    /// name selects the unit and its directory precedes the search path, so the drop-ins of the root apply to it.
    /// `template_instance` is what a template is loaded with.
    pub fn load_file(&mut self, path: &Path, template_instance: &str) -> anyhow::Result<Load> {
        let shown = quoted_bytes(path.as_os_str().as_bytes());
        ensure!(path.is_absolute(), "{shown} is not an absolute path");
        let (Some(directory), Some(file)) = (path.parent(), path.file_name().and_then(|file| file.to_str()))
        else {
            anyhow::bail!("{shown} does not name a unit file");
        };
        let no_file =
            |root: &Root| root.kind(path, Links::Follow).ok().flatten().and_then(Kind::no_unit_file);
        let mut name: UnitName = match file.parse() {
            Ok(name) => name,
            Err(error) => match no_file(self.root) {
                Some(what) => return Ok(broken(path.to_owned(), None, what)),
                None => return Err(error.context(format!("cannot load {shown}"))),
            },
        };
        // Without links, so that `/lib/systemd/system` is not another directory than `/usr/lib/systemd/system`.
        let directory =
            &self.root.resolve(directory, Links::Follow).with_context(|| format!("cannot load {shown}"))?;
        let first = self.search.with_first(directory);
        let names = match &self.beside {
            _ if first == self.search => self.names(name.suffix()),
            Some((search, suffix, names)) if *search == first && suffix == name.suffix() => Arc::clone(names),
            _ => {
                let names = Arc::new(self.names_of(&first, name.suffix()));
                self.beside = Some((first, name.suffix().to_owned(), Arc::clone(&names)));
                names
            }
        };
        if !self.listings.get(directory).is_some_and(|listing| listing.has(&name)) {
            return Ok(match self.root.kind(path, Links::Follow).ok().flatten() {
                None => Load::NotFound,
                Some(kind) => {
                    broken(path.to_owned(), None, kind.no_unit_file().unwrap_or("not a regular file"))
                }
            });
        }
        if name.is_template() {
            name = name.with_instance(template_instance)?;
        }
        self.load_among(&names, &name)
    }

    fn load_among(&mut self, names: &Names, name: &UnitName) -> anyhow::Result<Load> {
        ensure!(!name.is_template(), "{} is a template, name an instance of it", quoted(name.as_str()));
        // To systemd, too, a circle of aliases is no unit.
        let Ok(unit) = names.find(name) else { return Ok(Load::NotFound) };
        let mut text = UnitText {
            id: unit.id,
            names: unit.names,
            fragment: unit.fragment.as_ref().map(|fragment| fragment.path.clone()),
            drop_ins: Vec::new(),
            assignments: Vec::new(),
            notices: names.ignored(name),
        };
        match unit.fragment {
            None if FRAGMENTLESS.contains(&name.suffix()) => {}
            None => return Ok(self.passed_over(name).unwrap_or(Load::NotFound)),
            Some(fragment) => {
                let read = fragment.read_regular(&mut self.content);
                let path = fragment.path;
                match read {
                    Ok(true) if self.content.is_empty() => return Ok(Load::Masked { path }),
                    Ok(true) => {}
                    Err(error) => return Ok(unread(path, error.to_string())),
                    Ok(false) => match self.content(&path) {
                        Ok(Content::Text(content)) => self.content = content,
                        Ok(Content::Mask) => return Ok(Load::Masked { path }),
                        Ok(Content::Missing) => return Ok(Load::NotFound),
                        Ok(Content::Odd(error)) => return Ok(broken(path, None, &error.to_string())),
                        Err(error) => return Ok(unread(path, error.to_string())),
                    },
                }
                let lines = parse(&Arc::from(path.as_path()), &self.content);
                if let Some(fault) = lines.broken {
                    return Ok(broken(path, Some(fault.line), &fault.reason));
                }
                text.append(lines);
                if text.is_beyond() {
                    return Ok(unread(path, beyond()));
                }
            }
        }
        let drop_ins = match self.drop_ins(names, &text.id, &text.names) {
            Ok(drop_ins) => drop_ins,
            Err((directory, error)) => return Ok(unread(directory, error.to_string())),
        };
        if let Some(path) = drop_ins.get(MAX_DROP_INS) {
            return Ok(unread(path.clone(), format!("more than {MAX_DROP_INS} drop-ins are not read")));
        }
        for path in drop_ins {
            match self.content(&path) {
                Ok(Content::Text(content)) => {
                    text.append_drop_in(&path, parse(&Arc::from(path.as_path()), &content));
                    if text.is_beyond() {
                        return Ok(unread(path, beyond()));
                    }
                }
                Ok(Content::Mask | Content::Missing) => {}
                Ok(Content::Odd(error)) => text.ignore(&path, &error),
                // To go on would be to judge a unit of which a part is unknown.
                Err(error) => return Ok(unread(path, error.to_string())),
            }
            text.drop_ins.push(path);
        }
        Ok(Load::Loaded(text))
    }

    /// What has the name of a unit and cannot be one: systemd goes on as if it were not there.
    fn passed_over(&self, name: &UnitName) -> Option<Load> {
        let paths = self.search.directories().iter().map(|directory| directory.join(name.as_str()));
        let is_odd = |path: &PathBuf| {
            let kind = self.root.kind(path, Links::Follow).ok().flatten();
            kind.is_some_and(|kind| kind != Kind::File)
        };
        let path = paths.into_iter().find(is_odd)?;
        Some(unread(path, "not a regular file, so that systemd passes it over".to_owned()))
    }

    fn content(&self, path: &Path) -> io::Result<Content> {
        Ok(match self.root.read(path) {
            // A root need not have the device that its masks point to.
            Ok(None) if self.root.resolve(path, Links::Follow)? == Path::new("/dev/null") => Content::Mask,
            Ok(None) => Content::Missing,
            Ok(Some(content)) if content.is_empty() => Content::Mask,
            Ok(Some(content)) => Content::Text(content),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                match self.root.kind(path, Links::Follow)? {
                    Some(Kind::Device) => Content::Mask,
                    _ => Content::Odd(error),
                }
            }
            Err(error) => return Err(error),
        })
    }

    /// The drop-ins of a unit in the order in which they apply: of files with one base name the first in the order of
    /// search counts, and those that remain are sorted by it. The search goes through all directories for the id,
    /// then for each alias, then for the type (`service.d`, systemd 244 and later). systemd itself takes several
    /// aliases in an order that changes from run to run; here it is that of their names.
    fn drop_ins(
        &mut self,
        names: &Names,
        id: &UnitName,
        all: &BTreeSet<UnitName>,
    ) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
        if !names.have_drop_ins() {
            return Ok(Vec::new());
        }
        let mut chosen: BTreeMap<OsString, PathBuf> = BTreeMap::new();
        let own = std::iter::once(id).chain(all.iter().filter(|name| *name != id));
        for name in own.filter(|name| names.may_have_drop_ins(name)) {
            let candidates = name.drop_in_names();
            for directory in names.drop_in_directories(candidates.iter().map(UnitName::as_str)) {
                self.choose(&directory, &mut chosen)?;
            }
        }
        for directory in names.drop_in_directories([id.suffix()]) {
            self.choose(&directory, &mut chosen)?;
        }
        Ok(chosen.into_values().collect())
    }

    fn choose(
        &mut self,
        directory: &Path,
        chosen: &mut BTreeMap<OsString, PathBuf>,
    ) -> Result<(), (PathBuf, io::Error)> {
        let files = if let Some(files) = self.drop_in_files.get(directory) {
            Arc::clone(files)
        } else {
            let files = self.list_drop_ins(directory).map_err(|error| (directory.to_owned(), error))?;
            let files: Arc<[DropIn]> = files.into();
            self.drop_in_files.insert(directory.to_owned(), Arc::clone(&files));
            files
        };
        for file in files.iter() {
            chosen.entry(file.name.clone()).or_insert_with(|| file.path.clone());
        }
        Ok(())
    }

    fn list_drop_ins(&self, directory: &Path) -> io::Result<Vec<DropIn>> {
        // systemd shows drop-ins below the directory that a link leads to.
        let directory = self.root.resolve(directory, Links::Follow)?;
        let entries = self.root.read_dir_sorted(&directory)?.unwrap_or_default();
        let is_drop_in = |name: &[u8]| name.ends_with(b".conf") && !name.starts_with(b".");
        Ok(entries
            .into_iter()
            .filter(|entry| is_drop_in(entry.name.as_bytes()))
            .map(|entry| DropIn { path: directory.join(&entry.name), name: entry.name })
            .collect())
    }

    fn names(&mut self, suffix: &str) -> Arc<Names> {
        if let Some(names) = self.names.get(suffix) {
            return Arc::clone(names);
        }
        let names = Arc::new(self.names_of(&self.search.clone(), suffix));
        self.names.insert(suffix.to_owned(), Arc::clone(&names));
        names
    }

    fn names_of(&mut self, search: &SearchPath, suffix: &str) -> Names {
        let directories = self.directories(search);
        Names::new(self.root, search, suffix, directories)
    }

    /// What is in the directories of `search`, each once.
    fn directories(&mut self, search: &SearchPath) -> Vec<(PathBuf, Arc<Listing>)> {
        if *search != self.search {
            return self.look_for(search);
        }
        if self.present.is_none() {
            self.present = Some(self.look_for(search));
        }
        self.present.clone().unwrap_or_default()
    }

    fn look_for(&mut self, search: &SearchPath) -> Vec<(PathBuf, Arc<Listing>)> {
        let directories = search.directories();
        let mut listings = Vec::new();
        for directory in directories {
            // Most of them are on no machine.
            if self.root.kind(directory, Links::Follow).is_ok_and(|kind| kind.is_none()) {
                continue;
            }
            // `/lib/systemd/system` where `/lib` is a link to `/usr/lib`.
            let resolved = self.root.resolve(directory, Links::Follow);
            if resolved.is_ok_and(|resolved| resolved != *directory && directories.contains(&resolved)) {
                continue;
            }
            let listing = self
                .listings
                .entry(directory.clone())
                .or_insert_with(|| Arc::new(Listing::read(self.root, directory)));
            listings.push((directory.clone(), Arc::clone(listing)));
        }
        listings
    }
}

impl UnitText {
    /// Whether it has more lines or parts of values than are read.
    fn is_beyond(&self) -> bool {
        let parts = |assignment: &Assignment| {
            let separators = |byte: &u8| matches!(byte, b' ' | b'\t' | b',' | b'%');
            1 + assignment.value.bytes().filter(|byte| separators(byte)).count()
        };
        let most: usize = self.assignments.iter().map(|assignment| 1 + assignment.value.len()).sum();
        if most.saturating_add(self.notices.len()) <= MAX_PARTS {
            return false;
        }
        let parts: usize = self.assignments.iter().map(parts).sum();
        parts.saturating_add(self.notices.len()) > MAX_PARTS
    }

    fn append(&mut self, lines: UnitLines) {
        if self.assignments.is_empty() {
            self.assignments = lines.assignments;
        } else {
            self.assignments.extend(lines.assignments);
        }
        self.notices.extend(lines.notices);
    }

    /// A fault ends a drop-in; the unit keeps what stands before it (seen with systemd 252).
    fn append_drop_in(&mut self, path: &Path, mut lines: UnitLines) {
        if let Some(fault) = lines.broken.take() {
            let text = format!("{}, the rest of the file is ignored", fault.reason);
            lines.notices.push(Notice { path: Arc::from(path), line: Some(fault.line), text });
        }
        self.append(lines);
    }

    fn ignore(&mut self, path: &Path, error: &io::Error) {
        self.notices.push(Notice { path: Arc::from(path), line: None, text: format!("{error}, ignored") });
    }
}

fn unread(path: PathBuf, reason: String) -> Load {
    Load::Unread { path, reason }
}

fn beyond() -> String {
    format!("more than {MAX_PARTS} assignments and words of values are not read")
}

fn broken(path: PathBuf, line: Option<u32>, reason: &str) -> Load {
    Load::Broken { path, line, reason: reason.to_owned() }
}

#[cfg(test)]
#[path = "loader_tests.rs"]
mod tests;
