//! Service units and drop-ins.

use anyhow::Result;
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;

use super::{Exact, File, FileKind, Form, LiteralLines, Renderer, escape, exactly, losses, setting};
use crate::manifest::words::{EnvironmentFile, UnitName};
use crate::manifest::{Commands, MainPid, Restart, Scope, Service};
use crate::policy::{Planned, Policy};
use crate::target::Feature;

#[derive(Serialize)]
struct View {
    description: Option<String>,
    documentation: Vec<String>,
    dependencies: Vec<Dependency>,
    conditions: Vec<String>,
    collect: bool,
    environment_files: Vec<String>,
    environment: Vec<String>,
    commands: Vec<CommandLine>,
    pid_file: Option<String>,
    guess_main_pid: Option<&'static str>,
    remain: bool,
    restart: Option<&'static str>,
    restart_delay: Option<String>,
    start_timeout: Option<String>,
    stop_timeout: Option<String>,
    literal: LiteralLines,
    install: Vec<String>,
}

#[derive(Serialize)]
struct Dependency {
    kind: &'static str,
    units: String,
}

#[derive(Serialize)]
struct CommandLine {
    kind: &'static str,
    line: String,
}

impl Renderer<'_> {
    pub(super) fn service(&self, planned: &Planned<'_>, policy: &Policy, form: Form) -> Result<File> {
        let (mut blocks, unit_lines) =
            Self::blocks(&policy.written, |row| setting(row, form, &policy.written));
        let user = self.manifest.scope == Scope::User;
        let (template, kind) = match (form, user) {
            (Form::Units, false) => ("service.j2", FileKind::Unit),
            (Form::Units, true) => ("service.j2", FileKind::UserUnit),
            (Form::DropIns, false) => ("drop-in.j2", FileKind::DropIn),
            (Form::DropIns, true) => ("drop-in.j2", FileKind::UserDropIn),
        };
        // How the service runs stands first, before the commands; it is the first family.
        let basics = match form {
            Form::Units if blocks.first().is_some_and(|block| is_basic(block.title)) => {
                blocks.remove(0).lines
            }
            Form::Units | Form::DropIns => Vec::new(),
        };
        let text = self.fill(
            template,
            context! {
                header => self.header(),
                beside => "",
                service => Value::from(Serde(view(&planned.service, self.credentials()))),
                basics,
                blocks => Value::from(Serde(blocks)),
                unit_lines,
                losses => losses(policy),
                mark => self.mark(),
            },
        )?;
        Ok(File { kind, name: planned.unit_name(), text })
    }

    /// A drop-in that was made for one unit.
    pub(super) fn exact(&self, planned: &Planned<'_>, policy: &Policy, exact: &Exact<'_>) -> Result<File> {
        let (blocks, unit_lines) = Self::blocks(exact.written, |row| exactly(row, exact.notes));
        let kind = match self.manifest.scope {
            Scope::System => FileKind::DropIn,
            Scope::User => FileKind::UserDropIn,
        };
        let text = self.fill(
            "drop-in.j2",
            context! {
                header => self.header(),
                beside => exact.beside,
                blocks => Value::from(Serde(blocks)),
                unit_lines,
                losses => losses(policy),
                mark => self.mark(),
            },
        )?;
        Ok(File { kind, name: planned.unit_name(), text })
    }

    fn credentials(&self) -> &'static str {
        if self.reads(Feature::CredentialSpecifier) { "%d" } else { CREDENTIALS }
    }
}

/// The directory of credentials: where no specifier tells it, the place that the manager makes it at (systemd 247 on).
const CREDENTIALS: &str = "%t/credentials/%n";

fn is_basic(title: &str) -> bool {
    crate::catalogue::FAMILIES.first().is_some_and(|family| family.title == title)
}

/// The name without prefix, as systemd lists it.
fn environment_file(file: &EnvironmentFile) -> String {
    format!("{}{}", if file.optional { "-" } else { "" }, file.path.as_str())
}

