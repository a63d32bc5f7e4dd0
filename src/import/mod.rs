//! An existing service as a manifest: what its unit, sockets, timers and snippets say, in the manifest's words where it
//! has them and literally where not.
//!
//! Pure: units and texts in, a text out. What the unit opens with a word of its own becomes a need, what it denies a
//! denial or an override, and what it leaves open without a word is only suggested. What comes out is rendered and read
//! again until nothing of it is weaker than the unit, or other than what the unit says.

mod activation;
mod closing;
mod commands;
mod draft;
mod evidence;
pub mod hints;
mod lines;
mod making;
mod service;
mod snippets;
mod statement;
mod toml;
mod unit;
mod vocabulary;

pub use activation::starts;
pub use making::{Imported, Kept, Subject, import};
pub use snippets::Snippet;
