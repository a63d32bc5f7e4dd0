//! Lines of the journal, which programs write as they like: whatever they say, the diagnosis stands by what systemd
//! named, and nothing of theirs reaches a terminal as it is.

use serde_json::{Value, json};
use systemd_harden::explain::{self, Explanation, Subject, UnitFacts};
use systemd_harden::failure::{
    Certainty, Exit, Fields, JournalLine, Presence, Speaker, Surroundings, Symptoms, diagnose,
};
use systemd_harden::posture::Posture;
use systemd_harden::report::Appearance;
use systemd_harden::unit_posture::read;

use super::input::{Choices, cases, parts, unit_text};
use super::output;

/// Entries as journalctl(1) writes them, and as further parts lines of the kernel and the unit.
pub fn holds(data: &[u8]) {
    let (choices, data) = Choices::take(data);
    let parts = parts(data);
    let part = |place: usize| parts.get(place).map(|(_, text)| *text).unwrap_or_default();
    let context = choices.context("a.service");
    let fields = Fields::of(context.scope);
    let entries = String::from_utf8_lossy(part(0)).into_owned();
    let entry = |line: &str| match serde_json::from_str::<Value>(line) {
        Ok(entry) => fields.line(&entry, "a.service"),
        // A text alone is one that the program wrote.
        Err(_) => JournalLine { text: line.to_owned(), pid: Some(7), ..JournalLine::default() },
    };
    let journal: Vec<JournalLine> = entries.lines().map(entry).collect();
    let kernel = String::from_utf8_lossy(part(1)).lines().map(str::to_owned).collect();
    let only_the_program = journal.iter().all(|line| line.speaker == Speaker::Program);
    let symptoms = Symptoms {
        active: "failed".to_owned(),
        sub: "failed".to_owned(),
        result: if choices.has("oom") { "oom-kill" } else { "exit-code" }.to_owned(),
        main: Some(if choices.has("killed") { Exit::Killed(31) } else { Exit::Exited(1) }),
        journal,
        kernel,
        ..Symptoms::default()
    };
    let unit = unit_text("a.service", part(2), &[]).or_else(|| unit_text("a.service", UNIT.as_bytes(), &[]));
    let unit = unit.expect("the unit of the property");
    let posture = read(&unit, &Posture::unset("a.service", context)).posture;
    let host = |path: &str| match path.len() % 3 {
        0 => Presence::There(path.to_owned()),
        1 => Presence::Missing,
        _ => Presence::NotKnown,
    };
    let around = Surroundings { posture: &posture, lines: &unit.assignments, declared: None, host: &host };
    let diagnosis = diagnose(&symptoms, &around);
    assert!(diagnosis.failure.is_some(), "it has failed");
    if only_the_program && symptoms.kernel.is_empty() && !choices.has("killed") {
        let certain = diagnosis.causes.iter().find(|cause| cause.certainty == Certainty::Certain);
        assert!(certain.is_none(), "a program's words are proof of {:?}", certain.map(|cause| &cause.why));
    }
    let subject = Subject { unit: "a.service", manifest: None, symptoms: &symptoms, notes: Vec::new() };
    let explained = [Explanation::Unit(Box::new(UnitFacts::new(&subject, &diagnosis)))];
    output::is_plain(&explain::text(&explained, Appearance::default()));
    output::is_plain(&explain::text(&explained, Appearance { width: Some(60), ..Appearance::default() }));
    let json = explain::json(&explained).expect("an explanation is JSON");
    output::is_json(&json);
    output::is_plain(&json);
}

/// A unit that could have failed in many ways.
const UNIT: &str = "[Service]\nExecStart=/usr/bin/a\nUser=a\nProtectSystem=strict\nProtectHome=yes\nPrivateDevices=yes\n\
                    ReadWritePaths=/srv/a\nNoExecPaths=/\nExecPaths=/usr\nSystemCallFilter=@system-service\n\
                    CapabilityBoundingSet=\nRestrictAddressFamilies=AF_UNIX\nPrivateNetwork=yes\nMemoryMax=1G\n\
                    MemoryDenyWriteExecute=yes\nSystemCallArchitectures=native\nLimitNOFILE=64\nPrivateUsers=yes\n";

/// What systemd, its children and programs write.
pub fn seeds() -> Vec<Vec<u8>> {
    let manager = json!({
        "_PID": "1", "UNIT": "a.service", "MESSAGE": "a.service: Main process exited, code=exited, status=226/NAMESPACE",
        "INVOCATION_ID": "12", "COMMAND": "ExecStart", "EXIT_CODE": "exited", "EXIT_STATUS": "226",
    });
    let child = json!({
        "_PID": "77", "UNIT": "a.service", "SYSLOG_IDENTIFIER": "(a)", "ERRNO": "2", "EXECUTABLE": "/usr/bin/a",
        "MESSAGE": "a.service: Failed at step NAMESPACE spawning /usr/bin/a: No such file or directory",
    });
    let bytes = json!({"_PID": "9", "MESSAGE": [27, 91, 50, 74, 255]});
    let words = [
        "a: open '/etc/shadow': Permission denied",
        "bind: Address family not supported by protocol",
        "cannot create /srv/b/x: Read-only file system",
        "mmap failed: Operation not permitted (os error 1)",
        "unshare(CLONE_NEWUSER): EPERM",
        "connect to 127.0.0.1:80: Network is unreachable",
        "\u{1b}[31m/dev/tpm0\u{202e}: No such file or directory",
        "Too many open files (os error 24)",
    ];
    let audit = "audit: type=1326 audit(1.2:3): auid=4294967295 uid=0 pid=77 comm=\"a\" exe=\"/usr/bin/a\" sig=31 \
                 arch=c000003e syscall=272 compat=0 ip=0x7f code=0x80000000";
    let mut seeds = vec![
        format!("#: 257\n{child}\n{manager}\n--- kernel\n{audit}\n--- unit\n{UNIT}").into_bytes(),
        format!("#: 252 killed\n{bytes}\n{manager}\n--- kernel\n{audit}\n").into_bytes(),
        format!("#: 252 oom\n{}\n", words.join("\n")).into_bytes(),
    ];
    seeds.extend(words.map(|word| format!("{word}\n").into_bytes()));
    for (_, text) in cases(&["units"], &[".service"]) {
        seeds.push([format!("{}\n--- kernel\n\n--- unit\n", words.join("\n")).as_bytes(), &text].concat());
    }
    seeds
}
