//! The database: a forking daemon, root sessions that become users, shared memory between them.

use anyhow::{Context, Result, ensure};

use super::{TIGHT, said};
use crate::machine::Machine;

const DAEMON: &str = "[Service]
Type=forking
ExecStart=/usr/qmsys/bin/qm -start
ExecStop=/usr/qmsys/bin/qm -stop
PIDFile=/run/qm/qm.pid
RuntimeDirectory=qm
TimeoutStopSec=2
";

const SESSION: &str = "[Service]
ExecStart=-/usr/qmsys/bin/qm -N
StandardInput=socket
StandardError=journal
";

pub(super) fn serves(machine: &Machine) -> Result<()> {
    start(machine, DAEMON, &[SESSION, "SupplementaryGroups=qmusers\n"].concat(), "4242")?;
    let groups = machine.check(&["sh", "-c", "echo $(id -u alice) $(getent group qmusers | cut -d: -f3)"])?;
    let (uid, qmusers) = groups.trim().split_once(' ').context("no ids")?;
    let answer =
        session(machine, "127.0.0.1", "alice\nsecret\nid\nsh echo from $((6*7))\nwrite note\nquit\n")?;
    let identity = format!("uid {uid} gid {uid} groups {qmusers}\n");
    ensure!(answer.contains(&identity), "no `{identity}` in\n{answer}");
    ensure!(answer.contains("from 42") && answer.contains("write note: done"), "{answer}");
    let owner = machine.check(&["stat", "-c", "%U", "/usr/qmsys/note"])?;
    ensure!(owner == "alice\n", "{owner}");
    let wrong = session(machine, "127.0.0.1", "alice\nguess\nid\n")?;
    ensure!(wrong.contains("Invalid login") && !wrong.contains("uid "), "{wrong}");
    let peers = machine.check(&["journalctl", "--boot", "--output=cat", "--grep=session from"])?;
    ensure!(peers.lines().all(|line| line == "session from 0.0.0.0"), "{peers}");
    let shared = machine.check(&["grep", "-c", "1902969089 .* 666 ", "/proc/sysvipc/shm"])?;
    ensure!(shared == "1\n", "the memory is not there with mode 666");
    ensure!(machine.check(&["/usr/qmsys/bin/qm", "-a"])?.starts_with("1 QMSYS"), "not attached");
    stop(machine)
}

pub(super) fn serves_tightly(machine: &Machine) -> Result<()> {
    let filter = "SystemCallFilter=@system-service
SystemCallFilter=~@resources @obsolete
RestrictAddressFamilies=AF_UNIX
PrivateNetwork=yes
PrivateIPC=yes
ReadWritePaths=/usr/qmsys
ReadOnlyPaths=/usr/qmsys/bin
";
    let daemon = "CapabilityBoundingSet=CAP_KILL\nProtectHome=yes\nExecPaths=/usr/qmsys/bin/qm\n";
    let inside = "CapabilityBoundingSet=CAP_SETUID CAP_SETGID
SystemCallFilter=~@chown
ExecPaths=/usr/qmsys/bin/qm /usr/bin
SupplementaryGroups=qmusers
[Unit]
JoinsNamespaceOf=qm.service
";
    let daemon = [DAEMON, TIGHT, filter, daemon].concat();
    start(machine, &daemon, &[SESSION, TIGHT, filter, inside].concat(), "127.0.0.1:4242")?;
    let answer = session(machine, "127.0.0.1", "alice\nsecret\nsh echo from $((6*7))\nwrite tight\nquit\n")?;
    ensure!(answer.contains("from 42") && answer.contains("write tight: done"), "{answer}");
    let log = machine.check(&["journalctl", "--boot", "--output=cat", "--grep=session from 127"])?;
    ensure!(log.contains("session from 127.0.0.1"), "{log}");
    ensure!(machine.check(&["/usr/qmsys/bin/qm", "-a"]).is_err(), "a shell reaches the private memory");
    leave_session_open(machine)?;
    stop(machine)?;
    ensure!(machine.run(&["pgrep", "-x", "qm"])?.stdout.is_empty(), "a session outlives -stop");
    Ok(())
}

