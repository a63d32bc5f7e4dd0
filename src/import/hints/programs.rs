//! Sightings of the files of a service's programs.

use std::collections::BTreeSet;

use super::table::{HINTS, REMARKS};
use super::{Sighting, Sign};
use crate::program::Program;
use crate::value::capabilities;

/// What the programs show, each told once: of what several import from one library of theirs, with the first of them.
pub(crate) fn sightings(programs: &[Program]) -> Vec<Sighting> {
    let mut seen: Vec<Sighting> = Vec::new();
    let mut known: BTreeSet<(Sign, String, String)> = BTreeSet::new();
    for program in programs {
        of_program(program, &mut |sign, thing, file, source| {
            if known.insert((sign, thing.to_owned(), file.to_owned())) {
                let is_listed = matches!(sign, Sign::Imports | Sign::Contains | Sign::Says);
                seen.push(Sighting { sign, thing: thing.to_owned(), source, is_listed });
            }
        });
    }
    seen
}

fn of_program(program: &Program, see: &mut dyn FnMut(Sign, &str, &str, String)) {
    let path = &program.path;
    let of =
        |file: &String| if file == path { path.clone() } else { format!("{file}, a library of {path},") };
    let asked = |sign: Sign, name: &str| {
        let hints = HINTS.iter().any(|hint| hint.sign == sign && hint.things.contains(&name));
        hints || REMARKS.iter().any(|remark| remark.sign == sign && remark.things.contains(&name))
    };
    for (name, file) in program.imports.iter().filter(|(name, _)| asked(Sign::Imports, name)) {
        see(Sign::Imports, name, file, format!("{} imports", of(file)));
    }
    for (name, file) in &program.libraries {
        let is_asked = HINTS
            .iter()
            .any(|hint| hint.sign == Sign::Links && hint.things.iter().any(|thing| name.starts_with(thing)));
        if is_asked {
            see(Sign::Links, name, file, format!("{} is linked with {name}", of(file)));
        }
    }
    for (text, file) in &program.texts {
        see(Sign::Contains, text, file, format!("{} holds the text", of(file)));
    }
    let name = path.rsplit('/').next().unwrap_or_default();
    let language = program.script.as_ref().map_or_else(|| name, |script| script.language());
    if asked(Sign::RunBy, language) {
        let source = if program.script.is_some() {
            format!("{path} is a script of {language}")
        } else {
            format!("{path} is {language}")
        };
        see(Sign::RunBy, language, path, source);
    }
    if let Some(script) = &program.script {
        for word in script.words.iter().filter(|word| asked(Sign::Says, word)) {
            see(Sign::Says, word, path, format!("{path}, a script of {language}, says"));
        }
        if let Some(interpreter) = &program.interpreter {
            see(Sign::Interprets, interpreter, path, format!("{path} is run by {interpreter}"));
        }
    }
    for name in capabilities(program.capabilities) {
        see(Sign::FileGives, name, path, format!("the file {path} gives {name} (security.capability)"));
    }
}
