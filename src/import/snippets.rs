//! Lines of sysusers.d and tmpfiles.d (sysusers.d(5), tmpfiles.d(5)) as users, groups and paths of a manifest.

use super::draft::{Draft, Entry, Item, Path, path};
use super::toml::Value;
use crate::manifest::words::{AbsolutePath, Gecos, Mode, RelativePath, RulePath, UserName};
use crate::policy::base;
use crate::unit_file::{Escapes, Quotes, split};

/// A file beside the unit: its path for messages and its text.
#[derive(Clone, Debug)]
pub struct Snippet {
    /// As seen inside the root.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// A line that is no comment, its fields, and where it stands.
struct Fields {
    words: Vec<String>,
    line: String,
    place: String,
}

fn fields(snippets: &[Snippet]) -> Vec<Fields> {
    let mut found = Vec::new();
    for snippet in snippets {
        for (number, line) in snippet.text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let words = split(line, Quotes::Unquote, Escapes::CUnescapeRelaxed).unwrap_or_default();
            let place = format!("{}:{}", snippet.path, number + 1);
            found.push(Fields { words, line: line.to_owned(), place });
        }
    }
    found
}

impl Fields {
    /// A field, `-` and nothing being the same.
    fn get(&self, place: usize) -> Option<&str> {
        self.words.get(place).map(String::as_str).filter(|word| !matches!(*word, "-" | ""))
    }
}

/// Declares a user: as its sysusers.d line makes it, else as one that somebody else makes.
pub(super) fn user(draft: &mut Draft, name: &str, snippets: &[Snippet]) {
    let of_user =
        |line: &Fields| line.get(0).is_some_and(|kind| kind.starts_with('u')) && line.get(1) == Some(name);
    let table = path(["users", name]);
    let lines = fields(snippets);
    let Some(line) = lines.iter().find(|line| of_user(line)) else {
        let comment =
            "no sysusers.d file at hand makes it: its package's scripts do, or another package".to_owned();
        draft.explain(table, "exists", Value::Switch(true), Item::Given, vec![comment]);
        return;
    };
    draft.table(table.clone());
    let mut set =
        |key: &str, value: Value| draft.set(table.clone(), key, value, Item::Snippet(line.line.clone()));
    if let Some(text) = line.get(3).filter(|text| text.parse::<Gecos>().is_ok()) {
        set("description", Value::text(text));
    }
    for (place, key) in [(4, "home"), (5, "shell")] {
        if let Some(text) = line.get(place).filter(|text| text.parse::<AbsolutePath>().is_ok()) {
            set(key, Value::text(text));
        }
    }
    let (id, group) = match line.get(2).map(|id| id.split_once(':').unwrap_or((id, ""))) {
        Some((id, group)) => (id.parse::<u32>().ok(), Some(group).filter(|group| !group.is_empty())),
        None => (None, None),
    };
    if let Some(id) = id {
        set("id", Value::Number(id.into()));
    }
    if let Some(group) = group.filter(|group| group.parse::<UserName>().is_ok()) {
        set("group", Value::text(group));
        self::group(draft, group, snippets);
    }
}

/// Declares a group: as its sysusers.d line makes it, else as one that somebody else makes.
pub(super) fn group(draft: &mut Draft, name: &str, snippets: &[Snippet]) {
    let table = path(["groups", name]);
    let users = path(["users", name]);
    let own = draft.get(&users, "group").is_none();
    if name == "root" || own && draft.has(&users) {
        return;
    }
    let lines = fields(snippets);
    match lines.iter().find(|line| line.get(0) == Some("g") && line.get(1) == Some(name)) {
        Some(line) => {
            draft.table(table.clone());
            if let Some(id) = line.get(2).and_then(|id| id.parse::<u32>().ok()) {
                draft.set(table, "id", Value::Number(id.into()), Item::Snippet(line.line.clone()));
            }
        }
        None => draft.set(table, "exists", Value::Switch(true), Item::Given),
    }
}

/// States what tmpfiles.d makes, and returns the lines that the manifest has no words for.
pub(super) fn files(draft: &mut Draft, snippets: &[Snippet], users: &[Snippet]) -> Vec<String> {
    let mut left = Vec::new();
    for line in fields(snippets) {
        if !made_by_unit(draft, &line) && rule(draft, &line, users).is_none() {
            left.push(format!("{} ({})", line.line, line.place));
        }
    }
    left
}

