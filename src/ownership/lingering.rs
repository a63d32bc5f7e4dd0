//! Processes that still act for a group that their user has left: groups are given to a process when it is started, and
//! taking the user out of group(5) takes nothing from it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Subject, stated};
use crate::accounts::Accounts;
use crate::finding::{Finding, Severity};
use crate::gather::Gather as _;
use crate::manifest::words::UserName;
use crate::process::Status;

/// The users that systemd makes up while a service runs (systemd.exec(5), `DynamicUser=`).
const DYNAMIC: std::ops::RangeInclusive<u32> = 61_184..=65_519;

/// As many processes are named.
const NAMED: usize = 3;

/// Groups of the manifest that processes carry whose users are not in them: a finding for each group. `own` are the
/// unit's processes, which may carry what the manifest gives to their service. Root needs no group.
pub(crate) fn lingering(
    subject: &Subject<'_>,
    accounts: &Accounts,
    processes: &BTreeMap<u32, Status>,
    own: &[u32],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, group) in &subject.manifest.groups {
        let Some(gid) = accounts.gid(name.as_str()).filter(|gid| *gid != 0) else { continue };
        let given = Given::of(subject, accounts, name);
        let members: BTreeSet<u32> =
            accounts.members(gid).into_iter().filter_map(|member| accounts.uid(member)).gather();
        let is_foreign = |(pid, status): &(&u32, &Status)| {
            let [user, ..] = status.users;
            let [real, ..] = status.groups;
            // A program with the set-group-ID bit has the group by its file, as its effective one alone.
            (real == gid || status.supplementary.contains(&gid))
                && user != 0
                && !members.contains(&user)
                && !given.users.contains(&user)
                && !(given.to_dynamic && DYNAMIC.contains(&user))
                && !(given.to_own && own.contains(pid))
        };
        let found: Vec<(&u32, &Status)> = processes.iter().filter(is_foreign).collect();
        if found.is_empty() {
            continue;
        }
        let named = found.iter().take(NAMED).map(|(pid, status)| {
            let [user, ..] = status.users;
            format!("{pid} of `{}` (uid {user})", accounts.user_name(user))
        });
        let named = named.collect::<Vec<_>>().join(", ");
        let more = match found.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let text = format!(
            "processes act for group `{name}` whose users are not in it: {named}{more}; a process keeps the groups \
             that it was started with: end it, and the session that it belongs to"
        );
        // A directory service may know members that the files do not.
        let severity = if accounts.are_partial() { Severity::Notice } else { Severity::Finding };
        findings.push(stated("group.lingering", severity, &group.place, text).of(name.as_str()));
    }
    findings
}

/// To whom services of the manifest give a group.
#[derive(Default)]
struct Given {
    users: BTreeSet<u32>,
    to_dynamic: bool,
    to_own: bool,
}

impl Given {
    fn of(subject: &Subject<'_>, accounts: &Accounts, name: &UserName) -> Self {
        let mut given = Self::default();
        for (stem, service) in &subject.manifest.services {
            if service.group.as_ref() != Some(name) && !service.groups.contains(name) {
                continue;
            }
            given.to_own |= stem.as_str() == subject.planned.stem;
            let Some(user) = &service.user else { continue };
            given.to_dynamic |= subject.manifest.users.get(user).is_some_and(|user| user.dynamic);
            given.users.extend(accounts.uid(user.as_str()));
        }
        given
    }
}
