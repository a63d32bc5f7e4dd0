//! What a store holds: names below a directory, or rows of a database.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use cap_std::fs::MetadataExt as _;

use super::database;
use crate::content::unreadable;
use crate::manifest::words::RulePath;
use crate::manifest::{Encoding, Guard};
use crate::unit_file::{Kind, Links, Root};

/// How many names are looked at in and below a store.
const MOST: usize = 20_000;

/// How deep directories of a store may lie in each other.
const DEEPEST: usize = 8;

/// Both ways of ending are in use.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// An entry of a store.
#[derive(Debug)]
pub(super) struct Held {
    /// Its name, decoded where it can be.
    pub(super) name: String,
    /// A time at which it existed already, in seconds since 1970.
    pub(super) existed: i64,
}

/// The entries of the guard's store, those left out that do not count; none where there is no store.
///
/// # Errors
///
/// Why what it holds cannot be known, to be told.
pub(super) fn held(guard: &Guard, store: &RulePath, root: &Root) -> Result<Vec<Held>, String> {
    let path = Path::new(store.path());
    let mut entries = match &guard.sqlite {
        Some(sqlite) => database::rows(sqlite, path, root)?,
        None => names(path, root)?,
    };
    for entry in &mut entries {
        if let Some(decoded) = decoded(guard.encoded, &entry.name) {
            entry.name = decoded;
        }
    }
    entries.retain(|entry| guard.except.iter().all(|except| except.as_str() != entry.name));
    Ok(entries)
}

fn decoded(encoding: Encoding, name: &str) -> Option<String> {
    match encoding {
        Encoding::Plain => None,
        Encoding::Base64url => String::from_utf8(BASE64.decode(name).ok()?).ok(),
    }
}

/// The names in a directory, but those of directories in which nothing lies: programs leave them behind.
fn names(path: &Path, root: &Root) -> Result<Vec<Held>, String> {
    let mut left = MOST;
    let mut found = Vec::new();
    for (child, name, kind) in list(path, root, &mut left)? {
        let Some(existed) = oldest(&child, kind, root, &mut left)? else { continue };
        found.push(Held { name, existed });
    }
    Ok(found)
}

/// The oldest time of change of what lies at or below `path`; none where that is directories alone.
fn oldest(path: &Path, kind: Kind, root: &Root, left: &mut usize) -> Result<Option<i64>, String> {
    let mut oldest = None;
    let mut pending = VecDeque::from([(path.to_owned(), kind, 0)]);
    while let Some((path, kind, depth)) = pending.pop_front() {
        if kind != Kind::Directory {
            let found = root.metadata(&path, Links::Keep).map_err(|error| unreadable(&error))?;
            // It may be gone by now.
            let Some(found) = found else { continue };
            oldest = Some(oldest.map_or(found.mtime(), |oldest: i64| oldest.min(found.mtime())));
        } else if depth < DEEPEST {
            let below = list(&path, root, left)?;
            pending.extend(below.into_iter().map(|(path, _, kind)| (path, kind, depth + 1)));
        } else {
            return Err(format!("not known: directories lie more than {DEEPEST} deep in each other"));
        }
    }
    Ok(oldest)
}

fn list(path: &Path, root: &Root, left: &mut usize) -> Result<Vec<(PathBuf, String, Kind)>, String> {
    let entries = root.read_dir_at_most(path, *left).map_err(|error| unreadable(&error))?;
    let entries = entries.unwrap_or_default();
    *left = left.saturating_sub(entries.len());
    let named = |entry: crate::unit_file::Entry| {
        (path.join(&entry.name), entry.name.to_string_lossy().into_owned(), entry.kind)
    };
    Ok(entries.into_iter().map(named).collect())
}
