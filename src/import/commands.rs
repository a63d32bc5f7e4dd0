//! Command lines of a unit as the manifest's argument lists.

use super::toml::Value;
use crate::manifest::words::{AbsolutePath, Argument};
use crate::unit_file::{Escapes, Quotes, split};

/// The commands as a key takes them; none where one of them has no words in the manifest: another prefix than `-` and
/// `+`, a program that is looked for, several commands in a line, an argument that no manifest may hold.
pub(super) fn commands(lines: &[String], because: &str) -> Option<Value> {
    let commands: Vec<Value> = lines.iter().map(|line| command(line, because)).collect::<Option<_>>()?;
    Some(match <[Value; 1]>::try_from(commands) {
        Ok([only]) => only,
        Err(several) => Value::List(several),
    })
}

fn command(line: &str, because: &str) -> Option<Value> {
    let program = line.trim_start_matches(['-', '+']);
    let prefixes = line.get(..line.len() - program.len())?;
    let mut words = split(program, Quotes::Unquote, Escapes::CUnescape).ok()?;
    // A semicolon alone ends the command.
    if words.iter().any(|word| word == ";") {
        return None;
    }
    let first = words.first_mut()?;
    first.parse::<AbsolutePath>().ok()?;
    if prefixes.contains('-') {
        first.insert(0, '-');
    }
    if !words.iter().all(|word| word.parse::<Argument>().is_ok()) {
        return None;
    }
    let argv = Value::texts(words);
    Some(if prefixes.contains('+') {
        let because = Value::text(format!("as shipped: {because}"));
        Value::Table(vec![
            ("exec".to_owned(), argv),
            ("unconfined".to_owned(), Value::Switch(true)),
            ("because".to_owned(), because),
        ])
    } else {
        argv
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_words_or_stay_lines() {
        let written = |line: &str| commands(&[line.to_owned()], "here").map(|value| value.written());
        for (line, expected) in [
            ("/bin/a", r#"["/bin/a"]"#),
            (r#"-/bin/a 'b c' "d\te""#, ""),
            (r#"-/bin/a 'b c' "d" \x20"#, r#"["-/bin/a", "b c", "d", " "]"#),
            ("/bin/a $B ${C} %i 100%%", r#"["/bin/a", "$B", "${C}", "%i", "100%%"]"#),
            ("+-/bin/a", r#"{ exec = ["-/bin/a"], unconfined = true, because = "as shipped: here" }"#),
            ("!/bin/a", ""),
            ("@/bin/a b", ""),
            ("a b", ""),
            ("/bin/a ; /bin/b", ""),
            (r"/bin/a \; b", ""),
            ("/bin/a %h", ""),
            ("/bin/a \"b", ""),
            ("", ""),
        ] {
            assert_eq!(written(line).unwrap_or_default(), expected, "{line}");
        }
    }
}
