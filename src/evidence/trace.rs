//! Traces in a single process.

use std::collections::{BTreeMap, BTreeSet};

use super::{Judge, Sight, missing};
use crate::catalogue::{Directive, Kind, LabelFile, Namespace, Number, Trace};
use crate::posture::Setting;
use crate::process::{Fact, Filters, Part, Process};
use crate::value::{ALL_CAPABILITIES, Value, bit, capabilities};

/// The users that DynamicUser= gives out (systemd.exec(5)).
const DYNAMIC_USERS: std::ops::RangeInclusive<u32> = 61184..=65519;

/// What a trace is looked for in, beside who the process is.
pub(super) fn parts(trace: Trace) -> Vec<Part> {
    match trace {
        Trace::Bounding | Trace::Ambient | Trace::Without(_) => vec![Part::Namespace(Namespace::User)],
        Trace::Namespace(kind) => vec![Part::Namespace(kind)],
        Trace::Limit(_) => vec![Part::Limits],
        Trace::Number(Number::OomScoreAdjust) => vec![Part::OomScoreAdjust],
        Trace::Personality => vec![Part::Personality],
        Trace::CoreDumps => vec![Part::CoreDumps],
        Trace::MergesPages => vec![Part::MergesPages],
        Trace::Label(file) => vec![Part::Label(file)],
        // Processes of one namespace share their mounts.
        Trace::Mount(..) | Trace::ProcOption(_) | Trace::Propagation | Trace::Root => {
            vec![Part::Mounts, Part::Namespace(Namespace::Mount)]
        }
        Trace::ControlGroup(_) => vec![Part::ControlGroups],
        Trace::User
        | Trace::Group
        | Trace::Groups
        | Trace::DynamicUser
        | Trace::NoNewPrivileges
        | Trace::Filter
        | Trace::UMask
        | Trace::Number(Number::Nice | Number::SchedulingPolicy | Number::SchedulingPriority)
        | Trace::Processors
        | Trace::Slice
        | Trace::Program
        | Trace::DeviceProgram => Vec::new(),
    }
}

