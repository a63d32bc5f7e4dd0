//! The command `systemd-harden`: arguments in, exit status out.

use std::env;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::process::ExitCode;

use clap::Parser as _;
use systemd_harden::cli::Cli;
use systemd_harden::commands;
use systemd_harden::status::Status;
use systemd_harden::visible::shown_bytes;

fn main() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| visible(error).exit());
    match commands::run(&cli, &mut io::stdout().lock()) {
        Ok(status) => status.into(),
        // Whoever reads the output has seen enough.
        Err(error) if is_broken_pipe(&error) => Status::Clean.into(),
        Err(error) => {
            commands::tell(&format!("{error:#}"));
            Status::Failed.into()
        }
    }
}

/// The same failure with what it repeats of the arguments made visible: a terminal would obey it, and a pipe lose it.
fn visible(error: clap::Error) -> clap::Error {
    let shown = env::args_os().map(|argument| shown_bytes(argument.as_bytes()));
    Cli::try_parse_from(shown).err().unwrap_or(error)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kind =
        |cause: &(dyn std::error::Error + 'static)| cause.downcast_ref::<io::Error>().map(io::Error::kind);
    error.chain().any(|cause| kind(cause) == Some(io::ErrorKind::BrokenPipe))
}
