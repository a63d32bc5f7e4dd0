//! Paths and names below paths.
//!
//! A path has no blank, quote or backslash: unit, tmpfiles.d and sysusers.d files split their lines by three different
//! quoting rules, some directives (`WorkingDirectory=`) by none, and no service is known that needs one.

use std::fmt;

use super::{INSTANCE_SPECIFIERS, Text, Unfit, check_plain, check_specifiers, newtype, quoted, text, unfit};

/// `PATH_MAX` without the closing zero.
const LONGEST_PATH: usize = 4095;

/// One character of a literal path, or a specifier, for the schema.
macro_rules! letter {
    () => {
        r#"([^%*?\[\u0000-\u0020\u007f-\u009f"'\\]|%[%iI])"#
    };
}

/// Nothing that normalising would take away: for the start of a pattern.
macro_rules! normalised {
    () => {
        r"(?!.*(//|/\.\.?(/|$)))"
    };
}

newtype! {
    /// An absolute, normalised path without a slash at its end (but `/` itself); `%i` and `%I` are allowed.
    AbsolutePath: |text| check_path(text, Slash::Never), concat!("^(?!.+/$)", normalised!(), "/", letter!(), "*$"),
        "an absolute path as a string";

    /// An absolute, normalised path; a slash at its end says that it is a directory. `%i` and `%I` are allowed.
    RulePath: |text| check_path(text, Slash::Marks), concat!("^", normalised!(), "/", letter!(), "*$"),
        "an absolute path as a string";

    /// A [`RulePath`] that may hold `*`, `?` and `[…]`.
    PathGlob: |text| check_path(text, Slash::Glob), concat!("^", normalised!(), "/([*?\\[]|", letter!(), ")*$"),
        "an absolute path as a string";

    /// A normalised path below another: no slash at either end; `%i` and `%I` are allowed.
    RelativePath: check_relative, concat!(r"^(?!/)(?!.*/$)(?!\.\.?(/|$))", normalised!(), letter!(), "+$"),
        "a relative path as a string";
}

impl RulePath {
    /// Whether the path is marked as a directory.
    pub fn is_directory(&self) -> bool {
        self.as_str().ends_with('/')
    }

    /// The path without the mark.
    pub fn path(&self) -> &str {
        without_mark(self.as_str())
    }
}

impl PathGlob {
    /// Whether the path is marked as a directory.
    pub fn is_directory(&self) -> bool {
        self.as_str().ends_with('/')
    }

    /// The path without the mark.
    pub fn path(&self) -> &str {
        without_mark(self.as_str())
    }

    /// Whether it stands for what it matches, not for itself.
    pub fn is_pattern(&self) -> bool {
        self.as_str().contains(['*', '?', '['])
    }
}

fn without_mark(path: &str) -> &str {
    match path.strip_suffix('/') {
        Some("") | None => path,
        Some(path) => path,
    }
}

/// A path that must exist, or with `!` in front must not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConditionPath {
    /// `!` in front.
    pub absent: bool,
    /// The path, without the mark.
    pub path: AbsolutePath,
}

impl fmt::Display for ConditionPath {
    /// As `ConditionPathExists=` takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.absent { "!" } else { "" }, self.path)
    }
}

impl Text for ConditionPath {
    const EXPECTED: &'static str = "an absolute path as a string, `!` in front if it must not exist";
    const PATTERN: &'static str = concat!("^!?(?!.+/$)", normalised!(), "/", letter!(), "*$");

    fn read(text: &str) -> Result<Self, Unfit> {
        let absent = text.starts_with('!');
        AbsolutePath::read(text.strip_prefix('!').unwrap_or(text)).map(|path| Self { absent, path })
    }
}

/// A file of environment variables; with `-` in front it may be absent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnvironmentFile {
    /// `-` in front.
    pub optional: bool,
    /// The path, without the mark.
    pub path: AbsolutePath,
}

impl fmt::Display for EnvironmentFile {
    /// As `EnvironmentFile=` takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.optional { "-" } else { "" }, self.path)
    }
}

impl Text for EnvironmentFile {
    const EXPECTED: &'static str = "an absolute path as a string, `-` in front if it may be absent";
    const PATTERN: &'static str = concat!("^-?(?!.+/$)", normalised!(), "/", letter!(), "*$");

    fn read(text: &str) -> Result<Self, Unfit> {
        let optional = text.starts_with('-');
        AbsolutePath::read(text.strip_prefix('-').unwrap_or(text)).map(|path| Self { optional, path })
    }
}

/// Where a log file is: a name below the service's logs directory, or an absolute path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogPath {
    /// Below the logs directory.
    Below(RelativePath),
    /// Anywhere else; it must be declared in `[paths]`.
    At(AbsolutePath),
}

impl fmt::Display for LogPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Below(path) => write!(f, "{path}"),
            Self::At(path) => write!(f, "{path}"),
        }
    }
}

impl Text for LogPath {
    const EXPECTED: &'static str = "a file name below the logs directory or an absolute path, as a string";
    const PATTERN: &'static str = concat!(r"^(?!.*/$)(?!\.\.?(/|$))", normalised!(), letter!(), "+$");

