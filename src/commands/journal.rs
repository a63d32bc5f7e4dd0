//! What the journal has of a unit, by way of journalctl(1): the manager's own lines, those of its child before it
//! became the program, and the program's.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use serde_json::Value;

use crate::context::Scope;
use crate::failure::{Fields, JournalLine, field};

/// The newest lines of a unit that are read: a few runs of one that restarts.
const LINES: &str = "400";

/// The newest lines of the kernel that are read.
const KERNEL_LINES: &str = "2000";

/// The most that is read, in bytes.
const LARGEST: u64 = 8 << 20;

/// How long journalctl may take; journals of many files on a slow disk take seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was read, and what could not be.
#[derive(Default)]
pub(super) struct Journal {
    pub(super) lines: Vec<JournalLine>,
    pub(super) kernel: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// Reads the lines of this boot about a unit, oldest first. `namespace` is the journal of its own that it writes to.
pub(super) fn read(unit: &str, scope: Scope, namespace: Option<&str>) -> Journal {
    read_some(unit, scope, namespace, &[format!("--lines={LINES}")], &[format!("--lines={KERNEL_LINES}")])
}

/// Reads all lines from a moment on, oldest first, once everything that was written before has reached the journal.
pub(super) fn read_since(unit: &str, scope: Scope, namespace: Option<&str>, since: SystemTime) -> Journal {
    let sync = namespace.map(|name| format!("--namespace={name}"));
    let synced = run(sync.into_iter().chain(["--sync".to_owned()]));
    let since = since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let from = [format!("--since=@{}.{:06}", since.as_secs(), since.subsec_micros())];
    let mut journal = read_some(unit, scope, namespace, &from, &from);
    if let Err(error) = synced {
        journal.notes.push(format!("the last lines may be missing from the journal: {error:#}"));
    }
    journal
}

/// Reads what `which` leaves of the unit's lines, and `of_kernel` of the kernel's.
fn read_some(
    unit: &str,
    scope: Scope,
    namespace: Option<&str>,
    which: &[String],
    of_kernel: &[String],
) -> Journal {
    let mut journal = Journal::default();
    let fields = Fields::of(scope);
    let mut arguments = which.to_vec();
    arguments.extend(namespace.map(|name| format!("--namespace=+{name}")));
    arguments.extend(fields.matches(unit));
    match journalctl(&arguments) {
        Ok(read) => {
            journal.lines = read.entries.iter().map(|entry| fields.line(entry, unit)).collect();
            journal.notes.extend(read.note);
            if journal.lines.is_empty() {
                journal.notes.push("the journal has nothing of it that this user may read".to_owned());
            }
        }
        Err(error) => journal.notes.push(format!("the journal is not read: {error:#}")),
    }
    let kernel = ["_TRANSPORT=kernel", "+", "_TRANSPORT=audit"].map(str::to_owned);
    let arguments: Vec<String> = of_kernel.iter().cloned().chain(kernel).collect();
    if let Ok(read) = journalctl(&arguments) {
        journal.kernel = read.entries.iter().filter_map(|entry| field(entry, "MESSAGE")).collect();
    }
    journal
}

struct Output {
    entries: Vec<Value>,
    note: Option<String>,
}

/// Reads entries of this boot.
fn journalctl(arguments: &[String]) -> anyhow::Result<Output> {
    let reading = ["--boot", "--no-pager", "--all", "--output=json"].map(str::to_owned);
    let Said { out, err, is_refused } = run(reading.into_iter().chain(arguments.iter().cloned()))?;
    let entries = out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect::<Vec<Value>>();
    let said = err.lines().next().unwrap_or_default().trim();
    anyhow::ensure!(!is_refused || !entries.is_empty() || said.is_empty(), "{said}");
    let hidden = err.contains("not seeing messages");
    let note = hidden.then(|| {
        "this user does not see the whole journal: root and members of `systemd-journal` do".to_owned()
    });
    Ok(Output { entries, note })
}

struct Said {
    out: String,
    err: String,
    is_refused: bool,
}

/// Runs journalctl(1).
fn run(arguments: impl Iterator<Item = String>) -> anyhow::Result<Said> {
    let mut child = Command::new("journalctl")
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run `journalctl`")?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    // Each on a thread: a full pipe would hold the child, and a silent child its reader.
    let out = thread::spawn(move || bounded(stdout));
    let err = thread::spawn(move || bounded(stderr));
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait().context("waiting for `journalctl`")? {
            break Some(status);
        }
        if Instant::now() > deadline {
            break None;
        }
        thread::sleep(Duration::from_millis(10));
    };
    if status.is_none() {
        // Killing fails for a child that has just ended by itself.
        let _ = child.kill();
        let _ = child.wait();
        anyhow::bail!("`journalctl` took longer than {} seconds", PATIENCE.as_secs());
    }
    let (out, err) = (out.join().unwrap_or_default(), err.join().unwrap_or_default());
    Ok(Said { out, err, is_refused: status.is_some_and(|status| !status.success()) })
}

/// What a stream says, up to the bound. A reader that stops early makes the writer end.
fn bounded(stream: Option<impl std::io::Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // What was read before an error counts.
        let _ = stream.take(LARGEST).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
