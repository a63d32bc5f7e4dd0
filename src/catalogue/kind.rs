//! How a directive's value is written, read, published and ordered: closed families, each with the quirks of its
//! members as fields. The operations themselves stand in `value`.

use std::borrow::Cow;

use crate::release::{Release, Releases};
use crate::unit_file::{SpecifierError, UnitName, expand};

/// The family of a directive's value.
#[derive(Clone, Copy)]
pub enum Kind {
    /// A boolean.
    Switch(&'static SwitchRules),
    /// One of a list of words.
    Level(&'static LevelRules),
    /// A set of named bits.
    Mask(MaskGrammar),
    /// A list of names that either allows or denies.
    Names(NameGrammar),
    /// A list of system calls and sets of them that either allows or denies.
    Calls,
    /// A list that grows with each assignment.
    Words(&'static WordRules),
    /// A list of IP networks.
    Networks(Order),
    /// File mode bits, octal.
    Mode(Order),
    /// A number with a unit, or infinity.
    Amount(&'static AmountRules),
    /// A text as it stands.
    Text(TextGrammar),
}

/// What makes a list or a number stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// More members, bits or units allow more.
    MoreIsWeaker,
    /// More members, bits or units deny more.
    MoreIsStricter,
    /// Only equal or different.
    Unordered,
}

/// What systemd makes of an assignment that is not a word of the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Odd {
    /// A warning; the earlier value stays.
    Ignored,
    /// It counts as `yes` (Delegate=).
    On,
    /// The whole unit is refused (DynamicUser=).
    Refused,
    /// Back to what it was before any assignment.
    Resets,
}

/// The quirks of a boolean.
pub struct SwitchRules {
    /// Which of its two values is the stricter one.
    pub order: Order,
    /// What an empty assignment does, by release; [`Odd::Ignored`] where none matches.
    pub empty: &'static [(Releases, Odd)],
    /// What any other text does.
    pub other: Odd,
}

/// One word of a list of words.
pub struct Level {
    /// The word as the manager publishes it.
    pub text: &'static str,
    /// Other words for it, with the first release that reads them.
    pub also: &'static [(&'static str, u16)],
    /// The first release that reads it.
    pub since: u16,
    /// Its place between weakest (0) and strictest; two levels of one rank cannot be compared.
    pub rank: u8,
}

impl Level {
    /// The first release that reads `word` for this level, if any does.
    pub fn reads(&self, word: &str) -> Option<u16> {
        let also = || self.also.iter().find(|(other, _)| *other == word).map(|(_, since)| *since);
        if self.text == word { Some(self.since) } else { also() }
    }
}

/// The words of a directive, weakest first.
pub struct LevelRules {
    /// The words. Where `yes` and `no` are among them, every boolean word is read.
    pub levels: &'static [Level],
    /// What an empty assignment does, by release; ignored where none matches.
    pub empty: &'static [(Releases, Odd)],
    /// Releases that read `WORD:REST` after any word but `no` (ProtectHostname= from 258).
    pub suffix: Releases,
    /// The numbers that the manager publishes in place of the words; no word is that nothing set it.
    pub numbers: &'static [(i64, &'static str)],
    /// Whether ranks mean strictness.
    pub order: Order,
}

/// Sets of named bits; each has its own rules for repeated assignments (systemd 262, `config_parse_capability_set`,
/// `config_parse_namespace_flags`, `config_parse_exec_secure_bits` and `config_parse_exec_coredump_filter`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskGrammar {
    /// CapabilityBoundingSet=: starts full.
    Bounding,
    /// AmbientCapabilities=: starts empty.
    Ambient,
    /// RestrictNamespaces=: the namespaces that stay allowed.
    Namespaces,
    /// DelegateNamespaces=: the namespaces that the service owns; its boolean words mean the opposite.
    Delegated,
    /// SecureBits=: more bits are stricter.
    SecureBits,
    /// CoredumpFilter=: starts empty; unset is what the manager itself has.
    CoreDump,
}

/// Lists of names that either allow or deny.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameGrammar {
    /// Address families.
    Families,
    /// Types of file systems.
    FileSystems,
    /// Network interfaces.
    Interfaces,
    /// System calls and sets of them that are only logged (SystemCallLog=): unlike SystemCallFilter=, a list that
    /// allows starts empty.
    Calls,
}

/// How a secret stands in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretForm {
    /// As text with the escapes of C.
    Escaped,
    /// Encrypted, in Base64 (RFC 4648, section 4; from 255 on section 5 as well, systemd/systemd#29848).
    Base64,
}

