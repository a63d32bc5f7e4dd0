//! Guards and rules over files of settings: each asks one whole thing, of files whose format is known.

use super::Checks;
use crate::manifest::document::Place;
use crate::manifest::problem::Problem;
use crate::manifest::service::ServiceType;
use crate::manifest::words::{AbsolutePath, INSTANCE_SPECIFIERS, RuleName, holds_specifier, quoted};
use crate::manifest::{FileFormat, Guard, KeyRule, Limit};

impl Checks<'_> {
    pub(super) fn guards(&mut self) {
        for (name, guard) in &self.manifest.guards {
            self.guard(name, guard);
        }
        self.reloads();
    }

    fn guard(&mut self, name: &RuleName, guard: &Guard) {
        let own = |key: &str| self.place(&["guards", name.as_str(), key]);
        let problem = |place: &Place, message: &str| Problem::new(place, message).key(name.as_str());
        let mut found = Vec::new();
        match (&guard.while_entries, &guard.uids_of) {
            (None, None) => {
                let help = "say `while-entries` with `file`, `key` and `stays`, or `uids-of`";
                found.push(problem(&guard.place, "the guard guards nothing").help(help));
            }
            (Some(_), Some(_)) => found.push(
                problem(own("uids-of"), "a guard has one store")
                    .also(own("while-entries"), "`while-entries` is stated here"),
            ),
            (Some(_), None) => {
                for (key, missing) in [
                    ("file", guard.file.is_none()),
                    ("key", guard.key.is_none()),
                    ("stays", guard.stays.is_none()),
                ] {
                    if missing {
                        found.push(problem(&guard.place, &format!("`while-entries` needs `{key}`")));
                    }
                }
            }
            (None, Some(_)) => {
                for (key, stated) in [
                    ("file", guard.file.is_some()),
                    ("key", guard.key.is_some()),
                    ("stays", guard.stays.is_some()),
                ] {
                    if stated {
                        let message = format!("`{key}` says nothing beside `uids-of`");
                        found.push(Problem::new(own(key), message).key(key));
                    }
                }
            }
        }
        if let Some(sqlite) = &guard.sqlite
            && sqlite.column.is_none()
            && (guard.uids_of.is_some() || !guard.except.is_empty())
        {
            let message = "the rows need a `column` that names them";
            found.push(Problem::new(&sqlite.place, message).key("sqlite"));
        }
        let stores = [("while-entries", &guard.while_entries), ("uids-of", &guard.uids_of)];
        for (key, store) in stores {
            let Some(store) = store else { continue };
            found.extend(instance(store.as_str(), key, own(key)));
            if guard.sqlite.is_some() && store.is_directory() {
                found.push(Problem::new(own(key), "a database is a file").key(key));
            }
        }
        if let Some(file) = &guard.file {
            found.extend(instance(file.as_str(), "file", own("file")));
            found.extend(format_of(guard.format, file, own("file")));
        }
        self.problems.append(&mut found);
    }

    /// A reload takes over what a file says while entries are there.
    fn reloads(&mut self) {
        let guard = self.manifest.guards.iter().find(|(_, guard)| guard.forbids_reload());
        for (name, service) in &self.manifest.services {
            let (insists, type_) = (self.at(name, "reload-despite-guards"), self.at(name, "type"));
            if service.reload_despite_guards.is_some() && guard.is_none() {
                let problem = Problem::new(insists, "no guard forbids a reload");
                self.problems.push(problem.key("reload-despite-guards"));
            }
            if let Some((guard, stated)) = guard
                && service.type_ == Some(ServiceType::NotifyReload)
                && service.reload_despite_guards.is_none()
            {
                let message =
                    format!("a service of this type is reloaded, past the guard {}", quoted(guard.as_str()));
                let problem = Problem::new(type_, message).key("type");
                self.problems.push(
                    problem
                        .also(&stated.place, "the guard is declared here")
                        .help("say `notify`, or why it is fine in `reload-despite-guards`"),
                );
            }
        }
    }

    pub(super) fn contents(&mut self) {
        for (name, contents) in &self.manifest.contents {
            let own = |key: &str| self.place(&["contents", name.as_str(), key]);
            let mut found = Vec::new();
            if contents.files.is_empty() {
                found.push(Problem::new(&contents.place, "missing key `files`").key(name.as_str()));
            }
            for file in &contents.files {
                found.extend(instance(file.as_str(), "files", own("files")));
                found.extend(format_of(contents.format, file, own("files")));
            }
            if contents.known.is_empty() && contents.never.is_empty() && contents.keys.is_empty() {
                let problem = Problem::new(&contents.place, "the files are asked for nothing");
                found.push(problem.key(name.as_str()).help("say `keys`, `known` or `never`"));
            }
            if contents.never.keys().any(|text| text.as_str().is_empty()) {
                found.push(Problem::new(own("never"), "an empty text stands in every value").key("never"));
            }
            for (key, rule) in &contents.keys {
                found.extend(rule_problems(key.as_str(), rule));
            }
            self.problems.append(&mut found);
        }
    }
}

fn rule_problems(key: &str, rule: &KeyRule) -> Vec<Problem> {
    let problem = |message: &str| Problem::new(&rule.place, message).key(key);
    let mut found = Vec::new();
    if !rule.judges_values() && !rule.required && !rule.absent {
        found.push(problem("the key is asked for nothing").help("say `is`, `not`, `required` or the like"));
    }
    if rule.absent && (rule.judges_values() || rule.required) {
        found.push(problem("a key that is `absent` has no value to ask for"));
    }
    if rule.is.is_some() && !rule.one_of.is_empty() {
        found.push(problem("`is` and `one-of` both choose the value"));
    }
    for limit in [&rule.at_most, &rule.at_least].into_iter().flatten() {
        if let Limit::Key(of) = limit {
            found.extend(instance(of.file.as_str(), "file", &rule.place));
            found.extend(format_of(of.format, &of.file, &rule.place));
        }
    }
    found
}

/// No instance of a template stands behind a file of the host.
fn instance(path: &str, key: &str, place: &Place) -> Option<Problem> {
    holds_specifier(path, INSTANCE_SPECIFIERS).then(|| {
        let message = "the specifiers `%i` and `%I` stand for nothing in files that are not units";
        Problem::new(place, message).key(key)
    })
}

fn format_of(format: Option<FileFormat>, file: &AbsolutePath, place: &Place) -> Option<Problem> {
    format.is_none().then(|| {
        let message = format!("how {} is written cannot be told from its name", quoted(file.as_str()));
        Problem::new(place, message).help("say `format`: `toml`, `ini`, `env` or `keys`")
    })
}
