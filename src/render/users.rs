//! The sysusers.d snippet.

use anyhow::Result;
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;

use super::{File, FileKind, Renderer, escape};
use crate::manifest::Members;
use crate::target::Feature;

#[derive(Serialize)]
struct User {
    name: String,
    id: String,
    description: String,
    home: String,
    shell: String,
}

#[derive(Serialize)]
struct Group {
    name: String,
    id: String,
}

#[derive(Serialize)]
struct Member {
    user: String,
    group: String,
}

/// The shell of an account that nobody logs in to.
const NO_SHELL: &str = "/usr/sbin/nologin";

impl Renderer<'_> {
    pub(super) fn sysusers(&self) -> Result<Option<File>> {
        let id = |id: Option<u32>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
        let groups: Vec<Group> = self
            .manifest
            .groups
            .iter()
            .filter(|(_, group)| !group.exists)
            .map(|(name, group)| Group { name: name.as_str().to_owned(), id: id(group.id) })
            .collect();
        let own = || self.manifest.users.iter().filter(|(_, user)| !user.exists && !user.dynamic);
        let by_name = self.reads(Feature::NamedPrimaryGroup);
        let users: Vec<User> = own()
            .map(|(name, user)| User {
                name: name.as_str().to_owned(),
                id: match &user.group {
                    Some(group) if group != name && by_name => format!("{}:{}", id(user.id), group.as_str()),
                    _ => id(user.id),
                },
                description: match &user.description {
                    Some(text) => format!("\"{}\"", text.as_str().replace('\\', "\\\\").replace('"', "\\\"")),
                    None => "-".to_owned(),
                },
                home: user.home.as_ref().map_or_else(|| "-".to_owned(), |home| escape::field(home.as_str())),
                shell: user
                    .shell
                    .as_ref()
                    .map_or_else(|| NO_SHELL.to_owned(), |shell| escape::field(shell.as_str())),
            })
            .collect();
        // systemd-sysusers makes any user that an `m` line names: only those that this file makes anyway.
        let mut members: Vec<Member> = self
            .manifest
            .groups
            .iter()
            .flat_map(|(group, rule)| {
                let listed = match &rule.members {
                    Members::Listed(users) => users.as_slice(),
                    Members::Administered => &[],
                };
                listed
                    .iter()
                    .filter(|user| own().any(|(name, _)| name == *user))
                    .map(|user| Member { user: user.as_str().to_owned(), group: group.as_str().to_owned() })
            })
            .collect();
        let primary = own().filter_map(|(name, user)| Some((name, user.group.as_ref()?)));
        for (name, group) in primary.filter(|(name, group)| name != group && !by_name) {
            members.push(Member { user: name.as_str().to_owned(), group: group.as_str().to_owned() });
        }
        if groups.is_empty() && users.is_empty() && members.is_empty() {
            return Ok(None);
        }
        let text =
            self.fill("sysusers.j2", context! { header => self.header(), groups => Value::from(Serde(groups)), users => Value::from(Serde(users)), members => Value::from(Serde(members)) })?;
        Ok(Some(File { kind: FileKind::Sysusers, name: self.manifest.package.as_str().to_owned(), text }))
    }
}
