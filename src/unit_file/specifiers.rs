//! The specifiers of a unit file (`%n` and its kin): those that follow from the unit's name and from being a unit of
//! the system manager are expanded, those that need the host or the loaded unit stay as they are and are reported.
//!
//! All that any release up to 262 knows are known here; to some releases a few are new and therefore errors.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use super::{MAX_LINE, UnitName};

/// A text whose specifiers were expanded as far as its name allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expanded<'t> {
    /// The text; the specifiers in `open` stand in it as `%x`.
    pub text: Cow<'t, str>,
    /// The letters of those that only the host or the manager can expand. Empty: the text is final.
    pub open: BTreeSet<char>,
}

/// Why systemd ignores an assignment with this text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecifierError {
    /// A letter or digit that is no specifier.
    Unknown(char),
    /// The part of the name is not the escaped text that the specifier takes it for.
    NotEscaped(char),
    /// What it comes to is longer than a line may be.
    TooLong,
}

impl fmt::Display for SpecifierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(letter) => write!(f, "the specifier `%{letter}` is unknown"),
            Self::NotEscaped(letter) => write!(f, "the unit name has no unescaped form for `%{letter}`"),
            Self::TooLong => write!(f, "its specifiers come to more than {MAX_LINE} bytes"),
        }
    }
}

impl std::error::Error for SpecifierError {}

/// Expands the specifiers of `text` for a unit of the system manager (systemd.unit(5), `unit_full_printf()`), to at
/// most [`MAX_LINE`] bytes as systemd 249 and later do.
pub fn expand<'t>(text: &'t str, name: &UnitName) -> Result<Expanded<'t>, SpecifierError> {
    let mut open = BTreeSet::new();
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once('%') {
        expanded.push_str(plain);
        if expanded.len() > MAX_LINE {
            return Err(SpecifierError::TooLong);
        }
        let mut after = after.chars();
        match after.next() {
            // A percent sign at the end, or before anything but a letter or digit, is itself.
            None | Some('%') => expanded.push('%'),
            Some(letter) => match value(letter, name)? {
                Value::Known(known) => expanded.push_str(&known),
                Value::Literal => expanded.extend(['%', letter]),
                Value::Open => {
                    open.insert(letter);
                    expanded.extend(['%', letter]);
                }
            },
        }
        rest = after.as_str();
    }
    // Most texts have none, and stay where they are.
    let text = if rest.len() == text.len() {
        Cow::Borrowed(text)
    } else {
        expanded.push_str(rest);
        Cow::Owned(expanded)
    };
    if text.len() > MAX_LINE {
        return Err(SpecifierError::TooLong);
    }
    Ok(Expanded { text, open })
}

enum Value {
    Known(String),
    Literal,
    Open,
}

fn value(letter: char, name: &UnitName) -> Result<Value, SpecifierError> {
    let unescaped = |text: &str| unescape(text).ok_or(SpecifierError::NotEscaped(letter));
    let known = match letter {
        'n' => name.as_str().to_owned(),
        'N' => name.stem().to_owned(),
        'p' => name.prefix().to_owned(),
        'P' => unescaped(name.prefix())?,
        'i' => name.instance().unwrap_or_default().to_owned(),
        'I' => unescaped(name.instance().unwrap_or_default())?,
        'j' => last_part(name.prefix()).to_owned(),
        'J' => unescaped(last_part(name.prefix()))?,
        'f' => path(name).ok_or(SpecifierError::NotEscaped(letter))?,
        't' => "/run".to_owned(),
        'S' => "/var/lib".to_owned(),
        'C' => "/var/cache".to_owned(),
        'L' => "/var/log".to_owned(),
        'E' => "/etc".to_owned(),
        'D' => "/usr/share".to_owned(),
        'T' => "/tmp".to_owned(),
        'V' => "/var/tmp".to_owned(),
        // The user is the manager's, whatever User= says.
        'u' | 'g' => "root".to_owned(),
        'U' | 'G' => "0".to_owned(),
        'h' => "/root".to_owned(),
        'A' | 'B' | 'H' | 'M' | 'R' | 'W' | 'Y' | 'a' | 'b' | 'c' | 'd' | 'l' | 'm' | 'o' | 'q' | 'r'
        | 's' | 'v' | 'w' | 'y' => return Ok(Value::Open),
        letter if letter.is_ascii_alphanumeric() => return Err(SpecifierError::Unknown(letter)),
        _ => return Ok(Value::Literal),
    };
    Ok(Value::Known(known))
}

fn last_part(prefix: &str) -> &str {
    prefix.rsplit_once('-').map_or(prefix, |(_, last)| last)
}

/// `%f`: the instance, or without one the prefix, as an absolute path.
fn path(name: &UnitName) -> Option<String> {
    let unescaped = unescape(name.instance().unwrap_or(name.prefix()))?;
    Some(if unescaped.starts_with('/') { unescaped } else { format!("/{unescaped}") })
}

/// Undoes systemd-escape(1): `-` to `/`, `\xHH` to the byte; `None` for any other backslash, or no UTF-8.
fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..)?;
        match c {
            '-' => bytes.push(b'/'),
            '\\' => {
                let (digits, after) = rest.strip_prefix('x')?.split_at_checked(2)?;
                bytes.push(u8::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?);
                rest = after;
            }
            c => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_name_says_is_expanded() -> anyhow::Result<()> {
        let name: UnitName = r"foo-bar\x2dx@a-b\x20c.service".parse()?;
        for (text, expected) in [
            ("%n", r"foo-bar\x2dx@a-b\x20c.service"),
            ("%N", r"foo-bar\x2dx@a-b\x20c"),
            ("%p|%P", r"foo-bar\x2dx|foo/bar-x"),
            ("%i|%I", r"a-b\x20c|a/b c"),
            ("%j|%J", r"bar\x2dx|bar-x"),
            ("%f", "/a/b c"),
            ("%%n 100%% 5% %", "%n 100% 5% %"),
            ("%-%ä", "%-%ä"),
            ("%t %S %C %L %E %T %V", "/run /var/lib /var/cache /var/log /etc /tmp /var/tmp"),
        ] {
            let expanded = expand(text, &name)?;
            assert_eq!((&*expanded.text, expanded.open.len()), (expected, 0), "{text}");
        }
        let plain: UnitName = "a.service".parse()?;
        assert_eq!(expand("%p[%i%I]%j%f", &plain)?.text, "a[]a/a");
        Ok(())
    }

    #[test]
    fn what_the_host_says_stays_open() -> anyhow::Result<()> {
        let expanded = expand("/x/%m/%H/%p", &"a.service".parse()?)?;
        assert_eq!(expanded.text, "/x/%m/%H/a");
        assert_eq!(expanded.open, BTreeSet::from(['H', 'm']));
        Ok(())
    }

    #[test]
    fn what_systemd_refuses_is_an_error() -> anyhow::Result<()> {
        assert_eq!(expand("%z", &"a.service".parse()?), Err(SpecifierError::Unknown('z')));
        let growing = "%n".repeat(MAX_LINE / 4);
        let long = format!("{}.service", "a".repeat(200)).parse()?;
        assert_eq!(expand(&growing, &long), Err(SpecifierError::TooLong));
        for name in [r"a\y.service", r"a\x2.service", r"a\x.service", r"a\xff.service"] {
            assert_eq!(expand("%P", &name.parse()?), Err(SpecifierError::NotEscaped('P')), "{name}");
        }
        Ok(())
    }
}
