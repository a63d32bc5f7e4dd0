//! The manifest's words: newtypes that hold only what cannot break out of the file they are rendered into.
//!
//! Each word is checked once, when it is read, so that a renderer can write it without looking again: no control
//! character or line break anywhere, `%` only as `%%` or as a specifier that the word allows. Whether a word refers to
//! something that exists is a question for `check`.

mod addresses;
mod endpoints;
mod files;
mod names;
mod paths;
mod quantities;
#[cfg(test)]
mod tests;

use std::fmt;

pub use addresses::{Listen, Local, SocketAddress, SourceFilter};
pub use endpoints::{Endpoint, Hosts, Port, Protocol};
pub use files::{FileKey, FileValue, KnownKey, RuleName, SqlName};
pub use names::{
    Architecture, BusName, CallName, CapabilityName, CredentialName, DirectiveName, EnvName, PackageName,
    ServiceName, UnitName, UnitStem, UserName,
};
pub use paths::{
    AbsolutePath, ConditionPath, DeviceName, EnvironmentFile, LogPath, PathGlob, Program, RelativePath,
    RulePath,
};
pub use quantities::{Count, DeviceAccess, Mode, Percent, Size, TimeSpan, Weight};

pub(crate) use crate::visible::quoted;
use crate::visible::{deceives, is_plain};

// As macros, so that the patterns of the schema are made of the same pieces.
macro_rules! unit_specifiers {
    () => {
        "iInNpPjJftSCLEdTVHlmbvaAMBowW"
    };
}

/// Control characters, for the inside of a character class.
macro_rules! control {
    () => {
        r"\u0000-\u001f\u007f-\u009f"
    };
}

/// Specifiers that are the same for whoever reads the unit, plus the directories of the manager
/// (systemd.unit(5), "Specifiers"). Left out are those of the *manager's* user (`%h`, `%u`, `%s`, `%U`, `%g`, `%G`):
/// in a system unit they say `root`, whatever `User=` is, which nobody who writes them means.
pub(crate) const UNIT_SPECIFIERS: &str = unit_specifiers!();

/// Specifiers that stand for the instance, and so mean something only in a template.
pub(crate) const INSTANCE_SPECIFIERS: &str = "iI";

/// Longest text of any word, in bytes: far below systemd's limit of 1 MiB for a joined line.
const LONGEST: usize = 8192;

/// Why a text is not the word it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit(pub(crate) String);

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unfit {}

/// A type that is written as a TOML string.
pub(crate) trait Text: Sized {
    /// What is expected where something other than a string stands: a noun phrase.
    const EXPECTED: &'static str;
    /// The shape, as an ECMA 262 regular expression, for the JSON Schema. It may admit more than [`Text::read`].
    const PATTERN: &'static str;

    /// Reads the word, or says why it is not one.
    fn read(text: &str) -> Result<Self, Unfit>;
}

/// Reading from a string and from serde, and the JSON Schema, for types that are [`Text`].
macro_rules! text {
    ($($name:ident),+ $(,)?) => {$(
        impl std::str::FromStr for $name {
            type Err = $crate::manifest::words::Unfit;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                <Self as $crate::manifest::words::Text>::read(text)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str($crate::manifest::words::TextVisitor(std::marker::PhantomData))
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $crate::manifest::words::text_schema::<$name>()
            }
        }
    )+};
}

/// A newtype around a checked `String`, with the accessors that every such type has.
macro_rules! newtype {
    ($($(#[$meta:meta])* $name:ident: $check:expr, $pattern:expr, $expected:expr;)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl $crate::manifest::words::Text for $name {
            const EXPECTED: &'static str = $expected;
            const PATTERN: &'static str = $pattern;

            fn read(text: &str) -> Result<Self, $crate::manifest::words::Unfit> {
                $check(text).map(|()| Self(text.to_owned()))
            }
        }

        $crate::manifest::words::text!($name);
    )+};
}

pub(crate) use newtype;
pub(crate) use text;

newtype! {
    /// A reason: not empty, one line, no control characters.
    Because: check_because, concat!("^[^", control!(), r"]*[^\s", control!(), "][^", control!(), "]*$"), "a reason in words";

    /// The rest of a unit file's line: not empty, not ending in a backslash, which would join the next line to it.
    /// Specifiers of units are allowed.
    Line: check_line, concat!("^(?! )(?!.*[ \\\\]$)([^%", control!(), "]|%[%", unit_specifiers!(), "])+$"), "one line of text as a string";

    /// What the tool calls a finding: one line without blanks at its ends.
    FindingName: check_finding, r"^[^\u0000-\u0020\u007f-\u009f]([^\u0000-\u001f\u007f-\u009f]*[^\u0000-\u0020\u007f-\u009f])?$",
        "a finding's name";

    /// A user's description, the GECOS field: no `:`, which ends the field, no backslash, quote or `%`.
    Gecos: check_gecos, r#"^[^\u0000-\u001f\u007f-\u009f:%"'\\]+$"#, "a description as a string";

    /// An argument of a command. It may be empty and may hold `$VARIABLE`s and specifiers of units.
    Argument: check_value, concat!("^([^%", control!(), "]|%[%", unit_specifiers!(), "])*$"), "an argument as a string";

    /// The value of an environment variable. It may be empty; specifiers of units are allowed.
    EnvValue: check_value, concat!("^([^%", control!(), "]|%[%", unit_specifiers!(), "])*$"), "the variable's value as a string";

    /// Where documentation is: a URI of the schemes that `Documentation=` takes (systemd.unit(5)).
    Documentation: check_documentation, r"^(https?://|file:|info:|man:)([!#$&(-\[\]-~]|%%)+$",
        "a URI such as \"man:nginx(8)\"";
}

