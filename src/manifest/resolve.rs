//! From the trees of the files to one tree in which every service and socket is whole: `[service]` is
//! `[services.NAME]`, drop-ins are merged, `like` is followed, the file's defaults are spread.

use std::collections::BTreeMap;

use super::document::Place;
use super::problem::Problem;
use super::tree::{Entry, Node, Table, Value, merge};
use super::words::{nearest, quoted};
use crate::gather::Gather as _;

/// Keys that may stand at the top, where they hold for every service.
pub(crate) const DEFAULTS: [&str; 8] = [
    "needs",
    "denies",
    "directories",
    "environment",
    "environment-files",
    "credentials",
    "resources",
    "override",
];

/// Needs that are sets, with a reason for each thing.
pub(crate) const SETS: [&str; 12] = [
    "runs-setuid",
    "runs-programs",
    "loads-plugins",
    "chroots",
    "writes",
    "devices",
    "kernel",
    "claims",
    "listens",
    "connects",
    "capabilities",
    "system-calls",
];

/// What names one unit only, and so is not taken over by `like`.
const OWN: [&str; 2] = ["aliases", "bus-name"];

/// How many units of a kind a manifest may declare.
const MOST_UNITS: usize = 64;

/// How many values units may inherit in all: a short file must not become a large tree.
const MOST_INHERITED: usize = 50_000;

/// How many units `like` may lead through.
const LONGEST_LIKE: usize = 8;

/// What came of resolving.
pub(crate) struct Resolved {
    pub(crate) tree: Node,
    /// The service of `[service]`, which names the package where nothing else does.
    pub(crate) main: Option<String>,
}

/// Resolves the `main` file and its `drop_ins`, in the order in which they are merged.
pub(crate) fn resolve(main: Node, drop_ins: Vec<Node>, problems: &mut Vec<Problem>) -> Resolved {
    let mut tree = main;
    let name = name_service(&mut tree, File::Main, problems);
    spell_out(&mut tree);
    for mut drop_in in drop_ins {
        name_service(&mut drop_in, File::DropIn(name.as_deref()), problems);
        spell_out(&mut drop_in);
        merge(&mut tree, drop_in);
    }
    let defaults = take_defaults(&mut tree);
    complete(&mut tree, "services", "service", Some(&defaults), problems);
    complete(&mut tree, "sockets", "socket", None, problems);
    Resolved { tree, main: name }
}

/// Which file of a manifest is at hand.
#[derive(Clone, Copy)]
enum File<'a> {
    Main,
    /// A drop-in, and the name of the main file's `[service]`.
    DropIn(Option<&'a str>),
}

/// Moves `[service]` to `[services.NAME]`. In a drop-in the name is that of the main file.
fn name_service(tree: &mut Node, file: File<'_>, problems: &mut Vec<Problem>) -> Option<String> {
    let top = tree.table_mut()?;
    let mut entry = top.remove("service")?;
    let Some(service) = entry.node.table_mut() else {
        problems.push(Problem::new(&entry.node.place, "expected a table").key("service"));
        return None;
    };
    let (name, key) = match (service.remove("name"), file) {
        (Some(Entry { node: Node { value: Value::String(name), place }, .. }), file) => {
            if let File::DropIn(Some(main)) = file
                && main != name
            {
                let message =
                    format!("the manifest's `[service]` is {}, not {}", quoted(main), quoted(&name));
                problems.push(Problem::new(&place, message).key("name"));
                return None;
            }
            (name, place)
        }
        (Some(other), _) => {
            problems.push(Problem::new(&other.node.place, "expected a service name as a string").key("name"));
            return None;
        }
        (None, File::DropIn(Some(main))) => (main.to_owned(), entry.key.clone()),
        (None, File::DropIn(None)) => {
            let message = "the manifest has no `[service]`";
            problems.push(Problem::new(&entry.key, message).key("service").help("write `[services.NAME]`"));
            return None;
        }
        (None, File::Main) => {
            problems.push(Problem::new(&entry.key, "missing key `name`").key("service"));
            return None;
        }
    };
    let services = top.entry("services".to_owned()).or_insert_with(|| Entry {
        key: entry.key.clone(),
        node: Node { value: Value::Table(Table::new()), place: entry.key.clone() },
    });
    let services = services.node.table_mut()?;
    if let Some(other) = services.get(&name) {
        let problem = Problem::new(&entry.key, format!("the service {} is declared twice", quoted(&name)));
        problems.push(problem.key("service").also(&other.key, "here as `[services.NAME]`"));
        return None;
    }
    services.insert(name.clone(), Entry { key, ..entry });
    Some(name)
}

/// Writes each need that is only a reason as a table of its `because`, so that an overlay can add a parameter.
fn spell_out(tree: &mut Node) {
    let Some(top) = tree.table_mut() else { return };
    if let Some(needs) = top.get_mut("needs") {
        spell_out_needs(&mut needs.node);
    }
    let services = top.get_mut("services").and_then(|services| services.node.table_mut());
    for service in services.into_iter().flat_map(BTreeMap::values_mut) {
        if let Some(needs) = service.node.table_mut().and_then(|service| service.get_mut("needs")) {
            spell_out_needs(&mut needs.node);
        }
    }
}

