//! The properties of `properties`, with their seeds and with the inputs that broke them once: tests/cases/fuzz holds
//! a folder for each, and a file for each input.

use std::fs;
use std::panic;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::harness::{command, project, scratch};
use crate::properties::program::elf;
use crate::properties::{ALL, Property};

/// An input that takes longer hangs, also on a slow machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn all_hold(property: &Property) -> Result<()> {
    let seeds = (property.seeds)();
    ensure!(!seeds.is_empty(), "{} has no seeds", property.name);
    let mut inputs: Vec<(String, Vec<u8>)> =
        seeds.into_iter().enumerate().map(|(place, seed)| (format!("seed {place}"), seed)).collect();
    let folder = project("tests/cases/fuzz").join(property.name);
    if folder.is_dir() {
        for case in fs::read_dir(&folder)? {
            let path = case?.path();
            inputs.push((path.display().to_string(), fs::read(&path)?));
        }
    }
    for (name, input) in inputs {
        let started = Instant::now();
        let held = panic::catch_unwind(|| (property.holds)(&input));
        ensure!(held.is_ok(), "{} does not hold for {name}", property.name);
        ensure!(started.elapsed() < PATIENCE, "{} takes {:?} for {name}", property.name, started.elapsed());
    }
    Ok(())
}

fn holds(name: &str) -> Result<()> {
    all_hold(ALL.iter().find(|property| property.name == name).context("no such property")?)
}

#[test]
fn units() -> Result<()> {
    holds("unit")
}

#[test]
fn manifests() -> Result<()> {
    holds("manifest")
}

#[test]
fn imports() -> Result<()> {
    holds("import")
}

#[test]
fn snippets() -> Result<()> {
    holds("snippets")
}

#[test]
fn values_of_the_bus() -> Result<()> {
    holds("bus")
}

#[test]
fn journals() -> Result<()> {
    holds("journal")
}

#[test]
fn settings() -> Result<()> {
    holds("settings")
}

#[test]
fn programs() -> Result<()> {
    holds("program")
}

/// A seed that is no program to the reader would lead the fuzzer nowhere.
#[test]
fn seeds_of_programs_are_read_as_such() -> Result<()> {
    for wide in [true, false] {
        for little in [true, false] {
            let tree = scratch()?;
            for folder in ["etc/systemd/system", "usr/bin"] {
                fs::create_dir_all(tree.path().join(folder))?;
            }
            let unit = "[Service]\nExecStart=/usr/bin/a\n";
            fs::write(tree.path().join("etc/systemd/system/a.service"), unit)?;
            fs::write(tree.path().join("usr/bin/a"), elf(wide, little))?;
            let root = tree.path().to_str().context("a path that is not UTF-8")?;
            let output = command(&["import", "--root", root, "a"]).output()?;
            let text = String::from_utf8(output.stdout)?;
            ensure!(text.contains("/usr/bin/a imports chown"), "{wide} {little}: {text}");
        }
    }
    Ok(())
}

#[test]
fn trees() -> Result<()> {
    holds("tree")
}

/// Every target has seeds; `SYSTEMD_HARDEN_SEEDS` names a folder to write them to, which `fuzz/run` does.
#[test]
fn seeds_are_there_for_every_target() -> Result<()> {
    let folder = std::env::var_os("SYSTEMD_HARDEN_SEEDS").map(PathBuf::from);
    for property in &ALL {
        let mut seeds = (property.seeds)();
        seeds.sort();
        seeds.dedup();
        ensure!(seeds.len() > 1, "{} seeds for {}", seeds.len(), property.name);
        let Some(folder) = &folder else { continue };
        let own = folder.join(property.name);
        fs::create_dir_all(&own)?;
        for (place, seed) in seeds.iter().enumerate() {
            fs::write(own.join(format!("seed-{place:04}")), seed)?;
        }
    }
    Ok(())
}

/// Every property has its target, and every target its property.
#[test]
fn each_property_is_a_fuzz_target() -> Result<()> {
    let manifest = fs::read_to_string(project("fuzz/Cargo.toml"))?;
    let targets: Vec<&str> =
        manifest.lines().filter_map(|line| line.strip_prefix("name = ")).skip(1).collect();
    let names: Vec<String> = ALL.iter().map(|property| format!("\"{}\"", property.name)).collect();
    ensure!(targets == names, "{targets:?} are not {names:?}");
    for property in &ALL {
        let path = project("fuzz/fuzz_targets").join(format!("{}.rs", property.name));
        ensure!(path.is_file(), "{} is not there", path.display());
    }
    Ok(())
}
