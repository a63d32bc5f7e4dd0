use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::catalogue;
use crate::manifest::{Manifest, Source, Sources, load};

const HEAD: &str = "edition = 1\n[users.a]\n[service]\nname = \"a\"\nexec = [\"/usr/bin/a\"]\n";

pub(crate) fn manifest(rules: &str) -> anyhow::Result<Manifest> {
    let text = format!("{HEAD}{rules}");
    let main = Source { path: "a.toml", bytes: text.as_bytes() };
    Ok(load(&Sources { main, drop_ins: Vec::new() }, &catalogue::FOR_MANIFESTS)?)
}

pub(crate) fn tree(files: &[(&str, &str)]) -> anyhow::Result<TempDir> {
    let tree = tempfile::tempdir()?;
    for (path, text) in files {
        let place = tree.path().join(path.trim_start_matches('/'));
        fs::create_dir_all(place.parent().unwrap_or(Path::new("/")))?;
        fs::write(place, text)?;
    }
    Ok(tree)
}

fn told(findings: &[Finding]) -> Vec<String> {
    let one = |finding: &Finding| {
        let place = finding.place.as_ref().map_or(String::new(), |(file, line)| match line {
            Some(line) => format!("{file}:{line} "),
            None => format!("{file} "),
        });
        let subject = finding.subject.as_deref().unwrap_or_default();
        format!("{} {place}{} {subject}: {}", finding.severity.word(), finding.id, finding.text)
    };
    findings.iter().map(one).collect()
}

/// What files say against rules.
fn judged(rules: &str, files: &[(&str, &str)]) -> anyhow::Result<Vec<String>> {
    let tree = tree(files)?;
    Ok(told(&contents(&manifest(rules)?, &Root::open(tree.path())?)))
}

#[test]
fn a_key_is_judged_by_its_rule_and_the_value_is_not_repeated() -> anyhow::Result<()> {
    for (rule, good, bad, expected) in [
        ("is = \"x\"", "x", "s3cret", "content.value /f: K: is not `x` (line 2): why"),
        ("one-of = [\"x\", \"y\"]", "y", "s3cret", "content.value /f: K: is none of `x`, `y` (line 2): why"),
        ("not = [\"x\", \"y\"]", "z", "y", "content.value /f: K: must not be `y` (line 2): why"),
        ("without = [\"/\", \"*\"]", "::1", "::/0", "content.value /f: K: must not hold `/` (line 2): why"),
        ("at-most = 9", "9", "10", "content.value /f: K: is above 9 (line 2): why"),
        ("at-least = 9", "9", "8", "content.value /f: K: is below 9 (line 2): why"),
        ("at-least = 9", "10", "many", "content.value /f: K: is no number (line 2): why"),
        (
            "min-length = 6",
            "s3crét",
            "s3cré",
            "content.value /f: K: has fewer than 6 characters (line 2): why",
        ),
    ] {
        let rules = format!(
            "[contents.f]\nbecause = \"files\"\nfiles = [\"/f\"]\nformat = \"keys\"\n[contents.f.keys.K]\nbecause = \"why\"\n{rule}\n"
        );
        let file = |value: &str| format!("# comment\nK={value}\n");
        assert_eq!(judged(&rules, &[("/f", &file(good))])?, [""; 0], "{rule} {good}");
        assert_eq!(judged(&rules, &[("/f", &file(bad))])?, [format!("finding a.toml:10 {expected}")]);
    }
    Ok(())
}

const KEY: &str = "[contents.f]\nbecause = \"files\"\nfiles = [\"/f.toml\"]\n[contents.f.keys.\"m.path\"]\nbecause = \"why\"\n";

#[test]
fn a_key_may_be_required_forbidden_or_conditional() -> anyhow::Result<()> {
    let required = format!("{KEY}required = true\nseverity = \"critical\"\n");
    let missing = ["critical a.toml:9 content.missing-key /f.toml: m.path: is not set: why"];
    assert_eq!(judged(&required, &[("/f.toml", "[m]\nother = 1\n")])?, missing);
    assert_eq!(judged(&required, &[])?, missing);
    assert_eq!(judged(&required, &[("/f.toml", "[m]\npath = 1\n")])?, [""; 0]);

    let absent = format!("{KEY}absent = true\n");
    let there = ["finding a.toml:9 content.value /f.toml: m.path: must not be set here (line 2): why"];
    assert_eq!(judged(&absent, &[("/f.toml", "[m]\npath = 1\n")])?, there);

    // Of each element of an array by itself.
    let when = format!("{KEY}is = \"/x\"\nwhen = {{ \"m.type\" = \"disk\" }}\n");
    let text = "[[m]]\ntype = 'disk'\npath = '/x'\n[[m]]\ntype = 'sql'\npath = '/y'\n[[m]]\ntype = 'disk'\npath = '/z'\n";
    let other = ["finding a.toml:9 content.value /f.toml: m.path: is not `/x` (line 9): why"];
    assert_eq!(judged(&when, &[("/f.toml", text)])?, other);
    Ok(())
}

