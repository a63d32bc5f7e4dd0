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
use std::fmt::Write as _;
use std::time::Duration;

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
        self.properties_telling(units, interfaces, || {})
    }

    /// The same, with `answered` called after each unit.
    pub fn properties_telling(
        &self,
        units: &[String],
        interfaces: Interfaces,
        answered: impl Fn(),
    ) -> Vec<(String, Result<Properties, BusFailure>)> {
        let unanswered = Cell::new(0);
        let mut read: Vec<_> = zbus::block_on(
            stream::iter(units.iter().enumerate())
                .map(|(place, unit)| {
                    let unanswered = &unanswered;
                    async move { (place, unit, self.unit(unit, interfaces, unanswered).await) }
                })
                .buffer_unordered(IN_FLIGHT)
                .inspect(|_| answered())
                .collect(),
        );
        read.sort_unstable_by_key(|(place, ..)| *place);
        read.into_iter().map(|(_, unit, properties)| (unit.clone(), properties)).collect()
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
        if unanswered.get() >= IN_FLIGHT {
            return Err(BusFailure::TimedOut { after: self.timeout });
        }
        let path = unit_path(unit);
        let body = (match interfaces {
            Interfaces::All => "",
            Interfaces::Unit => "org.freedesktop.systemd1.Unit",
        },);
        let ask = || call(&self.connection, self.timeout, &path, GET_ALL, &body);
        let reply = match ask().await {
            Err(BusFailure::Vanished) => ask().await,
            reply => reply,
        };
        unanswered.set(match reply {
            Err(BusFailure::TimedOut { .. }) => unanswered.get() + 1,
            _ => 0,
        });
        Properties::read(&reply?)
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
