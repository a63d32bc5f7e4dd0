//! The properties of a loaded unit as a posture: every row of the catalogue asks for its own, newest spelling first.
//!
//! Answers what the manager says, and nothing more: a property that it does not publish is not known, never off. What
//! a value means is its directive's; asking the manager is `bus`'s.

use std::sync::Arc;

use crate::bus::Properties;
use crate::bus_value::BusValue;
use crate::catalogue::{self, Bus, Directive};
use crate::context::Context;
use crate::drift;
use crate::posture::{Origin, Posture};
use crate::value::{Published, Value};

/// A unit as its manager says it.
pub struct BusReading {
    /// What it comes to. The manager has applied what directives bring along at load.
    pub posture: Posture,
    /// Directives whose property has not the shape that systemd 240 to 262 give it; they are not known.
    pub odd: Vec<OddProperty>,
}

/// A property that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OddProperty {
    /// The directive that asked for it.
    pub directive: &'static Directive,
    /// Its name on the bus.
    pub property: &'static str,
}

/// Reads the properties of `unit`; `unset` is a unit of its type that sets nothing, by the manager's own release.
pub fn read(unit: &str, properties: &Properties, unset: &Posture) -> BusReading {
    read_with(unit, |property| properties.get(property), unset)
}

fn read_with<'p>(unit: &str, get: impl Fn(&str) -> Option<&'p BusValue>, unset: &Posture) -> BusReading {
    let mut reading = BusReading { posture: unset.renamed(unit), odd: Vec::new() };
    let context = unset.context;
    let section = context.unit_type.section().unwrap_or_default();
    for directive in catalogue::all() {
        let applies = |section| directive.sections.contain(section, context.unit_type);
        if !applies(section) && !applies("Unit") {
            continue;
        }
        let published = properties(directive, &get);
        let Some((property, _)) = published.first() else {
            reading.posture.not_known(directive);
            continue;
        };
        let values: Vec<&BusValue> = published.iter().map(|(_, value)| *value).collect();
        match directive.kind.from_bus(&values, &context) {
            Published::As(value) => reading.posture.put(directive, value, Origin::Bus),
            Published::InPart => reading.posture.not_known(directive),
            Published::Odd => {
                reading.posture.not_known(directive);
                reading.odd.push(OddProperty { directive, property });
            }
        }
    }
    reading
}

/// What the manager gives units of a type that do not say it, by the directives' places. It publishes its defaults under
/// the unit's property with `Default` before it, which is also what system.conf calls them (systemd-system.conf(5),
/// systemd 240 to 262).
pub struct Defaults(Vec<Option<(Arc<str>, Value)>>);

impl Defaults {
    /// Those that the manager's own properties say, for units of the context.
    pub fn of(manager: &Properties, context: &Context) -> Self {
        Self::with(|property| manager.get(property), context)
    }

    fn with<'p>(manager: impl Fn(&str) -> Option<&'p BusValue>, context: &Context) -> Self {
        let default = |directive: &&'static Directive| {
            let published: Vec<&BusValue> =
                directive.properties().iter().map_while(|name| manager(&format!("Default{name}"))).collect();
            match directive.kind.from_bus(&published, context) {
                Published::As(value) => Some((Arc::from(format!("Default{}", directive.name)), value)),
                Published::InPart | Published::Odd => None,
            }
        };
        Self(catalogue::all().iter().map(default).collect())
    }
}

/// Says of each value where it comes from, as far as the unit's files, read as `files`, come to the same value. What
/// they do not say is the manager's default where it has one of that value. Anything else was changed at run time or
/// before the manager read the files again, and stays the manager's word.
pub fn attribute(posture: &mut Posture, files: &Posture, defaults: &Defaults) {
    for ((directive, written), default) in files.iter().zip(&defaults.0) {
        let published = posture.get(directive);
        if published.origin != Origin::Bus || !drift::agree(directive, written, published, posture) {
            continue;
        }
        let origin = match default {
            _ if written.origin != Origin::Default => written.origin.clone(),
            Some((name, default)) if *default == published.value => {
                Origin::Manager { default: Arc::clone(name) }
            }
            Some(_) => continue,
            None => Origin::Default,
        };
        posture.attribute(directive, origin);
    }
}

