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

/// What a user's environment says about where files lie (XDG base directories).
#[derive(Clone, Debug, Default)]
pub struct UserDirectories {
    /// `$XDG_CONFIG_HOME`, or `~/.config`.
    pub config_home: Option<PathBuf>,
    /// `$XDG_CONFIG_DIRS`, or `/etc/xdg`.
    pub config: Vec<PathBuf>,
    /// `$XDG_RUNTIME_DIR`.
    pub runtime: Option<PathBuf>,
    /// `$XDG_DATA_HOME`, or `~/.local/share`.
    pub data_home: Option<PathBuf>,
    /// `$XDG_DATA_DIRS`, or `/usr/local/share` and `/usr/share`.
    pub data: Vec<PathBuf>,
}

/// An ordered list of absolute directories without repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchPath(Vec<PathBuf>);

impl SearchPath {
    /// The directories of the system manager.
    pub fn system() -> Self {
        Self(SYSTEM.iter().map(PathBuf::from).collect())
    }

    /// The directories of a user's manager (systemd.unit(5)); what the environment does not say is left out.
    pub fn user(own: &UserDirectories) -> Self {
        let below =
            |base: &Option<PathBuf>, name: &str| base.as_ref().map(|base| base.join("systemd").join(name));
        let each = |bases: &[PathBuf]| bases.iter().map(|base| base.join("systemd/user")).collect::<Vec<_>>();
        let fixed = |path: &str| Some(PathBuf::from(path));
        let mut directories: Vec<PathBuf> = Vec::new();
        directories.extend(below(&own.config_home, "user.control"));
        for name in ["user.control", "transient", "generator.early"] {
            directories.extend(below(&own.runtime, name));
        }
        directories.extend(below(&own.config_home, "user"));
        directories.extend(each(&own.config));
        directories.extend(fixed("/etc/systemd/user"));
        directories.extend(below(&own.runtime, "user"));
        directories.extend(fixed("/run/systemd/user"));
        directories.extend(below(&own.runtime, "generator"));
        directories.extend(below(&own.data_home, "user"));
        directories.extend(each(&own.data));
        directories.extend(fixed("/usr/local/lib/systemd/user"));
        directories.extend(fixed("/usr/lib/systemd/user"));
        directories.extend(below(&own.runtime, "generator.late"));
        directories.retain(|directory| directory.is_absolute());
        Self::unique(directories)
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

    #[test]
    fn a_users_own_files_come_before_the_systems() {
        let own = UserDirectories {
            config_home: Some("/home/u/.config".into()),
            config: vec!["/etc/xdg".into()],
            runtime: Some("/run/user/1000".into()),
            data_home: Some("relative".into()),
            data: vec!["/usr/share".into(), "/usr/share".into()],
        };
        let path = SearchPath::user(&own);
        let shown: Vec<String> = path.directories().iter().map(|path| path.display().to_string()).collect();
        let expected = [
            "/home/u/.config/systemd/user.control",
            "/run/user/1000/systemd/user.control",
            "/run/user/1000/systemd/transient",
            "/run/user/1000/systemd/generator.early",
            "/home/u/.config/systemd/user",
            "/etc/xdg/systemd/user",
            "/etc/systemd/user",
            "/run/user/1000/systemd/user",
            "/run/systemd/user",
            "/run/user/1000/systemd/generator",
            "/usr/share/systemd/user",
            "/usr/local/lib/systemd/user",
            "/usr/lib/systemd/user",
            "/run/user/1000/systemd/generator.late",
        ];
        assert_eq!(shown, expected);
    }
}
