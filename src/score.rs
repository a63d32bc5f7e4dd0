//! A posture judged as systemd judges it: every check with its badness, and the exposure to the digit. The checks
//! themselves stand in the catalogue; what a figure looks like in a report is not decided here.

use std::fmt;

use crate::catalogue::{self, Applies, Check, CheckGroup, Directive, FamilyGroup, Probe};
use crate::posture::Posture;
use crate::release::covers;
use crate::syscalls::{self, CallSet, libseccomp};
use crate::value::{CallFilter, NameFilter, Value};

/// systemd's figure in tenths: 0 to 100, written 0.0 to 10.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exposure(u16);

impl Exposure {
    /// From tenths; what is above 10.0 is 10.0.
    #[expect(clippy::cast_possible_truncation, reason = "at most 100")]
    pub const fn from_tenths(tenths: u64) -> Self {
        Self(if tenths > 100 { 100 } else { tenths as u16 })
    }

    /// In tenths.
    pub const fn tenths(self) -> u64 {
        self.0 as u64
    }

    /// By how much it exceeds another one, and nothing where it does not.
    pub const fn above(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// systemd's word for it (the same limits in 240 to 262).
    pub const fn rating(self) -> Rating {
        match self.0 {
            100.. => Rating::Dangerous,
            90.. => Rating::Unsafe,
            75.. => Rating::Exposed,
            50.. => Rating::Medium,
            10.. => Rating::Ok,
            1.. => Rating::Safe,
            0 => Rating::Perfect,
        }
    }
}

impl fmt::Display for Exposure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digit = |number: u16| char::from_digit(number.into(), 10);
        match (digit(self.0 / 10), digit(self.0 % 10)) {
            // Nearly all: a report has dozens of them.
            (Some(whole), Some(tenth)) => {
                let mut bytes = [b'.'; 3];
                whole.encode_utf8(&mut bytes[..1]);
                tenth.encode_utf8(&mut bytes[2..]);
                f.pad(std::str::from_utf8(&bytes).unwrap_or_default())
            }
            _ => f.pad(&format!("{}.{}", self.0 / 10, self.0 % 10)),
        }
    }
}

/// systemd's word for an exposure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rating {
    /// 0.0
    Perfect,
    /// From 0.1.
    Safe,
    /// From 1.0.
    Ok,
    /// From 5.0.
    Medium,
    /// From 7.5.
    Exposed,
    /// From 9.0.
    Unsafe,
    /// 10.0
    Dangerous,
}

impl Rating {
    /// As systemd prints it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Perfect => "PERFECT",
            Self::Safe => "SAFE",
            Self::Ok => "OK",
            Self::Medium => "MEDIUM",
            Self::Exposed => "EXPOSED",
            Self::Unsafe => "UNSAFE",
            Self::Dangerous => "DANGEROUS",
        }
    }
}

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Badness {
    /// It does not apply to this unit.
    NotApplicable,
    /// The facts for this architecture are missing.
    NotKnown,
    /// 0 is good, the check's range is worst.
    Of(u8),
}

/// One line of the figure.
pub struct Line {
    /// The check and its directives.
    pub group: &'static CheckGroup,
    /// What it came to.
    pub badness: Badness,
    /// Its own share; none where it does not apply or costs nothing.
    pub exposure: Option<Exposure>,
}

/// A judged posture.
pub struct Assessment {
    /// Every check of the release, in the catalogue's order.
    pub lines: Vec<Line>,
    /// The figure; without the checks that are not known.
    pub exposure: Exposure,
    /// What the checks come to before the figure is rounded, of all that they weigh.
    pub weight: Weight,
}

/// The sum behind a figure, in the weights of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight {
    /// What is bad.
    pub bad: u64,
    /// All.
    pub of: u64,
}

impl Assessment {
    /// Whether facts are missing, so that the figure is not systemd's.
    pub fn is_partial(&self) -> bool {
        self.lines.iter().any(|line| line.badness == Badness::NotKnown)
    }
}

/// Judges a unit whose implications at load are settled, by the rules of its context.
pub fn assess(posture: &Posture) -> Assessment {
    let mut judged = posture.clone();
    judged.settle(catalogue::judgement(posture.context.mode));
    assess_settled(&judged)
}

/// Judges a unit whose implications of the judgement ([`catalogue::judgement`]) are settled as well.
pub fn assess_settled(posture: &Posture) -> Assessment {
    let mut calls = CallJudge::new(posture);
    let checks = catalogue::checks();
    let mut lines: Vec<Line> = Vec::with_capacity(checks.len());
    let (mut badness_sum, mut weight_sum) = (0, 0);
    for group in checks.filter(|group| covers(group.check.releases, posture.context.release)) {
        let badness = badness(group, posture, &mut calls);
        if let Badness::Of(badness) = badness {
            let check = group.check;
            badness_sum += share(u64::from(badness) * check.weight, badness, check);
            weight_sum += check.weight;
        }
        lines.push(Line { badness, group, exposure: None });
    }
    for line in &mut lines {
        if let Badness::Of(badness) = line.badness
            && badness > 0
        {
            let check = line.group.check;
            let share = share(u64::from(badness) * check.weight * 100, badness, check).div_ceil(weight_sum);
            line.exposure = Some(Exposure::from_tenths(share));
        }
    }
    let tenths = if weight_sum == 0 { 0 } else { (badness_sum * 100).div_ceil(weight_sum) };
    let exposure = Exposure::from_tenths(tenths);
    Assessment { lines, exposure, weight: Weight { bad: badness_sum, of: weight_sum } }
}

/// What a check of that badness comes to of `weighed`, which is the badness in its weight; most checks are all or nothing.
fn share(weighed: u64, badness: u8, check: &Check) -> u64 {
    match badness {
        0 => 0,
        _ if check.range == 1 => weighed,
        _ => weighed.div_ceil(check.range),
    }
}

