//! The verbs of the command line: thin, they connect the outside with the core and alone print.

mod completions;
mod explain;
mod generate;
mod import;
mod journal;
mod lint;
mod looking;
mod manager;
pub mod manifest_file;
mod manifests;
mod observed;
mod one_unit;
mod output;
mod score;
mod trial;

use std::io::{self, IsTerminal as _, Write};
use std::path::Path;

use anyhow::Context as _;

pub use generate::generate;

use crate::cli::{Cli, Command};
use crate::report::{Appearance, Colour};
use crate::status::Status;
use crate::target::{self, Target};
use crate::unit_file::Root;
use crate::visible::shown;

/// Does what the command line says, its result written to `out`, which is standard output but for tests. An error is a
/// failure of the whole run; what befalls single units is told where it happens and only shows in the status.
pub fn run(cli: &Cli, out: &mut dyn Write) -> anyhow::Result<Status> {
    match &cli.command {
        Command::Generate(arguments) => generate(arguments, out),
        Command::Lint(arguments) => lint::lint(arguments, out),
        Command::Score(arguments) => score::score(arguments, out),
        Command::Import(arguments) => import::import(arguments, out),
        Command::Explain(arguments) => explain::explain(arguments, out),
        Command::Try(arguments) => trial::run(arguments, out),
        Command::Completions(arguments) => completions::completions(arguments, out),
        Command::Schema => {
            let schema: serde_json::Value = serde_json::from_str(crate::manifest::SCHEMA)?;
            print(out, &format!("{schema:#}\n")).map(|()| Status::Clean)
        }
    }
}

/// The targets of a command line, `host` among them as what this system is.
fn targets(lists: &[String]) -> anyhow::Result<Vec<Target>> {
    let mut named = Vec::new();
    for name in lists.iter().flat_map(|list| list.split(',')) {
        named.push(if name.trim() == HOST { host()?.name } else { name.to_owned() });
    }
    target::targets(&named)
}

/// The target that is this system.
const HOST: &str = "host";

/// What this system is.
fn host() -> anyhow::Result<Target> {
    let root = Root::open("/")?;
    for path in ["/etc/os-release", "/usr/lib/os-release"] {
        if let Some(bytes) = root.read(Path::new(path))? {
            let target = Target::of_os_release(&String::from_utf8_lossy(&bytes));
            return target
                .with_context(|| format!("`{path}` does not tell a target; name one with --target"));
        }
    }
    anyhow::bail!("there is no `/etc/os-release` to tell a target; name one with --target")
}

/// Tells a failure on standard error, each of its lines free of what a terminal would obey.
pub fn tell(failure: &str) {
    let lines: Vec<String> = failure.lines().map(shown).collect();
    // There is nobody left to tell where this fails.
    let _ = writeln!(io::stderr(), "systemd-harden: {}", lines.join("\n"));
}

/// Writes to standard output; a reader that went away is an [`io::ErrorKind::BrokenPipe`].
fn print(out: &mut dyn Write, text: &str) -> anyhow::Result<()> {
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot write to standard output")
}

/// How standard output wants a text: fitted and coloured on a terminal, else as it is.
fn appearance() -> Appearance {
    let stdout = io::stdout();
    let width = || {
        let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        told.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
    };
    let colour = match anstream::AutoStream::choice(&stdout) {
        anstream::ColorChoice::Never => Colour::Never,
        _ => Colour::Always,
    };
    Appearance { colour, width: if stdout.is_terminal() { width().filter(|width| *width > 0) } else { None } }
}
