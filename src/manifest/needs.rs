//! Needs: what a service does, each with its reason.
//!
//! What a need opens is the policy's to say; here stands only what was stated, and where.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use super::document::Place;
use super::things::{ClaimThing, KernelThing};
use super::words::{
    Architecture, Because, CallName, CapabilityName, DeviceAccess, DeviceName, Endpoint, PathGlob, Program,
    RulePath, ServiceName, UserName,
};

/// What a service needs. A set need has a reason for each thing; every other is stated once or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Needs {
    /// It starts as root and is not given a user.
    pub starts_as_root: Option<Stated<Plain>>,
    /// It changes to other users.
    pub becomes_users: Option<Stated<BecomesUsers>>,
    /// It asks who is at the other end of a local socket.
    pub identifies_peers: Option<Stated<Plain>>,
    /// It reads, writes or owns files of other users.
    pub others_files: Option<Stated<OthersFiles>>,
    /// It authenticates through PAM.
    pub uses_pam: Option<Stated<Plain>>,
    /// It sends mail.
    pub sends_mail: Option<Stated<SendsMail>>,
    /// Set-user-ID programs that it runs.
    pub runs_setuid: BTreeMap<Program, Stated<Plain>>,
    /// Known programs that it runs; a directory stands for all of its programs.
    pub runs_programs: BTreeMap<RulePath, Stated<Plain>>,
    /// It runs programs that nobody can list: hooks, scripts, commands of its users.
    pub runs_hooks: Option<Stated<Plain>>,
    /// It starts sessions, which inherit every restriction.
    pub starts_sessions: Option<Stated<Plain>>,
    /// It makes memory executable that it has written: a JIT compiler.
    pub generates_code: Option<Stated<Plain>>,
    /// Code that it loads while running.
    pub loads_plugins: BTreeMap<PathGlob, Stated<Plain>>,
    /// It unpacks archives, keeping set-user-ID bits, or opens files with openat2(2).
    pub unpacks_archives: Option<Stated<Plain>>,
    /// It runs code of another architecture or personality.
    pub foreign_abi: Option<Stated<ForeignAbi>>,
    /// It makes namespaces.
    pub makes_sandboxes: Option<Stated<MakesSandboxes>>,
    /// Directories that it makes its root.
    pub chroots: BTreeMap<RulePath, Stated<Plain>>,
    /// Paths that it writes, apart from its own directories; a directory stands for all below it.
    pub writes: BTreeMap<RulePath, Stated<Writes>>,
    /// It uses files below the home directories.
    pub homes: Option<Stated<Reach>>,
    /// It uses paths that the administrator chooses.
    pub admin_paths: Option<Stated<Reach>>,
    /// It exchanges files with others through /tmp or /var/tmp.
    pub shares_tmp: Option<Stated<Plain>>,
    /// It measures the machine's file systems.
    pub measures_filesystems: Option<Stated<Plain>>,
    /// It makes mounts that others see.
    pub makes_mounts: Option<Stated<Plain>>,
    /// It looks at processes of other users.
    pub sees_processes: Option<Stated<SeesProcesses>>,
    /// It reads figures about the machine from /proc.
    pub host_statistics: Option<Stated<Plain>>,
    /// Devices that it uses.
    pub devices: BTreeMap<DeviceName, Stated<DeviceUse>>,
    /// Parts of the kernel that it changes or reads.
    pub kernel: BTreeMap<KernelThing, Stated<Plain>>,
    /// Scarce things that it claims.
    pub claims: BTreeMap<ClaimThing, Stated<Plain>>,
    /// It shares System V or POSIX objects with other services.
    pub shares_ipc: Option<Stated<SharesIpc>>,
    /// Where it listens itself.
    pub listens: BTreeMap<Endpoint, Stated<Plain>>,
    /// Where it connects to.
    pub connects: BTreeMap<Endpoint, Stated<Plain>>,
    /// It asks for the machine's network interfaces and addresses.
    pub interfaces: Option<Stated<Plain>>,
    /// It changes the machine's network.
    pub network_admin: Option<Stated<NetworkAdmin>>,
    /// Capabilities, literally.
    pub capabilities: BTreeMap<CapabilityName, Stated<Plain>>,
    /// System calls, literally.
    pub system_calls: BTreeMap<CallName, Stated<Plain>>,
}

/// What was stated with a reason: `"reason"`, or a table of `because`, `default` and the parameters.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stated<P> {
    /// Why.
    pub because: Because,
    /// Whether it is granted as shipped.
    #[serde(default)]
    pub default: Grant,
    /// What else was said about it.
    #[serde(rename = "$rest")]
    pub params: P,
    /// Where it stands: its key.
    #[serde(rename = "$place")]
    pub place: Place,
}

impl<P> Stated<P> {
    /// Whether it is granted as shipped.
    pub fn is_on(&self) -> bool {
        self.default == Grant::On
    }
}

