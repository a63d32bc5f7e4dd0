//! A running manager and this host's files of its units: what every command about loaded units begins with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use crate::architecture::Architecture;
use crate::bus::{Address, LoadState, Manager, Properties};
use crate::cli::KNOWN_RELEASES;
use crate::context::{Context, Mode, Scope, UnitType};
use crate::finding::Finding;
use crate::release::Release;
use crate::unit_file::{Links, Load, Loader, Root, SearchPath, UnitName, UnitText};

/// How long any one answer may take: as long as systemd's own tools wait (sd-bus, BUS_DEFAULT_TIMEOUT). A manager that
/// reloads thousands of units on a busy machine takes many seconds.
const PATIENCE: Duration = Duration::from_secs(25);

/// A manager and what its units are judged by.
pub(super) struct Connection {
    /// The manager.
    pub(super) manager: Manager,
    /// Its release, scope and architecture, for services.
    pub(super) context: Context,
    /// That it is newer than what is known, where it is.
    pub(super) newer: Option<Finding>,
}

impl Connection {
    /// Connects to the manager of the system or of the calling user.
    pub(super) fn open(scope: Scope, mode: Mode) -> anyhow::Result<Self> {
        let address = match scope {
            Scope::System => Address::System,
            Scope::User => Address::User,
        };
        let manager = Manager::connect(&address, PATIENCE)?;
        let release: Release = manager.version().parse().context("the manager's version")?;
        let [oldest, newest] = KNOWN_RELEASES;
        anyhow::ensure!(
            release >= oldest,
            "systemd {release} is too old: {} is the first known",
            oldest.major
        );
        let newer = (release > newest).then(|| {
            let text = format!("systemd {release} is newer than {newest}, whose rules are the newest known");
            Finding::notice("release.not-known", text)
        });
        let said = manager.architecture().and_then(Architecture::find);
        let architecture =
            said.or_else(Architecture::native).context("the manager does not say its architecture")?;
        let context = Context { release, mode, scope, unit_type: UnitType::Service, architecture };
        Ok(Self { manager, context, newer })
    }
}

/// The variable that leads to another bus than this host's.
pub(super) fn bus_variable(scope: Scope) -> &'static str {
    match scope {
        Scope::System => "DBUS_SYSTEM_BUS_ADDRESS",
        Scope::User => "DBUS_SESSION_BUS_ADDRESS",
    }
}

/// Whether the bus is this host's own.
pub(super) fn is_own_bus(scope: Scope) -> bool {
    match scope {
        Scope::System => Address::System.is_own(),
        Scope::User => Address::User.is_own(),
    }
}

/// This host's files, where the bus is this host's own: only they say where a value was written.
pub(super) fn host(scope: Scope) -> Option<(Root, SearchPath)> {
    let elsewhere = scope == Scope::User || !is_own_bus(scope);
    if elsewhere { None } else { Some((Root::open("/").ok()?, SearchPath::system())) }
}

/// The files of this host's units.
pub(super) struct OwnFiles<'r> {
    root: &'r Root,
    loader: Loader<'r>,
    /// Directories that were met, without links; nothing for what cannot be resolved.
    directories: BTreeMap<PathBuf, Option<PathBuf>>,
}

impl<'r> OwnFiles<'r> {
    pub(super) fn new(root: &'r Root, search: &SearchPath) -> Self {
        Self { root, loader: Loader::new(root, search.clone()), directories: BTreeMap::new() }
    }

    /// The unit's files as they are, if they are those that the manager names.
    pub(super) fn of(&mut self, id: &str, properties: &Properties) -> Option<UnitText> {
        let Ok(Load::Loaded(text)) = self.loader.load(&id.parse::<UnitName>().ok()?) else { return None };
        let fragment = self.is_same(text.fragment.as_deref()?, properties.fragment_path()?);
        let published = properties.drop_in_paths();
        let drop_ins = text.drop_ins.len() == published.len()
            && text.drop_ins.iter().zip(published).all(|(ours, theirs)| self.is_same(ours, theirs));
        (fragment && drop_ins).then_some(text)
    }

    /// Whether both are the same name in the same directory, which links may lead to.
    fn is_same(&mut self, ours: &Path, theirs: &str) -> bool {
        let theirs = Path::new(theirs);
        if ours == theirs {
            return true;
        }
        if ours.file_name().is_none() || ours.file_name() != theirs.file_name() {
            return false;
        }
        let (ours, theirs) = (self.directory_of(ours), self.directory_of(theirs));
        ours.is_some() && ours == theirs
    }

    /// The directory of a file, without links.
    fn directory_of(&mut self, path: &Path) -> Option<PathBuf> {
        let directory = path.parent()?;
        if let Some(known) = self.directories.get(directory) {
            return known.clone();
        }
        let resolved = self.root.resolve(directory, Links::Follow).ok();
        self.directories.insert(directory.to_owned(), resolved.clone());
        resolved
    }
}

/// Why a unit cannot be judged, and what to do.
pub(super) fn why_not(name: &str, properties: &Properties) -> Option<String> {
    let reason = properties.load_error().map_or_else(String::new, |error| format!(" ({error})"));
    Some(match properties.load_state() {
        Some(LoadState::Loaded | LoadState::Merged | LoadState::Stub) => return None,
        Some(LoadState::NotFound) => {
            "the manager has no unit file of that name: is its package installed?".to_owned()
        }
        Some(LoadState::Masked) => {
            let mask = properties.fragment_path().map_or_else(String::new, |path| format!(" by `{path}`"));
            format!("masked{mask}: `systemctl unmask {name}` first, or score the file that it masks")
        }
        Some(LoadState::BadSetting | LoadState::Error) => {
            format!("the manager refuses its files{reason}: `systemd-analyze verify {name}` says where")
        }
        Some(LoadState::Other(state)) => format!("the manager calls it `{state}`{reason}"),
        None => "the manager does not say whether it is loaded: is that systemd's bus?".to_owned(),
    })
}
