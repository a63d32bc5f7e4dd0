use std::sync::Arc;

use super::*;
use crate::catalogue;
use crate::context::{Context, Mode, Scope, UnitType};
use crate::manifest::Place;
use crate::need::Need;
use crate::release::Release;
use crate::syscalls::Architecture;

fn posture(major: u16, assignments: &[(&str, &str)], origin: &Origin) -> anyhow::Result<Posture> {
    let context = Context {
        release: Release::latest(major),
        mode: Mode::Loaded,
        scope: Scope::System,
        unit_type: UnitType::Service,
        architecture: Architecture::X86_64,
    };
    let mut posture = Posture::unset("a.service", context);
    for (name, value) in assignments {
        let directive = catalogue::find(name).ok_or_else(|| anyhow::anyhow!("no {name}"))?;
        posture.assign(directive, value, origin.clone());
    }
    posture.settle(Stage::Load);
    Ok(posture)
}

fn policy() -> Origin {
    Origin::Policy(vec![Reason::Strictness])
}

fn line() -> Origin {
    Origin::Line { path: Arc::from("/etc/a"), line: 7 }
}

fn drift(wanted: &[(&str, &str)], found: &[(&str, &str)]) -> anyhow::Result<Vec<Difference>> {
    Ok(compare(&posture(252, wanted, &policy())?, &posture(252, found, &line())?).differences)
}

fn ids(differences: &[Difference]) -> Vec<String> {
    differences.iter().map(Difference::id).collect()
}

#[test]
fn equal_postures_do_not_differ() -> anyhow::Result<()> {
    let same = [("ProtectSystem", "strict"), ("SystemCallFilter", "@system-service"), ("User", "x")];
    assert_eq!(drift(&same, &same)?, []);
    assert_eq!(drift(&[], &[])?, []);
    Ok(())
}

#[test]
fn weaker_stricter_and_other_are_told_apart() -> anyhow::Result<()> {
    let wanted = [("NoNewPrivileges", "yes"), ("ProtectHome", "read-only"), ("User", "x")];
    let found = [("ProtectHome", "yes"), ("User", "y")];
    let differences = drift(&wanted, &found)?;
    let expected = ["drift.other.User", "drift.weaker.NoNewPrivileges", "drift.stricter.ProtectHome"];
    assert_eq!(ids(&differences), expected);
    let severities: Vec<Severity> = differences.iter().map(|difference| difference.severity).collect();
    assert_eq!(severities, [Severity::Finding, Severity::Finding, Severity::Notice]);
    let [_, weaker, stricter] = differences.as_slice() else { anyhow::bail!("three differences") };
    assert_eq!((weaker.wanted.as_str(), weaker.found.as_str()), ("yes", "no"));
    assert_eq!(weaker.origin, Origin::Default);
    assert_eq!(stricter.origin, line());
    Ok(())
}

#[test]
fn stricter_than_a_need_is_a_finding() -> anyhow::Result<()> {
    let place = Place { file: Arc::from("a.toml"), line: 4, column: 1 };
    let because = "mail".into();
    let needed = Origin::Policy(vec![Reason::Needed { need: Need::UsesPam, because, place }]);
    let wanted = posture(257, &[("NoNewPrivileges", "no")], &needed)?;
    let found = posture(257, &[("NoNewPrivileges", "yes")], &line())?;
    let differences = compare(&wanted, &found).differences;
    assert_eq!(ids(&differences), ["drift.stricter.NoNewPrivileges"]);
    assert_eq!(differences.first().map(|difference| difference.severity), Some(Severity::Finding));
    Ok(())
}

