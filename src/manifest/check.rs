//! Contradictions: what each key allows by itself and the manifest as a whole does not.
//!
//! Each is told with both places. What contradicts a directive of systemd that only the policy chooses is the policy's.

mod contents;
mod paths;
mod services;
mod units;
mod users;

use super::document::Place;
use super::load::Options;
use super::problem::Problem;
use super::tree::{Node, Value};
use super::words::{INSTANCE_SPECIFIERS, holds_specifier, nearest, quoted};
use super::{Manifest, ServiceName};

/// Checks `manifest`, which was read from `tree`, and returns what deserves notice only.
pub(crate) fn check(
    manifest: &Manifest,
    tree: &Node,
    options: Options,
    problems: &mut Vec<Problem>,
) -> Vec<Problem> {
    let mut checks = Checks { manifest, tree, options, problems: Vec::new(), notices: Vec::new() };
    checks.users();
    checks.services();
    checks.sockets();
    checks.timers();
    checks.paths();
    checks.guards();
    checks.contents();
    checks.instances();
    problems.append(&mut checks.problems);
    checks.notices.sort_unstable();
    checks.notices
}

struct Checks<'a> {
    manifest: &'a Manifest,
    tree: &'a Node,
    options: Options,
    problems: Vec<Problem>,
    notices: Vec<Problem>,
}

impl<'a> Checks<'a> {
    fn place(&self, path: &[&str]) -> &'a Place {
        self.tree.place_of(path)
    }

    fn is_service(&self, name: &ServiceName) -> bool {
        self.manifest.services.contains_key(name)
    }

    /// A reference to a service that is not there.
    fn unknown_service(&mut self, place: &Place, key: &str, name: &ServiceName) {
        let problem = Problem::new(place, format!("unknown service {}", quoted(name.as_str()))).key(key);
        let known = self.manifest.services.keys().map(ServiceName::as_str);
        self.problems.push(match nearest(name.as_str(), known) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem,
        });
    }

    /// `%i` and `%I` mean something in templates only, and nothing in tmpfiles.d.
    fn instances(&mut self) {
        let outside = "outside of a template";
        for name in self.manifest.services.keys().filter(|name| !name.is_template()) {
            self.refuse_instances(&["services", name.as_str()], outside);
        }
        for name in self.manifest.services.keys() {
            self.refuse_instances(&["services", name.as_str(), "log"], "in tmpfiles.d, which makes the file");
        }
        for kind in ["sockets", "timers"] {
            let stems: Vec<&str> = self
                .tree
                .entry(&[kind])
                .and_then(|entry| entry.node.table())
                .into_iter()
                .flat_map(|table| table.keys().map(String::as_str))
                .collect();
            for stem in stems.into_iter().filter(|stem| !stem.ends_with('@')) {
                self.refuse_instances(&[kind, stem], outside);
            }
        }
        for top in ["paths", "users"] {
            self.refuse_instances(&[top], "in files that are not units");
        }
    }

    fn refuse_instances(&mut self, path: &[&str], why: &str) {
        let Some(entry) = self.tree.entry(path) else { return };
        let mut found = Vec::new();
        find_instances(&entry.node, path.last().copied().unwrap_or_default(), false, &mut found);
        for (place, key) in found {
            let message = format!("the specifiers `%i` and `%I` stand for nothing {why}");
            self.problems.push(Problem::new(&place, message).key(key));
        }
    }
}

/// Where `node`, which stands under `key`, holds a specifier of instances. Reasons are not looked at: they are not
/// rendered but as comments. Those of `needs` and `denies` stand there as plain strings too.
fn find_instances(node: &Node, key: &str, reasons: bool, found: &mut Vec<(Place, String)>) {
    match &node.value {
        Value::String(text) if !reasons && holds_specifier(text, INSTANCE_SPECIFIERS) => {
            found.push((node.place.clone(), key.to_owned()));
        }
        Value::Array(nodes) => {
            for node in nodes {
                find_instances(node, key, false, found);
            }
        }
        Value::Table(table) => {
            for (name, entry) in table {
                if holds_specifier(name, INSTANCE_SPECIFIERS) {
                    found.push((entry.key.clone(), name.clone()));
                }
                let reasons = matches!(name.as_str(), "because" | "bare-port" | "denies" | "from") || reasons;
                find_instances(&entry.node, name, reasons, found);
            }
        }
        _ => {}
    }
}
