//! `score`: units of a manager, of files or of a manifest, judged and compared with what declares them.

mod evidence;
mod files;
mod host;
mod judge;
mod loaded;
mod many;
mod tree;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::manifests::Manifests;
use super::{appearance, manifest_file, print, tell};
use crate::architecture::Architecture;
use crate::cli::{EvidenceWord, Format, KNOWN_RELEASES, Score};
use crate::context::{Context, Mode, Scope, UnitType};
use crate::finding::Finding;
use crate::manifest::{self, Manifest, Strictness};
use crate::policy::{plan, policy};
use crate::report::{self, Outcome, Report, Source, UnitReport};
use crate::score::assess;
use crate::status::Status;
use crate::target::{Target, fit};
use crate::unit_file::{Loader, Root, SearchPath, UnitName, UserDirectories};
use files::Files;
pub(super) use files::{template_instance, why_not};
use host::Host;
use judge::{Asked, Judge};
use loaded::Loaded;
use many::answers;
use tree::Tree;

/// Judges what the command line names, and prints the report.
pub(super) fn score(arguments: &Score, out: &mut dyn Write) -> anyhow::Result<Status> {
    let subjects: Vec<Subject> =
        arguments.subjects.iter().map(|text| Subject::of(text)).collect::<anyhow::Result<_>>()?;
    let asks_manager = arguments.root.is_none()
        && (subjects.is_empty() || subjects.iter().any(|subject| matches!(subject, Subject::Unit(_))));
    anyhow::ensure!(
        !asks_manager || arguments.systemd.is_none() && arguments.target.is_empty(),
        "a running manager is judged by its own release: name files, or leave `--systemd` and `--target` out"
    );
    anyhow::ensure!(
        asks_manager || arguments.evidence != EvidenceWord::Always,
        "evidence is of running units: name some, or leave `--evidence always` out"
    );
    let mut run = Run::new(arguments)?;
    if asks_manager {
        run.loaded(&subjects);
    } else if arguments.target.is_empty() {
        run.files(&subjects);
    } else {
        for target in super::targets(&arguments.target)? {
            run.context.release = target.judge();
            run.target = Some(target);
            run.files(&subjects);
        }
    }
    run.finish(arguments.format, out)
}

/// What one argument names.
#[derive(Debug, PartialEq)]
enum Subject {
    Unit(UnitName),
    File(PathBuf),
    Manifest(PathBuf),
}

impl Subject {
    fn of(text: &str) -> anyhow::Result<Self> {
        if text.strip_suffix(".toml").is_some_and(|stem| !stem.is_empty() && !stem.ends_with('/')) {
            return Ok(Self::Manifest(PathBuf::from(text)));
        }
        if text.contains('/') {
            return Ok(Self::File(PathBuf::from(text)));
        }
        // A name with a type is whole; any other is a service's.
        text.parse().or_else(|_| format!("{text}.service").parse()).map(Self::Unit)
    }
}

/// A run over units: what it judges by, and what has come of it.
struct Run<'a> {
    arguments: &'a Score,
    context: Context,
    /// The target that is judged for, where one was named.
    target: Option<Target>,
    root: Root,
    judge: Judge,
    report: Report,
    status: Status,
}

impl<'a> Run<'a> {
    fn new(arguments: &'a Score) -> anyhow::Result<Self> {
        let root = match &arguments.root {
            Some(directory) => Root::open(directory)?,
            None => Root::open("/")?,
        };
        let [_, newest] = KNOWN_RELEASES;
        let context = Context {
            release: arguments.systemd.unwrap_or(newest),
            mode: arguments.mode.map_or(Mode::Offline, Mode::from),
            scope: if arguments.user { Scope::User } else { Scope::System },
            unit_type: UnitType::Service,
            architecture: Architecture::native().unwrap_or(Architecture::X86_64),
        };
        let manifests = match &arguments.manifest {
            Some(path) => Manifests::only(manifest_file::read(path)?.manifest),
            None => Manifests::installed(&root),
        };
        let mut status = Status::Clean;
        for failure in &manifests.failures {
            tell(&format!("{failure:#}"));
            status = Status::Failed;
        }
        let given = arguments.manifest.as_ref().map(|path| path.display().to_string());
        let judge = Judge { manifests, given, threshold: arguments.threshold, suggests: arguments.suggest };
        Ok(Self { arguments, context, target: None, root, judge, report: Report::default(), status })
    }

