//! What is known of one name, taken from the rows that know it. The fields are those of the JSON document and frozen
//! with it: later releases add some, and change none.

use schemars::JsonSchema;
use serde::Serialize;

use super::words;
use crate::breakages::{self, Breakage};
use crate::catalogue::{self, CheckGroup, Directive, Kind, Managers, Sections, Stage, Yield};
use crate::manifest::NeedName;
use crate::need::{NEEDS, NeedRow};
use crate::release::{Range, Release, covers};

/// A directive.
#[derive(Serialize, JsonSchema)]
pub struct DirectiveFacts {
    /// As systemd spells it, without `=`.
    pub name: &'static str,
    /// Older spellings.
    pub also: Vec<&'static str>,
    /// What it does.
    pub summary: &'static str,
    /// The block of directives that it stands in.
    pub family: &'static str,
    /// The sections that read it.
    pub sections: Vec<&'static str>,
    /// The first release that reads it; 0 where it is older than what is known.
    pub since: u16,
    /// The last release that reads it; null where the newest does.
    pub until: Option<u16>,
    /// The managers that can apply it.
    pub managers: Vec<&'static str>,
    /// What may be written.
    pub grammar: &'static str,
    /// What makes it stricter; null where values are only equal or different.
    pub order: Option<&'static str>,
    /// Its words, weakest first, where it has a list of them.
    pub words: Vec<WordFact>,
    /// What systemd does where a unit is silent.
    pub defaults: Vec<DefaultFact>,
    /// The D-Bus properties that publish it, newest first.
    pub properties: Vec<&'static str>,
    /// The key of a manifest that states it.
    pub key: Option<&'static str>,
    /// The directive that it adds to, and without which it says nothing.
    pub beside: Option<&'static str>,
    /// What the policy writes, weakest first.
    pub hardened: Vec<HardeningFact>,
    /// What needs open.
    pub yields: Vec<YieldFact>,
    /// What else systemd does once it is on.
    pub implies: Vec<ImpliedFact>,
    /// The lines of the exposure figure that look at it.
    pub checks: Vec<CheckFacts>,
    /// What it breaks.
    pub breaks: &'static str,
    /// Known cases.
    pub breakages: Vec<BreakageFact>,
}

/// One word of a directive.
#[derive(Serialize, JsonSchema)]
pub struct WordFact {
    /// As the manager publishes it.
    pub value: &'static str,
    /// The first release that reads it; 0 where the directive always had it.
    pub since: u16,
}

/// A default.
#[derive(Serialize, JsonSchema)]
pub struct DefaultFact {
    /// As a unit would write it; empty for nothing at all.
    pub value: &'static str,
    /// The releases that have it; null for all.
    pub releases: Option<String>,
    /// The manager that has it; null for both.
    pub manager: Option<&'static str>,
    /// The type of unit that has it; null for all.
    pub unit: Option<&'static str>,
}

/// What the policy writes.
#[derive(Serialize, JsonSchema)]
pub struct HardeningFact {
    /// The lowest strictness that writes it.
    pub from: &'static str,
    /// The values of its assignments.
    pub lines: Vec<&'static str>,
    /// What must hold; null for every service.
    pub given: Option<&'static str>,
}

/// What a need opens of a directive.
#[derive(Serialize, JsonSchema)]
pub struct YieldFact {
    /// The need.
    pub need: &'static str,
    /// The directive.
    pub directive: &'static str,
    /// What is written for it; `{name}` stands for a parameter of the need.
    pub opens: String,
    /// When it is also opened, and when it is not; null where it always is.
    pub proviso: Option<String>,
}

/// What a directive does to another one.
#[derive(Serialize, JsonSchema)]
pub struct ImpliedFact {
    /// What must hold of the first one.
    pub when: String,
    /// The other one.
    pub directive: &'static str,
    /// What happens to it.
    pub does: String,
    /// The releases that do; null for all.
    pub releases: Option<String>,
    /// Where it can be seen.
    pub seen: &'static str,
}

/// A line of the exposure figure.
#[derive(Serialize, JsonSchema)]
pub struct CheckFacts {
    /// systemd's `json_field`.
    pub id: &'static str,
    /// The directives that it looks at.
    pub directives: Vec<&'static str>,
    /// Its weight.
    pub weight: u64,
    /// The sum of all weights in the newest release that has it.
    pub of: u64,
    /// What it can cost at worst, of 10.0.
    pub costs: f64,
    /// The worst badness.
    pub range: u64,
    /// How badness comes about.
    pub rule: String,
    /// The releases that have it; null for all.
    pub releases: Option<String>,
    /// The services that it applies to; null for all.
    pub applies: Option<&'static str>,
}

