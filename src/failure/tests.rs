//! One unit for each way of failing.

mod denials;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};

use super::*;
use crate::architecture::Architecture;
use crate::catalogue::{ExecStep, Shows};
use crate::context::{Context, Mode, Scope, UnitType};
use crate::posture::Posture;
use crate::release::Release;
use crate::unit_file::{UnitName, UnitText};
use crate::unit_posture;

const UNIT: &str = "a.service";

fn context() -> Context {
    Context {
        release: Release::latest(257),
        mode: Mode::Loaded,
        scope: Scope::System,
        unit_type: UnitType::Service,
        architecture: Architecture::X86_64,
    }
}

fn line(speaker: Speaker, text: &str) -> JournalLine {
    JournalLine { speaker, text: text.to_owned(), pid: Some(77), ..JournalLine::default() }
}

/// What systemd's child and its manager write when a step fails.
fn at_step(step: ExecStep, errno: u64, error: &str) -> Vec<JournalLine> {
    let status = step.number();
    let told = |text: String| JournalLine { errno: Some(errno), ..line(Speaker::Child, &text) };
    let failed = format!("a.service: Failed at step {} spawning /usr/bin/a: No such file", step.name());
    vec![
        told(format!("a.service: {error}")),
        JournalLine { executable: Some("/usr/bin/a".to_owned()), ..told(failed) },
        ended(Exit::Exited(u64::from(status))),
    ]
}

fn ended(exit: Exit) -> JournalLine {
    let ended = Some(("ExecStart".to_owned(), exit));
    JournalLine { ended, ..line(Speaker::Manager, "a.service: Main process exited") }
}

/// What a program writes before it ends with 1.
fn says(text: &str) -> Vec<JournalLine> {
    vec![line(Speaker::Program, text), ended(Exit::Exited(1))]
}

fn failed(journal: Vec<JournalLine>) -> Symptoms {
    Symptoms { active: "failed".to_owned(), result: "exit-code".to_owned(), journal, ..Symptoms::default() }
}

/// The diagnosis of a unit with these lines in `[Service]`, of which those paths alone exist.
fn diagnosed(lines: &[&str], there: &[&str], symptoms: &Symptoms) -> Result<Diagnosis> {
    within(lines, there, |around| diagnose(symptoms, around))
}

