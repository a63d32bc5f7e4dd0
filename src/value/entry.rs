//! One entry of a list, as a unit writes it, put into the form in which the manager would publish it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Remark, amount};
use crate::catalogue::{Entry, SecretForm, Unit};
use crate::context::Context;
use crate::release::Release;
use crate::syntax;
use crate::syscalls::Architecture;
use crate::unit_file::WordFault;

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
        Entry::Group | Entry::Controller => text.split_ascii_whitespace().map(str::to_owned).collect(),
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

/// Where a BPF program of a control group is called (systemd.resource-control(5), `BPFProgram=`).
static PROGRAM_TYPES: [&str; 18] = [
    "egress",
    "ingress",
    "sock_create",
    "sock_ops",
    "device",
    "bind4",
    "bind6",
    "connect4",
    "connect6",
    "post_bind4",
    "post_bind6",
    "sendmsg4",
    "sendmsg6",
    "sysctl",
    "recvmsg4",
    "recvmsg6",
    "getsockopt",
    "setsockopt",
];

fn program(text: &str) -> Option<String> {
    let (kind, path) = text.split_once(':')?;
    PROGRAM_TYPES.contains(&kind).then_some(())?;
    Some(format!("{kind}:{}", good_path(path)?))
}

/// The parts between colons; a backslash takes a colon's meaning away.
fn fields(word: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = word.chars();
    while let Some(c) = characters.next() {
        let next = match c {
            ':' => {
                fields.push(String::new());
                continue;
            }
            '\\' => characters.next().unwrap_or(c),
            _ => c,
        };
        if let Some(field) = fields.last_mut() {
            field.push(next);
        }
    }
    fields
}

/// Parts put together again.
pub(super) fn join<'a>(fields: impl IntoIterator<Item = &'a str>) -> String {
    let escaped = fields.into_iter().map(|field| field.replace('\\', r"\\").replace(':', r"\:"));
    escaped.collect::<Vec<_>>().join(":")
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

fn good_path(path: &str) -> Option<String> {
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

/// `PATH PERMISSIONS`, with the permissions that a bare path has written out.
/// Whether a credential can have the name: that of a file, of printable ASCII (systemd 252, `credential_name_valid`).
/// Names of the environment, as systemd takes them (`env_name_is_valid`).
pub(crate) fn is_variable(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.bytes().all(letter)
}

/// A name of a file descriptor (`fdname_is_valid`).
pub(super) fn is_descriptor_name(name: &str) -> bool {
    name.len() <= 255 && name.bytes().all(|byte| (b' '..0x7f).contains(&byte) && byte != b':')
}

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

/// `[-]SOURCE[:DESTINATION[:norbind]]` without what says nothing.
fn bind(fields: &[String]) -> Option<String> {
    let (source, rest) = fields.split_first()?;
    let (dash, source) = source.strip_prefix('-').map_or(("", source.as_str()), |source| ("-", source));
    let source = good_path(source)?;
    let destination = match rest.first().filter(|destination| !destination.is_empty()) {
        Some(destination) => good_path(destination)?,
        None => source.clone(),
    };
    let recursive = match rest.get(1).map(String::as_str) {
        None | Some("" | "rbind") => true,
        Some("norbind") => false,
        Some(_) => return None,
    };
    Some(mounted(dash, &source, &destination, recursive))
}

/// What [`bind`] comes to.
pub(super) fn mounted(dash: &str, source: &str, destination: &str, recursive: bool) -> String {
    let entry = match (recursive, source == destination) {
        (true, true) => join([source]),
        (true, false) => join([source, destination]),
        (false, _) => join([source, destination, "norbind"]),
    };
    format!("{dash}{entry}")
}

fn temporary(fields: &[String]) -> Option<String> {
    let (path, options) = fields.split_first()?;
    Some(temporary_at(&good_path(path)?, &options.join(":")))
}

/// `PATH[:OPTIONS]`.
pub(super) fn temporary_at(path: &str, options: &str) -> String {
    if options.is_empty() { join([path]) } else { join([path, options]) }
}

/// Paths, and the options of partitions by twos; options alone are those of the root partition.
fn image(fields: &[String], paths: usize) -> Option<String> {
    let (paths, options) = fields.split_at_checked(paths)?;
    let (source, rest) = paths.split_first()?;
    let (dash, source) = source.strip_prefix('-').map_or(("", source.as_str()), |source| ("-", source));
    let mut parts = vec![good_path(source)?];
    for path in rest {
        parts.push(good_path(path)?);
    }
    match options {
        [options] if !options.is_empty() => parts.extend(["root".to_owned(), options.clone()]),
        [only] if only.is_empty() => {}
        _ => parts.extend(options.iter().cloned()),
    }
    Some(format!("{dash}{}", join(parts.iter().map(String::as_str))))
}

/// The options of OpenFile=, by bit.
static FILE_OPTIONS: [&str; 4] = ["read-only", "append", "truncate", "graceful"];

fn file(fields: &[String]) -> Option<String> {
    let (path, rest) = fields.split_first()?;
    let path = good_path(path)?;
    let last = path.rsplit('/').next().unwrap_or_default();
    let name = rest.first().map(String::as_str).filter(|name| !name.is_empty()).unwrap_or(last);
    let mut bits = 0;
    for option in
        rest.get(1).map(String::as_str).unwrap_or_default().split(',').filter(|word| !word.is_empty())
    {
        bits |= 1 << FILE_OPTIONS.iter().position(|known| *known == option)?;
    }
    Some(opened(&path, name, bits))
}

/// `PATH:NAME[:OPTIONS]`.
pub(super) fn opened(path: &str, name: &str, bits: u64) -> String {
    let options = FILE_OPTIONS.iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0);
    let options = options.map(|(_, option)| *option).collect::<Vec<_>>().join(",");
    if options.is_empty() { join([path, name]) } else { join([path, name, &options]) }
}

/// The sources and the families that NFTSet= knows, with the numbers that the manager publishes for them
/// (linux/netfilter.h).
pub(super) static SET_SOURCES: [(&str, i64); 3] = [("cgroup", 3), ("user", 4), ("group", 5)];
pub(super) static SET_FAMILIES: [(&str, i64); 6] =
    [("inet", 1), ("ip", 2), ("arp", 3), ("netdev", 5), ("bridge", 7), ("ip6", 10)];

fn packet_filter_set(word: &str) -> Option<String> {
    let [source, family, table, set] = <[&str; 4]>::try_from(word.split(':').collect::<Vec<_>>()).ok()?;
    let known = |names: &[(&str, i64)], word: &str| names.iter().any(|(name, _)| *name == word);
    let good =
        known(&SET_SOURCES, source) && known(&SET_FAMILIES, family) && !table.is_empty() && !set.is_empty();
    good.then(|| word.to_owned())
}

/// Ports of a family and a protocol (systemd 249 on, `parse_socket_bind_item`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BindRule {
    /// `AF_INET`, `AF_INET6`, or 0 for both.
    pub(super) family: i64,
    /// `IPPROTO_TCP`, `IPPROTO_UDP`, or 0 for both.
    pub(super) protocol: i64,
    /// How many ports; 0 for all.
    pub(super) count: u64,
    /// The first of them.
    pub(super) first: u64,
}

