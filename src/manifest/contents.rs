//! The shape of `[contents.NAME]`: what files of settings say.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::document::Place;
use super::words::{AbsolutePath, Because, FileKey, FileValue, KnownKey};
use crate::finding::Severity;

/// `[contents.NAME]`: one file, or several that are read one after the other as one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Contents {
    /// Why.
    pub because: Because,
    /// The files, in the order in which they are read; at least one after loading.
    #[serde(default)]
    pub files: Vec<AbsolutePath>,
    /// How they are written. After loading: always there.
    pub format: Option<FileFormat>,
    /// Every key there is, besides those of `keys`; any where none is named. `*` stands for any characters.
    #[serde(default)]
    pub known: Vec<KnownKey>,
    /// Texts that stand in no value, each with its reason.
    #[serde(default)]
    pub never: BTreeMap<FileValue, Because>,
    /// What single keys say.
    #[serde(default)]
    pub keys: BTreeMap<FileKey, KeyRule>,
    /// Where it is declared.
    #[serde(rename = "$place")]
    #[schemars(skip)]
    pub place: Place,
}

/// `[contents.NAME.keys.KEY]`. Values are compared as text: `"true"`, `"10"`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct KeyRule {
    /// Why.
    pub because: Because,
    /// The value.
    pub is: Option<FileValue>,
    /// The values to choose from.
    #[serde(default)]
    pub one_of: Vec<FileValue>,
    /// Values that it must not have.
    #[serde(default)]
    pub not: Vec<FileValue>,
    /// Texts that the value must not hold.
    #[serde(default)]
    pub without: Vec<FileValue>,
    /// The largest number.
    pub at_most: Option<Limit>,
    /// The smallest number.
    pub at_least: Option<Limit>,
    /// The fewest characters.
    pub min_length: Option<u32>,
    /// It must be set.
    #[serde(default)]
    pub required: bool,
    /// It must not be set.
    #[serde(default)]
    pub absent: bool,
    /// Where it is set, others than owner and group must have no access to the file.
    #[serde(default)]
    pub secret: bool,
    /// It counts only where these keys of the same file have these values.
    #[serde(default)]
    pub when: BTreeMap<FileKey, FileValue>,
    /// What a breach is worth.
    #[serde(default)]
    pub severity: Severity,
    /// Where it is stated.
    #[serde(rename = "$place")]
    #[schemars(skip)]
    pub place: Place,
}

impl KeyRule {
    /// Whether it asks anything of a value that is there.
    pub fn judges_values(&self) -> bool {
        self.is.is_some()
            || !self.one_of.is_empty()
            || !self.not.is_empty()
            || !self.without.is_empty()
            || self.at_most.is_some()
            || self.at_least.is_some()
            || self.min_length.is_some()
            || self.secret
    }
}

/// A bound of a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The number itself.
    Number(u64),
    /// What a key of another file says.
    Key(KeyOf),
}

/// A key of a file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct KeyOf {
    /// The file.
    pub file: AbsolutePath,
    /// The key.
    pub key: FileKey,
    /// How the file is written. After loading: always there.
    pub format: Option<FileFormat>,
}

/// How a file of settings is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileFormat {
    /// TOML 1.0; a key is its tables and itself with dots between, elements of arrays are alike.
    Toml,
    /// Sections in brackets; a key is its section in lower case, a dot and itself.
    Ini,
    /// What `EnvironmentFile=` reads (systemd.exec(5)).
    Env,
    /// A key and a value on each line, with `=` or blanks between; `#` and `;` start comments.
    Keys,
}

impl FileFormat {
    /// As a file of this name is usually written.
    pub fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        match name.rsplit_once('.')?.1 {
            "toml" => Some(Self::Toml),
            "ini" => Some(Self::Ini),
            "env" => Some(Self::Env),
            _ => None,
        }
    }

    /// What such a file is called.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Toml => "TOML",
            Self::Ini => "INI",
            Self::Env => "an environment file",
            Self::Keys => "keys and values",
        }
    }
}

struct LimitVisitor;

impl<'de> Visitor<'de> for LimitVisitor {
    type Value = Limit;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or a table with `file` and `key`")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Limit, E> {
        u64::try_from(number).map(Limit::Number).map_err(|_| E::custom("the number is below zero"))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Limit, A::Error> {
        KeyOf::deserialize(MapAccessDeserializer::new(map)).map(Limit::Key)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LimitVisitor)
    }
}

impl JsonSchema for Limit {
    fn schema_name() -> Cow<'static, str> {
        "Limit".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let key = generator.subschema_for::<KeyOf>();
        json_schema!({ "anyOf": [{ "type": "integer", "minimum": 0 }, key] })
    }
}
