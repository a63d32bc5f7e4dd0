//! Directives that are judged together, and the rules that no single row can say.

use ipnet::IpNet;

use super::{Applies, Check, Directive, Probe, check, devices, identity, mounts, network, service, syscalls};
use crate::context::{Mode, Scope};
use crate::posture::Posture;
use crate::release::{Range, Release, Releases, covers};
use crate::value::Value;

/// One line of the figure with the directives that it looks at.
pub struct CheckGroup {
    /// The line.
    pub check: &'static Check,
    /// The directives.
    pub directives: &'static [&'static Directive],
    /// The place of the first of them among all.
    pub(crate) place: usize,
}

/// Directives that are judged together.
pub struct Facet {
    /// What they decide together.
    pub name: &'static str,
    /// The directives.
    pub rows: &'static [&'static Directive],
    /// Their common lines in the figure.
    pub checks: &'static [Check],
}

/// Every facet of more than one row.
pub static FACETS: &[Facet] = &[
    Facet {
        name: "identity",
        rows: &[&identity::USER, &identity::DYNAMIC_USER],
        checks: &[check(
            "UserOrDynamicUser",
            2000,
            10,
            Probe::Rule { says: "10 as root, 9 as nobody, 0 as any other user", judge: user },
        )],
    },
    Facet {
        name: "root directory",
        rows: &[&mounts::ROOT_DIRECTORY, &mounts::ROOT_IMAGE],
        checks: &[check(
            "RootDirectoryOrRootImage",
            200,
            1,
            Probe::Rule { says: "1 unless one of them is set to anything but /", judge: root_directory },
        )
        .applying(Applies::DefaultDependencies)],
    },
    Facet {
        name: "IP addresses",
        rows: &[
            &network::IP_ADDRESS_DENY,
            &network::IP_ADDRESS_ALLOW,
            &network::IP_INGRESS_FILTER_PATH,
            &network::IP_EGRESS_FILTER_PATH,
        ],
        checks: &[check(
            "IPAddressDeny",
            1000,
            10,
            Probe::Rule {
                says: "10 unless all addresses are denied, 5 if any but localhost is allowed, 2 if localhost is",
                judge: addresses,
            },
        )],
    },
    Facet {
        name: "devices",
        rows: &[&devices::DEVICE_ALLOW, &devices::DEVICE_POLICY],
        checks: &[check(
            "DeviceAllow",
            1000,
            10,
            Probe::Rule {
                says: "10 unless the policy is closed or strict, 5 if any device is allowed besides",
                judge: device_access,
            },
        )],
    },
];

/// Whether the service runs as root by name: what systemd calls privileged (releases 240 to 262).
pub(crate) fn runs_privileged(posture: &Posture) -> bool {
    if covers(USER_SCOPE_COUNTS, posture.context.release) && posture.context.scope == Scope::User {
        return false;
    }
    match &posture.get(&identity::USER).value {
        Value::Text(name) if name == "root" || name == "0" => true,
        Value::Text(_) => false,
        _ => !posture.is_on(&identity::DYNAMIC_USER),
    }
}

/// Whether the manager opens a session for the service through PAM.
pub(crate) fn opens_session(posture: &Posture) -> bool {
    posture.is_on(&identity::PAM_NAME)
}

/// Whether the unit's first process runs as a user other than root.
pub fn runs_as_user(posture: &Posture) -> bool {
    match &posture.get(&identity::USER).value {
        Value::Text(name) => name != "root" && name != "0",
        _ => posture.is_on(&identity::DYNAMIC_USER),
    }
}

/// Whether a unit is handed credentials.
pub(crate) fn has_credentials(posture: &Posture) -> bool {
    posture.iter().any(|(row, setting)| row.kind.hands_credentials() && setting.value.is_on())
}

/// Whether any rule about devices is active.
pub fn device_rules(posture: &Posture) -> bool {
    posture.is_on(&devices::DEVICE_POLICY) || posture.is_on(&devices::DEVICE_ALLOW)
}

/// Whether the checks that stand on default dependencies apply.
pub(crate) fn has_default_dependencies(posture: &Posture) -> bool {
    posture.is_on(&service::DEFAULT_DEPENDENCIES)
}

/// Releases that do not score the services of a user's manager as root's.
pub(crate) const USER_SCOPE_COUNTS: Releases = &[Range::since(262)];

/// Whether a service of a user's manager is nobody's business here.
pub(crate) fn user_scope_counts(posture: &Posture) -> bool {
    covers(USER_SCOPE_COUNTS, posture.context.release) && posture.context.scope == Scope::User
}

/// The user that a system reserves for files and peers without one; a build option, this name by default.
const NOBODY: &str = "nobody";

fn user(posture: &Posture) -> u64 {
    let name = match &posture.get(&identity::USER).value {
        Value::Text(name) => Some(name.as_str()),
        _ => None,
    };
    match name {
        Some(NOBODY) => 9,
        Some("0" | "root") => 10,
        Some(_) => 0,
        None if posture.is_on(&identity::DYNAMIC_USER) || user_scope_counts(posture) => 0,
        None => 10,
    }
}

/// 242 to 244.1 ask for both directives.
const BOTH_ROOTS: Releases = &[Range::majors(242, 242), Range::branch(243, 0, 4), Range::branch(244, 0, 1)];

