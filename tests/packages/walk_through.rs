//! The walk-through of systemd-harden-packaging(7): its commands are run in order, and each says what the page shows.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use similar::TextDiff;

use super::path_with_own;
use crate::harness::{copy_tree, project, scratch};
use crate::machine::Machine;

/// The first command that needs a package to be installed.
const BUILDS: &str = "dpkg-buildpackage";

fn page() -> PathBuf {
    project("man/systemd-harden-packaging.7")
}

/// The package before anything was done, in `folder`.
pub(super) fn unpatched(folder: &Path) -> Result<()> {
    copy_tree(&project("tests/packages/quotesd"), folder)?;
    let debian = folder.join("debian");
    fs::remove_file(debian.join("quotesd.manifest.toml"))?;
    fs::copy(project("tests/packages/unpatched.service"), debian.join("quotesd.service"))?;
    let control = fs::read_to_string(debian.join("control"))?;
    let before = control.replace(", dh-sequence-systemd-harden", "");
    ensure!(before != control, "the package does not use the add-on");
    Ok(fs::write(debian.join("control"), before)?)
}

/// Commands and their output between `.EX` and `.EE`, as they are typed.
fn unescaped(line: &str) -> String {
    let line = line.strip_prefix(r"\&").unwrap_or(line);
    let signs = [(r"\(aq", "'"), (r"\(ti", "~"), (r"\(ga", "`"), (r"\(ha", "^"), (r"\-", "-"), (r"\e", "\\")];
    signs.iter().fold(line.to_owned(), |line, (escaped, sign)| line.replace(escaped, sign))
}

fn escaped(line: &str) -> String {
    let signs = [("\\", r"\e"), ("-", r"\-"), ("'", r"\(aq"), ("~", r"\(ti"), ("`", r"\(ga"), ("^", r"\(ha")];
    let line = signs.iter().fold(line.to_owned(), |line, (sign, escaped)| line.replace(sign, escaped));
    if line.starts_with('.') { format!(r"\&{line}") } else { line }
}

/// The page with what its commands say in place of what it shows, up to the first one that `run` does not take.
fn again(source: &str, mut run: impl FnMut(&str) -> Result<Option<String>>) -> Result<String> {
    let (mut made, mut in_example, mut is_over, mut commands) = (String::new(), false, false, 0);
    for line in source.lines() {
        let text = unescaped(line);
        let command = text.strip_prefix("$ ").or_else(|| text.strip_prefix("# ").filter(|_| in_example));
        in_example = (in_example || line == ".EX") && line != ".EE";
        // Comments of shown files begin like a prompt of root; such commands are programs of the system.
        let command = command.filter(|command| {
            text.starts_with('$')
                || ["apt-get ", "systemd-harden "].iter().any(|word| command.starts_with(word))
        });
        let said = match command.filter(|_| in_example && !is_over) {
            Some(command) => run(command)?.map(|output| (command, output)),
            None => None,
        };
        is_over |= command.is_some() && in_example && said.is_none();
        if let Some((command, output)) = said {
            let prompt = text.get(..2).unwrap_or_default();
            writeln!(made, "{prompt}{}", escaped(command))?;
            output.lines().for_each(|line| made.push_str(&(escaped(line) + "\n")));
            commands += 1;
        } else if !in_example || is_over || line == ".EX" {
            writeln!(made, "{line}")?;
        }
    }
    ensure!(commands > 8, "only {commands} commands");
    Ok(made)
}

fn compare(made: &str, source: &str) -> Result<()> {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        return Ok(fs::write(page(), made)?);
    }
    if made != source {
        bail!("{}", TextDiff::from_lines(source, made).unified_diff().header("in the manual", "found"));
    }
    Ok(())
}

/// What an editor makes of the file, and any other command as a shell runs it.
fn as_shell(command: &str) -> String {
    match command.strip_prefix("editor ") {
        Some(file) => format!("cp {} {file}", "/build/edited.toml"),
        None => command.to_owned(),
    }
}

#[test]
fn its_commands_up_to_the_build_say_what_the_manual_shows() -> Result<()> {
    let folder = scratch()?;
    unpatched(folder.path())?;
    let edited = project("tests/packages/quotesd/debian/quotesd.manifest.toml");
    let path = path_with_own(Path::new(env!("CARGO_BIN_EXE_systemd-harden")))?;
    let source = fs::read_to_string(page())?;
    let made = again(&source, |command| {
        if command.starts_with(BUILDS) {
            return Ok(None);
        }
        let shell = as_shell(command).replace("/build/edited.toml", edited.to_str().context("no UTF-8")?);
        let mut run = Command::new("sh");
        run.args(["-c", &shell]).current_dir(folder.path()).env("PATH", &path).env_remove("COLUMNS");
        let output = run.output().with_context(|| command.to_owned())?;
        ensure!(output.stderr.is_empty(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(Some(String::from_utf8(output.stdout)?))
    })?;
    compare(&made, &source)
}

/// All commands in a machine that has the project's own package.
pub(super) fn whole(machine: &Machine) -> Result<()> {
    // Without it the page would show, or be rewritten to show, that there is no such command.
    machine
        .check(&["sh", "-c", "command -v systemd-harden"])
        .context("the project's own package is not installed: run the scenario that installs it as well")?;
    let folder = scratch()?;
    unpatched(&folder.path().join("quotesd"))?;
    fs::copy(
        project("tests/packages/quotesd/debian/quotesd.manifest.toml"),
        folder.path().join("edited.toml"),
    )?;
    let archive = Command::new("tar")
        .args(["--create", "--owner=root:0", "--group=root:0", "--directory"])
        .arg(folder.path())
        .arg(".")
        .output()?;
    machine.check(&["mkdir", "-p", "/build/walk"])?;
    machine.run_with_input(&["tar", "--extract", "--directory", "/build/walk"], &archive.stdout)?;
    let source = fs::read_to_string(page())?;
    let made = again(&source, |command| {
        let shell = as_shell(command).replace("/build/edited.toml", "/build/walk/edited.toml");
        machine.run(&["sh", "-c", &format!("cd /build/walk/quotesd && {shell}")]).map(|output| {
            let (told, failed) = (String::from_utf8_lossy(&output.stdout), !output.status.success());
            let error = String::from_utf8_lossy(&output.stderr);
            Some(if failed { format!("{told}{error}{}\n", output.status) } else { told.into_owned() })
        })
    })?;
    compare(&made, &source)
}
