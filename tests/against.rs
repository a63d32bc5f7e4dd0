//! `generate --drop-in --against`: a unit with the drop-in is what the manifest asks for, and no line of it is one too
//! many. The loader and the rendered unit are what that is told by, not what made the drop-in.

use std::cmp::Ordering;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use systemd_harden::catalogue::{self, Directive};
use systemd_harden::commands::manifest_file;
use systemd_harden::context::Context;
use systemd_harden::policy::plan;
use systemd_harden::posture::{Origin, Posture};
use systemd_harden::render::{Form, render, target_context};
use systemd_harden::target::Target;
use systemd_harden::unit_file::{Load, Loader, Root, SearchPath, UnitName};
use systemd_harden::unit_posture::read;
use systemd_harden::value::Value;

use crate::figures::copy_with_links;
use crate::generate::shipped;
use crate::harness::{command, copy_tree, each_case, same, scratch, tree};

/// Each folder of tests/cases/against holds `arguments`, a `root`, manifests, and what comes of them: `stdout`, `stderr`,
/// `status` and, where files are written, `expected/`. `UPDATE_GOLDEN=1` rewrites them.
#[test]
fn cases() -> Result<()> {
    each_case("against", 6, run)
}

fn run(case: &Path) -> Result<()> {
    let folder = scratch()?;
    copy_tree(case, folder.path())?;
    let arguments = fs::read_to_string(case.join("arguments")).context("reading `arguments`")?;
    let output =
        command(&["generate"]).args(arguments.split_whitespace()).current_dir(folder.path()).output()?;
    let status = output.status.code().context("a signal")?;
    same(&case.join("stdout"), &String::from_utf8(output.stdout)?)?;
    same(&case.join("stderr"), &String::from_utf8(output.stderr)?)?;
    for (path, text) in &tree(&folder.path().join("out"))? {
        same(&case.join("expected").join(path), text)?;
    }
    same(&case.join("status"), &format!("{status}\n"))
}

const UNITS: &str = "usr/lib/systemd/system";
const SEARCH: &str = "/etc/systemd/system:/usr/lib/systemd/system";

/// What the project renders itself, with lines taken out and put in.
#[test]
fn units_come_to_their_policy() -> Result<()> {
    let mut drop_ins = 0;
    for path in shipped()? {
        let manifest = manifest_file::read(&path)?.manifest;
        let target: Target = "debian-12".parse()?;
        let units = render(&manifest, std::slice::from_ref(&target), Form::Units)?;
        for planned in plan(&manifest) {
            let name = planned.unit_name();
            let whole = units.iter().find(|file| file.name == name).context("not rendered")?;
            for (variant, text) in variants(&whole.text) {
                let root = scratch()?;
                fs::create_dir_all(root.path().join(UNITS))?;
                fs::write(root.path().join(UNITS).join(&name), &text)?;
                let lines = is_fitted(root.path(), &path, &name, "debian-12", EACH.contains(&variant))
                    .with_context(|| format!("{name}, {variant}"))?;
                ensure!(
                    variant != "whole" || lines == 0,
                    "{name} says all already, and {lines} lines more are made"
                );
                drop_ins += 1;
            }
        }
    }
    ensure!(drop_ins > 40, "only {drop_ins} drop-ins");
    Ok(())
}

/// The variants of which each line is tried without: it takes its time.
const EACH: [&str; 2] = ["every second", "opened before"];

