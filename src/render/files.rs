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

impl File {
    /// Where packages install it.
    pub fn path(&self) -> String {
        let name = &self.name;
        match self.kind {
            Kind::Unit => format!("/usr/lib/systemd/system/{name}"),
            Kind::UserUnit => format!("/usr/lib/systemd/user/{name}"),
            Kind::DropIn => format!("/usr/lib/systemd/system/{name}.d/{DROP_IN}"),
            Kind::UserDropIn => format!("/usr/lib/systemd/user/{name}.d/{DROP_IN}"),
            Kind::Sysusers => format!("/usr/lib/sysusers.d/{name}.conf"),
            Kind::Tmpfiles => format!("/usr/lib/tmpfiles.d/{name}.conf"),
            Kind::Manifest => format!("/usr/lib/systemd-harden/{name}.toml"),
            Kind::ManifestDropIn => format!("/usr/lib/systemd-harden/{name}"),
        }
    }

    /// Its name in a folder that holds all of them.
    pub fn flat_name(&self) -> String {
        let name = &self.name;
        match self.kind {
            Kind::Unit | Kind::UserUnit | Kind::ManifestDropIn => name.clone(),
            Kind::DropIn | Kind::UserDropIn => format!("{name}.d/{DROP_IN}"),
            Kind::Sysusers => format!("{name}.sysusers"),
            Kind::Tmpfiles => format!("{name}.tmpfiles"),
            Kind::Manifest => format!("{name}.toml"),
        }
    }
}