/// A known breakage.
#[derive(Serialize, JsonSchema)]
pub struct BreakageFact {
    /// Its number.
    pub id: u16,
    /// The services.
    pub service: &'static str,
    /// Where it was seen; null where the source does not say.
    pub releases: Option<&'static str>,
    /// The directives that did it.
    pub directives: Vec<&'static str>,
    /// The needs that would have kept it from happening.
    pub needs: Vec<&'static str>,
    /// Its kind.
    pub class: &'static str,
    /// Why it breaks.
    pub what: &'static str,
    /// How it shows.
    pub symptom: &'static str,
    /// Where it is told.
    pub source: &'static str,
}

/// A need, or all choices of one.
#[derive(Serialize, JsonSchema)]
pub struct NeedFacts {
    /// The word of the manifest, with the choice after a dot.
    pub id: &'static str,
    /// What the service does.
    pub summary: &'static str,
    /// The parameters that what it opens may use.
    pub parameters: Vec<&'static str>,
    /// The key that denies it; null where another statement makes it.
    pub denied_as: Option<String>,
    /// What it opens.
    pub opens: Vec<YieldFact>,
    /// Cases that a statement of it would have kept from happening.
    pub breakages: Vec<BreakageFact>,
}

/// A release of systemd.
#[derive(Serialize, JsonSchema)]
pub struct ReleaseFacts {
    /// The target.
    pub target: String,
    /// Directives that it is the first to read.
    pub directives: Vec<&'static str>,
    /// Words that it is the first to read, as assignments.
    pub words: Vec<String>,
    /// What it is the first to do, or to do no more, with directives that it knew before.
    pub changes: Vec<String>,
    /// Hardenings that it does not read yet, so that they are left out.
    pub left_out: Vec<&'static str>,
    /// Directives that force another one upon the service, seen in the process alone.
    pub forcing: Vec<&'static str>,
    /// How many checks the figure has.
    pub checks: usize,
    /// The sum of their weights.
    pub weight: u64,
}

/// The directive as its row tells it.
pub(super) fn directive(row: &'static Directive) -> DirectiveFacts {
    let levels = match row.kind {
        Kind::Level(rules) => rules.levels,
        _ => &[],
    };
    let unset = row.unset.iter().map(|unset| DefaultFact {
        value: unset.text,
        releases: words::releases(unset.releases),
        manager: unset.scope.map(words::manager),
        unit: unset.unit_type.and_then(words::unit_type),
    });
    let hardened = row.hardened.iter().map(|hardening| HardeningFact {
        from: hardening.from.as_str(),
        lines: hardening.lines.to_vec(),
        given: words::condition(hardening.given),
    });
    let implies = row.implies.iter().map(|implied| ImpliedFact {
        when: words::when(implied.when),
        directive: implied.on.name,
        does: words::operation(implied.operation, implied.on.name),
        releases: words::releases(implied.releases),
        seen: words::stage(implied.stage),
    });
    DirectiveFacts {
        name: row.name,
        also: row.also.to_vec(),
        summary: row.summary,
        family: row.family().title,
        sections: match row.sections {
            Sections::Exec => vec!["Service", "Socket", "Mount", "Swap"],
            Sections::Service => vec!["Service"],
            Sections::Unit => vec!["Unit"],
        },
        since: row.since,
        until: row.until,
        managers: match row.managers {
            Managers::Both => vec!["system", "user"],
            Managers::System => vec!["system"],
        },
        grammar: words::grammar(&row.kind),
        order: words::order(&row.kind),
        words: levels.iter().map(|level| WordFact { value: level.text, since: level.since }).collect(),
        defaults: unset.collect(),
        properties: row.properties().to_vec(),
        key: row.key,
        beside: row.beside.map(|other| other.name),
        hardened: hardened.collect(),
        yields: row.yields.iter().map(|offer| yielded(row, offer)).collect(),
        implies: implies.collect(),
        checks: catalogue::checks().filter(|group| group.directives.contains(&row)).map(check).collect(),
        breaks: row.breaks,
        breakages: cases(breakages::by(row)),
    }
}

fn yielded(row: &'static Directive, offer: &Yield) -> YieldFact {
    YieldFact {
        need: offer.to.id(),
        directive: row.name,
        opens: words::opens(offer),
        proviso: words::proviso(offer),
    }
}

