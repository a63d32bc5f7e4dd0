//! Which manifest declares a unit: one that was named, or the first of the installed ones. Reading a file is
//! `manifest_file`'s.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::manifest_file;
use crate::manifest::Manifest;
use crate::manifest::words::UnitName as UnitWord;
use crate::policy::{Planned, plan};
use crate::unit_file::{Kind, Links, Root, UnitName};

/// Where manifests are installed, the first with the highest priority.
const DIRECTORIES: [&str; 3] = ["/etc/systemd-harden", "/run/systemd-harden", "/usr/lib/systemd-harden"];

/// Where an administrator adds to them: `NAME.toml.d/*.toml`.
const ADDITIONS: &str = "/etc/systemd-harden";

/// Manifests to look a unit up in.
pub(super) struct Manifests {
    manifests: Vec<Manifest>,
    /// Why others could not be read: they may declare any unit.
    pub(super) failures: Vec<anyhow::Error>,
}

impl Manifests {
    /// Just this one.
    pub(super) fn only(manifest: Manifest) -> Self {
        Self { manifests: vec![manifest], failures: Vec::new() }
    }

    /// Those that are installed below `root`, with the administrator's additions. A file hides those of the same name
    /// in later directories.
    pub(super) fn installed(root: &Root) -> Self {
        let mut found = Self { manifests: Vec::new(), failures: Vec::new() };
        let mut seen: BTreeSet<OsString> = BTreeSet::new();
        for directory in DIRECTORIES.map(Path::new) {
            let files = match toml_files(root, directory) {
                Ok(files) => files,
                Err(error) => {
                    found.failures.push(error);
                    continue;
                }
            };
            for path in files {
                let Some(name) = path.file_name() else { continue };
                if !seen.insert(name.to_owned()) {
                    continue;
                }
                let mut additions = name.to_owned();
                additions.push(".d");
                match manifest_file::read_below(root, &path, &Path::new(ADDITIONS).join(additions)) {
                    Ok(loaded) => found.manifests.push(loaded.manifest),
                    Err(error) => found.failures.push(error),
                }
            }
        }
        found
    }

    /// The first manifest that declares a unit under one of these names, or the template that it is an instance of.
    pub(super) fn declaring(&self, names: &[&str]) -> Option<(&Manifest, Planned<'_>)> {
        let template = |name: &str| Some(name.parse::<UnitName>().ok()?.template()?.as_str().to_owned());
        let is_of = |declared: &str| {
            names.iter().any(|name| *name == declared || template(name).as_deref() == Some(declared))
        };
        self.manifests.iter().find_map(|manifest| {
            let mut planned = plan(manifest).into_iter();
            let planned = planned.find(|planned| {
                let aliases = planned.service.aliases.iter();
                is_of(&planned.unit_name()) || aliases.map(UnitWord::as_str).any(is_of)
            })?;
            Some((manifest, planned))
        })
    }
}

/// The regular files `*.toml` of a directory, sorted; none where there is no directory.
fn toml_files(root: &Root, directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = root.read_dir_sorted(directory);
    let entries = entries.with_context(|| format!("cannot list `{}`", directory.display()))?;
    let mut files = Vec::new();
    for entry in entries.unwrap_or_default() {
        let path = directory.join(&entry.name);
        if path.extension().is_some_and(|extension| extension == "toml")
            && root.kind(&path, Links::Follow).ok().flatten() == Some(Kind::File)
        {
            files.push(path);
        }
    }
    Ok(files)
}
