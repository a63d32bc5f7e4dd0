//! Whether a found unit still uses what a need opens.

use std::cmp::Ordering;

use super::{is_known_only_there, settled};
use crate::catalogue::Directive;
use crate::posture::{Origin, Posture};

/// The directives that a need opens, where the unit keeps every one of them as shut as if the need were not stated:
/// `with` and `without` are the policies with it and without it. Nothing where the need opens nothing, where the unit
/// uses any of it, or where that is not known.
pub fn uses(with: &Posture, without: &Posture, found: &Posture) -> Use {
    let (with, without, found) = (settled(with), settled(without), settled(found));
    let mut opened = Vec::new();
    for (directive, open) in with.iter().filter(|(directive, _)| directive.confines()) {
        let shut = &without.get(directive).value;
        if directive.kind.compare(&open.value, shut) != Some(Ordering::Less) || is_known_only_there(shut) {
            continue;
        }
        let has = found.get(directive);
        let as_shut =
            matches!(directive.kind.compare(&has.value, shut), Some(Ordering::Equal | Ordering::Greater));
        if has.origin == Origin::NotKnown || !as_shut {
            return Use::Some;
        }
        opened.push(directive);
    }
    if opened.is_empty() { Use::Some } else { Use::NoneOf(opened) }
}

/// How much of what a need opens a unit uses.
#[derive(Clone, Debug, PartialEq)]
pub enum Use {
    /// Some of it, or that is not known.
    Some,
    /// None of these.
    NoneOf(Vec<&'static Directive>),
}
