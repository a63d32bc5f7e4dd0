use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::running::{File, FileKind, Scene, Seen};
use super::*;
use crate::listeners::Sockets;
use crate::need::NEEDS;
use crate::process::{Part, Process, Processes};
use crate::program::{Program, Script};

#[test]
fn every_hint_is_for_a_need_that_a_manifest_can_state() {
    for hint in HINTS {
        let thing = match hint.takes {
            Takes::Nothing => None,
            Takes::Fixed(thing) => Some(thing),
            Takes::Thing => Some(match hint.need {
                Need::BindsPort => "tcp 80",
                Need::Devices => "/dev/x rw",
                Need::Capabilities => "CAP_FSETID",
                Need::MakesSandboxes => "net",
                _ => "/srv/x",
            }),
        };
        let before = [Need::BecomesUsers, Need::NetworkAdmin].map(|need| Statement::seen(need, None, &[]));
        let before: Vec<Statement> = before.into_iter().flatten().collect();
        assert!(Statement::seen(hint.need, thing, &before).is_some(), "{} {thing:?}", hint.need);
    }
}

#[test]
fn every_thing_is_named_once_for_a_need() {
    let mut named = BTreeSet::new();
    for hint in HINTS {
        for thing in hint.things {
            let fixed = if let Takes::Fixed(fixed) = hint.takes { fixed } else { "" };
            assert!(named.insert((hint.sign, thing, hint.need, fixed)), "{thing} twice for {}", hint.need);
        }
    }
    assert!(NEEDS.iter().any(|row| !HINTS.iter().any(|hint| hint.need == row.need)));
}

#[test]
fn programs_are_told_by_what_they_import_say_and_are_run_by() {
    let own = "/usr/lib/app/libown.so".to_owned();
    let path = "/usr/sbin/app".to_owned();
    let program = Program {
        path: path.clone(),
        imports: BTreeMap::from([
            ("chown".to_owned(), own),
            ("getifaddrs".to_owned(), path.clone()),
            ("printf".to_owned(), path.clone()),
        ]),
        libraries: BTreeMap::from([("libluajit-5.1.so.2".to_owned(), path.clone())]),
        texts: BTreeMap::from([("/proc/meminfo", path)]),
        capabilities: 1 << 10,
        ..Program::default()
    };
    let script = Program {
        path: "/usr/bin/start".to_owned(),
        script: Script::parse(b"#!/bin/dash\nchown app /run/app\nprintf x\n"),
        interpreter: Some("/usr/bin/dash".to_owned()),
        ..Program::default()
    };
    let seen = programs::sightings(&[program.clone(), program, script]);
    let told: Vec<String> = seen
        .iter()
        .map(|sighting| {
            if sighting.is_listed {
                format!("{} {}", sighting.source, sighting.thing)
            } else {
                sighting.source.clone()
            }
        })
        .collect();
    assert_eq!(
        told,
        [
            "/usr/lib/app/libown.so, a library of /usr/sbin/app, imports chown",
            "/usr/sbin/app imports getifaddrs",
            "/usr/sbin/app is linked with libluajit-5.1.so.2",
            "/usr/sbin/app holds the text /proc/meminfo",
            "the file /usr/sbin/app gives CAP_NET_BIND_SERVICE (security.capability)",
            "/usr/bin/start is a script of dash",
            "/usr/bin/start, a script of dash, says chown",
            "/usr/bin/start is run by /usr/bin/dash",
        ]
    );
}

/// What a process of a made-up /proc is like.
struct Made<'m> {
    pid: u32,
    name: &'m str,
    parent: u32,
    users: &'m str,
    permitted: &'m str,
    root: &'m str,
    maps: &'m str,
    /// Targets and flags.
    open: &'m [(&'m str, &'m str)],
}

const PLAIN: Made<'static> = Made {
    pid: 10,
    name: "app",
    parent: 1,
    users: "0 0 0 0",
    permitted: "000001ffffffffff",
    root: "/",
    maps: "",
    open: &[],
};

