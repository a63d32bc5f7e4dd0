//! Rendered files as packagers of a distribution want to have them: the names that their build takes up by itself, and
//! one snippet of what must stand in the package's own build instructions besides. Whatever the layout, a file ends up
//! installed where [`File::path`] says.

mod arch;
mod debian;
mod rpm;
#[cfg(test)]
mod tests;

use std::str::FromStr;

use anyhow::{Result, bail};

use crate::render::{File, FileKind};
use crate::target::{self, Target};

/// For whose packages files are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// For nobody's: under the names of the units.
    #[default]
    Flat,
    /// For debhelper's commands, in the folder `debian`.
    Debian,
    /// As sources of a spec file.
    Rpm,
    /// As sources of a PKGBUILD.
    Arch,
}

/// A file and where it lies in the folder of the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its path in the folder.
    pub place: String,
    /// Its text.
    pub text: String,
}

/// The name of a package of a distribution.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageName(String);

impl PackageName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PackageName {
    type Err = anyhow::Error;

    /// Reads what Debian's policy (section 5.6.7), rpm and pacman have for names between them: it makes names of files.
    fn from_str(text: &str) -> Result<Self> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "+-._@".contains(c);
        if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) || !text.chars().all(fits) {
            bail!(
                "`{}` is no name of a package: letters, digits and `+-._@`, a letter or digit first",
                text.escape_debug()
            );
        }
        Ok(Self(text.to_owned()))
    }
}

impl Layout {
    /// Whether packages of this layout bring the manifests along.
    pub fn has_manifests(self) -> bool {
        self != Self::Flat
    }

    /// Where one file of `package` lies.
    pub fn place(self, package: &str, file: &File) -> String {
        match self {
            Self::Flat => file.flat_name(),
            Self::Debian => debian::place(package, file),
            Self::Rpm | Self::Arch => source_name(file),
        }
    }

    /// What must stand in the build instructions of `package`, all of whose files are `files`.
    pub fn snippet(self, package: &str, files: &[File], targets: &[Target]) -> Result<Option<Placed>> {
        let header = format!("Made by systemd-harden for {package}; {}", target::names(targets));
        let (name, text) = match self {
            Self::Flat => return Ok(None),
            Self::Debian => ("debian-snippet", debian::snippet(package, files, &header)?),
            Self::Rpm => ("spec-snippet", rpm::snippet(package, files, targets, &header)?),
            Self::Arch => ("PKGBUILD-snippet", arch::snippet(files, &header)?),
        };
        Ok(Some(Placed { place: format!("{package}.{name}"), text }))
    }
}

/// A name for a file among the sources of a package, which lie in one folder.
fn source_name(file: &File) -> String {
    file.flat_name().replace(".d/", "-")
}

/// Units of a package by what their package does with them.
#[derive(Default)]
struct Units<'a> {
    /// Those that run as they are.
    plain: Vec<&'a str>,
    /// Those that only their instances run.
    templates: Vec<&'a str>,
}

impl<'a> Units<'a> {
    fn of(files: &'a [File], kind: FileKind) -> Self {
        let names = files.iter().filter(|file| file.kind == kind).map(|file| file.name.as_str());
        let (templates, plain) = names.partition(|name| name.contains("@."));
        Self { plain, templates }
    }

    fn all(&self) -> impl Iterator<Item = &'a str> {
        self.plain.iter().chain(&self.templates).copied()
    }
}

/// A word of a shell's command line.
fn shell_word(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "+-._@/:,%{}$".contains(c));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
