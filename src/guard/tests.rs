use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, SystemTime};

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::content::tests::{manifest, tree};

const STAYS: &str = "[guards.g]\nbecause = \"why\"\nwhile-entries = \"/store\"\nexcept = [\"own\"]\nencoded = \"base64url\"\nfile = \"/c.toml\"\nkey = \"a.b\"\nstays = \"x\"\n";
const UIDS: &str =
    "[guards.g]\nbecause = \"why\"\nuids-of = \"/store/\"\nencoded = \"base64url\"\nexcept = [\"own\"]\n";

fn judged(rules: &str, tree: &TempDir) -> anyhow::Result<Vec<String>> {
    let found = guards(&manifest(rules)?, &Root::open(tree.path())?);
    let one = |finding: &Finding| {
        let subject = finding.subject.as_deref().unwrap_or_default();
        format!("{} {} {subject}: {}", finding.severity.word(), finding.id, finding.text)
    };
    Ok(found.iter().map(one).collect())
}

#[test]
fn a_key_must_stay_while_the_store_holds_something() -> anyhow::Result<()> {
    const KEY: (&str, &str) = ("/store/MTAwMg==/1/a2V5", "");
    let mixed = "finding guard.mixed /c.toml: a.b: has changed, while `/store` still holds entries made under `x`: \
                 set it back, or empty that first: why";
    for (files, expected) in [
        (vec![], None),
        (vec![("/c.toml", "a.b = 'y'")], None),
        (vec![("/c.toml", "a.b = 'x'"), KEY], None),
        (vec![("/c.toml", "a.b = 'y'"), KEY], Some(mixed.to_owned())),
        (vec![("/c.toml", "a.b = 'y'"), ("/store/b3du/1/a2V5", "")], None),
        (vec![("/c.toml", ""), KEY], Some(mixed.replace("has changed", "is not set"))),
        (vec![KEY], Some(mixed.replace("has changed", "is gone with its file"))),
    ] {
        let tree = tree(&files)?;
        assert_eq!(judged(STAYS, &tree)?, Vec::from_iter(expected), "{files:?}");
    }
    // A directory in which nothing is left is no entry.
    let empty = tree(&[("/c.toml", "a.b = 'y'")])?;
    fs::create_dir_all(empty.path().join("store/MTAwMg==/1"))?;
    assert_eq!(judged(STAYS, &empty)?, [""; 0]);
    // What cannot be looked at is not said to be empty.
    let file = tree(&[("/c.toml", "a.b = 'y'"), KEY])?;
    fs::write(file.path().join("c.toml"), "a = = 's3cret'")?;
    assert_eq!(
        judged(STAYS, &file)?,
        ["finding content.malformed /c.toml: it cannot be read as TOML: it is not TOML (line 1)"]
    );
    Ok(())
}

#[test]
fn what_a_breach_is_worth_is_the_manifests_to_say() -> anyhow::Result<()> {
    let tree = tree(&[("/c.toml", "a.b = 'y'"), ("/store/k", "")])?;
    let found = judged(&format!("{STAYS}severity = \"critical\"\n"), &tree)?;
    assert!(matches!(found.as_slice(), [only] if only.starts_with("critical guard.mixed")), "{found:?}");
    Ok(())
}

/// A tree with a store of one entry that existed `ago` seconds ago, and the uid of the test, as text and encoded.
fn store_of(ago: u64, passwd: &str) -> anyhow::Result<(TempDir, String)> {
    let tree = tree(&[("/etc/passwd", passwd)])?;
    let uid = fs::metadata(tree.path())?.uid().to_string();
    let name = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, &uid);
    let key = tree.path().join("store").join(name).join("1/key");
    fs::create_dir_all(key.parent().unwrap_or(&key))?;
    let then = SystemTime::now() - Duration::from_secs(ago);
    fs::File::create(&key)?.set_modified(then)?;
    fs::create_dir(tree.path().join("home"))?;
    Ok((tree, uid))
}

#[test]
fn entries_of_uids_without_an_account_are_told() -> anyhow::Result<()> {
    let (tree, uid) = store_of(0, "other:x:4000:4000::/:/bin/sh\nbroken\n")?;
    let gone = format!(
        "finding guard.uid-gone /store: {uid}: no account has this uid: whoever gets it gets the entries; delete them \
         first: why"
    );
    assert_eq!(judged(UIDS, &tree)?, std::slice::from_ref(&gone));
    // Not while somebody else may know the account.
    for (switch, known) in [
        ("passwd: files systemd [NOTFOUND=return]\n", true),
        ("passwd: files # sss\ngroup: sss\n", true),
        ("passwd: files sss\n", false),
    ] {
        fs::write(tree.path().join("etc/nsswitch.conf"), switch)?;
        let found = judged(UIDS, &tree)?;
        let is_known = found.as_slice() == std::slice::from_ref(&gone);
        assert_eq!(is_known, known, "{switch}: {found:?}");
        assert!(is_known || matches!(found.as_slice(), [only] if only.starts_with("notice guard.not-known")));
    }
    Ok(())
}

