//! `explain`: what is known of directives, checks, needs and releases.

use super::{appearance, print, tell};
use crate::cli::{Explain, Format};
use crate::explain;
use crate::status::Status;

/// Prints what is known of the names; an unknown one is a failure, and the others are explained all the same.
pub(super) fn explain(arguments: &Explain) -> anyhow::Result<Status> {
    let mut status = Status::Clean;
    let mut explained = Vec::new();
    for name in &arguments.names {
        match explain::explain(name) {
            Ok(found) => explained.extend(found),
            Err(error) => {
                tell(&format!("{error:#}"));
                status = Status::Failed;
            }
        }
    }
    match arguments.format {
        Format::Text => print(&explain::text(&explained, appearance()))?,
        Format::Json => print(&explain::json(&explained)?)?,
    }
    Ok(status)
}
