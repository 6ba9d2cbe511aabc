//! The components of the API document: the schemas of what is read and of what is answered.
//!
//! Invariant: a name stands for one schema. A type that is written in another way than it is read
//! (a field that may be left out of a body and is always in an answer) has two, and the one that
//! is read is called `…Request`.

use std::collections::{BTreeMap, BTreeSet};

use berth_iam::SchemaOf;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

const SCHEMAS: &str = "#/components/schemas/";
/// Where references of bodies point to until both kinds are brought together.
const REQUESTS: &str = "#/components/requests/";

/// Both kinds of schemas while the document is made.
pub(super) struct Schemas {
    answers: SchemaGenerator,
    requests: SchemaGenerator,
}

impl Schemas {
    pub(super) fn new() -> Self {
        let settings = |path: &'static str| {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = path.into();
                settings.meta_schema = None;
            })
        };
        Self {
            answers: settings("/components/schemas")
                .for_serialize()
                .into_generator(),
            requests: settings("/components/requests")
                .for_deserialize()
                .into_generator(),
        }
    }

    /// The schema of what is answered.
    pub(super) fn answer(&mut self, of: SchemaOf) -> Value {
        of(&mut self.answers).to_value()
    }

    /// The schema of what is read.
    pub(super) fn request(&mut self, of: SchemaOf) -> Value {
        of(&mut self.requests).to_value()
    }

    /// The fields of an object that is read from a query.
    pub(super) fn fields(&mut self, of: SchemaOf) -> Vec<Field> {
        let schema = self.request(of);
        let target = schema.get("$ref").and_then(Value::as_str);
        let name = target.and_then(|target| target.strip_prefix(REQUESTS));
        // A query object is spread over parameters, so it is no component.
        let schema = name
            .and_then(|name| self.requests.definitions_mut().remove(name))
            .unwrap_or(schema);
        let required: Vec<&str> = schema["required"]
            .as_array()
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let Some(properties) = schema["properties"].as_object() else {
            return Vec::new();
        };
        let field = |(name, schema): (&String, &Value)| Field {
            required: required.contains(&name.as_str()),
            name: name.clone(),
            schema: schema.clone(),
        };
        properties.iter().map(field).collect()
    }

    /// Puts the components into `document`, and lets what is read point to them.
    pub(super) fn finish(mut self, document: &mut Value) {
        let mut components = self.answers.take_definitions(true);
        let requests = self.requests.take_definitions(true);
        let names = names(&components, &requests);
        for (name, mut schema) in requests {
            point(&mut schema, &names);
            components
                .entry(names.get(&name).cloned().unwrap_or(name))
                .or_insert(schema);
        }
        point(document, &names);
        components.sort_keys();
        document["components"]["schemas"] = Value::Object(components);
    }
}

/// A query parameter that is the field of an object.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) schema: Value,
    pub(super) required: bool,
}

/// What each schema that is read is called in the end.
fn names(answers: &Map<String, Value>, requests: &Map<String, Value>) -> BTreeMap<String, String> {
    let same: BTreeMap<String, String> = requests
        .keys()
        .map(|name| (name.clone(), name.clone()))
        .collect();
    let mut others: BTreeSet<&str> = BTreeSet::new();
    for (name, schema) in requests {
        let mut schema = schema.clone();
        point(&mut schema, &same);
        if answers.get(name).is_some_and(|answer| *answer != schema) {
            others.insert(name);
        }
    }
    // What is alike but for a part that is not alike is another schema too.
    loop {
        let more: Vec<&str> = requests
            .iter()
            .filter(|(name, _)| answers.contains_key(*name) && !others.contains(name.as_str()))
            .filter(|(_, schema)| others.iter().any(|other| refers_to(schema, other)))
            .map(|(name, _)| name.as_str())
            .collect();
        if more.is_empty() {
            break;
        }
        others.extend(more);
    }
    let mut names = same.clone();
    for name in others {
        names.insert(name.to_owned(), format!("{name}Request"));
    }
    names
}

fn refers_to(schema: &Value, name: &str) -> bool {
    match schema {
        Value::String(text) => text.strip_prefix(REQUESTS) == Some(name),
        Value::Array(items) => items.iter().any(|item| refers_to(item, name)),
        Value::Object(fields) => fields.values().any(|field| refers_to(field, name)),
        _ => false,
    }
}

/// Lets every reference to a schema that is read point to its component.
fn point(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(name) = text.strip_prefix(REQUESTS) {
                let name = names.get(name).map_or(name, String::as_str);
                *text = format!("{SCHEMAS}{name}");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| point(item, names)),
        Value::Object(fields) => fields.values_mut().for_each(|field| point(field, names)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    use super::*;

    #[derive(JsonSchema, Serialize, Deserialize)]
    struct Rule {
        #[serde(default)]
        disabled: bool,
    }

    #[derive(JsonSchema, Serialize, Deserialize)]
    struct Policy {
        rules: Vec<Rule>,
    }

    #[derive(JsonSchema, Serialize, Deserialize)]
    struct Label {
        name: String,
    }

    #[test]
    fn what_is_read_in_another_way_has_a_name_of_its_own() {
        let mut schemas = Schemas::new();
        let mut document = json!({
            "answers": [schemas.answer(SchemaGenerator::subschema_for::<Policy>),
                schemas.answer(SchemaGenerator::subschema_for::<Label>)],
            "bodies": [schemas.request(SchemaGenerator::subschema_for::<Policy>),
                schemas.request(SchemaGenerator::subschema_for::<Label>)],
            "components": {},
        });
        schemas.finish(&mut document);
        let refs = |of: &str, n: usize| document[of][n]["$ref"].as_str().unwrap_or("").to_owned();
        assert_eq!(refs("answers", 0), "#/components/schemas/Policy");
        assert_eq!(refs("bodies", 0), "#/components/schemas/PolicyRequest");
        assert_eq!(refs("answers", 1), "#/components/schemas/Label");
        assert_eq!(refs("bodies", 1), "#/components/schemas/Label");
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["Rule"]["required"], json!(["disabled"]));
        assert_eq!(schemas["RuleRequest"].get("required"), None);
        assert_eq!(
            schemas["PolicyRequest"]["properties"]["rules"]["items"]["$ref"],
            "#/components/schemas/RuleRequest"
        );
        assert_eq!(schemas.as_object().unwrap().len(), 5);
    }
}
