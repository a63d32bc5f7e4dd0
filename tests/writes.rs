//! What is written is whole or not there, whatever becomes of the program, the disk or somebody else who writes to the
//! same place; and nothing that was there is lost unseen.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::harness::{command, scratch, tree};
use crate::traced;

/// Every call that changes something on disk or prepares it.
const CALLS: [&str; 11] = [
    "openat",
    "openat2",
    "mkdirat",
    "write",
    "fchmod",
    "fsync",
    "linkat",
    "renameat",
    "renameat2",
    "unlinkat",
    "flock",
];

/// What is missing of the files of an earlier run: those whose path contains it.
const ALL: &str = "";
const NONE: &str = "nothing has this name";

/// A service of its program; what is made of it differs in every file but one.
fn manifest(program: &str) -> String {
    format!(
        "edition = 1\n\n[users.a]\ndescription = \"{program}\"\n\n[service]\nname = \"a\"\n\
         exec = [\"/usr/bin/{program}\"]\n\n[directories]\nstate = {{ below = {{ {program} = \"0700\" }} }}\n"
    )
}

/// A folder with two manifests of one package, what becomes of the first and what becomes of the second.
struct Place {
    folder: tempfile::TempDir,
    old: BTreeMap<String, String>,
    new: BTreeMap<String, String>,
}

impl Place {
    fn new() -> Result<Self> {
        let folder = scratch()?;
        for name in ["old", "new"] {
            fs::create_dir(folder.path().join(name))?;
            fs::write(folder.path().join(name).join("a.toml"), manifest(name))?;
            let output = Self::program(folder.path(), name, &format!("made-{name}")).output()?;
            ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let made = |name: &str| tree(&folder.path().join(format!("made-{name}")));
        let (old, new) = (made("old")?, made("new")?);
        ensure!(
            old.len() == 4 && old.iter().all(|(path, text)| new.get(path).is_some_and(|other| other != text))
        );
        Ok(Self { folder, old, new })
    }

    fn program(folder: &Path, manifest: &str, root: &str) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_systemd-harden"));
        let manifest = format!("{manifest}/a.toml");
        program.args(["generate", &manifest, "--root", root]).current_dir(folder);
        program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        program
    }

