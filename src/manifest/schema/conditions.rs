//! What one table of a manifest shows to be wrong by itself: keys that go together, or not, in a table that inherits
//! nothing, and names from closed lists. What several tables show together only loading tells, and so does what a table
//! with `like`, or one that gets defaults, may have from elsewhere.

use serde_json::{Map, Value, json};

use super::super::words::{CapabilityName, Text};
use crate::capabilities::CAPABILITIES;

/// Adds the conditions to the definitions that they are about.
pub(super) fn add(definitions: &mut Map<String, Value>) {
    for (name, conditions) in conditions() {
        let definition = definitions.get_mut(name).and_then(Value::as_object_mut);
        if let (Some(definition), Value::Object(conditions)) = (definition, conditions) {
            definition.extend(conditions);
        }
    }
    if let Some(id) = definitions.get_mut("User").and_then(|user| user.pointer_mut("/properties/id")) {
        id["minimum"] = json!(1);
    }
    definitions.values_mut().for_each(capabilities);
}

/// Who runs as root says why among the needs.
pub(super) fn without_root(schema: &mut Value) {
    schema["not"] = json!({ "const": "root" });
}

fn conditions() -> [(&'static str, Value); 9] {
    let stated = |key: &str| json!({ "required": [key] });
    let is =
        |key: &str, value: Value| json!({ "properties": { key: { "const": value } }, "required": [key] });
    let any = |keys: &[&str]| keys.iter().map(|key| stated(key)).collect::<Vec<_>>();
    let none = |keys: &[&str]| json!({ "not": { "anyOf": any(keys) } });
    [
        (
            "User",
            json!({ "if": is("dynamic", json!(true)), "then": none(&["exists", "id", "home", "shell"]) }),
        ),
        ("PathRule", json!({ "if": is("enforce", json!("boot")), "then": stated("because") })),
        (
            "Guard",
            json!({
                "oneOf": any(&["while-entries", "uids-of"]),
                "if": stated("while-entries"),
                "then": { "required": ["file", "key", "stays"] },
                "else": none(&["file", "key", "stays"]),
            }),
        ),
        ("Contents", json!({ "required": ["because", "files"], "anyOf": any(&["keys", "known", "never"]) })),
        (
            "Timer",
            json!({
                "anyOf": any(&["on-calendar", "on-boot", "on-unit-active", "unit"]),
                "if": is("persistent", json!(true)),
                "then": stated("on-calendar"),
            }),
        ),
        (
            "CommandTable",
            json!({ "if": is("unconfined", json!(true)), "then": stated("because"), "else": none(&["because"]) }),
        ),
        ("Socket", json!({ "anyOf": any(&["like", "listen"]) })),
        (
            "Service",
            json!({ "if": is("type", json!("dbus")), "then": { "anyOf": any(&["like", "bus-name"]) } }),
        ),
        (
            "KeyRule",
            json!({ "if": is("absent", json!(true)), "then": none(&["is", "one-of", "not", "without"]) }),
        ),
    ]
}

/// Writes the closed list in place of the pattern that all names of capabilities have.
fn capabilities(schema: &mut Value) {
    match schema {
        Value::Array(schemas) => schemas.iter_mut().for_each(capabilities),
        Value::Object(object) => {
            object.values_mut().for_each(capabilities);
            let pattern = || format!("^({})$", CAPABILITIES.join("|"));
            if object.get("pattern").is_some_and(|own| own == CapabilityName::PATTERN) {
                object.insert("pattern".to_owned(), json!(pattern()));
            }
            let by_name = object.get_mut("patternProperties").and_then(Value::as_object_mut);
            if let Some(by_name) = by_name
                && let Some(own) = by_name.remove(CapabilityName::PATTERN)
            {
                by_name.insert(pattern(), own);
            }
        }
        _ => {}
    }
}
