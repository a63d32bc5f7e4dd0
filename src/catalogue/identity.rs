//! Rows about who the service is.

use super::failing::{ExecStep, Failing, REFUSED, What, ends_at, refuses};
use super::{
    Applies, Bus, Directive, Entry, Implied, Kind, Level, LevelRules, Managers, NOTHING, Odd, Operation,
    Order, Probe, Proof, ROW, SecretForm, Sections, Stage, SwitchRules, TextGrammar, Trace, When, WordRules,
    also, always, at_load, at_most, check, filesystem, from, privileges, sign,
};
use crate::context::{Scope, UnitType};
use crate::manifest::Strictness;
use crate::need::Need;
use crate::release::{EVERY, Range};

pub(super) static ROWS: &[&Directive] = &[
    &USER,
    &GROUP,
    &DYNAMIC_USER,
    &SUPPLEMENTARY_GROUPS,
    &PAM_NAME,
    &UMASK,
    &KEYRING_MODE,
    &REMOVE_IPC,
    &LOAD_CREDENTIAL,
    &LOAD_CREDENTIAL_ENCRYPTED,
    &SET_CREDENTIAL,
    &SET_CREDENTIAL_ENCRYPTED,
    &IMPORT_CREDENTIAL,
    &DELEGATE,
    &OPEN_FILE,
    &PERMISSIONS_START_ONLY,
    &ROOT_DIRECTORY_START_ONLY,
];

pub(crate) static USER: Directive = Directive {
    fails: &[
        ends_at(ExecStep::User, "create the user (sysusers.d(5)), or name one that exists"),
        refuses(
            REFUSED,
            What::Paths { from: "", of: &["/"], but: &[] },
            "give the user access to the path by its owner, group and mode",
        ),
    ],
    name: "User",
    managers: Managers::System,
    kind: Kind::Text(TextGrammar::Identity),
    unset: NOTHING,
    key: Some("user"),
    proof: Proof::By(&[sign(Trace::User)]),
    summary: "The user that the service runs as.",
    breaks: "Whatever only root may do.",
    ..ROW
};

/// The way out where a group does not exist.
const CREATE_GROUP: &str = "create the group (sysusers.d(5)), or name one that exists";

pub(crate) static GROUP: Directive = Directive {
    fails: &[ends_at(ExecStep::Group, CREATE_GROUP)],
    name: "Group",
    managers: Managers::System,
    kind: Kind::Text(TextGrammar::Group),
    unset: NOTHING,
    key: Some("group"),
    proof: Proof::By(&[sign(Trace::Group)]),
    summary: "The primary group that the service runs as; the user's own where it is not set.",
    breaks: "Access that the user's own group gives.",
    ..ROW
};

static DYNAMIC: SwitchRules =
    SwitchRules { order: Order::MoreIsStricter, empty: &[(EVERY, Odd::Refused)], other: Odd::Refused };

pub(crate) static DYNAMIC_USER: Directive = Directive {
    fails: &[ends_at(ExecStep::User, "let the name service switch know systemd's users (nss-systemd(8))")],
    name: "DynamicUser",
    managers: Managers::System,
    since: 232,
    kind: Kind::Switch(&DYNAMIC),
    key: Some("dynamic-user"),
    implies: &[
        at_load(When::On, &USER, Operation::NameAfterUnit),
        at_load(When::On, &GROUP, Operation::Copy(&USER)),
        Implied {
            when: When::On,
            on: &filesystem::PRIVATE_TMP,
            operation: Operation::Replace("no", "yes"),
            releases: &[Range::up_to(256)],
            stage: Stage::Load,
        },
        Implied {
            when: When::On,
            on: &filesystem::PRIVATE_TMP,
            operation: Operation::Replace("no", "disconnected"),
            releases: &[Range::since(257)],
            stage: Stage::Load,
        },
        at_load(When::On, &REMOVE_IPC, Operation::Force("yes")),
        at_load(When::On, &filesystem::PROTECT_SYSTEM, Operation::Force("strict")),
        at_load(When::On, &filesystem::PROTECT_HOME, Operation::Replace("no", "read-only")),
        Implied {
            when: When::On,
            on: &privileges::NO_NEW_PRIVILEGES,
            operation: Operation::Force("yes"),
            releases: &[Range::since(242)],
            stage: Stage::Load,
        },
        Implied {
            when: When::On,
            on: &privileges::RESTRICT_SUID_SGID,
            operation: Operation::Force("yes"),
            releases: &[Range::since(242)],
            stage: Stage::Load,
        },
    ],
    proof: Proof::By(&[sign(Trace::DynamicUser)]),
    summary: "Makes up a user for as long as the service runs.",
    breaks: "Files that must keep an owner, setgid helpers, openat2() (from 242 on it brings RestrictSUIDSGID=).",
    ..ROW
};

static GROUPS: WordRules = WordRules { entry: Entry::Group, order: Order::MoreIsWeaker };

