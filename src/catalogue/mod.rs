//! One row per directive: everything the program knows about it. Generator, both readers, comparison, exposure and
//! manual derive from these rows; nothing asks for a directive by name. What the families of values *do* stands in
//! `value`, what a judgement makes of the checks in `score`.

mod cgroup;
mod checks;
mod devices;
mod directories;
mod environment;
mod failing;
mod filesystem;
mod identity;
mod images;
mod kernel;
mod kind;
mod labels;
mod limits;
mod namespaces;
mod network;
mod privileges;
mod process;
mod proof;
mod refusals;
mod resources;
mod scheduling;
mod service;
mod sight;
mod syscalls;

#[cfg(test)]
mod laws;

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::BTreeMap;

pub(crate) use checks::{
    CallQuirks, has_default_dependencies, opens_session, runs_privileged, user_scope_counts,
};
pub use checks::{CheckGroup, FACETS, Facet, device_rules, runs_as_user};
pub(crate) use failing::CALLS_WANT;
pub use failing::{Errno, ExecStep, Failing, Shows, Signal, What};
pub use kind::{
    AmountRules, Bus, Entry, Kind, Level, LevelRules, MaskGrammar, NameGrammar, Odd, Order, SwitchRules,
    TextGrammar, Unit, WordRules, by_release,
};
pub use sight::{Sight, hides, moves_root};

pub use proof::{ControlFile, Holds, LabelFile, Mounted, Namespace, Number, Places, Proof, Sign, Trace};
pub(crate) use proof::{at, sign};
pub(crate) use refusals::refusal;

use crate::context::{Mode, Scope, UnitType};
use crate::manifest::Strictness;
use crate::need::Need;
use crate::posture::Posture;
use crate::release::{EVERY, Releases};

/// One setting of systemd.
pub struct Directive {
    /// As systemd spells it, without `=`.
    pub name: &'static str,
    /// Older spellings that are still read.
    pub also: &'static [&'static str],
    /// The sections that read it.
    pub sections: Sections,
    /// The first release that reads it.
    pub since: u16,
    /// The last release that reads it, where later ones do not.
    pub until: Option<u16>,
    /// The managers that can apply it.
    pub managers: Managers,
    /// How its value is written, read, published and ordered.
    pub kind: Kind,
    /// The properties that publish it.
    pub bus: Bus,
    /// What systemd does when the unit is silent, as a unit would write it; empty text means nothing at all.
    pub unset: &'static [Unset],
    /// What the policy writes for the directive, weakest first.
    pub hardened: &'static [Hardening],
    /// What the policy gives up for a need.
    pub yields: &'static [Yield],
    /// What else systemd does once this is on.
    pub implies: &'static [Implied],
    /// Its own lines in the exposure figure.
    pub checks: &'static [Check],
    /// The directive whose entries a reset takes away too (bind mounts), and a credential of the same name one of them.
    pub shares: Option<&'static Directive>,
    /// The directive that it makes exceptions from or adds to: without that one it says nothing.
    pub beside: Option<&'static Directive>,
    /// What it opens beside the figure.
    pub opens: Opens,
    /// The key of a manifest's service that states it, where the service itself decides the value.
    pub key: Option<&'static str>,
    /// What the target must have for it to do anything.
    pub requires: Requires,
    /// The capability without which a service cannot do what it keeps it from either.
    pub capability: Option<&'static str>,
    /// What it hides from the service.
    pub sight: Sight,
    /// How it shows that it may be what a service failed at.
    pub fails: &'static [Failing],
    /// The errors that paths among its entries are kept from, whatever other directives say of a path above them.
    pub spares: &'static [Errno],
    /// How the kernel shows that it is in force.
    pub proof: Proof,
    /// What it does, for the administrator.
    pub summary: &'static str,
    /// What it breaks.
    pub breaks: &'static str,
}

