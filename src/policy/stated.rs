//! What the service itself says about a directive: the value behind a row's key.

use super::plan::{Placement, Planned, directory_name, group_of, placement};
use crate::manifest::words::LogPath;
use crate::manifest::{Directory, KillMode, Log, Manifest, NotifyAccess, Output, Place, ServiceType, Stdin};

/// The assignments that a key of the service comes to, and where it stands; none where the service does not say it.
pub(super) fn value(manifest: &Manifest, planned: &Planned<'_>, key: &str) -> Option<(Vec<String>, Place)> {
    let service = &*planned.service;
    let lines = match key.split_once('.') {
        Some(("directories", rest)) => return directory(manifest, planned, rest),
        Some(("resources", name)) => resource(planned, name).map(|value| vec![value]),
        Some(("credentials", _)) => credentials(planned, true),
        _ => match key {
            "type" => service.type_.map(|kind| vec![type_word(kind).to_owned()]),
            "user" => {
                service.user.as_ref().map(|user| vec![user.as_str().to_owned()]).filter(|_| !planned.dynamic)
            }
            "group" => group_of(manifest, planned).map(|group| vec![group]).filter(|_| !planned.dynamic),
            "dynamic-user" => planned.dynamic.then(|| vec!["yes".to_owned()]),
            "groups" => Some(service.groups.iter().map(|group| group.as_str().to_owned()).collect())
                .filter(|groups: &Vec<String>| !groups.is_empty()),
            "notify-access" => service.notify_access.map(|access| vec![access_word(access).to_owned()]),
            "kill" => service.kill.map(|mode| vec![kill_word(mode).to_owned()]),
            "early" => service.early.then(|| vec!["no".to_owned()]),
            "umask" => service.umask.as_ref().map(|mode| vec![mode.to_string()]),
            "working-directory" => {
                service.working_directory.as_ref().map(|path| vec![path.as_str().to_owned()])
            }
            "stdin" => service.stdin.map(|stdin| {
                vec![match stdin {
                    Stdin::Null => "null".to_owned(),
                    Stdin::Socket => "socket".to_owned(),
                }]
            }),
            "stdout" | "stderr" => output(planned, key),
            "runtime-max" => service.runtime_max.as_ref().map(|span| vec![span.as_str().to_owned()]),
            "watchdog" => service.watchdog.as_ref().map(|span| vec![span.as_str().to_owned()]),
            "bus-name" => service.bus_name.as_ref().map(|name| vec![name.as_str().to_owned()]),
            "joins" => Some(service.joins.iter().map(|unit| unit.as_str().to_owned()).collect())
                .filter(|units: &Vec<String>| !units.is_empty()),
            "credentials" => credentials(planned, false),
            _ => None,
        },
    };
    lines.map(|lines| (lines, service.place.clone()))
}

fn type_word(kind: ServiceType) -> &'static str {
    match kind {
        ServiceType::Simple => "simple",
        ServiceType::Exec => "exec",
        ServiceType::Forking => "forking",
        ServiceType::Oneshot => "oneshot",
        ServiceType::Dbus => "dbus",
        ServiceType::Notify => "notify",
        ServiceType::NotifyReload => "notify-reload",
        ServiceType::Idle => "idle",
    }
}

fn kill_word(mode: KillMode) -> &'static str {
    match mode {
        KillMode::ControlGroup => "control-group",
        KillMode::Mixed => "mixed",
        KillMode::Process => "process",
        KillMode::None => "none",
    }
}

fn access_word(access: NotifyAccess) -> &'static str {
    match access {
        NotifyAccess::None => "none",
        NotifyAccess::Main => "main",
        NotifyAccess::Exec => "exec",
        NotifyAccess::All => "all",
    }
}

fn output(planned: &Planned<'_>, key: &str) -> Option<Vec<String>> {
    let service = &*planned.service;
    if let Some(Log::File(log)) = &service.log {
        return Some(vec![format!("append:{}", log_path(planned, &log.file))]);
    }
    let said = if key == "stdout" { service.stdout } else { service.stderr };
    said.map(|output| {
        vec![match output {
            Output::Journal => "journal".to_owned(),
            Output::Null => "null".to_owned(),
            Output::Socket => "socket".to_owned(),
            Output::Inherit => "inherit".to_owned(),
        }]
    })
}

/// The whole path of an append-file.
pub fn log_path(planned: &Planned<'_>, file: &LogPath) -> String {
    match file {
        LogPath::At(path) => path.as_str().to_owned(),
        LogPath::Below(name) => {
            let logs = planned.service.directories.logs.as_ref();
            let default = planned.stem.trim_end_matches('@').to_owned();
            let folder = logs.map_or(default, |logs| directory_name(&planned.stem, logs));
            format!("/var/log/{folder}/{name}")
        }
    }
}

fn directory(manifest: &Manifest, planned: &Planned<'_>, key: &str) -> Option<(Vec<String>, Place)> {
    let (kind, part) = match key.split_once('.') {
        Some((kind, part)) => (kind, Some(part)),
        None => (key, None),
    };
    let (_, directory): (_, &Directory) =
        planned.service.directories.each().find(|(name, _)| *name == kind)?;
    let Placement::Unit { .. } = placement(manifest, planned, kind, directory) else { return None };
    let line = match part {
        None => directory_name(&planned.stem, directory),
        Some("mode") => directory.mode.as_ref()?.to_string(),
        Some(_) => directory.keep.then(|| "yes".to_owned())?,
    };
    Some((vec![line], directory.place.clone()))
}

fn resource(planned: &Planned<'_>, name: &str) -> Option<String> {
    let resources = &planned.service.resources;
    match name {
        "memory-low" => resources.memory_low.as_ref().map(ToString::to_string),
        "memory-high" => resources.memory_high.as_ref().map(ToString::to_string),
        "memory-max" => resources.memory_max.as_ref().map(ToString::to_string),
        "swap-max" => resources.swap_max.as_ref().map(ToString::to_string),
        "tasks-max" => resources.tasks_max.as_ref().map(ToString::to_string),
        "open-files" => resources.open_files.map(|count| count.to_string()),
        "processes" => resources.processes.map(|count| count.to_string()),
        "core-size" => resources.core_size.as_ref().map(ToString::to_string),
        "locked-memory" => resources.locked_memory.as_ref().map(ToString::to_string),
        "cpu-quota" => resources.cpu_quota.as_ref().map(ToString::to_string),
        "cpu-weight" => resources.cpu_weight.as_ref().map(|weight| weight.value().to_string()),
        "io-weight" => resources.io_weight.as_ref().map(|weight| weight.value().to_string()),
        _ => None,
    }
}

fn credentials(planned: &Planned<'_>, encrypted: bool) -> Option<Vec<String>> {
    let lines: Vec<String> = planned
        .service
        .credentials
        .iter()
        .filter(|(_, credential)| credential.encrypted == encrypted)
        .map(|(name, credential)| format!("{}:{}", name.as_str(), credential.from.as_str()))
        .collect();
    (!lines.is_empty()).then_some(lines)
}
