//! What the manifests of `units/` generate, at work in a throw-away machine: taken by systemd without a word, serving
//! a client, and scored over the bus as systemd itself scores it.
//!
//! The programs are the stand-ins, which break where the real ones do. A machine for each folder: several have
//! units of the same name.

mod answers;
mod barycenter;
mod changes;
mod drop_in;
mod failures;
mod own_check;
mod parsec;
mod parsec_cloud;
mod report;
mod scarletdme;
mod targets;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::machine::standins::said;
use crate::machine::{Machine, run_scenarios};

/// The program under test on the host, and inside.
const BUILT: &str = env!("CARGO_BIN_EXE_systemd-harden");
const PROGRAM: &str = "/usr/local/bin/systemd-harden";

#[test]
fn parsec_direct() -> Result<()> {
    run_scenarios(|_| Ok(()), &[("parsec-direct serves its group", parsec::direct)])
}

#[test]
fn parsec_peer_credentials() -> Result<()> {
    run_scenarios(
        |_| Ok(()),
        &[("parsec-peer-credentials tells its clients apart", parsec::peer_credentials)],
    )
}

#[test]
fn parsec_jwt_svid() -> Result<()> {
    run_scenarios(|_| Ok(()), &[("parsec-jwt-svid lives as long as its agent", parsec::jwt_svid)])
}

#[test]
fn parsec_cloud() -> Result<()> {
    run_scenarios(|_| Ok(()), &[("parsec-cloud serves the proxy beside it", parsec_cloud::behind_proxy)])
}

#[test]
fn parsec_cloud_tls() -> Result<()> {
    run_scenarios(|_| Ok(()), &[("parsec-cloud-tls reads its key as a credential", parsec_cloud::with_tls)])
}

#[test]
fn barycenter() -> Result<()> {
    run_scenarios(
        |_| Ok(()),
        &[("barycenter serves each port to whom it is for", barycenter::behind_proxies)],
    )
}

#[test]
fn scarletdme() -> Result<()> {
    run_scenarios(|_| Ok(()), &[("scarletdme logs its users in", scarletdme::sessions)])
}

#[test]
fn own_check() -> Result<()> {
    run_scenarios(|_| Ok(()), &[("the tool's own check sees what root sees", own_check::sees_the_host)])
}

#[test]
fn units_of_a_distribution() -> Result<()> {
    run_scenarios(
        |_| Ok(()),
        &[
            ("whatever the manager has loaded scores as it says itself", report::agrees_on_all),
            ("what cannot be scored is named, and the rest is scored", answers::names_what_is_missing),
            ("a recommended unit has its known figures", answers::knows_a_recommended_unit),
            ("a drop-in makes a plain unit what the manifest says", drop_in::hardens),
        ],
    )
}

#[test]
fn targets() -> Result<()> {
    run_scenarios(|_| Ok(()), &[("systemd is silent about what each target gets", targets::are_verified)])
}

#[test]
fn failures() -> Result<()> {
    run_scenarios(
        |_| Ok(()),
        &[
            ("each way of failing is explained", failures::are_explained),
            ("a failure is traced to its manifest", failures::are_traced_to_the_manifest),
            ("what has not failed is told from what has", failures::are_told_from_other_units),
        ],
    )
}

/// One folder of `units/`, rendered for the machine's own systemd.
struct Deployment<'a> {
    machine: &'a Machine,
    /// What `generate --root` wrote, on the host.
    tree: PathBuf,
}

impl<'a> Deployment<'a> {
    /// Renders the folder's manifest; nothing is inside the machine yet but the program itself.
    fn generate(machine: &'a Machine, folder: &str) -> Result<Self> {
        Self::generate_with(machine, folder, &[])
    }

    fn generate_with(machine: &'a Machine, folder: &str, options: &[&str]) -> Result<Self> {
        install_program(machine)?;
        let tree = machine.scratch().join("rendered");
        let output = Command::new(BUILT)
            .arg("generate")
            .arg(manifest(folder)?)
            .args(["--target", &format!("systemd-{}", machine.systemd()?), "--root"])
            .arg(&tree)
            .args(options)
            .output()
            .context("running systemd-harden")?;
        ensure!(output.status.success() && output.stderr.is_empty(), "{}", said(&output));
        Ok(Self { machine, tree })
    }