fn make(proc: &Path, made: &Made<'_>) -> Result<()> {
    let dir = proc.join(made.pid.to_string());
    for folder in ["fd", "fdinfo", "ns", "net"] {
        fs::create_dir_all(dir.join(folder))?;
    }
    let Made { pid, name, parent, users, permitted, .. } = made;
    let zeros = "0 ".repeat(14);
    fs::write(dir.join("stat"), format!("{pid} ({name}) S {parent} {zeros}20 0 1 0 77 {}", "0 ".repeat(30)))?;
    let status = format!(
        "Uid:\t{users}\nGid:\t{users}\nGroups:\t\nCapPrm:\t{permitted}\nCapEff:\t{permitted}\n\
         CapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000000\n"
    );
    fs::write(dir.join("status"), status)?;
    fs::write(dir.join("comm"), format!("{name}\n"))?;
    fs::write(dir.join("maps"), made.maps)?;
    symlink(made.root, dir.join("root"))?;
    symlink("/var/spool/app", dir.join("cwd"))?;
    symlink("/usr/sbin/app", dir.join("exe"))?;
    for (number, (target, flags)) in made.open.iter().enumerate() {
        symlink(target, dir.join(format!("fd/{number}")))?;
        fs::write(dir.join(format!("fdinfo/{number}")), format!("pos:\t0\nflags:\t{flags}\n"))?;
    }
    Ok(())
}

