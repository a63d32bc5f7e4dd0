//! `import`: units in, manifests out, and units again that mean the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use systemd_harden::catalogue;
use systemd_harden::commands::manifest_file;
use systemd_harden::context::{Context, Mode, Scope, UnitType};
use systemd_harden::drift::{self, Relation};
use systemd_harden::manifest::words::TimeSpan;
use systemd_harden::manifest::{Grant, NeedEntry, Source, Sources, load};
use systemd_harden::posture::{Origin, Posture};
use systemd_harden::syscalls::Architecture;
use systemd_harden::unit_file::{
    Assignment, Escapes, Load, Loader, Quotes, Root, SearchPath, UnitName, UnitText, expand, split,
};
use systemd_harden::unit_posture::read;

use crate::figures::copy_with_links;
use crate::generate::shipped;
use crate::harness::{command, copy_tree, each_case, same, scratch};

/// Each folder of tests/cases/import holds `arguments`, the files that they name, and what comes of it: `stdout`,
/// `stderr` and `status`. `UPDATE_GOLDEN=1` rewrites them.
#[test]
fn cases() -> Result<()> {
    each_case("import", 8, run)
}

fn run(case: &Path) -> Result<()> {
    let folder = scratch()?;
    copy_tree(case, folder.path())?;
    let arguments = fs::read_to_string(case.join("arguments")).context("reading `arguments`")?;
    let here = folder.path().to_str().context("a path that is not UTF-8")?;
    let output =
        command(&["import"]).args(arguments.split_whitespace()).current_dir(folder.path()).output()?;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).map(|text| text.replace(here, "."));
    let status = output.status.code().context("a signal")?;
    let stdout = text(output.stdout)?;
    if status < 2 {
        // What was written loads, and renders.
        let manifest = folder.path().join("imported.toml");
        fs::write(&manifest, &stdout)?;
        let generated = command(&["generate", "--target", "systemd-262"]).arg(&manifest).output()?;
        let stderr = String::from_utf8_lossy(&generated.stderr);
        ensure!(generated.status.code() == Some(0), "it does not render: {stderr}");
    }
    same(&case.join("stdout"), &stdout)?;
    same(&case.join("stderr"), &text(output.stderr)?)?;
    same(&case.join("status"), &format!("{status}\n"))
}

#[derive(Deserialize)]
struct Expected {
    root: String,
    unit: String,
    error: Option<String>,
}

/// What came of a corpus.
#[derive(Default)]
struct Table {
    units: usize,
    without_literal: usize,
    lines: BTreeMap<String, usize>,
    overrides: BTreeMap<String, usize>,
    strictness: BTreeMap<String, usize>,
    incomplete: Vec<String>,
    wrong: Vec<String>,
}

/// The corpus is other people's files, so it is not part of this project; `SYSTEMD_HARDEN_CORPUS` names its folder.
#[test]
fn real_units_come_back_from_their_manifests() -> Result<()> {
    let Some(corpus) = std::env::var_os("SYSTEMD_HARDEN_CORPUS").map(PathBuf::from) else {
        writeln!(std::io::stderr(), "did not run: SYSTEMD_HARDEN_CORPUS names no corpus")?;
        return Ok(());
    };
    let roots = scratch()?;
    copy_with_links(&corpus.join("roots"), roots.path())?;
    let mut table = Table::default();
    for line in fs::read_to_string(corpus.join("expected-252.jsonl"))?.lines() {
        let Expected { root, unit, error } = serde_json::from_str(line)?;
        if error.is_some() {
            continue;
        }
        table.units += 1;
        let root = roots.path().join(root);
        if let Err(failure) = round(&root, &unit, &mut table) {
            table.wrong.push(format!("{}/{unit}: {failure:#}", root.display()));
        }
    }
    let Table { units, without_literal, lines, overrides, strictness, incomplete, wrong } = &table;
    let mut report = format!(
        "{units} units, {without_literal} without a literal line; strictness {strictness:?}\n\
         lines {lines:?}\noverrides {overrides:?}\nnot all taken over: {incomplete:#?}\n"
    );
    report.push_str(&wrong.join("\n"));
    writeln!(std::io::stderr(), "{report}")?;
    ensure!(*units > 200, "only {units} units");
    ensure!(wrong.is_empty(), "{} of {units} are wrong", wrong.len());
    Ok(())
}

