//! What a manifest would say so that a denial goes away, and how far that is proved: whether the manifest loads with the
//! line, which directives it relaxes, and whether any of them still refuses the thing.

use super::model::Model;
use crate::catalogue::{self, Directive};
use crate::failure::{Allowance, Cause, Denial, Presence};
use crate::import::need_line;
use crate::need::{NEEDS, Need};
use crate::policy::Policy;
use crate::posture::Posture;
use crate::score::{Exposure, assess};
use crate::visible::shown;

/// More would no longer be an answer.
const MOST: usize = 3;

/// The most characters of what was said that a reason quotes.
const QUOTED: usize = 100;

/// How the reasons of lines begin.
pub(super) const REASON: &str = "seen when it was tried: ";

/// A line of a manifest that may allow what was refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Remedy {
    /// The table that it stands in.
    pub table: String,
    /// The line.
    pub line: String,
    /// What becomes of the manifest with it.
    pub proof: Proof,
}

/// What becomes of a manifest with a line more.
#[derive(Clone, Debug, PartialEq)]
pub enum Proof {
    /// It loads, and the policy can be written.
    Loads {
        /// How many of the directives to blame refuse the thing still; nothing where the denial does not name it.
        standing: Option<usize>,
        /// What is more open than before.
        relaxes: Vec<Relaxed>,
        /// The exposure before and after.
        exposure: [Exposure; 2],
    },
    /// It does not load: why.
    Refused(String),
}

/// A directive that a line relaxes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relaxed {
    /// The directive.
    pub directive: &'static Directive,
    /// Its assignments without the line; empty where it is not written.
    pub before: Vec<String>,
    /// Its assignments with it.
    pub after: Vec<String>,
}

impl Remedy {
    /// Whether it is known to do.
    pub fn is_proved(&self) -> bool {
        matches!(self.proof, Proof::Loads { standing: Some(0), .. })
    }

    /// As it stands in a drop-in of the manifest.
    pub fn text(&self) -> String {
        format!("{}\n{}\n", self.table, self.line)
    }

    /// What is known to do first, and of those what opens the least.
    fn rank(&self) -> (usize, Exposure, usize) {
        match &self.proof {
            Proof::Loads { standing, relaxes, exposure: [_, with] } => {
                // What cannot be told may be enough.
                (standing.map_or(1, |standing| 2 * standing), *with, relaxes.len())
            }
            Proof::Refused(_) => (usize::MAX, Exposure::from_tenths(0), 0),
        }
    }
}

/// What may be said to allow what was refused, the surest first. `standing` tells how many of the directives to
/// blame refuse it still in another posture.
pub fn remedies(
    denial: &Denial,
    model: &Model<'_>,
    host: &dyn Fn(&str) -> Presence,
    standing: &dyn Fn(&Posture) -> Option<usize>,
) -> Vec<Remedy> {
    let mut found: Vec<Remedy> = Vec::new();
    let allowances =
        denial.blamed().flat_map(|cause| cause.allowances.iter().map(move |allowance| (cause, allowance)));
    for (cause, allowance) in allowances {
        let Some(line) = line(cause, allowance, denial, host) else { continue };
        if found.iter().any(|remedy| remedy.line == line) {
            continue;
        }
        let table = model.table();
        let proof = proof(model, &format!("{table}\n{line}\n"), standing);
        let changes_nothing = matches!(&proof, Proof::Loads { relaxes, .. } if relaxes.is_empty());
        if !changes_nothing {
            found.push(Remedy { table, line, proof });
        }
    }
    found.sort_by_key(Remedy::rank);
    // Beside one that is known to do, what is known not to is no help.
    if found.first().is_some_and(Remedy::is_proved) {
        found.retain(Remedy::is_proved);
    }
    found.truncate(MOST);
    found
}

/// The line below the table of needs.
fn line(
    cause: &Cause,
    allowance: &Allowance,
    denial: &Denial,
    host: &dyn Fn(&str) -> Presence,
) -> Option<String> {
    let row = NEEDS.iter().find(|row| allowance.is_need && row.id == allowance.key)?;
    let need = row.need;
    let because = format!("{REASON}{}", seen(cause, denial));
    // What a row is not asked for by name may still be what the need is for.
    let path =
        cause.thing.as_deref().filter(|thing| thing.starts_with('/') && row.parameters.contains(&"path"));
    let thing = thing(need, allowance.thing.as_deref().or(path), denial, host);
    // Which port it is makes it a low one.
    let need = if need == Need::BindsLowPort { Need::BindsPort } else { need };
    need_line(need, thing.as_deref(), &because)
}

