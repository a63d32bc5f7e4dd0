//! The key service: peer credentials, socket modes, activation and reload.

use std::fs;

use anyhow::{Result, ensure};

use super::{TIGHT, TIGHT_IDENTITY, said};
use crate::machine::Machine;

const UNIT: &str = "[Service]
Type=notify
User=parsec
ExecStart=/usr/libexec/parsec --config /etc/parsec/config.toml
ExecReload=/bin/kill -HUP $MAINPID
StateDirectory=parsec
StateDirectoryMode=0700
RuntimeDirectory=parsec
WorkingDirectory=/var/lib/parsec
TimeoutStopSec=2
";

pub(super) fn serves(machine: &Machine) -> Result<()> {
    start(machine, "UnixPeerCredentials", UNIT)?;
    let round = machine.run_as("alice", &["parsec-client"])?;
    ensure!(round.status.success(), "{}", said(&round));
    let kept = machine.check(&["sh", "-c", "cd /var/lib/parsec; stat -c '%a %U' *.psa_its; ls mappings"])?;
    let uid = machine.check(&["sh", "-c", "printf %s \"$(id -u alice)\" | base64"])?;
    ensure!(kept.starts_with("644 parsec") && kept.contains(uid.trim()), "{kept}");
    let socket = machine.check(&["stat", "-c", "%a", "/run/parsec/parsec.sock"])?;
    ensure!(socket == "666\n", "the socket's mode is {socket}");
    let posing = machine.run_as("bob", &["parsec-client", "--as", uid.trim(), "list"])?;
    ensure!(said(&posing).contains("status 11"), "{}", said(&posing));
    machine.check(&["systemctl", "reload", "parsec"])?;
    let after = machine.run_as("alice", &["parsec-client"])?;
    ensure!(after.status.success(), "{}", said(&after));
    machine.stop_unit("parsec")?;
    let log = machine.journal("parsec")?;
    ensure!(log.contains("configuration reloaded") && log.contains("Parsec stops"), "{log}");
    Ok(())
}

pub(super) fn serves_tightly(machine: &Machine) -> Result<()> {
    let rest =
        "RestrictAddressFamilies=AF_UNIX\nPrivateNetwork=yes\nExecPaths=/usr/libexec/parsec /usr/bin/kill\n";
    let unit = [UNIT, TIGHT, TIGHT_IDENTITY, rest].concat();
    start(machine, "UnixPeerCredentials", &unit)?;
    machine.check(&["systemctl", "reload", "parsec"])?;
    let round = machine.run_as("alice", &["parsec-client"])?;
    ensure!(round.status.success(), "{}", said(&round));
    let seccomp = fs::read_to_string(format!("/proc/{}/status", machine.main_pid("parsec")?))?;
    ensure!(seccomp.contains("Seccomp:\t2") && seccomp.contains("CapBnd:\t0000000000000000"), "{seccomp}");
    machine.stop_unit("parsec")
}

pub(super) fn knows_nobody(machine: &Machine) -> Result<()> {
    start(machine, "UnixPeerCredentials", &[UNIT, "PrivateUsers=yes\n"].concat())?;
    let ping = machine.run_as("alice", &["parsec-client", "ping"])?;
    ensure!(ping.status.success(), "{}", said(&ping));
    let round = machine.run_as("alice", &["parsec-client"])?;
    ensure!(!round.status.success() && said(&round).contains("status 11"), "{}", said(&round));
    machine.stop_unit("parsec")
}

pub(super) fn believes_names(machine: &Machine) -> Result<()> {
    start(machine, "Direct", &[UNIT, "PrivateUsers=yes\n"].concat())?;
    let made = machine.run_as("bob", &["parsec-client", "--as", "bob", "generate of-bob"])?;
    ensure!(made.status.success(), "{}", said(&made));
    let stolen = machine.run_as("alice", &["parsec-client", "--as", "bob", "sign of-bob"])?;
    ensure!(stolen.status.success(), "{}", said(&stolen));
    let again = machine.run_as("bob", &["parsec-client", "--as", "bob", "generate of-bob"])?;
    ensure!(said(&again).contains("status 1139"), "{}", said(&again));
    machine.stop_unit("parsec")
}

pub(super) fn needs_its_agent(machine: &Machine) -> Result<()> {
    ensure!(start(machine, "JwtSvid", UNIT).is_err(), "it started without an agent");
    machine.check(&["mkdir", "-p", "/run/spire/sockets"])?;
    let agent = ["systemd-run", "--unit=agent", "listener", "/run/spire/sockets/agent.sock"];
    machine.check(&agent)?;
    machine.check(&["sh", "-c", "until test -S /run/spire/sockets/agent.sock; do sleep 0.05; done"])?;
    start(machine, "JwtSvid", UNIT)?;
    let round = machine.run_as("alice", &["parsec-client", "--as", "spiffe://example/alice"])?;
    ensure!(round.status.success(), "{}", said(&round));
    machine.stop_unit("agent")?;
    machine.stop_unit("parsec")
}

pub(super) fn refuses_root(machine: &Machine) -> Result<()> {
    let unit = UNIT.replace("User=parsec\n", "");
    ensure!(start(machine, "UnixPeerCredentials", &unit).is_err(), "it runs as root");
    ensure!(machine.journal("parsec")?.contains("refusing to run as root"), "another reason");
    machine.stop_unit("parsec")
}

pub(super) fn hangs_when_activated(machine: &Machine) -> Result<()> {
    let socket = "[Socket]\nListenStream=/run/parsec.sock\n";
    for (extra, result) in [("", "timeout"), ("NonBlocking=yes\n", "success")] {
        machine.install_unit("activated.socket", socket)?;
        configure(machine, "UnixPeerCredentials")?;
        machine.install_unit("activated.service", &[UNIT, extra].concat())?;
        machine.start_unit("activated.socket")?;
        let client = ["parsec-client", "--socket", "/run/parsec.sock"];
        let round = machine.run_as("alice", &client)?;
        ensure!(round.status.success(), "{}", said(&round));
        machine.check(&["systemctl", "stop", "activated.socket", "activated.service"])?;
        let found = machine.property("activated.service", "Result")?;
        ensure!(found == result, "with `{extra}` the stop's result is `{found}`");
        machine.run(&["systemctl", "reset-failed"])?;
    }
    machine.start_unit("activated.socket")?;
    machine.run_as("alice", &["parsec-client", "--socket", "/run/parsec.sock", "ping"])?;
    machine.run(&["systemctl", "reload", "activated.service"])?;
    machine.await_property("activated.service", "ActiveState", "failed", 10)?;
    machine.stop_unit("activated.socket")?;
    machine.stop_unit("activated.service")
}

fn start(machine: &Machine, authenticator: &str, unit: &str) -> Result<()> {
    configure(machine, authenticator)?;
    machine.install_unit("parsec.service", unit)?;
    machine.start_unit("parsec")
}

fn configure(machine: &Machine, authenticator: &str) -> Result<()> {
    let text = format!("[authenticator]\nauth_type = \"{authenticator}\"\n");
    machine.install(text.as_bytes(), "/etc/parsec/config.toml", 0o644)
}
