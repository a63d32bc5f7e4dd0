//! Files as verbs write them: each whole before the first has its name, and none in the place of another one without
//! that being shown.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use cap_std::fs::MetadataExt as _;
use similar::algorithms::{Capture, Compact, Replace, myers};
use similar::udiff::UnifiedHunkHeader;
use similar::{DiffOp, group_diff_ops};

use crate::unit_file::{Kind, Links, Root, Whole};
use crate::visible::shown;

/// Files are for everybody to read.
const MODE: u32 = 0o644;

/// How long another run that writes to the same folder is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// So many files are prepared before the first of them has its name; each keeps two descriptors open until then.
const TOGETHER: usize = 256;

/// How long the smallest diff is looked for; after that it is a larger one.
const LONGEST: Duration = Duration::from_secs(2);

/// A file to be written.
pub(super) struct New<'a> {
    /// What messages call it.
    pub(super) place: &'a str,
    /// Where it is below the root.
    pub(super) path: PathBuf,
    /// All that it holds.
    pub(super) text: &'a str,
    /// What it may replace of itself.
    pub(super) earlier: Earlier<'a>,
}

/// By what an earlier make of a file is known. Anything else in its place is somebody else's.
#[derive(Clone, Copy)]
pub(super) enum Earlier<'a> {
    /// Whatever has its name was made here.
    Any,
    /// It begins like this.
    Begins(&'a str),
    /// Who wrote it cannot be told.
    None,
}

/// What is under the name of a file that is to be written.
#[derive(PartialEq)]
enum Standing {
    Nothing,
    Same,
    /// Another file, as text, with its permission bits; a link as an arrow.
    Other {
        text: String,
        mode: Option<u32>,
    },
}

/// Writes `files` below `root`, none of them where one cannot be prepared. What is replaced is shown before, on standard
/// error; what is somebody else's only is where `replaces_any`.
pub(super) fn write(root: &Root, files: &[New<'_>], replaces_any: bool) -> Result<()> {
    let _lock = root.lock(PATIENCE)?;
    let before = files.iter().map(|file| standing(root, file)).collect::<Result<Vec<_>>>()?;
    let mut kept = Vec::new();
    for (file, standing) in files.iter().zip(&before) {
        let Standing::Other { text, mode } = standing else { continue };
        // What cannot be shown is not replaced either.
        show(file, text, *mode).context("showing what is there")?;
        if !(replaces_any || file.earlier.made(text)) {
            kept.push(format!("`{}`", file.place));
        }
    }
    ensure!(
        kept.is_empty(),
        "nothing was written: not made from this before: {}; --replace writes it all the same",
        kept.join(", ")
    );
    for (files, before) in files.chunks(TOGETHER).zip(before.chunks(TOGETHER)) {
        let prepare = |(file, standing): (&New<'_>, &Standing)| match standing {
            Standing::Same => Ok(None),
            _ => root.whole(&file.path, file.text.as_bytes(), MODE).map(Some),
        };
        let wholes: Vec<Option<Whole>> = files.iter().zip(before).map(prepare).collect::<Result<_>>()?;
        for (file, shown) in files.iter().zip(before) {
            // An editor asks for no lock.
            ensure!(standing(root, file)? == *shown, "somebody else is writing `{}`", file.place);
        }
        for (whole, standing) in wholes.into_iter().zip(before) {
            match (whole, standing) {
                (Some(whole), Standing::Other { .. }) => whole.replace()?,
                (Some(whole), _) => whole.appear()?,
                (None, _) => {}
            }
        }
    }
    Ok(())
}

impl Earlier<'_> {
    fn made(self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Begins(start) => text.starts_with(start),
            Self::None => false,
        }
    }
}

fn standing(root: &Root, file: &New<'_>) -> Result<Standing> {
    let looking = || format!("cannot write `{}`", file.place);
    let Some(found) = root.metadata(&file.path, Links::Keep).with_context(looking)? else {
        return Ok(Standing::Nothing);
    };
    match Kind::from(&found) {
        Kind::Link => {
            let target = root.link_target(&file.path).with_context(looking)?.unwrap_or_default();
            Ok(Standing::Other { text: format!("-> {}\n", target.display()), mode: None })
        }
        Kind::File => {
            let Some(bytes) = root.read(&file.path).with_context(looking)? else {
                return Ok(Standing::Nothing);
            };
            let mode = found.mode() & 0o7777;
            if bytes == file.text.as_bytes() && mode == MODE {
                return Ok(Standing::Same);
            }
            Ok(Standing::Other { text: readable(&bytes), mode: Some(mode) })
        }
        Kind::Directory => bail!("cannot write `{}`: a directory has its name", file.place),
        Kind::Device | Kind::Other => bail!("cannot write `{}`: it is no regular file", file.place),
    }
}

