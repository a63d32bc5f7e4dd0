//! The properties of a loaded unit as a posture: every row of the catalogue asks for its own, newest spelling first.
//!
//! Answers what the manager says, and nothing more: a property that it does not publish is not known, never off. What
//! a value means is its directive's; asking the manager is `bus`'s.

use crate::bus::Properties;
use crate::bus_value::BusValue;
use crate::catalogue::{self, Directive};
use crate::context::Context;
use crate::drift;
use crate::posture::{Origin, Posture};

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

/// Reads the properties of `unit`; `context` must be the manager's own release and the unit's type.
pub fn read(unit: &str, properties: &Properties, context: Context) -> BusReading {
    read_with(unit, |property| properties.get(property), context)
}

fn read_with<'p>(unit: &str, get: impl Fn(&str) -> Option<&'p BusValue>, context: Context) -> BusReading {
    let mut reading = BusReading { posture: Posture::unset(unit, context), odd: Vec::new() };
    let section = context.unit_type.section().unwrap_or_default();
    for directive in catalogue::all() {
        let applies = |section| directive.sections.contain(section, context.unit_type);
        if !applies(section) && !applies("Unit") {
            continue;
        }
        let own = [directive.name];
        let names: &[&'static str] = if directive.bus.is_empty() { &own } else { directive.bus };
        let Some((property, published)) = names.iter().find_map(|name| Some((*name, get(name)?))) else {
            reading.posture.not_known(directive);
            continue;
        };
        let spelling = spell(property, published);
        let value = match &spelling {
            Spelling::AsIs => directive.kind.from_bus(published),
            Spelling::As(translated) => directive.kind.from_bus(translated),
            Spelling::InPart => {
                reading.posture.not_known(directive);
                continue;
            }
        };
        if let Some(value) = value {
            reading.posture.put(directive, value, Origin::Bus);
        } else {
            reading.posture.not_known(directive);
            reading.odd.push(OddProperty { directive, property });
        }
    }
    reading
}

/// Says of each value where it comes from, as far as the unit's files, read as `files`, come to the same value. What
/// does not, was changed at run time or before the manager read the files again, and stays the manager's word.
pub fn attribute(posture: &mut Posture, files: &Posture) {
    for (directive, written) in files.iter() {
        let published = posture.get(directive);
        if published.origin == Origin::Bus && drift::agree(directive, written, published, posture) {
            let value = published.value.clone();
            posture.put(directive, value, written.origin.clone());
        }
    }
}

/// How a property is written compared with a unit's line.
enum Spelling {
    /// In a shape that the directive's family reads.
    AsIs,
    /// As numbers or parts, here put into the words of a unit.
    As(BusValue),
    /// Without what a unit's line says besides, so that the line cannot be told from it.
    InPart,
}

/// Properties that publish something else than what the unit's line says (systemd 252 and 257, seen; sources of 240 to
/// 262).
fn spell(property: &str, value: &BusValue) -> Spelling {
    let translated = match property {
        "SecureBits" => secure_bits(value),
        "SystemCallErrorNumber" => error_number(value),
        "SocketBindAllow" | "SocketBindDeny" => list(value, bind_rule),
        "BindPaths" | "BindReadOnlyPaths" => list(value, bind_path),
        "TemporaryFileSystem" => list(value, temporary),
        "WorkingDirectory" => value.as_text().map(working_directory),
        "StandardInput" | "StandardOutput" | "StandardError" => match value.as_text() {
            // The path and the descriptor's name are not published.
            Some("file" | "append" | "truncate" | "fd" | "data") => return Spelling::InPart,
            _ => None,
        },
        _ => None,
    };
    translated.map_or(Spelling::AsIs, Spelling::As)
}

fn text(text: impl Into<String>) -> BusValue {
    BusValue::Text(text.into())
}

fn list(value: &BusValue, entry: fn(&[BusValue]) -> Option<String>) -> Option<BusValue> {
    let BusValue::List(items) = value else { return None };
    let entries: Option<Vec<BusValue>> = items.iter().map(|item| entry(item.members()?).map(text)).collect();
    entries.map(BusValue::List)
}

/// By bit (linux/securebits.h).
static SECURE_BITS: [&str; 8] = [
    "noroot",
    "noroot-locked",
    "no-setuid-fixup",
    "no-setuid-fixup-locked",
    "keep-caps",
    "keep-caps-locked",
    "no-cap-ambient-raise",
    "no-cap-ambient-raise-locked",
];

fn secure_bits(value: &BusValue) -> Option<BusValue> {
    let bits = value.as_unsigned()?;
    let named = SECURE_BITS.iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0);
    let mut words: Vec<BusValue> = named.map(|(_, name)| text(*name)).collect();
    if bits >> SECURE_BITS.len() != 0 {
        words.push(text(format!("{:#x}", bits & !0xff)));
    }
    Some(BusValue::List(words))
}