/// What was seen, in words that are the same each time where the denial names what it is about.
fn seen(cause: &Cause, denial: &Denial) -> String {
    if let Some(thing) = &cause.thing {
        return format!("{} for {}", denial.error, shown(thing).trim_end_matches('\\'));
    }
    let said = shown(denial.besides.first().unwrap_or(&denial.said));
    let mut quoted: String = said.chars().take(QUOTED).collect();
    if quoted.len() < said.len() {
        quoted.push('…');
    }
    quoted.trim_end_matches(['\\', ' ']).to_owned()
}

/// What the need is for, as the words of a manifest want it.
fn thing(
    need: Need,
    named: Option<&str>,
    denial: &Denial,
    host: &dyn Fn(&str) -> Presence,
) -> Option<String> {
    match (need, named) {
        // What is not there yet is the service's to make.
        (Need::Writes, Some(path)) if host(path) == Presence::Missing => Some(format!("+{path}")),
        // Nobody makes nodes, or opens other ones than it names.
        (Need::Devices, Some(path)) => Some(format!("{path} rw")),
        (Need::BindsPort | Need::BindsLowPort, _) => port(&denial.said).map(|port| format!("tcp {port}")),
        (_, named) => named.map(str::to_owned),
    }
}

/// The port that a message names: the last number behind an address and a colon, or behind the word.
fn port(said: &str) -> Option<u16> {
    let words = said.split(|c: char| c.is_whitespace() || "()[],;'\"".contains(c));
    let mut before = "";
    let mut found = None;
    for word in words.filter(|word| !word.is_empty()) {
        let word = word.trim_end_matches([':', '.']);
        let number = match word.rsplit_once(':') {
            Some((host, number)) if is_address(host) => number,
            None if before.eq_ignore_ascii_case("port") => word,
            _ => "",
        };
        found = number.parse().ok().filter(|port| *port != 0).or(found);
        before = word;
    }
    found
}

/// Whether a port may stand behind it: no part of a time of day.
fn is_address(host: &str) -> bool {
    let whole = host.is_empty() || host == "*" || host.ends_with(']');
    whole || !host.contains(':') && host.contains(|c: char| c == '.' || c.is_ascii_alphabetic())
}

fn proof(model: &Model<'_>, text: &str, standing: &dyn Fn(&Posture) -> Option<usize>) -> Proof {
    let with = match model.with(text) {
        Ok(policy) => policy,
        Err(reason) => return Proof::Refused(format!("{reason:#}")),
    };
    let without = model.policy();
    Proof::Loads {
        standing: standing(&with.posture),
        relaxes: differences(without, &with),
        exposure: [without, &with].map(|policy| assess(&policy.posture).exposure),
    }
}

/// The directives that are another with it.
fn differences(without: &Policy, with: &Policy) -> Vec<Relaxed> {
    let lines = |policy: &Policy, row: &Directive| -> Vec<String> {
        let written = policy.written.iter().find(|written| written.directive == row);
        written.iter().flat_map(|written| written.lines.iter().map(|line| line.text.clone())).collect()
    };
    catalogue::all()
        .iter()
        .map(|row| Relaxed { directive: row, before: lines(without, row), after: lines(with, row) })
        .filter(|relaxed| relaxed.before != relaxed.after)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_where_they_are_named_as_such() {
        let cases = [
            ("bind() to 0.0.0.0:80 failed (13: Permission denied)", Some(80)),
            ("bind: port 443: Permission denied", Some(443)),
            ("listen tcp [::]:631: bind: permission denied", Some(631)),
            ("line 12: bind: Permission denied", None),
            ("12:34:56 bind: Permission denied :0", None),
            ("cannot listen on *:25", Some(25)),
        ];
        for (said, expected) in cases {
            assert_eq!(port(said), expected, "{said}");
        }
    }
}
