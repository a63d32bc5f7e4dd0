//! Loading: from the texts of a manifest and its drop-ins to a checked [`Manifest`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::check::check;
use super::document::{Package, PathKind, Place, Scope};
use super::problem::{ManifestError, Problem};
use super::read::{read, read_key};
use super::resolve::{DEFAULTS, Resolved, resolve};
use super::tree::{Node, Value, parse};
use super::words::{AbsolutePath, PackageName, ServiceName, Text, UserName, nearest, quoted};
use super::{EDITION, FileFormat, Limit, Manifest, Service};

/// How many bytes a manifest may have together with its drop-ins. What is spread to every service is bounded by it.
pub const LARGEST: usize = 128 * 1024;

/// Keys of the top of a manifest, apart from those that hold for every service.
pub(crate) const TOP: [&str; 14] = [
    "edition",
    "strictness",
    "scope",
    "package",
    "users",
    "groups",
    "service",
    "services",
    "sockets",
    "timers",
    "paths",
    "guards",
    "contents",
    "accept",
];

/// A file that was read.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Its path, as errors shall call it.
    pub path: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
}

/// A manifest's file and its drop-ins, `NAME.toml.d/*.toml`.
#[derive(Clone, Debug)]
pub struct Sources<'a> {
    /// The manifest.
    pub main: Source<'a>,
    /// The drop-ins in any order: they are merged in the byte order of their base names.
    pub drop_ins: Vec<Source<'a>>,
}

/// What loading must know of the rest of the program.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether a directive of the `[Service]` section (without `=`) confines: then it may stand in `[override]` and
    /// not among the literal lines.
    pub confines: fn(&str) -> bool,
    /// The key of a service that says a directive of a section, where a row of the catalogue has it.
    pub key: fn(&str, &str) -> Option<&'static str>,
}

/// Loads a manifest.
///
/// # Errors
///
/// Everything that is wrong with it: the first syntax error of each file; else every unknown key and every value of the
/// wrong shape; else every contradiction.
pub fn load(sources: &Sources<'_>, options: &Options) -> Result<Manifest, ManifestError> {
    let mut drop_ins: Vec<Source<'_>> = sources.drop_ins.clone();
    drop_ins.sort_by_key(|source| base_name(source.path));
    let path: Arc<str> = sources.main.path.into();
    let fail = |problem| ManifestError::new(vec![problem]);

    let size = drop_ins
        .iter()
        .fold(sources.main.bytes.len(), |size, source| size.saturating_add(source.bytes.len()));
    if size > LARGEST {
        let place = Place { file: path, line: 1, column: 1 };
        return Err(fail(Problem::new(
            &place,
            format!("the manifest has {size} bytes, more than {LARGEST}"),
        )));
    }

    let mut problems = Vec::new();
    let drop_in_paths: Vec<Arc<str>> = drop_ins.iter().map(|source| source.path.into()).collect();
    let main = parse(&path, sources.main.bytes).map_err(|problem| problems.push(*problem)).ok();
    let mut trees = Vec::new();
    for (source, path) in drop_ins.iter().zip(&drop_in_paths) {
        match parse(path, source.bytes) {
            Ok(tree) => trees.push(tree),
            Err(problem) => problems.push(*problem),
        }
    }
    let Some(main) = main.filter(|_| problems.is_empty()) else {
        return Err(ManifestError::new(problems));
    };
    for tree in std::iter::once(&main).chain(&trees) {
        check_edition(tree, tree.place == main.place, &mut problems);
    }
    if !problems.is_empty() {
        return Err(ManifestError::new(problems));
    }

    let resolved = resolve(main, trees, &mut problems);
    let manifest = read_tree(&resolved, path, drop_in_paths, &mut problems);
    let Some(mut manifest) = manifest.filter(|_| problems.is_empty()) else {
        return Err(ManifestError::new(problems));
    };
    fill_in(&mut manifest, &resolved.tree, &mut problems);
    let mut notices = check(&manifest, &resolved.tree, *options, &mut problems);
    notices.extend(withhold_reloads(&mut manifest));
    notices.sort_unstable();
    manifest.notices = notices;
    if problems.is_empty() { Ok(manifest) } else { Err(ManifestError::new(problems)) }
}

