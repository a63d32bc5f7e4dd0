//! The report for people: a line for each unit, what differs below it, and for a single unit every check.

use std::fmt::Write as _;

use clap::builder::styling::{AnsiColor, Style};

use super::page::{Cell, GAP, Page, cut, length};
use super::{
    Judged, Outcome, Report, Source, UnitReport, acceptance_words, checks, left_open_words, origin_words,
    reason_words, shown,
};
use crate::drift::{Difference, Relation};
use crate::evidence::Evidence;
use crate::finding::{Acceptance, Finding, Severity};
use crate::posture::Reason;
use crate::score::{Badness, Line, Rating};
use crate::visible::visibly;

pub use super::page::{Appearance, Colour};

/// The report, each line ended. Units that could not be judged are told elsewhere, as failures.
pub fn text(report: &Report, appearance: Appearance) -> String {
    let columns = Columns::of(report);
    let single = report.units.len() == 1;
    let mut page = Page { appearance, text: String::new() };
    for unit in &report.units {
        match &unit.outcome {
            Outcome::Judged(judged) => {
                page.header(unit, judged, &columns);
                page.details(unit, judged, single);
                if single {
                    page.checks(judged);
                }
            }
            Outcome::PassedOver(why) => {
                let cells =
                    [Cell::padded(shown(&unit.unit), columns.unit).dim(), Cell::new(shown(why)).dim()];
                page.line("", &cells);
            }
            Outcome::Failed(_) => {}
        }
    }
    page.text
}

/// The widths of the columns that all units share.
struct Columns {
    unit: usize,
    rating: usize,
}

impl Columns {
    fn of(report: &Report) -> Self {
        let shown_units = report.units.iter().filter(|unit| !matches!(unit.outcome, Outcome::Failed(_)));
        let unit = shown_units.map(|unit| length(&shown(&unit.unit))).max().unwrap_or_default();
        let rating = |unit: &UnitReport| match &unit.outcome {
            Outcome::Judged(judged) => judged.assessment.exposure.rating().word().len(),
            Outcome::Failed(_) | Outcome::PassedOver(_) => 0,
        };
        Self { unit, rating: report.units.iter().map(rating).max().unwrap_or_default() }
    }
}

impl Page {
    /// `quotesd.service  1.6 OK  policy 1.4  avoidable 0.2  1 drift, 2 notices`
    fn header(&mut self, unit: &UnitReport, judged: &Judged, columns: &Columns) {
        let exposure = judged.assessment.exposure;
        let rating = exposure.rating();
        let mut line = self.begin("");
        line.cell(columns.unit, Style::new().bold(), |text| {
            visibly(text, |text| text.push_str(&unit.unit));
        });
        // Writing to a String cannot fail.
        line.cell(0, colour_of(rating), |text| {
            let _ = write!(text, "{exposure:>4} {:width$}", rating.word(), width = columns.rating);
        });
        if let Some(declared) = &judged.declared {
            line.cell(0, Style::new(), |text| {
                let _ = write!(text, "policy {:>4}", declared.policy);
            });
            line.cell(0, Style::new(), |text| {
                let _ = write!(text, "avoidable {:>4}", declared.avoidable);
            });
        } else {
            line.cell(0, Style::new().dimmed(), |text| text.push_str("no manifest"));
        }
        line.cell(0, Style::new(), |text| text.push_str(&counts(unit, judged)));
        line.end();
    }

    /// Drift and findings; notices only where there is room for them.
    fn details(&mut self, unit: &UnitReport, judged: &Judged, single: bool) {
        let drift = judged.declared.as_ref().map(|declared| &declared.drift);
        let all = drift.map(|drift| drift.differences.as_slice()).unwrap_or_default();
        let told: Vec<&Difference> = all.iter().filter(|difference| single || difference.counts()).collect();
        let widest = |text: fn(&Difference) -> String| told.iter().map(|one| length(&text(one))).max();
        let name = |difference: &Difference| format!("{}=", difference.directive.name);
        let origin = |difference: &Difference| shown(&origin_words(&difference.origin));
        let (names, origins) = (widest(name).unwrap_or_default(), widest(origin).unwrap_or_default());
        // What differs gives way to where it comes from: the line must lead to the file.
        let taken = INDENT.len() + RELATION + names + origins + 3 * GAP.len();
        let room = self.appearance.width.map(|width| width.saturating_sub(taken).max(NARROWEST));
        let whats: Vec<String> = told.iter().map(|one| cut(&shown(&what(one)), room).into_owned()).collect();
        let what_width = whats.iter().map(|what| length(what)).max().unwrap_or_default();
        for (difference, what) in told.iter().zip(whats) {
            let relation = difference.relation;
            let word = if Acceptance::holds(difference.accepted.as_ref()) {
                Cell::padded(ACCEPTED, RELATION).dim()
            } else {
                Cell::padded(relation.word(), RELATION).style(colour_of_relation(relation))
            };
            let cells = [
                word,
                Cell::padded(name(difference), names),
                Cell::padded(what, what_width),
                Cell::new(origin(difference)).dim(),
            ];
            self.line(INDENT, &cells);
            self.acceptance(difference.accepted.as_ref());
        }
        if let Some(evidence) = &unit.evidence {
            self.evidence(evidence);
        }
        for finding in unit.attention() {
            self.finding(finding);
        }
        if single {
            for notice in unit.notices() {
                self.finding(notice);
            }
        }
    }

