//! Which characters of a foreign text are what they look like. A terminal obeys some, others are not seen or turn the
//! direction of what stands behind them, so that a line says another thing than it shows.
//!
//! What has such characters is refused in manifests ([`crate::manifest::words`]) and escaped wherever a foreign text is
//! shown.

use std::path::Path;

/// Whether a character moves the cursor, changes colours or the direction of writing, ends a line in some viewers, or
/// is not seen at all: control characters, and those of Unicode's category Cf with the line and paragraph separators
/// (Unicode 16, `DerivedGeneralCategory.txt`), soft hyphens among them; and what is no character.
pub fn deceives(c: char) -> bool {
    let is_format = matches!(c,
        '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}'
        | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}');
    c.is_control() || !c.is_ascii() && (is_format || is_noncharacter(c))
}

/// Code points that are no characters and never will be: valid UTF-8 to Rust and not to systemd.
pub(crate) fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe
}

/// A foreign text fit for a terminal: one line, with what deceives escaped.
pub fn shown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    push(&mut safe, text);
    safe
}

/// The same in backquotes, cut where it is long: more says nothing more about what is meant.
pub fn quoted(text: &str) -> String {
    const SHOWN: usize = 80;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("`{}…`", shown(text.get(..end).unwrap_or_default())),
        None => format!("`{}`", shown(text)),
    }
}

/// Bytes as text of as many lines: what is not UTF-8 stands there as `\xff`, so that nothing is replaced silently.
pub fn text_of(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}

/// The same of bytes: what is not UTF-8 stands there as `\xff`, so that nothing is replaced silently.
pub fn shown_bytes(bytes: &[u8]) -> String {
    let mut safe = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        push(&mut safe, chunk.valid());
        for byte in chunk.invalid() {
            safe.extend(byte.escape_ascii().map(char::from));
        }
    }
    safe
}

/// The same of a path.
pub fn shown_path(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    shown_bytes(path.as_os_str().as_bytes())
}

/// Lets `write` add a foreign text, fit for a terminal then.
pub(crate) fn visibly(text: &mut String, write: impl FnOnce(&mut String)) {
    let start = text.len();
    write(text);
    let written = text.get(start..).unwrap_or_default();
    if !is_plain(written) {
        let safe = shown(written);
        text.truncate(start);
        text.push_str(&safe);
    }
}

/// Whether it is of printable ASCII alone, as most texts are.
pub(crate) fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

fn push(safe: &mut String, text: &str) {
    if is_plain(text) {
        safe.push_str(text);
        return;
    }
    for c in text.chars() {
        if deceives(c) { safe.extend(c.escape_default()) } else { safe.push(c) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_deceives_is_escaped_and_everything_else_stays() {
        assert_eq!(shown("a\u{1b}[2J\u{202e}b\u{ad}\u{e0041}"), r"a\u{1b}[2J\u{202e}b\u{ad}\u{e0041}");
        let plain = "Ünïcödé 漢字 e\u{301} \u{a0}🦀";
        assert_eq!(shown(plain), plain);
    }

    #[test]
    fn bytes_that_are_no_text_are_told() {
        assert_eq!(shown_bytes(b"a\xffb\xc3\x28\n"), r"a\xffb\xc3(\n");
        assert_eq!(shown_bytes("ä".as_bytes()), "ä");
    }
}
