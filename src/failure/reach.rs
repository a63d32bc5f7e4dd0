//! How far a directive reaches: whether it has an effect, the paths that it names or closes, the names that it leaves
//! out.

use super::{Presence, Surroundings};
use crate::catalogue::{self, Directive, Errno, Kind, MaskGrammar, Shows, What};
use crate::posture::{Posture, default_value};
use crate::syscalls::Call;
use crate::value::Value;

/// Whether a directive has an effect: of sets of bits, whether it leaves any out.
pub(super) fn is_on(posture: &Posture, row: &Directive) -> bool {
    match row.kind {
        Kind::Mask(_) => posture.get(row).value != default_value(row, &posture.context),
        _ => posture.is_on(row),
    }
}

/// Whether the directive gives, so that leaving it out refuses.
pub(super) fn is_grant(row: &Directive) -> bool {
    matches!(row.kind, Kind::Mask(MaskGrammar::Ambient))
}

/// Whether the directive is at that word or a stricter one.
pub(super) fn reaches(posture: &Posture, row: &Directive, from: &str) -> bool {
    match (&row.kind, &posture.get(row).value) {
        (Kind::Level(rules), Value::Level(place)) => {
            let least = rules.levels.iter().position(|level| level.text == from);
            least.is_none_or(|least| *place >= least) && posture.is_on(row)
        }
        _ => is_on(posture, row),
    }
}

/// Whether a directive's value leaves a name out: a call, a family, a capability.
pub(super) fn left_out(posture: &Posture, row: &Directive, name: &str) -> bool {
    match &posture.get(row).value {
        Value::Calls(filter) => {
            !filter.is_unfiltered()
                && match Call::find(name) {
                    Some(call) => filter.calls.contains(call) != filter.allows,
                    None => filter.unknown.contains(name) != filter.allows,
                }
        }
        Value::Names(filter) => !filter.passes(name),
        Value::Mask(bits) => match row.kind {
            Kind::Mask(MaskGrammar::Bounding | MaskGrammar::Ambient) => crate::value::bit(name) & bits == 0,
            _ => false,
        },
        // Nothing is given where nothing is said.
        Value::Unset => is_grant(row),
        _ => false,
    }
}

/// The calls that a short list denies.
pub(super) fn few_denied(posture: &Posture, row: &Directive) -> Option<String> {
    const FEW: usize = 4;
    let Value::Calls(filter) = &posture.get(row).value else { return None };
    let few = !filter.allows && (1..=FEW).contains(&filter.calls.len()) && filter.unknown.is_empty();
    few.then(|| filter.calls.iter().map(Call::name).collect::<Vec<_>>().join(" or "))
}

/// The paths that a directive's value names: where it makes them, those; of a mount both ends.
pub(super) fn paths(posture: &Posture, row: &Directive) -> Vec<String> {
    let entries: Vec<&str> = match &posture.get(row).value {
        Value::Words(entries) => entries.iter().map(String::as_str).collect(),
        Value::Text(text) => vec![text.as_str()],
        _ => return Vec::new(),
    };
    let in_entry = |entry: &str| -> Vec<String> {
        if let Some(base) = row.makes_below() {
            return entry.split(':').map(|name| format!("{base}/{name}")).take(1).collect();
        }
        entry.split([' ', ':']).map(bare).filter(|part| part.starts_with('/')).map(str::to_owned).collect()
    };
    entries.into_iter().flat_map(in_entry).collect()
}

/// A path without what may stand before it (systemd.exec(5): `-`, `+`).
pub(super) fn bare(word: &str) -> &str {
    word.trim_start_matches(['-', '+'])
}

/// Whether a path is `base` or lies below it.
pub(super) fn holds(base: &str, path: &str) -> bool {
    let base = base.trim_end_matches('/');
    let is_path = path.starts_with('/') && (base.starts_with('/') || base.is_empty());
    is_path && path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// How much of a path a directive closes with that error; nothing where it does not, or another one opens it.
pub(super) fn covers(around: &Surroundings<'_>, row: &Directive, errno: Errno, path: &str) -> Option<usize> {
    let posture = around.posture;
    let real = match (around.host)(path) {
        Presence::There(real) => real,
        Presence::Missing | Presence::NotKnown => path.to_owned(),
    };
    let below = |base: &str| [path, &real].iter().any(|path| holds(base, path));
    let closest = |bases: &mut dyn Iterator<Item = String>| {
        bases.filter(|base| below(base)).map(|base| base.len()).max()
    };
    let closed = row.fails.iter().filter_map(|failing| match failing.shows {
        Shows::Refuses { errors, what } if errors.contains(&errno) => match what {
            What::Paths { from, of, but } if reaches(posture, row, from) => {
                let spared = but.iter().any(|base| below(base));
                closest(&mut of.iter().map(|base| (*base).to_owned())).filter(|_| !spared)
            }
            What::Entries => closest(&mut paths(posture, row).into_iter()),
            _ => None,
        },
        _ => None,
    });
    let closed = closed.max()?;
    let opened = catalogue::all().iter().filter(|other| other.spares.contains(&errno) && *other != &row);
    let opened = opened.filter_map(|other| closest(&mut paths(posture, other).into_iter())).max();
    (opened.is_none_or(|opened| opened < closed)).then_some(closed)
}