/// Imports a unit, renders the manifest and compares.
fn round(root: &Path, unit: &str, table: &mut Table) -> Result<()> {
    let folder = scratch()?;
    let manifest = folder.path().join("manifest.toml");
    let imported = command(&["import", "--systemd", "252", unit, "--output"])
        .arg(&manifest)
        .arg("--root")
        .arg(root)
        .output()?;
    let stderr = String::from_utf8_lossy(&imported.stderr).into_owned();
    match imported.status.code() {
        Some(0) => {}
        Some(1) => table.incomplete.push(format!("{unit}: {stderr}")),
        _ => anyhow::bail!("{stderr}"),
    }
    let made = folder.path().join("made");
    let generated =
        command(&["generate", "--target", "systemd-252", "--output"]).arg(&made).arg(&manifest).output()?;
    let stderr = String::from_utf8_lossy(&generated.stderr);
    ensure!(generated.status.code() == Some(0), "does not render: {stderr}");
    let text: toml::Table = fs::read_to_string(&manifest)?.parse()?;
    tally(&text, table);

    let found = units(root, "/etc/systemd/system:/usr/lib/systemd/system", unit)?;
    let back = units(&made, "/", &own_name(&found))?;
    let mut differences = postures(&found, &back);
    differences.extend(settings(&found, &back));
    for file in fs::read_dir(&made)? {
        let name = file?.file_name().into_string().ok().context("a name that is not UTF-8")?;
        let suffix = Path::new(&name).extension();
        if suffix.is_some_and(|suffix| suffix == "socket" || suffix == "timer") {
            let found = units(root, "/etc/systemd/system:/usr/lib/systemd/system", &name)?;
            differences.extend(settings(&found, &units(&made, "/", &name)?));
        }
    }
    differences.extend(complaints(root, &made, &own_name(&found))?);
    ensure!(differences.is_empty(), "\n  {}", differences.join("\n  "));
    Ok(())
}

/// What the project renders itself, imported again: each need that opens something is found in the unit, and none that
/// is not there. Reasons are not in a unit but as comments; what is off, or opens nothing, is not in it at all.
#[test]
fn rendered_units_give_their_needs_back() -> Result<()> {
    let (mut told, mut wrong) = (0, Vec::new());
    for path in shipped()? {
        let manifest = manifest_file::read(&path)?.manifest;
        let folder = path.parent().context("a file has a folder")?;
        for (name, service) in &manifest.services {
            let output = command(&["import", "--systemd", "252"]).arg(folder.join(name.unit())).output()?;
            let stderr = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.code() == Some(0), "{}: {stderr}", name.unit());
            let sources = Source { path: "imported.toml", bytes: &output.stdout };
            let imported = load(&Sources { main: sources, drop_ins: Vec::new() }, &catalogue::FOR_MANIFESTS)?;
            ensure!(imported.strictness == manifest.strictness, "{}: {:?}", name.unit(), imported.strictness);
            let own = &imported.services.get(name).context("another service")?.needs;
            let stated = service.needs.entries();
            let wanted: BTreeSet<String> =
                stated.iter().filter(|entry| entry.default == Grant::On).filter_map(sense).collect();
            let found: BTreeSet<String> = own.entries().iter().filter_map(sense).collect();
            told += wanted.len();
            let lost: Vec<_> = wanted.difference(&found).collect();
            let made_up: Vec<_> = found.difference(&wanted).collect();
            // A service that listens over IP may do so for whom it connects to.
            let made_up: Vec<_> = made_up
                .into_iter()
                .filter(|need| {
                    need.as_str() != "connects" || !wanted.iter().any(|need| need.starts_with("listens"))
                })
                // Who makes a directory that is not the service's own is not in the unit: it writes there.
                .filter(|need| !need.starts_with("writes /run/") || service.directories.runtime.is_none())
                .collect();
            if !lost.is_empty() || !made_up.is_empty() {
                wrong.push(format!("{}: lost {lost:?}, made up {made_up:?}", name.unit()));
            }
        }
    }
    ensure!(told > 15, "only {told} needs can be told");
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// A need as a unit shows it: none where it opens nothing in one.
fn sense(entry: &NeedEntry<'_>) -> Option<String> {
    let item = entry.item.as_deref().unwrap_or_default();
    match (entry.need, item) {
        // Sockets of the machine's own are open to everybody whom their permissions let in.
        ("connects" | "listens", item) if item.starts_with("unix ") || item.starts_with("dbus ") => None,
        // Which services share with it is told by none of them.
        ("shares-ipc", _) => None,
        // Of the ends only the port that is bound is in a unit, and whether they lie within the machine.
        ("listens", item) => item.rsplit([':', ' ']).next().map(|port| format!("listens {port}")),
        ("connects", _) => Some("connects".to_owned()),
        (need, item) => Some(format!("{need} {}", item.trim_end_matches('/'))),
    }
}

/// The name of a unit's file: of an instance its template's, of a link what it leads to.
fn own_name(unit: &UnitText) -> String {
    unit.id.template().map_or_else(|| unit.id.to_string(), |template| template.to_string())
}

