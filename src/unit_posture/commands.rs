//! What systemd makes of a line with commands (`config_parse_exec()`): how many it takes, or what ends the unit.

use std::borrow::Cow;

use crate::release::Release;
use crate::unit_file::{Assignment, COMMAND_KEYS, Escapes, Expanded, Quotes, UnitName, expand, next_word};
use crate::visible::quoted;

/// What a line comes to.
pub(super) struct Line {
    /// The commands that are taken.
    pub(super) count: usize,
    /// What is wrong with the next.
    pub(super) fault: Option<Fault>,
}

/// What is wrong with a command.
pub(super) struct Fault {
    /// In words.
    pub(super) text: String,
    /// Whether the unit is refused for it; else the rest of the line is ignored.
    pub(super) ends: bool,
}

/// Whether a line holds commands.
pub(super) fn is_command(assignment: &Assignment) -> bool {
    let Assignment { section, key, .. } = assignment;
    match section.as_str() {
        "Service" => COMMAND_KEYS.contains(&key.as_str()),
        "Socket" => matches!(key.as_str(), "ExecStartPre" | "ExecStartPost" | "ExecStopPre" | "ExecStopPost"),
        _ => false,
    }
}

/// Reads a line of commands.
pub(super) fn read(text: &str, unit: &UnitName, release: Release) -> Line {
    let mut count = 0;
    let mut rest = text.trim_start_matches(BLANKS);
    while !rest.is_empty() {
        match command(rest, unit, release) {
            Ok((taken, after)) => {
                count += usize::from(taken);
                rest = after;
            }
            Err(fault) => return Line { count, fault: Some(fault) },
        }
    }
    Line { count, fault: None }
}

const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

/// The first command of a text and what follows its semicolon.
fn command<'a>(text: &'a str, unit: &UnitName, release: Release) -> Result<(bool, &'a str), Fault> {
    let (first, mut rest) =
        word(text).map_err(|text| Fault { text: format!("its program: {text}"), ends: false })?;
    if first == ";" {
        return Ok((false, rest));
    }
    let (ignores, named, program) = without_prefixes(&first, release);
    let fault = |text: String| Fault { text, ends: !ignores };
    if let Some(problem) = bad_program(program, unit) {
        return Err(fault(problem));
    }
    // With `@` the first argument is the program's name.
    let mut lacks_name = named;
    let nameless = || Fault { text: "`@` is followed by no name for the program".to_owned(), ends: !ignores };
    while !rest.is_empty() {
        if let Some(after) =
            rest.strip_prefix(';').filter(|after| after.is_empty() || after.starts_with(BLANKS))
        {
            return if lacks_name { Err(nameless()) } else { Ok((true, after.trim_start_matches(BLANKS))) };
        }
        if let Some(after) =
            rest.strip_prefix(r"\;").filter(|after| after.is_empty() || after.starts_with(BLANKS))
        {
            rest = after.trim_start_matches(BLANKS);
            lacks_name = false;
            continue;
        }
        let (argument, after) = word(rest).map_err(fault)?;
        expand(&argument, unit).map_err(|error| fault(error.to_string()))?;
        lacks_name = false;
        rest = after;
    }
    if lacks_name { Err(nameless()) } else { Ok((true, rest)) }
}

/// A word and what follows it; sequences that C does not have stay as they are, with a warning.
fn word(text: &str) -> Result<(Cow<'_, str>, &str), String> {
    let relaxed = |_| next_word(text, Quotes::Unquote, Escapes::CUnescapeRelaxed);
    let found = next_word(text, Quotes::Unquote, Escapes::CUnescape).or_else(relaxed);
    let (word, rest) = found.map_err(|fault| fault.to_string())?;
    Ok((word, rest.trim_start_matches(BLANKS)))
}

