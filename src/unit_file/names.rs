//! Which file each unit name stands for: all names of a search path with their aliases, and the drop-in directories,
//! as `unit_file_build_name_map()` of systemd finds them. Contents are read by others.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::name::is_type;
use super::{Form, Kind, Links, Notice, Root, SearchPath, UnitName, quoted};

/// Aliases are followed this often (`FOLLOW_MAX`).
const MAX_ALIASES: usize = 8;

/// The unit types that may have aliases, and those that may have templates.
const ALIASED: [&str; 6] = ["service", "socket", "target", "device", "timer", "path"];
const TEMPLATED: [&str; 5] = ["service", "socket", "target", "timer", "path"];

/// What one directory of the search path holds, read once.
#[derive(Debug, Default)]
pub(super) struct Listing {
    units: Vec<(UnitName, Found)>,
    drop_ins: Vec<String>,
    unreadable: Option<Notice>,
}

#[derive(Debug)]
enum Found {
    File,
    /// With what the link says.
    Link(PathBuf),
    Odd(&'static str),
}

impl Listing {
    /// Reads `directory`; one that cannot be read is as good as empty to systemd, and has a notice.
    pub(super) fn read(root: &Root, directory: &Path) -> Self {
        Self::try_read(root, directory).unwrap_or_else(|error| Self {
            unreadable: Some(notice(directory, format!("the directory cannot be read: {error}, ignored"))),
            ..Self::default()
        })
    }

    fn try_read(root: &Root, directory: &Path) -> io::Result<Self> {
        let mut listing = Self::default();
        for entry in root.read_dir_sorted(directory)?.unwrap_or_default() {
            let Some(text) = entry.name.to_str() else { continue };
            if let Ok(name) = text.parse::<UnitName>() {
                let found = match entry.kind {
                    Kind::File => Found::File,
                    Kind::Link => match root.link_target(&directory.join(text))? {
                        Some(target) => Found::Link(target),
                        None => continue,
                    },
                    Kind::Directory => Found::Odd("a directory"),
                    Kind::Device => Found::Odd("a device"),
                    Kind::Other => Found::Odd("a FIFO or socket"),
                };
                listing.units.push((name, found));
            } else if matches!(entry.kind, Kind::Directory | Kind::Link) && is_drop_in_directory(text) {
                listing.drop_ins.push(text.to_owned());
            }
        }
        Ok(listing)
    }

    /// Whether a file or link of that name is in the directory.
    pub(super) fn has(&self, name: &UnitName) -> bool {
        self.units.iter().any(|(listed, found)| listed == name && !matches!(found, Found::Odd(_)))
    }
}

/// The names of a search path.
#[derive(Debug, Default)]
pub(super) struct Names {
    ids: BTreeMap<UnitName, Origin>,
    /// For the last name of a chain of aliases, every name that leads to it.
    reverse: BTreeMap<UnitName, BTreeSet<UnitName>>,
    /// With the place of their directory in the search path.
    drop_ins: BTreeMap<String, Vec<(usize, PathBuf)>>,
    ignored: BTreeMap<UnitName, Vec<Notice>>,
    unreadable: Vec<Notice>,
}

#[derive(Debug)]
enum Origin {
    Fragment(PathBuf),
    Alias(UnitName),
}

/// The file and the names of a unit.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) id: UnitName,
    pub(super) names: BTreeSet<UnitName>,
    pub(super) fragment: Option<PathBuf>,
}

impl Names {
    /// Puts the listings together, given in the order of the search path.
    pub(super) fn new(root: &Root, search: &SearchPath, listings: &[(&Path, &Listing)]) -> Self {
        let mut names = Self::default();
        let mut links = LinkTargets { root, search, parents: BTreeMap::new() };
        for (place, (directory, listing)) in listings.iter().enumerate() {
            names.unreadable.extend(listing.unreadable.clone());
            for name in &listing.drop_ins {
                names.drop_ins.entry(name.clone()).or_default().push((place, directory.join(name)));
            }
            for (name, found) in &listing.units {
                if names.ids.contains_key(name) {
                    continue;
                }
                let path = directory.join(name.as_str());
                let origin = match found {
                    Found::File => Ok(Origin::Fragment(path.clone())),
                    Found::Link(target) => links.origin(directory, name, &path, target),
                    Found::Odd(what) => Err(format!("{what} is no unit file")),
                };
                match origin {
                    Ok(origin) => {
                        names.ids.insert(name.clone(), origin);
                    }
                    Err(reason) => {
                        let ignored = notice(&path, format!("{reason}, ignored"));
                        names.ignored.entry(name.clone()).or_default().push(ignored);
                    }
                }
            }
        }
        names.reverse();
        names
    }

