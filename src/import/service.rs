//! What a service's unit says: how it runs, who it is, and what it owns.

use super::draft::{Item, path};
use super::evidence::value;
use super::lines::Setting;
use super::making::Making;
use super::snippets;
use super::toml::Value;
use super::vocabulary::{Said, credentials, directory, say};
use crate::catalogue::{self, Give};
use crate::manifest::words::{Mode, UserName};
use crate::manifest::{Scope, UnitKind};
use crate::need::Need;
use crate::syntax::boolean;

impl Making<'_> {
    /// States all that keys say of the service, and keeps what they cannot say.
    pub(super) fn service(&mut self) {
        let name = self.name.as_str().to_owned();
        self.draft.set(path(["service"]), "name", Value::text(&name), Item::Given);
        let after: Vec<String> = (self.settings.iter())
            .filter(|setting| keys(setting).contains(&"after"))
            .flat_map(|setting| setting.lines.iter().flat_map(|line| line.split_ascii_whitespace()))
            .map(str::to_owned)
            .collect();
        self.identity();
        for setting in self.settings.clone() {
            let keys = keys(&setting);
            let said = keys.iter().all(|key| self.key(key, &setting, &after));
            if keys.is_empty() || !said {
                let item = said_by(UnitKind::Service, &name, &setting);
                self.draft.retain(|_, entry| entry.item != item);
                self.keep(UnitKind::Service, &name, &setting);
            }
        }
    }

    /// States a key; whether it can say the setting.
    fn key(&mut self, key: &str, setting: &Setting, after: &[String]) -> bool {
        let name = self.name.as_str().to_owned();
        let item = said_by(UnitKind::Service, &name, setting);
        match key.split_once('.').map_or(key, |(word, _)| word) {
            "user" | "group" | "groups" | "dynamic-user" => true,
            "directories" => self.directory(key, setting, &item),
            "credentials" => self.credentials(key, setting, &item),
            "early" if self.denies(Need::EarlyBoot) => false,
            _ => match say(key, setting, after) {
                Some(Said::As(value)) => {
                    let (table, key) = key.split_once('.').unwrap_or(("service", key));
                    self.draft.set(path([table]), key, value, item);
                    true
                }
                Some(Said::Entries(entries)) => {
                    for (name, value) in entries {
                        self.draft.set(path([key]), &name, value, item.clone());
                    }
                    true
                }
                Some(Said::Nothing) => true,
                None => false,
            },
        }
    }

    /// Whether the unit closes what a need would open.
    fn denies(&self, need: Need) -> bool {
        catalogue::all().iter().any(|row| {
            row.yields.iter().filter(|offer| offer.to == need).any(|offer| {
                let Give::AtMost(text) = offer.give else { return false };
                let (found, open) = (&self.found.get(row).value, value(row, text, &self.found));
                row.kind.compare(found, &open) == Some(std::cmp::Ordering::Greater)
            })
        })
    }

    /// The setting behind a key.
    fn at(&self, wanted: &str) -> Option<Setting> {
        self.settings.iter().find(|setting| keys(setting).contains(&wanted)).cloned()
    }

    /// Who it runs as, with the users and groups that must be declared for that.
    fn identity(&mut self) {
        if self.subject.scope == Scope::User {
            return;
        }
        let table = path(["service"]);
        let name = self.name.as_str().to_owned();
        let dynamic = self.at("dynamic-user").filter(|setting| boolean(setting.last()) == Some(true));
        let user = self.at("user").filter(|setting| !setting.last().is_empty());
        let is_name = |text: &str| text.parse::<UserName>().is_ok_and(|user| !user.is_root());
        let stem = self.name.prefix().to_owned();
        match (&dynamic, &user) {
            (Some(setting), user) => {
                let user = user.as_ref().map_or(stem, |user| user.last().to_owned());
                if is_name(&user) {
                    let item = said_by(UnitKind::Service, &name, setting);
                    self.draft.set(path(["users", &user]), "dynamic", Value::Switch(true), item.clone());
                    self.draft.set(table.clone(), "user", Value::text(&user), item);
                }
            }
            (None, Some(setting)) if is_name(setting.last()) => {
                let user = setting.last().to_owned();
                snippets::user(&mut self.draft, &user, &self.subject.users);
                let item = said_by(UnitKind::Service, &name, setting);
                self.draft.set(table.clone(), "user", Value::text(&user), item);
            }
            _ => {}
        }
        if self.draft.get(&table, "user").is_none() {
            let because = match &user {
                Some(setting) => format!("as shipped: {}", setting.evidence()),
                None => "as shipped: the unit names no user".to_owned(),
            };
            self.draft.set(path(["needs"]), "starts-as-root", Value::text(because), Item::Given);
        }
        for key in ["group", "groups"] {
            let Some(setting) = self.at(key) else { continue };
            let Some(Said::As(value)) = say(key, &setting, &[]) else { continue };
            let item = said_by(UnitKind::Service, &name, &setting);
            let names = match &value {
                Value::List(names) => names.clone(),
                name => vec![name.clone()],
            };
            for name in names {
                if let Value::Text(name) = name {
                    snippets::group(&mut self.draft, &name, &self.subject.users);
                }
            }
            self.draft.set(table.clone(), key, value, item);
        }
    }

    /// `directories.KIND` and what belongs to it: at most one of each kind.
    fn directory(&mut self, key: &str, setting: &Setting, item: &Item) -> bool {
        let mut words = key.split('.').skip(1);
        let (Some(kind), part) = (words.next(), words.next()) else { return false };
        let table = path(["directories"]);
        let known = match self.draft.get(&table, kind) {
            Some(Value::Table(known)) => Some(known.clone()),
            _ => None,
        };
        let entries = match (part, known) {
            (None, _) => {
                let Some(mut entries) = directory(setting, self.name.as_str()) else { return false };
                let mode = self.at(&format!("directories.{kind}.mode")).map(|mode| mode.last().to_owned());
                let mode = mode.map(|mode| format!("{mode:0>4}")).filter(|mode| mode.parse::<Mode>().is_ok());
                entries.extend(mode.map(|mode| ("mode".to_owned(), Value::text(mode))));
                let keep = self.at(&format!("directories.{kind}.keep"));
                if keep.is_some_and(|keep| boolean(keep.last()) == Some(true)) {
                    entries.push(("keep".to_owned(), Value::Switch(true)));
                }
                entries
            }
            // It was said with the directory, or is an override.
            (Some(_), _) => return false,
        };
        self.draft.set(table, kind, Value::Table(entries), item.clone());
        true
    }

    fn credentials(&mut self, key: &str, setting: &Setting, item: &Item) -> bool {
        let Some(found) = credentials(setting) else { return false };
        for (name, from) in found {
            let table = path(["credentials", &name]);
            self.draft.set(table.clone(), "from", Value::text(from), item.clone());
            if key.ends_with(".encrypted") {
                self.draft.set(table, "encrypted", Value::Switch(true), item.clone());
            }
        }
        true
    }
}

/// The keys of a setting of a service: the catalogue's, which tells a directory from its mode, or the vocabulary's, of
/// which one directive may have several.
fn keys(setting: &Setting) -> Vec<&'static str> {
    let row = catalogue::find(&setting.directive).filter(|row| row.sections.of_service() == setting.section);
    match row.and_then(|row| row.key) {
        Some(key) => vec![key],
        None => UnitKind::Service.keys_of(&setting.section, &setting.directive).collect(),
    }
}

/// What a key was read from.
pub(super) fn said_by(kind: UnitKind, stem: &str, setting: &Setting) -> Item {
    Item::Said {
        kind,
        stem: stem.to_owned(),
        section: setting.section.clone(),
        directive: setting.directive.clone(),
    }
}
