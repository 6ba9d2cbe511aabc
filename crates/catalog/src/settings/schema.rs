//! How the API document describes the settings.
//!
//! Invariant: made from the table of keys, so that it cannot name others.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

use super::{EMPTY_SECRET, Settings};

/// Settings by name, as they are written; those that are absent stay.
#[derive(Clone, Copy, Debug)]
pub struct Configurations;

/// Settings by name, as they are read: each with its value and whether it can be changed.
#[derive(Clone, Copy, Debug)]
pub struct ConfigurationsResponse;

impl JsonSchema for Configurations {
    fn schema_name() -> Cow<'static, str> {
        "Configurations".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut properties = Map::new();
        for key in Settings::KEYS {
            let mut schema = key.kind.schema();
            schema.insert("description".to_owned(), key.summary().into());
            properties.insert(key.name.to_owned(), schema.into());
        }
        json_schema!({"type": "object", "properties": properties})
    }
}

impl JsonSchema for ConfigurationsResponse {
    fn schema_name() -> Cow<'static, str> {
        "ConfigurationsResponse".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut properties = Map::new();
        for key in Settings::KEYS
            .iter()
            .filter(|key| !key.is_secret() || key.name == EMPTY_SECRET)
        {
            let value: Value = key.kind.schema().into();
            let wrapped = json_schema!({
                "type": "object",
                "description": key.summary(),
                "properties": {"value": value, "editable": {"type": "boolean"}},
            });
            properties.insert(key.name.to_owned(), wrapped.into());
        }
        json_schema!({"type": "object", "properties": properties})
    }
}
