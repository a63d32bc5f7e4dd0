//! The report as one JSON document, schema 1. Its fields are frozen: later releases add, they do not take away or
//! change what a field means. The document's JSON Schema is made from the same types.

use std::fmt::Write as _;

use schemars::{JsonSchema, Schema, schema_for};
use serde::Serialize;

use super::{
    Declared, Judged, Outcome, Report, UnitReport, checks, deceives, left_open_words, origin_words,
    reason_words, written,
};
use crate::drift::Difference;
use crate::evidence::{Evidence, Verdict};
use crate::finding::{Acceptance, Finding, Term};
use crate::score::{Badness, Exposure, Line};
use crate::suggest::{self, Suggestion};

/// The version of the document.
const SCHEMA: u32 = 1;

/// The document, indented and with a newline at its end.
pub fn json(report: &Report) -> anyhow::Result<String> {
    plain_json(&Document::from(report))
}

/// A document as text that holds nothing a terminal obeys.
pub(crate) fn plain_json(document: &impl Serialize) -> anyhow::Result<String> {
    let mut text = serde_json::to_string_pretty(document)?;
    if text.bytes().all(|byte| matches!(byte, b'\n' | b' '..=b'~')) {
        text.push('\n');
        return Ok(text);
    }
    let mut plain = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        // serde_json escapes what JSON forbids; a terminal obeys more than that. All of it stands within strings.
        if c != '\n' && deceives(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(plain, "\\u{unit:04x}");
            }
        } else {
            plain.push(c);
        }
    }
    plain.push('\n');
    Ok(plain)
}

/// The JSON Schema of the document.
pub fn schema() -> Schema {
    schema_for!(Document)
}

/// A report of systemd-harden.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "systemd-harden report")]
struct Document {
    /// The version of this schema. Later releases may add fields to it.
    schema: u32,
    /// The program and its version.
    tool: String,
    /// The units in the order in which they were asked for.
    units: Vec<Unit>,
}

/// What there is to say about one unit. One that could not be judged has `error` in place of figures.
#[derive(Serialize, JsonSchema)]
struct Unit {
    /// Its full name.
    #[serde(rename = "unit")]
    name: String,
    /// Where it was read: `bus`, `file` or `manifest`.
    source: &'static str,
    /// The systemd release that it was judged by, such as `257` or `252.39`.
    #[serde(skip_serializing_if = "Option::is_none")]
    systemd: Option<String>,
    /// `offline` as the release's scorer of files judges, `loaded` as for a running manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'static str>,
    /// The architecture in systemd's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    arch: Option<&'static str>,
    /// Why it could not be judged, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(flatten)]
    figures: Option<Figures>,
    /// What needs attention besides drift.
    findings: Vec<Note>,
    /// What is worth knowing, or accepted; it does not change the exit status.
    notices: Vec<Note>,
    /// What the kernel shows of each directive that the unit sets, where that was looked for; empty where no process of
    /// it was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Vec<Proved>>,
}

/// The figures of a judged unit.
#[derive(Serialize, JsonSchema)]
struct Figures {
    /// systemd's own figure, 0.0 to 10.0.
    #[schemars(range(min = 0.0, max = 10.0))]
    exposure: f64,
    /// systemd's word for it.
    rating: &'static str,
    /// The manifest that declares the unit; null without one, and so are the next two.
    manifest: Option<String>,
    /// The exposure of what the manifest asks for.
    policy: Option<f64>,
    /// The part of the exposure that no declared need justifies.
    avoidable: Option<f64>,
    /// Every check of the figure.
    checks: Vec<Check>,
    /// The differences from the manifest.
    drift: Vec<Drift>,
    #[serde(skip_serializing_if = "Option::is_none", flatten)]
    suggested: Option<Advice>,
}

/// What the unit could say, where `--suggest` asks for it.
#[derive(Serialize, JsonSchema)]
struct Advice {
    /// The directives to add, what lowers the exposure most first.
    suggestions: Vec<Step>,
    /// The exposure with all of them.
    suggested_exposure: f64,
    /// What would go further and may break the service.
    held_back: Vec<HeldBack>,
    /// All of it as the text of a drop-in.
    drop_in: String,
}

/// A directive to add.
#[derive(Serialize, JsonSchema)]
struct Step {
    /// The directive with its `=`.
    directive: String,
    /// Its values, one for each line.
    lines: Vec<String>,
    /// By how much it lowers the exposure, with those before it.
    gain: f64,
    /// The exposure with it and those before it.
    exposure: f64,
    /// How it fails where the service needs what it takes away: `none known`, `loud`, `by the administrator's choice`,
    /// `with time` or `silent`.
    risk: &'static str,
    /// Cases in which it broke a service.
    breakages: Vec<Case>,
}

