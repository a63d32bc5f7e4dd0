//! Units as a running manager has loaded them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget};

use super::files::template_instance;
use super::host::{Beside, Host, activity};
use super::judge::{Asked, Found, Judge, of_lines};
use crate::architecture::Architecture;
use crate::bus::{Address, BusFailure, Interfaces, LoadState, Manager, Properties};
use crate::bus_posture;
use crate::bus_value::BusValue;
use crate::cli::KNOWN_RELEASES;
use crate::context::{Context, Mode, Scope, UnitType};
use crate::finding::Finding;
use crate::holes::{Socket, Surroundings};
use crate::posture::Posture;
use crate::release::Release;
use crate::report::{Outcome, Source, UnitReport};
use crate::unit_file::{Links, Load, Loader, Root, SearchPath, UnitName, UnitText};
use crate::unit_posture;

/// How long any one answer may take. A manager that reloads thousands of units takes seconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// A manager and what its units are judged by.
pub(super) struct Loaded {
    manager: Manager,
    context: Context,
    newer: Option<Finding>,
}

/// What the units of a run share.
struct Known<'r> {
    /// Units of each type met that set nothing.
    unset: BTreeMap<UnitType, Posture>,
    /// This host, where the bus is its own.
    own: Option<Own<'r>>,
}

impl Loaded {
    /// Connects to the manager of the system or of the calling user.
    pub(super) fn connect(scope: Scope, mode: Mode) -> anyhow::Result<Self> {
        let address = match scope {
            Scope::System => Address::System,
            Scope::User => Address::User,
        };
        let manager = Manager::connect(&address, PATIENCE)?;
        let release: Release = manager.version().parse().context("the manager's version")?;
        let [oldest, newest] = KNOWN_RELEASES;
        anyhow::ensure!(
            release >= oldest,
            "systemd {release} is too old: {} is the first known",
            oldest.major
        );
        let newer = (release > newest).then(|| {
            let text = format!("systemd {release} is newer than {newest}, whose rules are the newest known");
            Finding::notice("release.not-known", text)
        });
        let said = manager.architecture().and_then(Architecture::find);
        let architecture =
            said.or_else(Architecture::native).context("the manager does not say its architecture")?;
        let context = Context { release, mode, scope, unit_type: UnitType::Service, architecture };
        Ok(Self { manager, context, newer })
    }

    /// Every service in memory or installed, under its own name; a template through an instance.
    pub(super) fn services(&self) -> anyhow::Result<Vec<String>> {
        let services = self.manager.list_services()?;
        let own = services.into_iter().filter(|service| !service.is_alias());
        Ok(own.map(|service| self.instance(service.name)).collect())
    }

    /// The name itself, or that of the instance through which systemd's own scorer asks for a template.
    fn instance(&self, name: String) -> String {
        match name.parse::<UnitName>() {
            Ok(unit) if unit.is_template() => {
                let instance = unit.with_instance(template_instance(self.context));
                instance.map_or(name, |instance| instance.as_str().to_owned())
            }
            _ => name,
        }
    }

    /// Judges the units of these names; second names of a unit are left out where all were asked for.
    pub(super) fn units(&self, names: &[String], asked: Asked, judge: &Judge) -> Vec<UnitReport> {
        let root = host(self.context.scope);
        let mut known = Known {
            unset: BTreeMap::new(),
            own: root.as_ref().map(|(root, search)| Own {
                root,
                loader: Loader::new(root, search.clone()),
                host: (asked == Asked::ByName).then(|| Host::new(root)),
            }),
        };
        let mut reports = Vec::new();
        let names: Vec<String> = names.iter().map(|name| self.instance(name.clone())).collect();
        let bar = progress(names.len());
        let answers = self.manager.properties_telling(&names, Interfaces::All, || bar.inc(1));
        bar.finish_and_clear();
        let sockets = self.sockets(&answers);
        for (name, properties) in answers {
            let properties = match properties {
                Ok(properties) => properties,
                Err(failure) => {
                    reports.push(self.cannot(name, asked.failed(failure.to_string())));
                    continue;
                }
            };
            let id = properties.id().unwrap_or(&name).to_owned();
            if asked == Asked::AmongAll && id != name {
                continue;
            }
            if let Some(why) = why_not(&name, &properties) {
                reports.push(self.cannot(name, asked.failed(why)));
                continue;
            }
            let started_by = sockets_of(&properties);
            let sockets = started_by.iter().filter_map(|socket| sockets.get(*socket).cloned()).collect();
            reports.push(self.unit(&name, &id, &properties, sockets, (asked, judge), &mut known));
        }
        reports
    }

