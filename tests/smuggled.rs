//! Nothing is smuggled: each text and each key of a manifest that has every word of the vocabulary is given something
//! hostile, and either the manifest is refused with a place in its file, or what is rendered has the lines, sections and
//! fields that it had.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use systemd_harden::catalogue::FOR_MANIFESTS;
use systemd_harden::manifest::{Manifest, ManifestError, Source, Sources, load};
use systemd_harden::render::{FileKind, Form, render};
use systemd_harden::target::Target;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::harness::{command, project, scratch};
use crate::properties::manifest::is_rendered;
use crate::properties::output::{assignments, fields, is_plain};

/// What would begin a line, a section, a command, a field, a specifier, or another text on a terminal, where it got
/// through: behind a value.
const BEHIND: [&str; 9] = [
    "\nExecStartPost=/bin/evil",
    "\u{1b}[2J",
    "\u{202e}",
    "\u{fdd0}",
    "%h",
    "\\",
    "\" \"/bin/evil",
    " ; /bin/evil",
    ":evil:0",
];

/// And before one.
const BEFORE: [&str; 3] = ["[Service]", "+", "#"];

const NAME: &str = "everything.toml";

#[test]
fn no_value_of_a_manifest_adds_anything() -> Result<()> {
    let text = fs::read_to_string(project("tests/cases/manifests").join(NAME))?;
    let target: Target = "systemd-262".parse()?;
    let before = shape(&read(&text)?, &target).context("it renders as it is")?;
    let spans = texts_of(&text)?;
    ensure!(spans.len() > 300, "only {} texts", spans.len());
    let (mut refused, mut kept) = (0, 0);
    for (hostile, place) in BEHIND
        .map(|hostile| (hostile, Put::Behind))
        .into_iter()
        .chain(BEFORE.map(|hostile| (hostile, Put::Before)))
    {
        let changes: Vec<Change> =
            spans.iter().map(|(span, written)| Change::of(&text, span, written, hostile, place)).collect();
        let taken = taken(&text, &changes.iter().collect::<Vec<_>>());
        refused += changes.len() - taken.len();
        kept += taken.len();
        keep_their_shape(&text, &taken, &before, &target)?;
    }
    ensure!(refused > 1_000 && kept > 100, "{refused} refused, {kept} kept");
    Ok(())
}

/// Where something hostile is put.
#[derive(Clone, Copy)]
enum Put {
    Behind,
    Before,
}

/// A text with something hostile in its place.
struct Change {
    span: Range<usize>,
    /// Its line, from 1.
    line: u32,
    quoted: String,
}

impl Change {
    fn of(text: &str, span: &Range<usize>, written: &str, hostile: &str, put: Put) -> Self {
        let value = match put {
            Put::Behind => format!("{written}{hostile}"),
            Put::Before => format!("{hostile}{written}"),
        };
        let before = text.get(..span.start).unwrap_or_default();
        let line = u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX);
        Self { span: span.clone(), line, quoted: quoted(&value) }
    }
}

/// The text with all of these changes.
fn with(text: &str, changes: &[&Change]) -> String {
    let mut whole = text.to_owned();
    for change in changes.iter().rev() {
        whole.replace_range(change.span.clone(), &change.quoted);
    }
    whole
}

/// The changes that are not refused. All are tried at once, for a refusal names every line that is wrong; what shares
/// such a line with others is tried again alone.
fn taken<'c>(text: &str, changes: &[&'c Change]) -> Vec<&'c Change> {
    let whole = with(text, changes);
    let Err(error) = read(&whole) else { return changes.to_vec() };
    is_told(&error, &whole);
    if changes.len() <= 1 {
        return Vec::new();
    }
    let wrong: BTreeSet<u32> = error.problems.iter().map(|problem| problem.place.line).collect();
    let (out, rest): (Vec<&Change>, Vec<&Change>) =
        changes.iter().copied().partition(|change| wrong.contains(&change.line));
    if out.is_empty() {
        let (one, other) = changes.split_at(changes.len() / 2);
        return [taken(text, one), taken(text, other)].concat();
    }
    let mut found = if rest.is_empty() { Vec::new() } else { taken(text, &rest) };
    let shared = |change: &&&Change| out.iter().filter(|other| other.line == change.line).count() > 1;
    found.extend(out.iter().filter(shared).flat_map(|change| taken(text, &[change])));
    found.sort_by_key(|change| change.span.start);
    found
}

