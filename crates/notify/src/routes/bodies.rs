//! What the routes take and show, in Harbor's shapes.

use berth_jobs::{Execution, Status, Task};
use berth_model::{Secret, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::policies::{Format, Policy, WantedPolicy, WantedTarget};

/// A target as it is shown: without its secrets.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WebhookTargetObject")]
pub(super) struct TargetBody {
    #[serde(rename = "type")]
    kind: &'static str,
    address: String,
    skip_cert_verify: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    payload_format: &'static str,
    /// Whether an `Authorization` header is sent; its value is never shown.
    has_auth_header: bool,
    /// Whether deliveries are signed; the secret is never shown.
    signed: bool,
}

/// A webhook policy.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WebhookPolicy")]
pub(super) struct PolicyBody {
    id: i64,
    name: String,
    description: String,
    project_id: i64,
    targets: Vec<TargetBody>,
    event_types: Vec<&'static str>,
    creator: String,
    #[schemars(extend("format" = "date-time"))]
    creation_time: String,
    #[schemars(extend("format" = "date-time"))]
    update_time: String,
    enabled: bool,
}

impl From<Policy> for PolicyBody {
    fn from(policy: Policy) -> Self {
        let targets = policy.targets.into_iter().map(|target| TargetBody {
            kind: target.kind.as_str(),
            address: target.address,
            skip_cert_verify: target.skip_cert_verify,
            payload_format: match target.format {
                Format::Slack => "",
                format => format.as_str(),
            },
            has_auth_header: target.auth_header.is_some(),
            signed: target.signing_secret.is_some(),
        });
        Self {
            id: policy.id,
            name: policy.name,
            description: policy.description,
            project_id: policy.project.get(),
            targets: targets.collect(),
            event_types: policy.kinds.iter().map(|kind| kind.as_str()).collect(),
            creator: policy.creator,
            creation_time: policy.created_at.to_rfc3339(),
            update_time: policy.updated_at.to_rfc3339(),
            enabled: policy.enabled,
        }
    }
}

/// A target to be told.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "WebhookTargetRequest")]
pub(super) struct TargetRequest {
    /// `http` or `slack`.
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    address: String,
    /// Value of the `Authorization` header. Absent: as it was for this address; empty: none.
    auth_header: Option<String>,
    /// What deliveries are signed with. Absent: as it was for this address; empty: nothing.
    signing_secret: Option<String>,
    #[serde(default)]
    skip_cert_verify: bool,
    /// `Default` or `CloudEvents`; absent for slack.
    #[serde(default)]
    payload_format: String,
}

/// A policy to be made, or as it shall be.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "WebhookPolicyRequest")]
pub(super) struct PolicyRequest {
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    targets: Vec<TargetRequest>,
    #[serde(default)]
    event_types: Vec<String>,
    #[serde(default)]
    enabled: bool,
}

impl From<PolicyRequest> for WantedPolicy {
    fn from(request: PolicyRequest) -> Self {
        let targets = request.targets.into_iter().map(|target| WantedTarget {
            kind: target.kind,
            address: target.address,
            format: target.payload_format,
            skip_cert_verify: target.skip_cert_verify,
            auth_header: target.auth_header.map(Secret::new),
            signing_secret: target.signing_secret.map(Secret::new),
        });
        Self {
            name: request.name,
            description: request.description,
            enabled: request.enabled,
            kinds: request.event_types,
            targets: targets.collect(),
        }
    }
}

/// When a policy was last told of an event.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WebhookLastTrigger")]
#[expect(clippy::struct_field_names, reason = "the names are Harbor's")]
pub(super) struct LastTrigger {
    pub(super) policy_name: String,
    pub(super) event_type: &'static str,
    pub(super) enabled: bool,
    #[schemars(extend("format" = "date-time"))]
    pub(super) creation_time: String,
    /// Absent when it never was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub(super) last_trigger_time: Option<String>,
}

/// What a webhook policy can be made of.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SupportedWebhookEventTypes")]
pub(super) struct Supported {
    pub(super) event_type: Vec<&'static str>,
    pub(super) notify_type: Vec<&'static str>,
    pub(super) payload_formats: Vec<PayloadFormat>,
}

/// The formats of a kind of target.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PayloadFormat {
    pub(super) notify_type: &'static str,
    pub(super) formats: Vec<&'static str>,
}

