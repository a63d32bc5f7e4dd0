//! What the unit denies: the strictness, denials and overrides with which nothing comes out weaker than the unit, nor
//! anything that it says other than it says it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use anyhow::Result;

use super::draft::{Draft, Entry, Item, Path, path};
use super::evidence::{needs_of, setting_of};
use super::hints::Sign;
use super::lines::Setting;
use super::making::Making;
use super::toml::Value;
use crate::catalogue::{self, Directive, Kind, MaskGrammar, Stage};
use crate::drift::{self, Difference, Relation};
use crate::gather::Gather as _;
use crate::manifest::words::Line;
use crate::manifest::{NeedName, Strictness};
use crate::posture::{Origin, Posture, default_value};
use crate::value;

/// The reason for what the unit does not say itself.
const AS_IT_IS: &str = "as shipped: the unit leaves it so";

/// How many needs are named in a comment.
const FEW: usize = 4;

/// How often overrides may bring others along.
const MOST_ROUNDS: usize = 32;

impl Making<'_> {
    /// Closes what the unit closes, and what a strictness closes that is asked for.
    pub(super) fn close(&mut self, strictness: Option<Strictness>) -> Result<()> {
        match strictness {
            Some(strictness) => {
                self.draft.strictness = strictness;
                self.closes_more = true;
            }
            None => self.choose_strictness()?,
        }
        self.deny()?;
        for _ in 0..MOST_ROUNDS {
            let made = self.make()?.posture;
            let wanting = self.wanting(&made);
            // What the unit says brings along much of what it is.
            let said: Vec<&'static Directive> =
                wanting.iter().copied().filter(|row| self.is_explicit(row)).collect();
            let first = if said.is_empty() { wanting.clone() } else { said };
            let mut changed = false;
            for row in first {
                changed |= self.close_one(row, &made);
            }
            if !changed && !self.drop_a_need(wanting.len())? {
                break;
            }
        }
        let made = self.make()?.posture;
        for row in self.wanting(&made) {
            let shown = |posture: &Posture| row.kind.write(&posture.get(row).value);
            let (found, made) = (shown(&self.found), shown(&made));
            self.left.push(format!("{}={found} comes out as `{made}`", row.name));
        }
        Ok(())
    }

    /// Takes a need away that keeps what the unit says from being written; whether there was one.
    fn drop_a_need(&mut self, wanting: usize) -> Result<bool> {
        if wanting == 0 {
            return Ok(false);
        }
        let is_need = |(_, entry): &(&Path, &Entry)| matches!(entry.item, Item::Need | Item::Hint(_));
        let needs: Vec<(Path, String)> = self
            .draft
            .entries()
            .filter(is_need)
            .map(|(path, entry)| (path.clone(), entry.key.clone()))
            .collect();
        for (table, key) in needs {
            let before = self.draft.clone();
            self.draft.retain(|path, entry| *path != table || entry.key != key);
            let made = self.make()?.posture;
            if self.wanting(&made).len() < wanting {
                return Ok(true);
            }
            self.draft = before;
        }
        Ok(false)
    }

    /// The strictness with which the fewest directives must be stated, the lowest of equals: what it leaves open though
    /// the unit closes it, and what it closes though the unit leaves it open and the lowest would, too.
    fn choose_strictness(&mut self) -> Result<()> {
        let mut best: Option<(usize, Strictness, BTreeSet<usize>)> = None;
        let mut closed_anyway = BTreeSet::new();
        for strictness in [Strictness::Safe, Strictness::Default, Strictness::Strict] {
            self.draft.strictness = strictness;
            let made = self.make()?.posture;
            let unasked = self.closes_unasked(&made);
            if strictness == Strictness::Safe {
                closed_anyway.clone_from(&unasked);
            }
            let kept_open: BTreeSet<usize> = unasked.difference(&closed_anyway).copied().collect();
            let stated = self.wanting(&made).len() + kept_open.len();
            if best.as_ref().is_none_or(|(fewest, ..)| stated < *fewest) {
                best = Some((stated, strictness, kept_open));
            }
        }
        let Some((_, strictness, kept_open)) = best else { return Ok(()) };
        self.draft.strictness = strictness;
        for row in kept_open.iter().filter_map(|index| catalogue::all().get(*index)) {
            let because = "as shipped: open, and nothing in the unit says why; without this it is closed";
            self.override_as_shipped(row, because);
        }
        Ok(())
    }

    /// Denies the needs that the unit denies where strictness would leave them open as not known.
    fn deny(&mut self) -> Result<()> {
        let mut made = self.make()?.posture;
        let explicit: Vec<&'static Directive> =
            catalogue::all().iter().copied().filter(|row| self.is_explicit(row)).collect();
        for row in explicit {
            let chosen = self.draft.strictness;
            for offer in row.yields.iter().filter(|offer| offer.unknown_below > chosen) {
                if !self.wanting(&made).contains(&row) {
                    break;
                }
                let id = offer.to.id();
                let word = id.split('.').next().unwrap_or(id);
                let Some(name) = [id, word].into_iter().find(|id| id.parse::<NeedName>().is_ok()) else {
                    continue;
                };
                let before: Draft = self.draft.clone();
                let (table, key) = match name.split_once('.') {
                    Some((need, thing)) => (path(["denies", need]), thing),
                    None => (path(["denies"]), name),
                };
                let evidence = self.evidence_of(row).unwrap_or_default();
                let because = Value::text(format!("the unit as shipped already denies it: {evidence}"));
                self.draft.set(table, key, because, Item::Denial);
                let denied = self.make()?.posture;
                let (before_it, with_it) = (self.wanting(&made), self.wanting(&denied));
                let better = with_it.iter().all(|row| before_it.contains(row))
                    && !with_it.contains(&row)
                    && self.closes_unasked(&denied).is_subset(&self.closes_unasked(&made));
                if better { made = denied } else { self.draft = before }
            }
        }
        Ok(())
    }

    fn is_explicit(&self, row: &Directive) -> bool {
        self.setting(row).is_some()
    }

    fn setting(&self, row: &Directive) -> Option<&Setting> {
        setting_of(&self.settings, row)
    }

    fn evidence_of(&self, row: &Directive) -> Option<String> {
        self.setting(row).map(Setting::evidence)
    }

    fn differences(&self, made: &Posture) -> Vec<Difference> {
        let mut wanted = self.found.clone();
        for row in catalogue::all().iter().filter(|row| self.found.get(row).origin != Origin::Default) {
            wanted.put(row, self.found.get(row).value.clone(), Origin::Policy(Vec::new()));
        }
        // Why it is open is asked of policies, not of units.
        let mut differences = drift::compare(&wanted, made).differences;
        differences.retain(|difference| difference.relation != Relation::Unexplained);
        differences
    }

    /// What is not yet as it must be: other than the unit says, or weaker than it is.
    fn wanting(&self, made: &Posture) -> Vec<&'static Directive> {
        let differences = self.differences(made);
        let differs = |row: &Directive| differences.iter().find(|difference| difference.directive == row);
        let wanting = |row: &&&'static Directive| {
            let found = &self.found.get(row).value;
            if self.is_vain(row) || self.unsayable.contains(row.name) {
                return false;
            }
            if self.is_explicit(row) {
                // Also where it says nothing without another directive: that may come to be set.
                return differs(row).is_some() || !is_equal(row, found, &made.get(row).value);
            }
            // A group that is named is the user's own, which it would have unnamed.
            let unnamed = row.kind.names_an_identity() && *found == value::Value::Unset;
            // What files of its programs give them they have anyway.
            let ambient = matches!(row.kind, Kind::Mask(MaskGrammar::Ambient));
            let by_file =
                self.subject.looked.sightings.iter().any(|sighting| sighting.sign == Sign::FileGives);
            if ambient && by_file {
                return false;
            }
            // What only adds to a directive that the unit does not have comes and goes with that one.
            let moot = row.beside.is_some_and(|base| !self.found.is_on(base));
            // Who asks for a strictness takes its word where neither is stricter.
            let is_wanting = |relation| match relation {
                Relation::Stricter => false,
                Relation::Other => !self.closes_more,
                _ => true,
            };
            differs(row).is_some_and(|difference| is_wanting(difference.relation)) && !unnamed && !moot
        };
        catalogue::all().iter().filter(wanting).copied().collect()
    }

    /// What comes out stricter than it is, though the unit says nothing of it.
    fn closes_unasked(&self, made: &Posture) -> BTreeSet<usize> {
        let unasked = |difference: &Difference| {
            difference.relation == Relation::Stricter && !self.is_explicit(difference.directive)
        };
        let differences = self.differences(made);
        differences
            .iter()
            .filter(|difference| unasked(difference))
            .map(|found| found.directive.index())
            .gather()
    }

    /// States a directive as the unit has it, or what brings it along; whether that was new.
    fn close_one(&mut self, row: &'static Directive, made: &Posture) -> bool {
        if self.override_as_shipped(row, AS_IT_IS) {
            return true;
        }
        let bring = |other: &&&'static Directive| {
            other.implies.iter().any(|implied| implied.on == row && implied.stage != Stage::Exec)
                && made.get(other).value != self.found.get(other).value
        };
        let others: Vec<&'static Directive> = catalogue::all().iter().filter(bring).copied().collect();
        others.into_iter().fold(false, |changed, other| self.override_as_shipped(other, AS_IT_IS) | changed)
    }

    /// States a directive as the unit has it, for the reason that its lines are or else this one; whether that was new.
    fn override_as_shipped(&mut self, row: &'static Directive, because: &str) -> bool {
        let table = path(["override", row.name]);
        let unit = path(["service", "unit", row.sections.of_service()]);
        if self.draft.has(&table) || self.draft.get(&unit, row.name).is_some() {
            return false;
        }
        let Some(lines) = self.lines_for(row) else { return false };
        let evidence = self.evidence_of(row);
        if row.confines() {
            let because = match &evidence {
                Some(evidence) => format!("as shipped: {evidence}"),
                None => because.to_owned(),
            };
            let item = Item::Override(row.name);
            self.draft.set(table.clone(), "value", Value::lines(&lines), item.clone());
            self.draft.set(table, "because", Value::text(because), item);
        } else {
            let item = Item::Literal(evidence.unwrap_or_else(|| format!("{}=", row.name)));
            self.draft.set(unit, row.name, Value::lines(&lines), item);
        }
        true
    }

    /// Lines that come to what the unit has.
    fn lines_for(&self, row: &'static Directive) -> Option<Vec<String>> {
        let context = &self.context;
        let wanted = &self.found.get(row).value;
        let default = default_value(row, context);
        let mut candidates: Vec<Vec<String>> = Vec::new();
        let shipped = self.setting(row).map(|setting| setting.lines.clone());
        // What other directives take from it they take again.
        let implied = matches!(self.found.get(row).origin, Origin::Implied(_));
        candidates.extend(shipped.clone());
        candidates.push(vec![row.kind.write(wanted)]);
        if let (Kind::Mask(_), value::Value::Mask(0)) = (&row.kind, wanted) {
            // An empty line is no line of a manifest: what one line gives the next one takes.
            let one = row.kind.write(&value::Value::Mask(1));
            candidates.push(vec![one.clone(), format!("~{one}")]);
        }
        let written = |lines: &Vec<String>| lines.iter().all(|line| line.parse::<Line>().is_ok());
        let comes_to_it = |lines: &Vec<String>| {
            let mut remarks = Vec::new();
            let expand = |line| row.kind.expand(line, &self.subject.service.id);
            let Ok(texts) = lines.iter().map(|line| expand(line)).collect::<Result<Vec<_>, _>>() else {
                return false;
            };
            let assign = |value, line: Cow<'_, str>| row.kind.assign(value, &line, context, &mut remarks);
            let found = texts.into_iter().fold(default.clone(), assign);
            // What systemd ignores comes to nothing, and no manifest states it.
            remarks.is_empty()
                && (implied && shipped.as_ref() == Some(lines)
                    || found == *wanted
                    || is_equal(row, &found, wanted))
        };
        candidates.retain(|lines| !lines.is_empty() && written(lines) && comes_to_it(lines));
        if let Some(lines) = candidates.into_iter().next() {
            return Some(lines);
        }
        (*wanted == default).then(|| vec!["unset".to_owned()]).filter(|_| row.confines())
    }

    /// Says at the end what is open and what would close it, and what strictness closes without being asked.
    pub(super) fn suggest(&mut self) -> Result<()> {
        let chosen = self.draft.strictness;
        let made = self.make()?.posture;
        let names = |rows: &BTreeSet<usize>| {
            let rows = rows.iter().filter_map(|index| catalogue::all().get(*index));
            rows.map(|row| format!("{}=", row.name)).collect::<Vec<_>>().join(" ")
        };
        let closed = self.closes_unasked(&made);
        let mut tail: Vec<String> = Vec::new();
        if !closed.is_empty() {
            tail.push(format!("Closed by strictness `{}`, though the unit leaves it open:", chosen.as_str()));
            for row in closed.iter().filter_map(|index| catalogue::all().get(*index)) {
                let needs = needs_of(row);
                let undo = if (1..=FEW).contains(&needs.len()) {
                    format!("opened by {}", needs.join(", "))
                } else {
                    format!("see `systemd-harden explain {}`", row.name)
                };
                tail.push(format!("  {}= ({undo})", row.name));
            }
        }
        let mut more: Vec<String> = Vec::new();
        for strictness in [Strictness::Default, Strictness::Strict] {
            if strictness <= chosen {
                continue;
            }
            self.draft.strictness = strictness;
            let stricter = self.make()?.posture;
            let rows: BTreeSet<usize> = self.closes_unasked(&stricter).difference(&closed).copied().collect();
            if !rows.is_empty() {
                more.push(format!("strictness = \"{}\"  # closes {}", strictness.as_str(), names(&rows)));
            }
        }
        self.draft.strictness = chosen;
        if !more.is_empty() {
            tail.push(
                "Open, and nothing in the unit says why. Once it is known what the service does not need:"
                    .to_owned(),
            );
            tail.append(&mut more);
        }
        self.draft.tail = tail;
        Ok(())
    }
}

/// Whether neither value is stricter, whichever of them is asked for.
fn is_equal(row: &Directive, one: &value::Value, other: &value::Value) -> bool {
    let equal = |one, other| row.kind.compare(one, other) == Some(std::cmp::Ordering::Equal);
    equal(one, other) && equal(other, one) || row.kind.write(one) == row.kind.write(other) && is_text(one)
}

/// Whether a value is all that is written of it: a filter of calls is not.
fn is_text(value: &value::Value) -> bool {
    !matches!(value, value::Value::Calls(_))
}
