//! `explain UNIT` for units that fail for real, each in another way.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{PROGRAM, install_program};
use crate::machine::Machine;
use crate::machine::standins::said;

/// A way of failing.
struct Way {
    /// The unit's name, without its type.
    unit: &'static str,
    /// The lines of its `[Service]`, the first of them line 2.
    lines: &'static [&'static str],
    /// What is said of its end.
    ending: &'static str,
    /// How sure the first cause is.
    certainty: &'static str,
    /// Its directives, the one to blame first.
    directives: &'static [&'static str],
    /// What it is about.
    thing: Option<&'static str>,
    /// Where the first directive stands.
    line: u32,
    /// A key that is told to allow it.
    key: Option<&'static str>,
}

const WAYS: &[Way] = &[
    Way {
        unit: "fail-namespace",
        lines: &[
            "ExecStart=/bin/true",
            "ProtectSystem=strict",
            "ReadWritePaths=/var",
            "ReadWritePaths=/srv/nope",
        ],
        ending: "ExecStart= ended with 226/NAMESPACE",
        certainty: "certain",
        directives: &["ReadWritePaths"],
        thing: Some("/srv/nope"),
        line: 5,
        key: Some("writes"),
    },
    Way {
        unit: "fail-chdir",
        lines: &["ExecStart=/bin/true", "WorkingDirectory=/home/homer", "ProtectHome=yes"],
        ending: "ExecStart= ended with 200/CHDIR",
        certainty: "certain",
        directives: &["ProtectHome", "WorkingDirectory"],
        thing: Some("/home/homer"),
        line: 4,
        key: Some("homes.read"),
    },
    Way {
        unit: "fail-stdout",
        lines: &[
            "ExecStart=/bin/true",
            "LogsDirectory=fail-stdout",
            "StandardOutput=append:/var/log/fail-stdout/log",
        ],
        ending: "ExecStart= ended with 209/STDOUT",
        certainty: "certain",
        directives: &["StandardOutput", "LogsDirectory"],
        thing: Some("/var/log/fail-stdout/log"),
        line: 4,
        key: Some("stdout"),
    },
    Way {
        unit: "fail-exec",
        lines: &["Type=exec", "ExecStart=/bin/true", "NoExecPaths=/", "ExecPaths=/usr/lib"],
        ending: "ExecStart= ended with 203/EXEC",
        certainty: "certain",
        directives: &["NoExecPaths"],
        thing: Some("/bin/true"),
        line: 4,
        key: Some("runs-programs"),
    },
    // The service runs on with its old configuration: only the reload failed.
    Way {
        unit: "fail-reload",
        lines: &[
            "ExecStart=/bin/sleep infinity",
            "ExecReload=/bin/kill -HUP $MAINPID",
            "NoExecPaths=/",
            "ExecPaths=/usr/lib -/usr/lib64 /usr/bin/sleep",
        ],
        ending: "ExecReload= ended with 203/EXEC",
        certainty: "certain",
        directives: &["NoExecPaths"],
        thing: Some("/bin/kill"),
        line: 4,
        key: Some("runs-programs"),
    },
    Way {
        unit: "fail-user",
        lines: &["ExecStart=/bin/true", "User=nobody-here"],
        ending: "ExecStart= ended with 217/USER",
        certainty: "certain",
        directives: &["User"],
        thing: Some("nobody-here"),
        line: 3,
        key: Some("user"),
    },
    Way {
        unit: "fail-credentials",
        lines: &["ExecStart=/bin/true", "LoadCredential=key:/etc/no-such-key"],
        ending: "ExecStart= ended with 243/CREDENTIALS",
        certainty: "certain",
        directives: &["LoadCredential"],
        thing: Some("/etc/no-such-key"),
        line: 3,
        key: Some("credentials"),
    },
    Way {
        unit: "fail-stdin",
        lines: &["ExecStart=/bin/true", "DevicePolicy=strict", "StandardInput=null"],
        ending: "ExecStart= ended with 208/STDIN",
        certainty: "likely",
        directives: &["DevicePolicy"],
        thing: None,
        line: 3,
        key: None,
    },
    Way {
        unit: "fail-network",
        lines: &["ExecStart=/bin/true", "NetworkNamespacePath=/run/netns/none"],
        ending: "ExecStart= ended with 225/NETWORK",
        certainty: "certain",
        directives: &["NetworkNamespacePath"],
        thing: Some("/run/netns/none"),
        line: 3,
        key: None,
    },
    Way {
        unit: "fail-call-killed",
        lines: &["ExecStart=/usr/bin/unshare --mount true", "SystemCallFilter=~unshare"],
        ending: "ExecStart= was killed by SIGSYS",
        certainty: "likely",
        directives: &["SystemCallFilter"],
        thing: Some("unshare"),
        line: 3,
        key: Some("system-calls"),
    },
    Way {
        unit: "fail-call-refused",
        lines: &[
            "ExecStart=/usr/bin/unshare --mount true",
            "SystemCallFilter=~unshare",
            "SystemCallErrorNumber=EPERM",
        ],
        ending: "ExecStart= ended with status 1",
        certainty: "likely",
        directives: &["SystemCallFilter"],
        thing: Some("unshare"),
        line: 3,
        key: Some("system-calls"),
    },
    Way {
        unit: "fail-read-only",
        lines: &["ExecStart=/usr/bin/touch /srv/file", "ProtectSystem=strict"],
        ending: "ExecStart= ended with status 1",
        certainty: "likely",
        directives: &["ProtectSystem"],
        thing: Some("/srv/file"),
        line: 3,
        key: Some("writes"),
    },
    Way {
        unit: "fail-home",
        lines: &["ExecStart=/bin/cat /home/homer/secret", "User=homer", "ProtectHome=yes"],
        ending: "ExecStart= ended with status 1",
        certainty: "likely",
        directives: &["ProtectHome"],
        thing: Some("/home/homer/secret"),
        line: 4,
        key: Some("homes.read"),
    },
    Way {
        unit: "fail-tmp",
        lines: &["ExecStart=/bin/cat /tmp/shared", "PrivateTmp=yes"],
        ending: "ExecStart= ended with status 1",
        certainty: "likely",
        directives: &["PrivateTmp"],
        thing: Some("/tmp/shared"),
        line: 3,
        key: Some("shares-tmp"),
    },
    Way {
        unit: "fail-family",
        lines: &[
            "ExecStart=/usr/bin/perl -e 'socket(my $s, 2, 1, 0) or die \"socket: $!\\n\"'",
            "RestrictAddressFamilies=AF_UNIX",
        ],
        ending: "ExecStart= ended with status 97",
        certainty: "likely",
        directives: &["RestrictAddressFamilies"],
        thing: None,
        line: 3,
        key: Some("connects"),
    },
    Way {
        unit: "fail-network-private",
        lines: &[
            "ExecStart=/usr/bin/perl -e 'socket(my $s, 2, 1, 0); connect($s, pack(\"SnC4x8\", 2, 80, 10, 1, 2, 3)) or die \"connect: $!\\n\"'",
            "PrivateNetwork=yes",
        ],
        ending: "ExecStart= ended with status 101",
        certainty: "likely",
        directives: &["PrivateNetwork"],
        thing: None,
        line: 3,
        key: Some("connects"),
    },
    Way {
        unit: "fail-capability",
        lines: &[
            "ExecStart=/usr/bin/perl -e 'chown 1, 1, \"/etc/hostname\" or die \"chown: $!\\n\"'",
            "CapabilityBoundingSet=",
        ],
        ending: "ExecStart= ended with status 1",
        certainty: "likely",
        directives: &["CapabilityBoundingSet"],
        thing: Some("CAP_CHOWN"),
        line: 3,
        key: Some("others-files.own"),
    },
    Way {
        unit: "fail-tunable",
        lines: &["ExecStart=/bin/sh -c 'echo 1 > /proc/sys/kernel/panic'", "ProtectKernelTunables=yes"],
        ending: "ExecStart= ended with status 2",
        certainty: "likely",
        directives: &["ProtectKernelTunables"],
        thing: Some("/proc/sys/kernel/panic"),
        line: 3,
        key: Some("kernel.tunables"),
    },
    // Each time it is active for a moment, and the manager says that all is well.
    Way {
        unit: "fail-loop",
        lines: &[
            "ExecStart=/bin/sh -c 'sleep 0.3; exec cat /home/homer/secret'",
            "ProtectHome=tmpfs",
            "Restart=always",
            "RestartSec=100ms",
        ],
        ending: "ExecStart= ended with status 1",
        certainty: "likely",
        directives: &["ProtectHome"],
        thing: Some("/home/homer/secret"),
        line: 3,
        key: Some("homes.read"),
    },
];

