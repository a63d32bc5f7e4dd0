//! One row of the catalogue and the needs of one service: the assignments that come out.

use std::cmp::Ordering;
use std::sync::Arc;

use super::circumstances::Circumstances;
use super::claims::Claim;
use super::plan::Planned;
use super::{Contradiction, Overrides, WrittenLine, stated};
use crate::catalogue::{Directive, Give, Kind, Strength, ToWhom, Yield};
use crate::context::Context;
use crate::manifest::{Manifest, OverrideValue, Strictness};
use crate::need::Need;
use crate::posture::{Reason, default_value};
use crate::value::Value;

/// Everything that a row is folded with.
pub(super) struct Folding<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) planned: &'a Planned<'a>,
    pub(super) claims: &'a [Claim],
    pub(super) circumstances: &'a Circumstances,
    pub(super) strictness: Strictness,
    pub(super) overrides: Overrides,
    pub(super) context: Context,
}

/// What came out of a row.
pub(super) struct Folded {
    pub(super) directive: &'static Directive,
    pub(super) lines: Vec<WrittenLine>,
    /// The stated need that opened it, if one did.
    pub(super) opened_by: Option<Need>,
}

impl Folded {
    /// Whether the assignments only switch the directive off.
    pub(super) fn is_off(&self) -> bool {
        self.lines.iter().all(|line| line.text.is_empty() || line.text == "no")
    }
}

