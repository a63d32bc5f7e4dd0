//! Somebody swaps directories and files below a root for links that lead out of it, while it is read and written.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, RenameFlags, inotify, renameat_with};
use rustix::io::Errno;

use super::super::test_tree::Tree;
use super::{Kind, Links, Root};

/// How often each thing is tried while somebody swaps.
const ROUNDS: u32 = 1000;

/// Exchanges the two names for as long as `action` runs, and returns how often.
fn while_swapped(
    one: &Path,
    other: &Path,
    action: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<u32> {
    let (done, swaps) = (AtomicBool::new(false), AtomicU32::new(0));
    thread::scope(|threads| {
        let swapper = threads.spawn(|| -> anyhow::Result<()> {
            while !done.load(Ordering::Relaxed) {
                renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?;
                swaps.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        });
        // A failed assertion must end the swapper, too.
        let result = catch_unwind(AssertUnwindSafe(action));
        done.store(true, Ordering::Relaxed);
        swapper.join().map_err(|_| anyhow::anyhow!("the swapper panicked"))??;
        result.unwrap_or_else(|panic| resume_unwind(panic))
    })?;
    Ok(swaps.into_inner())
}

/// Both ways to open below `path`.
fn roots(path: &Path) -> anyhow::Result<[Root; 2]> {
    Ok([Root::open(path)?, Root { walks: true, ..Root::open(path)? }])
}

/// What is outside has another content, size, type and target than anything inside, and is all that has them.
fn tree() -> anyhow::Result<Tree> {
    Tree::new(&[
        "out/f: outside",
        "out/only-outside: outside",
        "out/link -> outside",
        "out/sub/f: outside",
        "in/d/f: in",
        "in/d/link -> in",
        "in/d/sub/f: in",
        "in/up/d/sub/",
    ])
}

/// Nothing that is asked of `root` about `directory` may tell anything of what is outside.
fn ask(root: &Root, directory: &str) {
    let path = |name: &str| Path::new(directory).join(name);
    // An error is as good as an answer: the tree changes.
    if let Ok(Some(content)) = root.read(&path("f")) {
        assert_eq!(content, b"in", "{directory}");
    }
    if let Ok(Some(content)) = root.head(&path("sub/../f"), 9) {
        assert_eq!(content, b"in", "{directory}");
    }
    if let Ok(Some(content)) = root.read(&path("sub/f")) {
        assert_eq!(content, b"in", "{directory}");
    }
    if let Ok(Some(found)) = root.metadata(&path("f"), Links::Follow) {
        assert_eq!(found.len(), 2, "{directory}");
    }
    if let Ok(Some(target)) = root.link_target(&path("link")) {
        assert_eq!(target.as_os_str().as_bytes(), b"in", "{directory}");
    }
    if let Ok(Some(names)) = root.read_dir_sorted(Path::new(directory)) {
        assert!(names.iter().all(|entry| entry.name != "only-outside"), "{directory}");
    }
    assert!(!matches!(root.kind(&path("only-outside"), Links::Keep), Ok(Some(_))), "{directory}");
    assert!(!matches!(root.attribute(&path("only-outside"), "user.x"), Ok(Some(_))), "{directory}");
}

#[test]
fn a_directory_that_becomes_a_link_out_is_not_read() -> anyhow::Result<()> {
    let tree = tree()?;
    let out = tree.path().join("out");
    symlink(&out, tree.path().join("in/absolute"))?;
    symlink("../out", tree.path().join("in/relative"))?;
    symlink("../../../../../../../../out", tree.path().join("in/far"))?;
    for root in roots(&tree.path().join("in"))? {
        for link in ["in/absolute", "in/relative", "in/far"] {
            let swaps = while_swapped(&tree.path().join("in/d"), &tree.path().join(link), || {
                for _ in 0..ROUNDS {
                    ask(&root, "/d");
                    ask(&root, "/up/../d");
                }
                Ok(())
            })?;
            assert!(swaps > ROUNDS / 10, "only {swaps} swaps");
        }
    }
    Ok(())
}

#[test]
fn a_directory_that_is_moved_out_does_not_lead_out() -> anyhow::Result<()> {
    let tree = tree()?;
    // What `..` of `/up/d/sub` is changes: inside it is `/up/d`, and outside a directory with a secret.
    tree.add("moved/out/d/only-outside: outside")?;
    tree.add("moved/f: outside")?;
    for root in roots(&tree.path().join("in"))? {
        let (inside, moved) = (tree.path().join("in/up/d"), tree.path().join("moved/out/d"));
        while_swapped(&inside, &moved, || {
            for _ in 0..ROUNDS {
                for path in ["/up/d/../../../f", "/up/d/sub/../../../../f", "/up/d/../../../moved/f"] {
                    if let Ok(Some(content)) = root.read(Path::new(path)) {
                        assert_ne!(content, b"outside", "{path}");
                    }
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn a_file_that_becomes_a_fifo_is_not_opened() -> anyhow::Result<()> {
    let tree = Tree::new(&["in/f: in"])?;
    tree.fifo("in/fifo")?;
    for root in roots(&tree.path().join("in"))? {
        let (file, fifo) = (tree.path().join("in/f"), tree.path().join("in/fifo"));
        let (file, fifo) = if std::fs::metadata(&file)?.is_file() { (file, fifo) } else { (fifo, file) };
        // The kernel tells when it is opened, whatever its name is by then.
        let told = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC)?;
        inotify::add_watch(&told, &fifo, inotify::WatchFlags::OPEN)?;
        let mut refused = 0;
        let started = Instant::now();
        while_swapped(&file, &fifo, || {
            // On a busy machine nothing may have been swapped by then.
            let met = |refused| refused > 0 || started.elapsed() > Duration::from_secs(20);
            let mut rounds = 0;
            while rounds < ROUNDS || !met(refused) {
                rounds = rounds.saturating_add(1);
                match root.read(Path::new("/f")) {
                    Ok(content) => assert_eq!(content.as_deref(), Some(&b"in"[..])),
                    Err(error) => {
                        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
                        refused += 1;
                    }
                }
                let _ = root.head(Path::new("/f"), 1);
            }
            Ok(())
        })?;
        assert!(refused > 0, "it was never there");
        assert_eq!(rustix::io::read(&told, &mut [0; 64]), Err(Errno::AGAIN), "it was opened");
    }
    Ok(())
}

#[test]
fn nothing_is_written_out_of_a_root_that_changes() -> anyhow::Result<()> {
    let tree = tree()?;
    symlink(tree.path().join("out"), tree.path().join("in/absolute"))?;
    symlink("../out", tree.path().join("in/relative"))?;
    let before = listed(&tree.path().join("out"))?;
    for root in roots(&tree.path().join("in"))? {
        for link in ["in/absolute", "in/relative"] {
            let mut written = 0;
            while_swapped(&tree.path().join("in/d"), &tree.path().join(link), || {
                for round in 0..ROUNDS / 10 {
                    let deep = format!("/d/new-{round}/f");
                    for path in ["/d/f", "/d/sub/only-inside", "/up/../d/f", &deep] {
                        let whole = root.whole(Path::new(path), b"in", 0o644);
                        let done = whole.and_then(super::write::Whole::replace);
                        written += u32::from(done.is_ok());
                    }
                }
                Ok(())
            })?;
            assert!(written > 0, "nothing was written at all");
            assert_eq!(listed(&tree.path().join("out"))?, before, "{link}");
        }
    }
    Ok(())
}

/// The names and contents below a directory, links as they are.
fn listed(directory: &Path) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let root = Root::open(directory)?;
    let mut all = Vec::new();
    for entry in root.read_dir_sorted(Path::new("/"))?.unwrap_or_default() {
        let place = directory.join(&entry.name);
        let content = match entry.kind {
            Kind::File => std::fs::read(&place)?,
            Kind::Directory => listed(&place)?
                .into_iter()
                .flat_map(|(name, content)| [name.into_bytes(), content].concat())
                .collect(),
            _ => Vec::new(),
        };
        all.push((entry.name.to_string_lossy().into_owned(), content));
    }
    Ok(all)
}
