//! `lint`: manifests in, findings out.

use std::io::Write;

use super::{manifest_file, print, tell};
use crate::cli::{Format, Lint};
use crate::lint::{self, Report};
use crate::status::Status;

/// Runs `lint`.
pub(super) fn lint(arguments: &Lint, out: &mut dyn Write) -> anyhow::Result<Status> {
    let targets = super::targets(&arguments.target)?;
    let examine = if arguments.split { lint::lint_each } else { lint::lint };
    let mut status = Status::Clean;
    let mut reports: Vec<Report> = Vec::new();
    for path in &arguments.manifests {
        // The problems of one manifest do not hide those of another.
        let report = manifest_file::read(path).and_then(|loaded| Ok(examine(&loaded.manifest, &targets)?));
        match report {
            Ok(report) => {
                status = status.and(report.status());
                reports.push(report);
            }
            Err(error) => {
                tell(&format!("{error:#}"));
                status = Status::Failed;
            }
        }
    }
    let text: String = match arguments.format {
        Format::Text => reports.iter().map(lint::text).collect(),
        Format::Json => lint::json(&reports)?,
    };
    print(out, &text)?;
    Ok(status)
}
