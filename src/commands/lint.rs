//! `lint`: manifests in, findings out.

use std::io::Write;

use super::{manifest_file, print, tell};
use crate::cli::{Format, Lint};
use crate::lint::{self, Report};
use crate::render::{Form, render_fitted};
use crate::status::Status;
use crate::target::fit;

/// Runs `lint`.
pub(super) fn lint(arguments: &Lint, out: &mut dyn Write) -> anyhow::Result<Status> {
    let targets = super::targets(&arguments.target)?;
    let examine = if arguments.split { lint::lint_each } else { lint::lint };
    let mut status = Status::Clean;
    let mut reports: Vec<Report> = Vec::new();
    for path in &arguments.manifests {
        // The problems of one manifest do not hide those of another.
        let report = manifest_file::read(path).and_then(|loaded| {
            let report = examine(&loaded.manifest, &targets)?;
            let together = if arguments.split { 1 } else { targets.len() };
            for targets in targets.chunks(together.max(1)) {
                let fitted = fit(&loaded.manifest, targets)?;
                let files = render_fitted(&fitted.manifest, targets, Form::Units)?.files;
                lint::refused(&fitted.manifest, targets, &files)?;
            }
            Ok(report)
        });
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
