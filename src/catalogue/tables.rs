//! What is asked of every unit, laid out while this is compiled: the checks, what rows imply and what they open, with
//! the places of the rows, so that none is looked up by its name.

use super::lookup::{ALL, COUNT, place};
use super::{
    Check, CheckGroup, Directive, FACETS, Facet, Implied, Opens, Operation, Probe, ROW, When, at_load, check,
};

/// What a row brings along, with the places of both rows in [`all`](super::all).
pub(crate) struct Implication {
    /// The implying row.
    pub(crate) by: &'static Directive,
    /// Its place.
    pub(crate) by_place: usize,
    /// What it implies.
    pub(crate) implied: &'static Implied,
    /// The place of the row that is changed.
    pub(crate) on_place: usize,
}

const IMPLICATION_COUNT: usize = {
    let (mut count, mut row) = (0, 0);
    while row < COUNT {
        count += ALL[row].implies.len();
        row += 1;
    }
    count
};

/// What each row of [`ALL`] implies, row after row.
static IMPLICATIONS: [Implication; IMPLICATION_COUNT] = {
    const NONE: Implied = at_load(When::On, &ROW, Operation::NameAfterUnit);
    let mut all =
        [const { Implication { by: &ROW, by_place: 0, implied: &NONE, on_place: 0 } }; IMPLICATION_COUNT];
    let (mut next, mut row) = (0, 0);
    while row < COUNT {
        let mut implied = 0;
        while implied < ALL[row].implies.len() {
            let known = &ALL[row].implies[implied];
            all[next] =
                Implication { by: ALL[row], by_place: row, implied: known, on_place: place(known.on.name) };
            next += 1;
            implied += 1;
        }
        row += 1;
    }
    all
};

const CHECK_COUNT: usize = {
    let (mut count, mut row, mut facet) = (0, 0, 0);
    while row < COUNT {
        count += ALL[row].checks.len();
        row += 1;
    }
    while facet < FACETS.len() {
        count += FACETS[facet].checks.len();
        facet += 1;
    }
    count
};

/// The checks of each row of [`ALL`], row after row, then those of the facets.
static CHECKS: [CheckGroup; CHECK_COUNT] = {
    const NONE: Check = check("", 0, 1, Probe::On);
    let mut all = [const { CheckGroup { check: &NONE, directives: &[], place: 0 } }; CHECK_COUNT];
    let (mut next, mut row, mut facet) = (0, 0, 0);
    while row < COUNT {
        let mut check = 0;
        while check < ALL[row].checks.len() {
            let directives = std::slice::from_ref(&ALL[row]);
            all[next] = CheckGroup { check: &ALL[row].checks[check], directives, place: row };
            next += 1;
            check += 1;
        }
        row += 1;
    }
    while facet < FACETS.len() {
        let Facet { rows, checks, .. } = &FACETS[facet];
        let mut check = 0;
        while check < checks.len() {
            all[next] = CheckGroup { check: &checks[check], directives: rows, place: place(rows[0].name) };
            next += 1;
            check += 1;
        }
        facet += 1;
    }
    all
};

const OPENER_COUNT: usize = {
    let (mut count, mut row) = (0, 0);
    while row < COUNT {
        count += !matches!(ALL[row].opens, Opens::Nothing) as usize;
        row += 1;
    }
    count
};

/// The rows that open something, in their order.
static OPENERS: [&Directive; OPENER_COUNT] = {
    let mut all: [&Directive; OPENER_COUNT] = [&ROW; OPENER_COUNT];
    let (mut next, mut row) = (0, 0);
    while row < COUNT {
        if !matches!(ALL[row].opens, Opens::Nothing) {
            all[next] = ALL[row];
            next += 1;
        }
        row += 1;
    }
    all
};

/// What directives bring along, in their order.
pub(crate) fn implications() -> &'static [Implication] {
    &IMPLICATIONS
}

/// The directives that open something beside the figure, in the order of [`all`](super::all).
pub fn openers() -> &'static [&'static Directive] {
    &OPENERS
}

/// Every check with the directives that it looks at, in the order of the report.
pub fn checks() -> std::slice::Iter<'static, CheckGroup> {
    CHECKS.iter()
}
