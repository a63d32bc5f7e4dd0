//! A unit's lines in the manifest's own keys: the inverse of what renders them.
//!
//! Each key reads the lines of its directive as systemd splits them and takes them only where all of them fit; what
//! does not fit stays as it is. Which directive has which key is [`UnitKind`]'s and the catalogue's to say.

use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as Unread, StrDeserializer};

use super::commands::commands;
use super::lines::Setting;
use super::toml::Value;
use crate::manifest::words::{
    AbsolutePath, BusName, ConditionPath, Documentation, EnvName, EnvValue, EnvironmentFile, Line, Listen,
    Mode, Percent, RelativePath, ServiceName, Size, TimeSpan, UnitName, UserName,
};
use crate::manifest::{KillMode, NotifyAccess, Output, Restart, ServiceType, Stdin};
use crate::syntax::boolean;
use crate::unit_file::{Escapes, Quotes, split};

/// What a directive comes to in the manifest.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    /// This value of the key.
    As(Value),
    /// These entries of the key's table.
    Entries(Vec<(String, Value)>),
    /// Nothing: it is what is so where nothing is said.
    Nothing,
}

/// What `setting` is to `key`, if the key can say it. `after` are the units that are started before.
pub(super) fn say(key: &str, setting: &Setting, after: &[String]) -> Option<Said> {
    let last = setting.last();
    let value = match key {
        "description" => fits::<Line>(last)?,
        "documentation" => words::<Documentation>(setting)?,
        "after" | "before" | "requires" | "wants" | "part-of" | "conflicts" | "on-failure" | "joins"
        | "also" | "wanted-by" => words::<UnitName>(setting)?,
        "binds-to" => {
            let Value::List(units) = words::<UnitName>(setting)? else { return None };
            // The key orders, too.
            let ordered = |unit: &Value| matches!(unit, Value::Text(unit) if after.contains(unit));
            Value::List(units).filter(ordered)?
        }
        "aliases" => {
            let is_service = |unit: &Value| matches!(unit, Value::Text(unit) if unit.ends_with(".service"));
            words::<UnitName>(setting)?.filter(is_service)?
        }
        "condition-path" | "assert-path" => each::<ConditionPath>(setting)?,
        "environment-files" => each::<EnvironmentFile>(setting)?,
        "environment" => return environment(setting),
        "condition" | "exec-before" | "exec" | "exec-after" | "reload" | "stop" | "stop-after" => {
            commands(&setting.lines, setting.places.last()?)?
        }
        "type" => ServiceType::deserialize(word(last)).ok().map(|_| Value::text(last))?,
        "kill" => KillMode::deserialize(word(last)).ok().map(|_| Value::text(last))?,
        "restart" => Restart::deserialize(word(last)).ok().map(|_| Value::text(last))?,
        "notify-access" => NotifyAccess::deserialize(word(last)).ok().map(|_| Value::text(last))?,
        "stdin" => Stdin::deserialize(word(last)).ok().map(|_| Value::text(last))?,
        "stdout" | "stderr" => Output::deserialize(word(last)).ok().map(|_| Value::text(last))?,
        "main-pid" => Value::text(if boolean(last)? { "guess" } else { "guess-not" }),
        "remain" | "accept" | "persistent" => return switch(boolean(last)?),
        "early" => return switch(!boolean(last)?),
        "collect" => return switch(last == "inactive-or-failed").filter(|_| !last.is_empty()),
        "pid-file" | "working-directory" => fits::<AbsolutePath>(last)?,
        "bus-name" => fits::<BusName>(last)?,
        "runtime-max" | "start-timeout" | "stop-timeout" | "restart-delay" | "watchdog" | "on-boot"
        | "on-unit-active" | "randomized-delay" | "accuracy" => span(setting)?,
        "umask" | "mode" => fits::<Mode>(&format!("{last:0>4}"))?,
        "owner" | "group" | "user" => fits::<UserName>(last)?,
        "groups" => words::<UserName>(setting)?,
        "listen" => listen(setting)?,
        "starts" => fits::<ServiceName>(last.strip_suffix(".service")?)?,
        "max-connections" | "max-connections-per-source" => Value::Number(last.parse::<u32>().ok()?.into()),
        "on-calendar" => {
            let lines: Vec<Value> =
                setting.lines.iter().map(|line| fits::<Line>(line)).collect::<Option<_>>()?;
            if let [_] = lines.as_slice() { Value::text(last) } else { Value::List(lines) }
        }
        _ => match key.split_once('.') {
            Some(("resources", name)) => resource(name, last)?,
            _ => return None,
        },
    };
    Some(Said::As(value))
}

