//! Where a manager's bus is, and the way onto it.
//!
//! Leaves everything said on the connection to its callers.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zbus::Connection;
use zbus::connection::Builder;

use super::failure::{BusFailure, plain};
use super::{direct, within};

/// The system bus of a machine that systemd runs.
const SYSTEM_BUS: &str = "unix:path=/run/dbus/system_bus_socket";
/// The system manager's own socket, root's alone, and a user manager's in its runtime directory. systemd's tools ask
/// there first as well (systemd 240 to 262, bus_connect_system_systemd and bus_connect_user_systemd): no bus daemon
/// stands between, whether for its time or because there is none.
const SYSTEM_MANAGER: &str = "/run/systemd/private";
const USER_MANAGER: &str = "systemd/private";

/// Which bus is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// The system's: `$DBUS_SYSTEM_BUS_ADDRESS`, else the well-known socket
    System,
    /// The calling user's: `$DBUS_SESSION_BUS_ADDRESS`, else `$XDG_RUNTIME_DIR/bus`
    User,
    /// A D-Bus address, as `unix:path=/proc/4711/root/run/dbus/system_bus_socket` for the
    /// container whose first process is 4711
    At(String),
}

impl Address {
    /// Connects and says hello, within `timeout`: to the manager's own socket where the caller may, else to the bus.
    pub async fn open(&self, timeout: Duration) -> Result<Connection, BusFailure> {
        self.open_in(timeout, |variable| env::var_os(variable)).await
    }

    async fn open_in(
        &self,
        timeout: Duration,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Connection, BusFailure> {
        // A socket that is not there, not the caller's to use, or of another process namespace: the bus is for everybody.
        if let Some(begun) = self.direct(&environment).and_then(|path| direct::builder(&path).ok())
            && let Ok(connection) = within(timeout, begun.build()).await?
        {
            return Ok(connection);
        }
        let addresses = self.resolve(environment)?;
        let mut failure = self.unreachable(&addresses, "the address is empty");
        for address in addresses.split(';').filter(|address| !address.is_empty()) {
            match within(timeout, Builder::address(address).build()).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error)) => failure = self.unreachable(&addresses, &reason(&error)),
                Err(BusFailure::TimedOut { after }) => {
                    let reason = format!("no answer within {after:?}");
                    failure = self.unreachable(&addresses, &reason);
                }
                Err(other) => failure = other,
            }
        }
        Err(failure)
    }

    /// The manager's own socket, beside the bus that is asked unless a variable leads elsewhere.
    fn direct(&self, environment: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
        let set = |variable: &str| environment(variable).filter(|value| !value.is_empty());
        match self {
            Self::System => self.is_own_in(&environment).then(|| PathBuf::from(SYSTEM_MANAGER)),
            Self::User => {
                let directory = set("XDG_RUNTIME_DIR")?.into_string().ok()?;
                self.is_own_in(&environment).then(|| Path::new(&directory).join(USER_MANAGER))
            }
            Self::At(_) => None,
        }
    }

    /// Whether it is the bus of this host, which no variable leads away from.
    pub fn is_own(&self) -> bool {
        self.is_own_in(|variable| env::var_os(variable))
    }

    fn is_own_in(&self, environment: impl Fn(&str) -> Option<OsString>) -> bool {
        let set = |variable: &str| environment(variable).filter(|value| !value.is_empty());
        match self {
            Self::System => set("DBUS_SYSTEM_BUS_ADDRESS").is_none(),
            // A login sets the address of the user's bus, which lies in the runtime directory.
            Self::User => set("DBUS_SESSION_BUS_ADDRESS").is_none_or(|address| {
                let directory = set("XDG_RUNTIME_DIR").and_then(|directory| directory.into_string().ok());
                directory.is_some_and(|directory| *address == *user_bus(&directory))
            }),
            Self::At(_) => false,
        }
    }

    /// The D-Bus addresses to try, separated by `;`.
    fn resolve(&self, environment: impl Fn(&str) -> Option<OsString>) -> Result<String, BusFailure> {
        let set = |variable: &str| match environment(variable) {
            Some(value) if !value.is_empty() => value.into_string().map(Some).map_err(|value| {
                let reason = format!("`${variable}` is not UTF-8");
                self.unreachable(&value.to_string_lossy(), &reason)
            }),
            _ => Ok(None),
        };
        match self {
            Self::System => Ok(set("DBUS_SYSTEM_BUS_ADDRESS")?.unwrap_or_else(|| SYSTEM_BUS.to_owned())),
            Self::User => match set("DBUS_SESSION_BUS_ADDRESS")? {
                Some(address) => Ok(address),
                None => match set("XDG_RUNTIME_DIR")? {
                    Some(directory) => Ok(user_bus(&directory)),
                    None => Err(self.unreachable("$XDG_RUNTIME_DIR/bus", "`$XDG_RUNTIME_DIR` is not set")),
                },
            },
            Self::At(address) => Ok(address.clone()),
        }
    }

    fn unreachable(&self, address: &str, reason: &str) -> BusFailure {
        let path = address.strip_prefix("unix:path=").filter(|path| !path.contains([',', ';']));
        let path = path.unwrap_or(address);
        BusFailure::NoBus { bus: self.clone(), address: plain(path), reason: plain(reason) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "system bus",
            Self::User => "user bus",
            Self::At(_) => "bus",
        })
    }
}

