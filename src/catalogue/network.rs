//! Rows about the network.

use super::failing::{Errno, ExecStep, What, ends_at, refuses};
use super::{
    Check, Directive, Entry, FamilyGroup, Given, Kind, Managers, NOTHING, NameGrammar, Namespace, Order,
    Probe, Proof, ROW, Sections, TextGrammar, Trace, WordRules, add, also, always, at_most, check, from,
    given, kernel::FORCES_NO_NEW_PRIVILEGES, sign,
};
use crate::manifest::Strictness;
use crate::need::Need;

pub(super) static ROWS: &[&Directive] = &[
    &PRIVATE_NETWORK,
    &NETWORK_NAMESPACE_PATH,
    &RESTRICT_ADDRESS_FAMILIES,
    &IP_ADDRESS_DENY,
    &IP_ADDRESS_ALLOW,
    &IP_INGRESS_FILTER_PATH,
    &IP_EGRESS_FILTER_PATH,
    &SOCKET_BIND_DENY,
    &SOCKET_BIND_ALLOW,
    &RESTRICT_NETWORK_INTERFACES,
    &BIND_NETWORK_INTERFACE,
    &BPF_PROGRAM,
    &NFT_SET,
];

pub(crate) static PRIVATE_NETWORK: Directive = Directive {
    fails: &[
        ends_at(ExecStep::Network, "let the kernel make network namespaces, or leave it out"),
        refuses(
            &[Errno::Unreachable, Errno::NoAddress],
            What::Anything,
            "leave it out, or hand the service its sockets by a socket unit",
        ),
    ],
    name: "PrivateNetwork",
    since: 0,
    hardened: &[given(Strictness::Default, Given::NoIp, &["yes"])],
    yields: &[
        at_most(Need::AbstractSockets, "no"),
        at_most(Need::Interfaces, "no"),
        at_most(Need::NetworkAdmin, "no"),
        at_most(Need::NetworkRaw, "no"),
        at_most(Need::RunsHooks, "no").suspected_unless_denied(Need::UsesIp),
        at_most(Need::MakesMounts, "no"),
        at_most(Need::SendsMailSetgid, "no"),
        at_most(Need::SendsMailSetuid, "no"),
        at_most(Need::UsesPam, "no"),
        at_most(Need::StartsSessions, "no"),
    ],
    checks: &[check("PrivateNetwork", 2500, 1, Probe::On)],
    proof: Proof::By(&[sign(Trace::Namespace(Namespace::Network))]),
    summary: "Gives the service a network with nothing but a loopback of its own.",
    breaks: "Every connection but sockets that are handed in and sockets with a path; abstract sockets too.",
    ..ROW
};

pub(crate) static NETWORK_NAMESPACE_PATH: Directive = Directive {
    fails: &[ends_at(ExecStep::Network, "make the namespace before the service starts")],
    name: "NetworkNamespacePath",
    managers: Managers::System,
    since: 242,
    kind: Kind::Text(TextGrammar::Path),
    unset: NOTHING,
    proof: Proof::By(&[sign(Trace::Namespace(Namespace::Network))]),
    summary: "Puts the service in a network namespace that exists already.",
    breaks: "The start, if it does not exist.",
    ..ROW
};

const IP: &str = "AF_INET AF_INET6";

const fn family(id: &'static str, weight: u64, group: FamilyGroup) -> Check {
    check(id, weight, 1, Probe::Family(group))
}

