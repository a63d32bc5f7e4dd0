//! Files of settings as lists of keys and values with their lines: TOML, INI, environment files, keys and values.
//!
//! What the values should be is for `content` and `guard` to say; nothing here repeats a value in an error, for it may
//! be a secret.

pub mod env;

use std::fmt;

use ini::{Ini, ParseOption};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::manifest::FileFormat;

/// How deep tables and arrays of a file may lie in each other.
const DEEPEST: usize = 32;

/// The most settings that one file may hold.
const MOST: usize = 20_000;

/// One value of a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Setting {
    /// The tables, array positions and the key that it stands under.
    path: Vec<Step>,
    /// The value as text: a string without its quotes, anything else as written.
    pub value: String,
    /// Its line, counted from 1, where the format's reader tells it.
    pub line: Option<u32>,
}

/// One step towards a value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Position(usize),
}

impl fmt::Debug for Setting {
    /// Without the value, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setting").field("path", &self.path).field("line", &self.line).finish_non_exhaustive()
    }
}

impl Setting {
    /// A value that stands at the top of its file.
    fn top(key: &str, value: String, line: Option<u32>) -> Self {
        Self { path: vec![Step::Key(key.to_owned())], value, line }
    }

    /// Its tables or section and its key, dots between; elements of an array are alike.
    pub fn key(&self) -> String {
        let keys = self.path.iter().filter_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Position(_) => None,
        });
        keys.collect::<Vec<_>>().join(".")
    }

    /// Whether no array parts the two: wherever both pass through the same array, it is the same element.
    pub fn is_beside(&self, other: &Self) -> bool {
        for (own, others) in self.path.iter().zip(&other.path) {
            match (own, others) {
                (Step::Position(own), Step::Position(other)) if own != other => return false,
                (own, others) if own != others => return true,
                _ => {}
            }
        }
        true
    }
}

/// Why a file is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// What is wrong, without the text that is.
    pub why: &'static str,
    /// Where, counted from 1.
    pub line: Option<u32>,
}

/// The settings of a file in their order.
///
/// # Errors
///
/// Where the bytes are not UTF-8 or not of the format. An environment file is taken as far as systemd takes it.
pub fn read(format: FileFormat, bytes: &[u8]) -> Result<Vec<Setting>, Malformed> {
    let text = std::str::from_utf8(bytes).map_err(|error| Malformed {
        why: "it is not UTF-8",
        line: line_at(bytes.get(..error.valid_up_to()).unwrap_or_default(), error.valid_up_to()),
    })?;
    let settings = match format {
        FileFormat::Toml => toml(text)?,
        FileFormat::Ini => ini(text)?,
        FileFormat::Env => env::read(text).settings,
        FileFormat::Keys => keys(text),
    };
    if settings.len() > MOST {
        return Err(Malformed { why: "it holds more settings than are looked at", line: None });
    }
    Ok(settings)
}

fn line_at(bytes: &[u8], offset: usize) -> Option<u32> {
    let breaks = bytes.iter().take(offset).filter(|byte| **byte == b'\n').count();
    u32::try_from(breaks + 1).ok()
}

fn toml(text: &str) -> Result<Vec<Setting>, Malformed> {
    let table = DeTable::parse(text).map_err(|error| Malformed {
        why: "it is not TOML",
        line: error.span().and_then(|span| line_at(text.as_bytes(), span.start)),
    })?;
    let mut settings = Vec::new();
    walk_table(table.get_ref(), text, &mut Vec::new(), &mut settings)?;
    settings.sort_by_key(|setting: &Setting| setting.line);
    Ok(settings)
}

fn walk_table(
    table: &DeTable<'_>,
    text: &str,
    path: &mut Vec<Step>,
    settings: &mut Vec<Setting>,
) -> Result<(), Malformed> {
    for (key, value) in table {
        path.push(Step::Key(key.get_ref().to_string()));
        walk(value, text, path, settings)?;
        path.pop();
    }
    Ok(())
}

fn walk(
    value: &Spanned<DeValue<'_>>,
    text: &str,
    path: &mut Vec<Step>,
    settings: &mut Vec<Setting>,
) -> Result<(), Malformed> {
    let line = line_at(text.as_bytes(), value.span().start);
    if path.len() > DEEPEST {
        return Err(Malformed { why: "its tables lie too deep in each other", line });
    }
    let written = match value.get_ref() {
        DeValue::Table(table) => return walk_table(table, text, path, settings),
        DeValue::Array(array) => {
            for (position, value) in array.iter().enumerate() {
                path.push(Step::Position(position));
                walk(value, text, path, settings)?;
                path.pop();
            }
            return Ok(());
        }
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| number.to_string(), |number| number.to_string()),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(datetime) => datetime.to_string(),
    };
    settings.push(Setting { path: path.clone(), value: written, line });
    Ok(())
}

