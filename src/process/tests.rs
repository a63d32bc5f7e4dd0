use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::*;

const STATUS: &str = "Name:\tx\nUmask:\t0077\nState:\tS (sleeping)\nUid:\t1\t1\t1\t1\nGid:\t2\t2\t2\t2\n\
    Groups:\t2 4294967294 \nNSpid:\t10\nCapInh:\t0000000000000000\nCapPrm:\t0000000000000400\n\
    CapEff:\t0000000000000400\nCapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\n\
    Seccomp:\t2\nSeccomp_filters:\t6\nCpus_allowed_list:\t0-2,5\n";
const STAT: &str = "10 (a) b) S 1 10 10 0 -1 4194560 1 0 0 0 0 0 0 0 20 5 1 0 777 1 1 1 1 1 1 1 1 0 0 4096 0 0 0 0 17 0 7 2 0 0 0 0";

/// A process of a made-up /proc.
fn write(proc: &Path, pid: u32, files: &[(&str, &str)]) -> anyhow::Result<()> {
    let dir = proc.join(pid.to_string());
    fs::create_dir_all(dir.join("ns"))?;
    for (file, text) in files {
        fs::write(dir.join(file), text)?;
    }
    Ok(())
}

#[test]
fn a_process_is_read_and_what_is_not_there_is_missing() -> anyhow::Result<()> {
    let proc = tempfile::tempdir()?;
    let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
        Max open files            1024                 unlimited            files     \n\
        Max nice priority         0                    30                   \n";
    let mounts = "1 0 0:1 / / rw - ext4 /dev/a rw\n";
    write(
        proc.path(),
        10,
        &[
            ("status", STATUS),
            ("stat", STAT),
            ("limits", limits),
            ("mountinfo", mounts),
            ("oom_score_adj", "-5\n"),
            ("coredump_filter", "00000033\n"),
            ("ksm_stat", "ksm_rmap_items 0\nksm_merge_any: yes\n"),
            ("cgroup", "4:memory,cpu:/a:b\n0::/system.slice/x.service\n"),
        ],
    )?;
    symlink("mnt:[4026531841]", proc.path().join("10/ns/mnt"))?;
    symlink("/usr/bin/x", proc.path().join("10/exe"))?;
    let process =
        Processes::open(proc.path())?.read(10, &Part::all()).ok_or_else(|| anyhow::anyhow!("gone"))?;
    assert_eq!((process.name.as_str(), process.started), ("a) b", 777));
    assert_eq!((process.nice, process.priority, process.policy), (5, 7, 2));
    assert_eq!(process.program, Fact::Known("/usr/bin/x".to_owned()));
    let status = &process.status;
    assert_eq!((status.users, status.groups), ([1; 4], [2; 4]));
    assert!(status.supplementary.contains(&4_294_967_294));
    assert_eq!((status.effective, status.bounding), (1 << 10, (1 << 41) - 1));
    assert_eq!(status.no_new_privileges, Fact::Known(true));
    assert_eq!(status.filters, Fact::Known(Filters { mode: 2, count: Some(6) }));
    assert_eq!(status.umask, Fact::Known(0o077));
    assert_eq!(status.processors, Fact::Known([0, 1, 2, 5].into()));
    let Fact::Known(limits) = &process.limits else { anyhow::bail!("no limits") };
    assert_eq!(limits.get("Max open files"), Some(&(1024, u64::MAX)));
    assert_eq!(limits.get("Max nice priority"), Some(&(0, 30)));
    assert_eq!(process.namespace(Namespace::Mount), &Fact::Known(4_026_531_841));
    assert_eq!(process.namespace(Namespace::Network), &Fact::Missing);
    assert_eq!(process.oom_score_adjust, Fact::Known(-5));
    assert_eq!(process.core_dumps, Fact::Known(0x33));
    assert_eq!(process.merges_pages, Fact::Known(true));
    assert_eq!(process.personality, Fact::Missing);
    let Fact::Known(groups) = &process.control_groups else { anyhow::bail!("no control groups") };
    assert_eq!(groups[0].controllers, ["memory", "cpu"]);
    assert_eq!((groups[0].path.as_str(), groups[1].path.as_str()), ("/a:b", "/system.slice/x.service"));
    Ok(())
}

#[test]
fn what_has_ended_was_never_there() -> anyhow::Result<()> {
    let proc = tempfile::tempdir()?;
    write(proc.path(), 10, &[("status", STATUS), ("stat", &STAT.replace(") S ", ") Z "))])?;
    write(proc.path(), 11, &[("stat", STAT)])?;
    write(proc.path(), 12, &[("stat", "nonsense"), ("status", STATUS)])?;
    let processes = Processes::open(proc.path())?;
    for pid in [10, 11, 12, 13] {
        assert!(processes.read(pid, &Part::all()).is_none(), "{pid}");
    }
    Ok(())
}

