//! The command `systemd-harden`: arguments in, exit status out.

use std::io;
use std::process::ExitCode;

use clap::Parser as _;
use systemd_harden::cli::Cli;
use systemd_harden::commands;
use systemd_harden::status::Status;

fn main() -> ExitCode {
    let cli = Cli::parse();
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

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kind =
        |cause: &(dyn std::error::Error + 'static)| cause.downcast_ref::<io::Error>().map(io::Error::kind);
    error.chain().any(|cause| kind(cause) == Some(io::ErrorKind::BrokenPipe))
}
