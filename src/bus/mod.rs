//! A running systemd manager, asked over D-Bus.
//!
//! Answers which services a manager knows and what the properties of a unit are, many units at a
//! time, from a manager that may be slow and a bus that may lie: every call has a time-out, every
//! reply a bound, and what goes wrong with one unit stays with it. What a property means for a
//! directive is the catalogue's; that the properties are the loaded configuration and not the
//! running process is for the readers of kernel evidence.
//!
//! Properties are read, which the bus policy of systemd allows to everybody (org.freedesktop.systemd1(5)); nothing here
//! asks for privileges, and only `jobs` changes units.

mod address;
mod convert;
mod direct;
mod failure;
mod jobs;
mod listing;
mod properties;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use futures_util::{Stream, StreamExt, stream};
use zbus::export::serde::Serialize;
use zbus::{Connection, DynamicType, Message};
use zruntime::SharedRuntime;

pub use self::address::Address;
pub use self::failure::BusFailure;
pub use self::jobs::JobResult;
pub use self::listing::{InstalledFile, ListedService};
pub use self::properties::{LoadState, NamesMet, Properties};

/// The bus name of the manager.
const MANAGER: &str = "org.freedesktop.systemd1";
/// The object and the interface of the manager itself.
const MANAGER_PATH: &str = "/org/freedesktop/systemd1";
const MANAGER_INTERFACE: &str = "org.freedesktop.systemd1.Manager";
/// The interfaces of every unit and of socket units.
const UNIT_INTERFACE: &str = "org.freedesktop.systemd1.Unit";
const SOCKET_INTERFACE: &str = "org.freedesktop.systemd1.Socket";
/// The calls that may wait for their reply at once. The manager is single-threaded: 8 keep it as
/// busy as 64 do, and the fewer wait, the less of a call's time-out is spent behind other calls.
pub const IN_FLIGHT: usize = 16;
/// The largest reply about one object that is read, in bytes. A service takes about 20 kB;
/// credentials set in the unit may add up to 1 MiB.
const MAX_PROPERTIES_BYTES: usize = 2 << 20;
/// The largest list of units that is read, in bytes; a unit takes about 250.
const MAX_LIST_BYTES: usize = 32 << 20;
/// The services of a manager that are believed. systemd's own limit of units is 131072 (MANAGER_MAX_NAMES), of which few
/// are services.
const MAX_SERVICES: usize = 1 << 16;
/// The socket units of one unit that are asked for.
const MAX_SOCKETS: usize = 256;
/// All questions of one kind may take as many time-outs together; a manager that is only slow answers hundreds in one.
const MAX_TIME_OUTS: u32 = 12;
/// How long a manager that went away is left alone before it is looked for once more.
const AWAY: Duration = Duration::from_millis(100);

/// Which properties of a unit are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interfaces {
    /// Those of every interface of the unit, merged by the manager: one call where naming the
    /// interfaces takes two, and the type of the unit need not be known. No two interfaces of a
    /// unit share a property name.
    All,
    /// Those that every unit has: names, load state, files. A quarter of the properties.
    Unit,
}

/// What the manager says of a unit, not taken apart yet: that is as much work as asking, and another thread may do it.
#[derive(Clone, Debug)]
pub struct Answer(Message);

impl Answer {
    /// All properties of the unit, or why not. Those who take many answers apart keep the names that they `met`.
    pub fn properties(&self, met: &NamesMet) -> Result<Properties, BusFailure> {
        Properties::read(&self.0, met)
    }
}

/// What is asked of the socket units that belong to a unit.
#[derive(Clone, Copy, Debug)]
pub struct OfSockets<'q> {
    /// Properties that every unit has.
    pub unit: &'q [&'static str],
    /// Properties that socket units alone have.
    pub socket: &'q [&'static str],
}

/// What the manager says of the socket units that belong to a unit, by their names: all that was asked, or why not.
pub type Sockets = BTreeMap<String, Result<Properties, BusFailure>>;

/// A connection to the manager of a system or of a user.
#[derive(Debug)]
pub struct Manager {
    connection: Mutex<Connection>,
    /// Where it is found again; nothing where it was handed a connection.
    address: Option<Address>,
    timeout: Duration,
    version: String,
    own: Properties,
}

