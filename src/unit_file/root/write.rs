//! Files that are whole on disk before they have a name. What is killed, or finds the disk full, leaves under a name
//! either what was there before or all of the new content, never a part.

use std::collections::hash_map::RandomState;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use cap_std::fs::Dir;
use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::open::by_number;
use super::{Links, Root, inside};

/// Names are tried this often where others take them at the same time.
const ATTEMPTS: u32 = 64;

/// A file that is whole and synced, and whose name still stands for what was there before. Without a call of
/// [`Whole::appear`] or [`Whole::replace`] it is gone with its value.
#[derive(Debug)]
pub struct Whole {
    file: File,
    folder: Dir,
    name: OsString,
    path: PathBuf,
    /// Its name until then, where the file system has no files without one.
    hidden: Option<OsString>,
}

/// A root that nobody else who locks it writes to.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held for as long as it lives")] OwnedFd);

impl Root {
    /// Writes `bytes` with the permission bits `mode` to where `path` will be. Missing directories are created.
    ///
    /// The file belongs to the caller; in a directory with the set-group-ID bit to the directory's group.
    pub fn whole(&self, path: &Path, bytes: &[u8], mode: u32) -> anyhow::Result<Whole> {
        self.written(path, bytes, mode).with_context(|| format!("cannot write `{}`", path.display()))
    }

    fn written(&self, path: &Path, bytes: &[u8], mode: u32) -> anyhow::Result<Whole> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            bail!("the path names no file");
        };
        let folder = if let Some(folder) = self.directory(parent)? {
            folder
        } else {
            self.dir.create_dir_all(inside(&self.resolve(parent, Links::Follow)?))?;
            self.directory(parent)?.context("its directory is gone again")?
        };
        let (file, hidden) = create(&folder)?;
        let mut whole = Whole { file, folder, name: name.to_owned(), path: path.to_owned(), hidden };
        whole.file.write_all(bytes)?;
        rustix::fs::fchmod(&whole.file, Mode::from_raw_mode(mode))?;
        whole.file.sync_all()?;
        Ok(whole)
    }

    /// Takes the name `path` away, a link itself; nothing where it is gone already. A directory is refused.
    pub fn remove(&self, path: &Path) -> anyhow::Result<()> {
        let removing = || format!("cannot remove `{}`", path.display());
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            bail!("the path names no file");
        };
        let Some(folder) = self.directory(parent).with_context(removing)? else { return Ok(()) };
        match rustix::fs::unlinkat(&folder, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(io::Error::from(error)).with_context(removing),
        }
    }

    /// Waits for as long as `patience` until nobody else has the root locked.
    ///
    /// Where the file system has no locks on directories, there is nothing to wait for.
    pub fn lock(&self, patience: Duration) -> anyhow::Result<Lock> {
        const PAUSE: Duration = Duration::from_millis(20);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(&self.dir, ".", flags, Mode::empty()).map_err(io::Error::from)?;
        let start = Instant::now();
        loop {
            match rustix::fs::flock(&dir, FlockOperation::NonBlockingLockExclusive) {
                Err(Errno::WOULDBLOCK) if start.elapsed() < patience => sleep(PAUSE),
                Err(Errno::WOULDBLOCK) => {
                    bail!("`{}` is locked: somebody else is writing there", self.path.display());
                }
                Ok(()) | Err(_) => return Ok(Lock(dir)),
            }
        }
    }
}

impl Whole {
    /// Gives it its name, [`io::ErrorKind::AlreadyExists`] where something has it.
    pub fn appear(self) -> anyhow::Result<()> {
        let named = match &self.hidden {
            None => self.link(&self.name),
            Some(hidden) => {
                rustix::fs::renameat_with(
                    &self.folder,
                    hidden,
                    &self.folder,
                    &self.name,
                    RenameFlags::NOREPLACE,
                )
                .or_else(|error| match error {
                    // A file system that cannot say so in one call (NFS); the hidden name goes with the value.
                    Errno::INVAL | Errno::NOSYS => {
                        rustix::fs::linkat(&self.folder, hidden, &self.folder, &self.name, AtFlags::empty())
                    }
                    other => Err(other),
                })
            }
        };
        self.named(named)
    }

    /// Gives it its name, and takes it from whatever file or link had it.
    pub fn replace(mut self) -> anyhow::Result<()> {
        let named = match &self.hidden {
            Some(_) => Ok(()),
            // No call puts a file without a name in the place of another.
            None => attempt(|hidden| self.link(hidden)).map(|(hidden, ())| self.hidden = Some(hidden)),
        };
        let named = named.and_then(|()| {
            let hidden = self.hidden.as_deref().unwrap_or_default();
            rustix::fs::renameat(&self.folder, hidden, &self.folder, &self.name)
        });
        self.named(named)
    }

    fn link(&self, name: &OsStr) -> rustix::io::Result<()> {
        rustix::fs::linkat(CWD, by_number(&self.file), &self.folder, name, AtFlags::SYMLINK_FOLLOW)
    }

    /// A name is safe only once its directory is.
    fn named(&self, result: rustix::io::Result<()>) -> anyhow::Result<()> {
        let synced = result.map_err(io::Error::from).and_then(|()| self.folder.open(".")?.sync_all());
        match synced {
            // Directories of some file systems cannot be synced (fsync(2)).
            Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => Ok(()),
            synced => synced.with_context(|| format!("cannot write `{}`", self.path.display())),
        }
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        if let Some(hidden) = &self.hidden {
            // After a rename there is nothing of that name.
            let _ = rustix::fs::unlinkat(&self.folder, hidden, AtFlags::empty());
        }
    }
}

/// A new file: without a name where one can be given later, else with a hidden one.
fn create(folder: &Dir) -> io::Result<(File, Option<OsString>)> {
    // The mode comes later, with the content; until then it is nobody else's.
    let (flags, mode) = (OFlags::WRONLY | OFlags::CLOEXEC, Mode::from_raw_mode(0o600));
    if Path::new("/proc/self/fd").exists() {
        match rustix::fs::openat(folder, ".", flags | OFlags::TMPFILE, mode) {
            Ok(file) => return Ok((file.into(), None)),
            // A file system or a kernel without such files (open(2)).
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::NOENT | Errno::INVAL) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let flags = flags | OFlags::CREATE | OFlags::EXCL;
    let (hidden, file) = attempt(|hidden| rustix::fs::openat(folder, hidden, flags, mode))?;
    Ok((file.into(), Some(hidden)))
}

/// Tries hidden names until one is free. Those that begin with `.#` are nothing to systemd.
fn attempt<T>(action: impl Fn(&OsStr) -> rustix::io::Result<T>) -> rustix::io::Result<(OsString, T)> {
    let mut left = ATTEMPTS;
    loop {
        let random = RandomState::new().build_hasher().finish();
        let hidden = OsString::from(format!(".#systemd-harden-{random:016x}"));
        match action(&hidden) {
            Err(Errno::EXIST) if left > 0 => left -= 1,
            result => return result.map(|value| (hidden, value)),
        }
    }
}