/// How many of a delivery's tasks stand where.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Metrics")]
#[expect(clippy::struct_field_names, reason = "the names are Harbor's")]
struct Metrics {
    task_count: i64,
    success_task_count: i64,
    error_task_count: i64,
    stopped_task_count: i64,
    /// Those that have not ended, once the first was begun; before, they are pending.
    running_task_count: i64,
    pending_task_count: i64,
    /// Always 0: those that wait for another try count as running.
    scheduled_task_count: i64,
}

impl Metrics {
    fn of(execution: &Execution) -> Self {
        let ended = execution.succeeded + execution.failed + execution.stopped;
        let waits = execution.status == Status::Pending;
        let (pending, running) = match execution.tasks - ended {
            left if waits => (left, 0),
            left => (0, left),
        };
        Self {
            task_count: execution.tasks,
            success_task_count: execution.succeeded,
            error_task_count: execution.failed,
            stopped_task_count: execution.stopped,
            running_task_count: running,
            pending_task_count: pending,
            scheduled_task_count: 0,
        }
    }
}

/// A delivery.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Execution")]
pub(super) struct ExecutionBody {
    id: i64,
    vendor_type: String,
    vendor_id: i64,
    status: String,
    status_message: String,
    trigger: String,
    metrics: Metrics,
    extra_attrs: Value,
    #[schemars(extend("format" = "date-time"))]
    start_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    end_time: Option<String>,
}

impl From<Execution> for ExecutionBody {
    fn from(execution: Execution) -> Self {
        Self {
            metrics: Metrics::of(&execution),
            id: execution.id.get(),
            vendor_type: execution.vendor,
            vendor_id: execution.vendor_id,
            status: execution.status.to_string(),
            status_message: execution.message,
            trigger: execution.trigger.to_string(),
            extra_attrs: execution.attributes,
            start_time: execution.started_at.to_rfc3339(),
            end_time: execution.ended_at.map(Timestamp::to_rfc3339),
        }
    }
}

/// A task of a delivery.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Task")]
pub(super) struct TaskBody {
    id: i64,
    execution_id: i64,
    status: String,
    status_message: String,
    run_count: i64,
    extra_attrs: Value,
    #[schemars(extend("format" = "date-time"))]
    creation_time: String,
    #[schemars(extend("format" = "date-time"))]
    update_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    start_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    end_time: Option<String>,
}

impl From<Task> for TaskBody {
    fn from(task: Task) -> Self {
        Self {
            id: task.id.get(),
            execution_id: task.execution_id.get(),
            status: task.status.to_string(),
            status_message: task.message,
            run_count: task.attempt,
            extra_attrs: task.attributes,
            creation_time: task.created_at.to_rfc3339(),
            update_time: task.updated_at.to_rfc3339(),
            start_time: task.started_at.map(Timestamp::to_rfc3339),
            end_time: task.ended_at.map(Timestamp::to_rfc3339),
        }
    }
}

/// A delivery as old clients read it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WebhookJob")]
pub(super) struct JobBody {
    id: i64,
    policy_id: i64,
    event_type: String,
    notify_type: String,
    status: String,
    job_detail: String,
    #[schemars(extend("format" = "date-time"))]
    creation_time: String,
    #[schemars(extend("format" = "date-time"))]
    update_time: String,
}

impl From<Execution> for JobBody {
    fn from(execution: Execution) -> Self {
        let text = |name: &str| {
            let value = execution.attributes.get(name);
            value.and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        Self {
            id: execution.id.get(),
            policy_id: execution.vendor_id,
            event_type: text("event_type"),
            notify_type: text("notify_type"),
            job_detail: text("payload"),
            status: execution.status.to_string(),
            creation_time: execution.started_at.to_rfc3339(),
            update_time: execution.updated_at.to_rfc3339(),
        }
    }
}
