//! `generate`: manifests in, files out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use systemd_harden::commands::manifest_file;
use systemd_harden::policy::{plan, policy};
use systemd_harden::posture::Posture;
use systemd_harden::render::{Form, render, target_context};
use systemd_harden::target::{DISTRIBUTIONS, NEWEST, OLDEST, Target, fit};
use systemd_harden::unit_file::{Load, Loader, Root, SearchPath, UnitName};
use systemd_harden::unit_posture::read;

use crate::harness::{command, copy_tree, each_case, project, same, scratch, tree};

/// The folders below units/, each with its manifest.
pub(crate) fn shipped() -> Result<Vec<PathBuf>> {
    let mut manifests = Vec::new();
    for folder in fs::read_dir(project("units"))? {
        for file in fs::read_dir(folder?.path())? {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                manifests.push(path);
            }
        }
    }
    manifests.sort();
    ensure!(manifests.len() >= 7, "only {} manifests are shipped", manifests.len());
    Ok(manifests)
}

#[test]
fn shipped_units_are_what_their_manifests_say() -> Result<()> {
    for manifest in shipped()? {
        let folder = manifest.parent().context("a file has a folder")?;
        let output = command(&["generate", "--check", "--output"]).arg(folder).arg(&manifest).output()?;
        let diff = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.code() == Some(0), "{}:\n{diff}", manifest.display());
    }
    Ok(())
}