fn base_name(path: &str) -> &[u8] {
    path.rsplit('/').next().unwrap_or(path).as_bytes()
}

/// Another edition may have another vocabulary, so it is told before anything else.
fn check_edition(tree: &Node, required: bool, problems: &mut Vec<Problem>) {
    let Some(entry) = tree.entry(&["edition"]) else {
        if required {
            let problem = Problem::new(&tree.place, "missing key `edition`").key("edition");
            problems.push(problem.help(format!("write `edition = {EDITION}`")));
        }
        return;
    };
    match entry.node.value {
        Value::Integer(edition) if edition == i64::from(EDITION) => {}
        Value::Integer(edition) => {
            let message = format!("edition {edition} is not known: this release reads edition {EDITION}");
            problems.push(Problem::new(&entry.node.place, message).key("edition"));
        }
        _ => {
            let message = format!("expected the number {EDITION}");
            problems.push(Problem::new(&entry.node.place, message).key("edition"));
        }
    }
}

fn read_tree(
    resolved: &Resolved,
    path: Arc<str>,
    drop_ins: Vec<Arc<str>>,
    problems: &mut Vec<Problem>,
) -> Option<Manifest> {
    let tree = &resolved.tree;
    for (name, entry) in tree.table().into_iter().flatten().filter(|(name, _)| !TOP.contains(&name.as_str()))
    {
        let problem = Problem::new(&entry.key, format!("unknown key {}", quoted(name))).key(name);
        problems.push(match nearest(name, TOP.into_iter().chain(DEFAULTS)) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem,
        });
    }
    let package: Option<Package> = read_one(tree, "package", problems);
    let services: BTreeMap<ServiceName, Service> = read_table(tree, "services", problems);
    let strictness = read_one(tree, "strictness", problems);
    let scope = read_one(tree, "scope", problems);
    let users = read_table(tree, "users", problems);
    let groups = read_table(tree, "groups", problems);
    let sockets = read_table(tree, "sockets", problems);
    let timers = read_table(tree, "timers", problems);
    let paths = read_table(tree, "paths", problems);
    let guards = read_table(tree, "guards", problems);
    let contents = read_table(tree, "contents", problems);
    let accept = read_table(tree, "accept", problems);
    if !problems.is_empty() {
        return None;
    }
    if services.is_empty() {
        problems
            .push(Problem::new(&tree.place, "the manifest declares no service").help("write `[service]`"));
        return None;
    }
    let package = package.unwrap_or_default();
    let main = resolved.main.as_deref().or_else(|| match services.keys().collect::<Vec<_>>().as_slice() {
        [only] => Some(only.as_str()),
        _ => None,
    });
    let name = package.name.or_else(|| PackageName::read(main?.trim_end_matches('@')).ok());
    let Some(name) = name else {
        let message = "the package needs a name: the services do not give it one";
        let place = tree.place_of(&["package"]);
        problems.push(Problem::new(place, message).help("write `[package]` with `name`"));
        return None;
    };
    Some(Manifest {
        path,
        package: name,
        edition: EDITION,
        strictness: strictness.unwrap_or_default(),
        scope: scope.unwrap_or_default(),
        documentation: package.documentation,
        users,
        groups,
        services,
        sockets,
        timers,
        paths,
        guards,
        contents,
        accept,
        drop_ins,
        notices: Vec::new(),
    })
}

fn read_one<T: DeserializeOwned>(tree: &Node, name: &str, problems: &mut Vec<Problem>) -> Option<T> {
    read(&tree.entry(&[name])?.node, name, problems)
}

fn read_table<K, V>(tree: &Node, name: &str, problems: &mut Vec<Problem>) -> BTreeMap<K, V>
where
    K: DeserializeOwned + Ord,
    V: DeserializeOwned,
{
    let Some(found) = tree.entry(&[name]) else { return BTreeMap::new() };
    let Some(table) = found.node.table() else {
        problems.push(Problem::new(&found.node.place, "expected a table").key(name));
        return BTreeMap::new();
    };
    let mut entries = BTreeMap::new();
    for (name, entry) in table {
        let key = read_key(name, entry, problems);
        let value = read(&entry.node, name, problems);
        if let (Some(key), Some(value)) = (key, value) {
            entries.insert(key, value);
        }
    }
    entries
}

