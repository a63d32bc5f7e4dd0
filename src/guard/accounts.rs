//! Who has an uid, and whether that may be somebody else than some time ago: passwd(5), shadow(5), nsswitch.conf(5),
//! and the age of homes.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::UNIX_EPOCH;

use cap_std::fs::MetadataExt as _;

use crate::content::unreadable;
use crate::unit_file::{Links, Root};

/// The largest list of accounts in bytes.
const LARGEST: u64 = 16 << 20;

/// Seconds.
const DAY: i64 = 86_400;

/// Uids that systemd gives out itself (systemd.io, "Users, Groups, UIDs and GIDs"): of homes, of services with a
/// dynamic user, of containers.
const SYSTEMD: [RangeInclusive<u32>; 3] = [60_001..=60_513, 61_184..=65_519, 524_288..=1_879_048_191];

/// Where records of single accounts lie (nss-systemd(8)).
const RECORDS: [&str; 4] = ["/etc/userdb", "/run/userdb", "/run/host/userdb", "/usr/lib/userdb"];

/// Every account that is known.
pub(super) struct Accounts {
    of: BTreeMap<u32, Vec<Account>>,
    /// The last day on which a password changed, in days since 1970: the account was there then.
    changed: BTreeMap<String, i64>,
    /// Sources of accounts besides the file.
    others: Vec<String>,
}

struct Account {
    name: String,
    home: String,
}

/// Who an uid is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// An account that was there already.
    Same,
    /// Nobody.
    Gone,
    /// An account that was not there yet.
    Newer {
        /// Its name.
        name: String,
    },
    /// It cannot be told.
    NotKnown(String),
}

impl Accounts {
    /// Reads the accounts below `root`.
    ///
    /// # Errors
    ///
    /// Why they cannot be known, to be told.
    pub(super) fn read(root: &Root) -> Result<Self, String> {
        let passwd = text(root, "/etc/passwd")?.ok_or("not known: there is no list of accounts")?;
        let mut of: BTreeMap<u32, Vec<Account>> = BTreeMap::new();
        for line in passwd.lines() {
            let mut fields = line.split(':');
            let (name, uid, home) = (fields.next(), fields.nth(1), fields.nth(2));
            let (Some(name), Some(Ok(uid)), Some(home)) = (name, uid.map(str::parse), home) else { continue };
            of.entry(uid).or_default().push(Account { name: name.to_owned(), home: home.to_owned() });
        }
        // Only root may read it; without it less can be told of an account's age.
        let shadow = text(root, "/etc/shadow").ok().flatten().unwrap_or_default();
        let changed = shadow.lines().filter_map(|line| {
            let mut fields = line.split(':');
            Some((fields.next()?.to_owned(), fields.nth(1)?.parse().ok()?))
        });
        let switch = text(root, "/etc/nsswitch.conf")?.unwrap_or_default();
        Ok(Self { of, changed: changed.collect(), others: others(&switch) })
    }

    /// Who `uid` is now, against whoever it was at `then`.
    pub(super) fn standing(&self, uid: u32, then: i64, root: &Root) -> Standing {
        let Some(accounts) = self.of.get(&uid) else { return self.elsewhere(uid, root) };
        let mut newer = None;
        for account in accounts {
            // A day has no time: only one that was over by then is before it.
            let changed = self.changed.get(&account.name).copied();
            if changed.is_some_and(|day| day.saturating_add(1).saturating_mul(DAY) <= then) {
                return Standing::Same;
            }
            match born(account, uid, root) {
                Some(born) if born <= then => return Standing::Same,
                Some(_) => newer = Some(account.name.clone()),
                None => {}
            }
        }
        match newer {
            Some(name) => Standing::Newer { name },
            None => Standing::NotKnown(
                "not known whether the account is older than the entries: it has no home that tells"
                    .to_owned(),
            ),
        }
    }

    /// An uid that the file does not know.
    fn elsewhere(&self, uid: u32, root: &Root) -> Standing {
        let mut others = self.others.iter().map(String::as_str).filter(|other| *other != "systemd");
        if let Some(other) = others.next() {
            return Standing::NotKnown(format!(
                "not known whether an account has this uid: accounts come from `{other}` too, which is not asked"
            ));
        }
        if self.others.iter().any(|other| other == "systemd") {
            let record = |folder: &str| {
                let path = format!("{folder}/{uid}.user");
                !matches!(root.metadata(Path::new(&path), Links::Follow), Ok(None))
            };
            if SYSTEMD.iter().any(|range| range.contains(&uid)) || RECORDS.iter().any(|folder| record(folder))
            {
                let why =
                    "not known whether an account has this uid: systemd gives it out, which is not asked";
                return Standing::NotKnown(why.to_owned());
            }
        }
        Standing::Gone
    }
}

/// When the home of an account was made, in seconds since 1970: only one of its own tells.
fn born(account: &Account, uid: u32, root: &Root) -> Option<i64> {
    let home = root.metadata(Path::new(&account.home), Links::Follow).ok()??;
    let born = home.created().ok()?.into_std().duration_since(UNIX_EPOCH).ok()?;
    (home.is_dir() && home.uid() == uid).then(|| i64::try_from(born.as_secs()).ok())?
}

/// The sources of accounts in a nsswitch.conf(5), without the file.
fn others(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.split('#').next()?.trim().strip_prefix("passwd:"));
    let words = lines.flat_map(str::split_whitespace);
    words
        .filter(|word| !word.starts_with('[') && !word.ends_with(']'))
        .filter(|word| !matches!(*word, "files" | "compat"))
        .map(str::to_owned)
        .collect()
}

fn text(root: &Root, path: &str) -> Result<Option<String>, String> {
    let bytes = root.read_at_most(Path::new(path), LARGEST).map_err(|error| unreadable(&error))?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}
