//! Rows about device nodes.

use super::failing::{Errno, ExecStep, NO_MOUNTS, What, below, ends_at, refuses};
use super::{
    Directive, Entry, Kind, LevelRules, Managers, Mounted, NOTHING, Operation, Order, Places, Probe, Proof,
    ROW, Sections, Trace, When, WordRules, also, always, at_load, at_most, check,
    filesystem::level,
    from,
    kernel::FORCES_NO_NEW_PRIVILEGES_AND,
    privileges::{BRINGS_MOUNTS, CAPABILITY_BOUNDING_SET},
    sign,
};
use crate::manifest::Strictness;
use crate::need::Need;

/// The devices of no hardware that every service has, also with `PrivateDevices=yes` and `DevicePolicy=closed`
/// (systemd.exec(5), systemd.resource-control(5)).
pub(crate) const EVERYBODYS_DEVICES: [&str; 5] =
    ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

pub(super) static ROWS: &[&Directive] = &[&PRIVATE_DEVICES, &DEVICE_POLICY, &DEVICE_ALLOW];

pub(crate) static PRIVATE_DEVICES: Directive = Directive {
    fails: &[
        NO_MOUNTS,
        refuses(
            &[Errno::NoEntry, Errno::NotPermitted, Errno::Access],
            below(&["/dev"]),
            "leave it out, and name the device in DeviceAllow= beside DevicePolicy=closed",
        ),
    ],
    name: "PrivateDevices",
    since: 209,
    hardened: &[from(Strictness::Default, &["yes"])],
    yields: &[
        at_most(Need::Devices, "no"),
        at_most(Need::MeasuresFilesystems, "no"),
        at_most(Need::KernelRawIo, "no"),
        at_most(Need::KernelClock, "no"),
        at_most(Need::MakesMounts, "no"),
        at_most(Need::StartsSessions, "no"),
    ],
    implies: &[
        at_load(When::On, &CAPABILITY_BOUNDING_SET, Operation::Assign("~CAP_MKNOD CAP_SYS_RAWIO")),
        at_load(When::On, &DEVICE_POLICY, Operation::Replace("auto", "closed")),
        BRINGS_MOUNTS,
        FORCES_NO_NEW_PRIVILEGES_AND,
    ],
    checks: &[check("PrivateDevices", 1000, 1, Probe::On)],
    proof: Proof::By(&[
        sign(Trace::Mount(Places::These(&["/dev"]), Mounted::OfItsOwn)),
        sign(Trace::Without(&["CAP_MKNOD", "CAP_SYS_RAWIO"])),
        sign(Trace::Filter),
    ]),
    summary: "Gives the service a /dev with nothing but null, zero, random and the like.",
    breaks: "Physical devices, /dev/log links to elsewhere, credentials sealed by a TPM (252).",
    ..ROW
};

static POLICIES: LevelRules = LevelRules {
    levels: &[level("auto", 0, 0), level("closed", 0, 1), level("strict", 0, 2)],
    empty: &[],
    suffix: &[],
    numbers: &[],
    order: Order::MoreIsStricter,
};

/// The way out where even /dev/null is shut.
const PSEUDO_DEVICES: &str =
    "take `closed`, which leaves /dev/null and its like open, or name them in DeviceAllow=";

pub(crate) static DEVICE_POLICY: Directive = Directive {
    fails: &[
        ends_at(ExecStep::Stdin, PSEUDO_DEVICES),
        ends_at(ExecStep::Stdout, PSEUDO_DEVICES),
        ends_at(ExecStep::Stderr, PSEUDO_DEVICES),
        refuses(
            &[Errno::NotPermitted],
            What::Paths { from: "closed", of: &["/dev"], but: &[] },
            "name the device in DeviceAllow=",
        ),
    ],
    name: "DevicePolicy",
    managers: Managers::System,
    sections: Sections::Exec,
    since: 208,
    kind: Kind::Level(&POLICIES),
    unset: &[always("auto")],
    hardened: &[from(Strictness::Default, &["closed"])],
    yields: &[at_most(Need::StartsSessions, "auto")],
    proof: Proof::By(&[sign(Trace::DeviceProgram)]),
    summary: "Says which devices the control group may open besides those that are allowed.",
    breaks: "Devices that no DeviceAllow= names.",
    ..ROW
};

static DEVICES: WordRules = WordRules { entry: Entry::Device, order: Order::MoreIsWeaker };

pub(crate) static DEVICE_ALLOW: Directive = Directive {
    fails: &[refuses(&[Errno::NotPermitted], below(&["/dev"]), "name the device in it")],
    name: "DeviceAllow",
    beside: Some(&DEVICE_POLICY),
    managers: Managers::System,
    sections: Sections::Exec,
    since: 208,
    kind: Kind::Words(&DEVICES),
    unset: NOTHING,
    yields: &[also(Need::Devices, "{path} {access}")],
    proof: Proof::By(&[sign(Trace::DeviceProgram)]),
    summary: "Devices that the control group may open.",
    breaks: "Nothing by itself; with DevicePolicy=auto a first entry closes all others.",
    ..ROW
};