/// What is rendered with these changes has the lines that it had without. Changes that contradict each other are looked
/// at apart.
fn keep_their_shape(
    text: &str,
    changes: &[&Change],
    before: &BTreeMap<String, Vec<String>>,
    target: &Target,
) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let manifest = read(&with(text, changes)).ok();
    let Some((manifest, after)) = manifest.and_then(|manifest| {
        let after = shape(&manifest, target)?;
        Some((manifest, after))
    }) else {
        // One that contradicts the rest of the manifest is rendered by nobody.
        let (one, other) = changes.split_at(changes.len() / 2);
        if one.is_empty() {
            return Ok(());
        }
        keep_their_shape(text, one, before, target)?;
        return keep_their_shape(text, other, before, target);
    };
    let values: Vec<&str> = changes.iter().map(|change| change.quoted.as_str()).collect();
    ensure!(after == *before, "one of {values:?} makes\n{}", differs(before, &after));
    is_rendered(&manifest, std::slice::from_ref(target));
    Ok(())
}

/// What a found unit says reaches no output as it is, whatever bytes it has.
#[test]
fn no_found_unit_reaches_the_terminal_as_it_is() -> Result<()> {
    let hostile = "\u{1b}[2J\u{9b}31m\u{202e}\u{200b}\u{2028}x\u{7}";
    let lines = [
        format!("[Unit]\nDescription={hostile}\n[Service]\nExecStart=/bin/a{hostile}\nUser={hostile}\n"),
        format!(
            "[Service]\nExecStart=+/bin/{hostile} -x\nReadWritePaths=/a{hostile} /b\nEnvironment=PASSWORD={hostile}\n"
        ),
        format!("[Service]\n{hostile}\nProtectHome={hostile}\nProtect{hostile}=yes\nExecStart=/bin/a\n"),
        format!(
            "{hostile}\n[Service{hostile}]\nExecStart=/bin/a\n[Service]\nExecStart=/bin/b\nSystemCallFilter={hostile}\n"
        ),
        format!("[Service]\nExecStart=/bin/a\n[{hostile}\n"),
    ];
    for text in &lines {
        let folder = scratch()?;
        let units = folder.path().join("etc/systemd/system");
        fs::create_dir_all(units.join("a.service.d"))?;
        fs::write(units.join("a.service"), text)?;
        fs::write(
            units.join(format!("a.service.d/{}.conf", "\u{1b}[2J\u{202e}")),
            "[Service]\nNoNewPrivileges=x\n",
        )?;
        for arguments in [
            ["score", "a"].as_slice(),
            &["score"],
            &["score", "a", "--format", "json"],
            &["score", "a", "--suggest"],
            &["import", "a"],
        ] {
            let output = command(arguments).arg("--root").arg(folder.path()).output()?;
            let (stdout, stderr) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
            is_plain(&stdout);
            is_plain(&stderr);
            ensure!(!(stdout.is_empty() && stderr.is_empty()), "{arguments:?} says nothing");
            if arguments.contains(&"json") {
                serde_json::from_str::<serde_json::Value>(&stdout)?;
            }
        }
    }
    Ok(())
}

/// Bytes that are no UTF-8 are told with their file and line, and stand there as what they are.
#[test]
fn bytes_that_are_no_text_are_reported() -> Result<()> {
    let folder = scratch()?;
    let units = folder.path().join("etc/systemd/system");
    fs::create_dir_all(units.join("b.service.d"))?;
    fs::write(units.join("a.service"), b"[Service]\nExecStart=/bin/a\nUser=\xff\xfe\n")?;
    fs::write(units.join("b.service"), b"[Service]\nExecStart=/bin/b\n")?;
    fs::write(units.join("b.service.d/x.conf"), b"[Service]\nUser=b\nGroup=\xe2\x82\n")?;
    let run = |unit: &str| -> Result<(Option<i32>, String)> {
        let output = command(&["score", unit, "--root"]).arg(folder.path()).output()?;
        Ok((output.status.code(), String::from_utf8([output.stdout, output.stderr].concat())?))
    };
    let (status, text) = run("a")?;
    ensure!(status == Some(2) && text.contains(r"a.service:3: `User=\xff\xfe` is not UTF-8"), "{text}");
    let (status, text) = run("b")?;
    ensure!(status == Some(0) && text.contains(r"x.conf:3: `Group=\xe2\x82` is not UTF-8"), "{text}");
    Ok(())
}

