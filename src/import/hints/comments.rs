//! What of the sightings becomes a comment: what is possible and not sure, and what nothing speaks for.

use std::collections::BTreeSet;

use super::table::{HINTS, REMARKS};
use super::{Certainty, NAMED, is_need, told, word};
use crate::catalogue;
use crate::gather::Gather as _;
use crate::import::draft::path;
use crate::import::evidence::setting_of;
use crate::import::making::Making;
use crate::import::statement::Statement;
use crate::import::toml::Value as Toml;
use crate::manifest::NeedName;
use crate::need::Need;

impl Making<'_> {
    /// Comments for what is possible, and for what nothing speaks for.
    pub(in crate::import) fn comment_on_hints(&mut self) {
        if self.subject.looked.at.is_empty() {
            return;
        }
        let possible = self.found_by_hints(Certainty::Possible);
        let mut needs: Vec<String> = Vec::new();
        let is_stated: BTreeSet<String> = (self.draft.entries())
            .filter(|(path, _)| is_need(path) || path.first().is_some_and(|top| top == "denies"))
            .map(|(path, entry)| word(path, &entry.key))
            .gather();
        let states = |wanted: &str| {
            is_stated.iter().any(|word| {
                word == wanted || word.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'))
            })
        };
        let mut doubted: BTreeSet<Need> = BTreeSet::new();
        for ((need, thing), reasons) in &possible {
            doubted.insert(*need);
            let Some(statement) = Statement::seen(*need, thing.as_deref(), &[]) else { continue };
            if !is_stated.contains(&statement.word()) {
                needs.push(statement.because(&told(reasons)).line());
            }
        }
        let denials = self.undoubted(&doubted, &states);
        let comment = |title: &str, table: &str, lines: Vec<String>| {
            let mut comment = Vec::new();
            if !lines.is_empty() {
                comment.extend([title.to_owned(), format!("[{table}]")]);
                comment.extend(lines);
            }
            comment
        };
        let mut tail = comment(
            "Possible, and not sure; needs once it is known that the service does it:",
            "needs",
            needs,
        );
        let title = "Open, and nothing that was looked at speaks for it; denials once it is known that the service does without:";
        tail.extend(comment(title, "denies", denials));
        tail.extend(self.remarks());
        self.draft.hints = tail;
    }

    /// Needs that stay open as not known, for which there is a sign and none of it was seen.
    fn undoubted(&self, doubted: &BTreeSet<Need>, states: &dyn Fn(&str) -> bool) -> Vec<String> {
        let chosen = self.draft.strictness;
        let at = &self.subject.looked.at;
        let more = at.len().saturating_sub(NAMED);
        let mut named = at.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        if more > 0 {
            named = format!("{named} and {more} more");
        }
        let mut denials: Vec<String> = Vec::new();
        for row in catalogue::all().iter().filter(|row| setting_of(&self.settings, row).is_none()) {
            for offer in row.yields.iter().filter(|offer| offer.unknown_below > chosen) {
                let id = offer.to.id();
                let has_sign = HINTS.iter().any(|hint| hint.need == offer.to);
                let top = id.split('.').next().unwrap_or(id);
                let name = [id, top].into_iter().find(|name| name.parse::<NeedName>().is_ok());
                let Some(name) =
                    name.filter(|name| has_sign && !doubted.contains(&offer.to) && !states(name))
                else {
                    continue;
                };
                let because = Toml::text(format!("no sign of it; looked at: {named}"));
                let line = format!("{name} = {}", because.written());
                if !denials.contains(&line) {
                    denials.push(line);
                }
            }
        }
        denials
    }

    fn remarks(&self) -> Vec<String> {
        let service = path(["service"]);
        let mut lines = Vec::new();
        for remark in REMARKS {
            let said = match remark.unless {
                "sockets" => !self.subject.sockets.is_empty(),
                "type" => {
                    matches!(self.draft.get(&service, "type"), Some(Toml::Text(kind)) if kind.starts_with("notify"))
                }
                need => self.draft.has(&path(["needs", need])),
            };
            let sighting = self.subject.looked.sightings.iter().find(|sighting| {
                sighting.sign == remark.sign && remark.things.contains(&sighting.thing.as_str())
            });
            if let Some(sighting) = sighting.filter(|_| !said) {
                lines.push(format!("{} {}: {}.", sighting.source, sighting.thing, remark.says));
            }
        }
        lines
    }
}
