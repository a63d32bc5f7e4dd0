//! What the catalogue's enums say, in words for people. The words stand in reports, in JSON and in the manual alike.

use crate::catalogue::{
    Applies, FamilyGroup, Give, Given, Kind, Operation, Order, Probe, Stage, Strength, ToWhom, When, Yield,
};
use crate::context::{Scope, UnitType};
use crate::manifest::Strictness;
use crate::release::{Range, Release};

/// Which releases; none for all of them.
pub(super) fn releases(ranges: &[Range]) -> Option<String> {
    let newest = Release::latest(u16::MAX);
    if ranges.iter().any(|range| range.from == Release::first(0) && range.until == newest) {
        return None;
    }
    let words = ranges.iter().map(|range| {
        let from = match range.from {
            Release { major, minor: 0 } => major.to_string(),
            release => release.to_string(),
        };
        let until = range.until;
        match (range.from.major, until.major) {
            (_, u16::MAX) => format!("from {from} on"),
            (0, _) => format!("up to {until}"),
            (a, b) if a == b && range.from.minor == 0 && until.minor == Release::LATEST_MINOR => from,
            (a, b) if a == b && until.minor == Release::LATEST_MINOR => format!("{b} from {from} on"),
            _ => format!("{from} to {until}"),
        }
    });
    Some(words.collect::<Vec<_>>().join(", "))
}

/// What is written for the directive.
pub(super) fn grammar(kind: &Kind) -> &'static str {
    match kind {
        Kind::Switch(_) => "yes or no",
        Kind::Level(_) => "one word",
        Kind::Mask(_) => "a set of names; `~` before it takes them away",
        Kind::Names(_) => "a list of names that are allowed, or denied after `~`",
        Kind::Calls => {
            "a list of system calls and of sets such as @clock that are allowed, or denied after `~`"
        }
        Kind::Words(_) => "a list that grows with each assignment; an empty one clears it",
        Kind::Networks(_) => "a list of addresses and networks",
        Kind::Mode(_) => "permission bits, octal",
        Kind::Amount(rules) if rules.pair => "a number, or one each for the soft and the hard limit",
        Kind::Amount(_) => "a number",
        Kind::Text(_) => "a text",
    }
}

/// What makes the value stricter; nothing where only equal and different are told apart, or the words say it.
pub(super) fn order(kind: &Kind) -> Option<&'static str> {
    let of = |order| match order {
        Order::MoreIsWeaker => Some("less is stricter"),
        Order::MoreIsStricter => Some("more is stricter"),
        Order::Unordered => None,
    };
    match kind {
        Kind::Switch(rules) => match rules.order {
            Order::MoreIsStricter => Some("yes is stricter"),
            Order::MoreIsWeaker => Some("no is stricter"),
            Order::Unordered => None,
        },
        Kind::Level(rules) => (rules.order != Order::Unordered).then_some("from weakest to strictest"),
        Kind::Words(rules) => of(rules.order),
        Kind::Networks(order) | Kind::Mode(order) => of(*order),
        Kind::Amount(rules) => of(rules.order),
        Kind::Names(_) | Kind::Calls => Some("what lets less through is stricter"),
        Kind::Mask(_) | Kind::Text(_) => None,
    }
}

/// The manager of a scope.
pub(super) fn manager(scope: Scope) -> &'static str {
    match scope {
        Scope::System => "system",
        Scope::User => "user",
    }
}

/// The suffix of a type.
pub(super) fn unit_type(unit_type: UnitType) -> Option<&'static str> {
    unit_type.section().map(|section| match section {
        "Service" => "service",
        "Socket" => "socket",
        "Mount" => "mount",
        _ => "swap",
    })
}

/// The condition of a hardening; none where it has none.
pub(super) fn condition(given: Given) -> Option<&'static str> {
    match given {
        Given::Always => None,
        Given::Unprivileged => {
            Some("if it starts as another user than root, holds no capability and may not gain privileges")
        }
        Given::NoCapabilities => Some("if no need adds a capability"),
        Given::ForcesNothing => Some("where it does not force NoNewPrivileges= upon a service with User="),
        Given::NoIp => Some("if no need speaks IP"),
        Given::LoopbackOnly => Some("if all IP stays on this machine"),
        Given::AddressesOnly => Some("if every IP need names addresses"),
        Given::PortsKnown => Some("if every bound port is named"),
    }
}