    /// The run that is disturbed: the new manifest into `out`.
    fn generate(&self) -> Command {
        Self::program(self.folder.path(), "new", "out")
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// Makes `out` what the old manifest made, without the file that `missing` names.
    fn prepare(&self, missing: &str) -> Result<()> {
        if self.out().exists() {
            fs::remove_dir_all(self.out())?;
        }
        for (path, text) in self.old.iter().filter(|(path, _)| !path.contains(missing)) {
            let path = self.out().join(path);
            fs::create_dir_all(path.parent().context("a file has a folder")?)?;
            fs::write(path, text)?;
        }
        Ok(())
    }

    /// Every file is all old or all new, the one that was missing all new or missing, and what has another name is all
    /// new and hidden. Returns how many files are new.
    fn judge(&self, missing: &str) -> Result<usize> {
        let found = tree(&self.out())?;
        let mut changed = 0;
        for (path, old) in &self.old {
            match found.get(path) {
                None => ensure!(path.contains(missing), "{path} is lost"),
                Some(text) if *text == self.new[path] => {
                    let mode = fs::metadata(self.out().join(path))?.permissions().mode() & 0o7777;
                    ensure!(mode == 0o644, "{path} has mode {mode:o}");
                    changed += 1;
                }
                Some(text) => ensure!(text == old && !path.contains(missing), "{path} is cut: {text}"),
            }
        }
        for (path, text) in found.iter().filter(|(path, _)| !self.old.contains_key(*path)) {
            let hidden = path.rsplit('/').next().is_some_and(|name| name.starts_with(".#systemd-harden-"));
            ensure!(hidden && self.new.values().any(|new| new == text), "{path} stays behind: {text}");
        }
        Ok(changed)
    }
}

#[test]
fn killed_at_any_call_it_leaves_whole_files() -> Result<()> {
    if !traced::can_trace()? {
        return Ok(());
    }
    let place = Place::new()?;
    let log = place.folder.path().join("log");
    let trace = format!("trace={}", CALLS.join(","));
    let mut in_between = 0;
    // One that is new among others that are replaced; all new.
    for missing in ["sysusers", ALL] {
        place.prepare(missing)?;
        let output = traced::run(&place.generate(), &log, &["-e", &trace])?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        ensure!(place.judge(missing)? == 4);
        let counted = traced::count(&log, &CALLS)?;
        ensure!(counted["linkat"] == 4 && counted["fsync"] == 8, "{counted:?}");
        ensure!(missing == ALL || counted["renameat"] == 3, "{counted:?}");
        for (call, count) in counted {
            for nth in 1..=count {
                place.prepare(missing)?;
                let kill = format!("inject={call}:signal=SIGKILL:when={nth}");
                let output = traced::run(&place.generate(), &log, &["-e", &trace, "-e", &kill])?;
                ensure!(!output.status.success(), "{call} {nth} is not its last");
                let changed = place.judge(missing).with_context(|| format!("killed at {call} {nth}"))?;
                in_between += usize::from(0 < changed && changed < 4);
            }
        }
    }
    ensure!(in_between >= 6, "only {in_between} kills between the first and the last file");
    Ok(())
}

#[test]
fn killed_at_any_moment_it_leaves_whole_files() -> Result<()> {
    const TIMES: u32 = 200;
    let place = Place::new()?;
    let run = || -> Result<Duration> {
        place.prepare("sysusers")?;
        let start = Instant::now();
        place.generate().output()?;
        Ok(start.elapsed())
    };
    run()?;
    let whole = (0..5).map(|_| run()).collect::<Result<Vec<_>>>()?.into_iter().max().context("a run")?;
    let mut killed = 0;
    for time in 0..TIMES {
        place.prepare("sysusers")?;
        let mut child = place.generate().stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        sleep(whole * time / TIMES);
        child.kill()?;
        killed += u32::from(child.wait()?.code().is_none());
        place.judge("sysusers").with_context(|| format!("killed after {:?}", whole * time / TIMES))?;
    }
    ensure!(killed > TIMES / 4, "only {killed} of {TIMES} were still running");
    Ok(())
}

#[test]
fn a_call_that_fails_is_told_and_leaves_whole_files() -> Result<()> {
    if !traced::can_trace()? {
        return Ok(());
    }
    let place = Place::new()?;
    let log = place.folder.path().join("log");
    // Three files that differ are shown before four are written.
    let faults = [
        ("write", "ENOSPC", 1..=3, "showing what is there: No space left on device"),
        ("write", "ENOSPC", 4..=7, "cannot write `"),
        ("fchmod", "EPERM", 1..=4, "cannot write `"),
        ("fsync", "EIO", 1..=4, "cannot write `"),
        ("linkat", "ENOSPC", 1..=1, "cannot write `"),
    ];
    for (call, error, calls, told) in faults {
        for nth in calls {
            place.prepare("sysusers")?;
            let fault = format!("inject={call}:error={error}:when={nth}");
            let output =
                traced::run(&place.generate(), &log, &["-e", &format!("trace={call}"), "-e", &fault])?;
            let stderr = String::from_utf8(output.stderr)?;
            ensure!(output.status.code() == Some(2), "{call} {nth}: {:?}, {stderr}", output.status);
            ensure!(stderr.contains(&format!("systemd-harden: {told}")), "{call} {nth}: {stderr}");
            ensure!(
                place.judge("sysusers")? == 0,
                "{call} {nth}: something has its name before all is written"
            );
        }
    }
    // What has no name yet where the first could not be given leaves nothing behind.
    ensure!(tree(&place.out())?.len() == 3, "{:?}", tree(&place.out())?.keys());
    Ok(())
}

#[test]
fn a_full_disk_is_told_and_leaves_what_was_there() -> Result<()> {
    let place = Place::new()?;
    fs::create_dir(place.out())?;
    // Two pages hold two of the four files.
    let script =
        "mount -t tmpfs -o size=8k none out || exit 77; \"$@\"; status=$?; find out -type f; exit $status";
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", script, "sh", env!("CARGO_BIN_EXE_systemd-harden")])
        .args(["generate", "new/a.toml", "--root", "out"])
        .current_dir(place.folder.path())
        .output()?;
    let (status, stderr) = (output.status.code(), String::from_utf8(output.stderr)?);
    if status == Some(77) || stderr.contains("unshare") {
        return traced::left_out("a full disk", &stderr);
    }
    ensure!(status == Some(2) && stderr.contains("No space left on device"), "{status:?}: {stderr}");
    ensure!(output.stdout.is_empty(), "{}", String::from_utf8(output.stdout)?);

    let manifest = place.folder.path().join("new/a.toml");
    for arguments in [&["generate"][..], &["lint"], &["score", "--format", "json"], &["score"]] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full")?;
        let output = Command::new(env!("CARGO_BIN_EXE_systemd-harden"))
            .args(arguments)
            .arg(&manifest)
            .stdout(full)
            .output()?;
        let stderr = String::from_utf8(output.stderr)?;
        ensure!(output.status.code() == Some(2), "{arguments:?}: {:?}", output.status);
        ensure!(stderr.contains("No space left on device"), "{arguments:?}: {stderr}");
    }
    Ok(())
}

