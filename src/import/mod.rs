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

use crate::need::Need;

/// A need as a line below `[needs]`; none where a manifest has no words for it. Of `writes`, `+` before the path says
/// that the service makes it.
pub(crate) fn need_line(need: Need, thing: Option<&str>, because: &str) -> Option<String> {
    let statement = statement::Statement::seen(need, thing, &[]);
    let statement = statement.or_else(|| statement::Statement::beside_its_word(need, thing));
    statement.map(|statement| statement.because(because).line())
}
