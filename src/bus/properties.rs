//! The properties of one object, by name.
//!
//! Answers the few questions about files and states that every report asks; the directives' own
//! properties are looked up by the catalogue.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use zbus::export::serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use zbus::wire::LE;
use zbus::wire::serialized::{Context, Data};
use zbus::{Message, Signature, Type};

use super::MAX_PROPERTIES_BYTES;
use super::convert::{Held, MAX_DEPTH, MAX_MEMBERS};
use super::failure::BusFailure;
use crate::bus_value::BusValue;

/// The properties of a service, about.
const USUAL: usize = 450;
/// The properties that an object may have. Names that are chosen to have the same hash make each look-up one of all of
/// them; with so many that is no harm.
const MAX_PROPERTIES: usize = 1 << 12;

/// What the manager says about a unit, or about itself.
///
/// A property that is missing is one that the running systemd does not have; a lookup of the wrong
/// shape answers as if it were missing. Paths and texts are what the other side sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    names: Arc<Names>,
    /// By the places of their names.
    values: Vec<BusValue>,
}

/// The names of an object's properties, in the order in which they came. All units of one type have the same, and a
/// release says them in the same order each time, so that they are kept but once.
#[derive(Debug, Default, PartialEq, Eq)]
struct Names {
    places: FxHashMap<Box<str>, usize>,
    all: Vec<Box<str>>,
}

impl Names {
    fn new(names: &[&str]) -> Self {
        let all: Vec<Box<str>> = names.iter().map(|name| Box::from(*name)).collect();
        Self { places: all.iter().cloned().zip(0..).collect(), all }
    }

    fn are(&self, names: &[&str]) -> bool {
        self.all.len() == names.len() && self.all.iter().zip(names).all(|(known, name)| **known == **name)
    }
}

/// The names of properties that were met last, for whoever reads many units: they share them.
#[derive(Debug, Default)]
pub struct NamesMet(RefCell<Arc<Names>>);

impl NamesMet {
    fn of(&self, names: &[&str]) -> Arc<Names> {
        let mut last = self.0.borrow_mut();
        if !last.are(names) {
            *last = Arc::new(Names::new(names));
        }
        Arc::clone(&last)
    }
}

impl Properties {
    /// The value of a property, by its name on the bus: `ProtectHome`, `CPUQuotaPerSecUSec`.
    pub fn get(&self, property: &str) -> Option<&BusValue> {
        self.values.get(*self.names.places.get(property)?)
    }

    /// All properties, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &BusValue)> {
        self.names.all.iter().map(|name| &**name).zip(&self.values)
    }

    /// The text of a property of type `s`.
    pub fn text(&self, property: &str) -> Option<&str> {
        self.get(property)?.as_text()
    }

    /// The full name of the unit; another than the one asked for if that is an alias.
    pub fn id(&self) -> Option<&str> {
        self.text("Id")
    }

    /// How the loading of the unit's files ended.
    pub fn load_state(&self) -> Option<LoadState> {
        self.text("LoadState").map(LoadState::from)
    }

    /// Why the loading failed, in the manager's words; nothing if it did not.
    pub fn load_error(&self) -> Option<&str> {
        let [_, message] = self.get("LoadError")?.members()? else { return None };
        message.as_text().filter(|message| !message.is_empty())
    }

    /// What the unit does now: `active`, `inactive`, `failed` and so on.
    pub fn active_state(&self) -> Option<&str> {
        self.text("ActiveState")
    }

    /// The unit's main file; nothing for a unit without one.
    pub fn fragment_path(&self) -> Option<&str> {
        self.text("FragmentPath").filter(|path| !path.is_empty())
    }

    /// The drop-ins in the order in which they apply. One masked by a link to `/dev/null` is among
    /// them.
    pub fn drop_in_paths(&self) -> Vec<&str> {
        self.get("DropInPaths").and_then(BusValue::as_texts).unwrap_or_default()
    }

    /// Whether the files have changed since the manager read them.
    pub fn needs_daemon_reload(&self) -> Option<bool> {
        self.get("NeedDaemonReload")?.as_bool()
    }

    /// The units that start it: its sockets, timers and paths.
    pub fn triggered_by(&self) -> Vec<&str> {
        self.get("TriggeredBy").and_then(BusValue::as_texts).unwrap_or_default()
    }

    /// Takes replies to `Get` together, each with the name of its property.
    pub(super) fn of_values<'r>(
        replies: impl IntoIterator<Item = (&'r str, &'r Message)>,
    ) -> Result<Self, BusFailure> {
        let value = |(name, reply): (&'r str, &Message)| {
            let body = reply.body();
            within_bounds(body.len())?;
            let Held(value) = body.deserialize()?;
            Ok((name, value.ok_or_else(|| too_much(name))?))
        };
        let (names, values): (Vec<&str>, Vec<BusValue>) =
            replies.into_iter().map(value).collect::<Result<_, BusFailure>>()?;
        Ok(Self { names: Arc::new(Names::new(&names)), values })
    }

    /// Takes a reply to `GetAll` apart. One value beyond the bounds fails the whole: without it
    /// the unit would look like that of an older systemd.
    pub(super) fn read(reply: &Message, met: &NamesMet) -> Result<Self, BusFailure> {
        let body = reply.body();
        within_bounds(body.len())?;
        let read = body.deserialize().map_err(|error| BusFailure::protocol(&error.to_string()));
        read.and_then(|read| Self::whole(read, met))
    }

    /// The same of the bytes of such a body, little-endian, as a recorded one is.
    ///
    /// # Errors
    ///
    /// As for a reply: it is too long, not what `GetAll` answers, or one value is beyond the bounds.
    pub fn of_body(bytes: &[u8]) -> Result<Self, BusFailure> {
        within_bounds(bytes.len())?;
        let body = Data::new(bytes, Context::new(LE, 0));
        let read = body.deserialize().map_err(|error| BusFailure::protocol(&error.to_string()));
        read.and_then(|(read, _)| Self::whole(read, &NamesMet::default()))
    }

    fn whole(InOrder(read): InOrder<'_>, met: &NamesMet) -> Result<Self, BusFailure> {
        let (names, values) = read.map_err(too_much)?;
        Ok(Self { names: met.of(&names), values })
    }
}

