//! The database: a daemon of root's, and a session for each connection that becomes whoever logs in.

use anyhow::{Context, Result, ensure};

use super::changes::each_is_named_alone;
use super::report::is_as_declared;
use super::{Deployment, install_clients};
use crate::machine::Machine;
use crate::machine::standins::said;

const TALK: &str = "alice\nsecret\nid\nsh echo from $((6*7))\nwrite note\nquit\n";

pub(super) fn sessions(machine: &Machine) -> Result<()> {
    let deployment = Deployment::generate(machine, "scarletdme")?;
    install_clients(machine)?;
    machine.install_standin("scarletdme", "/usr/qmsys/bin/qm")?;
    machine.install(
        b"[qm]\nQMSYS=/usr/qmsys\nPIDFILE=/run/scarletdme/qm.pid\n",
        "/etc/scarlet.conf",
        0o644,
    )?;
    machine.check(&["ip", "address", "add", "192.0.2.7/24", "dev", "lo"])?;
    deployment.start()?;
    machine.check(&["usermod", "--append", "--groups", "qmusers", "alice"])?;
    machine.check(&["sh", "-c", "echo alice:secret | chpasswd"])?;
    logs_in(machine)?;
    each_is_named_alone(machine, "scarletdme")?;
    deployment.is_scored("scarletdme.service")?;
    limits_its_clients(machine)?;
    machine.check(&["systemctl", "stop", "scarletdme.service"])?;
    ensure!(machine.property("scarletdme", "Result")? == "success", "{}", machine.journal("scarletdme")?);
    ensure!(machine.run(&["pgrep", "-x", "qm"])?.stdout.is_empty(), "a session outlives its daemon");
    Ok(())
}

fn logs_in(machine: &Machine) -> Result<()> {
    let ids = "echo $(id -u alice) $(getent group qmusers | cut -d: -f3)";
    let ids = machine.check(&["sh", "-c", ids])?;
    let (uid, qmusers) = ids.trim().split_once(' ').context("no ids")?;
    let identity = format!("uid {uid} gid {uid} groups {qmusers}\n");
    for port in ["4242", "4243"] {
        let answer = talk(machine, &["127.0.0.1", port], TALK)?;
        ensure!(answer.contains(&identity), "no `{identity}` in\n{answer}");
        ensure!(answer.contains("from 42") && answer.contains("write note: done"), "{answer}");
        let note = machine.check(&["stat", "-c", "%a %U %G", "/usr/qmsys/note"])?;
        ensure!(note == "664 alice qmusers\n", "{note}");
        machine.check(&["rm", "/usr/qmsys/note"])?;
        let stranger = talk(machine, &["-s", "192.0.2.7", "127.0.0.1", port], TALK)?;
        ensure!(!stranger.contains("login:"), "{stranger}");
    }
    let wrong = talk(machine, &["127.0.0.1", "4242"], "alice\nguess\nid\n")?;
    ensure!(wrong.contains("Invalid login") && !wrong.contains("uid "), "{wrong}");
    Ok(())
}

/// Ten sessions from one address; the eleventh connection is closed unanswered.
fn limits_its_clients(machine: &Machine) -> Result<()> {
    let hold = "(echo alice; echo secret; sleep 60) | request -t 60 127.0.0.1 4242";
    for _ in 0..10 {
        machine.check(&["systemd-run", "--quiet", "--collect", "sh", "-c", hold])?;
    }
    let all = "for i in $(seq 100); do test $(pgrep -c -x -u alice qm) = 10 && exit; sleep 0.1; done; exit 1";
    machine.check(&["sh", "-c", all])?;
    let names = machine.check(&[
        "systemctl",
        "list-units",
        "--plain",
        "--no-legend",
        "scarletdmeserver@*.service",
    ])?;
    let names: Vec<_> = names.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    ensure!(names.len() == 10, "{names:?}");
    is_as_declared(machine, &names[..1])?;
    let eleventh = talk(machine, &["127.0.0.1", "4242"], TALK)?;
    ensure!(!eleventh.contains("login:"), "{eleventh}");
    let other_port = talk(machine, &["127.0.0.1", "4243"], TALK)?;
    ensure!(other_port.contains("from 42"), "{other_port}");
    Ok(())
}

/// What comes back of lines that an ordinary user sends.
fn talk(machine: &Machine, to: &[&str], lines: &str) -> Result<String> {
    let argv = [&["runuser", "-u", "bob", "--", "request", "-t", "1"], to].concat();
    machine.run_with_input(&argv, lines.as_bytes()).map(|output| said(&output))
}
