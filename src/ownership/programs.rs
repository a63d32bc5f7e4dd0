//! The programs that a unit starts: who may write them, what their links and first lines lead to, or a directory on the
//! way there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Audit;
use super::way::{End, Writer};
use crate::catalogue;
use crate::finding::{Finding, Severity};
use crate::holes::Privileges;
use crate::manifest::{PathKind, Place};
use crate::unit_file::{UnitName, expand};

/// A program that a unit starts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Program {
    /// Its path, or a name that is looked up.
    path: String,
    /// Whether it runs as root, or else as the unit says.
    by_root: bool,
    /// Whether it sees what the unit hides.
    is_unconfined: bool,
    /// The line that starts it, where that is known.
    place: Option<(Arc<str>, Option<u32>)>,
}

/// Interpreters that run whatever a line of text says.
const SHELLS: [&str; 8] = ["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "busybox"];

/// As many interpreters as the kernel goes through (`exec_binprm()`).
const MOST_INTERPRETERS: usize = 5;

/// A program on its way to be run.
#[derive(Clone, Copy)]
struct Run<'a> {
    program: &'a Program,
    /// The path by which it is run.
    shown: &'a Path,
    /// A link on the way that should not be one: whatever comes of it is its doing.
    cause: Option<&'a Path>,
}