fn within_bounds(bytes: usize) -> Result<(), BusFailure> {
    if bytes > MAX_PROPERTIES_BYTES {
        let text = format!("properties of {bytes} bytes, more than {MAX_PROPERTIES_BYTES}");
        return Err(BusFailure::Protocol(text));
    }
    Ok(())
}

fn too_much(property: &str) -> BusFailure {
    BusFailure::protocol(&format!(
        "`{property}` has more than {MAX_MEMBERS} members, or more than {MAX_DEPTH} levels of them"
    ))
}

/// The names and values in the body of a reply to `GetAll`, or the first property beyond the bounds.
struct InOrder<'m>(Result<(Vec<&'m str>, Vec<BusValue>), &'m str>);

impl Type for InOrder<'_> {
    const SIGNATURE: &'static Signature = <HashMap<&str, Held>>::SIGNATURE;
}

impl<'de> Deserialize<'de> for InOrder<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = InOrder<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("properties by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<InOrder<'de>, A::Error> {
                let (mut names, mut values) = (Vec::with_capacity(USUAL), Vec::with_capacity(USUAL));
                let mut beyond = None;
                while let Some((name, Held(value))) = entries.next_entry::<&str, Held>()? {
                    if names.len() == MAX_PROPERTIES {
                        return Err(A::Error::custom(format_args!("more than {MAX_PROPERTIES} properties")));
                    }
                    names.push(name);
                    match value {
                        Some(value) => values.push(value),
                        None => _ = beyond.get_or_insert(name),
                    }
                }
                Ok(InOrder(beyond.map_or(Ok((names, values)), Err)))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

/// How the loading of a unit ended (org.freedesktop.systemd1(5), `LoadState`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LoadState {
    /// Not read yet
    Stub,
    /// Read
    Loaded,
    /// No file of that name
    NotFound,
    /// A file without what its type needs, as a service without `ExecStart=`
    BadSetting,
    /// A file that could not be read
    Error,
    /// Another name of a unit, since joined with it
    Merged,
    /// Linked to `/dev/null`, or empty
    Masked,
    /// A state of a later systemd
    Other(String),
}

impl From<&str> for LoadState {
    fn from(state: &str) -> Self {
        match state {
            "stub" => Self::Stub,
            "loaded" => Self::Loaded,
            "not-found" => Self::NotFound,
            "bad-setting" => Self::BadSetting,
            "error" => Self::Error,
            "merged" => Self::Merged,
            "masked" => Self::Masked,
            other => Self::Other(other.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use zbus::Variant;
    use zbus::wire::to_bytes;

    use super::*;

    #[test]
    fn names_are_kept_once_and_never_taken_for_others() {
        let met = NamesMet::default();
        let first = met.of(&["A", "B"]);
        assert!(Arc::ptr_eq(&first, &met.of(&["A", "B"])));
        for others in [&["B", "A"][..], &["A", "C"], &["A"], &["A", "B", "C"], &[]] {
            let names = met.of(others);
            let all: Vec<&str> = names.all.iter().map(|name| &**name).collect();
            assert_eq!(all, others);
            assert!(others.iter().zip(0..).all(|(name, place)| names.places.get(*name) == Some(&place)));
            assert_eq!(names.places.len(), others.len());
        }
        assert_eq!(*first, Names::new(&["A", "B"]));
    }

    #[test]
    fn more_properties_than_an_object_may_have_are_refused() -> anyhow::Result<()> {
        let read = |count: usize| {
            let properties: HashMap<String, Variant<'_>> =
                (0..count).map(|number| (format!("P{number}"), Variant::from(true))).collect();
            let body = to_bytes(Context::new(LE, 0), &properties)?;
            anyhow::Ok(Properties::of_body(&body).map(|read| read.iter().count()))
        };
        assert_eq!(read(MAX_PROPERTIES)?, Ok(MAX_PROPERTIES));
        let refused = read(MAX_PROPERTIES + 1)?;
        assert!(
            matches!(&refused, Err(BusFailure::Protocol(why)) if why.contains("more than 4096")),
            "{refused:?}"
        );
        Ok(())
    }
}
