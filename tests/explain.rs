//! `explain` as a user sees it, and the page of the manual that is made from the same rows.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::harness::{command, project, same};

/// Names to explain, and the file that says what is printed, on standard output and then on standard error.
const CASES: [(&str, &[&str]); 13] = [
    ("directive", &["protectclock="]),
    ("directive-with-words", &["ProtectSystem"]),
    ("directive-older-spelling", &["ReadWriteDirectories"]),
    ("directive-of-calls", &["SystemCallFilter"]),
    ("check", &["CapabilityBoundingSet=~CAP_SETUID"]),
    ("check-of-several", &["UserOrDynamicUser", "SystemCallFilter_clock"]),
    ("need", &["kernel.clock"]),
    ("need-with-choices", &["sends-mail"]),
    ("release", &["systemd-252"]),
    ("target", &["bookworm"]),
    ("target-older-than-scores", &["rhel-8"]),
    ("json", &["unpacks-archives", "RestrictRealtime", "UMask", "--format=json"]),
    (
        "unknown",
        &[
            "ProtectClok",
            "kernel.hostnam",
            "systemd-199",
            "x\u{1b}[31m",
            "rhel-7",
            "debian-15",
            "RestrictRealtime",
        ],
    ),
];

#[test]
fn names_are_explained_as_expected() -> Result<()> {
    let mut stale = Vec::new();
    for (case, arguments) in CASES {
        let output = command(&["explain"]).args(arguments).output()?;
        let (stdout, stderr) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
        let status = output.status.code().context("ended by a signal")?;
        ensure!(status == if stderr.is_empty() { 0 } else { 2 }, "{case}: {status}");
        let made = if stderr.is_empty() { stdout } else { format!("{stdout}\n{stderr}") };
        let path = project("tests/cases/explain").join(case).with_extension("txt");
        if let Err(error) = same(&path, &made) {
            stale.push(format!("{case}: {error:#}"));
        }
    }
    ensure!(stale.is_empty(), "UPDATE_GOLDEN=1 rewrites the files of\n{}", stale.join("\n"));
    Ok(())
}

#[test]
fn every_name_has_an_explanation_in_json_of_its_kind() -> Result<()> {
    use systemd_harden::{catalogue, need};
    let directives = catalogue::all().iter().map(|row| (row.name, "directive"));
    let needs = need::NEEDS.iter().map(|row| (row.id, "need"));
    let checks = catalogue::checks().map(|group| group.check.id);
    let checks = checks.filter(|id| catalogue::find(id).is_none()).map(|id| (id, "check"));
    let names: Vec<(&str, &str)> = directives.chain(needs).chain(checks).collect();
    for (name, kind) in names {
        let explained = systemd_harden::explain::explain(name)?;
        let document: Value = serde_json::from_str(&systemd_harden::explain::json(&explained)?)?;
        ensure!(document["schema"] == 1 && document["explained"][0]["kind"] == kind, "{name}");
    }
    Ok(())
}

#[test]
fn the_page_about_directives_is_that_of_the_rows() -> Result<()> {
    same(&project("man/systemd-harden-directives.7"), &systemd_harden::explain::manual()?)
}

#[test]
fn the_shipped_schema_is_that_of_the_document() -> Result<()> {
    same(
        &project("src/explain/schema.json"),
        &format!("{:#}\n", systemd_harden::explain::schema().as_value()),
    )
}
