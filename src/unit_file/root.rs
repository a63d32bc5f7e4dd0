//! A directory under which every read and write happens: `/` of the machine, or the tree of `--root DIR`. Links are
//! followed as they would be after a chroot into it, so an absolute target starts at the root and `..` never leaves.
//!
//! What the files mean is left to the callers.

mod open;
mod write;

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path, PathBuf};

use anyhow::Context as _;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata, MetadataExt as _};
use rustix::buffer::spare_capacity;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, RawDirEntry};
use rustix::io::Errno;

/// The largest file in bytes that is read; systemd itself refuses lines of this length, and no unit comes near it.
pub const MAX_UNIT_SIZE: u64 = 1 << 20;

/// The most names of one directory that are read: far more than any directory of units, and a bound to what a tree of
/// somebody else can make this program hold.
pub const MAX_ENTRIES: usize = 1 << 18;

/// The bytes of names that the kernel tells at once. One name has at most 255, and some 20 more with it (getdents64(2)).
const TOLD_AT_ONCE: usize = 1 << 14;

pub use write::{Lock, Whole};

/// As many links as the kernel follows in one path (`path_resolution(7)`).
const MAX_LINKS: u32 = 40;

/// A file tree that cannot be left through it. Paths given to it and returned by it are absolute as seen inside; a
/// relative one is taken from the root.
#[derive(Debug)]
pub struct Root {
    dir: Dir,
    path: PathBuf,
    /// Whether it does without openat2(2).
    walks: bool,
}

/// What stands under a name, links not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A character or block device.
    Device,
    /// A FIFO or a socket.
    Other,
}

impl Kind {
    /// Why it is no unit file, whatever its name, where that is so.
    pub fn no_unit_file(self) -> Option<&'static str> {
        match self {
            Self::File | Self::Link => None,
            Self::Directory => Some("a directory is no unit file"),
            Self::Device => Some("a device is no unit file"),
            Self::Other => Some("a FIFO or socket is no unit file"),
        }
    }
}

/// Whether the last component of a path is followed where it is a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// The link's target counts.
    Follow,
    /// The link itself counts.
    Keep,
}

/// One name of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name alone.
    pub name: OsString,
    /// What it is.
    pub kind: Kind,
}

impl Root {
    /// Opens the directory `path` of the machine as a root.
    pub fn open(path: impl AsRef<Path>) -> anyhow::Result<Self> {
        let path = path.as_ref();
        let dir = Dir::open_ambient_dir(path, ambient_authority())
            .with_context(|| format!("cannot open the root directory `{}`", path.display()))?;
        Ok(Self { dir, path: path.to_owned(), walks: false })
    }