/// A row with nothing but defaults, for the others to start from.
pub(crate) const ROW: Directive = Directive {
    name: "",
    also: &[],
    sections: Sections::Exec,
    since: 0,
    until: None,
    managers: Managers::Both,
    kind: Kind::Switch(&STRICT_ON),
    bus: Bus::Same,
    unset: NO,
    hardened: &[],
    yields: &[],
    implies: &[],
    checks: &[],
    shares: None,
    beside: None,
    opens: Opens::Nothing,
    key: None,
    requires: Requires::Nothing,
    capability: None,
    sight: Sight::Same,
    fails: &[],
    spares: &[],
    proof: Proof::Unstated,
    summary: "",
    breaks: "",
};

/// A boolean whose `yes` confines.
pub(crate) static STRICT_ON: SwitchRules =
    SwitchRules { order: Order::MoreIsStricter, empty: &[], other: Odd::Ignored };

/// A boolean that says nothing about confinement.
pub(crate) static FUNCTIONAL: SwitchRules =
    SwitchRules { order: Order::Unordered, empty: &[], other: Odd::Ignored };

/// The managers that can apply a directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Managers {
    /// The system's and the users'.
    Both,
    /// The system's alone: a user's manager ignores it, or fails to start the service (seen on 257).
    System,
}

/// What a directive opens for a service that systemd's figure does not weigh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opens {
    /// Nothing.
    Nothing,
    /// Its entries are writable for the service.
    Writing(Writable),
    /// Code is run from its entries.
    Running,
    /// The service's control group is the service's.
    ControlGroup,
}

/// Which paths the entries of a list stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writable {
    /// They are paths.
    Paths,
    /// The source of a mount, before a colon.
    Sources,
    /// Names below a folder of the system's manager.
    Below(&'static str),
}

/// What a target must have for a directive to do anything: without it systemd reads the directive and goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requires {
    /// Nothing but the release.
    Nothing,
    /// A systemd built with `+BPF_FRAMEWORK`.
    BpfFramework,
}

/// Sections of unit files that share a parser's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sections {
    /// `[Service]`, `[Socket]`, `[Mount]`, `[Swap]`: what is executed, and its control group.
    Exec,
    /// `[Service]` alone.
    Service,
    /// `[Unit]`.
    Unit,
}

impl Sections {
    /// Whether a unit of that type reads the directive in `section`.
    pub fn contain(self, section: &str, unit_type: UnitType) -> bool {
        match self {
            Self::Unit => section == "Unit",
            Self::Service => unit_type == UnitType::Service && section == "Service",
            Self::Exec => unit_type.section() == Some(section),
        }
    }

    /// The section of a service unit that holds it.
    pub fn of_service(self) -> &'static str {
        match self {
            Self::Unit => "Unit",
            Self::Exec | Self::Service => "Service",
        }
    }
}

/// A default.
pub struct Unset {
    /// The releases that have it.
    pub releases: Releases,
    /// The manager that has it; both where none is named.
    pub scope: Option<Scope>,
    /// The types of unit that have it; all where none is named.
    pub unit_type: Option<UnitType>,
    /// As a unit would write it; empty for a text or a tri-state that nothing set.
    pub text: &'static str,
}

/// The same default everywhere.
pub(crate) const fn always(text: &'static str) -> Unset {
    Unset { releases: EVERY, scope: None, unit_type: None, text }
}

/// `no`, everywhere.
pub(crate) const NO: &[Unset] = &[always("no")];
/// Nothing, everywhere.
pub(crate) const NOTHING: &[Unset] = &[always("")];

/// What the policy writes from one strictness on.
pub struct Hardening {
    /// The lowest strictness that writes it.
    pub from: Strictness,
    /// What must hold for the service.
    pub given: Given,
    /// The values of its assignments, in order.
    pub lines: &'static [&'static str],
}

/// A hardening without conditions.
pub(crate) const fn from(strictness: Strictness, lines: &'static [&'static str]) -> Hardening {
    Hardening { from: strictness, given: Given::Always, lines }
}

/// A hardening under a condition.
pub(crate) const fn given(from: Strictness, given: Given, lines: &'static [&'static str]) -> Hardening {
    Hardening { from, given, lines }
}

/// What can be known of a service from its needs alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// No condition.
    Always,
    /// It starts as another user than root, holds no capability and may not gain privileges.
    Unprivileged,
    /// No need adds a capability.
    NoCapabilities,
    /// The directive does not force NoNewPrivileges= upon a service with User= in the target's release.
    ForcesNothing,
    /// No need speaks IP.
    NoIp,
    /// Every IP need stays on this machine.
    LoopbackOnly,
    /// Every IP need names addresses.
    AddressesOnly,
    /// Every bound port is named.
    PortsKnown,
}