fn ini(text: &str) -> Result<Vec<Setting>, Malformed> {
    // Backslashes of paths are no escapes in most programs' files.
    let options = ParseOption { enabled_escape: false, ..ParseOption::default() };
    let file = Ini::load_from_str_opt(text, options)
        .map_err(|error| Malformed { why: "it is not INI", line: u32::try_from(error.line).ok() })?;
    let mut settings = Vec::new();
    for (section, properties) in &file {
        for (key, value) in properties {
            let section = section.map(|section| Step::Key(section.to_ascii_lowercase()));
            let path = section.into_iter().chain([Step::Key(key.to_owned())]).collect();
            settings.push(Setting { path, value: value.to_owned(), line: None });
        }
    }
    Ok(settings)
}

fn keys(text: &str) -> Vec<Setting> {
    let mut settings = Vec::new();
    for (line, written) in (1..).zip(text.lines()) {
        let written = written.trim();
        if written.is_empty() || written.starts_with(['#', ';']) {
            continue;
        }
        let end = written.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(written.len());
        let (key, value) = written.split_at_checked(end).unwrap_or((written, ""));
        let value = value.trim_start();
        let value = value.strip_prefix('=').unwrap_or(value).trim_start();
        settings.push(Setting::top(key, value.to_owned(), Some(line)));
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(format: FileFormat, text: &str) -> Result<Vec<String>, Malformed> {
        let shown = |setting: &Setting| match setting.line {
            Some(line) => format!("{line} {}={}", setting.key(), setting.value),
            None => format!("{}={}", setting.key(), setting.value),
        };
        Ok(read(format, text.as_bytes())?.iter().map(shown).collect())
    }

    #[test]
    fn each_format_gives_keys_and_values() -> Result<(), Malformed> {
        let toml = "a = true\n[b.c]\nd = 'x y'\ne = 0x10\n[[f]]\ng = 1\n[[f]]\ng = [2, 3]\n";
        let expected = ["1 a=true", "3 b.c.d=x y", "4 b.c.e=16", "6 f.g=1", "8 f.g=2", "8 f.g=3"];
        assert_eq!(told(FileFormat::Toml, toml)?, expected);
        let ini = "; c\ntop=1\n[QM]\nA=b \\n\n# x\nA = c\n[other]\nB=\"q\"\n";
        assert_eq!(told(FileFormat::Ini, ini)?, ["top=1", "qm.A=b \\n", "qm.A=c", "other.B=q"]);
        let keys = "# c\n A = b c\nD e\n\nF\nG==h\n";
        assert_eq!(told(FileFormat::Keys, keys)?, ["2 A=b c", "3 D=e", "5 F=", "6 G==h"]);
        assert_eq!(told(FileFormat::Env, "A=b\nC=\"d e\"\n")?, ["1 A=b", "2 C=d e"]);
        Ok(())
    }

    #[test]
    fn what_is_not_of_the_format_is_told_with_its_line_and_without_its_text() {
        let malformed = |why, line| Err(Malformed { why, line });
        assert_eq!(told(FileFormat::Toml, "a = 1\nb = = 's3cret'\n"), malformed("it is not TOML", Some(2)));
        let found = told(FileFormat::Ini, "a=1\n[b\n");
        assert!(matches!(&found, Err(Malformed { why: "it is not INI", .. })), "{found:?}");
        let found = read(FileFormat::Keys, b"a\nb\xff");
        assert_eq!(found, Err(Malformed { why: "it is not UTF-8", line: Some(2) }));
        let deep = format!("a = {}1{}", "[".repeat(40), "]".repeat(40));
        assert!(told(FileFormat::Toml, &deep).is_err());
    }

    #[test]
    fn elements_of_one_array_are_apart_and_the_rest_is_together() -> Result<(), Malformed> {
        let text = "top = 1\n[[m]]\na = 1\nb = 1\n[[m]]\na = 2\n";
        let settings = read(FileFormat::Toml, text.as_bytes())?;
        let [top, first, beside, second] = settings.as_slice() else {
            return Err(Malformed { why: "four settings", line: None });
        };
        assert!(first.is_beside(beside) && first.is_beside(top) && top.is_beside(second));
        assert!(!first.is_beside(second) && !beside.is_beside(second));
        Ok(())
    }
}
