//! The words and numbers of unit files, as the families of values read them: thin names over the grammar that the
//! unit reader has.

use std::borrow::Cow;

pub(crate) use crate::unit_file::boolean;
pub(crate) use crate::unit_file::is_escaped;
use crate::unit_file::{Base, Escapes, Quotes, WordError, WordFault};

/// Words separated by blanks, quotes taken off; what systemd cannot split is no words.
pub(crate) fn words(text: &str) -> Vec<String> {
    split(text).unwrap_or_default()
}

/// The same as far as systemd can split the text, and why not farther: what it takes up word by word.
pub(crate) fn words_before_a_fault(text: &str) -> (Vec<String>, Option<WordFault>) {
    match split(text) {
        Ok(words) => (words, None),
        Err(WordError { fault, before }) => (before, Some(fault)),
    }
}

fn split(text: &str) -> Result<Vec<String>, WordError> {
    if !text.contains(['"', '\'', '\\']) {
        return Ok(text.split_ascii_whitespace().map(str::to_owned).collect());
    }
    crate::unit_file::split(text, Quotes::Unquote, Escapes::Keep)
}

/// The same one by one, without a copy of those that stand in no quotes.
pub(crate) fn each_word(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let plain = !text.contains(['"', '\'', '\\']);
    let bare = if plain { text } else { "" }.split_ascii_whitespace().map(Cow::Borrowed);
    let quoted = if plain { Vec::new() } else { words(text) };
    bare.chain(quoted.into_iter().map(Cow::Owned))
}

/// A number as systemd reads most of them (`safe_atou64()`, as seen on 252): in any of C's ways, or with 0b or 0o before
/// it.
pub(crate) fn number(text: &str) -> Option<u64> {
    let (digits, base) = match text.as_bytes() {
        [b'0', b'b' | b'B', ..] => (text.get(2..)?, 2),
        [b'0', b'o' | b'O', ..] => (text.get(2..)?, 8),
        _ => return of_c(text.strip_prefix('+').unwrap_or(text)),
    };
    from_digits(digits, base)
}

/// The same with a sign (`safe_atoi()`).
pub(crate) fn integer(text: &str) -> Option<i64> {
    match text.strip_prefix('-') {
        Some(digits) => of_c(digits).and_then(|number| 0_i64.checked_sub_unsigned(number)),
        None => number(text).and_then(|number| number.try_into().ok()),
    }
}

/// Decimal, `0x` hexadecimal, or octal behind a zero.
fn of_c(text: &str) -> Option<u64> {
    match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => from_digits(text.get(2..)?, 16),
        [b'0', _, ..] => from_digits(text.get(1..)?, 8),
        _ => from_digits(text, 10),
    }
}

/// A second sign is none.
fn from_digits(digits: &str, base: u32) -> Option<u64> {
    u64::from_str_radix(digits, base).ok().filter(|_| !digits.starts_with('+'))
}

/// Octal mode bits.
pub(crate) fn mode(text: &str) -> Option<u32> {
    crate::unit_file::file_mode(text)
}

/// Bytes, in powers of 1024.
pub(crate) fn size(text: &str) -> Option<u64> {
    crate::unit_file::size(text, Base::Binary)
}

/// Bytes or operations a second, in powers of 1000.
pub(crate) fn rate(text: &str) -> Option<u64> {
    crate::unit_file::size(text, Base::Decimal)
}

/// Microseconds; a bare number is in `default_unit` microseconds.
pub(crate) fn time_span(text: &str, default_unit: u64) -> Option<u64> {
    crate::unit_file::time_span(text, default_unit)
}

/// A time span in nanoseconds, which a number without unit counts as well.
pub(crate) fn nanoseconds(text: &str) -> Option<u64> {
    crate::unit_file::nanoseconds(text)
}
