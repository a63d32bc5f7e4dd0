//! Unit files on disk: which files make up a unit, in which order, and what their lines assign, exactly as systemd
//! finds and splits them (systemd.unit(5), `unit-file.c`, `dropin.c`, `conf-parser.c`).
//!
//! What a section or a directive means is left to others, and so is completing `a` to `a.service`.

mod lines;
mod loader;
mod name;
mod names;
mod root;
mod scalars;
mod search;
mod specifiers;
#[cfg(test)]
mod test_tree;
mod words;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use smol_str::SmolStr;

pub use lines::{Broken, MAX_LINE, UnitLines, parse};
pub use loader::{Loader, MAX_DROP_INS, MAX_PARTS};
pub use name::{Form, UnitName};
pub(crate) use name::{MAX_LENGTH, is_type};
pub(crate) use root::read_whole;
pub use root::{Entry, Kind, Links, Lock, MAX_ENTRIES, MAX_UNIT_SIZE, Root, Whole};
pub use scalars::{Base, boolean, file_mode, nanoseconds, size, time_span};
pub use search::{SearchPath, UserDirectories};
pub use specifiers::{Expanded, SpecifierError, expand};
pub use words::{Escapes, Quotes, WordError, WordFault, split};
pub(crate) use words::{is_escaped, next_word};

use crate::visible::{shown_bytes, shown_path};

/// What became of the attempt to load a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Load {
    /// Its files were read.
    Loaded(UnitText),
    /// It is masked by this file: an empty one, or a link to a device.
    Masked {
        /// The mask.
        path: PathBuf,
    },
    /// No file of that name, or a link that leads nowhere.
    NotFound,
    /// It could not be read to its end: this program may not, or it is beyond what is read.
    Unread {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// systemd refuses the unit because of this file.
    Broken {
        /// The file.
        path: PathBuf,
        /// The physical line, from 1, where the fault is in one.
        line: Option<u32>,
        /// What is wrong.
        reason: String,
    },
}

/// The keys of a service's command lines, in the order of a start and a stop (systemd.service(5), systemd 262).
pub(crate) const COMMAND_KEYS: [&str; 8] = [
    "ExecCondition",
    "ExecStartPre",
    "ExecStart",
    "ExecStartPost",
    "ExecReload",
    "ExecReloadPost",
    "ExecStop",
    "ExecStopPost",
];

/// The files of one unit, split into assignments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitText {
    /// The unit's own name; another than the one asked for where that was an alias.
    pub id: UnitName,
    /// All its names, the id included.
    pub names: BTreeSet<UnitName>,
    /// The file that defines it; only slices and devices load without one.
    pub fragment: Option<PathBuf>,
    /// Its drop-ins in the order in which they apply, those that only mask another included, as in `DropInPaths`.
    pub drop_ins: Vec<PathBuf>,
    /// All assignments of fragment and drop-ins in the order in which they apply.
    pub assignments: Vec<Assignment>,
    /// What systemd ignores on the way, syntax only.
    pub notices: Vec<Notice>,
}

impl UnitText {
    /// A unit of this name and no other, that is just this text.
    pub(crate) fn of_text(id: UnitName, source: &str, text: &str) -> Self {
        let names = BTreeSet::from([id.clone()]);
        Self { id, names, fragment: None, drop_ins: Vec::new(), assignments: Vec::new(), notices: Vec::new() }
            .with_text(source, text)
    }

    /// The unit with this text in place of all its files.
    pub(crate) fn with_text(self, source: &str, text: &str) -> Self {
        let source: Arc<Path> = Arc::from(Path::new(source));
        let lines = parse(&source, text.as_bytes());
        Self {
            fragment: Some(source.to_path_buf()),
            drop_ins: Vec::new(),
            assignments: lines.assignments,
            notices: lines.notices,
            ..self
        }
    }
}

/// One line `Key=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The section, without brackets.
    pub section: SmolStr,
    /// The key as written.
    pub key: SmolStr,
    /// The value, continuations joined and blanks stripped on both sides; quotes, escapes and specifiers as written.
    pub value: SmolStr,
    /// The file, as seen inside the root.
    pub source: Arc<Path>,
    /// The first physical line, from 1.
    pub line: u32,
}

/// Something that systemd ignores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The file, as seen inside the root.
    pub path: Arc<Path>,
    /// The first physical line, from 1; `None` for the file as a whole.
    pub line: Option<u32>,
    /// What is ignored and why, without control characters.
    pub text: String,
}

/// The files of assignments as places name them, one text for all lines of a file.
#[derive(Default)]
pub(crate) struct Sources<'t> {
    last: Option<(&'t Arc<Path>, Arc<str>)>,
}

impl<'t> Sources<'t> {
    /// The file of an assignment.
    pub(crate) fn of(&mut self, assignment: &'t Assignment) -> &Arc<str> {
        let last = self.last.take().filter(|(source, _)| Arc::ptr_eq(source, &assignment.source));
        let (_, path) = self
            .last
            .insert(last.unwrap_or_else(|| (&assignment.source, Arc::from(shown_path(&assignment.source)))));
        path
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", shown_path(&self.path))?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}", self.text)
    }
}

/// `text` in backticks for a message, cut where it is long.
fn quoted(text: &str) -> String {
    quoted_bytes(text.as_bytes())
}

/// The same of bytes, of which what is no UTF-8 stands there as `\xff`.
fn quoted_bytes(bytes: &[u8]) -> String {
    /// In characters; more says nothing more about which line is meant.
    const LONGEST: usize = 80;
    let text = shown_bytes(bytes.get(..4 * LONGEST).unwrap_or(bytes));
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("`{}…`", text.get(..end).unwrap_or_default()),
        None => format!("`{text}`"),
    }
}
