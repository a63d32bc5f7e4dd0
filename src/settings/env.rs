//! Environment files as `EnvironmentFile=` reads them (systemd.exec(5)), which is neither as a shell does nor as
//! container tools do, and where the difference shows.

use super::Setting;

/// An environment file that was read.
#[derive(Debug, Default)]
pub struct Environment {
    /// Assignments in their order; one whose name is no variable's is ignored by systemd and not among them.
    pub settings: Vec<Setting>,
    /// Where other readers would have read something else.
    pub oddities: Vec<Oddity>,
}

/// Something that systemd reads in another way than its writer may have meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddity {
    /// What it is.
    pub kind: OddityKind,
    /// The line, counted from 1.
    pub line: u32,
    /// The variable whose assignment it is in.
    pub variable: Option<String>,
}

/// In which way systemd's reading differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OddityKind {
    /// `${` or `$(` outside of single quotes: nothing is expanded.
    NotExpanded,
    /// A backslash outside of quotes before a character that needs none: it is lost.
    LostBackslash,
    /// Blanks and `#` in a value without quotes: what follows is no comment.
    NoComment,
    /// `export`, or any other name that is no variable's: the line is ignored.
    NoVariable,
    /// A quote that is not closed: the value runs on to the end of the file.
    OpenQuote,
    /// A comment that ends in a backslash: up to systemd 253 the next line belonged to it.
    LongComment,
}

impl OddityKind {
    /// What there is to say of it, the way out included.
    pub fn text(self) -> &'static str {
        match self {
            Self::NotExpanded => {
                "systemd expands nothing here: `$` and what follows stay as written; write the value itself"
            }
            Self::LostBackslash => {
                "systemd takes the backslash away: write it twice, or put the value into single quotes"
            }
            Self::NoComment => {
                "systemd takes ` #` and what follows for a part of the value: give the comment its own line"
            }
            Self::NoVariable => "systemd ignores the line: what stands before `=` is not a variable's name",
            Self::OpenQuote => "a quote is not closed: the value runs on to the end of the file",
            Self::LongComment => {
                "a comment ends in a backslash: up to systemd 253 the next line belongs to it, later it does not"
            }
        }
    }
}

/// Characters before which a backslash means in a shell what it means to systemd.
const ESCAPED_IN_SHELLS: &str = "\\\"'$` \t#&;|()<>*?[]!~";

/// Characters before which a backslash is taken away between double quotes.
const ESCAPED_IN_QUOTES: &str = "\"\\`$";

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    BeforeKey,
    Key,
    BeforeValue,
    Value,
    Escape,
    SingleQuotes,
    DoubleQuotes,
    DoubleQuotesEscape,
    Comment,
    CommentEscape,
}

struct Reader {
    found: Environment,
    key: String,
    value: String,
    /// How long the value is up to its last character that counts.
    solid: usize,
    line: u32,
    started: u32,
    previous: char,
    /// Whether a `$` that stands for itself comes right before.
    dollar: bool,
}

/// Reads a file: the states are those of systemd's own reader (`parse_env_file_internal()`).
pub fn read(text: &str) -> Environment {
    let mut reader = Reader {
        found: Environment::default(),
        key: String::new(),
        value: String::new(),
        solid: 0,
        line: 1,
        started: 1,
        previous: '\n',
        dollar: false,
    };
    let mut state = State::BeforeKey;
    for c in text.chars() {
        state = reader.step(state, c);
        reader.previous = c;
        reader.line = reader.line.saturating_add(u32::from(c == '\n'));
    }
    match state {
        State::SingleQuotes | State::DoubleQuotes | State::DoubleQuotesEscape => {
            reader.odd(OddityKind::OpenQuote, reader.started);
            reader.assign();
        }
        State::BeforeValue | State::Value | State::Escape => reader.assign(),
        State::BeforeKey | State::Key | State::Comment | State::CommentEscape => {}
    }
    reader.found
}

