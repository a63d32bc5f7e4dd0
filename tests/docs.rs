//! The manual beside the code: every flag, key, need and hardened value is in it, and templates leave confinement to
//! the catalogue. What the pages say about them is for their readers to judge.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Write as _, stderr};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use clap::CommandFactory as _;
use serde_json::Value;
use systemd_harden::catalogue::{self, Directive, Managers};
use systemd_harden::cli::Cli;
use systemd_harden::manifest::{self, Manifest, NEED_NAMES, NeedName, Source, Sources};
use systemd_harden::need::NEEDS;
use systemd_harden::target::DISTRIBUTIONS;

use crate::harness::{command, project, same};

#[test]
fn every_command_and_flag_is_in_the_manual_and_no_other() -> Result<()> {
    let page = Page::read("systemd-harden.1")?;
    let mut command = Cli::command();
    command.build();
    let mut words = BTreeSet::new();
    collect(&command, &mut words);
    let bold = page.bold();
    let missing: Vec<&String> = words.iter().filter(|word| !bold.contains(word.as_str())).collect();
    ensure!(missing.is_empty(), "not in the manual: {missing:?}");
    // A flag of debhelper's commands, which the page speaks of.
    let flags = bold.iter().filter(|word| word.starts_with("--") && *word != "--name");
    let unknown: Vec<&String> = flags.filter(|flag| !words.contains(flag.as_str())).collect();
    ensure!(unknown.is_empty(), "in the manual alone: {unknown:?}");
    Ok(())
}

#[test]
fn every_target_is_in_the_manual() -> Result<()> {
    let page = Page::read("systemd-harden.1")?;
    let told = bold_words(page.section("TARGETS")?);
    let own = DISTRIBUTIONS.iter().flat_map(|known| std::iter::once(&known.name).chain(known.also));
    let missing: Vec<&&str> = own.filter(|name| !told.contains(**name)).collect();
    ensure!(missing.is_empty(), "not in the manual: {missing:?}");
    Ok(())
}

/// The names of subcommands and the flags of all.
fn collect(command: &clap::Command, words: &mut BTreeSet<String>) {
    for argument in command.get_arguments() {
        words.extend(argument.get_long().map(|long| format!("--{long}")));
        words.extend(argument.get_short().map(|short| format!("-{short}")));
        let values = argument.get_possible_values();
        words.extend(
            values
                .iter()
                .filter(|_| argument.get_action().takes_values())
                .map(|value| value.get_name().to_owned()),
        );
    }
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        words.insert(subcommand.get_name().to_owned());
        collect(subcommand, words);
    }
}

#[test]
fn every_key_of_a_manifest_is_in_the_manual() -> Result<()> {
    let bold = Page::read("systemd-harden.manifest.5")?.bold();
    let mut keys = BTreeSet::new();
    properties(&manifest::schema(), &mut keys);
    ensure!(keys.contains("replaced-by-rename"), "the schema was not walked");
    let missing: Vec<&String> = keys.iter().filter(|key| !bold.contains(*key)).collect();
    ensure!(missing.is_empty(), "not in the manual: {missing:?}");
    Ok(())
}

/// The names of the properties of every table in a JSON Schema.
fn properties(schema: &Value, keys: &mut BTreeSet<String>) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(own)) = object.get("properties") {
                keys.extend(own.keys().cloned());
            }
            object.values().for_each(|schema| properties(schema, keys));
        }
        Value::Array(schemas) => schemas.iter().for_each(|schema| properties(schema, keys)),
        _ => {}
    }
}

#[test]
fn every_need_is_in_the_manual() -> Result<()> {
    let bold = Page::read("systemd-harden.manifest.5")?.bold();
    let names = NeedName::all();
    let words = NEED_NAMES.iter().map(ToString::to_string).chain(names.iter().map(ToString::to_string));
    let missing: Vec<String> =
        words.chain(NEEDS.iter().map(|row| row.id.to_owned())).filter(|word| !bold.contains(word)).collect();
    ensure!(missing.is_empty(), "not in the manual: {missing:?}");
    Ok(())
}

