//! Names of things: units, users, groups, packages, variables, capabilities, calls.

use super::{
    INSTANCE_SPECIFIERS, Unfit, check_plain, check_specifiers, holds_specifier, nearest, newtype, quoted,
    unfit,
};
use crate::capabilities::CAPABILITIES;
use crate::syscalls::all_sets;
use crate::unit_file::{MAX_LENGTH, is_type};

newtype! {
    /// A user or group by name: the strict form that every tool accepts (systemd.io, "User/Group Name Syntax").
    UserName: check_user, "^[a-zA-Z_][a-zA-Z0-9_-]{0,30}$", "a user or group name as a string";

    /// A package: it names the files below sysusers.d, tmpfiles.d and the installed manifest.
    PackageName: check_package, "^[a-zA-Z0-9][a-zA-Z0-9+._-]{0,99}$", "a package name as a string";

    /// A unit with its suffix, such as `network-online.target` or, in a template, `foo@%i.service`.
    UnitName: check_unit,
        r"^[a-zA-Z0-9:_.\\%@-]+\.(service|socket|target|device|mount|automount|swap|timer|path|slice|scope)$",
        "a unit name as a string such as \"network.target\"";

    /// A service without its suffix; a template ends in `@`.
    ServiceName: check_service, r"^(?!.*\.service$)[a-zA-Z0-9:_.\\-]+@?$", "a service name without `.service` as a string";

    /// A socket or timer without its suffix.
    UnitStem: check_stem, r"^(?!.*\.(socket|timer)$)[a-zA-Z0-9:_.\\-]+@?$", "a unit name without its suffix as a string";

    /// An environment variable's name.
    EnvName: check_env_name, "^[a-zA-Z_][a-zA-Z0-9_]*$", "a variable's name as a string";

    /// A credential's name, which is a file name below `%d`.
    CredentialName: check_credential, "^[a-zA-Z0-9_-][a-zA-Z0-9._-]{0,99}$", "a credential's name as a string";

    /// A directive of a unit file, without `=`.
    DirectiveName: check_directive, "^[A-Z][a-zA-Z0-9]*$", "a directive's name as a string such as \"ProtectHome\"";

    /// A capability of Linux: `CAP_NET_RAW`.
    CapabilityName: check_capability, "^CAP_[A-Z_]+$", "a capability as a string such as \"CAP_NET_RAW\"";

    /// A system call or one of systemd's sets of them: `personality`, `@mount`. Whether a call exists is known to the
    /// target only.
    CallName: check_call, "^(@[a-z-]+|[a-z_][a-z0-9_]*)$", "a system call or a set as a string such as \"@mount\"";

    /// A well-known name on the bus: `org.freedesktop.systemd1`.
    BusName: check_bus_name, r"^[a-zA-Z_-][a-zA-Z0-9_-]*(\.[a-zA-Z_-][a-zA-Z0-9_-]*)+$", "a bus name as a string";

    /// An architecture as `SystemCallArchitectures=` spells it: `x86`, `arm`, `mips64-le-n32`.
    Architecture: check_architecture, "^[a-z][a-z0-9-]*$", "an architecture as a string such as \"x86\"";
}

impl UserName {
    /// Whether this is the superuser or its group.
    pub fn is_root(&self) -> bool {
        self.as_str() == "root"
    }
}

impl UnitName {
    /// `sockets.target`, which wants a socket unit where nothing else is said.
    pub(crate) fn sockets_target() -> Vec<Self> {
        vec![Self("sockets.target".to_owned())]
    }

    /// `timers.target`, which wants a timer unit where nothing else is said.
    pub(crate) fn timers_target() -> Vec<Self> {
        vec![Self("timers.target".to_owned())]
    }
}

impl ServiceName {
    /// Whether the unit is a template.
    pub fn is_template(&self) -> bool {
        self.as_str().ends_with('@')
    }

    /// The unit's full name: `foo.service`, `foo@.service`.
    pub fn unit(&self) -> String {
        format!("{}.service", self.as_str())
    }

    /// The name without the `@` of a template.
    pub fn prefix(&self) -> &str {
        self.as_str().trim_end_matches('@')
    }
}

impl UnitStem {
    /// The name without the `@` of a template.
    pub fn prefix(&self) -> &str {
        self.as_str().trim_end_matches('@')
    }
}

impl CallName {
    /// Whether this is a set of calls.
    pub fn is_set(&self) -> bool {
        self.as_str().starts_with('@')
    }
}

fn check_user(text: &str) -> Result<(), Unfit> {
    let start = |c: char| c.is_ascii_alphabetic() || c == '_';
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if (1..=31).contains(&text.len()) && text.starts_with(start) && text.chars().all(inner) {
        return Ok(());
    }
    let why = "a letter or `_`, then letters, digits, `_` and `-`, at most 31 in all";
    Err(unfit(format!("{} is not a user or group name: {why}", quoted(text))))
}

fn check_package(text: &str) -> Result<(), Unfit> {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '_' | '-');
    let start = |c: char| c.is_ascii_alphanumeric();
    if (1..=100).contains(&text.len()) && text.starts_with(start) && text.chars().all(inner) {
        return Ok(());
    }
    let why = "a letter or digit, then letters, digits, `+`, `.`, `_` and `-`, at most 100 in all";
    Err(unfit(format!("{} is not a package name: {why}", quoted(text))))
}

