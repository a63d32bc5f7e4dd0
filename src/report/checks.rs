//! What a check looked at, in a few words: the value that decided it. The report's formats show them.

use super::origin_words;
use crate::catalogue::{Directive, FamilyGroup, Probe};
use crate::posture::Posture;
use crate::score::{Badness, Line};
use crate::value::Value;

/// What was found, such as `PrivateTmp=no` or `keeps CAP_SYS_ADMIN`, as it was read.
pub(super) fn found(line: &Line, posture: &Posture) -> String {
    let bad = matches!(line.badness, Badness::Of(badness) if badness > 0);
    let first = line.group.directives.first();
    match (&line.group.check.probe, first.map(|directive| &posture.get(directive).value)) {
        (Probe::KeepsAny(names, _), Some(Value::Mask(kept))) => {
            let kept: Vec<&str> =
                names.iter().filter(|name| kept & crate::value::bit(name) != 0).copied().collect();
            let (verb, names) = if bad { ("keeps", kept.as_slice()) } else { ("without", *names) };
            format!("{verb} {}", names.join(" "))
        }
        (Probe::Calls(set), _) => format!("{} {set}", if bad { "lets pass" } else { "denies" }),
        (Probe::Family(family), _) => {
            format!("{} {}", if bad { "lets pass" } else { "denies" }, family_words(*family))
        }
        (_, Some(value)) if line.group.directives.len() == 1 => {
            let name = first.map_or("", |directive| directive.name);
            let mut said = String::with_capacity(name.len() + 8);
            said.push_str(name);
            said.push('=');
            if let Some(directive) = first {
                said.push_str(&directive.kind.word(value));
            }
            said
        }
        _ => {
            let settings = |which: fn(&str) -> bool| -> Vec<String> {
                let all = line
                    .group
                    .directives
                    .iter()
                    .map(|directive| (directive.name, setting(directive, posture)));
                all.filter(|(_, value)| which(value)).map(|(name, value)| format!("{name}={value}")).collect()
            };
            // Of several, those that say something.
            let said = settings(|value| !value.is_empty());
            if said.is_empty() { settings(|_| true) } else { said }.join(" ")
        }
    }
}

/// Where the values come from: files with their lines, or what else made them.
pub(super) fn origin(line: &Line, posture: &Posture) -> String {
    if let [directive] = line.group.directives {
        return origin_words(&posture.get(directive).origin);
    }
    let mut origins: Vec<String> = Vec::new();
    for directive in line.group.directives {
        let origin = origin_words(&posture.get(directive).origin);
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    // A default beside something that was said is no news.
    if origins.len() > 1 {
        origins.retain(|origin| origin != "default");
    }
    origins.join(", ")
}

fn setting(directive: &Directive, posture: &Posture) -> String {
    directive.kind.write(&posture.get(directive).value)
}

const fn family_words(group: FamilyGroup) -> &'static str {
    match group {
        FamilyGroup::Inet => "AF_INET AF_INET6",
        FamilyGroup::Unix => "AF_UNIX",
        FamilyGroup::Netlink => "AF_NETLINK",
        FamilyGroup::Packet => "AF_PACKET",
        FamilyGroup::Other => "other families",
    }
}
