//! For rpm: the files are sources of a spec file. The folders and scriptlets are macros of systemd's
//! `macros.systemd`, in SUSE's distributions their own; who makes accounts, the target says.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;

use super::{Units, shell_word, source_name};
use crate::gather::Gather as _;
use crate::render::{File, FileKind, fill};
use crate::target::{Accounts, Target};

/// Where the numbers of sources start: most packages have fewer.
const FIRST_SOURCE: usize = 101;

#[derive(Serialize)]
struct Source<'a> {
    number: usize,
    name: String,
    /// The installed name of snippets, without `.conf`.
    stem: &'a str,
    /// The installed path, as a word of a shell and as a line of `%files`.
    path: String,
    listed: String,
    #[serde(skip)]
    kind: FileKind,
}

pub(super) fn snippet(package: &str, files: &[File], targets: &[Target], header: &str) -> Result<String> {
    let accounts = accounts(targets)?;
    let sources: Vec<Source<'_>> =
        files.iter().zip(FIRST_SOURCE..).map(|(file, number)| source(file, number)).collect();
    let own_folders: BTreeSet<String> = files.iter().filter_map(own_folder).gather();
    let (system, user) = (Units::of(files, FileKind::Unit), Units::of(files, FileKind::UserUnit));
    let words = |units: &mut dyn Iterator<Item = &str>| units.map(shell_word).collect::<Vec<_>>().join(" ");
    let of = |kind| sources.iter().filter(|source| source.kind == kind).collect::<Vec<_>>();
    let (sysusers, tmpfiles) = (of(FileKind::Sysusers), of(FileKind::Tmpfiles));
    fill(
        "spec.j2",
        context! {
            header,
            package,
            sources => Value::from(Serde(&sources)),
            several_sysusers => sysusers.len() > 1,
            sysusers => Value::from(Serde(sysusers)),
            tmpfiles => Value::from(Serde(tmpfiles)),
            own_folders => Value::from(Serde(own_folders)),
            suse => accounts == Accounts::SysuserTools,
            accounts_by_scriptlet => accounts == Accounts::Scriptlet,
            units => words(&mut system.all()),
            plain_units => words(&mut system.plain.iter().copied()),
            user_units => words(&mut user.all()),
            plain_user_units => words(&mut user.plain.iter().copied()),
        },
    )
}

/// What makes the accounts on all targets: what rpm does by itself where any does not, a scriptlet does for all.
fn accounts(targets: &[Target]) -> Result<Accounts> {
    let all = |wanted| targets.iter().all(|target| target.accounts() == wanted);
    let suse = targets.iter().find(|target| target.accounts() == Accounts::SysuserTools);
    match suse {
        Some(_) if all(Accounts::SysuserTools) => Ok(Accounts::SysuserTools),
        Some(suse) => bail!(
            "one spec file cannot do for `{}` and the other targets, whose macros differ: name them apart, or say --split",
            suse.name
        ),
        None if all(Accounts::Rpm) => Ok(Accounts::Rpm),
        None => Ok(Accounts::Scriptlet),
    }
}

fn source(file: &File, number: usize) -> Source<'_> {
    let path = format!("{}/{}", folder(file.kind), file.name_in_folder());
    Source {
        number,
        name: source_name(file),
        stem: &file.name,
        listed: path.replace('\\', r"\\"),
        path: shell_word(&path),
        kind: file.kind,
    }
}

/// The folder of a kind of files as a spec file calls it.
fn folder(kind: FileKind) -> String {
    match kind {
        FileKind::Unit | FileKind::DropIn => "%{_unitdir}".to_owned(),
        FileKind::UserUnit | FileKind::UserDropIn => "%{_userunitdir}".to_owned(),
        FileKind::Sysusers => "%{_sysusersdir}".to_owned(),
        FileKind::Tmpfiles => "%{_tmpfilesdir}".to_owned(),
        FileKind::Manifest | FileKind::ManifestDropIn => kind.folder().replacen("/usr", "%{_prefix}", 1),
    }
}

/// A folder that no package is sure to have made: the manifests', and those of drop-ins.
fn own_folder(file: &File) -> Option<String> {
    let folder = folder(file.kind);
    let below = file.name_in_folder();
    match (file.kind, below.rsplit_once('/')) {
        (_, Some((own, _))) => Some(format!("{folder}/{}", own.replace('\\', r"\\"))),
        (FileKind::Manifest, None) => Some(folder),
        (_, None) => None,
    }
}
