//! systemd releases: `major.minor`, ordered, and ranges of them. What a release *does* stands in the catalogue.

use std::fmt;
use std::str::FromStr;

/// A systemd release. The minor number counts where a stable branch changed a rule (252.19 has a check that 252.18
/// lacks); a plain major stands for its latest point release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release {
    /// 240 to 262.
    pub major: u16,
    /// The point release; [`Release::LATEST_MINOR`] where only the major is known.
    pub minor: u16,
}

impl Release {
    /// The minor of a release that was named by its major alone: the newest of its branch.
    pub const LATEST_MINOR: u16 = u16::MAX;

    /// The `.0` release of `major`.
    pub const fn first(major: u16) -> Self {
        Self { major, minor: 0 }
    }

    /// The newest point release of `major`.
    pub const fn latest(major: u16) -> Self {
        Self { major, minor: Self::LATEST_MINOR }
    }
}

impl FromStr for Release {
    type Err = anyhow::Error;

    /// Reads `252`, `252.39` and what a manager calls itself: `252.39-1~deb12u2`, `v257.13`, `262~rc1`.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let bare = text.trim().trim_start_matches('v');
        let end = bare.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(bare.len());
        let (major, minor) = match bare[..end].split_once('.') {
            Some((major, minor)) => (major, Some(minor.split('.').next().unwrap_or(minor))),
            None => (&bare[..end], None),
        };
        let number = |digits: &str| digits.parse::<u16>().ok();
        let release = number(major)
            .map(|major| Self { major, minor: minor.and_then(number).unwrap_or(Self::LATEST_MINOR) });
        release.ok_or_else(|| {
            anyhow::anyhow!("`{}` is not a systemd release such as 252 or 252.39", text.escape_debug())
        })
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.minor {
            Self::LATEST_MINOR => write!(f, "{}", self.major),
            minor => write!(f, "{}.{minor}", self.major),
        }
    }
}

/// An inclusive range of releases.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// The first release that belongs to it.
    pub from: Release,
    /// The last one.
    pub until: Release,
}

impl Range {
    /// `major` and everything after it.
    pub const fn since(major: u16) -> Self {
        Self { from: Release::first(major), until: Release::latest(u16::MAX) }
    }

    /// Everything up to the last point release of `major`.
    pub const fn up_to(major: u16) -> Self {
        Self { from: Release::first(0), until: Release::latest(major) }
    }

    /// The first release of `from` to the last point release of `until`.
    pub const fn majors(from: u16, until: u16) -> Self {
        Self { from: Release::first(from), until: Release::latest(until) }
    }

    /// One branch: `major.from` to `major.until`.
    pub const fn branch(major: u16, from: u16, until: u16) -> Self {
        Self { from: Release { major, minor: from }, until: Release { major, minor: until } }
    }
}

/// Releases as ranges, because stable branches get changes out of order.
pub type Releases = &'static [Range];

/// Every release.
pub const EVERY: Releases = &[Range::since(0)];

/// Whether `release` lies in one of `ranges`.
#[inline]
pub fn covers(ranges: &[Range], release: Release) -> bool {
    ranges.iter().any(|range| range.from <= release && release <= range.until)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managers_names_are_read() -> anyhow::Result<()> {
        let cases = [
            ("252", "252"),
            ("252.39", "252.39"),
            ("252.39-1~deb12u2", "252.39"),
            ("v257.13", "257.13"),
            ("262~rc1", "262"),
            ("249.11-0ubuntu3.12", "249.11"),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<Release>()?.to_string(), expected);
        }
        for text in ["", "x", "-1", "99999999"] {
            assert!(text.parse::<Release>().is_err(), "{text}");
        }
        Ok(())
    }

    #[test]
    fn a_plain_major_is_its_latest_point_release() -> anyhow::Result<()> {
        let bpf = [Range::branch(252, 19, Release::LATEST_MINOR), Range::since(255)];
        assert!(covers(&bpf, "252".parse()?));
        assert!(!covers(&bpf, "252.18".parse()?));
        assert!(!covers(&bpf, "254".parse()?));
        assert!(covers(&bpf, "262.1".parse()?));
        Ok(())
    }
}
