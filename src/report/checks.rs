//! What a check looked at, in a few words: the value that decided it. The report's formats show them.

use super::{origin_words, write_one_origin};
use crate::catalogue::{Directive, FamilyGroup, Probe};
use crate::posture::Posture;
use crate::score::{Badness, Line};
use crate::value::Value;

/// What was found, such as `PrivateTmp=no` or `keeps CAP_SYS_ADMIN`, as it was read.
pub(super) fn write_found(text: &mut String, line: &Line, posture: &Posture) {
    let bad = matches!(line.badness, Badness::Of(badness) if badness > 0);
    let passes = if bad { "lets pass " } else { "denies " };
    let value = |directive: &'static Directive| &posture.get(directive).value;
    match (&line.group.check.probe, line.group.directives) {
        (Probe::KeepsAny(names, _), [directive, ..]) if let Value::Mask(kept) = value(directive) => {
            let is_kept = |name: &&&str| kept & crate::value::bit(name) != 0;
            text.push_str(if bad { "keeps" } else { "without" });
            for name in names.iter().filter(|name| !bad || is_kept(name)) {
                text.push(' ');
                text.push_str(name);
            }
        }
        (Probe::Calls(set), _) => text.extend([passes, set]),
        (Probe::Family(family), _) => text.extend([passes, family_words(*family)]),
        (_, [directive]) => push_setting(text, directive, &directive.kind.word(value(directive))),
        (_, directives) => {
            let settings =
                || directives.iter().map(|directive| (directive, directive.kind.write(value(directive))));
            // Of several, those that say something.
            let says_any = settings().any(|(_, value)| !value.is_empty());
            let said = settings().filter(|(_, value)| !says_any || !value.is_empty());
            for (place, (directive, value)) in said.enumerate() {
                if place > 0 {
                    text.push(' ');
                }
                push_setting(text, directive, &value);
            }
        }
    }
}

fn push_setting(text: &mut String, directive: &Directive, value: &str) {
    text.extend([directive.name, "=", value]);
}

/// Where the values come from: files with their lines, or what else made them.
pub(super) fn write_origin(text: &mut String, line: &Line, posture: &Posture) {
    if let [directive] = line.group.directives {
        write_one_origin(text, &posture.get(directive).origin);
        return;
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
    text.push_str(&origins.join(", "));
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
