//! The JSON Schema of a manifest as it is written, made from the types that read it.
//!
//! It says what each key may look like, so that an editor completes it and marks what is wrong, and in `conditions`
//! what single tables show; what contradicts what across tables only loading tells. It admits what only a drop-in or `like` makes sense of: a table that inherits may lack any of
//! its keys, and `false` takes an inherited one away.

mod conditions;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::denies::Denies;
use super::literal::Override;
use super::words::{
    CredentialName, DirectiveName, EnvName, EnvValue, EnvironmentFile, FindingName, RuleName, RulePath,
    ServiceName, UnitStem, UserName, text_schema,
};
use super::{
    Accepted, Contents, Credential, Directories, EDITION, Group, Guard, Needs, Package, PathRule, Resources,
    Scope, Service, Socket, Strictness, Timer, User,
};

/// Types whose tables inherit from the file's defaults or through `like`.
const INHERITING: [&str; 2] = ["Service", "Socket"];

/// The schema, draft 2020-12; the same at every call.
pub fn schema() -> Value {
    let mut root =
        SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Written>().to_value();
    without_null(&mut root);
    let mut definitions = match root.get_mut("$defs").map(Value::take) {
        Some(Value::Object(definitions)) => definitions,
        _ => Map::new(),
    };
    let mut inheriting = BTreeSet::new();
    for name in INHERITING {
        reach(name, &definitions, &mut inheriting);
    }
    for (_, definition) in definitions.iter_mut().filter(|(name, _)| inheriting.contains(name.as_str())) {
        inherit(definition);
    }
    conditions::add(&mut definitions);
    if let Some(user) = definitions.get_mut("Service").and_then(|unit| unit.pointer_mut("/properties/user")) {
        conditions::without_root(user);
    }
    let name = text_schema::<ServiceName>().to_value();
    for (kind, like) in [("Service", name.clone()), ("Socket", text_schema::<UnitStem>().to_value())] {
        if let Some(properties) = definitions.get_mut(kind).and_then(|unit| unit.get_mut("properties")) {
            properties["like"] = like;
        }
    }
    let mut main = definitions.get("Service").cloned().unwrap_or_default();
    if let Some(properties) = main.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("name".to_owned(), name);
    }
    if let Some(main) = main.as_object_mut() {
        main.insert("required".to_owned(), json!(["name"]));
    }
    root["properties"]["service"] = main;
    root["anyOf"] = json!([{ "required": ["service"] }, { "required": ["services"] }]);
    root["$defs"] = Value::Object(definitions);
    root
}

/// The whole file.
#[derive(JsonSchema)]
#[schemars(title = "Service manifest of systemd-harden", deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "it is there for its schema")]
struct Written {
    /// The edition of the vocabulary; it pins what each strictness closes.
    edition: Edition,
    /// How much is closed of what neither a need nor a denial names.
    #[schemars(default)]
    strictness: Strictness,
    /// Which manager runs the units.
    #[schemars(default)]
    scope: Scope,
    /// What the services together are.
    package: Option<Package>,
    /// Users that the package makes or relies on.
    users: Option<BTreeMap<UserName, User>>,
    /// Groups that the package makes or relies on.
    groups: Option<BTreeMap<UserName, Group>>,
    /// The package's own service.
    service: Option<Service>,
    /// More services; a template ends in `@`.
    services: Option<BTreeMap<ServiceName, Service>>,
    /// Socket units.
    sockets: Option<BTreeMap<UnitStem, Socket>>,
    /// Timer units.
    timers: Option<BTreeMap<UnitStem, Timer>>,
    /// What paths must be like; a path that ends in `/` is a directory.
    paths: Option<BTreeMap<RulePath, PathRule>>,
    /// State that must not be mixed.
    guards: Option<BTreeMap<RuleName, Guard>>,
    /// What files of settings say.
    contents: Option<BTreeMap<RuleName, Contents>>,
    /// Findings that the administrator lives with.
    accept: Option<BTreeMap<FindingName, Accepted>>,
    /// Needs of every service.
    needs: Option<Needs>,
    /// What no service does.
    denies: Option<Denies>,
    /// Directories of every service.
    directories: Option<Directories>,
    /// Variables of every service.
    environment: Option<BTreeMap<EnvName, EnvValue>>,
    /// Files of variables of every service.
    environment_files: Option<Vec<EnvironmentFile>>,
    /// Credentials of every service.
    credentials: Option<BTreeMap<CredentialName, Credential>>,
    /// Limits and shares of every service.
    resources: Option<Resources>,
    /// Confining directives of every service, literally.
    r#override: Option<BTreeMap<DirectiveName, Override>>,
}

