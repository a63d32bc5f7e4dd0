//! The directories in which units are looked for, the first with the highest priority.

use std::path::{Path, PathBuf};

use anyhow::ensure;

/// The system manager's directories (systemd.unit(5)). `/lib` counts on machines where it is not a link to `/usr/lib`.
const SYSTEM: [&str; 13] = [
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    "/etc/systemd/system",
    "/etc/systemd/system.attached",
    "/run/systemd/system",
    "/run/systemd/system.attached",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/run/systemd/generator.late",
];

/// An ordered list of absolute directories without repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchPath(Vec<PathBuf>);

impl SearchPath {
    /// The directories of the system manager.
    pub fn system() -> Self {
        Self(SYSTEM.iter().map(PathBuf::from).collect())
    }

    /// The directories that `SYSTEMD_UNIT_PATH` lists: separated by colons, and a colon at the end appends those of
    /// the system manager. Relative ones are an error.
    pub fn from_unit_path(list: &str) -> anyhow::Result<Self> {
        let mut directories = Vec::new();
        for directory in list.split(':').filter(|directory| !directory.is_empty()) {
            ensure!(
                directory.starts_with('/'),
                "`{}` in the unit path is not absolute",
                directory.escape_debug()
            );
            directories.push(PathBuf::from(directory));
        }
        if list.is_empty() || list.ends_with(':') {
            directories.extend(Self::system().0);
        }
        Ok(Self::unique(directories))
    }

    /// The same path with `directory` before all others.
    #[must_use]
    pub fn with_first(&self, directory: &Path) -> Self {
        Self::unique(std::iter::once(directory.to_owned()).chain(self.0.iter().cloned()))
    }

    /// The directories, highest priority first.
    pub fn directories(&self) -> &[PathBuf] {
        &self.0
    }

    fn unique(directories: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut unique = Vec::new();
        for directory in directories {
            // Through its components, so that `/etc//x/` and `/etc/x` are one.
            let directory: PathBuf = directory.components().collect();
            if !unique.contains(&directory) {
                unique.push(directory);
            }
        }
        Self(unique)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_path_replaces_or_precedes() -> anyhow::Result<()> {
        let directories = |list: &str| SearchPath::from_unit_path(list).map(|path| path.0);
        assert_eq!(directories("/a:/b//:/a")?, [PathBuf::from("/a"), PathBuf::from("/b")]);
        assert_eq!(directories("/a:")?.get(1), Some(&PathBuf::from("/etc/systemd/system.control")));
        assert_eq!(directories("")?, SearchPath::system().0);
        assert!(directories("/a:b").is_err());
        Ok(())
    }

    #[test]
    fn first_directory_is_not_listed_twice() {
        let path = SearchPath::system().with_first(Path::new("/usr/lib/systemd/system"));
        assert_eq!(path.0.first(), Some(&PathBuf::from("/usr/lib/systemd/system")));
        assert_eq!(path.0.len(), SYSTEM.len());
    }
}
