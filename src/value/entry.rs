//! One entry of a list, as a unit writes it, put into the form in which the manager would publish it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::parts::{BindRule, bind, fields, file, image, join, packet_filter_set, program, temporary};
use super::{Remark, amount};
use crate::catalogue::{Entry, SecretForm, Unit};
use crate::context::Context;
use crate::release::Release;
use crate::syntax;
use crate::syscalls::Architecture;
use crate::unit_file::{UnitName, WordFault};

/// The texts of the entries in a value, and what keeps the rest from being split.
pub(super) fn split(entry: Entry, text: &str) -> (Vec<String>, Option<WordFault>) {
    let words = match entry {
        Entry::Line
        | Entry::WholePath
        | Entry::Program
        | Entry::Device
        | Entry::PerDevice(_)
        | Entry::Credential
        | Entry::Secret(_)
        | Entry::Import
        | Entry::File => vec![text.to_owned()],
        // Quotes are not taken off here.
        Entry::Group | Entry::Controller | Entry::Unit => {
            text.split_ascii_whitespace().map(str::to_owned).collect()
        }
        Entry::Listed => text.split(',').map(|word| word.trim().to_owned()).collect(),
        Entry::Searched => fields(text),
        Entry::Word
        | Entry::Variable
        | Entry::VariableOrValue
        | Entry::Path
        | Entry::Below
        | Entry::BelowByName
        | Entry::Architecture
        | Entry::Bind
        | Entry::Temporary
        | Entry::MountImage
        | Entry::ExtensionImage
        | Entry::ImageOptions
        | Entry::BindRule
        | Entry::PacketFilterSet
        | Entry::Numbers
        | Entry::Processors => return syntax::words_before_a_fault(text),
    };
    (words, None)
}

/// One entry; what systemd says where it is none.
pub(super) fn read(entry: Entry, word: &str, context: &Context) -> Result<String, Remark> {
    let ignored = |what: &str| Remark::Ignored(format!("`{}` {what}", word.escape_debug()));
    let known = |entry: Option<String>, what: &str| entry.ok_or_else(|| ignored(what));
    match entry {
        Entry::Variable if !is_variable(word) => Err(ignored("is no name of a variable")),
        Entry::VariableOrValue if !is_variable(word.split('=').next().unwrap_or(word)) => {
            Err(ignored("is no name of a variable"))
        }
        Entry::Word
        | Entry::Variable
        | Entry::VariableOrValue
        | Entry::Line
        | Entry::Listed
        | Entry::Numbers
        | Entry::Processors => Ok(word.to_owned()),
        Entry::Controller if is_controller(word, context.release) => Ok(word.to_owned()),
        Entry::Controller => Err(ignored("is no controller")),
        // What a specifier stands for is not known here.
        Entry::Unit if word.contains('%') || word.parse::<UnitName>().is_ok() => Ok(word.to_owned()),
        Entry::Unit => Err(ignored("is no name of a unit")),
        Entry::Program => known(program(word), "is no type and path of a BPF program"),
        Entry::Group => match bad_user(word) {
            Some(problem) => Err(Remark::Refused(problem)),
            None => Ok(word.to_owned()),
        },
        Entry::Path | Entry::WholePath | Entry::Searched => {
            let bare = if entry == Entry::Searched { word } else { bare(word) };
            let prefix = word.strip_suffix(bare).unwrap_or_default();
            match bad_path(bare) {
                Some(problem) => Err(ignored(problem)),
                None => Ok(format!("{prefix}{}", simplify(bare))),
            }
        }
        Entry::Below => known(below(word), "is no directory to make"),
        Entry::BelowByName => {
            // No link leads there.
            let linked = fields(word).get(1).is_some_and(|link| !link.is_empty());
            let name = word.split(':').next().filter(|_| !linked).and_then(below);
            known(name, "is no directory to make")
        }
        Entry::Device => known(device(word, context), "is no device"),
        Entry::PerDevice(unit) => known(per_device(unit, word), "is no path with a value"),
        Entry::Credential => match credential(word) {
            Ok(entry) => Ok(entry),
            Err(problem) => Err(ignored(problem)),
        },
        // What is wrong with it is told without the secret.
        Entry::Secret(form) => {
            let (name, secret) = word.split_once(':').unwrap_or((word, ""));
            match bad_secret(form, name, secret, context) {
                Some(problem) => Err(Remark::Ignored(format!("`{}` {problem}", name.escape_debug()))),
                None => Ok(name.to_owned()),
            }
        }
        Entry::Import => Ok(word.trim_end_matches(':').to_owned()),
        Entry::Architecture if word == "native" || Architecture::is_word(word, context.release) => {
            Ok(word.to_owned())
        }
        Entry::Architecture => {
            Err(Remark::Misread(format!("`{}` is no architecture and is left out", word.escape_debug())))
        }
        Entry::Bind => known(bind(&fields(word)), "is no path to mount"),
        Entry::Temporary => known(temporary(&fields(word)), "is no path to mount at"),
        Entry::MountImage => known(image(&fields(word), 2), "is no image and no path to mount it at"),
        Entry::ExtensionImage => known(image(&fields(word), 1), "is no image"),
        Entry::ImageOptions if word.contains(':') => Ok(word.to_owned()),
        Entry::ImageOptions => Ok(format!("root:{word}")),
        Entry::File => known(file(&fields(word)), "is no file to open"),
        Entry::BindRule => known(BindRule::read(word).map(BindRule::write), "is no rule about ports"),
        Entry::PacketFilterSet => known(packet_filter_set(word), "is no set of a packet filter"),
    }
}

