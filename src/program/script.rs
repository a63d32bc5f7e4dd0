//! Scripts (execve(2), "Interpreter scripts"): who runs them, and the words that stand in them.

use std::collections::BTreeSet;

/// As many words are kept.
const MOST_WORDS: usize = 1 << 14;

/// A file that another program runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Script {
    /// The program that runs it: of `env NAME`, the name.
    pub(crate) interpreter: String,
    /// Its words, comments left out.
    pub(crate) words: BTreeSet<String>,
}

impl Script {
    /// Reads a file; nothing where it is no script.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes.strip_prefix(b"#!")?);
        let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
        let mut words = first.split_ascii_whitespace();
        let mut interpreter = words.next()?;
        if interpreter.rsplit('/').next() == Some("env") {
            interpreter = words.find(|word| !word.starts_with('-') && !word.contains('='))?;
        }
        let lines = rest.lines().map(str::trim_start).filter(|line| !line.starts_with('#'));
        let is_of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
        let words = lines.flat_map(|line| line.split(|c: char| !is_of_word(c)));
        let words = words.filter(|word| !word.is_empty()).take(MOST_WORDS).map(str::to_owned).collect();
        Some(Self { interpreter: interpreter.to_owned(), words })
    }

    /// The interpreter's name without its path and version: `perl5.36` is `perl`.
    pub(crate) fn language(&self) -> &str {
        let name = self.interpreter.rsplit('/').next().unwrap_or_default();
        name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.')
    }
}
