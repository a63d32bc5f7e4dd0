//! Explanations as headed lists of labelled texts, which the text and the page of the manual both lay out.

use std::borrow::Cow;

use serde::Serialize;

use super::facts::{
    BreakageFact, CheckFacts, DefaultFact, DirectiveFacts, HardeningFact, ImpliedFact, NeedFacts,
    ReleaseFacts, WordFact, YieldFact,
};
use super::{Explanation, NEWEST, target, unit};

/// What there is to read about one name.
#[derive(Serialize)]
pub(crate) struct Article {
    /// The name.
    pub(crate) title: String,
    /// What it is, in sentences.
    pub(crate) summary: String,
    /// Lists; those without entries are left out.
    pub(crate) sections: Vec<Section>,
}

/// A list.
#[derive(Serialize)]
pub(crate) struct Section {
    /// Its heading; empty above the first one.
    pub(crate) title: Cow<'static, str>,
    /// What stands in it.
    pub(crate) entries: Vec<Entry>,
}

/// A labelled text.
#[derive(Serialize)]
pub(crate) struct Entry {
    /// What it is about.
    pub(crate) label: String,
    /// What there is to say.
    pub(crate) text: String,
}

pub(crate) fn entry(label: impl Into<String>, text: impl Into<String>) -> Entry {
    Entry { label: label.into(), text: text.into() }
}

pub(crate) fn section(
    title: impl Into<Cow<'static, str>>,
    entries: impl IntoIterator<Item = Entry>,
) -> Section {
    Section { title: title.into(), entries: entries.into_iter().collect() }
}

impl From<&Explanation> for Article {
    fn from(explanation: &Explanation) -> Self {
        let mut article = match explanation {
            Explanation::Directive(facts) => directive(facts),
            Explanation::Check(facts) => check(facts),
            Explanation::Need(facts) => need(facts),
            Explanation::Release(facts) => release(facts),
            Explanation::Target(facts) => target::article(facts),
            Explanation::Unit(facts) => unit::article(facts),
        };
        article.sections.retain(|section| !section.entries.is_empty());
        article
    }
}

fn directive(facts: &DirectiveFacts) -> Article {
    let DirectiveFacts { name, summary, since, words, order, properties, .. } = facts;
    let brackets: Vec<String> = facts.sections.iter().map(|section| format!("[{section}]")).collect();
    let order = order.map(|order| format!("; {order}")).unwrap_or_default();
    let words: Vec<String> = words.iter().map(|word| known_from(word, *since)).collect();
    let values = if words.is_empty() { facts.grammar.to_owned() } else { words.join(", ") };
    let mut basics = vec![
        entry("family", facts.family),
        entry("sections", brackets.join(" ")),
        entry("since", if *since == 0 { "before every known release".to_owned() } else { since.to_string() }),
    ];
    basics.extend(facts.until.map(|last| entry("until", last.to_string())));
    basics.extend([
        entry(
            "managers",
            if facts.managers.len() == 1 { "the system's alone" } else { "the system's and users'" },
        ),
        entry("values", values + &order),
    ]);
    if !facts.also.is_empty() {
        basics.insert(0, entry("also", names(&facts.also)));
    }
    basics.extend(facts.defaults.iter().map(|default| entry("default", default_words(default))));
    basics.push(entry("on the bus", properties.join(", ")));
    basics.extend(facts.key.map(|key| entry("stated by", format!("the key {key} of a manifest"))));
    basics.extend(
        facts.beside.map(|other| entry("beside", format!("{other}=, without which it says nothing"))),
    );
    basics.push(entry("breaks", facts.breaks));
    Article {
        title: format!("{name}="),
        summary: (*summary).to_owned(),
        sections: vec![
            section("", basics),
            section("Written from a strictness on", facts.hardened.iter().map(hardening)),
            section("Opened by needs", facts.yields.iter().map(|offer| entry(offer.need, opened(offer)))),
            section("Brings along", facts.implies.iter().map(implied)),
            section(
                "Counts in the exposure",
                facts.checks.iter().map(|check| entry(check.id, counted(check))),
            ),
            section("Known cases", facts.breakages.iter().map(|case| entry(case.id.to_string(), told(case)))),
        ],
    }
}

fn known_from(word: &WordFact, directive: u16) -> String {
    match word.since {
        since if since > directive => format!("{} (from {since} on)", word.value),
        _ => word.value.to_owned(),
    }
}

