//! What holds for whatever is written: to terminals, as JSON, into units and snippets.

use std::path::Path;
use std::sync::Arc;

use systemd_harden::context::Context;
use systemd_harden::finding::Finding;
use systemd_harden::posture::Posture;
use systemd_harden::report::{self, Appearance, Judged, Outcome, Report, Source, UnitReport};
use systemd_harden::score::{Assessment, Badness};
use systemd_harden::suggest::Suggestion;
use systemd_harden::unit_file::{Assignment, parse};

/// A text for a terminal: lines of characters that are what they look like.
pub fn is_plain(text: &str) {
    let deceives = |c: char| {
        c.is_control() && !matches!(c, '\n' | '\t')
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    if let Some(found) = text.chars().find(|c| deceives(*c)) {
        let line = text.lines().find(|line| line.contains(found)).unwrap_or_default();
        panic!("{:?} reaches the terminal in {line:?}", found.escape_unicode().to_string());
    }
}

/// A JSON document in which nothing got lost: it is one, and ends in a line break.
pub fn is_json(text: &str) {
    let parsed: Result<serde_json::Value, _> = serde_json::from_str(text);
    assert!(parsed.is_ok(), "no JSON: {parsed:?}");
}

/// A figure within its range, and each of its checks.
pub fn is_judged(assessment: &Assessment) {
    assert!(assessment.exposure.tenths() <= 100, "exposure {}", assessment.exposure);
    assert!(assessment.weight.bad <= assessment.weight.of, "{:?}", assessment.weight);
    for line in &assessment.lines {
        if let Badness::Of(badness) = line.badness {
            assert!(
                u64::from(badness) <= line.group.check.range,
                "{} has badness {badness}",
                line.group.check.id
            );
        }
        assert!(line.exposure.is_none_or(|share| share.tenths() <= 100));
    }
}

/// A unit as a report shows it, in both formats.
pub fn is_reported(
    context: Context,
    posture: Posture,
    assessment: Assessment,
    findings: Vec<Finding>,
    suggestion: Option<Suggestion>,
) {
    let judged = Judged { posture, assessment, declared: None, suggestion };
    let unit = UnitReport {
        unit: judged.posture.unit.to_string(),
        source: Source::File,
        context: Some(context),
        outcome: Outcome::Judged(Box::new(judged)),
        findings,
        evidence: None,
    };
    let report = Report { units: vec![unit] };
    is_plain(&report::text(&report, Appearance::default()));
    is_plain(&report::text(&report, Appearance { width: Some(40), ..Appearance::default() }));
    is_plain(&report::drop_ins(&report));
    is_json(&report::json(&report).expect("a report is JSON"));
}

/// What a rendered unit may have as its sections, in this order.
const SECTIONS: [&str; 7] = ["Unit", "Service", "Socket", "Timer", "Mount", "Install", "X-SystemdHarden"];

/// The assignments of a rendered unit, which every line of it is one of, but for comments, headers and empty ones.
pub fn assignments(name: &str, text: &str) -> Vec<Assignment> {
    is_plain(text);
    assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{name} does not end in one line break");
    let lines = parse(&Arc::from(Path::new("/rendered")), text.as_bytes());
    assert_eq!(lines.broken, None, "{name} is refused:\n{text}");
    assert_eq!(lines.notices, [], "{name} has lines that systemd ignores:\n{text}");
    let mut headers = text.lines().filter(|line| line.starts_with('[')).collect::<Vec<_>>();
    let found = headers.clone();
    headers.sort_unstable();
    headers.dedup();
    assert_eq!(headers.len(), found.len(), "{name} has a section twice:\n{text}");
    for header in found {
        let section = header.trim_start_matches('[').trim_end_matches(']');
        assert!(SECTIONS.contains(&section), "{name} has a section [{section}]:\n{text}");
    }
    let written = text.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '['])).count();
    assert_eq!(written, lines.assignments.len(), "{name} has lines that are no assignments:\n{text}");
    for line in &lines.assignments {
        let is_key = |c: char| c.is_ascii_alphanumeric();
        assert!(!line.key.is_empty() && line.key.chars().all(is_key), "{name} has a key {:?}", line.key);
    }
    lines.assignments
}

/// The fields of the lines of a rendered snippet.
pub fn fields(name: &str, text: &str) -> Vec<Vec<String>> {
    is_plain(text);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| split_fields(name, line)).collect()
}

/// As sysusers.d(5) and tmpfiles.d(5) split a line.
fn split_fields(name: &str, line: &str) -> Vec<String> {
    use systemd_harden::unit_file::{Escapes, Quotes, split};
    let fields = split(line, Quotes::Unquote, Escapes::CUnescape);
    fields.unwrap_or_else(|error| panic!("{name}: {line:?}: {error}"))
}
