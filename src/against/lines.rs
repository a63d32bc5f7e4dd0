//! The fewest lines with which a unit comes to a policy, found by reading it with them.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::catalogue::{self, Directive};
use crate::context::Context;
use crate::drift::{self, Relation};
use crate::policy::{Policy, Written, WrittenLine};
use crate::posture::{Origin, Posture};
use crate::render;
use crate::unit_file::{Assignment, UnitText};
use crate::unit_posture::read;
use crate::value::Value;

/// What the lines of the drop-in come from while they are tried; no file of a unit has this path.
pub(super) const OWN: &str = "//drop-in";

/// Lines by the place of their directive in the catalogue.
pub(super) type Lines = BTreeMap<usize, Vec<WrittenLine>>;

/// A release, and what the unit and the policy come to there.
pub(super) struct World {
    pub(super) unset: Posture,
    pub(super) found: Posture,
    pub(super) wanted: Posture,
}

/// A line that the manifest asks for on purpose.
pub(super) struct Opening {
    pub(super) directive: &'static Directive,
    pub(super) line: WrittenLine,
}

impl Opening {
    /// Whether the line would allow more than a value does.
    pub(super) fn loosens(&self, value: &Value, context: &Context) -> bool {
        let kind = &self.directive.kind;
        let after = kind.assign(value.clone(), &self.line.text, context, &mut Vec::new());
        kind.compare(&after, value) == Some(Ordering::Less)
    }
}

/// A unit and the policy that it is to come to.
pub(super) struct Fitting<'a> {
    pub(super) unit: &'a UnitText,
    /// Where the drop-in stands among the assignments of the unit.
    pub(super) place: usize,
    pub(super) worlds: &'a [World],
    pub(super) openings: &'a [Opening],
    pub(super) policy: &'a Policy,
    /// What is left as systemd has it on purpose, and why.
    pub(super) left_open: Vec<(&'static Directive, String)>,
}

/// How often the directives are gone through: what one of them disturbs in another is put right in the next round.
const MOST_ROUNDS: usize = 8;

impl<'a> Fitting<'a> {
    /// The directives that a drop-in may say, in the catalogue's order.
    pub(super) fn scope(&self) -> impl Iterator<Item = &'static Directive> + '_ {
        catalogue::all().iter().copied().filter(|row| match self.written_of(row) {
            Some(written) => render::is_for_drop_in(written),
            None => row.confines() && !render::is_functional(row),
        })
    }

