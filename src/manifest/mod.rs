//! The service manifest: what a package's author states about a service, read and checked.
//!
//! [`load`] makes a [`Manifest`] of the texts of a manifest and its drop-ins: merged, `like` resolved, defaults spread,
//! contradictions refused. Reading the texts from disk is the caller's; what follows from needs is the policy's.

mod activation;
mod check;
mod commands;
mod contents;
mod denies;
mod document;
mod entries;
mod guards;
mod keys;
mod literal;
mod load;
mod misread;
mod needs;
mod problem;
mod read;
mod resolve;
mod resources;
mod schema;
mod service;
#[cfg(test)]
mod tests;
mod things;
mod tree;
pub mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use activation::{Folder, Install, Socket, Timer};
pub use commands::{Command, Commands};
pub use contents::{Contents, FileFormat, KeyOf, KeyRule, Limit};
pub use denies::{Denial, Denies, NEED_NAMES, NeedName, SUBDIVIDED};
pub use document::{
    Accepted, Date, Enforce, Group, Members, Missing, Package, PathKind, PathRule, Place, Placed, Scope,
    Strictness, User,
};
pub use entries::NeedEntry;
pub use guards::{Encoding, Guard, Guarded, Sqlite};
pub use keys::UnitKind;
pub use literal::{Lines, Literals, Override, OverrideValue, SectionName};
pub use load::{LARGEST, Options, Source, Sources, load};
pub use needs::{
    Access, AnyOf, BecomesUsers, DeviceUse, FileAccess, ForeignAbi, Grant, Mailer, MakesSandboxes,
    MissingWrite, Namespace, Needs, NetworkAdmin, OthersFiles, Plain, Reach, SeesProcesses, SendsMail,
    SharesIpc, Stated, Writes,
};
pub use problem::{ManifestError, Problem};
pub use resources::{Directories, Directory, Resources};
pub use schema::schema;

/// The JSON Schema of a manifest as the project ships it, [`schema`], in one line.
pub const SCHEMA: &str = include_str!(concat!(env!("OUT_DIR"), "/schema.json"));
pub use service::{
    Credential, CredentialFallback, KillMode, Log, LogFile, MainPid, NotifyAccess, Output, Restart, Service,
    ServiceType, Stdin,
};
pub use things::{ClaimThing, KernelThing};
use words::{Documentation, FindingName, PackageName, RuleName, RulePath, ServiceName, UnitStem, UserName};

/// The edition of the vocabulary that this release reads; it pins what each strictness closes.
pub const EDITION: u16 = 1;

/// A validated manifest: drop-ins merged, `like` resolved, the file's defaults spread to each service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The path as given.
    pub path: Arc<str>,
    /// Names the files that are not units.
    pub package: PackageName,
    /// [`EDITION`].
    pub edition: u16,
    /// How much is closed of what nobody named.
    pub strictness: Strictness,
    /// Which manager runs the units.
    pub scope: Scope,
    /// Documentation of the package; already copied to each service that states none.
    pub documentation: Vec<Documentation>,
    /// Users that the package makes or relies on.
    pub users: BTreeMap<UserName, User>,
    /// Groups that the package makes or relies on, apart from those that come with a user.
    pub groups: BTreeMap<UserName, Group>,
    /// The services, at least one.
    pub services: BTreeMap<ServiceName, Service>,
    /// The socket units.
    pub sockets: BTreeMap<UnitStem, Socket>,
    /// The timer units.
    pub timers: BTreeMap<UnitStem, Timer>,
    /// What paths must be like.
    pub paths: BTreeMap<RulePath, PathRule>,
    /// State that must not be mixed.
    pub guards: BTreeMap<RuleName, Guard>,
    /// What files of settings say.
    pub contents: BTreeMap<RuleName, Contents>,
    /// Findings that the administrator lives with.
    pub accept: BTreeMap<FindingName, Accepted>,
    /// The drop-ins that were merged, in order.
    pub drop_ins: Vec<Arc<str>>,
    /// What deserves notice but is no error.
    pub notices: Vec<Problem>,
}

impl Manifest {
    /// The service behind a socket's proxy: the one that it names, or the only one that needs to listen on the address.
    pub fn behind(&self, socket: &Socket) -> Option<(&ServiceName, &Service)> {
        if let Some(starts) = &socket.starts {
            return self.services.get_key_value(starts);
        }
        let target = socket.proxy_to?.address();
        let listens = |service: &Service| {
            let mut endpoints = service.needs.listens.iter().filter(|(_, stated)| stated.is_on());
            endpoints.any(|(endpoint, _)| endpoint.accepts_tcp(target))
        };
        let mut services = self.services.iter().filter(|(_, service)| listens(service));
        services.next().filter(|_| services.next().is_none())
    }
}
