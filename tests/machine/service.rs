//! The steps that scenarios share once a machine runs: rendered files go in, units start, their state and
//! log come out.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{Machine, succeeded};

impl Machine {
    /// Lays the tree below `directory`, as `generate --root` writes it, over the machine's root, and makes
    /// its users, its paths and its units known, as a package's installation does.
    pub(crate) fn install_tree(&self, directory: &Path) -> Result<()> {
        let archive = std::process::Command::new("tar")
            .args(["--create", "--owner=root:0", "--group=root:0", "--directory"])
            .arg(directory)
            .arg(".")
            .output()
            .context("running tar")?;
        succeeded(&["tar"], &archive)?;
        let unpack = ["tar", "--extract", "--keep-directory-symlink", "--no-overwrite-dir", "-C", "/"];
        let unpacked = self.run_with_input(&unpack, &archive.stdout)?;
        succeeded(&unpack, &unpacked)?;
        // Only its own snippets: those of a host's packages may fail for reasons of their own.
        for (folder, tool) in
            [("sysusers.d", "systemd-sysusers"), ("tmpfiles.d", "systemd-tmpfiles --create")]
        {
            for parent in ["usr/lib", "etc"] {
                for name in names(&directory.join(parent).join(folder))? {
                    let path = format!("/{parent}/{folder}/{name}");
                    let argv: Vec<_> = tool.split(' ').chain([path.as_str()]).collect();
                    self.check(&argv)?;
                }
            }
        }
        self.check(&["systemctl", "daemon-reload"]).map(drop)
    }

    /// Writes `text` as `/etc/systemd/system/UNIT` and reloads the manager.
    pub(crate) fn install_unit(&self, unit: &str, text: &str) -> Result<()> {
        self.install(text.as_bytes(), &format!("/etc/systemd/system/{unit}"), 0o644)?;
        self.check(&["systemctl", "daemon-reload"]).map(drop)
    }

    /// Starts a unit and waits until systemd calls it started.
    ///
    /// # Errors
    ///
    /// Where systemd says that it failed; its status and log are in the message.
    pub(crate) fn start_unit(&self, unit: &str) -> Result<()> {
        let output = self.run(&["systemctl", "start", unit])?;
        if !output.status.success() {
            let status = self.run(&["systemctl", "status", "--full", "--lines=0", unit])?;
            let status = String::from_utf8_lossy(&status.stdout).into_owned();
            bail!("`{unit}` did not start\n{status}\n{}", self.journal(unit)?);
        }
        Ok(())
    }

    /// Stops a unit and forgets that it failed.
    pub(crate) fn stop_unit(&self, unit: &str) -> Result<()> {
        self.check(&["systemctl", "stop", unit])?;
        // Fails for a unit that is no longer loaded, which is what is wanted.
        self.run(&["systemctl", "reset-failed", unit]).map(drop)
    }

    /// One property as `systemctl show` prints it, empty where the manager has none of that name.
    pub(crate) fn property(&self, unit: &str, name: &str) -> Result<String> {
        let shown = self.check(&["systemctl", "show", "--value", &format!("--property={name}"), unit])?;
        Ok(shown.trim_end_matches('\n').to_owned())
    }

    /// Waits up to `seconds` for a property to have `value`.
    pub(crate) fn await_property(&self, unit: &str, name: &str, value: &str, seconds: u64) -> Result<()> {
        let until = Instant::now() + Duration::from_secs(seconds);
        loop {
            let found = self.property(unit, name)?;
            if found == value {
                return Ok(());
            }
            if Instant::now() > until {
                bail!("`{unit}`: {name} is `{found}` and not `{value}`\n{}", self.journal(unit)?);
            }
            sleep(Duration::from_millis(100));
        }
    }

    /// The host's number of a unit's main process; systemd's own counts from the machine's PID 1.
    pub(crate) fn main_pid(&self, unit: &str) -> Result<u32> {
        let inside = self.property(unit, "MainPID")?;
        let found = fs::read_dir("/proc").context("reading `/proc`")?.flatten().find_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let same = fs::read_link(entry.path().join("ns/pid")).ok()?
                == fs::read_link(format!("/proc/{}/ns/pid", self.pid1())).ok()?;
            let status = fs::read_to_string(entry.path().join("status")).ok()?;
            let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
            (same && numbers.split_whitespace().last() == Some(&inside)).then_some(pid)
        });
        found.with_context(|| format!("`{unit}` has no main process"))
    }

    /// The unit's log of this boot, messages only.
    pub(crate) fn journal(&self, unit: &str) -> Result<String> {
        self.run(&["journalctl", "--sync"])?;
        self.check(&["journalctl", "--boot", "--no-pager", "--quiet", "--output=cat", "--unit", unit])
    }

    /// The release of the machine's systemd: 252.
    pub(crate) fn systemd(&self) -> Result<u32> {
        let version = self.check(&["systemctl", "--version"])?;
        let number = version
            .split_whitespace()
            .nth(1)
            .and_then(|word| word.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok());
        number.with_context(|| format!("no release in `{}`", version.trim()))
    }

    /// Whether the kernel enforces this cgroup controller's limits inside: a host that keeps it on a
    /// version 1 hierarchy has none to give.
    pub(crate) fn has_controller(&self, name: &str) -> Result<bool> {
        let controllers = self.check(&["cat", "/sys/fs/cgroup/cgroup.controllers"])?;
        Ok(controllers.split_whitespace().any(|found| found == name))
    }
}

/// Sorted, so that users are made in the same order on every run; empty where there is no such folder.
fn names(directory: &Path) -> Result<Vec<String>> {
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(directory).with_context(|| format!("reading `{}`", directory.display()))?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<std::io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}
