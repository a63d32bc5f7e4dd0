//! What the journal has of a unit, by way of journalctl(1): the manager's own lines, those of its child before it
//! became the program, and the program's. Fields that begin with `_` are the journal's own and cannot be made up
//! (systemd.journal-fields(7)); what the others say is believed of the manager and of root alone.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::Value;

use crate::context::Scope;
use crate::failure::{Exit, JournalLine, Speaker};

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
    let mut journal = Journal::default();
    let fields = Fields::of(scope);
    let mut arguments = vec![format!("--lines={LINES}")];
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
    let arguments: Vec<String> = std::iter::once(format!("--lines={KERNEL_LINES}")).chain(kernel).collect();
    if let Ok(read) = journalctl(&arguments) {
        journal.kernel = read.entries.iter().filter_map(|entry| text(entry, "MESSAGE")).collect();
    }
    journal
}

/// The names of fields, which differ between managers.
struct Fields {
    scope: Scope,
    unit: &'static str,
    invocation: &'static str,
}

impl Fields {
    fn of(scope: Scope) -> Self {
        match scope {
            Scope::System => Self { scope, unit: "UNIT", invocation: "INVOCATION_ID" },
            Scope::User => Self { scope, unit: "USER_UNIT", invocation: "USER_INVOCATION_ID" },
        }
    }

    /// What the unit's own processes write, and what the manager and its children write of it.
    fn matches(&self, unit: &str) -> Vec<String> {
        let own = match self.scope {
            Scope::System => format!("_SYSTEMD_UNIT={unit}"),
            Scope::User => format!("_SYSTEMD_USER_UNIT={unit}"),
        };
        let about = format!("{}={unit}", self.unit);
        match self.scope {
            Scope::System => vec![own, "+".to_owned(), about, "_UID=0".to_owned()],
            Scope::User => vec![own, "+".to_owned(), about],
        }
    }

    fn line(&self, entry: &Value, unit: &str) -> JournalLine {
        let number = |name: &str| text(entry, name)?.parse().ok();
        let is_about = text(entry, self.unit).as_deref() == Some(unit);
        let is_manager = match self.scope {
            Scope::System => text(entry, "_PID").as_deref() == Some("1"),
            Scope::User => text(entry, "_SYSTEMD_USER_UNIT").as_deref() == Some("init.scope"),
        };
        let named = text(entry, "SYSLOG_IDENTIFIER").unwrap_or_default();
        let speaker = match (is_about, is_manager) {
            (true, true) => Speaker::Manager,
            // The child has the program's name in parentheses until it becomes the program.
            (true, false) if named.starts_with('(') => Speaker::Child,
            _ => Speaker::Program,
        };
        // Below a users' manager the journal's own field is that of the manager's service.
        let trusted = match self.scope {
            Scope::System => text(entry, "_SYSTEMD_INVOCATION_ID"),
            Scope::User => None,
        };
        let invocation = match speaker {
            Speaker::Manager | Speaker::Child => text(entry, self.invocation).or(trusted),
            Speaker::Program => trusted,
        };
        let exit = || {
            let status = number("EXIT_STATUS")?;
            match text(entry, "EXIT_CODE")?.as_str() {
                "exited" => Some(Exit::Exited(status)),
                "killed" | "dumped" => Some(Exit::Killed(status)),
                _ => None,
            }
        };
        let ended = exit()
            .filter(|_| speaker == Speaker::Manager)
            .and_then(|exit| Some((text(entry, "COMMAND")?, exit)));
        JournalLine {
            speaker,
            text: text(entry, "MESSAGE").unwrap_or_default(),
            invocation,
            pid: number("_PID"),
            errno: number("ERRNO").filter(|_| speaker != Speaker::Program),
            executable: text(entry, "EXECUTABLE").filter(|_| speaker == Speaker::Child),
            ended,
        }
    }
}

/// A field as text; of several of one name the first, of bytes what is text among them.
fn text(entry: &Value, name: &str) -> Option<String> {
    let value = entry.get(name)?;
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(members) => {
            let byte = |member: &Value| member.as_u64().and_then(|byte| u8::try_from(byte).ok());
            match members.iter().map(byte).collect::<Option<Vec<u8>>>() {
                Some(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
                None => members.first()?.as_str().map(str::to_owned),
            }
        }
        _ => None,
    }
}

struct Output {
    entries: Vec<Value>,
    note: Option<String>,
}

/// Runs journalctl(1) over this boot.
fn journalctl(arguments: &[String]) -> anyhow::Result<Output> {
    let mut child = Command::new("journalctl")
        .args(["--boot", "--no-pager", "--all", "--output=json"])
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
    let entries = out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect::<Vec<Value>>();
    let said = err.lines().next().unwrap_or_default().trim();
    let is_refused = status.is_some_and(|status| !status.success());
    anyhow::ensure!(!is_refused || !entries.is_empty() || said.is_empty(), "{said}");
    let hidden = err.contains("not seeing messages");
    let note = hidden.then(|| {
        "this user does not see the whole journal: root and members of `systemd-journal` do".to_owned()
    });
    Ok(Output { entries, note })
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_manager_tells_how_a_command_ended() {
        let entry = |pid: &str| {
            json!({
                "_PID": pid, "UNIT": "a.service", "MESSAGE": "Main process exited", "INVOCATION_ID": "12",
                "COMMAND": "ExecStart", "EXIT_CODE": "exited", "EXIT_STATUS": "226",
            })
        };
        let fields = Fields::of(Scope::System);
        let told = fields.line(&entry("1"), "a.service");
        assert_eq!(told.ended, Some(("ExecStart".to_owned(), Exit::Exited(226))));
        assert_eq!((told.speaker, told.invocation.as_deref()), (Speaker::Manager, Some("12")));
        let forged = fields.line(&entry("77"), "a.service");
        assert_eq!((forged.speaker, forged.ended, forged.invocation), (Speaker::Program, None, None));
        assert_eq!(fields.line(&entry("1"), "b.service").ended, None);
    }

    #[test]
    fn fields_may_be_bytes_or_several() {
        let entry = json!({"MESSAGE": [104, 105, 255], "_PID": ["7", "8"], "EXIT_CODE": null});
        assert_eq!(text(&entry, "MESSAGE").as_deref(), Some("hi\u{fffd}"));
        assert_eq!(text(&entry, "_PID").as_deref(), Some("7"));
        assert_eq!(text(&entry, "EXIT_CODE"), None);
        assert_eq!(Fields::of(Scope::User).line(&entry, "a.service").pid, Some(7));
    }
}
