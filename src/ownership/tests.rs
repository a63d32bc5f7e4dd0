//! The shipped manifests beside trees that are as they say, then changed one thing at a time: each change is one
//! finding.

mod place;

use std::path::{Path, PathBuf};

use super::Activity;
use super::acl::{Acl, Grant, Who};
use crate::finding::Severity;
use crate::holes::Privileges;
use place::{Place, load, parsec, program, tree};

#[test]
fn a_host_that_is_as_declared_has_no_findings() -> anyhow::Result<()> {
    let place = parsec()?;
    let findings = place.audit()?;
    let told: Vec<_> = findings.iter().map(|finding| (finding.id.as_ref(), finding.text.as_str())).collect();
    assert_eq!(told, [("group.members", "group `parsec-clients`: alice")]);
    Ok(())
}

#[test]
fn a_tree_in_which_nothing_runs_may_lack_what_is_made_later() -> anyhow::Result<()> {
    let mut place = parsec()?;
    for made in ["/run/parsec", "/var/lib/parsec", "/var/log/parsec"] {
        place.tree.nodes.retain(|path, _| !path.starts_with(made));
    }
    place.activity = Activity::Offline;
    assert_eq!(place.found()?, [""; 0]);
    place.activity = Activity::Inactive;
    let missing = ["/run/parsec", "/var/lib/parsec", "/var/log/parsec"];
    assert_eq!(place.found()?, missing.map(|path| format!("finding path.missing {path}")));
    Ok(())
}

type Change = fn(&mut Place) -> anyhow::Result<()>;