    fn reverse(&mut self) {
        let mut reverse: BTreeMap<UnitName, BTreeSet<UnitName>> = BTreeMap::new();
        for name in self.ids.keys() {
            let Ok(Some((last, _))) = self.follow(name) else { continue };
            // `a@x.service` to `b@.service` is an alias of `b@x.service` alone.
            let key = match name.instance() {
                Some(instance) if last.is_template() => last.with_instance(instance),
                _ => Ok(last.clone()),
            };
            if let Ok(key) = key {
                reverse.entry(key).or_default().insert(name.clone());
            }
        }
        self.reverse = reverse;
    }

    /// The last name and the file that a name leads to, `None` where it leads nowhere.
    fn follow<'a>(&'a self, name: &'a UnitName) -> anyhow::Result<Option<(&'a UnitName, &'a Path)>> {
        let mut at = name;
        let mut aliased = false;
        for _ in 0..MAX_ALIASES {
            // The name looked for is never exchanged for its template here; the target of an alias is.
            let template = if aliased { at.template() } else { None };
            let found = self
                .ids
                .get_key_value(at)
                .or_else(|| template.as_ref().and_then(|template| self.ids.get_key_value(template)));
            match found {
                None => return Ok(None),
                Some((last, Origin::Fragment(path))) => return Ok(Some((last, path))),
                Some((_, Origin::Alias(target))) => {
                    at = target;
                    aliased = true;
                }
            }
        }
        anyhow::bail!("the aliases of {} go round in circles", quoted(name.as_str()))
    }

    /// The file of a plain name or an instance, and all names of that unit. An error for a circle of aliases.
    pub(super) fn find(&self, name: &UnitName) -> anyhow::Result<Unit> {
        let mut found = self.follow(name)?;
        let template = name.template();
        if found.is_none()
            && let Some(template) = &template
        {
            found = self.follow(template)?;
        }
        let file = found.map(|(last, _)| last);
        let fragment = found.map(|(_, path)| path.to_owned());
        // The file names the unit, with the instance that was asked for; where that instance has another file, it is
        // an alias only.
        let own = file.and_then(|file| Some((file, instantiated(file, name)?)));
        let id = own.filter(|(file, own)| !file.is_template() || !self.is_elsewhere(own, file));
        let id = id.map_or_else(|| name.clone(), |(_, own)| own);
        let mut names = BTreeSet::from([id.clone()]);
        self.add_names(name, name, file, &mut names);
        if let Some(file) = file
            && file != name
        {
            self.add_names(name, file, Some(file), &mut names);
        }
        Ok(Unit { id, names, fragment })
    }

    /// Adds `name`, as an instance where `unit` is one, and the aliases that lead to it.
    fn add_names(
        &self,
        unit: &UnitName,
        name: &UnitName,
        file: Option<&UnitName>,
        names: &mut BTreeSet<UnitName>,
    ) {
        names.extend(instantiated(name, unit));
        for alias in self.reverse.get(name).into_iter().flatten() {
            let Some(instance) = instantiated(alias, unit) else { continue };
            // What a template is an alias of, an instance with a file of its own is not.
            let apart = alias.is_template() && file.is_some_and(|file| self.is_elsewhere(&instance, file));
            if !apart {
                names.insert(instance);
            }
        }
    }

    /// Whether `name` leads to a file of another name than `file`.
    fn is_elsewhere(&self, name: &UnitName, file: &UnitName) -> bool {
        self.follow(name).ok().flatten().is_some_and(|(last, _)| last != file)
    }

    /// The drop-in directories of these names (`a.service`, or the type `service`) that exist: by their place in the
    /// search path, and in one place as the names are given.
    pub(super) fn drop_in_directories<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Vec<&Path> {
        let mut directories: Vec<&(usize, PathBuf)> =
            names.into_iter().filter_map(|name| self.drop_ins.get(&format!("{name}.d"))).flatten().collect();
        directories.sort_by_key(|(place, _)| *place);
        directories.into_iter().map(|(_, path)| path.as_path()).collect()
    }

    /// Names with that suffix, hidden ones left out.
    pub(super) fn with_suffix<'a>(&'a self, suffix: &'a str) -> impl Iterator<Item = &'a UnitName> {
        self.ids.keys().filter(move |name| name.suffix() == suffix && !name.as_str().starts_with('.'))
    }

    /// Files of that name that were passed over.
    pub(super) fn ignored(&self, name: &UnitName) -> &[Notice] {
        self.ignored.get(name).map_or(&[], Vec::as_slice)
    }

    /// Directories that could not be read.
    pub(super) fn unreadable(&self) -> &[Notice] {
        &self.unreadable
    }
}

