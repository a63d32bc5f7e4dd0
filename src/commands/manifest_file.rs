//! A manifest on disk, with the drop-ins beside it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::catalogue;
use crate::manifest::{Manifest, Options, Source, Sources, load};
use crate::unit_file::Root;

/// A manifest and the text it was read from.
pub struct Loaded {
    /// What it says.
    pub manifest: Manifest,
    /// Its own text, without drop-ins.
    pub source: String,
}

/// Reads a manifest and the drop-ins in `PATH.d/`.
pub fn read(path: &Path) -> Result<Loaded> {
    let absolute = std::path::absolute(path).with_context(|| format!("finding `{}`", path.display()))?;
    let folder = PathBuf::from(format!("{}.d", absolute.display()));
    read_below(&Root::open("/")?, &absolute, path, &folder)
}

/// Reads a manifest below a root; `shown` is what messages call it.
pub fn read_below(root: &Root, path: &Path, shown: &Path, drop_ins: &Path) -> Result<Loaded> {
    let name = shown.display().to_string();
    let Some(bytes) = root.read(path).with_context(|| format!("reading `{name}`"))? else {
        bail!("`{name}` does not exist");
    };
    let mut extra: Vec<(String, Vec<u8>)> = Vec::new();
    for entry in root.read_dir_sorted(drop_ins).unwrap_or_default().unwrap_or_default() {
        let file = drop_ins.join(&entry.name);
        if file.extension().is_some_and(|extension| extension == "toml")
            && let Some(bytes) = root.read(&file).with_context(|| format!("reading `{}`", file.display()))?
        {
            extra.push((file.display().to_string(), bytes));
        }
    }
    let sources = Sources {
        main: Source { path: &name, bytes: &bytes },
        drop_ins: extra.iter().map(|(path, bytes)| Source { path, bytes }).collect(),
    };
    let confines = |name: &str| catalogue::find(name).is_some_and(catalogue::Directive::confines);
    let manifest = load(&sources, &Options { confines })?;
    Ok(Loaded { manifest, source: String::from_utf8_lossy(&bytes).into_owned() })
}