/// What the policy gives up for a need.
pub struct Yield {
    /// The need.
    pub to: Need,
    /// What is written for it; `{name}` stands for a parameter of the need.
    pub give: Give,
    /// Below this strictness the directive yields also when the manifest neither states nor denies the need;
    /// [`Strictness::Safe`] means never.
    pub unknown_below: Strictness,
    /// Whether the need cannot do without.
    pub strength: Strength,
    /// Whom it is given.
    pub to_whom: ToWhom,
}

/// Whom a relaxation is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToWhom {
    /// Every service that has the need.
    Anyone,
    /// Those that do not start as root: root has it anyway.
    NotRoot,
}

/// What is written for a need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Give {
    /// At most this value.
    AtMost(&'static str),
    /// One more assignment on top of what the policy hardens, and nothing where it does not.
    Add(&'static str),
    /// One more assignment in any case.
    Also(&'static str),
}

/// How sure it is that a need wants a relaxation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// It cannot work otherwise.
    Requires,
    /// It may; a denial of this other need, which opens the same, wins.
    SuspectsUnlessDenied(Need),
}

/// At most `value` for `to`.
pub(crate) const fn at_most(to: Need, value: &'static str) -> Yield {
    Yield {
        to,
        give: Give::AtMost(value),
        unknown_below: Strictness::Safe,
        strength: Strength::Requires,
        to_whom: ToWhom::Anyone,
    }
}

/// One more assignment for `to`.
pub(crate) const fn add(to: Need, text: &'static str) -> Yield {
    Yield {
        to,
        give: Give::Add(text),
        unknown_below: Strictness::Safe,
        strength: Strength::Requires,
        to_whom: ToWhom::Anyone,
    }
}

/// One more assignment for `to`, hardened or not.
pub(crate) const fn also(to: Need, text: &'static str) -> Yield {
    Yield {
        to,
        give: Give::Also(text),
        unknown_below: Strictness::Safe,
        strength: Strength::Requires,
        to_whom: ToWhom::Anyone,
    }
}

impl Yield {
    /// The same, and also while the need is unknown below `strictness`.
    pub(crate) const fn or_unknown_below(self, strictness: Strictness) -> Self {
        Self { unknown_below: strictness, ..self }
    }

    /// The same, but only for services that do not start as root.
    pub(crate) const fn unless_root(self) -> Self {
        Self { to_whom: ToWhom::NotRoot, ..self }
    }

    /// The same, but only on suspicion, and not where `other` is denied.
    pub(crate) const fn suspected_unless_denied(self, other: Need) -> Self {
        Self { strength: Strength::SuspectsUnlessDenied(other), ..self }
    }
}

/// What a directive does to another one.
pub struct Implied {
    /// When it does.
    pub when: When,
    /// The other one.
    pub on: &'static Directive,
    /// What it does to it.
    pub operation: Operation,
    /// The releases that do.
    pub releases: Releases,
    /// Where it can be seen.
    pub stage: Stage,
}

/// What must hold of the implying directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// It is set to anything but `no`, nothing or the empty list.
    On,
    /// It is on, and some rule about devices is active besides.
    OnWithDeviceRules,
    /// It is on, and the service runs as another user than root.
    OnWithUser,
    /// Nothing set it.
    Unset,
    /// It has this value.
    Is(&'static str),
}

/// What is done to the other directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It gets this value.
    Force(&'static str),
    /// It gets this value if it has the first one.
    Replace(&'static str, &'static str),
    /// One more assignment.
    Assign(&'static str),
    /// It is named after the unit if nothing named it.
    NameAfterUnit,
    /// It gets the value of a third one if nothing set it.
    Copy(&'static Directive),
}

/// Where an implication can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// In the loaded unit, on the bus and offline.
    Load,
    /// Only in the judgement of a loaded unit.
    LoadedJudgement,
    /// Only in the judgement of a file.
    OfflineJudgement,
    /// Only in the process.
    Exec,
}

/// Seen at load, in every release.
pub(crate) const fn at_load(when: When, on: &'static Directive, operation: Operation) -> Implied {
    Implied { when, on, operation, releases: EVERY, stage: Stage::Load }
}

/// One line of the exposure figure.
pub struct Check {
    /// systemd's `json_field`.
    pub id: &'static str,
    /// Its share in the figure.
    pub weight: u64,
    /// The worst badness.
    pub range: u64,
    /// The releases that have it.
    pub releases: Releases,
    /// To which services it applies.
    pub applies: Applies,
    /// How badness comes about.
    pub probe: Probe,
}

/// A check of every release and service.
pub(crate) const fn check(id: &'static str, weight: u64, range: u64, probe: Probe) -> Check {
    Check { id, weight, range, releases: EVERY, applies: Applies::Always, probe }
}

impl Check {
    /// The same, in these releases only.
    pub(crate) const fn in_releases(self, releases: Releases) -> Self {
        Self { releases, ..self }
    }

    /// The same, for these services only.
    pub(crate) const fn applying(self, applies: Applies) -> Self {
        Self { applies, ..self }
    }
}

/// To which services a check applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applies {
    /// All.
    Always,
    /// Those with `DefaultDependencies=yes`.
    DefaultDependencies,
    /// Those that do not run as root, by name.
    Unprivileged,
    /// The same, and not below a user's manager from 262 on.
    UnprivilegedSystem,
}

/// How the badness of a check comes about.
#[derive(Clone, Copy)]
pub enum Probe {
    /// 0 if it is on (set to anything but `no`), else 1.
    On,
    /// 1 if it is on, else 0.
    Off,
    /// 1 if the list or set has any member, else 0.
    Empty,
    /// By the word; any other word, and none at all, has the last badness.
    Words(&'static [(&'static str, u64)]),
    /// 1 if any of these is kept, else 0; with their bits.
    KeepsAny(&'static [&'static str], u64),
    /// 1 unless this group of address families is restricted.
    Family(FamilyGroup),
    /// By the members of this set of system calls.
    Calls(&'static str),
    /// The first mask bit that is missing decides; 0 if none is.
    MaskBits(&'static [(u32, u64)]),
    /// What rows say together, or what needs a rule of its own.
    Rule {
        /// The rule in words.
        says: &'static str,
        /// The rule.
        judge: fn(&Posture) -> u64,
    },
}

/// The groups in which address families are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FamilyGroup {
    /// `AF_INET` and `AF_INET6`.
    Inet,
    /// `AF_UNIX`.
    Unix,
    /// `AF_NETLINK`.
    Netlink,
    /// `AF_PACKET`.
    Packet,
    /// Any other.
    Other,
}

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