#[test]
fn of_two_runs_at_once_one_has_all_its_files() -> Result<()> {
    let place = Place::new()?;
    for time in 0..40 {
        if time % 2 == 0 {
            place.prepare(NONE)?;
        } else {
            fs::remove_dir_all(place.out())?;
        }
        thread::scope(|threads| {
            let runs = ["old", "new"].map(|manifest| {
                let mut program = Place::program(place.folder.path(), manifest, "out");
                threads.spawn(move || program.output())
            });
            for run in runs {
                let Ok(output) = run.join() else { bail!("a thread panicked") };
                let output = output?;
                ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            }
            Ok(())
        })?;
        let found = tree(&place.out())?;
        ensure!(found == place.old || found == place.new, "mixed: {found:#?}");
    }
    Ok(())
}

#[test]
fn without_proc_files_are_whole_too() -> Result<()> {
    let place = Place::new()?;
    place.prepare("sysusers")?;
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", "mount -t tmpfs none /proc || exit 77; exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_systemd-harden"))
        .args(["generate", "new/a.toml", "--root", "out"])
        .current_dir(place.folder.path())
        .output()?;
    let (status, stderr) = (output.status.code(), String::from_utf8(output.stderr)?);
    if status == Some(77) || stderr.contains("unshare") {
        return traced::left_out("a system without /proc", &stderr);
    }
    ensure!(status == Some(0), "{status:?}: {stderr}");
    ensure!(place.judge("sysusers")? == 4 && tree(&place.out())?.len() == 4);
    Ok(())
}

#[test]
fn what_was_made_before_is_shown_and_replaced() -> Result<()> {
    let place = Place::new()?;
    place.prepare(NONE)?;
    let unit = place.out().join("usr/lib/systemd/system/a.service");
    fs::write(&unit, format!("{}# by \u{1b}[31mhand\n", place.old["usr/lib/systemd/system/a.service"]))?;
    let kept = place.out().join("usr/lib/sysusers.d/a.conf");
    fs::write(&kept, &place.new["usr/lib/sysusers.d/a.conf"])?;
    let before = fs::metadata(&kept)?.modified()?;
    let output = place.generate().output()?;
    let stderr = String::from_utf8(output.stderr)?;
    ensure!(output.status.success() && place.judge(NONE)? == 4, "{stderr}");
    ensure!(stderr.contains("`/usr/lib/systemd/system/a.service` is there and differs:\n--- "), "{stderr}");
    ensure!(stderr.contains("-ExecStart=/usr/bin/old\n+ExecStart=/usr/bin/new\n"), "{stderr}");
    ensure!(stderr.contains("\n-# by \\u{1b}[31mhand\n"), "{stderr}");
    ensure!(!stderr.contains("sysusers.d"), "what is the same is not shown: {stderr}");
    ensure!(fs::metadata(&kept)?.modified()? == before, "what is the same is left alone");
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o600))?;
    let stderr = String::from_utf8(place.generate().output()?.stderr)?;
    ensure!(
        stderr.contains("sysusers.d/a.conf` is there and differs:\nold mode 0600\nnew mode 0644\n"),
        "{stderr}"
    );
    ensure!(place.judge(NONE)? == 4);
    Ok(())
}