#[test]
fn children_of_the_manager_are_told_apart() -> anyhow::Result<()> {
    let proc = tempfile::tempdir()?;
    let cases = [
        (1, "(sleep)", "/usr/lib/systemd/systemd-executor", true),
        (2, "(sd-pam)", "/usr/lib/systemd/systemd", true),
        (3, "systemd", "/usr/lib/systemd/systemd", false),
        (4, "(odd)", "/usr/bin/odd", false),
    ];
    for (pid, name, program, _) in cases {
        write(proc.path(), pid, &[("status", STATUS), ("stat", &STAT.replace("a) b", name))])?;
        symlink(program, proc.path().join(format!("{pid}/exe")))?;
    }
    let processes = Processes::open(proc.path())?;
    for (pid, name, _, expected) in cases {
        let process =
            processes.read(pid, &BTreeSet::new()).ok_or_else(|| anyhow::anyhow!("{name} is gone"))?;
        assert_eq!(process.is_manager_child(), expected, "{name}");
    }
    Ok(())
}

#[test]
fn the_last_of_the_longest_mount_points_counts() {
    let mounts = Mounts::parse(
        "1 0 0:1 / / ro shared:1 - ext4 /dev/a rw,errors=continue\n\
         2 1 0:1 /x /a rw,nosuid - ext4 /dev/a rw\n\
         3 2 0:2 / /a/b\\040c ro - tmpfs tmpfs rw,size=1k\n\
         4 1 0:3 /systemd/inaccessible/dir /a rw master:4 - tmpfs tmpfs rw\n\
         nonsense\n",
    );
    let at = |path: &str| mounts.at(path).map(|mount| mount.device.as_str());
    assert_eq!(at("/"), Some("0:1"));
    assert_eq!(at("/ab"), Some("0:1"));
    assert_eq!(at("/a"), Some("0:3"));
    assert_eq!(at("/a/b c/d"), Some("0:2"));
    assert!(mounts.mounted("/a/z").is_none());
    assert!(mounts.mounted("/a").is_some_and(Mount::is_inaccessible));
    assert_eq!(mounts.identity("/b/c"), Some(("0:1", "/b/c".to_owned())));
    assert_eq!(mounts.identity("/a/b c/d"), Some(("0:2", "/d".to_owned())));
}

#[test]
fn numbers_are_lists_of_ranges_within_reason() {
    assert_eq!(numbers("0-2,5\n"), Some([0, 1, 2, 5].into()));
    assert_eq!(numbers(""), Some([].into()));
    assert_eq!(numbers("0-4294967295"), None);
    assert_eq!(numbers("x"), None);
}

#[test]
fn a_control_group_has_the_processes_below_it_and_the_files_that_exist() -> anyhow::Result<()> {
    let tree = tempfile::tempdir()?;
    let group = tree.path().join("system.slice/x.service");
    fs::create_dir_all(group.join("below"))?;
    fs::write(tree.path().join("cgroup.controllers"), "")?;
    fs::write(group.join("cgroup.procs"), "12\n10\n0\n")?;
    fs::write(group.join("below/cgroup.procs"), "11\n")?;
    fs::write(group.join("memory.max"), "max\n")?;
    let groups = control_groups(tree.path()).ok_or_else(|| anyhow::anyhow!("no control groups"))?;
    let files = ["memory.max", "pids.max"];
    let found = groups.read("/system.slice/x.service", files).ok_or_else(|| anyhow::anyhow!("none"))?;
    assert_eq!(found.processes, [10, 11, 12]);
    assert!(found.unified);
    assert_eq!(found.files["memory.max"], Fact::Known("max".to_owned()));
    assert_eq!(found.files["pids.max"], Fact::Missing);
    assert!(groups.read("/system.slice/y.service", []).is_none());
    assert!(groups.read("/../../etc", []).is_none());
    // Version 1 alone has a hierarchy without controllers for systemd.
    let old = tempfile::tempdir()?;
    fs::create_dir(old.path().join("systemd"))?;
    fs::write(old.path().join("systemd/cgroup.procs"), "1\n")?;
    let groups = control_groups(old.path()).ok_or_else(|| anyhow::anyhow!("no control groups"))?;
    assert!(groups.read("/", []).is_some_and(|group| !group.unified && group.processes == [1]));
    Ok(())
}
