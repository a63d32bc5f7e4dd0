//! Sockets and timers against the services that they start, and literal lines against the vocabulary.

use std::collections::BTreeMap;

use super::Checks;
use crate::manifest::activation::Socket;
use crate::manifest::document::Place;
use crate::manifest::keys::UnitKind;
use crate::manifest::literal::Literals;
use crate::manifest::problem::Problem;
use crate::manifest::words::{Listen, Protocol, SourceFilter, UnitStem, quoted};
use crate::manifest::{Service, ServiceName};

impl<'a> Checks<'a> {
    pub(super) fn sockets(&mut self) {
        let mut bound: BTreeMap<String, (&UnitStem, &Place)> = BTreeMap::new();
        for (stem, socket) in &self.manifest.sockets {
            let listens = Self::says_literally(&socket.unit, UnitKind::Socket, "listen");
            if socket.listen.is_empty() && !listens {
                let message =
                    format!("the socket {} listens on nothing: missing key `listen`", quoted(stem.as_str()));
                self.problems.push(Problem::new(&socket.place, message));
            }
            for listen in &socket.listen {
                if let Some((other, place)) = bound.insert(bound_name(&listen.value), (stem, &listen.place)) {
                    let problem =
                        Problem::new(&listen.place, format!("`{}` is listened on twice", listen.value));
                    self.problems.push(
                        problem.key("listen").also(place, format!("here by {}", quoted(other.as_str()))),
                    );
                }
            }
            self.bare_port(stem, socket);
            self.starts(stem, socket);
            self.local_keys(stem, socket);
            self.proxy(stem, socket);
            self.literals(&["sockets", stem.as_str()], &socket.unit, UnitKind::Socket);
            if socket.from.len() > 1 && socket.from.contains_key(&SourceFilter::Any) {
                let problem =
                    Problem::new(self.socket(stem, "from"), "`any` beside other sources lets everybody in");
                self.problems.push(problem.key("any"));
            }
            for key in ["max-connections", "max-connections-per-source"] {
                if !socket.accept && self.tree.entry(&["sockets", stem.as_str(), key]).is_some() {
                    let message = "connections are counted only where each has an instance of its own";
                    let problem = Problem::new(self.socket(stem, key), message).key(key);
                    self.problems
                        .push(problem.also(self.socket(stem, "accept"), "`accept = true` is missing here"));
                }
            }
        }
    }

