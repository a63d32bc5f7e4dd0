//! What stands under a path, as far as owners and permissions go: the one question that the judges of this module ask a
//! file tree, so that they can be asked about trees that do not exist.

use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::{FileTypeExt as _, MetadataExt as _};

use super::acl::Acl;
use crate::manifest::PathKind;
use crate::unit_file::{Links, Root};

/// Something under a name, links not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// What it is.
    pub(super) kind: PathKind,
    /// The permission bits, `0o0000` to `0o7777`, those of the owning group in place of a list's mask.
    pub(super) mode: u16,
    /// Its owner.
    pub(super) uid: u32,
    /// Its group.
    pub(super) gid: u32,
    /// Its access control list, if it has one beyond its mode.
    pub(super) acl: Option<Acl>,
}

/// A tree of files. Paths are absolute; but for the last component they are free of links.
pub(super) trait Files {
    /// What is there; `None` where nothing is.
    fn node(&self, path: &Path) -> io::Result<Option<Node>>;
    /// What a link says.
    fn target(&self, path: &Path) -> io::Result<Option<PathBuf>>;
    /// The names in a directory, sorted.
    fn names(&self, path: &Path) -> io::Result<Vec<PathBuf>>;
    /// The beginning of a regular file, enough for the line that names an interpreter.
    fn head(&self, path: &Path) -> io::Result<Vec<u8>>;
}

/// As much as the kernel reads of a program to find its interpreter (`BINPRM_BUF_SIZE`).
const HEAD: u64 = 256;

impl Files for Root {
    fn node(&self, path: &Path) -> io::Result<Option<Node>> {
        let Some(found) = self.metadata(path, Links::Keep)? else { return Ok(None) };
        let file_type = found.file_type();
        let kind = if file_type.is_file() {
            PathKind::File
        } else if file_type.is_dir() {
            PathKind::Directory
        } else if file_type.is_symlink() {
            PathKind::Symlink
        } else if file_type.is_socket() {
            PathKind::Socket
        } else if file_type.is_fifo() {
            PathKind::Fifo
        } else if file_type.is_block_device() {
            PathKind::BlockDevice
        } else {
            PathKind::CharacterDevice
        };
        let mut mode = u16::try_from(found.mode() & 0o7777).unwrap_or_default();
        let mut acl = None;
        if kind != PathKind::Symlink {
            let access = self.attribute(path, "system.posix_acl_access")?;
            let default = match kind {
                PathKind::Directory => self.attribute(path, "system.posix_acl_default")?,
                _ => None,
            };
            acl = Acl::read(access.as_deref(), default.as_deref());
            if let Some(group) = acl.as_ref().and_then(|acl| acl.group) {
                mode = mode & !0o070 | u16::from(group) << 3;
            }
        }
        Ok(Some(Node { kind, mode, uid: found.uid(), gid: found.gid(), acl }))
    }

    fn target(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        self.link_target(path)
    }

    fn names(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let entries = self.read_dir_sorted(path)?.unwrap_or_default();
        Ok(entries.into_iter().map(|entry| PathBuf::from(entry.name)).collect())
    }

    fn head(&self, path: &Path) -> io::Result<Vec<u8>> {
        Ok(Root::head(self, path, HEAD)?.unwrap_or_default())
    }
}