/// Controllers of control groups, those that systemd makes of BPF programs among them (seen on 252).
static CONTROLLERS: [&str; 13] = [
    "cpu",
    "cpuacct",
    "cpuset",
    "io",
    "blkio",
    "memory",
    "devices",
    "pids",
    "bpf-firewall",
    "bpf-devices",
    "bpf-foreign",
    "bpf-socket-bind",
    "bpf-restrict-network-interfaces",
];

fn is_controller(word: &str, release: Release) -> bool {
    CONTROLLERS.contains(&word) || word == "bpf-bind-network-interface" && release >= Release::first(260)
}

/// A path without the `-` and `+` before it.
pub(super) fn bare(word: &str) -> &str {
    let word = word.strip_prefix('-').unwrap_or(word);
    word.strip_prefix('+').unwrap_or(word)
}

/// The place in the service's tree that an entry speaks of, and whether it may be missing.
pub(crate) fn place(kind: Entry, entry: &str) -> Option<(String, bool)> {
    let optional = entry.starts_with('-');
    let parts = fields(bare(entry));
    let place = match kind {
        // Its colons are its own.
        Entry::Path => return Some((bare(entry).to_owned(), optional)),
        Entry::Temporary => parts.first(),
        Entry::Bind => parts.get(1).or(parts.first()),
        Entry::MountImage => parts.get(1),
        _ => None,
    };
    Some((place?.clone(), optional))
}

/// Why a path is none that systemd takes.
fn bad_path(path: &str) -> Option<&'static str> {
    // What these stand for is absolute, whatever it is (`%Y` the unit file's directory, `%d` that of credentials).
    let is_open = ["%Y", "%y", "%d", "%s"].iter().any(|open| path.starts_with(open));
    if !path.starts_with('/') && !is_open {
        Some("is no absolute path")
    } else if path.split('/').any(|part| part == "..") {
        Some("has `..` in it")
    } else {
        None
    }
}

pub(super) fn good_path(path: &str) -> Option<String> {
    bad_path(path).is_none().then(|| simplify(path))
}

/// Why systemd refuses a user or group name, if it does (systemd 243 on, `valid_user_group_name` relaxed).
pub(super) fn bad_user(name: &str) -> Option<String> {
    let digits = name.bytes().all(|byte| byte.is_ascii_digit());
    let number = || {
        let leading_zero = name.len() > 1 && name.starts_with('0');
        !leading_zero && name.parse::<u32>().is_ok_and(|id| id != u32::MAX && id != 65535)
    };
    let minus_digits =
        name.strip_prefix('-').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    let bad = name.is_empty()
        || (digits && !number())
        || minus_digits
        || name.trim() != name
        || name.chars().any(|c| c.is_control() || matches!(c, ':' | '/'))
        || matches!(name, "." | "..");
    bad.then(|| format!("`{}` is no user or group name", name.escape_debug()))
}

/// Why systemd refuses a root directory or image, if it does.
pub(super) fn bad_root(path: &str) -> Option<String> {
    bad_path(path).map(|problem| format!("`{}` {problem}", path.escape_debug()))
}

/// Without doubled and trailing slashes and `.` parts.
pub(super) fn simplify(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    format!("/{}", parts.join("/"))
}

/// `NAME[:LINK[:FLAGS]]` without what says nothing.
fn below(word: &str) -> Option<String> {
    let fields = fields(word);
    let goes_up = |path: &String| path.split('/').any(|part| part == "..");
    // systemd keeps `private` for itself.
    let is_bad =
        |path: &String| path.starts_with('/') || goes_up(path) || path.split('/').next() == Some("private");
    let [name, rest @ ..] = fields.as_slice() else { return None };
    if name.is_empty() || is_bad(name) || rest.first().is_some_and(is_bad) {
        return None;
    }
    let relative = |path: &str| simplify(path).trim_start_matches('/').to_owned();
    let name = relative(name);
    Some(match rest {
        [] => name,
        [link] if link.is_empty() => name,
        [link] => join([name.as_str(), &relative(link)]),
        [link, flags] if link.is_empty() && flags.is_empty() => name,
        [link, flags] if flags.is_empty() => join([name.as_str(), &relative(link)]),
        [link, flags, ..] => join([name.as_str(), &relative(link), flags]),
    })
}