pub(super) fn are_explained(machine: &Machine) -> Result<()> {
    install_program(machine)?;
    machine.check(&["useradd", "--create-home", "homer"])?;
    for path in ["/home/homer/secret", "/tmp/shared"] {
        machine.install(b"text\n", path, 0o644)?;
    }
    for way in WAYS {
        let text = format!("[Service]\n{}\n", way.lines.join("\n"));
        machine.install(text.as_bytes(), &format!("/etc/systemd/system/{}.service", way.unit), 0o644)?;
    }
    machine.check(&["systemctl", "daemon-reload"])?;
    for way in WAYS {
        // They fail: that is what they are for.
        machine.run(&["systemctl", "start", way.unit])?;
    }
    machine.run(&["systemctl", "reload", "fail-reload"])?;
    machine.run(&["sh", "-c", "sleep 2; journalctl --sync"])?;
    let mut wrong = Vec::new();
    for way in WAYS {
        if let Err(error) = is_explained(machine, way) {
            wrong.push(format!("{}: {error:#}", way.unit));
        }
    }
    machine.run(&["systemctl", "stop", "fail-loop", "fail-reload"])?;
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

fn is_explained(machine: &Machine, way: &Way) -> Result<()> {
    let explained = explain(machine, &[way.unit])?;
    let ending = explained["failure"].as_str().unwrap_or_default();
    ensure!(ending.starts_with(way.ending), "{explained:#}");
    let cause = &explained["causes"][0];
    ensure!(cause["certainty"] == way.certainty, "{explained:#}");
    ensure!(cause["directives"] == serde_json::json!(way.directives), "{explained:#}");
    ensure!(cause["thing"].as_str() == way.thing, "{explained:#}");
    let place = format!("/etc/systemd/system/{}.service:{}", way.unit, way.line);
    ensure!(cause["written"][0]["place"] == place.as_str(), "{explained:#}");
    let keys: Vec<&str> =
        cause["allowed_by"].as_array().into_iter().flatten().filter_map(|it| it["key"].as_str()).collect();
    ensure!(way.key.is_none_or(|key| keys.contains(&key)), "{explained:#}");
    ensure!(cause["fix"].as_str().is_some_and(|fix| !fix.is_empty()), "{explained:#}");
    Ok(())
}

/// What `explain` says of one unit, as JSON.
fn explain(machine: &Machine, arguments: &[&str]) -> Result<Value> {
    let argv: Vec<&str> = [PROGRAM, "explain", "--format", "json"].iter().chain(arguments).copied().collect();
    let document: Value = serde_json::from_str(&machine.check(&argv)?)?;
    let explained = document["explained"].as_array().and_then(|all| all.first()).context("nothing")?;
    ensure!(explained["kind"] == "unit", "{explained:#}");
    Ok(explained.clone())
}

/// A path that a manifest declares, and that nobody made.
const MANIFEST: &str = "edition = 1

[service]
name = \"declared\"
description = \"Writes where nothing is\"
type = \"oneshot\"
exec = [\"/bin/true\"]

[needs]
starts-as-root = \"it is a test\"
writes.\"/srv/missing\" = \"it writes there\"
";

/// The line of the manifest is told beside that of the unit.
pub(super) fn are_traced_to_the_manifest(machine: &Machine) -> Result<()> {
    install_program(machine)?;
    machine.install(MANIFEST.as_bytes(), "/root/declared.toml", 0o644)?;
    let target = format!("systemd-{}", machine.systemd()?);
    machine.check(&[PROGRAM, "generate", "/root/declared.toml", "--target", &target, "--root", "/"])?;
    machine.check(&["systemctl", "daemon-reload"])?;
    machine.run(&["systemctl", "start", "declared"])?;
    machine.run(&["journalctl", "--sync"])?;
    let explained = explain(machine, &["declared"])?;
    let cause = &explained["causes"][0];
    ensure!(cause["certainty"] == "certain" && cause["thing"] == "/srv/missing", "{explained:#}");
    ensure!(cause["directives"] == serde_json::json!(["ReadWritePaths"]), "{explained:#}");
    let declared = cause["declared"][0].as_str().unwrap_or_default();
    ensure!(declared.contains("declared.toml:11:") && declared.contains("needs writes"), "{explained:#}");
    let place = cause["written"][0]["place"].as_str().unwrap_or_default();
    ensure!(place.starts_with("/usr/lib/systemd/system/declared.service:"), "{explained:#}");
    Ok(())
}

/// What has not failed, what nobody explains, and what does not exist.
pub(super) fn are_told_from_other_units(machine: &Machine) -> Result<()> {
    install_program(machine)?;
    machine.install_unit("runs.service", "[Service]\nExecStart=/bin/sleep infinity\nPrivateUsers=yes\n")?;
    machine.start_unit("runs")?;
    let explained = explain(machine, &["runs"])?;
    ensure!(explained["failure"].is_null() && explained["causes"] == serde_json::json!([]), "{explained:#}");
    let hints = explained["hints"].to_string();
    ensure!(hints.contains("SO_PEERCRED"), "what breaks silently is told: {hints}");

    machine.install_unit(
        "riddle.service",
        "[Service]\nExecStart=/bin/sh -c 'echo \"\\033[31mno luck\"; exit 7'\n",
    )?;
    machine.run(&["systemctl", "start", "riddle"])?;
    machine.run(&["sh", "-c", "sleep 0.5; journalctl --sync"])?;
    let text = machine.check(&[PROGRAM, "explain", "riddle"])?;
    ensure!(text.contains("not known") && text.contains("no luck"), "{text}");
    ensure!(!text.contains('\u{1b}'), "nothing reaches the terminal as it is: {text:?}");

    let missing = machine.run(&[PROGRAM, "explain", "nosuch.service"])?;
    ensure!(missing.status.code() == Some(2), "{}", said(&missing));
    ensure!(said(&missing).contains("nosuch.service: the manager has no unit file"), "{}", said(&missing));

    // Who may not read the journal is told so, and learns what the manager says.
    machine.check(&["useradd", "--create-home", "maggie"])?;
    let output = machine.run_as("maggie", &[PROGRAM, "explain", "riddle.service"])?;
    ensure!(output.status.success() && said(&output).contains("journal"), "{}", said(&output));
    Ok(())
}
