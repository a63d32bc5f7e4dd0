//! What a unit hides from its own processes: asked of the rows, which say it of themselves.

use std::path::Path;

use super::{Directive, Kind};
use crate::posture::Posture;
use crate::value::Value;

/// What a directive takes out of the service's sight, or puts back into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Nothing.
    Same,
    /// At some of its levels, these paths and what lies below them.
    Hides {
        /// The levels.
        at: &'static [&'static str],
        /// The paths.
        paths: &'static [&'static str],
    },
    /// The paths that are its entries, and what lies below them.
    HidesEntries,
    /// The paths at which its entries mount something.
    Shows,
    /// The whole host: the service has a root of its own.
    AnotherRoot,
}

/// The directive that hides `path` from the unit's processes; none where they see it.
pub fn hides(posture: &Posture, path: &Path) -> Option<&'static Directive> {
    let by = posture.iter().find(|(directive, setting)| match (directive.sight, &setting.value) {
        (Sight::Hides { at, paths }, Value::Level(level)) => {
            let Kind::Level(rules) = directive.kind else { return false };
            let word = rules.levels.get(*level).map(|level| level.text);
            word.is_some_and(|word| at.contains(&word)) && paths.iter().any(|hidden| path.starts_with(hidden))
        }
        (Sight::HidesEntries, Value::Words(entries)) => {
            entries.iter().any(|entry| path.starts_with(mounted_at(entry, 0)))
        }
        _ => false,
    });
    let shows = |(directive, setting): (&'static Directive, &crate::posture::Setting)| match &setting.value {
        Value::Words(entries) if directive.sight == Sight::Shows => {
            entries.iter().any(|entry| path.starts_with(mounted_at(entry, 1)))
        }
        _ => false,
    };
    by.map(|(directive, _)| directive).filter(|_| !posture.iter().any(shows))
}

/// The directive by which the unit's processes have another root than the host's, if there is one.
pub fn moves_root(posture: &Posture) -> Option<&'static Directive> {
    let mut rows = posture.iter().map(|(directive, _)| directive);
    rows.find(|directive| directive.sight == Sight::AnotherRoot && posture.is_on(directive))
}

/// The path of an entry whose fields are parted by colons: the one at `place`, or else the first.
fn mounted_at(entry: &str, place: usize) -> &str {
    let bare = entry.strip_prefix('-').unwrap_or(entry);
    let bare = bare.strip_prefix('+').unwrap_or(bare);
    let mut fields = bare.split(':');
    let first = fields.clone().next().unwrap_or_default();
    fields.nth(place).filter(|field| !field.is_empty()).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::find;
    use super::super::laws::context;
    use super::hides;
    use crate::posture::{Origin, Posture};

    #[test]
    fn what_is_mounted_back_is_seen() -> anyhow::Result<()> {
        use anyhow::Context as _;
        let hidden_by = |lines: &[(&str, &str)], path: &str| -> anyhow::Result<Option<&str>> {
            let mut posture = Posture::unset("a.service", context(257));
            for (name, value) in lines {
                posture.assign(find(name).with_context(|| (*name).to_owned())?, value, Origin::Bus);
            }
            Ok(hides(&posture, Path::new(path)).map(|directive| directive.name))
        };
        let home = "/home/alice";
        assert_eq!(hidden_by(&[("ProtectHome", "yes")], home)?, Some("ProtectHome"));
        assert_eq!(hidden_by(&[("ProtectHome", "tmpfs")], home)?, Some("ProtectHome"));
        assert_eq!(hidden_by(&[("ProtectHome", "read-only")], home)?, None);
        assert_eq!(hidden_by(&[("ProtectHome", "yes")], "/homes/alice")?, None);
        assert_eq!(hidden_by(&[("InaccessiblePaths", "-/srv")], "/srv/x")?, Some("InaccessiblePaths"));
        assert_eq!(hidden_by(&[("TemporaryFileSystem", "/home:ro")], home)?, Some("TemporaryFileSystem"));
        let both = [("ProtectHome", "tmpfs"), ("BindReadOnlyPaths", "/srv/alice:/home/alice")];
        assert_eq!(hidden_by(&both, home)?, None);
        Ok(())
    }
}
