//! A throw-away machine: a real systemd as PID 1 of a container, over a copy-on-write view of a Debian
//! tree, for what only a running manager and a real kernel can answer.
//!
//! Scenarios drive it with commands run inside and judge what comes back; what to install and what to
//! expect is theirs. The host needs root, mount(2), a writable cgroup tree and systemd-nspawn; the tree
//! needs systemd and a system bus. Nothing is downloaded.

mod manager;
mod place;
mod readers;
mod scenario;
mod service;
pub(crate) mod standins;

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{env, iter};

use anyhow::{Context, Result, bail};

use place::{Place, kill_machine, pid1_below};
pub(crate) use scenario::run_scenarios;

/// Longer than any boot seen, loaded hosts included; those take two to four seconds.
const BOOT_PATIENCE: Duration = Duration::from_mins(1);

/// Seconds after which a command inside is taken to hang, as timeout(1) reads them.
const COMMAND_PATIENCE: &str = "120";

/// Kept out: one waits for a network that is not there, the other for an answer at the console.
const MASKED: [&str; 2] = ["systemd-networkd-wait-online.service", "systemd-firstboot.service"];

/// The tree that a machine shows, below its own writable layer.
#[derive(Clone, Debug)]
pub(crate) enum Base {
    /// The host's own root file system, without what is mounted on it.
    Host,
    /// Another Debian release, as debootstrap(8) makes it.
    Tree(PathBuf),
}

impl Base {
    /// The directory named by `SYSTEMD_HARDEN_MACHINE_BASE`, else the host's root.
    pub(crate) fn from_environment() -> Self {
        env::var_os("SYSTEMD_HARDEN_MACHINE_BASE").map_or(Self::Host, |path| Self::Tree(path.into()))
    }

    fn directory(&self) -> &Path {
        match self {
            Self::Host => Path::new("/"),
            Self::Tree(path) => path,
        }
    }
}

/// What became of the wish for a machine.
pub(crate) enum Boot {
    Up(Machine),
    /// This host cannot run one, and need not; the reason is one line.
    Impossible(String),
}

/// A booted machine. Dropping it kills it and removes every trace, after a failed test too.
pub(crate) struct Machine {
    nspawn: Child,
    pid1: u32,
    // Dropped after the machine has been killed by `Drop for Machine`.
    place: Place,
}

impl Machine {
    /// Boots `base`, with `prepare` having changed the tree at the path it is given before systemd sees
    /// it.
    ///
    /// # Errors
    ///
    /// Where the host has all that is needed and the machine still does not come up; where the host
    /// cannot run one, if `SYSTEMD_HARDEN_REQUIRE_MACHINE=1` or a base of the caller's asks for it.
    pub(crate) fn boot(base: &Base, prepare: impl FnOnce(&Path) -> Result<()>) -> Result<Boot> {
        let is_required = matches!(base, Base::Tree(_))
            || env::var_os("SYSTEMD_HARDEN_REQUIRE_MACHINE").is_some_and(|value| value == "1");
        match Self::lay_out(base) {
            Ok((place, command)) => {
                prepare(&place.root()).context("preparing the machine's tree")?;
                Self::start(place, command).map(Boot::Up)
            }
            Err(reason) if is_required => Err(reason.context("a machine is required here")),
            Err(reason) => Ok(Boot::Impossible(format!("{reason:#}"))),
        }
    }

    /// Runs a command inside as root and waits for it; a failing exit status is the caller's to judge.
    pub(crate) fn run(&self, argv: &[&str]) -> Result<Output> {
        self.run_with_input(argv, b"")
    }

    /// As [`Self::run`], with `input` on its standard input.
    pub(crate) fn run_with_input(&self, argv: &[&str], input: &[u8]) -> Result<Output> {
        let mut child = self
            .enter(argv)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("running nsenter")?;
        let stdin = child.stdin.take();
        std::thread::scope(|threads| {
            // Written beside the reading: a program may answer before it has read everything.
            let writer = threads.spawn(move || stdin.map_or(Ok(()), |mut to| to.write_all(input)));
            let output = child.wait_with_output().with_context(|| argv.join(" "))?;
            match writer.join() {
                Ok(Err(error)) if error.kind() != ErrorKind::BrokenPipe => {
                    Err(error).with_context(|| format!("writing to `{}`", argv.join(" ")))
                }
                _ => Ok(output),
            }
        })
    }