fn tally(manifest: &toml::Table, table: &mut Table) {
    let strictness = manifest.get("strictness").and_then(toml::Value::as_str).unwrap_or("default");
    *table.strictness.entry(strictness.to_owned()).or_default() += 1;
    let below =
        |value: Option<&toml::Value>| value.and_then(toml::Value::as_table).cloned().unwrap_or_default();
    let sections = below(manifest.get("service").and_then(|service| service.get("unit")));
    let lines: Vec<String> =
        sections.iter().flat_map(|(_, keys)| below(Some(keys))).map(|(key, _)| key).collect();
    let overrides = below(manifest.get("override"));
    table.without_literal += usize::from(lines.is_empty() && overrides.is_empty());
    for line in lines {
        *table.lines.entry(line).or_default() += 1;
    }
    for (name, _) in overrides {
        *table.overrides.entry(name).or_default() += 1;
    }
}

fn units(root: &Path, search: &str, unit: &str) -> Result<UnitText> {
    let root = Root::open(root)?;
    let mut loader = Loader::new(&root, SearchPath::from_unit_path(search)?);
    let mut name: UnitName = unit.parse()?;
    if name.is_template() {
        name = name.with_instance("i")?;
    }
    match loader.load(&name)? {
        Load::Loaded(text) => Ok(text),
        other => anyhow::bail!("{unit} does not load: {other:?}"),
    }
}

/// Where the second unit is weaker than the first, or other than what that says.
fn postures(found: &UnitText, back: &UnitText) -> Vec<String> {
    let context = Context {
        release: systemd_harden::release::Release::latest(252),
        mode: Mode::Loaded,
        scope: Scope::System,
        unit_type: UnitType::Service,
        architecture: Architecture::X86_64,
    };
    let posture = |text: &UnitText| read(text, &Posture::unset(text.id.as_str(), context)).posture;
    let (mut wanted, made) = (posture(found), posture(back));
    for row in
        catalogue::all().iter().filter(|row| wanted.get(row).origin != Origin::Default).collect::<Vec<_>>()
    {
        let value = wanted.get(row).value.clone();
        wanted.put(row, value, Origin::Policy(Vec::new()));
    }
    let mut differences = Vec::new();
    for difference in drift::compare(&wanted, &made).differences {
        let row = difference.directive;
        if difference.relation == Relation::Unexplained {
            continue;
        }
        let said = says(found, row);
        // The group of a user that the package makes is named; an answer to calls that are not filtered is none.
        let same = !said && (row.name == "Group" || row.beside.is_some_and(|base| !wanted.is_on(base)));
        if !same && (said || difference.relation != Relation::Stricter) {
            differences.push(format!("{} {} is now {}", row.name, difference.wanted, difference.found));
        }
    }
    // Also what says nothing by itself: it was there for what may come to be set.
    for (row, setting) in wanted.iter() {
        let said = says(found, row);
        let (one, other) = (row.kind.write(&setting.value), row.kind.write(&made.get(row).value));
        let moot = row.beside.is_some_and(|base| !made.is_on(base));
        if said && moot && one != other {
            differences.push(format!("{} {one} is now {other}", row.name));
        }
    }
    differences
}

fn says(unit: &UnitText, row: &catalogue::Directive) -> bool {
    let mut lines = unit.assignments.iter();
    lines.any(|line| catalogue::find(&line.key) == Some(row) && line.section == row.sections.of_service())
}

/// What two units say of what is not confinement, each in its own words.
fn settings(found: &UnitText, back: &UnitText) -> Vec<String> {
    let (found_words, back_words) = (meaning(found), meaning(back));
    let keys: BTreeSet<_> = found_words.keys().chain(back_words.keys()).collect();
    let mut differences = Vec::new();
    for key in keys {
        let (one, other) = (found_words.get(key), back_words.get(key));
        // Every socket and timer is described.
        if one != other && !(key.1 == "Description" && one.is_none()) {
            differences.push(format!("{} {}: {one:?} is now {other:?}", found.id, key.1));
        }
    }
    differences
}

type Meaning = BTreeMap<(String, String), Vec<String>>;

