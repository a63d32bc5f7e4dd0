//! Paths against what is claimed of them, and who could put something else in their place.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::claims::{Claim, Permissions, Reader, claims};
use super::tree::Node;
use super::way::{End, Step, Way, Writer};
use super::{Activity, Audit, stated};
use crate::accounts::Accounts;
use crate::finding::{Finding, Severity};
use crate::gather::Gather as _;
use crate::manifest::{Missing, PathKind, Place};

const SET_USER: u16 = 0o4000;
const SET_GROUP: u16 = 0o2000;
const STICKY: u16 = 0o1000;

impl Audit<'_> {
    /// Judges every path that the manifest speaks of as far as the unit goes.
    pub(super) fn paths(&mut self) {
        let claims = claims(self.subject);
        // Parents come first, so that what follows from one of them is not said of what lies below.
        for (path, claim) in &claims {
            self.path(path, claim);
        }
        for (path, claim) in &claims {
            if claim.holds_below && !self.told.is_told(path) {
                self.contents(path, claim, &claims);
            }
        }
    }

    fn path(&mut self, path: &Path, claim: &Claim) {
        let way = match self.files.way(path) {
            Ok(way) => way,
            Err(error) => return self.told.not_known(path, &error),
        };
        match &way.end {
            End::Found(real, node) => self.found(path, claim, real, node),
            End::Missing(first) => self.missing(path, claim, first),
        }
        self.parents(path, claim, &way);
    }

    fn found(&mut self, path: &Path, claim: &Claim, real: &Path, node: &Node) {
        match self.files.node(path) {
            Ok(Some(link)) if link.kind == PathKind::Symlink && !claim.may_be_link => {
                if claim.kind != PathKind::Symlink {
                    let text = format!(
                        "`{}` is a symbolic link to `{}` and not itself {}",
                        path.display(),
                        real.display(),
                        noun(claim.kind)
                    );
                    self.told.of_path(path, stated("path.kind", Severity::Finding, &claim.place, text));
                    return;
                }
                self.compare(path, claim, &link);
            }
            Ok(_) => self.compare(path, claim, node),
            Err(error) => self.told.not_known(path, &error),
        }
    }

    fn missing(&mut self, path: &Path, claim: &Claim, first: &Path) {
        let offline = self.subject.activity == Activity::Offline && path.starts_with("/run");
        if claim.missing == Missing::Ok || offline || self.told.is_told(first) {
            return;
        }
        let instead =
            if first == path { String::new() } else { format!(": there is no `{}`", first.display()) };
        let text = format!("{} `{}` is missing{instead}", noun(claim.kind), path.display());
        self.told.of_path(first, stated("path.missing", Severity::Finding, &claim.place, text));
    }

    fn compare(&mut self, path: &Path, claim: &Claim, node: &Node) {
        if node.kind != claim.kind {
            let text = format!("`{}` is {}, declared {}", path.display(), noun(node.kind), noun(claim.kind));
            self.told.of_path(path, stated("path.kind", Severity::Finding, &claim.place, text));
            return;
        }
        self.owners(path, claim, node);
        if node.kind != PathKind::Symlink {
            self.mode(path, claim, node);
            self.list(path, node, &claim.place);
        }
    }

    fn owners(&mut self, path: &Path, claim: &Claim, node: &Node) {
        let accounts = self.accounts;
        // Who does not exist is a finding of its own.
        let differs = |name: &Option<String>, found: u32, id: fn(&Accounts, &str) -> Option<u32>| {
            name.as_deref().and_then(|name| id(accounts, name)).is_some_and(|wanted| wanted != found)
        };
        let owner = differs(&claim.owner, node.uid, Accounts::uid);
        let group = differs(&claim.group, node.gid, Accounts::gid);
        let (user_name, group_name) = (accounts.user_name(node.uid), accounts.group_name(node.gid));
        let name = |name: &Option<String>| name.clone().unwrap_or_default();
        let of_group = format!("group `{group_name}`, declared `{}`", name(&claim.group));
        if owner {
            let more = if group { format!(", and {of_group}") } else { String::new() };
            let declared = name(&claim.owner);
            let text = format!("`{}` belongs to `{user_name}`, declared `{declared}`{more}", path.display());
            self.told.of_path(path, stated("path.owner", Severity::Finding, &claim.place, text));
        } else if let Some(name) = claim.owner_not.iter().find(|name| accounts.uid(name) == Some(node.uid)) {
            let text = format!("`{}` belongs to `{name}`, which must not own it", path.display());
            self.told.of_path(path, stated("path.owner", Severity::Finding, &claim.place, text));
        } else if group {
            let text = format!("`{}` has {of_group}", path.display());
            self.told.of_path(path, stated("path.group", Severity::Finding, &claim.place, text));
        }
    }

    fn mode(&mut self, path: &Path, claim: &Claim, node: &Node) {
        let (declared, lost) = match claim.mode {
            None => return,
            Some(Permissions::Exactly(mode)) => (mode, mode & !node.mode),
            Some(Permissions::AtMost(mode)) => (mode, 0),
        };
        // A sticky bit takes permissions away.
        let (sticky, bits) = (STICKY & lost, !STICKY);
        let wider = node.mode & !declared & bits | sticky;
        let limit = if matches!(claim.mode, Some(Permissions::AtMost(_))) { "at most " } else { "" };
        let text = format!("`{}` has mode {:04o}, declared {limit}{declared:04o}", path.display(), node.mode);
        if wider != 0 {
            let severity = if wider & 0o002 != 0 { Severity::Critical } else { Severity::Finding };
            let text = format!("{text}: {}", words(wider));
            self.told.of_path(path, stated("path.mode", severity, &claim.place, text));
            return;
        }
        let tighter = lost & bits;
        if tighter == 0 {
            return;
        }
        let is_denied = self.own_bits(node) & tighter != 0;
        let finding = if is_denied || tighter & (SET_USER | SET_GROUP) != 0 {
            let why =
                if is_denied { "the service may do less" } else { "what is made in it gets another group" };
            stated("path.mode", Severity::Finding, &claim.place, format!("{text}: {why}"))
        } else {
            stated(
                "path.mode",
                Severity::Notice,
                &claim.place,
                format!("{text}: tighter, not for the service"),
            )
        };
        self.told.of_path(path, finding);
    }

    /// The bits that count for the service's own user; none for root, whom modes do not keep out.
    fn own_bits(&self, node: &Node) -> u16 {
        let Some(user) = self.subject.user() else { return 0 };
        let mut groups = self.accounts.groups_of(user);
        let service = &*self.subject.planned.service;
        groups.extend(
            service.groups.iter().chain(&service.group).filter_map(|name| self.accounts.gid(name.as_str())),
        );
        if self.accounts.uid(user) == Some(node.uid) {
            0o700
        } else if groups.contains(&node.gid) {
            0o070
        } else {
            0o007
        }
    }

    /// An access control list, which no manifest declares.
    pub(super) fn list(&mut self, path: &Path, node: &Node, place: &Place) {
        let Some(text) = self.grants(node) else { return };
        let text = format!(
            "`{}` has an access control list that {text}: `setfacl --remove-all` takes it away",
            path.display()
        );
        self.told.of_path(path, stated("path.acl", Severity::Finding, place, text));
    }

    /// What an access control list does.
    pub(super) fn grants(&self, node: &Node) -> Option<String> {
        use super::acl::Who;
        let acl = node.acl.as_ref()?;
        let mut grants: Vec<String> = acl
            .grants
            .iter()
            .filter(|grant| grant.bits != 0)
            .map(|grant| {
                let who = match grant.who {
                    Who::User(uid) => format!("user `{}`", self.accounts.user_name(uid)),
                    Who::Group(gid) => format!("group `{}`", self.accounts.group_name(gid)),
                };
                format!("gives {who} {}", letters(grant.bits))
            })
            .collect();
        if acl.is_inherited {
            grants.push("is handed to whatever is made in it".to_owned());
        }
        (!grants.is_empty()).then(|| grants.join(" and "))
    }

    /// Who may put something else in the place of a path.
    fn parents(&mut self, path: &Path, claim: &Claim, way: &Way) {
        let owner = claim.owner.as_deref().and_then(|name| self.accounts.uid(name));
        let own = self.subject.user().and_then(|user| self.accounts.uid(user));
        // Where nobody is declared as the owner, the service's user may be.
        let trusted = owner.or(own);
        let cause = self.told.cause(way);
        for step in &way.steps {
            let writers: BTreeSet<Writer> = step
                .replacers()
                .into_iter()
                .filter(|writer| trusted.is_none_or(|uid| *writer != Writer::User(uid)))
                // The owner of the path itself needs no detour.
                .filter(|writer| {
                    *writer != Writer::User(step.owner_of_entry) || path != step_path(path, step)
                })
                .gather();
            let worst = writers.iter().filter_map(|writer| self.threat(*writer, own, claim)).max();
            let Some(severity) = worst else { continue };
            let text = format!(
                "{} may write `{}`, and so put something else in the place of `{}`",
                self.named(&writers),
                step.directory.display(),
                path.display()
            );
            let finding = stated("path.parent-writable", severity, &claim.place, text);
            self.told.danger(cause.as_deref().unwrap_or(&step.directory), finding);
        }
    }

    /// What it is worth that somebody may replace a declared path; nothing where there is nobody.
    fn threat(&self, writer: Writer, own: Option<u32>, claim: &Claim) -> Option<Severity> {
        let accounts = self.accounts;
        let is_system = |uid: u32| uid <= accounts.last_system_uid;
        let of_user = |uid: u32| match own {
            Some(own) if own == uid && claim.reader == Reader::Service => Severity::Finding,
            Some(own) if own == uid => Severity::Critical,
            // Another service's: as the system was put together.
            _ if is_system(uid) && claim.reader == Reader::Service => Severity::Notice,
            _ => Severity::Critical,
        };
        match writer {
            Writer::Everyone => Some(Severity::Critical),
            Writer::User(uid) => Some(of_user(uid)),
            Writer::Group(gid) => {
                let members = accounts.members(gid);
                let uids = members.iter().filter_map(|name| accounts.uid(name)).filter(|uid| *uid != 0);
                uids.map(of_user).max()
            }
        }
    }

    pub(super) fn named(&self, writers: &BTreeSet<Writer>) -> String {
        let names: Vec<String> = writers
            .iter()
            .map(|writer| match writer {
                Writer::User(uid) => format!("user `{}`", self.accounts.user_name(*uid)),
                Writer::Group(gid) => format!("group `{}`", self.accounts.group_name(*gid)),
                Writer::Everyone => "everybody".to_owned(),
            })
            .collect();
        names.join(", ")
    }
}

