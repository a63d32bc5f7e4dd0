//! Words of rules over files of settings and over stores: keys, values, names of tables.

use super::{Unfit, check_plain, newtype, quoted, unfit};

newtype! {
    /// A guard or a rule over files by name.
    RuleName: check_rule, "^[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}$", "a rule's name as a string";

    /// A key of a file of settings with the tables or the section that it stands in: `listener.socket_path`.
    FileKey: check_key, r"^[^\u0000-\u0020\u007f-\u009f*]+$", "a key of a file as a string";

    /// A [`FileKey`] that may hold `*` for any characters.
    KnownKey: check_known, r"^[^\u0000-\u0020\u007f-\u009f]+$", "a key of a file as a string";

    /// A value in a file of settings, or a part of one. It may be empty.
    FileValue: check_plain, r"^[^\u0000-\u001f\u007f-\u009f]*$", "a value as a string";

    /// A table or a column of a database.
    SqlName: check_sql, "^[a-zA-Z_][a-zA-Z0-9_]{0,63}$", "the name of a table or column as a string";
}

impl KnownKey {
    /// Whether `key` is one of those that it stands for.
    pub fn matches(&self, key: &str) -> bool {
        let mut parts = self.as_str().split('*');
        let Some(mut rest) = parts.next().and_then(|first| key.strip_prefix(first)) else { return false };
        let mut parts = parts.peekable();
        if parts.peek().is_none() {
            return rest.is_empty();
        }
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return rest.ends_with(part);
            }
            match rest.find(part).and_then(|at| rest.get(at + part.len()..)) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        false
    }
}

fn check_rule(text: &str) -> Result<(), Unfit> {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if (1..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(inner)
    {
        return Ok(());
    }
    Err(unfit(format!("{} is not a rule's name: up to 64 letters, digits, `-` and `_`", quoted(text))))
}

fn check_known(text: &str) -> Result<(), Unfit> {
    check_plain(text)?;
    if text.is_empty() || text.contains(char::is_whitespace) {
        return Err(unfit(format!("{} is not a key of a file: it has no blanks", quoted(text))));
    }
    Ok(())
}

fn check_key(text: &str) -> Result<(), Unfit> {
    check_known(text)?;
    if text.contains('*') {
        return Err(unfit("a pattern is not a key: `*` may stand in `known` only"));
    }
    Ok(())
}

fn check_sql(text: &str) -> Result<(), Unfit> {
    let start = |c: char| c.is_ascii_alphabetic() || c == '_';
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if (1..=64).contains(&text.len()) && text.starts_with(start) && text.chars().all(inner) {
        return Ok(());
    }
    Err(unfit(format!("{} is not the name of a table or column", quoted(text))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::words::Text as _;

    #[test]
    fn patterns_of_keys_match_whole_keys() -> anyhow::Result<()> {
        for (pattern, key, expected) in [
            ("a.b", "a.b", true),
            ("a.b", "a.bc", false),
            ("a.*", "a.b", true),
            ("a.*", "b.a.b", false),
            ("*", "anything", true),
            ("A_*_B", "A_x_B", true),
            ("A_*_B", "A_B", false),
            ("A_*_B*", "A_x_y_B_z", true),
            ("*_KEY", "X_KEY", true),
            ("*_KEY", "X_KEYS", false),
        ] {
            assert_eq!(KnownKey::read(pattern)?.matches(key), expected, "{pattern} {key}");
        }
        Ok(())
    }

    #[test]
    fn words_that_would_mean_something_else_are_refused() {
        for text in ["", "a b", "a*"] {
            assert!(FileKey::read(text).is_err(), "{text}");
        }
        for text in ["", "a;drop", "1a", "a\"b"] {
            assert!(SqlName::read(text).is_err(), "{text}");
        }
        for text in ["", "-a", "a b", "ä"] {
            assert!(RuleName::read(text).is_err(), "{text}");
        }
    }
}
