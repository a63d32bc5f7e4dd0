//! Where the loader finds the libraries of a program (ld.so(8)): its own run path, then the directories that all share.
//!
//! `LD_LIBRARY_PATH`, the loader's cache and `/etc/ld.so.conf` are not followed: what only they lead to is a library that
//! many programs share, and of those the name is enough.

use std::path::{Path, PathBuf};

use super::elf::Elf;
use crate::unit_file::{Kind, Links, Root};

/// The directories of every loader; distributions with several architectures have one for each below.
const SHARED: [&str; 4] = ["/usr/lib64", "/usr/lib", "/lib64", "/lib"];
/// The triplets of Debian's architectures end so.
const TRIPLETS: [&str; 3] = ["-linux-gnu", "-linux-gnueabihf", "-linux-musl"];

/// A library that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// Whether only programs that name its directory find it: then it is a part of them.
    pub(super) is_private: bool,
}

/// The directories in which every program's libraries are looked for.
#[derive(Clone, Debug)]
pub(super) struct Shared(Vec<PathBuf>);

impl Shared {
    pub(super) fn of(root: &Root) -> Self {
        let mut folders: Vec<PathBuf> = Vec::new();
        for shared in SHARED.map(Path::new) {
            let Ok(shared) = root.resolve(shared, Links::Follow) else { continue };
            let entries = root.read_dir_sorted(&shared).ok().flatten().unwrap_or_default();
            let of_architecture = entries.into_iter().map(|entry| shared.join(entry.name));
            let is_triplet = |path: &PathBuf| {
                let name = path.to_string_lossy();
                TRIPLETS.iter().any(|triplet| name.ends_with(triplet))
            };
            let mut found: Vec<PathBuf> = of_architecture.filter(is_triplet).collect();
            found.push(shared);
            found.retain(|folder| !folders.contains(folder));
            folders.append(&mut found);
        }
        Self(folders)
    }

    fn holds(&self, path: &Path) -> bool {
        path.parent().is_some_and(|folder| self.0.iter().any(|shared| shared == folder))
    }

    /// The file behind a name of `DT_NEEDED`, for a program or library at `of`.
    pub(super) fn find(&self, root: &Root, elf: &Elf, of: &Path, name: &str) -> Option<Found> {
        let file = |path: PathBuf| {
            let plain = root.resolve(&path, Links::Follow).ok()?;
            (root.kind(&plain, Links::Keep).ok()?? == Kind::File).then_some(plain)
        };
        if name.contains('/') {
            let path = PathBuf::from(name);
            let path = path.is_absolute().then(|| file(path)).flatten()?;
            return Some(Found { is_private: !self.holds(&path), path });
        }
        let origin = of.parent().unwrap_or(Path::new("/")).to_string_lossy().into_owned();
        let run_paths = elf.run_paths.iter().map(|folder| {
            PathBuf::from(folder.replace("${ORIGIN}", &origin).replace("$ORIGIN", &origin)).join(name)
        });
        let shared = self.0.iter().map(|folder| folder.join(name));
        let path = run_paths.filter(|path| path.is_absolute()).chain(shared).find_map(file)?;
        Some(Found { is_private: !self.holds(&path), path })
    }
}