#[test]
fn every_directive_that_yields_is_told_with_its_need_and_no_other() -> Result<()> {
    let page = Page::read("systemd-harden.manifest.5")?;
    let entries = entries(page.section("NEEDS")?);
    let yields = |directive: &Directive, need| directive.yields.iter().any(|offer| offer.to == need);
    let mut wrong = Vec::new();
    for row in NEEDS {
        // Things of a subdivided need have entries of their own.
        let word = row.id.split('.').next().unwrap_or(row.id);
        let key = if entries.contains_key(row.id) { row.id } else { word };
        let entry = entries.get(key).with_context(|| format!("no entry for {}", row.id))?;
        let together = || {
            NEEDS
                .iter()
                .filter(|other| other.id == key || other.id.split('.').next() == Some(key))
                .map(|row| row.need)
        };
        for directive in catalogue::all().iter().filter(|directive| directive.confines()) {
            let told = entry.contains(&format!(r"\fB{}=", directive.name));
            let exempt = MENTIONED.contains(&(key, directive.name));
            if yields(directive, row.need) && !told {
                wrong.push(format!("{} opens {}=, which is not in the manual", row.id, directive.name));
            } else if told && !exempt && !together().any(|need| yields(directive, need)) {
                wrong.push(format!("{} does not open {}=, as the manual says", row.id, directive.name));
            }
        }
    }
    ensure!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

/// Directives that the entry of a need mentions though they do not yield to it: their hardenings look at the need, or
/// they stay.
const MENTIONED: [(&str, &str); 4] = [
    ("connects", "IPAddressDeny"),
    ("connects", "PrivateNetwork"),
    ("listens", "RestrictAddressFamilies"),
    ("shares-ipc", "PrivateIPC"),
];

#[test]
fn what_a_users_manager_cannot_apply_is_in_the_manual() -> Result<()> {
    let page = Page::read("systemd-harden.manifest.5")?;
    let top = entries(page.section("TOP OF THE FILE")?);
    let entry = top.get("scope").context("no entry for scope")?;
    let written = |row: &Directive| !row.hardened.is_empty() || !row.yields.is_empty();
    for directive in catalogue::all().iter().filter(|row| row.confines() && written(row)) {
        let told = entry.contains(&format!(r"\fB{}=", directive.name));
        ensure!(told == (directive.managers == Managers::System), "{}= is told wrongly", directive.name);
    }
    Ok(())
}

/// Tagged paragraphs by every bold word of their tag.
fn entries(section: &str) -> BTreeMap<String, String> {
    let mut entries: BTreeMap<String, String> = BTreeMap::new();
    for paragraph in section.split(".TP\n").skip(1) {
        let paragraph = paragraph.split("\n.PP\n").next().unwrap_or(paragraph);
        let paragraph = paragraph.split("\n.SS ").next().unwrap_or(paragraph);
        let tag = paragraph.lines().next().unwrap_or_default();
        for word in bold_words(tag) {
            entries.entry(word).or_default().push_str(paragraph);
        }
    }
    entries
}

#[test]
fn every_hardened_value_is_in_the_manual() -> Result<()> {
    let page = Page::read("systemd-harden.manifest.5")?;
    let section = page.section("STRICTNESS")?;
    let words: BTreeSet<&str> =
        section.split(|c: char| c.is_whitespace() || "()".contains(c)).map(bare).collect();
    let mut missing = Vec::new();
    for directive in catalogue::all().iter().filter(|row| !row.hardened.is_empty()) {
        let name = format!("{}=", directive.name);
        let values = directive.hardened.iter().flat_map(|hardening| hardening.lines);
        let told = values.flat_map(|line| line.split_whitespace()).chain([name.as_str()]);
        missing.extend(
            told.filter(|word| !words.contains(word.trim_start_matches('~')))
                .map(|word| format!("{name} {word}")),
        );
    }
    ensure!(missing.is_empty(), "not in the manual: {missing:#?}");
    Ok(())
}

/// A word without fonts, punctuation and what an inverted list starts with.
fn bare(word: &str) -> &str {
    let word = word.trim_start_matches(r"\fB").trim_end_matches(['.', ',', ';']);
    word.trim_end_matches(r"\fR").trim_start_matches('~')
}

#[test]
fn the_examples_of_the_manual_are_manifests() -> Result<()> {
    let page = Page::read("systemd-harden.manifest.5")?;
    let first = examples(page.section("DESCRIPTION")?).concat();
    load(&first, None).context("the first example")?;
    let parts = examples(page.section("EXAMPLE: PARSEC")?);
    let (drop_in, main) = parts.split_last().context("no parts")?;
    let manifest = load(&main.concat(), Some(drop_in)).context("the parts of the example")?;
    let services: Vec<&str> = manifest.services.keys().map(AsRef::as_ref).collect();
    ensure!(services == ["parsec"] && manifest.notices.is_empty(), "{services:?} {:?}", manifest.notices);
    Ok(())
}

/// The texts between `.EX` and `.EE`.
fn examples(section: &str) -> Vec<String> {
    let blocks = section.split(".EX\n").skip(1).filter_map(|rest| rest.split(".EE\n").next());
    blocks.map(|block| block.replace(r"\(aq", "'").replace(r"\e", r"\")).collect()
}

fn load(text: &str, drop_in: Option<&str>) -> Result<Manifest> {
    let sources = Sources {
        main: Source { path: "example.toml", bytes: text.as_bytes() },
        drop_ins: drop_in
            .map(|text| Source { path: "drop-in.toml", bytes: text.as_bytes() })
            .into_iter()
            .collect(),
    };
    Ok(manifest::load(&sources, &catalogue::FOR_MANIFESTS)?)
}

#[test]
fn every_promise_of_the_manual_names_a_test_that_is_there() -> Result<()> {
    let page = Page::read("systemd-harden.1")?;
    let section = page.section("THREAT MODEL")?;
    let mut named = 0;
    for (file, test) in section.split(r"\fI").filter_map(|span| span.split(r"\f").next()?.split_once("::")) {
        let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file))
            .with_context(|| format!("reading `{file}`"))?;
        let (before, _) =
            source.split_once(&format!("fn {test}(")).with_context(|| format!("no {test} in {file}"))?;
        ensure!(before.trim_end().ends_with("#[test]"), "{test} in {file} is no test");
        named += 1;
    }
    ensure!(named > 20, "only {named} tests are named");
    Ok(())
}

#[test]
fn templates_confine_nothing_by_themselves() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut templates = 0;
    for entry in fs::read_dir(&folder).with_context(|| format!("listing `{}`", folder.display()))? {
        let path = entry?.path();
        let text = fs::read_to_string(&path).with_context(|| format!("reading `{}`", path.display()))?;
        let words: BTreeSet<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        let confining = catalogue::all().iter().filter(|row| row.confines()).map(|row| row.name);
        let named: Vec<&str> = confining.filter(|name| words.contains(name)).collect();
        ensure!(named.is_empty(), "`{}` names {named:?}", path.display());
        templates += 1;
    }
    ensure!(templates > 0, "no template in `{}`", folder.display());
    Ok(())
}