pub(crate) static RESTRICT_ADDRESS_FAMILIES: Directive = Directive {
    fails: &[
        ends_at(ExecStep::AddressFamilies, "run a kernel with seccomp filters, or leave it out"),
        refuses(&[Errno::Family], What::LeftOut, "add the family that it asks for"),
    ],
    name: "RestrictAddressFamilies",
    since: 211,
    kind: Kind::Names(NameGrammar::Families),
    unset: NOTHING,
    // sd_notify(), syslog() and user look-ups need local sockets.
    hardened: &[from(Strictness::Default, &["AF_UNIX"])],
    yields: &[
        at_most(Need::StartsSessions, ""),
        add(Need::UsesIp, IP),
        add(Need::UsesLoopback, IP),
        add(Need::UsesAddress, IP),
        add(Need::SendsMailSmtp, IP),
        add(Need::NetworkAdmin, "AF_INET AF_NETLINK"),
        add(Need::NetworkRaw, "AF_PACKET"),
        add(Need::UsesPam, "AF_NETLINK"),
        add(Need::Interfaces, "AF_NETLINK").or_unknown_below(Strictness::Strict),
        add(Need::RunsHooks, IP).suspected_unless_denied(Need::UsesIp),
        add(Need::RunsHooks, "AF_NETLINK").suspected_unless_denied(Need::Interfaces),
    ],
    implies: FORCES_NO_NEW_PRIVILEGES,
    checks: &[
        family("RestrictAddressFamilies_AF_INET_INET6", 1500, FamilyGroup::Inet),
        family("RestrictAddressFamilies_AF_UNIX", 25, FamilyGroup::Unix),
        family("RestrictAddressFamilies_AF_NETLINK", 200, FamilyGroup::Netlink),
        family("RestrictAddressFamilies_AF_PACKET", 1000, FamilyGroup::Packet),
        family("RestrictAddressFamilies_OTHER", 1250, FamilyGroup::Other),
    ],
    proof: Proof::By(&[sign(Trace::Filter)]),
    summary: "Says which kinds of sockets the service may make.",
    breaks: "getifaddrs() without AF_NETLINK, notification and logging without AF_UNIX.",
    ..ROW
};

pub(crate) static IP_ADDRESS_DENY: Directive = Directive {
    fails: &[refuses(
        &[Errno::NotPermitted],
        What::Calls(&["connect", "sendmsg", "sendto"]),
        "name the address in IPAddressAllow=",
    )],
    name: "IPAddressDeny",
    managers: Managers::System,
    sections: Sections::Exec,
    since: 235,
    kind: Kind::Networks(Order::MoreIsStricter),
    unset: NOTHING,
    hardened: &[
        given(Strictness::Default, Given::NoIp, &["any"]),
        given(Strictness::Default, Given::LoopbackOnly, &["any"]),
        given(Strictness::Strict, Given::AddressesOnly, &["any"]),
    ],
    yields: &[
        also(Need::AcceptsFrom, "any"),
        at_most(Need::NetworkAdmin, ""),
        at_most(Need::NetworkRaw, ""),
        at_most(Need::RunsHooks, "").suspected_unless_denied(Need::UsesIp),
        at_most(Need::StartsSessions, ""),
    ],
    proof: Proof::By(&[sign(Trace::Program)]),
    summary: "Addresses that sockets of the service may not speak with; needs control group v2 and BPF.",
    breaks: "Connections to addresses that IPAddressAllow= does not name, look-ups of names included.",
    ..ROW
};

pub(crate) static IP_ADDRESS_ALLOW: Directive = Directive {
    name: "IPAddressAllow",
    beside: Some(&IP_ADDRESS_DENY),
    managers: Managers::System,
    sections: Sections::Exec,
    since: 235,
    kind: Kind::Networks(Order::MoreIsWeaker),
    unset: NOTHING,
    hardened: &[
        given(Strictness::Default, Given::LoopbackOnly, &[""]),
        given(Strictness::Strict, Given::AddressesOnly, &[""]),
    ],
    yields: &[
        add(Need::UsesLoopback, "localhost"),
        add(Need::UsesAddress, "{address}"),
        also(Need::AcceptsFrom, "{address}"),
    ],
    proof: Proof::By(&[sign(Trace::Program)]),
    summary: "Exceptions from IPAddressDeny=.",
    breaks: "Nothing; it opens.",
    ..ROW
};

const PROGRAM: Proof = Proof::By(&[sign(Trace::Program)]);

static FILTERS: WordRules = WordRules { entry: Entry::WholePath, order: Order::Unordered };

const fn filter(name: &'static str, summary: &'static str) -> Directive {
    Directive {
        name,
        managers: Managers::System,
        sections: Sections::Exec,
        since: 243,
        kind: Kind::Words(&FILTERS),
        unset: NOTHING,
        proof: PROGRAM,
        summary,
        breaks: "Whatever the program drops.",
        ..ROW
    }
}

pub(crate) static IP_INGRESS_FILTER_PATH: Directive =
    filter("IPIngressFilterPath", "A pinned BPF program that sees what comes in.");