/// A change of a host, and the one thing that is found.
const CHANGES: &[(&str, Change)] = &[
    ("finding path.mode /etc/parsec/config.toml", |place| {
        place.tree.at("/etc/parsec/config.toml")?.mode = 0o640;
        Ok(())
    }),
    ("critical path.mode /etc/parsec/config.toml", |place| {
        place.tree.at("/etc/parsec/config.toml")?.mode = 0o602;
        Ok(())
    }),
    ("finding path.mode /etc/parsec/config.toml", |place| {
        // The service writes it.
        place.tree.at("/etc/parsec/config.toml")?.mode = 0o400;
        Ok(())
    }),
    ("finding path.owner /etc/parsec/config.toml", |place| {
        let node = place.tree.at("/etc/parsec/config.toml")?;
        (node.uid, node.gid) = (1000, 1000);
        Ok(())
    }),
    ("finding path.group /run/parsec", |place| {
        place.tree.at("/run/parsec")?.gid = 1001;
        Ok(())
    }),
    ("critical path.mode /run/parsec", |place| {
        place.tree.at("/run/parsec")?.mode = 0o757;
        Ok(())
    }),
    ("finding path.mode /var/lib/parsec/a.psa_its", |place| {
        place.tree.at("/var/lib/parsec/a.psa_its")?.mode = 0o644;
        place.tree.add("/var/lib/parsec/b.psa_its 644 990 990")
    }),
    ("finding path.owner /var/lib/parsec/mappings/MTAwMA==", |place| {
        place.tree.at("/var/lib/parsec/mappings/MTAwMA==")?.uid = 1000;
        Ok(())
    }),
    ("finding path.link-out /var/lib/parsec/c", |place| {
        place.tree.add("/var/lib/parsec/inside 777 990 990 -> mappings")?;
        place.tree.add("/var/lib/parsec/c 777 990 990 -> ../../../etc/parsec")
    }),
    ("finding path.acl /etc/parsec/config.toml", |place| {
        let grants = vec![Grant { who: Who::User(1001), bits: 4 }];
        place.tree.at("/etc/parsec/config.toml")?.acl =
            Some(Acl { group: Some(0), grants, is_inherited: false });
        Ok(())
    }),
    ("finding path.acl /var/lib/parsec/mappings", |place| {
        let acl = Acl { group: None, grants: Vec::new(), is_inherited: true };
        place.tree.at("/var/lib/parsec/mappings")?.acl = Some(acl);
        Ok(())
    }),
    ("finding path.missing /etc/parsec", |place| {
        place.tree.nodes.retain(|path, _| !path.starts_with("/etc/parsec"));
        Ok(())
    }),
    ("finding path.kind /var/lib/parsec", |place| {
        for line in ["/srv/ 755 0 0", "/srv/parsec/ 700 990 990", "/srv/parsec/mappings/ 700 990 990"] {
            place.tree.add(line)?;
        }
        place.tree.nodes.retain(|path, _| !path.starts_with("/var/lib/parsec"));
        place.tree.add("/var/lib/parsec 777 0 0 -> /srv/parsec")
    }),
    // Whoever may rename the folder chooses the configuration.
    ("critical path.parent-writable /etc", |place| {
        let node = place.tree.at("/etc")?;
        (node.mode, node.gid) = (0o775, 1000);
        Ok(())
    }),
    ("finding path.owner /etc/parsec", |place| {
        place.tree.at("/etc/parsec")?.uid = 990;
        Ok(())
    }),
    ("critical exec.writable /usr/libexec/parsec", |place| {
        let node = place.tree.at("/usr/libexec/parsec")?;
        (node.mode, node.gid) = (0o775, 1000);
        Ok(())
    }),
    ("finding exec.writable /usr/libexec/parsec", |place| {
        place.tree.at("/usr/libexec/parsec")?.uid = 990;
        Ok(())
    }),
    ("critical path.parent-writable /usr/libexec", |place| {
        place.tree.at("/usr/libexec")?.mode = 0o777;
        Ok(())
    }),
    ("critical exec.writable /opt/python", |place| {
        place.tree.heads.insert(PathBuf::from("/usr/libexec/parsec"), b"#!/opt/python -I\n".to_vec());
        place.tree.add("/opt/ 755 0 0")?;
        place.tree.add("/opt/python 755 1001 1001")
    }),
    ("critical exec.writable /opt/a/bin/helper", |place| {
        // Only what the unit says is searched.
        place.lines.push(("ExecSearchPath", "/opt/a/bin".to_owned()));
        place.commands.push(program("helper"));
        place.tree.add("/usr/bin/helper 755 0 0")?;
        place.tree.add("/opt/ 755 0 0")?;
        place.tree.add("/opt/a/ 755 0 0")?;
        place.tree.add("/opt/a/bin/ 755 0 0")?;
        place.tree.add("/opt/a/bin/helper 755 1001 1001")
    }),
    ("finding exec.missing /opt/a/bin/helper", |place| {
        place.lines.push(("ExecSearchPath", "/opt/a/bin".to_owned()));
        place.commands.push(program("helper"));
        place.tree.add("/usr/bin/helper 755 0 0")
    }),
    ("finding exec.missing /usr/libexec/parsec", |place| {
        place.tree.nodes.retain(|path, _| path != Path::new("/usr/libexec/parsec"));
        Ok(())
    }),
    ("finding exec.hidden /usr/libexec/parsec", |place| {
        place.tree.add("/home/parsec 755 0 0")?;
        place.tree.add("/usr/libexec/parsec 777 0 0 -> /home/parsec")
    }),
    ("finding account.missing parsec", |place| {
        place.passwd = place.passwd.replace("parsec:x:", "other:x:");
        place.group = place.group.replace("parsec:x:990", "other:x:990");
        Ok(())
    }),
    ("finding account.shell parsec", |place| {
        place.passwd = place.passwd.replace("/usr/sbin/nologin", "/bin/bash");
        Ok(())
    }),
    ("critical account.uid-shared parsec", |place| {
        place.passwd.push_str("toor:x:990:1001::/:/bin/bash\n");
        Ok(())
    }),
    ("finding account.password parsec", |place| {
        place.shadow = "parsec:$y$j9T$x:1::::::\n".to_owned();
        Ok(())
    }),
    ("critical account.password parsec", |place| {
        place.shadow = "parsec::1::::::\n".to_owned();
        Ok(())
    }),
    ("finding group.member-undeclared bob", |place| {
        place.group = place.group.replace("parsec:x:990:", "parsec:x:990:bob");
        Ok(())
    }),
    ("finding group.missing parsec-clients", |place| {
        place.group = place.group.replace("parsec-clients:x:980:alice\n", "");
        place.tree.at("/run/parsec")?.gid = 980;
        Ok(())
    }),
    ("finding home.elsewhere /home/alice", |place| {
        place.tree.add("/srv/ 755 0 0")?;
        place.tree.add("/srv/alice/ 755 1000 1000")?;
        place.tree.add("/home/alice 777 0 0 -> /srv/alice")
    }),
    ("finding home.hidden parsec", |place| {
        place.lines.push(("InaccessiblePaths", "/var/lib/parsec".to_owned()));
        Ok(())
    }),
];

