//! A manifest in the making: tables of keys, each with what it came from, so that what the loader refuses can be said
//! in another way.

use std::collections::BTreeMap;

use super::toml::{Value, key};
use crate::manifest::{EDITION, Scope, Strictness, UnitKind};
use crate::visible::deceives;

/// What an entry of the manifest came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Lines of a unit that a key says.
    Said { kind: UnitKind, stem: String, section: String, directive: String },
    /// Lines of a unit as they stand, and where.
    Literal(String),
    /// A need that lines of the unit speak for.
    Need,
    /// A need that something seen speaks for, by its word.
    Hint(String),
    /// A denial of what the unit denies.
    Denial,
    /// A directive stated as the unit has it.
    Override(&'static str),
    /// A line of a snippet beside the unit, as it stands.
    Snippet(String),
    /// What every manifest of the unit must say.
    Given,
}

/// One key.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: Value,
    pub(super) item: Item,
    /// Lines above it, without `#`.
    pub(super) comments: Vec<String>,
}

/// The path of a table, such as `needs`, `writes`.
pub(super) type Path = Vec<String>;

/// Tables and what is said beside them.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) strictness: Strictness,
    pub(super) scope: Scope,
    /// Lines at the top, without `#`.
    pub(super) head: Vec<String>,
    /// Lines at the end, without `#`.
    pub(super) tail: Vec<String>,
    /// Lines before those, about what was seen of the service.
    pub(super) hints: Vec<String>,
    tables: BTreeMap<Path, Vec<Entry>>,
}

pub(super) fn path<const N: usize>(names: [&str; N]) -> Path {
    names.map(str::to_owned).to_vec()
}

impl Draft {
    pub(super) fn new(scope: Scope) -> Self {
        let tables = BTreeMap::new();
        let (head, tail, hints) = (Vec::new(), Vec::new(), Vec::new());
        Self { strictness: Strictness::Safe, scope, head, tail, hints, tables }
    }

    /// States a key, over what stood there.
    pub(super) fn set(&mut self, path: Path, key: &str, value: Value, item: Item) {
        self.explain(path, key, value, item, Vec::new());
    }

    /// The same with lines above it.
    pub(super) fn explain(&mut self, path: Path, key: &str, value: Value, item: Item, comments: Vec<String>) {
        let entries = self.tables.entry(path).or_default();
        let entry = Entry { key: key.to_owned(), value, item, comments };
        match entries.iter_mut().find(|known| known.key == key) {
            Some(known) => *known = entry,
            None => entries.push(entry),
        }
    }

    pub(super) fn get(&self, path: &Path, key: &str) -> Option<&Value> {
        self.tables.get(path)?.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    pub(super) fn has(&self, path: &Path) -> bool {
        self.tables.contains_key(path)
    }

    /// Makes sure that a table is there though nothing stands in it.
    pub(super) fn table(&mut self, path: Path) {
        self.tables.entry(path).or_default();
    }

    /// Takes away what is not wanted, and tables that are left empty.
    pub(super) fn retain(&mut self, wanted: impl Fn(&Path, &Entry) -> bool) {
        self.tables.retain(|path, entries| {
            let before = entries.len();
            entries.retain(|entry| wanted(path, entry));
            before == entries.len() || !entries.is_empty()
        });
    }

    /// Every entry with the path of its table.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&Path, &Entry)> {
        self.tables.iter().flat_map(|(path, entries)| entries.iter().map(move |entry| (path, entry)))
    }

    /// The manifest, and the entry of each of its lines, from 1.
    pub(super) fn write(&self) -> Written<'_> {
        let mut written = Written { text: String::new(), lines: BTreeMap::new(), line: 0 };
        written.comments(&self.head);
        written.push(&format!("edition = {EDITION}"));
        written.push(&format!("strictness = \"{}\"", self.strictness.as_str()));
        if self.scope == Scope::User {
            written.push("scope = \"user\"");
        }
        let mut tables: Vec<(&Path, &Vec<Entry>)> = self.tables.iter().collect();
        tables.sort_by_key(|(path, _)| place(path));
        for (path, entries) in tables {
            let header: Vec<String> = path.iter().map(|name| key(name)).collect();
            written.push("");
            let stated = matches!(entries.as_slice(), [only] if path.len() > 1 && only.comments.len() == 1 );
            if let ([entry], true) = (entries.as_slice(), stated) {
                written.comments(&entry.comments);
            }
            written.push(&format!("[{}]", header.join(".")));
            // What is wrong with a table as a whole is first of all wrong with what it starts with.
            written.lines.extend(entries.first().map(|entry| (written.line, entry)));
            for entry in entries {
                if !stated {
                    written.comments(&entry.comments);
                }
                written.push(&format!("{} = {}", key(&entry.key), entry.value.written()));
                written.lines.insert(written.line, entry);
            }
        }
        for comments in [&self.hints, &self.tail] {
            if !comments.is_empty() {
                written.push("");
                written.comments(comments);
            }
        }
        written
    }
}

/// Where a table stands among the others: who, then how, then what.
fn place(path: &Path) -> (usize, &Path) {
    const ORDER: [&str; 16] = [
        "package",
        "users",
        "groups",
        "service",
        "environment",
        "credentials",
        "directories",
        "resources",
        "needs",
        "denies",
        "override",
        "sockets",
        "timers",
        "paths",
        "accept",
        "",
    ];
    let first = path.first().map_or("", String::as_str);
    (ORDER.iter().position(|name| *name == first).unwrap_or(ORDER.len()), path)
}

/// A manifest as text.
pub(super) struct Written<'d> {
    pub(super) text: String,
    /// The entries by their lines, from 1.
    pub(super) lines: BTreeMap<u32, &'d Entry>,
    line: u32,
}

impl Written<'_> {
    fn push(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
        self.line += 1;
    }

    /// Line breaks would end the comment.
    fn comments(&mut self, comments: &[String]) {
        for comment in comments {
            let mut line = String::from("#");
            for c in comment.chars() {
                if line.len() == 1 {
                    line.push(' ');
                }
                if deceives(c) { line.extend(c.escape_default()) } else { line.push(c) }
            }
            self.push(&line);
        }
    }
}
