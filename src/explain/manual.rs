//! The page systemd-harden-directives(7): every directive of the catalogue, in its order.

use anyhow::Result;
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;

use super::sections::Article;
use super::{Explanation, NEWEST, OLDEST, facts};
use crate::catalogue::FAMILIES;
use crate::render::environment;

#[derive(Serialize)]
struct Chapter {
    title: String,
    articles: Vec<Article>,
}

/// The page as roff source, the same bytes on every machine.
pub fn manual() -> Result<String> {
    let chapters: Vec<Chapter> = FAMILIES
        .iter()
        .map(|family| {
            let explanations =
                family.rows.iter().map(|row| Explanation::Directive(Box::new(facts::directive(row))));
            let articles = explanations.map(|explanation| Article::from(&explanation)).collect();
            Chapter { title: family.title.to_uppercase(), articles }
        })
        .collect();
    let mut environment = environment()?;
    environment.add_filter("roff", |text: String| escaped(&text));
    environment.add_filter("lines", |text: String| lines(&text));
    environment.add_template("directives.7.j2", include_str!("../../templates/directives.7.j2"))?;
    let context = context! {
        version => env!("CARGO_PKG_VERSION"),
        oldest => OLDEST,
        newest => NEWEST,
        chapters => Value::from(Serde(chapters)),
    };
    Ok(environment.get_template("directives.7.j2")?.render(context)?)
}

/// A text within a line.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut roff, c| {
        match c {
            '\\' => roff.push_str(r"\e"),
            '-' => roff.push_str(r"\-"),
            '~' => roff.push_str(r"\(ti"),
            '\'' => roff.push_str(r"\(aq"),
            '`' => roff.push_str(r"\(ga"),
            '^' => roff.push_str(r"\(ha"),
            _ => roff.push(c),
        }
        roff
    })
}

/// A text on lines of its own: a new one for each sentence, so that the reader's formatter sets the spaces.
fn lines(text: &str) -> String {
    const LONGEST: usize = 78;
    let mut roff = String::with_capacity(text.len());
    let (mut taken, mut ended) = (0, false);
    for word in text.split_ascii_whitespace() {
        let mut word = escaped(word);
        if taken > 0 {
            if ended || taken + 1 + word.len() > LONGEST {
                roff.push('\n');
                taken = 0;
            } else {
                roff.push(' ');
                taken += 1;
            }
        }
        if taken == 0 && word.starts_with(['.', '\'']) {
            word.insert_str(0, r"\&");
        }
        roff.push_str(&word);
        taken += word.len();
        ended = word.trim_end_matches([')', '"']).ends_with(['.', '?', '!']);
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_a_request() {
        assert_eq!(lines(".so x"), r"\&.so x");
        assert_eq!(lines("a 'b' c-d ~e \\n"), r"a \(aqb\(aq c\-d \(tie \en");
        assert_eq!(lines("One. Two, as (it) is. .three"), "One.\nTwo, as (it) is.\n\\&.three");
    }
}