/// What one entry of a list looks like. Entries are kept as the manager would publish them, so that a unit's line and
/// a published value can be told from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Any word.
    Word,
    /// The name of a variable of the environment.
    Variable,
    /// The same, or one with a value.
    VariableOrValue,
    /// The whole value is one entry.
    Line,
    /// Words between commas.
    Listed,
    /// A controller of control groups.
    Controller,
    /// A unit by its full name.
    Unit,
    /// `TYPE:PATH` of a pinned BPF program.
    Program,
    /// A user or group name or number; a bad one refuses the unit.
    Group,
    /// An absolute path with optional `-` and `+`.
    Path,
    /// One absolute path in a value (IPIngressFilterPath=).
    WholePath,
    /// Absolute paths between colons, of which the first that has what is looked for counts; a bad one ends the line.
    Searched,
    /// `NAME[:LINK[:FLAGS]]` below a root of the manager (StateDirectory=).
    Below,
    /// The same, where the manager does not publish links and flags (ConfigurationDirectory=): the name alone.
    BelowByName,
    /// `/dev/…`, `char-…` or `block-…`, and what may be done with it.
    Device,
    /// `PATH NUMBER`, the number in this unit.
    PerDevice(Unit),
    /// `NAME[:SOURCE]`; a later entry of the same name replaces.
    Credential,
    /// `NAME:VALUE` of which the name alone is kept: what is secret belongs into no report.
    Secret(SecretForm),
    /// `PATTERN[:NAME]` (ImportCredential=).
    Import,
    /// An architecture's word.
    Architecture,
    /// `SOURCE[:DESTINATION[:OPTIONS]]`.
    Bind,
    /// `PATH[:OPTIONS]` (TemporaryFileSystem=).
    Temporary,
    /// `SOURCE:DESTINATION[:PARTITION:OPTIONS]…`; the one partition need not be named.
    MountImage,
    /// `SOURCE[:PARTITION:OPTIONS]…`; the one partition need not be named.
    ExtensionImage,
    /// `[PARTITION:]OPTIONS` (RootImageOptions=).
    ImageOptions,
    /// `PATH[:NAME[:OPTIONS]]` (OpenFile=).
    File,
    /// `[ipv4:|ipv6:][tcp:|udp:]PORTS` (SocketBindAllow=).
    BindRule,
    /// `cgroup|user|group:FAMILY:TABLE:SET` (NFTSet=).
    PacketFilterSet,
    /// Numbers and ranges of them; none at all stands for every number.
    Numbers,
    /// The same, or `numa` (CPUAffinity=).
    Processors,
}

/// A list that grows with each assignment and that an empty one clears.
pub struct WordRules {
    /// What an entry looks like.
    pub entry: Entry,
    /// What more entries mean.
    pub order: Order,
}

/// The unit of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes: K, M, G, T, P and E of 1024, percent of what the host has.
    Bytes,
    /// The same, and not none at all: that is ignored (`config_parse_memory_limit()`, seen on 252).
    Memory,
    /// Bytes or operations a second, with units of 1000.
    Rate,
    /// Bytes, percent of the file system, or `off` for infinity.
    Disk,
    /// A plain number, in C's ways to write one, or with 0b or 0o before it.
    Count,
    /// The same, up to this one.
    UpTo(u64),
    /// A plain number, percent of what the host bears.
    Tasks,
    /// 1 to 10000.
    Weight,
    /// The same, or `idle`, which is 0.
    ProcessorWeight,
    /// A nice level as setrlimit(2) counts it, 0 to 40; with a sign as nice(2) does.
    NiceLimit,
    /// Time; the number is microseconds, a bare one in a unit is seconds.
    Span,
    /// Time; the number is microseconds, and a bare one in a unit too.
    Microseconds,
    /// Time; the number is nanoseconds, and a bare one in a unit too. Infinity is as good as nothing: the manager's own is
    /// published and set (systemd 257, `property_get_timer_slack_nsec`).
    Nanoseconds,
    /// Time; the number is seconds, and a part of one counts whole.
    Seconds,
    /// Percent, published as a part of 2^32.
    Pressure,
    /// A share of one processor: `50%` is 500000 microseconds a second.
    Quota,
}

/// A number, or infinity ([`u64::MAX`]).
pub struct AmountRules {
    /// Its unit.
    pub unit: Unit,
    /// Whether it may be written `SOFT:HARD`.
    pub pair: bool,
    /// Whether an empty assignment takes earlier ones back; else systemd ignores it (252, 257 and 262).
    pub resets: bool,
    /// What a greater number means.
    pub order: Order,
}