    /// `evidence  41 in force, 1 not in force, 9 not observable`
    fn evidence(&mut self, evidence: &[Evidence]) {
        let count = |word: &str| evidence.iter().filter(|one| one.verdict.word() == word).count();
        let counted = ["in-force", "not-in-force", "not-observable", "not-readable"]
            .map(|word| (count(word), word.replace('-', " ")))
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, words)| format!("{count} {words}"));
        let counts = counted.collect::<Vec<_>>().join(", ");
        let text = if counts.is_empty() { "none: no process of it was found".to_owned() } else { counts };
        self.line(INDENT, &[Cell::padded("evidence", RELATION), Cell::new(text)]);
    }

    fn finding(&mut self, finding: &Finding) {
        let style = match finding.severity {
            Severity::Notice => Style::new().dimmed(),
            Severity::Finding => AnsiColor::Red.on_default(),
            Severity::Critical => AnsiColor::Red.on_default().bold(),
        };
        let place = match &finding.place {
            Some((path, Some(line))) => format!("{}:{line}: ", shown(path)),
            Some((path, None)) => format!("{}: ", shown(path)),
            None => String::new(),
        };
        let is_said = |subject: &str| subject.split_whitespace().all(|word| finding.text.contains(word));
        let unsaid = finding.subject.as_ref().filter(|subject| !is_said(subject));
        let subject = unsaid.map_or_else(String::new, |subject| format!("{}: ", shown(subject)));
        let text = Cell::new(format!("{place}{subject}{}", shown(&finding.text)));
        let word = if Acceptance::holds(finding.accepted.as_ref()) {
            Cell::padded(ACCEPTED, RELATION).dim()
        } else {
            Cell::padded(finding.severity.word(), RELATION).style(style)
        };
        self.line(INDENT, &[word, text]);
        self.acceptance(finding.accepted.as_ref());
    }

    /// What an administrator says of the line before.
    fn acceptance(&mut self, acceptance: Option<&Acceptance>) {
        if let Some(acceptance) = acceptance {
            let blank = Cell::padded(" ", RELATION);
            self.line(INDENT, &[blank, Cell::new(shown(&acceptance_words(acceptance))).dim()]);
        }
    }

    /// Every check, what costs most first; then what is good, and last what does not apply.
    fn checks(&mut self, judged: &Judged) {
        let mut lines: Vec<&Line> = judged.assessment.lines.iter().collect();
        lines.sort_by_key(|line| {
            let class = match line.badness {
                Badness::Of(0) => 1,
                Badness::Of(_) => 0,
                Badness::NotApplicable | Badness::NotKnown => 2,
            };
            (class, std::cmp::Reverse(line.exposure))
        });
        let ids = lines.iter().map(|line| length(line.group.check.id)).max().unwrap_or_default();
        self.text.reserve(LINE * lines.len());
        self.text.push('\n');
        let plain = Style::new();
        for line in lines {
            let (mark, style) = match line.badness {
                Badness::Of(0) => ("✓", AnsiColor::Green.on_default()),
                Badness::Of(_) => ("✗", AnsiColor::Red.on_default()),
                Badness::NotApplicable | Badness::NotKnown => (" ", plain.dimmed()),
            };
            let mut row = self.begin("");
            row.cell(0, style, |text| text.push_str(mark));
            row.cell(ids, plain, |text| text.push_str(line.group.check.id));
            row.cell(0, plain, |text| match line.exposure {
                // Writing to a String cannot fail.
                Some(exposure) => _ = write!(text, "{exposure:>3}"),
                None => text.push_str("   "),
            });
            row.cell(0, plain, |text| match line.badness {
                Badness::Of(_) => visibly(text, |text| checks::write_found(text, line, &judged.posture)),
                Badness::NotApplicable => text.push_str("does not apply"),
                Badness::NotKnown => text.push_str("not known for this architecture"),
            });
            if let Some(avoidable) = judged.declared.as_ref().map(|declared| declared.avoidable_of(line))
                && avoidable.tenths() > 0
            {
                let style = AnsiColor::Yellow.on_default();
                row.cell(0, style, |text| _ = write!(text, "avoidable {avoidable}"));
            }
            if matches!(line.badness, Badness::Of(_)) {
                row.cell(0, plain.dimmed(), |text| {
                    text.push('(');
                    visibly(text, |text| checks::write_origin(text, line, &judged.posture));
                    text.push(')');
                });
            }
            row.end();
        }
    }
}

