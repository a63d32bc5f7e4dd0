//! A trial: one service of a manifest, run once under its policy on this host, and what it was refused. Pure: which units
//! that takes, what a manifest would say so that a denial goes away, and how it is told. Running it, and taking back what
//! that changed, is the command's.

mod facts;
mod model;
mod remedy;
mod unit;

pub use facts::{CommandFact, DenialFact, Outcome, RelaxedFact, RemedyFact, TrialFacts, json, schema, text};
pub use model::Model;
pub use remedy::{Proof, Relaxed, Remedy, remedies};
pub use unit::{TrialUnit, TrialUnits, units};