#[test]
fn rendered_units_read_back_as_the_policy() -> Result<()> {
    for manifest_path in shipped()? {
        let manifest = manifest_file::read(&manifest_path)?.manifest;
        let majors = (OLDEST..=NEWEST).map(|major| format!("systemd-{major}"));
        let names = DISTRIBUTIONS.iter().map(|known| known.name.to_owned()).chain(majors);
        for name in names {
            let target: Target = name.parse()?;
            let manifest = fit(&manifest, std::slice::from_ref(&target))?.manifest;
            let folder = scratch()?;
            for file in render(&manifest, std::slice::from_ref(&target), Form::Units)? {
                fs::write(folder.path().join(file.flat_name()), file.text)?;
            }
            let root = Root::open(folder.path())?;
            let mut loader = Loader::new(&root, SearchPath::from_unit_path("/")?);
            for planned in plan(&manifest) {
                let context = target_context(&target, &manifest);
                let wanted = policy(&manifest, &planned, context, manifest.strictness)?.posture;
                let unit: UnitName = planned.unit_name().parse()?;
                let unit = if unit.is_template() { unit.with_instance("x")? } else { unit };
                let Load::Loaded(text) = loader.load(&unit)? else { bail!("{unit} does not load") };
                let found = read(&text, &Posture::unset("", context));
                assert_eq!(found.notices, [], "{} for {name}", manifest_path.display());
                assert_eq!(found.refused, None);
                for ((directive, found), (_, wanted)) in found.posture.iter().zip(wanted.iter()) {
                    assert_eq!(
                        directive.kind.write(&found.value),
                        directive.kind.write(&wanted.value),
                        "{}= of {unit} for {name}",
                        directive.name
                    );
                    assert_eq!(
                        directive.kind.compare(&found.value, &wanted.value),
                        Some(std::cmp::Ordering::Equal),
                        "{}= of {unit} for {name}",
                        directive.name
                    );
                }
            }
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct SeedRows {
    row: Vec<SeedRow>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct SeedRow {
    id: String,
    #[serde(default)]
    folders: Vec<String>,
    #[serde(default)]
    expects: Vec<Expected>,
    /// Whether the expected lines of a file stand in the order of the list.
    #[serde(default)]
    in_order: bool,
    deviates: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    file: String,
    line: Option<String>,
    without: Option<String>,
}

impl Expected {
    /// What of it a rendered file does not keep.
    fn missing(&self, text: &str) -> Option<String> {
        let has = |line: &String| text.lines().any(|found| found == line);
        let Self { file, line, without } = self;
        if let Some(line) = line.as_ref().filter(|line| !has(line)) {
            return Some(format!("{file} lacks `{line}`"));
        }
        if let Some(start) = without
            && let Some(line) = text.lines().find(|line| line.starts_with(start.as_str()))
        {
            return Some(format!("{file} has `{line}`"));
        }
        None
    }
}

#[test]
fn every_row_of_the_seeds_is_in_the_output() -> Result<()> {
    let rows: SeedRows = toml::from_str(&fs::read_to_string(project("tests/data/seed-rows.toml"))?)?;
    ensure!(rows.row.len() > 50, "only {} rows", rows.row.len());
    let mut missing = Vec::new();
    for row in &rows.row {
        ensure!(
            !row.expects.is_empty() || row.deviates.as_ref().is_some_and(|why| why.len() > 10),
            "{} expects nothing and does not say why",
            row.id
        );
        for folder in &row.folders {
            for expected in &row.expects {
                let path = project("units").join(folder).join(&expected.file);
                let text =
                    fs::read_to_string(&path).with_context(|| format!("{}: {}", row.id, path.display()))?;
                missing.extend(expected.missing(&text).map(|what| format!("{}: {folder}/{what}", row.id)));
            }
            if row.in_order {
                let file = &row.expects.first().context("an order of nothing")?.file;
                let text = fs::read_to_string(project("units").join(folder).join(file))?;
                let mut rest = text.lines();
                for line in row.expects.iter().filter_map(|expected| expected.line.as_deref()) {
                    ensure!(
                        rest.any(|found| found == line),
                        "{}: {folder}/{file} has `{line}` too early",
                        row.id
                    );
                }
            }
        }
    }
    ensure!(missing.is_empty(), "{}", missing.join("\n"));
    Ok(())
}

#[test]
fn exposures_of_the_shipped_units_stay_low() -> Result<()> {
    // Offline, by the rules of 252, in tenths.
    let limits = [
        ("parsec-direct", "parsec.service", 5),
        ("parsec-peer-credentials", "parsec.service", 5),
        ("parsec-jwt-svid", "parsec.service", 5),
        ("parsec-cloud", "parsec-cloud.service", 9),
        ("parsec-cloud", "parsec-cloud-migrate.service", 9),
        ("parsec-cloud-tls", "parsec-cloud.service", 11),
        ("barycenter", "barycenter.service", 5),
        ("barycenter", "barycenter-public.service", 11),
        ("barycenter", "barycenter-admin.service", 11),
        ("scarletdme", "scarletdme.service", 10),
        ("scarletdme", "scarletdmeclient@.service", 13),
        ("scarletdme", "scarletdmeserver@.service", 13),
    ];
    for (folder, unit, limit) in limits {
        let path = project("units").join(folder);
        let found = crate::figures::offline_exposure(&path, unit, "252.39")?;
        ensure!(found <= limit, "{folder}/{unit} stands at {found}, not at most {limit}");
    }
    Ok(())
}

#[test]
fn same_manifest_same_bytes_and_nothing_of_the_machine() -> Result<()> {
    for manifest in shipped()? {
        let first = command(&["generate"]).arg(&manifest).output()?.stdout;
        let copy = scratch()?;
        let moved = copy.path().join(manifest.file_name().context("a manifest has a name")?);
        fs::copy(&manifest, &moved)?;
        let second =
            command(&["generate"]).arg(&moved).env("LANG", "C").env("TZ", "Asia/Tokyo").output()?.stdout;
        ensure!(first == second, "{} renders differently elsewhere", manifest.display());
        let text = String::from_utf8(first)?;
        ensure!(
            !text.contains(env!("CARGO_MANIFEST_DIR")),
            "a path of this machine in {}",
            manifest.display()
        );
    }
    Ok(())
}

/// Each folder of tests/cases/generate holds `arguments`, `*.toml` and either what is rendered (`expected/`) or the
/// whole message of a failure (`stderr`). `UPDATE_GOLDEN=1` rewrites what is expected.
#[test]
fn cases() -> Result<()> {
    each_case("generate", 10, run)
}

fn run(case: &Path) -> Result<()> {
    let folder = scratch()?;
    copy_tree(case, folder.path())?;
    let arguments = fs::read_to_string(case.join("arguments"))?;
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    let output = command(&["generate"]).args(&arguments).current_dir(folder.path()).output()?;
    let (stdout, stderr) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    let found: BTreeMap<String, String> = tree(&folder.path().join("out"))?;
    let expected_error = case.join("stderr");
    let status = output.status.code();
    if expected_error.exists() {
        ensure!(status == Some(2), "exit {status:?}: {stdout}{stderr}");
        ensure!(found.is_empty(), "something was written: {:?}", found.keys());
        ensure!(stdout.is_empty(), "something was printed: {stdout}");
        return same(&expected_error, &stderr);
    }
    ensure!(status == Some(0), "exit {status:?}: {stderr}");
    if !found.is_empty() {
        let wanted: Vec<String> = tree(&case.join("expected"))?.into_keys().collect();
        if std::env::var_os("UPDATE_GOLDEN").is_none() {
            ensure!(
                wanted == found.keys().cloned().collect::<Vec<_>>(),
                "files {:?}, not {wanted:?}",
                found.keys()
            );
        }
        for (path, text) in &found {
            same(&case.join("expected").join(path), text)?;
        }
        return Ok(());
    }
    same(&case.join("stdout"), &stdout)
}
