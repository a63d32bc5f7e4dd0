//! Traces in what a process sees mounted.

use super::trace::unread;
use super::{Judge, Sight, declared, missing, signs_of};
use crate::catalogue::{Directive, Kind, Mounted, Namespace, Places, Trace};
use crate::posture::Setting;
use crate::process::{Fact, Mounts, Process};
use crate::value::{Value, entry_place};

/// One place that a sign speaks of.
struct Place {
    path: String,
    optional: bool,
}

impl Judge<'_> {
    pub(super) fn mounted(
        &self,
        directive: &'static Directive,
        setting: &Setting,
        places: Places,
        mounted: Mounted,
        process: &Process,
    ) -> Sight {
        let mounts = match &process.mounts {
            Fact::Known(mounts) => mounts,
            fact => return unread(fact, process, "mountinfo"),
        };
        if self.left_its_mounts(process) {
            return Sight::Invisible("the process made mounts of its own".to_owned());
        }
        let mut looked = false;
        for place in of(places, directive, setting) {
            if self.is_excepted(directive, &place.path) {
                continue;
            }
            let Some(path) = self.within(&place, places) else { continue };
            looked = true;
            if let Some(lack) = self.lack(mounted, mounts, &path) {
                return lack;
            }
        }
        if looked { Sight::Shown } else { Sight::Invisible("nothing is at its places".to_owned()) }
    }

    pub(super) fn root(&self, process: &Process) -> Sight {
        let mounts = match &process.mounts {
            Fact::Known(mounts) => mounts,
            fact => return unread(fact, process, "mountinfo"),
        };
        match self.manager_mounts() {
            Ok(manager) if mounts.identity("/") == manager.identity("/") => {
                missing("another root", "the manager's")
            }
            Ok(_) => Sight::Shown,
            Err(sight) => sight,
        }
    }

    /// What is not so at a path, if anything.
    fn lack(&self, mounted: Mounted, mounts: &Mounts, path: &str) -> Option<Sight> {
        let mount = mounts.at(path)?;
        let has = |option: &str| mount.options.contains(option);
        let read_only = has("ro") || mount.super_options.contains("ro");
        let hidden_by_subset = path.starts_with("/proc/")
            && mounts.at("/proc").is_some_and(|proc| proc.super_options.contains("subset=pid"));
        let (holds, expected, seen) = match mounted {
            Mounted::ReadOnly => (read_only || hidden_by_subset, "read-only", "writable"),
            Mounted::Writable => (!read_only, "writable", "read-only"),
            Mounted::NotExecutable => (has("noexec"), "not executable", "executable"),
            Mounted::Executable => (!has("noexec"), "executable", "not executable"),
            Mounted::Hidden => (mount.is_inaccessible() || hidden_by_subset, "inaccessible", "open"),
            Mounted::Temporary => (mount.kind == "tmpfs", "a temporary file system", "another one"),
            Mounted::Mount => (mount.point == path, "a mount of its own", "none"),
            Mounted::ReadOnlyMount => {
                (mount.point == path && read_only, "a read-only mount of its own", "none")
            }
            Mounted::OfItsOwn => match self.manager_mounts() {
                Ok(manager) => (
                    mounts.identity(path) != manager.identity(path),
                    "something of its own",
                    "what the manager sees",
                ),
                Err(sight) => return Some(sight),
            },
        };
        (!holds).then(|| missing(format!("`{path}` to be {expected}"), seen))
    }

    fn manager_mounts(&self) -> Result<&Mounts, Sight> {
        match self.scene.manager.as_ref().map(|manager| (manager, &manager.mounts)) {
            Some((_, Fact::Known(mounts))) => Ok(mounts),
            Some((manager, fact)) => Err(unread(fact, manager, "mountinfo")),
            None => Err(Sight::Invisible("the manager's own mounts cannot be told".to_owned())),
        }
    }

    /// Whether a process lives among other mounts than the main one does, though not the manager's: the service made
    /// them, and what is where among them is its own affair.
    fn left_its_mounts(&self, process: &Process) -> bool {
        let Some(main) = self.scene.processes.iter().find(|process| Some(process.pid) == self.scene.main)
        else {
            return false;
        };
        let of = |process: &Process| match process.namespace(Namespace::Mount) {
            Fact::Known(number) => Some(*number),
            Fact::Denied | Fact::Missing | Fact::NotAsked => None,
        };
        let own = of(process);
        own != of(main) && own != self.scene.manager.as_ref().and_then(of)
    }

    /// Whether another directive of the unit says something else of the same place.
    fn is_excepted(&self, directive: &Directive, path: &str) -> bool {
        declared(self.posture).filter(|(other, _)| *other != directive).any(|(other, setting)| {
            let names_places = |trace: Trace| matches!(trace, Trace::Mount(Places::Named, _));
            signs_of(other, setting).iter().any(|sign| names_places(sign.trace))
                && of(Places::Named, other, setting).iter().any(|place| place.path == path)
        })
    }

    /// The place as the process has it; nothing where nothing is there.
    fn within(&self, place: &Place, places: Places) -> Option<String> {
        let another_root = declared(self.posture)
            .any(|(other, setting)| signs_of(other, setting).iter().any(|sign| sign.trace == Trace::Root));
        if another_root {
            // What exists there is not known: what the unit itself says must.
            return (places == Places::Named && !place.optional).then(|| place.path.clone());
        }
        let found = (self.scene.resolve)(&place.path);
        let must_be = places == Places::Named && !place.optional;
        found.or_else(|| must_be.then(|| place.path.clone()))
    }
}

