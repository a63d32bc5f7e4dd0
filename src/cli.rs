//! What the user may say.

use std::path::PathBuf;

use clap::Args;

/// Render hardened units from manifests
#[derive(Args, Debug)]
pub struct Generate {
    /// The manifests
    #[arg(required = true, value_name = "MANIFEST")]
    pub manifests: Vec<PathBuf>,
    /// The systemd release that output is for
    #[arg(long, value_name = "TARGET", default_value = crate::render::Target::DEFAULT)]
    pub target: String,
    /// Write drop-ins that only harden, for units that a distribution ships
    #[arg(long)]
    pub drop_in: bool,
    /// Write the files at their installed places below DIR
    #[arg(long, value_name = "DIR", conflicts_with = "output")]
    pub root: Option<PathBuf>,
    /// Write the files into DIR
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Write nothing; print how the files differ and exit with 1 if any does
    #[arg(long)]
    pub check: bool,
}
