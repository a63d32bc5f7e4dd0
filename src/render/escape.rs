//! Words as unit files, sysusers.d and tmpfiles.d quote them. The manifest has refused control characters and stray
//! specifiers already; what is left is blanks, quotes and backslashes.

use crate::manifest::Command;

/// A word of a unit file, in quotes where it must be.
pub(super) fn word(text: &str) -> String {
    let plain = !text.is_empty()
        && text.chars().all(|c| !c.is_whitespace() && !matches!(c, '"' | '\'' | '\\' | ';' | '#'));
    if plain { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// An assignment of the environment: always one word.
pub(super) fn variable(name: &str, value: &str) -> String {
    let assignment = format!("{name}={value}");
    if value.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:,@%+=".contains(c)) {
        assignment
    } else {
        quoted(&assignment)
    }
}

/// A command line.
pub(super) fn command(command: &Command) -> String {
    let mut line = String::new();
    if command.may_fail {
        line.push('-');
    }
    if command.unconfined.is_some() {
        line.push('+');
    }
    let words: Vec<String> = command.argv.iter().map(|argument| word(argument.as_str())).collect();
    line + &words.join(" ")
}

/// A field of a sysusers.d or tmpfiles.d line.
pub(super) fn field(text: &str) -> String {
    let plain =
        !text.is_empty() && text.chars().all(|c| !c.is_whitespace() && !matches!(c, '"' | '\'' | '\\'));
    if plain { text.to_owned() } else { quoted(text) }
}
