//! The distributions that units are written for, and those that are too old.

use crate::release::Release;

/// A release of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// Its name as a target.
    pub name: &'static str,
    /// Other names: code names, rebuilds.
    pub also: &'static [&'static str],
    /// Its systemd.
    pub release: Release,
    /// How sure that is.
    pub certainty: Certainty,
    /// Where it is from.
    pub source: &'static str,
    /// Whether its systemd has `+BPF_FRAMEWORK` among its features.
    pub bpf_framework: Known,
    /// What of later releases it reads besides.
    pub backports: &'static [Backport],
    /// What makes the accounts of an rpm package.
    pub accounts: Accounts,
}

/// What makes the accounts that a package of rpm brings in sysusers.d, before its files are unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accounts {
    /// A scriptlet: `%sysusers_create_package` of systemd's own macros, since 238.
    Scriptlet,
    /// rpm itself, from the file in the package (rpm 4.19; Fedora enabled it with 4.20.0-8 for release 42).
    Rpm,
    /// A scriptlet that SUSE's sysuser-tools make while the package is built.
    SysuserTools,
}

/// How sure a fact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// Read from its packages.
    Packaged,
    /// Told in a report of a bug or a script for the distribution.
    Reported,
    /// Concluded from the time of its release.
    Assumed,
}

/// What is known of a question with two answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It is so.
    Yes,
    /// It is not.
    No,
    /// Nobody looked.
    Unknown,
}

/// A value that systemd reads from a release on, and that units of a manifest may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// `StandardOutput=append:PATH` (NEWS of 240).
    AppendOutput,
    /// `Type=exec` (NEWS of 240).
    TypeExec,
    /// `ExecCondition=` (NEWS of 243).
    ExecCondition,
    /// `Restart=` beside `Type=oneshot` (NEWS of 244).
    OneshotRestart,
    /// `uid:groupname` in sysusers.d (sysusers.d(5), 245).
    NamedPrimaryGroup,
    /// `systemd-socket-proxyd --exit-idle-time=` (NEWS of 246).
    ProxyIdleTime,
    /// `LoadCredential=` (NEWS of 247).
    Credentials,
    /// `%d`, the directory of credentials: read by 252, and not sought in older ones.
    CredentialSpecifier,
    /// `:` before owner and mode in tmpfiles.d: read by 252, and not sought in older ones.
    CreateOnly,
}

impl Feature {
    /// The first release that reads it.
    pub const fn since(self) -> u16 {
        match self {
            Self::AppendOutput | Self::TypeExec => 240,
            Self::ExecCondition => 243,
            Self::OneshotRestart => 244,
            Self::NamedPrimaryGroup => 245,
            Self::ProxyIdleTime => 246,
            Self::Credentials => 247,
            Self::CredentialSpecifier | Self::CreateOnly => 252,
        }
    }
}

/// Something of a later release that a distribution brought to its own.
#[derive(Debug, PartialEq, Eq)]
pub struct Backport {
    /// What.
    pub feature: Feature,
    /// Where that is from.
    pub source: &'static str,
}

/// A name that is known and yet no target.
#[derive(Debug)]
pub struct Refused {
    /// The name.
    pub name: &'static str,
    /// Other names.
    pub also: &'static [&'static str],
    /// Why not.
    pub because: &'static str,
}

const fn minor(major: u16, minor: u16) -> Release {
    Release { major, minor }
}

/// A row with nothing but defaults, for the others to start from.
const ROW: Distribution = Distribution {
    name: "",
    also: &[],
    release: Release::latest(0),
    certainty: Certainty::Packaged,
    source: "",
    bpf_framework: Known::Unknown,
    backports: &[],
    accounts: Accounts::Scriptlet,
};

const fn row(
    name: &'static str,
    also: &'static [&'static str],
    release: Release,
    certainty: Certainty,
    source: &'static str,
) -> Distribution {
    Distribution { name, also, release, certainty, source, ..ROW }
}

const fn accounts_by(accounts: Accounts, row: Distribution) -> Distribution {
    Distribution { accounts, ..row }
}

