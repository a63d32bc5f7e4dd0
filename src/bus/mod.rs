//! A running systemd manager, asked over D-Bus.
//!
//! Answers which services a manager knows and what the properties of a unit are, many units at a
//! time, from a manager that may be slow and a bus that may lie: every call has a time-out, every
//! reply a bound, and what goes wrong with one unit stays with it. What a property means for a
//! directive is the catalogue's; that the properties are the loaded configuration and not the
//! running process is for the readers of kernel evidence.
//!
//! Only properties are read, which the bus policy of systemd allows to everybody
//! (org.freedesktop.systemd1(5)); nothing here asks for privileges or changes a unit.

mod address;
mod convert;
mod failure;
mod listing;
mod properties;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{self, try_join_all};
use futures_util::{StreamExt, stream};
use zbus::export::serde::Serialize;
use zbus::{Connection, DynamicType, Message};
use zruntime::SharedRuntime;

pub use self::address::Address;
pub use self::failure::BusFailure;
pub use self::listing::{InstalledFile, ListedService};
pub use self::properties::{LoadState, Properties};

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

/// What the manager says of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Of the unit itself.
    pub properties: Properties,
    /// Of the socket units that belong to it, by their names, what was asked of them. One that was not answered in
    /// full is missing.
    pub sockets: BTreeMap<String, Properties>,
}

/// What is asked of the socket units that belong to a unit.
pub struct OfSockets<'q> {
    /// Their names, by the name under which the unit was asked for and its properties.
    pub names: &'q dyn Fn(&str, &Properties) -> BTreeSet<String>,
    /// Properties that every unit has.
    pub unit: &'q [&'static str],
    /// Properties that socket units alone have.
    pub socket: &'q [&'static str],
}

/// A connection to the manager of a system or of a user.
#[derive(Debug)]
pub struct Manager {
    connection: Connection,
    timeout: Duration,
    version: String,
    own: Properties,
}

impl Manager {
    /// Connects, and reads the manager's own properties, so that a bus without systemd is told
    /// here and not at the first unit. No step takes longer than `timeout`, nor does any later
    /// call.
    pub fn connect(address: &Address, timeout: Duration) -> Result<Self, BusFailure> {
        zbus::block_on(async { Self::over(address.open(timeout).await?, timeout).await })
    }

    async fn over(connection: Connection, timeout: Duration) -> Result<Self, BusFailure> {
        let body = (MANAGER_INTERFACE,);
        let own = call(&connection, timeout, MANAGER_PATH, GET_ALL, &body).await?;
        let own = Properties::read(&own)?;
        let version = own
            .text("Version")
            .ok_or_else(|| BusFailure::Protocol("the manager does not say its version".to_owned()))?;
        Ok(Self { version: version.to_owned(), connection, timeout, own })
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
    /// reading it is asked for once more. When as many calls in a row as are under way at once
    /// went unanswered, the manager is taken for hung and the rest is not waited for.
    pub fn properties(
        &self,
        units: &[String],
        interfaces: Interfaces,
    ) -> Vec<(String, Result<Properties, BusFailure>)> {
        let unanswered = &Cell::new(0);
        let asked = stream::iter(units).map(|unit| async move {
            let properties = self.unit(unit, interfaces, unanswered).await;
            (unit.clone(), properties)
        });
        zbus::block_on(asked.buffered(IN_FLIGHT).collect())
    }

    /// The same, all properties of each and what belongs to it: `answered` is called in the order
    /// asked as soon as a unit is read, so that what is done with one is done while the manager is
    /// busy with the next. Of the socket units that belong to a unit, only what `of_sockets` says is
    /// asked for.
    pub fn each<'u>(
        &self,
        units: &'u [String],
        of_sockets: &OfSockets<'_>,
        mut answered: impl FnMut(&str, Result<Answer, BusFailure>),
    ) {
        let unanswered = &Cell::new(0);
        let ask =
            |unit: &'u String| async move { (unit, self.unit(unit, Interfaces::All, unanswered).await) };
        // A stage of its own: a unit that waits for its sockets keeps no other from being asked for.
        let ask_on = |(unit, properties): (&'u String, Result<Properties, BusFailure>)| async move {
            let answer = match properties {
                Ok(properties) => {
                    let names = (of_sockets.names)(unit, &properties);
                    let asked = stream::iter(names).map(|name| self.socket(name, of_sockets, unanswered));
                    let sockets = asked.buffered(IN_FLIGHT).filter_map(future::ready).collect().await;
                    Ok(Answer { properties, sockets })
                }
                Err(failure) => Err(failure),
            };
            (unit, answer)
        };
        zbus::block_on(async {
            let properties = stream::iter(units).map(ask).buffered(IN_FLIGHT);
            let mut answers = pin!(properties.map(ask_on).buffered(IN_FLIGHT));
            while let Some((unit, answer)) = answers.next().await {
                answered(unit, answer);
            }
        });
    }

    /// The services in memory and those that are only installed, sorted by name.
    pub fn list_services(&self) -> Result<Vec<ListedService>, BusFailure> {
        zbus::block_on(listing::list_services(&self.connection, self.timeout))
    }

    async fn unit(
        &self,
        unit: &str,
        interfaces: Interfaces,
        unanswered: &Cell<usize>,
    ) -> Result<Properties, BusFailure> {
        if is_template(unit) {
            return Err(BusFailure::Template);
        }
        let path = unit_path(unit);
        let body = (match interfaces {
            Interfaces::All => "",
            Interfaces::Unit => UNIT_INTERFACE,
        },);
        Properties::read(&self.ask(&path, GET_ALL, &body, unanswered).await?)
    }

    /// What was asked of a socket unit; nothing where any of it is not answered.
    async fn socket(
        &self,
        name: String,
        wanted: &OfSockets<'_>,
        unanswered: &Cell<usize>,
    ) -> Option<(String, Properties)> {
        let path = &unit_path(&name);
        let ask = |(interface, property)| async move {
            let reply = self.ask(path, GET, &(interface, property), unanswered).await?;
            Ok::<_, BusFailure>((property, reply))
        };
        let unit = wanted.unit.iter().map(|property| (UNIT_INTERFACE, *property));
        let socket = wanted.socket.iter().map(|property| (SOCKET_INTERFACE, *property));
        let replies = try_join_all(unit.chain(socket).map(ask)).await.ok()?;
        let replies = replies.iter().map(|(property, reply)| (*property, reply));
        Some((name, Properties::of_values(replies)?))
    }

    /// A call about a unit, again if it was unloaded meanwhile, unless the manager is taken for hung.
    async fn ask<B>(
        &self,
        path: &str,
        method: Method,
        body: &B,
        unanswered: &Cell<usize>,
    ) -> Result<Message, BusFailure>
    where
        B: Serialize + DynamicType,
    {
        if unanswered.get() >= IN_FLIGHT {
            return Err(BusFailure::TimedOut { after: self.timeout });
        }
        let ask = || call(&self.connection, self.timeout, path, method, body);
        let reply = match ask().await {
            Err(BusFailure::Vanished) => ask().await,
            reply => reply,
        };
        unanswered.set(match reply {
            Err(BusFailure::TimedOut { .. }) => unanswered.get() + 1,
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
