//! What can go wrong between here and a manager, and what to do about it.
//!
//! Printing is left to the commands; whether a failure ends a run is too.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use zbus::{DBusError, fdo};

use super::Address;
use crate::visible::deceives;

/// The characters of a foreign text that a failure quotes; the rest says no more.
const MAX_QUOTED: usize = 300;

/// Why a manager or a unit could not be read.
///
/// Displayed as a sentence that says what happened and what to do, without the unit: whoever asked
/// knows its name. Texts that came over the bus are shortened and their control characters escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BusFailure {
    /// Nothing to connect to, or nothing that speaks D-Bus.
    NoBus {
        /// The bus that was meant.
        bus: Address,
        /// Where it was looked for.
        address: String,
        /// What the connecting failed with.
        reason: String,
    },
    /// A bus, but no systemd on it.
    NoSystemd,
    /// A policy keeps the caller from reading.
    AccessDenied(String),
    /// No answer came in time.
    TimedOut {
        /// How long the call waited.
        after: Duration,
    },
    /// The unit was unloaded while it was read, twice.
    Vanished,
    /// The unit is a template, which is loaded only as one of its instances.
    Template,
    /// The manager does not take the name for a unit's.
    Refused(String),
    /// The connection broke.
    Disconnected(String),
    /// The manager went away and came back as another release, whose answers are to be judged by other rules.
    Replaced {
        /// The release that had been answering.
        was: String,
        /// The one that answers now.
        now: String,
    },
    /// An answer that systemd does not give.
    Protocol(String),
}

impl BusFailure {
    pub(super) fn disconnected(reason: &str) -> Self {
        Self::Disconnected(plain(reason))
    }

    pub(super) fn protocol(reason: &str) -> Self {
        Self::Protocol(plain(reason))
    }

    /// Whether the manager went away before it answered; one that executes itself anew comes back.
    pub(super) const fn is_loss(&self) -> bool {
        matches!(self, Self::Disconnected(_) | Self::NoSystemd)
    }

    /// Whether this is what the manager says of the unit, and no failure to ask it.
    pub const fn is_answer(&self) -> bool {
        matches!(self, Self::Template | Self::Refused(_))
    }
}

impl Error for BusFailure {}

impl fmt::Display for BusFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const FILE: &str = "or score a file: `systemd-harden score ./NAME.service`";
        match self {
            Self::NoBus { bus, address, reason } => {
                let place = match bus {
                    Address::User => "as the user whose services these are",
                    Address::System | Address::At(_) => "where systemd runs",
                };
                write!(f, "no {bus} at `{address}` ({reason}): run it {place}, {FILE}")
            }
            Self::NoSystemd => {
                write!(f, "no systemd manager on this bus: run it where systemd runs, {FILE}")
            }
            Self::AccessDenied(reason) => {
                write!(f, "reading the manager is denied ({reason}): run it as root, {FILE}")
            }
            Self::TimedOut { after } => {
                write!(f, "no answer within {after:?}: the manager is busy or hung, try again later")
            }
            Self::Vanished => f.write_str("the unit was unloaded while it was read: start it, or try again"),
            Self::Template => {
                f.write_str("a template has no properties of its own: name an instance, as `NAME@x.service`")
            }
            Self::Refused(reason) => write!(f, "the manager refuses: {reason}"),
            Self::Disconnected(reason) => {
                write!(f, "the connection to the bus broke ({reason}): try again")
            }
            Self::Replaced { was, now } => {
                let (was, now) = (plain(was), plain(now));
                write!(f, "systemd {was} was replaced by {now} while it was asked: try again")
            }
            Self::Protocol(reason) => {
                write!(f, "not an answer that systemd gives: {reason}; is that its bus?")
            }
        }
    }
}

impl From<zbus::Error> for BusFailure {
    fn from(error: zbus::Error) -> Self {
        match error {
            zbus::Error::FDO(error) => match *error {
                fdo::Error::ServiceUnknown(_)
                | fdo::Error::NameHasNoOwner(_)
                | fdo::Error::SpawnExecFailed(_)
                | fdo::Error::SpawnForkFailed(_)
                | fdo::Error::SpawnChildExited(_)
                | fdo::Error::SpawnChildSignaled(_)
                | fdo::Error::SpawnFailed(_)
                | fdo::Error::SpawnFailedToSetup(_)
                | fdo::Error::SpawnServiceNotFound(_) => Self::NoSystemd,
                fdo::Error::AccessDenied(text)
                | fdo::Error::AuthFailed(text)
                | fdo::Error::InteractiveAuthorizationRequired(text) => Self::AccessDenied(plain(&text)),
                fdo::Error::UnknownObject(_) => Self::Vanished,
                fdo::Error::NoReply(text) | fdo::Error::Disconnected(text) => Self::disconnected(&text),
                other => {
                    let text = DBusError::description(&other).filter(|text| !text.is_empty());
                    Self::Refused(plain(text.unwrap_or(&other.name())))
                }
            },
            zbus::Error::MethodError(_, Some(text), _) => Self::Refused(plain(&text)),
            zbus::Error::MethodError(name, None, _) => Self::Refused(plain(&name)),
            zbus::Error::InputOutput(error) => Self::disconnected(&error.to_string()),
            other => Self::protocol(&other.to_string()),
        }
    }
}

/// A foreign text fit to stand in a message: one line, no control characters, not too long.
pub(super) fn plain(text: &str) -> String {
    let mut shown = String::new();
    for (place, character) in text.trim().chars().enumerate() {
        if place == MAX_QUOTED {
            shown.push('…');
            break;
        }
        if deceives(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::{MAX_QUOTED, plain};

    #[test]
    fn foreign_texts_become_one_short_line() {
        assert_eq!(plain("a\u{1b}[31m\nb. "), "a\\u{1b}[31m\\nb");
        assert_eq!(plain(&"é".repeat(MAX_QUOTED + 9)).chars().count(), MAX_QUOTED + 1);
    }
}