impl Manager {
    /// Connects, and reads the manager's own properties, so that a bus without systemd is told
    /// here and not at the first unit. No step takes longer than `timeout`, nor does any later
    /// call.
    pub fn connect(address: &Address, timeout: Duration) -> Result<Self, BusFailure> {
        let manager = zbus::block_on(async { Self::over(address.open(timeout).await?, timeout).await })?;
        Ok(Self { address: Some(address.clone()), ..manager })
    }

    async fn over(connection: Connection, timeout: Duration) -> Result<Self, BusFailure> {
        let body = (MANAGER_INTERFACE,);
        let own = call(&connection, timeout, MANAGER_PATH, GET_ALL, &body).await?;
        let own = Properties::read(&own, &NamesMet::default())?;
        let version = own
            .text("Version")
            .ok_or_else(|| BusFailure::Protocol("the manager does not say its version".to_owned()))?;
        Ok(Self {
            version: version.to_owned(),
            connection: Mutex::new(connection),
            address: None,
            timeout,
            own,
        })
    }

    /// The release and the distributor's suffix, as `257.13-1~deb13u1`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether this build has the feature, by its name in upper case as in `systemctl --version`:
    /// `BPF_FRAMEWORK`. Nothing for a name that this release does not mention.
    pub fn feature(&self, name: &str) -> Option<bool> {
        let named = |word: &&str| word.get(1..) == Some(name);
        let word = self.features().split_ascii_whitespace().find(named)?;
        match word.as_bytes().first() {
            Some(b'+') => Some(true),
            Some(b'-') => Some(false),
            _ => None,
        }
    }

    /// The features of this build, as `+PAM +AUDIT -SELINUX …`; empty if it does not say.
    pub fn features(&self) -> &str {
        self.own.text("Features").unwrap_or_default()
    }

    /// The architecture in systemd's own words, as `x86-64` or `arm64`.
    pub fn architecture(&self) -> Option<&str> {
        self.own.text("Architecture")
    }

    /// The manager's own properties: `Virtualization`, `ConfidentialVirtualization`, `Tainted`,
    /// `UnitPath`, the `Default…` series, `UnitsLoadTimestamp`.
    pub fn own_properties(&self) -> &Properties {
        &self.own
    }

    /// The properties of each unit, in the order asked, each with its own outcome.
    ///
    /// A unit that is not loaded is loaded by being asked for; one without a file comes back with
    /// [`LoadState::NotFound`]. A unit that is unloaded between the manager's looking it up and
    /// reading it is asked for once more, as are those that a manager took along when it went away to execute itself
    /// anew. When as many calls in a row as are under way at once went unanswered, the manager is taken for hung and the
    /// rest is not waited for.
    pub fn properties(
        &self,
        units: &[String],
        interfaces: Interfaces,
    ) -> Vec<(String, Result<Properties, BusFailure>)> {
        let met = NamesMet::default();
        let mut read = Vec::with_capacity(units.len());
        self.ask_all(
            units,
            &async |round: &Round, unit: &str| round.unit(unit, interfaces).await,
            |unit, reply| {
                let properties = reply.and_then(|reply| Properties::read(&reply, &met));
                read.push((unit.to_owned(), properties));
            },
        );
        read
    }

    /// The same, all properties of each: `answered` is called in the order asked as soon as a unit is answered, so that
    /// what is done with one is done while the manager is busy with the next.
    pub fn each(&self, units: &[String], mut answered: impl FnMut(&str, Result<Answer, BusFailure>)) {
        let ask = async |round: &Round, unit: &str| round.unit(unit, Interfaces::All).await;
        self.ask_all(units, &ask, |unit, reply| answered(unit, reply.map(Answer)));
    }