fn read(text: &str) -> Result<Manifest, ManifestError> {
    let main = Source { path: NAME, bytes: text.as_bytes() };
    load(&Sources { main, drop_ins: Vec::new() }, &FOR_MANIFESTS)
}

/// A refusal names the file and a line of it.
fn is_told(error: &ManifestError, text: &str) {
    let lines = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
    assert!(!error.problems.is_empty());
    for problem in &error.problems {
        assert!(&*problem.place.file == NAME && (1..=lines).contains(&problem.place.line), "{problem}");
    }
    is_plain(&error.to_string());
}

/// The sections and keys of each file, and how many fields its lines have; nothing where it does not render.
fn shape(manifest: &Manifest, target: &Target) -> Option<BTreeMap<String, Vec<String>>> {
    let files = render(manifest, std::slice::from_ref(target), Form::Units).ok()?;
    let shape = files.iter().enumerate().map(|(place, file)| {
        let mut lines: Vec<String> = match file.kind {
            FileKind::Sysusers | FileKind::Tmpfiles => fields(&file.name, &file.text)
                .iter()
                .map(|fields| format!("{} fields", fields.len()))
                .collect(),
            _ => assignments(&file.name, &file.text)
                .iter()
                .map(|line| format!("[{}] {}=", line.section, line.key))
                .collect(),
        };
        // Tables are written in the order of their names, which some of these change.
        lines.sort();
        let kind = Path::new(&file.name).extension().unwrap_or_default().to_string_lossy().into_owned();
        (format!("{place} {:?} {kind}", file.kind), lines)
    });
    Some(shape.collect())
}

fn differs(before: &BTreeMap<String, Vec<String>>, after: &BTreeMap<String, Vec<String>>) -> String {
    let text = |shape: &BTreeMap<String, Vec<String>>| {
        shape
            .iter()
            .flat_map(|(file, lines)| lines.iter().map(move |line| format!("{file}: {line}\n")))
            .collect::<String>()
    };
    similar::TextDiff::from_lines(text(before).as_str(), text(after).as_str()).unified_diff().to_string()
}

/// Every string of a file and every key that is a name, with its place in the text.
fn texts_of(text: &str) -> Result<Vec<(Range<usize>, String)>> {
    let table = DeTable::parse(text)?;
    let mut found = Vec::new();
    walk_table(table.get_ref(), text, &mut found);
    found.sort_by_key(|(span, _)| (span.start, span.end));
    found.dedup();
    Ok(found)
}

fn walk_table(table: &DeTable<'_>, text: &str, found: &mut Vec<(Range<usize>, String)>) {
    for (key, value) in table {
        // A name that several headers have would be a second thing if one of them had another.
        let headers = text.lines().filter(|line| line.starts_with('[') && line.contains(&**key.get_ref()));
        if headers.count() <= 1 {
            found.push((key.span(), key.get_ref().to_string()));
        }
        walk(value, text, found);
    }
}

fn walk(value: &Spanned<DeValue<'_>>, text: &str, found: &mut Vec<(Range<usize>, String)>) {
    match value.get_ref() {
        DeValue::String(string) => found.push((value.span(), string.to_string())),
        DeValue::Array(values) => values.iter().for_each(|value| walk(value, text, found)),
        DeValue::Table(table) => walk_table(table, text, found),
        _ => {}
    }
}

/// As TOML quotes it where every character may stand.
fn quoted(value: &str) -> String {
    let mut quoted = String::from("\"");
    for c in value.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            // Writing to a String cannot fail.
            c if c.is_control() => drop(write!(quoted, "\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