const COUNT: usize = {
    let mut count = 0;
    let mut family = 0;
    while family < FAMILIES.len() {
        count += FAMILIES[family].rows.len();
        family += 1;
    }
    count
};

/// Every row, in order.
static ALL: [&Directive; COUNT] = {
    let mut all: [&Directive; COUNT] = [&ROW; COUNT];
    let (mut next, mut family) = (0, 0);
    while family < FAMILIES.len() {
        let rows = FAMILIES[family].rows;
        let mut row = 0;
        while row < rows.len() {
            all[next] = rows[row];
            next += 1;
            row += 1;
        }
        family += 1;
    }
    all
};

const NAME_COUNT: usize = {
    let (mut count, mut row) = (0, 0);
    while row < COUNT {
        count += 1 + ALL[row].also.len();
        row += 1;
    }
    count
};

/// Twice as many as there are names at the least, so that a look-up ends soon.
const SLOTS: usize = (2 * NAME_COUNT).next_power_of_two();

/// Positions in [`ALL`] from 1 by the hash of each name and older spelling, or in the next free slot; 0 is a free one.
static BY_NAME: [u16; SLOTS] = {
    let mut slots = [0; SLOTS];
    let mut row = 0;
    while row < COUNT {
        #[expect(clippy::cast_possible_truncation, reason = "there are some hundred rows")]
        let position = row as u16 + 1;
        slots[free(&slots, ALL[row].name)] = position;
        let mut other = 0;
        while other < ALL[row].also.len() {
            slots[free(&slots, ALL[row].also[other])] = position;
            other += 1;
        }
        row += 1;
    }
    slots
};