/// Each directive that the catalogue does not judge, as a list of what it comes to.
fn meaning(unit: &UnitText) -> Meaning {
    let unit_type = UnitType::of(unit.id.as_str());
    let mut meaning = Meaning::new();
    for Assignment { section, key, value, .. } in &unit.assignments {
        let judged = catalogue::find(key).is_some_and(|row| row.sections.contain(section, unit_type));
        if section.starts_with("X-") || judged && unit_type == UnitType::Service {
            continue;
        }
        if value.is_empty() {
            meaning.remove(&(section.to_string(), key.to_string()));
            continue;
        }
        let own = format!("{}.service", unit.id.stem());
        let expanded = expand(value, &unit.id).map(|expanded| expanded.text.into_owned());
        let value = &expanded.unwrap_or_else(|_| value.to_string());
        let known_default = match key.as_str() {
            "RemainAfterExit" | "Accept" | "Persistent" => is(value, &["no", "false", "off", "0"]),
            "CollectMode" => value == "inactive",
            "Service" | "Unit" => *value == own,
            _ => false,
        };
        if known_default {
            continue;
        }
        let entry = meaning.entry((section.to_string(), key.to_string())).or_default();
        let words = || split(value, Quotes::Unquote, Escapes::Keep).unwrap_or_default();
        match (section.as_str(), key.as_str()) {
            ("Unit", key) if key.starts_with("Condition") || key.starts_with("Assert") => {
                entry.push(value.clone());
            }
            ("Unit", "Description") => *entry = vec![value.clone()],
            ("Unit" | "Install", _) => {
                entry.extend(words());
                entry.sort();
                entry.dedup();
            }
            (_, key) if key.starts_with("Exec") => entry.push(command_line(value)),
            (_, "Environment") => {
                let mut variables: BTreeMap<String, String> = (entry.iter())
                    .filter_map(|known| known.split_once('='))
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect();
                for variable in split(value, Quotes::Unquote, Escapes::CUnescape).unwrap_or_default() {
                    if let Some((name, value)) = variable.split_once('=') {
                        variables.insert(name.to_owned(), value.to_owned());
                    }
                }
                *entry = variables.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
            }
            (_, "TimeoutSec") => {
                meaning.remove(&(section.to_string(), key.to_string()));
                for key in ["TimeoutStartSec", "TimeoutStopSec"] {
                    meaning.insert((section.to_string(), key.to_owned()), vec![span(value)]);
                }
            }
            (_, key) if key.ends_with("Sec") => *entry = vec![span(value)],
            (_, key)
                if key.starts_with("Listen") || key.starts_with("OnCalendar") || key == "EnvironmentFile" =>
            {
                entry.push(value.clone());
            }
            _ if is(value, &["yes", "true", "on", "1"]) => *entry = vec!["yes".to_owned()],
            _ if is(value, &["no", "false", "off", "0"]) => *entry = vec!["no".to_owned()],
            (_, "SocketMode") => *entry = vec![format!("{value:0>4}")],
            _ => *entry = vec![value.clone()],
        }
    }
    meaning
}

fn is(value: &str, words: &[&str]) -> bool {
    words.iter().any(|word| value.eq_ignore_ascii_case(word))
}

fn span(value: &str) -> String {
    let span = value.parse::<TimeSpan>().or_else(|_| format!("{value}s").parse::<TimeSpan>());
    span.map_or_else(|_| value.to_owned(), |span| format!("{:?}", span.micros()))
}

fn command_line(value: &str) -> String {
    let program = value.trim_start_matches(['-', '@', '+', '!', ':', '|']);
    let mut prefix: Vec<char> = value.chars().take(value.chars().count() - program.chars().count()).collect();
    prefix.sort_unstable();
    match split(program, Quotes::Unquote, Escapes::CUnescape) {
        Ok(words) => format!("{prefix:?} {words:?}"),
        Err(_) => format!("{prefix:?} {program}"),
    }
}

/// What `systemd-analyze verify` says of the rendered unit and did not say of the original.
fn complaints(root: &Path, made: &Path, unit: &str) -> Result<Vec<String>> {
    let shipped = root.join("usr/lib/systemd/system");
    let verify = |path: String, unit: &Path| -> Result<Option<BTreeSet<String>>> {
        let output = Process::new("systemd-analyze")
            .args(["verify", "--man=no", "--generators=no", "--recursive-errors=no"])
            .arg(unit)
            .env("SYSTEMD_UNIT_PATH", path)
            .output();
        let Ok(output) = output else { return Ok(None) };
        let stderr = String::from_utf8(output.stderr)?;
        Ok(Some(stderr.lines().map(without_place).collect()))
    };
    let name = unit.replace("@.service", "@i.service");
    let before =
        verify(format!("{}/etc/systemd/system:{}:", root.display(), shipped.display()), Path::new(&name))?;
    let after = verify(format!("{}:{}:", made.display(), shipped.display()), Path::new(&name))?;
    let (Some(before), Some(after)) = (before, after) else { return Ok(Vec::new()) };
    Ok(after.difference(&before).map(|line| format!("verify: {line}")).collect())
}

/// A message without the file and line that it starts with.
fn without_place(line: &str) -> String {
    match line.split_once(": ") {
        Some((place, message)) if place.contains('/') => message.to_owned(),
        _ => line.to_owned(),
    }
}
