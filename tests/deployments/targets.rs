//! The manifests of `units/` for every distribution of the table: systemd has nothing to say about what is rendered for
//! it, on the machine's own release.
//!
//! Units for older releases are tried as well: a distribution is upgraded beneath its units. Programs and units of others
//! that the rendered ones name are stand-ins.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Write as _, stderr};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use systemd_harden::target::{DISTRIBUTIONS, Distribution};

use super::{BUILT, UNITS};
use crate::generate::shipped;
use crate::harness::tree;
use crate::machine::Machine;
use crate::machine::standins::said;

/// Where the folders with units are in the machine.
const INSIDE: &str = "/srv/targets";

/// Says what systemd says about each folder's units, with the folder before each line.
const VERIFY: &str = r#"
for folder in /srv/targets/*; do
    SYSTEMD_UNIT_PATH=$folder: systemd-analyze verify "$folder"/* 2>&1 </dev/null | sed "s,^,${folder##*/}: ,"
done
"#;

/// Settings whose words are units that ought to be there.
const NAMING: [&str; 4] = ["Requires=", "BindsTo=", "Wants=", "After="];

pub(super) fn are_verified(machine: &Machine) -> Result<()> {
    let release = machine.systemd()?;
    let mut folders = Folders::default();
    let (mut targets, mut exact) = (0, 0);
    for distribution in DISTRIBUTIONS {
        for manifest in shipped()? {
            // All render; which of them this systemd is asked about is another question.
            let units = rendered(distribution, &manifest)?;
            if u32::from(distribution.release.major) <= release {
                folders.add(distribution, &manifest, units)?;
            }
        }
        targets += usize::from(u32::from(distribution.release.major) <= release);
        exact += usize::from(u32::from(distribution.release.major) == release);
    }
    ensure!(exact > 0, "no distribution has systemd {release}");
    folders.install(machine)?;
    let output = machine.run(&["sh", "-c", VERIFY])?;
    let said = said(&output);
    ensure!(output.status.success() && said.is_empty(), "{}\n{said}", output.status);
    // A name that is no setting, to see that it is heard at all.
    machine.install(
        b"[Service]\nExecStart=/bin/true\nProtectEverything=yes\n",
        &format!("{INSIDE}/zz/a.service"),
        0o644,
    )?;
    let heard = machine.run(&["sh", "-c", VERIFY])?;
    ensure!(
        String::from_utf8_lossy(&heard.stdout).contains("ProtectEverything"),
        "systemd-analyze verify says nothing"
    );
    writeln!(
        stderr(),
        "systemd {release}: silent about {targets} distributions, {exact} of them with the same systemd; {} folders of units",
        folders.by_units.len()
    )?;
    Ok(())
}

/// The units of a manifest for a distribution, by name.
fn rendered(distribution: &Distribution, manifest: &Path) -> Result<BTreeMap<String, String>> {
    let folder = crate::harness::scratch()?;
    let output = Command::new(BUILT)
        .arg("generate")
        .arg(manifest)
        .args(["--target", distribution.name, "--root"])
        .arg(folder.path())
        .output()
        .context("running systemd-harden")?;
    ensure!(output.status.success(), "{} for {}: {}", manifest.display(), distribution.name, said(&output));
    let units = tree(&folder.path().join(UNITS))?;
    ensure!(!units.is_empty(), "{} for {}: no units", manifest.display(), distribution.name);
    Ok(units)
}

/// What is rendered, once for all distributions that have the same.
#[derive(Default)]
struct Folders {
    by_units: BTreeMap<BTreeMap<String, String>, String>,
}

impl Folders {
    fn add(
        &mut self,
        distribution: &Distribution,
        manifest: &Path,
        mut units: BTreeMap<String, String>,
    ) -> Result<()> {
        // The comments and our own section name the target, and no systemd reads them.
        for text in units.values_mut() {
            let read: Vec<&str> =
                text.lines().filter(|line| !line.starts_with('#') && !line.starts_with("Target=")).collect();
            *text = read.join(
                "
",
            ) + "
";
        }
        let folder = manifest.parent().and_then(Path::file_name).context("a manifest has a folder")?;
        let name = format!("{}-{}", distribution.name, folder.to_string_lossy());
        self.by_units.entry(units).or_insert(name);
        Ok(())
    }

    /// Lays out the units, and stand-ins for what they name and the machine has not.
    fn install(&self, machine: &Machine) -> Result<()> {
        let stage = machine.scratch().join("targets");
        let (mut programs, mut peers) = (BTreeSet::new(), BTreeSet::new());
        for (units, name) in &self.by_units {
            let folder = stage.join(INSIDE.trim_start_matches('/')).join(name);
            fs::create_dir_all(&folder)?;
            for (unit, text) in units {
                fs::write(folder.join(unit), text)?;
                programs.extend(text.lines().filter_map(program));
                let named = text
                    .lines()
                    .filter_map(|line| NAMING.iter().find_map(|setting| line.strip_prefix(setting)));
                peers.extend(named.flat_map(str::split_whitespace).filter(|peer| !units.contains_key(*peer)));
            }
        }
        ensure!(programs.len() > 4 && !peers.is_empty(), "programs {programs:?}, units {peers:?}");
        machine.install_tree(&stage)?;
        for program in programs.into_iter().chain(["/usr/bin/man"]) {
            if machine.run(&["test", "-x", program])?.status.success() {
                // The page that a unit points to may well be missing, of which man(1) would complain.
                if program != "/usr/bin/man" {
                    continue;
                }
                machine.check(&["rm", "--", program])?;
            }
            machine.install(b"#!/bin/sh\n", program, 0o755)?;
        }
        for peer in peers {
            let text = if peer.ends_with(".service") { "[Service]\nExecStart=/bin/true\n" } else { "" };
            machine.install(text.as_bytes(), &format!("/etc/systemd/system/{peer}"), 0o644)?;
        }
        Ok(())
    }
}

/// The program of a line that starts one.
fn program(line: &str) -> Option<&str> {
    let (setting, command) = line.split_once('=')?;
    let is_command = setting.starts_with("Exec") && !setting.ends_with("Paths");
    let word = command.trim_start_matches(['-', '+', '!', ':', '@']).split_whitespace().next()?;
    (is_command && word.starts_with('/')).then_some(word)
}
