//! The `OpenID` provider: two ports, files that keep the modes the umask leaves.

use anyhow::{Result, ensure};

use super::{TIGHT, TIGHT_IDENTITY, http, said};
use crate::machine::Machine;

const UNIT: &str = "[Service]
Type=exec
User=barycenter
ExecStart=/usr/libexec/barycenter --config /etc/barycenter.toml
WorkingDirectory=/usr/share/barycenter
StateDirectory=barycenter
";

pub(super) fn serves(machine: &Machine) -> Result<()> {
    start(machine, UNIT)?;
    answers(machine)?;
    let modes = machine.check(&["sh", "-c", "cd /var/lib/barycenter; stat -c '%a %n' *"])?;
    ensure!(modes == "644 barycenter.db\n644 jwks.json\n644 private_key.json\n", "{modes}");
    let log = machine.journal("barycenter")?;
    ensure!(log.contains("url=sqlite://"), "{log}");
    machine.stop_unit("barycenter")?;
    machine.check(&["sh", "-c", "rm /var/lib/barycenter/*"]).map(drop)
}

pub(super) fn serves_tightly(machine: &Machine) -> Result<()> {
    let rest = "RestrictAddressFamilies=AF_INET AF_INET6
PrivateUsers=yes
ExecPaths=/usr/libexec/barycenter
IPAddressDeny=any
IPAddressAllow=127.0.0.1
Environment=RUST_LOG=warn
";
    start(machine, &[UNIT, TIGHT, TIGHT_IDENTITY, rest].concat())?;
    answers(machine)?;
    let modes = machine.check(&["sh", "-c", "cd /var/lib/barycenter; stat -c %a * | sort -u"])?;
    ensure!(modes == "600\n", "{modes}");
    let filtered = machine.run(&["request", "-t", "1", "-s", "127.0.0.2", "127.0.0.1", "9090"])?;
    ensure!(filtered.status.code() == Some(1), "a denied address got through: {}", said(&filtered));
    machine.stop_unit("barycenter")
}

fn start(machine: &Machine, unit: &str) -> Result<()> {
    machine.install(b"[server]\nhost = \"127.0.0.1\"\nport = 9090\n", "/etc/barycenter.toml", 0o644)?;
    machine.install_unit("barycenter.service", unit)?;
    machine.start_unit("barycenter")
}

fn answers(machine: &Machine) -> Result<()> {
    let discovery = http(machine, "9090", "GET /.well-known/openid-configuration", "")?;
    ensure!(discovery.contains("200 OK") && discovery.contains("issuer"), "{discovery}");
    let file = http(machine, "9090", "GET /static/hello", "")?;
    ensure!(file.contains("200 OK") && file.contains("Hello"), "{file}");
    let administration = http(machine, "9091", "POST /graphql", "")?;
    ensure!(administration.contains("availableJobs"), "{administration}");
    Ok(())
}
