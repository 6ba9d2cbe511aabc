//! `/projects/{project_name_or_id}/webhook`.
//!
//! Invariant: a policy is looked up in the project of the path, an execution in the policy and a
//! task in the execution; what belongs elsewhere is not there. Secrets are taken and never shown.

mod bodies;
mod deliveries;
mod policies;

use axum::routing::{get, post};
use berth_http::ApiError;
use berth_iam::{Access, Endpoint, Operation, Parameter, Permission};
use berth_model::{Action, Resource};
use http::Method;

use crate::Notify;
use bodies::{ExecutionBody, JobBody, LastTrigger, PolicyBody, PolicyRequest, Supported, TaskBody};

macro_rules! path {
    ($rest:literal) => {
        concat!("/api/v2.0/projects/{project_name_or_id}/webhook", $rest)
    };
}

const POLICIES: &str = path!("/policies");
const POLICY: &str = path!("/policies/{webhook_policy_id}");
const EXECUTIONS: &str = path!("/policies/{webhook_policy_id}/executions");
const REDELIVER: &str = path!("/policies/{webhook_policy_id}/executions/{execution_id}/redeliver");
const TASKS: &str = path!("/policies/{webhook_policy_id}/executions/{execution_id}/tasks");
const LOG: &str =
    path!("/policies/{webhook_policy_id}/executions/{execution_id}/tasks/{task_id}/log");
const TAG: &str = "webhook";

const JOB_FILTERS: &[Parameter] = &[
    Parameter::integer("policy_id", "The policy.").required(),
    Parameter::text("status", "Where the job stands."),
];

/// Every endpoint of this crate.
#[expect(clippy::too_many_lines, reason = "one entry an endpoint")]
pub fn endpoints(notify: &Notify) -> Vec<Endpoint> {
    let may = |action| Access::Project(Permission::new(Resource::NotificationPolicy, action));
    let state = || notify.clone();
    let about = |id, summary| Operation::new(id, TAG, summary);
    vec![
        Endpoint::new(
            Method::GET,
            POLICIES,
            may(Action::List),
            get(policies::list).with_state(state()),
        )
        .describe(
            about(
                "ListWebhookPoliciesOfProject",
                "List the webhook policies of a project",
            )
            .paged()
            .answer::<Vec<PolicyBody>>(),
        ),
        Endpoint::new(
            Method::POST,
            POLICIES,
            may(Action::Create),
            post(policies::create).with_state(state()),
        )
        .describe(
            about("CreateWebhookPolicyOfProject", "Make a webhook policy")
                .body::<PolicyRequest>()
                .creates()
                .errors(&[409]),
        ),
        Endpoint::new(
            Method::GET,
            POLICY,
            may(Action::Read),
            get(policies::read).with_state(state()),
        )
        .describe(
            about("GetWebhookPolicyOfProject", "Read a webhook policy").answer::<PolicyBody>(),
        ),
        Endpoint::new(
            Method::PUT,
            POLICY,
            may(Action::Update),
            axum::routing::put(policies::update).with_state(state()),
        )
        .describe(
            about("UpdateWebhookPolicyOfProject", "Change a webhook policy")
                .body::<PolicyRequest>()
                .errors(&[409]),
        ),
        Endpoint::new(
            Method::DELETE,
            POLICY,
            may(Action::Delete),
            axum::routing::delete(policies::remove).with_state(state()),
        )
        .describe(about(
            "DeleteWebhookPolicyOfProject",
            "Delete a webhook policy",
        )),
        Endpoint::new(
            Method::GET,
            EXECUTIONS,
            may(Action::Read),
            get(deliveries::executions).with_state(state()),
        )
        .describe(
            about(
                "ListExecutionsOfWebhookPolicy",
                "List the deliveries of a webhook policy",
            )
            .paged()
            .answer::<Vec<ExecutionBody>>(),
        ),
        Endpoint::new(
            Method::POST,
            REDELIVER,
            may(Action::Update),
            post(deliveries::redeliver).with_state(state()),
        )
        .describe(
            about(
                "RedeliverWebhookExecution",
                "Deliver the event of a past delivery again",
            )
            .creates(),
        ),
        Endpoint::new(
            Method::GET,
            TASKS,
            may(Action::Read),
            get(deliveries::tasks).with_state(state()),
        )
        .describe(
            about(
                "ListTasksOfWebhookExecution",
                "List the tasks of a delivery",
            )
            .paged()
            .answer::<Vec<TaskBody>>(),
        ),
        Endpoint::new(
            Method::GET,
            LOG,
            may(Action::Read),
            get(deliveries::log).with_state(state()),
        )
        .describe(
            about("GetLogsOfWebhookTask", "Read the log of a delivery").media_type("text/plain"),
        ),
        Endpoint::new(
            Method::GET,
            path!("/lasttrigger"),
            may(Action::Read),
            get(policies::last_triggers).with_state(state()),
        )
        .describe(
            about(
                "LastTrigger",
                "When each policy was last told of each event",
            )
            .answer::<Vec<LastTrigger>>(),
        ),
        Endpoint::new(
            Method::GET,
            path!("/events"),
            may(Action::Read),
            get(policies::supported),
        )
        .describe(
            about(
                "GetSupportedEventTypes",
                "What a webhook policy can be made of",
            )
            .answer::<Supported>(),
        ),
        Endpoint::new(
            Method::GET,
            path!("/jobs"),
            may(Action::List),
            get(deliveries::jobs).with_state(state()),
        )
        .describe(
            Operation::new(
                "ListWebhookJobs",
                "webhookjob",
                "List the deliveries of a policy",
            )
            .paged()
            .parameters(JOB_FILTERS)
            .deprecated()
            .answer::<Vec<JobBody>>(),
        ),
    ]
}

/// A number in the path; 422 for anything else.
fn id_in_path(name: &str, text: &str) -> Result<i64, ApiError> {
    text.parse()
        .map_err(|_| ApiError::unprocessable(format!("{name} in path must be a whole number")))
}
