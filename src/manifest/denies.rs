//! Denials: what was proved that a service does not do, and the names of needs.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::document::Place;
use super::things::{ClaimThing, KernelThing};
use super::words::{Because, Unfit, nearest, quoted, unfit};

/// What was proved unneeded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Denies(pub BTreeMap<NeedName, Denial>);

/// A need by its name; those of [`SUBDIVIDED`] with their thing: `kernel.hostname`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NeedName {
    need: &'static str,
    thing: Option<&'static str>,
}

/// The evidence that a need is not there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Denial {
    /// How it was proved.
    pub because: Because,
    /// Where it stands: its key.
    #[serde(rename = "$place")]
    pub place: Place,
}

/// The names of the needs, in the order of [`Needs`]. Those of [`SUBDIVIDED`] are denied thing by thing.
pub const NEED_NAMES: [&str; 34] = [
    "starts-as-root",
    "becomes-users",
    "identifies-peers",
    "others-files",
    "uses-pam",
    "sends-mail",
    "runs-setuid",
    "runs-programs",
    "runs-hooks",
    "starts-sessions",
    "generates-code",
    "loads-plugins",
    "unpacks-archives",
    "foreign-abi",
    "makes-sandboxes",
    "chroots",
    "writes",
    "homes",
    "admin-paths",
    "shares-tmp",
    "measures-filesystems",
    "makes-mounts",
    "sees-processes",
    "host-statistics",
    "devices",
    "kernel",
    "claims",
    "shares-ipc",
    "listens",
    "connects",
    "interfaces",
    "network-admin",
    "capabilities",
    "system-calls",
];

/// Needs whose things have rows of their own and are denied one by one: `denies.kernel.hostname`.
pub const SUBDIVIDED: [&str; 2] = ["kernel", "claims"];

impl NeedName {
    /// The need: `kernel` of `kernel.hostname`.
    pub fn need(self) -> &'static str {
        self.need
    }

    /// The thing of a subdivided need: `hostname` of `kernel.hostname`.
    pub fn thing(self) -> Option<&'static str> {
        self.thing
    }

    /// Every name that can be denied, in the order of [`NEED_NAMES`].
    pub fn all() -> Vec<Self> {
        let things = |need| match need {
            "kernel" => KernelThing::ALL.iter().map(|thing| Some(thing.as_str())).collect(),
            "claims" => ClaimThing::ALL.iter().map(|thing| Some(thing.as_str())).collect(),
            _ => vec![None],
        };
        NEED_NAMES
            .iter()
            .flat_map(|need| things(*need).into_iter().map(|thing| Self { need, thing }))
            .collect()
    }
}

impl fmt::Display for NeedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.need)?;
        self.thing.map_or(Ok(()), |thing| write!(f, ".{thing}"))
    }
}

impl std::str::FromStr for NeedName {
    type Err = Unfit;

    fn from_str(text: &str) -> Result<Self, Unfit> {
        let all = Self::all();
        all.iter().find(|name| name.to_string() == text).copied().ok_or_else(|| {
            let names: Vec<String> = all.iter().map(ToString::to_string).collect();
            let hint = nearest(text, names.iter().map(String::as_str))
                .map(|name| format!("; did you mean `{name}`?"));
            unfit(format!("{} is not a need{}", quoted(text), hint.unwrap_or_default()))
        })
    }
}

impl Denies {
    /// The denial of `need`, by the name that [`NeedName`] displays.
    pub fn get(&self, need: &str) -> Option<&Denial> {
        self.0.iter().find(|(name, _)| name.to_string() == need).map(|(_, denial)| denial)
    }
}

struct DeniesVisitor;

impl<'de> Visitor<'de> for DeniesVisitor {
    type Value = Denies;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of needs")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Denies, A::Error> {
        let mut denials = BTreeMap::new();
        while let Some(need) = map.next_key::<DeniedKey>()?.map(|key| key.0) {
            let mut deny = |thing, denial| denials.insert(NeedName { need, thing }, denial);
            match need {
                "kernel" => {
                    for (thing, denial) in map.next_value::<BTreeMap<KernelThing, Denial>>()? {
                        deny(Some(thing.as_str()), denial);
                    }
                }
                "claims" => {
                    for (thing, denial) in map.next_value::<BTreeMap<ClaimThing, Denial>>()? {
                        deny(Some(thing.as_str()), denial);
                    }
                }
                _ => {
                    deny(None, map.next_value()?);
                }
            }
        }
        Ok(Denies(denials))
    }
}

impl<'de> Deserialize<'de> for Denies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DeniesVisitor)
    }
}

/// A key of `[denies]`.
struct DeniedKey(&'static str);

impl<'de> Deserialize<'de> for DeniedKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let name = NEED_NAMES.iter().find(|name| **name == text);
        name.map(|name| Self(name)).ok_or_else(|| D::Error::unknown_field(&text, &NEED_NAMES))
    }
}

impl JsonSchema for Denial {
    fn schema_name() -> Cow<'static, str> {
        "Denial".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let because = generator.subschema_for::<Because>();
        json_schema!({
            "anyOf": [
                because,
                {
                    "type": "object",
                    "properties": { "because": because },
                    "required": ["because"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}

impl JsonSchema for Denies {
    fn schema_name() -> Cow<'static, str> {
        "Denies".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let denial = generator.subschema_for::<Denial>();
        let kernel = generator.subschema_for::<BTreeMap<KernelThing, Denial>>();
        let claims = generator.subschema_for::<BTreeMap<ClaimThing, Denial>>();
        let properties: serde_json::Map<String, serde_json::Value> = NEED_NAMES
            .iter()
            .map(|name| {
                let schema = match *name {
                    "kernel" => &kernel,
                    "claims" => &claims,
                    _ => &denial,
                };
                ((*name).to_owned(), schema.clone().to_value())
            })
            .collect();
        json_schema!({
            "description": "what was proved unneeded, with the evidence",
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
        })
    }
}
