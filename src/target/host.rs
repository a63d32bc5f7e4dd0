//! The target that a system is itself, by its os-release(5).

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};

use super::{REFUSED, Target};
use crate::gather::Gather as _;

/// Targets whose names start otherwise than the `ID=` of their systems.
const NAMED_OTHERWISE: [(&str, &str); 5] = [
    ("alinux", "alibaba-cloud-linux"),
    ("almalinux", "alma"),
    ("amzn", "amazon-linux"),
    ("azurelinux", "azure-linux"),
    ("centos", "centos-stream"),
];

impl Target {
    /// The target of the system that this os-release(5) is of.
    pub fn of_os_release(text: &str) -> Result<Self> {
        let fields: BTreeMap<&str, &str> = text.lines().filter_map(field).gather();
        let id = fields.get("ID").copied().context("it has no `ID=`")?;
        let name = NAMED_OTHERWISE.iter().find(|(own, _)| *own == id).map_or(id, |(_, name)| name);
        let version = fields.get("VERSION_ID").copied();
        let major = version.and_then(|version| version.split('.').next());
        let numbered = |number: Option<&str>| number.map(|number| format!("{name}-{number}"));
        // Debian's testing has a code name and no number.
        let code_name = fields.get("VERSION_CODENAME").filter(|code_name| !code_name.is_empty());
        let names: Vec<String> = [
            numbered(version),
            numbered(major),
            code_name.map(|&code_name| code_name.to_owned()),
            Some(name.to_owned()),
        ]
        .into_iter()
        .flatten()
        .collect();
        for name in &names {
            let target = name.parse::<Self>();
            let is_refused =
                || REFUSED.iter().any(|row| row.name == name || row.also.contains(&name.as_str()));
            // A number alone would be a release of systemd.
            if target.as_ref().is_ok_and(|target| target.distribution.is_some()) || is_refused() {
                return target;
            }
        }
        bail!("none of {} is a target that is known", names.join(", "))
    }
}

/// `KEY=value` with or without quotes; values of names and numbers have nothing to escape.
fn field(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.trim().split_once('=')?;
    let unquoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    Some((key, unquoted.unwrap_or(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_are_targets() -> Result<()> {
        let cases = [
            ("ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n", "debian-12"),
            (
                "PRETTY_NAME=\"Debian GNU/Linux forky/sid\"\nID=debian\nVERSION_CODENAME=forky\n",
                "debian-forky",
            ),
            ("ID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"24.04\"\n", "ubuntu-24.04"),
            ("ID=fedora\nVERSION_ID=42\nVERSION_CODENAME=\"\"\n", "fedora-42"),
            ("ID=\"rhel\"\nVERSION_ID=\"9.4\"\n", "rhel-9"),
            ("ID=\"rocky\"\nVERSION_ID=\"9.1\"\n", "rhel-9.0"),
            ("ID=\"almalinux\"\nVERSION_ID=\"10.0\"\n", "rhel-10"),
            ("ID=\"centos\"\nVERSION_ID=\"9\"\n", "rhel-9"),
            ("ID='opensuse-leap'\nVERSION_ID='15.6'\n", "opensuse-leap-15.6"),
            ("ID=\"sles\"\nVERSION_ID=\"16.0\"\n", "opensuse-leap-16"),
            ("ID=\"amzn\"\nVERSION_ID=\"2023\"\n", "amazon-linux-2023"),
            ("ID=arch\nBUILD_ID=rolling\n", "arch"),
        ];
        for (text, name) in cases {
            assert_eq!(Target::of_os_release(text)?.name, name, "{text}");
        }
        Ok(())
    }

    #[test]
    fn other_systems_are_not() {
        let cases = [
            ("NAME=x\n", "no `ID=`"),
            ("ID=nixos\nVERSION_ID=\"25.05\"\n", "none of nixos-25.05, nixos-25, nixos is a target"),
            ("ID=252\n", "none of 252 is a target"),
            ("ID=opensuse-tumbleweed\nVERSION_ID=20261101\n", "it rolls"),
            ("ID=amzn\nVERSION_ID=2\n", "systemd 219"),
        ];
        for (text, expected) in cases {
            let told =
                Target::of_os_release(text).map_or_else(|error| error.to_string(), |target| target.name);
            assert!(told.contains(expected), "{text}: {told}");
        }
    }
}
