//! Values of functional settings that are more than a word: exit statuses, fields of the journal, URLs, and those of the
//! old control groups. The third column of settings.txt names how a value is looked at.

use super::functional::is_signal;
use crate::catalogue::ExecStep;
use crate::context::Context;
use crate::release::Release;
use crate::syntax;
use crate::unit_file::{Escapes, Quotes, UnitName, WordError, expand, split};
use crate::visible::quoted;

/// Why a value is none.
pub(super) fn fault(kind: &str, value: &str, unit: &UnitName, context: &Context) -> Option<String> {
    let (fits, what) = match kind {
        "span-or-nothing" => (
            value.is_empty() || value == "infinity" || syntax::time_span(value, 1_000_000).is_some(),
            "time span",
        ),
        "facility" => (is_facility(value), "facility of messages"),
        "cpu-shares" => {
            (value.is_empty() || is_within(value, 2, 262_144), "share of processors from 2 to 262144")
        }
        "block-weight" => (value.is_empty() || is_block_weight(value), "weight from 10 to 1000"),
        "memory" => (value.is_empty() || memory(value).is_some(), "size"),
        "memory-limit" => {
            (value.is_empty() || memory(value).is_some_and(|is_nothing| !is_nothing), "size above 0")
        }
        // What a service is told may be secret.
        "base64" => {
            let fits = crate::value::is_base64(value, context.release);
            return (!fits).then(|| "its value is no Base64".to_owned());
        }
        "job-mode" => {
            let later = context.release >= Release::first(253) && value == LATER_JOB_MODE;
            (later || JOB_MODES.contains(&value), "way of queueing a job")
        }
        "collect-mode" => (matches!(value, "inactive" | "inactive-or-failed"), "time to forget a unit"),
        "exit-code" => (value.is_empty() || is_within(value, 0, 255), "exit status from 0 to 255"),
        "exit-status" => return exit_status(value),
        "text" => return unresolved(value, unit),
        "units" => return units(value, unit),
        "count" => (is_within(value, 0, u32::MAX.into()), "number"),
        "paths" => {
            return each_word(value, unit, |path| (!path.starts_with('/')).then_some("is no absolute path"));
        }
        "log-fields" => return each_word(value, unit, log_field),
        "sockets" => {
            return each_word(value, unit, |name| (!name.ends_with(".socket")).then_some("is no socket"));
        }
        "urls" => {
            return each_word(value, unit, |url| {
                (!is_url(url)).then_some("is no http, https, file, info or man URL")
            });
        }
        "escaped" => return escaped(value, unit),
        "device-weight" => return of_device(value, unit, is_block_weight, "weight from 10 to 1000"),
        "device-rate" => {
            return of_device(
                value,
                unit,
                |rate| syntax::rate(rate).is_some_and(|rate| rate > 0),
                "rate above 0",
            );
        }
        _ => return None,
    };
    (!fits).then(|| format!("{} is no {what}", quoted(value)))
}

/// How a job goes with those that wait already (systemctl(1), `--job-mode=`).
const JOB_MODES: &[&str] = &[
    "fail",
    "replace",
    "replace-irreversibly",
    "isolate",
    "flush",
    "ignore-dependencies",
    "ignore-requirements",
    "triggering",
];

/// Not known to 252 (seen there); what read it first is not known.
const LATER_JOB_MODE: &str = "restart-dependencies";

