//! A need of the catalogue in the words of `[needs]`: the inverse of what makes the one of the other.

use super::draft::{Draft, Item, Path, path};
use super::toml::Value;
use crate::manifest::NEED_NAMES;
use crate::manifest::words::{CallName, CapabilityName, DeviceName, Endpoint, PathGlob, RulePath};
use crate::need::Need;

/// A need as a manifest states it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Statement {
    /// The table, `needs` or below it.
    table: Path,
    key: String,
    /// What is said of it besides the reason.
    parameters: Vec<(String, Value)>,
    because: String,
}

/// Connections within the machine.
const LOOPBACK: &str = "tcp 127.0.0.0/8:any";

impl Statement {
    /// The words for a need; none where it has none of its own, or where its parameter is no word of a manifest.
    /// `stated` are those that stand already: what only adds to a need asks for it.
    pub(super) fn of(need: Need, member: Option<&str>, stated: &[Self]) -> Option<Self> {
        let id = need.row().id;
        let (word, choice) = id.split_once('.').map_or((id, None), |(word, choice)| (word, Some(choice)));
        if !NEED_NAMES.contains(&word) {
            return None;
        }
        let is_stated = stated.iter().any(|other| other.table.len() == 1 && other.key == word);
        let plain = |parameters: Vec<(&str, Value)>| Some(Self::new(path(["needs"]), word, parameters));
        let thing = |thing: &str, parameters| Some(Self::new(path(["needs", word]), thing, parameters));
        match (word, choice, member) {
            ("kernel" | "claims", Some(part), None) => thing(part, Vec::new()),
            ("becomes-users", Some("signals"), None) => {
                let nobody = (!is_stated).then(|| ("users", Value::List(Vec::new())));
                plain(nobody.into_iter().chain([("signals", Value::Switch(true))]).collect())
            }
            ("others-files" | "homes" | "admin-paths", Some(access), None) => {
                plain(vec![("access", Value::text(access))])
            }
            ("sends-mail", Some(by), None) => plain(vec![("by", Value::text(by))]),
            ("sees-processes", Some("inspect"), None) => plain(vec![("inspect", Value::Switch(true))]),
            ("network-admin", Some("raw"), None) if is_stated => plain(vec![("raw", Value::Switch(true))]),
            ("makes-sandboxes", None, Some("no")) | ("shares-ipc", Some(_), None) => plain(Vec::new()),
            ("makes-sandboxes", None, Some(kind)) => plain(vec![("kinds", Value::texts([kind]))]),
            ("makes-sandboxes", Some("privileged"), None) if is_stated => {
                plain(vec![("privileged", Value::Switch(true))])
            }
            ("foreign-abi", Some(_), Some(word)) => plain(vec![("architectures", Value::texts([word]))]),
            ("connects", None, None) => thing("net", Vec::new()),
            ("connects", Some("loopback"), None) => thing(LOOPBACK, Vec::new()),
            ("connects", Some("address"), Some(address)) => {
                let host = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
                fitting::<Endpoint>(&format!("tcp {host}:any")).and_then(|end| thing(&end, Vec::new()))
            }
            ("listens", None, Some(rule)) => {
                let loopback = stated.iter().any(|other| other.key == LOOPBACK);
                let port = rule.replacen(':', if loopback { " 127.0.0.1:" } else { " " }, 1);
                fitting::<Endpoint>(&port).and_then(|end| thing(&end, Vec::new()))
            }
            ("writes", None, Some(entry)) => {
                let (missing, name) = entry.strip_prefix('-').map_or((false, entry), |name| (true, name));
                let missing = missing.then(|| ("missing", Value::text("ignore")));
                fitting::<RulePath>(name).and_then(|name| thing(&name, missing.into_iter().collect()))
            }
            ("writes", Some("except"), Some(entry)) => {
                let name = entry.strip_prefix('-')?;
                let below = |other: &&Self| {
                    let whole = other.key.trim_end_matches('/');
                    other.table == path(["needs", word])
                        && name.strip_prefix(whole).is_some_and(|rest| rest.starts_with('/'))
                };
                let outer = stated.iter().find(below)?;
                let except = vec![("except", Value::texts([name]))];
                fitting::<RulePath>(name).and_then(|_| thing(&outer.key, except))
            }
            ("loads-plugins", None, Some(entry)) => {
                fitting::<PathGlob>(entry.strip_prefix('-')?).and_then(|entry| thing(&entry, Vec::new()))
            }
            ("runs-programs", None, Some(entry)) => {
                fitting::<RulePath>(entry).and_then(|entry| thing(&entry, Vec::new()))
            }
            ("devices", None, Some(entry)) => {
                let (name, access) = entry.rsplit_once(' ').unwrap_or((entry, "rwm"));
                let access = vec![("access", Value::text(access))];
                fitting::<DeviceName>(name).and_then(|name| thing(&name, access))
            }
            ("capabilities", None, Some(name)) => {
                fitting::<CapabilityName>(name).and_then(|name| thing(&name, Vec::new()))
            }
            ("system-calls", None, Some(name)) => {
                fitting::<CallName>(name).and_then(|name| thing(&name, Vec::new()))
            }
            // Needs of a thing that no line names, and of other services, which this manifest does not know.
            ("chroots" | "runs-setuid" | "shares-ipc", ..) => None,
            (_, None, None) => plain(Vec::new()),
            _ => None,
        }
    }

