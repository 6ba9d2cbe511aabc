//! Delivering: one target is told of one event.
//!
//! Invariant: neither the address's path (Slack's is a secret), nor a secret, nor what the target
//! answers is written to the log that project administrators read.

use std::time::Duration;

use berth_crypto::hmac_sha256;
use berth_jobs::{Handler, JobError, Kind, TaskContext};
use berth_model::ProjectId;
use berth_remote::Sending;
use futures_util::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use crate::policies::{Target, TargetKind};
use crate::{Notify, NotifyError, store};

/// Time a target has for its answer.
const TIME: Duration = Duration::from_secs(10);
/// Largest answer that is read, bytes.
const ANSWER: usize = 64 * 1024;

/// The job type of one kind of target.
pub(crate) struct Deliver {
    pub(crate) notify: Notify,
    pub(crate) kind: TargetKind,
}

#[derive(Deserialize)]
struct Params {
    policy_id: i64,
    target: i64,
    event_type: String,
    media_type: String,
    payload: String,
}

impl Handler for Deliver {
    fn kind(&self) -> Kind {
        Kind {
            // The first try and three more.
            max_attempts: 4,
            concurrency: 5,
            time_out: Some(TIME * 3),
            ..Kind::new(self.kind.vendor())
        }
    }

    fn check(&self, params: &Value) -> Result<(), String> {
        Params::deserialize(params)
            .map(|_| ())
            .map_err(|error| error.to_string())
    }

    fn run(&self, task: TaskContext) -> BoxFuture<'_, Result<(), JobError>> {
        Box::pin(self.deliver(task))
    }
}

impl Deliver {
    async fn deliver(&self, task: TaskContext) -> Result<(), JobError> {
        let params = Params::deserialize(task.params()).map_err(JobError::fail)?;
        let target = self
            .notify
            .target(params.policy_id, params.target)
            .await
            .map_err(JobError::retry)?
            .ok_or_else(|| JobError::fail("the policy or its target was removed"))?;
        let sending = sending(&target, &params, &task)?;
        let host = self
            .notify
            .inner
            .egress
            .check(&target.address)
            .map_err(JobError::fail)?;
        let host = host.host_str().unwrap_or_default().to_owned();
        task.log(format!(
            "attempt {}: telling {host} of {} ({} bytes)",
            task.attempt(),
            params.event_type,
            params.payload.len()
        ));
        let answer = match self.notify.inner.egress.send(sending).await {
            Ok(answer) => answer,
            Err(error) => {
                task.log(error.to_string());
                return Err(if error.is_final() {
                    JobError::fail(error)
                } else {
                    JobError::retry(error)
                });
            }
        };
        let status = answer.status;
        task.log(format!("{host} answered {status}"));
        if status.is_success() {
            return Ok(());
        }
        let reason = format!("{host} answered {status}");
        let passing = status.is_server_error()
            || matches!(
                status,
                StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
            );
        Err(if passing {
            JobError::retry(reason)
        } else if status.is_redirection() {
            JobError::fail(format!("{reason}: give the policy the final address"))
        } else {
            JobError::fail(reason)
        })
    }
}

fn sending(target: &Target, params: &Params, task: &TaskContext) -> Result<Sending, JobError> {
    let mut sending = Sending::new(Method::POST, &target.address);
    sending.time_out = TIME;
    sending.most = ANSWER;
    sending.skip_verify = target.skip_cert_verify;
    let headers = &mut sending.headers;
    let value = |text: &str| HeaderValue::from_str(text).map_err(JobError::fail);
    headers.insert(CONTENT_TYPE, value(&params.media_type)?);
    if target.kind == TargetKind::Http {
        let delivery = task.execution().to_string();
        headers.insert(
            HeaderName::from_static("x-berth-event"),
            value(&params.event_type)?,
        );
        headers.insert(
            HeaderName::from_static("x-berth-delivery"),
            value(&delivery)?,
        );
    }
    if let Some(secret) = &target.auth_header {
        let mut secret = value(secret.expose())?;
        secret.set_sensitive(true);
        headers.insert(AUTHORIZATION, secret);
    }
    if let Some(secret) = &target.signing_secret {
        let timestamp = task.clock().now().seconds().to_string();
        let parts = [timestamp.as_bytes(), b".", params.payload.as_bytes()];
        let signature = hex::encode(hmac_sha256(secret.expose().as_bytes(), &parts));
        headers.insert(
            HeaderName::from_static("x-berth-timestamp"),
            value(&timestamp)?,
        );
        headers.insert(
            HeaderName::from_static("x-berth-signature"),
            value(&format!("sha256={signature}"))?,
        );
    }
    sending.body = params.payload.clone().into();
    Ok(sending)
}

impl Notify {
    /// A target of a policy by its place in it, if both are there.
    async fn target(&self, policy: i64, position: i64) -> Result<Option<Target>, NotifyError> {
        let Some(project) = store::policy::project_of(&self.inner.db, policy).await? else {
            return Ok(None);
        };
        let found = self.policy(ProjectId(project), policy).await;
        let mut policy = match found {
            Ok(policy) => policy,
            Err(NotifyError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let place = usize::try_from(position).unwrap_or(usize::MAX);
        Ok((place < policy.targets.len()).then(|| policy.targets.swap_remove(place)))
    }
}
