//! Settings that systemd does not load a unit with: alone, or beside others (`unit_verify_contexts` and its
//! forerunners). What it refuses of how a unit is started stands in `unit_posture`.

use super::{Directive, When, cgroup, identity, namespaces, privileges, service};
use crate::context::{Scope, UnitType};
use crate::posture::Posture;
use crate::release::{EVERY, Range, Releases, covers};

/// A reason to refuse a unit.
struct Refusal {
    /// What is refused.
    this: (&'static Directive, When),
    /// Beside any of these; alone where there are none.
    beside: &'static [(&'static Directive, When)],
    /// The types that are not refused.
    but: &'static [UnitType],
    /// The manager that refuses it; both where there is none.
    scope: Option<Scope>,
    releases: Releases,
    says: &'static str,
}

/// The start of each: refused in every type of unit and by every manager.
const REFUSAL: Refusal = Refusal {
    this: (&identity::PAM_NAME, When::On),
    beside: &[],
    but: &[],
    scope: None,
    releases: EVERY,
    says: "",
};

static REFUSALS: &[Refusal] = &[
    Refusal {
        beside: &[(&cgroup::KILL_MODE, When::Is("process")), (&cgroup::KILL_MODE, When::Is("none"))],
        says: "PAMName= needs KillMode=control-group or KillMode=mixed",
        ..REFUSAL
    },
    // Seen on 252 and not on 257; 256 gave all types of units one check.
    Refusal {
        beside: &[(&cgroup::KILL_MODE, When::Is("mixed"))],
        but: &[UnitType::Service],
        releases: &[Range::up_to(255)],
        says: "PAMName= needs KillMode=control-group outside services up to systemd 255",
        ..REFUSAL
    },
    // Seen on 262 and not on 257; asked for after 259 (systemd#40928, of March 2026).
    Refusal {
        beside: &[(&privileges::PRIVATE_PIDS, When::On)],
        releases: &[Range::since(260)],
        says: "PAMName= does not go with PrivatePIDs=yes",
        ..REFUSAL
    },
    Refusal {
        this: (&privileges::PRIVATE_PIDS, When::On),
        but: &[UnitType::Service],
        releases: &[Range::since(257)],
        says: "PrivatePIDs=yes is for services only",
        ..REFUSAL
    },
    Refusal {
        this: (&service::TYPE, When::Is("forking")),
        beside: &[(&privileges::PRIVATE_PIDS, When::On)],
        releases: &[Range::since(257)],
        says: "Type=forking does not go with PrivatePIDs=yes",
        ..REFUSAL
    },
    Refusal {
        this: (&identity::DYNAMIC_USER, When::On),
        scope: Some(Scope::User),
        releases: &[Range::since(256)],
        says: "users' managers have no DynamicUser=",
        ..REFUSAL
    },
    Refusal {
        this: (&service::WORKING_DIRECTORY, When::Is("~")),
        beside: &[(&identity::DYNAMIC_USER, When::On)],
        releases: &[Range::since(256)],
        says: "WorkingDirectory=~ does not go with DynamicUser=yes",
        ..REFUSAL
    },
    // As old as the value (systemd 260).
    Refusal {
        this: (&privileges::PRIVATE_USERS, When::Is("managed")),
        beside: &[
            (&identity::USER, When::On),
            (&identity::GROUP, When::On),
            (&identity::DYNAMIC_USER, When::On),
            (&identity::PAM_NAME, When::On),
        ],
        says: "PrivateUsers=managed goes with no User=, Group=, DynamicUser= and PAMName=",
        ..REFUSAL
    },
    // As old as the path (systemd 259); seen on 262.
    Refusal {
        this: (&namespaces::USER_NAMESPACE_PATH, When::On),
        beside: &[(&privileges::PRIVATE_USERS, When::On)],
        says: "PrivateUsers= does not go with UserNamespacePath=",
        ..REFUSAL
    },
];

/// Why the posture's release refuses a unit with these settings, if it does.
pub(crate) fn refusal(posture: &Posture) -> Option<&'static str> {
    let context = posture.context;
    let holds = |(directive, when): &(&'static Directive, When)| posture.meets(directive, *when);
    let found = REFUSALS.iter().find(|refusal| {
        holds(&refusal.this)
            && covers(refusal.releases, context.release)
            && refusal.scope.is_none_or(|scope| scope == context.scope)
            && !refusal.but.contains(&context.unit_type)
            && (refusal.beside.is_empty() || refusal.beside.iter().any(holds))
    });
    found.map(|refusal| refusal.says)
}