#[test]
fn keys_that_nobody_knows_and_placeholders_are_told() -> anyhow::Result<()> {
    let rules = "[contents.f]\nbecause = \"files\"\nfiles = [\"/f.env\"]\nknown = [\"A_*\"]\n[contents.f.never]\n\"USER:PASS\" = \"a document's\"\n[contents.f.keys.B]\nbecause = \"why\"\nnot = [\"x\"]\n";
    let text = "A_URL=db://USER:PASS@host\nB=1\nC=s3cret\n# USER:PASS\n";
    let expected = [
        "finding a.toml:6 content.unknown-key /f.env: `C` (line 3) is no key of this file: correct or remove it",
        "finding a.toml:6 content.placeholder /f.env: A_URL: the value (line 1) still holds `USER:PASS`: a document's",
    ];
    assert_eq!(judged(rules, &[("/f.env", text)])?, expected);
    let keys = rules.replace(".env", ".conf").replace("known", "format = \"keys\"\nknown");
    let found = judged(&keys, &[("/f.conf", "s3cret/s3cret\n")])?;
    assert_eq!(
        found,
        [
            "finding a.toml:6 content.unknown-key /f.conf: a key that is no name (line 1) is no key of this file: correct or remove it"
        ]
    );
    Ok(())
}

#[test]
fn a_limit_may_be_what_another_file_says() -> anyhow::Result<()> {
    let rules = "[contents.f]\nbecause = \"files\"\nfiles = [\"/f.env\"]\n[contents.f.keys.N]\nbecause = \"why\"\nat-most = { file = \"/g.ini\", key = \"qm.MAX\" }\n";
    let judge = |most: &str| judged(rules, &[("/f.env", "N=10\n"), ("/g.ini", most)]);
    assert_eq!(judge("[QM]\nMAX=10\n")?, [""; 0]);
    let above = ["finding a.toml:9 content.value /f.env: N: is above `/g.ini: qm.MAX` (line 1): why"];
    assert_eq!(judge("[qm]\nMAX=9\n")?, above);
    let unknown = [
        "notice a.toml:9 content.not-known /f.env: N: its limit is not known: `/g.ini: qm.MAX` is no number that is set",
    ];
    assert_eq!(judge("[qm]\n")?, unknown);
    Ok(())
}

#[test]
fn of_several_environment_files_the_last_value_counts() -> anyhow::Result<()> {
    let rules = "[contents.f]\nbecause = \"files\"\nfiles = [\"/a.env\", \"/b.env\"]\n[contents.f.keys.N]\nbecause = \"why\"\nis = \"2\"\n";
    assert_eq!(judged(rules, &[("/a.env", "N=1\n"), ("/b.env", "N=2\n")])?, [""; 0]);
    let other = ["finding a.toml:9 content.value /b.env: N: is not `2` (line 1): why"];
    assert_eq!(judged(rules, &[("/a.env", "N=2\n"), ("/b.env", "N=1\n")])?, other);
    Ok(())
}

#[test]
fn a_secret_in_a_file_for_everybody_is_told_and_a_broken_file_is_no_good_one() -> anyhow::Result<()> {
    let rules = format!("{KEY}secret = true\n");
    let tree = tree(&[("/f.toml", "[m]\npath = 's3cret'\n")])?;
    let (manifest, root) = (manifest(&rules)?, Root::open(tree.path())?);
    let file = tree.path().join("f.toml");
    for (mode, expected) in [
        (0o640, vec![]),
        (
            0o644,
            vec![
                "finding a.toml:9 content.exposed /f.toml: m.path: is a secret, and everybody has access to the file (mode 0644): why; `chmod o=`",
            ],
        ),
    ] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode))?;
        assert_eq!(told(&contents(&manifest, &root)), expected);
    }
    fs::write(&file, "[m]\npath = = 's3cret'\n")?;
    let broken =
        ["finding a.toml:6 content.malformed /f.toml: it cannot be read as TOML: it is not TOML (line 2)"];
    assert_eq!(told(&contents(&manifest, &root)), broken);
    fs::remove_file(&file)?;
    fs::create_dir(&file)?;
    let unread =
        ["notice a.toml:6 content.not-known /f.toml: not known, for it cannot be read: not a regular file"];
    assert_eq!(told(&contents(&manifest, &root)), unread);
    Ok(())
}

#[test]
fn environment_files_of_a_service_are_looked_at_without_any_rule() -> anyhow::Result<()> {
    let rules =
        "environment-files = [\"/a.env\", \"-/b\", \"-/gone\"]\n[service.environment]\nHOST = \"::1\"\n";
    let tree = tree(&[("/a.env", "A=1\nHOST=::\nexport B=2\n"), ("/b", "A=x\\:y\n")])?;
    let manifest = manifest(rules)?;
    let service = manifest.services.values().next();
    let service = service.ok_or_else(|| anyhow::anyhow!("no service"))?;
    let found = told(&environment_files(service, &Root::open(tree.path())?));
    let expected = [
        "finding /a.env:3 content.dialect : systemd ignores the line: what stands before `=` is not a variable's name",
        "notice /a.env:2 content.overrides HOST: it takes the place of what the manifest's `environment` says",
        "finding /b:1 content.dialect A: systemd takes the backslash away: write it twice, or put the value into single quotes",
        "finding /b:1 content.duplicate-key A: it is set twice: this takes the place of `/a.env:1`",
    ];
    assert_eq!(found, expected);
    Ok(())
}
