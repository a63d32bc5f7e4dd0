//! A manifest on disk, with the drop-ins beside it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::catalogue;
use crate::manifest::{Manifest, Source, Sources, load};
use crate::unit_file::Root;

/// A manifest and the text it was read from.
pub struct Loaded {
    /// What it says.
    pub manifest: Manifest,
    /// Its own text, without drop-ins.
    pub source: String,
    /// The names and texts of the drop-ins.
    pub drop_ins: Vec<(String, String)>,
}

/// Reads a manifest and the drop-ins in `PATH.d/`.
pub fn read(path: &Path) -> Result<Loaded> {
    let absolute = std::path::absolute(path).with_context(|| format!("finding `{}`", path.display()))?;
    let folder = Shown { path: &beside(&absolute), as_said: &beside(path) };
    read_shown(&Root::open("/")?, Shown { path: &absolute, as_said: path }, &[folder])
}

/// Reads a manifest below a root, with the drop-ins beside it and those of an administrator's folder.
pub fn read_below(root: &Root, path: &Path, additions: &Path) -> Result<Loaded> {
    let beside = beside(path);
    let same = |path| Shown { path, as_said: path };
    let folders =
        if beside == additions { vec![same(additions)] } else { vec![same(&beside), same(additions)] };
    read_shown(root, same(path), &folders)
}

/// The folder of a manifest's drop-ins.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".d");
    PathBuf::from(name)
}

/// A path below a root, and what messages call it.
#[derive(Clone, Copy)]
struct Shown<'a> {
    path: &'a Path,
    as_said: &'a Path,
}

fn read_shown(root: &Root, main: Shown<'_>, folders: &[Shown<'_>]) -> Result<Loaded> {
    let name = main.as_said.display().to_string();
    let Some(bytes) = root.read(main.path).with_context(|| format!("reading `{name}`"))? else {
        bail!("`{name}` does not exist");
    };
    let mut drop_ins: Vec<(String, Vec<u8>)> = Vec::new();
    for folder in folders {
        let entries = root.read_dir_sorted(folder.path);
        let entries = entries.with_context(|| format!("listing `{}`", folder.as_said.display()))?;
        for entry in entries.unwrap_or_default() {
            let said = folder.as_said.join(&entry.name);
            if said.extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            let said = said.display().to_string();
            let bytes =
                root.read(&folder.path.join(&entry.name)).with_context(|| format!("reading `{said}`"))?;
            drop_ins.extend(bytes.map(|bytes| (said, bytes)));
        }
    }
    let sources = Sources {
        main: Source { path: &name, bytes: &bytes },
        drop_ins: drop_ins.iter().map(|(path, bytes)| Source { path, bytes }).collect(),
    };
    let manifest = load(&sources, &catalogue::FOR_MANIFESTS)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let base = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    let texts = drop_ins.iter().map(|(path, bytes)| (base(path), text(bytes))).collect();
    Ok(Loaded { manifest, source: text(&bytes), drop_ins: texts })
}