#[test]
fn each_change_is_one_finding() -> anyhow::Result<()> {
    for (expected, change) in CHANGES {
        let mut place = parsec()?;
        change(&mut place)?;
        assert_eq!(place.found()?, [*expected], "{:#?}", place.audit()?);
    }
    Ok(())
}

#[test]
fn what_nobody_else_gains_by_is_a_notice() -> anyhow::Result<()> {
    let changes: &[(&str, Change)] = &[
        ("path.mode", |place| {
            place.tree.at("/run/parsec")?.mode = 0o700;
            Ok(())
        }),
        ("exec.writable", |place| {
            let node = place.tree.at("/usr/libexec/parsec")?;
            (node.mode, node.gid) = (0o775, 50);
            Ok(())
        }),
        ("exec.shell", |place| {
            place.tree.heads.insert(PathBuf::from("/usr/libexec/parsec"), b"#! /bin/sh\n".to_vec());
            place.tree.add("/usr/bin/sh 755 0 0")
        }),
        ("account.id", |place| {
            place.passwd = place.passwd.replace("parsec:x:990:", "parsec:x:2000:");
            for node in place.tree.nodes.values_mut().filter(|node| node.uid == 990) {
                node.uid = 2000;
            }
            Ok(())
        }),
    ];
    for (id, change) in changes {
        let mut place = parsec()?;
        change(&mut place)?;
        let findings = place.audit()?;
        assert_eq!(place.found()?, [""; 0], "{id}");
        let is_told =
            findings.iter().any(|finding| finding.id == *id && finding.severity == Severity::Notice);
        assert!(is_told, "{id}: {findings:#?}");
    }
    Ok(())
}

#[test]
fn what_root_runs_is_no_members_to_write() -> anyhow::Result<()> {
    let place = || -> anyhow::Result<Place> {
        Ok(Place {
            manifest: load("scarletdme.toml", include_str!("../../units/scarletdme/scarletdme.toml"))?,
            unit: "scarletdme.service",
            lines: Vec::new(),
            tree: tree(&[
                "/usr/qmsys/ 3775 0 980",
                "/usr/qmsys/bin/ 755 0 0",
                "/usr/qmsys/bin/qm 755 0 0",
                "/etc/scarlet.conf 644 0 0",
                "/run/scarletdme/ 755 0 0",
            ])?,
            passwd: "root:x:0:0::/root:/bin/sh\nqmsys:x:990:980::/usr/qmsys:/usr/sbin/nologin\n\
                     dme:x:1000:1000::/home/dme:/bin/sh\n"
                .to_owned(),
            group: "root:x:0:\nqmusers:x:980:dme\ndme:x:1000:\n".to_owned(),
            shadow: "qmsys:!:\n".to_owned(),
            commands: vec![program("/usr/qmsys/bin/qm")],
            activity: Activity::Active,
        })
    };
    assert_eq!(place()?.found()?, [""; 0]);
    // As the program's own installation leaves it: a member puts another folder in the place of this one.
    let changes: &[(&str, Change)] = &[
        ("critical path.mode /usr/qmsys", |place| {
            place.tree.at("/usr/qmsys")?.mode = 0o2775;
            Ok(())
        }),
        ("critical path.owner /usr/qmsys", |place| {
            place.tree.at("/usr/qmsys")?.uid = 990;
            Ok(())
        }),
        ("critical path.group /usr/qmsys/bin", |place| {
            let node = place.tree.at("/usr/qmsys/bin")?;
            (node.mode, node.gid) = (0o755, 980);
            node.acl = None;
            node.mode = 0o775;
            Ok(())
        }),
        ("critical path.mode /usr/qmsys/bin/qm", |place| {
            place.tree.at("/usr/qmsys/bin/qm")?.mode = 0o757;
            Ok(())
        }),
        ("critical path.acl /usr/qmsys/bin/qm", |place| {
            let grants = vec![Grant { who: Who::User(1000), bits: 2 }];
            place.tree.at("/usr/qmsys/bin/qm")?.acl =
                Some(Acl { group: Some(5), grants, is_inherited: false });
            Ok(())
        }),
    ];
    for (expected, change) in changes {
        let mut place = place()?;
        change(&mut place)?;
        let found = place.found()?;
        // A group and a mode are two changes.
        assert!(
            found.contains(&(*expected).to_owned()) && found.len() <= 2,
            "{expected}: {:#?}",
            place.audit()?
        );
    }
    Ok(())
}