fn default_words(default: &DefaultFact) -> String {
    let mut parts = Vec::new();
    parts.extend(default.releases.clone());
    parts.extend(default.manager.map(|manager| format!("{manager} manager")));
    parts.extend(default.unit.map(|unit| format!("{unit} units")));
    let value = if default.value.is_empty() { "nothing" } else { default.value };
    if parts.is_empty() { value.to_owned() } else { format!("{value} ({})", parts.join(", ")) }
}

fn hardening(fact: &HardeningFact) -> Entry {
    let given = fact.given.map(|given| format!(", {given}")).unwrap_or_default();
    entry(fact.from, fact.lines.join(" and ") + &given)
}

fn opened(fact: &YieldFact) -> String {
    let proviso = fact.proviso.as_ref().map(|proviso| format!(", {proviso}")).unwrap_or_default();
    format!("{}{proviso}", fact.opens)
}

fn implied(fact: &ImpliedFact) -> Entry {
    let releases = fact.releases.as_ref().map(|releases| format!("{releases}, ")).unwrap_or_default();
    entry(fact.when.clone(), format!("{} ({releases}{})", fact.does, fact.seen))
}

fn counted(fact: &CheckFacts) -> String {
    let mut text = format!("{}. Weight {}, at worst {:.1} of 10.0", fact.rule, fact.weight, fact.costs);
    for clause in [fact.releases.as_deref(), fact.applies].into_iter().flatten() {
        text.push_str("; ");
        text.push_str(clause);
    }
    text
}

fn told(case: &BreakageFact) -> String {
    let releases = case.releases.map(|releases| format!(", {releases}")).unwrap_or_default();
    let needs =
        if case.needs.is_empty() { String::new() } else { format!(" Need: {}.", case.needs.join(", ")) };
    format!("{}{releases}: {} Seen as: {}.{needs} ({})", case.service, case.what, case.symptom, case.source)
}

fn names(directives: &[&str]) -> String {
    directives.iter().map(|name| format!("{name}=")).collect::<Vec<_>>().join(", ")
}

fn check(facts: &CheckFacts) -> Article {
    let weight =
        format!("{} of {} in systemd {NEWEST}: at worst {:.1} of 10.0", facts.weight, facts.of, facts.costs);
    let mut basics = vec![
        entry("directives", names(&facts.directives)),
        entry("weight", weight),
        entry("badness", format!("0 to {}", facts.range)),
        entry("rule", facts.rule.clone()),
        entry("releases", facts.releases.as_deref().unwrap_or("all")),
    ];
    basics.push(entry("applies to", facts.applies.unwrap_or("every service")));
    Article {
        title: facts.id.to_owned(),
        summary: "A line of the exposure figure.".to_owned(),
        sections: vec![section("", basics)],
    }
}

fn need(facts: &NeedFacts) -> Article {
    let denied =
        facts.denied_as.clone().unwrap_or_else(|| "not by itself: other statements make it".to_owned());
    let mut basics = vec![entry("denied as", denied)];
    if !facts.parameters.is_empty() {
        basics.insert(0, entry("parameters", facts.parameters.join(", ")));
    }
    Article {
        title: facts.id.to_owned(),
        summary: format!("A need: {}.", facts.summary),
        sections: vec![
            section("", basics),
            section(
                "Opens",
                facts.opens.iter().map(|offer| entry(format!("{}=", offer.directive), opened(offer))),
            ),
            section(
                "Known cases without it",
                facts.breakages.iter().map(|case| {
                    entry(case.id.to_string(), format!("{}: {}", names(&case.directives), told(case)))
                }),
            ),
        ],
    }
}

fn release(facts: &ReleaseFacts) -> Article {
    let list = |names_of: &[&str]| {
        if names_of.is_empty() { "nothing".to_owned() } else { names(names_of) }
    };
    let mut basics = vec![
        entry("new here", list(&facts.directives)),
        entry("left out", list(&facts.left_out)),
        entry("checks", format!("{} in the exposure figure, of weight {}", facts.checks, facts.weight)),
    ];
    if !facts.words.is_empty() {
        basics.insert(1, entry("new words", facts.words.join(", ")));
    }
    basics.extend(facts.changes.iter().map(|change| entry("changed", change.clone())));
    if !facts.forcing.is_empty() {
        let text = format!("NoNewPrivileges= upon a service with User=: {}", list(&facts.forcing));
        basics.push(entry("forced", text));
    }
    Article {
        title: facts.target.clone(),
        summary: "A release of systemd, and a target.".to_owned(),
        sections: vec![section("", basics)],
    }
}
