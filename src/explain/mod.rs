//! What is known of a name: a directive, a check of the exposure figure, a need, a release or a target, from the same
//! rows that generate and judge; and why a unit failed, as `failure` finds it. The views of it are a text, a JSON document and a page of the manual; printing is the command's.

mod facts;
mod json;
mod manual;
mod sections;
mod target;
mod text;
mod unit;
mod words;

use serde::Serialize;

pub use json::{json, schema};
pub use target::{BackportFact, TargetFacts};
pub use unit::{AllowanceFact, CauseFact, Subject, UnitFacts, WrittenFact};

pub use manual::manual;
pub(crate) use sections::{Article, Section, entry, section};
pub(crate) use text::page;
pub use text::text;
pub(crate) use unit::cause_section;

pub use facts::{
    BreakageFact, CheckFacts, DefaultFact, DirectiveFacts, HardeningFact, ImpliedFact, NeedFacts,
    ReleaseFacts, WordFact, YieldFact,
};

use crate::catalogue::{self, Directive};
use crate::manifest::NEED_NAMES;
use crate::need::{NEEDS, NeedRow};
use crate::release::Release;
use crate::render;

/// The newest release, whose figure shares are told of.
const NEWEST: u16 = render::NEWEST;

/// The oldest release whose rules are known.
const OLDEST: u16 = 240;

/// What is known of one name.
#[derive(Serialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Explanation {
    /// A directive.
    Directive(Box<DirectiveFacts>),
    /// A line of the exposure figure.
    Check(CheckFacts),
    /// A need.
    Need(NeedFacts),
    /// A release of systemd.
    Release(ReleaseFacts),
    /// What output is for.
    Target(TargetFacts),
    /// A unit, and why it failed.
    Unit(Box<UnitFacts>),
}

/// Explains a name: a directive in any case, with or without `=`, older spellings too; a check by its id or as
/// `DIRECTIVE=~THING`; a need, all of its choices where it has some; a release as `systemd-252`; a target by any of its
/// names, with its release. What is both a directive and a check is the directive. The error says what is near an
/// unknown name.
pub fn explain(name: &str) -> anyhow::Result<Vec<Explanation>> {
    if let Some(row) = directive(name) {
        return Ok(vec![Explanation::Directive(Box::new(facts::directive(row)))]);
    }
    if let Some(check) = check(name) {
        return Ok(vec![Explanation::Check(check)]);
    }
    let needs = needs(name);
    if !needs.is_empty() {
        return Ok(needs.into_iter().map(|row| Explanation::Need(facts::need(row))).collect());
    }
    if let Some(release) = name.strip_prefix("systemd-").and_then(|release| release.parse::<Release>().ok()) {
        anyhow::ensure!(
            (OLDEST..=NEWEST).contains(&release.major),
            "systemd {release} is not known: {OLDEST} to {NEWEST} are"
        );
        return Ok(vec![Explanation::Release(facts::release(release))]);
    }
    if let Some(target) = target::find(name)? {
        let release = target.release;
        let known = (OLDEST..=NEWEST).contains(&release.major);
        let release = known.then(|| Explanation::Release(facts::release(release)));
        return Ok(std::iter::once(Explanation::Target(target::facts(target))).chain(release).collect());
    }
    let near: Vec<String> = nearest(name).into_iter().map(|near| format!("`{near}`")).collect();
    let hint = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) };
    anyhow::bail!("{} is no directive, check, need, release or target{hint}", crate::visible::quoted(name))
}

fn directive(name: &str) -> Option<&'static Directive> {
    let bare = name.strip_suffix('=').unwrap_or(name);
    let is = |known: &str| known.eq_ignore_ascii_case(bare);
    catalogue::all().iter().find(|row| is(row.name) || row.also.iter().any(|also| is(also))).copied()
}

/// By letters and digits alone: systemd writes `CapabilityBoundingSet=~CAP_SET(UID|GID|PCAP)` for people and
/// `CapabilityBoundingSet_CAP_SET_UID_GID_PCAP` in JSON. One capability of several that are judged together will do.
fn check(name: &str) -> Option<CheckFacts> {
    let letters = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
    };
    let wanted = letters(name);
    let by_id = catalogue::checks().find(|group| letters(group.check.id) == wanted);
    let found = by_id.or_else(|| {
        let (directive, thing) = name.split_once("=~")?;
        catalogue::checks().find(|group| match group.check.probe {
            catalogue::Probe::KeepsAny(names, _) => {
                group.directives.iter().any(|row| row.name.eq_ignore_ascii_case(directive))
                    && names.iter().any(|known| known.eq_ignore_ascii_case(thing))
            }
            _ => false,
        })
    });
    found.map(facts::check)
}

