//! systemd's splitting of a value into words (`extract_first_word()`). Which directive splits, unquotes or unescapes
//! is left to others.

use std::borrow::Cow;
use std::fmt;

/// What quotes mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quotes {
    /// They are characters like any other.
    Keep,
    /// Blanks between `"…"` or `'…'` belong to the word and the quotes are removed; also in the middle of a word,
    /// whatever systemd.syntax(7) says.
    Unquote,
}

/// What backslashes mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escapes {
    /// They are characters like any other (`EXTRACT_RETAIN_ESCAPE`).
    Keep,
    /// The backslash goes, the next character stays whatever it is (no flag; most lists of paths).
    Strip,
    /// The sequences of C and `\s`; an unknown one is an error (`EXTRACT_CUNESCAPE`).
    CUnescape,
    /// The same, but unknown sequences and a last backslash stay as they are (`EXTRACT_UNESCAPE_RELAX`).
    CUnescapeRelaxed,
}

/// A value that cannot be split to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordError {
    /// What is wrong with the next word.
    pub fault: WordFault,
    /// The words before it: most directives have taken them by then.
    pub before: Vec<String>,
}

/// Why a word cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordFault {
    /// A quote is not closed.
    OpenQuote,
    /// A backslash at the end.
    OpenEscape,
    /// A sequence that C does not have.
    UnknownEscape,
    /// The escapes give bytes that are not UTF-8.
    NotUtf8,
}

impl fmt::Display for WordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

impl fmt::Display for WordFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OpenQuote => "a quote is not closed",
            Self::OpenEscape => "a backslash stands at the end",
            Self::UnknownEscape => "an escape sequence is unknown",
            Self::NotUtf8 => "the escape sequences give no UTF-8",
        })
    }
}

impl std::error::Error for WordError {}

/// The words of `value`, separated by blanks.
pub fn split(value: &str, quotes: Quotes, escapes: Escapes) -> Result<Vec<String>, WordError> {
    let mut words = Vec::new();
    let mut rest = value.trim_start_matches(is_blank);
    while !rest.is_empty() {
        let (word, after) = match next_word(rest, quotes, escapes) {
            Ok(found) => found,
            Err(fault) => return Err(WordError { fault, before: words }),
        };
        words.push(word.into_owned());
        rest = after.trim_start_matches(is_blank);
    }
    Ok(words)
}

/// The first word of a text that does not start with a blank, and what follows it.
pub(crate) fn next_word(
    text: &str,
    quotes: Quotes,
    escapes: Escapes,
) -> Result<(Cow<'_, str>, &str), WordFault> {
    // Most words stand there as they are.
    let is_end = |byte: &u8| matches!(byte, b'\\' | b'"' | b'\'') || is_blank((*byte).into());
    let (plain, rest) = text.split_at(text.as_bytes().iter().position(is_end).unwrap_or(text.len()));
    if rest.is_empty() || rest.starts_with(is_blank) {
        return Ok((plain.into(), rest));
    }
    let mut word: Vec<u8> = plain.into();
    let mut quote = None;
    let mut rest = rest;
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        match (c, quote) {
            ('\\', _) if escapes != Escapes::Keep => {
                rest = unescape(after, escapes, quote.is_some(), &mut word)?;
                continue;
            }
            (c, Some(open)) if c == open => quote = None,
            (_, Some(_)) => push(&mut word, c),
            ('"' | '\'', None) if quotes == Quotes::Unquote => quote = Some(c),
            (c, None) if is_blank(c) => break,
            (c, None) => push(&mut word, c),
        }
        rest = after;
    }
    if quote.is_some() {
        return Err(WordFault::OpenQuote);
    }
    let word = String::from_utf8(word).map_err(|_| WordFault::NotUtf8)?;
    Ok((word.into(), rest))
}

/// Adds what the sequence at the start of `text` stands for, its backslash gone, and gives what follows it.
fn unescape<'a>(
    text: &'a str,
    escapes: Escapes,
    quoted: bool,
    word: &mut Vec<u8>,
) -> Result<&'a str, WordFault> {
    let Some(c) = text.chars().next() else {
        if escapes == Escapes::CUnescapeRelaxed && !quoted {
            word.push(b'\\');
            return Ok(text);
        }
        return Err(if quoted { WordFault::OpenQuote } else { WordFault::OpenEscape });
    };
    let after = text.get(c.len_utf8()..).unwrap_or_default();
    if escapes != Escapes::Strip {
        if let Some((bytes, after)) = c_sequence(c, text) {
            word.extend(bytes);
            return Ok(after);
        }
        match escapes {
            Escapes::CUnescapeRelaxed => word.push(b'\\'),
            _ => return Err(WordFault::UnknownEscape),
        }
    }
    push(word, c);
    Ok(after)
}

/// Whether every backslash of a text starts a sequence (`cunescape()`, which here takes a zero byte too).
pub(crate) fn is_escaped(text: &str) -> bool {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('\\') {
        let zero = ["x00", "000"].iter().find_map(|zero| after.strip_prefix(zero));
        let sequence = || c_sequence(after.chars().next()?, after).map(|(_, after)| after);
        let Some(after) = zero.or_else(sequence) else { return false };
        rest = after;
    }
    true
}