fn check_because(text: &str) -> Result<(), Unfit> {
    check_plain(text)?;
    if text.trim().is_empty() {
        return Err(unfit("a reason is needed, this one is empty"));
    }
    check_end(text)
}

fn check_finding(text: &str) -> Result<(), Unfit> {
    check_plain(text)?;
    if text.is_empty() || text.trim() != text {
        Err(unfit(format!("{} is not a finding's name", quoted(text))))
    } else {
        Ok(())
    }
}

fn check_line(text: &str) -> Result<(), Unfit> {
    check_value(text)?;
    if text.trim().is_empty() {
        return Err(unfit("the text is empty"));
    }
    if text.trim() != text {
        return Err(unfit("blanks at the start or end would be lost"));
    }
    check_end(text)
}

/// What ends a line of a unit; of a comment too, which old releases continue as well.
fn check_end(text: &str) -> Result<(), Unfit> {
    if text.ends_with('\\') {
        return Err(unfit("a backslash at the end would join the next line of the unit to this one"));
    }
    Ok(())
}

fn check_value(text: &str) -> Result<(), Unfit> {
    check_plain(text)?;
    check_specifiers(text, UNIT_SPECIFIERS)
}

fn check_gecos(text: &str) -> Result<(), Unfit> {
    check_plain(text)?;
    if text.trim() != text || text.is_empty() {
        return Err(unfit("a user's description is not empty and has no blanks at its ends"));
    }
    match text.chars().find(|c| matches!(c, ':' | '%' | '"' | '\'' | '\\')) {
        Some(c) => Err(unfit(format!("a user's description cannot hold `{c}`"))),
        None => Ok(()),
    }
}

fn check_documentation(text: &str) -> Result<(), Unfit> {
    check_plain(text)?;
    check_specifiers(text, "")?;
    // The line is a list of words, and systemd takes none with other letters.
    if let Some(c) = text.chars().find(|c| !c.is_ascii() || matches!(c, '"' | '\'' | '\\')) {
        return Err(unfit(format!(
            "a URI cannot hold `{c}` as it is: write each of its bytes as `%%` and two hexadecimal digits"
        )));
    }
    let schemes = ["https://", "http://", "man:", "file:", "info:"];
    let rest = schemes.iter().find_map(|scheme| text.strip_prefix(scheme));
    match rest {
        Some(rest) if !rest.is_empty() && !text.contains(char::is_whitespace) => Ok(()),
        _ => Err(unfit(format!(
            "{} is not a URI that `Documentation=` takes: https://, http://, man:, file: or info:",
            quoted(text)
        ))),
    }
}

/// A text that is what it looks like, of bearable length.
pub(crate) fn check_plain(text: &str) -> Result<(), Unfit> {
    if text.len() > LONGEST {
        return Err(unfit(format!("the text has {} bytes, more than {LONGEST}", text.len())));
    }
    let found = if is_plain(text) { None } else { text.chars().find(|c| deceives(*c)) };
    match found {
        Some('\n' | '\r') => Err(unfit("a line break is not allowed here")),
        Some(c) if c.is_control() => {
            Err(unfit(format!("a control character is not allowed here: `{}`", c.escape_default())))
        }
        Some(c) => {
            let why = "it is not seen, or makes the line look like another";
            Err(unfit(format!("the character `{}` is not allowed here: {why}", c.escape_default())))
        }
        None => Ok(()),
    }
}

/// Every `%` of `text` is `%%` or one of `allowed`.
pub(crate) fn check_specifiers(text: &str, allowed: &str) -> Result<(), Unfit> {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            continue;
        }
        match chars.next() {
            Some('%') => {}
            Some(letter) if allowed.contains(letter) => {}
            Some(letter) if letter.is_ascii_alphabetic() => {
                return Err(unfit(format!(
                    "the specifier `%{letter}` is not allowed here; a percent sign is written `%%`"
                )));
            }
            _ => {
                return Err(unfit("a single `%` is not allowed here; a percent sign is written `%%`"));
            }
        }
    }
    Ok(())
}

/// Whether `text` holds one of the `specifiers` (letters).
pub(crate) fn holds_specifier(text: &str, specifiers: &str) -> bool {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '%' && chars.next().is_some_and(|letter| letter != '%' && specifiers.contains(letter)) {
            return true;
        }
    }
    false
}

pub(crate) fn unfit(message: impl Into<String>) -> Unfit {
    Unfit(message.into())
}

/// The one of `known` that `text` was most likely meant to be.
pub(crate) fn nearest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const SIMILAR: f64 = 0.75;
    // Names of the manifest itself may be many, and asked about as often.
    const MOST: usize = 500;
    known
        .into_iter()
        .take(MOST)
        .map(|name| (strsim::jaro_winkler(text, name), name))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

pub(crate) struct TextVisitor<T>(pub(crate) std::marker::PhantomData<T>);

impl<T: Text> serde::de::Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        T::read(text).map_err(E::custom)
    }
}

pub(crate) fn text_schema<T: Text>() -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "pattern": T::PATTERN, "description": T::EXPECTED })
}