/// The sightings of made processes, as sign and thing.
fn run(made: &[Made<'_>], tables: &[(&str, &str)]) -> Result<Vec<(Sign, String)>> {
    let proc = tempfile::tempdir()?;
    let numbers: Vec<u32> = made.iter().map(|made| made.pid).collect();
    for one in made {
        make(proc.path(), one)?;
        for (file, table) in tables {
            fs::write(proc.path().join(format!("{}/net/{file}", one.pid)), table)?;
        }
    }
    let (kernel, sockets) = (Processes::open(proc.path())?, Sockets::open(proc.path())?);
    let seen = |pid: &u32| -> Result<Seen> {
        let process: Process = kernel.read(*pid, &Part::all()).context("no process")?;
        Ok(Seen { process, holdings: kernel.holdings(*pid), families: sockets.families(*pid) })
    };
    let regular = |mode: u32, owner: u32| File { kind: FileKind::Regular, owner, group: owner, mode };
    let scene = Scene {
        processes: numbers.iter().map(seen).collect::<Result<_>>()?,
        manager: None,
        held: sockets.held(&numbers, Vec::new()),
        own: BTreeSet::from(["/usr/sbin/app".to_owned()]),
        starts_as_root: true,
        user: &|uid| format!("u{uid}"),
        file: &|path| match path {
            "/dev/rtc0" => Some(File { kind: FileKind::Device, ..regular(0o600, 0) }),
            "/var/log/app/its.log" => Some(regular(0o600, 33)),
            "/" | "/var" | "/var/log" => Some(File { kind: FileKind::Directory, ..regular(0o755, 0) }),
            "/var/log/app" => Some(File { kind: FileKind::Directory, ..regular(0o700, 33) }),
            _ => Some(regular(0o755, 0)),
        },
        is_made: &|path| path == "/run/made",
        owned: vec![("/run/own".to_owned(), 33), ("/run/other".to_owned(), 34), ("/run/made".to_owned(), 33)],
        pid_file: Some("/run/app.pid".to_owned()),
    };
    let seen = running::sightings(&scene);
    assert!(seen.iter().all(|sighting| !sighting.source.contains("10 ") && !sighting.source.is_empty()));
    Ok(seen.into_iter().map(|sighting| (sighting.sign, sighting.thing)).collect())
}

fn of(sign: Sign, seen: &[(Sign, String)]) -> Vec<&str> {
    seen.iter().filter(|(found, _)| *found == sign).map(|(_, thing)| thing.as_str()).collect()
}

#[test]
fn processes_are_told_by_who_they_are_and_what_they_kept() -> Result<()> {
    let worker =
        Made { pid: 11, name: "worker", parent: 10, users: "33 33 33 33", permitted: "2000400", ..PLAIN };
    let seen = run(&[PLAIN, worker], &[])?;
    assert_eq!(of(Sign::Became, &seen), ["u33"]);
    assert_eq!(of(Sign::Signals, &seen), ["u33"]);
    assert_eq!(
        (of(Sign::Holds, &seen), of(Sign::HoldsOther, &seen)),
        (vec!["CAP_SYS_TIME"], vec!["CAP_NET_BIND_SERVICE"])
    );
    // Root that stands in for somebody has all that root has, and keeps nothing.
    let local = Made { pid: 11, name: "local", users: "0 65534 0 65534", ..PLAIN };
    let seen = run(&[PLAIN, local], &[])?;
    assert_eq!((of(Sign::Holds, &seen), of(Sign::RunsSetId, &seen)), (vec![], vec![]));
    Ok(())
}

#[test]
fn open_files_tell_where_a_service_writes_and_what_keeps_others_out() -> Result<()> {
    let open = [
        ("/var/log/app/its.log", "0102001"),
        ("/dev/null", "0100002"),
        ("/dev/rtc0", "0100000"),
        ("/sys/fs/cgroup/x/cgroup.procs", "01"),
        ("/proc/sys/vm/swappiness", "02"),
        ("/home/u/x", "0"),
        ("/var/lib/app/a/b/gone (deleted)", "02"),
        ("/etc/app/read-only.conf", "0"),
        ("/var/run/sub/x", "02"),
        ("anon_inode:bpf-map", "02"),
        ("socket:[5]", "02"),
    ];
    let seen = run(&[Made { open: &open, ..PLAIN }], &[])?;
    assert_eq!(of(Sign::OpensDevice, &seen), ["/dev/rtc0 r"]);
    assert_eq!((of(Sign::ChangesGroups, &seen), of(Sign::WritesTunable, &seen)), (vec![""], vec![""]));
    assert_eq!((of(Sign::ReadsHome, &seen), of(Sign::WritesHome, &seen)), (vec![""], vec![]));
    assert_eq!((of(Sign::WritesOthers, &seen), of(Sign::HoldsBpf, &seen)), (vec![""], vec![""]));
    // The directory is closed to root without the capability to search it.
    assert_eq!(of(Sign::ReadsOthers, &seen), [""]);
    let writes = of(Sign::Writes, &seen);
    assert!(
        writes.contains(&"-/var/log/app/")
            && writes.contains(&"+/run/sub/")
            && writes.contains(&"+/run/app.pid"),
        "{writes:?}"
    );
    Ok(())
}

#[test]
fn directories_of_the_users_it_runs_as_are_its_own() -> Result<()> {
    let seen = run(&[Made { users: "33 33 33 33", permitted: "0", ..PLAIN }], &[])?;
    assert_eq!(of(Sign::Writes, &seen), ["+/run/own", "-/run/made", "+/run/app.pid"]);
    Ok(())
}

#[test]
fn memory_and_roots_are_told() -> Result<()> {
    let maps = "7f00-7f01 rwxp 00000000 00:00 0 \n7f02-7f03 r-xp 00000000 fe:00 9    /opt/app/plugin.so\n\
        7f04-7f05 r-xp 00000000 fe:00 9    /usr/lib/x.so\n7f06-7f07 r-xp 00000000 fe:00 9    /usr/sbin/app\n";
    let seen = run(&[Made { maps, root: "/var/spool/app", ..PLAIN }], &[])?;
    assert_eq!(
        (of(Sign::WritesCode, &seen), of(Sign::LoadsCode, &seen)),
        (vec![""], vec!["/opt/app/plugin.so"])
    );
    assert_eq!(of(Sign::Root, &seen), ["/var/spool/app"]);
    Ok(())
}

#[test]
fn sockets_are_told_by_their_ends_and_families() -> Result<()> {
    let head = "head\n";
    let row = |address: &str, state: &str, inode: u32| {
        format!("{head}0: {address} 00000000:0000 {state} 0:0 0:0 0 0 0 {inode} 1\n")
    };
    let unix = |inode: u32, path: &str| format!("0: 2 0 00010000 0001 01 {inode} {path}\n");
    let tcp = row("00000000:0050", "0A", 5);
    let netlink = format!("{head}0 0 0 0 0 0 0 2 0 6\n");
    let packet = format!("{head}0 3 3 0003 2 1 0 0 7\n");
    let local = [unix(8, "/run/app/a"), unix(9, "/run/app/b"), unix(10, "public/c"), unix(11, "/run/app/d")];
    let local = format!("{head}{}", local.concat());
    let numbers: Vec<String> = (5..=11).map(|inode| format!("socket:[{inode}]")).collect();
    let open: Vec<(&str, &str)> = numbers.iter().map(|target| (target.as_str(), "02")).collect();
    let tables = [
        ("tcp", tcp.as_str()),
        ("netlink", netlink.as_str()),
        ("packet", packet.as_str()),
        ("unix", local.as_str()),
    ];
    let seen = run(&[Made { open: &open, ..PLAIN }], &tables)?;
    assert_eq!(of(Sign::Speaks, &seen), ["AF_NETLINK", "AF_PACKET"]);
    assert_eq!(of(Sign::Listens, &seen), ["tcp 80", "unix /run/app/", "unix /var/spool/app/public/c"]);
    // One that waits for nobody is told by its family alone.
    let client = row("00000000:9000", "01", 5);
    let seen = run(&[Made { open: &[("socket:[5]", "02")], ..PLAIN }], &[("tcp", client.as_str())])?;
    assert_eq!((of(Sign::Speaks, &seen), of(Sign::Listens, &seen)), (vec!["AF_INET"], vec![]));
    Ok(())
}
