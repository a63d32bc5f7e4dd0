//! Users and groups: who is declared, and whether everybody who is named is.

use std::collections::BTreeMap;

use super::Checks;
use crate::manifest::document::{Members, Place, Scope};
use crate::manifest::problem::Problem;
use crate::manifest::words::{UserName, nearest, quoted};
use crate::manifest::{AnyOf, Directories, Needs};

/// Numbers that mean nobody (sysusers.d(5)).
const NO_ID: [u32; 2] = [65_535, u32::MAX];

impl Checks<'_> {
    pub(super) fn users(&mut self) {
        let manifest = self.manifest;
        let mut ids: BTreeMap<u32, &UserName> = BTreeMap::new();
        for (name, user) in &manifest.users {
            let key = |key| ["users", name.as_str(), key];
            if name.is_root() && !user.exists {
                self.problems.push(Problem::new(&user.place, "root is not a package's to make").key("root"));
            }
            if user.dynamic {
                for other in ["exists", "id", "home", "shell"]
                    .iter()
                    .filter(|other| self.tree.entry(&key(other)).is_some())
                {
                    let problem = Problem::new(
                        self.place(&key("dynamic")),
                        "a dynamic user has none of its own settings",
                    );
                    self.problems.push(
                        problem
                            .key("dynamic")
                            .also(self.place(&key(other)), format!("`{other}` is stated here")),
                    );
                }
            }
            if let Some(group) = &user.group {
                self.known_group(group, self.place(&key("group")), "group");
            }
            let Some(id) = user.id else { continue };
            if id == 0 || NO_ID.contains(&id) {
                self.problems.push(
                    Problem::new(self.place(&key("id")), format!("`{id}` is not an id for a service"))
                        .key("id"),
                );
            }
            if let Some(other) = ids.insert(id, name) {
                let problem =
                    Problem::new(self.place(&key("id")), format!("two users have the id {id}")).key("id");
                let place = self.place(&["users", other.as_str(), "id"]);
                self.problems.push(problem.also(place, format!("it is that of {}", quoted(other.as_str()))));
            }
        }
        for (name, group) in &manifest.groups {
            let place = self.place(&["groups", name.as_str(), "members"]);
            if let Members::Listed(members) = &group.members {
                // systemd-sysusers creates whoever an `m` line names.
                for member in members {
                    self.known_user(member, place, "members");
                }
            }
            if group.id.is_some_and(|id| id == 0 || NO_ID.contains(&id)) {
                let place = self.place(&["groups", name.as_str(), "id"]);
                self.problems.push(Problem::new(place, "not an id for a service").key("id"));
            }
        }
        if manifest.scope == Scope::User {
            self.nobody_in_user_scope();
        }
        self.references();
    }

    /// A user's manager runs everything as that user.
    fn nobody_in_user_scope(&mut self) {
        let mut stated: Vec<(&Place, &str)> = Vec::new();
        stated.extend(self.tree.entry(&["users"]).map(|entry| (&entry.key, "users")));
        stated.extend(self.tree.entry(&["groups"]).map(|entry| (&entry.key, "groups")));
        for name in self.manifest.services.keys() {
            for key in ["user", "group", "groups"] {
                stated.extend(
                    self.tree.entry(&["services", name.as_str(), key]).map(|entry| (&entry.key, key)),
                );
            }
            let root = self.tree.entry(&["services", name.as_str(), "needs", "starts-as-root"]);
            stated.extend(root.map(|entry| (&entry.key, "starts-as-root")));
        }
        for (place, key) in stated {
            let problem =
                Problem::new(place, "the manager of a user cannot change who a service runs as").key(key);
            self.problems.push(problem.also(self.place(&["scope"]), "the scope is `user`"));
        }
    }

    /// Everybody who is named by a service, a socket or a path.
    fn references(&mut self) {
        let manifest = self.manifest;
        for (name, service) in &manifest.services {
            let at = |key| self.place(&["services", name.as_str(), key]);
            let (user, group, groups) = (at("user"), at("group"), at("groups"));
            service.user.iter().for_each(|name| self.known_user(name, user, "user"));
            service.group.iter().for_each(|name| self.known_group(name, group, "group"));
            service.groups.iter().for_each(|name| self.known_group(name, groups, "groups"));
            self.directories(&service.directories);
            self.needs(&service.needs);
        }
        for (stem, socket) in &manifest.sockets {
            let at = |key| self.place(&["sockets", stem.as_str(), key]);
            let (owner, group) = (at("owner"), at("group"));
            socket.owner.iter().for_each(|name| self.known_user(name, owner, "owner"));
            socket.group.iter().for_each(|name| self.known_group(name, group, "group"));
            if let Some(folder) = &socket.folder {
                folder.owner.iter().for_each(|name| self.known_user(name, &folder.place, "owner"));
                folder.group.iter().for_each(|name| self.known_group(name, &folder.place, "group"));
            }
        }
        for (path, rule) in &manifest.paths {
            let at = |key| self.place(&["paths", path.as_str(), key]);
            let (owner, group, owner_not) = (at("owner"), at("group"), at("owner-not"));
            rule.owner.iter().for_each(|name| self.known_user(name, owner, "owner"));
            rule.group.iter().for_each(|name| self.known_group(name, group, "group"));
            rule.owner_not.iter().for_each(|name| self.known_user(name, owner_not, "owner-not"));
            let dynamic =
                rule.owner.as_ref().and_then(|name| manifest.users.get(name)).filter(|user| user.dynamic);
            if let Some(user) = dynamic {
                let problem = Problem::new(owner, "a dynamic user cannot own a path of its own").key("owner");
                self.problems.push(problem.also(&user.place, "the user is dynamic"));
            }
        }
    }

    fn directories(&mut self, directories: &Directories) {
        for (_, directory) in directories.each() {
            directory.owner.iter().for_each(|name| self.known_user(name, &directory.place, "owner"));
            directory.group.iter().for_each(|name| self.known_group(name, &directory.place, "group"));
        }
    }

    fn needs(&mut self, needs: &Needs) {
        if let Some(stated) = &needs.becomes_users
            && let AnyOf::Listed(users) = &stated.params.users
        {
            for name in users {
                self.known_user(name, &stated.place, "users");
            }
        }
        for stated in needs.devices.values() {
            stated.params.group.iter().for_each(|name| self.known_group(name, &stated.place, "group"));
        }
    }

    fn known_user(&mut self, name: &UserName, place: &Place, key: &str) {
        if name.is_root() || self.manifest.users.contains_key(name) {
            return;
        }
        let known: Vec<&str> = self.manifest.users.keys().map(UserName::as_str).collect();
        self.unknown("user", "users", name, &known, place, key);
    }

    /// A user without a group of another name comes with one of its own name.
    fn known_group(&mut self, name: &UserName, place: &Place, key: &str) {
        let own = self.manifest.users.iter().filter(|(_, user)| user.group.is_none()).map(|(name, _)| name);
        let known: Vec<&str> = self.manifest.groups.keys().chain(own).map(UserName::as_str).collect();
        if name.is_root() || known.contains(&name.as_str()) {
            return;
        }
        self.unknown("group", "groups", name, &known, place, key);
    }

    fn unknown(
        &mut self,
        kind: &str,
        table: &str,
        name: &UserName,
        known: &[&str],
        place: &Place,
        key: &str,
    ) {
        let help = match nearest(name.as_str(), known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                format!("declare it: `[{table}.{name}]`, with `exists = true` if another package makes it")
            }
        };
        self.problems.push(
            Problem::new(place, format!("unknown {kind} {}", quoted(name.as_str()))).key(key).help(help),
        );
    }
}
