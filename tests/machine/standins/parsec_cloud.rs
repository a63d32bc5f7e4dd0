//! The HTTP server: secrets from the environment, a key by credential, a home that must be seen.

use anyhow::{Result, ensure};

use super::{TIGHT, TIGHT_IDENTITY, http};
use crate::machine::Machine;

const UNIT: &str = "[Service]
Type=exec
User=cloud
ExecStart=/usr/libexec/parsec-cloud run
Environment=PARSEC_ADMINISTRATION_TOKEN=s3cr3t PARSEC_DB=MOCKED
";

pub(super) fn serves(machine: &Machine) -> Result<()> {
    machine.install_unit("cloud.service", UNIT)?;
    machine.start_unit("cloud")?;
    answers(machine)?;
    let denied = http(machine, "6777", "POST /administration/organizations", "Authorization: Bearer guess")?;
    ensure!(denied.contains("403 Forbidden"), "{denied}");
    machine.stop_unit("cloud")
}

pub(super) fn serves_tightly(machine: &Machine) -> Result<()> {
    machine.check(&["sh", "-c", "install -m 0600 /dev/null /root/tls.key; echo key >/root/tls.key"])?;
    let rest = "LoadCredential=tls.key:/root/tls.key
Environment=PARSEC_SSL_KEYFILE=%d/tls.key PARSEC_SSL_CERTFILE=/etc/os-release
Environment=PARSEC_DB=postgresql://localhost:5432/parsec
RestrictAddressFamilies=AF_INET AF_INET6
PrivateUsers=yes
ExecPaths=/usr/libexec/parsec-cloud
IPAddressDeny=any
IPAddressAllow=localhost
";
    let sandbox = [TIGHT, TIGHT_IDENTITY, rest].concat();
    let migrate = UNIT.replace("Type=exec", "Type=oneshot").replace(" run\n", " migrate\n");
    machine.check(&["systemd-run", "--unit=database", "listener", "5432"])?;
    machine.install_unit("cloud-migrate.service", &[&migrate, sandbox.as_str()].concat())?;
    machine.start_unit("cloud-migrate")?;
    ensure!(machine.journal("cloud-migrate")?.contains("already applied"), "no migration");
    machine.install_unit("cloud.service", &[UNIT, &sandbox].concat())?;
    machine.start_unit("cloud")?;
    answers(machine)?;
    machine.stop_unit("database")?;
    machine.stop_unit("cloud")
}

pub(super) fn needs_its_home(machine: &Machine) -> Result<()> {
    let unit =
        UNIT.replace("User=cloud", "User=alice").replace("MOCKED", "postgresql://localhost:5432/parsec");
    machine.install_unit("cloud.service", &[&unit, "ProtectHome=yes\n"].concat())?;
    machine.run(&["systemctl", "start", "cloud"])?;
    machine.await_property("cloud", "ExecMainStatus", "1", 5)?;
    let log = machine.journal("cloud")?;
    ensure!(log.contains("/home/alice/.postgresql/postgresql.key: Permission denied"), "{log}");
    machine.stop_unit("cloud")
}

pub(super) fn reads_its_key(machine: &Machine) -> Result<()> {
    let key = "Environment=PARSEC_SSL_KEYFILE=/etc/shadow PARSEC_SSL_CERTFILE=/etc/os-release\n";
    let store = "Environment=PARSEC_BLOCKSTORE=s3:host:9000:region:bucket:key:secret\n";
    for (extra, reason) in [(key, "/etc/shadow: Permission denied"), (store, "need s3:")] {
        machine.install_unit("cloud.service", &[UNIT, extra].concat())?;
        machine.run(&["systemctl", "start", "cloud"])?;
        machine.await_property("cloud", "ExecMainStatus", "1", 5)?;
        let log = machine.journal("cloud")?;
        ensure!(log.contains(reason), "{log}");
        machine.stop_unit("cloud")?;
    }
    let good = "Environment=PARSEC_BLOCKSTORE=s3:host\\\\:9000:region:bucket:key:secret\n";
    machine.install_unit("cloud.service", &[UNIT, good].concat())?;
    machine.start_unit("cloud")?;
    answers(machine)?;
    machine.stop_unit("cloud")
}

fn answers(machine: &Machine) -> Result<()> {
    let root = http(machine, "6777", "GET /", "")?;
    ensure!(root.contains("200 OK"), "{root}");
    let made = http(machine, "6777", "POST /administration/organizations", "Authorization: Bearer s3cr3t")?;
    ensure!(made.contains("200 OK") && made.contains("bootstrap_url"), "{made}");
    Ok(())
}