    /// Runs a command inside as `user`, with that account's groups and no shell.
    pub(crate) fn run_as(&self, user: &str, argv: &[&str]) -> Result<Output> {
        let prefix = ["runuser", "-u", user, "--"];
        self.run(&prefix.into_iter().chain(argv.iter().copied()).collect::<Vec<_>>())
    }

    /// What the command prints to standard output.
    ///
    /// # Errors
    ///
    /// Where it exits with another status than 0; both its outputs are in the message.
    pub(crate) fn check(&self, argv: &[&str]) -> Result<String> {
        self.run(argv).and_then(|output| succeeded(argv, &output))
    }

    /// Writes a file inside, by rename, with missing parents made.
    pub(crate) fn install(&self, bytes: &[u8], path: &str, mode: u32) -> Result<()> {
        let argv = ["install", "-D", "-m", &format!("{mode:04o}"), "/dev/stdin", path];
        self.run_with_input(&argv, bytes).and_then(|output| succeeded(&argv, &output)).map(drop)
    }

    /// Copies a file of the host, such as the program under test, to `path` inside.
    pub(crate) fn install_file(&self, file: &Path, path: &str, mode: u32) -> Result<()> {
        let bytes = fs::read(file).with_context(|| format!("reading `{}`", file.display()))?;
        self.install(&bytes, path, mode)
    }

    /// Compiles `tests/standins/NAME.c` and installs it as `path`.
    pub(crate) fn install_standin(&self, name: &str, path: &str) -> Result<()> {
        let source = format!("{}/tests/standins/{name}.c", env!("CARGO_MANIFEST_DIR"));
        let program = self.place.directory().join(name);
        let output = Command::new("cc")
            .args(["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-Wl,--as-needed"])
            .arg("-o")
            .arg(&program)
            .args([&source, "-lcrypt"])
            .output()
            .context("running cc")?;
        succeeded(&["cc", &source], &output)?;
        self.install_file(&program, path, 0o755)
    }

    /// The machine's whole tree as the host sees it. An absolute symbolic link in it leads to the host:
    /// write with [`Self::install`].
    pub(crate) fn root(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root", self.pid1))
    }

    /// The host's number of the machine's PID 1.
    pub(crate) fn pid1(&self) -> u32 {
        self.pid1
    }

