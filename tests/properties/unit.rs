//! Units: whatever their files say, they are read, judged and reported.

use std::path::Path;
use std::sync::Arc;

use systemd_harden::catalogue;
use systemd_harden::finding::Finding;
use systemd_harden::holes::{Surroundings, holes};
use systemd_harden::posture::Posture;
use systemd_harden::score::{assess, assess_settled};
use systemd_harden::suggest::{drop_in, suggest};
use systemd_harden::unit_file::{Escapes, Quotes, UnitLines, expand, parse, split};
use systemd_harden::unit_posture::{LineNotice, NoticeKind, read};

use super::input::{Choices, cases, parts, unit_text};
use super::output;

/// The fragment, and its drop-ins as further parts.
pub fn holds(data: &[u8]) {
    let (choices, data) = Choices::take(data);
    let parts = parts(data);
    let texts: Vec<&[u8]> = parts.iter().map(|(_, text)| *text).collect();
    for text in &texts {
        lines_are_read_alike(text);
    }
    let kinds = ["socket", "mount", "swap", "slice", "timer"];
    let kind = kinds.into_iter().find(|kind| choices.has(kind)).unwrap_or("service");
    let name = if choices.has("instance") { format!("a-b@x\\x2dy.{kind}") } else { format!("a.{kind}") };
    let Some((fragment, drop_ins)) = texts.split_first() else { return };
    let Some(unit) = unit_text(&name, fragment, drop_ins) else { return };
    let context = choices.context(&name);
    let unset = Posture::unset(&name, context);
    let reading = read(&unit, &unset);
    for notice in reading.notices.iter().chain(&reading.refused) {
        is_within(notice, &texts);
    }
    let posture = reading.posture;
    let around = Surroundings::of_files(&unit);
    let mut findings = holes(&posture, &around, None);
    findings.extend(reading.notices.into_iter().map(|line| Finding {
        place: Some((line.path, line.line)),
        directive: line.directive,
        ..match line.kind {
            NoticeKind::Misread => Finding::new("line.misread", line.text),
            NoticeKind::Ignored | NoticeKind::Refused => Finding::notice("line.ignored", line.text),
            NoticeKind::NotKnown => Finding::notice("line.not-known", line.text),
            NoticeKind::Outdated => Finding::notice("line.outdated", line.text),
        }
    }));
    let assessment = assess(&posture);
    output::is_judged(&assessment);
    let suggestion = choices.has("suggest").then(|| {
        let suggestion = suggest(&posture, &around).expect("the catalogue does not contradict itself");
        assert!(suggestion.to <= suggestion.from, "a suggestion makes it worse");
        suggestion
    });
    if let Some(suggestion) = suggestion.as_ref().filter(|_| kind == "service" && reading.refused.is_none()) {
        // What it promises is what the unit comes to with it.
        let drop_in = drop_in(suggestion);
        let texts: Vec<&[u8]> = drop_ins.iter().copied().chain([drop_in.as_bytes()]).collect();
        let with = unit_text(&name, fragment, &texts).expect("the fragment is the same");
        let with = read(&with, &unset);
        assert_eq!(assess(&with.posture).exposure, suggestion.to, "not what it promises:\n{drop_in}");
    }
    let mut settled = posture;
    settled.settle(catalogue::judgement(context.mode));
    let assessment = assess_settled(&settled);
    output::is_reported(context, settled, assessment, findings, suggestion);
}

/// A place that a notice names is there.
fn is_within(notice: &LineNotice, texts: &[&[u8]]) {
    let file = match notice.path.rsplit_once(".d/").and_then(|(_, name)| name.strip_suffix(".conf")) {
        Some(place) => place.parse::<usize>().expect("a drop-in of the property") + 1,
        None => 0,
    };
    let text = texts.get(file).expect("a file of the unit");
    if let Some(line) = notice.line {
        assert!((1..=count(text)).contains(&line), "line {line} of {}", count(text));
    }
}