    /// Units of the running manager, and files among them in their place.
    fn loaded(&mut self, subjects: &[Subject]) {
        let mode = self.arguments.mode.map_or(Mode::Loaded, Mode::from);
        let names: Vec<String> = subjects
            .iter()
            .filter_map(|subject| match subject {
                Subject::Unit(name) => Some(name.as_str().to_owned()),
                Subject::File(_) | Subject::Manifest(_) => None,
            })
            .collect();
        let units = Loaded::connect(self.context.scope, mode, self.arguments.evidence).and_then(|loaded| {
            if subjects.is_empty() {
                Ok(loaded.units(&loaded.services()?, Asked::AmongAll, &self.judge))
            } else {
                Ok(loaded.units(&names, Asked::ByName, &self.judge))
            }
        });
        let units = units.unwrap_or_else(|failure| {
            // One failure of all, told once.
            let why = format!("{failure:#}");
            tell(&why);
            self.status = Status::Failed;
            names.into_iter().map(|unit| unreached(unit, why.clone())).collect()
        });
        if subjects.is_empty() {
            self.report.units = units;
            return;
        }
        let mut units = units.into_iter();
        let mut files = Files::new(self.tree(), self.context, None);
        let mut reports = Vec::new();
        for subject in subjects {
            match subject {
                Subject::Unit(_) => reports.extend(units.next()),
                other => reports.extend(self.named_file(&mut files, other)),
            }
        }
        self.report.units = reports;
    }

    /// Files and manifests, and units of the tree.
    fn files(&mut self, subjects: &[Subject]) {
        let host = self.host().filter(|_| !subjects.is_empty());
        let (reports, unreadable) = match &host {
            // What units share on a host is told with the first of them, so they take their turns.
            Some(host) if self.judge.manifests.declare_any() => {
                let mut files = Files::new(self.tree(), self.context, Some(host));
                let reports =
                    subjects.iter().flat_map(|subject| self.named_file(&mut files, subject)).collect();
                (reports, files.unreadable())
            }
            _ => {
                let is_of_tree = |subject: &Subject| matches!(subject, Subject::Unit(_));
                let asks_tree = subjects.is_empty() || subjects.iter().any(is_of_tree);
                let tree = if asks_tree { self.tree().ready() } else { self.tree() };
                let reader = || Files::new(tree.clone(), self.context, None);
                let (reports, mut files) = if subjects.is_empty() {
                    let services = reader().services();
                    let among_all = |files: &mut Files<'_>, name: &_| files.among_all(name, &self.judge);
                    let (reports, files) = answers(&services, reader, among_all);
                    (reports.into_iter().flatten().collect(), files)
                } else {
                    let named = |files: &mut Files<'_>, subject: &_| self.named_file(files, subject);
                    let (reports, files) = answers(subjects, reader, named);
                    (reports.into_iter().flatten().collect(), files)
                };
                (reports, files.unreadable())
            }
        };
        // systemd goes on without them, and what stands in them is not known here.
        self.report.units = reports;
        for notice in unreadable {
            tell(&notice.to_string());
            self.status = Status::Failed;
        }
    }