/// Numbers that mean the same on every architecture (asm-generic/errno-base.h), from 1 on.
static ERRORS: [&str; 34] = [
    "EPERM", "ENOENT", "ESRCH", "EINTR", "EIO", "ENXIO", "E2BIG", "ENOEXEC", "EBADF", "ECHILD", "EAGAIN",
    "ENOMEM", "EACCES", "EFAULT", "ENOTBLK", "EBUSY", "EEXIST", "EXDEV", "ENODEV", "ENOTDIR", "EISDIR",
    "EINVAL", "ENFILE", "EMFILE", "ENOTTY", "ETXTBSY", "EFBIG", "ENOSPC", "ESPIPE", "EROFS", "EMLINK",
    "EPIPE", "EDOM", "ERANGE",
];

/// What the manager publishes for no error but death, which is also the default.
const KILL: i64 = i32::MAX as i64 - 1;

fn error_number(value: &BusValue) -> Option<BusValue> {
    let number = value.as_signed()?;
    if number == KILL || number == 0 {
        return Some(text(""));
    }
    let place = usize::try_from(number).ok()?.checked_sub(1)?;
    Some(ERRORS.get(place).map_or_else(|| text(number.to_string()), |name| text(*name)))
}

/// `(address family, protocol, number of ports, first port)` as `[FAMILY:][PROTOCOL:]PORTS`.
fn bind_rule(fields: &[BusValue]) -> Option<String> {
    let [family, protocol, count, first] = fields else { return None };
    let (count, first) = (count.as_unsigned()?, first.as_unsigned()?);
    let ports = match count {
        0 => "any".to_owned(),
        1 => first.to_string(),
        _ => format!("{first}-{}", first.checked_add(count)?.checked_sub(1)?),
    };
    let family = match family.as_signed()? {
        0 => "",
        2 => "ipv4:",
        10 => "ipv6:",
        _ => return None,
    };
    let protocol = match protocol.as_signed()? {
        0 => "",
        6 => "tcp:",
        17 => "udp:",
        _ => return None,
    };
    let rule = format!("{family}{protocol}{ports}");
    // A family or protocol alone stands for all its ports.
    Some(match rule.strip_suffix(":any") {
        Some(all) => all.to_owned(),
        None => rule,
    })
}

/// `(source, destination, whether it may be missing, mount flags)` as `[-]SOURCE[:DESTINATION[:norbind]]`.
fn bind_path(parts: &[BusValue]) -> Option<String> {
    let [source, destination, missing, flags] = parts else { return None };
    let (source, destination) = (source.as_text()?, destination.as_text()?);
    let dash = if missing.as_bool()? { "-" } else { "" };
    Some(match (flags.as_unsigned()? == 0, source == destination) {
        (false, true) => format!("{dash}{source}"),
        (false, false) => format!("{dash}{source}:{destination}"),
        (true, _) => format!("{dash}{source}:{destination}:norbind"),
    })
}

fn temporary(parts: &[BusValue]) -> Option<String> {
    let [path, options] = parts else { return None };
    let (path, options) = (path.as_text()?, options.as_text()?);
    Some(if options.is_empty() { path.to_owned() } else { format!("{path}:{options}") })
}

/// A directory that may be missing has `!` before it.
fn working_directory(path: &str) -> BusValue {
    path.strip_prefix('!').map_or_else(|| text(path), |path| text(format!("-{path}")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::context::{Mode, Scope, UnitType};
    use crate::release::Release;
    use crate::syscalls::Architecture;

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
        read_with("a.service", |name| properties.get(name).copied(), context(257))
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
            ("SecureBits", "noroot noroot-locked 0x100"),
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
        attribute(&mut reading.posture, &files);
        assert_eq!(found(&reading, "NoNewPrivileges")?.1, line("/a", 3));
        assert_eq!(found(&reading, "ProtectHome")?.1, Origin::Bus);
        Ok(())
    }
}
