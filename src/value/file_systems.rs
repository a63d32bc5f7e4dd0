//! The sets of file systems that RestrictFileSystems= knows (systemd 250 on; members as of 258).
//!
//! `@known` is not among them: its members are the kernel's of the day on which systemd was built.

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

/// The members of a set, or the name itself.
pub(super) fn members(word: &str) -> Vec<String> {
    let set = SETS.iter().find(|(name, _)| *name == word);
    set.map_or_else(
        || vec![word.to_owned()],
        |(_, members)| members.iter().map(|member| (*member).to_owned()).collect(),
    )
}