/// Facilities of messages (syslog(3)); 127 is the greatest number of one that systemd takes (seen on 252).
const FACILITIES: &[&str] = &[
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

fn is_facility(text: &str) -> bool {
    FACILITIES.contains(&text) || is_within(text, 0, 127)
}

fn is_within(text: &str, least: u64, most: u64) -> bool {
    syntax::number(text).is_some_and(|number| (least..=most).contains(&number))
}

fn is_block_weight(text: &str) -> bool {
    is_within(text, 10, 1_000)
}

/// Bytes, `infinity` or a part of the host's memory up to 100%; whether it is nothing at all.
fn memory(text: &str) -> Option<bool> {
    if text == "infinity" {
        return Some(false);
    }
    let Some(percent) = text.strip_suffix('%') else { return syntax::size(text).map(|bytes| bytes == 0) };
    let (whole, parts) = percent.split_once('.').unwrap_or((percent, "0"));
    let is_part = (1..=2).contains(&parts.len()) && parts.bytes().all(|byte| byte.is_ascii_digit());
    let no_parts = parts.bytes().all(|byte| byte == b'0');
    let whole: u8 =
        whole.parse().ok().filter(|whole| is_part && (*whole < 100 || *whole == 100 && no_parts))?;
    Some(whole == 0 && no_parts)
}

/// Exit statuses that have a name beside those at which systemd's own child ends (systemd.exec(5), "Process exit codes").
const EXIT_STATUSES: &[&str] = &[
    "SUCCESS",
    "FAILURE",
    "INVALIDARGUMENT",
    "NOTIMPLEMENTED",
    "NOPERMISSION",
    "NOTINSTALLED",
    "NOTCONFIGURED",
    "NOTRUNNING",
    "USAGE",
    "DATAERR",
    "NOINPUT",
    "NOUSER",
    "NOHOST",
    "UNAVAILABLE",
    "SOFTWARE",
    "OSERR",
    "OSFILE",
    "CANTCREAT",
    "IOERR",
    "TEMPFAIL",
    "PROTOCOL",
    "NOPERM",
    "CONFIG",
    "EXCEPTION",
];

/// Whether a word is an exit status by number or name, or a signal.
pub(super) fn is_exit_status(word: &str) -> bool {
    is_within(word, 0, 255)
        || is_signal(word)
        || EXIT_STATUSES.contains(&word)
        || ExecStep::named(word).is_some()
}

/// The words of a list of exit statuses that are none; quotes mean nothing there.
fn exit_status(value: &str) -> Option<String> {
    let bad = value.split_ascii_whitespace().find(|word| !is_exit_status(word))?;
    Some(format!("{} is no exit status and no signal", quoted(bad)))
}

/// The first of the units of a dependency that is none; quotes mean nothing there.
fn units(value: &str, unit: &UnitName) -> Option<String> {
    value.split_ascii_whitespace().find_map(|word| match expand(word, unit) {
        Ok(expanded) if !expanded.open.is_empty() || UnitName::is_valid(&expanded.text) => None,
        Ok(expanded) => Some(format!("{} is no name of a unit", quoted(&expanded.text))),
        Err(error) => Some(error.to_string()),
    })
}

/// What is wrong with the first bad word of a list.
fn each_word(value: &str, unit: &UnitName, problem: fn(&str) -> Option<&'static str>) -> Option<String> {
    if !value.bytes().any(|byte| matches!(byte, b'"' | b'\'' | b'\\' | b'%')) {
        let mut words = value.split_ascii_whitespace();
        return words.find_map(|word| problem(word).map(|problem| format!("{} {problem}", quoted(word))));
    }
    let (words, fault) = match split(value, Quotes::Unquote, Escapes::CUnescapeRelaxed) {
        Ok(words) => (words, None),
        Err(WordError { fault, before }) => (before, Some(fault)),
    };
    let bad = words.iter().find_map(|word| match expand(word, unit) {
        // What is open is not known before the unit is loaded.
        Ok(expanded) if !expanded.open.is_empty() => None,
        Ok(expanded) => {
            problem(&expanded.text).map(|problem| format!("{} {problem}", quoted(&expanded.text)))
        }
        Err(error) => Some(error.to_string()),
    });
    bad.or_else(|| fault.map(|fault| format!("the rest of the line is ignored: {fault}")))
}

/// What is wrong with a field of the journal (`journal_field_valid()`): systemd keeps names with `_` before them to itself.
fn log_field(word: &str) -> Option<&'static str> {
    let Some((name, _)) = word.split_once('=') else { return Some("has no `=`") };
    let letter = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let fits = (1..=64).contains(&name.len())
        && !name.starts_with(|c: char| c == '_' || c.is_ascii_digit())
        && name.bytes().all(letter);
    (!fits).then_some("has no name of a journal field")
}

/// A URL as Documentation= takes it (`documentation_url_is_valid()`).
fn is_url(url: &str) -> bool {
    let schemes = ["http://", "https://", "file:/", "info:", "man:"];
    let rest = schemes.iter().find_map(|scheme| url.strip_prefix(scheme));
    rest.is_some_and(|rest| !rest.is_empty() && rest.is_ascii())
}

fn escaped(value: &str, unit: &UnitName) -> Option<String> {
    if !syntax::is_escaped(value) {
        return Some("it has an escape sequence that is none".to_owned());
    }
    unresolved(value, unit)
}

/// Why the specifiers of a text have no values.
fn unresolved(text: &str, unit: &UnitName) -> Option<String> {
    expand(text, unit).err().map(|error| error.to_string())
}

