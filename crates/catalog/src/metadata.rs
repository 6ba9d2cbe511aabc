//! A project's metadata: which keys there are, and what each may say. All values are strings.
//!
//! Invariant: nothing is stored that was not checked here; booleans are `true` or `false`.

use std::borrow::Cow;

use berth_db::Tx;
use berth_iam::{Caller, ProjectFacts};
use berth_model::{ProjectId, Reason};
use berth_policy::pull::{Limits, PullRule};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::{Catalog, CatalogError, audit, record_in, store};

/// Longest free text, bytes.
const LONGEST_TEXT: usize = 1024;

/// What a key's value may be.
#[derive(Clone, Copy)]
enum Rule {
    Flag,
    Severity,
    /// -1 for unlimited, or a positive number.
    Limit,
    FilterKind,
    Text,
    /// How many vulnerabilities an image may have; nothing: however many.
    Limits,
    /// What must be true of an image that is pulled; nothing: whatever it is.
    Pull,
    /// Set by the server; a client may only repeat what is there.
    Own,
}

const RULES: &[(&str, Rule)] = &[
    ("public", Rule::Flag),
    ("enable_content_trust", Rule::Flag),
    ("enable_content_trust_cosign", Rule::Flag),
    ("prevent_vul", Rule::Flag),
    ("severity", Rule::Severity),
    ("vulnerability_limits", Rule::Limits),
    ("pull_rule", Rule::Pull),
    ("auto_scan", Rule::Flag),
    ("auto_sbom_generation", Rule::Flag),
    ("reuse_sys_cve_allowlist", Rule::Flag),
    ("retention_id", Rule::Own),
    ("proxy_speed_kb", Rule::Limit),
    ("max_upstream_conn", Rule::Limit),
    ("proxy_cache_local_on_not_found", Rule::Flag),
    ("proxy_referrer_api", Rule::Flag),
    ("proxy_cache_filter_pattern", Rule::Text),
    ("proxy_cache_filter_kind", Rule::FilterKind),
];

impl Rule {
    const fn expected(self) -> &'static str {
        match self {
            Self::Flag => "\"true\" or \"false\"",
            Self::Severity => "\"none\", \"low\", \"medium\", \"high\" or \"critical\"",
            Self::Limit => "\"-1\" or a number greater than 0",
            Self::FilterKind => "\"doublestar\" or \"regex\"",
            Self::Text => "a text of at most 1024 bytes",
            Self::Limits => "limits such as \"critical=0,high=5\", or nothing",
            Self::Pull => "a rule in CEL such as \"critical == 0 && age_days < 30\", or nothing",
            Self::Own => "left as it is",
        }
    }

    /// What is wrong with the value, where more can be said than what is expected.
    fn fault(self, value: &str) -> Option<(String, Reason)> {
        match self {
            _ if value.is_empty() => None,
            Self::Limits => {
                let error = Limits::parse(value).err()?;
                Some((error.to_string(), error.reason().into()))
            }
            Self::Pull => {
                let error = PullRule::parse(value).err()?;
                Some((error.to_string(), error.reason().into()))
            }
            _ => None,
        }
    }

    /// The value as it is stored.
    fn check(self, value: &str) -> Option<String> {
        let lower = value.to_ascii_lowercase();
        let one_of = |allowed: &[&str]| allowed.contains(&lower.as_str()).then(|| lower.clone());
        match self {
            Self::Flag => one_of(&["true", "false"]),
            Self::Severity => one_of(&["none", "low", "medium", "high", "critical"]),
            Self::Limit => {
                let number: i64 = value.parse().ok()?;
                (number == -1 || number > 0).then(|| number.to_string())
            }
            Self::FilterKind => one_of(&["doublestar", "regex"]),
            Self::Limits | Self::Pull if value.is_empty() => Some(String::new()),
            Self::Limits => Some(Limits::parse(value).ok()?.to_string()),
            Self::Pull => Some(PullRule::parse(value).ok()?.text().to_owned()),
            Self::Text | Self::Own => (value.len() <= LONGEST_TEXT).then(|| value.to_owned()),
        }
    }
}

/// The schema of a project's metadata, made from the same table that values are checked with.
pub(crate) struct ProjectMetadata;

impl JsonSchema for ProjectMetadata {
    fn schema_name() -> Cow<'static, str> {
        "ProjectMetadata".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        // Clients send null for keys they do not care for.
        let kind = if generator.contract().is_deserialize() {
            json!(["string", "null"])
        } else {
            json!("string")
        };
        let properties: Map<String, Value> = RULES
            .iter()
            .map(|(key, rule)| {
                let property = json!({"type": kind, "description": rule.expected()});
                ((*key).to_owned(), property)
            })
            .collect();
        json_schema!({
            "type": "object",
            "description": "The settings of a project: all values are strings.",
            "properties": properties,
        })
    }
}

fn check(key: &str, value: &str) -> Result<String, CatalogError> {
    let Some((key, rule)) = RULES.iter().find(|(name, _)| *name == key) else {
        let known: Vec<&str> = RULES.iter().map(|(name, _)| *name).collect();
        return Err(CatalogError::Invalid(format!(
            "there is no project metadata {key:?}; use one of {}",
            known.join(", ")
        )));
    };
    rule.check(value).ok_or_else(|| CatalogError::Metadata {
        key,
        expected: rule.expected(),
        fault: rule.fault(value),
    })
}

/// Checked changes of one project's metadata.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    pub(crate) public: Option<bool>,
    others: Vec<(String, String)>,
}