/// A rendered unit as others might have written it.
fn variants(text: &str) -> Vec<(&'static str, String)> {
    let confines = |line: &str| {
        let row = line.split_once('=').and_then(|(key, _)| catalogue::find(key));
        row.is_some_and(|row| row.confines() && row.key.is_none())
    };
    let without = |leave_out: &dyn Fn(usize) -> bool| -> String {
        let lines = text.lines().enumerate();
        let kept = lines.filter(|(place, line)| !(confines(line) && leave_out(*place)));
        let kept: Vec<&str> = kept.map(|(_, line)| line).collect();
        kept.join("\n") + "\n"
    };
    let more = "ProtectSystem=no\nProtectHome=tmpfs\nReadWritePaths=/srv /opt\nCapabilityBoundingSet=CAP_SYS_ADMIN\n\
                SystemCallFilter=@mount\nSystemCallErrorNumber=EIO\nRestrictAddressFamilies=AF_PACKET\nUMask=0002\n\
                DeviceAllow=/dev/mem rw\nBindPaths=/srv\nBindReadOnlyPaths=/opt\nPrivateUsers=yes\nKeyringMode=shared\n\
                AmbientCapabilities=CAP_NET_RAW\nIPAddressAllow=any\nNoNewPrivileges=no\nDelegate=yes\n";
    let added = text.replacen("[Service]\n", &format!("[Service]\n{more}"), 1);
    let after = text.replacen("\n[X-SystemdHarden]", &format!("{more}\n[X-SystemdHarden]"), 1);
    vec![
        ("whole", text.to_owned()),
        ("plain", without(&|_| true)),
        ("every second", without(&|place| place % 2 == 0)),
        ("every third", without(&|place| place % 3 == 0)),
        ("opened before", added),
        ("opened after", after),
    ]
}

#[derive(Deserialize)]
struct Expected {
    root: String,
    unit: String,
    error: Option<String>,
}