pub(crate) static SUPPLEMENTARY_GROUPS: Directive = Directive {
    fails: &[ends_at(ExecStep::Group, CREATE_GROUP)],
    name: "SupplementaryGroups",
    managers: Managers::System,
    kind: Kind::Words(&GROUPS),
    unset: NOTHING,
    key: Some("groups"),
    yields: &[also(Need::Devices, "{group}")],
    checks: &[check("SupplementaryGroups", 200, 1, Probe::Empty).applying(Applies::Unprivileged)],
    proof: Proof::By(&[sign(Trace::Groups)]),
    summary: "Further groups of the service.",
    breaks: "Access through a group that is left out.",
    ..ROW
};

pub(crate) static PAM_NAME: Directive = Directive {
    fails: &[ends_at(ExecStep::Pam, "correct its file below /etc/pam.d")],
    name: "PAMName",
    managers: Managers::System,
    kind: Kind::Text(TextGrammar::Free),
    unset: NOTHING,
    proof: Proof::Nothing("a session of PAM leaves what its modules leave"),
    summary: "Opens a PAM session around the service.",
    breaks: "Processes of the session that PAM itself starts are not confined.",
    ..ROW
};

pub(crate) static UMASK: Directive = Directive {
    name: "UMask",
    kind: Kind::Mode(Order::MoreIsStricter),
    unset: &[always("0022")],
    key: Some("umask"),
    hardened: &[from(Strictness::Default, &["0027"]), from(Strictness::Strict, &["0077"])],
    checks: &[check("UMask", 100, 10, Probe::MaskBits(&[(0o002, 10), (0o004, 5), (0o020, 2), (0o040, 1)]))],
    proof: Proof::By(&[sign(Trace::UMask)]),
    summary: "Takes permissions away from files that the service makes.",
    breaks: "Programs of other users that read those files.",
    ..ROW
};

static KEYRINGS: LevelRules = LevelRules {
    levels: &[
        Level { text: "inherit", also: &[], since: 0, rank: 0 },
        Level { text: "shared", also: &[], since: 0, rank: 1 },
        Level { text: "private", also: &[], since: 0, rank: 2 },
    ],
    empty: &[],
    suffix: &[],
    numbers: &[],
    order: Order::MoreIsStricter,
};

pub(crate) static KEYRING_MODE: Directive = Directive {
    fails: &[ends_at(ExecStep::Keyring, "let the container around it use keyrings, or take `inherit`")],
    name: "KeyringMode",
    since: 235,
    kind: Kind::Level(&KEYRINGS),
    unset: &[
        super::Unset { releases: EVERY, scope: Some(Scope::User), unit_type: None, text: "inherit" },
        super::Unset { releases: EVERY, scope: None, unit_type: Some(UnitType::Service), text: "private" },
        super::Unset { releases: EVERY, scope: None, unit_type: Some(UnitType::Other), text: "inherit" },
        always("shared"),
    ],
    hardened: &[from(Strictness::Default, &["private"])],
    checks: &[check("KeyringMode", 1000, 1, Probe::Words(&[("private", 0), ("inherit", 1), ("shared", 1)]))],
    proof: Proof::Nothing("no file tells which keyring a process has"),
    summary: "Gives the service a kernel keyring of its own.",
    breaks: "Keys that are handed over through the user's keyring.",
    ..ROW
};

pub(crate) static REMOVE_IPC: Directive = Directive {
    name: "RemoveIPC",
    managers: Managers::System,
    since: 232,
    hardened: &[from(Strictness::Default, &["yes"])],
    yields: &[
        at_most(Need::SharesIpc, "no"),
        at_most(Need::SharesIpcOutside, "no"),
        at_most(Need::StartsSessions, "no"),
    ],
    checks: &[check("RemoveIPC", 100, 1, Probe::On).applying(Applies::UnprivilegedSystem)],
    proof: Proof::Nothing("the manager acts when the service stops"),
    summary: "Removes System V and POSIX IPC objects of the service's user when it stops.",
    breaks: "Another service of the same user that uses them.",
    ..ROW
};

static CREDENTIALS: WordRules = WordRules { entry: Entry::Credential, order: Order::Unordered };
static SECRETS: WordRules = WordRules { entry: Entry::Secret(SecretForm::Escaped), order: Order::Unordered };
static SEALED: WordRules = WordRules { entry: Entry::Secret(SecretForm::Base64), order: Order::Unordered };
static IMPORTS: WordRules = WordRules { entry: Entry::Import, order: Order::Unordered };

/// What happens where a credential cannot be had.
const NO_SOURCE: &[Failing] =
    &[ends_at(ExecStep::Credentials, "create the source, or put it where the manager finds it")];

const fn credential(
    name: &'static str,
    since: u16,
    rules: &'static WordRules,
    shares: &'static Directive,
    implies: &'static [Implied],
    summary: &'static str,
) -> Directive {
    Directive {
        name,
        since,
        kind: Kind::Words(rules),
        unset: NOTHING,
        shares: Some(shares),
        implies,
        fails: NO_SOURCE,
        proof: Proof::Nothing("the service would not have started without it"),
        summary,
        breaks: "The start (243/CREDENTIALS), if the source is missing.",
        ..ROW
    }
}