/// `name` with the instance of `unit` where it is a template; `None` where that gives no valid name.
fn instantiated(name: &UnitName, unit: &UnitName) -> Option<UnitName> {
    if name.is_template() { name.with_instance(unit.instance()?).ok() } else { Some(name.clone()) }
}

/// Resolves the targets of links; most share a few directories.
struct LinkTargets<'a> {
    root: &'a Root,
    search: &'a SearchPath,
    parents: BTreeMap<PathBuf, PathBuf>,
}

impl LinkTargets<'_> {
    /// A link into the search path is an alias; one that leaves it is a file of its own, or a mask.
    fn origin(
        &mut self,
        directory: &Path,
        name: &UnitName,
        link: &Path,
        target: &Path,
    ) -> Result<Origin, String> {
        let target = directory.join(target);
        let (Some(parent), Some(file)) = (target.parent(), target.file_name()) else {
            return Ok(Origin::Fragment(link.to_owned()));
        };
        if !self.parents.contains_key(parent) {
            let resolved = self.root.resolve(parent, Links::Follow).map_err(|error| {
                format!("the link to {} cannot be resolved: {error}", quoted(&target.to_string_lossy()))
            })?;
            self.parents.insert(parent.to_owned(), resolved);
        }
        let inside = self.parents.get(parent).is_some_and(|parent| {
            self.search.directories().iter().any(|directory| parent.starts_with(directory))
        });
        if inside {
            alias(name, &file.to_string_lossy()).map(Origin::Alias)
        } else {
            Ok(Origin::Fragment(link.to_owned()))
        }
    }
}

/// The target of an alias, or why systemd takes it for none (`unit_validate_alias_symlink_and_warn()`).
fn alias(name: &UnitName, target: &str) -> Result<UnitName, String> {
    let refused = |reason: &str| Err(format!("the link to {} {reason}", quoted(target)));
    if !ALIASED.contains(&name.suffix()) {
        return refused("is no alias, units of this type have none");
    }
    if name.form() != Form::Plain && !TEMPLATED.contains(&name.suffix()) {
        return refused("is no alias, units of this type have no templates");
    }
    let Ok(target_name) = target.parse::<UnitName>() else { return refused("does not name a unit") };
    let forms_fit = match (name.form(), target_name.form()) {
        (Form::Instance, Form::Template) => true,
        (Form::Instance, Form::Instance) => name.instance() == target_name.instance(),
        (form, target_form) => form == target_form,
    };
    if !forms_fit || name.suffix() != target_name.suffix() {
        return refused("does not fit its own name");
    }
    if *name == target_name {
        return refused("leads to its own name");
    }
    Ok(target_name)
}

fn is_drop_in_directory(name: &str) -> bool {
    name.strip_suffix(".d").is_some_and(|unit| is_type(unit) || unit.parse::<UnitName>().is_ok())
}

fn notice(path: &Path, text: String) -> Notice {
    Notice { path: Arc::from(path), line: None, text }
}