/// A case in which a directive broke a service.
#[derive(Serialize, JsonSchema)]
struct Case {
    /// The service.
    service: &'static str,
    /// How it showed.
    symptom: &'static str,
    /// Where it is told.
    source: &'static str,
}

/// Something stricter that is not suggested.
#[derive(Serialize, JsonSchema)]
struct HeldBack {
    /// The directive with its `=`.
    directive: String,
    /// The value that it would have.
    value: String,
    /// As of a suggestion.
    risk: &'static str,
    /// Needs of which the service must have none for it.
    needs: Vec<&'static str>,
}

/// One check of the figure.
#[derive(Serialize, JsonSchema)]
struct Check {
    /// systemd's own `json_field`.
    id: &'static str,
    /// The directives that it looks at.
    directives: Vec<String>,
    /// 0 is good, `range` is worst; null where the check does not apply or cannot be known.
    badness: Option<u64>,
    /// The worst badness.
    range: u64,
    /// Its share in the figure; null where it costs nothing or does not apply.
    exposure: Option<f64>,
    /// The part of that share that no declared need justifies; null without a manifest.
    avoidable: Option<f64>,
    /// What was found.
    found: String,
    /// Where that comes from: `FILE:LINE`, `default`, `manager default DIRECTIVE=`, `bus`, `manifest`,
    /// `implied by DIRECTIVE=`.
    origin: String,
}

/// One directive that is not as the manifest asks for.
#[derive(Serialize, JsonSchema)]
struct Drift {
    /// `drift.RELATION.DIRECTIVE`.
    id: String,
    /// The directive with its `=`.
    directive: String,
    /// `weaker`, `stricter`, `other` or `unexplained`.
    relation: &'static str,
    /// `finding`, or `notice` where it does not change the exit status.
    severity: &'static str,
    /// The value that the manifest asks for; empty where that is none.
    wanted: String,
    /// The value that was found; empty where that is none.
    found: String,
    /// Members that only the found value has; of a filter, what passes only there.
    only_found: Vec<String>,
    /// Members that only the wanted value has.
    only_wanted: Vec<String>,
    /// Where the found value comes from.
    origin: String,
    /// Why the manifest asks for its value, or leaves it open.
    reasons: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted: Option<Accepted>,
}

/// That an administrator lives with a finding, which does not change the exit status until the date has passed.
#[derive(Serialize, JsonSchema)]
struct Accepted {
    /// Why.
    because: String,
    /// The last day of it, in UTC: `2027-01-31`.
    until: String,
    /// Where it is stated: `FILE:LINE:COLUMN`.
    place: String,
    /// Whether that day has passed, so that the finding counts again.
    expired: bool,
}

/// Whether one directive is in force.
#[derive(Serialize, JsonSchema)]
struct Proved {
    /// The directive with its `=`.
    directive: String,
    /// `in-force`, `not-in-force`, `not-observable` or `not-readable`.
    state: &'static str,
    /// Why it is not in force or not observable, where that is known; the file that cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// What should be seen, of one that is not in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<String>,
    /// What is seen in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<String>,
    /// The process that shows it; none where the control group does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
}

/// A finding or a notice.
#[derive(Serialize, JsonSchema)]
struct Note {
    /// Stable, such as `line.misread`.
    id: String,
    /// `finding`, `critical`, or `notice` where it does not change the exit status.
    severity: &'static str,
    /// The file that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// The line in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    /// The directive that it is about, with its `=`.
    #[serde(skip_serializing_if = "Option::is_none")]
    directive: Option<String>,
    /// The path, account, port or process that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// What there is to say.
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted: Option<Accepted>,
}

impl From<&Report> for Document {
    fn from(report: &Report) -> Self {
        Self {
            schema: SCHEMA,
            tool: format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")),
            units: report.units.iter().map(Unit::from).collect(),
        }
    }
}

impl From<&UnitReport> for Unit {
    fn from(unit: &UnitReport) -> Self {
        let (error, figures) = match &unit.outcome {
            Outcome::Judged(judged) => (None, Some(Figures::from(&**judged))),
            Outcome::Failed(why) | Outcome::PassedOver(why) => (Some(why.clone()), None),
        };
        Self {
            name: unit.unit.clone(),
            source: unit.source.word(),
            systemd: unit.context.map(|context| context.release.to_string()),
            mode: unit.context.map(|context| context.mode.word()),
            arch: unit.context.map(|context| context.architecture.word()),
            error,
            figures,
            findings: unit.attention().map(Note::from).collect(),
            notices: unit.notices().map(Note::from).collect(),
            evidence: unit.evidence.as_ref().map(|evidence| evidence.iter().map(Proved::from).collect()),
        }
    }
}

