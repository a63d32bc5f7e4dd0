//! For pacman: the files are sources of a PKGBUILD, which its `package` installs. Hooks of the package systemd make
//! accounts and files and reload the manager; nothing is enabled for the user.

use anyhow::Result;
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;

use super::{shell_word, source_name};
use crate::render::{File, fill};

#[derive(Serialize)]
struct Source {
    name: String,
    path: String,
}

pub(super) fn snippet(files: &[File], header: &str) -> Result<String> {
    let source =
        |file: &File| Source { name: shell_word(&source_name(file)), path: file.path().replace('\\', r"\\") };
    let sources: Vec<Source> = files.iter().map(source).collect();
    fill("PKGBUILD.j2", context! { header, sources => Value::from(Serde(sources)) })
}
