//! What a manifest says of paths, brought into one form: its rules, the directories and log of a service, the folders
//! and files of sockets, the sources of credentials and environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Activity, Subject};
use crate::manifest::words::{Mode, UserName};
use crate::manifest::{
    CredentialFallback, Directory, Enforce, Log, Missing, PathKind, PathRule, Place, Service,
};
use crate::policy::{Placement, log_path, placement, primary_group};
use crate::unit_file::{UnitName, expand};

/// What a path must be like.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    /// Where it is stated.
    pub(super) place: Place,
    /// What it is.
    pub(super) kind: PathKind,
    /// Its mode; nothing is said where it is none.
    pub(super) mode: Option<Permissions>,
    /// Its owner's name.
    pub(super) owner: Option<String>,
    /// Its group's name.
    pub(super) group: Option<String>,
    /// Who must not own it.
    pub(super) owner_not: Vec<String>,
    /// Whether it may be missing as the service stands.
    pub(super) missing: Missing,
    /// Whether what lies below keeps within its mode and has its owner.
    pub(super) holds_below: bool,
    /// Who reads it.
    pub(super) reader: Reader,
    /// Whether a link may stand in its place: the directories of dynamic users lie elsewhere.
    pub(super) may_be_link: bool,
}

/// Who reads what is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reader {
    /// The service.
    Service,
    /// PID 1, for the service.
    Manager,
}

/// What is said of a mode.
#[derive(Clone, Copy, Debug)]
pub(super) enum Permissions {
    /// It is this one.
    Exactly(u16),
    /// It grants nobody more than this one does.
    AtMost(u16),
}

/// Everything that a manifest says of paths as far as one of its units goes, by path.
pub(super) fn claims(subject: &Subject<'_>) -> BTreeMap<PathBuf, Claim> {
    let mut claims = Claims { subject, unit: subject.posture.unit.parse().ok(), found: BTreeMap::new() };
    for (path, rule) in &subject.manifest.paths {
        claims.add(path.path(), of_rule(rule, subject.activity));
    }
    let service = &*subject.planned.service;
    for (kind, directory) in service.directories.each() {
        claims.directory(kind, directory);
    }
    claims.log(service);
    claims.sockets();
    claims.sources(service);
    claims.found
}

/// The mode of a directory where none is said: the manager's and systemd-tmpfiles' own.
const DIRECTORY: u16 = 0o755;
/// The mode of a log where none is said, as systemd-tmpfiles is told to make it.
const LOG: u16 = 0o600;

fn ok_if(fine: bool) -> Missing {
    if fine { Missing::Ok } else { Missing::Error }
}

struct Claims<'a> {
    subject: &'a Subject<'a>,
    unit: Option<UnitName>,
    found: BTreeMap<PathBuf, Claim>,
}

