//! The findings for people: a line each, then what every target costs.

use std::fmt::Write as _;

use super::{Fit, Report};
use crate::visible::shown;

/// The text of a report; nothing where there is nothing to say.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let about: Vec<&str> =
            finding.unit.as_deref().into_iter().chain(finding.targets.iter().map(String::as_str)).collect();
        let about = if about.is_empty() { String::new() } else { format!("{}: ", about.join(", ")) };
        let line = format!(
            "{}:{}: {}: {about}{}",
            finding.place.file,
            finding.place.line,
            finding.severity.word(),
            finding.message
        );
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", shown(&line));
    }
    let mut unit = "";
    for fit in &report.fits {
        if unit != fit.unit {
            unit = &fit.unit;
            let _ = writeln!(text, "{}", shown(unit));
        }
        fit_lines(&mut text, fit);
    }
    text
}

fn fit_lines(text: &mut String, fit: &Fit) {
    let judged = match fit.target.release {
        release if release < fit.target.judge() => {
            format!("{release}, by the rules of {}", fit.target.judge().major)
        }
        release => release.to_string(),
    };
    let lost = match fit.count() {
        0 => "nothing left out".to_owned(),
        count => format!("{count} left out"),
    };
    let _ = writeln!(text, "  {:<28} {:>4}  {lost}", format!("{} ({judged})", fit.target.name), fit.exposure);
    for lost in &fit.lost {
        let names: Vec<String> = lost.directives.iter().map(|row| format!("{}=", row.name)).collect();
        let _ = writeln!(text, "    {}, at a cost of {}:", lost.why(), lost.cost);
        for names in names.chunks(4) {
            let _ = writeln!(text, "      {}", names.join(" "));
        }
        for stand_in in &lost.stand_ins {
            let _ = writeln!(text, "    stands in: {stand_in}");
        }
        if let Some(way) = &lost.instead {
            let _ = writeln!(text, "    instead: `{}` gives {}", way.says, way.exposure);
        }
    }
}