/// The corpus is other people's files, so it is not part of this project; `SYSTEMD_HARDEN_CORPUS` names its folder.
#[test]
fn real_units_come_to_the_policy_of_their_manifests() -> Result<()> {
    let Some(corpus) = std::env::var_os("SYSTEMD_HARDEN_CORPUS").map(PathBuf::from) else {
        writeln!(std::io::stderr(), "did not run: SYSTEMD_HARDEN_CORPUS names no corpus")?;
        return Ok(());
    };
    let roots = scratch()?;
    copy_with_links(&corpus.join("roots"), roots.path())?;
    let (mut units, mut lines, mut wrong) = (0, 0, Vec::new());
    for line in fs::read_to_string(corpus.join("expected-252.jsonl"))?.lines() {
        let Expected { root, unit, error } = serde_json::from_str(line)?;
        if error.is_some() {
            continue;
        }
        units += 1;
        match imported(&roots.path().join(&root), &unit) {
            Ok(said) => lines += said,
            Err(failure) => wrong.push(format!("{root}/{unit}: {failure:#}")),
        }
    }
    writeln!(std::io::stderr(), "{units} units, {lines} lines, {} wrong", wrong.len())?;
    ensure!(units > 200, "only {units} units");
    ensure!(wrong.is_empty(), "{} of {units} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

/// The manifest of a unit, as strict as can be, and the drop-in that it comes to for the unit.
fn imported(root: &Path, unit: &str) -> Result<usize> {
    let folder = scratch()?;
    let manifest = folder.path().join("manifest.toml");
    let output = command(&["import", "--systemd", "252", unit, "--root"])
        .arg(root)
        .arg("--output")
        .arg(&manifest)
        .output()?;
    ensure!(output.status.code().is_some_and(|code| code < 2), "{}", String::from_utf8_lossy(&output.stderr));
    let mut lines = 0;
    let text = fs::read_to_string(&manifest)?;
    let stated = text.lines().find(|line| line.starts_with("strictness")).map(str::to_owned);
    for strictness in ["safe", "default", "strict"] {
        let line = format!("strictness = \"{strictness}\"");
        let text = match &stated {
            Some(stated) => text.replacen(stated.as_str(), &line, 1),
            None => text.replacen("edition = 1\n", &format!("edition = 1\n{line}\n"), 1),
        };
        ensure!(text.contains(&line), "no strictness is stated");
        fs::write(&manifest, text)?;
        lines += is_fitted(root, &manifest, unit, "systemd-252", true).with_context(|| strictness)?;
    }
    Ok(lines)
}

/// Makes the drop-in and sees to it that the unit with it comes to the policy, and where `each` line is tried, with any
/// of them less does not. How many lines it has.
fn is_fitted(root: &Path, manifest: &Path, unit: &str, target: &str, each: bool) -> Result<usize> {
    let out = scratch()?;
    let output = command(&["generate", "--drop-in", "--against", unit, "--target", target, "--root"])
        .arg(root)
        .arg(manifest)
        .output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    let told: Vec<&str> = stderr.lines().filter(|line| line.contains(": finding: ")).collect();
    ensure!(output.status.code() == Some(0) && told.is_empty(), "{stderr}");
    let loaded = manifest_file::read(manifest)?.manifest;
    let target: Target = target.parse()?;
    let context = target_context(&target, &loaded);
    let name: UnitName = unit.parse()?;
    let found = posture(root, SEARCH, &name, context)?;
    for file in render(&loaded, &[target], Form::Units)? {
        fs::write(out.path().join(file.flat_name()), file.text)?;
    }
    let service = String::from_utf8(output.stdout)?;
    let drop_in = service.lines().find(|line| line.ends_with("/50-harden.conf")).context("no drop-in")?;
    let own = drop_in.rsplit('/').nth(1).and_then(|folder| folder.strip_suffix(".d")).context("no folder")?;
    let wanted = posture(out.path(), "/", &own.parse()?, context)?;
    let drop_in = drop_in.trim_start_matches('/');
    let path = root.join(drop_in);
    let text = fs::read_to_string(&path)?;
    fs::remove_file(&path)?;
    let before = posture(root, SEARCH, &name, context)?;
    fs::write(&path, &text)?;
    let differing = differences(&wanted, &found, &before);
    ensure!(differing.is_empty(), "with the drop-in it is other than the policy: {differing:?}\n{text}");
    // A line less.
    let is_line = |line: &str| !line.starts_with(['#', '[']) && line.contains('=');
    let end = text.find("[X-").context("no mark")?;
    let places = text.get(..end).unwrap_or_default().lines().enumerate().filter(|(_, line)| is_line(line));
    let places: Vec<usize> = places.map(|(place, _)| place).collect();
    for place in places.iter().filter(|_| each) {
        let lines = text.lines().enumerate().filter(|(other, _)| other != place).map(|(_, line)| line);
        fs::write(&path, lines.collect::<Vec<_>>().join("\n") + "\n")?;
        let less = posture(root, SEARCH, &name, context)?;
        let line = text.lines().nth(*place).unwrap_or_default();
        ensure!(
            !differences(&found, &less, &found).is_empty(),
            "`{line}` says what is said already:\n{text}"
        );
    }
    fs::remove_file(&path)?;
    // Where the unit has drop-ins of its own the folder stays.
    let _ = fs::remove_dir(path.parent().context("a file has a folder")?);
    Ok(places.len())
}

fn posture(root: &Path, search: &str, name: &UnitName, context: Context) -> Result<Posture> {
    let root = Root::open(root)?;
    let name = if name.is_template() { name.with_instance("x")? } else { name.clone() };
    match Loader::new(&root, SearchPath::from_unit_path(search)?).load(&name)? {
        Load::Loaded(text) => {
            let reading = read(&text, &Posture::unset("", context));
            ensure!(reading.refused.is_none(), "{name} is refused: {:?}", reading.refused);
            Ok(reading.posture)
        }
        other => bail!("{name} does not load: {other:?}"),
    }
}

/// The directives of confinement in which a found posture differs from the wanted one. Where it was stricter before and
/// stayed as it was, or means nothing beside another directive, there is no difference.
fn differences(wanted: &Posture, found: &Posture, before: &Posture) -> Vec<String> {
    let moot = |row: &Directive| row.beside.is_some_and(|base| !found.is_on(base));
    // The group of a user is not named everywhere.
    let unnamed = |row: &Directive| row.name == "Group" && found.get(row).value == Value::Unset;
    let rows = catalogue::all().iter().filter(|row| row.confines() && !moot(row) && !unnamed(row));
    let shown = |row: &Directive, posture: &Posture| row.kind.write(&posture.get(row).value);
    let differs = rows.filter(|row| {
        let (one, other) = (&wanted.get(row).value, &found.get(row).value);
        let compared = row.kind.compare(other, one);
        let same =
            one == other || compared == Some(Ordering::Equal) || shown(row, wanted) == shown(row, found);
        let implied = matches!(found.get(row).origin, Origin::Implied(_));
        let stays = *other == before.get(row).value && (compared == Some(Ordering::Greater) || implied);
        !same && !stays
    });
    let told = |row: &&Directive| {
        format!("{}: wanted {}, found {}", row.name, shown(row, wanted), shown(row, found))
    };
    differs.map(told).collect()
}
