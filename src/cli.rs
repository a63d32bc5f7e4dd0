//! The command line: what can be said, and how it is explained. What it does stands in `commands`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::context::Mode;
use crate::layout::{Layout, PackageName};
use crate::manifest::Strictness;
use crate::release::Release;
use crate::score::Exposure;
use crate::target::Target;

/// Hardened systemd units from one manifest of what a service needs, and running units scored against it
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs. The arguments of one are made up only where it is asked for.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum Command {
    /// Render hardened units from manifests
    Generate(Generate),
    /// Say what is doubtful about manifests, and what targets cost them
    ///
    /// Exit status: 0 where nothing is doubtful; 1 where something is: a notice of the manifest, a need that makes a target
    /// give up more than it asks for, an override that does nothing on a target; 2 where a manifest cannot be loaded, or
    /// contradicts itself or a target. Notes alone do not change it.
    Lint(Lint),
    /// Score services and compare them with the manifest that declares them
    ///
    /// Computes systemd's own exposure of services, and says how they differ from the manifest that declares them: what is
    /// weaker than declared, what is stricter, and how much of the exposure no declared need justifies.
    ///
    /// Exit status: 0 where all is as declared; 1 for findings: weaker, other, stricter where it denies a declared need, a
    /// line that systemd takes for something else than it says, a hole that the manifest does not declare, exposure above
    /// --threshold; 2 where something that was
    /// named cannot be scored.
    Score(Score),
    /// Make a manifest of a service that has a unit already
    ///
    /// Reads the unit with its drop-ins, the sockets and timers that start it, and its users in sysusers.d and files in
    /// tmpfiles.d, and writes the manifest that renders to the same service: what a key says as that key, what the unit
    /// opens in its own words as a need, what it denies as a denial or an override, and anything else literally. What the
    /// unit leaves open and its programs or its processes show a sign of is a need too, with what was seen as the reason;
    /// what is open without any is suggested in comments at the end.
    ///
    /// Exit status: 0; 1 where something could not be taken over, which is told and stands at the top of the manifest; 2
    /// where the unit cannot be read, or no manifest can say what it is.
    Import(Import),
    /// Explain a directive, a check, a need, a release or a target, or why a unit failed
    ///
    /// Tells what a directive does, since when, what the policy writes, which needs open it, what it brings along, what it
    /// counts in the exposure and what it is known to have broken, with sources; what a need opens; how a check of the
    /// exposure comes about; what is new in a release; what is known of a target.
    ///
    /// Of a unit of the running manager: what ended it, the directive, path or call that it failed at, the line of the
    /// unit that says so and what a manifest would state to allow it, each as certain, likely or possible.
    ///
    /// Exit status: 0; 2 where a name is not known, or the manager has no such unit.
    Explain(Explain),
    /// Run a service once under its policy, and say what it is refused
    ///
    /// Starts the service on this host as a unit of its own, NAME-try.service, rendered for this host, with its sockets and
    /// without restarts; keeps it up for a while, runs a client's request if there is one, stops it, and takes back
    /// everything. Says what was refused, the first first: the directive and its line, and the line of the manifest that
    /// would allow it, with whether the manifest loads with that, what it relaxes, and whether anything else still refuses
    /// the same.
    ///
    /// The service runs for real: as its user, in its directories, on its ports. While the service itself runs, nothing is
    /// tried without --replace. It needs root.
    ///
    /// Exit status: 0 where it ran and nothing was refused; 1 where something was, or the service or the request failed; 2
    /// where it could not be tried.
    Try(Try),
    /// Print what a shell must be told to complete this command line
    Completions(Completions),
    /// Print the JSON Schema of a manifest, for editors and validators
    Schema,
}

// What `completions` is asked.
#[derive(Args, Debug)]
#[expect(missing_docs, reason = "clap would take it for what the command does")]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: ShellWord,
}

/// The shells that are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ShellWord {
    /// For bash-completion
    Bash,
    /// For a folder of $fpath
    Zsh,
    /// For a folder of $fish_complete_path
    Fish,
}

