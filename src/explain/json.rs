//! Explanations as one JSON document, schema 1.

use schemars::{JsonSchema, Schema, schema_for};
use serde::Serialize;

use super::Explanation;

/// The version of the document.
const SCHEMA: u32 = 1;

/// What systemd-harden knows of names.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "systemd-harden explanation")]
struct Document<'a> {
    /// The version of this schema. Later releases may add fields to it.
    schema: u32,
    /// The program and its version.
    tool: String,
    /// What was asked for, in that order; a need with choices is several.
    explained: &'a [Explanation],
}

/// The document, indented and with a newline at its end. It holds words of the catalogue alone.
pub fn json(explained: &[Explanation]) -> anyhow::Result<String> {
    let tool = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned();
    let document = Document { schema: SCHEMA, tool, explained };
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

/// The JSON Schema of the document.
pub fn schema() -> Schema {
    schema_for!(Document<'static>)
}