    /// The words for a need that was seen: also where no line of a unit could say its thing. Of `writes`, `-` before the
    /// path says that it may be missing, and `+` that the service makes it.
    pub(super) fn seen(need: Need, thing: Option<&str>, stated: &[Self]) -> Option<Self> {
        let set = |word: &str, thing: &str, parameters| Self::new(path(["needs", word]), thing, parameters);
        match (need, thing) {
            (Need::BindsPort, Some(end)) => {
                fitting::<Endpoint>(end).map(|end| set("listens", &end, Vec::new()))
            }
            (Need::Chroots, Some(folder)) => {
                fitting::<RulePath>(folder).map(|folder| set("chroots", &folder, Vec::new()))
            }
            (Need::RunsSetuid, Some(program)) => {
                fitting::<RulePath>(program).map(|program| set("runs-setuid", &program, Vec::new()))
            }
            (Need::LoadsPlugins, Some(file)) => {
                fitting::<PathGlob>(file).map(|file| set("loads-plugins", &file, Vec::new()))
            }
            (Need::Writes, Some(entry)) if entry.starts_with('+') => {
                let missing = vec![("missing", Value::text("service-creates"))];
                fitting::<RulePath>(entry.get(1..)?).map(|name| set("writes", &name, missing))
            }
            (Need::SignalsOthers, None) if !stated.iter().any(|other| other.word() == "becomes-users") => {
                None
            }
            _ => Self::of(need, thing, stated),
        }
    }

    /// The same of what only adds to a need, with that need itself.
    pub(super) fn beside_its_word(need: Need, thing: Option<&str>) -> Option<Self> {
        let word = need.id().split('.').next()?;
        Self::of(need, thing, &[Self::new(path(["needs"]), word, Vec::new())])
    }

    /// The need with its thing: `kernel.clock`.
    pub(super) fn word(&self) -> String {
        let below = self.table.get(1..).unwrap_or_default().iter().map(String::as_str);
        below.chain([self.key.trim_end_matches('/')]).collect::<Vec<_>>().join(".")
    }

    /// Whether both are choices of how far one need goes.
    pub(super) fn is_wider_choice_of(&self, other: &Self) -> bool {
        let goes = |statement: &Self| statement.parameters.iter().any(|(name, _)| name == "access");
        self.table.len() == 1
            && self.table == other.table
            && self.key == other.key
            && goes(self)
            && goes(other)
    }

    /// As a line below `[needs]`.
    pub(super) fn line(&self) -> String {
        let mut parameters = self.parameters.clone();
        parameters.push(("because".to_owned(), Value::text(&self.because)));
        let value = match parameters.as_slice() {
            [(_, because)] => because.clone(),
            _ => Value::Table(parameters),
        };
        let names = self.table.iter().skip(1).chain([&self.key]).map(|name| super::toml::key(name));
        format!("{} = {}", names.collect::<Vec<_>>().join("."), value.written())
    }

    fn new(table: Path, key: &str, parameters: Vec<(&str, Value)>) -> Self {
        let parameters = parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { table, key: key.to_owned(), parameters, because: String::new() }
    }

    pub(super) fn because(self, because: &str) -> Self {
        Self { because: because.to_owned(), ..self }
    }

    /// States it; what was said of the same need before stays, and lists grow.
    pub(super) fn put(&self, draft: &mut Draft) {
        self.put_as(draft, Item::Need);
    }

    /// The same as what came from elsewhere.
    pub(super) fn put_as(&self, draft: &mut Draft, item: Item) {
        let marked = format!("{}/", self.key);
        let known = draft.get(&self.table, &self.key).or_else(|| draft.get(&self.table, &marked));
        let mut parameters: Vec<(String, Value)> = match known {
            Some(Value::Table(known)) => known.clone(),
            Some(because) => vec![("because".to_owned(), because.clone())],
            None => vec![("because".to_owned(), Value::text(&self.because))],
        };
        for (name, value) in &self.parameters {
            match (parameters.iter_mut().find(|(known, _)| known == name), value) {
                (Some((_, Value::List(known))), Value::List(more)) => known.extend(more.iter().cloned()),
                (Some((_, known)), value) => *known = value.clone(),
                (None, value) => parameters.insert(0, (name.clone(), value.clone())),
            }
        }
        let value = match parameters.as_slice() {
            [(_, because)] => because.clone(),
            _ => Value::Table(parameters),
        };
        // Only of a directory can a part be left out, and the mark says that it is one.
        let key = if self.parameters.iter().any(|(name, _)| name == "except") {
            draft.retain(|path, entry| *path != self.table || entry.key != self.key);
            format!("{}/", self.key.trim_end_matches('/'))
        } else {
            self.key.clone()
        };
        draft.set(self.table.clone(), &key, value, item);
    }
}

/// The text as the manifest has it, if it is such a word.
fn fitting<T: std::str::FromStr + std::fmt::Display>(text: &str) -> Option<String> {
    text.parse::<T>().ok().map(|word| word.to_string())
}
