//! What lies below a service's directory: it must keep within the directory's mode, belong to the service, and lead
//! nowhere else.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::claims::{Claim, Permissions};
use super::paths::with_more;
use super::tree::Node;
use super::way::End;
use super::{Audit, stated};
use crate::finding::{Finding, Severity};
use crate::manifest::PathKind;

/// How many entries are looked at below one directory.
const MOST: usize = 20_000;

/// Reading, writing and what lends rights count for files; whether they can be executed is nobody's business here.
const OF_FILES: u16 = 0o6066;
const OF_DIRECTORIES: u16 = 0o6077;

/// The first finding of each kind, and how many others there are.
type Kinds = BTreeMap<&'static str, (PathBuf, Finding, usize)>;

impl Audit<'_> {
    /// Judges what lies below a directory, apart from what is claimed on its own.
    pub(super) fn contents(&mut self, top: &Path, claim: &Claim, claims: &BTreeMap<PathBuf, Claim>) {
        let real = match self.files.way(top) {
            Ok(way) => match way.end {
                End::Found(real, node) if node.kind == PathKind::Directory => real,
                _ => return,
            },
            Err(error) => return self.told.not_known(top, &error),
        };
        let mut kinds = Kinds::new();
        let mut pending = vec![(top.to_owned(), real.clone())];
        let mut count = 0;
        while let Some((shown, directory)) = pending.pop() {
            let names = match self.files.names(&directory) {
                Ok(names) => names,
                Err(error) => {
                    self.told.not_known(&shown, &error);
                    continue;
                }
            };
            for name in names {
                count += 1;
                if count > MOST {
                    let text =
                        format!("more than {MOST} entries below `{}`: not all were looked at", top.display());
                    self.told.add(Finding::notice("path.not-known", text).of(top.display().to_string()));
                    pending.clear();
                    break;
                }
                let (shown, path) = (shown.join(&name), directory.join(&name));
                match self.files.node(&path) {
                    Ok(Some(node)) => {
                        if !claims.contains_key(&shown) {
                            self.entry((&shown, &path), &node, claim, &real, &mut kinds);
                        }
                        if node.kind == PathKind::Directory {
                            pending.push((shown, path));
                        }
                    }
                    // It went away since.
                    Ok(None) => {}
                    Err(error) => self.told.not_known(&shown, &error),
                }
            }
        }
        for (path, finding, others) in kinds.into_values() {
            self.told.of_path(&path, with_more(finding, others));
        }
    }

    fn entry(
        &self,
        (shown, path): (&Path, &Path),
        node: &Node,
        claim: &Claim,
        top: &Path,
        kinds: &mut Kinds,
    ) {
        let found = match self.judge_entry((shown, path), node, claim, top) {
            Ok(Some(found)) => found,
            Ok(None) => return,
            Err(error) => {
                let text = format!("cannot look at `{}`: {error}", shown.display());
                ("path.not-known", Severity::Notice, text)
            }
        };
        let (id, severity, text) = found;
        let entry = kinds.entry(id);
        let count =
            entry.or_insert_with(|| (shown.to_owned(), stated(id, severity, &claim.place, text.clone()), 0));
        if count.0 != shown {
            count.2 += 1;
        }
    }

    /// The first thing that is wrong with an entry.
    fn judge_entry(
        &self,
        (shown, path): (&Path, &Path),
        node: &Node,
        claim: &Claim,
        top: &Path,
    ) -> io::Result<Option<(&'static str, Severity, String)>> {
        let shown = shown.display();
        let owner = claim.owner.as_deref();
        if let Some(name) = owner
            && self.accounts.uid(name).is_some_and(|uid| uid != node.uid)
        {
            let found = self.accounts.user_name(node.uid);
            let text = format!("`{shown}` belongs to `{found}`; what lies there is `{name}`'s");
            return Ok(Some(("path.owner", Severity::Finding, text)));
        }
        if node.kind == PathKind::Symlink {
            let target = match self.files.way(path)?.end {
                End::Found(target, _) | End::Missing(target) => target,
            };
            let text =
                format!("`{shown}` is a symbolic link out of the directory, to `{}`", target.display());
            return Ok((!target.starts_with(top)).then_some(("path.link-out", Severity::Finding, text)));
        }
        if let Some(text) = self.grants(node) {
            let text = format!("`{shown}` has an access control list that {text}");
            return Ok(Some(("path.acl", Severity::Finding, text)));
        }
        let Some(Permissions::Exactly(mode) | Permissions::AtMost(mode)) = claim.mode else {
            return Ok(None);
        };
        let counts = match node.kind {
            PathKind::Directory => OF_DIRECTORIES,
            PathKind::File => OF_FILES,
            // Whoever gets at the directory may meet the service there.
            PathKind::Socket
            | PathKind::Fifo
            | PathKind::Symlink
            | PathKind::CharacterDevice
            | PathKind::BlockDevice => return Ok(None),
        };
        if node.mode & counts & !mode == 0 {
            return Ok(None);
        }
        let text = format!(
            "`{shown}` has mode {:04o}, more than the {mode:04o} of the directory declared",
            node.mode
        );
        Ok(Some(("path.mode", Severity::Finding, text)))
    }
}