/// The need of that id, or every choice of that word.
fn needs(name: &str) -> Vec<&'static NeedRow> {
    let exact = NEEDS.iter().filter(|row| row.id == name);
    let of_word = NEEDS.iter().filter(|row| row.id.split_once('.').is_some_and(|(word, _)| word == name));
    if NEED_NAMES.contains(&name) { exact.chain(of_word).collect() } else { exact.collect() }
}

/// At most three known names that are near an unknown one, of whatever kind, the nearest first.
fn nearest(name: &str) -> Vec<&'static str> {
    let asked = name.strip_suffix('=').unwrap_or(name).to_ascii_lowercase();
    // Longer ones are no slip of the finger, and cost time.
    if asked.len() > 64 {
        return Vec::new();
    }
    let rows = catalogue::all().iter().map(|row| row.name);
    let known = rows.chain(catalogue::checks().map(|group| group.check.id));
    let known = known.chain(NEED_NAMES).chain(NEEDS.iter().map(|row| row.id)).chain(target::names());
    let furthest = 1 + asked.len() / 6;
    let mut near: Vec<(usize, &str)> = known
        .map(|known| (strsim::damerau_levenshtein(&known.to_ascii_lowercase(), &asked), known))
        .filter(|(distance, _)| *distance <= furthest)
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(3).map(|(_, known)| known).collect()
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, Result, ensure};

    use super::*;

    #[test]
    fn directives_are_found_however_they_are_written() -> Result<()> {
        for row in catalogue::all() {
            for name in [row.name.to_owned(), format!("{}=", row.name), row.name.to_ascii_lowercase()] {
                ensure!(directive(&name) == Some(*row), "{name}");
            }
            for also in row.also {
                ensure!(directive(also) == Some(*row), "{also}");
            }
        }
        Ok(())
    }

    #[test]
    fn checks_are_found_by_both_of_systemds_names() -> Result<()> {
        for group in catalogue::checks() {
            ensure!(
                check(group.check.id).is_some_and(|found| found.id == group.check.id),
                "{}",
                group.check.id
            );
        }
        let cases = [
            ("CapabilityBoundingSet=~CAP_SET(UID|GID|PCAP)", "CapabilityBoundingSet_CAP_SET_UID_GID_PCAP"),
            ("CapabilityBoundingSet=~CAP_SETUID", "CapabilityBoundingSet_CAP_SET_UID_GID_PCAP"),
            ("SystemCallFilter=~@cpu-emulation", "SystemCallFilter_cpu_emulation"),
            ("RestrictNamespaces=~user", "RestrictNamespaces_user"),
            ("restrictaddressfamilies=~AF_(INET|INET6)", "RestrictAddressFamilies_AF_INET_INET6"),
        ];
        for (name, id) in cases {
            ensure!(check(name).with_context(|| name.to_owned())?.id == id, "{name}");
        }
        Ok(())
    }

    #[test]
    fn every_need_is_found_and_words_stand_for_all_of_their_choices() -> Result<()> {
        for row in NEEDS {
            ensure!(needs(row.id).iter().any(|found| found.id == row.id), "{}", row.id);
        }
        for word in NEED_NAMES {
            ensure!(!needs(word).is_empty(), "{word}");
        }
        let mail: Vec<&str> = needs("sends-mail").iter().map(|row| row.id).collect();
        ensure!(mail == ["sends-mail.setgid", "sends-mail.setuid", "sends-mail.smtp"], "{mail:?}");
        Ok(())
    }

    #[test]
    fn what_is_near_is_offered_whatever_its_kind() {
        assert_eq!(nearest("ProtectClok"), ["ProtectClock"]);
        assert_eq!(nearest("kernel.clok"), ["kernel.clock", "kernel.log"]);
        assert_eq!(nearest("qqqqqqqqqq"), [""; 0]);
        assert_eq!(nearest(&"ProtectClock".repeat(100)), [""; 0]);
    }
}