/// Names of the environment, as systemd takes them (`env_name_is_valid`).
pub(crate) fn is_variable(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.bytes().all(letter)
}

/// A name of a file descriptor (`fdname_is_valid`).
pub(super) fn is_descriptor_name(name: &str) -> bool {
    name.len() <= 255 && name.bytes().all(|byte| (b' '..0x7f).contains(&byte) && byte != b':')
}

/// Whether a credential can have the name: that of a file, of printable ASCII (systemd 252, `credential_name_valid`).
fn is_credential(name: &str) -> bool {
    let printable = |byte: u8| (b' '..0x7f).contains(&byte) && byte != b'/';
    !matches!(name, "" | "." | "..") && name.len() <= 255 && name.bytes().all(printable)
}

/// `NAME[:SOURCE]`; the source is a path, or the name of a credential that the manager was given itself.
fn credential(word: &str) -> Result<String, &'static str> {
    let (name, source) = word.split_once(':').unwrap_or((word, ""));
    if !is_credential(name) {
        return Err("has no name that a file can have");
    }
    let source = if source.is_empty() { name } else { source };
    let fits = if source.starts_with('/') { bad_path(source).is_none() } else { is_credential(source) };
    if fits { Ok(format!("{name}:{source}")) } else { Err("has no source that systemd takes") }
}

/// Why a secret is none that systemd takes.
fn bad_secret(form: SecretForm, name: &str, secret: &str, context: &Context) -> Option<&'static str> {
    if secret.is_empty() {
        return Some("comes without a value");
    }
    if !is_credential(name) {
        return Some("is no name that a file can have");
    }
    match form {
        SecretForm::Escaped => {
            (!syntax::is_escaped(secret)).then_some("has a value with an escape sequence that is none")
        }
        SecretForm::Base64 => {
            (!is_base64(secret, context.release)).then_some("has a value that is not valid Base64")
        }
    }
}

/// Whether systemd decodes a text (`unbase64mem()`): blanks count for nothing.
pub(crate) fn is_base64(text: &str, release: Release) -> bool {
    let for_urls = release >= Release::first(255);
    let letters = text.bytes().filter(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    let letters = letters.map(|byte| match byte {
        b'-' if for_urls => b'+',
        b'_' if for_urls => b'/',
        byte => byte,
    });
    STANDARD.decode(letters.collect::<Vec<_>>()).is_ok()
}

/// `PATH PERMISSIONS`, with the permissions that a bare path has written out.
fn device(text: &str, context: &Context) -> Option<String> {
    // Seen on 252, and not on 257: the path is simplified before it is looked at, and may be the folder itself.
    let simplifies = context.release.major < 257;
    // Quotes are taken off the path alone.
    let (path, access) = match (syntax::words(text).as_slice(), text.split_ascii_whitespace().last()) {
        ([path], _) => (path.clone(), "rwm"),
        ([path, _], Some(access)) => (path.clone(), access),
        _ => return None,
    };
    // `valid_device_allow_pattern`: a class of devices may even be nameless, a node may not.
    let class = ["char-", "block-"].iter().any(|start| path.starts_with(start));
    let parts: Vec<&str> =
        path.split('/').skip(1).filter(|part| !(simplifies && matches!(*part, "" | "."))).collect();
    let folder = [["dev"].as_slice(), &["run", "systemd", "inaccessible"]];
    let below =
        folder.iter().any(|folder| parts.starts_with(folder) && (simplifies || parts.len() > folder.len()));
    let node = path.starts_with('/') && below && parts.iter().all(|part| !matches!(*part, "" | "." | ".."));
    let letters = !access.is_empty() && access.bytes().all(|byte| matches!(byte, b'r' | b'w' | b'm'));
    let access: String = "rwm".chars().filter(|letter| access.contains(*letter)).collect();
    ((class || node) && letters).then(|| format!("{path} {access}"))
}

fn per_device(unit: Unit, text: &str) -> Option<String> {
    let words = syntax::words(text);
    let (number, path) = words.split_last()?;
    let path = good_path(path.first().filter(|_| path.len() == 1)?)?;
    Some(device_amount(&path, unit, amount::number(unit, number)?))
}

/// `PATH NUMBER`.
pub(super) fn device_amount(path: &str, unit: Unit, number: u64) -> String {
    format!("{path} {}", amount::write(unit, number))
}