/// What a need opens.
pub(super) fn opens(offer: &Yield) -> String {
    match offer.give {
        Give::AtMost("") => "writes nothing".to_owned(),
        Give::AtMost(value) => format!("at most {value}"),
        Give::Add(text) => format!("adds {text} to what is hardened"),
        Give::Also(text) => format!("adds {text}"),
    }
}

/// For whom, and how sure that is; none where the need opens it for everybody, and only if it is stated.
pub(super) fn proviso(offer: &Yield) -> Option<String> {
    let mut parts = Vec::new();
    if offer.unknown_below > Strictness::Safe {
        parts.push(format!("below {} also while it is not known", offer.unknown_below.as_str()));
    }
    if let Strength::SuspectsUnlessDenied(other) = offer.strength {
        parts.push(format!("unless {other} is denied"));
    }
    if offer.to_whom == ToWhom::NotRoot {
        parts.push("unless it starts as root".to_owned());
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// What must hold of the implying directive.
pub(super) fn when(when: When) -> String {
    match when {
        When::On => "on".to_owned(),
        When::OnWithDeviceRules => "on, beside other rules about devices".to_owned(),
        When::OnWithUser => "on, in a service that runs as another user than root".to_owned(),
        When::Unset => "not set".to_owned(),
        When::Is(value) => format!("set to {value}"),
    }
}

/// What it does to the other one.
pub(super) fn operation(operation: Operation, on: &str) -> String {
    match operation {
        Operation::Force(value) => format!("{on}={value}"),
        Operation::Replace(old, new) => format!("{on}={new} in place of {old}"),
        Operation::Assign(text) => format!("one more {on}={text}"),
        Operation::NameAfterUnit => format!("{on}= is named after the unit"),
        Operation::Copy(from) => format!("{on}= gets the value of {}=", from.name),
    }
}

/// Where it can be seen.
pub(super) fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Load => "shown by the manager",
        Stage::LoadedJudgement => "counted by the scorer of loaded units alone",
        Stage::OfflineJudgement => "counted by the scorer of files alone",
        Stage::Exec => "seen in the process alone",
    }
}

/// To which services a check applies; none for all.
pub(super) fn applies(applies: Applies) -> Option<&'static str> {
    match applies {
        Applies::Always => None,
        Applies::DefaultDependencies => Some("services with DefaultDependencies=yes"),
        Applies::Unprivileged => Some("services that do not run as root"),
        Applies::UnprivilegedSystem => {
            Some("services that do not run as root; from 262 on only those of the system's manager")
        }
    }
}

/// How the badness of a check comes about.
pub(super) fn rule(probe: &Probe) -> String {
    match probe {
        Probe::On => "0 if it is on, else 1".to_owned(),
        Probe::Off => "1 if it is on, else 0".to_owned(),
        Probe::Empty => "1 if it lists anything, else 0".to_owned(),
        Probe::Words(words) => {
            let each = words.iter().map(|(word, badness)| format!("{badness} for {word}"));
            each.collect::<Vec<_>>().join(", ")
        }
        Probe::KeepsAny(names, _) => match names {
            [name] => format!("1 if {name} is kept, else 0"),
            _ => format!("1 if any of {} is kept, else 0", names.join(", ")),
        },
        Probe::Family(group) => {
            let families = match group {
                FamilyGroup::Inet => "AF_INET and AF_INET6 are",
                FamilyGroup::Unix => "AF_UNIX is",
                FamilyGroup::Netlink => "AF_NETLINK is",
                FamilyGroup::Packet => "AF_PACKET is",
                FamilyGroup::Other => "every other family is",
            };
            format!("1 unless {families} refused")
        }
        Probe::Calls(set) => format!("by the calls of {set} that are let through, 0 if none is"),
        Probe::MaskBits(bits) => {
            let each = bits.iter().map(|(bit, badness)| format!("{badness} without {bit:04o}"));
            format!("{}, else 0; the first that holds counts", each.collect::<Vec<_>>().join(", "))
        }
        Probe::Rule { says, .. } => (*says).to_owned(),
    }
}