    /// A directory on the host that goes with the machine.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.place.directory()
    }

    /// The D-Bus address of the machine's system bus, for a client on the host.
    pub(crate) fn bus_address(&self) -> String {
        format!("unix:path={}/run/dbus/system_bus_socket", self.root().display())
    }

    fn lay_out(base: &Base) -> Result<(Place, Command)> {
        if fs::metadata("/proc/self").context("reading `/proc`")?.uid() != 0 {
            bail!("only root can start a machine");
        }
        if !on_path("systemd-nspawn") {
            bail!("systemd-nspawn is not installed (Debian's package systemd-container)");
        }
        let lower = base.directory();
        for needed in ["usr/lib/systemd/systemd", "usr/bin/dbus-daemon"] {
            // A tree from before the merge of `/usr` has the first one only below `/lib`.
            if ![needed, needed.trim_start_matches("usr/")].iter().any(|at| lower.join(at).exists()) {
                bail!("`{}` has no `{needed}`", lower.display());
            }
        }
        let place = Place::claim()?;
        place.mount(lower)?;
        isolate(&place.root()).context("changing the machine's tree")?;
        let mut command = place.command("systemd-nspawn")?;
        command
            .env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1")
            .arg(format!("--directory={}", place.root().display()))
            .arg(format!("--machine={}", place.name()))
            .args(["--boot", "--register=no", "--keep-unit", "--link-journal=no", "--private-network"])
            .args(["--console=pipe", "--kill-signal=SIGRTMIN+3"])
            // IP and device filters are BPF programs, and sandboxes need capabilities to be made.
            .args(["--system-call-filter=bpf", "--capability=all"]);
        Ok((place, command))
    }

    fn start(place: Place, mut command: Command) -> Result<Self> {
        let console_path = place.directory().join("console");
        let console = File::create(&console_path).context("creating the console's file")?;
        let errors = console.try_clone().context("sharing the console's file")?;
        let nspawn = command.stdin(Stdio::null()).stdout(console).stderr(errors).spawn();
        let mut machine = Self { nspawn: nspawn.context("running systemd-nspawn")?, pid1: 0, place };
        machine.wait_until_up().with_context(|| {
            let console = fs::read_to_string(&console_path).unwrap_or_default();
            let lines: Vec<_> = console.lines().collect();
            let last = lines.get(lines.len().saturating_sub(20)..).unwrap_or_default();
            format!("booting a machine; its console ends in:\n{}\n", last.join("\n"))
        })?;
        Ok(machine)
    }

    fn wait_until_up(&mut self) -> Result<()> {
        let started = Instant::now();
        let mut state = String::from("no PID 1");
        while started.elapsed() < BOOT_PATIENCE {
            if let Some(status) = self.nspawn.try_wait().context("waiting for systemd-nspawn")? {
                bail!("systemd-nspawn ended with {status}");
            }
            if self.pid1 == 0 {
                self.pid1 = pid1_below(self.nspawn.id()).unwrap_or_default();
            } else {
                let output = self.run(&["systemctl", "is-system-running"])?;
                String::from_utf8_lossy(&output.stdout).trim().clone_into(&mut state);
                if ["running", "degraded"].contains(&state.as_str()) {
                    return Ok(());
                }
            }
            sleep(Duration::from_millis(100));
        }
        bail!("not up after {} seconds but `{state}`", BOOT_PATIENCE.as_secs())
    }

    fn enter(&self, argv: &[&str]) -> Command {
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=5", COMMAND_PATIENCE, "nsenter", "--all", "--target"])
            .arg(self.pid1.to_string())
            .arg("--")
            .args(argv)
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .envs([("HOME", "/root"), ("LC_ALL", "C.UTF-8"), ("SYSTEMD_COLORS", "0")])
            .env("SYSTEMD_PAGER", "");
        command
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        kill_machine(self.nspawn.id());
        // Reaps it; that it was killed is no news.
        let _ = self.nspawn.wait();
    }
}

/// Standard output of a command that must have succeeded.
fn succeeded(argv: &[&str], output: &Output) -> Result<String> {
    let stdout = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` ended with {}\n{stdout}{stderr}", argv.join(" "), output.status);
    }
    Ok(stdout.into_owned())
}

/// Takes the host's own services and mounts out of the tree at `root`: a test must find the same machine
/// wherever it runs.
fn isolate(root: &Path) -> Result<()> {
    // An id of its own, rather than `uninitialized`: that means a first boot, and a first boot enables
    // every unit that is installed.
    let id = fs::read_to_string("/proc/sys/kernel/random/uuid").context("reading an id")?;
    write(root, "etc/machine-id", &format!("{}\n", id.trim().replace('-', "")))?;
    write(root, "etc/fstab", "")?;
    // A debootstrap has none, and then nothing knows `localhost`.
    write(root, "etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")?;
    let units = root.join("etc/systemd/system");
    fs::create_dir_all(&units).context("creating `etc/systemd/system`")?;
    for entry in fs::read_dir(&units).context("reading `etc/systemd/system`")? {
        let path = entry.context("reading `etc/systemd/system`")?.path();
        let is_wish = path.extension().is_some_and(|kind| kind == "wants" || kind == "requires");
        if is_wish && path.is_dir() {
            fs::remove_dir_all(&path).with_context(|| format!("removing `{}`", path.display()))?;
        }
    }
    for unit in MASKED {
        let link = units.join(unit);
        if link.symlink_metadata().is_ok() {
            fs::remove_file(&link).with_context(|| format!("removing `{unit}`"))?;
        }
        std::os::unix::fs::symlink("/dev/null", &link).with_context(|| format!("masking `{unit}`"))?;
    }
    Ok(())
}

/// Replaces the file, or the link that it may be: writing through a link could leave the tree.
fn write(root: &Path, path: &str, text: &str) -> Result<()> {
    let file = root.join(path);
    if file.symlink_metadata().is_ok() {
        fs::remove_file(&file).with_context(|| format!("removing `{path}`"))?;
    }
    fs::write(&file, text).with_context(|| format!("writing `{path}`"))
}

fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let sbin = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path)
        .chain(sbin)
        .chain(iter::once("/usr/bin".into()))
        .any(|at| at.join(program).exists())
}
