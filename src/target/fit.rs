//! A manifest as targets can have it: what they do not read is put in other words where there are such, else refused.
//! Directives that a target does not know are the policy's business.

use std::collections::BTreeMap;

use crate::manifest::words::{AbsolutePath, UserName};
use crate::manifest::{CredentialFallback, Log, Manifest, Output, Place, Service, ServiceType, User};
use crate::policy::{Contradiction, Contradictions};

use super::{Feature, Target};

/// A manifest for some targets.
pub struct Fitted {
    /// The manifest as it can be rendered for all of them.
    pub manifest: Manifest,
    /// What is otherwise than stated, in the order of the services.
    pub replaced: Vec<Replaced>,
}

/// Something that a target does not read, and what stands in for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// Where it is stated.
    pub place: Place,
    /// The unit that it is about, with its suffix.
    pub unit: String,
    /// What is not read.
    pub feature: Feature,
    /// The first target that does not read it.
    pub target: String,
    /// What is not read, in words.
    pub what: String,
    /// What stands in for it, and what that costs.
    pub instead: &'static str,
}

impl std::fmt::Display for Replaced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { unit, target, what, instead, .. } = self;
        write!(f, "{unit}: {target} does not read {what}; {instead}")
    }
}

/// Fits a manifest to all of `targets`; what has no other words is a contradiction.
pub fn fit(manifest: &Manifest, targets: &[Target]) -> Result<Fitted, Contradictions> {
    let mut fitting = Fitting { targets, readers: Vec::new(), replaced: Vec::new(), problems: Vec::new() };
    let mut manifest = manifest.clone();
    for (name, service) in &mut manifest.services {
        fitting.service(&name.unit(), service);
    }
    fitting.readable(&mut manifest);
    for (stem, socket) in &mut manifest.sockets {
        if let Some(target) = fitting.lacks(Feature::ProxyIdleTime)
            && socket.proxy_idle.is_some()
        {
            socket.proxy_idle = None;
            fitting.replaced.push(Replaced {
                place: socket.place.clone(),
                unit: format!("{}.socket", stem.as_str()),
                feature: Feature::ProxyIdleTime,
                target,
                what: "proxy-idle".to_owned(),
                instead: "the proxy keeps running",
            });
        }
    }
    if let Some(target) = fitting.lacks(Feature::NamedPrimaryGroup) {
        for (name, user) in manifest.users.iter().filter(|(_, user)| !user.exists && !user.dynamic) {
            let Some(group) = user.group.as_ref().filter(|group| *group != name) else { continue };
            fitting.replaced.push(Replaced {
                place: user.place.clone(),
                unit: format!("{}.sysusers", manifest.package.as_str()),
                feature: Feature::NamedPrimaryGroup,
                target: target.clone(),
                what: format!("`{}` as the primary group of {}", group.as_str(), name.as_str()),
                instead: "a group of the user's own is its primary one, and it is a member of the other",
            });
        }
    }
    let Fitting { replaced, problems, .. } = fitting;
    if problems.is_empty() { Ok(Fitted { manifest, replaced }) } else { Err(Contradictions(problems)) }
}

/// A service that reads a file itself in place of a credential.
struct Reader {
    file: AbsolutePath,
    user: Option<UserName>,
    group: Option<UserName>,
    place: Place,
}

impl Reader {
    /// The group that it reads with, where that is known.
    fn group(&self, users: &BTreeMap<UserName, User>) -> Option<UserName> {
        self.group.clone().or_else(|| {
            let name = self.user.as_ref()?;
            let user = users.get(name).filter(|user| !user.dynamic && !user.exists)?;
            Some(user.group.as_ref().unwrap_or(name).clone())
        })
    }
}

struct Fitting<'a> {
    targets: &'a [Target],
    /// The files that services read themselves in place of credentials, and which users and groups those run with.
    readers: Vec<Reader>,
    replaced: Vec<Replaced>,
    problems: Vec<Contradiction>,
}

