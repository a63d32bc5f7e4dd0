//! Paths that a service writes: those of the system, and those that it runs code from.

use std::path::Path;

use super::place;
use crate::catalogue::{self, Directive, Opens, Writable};
use crate::finding::Finding;
use crate::posture::Posture;
use crate::value::Value;

/// Paths of the system: to write one of these, what lies above it or what lies below it changes other programs.
const CODE: [&str; 14] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/boot",
    "/efi",
    "/etc/systemd",
    "/etc/cron.d",
    "/etc/pam.d",
    "/etc/sudoers.d",
    "/etc/ld.so.conf.d",
    "/run/systemd",
    "/proc/sys",
];

/// Paths of the system that are others' too: to write all of one, or what lies above it, changes other programs; what
/// lies below may be the service's own.
const SHARED: [&str; 9] = ["/etc", "/root", "/home", "/run", "/var", "/var/lib", "/dev", "/sys", "/proc"];

fn is_of_the_system(path: &str) -> bool {
    let Some(path) = path.strip_prefix('/') else { return false };
    let names: Vec<&str> = path.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
    let names_of = |known: &'static str| known.split('/').skip(1);
    // One of two paths lies above the other, or is the other, where they agree as far as the shorter one goes.
    let agrees = |known| names_of(known).zip(&names).all(|(one, other)| one == *other);
    CODE.into_iter().any(agrees)
        || SHARED.into_iter().any(|shared| agrees(shared) && names.len() <= names_of(shared).count())
}

/// Rows that leave paths writable, with these.
fn writable(posture: &Posture) -> impl Iterator<Item = (&'static Directive, String)> {
    catalogue::openers().iter().copied().flat_map(move |row| {
        let Opens::Writing(how) = row.opens else { return Vec::new() };
        let Value::Words(entries) = &posture.get(row).value else { return Vec::new() };
        let path = |entry: &String| {
            let bare = entry.trim_start_matches(['-', '+']);
            let first = bare.split(':').next().unwrap_or(bare);
            match how {
                Writable::Paths => bare.to_owned(),
                Writable::Sources => first.to_owned(),
                Writable::Below(folder) => format!("{folder}/{first}"),
            }
        };
        entries.iter().map(|entry| (row, path(entry))).collect()
    })
}

/// Paths of the system that are left writable beside a directive that makes them read-only.
pub(super) fn writable_system(posture: &Posture) -> Vec<Finding> {
    let mut openers = catalogue::openers().iter().filter(|row| matches!(row.opens, Opens::Writing(_)));
    let Some(closer) = openers.find_map(|row| row.beside.filter(|closer| posture.is_on(closer))) else {
        return Vec::new();
    };
    let found = writable(posture).filter(|(_, path)| is_of_the_system(path));
    found
        .map(|(row, path)| {
            let value = closer.kind.write(&posture.get(closer).value);
            let text = format!("{}= leaves `{path}` writable beside {}={value}", row.name, closer.name);
            Finding {
                place: place(&posture.get(row).origin),
                directive: Some(row),
                ..Finding::notice("hole.writable-system", text).of(path)
            }
        })
        .collect()
}

/// Paths that the service may both write and run code from, although running code is closed elsewhere.
pub(super) fn writable_code(posture: &Posture) -> Vec<Finding> {
    let mut found = Vec::new();
    for row in catalogue::openers().iter().filter(|row| row.opens == Opens::Running) {
        let Some(beside) = row.beside.filter(|beside| posture.is_on(beside)) else { continue };
        let (Value::Words(runs), Value::Words(shut)) = (&posture.get(row).value, &posture.get(beside).value)
        else {
            continue;
        };
        for (writer, path) in writable(posture) {
            // What lies deepest decides (systemd.exec(5), ExecPaths=).
            let depth = |entries: &[String]| {
                let bare = entries.iter().map(|entry| entry.trim_start_matches(['-', '+']));
                bare.filter(|entry| Path::new(&path).starts_with(entry)).map(str::len).max()
            };
            let below = runs.iter().map(|entry| entry.trim_start_matches(['-', '+']));
            let runs_below = below.filter(|entry| Path::new(entry).starts_with(&path)).count() > 0;
            if runs_below || depth(runs) >= depth(shut) && depth(runs).is_some() {
                let text = format!(
                    "`{path}` may be written ({}=) and run from ({}=): code that gets there is run",
                    writer.name, row.name
                );
                found.push(Finding {
                    place: place(&posture.get(row).origin),
                    directive: Some(row),
                    ..Finding::notice("hole.writable-code", text).of(path)
                });
            }
        }
    }
    found
}