impl From<&Judged> for Figures {
    fn from(judged: &Judged) -> Self {
        let Judged { posture, assessment, declared, suggestion } = judged;
        let figure = |figure: fn(&Declared) -> Exposure| declared.as_ref().map(figure).map(number);
        let check = |line: &Line| Check {
            id: line.group.check.id,
            directives: line.group.directives.iter().map(|directive| with_sign(directive.name)).collect(),
            badness: match line.badness {
                Badness::Of(badness) => Some(u64::from(badness)),
                Badness::NotApplicable | Badness::NotKnown => None,
            },
            range: line.group.check.range,
            exposure: line.exposure.map(number),
            avoidable: declared.as_ref().map(|declared| number(declared.avoidable_of(line))),
            found: written(|text| checks::write_found(text, line, posture)),
            origin: written(|text| checks::write_origin(text, line, posture)),
        };
        let drift = declared.iter().flat_map(|declared| &declared.drift.differences);
        Self {
            exposure: number(assessment.exposure),
            rating: assessment.exposure.rating().word(),
            manifest: declared.as_ref().map(|declared| declared.manifest.to_string()),
            policy: figure(|declared| declared.policy),
            avoidable: figure(|declared| declared.avoidable),
            checks: assessment.lines.iter().map(check).collect(),
            drift: drift.map(Drift::from).collect(),
            suggested: suggestion.as_ref().map(Advice::from),
        }
    }
}

impl From<&Suggestion> for Advice {
    fn from(suggestion: &Suggestion) -> Self {
        let step = |step: &suggest::Step| Step {
            directive: with_sign(step.directive.name),
            lines: step.lines.clone(),
            gain: number(step.gain),
            exposure: number(step.exposure),
            risk: step.risk.word(),
            breakages: step
                .breakages()
                .map(|case| Case { service: case.service, symptom: case.symptom, source: case.source })
                .collect(),
        };
        let held = |held: &suggest::HeldBack| HeldBack {
            directive: with_sign(held.directive.name),
            value: held.wanted.clone(),
            risk: held.risk.word(),
            needs: held.needs.clone(),
        };
        Self {
            suggestions: suggestion.steps.iter().map(step).collect(),
            suggested_exposure: number(suggestion.to),
            held_back: suggestion.held_back.iter().map(held).collect(),
            drop_in: suggest::drop_in(suggestion),
        }
    }
}

impl From<&Difference> for Drift {
    fn from(difference: &Difference) -> Self {
        let reasons = difference.reasons.iter().map(reason_words);
        Self {
            id: difference.id(),
            directive: with_sign(difference.directive.name),
            relation: difference.relation.word(),
            severity: difference.severity.word(),
            wanted: difference.wanted.clone(),
            found: difference.found.clone(),
            only_found: difference.only_found.clone(),
            only_wanted: difference.only_wanted.clone(),
            origin: origin_words(&difference.origin),
            reasons: reasons.chain(difference.left_open.as_ref().map(left_open_words)).collect(),
            accepted: difference.accepted.as_ref().map(Accepted::from),
        }
    }
}

impl From<&Evidence> for Proved {
    fn from(evidence: &Evidence) -> Self {
        let (detail, lack) = match &evidence.verdict {
            Verdict::InForce => (None, None),
            Verdict::NotInForce(lack) => (lack.why.clone(), Some(lack)),
            Verdict::NotObservable(text) | Verdict::NotReadable(text) => (Some(text.clone()), None),
        };
        Self {
            directive: with_sign(evidence.directive.name),
            state: evidence.verdict.word(),
            detail,
            expected: lack.map(|lack| lack.expected.clone()),
            seen: lack.map(|lack| lack.seen.clone()),
            pid: lack.and_then(|lack| lack.process.as_ref()).map(|(pid, _)| *pid),
        }
    }
}

impl From<&Finding> for Note {
    fn from(finding: &Finding) -> Self {
        let (file, line) = match &finding.place {
            Some((path, line)) => (Some(path.to_string()), *line),
            None => (None, None),
        };
        Self {
            id: finding.id.to_string(),
            severity: finding.severity.word(),
            file,
            line,
            directive: finding.directive.map(|directive| with_sign(directive.name)),
            subject: finding.subject.clone(),
            message: finding.text.clone(),
            accepted: finding.accepted.as_ref().map(Accepted::from),
        }
    }
}

impl From<&Acceptance> for Accepted {
    fn from(acceptance: &Acceptance) -> Self {
        Self {
            because: acceptance.because.to_string(),
            until: acceptance.until.to_string(),
            place: acceptance.place.to_string(),
            expired: acceptance.term == Term::Expired,
        }
    }
}

fn with_sign(name: &str) -> String {
    format!("{name}=")
}

/// Tenths as the number that prints with one digit after the point.
#[expect(clippy::cast_precision_loss, reason = "an exposure is at most 100 tenths")]
fn number(exposure: Exposure) -> f64 {
    exposure.tenths() as f64 / 10.0
}
