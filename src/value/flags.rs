//! Sets of named bits: secure bits, and the memory that goes into a core dump.

use std::cmp::Ordering;

use super::{Remark, Value, bits};
use crate::catalogue::MaskGrammar;
use crate::context::Context;
use crate::syntax;

/// A bit's name, and the first release that reads it.
type Named = (&'static str, u64, u16);

/// linux/securebits.h.
static SECURE_BITS: &[Named] = &[
    ("noroot", 1, 0),
    ("noroot-locked", 1 << 1, 0),
    ("no-setuid-fixup", 1 << 2, 0),
    ("no-setuid-fixup-locked", 1 << 3, 0),
    ("keep-caps", 1 << 4, 0),
    ("keep-caps-locked", 1 << 5, 0),
    ("no-cap-ambient-raise", 1 << 6, 262),
    ("no-cap-ambient-raise-locked", 1 << 7, 262),
    ("exec-restrict-file", 1 << 8, 262),
    ("exec-restrict-file-locked", 1 << 9, 262),
    ("exec-deny-interactive", 1 << 10, 262),
    ("exec-deny-interactive-locked", 1 << 11, 262),
];

/// core(5).
static MAPPINGS: &[Named] = &[
    ("private-anonymous", 1, 0),
    ("shared-anonymous", 1 << 1, 0),
    ("private-file-backed", 1 << 2, 0),
    ("shared-file-backed", 1 << 3, 0),
    ("elf-headers", 1 << 4, 0),
    ("private-huge", 1 << 5, 0),
    ("shared-huge", 1 << 6, 0),
    ("private-dax", 1 << 7, 0),
    ("shared-dax", 1 << 8, 0),
];

/// The kernel's own choice: anonymous memory, headers and private huge pages.
const DEFAULT_MAPPINGS: u64 = 0x33;

fn names(grammar: MaskGrammar) -> &'static [Named] {
    match grammar {
        MaskGrammar::SecureBits => SECURE_BITS,
        MaskGrammar::CoreDump => MAPPINGS,
        MaskGrammar::Bounding | MaskGrammar::Ambient | MaskGrammar::Namespaces | MaskGrammar::Delegated => {
            &[]
        }
    }
}

fn all(grammar: MaskGrammar) -> u64 {
    names(grammar).iter().fold(0, |all, (_, bit, _)| all | bit)
}

pub(super) fn assign(
    grammar: MaskGrammar,
    before: &Value,
    text: &str,
    context: &Context,
    remarks: &mut Vec<Remark>,
) -> Value {
    if text.is_empty() {
        return if grammar == MaskGrammar::CoreDump { Value::Unset } else { Value::Mask(0) };
    }
    // The last line of SecureBits= counts, whatever its manual says (systemd 252 and 257, seen).
    let mut mask = match before {
        Value::Mask(bits) if grammar == MaskGrammar::CoreDump => *bits,
        _ => 0,
    };
    for word in syntax::words(text) {
        if let Some(bits) = named(grammar, &word, context) {
            mask |= bits;
        } else {
            remarks.push(Remark::Misread(format!("`{}` is unknown and left out", word.escape_debug())));
        }
    }
    Value::Mask(mask)
}

fn named(grammar: MaskGrammar, word: &str, context: &Context) -> Option<u64> {
    if grammar == MaskGrammar::CoreDump {
        match word {
            "all" => return Some(all(grammar)),
            "default" => return Some(DEFAULT_MAPPINGS),
            _ => {}
        }
    }
    let known =
        names(grammar).iter().find(|(name, _, since)| *name == word && context.release.major >= *since);
    let hexadecimal = || u64::from_str_radix(word.strip_prefix("0x").unwrap_or(word), 16).ok();
    match known {
        Some((_, bit, _)) => Some(*bit),
        None if grammar == MaskGrammar::CoreDump => hexadecimal(),
        None => None,
    }
}

pub(super) fn write(grammar: MaskGrammar, mask: u64) -> String {
    let known = names(grammar).iter().filter(|(_, bit, _)| mask & bit != 0).map(|(name, _, _)| *name);
    known.collect::<Vec<_>>().join(" ")
}

/// More secure bits are stricter, and less memory in a dump; bits without a name do not count.
pub(super) fn compare(grammar: MaskGrammar, found: u64, wanted: u64) -> Option<Ordering> {
    let ordering = bits(found & all(grammar), wanted & all(grammar))?;
    Some(if grammar == MaskGrammar::SecureBits { ordering } else { ordering.reverse() })
}
