//! A serde `Deserializer` over the tree, whose errors carry the place of the innermost key or value.
//!
//! Some field names ask for what TOML does not hold: `$place` is where the struct stands, `$value` the whole value
//! itself, `$rest` a struct of the keys that no other field takes. A struct whose first field is `because` may be
//! written as a string, which then is its `because`.

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use super::document::Place;
use super::misread::{Misread, What, shown};
use super::problem::Problem;
use super::tree::{Entry, Node, Table, Value};

/// How many problems of one table are told.
const MOST_PROBLEMS: usize = 20;

/// Reads `node`, which stands under the key `name`, adding everything that is wrong with it to `problems`.
///
/// After a problem the offending entry is taken out and the rest is read again, so that all are found at once.
pub(crate) fn read<T: DeserializeOwned>(node: &Node, name: &str, problems: &mut Vec<Problem>) -> Option<T> {
    let mut misread = match T::deserialize(Reader(node)) {
        Ok(value) => return Some(value),
        Err(misread) => misread,
    };
    let mut rest = node.clone();
    let mut taken: Vec<Vec<String>> = Vec::new();
    for _ in 0..MOST_PROBLEMS {
        let path: Vec<String> = misread.path.iter().rev().cloned().collect();
        // A key that was taken out is missing because of that.
        let told = matches!(misread.what, What::Missing(_))
            && taken.iter().any(|taken| taken.len() == path.len() + 1 && taken.starts_with(&path));
        if !told {
            problems.push(misread.problem(&node.place, name));
        }
        if !take(&mut rest, &path) {
            break;
        }
        taken.push(path);
        match T::deserialize(Reader(&rest)) {
            Ok(_) => break,
            Err(next) => misread = next,
        }
    }
    None
}

/// Takes the entry below `path` out of `node`; false where there is none.
fn take(node: &mut Node, path: &[String]) -> bool {
    match (path, node.table_mut()) {
        ([name], Some(table)) => table.remove(name).is_some(),
        ([name, rest @ ..], Some(table)) => {
            table.get_mut(name).is_some_and(|entry| take(&mut entry.node, rest))
        }
        _ => false,
    }
}

/// Reads the key of `entry` as a `T`.
pub(crate) fn read_key<T: DeserializeOwned>(
    name: &str,
    entry: &Entry,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    T::deserialize(KeyReader(name)).map_err(|misread| problems.push(misread.problem(&entry.key, name))).ok()
}

/// Reads a value.
struct Reader<'de>(&'de Node);