impl Reader {
    fn step(&mut self, state: State, c: char) -> State {
        let newline = matches!(c, '\n' | '\r');
        match state {
            State::BeforeKey if matches!(c, '#' | ';') => State::Comment,
            State::BeforeKey if is_blank(c) => State::BeforeKey,
            State::BeforeKey => {
                self.started = self.line;
                self.key = c.to_string();
                State::Key
            }
            State::Key if newline => State::BeforeKey,
            State::Key if c == '=' => {
                self.value.clear();
                self.solid = 0;
                State::BeforeValue
            }
            State::Key => {
                self.key.push(c);
                State::Key
            }
            State::BeforeValue | State::Value if newline => {
                self.assign();
                State::BeforeKey
            }
            State::BeforeValue if c == '\'' => State::SingleQuotes,
            State::BeforeValue if c == '"' => State::DoubleQuotes,
            State::BeforeValue | State::Value if c == '\\' => State::Escape,
            State::BeforeValue if is_blank(c) => State::BeforeValue,
            State::BeforeValue | State::Value => {
                if c == '#' && matches!(self.previous, ' ' | '\t') {
                    self.odd(OddityKind::NoComment, self.line);
                }
                self.expandable(c, is_blank(c));
                State::Value
            }
            State::Escape => {
                if !newline {
                    if !ESCAPED_IN_SHELLS.contains(c) {
                        self.odd(OddityKind::LostBackslash, self.line);
                    }
                    self.push(c, false);
                }
                State::Value
            }
            State::SingleQuotes if c == '\'' => State::BeforeValue,
            State::DoubleQuotes if c == '"' => State::BeforeValue,
            State::DoubleQuotes if c == '\\' => State::DoubleQuotesEscape,
            State::SingleQuotes => {
                self.push(c, false);
                State::SingleQuotes
            }
            State::DoubleQuotes => {
                self.expandable(c, false);
                State::DoubleQuotes
            }
            State::DoubleQuotesEscape => {
                if !ESCAPED_IN_QUOTES.contains(c) && c != '\n' {
                    self.push('\\', false);
                }
                if c != '\n' {
                    self.push(c, false);
                }
                State::DoubleQuotes
            }
            State::Comment if c == '\\' => State::CommentEscape,
            State::Comment | State::CommentEscape if newline => {
                if state == State::CommentEscape {
                    self.odd(OddityKind::LongComment, self.line);
                }
                State::BeforeKey
            }
            State::Comment | State::CommentEscape => State::Comment,
        }
    }

    fn push(&mut self, c: char, blank: bool) {
        self.value.push(c);
        self.dollar = false;
        if !blank {
            self.solid = self.value.len();
        }
    }

    /// A character where a shell would expand.
    fn expandable(&mut self, c: char, blank: bool) {
        if matches!(c, '{' | '(') && self.dollar {
            self.odd(OddityKind::NotExpanded, self.line);
        }
        self.push(c, blank);
        self.dollar = c == '$';
    }

    fn odd(&mut self, kind: OddityKind, line: u32) {
        let key = self.key.trim_end();
        let variable = is_variable(key).then(|| key.to_owned());
        let variable = variable.filter(|_| kind != OddityKind::LongComment);
        let odd = Oddity { kind, line, variable };
        if self.found.oddities.last() != Some(&odd) {
            self.found.oddities.push(odd);
        }
    }

    fn assign(&mut self) {
        let key = std::mem::take(&mut self.key);
        let key = key.trim_end_matches([' ', '\t']);
        if is_variable(key) {
            let value = self.value.get(..self.solid).unwrap_or_default().to_owned();
            self.found.settings.push(Setting::top(key, value, Some(self.started)));
        } else {
            self.odd(OddityKind::NoVariable, self.started);
        }
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<String> {
        read(text).settings.iter().map(|setting| format!("{}={}", setting.key(), setting.value)).collect()
    }

    #[test]
    fn values_are_those_that_systemd_sets() {
        for (text, expected) in [
            ("A=b", vec!["A=b"]),
            ("A = b c  \n", vec!["A=b c"]),
            ("A=", vec!["A="]),
            (" # c\n;d\nA=b\n", vec!["A=b"]),
            ("A='b c'\"d\" e", vec!["A=b cde"]),
            ("A=b \"c\"", vec!["A=b \"c\""]),
            ("A=\"b\\\"c\\d\\\ne\"", vec!["A=b\"c\\de"]),
            ("A='b\nc'\nD=e", vec!["A=b\nc", "D=e"]),
            ("A=s3:host\\:9000", vec!["A=s3:host:9000"]),
            ("A=b\\\nc", vec!["A=bc"]),
            ("A=b # c", vec!["A=b # c"]),
            ("export A=b\nC=d", vec!["C=d"]),
            ("A\nB=c", vec!["B=c"]),
            ("A=b\r\nC=d\r\n", vec!["A=b", "C=d"]),
            ("1A=b", vec![]),
        ] {
            assert_eq!(values(text), expected, "{text:?}");
        }
    }

    #[test]
    fn other_dialects_are_told() {
        use OddityKind::{LongComment, LostBackslash, NoComment, NoVariable, NotExpanded, OpenQuote};
        for (text, expected) in [
            ("A=plain\nB='${x} \\: #'\nC=\"\\$x\"\nD=a#b\nE=\\\\\n", vec![]),
            ("A=${B}:c", vec![(NotExpanded, 1)]),
            ("\nA=\"$(id)\"", vec![(NotExpanded, 2)]),
            ("A=\"\\${B}\"", vec![]),
            ("A=s3:host\\:9000", vec![(LostBackslash, 1)]),
            ("A=b # c", vec![(NoComment, 1)]),
            ("A= # c", vec![(NoComment, 1)]),
            ("A=b\nexport C=d", vec![(NoVariable, 2)]),
            ("A='b\nC=d\n", vec![(OpenQuote, 1)]),
            ("# a \\\nA=b", vec![(LongComment, 1)]),
        ] {
            let found: Vec<_> = read(text).oddities.iter().map(|odd| (odd.kind, odd.line)).collect();
            assert_eq!(found, expected, "{text:?}");
        }
    }
}