/// Text as it is, any other byte as an escape.
pub(super) fn readable(bytes: &[u8]) -> String {
    bytes.utf8_chunks().fold(String::new(), |mut text, part| {
        text.push_str(part.valid());
        text.extend(part.invalid().escape_ascii().map(char::from));
        text
    })
}

/// Tells how the file that is there differs from the one to be written.
fn show(file: &New<'_>, old: &str, mode: Option<u32>) -> io::Result<()> {
    let mut text = format!("systemd-harden: `{}` is there and differs:\n", shown(file.place));
    if let Some(mode) = mode.filter(|mode| *mode != MODE) {
        // Writing to a String cannot fail.
        let _ = write!(text, "old mode {mode:04o}\nnew mode {MODE:04o}\n");
    }
    text.push_str(&diff(file.place, Some(old), Some(file.text)));
    io::stderr().lock().write_all(text.as_bytes())
}

/// A unified diff of two texts of one name, either of which may not be there, free of what a terminal would obey.
pub(super) fn diff(place: &str, old: Option<&str>, new: Option<&str>) -> String {
    let name = |text: Option<&str>| if text.is_some() { place } else { "/dev/null" };
    let [before, after] =
        [old, new].map(|text| text.unwrap_or_default().split_inclusive('\n').collect::<Vec<_>>());
    let mut unified = String::new();
    for hunk in group_diff_ops(changes(&before, &after, LONGEST), 3) {
        if unified.is_empty() {
            unified = format!("--- {}\n+++ {}\n", name(old), name(new));
        }
        // Writing to a String cannot fail.
        let _ = writeln!(unified, "{}", UnifiedHunkHeader::new(&hunk));
        for change in hunk.iter().flat_map(|op| op.iter_changes(&before, &after)) {
            let line = change.value();
            let end = if line.ends_with('\n') { "" } else { "\n\\ No newline at end of file\n" };
            let _ = write!(unified, "{}{line}{end}", change.tag());
        }
    }
    let safe = |line: &str| line.split('\t').map(shown).collect::<Vec<_>>().join("\t");
    unified.split('\n').map(safe).collect::<Vec<_>>().join("\n")
}

/// What makes the second of two texts out of the first. The whole of `TextDiff` would bring each of its four algorithms
/// along, in several sizes. Of what is not looked at within that time, one is said to be taken away and the other put in
/// its place.
fn changes(before: &[&str], after: &[&str], within: Duration) -> Vec<DiffOp> {
    let mut found = Compact::new(Replace::new(Capture::new()), before, after);
    let deadline = Some(Instant::now() + within);
    match myers::diff_deadline(&mut found, before, 0..before.len(), after, 0..after.len(), deadline) {
        Ok(()) => found.into_inner().into_inner().into_ops(),
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests {
    use similar::ChangeTag;

    use super::*;

    #[test]
    fn a_diff_without_time_still_makes_the_one_of_the_other() {
        let lines = |first: usize| (first..first + 400).map(|line| format!("{}\n", line * 7 % 101)).collect();
        let (before, after): (Vec<String>, Vec<String>) = (lines(0), lines(60));
        let [before, after] =
            [&before, &after].map(|lines| lines.iter().map(String::as_str).collect::<Vec<_>>());
        for within in [Duration::ZERO, LONGEST] {
            let found = changes(&before, &after, within);
            let of = |wanted: &[ChangeTag]| -> Vec<&str> {
                let all = found.iter().flat_map(|op| op.iter_changes(&before, &after));
                all.filter(|change| wanted.contains(&change.tag())).map(|change| change.value()).collect()
            };
            assert_eq!(of(&[ChangeTag::Equal, ChangeTag::Delete]), before, "{within:?}");
            assert_eq!(of(&[ChangeTag::Equal, ChangeTag::Insert]), after, "{within:?}");
        }
    }
}