impl BindRule {
    fn read(word: &str) -> Option<Self> {
        let mut rule = Self { family: 0, protocol: 0, count: 0, first: 0 };
        let mut rest = Some(word);
        let mut take = |words: &[(&str, i64)]| {
            let (first, after) = match rest?.split_once(':') {
                Some((first, after)) => (first, Some(after)),
                None => (rest?, None),
            };
            let number = words.iter().find(|(known, _)| *known == first).map(|(_, number)| *number)?;
            rest = after;
            Some(number)
        };
        rule.family = take(&[("ipv4", 2), ("ipv6", 10)]).unwrap_or_default();
        rule.protocol = take(&[("tcp", 6), ("udp", 17)]).unwrap_or_default();
        let Some(ports) = rest.filter(|ports| !matches!(*ports, "" | "any")) else { return Some(rule) };
        let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
        let (first, last) = (first.parse::<u16>().ok()?, last.parse::<u16>().ok()?);
        rule.count = u64::from(last.checked_sub(first).filter(|_| first > 0)?) + 1;
        rule.first = u64::from(first);
        Some(rule)
    }

    /// The shortest form; a family or a protocol alone stands for all its ports.
    pub(super) fn write(self) -> String {
        let family = match self.family {
            2 => Some("ipv4".to_owned()),
            10 => Some("ipv6".to_owned()),
            _ => None,
        };
        let protocol = match self.protocol {
            6 => Some("tcp".to_owned()),
            17 => Some("udp".to_owned()),
            _ => None,
        };
        let ports = match self.count {
            0 if family.is_some() || protocol.is_some() => None,
            0 => Some("any".to_owned()),
            1 => Some(self.first.to_string()),
            count => Some(format!("{}-{}", self.first, self.first.saturating_add(count - 1))),
        };
        [family, protocol, ports].into_iter().flatten().collect::<Vec<_>>().join(":")
    }
}
