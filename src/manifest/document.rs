//! The shape of a manifest apart from its units: places, the package, users, groups, paths, accepted findings.
//!
//! The types only hold, as things are once drop-ins are merged and `like` is resolved; reading is `read`'s and what
//! contradicts what is `check`'s. Keys are kebab-case.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use super::words::{AbsolutePath, Because, Documentation, Gecos, Mode, PackageName, UserName};
use crate::visible::shown;

/// A position in a file that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub struct Place {
    /// The path as it was given.
    #[serde(deserialize_with = "shared")]
    pub file: Arc<str>,
    /// Counted from 1.
    pub line: u32,
    /// Counted from 1, in characters.
    pub column: u32,
}

fn shared<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
    String::deserialize(deserializer).map(Arc::from)
}

impl fmt::Display for Place {
    /// `FILE:LINE:COLUMN`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", shown(&self.file), self.line, self.column)
    }
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Placed<T> {
    /// The value.
    #[serde(rename = "$value")]
    pub value: T,
    /// Where it starts.
    #[serde(rename = "$place")]
    pub place: Place,
}

impl<T> Deref for Placed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: JsonSchema> JsonSchema for Placed<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

/// How much is closed of what neither a need nor a denial names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Strictness {
    /// Only what is not known to have broken anything.
    Safe,
    /// Also what fails loudly and is undone by one line.
    #[default]
    Default,
    /// Everything.
    Strict,
}

impl Strictness {
    /// The word in the manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Default => "default",
            Self::Strict => "strict",
        }
    }
}

/// Which manager runs the units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The system's.
    #[default]
    System,
    /// Each user's own.
    User,
}

/// `[package]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Package {
    /// Names the files that are not units; the only service's name where nothing is said.
    pub name: Option<PackageName>,
    /// Documentation of every service that states none.
    pub documentation: Vec<Documentation>,
}

/// `[users.NAME]`: a user that the package makes, or relies on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct User {
    /// The GECOS field.
    pub description: Option<Gecos>,
    /// The primary group; one of the user's own name where nothing is said.
    pub group: Option<UserName>,
    /// The home directory, which nobody creates; `/` where nothing is said.
    pub home: Option<AbsolutePath>,
    /// The login shell; nologin where nothing is said.
    pub shell: Option<AbsolutePath>,
    /// A fixed number.
    pub id: Option<u32>,
    /// Another package makes it: it is only checked.
    #[serde(default)]
    pub exists: bool,
    /// It exists only while the service runs: `DynamicUser=`.
    #[serde(default)]
    pub dynamic: bool,
    /// Where it is declared.
    #[serde(rename = "$place")]
    #[schemars(skip)]
    pub place: Place,
}

/// `[groups.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Group {
    /// Who belongs to it.
    #[serde(default)]
    pub members: Members,
    /// A fixed number.
    pub id: Option<u32>,
    /// Another package makes it: it is only checked.
    #[serde(default)]
    pub exists: bool,
    /// Where it is declared.
    #[serde(rename = "$place")]
    #[schemars(skip)]
    pub place: Place,
}

/// Who belongs to a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Members {
    /// Whom the administrator adds: audited, never rendered.
    Administered,
    /// Users of the manifest; also none.
    Listed(Vec<UserName>),
}

impl Default for Members {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

/// `[paths."/…"]`: what a path must be like. It grants nothing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PathRule {
    /// What it is. After loading: always there; a path ending in `/` is a directory, any other a file.
    pub kind: Option<PathKind>,
    /// Its mode.
    pub mode: Option<Mode>,
    /// Its owner.
    pub owner: Option<UserName>,
    /// Its group.
    pub group: Option<UserName>,
    /// Users that must not own it.
    #[serde(default)]
    pub owner_not: Vec<UserName>,
    /// Whether it may be missing.
    #[serde(default)]
    pub missing: Missing,
    /// What is done about a difference.
    #[serde(default)]
    pub enforce: Enforce,
    /// Why.
    pub because: Option<Because>,
    /// Where it is stated.
    #[serde(rename = "$place")]
    #[schemars(skip)]
    pub place: Place,
}

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the words say it")]
pub enum PathKind {
    File,
    Directory,
    Socket,
    Fifo,
    Symlink,
    CharacterDevice,
    BlockDevice,
}

/// Whether a path may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// It is a finding.
    #[default]
    Error,
    /// It is fine.
    Ok,
}

/// What is done about a path that is not as it should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Enforce {
    /// It is reported.
    #[default]
    Audit,
    /// It is created where it is missing.
    Create,
    /// It is set right at every boot, over the administrator's head.
    Boot,
}

/// `[accept.FINDING]`: a finding that the administrator lives with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Accepted {
    /// Why.
    pub because: Because,
    /// The last day of it.
    pub until: Date,
    /// Where it is stated.
    #[serde(rename = "$place")]
    #[schemars(skip)]
    pub place: Place,
}

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// 0 to 9999.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl fmt::Display for Date {
    /// `2027-01-31`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

struct DateVisitor;

impl Visitor<'_> for DateVisitor {
    type Value = Date;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a date without quotes such as 2027-01-31")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Date, E> {
        let bad = || E::custom("not a date such as 2027-01-31");
        let mut parts = text.split('-');
        let (year, month, day) = (parts.next(), parts.next(), parts.next());
        let date =
            || Some(Date { year: year?.parse().ok()?, month: month?.parse().ok()?, day: day?.parse().ok()? });
        date().filter(|_| text.len() == 10).ok_or_else(bad)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct("$date", DateVisitor)
    }
}

impl JsonSchema for Date {
    fn schema_name() -> Cow<'static, str> {
        "Date".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date", "description": "a day" })
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"administered\" or an array of users")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Members, E> {
        match text {
            "administered" => Ok(Members::Administered),
            _ => Err(E::unknown_variant(text, &["administered"])),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Members, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Members::Listed)
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MembersVisitor)
    }
}

impl JsonSchema for Members {
    fn schema_name() -> Cow<'static, str> {
        "Members".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let users = generator.subschema_for::<Vec<UserName>>();
        json_schema!({ "anyOf": [{ "const": "administered" }, users] })
    }
}
