//! A service against itself and its siblings: how it runs, what it needs and what was denied, its directories.

use std::collections::BTreeMap;

use super::Checks;
use crate::gather::Gather as _;
use crate::manifest::document::Place;
use crate::manifest::keys::UnitKind;
use crate::manifest::problem::Problem;
use crate::manifest::service::{Log, Output, Restart, ServiceType, Stdin};
use crate::manifest::words::{LogPath, UserName, quoted};
use crate::manifest::{Directory, Service, ServiceName, Stated};

impl<'a> Checks<'a> {
    pub(super) fn services(&mut self) {
        let manifest = self.manifest;
        let mut names: BTreeMap<String, &Place> =
            manifest.services.iter().map(|(name, service)| (name.unit(), &service.place)).gather();
        for (name, service) in &manifest.services {
            self.identity(name, service);
            self.process(name, service);
            self.log(name, service);
            self.needs_and_denies(name, service);
            self.environment(name, service);
            self.literals(&["services", name.as_str()], &service.unit, UnitKind::Service);
            self.overrides(service);
            let place = self.at(name, "aliases");
            for alias in &service.aliases {
                if !alias.as_str().ends_with(".service") {
                    let message = format!("{} is not a service", quoted(alias.as_str()));
                    self.problems.push(Problem::new(place, message).key("aliases"));
                }
                if let Some(other) = names.insert(alias.as_str().to_owned(), place) {
                    let problem =
                        Problem::new(place, format!("the name {} is taken", quoted(alias.as_str())));
                    self.problems
                        .push(problem.key("aliases").also(other, "by the unit that is declared here"));
                }
            }
        }
        self.shared_directories();
    }

