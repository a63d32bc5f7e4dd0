//! One row per directive: everything the program knows about it. Generator, both readers, comparison, exposure and
//! manual derive from these rows; nothing asks for a directive by name. What the families of values *do* stands in
//! `value`, what a judgement makes of the checks in `score`.

mod bpf;
mod cgroup;
mod check;
mod checks;
mod devices;
mod directories;
mod environment;
mod failing;
mod filesystem;
mod hardening;
mod identity;
mod images;
mod implied;
mod kernel;
mod kind;
mod labels;
mod limits;
mod lookup;
mod mounts;
mod namespaces;
mod network;
mod privileges;
mod process;
mod proof;
mod refusals;
mod resources;
mod row;
mod scheduling;
mod searched;
mod service;
mod sight;
mod syscalls;
mod tables;

#[cfg(test)]
mod laws;

pub(crate) use checks::{
    CallQuirks, has_credentials, has_default_dependencies, opens_session, runs_privileged, user_scope_counts,
};
pub use checks::{CheckGroup, FACETS, Facet, device_rules, runs_as_user};
pub(crate) use devices::EVERYBODYS_DEVICES;
pub(crate) use failing::CALLS_WANT;
pub use failing::{Errno, ExecStep, Failing, Shows, Signal, What};
pub use kind::{
    AmountRules, Bus, Entry, Kind, Level, LevelRules, MaskGrammar, NameGrammar, Odd, Order, SecretForm,
    SwitchRules, TextGrammar, Unit, WordRules, by_release,
};
pub use searched::{DEFAULT_PATH, search_path};
pub use sight::{Sight, hides, moves_root};

pub(crate) use check::check;
pub use check::{Applies, Check, FamilyGroup, Probe};
pub use hardening::{Give, Given, Hardening, Strength, ToWhom, Yield};
pub(crate) use hardening::{add, also, at_most, from, given};
pub(crate) use implied::at_load;
pub use implied::{Implied, Operation, Stage, When, judgement};
pub use lookup::{all, find, nearest};
pub(crate) use lookup::{free, hash, position as place_of};
pub use proof::{ControlFile, Holds, LabelFile, Mounted, Namespace, Number, Places, Proof, Sign, Trace};
pub(crate) use proof::{at, sign};
pub(crate) use refusals::refusal;
pub use row::{Directive, Managers, Opens, Requires, Sections, Unset, Writable};
pub(crate) use row::{FUNCTIONAL, NO, NOTHING, ROW, always};
pub(crate) use tables::{Implication, implications};
pub use tables::{checks, openers};

use crate::manifest::Options;

/// A block of directives, in the order of unit, report and manual.
pub struct Family {
    /// Its heading.
    pub title: &'static str,
    /// What its directives are about.
    pub purpose: Purpose,
    /// Its rows.
    pub rows: &'static [&'static Directive],
}

/// What a directive says of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// How it runs.
    Functional,
    /// What it may do, who it is, and how much it may use.
    Confines,
}

const fn functional(title: &'static str, rows: &'static [&'static Directive]) -> Family {
    Family { title, purpose: Purpose::Functional, rows }
}

const fn confining(title: &'static str, rows: &'static [&'static Directive]) -> Family {
    Family { title, purpose: Purpose::Confines, rows }
}

/// Every family, in order.
pub static FAMILIES: &[Family] = &[
    functional("Service", service::ROWS),
    functional("Environment and log", environment::ROWS),
    confining("Identity", identity::ROWS),
    confining("Privileges", privileges::ROWS),
    confining("File system", filesystem::ROWS),
    confining("Devices", devices::ROWS),
    confining("Kernel", kernel::ROWS),
    confining("Network", network::ROWS),
    confining("System calls", syscalls::ROWS),
    confining("Resources", resources::ROWS),
    functional("Control group", cgroup::ROWS),
    functional("Scheduling", scheduling::ROWS),
];

/// What loading a manifest must know of the rows.
pub const FOR_MANIFESTS: Options = Options {
    confines: |name| find(name).is_some_and(Directive::confines),
    key: |section, name| find(name).filter(|row| row.sections.of_service() == section)?.key,
};