// What `generate` is asked.
#[derive(Args, Debug)]
#[expect(missing_docs, reason = "clap would take it for what the command does")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Generate {
    /// The manifests
    #[arg(required = true, value_name = "MANIFEST", value_hint = ValueHint::FilePath)]
    pub manifests: Vec<PathBuf>,
    /// What output is for: distributions such as debian-12, releases such as systemd-252, or host for this system.
    /// Several have one output, which all of them read
    #[arg(long, value_name = "TARGET,...", default_value = Target::DEFAULT)]
    pub target: Vec<String>,
    /// Write an output of its own for each target, into folders of their names
    #[arg(long)]
    pub split: bool,
    /// Write drop-ins that only harden, for units that a distribution ships
    #[arg(long)]
    pub drop_in: bool,
    /// Write of a drop-in only what this unit does not say itself, with what it takes the place of, and tell in what the
    /// service is another than the manifest says, which ends with 1. What contains a `/` is a file, anything else a
    /// unit of the host, or of the tree of --root. May be given several times
    #[arg(long, value_name = "UNIT|FILE", requires = "drop_in")]
    pub against: Vec<String>,
    /// Write the files at their installed places below DIR
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "output")]
    pub root: Option<PathBuf>,
    /// Write the files into DIR
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub output: Option<PathBuf>,
    /// For whose packages the files of --output are laid out
    #[arg(
        long,
        value_name = "LAYOUT",
        value_enum,
        default_value_t,
        conflicts_with = "root",
        requires = "output"
    )]
    pub layout: LayoutWord,
    /// The package of the distribution that they all go into [default: the name of each manifest]
    #[arg(long, value_name = "NAME", requires = "layout")]
    pub package: Option<PackageName>,
    /// Write nothing; print what users of the package must be told: what is confined, what that has broken elsewhere, and
    /// how an administrator takes it back. With --against only what changes
    #[arg(long, conflicts_with_all = ["check", "output", "replace"])]
    pub news: bool,
    /// Write nothing; print how the files differ and exit with 1 if any does
    #[arg(long)]
    pub check: bool,
    /// Replace files too that were not made from these manifests; they are shown
    #[arg(long, conflicts_with = "check")]
    pub replace: bool,
}

// What `lint` is asked.
#[derive(Args, Debug)]
#[expect(missing_docs, reason = "clap would take it for what the command does")]
pub struct Lint {
    /// The manifests
    #[arg(required = true, value_name = "MANIFEST", value_hint = ValueHint::FilePath)]
    pub manifests: Vec<PathBuf>,
    /// What output would be for, as for generate; all of them together
    #[arg(long, value_name = "TARGET,...", default_value = Target::DEFAULT)]
    pub target: Vec<String>,
    /// Examine an output of its own for each target
    #[arg(long)]
    pub split: bool,
    /// How to show the result
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

// What `score` is asked.
#[derive(Args, Debug)]
#[expect(missing_docs, reason = "clap would take it for what the command does")]
pub struct Score {
    /// Units, unit files or manifests. What contains a `/` is a file, what ends in `.toml` a manifest; anything else
    /// is a unit of the running manager, or of the tree of --root. Without any: all services of it.
    #[arg(value_name = "UNIT|FILE|MANIFEST")]
    pub subjects: Vec<String>,

    /// The manifest to compare with, and FILE.d/*.toml [default: the one in /etc, /run or /usr/lib/systemd-harden that
    /// declares the unit, and /etc/systemd-harden/NAME.toml.d/*.toml]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub manifest: Option<PathBuf>,

    /// Read unit files and manifests below this directory, and ask no manager. Unit files that are named are paths in it
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub root: Option<PathBuf>,

    /// Ask the manager of the calling user; files are read as its units
    #[arg(long)]
    pub user: bool,

    /// The systemd release whose rules count for files, 240 to 262 [default: the newest]
    #[arg(long, value_name = "RELEASE", value_parser = known_release)]
    pub systemd: Option<Release>,

