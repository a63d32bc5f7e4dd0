//! The needs of a service one by one, whatever their parameters: for reports, and for what asks about all of them.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::document::Place;
use super::needs::{Grant, Needs, Stated};
use super::words::Because;

/// One stated need, or one thing of a set need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeedEntry<'a> {
    /// The key below `needs`.
    pub need: &'static str,
    /// The thing of a set need.
    pub item: Option<String>,
    /// Why.
    pub because: &'a Because,
    /// Whether it is granted as shipped.
    pub default: Grant,
    /// Where it is stated.
    pub place: &'a Place,
}

impl Needs {
    /// Everything that is stated, granted or not, in the order of [`super::NEED_NAMES`].
    pub fn entries(&self) -> Vec<NeedEntry<'_>> {
        let mut found = Found(Vec::new());
        found.one("starts-as-root", self.starts_as_root.as_ref());
        found.one("becomes-users", self.becomes_users.as_ref());
        found.one("identifies-peers", self.identifies_peers.as_ref());
        found.one("others-files", self.others_files.as_ref());
        found.one("uses-pam", self.uses_pam.as_ref());
        found.one("sends-mail", self.sends_mail.as_ref());
        found.set("runs-setuid", &self.runs_setuid);
        found.set("runs-programs", &self.runs_programs);
        found.one("runs-hooks", self.runs_hooks.as_ref());
        found.one("starts-sessions", self.starts_sessions.as_ref());
        found.one("generates-code", self.generates_code.as_ref());
        found.set("loads-plugins", &self.loads_plugins);
        found.one("unpacks-archives", self.unpacks_archives.as_ref());
        found.one("foreign-abi", self.foreign_abi.as_ref());
        found.one("makes-sandboxes", self.makes_sandboxes.as_ref());
        found.set("chroots", &self.chroots);
        found.set("writes", &self.writes);
        found.one("homes", self.homes.as_ref());
        found.one("admin-paths", self.admin_paths.as_ref());
        found.one("shares-tmp", self.shares_tmp.as_ref());
        found.one("measures-filesystems", self.measures_filesystems.as_ref());
        found.one("makes-mounts", self.makes_mounts.as_ref());
        found.one("sees-processes", self.sees_processes.as_ref());
        found.one("host-statistics", self.host_statistics.as_ref());
        found.set("devices", &self.devices);
        for (thing, stated) in &self.kernel {
            found.add("kernel", Some(thing.as_str().to_owned()), stated);
        }
        for (thing, stated) in &self.claims {
            found.add("claims", Some(thing.as_str().to_owned()), stated);
        }
        found.one("shares-ipc", self.shares_ipc.as_ref());
        found.set("listens", &self.listens);
        found.set("connects", &self.connects);
        found.one("interfaces", self.interfaces.as_ref());
        found.one("network-admin", self.network_admin.as_ref());
        found.set("capabilities", &self.capabilities);
        found.set("system-calls", &self.system_calls);
        found.0
    }

    /// The names of the needs of which something is granted, in the order of [`super::NEED_NAMES`], each once.
    pub fn stated(&self) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = self
            .entries()
            .iter()
            .filter(|entry| entry.default == Grant::On)
            .map(|entry| entry.need)
            .collect();
        names.dedup();
        names
    }
}

struct Found<'a>(Vec<NeedEntry<'a>>);

impl<'a> Found<'a> {
    fn one<P>(&mut self, need: &'static str, stated: Option<&'a Stated<P>>) {
        if let Some(stated) = stated {
            self.add(need, None, stated);
        }
    }

    fn set<K: Display, P>(&mut self, need: &'static str, things: &'a BTreeMap<K, Stated<P>>) {
        for (thing, stated) in things {
            self.add(need, Some(thing.to_string()), stated);
        }
    }

    fn add<P>(&mut self, need: &'static str, item: Option<String>, stated: &'a Stated<P>) {
        let Stated { because, default, place, .. } = stated;
        self.0.push(NeedEntry { need, item, because, default: *default, place });
    }
}
