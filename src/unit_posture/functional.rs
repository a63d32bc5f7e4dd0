//! What systemd ignores of the lines that no row of the catalogue is about: names that are no settings, sections that a
//! unit of the type has not, and values that are none.

use super::refusal::{ACTIONS, EXIT_TYPES, LATER_ACTIONS, RESTARTS};
use super::settings::Setting;
use super::{NoticeKind, values};
use crate::catalogue;
use crate::context::{Context, UnitType};
use crate::manifest::words::nearest;
use crate::release::Release;
use crate::syntax;
use crate::unit_file::{Assignment, Escapes, Quotes, UnitName, WordError, expand, split};
use crate::visible::quoted;

/// Whether systemd reads a section in units of a type.
fn is_read(section: &str, unit_type: UnitType) -> bool {
    matches!(section, "Unit" | "Install") || Some(section) == unit_type.section()
}

/// Whether systemd leaves a name to others without a word (systemd.unit(5)).
fn is_of_others(name: &str) -> bool {
    name.starts_with("X-") || name.starts_with("-.")
}

/// What systemd ignores of a section, if it does; it says so once for each header.
pub(super) fn of_section(section: &str, context: &Context) -> Option<String> {
    let ignored = !is_read(section, context.unit_type) && !is_of_others(section);
    ignored.then(|| {
        let known = context.unit_type.section().unwrap_or("Unit");
        format!("{} is no section of such a unit, which has [Unit], [{known}] and [Install]", quoted(section))
    })
}

/// What systemd ignores of a line whose name no row has, or takes for a newer setting, if it does.
pub(super) fn of_line(
    assignment: &Assignment,
    unit: &UnitName,
    context: &Context,
) -> Option<(NoticeKind, String)> {
    let Assignment { section, key, value, .. } = assignment;
    if !is_read(section, context.unit_type) || is_of_others(key) {
        return None;
    }
    let setting = Setting::find(section, key);
    let is_known = setting.is_some();
    let Some(setting) = setting.filter(|setting| setting.may_be_in(context.release)) else {
        let what = if is_known {
            format!("is not read by systemd {}", context.release)
        } else {
            format!("is unknown in [{section}]{}", hint(section, key))
        };
        return Some((NoticeKind::Ignored, format!("{} {what}", quoted(&format!("{key}=")))));
    };
    if let Some(problem) = fault(setting.kind(), value, unit, context) {
        return Some((NoticeKind::Ignored, format!("{key}=: {problem}")));
    }
    // systemd 252 and 257 say so themselves; those of the old control groups they convert where there are but new ones.
    let text =
        format!("{key}= is outdated: systemd takes it for {}=, which says it better", setting.newer()?);
    Some((NoticeKind::Outdated, text))
}

/// What an unknown name was probably meant to be.
fn hint(section: &str, key: &str) -> String {
    // Those are no slips of the fingers.
    const LONGEST: usize = 50;
    if key.len() > LONGEST {
        return String::new();
    }
    let near = if matches!(section, "Unit" | "Install") { None } else { catalogue::nearest(key) };
    let near = near.or_else(|| nearest(key, Setting::names_of(section)));
    near.map(|near| format!("; did you mean `{near}=`?")).unwrap_or_default()
}