    /// What is `wanted` of the socket units that belong to each of some units, each unit with its own outcome.
    pub fn sockets(
        &self,
        of_units: &[BTreeSet<String>],
        wanted: OfSockets<'_>,
    ) -> Vec<Result<Sockets, BusFailure>> {
        let is_bounded = |names: &BTreeSet<String>| names.len() <= MAX_SOCKETS;
        let asked: BTreeSet<&String> = of_units.iter().filter(|names| is_bounded(names)).flatten().collect();
        let asked: Vec<String> = asked.into_iter().cloned().collect();
        let mut read = Sockets::new();
        self.ask_all(
            &asked,
            &async |round: &Round, name: &str| round.socket(name, wanted).await,
            |name, properties| {
                read.insert(name.to_owned(), properties);
            },
        );
        let of_unit = |names: &BTreeSet<String>| {
            if !is_bounded(names) {
                let count = names.len();
                let text = format!("{count} socket units of one unit, more than {MAX_SOCKETS}");
                return Err(BusFailure::Protocol(text));
            }
            let found = names.iter().filter_map(|name| Some((name.clone(), read.get(name)?.clone())));
            let sockets: Sockets = found.collect();
            // Whoever lost a socket to a manager that went away lost the answer.
            let failures = sockets.values().filter_map(|socket| socket.as_ref().err());
            match failures.clone().find(|failure| failure.is_loss()) {
                Some(failure) => Err(failure.clone()),
                None => Ok(sockets),
            }
        };
        of_units.iter().map(of_unit).collect()
    }

    /// The services in memory and those that are only installed, sorted by name.
    pub fn list_services(&self) -> Result<Vec<ListedService>, BusFailure> {
        let list = || zbus::block_on(listing::list_services(&self.connection(), self.timeout));
        match list() {
            Err(failure) if failure.is_loss() => {
                self.return_of(failure)?;
                list()
            }
            listed => listed,
        }
    }

    fn ask_all<T>(
        &self,
        names: &[String],
        ask: &impl AsyncFn(&Round, &str) -> Result<T, BusFailure>,
        mut answered: impl FnMut(&str, Result<T, BusFailure>),
    ) {
        let is_lost = |answer: &Result<T, BusFailure>| answer.as_ref().is_err_and(BusFailure::is_loss);
        // From the first that was lost on: they keep their order.
        let mut held: Vec<(&str, Result<T, BusFailure>)> = Vec::new();
        let round = Round::new(self);
        zbus::block_on(async {
            let mut answers = pin!(round.answers(names.iter().map(String::as_str), ask));
            while let Some((name, answer)) = answers.next().await {
                if held.is_empty() && !is_lost(&answer) {
                    answered(name, answer);
                } else {
                    held.push((name, answer));
                }
            }
        });
        let lost: Vec<&str> =
            held.iter().filter(|(_, answer)| is_lost(answer)).map(|(name, _)| *name).collect();
        if let Some((_, Err(failure))) = held.first() {
            let again: Vec<Result<T, BusFailure>> = match self.return_of(failure.clone()) {
                Ok(()) => {
                    let round = Round::new(self);
                    let answers = round.answers(lost.into_iter(), ask).map(|(_, answer)| answer);
                    zbus::block_on(answers.collect())
                }
                Err(failure) => lost.iter().map(|_| Err(failure.clone())).collect(),
            };
            let lost = held.iter_mut().filter(|(_, answer)| is_lost(answer));
            for ((_, answer), again) in lost.zip(again) {
                *answer = again;
            }
        }
        for (name, answer) in held {
            answered(name, answer);
        }
    }

    fn connection(&self) -> Connection {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for a manager that went away, for no longer than for an answer: one that executes itself anew
    /// (`systemctl daemon-reexec`) leaves its bus and comes back. `failure` is how its absence was met.
    fn return_of(&self, failure: BusFailure) -> Result<(), BusFailure> {
        let address = self.address.as_ref().ok_or(failure)?;
        let until = Instant::now() + self.timeout;
        loop {
            match Self::connect(address, self.timeout) {
                Ok(back) if back.version == self.version => {
                    *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = back.connection();
                    return Ok(());
                }
                Ok(back) => {
                    let (was, now) = (self.version.clone(), back.version);
                    return Err(BusFailure::Replaced { was, now });
                }
                Err(failure) if Instant::now() >= until => return Err(failure),
                Err(_) => sleep(AWAY),
            }
        }
    }
}

/// Questions about many units, over one connection.
struct Round {
    connection: Connection,
    timeout: Duration,
    /// After which nothing more is asked.
    end: Instant,
    /// The calls in a row that nobody answered.
    unanswered: Cell<usize>,
}

impl Round {
    fn new(manager: &Manager) -> Self {
        Self {
            connection: manager.connection(),
            timeout: manager.timeout,
            end: Instant::now() + manager.timeout * MAX_TIME_OUTS,
            unanswered: Cell::new(0),
        }
    }

