//! Who has an uid, and whether that may be somebody else than some time ago: the last change of a password, and the age
//! of a home, tell that an account was there already.

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::UNIX_EPOCH;

use cap_std::fs::MetadataExt as _;

use crate::accounts::{Account, Accounts, SYSTEMD};
use crate::unit_file::{Links, Root};

/// Seconds.
const DAY: i64 = 86_400;

/// Uids that systemd gives out itself (systemd.io, "Users, Groups, UIDs and GIDs"): of homes, of services with a
/// dynamic user, of containers.
const GIVEN_OUT: [RangeInclusive<u32>; 3] = [60_001..=60_513, 61_184..=65_519, 524_288..=1_879_048_191];

/// Where records of single accounts lie (nss-systemd(8)).
const RECORDS: [&str; 4] = ["/etc/userdb", "/run/userdb", "/run/host/userdb", "/usr/lib/userdb"];

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

/// Who `uid` is now, against whoever it was at `then`, in seconds since 1970.
pub(super) fn standing(accounts: &Accounts, uid: u32, then: i64, root: &Root) -> Standing {
    let mut holders = accounts.users.iter().filter(|account| account.uid == uid).peekable();
    if holders.peek().is_none() {
        return elsewhere(accounts, uid, root);
    }
    let mut newer = None;
    for account in holders {
        // Only root may read shadow(5); without it less can be told of an account's age.
        let secret = accounts.secrets.as_ref().and_then(|all| all.get(&account.name));
        // A day has no time: only one that was over by then is before it.
        let changed = secret.and_then(|secret| secret.changed);
        if changed.is_some_and(|day| day.saturating_add(1).saturating_mul(DAY) <= then) {
            return Standing::Same;
        }
        match born(account, root) {
            Some(born) if born <= then => return Standing::Same,
            Some(_) => newer = Some(account.name.clone()),
            None => {}
        }
    }
    match newer {
        Some(name) => Standing::Newer { name },
        None => Standing::NotKnown(
            "not known whether the account is older than the entries: it has no home that tells".to_owned(),
        ),
    }
}

/// An uid that the file does not know.
fn elsewhere(accounts: &Accounts, uid: u32, root: &Root) -> Standing {
    if let Some(other) = accounts.others("passwd").find(|other| *other != SYSTEMD) {
        return Standing::NotKnown(format!(
            "not known whether an account has this uid: accounts come from `{other}` too, which is not asked"
        ));
    }
    if accounts.others("passwd").any(|other| other == SYSTEMD) {
        let record = |folder: &str| {
            let path = format!("{folder}/{uid}.user");
            !matches!(root.metadata(Path::new(&path), Links::Follow), Ok(None))
        };
        if GIVEN_OUT.iter().any(|range| range.contains(&uid)) || RECORDS.iter().any(|folder| record(folder)) {
            let why = "not known whether an account has this uid: systemd gives it out, which is not asked";
            return Standing::NotKnown(why.to_owned());
        }
    }
    Standing::Gone
}

/// When the home of an account was made, in seconds since 1970: only one of its own tells.
fn born(account: &Account, root: &Root) -> Option<i64> {
    let home = root.metadata(Path::new(&account.home), Links::Follow).ok()??;
    let born = home.created().ok()?.into_std().duration_since(UNIX_EPOCH).ok()?;
    (home.is_dir() && home.uid() == account.uid).then(|| i64::try_from(born.as_secs()).ok())?
}
