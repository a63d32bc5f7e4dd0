//! A trial as it is told, as text and as a JSON document, schema 1: every foreign text free of what a terminal would
//! obey.

use schemars::{JsonSchema, Schema, schema_for};
use serde::Serialize;

use super::remedy::REASON;
use super::{Proof, Relaxed, Remedy};
use crate::explain::{Article, CauseFact, cause_section, entry, section};
use crate::failure::Denial;
use crate::report::Appearance;
use crate::score::Exposure;
use crate::visible::shown;

/// The version of the document.
const SCHEMA: u32 = 1;

/// What came of a trial.
#[derive(Serialize, JsonSchema)]
pub struct TrialFacts {
    /// The unit that was tried.
    pub unit: String,
    /// The name that it was run by.
    pub ran_as: String,
    /// The manifest.
    pub manifest: String,
    /// "safe", "default" or "strict".
    pub strictness: &'static str,
    /// The target that it was rendered for.
    pub target: String,
    /// The release of systemd that ran it.
    pub systemd: String,
    /// How it went.
    pub outcome: Outcome,
    /// What ended it and how; null where it did not fail.
    pub failure: Option<String>,
    /// The command that was run while it was up; null where there was none.
    pub command: Option<CommandFact>,
    /// What it was refused, in that order, each once; empty where nothing is known to be.
    pub denials: Vec<DenialFact>,
    /// The lines that the manifest was tried with besides, each found by the trial before; empty where it was tried as it is.
    pub added: Vec<RemedyFact>,
    /// What of the manifest was not tried, each with why.
    pub not_tried: Vec<String>,
    /// Units that were stopped for it, and started again after it.
    pub replaced: Vec<String>,
    /// The last lines that it wrote, where it failed and no denial is known.
    pub said: Vec<String>,
    /// What else there is to know, or could not be looked at.
    pub hints: Vec<String>,
}

/// How a trial went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was up all the time.
    Ran,
    /// It did what it was started for, and ended by itself.
    Ended,
    /// It was not up in time, and was stopped.
    NotUp,
    /// It failed.
    Failed,
}

/// A command that was run while the service was up.
#[derive(Serialize, JsonSchema)]
pub struct CommandFact {
    /// The command and its arguments.
    pub argv: Vec<String>,
    /// Whether it ended with 0.
    pub succeeded: bool,
    /// How it ended the last time, or why it was not run.
    pub ended: String,
    /// How often it was run.
    pub times: usize,
    /// The last lines that it wrote the last time.
    pub said: Vec<String>,
}

/// Something that was refused.
#[derive(Serialize, JsonSchema)]
pub struct DenialFact {
    /// The error, as "EROFS"; the signal; or the exit status with its name, as "226/NAMESPACE".
    pub error: String,
    /// Who said so: a line of the journal, or how the service ended.
    pub said: String,
    /// What systemd said besides.
    pub besides: Vec<String>,
    /// How often it was said.
    pub times: usize,
    /// Whether it ended the service.
    pub ended: bool,
    /// What refuses it, the surest first.
    pub causes: Vec<CauseFact>,
    /// How many more directives only may refuse it.
    pub more: usize,
    /// What the manifest would say to allow it, the surest first; empty where no need does.
    pub remedies: Vec<RemedyFact>,
}

/// A line of a manifest.
#[derive(Serialize, JsonSchema)]
pub struct RemedyFact {
    /// The table that it stands in.
    pub table: String,
    /// The line.
    pub line: String,
    /// Whether the manifest loads with it.
    pub loads: bool,
    /// Why it does not.
    pub refused: Option<String>,
    /// Whether none of the directives to blame refuses the thing any more; null where the denial does not name it.
    pub lifts: Option<bool>,
    /// What is more open than before.
    pub relaxes: Vec<RelaxedFact>,
    /// The exposure without it; null where it does not load.
    pub exposure: Option<f64>,
    /// The exposure with it; null where it does not load.
    pub exposure_with: Option<f64>,
}

/// A directive that a line relaxes.
#[derive(Serialize, JsonSchema)]
pub struct RelaxedFact {
    /// The directive.
    pub directive: &'static str,
    /// Its assignments without the line; empty where it is not written.
    pub before: Vec<String>,
    /// Its assignments with it.
    pub after: Vec<String>,
}