#[test]
fn what_root_runs_for_a_service_is_judged_as_roots() -> anyhow::Result<()> {
    let mut place = parsec()?;
    place.tree.at("/usr/libexec/parsec")?.uid = 990;
    for command in &mut place.commands {
        command.privileges = Privileges::KeepsIdentity;
    }
    assert_eq!(place.found()?, ["critical exec.writable /usr/libexec/parsec"]);
    Ok(())
}

#[test]
fn the_user_of_everybody_is_nobodys() -> anyhow::Result<()> {
    let text =
        "edition = 1\n[users.nobody]\nexists = true\n[service]\nname = \"a\"\nexec = [\"/usr/bin/a\"]\n";
    let mut place = parsec()?;
    place.manifest = load("a.toml", text)?;
    place.unit = "a.service";
    place.commands = vec![program("/usr/bin/a")];
    place.tree.add("/usr/bin/a 755 0 0")?;
    place.lines = vec![("User", "nobody".to_owned())];
    place.passwd.push_str("nobody:x:65534:65534::/:/usr/sbin/nologin\n");
    assert_eq!(place.found()?, ["finding account.nobody nobody"]);
    Ok(())
}

#[test]
fn links_in_a_circle_are_told_and_not_followed() -> anyhow::Result<()> {
    let mut place = parsec()?;
    place.tree.add("/usr/libexec/parsec 777 0 0 -> parsec")?;
    let findings = place.audit()?;
    assert!(findings.iter().any(|finding| finding.id == "path.not-known"), "{findings:#?}");
    Ok(())
}

#[test]
fn a_process_that_kept_its_group_is_named_and_one_that_may_have_it_is_not() -> anyhow::Result<()> {
    let status = |uid: u32, gid: [u32; 2], groups: &str| {
        let [real, effective] = gid;
        format!(
            "Uid:\t{uid}\t{uid}\t{uid}\t{uid}\nGid:\t{real}\t{effective}\t{effective}\t{effective}\n\
             Groups:\t{groups} \nCapPrm:\t0\nCapEff:\t0\nCapBnd:\t0\nCapAmb:\t0\n"
        )
    };
    let proc = tempfile::tempdir()?;
    let processes = [
        (1, status(0, [0, 0], "980")),
        // A member.
        (10, status(1000, [1000, 1000], "980 1000")),
        // A program with the set-group-ID bit.
        (11, status(1001, [1001, 980], "1001")),
        (12, status(1001, [1001, 1001], "1001")),
    ];
    for (pid, status) in &processes {
        std::fs::create_dir(proc.path().join(pid.to_string()))?;
        std::fs::write(proc.path().join(format!("{pid}/status")), status)?;
    }
    let place = parsec()?;
    let found = || place.lingering(proc.path(), &[]);
    assert_eq!(found()?, [""; 0]);
    for (pid, status) in [(20, status(1001, [980, 980], "")), (21, status(990, [990, 990], "980"))] {
        std::fs::create_dir(proc.path().join(pid.to_string()))?;
        std::fs::write(proc.path().join(format!("{pid}/status")), status)?;
    }
    let [text] = found()?.try_into().map_err(|found| anyhow::anyhow!("{found:?}"))?;
    let expected = "finding group.lingering parsec-clients: processes act for group `parsec-clients` whose users are \
                    not in it: 20 of `bob` (uid 1001), 21 of `parsec` (uid 990); a process keeps";
    assert!(text.starts_with(expected), "{text}");
    // Given by the manifest.
    let text = include_str!("../../units/parsec-direct/parsec.toml");
    let text = text.replace("\n[service]\n", "\n[service]\ngroups = [\"parsec-clients\"]\n");
    let place = Place { manifest: load("parsec.toml", &text)?, ..parsec()? };
    let found = place.lingering(proc.path(), &[])?;
    assert!(found.len() == 1 && !found[0].contains("uid 990"), "{found:?}");
    let found = place.lingering(proc.path(), &[20])?;
    assert_eq!(found, [""; 0]);
    Ok(())
}
