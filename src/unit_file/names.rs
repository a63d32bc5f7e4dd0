//! Which file each unit name stands for: the names of a search path with their aliases, and the drop-in directories,
//! as `unit_file_build_name_map()` of systemd finds them. Contents are read by others.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::name::is_type;
use super::root::Folder;
use super::{Entry, Form, Kind, Links, Notice, Root, SearchPath, UnitName, quoted, quoted_bytes};
use crate::gather::Gather as _;

/// Aliases are followed this often (`FOLLOW_MAX`).
const MAX_ALIASES: usize = 8;

/// The unit types that may have aliases, and those that may have templates.
const ALIASED: [&str; 6] = ["service", "socket", "target", "device", "timer", "path"];
const TEMPLATED: [&str; 5] = ["service", "socket", "target", "timer", "path"];

/// What one directory of the search path holds, read once. Names are taken apart and links read when they are asked for.
#[derive(Debug, Default)]
pub(super) struct Listing {
    folder: Option<Folder>,
    /// Sorted by name.
    entries: Vec<Entry>,
    /// Names of drop-in directories, sorted.
    drop_ins: Vec<String>,
    unreadable: Option<Notice>,
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
        let Some(folder) = root.folder(directory)? else { return Ok(Self::default()) };
        let entries = folder.entries_sorted()?;
        let is_directory = |entry: &&Entry| matches!(entry.kind, Kind::Directory | Kind::Link);
        let names = entries.iter().filter(is_directory).filter_map(|entry| entry.name.to_str());
        let drop_ins = names.filter(|name| is_drop_in_directory(name)).map(str::to_owned).collect();
        Ok(Self { folder: Some(folder), entries, drop_ins, unreadable: None })
    }

    /// Whether a file or link of that name is in the directory.
    pub(super) fn has(&self, name: &UnitName) -> bool {
        matches!(self.kind(name), Some(Kind::File | Kind::Link))
    }

    /// That the directory could not be read.
    pub(super) fn unreadable(&self) -> Option<&Notice> {
        self.unreadable.as_ref()
    }

    fn kind(&self, name: &UnitName) -> Option<Kind> {
        let by_name = |entry: &Entry| entry.name.as_bytes().cmp(name.as_str().as_bytes());
        let place = self.entries.binary_search_by(by_name).ok()?;
        self.entries.get(place).map(|entry| entry.kind)
    }

    /// The names of units of one type, with what they are.
    fn units<'a>(&'a self, suffix: &'a str) -> impl Iterator<Item = (UnitName, Kind)> + 'a {
        let of_type = move |name: &str| name.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.'));
        self.entries.iter().filter_map(move |entry| {
            let name = entry.name.to_str().filter(|name| of_type(name))?;
            Some((name.parse().ok()?, entry.kind))
        })
    }
}

/// The names of one type of units in a search path. An alias has the type of its unit, so no other types bear on them.
#[derive(Debug)]
pub(super) struct Names {
    suffix: String,
    /// In the order of the search path.
    places: Vec<Place>,
    /// For the last name of a chain of aliases, every alias that leads to it.
    reverse: BTreeMap<UnitName, BTreeSet<UnitName>>,
}

/// A directory of the search path.
#[derive(Debug)]
struct Place {
    directory: PathBuf,
    listing: Arc<Listing>,
    /// What its links are, or why systemd ignores them.
    links: BTreeMap<UnitName, Result<Origin, String>>,
}

#[derive(Debug)]
enum Origin {
    Fragment,
    Alias(UnitName),
}

impl Place {
    /// What stands under the name, if anything does, or why systemd ignores it.
    fn origin(&self, name: &UnitName) -> Option<Result<&Origin, String>> {
        Some(match self.listing.kind(name)? {
            Kind::File => Ok(&Origin::Fragment),
            Kind::Link => self.links.get(name)?.as_ref().map_err(Clone::clone),
            other => Err(other.no_unit_file().unwrap_or_default().to_owned()),
        })
    }
}

/// The file and the names of a unit.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) id: UnitName,
    pub(super) names: BTreeSet<UnitName>,
    pub(super) fragment: Option<Fragment>,
}

/// The file of a unit.
#[derive(Debug)]
pub(super) struct Fragment {
    pub(super) path: PathBuf,
    /// Its directory and its name there, where it is a regular file in it and no link.
    pub(super) regular: Option<(Arc<Listing>, UnitName)>,
}

impl Fragment {
    /// Puts its content into `content`; whether that could be had at once.
    pub(super) fn read_regular(&self, content: &mut Vec<u8>) -> io::Result<bool> {
        let regular =
            self.regular.as_ref().and_then(|(listing, name)| Some((listing.folder.as_ref()?, name)));
        regular.map_or(Ok(false), |(folder, name)| folder.read_regular(name.as_str(), content))
    }
}

impl Names {
    /// Puts the listings together, given in the order of the search path.
    pub(super) fn new(
        root: &Root,
        search: &SearchPath,
        suffix: &str,
        listings: Vec<(PathBuf, Arc<Listing>)>,
    ) -> Self {
        let mut targets = LinkTargets { root, search, parents: BTreeMap::new() };
        let places = listings.into_iter().map(|(directory, listing)| {
            let links = listing.units(suffix).filter(|(_, kind)| *kind == Kind::Link);
            let links = links.filter_map(|(name, _)| {
                let origin = match listing.folder.as_ref()?.link_target(name.as_str()) {
                    Ok(target) => targets.origin(&directory, &name, &target?),
                    Err(error) => Err(format!("the link cannot be read: {error}")),
                };
                Some((name, origin))
            });
            let links = links.gather();
            Place { directory, listing, links }
        });
        let places = places.collect();
        let mut names = Self { suffix: suffix.to_owned(), places, reverse: BTreeMap::new() };
        names.reverse = names.reversed();
        names
    }

