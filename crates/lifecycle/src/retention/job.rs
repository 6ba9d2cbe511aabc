//! [`Run`]: retention as a job. The first task of a run finds the repositories and gives each a
//! task of its own.
//!
//! Invariant: a task that runs twice judges twice and deletes what is left.

use berth_jobs::{Handler, JobError, Kind, NewTask, TaskContext};
use berth_model::{ArtifactOutcome, Event, Happening, RetentionEvent};
use berth_policy::{Candidate, Decision, RetentionRules, Reviewed};
use berth_registry::{RegistryError, Retired};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::{Policy, RETENTION, Retention, RetentionError};

/// Repositories that are given tasks at once.
const PAGE: i64 = 200;

pub(super) struct Run {
    retention: Retention,
}

impl Run {
    pub(super) const fn new(retention: Retention) -> Self {
        Self { retention }
    }
}

impl Handler for Run {
    fn kind(&self) -> Kind {
        Kind {
            max_attempts: 3,
            ..Kind::new(RETENTION)
        }
    }

    fn check(&self, params: &Value) -> Result<(), String> {
        let sound = params.get("policy").is_some_and(Value::is_i64)
            && params.get("dry_run").is_none_or(Value::is_boolean)
            && params.get("repository").is_none_or(Value::is_string);
        if sound {
            Ok(())
        } else {
            Err("policy must be the id of a policy, dry_run true or false".to_owned())
        }
    }

    fn run(&self, task: TaskContext) -> BoxFuture<'_, Result<(), JobError>> {
        Box::pin(async move {
            let params = task.params();
            let id = params.get("policy").and_then(Value::as_i64).unwrap_or(0);
            let policy = match self.retention.policy(id).await {
                Ok(policy) => policy,
                Err(error @ RetentionError::NotFound(_)) => {
                    // It or its project was deleted: nobody asks again.
                    let jobs = &self.retention.jobs;
                    jobs.remove_schedule(RETENTION, id)
                        .await
                        .map_err(JobError::retry)?;
                    return Err(JobError::fail(error));
                }
                Err(error) => return Err(JobError::retry(error)),
            };
            let rules = RetentionRules::read(&policy.body.rules).map_err(JobError::fail)?;
            match params.get("repository").and_then(Value::as_str) {
                Some(repository) => self.repository(&task, &policy, &rules, repository).await,
                None => self.divide(&task, &policy, &rules).await,
            }
        })
    }
}

impl Run {
    /// Gives each repository that a rule speaks of a task.
    async fn divide(
        &self,
        task: &TaskContext,
        policy: &Policy,
        rules: &RetentionRules,
    ) -> Result<(), JobError> {
        let (mut after, mut given) = (0, 0);
        loop {
            task.check_stop()?;
            let registry = &self.retention.registry;
            let page = registry
                .repositories_after(policy.project, after, PAGE)
                .await;
            let page = page.map_err(JobError::retry)?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            let mut tasks = Vec::new();
            for (_, name) in page {
                if rules.cover(inside(&name)) {
                    let mut params = task.params().clone();
                    params["repository"] = json!(name);
                    tasks.push(NewTask::new(RETENTION, params));
                }
            }
            given += tasks.len();
            if !tasks.is_empty() {
                task.add_tasks(tasks).await?;
            }
        }
        task.log(format!(
            "{given} repositories have rules that speak of them"
        ));
        Ok(())
    }

