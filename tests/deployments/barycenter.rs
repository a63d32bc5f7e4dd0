//! The provider behind two socket proxies: only they reach it, and one of them only from one network.

use anyhow::{Result, ensure};

use super::changes::each_is_named_alone;
use super::{Deployment, install_clients};
use crate::machine::Machine;
use crate::machine::standins::{http, said};

/// In the network that the manifest allows, and in none that it knows.
const ADDRESSES: [&str; 3] = ["10.0.0.1", "10.0.0.5", "192.0.2.7"];

const CONFIGURATION: &str = "[server]
host = \"127.0.0.1\"
port = 9090
[database]
url = \"sqlite:///var/lib/barycenter/barycenter.db?mode=rwc\"
[keys]
private_key_path = \"/var/lib/barycenter/private_key.json\"
jwks_path = \"/var/lib/barycenter/jwks.json\"
";

pub(super) fn behind_proxies(machine: &Machine) -> Result<()> {
    let deployment = Deployment::generate(machine, "barycenter")?;
    install_clients(machine)?;
    machine.install_standin("barycenter", "/usr/local/bin/barycenter")?;
    machine.install(b"Hello", "/usr/local/share/barycenter/static/hello", 0o644)?;
    machine.install(CONFIGURATION.as_bytes(), "/etc/barycenter/config.toml", 0o644)?;
    for address in ADDRESSES {
        machine.check(&["ip", "address", "add", &format!("{address}/24"), "dev", "lo"])?;
    }
    deployment.start()?;
    answers_everybody(machine)?;
    answers_its_managers(machine)?;
    let log = machine.journal("barycenter")?;
    ensure!(!log.contains("url="), "settings in the log: {log}");
    let modes = machine.check(&["sh", "-c", "cd /var/lib/barycenter; stat -c '%a %U' . *.db *_key.json"])?;
    ensure!(modes == "750 barycenter\n600 barycenter\n600 barycenter\n", "{modes}");
    each_is_named_alone(machine, "barycenter")?;
    deployment.is_scored("barycenter.service")?;
    cannot_be_reached(machine)
}

fn answers_everybody(machine: &Machine) -> Result<()> {
    let discovery = http(machine, "9090", "GET /.well-known/openid-configuration", "")?;
    ensure!(discovery.contains("200 OK") && discovery.contains("issuer"), "{discovery}");
    let file = http(machine, "9090", "GET /static/hello", "")?;
    ensure!(file.contains("200 OK") && file.contains("Hello"), "{file}");
    for (from, to) in [("192.0.2.7", "10.0.0.1"), ("::1", "::1")] {
        let keys = request(machine, from, to, "9090", "GET /.well-known/jwks.json")?;
        ensure!(keys.contains("\"keys\""), "from {from}: {keys}");
    }
    Ok(())
}

fn answers_its_managers(machine: &Machine) -> Result<()> {
    let jobs = request(machine, "10.0.0.5", "10.0.0.1", "9091", "POST /graphql")?;
    ensure!(jobs.contains("200 OK") && jobs.contains("availableJobs"), "{jobs}");
    for from in ["192.0.2.7", "127.0.0.1"] {
        let jobs = request(machine, from, "10.0.0.1", "9091", "POST /graphql")?;
        ensure!(!jobs.contains("200 OK"), "from {from}: {jobs}");
    }
    Ok(())
}

/// Without the proxies there is no way in, though the service runs and answers in its own network.
fn cannot_be_reached(machine: &Machine) -> Result<()> {
    machine.check(&["systemctl", "stop", "barycenter-public.socket", "barycenter-admin.socket"])?;
    ensure!(machine.property("barycenter", "ActiveState")? == "active", "it stopped with its sockets");
    let process = machine.property("barycenter", "MainPID")?;
    for port in ["9090", "9091"] {
        let outside = machine.run(&["request", "-t", "1", "127.0.0.1", port])?;
        ensure!(said(&outside).contains("Connection refused"), "{}", said(&outside));
        let line = format!(
            "printf 'POST / HTTP/1.1\\r\\n\\r\\n' | nsenter -n -t {process} request -k 127.0.0.1 {port}"
        );
        let inside = machine.check(&["sh", "-c", &line])?;
        ensure!(inside.starts_with("HTTP/1.1 "), "{inside}");
    }
    Ok(())
}

/// A request as an ordinary user from one of the machine's addresses: the answer, or why there is none.
fn request(machine: &Machine, from: &str, to: &str, port: &str, line: &str) -> Result<String> {
    let text = format!("{line} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let argv = ["runuser", "-u", "alice", "--", "request", "-k", "-t", "1", "-s", from, to, port];
    machine.run_with_input(&argv, text.as_bytes()).map(|output| said(&output))
}