    fn reversed(&self) -> BTreeMap<UnitName, BTreeSet<UnitName>> {
        let mut reverse: BTreeMap<UnitName, BTreeSet<UnitName>> = BTreeMap::new();
        for name in self.places.iter().flat_map(|place| place.links.keys()) {
            let Ok(Some((last, _))) = self.follow(name) else { continue };
            // `a@x.service` to `b@.service` is an alias of `b@x.service` alone.
            let key = match name.instance() {
                Some(instance) if last.is_template() => last.with_instance(instance),
                _ => Ok(last),
            };
            if let Ok(key) = key {
                reverse.entry(key).or_default().insert(name.clone());
            }
        }
        reverse
    }

    /// Where the first file or alias of that name stands, and what it is.
    fn origin(&self, name: &UnitName) -> Option<(&Place, &Origin)> {
        self.places.iter().find_map(|place| match place.origin(name)? {
            Ok(origin) => Some((place, origin)),
            Err(_) => None,
        })
    }

    /// The last name and the place of the file that a name leads to, `None` where it leads nowhere.
    fn follow(&self, name: &UnitName) -> anyhow::Result<Option<(UnitName, &Place)>> {
        let mut at = name.clone();
        let mut aliased = false;
        for _ in 0..MAX_ALIASES {
            let mut found = self.origin(&at);
            // The name looked for is never exchanged for its template here; the target of an alias is.
            if found.is_none()
                && aliased
                && let Some(template) = at.template()
            {
                found = self.origin(&template);
                at = template;
            }
            match found {
                None => return Ok(None),
                Some((place, Origin::Fragment)) => return Ok(Some((at, place))),
                Some((_, Origin::Alias(target))) => {
                    at = target.clone();
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
        let fragment = found.as_ref().map(|(file, place)| Fragment {
            path: place.directory.join(file.as_str()),
            regular: (place.listing.kind(file) == Some(Kind::File))
                .then(|| (Arc::clone(&place.listing), file.clone())),
        });
        let file = found.as_ref().map(|(file, _)| file);
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
        self.follow(name).ok().flatten().is_some_and(|(last, _)| last != *file)
    }

    /// The drop-in directories of these names (`a.service`, or the type `service`) that exist: by their place in the
    /// search path, and in one place as the names are given.
    pub(super) fn drop_in_directories<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Vec<PathBuf> {
        if !self.have_drop_ins() {
            return Vec::new();
        }
        let wanted: Vec<String> = names.into_iter().map(|name| format!("{name}.d")).collect();
        let in_place = |place: &Place| {
            let has = |name: &&String| place.listing.drop_ins.binary_search(name).is_ok();
            wanted.iter().filter(has).map(|name| place.directory.join(name)).collect::<Vec<_>>()
        };
        self.places.iter().flat_map(in_place).collect()
    }

    /// Whether there is any drop-in directory.
    pub(super) fn have_drop_ins(&self) -> bool {
        self.places.iter().any(|place| !place.listing.drop_ins.is_empty())
    }

    /// Whether any drop-in directory may be one of `name`: all of those begin as it does, up to the first dash.
    pub(super) fn may_have_drop_ins(&self, name: &UnitName) -> bool {
        let text = name.as_str();
        let end = text.bytes().skip(1).position(|byte| matches!(byte, b'-' | b'@' | b'.'));
        let start = end.and_then(|end| text.get(..=end)).unwrap_or(text);
        self.places.iter().any(|place| {
            let drop_ins = &place.listing.drop_ins;
            let next = drop_ins.get(drop_ins.partition_point(|known| known.as_str() < start));
            next.is_some_and(|known| known.starts_with(start))
        })
    }

    /// All names, sorted, hidden ones left out.
    pub(super) fn all(&self) -> BTreeSet<UnitName> {
        let names = self.places.iter().flat_map(|place| place.listing.units(&self.suffix));
        let names = names.map(|(name, _)| name).filter(|name| !name.as_str().starts_with('.'));
        names.filter(|name| self.origin(name).is_some()).gather()
    }

    /// Files of that name that were passed over.
    pub(super) fn ignored(&self, name: &UnitName) -> Vec<Notice> {
        let found = self.places.iter().filter_map(|place| Some((place, place.origin(name)?)));
        let passed_over = found.map_while(|(place, origin)| Some((place, origin.err()?)));
        let said = |(place, reason): (&Place, String)| {
            notice(&place.directory.join(name.as_str()), format!("{reason}, ignored"))
        };
        passed_over.map(said).collect()
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
    fn origin(&mut self, directory: &Path, name: &UnitName, target: &Path) -> Result<Origin, String> {
        let target = directory.join(target);
        let (Some(parent), Some(file)) = (target.parent(), target.file_name()) else {
            return Ok(Origin::Fragment);
        };
        if !self.parents.contains_key(parent) {
            let resolved = self.root.resolve(parent, Links::Follow).map_err(|error| {
                format!(
                    "the link to {} cannot be resolved: {error}",
                    quoted_bytes(target.as_os_str().as_bytes())
                )
            })?;
            self.parents.insert(parent.to_owned(), resolved);
        }
        let inside = self.parents.get(parent).is_some_and(|parent| {
            self.search.directories().iter().any(|directory| parent.starts_with(directory))
        });
        if inside { alias(name, &file.to_string_lossy()).map(Origin::Alias) } else { Ok(Origin::Fragment) }
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
