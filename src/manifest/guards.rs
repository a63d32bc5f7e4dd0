//! The shape of `[guards.NAME]`: state on the host that must not be mixed with other state.

use schemars::JsonSchema;
use serde::Deserialize;

use super::contents::{FileFormat, KeyOf};
use super::document::Place;
use super::words::{AbsolutePath, Because, FileKey, FileValue, RulePath, SqlName};
use crate::finding::Severity;

/// `[guards.NAME]`. Exactly one of `while-entries` and `uids-of` after loading.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Guard {
    /// Why.
    pub because: Because,
    /// A store: while it holds something, a key of a file must stay as it is.
    pub while_entries: Option<RulePath>,
    /// A store whose entries are named by uids, each of which must be an account's.
    pub uids_of: Option<RulePath>,
    /// The store is a SQLite database, its entries rows.
    pub sqlite: Option<Sqlite>,
    /// How the names of entries are written.
    #[serde(default)]
    pub encoded: Encoding,
    /// Entries that do not count, by their names as decoded.
    #[serde(default)]
    pub except: Vec<FileValue>,
    /// Beside `while-entries`: the file.
    pub file: Option<AbsolutePath>,
    /// How the file is written. After loading: always there beside `file`.
    pub format: Option<FileFormat>,
    /// Beside `while-entries`: the key of the file.
    pub key: Option<FileKey>,
    /// Beside `while-entries`: the value that the key must keep.
    pub stays: Option<FileValue>,
    /// What a breach is worth.
    #[serde(default)]
    pub severity: Severity,
    /// Where it is declared.
    #[serde(rename = "$place")]
    #[schemars(skip)]
    pub place: Place,
}

/// Rows of a SQLite database as entries.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Sqlite {
    /// The table.
    pub table: SqlName,
    /// The column that names an entry. Required beside `uids-of` and `except`.
    pub column: Option<SqlName>,
    /// Only rows that have these values, as text, in these columns.
    #[serde(default, rename = "where")]
    pub filter: std::collections::BTreeMap<SqlName, FileValue>,
    /// Where it is stated.
    #[serde(rename = "$place")]
    #[schemars(skip)]
    pub place: Place,
}

/// How a name is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// As it is.
    #[default]
    Plain,
    /// In the alphabet of RFC 4648, section 5, with or without padding.
    Base64url,
}

/// What a guard asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guarded<'g> {
    /// While the store holds entries, the key stays.
    Stays {
        /// Where entries are.
        store: &'g RulePath,
        /// The key.
        of: KeyOf,
        /// Its value.
        value: &'g FileValue,
    },
    /// Names of entries are uids of accounts.
    Uids {
        /// Where entries are.
        store: &'g RulePath,
    },
}

impl Guard {
    /// What it asks; `None` where it says too little, which loading refuses.
    pub fn asks(&self) -> Option<Guarded<'_>> {
        if let Some(store) = &self.uids_of {
            return Some(Guarded::Uids { store });
        }
        let (store, file, key, value) =
            (self.while_entries.as_ref()?, self.file.as_ref()?, self.key.as_ref()?, self.stays.as_ref()?);
        let of = KeyOf { file: file.clone(), key: key.clone(), format: self.format };
        Some(Guarded::Stays { store, of, value })
    }

    /// Whether a service that takes over a changed file while it runs could breach it.
    pub fn forbids_reload(&self) -> bool {
        self.while_entries.is_some()
    }
}
