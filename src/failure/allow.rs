//! What a manifest would say to allow what was refused: the needs that the rows yield to, those first that name the
//! very thing.

use super::reach;
use crate::catalogue::{self, Directive, Errno, Give, Kind, Yield};
use crate::manifest::{NEED_NAMES, Strictness};
use crate::need::Need;
use crate::posture::Posture;
use crate::syscalls::{self, Call};
use crate::value::Value;

/// Something that a manifest can state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Allowance {
    /// The need, or the service's own key.
    pub key: &'static str,
    /// What it is for, where the key takes such a thing.
    pub thing: Option<String>,
    /// Whether it is a need, or else a key of the service that states the directive itself.
    pub is_need: bool,
}

/// What may be stated so that `row` gives way for `thing`, the most fitting first.
pub(super) fn allowances(
    row: &'static Directive,
    thing: Option<&str>,
    errno: Option<Errno>,
    posture: &Posture,
) -> Vec<Allowance> {
    let opening = catalogue::all().iter().copied().filter(|other| {
        other.beside == Some(row) && errno.is_some_and(|errno| other.spares.contains(&errno))
    });
    let offers = std::iter::once(row)
        .chain(opening)
        .flat_map(|other| other.yields.iter().map(move |offer| (other, offer)));
    // Hardening that looks at needs by itself yields to them without saying so.
    let looked_at = row.hardened.iter().filter_map(|hardening| hardening.given.asks_about());
    let mut found: Vec<(u8, Need, Option<String>)> = looked_at.map(|need| (0, need, None)).collect();
    for (other, offer) in offers {
        let is_stated = NEED_NAMES.iter().any(|name| Some(*name) == word(offer.to));
        // Sessions inherit everything: no answer to a single refusal.
        if is_stated
            && offer.to != Need::StartsSessions
            && let Some((rank, thing)) = fit(other, row, offer, thing, posture)
        {
            found.push((rank, offer.to, thing));
        }
    }
    found.sort_by_key(|(rank, ..)| *rank);
    // Where nothing names the thing, whatever may have been meant is told.
    let is_guess = thing.is_none() && matches!(row.kind, Kind::Names(_));
    let best = if is_guess { u8::MAX } else { found.first().map_or(0, |(rank, ..)| *rank) };
    let mut allowances: Vec<Allowance> = Vec::new();
    for (_, need, thing) in found.into_iter().filter(|(rank, ..)| *rank <= best) {
        if thing.is_none() || allowances.is_empty() {
            let allowance = Allowance { key: need.id(), thing, is_need: true };
            if !allowances.contains(&allowance) {
                allowances.push(allowance);
            }
        }
    }
    if allowances.is_empty() {
        allowances.extend(row.key.map(|key| Allowance { key, thing: None, is_need: false }));
    }
    allowances
}

/// The word of the manifest.
fn word(need: Need) -> Option<&'static str> {
    need.id().split('.').next()
}

/// How well a yield answers, the lower the better; nothing where it opens something else.
fn fit(
    other: &Directive,
    row: &Directive,
    offer: &Yield,
    thing: Option<&str>,
    posture: &Posture,
) -> Option<(u8, Option<String>)> {
    let named = thing.map(str::to_owned);
    let is_own = other.name == row.name;
    let is_path = thing.is_some_and(|thing| thing.starts_with('/'));
    let lists_names = matches!(row.kind, Kind::Calls | Kind::Names(_) | Kind::Mask(_));
    match offer.give {
        // What takes the whole of a list away is no answer to one refusal.
        Give::AtMost(_) if is_own => (!lists_names).then_some((1, None)),
        Give::Add(text) | Give::Also(text) if text.contains("{path}") => is_path.then_some((0, named)),
        Give::Add(text) | Give::Also(text) if text.contains("{name}") => {
            (is_own && thing.is_some()).then_some((1, named))
        }
        Give::Add(text) | Give::Also(text) if text.contains('{') => is_own.then_some((1, None)),
        Give::Add(text) | Give::Also(text) if is_own => match (thing, &posture.get(row).value) {
            (Some(thing), _) => names(other, text, thing, posture).then_some((0, None)),
            // Of families that nobody named, those come first that are needed without anybody's knowing.
            (None, Value::Names(filter)) => {
                let closed = text.split_ascii_whitespace().any(|name| !filter.passes(name));
                let overlooked = offer.unknown_below > Strictness::Safe;
                closed.then_some((u8::from(!overlooked), None))
            }
            (None, _) => None,
        },
        Give::AtMost(_) | Give::Add(_) | Give::Also(_) => None,
    }
}

/// Whether the words of a yield let that thing through.
fn names(row: &Directive, text: &str, thing: &str, posture: &Posture) -> bool {
    let release = posture.context.release;
    let mut words = text.split_ascii_whitespace();
    match row.kind {
        Kind::Calls => {
            let Some(call) = Call::find(thing) else { return false };
            words.any(|word| {
                word == thing || syscalls::set(word, release).is_some_and(|set| set.contains(call))
            })
        }
        Kind::Words(_) => words.any(|word| reach::holds(word, thing)),
        _ => words.any(|word| word == thing),
    }
}
