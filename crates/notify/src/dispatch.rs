//! From the outbox to executions.
//!
//! Invariant: nothing is polled while nothing happens, but for a slow look that finds what another
//! process, or one that died, has left.

use std::collections::{BTreeMap, HashMap, HashSet, hash_map};
use std::time::Duration;

use berth_iam::{Actor, ProjectFacts};
use berth_jobs::{NewExecution, NewTask, Trigger};
use berth_model::{Event, EventKind, Happening, ProjectId};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::payload::{Body, Place, body};
use crate::policies::{Format, Policy, Target};
use crate::{Notify, NotifyError, store};

/// Events handed on in one transaction.
const BATCH: i64 = 200;
/// How often the outbox is looked into although nothing was published here.
const SLOW: Duration = Duration::from_secs(10);
/// The pause after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// An execution to be made, and of which event.
struct Planned {
    event: i64,
    kind: EventKind,
    at: berth_model::Timestamp,
    policy: i64,
    execution: NewExecution,
}

impl Notify {
    /// Hands events on until `stop` is cancelled.
    pub async fn dispatch(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let pause = match self.dispatch_some().await {
                Ok(handed) if handed > 0 => continue,
                Ok(_) => SLOW,
                Err(error) => {
                    tracing::error!(%error, "events could not be handed on; it is tried again");
                    PAUSE
                }
            };
            tokio::select! {
                () = self.inner.catalog.outbox().arrived(), if pause == SLOW => {}
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Hands one batch on; gives the number of events that left the outbox.
    async fn dispatch_some(&self) -> Result<usize, NotifyError> {
        let (db, catalog) = (&self.inner.db, &self.inner.catalog);
        let waiting = catalog.outbox().waiting(db, BATCH).await?;
        if waiting.is_empty() {
            return Ok(0);
        }
        let ids: Vec<i64> = waiting.iter().map(|(id, _)| *id).collect();
        let mut planned = Vec::new();
        if catalog.settings().notification_enable {
            let mut projects = HashMap::new();
            let mut places = HashMap::new();
            for (id, event) in &waiting {
                if let Some(event) = event {
                    let more = self.plan(*id, event, &mut projects, &mut places).await?;
                    planned.extend(more);
                }
            }
        }
        let count = ids.len();
        let (notify, planned) = (self.clone(), std::sync::Arc::new(planned));
        db.write(move |tx| {
            Box::pin(async move {
                let outbox = notify.inner.catalog.outbox();
                let gone: HashSet<i64> = outbox.remove(tx, &ids).await?;
                let ours = || planned.iter().filter(|plan| gone.contains(&plan.event));
                // The newest of each kind is what a policy's trigger remembers; a policy that is
                // gone by now has none, and is told nothing.
                let newest: BTreeMap<_, _> = ours().map(|p| ((p.policy, p.kind), p.at)).collect();
                let mut there = HashSet::new();
                for ((policy, kind), at) in newest {
                    if store::policy::triggered(tx, policy, kind, at).await? {
                        there.insert(policy);
                    }
                }
                for plan in ours().filter(|plan| there.contains(&plan.policy)) {
                    let execution = plan.execution.clone();
                    notify.inner.jobs.submit_in(tx, execution).await?;
                }
                Ok::<_, NotifyError>(())
            })
        })
        .await?;
        Ok(count)
    }

    async fn plan(
        &self,
        id: i64,
        event: &Event,
        projects: &mut HashMap<ProjectId, (Option<ProjectFacts>, Vec<Policy>)>,
        places: &mut HashMap<(ProjectId, String), Place>,
    ) -> Result<Vec<Planned>, NotifyError> {
        let catalog = &self.inner.catalog;
        if let hash_map::Entry::Vacant(unknown) = projects.entry(event.project) {
            let facts = catalog
                .project_facts_by_id(&Actor::Anonymous, event.project)
                .await?;
            let rows = store::policy::of_project(&self.inner.db, event.project).await?;
            let policies = self.with_targets(rows).await?;
            unknown.insert((facts, policies));
        }
        let Some((Some(facts), policies)) = projects.get(&event.project) else {
            return Ok(Vec::new());
        };
        let kind = event.what.kind();
        let name = repository_of(&event.what);
        let key = (event.project, name.to_owned());
        if !places.contains_key(&key) {
            let repository = catalog.find_repository(name).await?;
            let place = Place {
                project_name: facts.name.clone(),
                public: facts.public,
                repository_made: repository.map_or(0, |found| found.created_at.seconds()),
                host: self.inner.registry_host.clone(),
            };
            places.insert(key.clone(), place);
        }
        let place = &places[&key];
        let mut planned = Vec::new();
        let heard = policies
            .iter()
            .filter(|policy| policy.enabled && policy.kinds.contains(&kind));
        for policy in heard {
            for (position, target) in (0_i64..).zip(&policy.targets) {
                let unique = uuid::Uuid::now_v7().to_string();
                let body = body(event, place, target.format, policy.id, &unique);
                planned.push(Planned {
                    event: id,
                    kind,
                    at: event.at,
                    policy: policy.id,
                    execution: execution(policy, position, target, kind, &body),
                });
            }
        }
        Ok(planned)
    }
}

fn execution(
    policy: &Policy,
    position: i64,
    target: &Target,
    kind: EventKind,
    body: &Body,
) -> NewExecution {
    let params = json!({
        "policy_id": policy.id,
        "target": position,
        "event_type": kind.as_str(),
        "media_type": body.media_type,
        "payload": body.text,
    });
    NewExecution {
        vendor: target.kind.vendor(),
        vendor_id: policy.id,
        trigger: Trigger::Event,
        attributes: json!({
            "event_type": kind.as_str(),
            "payload": body.text,
            "notify_type": target.kind.as_str(),
            "payload_format": match target.format {
                Format::Slack => "",
                format => format.as_str(),
            },
        }),
        unique: None,
        tasks: vec![
            NewTask::new(target.kind.vendor(), params)
                .in_lane(format!("webhook:{}:{position}", policy.id)),
        ],
    }
}

fn repository_of(what: &Happening) -> &str {
    match what {
        Happening::PushArtifact(artifact)
        | Happening::PullArtifact(artifact)
        | Happening::DeleteArtifact(artifact) => &artifact.repository,
        Happening::QuotaExceed(quota) | Happening::QuotaWarning(quota) => &quota.repository,
        Happening::ScanningFailed(scan)
        | Happening::ScanningStopped(scan)
        | Happening::ScanningCompleted(scan) => &scan.artifact.repository,
        Happening::Replication(_) => "",
        Happening::TagRetention(retention) => &retention.repository,
    }
}
