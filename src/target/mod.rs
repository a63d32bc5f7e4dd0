//! What output is for: a distribution's release or a systemd release, and what is known of it. What a directive needs
//! of a target stands in the catalogue; what stands in for what a target does not read, in [`fit`].

mod fit;
mod host;
mod table;

use std::str::FromStr;

use anyhow::{Result, bail, ensure};

pub use fit::{Fitted, Replaced, fit};
pub use table::{Accounts, Backport, Certainty, DISTRIBUTIONS, Distribution, Feature, Known, REFUSED};

use crate::manifest::words::nearest;
use crate::release::Release;

/// The oldest release that units are written for.
pub const OLDEST: u16 = 239;

/// The newest release that is known.
pub const NEWEST: u16 = 262;

/// The oldest release whose `systemd-analyze security` judges: exposure for an older one is by its rules.
pub const OLDEST_JUDGE: u16 = 240;

/// What output is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// `debian-12`, `systemd-252`, `systemd-252.39`.
    pub name: String,
    /// The release whose units are written.
    pub release: Release,
    /// What is known of the distribution; nothing where only a release was named.
    pub distribution: Option<&'static Distribution>,
}

impl Target {
    /// The target of output where none is named: every newer release reads what is written for it.
    pub const DEFAULT: &'static str = "systemd-252";

    /// Whether its systemd is built with the BPF framework, which some directives need to do anything.
    pub fn bpf_framework(&self) -> Known {
        self.distribution.map_or(Known::Unknown, |distribution| distribution.bpf_framework)
    }

    /// Whether its systemd reads something that came with a release, or was brought to it.
    pub fn reads(&self, feature: Feature) -> bool {
        let brought = |distribution: &Distribution| {
            distribution.backports.iter().any(|backport| backport.feature == feature)
        };
        self.release.major >= feature.since() || self.distribution.is_some_and(brought)
    }

    /// What makes the accounts of an rpm package there.
    pub fn accounts(&self) -> Accounts {
        self.distribution.map_or(Accounts::Scriptlet, |distribution| distribution.accounts)
    }

    /// The release whose scorer judges units for it.
    pub fn judge(&self) -> Release {
        self.release.max(Release::first(OLDEST_JUDGE))
    }
}

impl FromStr for Target {
    type Err = anyhow::Error;

    /// Reads a name of [`DISTRIBUTIONS`], `systemd-252`, `systemd-252.39` or the release alone.
    fn from_str(text: &str) -> Result<Self> {
        let is = |name: &str, also: &[&str]| name == text || also.contains(&text);
        if let Some(known) = DISTRIBUTIONS.iter().find(|known| is(known.name, known.also)) {
            let name = known.name.to_owned();
            return Ok(Self { name, release: known.release, distribution: Some(known) });
        }
        if let Some(refused) = REFUSED.iter().find(|refused| is(refused.name, refused.also)) {
            bail!("`{}` is no target: {}", refused.name, refused.because);
        }
        let number = text.strip_prefix("systemd-").unwrap_or(text);
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let Some(release) = digits.then(|| number.parse::<Release>().ok()).flatten() else {
            let names = DISTRIBUTIONS.iter().flat_map(|known| std::iter::once(&known.name).chain(known.also));
            let near = match nearest(text, names.copied()) {
                Some(name) => format!("perhaps `{name}`, or a release"),
                None => "name a distribution such as `debian-12` or a release".to_owned(),
            };
            bail!("`{}` is no target; {near} such as `{}`", text.escape_debug(), Self::DEFAULT);
        };
        ensure!(
            (OLDEST..=NEWEST).contains(&release.major),
            "`systemd-{release}` is no target: units are written for systemd {OLDEST} to {NEWEST}"
        );
        Ok(Self { name: format!("systemd-{release}"), release, distribution: None })
    }
}

/// Reads lists of targets, each with commas between its names: every target once, in the order of the names.
pub fn targets(lists: &[String]) -> Result<Vec<Target>> {
    let mut targets: Vec<Target> = Vec::new();
    for name in lists.iter().flat_map(|list| list.split(',')) {
        let target: Target = name.trim().parse()?;
        if !targets.iter().any(|known| known.name == target.name) {
            targets.push(target);
        }
    }
    ensure!(!targets.is_empty(), "no target is named");
    Ok(targets)
}

/// Several targets as one name: what units for all of them are marked with.
pub fn names(targets: &[Target]) -> String {
    targets.iter().map(|target| target.name.as_str()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distributions_and_releases_are_targets() -> Result<()> {
        let cases = [
            ("debian-12", "debian-12", "252.39"),
            ("bookworm", "debian-12", "252.39"),
            ("rocky-9", "rhel-9", "252"),
            ("rhel-8", "rhel-8", "239"),
            ("systemd-252", "systemd-252", "252"),
            ("252.39", "systemd-252.39", "252.39"),
            ("239", "systemd-239", "239"),
        ];
        for (text, name, release) in cases {
            let target: Target = text.parse()?;
            assert_eq!(
                (target.name.as_str(), target.release.to_string().as_str()),
                (name, release),
                "{text}"
            );
        }
        Ok(())
    }

    #[test]
    fn other_names_are_refused_with_a_reason() {
        let cases = [
            ("debian12", "perhaps `debian-12`"),
            ("fedora-24", "perhaps `fedora-"),
            ("xyz", "name a distribution such as `debian-12`"),
            ("", "name a distribution"),
            ("a\u{1b}[31m", r"`a\u{1b}[31m` is no target"),
            ("rhel-7", "`rhel-7` is no target: it has systemd 219"),
            ("centos-7", "`rhel-7` is no target: it has systemd 219"),
            ("sles-12", "systemd 228"),
            ("amazon-linux-2", "systemd 219"),
            ("systemd-238", "units are written for systemd 239 to 262"),
            ("263", "units are written for systemd 239 to 262"),
            ("systemd-v252", "is no target"),
            ("252-1", "is no target"),
        ];
        for (text, expected) in cases {
            let told = text.parse::<Target>().map_or_else(|error| error.to_string(), |target| target.name);
            assert!(told.contains(expected), "{text}: {told}");
        }
    }

    #[test]
    fn lists_keep_their_order_and_name_nothing_twice() -> Result<()> {
        let list = |texts: &[&str]| targets(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(
            names(&list(&["rhel-9,debian-12", "bookworm, systemd-262"])?),
            "rhel-9 debian-12 systemd-262"
        );
        assert!(list(&["debian-12,"]).is_err());
        assert!(list(&[]).is_err());
        Ok(())
    }

    #[test]
    fn the_table_is_consistent() -> Result<()> {
        let mut names: Vec<&str> = Vec::new();
        for known in DISTRIBUTIONS {
            names.push(known.name);
            names.extend(known.also);
            assert!((OLDEST..=NEWEST).contains(&known.release.major), "{}", known.name);
            assert!(!known.source.is_empty(), "{}", known.name);
            assert!(known.backports.iter().all(|backport| !backport.source.is_empty()), "{}", known.name);
            assert_eq!(known.name.parse::<Target>()?.distribution, Some(known));
        }
        names.extend(REFUSED.iter().flat_map(|refused| std::iter::once(&refused.name).chain(refused.also)));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        Ok(())
    }

    #[test]
    fn what_a_distribution_brought_back_counts() -> Result<()> {
        let append =
            |name: &str| -> Result<bool> { Ok(name.parse::<Target>()?.reads(Feature::AppendOutput)) };
        assert!(append("rhel-8")? && append("systemd-240")? && !append("systemd-239")?);
        Ok(())
    }
}