#[test]
fn an_account_that_is_newer_than_the_entries_is_critical() -> anyhow::Result<()> {
    let at = |ago: u64, home: &str, shadow: Option<&str>| -> anyhow::Result<Vec<String>> {
        let (tree, uid) = store_of(ago, "")?;
        fs::write(tree.path().join("etc/passwd"), format!("bob:x:{uid}:1::{home}:/bin/sh\n"))?;
        if let Some(day) = shadow {
            fs::write(tree.path().join("etc/shadow"), format!("bob:!:{day}::::::\n"))?;
        }
        Ok(judged(UIDS, &tree)?
            .iter()
            .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
            .collect())
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let today = (now / 86_400).to_string();
    // The home was made just now.
    assert_eq!(at(0, "/home", None)?, [""; 0]);
    assert_eq!(at(3600, "/home", None)?, ["critical guard.uid-reused"]);
    assert_eq!(at(3600, "/home", Some(&today))?, ["critical guard.uid-reused"]);
    // The password is older than the entry, so the home is just another one.
    assert_eq!(at(3600, "/home", Some("19000"))?, [""; 0]);
    assert_eq!(at(3600, "/nowhere", None)?, ["notice guard.not-known"]);
    Ok(())
}

#[test]
fn names_that_are_no_uid_are_told() -> anyhow::Result<()> {
    let tree =
        tree(&[("/etc/passwd", ""), ("/store/YXBw/k", ""), ("/store/b3du/k", ""), ("/store/MDE/k", "")])?;
    assert_eq!(
        judged(UIDS, &tree)?,
        [
            "finding guard.no-uid /store: 01: the entry is not named by an uid: why",
            "finding guard.no-uid /store: app: the entry is not named by an uid: why",
        ]
    );
    Ok(())
}

const ROWS: &str = "[guards.g]\nbecause = \"why\"\nuids-of = \"/db\"\nexcept = [\"own\"]\nsqlite = { table = \"keys\", column = \"name\", where = { auth = \"3\" } }\n";

#[test]
fn rows_of_a_database_are_entries() -> anyhow::Result<()> {
    let tree = tree(&[("/etc/passwd", "a:x:7:7::/:/bin/sh\n"), ("/etc/shadow", "a:!:19000::::::\n")])?;
    let path = tree.path().join("db");
    let database = Connection::open(&path)?;
    database.execute_batch(
        "PRAGMA journal_mode = wal; CREATE TABLE keys (auth INTEGER, name TEXT); \
         INSERT INTO keys VALUES (3, '7'), (3, '8'), (3, 'own'), (1, 'app');",
    )?;
    let unknown = ["notice guard.not-known /db: not known: changes of the database lie in `-wal` beside it"];
    assert_eq!(judged(ROWS, &tree)?, unknown);
    database.close().map_err(|(_, error)| error)?;
    let found = judged(ROWS, &tree)?;
    assert!(
        matches!(found.as_slice(), [only] if only.starts_with("finding guard.uid-gone /db: 8:")),
        "{found:?}"
    );
    let stays = "[guards.g]\nbecause = \"why\"\nwhile-entries = \"/db\"\nsqlite = { table = \"keys\" }\nfile = \"/c.toml\"\nkey = \"a\"\nstays = \"x\"\n";
    let found = judged(stays, &tree)?;
    assert!(matches!(found.as_slice(), [only] if only.starts_with("finding guard.mixed")), "{found:?}");
    Ok(())
}

#[test]
fn a_database_that_is_none_or_works_against_us_is_not_known() -> anyhow::Result<()> {
    let not_known = |tree: &TempDir, why: &str| -> anyhow::Result<()> {
        let expected = [format!("notice guard.not-known /db: not known: {why}")];
        assert_eq!(judged(ROWS, tree)?, expected);
        Ok(())
    };
    let broken = tree(&[(
        "/db",
        "no database at all, but long enough to have a header of a hundred bytes if it were one: s3cret",
    )])?;
    not_known(&broken, "SQLite cannot read the database")?;
    let endless = tree(&[])?;
    let database = Connection::open(endless.path().join("db"))?;
    database.execute_batch(
        "CREATE VIEW keys AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
         SELECT 3 AS auth, i AS name FROM n;",
    )?;
    database.close().map_err(|(_, error)| error)?;
    not_known(&endless, "the database has no table `keys`")?;
    let empty = tree(&[("/db", "")])?;
    assert_eq!(judged(ROWS, &empty)?, [""; 0]);
    Ok(())
}