impl Judge<'_> {
    pub(super) fn of_a_process(
        &self,
        directive: &'static Directive,
        setting: &Setting,
        trace: Trace,
        process: &Process,
    ) -> Sight {
        let status = &process.status;
        let value = &setting.value;
        let written = || directive.kind.write(value);
        let is_main = self.scene.main.is_none_or(|main| main == process.pid);
        match trace {
            Trace::User => {
                ids("uid", self.scene.ids.0.or(number(&written(), &self.scene.users)), status.users)
                    .unless_undone(!is_main && status.no_new_privileges == Fact::Known(false))
            }
            Trace::Group => {
                ids("gid", self.scene.ids.1.or(number(&written(), &self.scene.groups)), status.groups)
                    .unless_undone(!is_main && status.no_new_privileges == Fact::Known(false))
            }
            Trace::Groups => self.groups(value, process),
            Trace::DynamicUser => {
                if status.users.iter().all(|user| DYNAMIC_USERS.contains(user)) {
                    Sight::Shown
                } else {
                    missing("a uid from 61184 to 65519", format!("uid {}", status.users[1]))
                }
            }
            Trace::Bounding => match value {
                Value::Mask(kept) => self.bounded(process, !kept, status.bounding),
                _ => not_understood(),
            },
            Trace::Ambient => match value {
                Value::Mask(kept) => self.bounded(process, !kept, status.ambient),
                _ => not_understood(),
            },
            Trace::Without(names) => {
                self.bounded(process, names.iter().fold(0, |all, name| all | bit(name)), status.bounding)
            }
            Trace::NoNewPrivileges => match &status.no_new_privileges {
                Fact::Known(true) => Sight::Shown,
                Fact::Known(false) => missing("`NoNewPrivs: 1`", "`NoNewPrivs: 0`"),
                Fact::Denied | Fact::Missing | Fact::NotAsked => not_told("`NoNewPrivs`"),
            },
            Trace::Filter => self.filtered(process),
            Trace::Namespace(kind) => self.namespace(process, kind),
            Trace::UMask => match (value, &status.umask) {
                (Value::Mode(declared), Fact::Known(seen)) if seen & declared == *declared => Sight::Shown,
                (Value::Mode(declared), Fact::Known(seen)) => {
                    missing(format!("umask {declared:04o}"), format!("{seen:04o}")).unless_undone(true)
                }
                _ => not_told("`Umask`"),
            },
            Trace::Limit(row) => limit(value, row, process),
            Trace::Number(number) => numbered(directive, value, number, process).unless_undone(true),
            Trace::Processors => match (value, &status.processors) {
                (Value::Words(words), Fact::Known(seen)) => {
                    let declared: BTreeSet<u32> = words.iter().filter_map(|word| word.parse().ok()).collect();
                    if declared.is_empty() {
                        Sight::Invisible("the processors follow from the memory nodes".to_owned())
                    } else if seen.is_subset(&declared) {
                        Sight::Shown
                    } else {
                        let seen: Vec<_> = seen.iter().map(u32::to_string).collect();
                        missing(format!("processors {}", written()), seen.join(" ")).unless_undone(true)
                    }
                }
                _ => not_told("`Cpus_allowed_list`"),
            },
            Trace::Personality => match (personality(&written()), &process.personality) {
                (None, _) => not_understood(),
                (Some(declared), Fact::Known(seen)) if seen & 0xff == declared => Sight::Shown,
                (Some(declared), Fact::Known(seen)) => {
                    missing(format!("personality {declared:x}"), format!("{seen:x}")).unless_undone(true)
                }
                (Some(_), fact) => unread(fact, process, "personality"),
            },
            Trace::CoreDumps => match (value, &process.core_dumps) {
                (Value::Mask(declared), Fact::Known(seen)) if seen == declared => Sight::Shown,
                (Value::Mask(declared), Fact::Known(seen)) => {
                    missing(format!("coredump_filter {declared:x}"), format!("{seen:x}")).unless_undone(true)
                }
                (_, fact) => unread(fact, process, "coredump_filter"),
            },
            Trace::MergesPages => match &process.merges_pages {
                Fact::Known(true) => Sight::Shown,
                Fact::Known(false) => missing("merged pages", "none").unless_undone(true),
                fact => unread(fact, process, "ksm_stat"),
            },
            Trace::Label(file) => label(&written(), file, process).unless_undone(!is_main),
            Trace::Mount(places, mounted) => self.mounted(directive, setting, places, mounted, process),
            Trace::ProcOption(option) => super::place::proc_option(option, &written(), process),
            Trace::Propagation => super::place::propagation(&written(), process),
            Trace::Root => self.root(process),
            // These are the unit's.
            Trace::ControlGroup(_) | Trace::Program | Trace::DeviceProgram | Trace::Slice => not_understood(),
        }
    }

    fn groups(&self, value: &Value, process: &Process) -> Sight {
        let Value::Words(names) = value else { return not_understood() };
        let status = &process.status;
        for name in names {
            let Some(id) = number(name, &self.scene.groups) else {
                return Sight::Invisible(format!("the number of the group `{name}` is not in `/etc/group`"));
            };
            if !status.supplementary.contains(&id) && !status.groups.contains(&id) {
                return missing(format!("the group `{name}` ({id})"), "none of that number");
            }
        }
        Sight::Shown
    }

    /// No capability of `gone` is among `held`; in a user namespace of its own none counts outside.
    fn bounded(&self, process: &Process, gone: u64, held: u64) -> Sight {
        let extra = held & gone & ALL_CAPABILITIES;
        if extra == 0 {
            return Sight::Shown;
        }
        match self.namespace(process, Namespace::User) {
            Sight::Missing { .. } => {
                let names = capabilities(extra);
                let shown = names.iter().take(4).copied().collect::<Vec<_>>().join(" ");
                let more =
                    if names.len() > 4 { format!(" and {} more", names.len() - 4) } else { String::new() };
                missing(format!("no {}", names.first().unwrap_or(&"capability")), format!("{shown}{more}"))
            }
            other => other,
        }
    }

    fn filtered(&self, process: &Process) -> Sight {
        let none = |seen: String| {
            let sight = missing("a system call filter", seen);
            let has = (self.scene.feature)("SECCOMP");
            if has == Some(false) { sight.because("the manager was built without SECCOMP") } else { sight }
        };
        let Fact::Known(filters) = process.status.filters else {
            return none("a kernel without seccomp".to_owned());
        };
        let Filters { mode, count } = filters;
        if mode == 0 {
            return none("none".to_owned());
        }
        let before = self.scene.manager.as_ref().map(|manager| &manager.status.filters);
        match (before, count) {
            (Some(Fact::Known(Filters { mode: 0, .. })), None) => Sight::Shown,
            (Some(Fact::Known(Filters { count: Some(before), .. })), Some(count)) => {
                let added = count.saturating_sub(*before) as usize;
                if added == 0 {
                    none(format!("the {before} of the manager alone"))
                } else if added < self.filters {
                    Sight::Invisible(format!(
                        "{added} filters are in force where its settings make {} or more: one is missing",
                        self.filters
                    ))
                } else {
                    Sight::Shown
                }
            }
            _ => Sight::Invisible("the manager's own filters cannot be told from it".to_owned()),
        }
    }

    pub(super) fn namespace(&self, process: &Process, kind: Namespace) -> Sight {
        let file = format!("/proc/{}/ns/{}", process.pid, kind.file());
        let own = match process.namespace(kind) {
            Fact::Known(own) => own,
            Fact::Denied => return Sight::Unreadable(file),
            Fact::NotAsked => return not_asked(),
            Fact::Missing => {
                return missing(format!("a {} namespace of its own", kind.file()), "none of that kind");
            }
        };
        match self.scene.manager.as_ref().map(|manager| (manager.pid, manager.namespace(kind))) {
            Some((_, Fact::Known(other))) if own != other => Sight::Shown,
            Some((_, Fact::Known(_))) => {
                missing(format!("a {} namespace of its own", kind.file()), "the manager's")
            }
            Some((pid, Fact::Denied)) => Sight::Unreadable(format!("/proc/{pid}/ns/{}", kind.file())),
            Some((_, Fact::Missing | Fact::NotAsked)) | None => {
                Sight::Invisible("the manager's own namespaces cannot be told".to_owned())
            }
        }
    }
}

