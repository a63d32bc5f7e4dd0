//! The units that a manifest comes to: its services by the names they are installed under, the services that its
//! socket proxies need, and where each declared directory is made.

use std::borrow::Cow;

use crate::manifest::words::{Endpoint, Port, UnitName};
use crate::manifest::{
    Command, Commands, Denial, Directory, Grant, Log, Manifest, Override, Plain, Service, ServiceType, Stated,
};
use crate::unit_file;

/// A service that a manifest comes to.
pub struct Planned<'m> {
    /// Its name without the suffix; a template's ends in `@`.
    pub stem: String,
    /// Which instance of a template is asked about, where one is: what the manifest says of every instance is then said
    /// of this one.
    pub instance: Option<String>,
    /// What is known of it.
    pub service: Cow<'m, Service>,
    /// Whether its user is made up for as long as it runs.
    pub dynamic: bool,
    /// Whether it lives in the network of another service of the manifest.
    pub joins_network: bool,
}

impl Planned<'_> {
    /// The file's name: `x.service`, `x@.service`.
    pub fn unit_name(&self) -> String {
        format!("{}.service", self.stem)
    }

    /// The name of the unit that is asked about; none for a template as such.
    pub(super) fn asked_about(&self) -> Option<unit_file::UnitName> {
        let name: unit_file::UnitName = self.unit_name().parse().ok()?;
        match &self.instance {
            Some(instance) if name.is_template() => name.with_instance(instance).ok(),
            _ => Some(name).filter(|name| !name.is_template()),
        }
    }

    /// Whether it is the service of a socket's proxy, which no manifest describes.
    pub fn is_proxy(&self) -> bool {
        matches!(self.service, Cow::Owned(_))
    }

    /// Whether its first process runs as another user than root.
    pub fn runs_as_user(&self) -> bool {
        self.dynamic || self.service.user.as_ref().is_some_and(|user| user.as_str() != "root")
    }

    /// Whether every port that it listens on is a loopback one behind a proxy of the manifest, and it speaks IP with
    /// nobody else.
    pub(super) fn is_fronted(&self, manifest: &Manifest) -> bool {
        let needs = &self.service.needs;
        let fronted = |endpoint: &Endpoint| {
            let Endpoint::Ip { port: Port::Number(port), .. } = endpoint else { return !endpoint.is_ip() };
            endpoint.is_loopback()
                && manifest.sockets.values().any(|socket| {
                    socket.proxy_to.as_ref().is_some_and(|address| address.address().port() == *port)
                })
        };
        let listens = needs.listens.iter().filter(|(_, stated)| stated.is_on());
        let mut connects = needs.connects.iter().filter(|(_, stated)| stated.is_on());
        listens.map(|(endpoint, _)| endpoint).all(fronted) && !connects.any(|(endpoint, _)| endpoint.is_ip())
    }
}

/// Every service of the manifest, in the order of their names, proxies after the declared ones.
pub fn plan(manifest: &Manifest) -> Vec<Planned<'_>> {
    let declared = manifest.services.iter().map(|(name, service)| Planned {
        stem: name.as_str().to_owned(),
        instance: None,
        dynamic: service
            .user
            .as_ref()
            .and_then(|user| manifest.users.get(user))
            .is_some_and(|user| user.dynamic),
        joins_network: false,
        service: Cow::Borrowed(service),
    });
    let mut planned: Vec<Planned<'_>> = declared.collect();
    for (stem, socket) in &manifest.sockets {
        if let Some(address) = socket.proxy_to {
            planned.push(proxy(manifest, stem.as_str(), socket, address));
        }
    }
    planned
}

/// Where Debian, Fedora, openSUSE and Arch install it.
const PROXY: &str = "/usr/lib/systemd/systemd-socket-proxyd";

/// The service between a socket unit and a service that listens on a loopback of its own.
fn proxy<'m>(
    manifest: &'m Manifest,
    stem: &str,
    socket: &crate::manifest::Socket,
    address: crate::manifest::words::SocketAddress,
) -> Planned<'m> {
    let behind = manifest.services.iter().find(|(_, service)| {
        service.needs.listens.keys().any(|endpoint| {
            matches!(endpoint, Endpoint::Ip { port: Port::Number(port), .. } if *port == address.address().port())
        })
    });
    let (behind, joined) = match behind {
        Some((name, service)) => {
            let own = Planned {
                stem: name.as_str().to_owned(),
                instance: None,
                service: Cow::Borrowed(service),
                dynamic: false,
                joins_network: false,
            };
            (Some(name.unit()), own.is_fronted(manifest))
        }
        None => (None, false),
    };
    let mut service = Service { place: socket.place.clone(), ..Service::default() };
    service.type_ = Some(ServiceType::Notify);
    let mut argv = vec![PROXY.to_owned()];
    if let Some(idle) = &socket.proxy_idle {
        argv.push(format!("--exit-idle-time={}", idle.as_str()));
    }
    argv.push(address.to_string());
    let argv = argv.iter().filter_map(|argument| argument.parse().ok()).collect();
    service.exec =
        Commands(vec![Command { argv, may_fail: false, unconfined: None, place: socket.place.clone() }]);
    if let (Ok(endpoint), Ok(because)) =
        (format!("tcp {address}").parse(), format!("what it passes on goes to {address}").parse())
    {
        let stated = Stated { because, default: Grant::On, params: Plain {}, place: socket.place.clone() };
        service.needs.connects.insert(endpoint, stated);
    }
    service.description = format!("Proxy from {stem}.socket to {address}").parse().ok();
    let unit = |name: &str| name.parse::<UnitName>().ok();
    service.requires = unit(&format!("{stem}.socket")).into_iter().collect();
    service.after.clone_from(&service.requires);
    if let Some(behind) = behind.and_then(|name| unit(&name)) {
        service.requires.push(behind.clone());
        service.after.push(behind.clone());
        if joined {
            service.joins = vec![behind];
        }
    }
    Planned {
        stem: stem.to_owned(),
        instance: None,
        service: Cow::Owned(service),
        dynamic: true,
        joins_network: joined,
    }
}

