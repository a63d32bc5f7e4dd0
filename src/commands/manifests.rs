//! Which manifest declares a unit: one that was named, or the first of the installed ones. Reading a file is
//! `manifest_file`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::manifest_file;
use crate::manifest::Manifest;
use crate::policy::{Planned, plan};
use crate::unit_file::{Kind, Links, Root, UnitName};

/// Where manifests are installed, the first with the highest priority.
const DIRECTORIES: [&str; 3] = ["/etc/systemd-harden", "/run/systemd-harden", "/usr/lib/systemd-harden"];

/// Where an administrator adds to them: `NAME.toml.d/*.toml`.
const ADDITIONS: &str = "/etc/systemd-harden";

/// Manifests to look a unit up in.
pub(super) struct Manifests {
    all: Vec<Manifest>,
    /// The place of the first manifest that declares a unit of that name, and that of the service in its plan.
    declared: BTreeMap<String, (usize, usize)>,
    /// Why others could not be read: they may declare any unit.
    pub(super) failures: Vec<anyhow::Error>,
}

impl Manifests {
    /// Just this one.
    pub(super) fn only(manifest: Manifest) -> Self {
        Self::of(vec![manifest], Vec::new())
    }

    /// Whether they declare a unit at all.
    pub(super) fn declare_any(&self) -> bool {
        !self.declared.is_empty()
    }

    fn of(all: Vec<Manifest>, failures: Vec<anyhow::Error>) -> Self {
        let mut declared = BTreeMap::new();
        for (place, manifest) in all.iter().enumerate() {
            for (in_plan, planned) in plan(manifest).into_iter().enumerate() {
                let aliases = planned.service.aliases.iter().map(|alias| alias.as_str().to_owned());
                for name in std::iter::once(planned.unit_name()).chain(aliases) {
                    declared.entry(name).or_insert((place, in_plan));
                }
            }
        }
        Self { all, declared, failures }
    }

    /// Those that are installed below `root`, with the administrator's additions. A file hides those of the same name
    /// in later directories.
    pub(super) fn installed(root: &Root) -> Self {
        let (mut manifests, mut failures) = (Vec::new(), Vec::new());
        let mut seen: BTreeSet<OsString> = BTreeSet::new();
        for directory in DIRECTORIES.map(Path::new) {
            let files = match toml_files(root, directory) {
                Ok(files) => files,
                Err(error) => {
                    failures.push(error);
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
                    Ok(loaded) => manifests.push(loaded.manifest),
                    Err(error) => failures.push(error),
                }
            }
        }
        Self::of(manifests, failures)
    }

    /// The first manifest that declares a unit under one of these names, or the template that it is an instance of.
    pub(super) fn declaring(&self, names: &[&str]) -> Option<(&Manifest, Planned<'_>)> {
        if self.declared.is_empty() {
            return None;
        }
        let unit = |name: &str| name.parse::<UnitName>().ok();
        let template = |name: &str| Some(unit(name)?.template()?.as_str().to_owned());
        let of = |name: &str| self.declared.get(name).copied();
        let declared = names.iter().flat_map(|name| [of(name), template(name).and_then(|name| of(&name))]);
        let (place, in_plan) = declared.flatten().min()?;
        let manifest = self.all.get(place)?;
        let mut planned = plan(manifest).into_iter().nth(in_plan)?;
        planned.instance = names.iter().find_map(|name| unit(name)?.instance().map(str::to_owned));
        Some((manifest, planned))
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
