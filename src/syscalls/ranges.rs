//! Versions of systemd and of libseccomp, and ranges of them.

use super::places::Span;

/// From one version on, and before another.
#[derive(Clone, Copy)]
pub(super) struct Range {
    first: Version,
    end: Version,
}

/// A version that can be compared: its numbers in 16, 8 and 8 bits.
pub(super) type Version = u32;

/// The numbers of `252`, `243.4`, `2.5.1` and `2.5.4-1+deb12u1`; what is missing is 0.
pub(super) const fn version(text: &[u8]) -> Version {
    let (mut numbers, mut place, mut at) = ([0_u16; 3], 0, 0);
    while at < text.len() && place < numbers.len() {
        match text[at] {
            b'.' => place += 1,
            digit @ b'0'..=b'9' => {
                numbers[place] = numbers[place].saturating_mul(10).saturating_add((digit - b'0') as u16);
            }
            _ => break,
        }
        at += 1;
    }
    point(numbers)
}

/// The same of its numbers; a second or third one beyond 255 is as good as that.
pub(super) const fn point([major, minor, patch]: [u16; 3]) -> Version {
    const fn least(number: u16) -> Version {
        if number > 255 { 255 } else { number as Version }
    }
    (major as Version) << 16 | least(minor) << 8 | least(patch)
}

impl Range {
    pub(super) const NONE: Self = Self { first: 0, end: 0 };

    /// `243.4..244` and `252..`; of anything else nothing.
    pub(super) const fn of(text: Span) -> Option<Self> {
        match text.cut(b"..") {
            (first, Some(end)) if end.is_empty() => Some(Self { first: first.version(), end: Version::MAX }),
            (first, Some(end)) => Some(Self { first: first.version(), end: end.version() }),
            (_, None) => None,
        }
    }

    pub(super) const fn holds(self, point: Version) -> bool {
        self.first <= point && point < self.end
    }
}