pub(super) fn doubles(machine: &Machine) -> Result<()> {
    let refused = "NoExecPaths=/\nExecPaths=/usr/lib /usr/lib64 /usr/qmsys/bin/qm\n";
    start(machine, DAEMON, &[SESSION, refused].concat(), "127.0.0.1:4242")?;
    let talk = "(printf 'alice\\nsecret\\nsh id\\n'
        for i in $(seq 50); do
            pgrep -c -x -u alice qm >/tmp/copies
            grep -qx 2 /tmp/copies && exit
            sleep 0.1
        done) | request -t 5 127.0.0.1 4242";
    machine.run(&["sh", "-c", talk])?;
    let copies = machine.check(&["cat", "/tmp/copies"])?;
    ensure!(copies == "2\n", "{copies} sessions");
    stop(machine)?;
    machine.install(b"PIDFILE=/run/qm/qm.pid\nSH=/usr/bin/false\n", "/etc/scarlet.conf", 0o644)?;
    machine.install_unit("qmsession@.service", &[SESSION, refused, "ExecPaths=/usr/bin/false\n"].concat())?;
    machine.start_unit("qm")?;
    machine.start_unit("qmsession.socket")?;
    let answer = session(machine, "127.0.0.1", "alice\nsecret\nsh id\nid\nquit\n")?;
    ensure!(answer.matches("uid ").count() == 1, "{answer}");
    stop(machine)
}

pub(super) fn needs_its_peers(machine: &Machine) -> Result<()> {
    let daemon = [DAEMON, "CapabilityBoundingSet=~CAP_KILL\n"].concat();
    start(machine, &daemon, &[SESSION, "PrivateIPC=yes\n"].concat(), "127.0.0.1:4242")?;
    let answer = session(machine, "127.0.0.1", "alice\nsecret\nid\nquit\n")?;
    ensure!(!answer.contains("uid "), "{answer}");
    let log = machine.check(&["journalctl", "--boot", "--output=cat", "--grep=has not been started"])?;
    ensure!(log.contains("No such file"), "{log}");
    machine.install_unit("qmsession@.service", SESSION)?;
    leave_session_open(machine)?;
    machine.run(&["systemctl", "stop", "qm"])?;
    let log = machine.journal("qm")?;
    ensure!(log.contains("cannot stop a session: Operation not permitted"), "{log}");
    machine.run(&["sh", "-c", "systemctl stop qmsession.socket 'qmsession@*'"]).map(drop)
}

pub(super) fn refuses_unknown_keys(machine: &Machine) -> Result<()> {
    machine.install(b"PIDFILE=/run/qm/qm.pid\nALLOWED_HOSTS=10.0.0.0/8\n", "/etc/scarlet.conf", 0o644)?;
    ensure!(machine.start_unit("qm").is_err(), "it started");
    let log = machine.journal("qm")?;
    ensure!(log.contains("Unrecognised configuration parameter ALLOWED_HOSTS"), "{log}");
    machine.stop_unit("qm")
}

fn start(machine: &Machine, daemon: &str, session: &str, listen: &str) -> Result<()> {
    machine.install(b"[qm]\nQMSYS=/usr/qmsys\nPIDFILE=/run/qm/qm.pid\n", "/etc/scarlet.conf", 0o644)?;
    machine.install_unit("qm.service", daemon)?;
    machine.install_unit("qmsession@.service", session)?;
    let socket = format!("[Socket]\nListenStream={listen}\nAccept=yes\n");
    machine.install_unit("qmsession.socket", &socket)?;
    machine.start_unit("qm")?;
    machine.start_unit("qmsession.socket")
}

fn stop(machine: &Machine) -> Result<()> {
    machine.check(&["systemctl", "stop", "qmsession.socket"])?;
    machine.check(&["systemctl", "stop", "qm.service"])?;
    let result = machine.property("qm", "Result")?;
    ensure!(result == "success", "stopping ended in `{result}`\n{}", machine.journal("qm")?);
    Ok(())
}

fn session(machine: &Machine, address: &str, lines: &str) -> Result<String> {
    let output = machine.run_with_input(&["request", "-t", "5", address, "4242"], lines.as_bytes())?;
    Ok(said(&output))
}

/// A session of alice's that is still there when the caller goes on.
fn leave_session_open(machine: &Machine) -> Result<()> {
    let talk = "(echo alice; echo secret; sleep 30) | request -t 30 127.0.0.1 4242";
    machine.check(&["systemd-run", "--collect", "sh", "-c", talk])?;
    let seen = "for i in $(seq 50); do pgrep -u alice -x qm && exit; sleep 0.1; done; exit 1";
    machine.check(&["sh", "-c", seen]).map(drop)
}
