//! A policy for a service that no manifest describes: what strictness hardens, less what its own lines show it to need.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::claims::{Claim, Source};
use super::{Contradictions, Overrides, Planned, Policy, of_claims};
use crate::context::Context;
use crate::manifest::{EDITION, Manifest, Place, Scope, Service, Strictness};
use crate::need::Need;

/// A need that nobody states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presumption {
    /// The need.
    pub need: Need,
    /// Its parameters, by the names of its row.
    pub parameters: Vec<(&'static str, String)>,
    /// What shows it.
    pub because: Arc<str>,
}

/// What a service starts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartsAs {
    /// As root.
    Root,
    /// As a user of its own.
    User,
}

/// The policy of a service with these needs. Its stated rows (who it is, how it runs) are not that service's.
pub fn presumed(
    starts_as: StartsAs,
    presumptions: &[Presumption],
    context: Context,
    strictness: Strictness,
) -> Result<Policy, Contradictions> {
    let place = Place { file: Arc::from("presumed"), line: 0, column: 0 };
    let package = "presumed".parse().map_err(|_| Contradictions(Vec::new()))?;
    let user = match starts_as {
        StartsAs::Root => None,
        StartsAs::User => "presumed".parse().ok(),
    };
    let service = Service { place: place.clone(), user, ..Service::default() };
    let manifest = Manifest {
        path: place.file.clone(),
        package,
        edition: EDITION,
        strictness,
        scope: Scope::System,
        documentation: Vec::new(),
        users: BTreeMap::new(),
        groups: BTreeMap::new(),
        services: BTreeMap::new(),
        sockets: BTreeMap::new(),
        timers: BTreeMap::new(),
        paths: BTreeMap::new(),
        guards: BTreeMap::new(),
        contents: BTreeMap::new(),
        accept: BTreeMap::new(),
        drop_ins: Vec::new(),
        notices: Vec::new(),
    };
    let planned = Planned {
        stem: "presumed".to_owned(),
        instance: None,
        service: Cow::Borrowed(&service),
        dynamic: false,
        joins_network: false,
    };
    let claims: Vec<Claim> = presumptions
        .iter()
        .map(|presumption| Claim {
            need: presumption.need,
            parameters: presumption.parameters.clone(),
            because: presumption.because.clone(),
            place: place.clone(),
            source: Source::Derived,
        })
        .collect();
    of_claims(&manifest, &planned, &claims, context, strictness, Overrides::Kept)
}