/// A device and what it is given.
fn of_device(value: &str, unit: &UnitName, fits: fn(&str) -> bool, what: &str) -> Option<String> {
    if value.is_empty() {
        return None;
    }
    let Some((device, given)) = value.split_once([' ', '\t']) else {
        return Some(format!("{} is no device with a {what}", quoted(value)));
    };
    let given = given.trim_start();
    if device.split('/').any(|part| part == "..") {
        return Some(format!("{} has `..` in it", quoted(device)));
    }
    if !fits(given) {
        return Some(format!("{} is no {what}", quoted(given)));
    }
    unresolved(device, unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What systemd-analyze verify of 252 says nothing to, and what it ignores.
    const SEEN: &[(&str, &[&str], &[&str])] = &[
        (
            "exit-status",
            &["", "SIGTERM", "SUCCESS TEMPFAIL 255 SIGRTMIN+1", "0x10", "010", "+5", "65", "CHDIR"],
            &["300", "FOO", "EXIT_SUCCESS", "-1", "foo 5", "\"1 2\"", "1,2", "SIGRTMIN+40", "sigterm", "\""],
        ),
        (
            "units",
            &["", "a.service", "foo@.service a.target", "a@b.service", "%n"],
            &["xx", "-", "a.foo", "a.service b", "a.service,b.service", "\"a.service\"", "%i.service", "%z"],
        ),
        ("paths", &["", "/a", "\"/a b\" /c", "/%p"], &["xx", "/a b", "%z"]),
        ("text", &["", "a b!", "%n", "%"], &["%z", "/%z", "!%z"]),
        (
            "job-mode",
            &["fail", "replace-irreversibly", "triggering"],
            &["", "xx", "%n", "restart-dependencies"],
        ),
        ("collect-mode", &["inactive", "inactive-or-failed"], &["", "xx"]),
        ("exit-code", &["", "255", "0x10"], &["256", "SUCCESS", "-", "a b!"]),
        ("count", &["0", "255", "0x10"], &["", "xx", "-"]),
        ("facility", &["daemon", "3", "127", "local7", "0x3", "+3", "010"], &["", "foo", "128", "LOCAL7"]),
        (
            "log-fields",
            &["", "A=b", "A_1=1", "A=1 B=%n"],
            &["a=b", "A", "_A=1", "1A=1", "=1", "A=1 b=2", "\"A=1", "A=%z"],
        ),
        ("base64", &["", "YWJj"], &["x", "***"]),
        ("escaped", &["", r"\x41", "%n"], &[r"\q", "%z"]),
        ("sockets", &["", "a.socket", "a@.socket"], &["a", "a.service", "a.socket b.service", "%z.socket"]),
        ("span-or-nothing", &["", "5", "infinity", "0"], &["x"]),
        ("cpu-shares", &["", "2", "+5", "262144"], &["1", "x", "262145", "infinity"]),
        ("block-weight", &["", "10", "0x10", "1000"], &["9", "1001", "x"]),
        ("memory-limit", &["", "1G", "1.5G", "infinity", "10%"], &["x", "0", "0%", "200%", "0x10"]),
        ("memory", &["", "0", "1G"], &["x"]),
        (
            "device-weight",
            &["", "/dev/sda 50", "sda 50"],
            &["x", "/dev/sda 5", "/dev/../sda 50", "/dev/sda 50 60"],
        ),
        ("device-rate", &["", "/dev/sda 5M", "sda 1M"], &["/dev/sda", "/dev/sda x", "/dev/sda 0"]),
        (
            "urls",
            &["", "http://x", "https://a man:a(1)", "file:/x", "file:///x", "info:x"],
            &[
                "foo",
                "foo:bar",
                "file:x",
                "http:x",
                "http://",
                "HTTP://x",
                "\"http://x",
                "https://a b",
                "man:",
                "https://x/%z",
                "man:ä",
                "ftp://x",
            ],
        ),
    ];

    #[test]
    fn values_are_taken_as_systemd_takes_them() -> anyhow::Result<()> {
        let unit: UnitName = "a.service".parse()?;
        let context = super::super::service_of(Release::first(252));
        for (kind, good, bad) in SEEN {
            for value in *good {
                assert_eq!(fault(kind, value, &unit, &context), None, "{kind}: {value}");
            }
            for value in *bad {
                assert!(fault(kind, value, &unit, &context).is_some(), "{kind}: {value}");
            }
        }
        Ok(())
    }
}