/// The bytes of a sequence that starts with `first` and what follows it; a zero byte is none (`cunescape_one()`).
fn c_sequence(first: char, text: &str) -> Option<(Vec<u8>, &str)> {
    let after = text.get(first.len_utf8()..)?;
    let single = |byte: u8| Some((vec![byte], after));
    match first {
        'a' => single(0x07),
        'b' => single(0x08),
        'f' => single(0x0c),
        'n' => single(b'\n'),
        'r' => single(b'\r'),
        't' => single(b'\t'),
        'v' => single(0x0b),
        's' => single(b' '),
        '\\' | '"' | '\'' => single(u8::try_from(first).ok()?),
        'x' => byte_sequence(after, 2, 16),
        '0'..='7' => byte_sequence(text, 3, 8),
        'u' => code_point(after, 4),
        'U' => code_point(after, 8),
        _ => None,
    }
}

fn byte_sequence(text: &str, length: usize, radix: u32) -> Option<(Vec<u8>, &str)> {
    let (number, after) = number(text, length, radix)?;
    Some((vec![u8::try_from(number).ok()?], after))
}

fn code_point(text: &str, length: usize) -> Option<(Vec<u8>, &str)> {
    let (number, after) = number(text, length, 16)?;
    Some((char::from_u32(number)?.to_string().into_bytes(), after))
}

/// A number of exactly `length` digits above zero.
fn number(text: &str, length: usize, radix: u32) -> Option<(u32, &str)> {
    let (digits, after) = text.split_at_checked(length)?;
    // The parser takes a sign, systemd does not.
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let number = u32::from_str_radix(digits, radix).ok().filter(|number| *number > 0)?;
    Some((number, after))
}

fn push(word: &mut Vec<u8>, c: char) {
    word.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(value: &str, quotes: Quotes, escapes: Escapes) -> Result<String, WordFault> {
        split(value, quotes, escapes).map(|words| words.join("|")).map_err(|error| error.fault)
    }

    #[test]
    fn words_are_split_as_systemd_splits() {
        use Escapes::{CUnescape, CUnescapeRelaxed, Keep, Strip};
        use Quotes::Unquote;
        for (value, quotes, escapes, expected) in [
            ("", Unquote, CUnescape, Ok("")),
            (" a\tb  c ", Unquote, CUnescape, Ok("a|b|c")),
            ("a\u{a0}b", Unquote, CUnescape, Ok("a\u{a0}b")),
            (r#""a b" 'c "d' """#, Unquote, CUnescape, Ok(r#"a b|c "d|"#)),
            (r#"a"b c"d"#, Unquote, CUnescape, Ok("ab cd")),
            (r#""a"'b'"#, Unquote, CUnescape, Ok("ab")),
            (r#""a b" 'c'"#, Quotes::Keep, CUnescape, Ok(r#""a|b"|'c'"#)),
            (r#"a "b"#, Unquote, CUnescape, Err(WordFault::OpenQuote)),
            (r#"a "b\"#, Unquote, CUnescapeRelaxed, Err(WordFault::OpenQuote)),
            (r"a\x20b\tc\s", Unquote, CUnescape, Ok("a b\tc ")),
            (r#"\"a\' "b\"c""#, Unquote, CUnescape, Ok(r#""a'|b"c"#)),
            (r"'a\x20b'", Unquote, CUnescape, Ok("a b")),
            (r"\101\u00e4\U0001F600\xc3\xa4", Unquote, CUnescape, Ok("Aä😀ä")),
            (r"\xff", Unquote, CUnescape, Err(WordFault::NotUtf8)),
            (r"a\q", Unquote, CUnescape, Err(WordFault::UnknownEscape)),
            (r"\x0", Unquote, CUnescape, Err(WordFault::UnknownEscape)),
            (r"\x+1", Unquote, CUnescape, Err(WordFault::UnknownEscape)),
            (r"\x00", Unquote, CUnescape, Err(WordFault::UnknownEscape)),
            (r"\400", Unquote, CUnescape, Err(WordFault::UnknownEscape)),
            (r"\xä0", Unquote, CUnescape, Err(WordFault::UnknownEscape)),
            (r"a\", Unquote, CUnescape, Err(WordFault::OpenEscape)),
            (r"a\q \", Unquote, CUnescapeRelaxed, Ok(r"a\q|\")),
            (r"/a\ b /c\x20d", Unquote, Strip, Ok("/a b|/cx20d")),
            (r"a\", Unquote, Strip, Err(WordFault::OpenEscape)),
            (r"a\x2db\ c\", Quotes::Keep, Keep, Ok(r"a\x2db\|c\")),
        ] {
            assert_eq!(words(value, quotes, escapes), expected.map(str::to_owned), "{value}");
        }
    }

    #[test]
    fn words_before_a_fault_are_kept() {
        let error = split(r#"/a /b "/c"#, Quotes::Unquote, Escapes::Strip);
        assert_eq!(error.map_err(|error| error.before.join(" ")), Err("/a /b".to_owned()));
    }

    #[test]
    fn any_value_is_split_without_panic() {
        let alphabet: Vec<char> = " \t\\\"'xuU01fäs\u{1f600}".chars().collect();
        let mut state: usize = 88_172_645;
        for round in 0..20_000 {
            let mut value = String::new();
            for _ in 0..round % 24 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                value.extend(alphabet.get((state >> 33) % alphabet.len()));
            }
            for escapes in [Escapes::Keep, Escapes::Strip, Escapes::CUnescape, Escapes::CUnescapeRelaxed] {
                let unquoted = split(&value, Quotes::Keep, escapes).unwrap_or_else(|error| error.before);
                assert!(unquoted.len() <= value.len() / 2 + 1, "{value:?}");
            }
        }
    }
}
