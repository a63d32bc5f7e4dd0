//! A unit that a distribution ships, and a drop-in that confines it.

use std::fs;

use anyhow::{Result, ensure};

use super::report::{drift, is_as_declared};
use super::{Deployment, manifest, parsec};
use crate::machine::Machine;
use crate::machine::standins::said;

/// As a distribution ships it: how it runs and with what limits, and nothing that confines it.
const PLAIN: &str = "[Unit]
Description=Parsec
[Service]
Type=notify
User=parsec
Group=parsec
WorkingDirectory=/var/lib/parsec
StateDirectory=parsec
StateDirectoryMode=0700
RuntimeDirectory=parsec
StandardOutput=append:/var/log/parsec/parsec.log
StandardError=append:/var/log/parsec/parsec.log
ExecStart=/usr/libexec/parsec --config /etc/parsec/config.toml
";

/// What the package of such a unit does.
const PACKAGE: &str = "set -e
useradd --system --home-dir /var/lib/parsec --shell /usr/sbin/nologin parsec
chmod 0600 /etc/parsec/config.toml
chown parsec:parsec /etc/parsec/config.toml
install --directory --mode 0700 --owner parsec --group parsec /var/log/parsec
install --mode 0600 --owner parsec --group parsec /dev/null /var/log/parsec/parsec.log
";

const FOLDER: &str = "parsec-peer-credentials";

pub(super) fn hardens(machine: &Machine) -> Result<()> {
    let deployment = Deployment::generate_with(machine, FOLDER, &["--drop-in"])?;
    parsec::install(machine, "UnixPeerCredentials")?;
    machine.check(&["sh", "-c", PACKAGE])?;
    // Before the drop-in comes with it, the manifest is the administrator's.
    machine.install(&fs::read(manifest(FOLDER)?)?, "/etc/systemd-harden/parsec.toml", 0o644)?;
    machine.install(PLAIN.as_bytes(), "/usr/lib/systemd/system/parsec.service", 0o644)?;
    machine.start_unit("parsec")?;
    let plain = drift(machine, "parsec.service")?;
    let weaker = plain.iter().filter(|drift| drift.relation == "weaker").count();
    ensure!(weaker > 20, "only {weaker} directives are weaker: {plain:?}");
    machine.install_tree(&deployment.tree)?;
    deployment.silently(&["systemd-analyze", "verify", "/usr/lib/systemd/system/parsec.service"])?;
    // Made by the program under the umask that the plain unit left it.
    machine.check(&["chmod", "0700", "/var/lib/parsec/mappings"])?;
    machine.check(&["systemctl", "restart", "parsec"])?;
    let round = machine.run_as("alice", &["parsec-client"])?;
    ensure!(round.status.success(), "{}", said(&round));
    is_as_declared(machine, &["parsec.service".to_owned()])
}