    /// What is searched for units.
    fn tree(&self) -> Tree<'_> {
        Tree::new(Loader::new(&self.root, self.search()))
    }

    /// The tree that was named, as a host of its own.
    fn host(&self) -> Option<Host<'_>> {
        let is_named = self.arguments.root.is_some() && self.context.scope == Scope::System;
        is_named.then(|| Host::new(&self.root))
    }

    fn named_file(&self, files: &mut Files<'_>, subject: &Subject) -> Vec<UnitReport> {
        match self.reports_of(files, subject) {
            Ok(reports) => reports,
            Err(error) => vec![UnitReport {
                context: Some(self.context),
                source: if matches!(subject, Subject::Manifest(_)) { Source::Manifest } else { Source::File },
                ..unreached(subject.to_string(), format!("{error:#}"))
            }],
        }
    }

    fn reports_of(&self, files: &mut Files<'_>, subject: &Subject) -> anyhow::Result<Vec<UnitReport>> {
        match subject {
            Subject::Manifest(path) => self.manifest(&manifest_file::read(path)?.manifest),
            Subject::File(path) => {
                let inside = if self.arguments.root.is_some() {
                    Path::new("/").join(path)
                } else {
                    std::path::absolute(path).context("cannot tell the current directory")?
                };
                Ok(vec![files.file(&inside, &path.to_string_lossy(), &self.judge)])
            }
            Subject::Unit(name) => Ok(vec![files.unit(name, Asked::ByName, &self.judge)]),
        }
    }

    /// What a manifest would generate, service by service.
    fn manifest(&self, manifest: &Manifest) -> anyhow::Result<Vec<UnitReport>> {
        let scope = match manifest.scope {
            manifest::Scope::System => Scope::System,
            manifest::Scope::User => Scope::User,
        };
        let context = Context { scope, ..self.context };
        let fitted =
            self.target.as_ref().map(|target| fit(manifest, std::slice::from_ref(target))).transpose()?;
        let manifest = fitted.as_ref().map_or(manifest, |fitted| &fitted.manifest);
        let mut reports = Vec::new();
        for planned in plan(manifest) {
            let wanted = policy(manifest, &planned, context, manifest.strictness)?.posture;
            let strict = match manifest.strictness {
                Strictness::Strict => None,
                Strictness::Safe | Strictness::Default => {
                    let strict = policy(manifest, &planned, context, Strictness::Strict)?.posture;
                    Some(assess(&strict))
                }
            };
            reports.push(self.judge.judge_policy(manifest, wanted, planned.unit_name(), strict));
        }
        if let Some(first) = reports.first_mut() {
            first.findings.extend(manifest.notices.iter().map(|problem| Finding {
                place: Some((problem.place.file.clone(), Some(problem.place.line))),
                ..Finding::notice("manifest.notice", problem.message.clone())
            }));
        }
        Ok(reports)
    }

    fn search(&self) -> SearchPath {
        match self.context.scope {
            Scope::System => SearchPath::system(),
            Scope::User => SearchPath::user(&own_directories()),
        }
    }

    fn finish(mut self, format: Format, out: &mut dyn Write) -> anyhow::Result<Status> {
        self.report.accept(today());
        for unit in &self.report.units {
            if let Outcome::Failed(why) = &unit.outcome
                && unit.context.is_some()
            {
                let named = why.starts_with(&unit.unit);
                tell(&if named { why.clone() } else { format!("{}: {why}", unit.unit) });
            }
        }
        let text = match format {
            Format::Text if self.arguments.suggest => report::drop_ins(&self.report),
            Format::Text => report::text(&self.report, appearance()),
            Format::Json => report::json(&self.report)?,
        };
        print(out, &text)?;
        Ok(self.status.and(self.report.status()))
    }
}

/// The day, in UTC; the only look at the clock.
fn today() -> manifest::Date {
    let now = time::OffsetDateTime::now_utc();
    manifest::Date {
        year: u16::try_from(now.year()).unwrap_or(u16::MAX),
        month: now.month().into(),
        day: now.day(),
    }
}

/// A unit that was not come to.
fn unreached(unit: String, why: String) -> UnitReport {
    UnitReport {
        unit,
        source: Source::Bus,
        context: None,
        outcome: Outcome::Failed(why),
        findings: Vec::new(),
        evidence: None,
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unit(name) => f.write_str(name.as_str()),
            Self::File(path) | Self::Manifest(path) => f.write_str(&path.to_string_lossy()),
        }
    }
}

/// Where the caller's environment says that a user's files lie.
pub(super) fn own_directories() -> UserDirectories {
    let path = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let list = |name: &str, default: &str| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty());
        std::env::split_paths(&value.unwrap_or_else(|| default.into())).collect()
    };
    let home = |below: &str| path("HOME").map(|home| home.join(below));
    UserDirectories {
        config_home: path("XDG_CONFIG_HOME").or_else(|| home(".config")),
        config: list("XDG_CONFIG_DIRS", "/etc/xdg"),
        runtime: path("XDG_RUNTIME_DIR"),
        data_home: path("XDG_DATA_HOME").or_else(|| home(".local/share")),
        data: list("XDG_DATA_DIRS", "/usr/local/share:/usr/share"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_files_manifests_or_units() -> anyhow::Result<()> {
        let unit = |name: &str| name.parse().map(Subject::Unit);
        let cases = [
            ("a", unit("a.service")?),
            ("a.socket", unit("a.socket")?),
            ("a.b", unit("a.b.service")?),
            ("a@b", unit("a@b.service")?),
            ("./a.service", Subject::File("./a.service".into())),
            ("/x/a", Subject::File("/x/a".into())),
            ("a.toml", Subject::Manifest("a.toml".into())),
            ("x/a.toml", Subject::Manifest("x/a.toml".into())),
            ("x/.toml", Subject::File("x/.toml".into())),
        ];
        for (text, subject) in cases {
            assert_eq!(Subject::of(text)?, subject, "{text}");
        }
        for text in ["", "a b", "é"] {
            assert!(Subject::of(text).is_err(), "{text}");
        }
        Ok(())
    }
}