impl<P: JsonSchema> JsonSchema for Stated<P> {
    fn schema_name() -> Cow<'static, str> {
        format!("Stated{}", P::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let because = generator.subschema_for::<Because>();
        let grant = generator.subschema_for::<Grant>();
        let mut table = P::json_schema(generator);
        let properties = table.ensure_object().entry("properties").or_insert_with(|| serde_json::json!({}));
        if let Some(properties) = properties.as_object_mut() {
            properties.insert("because".to_owned(), because.clone().to_value());
            properties.insert("default".to_owned(), grant.to_value());
        }
        table.insert("required".to_owned(), serde_json::json!(["because"]));
        json_schema!({ "anyOf": [because, table] })
    }
}

/// Whether a need is granted as shipped; an administrator's drop-in turns it on or off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Grant {
    /// Granted.
    #[default]
    On,
    /// Known, but not granted until somebody turns it on.
    Off,
}

/// No parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plain {}

/// Anything of its kind, or only what is listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AnyOf<T> {
    /// `"any"`, also where nothing is said.
    #[default]
    Any,
    /// A list, which may be empty: then it is none.
    Listed(Vec<T>),
}

/// Parameters of `becomes-users`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct BecomesUsers {
    /// Which users.
    pub users: AnyOf<UserName>,
    /// It also sends signals to their processes.
    pub signals: bool,
}

/// Parameters of `others-files`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct OthersFiles {
    /// How far it goes.
    pub access: FileAccess,
}

/// What is done with files of other users; each includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileAccess {
    /// Reads them.
    #[default]
    Read,
    /// Writes them.
    Write,
    /// Changes their owner and mode.
    Own,
}

/// Parameters of `homes` and `admin-paths`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Reach {
    /// How far it goes.
    pub access: Access,
}

/// Reading, or writing too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Reads.
    #[default]
    Read,
    /// Reads and writes.
    Write,
}

/// Parameters of `sends-mail`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct SendsMail {
    /// By which way.
    pub by: Mailer,
}

/// How a service hands over mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mailer {
    /// Whatever `sendmail` the machine has.
    #[default]
    Any,
    /// A `sendmail` that is set-group-ID (postfix).
    Setgid,
    /// A `sendmail` that is set-user-ID root (exim).
    Setuid,
    /// SMTP to localhost, port 25.
    Smtp,
}

/// Parameters of `foreign-abi`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ForeignAbi {
    /// Which architectures beside the native one.
    pub architectures: AnyOf<Architecture>,
}

/// Parameters of `makes-sandboxes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct MakesSandboxes {
    /// Which namespaces.
    pub kinds: AnyOf<Namespace>,
    /// It makes them with `CAP_SYS_ADMIN`, not in a user namespace of its own.
    pub privileged: bool,
}

/// A kind of namespace, as `RestrictNamespaces=` spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Namespace {
    /// Control groups.
    Cgroup,
    /// System V and POSIX objects.
    Ipc,
    /// Mounts.
    Mnt,
    /// Network.
    Net,
    /// Processes.
    Pid,
    /// Clocks.
    Time,
    /// Users.
    User,
    /// Host name.
    Uts,
}

impl Namespace {
    /// The name in `RestrictNamespaces=`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cgroup => "cgroup",
            Self::Ipc => "ipc",
            Self::Mnt => "mnt",
            Self::Net => "net",
            Self::Pid => "pid",
            Self::Time => "time",
            Self::User => "user",
            Self::Uts => "uts",
        }
    }
}

/// Parameters of `writes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Writes {
    /// What if the path does not exist when the service starts.
    pub missing: MissingWrite,
    /// The service writes a new file beside it and renames that over it: the directory must be writable.
    pub replaced_by_rename: bool,
    /// Paths below that stay read-only.
    pub except: Vec<RulePath>,
    /// Programs below it may be run.
    pub execute: bool,
}

/// What if a path that is written does not exist when the service starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MissingWrite {
    /// The service must not start.
    #[default]
    Error,
    /// The grant is left out.
    Ignore,
    /// The service creates it, so the directory around it must be writable.
    ServiceCreates,
}

/// Parameters of `sees-processes`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct SeesProcesses {
    /// It looks into them too: memory, open files, environment.
    pub inspect: bool,
}

/// Parameters of `devices`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct DeviceUse {
    /// What is done with it.
    pub access: DeviceAccess,
    /// The group that may use it, added to the service's groups.
    pub group: Option<UserName>,
}

/// Parameters of `shares-ipc`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct SharesIpc {
    /// Services of this manifest; empty: with somebody outside of it.
    pub with: Vec<ServiceName>,
}

/// Parameters of `network-admin`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct NetworkAdmin {
    /// It uses raw sockets too.
    pub raw: bool,
}

struct AnyOfVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for AnyOfVisitor<T> {
    type Value = AnyOf<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"any\" or an array")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<AnyOf<T>, E> {
        match text {
            "any" => Ok(AnyOf::Any),
            _ => Err(E::unknown_variant(text, &["any"])),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<AnyOf<T>, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(seq)).map(AnyOf::Listed)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for AnyOf<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyOfVisitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for AnyOf<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("AnyOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let listed = generator.subschema_for::<Vec<T>>();
        json_schema!({ "anyOf": [{ "const": "any" }, listed] })
    }
}
