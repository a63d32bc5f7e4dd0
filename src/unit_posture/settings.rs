//! The settings that no row of the catalogue is about, by section and name: settings.txt has them by three releases.
//! Between two of them nobody looked: there a name is taken for a setting if either has it.

use std::collections::BTreeSet;

use crate::catalogue;
use crate::gather::Gather as _;
use crate::release::Release;

/// The releases whose settings are known.
const MEASURED: [u16; 3] = [252, 257, 262];

/// A line for each setting, in the order of their names, behind some of remarks.
const SETTINGS: &str = include_str!("settings.txt");

/// Where a word of [`SETTINGS`] begins and ends.
type Span = (u16, u16);

/// What a line says of a setting.
#[derive(Clone, Copy)]
pub(super) struct Setting {
    name: Span,
    sections: Span,
    kind: Span,
    /// Empty where all of [`MEASURED`] have it.
    releases: Span,
}

/// Every setting, found when the program is compiled.
static ALL: [Setting; COUNT] = {
    let mut all = [Setting::at(0); COUNT];
    let (mut next, mut start) = (0, first(0));
    while next < COUNT {
        all[next] = Setting::at(start);
        start = first(after(start));
        next += 1;
    }
    all
};

const COUNT: usize = {
    let (mut count, mut start) = (0, first(0));
    while start < SETTINGS.len() {
        count += 1;
        start = first(after(start));
    }
    count
};

/// Twice as many as there are names at the least, so that a look-up ends soon.
const SLOTS: usize = (2 * COUNT).next_power_of_two();

/// Positions in [`ALL`] from 1 by the hash of each name, or in the next free slot; 0 is a free one.
static BY_NAME: [u16; SLOTS] = {
    let mut slots = [0; SLOTS];
    let mut place = 0;
    while place < COUNT {
        let (start, end) = ALL[place].name;
        let (name, _) = SETTINGS.split_at(start as usize).1.split_at((end - start) as usize);
        place += 1;
        slots[catalogue::free(&slots, name)] = short(place);
    }
    slots
};

/// Where the next line begins.
const fn after(mut start: usize) -> usize {
    while SETTINGS.as_bytes()[start] != b'\n' {
        start += 1;
    }
    start + 1
}

/// Where the line of a setting begins, from the start of a line on; behind the text where there is none.
const fn first(mut start: usize) -> usize {
    while start < SETTINGS.len() && SETTINGS.as_bytes()[start] == b'#' {
        start = after(start);
    }
    start
}

#[expect(clippy::cast_possible_truncation, reason = "the text has some ten thousand bytes")]
const fn short(place: usize) -> u16 {
    assert!(place <= u16::MAX as usize, "a place in the text has two bytes");
    place as u16
}

/// The word that begins there.
const fn word(start: usize) -> Span {
    let mut end = start;
    while !matches!(SETTINGS.as_bytes()[end], b' ' | b'\n') {
        end += 1;
    }
    (short(start), short(end))
}

/// The word behind another of the same line; empty where there is none.
const fn behind((_, end): Span) -> Span {
    if SETTINGS.as_bytes()[end as usize] == b'\n' { (end, end) } else { word(end as usize + 1) }
}

#[inline]
fn text((start, end): Span) -> &'static str {
    SETTINGS.get(start.into()..end.into()).unwrap_or_default()
}

impl Setting {
    /// What the line says that begins there.
    const fn at(start: usize) -> Self {
        let name = word(start);
        let sections = behind(name);
        let kind = behind(sections);
        Self { name, sections, kind, releases: behind(kind) }
    }

    /// The setting of that name in a section.
    pub(super) fn find(section: &str, name: &str) -> Option<Self> {
        let mut slot = catalogue::hash(name) % SLOTS;
        loop {
            let setting = ALL[usize::from(BY_NAME[slot]).checked_sub(1)?];
            if setting.name() == name && setting.is_of(section) {
                return Some(setting);
            }
            slot = (slot + 1) % SLOTS;
        }
    }

    /// The names of a section.
    pub(super) fn names_of(section: &str) -> BTreeSet<&'static str> {
        ALL.iter().filter(|setting| setting.is_of(section)).map(Setting::name).gather()
    }

    fn name(&self) -> &'static str {
        text(self.name)
    }

    /// Whether it is one of a section.
    fn is_of(&self, section: &str) -> bool {
        let sections = text(self.sections);
        sections == section || sections.split(',').any(|one| one == section)
    }

    /// How its value is looked at.
    pub(super) fn kind(&self) -> &'static str {
        text(self.kind).split('>').next().unwrap_or_default()
    }

    /// The directive that it is taken for, if it is an older one.
    pub(super) fn newer(&self) -> Option<&'static str> {
        text(self.kind).split_once('>').map(|(_, newer)| newer)
    }

    /// Whether a release may have it.
    pub(super) fn may_be_in(&self, release: Release) -> bool {
        let releases = text(self.releases);
        if releases.is_empty() {
            return true;
        }
        let has = |major: u16| releases.split(',').any(|word| word.parse() == Ok(major));
        let major = release.major;
        let nearest_older = MEASURED.into_iter().rfind(|measured| *measured <= major);
        let nearest_newer = MEASURED.into_iter().find(|measured| *measured >= major);
        nearest_older.is_some_and(has) || nearest_newer.is_some_and(has)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_those_that_no_row_has() {
        assert!(ALL.len() > 250, "only {} settings", ALL.len());
        assert!(ALL.is_sorted_by_key(Setting::name), "a reader finds them by their order");
        for setting in &ALL {
            let name = setting.name();
            assert!(catalogue::place_of(name).is_none(), "{name} has a row");
            let is_setting =
                |name| catalogue::place_of(name).is_some() || Setting::find("Unit", name).is_some();
            assert!(setting.newer().is_none_or(is_setting), "{name}");
            for section in text(setting.sections).split(',') {
                assert!(
                    Setting::find(section, name).is_some_and(|found| found.name == setting.name),
                    "{name}"
                );
            }
        }
        assert!(Setting::find("Service", "Accept").is_none() && Setting::find("Unit", "").is_none());
    }

    #[test]
    fn what_no_release_nearby_reads_is_no_setting() {
        let may_be = |name, release: &str| {
            let setting = Setting::find("Service", name);
            release.parse().is_ok_and(|release| setting.is_some_and(|setting| setting.may_be_in(release)))
        };
        assert!(may_be("CPUShares", "252") && may_be("CPUShares", "257.13") && may_be("CPUShares", "260"));
        assert!(!may_be("CPUShares", "262.1"));
        assert!(
            !may_be("RestartSteps", "252.39")
                && may_be("RestartSteps", "254")
                && may_be("RestartSteps", "262")
        );
    }
}
