//! Manifests that load, manifests that are refused with the whole message, and the schema.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use systemd_harden::commands::manifest_file;
use systemd_harden::manifest::SCHEMA;

use crate::harness::{command, project};

#[test]
fn the_shipped_schema_is_that_of_the_types() -> Result<()> {
    let path = project("src/manifest/schema.json");
    let made = format!("{:#}\n", systemd_harden::manifest::schema());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &made)?;
    }
    ensure!(fs::read_to_string(&path)? == made, "{} is stale: UPDATE_GOLDEN=1 rewrites it", path.display());
    Ok(())
}

#[test]
fn every_refused_manifest_is_refused_by_the_program_before_anything_is_written() -> Result<()> {
    let mut count = 0;
    for entry in fs::read_dir(project("tests/cases/manifest-errors"))? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "toml") || path.is_dir() {
            continue;
        }
        count += 1;
        let name = path.file_name().map_or(Path::new(""), Path::new);
        let folder = project("tests/cases/manifest-errors");
        let output = command(&["generate"]).arg(name).current_dir(&folder).output()?;
        let expected = fs::read_to_string(path.with_extension("txt"))?;
        let stderr = String::from_utf8(output.stderr)?;
        ensure!(output.status.code() == Some(2), "{}: {:?}", path.display(), output.status);
        ensure!(output.stdout.is_empty(), "{} printed something", path.display());
        ensure!(
            stderr == format!("systemd-harden: {}\n", expected.trim_end()),
            "{}:\n{stderr}instead of\n{expected}",
            path.display()
        );
    }
    ensure!(count > 100, "only {count} cases");
    Ok(())
}

/// Mistakes that the schema cannot show, or leaves to loading, by the names of their cases, and why.
fn beyond_the_schema() -> Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(project("tests/data/beyond-the-schema.toml"))?;
    Ok(toml::from_str(&text)?)
}

/// A manifest as validators of JSON see it, which know no dates.
fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => Value::from(number),
        toml::Value::Boolean(truth) => Value::from(truth),
        toml::Value::Datetime(date) => Value::from(date.to_string()),
        toml::Value::Array(values) => values.into_iter().map(json).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, json(value))).collect(),
    }
}

#[test]
fn an_independent_validator_takes_every_manifest_that_loads() -> Result<()> {
    let validator = jsonschema::draft202012::new(&serde_json::from_str(SCHEMA)?)?;
    let mut paths = crate::generate::shipped()?;
    let files = |folder: &Path| -> Result<Vec<PathBuf>> {
        let entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
        Ok(entries.into_iter().map(|entry| entry.path()).collect())
    };
    paths.extend(files(&project("tests/cases/manifests"))?);
    for case in
        files(&project("tests/cases/generate"))?.into_iter().chain(files(&project("tests/cases/lint"))?)
    {
        paths.extend(files(&case)?);
    }
    let is_manifest = |path: &&PathBuf| path.is_file() && path.extension().is_some_and(|kind| kind == "toml");
    let mut refused = Vec::new();
    let mut count = 0;
    for path in paths.iter().filter(is_manifest) {
        // Some cases of `generate` are about manifests that do not load.
        if manifest_file::read(path).is_err() {
            continue;
        }
        count += 1;
        let manifest = json(toml::from_str(&fs::read_to_string(path)?)?);
        refused.extend(
            validator
                .iter_errors(&manifest)
                .map(|error| format!("{}: {}: {error}", path.display(), error.instance_path())),
        );
    }
    ensure!(refused.is_empty(), "{}", refused.join("\n"));
    ensure!(count > 40, "only {count} manifests");
    Ok(())
}

#[test]
fn an_independent_validator_refuses_every_manifest_of_the_wrong_shape() -> Result<()> {
    let validator = jsonschema::draft202012::new(&serde_json::from_str(SCHEMA)?)?;
    let mut beyond = beyond_the_schema()?;
    let (mut wrong, mut refused) = (Vec::new(), 0);
    for entry in fs::read_dir(project("tests/cases/manifest-errors"))? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let name = path.file_stem().and_then(OsStr::to_str).context("a case has a name")?;
        let manifest = fs::read_to_string(&path).map_err(anyhow::Error::from);
        // What is no TOML has no shape.
        let Ok(manifest) = manifest.and_then(|text| Ok(toml::from_str(&text)?)) else {
            beyond.remove(name);
            continue;
        };
        match (validator.is_valid(&json(manifest)), beyond.remove(name)) {
            (true, None) => wrong.push(format!("{name} is taken")),
            (false, Some(why)) => wrong.push(format!("{name} is refused by shape, though {why}")),
            (true, Some(_)) => {}
            (false, None) => refused += 1,
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    ensure!(beyond.is_empty(), "no such cases: {:?}", beyond.keys());
    ensure!(refused > 60, "only {refused} cases are refused by shape");
    Ok(())
}

#[test]
fn the_schema_is_printed_as_it_is_shipped() -> Result<()> {
    let output = command(&["schema"]).output()?;
    ensure!(output.status.code() == Some(0), "{:?}", output.status);
    ensure!(output.stdout == fs::read(project("src/manifest/schema.json"))?, "another schema is printed");
    Ok(())
}
