//! Every row by place and by name, in tables that are made when the program is compiled.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::{Directive, FAMILIES, ROW};

pub(super) const COUNT: usize = {
    let mut count = 0;
    let mut family = 0;
    while family < FAMILIES.len() {
        count += FAMILIES[family].rows.len();
        family += 1;
    }
    count
};

/// Every row, in order.
pub(super) static ALL: [&Directive; COUNT] = {
    let mut all: [&Directive; COUNT] = [&ROW; COUNT];
    let (mut next, mut family) = (0, 0);
    while family < FAMILIES.len() {
        let rows = FAMILIES[family].rows;
        let mut row = 0;
        while row < rows.len() {
            all[next] = rows[row];
            next += 1;
            row += 1;
        }
        family += 1;
    }
    all
};

const NAME_COUNT: usize = {
    let (mut count, mut row) = (0, 0);
    while row < COUNT {
        count += 1 + ALL[row].also.len();
        row += 1;
    }
    count
};

/// Twice as many as there are names at the least, so that a look-up ends soon.
const SLOTS: usize = (2 * NAME_COUNT).next_power_of_two();

/// Positions in [`ALL`] from 1 by the hash of each name and older spelling, or in the next free slot; 0 is a free one.
static BY_NAME: [u16; SLOTS] = {
    let mut slots = [0; SLOTS];
    let mut row = 0;
    while row < COUNT {
        #[expect(clippy::cast_possible_truncation, reason = "there are some hundred rows")]
        let position = row as u16 + 1;
        slots[free(&slots, ALL[row].name)] = position;
        let mut other = 0;
        while other < ALL[row].also.len() {
            slots[free(&slots, ALL[row].also[other])] = position;
            other += 1;
        }
        row += 1;
    }
    slots
};

/// The slot of a table made when the program is compiled that is a name's own, or the next free one.
pub(crate) const fn free<const COUNT: usize>(slots: &[u16; COUNT], name: &str) -> usize {
    let mut slot = hash(name) % COUNT;
    while slots[slot] != 0 {
        slot = (slot + 1) % COUNT;
    }
    slot
}

/// Sixteen bits of a name for tables that are made when the program is compiled: of its length, its first eight letters
/// and its last.
pub(crate) const fn hash(name: &str) -> usize {
    let name = name.as_bytes();
    let letters = if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        u64::from_le_bytes(*first).wrapping_mul(31).wrapping_add(u64::from_le_bytes(*last))
    } else {
        let (mut letters, mut rest) = (0, name);
        while let [letter, behind @ ..] = rest {
            letters = letters << 8 | *letter as u64;
            rest = behind;
        }
        letters
    };
    // 2^64 divided by the golden ratio: all bits of a product with it bear on its upper ones.
    let hash = letters.wrapping_add(name.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (hash >> 48) as usize
}

/// The place in [`ALL`] of the row with that name or older spelling.
pub(crate) fn position(name: &str) -> Option<usize> {
    let mut slot = hash(name) % SLOTS;
    loop {
        let position = usize::from(BY_NAME[slot]).checked_sub(1)?;
        let row = ALL[position];
        // A row that asks for its own place has the very name.
        if std::ptr::eq(row.name, name) || row.name == name || row.also.contains(&name) {
            return Some(position);
        }
        slot = (slot + 1) % SLOTS;
    }
}

/// The place of a row in [`ALL`] while this is compiled; the build fails where there is none.
pub(super) const fn place(name: &str) -> usize {
    let mut slot = hash(name) % SLOTS;
    loop {
        assert!(BY_NAME[slot] != 0, "no row has that name");
        let place = BY_NAME[slot] as usize - 1;
        if is_same(ALL[place].name, name) {
            return place;
        }
        slot = (slot + 1) % SLOTS;
    }
}

const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// Every directive, in the order of the families.
pub fn all() -> &'static [&'static Directive] {
    &ALL
}

/// The directive of that name, or of that older spelling.
pub fn find(name: &str) -> Option<&'static Directive> {
    position(name).map(|position| ALL[position])
}

/// The directive whose name is nearest to an unknown one, if any is near: it differs in case alone, or in two letters
/// at most.
pub fn nearest(name: &str) -> Option<&'static str> {
    thread_local! {
        /// Units share the keys that no row has.
        static ASKED: RefCell<BTreeMap<String, Option<&'static str>>> = const { RefCell::new(BTreeMap::new()) };
    }
    if let Some(nearest) = ASKED.with_borrow(|asked| asked.get(name).copied()) {
        return nearest;
    }
    let nearest = search_nearest(name);
    ASKED.with_borrow_mut(|asked| asked.insert(name.to_owned(), nearest));
    nearest
}

fn search_nearest(name: &str) -> Option<&'static str> {
    let (length, letters) = (name.chars().count(), letters(name));
    let rows = ALL.iter().zip(&LETTERS).filter(|(_, of_row)| of_row.0.abs_diff(length) <= 2);
    if let Some((row, _)) = rows.clone().find(|(row, _)| row.name.eq_ignore_ascii_case(name)) {
        return Some(row.name);
    }
    if name.len() <= 8 {
        return None;
    }
    // One change takes one kind of letter away at most, and brings one: most rows need no exact distance.
    let near = rows.filter(|(_, (_, of_row))| {
        (letters & !of_row).count_ones() <= 2 && (of_row & !letters).count_ones() <= 2
    });
    let distances = near.map(|(row, _)| (strsim::damerau_levenshtein(row.name, name), row.name));
    distances
        .filter(|(distance, _)| *distance <= 2)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The length of each name of [`ALL`], and its letters.
static LETTERS: [(usize, u64); COUNT] = {
    let mut all = [(0, 0); COUNT];
    let mut row = 0;
    while row < COUNT {
        all[row] = (ALL[row].name.len(), letters(ALL[row].name));
        row += 1;
    }
    all
};

/// The kinds of ASCII letters in a name, a bit for each; some share one.
const fn letters(name: &str) -> u64 {
    let name = name.as_bytes();
    let (mut letters, mut place) = (0, 0);
    while place < name.len() {
        if name[place].is_ascii() {
            letters |= 1 << (name[place] % 64);
        }
        place += 1;
    }
    letters
}
