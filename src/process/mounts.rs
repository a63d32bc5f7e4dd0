//! /proc/PID/mountinfo (proc_pid_mountinfo(5)).

use std::collections::BTreeSet;

/// What is mounted in one mount namespace, in the order in which the kernel lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mounts {
    mounts: Vec<Mount>,
}

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Major and minor number of the file system's device.
    pub device: String,
    /// The directory of the file system that is mounted.
    pub root: String,
    /// Where it is mounted, as seen from the process's root.
    pub point: String,
    /// What holds for this mount: `ro`, `noexec`.
    pub options: BTreeSet<String>,
    /// How mounts spread: `shared:1`, `master:2`.
    pub propagation: Vec<String>,
    /// The type of the file system.
    pub kind: String,
    /// What holds for the file system as a whole: `hidepid=invisible`.
    pub super_options: BTreeSet<String>,
}

impl Mounts {
    /// Reads the file; lines that are none of its are passed over.
    pub(crate) fn parse(text: &str) -> Self {
        Self { mounts: text.lines().filter_map(Mount::parse).collect() }
    }

    /// The mount that a path lies on: the last of those with the longest mount point above it.
    pub fn at(&self, path: &str) -> Option<&Mount> {
        // Of equals, the last one is the greatest.
        self.mounts.iter().filter(|mount| mount.holds(path)).max_by_key(|mount| mount.point.len())
    }

    /// The mount at exactly this place.
    pub fn mounted(&self, path: &str) -> Option<&Mount> {
        self.at(path).filter(|mount| mount.point == path)
    }

    /// What a path is, wherever it is mounted: the device, and the path within its file system.
    pub fn identity(&self, path: &str) -> Option<(&str, String)> {
        let mount = self.at(path)?;
        let below = path.strip_prefix(mount.point.trim_end_matches('/')).unwrap_or_default();
        let inside = format!("{}/{}", mount.root.trim_end_matches('/'), below.trim_start_matches('/'));
        Some((&mount.device, inside.trim_end_matches('/').to_owned()))
    }
}

impl Mount {
    /// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`
    fn parse(line: &str) -> Option<Self> {
        let (own, file_system) = line.split_once(" - ")?;
        let mut fields = own.split(' ').skip(2);
        let (device, root, point) = (fields.next()?, fields.next()?, fields.next()?);
        let set = |text: &str| text.split(',').map(str::to_owned).collect();
        let options = set(fields.next()?);
        let mut rest = file_system.splitn(3, ' ');
        Some(Self {
            device: device.to_owned(),
            root: unescaped(root),
            point: unescaped(point),
            options,
            propagation: fields.map(str::to_owned).collect(),
            kind: rest.next()?.to_owned(),
            super_options: rest.nth(1).map(set).unwrap_or_default(),
        })
    }

    fn holds(&self, path: &str) -> bool {
        path.strip_prefix(self.point.trim_end_matches('/'))
            .is_some_and(|below| below.is_empty() || below.starts_with('/'))
    }

    /// Whether it is one of those empty files and directories without permissions that systemd covers others with.
    /// They lie in /run/systemd, in $XDG_RUNTIME_DIR/systemd for users' managers, in /run/host below systemd-nspawn.
    pub fn is_inaccessible(&self) -> bool {
        let mut parts = self.root.rsplit('/');
        let kind = parts.next().unwrap_or_default();
        matches!(kind, "dir" | "reg" | "sock" | "fifo" | "chr" | "blk")
            && parts.next() == Some("inaccessible")
    }
}

/// Blanks, tabs, newlines and backslashes stand as `\` and three octal digits.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let octal = tail.get(..3).and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            u8::from_str_radix(digits, 8).ok()
        });
        if let (b'\\', Some(byte)) = (first, octal) {
            bytes.push(byte);
            rest = tail.get(3..).unwrap_or_default();
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
