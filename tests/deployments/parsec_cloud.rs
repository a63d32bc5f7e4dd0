//! The server: secrets from files of root, a database beside it, a migration before it.

use anyhow::{Result, ensure};

use super::changes::each_is_named_alone;
use super::{Deployment, install_clients, install_peer};
use crate::machine::Machine;
use crate::machine::standins::{http, said};

const PYTHON: &str = "/usr/lib/parsec-cloud/venv/bin/python";

/// An address of the machine that is not its loopback's.
const ELSEWHERE: &str = "192.0.2.7";

/// What the program reads, all of it root's.
const FILES: [(&str, &str, u32); 7] = [
    ("parsec-admin-token.env", "PARSEC_ADMINISTRATION_TOKEN=9b1c6a4e0f7d2358a1e4c7f09d3b6258\n", 0o600),
    ("parsec-db.env", "PARSEC_DB=postgresql:///parsec?host=/run/postgresql\n", 0o600),
    ("parsec-smtp.env", "PARSEC_EMAIL_HOST=localhost\n", 0o600),
    ("parsec-s3.env", "PARSEC_BLOCKSTORE=s3:localhost\\\\:9000:region:bucket:key:secret\n", 0o600),
    ("parsec.env", "PARSEC_SERVER_ADDR=parsec3://localhost:6777\n", 0o644),
    ("parsec-server.key", "key\n", 0o600),
    ("parsec-server.crt", "certificate\n", 0o644),
];

pub(super) fn behind_proxy(machine: &Machine) -> Result<()> {
    let deployment = deploy(machine, "parsec-cloud")?;
    answers(machine)?;
    let elsewhere = machine.run(&["request", "-s", ELSEWHERE, "-t", "1", "127.0.0.1", "6777"])?;
    ensure!(elsewhere.status.code() == Some(1), "not only the proxy gets in: {}", said(&elsewhere));
    each_is_named_alone(machine, "parsec-cloud")?;
    deployment.is_scored("parsec-cloud.service")
}

pub(super) fn with_tls(machine: &Machine) -> Result<()> {
    let deployment = deploy(machine, "parsec-cloud-tls")?;
    answers(machine)?;
    let request = b"GET / HTTP/1.1\r\n\r\n";
    let elsewhere =
        machine.run_with_input(&["request", "-k", "-s", ELSEWHERE, ELSEWHERE, "6777"], request)?;
    ensure!(said(&elsewhere).contains("200 OK"), "{}", said(&elsewhere));
    each_is_named_alone(machine, "parsec-cloud-tls")?;
    deployment.is_scored("parsec-cloud.service")
}

fn deploy<'a>(machine: &'a Machine, folder: &str) -> Result<Deployment<'a>> {
    let deployment = Deployment::generate(machine, folder)?;
    install_clients(machine)?;
    install_peer(machine, "postgresql.service", "/run/postgresql/.s.PGSQL.5432")?;
    // As venv makes it: a link to the system's interpreter.
    machine.install_standin("parsec-cloud", "/usr/bin/python3.parsec")?;
    machine.check(&["mkdir", "-p", "/usr/lib/parsec-cloud/venv/bin"])?;
    machine.check(&["ln", "-s", "/usr/bin/python3.parsec", PYTHON])?;
    for (name, text, mode) in FILES {
        machine.install(text.as_bytes(), &format!("/etc/parsec-cloud/{name}"), mode)?;
    }
    machine.check(&["ip", "address", "add", &format!("{ELSEWHERE}/24"), "dev", "lo"])?;
    deployment.start()?;
    Ok(deployment)
}

fn answers(machine: &Machine) -> Result<()> {
    let organizations = "POST /administration/organizations";
    let made =
        http(machine, "6777", organizations, "Authorization: Bearer 9b1c6a4e0f7d2358a1e4c7f09d3b6258")?;
    ensure!(made.contains("200 OK") && made.contains("bootstrap_url"), "{made}");
    let refused = http(machine, "6777", organizations, "Authorization: Bearer guess")?;
    ensure!(refused.contains("403 Forbidden"), "{refused}");
    let migrated = machine.journal("parsec-cloud-migrate")?;
    ensure!(migrated.contains("already applied"), "{migrated}");
    Ok(())
}