impl Fitting<'_> {
    /// The first target that does not read something.
    fn lacks(&self, feature: Feature) -> Option<String> {
        self.targets.iter().find(|target| !target.reads(feature)).map(|target| target.name.clone())
    }

    fn service(&mut self, unit: &str, service: &mut Service) {
        if service.type_ == Some(ServiceType::Exec)
            && self.replace(unit, &service.place, Feature::TypeExec, "Type=exec", SIMPLE)
        {
            service.type_ = Some(ServiceType::Simple);
        }
        if matches!(service.log, Some(Log::File(_)))
            && self.replace(unit, &service.place, Feature::AppendOutput, "StandardOutput=append:", JOURNAL)
        {
            service.log = None;
            service.stdout = Some(Output::Journal);
        }
        self.credentials(unit, service);
        if !service.condition.0.is_empty() {
            self.refuse(&service.place, Feature::ExecCondition, "`condition` becomes ExecCondition=");
        }
        let restarts = service.restart.is_some_and(|restart| restart != crate::manifest::Restart::No);
        if restarts && service.type_ == Some(ServiceType::Oneshot) {
            self.refuse(&service.place, Feature::OneshotRestart, "Restart= stands beside Type=oneshot");
        }
    }

    fn credentials(&mut self, unit: &str, service: &mut Service) {
        if let Some(target) = self.lacks(Feature::Credentials) {
            for (name, credential) in &service.credentials {
                let way = match credential.fallback {
                    Some(CredentialFallback::GroupReadable) if !credential.encrypted => continue,
                    Some(CredentialFallback::Refuse) => "its fallback is `refuse`",
                    _ => "with fallback = `group-readable` the service would read a plain file itself",
                };
                let message = format!(
                    "{target} has no credentials such as {}, which systemd has from {} on; {way}",
                    name.as_str(),
                    Feature::Credentials.since()
                );
                self.problems.push(Contradiction { place: credential.place.clone(), message, also: None });
            }
        }
        let readable: Vec<_> = service
            .credentials
            .iter()
            .filter(|(_, credential)| {
                credential.fallback == Some(CredentialFallback::GroupReadable) && !credential.encrypted
            })
            .map(|(name, credential)| (name.clone(), credential.clone()))
            .collect();
        for (name, credential) in readable {
            let what = format!("LoadCredential={}:", name.as_str());
            if self.replace(unit, &credential.place, Feature::Credentials, &what, READABLE) {
                service.credentials.remove(&name);
                self.readers.push(Reader {
                    file: credential.from.clone(),
                    user: service.user.clone(),
                    group: service.group.clone(),
                    place: credential.place.clone(),
                });
                if let (Some(variable), Ok(path)) = (credential.env, credential.from.as_str().parse()) {
                    service.environment.insert(variable, path);
                }
            }
        }
    }

    /// Opens the declared files that services read themselves to the group of their service, and to nobody else.
    fn readable(&mut self, manifest: &mut Manifest) {
        for reader in std::mem::take(&mut self.readers) {
            let rule = manifest.paths.iter_mut().find(|(path, _)| path.path() == reader.file.as_str());
            let Some((_, rule)) = rule else { continue };
            let own = reader.user.is_none() || rule.owner == reader.user;
            if own || rule.mode.is_some_and(|mode| mode.bits() & 0o004 != 0) {
                continue;
            }
            let Some(group) = reader.group(&manifest.users) else { continue };
            let shuts = rule.mode.is_some_and(|mode| mode.bits() & GROUP_READS == 0);
            if shuts || rule.group.as_ref().is_none_or(|group| group.as_str() == "root") {
                rule.mode = rule.mode.map(|mode| mode.with(GROUP_READS));
                rule.group = Some(group);
            } else if rule.group.as_ref() != Some(&group) {
                let message = format!(
                    "the group {} may read {} where there are no credentials, and its rule says {}",
                    group.as_str(),
                    reader.file.as_str(),
                    rule.group.as_ref().map_or("nothing", |group| group.as_str())
                );
                self.problems.push(Contradiction { place: reader.place, message, also: None });
            }
        }
    }

    /// Notes a replacement where a target needs it; whether one does.
    fn replace(
        &mut self,
        unit: &str,
        place: &Place,
        feature: Feature,
        what: &str,
        instead: &'static str,
    ) -> bool {
        let Some(target) = self.lacks(feature) else { return false };
        self.replaced.push(Replaced {
            place: place.clone(),
            unit: unit.to_owned(),
            feature,
            target,
            what: what.to_owned(),
            instead,
        });
        true
    }

    fn refuse(&mut self, place: &Place, feature: Feature, what: &str) {
        if let Some(target) = self.lacks(feature) {
            let message =
                format!("{what}, which systemd reads from {} on; {target} does not", feature.since());
            self.problems.push(Contradiction { place: place.clone(), message, also: None });
        }
    }
}

const SIMPLE: &str = "Type=simple stands in, so a program that cannot be run shows only after the start";
const JOURNAL: &str = "the journal stands in, and no log file is kept";
const READABLE: &str = "the service reads the file itself, which its group must be able to";

/// The bit of a mode by which a file's group reads it.
const GROUP_READS: u16 = 0o040;