/// Texts that systemd looks into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextGrammar {
    /// Anything.
    Free,
    /// A user or group name; a bad one refuses the unit. Set to another name than root it is stricter than unset.
    Identity,
    /// A group name; a bad one refuses the unit.
    Group,
    /// An absolute path of a root or to a part of it; a bad one refuses the unit. Set is stricter than unset.
    Root,
    /// Any path or word; unset is neither weaker nor stricter.
    Path,
    /// The label of a security module, with `-` before it if it may be missing.
    Label,
    /// The same; set is stricter than unset.
    Profile,
    /// Anything that narrows what the service can do: set is stricter than unset.
    Narrowing,
    /// Hexadecimal digits or an absolute path; set is stricter than unset.
    Hash,
    /// `base64:…` or an absolute path; set is stricter than unset.
    Signature,
    /// `PARTITION=FLAG+FLAG:…` (systemd.image-policy(7)); a bad one refuses the unit.
    ImagePolicy,
    /// The name or number of an error; `kill` is nothing.
    Errno,
    /// A number of either sign from the first to the second; unset is the manager's own.
    Integer(i64, i64),
    /// A directory, with `-` before it if it may be missing; unset is the manager's own.
    Directory,
    /// Where a stream leads; unset is the manager's own.
    Stream,
    /// Where a stream comes from; unset is the manager's own.
    Source,
    /// The name of a journal.
    Journal,
    /// An architecture that the processor runs.
    Personality,
    /// A well-known name of a bus.
    BusName,
    /// A slice; unset is the manager's own choice.
    Slice,
}

/// Where a manager publishes a directive.
#[derive(Clone, Copy, Debug)]
pub enum Bus {
    /// In the property of the same name.
    Same,
    /// In the first of these that the release has, newest first.
    Newest(&'static [&'static str]),
    /// In the property of that name once the unit was started; until then it is infinity, whatever the unit says.
    OnceStarted(&'static str),
    /// In all of these together: the hard limit and the soft one, names and what belongs to them. Old releases may
    /// lack those behind the first.
    Together(&'static [&'static str]),
    /// Nowhere in the form in which it is written.
    Nowhere,
}

/// Reads the answer of the release out of a list of (releases, answer).
pub fn by_release<T: Copy>(answers: &[(Releases, T)], release: Release) -> Option<T> {
    answers.iter().find(|(releases, _)| crate::release::covers(releases, release)).map(|(_, answer)| *answer)
}

impl Kind {
    /// Whether a value is the one name of a user or a group.
    pub(crate) fn names_an_identity(&self) -> bool {
        matches!(self, Self::Text(TextGrammar::Identity | TextGrammar::Group))
    }

    /// Whether its entries are credentials that the unit is handed.
    pub(crate) fn hands_credentials(&self) -> bool {
        let is_credential = |entry| matches!(entry, Entry::Credential | Entry::Secret(_) | Entry::Import);
        matches!(self, Self::Words(rules) if is_credential(rules.entry))
    }

    /// A value with the specifiers expanded that systemd expands in it, for a unit of that name.
    pub(crate) fn expand<'v>(&self, value: &'v str, name: &UnitName) -> Result<Cow<'v, str>, SpecifierError> {
        if !self.expands() {
            return Ok(Cow::Borrowed(value));
        }
        let (expanding, rest) = self.expanding(value);
        Ok(match expand(expanding, name)?.text {
            Cow::Borrowed(_) => Cow::Borrowed(value),
            Cow::Owned(expanded) => Cow::Owned(expanded + rest),
        })
    }

    /// The part of a value in which specifiers are expanded, and what follows it as it stands: of a device the access.
    fn expanding<'v>(&self, value: &'v str) -> (&'v str, &'v str) {
        let is_device = matches!(self, Self::Words(rules) if rules.entry == Entry::Device);
        let end = value.find([' ', '\t']).filter(|_| is_device && !value.starts_with(['"', '\'']));
        value.split_at(end.unwrap_or(value.len()))
    }

    /// Whether systemd expands specifiers in its values (systemd 262, load-fragment.c).
    pub fn expands(&self) -> bool {
        match self {
            Self::Text(grammar) => *grammar != TextGrammar::ImagePolicy,
            Self::Words(rules) => !matches!(rules.entry, Entry::Architecture | Entry::Controller),
            Self::Switch(_)
            | Self::Level(_)
            | Self::Mask(_)
            | Self::Names(_)
            | Self::Calls
            | Self::Networks(_)
            | Self::Mode(_)
            | Self::Amount(_) => false,
        }
    }
}