/// The bytes of a line that a check takes, more or less.
const LINE: usize = 144;
const INDENT: &str = "  ";
/// The width of the column that says what kind of line it is.
const RELATION: usize = "unexplained".len();
/// That kind, of what an administrator lives with.
const ACCEPTED: &str = "accepted";
/// Fewer columns for what differs than these would say nothing.
const NARROWEST: usize = 24;

/// What differs: by its members where there are any, else both values.
fn what(difference: &Difference) -> String {
    let Difference { wanted, found, only_found, only_wanted, .. } = difference;
    if difference.relation == Relation::Unexplained {
        return open(difference);
    }
    let mut what = if only_found.is_empty() && only_wanted.is_empty() {
        let value = |text: &str| if text.is_empty() { "nothing".to_owned() } else { text.to_owned() };
        format!("wanted {}, found {}", value(wanted), value(found))
    } else {
        let part = |word: &str, members: &[String]| {
            (!members.is_empty()).then(|| format!("{word} {}", members.join(" ")))
        };
        let parts = [part("with", only_found), part("without", only_wanted)];
        format!("found {}", parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    };
    if difference.relation == Relation::Stricter {
        let mut needs = difference.reasons.iter().filter_map(|reason| match reason {
            Reason::Needed { need, .. } => Some(need.id()),
            _ => None,
        });
        if let Some(need) = needs.next() {
            what.push_str(", denies ");
            what.push_str(need);
        }
    }
    what
}

/// What is left open and why: by its members where there are any, else what would shut it.
fn open(difference: &Difference) -> String {
    let Difference { wanted, only_found, .. } = difference;
    let mut open = if only_found.is_empty() {
        format!("not {wanted}")
    } else {
        format!("open: {}", only_found.join(" "))
    };
    let reasons = difference.reasons.iter().map(reason_words);
    for reason in reasons.chain(difference.left_open.as_ref().map(left_open_words)) {
        open.push_str("; ");
        open.push_str(reason.strip_prefix("left open: ").unwrap_or(&reason));
    }
    open
}

fn counts(unit: &UnitReport, judged: &Judged) -> String {
    let all =
        judged.declared.as_ref().map(|declared| declared.drift.differences.as_slice()).unwrap_or_default();
    let of = |which: fn(&Difference) -> bool| all.iter().filter(|difference| which(difference)).count();
    let is_accepted = |accepted: &Option<Acceptance>| Acceptance::holds(accepted.as_ref());
    let drift = of(Difference::counts);
    let unexplained = of(|difference| {
        difference.relation == Relation::Unexplained && !Acceptance::holds(difference.accepted.as_ref())
    });
    let accepted = all.iter().filter(|difference| is_accepted(&difference.accepted)).count()
        + unit.findings.iter().filter(|finding| is_accepted(&finding.accepted)).count();
    let notices = all.len() + unit.notices().count() - drift - unexplained - accepted;
    let mut counts = Vec::new();
    if judged.declared.is_some() && unit.source != Source::Manifest {
        counts.push(if drift == 0 { "no drift".to_owned() } else { format!("{drift} drift") });
    }
    for (count, one, many) in [
        (unit.attention().count(), "finding", "findings"),
        (unexplained, "unexplained", "unexplained"),
        (accepted, "accepted", "accepted"),
        (notices, "notice", "notices"),
    ] {
        match count {
            0 => {}
            1 => counts.push(format!("1 {one}")),
            _ => counts.push(format!("{count} {many}")),
        }
    }
    counts.join(", ")
}

fn colour_of(rating: Rating) -> Style {
    match rating {
        Rating::Perfect | Rating::Safe | Rating::Ok => AnsiColor::Green.on_default(),
        Rating::Medium => AnsiColor::Yellow.on_default(),
        Rating::Exposed | Rating::Unsafe | Rating::Dangerous => AnsiColor::Red.on_default(),
    }
}

fn colour_of_relation(relation: Relation) -> Style {
    match relation {
        Relation::Weaker | Relation::Other => AnsiColor::Red.on_default(),
        Relation::Stricter => AnsiColor::Yellow.on_default(),
        Relation::Unexplained => Style::new().dimmed(),
    }
}