/// Whether a directory is one that the unit makes, or lies below one: then it is said with that.
fn made_by_unit(draft: &mut Draft, line: &Fields) -> bool {
    let service = path(["service"]);
    let text = |draft: &Draft, table: &Path, key: &str| match draft.get(table, key) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let user = text(draft, &service, "user").unwrap_or_else(|| "root".to_owned());
    let of_user = text(draft, &path(["users", &user]), "group").unwrap_or_else(|| user.clone());
    let group = text(draft, &service, "group").unwrap_or(of_user);
    let owned = line.get(3).unwrap_or("root") == user && line.get(4).unwrap_or("root") == group;
    let (Some("d"), Some(name), true, None) = (line.get(0), line.get(1), owned, line.get(5)) else {
        return false;
    };
    let mode = line.get(2).map_or_else(|| "0755".to_owned(), |mode| format!("{mode:0>4}"));
    let table = path(["directories"]);
    let stem = text(draft, &service, "name").unwrap_or_default();
    let stated: Vec<Entry> =
        draft.entries().filter(|(path, _)| **path == table).map(|(_, entry)| entry.clone()).collect();
    for Entry { key, value, item, .. } in stated {
        let Value::Table(mut entries) = value else { continue };
        let entry = |wanted: &str| match entries.iter().find(|(known, _)| known == wanted) {
            Some((_, Value::Text(text))) => Some(text.clone()),
            _ => None,
        };
        let own = entry("name").unwrap_or_else(|| stem.trim_end_matches('@').to_owned());
        let whole = format!("{}/{own}", base(&key));
        if name.trim_end_matches('/') == whole {
            return entry("mode").unwrap_or_else(|| "0755".to_owned()) == mode;
        }
        let below = name.strip_prefix(&whole).and_then(|rest| rest.strip_prefix('/'));
        let Some(below) = below.filter(|below| below.parse::<RelativePath>().is_ok()) else { continue };
        let declared = (below.to_owned(), Value::text(mode));
        match entries.iter_mut().find(|(known, _)| known == "below") {
            Some((_, Value::Table(known))) => known.push(declared),
            _ => entries.push(("below".to_owned(), Value::Table(vec![declared]))),
        }
        draft.set(table, &key, Value::Table(entries), item);
        return true;
    }
    false
}

fn rule(draft: &mut Draft, line: &Fields, users: &[Snippet]) -> Option<()> {
    let (kind, name) = (line.get(0)?, line.get(1)?);
    // A colon keeps what an administrator changes; a file that is there keeps its mode anyway.
    let only_new = (2..5).filter_map(|place| line.get(place)).any(|field| field.starts_with(':'));
    let enforce = match kind {
        "d" if only_new => "create",
        "d" | "z" => "boot",
        "f" => "create",
        _ => return None,
    };
    let field = |place| line.get(place).map(|field| field.trim_start_matches(':'));
    // Ages and arguments have no words here.
    if line.get(5).is_some() || line.get(6).is_some() {
        return None;
    }
    // systemd-tmpfiles takes /var/run for /run as well.
    let name = name.strip_prefix("/var/run/").map_or(name.to_owned(), |rest| format!("/run/{rest}"));
    let name = name.trim_end_matches('/');
    let key = if kind == "d" { format!("{name}/") } else { name.to_owned() };
    key.parse::<RulePath>().ok()?;
    let mode = field(2).map(|mode| format!("{mode:0>4}"));
    let (owner, group) = (field(3), field(4));
    let fits = mode.as_ref().is_none_or(|mode| mode.parse::<Mode>().is_ok())
        && [owner, group].iter().flatten().all(|name| name.parse::<UserName>().is_ok());
    if !fits {
        return None;
    }
    let table = path(["paths", &key]);
    let item = || Item::Snippet(line.line.clone());
    if let Some(mode) = mode {
        draft.set(table.clone(), "mode", Value::text(mode), item());
    }
    for (key, name) in [("owner", owner), ("group", group)] {
        if let Some(name) = name {
            draft.set(table.clone(), key, Value::text(name), item());
        }
    }
    draft.set(table.clone(), "enforce", Value::text(enforce), item());
    draft.set(table, "because", Value::text(format!("as shipped: {}", line.place)), item());
    if let Some(owner) = owner.filter(|owner| *owner != "root")
        && !draft.has(&path(["users", owner]))
    {
        user(draft, owner, users);
    }
    if let Some(name) = group {
        self::group(draft, name, users);
    }
    Some(())
}
