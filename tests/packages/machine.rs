//! In the throw-away machine: the project's own .deb, and with its add-on a package that is built, installed and run.

use std::fs;
use std::io::{Write as _, stderr};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::{both, find, missing, said, walk_through};
use crate::harness::{project, scratch};
use crate::machine::{Base, Machine, run_scenarios};

/// What builds and judges packages; a machine of another release has none of it.
const TOOLS: [&str; 5] = ["dpkg-buildpackage", "dh", "lintian", "man", "strip"];

#[test]
fn packages_are_built_installed_and_run() -> Result<()> {
    if matches!(Base::from_environment(), Base::Tree(_)) {
        writeln!(stderr(), "packages are built on the host's own release alone")?;
        return Ok(());
    }
    if let Some(why) = missing(&[&TOOLS[..], &["cargo-deb"]].concat())? {
        writeln!(stderr(), "no package was built in a machine: {why}")?;
        return Ok(());
    }
    run_scenarios(
        starts_services,
        &[
            ("the project's own package installs, and its manual opens", own_package),
            ("a package built with the add-on of debhelper installs and runs as declared", built_package),
            ("a doubtful manifest fails the build", doubtful_manifest),
            ("the walk-through of the manual is what happens", walk_through::whole),
        ],
    )
}

/// Images of containers forbid packages to start what they install.
fn starts_services(root: &Path) -> Result<()> {
    let policy = root.join("usr/sbin/policy-rc.d");
    if policy.exists() {
        fs::remove_file(policy)?;
    }
    Ok(())
}

/// `cargo deb` of the program under test; the release build, which takes minutes and shares the C library as this one
/// does, would differ in nothing that counts here.
fn own_deb(folder: &Path) -> Result<PathBuf> {
    let release = folder.join("target/release");
    fs::create_dir_all(&release)?;
    // Released programs are stripped by cargo, and cargo-deb takes this for one.
    let program = env!("CARGO_BIN_EXE_systemd-harden");
    said(Command::new("strip").arg("-o").arg(release.join("systemd-harden")).arg(program))?;
    let package = folder.join("systemd-harden.deb");
    let tool = find("cargo-deb").context("no cargo-deb")?;
    let mut command = Command::new(tool);
    command.args(["--no-build", "--fast", "--output"]).arg(&package).current_dir(project(""));
    said(command.env("CARGO_TARGET_DIR", folder.join("target")))?;
    Ok(package)
}

fn own_package(machine: &Machine) -> Result<()> {
    let folder = scratch()?;
    machine.install_file(&own_deb(folder.path())?, "/build/systemd-harden.deb", 0o644)?;
    has_no_error(machine, "/build/systemd-harden.deb")?;
    machine.check(&["apt-get", "install", "--yes", "/build/systemd-harden.deb"])?;
    for (section, page, word) in [
        ("1", "systemd-harden", "--layout"),
        ("1", "dh_systemd_harden", "--no-fail"),
        ("5", "systemd-harden.manifest", "strictness"),
        ("7", "systemd-harden-directives", "ProtectClock="),
    ] {
        let shown = machine.check(&["man", "--pager=cat", section, page])?;
        ensure!(shown.contains(word), "systemd-harden.{section} does not speak of {word}:\n{shown}");
    }
    let schema = machine.check(&["systemd-harden", "schema"])?;
    ensure!(
        schema == machine.check(&["cat", "/usr/share/systemd-harden/manifest.schema.json"])?,
        "another schema"
    );
    machine.check(&[
        "bash",
        "-c",
        "source /usr/share/bash-completion/completions/systemd-harden && complete -p systemd-harden",
    ])?;
    Ok(())
}

/// lintian(1) names no error of a package.
fn has_no_error(machine: &Machine, package: &str) -> Result<()> {
    let output = machine.run(&["lintian", "--allow-root", "--fail-on", "error", package])?;
    ensure!(output.status.success(), "lintian of {package}:\n{}", both(&output));
    Ok(())
}

