//! Rules for paths against each other and against the directories that services make themselves.

use super::Checks;
use super::services::directory_name;
use crate::manifest::document::{Enforce, PathKind, PathRule};
use crate::manifest::problem::Problem;
use crate::manifest::words::{RulePath, Text, UserName, quoted};

impl Checks<'_> {
    pub(super) fn paths(&mut self) {
        for (path, rule) in &self.manifest.paths {
            let at = |key| self.place(&["paths", path.as_str(), key]);
            let (kind, enforce) = (at("kind"), at("enforce"));
            if path.is_directory() && rule.kind.is_some_and(|kind| kind != PathKind::Directory) {
                let problem = Problem::new(kind, "a path that ends in `/` is a directory").key("kind");
                self.problems.push(problem.also(&rule.place, quoted(path.as_str())));
            }
            if rule.enforce == Enforce::Boot && rule.because.is_none() {
                let problem = Problem::new(
                    enforce,
                    "undoing at every boot what an administrator changed needs a reason",
                );
                self.problems.push(problem.key("enforce").help("say why with `because`"));
            }
            if rule.enforce != Enforce::Audit && rule.kind.is_some_and(|kind| !made_by_tmpfiles(kind)) {
                let message = "only files, directories and pipes can be made";
                self.problems.push(
                    Problem::new(enforce, message).key("enforce").also(kind, "the kind is stated here"),
                );
            }
            self.same_path(path, rule);
            self.beside_directories(path, rule);
            self.unsafe_transition(path, rule);
        }
    }

    /// `/x` and `/x/` are one path.
    fn same_path(&mut self, path: &RulePath, rule: &PathRule) {
        let marked = RulePath::read(&format!("{}/", path.as_str())).ok();
        let other = marked.and_then(|marked| self.manifest.paths.get_key_value(&marked));
        if let Some((other, twice)) = other {
            let problem = Problem::new(&twice.place, format!("{} is declared twice", quoted(path.path())));
            self.problems.push(problem.key(other.as_str()).also(&rule.place, "here"));
        }
    }

    /// systemd-tmpfiles would set the one at boot, the manager the other at each start.
    fn beside_directories(&mut self, path: &RulePath, rule: &PathRule) {
        for (name, service) in &self.manifest.services {
            for (kind, directory) in service.directories.each() {
                let root = match kind {
                    "state" => "/var/lib",
                    "cache" => "/var/cache",
                    "logs" => "/var/log",
                    "runtime" => "/run",
                    _ => "/etc",
                };
                if path.path() != format!("{root}/{}", directory_name(name, directory)) {
                    continue;
                }
                if rule.enforce != Enforce::Audit {
                    let message = format!("{} would be set up twice", quoted(path.path()));
                    let problem = Problem::new(&rule.place, message).key(path.as_str());
                    self.problems.push(problem.also(
                        &directory.place,
                        format!("as the {kind} directory of {}", quoted(&name.unit())),
                    ));
                } else if let (Some(rule_mode), Some(mode)) = (rule.mode, directory.mode)
                    && rule_mode != mode
                {
                    let place = self.place(&["paths", path.as_str(), "mode"]);
                    let message = format!("{} has two modes: {rule_mode} and {mode}", quoted(path.path()));
                    self.problems.push(
                        Problem::new(place, message).key("mode").also(&directory.place, "the other one"),
                    );
                }
            }
        }
    }

    /// systemd-tmpfiles does not go through a directory that one user owns inside of one that another unprivileged
    /// user owns ("Detected unsafe path transition").
    fn unsafe_transition(&mut self, path: &RulePath, rule: &PathRule) {
        if rule.enforce == Enforce::Audit {
            return;
        }
        // In the order of paths, so each lies below the one before it.
        let above: Vec<(&RulePath, &PathRule)> = self
            .manifest
            .paths
            .iter()
            .filter(|(other, _)| other.is_directory() && is_below(path, other))
            .collect();
        for ((outer, outer_rule), (inner, inner_rule)) in above.iter().zip(above.iter().skip(1)) {
            let (Some(outer_owner), Some(inner_owner)) = (owner(outer_rule), owner(inner_rule)) else {
                continue;
            };
            if outer_owner == "root" || outer_owner == inner_owner {
                continue;
            }
            let message = format!(
                "systemd-tmpfiles refuses to go through {} of {outer_owner} and {} of {inner_owner}",
                quoted(outer.as_str()),
                quoted(inner.as_str()),
            );
            let problem = Problem::new(&rule.place, message).key(path.as_str());
            self.problems.push(problem.also(&inner_rule.place, "the inner one"));
            return;
        }
    }
}

/// Who owns the path, if that is known: what is made belongs to root where nothing is said.
fn owner(rule: &PathRule) -> Option<&str> {
    let made = (rule.enforce != Enforce::Audit).then_some("root");
    rule.owner.as_ref().map(UserName::as_str).or(made)
}

fn made_by_tmpfiles(kind: PathKind) -> bool {
    matches!(kind, PathKind::File | PathKind::Directory | PathKind::Fifo)
}

fn is_below(path: &RulePath, directory: &RulePath) -> bool {
    path != directory && path.as_str().starts_with(directory.as_str())
}