/// Why a value is none.
fn fault(kind: &str, value: &str, unit: &UnitName, context: &Context) -> Option<String> {
    let later: &[&str] = if context.release >= Release::first(254) { LATER_ACTIONS } else { &[] };
    let (fits, what) = match kind {
        "switch" => (syntax::boolean(value).is_some(), "boolean"),
        "span" => (value == "infinity" || syntax::time_span(value, 1_000_000).is_some(), "time span"),
        "signal" => (is_signal(value), "signal"),
        "restart" => (RESTARTS.contains(&value), "way of restarting"),
        "exit-type" => (EXIT_TYPES.contains(&value), "exit type"),
        "timeout-mode" => (matches!(value, "terminate" | "abort" | "kill"), "way of ending"),
        "action" => (ACTIONS.contains(&value) || later.contains(&value), "action"),
        "number" => (value.is_empty() || syntax::number(value).is_some(), "number"),
        "utmp-mode" => (matches!(value, "init" | "login" | "user"), "mode of accounting"),
        "level" => (
            LEVELS.contains(&value) || syntax::number(value).is_some_and(|level| level < 8),
            "level of messages",
        ),
        "path" => return path(value, unit),
        // `|` and `!` stand before what it is about.
        "condition" => return path(value.trim_start_matches(['|', '!', ' ']), unit),
        "environment" => return environment(value, unit),
        "environment-file" => return environment_file(value, unit),
        other => return values::fault(other, value, unit, context),
    };
    (!fits).then(|| format!("{} is no {what}", quoted(value)))
}

/// Levels of messages (syslog(3)).
const LEVELS: &[&str] = &["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

/// Signals by name (signal(7)), without `SIG`.
const SIGNALS: &[&str] = &[
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

pub(super) fn is_signal(text: &str) -> bool {
    // SIGRTMIN to SIGRTMAX are 34 to 64 with every C library there is.
    let within = |number: &str| syntax::number(number).is_some_and(|number| number <= 30);
    let name = text.strip_prefix("SIG").unwrap_or(text);
    SIGNALS.contains(&name)
        || matches!(name, "RTMIN" | "RTMAX")
        || name.strip_prefix("RTMIN+").is_some_and(within)
        || name.strip_prefix("RTMAX-").is_some_and(within)
        || syntax::number(text).is_some_and(|number| (1..=64).contains(&number))
}

/// What is wrong with `Environment=`; the values may be secret, so none is told.
fn environment(value: &str, unit: &UnitName) -> Option<String> {
    let (words, fault) = match split(value, Quotes::Unquote, Escapes::CUnescape) {
        Ok(words) => (words, None),
        Err(WordError { fault, before }) => (before, Some(fault)),
    };
    let bad = words.iter().find_map(|word| {
        let word = match expand(word, unit) {
            Ok(expanded) => expanded.text,
            Err(error) => return Some(error.to_string()),
        };
        match word.split_once('=') {
            None => Some("a word has no `=`".to_owned()),
            Some((name, _)) if !crate::value::is_variable(name) => {
                Some(format!("{} is no name of a variable", quoted(name)))
            }
            Some(_) => None,
        }
    });
    bad.or_else(|| fault.map(|fault| format!("the rest of the line is ignored: {fault}")))
}

fn environment_file(value: &str, unit: &UnitName) -> Option<String> {
    match value.strip_prefix('-') {
        Some("") => Some("there is no path behind `-`".to_owned()),
        Some(optional) => path(optional, unit),
        None => path(value, unit),
    }
}

fn path(value: &str, unit: &UnitName) -> Option<String> {
    let expanded = match expand(value, unit) {
        Ok(expanded) => expanded,
        Err(error) => return Some(error.to_string()),
    };
    let fits = value.is_empty() || expanded.text.starts_with(['/', '%']);
    (!fits).then(|| format!("{} is no absolute path", quoted(&expanded.text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_a_path_is_for_conditions() -> anyhow::Result<()> {
        let unit: UnitName = "a.service".parse()?;
        let context = super::super::service_of(Release::first(252));
        let fits = |kind, value| fault(kind, value, &unit, &context).is_none();
        assert!(fits("condition", "|!/a") && fits("condition", "/a") && !fits("condition", "|a"));
        assert!(fits("path", "/a") && !fits("path", "|/a"));
        Ok(())
    }

    #[test]
    fn signals_are_names_and_numbers() {
        for good in ["SIGTERM", "TERM", "15", "64", "RTMIN", "SIGRTMIN+3", "RTMAX-30"] {
            assert!(is_signal(good), "{good}");
        }
        for bad in ["", "0", "65", "sigterm", "SIGNOSUCH", "RTMIN+31", "-1"] {
            assert!(!is_signal(bad), "{bad}");
        }
    }
}
