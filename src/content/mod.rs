//! What files of settings say against `[contents]` of a manifest, and what any environment file of a service says that
//! its writer may not have meant.
//!
//! A value is never repeated: it may be a secret. Who may read the files is the ownership's; how they are written is
//! [`settings`](crate::settings)'.

mod environment;
mod rules;
#[cfg(test)]
pub(crate) mod tests;

use std::io;
use std::path::Path;

pub use environment::environment_files;
pub use rules::contents;

use crate::finding::Finding;
use crate::manifest::{FileFormat, Place};
use crate::settings::{self, Malformed, Setting};
use crate::unit_file::Root;

/// What came of reading a file.
pub(crate) enum Read {
    /// What it says.
    Settings(Vec<Setting>),
    /// There is none.
    Missing,
    /// It is not of its format.
    Malformed(Malformed),
    /// It cannot be read.
    Unreadable(io::Error),
}

/// Reads a file of settings.
pub(crate) fn read(root: &Root, path: &str, format: FileFormat) -> Read {
    match root.read(Path::new(path)) {
        Ok(Some(bytes)) => match settings::read(format, &bytes) {
            Ok(settings) => Read::Settings(settings),
            Err(malformed) => Read::Malformed(malformed),
        },
        Ok(None) => Read::Missing,
        Err(error) => Read::Unreadable(error),
    }
}

/// Why a file says nothing: a finding where that is the file's fault, else a notice that nothing is known.
pub(crate) fn unread(read: &Read, path: &str, format: FileFormat, place: &Place) -> Option<Finding> {
    let finding = match read {
        Read::Settings(_) | Read::Missing => return None,
        Read::Malformed(Malformed { why, line }) => {
            let line = line.map_or_else(String::new, |line| format!(" (line {line})"));
            let text = format!("it cannot be read as {}: {why}{line}", format.as_str());
            Finding::new("content.malformed", text)
        }
        Read::Unreadable(error) => Finding::notice("content.not-known", unreadable(error)),
    };
    Some(at(finding, place).of(path))
}

/// What there is to say of something that cannot be read.
pub(crate) fn unreadable(error: &io::Error) -> String {
    let way_out = match error.kind() {
        io::ErrorKind::PermissionDenied => "; run as root",
        _ => "",
    };
    format!("not known, for it cannot be read: {error}{way_out}")
}

/// The finding, with the place in the manifest that asks for it.
pub(crate) fn at(finding: Finding, place: &Place) -> Finding {
    Finding { place: Some((place.file.clone(), Some(place.line))), ..finding }
}
