//! Manifests that load, manifests that are refused with the whole message, and the schema.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};

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
