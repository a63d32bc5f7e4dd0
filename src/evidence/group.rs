//! Traces in the control group of a unit: files of its controllers, and whether there can be BPF programs on it.

use std::collections::BTreeSet;

use super::{Judge, Sight, missing};
use crate::catalogue::{ControlFile, Directive, Holds, Requires, Trace};
use crate::context::Scope;
use crate::posture::Setting;
use crate::process::{Fact, numbers};
use crate::value::{Value, bit};

/// The largest page that a limit is rounded down to (64 KiB on arm64 and ppc64).
const LARGEST_PAGE: u64 = 65536;

impl Judge<'_> {
    /// What the unit as a whole shows; nothing for traces that each process has.
    pub(super) fn of_the_unit(
        &self,
        directive: &Directive,
        setting: &Setting,
        trace: Trace,
    ) -> Option<Sight> {
        Some(match trace {
            Trace::ControlGroup(file) => self.control_file(directive, setting, file),
            Trace::Program => self.program(directive, false),
            Trace::DeviceProgram => self.program(directive, true),
            Trace::Slice => self.slice(directive, setting),
            _ => return None,
        })
    }

    fn slice(&self, directive: &Directive, setting: &Setting) -> Sight {
        let slice = directive.kind.write(&setting.value);
        let Some(group) = &self.scene.control_group else { return no_group() };
        if group.path.split('/').any(|part| part == slice) || slice == "-.slice" {
            Sight::Shown
        } else {
            missing(format!("a control group in `{slice}`"), format!("`{}`", group.path))
        }
    }

    fn control_file(&self, directive: &Directive, setting: &Setting, file: ControlFile) -> Sight {
        let Some(group) = &self.scene.control_group else { return no_group() };
        let declared = directive.kind.write(&setting.value);
        let expected = format!("`{}` of {declared}", file.file);
        let text = match group.files.get(file.file) {
            Some(Fact::Known(text)) => text,
            Some(Fact::Denied) => return Sight::Unreadable(format!("{}/{}", group.path, file.file)),
            Some(Fact::Missing | Fact::NotAsked) | None => return self.without_file(&expected, file),
        };
        match holds(file.holds, &setting.value, &declared, text) {
            Some(true) => Sight::Shown,
            Some(false) => missing(expected, format!("`{}`", text.lines().next().unwrap_or_default())),
            None => Sight::Invisible(format!("`{}` is not understood", file.file)),
        }
    }

    /// A file that is not there: no limit, unless a hierarchy of version 1 keeps it in a group of the unit's own.
    fn without_file(&self, expected: &str, file: ControlFile) -> Sight {
        let group = self.scene.control_group.as_ref().map_or("", |group| group.path.as_str());
        let in_version_1 = self.scene.processes.iter().any(|process| {
            let Fact::Known(hierarchies) = &process.control_groups else { return false };
            hierarchies.iter().any(|hierarchy| {
                let has = |name: &str| hierarchy.controllers.iter().any(|controller| controller == name);
                let keeps = has(file.controller) || file.controller == "io" && has("blkio");
                keeps && !group.trim_matches('/').is_empty() && hierarchy.path.contains(group)
            })
        });
        if in_version_1 {
            return Sight::Invisible("a control group of version 1 keeps it".to_owned());
        }
        missing(expected, "no such file")
            .beyond_the_machine(format!("its control group has no controller `{}`", file.controller))
    }

    /// Only bpf(2) lists programs: what can be told is where there can be none.
    fn program(&self, directive: &Directive, version_1_serves: bool) -> Sight {
        let none = |why: &str| missing("a BPF program on its control group", "none").because(why);
        if directive.requires == Requires::BpfFramework
            && (self.scene.feature)("BPF_FRAMEWORK") == Some(false)
        {
            return missing("a BPF program on its control group", "none")
                .beyond_the_machine("the manager was built without BPF_FRAMEWORK");
        }
        if self.context().scope == Scope::User {
            return none("a user's manager may not load BPF programs");
        }
        match &self.scene.control_group {
            Some(group) if !group.unified && version_1_serves => {
                return Sight::Invisible("a control group of version 1 keeps it".to_owned());
            }
            Some(group) if !group.unified => return none("control groups are of version 1"),
            _ => {}
        }
        if let Some(manager) = &self.scene.manager {
            let has = |name: &str| manager.status.effective & bit(name) != 0;
            let may = has("CAP_SYS_ADMIN") || has("CAP_BPF") && has("CAP_NET_ADMIN");
            if !may {
                return none("the manager has not the capabilities to load BPF programs");
            }
            if let Fact::Known(map) = &manager.user_map
                && !is_whole(map)
            {
                return none("the manager runs in a user namespace, which may not load BPF programs");
            }
        }
        Sight::Invisible("bpf(2) alone lists the programs of a control group".to_owned())
    }
}

fn no_group() -> Sight {
    Sight::Invisible("its control group was not found".to_owned())
}

/// Whether a user map is that of the first user namespace: every user is itself.
fn is_whole(map: &str) -> bool {
    map.split_ascii_whitespace().eq(["0", "0", "4294967295"])
}

fn holds(holds: Holds, value: &Value, declared: &str, text: &str) -> Option<bool> {
    let number = |text: &str| if text == "max" { Some(u64::MAX) } else { text.parse::<u64>().ok() };
    let amount = match value {
        Value::Amount(amount) => Some(*amount),
        _ => None,
    };
    Some(match holds {
        Holds::Limit => number(text)? <= amount?,
        Holds::Protection => number(text)?.saturating_add(LARGEST_PAGE) > amount?,
        Holds::Quota => {
            let (quota, period) = text.split_once(' ')?;
            let period = u128::from(number(period)?.max(1));
            u128::from(number(quota)?) * 1_000_000 / period <= u128::from(amount?)
        }
        Holds::Weight => {
            let first = text.lines().next()?;
            number(first.strip_prefix("default ").unwrap_or(first))? == amount?
        }
        Holds::Numbers => {
            let Value::Words(words) = value else { return None };
            let allowed: BTreeSet<u32> = words.iter().filter_map(|word| word.parse().ok()).collect();
            let found = numbers(text)?;
            !found.is_empty() && found.is_subset(&allowed)
        }
        Holds::Word => text == declared,
        Holds::One => text == "1",
        Holds::Counts => true,
    })
}
