//! Units as a running manager has loaded them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;
use std::sync::mpsc;
use std::thread;

use indicatif::{ProgressBar, ProgressDrawTarget};

use super::evidence::Kernel;
use super::files::template_instance;
use super::host::{Beside, Host, Live, activity};
use super::judge::{Asked, Found, Judge, of_lines};
use crate::bus::{BusFailure, Manager, NamesMet, OfSockets, Properties, Sockets};
use crate::bus_posture::{self, Defaults};
use crate::cli::EvidenceWord;
use crate::commands::manager::{Connection, OwnFiles, bus_variable, host, is_own_bus, why_not};
use crate::context::{Context, Mode, Scope, UnitType};
use crate::evidence;
use crate::finding::Finding;
use crate::gather::Gather as _;
use crate::holes::{Socket, Surroundings};
use crate::listeners::SocketUnit;
use crate::ownership;
use crate::posture::Posture;
use crate::report::{Outcome, Source, UnitReport};
use crate::unit_file::UnitName;
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
    /// What the manager gives units of each type met that do not say it.
    defaults: BTreeMap<UnitType, Defaults>,
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
            defaults: BTreeMap::new(),
            own: root
                .as_ref()
                .map(|(root, search)| Own { files: OwnFiles::new(root, search), host: Host::running(root) }),
        };
        let names: Vec<String> = names.iter().map(|name| self.instance(name.clone())).collect();
        let bar = progress(names.len());
        let mut reports: Vec<Option<UnitReport>> = Vec::with_capacity(names.len());
        let mut waiting = Vec::new();
        // One thread asks, and one takes apart and judges what was answered.
        let (asking, answers) = mpsc::channel();
        thread::scope(|threads| {
            let (manager, names) = (&self.manager, &names);
            threads.spawn(move || {
                manager.each(names, |name, answer| {
                    // It can only fail where the judging panicked.
                    let _ = asking.send((name.to_owned(), answer));
                });
            });
            let met = NamesMet::default();
            for (name, answer) in answers {
                bar.inc(1);
                let properties = answer.and_then(|answer| answer.properties(&met));
                let report = match self.properties_of_own(&name, properties, asked) {
                    Err(report) => report,
                    Ok(properties) => {
                        let sockets = socket_names(&name, &properties, judge);
                        if sockets.is_empty() {
                            let none = Sockets::new();
                            Some(self.unit(&name, &properties, &none, (asked, judge), &mut known))
                        } else {
                            waiting.push((Waiting { place: reports.len(), name, properties }, sockets));
                            None
                        }
                    }
                };
                reports.push(report);
            }
        });
        let (waiting, of_units): (Vec<Waiting>, Vec<BTreeSet<String>>) = waiting.into_iter().unzip();
        let wanted = OfSockets { unit: &["ActiveState"], socket: &Socket::properties(self.context.release) };
        let sockets = self.manager.sockets(&of_units, wanted);
        for (Waiting { place, name, properties }, sockets) in waiting.into_iter().zip(sockets) {
            let report = match sockets {
                Ok(sockets) => self.unit(&name, &properties, &sockets, (asked, judge), &mut known),
                Err(failure) => self.not_answered(name, &failure, asked),
            };
            reports.splice(place..=place, [Some(report)]);
        }
        bar.finish_and_clear();
        reports.into_iter().flatten().collect()
    }

    /// The properties of a unit that is there; its report where it is not, and nothing for a second name that nobody
    /// asked for.
    fn properties_of_own(
        &self,
        name: &str,
        answer: Result<Properties, BusFailure>,
        asked: Asked,
    ) -> Result<Properties, Option<UnitReport>> {
        let properties =
            answer.map_err(|failure| Some(self.not_answered(name.to_owned(), &failure, asked)))?;
        if asked == Asked::AmongAll && properties.id().is_some_and(|id| id != name) {
            return Err(None);
        }
        match why_not(name, &properties) {
            Some(why) => Err(Some(self.cannot(name.to_owned(), asked.failed(why)))),
            None => Ok(properties),
        }
    }

    /// What was not answered is not known, whoever asked for it.
    fn not_answered(&self, name: String, failure: &BusFailure, asked: Asked) -> UnitReport {
        let why = failure.to_string();
        let outcome = if failure.is_answer() { asked.failed(why) } else { Outcome::Failed(why) };
        self.cannot(name, outcome)
    }

    fn unit(
        &self,
        name: &str,
        properties: &Properties,
        sockets: &Sockets,
        (asked, judge): (Asked, &Judge),
        known: &mut Known<'_>,
    ) -> UnitReport {
        let id = properties.id().unwrap_or(name);
        let starters = self.starters(properties, sockets, known);
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
        let mut around = None;
        let mut own = known.own.as_mut();
        let text = own.as_mut().and_then(|own| own.files.of(id, properties));
        if let Some(text) = text {
            let written = unit_posture::read(&text, unset);
            let defaults = known
                .defaults
                .entry(context.unit_type)
                .or_insert_with(|| Defaults::of(self.manager.own_properties(), &context));
            bus_posture::attribute(&mut reading.posture, &written.posture, defaults);
            if properties.needs_daemon_reload() == Some(false) {
                findings.extend(of_lines(written.notices));
                // What the properties say too, with the lines that it stands in.
                around = Some(Surroundings::of_files(&text));
            }
        }
        let mut around = around.unwrap_or_else(|| Surroundings::of_properties(properties));
        around.sockets = starters.open;
        let names = vec![id, name];
        let host = own.map(|own| &own.host);
        let control_group = properties.text("ControlGroup").filter(|path| !path.is_empty());
        let live = Live { control_group: control_group.map(str::to_owned), sockets: starters.bound };
        let beside = host.map(|host| Beside { host, activity: activity(properties), live: Some(live) });
        let is_wanted = asked == Asked::ByName
            || self.evidence == EvidenceWord::Always
            || judge.manifests.declaring(&names).is_some();
        let kernel = self.kernel.as_ref().filter(|_| is_wanted);
        let evidence = kernel.map(|kernel| kernel.evidence(&self.manager, properties, &reading.posture));
        findings.extend(evidence.iter().flat_map(|evidence| evidence::findings(evidence)));
        let mut report = judge.judge(Found {
            unit: id.to_owned(),
            names,
            source: Source::Bus,
            asked,
            posture: reading.posture,
            around,
            findings,
            beside,
            evidence,
        });
        let lost = sockets.iter().filter_map(|(socket, answer)| Some((socket, answer.as_ref().err()?)));
        report.findings.extend(lost.map(|(socket, failure)| {
            let text = format!("what it binds and whom it lets in is not known: {failure}");
            Finding { subject: Some(socket.clone()), ..Finding::notice("socket.not-known", text) }
        }));
        report
    }

    /// The socket units of a unit that has these properties.
    fn starters(&self, properties: &Properties, sockets: &Sockets, known: &mut Known<'_>) -> Starters {
        let context = Context { unit_type: UnitType::Socket, ..self.context };
        let unset = known.unset.entry(UnitType::Socket).or_insert_with(|| Posture::unset("", context));
        let open = sockets_of(properties).into_iter().filter_map(|name| {
            let properties = sockets.get(name)?.as_ref().ok()?;
            let posture = bus_posture::read(name, properties, unset).posture;
            Some(Socket::of_properties(name, properties, &posture))
        });
        let bound = sockets.iter().filter_map(|(name, properties)| {
            let properties = properties.as_ref().ok()?;
            let is_active = properties.active_state()? == "active";
            Some(SocketUnit::of_property(name, is_active, properties.get(Socket::LISTEN)))
        });
        Starters { open: open.collect(), bound: bound.collect() }
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

/// The names of the socket units that belong to a unit.
fn socket_names(name: &str, properties: &Properties, judge: &Judge) -> BTreeSet<String> {
    let id = properties.id().unwrap_or(name);
    // The host is compared with the manifests: with what is bound, not only what may be.
    let declared = declared_sockets(&[id, name], judge);
    sockets_of(properties).into_iter().map(str::to_owned).chain(declared).gather()
}

/// The names of the sockets that start a unit.
fn sockets_of(properties: &Properties) -> Vec<&str> {
    let starters = properties.triggered_by().into_iter();
    starters.filter(|name| UnitType::of(name) == UnitType::Socket).collect()
}

/// The socket units of a manifest that start a unit of these names.
fn declared_sockets(names: &[&str], judge: &Judge) -> Vec<String> {
    judge.manifests.declaring(names).map_or_else(Vec::new, |(manifest, planned)| {
        ownership::sockets(manifest, &planned).map(|(stem, _)| format!("{stem}.socket")).collect()
    })
}

/// A unit that is judged when its socket units have been asked for.
struct Waiting {
    /// Where its report belongs.
    place: usize,
    /// As it was asked for.
    name: String,
    properties: Properties,
}

/// The socket units of a unit.
struct Starters {
    /// Those that start it.
    open: Vec<Socket>,
    /// What is bound by them, and by those that the manifest says start it; nothing where the host is not looked at.
    bound: Vec<SocketUnit>,
}

/// This host beside its manager.
struct Own<'r> {
    files: OwnFiles<'r>,
    /// What it is beside its units.
    host: Host<'r>,
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