fn is_unit_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '.' | '\\' | '-')
}

fn check_unit(text: &str) -> Result<(), Unfit> {
    check_plain(text)?;
    check_specifiers(text, INSTANCE_SPECIFIERS)?;
    let wrong = |why: &str| Err(unfit(format!("{} is not a unit name: {why}", quoted(text))));
    let Some((stem, suffix)) = text.rsplit_once('.').filter(|(_, suffix)| is_type(suffix)) else {
        return wrong("it needs a suffix such as `.service` or `.target`");
    };
    if stem.is_empty() || text.len() > MAX_LENGTH {
        return wrong("it has 1 to 255 characters with its suffix");
    }
    let (prefix, instance) = stem.split_once('@').unwrap_or((stem, ""));
    if prefix.is_empty() || !prefix.chars().all(is_unit_char) {
        return wrong(UNIT_CHARS);
    }
    if holds_specifier(stem, INSTANCE_SPECIFIERS) && suffix == "device" {
        return wrong("an instance of a device does not exist");
    }
    if !instance.chars().all(|c| is_unit_char(c) || matches!(c, '@' | '%')) {
        return wrong(UNIT_CHARS);
    }
    Ok(())
}

const UNIT_CHARS: &str = "letters, digits, `:`, `_`, `.`, `-` and, for an instance, `@`";

fn check_service(text: &str) -> Result<(), Unfit> {
    match text.strip_suffix(".service") {
        Some(stem) => Err(unfit(format!("a service goes without its suffix: {}", quoted(stem)))),
        None => check_prefix(text, "a service name"),
    }
}

fn check_stem(text: &str) -> Result<(), Unfit> {
    match [".socket", ".timer"].iter().find_map(|suffix| text.strip_suffix(suffix)) {
        Some(stem) => Err(unfit(format!("the unit goes without its suffix: {}", quoted(stem)))),
        None => check_prefix(text, "a unit name"),
    }
}

fn check_prefix(text: &str, what: &str) -> Result<(), Unfit> {
    // `.service`, the longest suffix that is appended, has eight characters.
    let prefix = text.strip_suffix('@').unwrap_or(text);
    if prefix.is_empty() || !prefix.chars().all(is_unit_char) || text.len() > MAX_LENGTH - 8 {
        let why = "letters, digits, `:`, `_`, `.`, `-`, and `@` at the end of a template";
        return Err(unfit(format!("{} is not {what}: {why}", quoted(text))));
    }
    Ok(())
}

fn check_env_name(text: &str) -> Result<(), Unfit> {
    let start = |c: char| c.is_ascii_alphabetic() || c == '_';
    if text.starts_with(start)
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && text.len() <= 255
    {
        return Ok(());
    }
    let why = "a letter or `_`, then letters, digits and `_`";
    Err(unfit(format!("{} is not a variable's name: {why}", quoted(text))))
}

fn check_credential(text: &str) -> Result<(), Unfit> {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if (1..=100).contains(&text.len()) && !text.starts_with('.') && text.chars().all(inner) {
        return Ok(());
    }
    let why = "letters, digits, `.`, `_` and `-`, not starting with `.`";
    Err(unfit(format!("{} is not a credential's name: {why}", quoted(text))))
}

fn check_directive(text: &str) -> Result<(), Unfit> {
    if let Some(name) = text.strip_suffix('=') {
        return Err(unfit(format!("the directive goes without `=`: {}", quoted(name))));
    }
    let start = |c: char| c.is_ascii_uppercase();
    if text.starts_with(start) && text.chars().all(|c| c.is_ascii_alphanumeric()) && text.len() <= 100 {
        return Ok(());
    }
    Err(unfit(format!("{} is not a directive's name: a capital, then letters and digits", quoted(text))))
}

fn check_capability(text: &str) -> Result<(), Unfit> {
    known(text, CAPABILITIES.iter().copied(), "a capability of Linux")
}

fn check_call(text: &str) -> Result<(), Unfit> {
    if text.starts_with('@') {
        return known(text, all_sets(), "a set of system calls");
    }
    let start = |c: char| c.is_ascii_lowercase() || c == '_';
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if text.starts_with(start) && text.chars().all(inner) && text.len() <= 64 {
        return Ok(());
    }
    Err(unfit(format!("{} is not a system call: lower case letters, digits and `_`", quoted(text))))
}

fn known(text: &str, names: impl Iterator<Item = &'static str> + Clone, what: &str) -> Result<(), Unfit> {
    if names.clone().any(|name| name == text) {
        return Ok(());
    }
    let hint = nearest(text, names).map(|name| format!("; did you mean `{name}`?"));
    Err(unfit(format!("{} is not {what}{}", quoted(text), hint.unwrap_or_default())))
}

fn check_bus_name(text: &str) -> Result<(), Unfit> {
    let start = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '-');
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let element = |element: &str| element.starts_with(start) && element.chars().all(inner);
    if text.contains('.') && text.split('.').all(element) && text.len() <= 255 {
        return Ok(());
    }
    Err(unfit(format!("{} is not a well-known bus name such as `org.example.Service`", quoted(text))))
}

fn check_architecture(text: &str) -> Result<(), Unfit> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(inner) && text.len() <= 32 {
        return Ok(());
    }
    Err(unfit(format!("{} is not an architecture such as `x86`", quoted(text))))
}