    fn read(text: &str) -> Result<Self, Unfit> {
        if text.starts_with('/') {
            AbsolutePath::read(text).map(Self::At)
        } else {
            RelativePath::read(text).map(Self::Below)
        }
    }
}

/// A program, or any.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Program {
    /// Which one is not known.
    Any,
    /// A file, or with a slash at its end all files of a directory.
    At(RulePath),
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::At(path) => write!(f, "{path}"),
        }
    }
}

impl Text for Program {
    const EXPECTED: &'static str = "an absolute path or \"any\"";
    const PATTERN: &'static str = concat!("^(any|", normalised!(), "/", letter!(), "*)$");

    fn read(text: &str) -> Result<Self, Unfit> {
        if text == "any" { Ok(Self::Any) } else { RulePath::read(text).map(Self::At) }
    }
}

/// A device node, or a group of devices as `DeviceAllow=` names them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceName {
    /// A node below `/dev`.
    Node(AbsolutePath),
    /// Character devices of a driver, a name of `/proc/devices`: `char-rtc`. May hold `*` and `?`.
    Character(String),
    /// Block devices of a driver: `block-loop`. May hold `*` and `?`.
    Block(String),
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(path) => write!(f, "{path}"),
            Self::Character(name) => write!(f, "char-{name}"),
            Self::Block(name) => write!(f, "block-{name}"),
        }
    }
}

impl Text for DeviceName {
    const EXPECTED: &'static str = "a device below /dev, or `char-…` or `block-…` with a driver's name";
    const PATTERN: &'static str =
        concat!("^((?!.+/$)", normalised!(), "/dev/", letter!(), "+|(char|block)-[a-zA-Z0-9_.*?/-]+)$");

    fn read(text: &str) -> Result<Self, Unfit> {
        let driver = |name: &str| {
            let chars = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '*' | '?' | '/' | '-');
            (1..=64).contains(&name.len()) && name.chars().all(chars)
        };
        if let Some(name) = text.strip_prefix("char-").filter(|name| driver(name)) {
            return Ok(Self::Character(name.to_owned()));
        }
        if let Some(name) = text.strip_prefix("block-").filter(|name| driver(name)) {
            return Ok(Self::Block(name.to_owned()));
        }
        if !text.starts_with("/dev/") {
            return Err(unfit(format!(
                "{} is not a device: a path below `/dev/`, or `char-` or `block-` and a name of /proc/devices",
                quoted(text)
            )));
        }
        AbsolutePath::read(text).map(Self::Node)
    }
}

text!(ConditionPath, EnvironmentFile, LogPath, Program, DeviceName);

/// What a slash at the end of an absolute path means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slash {
    /// Nothing: it is refused.
    Never,
    /// A directory.
    Marks,
    /// A directory; and patterns are allowed.
    Glob,
}

fn check_path(text: &str, slash: Slash) -> Result<(), Unfit> {
    if !text.starts_with('/') {
        check_plain(text)?;
        return Err(unfit(format!("{} is not an absolute path", quoted(text))));
    }
    if text == "/" {
        return Ok(());
    }
    let inner = text.strip_prefix('/').unwrap_or(text);
    let inner = match (inner.strip_suffix('/'), slash) {
        (Some(_), Slash::Never) => {
            return Err(unfit(format!("{} ends with a slash", quoted(text))));
        }
        (Some(inner), Slash::Marks | Slash::Glob) => inner,
        (None, _) => inner,
    };
    check_components(text, inner, slash)
}

fn check_relative(text: &str) -> Result<(), Unfit> {
    if text.starts_with('/') {
        return Err(unfit(format!("{} is absolute: a path below the directory is wanted", quoted(text))));
    }
    check_components(text, text, Slash::Never)
}

fn check_components(whole: &str, inner: &str, slash: Slash) -> Result<(), Unfit> {
    check_plain(whole)?;
    check_specifiers(whole, INSTANCE_SPECIFIERS)?;
    if whole.len() > LONGEST_PATH {
        return Err(unfit(format!("the path has {} bytes, more than {LONGEST_PATH}", whole.len())));
    }
    if let Some(c) = whole.chars().find(|c| c.is_whitespace() || matches!(c, '"' | '\'' | '\\')) {
        let what = if c.is_whitespace() { "a blank".to_owned() } else { format!("`{c}`") };
        return Err(unfit(format!("{} holds {what}, which a path cannot hold here", quoted(whole))));
    }
    if slash != Slash::Glob && whole.contains(['*', '?', '[']) {
        return Err(unfit(format!("{} is a pattern: only a literal path is allowed here", quoted(whole))));
    }
    for component in inner.split('/') {
        match component {
            "" | "." => {
                return Err(unfit(format!("{} is not normalised: no `//` and no `/./`", quoted(whole))));
            }
            ".." => return Err(unfit(format!("{} holds `..`", quoted(whole)))),
            _ => {}
        }
        if component.len() > 255 {
            return Err(unfit(format!("{} has a component of more than 255 bytes", quoted(whole))));
        }
    }
    Ok(())
}
