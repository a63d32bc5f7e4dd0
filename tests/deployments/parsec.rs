//! The key service in its three forms: who may connect, and as whom.

use anyhow::{Result, ensure};

use super::changes::each_is_named_alone;
use super::{Deployment, install_clients, install_peer};
use crate::machine::Machine;
use crate::machine::standins::said;

pub(super) fn direct(machine: &Machine) -> Result<()> {
    let deployment = deploy(machine, "parsec-direct", "Direct")?;
    machine.check(&["usermod", "--append", "--groups", "parsec-clients", "alice"])?;
    let round = machine.run_as("alice", &["parsec-client", "--as", "billing"])?;
    ensure!(round.status.success(), "{}", said(&round));
    let outside = machine.run_as("bob", &["parsec-client", "--as", "billing", "list"])?;
    ensure!(said(&outside).contains("Permission denied"), "{}", said(&outside));
    keeps_its_files(machine)?;
    each_is_named_alone(machine, "parsec-direct")?;
    deployment.is_scored("parsec.service")
}

pub(super) fn peer_credentials(machine: &Machine) -> Result<()> {
    let deployment = deploy(machine, "parsec-peer-credentials", "UnixPeerCredentials")?;
    let round = machine.run_as("alice", &["parsec-client"])?;
    ensure!(round.status.success(), "{}", said(&round));
    let alice = machine.check(&["id", "-u", "alice"])?;
    let posing = machine.run_as("bob", &["parsec-client", "--as", alice.trim(), "list"])?;
    ensure!(said(&posing).contains("status 11"), "{}", said(&posing));
    keeps_its_files(machine)?;
    install_key_database(machine, "4711", "/root/keys-of-nobody.sqlite3")?;
    install_key_database(machine, alice.trim(), "/root/keys-of-alice.sqlite3")?;
    each_is_named_alone(machine, "parsec-peer-credentials")?;
    deployment.is_scored("parsec.service")
}

pub(super) fn jwt_svid(machine: &Machine) -> Result<()> {
    install_peer(machine, "spire-agent.service", "/run/spire/sockets/agent.sock")?;
    let deployment = deploy(machine, "parsec-jwt-svid", "JwtSvid")?;
    let round = machine.run_as("alice", &["parsec-client", "--as", "spiffe://example/alice"])?;
    ensure!(round.status.success(), "{}", said(&round));
    let posing = machine.run_as("alice", &["parsec-client", "list"])?;
    ensure!(said(&posing).contains("status 11"), "{}", said(&posing));
    keeps_its_files(machine)?;
    deployment.is_scored("parsec.service")?;
    machine.stop_unit("spire-agent")?;
    machine.await_property("parsec", "ActiveState", "inactive", 5)
}

pub(super) fn deploy<'a>(machine: &'a Machine, folder: &str, authenticator: &str) -> Result<Deployment<'a>> {
    let deployment = Deployment::generate(machine, folder)?;
    install(machine, authenticator)?;
    deployment.start()?;
    Ok(deployment)
}

/// What a package and an administrator put there.
pub(super) fn install(machine: &Machine, authenticator: &str) -> Result<()> {
    install_clients(machine)?;
    machine.install_standin("parsec", "/usr/libexec/parsec")?;
    let configuration = format!("[authenticator]\nauth_type = \"{authenticator}\"\n");
    machine.install(configuration.as_bytes(), "/etc/parsec/config.toml", 0o644)
}

/// A key store of Parsec's other kind, with one key of the client `uid`: the table and columns of Parsec 1.5.0.
fn install_key_database(machine: &Machine, uid: &str, path: &str) -> Result<()> {
    let file = machine.scratch().join(format!("keys-of-{uid}.sqlite3"));
    let database = rusqlite::Connection::open(&file)?;
    database.execute_batch(
        "CREATE TABLE key_mapping (authenticator_id INTEGER NOT NULL, application_name TEXT NOT NULL,
             provider_id INTEGER NOT NULL, key_name TEXT NOT NULL, key_info BLOB NOT NULL)",
    )?;
    database.execute("INSERT INTO key_mapping VALUES (3, ?1, 1, 'billing', x'00')", [uid])?;
    database.close().map_err(|(_, error)| error)?;
    machine.install_file(&file, path, 0o600)
}

/// Keys, mappings, log and configuration are there, and nobody else's to read.
fn keeps_its_files(machine: &Machine) -> Result<()> {
    let modes = "stat -c '%a %U %n' /etc/parsec/config.toml /var/lib/parsec /var/lib/parsec/mappings \
                 /var/lib/parsec/*.psa_its /var/log/parsec /var/log/parsec/parsec.log";
    let modes = machine.check(&["sh", "-c", modes])?;
    for line in modes.lines() {
        ensure!(line.starts_with("600 parsec /") || line.starts_with("700 parsec /"), "{modes}");
    }
    let log = machine.check(&["cat", "/var/log/parsec/parsec.log"])?;
    ensure!(log.contains("generate: status 0"), "{log}");
    Ok(())
}