    /// The root as it was opened, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The content of a regular file, `None` where there is none (a dangling link included).
    ///
    /// Anything but a regular file is refused without waiting for it ([`io::ErrorKind::InvalidInput`]), and so is one
    /// above [`MAX_UNIT_SIZE`] ([`io::ErrorKind::FileTooLarge`]).
    pub fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        self.read_at_most(path, MAX_UNIT_SIZE)
    }

    /// The same for files of up to `most` bytes.
    pub fn read_at_most(&self, path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(handle) = self.handle(path, Links::Follow)? else { return Ok(None) };
        check_readable(&Metadata::from_just_metadata(handle.metadata()?), most)?;
        let mut content = Vec::new();
        read_whole(&self.readable(path, &handle)?, most, &mut content)?;
        Ok(Some(content))
    }

    /// Owner, mode, size and type of `path`; `None` where nothing is.
    pub fn metadata(&self, path: &Path, links: Links) -> io::Result<Option<Metadata>> {
        let Some(handle) = self.handle(path, links)? else { return Ok(None) };
        Ok(Some(Metadata::from_just_metadata(handle.metadata()?)))
    }

    /// What `path` is, `None` where nothing is.
    pub fn kind(&self, path: &Path, links: Links) -> io::Result<Option<Kind>> {
        Ok(self.metadata(path, links)?.as_ref().map(Kind::from))
    }

    /// What a link says, unresolved; `None` where nothing is. An error where `path` is not a link.
    pub fn link_target(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        let Some(handle) = self.handle(path, Links::Keep)? else { return Ok(None) };
        match rustix::fs::readlinkat(&handle, "", Vec::new()) {
            Ok(target) => Ok(Some(PathBuf::from(OsString::from_vec(target.into_bytes())))),
            // So the kernel says of a handle that is not of a link.
            Err(Errno::NOENT) => Err(Errno::INVAL.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// The names in a directory in byte order, `None` where there is no directory; of one of more than [`MAX_ENTRIES`]
    /// [`io::ErrorKind::FileTooLarge`].
    pub fn read_dir_sorted(&self, path: &Path) -> io::Result<Option<Vec<Entry>>> {
        self.folder(path)?.map(|folder| folder.entries_sorted()).transpose()
    }

    /// The same of a directory of up to `most` names; of a larger one [`io::ErrorKind::FileTooLarge`].
    pub fn read_dir_at_most(&self, path: &Path, most: usize) -> io::Result<Option<Vec<Entry>>> {
        self.folder(path)?.map(|folder| folder.entries_at_most(most)).transpose()
    }

    /// The directory `path`, held open; `None` where there is none.
    pub(super) fn folder(&self, path: &Path) -> io::Result<Option<Folder>> {
        Ok(self.directory(path)?.map(|dir| Folder { dir }))
    }

    /// The first bytes of a regular file, at most `length`; `None` where there is none.
    ///
    /// Anything but a regular file is refused without waiting for it ([`io::ErrorKind::InvalidInput`]).
    pub fn head(&self, path: &Path, length: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(handle) = self.handle(path, Links::Follow)? else { return Ok(None) };
        if !handle.metadata()?.is_file() {
            return Err(not_a_file());
        }
        let mut content = Vec::new();
        self.readable(path, &handle)?.take(length).read_to_end(&mut content)?;
        Ok(Some(content))
    }

    /// An extended attribute of `path` itself, links not followed; `None` where it has none of that name. A value of
    /// more than 64 KiB, which the kernel does not store (xattr(7)), is an error.
    pub fn attribute(&self, path: &Path, name: &str) -> io::Result<Option<Vec<u8>>> {
        let Some(handle) = self.handle(path, Links::Keep)? else { return Ok(None) };
        let mut value = vec![0; 1 << 16];
        match rustix::fs::getxattr(open::by_number(&handle), name, value.as_mut_slice()) {
            Ok(length) => {
                value.truncate(length);
                Ok(Some(value))
            }
            Err(Errno::NODATA | Errno::NOTSUP) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// `path` without links, `.` and `..`; with [`Links::Keep`] its last component stays as it is. What does not
    /// exist is kept as written.
    pub fn resolve(&self, path: &Path, links: Links) -> io::Result<PathBuf> {
        if self.is_plain(path, links) {
            return Ok(Path::new("/").join(inside_or_root(path)));
        }
        let mut pending: VecDeque<OsString> = components(path).collect();
        let mut done = PathBuf::new();
        let mut followed = 0;
        while let Some(component) = pending.pop_front() {
            if component == ".." {
                done.pop();
                continue;
            }
            let candidate = done.join(&component);
            let keep = links == Links::Keep && pending.is_empty();
            let target = if keep { None } else { self.link_at(&candidate)? };
            let Some(target) = target else {
                done = candidate;
                continue;
            };
            followed += 1;
            if followed > MAX_LINKS {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "too many levels of symbolic links"));
            }
            if target.is_absolute() {
                done.clear();
            }
            for component in components(&target).rev() {
                pending.push_front(component);
            }
        }
        Ok(Path::new("/").join(done))
    }

    /// The target of `path` if that is a link; its directory must be free of links.
    fn link_at(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        match absent_as_none(self.dir.read_link_contents(path)) {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(None),
            result => result,
        }
    }
}

/// An open directory, so that many names in it cost no more than their own look.
#[derive(Debug)]
pub(super) struct Folder {
    dir: Dir,
}

impl Folder {
    /// Its names in byte order.
    pub(super) fn entries_sorted(&self) -> io::Result<Vec<Entry>> {
        self.entries_at_most(MAX_ENTRIES)
    }

    /// The same, [`io::ErrorKind::FileTooLarge`] where there are more than `most`.
    fn entries_at_most(&self, most: usize) -> io::Result<Vec<Entry>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut entries = Vec::new();
        let folder = rustix::fs::openat(&self.dir, ".", flags, Mode::empty())?;
        let mut told = Vec::with_capacity(TOLD_AT_ONCE);
        let mut names = RawDir::new(folder, told.spare_capacity_mut());
        while let Some(entry) = names.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            if entries.len() == most {
                let message = format!("more than {most} entries");
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
            }
            let Some(kind) = self.kind_of(&entry)? else { continue };
            entries.push(Entry { name: OsStr::from_bytes(name).to_owned(), kind });
        }
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// What an entry is: where the file system does not tell with its name, it is looked at; `None` where it is gone by
    /// then.
    fn kind_of(&self, entry: &RawDirEntry<'_>) -> io::Result<Option<Kind>> {
        match entry.file_type() {
            FileType::Unknown => {
                match rustix::fs::statat(&self.dir, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(found) => Ok(Some(FileType::from_raw_mode(found.st_mode).into())),
                    Err(Errno::NOENT) => Ok(None),
                    Err(error) => Err(error.into()),
                }
            }
            known => Ok(Some(known.into())),
        }
    }

    /// Puts into `content` that of the regular file `name`, which is no link; whether it is still one. Anything else
    /// is left to [`Root::read`].
    pub(super) fn read_regular(&self, name: &str, content: &mut Vec<u8>) -> io::Result<bool> {
        if name.contains('/') {
            return Ok(false);
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let Ok(file) = rustix::fs::openat(&self.dir, name, flags, Mode::empty()) else { return Ok(false) };
        match read_whole(&file.into(), MAX_UNIT_SIZE, content) {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(false),
            result => result.map(|()| true),
        }
    }

    /// What a link in it says, unresolved; `None` where nothing is. An error where `name` is not a link.
    pub(super) fn link_target(&self, name: &str) -> io::Result<Option<PathBuf>> {
        absent_as_none(self.dir.read_link_contents(name))
    }
}

impl From<FileType> for Kind {
    fn from(found: FileType) -> Self {
        match found {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Directory,
            FileType::Symlink => Self::Link,
            FileType::CharacterDevice | FileType::BlockDevice => Self::Device,
            FileType::Fifo | FileType::Socket | FileType::Unknown => Self::Other,
        }
    }
}

impl From<&Metadata> for Kind {
    fn from(found: &Metadata) -> Self {
        FileType::from_raw_mode(found.mode()).into()
    }
}

fn check_readable(found: &Metadata, most: u64) -> io::Result<()> {
    if !found.is_file() {
        Err(not_a_file())
    } else if found.len() > most {
        Err(too_large(most))
    } else {
        Ok(())
    }
}

/// Puts into `content` all that an open file has, at most `most` bytes. Anything but a regular file is refused.
pub(crate) fn read_whole(file: &std::fs::File, most: u64, content: &mut Vec<u8>) -> io::Result<()> {
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(not_a_file());
    }
    if found.len() > most {
        return Err(too_large(most));
    }
    // One byte more than there is, so that a read that fills less has met the end.
    let length = usize::try_from(found.len()).unwrap_or(0);
    content.clear();
    content.reserve(length + 1);
    loop {
        match rustix::io::read(file, spare_capacity(content)) {
            Ok(0) => break,
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if content.len() == length && length > 0 {
            break;
        }
        // It has grown, or says nothing of its length, as below /proc.
        if content.len() == content.capacity() {
            if content.len() as u64 > most {
                return Err(too_large(most));
            }
            content.reserve(content.len() + 512);
        }
    }
    if content.len() as u64 > most { Err(too_large(most)) } else { Ok(()) }
}

fn not_a_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")
}

fn too_large(most: u64) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {most} bytes"))
}

fn absent_as_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn components(path: &Path) -> impl DoubleEndedIterator<Item = OsString> + '_ {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

/// `path` relative to the root, without what says nothing.
fn inside_or_root(path: &Path) -> PathBuf {
    components(path).collect()
}

/// The same as a handle wants it.
fn inside(path: &Path) -> PathBuf {
    let relative = inside_or_root(path);
    if relative.as_os_str().is_empty() { PathBuf::from(".") } else { relative }
}

#[cfg(test)]
mod race_tests;
#[cfg(test)]
#[path = "root_tests.rs"]
mod tests;