impl TrialFacts {
    /// The line that allows what was refused first, or may, and is none of `seen`; nothing where there is none.
    pub fn take_next(&mut self, seen: &[String]) -> Option<RemedyFact> {
        let is_new = |remedy: &RemedyFact| {
            remedy.loads && remedy.lifts != Some(false) && !seen.iter().any(|line| line == remedy.grants())
        };
        let denial = self.denials.iter_mut().find(|denial| denial.remedies.first().is_some_and(is_new))?;
        Some(denial.remedies.remove(0))
    }

    /// Whether the manifest as it is refused nothing, and everything went as it should.
    pub fn is_clean(&self) -> bool {
        let went = matches!(self.outcome, Outcome::Ran | Outcome::Ended);
        went && self.added.is_empty()
            && self.denials.is_empty()
            && self.command.as_ref().is_none_or(|command| command.succeeded)
    }
}

impl DenialFact {
    /// What is told of a denial.
    pub fn new(denial: &Denial, remedies: &[Remedy]) -> Self {
        Self {
            error: shown(&denial.error),
            said: shown(&denial.said),
            besides: denial.besides.iter().map(|text| shown(text)).collect(),
            times: denial.times,
            ended: denial.ended,
            causes: denial.causes.iter().map(CauseFact::new).collect(),
            more: denial.left_out,
            remedies: remedies.iter().map(RemedyFact::new).collect(),
        }
    }
}

impl RemedyFact {
    /// The line up to its reason, which may quote what is another each time.
    pub fn grants(&self) -> &str {
        self.line.split_once(REASON).map_or(&self.line, |(before, _)| before)
    }

    fn new(remedy: &Remedy) -> Self {
        let (refused, lifts, relaxes, exposure) = match &remedy.proof {
            Proof::Loads { standing, relaxes, exposure } => {
                (None, standing.map(|left| left == 0), relaxes.as_slice(), Some(*exposure))
            }
            Proof::Refused(reason) => (Some(shown(&reason.replace('\n', ";"))), None, [].as_slice(), None),
        };
        Self {
            table: shown(&remedy.table),
            line: shown(&remedy.line),
            loads: refused.is_none(),
            refused,
            lifts,
            relaxes: relaxes.iter().map(RelaxedFact::new).collect(),
            exposure: exposure.map(|[without, _]| figure(without)),
            exposure_with: exposure.map(|[_, with]| figure(with)),
        }
    }
}

impl RelaxedFact {
    fn new(relaxed: &Relaxed) -> Self {
        let texts = |texts: &[String]| texts.iter().map(|text| shown(text)).collect();
        Self {
            directive: relaxed.directive.name,
            before: texts(&relaxed.before),
            after: texts(&relaxed.after),
        }
    }
}

fn figure(exposure: Exposure) -> f64 {
    // At most 100 tenths.
    u32::try_from(exposure.tenths()).map_or(10.0, f64::from) / 10.0
}

/// What systemd-harden saw when it tried a service.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "systemd-harden trial")]
struct Document<'a> {
    /// The version of this schema. Later releases may add fields to it.
    schema: u32,
    /// The program and its version.
    tool: String,
    /// What came of it.
    trial: &'a TrialFacts,
}

/// The document, indented and with a newline at its end.
pub fn json(trial: &TrialFacts) -> anyhow::Result<String> {
    let tool = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned();
    Ok(serde_json::to_string_pretty(&Document { schema: SCHEMA, tool, trial })? + "\n")
}

