//! A tree of units, and what is read of it for all of them: the socket units by what they start.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::unit_file::{Load, Loader, UnitText, boolean};

/// A tree of units. A copy knows what the other has read.
#[derive(Clone)]
pub(super) struct Tree<'r> {
    /// Its files by its search path.
    pub(super) loader: Loader<'r>,
    /// Its socket units, once they were read.
    sockets: Option<Arc<Starters>>,
}

/// Socket units by what they start, each list in the order of their names.
type Starters = BTreeMap<String, Vec<UnitText>>;

/// A socket unit and what it starts.
pub(super) struct Starter {
    pub(super) text: UnitText,
    /// The service, or the template of which each connection starts an instance.
    pub(super) starts: String,
}

impl<'r> Tree<'r> {
    /// What `loader` finds.
    pub(super) fn new(loader: Loader<'r>) -> Self {
        Self { loader, sockets: None }
    }

    /// The same, with that read which every service of it asks for.
    pub(super) fn ready(mut self) -> Self {
        self.starters();
        self.loader.look_for_names("service");
        self
    }

    /// The socket units by what they start.
    pub(super) fn starters(&mut self) -> Arc<Starters> {
        if let Some(sockets) = &self.sockets {
            return Arc::clone(sockets);
        }
        let mut sockets = Starters::new();
        for unit in self.loader.units("socket").into_iter().filter(|unit| !unit.is_template()) {
            if let Some(Starter { text, starts }) = self.loader.load(&unit).ok().and_then(Starter::of) {
                sockets.entry(starts).or_default().push(text);
            }
        }
        Arc::clone(self.sockets.insert(Arc::new(sockets)))
    }
}

impl Starter {
    /// A socket unit; nothing for what is none.
    pub(super) fn of(load: Load) -> Option<Self> {
        let Load::Loaded(text) = load else { return None };
        let last = |key: &str| {
            let mut lines = text.assignments.iter().rev();
            let line = lines.find(|line| line.section == "Socket" && line.key == key)?;
            Some(line.value.as_str()).filter(|value| !value.is_empty())
        };
        let stem = text.id.as_str().strip_suffix(".socket")?;
        let accepts = last("Accept").and_then(boolean) == Some(true);
        let own = if accepts { format!("{stem}@.service") } else { format!("{stem}.service") };
        let starts = last("Service").map_or(own, str::to_owned);
        Some(Self { text, starts })
    }
}
