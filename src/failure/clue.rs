//! What a line that a program wrote says of an error: which one, and the path or call that it names. Programs write as
//! they like; what is found here is a hint and no proof.

use crate::catalogue::Errno;
use crate::syscalls::Call;

/// What a line says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Clue {
    /// The error.
    pub(super) errno: Option<Errno>,
    /// The path that it is about.
    pub(super) path: Option<String>,
    /// The system call that it is about.
    pub(super) call: Option<&'static str>,
    /// The address family that it names.
    pub(super) family: Option<String>,
    /// The program without its path that it is about, as shells name those that they cannot run.
    pub(super) program: Option<String>,
}

/// Longer lines are no message; the error stands near their end or start.
const LONGEST: usize = 4096;

/// What dash(1), which is `/bin/sh` on Debian, says in words of its own (its error.c).
const OTHERWISE: [(Errno, &str); 2] =
    [(Errno::NoEntry, "directory nonexistent"), (Errno::NoEntry, ": no such file")];

/// Reads a line; nothing where it tells of no known error.
pub(super) fn read(text: &str) -> Option<Clue> {
    let text = text.get(..text.floor_char_boundary(LONGEST))?;
    let lower = text.to_ascii_lowercase();
    let (errno, at) = Errno::ALL.iter().find_map(|errno| Some((*errno, place(text, &lower, *errno)?)))?;
    Some(Clue {
        errno: Some(errno),
        path: path(text, at),
        call: call(text),
        program: program(text, at),
        family: words(text).find(|word| word.starts_with("AF_")).map(str::to_owned),
    })
}

/// Where the error stands, as its text in any case or by its name.
fn place(text: &str, lower: &str, errno: Errno) -> Option<usize> {
    let name = || {
        let at = text.find(errno.name())?;
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + errno.name().len()..).and_then(|after| after.chars().next());
        let apart =
            |neighbour: Option<char>| !neighbour.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
        (apart(before) && apart(after)).then_some(at)
    };
    let otherwise = || {
        let mut own = OTHERWISE.iter().filter(|(known, _)| *known == errno);
        own.find_map(|(_, words)| lower.find(words))
    };
    lower.find(&errno.says().to_ascii_lowercase()).or_else(name).or_else(otherwise)
}

/// The path that stands last before the error, or else first after it; the name of the program itself comes before
/// both.
fn path(text: &str, at: usize) -> Option<String> {
    let (before, after) = (text.get(..at)?, text.get(at..)?);
    let first = |text: &str| paths(text).next().map(|(_, path)| path);
    let quoted_after = after.find(": '/").and_then(|start| first(after.get(start..)?));
    // A path that begins the line, with more words before the error, is the program that speaks.
    let speaks = |start: usize, path: &str| {
        let rest = before.get(start + path.len()..).unwrap_or_default();
        start == 0 && rest.starts_with(':') && rest.contains(|c: char| c.is_alphanumeric())
    };
    let last = paths(before).filter(|(start, path)| !speaks(*start, path)).last().map(|(_, path)| path);
    quoted_after.or(last).or_else(|| first(after))
}

/// What looks like an absolute path: from a slash at the start of a word to its end. In quotes it may hold blanks.
/// Each with the place where it begins.
fn paths(text: &str) -> impl Iterator<Item = (usize, String)> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let start = rest.find('/')?;
            let before = rest.get(..start)?.chars().next_back();
            let tail = rest.get(start..)?;
            let quote = before.filter(|c| "'\"`\u{2018}\u{201c}".contains(*c)).map(closing);
            let begins = before.is_none_or(|c| c.is_whitespace() || "'\"`(=[\u{2018}\u{201c}:".contains(c));
            let end = match quote.and_then(|quote| tail.find(quote)) {
                Some(end) => end,
                None => {
                    tail.find(|c: char| c.is_whitespace() || "'\"`()[],;".contains(c)).unwrap_or(tail.len())
                }
            };
            let word = tail.get(..end)?;
            let place = text.len() - tail.len();
            rest = tail.get(end.max(1)..)?;
            let plain = word.trim_end_matches([':', '.', ',']);
            if begins && plain.len() > 1 && !plain.starts_with("//") {
                return Some((place, plain.to_owned()));
            }
        }
    })
}

fn closing(quote: char) -> char {
    match quote {
        '`' => '\'',
        '\u{2018}' => '\u{2019}',
        '\u{201c}' => '\u{201d}',
        same => same,
    }
}