    async fn repository(
        &self,
        task: &TaskContext,
        policy: &Policy,
        rules: &RetentionRules,
        name: &str,
    ) -> Result<(), JobError> {
        let dry_run = task.params().get("dry_run") == Some(&Value::Bool(true));
        let registry = &self.retention.registry;
        let contents = registry.contents(policy.project, name).await;
        let Some(contents) = contents.map_err(JobError::retry)? else {
            task.log(format!("{name} is not there any more"));
            return Ok(());
        };
        let now = task.clock().now();
        let (tags, held, immutable) = (contents.tags, contents.held, contents.immutable);
        let inside = inside(name).to_owned();
        let rules = rules.clone();
        // Many tags and hard patterns take a while, and no other task should wait for it.
        let planned =
            tokio::task::spawn_blocking(move || rules.plan(&inside, tags, &held, &immutable, now));
        let plan = planned.await.map_err(JobError::retry)?;
        task.log(format!(
            "{name}: {} tags and untagged artifacts{}",
            plan.reviewed.len(),
            if dry_run { ", dry run" } else { "" }
        ));
        task.log("| Artifact | Tag | Kind | Pushed | Pulled | Rule | Retention |");
        let (mut failed, mut deleted) = (0_u64, Vec::new());
        let total = plan.reviewed.len() as u64;
        let mut stopped = Ok(());
        for (done, reviewed) in (1..).zip(&plan.reviewed) {
            stopped = task.check_stop();
            if stopped.is_err() {
                break;
            }
            let mark = match reviewed.decision {
                Decision::Retain { .. } => "RETAIN",
                Decision::Immutable => "IMMUTABLE",
                Decision::Delete if dry_run => "DEL",
                Decision::Delete => {
                    let whole = plan.artifacts.contains(&reviewed.candidate.digest);
                    let (project, candidate) = (policy.project, &reviewed.candidate);
                    match registry.retire(project, name, candidate, whole).await {
                        Ok(Retired::Tag | Retired::Artifacts(_)) => "DEL",
                        Ok(Retired::Changed) => "RETAIN (changed meanwhile)",
                        Err(RegistryError::Immutable { .. }) => "IMMUTABLE",
                        Err(error) => {
                            task.log(format!("{}: {error}", reviewed.candidate.name()));
                            failed += 1;
                            "ERR"
                        }
                    }
                }
            };
            if mark == "DEL" {
                deleted.push(reviewed.candidate.clone());
            }
            task.log(line(reviewed, mark));
            task.progress(done, total);
        }
        // What was deleted before a stop is told of too; what was not looked at is kept.
        let retained = total - deleted.len() as u64;
        task.set_attributes(&json!({"total": total, "retained": retained, "dry_run": dry_run}));
        task.log(format!("{retained} of {total} retained"));
        if !dry_run && (stopped.is_ok() || !deleted.is_empty()) {
            let result = match (&stopped, failed) {
                (Err(_), _) => "STOPPED",
                (Ok(()), 0) => "SUCCESS",
                (Ok(()), _) => "FAILURE",
            };
            let told = Told {
                policy,
                repository: name,
                result,
                total,
                retained,
            };
            self.tell(told, deleted).await?;
        }
        stopped?;
        if failed > 0 {
            return Err(JobError::retry(format!("{failed} deletions failed")));
        }
        Ok(())
    }
}

/// What those are told who want to hear of retention.
struct Told<'a> {
    policy: &'a Policy,
    repository: &'a str,
    result: &'static str,
    total: u64,
    retained: u64,
}

/// Most deletions that are named in one event.
const NAMED: usize = 1_000;

impl Run {
    async fn tell(&self, told: Told<'_>, deleted: Vec<Candidate>) -> Result<(), JobError> {
        let deleted = deleted.into_iter().take(NAMED).map(|it| ArtifactOutcome {
            kind: "image".to_owned(),
            status: "SUCCESS".to_owned(),
            name: format!("{}:{}", inside(told.repository), it.name()),
            ..ArtifactOutcome::default()
        });
        let event = Event {
            project: told.policy.project,
            at: self.retention.clock.now(),
            operator: "#server".to_owned(),
            what: Happening::TagRetention(RetentionEvent {
                repository: told.repository.to_owned(),
                policy_id: told.policy.id,
                result: told.result.to_owned(),
                total: told.total as i64,
                retained: told.retained as i64,
                deleted: deleted.collect(),
            }),
        };
        let outbox = self.retention.catalog.outbox();
        Ok(outbox.publish_alone(&self.retention.db, event).await?)
    }
}

/// A repository's name without its project.
fn inside(name: &str) -> &str {
    name.split_once('/').map_or(name, |(_, rest)| rest)
}

fn line(reviewed: &Reviewed, mark: &str) -> String {
    let it = &reviewed.candidate;
    let pulled = it.pulled_at.map(berth_model::Timestamp::to_rfc3339);
    let rule = match reviewed.decision {
        Decision::Retain { rule } => format!("rule {rule}"),
        Decision::Immutable => "immutable".to_owned(),
        Decision::Delete => "none".to_owned(),
    };
    format!(
        "| {} | {} | {} | {} | {} | {rule} | {mark} |",
        it.digest,
        it.tag.as_deref().unwrap_or("-"),
        if it.tag.is_some() { "tag" } else { "untagged" },
        it.pushed_at.to_rfc3339(),
        pulled.as_deref().unwrap_or("never"),
    )
}
