//! The few shapes of TOML that a manifest is written in.

use toml_writer::{ToTomlKey as _, ToTomlValue as _};

/// A value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(u64),
    Switch(bool),
    List(Vec<Value>),
    Table(Vec<(String, Value)>),
}

impl Value {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::List(texts.into_iter().map(|text| Self::Text(text.into())).collect())
    }

    /// Lines as the manifest's literal lines are written: one as a text, more as a list.
    pub(super) fn lines(lines: &[String]) -> Self {
        match lines {
            [line] => Self::text(line),
            lines => Self::texts(lines.iter().cloned()),
        }
    }

    /// As it stands behind `=`, on one line.
    pub(super) fn written(&self) -> String {
        match self {
            Self::Text(text) => text.to_toml_value(),
            Self::Number(number) => number.to_string(),
            Self::Switch(on) => on.to_string(),
            Self::List(values) => {
                format!("[{}]", values.iter().map(Self::written).collect::<Vec<_>>().join(", "))
            }
            Self::Table(entries) if entries.is_empty() => "{}".to_owned(),
            Self::Table(entries) => {
                let entries =
                    entries.iter().map(|(name, value)| format!("{} = {}", key(name), value.written()));
                format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// A key, in quotes where it must be.
pub(super) fn key(name: &str) -> String {
    name.to_toml_key()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() -> anyhow::Result<()> {
        for text in ["", "a", "a \"b\" \\ 'c'", "%i \u{1b}", "a\nb", "'''", "\u{85}ä"] {
            let written =
                format!("{} = {}", key(text), Value::lines(&[text.to_owned(), "x".to_owned()]).written());
            let read: toml::Table = toml::from_str(&written)?;
            let found = read.get(text).and_then(|list| list.as_array()).and_then(|list| list.first());
            assert_eq!(found.and_then(toml::Value::as_str), Some(text), "{written}");
        }
        let table = Value::Table(vec![
            ("a b".to_owned(), Value::Switch(true)),
            ("c".to_owned(), Value::List(vec![Value::Number(5)])),
        ]);
        assert_eq!(table.written(), "{ \"a b\" = true, c = [5] }");
        Ok(())
    }
}