pub(super) fn install(wanted_by: &[UnitName], also: &[UnitName], aliases: &[UnitName]) -> Vec<String> {
    let lines = [("Alias", aliases), ("WantedBy", wanted_by), ("Also", also)];
    lines
        .into_iter()
        .filter(|(_, units)| !units.is_empty())
        .map(|(key, units)| format!("{key}={}", names(units)))
        .collect()
}

fn names(units: &[UnitName]) -> String {
    units.iter().map(UnitName::as_str).collect::<Vec<_>>().join(" ")
}

fn view(service: &Service, credentials: &str) -> View {
    let literal = LiteralLines::of(&service.unit);
    let mut install = install(&service.wanted_by, &service.also, &service.aliases);
    install.extend(literal.install.iter().cloned());
    View {
        description: service.description.as_ref().map(|text| text.as_str().to_owned()),
        documentation: service.documentation.iter().map(|page| page.as_str().to_owned()).collect(),
        dependencies: dependencies(service),
        conditions: conditions(service),
        collect: service.collect,
        environment_files: service.environment_files.iter().map(environment_file).collect(),
        environment: environment(service, credentials),
        commands: commands(service),
        pid_file: service.pid_file.as_ref().map(|path| path.as_str().to_owned()),
        guess_main_pid: service.main_pid.map(|guess| match guess {
            MainPid::Guess => "yes",
            MainPid::GuessNot => "no",
        }),
        remain: service.remain,
        restart: service.restart.map(|restart| match restart {
            Restart::No => "no",
            Restart::Always => "always",
            Restart::OnSuccess => "on-success",
            Restart::OnFailure => "on-failure",
            Restart::OnAbnormal => "on-abnormal",
            Restart::OnAbort => "on-abort",
            Restart::OnWatchdog => "on-watchdog",
        }),
        restart_delay: service.restart_delay.as_ref().map(|span| span.as_str().to_owned()),
        start_timeout: service.start_timeout.as_ref().map(|span| span.as_str().to_owned()),
        stop_timeout: service.stop_timeout.as_ref().map(|span| span.as_str().to_owned()),
        literal,
        install,
    }
}

fn dependencies(service: &Service) -> Vec<Dependency> {
    // What must outlive the service must also be there before it.
    let mut after = service.after.clone();
    after.extend(service.binds_to.iter().filter(|unit| !service.after.contains(unit)).cloned());
    let all = [
        ("After", &after),
        ("Before", &service.before),
        ("Requires", &service.requires),
        ("Wants", &service.wants),
        ("BindsTo", &service.binds_to),
        ("PartOf", &service.part_of),
        ("Conflicts", &service.conflicts),
        ("OnFailure", &service.on_failure),
    ];
    all.into_iter()
        .filter(|(_, units)| !units.is_empty())
        .map(|(kind, units)| Dependency { kind, units: names(units) })
        .collect()
}

fn conditions(service: &Service) -> Vec<String> {
    let condition = service.condition_path.iter().map(|path| format!("ConditionPathExists={path}"));
    let assert = service.assert_path.iter().map(|path| format!("AssertPathExists={path}"));
    condition.chain(assert).collect()
}

fn environment(service: &Service, folder: &str) -> Vec<String> {
    let stated =
        service.environment.iter().map(|(name, value)| escape::variable(name.as_str(), value.as_str()));
    let credentials = service.credentials.iter().filter_map(|(name, credential)| {
        let variable = credential.env.as_ref()?;
        Some(escape::variable(variable.as_str(), &format!("{folder}/{}", name.as_str())))
    });
    stated.chain(credentials).collect()
}

fn commands(service: &Service) -> Vec<CommandLine> {
    let all: [(&'static str, &Commands); 7] = [
        ("ExecCondition", &service.condition),
        ("ExecStartPre", &service.exec_before),
        ("ExecStart", &service.exec),
        ("ExecStartPost", &service.exec_after),
        ("ExecReload", &service.reload),
        ("ExecStop", &service.stop),
        ("ExecStopPost", &service.stop_after),
    ];
    all.into_iter()
        .flat_map(|(kind, commands)| {
            commands.0.iter().map(move |command| CommandLine { kind, line: escape::command(command) })
        })
        .collect()
}