    fn unit(
        &self,
        name: &str,
        id: &str,
        properties: &Properties,
        sockets: Vec<Socket>,
        (asked, judge): (Asked, &Judge),
        known: &mut Known<'_>,
    ) -> UnitReport {
        let context = Context { unit_type: UnitType::of(id), ..self.context };
        if context.unit_type == UnitType::Other {
            let why = "nothing is executed by a unit of this type: name the service that it starts";
            return self.cannot(name.to_owned(), asked.failed(why.to_owned()));
        }
        let unset = known.unset.entry(context.unit_type).or_insert_with(|| Posture::unset("", context));
        let mut reading = bus_posture::read(id, properties, unset);
        let mut findings: Vec<Finding> = self.newer.iter().cloned().collect();
        if properties.needs_daemon_reload() == Some(true) {
            let text = "its files have changed since the manager read them: this is what it read; \
                        `systemctl daemon-reload` takes them over";
            findings.push(Finding::notice("unit.stale", text));
        }
        findings.extend(reading.odd.iter().map(|odd| Finding {
            directive: Some(odd.directive),
            ..Finding::notice(
                "property.misshapen",
                format!("the manager's `{}` is not as systemd writes it", odd.property),
            )
        }));
        let mut around = Surroundings::of_properties(properties);
        let mut own = known.own.as_mut();
        let text = own.as_mut().and_then(|own| same_files(own.root, &mut own.loader, id, properties));
        if let Some(text) = text {
            let written = unit_posture::read(&text, unset);
            bus_posture::attribute(&mut reading.posture, &written.posture, self.manager.own_properties());
            if properties.needs_daemon_reload() == Some(false) {
                findings.extend(of_lines(written.notices));
                // The same, with the lines that they stand in.
                around = Surroundings::of_files(&text);
            }
        }
        around.sockets = sockets;
        let names = vec![id, name];
        let host = own.and_then(|own| own.host.as_ref());
        let beside = host.map(|host| Beside { host, activity: activity(properties) });
        judge.judge(Found {
            unit: id.to_owned(),
            names,
            source: Source::Bus,
            asked,
            posture: reading.posture,
            around,
            findings,
            beside,
        })
    }

    /// The socket units that start any of these, by name.
    fn sockets(&self, units: &[(String, Result<Properties, BusFailure>)]) -> BTreeMap<String, Socket> {
        let units = units.iter().filter_map(|(_, properties)| properties.as_ref().ok());
        let names: BTreeSet<String> = units.flat_map(sockets_of).map(str::to_owned).collect();
        let names: Vec<String> = names.into_iter().collect();
        let answers = self.manager.properties(&names, Interfaces::All);
        let unset = Posture::unset("", Context { unit_type: UnitType::Socket, ..self.context });
        let read = |(name, properties): (String, Result<Properties, BusFailure>)| {
            let properties = properties.ok()?;
            let posture = bus_posture::read(&name, &properties, &unset).posture;
            let socket = Socket::of_property(&name, properties.get("Listen"), &posture);
            Some((name, socket))
        };
        answers.into_iter().filter_map(read).collect()
    }

    fn cannot(&self, unit: String, outcome: Outcome) -> UnitReport {
        UnitReport {
            source: Source::Bus,
            context: Some(Context { unit_type: UnitType::of(&unit), ..self.context }),
            unit,
            outcome,
            findings: Vec::new(),
        }
    }
}

/// The names of the sockets that start a unit.
fn sockets_of(properties: &Properties) -> Vec<&str> {
    let starters = properties.get("TriggeredBy").and_then(BusValue::as_texts).unwrap_or_default();
    starters.into_iter().filter(|name| UnitType::of(name) == UnitType::Socket).collect()
}

/// This host beside its manager.
struct Own<'r> {
    root: &'r Root,
    loader: Loader<'r>,
    /// What it is beside its units, where they were named.
    host: Option<Host<'r>>,
}

/// How many units have answered; on a terminal alone.
fn progress(units: usize) -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    ProgressBar::with_draw_target(u64::try_from(units).ok(), target)
}

/// This host's files, where the bus is this host's own: only they say where a value was written.
fn host(scope: Scope) -> Option<(Root, SearchPath)> {
    let elsewhere = scope == Scope::User || std::env::var_os("DBUS_SYSTEM_BUS_ADDRESS").is_some();
    if elsewhere { None } else { Some((Root::open("/").ok()?, SearchPath::system())) }
}

/// The unit's files as they are, if they are those that the manager names.
fn same_files(root: &Root, loader: &mut Loader<'_>, id: &str, properties: &Properties) -> Option<UnitText> {
    let Ok(Load::Loaded(text)) = loader.load(&id.parse::<UnitName>().ok()?) else { return None };
    let plain = |path: &Path| root.resolve(path, Links::Keep).ok();
    let published = |path: &str| plain(Path::new(path));
    let fragment = plain(text.fragment.as_deref()?)? == published(properties.fragment_path()?)?;
    let ours: Vec<_> = text.drop_ins.iter().map(|path| plain(path)).collect();
    let theirs: Vec<_> = properties.drop_in_paths().into_iter().map(published).collect();
    (fragment && ours == theirs).then_some(text)
}

/// Why a unit cannot be judged, and what to do.
fn why_not(name: &str, properties: &Properties) -> Option<String> {
    let reason = properties.load_error().map_or_else(String::new, |error| format!(" ({error})"));
    Some(match properties.load_state() {
        Some(LoadState::Loaded | LoadState::Merged | LoadState::Stub) => return None,
        Some(LoadState::NotFound) => {
            "the manager has no unit file of that name: is its package installed?".to_owned()
        }
        Some(LoadState::Masked) => {
            let mask = properties.fragment_path().map_or_else(String::new, |path| format!(" by `{path}`"));
            format!("masked{mask}: `systemctl unmask {name}` first, or score the file that it masks")
        }
        Some(LoadState::BadSetting | LoadState::Error) => {
            format!("the manager refuses its files{reason}: `systemd-analyze verify {name}` says where")
        }
        Some(LoadState::Other(state)) => format!("the manager calls it `{state}`{reason}"),
        None => "the manager does not say whether it is loaded: is that systemd's bus?".to_owned(),
    })
}
