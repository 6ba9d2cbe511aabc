//! The API document against Harbor's: the same operations in the same shapes.
//!
//! The operations are those of the tables in `docs/harbor-compatibility.md`, so what the manual
//! says of them is what is checked. What they take and what the definitions hold is in
//! `tests/data`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::app::both;
use crate::openapi::{document, operations};

const MANUAL: &str = include_str!("../../../../docs/harbor-compatibility.md");
const TAKEN: &str = include_str!("../data/harbor_operations.txt");
const DEFINITIONS: &str = include_str!("../data/harbor_definitions.txt");
const SCHEMAS: &str = "#/components/schemas/";

/// One of Harbor's operations, as the manual has it.
struct Row {
    id: &'static str,
    tag: &'static str,
    method: &'static str,
    path: &'static str,
    status: &'static str,
    /// `Project`, `Project[]`, `text`, `map<string>`; empty for an empty body.
    answer: &'static str,
    state: &'static str,
}

fn rows() -> Vec<Row> {
    let operations = MANUAL.split_once("\n## Operations\n").unwrap().1;
    let operations = operations.split("\n## ").next().unwrap();
    let mut tag = "";
    let mut rows = Vec::new();
    for line in operations.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            tag = heading;
        }
        let Some(cells) = line.strip_prefix("| `") else {
            continue;
        };
        let cells: Vec<&str> = cells
            .trim_end_matches('|')
            .split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect();
        let &[id, route, answer, state] = cells.as_slice() else {
            panic!("not four columns: {line}");
        };
        let (method, path) = route.split_once(' ').unwrap();
        let (status, answer) = answer.split_once(' ').unwrap_or((answer, ""));
        rows.push(Row {
            id,
            tag,
            method,
            path,
            status,
            answer: answer.trim_matches('`'),
            state,
        });
    }
    rows
}

/// A data file: in each line a name and words.
fn lines(data: &'static str) -> BTreeMap<&'static str, Vec<&'static str>> {
    data.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, words) = line.split_once(':').unwrap();
            (name, words.split_whitespace().collect())
        })
        .collect()
}

/// What the manual says is left out, by operation or definition and name, and why.
fn left_out() -> BTreeMap<(&'static str, &'static str), &'static str> {
    let table = MANUAL.split_once("\n## Left out\n").unwrap().1;
    let table = table.split("\n## ").next().unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.flat_map(|row| {
        let (of, rest) = row.split_once('|').unwrap();
        let of = of.trim().trim_matches('`');
        let (names, why) = rest.split_once('|').unwrap();
        let why = why.trim_end_matches('|').trim();
        let names = names.split(',');
        names.map(move |name| ((of, name.trim().trim_matches('`')), why))
    })
    .collect()
}

/// Compares names that are there with those that Harbor lists.
struct Comparison {
    left_out: BTreeMap<(&'static str, &'static str), &'static str>,
    wrong: Vec<String>,
}

impl Comparison {
    fn new() -> Self {
        Self {
            left_out: left_out(),
            wrong: Vec::new(),
        }
    }

    fn compare(&mut self, of: &str, there: &BTreeSet<&str>, listed: &[&str]) {
        for name in listed {
            match (there.contains(name), self.left_out.get(&(of, *name))) {
                (false, None) => self.wrong.push(format!("{of}: {name} is missing")),
                (true, Some(_)) => {
                    self.wrong.push(format!("{of}: {name} is not left out"));
                }
                _ => {}
            }
        }
    }
}

/// How a schema is written in the tables.
fn written(schema: &Value) -> String {
    if let Some(target) = schema["$ref"].as_str() {
        return target.trim_start_matches(SCHEMAS).to_owned();
    }
    if schema["type"] == "array" {
        return format!("{}[]", written(&schema["items"]));
    }
    if schema["additionalProperties"].is_object() {
        return format!("map<{}>", written(&schema["additionalProperties"]));
    }
    schema["type"].as_str().unwrap_or("any").to_owned()
}

/// How the answer of an operation is written in the tables.
fn answer(response: &Value) -> String {
    let Some(content) = response["content"].as_object() else {
        return String::new();
    };
    match content.iter().next() {
        Some((kind, content)) if kind == "application/json" => written(&content["schema"]),
        Some((kind, _)) if kind == "text/plain" => "text".to_owned(),
        Some((kind, _)) if kind == "text/csv" => "csv".to_owned(),
        Some(_) => "bytes".to_owned(),
        None => String::new(),
    }
}

