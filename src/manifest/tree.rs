//! TOML as a tree in which every key and value knows its place, and the one rule by which trees are merged.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::Place;
use super::problem::Problem;
use super::words::quoted;

/// How deep tables and arrays may lie in each other. The deepest key of the vocabulary is half as deep.
const DEEPEST: usize = 16;

/// A value and where it stands; for a table, where its key does.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) place: Place,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Table(Table),
    Array(Vec<Node>),
    String(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    /// A date, a time or both, as written.
    Datetime(String),
}

pub(crate) type Table = BTreeMap<String, Entry>;

/// What stands in a table under a key.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Where the key stands.
    pub(crate) key: Place,
    pub(crate) node: Node,
}

impl Node {
    pub(crate) fn table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    pub(crate) fn table_mut(&mut self) -> Option<&mut Table> {
        match &mut self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// How many values there are in it, itself included.
    pub(crate) fn size(&self) -> usize {
        let inside = match &self.value {
            Value::Table(table) => table.values().map(|entry| entry.node.size()).sum(),
            Value::Array(nodes) => nodes.iter().map(Self::size).sum(),
            _ => 0,
        };
        1 + inside
    }

    /// The entry below `path`.
    pub(crate) fn entry(&self, path: &[&str]) -> Option<&Entry> {
        let (first, rest) = path.split_first()?;
        let entry = self.table()?.get(*first)?;
        if rest.is_empty() { Some(entry) } else { entry.node.entry(rest) }
    }

    /// Where `path` stands: its key, or the nearest key above it.
    pub(crate) fn place_of(&self, path: &[&str]) -> &Place {
        let Some((first, rest)) = path.split_first() else { return &self.place };
        match self.table().and_then(|table| table.get(*first)) {
            Some(entry) if rest.is_empty() => &entry.key,
            Some(entry) => match entry.node.table() {
                Some(_) => entry.node.place_of(rest),
                None => &entry.key,
            },
            None => &self.place,
        }
    }
}

/// Parses one file.
///
/// # Errors
///
/// Bytes that are not UTF-8, text that is not TOML, tables nested too deep, keys that start with `$` (which this
/// module's readers give a meaning of their own).
pub(crate) fn parse(file: &Arc<str>, bytes: &[u8]) -> Result<Node, Box<Problem>> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let places = Places::new(file, std::str::from_utf8(valid).unwrap_or_default());
        Box::new(Problem::new(&places.at(valid.len()), "the file is not UTF-8"))
    })?;
    let places = Places::new(file, text);
    let table = DeTable::parse(text).map_err(|error| {
        let place = places.at(error.span().map_or(0, |span| span.start));
        // The parser's words are kept to one line; some of its messages list alternatives below each other.
        let message = error.message().lines().map(str::trim).collect::<Vec<_>>().join(", ");
        Box::new(Problem::new(&place, format!("not TOML: {message}")))
    })?;
    let place = places.at(0);
    Ok(Node { value: Value::Table(convert_table(table.get_ref(), &places, 0)?), place })
}

fn convert_table(table: &DeTable<'_>, places: &Places<'_>, depth: usize) -> Result<Table, Box<Problem>> {
    let mut converted = Table::new();
    for (key, value) in table {
        let place = places.at(key.span().start);
        let name = key.get_ref().to_string();
        if name.starts_with('$') {
            return Err(Box::new(Problem::new(&place, format!("unknown key {}", quoted(&name)))));
        }
        let node = convert(value, Some(&place), places, depth + 1)?;
        converted.insert(name, Entry { key: place, node });
    }
    Ok(converted)
}

fn convert(
    value: &Spanned<DeValue<'_>>,
    key: Option<&Place>,
    places: &Places<'_>,
    depth: usize,
) -> Result<Node, Box<Problem>> {
    let place = places.at(value.span().start);
    if depth > DEEPEST {
        let message = format!("tables and arrays are nested more than {DEEPEST} deep");
        return Err(Box::new(Problem::new(key.unwrap_or(&place), message)));
    }
    let value = match value.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => {
                return Err(Box::new(Problem::new(&place, format!("the number `{number}` is too large"))));
            }
        },
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Datetime(datetime) => Value::Datetime(datetime.to_string()),
        DeValue::Array(array) => {
            let nodes = array.iter().map(|value| convert(value, None, places, depth + 1));
            Value::Array(nodes.collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => {
            let table = Value::Table(convert_table(table, places, depth)?);
            return Ok(Node { value: table, place: key.unwrap_or(&place).clone() });
        }
    };
    Ok(Node { value, place })
}

/// Lays `over` upon `base`: tables merge by key, everything else replaces, `false` takes away what is not a boolean.
///
/// `false` that finds nothing stays, for the reader to refuse where no boolean is expected. A table with a reason
/// stands where it was touched last, so that what it grants is traced to whoever granted it.
pub(crate) fn merge(base: &mut Node, over: Node) {
    let Node { value, place } = over;
    let (below, above) = match (&mut base.value, value) {
        (Value::Table(below), Value::Table(above)) => (below, above),
        (_, value) => {
            *base = Node { value, place };
            return;
        }
    };
    if below.contains_key("because") || above.contains_key("because") {
        base.place = place;
    }
    for (name, entry) in above {
        let removes = |found: &Entry| {
            matches!(entry.node.value, Value::Bool(false)) && !matches!(found.node.value, Value::Bool(_))
        };
        match below.get_mut(&name) {
            Some(found) if removes(found) => {
                below.remove(&name);
            }
            Some(found) => {
                if found.node.table().is_none() || entry.node.table().is_none() {
                    found.key = entry.key;
                }
                merge(&mut found.node, entry.node);
            }
            None => {
                below.insert(name, entry);
            }
        }
    }
}

/// Turns offsets into places.
struct Places<'a> {
    file: &'a Arc<str>,
    text: &'a str,
    /// Offsets at which lines start, ascending, the first 0.
    lines: Vec<usize>,
}

impl<'a> Places<'a> {
    fn new(file: &'a Arc<str>, text: &'a str) -> Self {
        let starts =
            text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(offset, _)| offset + 1);
        Self { file, text, lines: std::iter::once(0).chain(starts).collect() }
    }

    fn at(&self, offset: usize) -> Place {
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let column = self.text.get(start..offset).map_or(0, |text| text.chars().count()) + 1;
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Place { file: Arc::clone(self.file), line: number(line.max(1)), column: number(column) }
    }
}
