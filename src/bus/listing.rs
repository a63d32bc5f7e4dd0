//! The services that a manager knows: those in memory and those that are only installed.
//!
//! Which of them are worth a look is left to the commands.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::try_join;
use zbus::message::Body;
use zbus::{Connection, Message, ObjectPath};

use super::failure::BusFailure;
use super::properties::LoadState;
use super::{
    MANAGER_INTERFACE, MANAGER_PATH, MAX_LIST_BYTES, MAX_SERVICES, Method, call, is_template, unit_path,
};

const SUFFIX: &str = ".service";
const LIST_UNITS: Method = (MANAGER_INTERFACE, "ListUnitsByPatterns");
const LIST_FILES: Method = (MANAGER_INTERFACE, "ListUnitFilesByPatterns");

/// One service of a manager: in memory, installed, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedService {
    /// The full name, `.service` included.
    pub name: String,
    /// How its loading ended; nothing if it is not in memory.
    pub load_state: Option<LoadState>,
    /// `active`, `inactive`, `failed` and so on; nothing if it is not in memory.
    pub active_state: Option<String>,
    /// Its file; nothing for one that is transient, missing, or an instance of a template.
    pub file: Option<InstalledFile>,
}

/// An installed unit file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledFile {
    /// Where it is, in the manager's file system.
    pub path: PathBuf,
    /// `enabled`, `static`, `masked`, `alias`, `generated` and so on.
    pub state: String,
}

impl ListedService {
    /// The service's object on the bus.
    pub fn object_path(&self) -> String {
        unit_path(&self.name)
    }

    /// Whether this is a template, which has no properties before it is given an instance.
    pub fn is_template(&self) -> bool {
        is_template(&self.name)
    }

    /// Whether this is a second name for a service that stands in the list under its own. Releases
    /// before 248 do not tell; there the `Id` of the properties differs from the name.
    pub fn is_alias(&self) -> bool {
        self.file.as_ref().is_some_and(|file| file.state == "alias")
    }
}

/// Name, description, load, active and sub state, followed unit, object, and the job's number,
/// type and object.
pub(super) type UnitRow<'a> =
    (&'a str, &'a str, &'a str, &'a str, &'a str, &'a str, ObjectPath<'a>, u32, &'a str, ObjectPath<'a>);

pub(super) async fn list_services(
    connection: &Connection,
    timeout: Duration,
) -> Result<Vec<ListedService>, BusFailure> {
    const ANY_STATE: &[&str] = &[];
    let body = (ANY_STATE, &["*.service"][..]);
    let list = |method| call(connection, timeout, MANAGER_PATH, method, &body);
    let (units, files) = try_join(list(LIST_UNITS), list(LIST_FILES)).await?;
    merge(&units, &files)
}

fn merge(units: &Message, files: &Message) -> Result<Vec<ListedService>, BusFailure> {
    let mut services = BTreeMap::new();
    let units = bounded(units)?;
    for (name, _, load, active, ..) in units.deserialize::<Vec<UnitRow<'_>>>()? {
        if let Some(service) = entry(&mut services, name) {
            service.load_state = Some(LoadState::from(load));
            service.active_state = Some(active.to_owned());
        }
    }
    let files = bounded(files)?;
    for (path, state) in files.deserialize::<Vec<(&str, &str)>>()? {
        let name = path.rsplit('/').next().unwrap_or(path);
        if let Some(service) = entry(&mut services, name) {
            service.file = Some(InstalledFile { path: path.into(), state: state.to_owned() });
        }
    }
    if services.len() > MAX_SERVICES {
        let count = services.len();
        return Err(BusFailure::Protocol(format!("a list of {count} services, more than {MAX_SERVICES}")));
    }
    Ok(services.into_values().collect())
}

/// The service's place in the list; nothing for a name that is not a service's, whatever was asked
/// for.
fn entry<'a>(services: &'a mut BTreeMap<String, ListedService>, name: &str) -> Option<&'a mut ListedService> {
    name.strip_suffix(SUFFIX).filter(|prefix| !prefix.is_empty())?;
    let service = services.entry(name.to_owned()).or_default();
    name.clone_into(&mut service.name);
    Some(service)
}

fn bounded(reply: &Message) -> Result<Body, BusFailure> {
    let body = reply.body();
    if body.len() > MAX_LIST_BYTES {
        let length = body.len();
        return Err(BusFailure::Protocol(format!("a list of {length} bytes, more than {MAX_LIST_BYTES}")));
    }
    Ok(body)
}