    /// What comes of each, in the order asked.
    fn answers<'a, T: 'a>(
        &'a self,
        names: impl Iterator<Item = &'a str> + 'a,
        ask: &'a impl AsyncFn(&Round, &str) -> Result<T, BusFailure>,
    ) -> impl Stream<Item = (&'a str, Result<T, BusFailure>)> + 'a {
        let ask = move |name: &'a str| async move { (name, ask(self, name).await) };
        stream::iter(names).map(ask).buffered(IN_FLIGHT)
    }

    async fn unit(&self, unit: &str, interfaces: Interfaces) -> Result<Message, BusFailure> {
        if is_template(unit) {
            return Err(BusFailure::Template);
        }
        let body = (match interfaces {
            Interfaces::All => "",
            Interfaces::Unit => UNIT_INTERFACE,
        },);
        self.ask(&unit_path(unit), GET_ALL, &body).await
    }

    /// What was asked of a socket unit.
    async fn socket(&self, name: &str, wanted: OfSockets<'_>) -> Result<Properties, BusFailure> {
        let path = &unit_path(name);
        let ask = |(interface, property)| async move {
            let reply = self.ask(path, GET, &(interface, property)).await?;
            Ok::<_, BusFailure>((property, reply))
        };
        let unit = wanted.unit.iter().map(|property| (UNIT_INTERFACE, *property));
        let socket = wanted.socket.iter().map(|property| (SOCKET_INTERFACE, *property));
        let replies = try_join_all(unit.chain(socket).map(ask)).await?;
        Properties::of_values(replies.iter().map(|(property, reply)| (*property, reply)))
    }

    /// A call about a unit, again if it was unloaded meanwhile, unless the manager is taken for hung.
    async fn ask<B>(&self, path: &str, method: Method, body: &B) -> Result<Message, BusFailure>
    where
        B: Serialize + DynamicType,
    {
        if self.unanswered.get() >= IN_FLIGHT {
            return Err(BusFailure::TimedOut { after: self.timeout });
        }
        if Instant::now() > self.end {
            return Err(BusFailure::TimedOut { after: self.timeout * MAX_TIME_OUTS });
        }
        let ask = || call(&self.connection, self.timeout, path, method, body);
        let reply = match ask().await {
            Err(BusFailure::Vanished) => ask().await,
            reply => reply,
        };
        self.unanswered.set(match reply {
            Err(BusFailure::TimedOut { .. }) => self.unanswered.get() + 1,
            _ => 0,
        });
        reply
    }
}

/// The object path of a unit, by systemd's escaping of labels: letters and digits stay, except a
/// digit in front; every other byte becomes `_` and two hexadecimal digits.
pub fn unit_path(unit: &str) -> String {
    let mut path = format!("{MANAGER_PATH}/unit/");
    if unit.is_empty() {
        path.push('_');
    }
    for (place, byte) in unit.bytes().enumerate() {
        if byte.is_ascii_alphabetic() || (byte.is_ascii_digit() && place > 0) {
            path.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(path, "_{byte:02x}");
        }
    }
    path
}

/// Whether the unit is a template, `NAME@.TYPE`, which has properties only as an instance.
fn is_template(unit: &str) -> bool {
    unit.rsplit_once('.').is_some_and(|(prefix, _)| prefix.ends_with('@'))
}

/// An interface and one of its methods.
type Method = (&'static str, &'static str);

const GET_ALL: Method = ("org.freedesktop.DBus.Properties", "GetAll");
const GET: Method = ("org.freedesktop.DBus.Properties", "Get");

/// One call to the manager. The time-out covers the sending as well: a peer that reads nothing
/// would otherwise hold a call before it could be waited for.
async fn call<B>(
    connection: &Connection,
    timeout: Duration,
    path: &str,
    (interface, method): Method,
    body: &B,
) -> Result<Message, BusFailure>
where
    B: Serialize + DynamicType,
{
    let reply = connection.call_method(Some(MANAGER), path, Some(interface), method, body);
    within(timeout, reply).await?.map_err(BusFailure::from)
}

/// The outcome of `future`, unless it takes longer than `timeout`.
async fn within<F: Future>(timeout: Duration, future: F) -> Result<F::Output, BusFailure> {
    let runtime = SharedRuntime::current().map_err(|error| BusFailure::disconnected(&error.to_string()))?;
    runtime.timeout(timeout, future).await.map_err(|_| BusFailure::TimedOut { after: timeout })
}