/// Whether a failure of the program is ignored, whether it gets another name for itself, and the program without what
/// stands before it, each sign once (`-@:+!|`); `!!` is one of its own.
fn without_prefixes(word: &str, release: Release) -> (bool, bool, &str) {
    let (mut ignores, mut named, mut plain, mut shell, mut rights) = (false, false, false, false, 0);
    let mut rest = word;
    while let Some(sign) = rest.chars().next() {
        let fits = match sign {
            '-' => !std::mem::replace(&mut ignores, true),
            '@' => !std::mem::replace(&mut named, true),
            ':' => !std::mem::replace(&mut plain, true),
            '|' if release >= Release::first(258) => !std::mem::replace(&mut shell, true),
            '+' if rights == 0 => {
                rights = 3;
                true
            }
            '!' if rights < 2 => {
                rights += 1;
                true
            }
            _ => false,
        };
        if !fits {
            break;
        }
        rest = rest.get(sign.len_utf8()..).unwrap_or_default();
    }
    (ignores, named, rest)
}

/// Why a text names no program.
fn bad_program(program: &str, unit: &UnitName) -> Option<String> {
    let Expanded { text: path, open } = match expand(program, unit) {
        Ok(expanded) => expanded,
        Err(error) => return Some(error.to_string()),
    };
    if path.is_empty() {
        return Some("no program is named".to_owned());
    }
    if path.bytes().any(|byte| byte.is_ascii_control() || matches!(byte, b'"' | b'\'' | b'\\')) {
        return Some(format!("{} has characters that no program's path may have", quoted(&path)));
    }
    if path.ends_with('/') {
        return Some(format!("{} is a directory", quoted(&path)));
    }
    // What is open is not known before the unit is loaded.
    let is_open = path.starts_with('%') && !open.is_empty();
    if is_open || path.starts_with('/') || (!path.contains('/') && !matches!(&*path, "." | "..")) {
        None
    } else {
        Some(format!("{} is neither an absolute path nor the name of a program", quoted(&path)))
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Result, ensure};

    use super::*;

    /// What systemd-analyze security of 252, 257 and 262 says to each as ExecStop=: the commands that it takes, and whether
    /// the unit is refused, the line ignored, or neither.
    #[test]
    fn commands_are_taken_as_systemd_takes_them() -> Result<()> {
        let unit: UnitName = "a.service".parse()?;
        for (text, count, fault) in [
            ("rel/path", 0, Some(true)),
            ("-rel/path", 0, Some(false)),
            ("/a/../b", 1, None),
            ("/bin/", 0, Some(true)),
            ("-/bin/", 0, Some(false)),
            ("/bin/true \"unclosed", 0, Some(true)),
            ("-/bin/true \"unclosed", 0, Some(false)),
            ("\"unclosed", 0, Some(false)),
            ("@/bin/true", 0, Some(true)),
            ("@/bin/true x", 1, None),
            ("+", 0, Some(true)),
            ("!!+/bin/true", 0, Some(true)),
            ("!!/bin/true", 1, None),
            (";", 0, None),
            ("/bin/true ;", 1, None),
            ("/bin/true a ; /bin/false b", 2, None),
            (r"/bin/true \; /bin/false", 1, None),
            ("/bin/true a; /bin/false", 1, None),
            (r"/bin/true \x", 1, None),
            ("bananas", 1, None),
            ("/bin/%j %z", 0, Some(true)),
            ("/bin/true %", 1, None),
            ("::/bin/true", 0, Some(true)),
            ("./x", 0, Some(true)),
            ("~/x", 0, Some(true)),
            ("$HOME/x", 0, Some(true)),
            ("${BIN}/x", 0, Some(true)),
            ("/bin/a ; rel/b", 1, Some(true)),
            ("", 0, None),
        ] {
            let line = read(text, &unit, Release::first(252));
            let found = (line.count, line.fault.map(|fault| fault.ends));
            ensure!(found == (count, fault), "{text}: {found:?}");
        }
        Ok(())
    }
}
