//! Sockets and timers that start the service.

use super::draft::{Item, path};
use super::lines::Setting;
use super::making::Making;
use super::service::said_by;
use super::snippets;
use super::toml::Value;
use super::unit::{settings_in, stem};
use super::vocabulary::{Said, say};
use crate::manifest::words::SourceFilter;
use crate::manifest::{Scope, UnitKind};
use crate::syntax::boolean;
use crate::unit_file::{Escapes, Quotes, UnitName, UnitText, split};

/// Whether a socket or timer starts a service (systemd.socket(5), systemd.timer(5)): the one that it names, else that of
/// its own name; of a socket for single connections, the template.
pub fn starts(unit: &UnitText, service: &UnitName) -> bool {
    let kind = if unit.id.suffix() == "socket" { UnitKind::Socket } else { UnitKind::Timer };
    // Whose unit it is makes no difference to a name.
    let settings = settings_in(unit, Scope::System);
    let last = |wanted: &str| {
        let found =
            settings.iter().find(|setting| kind.key_of(&setting.section, &setting.directive) == Some(wanted));
        found.map(Setting::last).filter(|value| !value.is_empty())
    };
    if last("accept").and_then(boolean) == Some(true) {
        return service.instance().is_some() && service.prefix() == unit.id.prefix();
    }
    let own = format!("{}.service", unit.id.stem());
    last("starts").unwrap_or(&own) == service.as_str()
}

impl Making<'_> {
    /// States the sockets and timers.
    pub(super) fn activation(&mut self) {
        for unit in &self.subject.sockets {
            self.unit(UnitKind::Socket, "sockets", unit);
        }
        for unit in &self.subject.timers {
            self.unit(UnitKind::Timer, "timers", unit);
        }
    }

    fn unit(&mut self, kind: UnitKind, top: &str, unit: &UnitText) {
        let stem = stem(&unit.id);
        let table = path([top, &stem]);
        let settings = settings_in(unit, self.subject.scope);
        let key = |setting: &Setting| kind.key_of(&setting.section, &setting.directive);
        let has = |wanted: &str| settings.iter().any(|setting| key(setting) == Some(wanted));
        // The manifest wants these by a target where nothing is said.
        if !has("wanted-by") {
            self.draft.set(table.clone(), "wanted-by", Value::List(Vec::new()), Item::Given);
        }
        // Another name than the unit's own must be said; the unit's own is refused beside `accept` alone.
        let mut listen: Vec<Value> = Vec::new();
        for setting in &settings {
            let item = said_by(kind, &stem, setting);
            let stated = match key(setting) {
                Some("from") => self.from(&stem, &settings, &item),
                Some("listen") => match say("listen", setting, &[]) {
                    Some(Said::As(Value::List(more))) => {
                        if more.iter().any(is_bare_port) {
                            let because = Value::text(format!("as shipped: {}", setting.evidence()));
                            self.draft.set(table.clone(), "bare-port", because, item.clone());
                        }
                        listen.extend(more);
                        self.draft.set(table.clone(), "listen", Value::List(listen.clone()), item);
                        true
                    }
                    _ => false,
                },
                Some("starts") => {
                    let own = setting.last() == self.name.unit() && self.name.as_str() == stem;
                    own || self.state(&table, "starts", setting, item)
                }
                Some(key) => self.state(&table, key, setting, item),
                None => false,
            };
            if stated {
                for name in owners(key(setting), setting) {
                    match key(setting) {
                        Some("owner") if name != "root" && !self.draft.has(&path(["users", &name])) => {
                            snippets::user(&mut self.draft, &name, &self.subject.users);
                        }
                        Some("group") => snippets::group(&mut self.draft, &name, &self.subject.users),
                        _ => {}
                    }
                }
            } else {
                self.keep(kind, &stem, setting);
            }
        }
    }

    fn state(&mut self, table: &super::draft::Path, key: &str, setting: &Setting, item: Item) -> bool {
        match say(key, setting, &[]) {
            Some(Said::As(value)) => {
                self.draft.set(table.clone(), key, value, item);
                true
            }
            Some(Said::Nothing) => true,
            Some(Said::Entries(_)) | None => false,
        }
    }

    /// Who may come, where everybody else may not.
    fn from(&mut self, stem: &str, settings: &[Setting], item: &Item) -> bool {
        let both: Vec<&Setting> = settings
            .iter()
            .filter(|setting| UnitKind::Socket.key_of(&setting.section, &setting.directive) == Some("from"))
            .collect();
        let [one, other] = both.as_slice() else { return false };
        let (deny, allow) = if one.directive.ends_with("Deny") { (one, other) } else { (other, one) };
        let sources = split(&allow.lines.join(" "), Quotes::Keep, Escapes::Keep).unwrap_or_default();
        let known = sources.iter().all(|source| source.parse::<SourceFilter>().is_ok() && source != "any");
        if deny.lines.as_slice() != ["any"] || !known || sources.is_empty() {
            return false;
        }
        let because = format!("as shipped: {}", allow.evidence());
        for source in sources {
            let table = path(["sockets", stem, "from"]);
            self.draft.set(table, &source, Value::text(&because), item.clone());
        }
        true
    }
}

fn is_bare_port(listen: &Value) -> bool {
    matches!(listen, Value::Text(text) if text.rsplit(' ').next().is_some_and(|port| port.parse::<u16>().is_ok()))
}

/// The name of a socket's owner or group.
fn owners(key: Option<&str>, setting: &Setting) -> Vec<String> {
    match key {
        Some("owner" | "group") => vec![setting.last().to_owned()],
        _ => Vec::new(),
    }
}
