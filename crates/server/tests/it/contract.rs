//! What the API answers, held against the document that it publishes.
//!
//! The [client](crate::client) hands every answer of `/api/v2.0` to [`check`], so every test of
//! this crate is a test of the document too.

use std::sync::OnceLock;

use http::Method;
use serde_json::{Map, Value};

use crate::answer::Answer;

const BASE: &str = "/api/v2.0";
/// What is said of a schema and asks nothing of a value.
const SILENT: [&str; 6] = [
    "description",
    "default",
    "title",
    "format",
    "examples",
    "deprecated",
];

static DOCUMENT: OnceLock<Value> = OnceLock::new();

/// Takes the document, which is the same of all servers under test.
pub(crate) fn learn(document: impl FnOnce() -> Value) {
    DOCUMENT.get_or_init(document);
}

/// Fails when an answer of the API is not as the document has it.
pub(crate) fn check(method: &Method, target: &str, answer: &Answer) {
    let Some(document) = DOCUMENT.get() else {
        return;
    };
    let path = target.split('?').next().unwrap();
    let Some(path) = path.strip_prefix(BASE) else {
        return;
    };
    let wrong = match find(document, method, path) {
        Some(operation) => differences(document, method, operation, answer),
        None if UNDESCRIBED.contains(&path) => Vec::new(),
        // What is not described is not there.
        None => match answer.status {
            401 | 403 | 404 | 405 | 429 => errors(document, answer),
            status => vec![format!("answers {status}, and is not described")],
        },
    };
    assert!(
        wrong.is_empty(),
        "{method} {target}: {} is not as described: {wrong:#?}",
        answer.text()
    );
}

/// The document itself, and the second address of a list.
const UNDESCRIBED: [&str; 1] = ["/openapi.json"];

/// The operation that a path leads to; the one whose path has the fewest braces.
fn find<'a>(document: &'a Value, method: &Method, path: &str) -> Option<&'a Value> {
    // A slash at the end leads to the same.
    let path = path.trim_end_matches('/');
    let fits = |template: &str| {
        let mut parts = template.trim_end_matches('/').split('/');
        let mut segments = path.split('/');
        loop {
            match (parts.next(), segments.next()) {
                (None, None) => return true,
                (Some(part), Some(segment)) if part == segment => {}
                (Some(part), Some(segment)) if part.starts_with('{') && !segment.is_empty() => {}
                _ => return false,
            }
        }
    };
    let paths = document["paths"].as_object().unwrap().iter();
    let method = method.as_str().to_lowercase();
    paths
        .filter(|(template, _)| fits(template))
        .filter_map(|(template, methods)| Some((template, methods.get(&method)?)))
        .min_by_key(|(template, _)| template.matches('{').count())
        .map(|(_, operation)| operation)
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(target) => document.pointer(&target[1..]).unwrap(),
        None => value,
    }
}

fn differences(
    document: &Value,
    method: &Method,
    operation: &Value,
    answer: &Answer,
) -> Vec<String> {
    let response = &operation["responses"][answer.status.to_string()];
    if response.is_null() {
        return match answer.status {
            // Met before anything is known of the operation: a crowd, a slow body, a fault.
            408 | 429 | 500.. => errors(document, answer),
            status => vec![format!("{status} is not among its answers")],
        };
    }
    let response = resolve(document, response);
    let mut wrong = Vec::new();
    for name in ["X-Request-Id", "X-Total-Count", "Location"] {
        if !response["headers"][name].is_null() && answer.header(name).is_none() {
            wrong.push(format!("there is no {name}"));
        }
    }
    if *method != Method::HEAD {
        wrong.extend(body(document, response, answer));
    }
    wrong
}

fn errors(document: &Value, answer: &Answer) -> Vec<String> {
    body(
        document,
        &document["components"]["responses"]["default"],
        answer,
    )
}

fn body(document: &Value, response: &Value, answer: &Answer) -> Vec<String> {
    let Some(content) = response["content"].as_object() else {
        return if answer.body.is_empty() {
            Vec::new()
        } else {
            vec!["its body is empty".to_owned()]
        };
    };
    let kind = answer.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap().trim();
    let Some(described) = content.get(kind) else {
        let kinds: Vec<_> = content.keys().collect();
        return vec![format!("it is {kind:?} and not {kinds:?}")];
    };
    if kind != "application/json" {
        return Vec::new();
    }
    let value = match serde_json::from_slice(&answer.body) {
        Ok(value) => value,
        Err(error) => return vec![format!("it is no JSON: {error}")],
    };
    let mut wrong = Vec::new();
    fit(document, &described["schema"], &value, "$", &mut wrong);
    wrong
}