    fn written_of(&self, row: &Directive) -> Option<&'a Written> {
        self.policy.written.iter().find(|written| written.directive == row)
    }

    /// What the policy says of a directive.
    pub(super) fn said(&self, row: &Directive) -> Option<&'a [WrittenLine]> {
        self.written_of(row).map(|written| written.lines.as_slice())
    }

    /// The unit with these lines, in every world.
    pub(super) fn read(&self, lines: &Lines) -> Vec<Posture> {
        let text = self.with(lines);
        self.worlds.iter().map(|world| read(&text, &world.unset).posture).collect()
    }

    fn with(&self, lines: &Lines) -> UnitText {
        let source: Arc<Path> = Arc::from(Path::new(OWN));
        let all = catalogue::all();
        let own = lines.iter().filter_map(|(index, lines)| Some((*all.get(*index)?, lines)));
        let own = own.flat_map(|(row, lines)| lines.iter().map(move |line| (row, line)));
        let own = own.map(|(row, line)| Assignment {
            section: row.sections.of_service().into(),
            key: row.name.into(),
            value: line.text.as_str().into(),
            source: Arc::clone(&source),
            line: 1,
        });
        let mut unit = self.unit.clone();
        unit.assignments.splice(self.place..self.place, own);
        unit
    }

    /// The first world in which a directive does not come to what the policy asks, and what it is there.
    pub(super) fn failing<'p>(
        &self,
        row: &'static Directive,
        postures: &'p [Posture],
    ) -> Option<(&'a World, &'p Posture)> {
        self.worlds.iter().zip(postures).find(|(world, posture)| !self.is_reached(row, world, posture))
    }

    /// Whether a directive is as the policy has it, or stricter where nothing asks for less.
    fn is_reached(&self, row: &'static Directive, world: &World, posture: &Posture) -> bool {
        let (wants, has) = (world.wanted.get(row), posture.get(row));
        if wants.value == has.value || drift::is_moot(row, posture) {
            return true;
        }
        let stated = matches!(wants.origin, Origin::Policy(_)) && wants.value != Value::Unset;
        if !stated && !drift::speaks_unasked(row) {
            return true;
        }
        // What only the manager of a host can compare, one line takes for another.
        if matches!(wants.value, Value::Share(_)) || matches!(has.value, Value::Share(_)) {
            return false;
        }
        let closed = || {
            let mut openings = self.openings.iter().filter(|opening| opening.directive == row);
            openings.any(|opening| opening.loosens(&has.value, &world.unset.context))
                || self.left_open.iter().any(|(open, _)| *open == row)
        };
        // What is stricter must be so by the unit itself, untouched.
        let is_own = || {
            let untouched = |row: &Directive| posture.get(row).value == world.found.get(row).value;
            untouched(row) && row.beside.is_none_or(untouched)
        };
        match drift::difference(row, wants, has, posture).map(|difference| difference.relation) {
            None => true,
            Some(Relation::Stricter) => is_own() && !closed(),
            // What a directive of the unit brings along that stays for being stricter stays with it.
            Some(_) => match has.origin {
                Origin::Implied(by) => {
                    is_own()
                        && drift::difference(by, world.wanted.get(by), posture.get(by), posture).is_some()
                        && self.is_reached(by, world, posture)
                }
                _ => false,
            },
        }
    }

    /// The fewest lines that come to the policy; what none come to is left as it is.
    pub(super) fn lines(&self) -> Lines {
        let mut lines = Lines::new();
        let mut postures = self.read(&lines);
        for _ in 0..MOST_ROUNDS {
            let mut changed = false;
            for row in self.scope() {
                if self.failing(row, &postures).is_none() {
                    continue;
                }
                for way in self.ways(row, &lines) {
                    let after = self.read(&way);
                    if self.failing(row, &after).is_none() {
                        (lines, postures, changed) = (way, after, true);
                        break;
                    }
                }
            }
            if !changed {
                break;
            }
        }
        self.without_repetitions(lines)
    }

    /// Ways to say a directive, each beside the other lines: what adds to the unit's own before what takes its place.
    fn ways(&self, row: &'static Directive, lines: &Lines) -> Vec<Lines> {
        let plain = |text: String| WrittenLine { text, reasons: Vec::new() };
        let said = self.said(row).unwrap_or_default().to_vec();
        let opening = self.openings.iter().filter(|opening| opening.directive == row);
        let opening: Vec<WrittenLine> = opening.map(|opening| opening.line.clone()).collect();
        let whole: Vec<WrittenLine> = (self.worlds.first())
            .map(|world| plain(row.kind.write(&world.wanted.get(row).value)))
            .into_iter()
            .collect();
        let emptied = |lines: &[WrittenLine]| [&[plain(String::new())], lines].concat();
        let mut ways = Vec::new();
        for own in
            [said.clone(), opening.clone(), emptied(&said), emptied(&opening), whole.clone(), emptied(&whole)]
        {
            let mut way = lines.clone();
            if own.is_empty() {
                continue;
            }
            way.insert(row.index(), own);
            ways.push(way);
        }
        // Two spellings share one list, which either of them empties: the first must, before anything is added.
        if let Some(twin) = row.shares.filter(|twin| *twin < row) {
            let mut way = lines.clone();
            let first = way.remove(&twin.index()).unwrap_or_default();
            way.insert(twin.index(), emptied(&first));
            way.insert(row.index(), said);
            ways.push(way);
        }
        ways
    }

    /// Leaves out each line without which the unit comes to the same.
    fn without_repetitions(&self, mut lines: Lines) -> Lines {
        let postures = self.read(&lines);
        let reached: Vec<&'static Directive> =
            self.scope().filter(|row| self.failing(row, &postures).is_none()).collect();
        loop {
            let before: usize = lines.values().map(Vec::len).sum();
            let places: Vec<(usize, usize)> = (lines.iter())
                .flat_map(|(index, own)| (0..own.len()).rev().map(move |place| (*index, place)))
                .collect();
            for (index, place) in places {
                let mut fewer = lines.clone();
                let Some(own) = fewer.get_mut(&index).filter(|own| place < own.len()) else { continue };
                own.remove(place);
                if own.is_empty() {
                    fewer.remove(&index);
                }
                let after = self.read(&fewer);
                if reached.iter().all(|row| self.failing(row, &after).is_none()) {
                    lines = fewer;
                }
            }
            if lines.values().map(Vec::len).sum::<usize>() == before {
                return lines;
            }
        }
    }
}

/// The lines as a renderer takes them.
pub(super) fn written(lines: &Lines) -> Vec<Written> {
    let all = catalogue::all();
    let rows = lines.iter().filter_map(|(index, lines)| Some((*all.get(*index)?, lines)));
    rows.map(|(directive, lines)| Written { directive, lines: lines.clone() }).collect()
}