    /// Where `key` of the service stands.
    pub(super) fn at(&self, name: &ServiceName, key: &str) -> &'a Place {
        self.place(&["services", name.as_str(), key])
    }

    /// A contradiction between two keys of a service.
    fn against(&mut self, name: &ServiceName, key: &str, message: &str, other: &str, note: &str) {
        let problem = Problem::new(self.at(name, key), message).key(key).also(self.at(name, other), note);
        self.problems.push(problem);
    }

    fn identity(&mut self, name: &ServiceName, service: &Service) {
        let root = service.needs.starts_as_root.as_ref().filter(|stated| stated.is_on());
        let user = service.user.as_ref();
        if let (Some(stated), Some(user)) = (root, user.filter(|user| !user.is_root())) {
            let problem = Problem::new(&stated.place, "a service that starts as root is given a user")
                .key("starts-as-root");
            self.problems
                .push(problem.also(self.at(name, "user"), format!("the user is {}", quoted(user.as_str()))));
        }
        if root.is_none() && user.is_some_and(UserName::is_root) {
            let problem = Problem::new(self.at(name, "user"), "running as root needs a reason").key("user");
            self.problems.push(problem.help("leave `user` out and state `needs.starts-as-root`"));
        }
        let declared = user.and_then(|user| self.manifest.users.get(user));
        if let (Some(stated), Some(user)) =
            (&service.needs.unpacks_archives, declared.filter(|user| user.dynamic))
        {
            let message = "a dynamic user cannot unpack archives: `RestrictSUIDSGID=` comes with it";
            let problem = Problem::new(&stated.place, message).key("unpacks-archives");
            self.problems.push(problem.also(&user.place, "the user is dynamic"));
        }
    }

    fn process(&mut self, name: &ServiceName, service: &Service) {
        let starts = Self::says_literally(&service.unit, UnitKind::Service, "exec");
        // systemd starts what runs nothing where it stays active all the same (systemd.service(5), ExecStart=).
        let stays = service.remain && matches!(service.type_, None | Some(ServiceType::Oneshot));
        if service.exec.0.is_empty() && !starts && !stays {
            self.problems.push(Problem::new(
                &service.place,
                format!("{} runs nothing: missing key `exec`", quoted(&name.unit())),
            ));
        }
        let oneshot = service.type_ == Some(ServiceType::Oneshot);
        if let (false, [_, second, ..]) = (oneshot, service.exec.0.as_slice()) {
            let message = "only a service of type `oneshot` may run several commands";
            let problem = Problem::new(&second.place, message).key("exec");
            self.problems.push(
                problem
                    .also(self.at(name, "type"), "it is not of that type")
                    .help("or use `exec-before` and `exec-after`"),
            );
        }
        if oneshot && matches!(service.restart, Some(Restart::Always | Restart::OnSuccess)) {
            let message = "a service that is meant to end is not restarted when it ends well";
            self.against(name, "restart", message, "type", "the type is `oneshot`");
        }
        if service.type_ == Some(ServiceType::Dbus) && service.bus_name.is_none() {
            let problem = Problem::new(self.at(name, "type"), "a service of type `dbus` needs a `bus-name`")
                .key("type");
            self.problems.push(problem);
        }
        if service.type_ == Some(ServiceType::Forking)
            && service.pid_file.is_none()
            && service.main_pid.is_none()
        {
            let message = "without `pid-file` systemd guesses the main process, and wrongly if there are two";
            let notice = Problem::new(self.at(name, "type"), message).key("type");
            self.notices.push(notice.help("state `pid-file`, or `main-pid`"));
        }
        let socket = self
            .manifest
            .sockets
            .iter()
            .find(|(_, socket)| socket.accept && socket.starts.as_ref() == Some(name));
        for (key, used) in [
            ("stdin", service.stdin == Some(Stdin::Socket)),
            ("stdout", service.stdout == Some(Output::Socket)),
            ("stderr", service.stderr == Some(Output::Socket)),
        ] {
            if used && socket.is_none() {
                let problem =
                    Problem::new(self.at(name, key), "no socket with `accept` starts this service").key(key);
                self.problems.push(
                    problem.help(format!("declare `[sockets.{}]` with `accept = true`", name.prefix())),
                );
            }
        }
        if service.stdin == Some(Stdin::Socket) && !service.reload.0.is_empty() {
            let message = "what serves one connection is not reloaded";
            self.against(name, "reload", message, "stdin", "its input is a connection");
        }
    }

    fn log(&mut self, name: &ServiceName, service: &Service) {
        let Some(log) = &service.log else { return };
        for (key, stated) in [("stdout", service.stdout.is_some()), ("stderr", service.stderr.is_some())] {
            if stated {
                self.against(name, key, "output goes to one place", "log", "`log` is stated here");
            }
        }
        let Log::File(file) = log else { return };
        match &file.file {
            LogPath::Below(_) if service.directories.logs.is_none() => {
                let problem =
                    Problem::new(self.at(name, "log"), "there is no logs directory for the log file")
                        .key("log");
                self.problems.push(problem.help("declare `directories.logs`"));
            }
            LogPath::At(path) => {
                let declared = self.manifest.paths.keys().any(|rule| rule.path() == path.as_str());
                if !declared {
                    let message = format!("the log file {} is nobody's", quoted(path.as_str()));
                    let problem =
                        Problem::new(self.place(&["services", name.as_str(), "log", "file"]), message);
                    self.problems.push(
                        problem
                            .key("file")
                            .help("declare it in `[paths]`, or name a file below the logs directory"),
                    );
                }
            }
            LogPath::Below(_) => {}
        }
    }

    fn needs_and_denies(&mut self, name: &ServiceName, service: &Service) {
        let entries = service.needs.entries();
        for (denied, denial) in &service.denies.0 {
            let needed = entries.iter().find(|entry| {
                entry.need == denied.need()
                    && entry.default == crate::manifest::Grant::On
                    && denied.thing().is_none_or(|thing| entry.item.as_deref() == Some(thing))
            });
            if let Some(entry) = needed {
                let problem = Problem::new(&denial.place, format!("`{denied}` is both denied and needed"));
                let problem = problem.key(denied.to_string()).also(entry.place, "it is needed here");
                self.problems.push(problem.help("`false` takes an inherited need or denial away"));
            }
        }
        if let Some(stated) = &service.needs.shares_ipc {
            for other in stated.params.with.iter().filter(|other| !self.is_service(other)).collect::<Vec<_>>()
            {
                self.unknown_service(&stated.place, "with", other);
            }
            if stated.params.with.as_slice() == [name.clone()] {
                let message = "a service shares its objects with itself anyway";
                self.problems.push(Problem::new(&stated.place, message).key("shares-ipc"));
            }
        }
        for (path, Stated { params, .. }) in &service.needs.writes {
            let place = self.place(&["services", name.as_str(), "needs", "writes", path.as_str(), "except"]);
            for except in &params.except {
                let inside =
                    path.is_directory() && except.as_str().starts_with(path.as_str()) && except != path;
                if !inside {
                    let message =
                        format!("{} is not below {}", quoted(except.as_str()), quoted(path.as_str()));
                    self.problems.push(Problem::new(place, message).key("except"));
                }
            }
        }
    }

    fn environment(&mut self, name: &ServiceName, service: &Service) {
        for credential in service.credentials.values() {
            let Some(variable) = &credential.env else { continue };
            if service.environment.contains_key(variable) {
                let message = format!("the variable {} is set twice", quoted(variable.as_str()));
                let place = self.place(&["services", name.as_str(), "environment", variable.as_str()]);
                self.problems.push(
                    Problem::new(&credential.place, message).key("env").also(place, "it is set here too"),
                );
            }
        }
    }

    fn overrides(&mut self, service: &Service) {
        for (directive, stated) in &service.overrides {
            if !(self.options.confines)(directive.as_str()) {
                let message = format!("`{directive}=` does not confine, or is not known");
                let problem = Problem::new(&stated.place, message).key(directive.as_str());
                self.problems
                    .push(problem.help("what does not confine is stated in `[service.unit.Service]`"));
            }
        }
    }

    /// Directories of one kind and name in two services.
    fn shared_directories(&mut self) {
        let mut owners: BTreeMap<(&str, String), (&ServiceName, &Service, &Directory)> = BTreeMap::new();
        for (name, service) in &self.manifest.services {
            for (kind, directory) in service.directories.each() {
                let path = directory_name(name, directory);
                let runtime = kind == "runtime" && !directory.keep;
                if runtime && name.is_template() && !path.contains("%i") && !path.contains("%I") {
                    let message = "the first instance that stops would remove the runtime directory of all";
                    let problem = Problem::new(&directory.place, message).key(kind);
                    self.problems.push(problem.help("give it a `name` with `%i`, or `keep = true`"));
                }
                let Some((other_name, other, first)) = owners.get(&(kind, path.clone())).copied() else {
                    owners.insert((kind, path), (name, service, directory));
                    continue;
                };
                let note = format!("it is also that of {}", quoted(&other_name.unit()));
                if kind == "runtime" && !(directory.keep && first.keep) {
                    let message = format!(
                        "the runtime directory {} would be removed when the first service stops",
                        quoted(&path)
                    );
                    let problem = Problem::new(&directory.place, message).key(kind);
                    self.problems.push(
                        problem.also(&first.place, note).help("give each a `name`, or both `keep = true`"),
                    );
                } else if kind != "configuration"
                    && directory.owner.is_none()
                    && first.owner.is_none()
                    && service.user != other.user
                {
                    let message = format!("the directory {} would belong to two users", quoted(&path));
                    let problem = Problem::new(&directory.place, message).key(kind).also(&first.place, note);
                    self.problems.push(problem.help("state its `owner`"));
                }
            }
        }
    }
}

/// The directory's name below the root of its kind.
pub(super) fn directory_name(service: &ServiceName, directory: &Directory) -> String {
    directory.name.as_ref().map_or_else(|| service.prefix().to_owned(), ToString::to_string)
}
