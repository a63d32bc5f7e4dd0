//! Where a machine's tree lies on the host: a tmpfs with an overlay on it, a cgroup, and the lock that
//! tells a running test's place from one that a crashed test left behind.
//!
//! Everything here can be forbidden by the host (a container, say); what runs in the tree is left to
//! [`super::Machine`].

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// Below `/run`: gone after a reboot, and only root can put names there.
const PLACES: &str = "/run/systemd-harden-tests";

/// Mount points of the cgroup hierarchies that systemd-nspawn works in: unified, hybrid, and legacy.
const HIERARCHIES: [&str; 3] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"];

static NEXT: AtomicUsize = AtomicUsize::new(0);

/// One machine's tree and cgroup; dropping it removes both.
pub(crate) struct Place {
    name: String,
    /// Held for as long as the place is in use: flock(2) ends with the process, however it ends.
    _lock: File,
}

impl Place {
    /// Clears what crashed tests left, and takes a name of its own.
    pub(crate) fn claim() -> Result<Self> {
        fs::create_dir_all(PLACES).with_context(|| format!("creating `{PLACES}`"))?;
        let claims = open_lock(&Path::new(PLACES).join(".claims"))?;
        claims.lock().with_context(|| format!("locking `{PLACES}`"))?;
        sweep()?;
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("harden-{}-{number}", std::process::id());
            let directory = Path::new(PLACES).join(&name);
            match fs::create_dir(&directory) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                made => {
                    made.with_context(|| format!("creating `{}`", directory.display()))?;
                    let lock = open_lock(&lock_path(&name))?;
                    lock.lock().with_context(|| format!("locking `{}`", directory.display()))?;
                    return Ok(Self { name, _lock: lock });
                }
            }
        }
    }

    /// Mounts the tmpfs and, on it, an overlay whose lower layer is `lower`.
    pub(crate) fn mount(&self, lower: &Path) -> Result<()> {
        let directory = self.directory();
        mount(&["-t", "tmpfs", "-o", "mode=0755", "tmpfs"], &directory)?;
        for part in ["upper", "work", "root"] {
            fs::create_dir(directory.join(part)).with_context(|| format!("creating `{part}`"))?;
        }
        let lower = lower.to_str().context("the base's path is not text")?;
        ensure!(!lower.contains([',', ':', '\\']), "`{lower}` cannot be said to mount(8)");
        let place = directory.display();
        let options = format!("lowerdir={lower},upperdir={place}/upper,workdir={place}/work");
        mount(&["-t", "overlay", "-o", &options, "overlay"], &self.root())
    }

    /// A command that runs `program` in a cgroup of its own: machines that were started from one cgroup
    /// would share one tree of units.
    pub(crate) fn command(&self, program: &str) -> Result<Command> {
        if Path::new("/run/systemd/system").is_dir() {
            let mut command = Command::new("systemd-run");
            command.args(["--scope", "--quiet", "--collect", "--property=Delegate=yes"]);
            command.arg(format!("--unit={}", self.name)).arg("--").arg(program);
            return Ok(command);
        }
        let mut command = Command::new("sh");
        let enter = "while [ \"$1\" != -- ]; do echo $$ >\"$1/cgroup.procs\" || exit; shift; done; \
                     shift; exec \"$@\"";
        command.args(["-c", enter, "sh"]);
        let groups = hierarchies().map(|hierarchy| hierarchy.join(&self.name));
        let mut found = 0;
        for group in groups {
            fs::create_dir(&group).with_context(|| format!("creating `{}`", group.display()))?;
            command.arg(group);
            found += 1;
        }
        ensure!(found > 0, "no cgroup hierarchy is mounted");
        command.arg("--").arg(program);
        Ok(command)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The tmpfs: scratch files of the test may lie beside the tree.
    pub(crate) fn directory(&self) -> PathBuf {
        Path::new(PLACES).join(&self.name)
    }

    /// The overlay.
    pub(crate) fn root(&self) -> PathBuf {
        self.directory().join("root")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

/// Kills the machine whose systemd-nspawn is `nspawn`: with its PID 1 the kernel ends every process of
/// the machine, at once and without its consent.
pub(crate) fn kill_machine(nspawn: u32) {
    if let Some(pid1) = pid1_below(nspawn) {
        kill(pid1);
        // Left to itself, systemd-nspawn removes its files in `/run` first.
        for _ in 0..100 {
            if has_ended(nspawn) {
                return;
            }
            sleep(Duration::from_millis(20));
        }
    }
    kill(nspawn);
}

/// The child of `parent` that is PID 1 of a PID namespace of its own; systemd-nspawn has another child
/// for a moment while it starts.
pub(crate) fn pid1_below(parent: u32) -> Option<u32> {
    processes().find(|&pid| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
        let is_child = field("PPid:").is_some_and(|value| value.trim() == parent.to_string());
        let mut namespaces = field("NSpid:").unwrap_or_default().split_whitespace();
        is_child && namespaces.next().is_some() && namespaces.last() == Some("1")
    })
}

/// A process that has ended and that nobody waited for has no command line.
fn has_ended(pid: u32) -> bool {
    fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default().is_empty()
}

fn kill(pid: u32) {
    // A process that has ended since is as good as killed.
    let _ = Command::new("sh").args(["-c", "kill -KILL \"$0\" 2>/dev/null", &pid.to_string()]).status();
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Removes each place whose lock nobody holds. Runs under the lock of all claims, so that a place between
/// its creation and its locking is not taken for a left one.
fn sweep() -> Result<()> {
    let entries = fs::read_dir(PLACES).with_context(|| format!("reading `{PLACES}`"))?;
    for entry in entries {
        let path = entry.with_context(|| format!("reading `{PLACES}`"))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if !name.starts_with("harden-") || name.contains('.') {
            continue;
        }
        if open_lock(&lock_path(name))?.try_lock().is_err() {
            continue;
        }
        let argument = format!("--machine={name}");
        processes().filter(|&pid| has_argument(pid, &argument)).for_each(kill_machine);
        remove(name);
    }
    Ok(())
}

fn has_argument(pid: u32, wanted: &str) -> bool {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.split(|&byte| byte == 0).any(|argument| argument == wanted.as_bytes())
}

/// Failures are left for the next sweep: this runs while a test ends, where nothing better can be done.
fn remove(name: &str) {
    let directory = Path::new(PLACES).join(name);
    // Detaching takes the overlay and all that lies on the tmpfs along; a machine that was never mounted
    // makes it complain.
    let _ = Command::new("umount").arg("--lazy").arg(&directory).output();
    for hierarchy in hierarchies() {
        let group = hierarchy.join(name);
        // The kernel lets go of a cgroup only some time after its last process.
        let gone = (0..50).any(|attempt| {
            if attempt > 0 {
                sleep(Duration::from_millis(20));
            }
            !group.exists() || remove_group(&group).is_ok()
        });
        if !gone {
            return;
        }
    }
    if fs::remove_dir(&directory).is_ok() {
        let _ = fs::remove_file(lock_path(name));
    }
}

fn remove_group(group: &Path) -> Result<()> {
    for entry in fs::read_dir(group)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_group(&path)?;
        }
    }
    Ok(fs::remove_dir(group)?)
}

fn hierarchies() -> impl Iterator<Item = PathBuf> {
    HIERARCHIES.into_iter().map(PathBuf::from).filter(|at| at.join("cgroup.procs").exists())
}

fn lock_path(name: &str) -> PathBuf {
    Path::new(PLACES).join(format!("{name}.lock"))
}

fn open_lock(path: &Path) -> Result<File> {
    let opened = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    opened.with_context(|| format!("opening `{}`", path.display()))
}

fn mount(arguments: &[&str], at: &Path) -> Result<()> {
    let output = Command::new("mount").args(arguments).arg(at).output().context("running mount")?;
    if !output.status.success() {
        // It names itself, and adds advice on further lines.
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("{}", complaint.lines().next().unwrap_or("mount failed"));
    }
    Ok(())
}
