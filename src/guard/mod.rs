//! State that must not be mixed, against `[guards]` of a manifest: a store that holds entries while a key of a file has
//! changed, and entries that belong to uids without an account, or with another one than made them.
//!
//! What a store holds is read in `store` and `database`, who an uid is in `standing`.

mod database;
mod standing;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use standing::{Standing, standing};
use store::{Held, held};

use crate::accounts::Accounts;
use crate::content::{Read, at, read, unread, unreadable};
use crate::finding::{Finding, Severity};
use crate::manifest::words::{FileValue, RulePath, quoted};
use crate::manifest::{FileFormat, Guard, Guarded, KeyOf, Manifest};
use crate::unit_file::Root;

/// How many uids are told of one guard.
const MOST: usize = 50;

/// What stands below `root` against the guards of `manifest`.
pub fn guards(manifest: &Manifest, root: &Root) -> Vec<Finding> {
    let mut findings = Vec::new();
    for guard in manifest.guards.values() {
        match guard.asks() {
            Some(Guarded::Stays { store, of, value }) => {
                findings.extend(stays(guard, store, &of, value, root));
            }
            Some(Guarded::Uids { store }) => findings.extend(uids(guard, store, root)),
            None => {}
        }
    }
    findings
}

fn stays(guard: &Guard, store: &RulePath, of: &KeyOf, value: &FileValue, root: &Root) -> Vec<Finding> {
    let entries = match held(guard, store, root) {
        Ok(entries) => entries,
        Err(why) => return vec![not_known(guard, store.path(), why)],
    };
    if entries.is_empty() {
        return Vec::new();
    }
    let format = of.format.unwrap_or(FileFormat::Keys);
    let read = read(root, of.file.as_str(), format);
    let now = match &read {
        Read::Settings(settings) => {
            let all = || settings.iter().filter(|setting| setting.key() == of.key.as_str());
            if all().next().is_none() {
                "is not set"
            } else if all().any(|setting| setting.value != value.as_str()) {
                "has changed"
            } else {
                return Vec::new();
            }
        }
        Read::Missing => "is gone with its file",
        Read::Malformed(_) | Read::Unreadable(_) => {
            return unread(&read, of.file.as_str(), format, &guard.place).into_iter().collect();
        }
    };
    let text = format!(
        "{now}, while {} still holds entries made under {}: set it back, or empty that first: {}",
        quoted(store.path()),
        quoted(value.as_str()),
        guard.because
    );
    let finding = Finding { severity: guard.severity, ..Finding::new("guard.mixed", text) };
    vec![at(finding, &guard.place).of(format!("{}: {}", of.file, of.key))]
}

fn uids(guard: &Guard, store: &RulePath, root: &Root) -> Vec<Finding> {
    let entries = match held(guard, store, root) {
        Ok(entries) => entries,
        Err(why) => return vec![not_known(guard, store.path(), why)],
    };
    let mut oldest: BTreeMap<String, i64> = BTreeMap::new();
    for Held { name, existed } in entries {
        let known = oldest.entry(name).or_insert(existed);
        *known = existed.min(*known);
    }
    if oldest.is_empty() {
        return Vec::new();
    }
    let accounts = match Accounts::read(root) {
        Ok(Some(accounts)) => accounts,
        Ok(None) => {
            let why = "not known: there is no list of accounts".to_owned();
            return vec![not_known(guard, "/etc/passwd", why)];
        }
        Err(unread) => return vec![not_known(guard, unread.path, unreadable(&unread.error))],
    };
    let mut findings = Vec::new();
    for (name, existed) in oldest.into_iter().take(MOST) {
        let told = |id: &'static str, severity: Severity, text: String| {
            let finding = Finding { severity, ..Finding::new(id, format!("{text}: {}", guard.because)) };
            at(finding, &guard.place).of(format!("{}: {}", store.path(), shown(&name)))
        };
        let Some(uid) = uid(&name) else {
            let text = "the entry is not named by an uid".to_owned();
            findings.push(told("guard.no-uid", guard.severity, text));
            continue;
        };
        findings.push(match standing(&accounts, uid, existed, root) {
            Standing::Same => continue,
            Standing::Gone => {
                let text = "no account has this uid: whoever gets it gets the entries; delete them first";
                told("guard.uid-gone", guard.severity, text.to_owned())
            }
            Standing::Newer { name } => {
                let text = format!(
                    "the account {} is newer than the entries: they were made by whoever had its uid before; \
                     delete them",
                    quoted(&name)
                );
                told("guard.uid-reused", Severity::Critical, text)
            }
            Standing::NotKnown(why) => told("guard.not-known", Severity::Notice, why),
        });
    }
    findings
}

fn not_known(guard: &Guard, subject: &str, why: String) -> Finding {
    at(Finding::notice("guard.not-known", why), &guard.place).of(subject)
}

/// The number itself: `+1` and `01` name nobody.
fn uid(name: &str) -> Option<u32> {
    name.parse().ok().filter(|uid: &u32| uid.to_string() == name)
}

/// A name of an entry as a report shows it.
fn shown(name: &str) -> String {
    let quoted = quoted(name);
    quoted.trim_matches('`').to_owned()
}