fn root_directory(posture: &Posture) -> u64 {
    let set = |row: &Directive| match &posture.get(row).value {
        Value::Text(path) => path != "/",
        _ => false,
    };
    let roots = [set(&mounts::ROOT_DIRECTORY), set(&mounts::ROOT_IMAGE)];
    let good = if covers(BOTH_ROOTS, posture.context.release) {
        roots.iter().all(|set| *set)
    } else {
        roots.iter().any(|set| *set)
    };
    u64::from(!good)
}

/// Releases whose judgement of a loaded unit overlooks IPIngressFilterPath=.
const INGRESS_LOST: Releases = &[Range::up_to(248), Range::branch(249, 0, 3)];

fn addresses(posture: &Posture) -> u64 {
    let context = &posture.context;
    let ingress_lost = context.mode == Mode::Loaded && covers(INGRESS_LOST, context.release);
    let ingress = posture.is_on(&network::IP_INGRESS_FILTER_PATH) && !ingress_lost;
    if ingress || posture.is_on(&network::IP_EGRESS_FILTER_PATH) {
        return 0;
    }
    let networks = |row: &Directive| match &posture.get(row).value {
        Value::Networks(networks) => networks.as_slice(),
        _ => &[],
    };
    let denied = networks(&network::IP_ADDRESS_DENY);
    let all = |wanted: fn(&IpNet) -> bool| denied.iter().any(|net| net.prefix_len() == 0 && wanted(net));
    if !all(|net| matches!(net, IpNet::V4(_))) || !all(|net| matches!(net, IpNet::V6(_))) {
        return 10;
    }
    let allowed = networks(&network::IP_ADDRESS_ALLOW);
    match (allowed.is_empty(), allowed.iter().all(|net| is_localhost(net, context.mode))) {
        (true, _) => 0,
        (false, true) => 2,
        (false, false) => 5,
    }
}

/// What counts as this machine: of a loaded unit only the whole of 127.0.0.0/8, of a file any part of it.
fn is_localhost(net: &IpNet, mode: Mode) -> bool {
    match net {
        IpNet::V4(net) => {
            net.network().octets()[0] == 127 && (mode == Mode::Offline || net.prefix_len() == 8)
        }
        IpNet::V6(net) => net.network().is_loopback() && net.prefix_len() == 128,
    }
}

fn device_access(posture: &Posture) -> u64 {
    match (posture.is_on(&devices::DEVICE_POLICY), posture.is_on(&devices::DEVICE_ALLOW)) {
        (false, _) => 10,
        (true, true) => 5,
        (true, false) => 0,
    }
}

/// Releases whose offline mode does not know a list of architectures when it sees one.
const ARCHITECTURES_UNREAD: Releases = &[Range::branch(250, 0, 4)];

pub(super) fn architectures(posture: &Posture) -> u64 {
    let context = &posture.context;
    let unread = context.mode == Mode::Offline && covers(ARCHITECTURES_UNREAD, context.release);
    match &posture.get(&syscalls::SYSTEM_CALL_ARCHITECTURES).value {
        Value::Words(words) if words.is_empty() => 10,
        Value::Words(words) if words == &["native"] && !unread => 0,
        Value::Words(_) => 8,
        _ => 10,
    }
}

/// What a release makes of system call lists beyond the plain rule: each was a fault, and is repeated because the
/// figure must be that release's own.
#[expect(clippy::struct_excessive_bools, reason = "each is a fault of its own that a release has or has not")]
pub(crate) struct CallQuirks {
    /// A nested set's answer is compared with the list's sense instead of being taken over (240).
    pub(crate) nested: bool,
    /// A deny list that covers the whole set has badness 5.
    pub(crate) covered_is_five: bool,
    /// Entries with an answer of their own match no name (loaded units only).
    pub(crate) answers_hide: bool,
    /// Allowed and denied are confused.
    pub(crate) inverted: bool,
    /// No name is ever found in the list (offline only).
    pub(crate) blind: bool,
}

impl CallQuirks {
    pub(crate) fn of(posture: &Posture) -> Self {
        const NESTED: Releases = &[Range::majors(240, 240)];
        const COVERED_IS_FIVE: Releases = &[
            Range::majors(240, 242),
            Range::branch(243, 0, 8),
            Range::branch(244, 0, 4),
            Range::branch(245, 0, 7),
            Range::branch(246, 0, 2),
        ];
        const ANSWERS_HIDE: Releases =
            &[Range::up_to(249), Range::branch(250, 0, 7), Range::branch(251, 0, 2)];
        const INVERTED: Releases =
            &[Range::branch(249, 12, 17), Range::branch(250, 5, 7), Range::branch(251, 0, 2)];
        const BLIND: Releases = &[Range::branch(250, 0, 7), Range::branch(251, 0, 2)];
        let release = posture.context.release;
        let offline = posture.context.mode == Mode::Offline;
        Self {
            nested: covers(NESTED, release),
            covered_is_five: covers(COVERED_IS_FIVE, release),
            answers_hide: !offline && covers(ANSWERS_HIDE, release),
            inverted: covers(INVERTED, release),
            blind: offline && covers(BLIND, release),
        }
    }
}

/// The releases that judge CAP_BPF: the main branch from 255 on, and three stable branches.
pub(super) const CAP_BPF_JUDGED: Releases = &[
    Range::branch(252, 19, Release::LATEST_MINOR),
    Range::branch(253, 13, Release::LATEST_MINOR),
    Range::branch(254, 6, Release::LATEST_MINOR),
    Range::since(255),
];