#[test]
fn members_say_by_what_a_set_differs() -> anyhow::Result<()> {
    let cases = [
        (
            "CapabilityBoundingSet",
            "CAP_CHOWN CAP_KILL",
            "CAP_CHOWN CAP_SYS_ADMIN",
            "other",
            "CAP_SYS_ADMIN",
            "CAP_KILL",
        ),
        ("RestrictNamespaces", "yes", "mnt", "weaker", "mnt", ""),
        ("RestrictAddressFamilies", "AF_UNIX", "AF_UNIX AF_INET", "weaker", "AF_INET", ""),
        ("RestrictAddressFamilies", "~AF_INET AF_PACKET", "~AF_INET", "weaker", "AF_PACKET", ""),
        ("InaccessiblePaths", "/a /b", "-/a", "weaker", "", "/b"),
        ("ReadWritePaths", "/var/lib/a", "/var/lib/a/b -/etc", "other", "-/etc", "/var/lib/a"),
        ("ReadWritePaths", "/var/lib", "/var/lib/a /var/lib/b", "stricter", "", "/var/lib"),
        ("ReadWritePaths", "/var/lib/a", "/", "weaker", "/", ""),
        ("SystemCallFilter", "@system-service", "@system-service @mount chroot", "weaker", "@mount", ""),
        ("SystemCallFilter", "~@clock @debug", "~@debug", "weaker", "@clock", ""),
        ("SystemCallFilter", "@system-service", "@system-service reboot", "weaker", "reboot", ""),
    ];
    for (name, wanted, found, relation, only_found, only_wanted) in cases {
        // What makes exceptions from another directive says nothing without it.
        let beside = catalogue::find(name).and_then(|directive| directive.beside);
        let both = |value| -> Vec<(&str, &str)> {
            beside.map(|base| (base.name, "strict")).into_iter().chain([(name, value)]).collect()
        };
        let differences = drift(&both(wanted), &both(found))?;
        let first = differences.first().ok_or_else(|| anyhow::anyhow!("{name}={found} differs"))?;
        assert_eq!(first.relation.word(), relation, "{name}={found}");
        assert_eq!(first.only_found.join(" "), only_found, "{name}={found}");
        assert_eq!(first.only_wanted.join(" "), only_wanted, "{name}={found}");
    }
    Ok(())
}

#[test]
fn what_is_implied_is_not_missing() -> anyhow::Result<()> {
    let both = [("ProtectSystem", "full"), ("PrivateMounts", "yes")];
    assert_eq!(drift(&both, &both[..1])?, []);
    assert_eq!(ids(&drift(&both[1..], &[])?), ["drift.weaker.PrivateMounts"]);
    Ok(())
}

#[test]
fn exceptions_from_nothing_do_not_count() -> anyhow::Result<()> {
    let wanted = [("IPAddressDeny", "any"), ("IPAddressAllow", "localhost")];
    assert_eq!(ids(&drift(&wanted, &[])?), ["drift.weaker.IPAddressDeny"]);
    assert_eq!(ids(&drift(&wanted, &wanted[..1])?), ["drift.stricter.IPAddressAllow"]);
    Ok(())
}

#[test]
fn what_only_the_host_knows_is_not_compared() -> anyhow::Result<()> {
    assert_eq!(drift(&[("MemoryMax", "50%")], &[("MemoryMax", "1G")])?, []);
    assert_eq!(drift(&[], &[("LimitNOFILE", "64"), ("WorkingDirectory", "/x")])?, []);
    let differences = drift(&[("LimitNOFILE", "32:64")], &[("LimitNOFILE", "64")])?;
    assert_eq!(ids(&differences), ["drift.weaker.LimitNOFILE"]);
    assert_eq!(ids(&drift(&[("TasksMax", "8")], &[("TasksMax", "16")])?), ["drift.weaker.TasksMax"]);
    Ok(())
}

#[test]
fn what_is_not_published_is_neither_drift_nor_fine() -> anyhow::Result<()> {
    let wanted = posture(252, &[("ProtectProc", "invisible")], &policy())?;
    let mut found = posture(252, &[], &line())?;
    for name in ["ProtectProc", "ProcSubset"] {
        let directive = catalogue::find(name).ok_or_else(|| anyhow::anyhow!("no {name}"))?;
        found.not_known(directive);
    }
    let drift = compare(&wanted, &found);
    assert_eq!(drift.differences, []);
    assert_eq!(drift.not_known.iter().map(|directive| directive.name).collect::<Vec<_>>(), ["ProtectProc"]);
    Ok(())
}

#[test]
fn literal_credentials_are_not_repeated() -> anyhow::Result<()> {
    let differences = drift(&[], &[("SetCredential", "key:hunter2")])?;
    assert_eq!(ids(&differences), ["drift.other.SetCredential"]);
    assert!(!format!("{differences:?}").contains("hunter2"));
    Ok(())
}

#[test]
fn calls_that_share_a_stand_in_number_are_one() -> anyhow::Result<()> {
    // What the manager of Debian 12 publishes for `@debug`, seen on x86-64.
    let published =
        ("SystemCallFilter", "lookup_dcookie perf_event_open pidfd_getfd ptrace rtas s390_runtime_instr");
    let given_back = ("SystemCallFilter", "switch_endian");
    assert_eq!(drift(&[("SystemCallFilter", "@debug")], &[published, given_back])?, []);
    let without = drift(&[("SystemCallFilter", "@debug")], &[published])?;
    assert_eq!(ids(&without), ["drift.stricter.SystemCallFilter"]);
    Ok(())
}
