//! The way to a path: the directories that are gone through, and who may put something else in the place of what is
//! taken from each.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::acl::Who;
use super::tree::{Files, Node};
use crate::gather::Gather as _;
use crate::manifest::PathKind;

/// As many links as the kernel follows in one path (path_resolution(7)).
const MAX_LINKS: usize = 40;

const STICKY: u16 = 0o1000;
const WRITE: u8 = 0o2;

/// What a path leads through and to.
#[derive(Debug)]
pub(super) struct Way {
    /// Each directory, and the owner of what is taken from it.
    pub(super) steps: Vec<Step>,
    /// The links that were followed, first to last.
    pub(super) links: Vec<PathBuf>,
    /// What is at its end.
    pub(super) end: End,
}

/// A directory that is gone through.
#[derive(Debug)]
pub(super) struct Step {
    /// Free of links.
    pub(super) directory: PathBuf,
    /// What it is.
    pub(super) node: Node,
    /// The owner of the entry by which it is left.
    pub(super) owner_of_entry: u32,
}

/// What is at the end of a way.
#[derive(Debug)]
pub(super) enum End {
    /// Something that is no link; its path is free of links.
    Found(PathBuf, Node),
    /// Nothing: the first name that is not there.
    Missing(PathBuf),
}

/// Somebody who may write something, root apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Writer {
    /// A user, as its owner or by an access control list.
    User(u32),
    /// A group.
    Group(u32),
    /// Anybody.
    Everyone,
}

/// A tree of files in which each thing is looked at once.
pub(super) struct Seen<'f> {
    files: &'f dyn Files,
    nodes: RefCell<BTreeMap<PathBuf, Option<Node>>>,
}

impl<'f> Seen<'f> {
    pub(super) fn new(files: &'f dyn Files) -> Self {
        Self { files, nodes: RefCell::default() }
    }

    /// What is there, links not followed; `None` where nothing is.
    pub(super) fn node(&self, path: &Path) -> io::Result<Option<Node>> {
        if let Some(node) = self.nodes.borrow().get(path) {
            return Ok(node.clone());
        }
        let node = self.files.node(path)?;
        self.nodes.borrow_mut().insert(path.to_owned(), node.clone());
        Ok(node)
    }

    pub(super) fn target(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        self.files.target(path)
    }

    pub(super) fn names(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        self.files.names(path)
    }

    pub(super) fn head(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.files.head(path)
    }

    /// The way to `path`, all links followed.
    pub(super) fn way(&self, path: &Path) -> io::Result<Way> {
        let mut pending: VecDeque<OsString> = components(path).collect();
        let mut at = PathBuf::from("/");
        let mut steps: Vec<Step> = Vec::new();
        let mut links = Vec::new();
        loop {
            let Some(node) = self.node(&at)? else { return Ok(Way { steps, links, end: End::Missing(at) }) };
            let Some(name) = pending.pop_front() else {
                return Ok(Way { steps, links, end: End::Found(at, node) });
            };
            if name == ".." {
                at.pop();
                continue;
            }
            let entry = at.join(&name);
            if node.kind != PathKind::Directory {
                return Ok(Way { steps, links, end: End::Missing(entry) });
            }
            let Some(found) = self.node(&entry)? else {
                return Ok(Way { steps, links, end: End::Missing(entry) });
            };
            steps.push(Step { directory: at.clone(), node, owner_of_entry: found.uid });
            if found.kind != PathKind::Symlink {
                at = entry;
                continue;
            }
            links.push(entry.clone());
            if links.len() > MAX_LINKS {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "too many levels of symbolic links"));
            }
            let target = self.target(&entry)?.unwrap_or_default();
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            components(&target).rev().for_each(|name| pending.push_front(name));
        }
    }
}

impl Node {
    /// Who may write it besides root: change a file, or make, rename and remove a directory's entries.
    pub(super) fn writers(&self) -> BTreeSet<Writer> {
        // The owner may give itself the permission.
        let owner = (self.uid != 0).then_some(Writer::User(self.uid));
        let group = (self.mode & 0o020 != 0 && self.gid != 0).then_some(Writer::Group(self.gid));
        let others = (self.mode & 0o002 != 0).then_some(Writer::Everyone);
        let grants = self.acl.iter().flat_map(|acl| &acl.grants).filter(|grant| grant.bits & WRITE != 0);
        let granted = grants.filter_map(|grant| match grant.who {
            Who::User(0) | Who::Group(0) => None,
            Who::User(uid) => Some(Writer::User(uid)),
            Who::Group(gid) => Some(Writer::Group(gid)),
        });
        owner.into_iter().chain(group).chain(others).chain(granted).gather()
    }
}

impl Step {
    /// Who may put something else in the place of the entry: with the sticky bit (inode(7)) only its owner and the
    /// directory's.
    pub(super) fn replacers(&self) -> BTreeSet<Writer> {
        let mut writers = self.node.writers();
        if self.node.mode & STICKY != 0 {
            let owners = [self.node.uid, self.owner_of_entry].map(Writer::User);
            let may_all = writers.iter().any(|writer| !owners.contains(writer));
            writers.retain(|writer| owners.contains(writer));
            if may_all && self.owner_of_entry != 0 {
                writers.insert(Writer::User(self.owner_of_entry));
            }
        }
        writers
    }
}

fn components(path: &Path) -> impl DoubleEndedIterator<Item = OsString> + '_ {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}
