//! Users and groups against the accounts that there are.

use std::collections::BTreeSet;

use super::{Activity, Audit, stated};
use crate::accounts::Account;
use crate::finding::{Finding, Severity};
use crate::gather::Gather as _;
use crate::manifest::words::UserName;
use crate::manifest::{Group, Members, Place, User};

/// Shells that let nobody in.
const NO_SHELLS: [&str; 4] = ["nologin", "false", "true", "sync"];

/// The user and group that the kernel shows for whoever has none (`overflowuid`, user_namespaces(7)).
const NOBODY: u32 = 65_534;

impl Audit<'_> {
    /// Judges every user and group that the manifest names.
    pub(super) fn members(&mut self) {
        let manifest = self.subject.manifest;
        for (name, user) in manifest.users.iter().filter(|(_, user)| !user.dynamic) {
            self.user(name, user);
        }
        for (name, group) in &manifest.groups {
            self.group(name, group);
        }
        self.nobody();
    }

    fn user(&mut self, name: &UserName, user: &User) {
        let accounts = self.accounts;
        let Some(account) = accounts.user(name.as_str()) else {
            return self.no_account("account.missing", "user", name, &user.place);
        };
        let mut tell = |id, severity, text| {
            self.told.add(stated(id, severity, &user.place, text).of(name.as_str()));
        };
        if let Some(id) = user.id.filter(|id| *id != account.uid) {
            let text = format!("user `{name}` has the id {}, declared {id}", account.uid);
            tell("account.id", Severity::Finding, text);
        } else if account.uid == 0 && !name.is_root() {
            tell("account.id", Severity::Critical, format!("user `{name}` has the id 0: it is root"));
        } else if !user.exists && account.uid > accounts.last_system_uid {
            let text = format!("user `{name}` has the id {}, which is not a system user's", account.uid);
            tell("account.id", Severity::Notice, text);
        }
        let same = |other: &&Account| other.uid == account.uid && other.name != account.name;
        if let Some(other) = accounts.users.iter().find(same) {
            let text = format!("`{}` has the id of `{name}`, {}: each is the other", other.name, account.uid);
            tell("account.uid-shared", Severity::Critical, text);
        }
        let shell = account.shell.as_str();
        match &user.shell {
            Some(declared)
                if declared.as_str() != shell
                    && !(lets_nobody_in(declared.as_str()) && lets_nobody_in(shell)) =>
            {
                let text = format!("user `{name}` has the shell `{shell}`, declared `{declared}`");
                tell("account.shell", Severity::Finding, text);
            }
            None if !user.exists && !lets_nobody_in(shell) => {
                let text = format!("user `{name}` has the shell `{shell}`, declared none: it can log in");
                tell("account.shell", Severity::Finding, text);
            }
            _ => {}
        }
        if let Some(home) = user.home.as_ref().filter(|home| home.as_str() != account.home) {
            let text = format!("user `{name}` has the home `{}`, declared `{home}`", account.home);
            tell("account.home", Severity::Finding, text);
        }
        let password = match account.password.as_str() {
            "x" => accounts
                .secrets
                .as_ref()
                .and_then(|all| all.get(name.as_str()))
                .map(|secret| secret.password.as_str()),
            own => Some(own),
        };
        match password {
            Some("") => {
                let text = format!("user `{name}` has no password: whoever asks is let in");
                tell("account.password", Severity::Critical, text);
            }
            Some(hash) if !user.exists && !hash.starts_with(['!', '*']) => {
                let text = format!("user `{name}` has a password; nobody should log in as a service");
                tell("account.password", Severity::Finding, text);
            }
            _ => {}
        }
        if user.group.is_none() && !user.exists {
            self.own_group(name, user, account);
        }
    }

    /// The group that comes with a user has no other member.
    fn own_group(&mut self, name: &UserName, user: &User, account: &Account) {
        if self.subject.manifest.groups.contains_key(name) {
            return;
        }
        let members = self.accounts.members(account.gid);
        let group = self.accounts.group_name(account.gid);
        for other in members.into_iter().filter(|member| *member != name.as_str()) {
            self.extra(other, &group, &user.place);
        }
    }

    fn group(&mut self, name: &UserName, group: &Group) {
        let accounts = self.accounts;
        let Some(found) = accounts.group(name.as_str()) else {
            return self.no_account("group.missing", "group", name, &group.place);
        };
        if let Some(id) = group.id.filter(|id| *id != found.gid) {
            let text = format!("group `{name}` has the id {}, declared {id}", found.gid);
            self.told.add(stated("group.id", Severity::Finding, &group.place, text).of(name.as_str()));
        }
        let members = accounts.members(found.gid);
        let listed = match &group.members {
            Members::Administered => {
                let text = match members.iter().copied().collect::<Vec<_>>() {
                    members if members.is_empty() => format!("group `{name}` has no members"),
                    members => format!("group `{name}`: {}", members.join(", ")),
                };
                self.told
                    .add(stated("group.members", Severity::Notice, &group.place, text).of(name.as_str()));
                return;
            }
            // Who is in another package's group is that one's business unless it is said.
            Members::Listed(listed) if group.exists && listed.is_empty() => return,
            Members::Listed(listed) => listed,
        };
        let users = &self.subject.manifest.users;
        let primary = users.iter().filter(|(_, user)| user.group.as_ref() == Some(name));
        let own = users.iter().filter(|(user, rule)| *user == name && rule.group.is_none());
        let expected: BTreeSet<&str> =
            listed.iter().chain(primary.chain(own).map(|(user, _)| user)).map(UserName::as_str).gather();
        for extra in members.difference(&expected) {
            self.extra(extra, name.as_str(), &group.place);
        }
        for absent in listed.iter().filter(|user| !members.contains(user.as_str())) {
            // A user that is missing is told as that.
            if accounts.uid(absent.as_str()).is_some() {
                let text = format!("user `{absent}` is not in group `{name}`, as declared");
                let finding = stated("group.member-missing", Severity::Finding, &group.place, text);
                self.told.add(finding.of(absent.as_str()));
            }
        }
    }

    fn extra(&mut self, member: &str, group: &str, place: &Place) {
        let text = format!(
            "user `{member}` is in group `{group}` and not declared: `gpasswd --delete {member} {group}`, or declare it"
        );
        self.told.add(stated("group.member-undeclared", Severity::Finding, place, text).of(member));
    }

    fn no_account(&mut self, id: &'static str, what: &str, name: &UserName, place: &Place) {
        let finding = if self.accounts.are_partial() {
            let text = format!("{what} `{name}` is not in the files; other sources were not asked");
            stated(id, Severity::Notice, place, text)
        } else {
            let way_out = match self.subject.activity {
                Activity::Offline => "",
                Activity::Inactive | Activity::Active => {
                    ": `systemd-sysusers` makes what sysusers.d declares"
                }
            };
            stated(id, Severity::Finding, place, format!("{what} `{name}` does not exist{way_out}"))
        };
        self.told.add(finding.of(name.as_str()));
    }

    /// The user that everybody without a user of their own shares.
    fn nobody(&mut self) {
        let Some(name) = self.subject.user() else { return };
        if name != "nobody" && self.accounts.uid(name) != Some(NOBODY) {
            return;
        }
        let text = format!(
            "`{name}` is the user of whoever has none: its files and processes belong to other services too; \
             give the service a user of its own"
        );
        let place = &self.subject.planned.service.place;
        self.told.add(Finding { ..stated("account.nobody", Severity::Finding, place, text) }.of(name));
    }
}

fn lets_nobody_in(shell: &str) -> bool {
    NO_SHELLS.contains(&shell.rsplit('/').next().unwrap_or_default())
}