impl Audit<'_> {
    /// Judges every program of the unit.
    pub(super) fn programs(&mut self) {
        if let Some(by) = catalogue::moves_root(self.subject.posture) {
            let text = format!("the programs lie in the tree of {}=, which was not looked at", by.name);
            self.told.add(Finding { directive: Some(by), ..Finding::notice("exec.not-known", text) });
            return;
        }
        let mut seen = BTreeSet::new();
        let mut programs = self.started();
        // What root runs is judged first, as it is the graver.
        programs.sort_by_cached_key(|program| usize::from(!program.by_root));
        for program in programs {
            if seen.insert(program.path.clone()) {
                self.program(&program);
            }
        }
    }

    fn started(&self) -> Vec<Program> {
        let by_root = !catalogue::runs_as_user(self.subject.posture);
        let unit: Option<UnitName> = self.subject.posture.unit.parse().ok();
        let found = self.subject.commands.iter().filter_map(|command| {
            let path = expand(&command.program, unit.as_ref()?).ok()?;
            // What only the running manager knows cannot be looked at.
            path.open.is_empty().then(|| Program {
                path: path.text.into_owned(),
                by_root: by_root
                    || matches!(command.privileges, Privileges::Unconfined | Privileges::KeepsIdentity),
                is_unconfined: command.privileges == Privileges::Unconfined,
                place: command.place.clone(),
            })
        });
        let found: Vec<Program> = found.collect();
        if !self.subject.commands.is_empty() {
            return found;
        }
        // systemd before 244 does not publish what stands before a program.
        let declared = self.subject.planned.service.commands().map(|command| Program {
            path: command.program().to_owned(),
            by_root: by_root || command.unconfined.is_some(),
            is_unconfined: command.unconfined.is_some(),
            place: None,
        });
        declared.collect()
    }

    fn program(&mut self, program: &Program) {
        let mut next = self.located(&program.path);
        if is_shell(&next) {
            let text = format!("`{}` is a shell: what it runs is not in the unit", next.display());
            self.told.add(self.about(program, "exec.shell", Severity::Notice, text).of(program.path.clone()));
        }
        for _ in 0..MOST_INTERPRETERS {
            let way = match self.files.way(&next) {
                Ok(way) => way,
                Err(error) => return self.told.not_known(&next, &error),
            };
            let cause = self.told.cause(&way);
            let run = Run { program, shown: &next, cause: cause.as_deref() };
            for step in &way.steps {
                self.writers(run, &step.directory, &step.replacers());
            }
            let (real, node) = match way.end {
                End::Found(real, node) => (real, node),
                End::Missing(_) if self.told.is_told(&next) => return,
                End::Missing(first) => {
                    let text =
                        format!("`{}` is not there: there is no `{}`", next.display(), first.display());
                    let finding = self.about(program, "exec.missing", Severity::Finding, text);
                    return self.told.of_path(&next, finding);
                }
            };
            self.writers(run, &real, &node.writers());
            if let Some(by) = catalogue::hides(self.subject.posture, &real)
                && !program.is_unconfined
            {
                let text = format!("`{}` is `{}`, which {}= hides", next.display(), real.display(), by.name);
                let finding = self.about(program, "exec.hidden", Severity::Finding, text);
                self.told.danger(&next, Finding { directive: Some(by), ..finding });
            }
            if node.kind != PathKind::File {
                return;
            }
            let head = match self.files.head(&real) {
                Ok(head) => head,
                Err(error) => return self.told.not_known(&real, &error),
            };
            let Some(interpreter) = self.interpreter(&head) else { return };
            if is_shell(&interpreter) {
                let text = format!("`{}` is a shell script: what it runs is not in the unit", next.display());
                self.told
                    .add(self.about(program, "exec.shell", Severity::Notice, text).of(program.path.clone()));
            }
            next = interpreter;
        }
    }

    /// Who besides root may write what a program is, or what leads to it.
    fn writers(&mut self, run: Run<'_>, path: &Path, writers: &BTreeSet<Writer>) {
        let Run { program, shown, cause } = run;
        let by_root = program.by_root;
        let own = self.subject.user().and_then(|user| self.accounts.uid(user));
        let worth = |writer: &Writer| match writer {
            Writer::User(uid) if Some(*uid) == own && !by_root => Severity::Finding,
            // There is nobody in it, so far.
            Writer::Group(gid) if !self.accounts.members(*gid).iter().any(|name| *name != "root") => {
                Severity::Notice
            }
            Writer::Group(gid) if !by_root && self.is_only(own, *gid) => Severity::Finding,
            Writer::User(_) | Writer::Group(_) | Writer::Everyone => Severity::Critical,
        };
        let Some(severity) = writers.iter().map(worth).max() else { return };
        let whose = if by_root { "root".to_owned() } else { format!("`{}`", self.subject.planned.stem) };
        let who = self.named(writers);
        let (id, text) = if path == shown {
            ("exec.writable", format!("{who} may write `{}`, which {whose} runs", path.display()))
        } else {
            let text = format!(
                "{who} may write `{}`, and so choose what {whose} runs as `{}`",
                path.display(),
                shown.display()
            );
            let is_directory = shown.starts_with(path);
            (if is_directory { "path.parent-writable" } else { "exec.writable" }, text)
        };
        let finding = self.about(program, id, severity, text);
        self.told.danger(cause.unwrap_or(path), finding);
    }

    /// Whether a group has no member but the service's user.
    fn is_only(&self, own: Option<u32>, gid: u32) -> bool {
        let members = self.accounts.members(gid);
        own.is_some() && members.iter().all(|name| self.accounts.uid(name) == own)
    }

    /// The program that the first line of a script names; what env(1) looks up in place of env(1) itself.
    fn interpreter(&self, head: &[u8]) -> Option<PathBuf> {
        let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
        let line = String::from_utf8_lossy(line).into_owned();
        let mut words = line.split_ascii_whitespace();
        let interpreter = words.next()?;
        let looked_up = words.find(|word| !word.starts_with('-') && !word.contains('='));
        match looked_up {
            Some(name) if interpreter.ends_with("/env") => Some(self.located(name)),
            _ => Some(PathBuf::from(interpreter)),
        }
    }

    /// A bare name where it is found first.
    fn located(&self, path: &str) -> PathBuf {
        if path.starts_with('/') {
            return PathBuf::from(path);
        }
        let searched = catalogue::search_path(self.subject.posture);
        let mut places = searched.iter().map(|folder| Path::new(folder).join(path));
        let found =
            places.find(|place| self.files.way(place).is_ok_and(|way| matches!(way.end, End::Found(..))));
        // What is nowhere is missed where a package would have it.
        let usual = searched.iter().find(|folder| **folder == "/usr/bin").or(searched.first());
        found.unwrap_or_else(|| Path::new(usual.copied().unwrap_or("/usr/bin")).join(path))
    }

    fn about(&self, program: &Program, id: &'static str, severity: Severity, text: String) -> Finding {
        let commands = self.subject.planned.service.commands();
        let mut declared = commands.filter(|command| command.program() == program.path);
        let declared: Option<&Place> = declared.next().map(|command| &command.place);
        let place = program.place.clone().or_else(|| declared.map(super::at));
        Finding { severity, place, ..Finding::new(id, text) }
    }
}

fn is_shell(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| SHELLS.contains(&name))
}
