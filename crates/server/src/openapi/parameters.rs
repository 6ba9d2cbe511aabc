//! Parameters that many operations share: those of paths, pages and headers.

use berth_iam::{Parameter, ParameterKind};
use berth_model::Limits;
use serde_json::{Value, json};

use ParameterKind::{Integer, Text};

/// What stands in braces in paths: whether it is a number, and what it names.
const IN_PATH: &[(&str, ParameterKind, &str)] = &[
    (
        "addition",
        Text,
        "What is added: `build_history`, `values.yaml`, `readme.md` or `dependencies`.",
    ),
    ("digest", Text, "A digest, `sha256:…`."),
    ("eid", Integer, "The id of an execution."),
    ("execution_id", Integer, "The id of an execution."),
    ("feed_name", Text, "The name of a feed of advisories."),
    ("gc_id", Integer, "The id of a garbage collection."),
    ("group_id", Integer, "The id of a user group."),
    ("id", Integer, "Its id."),
    ("immutable_rule_id", Integer, "The id of the rule."),
    ("job_id", Text, "The id of a job."),
    ("job_type", Text, "A type of jobs, or `all`."),
    (
        "deleted_repository_id",
        Integer,
        "The id of a deleted repository.",
    ),
    ("label_id", Integer, "The id of a label."),
    ("meta_name", Text, "A key of a project's settings."),
    ("mid", Integer, "The id of a membership."),
    ("pool_id", Text, "The id of a worker pool."),
    (
        "project_name",
        Text,
        "The project's name; its id is not understood here.",
    ),
    (
        "project_name_or_id",
        Text,
        "The project's name or id. Digits alone are an id, unless `X-Is-Resource-Name` is true.",
    ),
    ("purge_id", Integer, "The id of a purge of the audit log."),
    ("reference", Text, "A tag or a digest."),
    (
        "repository_name",
        Text,
        "The repository's name without its project. A slash in it is encoded twice: `a%252Fb`.",
    ),
    ("registration_id", Text, "The id of a scanner."),
    ("repair_id", Integer, "The id of a repair."),
    ("report_id", Text, "The id of a scan's report."),
    ("robot_id", Integer, "The id of a robot."),
    ("scrub_id", Integer, "The id of a scrub."),
    ("tag_name", Text, "A tag."),
    ("task_id", Integer, "The id of a task."),
    ("tid", Integer, "The id of a task."),
    ("user_id", Integer, "The id of a user."),
    ("vex_id", Integer, "The id of an OpenVEX document."),
    ("webhook_policy_id", Integer, "The id of a webhook policy."),
];

fn schema(kind: ParameterKind) -> Value {
    match kind {
        ParameterKind::Text => json!({"type": "string"}),
        ParameterKind::Integer => json!({"type": "integer", "format": "int64"}),
        ParameterKind::Flag => json!({"type": "boolean"}),
    }
}

/// The shared ones, by the name they are referred to.
pub(super) fn shared() -> Value {
    json!({
        "requestId": {
            "name": "X-Request-Id", "in": "header",
            "description": "An id of your own for the request; the answer and the log carry it.",
            "schema": {"type": "string", "minLength": 1},
        },
        "isResourceName": {
            "name": "X-Is-Resource-Name", "in": "header",
            "description": "Take the project in the path for a name, even if it is all digits.",
            "schema": {"type": "boolean", "default": false},
        },
        "page": {
            "name": "page", "in": "query",
            "description": "Which page, counted from 1; 0 is the first, too.",
            "schema": {"type": "integer", "format": "int64", "minimum": 0, "default": 1},
        },
        "pageSize": {
            "name": "page_size", "in": "query",
            "description": "Entries of a page; 0 for all, a thousand at most.",
            "schema": {
                "type": "integer", "format": "int64",
                "minimum": 0, "maximum": Limits::API_PAGE, "default": 10,
            },
        },
        "query": {
            "name": "q", "in": "query",
            "description": "Conditions joined by commas: `name=app` equal, `name=~app` contains, \
                `size=[1~9]` from and to (either may be left out), `kind={a b}` one of, \
                `kind=(a b)` all of.",
            "schema": {"type": "string"},
        },
        "sort": {
            "name": "sort", "in": "query",
            "description": "What to sort by, joined by commas; `-name` from the end.",
            "schema": {"type": "string"},
        },
    })
}

/// Refers to one of [`shared`].
pub(super) fn refer(name: &str) -> Value {
    json!({"$ref": format!("#/components/parameters/{name}")})
}

/// The parameters that a path names in braces.
pub(super) fn of_path(path: &str) -> impl Iterator<Item = Value> {
    names(path).map(|name| {
        let known = IN_PATH.iter().find(|(known, ..)| *known == name);
        let (kind, about) = known.map_or((Text, ""), |(_, kind, about)| (*kind, *about));
        let mut parameter = json!({
            "name": name, "in": "path", "required": true, "schema": schema(kind),
        });
        if !about.is_empty() {
            parameter["description"] = about.into();
        }
        parameter
    })
}

/// Whether what a path names so is a number.
pub(super) fn is_number(name: &str) -> bool {
    let known = IN_PATH.iter().find(|(known, ..)| *known == name);
    known.is_some_and(|(_, kind, _)| *kind == Integer)
}

/// The names in braces.
pub(super) fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

/// One that a handler reads by its name.
pub(super) fn named(parameter: &Parameter) -> Value {
    json!({
        "name": parameter.name,
        "in": if parameter.header { "header" } else { "query" },
        "required": parameter.required,
        "description": parameter.about,
        "schema": schema(parameter.kind),
    })
}
