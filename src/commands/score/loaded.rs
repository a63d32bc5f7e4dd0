//! Units as a running manager has loaded them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget};

use super::evidence::Kernel;
use super::files::template_instance;
use super::host::{Beside, Host, Live, activity};
use super::judge::{Asked, Found, Judge, of_lines};
use crate::bus::{BusFailure, Interfaces, Manager, Properties};
use crate::bus_posture;
use crate::bus_value::BusValue;
use crate::cli::EvidenceWord;
use crate::commands::manager::{Connection, bus_variable, host, is_own_bus, same_files, why_not};
use crate::context::{Context, Mode, Scope, UnitType};
use crate::evidence;
use crate::finding::Finding;
use crate::holes::{Socket, Surroundings};
use crate::listeners::SocketUnit;
use crate::ownership;
use crate::posture::Posture;
use crate::report::{Outcome, Source, UnitReport};
use crate::unit_file::{Loader, Root, UnitName};
use crate::unit_posture;

/// A manager and what its units are judged by.
pub(super) struct Loaded {
    manager: Manager,
    context: Context,
    newer: Option<Finding>,
    /// This host's kernel, where the manager is this host's and evidence is wanted.
    kernel: Option<Kernel>,
    evidence: EvidenceWord,
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
    pub(super) fn connect(scope: Scope, mode: Mode, evidence: EvidenceWord) -> anyhow::Result<Self> {
        let Connection { manager, context, newer } = Connection::open(scope, mode)?;
        let kernel = match evidence {
            EvidenceWord::Never => None,
            EvidenceWord::Auto if !is_own_bus(scope) => None,
            EvidenceWord::Auto | EvidenceWord::Always => {
                anyhow::ensure!(
                    is_own_bus(scope),
                    "evidence is this host's alone: leave `--evidence always` or `{}` out",
                    bus_variable(scope)
                );
                Some(Kernel::open(&manager, scope)?)
            }
        };
        Ok(Self { manager, context, newer, kernel, evidence })
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
                host: (asked == Asked::ByName).then(|| Host::running(root)),
            }),
        };
        let mut reports = Vec::new();
        let names: Vec<String> = names.iter().map(|name| self.instance(name.clone())).collect();
        let bar = progress(names.len());
        let answers = self.manager.properties_telling(&names, Interfaces::All, || bar.inc(1));
        bar.finish_and_clear();
        let sockets = self.sockets(&answers, asked, judge);
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
            let starters =
                Starters::of(&properties, &declared_sockets(&[&id, &name], asked, judge), &sockets);
            reports.push(self.unit(&name, &id, &properties, starters, (asked, judge), &mut known));
        }
        reports
    }

    fn unit(
        &self,
        name: &str,
        id: &str,
        properties: &Properties,
        starters: Starters,
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
            findings.push(Finding::new("unit.stale", text));
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
        around.sockets = starters.open;
        let names = vec![id, name];
        let host = own.and_then(|own| own.host.as_ref());
        let control_group = properties.text("ControlGroup").filter(|path| !path.is_empty());
        let live = Live { control_group: control_group.map(str::to_owned), sockets: starters.bound };
        let beside = host.map(|host| Beside { host, activity: activity(properties), live: Some(live) });
        let is_wanted = asked == Asked::ByName
            || self.evidence == EvidenceWord::Always
            || judge.manifests.declaring(&names).is_some();
        let kernel = self.kernel.as_ref().filter(|_| is_wanted);
        let evidence = kernel.map(|kernel| kernel.evidence(&self.manager, properties, &reading.posture));
        findings.extend(evidence.iter().flat_map(|evidence| evidence::findings(evidence)));
        judge.judge(Found {
            unit: id.to_owned(),
            names,
            source: Source::Bus,
            asked,
            posture: reading.posture,
            around,
            findings,
            beside,
            evidence,
        })
    }

    /// The socket units that start any of these, or that a manifest says do, by name.
    fn sockets(
        &self,
        units: &[(String, Result<Properties, BusFailure>)],
        asked: Asked,
        judge: &Judge,
    ) -> BTreeMap<String, (Socket, SocketUnit)> {
        let mut names = BTreeSet::new();
        for (name, properties) in units {
            let Ok(properties) = properties else { continue };
            names.extend(sockets_of(properties).into_iter().map(str::to_owned));
            let id = properties.id().unwrap_or(name);
            names.extend(declared_sockets(&[id, name], asked, judge));
        }
        let names: Vec<String> = names.into_iter().collect();
        let answers = self.manager.properties(&names, Interfaces::All);
        let unset = Posture::unset("", Context { unit_type: UnitType::Socket, ..self.context });
        let read = |(name, properties): (String, Result<Properties, BusFailure>)| {
            let properties = properties.ok()?;
            let posture = bus_posture::read(&name, &properties, &unset).posture;
            let listen = properties.get("Listen");
            let is_active = properties.active_state() == Some("active");
            let bound = SocketUnit::of_property(&name, is_active, listen);
            let open = Socket::of_property(&name, listen, &posture);
            Some((name, (open, bound)))
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
            evidence: None,
        }
    }
}

/// The names of the sockets that start a unit.
fn sockets_of(properties: &Properties) -> Vec<&str> {
    let starters = properties.get("TriggeredBy").and_then(BusValue::as_texts).unwrap_or_default();
    starters.into_iter().filter(|name| UnitType::of(name) == UnitType::Socket).collect()
}

/// The socket units of a manifest that start a unit of these names, where the host is compared with it.
fn declared_sockets(names: &[&str], asked: Asked, judge: &Judge) -> Vec<String> {
    let declaring = judge.manifests.declaring(names).filter(|_| asked == Asked::ByName);
    declaring.map_or_else(Vec::new, |(manifest, planned)| {
        ownership::sockets(manifest, &planned).map(|(stem, _)| format!("{stem}.socket")).collect()
    })
}

/// The socket units of a unit.
struct Starters {
    /// Those that start it.
    open: Vec<Socket>,
    /// What is bound by them, and by those that the manifest says start it.
    bound: Vec<SocketUnit>,
}

impl Starters {
    fn of(
        properties: &Properties,
        declared: &[String],
        all: &BTreeMap<String, (Socket, SocketUnit)>,
    ) -> Self {
        let starting = sockets_of(properties);
        let names: BTreeSet<&str> =
            starting.iter().copied().chain(declared.iter().map(String::as_str)).collect();
        let open = starting.iter().filter_map(|name| Some(all.get(*name)?.0.clone()));
        let bound = names.into_iter().filter_map(|name| Some(all.get(name)?.1.clone()));
        Self { open: open.collect(), bound: bound.collect() }
    }
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