impl Claims<'_> {
    /// A rule for a path wins over what a directory says, which fills in what it leaves open.
    fn add(&mut self, path: &str, claim: Claim) {
        let Some(path) = self.expanded(path) else { return };
        match self.found.get_mut(&path) {
            None => {
                self.found.insert(path, claim);
            }
            Some(rule) => {
                rule.mode = rule.mode.or(claim.mode);
                rule.owner = rule.owner.take().or(claim.owner);
                rule.group = rule.group.take().or(claim.group);
                rule.missing = if claim.missing == Missing::Ok { Missing::Ok } else { rule.missing };
                rule.holds_below |= claim.holds_below;
                rule.reader = rule.reader.max(claim.reader);
                rule.may_be_link |= claim.may_be_link;
            }
        }
    }

    /// Specifiers stand for the instance; nothing where there is none to stand for.
    fn expanded(&self, path: &str) -> Option<PathBuf> {
        if !path.contains('%') {
            return Some(PathBuf::from(path));
        }
        let expanded = expand(path, self.unit.as_ref()?).ok()?;
        (expanded.open.is_empty() && expanded.text.starts_with('/'))
            .then(|| PathBuf::from(expanded.text.into_owned()))
    }

    fn directory(&mut self, kind: &str, directory: &Directory) {
        let Subject { manifest, planned, activity, .. } = *self.subject;
        let service = &*planned.service;
        let made = placement(manifest, planned, kind, directory);
        let is_configuration = kind == "configuration";
        let by_root = is_configuration || !planned.runs_as_user();
        let stated = |name: &Option<UserName>| name.as_ref().map(|name| name.as_str().to_owned());
        let own_user = match &service.user {
            _ if by_root => Some("root".to_owned()),
            _ if planned.dynamic => None,
            user => stated(user),
        };
        let own_group = match primary_group(manifest, planned) {
            _ if is_configuration => Some("root".to_owned()),
            None if by_root => Some("root".to_owned()),
            group => group.filter(|_| !planned.dynamic),
        };
        let missing = ok_if(
            directory.missing == Missing::Ok
                || match &made {
                    Placement::Unit { .. } => activity != Activity::Active,
                    Placement::Tmpfiles { .. } => activity == Activity::Offline,
                },
        );
        let claim = |mode: u16| Claim {
            mode: Some(Permissions::Exactly(mode)),
            owner: stated(&directory.owner).or_else(|| own_user.clone()),
            group: stated(&directory.group).or_else(|| own_group.clone()),
            missing,
            may_be_link: planned.dynamic,
            ..Claim::of(PathKind::Directory, &directory.place)
        };
        let own = Claim {
            // Who runs as root makes files for others.
            holds_below: directory.mode.is_some()
                && planned.runs_as_user()
                && matches!(kind, "state" | "cache" | "logs"),
            ..claim(directory.mode.map_or(DIRECTORY, Mode::bits))
        };
        self.add(made.path(), own);
        for (name, mode) in &directory.below {
            let below = Claim {
                missing: ok_if(directory.missing == Missing::Ok || activity == Activity::Offline),
                ..claim(mode.bits())
            };
            self.add(&format!("{}/{}", made.path(), name.as_str()), below);
        }
    }

    fn log(&mut self, service: &Service) {
        let Some(Log::File(log)) = &service.log else { return };
        let Subject { manifest, planned, activity, .. } = *self.subject;
        let owner = service.user.as_ref().map_or("root", UserName::as_str).to_owned();
        let claim = Claim {
            mode: Some(Permissions::Exactly(log.mode.map_or(LOG, Mode::bits))),
            owner: Some(owner).filter(|_| !planned.dynamic),
            group: primary_group(manifest, planned).filter(|_| !planned.dynamic),
            missing: ok_if(activity != Activity::Active),
            ..Claim::of(PathKind::File, &service.place)
        };
        self.add(&log_path(planned, &log.file), claim);
    }

    /// The folders and files of the socket units that lead to the service.
    fn sockets(&mut self) {
        /// `SocketMode=` where nothing is said (systemd.socket(5)).
        const MADE: u16 = 0o666;
        let root_or = |name: Option<&UserName>| Some(name.map_or("root", UserName::as_str).to_owned());
        for (_, socket) in self.subject.sockets() {
            for listen in &socket.listen {
                let Some(path) = listen.value.path() else { continue };
                let kind = match listen.value.directive() {
                    "ListenFIFO" => PathKind::Fifo,
                    _ => PathKind::Socket,
                };
                let file = Claim {
                    mode: Some(Permissions::Exactly(socket.mode.map_or(MADE, Mode::bits))),
                    owner: root_or(socket.owner.as_ref()),
                    group: root_or(socket.group.as_ref()),
                    // Whether the unit is started is for the listeners.
                    missing: Missing::Ok,
                    ..Claim::of(kind, &listen.place)
                };
                self.add(path, file);
                let (Some(folder), Some(parent)) = (&socket.folder, Path::new(path).parent()) else {
                    continue;
                };
                let claim = Claim {
                    mode: Some(Permissions::Exactly(folder.mode.map_or(DIRECTORY, Mode::bits))),
                    owner: root_or(folder.owner.as_ref()),
                    group: root_or(folder.group.as_ref()),
                    missing: ok_if(self.subject.activity == Activity::Offline),
                    ..Claim::of(PathKind::Directory, &folder.place)
                };
                self.add(&parent.to_string_lossy(), claim);
            }
        }
    }

    /// Files that PID 1 reads for the service.
    fn sources(&mut self, service: &Service) {
        let Subject { manifest, planned, .. } = *self.subject;
        for credential in service.credentials.values() {
            let for_group = credential.fallback == Some(CredentialFallback::GroupReadable);
            let claim = Claim {
                mode: Some(Permissions::AtMost(if for_group { 0o640 } else { 0o600 })),
                group: for_group.then(|| primary_group(manifest, planned)).flatten(),
                reader: Reader::Manager,
                ..Claim::of(PathKind::File, &credential.place)
            };
            self.add(credential.from.as_str(), claim);
        }
        for file in &service.environment_files {
            let claim = Claim {
                mode: Some(Permissions::AtMost(0o644)),
                missing: ok_if(file.optional),
                reader: Reader::Manager,
                ..Claim::of(PathKind::File, &service.place)
            };
            self.add(file.path.as_str(), claim);
        }
    }
}

impl Claim {
    /// A claim to be there as something.
    fn of(kind: PathKind, place: &Place) -> Self {
        Self {
            place: place.clone(),
            kind,
            mode: None,
            owner: None,
            group: None,
            owner_not: Vec::new(),
            missing: Missing::Error,
            holds_below: false,
            reader: Reader::Service,
            may_be_link: false,
        }
    }
}

fn of_rule(rule: &PathRule, activity: Activity) -> Claim {
    let name = |name: &UserName| name.as_str().to_owned();
    // Where nothing runs, systemd-tmpfiles did not either.
    let is_made = activity == Activity::Offline && rule.enforce == Enforce::Create;
    Claim {
        mode: rule.mode.map(|mode| Permissions::Exactly(mode.bits())),
        owner: rule.owner.as_ref().map(name),
        group: rule.group.as_ref().map(name),
        owner_not: rule.owner_not.iter().map(name).collect(),
        missing: ok_if(rule.missing == Missing::Ok || is_made),
        ..Claim::of(rule.kind.unwrap_or(PathKind::File), &rule.place)
    }
}
