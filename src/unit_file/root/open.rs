//! How a path below a root becomes a handle that nothing can change any more: by one call that looks every link up inside
//! the root (openat2(2), Linux 5.6), else by a walk that opens one directory after the other.
//!
//! What is asked about a path afterwards is asked of the handle.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use cap_std::fs::Dir;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2};
use rustix::io::Errno;

use super::{Links, Root, absent_as_none, inside, not_a_file};

/// Renames somewhere on the machine may make the kernel give up on a path with `..` in it; it is asked this often.
const ATTEMPTS: u32 = 16;

impl Root {
    /// A handle of `path` by which it can be asked about and not read; `None` where nothing is.
    pub(super) fn handle(&self, path: &Path, links: Links) -> io::Result<Option<File>> {
        absent_as_none(self.open_at(path, to_ask(links)).map(File::from))
    }

    /// The directory `path` by a handle; `None` where there is none.
    pub(super) fn directory(&self, path: &Path) -> io::Result<Option<Dir>> {
        let handle = absent_as_none(self.open_at(path, OFlags::PATH | OFlags::DIRECTORY))?;
        Ok(handle.map(|handle| Dir::from_std_file(handle.into())))
    }

    /// The regular file that a handle is of, open for reading. It is opened by the handle, so that it is the one that was
    /// asked about: to open a device may be to use it, and to open a FIFO to wait.
    pub(super) fn readable(&self, path: &Path, handle: &File) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
        match rustix::fs::open(by_number(handle), flags, Mode::empty()) {
            Ok(file) => Ok(file.into()),
            // Without /proc it must be looked up again.
            Err(Errno::NOENT | Errno::NOTDIR) => {
                let file = self.open_at(path, flags)?;
                let (asked, found) = (fstat(handle)?, fstat(&file)?);
                let is_same = (asked.st_dev, asked.st_ino) == (found.st_dev, found.st_ino);
                if is_same { Ok(file.into()) } else { Err(not_a_file()) }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether no component of `path` is a link or `..`, but for the last with [`Links::Keep`]; also `false` where that is
    /// not to be had by one call, and where nothing is.
    pub(super) fn is_plain(&self, path: &Path, links: Links) -> bool {
        let leads_up = path.components().any(|component| component == Component::ParentDir);
        !leads_up && matches!(self.at_once(path, to_ask(links), ResolveFlags::NO_SYMLINKS), Some(Ok(_)))
    }

    fn open_at(&self, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        match self.at_once(path, flags, ResolveFlags::empty()) {
            Some(result) => Ok(result?),
            None => self.walk(path, flags),
        }
    }

    /// What one call says of `path`; nothing where there is no such call.
    fn at_once(
        &self,
        path: &Path,
        flags: OFlags,
        resolve: ResolveFlags,
    ) -> Option<rustix::io::Result<OwnedFd>> {
        if self.walks {
            return None;
        }
        // Without a slash at its start it would not leave the directory even for a kernel that takes no heed of the rest.
        let bytes = path.as_os_str().as_bytes();
        let relative =
            bytes.get(bytes.iter().take_while(|byte| **byte == b'/').count()..).unwrap_or_default();
        // What stands for nothing at its end bears on how it is taken.
        let path = match relative.last() {
            None | Some(b'/' | b'.') => Cow::Owned(inside(path)),
            Some(_) => Cow::Borrowed(Path::new(OsStr::from_bytes(relative))),
        };
        let resolve = resolve | ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        for _ in 0..ATTEMPTS {
            match openat2(&self.dir, &*path, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
                Err(Errno::AGAIN) => {}
                // A kernel that lacks it, a filter of system calls that does not know it.
                Err(Errno::NOSYS | Errno::PERM) => return None,
                result => return Some(result),
            }
        }
        None
    }

    /// The same without that call. What is found is free of links; one that takes its place meanwhile is an error.
    fn walk(&self, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        let follows = !flags.contains(OFlags::NOFOLLOW);
        let plain = self.resolve(path, if follows { Links::Follow } else { Links::Keep })?;
        let (parent, last) = match (plain.parent(), plain.file_name()) {
            (Some(parent), Some(last)) => (inside(parent), Path::new(last)),
            _ => (PathBuf::from("."), Path::new(".")),
        };
        let parent = self.dir.open_dir(parent)?;
        let found = openat(&parent, last, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        if follows && FileType::from_raw_mode(fstat(&found)?.st_mode) == FileType::Symlink {
            return Err(Errno::LOOP.into());
        }
        Ok(found)
    }
}

/// How a handle is opened by which a path can be asked about and not read.
fn to_ask(links: Links) -> OFlags {
    match links {
        Links::Follow => OFlags::PATH,
        Links::Keep => OFlags::PATH | OFlags::NOFOLLOW,
    }
}

/// An open file as a path.
pub(super) fn by_number(file: &File) -> PathBuf {
    Path::new("/proc/self/fd").join(file.as_raw_fd().to_string())
}
