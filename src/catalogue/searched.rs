//! Where systemd looks for a command without a path: asked of the row that says it.

use super::{Entry, Kind};
use crate::posture::Posture;
use crate::value::Value;

/// Where it looks for a unit that says nothing (`DEFAULT_PATH` of systemd, with the folders of a split /usr).
pub const DEFAULT_PATH: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// The folders in which a unit's commands without a path are looked for, the first first. What only the running manager
/// can expand is left out.
pub fn search_path(posture: &Posture) -> Vec<&str> {
    let own = posture.iter().find_map(|(directive, setting)| match (directive.kind, &setting.value) {
        (Kind::Words(rules), Value::Words(entries)) if rules.entry == Entry::Searched => Some(entries),
        _ => None,
    });
    match own {
        Some(entries) if !entries.is_empty() => {
            entries.iter().map(String::as_str).filter(|folder| folder.starts_with('/')).collect()
        }
        _ => DEFAULT_PATH.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::find;
    use super::super::laws::context;
    use super::*;
    use crate::posture::Origin;

    #[test]
    fn a_unit_may_say_where_its_commands_are_looked_for() -> anyhow::Result<()> {
        let mut posture = Posture::unset("a.service", context(257));
        assert_eq!(search_path(&posture), DEFAULT_PATH);
        let row = find("ExecSearchPath").ok_or_else(|| anyhow::anyhow!("no row"))?;
        posture.assign(row, "/opt/a/bin:/usr/bin", Origin::Policy(Vec::new()));
        assert_eq!(search_path(&posture), ["/opt/a/bin", "/usr/bin"]);
        posture.assign(row, "", Origin::Policy(Vec::new()));
        assert_eq!(search_path(&posture), DEFAULT_PATH);
        Ok(())
    }
}