/// The last step's entry is the path itself; any other lies above it.
fn step_path(path: &Path, step: &Step) -> PathBuf {
    path.file_name().map_or_else(|| step.directory.clone(), |name| step.directory.join(name))
}

/// Bits beyond a declared mode in words.
fn words(wider: u16) -> String {
    let mut words = Vec::new();
    let classes = [("the owner", wider >> 6 & 7), ("the group", wider >> 3 & 7), ("others", wider & 7)];
    for (who, bits) in classes {
        if let Ok(bits @ 1..) = u8::try_from(bits) {
            words.push(format!("{who} may {}", letters(bits)));
        }
    }
    if wider & SET_USER != 0 {
        words.push("it runs as its owner".to_owned());
    }
    if wider & SET_GROUP != 0 {
        words.push("it lends its group".to_owned());
    }
    if wider & STICKY != 0 {
        words.push("whoever may write it may remove what others made".to_owned());
    }
    words.join(", ")
}

fn letters(bits: u8) -> String {
    [(4, 'r'), (2, 'w'), (1, 'x')]
        .iter()
        .filter(|(bit, _)| bits & bit != 0)
        .map(|(_, letter)| *letter)
        .collect()
}

pub(super) fn noun(kind: PathKind) -> &'static str {
    match kind {
        PathKind::File => "a file",
        PathKind::Directory => "a directory",
        PathKind::Socket => "a socket",
        PathKind::Fifo => "a FIFO",
        PathKind::Symlink => "a symbolic link",
        PathKind::CharacterDevice => "a character device",
        PathKind::BlockDevice => "a block device",
    }
}

/// A finding about something below a directory, and how many others there are like it.
pub(super) fn with_more(finding: Finding, others: usize) -> Finding {
    match others {
        0 => finding,
        others => Finding { text: format!("{}; {others} more like it", finding.text), ..finding },
    }
}
