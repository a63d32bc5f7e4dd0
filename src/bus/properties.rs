//! The properties of one object, by name.
//!
//! Answers the few questions about files and states that every report asks; the directives' own
//! properties are looked up by the catalogue.

use std::collections::BTreeMap;
use std::fmt;

use zbus::export::serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use zbus::wire::LE;
use zbus::wire::serialized::{Context, Data};
use zbus::{Message, Signature, Type};

use super::MAX_PROPERTIES_BYTES;
use super::convert::Held;
use super::failure::BusFailure;
use crate::bus_value::BusValue;

/// What the manager says about a unit, or about itself.
///
/// A property that is missing is one that the running systemd does not have; a lookup of the wrong
/// shape answers as if it were missing. Paths and texts are what the other side sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    values: BTreeMap<String, BusValue>,
}

impl Properties {
    /// The value of a property, by its name on the bus: `ProtectHome`, `CPUQuotaPerSecUSec`.
    pub fn get(&self, property: &str) -> Option<&BusValue> {
        self.values.get(property)
    }

    /// All properties in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &BusValue)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value))
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

    /// Takes replies to `Get` together, each with the name of its property; nothing where one cannot be read.
    pub(super) fn of_values<'r>(replies: impl IntoIterator<Item = (&'r str, &'r Message)>) -> Option<Self> {
        let value = |reply: &Message| {
            let body = reply.body();
            let Held(value) = (body.len() <= MAX_PROPERTIES_BYTES).then(|| body.deserialize().ok())??;
            value
        };
        let values = replies.into_iter().map(|(name, reply)| Some((name.to_owned(), value(reply)?)));
        Some(Self { values: values.collect::<Option<_>>()? })
    }

    /// Takes a reply to `GetAll` apart. One value beyond the bounds fails the whole: without it
    /// the unit would look like that of an older systemd.
    pub(super) fn read(reply: &Message) -> Result<Self, BusFailure> {
        let body = reply.body();
        if body.len() > MAX_PROPERTIES_BYTES {
            return Err(too_long(body.len()));
        }
        body.deserialize().map_err(|error| BusFailure::protocol(&error.to_string())).and_then(Self::whole)
    }

    /// The same of the bytes of such a body, little-endian, as a recorded one is.
    ///
    /// # Errors
    ///
    /// As for a reply: it is too long, not what `GetAll` answers, or one value is beyond the bounds.
    pub fn of_body(bytes: &[u8]) -> Result<Self, BusFailure> {
        if bytes.len() > MAX_PROPERTIES_BYTES {
            return Err(too_long(bytes.len()));
        }
        let body = Data::new(bytes, Context::new(LE, 0));
        let read = body.deserialize().map_err(|error| BusFailure::protocol(&error.to_string()));
        read.and_then(|(read, _)| Self::whole(read))
    }

    fn whole(ByName(values): ByName) -> Result<Self, BusFailure> {
        let too_much = |name: String| BusFailure::protocol(&format!("`{name}` is too long or too deep"));
        Ok(Self { values: values.map_err(too_much)? })
    }
}

fn too_long(bytes: usize) -> BusFailure {
    BusFailure::Protocol(format!("properties of {bytes} bytes, more than {MAX_PROPERTIES_BYTES}"))
}

/// The body of a reply to `GetAll`, or the first property beyond the bounds.
struct ByName(Result<BTreeMap<String, BusValue>, String>);

impl Type for ByName {
    const SIGNATURE: &'static Signature = <BTreeMap<&str, Held>>::SIGNATURE;
}

impl<'de> Deserialize<'de> for ByName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = ByName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("properties by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<ByName, A::Error> {
                let mut values = BTreeMap::new();
                let mut beyond = None;
                while let Some((name, Held(value))) = entries.next_entry::<&str, Held>()? {
                    match value {
                        Some(value) => _ = values.insert(name.to_owned(), value),
                        None => _ = beyond.get_or_insert_with(|| name.to_owned()),
                    }
                }
                Ok(ByName(beyond.map_or(Ok(values), Err)))
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