/// Fills in what follows from the rest of the manifest where nothing was said.
fn fill_in(manifest: &mut Manifest, tree: &Node, problems: &mut Vec<Problem>) {
    let users: Vec<UserName> = manifest.users.keys().cloned().collect();
    let own = manifest.users.iter().filter(|(_, user)| !user.exists);
    let own: Vec<UserName> = own.map(|(name, _)| name.clone()).collect();
    for (name, service) in &mut manifest.services {
        if service.documentation.is_empty() {
            service.documentation.clone_from(&manifest.documentation);
        }
        let as_root = service.needs.starts_as_root.as_ref().is_some_and(super::Stated::is_on);
        if service.user.is_some() || as_root || manifest.scope == Scope::User {
            continue;
        }
        // Users of others are named as members of groups, say; the package's own are there to run services.
        if let ([only], _) | (_, [only]) = (users.as_slice(), own.as_slice()) {
            service.user = Some(only.clone());
            continue;
        }
        let message = match users.len() {
            0 => format!("{} would run as root without a reason", quoted(&name.unit())),
            _ => format!("{} does not say which of the users it runs as", quoted(&name.unit())),
        };
        let help = "state `user`, or `needs.starts-as-root` with a reason";
        problems.push(Problem::new(tree.place_of(&["services", name.as_str()]), message).help(help));
    }
    for (stem, socket) in &mut manifest.sockets {
        let default = if socket.accept { format!("{}@", stem.prefix()) } else { stem.as_str().to_owned() };
        if socket.starts.is_none() && socket.proxy_to.is_none() {
            socket.starts = ServiceName::read(&default).ok();
        }
    }
    for (stem, timer) in &mut manifest.timers {
        if timer.starts.is_none() {
            timer.starts = ServiceName::read(stem.as_str()).ok();
        }
    }
    fill_in_formats(manifest);
    for (path, rule) in &mut manifest.paths {
        rule.kind.get_or_insert(if path.is_directory() { PathKind::Directory } else { PathKind::File });
    }
}

/// Each file's format: as stated, that of environment files where a service names it as one, or by its name.
fn fill_in_formats(manifest: &mut Manifest) {
    let environment: BTreeSet<AbsolutePath> = manifest
        .services
        .values()
        .flat_map(|service| service.environment_files.iter().map(|file| file.path.clone()))
        .collect();
    let usual = |file: &AbsolutePath| {
        if environment.contains(file) { Some(FileFormat::Env) } else { FileFormat::of(file.as_str()) }
    };
    let mut stated: BTreeMap<AbsolutePath, FileFormat> = BTreeMap::new();
    for contents in manifest.contents.values_mut() {
        contents.format = contents.format.or_else(|| usual(contents.files.first()?));
        if let Some(format) = contents.format {
            stated.extend(contents.files.iter().map(|file| (file.clone(), format)));
        }
    }
    let format = |file: &AbsolutePath| stated.get(file).copied().or_else(|| usual(file));
    let rules = manifest.contents.values_mut().flat_map(|contents| contents.keys.values_mut());
    for limit in rules.flat_map(|rule| [&mut rule.at_most, &mut rule.at_least]) {
        if let Some(Limit::Key(of)) = limit {
            of.format = of.format.or_else(|| format(&of.file));
        }
    }
    for guard in manifest.guards.values_mut() {
        guard.format = guard.format.or_else(|| format(guard.file.as_ref()?));
    }
}

/// Takes away what would take over a changed file while a guarded store holds entries, and says so.
fn withhold_reloads(manifest: &mut Manifest) -> Vec<Problem> {
    let Some((guard, stated)) = manifest.guards.iter().find(|(_, guard)| guard.forbids_reload()) else {
        return Vec::new();
    };
    let mut notices = Vec::new();
    for service in manifest.services.values_mut() {
        if service.reload_despite_guards.is_some() {
            continue;
        }
        if let Some(first) = service.reload.0.first() {
            let message =
                format!("`ExecReload=` is left out because of the guard {}", quoted(guard.as_str()));
            notices.push(
                Problem::new(&first.place, message)
                    .key("reload")
                    .also(&stated.place, "the guard is declared here")
                    .help("where a reload is fine all the same, say why in `reload-despite-guards`"),
            );
        }
        service.reload.0.clear();
    }
    notices
}
