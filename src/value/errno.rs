//! The names of errors, and the numbers that the manager publishes for them.

use crate::architecture::Architecture;
use crate::context::Context;

/// asm-generic/errno-base.h and asm-generic/errno.h, from 1 on; no name where a number has none.
static ERRORS: [&str; 133] = [
    "EPERM",
    "ENOENT",
    "ESRCH",
    "EINTR",
    "EIO",
    "ENXIO",
    "E2BIG",
    "ENOEXEC",
    "EBADF",
    "ECHILD",
    "EAGAIN",
    "ENOMEM",
    "EACCES",
    "EFAULT",
    "ENOTBLK",
    "EBUSY",
    "EEXIST",
    "EXDEV",
    "ENODEV",
    "ENOTDIR",
    "EISDIR",
    "EINVAL",
    "ENFILE",
    "EMFILE",
    "ENOTTY",
    "ETXTBSY",
    "EFBIG",
    "ENOSPC",
    "ESPIPE",
    "EROFS",
    "EMLINK",
    "EPIPE",
    "EDOM",
    "ERANGE",
    "EDEADLK",
    "ENAMETOOLONG",
    "ENOLCK",
    "ENOSYS",
    "ENOTEMPTY",
    "ELOOP",
    "",
    "ENOMSG",
    "EIDRM",
    "ECHRNG",
    "EL2NSYNC",
    "EL3HLT",
    "EL3RST",
    "ELNRNG",
    "EUNATCH",
    "ENOCSI",
    "EL2HLT",
    "EBADE",
    "EBADR",
    "EXFULL",
    "ENOANO",
    "EBADRQC",
    "EBADSLT",
    "",
    "EBFONT",
    "ENOSTR",
    "ENODATA",
    "ETIME",
    "ENOSR",
    "ENONET",
    "ENOPKG",
    "EREMOTE",
    "ENOLINK",
    "EADV",
    "ESRMNT",
    "ECOMM",
    "EPROTO",
    "EMULTIHOP",
    "EDOTDOT",
    "EBADMSG",
    "EOVERFLOW",
    "ENOTUNIQ",
    "EBADFD",
    "EREMCHG",
    "ELIBACC",
    "ELIBBAD",
    "ELIBSCN",
    "ELIBMAX",
    "ELIBEXEC",
    "EILSEQ",
    "ERESTART",
    "ESTRPIPE",
    "EUSERS",
    "ENOTSOCK",
    "EDESTADDRREQ",
    "EMSGSIZE",
    "EPROTOTYPE",
    "ENOPROTOOPT",
    "EPROTONOSUPPORT",
    "ESOCKTNOSUPPORT",
    "EOPNOTSUPP",
    "EPFNOSUPPORT",
    "EAFNOSUPPORT",
    "EADDRINUSE",
    "EADDRNOTAVAIL",
    "ENETDOWN",
    "ENETUNREACH",
    "ENETRESET",
    "ECONNABORTED",
    "ECONNRESET",
    "ENOBUFS",
    "EISCONN",
    "ENOTCONN",
    "ESHUTDOWN",
    "ETOOMANYREFS",
    "ETIMEDOUT",
    "ECONNREFUSED",
    "EHOSTDOWN",
    "EHOSTUNREACH",
    "EALREADY",
    "EINPROGRESS",
    "ESTALE",
    "EUCLEAN",
    "ENOTNAM",
    "ENAVAIL",
    "EISNAM",
    "EREMOTEIO",
    "EDQUOT",
    "ENOMEDIUM",
    "EMEDIUMTYPE",
    "ECANCELED",
    "ENOKEY",
    "EKEYEXPIRED",
    "EKEYREVOKED",
    "EKEYREJECTED",
    "EOWNERDEAD",
    "ENOTRECOVERABLE",
    "ERFKILL",
    "EHWPOISON",
];

/// Second names (asm-generic/errno.h, errno(3)).
static ALIASES: [(&str, &str); 3] =
    [("EWOULDBLOCK", "EAGAIN"), ("EDEADLOCK", "EDEADLK"), ("ENOTSUP", "EOPNOTSUPP")];

/// The last number that means the same everywhere.
const LAST_COMMON: u64 = 34;
/// The last number there may be (`ERRNO_MAX`).
const LAST: u64 = 4095;

/// Whether numbers above [`LAST_COMMON`] mean what asm-generic/errno.h says.
fn is_generic(architecture: Architecture) -> bool {
    !matches!(
        architecture,
        Architecture::Mips
            | Architecture::Mips64
            | Architecture::Mips64N32
            | Architecture::MipsLe
            | Architecture::Mips64Le
            | Architecture::Mips64LeN32
            | Architecture::Parisc
            | Architecture::Parisc64
    )
}

/// The name of a number, or the number where it has none; nothing where it is not known.
pub(super) fn name(number: u64, context: &Context) -> Option<String> {
    if number > LAST || number > LAST_COMMON && !is_generic(context.architecture) {
        return None;
    }
    let place = usize::try_from(number).ok()?.checked_sub(1)?;
    let name = ERRORS.get(place).filter(|name| !name.is_empty());
    Some(name.map_or_else(|| number.to_string(), |name| (*name).to_owned()))
}

/// A number as systemd reads one (`safe_atoi`): in hexadecimal, octal or binary where it begins so.
pub(super) fn number(text: &str) -> Option<u64> {
    let lower = text.strip_prefix('+').unwrap_or(text).to_ascii_lowercase();
    let (radix, digits) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        Some(_) if lower.starts_with('0') => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_number.then(|| u64::from_str_radix(digits, radix).ok()).flatten()
}

/// A name in any case (systemd's table of them ignores it), or that of a number.
pub(super) fn read(text: &str, context: &Context) -> Option<String> {
    let alias = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(text));
    let text = alias.map_or(text, |(_, name)| name);
    if let Some(name) = ERRORS.iter().find(|name| !name.is_empty() && name.eq_ignore_ascii_case(text)) {
        return Some((*name).to_owned());
    }
    let number = number(text).filter(|number| (1..=LAST).contains(number))?;
    Some(name(number, context).unwrap_or_else(|| number.to_string()))
}