#[test]
fn what_was_not_made_here_is_shown_and_kept() -> Result<()> {
    let place = Place::new()?;
    let unit = |text: &str| -> Result<PathBuf> {
        place.prepare(NONE)?;
        let path = place.out().join("usr/lib/systemd/system/a.service");
        fs::remove_file(&path)?;
        match text.strip_prefix("-> ") {
            Some(target) => symlink(target.trim_end(), &path)?,
            None => fs::write(&path, text)?,
        }
        Ok(path)
    };
    let others = [
        "[Service]\nExecStart=/usr/bin/hand\n",
        "# Made by systemd-harden from b.toml; edition 1, default, systemd-252\n",
        "-> /dev/null\n",
        "-> ../../../../../new/a.toml\n",
    ];
    for text in others {
        let path = unit(text)?;
        let before = tree(&place.out())?;
        let output = place.generate().output()?;
        let stderr = String::from_utf8(output.stderr)?;
        ensure!(output.status.code() == Some(2) && output.stdout.is_empty(), "{text}: {stderr}");
        ensure!(
            stderr.contains(&format!("\n-{}", text.lines().last().unwrap_or_default())),
            "{text}: {stderr}"
        );
        ensure!(stderr.contains("`/usr/lib/systemd/system/a.service`; --replace"), "{text}: {stderr}");
        ensure!(tree(&place.out())? == before, "{text}: something was written");
        let mut program = place.generate();
        ensure!(program.arg("--replace").output()?.status.success() && place.judge(NONE)? == 4, "{text}");
        ensure!(fs::symlink_metadata(path)?.is_file(), "{text}");
    }
    // What is too large cannot be shown.
    unit(&"# much\n".repeat(200_000))?;
    let output = place.generate().arg("--replace").output()?;
    let stderr = String::from_utf8(output.stderr)?;
    ensure!(output.status.code() == Some(2) && stderr.contains("larger than"), "{stderr}");
    Ok(())
}

#[test]
fn import_keeps_what_somebody_may_have_edited() -> Result<()> {
    let folder = scratch()?;
    let made = folder.path().join("a.toml");
    fs::write(folder.path().join("a.service"), "[Service]\nExecStart=/usr/bin/a\n")?;
    let import = |options: &[&str]| -> Result<(Option<i32>, String)> {
        let output = command(&["import", "./a.service", "-o", "a.toml"])
            .args(options)
            .current_dir(folder.path())
            .output()?;
        Ok((output.status.code(), String::from_utf8(output.stderr)?))
    };
    ensure!(import(&[])? == (Some(0), String::new()));
    let first = fs::read_to_string(&made)?;
    ensure!(import(&[])? == (Some(0), String::new()), "the same is no matter");
    fs::write(&made, format!("{first}# mine\n"))?;
    let (status, stderr) = import(&[])?;
    ensure!(status == Some(2) && stderr.contains("\n-# mine\n"), "{status:?}: {stderr}");
    ensure!(fs::read_to_string(&made)?.ends_with("# mine\n"));
    let (status, stderr) = import(&["--replace"])?;
    ensure!(status == Some(0) && stderr.contains("\n-# mine\n"), "{status:?}: {stderr}");
    ensure!(fs::read_to_string(&made)? == first);
    Ok(())
}