/// The last system call that is named as one: `bind: …`, `socket() …`, `unshare failed`, `call to mmap`.
fn call(text: &str) -> Option<&'static str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = None;
    let mut from = 0;
    for word in text.split(|c: char| !is_word(c)) {
        let end = from + word.len();
        let after = text.get(end..).unwrap_or_default();
        let named =
            after.starts_with(['(', ':']) || after.starts_with(" failed") || after.starts_with(" call");
        if named && let Some(call) = Call::find(word) {
            found = Some(call.name());
        }
        from = end + text.get(end..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    }
    found
}

/// A name alone between colons before the error, not at the start, where whoever speaks has its own:
/// `/bin/sh: 1: touch: Permission denied`.
fn program(text: &str, at: usize) -> Option<String> {
    let before = text.get(..at)?.trim_end().strip_suffix(':')?;
    let (_, name) = before.rsplit_once(':')?;
    let name = name.trim_start();
    let is_name = !name.is_empty()
        && !name.bytes().all(|byte| byte.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte));
    (is_name && Call::find(name).is_none()).then(|| name.to_owned())
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_read_with_what_they_are_about() {
        let cases = [
            (
                "/bin/cat: /home/homer/.profile: No such file or directory",
                Errno::NoEntry,
                "/home/homer/.profile",
            ),
            ("touch: cannot touch '/srv/my file': Read-only file system", Errno::ReadOnly, "/srv/my file"),
            (
                "/bin/sh: 1: cannot create /proc/sys/kernel/panic: Read-only file system",
                Errno::ReadOnly,
                "/proc/sys/kernel/panic",
            ),
            ("PermissionError: [Errno 13] Permission denied: '/srv/x'", Errno::Access, "/srv/x"),
            ("/srv/y: Permission denied", Errno::Access, "/srv/y"),
            ("open /etc/x.conf: permission denied", Errno::Access, "/etc/x.conf"),
            ("Error: EROFS: read-only file system, open '/var/x'", Errno::ReadOnly, "/var/x"),
            ("/bin/sh: 1: cannot create /proc/sys/x: Directory nonexistent", Errno::NoEntry, "/proc/sys/x"),
            ("/bin/sh: 1: cannot open /dev/x: No such file", Errno::NoEntry, "/dev/x"),
        ];
        for (text, errno, path) in cases {
            let clue = read(text).unwrap_or_default();
            assert_eq!((clue.errno, clue.path.as_deref()), (Some(errno), Some(path)), "{text}");
        }
    }

    #[test]
    fn programs_are_read_where_a_shell_names_them() {
        let cases = [
            ("/bin/sh: 1: touch: Permission denied", Some("touch")),
            ("sh: 1: exec: sleep: Permission denied", Some("sleep")),
            ("touch: Permission denied", None),
            ("/bin/sh: 1: Permission denied", None),
            ("nginx: bind: Permission denied", None),
        ];
        for (text, program) in cases {
            assert_eq!(read(text).unwrap_or_default().program.as_deref(), program, "{text}");
        }
    }

    #[test]
    fn calls_are_read_where_they_are_named_as_calls() {
        let cases = [
            ("bind: Permission denied", Some("bind")),
            ("socket(AF_NETLINK) failed: Address family not supported by protocol", Some("socket")),
            ("unshare: unshare failed: Operation not permitted", Some("unshare")),
            ("cannot open the file: Operation not permitted", None),
            ("/bin/date: cannot set date: Operation not permitted", None),
            ("dmesg: read kernel buffer failed: Operation not permitted", None),
        ];
        for (text, call) in cases {
            assert_eq!(read(text).unwrap_or_default().call, call, "{text}");
        }
        assert_eq!(
            read("/bin/date: cannot set date: Operation not permitted").unwrap_or_default().path,
            None
        );
        let family = read("socket(AF_NETLINK): Address family not supported by protocol").unwrap_or_default();
        assert_eq!(family.family.as_deref(), Some("AF_NETLINK"));
    }

    #[test]
    fn what_is_no_error_is_no_clue() {
        for text in ["", "/", "all is well", "XEPERMX", "'/", "\u{2018}/\u{2019}"] {
            assert_eq!(read(text), None, "{text}");
        }
        let long = format!("{}é: Permission denied", "é".repeat(LONGEST));
        assert_eq!(read(&long), None);
    }
}
