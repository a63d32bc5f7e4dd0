//! For debhelper: the names of dh_installsystemd(1), dh_installsystemduser(1), dh_installsysusers(1) and
//! dh_installtmpfiles(1). `debian/PACKAGE.service` is taken up as it stands, `debian/PACKAGE.NAME.service` by a call with
//! `--name=NAME`, which installs `NAME.service`; templates are `PACKAGE@.service` and `PACKAGE@.NAME.service`. What no
//! command is for goes by dh_install(1), which keeps names.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;

use crate::render::{File, FileKind, fill};

/// The folder for files that dh_install(1) installs.
pub(super) const BY_INSTALL: &str = "systemd-harden";

pub(super) fn place(package: &str, file: &File) -> String {
    match taken_up(file) {
        Some(own) => own.place(package),
        None => format!("{BY_INSTALL}/{}", file.name_in_folder()),
    }
}

/// How a command of debhelper finds a file.
struct Own<'a> {
    command: &'static str,
    /// What `--name` says.
    name: &'a str,
    /// `@` of a template.
    at: &'static str,
    /// What the name ends in.
    suffix: String,
}

impl Own<'_> {
    fn place(&self, package: &str) -> String {
        let Self { name, at, suffix, .. } = self;
        if *name == package {
            format!("{package}{at}.{suffix}")
        } else {
            format!("{package}{at}.{name}.{suffix}")
        }
    }
}

fn taken_up(file: &File) -> Option<Own<'_>> {
    let unit = |command, user: &str| {
        let (stem, kind) = file.name.rsplit_once('.')?;
        let (name, at) = stem.strip_suffix('@').map_or((stem, ""), |stem| (stem, "@"));
        Some(Own { command, name, at, suffix: format!("{user}{kind}") })
    };
    let plain = |command, suffix: &str| {
        Some(Own { command, name: file.name.as_str(), at: "", suffix: suffix.to_owned() })
    };
    match file.kind {
        FileKind::Unit => unit("dh_installsystemd", ""),
        FileKind::UserUnit => unit("dh_installsystemduser", "user."),
        FileKind::Sysusers => plain("dh_installsysusers", "sysusers"),
        FileKind::Tmpfiles => plain("dh_installtmpfiles", "tmpfiles"),
        FileKind::DropIn | FileKind::UserDropIn | FileKind::Manifest | FileKind::ManifestDropIn => None,
    }
}

#[derive(Serialize)]
struct Call<'a> {
    command: &'static str,
    names: BTreeSet<&'a str>,
}

pub(super) fn snippet(package: &str, files: &[File], header: &str) -> Result<String> {
    let mut calls: BTreeMap<&str, Call<'_>> = BTreeMap::new();
    let mut installed = Vec::new();
    for file in files {
        match taken_up(file) {
            Some(own) if own.name == package => {}
            Some(own) => {
                let call = Call { command: own.command, names: BTreeSet::new() };
                calls.entry(own.command).or_insert(call).names.insert(own.name);
            }
            None => {
                let path = file.path();
                let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                installed.push(format!("debian/{} {}", place(package, file), folder.trim_start_matches('/')));
            }
        }
    }
    let calls: Vec<Call<'_>> = calls.into_values().collect();
    let accounts = files.iter().any(|file| file.kind == FileKind::Sysusers);
    fill("debian.j2", context! { header, package, installed, calls => Value::from(Serde(calls)), accounts })
}
