//! Packages as packagers make them: every layout by the tools that take it up, and in a booted machine the project's
//! own .deb, and a package that is built with its add-on of debhelper, installed with apt, run and scored.
//!
//! Needed are what `tests/run` installs: debhelper, dpkg-dev, lintian, rpm and cargo-deb. Where one is missing that is
//! said in one line, unless `SYSTEMD_HARDEN_REQUIRE_MACHINE=1` asks for all of them.

mod layouts;
mod machine;
mod walk_through;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail, ensure};

use crate::harness::project;

/// Which of these programs is missing, where that is no failure.
fn missing(programs: &[&str]) -> Result<Option<String>> {
    let Some(name) = programs.iter().find(|program| find(program).is_none()) else { return Ok(None) };
    ensure!(
        std::env::var_os("SYSTEMD_HARDEN_REQUIRE_MACHINE").is_none_or(|value| value != "1"),
        "`{name}` is required here"
    );
    Ok(Some(format!("{name} is not installed")))
}

/// A program of the system, or one that `tests/run` has built for the project.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = project("target/tools/bin");
    std::env::split_paths(&path).chain([own]).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// What a command says, of both its outputs; an error where it fails.
fn said(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let text = both(&output);
    if !output.status.success() {
        bail!("{command:?} ended with {}\n{text}", output.status);
    }
    Ok(text)
}

fn both(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// `PATH` with the program under test and the add-on of debhelper in it.
fn path_with_own(program: &Path) -> Result<std::ffi::OsString> {
    let folder = program.parent().context("a program has a folder")?.to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [folder, project("packaging/debhelper")].into_iter().chain(std::env::split_paths(&path));
    Ok(std::env::join_paths(folders)?)
}