/// Adds how `value` differs from `schema`. A property that is not in the schema is a difference.
fn fit(document: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    let schema = resolve(document, schema);
    let Value::Object(rules) = schema else {
        assert_eq!(*schema, Value::Bool(true), "no schema at {at}");
        return;
    };
    let count = wrong.len();
    for (rule, wanted) in rules {
        match rule.as_str() {
            "type" => {
                let one = std::slice::from_ref(wanted);
                let kinds = wanted.as_array().map_or(one, Vec::as_slice);
                if !kinds.iter().any(|kind| is(kind.as_str().unwrap(), value)) {
                    wrong.push(format!("{at} is {value}, not {wanted}"));
                }
            }
            "enum" if !wanted.as_array().unwrap().contains(value) => {
                wrong.push(format!("{at} is {value}, not one of {wanted}"));
            }
            "minimum" if value.as_f64() < wanted.as_f64() && value.is_number() => {
                wrong.push(format!("{at} is {value}, at least {wanted}"));
            }
            "maximum" if value.as_f64() > wanted.as_f64() && value.is_number() => {
                wrong.push(format!("{at} is {value}, at most {wanted}"));
            }
            "minItems" | "maxItems" => {
                let length = value.as_array().map(|items| items.len() as u64);
                let (length, wanted) = (length.unwrap_or(0), wanted.as_u64().unwrap());
                if (rule == "minItems" && length < wanted)
                    || (rule == "maxItems" && length > wanted)
                {
                    wrong.push(format!("{at} has {length} items"));
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    fit(document, wanted, item, &format!("{at}[{index}]"), wrong);
                }
            }
            "anyOf" | "oneOf" => {
                let fits = |one: &&Value| {
                    let mut none = Vec::new();
                    fit(document, one, value, at, &mut none);
                    none.is_empty()
                };
                let count = wanted.as_array().unwrap().iter().filter(fits).count();
                if count == 0 || (rule == "oneOf" && count > 1) {
                    wrong.push(format!("{at} is {value}, {count} of what it may be"));
                }
            }
            "const" if wanted != value => wrong.push(format!("{at} is {value}, not {wanted}")),
            "properties"
            | "additionalProperties"
            | "required"
            | "minimum"
            | "maximum"
            | "enum"
            | "const" => {}
            other => assert!(SILENT.contains(&other), "{other} at {at} is not understood"),
        }
    }
    if wrong.len() == count
        && let Value::Object(fields) = value
    {
        fit_fields(document, rules, fields, at, wrong);
    }
    if rules
        .get("format")
        .is_some_and(|format| format == "date-time")
        && let Value::String(text) = value
        && berth_model::Timestamp::parse(text.trim_end_matches('Z')).is_none()
    {
        wrong.push(format!("{at} is {text:?}, no time"));
    }
}

fn fit_fields(
    document: &Value,
    rules: &Map<String, Value>,
    fields: &Map<String, Value>,
    at: &str,
    wrong: &mut Vec<String>,
) {
    for name in rules
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        if !fields.contains_key(name.as_str().unwrap()) {
            wrong.push(format!("{at} has no {name}"));
        }
    }
    // Of an object without properties nothing is said but that it is one.
    if !rules.contains_key("properties") && !rules.contains_key("additionalProperties") {
        return;
    }
    for (name, value) in fields {
        let own = rules.get("properties").and_then(|all| all.get(name));
        match own.or_else(|| rules.get("additionalProperties")) {
            None | Some(Value::Bool(false)) => {
                wrong.push(format!("{at} has {name}, which is not described"));
            }
            Some(schema) => fit(document, schema, value, &format!("{at}.{name}"), wrong),
        }
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_is_found() {
        let document = json!({"components": {"schemas": {"Tag": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "id": {"type": ["integer", "null"]}},
            "required": ["name"],
        }}}});
        let list = json!({"type": "array", "items": {"$ref": "#/components/schemas/Tag"}});
        let differs = |value: Value| {
            let mut wrong = Vec::new();
            fit(&document, &list, &value, "$", &mut wrong);
            wrong.len()
        };
        assert_eq!(differs(json!([])), 0);
        assert_eq!(
            differs(json!([{"name": "a"}, {"name": "b", "id": null}])),
            0
        );
        assert_eq!(differs(json!({})), 1);
        assert_eq!(differs(json!([{"id": 1}])), 1);
        assert_eq!(differs(json!([{"name": 1}])), 1);
        assert_eq!(differs(json!([{"name": "a", "secret": "b"}])), 1);
    }
}