    /// Installs the rendered files over the programs and configuration that are there by now, as packages do, and
    /// sees to it that systemd has nothing to say about any of them.
    fn install(&self) -> Result<()> {
        for (folder, tool) in SNIPPETS {
            for snippet in self.rendered(folder)? {
                let text = fs::read(self.tree.join(folder).join(&snippet))?;
                let output = self.machine.run_with_input(&[tool, &["-"]].concat(), &text)?;
                let said = said(&output);
                // That a user is made is no complaint.
                let is_silent = said.lines().all(|line| line.starts_with("Creating "));
                ensure!(output.status.success() && is_silent, "`{snippet}`: {said}");
            }
        }
        self.machine.install_tree(&self.tree)?;
        for (folder, tool) in SNIPPETS {
            for snippet in self.rendered(folder)? {
                self.silently(&[tool, &[format!("/{folder}/{snippet}").as_str()]].concat())?;
            }
        }
        for unit in self.rendered(UNITS)? {
            self.silently(&["systemd-analyze", "verify", &format!("/{UNITS}/{unit}")])?;
        }
        Ok(())
    }

    /// Installs, enables and starts what a machine starts on its own.
    fn start(&self) -> Result<()> {
        self.install()?;
        for unit in self.rendered(UNITS)? {
            let is_wanted = fs::read_to_string(self.tree.join(UNITS).join(&unit))?.contains("\nWantedBy=");
            if is_wanted {
                self.machine.check(&["systemctl", "enable", &unit])?;
                self.machine.start_unit(&unit)?;
            }
        }
        Ok(())
    }

    /// Every rendered service; of a template, the instance that nothing has started.
    fn services(&self) -> Result<Vec<String>> {
        let services = self.rendered(UNITS)?.into_iter().filter(|unit| unit.ends_with(".service"));
        Ok(services.map(|unit| unit.replace("@.", "@none.")).collect())
    }

    fn rendered(&self, folder: &str) -> Result<Vec<String>> {
        let entries = fs::read_dir(self.tree.join(folder)).with_context(|| format!("no `{folder}`"))?;
        let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        let mut names = names.collect::<Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    fn silently(&self, argv: &[&str]) -> Result<()> {
        let output = self.machine.run(argv)?;
        let said = said(&output);
        ensure!(
            output.status.success() && said.is_empty(),
            "`{}`: {}\n{said}",
            argv.join(" "),
            output.status
        );
        Ok(())
    }
}

const UNITS: &str = "usr/lib/systemd/system";

const SNIPPETS: [(&str, &[&str]); 2] = [
    ("usr/lib/sysusers.d", &["systemd-sysusers"]),
    ("usr/lib/tmpfiles.d", &["systemd-tmpfiles", "--create"]),
];

/// The one manifest of a folder of `units/`.
fn manifest(folder: &str) -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("units").join(folder);
    let paths = fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let found = paths.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "toml"));
    found.with_context(|| format!("no manifest in `{}`", folder.display()))
}

fn install_program(machine: &Machine) -> Result<()> {
    machine.install_file(Path::new(BUILT), PROGRAM, 0o755)
}

/// A peer that a unit names: a service that listens at `path` once it is started, and answers nothing.
fn install_peer(machine: &Machine, service: &str, path: &str) -> Result<()> {
    machine.install_standin("listener", "/usr/local/bin/listener")?;
    let folder = path.trim_start_matches("/run/").rsplit_once('/').context("not below `/run`")?.0;
    let unit = format!(
        "[Service]\nExecStart=/usr/local/bin/listener {path}\nRuntimeDirectory={folder}\n\
         ExecStartPost=/bin/sh -c 'until test -S {path}; do sleep 0.05; done'\n"
    );
    machine.install_unit(service, &unit)
}

/// Ordinary users, and the programs that they send requests with.
fn install_clients(machine: &Machine) -> Result<()> {
    for name in ["parsec-client", "request"] {
        machine.install_standin(name, &format!("/usr/local/bin/{name}"))?;
    }
    machine.check(&["useradd", "--create-home", "alice"])?;
    machine.check(&["useradd", "--create-home", "bob"]).map(drop)
}
