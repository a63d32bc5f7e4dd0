//! What a unit was refused, one after the other.

use super::*;

fn found(lines: &[&str], there: &[&str], symptoms: &Symptoms) -> Result<Denials> {
    within(lines, there, |around| denials(symptoms, around))
}

fn running(journal: Vec<JournalLine>) -> Symptoms {
    let result = "success".to_owned();
    Symptoms { active: "active".to_owned(), result, journal, ..Symptoms::default() }
}

/// Each as `ERROR TIMES DIRECTIVE THING`.
fn each(denials: &Denials) -> Vec<String> {
    let one = |denial: &Denial| {
        let cause = denial.first();
        let row = cause.and_then(|cause| cause.directives.first()).map_or("-", |row| row.name);
        let thing = cause.and_then(|cause| cause.thing.as_deref()).unwrap_or("-");
        format!("{} {} {row} {thing}", denial.error, denial.times)
    };
    denials.all.iter().map(one).collect()
}

#[test]
fn what_is_said_while_it_runs_counts_in_its_order_and_once() -> Result<()> {
    let lines = ["ProtectSystem=strict", "ProtectHome=yes", "RestrictAddressFamilies=AF_UNIX"];
    let said = [
        "touch: cannot touch '/srv/a': Read-only file system",
        "starting",
        "socket(AF_NETLINK): Address family not supported by protocol",
        "touch: cannot touch '/srv/a': Read-only file system",
        "open /home/a/b: Permission denied",
        "open /srv/none: No such file or directory",
    ];
    let symptoms = running(said.iter().map(|text| line(Speaker::Program, text)).collect());
    let denials = found(&lines, &["/srv/a", "/home/a/b"], &symptoms)?;
    let expected = [
        "EROFS 2 ProtectSystem /srv/a",
        "EAFNOSUPPORT 1 RestrictAddressFamilies AF_NETLINK",
        "EACCES 1 ProtectHome /home/a/b",
    ];
    ensure!(each(&denials) == expected, "{:?}", each(&denials));
    ensure!(denials.all.iter().all(|denial| !denial.ended), "it runs");
    ensure!(denials.hints.len() == 1, "{:?}", denials.hints);
    let all_is_well = running(vec![line(Speaker::Program, "all is well")]);
    ensure!(found(&lines, &[], &all_is_well)?.all.is_empty(), "nothing was refused");
    Ok(())
}

#[test]
fn what_ended_it_stands_where_it_happened() -> Result<()> {
    let lines = ["ReadWritePaths=/srv/nope", "ProtectSystem=strict"];
    let error = "Failed to set up mount namespacing: /srv/nope: No such file or directory";
    let mut journal = vec![line(Speaker::Program, "touch: cannot touch '/etc/a': Read-only file system")];
    journal.extend(at_step(ExecStep::Namespace, 2, error));
    let denials = found(&lines, &["/etc/a"], &failed(journal))?;
    let expected = ["EROFS 1 ProtectSystem /etc/a", "226/NAMESPACE 1 ReadWritePaths /srv/nope"];
    ensure!(each(&denials) == expected, "{:?}", each(&denials));
    let last = denials.all.last().context("none")?;
    ensure!(last.ended && last.besides.iter().any(|text| text.contains(error)), "{last:?}");
    Ok(())
}

#[test]
fn a_name_that_nobody_has_is_blamed_alone() -> Result<()> {
    let error = "Failed to determine user credentials: No such process";
    let symptoms = failed(at_step(ExecStep::User, 3, error));
    let denials = found(&["User=nobodyhere", "PrivateUsers=yes"], &[], &symptoms)?;
    ensure!(each(&denials) == ["217/USER 1 User nobodyhere"], "{:?}", each(&denials));
    Ok(())
}

#[test]
fn what_a_shell_cannot_run_is_found_where_it_looks() -> Result<()> {
    let symptoms = failed(says("/bin/sh: 1: touch: Permission denied"));
    let lines = ["NoExecPaths=/", "ExecPaths=/usr/lib /usr/bin/dash"];
    let denials = found(&lines, &["/usr/bin/touch"], &symptoms)?;
    ensure!(
        each(&denials).first().is_some_and(|it| it == "EACCES 1 NoExecPaths /usr/bin/touch"),
        "{:?}",
        each(&denials)
    );
    Ok(())
}

#[test]
fn what_stands_in_another_posture_is_counted() -> Result<()> {
    let text = "touch: cannot touch '/srv/a': Read-only file system";
    let symptoms = running(vec![line(Speaker::Program, text)]);
    let strict = ["ProtectSystem=strict"];
    let denial = found(&strict, &["/srv/a"], &symptoms)?.all.pop().context("none")?;
    let standing = |lines: &[&str]| {
        within(lines, &["/srv/a"], |around| denial.standing(&symptoms, around.posture, around))
    };
    ensure!(standing(&strict)? == Some(1), "it is refused as before");
    ensure!(standing(&["ProtectSystem=strict", "ReadWritePaths=/srv/b"])? == Some(1), "it is refused still");
    ensure!(standing(&["ProtectSystem=strict", "ReadWritePaths=/srv"])? == Some(0), "nothing refuses it");
    Ok(())
}
