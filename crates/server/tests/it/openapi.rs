//! The API document: served whole, sound in itself.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::app::{App, both};

const DOCUMENT: &str = "/api/v2.0/openapi.json";

/// The document of a server under test.
pub(crate) async fn document(app: &App) -> Value {
    app.get(DOCUMENT).nobody().send().await.expect(200).json()
}

/// Every operation as `(method, path, operation)`.
pub(crate) fn operations(document: &Value) -> impl Iterator<Item = (String, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        methods.map(|(method, operation)| (method.to_uppercase(), path.as_str(), operation))
    })
}

/// Calls `see` with every reference in `value`.
fn references<'a>(value: &'a Value, see: &mut impl FnMut(&'a str)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, see)),
        Value::Object(fields) => {
            for (key, field) in fields {
                match field.as_str() {
                    Some(target) if key == "$ref" => see(target),
                    _ => references(field, see),
                }
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn the_document_is_open_to_all_and_kept_by_its_tag() {
    both(async |app| {
        let first = app.get(DOCUMENT).nobody().send().await.expect(200);
        assert_eq!(first.need("content-type"), "application/json");
        let tag = first.need("etag").to_owned();
        let again = app.get(DOCUMENT).header("if-none-match", &tag).send().await;
        assert!(again.expect(304).body.is_empty());
        let other = app.get(DOCUMENT).header("if-none-match", "\"other\"");
        assert_eq!(other.send().await.expect(200).body, first.body);
        let harbors = app.get("/swagger.json").nobody().send().await.expect(200);
        assert_eq!(harbors.body, first.body);
    })
    .await;
}

#[tokio::test]
async fn the_document_is_sound() {
    both(async |app| {
        let document = document(app).await;
        assert_eq!(document["openapi"], "3.1.0");
        let mut ids = BTreeSet::new();
        for (method, path, operation) in operations(&document) {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id), "two operations are called {id}");
            let needs_no_proof = method == "GET" || method == "HEAD";
            let security = operation["security"].as_array().unwrap();
            assert!(security[0]["basic"].is_array(), "{method} {path}");
            assert!(security[1]["session"].is_array(), "{method} {path}");
            assert_eq!(
                security[1]["proof"].is_null(),
                needs_no_proof,
                "{method} {path}"
            );
            let parameters = operation["parameters"].as_array().unwrap();
            let mut names = BTreeSet::new();
            for parameter in parameters {
                if let Some(name) = parameter["name"].as_str() {
                    let place = parameter["in"].as_str().unwrap();
                    assert!(names.insert((place, name)), "{method} {path}: two {name}");
                    let about = parameter["description"].as_str().unwrap_or("");
                    assert!(!about.is_empty(), "{method} {path}: what is {name}?");
                }
            }
        }
        assert!(!ids.is_empty());
        let mut used = BTreeSet::new();
        references(&document, &mut |target| {
            let pointer = target.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{target} is not there");
            used.insert(target);
        });
        let schemas = document["components"]["schemas"].as_object().unwrap();
        for name in schemas.keys() {
            let pointer = format!("#/components/schemas/{name}");
            assert!(used.contains(pointer.as_str()), "nothing uses {name}");
            // So the generator calls the second of two types with one name.
            let first = name.trim_end_matches(|c: char| c.is_ascii_digit());
            assert!(
                first == name || !schemas.contains_key(first),
                "two types are called {first}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    both(async |app| {
        let page = app.get("/devcenter-api-2.0").nobody().send().await;
        let page = page.expect(200);
        assert_eq!(page.need("content-type"), "text/html; charset=utf-8");
        let policy = page.need("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        let text = page.text();
        assert!(!text.contains("://"), "the page names another server");
        let sources: Vec<&str> = text
            .split(['"', '\''])
            .filter(|part| part.starts_with("/devcenter-api-2.0/"))
            .collect();
        assert_eq!(sources.len(), 2);
        for source in sources {
            let part = app.get(source).nobody().send().await.expect(200);
            assert_eq!(part.need("x-content-type-options"), "nosniff");
            assert!(
                !part.text().contains("http"),
                "{source} names another server"
            );
            let tag = part.need("etag").to_owned();
            let again = app.get(source).header("if-none-match", &tag).send().await;
            again.expect(304);
        }
    })
    .await;
}