/// The sources of `tests/packages/quotesd` in a folder of the machine.
fn unpack(machine: &Machine, folder: &str) -> Result<()> {
    let archive = Command::new("tar")
        .args(["--create", "--owner=root:0", "--group=root:0", "--directory"])
        .arg(project("tests/packages"))
        .arg("quotesd")
        .output()?;
    ensure!(archive.status.success(), "tar: {}", both(&archive));
    machine.check(&["mkdir", "-p", folder])?;
    let unpacked = machine.run_with_input(&["tar", "--extract", "--directory", folder], &archive.stdout)?;
    ensure!(unpacked.status.success(), "tar: {}", both(&unpacked));
    Ok(())
}

fn build(machine: &Machine, folder: &str) -> Result<std::process::Output> {
    let command = format!("cd {folder}/quotesd && dpkg-buildpackage -us -uc -b");
    machine.run(&["sh", "-c", &command])
}

fn built_package(machine: &Machine) -> Result<()> {
    unpack(machine, "/build/good")?;
    let built = build(machine, "/build/good")?;
    ensure!(built.status.success(), "dpkg-buildpackage:\n{}", both(&built));
    has_no_error(machine, "/build/good/quotesd_1.0_amd64.changes")?;
    machine.check(&["apt-get", "install", "--yes", "/build/good/quotesd_1.0_all.deb"])?;
    machine.await_property("quotesd", "ActiveState", "active", 5)?;
    machine.check(&["systemctl", "is-enabled", "quotesd.service", "quotesd-prune.timer"])?;
    machine.check(&["systemctl", "start", "quotesd-prune.service"])?;
    let folder =
        machine.check(&["stat", "--format=%U %G %a", "/var/lib/quotesd", "/var/lib/quotesd/archive"])?;
    ensure!(folder == "quotesd quotesd 750\nquotesd quotesd 700\n", "{folder}");
    let quote = machine.check(&["cat", "/var/lib/quotesd/quote"])?;
    ensure!(quote.ends_with("all is well.\n"), "{quote}");
    // The manifest is found by the name of the unit, and nothing differs from it, in the kernel neither.
    for unit in ["quotesd", "quotesd-prune"] {
        let report = machine.run(&["systemd-harden", "score", "--format", "json", unit])?;
        let text = both(&report);
        ensure!(report.status.code() == Some(0), "{unit} has findings:\n{text}");
        let report: serde_json::Value =
            serde_json::from_slice(&report.stdout).with_context(|| text.clone())?;
        let manifest = report["units"][0]["manifest"].to_string();
        ensure!(manifest.contains("/usr/lib/systemd-harden/quotesd.toml"), "{unit}: {manifest}\n{text}");
    }
    machine.check(&["apt-get", "purge", "--yes", "quotesd"])?;
    let left = machine.run(&["systemctl", "cat", "quotesd.service"])?;
    ensure!(!left.status.success(), "the unit is left:\n{}", both(&left));
    Ok(())
}

fn doubtful_manifest(machine: &Machine) -> Result<()> {
    unpack(machine, "/build/doubtful")?;
    let manifest = "/build/doubtful/quotesd/debian/quotesd.manifest.toml";
    let text = machine.check(&["cat", manifest])?;
    // A unit that Debian's systemd is built to ignore in part.
    let doubtful = text + "\n[override.RestrictFileSystems]\nvalue = [\"ext4\"]\nbecause = \"only files\"\n";
    machine.install(doubtful.as_bytes(), manifest, 0o644)?;
    let built = build(machine, "/build/doubtful")?;
    let told = both(&built);
    ensure!(!built.status.success() && told.contains("the manifests of quotesd are doubtful"), "{told}");
    let rules =
        "#!/usr/bin/make -f\n%:\n\tdh $@\n\noverride_dh_systemd_harden:\n\tdh_systemd_harden --no-fail\n";
    machine.install(rules.as_bytes(), "/build/doubtful/quotesd/debian/rules", 0o755)?;
    let built = build(machine, "/build/doubtful")?;
    ensure!(built.status.success(), "--no-fail:\n{}", both(&built));
    Ok(())
}