/// The places that a sign speaks of.
fn of(places: Places, directive: &Directive, setting: &Setting) -> Vec<Place> {
    match places {
        Places::These(paths) => {
            paths.iter().map(|path| Place { path: (*path).to_owned(), optional: true }).collect()
        }
        Places::Named => {
            let (Kind::Words(rules), Value::Words(entries)) = (&directive.kind, &setting.value) else {
                return Vec::new();
            };
            let place = |entry: &String| {
                entry_place(rules.entry, entry).map(|(path, optional)| Place { path, optional })
            };
            entries.iter().filter_map(place).collect()
        }
    }
}

/// Up to Linux 5.7 the words of `hidepid=` are numbers (Documentation/filesystems/proc.rst).
const HIDES: [(&str, &str); 3] = [("noaccess", "1"), ("invisible", "2"), ("ptraceable", "4")];

pub(super) fn proc_option(option: &str, word: &str, process: &Process) -> Sight {
    let mounts = match &process.mounts {
        Fact::Known(mounts) => mounts,
        fact => return unread(fact, process, "mountinfo"),
    };
    let number = HIDES.iter().find(|(known, _)| *known == word).map_or(word, |(_, number)| *number);
    let is_set = mounts.at("/proc").is_some_and(|mount| {
        [word, number].iter().any(|value| mount.super_options.contains(&format!("{option}={value}")))
    });
    if is_set { Sight::Shown } else { missing(format!("/proc with `{option}={word}`"), "/proc without it") }
}

pub(super) fn propagation(word: &str, process: &Process) -> Sight {
    let mounts = match &process.mounts {
        Fact::Known(mounts) => mounts,
        fact => return unread(fact, process, "mountinfo"),
    };
    let Some(root) = mounts.at("/") else { return Sight::Invisible("it has no root".to_owned()) };
    let has = |kind: &str| root.propagation.iter().any(|field| field.starts_with(kind));
    let seen = match (has("shared:"), has("master:")) {
        (true, _) => "shared",
        (false, true) => "slave",
        (false, false) => "private",
    };
    if seen == word { Sight::Shown } else { missing(format!("mounts that are {word}"), seen) }
}
