//! `completions`: the command line as shells complete it, made from the same types that read it.

use std::io::Write;

use clap::CommandFactory as _;
use clap_complete::aot::{Shell, generate};

use super::print;
use crate::cli::{Cli, Completions, ShellWord};
use crate::status::Status;

/// Runs `completions`.
pub(super) fn completions(arguments: &Completions, out: &mut dyn Write) -> anyhow::Result<Status> {
    let shell = match arguments.shell {
        ShellWord::Bash => Shell::Bash,
        ShellWord::Zsh => Shell::Zsh,
        ShellWord::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "systemd-harden", &mut script);
    print(out, &String::from_utf8(script)?)?;
    Ok(Status::Clean)
}