/// Who makes a declared directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placement {
    /// The manager, when the service starts: StateDirectory= and its like.
    Unit {
        /// The whole path.
        path: String,
    },
    /// systemd-tmpfiles: the unit's directives cannot say its owner, or it is needed before the service starts.
    Tmpfiles {
        /// The whole path.
        path: String,
    },
}

impl Placement {
    /// The whole path.
    pub fn path(&self) -> &str {
        match self {
            Self::Unit { path } | Self::Tmpfiles { path } => path,
        }
    }
}

/// The folder that a kind of directory lies in.
pub(crate) fn base(kind: &str) -> &'static str {
    match kind {
        "state" => "/var/lib",
        "cache" => "/var/cache",
        "logs" => "/var/log",
        "runtime" => "/run",
        _ => "/etc",
    }
}

/// The name of a declared directory below its base.
pub(super) fn directory_name(stem: &str, directory: &Directory) -> String {
    let default = stem.trim_end_matches('@').to_owned();
    directory.name.as_ref().map_or(default, |name| name.as_str().to_owned())
}

/// Who makes a directory that a service declares.
pub fn placement(manifest: &Manifest, planned: &Planned<'_>, kind: &str, directory: &Directory) -> Placement {
    let service = &*planned.service;
    let path = format!("{}/{}", base(kind), directory_name(&planned.stem, directory));
    let own_user = service.user.as_ref().map_or("root", |user| user.as_str());
    let own_group = group_of(manifest, planned).unwrap_or_else(|| "root".to_owned());
    let foreign = if kind == "configuration" {
        let other = |name: Option<&crate::manifest::words::UserName>| {
            name.is_some_and(|name| name.as_str() != "root")
        };
        other(directory.owner.as_ref()) || other(directory.group.as_ref())
    } else {
        directory.owner.as_ref().is_some_and(|owner| owner.as_str() != own_user)
            || directory.group.as_ref().is_some_and(|group| group.as_str() != own_group)
    };
    // PID 1 opens an append-file before it makes the unit's directories (209/STDOUT).
    let holds_log = kind == "logs" && matches!(service.log, Some(Log::File(_)));
    // A runtime directory goes with the first unit that stops.
    let shared =
        kind == "runtime"
            && manifest.services.iter().any(|(name, other)| {
                name.as_str() != planned.stem
                    && other.directories.runtime.as_ref().is_some_and(|runtime| {
                        format!("/run/{}", directory_name(name.as_str(), runtime)) == path
                    })
            });
    // What the manager makes for the unit is writable for it.
    let kept_from_it = kind != "configuration" && directory.writable == Some(false);
    if foreign || holds_log || shared || kept_from_it {
        Placement::Tmpfiles { path }
    } else {
        Placement::Unit { path }
    }
}

/// The primary group that a service runs with.
pub fn group_of(manifest: &Manifest, planned: &Planned<'_>) -> Option<String> {
    let service = &*planned.service;
    if let Some(group) = &service.group {
        return Some(group.as_str().to_owned());
    }
    let name = service.user.as_ref().filter(|user| user.as_str() != "root")?;
    let user = manifest.users.get(name).filter(|user| !user.dynamic && !user.exists)?;
    Some(user.group.as_ref().unwrap_or(name).as_str().to_owned())
}

impl Service {
    /// Every command, in the order of a start and a stop.
    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        let lists = [
            &self.condition,
            &self.exec_before,
            &self.exec,
            &self.exec_after,
            &self.reload,
            &self.stop,
            &self.stop_after,
        ];
        lists.into_iter().flat_map(|commands| &commands.0)
    }

    /// The override of a directive.
    pub(super) fn override_of(&self, directive: &str) -> Option<&Override> {
        self.overrides.iter().find(|(name, _)| name.as_str() == directive).map(|(_, literal)| literal)
    }

    /// The denial of a need: of its own word, or of the word before a choice.
    pub(super) fn denial_of(&self, id: &str) -> Option<&Denial> {
        let word = id.split('.').next().unwrap_or(id);
        self.denies
            .0
            .iter()
            .find(|(name, _)| {
                let name = name.to_string();
                name == id || name == word
            })
            .map(|(_, denial)| denial)
    }

    /// Literal assignments: section, key and values.
    pub fn literal_lines(&self) -> impl Iterator<Item = (&'static str, &str, impl Iterator<Item = &str>)> {
        self.unit.iter().flat_map(|(section, keys)| {
            keys.iter().map(move |(key, lines)| {
                (
                    section.as_str(),
                    key.as_str(),
                    lines.value.0.iter().map(crate::manifest::words::Line::as_str),
                )
            })
        })
    }
}
