//! What somebody changes by hand on a host that is as declared, one thing at a time: each is named by `score`, alone.
//!
//! The changes are a table, `tests/data/changes.toml`, by deployment.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::PROGRAM;
use crate::machine::Machine;
use crate::machine::standins::said;

/// A change by hand and what `score` says of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    /// What somebody did.
    what: String,
    /// The rows of the seeds that it breaks.
    #[serde(default)]
    rows: Vec<String>,
    /// The first systemd release whose sandbox keeps the service from it, where one does.
    below: Option<u32>,
    /// The unit that is scored; the deployment's own where none is named.
    unit: Option<String>,
    /// Lines of sh(1) that do it.
    apply: String,
    /// Lines that undo it.
    undo: String,
    /// The id of the one finding.
    finds: String,
    /// What must stand in its subject, directive, file or message.
    about: String,
    /// Its severity.
    #[serde(default = "finding")]
    severity: String,
}

fn finding() -> String {
    "finding".to_owned()
}

/// A deployment's part of the table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    /// The unit that is scored.
    unit: String,
    /// What it takes besides the deployment for the table to begin.
    #[serde(default)]
    prepare: String,
    change: Vec<Change>,
}

/// Does and undoes every change of `folder`'s part of the table in a machine where its units are at work.
pub(super) fn each_is_named_alone(machine: &Machine, folder: &str) -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/changes.toml");
    let text = fs::read_to_string(&path).context("the table of changes")?;
    let mut table: BTreeMap<String, Changes> = toml::from_str(&text).context("the table of changes")?;
    let changes = table.remove(folder).with_context(|| format!("no changes for `{folder}`"))?;
    ensure!(!changes.change.is_empty(), "no changes for `{folder}`");
    machine.install_standin("setacl", "/usr/local/bin/setacl")?;
    do_by_hand(machine, &changes.prepare)?;
    let clean = found(machine, &changes.unit)?;
    ensure!(clean == (0, Vec::new()), "`{}` as declared: {clean:#?}", changes.unit);
    let mut failures = String::new();
    let release = machine.systemd()?;
    for change in changes.change.iter().filter(|change| change.below.is_none_or(|below| release < below)) {
        if let Err(error) = is_named_alone(machine, change, &changes.unit) {
            writeln!(failures, "{} ({}): {error:#}", change.what, change.rows.join(" "))?;
        }
    }
    if !failures.is_empty() {
        bail!("{failures}");
    }
    Ok(())
}

fn is_named_alone(machine: &Machine, change: &Change, unit: &str) -> Result<()> {
    let unit = change.unit.as_deref().unwrap_or(unit);
    do_by_hand(machine, &change.apply)?;
    let named = found(machine, unit).and_then(|(status, found)| {
        let about = |found: &Found| found.said.iter().any(|said| said.contains(&change.about));
        let is_it =
            |found: &Found| found.id == change.finds && found.severity == change.severity && about(found);
        let alone = matches!(found.as_slice(), [one] if is_it(one));
        ensure!(
            status == 1 && alone,
            "not {} `{}` about `{}` alone, but status {status}, {found:#?}",
            change.severity,
            change.finds,
            change.about
        );
        Ok(())
    });
    // Undone in any case: the next change must find the host as declared.
    do_by_hand(machine, &change.undo)?;
    let clean = found(machine, unit)?;
    named?;
    ensure!(clean == (0, Vec::new()), "undone, and still {clean:#?}");
    Ok(())
}

/// What a report says that counts.
#[derive(Debug, PartialEq)]
struct Found {
    id: String,
    severity: String,
    said: Vec<String>,
}

/// The exit status of `score UNIT`, and every finding of whatever kind.
fn found(machine: &Machine, unit: &str) -> Result<(i32, Vec<Found>)> {
    let output = machine.run(&[PROGRAM, "score", "--format", "json", unit])?;
    let report: Value = serde_json::from_slice(&output.stdout).with_context(|| said(&output))?;
    let scored = report.pointer("/units/0").context("no unit")?;
    ensure!(scored.get("error").is_none(), "{scored}");
    let mut all = Vec::new();
    for list in ["drift", "findings"] {
        for item in scored.get(list).and_then(Value::as_array).into_iter().flatten() {
            let word = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            if word("severity") != "notice" && item.get("accepted").is_none_or(Value::is_null) {
                let said = ["subject", "directive", "file", "found", "message"].map(word).to_vec();
                all.push(Found { id: word("id"), severity: word("severity"), said });
            }
        }
    }
    let status = output.status.code().context("killed by a signal")?;
    ensure!(status < 2, "{}", String::from_utf8_lossy(&output.stderr));
    Ok((status, all))
}

fn do_by_hand(machine: &Machine, lines: &str) -> Result<()> {
    machine.check(&["sh", "-e", "-c", lines]).map(drop)
}
