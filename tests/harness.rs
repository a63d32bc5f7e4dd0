//! What the tests have in common: the project's files, folders of their own, the program.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use assert_cmd::Command;
use similar::TextDiff;
use tempfile::TempDir;

/// A file or folder of the project.
pub(crate) fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A folder of its own for one test.
pub(crate) fn scratch() -> Result<TempDir> {
    Ok(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?)
}

/// The program with its first arguments, and nothing of the caller's environment that changes its output.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_systemd-harden"));
    command.args(arguments).env_remove("NO_COLOR").env_remove("COLUMNS").env_remove("SYSTEMD_UNIT_PATH");
    command
}

/// Copies a folder and what lies in it, links as links.
pub(crate) fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else if entry.file_type()?.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The files of a folder by their paths in it; none where there is no such folder.
pub(crate) fn tree(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        if !next.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name =
                    path.strip_prefix(folder)?.to_str().context("a name that is not UTF-8")?.to_owned();
                files.insert(name, fs::read_to_string(&path)?);
            }
        }
    }
    Ok(files)
}

/// Compares what was found with a file; `UPDATE_GOLDEN=1` rewrites the file.
pub(crate) fn same(path: &Path, found: &str) -> Result<()> {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().context("a file has a folder")?)?;
        return Ok(fs::write(path, found)?);
    }
    let expected = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    if expected != found {
        bail!("{}", TextDiff::from_lines(&expected, found).unified_diff().header("expected", "found"));
    }
    Ok(())
}

/// Runs every folder of `tests/cases/KIND`; fewer than there should be are a mistake.
pub(crate) fn each_case(kind: &str, at_least: usize, run: impl Fn(&Path) -> Result<()>) -> Result<()> {
    let mut failed = Vec::new();
    let mut count = 0;
    for case in fs::read_dir(project("tests/cases").join(kind))? {
        let case = case?.path();
        count += 1;
        if let Err(error) = run(&case) {
            failed.push(format!("{}: {error:#}", case.display()));
        }
    }
    ensure!(count >= at_least, "only {count} cases of {kind}");
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}