/// A credential that the TPM sealed opens the TPM; which releases do so was measured for each spelling.
const fn opens_tpm(device: &'static str, releases: &'static [Range]) -> Implied {
    Implied {
        when: When::OnWithDeviceRules,
        on: &super::devices::DEVICE_ALLOW,
        operation: Operation::Assign(device),
        releases,
        stage: Stage::Load,
    }
}

pub(crate) static LOAD_CREDENTIAL: Directive = Directive {
    key: Some("credentials"),
    ..credential(
        "LoadCredential",
        247,
        &CREDENTIALS,
        &LOAD_CREDENTIAL_ENCRYPTED,
        &[],
        "Hands a file that only root can read to the service, in memory that only the service can read.",
    )
};
pub(crate) static LOAD_CREDENTIAL_ENCRYPTED: Directive = Directive {
    key: Some("credentials.encrypted"),
    ..credential(
        "LoadCredentialEncrypted",
        250,
        &CREDENTIALS,
        &LOAD_CREDENTIAL,
        &[
            opens_tpm("/dev/tpmrm0 rw", &[Range::branch(252, 6, u16::MAX), Range::majors(253, 257)]),
            opens_tpm("char-tpm rw", &[Range::majors(254, 257)]),
        ],
        "The same for a file that systemd-creds(1) encrypted.",
    )
};
pub(crate) static SET_CREDENTIAL: Directive = credential(
    "SetCredential",
    247,
    &SECRETS,
    &SET_CREDENTIAL_ENCRYPTED,
    &[],
    "Hands a literal value to the service; any local user can read it in the unit and on the bus.",
);
pub(crate) static SET_CREDENTIAL_ENCRYPTED: Directive = credential(
    "SetCredentialEncrypted",
    250,
    &SEALED,
    &SET_CREDENTIAL,
    &[
        opens_tpm(
            "/dev/tpmrm0 rw",
            &[Range::branch(252, 7, u16::MAX), Range::branch(253, 1, u16::MAX), Range::majors(254, 257)],
        ),
        opens_tpm("char-tpm rw", &[Range::majors(254, 257)]),
    ],
    "The same for a value that systemd-creds(1) encrypted.",
);

pub(crate) static IMPORT_CREDENTIAL: Directive = Directive {
    name: "ImportCredential",
    since: 254,
    kind: Kind::Words(&IMPORTS),
    bus: Bus::Newest(&["ImportCredentialEx", "ImportCredential"]),
    unset: NOTHING,
    proof: Proof::Nothing("a credential that is missing is skipped"),
    summary: "Hands over credentials that the machine itself was given.",
    breaks: "Nothing; a missing one is skipped.",
    ..ROW
};

static DELEGATION: SwitchRules =
    SwitchRules { order: Order::MoreIsWeaker, empty: &[(EVERY, Odd::On)], other: Odd::On };

pub(crate) static DELEGATE: Directive = Directive {
    name: "Delegate",
    opens: super::Opens::ControlGroup,
    sections: Sections::Service,
    since: 218,
    kind: Kind::Switch(&DELEGATION),
    checks: &[check("Delegate", 100, 1, Probe::Off)],
    proof: Proof::Nothing("it opens a control group to the service"),
    summary: "Leaves the service's control group to the service.",
    breaks: "Nothing; it opens.",
    ..ROW
};

static FILES: WordRules = WordRules { entry: Entry::File, order: Order::MoreIsWeaker };

pub(crate) static OPEN_FILE: Directive = Directive {
    fails: &[ends_at(ExecStep::Fds, "create the file, or mark it `graceful`")],
    name: "OpenFile",
    sections: Sections::Service,
    since: 253,
    kind: Kind::Words(&FILES),
    unset: NOTHING,
    proof: Proof::Nothing("a descriptor does not say who opened it"),
    summary: "Opens a file with the manager's rights and hands it to the service.",
    breaks: "The start, if the file is missing and not marked `graceful`.",
    ..ROW
};

/// A boolean whose `yes` gives other commands than ExecStart= more than the service has.
static START_ONLY: SwitchRules = SwitchRules { order: Order::MoreIsWeaker, empty: &[], other: Odd::Ignored };

const fn start_only(name: &'static str, summary: &'static str) -> Directive {
    Directive {
        name,
        sections: Sections::Service,
        kind: Kind::Switch(&START_ONLY),
        proof: Proof::Nothing("it concerns other commands than the one that runs"),
        summary,
        breaks: "Nothing; it opens.",
        ..ROW
    }
}

// Published to those who ask for it by name, and not among all properties.
pub(crate) static PERMISSIONS_START_ONLY: Directive =
    start_only("PermissionsStartOnly", "Runs every other command than ExecStart= as root.");
pub(crate) static ROOT_DIRECTORY_START_ONLY: Directive =
    start_only("RootDirectoryStartOnly", "Runs every other command than ExecStart= in the host's root.");