struct Edition;

impl JsonSchema for Edition {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Edition".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "const": EDITION })
    }
}

/// TOML has no null: what may be left out is simply not required.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Array(schemas) => schemas.iter_mut().for_each(without_null),
        Value::Object(object) => {
            object.values_mut().for_each(without_null);
            object.retain(|key, value| key != "default" || !value.is_null());
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    object.insert("type".to_owned(), only);
                }
            }
            let null = json!({ "type": "null" });
            let Some(Value::Array(choices)) = object.get_mut("anyOf") else { return };
            choices.retain(|choice| *choice != null);
            if let [Value::Object(only)] = choices.as_slice() {
                let only = only.clone();
                object.remove("anyOf");
                for (key, value) in only {
                    object.entry(key).or_insert(value);
                }
            }
        }
        _ => {}
    }
}

/// Adds `name` and every definition that it refers to, to `reached`.
fn reach(name: &str, definitions: &Map<String, Value>, reached: &mut BTreeSet<String>) {
    let Some(definition) = definitions.get(name) else { return };
    if reached.insert(name.to_owned()) {
        for name in references(definition) {
            reach(name, definitions, reached);
        }
    }
}

fn references(schema: &Value) -> Vec<&str> {
    match schema {
        Value::Array(schemas) => schemas.iter().flat_map(references).collect(),
        Value::Object(object) => {
            let own =
                object.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix("#/$defs/"));
            own.into_iter().chain(object.values().flat_map(references)).collect()
        }
        _ => Vec::new(),
    }
}

/// Makes the tables of `schema` ones that inherit: no key is required, and each that is no boolean may be `false`.
fn inherit(schema: &mut Value) {
    match schema {
        Value::Array(schemas) => schemas.iter_mut().for_each(inherit),
        Value::Object(object) => {
            object.remove("required");
            for keyword in ["properties", "patternProperties"] {
                let properties = object.get_mut(keyword).and_then(Value::as_object_mut);
                for property in properties.into_iter().flat_map(Map::values_mut) {
                    inherit(property);
                    if property.get("type").is_none_or(|kind| kind != "boolean") {
                        let own = property.take();
                        *property = json!({ "anyOf": [own, { "const": false }] });
                    }
                }
            }
            for keyword in ["anyOf", "items"] {
                if let Some(schema) = object.get_mut(keyword) {
                    inherit(schema);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::super::NEED_NAMES;
    use super::*;

    fn keys<'a>(schema: &'a Value, path: &str) -> anyhow::Result<BTreeSet<&'a str>> {
        let properties = schema.pointer(path).and_then(Value::as_object).context("no properties")?;
        Ok(properties.keys().map(String::as_str).collect())
    }

    #[test]
    fn needs_and_denials_are_those_of_the_list() -> anyhow::Result<()> {
        let schema = schema();
        let names = BTreeSet::from(NEED_NAMES);
        assert_eq!(keys(&schema, "/$defs/Needs/properties")?, names);
        assert_eq!(keys(&schema, "/$defs/Denies/properties")?, names);
        Ok(())
    }

    #[test]
    fn the_top_has_the_keys_that_loading_knows() -> anyhow::Result<()> {
        let known = super::super::load::TOP.into_iter().chain(super::super::resolve::DEFAULTS);
        assert_eq!(keys(&schema(), "/properties")?, known.collect());
        Ok(())
    }

    #[test]
    fn every_table_is_closed_and_nothing_is_null() -> anyhow::Result<()> {
        fn open<'a>(schema: &'a Value, found: &mut Vec<&'a Value>) {
            if schema.get("type").is_some_and(|kind| kind == "object")
                && schema.get("additionalProperties") != Some(&Value::Bool(false))
            {
                found.push(schema);
            }
            match schema {
                Value::Array(schemas) => schemas.iter().for_each(|schema| open(schema, found)),
                Value::Object(object) => object.values().for_each(|schema| open(schema, found)),
                _ => {}
            }
        }
        let schema = schema();
        let mut found = Vec::new();
        open(&schema, &mut found);
        assert!(found.is_empty(), "{found:#?}");
        assert!(!serde_json::to_string(&schema)?.contains(r#""type":"null""#));
        Ok(())
    }
}
