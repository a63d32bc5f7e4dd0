//! What a service needs, said with the needs of the catalogue: the stated ones with their parameters, and those that
//! follow from other parts of the manifest.

mod endpoints;

use std::sync::Arc;

use super::plan::{Placement, Planned, placement};
use crate::manifest::words::Program;
use crate::manifest::{
    Access, AnyOf, ClaimThing, FileAccess, KernelThing, Log, Mailer, Manifest, MissingWrite, Place, Service,
    Stated,
};
use crate::need::Need;

/// One need of a service.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    /// The need.
    pub(super) need: Need,
    /// Its parameters, by the names of its row.
    pub(super) parameters: Vec<(&'static str, String)>,
    /// Its reason.
    pub(super) because: Arc<str>,
    /// Where it is stated.
    pub(super) place: Place,
    /// Whether it is said as a need.
    pub(super) source: Source,
}

/// What a need comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The manifest states it.
    Stated,
    /// It follows from another part of the manifest.
    Derived,
}

impl Claim {
    /// A template of the catalogue with the need's parameters; none where a parameter is not given.
    pub(super) fn fill(&self, template: &str) -> Option<String> {
        let mut text = template.to_owned();
        for name in self.need.row().parameters {
            let slot = format!("{{{name}}}");
            if text.contains(&slot) {
                let (_, value) = self.parameters.iter().find(|(known, _)| known == name)?;
                text = text.replace(&slot, value);
            }
        }
        Some(text)
    }
}

/// The needs of a service, stated and derived, in the order of the vocabulary.
pub(super) fn of(manifest: &Manifest, planned: &Planned<'_>) -> Vec<Claim> {
    let service = &*planned.service;
    let mut claims = Claims(Vec::new());
    stated(&mut claims, service);
    endpoints::add(&mut claims, manifest, planned);
    derived(&mut claims, manifest, planned);
    claims.0
}

struct Claims(Vec<Claim>);