fn badness(group: &CheckGroup, posture: &Posture, calls: &mut CallJudge) -> Badness {
    let applies = match group.check.applies {
        Applies::Always => true,
        Applies::DefaultDependencies => catalogue::has_default_dependencies(posture),
        Applies::Unprivileged => !catalogue::runs_privileged(posture),
        Applies::UnprivilegedSystem => {
            !catalogue::runs_privileged(posture) && !catalogue::user_scope_counts(posture)
        }
    };
    if !applies {
        return Badness::NotApplicable;
    }
    let Some(directive) = group.directives.first() else { return Badness::NotApplicable };
    let value = &posture.at(group.place).value;
    let badness = match group.check.probe {
        Probe::On => u64::from(!value.is_on()),
        Probe::Off | Probe::Empty => u64::from(value.is_on()),
        Probe::Words(words) => by_word(words, directive, value),
        Probe::KeepsAny(_, bits) => u64::from(!matches!(value, Value::Mask(kept) if kept & bits == 0)),
        Probe::Family(family) => match value {
            Value::Names(filter) => u64::from(!is_restricted(filter, family)),
            _ => 1,
        },
        Probe::Calls(set) => match value {
            Value::Calls(filter) => return calls.judge(filter, set),
            _ => 10,
        },
        Probe::MaskBits(bits) => match value {
            Value::Mode(mask) => {
                bits.iter().find(|(bit, _)| mask & bit == 0).map_or(0, |(_, badness)| *badness)
            }
            _ => 0,
        },
        Probe::Rule { judge, .. } => judge(posture),
    };
    Badness::Of(u8::try_from(badness).unwrap_or(u8::MAX))
}

fn by_word(words: &[(&str, u64)], directive: &Directive, value: &Value) -> u64 {
    let word = directive.kind.word(value);
    let found = words.iter().find(|(known, _)| *known == word);
    found.or(words.last()).map_or(0, |(_, badness)| *badness)
}

/// Whether a group of families is restricted: in an allow list if none of it is listed, in a deny list if any is.
fn is_restricted(filter: &NameFilter, group: FamilyGroup) -> bool {
    let of = |name: &str| match name {
        "AF_INET" | "AF_INET6" => FamilyGroup::Inet,
        "AF_UNIX" => FamilyGroup::Unix,
        "AF_NETLINK" => FamilyGroup::Netlink,
        "AF_PACKET" => FamilyGroup::Packet,
        _ => FamilyGroup::Other,
    };
    filter.allows != filter.names.iter().any(|name| of(name) == group)
}

/// What the eleven checks of system calls have in common.
struct CallJudge {
    quirks: catalogue::CallQuirks,
    release: crate::release::Release,
    native: Option<libseccomp::NativeCalls>,
    architecture: syscalls::Architecture,
}

impl CallJudge {
    fn new(posture: &Posture) -> Self {
        Self {
            quirks: catalogue::CallQuirks::of(posture),
            release: posture.context.release,
            native: None,
            architecture: posture.context.architecture,
        }
    }

    /// The calls of a set that exist on the architecture; `None` where that is not known.
    fn walked(&mut self, calls: &CallSet) -> Option<CallSet> {
        let (release, architecture) = (self.release, self.architecture);
        let native = self
            .native
            .get_or_insert_with(|| libseccomp::Libseccomp::shipped_with(release).native(architecture));
        native.among(calls)
    }

    fn judge(&mut self, filter: &CallFilter, set: &str) -> Badness {
        if filter.is_unfiltered() {
            return Badness::Of(10);
        }
        let Some(offends) = self.offends(filter, set) else { return Badness::NotKnown };
        Badness::Of(match (offends, filter.allows) {
            (true, true) => 9,
            (true, false) => 10,
            (false, false) if self.quirks.covered_is_five => 5,
            (false, _) => 0,
        })
    }

    /// Whether any call of the set passes, as the release sees it.
    fn offends(&mut self, filter: &CallFilter, set: &str) -> Option<bool> {
        let mut members = syscalls::set(set, self.release)?;
        if self.quirks.nested {
            for nested in syscalls::nested(set, self.release) {
                if self.offends(filter, nested)? == filter.allows {
                    return Some(true);
                }
                members = members.difference(&syscalls::set(nested, self.release)?);
            }
        }
        let mut listed = filter.calls;
        if self.quirks.answers_hide {
            filter.actions.keys().for_each(|call| {
                listed.remove(*call);
            });
        }
        if self.quirks.blind {
            listed = CallSet::EMPTY;
        }
        let walked = self.walked(&members)?;
        // A call of the set offends if it is found in an allow list, or missing from a deny list.
        let wants_found = filter.allows != self.quirks.inverted;
        Some(if wants_found { !walked.is_disjoint(&listed) } else { !walked.is_subset(&listed) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratings_begin_where_systemd_begins_them() {
        let cases = [
            (0, "PERFECT"),
            (1, "SAFE"),
            (9, "SAFE"),
            (10, "OK"),
            (49, "OK"),
            (50, "MEDIUM"),
            (75, "EXPOSED"),
            (90, "UNSAFE"),
            (100, "DANGEROUS"),
        ];
        for (tenths, word) in cases {
            assert_eq!(Exposure::from_tenths(tenths).rating().word(), word, "{tenths}");
        }
    }

    #[test]
    fn figures_have_one_digit_after_the_point() {
        assert_eq!(Exposure::from_tenths(100).to_string(), "10.0");
        assert_eq!(Exposure::from_tenths(4).to_string(), "0.4");
        assert_eq!(format!("{:>5}", Exposure::from_tenths(21)), "  2.1");
    }
}
