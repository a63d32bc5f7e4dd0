//! The host beside a unit: the files, accounts, programs, sockets, stores and settings that its manifest speaks of,
//! looked at where the unit was named. What several units of a run share is told with the first of them.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::accounts::Accounts;
use crate::bus::Properties;
use crate::content;
use crate::finding::Finding;
use crate::gather::Gather as _;
use crate::guard;
use crate::holes::Command;
use crate::listeners::{self, SocketUnit, Sockets};
use crate::manifest::{Manifest, Scope};
use crate::ownership::{self, Activity, Subject};
use crate::policy::Planned;
use crate::posture::Posture;
use crate::process::{ControlGroups, Processes, Status, control_groups};
use crate::target::{Feature, Target, fit};
use crate::unit_file::{Links, Root};

/// A tree with accounts, and what was told of it so far.
pub(super) struct Host<'r> {
    root: &'r Root,
    /// Read when the first unit asks.
    accounts: OnceCell<anyhow::Result<Option<Accounts>>>,
    told: RefCell<BTreeSet<(String, Option<String>, String)>>,
    /// What runs on it, where something does.
    running: Option<anyhow::Result<Running>>,
}

/// The processes of a host.
struct Running {
    processes: Processes,
    sockets: Sockets,
    control_groups: Option<ControlGroups>,
    /// Who they are, read once for all units.
    statuses: OnceCell<BTreeMap<u32, Status>>,
}

/// A unit as the host has it.
pub(super) struct Beside<'h> {
    /// The host.
    pub(super) host: &'h Host<'h>,
    /// Whether it runs.
    pub(super) activity: Activity,
    /// What its manager says of it, where it has one.
    pub(super) live: Option<Live>,
}

/// A unit of a running manager.
pub(super) struct Live {
    /// Its control group; none where it has no processes.
    pub(super) control_group: Option<String>,
    /// The socket units that start it, and those that the manifest says do.
    pub(super) sockets: Vec<SocketUnit>,
}

impl Running {
    fn open() -> anyhow::Result<Self> {
        Ok(Self {
            processes: Processes::open("/proc")?,
            sockets: Sockets::open("/proc")?,
            control_groups: control_groups("/sys/fs/cgroup"),
            statuses: OnceCell::new(),
        })
    }

    fn processes_of(&self, unit: &Live) -> Vec<u32> {
        let group = unit.control_group.as_deref().zip(self.control_groups.as_ref());
        group.and_then(|(path, groups)| groups.read(path, [])).map_or_else(Vec::new, |group| group.processes)
    }
}

impl<'r> Host<'r> {
    /// The host whose files lie below `root`.
    pub(super) fn new(root: &'r Root) -> Self {
        Self { root, accounts: OnceCell::new(), told: RefCell::default(), running: None }
    }

    /// The host that this program runs on, its processes included.
    pub(super) fn running(root: &'r Root) -> Self {
        Self { running: Some(Running::open()), ..Self::new(root) }
    }

    fn accounts(&self) -> &anyhow::Result<Option<Accounts>> {
        self.accounts.get_or_init(|| Accounts::read(self.root).map_err(Into::into))
    }

    /// What was not told yet.
    fn news(&self, findings: Vec<Finding>) -> Vec<Finding> {
        let mut told = self.told.borrow_mut();
        let key = |finding: &Finding| (finding.id.to_string(), finding.subject.clone(), finding.text.clone());
        findings.into_iter().filter(|finding| told.insert(key(finding))).collect()
    }
}

impl Beside<'_> {
    /// What the host is not as the manifest says.
    pub(super) fn audit(
        &self,
        manifest: &Manifest,
        planned: &Planned<'_>,
        posture: &Posture,
        commands: &[Command],
    ) -> Vec<Finding> {
        if manifest.scope == Scope::User {
            return Vec::new();
        }
        let not_known = |why: String| vec![Finding::notice("host.not-known", why)];
        let root = self.host.root;
        // Where there are no credentials, services read files themselves that must be open to them.
        let release = posture.context.release;
        let target = Target { name: format!("systemd-{release}"), release, distribution: None };
        let fitted = (!target.reads(Feature::Credentials)).then(|| fit(manifest, &[target]).ok()).flatten();
        let manifest = fitted.as_ref().map_or(manifest, |fitted| &fitted.manifest);
        let subject = Subject { manifest, planned, posture, commands, activity: self.activity };
        let mut findings = match self.host.accounts() {
            Ok(Some(accounts)) => ownership::audit(&subject, root, accounts),
            Ok(None) => not_known(
                "the tree has no `/etc/passwd`: its files and accounts were not compared with the manifest"
                    .to_owned(),
            ),
            Err(error) => {
                not_known(format!("files and accounts were not compared with the manifest: {error:#}"))
            }
        };
        let mut settings = settings(manifest, root);
        settings.extend(content::environment_files(&planned.service, root));
        settings.retain(|finding| !follows(finding, &findings));
        findings.extend(settings);
        if let (Some(live), Some(running)) = (&self.live, &self.host.running) {
            match running {
                Ok(running) => findings.extend(self.run(&subject, live, running)),
                Err(error) => findings.push(listeners::not_known(&format!("{error:#}"))),
            }
        }
        self.host.news(findings)
    }

    /// What the processes of the host are not as the manifest says.
    fn run(&self, subject: &Subject<'_>, live: &Live, running: &Running) -> Vec<Finding> {
        let own = running.processes_of(live);
        let held = running.sockets.held(&own, live.sockets.clone());
        let resolve = |path: &str| {
            let plain = self.host.root.resolve(Path::new(path), Links::Keep);
            plain.map_or_else(|_| path.to_owned(), |plain| plain.to_string_lossy().into_owned())
        };
        let mut findings = listeners::judge(subject, &held, &resolve);
        if let (Ok(Some(accounts)), false) = (self.host.accounts(), subject.manifest.groups.is_empty()) {
            let statuses = running.statuses.get_or_init(|| running.processes.statuses());
            findings.extend(ownership::lingering(subject, accounts, statuses, &own));
        }
        findings
    }
}

/// Whether a finding about settings follows from what is found of their file already: nothing is said in one that is
/// not there, and its mode says whom it is open to. One change of the host is told once.
fn follows(finding: &Finding, of_paths: &[Finding]) -> bool {
    let subject = finding.subject.as_deref().unwrap_or_default();
    let file = subject.split_once(": ").map_or(subject, |(file, _)| file);
    let same = of_paths.iter().filter(|found| found.subject.as_deref() == Some(file));
    same.filter(|found| found.severity.counts())
        .any(|found| found.id == "path.missing" || finding.id == "content.exposed")
}

/// What stores and files of settings say against the manifest.
fn settings(manifest: &Manifest, root: &Root) -> Vec<Finding> {
    let mut findings = guard::guards(manifest, root);
    // A key that a guard holds is told once, and by the guard, which knows what it costs.
    let held: BTreeSet<Option<String>> = findings.iter().map(|finding| finding.subject.clone()).gather();
    let contents = content::contents(manifest, root).into_iter();
    findings.extend(contents.filter(|finding| !held.contains(&finding.subject)));
    findings
}

/// Whether the manager runs a unit.
pub(super) fn activity(properties: &Properties) -> Activity {
    match properties.active_state() {
        Some("active" | "reloading") => Activity::Active,
        _ => Activity::Inactive,
    }
}