const fn free(slots: &[u16; SLOTS], name: &str) -> usize {
    let mut slot = slot(name);
    while slots[slot] != 0 {
        slot = (slot + 1) % SLOTS;
    }
    slot
}

/// The slot in which the search for a name begins: by its length and six of its letters.
const fn slot(name: &str) -> usize {
    let name = name.as_bytes();
    let (mut hash, mut part) = (name.len(), 0);
    while part <= 5 && !name.is_empty() {
        hash = hash.wrapping_mul(31).wrapping_add(name[(name.len() - 1) * part / 5] as usize);
        part += 1;
    }
    hash % SLOTS
}

/// The place in [`ALL`] of the row with that name or older spelling.
fn position(name: &str) -> Option<usize> {
    let mut slot = slot(name);
    loop {
        let position = usize::from(BY_NAME[slot]).checked_sub(1)?;
        let row = ALL[position];
        // A row that asks for its own place has the very name.
        if std::ptr::eq(row.name, name) || row.name == name || row.also.contains(&name) {
            return Some(position);
        }
        slot = (slot + 1) % SLOTS;
    }
}

const IMPLICATION_COUNT: usize = {
    let (mut count, mut row) = (0, 0);
    while row < COUNT {
        count += ALL[row].implies.len();
        row += 1;
    }
    count
};

/// What each row of [`ALL`] implies, row after row.
static IMPLICATIONS: [(&Directive, &Implied); IMPLICATION_COUNT] = {
    const NONE: Implied = at_load(When::On, &ROW, Operation::NameAfterUnit);
    let mut all: [(&Directive, &Implied); IMPLICATION_COUNT] = [(&ROW, &NONE); IMPLICATION_COUNT];
    let (mut next, mut row) = (0, 0);
    while row < COUNT {
        let mut implied = 0;
        while implied < ALL[row].implies.len() {
            all[next] = (ALL[row], &ALL[row].implies[implied]);
            next += 1;
            implied += 1;
        }
        row += 1;
    }
    all
};

/// Every directive, in the order of the families.
pub fn all() -> &'static [&'static Directive] {
    &ALL
}

/// What directives bring along, in their order.
pub fn implications() -> &'static [(&'static Directive, &'static Implied)] {
    &IMPLICATIONS
}

/// The directive of that name, or of that older spelling.
pub fn find(name: &str) -> Option<&'static Directive> {
    position(name).map(|position| ALL[position])
}

/// The directive whose name is nearest to an unknown one, if any is near: it differs in case alone, or in two letters
/// at most.
pub fn nearest(name: &str) -> Option<&'static str> {
    thread_local! {
        /// Units share the keys that no row has.
        static ASKED: RefCell<BTreeMap<String, Option<&'static str>>> = const { RefCell::new(BTreeMap::new()) };
    }
    if let Some(nearest) = ASKED.with_borrow(|asked| asked.get(name).copied()) {
        return nearest;
    }
    let nearest = search_nearest(name);
    ASKED.with_borrow_mut(|asked| asked.insert(name.to_owned(), nearest));
    nearest
}

fn search_nearest(name: &str) -> Option<&'static str> {
    let (length, letters) = (name.chars().count(), letters(name));
    let rows = ALL.iter().zip(&LETTERS).filter(|(_, of_row)| of_row.0.abs_diff(length) <= 2);
    if let Some((row, _)) = rows.clone().find(|(row, _)| row.name.eq_ignore_ascii_case(name)) {
        return Some(row.name);
    }
    if name.len() <= 8 {
        return None;
    }
    // One change takes one kind of letter away at most, and brings one: most rows need no exact distance.
    let near = rows.filter(|(_, (_, of_row))| {
        (letters & !of_row).count_ones() <= 2 && (of_row & !letters).count_ones() <= 2
    });
    let distances = near.map(|(row, _)| (strsim::damerau_levenshtein(row.name, name), row.name));
    distances
        .filter(|(distance, _)| *distance <= 2)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The length of each name of [`ALL`], and its letters.