fn user_bus(runtime_directory: &str) -> String {
    format!("unix:path={}/bus", escape(runtime_directory))
}

/// The escaping of values in D-Bus addresses: everything but the bytes that need none.
fn escape(value: &str) -> String {
    value
        .bytes()
        .map(|byte| match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'/' | b'.' | b'\\' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02x}"),
        })
        .collect()
}

/// Why no connection came about, without the address, which the failure names itself.
fn reason(error: &zbus::Error) -> String {
    match error {
        zbus::Error::Connection(error, _) | zbus::Error::InputOutput(error) => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or_default().to_owned()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    use std::path::PathBuf;
    use std::time::Duration;

    use super::Address;
    use crate::bus::BusFailure;

    const SOON: Duration = Duration::from_secs(5);

    fn resolve(address: &Address, set: &[(&str, &str)]) -> Result<String, BusFailure> {
        address
            .resolve(|variable| set.iter().find(|(name, _)| *name == variable).map(|(_, value)| value.into()))
    }

    #[test]
    fn the_environment_leads_and_empty_is_unset() -> anyhow::Result<()> {
        let system = "DBUS_SYSTEM_BUS_ADDRESS";
        assert_eq!(resolve(&Address::System, &[(system, "unix:path=/x")])?, "unix:path=/x");
        assert_eq!(resolve(&Address::System, &[(system, "")])?, super::SYSTEM_BUS);
        let runtime = ("XDG_RUNTIME_DIR", "/run/user/1 ,0");
        assert_eq!(resolve(&Address::User, &[runtime])?, "unix:path=/run/user/1%20%2c0/bus");
        let session = ("DBUS_SESSION_BUS_ADDRESS", "unix:abstract=a");
        assert_eq!(resolve(&Address::User, &[runtime, session])?, "unix:abstract=a");
        assert!(matches!(resolve(&Address::User, &[]), Err(BusFailure::NoBus { .. })));
        Ok(())
    }

    #[test]
    fn a_manager_is_asked_directly_unless_a_variable_leads_elsewhere() {
        let direct = |address: &Address, set: &[(&str, &str)]| {
            address.direct(|variable| {
                set.iter().find(|(name, _)| *name == variable).map(|(_, value)| value.into())
            })
        };
        let runtime = ("XDG_RUNTIME_DIR", "/run/user/1");
        let user = Some(PathBuf::from("/run/user/1/systemd/private"));
        assert_eq!(direct(&Address::System, &[]), Some(PathBuf::from("/run/systemd/private")));
        assert_eq!(direct(&Address::System, &[("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/x")]), None);
        assert_eq!(direct(&Address::User, &[runtime]), user);
        let own = ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/user/1/bus");
        assert_eq!(direct(&Address::User, &[runtime, own]), user);
        assert_eq!(direct(&Address::User, &[runtime, ("DBUS_SESSION_BUS_ADDRESS", "unix:abstract=a")]), None);
        assert_eq!(direct(&Address::User, &[]), None);
        assert_eq!(direct(&Address::At("unix:path=/x".to_owned()), &[runtime]), None);
    }

    #[test]
    fn what_is_not_an_address_is_no_bus() -> anyhow::Result<()> {
        let not_utf8 = |_: &str| Some(OsString::from_vec(vec![0xff, 0x1b]));
        assert!(matches!(Address::System.resolve(not_utf8), Err(BusFailure::NoBus { .. })));
        let bad = ["", ";", ":", "unix:", "nonsense", "unix:path=/%", "unix:path=/\u{1b}[2J", "é="];
        for address in bad {
            let asked = Address::At(address.to_owned());
            let opened = zbus::block_on(asked.open(SOON)).map(|_| ());
            let Err(failure @ BusFailure::NoBus { .. }) = opened else {
                anyhow::bail!("`{}`: {opened:?}", address.escape_debug())
            };
            assert!(!failure.to_string().contains(char::is_control), "{failure}");
        }
        Ok(())
    }

    #[test]
    fn a_missing_socket_is_told_with_the_way_on() {
        let missing = |_: &str| Some(OsString::from("unix:path=/nonexistent/bus"));
        let opened = zbus::block_on(Address::System.open_in(SOON, missing)).map(|_| ());
        assert_eq!(
            opened.map_err(|failure| failure.to_string()),
            Err("no system bus at `/nonexistent/bus` (No such file or directory): run it where \
                 systemd runs, or score a file: `systemd-harden score ./NAME.service`"
                .to_owned())
        );
    }

    #[test]
    fn of_several_addresses_the_last_failure_is_told() {
        let several = Address::At("unix:path=/nonexistent/a;;unix:tmpdir=/".to_owned());
        let opened = zbus::block_on(several.open(SOON)).map(|_| ());
        let expected = BusFailure::NoBus {
            bus: several,
            address: "unix:path=/nonexistent/a;;unix:tmpdir=/".to_owned(),
            reason: "Connection support is lacking".to_owned(),
        };
        assert_eq!(opened, Err(expected));
    }
}
