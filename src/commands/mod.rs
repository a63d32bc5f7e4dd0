//! One file a verb: read, ask the core, print.

mod generate;
pub mod manifest_file;

pub use generate::generate;
