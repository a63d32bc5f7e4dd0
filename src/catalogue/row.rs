//! What a row of the catalogue says of its directive, and the row with nothing but defaults.

use std::cmp::Ordering;

use super::lookup::position;
use super::{
    Bus, Check, Errno, FAMILIES, Failing, Family, Hardening, Implied, Kind, Odd, Order, Proof, Purpose,
    Sight, Stage, SwitchRules, When, Yield,
};
use crate::context::{Context, Scope, UnitType};
use crate::release::{EVERY, Release, Releases, covers};

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
    pub fn default_text(&self, context: &Context) -> &'static str {
        let fits = |unset: &&Unset| {
            covers(unset.releases, context.release)
                && unset.scope.is_none_or(|scope| scope == context.scope)
                && unset.unit_type.is_none_or(|unit_type| unit_type == context.unit_type)
        };
        self.unset.iter().find(fits).map_or("", |unset| unset.text)
    }

    /// Whether it would force another directive upon a service with a user of its own, in the process alone.
    pub fn forces_in(&self, release: Release) -> bool {
        self.implies.iter().any(|implied| {
            implied.stage == Stage::Exec
                && implied.when == When::OnWithUser
                && covers(implied.releases, release)
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
    pub fn is_known_to(&self, release: Release) -> bool {
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
        std::ptr::eq(self, other) || self.name == other.name
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
