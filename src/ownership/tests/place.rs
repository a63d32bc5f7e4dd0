//! Hosts in memory: a tree, accounts and a unit beside a manifest.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::super::tree::{Files, Node};
use super::super::{Activity, Subject, audit_files, lingering};
use crate::accounts::Accounts;
use crate::catalogue;
use crate::context::{Context, Mode, Scope, UnitType};
use crate::finding::Finding;
use crate::holes::{Command, Privileges};
use crate::manifest::{self, Manifest, PathKind, Source, Sources};
use crate::policy::plan;
use crate::posture::{Origin, Posture};
use crate::process::Processes;
use crate::release::Release;
use crate::syscalls::Architecture;

/// A tree in memory, from lines `PATH MODE UID GID`, a slash at a directory's end, `-> TARGET` after a link.
#[derive(Clone, Default)]
pub(super) struct Tree {
    pub(super) nodes: BTreeMap<PathBuf, Node>,
    pub(super) targets: BTreeMap<PathBuf, PathBuf>,
    pub(super) heads: BTreeMap<PathBuf, Vec<u8>>,
}

impl Tree {
    pub(super) fn new(lines: &[&str]) -> anyhow::Result<Self> {
        let mut tree = Self::default();
        for line in lines {
            tree.add(line)?;
        }
        Ok(tree)
    }

    pub(super) fn add(&mut self, line: &str) -> anyhow::Result<()> {
        let mut words = line.split(' ');
        let mut word = || words.next().with_context(|| line.to_owned());
        let (path, mode) = (word()?, u16::from_str_radix(word()?, 8)?);
        let (uid, gid) = (word()?.parse()?, word()?.parse()?);
        let target = line.split_once(" -> ").map(|(_, target)| PathBuf::from(target));
        let kind = match (&target, path.ends_with('/')) {
            (Some(_), _) => PathKind::Symlink,
            (None, true) => PathKind::Directory,
            (None, false) => PathKind::File,
        };
        let path = PathBuf::from(if path == "/" { path } else { path.trim_end_matches('/') });
        if let Some(target) = target {
            self.targets.insert(path.clone(), target);
        }
        self.nodes.insert(path, Node { kind, mode, uid, gid, acl: None });
        Ok(())
    }

    pub(super) fn at(&mut self, path: &str) -> anyhow::Result<&mut Node> {
        self.nodes.get_mut(Path::new(path)).with_context(|| path.to_owned())
    }
}

impl Files for Tree {
    fn node(&self, path: &Path) -> io::Result<Option<Node>> {
        Ok(self.nodes.get(path).cloned())
    }

    fn target(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        Ok(self.targets.get(path).cloned())
    }

    fn names(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let below = self.nodes.keys().filter(|node| node.parent() == Some(path));
        Ok(below.filter_map(|node| node.file_name().map(PathBuf::from)).collect())
    }

    fn head(&self, path: &Path) -> io::Result<Vec<u8>> {
        Ok(self.heads.get(path).cloned().unwrap_or_default())
    }
}

/// A host with one service on it.
pub(super) struct Place {
    pub(super) manifest: Manifest,
    pub(super) unit: &'static str,
    pub(super) lines: Vec<(&'static str, String)>,
    pub(super) tree: Tree,
    pub(super) passwd: String,
    pub(super) group: String,
    pub(super) shadow: String,
    pub(super) commands: Vec<Command>,
    pub(super) activity: Activity,
}

impl Place {
    pub(super) fn audit(&self) -> anyhow::Result<Vec<Finding>> {
        self.with(|subject, accounts| Ok(audit_files(subject, &self.tree, accounts)))
    }

    /// What is found of the processes of this /proc, as `SEVERITY ID SUBJECT: TEXT`.
    pub(super) fn lingering(&self, proc: &Path, own: &[u32]) -> anyhow::Result<Vec<String>> {
        let told = |finding: &Finding| {
            let subject = finding.subject.clone().unwrap_or_default();
            format!("{} {} {subject}: {}", finding.severity.word(), finding.id, finding.text)
        };
        self.with(|subject, accounts| {
            let statuses = Processes::open(proc)?.statuses();
            Ok(lingering(subject, accounts, &statuses, own).iter().map(told).collect())
        })
    }

