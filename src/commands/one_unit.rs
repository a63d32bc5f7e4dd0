//! One unit that the command line names: what contains a `/` is a file, anything else is looked for by its name among the
//! units of the host or of a tree.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::score::own_directories;
use crate::manifest::Scope;
use crate::unit_file::{Links, Load, Loader, Root, SearchPath, UnitName};

/// Where a unit is looked for.
pub(super) struct Asked<'r> {
    pub(super) root: &'r Root,
    pub(super) scope: Scope,
    /// Whether a path that is named lies below the root, whatever the current directory is.
    pub(super) is_below: bool,
    /// What a template is read with.
    pub(super) instance: &'static str,
}

/// What became of it.
pub(super) struct One<'r> {
    pub(super) loader: Loader<'r>,
    pub(super) load: Load,
    /// The folder of a file that was named.
    pub(super) folder: Option<PathBuf>,
}

impl<'r> Asked<'r> {
    pub(super) fn load(&self, text: &str) -> Result<One<'r>> {
        let mut search = match self.scope {
            Scope::System => SearchPath::system(),
            Scope::User => SearchPath::user(&own_directories()),
        };
        let file = text.contains('/').then(|| {
            let inside = |path: &Path| Path::new("/").join(path);
            if self.is_below { Ok(inside(Path::new(text))) } else { std::path::absolute(text) }
        });
        let file = file.transpose().context("cannot tell the current directory")?;
        let folder = file.as_deref().and_then(Path::parent).map(Path::to_owned);
        // What lies beside a file belongs to it before what the machine has.
        if let Some(folder) = &folder {
            let folder = self.root.resolve(folder, Links::Follow);
            search = search.with_first(&folder.with_context(|| format!("cannot read `{text}`"))?);
        }
        let mut loader = Loader::new(self.root, search);
        let load = if let Some(path) = &file {
            loader.load_file(path, self.instance)?
        } else {
            let name: UnitName = text.parse().or_else(|_| format!("{text}.service").parse())?;
            let name = if name.is_template() { name.with_instance(self.instance)? } else { name };
            loader.load(&name)?
        };
        Ok(One { loader, load, folder })
    }
}