impl Claims {
    fn add(&mut self, need: Need, parameters: &[(&'static str, &str)], because: &str, place: &Place) {
        self.push(need, parameters, because, (place, Source::Derived));
    }

    fn push(
        &mut self,
        need: Need,
        parameters: &[(&'static str, &str)],
        because: &str,
        (place, source): (&Place, Source),
    ) {
        let parameters = parameters.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.0.push(Claim { need, parameters, because: Arc::from(because), place: place.clone(), source });
    }

    fn plain<P>(&mut self, need: Need, stated: &Stated<P>) {
        self.with(need, &[], stated);
    }

    fn with<P>(&mut self, need: Need, parameters: &[(&'static str, &str)], stated: &Stated<P>) {
        if stated.is_on() {
            self.push(need, parameters, stated.because.as_str(), (&stated.place, Source::Stated));
        }
    }

    fn option<P>(&mut self, need: Need, stated: Option<&Stated<P>>) {
        if let Some(stated) = stated {
            self.plain(need, stated);
        }
    }
}

/// A word of a unit file: in quotes where blanks or quotes stand in it.
pub(super) fn word(text: &str) -> String {
    if text.contains([' ', '\t', '"', '\'', '\\']) {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        text.to_owned()
    }
}

fn stated(claims: &mut Claims, service: &Service) {
    let needs = &service.needs;
    claims.option(Need::StartsAsRoot, needs.starts_as_root.as_ref());
    if let Some(stated) = &needs.becomes_users {
        if stated.params.users != AnyOf::Listed(Vec::new()) {
            claims.plain(Need::BecomesUsers, stated);
        }
        if stated.params.signals {
            claims.plain(Need::SignalsOthers, stated);
        }
    }
    claims.option(Need::IdentifiesPeers, needs.identifies_peers.as_ref());
    if let Some(stated) = &needs.others_files {
        claims.plain(
            match stated.params.access {
                FileAccess::Read => Need::ReadsOthersFiles,
                FileAccess::Write => Need::WritesOthersFiles,
                FileAccess::Own => Need::OwnsOthersFiles,
            },
            stated,
        );
    }
    claims.option(Need::UsesPam, needs.uses_pam.as_ref());
    if let Some(stated) = &needs.sends_mail {
        claims.plain(
            match stated.params.by {
                Mailer::Any | Mailer::Setuid => Need::SendsMailSetuid,
                Mailer::Setgid => Need::SendsMailSetgid,
                Mailer::Smtp => Need::SendsMailSmtp,
            },
            stated,
        );
    }
    for (program, stated) in &needs.runs_setuid {
        match program {
            Program::At(path) => claims.with(Need::RunsSetuid, &[("path", &word(path.path()))], stated),
            // Which one is not known: all of them must be executable.
            Program::Any => claims.with(Need::RunsSetuid, &[("path", "/")], stated),
        }
    }
    for (path, stated) in &needs.runs_programs {
        claims.with(Need::RunsPrograms, &[("path", &word(path.path()))], stated);
    }
    claims.option(Need::RunsHooks, needs.runs_hooks.as_ref());
    claims.option(Need::StartsSessions, needs.starts_sessions.as_ref());
    claims.option(Need::GeneratesCode, needs.generates_code.as_ref());
    for (path, stated) in &needs.loads_plugins {
        // systemd takes no patterns here: the folder before the first one.
        let plain = path.as_str().split('*').next().unwrap_or("/");
        let folder = if path.is_pattern() {
            plain.rsplit_once('/').map_or("/", |(folder, _)| folder)
        } else {
            path.path()
        };
        claims.with(Need::LoadsPlugins, &[("path", &word(&format!("-{folder}")))], stated);
    }
    claims.option(Need::UnpacksArchives, needs.unpacks_archives.as_ref());
    if let Some(stated) = &needs.foreign_abi {
        match &stated.params.architectures {
            AnyOf::Any => claims.plain(Need::ForeignAbi, stated),
            AnyOf::Listed(words) => {
                for word in words {
                    claims.with(Need::ForeignAbiKnown, &[("architecture", word.as_ref())], stated);
                }
            }
        }
    }
    if let Some(stated) = &needs.makes_sandboxes {
        let kinds = match &stated.params.kinds {
            AnyOf::Any => "no".to_owned(),
            AnyOf::Listed(kinds) => kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" "),
        };
        if !kinds.is_empty() {
            claims.with(Need::MakesSandboxes, &[("kind", &kinds)], stated);
        }
        if stated.params.privileged {
            claims.plain(Need::MakesSandboxesPrivileged, stated);
        }
    }
    writes(claims, service);
    reaches(claims, service);
}

fn writes(claims: &mut Claims, service: &Service) {
    let needs = &service.needs;
    for stated in needs.chroots.values() {
        claims.plain(Need::Chroots, stated);
    }
    for (path, stated) in &needs.writes {
        let parent = path
            .path()
            .rsplit_once('/')
            .map_or("/", |(parent, _)| if parent.is_empty() { "/" } else { parent });
        let params = &stated.params;
        let grant = match params.missing {
            MissingWrite::Ignore if params.replaced_by_rename => format!("-{parent}"),
            MissingWrite::Ignore => format!("-{}", path.path()),
            MissingWrite::ServiceCreates => parent.to_owned(),
            MissingWrite::Error if params.replaced_by_rename => parent.to_owned(),
            MissingWrite::Error => path.path().to_owned(),
        };
        claims.with(Need::Writes, &[("path", &word(&grant))], stated);
        for except in &params.except {
            claims.with(Need::KeepsReadOnly, &[("path", &word(&format!("-{}", except.path())))], stated);
        }
        if params.execute {
            claims.with(Need::RunsPrograms, &[("path", &word(path.path()))], stated);
        }
    }
}

fn reaches(claims: &mut Claims, service: &Service) {
    let needs = &service.needs;
    if let Some(stated) = &needs.homes {
        let need = if stated.params.access == Access::Read { Need::ReadsHomes } else { Need::WritesHomes };
        claims.plain(need, stated);
    }
    if let Some(stated) = &needs.admin_paths {
        let need =
            if stated.params.access == Access::Read { Need::ReadsAdminPaths } else { Need::WritesAdminPaths };
        claims.plain(need, stated);
    }
    claims.option(Need::SharesTmp, needs.shares_tmp.as_ref());
    claims.option(Need::MeasuresFilesystems, needs.measures_filesystems.as_ref());
    claims.option(Need::MakesMounts, needs.makes_mounts.as_ref());
    if let Some(stated) = &needs.sees_processes {
        claims.plain(Need::SeesProcesses, stated);
        if stated.params.inspect {
            claims.plain(Need::InspectsProcesses, stated);
        }
    }
    claims.option(Need::HostStatistics, needs.host_statistics.as_ref());
    for (device, stated) in &needs.devices {
        let device = device.to_string();
        let mut parameters = vec![("path", device.as_str()), ("access", stated.params.access.as_str())];
        if let Some(group) = &stated.params.group {
            parameters.push(("group", group.as_str()));
        }
        claims.with(Need::Devices, &parameters, stated);
    }
    for (thing, stated) in &needs.kernel {
        claims.plain(
            match thing {
                KernelThing::Tunables => Need::KernelTunables,
                KernelThing::Modules => Need::KernelModules,
                KernelThing::Log => Need::KernelLog,
                KernelThing::Clock => Need::KernelClock,
                KernelThing::ClockRead => Need::KernelClockRead,
                KernelThing::Hostname => Need::KernelHostname,
                KernelThing::HostnameFollow => Need::KernelHostnameFollow,
                KernelThing::Cgroups => Need::KernelCgroups,
                KernelThing::RawIo => Need::KernelRawIo,
                KernelThing::Bpf => Need::KernelBpf,
                KernelThing::Perf => Need::KernelPerf,
                KernelThing::Reboot => Need::KernelReboot,
            },
            stated,
        );
    }
    for (thing, stated) in &needs.claims {
        claims.plain(
            match thing {
                ClaimThing::Realtime => Need::Realtime,
                ClaimThing::Nice => Need::Nice,
                ClaimThing::Limits => Need::Limits,
                ClaimThing::LockedMemory => Need::LockedMemory,
            },
            stated,
        );
    }
    claims.option(Need::Interfaces, needs.interfaces.as_ref());
    if let Some(stated) = &needs.network_admin {
        claims.plain(Need::NetworkAdmin, stated);
        if stated.params.raw {
            claims.plain(Need::NetworkRaw, stated);
        }
    }
    for (name, stated) in &needs.capabilities {
        claims.with(Need::Capabilities, &[("name", name.as_str())], stated);
    }
    for (name, stated) in &needs.system_calls {
        claims.with(Need::SystemCalls, &[("name", name.as_str())], stated);
    }
}

/// What follows from the rest of the service.
fn derived(claims: &mut Claims, manifest: &Manifest, planned: &Planned<'_>) {
    let service = &*planned.service;
    if let Some(stated) = &service.needs.sends_mail
        && stated.params.by == Mailer::Smtp
    {
        claims.plain(Need::UsesLoopback, stated);
    }
    if let Some(stated) = &service.needs.shares_ipc {
        for with in &stated.params.with {
            if with.as_str() != planned.stem && !with.is_template() {
                claims.with(Need::SharesIpc, &[("unit", &with.unit())], stated);
            }
        }
        if stated.params.with.is_empty() {
            claims.plain(Need::SharesIpcOutside, stated);
        } else {
            // Whoever joins this service's objects must find them when it comes back.
            claims.plain(Need::SharesIpc, stated);
        }
    }
    for command in service.commands().filter(|command| command.unconfined.is_none()) {
        let path = word(command.program());
        claims.add(Need::Executes, &[("path", &path)], "a command of the service itself", &command.place);
    }
    for (kind, directory) in service.directories.each() {
        let own = placement(manifest, planned, kind, directory);
        let because = format!("its {kind} directory");
        // The manager itself writes an append-file; the service needs no access to its folder.
        let holds_log = kind == "logs" && matches!(service.log, Some(Log::File(_)));
        if let Placement::Tmpfiles { path } = &own
            && directory.writable.unwrap_or(kind != "configuration" && !holds_log)
        {
            claims.add(Need::Writes, &[("path", &word(path))], &because, &directory.place);
        }
        if let Placement::Unit { path } = &own
            && kind == "configuration"
            && !directory.writable.unwrap_or(false)
        {
            claims.add(Need::KeepsReadOnly, &[("path", &word(path))], &because, &directory.place);
        }
    }
    if service.early {
        claims.add(Need::EarlyBoot, &[], "it starts in early boot", &service.place);
    }
}
