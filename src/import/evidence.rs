//! What a unit's own lines say that the service needs: the catalogue's yields read backwards.
//!
//! A line speaks for a need where it opens what only that need opens, and nothing else in the unit denies what the need
//! requires. Where several needs explain a line equally well none of them is taken: the line then stays as it is.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::lines::Setting;
use super::statement::Statement;
use crate::catalogue::{self, Directive, Give, Given, Kind, MaskGrammar, Strength, ToWhom, Yield};
use crate::gather::Gather as _;
use crate::manifest::Strictness;
use crate::need::{NEEDS, Need};
use crate::posture::{Posture, default_value};
use crate::syscalls::{self, Call, CallSet};
use crate::value::Value;

/// A unit beside the strictest policy of what is known of it so far.
pub(super) struct Evidence<'a> {
    pub(super) found: &'a Posture,
    pub(super) strict: &'a Posture,
    pub(super) settings: &'a [Setting],
    pub(super) runs_as_user: bool,
}

/// One member that a line opens: of a list its entry, of anything else the value as a whole.
type Atom = (usize, String);

/// A need, with what its parameter is, and what it would explain.
#[derive(Clone)]
struct Candidate {
    need: Need,
    member: Option<String>,
    explains: BTreeSet<Atom>,
}

impl Evidence<'_> {
    /// What the unit speaks for, each with the lines that do.
    pub(super) fn statements(&self) -> Vec<Statement> {
        let mut open = self.open();
        let mut candidates = self.candidates(&open);
        let mut statements: Vec<Statement> = Vec::new();
        while !candidates.is_empty() {
            for candidate in &mut candidates {
                candidate.explains.retain(|atom| open.contains(atom));
            }
            candidates.retain(|candidate| !candidate.explains.is_empty());
            candidates.sort_by_key(rank);
            let Some(best) = candidates.first().cloned() else { break };
            let rival = |other: &&Candidate| {
                other.need != best.need && other.explains == best.explains && rank(other) == rank(&best)
            };
            if candidates.iter().any(|other| rival(&other)) {
                let tied: Vec<Need> =
                    candidates.iter().filter(rival).map(|other| other.need).chain([best.need]).collect();
                candidates.retain(|other| !tied.contains(&other.need) || other.explains != best.explains);
                continue;
            }
            candidates.retain(|other| (other.need, &other.member) != (best.need, &best.member));
            if let Some(statement) = Statement::of(best.need, best.member.as_deref(), &statements) {
                open.retain(|atom| !best.explains.contains(atom));
                statements.push(statement.because(&self.evidence(&best.explains)));
            }
        }
        statements
    }

    fn setting(&self, directive: &Directive) -> Option<&Setting> {
        setting_of(self.settings, directive)
    }

    fn is_explicit(&self, directive: &Directive) -> bool {
        self.setting(directive).is_some()
    }

    fn evidence(&self, atoms: &BTreeSet<Atom>) -> String {
        let rows = atoms.iter().filter_map(|(index, _)| catalogue::all().get(*index));
        let mut lines: Vec<String> =
            rows.filter_map(|row| self.setting(row)).map(Setting::evidence).collect();
        lines.dedup();
        format!("as shipped: {}", lines.join("; "))
    }

    /// What the unit opens in its own words and the strictest policy would not.
    fn open(&self) -> BTreeSet<Atom> {
        let rows = catalogue::all().iter().filter(|row| !row.yields.is_empty() && self.is_explicit(row));
        rows.flat_map(|row| self.opened(row).into_iter().map(|member| (row.index(), member))).gather()
    }

    fn opened(&self, row: &'static Directive) -> Vec<String> {
        let (found, strict) = (&self.found.get(row).value, &self.strict.get(row).value);
        match (&row.kind, found, strict) {
            (Kind::Mask(grammar), Value::Mask(found), Value::Mask(strict)) => {
                // A list of what is denied says nothing of what is needed.
                if self
                    .setting(row)
                    .is_some_and(|setting| setting.lines.iter().any(|line| line.starts_with('~')))
                {
                    return Vec::new();
                }
                let all = matches!(grammar, MaskGrammar::Namespaces)
                    && row.kind.write(&Value::Mask(*found)) == "no";
                if all { vec!["no".to_owned()] } else { bits(row, found & !strict) }
            }
            (_, Value::Names(list), Value::Names(strict)) if list.allows => {
                members(row, found).into_iter().filter(|name| !strict.passes(name)).collect()
            }
            (_, Value::Words(_), Value::Words(_)) | (_, Value::Networks(_), Value::Networks(_)) => {
                let strict = members(row, strict);
                members(row, found).into_iter().filter(|member| !strict.contains(member)).collect()
            }
            (_, Value::Calls(found), Value::Calls(strict)) if found.allows && strict.allows => {
                self.opened_calls(row, &found.calls, &strict.calls)
            }
            (Kind::Switch(_) | Kind::Level(_), found, strict) => {
                let weaker = row.kind.compare(found, strict) == Some(std::cmp::Ordering::Less);
                if weaker { vec![row.kind.write(found)] } else { Vec::new() }
            }
            _ => Vec::new(),
        }
    }

    /// The words of a filter that let more pass.
    fn opened_calls(&self, row: &Directive, found: &CallSet, strict: &CallSet) -> Vec<String> {
        let hardened = |word: &str| {
            row.hardened
                .iter()
                .flat_map(|hardening| hardening.lines)
                .any(|line| line.split(' ').any(|own| own == word))
        };
        let passing = |word: &str| {
            let set = if word.starts_with('@') {
                syscalls::set(word, self.found.context.release)?
            } else {
                CallSet::from_iter([Call::find(word)?])
            };
            Some(set.intersection(found))
        };
        let lines = self.setting(row).map(|setting| setting.lines.as_slice()).unwrap_or_default();
        let allowing = lines.iter().filter(|line| !line.starts_with('~'));
        allowing
            .flat_map(|line| line.split_ascii_whitespace())
            .filter(|word| !hardened(word) && passing(word).is_some_and(|calls| !calls.is_subset(strict)))
            .map(str::to_owned)
            .collect()
    }

    /// Every need that would explain something and that nothing in the unit speaks against.
    fn candidates(&self, open: &BTreeSet<Atom>) -> Vec<Candidate> {
        let mut candidates: Vec<Candidate> = Vec::new();
        for (index, member) in open {
            let Some(row) = catalogue::all().get(*index) else { continue };
            // Who the service is decides by itself whether it starts as root.
            let offers =
                row.yields.iter().filter(|offer| offer.to != Need::StartsAsRoot && self.is_given(offer));
            for offer in offers {
                let parameter = match offer.give {
                    Give::AtMost(text) => {
                        if row.kind.write(&value(row, text, self.found)) != *member {
                            continue;
                        }
                        None
                    }
                    Give::Add(template) | Give::Also(template) if template.contains('{') => {
                        // A word of the manifest, and the unit's own: not what a specifier in it comes to.
                        let own = self.setting(row).is_some_and(|setting| setting.evidence_holds(member));
                        if !own || Statement::of(offer.to, Some(member), &[]).is_none() && !adds(offer.to) {
                            continue;
                        }
                        Some(member.clone())
                    }
                    Give::Add(template) | Give::Also(template) => {
                        if !members(row, &value(row, template, self.found)).contains(member)
                            && !template.split(' ').any(|word| word == member)
                        {
                            continue;
                        }
                        None
                    }
                };
                let known = candidates
                    .iter_mut()
                    .find(|candidate| candidate.need == offer.to && candidate.member == parameter);
                match known {
                    Some(candidate) => {
                        candidate.explains.insert((*index, member.clone()));
                    }
                    None => candidates.push(Candidate {
                        need: offer.to,
                        member: parameter,
                        explains: BTreeSet::from([(*index, member.clone())]),
                    }),
                }
            }
        }
        candidates.retain(|candidate| self.speaks_for(candidate));
        candidates
    }

    fn is_given(&self, offer: &Yield) -> bool {
        offer.strength == Strength::Requires && (offer.to_whom == ToWhom::Anyone || self.runs_as_user)
    }

    /// Whether all that the need requires is open in the unit, and open by its own words where it would otherwise be
    /// closed: a need must not be guessed from half of what it opens.
    fn speaks_for(&self, candidate: &Candidate) -> bool {
        catalogue::all().iter().all(|row| {
            let offers = row.yields.iter().filter(|offer| offer.to == candidate.need && self.is_given(offer));
            offers.into_iter().all(|offer| self.is_spoken_for(row, offer, candidate))
        })
    }

    fn is_spoken_for(&self, row: &'static Directive, offer: &Yield, candidate: &Candidate) -> bool {
        let found = &self.found.get(row).value;
        let explicit = self.is_explicit(row);
        match offer.give {
            Give::AtMost(text) => {
                let open = value(row, text, self.found);
                let stricter = row.kind.compare(found, &open) == Some(std::cmp::Ordering::Greater);
                let kept = row.capability.is_some_and(|name| self.keeps(name));
                let unconditional = row.hardened.iter().any(|hardening| {
                    hardening.given == Given::Always && hardening.from <= Strictness::Default
                });
                !stricter && (explicit || kept || candidate.member.is_some() || !unconditional)
            }
            // What takes a parameter that the need has not is not written.
            Give::Add(template) | Give::Also(template) if !is_filled(template, candidate) => true,
            Give::Add(template) | Give::Also(template) => {
                let template = match &candidate.member {
                    Some(member) if template.contains('{') => member.clone(),
                    _ => template.to_owned(),
                };
                match &row.kind {
                    Kind::Mask(MaskGrammar::Bounding) => {
                        let mut names = template.split(' ');
                        let within = names.clone().all(|name| match found {
                            Value::Mask(bits_found) => {
                                bits(row, *bits_found).iter().any(|known| known == name)
                            }
                            _ => false,
                        });
                        within && names.all(|name| self.keeps(name))
                    }
                    _ if explicit => self.holds(row, &template),
                    _ => {
                        matches!(offer.give, Give::Add(_))
                            && !matches!(row.kind, Kind::Mask(MaskGrammar::Ambient))
                    }
                }
            }
        }
    }

    /// Whether the unit says that a capability is kept, as a list of what is.
    fn keeps(&self, name: &str) -> bool {
        let masks = catalogue::all().iter().filter(|row| {
            matches!(row.kind, Kind::Mask(MaskGrammar::Bounding | MaskGrammar::Ambient))
                && self.is_explicit(row)
        });
        let mut lines = masks.filter_map(|row| self.setting(row)).flat_map(|setting| &setting.lines);
        lines.any(|line| !line.starts_with('~') && line.split_ascii_whitespace().any(|word| word == name))
    }

    /// Whether what a template adds is in what was found.
    fn holds(&self, row: &'static Directive, template: &str) -> bool {
        let found = &self.found.get(row).value;
        let mut remarks = Vec::new();
        let more = row.kind.assign(found.clone(), template, &self.found.context, &mut remarks);
        // Adding what is there changes nothing.
        row.kind.compare(&more, found) == Some(std::cmp::Ordering::Equal)
    }
}