impl<'de> Reader<'de> {
    fn wrong_type<V: Visitor<'de>>(self, visitor: &V) -> Misread {
        self.unexpected(|found| Misread::invalid_type(found, visitor))
    }

    fn unexpected(self, error: impl FnOnce(Unexpected<'_>) -> Misread) -> Misread {
        match &self.0.value {
            Value::Table(_) => error(Unexpected::Map),
            Value::Array(_) => error(Unexpected::Seq),
            Value::String(text) => error(Unexpected::Str(text)),
            Value::Integer(number) => error(Unexpected::Signed(*number)),
            Value::Float(number) => error(Unexpected::Float(*number)),
            Value::Bool(value) => error(Unexpected::Bool(*value)),
            Value::Datetime(text) => error(Unexpected::Other(&format!("the date `{text}`"))),
        }
    }

    /// What a struct with these fields is read from. Apart from what is made anew for each type that is read.
    fn fields(self, fields: &'static [&'static str]) -> Result<Entries<'de>, Misread> {
        let mut source = match &self.0.value {
            _ if fields.contains(&"$value") => {
                Entries { whole: Some(self.0), ..Entries::new(Vec::new(), &self.0.place) }
            }
            Value::Table(table) => {
                let all = in_order(table);
                if fields.contains(&"$rest") {
                    let (own, rest) = all.into_iter().partition(|(name, _)| fields.contains(name));
                    Entries {
                        rest: Some(Rest { entries: rest, known: fields }),
                        ..Entries::new(own, &self.0.place)
                    }
                } else {
                    Entries::new(all, &self.0.place)
                }
            }
            Value::String(_) if fields.first() == Some(&"because") => {
                let rest = fields.contains(&"$rest").then(|| Rest { entries: Vec::new(), known: fields });
                Entries { because: Some(self.0), rest, ..Entries::new(Vec::new(), &self.0.place) }
            }
            _ if fields.first() == Some(&"because") => {
                let expected = "a reason as a string, or a table with `because`";
                return Err(self.unexpected(|found| Misread::invalid_type(found, &expected)));
            }
            _ => return Err(self.unexpected(|found| Misread::invalid_type(found, &"a table"))),
        };
        source.wants_place = fields.contains(&"$place");
        Ok(source)
    }
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Misread;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        match &self.0.value {
            Value::Table(table) => visitor.visit_map(Entries::new(in_order(table), &self.0.place)),
            Value::Array(nodes) => visitor.visit_seq(Elements(nodes.iter())),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Datetime(_) => Err(self.wrong_type(&visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misread> {
        match (name, &self.0.value) {
            ("$date", Value::Datetime(text)) => visitor.visit_borrowed_str(text),
            ("$date", _) => Err(self.wrong_type(&visitor)),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misread> {
        visitor.visit_map(self.fields(fields)?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misread> {
        if let Value::String(text) = &self.0.value {
            return visitor.visit_enum(StrDeserializer::new(text));
        }
        let names: Vec<String> = variants.iter().map(|name| format!("\"{name}\"")).collect();
        let expected = names.join(" or ");
        Err(self.unexpected(|found| Misread::invalid_type(found, &expected.as_str())))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

/// Entries in the order in which they were written, so that the first problem that is told is the first to be seen.
fn in_order(table: &Table) -> Vec<(&str, &Entry)> {
    let mut entries: Vec<_> = table.iter().map(|(name, entry)| (name.as_str(), entry)).collect();
    entries.sort_by_key(|(_, entry)| &entry.key);
    entries
}

/// The entries of a table, and what the struct asks for besides.
struct Entries<'de> {
    written: std::vec::IntoIter<(&'de str, &'de Entry)>,
    place: &'de Place,
    next: Next<'de>,
    wants_place: bool,
    whole: Option<&'de Node>,
    because: Option<&'de Node>,
    rest: Option<Rest<'de>>,
}

/// Keys that the struct itself does not take.
struct Rest<'de> {
    entries: Vec<(&'de str, &'de Entry)>,
    /// The names that the struct does take.
    known: &'static [&'static str],
}

/// What the next value is.
enum Next<'de> {
    Nothing,
    Entry(&'de str, &'de Entry),
    Because(&'de Node),
    Whole(&'de Node),
    Place,
    Rest(Rest<'de>),
}

impl<'de> Entries<'de> {
    fn new(entries: Vec<(&'de str, &'de Entry)>, place: &'de Place) -> Self {
        Self {
            written: entries.into_iter(),
            place,
            next: Next::Nothing,
            wants_place: false,
            whole: None,
            because: None,
            rest: None,
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Misread;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misread> {
        let key = if let Some((name, entry)) = self.written.next() {
            self.next = Next::Entry(name, entry);
            return match seed.deserialize(KeyReader(name)) {
                Ok(key) => Ok(Some(key)),
                Err(misread) => Err(misread.at_key(&entry.key, name)),
            };
        } else if let Some(node) = self.because.take() {
            self.next = Next::Because(node);
            "because"
        } else if let Some(node) = self.whole.take() {
            self.next = Next::Whole(node);
            "$value"
        } else if self.wants_place {
            self.wants_place = false;
            self.next = Next::Place;
            "$place"
        } else if let Some(rest) = self.rest.take() {
            self.next = Next::Rest(rest);
            "$rest"
        } else {
            return Ok(None);
        };
        seed.deserialize(KeyReader(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misread> {
        match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Entry(name, entry) => seed
                .deserialize(Reader(&entry.node))
                .map_err(|misread| misread.at(&entry.node.place).below(name)),
            Next::Because(node) | Next::Whole(node) => {
                seed.deserialize(Reader(node)).map_err(|misread| misread.at(&node.place))
            }
            Next::Place => seed.deserialize(PlaceReader(self.place)),
            Next::Rest(rest) => seed.deserialize(RestReader { rest, place: self.place }),
            Next::Nothing => Err(Misread::custom("a value without its key")),
        }
    }
}

/// Reads a key.
struct KeyReader<'de>(&'de str);

impl<'de> Deserializer<'de> for KeyReader<'de> {
    type Error = Misread;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misread> {
        visitor.visit_enum(StrDeserializer::new(self.0))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misread> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq
        tuple tuple_struct map struct identifier ignored_any
    }
}

/// Reads the elements of an array.
struct Elements<'de>(std::slice::Iter<'de, Node>);

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = Misread;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misread> {
        let node = self.0.next();
        node.map(|node| seed.deserialize(Reader(node)).map_err(|misread| misread.at(&node.place))).transpose()
    }
}

/// Reads the keys that were left over as a struct of their own.
struct RestReader<'de> {
    rest: Rest<'de>,
    place: &'de Place,
}

impl<'de> Deserializer<'de> for RestReader<'de> {
    type Error = Misread;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        let Rest { entries, known } = self.rest;
        visitor.visit_map(Entries::new(entries, self.place)).map_err(|mut misread| {
            // Only a key of this very table: nested ones have longer paths.
            if let (What::Key { known: names, .. }, 1) = (&mut misread.what, misread.path.len()) {
                names.extend(shown(known));
            }
            misread
        })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Reads a place as a sequence of its fields.
struct PlaceReader<'de>(&'de Place);

impl<'de> Deserializer<'de> for PlaceReader<'de> {
    type Error = Misread;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        visitor.visit_seq(PlaceParts { place: self.0, next: 0 })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct PlaceParts<'de> {
    place: &'de Place,
    next: u8,
}

impl<'de> SeqAccess<'de> for PlaceParts<'de> {
    type Error = Misread;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misread> {
        self.next += 1;
        match self.next {
            1 => seed.deserialize(KeyReader(&self.place.file)).map(Some),
            2 => seed.deserialize(self.place.line.into_deserializer()).map(Some),
            3 => seed.deserialize(self.place.column.into_deserializer()).map(Some),
            _ => Ok(None),
        }
    }
}
