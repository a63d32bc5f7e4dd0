//! Which files make up a unit, seen with systemd 252.39.

use std::path::Path;

use anyhow::bail;

use super::super::test_tree::Tree;
use super::super::{Load, Loader, MAX_DROP_INS, MAX_PARTS, SearchPath, UnitName, UnitText};

const UNIT: &str = ": [Service];from=fragment";

fn load(tree: &Tree, name: &str) -> anyhow::Result<Load> {
    let root = tree.root()?;
    Loader::new(&root, SearchPath::system()).load(&name.parse()?)
}

fn loaded(tree: &Tree, name: &str) -> anyhow::Result<UnitText> {
    match load(tree, name)? {
        Load::Loaded(text) => Ok(text),
        other => bail!("`{name}`: {other:?}"),
    }
}

fn values(text: &UnitText) -> Vec<&str> {
    text.assignments.iter().map(|assignment| assignment.value.as_str()).collect()
}

fn names(text: &UnitText) -> Vec<&str> {
    text.names.iter().map(UnitName::as_str).collect()
}

fn tree(lines: &[&str]) -> anyhow::Result<Tree> {
    let lines: Vec<String> = lines
        .iter()
        .map(|line| {
            line.replace("ETC", "/etc/systemd/system")
                .replace("RUN", "/run/systemd/system")
                .replace("USR", "/usr/lib/systemd/system")
        })
        .collect();
    Tree::new(&lines.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn the_first_directory_wins_whole() -> anyhow::Result<()> {
    let tree = tree(&["ETC/a.service: [Service];k=etc", "USR/a.service: [Service];k=usr;l=usr"])?;
    let text = loaded(&tree, "a.service")?;
    assert_eq!(values(&text), ["etc"]);
    assert_eq!(text.fragment.as_deref(), Some(Path::new("/etc/systemd/system/a.service")));
    assert_eq!(
        text.assignments.first().map(|a| (a.line, &*a.source)),
        Some((2, Path::new("/etc/systemd/system/a.service")))
    );
    assert_eq!(load(&tree, "b.service")?, Load::NotFound);
    assert!(load(&tree, "b@.service").is_err());
    Ok(())
}

#[test]
fn masks_and_broken_files_stop_the_unit() -> anyhow::Result<()> {
    let tree = tree(&[
        "ETC/null.service -> /dev/null",
        "ETC/empty.service",
        "ETC/alias.service -> null.service",
        "ETC/outside.service -> /opt/empty.service",
        "/opt/empty.service",
        "ETC/header.service: [Service];k=v;[Broken",
        "ETC/bytes.service: [Service];k=v",
        "ETC/dangling.service -> /opt/absent.service",
        "ETC/away.service -> absent.service",
        "ETC/one.service -> two.service",
        "ETC/two.service -> one.service",
        "ETC/self.service -> self.service",
        "ETC/dir.service/",
        "ETC/tofifo.service -> /opt/fifo.service",
        "USR/null.service: [Service];k=v",
        "USR/fifo.service: [Service];k=v",
        "USR/self.service: [Service];k=v",
    ])?;
    tree.fifo("/etc/systemd/system/fifo.service")?;
    tree.fifo("/opt/fifo.service")?;
    std::fs::write(tree.place("/etc/systemd/system/bytes.service")?, b"[Service]\nk=\xff\n")?;
    for (name, mask) in [("null", "null"), ("empty", "empty"), ("alias", "null"), ("outside", "outside")] {
        let path = format!("/etc/systemd/system/{mask}.service").into();
        assert_eq!(load(&tree, &format!("{name}.service"))?, Load::Masked { path }, "{name}");
    }
    for name in ["dangling", "away", "one"] {
        assert_eq!(load(&tree, &format!("{name}.service"))?, Load::NotFound, "{name}");
    }
    let odd = load(&tree, "dir.service")?;
    let Load::Unread { path, reason } = odd else { anyhow::bail!("{odd:?}") };
    assert_eq!(path, Path::new("/etc/systemd/system/dir.service"));
    assert!(reason.contains("passes it over"), "{reason}");
    for (name, expected) in [("header", Some(3)), ("bytes", Some(2)), ("tofifo", None)] {
        match load(&tree, &format!("{name}.service"))? {
            Load::Broken { line, .. } => assert_eq!(line, expected, "{name}"),
            other => bail!("`{name}`: {other:?}"),
        }
    }
    for name in ["fifo.service", "self.service"] {
        let text = loaded(&tree, name)?;
        assert_eq!((values(&text), text.notices.len()), (vec!["v"], 1), "{name}: passed over with a notice");
    }
    Ok(())
}

#[test]
fn aliases_share_one_unit() -> anyhow::Result<()> {
    let tree = tree(&[
        &format!("USR/a.service{UNIT}"),
        "USR/b.service -> a.service",
        "ETC/c.service -> /usr/lib/systemd/system/a.service",
        "ETC/d.service -> ../../../../../../../usr/lib/systemd/system/b.service",
        "ETC/wrong.service -> a.socket",
        "ETC/linked.service -> /opt/other.service",
        "/opt/other.service: [Service];k=linked",
        "ETC/d.service.d/1.conf: [Service];k=of-alias",
        "USR/a.service.d/1.conf: [Service];k=of-id",
        "ETC/c.service.d/2.conf: [Service];k=of-c",
        "ETC/x.slice -> y.slice",
    ])?;
    for name in ["a.service", "b.service", "c.service", "d.service"] {
        let text = loaded(&tree, name)?;
        assert_eq!(text.id.as_str(), "a.service");
        assert_eq!(names(&text), ["a.service", "b.service", "c.service", "d.service"]);
        assert_eq!(
            values(&text),
            ["fragment", "of-id", "of-c"],
            "the id's drop-ins come before those of an alias"
        );
    }
    let linked = loaded(&tree, "linked.service")?;
    assert_eq!((names(&linked), values(&linked)), (vec!["linked.service"], vec!["linked"]));
    assert_eq!(load(&tree, "wrong.service")?, Load::NotFound);
    let slice = loaded(&tree, "x.slice")?;
    assert_eq!((slice.id.as_str(), slice.fragment, slice.notices.len()), ("x.slice", None, 1));
    Ok(())
}

#[test]
fn instances_take_the_template() -> anyhow::Result<()> {
    let tree = tree(&[
        &format!("USR/t@.service{UNIT}"),
        "ETC/alias@.service -> /usr/lib/systemd/system/t@.service",
        "ETC/only@x.service -> /usr/lib/systemd/system/t@.service",
        "ETC/t@own.service: [Service];k=own",
        "ETC/alias@apart.service: [Service];k=apart",
        "USR/t@x.service.d/1.conf: [Service];k=instance",
        "USR/t@.service.d/2.conf: [Service];k=template",
    ])?;
    let text = loaded(&tree, "t@x.service")?;
    assert_eq!(names(&text), ["alias@x.service", "only@x.service", "t@x.service"]);
    assert_eq!(values(&text), ["fragment", "instance", "template"]);
    assert_eq!(loaded(&tree, "alias@x.service")?.id.as_str(), "t@x.service");
    assert_eq!(loaded(&tree, "only@x.service")?.id.as_str(), "t@x.service");
    assert_eq!(load(&tree, "only@y.service")?, Load::NotFound);
    assert_eq!(values(&loaded(&tree, "t@own.service")?), ["own", "template"]);
    assert_eq!(names(&loaded(&tree, "t@apart.service")?), ["t@apart.service"]);
    tree.add("/etc/systemd/system/only@own.service -> /usr/lib/systemd/system/t@.service")?;
    let text = loaded(&tree, "only@own.service")?;
    assert_eq!(text.id.as_str(), "only@own.service", "the target's instance is a unit of its own file");
    Ok(())
}

#[test]
fn drop_ins_are_chosen_by_place_and_applied_by_name() -> anyhow::Result<()> {
    let tree = tree(&[
        &format!("USR/foo-bar.service{UNIT}"),
        "ETC/foo-.service.d/10-x.conf: [Service];k=etc-prefix",
        "USR/foo-bar.service.d/10-x.conf: [Service];k=usr-name",
        "ETC/service.d/20-y.conf: [Service];k=etc-type",
        "USR/foo-.service.d/20-y.conf: [Service];k=usr-prefix",
        "USR/service.d/05-z.conf: [Service];k=usr-type",
        "ETC/foo-bar.service.d/30-masked.conf -> /dev/null",
        "USR/foo-bar.service.d/30-masked.conf: [Service];k=masked",
        "ETC/foo-bar.service.d/31-empty.conf",
        "USR/foo-bar.service.d/31-empty.conf: [Service];k=masked",
        "ETC/foo-bar.service.d/40-broken.conf: [Service];k=before;[Broken;k=after",
        "ETC/foo-bar.service.d/.hidden.conf: [Service];k=hidden",
        "ETC/foo-bar.service.d/no.txt: [Service];k=text",
        "ETC/foo-bar.service.d/50-dir.conf/",
        "ETC/foo-bar.service.d/60-out.conf -> /opt/out.conf",
        "/opt/out.conf: [Service];k=out",
        "/opt/d/65-linked.conf: [Service];k=linked",
        "RUN/foo-bar.service.d -> /opt/d",
        "ETC/bar.service.d/70-other.conf: [Service];k=other",
    ])?;
    tree.fifo("/etc/systemd/system/foo-bar.service.d/80-fifo.conf")?;
    let text = loaded(&tree, "foo-bar.service")?;
    assert_eq!(
        values(&text),
        ["fragment", "usr-type", "etc-prefix", "usr-prefix", "before", "out", "linked"]
    );
    let drop_ins: Vec<_> =
        text.drop_ins.iter().filter_map(|path| path.strip_prefix("/etc/systemd/system").ok()).collect();
    let below_etc = [
        "foo-.service.d/10-x.conf",
        "foo-bar.service.d/30-masked.conf",
        "foo-bar.service.d/31-empty.conf",
        "foo-bar.service.d/40-broken.conf",
        "foo-bar.service.d/50-dir.conf",
        "foo-bar.service.d/60-out.conf",
        "foo-bar.service.d/80-fifo.conf",
    ];
    assert_eq!(drop_ins, below_etc.map(Path::new));
    assert!(text.drop_ins.iter().any(|path| path == Path::new("/opt/d/65-linked.conf")));
    let notices: Vec<String> = text.notices.iter().map(ToString::to_string).collect();
    assert_eq!(notices.len(), 3, "the broken one, the directory and the FIFO: {notices:?}");
    assert!(
        notices
            .first()
            .is_some_and(|n| n.starts_with("/etc/systemd/system/foo-bar.service.d/40-broken.conf:3: "))
    );
    Ok(())
}

#[test]
fn a_merged_usr_is_read_once() -> anyhow::Result<()> {
    let merged = tree(&[
        "/lib -> usr/lib",
        &format!("USR/a.service{UNIT}"),
        "ETC/b.service -> /lib/systemd/system/a.service",
    ])?;
    let text = loaded(&merged, "b.service")?;
    assert_eq!(text.fragment.as_deref(), Some(Path::new("/usr/lib/systemd/system/a.service")));
    assert_eq!(names(&text), ["a.service", "b.service"]);
    let split = tree(&["/lib/systemd/system/a.service: [Service];k=lib", &format!("USR/a.service{UNIT}")])?;
    assert_eq!(values(&loaded(&split, "a.service")?), ["lib"]);
    Ok(())
}

#[test]
fn a_file_by_path_brings_its_directory() -> anyhow::Result<()> {
    let tree = tree(&[
        "/home/u/a.service: [Service];k=mine",
        "/home/u/t@.service: [Service];k=template",
        "/home/u/dir.service/",
        "/home/u/linked -> /usr/lib/systemd/system",
        "/lib -> usr/lib",
        &format!("USR/a.service{UNIT}"),
        &format!("USR/only.service{UNIT}"),
        "ETC/a.service.d/1.conf: [Service];k=host",
        "/home/u/a.service.d/1.conf: [Service];k=beside",
        "ETC/a.service.d/2.conf: [Service];k=host2",
    ])?;
    let root = tree.root()?;
    let mut loader = Loader::new(&root, SearchPath::system());
    let mut file = |path: &str| loader.load_file(Path::new(path), "x");
    match file("/home/u/a.service")? {
        Load::Loaded(text) => assert_eq!(values(&text), ["mine", "beside", "host2"]),
        other => bail!("{other:?}"),
    }
    match file("/home/u/t@.service")? {
        Load::Loaded(text) => assert_eq!(text.id.as_str(), "t@x.service"),
        other => bail!("{other:?}"),
    }
    for linked in ["/lib/systemd/system/only.service", "/home/u/linked/only.service"] {
        assert!(matches!(file(linked)?, Load::Loaded(_)), "{linked}");
    }
    assert_eq!(file("/home/u/only.service")?, Load::NotFound, "the installed unit is not the file asked for");
    assert!(matches!(file("/home/u/dir.service")?, Load::Broken { .. }));
    assert!(file("a.service").is_err() && file("/home/u/a.txt").is_err() && file("/").is_err());
    assert_eq!(values(&loaded(&tree, "a.service")?), ["fragment", "host", "host2"]);
    Ok(())
}

#[test]
fn units_of_a_root_are_listed() -> anyhow::Result<()> {
    let tree = tree(&[
        "ETC/b.service -> a.service",
        "USR/a.service: x",
        "USR/a.socket: x",
        "USR/t@.service: x",
        "ETC/m.service -> /dev/null",
        "USR/.hidden.service: x",
        "USR/a.service~: x",
        "USR/d.service.d/1.conf: x",
    ])?;
    let root = tree.root()?;
    let mut loader = Loader::new(&root, SearchPath::system());
    let units = loader.units("service");
    let units: Vec<&str> = units.iter().map(UnitName::as_str).collect();
    assert_eq!(units, ["a.service", "b.service", "m.service", "t@.service"]);
    assert_eq!(loader.unreadable(), []);
    Ok(())
}

#[test]
fn a_unit_beyond_the_bounds_is_not_judged_by_a_part_of_it() -> anyhow::Result<()> {
    let tree = tree(&["ETC/many.service: [Service];k=v", "ETC/long.service: [Service];k=v"])?;
    let folder = tree.path().join("etc/systemd/system/many.service.d");
    std::fs::create_dir(&folder)?;
    for place in 0..MAX_DROP_INS {
        std::fs::write(folder.join(format!("{place}.conf")), "[Service]\nk=v\n")?;
    }
    assert!(matches!(load(&tree, "many.service")?, Load::Loaded(_)));
    std::fs::write(folder.join("x.conf"), "[Service]\nk=v\n")?;
    assert!(matches!(load(&tree, "many.service")?, Load::Unread { .. }));

    let long = tree.path().join("etc/systemd/system/long.service");
    for part in ["k=v\n", "no assignment\n"] {
        std::fs::write(&long, format!("[Service]\n{}", part.repeat(MAX_PARTS)))?;
        assert!(matches!(load(&tree, "long.service")?, Load::Loaded(_)), "{part}");
        std::fs::write(&long, format!("[Service]\n{}", part.repeat(MAX_PARTS + 1)))?;
        assert!(matches!(load(&tree, "long.service")?, Load::Unread { .. }), "{part}");
    }
    for value in [" v", "%n", ",v"] {
        std::fs::write(&long, format!("[Service]\nk=v{}", value.repeat(MAX_PARTS)))?;
        assert!(matches!(load(&tree, "long.service")?, Load::Unread { .. }), "{value}");
    }
    Ok(())
}
