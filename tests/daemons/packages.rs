//! Packages of the host's own release for a machine that has no network: downloaded once outside, installed inside.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::machine::Machine;

/// Where downloaded packages lie; they go with the build.
fn cache() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("packages")
}

/// Downloads packages and what they need that this host has not.
///
/// # Errors
///
/// Where there is no apt, or no archive to be had, in one line.
pub(crate) fn fetch(packages: &[&str]) -> Result<()> {
    fs::create_dir_all(cache().join("partial")).context("making the folder of packages")?;
    // Lists may be older than what the archive still has.
    if download(packages).is_err() {
        let output = Command::new("apt-get").args(["update", "-qq"]).output().context("running apt-get")?;
        ensure!(output.status.success(), "{}", first_line(&output.stderr));
        download(packages)?;
    }
    Ok(())
}

fn download(packages: &[&str]) -> Result<()> {
    let output = Command::new("apt-get")
        .args(["install", "--download-only", "--yes", "-qq", "--no-install-recommends", "--option"])
        .arg(format!("Dir::Cache::archives={}", cache().display()))
        .args(packages)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .context("running apt-get")?;
    ensure!(output.status.success(), "{}", first_line(&output.stderr));
    Ok(())
}

fn first_line(text: &[u8]) -> String {
    String::from_utf8_lossy(text).lines().next().unwrap_or("apt-get failed").to_owned()
}

/// Answers to what packages ask, and nothing started or indexed on the way.
const PREPARE: &str = "
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d
chmod 0755 /usr/sbin/policy-rc.d
debconf-set-selections <<'ANSWERS'
man-db man-db/auto-update boolean false
postfix postfix/main_mailer_type select Local only
postfix postfix/mailname string localhost
ANSWERS
";

/// Installs the downloaded packages inside.
pub(crate) fn install(machine: &Machine, packages: &[&str]) -> Result<()> {
    machine.check(&["sh", "-euc", PREPARE])?;
    for entry in fs::read_dir(cache())? {
        let path = entry?.path();
        let name = path.file_name().context("no name")?.to_string_lossy().into_owned();
        if path.extension().is_some_and(|extension| extension == "deb") {
            machine.install_file(&path, &format!("/var/cache/apt/archives/{name}"), 0o644)?;
        }
    }
    let apt = [
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "install",
        "--no-download",
        "--yes",
        "-qq",
        "--no-install-recommends",
        "--option",
        "Dpkg::Options::=--force-unsafe-io",
    ];
    machine.check(&apt.into_iter().chain(packages.iter().copied()).collect::<Vec<_>>()).map(drop)
}