impl Folding<'_> {
    pub(super) fn row(&self, directive: &'static Directive) -> Result<Folded, Contradiction> {
        let mut folded = Folded { directive, lines: Vec::new(), opened_by: None };
        if self.overrides == Overrides::Kept
            && let Some(literal) = self.planned.service.override_of(directive.name)
        {
            if let OverrideValue::Lines(lines) = &literal.value {
                let texts: Vec<String> = lines.0.iter().map(|line| line.as_str().to_owned()).collect();
                self.check_override(directive, literal, &texts)?;
                let reason = Reason::Overridden {
                    because: Arc::from(literal.because.as_str()),
                    place: literal.place.clone(),
                };
                folded.lines = texts
                    .into_iter()
                    .map(|text| WrittenLine { text, reasons: vec![reason.clone()] })
                    .collect();
            }
            return Ok(folded);
        }
        let said = directive.key.and_then(|key| stated::value(self.manifest, self.planned, key));
        if let Some((texts, place)) = said {
            let reason = Reason::Stated(place);
            folded.lines =
                texts.into_iter().map(|text| WrittenLine { text, reasons: vec![reason.clone()] }).collect();
        } else {
            folded.lines = self.hardened(directive);
            self.loosen(&mut folded);
        }
        self.add(&mut folded);
        Ok(folded)
    }

    /// What strictness, or a denial, writes.
    fn hardened(&self, directive: &'static Directive) -> Vec<WrittenLine> {
        let denial = directive
            .yields
            .iter()
            .filter(|offer| offer.unknown_below > self.strictness)
            .find_map(|offer| self.denied(offer.to));
        let (strictness, reason) = match denial {
            Some(reason) => (Strictness::Strict, reason),
            None => (self.strictness, Reason::Strictness),
        };
        let fits = directive.hardened.iter().rev().find(|hardening| {
            hardening.from <= strictness && self.circumstances.hold(hardening.given, directive)
        });
        let lines = fits.map_or(&[][..], |hardening| hardening.lines);
        lines
            .iter()
            .map(|text| WrittenLine { text: (*text).to_owned(), reasons: vec![reason.clone()] })
            .collect()
    }

    /// Replaces what is hardened by the weakest value that a need asks for.
    fn loosen(&self, folded: &mut Folded) {
        let directive = folded.directive;
        let mut weakest: Option<(&'static str, Vec<Reason>, Option<Need>)> = None;
        for offer in directive.yields {
            let Give::AtMost(text) = offer.give else { continue };
            for (reason, need) in self.reasons(offer, folded.lines.is_empty()) {
                match &mut weakest {
                    Some((known, reasons, opened)) if *known == text => {
                        reasons.push(reason);
                        *opened = opened.or(need);
                    }
                    Some((known, ..)) if !self.is_weaker(directive, text, known) => {}
                    _ => weakest = Some((text, vec![reason], need)),
                }
            }
        }
        let Some((text, reasons, need)) = weakest else { return };
        let before: Vec<&str> = folded.lines.iter().map(|line| line.text.as_str()).collect();
        // An empty list opens the directive as a whole, whichever way its entries count.
        let weaker = text.is_empty() || self.weaker_lines(directive, &[text], &before);
        if folded.lines.is_empty() {
            // Nothing was hardened: a need must not begin to.
            let says_nothing = directive.hardened.is_empty() || text.is_empty();
            if says_nothing || self.weaker_lines(directive, &[], &[text]) {
                return;
            }
        }
        if weaker || folded.lines.is_empty() {
            folded.lines = vec![WrittenLine { text: text.to_owned(), reasons }];
            folded.opened_by = need;
        }
    }

    /// Appends what needs add to a list.
    fn add(&self, folded: &mut Folded) {
        let directive = folded.directive;
        // A list that a need opened as a whole is complete.
        if folded.opened_by.is_some() && folded.is_off() {
            return;
        }
        let based = !folded.lines.is_empty();
        for offer in directive.yields {
            let template = match offer.give {
                Give::Add(template) if based => template,
                Give::Also(template) => template,
                Give::Add(_) | Give::AtMost(_) => continue,
            };
            let mut wanted: Vec<(String, Reason)> = Vec::new();
            for claim in self.claims.iter().filter(|claim| claim.need == offer.to) {
                if self.applies(offer)
                    && let Some(text) = claim.fill(template)
                {
                    wanted.push((text, needed(claim)));
                }
            }
            if self.is_unknown(offer) && !template.contains('{') {
                wanted.push((template.to_owned(), Reason::Unknown(offer.to)));
            }
            for (text, reason) in wanted {
                match folded.lines.iter_mut().find(|line| line.text == text) {
                    Some(line) => line.reasons.push(reason),
                    None => folded.lines.push(WrittenLine { text, reasons: vec![reason] }),
                }
            }
        }
    }

    /// The reasons for an offer, with the need where it is a stated one.
    fn reasons(&self, offer: &Yield, unhardened: bool) -> Vec<(Reason, Option<Need>)> {
        let claims = self.claims.iter().filter(|claim| claim.need == offer.to);
        let mut reasons: Vec<(Reason, Option<Need>)> = if self.applies(offer) {
            claims.map(|claim| (needed(claim), Some(claim.need))).collect()
        } else {
            Vec::new()
        };
        if self.is_unknown(offer) && !unhardened {
            reasons.push((Reason::Unknown(offer.to), None));
        }
        reasons
    }

    fn applies(&self, offer: &Yield) -> bool {
        let to_it = offer.to_whom == ToWhom::Anyone || self.circumstances.runs_as_user;
        // What would be open on suspicion only stays closed where a denial says so.
        let denied = match offer.strength {
            Strength::Requires => false,
            Strength::SuspectsUnlessDenied(other) => self.denies(other),
        };
        to_it && !denied
    }

    fn is_unknown(&self, offer: &Yield) -> bool {
        offer.unknown_below > self.strictness
            && !self.claims.iter().any(|claim| claim.need == offer.to)
            && !self.denies(offer.to)
    }

    fn denies(&self, need: Need) -> bool {
        self.planned.service.denial_of(need.id()).is_some()
    }

    fn denied(&self, need: Need) -> Option<Reason> {
        let denial = self.planned.service.denial_of(need.id())?;
        Some(Reason::Denied { because: Arc::from(denial.because.as_str()), place: denial.place.clone() })
    }

    fn is_weaker(&self, directive: &Directive, text: &str, than: &str) -> bool {
        self.weaker_lines(directive, &[text], &[than])
    }

    fn weaker_lines(&self, directive: &Directive, lines: &[&str], than: &[&str]) -> bool {
        let (value, other) = (self.value(directive, lines), self.value(directive, than));
        directive.kind.compare(&value, &other) == Some(Ordering::Less)
    }

    /// What assignments come to on their own.
    fn value(&self, directive: &Directive, lines: &[&str]) -> Value {
        let mut ignored = Vec::new();
        lines.iter().fold(default_value(directive, &self.context), |value, line| {
            directive.kind.assign(value, line, &self.context, &mut ignored)
        })
    }

    /// An override may not close what a need requires.
    fn check_override(
        &self,
        directive: &Directive,
        literal: &crate::manifest::Override,
        texts: &[String],
    ) -> Result<(), Contradiction> {
        if !matches!(directive.kind, Kind::Switch(_) | Kind::Level(_)) {
            return Ok(());
        }
        let lines: Vec<&str> = texts.iter().map(String::as_str).collect();
        for offer in directive.yields.iter().filter(|offer| offer.strength == Strength::Requires) {
            let Give::AtMost(open) = offer.give else { continue };
            let claim = self.claims.iter().find(|claim| claim.need == offer.to);
            if let Some(claim) = claim
                && self.weaker_lines(directive, &[open], &lines)
            {
                let (name, need) = (directive.name, claim.need);
                return Err(Contradiction {
                    place: literal.place.clone(),
                    message: format!(
                        "the override of {name}= closes what `{need}` requires: it must be `{open}` at most"
                    ),
                    also: Some(claim.place.clone()),
                });
            }
        }
        Ok(())
    }
}

fn needed(claim: &Claim) -> Reason {
    Reason::Needed { need: claim.need, because: Arc::clone(&claim.because), place: claim.place.clone() }
}