static LETTERS: [(usize, u64); COUNT] = {
    let mut all = [(0, 0); COUNT];
    let mut row = 0;
    while row < COUNT {
        all[row] = (ALL[row].name.len(), letters(ALL[row].name));
        row += 1;
    }
    all
};

/// The kinds of ASCII letters in a name, a bit for each; some share one.
const fn letters(name: &str) -> u64 {
    let name = name.as_bytes();
    let (mut letters, mut place) = (0, 0);
    while place < name.len() {
        if name[place].is_ascii() {
            letters |= 1 << (name[place] % 64);
        }
        place += 1;
    }
    letters
}

impl Directive {
    /// Its place among all rows.
    pub fn index(&self) -> usize {
        position(self.name).unwrap_or(usize::MAX)
    }

    /// The properties that publish it: the newest first where one of them counts, all where they belong together.
    pub fn properties(&self) -> &[&'static str] {
        match &self.bus {
            Bus::Same => std::slice::from_ref(&self.name),
            Bus::OnceStarted(name) => std::slice::from_ref(name),
            Bus::Newest(names) | Bus::Together(names) => names,
            Bus::Nowhere => &[],
        }
    }

    /// What an unset directive is for a unit of that type below that manager.
    pub fn default_text(&self, context: &crate::context::Context) -> &'static str {
        let fits = |unset: &&Unset| {
            crate::release::covers(unset.releases, context.release)
                && unset.scope.is_none_or(|scope| scope == context.scope)
                && unset.unit_type.is_none_or(|unit_type| unit_type == context.unit_type)
        };
        self.unset.iter().find(fits).map_or("", |unset| unset.text)
    }

    /// Whether it would force another directive upon a service with a user of its own, in the process alone.
    pub fn forces_in(&self, release: crate::release::Release) -> bool {
        self.implies.iter().any(|implied| {
            implied.stage == Stage::Exec
                && implied.when == When::OnWithUser
                && crate::release::covers(implied.releases, release)
        })
    }

    /// The directory below which the manager makes what its entries name.
    pub fn makes_below(&self) -> Option<&'static str> {
        match self.opens {
            Opens::Writing(Writable::Below(base)) => Some(base),
            _ => None,
        }
    }

    /// Whether the release reads it at all.
    pub fn is_known_to(&self, release: crate::release::Release) -> bool {
        release.major >= self.since && self.until.is_none_or(|last| release.major <= last)
    }

    /// Which releases read it, in words that go on from "systemd reads it" or "is read".
    pub fn read_by(&self) -> String {
        match self.until {
            Some(last) => format!("up to systemd {last} only"),
            None => format!("from systemd {} on", self.since),
        }
    }

    /// Whether it says anything about confinement, identity or limits; the others are there because a check or an
    /// implication looks at them.
    pub fn confines(&self) -> bool {
        self.family().purpose == Purpose::Confines
    }

    /// The family that it stands in.
    pub fn family(&self) -> &'static Family {
        let holds = |family: &&Family| family.rows.iter().any(|row| row.name == self.name);
        FAMILIES.iter().find(holds).unwrap_or(&FAMILIES[0])
    }
}

impl PartialEq for Directive {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Directive {}

impl std::fmt::Debug for Directive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}=", self.name)
    }
}

impl PartialOrd for Directive {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Directive {
    fn cmp(&self, other: &Self) -> Ordering {
        self.index().cmp(&other.index())
    }
}

/// Every check with the directives that it looks at, in the order of the report.
pub fn checks() -> impl Iterator<Item = CheckGroup> {
    let own = ALL.iter().flat_map(|row| {
        row.checks.iter().map(move |check| CheckGroup { check, directives: std::slice::from_ref(row) })
    });
    let together = FACETS
        .iter()
        .flat_map(|facet| facet.checks.iter().map(move |check| CheckGroup { check, directives: facet.rows }));
    own.chain(together)
}

/// Which implications a mode shows besides those of [`Stage::Load`].
pub fn judgement(mode: Mode) -> Stage {
    match mode {
        Mode::Offline => Stage::OfflineJudgement,
        Mode::Loaded => Stage::LoadedJudgement,
    }
}