/// A line of the figure.
pub(super) fn check(group: &CheckGroup) -> CheckFacts {
    let check = group.check;
    let newest = Release::latest(super::NEWEST);
    let of: u64 = catalogue::checks()
        .filter(|group| covers(group.check.releases, newest))
        .map(|group| group.check.weight)
        .sum();
    CheckFacts {
        id: check.id,
        directives: group.directives.iter().map(|row| row.name).collect(),
        weight: check.weight,
        of,
        costs: tenths((check.weight * 100).div_ceil(of.max(1))),
        range: check.range,
        rule: words::rule(&check.probe),
        releases: words::releases(check.releases),
        applies: words::applies(check.applies),
    }
}

/// A figure in tenths as a number.
fn tenths(tenths: u64) -> f64 {
    f64::from(u32::try_from(tenths).unwrap_or(u32::MAX)) / 10.0
}

/// A need.
pub(super) fn need(row: &'static NeedRow) -> NeedFacts {
    let yields = catalogue::all().iter().flat_map(|directive| {
        directive.yields.iter().filter(|offer| offer.to == row.need).map(|offer| yielded(directive, offer))
    });
    let word = row.id.split('.').next().unwrap_or(row.id);
    let denied = [row.id, word].into_iter().find_map(|name| name.parse::<NeedName>().ok());
    NeedFacts {
        id: row.id,
        summary: row.summary,
        parameters: row.parameters.to_vec(),
        denied_as: denied.map(|name| format!("denies.{name}")),
        opens: yields.collect(),
        breakages: cases(breakages::without(row.need)),
    }
}

/// The cases by their numbers.
fn cases(rows: impl Iterator<Item = &'static Breakage>) -> Vec<BreakageFact> {
    let mut cases: Vec<BreakageFact> = rows.map(breakage).collect();
    cases.sort_unstable_by_key(|case| case.id);
    cases
}

fn breakage(row: &'static Breakage) -> BreakageFact {
    BreakageFact {
        id: row.id,
        service: row.service,
        releases: row.releases,
        directives: row.directives.to_vec(),
        needs: NEEDS.iter().filter(|need| row.needs.contains(&need.need)).map(|need| need.id).collect(),
        class: row.class.word(),
        what: row.what,
        symptom: row.symptom,
        source: row.source,
    }
}

/// What is new in a release, and what it lacks.
pub(super) fn release(release: Release) -> ReleaseFacts {
    let rows = || catalogue::all().iter();
    let words = rows().flat_map(|row| {
        let levels = match row.kind {
            Kind::Level(rules) => rules.levels,
            _ => &[],
        };
        let own = levels.iter().map(|level| (level.text, level.since));
        let also = levels.iter().flat_map(|level| level.also.iter().copied());
        let new = own.chain(also).filter(|(_, since)| *since == release.major && row.since < release.major);
        new.map(|(word, _)| format!("{}={word}", row.name))
    });
    let checks = || catalogue::checks().filter(|group| covers(group.check.releases, release));
    ReleaseFacts {
        target: format!("systemd-{release}"),
        directives: rows().filter(|row| row.since == release.major).map(|row| row.name).collect(),
        words: words.collect(),
        changes: rows()
            .filter(|row| row.since < release.major)
            .flat_map(|row| changes(row, release))
            .collect(),
        left_out: rows()
            .filter(|row| !row.hardened.is_empty() && !row.is_known_to(release))
            .map(|row| row.name)
            .collect(),
        forcing: rows().filter(|row| row.forces_in(release)).map(|row| row.name).collect(),
        checks: checks().count(),
        weight: checks().map(|group| group.check.weight).sum(),
    }
}

/// Defaults that begin in a release, and implications that begin or end there.
fn changes(row: &'static Directive, release: Release) -> Vec<String> {
    let begins = |ranges: &[Range]| ranges.iter().any(|range| range.from == Release::first(release.major));
    let ended =
        |ranges: &[Range]| ranges.iter().any(|range| range.until == Release::latest(release.major - 1));
    let defaults = row.unset.iter().filter(|unset| begins(unset.releases)).map(|unset| {
        let value = if unset.text.is_empty() { "nothing" } else { unset.text };
        format!("{}= is {value} where nothing sets it", row.name)
    });
    // Those of the process alone are told as what is forced.
    let shown = row.implies.iter().filter(|implied| implied.stage != Stage::Exec);
    let implied = shown.filter_map(|implied| {
        let does = words::operation(implied.operation, implied.on.name);
        let when = words::when(implied.when);
        match (begins(implied.releases), ended(implied.releases)) {
            (true, _) => Some(format!("{}= ({when}) brings {does}", row.name)),
            (false, true) => Some(format!("{}= ({when}) no longer brings {does}", row.name)),
            (false, false) => None,
        }
    });
    defaults.chain(implied).collect()
}
