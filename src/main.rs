//! temporary
use clap::Parser;
#[derive(Parser)]
enum Cli { Generate(systemd_harden::cli::Generate) }
fn main() {
    let Cli::Generate(g) = Cli::parse();
    match systemd_harden::commands::generate(&g, &mut std::io::stdout()) {
        Ok(s) => std::process::exit(i32::from(s.code())),
        Err(e) => { eprintln!("systemd-harden: {e:#}"); std::process::exit(2) }
    }
}