/// The properties that the directive is published in, as far as the release has them.
fn properties<'p>(
    directive: &Directive,
    get: &impl Fn(&str) -> Option<&'p BusValue>,
) -> Vec<(&'static str, &'p BusValue)> {
    let read = |name: &&'static str| get(name).map(|value| (*name, value));
    let mut names = directive.properties().iter();
    match directive.bus {
        Bus::Same | Bus::Newest(_) | Bus::Nowhere => names.find_map(read).into_iter().collect(),
        Bus::Together(_) => names.map_while(read).collect(),
        Bus::OnceStarted(_) => {
            names.filter_map(read).filter(|(_, value)| **value != BusValue::Unsigned(u64::MAX)).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::context::{Mode, Scope, UnitType};
    use crate::release::Release;
    use crate::syscalls::Architecture;

    fn text(text: &str) -> BusValue {
        BusValue::Text(text.to_owned())
    }

    fn context(major: u16) -> Context {
        Context {
            release: Release::latest(major),
            mode: Mode::Loaded,
            scope: Scope::System,
            unit_type: UnitType::Service,
            architecture: Architecture::X86_64,
        }
    }

    fn reading(properties: &[(&str, BusValue)]) -> BusReading {
        let properties: BTreeMap<&str, &BusValue> =
            properties.iter().map(|(name, value)| (*name, value)).collect();
        let unset = Posture::unset("", context(257));
        read_with("a.service", |name| properties.get(name).copied(), &unset)
    }

    fn found(reading: &BusReading, name: &str) -> anyhow::Result<(String, Origin)> {
        let directive = catalogue::find(name).ok_or_else(|| anyhow::anyhow!("no {name}"))?;
        let setting = reading.posture.get(directive);
        Ok((directive.kind.write(&setting.value), setting.origin.clone()))
    }

    #[test]
    fn the_newest_spelling_counts_and_its_twin_stands_in() -> anyhow::Result<()> {
        let both = [("PrivateTmp", BusValue::Bool(true)), ("PrivateTmpEx", text("disconnected"))];
        assert_eq!(found(&reading(&both), "PrivateTmp")?, ("disconnected".to_owned(), Origin::Bus));
        assert_eq!(found(&reading(&both[..1]), "PrivateTmp")?.0, "yes");
        Ok(())
    }

    #[test]
    fn missing_and_misshapen_are_not_known() -> anyhow::Result<()> {
        let reading = reading(&[("NoNewPrivileges", BusValue::List(vec![]))]);
        assert_eq!(found(&reading, "NoNewPrivileges")?.1, Origin::NotKnown);
        assert_eq!(found(&reading, "ProtectHome")?.1, Origin::NotKnown);
        let odd: Vec<&str> = reading.odd.iter().map(|odd| odd.property).collect();
        assert_eq!(odd, ["NoNewPrivileges"]);
        Ok(())
    }

    #[test]
    fn numbers_become_the_words_of_a_unit() -> anyhow::Result<()> {
        let tuple =
            |parts: &[i64]| BusValue::Tuple(parts.iter().map(|part| BusValue::Signed(*part)).collect());
        let bind = |source: &str, destination: &str, missing, flags| {
            let (source, destination) = (text(source), text(destination));
            BusValue::Tuple(vec![source, destination, BusValue::Bool(missing), BusValue::Unsigned(flags)])
        };
        let reading = reading(&[
            ("SecureBits", BusValue::Signed(0x103)),
            ("SystemCallErrorNumber", BusValue::Signed(1)),
            ("SocketBindDeny", BusValue::List(vec![tuple(&[0, 0, 0, 0]), tuple(&[2, 0, 0, 0])])),
            ("SocketBindAllow", BusValue::List(vec![tuple(&[2, 6, 11, 8080]), tuple(&[0, 17, 1, 53])])),
            ("BindPaths", BusValue::List(vec![bind("/a", "/a", true, 16384), bind("/a", "/b", false, 0)])),
            ("WorkingDirectory", text("!/tmp")),
            ("StandardOutput", text("append")),
        ]);
        let expected = [
            ("SecureBits", "noroot noroot-locked exec-restrict-file"),
            ("SystemCallErrorNumber", "EPERM"),
            ("SocketBindDeny", "any ipv4"),
            ("SocketBindAllow", "ipv4:tcp:8080-8090 udp:53"),
            ("BindPaths", "-/a /a:/b:norbind"),
            ("WorkingDirectory", "-/tmp"),
        ];
        for (name, words) in expected {
            assert_eq!(found(&reading, name)?.0, words, "{name}");
        }
        assert_eq!(found(&reading, "StandardOutput")?.1, Origin::NotKnown);
        assert!(reading.odd.is_empty());
        Ok(())
    }

    fn line(path: &str, line: u32) -> Origin {
        Origin::Line { path: Arc::from(path), line }
    }

    #[test]
    fn a_value_is_attributed_to_the_file_that_says_the_same() -> anyhow::Result<()> {
        let mut reading = reading(&[("NoNewPrivileges", BusValue::Bool(true)), ("ProtectHome", text("yes"))]);
        let mut files = Posture::unset("a.service", context(257));
        for (name, value, at) in [("NoNewPrivileges", "yes", 3), ("ProtectHome", "read-only", 4)] {
            let directive = catalogue::find(name).ok_or_else(|| anyhow::anyhow!("no {name}"))?;
            files.assign(directive, value, line("/a", at));
        }
        attribute(&mut reading.posture, &files, &Defaults::with(|_| None, &context(257)));
        assert_eq!(found(&reading, "NoNewPrivileges")?.1, line("/a", 3));
        assert_eq!(found(&reading, "ProtectHome")?.1, Origin::Bus);
        Ok(())
    }

    #[test]
    fn what_no_file_says_is_the_managers_default_or_was_set_later() -> anyhow::Result<()> {
        let limits = [("LimitNOFILE", 524_288), ("LimitNOFILESoft", 1024), ("TasksMax", 9)];
        let limits = limits.map(|(name, number)| (name, BusValue::Unsigned(number)));
        let mut reading = reading(&limits);
        let defaults: BTreeMap<&str, BusValue> =
            [("DefaultLimitNOFILE", 524_288), ("DefaultLimitNOFILESoft", 1024), ("DefaultTasksMax", 5)]
                .into_iter()
                .map(|(name, number)| (name, BusValue::Unsigned(number)))
                .collect();
        let files = Posture::unset("a.service", context(257));
        attribute(&mut reading.posture, &files, &Defaults::with(|name| defaults.get(name), &context(257)));
        let by_manager = Origin::Manager { default: Arc::from("DefaultLimitNOFILE") };
        assert_eq!(found(&reading, "LimitNOFILE")?, ("1024:524288".to_owned(), by_manager));
        assert_eq!(found(&reading, "TasksMax")?.1, Origin::Bus);
        Ok(())
    }
}