/// Lines as systemd counts them.
fn count(text: &[u8]) -> u32 {
    let ends = text.iter().filter(|byte| matches!(byte, b'\n' | b'\r' | b'\0')).count();
    u32::try_from(ends + 1).unwrap_or(u32::MAX)
}

/// The lines of one file: within it, free of what ends a line, and the same when they are written again.
fn lines_are_read_alike(text: &[u8]) {
    let source: Arc<Path> = Arc::from(Path::new("/a"));
    let UnitLines { assignments, notices, broken } = parse(&source, text);
    let lines = 1..=count(text);
    assert!(notices.iter().all(|notice| notice.line.is_some_and(|line| lines.contains(&line))));
    assert!(broken.is_none_or(|fault| lines.contains(&fault.line)));
    let mut written = String::new();
    let mut plain = Vec::new();
    for line in &assignments {
        assert!(lines.contains(&line.line));
        let whole = format!("[{}]\n{}={}\n", line.section, line.key, line.value);
        assert!(!format!("{}{}{}", line.section, line.key, line.value).contains(['\n', '\r', '\0']));
        // After the mark of UTF-8 a key may begin as a comment does, and a line of the end of a file in a backslash.
        if line.key.starts_with(['#', ';', '[', '\u{feff}']) || line.value.ends_with('\\') {
            continue;
        }
        written.push_str(&whole);
        plain.push((&line.section, &line.key, &line.value));
        words_fit(&line.value);
    }
    let again = parse(&source, written.as_bytes());
    assert_eq!(again.broken, None);
    let again: Vec<_> =
        again.assignments.iter().map(|line| (&line.section, &line.key, &line.value)).collect();
    assert_eq!(again, plain, "{written:?}");
}

/// No way of splitting makes more of a value than there is.
fn words_fit(value: &str) {
    for quotes in [Quotes::Keep, Quotes::Unquote] {
        for escapes in [Escapes::Keep, Escapes::Strip, Escapes::CUnescape, Escapes::CUnescapeRelaxed] {
            let words = split(value, quotes, escapes).unwrap_or_else(|error| error.before);
            assert!(words.iter().map(String::len).sum::<usize>() <= value.len());
        }
    }
    let name = "a-b@x.service".parse().expect("a name");
    if let Ok(expanded) = expand(value, &name) {
        assert!(expanded.text.len() <= value.len() * 16, "specifiers grow");
    }
}

/// Every unit of the cases and of the shipped ones.
pub fn seeds() -> Vec<Vec<u8>> {
    let units =
        cases(&["tests/cases/score", "tests/cases/import", "units"], &[".service", ".socket", ".conf"]);
    let mut seeds = Vec::new();
    for (place, (path, text)) in units.into_iter().enumerate() {
        let kind = if path.extension().is_some_and(|kind| kind == "socket") { "socket" } else { "service" };
        let release = 240 + place % 23;
        let mode = if place % 2 == 0 { "loaded" } else { "offline" };
        let suggest = if place % 4 == 0 { " suggest" } else { "" };
        seeds.push([format!("#: {release} {mode} {kind}{suggest}\n").as_bytes(), &text].concat());
    }
    let drop_in =
        b"#: 257 loaded instance\n[Service]\nExecStart=/bin/a %i\n--- 1\n[Service]\nExecStart=\nUser=%j\n";
    seeds.push(drop_in.to_vec());
    // Each directive with a value of its own.
    for row in catalogue::all() {
        let words =
            row.hardened.iter().flat_map(|hardening| hardening.lines).copied().chain(["", "~x %n", "yes"]);
        let lines: Vec<String> = words.map(|word| format!("{}={word}\n", row.name)).collect();
        let lines = lines.concat();
        seeds.push(format!("#: 262 loaded\n[{}]\n{lines}", row.sections.of_service()).into_bytes());
    }
    seeds
}