/// The names of an operation's query parameters.
fn query<'a>(document: &'a Value, operation: &'a Value) -> BTreeSet<&'a str> {
    let parameters = operation["parameters"].as_array().unwrap().iter();
    parameters
        .map(|parameter| match parameter["$ref"].as_str() {
            Some(target) => document.pointer(&target[1..]).unwrap(),
            None => parameter,
        })
        .filter(|parameter| parameter["in"] == "query")
        .map(|parameter| parameter["name"].as_str().unwrap())
        .collect()
}

/// What is wrong with an operation that the table has as built.
fn check(
    document: &Value,
    row: &Row,
    taken: &[&str],
    (method, path, operation): &(String, &str, &Value),
    comparison: &mut Comparison,
) {
    let id = row.id;
    let wrong = &mut comparison.wrong;
    if (method.as_str(), *path) != (row.method, row.path) {
        wrong.push(format!(
            "{id} is {method} {path}, in Harbor {} {}",
            row.method, row.path
        ));
    }
    let tag = operation["tags"][0].as_str().unwrap();
    if tag != row.tag {
        wrong.push(format!("{id} has the tag {tag}, in Harbor {}", row.tag));
    }
    let response = &operation["responses"][row.status];
    if response.is_null() {
        wrong.push(format!("{id} does not answer {}", row.status));
    } else if answer(response) != row.answer {
        wrong.push(format!(
            "{id} answers {:?}, in Harbor {:?}",
            answer(response),
            row.answer
        ));
    }
    let mut listed = taken.to_vec();
    let body = listed
        .first()
        .and_then(|word| word.strip_prefix('{')?.strip_suffix('}'));
    if let Some(body) = body {
        listed.remove(0);
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let name = written(schema);
        // Harbor does not say of what kind every object is.
        if body != "object" && name != body && name != format!("{body}Request") {
            wrong.push(format!("{id} takes {name}, in Harbor {body}"));
        }
    }
    comparison.compare(id, &query(document, operation), &listed);
}

#[tokio::test]
async fn the_document_has_harbors_operations() {
    both(async |app| {
        let document = document(app).await;
        let ours: BTreeMap<&str, (String, &str, &Value)> = operations(&document)
            .map(|it| (it.2["operationId"].as_str().unwrap(), it))
            .collect();
        let rows = rows();
        let taken = lines(TAKEN);
        assert_eq!(rows.len(), 203);
        let mut comparison = Comparison::new();
        let mut ids = BTreeSet::new();
        for row in &rows {
            assert!(ids.insert(row.id), "{} is there twice", row.id);
            let Some(taken) = taken.get(row.id) else {
                panic!("{} is not in harbor_operations.txt", row.id);
            };
            match (ours.get(row.id), row.state) {
                (Some(found), "built") => {
                    check(&document, row, taken, found, &mut comparison);
                }
                (None, "built") => comparison.wrong.push(format!("{} is not there", row.id)),
                (found, state) if state.starts_with("later: ") => {
                    let same = |(method, path, _): &(String, &str, &Value)| {
                        (method.as_str(), *path) == (row.method, row.path)
                    };
                    if found.is_some() || ours.values().any(same) {
                        comparison
                            .wrong
                            .push(format!("{} is there now: it is `built`", row.id));
                    }
                }
                (_, state) => comparison
                    .wrong
                    .push(format!("{} cannot be {state:?}", row.id)),
            }
        }
        assert!(comparison.wrong.is_empty(), "{:#?}", comparison.wrong);
    })
    .await;
}

#[tokio::test]
async fn what_is_answered_has_harbors_properties() {
    both(async |app| {
        let document = document(app).await;
        let definitions = lines(DEFINITIONS);
        let mut comparison = Comparison::new();
        let mut compared = 0;
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            let Some(listed) = definitions.get(name.as_str()) else {
                continue;
            };
            let properties = schema["properties"].as_object();
            let there = properties
                .into_iter()
                .flatten()
                .map(|(name, _)| name.as_str())
                .collect();
            comparison.compare(name, &there, listed);
            compared += 1;
        }
        assert!(compared > 20);
        assert!(comparison.wrong.is_empty(), "{:#?}", comparison.wrong);
    })
    .await;
}