    fn socket(&self, stem: &UnitStem, key: &str) -> &'a Place {
        self.place(&["sockets", stem.as_str(), key])
    }

    /// A port alone is bound for both families on every address; peers of IPv4 then appear mapped into IPv6.
    fn bare_port(&mut self, stem: &UnitStem, socket: &Socket) {
        let bare = socket.listen.iter().find(|listen| matches!(listen.value, Listen::Port(..)));
        match (bare, &socket.bare_port) {
            (Some(listen), None) => {
                let message = format!("`{}` has no address", listen.value);
                let problem = Problem::new(&listen.place, message).key("listen");
                let forms = "`0.0.0.0:PORT` and `[::]:PORT`, or say why with `bare-port`";
                self.problems.push(problem.help(format!("write {forms}")));
            }
            (None, Some(_)) => {
                let problem = Problem::new(self.socket(stem, "bare-port"), "every port here has an address");
                self.problems.push(problem.key("bare-port"));
            }
            _ => {}
        }
    }

    fn starts(&mut self, stem: &UnitStem, socket: &Socket) {
        let Some(starts) = &socket.starts else { return };
        let place = self.socket(stem, "starts");
        let Some(service) = self.manifest.services.get(starts) else {
            self.unknown_service(place, "starts", starts);
            return;
        };
        match (socket.accept, starts.is_template()) {
            (true, false) => {
                let problem = Problem::new(place, "a socket with `accept` starts a template").key("starts");
                self.problems
                    .push(problem.also(&service.place, format!("{} is none", quoted(&starts.unit()))));
            }
            (false, true) if !stem.as_str().ends_with('@') => {
                let problem =
                    Problem::new(place, "a template is started only by a socket with `accept`").key("starts");
                self.problems
                    .push(problem.also(&service.place, format!("{} is one", quoted(&starts.unit()))));
            }
            (true, true) if starts.prefix() != stem.prefix() => {
                let message =
                    "a socket with `accept` starts the template of its own name: `Service=` is refused there";
                self.problems
                    .push(Problem::new(place, message).key("starts").also(&service.place, "the template"));
            }
            _ => {}
        }
    }

    /// Keys that say something about a file, where no file is made.
    fn local_keys(&mut self, stem: &UnitStem, socket: &Socket) {
        let paths: Vec<&str> = socket.listen.iter().filter_map(|listen| listen.value.path()).collect();
        let Some(first) = socket.listen.first() else { return };
        for key in ["owner", "group", "mode", "folder"] {
            if paths.is_empty() && self.tree.entry(&["sockets", stem.as_str(), key]).is_some() {
                let problem = Problem::new(self.socket(stem, key), "there is no socket file here").key(key);
                self.problems.push(problem.also(&first.place, "this is what is listened on"));
            }
        }
        let over_ip =
            socket.listen.iter().any(|listen| matches!(listen.value, Listen::Ip(..) | Listen::Port(..)));
        if !socket.from.is_empty() && !over_ip {
            let problem = Problem::new(self.socket(stem, "from"), "nobody comes over IP here").key("from");
            self.problems.push(problem.also(&first.place, "this is what is listened on"));
        }
        let Some(folder) = &socket.folder else { return };
        let mut folders: Vec<&str> = paths.iter().filter_map(|path| Some(path.rsplit_once('/')?.0)).collect();
        folders.sort_unstable();
        folders.dedup();
        if folders.contains(&"") {
            let message = "the socket lies in `/`, whose owner and mode are no package's to say";
            self.problems
                .push(Problem::new(&folder.place, message).key("folder").also(&first.place, "the sockets"));
        }
        if folders.len() > 1 {
            let message = "the sockets lie in several folders, and only one can be described";
            self.problems
                .push(Problem::new(&folder.place, message).key("folder").also(&first.place, "the sockets"));
        }
        for (name, service) in &self.manifest.services {
            let Some(directory) = &service.directories.runtime else { continue };
            let path = format!("/run/{}", super::services::directory_name(name, directory));
            if folders.contains(&path.as_str()) {
                let problem =
                    Problem::new(&folder.place, "the folder would be made and removed by the service too");
                self.problems.push(problem.key("folder").also(&directory.place, "as its runtime directory"));
            }
        }
    }

    /// A proxy joins the network name space of the service behind it, which then has no other network.
    fn proxy(&mut self, stem: &UnitStem, socket: &Socket) {
        let place = self.socket(stem, "proxy-to");
        let Some(target) = &socket.proxy_to else {
            if socket.proxy_idle.is_some() {
                let problem =
                    Problem::new(self.socket(stem, "proxy-idle"), "there is no proxy without `proxy-to`");
                self.problems.push(problem.key("proxy-idle"));
            }
            return;
        };
        if socket.accept {
            let problem = Problem::new(place, "a proxy takes the listening socket, not single connections");
            self.problems
                .push(problem.key("proxy-to").also(self.socket(stem, "accept"), "`accept` is stated here"));
        }
        let datagrams = |listen: &Listen| {
            matches!(
                listen,
                Listen::Ip(Protocol::Udp, _) | Listen::Port(Protocol::Udp, _) | Listen::Datagram(_)
            )
        };
        if let Some(listen) = socket.listen.iter().find(|listen| datagrams(&listen.value)) {
            let problem =
                Problem::new(&listen.place, "systemd-socket-proxyd passes on streams only").key("listen");
            self.problems.push(problem.also(place, "the proxy"));
        }
        let Some((name, service)) = self.manifest.behind(socket) else {
            let message = format!("no service of this manifest listens on `{target}`");
            let problem = Problem::new(place, message).key("proxy-to");
            self.problems.push(problem.help(format!("state `needs.listens.\"tcp {target}\"` where it does")));
            return;
        };
        self.behind_proxy(name, service, place);
    }

    fn behind_proxy(&mut self, name: &ServiceName, service: &Service, proxy: &Place) {
        let connects = service.needs.connects.iter().filter(|(_, stated)| stated.is_on());
        for (endpoint, stated) in connects.filter(|(endpoint, _)| endpoint.is_ip() && !endpoint.is_loopback())
        {
            let message = format!("{} has no network behind the proxy", quoted(&name.unit()));
            let problem = Problem::new(&stated.place, message).key(endpoint.to_string());
            self.problems.push(
                problem.also(proxy, "the proxy cuts it off").help("let it listen on the address itself"),
            );
        }
        let listens = service.needs.listens.iter().filter(|(_, stated)| stated.is_on());
        for (endpoint, stated) in listens.filter(|(endpoint, _)| endpoint.is_ip() && !endpoint.is_loopback())
        {
            let message = format!("nobody reaches {} here behind the proxy", quoted(&name.unit()));
            let problem = Problem::new(&stated.place, message).key(endpoint.to_string());
            self.problems.push(problem.also(proxy, "the proxy cuts its network off"));
        }
    }

    pub(super) fn timers(&mut self) {
        for (stem, timer) in &self.manifest.timers {
            let at = |key| self.place(&["timers", stem.as_str(), key]);
            let (starts_place, persistent) = (at("starts"), at("persistent"));
            // Literal lines may say of times what no key says.
            let literal = timer.unit.contains_key(&UnitKind::Timer.section());
            let keys = [timer.on_boot.is_some(), timer.on_unit_active.is_some(), timer.on_calendar.is_some()];
            if !literal && keys == [false; 3] {
                let message = format!("the timer {} never elapses", quoted(stem.as_str()));
                let problem = Problem::new(&timer.place, message);
                self.problems.push(problem.help("state `on-calendar`, `on-boot` or `on-unit-active`"));
            }
            if timer.persistent && timer.on_calendar.is_none() {
                let problem =
                    Problem::new(persistent, "only `on-calendar` can be caught up on").key("persistent");
                self.problems.push(problem.also(&timer.place, "the timer has no `on-calendar`"));
            }
            self.literals(&["timers", stem.as_str()], &timer.unit, UnitKind::Timer);
            let Some(starts) = &timer.starts else { continue };
            let Some(service) = self.manifest.services.get(starts) else {
                self.unknown_service(starts_place, "starts", starts);
                continue;
            };
            if starts.is_template() && !stem.as_str().ends_with('@') {
                let problem = Problem::new(starts_place, "a timer cannot start a template").key("starts");
                self.problems
                    .push(problem.also(&service.place, format!("{} is one", quoted(&starts.unit()))));
            }
            if !service.wanted_by.is_empty() {
                let notice = Problem::new(
                    self.at(starts, "wanted-by"),
                    "the service is started at boot and by a timer",
                );
                self.notices.push(
                    notice
                        .key("wanted-by")
                        .also(&timer.place, "the timer")
                        .help("`wanted-by = []` leaves it to the timer"),
                );
            }
        }
    }

    /// Literal lines of the unit at `path`.
    pub(super) fn literals(&mut self, path: &[&str], literals: &Literals, kind: UnitKind) {
        let own = kind.section().as_str();
        for (name, lines) in literals {
            let section = name.as_str();
            if !["Unit", "Install", own].contains(&section) {
                let place = self.place(&[path, &["unit", section]].concat());
                let message = format!("a {} has no section `[{section}]`", own.to_lowercase());
                self.problems.push(Problem::new(place, message).key(section));
            }
            for directive in lines.keys() {
                let place = self.place(&[path, &["unit", section, directive.as_str()]].concat());
                let problem = |message| Problem::new(place, message).key(directive.as_str());
                let of_row = || (self.options.key)(section, directive.as_str());
                let key = kind.key_of(section, directive.as_str());
                let key = if kind == UnitKind::Service { key.or_else(of_row) } else { key };
                // A socket has no policy: what confines it stands there as it is, but for what `from` says.
                let confines = (self.options.confines)(directive.as_str());
                if confines && (kind == UnitKind::Service || key.is_some()) {
                    let problem =
                        problem(format!("`{directive}=` confines: it follows from needs and strictness"));
                    self.problems.push(match key {
                        Some(key) if kind != UnitKind::Service => problem.help(format!("write `{key}`")),
                        _ => problem.help(format!("or state it with its reason in `[override.{directive}]`")),
                    });
                } else if let Some(key) = key {
                    let notice = problem(format!("`{directive}=` has a key of its own"));
                    self.notices.push(notice.help(format!("write `{key}`, unless it cannot say this")));
                }
            }
        }
    }

    /// Whether literal lines say what `key` would.
    pub(super) fn says_literally(literals: &Literals, kind: UnitKind, key: &str) -> bool {
        literals.iter().any(|(section, lines)| {
            lines.keys().any(|directive| kind.key_of(section.as_str(), directive.as_str()) == Some(key))
        })
    }
}

/// What no two sockets can bind: a path whatever is made there, else the address with its kind.
fn bound_name(listen: &Listen) -> String {
    listen.path().map_or_else(|| listen.to_string(), str::to_owned)
}
