//! `lint`: what is told of manifests, as a whole.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use similar::TextDiff;

use crate::harness::{command, copy_tree, each_case, project, scratch};

/// Each folder of tests/cases/lint holds `arguments`, `*.toml` and `expected`: the exit status, what is printed and what
/// is told on standard error. `UPDATE_GOLDEN=1` rewrites what is expected.
#[test]
fn cases() -> Result<()> {
    each_case("lint", 6, run)
}

fn run(case: &Path) -> Result<()> {
    let folder = scratch()?;
    copy_tree(case, folder.path())?;
    let arguments = fs::read_to_string(case.join("arguments"))?;
    let output = command(&["lint"]).args(arguments.split_whitespace()).current_dir(folder.path()).output()?;
    let status = output.status.code().context("it was killed")?;
    let (stdout, stderr) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    let found = format!("exit {status}\n{stdout}--- standard error\n{stderr}");
    let path = case.join("expected");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        return Ok(fs::write(path, found)?);
    }
    let expected = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    ensure!(
        expected == found,
        "{}",
        TextDiff::from_lines(&expected, &found).unified_diff().header("expected", "found")
    );
    Ok(())
}

#[test]
fn the_schema_of_the_document_is_the_shipped_one() -> Result<()> {
    let path = project("src/lint/schema.json");
    let found = serde_json::to_string_pretty(&systemd_harden::lint::schema())? + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &found)?;
    }
    ensure!(fs::read_to_string(&path)? == found, "`{}` is not up to date", path.display());
    Ok(())
}

#[test]
fn the_document_says_which_schema_it_has() -> Result<()> {
    let manifest = project("units/scarletdme/scarletdme.toml");
    let output =
        command(&["lint", "--format", "json", "--target", "rhel-8,debian-sid"]).arg(manifest).output()?;
    let document: Value = serde_json::from_slice(&output.stdout)?;
    ensure!(document["schema"] == 1, "{document}");
    let services = document["services"].as_array().context("no services")?;
    ensure!(services.len() == 6, "three services on two targets, not {}", services.len());
    let known: Vec<&Value> = services.iter().map(|service| &service["bpf_framework"]).collect();
    ensure!(known.contains(&&Value::from("unknown")) && known.contains(&&Value::from("yes")), "{known:?}");
    Ok(())
}

/// A unit that systemd would refuse is not made either, whatever it is made for.
#[test]
fn what_a_target_refuses_is_not_generated() -> Result<()> {
    let manifest = project("tests/cases/lint/refused/refused.toml");
    for target in ["debian-12", "systemd-262", "debian-12,debian-13"] {
        let output = command(&["generate", "--target", target]).arg(&manifest).output()?;
        let told = String::from_utf8(output.stderr)?;
        ensure!(output.status.code() == Some(2) && output.stdout.is_empty(), "{target}: {told}");
        ensure!(told.contains("would refuse refused.service"), "{target}: {told}");
    }
    Ok(())
}