/// Whether a template has all its parameters from what the need explains.
fn is_filled(template: &str, candidate: &Candidate) -> bool {
    let slots =
        |template: &'static str| template.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let rows = candidate.explains.iter().filter_map(|(index, _)| catalogue::all().get(*index));
    let offers = rows.flat_map(|row| row.yields).filter(|offer| offer.to == candidate.need);
    let given: Vec<&str> = offers
        .flat_map(|offer| match offer.give {
            Give::AtMost(template) | Give::Add(template) | Give::Also(template) => slots(template),
        })
        .collect();
    let mut wanted = template.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    wanted.all(|slot| given.contains(&slot))
}

/// What a unit's own lines say of a directive.
pub(super) fn setting_of<'s>(settings: &'s [Setting], row: &Directive) -> Option<&'s Setting> {
    let section = row.sections.of_service();
    settings.iter().find(|setting| setting.directive == row.name && setting.section == section)
}

/// What an assignment comes to on its own.
pub(super) fn value(row: &'static Directive, text: &str, posture: &Posture) -> Value {
    let mut remarks = Vec::new();
    row.kind.assign(default_value(row, &posture.context), text, &posture.context, &mut remarks)
}

/// The members of a set; nothing of what is none.
fn members(row: &Directive, value: &Value) -> Vec<String> {
    match value {
        Value::Mask(mask) => bits(row, *mask),
        Value::Names(list) if list.allows => list.names.iter().cloned().collect(),
        Value::Words(entries) => entries.clone(),
        Value::Networks(nets) => {
            nets.iter().map(|net| row.kind.write(&Value::Networks(vec![*net]))).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a need is only said of another one that is stated.
fn adds(need: Need) -> bool {
    need.id().contains('.')
}

fn bits(row: &Directive, mask: u64) -> Vec<String> {
    let nameless = row.kind.write(&Value::Mask(0));
    let names =
        (0..u64::BITS).filter(|bit| mask & (1 << bit) != 0).map(|bit| row.kind.write(&Value::Mask(1 << bit)));
    names.filter(|name| *name != nameless).collect()
}

/// What explains most comes first; of equals a word of its own before a literal one, then what opens least besides, then
/// the need as such before one of its choices.
fn rank(candidate: &Candidate) -> (Reverse<usize>, bool, usize, bool) {
    let row = candidate.need.row();
    let literal = row.parameters.contains(&"name");
    let opens = |directive: &&&Directive| directive.yields.iter().any(|offer| offer.to == candidate.need);
    let explained: BTreeSet<usize> = candidate.explains.iter().map(|(index, _)| *index).gather();
    let besides =
        catalogue::all().iter().filter(opens).filter(|row| !explained.contains(&row.index())).count();
    (Reverse(candidate.explains.len()), literal, besides, row.id.contains('.'))
}

/// The needs that would open a directive, for a suggestion.
pub(super) fn needs_of(row: &Directive) -> Vec<&'static str> {
    let words = row.yields.iter().filter(|offer| offer.strength == Strength::Requires).map(|offer| offer.to);
    let mut ids: Vec<&'static str> =
        NEEDS.iter().filter(|need| words.clone().any(|word| word == need.need)).map(|need| need.id).collect();
    ids.dedup();
    ids
}
