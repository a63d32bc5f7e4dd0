//! `score` on files, trees and manifests: what it prints and how it ends. The running manager is judged in the
//! throw-away machine.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::harness::{command, copy_tree, each_case, same, scratch};

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
