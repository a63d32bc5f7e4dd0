//! The laws of the table.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::*;
use crate::context::{Context, Mode, Scope, UnitType};
use crate::posture::{Origin, Posture};
use crate::release::{Release, covers};
use crate::syscalls::Architecture;
use crate::value::{Remark, Value};

/// A service of the system's manager of that release.
pub(super) fn context(major: u16) -> Context {
    Context {
        release: Release::latest(major),
        mode: Mode::Loaded,
        scope: Scope::System,
        unit_type: UnitType::Service,
        architecture: Architecture::X86_64,
    }
}

/// The value that lines come to, and what there was to remark.
fn assigned(row: &'static Directive, lines: &[&str], major: u16) -> (Value, Vec<Remark>) {
    let mut posture = Posture::unset("x.service", context(major));
    let remarks = lines.iter().flat_map(|line| posture.assign(row, line, Origin::Default)).collect();
    (posture.get(row).value.clone(), remarks)
}

/// Every text of a row that a unit could contain.
fn texts(row: &Directive) -> Vec<String> {
    let hardened = row.hardened.iter().flat_map(|hardening| hardening.lines).map(|text| (*text).to_owned());
    let yields = row.yields.iter().map(|offer| {
        let (Give::AtMost(text) | Give::Add(text) | Give::Also(text)) = offer.give;
        let samples = [
            (
                "{path}",
                if matches!(row.kind, Kind::Words(rules) if rules.entry == Entry::Device) {
                    "/dev/x"
                } else {
                    "/x"
                },
            ),
            ("{access}", "rw"),
            ("{group}", "tss"),
            ("{kind}", "user"),
            ("{unit}", "x.service"),
            ("{address}", "10.0.0.0/8"),
            ("{rule}", "tcp:80"),
            ("{architecture}", "x86"),
            ("{name}", if matches!(row.kind, Kind::Calls) { "@mount" } else { "CAP_CHOWN" }),
        ];
        samples.iter().fold(text.to_owned(), |text, (slot, value)| text.replace(slot, value))
    });
    hardened.chain(yields).collect()
}

#[test]
fn names_are_unique_and_found() {
    let names: BTreeSet<&str> = all().iter().map(|row| row.name).collect();
    assert_eq!(names.len(), all().len());
    for (position, row) in all().iter().enumerate() {
        assert!(row.name.starts_with(|c: char| c.is_ascii_uppercase()), "{}", row.name);
        assert!(row.name.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{}", row.name);
        assert_eq!(row.index(), position, "{}", row.name);
        assert_eq!(find(row.name), Some(*row));
        for old in row.also {
            assert_eq!(find(old), Some(*row));
            assert!(!names.contains(old), "{old}");
        }
    }
    assert_eq!(find("NoSuchDirective"), None);
    assert_eq!(nearest("nonewprivileges"), Some("NoNewPrivileges"));
    assert_eq!(nearest("ProtectSytem"), Some("ProtectSystem"));
    assert_eq!(nearest("ExecStart"), None);
}

#[test]
fn every_text_of_a_row_is_one_that_systemd_reads() {
    for row in all() {
        let major = row.since.max(258);
        for text in texts(row) {
            assert_eq!(assigned(row, &[&text], major).1, [], "{}={text}", row.name);
        }
        for unset in row.unset.iter().filter(|unset| !unset.text.is_empty()) {
            assert_eq!(assigned(row, &[unset.text], 262).1, [], "{}={}", row.name, unset.text);
        }
        for implied in row.implies {
            let (Operation::Force(text) | Operation::Assign(text) | Operation::Replace(_, text)) =
                implied.operation
            else {
                continue;
            };
            assert_eq!(
                assigned(all()[implied.on.index()], &[text], 262).1,
                [],
                "{} on {}",
                row.name,
                implied.on.name
            );
        }
    }
}

#[test]
fn every_placeholder_is_a_parameter_of_its_need() {
    for row in all() {
        for offer in row.yields {
            let (Give::AtMost(text) | Give::Add(text) | Give::Also(text)) = offer.give;
            for slot in text.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
                assert!(offer.to.row().parameters.contains(&slot), "{}: {slot} of {}", row.name, offer.to);
            }
        }
    }
}

#[test]
fn every_level_is_written_and_read_back() {
    for row in all() {
        let Kind::Level(rules) = row.kind else { continue };
        for (place, level) in rules.levels.iter().enumerate() {
            assert_eq!(row.kind.write(&Value::Level(place)), level.text);
            assert_eq!(
                assigned(row, &[level.text], 262).0,
                Value::Level(place),
                "{}={}",
                row.name,
                level.text
            );
            assert!(level.since == 0 || level.since >= row.since, "{}={}", row.name, level.text);
        }
        for (number, word) in rules.numbers.iter().filter(|(_, word)| !word.is_empty()) {
            let is_level = rules.levels.iter().any(|level| level.text == *word);
            assert!(is_level, "{}: {number} is no `{word}`", row.name);
        }
        if rules.order == Order::MoreIsStricter {
            assert!(rules.levels.is_sorted_by_key(|level| level.rank), "{}", row.name);
        }
    }
}