/// Every distribution that is known, oldest release first within each.
pub static DISTRIBUTIONS: &[Distribution] = {
    use Certainty::{Assumed, Packaged, Reported};
    &[
        row("debian-11", &["bullseye"], minor(247, 3), Packaged, "systemd 247.3-7+deb11u5 in its archive"),
        Distribution {
            bpf_framework: Known::No,
            ..row(
                "debian-12",
                &["bookworm"],
                minor(252, 39),
                Packaged,
                "systemd 252.39-1~deb12u2 in its archive",
            )
        },
        row(
            "debian-12-backports",
            &["bookworm-backports"],
            minor(254, 26),
            Packaged,
            "systemd 254.26 in bookworm-backports",
        ),
        row("debian-13", &["trixie"], minor(257, 13), Packaged, "systemd 257.13-1~deb13u1 in its archive"),
        Distribution {
            bpf_framework: Known::Yes,
            ..row(
                "debian-forky",
                &["forky", "debian-14"],
                minor(262, 0),
                Packaged,
                "systemd 262-1 in its archive",
            )
        },
        Distribution {
            bpf_framework: Known::Yes,
            ..row("debian-sid", &["sid"], minor(262, 1), Packaged, "systemd 262.1-1 in its archive")
        },
        row("ubuntu-20.04", &["focal"], Release::latest(245), Reported, "NLnetLabs/routinator#1056"),
        row("ubuntu-22.04", &["jammy"], Release::latest(249), Reported, "a bug report about its systemd 249"),
        row("ubuntu-24.04", &["noble"], minor(255, 4), Reported, "systemd/systemd#36590"),
        row("ubuntu-25.10", &["questing"], Release::latest(257), Assumed, "the time of its release"),
        row(
            "ubuntu-26.04",
            &["resolute"],
            minor(259, 5),
            Reported,
            "systemd 259.5-0ubuntu3 on packages.ubuntu.com",
        ),
        Distribution {
            backports: &[Backport {
                feature: Feature::AppendOutput,
                source: "redhat-plumbers/systemd-rhel8#308, merged in August 2022",
            }],
            ..row(
                "rhel-8",
                &["alma-8", "rocky-8", "centos-stream-8"],
                Release::latest(239),
                Reported,
                "389ds/389-ds-base#5019; many patches on top",
            )
        },
        row(
            "rhel-9.0",
            &["rhel-9.1", "alma-9.0", "alma-9.1", "rocky-9.0", "rocky-9.1"],
            Release::latest(250),
            Reported,
            "systemd 250-6.el9_0.2 and 250-12.el9_1",
        ),
        row(
            "rhel-9",
            &["alma-9", "rocky-9", "centos-stream-9"],
            Release::latest(252),
            Reported,
            "systemd 252 from 252-13.el9_2 on; 9.0 and 9.1 have 250",
        ),
        row(
            "rhel-10",
            &["alma-10", "rocky-10", "centos-stream-10"],
            Release::latest(257),
            Assumed,
            "the time of its release",
        ),
        row("fedora-40", &[], Release::latest(255), Assumed, "the time of its release"),
        row("fedora-41", &[], Release::latest(256), Assumed, "the time of its release"),
        accounts_by(
            Accounts::Rpm,
            row("fedora-42", &[], minor(257, 9), Packaged, "the name of its source package"),
        ),
        accounts_by(
            Accounts::Rpm,
            row("fedora-43", &[], Release::latest(258), Assumed, "the time of its release"),
        ),
        accounts_by(Accounts::Rpm, row("fedora-44", &[], minor(259, 8), Reported, "systemd/systemd#43314")),
        accounts_by(
            Accounts::SysuserTools,
            row(
                "opensuse-leap-15.3",
                &["sles-15.3"],
                Release::latest(246),
                Reported,
                "a compatibility check of a vendor of software for it",
            ),
        ),
        accounts_by(
            Accounts::SysuserTools,
            row(
                "opensuse-leap-15.4",
                &["sles-15.4", "opensuse-leap-15.5", "sles-15.5"],
                Release::latest(249),
                Reported,
                "a compatibility check of a vendor of software for it",
            ),
        ),
        accounts_by(
            Accounts::SysuserTools,
            row(
                "opensuse-leap-15.6",
                &["sles-15.6"],
                Release::latest(254),
                Reported,
                "a compatibility check of a vendor of software for it",
            ),
        ),
        accounts_by(
            Accounts::SysuserTools,
            row("sles-15.7", &[], Release::latest(254), Assumed, "that of sles-15.6"),
        ),
        accounts_by(
            Accounts::SysuserTools,
            row("opensuse-leap-16", &["sles-16"], Release::latest(257), Assumed, "the time of its release"),
        ),
        row("arch", &[], minor(261, 2), Reported, "containers/bubblewrap#774, August 2026; it rolls"),
        row("amazon-linux-2023", &[], Release::latest(252), Assumed, "the time of its release"),
        row("azure-linux-4", &[], minor(257, 5), Reported, "the name of a package in a test"),
        row(
            "alibaba-cloud-linux-4",
            &[],
            Release::latest(255),
            Reported,
            "a bug report about its systemd 255",
        ),
    ]
};

/// Names that are no targets.
pub static REFUSED: &[Refused] = &[
    Refused {
        name: "rhel-7",
        also: &["centos-7"],
        because: "it has systemd 219, and units are written for 239 on",
    },
    Refused {
        name: "sles-12",
        also: &["sles-12.5"],
        because: "it has systemd 228, and units are written for 239 on",
    },
    Refused {
        name: "amazon-linux-2",
        also: &[],
        because: "it has systemd 219, and units are written for 239 on",
    },
    Refused {
        name: "opensuse-tumbleweed",
        also: &["tumbleweed"],
        because: "it rolls, and which systemd it has is not known; name the release, such as `systemd-262`",
    },
];
