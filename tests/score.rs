//! `score` on files, trees and manifests: what it prints and how it ends. The running manager is judged in the
//! throw-away machine.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::harness::{command, copy_tree, each_case, project, same, scratch};

/// Each folder of tests/cases/score holds `arguments`, the files that they name, and what comes of it: `stdout`,
/// `stderr` and `status`. `UPDATE_GOLDEN=1` rewrites them.
#[test]
fn cases() -> Result<()> {
    each_case("score", 20, run)
}

fn run(case: &Path) -> Result<()> {
    let folder = scratch()?;
    copy_tree(case, folder.path())?;
    let arguments = fs::read_to_string(case.join("arguments")).context("reading `arguments`")?;
    let here = folder.path().to_str().context("a path that is not UTF-8")?;
    // No case may reach the machine's own manager.
    let nowhere = "unix:path=/nonexistent/system_bus_socket";
    let output = command(&["score"])
        .args(arguments.split_whitespace())
        .current_dir(folder.path())
        .env("DBUS_SYSTEM_BUS_ADDRESS", nowhere)
        .env("DBUS_SESSION_BUS_ADDRESS", nowhere)
        .output()?;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).map(|text| text.replace(here, "."));
    same(&case.join("stdout"), &text(output.stdout)?)?;
    same(&case.join("stderr"), &text(output.stderr)?)?;
    same(&case.join("status"), &format!("{}\n", output.status.code().context("a signal")?))
}

/// What `generate` makes of each shipped manifest is what `score` expects of it: no finding on any release.
#[test]
fn what_is_shipped_has_no_finding() -> Result<()> {
    for folder in fs::read_dir(project("units"))? {
        for release in ["252", "262"] {
            let folder = folder.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?.path();
            let name = folder.file_name().and_then(|name| name.to_str()).context("a folder has a name")?;
            let root = scratch()?;
            let tree = root.path().to_str().context("a path that is not UTF-8")?;
            let files = fs::read_dir(&folder)?.map(|file| Ok(file?.path())).collect::<Result<Vec<_>>>()?;
            let is_manifest = |file: &&PathBuf| file.extension().is_some_and(|extension| extension == "toml");
            let manifest = files.iter().find(is_manifest).context("a manifest")?;
            let generated = command(&["generate", "--target", &format!("systemd-{release}"), "--root", tree])
                .arg(manifest)
                .output()?;
            ensure!(generated.status.success(), "{name}: {}", String::from_utf8_lossy(&generated.stderr));
            let scored =
                command(&["score", "--format", "json", "--systemd", release, "--root", tree]).output()?;
            let document: serde_json::Value = serde_json::from_slice(&scored.stdout)?;
            for unit in document["units"].as_array().context("units")? {
                ensure!(unit["manifest"].is_string(), "{name} {release}: {} is declared", unit["unit"]);
                ensure!(unit["findings"] == serde_json::json!([]), "{name} {release}: {}", unit["findings"]);
            }
            ensure!(scored.status.code() == Some(0), "{name} {release}: {:?}", scored.status);
        }
    }
    Ok(())
}
