//! Nothing is smuggled: each text and each key of a manifest that has every word of the vocabulary is given something
//! hostile, and either the manifest is refused with a place in its file, or what is rendered has the lines, sections and
//! fields that it had.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::thread;

use anyhow::{Context as _, Result, anyhow, ensure};
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
const BEHIND: [&str; 15] = [
    "\nExecStartPost=/bin/evil",
    "\r[Install]",
    "\u{85}",
    "\u{1b}[2J",
    "\u{202e}",
    "\u{200b}",
    "\u{fdd0}",
    "%h",
    "%",
    "\\",
    "\"",
    "\" \"/bin/evil",
    " ; /bin/evil",
    " - - evil",
    ":evil:0",
];

/// And before one.
const BEFORE: [&str; 5] = ["\n", "%h", "[Service]", "+", "#"];

const NAME: &str = "everything.toml";

#[test]
fn no_value_of_a_manifest_adds_anything() -> Result<()> {
    let text = fs::read_to_string(project("tests/cases/manifests").join(NAME))?;
    let target: Target = "systemd-262".parse()?;
    let before = shape(&read(&text)?, &target).context("it renders as it is")?;
    let spans = texts_of(&text)?;
    ensure!(spans.len() > 300, "only {} texts", spans.len());
    let chunk = spans.len().div_ceil(thread::available_parallelism().map_or(1, usize::from));
    let counts: Result<Vec<(usize, usize)>> = thread::scope(|scope| {
        let parts: Vec<_> =
            spans.chunks(chunk).map(|spans| scope.spawn(|| hold(&text, spans, &before, &target))).collect();
        parts.into_iter().map(|part| part.join().map_err(|_| anyhow!("a property does not hold"))?).collect()
    });
    let (refused, kept) = counts?.into_iter().fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    ensure!(refused > 3_000 && kept > 100, "{refused} refused, {kept} kept");
    Ok(())
}

/// Each of these texts with something hostile; how many were refused, and how many rendered all the same.
fn hold(
    text: &str,
    spans: &[(Range<usize>, String)],
    before: &BTreeMap<String, Vec<String>>,
    target: &Target,
) -> Result<(usize, usize)> {
    let (mut refused, mut kept) = (0, 0);
    for (span, written) in spans {
        let behind = BEHIND.iter().map(|hostile| format!("{written}{hostile}"));
        for value in behind.chain(BEFORE.iter().map(|hostile| format!("{hostile}{written}"))) {
            let mut changed = text.to_owned();
            changed.replace_range(span.clone(), &quoted(&value));
            let manifest = match read(&changed) {
                Ok(manifest) => manifest,
                Err(error) => {
                    is_told(&error, &changed);
                    refused += 1;
                    continue;
                }
            };
            // Two statements may contradict each other now; nothing is rendered then.
            let Some(after) = shape(&manifest, target) else { continue };
            kept += 1;
            ensure!(after == *before, "{value:?} in place of {written:?} makes\n{}", differs(before, &after));
            is_rendered(&manifest, std::slice::from_ref(target));
        }
    }
    Ok((refused, kept))
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
                .map(|fields| {
                    format!("{} with {} fields", fields.first().map_or("", String::as_str), fields.len())
                })
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
        // A header's key may stand for several tables: only those that stand once are changed.
        if text.get(key.span()).is_some() {
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