pub(crate) static IP_EGRESS_FILTER_PATH: Directive =
    filter("IPEgressFilterPath", "A pinned BPF program that sees what goes out.");

static BIND_DENY: WordRules = WordRules { entry: Entry::BindRule, order: Order::MoreIsStricter };
static BIND_ALLOW: WordRules = WordRules { entry: Entry::BindRule, order: Order::MoreIsWeaker };

pub(crate) static SOCKET_BIND_DENY: Directive = Directive {
    fails: &[refuses(&[Errno::NotPermitted], What::Calls(&["bind"]), "name the port in SocketBindAllow=")],
    name: "SocketBindDeny",
    requires: super::Requires::BpfFramework,
    managers: Managers::System,
    sections: Sections::Exec,
    since: 249,
    kind: Kind::Words(&BIND_DENY),
    unset: NOTHING,
    hardened: &[given(Strictness::Strict, Given::PortsKnown, &["any"])],
    yields: &[
        at_most(Need::RunsHooks, "").suspected_unless_denied(Need::BindsPort),
        at_most(Need::StartsSessions, ""),
    ],
    proof: Proof::By(&[sign(Trace::Program)]),
    summary: "Ports that the service may not bind, where systemd is built with the BPF framework.",
    breaks: "Ports that SocketBindAllow= does not name.",
    ..ROW
};

pub(crate) static SOCKET_BIND_ALLOW: Directive = Directive {
    name: "SocketBindAllow",
    requires: super::Requires::BpfFramework,
    beside: Some(&SOCKET_BIND_DENY),
    managers: Managers::System,
    sections: Sections::Exec,
    since: 249,
    kind: Kind::Words(&BIND_ALLOW),
    unset: NOTHING,
    hardened: &[given(Strictness::Strict, Given::PortsKnown, &[""])],
    yields: &[add(Need::BindsPort, "{rule}")],
    proof: Proof::By(&[sign(Trace::Program)]),
    summary: "Exceptions from SocketBindDeny=.",
    breaks: "Nothing; it opens.",
    ..ROW
};

pub(crate) static RESTRICT_NETWORK_INTERFACES: Directive = Directive {
    name: "RestrictNetworkInterfaces",
    requires: super::Requires::BpfFramework,
    managers: Managers::System,
    sections: Sections::Exec,
    since: 250,
    kind: Kind::Names(NameGrammar::Interfaces),
    unset: &[always("")],
    proof: Proof::By(&[sign(Trace::Program)]),
    summary: "Interfaces that the service may use, where systemd is built with the BPF framework.",
    breaks: "Traffic over any other interface.",
    ..ROW
};

pub(crate) static BIND_NETWORK_INTERFACE: Directive = Directive {
    name: "BindNetworkInterface",
    requires: super::Requires::BpfFramework,
    managers: Managers::System,
    since: 260,
    kind: Kind::Text(TextGrammar::Narrowing),
    unset: NOTHING,
    proof: Proof::By(&[sign(Trace::Program)]),
    summary: "Binds every socket of the service to one interface.",
    breaks: "Traffic over any other interface, that over loopback included.",
    ..ROW
};

static PROGRAMS: WordRules = WordRules { entry: Entry::Program, order: Order::Unordered };

pub(crate) static BPF_PROGRAM: Directive = Directive {
    name: "BPFProgram",
    managers: Managers::System,
    since: 249,
    kind: Kind::Words(&PROGRAMS),
    unset: NOTHING,
    proof: Proof::By(&[sign(Trace::Program)]),
    summary: "Pinned BPF programs that the service's control group is given.",
    breaks: "Whatever the programs refuse.",
    ..ROW
};

static SETS: WordRules = WordRules { entry: Entry::PacketFilterSet, order: Order::Unordered };

pub(crate) static NFT_SET: Directive = Directive {
    name: "NFTSet",
    managers: Managers::System,
    since: 255,
    kind: Kind::Words(&SETS),
    unset: NOTHING,
    proof: Proof::Nothing("the packet filter holds it in lists of its own"),
    summary: "Sets of the packet filter that the service's control group, user or group is put into.",
    breaks: "Nothing by itself; the rules that use the set decide.",
    ..ROW
};
