//! Literal lines of a unit: those that confine nothing, and overrides, which do and need a reason.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use super::document::{Place, Placed};
use super::words::{Because, DirectiveName, Line};

/// Literal lines of a unit file by section and directive; a directive may have several lines.
pub type Literals = BTreeMap<SectionName, BTreeMap<DirectiveName, Placed<Lines>>>;

/// Sections that literal lines may go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum SectionName {
    /// `[Unit]`.
    Unit,
    /// `[Service]`.
    Service,
    /// `[Socket]`.
    Socket,
    /// `[Timer]`.
    Timer,
    /// `[Install]`.
    Install,
}

impl SectionName {
    /// The name between the brackets.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unit => "Unit",
            Self::Service => "Service",
            Self::Socket => "Socket",
            Self::Timer => "Timer",
            Self::Install => "Install",
        }
    }
}

/// The values of a directive, one for each line: written as a string or an array, never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines(pub Vec<Line>);

/// `[override.DIRECTIVE]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Override {
    /// What the directive says instead.
    pub value: OverrideValue,
    /// Why.
    pub because: Because,
    /// Where it is stated.
    #[serde(rename = "$place")]
    #[schemars(skip)]
    pub place: Place,
}

/// What a directive says instead of what the policy wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OverrideValue {
    /// `"unset"`: it is left out of the unit.
    Unset,
    /// These lines.
    Lines(Lines),
}

struct LinesVisitor;

impl<'de> Visitor<'de> for LinesVisitor {
    type Value = Lines;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string or an array of strings")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Lines, E> {
        text.parse().map(|line| Lines(vec![line])).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Lines, A::Error> {
        let lines = Vec::<Line>::deserialize(SeqAccessDeserializer::new(seq))?;
        if lines.is_empty() { Err(A::Error::custom("the array is empty")) } else { Ok(Lines(lines)) }
    }
}

impl<'de> Deserialize<'de> for Lines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LinesVisitor)
    }
}

impl JsonSchema for Lines {
    fn schema_name() -> Cow<'static, str> {
        "Lines".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let line = generator.subschema_for::<Line>();
        json_schema!({ "anyOf": [line, { "type": "array", "items": line, "minItems": 1 }] })
    }
}

impl<'de> Deserialize<'de> for OverrideValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let lines = Lines::deserialize(deserializer)?;
        let unset = matches!(lines.0.as_slice(), [line] if line.as_str() == "unset");
        Ok(if unset { Self::Unset } else { Self::Lines(lines) })
    }
}

impl JsonSchema for OverrideValue {
    fn schema_name() -> Cow<'static, str> {
        "OverrideValue".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Lines::json_schema(generator)
    }
}

impl JsonSchema for SectionName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "SectionName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": ["Unit", "Service", "Socket", "Timer", "Install"] })
    }
}