/// The JSON Schema of the document.
pub fn schema() -> Schema {
    schema_for!(Document<'static>)
}

/// The trial for people.
pub fn text(trial: &TrialFacts, appearance: Appearance) -> String {
    let mut basics = vec![
        entry("manifest", trial.manifest.clone()),
        entry("policy", format!("{}, for {}", trial.strictness, trial.target)),
    ];
    if let Some(command) = &trial.command {
        let times =
            if command.times > 1 { format!(", tried {} times", command.times) } else { String::new() };
        basics.push(entry("command", format!("{}: {}{times}", command.argv.join(" "), command.ended)));
        basics.extend(command.said.iter().map(|line| entry("", line.clone())));
    }
    for remedy in &trial.added {
        basics.push(entry("added", format!("{}  {}", remedy.table, remedy.line)));
    }
    let mut sections = vec![section("", basics)];
    for (place, denial) in trial.denials.iter().enumerate() {
        sections.extend(told(place + 1, denial));
    }
    sections.push(section("Journal", trial.said.iter().map(|line| entry("said", line.clone()))));
    let mut besides: Vec<_> = trial.not_tried.iter().map(|text| entry("not tried", text.clone())).collect();
    besides.extend(
        trial.replaced.iter().map(|unit| entry("replaced", format!("{unit}, which was started again"))),
    );
    besides.extend(trial.hints.iter().map(|hint| entry("note", hint.clone())));
    sections.push(section("Besides", besides));
    sections.retain(|section| !section.entries.is_empty());
    let article = Article { title: trial.unit.clone(), summary: summary(trial), sections };
    crate::explain::page(&article, appearance)
}

/// How it went, in a sentence or two.
fn summary(trial: &TrialFacts) -> String {
    let went = match (&trial.outcome, &trial.failure) {
        (_, Some(failure)) => format!("Failed: {failure}."),
        (Outcome::Ran, None) => "Ran all the time.".to_owned(),
        (Outcome::Ended, None) => "Did its work and ended by itself.".to_owned(),
        (Outcome::NotUp, None) => "Was not up in time, and was stopped.".to_owned(),
        (Outcome::Failed, None) => "Failed.".to_owned(),
    };
    let is_served = trial.command.as_ref().is_none_or(|command| command.succeeded);
    let went_well = matches!(trial.outcome, Outcome::Ran | Outcome::Ended) && is_served;
    let refused = match (trial.denials.len(), went_well) {
        (0, true) => "Nothing was refused.".to_owned(),
        (0, false) => "Nothing that the policy is known to refuse was seen.".to_owned(),
        (1, _) => "One thing was refused.".to_owned(),
        (count, _) => format!("{count} things were refused; the first one first."),
    };
    let command = match &trial.command {
        Some(command) if !command.succeeded => " The command failed.",
        _ => "",
    };
    let refused = match trial.added.len() {
        0 => refused,
        1 => format!("{refused} That is with one line more than the manifest has."),
        count => format!("{refused} That is with {count} lines more than the manifest has."),
    };
    format!("{went}{command} {refused}")
}

/// A denial: what was said, each cause, and what the manifest would say.
fn told(number: usize, denial: &DenialFact) -> Vec<crate::explain::Section> {
    let mut entries = vec![entry("said", denial.said.clone())];
    entries.extend(denial.besides.iter().map(|text| entry("said", text.clone())));
    if denial.times > 1 {
        entries.push(entry("times", denial.times.to_string()));
    }
    for remedy in &denial.remedies {
        entries.push(entry("allow", format!("{}  {}", remedy.table, remedy.line)));
        entries.push(entry("", proved(remedy)));
        entries.extend(remedy.relaxes.iter().map(|relaxed| entry("relaxes", relaxed.to_string())));
    }
    if denial.more > 0 {
        entries.push(entry("note", format!("{} more directives may refuse the like", denial.more)));
    }
    let mut sections = vec![section(format!("{number}. {}", denial.error), entries)];
    sections.extend(denial.causes.iter().map(cause_section));
    sections
}

/// What is known of a line.
fn proved(remedy: &RemedyFact) -> String {
    if let Some(reason) = &remedy.refused {
        return format!("the manifest does not load with it: {reason}");
    }
    let exposure = match (remedy.exposure, remedy.exposure_with) {
        (Some(before), Some(after)) if before < after => format!("; exposure {before:.1} -> {after:.1}"),
        _ => String::new(),
    };
    let enough = match remedy.lifts {
        Some(true) => "and none of the directives below refuses it any more",
        Some(false) => "but not all of the directives below let it through",
        None => "and whether that is enough, another trial tells",
    };
    format!("the manifest loads with it, {enough}{exposure}")
}

impl std::fmt::Display for RelaxedFact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines =
            |lines: &[String]| if lines.is_empty() { "not written".to_owned() } else { lines.join(" | ") };
        write!(f, "{}=  {} -> {}", self.directive, lines(&self.before), lines(&self.after))
    }
}
