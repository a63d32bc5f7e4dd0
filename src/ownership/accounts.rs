//! The accounts of a tree: passwd(5), group(5) and shadow(5) as the files have them. Other sources of nsswitch.conf(5)
//! are not asked, and whether there are any is told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;

use crate::unit_file::Root;

/// Users and groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Accounts {
    /// In the order of the file: the first of a name counts.
    pub(super) users: Vec<Account>,
    /// The same for groups.
    pub(super) groups: Vec<Membership>,
    /// The password fields of shadow(5); none where they may not be read.
    pub(super) passwords: Option<BTreeMap<String, String>>,
    /// Whether users or groups may come from elsewhere too, as a directory service.
    pub(super) are_partial: bool,
    /// The last number of a system user.
    pub(super) last_system_uid: u32,
}

/// One line of passwd(5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) home: String,
    pub(super) shell: String,
    /// The second field: `x` sends the reader to shadow(5).
    pub(super) password: String,
}

/// One line of group(5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Membership {
    pub(super) name: String,
    pub(super) gid: u32,
    pub(super) members: Vec<String>,
}

/// What login.defs(5) has where it is silent.
const LAST_SYSTEM_UID: u32 = 999;

/// Sources of nsswitch.conf(5) that know only what the files know, or what systemd itself makes up.
const LOCAL_SOURCES: [&str; 4] = ["files", "compat", "systemd", "db"];

impl Accounts {
    /// The accounts of a tree; none where it has no passwd(5), as a package's tree has none.
    pub(crate) fn read(root: &Root) -> anyhow::Result<Option<Self>> {
        let Some(passwd) = text(root, "/etc/passwd")? else { return Ok(None) };
        let group = text(root, "/etc/group")?.unwrap_or_default();
        // Only root may read it.
        let shadow = root.read(Path::new("/etc/shadow")).ok().flatten();
        let shadow = shadow.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let switch = text(root, "/etc/nsswitch.conf")?.unwrap_or_default();
        let login = text(root, "/etc/login.defs")?.unwrap_or_default();
        Ok(Some(Self::parse(&passwd, &group, shadow.as_deref(), &switch, &login)))
    }

    pub(super) fn parse(passwd: &str, group: &str, shadow: Option<&str>, switch: &str, login: &str) -> Self {
        let passwords = shadow.map(|text| {
            text.lines()
                .filter_map(|line| {
                    let mut fields = line.split(':');
                    Some((fields.next()?.to_owned(), fields.next()?.to_owned()))
                })
                .collect()
        });
        Self {
            users: passwd.lines().filter_map(account).collect(),
            groups: group.lines().filter_map(membership).collect(),
            passwords,
            are_partial: has_other_sources(switch),
            last_system_uid: login
                .lines()
                .find_map(|line| line.trim_start().strip_prefix("SYS_UID_MAX")?.trim().parse().ok())
                .unwrap_or(LAST_SYSTEM_UID),
        }
    }

    pub(super) fn user(&self, name: &str) -> Option<&Account> {
        self.users.iter().find(|user| user.name == name)
    }

    pub(super) fn group(&self, name: &str) -> Option<&Membership> {
        self.groups.iter().find(|group| group.name == name)
    }

    pub(super) fn uid(&self, name: &str) -> Option<u32> {
        if name == "root" { Some(0) } else { self.user(name).map(|user| user.uid) }
    }

    pub(super) fn gid(&self, name: &str) -> Option<u32> {
        if name == "root" { Some(0) } else { self.group(name).map(|group| group.gid) }
    }

    /// A user's name, or the number where there is none.
    pub(super) fn user_name(&self, uid: u32) -> String {
        let user = self.users.iter().find(|user| user.uid == uid);
        user.map_or_else(|| uid.to_string(), |user| user.name.clone())
    }

    /// A group's name, or the number where there is none.
    pub(super) fn group_name(&self, gid: u32) -> String {
        let group = self.groups.iter().find(|group| group.gid == gid);
        group.map_or_else(|| gid.to_string(), |group| group.name.clone())
    }

    /// Who belongs to a group, by its own line or as a primary group.
    pub(super) fn members(&self, gid: u32) -> BTreeSet<&str> {
        let listed = self.groups.iter().filter(|group| group.gid == gid).flat_map(|group| &group.members);
        let primary = self.users.iter().filter(|user| user.gid == gid).map(|user| &user.name);
        listed.chain(primary).map(String::as_str).collect()
    }

    /// The groups that a user belongs to.
    pub(super) fn groups_of(&self, name: &str) -> BTreeSet<u32> {
        let listed = self.groups.iter().filter(|group| group.members.iter().any(|member| member == name));
        let primary = self.user(name).map(|user| user.gid);
        listed.map(|group| group.gid).chain(primary).collect()
    }
}

fn text(root: &Root, path: &str) -> anyhow::Result<Option<String>> {
    let bytes = root.read(Path::new(path)).with_context(|| format!("cannot read `{path}`"))?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

fn account(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let mut next = || fields.next();
    let (name, password) = (next()?, next()?);
    let (uid, gid) = (next()?.parse().ok()?, next()?.parse().ok()?);
    let (_comment, home, shell) = (next()?, next()?, next().unwrap_or_default());
    Some(Account {
        name: name.to_owned(),
        uid,
        gid,
        home: home.to_owned(),
        shell: shell.to_owned(),
        password: password.to_owned(),
    })
}

fn membership(line: &str) -> Option<Membership> {
    let mut fields = line.split(':');
    let (name, _password) = (fields.next()?, fields.next()?);
    let gid = fields.next()?.parse().ok()?;
    let members = fields.next().unwrap_or_default().split(',').filter(|member| !member.is_empty());
    Some(Membership { name: name.to_owned(), gid, members: members.map(str::to_owned).collect() })
}

fn has_other_sources(switch: &str) -> bool {
    let line = |line: &str| -> bool {
        let line = line.split('#').next().unwrap_or_default();
        let Some((database, sources)) = line.split_once(':') else { return false };
        let is_asked = matches!(database.trim(), "passwd" | "group" | "initgroups");
        let mut sources = sources.split_whitespace().filter(|source| !source.starts_with('['));
        is_asked && sources.any(|source| !LOCAL_SOURCES.contains(&source))
    };
    switch.lines().any(line)
}

#[cfg(test)]
mod tests {
    use super::Accounts;

    #[test]
    fn members_are_those_of_the_line_and_of_the_primary_group() {
        let accounts = Accounts::parse(
            "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:50::/home/alice:/bin/sh\nbroken\nbob:x:1001:1001:::\n",
            "root:x:0:\nclients:x:50:bob,carol\nbob:x:1001:\n",
            Some("root:*:1::::::\nalice:$6$x:1::::::\n"),
            "passwd: files systemd\ngroup: files [NOTFOUND=return] systemd\nhosts: dns\n",
            "# SYS_UID_MAX 3\nSYS_UID_MAX\t899\n",
        );
        assert_eq!(accounts.members(50).into_iter().collect::<Vec<_>>(), ["alice", "bob", "carol"]);
        assert_eq!(accounts.groups_of("bob").into_iter().collect::<Vec<_>>(), [50, 1001]);
        assert_eq!((accounts.users.len(), accounts.last_system_uid), (3, 899));
        assert!(!accounts.are_partial);
        assert!(Accounts::parse("", "", None, "passwd: files sss\n", "").are_partial);
    }
}