/// The number of a user or a group, which may be named by it.
fn number(name: &str, known: &BTreeMap<String, u32>) -> Option<u32> {
    name.parse().ok().or_else(|| known.get(name).copied())
}

fn ids(what: &str, declared: Option<u32>, seen: [u32; 4]) -> Sight {
    let Some(declared) = declared else {
        return Sight::Invisible(format!("neither the manager nor a file says its {what}"));
    };
    if seen.iter().all(|id| *id == declared) {
        Sight::Shown
    } else {
        let seen = seen.map(|id| id.to_string()).join(" ");
        missing(format!("{what} {declared}"), format!("{what} {seen}"))
    }
}

fn limit(value: &Value, row: &str, process: &Process) -> Sight {
    let (Value::Amount(declared) | Value::Pair(_, declared)) = value else { return not_understood() };
    let limits = match &process.limits {
        Fact::Known(limits) => limits,
        fact => return unread(fact, process, "limits"),
    };
    let Some((_, hard)) = limits.get(row) else { return not_told(row) };
    if hard <= declared {
        return Sight::Shown;
    }
    let text = |limit: u64| if limit == u64::MAX { "unlimited".to_owned() } else { limit.to_string() };
    missing(format!("`{row}` of at most {}", text(*declared)), text(*hard))
        .unless_undone(process.status.effective & bit("CAP_SYS_RESOURCE") != 0)
}

fn numbered(directive: &Directive, value: &Value, number: Number, process: &Process) -> Sight {
    let declared = match (&directive.kind, value) {
        (Kind::Level(rules), Value::Level(place)) => {
            let word = rules.levels.get(*place).map(|level| level.text);
            rules.numbers.iter().find(|(_, known)| Some(*known) == word).map(|(number, _)| *number)
        }
        (_, Value::Amount(amount)) => i64::try_from(*amount).ok(),
        (_, Value::Text(text)) => text.parse().ok(),
        _ => None,
    };
    let Some(declared) = declared else { return not_understood() };
    let seen = match number {
        Number::Nice => process.nice,
        Number::SchedulingPolicy => process.policy,
        Number::SchedulingPriority => process.priority,
        Number::OomScoreAdjust => match &process.oom_score_adjust {
            Fact::Known(seen) => *seen,
            fact => return unread(fact, process, "oom_score_adj"),
        },
    };
    if seen == declared { Sight::Shown } else { missing(declared.to_string(), seen.to_string()) }
}

/// The execution domain for an architecture (personality(2)): those of 32 bits have one, their own apart.
fn personality(word: &str) -> Option<u64> {
    const LINUX: u64 = 0;
    const LINUX_32: u64 = 8;
    match word {
        "x86" | "arm" | "ppc" | "ppc-le" | "s390" if cfg!(target_pointer_width = "64") => Some(LINUX_32),
        "x86-64" | "arm64" | "ppc64" | "ppc64-le" | "s390x" => Some(LINUX),
        _ => None,
    }
}

fn label(declared: &str, file: LabelFile, process: &Process) -> Sight {
    let wanted = declared.strip_prefix('-').unwrap_or(declared);
    let seen = match process.labels.get(&file) {
        Some(Fact::Known(seen)) => seen,
        Some(Fact::Denied) => return unread(&Fact::<()>::Denied, process, file.file()),
        Some(Fact::NotAsked) | None => return not_asked(),
        Some(Fact::Missing) => {
            return missing(format!("`{wanted}`"), "no label")
                .because("the kernel has not loaded that security module");
        }
    };
    let is_it = match file {
        LabelFile::AppArmor => seen.strip_suffix(" (enforce)").unwrap_or(seen) == wanted,
        LabelFile::Selinux | LabelFile::Smack => seen == wanted,
    };
    if is_it { Sight::Shown } else { missing(format!("`{wanted}`"), format!("`{seen}`")) }
}

/// Why a fact is none.
pub(super) fn unread<T>(fact: &Fact<T>, process: &Process, file: &str) -> Sight {
    match fact {
        Fact::Denied => Sight::Unreadable(format!("/proc/{}/{file}", process.pid)),
        Fact::Known(_) | Fact::Missing => not_told(&format!("`{file}`")),
        Fact::NotAsked => not_asked(),
    }
}

fn not_told(what: &str) -> Sight {
    Sight::Invisible(format!("this kernel does not tell {what}"))
}

/// What [`parts`] asks for leaves nothing to this.
fn not_asked() -> Sight {
    Sight::Invisible("it was not looked for".to_owned())
}

fn not_understood() -> Sight {
    Sight::Invisible("the value is none that can be compared".to_owned())
}