#[test]
fn hardening_never_weakens_and_needs_never_tighten() {
    for row in all() {
        let major = row.since.max(258);
        let mut before = Posture::unset("x.service", context(major)).get(row).value.clone();
        for hardening in row.hardened {
            let (value, _) = assigned(row, hardening.lines, major);
            let order = row.kind.compare(&value, &before);
            // A text such as an error number has no order; it only has to be there.
            let unordered = matches!(row.kind, Kind::Text(_));
            // A deny list at `safe` and an allow list later cannot be compared call by call.
            let lists = matches!(row.kind, Kind::Calls | Kind::Words(_));
            assert!(
                unordered || lists || matches!(order, Some(Ordering::Greater | Ordering::Equal)),
                "{}",
                row.name
            );
            before = value;
        }
        for offer in row.yields {
            let Give::AtMost(text) = offer.give else { continue };
            // An empty list opens the directive as a whole, whichever way its entries count.
            if text.is_empty() {
                continue;
            }
            let (value, _) = assigned(row, &[text], major);
            assert_ne!(row.kind.compare(&value, &before), Some(Ordering::Greater), "{}={text}", row.name);
        }
        assert!(
            row.hardened.is_sorted_by_key(|hardening| hardening.from),
            "{}: the strictest hardening stands last",
            row.name
        );
    }
}

#[test]
fn the_figure_has_the_checks_and_weights_of_each_release() {
    // Counted in the sources of these releases.
    let totals = [
        ("240", 74, 52_375),
        ("241", 74, 52_375),
        ("242", 76, 53_425),
        ("244", 77, 54_425),
        ("246", 78, 55_425),
        ("247", 80, 56_435),
        ("252.18", 80, 56_435),
        ("252.19", 81, 56_460),
        ("253.12", 80, 56_435),
        ("254.6", 81, 56_460),
        ("255", 81, 56_460),
        ("262", 81, 56_460),
    ];
    for (release, count, weight) in totals {
        let known: Release = release.parse().unwrap_or(Release::first(0));
        let of: Vec<_> = checks().filter(|group| covers(group.check.releases, known)).collect();
        assert_eq!(of.len(), count, "{release}");
        assert_eq!(of.iter().map(|group| group.check.weight).sum::<u64>(), weight, "{release}");
    }
}

#[test]
fn checks_fit_their_rows() {
    let mut ids = BTreeSet::new();
    for group in checks() {
        let (check, row) = (group.check, group.directives[0]);
        assert!(ids.insert(check.id), "{} twice", check.id);
        match check.probe {
            Probe::Words(words) => {
                let Kind::Level(rules) = row.kind else { panic!("{}: words of no level", check.id) };
                let named: BTreeSet<&str> = words.iter().map(|(word, _)| *word).collect();
                assert_eq!(named, rules.levels.iter().map(|level| level.text).collect(), "{}", check.id);
                assert!(words.iter().all(|(_, badness)| *badness <= check.range), "{}", check.id);
            }
            Probe::KeepsAny(names, _) => {
                assert!(matches!(row.kind, Kind::Mask(_)), "{}", check.id);
                assert!(names.iter().all(|name| crate::value::bit(name) != 0), "{}", check.id);
            }
            Probe::Calls(set) => {
                assert!(matches!(row.kind, Kind::Calls), "{}", check.id);
                assert!(crate::syscalls::set(set, Release::latest(262)).is_some(), "{}", check.id);
            }
            Probe::Family(_) => assert!(matches!(row.kind, Kind::Names(_)), "{}", check.id),
            Probe::MaskBits(bits) => {
                assert!(matches!(row.kind, Kind::Mode(_)), "{}", check.id);
                assert!(bits.iter().all(|(_, badness)| *badness <= check.range), "{}", check.id);
            }
            Probe::Rule { says, .. } => assert!(!says.is_empty()),
            Probe::On | Probe::Off | Probe::Empty => {}
        }
    }
}

#[test]
fn rows_explain_themselves() {
    for row in all() {
        for text in [row.summary, row.breaks] {
            assert!(text.ends_with('.') && text.len() > 6, "{}: {text}", row.name);
        }
        assert!(
            all()
                .iter()
                .any(|known| row.implies.iter().all(|implied| all().contains(&implied.on)) && known == row)
        );
    }
    let keys: Vec<&str> = all().iter().filter_map(|row| row.key).collect();
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "a key belongs to one row");
}

#[test]
fn settling_twice_changes_nothing() {
    for major in [240, 247, 252, 254, 257, 262] {
        let mut posture = Posture::unset("x.service", context(major));
        for row in all().iter().filter(|row| row.since <= major) {
            if let Kind::Switch(_) | Kind::Level(_) = row.kind {
                posture.assign(row, "yes", Origin::Default);
            }
        }
        posture.settle(Stage::Load);
        let once: Vec<Value> = posture.iter().map(|(_, setting)| setting.value.clone()).collect();
        posture.settle(Stage::Load);
        let twice: Vec<Value> = posture.iter().map(|(_, setting)| setting.value.clone()).collect();
        assert_eq!(once, twice, "{major}");
    }
}

#[test]
fn every_row_says_how_it_is_proved_or_why_it_is_not() {
    for row in all() {
        let signs = match row.proof {
            Proof::Unstated => panic!("{}", row.name),
            Proof::Nothing(why) => {
                assert!(why.len() > 10 && !why.ends_with('.'), "{}: {why}", row.name);
                continue;
            }
            Proof::By(signs) => signs,
        };
        assert!(!signs.is_empty(), "{}", row.name);
        for sign in signs {
            for word in sign.at {
                let written = match row.kind {
                    Kind::Level(rules) => rules.levels.iter().any(|level| level.text == *word),
                    Kind::Switch(_) => *word == "yes",
                    _ => false,
                };
                assert!(written, "{}: `{word}` is none of its words", row.name);
            }
            match sign.trace {
                Trace::Without(names) => {
                    assert!(names.iter().all(|name| crate::value::bit(name) != 0), "{}", row.name);
                }
                Trace::Mount(Places::Named, _) => {
                    let Kind::Words(rules) = row.kind else { panic!("{} names no places", row.name) };
                    let place = crate::value::entry_place(rules.entry, "/a:/b");
                    assert!(place.is_some(), "{}", row.name);
                }
                _ => {}
            }
        }
    }
}
