//! What `import` looks at beside the unit: the programs that it names, and the service as it runs on this host.

use std::collections::BTreeSet;
use std::path::Path;

use cap_std::fs::MetadataExt as _;

use super::manager::{self, Connection};
use crate::accounts::Accounts;
use crate::catalogue::{runs_as_user, search_path};
use crate::context::{Mode, Scope};
use crate::gather::Gather as _;
use crate::holes::{Privileges, Surroundings};
use crate::import::hints::running::{self, File, FileKind, Scene, Seen};
use crate::import::hints::{Looked, programs, texts};
use crate::listeners::{Held, Sockets};
use crate::posture::Posture;
use crate::process::{Fact, Part, Processes, control_groups};
use crate::program::{Program, Programs};
use crate::unit_file::{Kind, Links, Root, UnitText};

/// As many programs of one service are looked at.
const MOST_PROGRAMS: usize = 64;
/// As many names of a directory of state are looked at.
const MOST_NAMES: usize = 4096;

/// Looks at a service below a root; at what runs too, where its name is that of a unit of this host's manager.
pub(super) fn look(root: &Root, unit: &UnitText, posture: &Posture, running: Option<Scope>) -> Looked {
    let around = Surroundings::of_files(unit);
    let confined = around.commands.iter().filter(|command| command.privileges != Privileges::Unconfined);
    let mut names: Vec<String> = Vec::new();
    for command in confined {
        if !names.contains(&command.program) {
            names.push(command.program.clone());
        }
    }
    let mut looked = Looked::default();
    let texts = texts();
    let files = Programs::new(root, search_path(posture), &texts);
    let mut found: Vec<Program> = Vec::new();
    for name in names.iter().take(MOST_PROGRAMS) {
        take(files.look(name), &mut found, &mut looked);
    }
    let own: BTreeSet<String> = found
        .iter()
        .flat_map(|program| [Some(program.path.clone()), program.interpreter.clone()])
        .flatten()
        .gather();
    let keeps_root = around
        .commands
        .iter()
        .any(|command| command.key == "ExecStart" && command.privileges == Privileges::KeepsIdentity);
    if let Some(scope) = running {
        let starts_as_root = !runs_as_user(posture) || keeps_root;
        match Host::open(root, scope).and_then(|host| host.look(unit.id.as_str(), own, starts_as_root)) {
            Ok(seen) => {
                // What it became says more than what starts it.
                for name in seen.programs.iter().take(MOST_PROGRAMS) {
                    if !found.iter().any(|program| program.path == *name) {
                        take(files.look(name), &mut found, &mut looked);
                    }
                }
                looked.sightings.extend(seen.sightings);
                looked.at.insert(0, seen.at);
                looked.hidden = seen.missed;
            }
            Err(why) => looked.hidden = Some(format!("the running service: {why:#}")),
        }
    }
    looked.sightings.extend(programs::sightings(&found));
    looked
}

fn take(program: Result<Program, String>, found: &mut Vec<Program>, looked: &mut Looked) {
    match program {
        Ok(program) => {
            looked.at.push(program.path.clone());
            found.push(program);
        }
        Err(why) => looked.missed.push(why),
    }
}

/// This host, as far as it tells of running services.
struct Host<'r> {
    root: &'r Root,
    connection: Connection,
    processes: Processes,
    sockets: Sockets,
    accounts: Option<Accounts>,
    scope: Scope,
}

/// What was seen of a running service.
struct SeenRunning {
    sightings: Vec<crate::import::hints::Sighting>,
    /// The programs of its processes.
    programs: BTreeSet<String>,
    at: String,
    missed: Option<String>,
}

impl<'r> Host<'r> {
    fn open(root: &'r Root, scope: Scope) -> anyhow::Result<Self> {
        anyhow::ensure!(
            manager::is_own_bus(scope),
            "`{}` leads to another host",
            manager::bus_variable(scope)
        );
        Ok(Self {
            root,
            connection: Connection::open(scope, Mode::Loaded)?,
            processes: Processes::open("/proc")?,
            sockets: Sockets::open("/proc")?,
            accounts: Accounts::read(root)?,
            scope,
        })
    }