    /// The same by targets, such as debian-12 or systemd-252; several are judged by one after the other
    #[arg(long, value_name = "TARGET,...", conflicts_with = "systemd")]
    pub target: Vec<String>,

    /// Judge as systemd judges files, or as it judges what a manager has loaded [default: loaded on the bus, offline
    /// for files and manifests]
    #[arg(long, value_name = "MODE", value_enum)]
    pub mode: Option<ModeWord>,

    /// Whether to look for evidence in the kernel that what a running unit declares is in force [default: auto, for units
    /// that are named or declared by a manifest]
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = EvidenceWord::Auto, hide_default_value = true)]
    pub evidence: EvidenceWord,

    /// Exposure above this is a finding: 0.0 to 10.0
    #[arg(long, value_name = "EXPOSURE", value_parser = threshold)]
    pub threshold: Option<Exposure>,

    /// Print drop-ins in place of the report: for a unit without a manifest the lines to add, what helps most first; with
    /// one those that bring the unit back to its policy
    #[arg(long)]
    pub suggest: bool,

    /// How to show the result
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

// What `import` is asked.
#[derive(Args, Debug)]
#[expect(missing_docs, reason = "clap would take it for what the command does")]
pub struct Import {
    /// The service: a unit, or what contains a `/`, a unit file
    #[arg(value_name = "UNIT|FILE")]
    pub subject: String,

    /// Read below this directory; a unit file that is named is a path in it [default: /]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub root: Option<PathBuf>,

    /// Read it as a unit of users' managers
    #[arg(long)]
    pub user: bool,

    /// The systemd release that the unit is read by, 240 to 262 [default: the newest]
    #[arg(long, value_name = "RELEASE", value_parser = known_release)]
    pub systemd: Option<Release>,

    /// Whether to look for what the service needs in the files of its programs and, for a unit of this host, in its
    /// running processes
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = LookWord::Auto)]
    pub evidence: LookWord,

    /// Close what nothing speaks for as this strictness does [default: leave it as open as the unit does]
    #[arg(long, value_name = "STRICTNESS", value_enum)]
    pub strictness: Option<StrictnessWord>,

    /// Write the manifest to this file, not to standard output
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    /// Replace the file if it is there and differs; it is shown
    #[arg(long, requires = "output")]
    pub replace: bool,
}

// What `explain` is asked.
#[derive(Args, Debug)]
#[expect(missing_docs, reason = "clap would take it for what the command does")]
pub struct Explain {
    /// Directives such as ProtectClock, checks such as SystemCallFilter=~@clock, needs such as kernel.clock or sends-mail,
    /// releases such as systemd-252, targets such as debian-12, units such as nginx.service
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,

    /// Ask the manager of the calling user about units
    #[arg(long)]
    pub user: bool,

    /// The manifest that declares the units [default: as for score]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub manifest: Option<PathBuf>,

    /// How to show what is known
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

// What `try` is asked.
#[derive(Args, Debug)]
#[expect(missing_docs, reason = "clap would take it for what the command does")]
pub struct Try {
    /// The manifest
    #[arg(value_name = "MANIFEST", value_hint = ValueHint::FilePath)]
    pub manifest: PathBuf,

    /// Which of several services, or which instance of a template
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,

    /// Close what nobody named as this strictness does [default: that of the manifest]
    #[arg(long, value_name = "STRICTNESS", value_enum)]
    pub strictness: Option<StrictnessWord>,

    /// How long it is kept up, and a request that fails is repeated
    #[arg(
        long = "for",
        value_name = "SECONDS",
        default_value_t = 5,
        value_parser = clap::value_parser!(u64).range(1..=3600)
    )]
    pub seconds: u64,

    /// After a denial, try again with the line that allows it, until nothing is refused or no line is known
    #[arg(long)]
    pub until_clean: bool,

    /// Stop the service itself and what else is in its way before, and start them again afterwards
    #[arg(long)]
    pub replace: bool,

    /// How to show the result
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    pub format: Format,

    /// A client's request, run while the service is up; it must end with 0
    #[arg(last = true, value_name = "COMMAND", value_hint = ValueHint::CommandWithArguments)]
    pub command: Vec<String>,
}