/// A page of the manual as its source says, hyphens and tildes as they are printed.
struct Page {
    name: String,
    text: String,
}

impl Page {
    fn read(name: &str) -> Result<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("man").join(name);
        let source = fs::read_to_string(&path).with_context(|| format!("reading `{}`", path.display()))?;
        let text = source.replace("\\\n", "").replace(r"\-", "-").replace(r"\:", "").replace(r"\(ti", "~");
        Ok(Self { name: name.to_owned(), text })
    }

    /// The text below a heading, up to the next one.
    fn section(&self, heading: &str) -> Result<&str> {
        let start = format!(".SH {heading}\n");
        let (_, rest) =
            self.text.split_once(&start).with_context(|| format!("no section {heading} in {}", self.name))?;
        Ok(rest.split("\n.SH ").next().unwrap_or(rest))
    }

    /// Every word in bold.
    fn bold(&self) -> BTreeSet<String> {
        bold_words(&self.text)
    }
}

/// The words within `\fB` and the next font; those with dots whole and in their parts.
fn bold_words(text: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for span in text.split(r"\fB").skip(1) {
        let span = span.split(r"\f").next().unwrap_or(span);
        for word in span.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))) {
            words.insert(word.to_owned());
            words.extend(word.split('.').map(str::to_owned));
        }
    }
    words
}

#[test]
fn the_shipped_completions_are_those_of_the_command_line() -> Result<()> {
    let files = [
        ("bash", "systemd-harden.bash", "complete -F"),
        ("zsh", "_systemd-harden", "#compdef systemd-harden"),
        ("fish", "systemd-harden.fish", "complete -c systemd-harden"),
    ];
    for (shell, file, word) in files {
        let output = command(&["completions", shell]).output()?;
        ensure!(output.status.code() == Some(0), "{shell}: {:?}", output.status);
        let script = String::from_utf8(output.stdout)?;
        ensure!(script.contains(word) && script.contains("target"), "{shell} is told nothing:\n{script}");
        same(&project("packaging/completions").join(file), &script)?;
    }
    Ok(())
}

#[test]
fn the_page_of_the_add_on_is_what_it_says_of_itself() -> Result<()> {
    let source = project("packaging/debhelper/dh_systemd_harden");
    let release = concat!("--release=systemd-harden ", env!("CARGO_PKG_VERSION"));
    let arguments = ["--utf8", "--section=1", "--center=Debhelper", release, "--date=2026-11-28"];
    let Ok(made) = std::process::Command::new("pod2man").args(arguments).arg(&source).output() else {
        writeln!(stderr(), "pod2man is not installed: the page of dh_systemd_harden was not made anew")?;
        return Ok(());
    };
    ensure!(made.status.success(), "pod2man: {}", String::from_utf8_lossy(&made.stderr));
    let made = String::from_utf8(made.stdout)?;
    // The first line names the releases of Perl's modules, and what comes up to the title is theirs too.
    let (_, made) = made.split_once('\n').context("an empty page")?;
    let path = project("man/dh_systemd_harden.1");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, made)?;
    }
    let shipped = fs::read_to_string(&path)?;
    let body = |page: &str| page.split_once("\n.SH").map(|(_, body)| body.to_owned());
    ensure!(body(&shipped) == body(made), "{} is stale: UPDATE_GOLDEN=1 rewrites it", path.display());
    Ok(())
}

#[test]
fn each_command_says_of_itself_what_the_list_says_of_it() -> Result<()> {
    let list = Cli::command();
    for listed in list.get_subcommands() {
        let about = listed.get_about().map(ToString::to_string).context("a command without a word")?;
        let output = command(&[listed.get_name(), "--help"]).output()?;
        let help = String::from_utf8(output.stdout)?;
        ensure!(help.starts_with(&about), "{}: not `{about}` but\n{help}", listed.get_name());
    }
    Ok(())
}