/// What is found in the surroundings of such a unit.
fn within<T>(lines: &[&str], there: &[&str], find: impl FnOnce(&Surroundings<'_>) -> T) -> Result<T> {
    let source: Arc<Path> = Arc::from(Path::new("/etc/systemd/system/a.service"));
    let assignment = |(place, text): (usize, &&str)| -> Result<Assignment> {
        let (key, value) = text.split_once('=').context("no assignment")?;
        Ok(Assignment {
            section: "Service".into(),
            key: key.into(),
            value: value.into(),
            source: Arc::clone(&source),
            line: u32::try_from(place)? + 2,
        })
    };
    let assignments = lines.iter().enumerate().map(assignment).collect::<Result<Vec<_>>>()?;
    let id: UnitName = UNIT.parse()?;
    let text = UnitText {
        names: [id.clone()].into(),
        id,
        fragment: Some(source.to_path_buf()),
        drop_ins: Vec::new(),
        assignments,
        notices: Vec::new(),
    };
    let posture = unit_posture::read(&text, &Posture::unset(UNIT, context())).posture;
    let host = |path: &str| {
        if there.contains(&path) { Presence::There(path.to_owned()) } else { Presence::Missing }
    };
    let around = Surroundings { posture: &posture, lines: &text.assignments, declared: None, host: &host };
    Ok(find(&around))
}

/// The first cause as `CERTAINTY DIRECTIVES THING < LINES; ALLOWANCES`.
fn first(diagnosis: &Diagnosis) -> String {
    let Some(cause) = diagnosis.causes.first() else { return "not known".to_owned() };
    let directives: Vec<&str> = cause.directives.iter().map(|row| row.name).collect();
    let lines: Vec<&str> = cause
        .written
        .iter()
        .filter_map(|written| written.place.rsplit_once(':').map(|(_, line)| line))
        .collect();
    let keys: Vec<&str> = cause.few_allowances().iter().map(|allowance| allowance.key).collect();
    format!(
        "{} {} {} < {}; {}",
        cause.certainty.word(),
        directives.join("+"),
        cause.thing.as_deref().unwrap_or("-"),
        lines.join(","),
        keys.join(",")
    )
}

/// Lines, paths that exist, where systemd's child ended with which error and words, and what is found.
type Case = (&'static [&'static str], &'static [&'static str], ExecStep, u64, String, &'static str);

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn steps_lead_to_the_directive_the_path_and_the_line() -> Result<()> {
    const MISSING: &str = "No such file or directory";
    let namespace = |path: &str| format!("Failed to set up mount namespacing: {path}: {MISSING}");
    let chdir = format!("Changing to the requested working directory failed: {MISSING}");
    let stdout = format!("Failed to set up standard output: {MISSING}");
    let cases: Vec<Case> = vec![
        (
            &["ReadWritePaths=/srv/a", "ReadWritePaths=-/srv/b /srv/nope"],
            &["/srv/a"],
            ExecStep::Namespace,
            2,
            namespace("/run/systemd/unit-root/srv/nope"),
            "certain ReadWritePaths /srv/nope < 3; writes",
        ),
        (
            &["BindPaths=/srv/nope:/x"],
            &[],
            ExecStep::Namespace,
            2,
            namespace("/srv/nope"),
            "certain BindPaths /srv/nope < 2; ",
        ),
        (
            &["ProtectHome=yes", "WorkingDirectory=/home/a"],
            &["/home/a"],
            ExecStep::Chdir,
            2,
            chdir.clone(),
            "certain ProtectHome+WorkingDirectory /home/a < 2,3; homes.read,homes.write",
        ),
        (
            &["ProtectHome=yes", "WorkingDirectory=/srv/a"],
            &[],
            ExecStep::Chdir,
            2,
            chdir,
            "certain WorkingDirectory /srv/a < 3; working-directory",
        ),
        (
            &["LogsDirectory=a", "StandardOutput=append:/var/log/a/log"],
            &["/var/log"],
            ExecStep::Stdout,
            2,
            stdout.clone(),
            "certain StandardOutput+LogsDirectory /var/log/a/log < 3,2; stdout",
        ),
        (
            &["StandardOutput=append:/var/log/b/log"],
            &["/var/log"],
            ExecStep::Stdout,
            2,
            stdout,
            "certain StandardOutput /var/log/b/log < 2; stdout",
        ),
        (
            &["NoExecPaths=/", "ExecPaths=/usr/lib"],
            &["/usr/bin/a"],
            ExecStep::Exec,
            13,
            "Failed to locate executable /usr/bin/a: Permission denied".to_owned(),
            "certain NoExecPaths /usr/bin/a < 2; runs-programs",
        ),
        (
            &["NoExecPaths=/", "ExecPaths=/usr/bin"],
            &["/usr/bin/a"],
            ExecStep::Exec,
            13,
            "Failed to execute /usr/bin/a: Permission denied".to_owned(),
            "likely NoExecPaths /usr/bin/a < 2; runs-programs",
        ),
        (
            &[],
            &[],
            ExecStep::Exec,
            2,
            "Failed to locate executable /usr/bin/a".to_owned(),
            "certain  /usr/bin/a < ; ",
        ),
        (
            &["User=nobodyhere"],
            &[],
            ExecStep::User,
            3,
            "Failed to determine user credentials: No such process".to_owned(),
            "certain User nobodyhere < 2; user",
        ),
        (
            &["AmbientCapabilities=CAP_CHOWN"],
            &[],
            ExecStep::Capabilities,
            1,
            "Failed to apply ambient capabilities: Operation not permitted".to_owned(),
            "certain AmbientCapabilities - < 2; ",
        ),
        (
            &["LoadCredential=key:/etc/nokey", "LoadCredential=b:/etc/b"],
            &["/etc/b"],
            ExecStep::Credentials,
            71,
            "Failed to set up credentials: Protocol error".to_owned(),
            "certain LoadCredential /etc/nokey < 2; credentials",
        ),
        (
            &["DevicePolicy=strict", "StandardInput=null"],
            &[],
            ExecStep::Stdin,
            1,
            "Failed to set up standard input: Operation not permitted".to_owned(),
            "likely DevicePolicy - < 2; ",
        ),
        (
            &["NetworkNamespacePath=/run/netns/a"],
            &[],
            ExecStep::Network,
            2,
            "Failed to open network namespace path /run/netns/a: No such file or directory".to_owned(),
            "certain NetworkNamespacePath /run/netns/a < 2; ",
        ),
        (&[], &[], ExecStep::Setsid, 1, "Failed to create new session".to_owned(), "not known"),
    ];
    let mut wrong = Vec::new();
    for (lines, there, step, errno, error, expected) in cases {
        let diagnosis = diagnosed(lines, there, &failed(at_step(step, errno, &error)))?;
        if first(&diagnosis) != expected {
            wrong.push(format!("{lines:?} at {}: {}", step.name(), first(&diagnosis)));
        }
        ensure!(diagnosis.failure.as_ref().and_then(Ending::step) == Some(step), "{}", step.name());
    }
    ensure!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_a_program_says_leads_to_what_refuses_it() -> Result<()> {
    let home = "/home/a/.profile";
    let cases: [(&[&str], &[&str], &str, &str); 20] = [
        (
            &["ProtectSystem=strict"],
            &[],
            "touch: cannot touch '/srv/x': Read-only file system",
            "likely ProtectSystem /srv/x < 2; writes",
        ),
        (&["ProtectSystem=full"], &[], "open /srv/x: read-only file system", "not known"),
        (
            &["ProtectSystem=full"],
            &[],
            "open /etc/x: read-only file system",
            "likely ProtectSystem /etc/x < 2; writes",
        ),
        (
            &["ProtectSystem=strict", "ReadWritePaths=/srv", "ReadOnlyPaths=/srv/x"],
            &[],
            "open /srv/x/y: Read-only file system",
            "likely ReadOnlyPaths /srv/x/y < 4; writes.except",
        ),
        (
            &["ProtectSystem=strict", "StateDirectory=a"],
            &[],
            "/var/lib/a/b: Read-only file system",
            "not known",
        ),
        (
            &["ProtectHome=yes"],
            &[home],
            "cat: /home/a/.profile: No such file or directory",
            "likely ProtectHome /home/a/.profile < 2; homes.read,homes.write",
        ),
        (&["ProtectHome=yes"], &[], "cat: /home/a/.profile: No such file or directory", "not known"),
        (
            &["ProtectHome=yes"],
            &[home],
            "cat: /home/a/.profile: Permission denied",
            "likely ProtectHome /home/a/.profile < 2; homes.read,homes.write",
        ),
        (
            &["PrivateTmp=yes"],
            &["/tmp/x"],
            "cat: /tmp/x: No such file or directory",
            "likely PrivateTmp /tmp/x < 2; shares-tmp,measures-filesystems",
        ),
        (
            &["PrivateDevices=yes"],
            &["/dev/kmsg"],
            "cat: /dev/kmsg: No such file or directory",
            "likely PrivateDevices /dev/kmsg < 2; devices,measures-filesystems",
        ),
        (
            &["RestrictAddressFamilies=AF_UNIX"],
            &[],
            "socket: Address family not supported by protocol",
            "likely RestrictAddressFamilies - < 2; interfaces,connects",
        ),
        (
            &["RestrictAddressFamilies=AF_UNIX"],
            &[],
            "socket(AF_PACKET): Address family not supported by protocol",
            "likely RestrictAddressFamilies AF_PACKET < 2; network-admin.raw",
        ),
        (
            &["SystemCallFilter=~@mount", "SystemCallErrorNumber=EPERM"],
            &[],
            "mount(2) failed, call mount: Operation not permitted",
            "likely SystemCallFilter mount < 2; makes-sandboxes,makes-mounts",
        ),
        (
            &["SystemCallFilter=~unshare", "SystemCallErrorNumber=EPERM"],
            &[],
            "unshare: unshare failed: Operation not permitted",
            "likely SystemCallFilter unshare < 2; system-calls",
        ),
        (
            &["RestrictNamespaces=yes"],
            &[],
            "unshare: unshare failed: Operation not permitted",
            "likely RestrictNamespaces unshare < 2; makes-sandboxes",
        ),
        (
            &["CapabilityBoundingSet="],
            &[],
            "chown: Operation not permitted",
            "likely CapabilityBoundingSet CAP_CHOWN < 2; others-files.own,sends-mail.setuid",
        ),
        (
            &["User=a"],
            &[],
            "bind: Permission denied",
            "likely AmbientCapabilities CAP_NET_BIND_SERVICE < ; listens.low-port",
        ),
        (
            &["PrivateNetwork=yes"],
            &[],
            "connect: Network is unreachable",
            "likely PrivateNetwork - < 2; connects",
        ),
        (
            &["ProtectKernelTunables=yes"],
            &[],
            "cannot create /proc/sys/kernel/panic: Read-only file system",
            "likely ProtectKernelTunables /proc/sys/kernel/panic < 2; kernel.tunables,makes-mounts",
        ),
        (
            &["ProtectClock=yes"],
            &[],
            "date: cannot set date: Operation not permitted",
            "possible ProtectClock - < 2; kernel.clock,kernel.clock-read",
        ),
    ];
    let mut wrong = Vec::new();
    for (lines, there, text, expected) in cases {
        let diagnosis = diagnosed(lines, there, &failed(says(text)))?;
        if first(&diagnosis) != expected {
            wrong.push(format!("{lines:?} {text}: {}", first(&diagnosis)));
        }
    }
    ensure!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

#[test]
fn the_kernel_names_the_call_that_a_filter_kills_for() -> Result<()> {
    let killed = |kernel: &str| Symptoms {
        result: "signal".to_owned(),
        kernel: vec![kernel.to_owned()],
        ..failed(vec![line(Speaker::Program, "starting"), ended(Exit::Killed(31))])
    };
    let audit = |pid: u64, arch: &str, number: u64| {
        killed(&format!(
            "audit: type=1326 audit(1.1:1): pid={pid} sig=31 arch={arch} syscall={number} code=0x0"
        ))
    };
    let lines = ["SystemCallFilter=@system-service", "SystemCallArchitectures=native"];
    let cases = [
        (audit(77, "c000003e", 165), "certain SystemCallFilter mount < 2; makes-sandboxes,makes-mounts"),
        (audit(77, "40000003", 20), "certain SystemCallArchitectures x86 < 3; foreign-abi"),
        // Of another process.
        (audit(5, "c000003e", 165), "likely SystemCallFilter - < 2; "),
        (killed(""), "likely SystemCallFilter - < 2; "),
    ];
    for (symptoms, expected) in cases {
        let diagnosis = diagnosed(&lines, &[], &symptoms)?;
        ensure!(first(&diagnosis).starts_with(expected), "{}", first(&diagnosis));
    }
    Ok(())
}

#[test]
fn a_restart_does_not_hide_the_cause() -> Result<()> {
    let mut journal = says("cat: /home/a/x: No such file or directory");
    journal.push(line(Speaker::Manager, "a.service: Scheduled restart job, restart counter is at 3."));
    let running = Symptoms {
        active: "active".to_owned(),
        result: "success".to_owned(),
        restarts: 3,
        journal,
        ..Symptoms::default()
    };
    let diagnosis = diagnosed(&["ProtectHome=yes"], &["/home/a/x"], &running)?;
    ensure!(first(&diagnosis).starts_with("likely ProtectHome /home/a/x"), "{}", first(&diagnosis));
    Ok(())
}

#[test]
fn the_last_failure_counts_and_words_of_an_earlier_one_do_not() -> Result<()> {
    let mut journal = says("cat: /home/a/x: No such file or directory");
    journal.extend(says("touch: cannot touch '/srv/x': Read-only file system"));
    let lines = ["ProtectHome=yes", "ProtectSystem=strict"];
    let diagnosis = diagnosed(&lines, &["/home/a/x"], &failed(journal))?;
    ensure!(first(&diagnosis).starts_with("likely ProtectSystem /srv/x"), "{}", first(&diagnosis));
    ensure!(diagnosis.causes.len() == 1, "{:?}", diagnosis.causes);
    Ok(())
}

#[test]
fn without_a_journal_the_step_still_tells() -> Result<()> {
    let symptoms = Symptoms { main: Some(Exit::Exited(226)), ..failed(Vec::new()) };
    let diagnosis = diagnosed(&["ReadWritePaths=/srv/nope"], &[], &symptoms)?;
    ensure!(first(&diagnosis) == "likely ReadWritePaths /srv/nope < 2; writes", "{}", first(&diagnosis));
    Ok(())
}

#[test]
fn results_of_the_manager_lead_to_what_it_watches() -> Result<()> {
    let cases = [
        ("oom-kill", "MemoryMax=1M", "likely MemoryMax - < 2; resources.memory-max"),
        ("watchdog", "WatchdogSec=1", "likely WatchdogSec - < 2; watchdog"),
        ("timeout", "RuntimeMaxSec=1", "likely RuntimeMaxSec - < 2; runtime-max"),
        ("protocol", "Type=notify", "likely Type - < 2; type"),
    ];
    for (result, text, expected) in cases {
        let symptoms = Symptoms { result: result.to_owned(), ..failed(Vec::new()) };
        let diagnosis = diagnosed(&[text], &[], &symptoms)?;
        ensure!(first(&diagnosis) == expected, "{result}: {}", first(&diagnosis));
    }
    Ok(())
}

#[test]
fn what_nothing_explains_is_not_known() -> Result<()> {
    for text in ["out of luck", "", "/: \u{1b}[31m"] {
        let diagnosis = diagnosed(&["ProtectSystem=strict", "ProtectHome=yes"], &[], &failed(says(text)))?;
        ensure!(diagnosis.causes.is_empty(), "{text}: {}", first(&diagnosis));
        ensure!(diagnosis.hints.iter().any(|hint| hint.starts_with("not known")), "{:?}", diagnosis.hints);
        ensure!(diagnosis.evidence.iter().any(|line| line == text), "{:?}", diagnosis.evidence);
    }
    Ok(())
}

#[test]
fn a_unit_that_runs_has_not_failed_and_may_be_broken_silently() -> Result<()> {
    let fine = Symptoms { active: "active".to_owned(), result: "success".to_owned(), ..Symptoms::default() };
    let diagnosis = diagnosed(&["PrivateUsers=yes"], &[], &fine)?;
    ensure!(diagnosis.failure.is_none() && diagnosis.causes.is_empty());
    let hint = diagnosis.hints.iter().find(|hint| hint.starts_with("PrivateUsers="));
    ensure!(hint.is_some_and(|hint| hint.contains("SO_PEERCRED")), "{:?}", diagnosis.hints);
    Ok(())
}

#[test]
fn literal_credentials_are_not_repeated() -> Result<()> {
    let journal = at_step(ExecStep::Credentials, 71, "Failed to set up credentials: Protocol error");
    let diagnosis = diagnosed(&["SetCredential=key:hunter2"], &[], &failed(journal))?;
    ensure!(!diagnosis.causes.is_empty() && !format!("{diagnosis:?}").contains("hunter2"), "{diagnosis:?}");
    Ok(())
}

#[test]
fn every_step_has_rows_or_is_systemds_own() {
    const OWN: [ExecStep; 6] = [
        ExecStep::Memory,
        ExecStep::SignalMask,
        ExecStep::Cgroup,
        ExecStep::Setsid,
        ExecStep::Confirm,
        // Of socket units.
        ExecStep::Chown,
    ];
    for step in ExecStep::ALL {
        let at = |row: &&&Directive| row.fails.iter().any(|failing| failing.shows == Shows::At(*step));
        let rows = catalogue::all().iter().filter(at).count();
        assert_eq!(rows == 0, OWN.contains(step), "{}", step.name());
        assert_eq!(ExecStep::find(u64::from(step.number())), Some(*step));
    }
}

#[test]
fn remedies_are_phrases() {
    for failing in catalogue::all().iter().flat_map(|row| row.fails) {
        let text = failing.remedy;
        assert!(!text.is_empty() && !text.ends_with('.'), "{text}");
    }
}
