//! Retention in Harbor's words.

use berth_jobs::{Execution, Status, Task};
use berth_model::Timestamp;
use berth_policy::{RetentionRule, TEMPLATES, Unit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A retention policy.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "RetentionPolicy")]
pub struct PolicyBody {
    /// Its id, given by the server.
    pub id: i64,
    /// `or`: what any rule keeps is kept.
    pub algorithm: String,
    /// What is kept.
    pub rules: Vec<RetentionRule>,
    /// When it runs by itself.
    pub trigger: Option<TriggerBody>,
    /// Which project it is of.
    pub scope: Option<ScopeBody>,
}

/// When a policy runs by itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "RetentionRuleTrigger")]
pub struct TriggerBody {
    /// `Schedule`.
    pub kind: String,
    /// `cron`: six fields, UTC; empty: only when somebody asks.
    pub settings: Option<Map<String, Value>>,
    /// Always empty.
    pub references: Option<Map<String, Value>>,
}

/// Which project a policy is of.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "RetentionPolicyScope")]
pub struct ScopeBody {
    /// `project`.
    pub level: String,
    /// The project's id.
    #[serde(rename = "ref")]
    pub reference: i64,
}

impl TriggerBody {
    pub(super) fn cron(&self) -> &str {
        let settings = self.settings.as_ref();
        let cron = settings.and_then(|settings| settings.get("cron"));
        cron.and_then(Value::as_str).unwrap_or_default().trim()
    }
}

impl PolicyBody {
    /// As JSON, without what other columns say; rules are numbered.
    pub(super) fn stored(&self) -> String {
        let rules = self.rules.iter().zip(1..).map(|(rule, id)| RetentionRule {
            id,
            action: "retain".to_owned(),
            ..rule.clone()
        });
        let trigger = self.trigger.clone().unwrap_or_default();
        let cron = Value::from(trigger.cron());
        let stored = Self {
            id: 0,
            algorithm: "or".to_owned(),
            rules: rules.collect(),
            trigger: Some(TriggerBody {
                kind: "Schedule".to_owned(),
                settings: Some(Map::from_iter([("cron".to_owned(), cron)])),
                references: Some(Map::new()),
            }),
            scope: None,
        };
        serde_json::to_string(&stored).unwrap_or_default()
    }
}

/// What a run is asked for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct RunBody {
    /// Nothing is deleted; the log says what would be.
    pub(super) dry_run: bool,
}

/// What is done to a run.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ActionBody {
    /// `stop`.
    pub(super) action: String,
}

/// A run of a policy.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RetentionExecution")]
pub(super) struct ExecutionBody {
    id: i64,
    policy_id: i64,
    start_time: String,
    end_time: String,
    status: Status,
    trigger: String,
    dry_run: bool,
}

fn time(at: Option<Timestamp>) -> String {
    at.map(Timestamp::to_rfc3339).unwrap_or_default()
}

impl From<Execution> for ExecutionBody {
    fn from(run: Execution) -> Self {
        let dry_run = run.attributes.get("dry_run").and_then(Value::as_bool);
        Self {
            id: run.id.get(),
            policy_id: run.vendor_id,
            start_time: time(Some(run.started_at)),
            end_time: time(run.ended_at),
            status: run.status,
            trigger: run.trigger.to_string(),
            dry_run: dry_run.unwrap_or(false),
        }
    }
}

/// What a run did to one repository.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RetentionExecutionTask")]
pub(super) struct TaskBody {
    id: i64,
    execution_id: i64,
    /// Without its project; empty while the repositories are looked for.
    repository: String,
    job_id: String,
    status: Status,
    status_code: i64,
    status_revision: i64,
    start_time: String,
    end_time: String,
    /// How many tags and untagged artifacts were judged.
    total: i64,
    /// How many of them are kept.
    retained: i64,
}

impl From<Task> for TaskBody {
    fn from(task: Task) -> Self {
        let number = |key: &str| {
            task.attributes
                .get(key)
                .and_then(Value::as_i64)
                .unwrap_or(0)
        };
        let repository = task.params.get("repository").and_then(Value::as_str);
        let repository = repository.unwrap_or_default();
        Self {
            id: task.id.get(),
            execution_id: task.execution_id.get(),
            repository: repository
                .split_once('/')
                .map_or(repository, |(_, rest)| rest)
                .to_owned(),
            job_id: task.id.to_string(),
            status: task.status,
            status_code: match task.status {
                Status::Pending => 0,
                Status::Scheduled => 1,
                Status::Running => 2,
                Status::Success | Status::Error | Status::Stopped => 3,
            },
            status_revision: task.attempt,
            start_time: time(task.started_at),
            end_time: time(task.ended_at),
            total: number("total"),
            retained: number("retained"),
        }
    }
}

/// What policies can say.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RetentionMetadata")]
pub(super) struct MetadataBody {
    templates: Vec<TemplateBody>,
    scope_selectors: Vec<SelectorBody>,
    tag_selectors: Vec<SelectorBody>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RetentionRuleMetadata")]
struct TemplateBody {
    rule_template: &'static str,
    display_text: &'static str,
    action: &'static str,
    params: Vec<ParameterBody>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RetentionRuleParamMetadata")]
struct ParameterBody {
    #[serde(rename = "type")]
    kind: &'static str,
    unit: &'static str,
    required: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RetentionSelectorMetadata")]
struct SelectorBody {
    display_text: &'static str,
    kind: &'static str,
    decorations: [&'static str; 2],
}

impl MetadataBody {
    pub(super) fn all() -> Self {
        let unit = |unit| {
            let unit = match unit {
                Unit::Count => "COUNT",
                Unit::Days => "DAYS",
                Unit::None => return Vec::new(),
            };
            vec![ParameterBody {
                kind: "int",
                unit,
                required: true,
            }]
        };
        let offered = TEMPLATES.iter().filter(|it| it.offered);
        Self {
            templates: offered
                .map(|it| TemplateBody {
                    rule_template: it.name,
                    display_text: it.keeps,
                    action: "retain",
                    params: unit(it.unit),
                })
                .collect(),
            scope_selectors: vec![SelectorBody {
                display_text: "Repositories",
                kind: "doublestar",
                decorations: ["repoMatches", "repoExcludes"],
            }],
            tag_selectors: vec![SelectorBody {
                display_text: "Tags",
                kind: "doublestar",
                decorations: ["matches", "excludes"],
            }],
        }
    }
}
