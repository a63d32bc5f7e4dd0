//! The accounts of a tree: passwd(5), group(5) and shadow(5) as the files have them. Other sources of nsswitch.conf(5)
//! are not asked; which there are is told. What an account may do, and how old it is, others judge.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use crate::gather::Gather as _;
use crate::unit_file::Root;

/// Users and groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Accounts {
    /// In the order of the file: the first of a name counts.
    pub(crate) users: Vec<Account>,
    /// The same for groups.
    pub(crate) groups: Vec<Membership>,
    /// shadow(5) by name; none where it may not be read.
    pub(crate) secrets: Option<BTreeMap<String, Secret>>,
    /// Where nsswitch.conf(5) says that accounts come from besides the files.
    sources: Vec<Source>,
    /// The last number of a system user.
    pub(crate) last_system_uid: u32,
}

/// One line of passwd(5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) home: String,
    pub(crate) shell: String,
    /// The second field: `x` sends the reader to shadow(5).
    pub(crate) password: String,
}

/// What one line of shadow(5) says of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Secret {
    pub(crate) password: String,
    /// The day of the last change of the password, in days since 1970.
    pub(crate) changed: Option<i64>,
}

/// A source of accounts besides the files.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Source {
    database: String,
    name: String,
}

/// One line of group(5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) name: String,
    pub(crate) gid: u32,
    pub(crate) members: Vec<String>,
}

/// What login.defs(5) has where it is silent.
const LAST_SYSTEM_UID: u32 = 999;

/// The largest list of accounts in bytes: some hundred thousand of them.
const LARGEST: u64 = 16 << 20;

/// Sources that read the very files.
const FILES: [&str; 2] = ["files", "compat"];

/// The source that knows what systemd gives out itself.
pub(crate) const SYSTEMD: &str = "systemd";

impl Accounts {
    /// The accounts of a tree; none where it has no passwd(5), as a package's tree has none.
    ///
    /// # Errors
    ///
    /// The path of a list that is there and cannot be read, and why.
    pub(crate) fn read(root: &Root) -> Result<Option<Self>, Unread> {
        let Some(passwd) = text(root, "/etc/passwd")? else { return Ok(None) };
        let group = text(root, "/etc/group")?.unwrap_or_default();
        // Only root may read it.
        let shadow = text(root, "/etc/shadow").ok().flatten();
        let switch = text(root, "/etc/nsswitch.conf")?.unwrap_or_default();
        let login = text(root, "/etc/login.defs")?.unwrap_or_default();
        Ok(Some(Self::parse(&passwd, &group, shadow.as_deref(), &switch, &login)))
    }

    pub(crate) fn parse(passwd: &str, group: &str, shadow: Option<&str>, switch: &str, login: &str) -> Self {
        Self {
            users: passwd.lines().filter_map(account).collect(),
            groups: group.lines().filter_map(membership).collect(),
            secrets: shadow.map(|text| text.lines().filter_map(secret).collect()),
            sources: sources(switch),
            last_system_uid: login
                .lines()
                .find_map(|line| line.trim_start().strip_prefix("SYS_UID_MAX")?.trim().parse().ok())
                .unwrap_or(LAST_SYSTEM_UID),
        }
    }

    /// Whether users or groups may come from elsewhere too, as a directory service. What systemd gives out itself has
    /// no part in what a manifest declares.
    pub(crate) fn are_partial(&self) -> bool {
        ["passwd", "group", "initgroups"]
            .iter()
            .any(|database| self.others(database).any(|name| name != SYSTEMD))
    }

    /// Where entries of a database of nsswitch.conf(5) come from besides the files.
    pub(crate) fn others(&self, database: &str) -> impl Iterator<Item = &str> {
        self.sources
            .iter()
            .filter(move |source| source.database == database)
            .map(|source| source.name.as_str())
    }

    pub(crate) fn user(&self, name: &str) -> Option<&Account> {
        self.users.iter().find(|user| user.name == name)
    }

    pub(crate) fn group(&self, name: &str) -> Option<&Membership> {
        self.groups.iter().find(|group| group.name == name)
    }

    pub(crate) fn uid(&self, name: &str) -> Option<u32> {
        if name == "root" { Some(0) } else { self.user(name).map(|user| user.uid) }
    }

    pub(crate) fn gid(&self, name: &str) -> Option<u32> {
        if name == "root" { Some(0) } else { self.group(name).map(|group| group.gid) }
    }

    /// A user's name, or the number where there is none.
    pub(crate) fn user_name(&self, uid: u32) -> String {
        let user = self.users.iter().find(|user| user.uid == uid);
        user.map_or_else(|| uid.to_string(), |user| user.name.clone())
    }

    /// A group's name, or the number where there is none.
    pub(crate) fn group_name(&self, gid: u32) -> String {
        let group = self.groups.iter().find(|group| group.gid == gid);
        group.map_or_else(|| gid.to_string(), |group| group.name.clone())
    }

    /// Who belongs to a group, by its own line or as a primary group.
    pub(crate) fn members(&self, gid: u32) -> BTreeSet<&str> {
        let listed = self.groups.iter().filter(|group| group.gid == gid).flat_map(|group| &group.members);
        let primary = self.users.iter().filter(|user| user.gid == gid).map(|user| &user.name);
        listed.chain(primary).map(String::as_str).gather()
    }

    /// The groups that a user belongs to.
    pub(crate) fn groups_of(&self, name: &str) -> BTreeSet<u32> {
        let listed = self.groups.iter().filter(|group| group.members.iter().any(|member| member == name));
        let primary = self.user(name).map(|user| user.gid);
        listed.map(|group| group.gid).chain(primary).gather()
    }
}

/// A list that cannot be read.
#[derive(Debug)]
pub(crate) struct Unread {
    pub(crate) path: &'static str,
    pub(crate) error: io::Error,
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot read `{}`", self.path)
    }
}

impl std::error::Error for Unread {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

fn text(root: &Root, path: &'static str) -> Result<Option<String>, Unread> {
    let bytes = root.read_at_most(Path::new(path), LARGEST).map_err(|error| Unread { path, error })?;
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

fn secret(line: &str) -> Option<(String, Secret)> {
    let mut fields = line.split(':');
    let (name, password) = (fields.next()?, fields.next()?);
    let changed = fields.next().and_then(|day| day.parse().ok());
    Some((name.to_owned(), Secret { password: password.to_owned(), changed }))
}

/// What a nsswitch.conf(5) names besides the files; `[NOTFOUND=return]` and its like name nothing.
fn sources(switch: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    for line in switch.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let Some((database, words)) = line.split_once(':') else { continue };
        let mut in_brackets = false;
        for word in words.split_whitespace() {
            in_brackets |= word.starts_with('[');
            if !in_brackets && !FILES.contains(&word) {
                sources.push(Source { database: database.trim().to_owned(), name: word.to_owned() });
            }
            in_brackets &= !word.ends_with(']');
        }
    }
    sources
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
        assert!(!accounts.are_partial());
        assert_eq!(accounts.others("passwd").collect::<Vec<_>>(), ["systemd"]);
        assert_eq!(accounts.secrets.and_then(|all| all["root"].changed), Some(1));
        for (switch, is_partial) in [
            ("passwd: files sss\n", true),
            ("initgroups: files [SUCCESS=continue UNAVAIL=return ] sss\n", true),
            ("passwd: files [ NOTFOUND=return ] systemd # sss\n", false),
            ("passwd: files db\n", true),
            ("hosts: files dns\n", false),
        ] {
            assert_eq!(Accounts::parse("", "", None, switch, "").are_partial(), is_partial, "{switch}");
        }
    }
}
