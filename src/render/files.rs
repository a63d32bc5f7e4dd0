//! A rendered file and where it belongs.

/// A file in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// What it is.
    pub kind: Kind,
    /// Its name: the unit's, or the package's.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// What a rendered file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A unit of the system manager.
    Unit,
    /// A unit of users' managers.
    UserUnit,
    /// A drop-in of a unit of the system manager; the name is the unit's.
    DropIn,
    /// A drop-in of a unit of users' managers.
    UserDropIn,
    /// A sysusers.d snippet.
    Sysusers,
    /// A tmpfiles.d snippet.
    Tmpfiles,
    /// The manifest itself.
    Manifest,
    /// A drop-in of the manifest; the name is `PACKAGE.toml.d/FILE`.
    ManifestDropIn,
}

/// The name of the drop-ins.
pub const DROP_IN: &str = "50-harden.conf";

impl Kind {
    /// Where packages install files of its kind.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Unit | Self::DropIn => "/usr/lib/systemd/system",
            Self::UserUnit | Self::UserDropIn => "/usr/lib/systemd/user",
            Self::Sysusers => "/usr/lib/sysusers.d",
            Self::Tmpfiles => "/usr/lib/tmpfiles.d",
            Self::Manifest | Self::ManifestDropIn => "/usr/lib/systemd-harden",
        }
    }
}

impl File {
    /// Where packages install it.
    pub fn path(&self) -> String {
        format!("{}/{}", self.kind.folder(), self.name_in_folder())
    }

    /// Its path in the folder of its kind.
    pub fn name_in_folder(&self) -> String {
        let name = &self.name;
        match self.kind {
            Kind::Unit | Kind::UserUnit | Kind::ManifestDropIn => name.clone(),
            Kind::DropIn | Kind::UserDropIn => format!("{name}.d/{DROP_IN}"),
            Kind::Sysusers | Kind::Tmpfiles => format!("{name}.conf"),
            Kind::Manifest => format!("{name}.toml"),
        }
    }

    /// Its name in a folder that holds all of them.
    pub fn flat_name(&self) -> String {
        let name = &self.name;
        match self.kind {
            Kind::Sysusers => format!("{name}.sysusers"),
            Kind::Tmpfiles => format!("{name}.tmpfiles"),
            Kind::Unit
            | Kind::UserUnit
            | Kind::DropIn
            | Kind::UserDropIn
            | Kind::Manifest
            | Kind::ManifestDropIn => self.name_in_folder(),
        }
    }
}