    fn with<T>(&self, ask: impl FnOnce(&Subject<'_>, &Accounts) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let accounts = Accounts::parse(&self.passwd, &self.group, Some(&self.shadow), "", "");
        let planned = plan(&self.manifest);
        let planned = planned.iter().find(|planned| planned.unit_name() == self.unit).context("no unit")?;
        let context = Context {
            release: Release::latest(252),
            mode: Mode::Loaded,
            scope: Scope::System,
            unit_type: UnitType::Service,
            architecture: Architecture::X86_64,
        };
        let mut posture = Posture::unset(self.unit, context);
        for (name, value) in &self.lines {
            posture.assign(catalogue::find(name).context(*name)?, value, Origin::Bus);
        }
        let subject = Subject {
            manifest: &self.manifest,
            planned,
            posture: &posture,
            commands: &self.commands,
            activity: self.activity,
        };
        ask(&subject, &accounts)
    }

    /// What counts, as `SEVERITY ID SUBJECT`.
    pub(super) fn found(&self) -> anyhow::Result<Vec<String>> {
        let told = |finding: &Finding| {
            let subject = finding.subject.clone().unwrap_or_default();
            format!("{} {} {subject}", finding.severity.word(), finding.id)
        };
        let findings = self.audit()?;
        Ok(findings.iter().filter(|finding| finding.severity.counts()).map(told).collect())
    }
}

pub(super) fn load(path: &str, text: &str) -> anyhow::Result<Manifest> {
    let main = Source { path, bytes: text.as_bytes() };
    manifest::load(&Sources { main, drop_ins: Vec::new() }, &catalogue::FOR_MANIFESTS)
        .map_err(|error| anyhow::anyhow!("{error}"))
}

pub(super) const BASE: [&str; 11] = [
    "/ 755 0 0",
    "/etc/ 755 0 0",
    "/usr/ 755 0 0",
    "/usr/bin/ 755 0 0",
    "/bin 777 0 0 -> usr/bin",
    "/var/ 755 0 0",
    "/var/lib/ 755 0 0",
    "/var/log/ 755 0 0",
    "/run/ 755 0 0",
    "/usr/libexec/ 755 0 0",
    "/home/ 755 0 0",
];

pub(super) fn tree(lines: &[&str]) -> anyhow::Result<Tree> {
    let mut tree = Tree::new(lines)?;
    for line in BASE {
        tree.add(line)?;
    }
    tree.nodes.entry(PathBuf::from("/")).and_modify(|node| node.kind = PathKind::Directory);
    Ok(tree)
}

pub(super) fn program(path: &str) -> Command {
    let privileges = Privileges::Confined;
    Command { key: "ExecStart", program: path.to_owned(), privileges, place: None }
}

/// 990 is the service's, 980 its clients', 1000 alice and 1001 bob.
pub(super) fn parsec() -> anyhow::Result<Place> {
    Ok(Place {
        manifest: load("parsec.toml", include_str!("../../../units/parsec-direct/parsec.toml"))?,
        unit: "parsec.service",
        lines: vec![("User", "parsec".to_owned()), ("ProtectHome", "yes".to_owned())],
        tree: tree(&[
            "/etc/parsec/ 755 0 0",
            "/etc/parsec/config.toml 600 990 990",
            "/usr/libexec/parsec 755 0 0",
            "/var/lib/parsec/ 700 990 990",
            "/var/lib/parsec/mappings/ 700 990 990",
            "/var/lib/parsec/mappings/MTAwMA==/ 700 990 990",
            "/var/lib/parsec/a.psa_its 600 990 990",
            "/var/log/parsec/ 700 990 990",
            "/var/log/parsec/parsec.log 600 990 990",
            "/run/parsec/ 750 990 980",
            "/run/parsec/parsec.sock 666 990 990",
            "/home/alice/ 755 1000 1000",
        ])?,
        passwd: "root:x:0:0::/root:/bin/bash\nparsec:x:990:990::/var/lib/parsec:/usr/sbin/nologin\n\
                 alice:x:1000:1000::/home/alice:/bin/bash\nbob:x:1001:1001::/home/bob:/bin/bash\n"
            .to_owned(),
        group:
            "root:x:0:\nparsec:x:990:\nparsec-clients:x:980:alice\nalice:x:1000:\nbob:x:1001:\nempty:x:50:\n"
                .to_owned(),
        shadow: "root:*:1::::::\nparsec:!*:1::::::\n".to_owned(),
        commands: vec![program("/usr/libexec/parsec")],
        activity: Activity::Active,
    })
}
