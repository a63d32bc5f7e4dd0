//! Why a value could not be read: what serde and the types say, in the words of somebody who writes TOML.

use std::fmt;

use serde::de::{Error, Expected, Unexpected};

use super::denies::SUBDIVIDED;
use super::document::Place;
use super::problem::Problem;
use super::resolve::SETS;
use super::words::{nearest, quoted};

/// How many known names are listed where none is near.
const MOST_NAMES: usize = 10;

/// Why a value could not be read.
#[derive(Debug)]
pub(crate) struct Misread {
    pub(crate) what: What,
    place: Option<Place>,
    /// The keys above, innermost first.
    pub(crate) path: Vec<String>,
}

/// What is wrong with it.
#[derive(Debug)]
pub(crate) enum What {
    /// Told by the type itself.
    Unfit(String),
    Type {
        found: String,
        expected: String,
    },
    /// `false`, where it could only take something away.
    TakesNothing,
    Missing(&'static str),
    Key {
        name: String,
        known: Vec<&'static str>,
    },
    Variant {
        text: String,
        known: Vec<&'static str>,
    },
}

impl Misread {
    fn new(what: What) -> Self {
        Self { what, place: None, path: Vec::new() }
    }

    /// Stands at `place`, unless a more exact one is known.
    pub(crate) fn at(mut self, place: &Place) -> Self {
        self.place.get_or_insert_with(|| place.clone());
        self
    }

    /// Stands below the key `name`.
    pub(crate) fn below(mut self, name: &str) -> Self {
        self.path.push(name.to_owned());
        self
    }

    /// Stands at the key `name`, which itself is what could not be read.
    pub(crate) fn at_key(mut self, place: &Place, name: &str) -> Self {
        if let What::Variant { text, known } = self.what {
            self.what = What::Key { name: text, known };
        }
        self.at(place).below(name)
    }

    /// What to tell, if it is in the value at `place`, below the key `name`.
    pub(crate) fn problem(&self, place: &Place, name: &str) -> Problem {
        let key = self.path.first().map_or(name, String::as_str);
        let problem = |message: String| Problem::new(self.place.as_ref().unwrap_or(place), message).key(key);
        match &self.what {
            What::Unfit(message) => problem(message.clone()),
            What::Type { found, expected } => {
                let problem = problem(format!("expected {expected}, found {found}"));
                match self.path.as_slice() {
                    [need, above, ..]
                        if above == "needs" && SETS.contains(&need.as_str())
                            || above == "denies" && SUBDIVIDED.contains(&need.as_str()) =>
                    {
                        problem.help(format!("each thing is stated with its reason: `[{above}.{need}]`"))
                    }
                    _ => problem,
                }
            }
            What::TakesNothing => {
                problem("`false` takes an inherited value away, but none is inherited here".into())
            }
            What::Missing(field) => problem(format!("missing key `{field}`")),
            What::Key { name, known } => {
                let problem = problem(format!("unknown key {}", quoted(name)));
                match suggestion(name, known, "known here") {
                    Some(help) => problem.help(help),
                    None => problem,
                }
            }
            What::Variant { text, known } => {
                let problem = problem(format!("{} is not known here", quoted(text)));
                match suggestion(text, known, "possible") {
                    Some(help) => problem.help(help),
                    None => problem,
                }
            }
        }
    }
}

fn suggestion(text: &str, known: &[&'static str], list: &str) -> Option<String> {
    if let Some(name) = nearest(text, known.iter().copied()) {
        return Some(format!("did you mean `{name}`?"));
    }
    let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => None,
        [only] => Some(format!("{list}: {only}")),
        names if names.len() <= MOST_NAMES => Some(format!("{list}: {}", names.join(", "))),
        _ => None,
    }
}

/// The names of `known` that may be written.
pub(crate) fn shown(known: &'static [&'static str]) -> Vec<&'static str> {
    known.iter().copied().filter(|name| !name.starts_with('$')).collect()
}

impl fmt::Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.what)
    }
}

impl std::error::Error for Misread {}

impl Error for Misread {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(What::Unfit(message.to_string()))
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match unexpected {
            Unexpected::Bool(false) => return Self::new(What::TakesNothing),
            Unexpected::Bool(true) => "`true`".to_owned(),
            Unexpected::Unsigned(number) => format!("the number `{number}`"),
            Unexpected::Signed(number) => format!("the number `{number}`"),
            Unexpected::Float(number) => format!("the number `{number}`"),
            Unexpected::Str(text) => format!("the string {}", quoted(text)),
            Unexpected::Seq => "an array".to_owned(),
            Unexpected::Map => "a table".to_owned(),
            Unexpected::Other(text) => text.to_owned(),
            other => other.to_string(),
        };
        Self::new(What::Type { found, expected: in_words(&expected.to_string()) })
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::new(What::Type { found: format!("{length}"), expected: in_words(&expected.to_string()) })
    }

    fn unknown_variant(text: &str, known: &'static [&'static str]) -> Self {
        Self::new(What::Variant { text: text.to_owned(), known: shown(known) })
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        Self::new(What::Key { name: name.to_owned(), known: shown(known) })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(What::Missing(field))
    }
}

/// What serde and its derived code expect, as a reader of TOML calls it.
fn in_words(expected: &str) -> String {
    let word = match expected {
        "a sequence" => "an array",
        "a map" => "a table",
        "a boolean" => "`true` or `false`",
        "u8" | "u16" => "a number from 0 to 65535",
        "u32" => "a number from 0 to 4294967295",
        "u64" => "a number that is not below zero",
        _ if expected.starts_with("struct ") => "a table",
        _ => expected,
    };
    word.to_owned()
}