/// How a report is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// One JSON document, schema 1
    Json,
}

/// The words of `--evidence`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EvidenceWord {
    /// For units that are named or declared by a manifest
    Auto,
    /// For every unit of this host's manager
    Always,
    /// For none
    Never,
}

/// The words of `--layout`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LayoutWord {
    /// Under the names of the units
    #[default]
    Flat,
    /// As debhelper takes them up from the folder debian
    Debian,
    /// As sources of a spec file
    Rpm,
    /// As sources of a PKGBUILD
    Arch,
}

impl From<LayoutWord> for Layout {
    fn from(word: LayoutWord) -> Self {
        match word {
            LayoutWord::Flat => Self::Flat,
            LayoutWord::Debian => Self::Debian,
            LayoutWord::Rpm => Self::Rpm,
            LayoutWord::Arch => Self::Arch,
        }
    }
}

/// The words of `import --evidence`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LookWord {
    /// Look at what is there
    Auto,
    /// Go by the unit alone
    Never,
}

/// The words of `--strictness`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StrictnessWord {
    /// What no breakage is on record for
    Safe,
    /// What fails loudly, and one line undoes
    Default,
    /// Everything
    Strict,
}

impl From<StrictnessWord> for Strictness {
    fn from(word: StrictnessWord) -> Self {
        match word {
            StrictnessWord::Safe => Self::Safe,
            StrictnessWord::Default => Self::Default,
            StrictnessWord::Strict => Self::Strict,
        }
    }
}

/// The words of `--mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ModeWord {
    /// As the release's own scorer judges files
    Offline,
    /// As it judges what a manager has loaded
    Loaded,
}

impl From<ModeWord> for Mode {
    fn from(word: ModeWord) -> Self {
        match word {
            ModeWord::Offline => Self::Offline,
            ModeWord::Loaded => Self::Loaded,
        }
    }
}

/// The oldest and the newest release whose rules are known.
pub const KNOWN_RELEASES: [Release; 2] = [Release::first(240), Release::latest(262)];

fn known_release(text: &str) -> anyhow::Result<Release> {
    let release: Release = text.parse()?;
    let [oldest, newest] = KNOWN_RELEASES;
    anyhow::ensure!(
        oldest <= release && release <= newest,
        "systemd {release} is not known: {} to {} are",
        oldest.major,
        newest.major
    );
    Ok(release)
}

fn threshold(text: &str) -> anyhow::Result<Exposure> {
    let (whole, tenth) = text.split_once('.').unwrap_or((text, "0"));
    let number =
        |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>().ok());
    let tenths = match (number(whole).flatten(), number(tenth).flatten()) {
        (Some(whole @ 0..=10), Some(tenth @ 0..=9)) if text.len() <= "10.0".len() => Some(10 * whole + tenth),
        _ => None,
    };
    let exposure = tenths.filter(|tenths| *tenths <= 100).map(Exposure::from_tenths);
    exposure.ok_or_else(|| anyhow::anyhow!("not an exposure from 0.0 to 10.0 with one digit after the point"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn thresholds_are_exposures() -> anyhow::Result<()> {
        for (text, tenths) in [("0", 0), ("0.0", 0), ("8.5", 85), ("10", 100), ("10.0", 100)] {
            assert_eq!(threshold(text)?.tenths(), tenths, "{text}");
        }
        for text in ["", ".5", "-1", "+1", "10.1", "11", "8.55", "8.", "8,5", "1e1", "nan"] {
            assert!(threshold(text).is_err(), "{text}");
        }
        Ok(())
    }

    #[test]
    fn releases_without_known_rules_are_refused() -> anyhow::Result<()> {
        assert_eq!(known_release("252.39")?.to_string(), "252.39");
        for text in ["239", "263", "systemd-252", "x"] {
            assert!(known_release(text).is_err(), "{text}");
        }
        Ok(())
    }
}
