//! What a host must have before a service can be tried: the accounts and paths that its package would have made. They
//! are not made here: an account that a trial makes would stay.

use std::path::Path;

use anyhow::{Result, bail};

use crate::accounts::Accounts;
use crate::manifest::Manifest;
use crate::render::{File, FileKind};
use crate::unit_file::{Links, Root};

/// Types of lines of tmpfiles.d(5) that make what is not there.
const MAKES: [&str; 5] = ["d", "D", "f", "F", "L"];

/// An error that names what is not there, and how to make it.
pub(super) fn check(manifest: &Manifest, files: &[File], path: &Path) -> Result<()> {
    let root = Root::open("/")?;
    let mut lacking = Vec::new();
    // Of accounts that come from elsewhere too, not all are known: the manager says which are missing.
    if let Ok(Some(accounts)) = Accounts::read(&root)
        && !accounts.are_partial()
    {
        let users = manifest.users.iter().filter(|(_, user)| !user.exists && !user.dynamic);
        let missing = users.filter(|(name, _)| accounts.user(name.as_str()).is_none());
        lacking.extend(missing.map(|(name, _)| format!("the user `{}`", name.as_str())));
        let groups = manifest.groups.iter().filter(|(_, group)| !group.exists);
        let known = |name: &str| accounts.groups.iter().any(|group| group.name == name);
        let missing = groups.filter(|(name, _)| !known(name.as_str()));
        lacking.extend(missing.map(|(name, _)| format!("the group `{}`", name.as_str())));
    }
    for place in files.iter().filter(|file| file.kind == FileKind::Tmpfiles).flat_map(|file| made(&file.text))
    {
        if matches!(root.metadata(Path::new(place), Links::Follow), Ok(None)) {
            lacking.push(format!("`{place}`"));
        }
    }
    if lacking.is_empty() {
        return Ok(());
    }
    let name = manifest.package.as_str();
    let made = |kind: FileKind| files.iter().any(|file| file.kind == kind);
    let mut commands =
        vec![format!("systemd-harden generate {} --target host --output /tmp/{name}", path.display())];
    if made(FileKind::Sysusers) {
        commands.push(format!("systemd-sysusers /tmp/{name}/{name}.sysusers"));
    }
    if made(FileKind::Tmpfiles) {
        commands.push(format!("systemd-tmpfiles --create /tmp/{name}/{name}.tmpfiles"));
    }
    bail!(
        "this host lacks what the service's package makes: {}; install the package, or make it:\n  {}",
        lacking.join(", "),
        commands.join("\n  ")
    )
}

/// The paths that the lines of a snippet make; those with anything to unquote or expand are left to the manager.
fn made(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let kind = words.next()?;
        let is_made = MAKES.contains(&kind.trim_end_matches(['+', '!', '-', '=']));
        words.next().filter(|path| is_made && !path.contains(['"', '\'', '\\', '%']))
    })
}

#[cfg(test)]
mod tests {
    use super::made;

    #[test]
    fn only_lines_that_make_something_count() {
        let text = "# made\nd /var/lib/a 0700 a a -\nz /etc/a 0600 root a -\nf+ /run/b 0644 a a -\nd \"/x y\" - - - -\n";
        assert_eq!(made(text).collect::<Vec<_>>(), ["/var/lib/a", "/run/b"]);
    }
}