fn spell_out_needs(needs: &mut Node) {
    for (name, need) in needs.table_mut().into_iter().flatten() {
        if SETS.contains(&name.as_str()) {
            need.node.table_mut().into_iter().flat_map(BTreeMap::values_mut).for_each(spell_out_need);
        } else {
            spell_out_need(need);
        }
    }
}

fn spell_out_need(need: &mut Entry) {
    if let Value::String(_) = need.node.value {
        let table = Node { value: Value::Table(Table::new()), place: need.key.clone() };
        let because = std::mem::replace(&mut need.node, table);
        if let Some(table) = need.node.table_mut() {
            table.insert("because".to_owned(), Entry { key: need.key.clone(), node: because });
        }
    }
}

fn take_defaults(tree: &mut Node) -> Node {
    let place = tree.place.clone();
    let found = tree.table_mut().map(|top| DEFAULTS.map(|name| top.remove_entry(name)));
    let defaults: Table = found.into_iter().flatten().flatten().gather();
    Node { value: Value::Table(defaults), place }
}

/// Completes each unit of the table `kind` from what it is like, or else from the `defaults`.
fn complete(tree: &mut Node, kind: &str, one: &str, defaults: Option<&Node>, problems: &mut Vec<Problem>) {
    let Some(units) = tree.table_mut().and_then(|top| top.get_mut(kind)) else { return };
    let key = units.key.clone();
    let Some(units) = units.node.table_mut() else { return };
    if units.len() > MOST_UNITS {
        problems.push(Problem::new(&key, format!("more than {MOST_UNITS} units")).key(kind));
        return;
    }
    let parents = parents(units, one, problems);
    for unit in units.values_mut() {
        if let Some(table) = unit.node.table_mut() {
            table.remove("like");
        }
    }
    let mut whole: BTreeMap<String, Node> = BTreeMap::new();
    let mut inherited = 0_usize;
    for name in units.keys() {
        let Some(chain) = chain(name, &parents, problems) else { continue };
        // From the far end of the chain, so that each unit is completed from one that is whole.
        for name in chain.iter().rev() {
            if whole.contains_key(name) {
                continue;
            }
            let Some(own) = units.get(name) else { continue };
            let parent =
                parents.get(name).and_then(|(parent, _)| whole.get(parent)).cloned().map(without_own);
            let node = match parent.as_ref().or(defaults) {
                Some(base) if own.node.table().is_some() => {
                    inherited = inherited.saturating_add(base.size());
                    if inherited > MOST_INHERITED {
                        let message = format!("the units inherit more than {MOST_INHERITED} values");
                        problems.push(Problem::new(&key, message).key(kind));
                        return;
                    }
                    let mut base = base.clone();
                    merge(&mut base, own.node.clone());
                    Node { place: own.node.place.clone(), ..base }
                }
                _ => own.node.clone(),
            };
            whole.insert(name.clone(), node);
        }
    }
    for (name, node) in whole {
        if let Some(unit) = units.get_mut(&name) {
            unit.node = node;
        }
    }
}

fn without_own(mut unit: Node) -> Node {
    if let Some(table) = unit.table_mut() {
        table.retain(|name, _| !OWN.contains(&name.as_str()));
    }
    unit
}

/// What each unit is like, and where it says so.
fn parents(units: &Table, one: &str, problems: &mut Vec<Problem>) -> BTreeMap<String, (String, Place)> {
    let mut parents = BTreeMap::new();
    for (name, unit) in units {
        let Some(like) = unit.node.entry(&["like"]) else { continue };
        let Value::String(parent) = &like.node.value else {
            problems.push(
                Problem::new(&like.node.place, format!("expected the name of a {one} as a string"))
                    .key("like"),
            );
            continue;
        };
        if units.contains_key(parent) {
            parents.insert(name.clone(), (parent.clone(), like.node.place.clone()));
            continue;
        }
        let problem = Problem::new(&like.node.place, format!("unknown {one} {}", quoted(parent))).key("like");
        problems.push(match nearest(parent, units.keys().map(String::as_str)) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem,
        });
    }
    parents
}

/// The units that lead from `name` to one that is like no other, `name` first.
fn chain(
    name: &str,
    parents: &BTreeMap<String, (String, Place)>,
    problems: &mut Vec<Problem>,
) -> Option<Vec<String>> {
    let mut chain = vec![name.to_owned()];
    let mut at = name;
    while let Some((parent, place)) = parents.get(at) {
        if chain.contains(parent) {
            // Told once, for the first unit of the circle by name.
            if parent == name && chain.iter().all(|other| name <= other.as_str()) {
                let first = parents.get(name).map_or(place, |(_, place)| place);
                let problem = Problem::new(first, format!("{} is like itself", quoted(name))).key("like");
                problems.push(if at == name {
                    problem
                } else {
                    problem.also(place, format!("through {}", quoted(at)))
                });
            }
            return None;
        }
        if chain.len() >= LONGEST_LIKE {
            problems.push(
                Problem::new(place, format!("more than {LONGEST_LIKE} units follow each other")).key("like"),
            );
            return None;
        }
        chain.push(parent.clone());
        at = parent;
    }
    Some(chain)
}
