//! The sets of file systems that RestrictFileSystems= knows (systemd 250 on; the same members in 252, 257 and 262).
//!
//! `@known` has all that systemd has a name for, whatever the kernel has. It grew: where nobody looked whether a release
//! has a name already, that is said to be not known.

use crate::release::Release;

/// A set's name and its members.
static SETS: &[(&str, &[&str])] = &[
    ("@anonymous", &["anon_inodefs", "pipefs", "sockfs"]),
    ("@application", &["autofs", "fuse", "overlay"]),
    (
        "@auxiliary-api",
        &["binfmt_misc", "configfs", "efivarfs", "fusectl", "hugetlbfs", "rpc_pipefs", "securityfs"],
    ),
    ("@basic-api", &["cgroup", "cgroup2", "devpts", "devtmpfs", "mqueue", "proc", "sysfs"]),
    (
        "@common-block",
        &["btrfs", "erofs", "exfat", "ext4", "f2fs", "iso9660", "ntfs3", "squashfs", "udf", "vfat", "xfs"],
    ),
    ("@historical-block", &["ext2", "ext3", "minix"]),
    (
        "@network",
        &[
            "afs", "ceph", "cifs", "gfs", "gfs2", "ncp", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs",
            "pvfs2", "smb3", "smbfs",
        ],
    ),
    ("@privileged-api", &["bpf", "debugfs", "pstore", "tracefs"]),
    ("@security", &["apparmorfs", "selinuxfs", "smackfs"]),
    ("@temporary", &["ramfs", "tmpfs"]),
];

/// What is in `@known` of 252.39, 257.13 and 262.1 alike (`systemd-analyze filesystems`).
static KNOWN: &[&str] = &[
    "adfs",
    "affs",
    "afs",
    "anon_inodefs",
    "apparmorfs",
    "autofs",
    "balloon-kvm",
    "bdev",
    "binder",
    "binfmt_misc",
    "bpf",
    "btrfs",
    "btrfs_test_fs",
    "ceph",
    "cgroup",
    "cgroup2",
    "cifs",
    "coda",
    "configfs",
    "cpuset",
    "cramfs",
    "dax",
    "debugfs",
    "devmem",
    "devpts",
    "devtmpfs",
    "dmabuf",
    "ecryptfs",
    "efivarfs",
    "efs",
    "erofs",
    "exfat",
    "ext2",
    "ext3",
    "ext4",
    "f2fs",
    "fuse",
    "fuseblk",
    "fusectl",
    "gfs",
    "gfs2",
    "hostfs",
    "hpfs",
    "hugetlbfs",
    "iso9660",
    "jffs2",
    "minix",
    "mqueue",
    "msdos",
    "ncp",
    "ncpfs",
    "nfs",
    "nfs4",
    "nilfs2",
    "nsfs",
    "ntfs",
    "ntfs3",
    "ocfs2",
    "openpromfs",
    "orangefs",
    "overlay",
    "pipefs",
    "ppc-cmm",
    "proc",
    "pstore",
    "pvfs2",
    "qnx4",
    "qnx6",
    "ramfs",
    "reiserfs",
    "resctrl",
    "rpc_pipefs",
    "secretmem",
    "securityfs",
    "selinuxfs",
    "shiftfs",
    "smackfs",
    "smb3",
    "smbfs",
    "sockfs",
    "squashfs",
    "sysfs",
    "tmpfs",
    "tracefs",
    "udf",
    "usbdevfs",
    "v9fs",
    "vboxsf",
    "vfat",
    "xenfs",
    "xfs",
    "z3fold",
    "zonefs",
    "zsmalloc",
];

/// What came later: the last release that was seen without it, and the first that was seen with it.
static CAME: &[(&str, Release, Release)] = &[
    // systemd/systemd#33108, of June 2024.
    ("bcachefs", Release::latest(252), Release::first(257)),
    ("failfs", Release::latest(257), Release::first(262)),
    ("gmem", Release::latest(257), Release::first(262)),
    ("nullfs", Release::latest(257), Release::first(262)),
    // systemd/systemd#31709, of March 2024, brought to stable releases.
    ("pidfs", Release::first(250), Release { major: 252, minor: 39 }),
];

/// What a word of the list comes to.
pub(super) struct Members {
    /// Those of the release.
    pub(super) sure: Vec<&'static str>,
    /// Those that it may have.
    pub(super) unsure: Vec<&'static str>,
}

/// The members of a set, if there is one of that name.
pub(super) fn members(set: &str, release: Release) -> Option<Members> {
    if set == "@known" {
        let mut members = Members { sure: KNOWN.to_vec(), unsure: Vec::new() };
        for (name, without, with) in CAME {
            if release >= *with {
                members.sure.push(name);
            } else if release > *without {
                members.unsure.push(name);
            }
        }
        return Some(members);
    }
    let (_, sure) = SETS.iter().find(|(name, _)| *name == set)?;
    Some(Members { sure: sure.to_vec(), unsure: Vec::new() })
}

/// Whether systemd has no name like that, as far as is known: it then leaves it out as the unit starts.
pub(super) fn is_unknown(name: &str, release: Release) -> bool {
    !KNOWN.contains(&name)
        && release <= Release::latest(262)
        && CAME.iter().all(|(came, without, _)| *came != name || release <= *without)
}
