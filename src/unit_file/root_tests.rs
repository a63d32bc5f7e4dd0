//! Nothing outside a root is reached through it, and nothing but files is read.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::test_tree::Tree;
use super::{Kind, Links, MAX_UNIT_SIZE, Root};

fn text(root: &Root, path: &str) -> anyhow::Result<Option<String>> {
    Ok(root.read(Path::new(path))?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

#[test]
fn links_are_followed_as_after_a_chroot() -> anyhow::Result<()> {
    let outside = Tree::new(&["secret: outside", "inner/secret: inside", "inner/etc/deep/"])?;
    let host = outside.path().join("secret");
    for line in [
        "inner/absolute -> /secret",
        "inner/etc/deep/relative -> ../../../../../../../../secret",
        "inner/etc/deep/plain -> ../../secret",
        "inner/etc/up -> ..",
        "inner/etc/top -> /",
        "inner/chain -> /etc/deep/relative",
        "inner/loop1 -> loop2",
        "inner/loop2 -> /loop1",
        "inner/dangling -> /absent/x",
    ] {
        outside.add(line)?;
    }
    outside.add(&format!("inner/host -> {}", host.display()))?;
    let root = Root::open(outside.path().join("inner"))?;
    follows(&root)?;
    follows(&Root { walks: true, ..root })
}

fn follows(root: &Root) -> anyhow::Result<()> {
    for path in [
        "/secret",
        "secret",
        "/../secret",
        "/etc/../../secret",
        "/absolute",
        "/etc/deep/relative",
        "/etc/deep/plain",
        "/etc/up/secret",
        "/etc/up/../secret",
        "/etc/top/secret",
        "/etc/top/etc/top/absolute",
        "/chain",
    ] {
        assert_eq!(text(root, path)?.as_deref(), Some("inside"), "{path}");
    }
    for path in ["/host", "/dangling", "/absent", "/secret/x", "/etc/deep/relative/x"] {
        assert_eq!(text(root, path)?, None, "{path}");
    }
    assert!(text(root, "/loop1").is_err());
    assert_eq!(root.link_target(Path::new("/etc/top/absolute"))?, Some(PathBuf::from("/secret")));
    assert_eq!(root.kind(Path::new("/chain"), Links::Keep)?, Some(Kind::Link));
    assert_eq!(root.kind(Path::new("/chain"), Links::Follow)?, Some(Kind::File));
    let resolved = |path: &str, links| root.resolve(Path::new(path), links);
    assert_eq!(resolved("/etc/top/chain", Links::Follow)?, Path::new("/secret"));
    assert_eq!(resolved("/etc/top/chain", Links::Keep)?, Path::new("/chain"));
    assert_eq!(resolved("/etc/up/absent/../x", Links::Follow)?, Path::new("/x"));
    // What is free of links, however it is spelt.
    for path in ["/etc/deep", "//etc//./deep/", "etc/deep/.", "/etc/deep/../deep"] {
        for links in [Links::Follow, Links::Keep] {
            assert_eq!(resolved(path, links)?, Path::new("/etc/deep"), "{path}");
        }
    }
    for path in ["/", "", ".", "//"] {
        assert_eq!(resolved(path, Links::Follow)?, Path::new("/"), "{path}");
        assert_eq!(root.kind(Path::new(path), Links::Follow)?, Some(Kind::Directory), "{path}");
    }
    assert_eq!(root.kind(Path::new("/etc/top/"), Links::Keep)?, Some(Kind::Link));
    Ok(())
}

#[test]
fn only_files_of_bearable_size_are_read() -> anyhow::Result<()> {
    let tree = Tree::new(&["dir/", "zero -> /dev/zero", "a -> fifo", "empty"])?;
    tree.fifo("fifo")?;
    let size = usize::try_from(MAX_UNIT_SIZE)?;
    std::fs::write(tree.place("largest")?, vec![b'x'; size])?;
    std::fs::write(tree.place("larger")?, vec![b'x'; size + 1])?;
    let root = tree.root()?;
    let kind = |path: &str| root.read(Path::new(path)).map_err(|error| error.kind());
    for path in ["/dir", "/fifo", "/a", "/"] {
        assert_eq!(kind(path), Err(io::ErrorKind::InvalidInput), "{path}");
    }
    assert_eq!(kind("/larger"), Err(io::ErrorKind::FileTooLarge));
    assert_eq!(kind("/largest").map(|content| content.map_or(0, |content| content.len())), Ok(size));
    assert_eq!(kind("/empty"), Ok(Some(Vec::new())));
    let machine = Root::open("/")?;
    assert_eq!(machine.read(Path::new("/dev/null")).map_err(|e| e.kind()), Err(io::ErrorKind::InvalidInput));
    Ok(())
}

#[test]
fn directories_are_listed_in_byte_order() -> anyhow::Result<()> {
    let tree = Tree::new(&["d/b", "d/B", "d/a -> b", "d/c/", "link -> /d"])?;
    let root = tree.root()?;
    let names = root.read_dir_sorted(Path::new("/link"))?.unwrap_or_default();
    let names: Vec<_> = names.iter().map(|entry| (entry.name.to_string_lossy(), entry.kind)).collect();
    let expected = [("B", Kind::File), ("a", Kind::Link), ("b", Kind::File), ("c", Kind::Directory)];
    assert_eq!(names, expected.map(|(name, kind)| (name.into(), kind)));
    assert_eq!(root.read_dir_sorted(Path::new("/absent"))?, None);
    assert_eq!(root.read_dir_sorted(Path::new("/d/b"))?, None);
    Ok(())
}

#[test]
fn files_are_written_whole_and_inside() -> anyhow::Result<()> {
    let tree = Tree::new(&["victim: old", "inner/etc -> /usr/etc", "inner/out -> ../victim", "inner/dir/"])?;
    let root = Root::open(tree.path().join("inner"))?;
    let whole = |path: &str, bytes: &[u8], mode| root.whole(Path::new(path), bytes, mode);
    whole("/etc/a/b.service", b"new", 0o640)?.appear()?;
    let written = tree.path().join("inner/usr/etc/a/b.service");
    assert_eq!(std::fs::read(&written)?, b"new");
    assert_eq!(std::fs::metadata(&written)?.permissions().mode() & 0o7777, 0o640);
    whole("/etc/a/b.service", b"newer", 0o600)?.replace()?;
    assert_eq!(text(&root, "/usr/etc/a/b.service")?.as_deref(), Some("newer"));
    assert!(whole("/etc/a/b.service", b"newest", 0o600)?.appear().is_err(), "it is there");
    assert_eq!(text(&root, "/usr/etc/a/b.service")?.as_deref(), Some("newer"));
    assert!(whole("/out", b"new", 0o644)?.appear().is_err(), "a link is there");
    whole("/out", b"new", 0o644)?.replace()?;
    assert_eq!(std::fs::read(tree.path().join("victim"))?, b"old");
    assert_eq!(root.kind(Path::new("/out"), Links::Keep)?, Some(Kind::File));
    assert!(whole("/dir", b"new", 0o644)?.replace().is_err());
    drop(whole("/left", b"new", 0o644)?);
    assert!(whole("/", b"new", 0o644).is_err());
    let names = |path: &str| root.read_dir_sorted(Path::new(path));
    let left: Vec<_> = names("/")?.unwrap_or_default().into_iter().map(|entry| entry.name).collect();
    assert_eq!(left, ["dir", "etc", "out", "usr"], "no temporary file stays");
    assert_eq!(names("/usr/etc/a")?.unwrap_or_default().len(), 1, "no temporary file stays");
    Ok(())
}

#[test]
fn a_locked_root_is_waited_for_and_then_given_up() -> anyhow::Result<()> {
    let tree = Tree::new(&["a"])?;
    let (root, other) = (tree.root()?, tree.root()?);
    let lock = root.lock(Duration::ZERO)?;
    assert!(other.lock(Duration::from_millis(50)).is_err());
    drop(lock);
    other.lock(Duration::ZERO)?;
    Ok(())
}
