//! A temporary file tree for the tests of this module, gone with its value.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context as _;

use super::Root;

pub(super) struct Tree {
    path: PathBuf,
}

impl Tree {
    /// A tree in which each line says a file: `path` alone an empty one, `path -> target` a link, `path/` a directory,
    /// `path: text` a file with that text, `;` its line ends.
    pub(super) fn new(lines: &[&str]) -> anyhow::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let unique =
            format!("systemd-harden-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let tree = Self { path: std::env::temp_dir().join(unique) };
        std::fs::create_dir(&tree.path)?;
        for line in lines {
            tree.add(line).with_context(|| (*line).to_owned())?;
        }
        Ok(tree)
    }

    pub(super) fn add(&self, line: &str) -> anyhow::Result<()> {
        if let Some((path, target)) = line.split_once(" -> ") {
            std::os::unix::fs::symlink(target, self.place(path)?)?;
        } else if let Some((path, text)) = line.split_once(": ") {
            std::fs::write(self.place(path)?, text.replace(';', "\n"))?;
        } else if line.ends_with('/') {
            std::fs::create_dir_all(self.place(line)?)?;
        } else {
            std::fs::write(self.place(line)?, "")?;
        }
        Ok(())
    }

    /// Where the path of the tree is on the machine; its directory is created.
    pub(super) fn place(&self, path: &str) -> anyhow::Result<PathBuf> {
        let place = self.path.join(path.trim_start_matches('/'));
        std::fs::create_dir_all(place.parent().context("no parent")?)?;
        Ok(place)
    }

    pub(super) fn fifo(&self, path: &str) -> anyhow::Result<()> {
        let made = std::process::Command::new("mkfifo").arg(self.place(path)?).status()?;
        anyhow::ensure!(made.success(), "mkfifo failed");
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn root(&self) -> anyhow::Result<Root> {
        Root::open(&self.path)
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        // What stays behind is in the temporary directory.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
