//! Every layout, taken up by the tools it is for, installs what `--root` does.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{Write as _, stderr};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::{missing, path_with_own, said};
use crate::harness::{command, project, scratch, tree};

/// Several units, one of them named after the package; a manifest that is not.
const MANIFEST: &str = "tests/cases/generate/layout-debian/manifest.toml";

fn generate(arguments: &[&str]) -> Result<()> {
    let output = command(&["generate"]).arg(project(MANIFEST)).args(arguments).output()?;
    ensure!(output.status.code() == Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// What `--root` installs, by its paths.
fn installed(target: &str) -> Result<BTreeMap<String, String>> {
    let root = scratch()?;
    generate(&["--target", target, "--root", text(root.path())?])?;
    tree(root.path())
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is not UTF-8")
}

#[test]
fn debhelper_takes_up_its_layout() -> Result<()> {
    if let Some(why) = missing(&["dh_installsystemd", "dh_install"])? {
        writeln!(stderr(), "debhelper's layout was not tried: {why}")?;
        return Ok(());
    }
    // Under the name of a unit, and under one that is nobody's.
    for package in ["quotesd", "quotes-server"] {
        let folder = scratch()?;
        let debian = folder.path().join("debian");
        fs::create_dir(&debian)?;
        generate(&["--layout", "debian", "--package", package, "--output", text(&debian)?])?;
        let control = format!(
            "Source: {package}\nMaintainer: x <x@y.z>\nBuild-Depends: debhelper-compat (= 13)\n\nPackage: {package}\n\
             Architecture: all\nDescription: x\n"
        );
        fs::write(debian.join("control"), control)?;
        let changelog = format!(
            "{package} (1) unstable; urgency=low\n\n  * x\n\n -- x <x@y.z>  Sat, 28 Nov 2026 12:00:00 +0000\n"
        );
        fs::write(debian.join("changelog"), changelog)?;
        let snippet = fs::read_to_string(debian.join(format!("{package}.debian-snippet")))?;
        let lines = |start: &str| snippet.lines().filter(|line| line.starts_with(start)).collect::<Vec<_>>();
        fs::write(debian.join(format!("{package}.install")), lines("debian/").join("\n"))?;
        // What the snippet has for debian/rules, and what runs by itself.
        let mut script = String::from("set -e\ndh_install\n");
        for helper in ["dh_installsysusers", "dh_installtmpfiles", "dh_installsystemd"] {
            let own = lines(&format!("\t{helper}"));
            writeln!(script, "{}", if own.is_empty() { helper.to_owned() } else { own.join("\n") })?;
        }
        said(Command::new("sh").args(["-c", &script]).current_dir(folder.path()))?;
        let made = tree(&debian.join(package))?;
        let made: BTreeMap<String, String> = made
            .into_iter()
            .map(
                |(path, text)| {
                    if path.starts_with("lib/") { (format!("usr/{path}"), text) } else { (path, text) }
                },
            )
            .collect();
        ensure!(made == installed("systemd-252")?, "{package}: {:#?}", made.keys());
        // Those of units are put together later than the others.
        let mut scripts = tree(&debian.join(".debhelper"))?.into_values().collect::<String>();
        scripts.push_str(&fs::read_to_string(debian.join(format!("{package}.postinst.debhelper")))?);
        for word in [
            "systemd-sysusers",
            "systemd-tmpfiles",
            "quotesd.service",
            "quotes-prune.timer",
            "quotes-peer.socket",
        ] {
            ensure!(
                scripts.contains(word),
                "{package}: the maintainer script does not speak of {word}:\n{scripts}"
            );
        }
    }
    Ok(())
}

#[test]
fn a_shell_takes_up_the_layout_of_arch() -> Result<()> {
    let folder = scratch()?;
    let (sources, package) = (folder.path().join("src"), folder.path().join("pkg"));
    generate(&["--layout", "arch", "--target", "arch", "--output", text(&sources)?])?;
    let script = "set -eu; source=(); . ./quotes.PKGBUILD-snippet; ls -d \"${source[@]}\"; _install_units";
    said(Command::new("bash").args(["-c", script]).env("pkgdir", &package).current_dir(&sources))?;
    ensure!(tree(&package)? == installed("arch")?, "{:#?}", tree(&package)?.keys());
    Ok(())
}

/// Macros of systemd and of SUSE's rpm, as names of what they do: Debian's rpm has none of them.
const MACROS: &str = "\
%_unitdir /usr/lib/systemd/system
%_userunitdir /usr/lib/systemd/user
%_sysusersdir /usr/lib/sysusers.d
%_tmpfilesdir /usr/lib/tmpfiles.d
%systemd_requires %{nil}
%sysusers_requires %{nil}
%systemd_post() : post %*
%systemd_preun() : preun %*
%systemd_postun_with_restart() : postun %*
%sysusers_create_package() : accounts of %1 by %(head -c 1 %2)
%sysusers_generate_pre() echo ': accounts by SUSE' > %2.pre
%service_add_pre() : pre %*
%service_add_post() : post %*
%service_del_preun() : preun %*
%service_del_postun() : postun %*
%tmpfiles_create() : files %*
";

#[test]
fn rpmbuild_takes_up_its_layout() -> Result<()> {
    if let Some(why) = missing(&["rpmbuild", "rpm"])? {
        writeln!(stderr(), "rpm's layout was not tried: {why}")?;
        return Ok(());
    }
    let cases =
        [("fedora-42", ""), ("rhel-8", ": accounts of quotes by #"), ("sles-15.6", ": accounts by SUSE")];
    for (target, accounts) in cases {
        let folder = scratch()?;
        let sources = folder.path().join("SOURCES");
        generate(&["--layout", "rpm", "--target", target, "--output", text(&sources)?])?;
        let snippet = fs::read_to_string(sources.join("quotes.spec-snippet"))?;
        let built = build(folder.path(), &snippet)?;
        let names: Vec<String> = installed(target)?.into_keys().map(|path| format!("/{path}")).collect();
        let mut listed: Vec<&str> = built.files.iter().map(String::as_str).collect();
        listed.retain(|path| *path != "/usr/lib/systemd-harden");
        ensure!(listed == names, "{target}: {listed:#?}");
        ensure!(
            built.files.len() == names.len() + 1,
            "{target}: no folder for the manifests: {:#?}",
            built.files
        );
        let wanted =
            [": post", ": preun", "quotes-prune.timer", "quotes-peer.socket", "quotesd.service", accounts];
        let lacks: Vec<&&str> = wanted.iter().filter(|word| !built.scripts.contains(**word)).collect();
        ensure!(lacks.is_empty(), "{target}: no {lacks:?} in\n{}", built.scripts);
        ensure!(accounts.is_empty() != built.scripts.contains("preinstall"), "{target}:\n{}", built.scripts);
        ensure!(!built.scripts.contains('%'), "{target}: macros are left:\n{}", built.scripts);
    }
    Ok(())
}

#[test]
fn the_macros_of_rpm_render_while_a_package_is_built() -> Result<()> {
    if let Some(why) = missing(&["rpmbuild", "rpm"])? {
        writeln!(stderr(), "the macros of rpm were not tried: {why}")?;
        return Ok(());
    }
    let folder = scratch()?;
    fs::create_dir(folder.path().join("SOURCES"))?;
    fs::copy(project(MANIFEST), folder.path().join("SOURCES/quotes.toml"))?;
    let spec = "Source0: quotes.toml\n\n%install\n%systemd_harden_generate -t fedora-42 %{SOURCE0}\n\n\
                %check\n%systemd_harden_check -t fedora-42 %{_sourcedir}/rendered %{SOURCE0}\n\n\
                %files -f systemd-harden.files\n";
    generate(&[
        "--layout",
        "rpm",
        "--target",
        "fedora-42",
        "--package",
        "quotes",
        "--output",
        text(&folder.path().join("SOURCES/rendered"))?,
    ])?;
    let built = build(folder.path(), spec)?;
    let mut names: Vec<String> = installed("fedora-42")?.into_keys().map(|path| format!("/{path}")).collect();
    names.push("/usr/lib/systemd-harden".to_owned());
    names.sort();
    let mut listed = built.files;
    listed.sort();
    ensure!(listed == names, "{listed:#?}");
    // What lint finds doubtful fails the build.
    let doubtful = fs::read_to_string(project(MANIFEST))?
        + "\n[override.RestrictFileSystems]\nvalue = [\"ext4\"]\nbecause = \"x\"\n";
    fs::write(folder.path().join("SOURCES/quotes.toml"), doubtful)?;
    let error = build(folder.path(), spec).err().context("a doubtful manifest went through")?;
    ensure!(format!("{error:#}").contains("warning"), "{error:#}");
    Ok(())
}

/// A package of rpm.
struct Built {
    files: Vec<String>,
    scripts: String,
}

/// Builds what `spec` says besides the tags that every package has.
fn build(folder: &Path, spec: &str) -> Result<Built> {
    let file = folder.join("quotes.spec");
    let tags = "Name: quotes\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\n";
    // Debian has no package that a spec file could ask for.
    let spec: Vec<&str> = spec.lines().filter(|line| !line.starts_with("BuildRequires:")).collect();
    let spec = spec.join("\n") + "\n";
    fs::write(&file, format!("{tags}{spec}\n%description\nx\n"))?;
    let macros = folder.join("macros");
    fs::write(&macros, MACROS)?;
    let output = Command::new("rpmbuild")
        .arg("-bb")
        .arg(format!("--load={}", macros.display()))
        .arg(format!("--load={}", project("packaging/rpm/macros.systemd-harden").display()))
        .args(["--define", &format!("_topdir {}", folder.display())])
        .arg(&file)
        .env("PATH", path_with_own(Path::new(env!("CARGO_BIN_EXE_systemd-harden")))?)
        .output()?;
    ensure!(output.status.success(), "rpmbuild failed:\n{}", super::both(&output));
    let package = folder.join("RPMS/noarch/quotes-1-1.noarch.rpm");
    let query = |what: &str| said(Command::new("rpm").args(["-qp", what]).arg(&package));
    Ok(Built { files: query("--list")?.lines().map(str::to_owned).collect(), scripts: query("--scripts")? })
}