impl Changes {
    pub(crate) fn read(pairs: &[(String, String)]) -> Result<Self, CatalogError> {
        let mut changes = Self::default();
        for (key, value) in pairs {
            let value = check(key, value)?;
            if key == "public" {
                changes.public = Some(value == "true");
            } else {
                changes.others.push((key.clone(), value));
            }
        }
        Ok(changes)
    }

    pub(crate) async fn write(&self, tx: &mut Tx, project: ProjectId) -> Result<(), CatalogError> {
        if let Some(public) = self.public {
            store::project::set_public(tx, project, public).await?;
        }
        for (key, value) in &self.others {
            if key == "retention_id" {
                let held = store::metadata::get(tx, project, key).await?;
                if held.as_deref() != Some(value) {
                    return Err(CatalogError::Invalid(
                        "project metadata retention_id is set by making a retention policy"
                            .to_owned(),
                    ));
                }
            }
            store::metadata::put(tx, project, key, value).await?;
        }
        Ok(())
    }
}

/// Says in a project's metadata which retention policy it has.
pub async fn set_retention_id(
    tx: &mut Tx,
    project: ProjectId,
    policy: Option<i64>,
) -> Result<(), CatalogError> {
    const KEY: &str = "retention_id";
    match policy {
        Some(id) => store::metadata::put(tx, project, KEY, &id.to_string()).await,
        None => store::metadata::delete(tx, project, KEY).await.map(|_| ()),
    }
}

/// What is done to one key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Add,
    Replace,
    Remove,
}

impl Catalog {
    /// All metadata of a project, `public` first.
    pub async fn list_metadata(
        &self,
        project: &ProjectFacts,
    ) -> Result<Vec<(String, String)>, CatalogError> {
        let mut pairs = vec![("public".to_owned(), project.public.to_string())];
        let rows = store::metadata::of_projects(self.db(), &[project.id]).await?;
        pairs.extend(rows.into_iter().map(|(_, key, value)| (key, value)));
        Ok(pairs)
    }

    /// Adds one key; 409 when it is there.
    pub async fn add_metadata_key(
        &self,
        caller: &Caller,
        project: &ProjectFacts,
        key: String,
        value: String,
    ) -> Result<(), CatalogError> {
        self.change_metadata(caller, project, key, value, Step::Add)
            .await
    }

    /// Replaces one key; 404 when it is not there.
    pub async fn replace_metadata_key(
        &self,
        caller: &Caller,
        project: &ProjectFacts,
        key: String,
        value: String,
    ) -> Result<(), CatalogError> {
        self.change_metadata(caller, project, key, value, Step::Replace)
            .await
    }

    /// Removes one key; 404 when it is not there. A project without `public` is private.
    pub async fn remove_metadata_key(
        &self,
        caller: &Caller,
        project: &ProjectFacts,
        key: String,
    ) -> Result<(), CatalogError> {
        self.change_metadata(caller, project, key, String::new(), Step::Remove)
            .await
    }

    async fn change_metadata(
        &self,
        caller: &Caller,
        project: &ProjectFacts,
        key: String,
        value: String,
        step: Step,
    ) -> Result<(), CatalogError> {
        let changes = match step {
            Step::Remove if key == "public" => Changes {
                public: Some(false),
                others: Vec::new(),
            },
            Step::Remove => Changes::default(),
            Step::Add | Step::Replace => Changes::read(&[(key.clone(), value)])?,
        };
        let (now, id) = (self.clock().now(), project.id);
        let entry = audit::of_project(caller, "update", now, &project.name).in_project(id);
        self.db()
            .write(move |tx| {
                Box::pin(async move {
                    if !store::project::touch(tx, id, now).await? {
                        return Err(CatalogError::project_not_found(id));
                    }
                    let there =
                        key == "public" || store::metadata::get(tx, id, &key).await?.is_some();
                    match (step, there) {
                        (Step::Add, true) => {
                            return Err(CatalogError::Conflict(format!(
                                "project metadata {key} is set already: update it instead"
                            )));
                        }
                        (Step::Replace | Step::Remove, false) => {
                            return Err(CatalogError::NotFound(format!(
                                "project metadata {key} is not set"
                            )));
                        }
                        (Step::Remove, true) if key != "public" => {
                            store::metadata::delete(tx, id, &key).await?;
                        }
                        _ => changes.write(tx, id).await?,
                    }
                    record_in(tx, entry).await
                })
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_takes_what_it_should() {
        for (key, value, stored) in [
            ("public", "True", Some("true")),
            ("public", "yes", None),
            ("prevent_vul", "false", Some("false")),
            ("severity", "High", Some("high")),
            ("severity", "terrible", None),
            ("proxy_speed_kb", "-1", Some("-1")),
            ("proxy_speed_kb", "0", None),
            ("max_upstream_conn", "+5", Some("5")),
            ("max_upstream_conn", "five", None),
            ("proxy_cache_filter_kind", "regex", Some("regex")),
            ("proxy_cache_filter_kind", "glob", None),
            ("proxy_cache_filter_pattern", "**/a", Some("**/a")),
            ("owner_id", "1", None),
            (
                "vulnerability_limits",
                "high = 5, critical=0",
                Some("critical=0,high=5"),
            ),
            ("vulnerability_limits", "", Some("")),
            ("vulnerability_limits", "critical=many", None),
            (
                "pull_rule",
                "critical == 0 && age_days < 30",
                Some("critical == 0 && age_days < 30"),
            ),
            ("pull_rule", "", Some("")),
            ("pull_rule", "critical ==", None),
        ] {
            assert_eq!(check(key, value).ok().as_deref(), stored, "{key}={value}");
        }
    }
}