/// The one directory of a kind with its mode, as the key takes it.
pub(super) fn directory(setting: &Setting, service: &str) -> Option<Vec<(String, Value)>> {
    let words = split(&setting.lines.join(" "), Quotes::Unquote, Escapes::Strip).ok()?;
    let [name] = words.as_slice() else { return None };
    name.parse::<RelativePath>().ok().filter(|_| !name.contains(':'))?;
    let own = name == service.trim_end_matches('@');
    Some(if own { Vec::new() } else { vec![("name".to_owned(), Value::text(name))] })
}

/// The credentials as the key's tables take them.
pub(super) fn credentials(setting: &Setting) -> Option<Vec<(String, String)>> {
    let credential = |line: &String| {
        let (name, from) = line.split_once(':')?;
        name.parse::<crate::manifest::words::CredentialName>().ok()?;
        from.parse::<AbsolutePath>().ok()?;
        Some((name.to_owned(), from.to_owned()))
    };
    setting.lines.iter().map(credential).collect()
}

fn word(text: &str) -> StrDeserializer<'_, Unread> {
    text.into_deserializer()
}

impl Value {
    /// The list if every value of it is as wanted.
    fn filter(self, wanted: impl Fn(&Self) -> bool) -> Option<Self> {
        matches!(&self, Self::List(values) if values.iter().all(wanted)).then_some(self)
    }
}

/// Where the key says what is so anyway, nothing is said.
#[expect(clippy::unnecessary_wraps, reason = "an answer of say()")]
fn switch(on: bool) -> Option<Said> {
    Some(if on { Said::As(Value::Switch(true)) } else { Said::Nothing })
}

fn fits<T: std::str::FromStr>(text: &str) -> Option<Value> {
    text.parse::<T>().ok().map(|_| Value::text(text))
}

/// The words of all lines, each once, as lists of units and pages are split: quotes mean nothing.
fn words<T: std::str::FromStr>(setting: &Setting) -> Option<Value> {
    let mut found: Vec<Value> = Vec::new();
    for line in &setting.lines {
        for word in split(line, Quotes::Unquote, Escapes::Keep).ok()? {
            let word = fits::<T>(&word)?;
            if !found.contains(&word) {
                found.push(word);
            }
        }
    }
    (!found.is_empty()).then_some(Value::List(found))
}

/// The lines, each one word as a whole.
fn each<T: std::str::FromStr>(setting: &Setting) -> Option<Value> {
    setting.lines.iter().map(|line| fits::<T>(line)).collect::<Option<Vec<_>>>().map(Value::List)
}

/// A time span; a bare number is seconds.
fn span(setting: &Setting) -> Option<Value> {
    let [line] = setting.lines.as_slice() else { return None };
    fits::<TimeSpan>(line).or_else(|| fits::<TimeSpan>(&format!("{line}s")))
}

fn environment(setting: &Setting) -> Option<Said> {
    let mut variables: Vec<(String, Value)> = Vec::new();
    for line in &setting.lines {
        for assignment in split(line, Quotes::Unquote, Escapes::CUnescape).ok()? {
            let (name, value) = assignment.split_once('=')?;
            name.parse::<EnvName>().ok()?;
            let value = fits::<EnvValue>(value)?;
            variables.retain(|(known, _)| known != name);
            variables.push((name.to_owned(), value));
        }
    }
    Some(Said::Entries(variables))
}

fn listen(setting: &Setting) -> Option<Value> {
    // The word for the kind of socket is the key's, of which each directive has one.
    let kinds = ["", "udp ", "datagram ", "sequential ", "fifo "];
    let address = |line: &String| {
        let forms = kinds.iter().filter_map(|kind| format!("{kind}{line}").parse::<Listen>().ok());
        let of_kind = |listen: &Listen| listen.directive() == setting.directive && listen.value() == *line;
        forms.into_iter().find(of_kind).map(|listen| Value::text(listen.to_string()))
    };
    setting.lines.iter().map(address).collect::<Option<Vec<_>>>().map(Value::List)
}

fn resource(name: &str, text: &str) -> Option<Value> {
    match name {
        "open-files" | "processes" | "cpu-weight" | "io-weight" => text.parse().ok().map(Value::Number),
        "tasks-max" => match text.parse() {
            Ok(number) => Some(Value::Number(number)),
            Err(_) => (text == "infinity" || text.ends_with('%')).then(|| Value::text(text)),
        },
        "cpu-quota" => fits::<Percent>(text),
        "memory-low" | "memory-high" | "memory-max" | "swap-max" | "core-size" | "locked-memory" => {
            fits::<Size>(text)
        }
        _ => None,
    }
}