    fn look(&self, unit: &str, own: BTreeSet<String>, starts_as_root: bool) -> anyhow::Result<SeenRunning> {
        let asked = [unit.to_owned()];
        let answers = self.connection.manager.properties(&asked, crate::bus::Interfaces::All);
        let Some((_, answer)) = answers.into_iter().next() else {
            anyhow::bail!("the manager does not answer")
        };
        let properties = answer.map_err(|failure| anyhow::anyhow!("{failure}"))?;
        let group = properties.text("ControlGroup").filter(|path| !path.is_empty());
        let groups = control_groups("/sys/fs/cgroup");
        let group = group.zip(groups.as_ref()).and_then(|(path, groups)| groups.read(path, []));
        let numbers = group.map(|group| group.processes).unwrap_or_default();
        anyhow::ensure!(
            !numbers.is_empty(),
            "`{unit}` has no process: what it does shows while it runs, best after it was used"
        );
        let mut processes: Vec<Seen> = Vec::new();
        for number in &numbers {
            let Some(process) =
                self.processes.read(*number, &Part::all()).filter(|process| !process.is_manager_child())
            else {
                continue;
            };
            let holdings = self.processes.holdings(*number);
            let families = self.sockets.families(*number);
            processes.push(Seen { process, holdings, families });
        }
        let held = self.sockets.held(&numbers, Vec::new());
        let missed = missed(&processes, &held);
        let programs: BTreeSet<String> = (processes.iter())
            .filter_map(|one| match &one.process.program {
                Fact::Known(path) if !path.ends_with(" (deleted)") => Some(path.clone()),
                _ => None,
            })
            .gather();
        let count = processes.len();
        let scene = Scene {
            processes,
            // A user's manager is not what others are like before they do anything, but its children start so.
            manager: (self.scope == Scope::System).then(|| self.processes.read(1, &Part::all())).flatten(),
            held,
            own,
            starts_as_root,
            user: &|uid| self.user(uid),
            file: &|path| self.file(path),
            is_made: &|path| self.is_made(path),
            owned: self.owned(),
            pid_file: properties.text("PIDFile").filter(|path| path.starts_with('/')).map(str::to_owned),
        };
        let s = if count == 1 { "" } else { "es" };
        Ok(SeenRunning {
            sightings: running::sightings(&scene),
            programs,
            at: format!("{count} running process{s}"),
            missed,
        })
    }

    fn user(&self, uid: u32) -> String {
        self.accounts.as_ref().map_or_else(|| uid.to_string(), |accounts| accounts.user_name(uid))
    }

    fn file(&self, path: &str) -> Option<File> {
        let found = self.root.metadata(Path::new(path), Links::Keep).ok()??;
        let kind = match Kind::from(&found) {
            Kind::File => FileKind::Regular,
            Kind::Directory => FileKind::Directory,
            Kind::Device => FileKind::Device,
            Kind::Link | Kind::Other => FileKind::Other,
        };
        Some(File { kind, owner: found.uid(), group: found.gid(), mode: found.mode() })
    }

    /// Whether a line of tmpfiles.d(5) makes a path.
    fn is_made(&self, path: &str) -> bool {
        let folders =
            ["/etc/tmpfiles.d", "/run/tmpfiles.d", "/usr/local/lib/tmpfiles.d", "/usr/lib/tmpfiles.d"];
        folders.into_iter().any(|folder| {
            let entries = self.root.read_dir_at_most(Path::new(folder), MOST_NAMES).ok().flatten();
            entries.unwrap_or_default().iter().any(|entry| {
                let bytes = self.root.read(&Path::new(folder).join(&entry.name)).ok().flatten();
                let text = String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
                text.lines().any(|line| {
                    let mut words = line.split_ascii_whitespace();
                    let makes = words
                        .next()
                        .is_some_and(|kind| kind.starts_with(['d', 'D', 'v', 'q', 'Q', 'f', 'F']));
                    let named =
                        words.next().map(|name| name.trim_end_matches('/').replacen("/var/run/", "/run/", 1));
                    makes && named.as_deref() == Some(path)
                })
            })
        })
    }

    /// Directories of state that belong to somebody but root, two levels deep.
    fn owned(&self) -> Vec<(String, u32)> {
        const FOLDERS: [&str; 6] = ["/run", "/srv", "/var/cache", "/var/lib", "/var/log", "/var/spool"];
        let mut owned = Vec::new();
        let mut pending: Vec<(String, u32)> =
            FOLDERS.map(|folder| (folder.to_owned(), 1)).into_iter().rev().collect();
        while let Some((folder, depth)) = pending.pop() {
            let entries = self.root.read_dir_at_most(Path::new(&folder), MOST_NAMES).ok().flatten();
            for entry in entries.unwrap_or_default().iter().filter(|entry| entry.kind == Kind::Directory) {
                let path = format!("{folder}/{}", entry.name.to_string_lossy());
                let Some(file) = self.file(&path) else { continue };
                if file.owner != 0 {
                    owned.push((path, file.owner));
                } else if depth > 0 && folder != "/run" {
                    pending.push((path, depth - 1));
                }
            }
        }
        owned
    }
}

/// What of the processes could not be seen.
fn missed(processes: &[Seen], held: &Held) -> Option<String> {
    let is_hidden = |one: &&Seen| {
        let Some(holdings) = &one.holdings else { return false };
        holdings.open == Fact::Denied || holdings.memory == Fact::Denied || holdings.root == Fact::Denied
    };
    let hidden = processes.iter().filter(is_hidden).count();
    if hidden > 0 {
        Some(format!(
            "what {hidden} of {} processes hold open and map, and what they listen on; root can",
            processes.len()
        ))
    } else {
        held.hidden.as_ref().map(|why| format!("{why}; root can"))
    }
}
