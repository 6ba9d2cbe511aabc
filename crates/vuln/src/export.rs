//! Exports: the vulnerabilities of projects as a CSV file, made by a job.
//!
//! Invariants: an export is its owner's alone, and what it was made from had to be readable to the
//! owner when it was asked for and again when it is fetched. Rows are read and written page by
//! page, so what is held does not grow with the export. A file can be fetched until a day has
//! passed or it has been fetched whole.

mod criteria;
mod file;
mod outside;
mod routes;
mod sheet;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use berth_db::{DbError, Tx};
use berth_iam::access::allows;
use berth_iam::{Actor, Caller, Entry, Permission, Refusal, audit};
use berth_jobs::{
    Execution, ExecutionQuery, Handler, JobError, Kind, NewExecution, NewTask, Status, TaskContext,
    TaskEnd, Trigger,
};
use berth_model::{Action, ExecutionId, ProjectId, Resource, Timestamp};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use crate::matching::{third, word};
use crate::store::export::{self as store, ArtifactRow, FileRow, FindingRow};
use crate::store::feeds;
use crate::{Scanning, VulnError};

use criteria::{Criteria, Filters};
use file::Writer;
pub(crate) use routes::endpoints;

/// The vendor and the job type; Harbor's name.
pub(crate) const EXPORT: &str = "SCAN_DATA_EXPORT";
/// Deletes files that nobody may fetch any more; Harbor's name.
pub(crate) const CLEANUP: &str = "SYSTEM_ARTIFACT_CLEANUP";

/// Exports kept of each owner, with their files.
pub(crate) const KEPT: i64 = 20;
/// Exports of one owner that have not ended.
const WAITING: i64 = 5;
/// Exports that one process makes at the same time.
const AT_A_TIME: usize = 2;
/// How long a file can be fetched.
const KEPT_FOR: Duration = Duration::from_hours(24);

/// Rows of a page: repositories, artifacts, tags, findings.
const REPOSITORIES: i64 = 500;
const ARTIFACTS: i64 = 50;
const TAGS: i64 = 2_000;
const FINDINGS: i64 = 1_000;
/// What advisories say is remembered for so many at most.
const REMEMBERED: usize = 20_000;
/// What the built-in scanner is called.
const BUILT_IN: &str = "Berth";
/// Pieces that one transaction deletes.
const DELETED: i64 = 50;

pub(crate) struct Export(pub(crate) Scanning);

impl Handler for Export {
    fn kind(&self) -> Kind {
        Kind {
            max_attempts: 3,
            concurrency: AT_A_TIME,
            time_out: Some(Duration::from_hours(6)),
            ..Kind::new(EXPORT)
        }
    }

    fn check(&self, params: &Value) -> Result<(), String> {
        Criteria::read(params)?.filters().map(drop)
    }

    fn run(&self, task: TaskContext) -> BoxFuture<'_, Result<(), JobError>> {
        Box::pin(async move {
            let criteria = Criteria::read(task.params()).map_err(JobError::fail)?;
            let done = self.0.export(&task, &criteria).await;
            done.map_err(|error| match error {
                VulnError::Stopped => JobError::Stopped,
                VulnError::Db(_) => JobError::retry(error),
                other => JobError::fail(other),
            })
        })
    }

    fn task_ended<'a>(
        &'a self,
        tx: &'a mut Tx,
        task: TaskEnd<'a>,
    ) -> BoxFuture<'a, Result<(), DbError>> {
        Box::pin(async move {
            if task.status == Status::Success {
                return Ok(());
            }
            // What it wrote is nobody's: the next cleaning takes it away.
            let none = FileRow {
                execution_id: task.execution.get(),
                attempt: i64::MAX,
                entries: 0,
                size: 0,
                digest: String::new(),
                expires_at: 0,
            };
            store::put(tx, &none).await
        })
    }
}

pub(crate) struct Cleanup(pub(crate) Scanning);

impl Handler for Cleanup {
    fn kind(&self) -> Kind {
        Kind {
            max_attempts: 3,
            concurrency: 1,
            ..Kind::new(CLEANUP)
        }
    }

    fn check(&self, _: &Value) -> Result<(), String> {
        Ok(())
    }

    fn run(&self, task: TaskContext) -> BoxFuture<'_, Result<(), JobError>> {
        Box::pin(async move {
            let (db, mut files) = (&self.0.db, 0);
            while let Some(execution) = store::expired(db, task.clock().now()).await? {
                files += 1;
                loop {
                    task.check_stop()?;
                    let deleted = db
                        .write::<_, DbError, _>(move |tx| {
                            Box::pin(store::delete_pieces(tx, execution, DELETED))
                        })
                        .await?;
                    if deleted == 0 {
                        break;
                    }
                }
            }
            task.log(format!("{files} exports deleted"));
            Ok(())
        })
    }
}

/// Whose exports somebody's are: users and robots beside each other.
fn owner(actor: &Actor) -> Option<i64> {
    match (actor.user_id(), actor.robot_id()) {
        (Some(user), _) => Some(user.get()),
        (None, Some(robot)) => Some(-robot.get()),
        (None, None) => None,
    }
}

/// Rows on their way to the file.
struct Sheet {
    file: Writer,
    /// What advisories say, by their ids.
    told: HashMap<i64, Told>,
    artifacts: u64,
}

/// What an advisory says beside the finding.
#[derive(Clone, Debug, Default)]
struct Told {
    cwes: String,
    /// Vector and score.
    cvss: Option<(String, f64)>,
}

impl Scanning {
    /// Has vulnerabilities exported for the caller.
    pub(crate) async fn submit_export(
        &self,
        caller: &Caller,
        owner: i64,
        criteria: Criteria,
        name: &str,
    ) -> Result<ExecutionId, VulnError> {
        let waiting = ExecutionQuery {
            vendors: &[EXPORT],
            vendor_id: Some(owner),
            q: "status={Pending Running}",
            ..ExecutionQuery::default()
        };
        let (_, waiting) = self.jobs.executions(waiting, 1, 0).await?;
        if waiting >= WAITING {
            return Err(VulnError::Busy(format!(
                "{waiting} of your exports have not ended: wait for them, or ask for less"
            )));
        }
        let new = NewExecution {
            vendor: EXPORT,
            vendor_id: owner,
            trigger: Trigger::Manual,
            unique: None,
            attributes: json!({
                "user_name": caller.actor.name(),
                "job_name": name,
                "projects": criteria.projects,
            }),
            tasks: vec![NewTask::new(EXPORT, json!(criteria))],
        };
        let entry = Entry::by(caller, "create", "export-cve", self.clock.now());
        let entry = match *criteria.projects {
            [project] => entry.in_project(ProjectId(project)),
            _ => entry,
        };
        let jobs = self.jobs.clone();
        self.db
            .write::<_, VulnError, _>(move |tx| {
                Box::pin(async move {
                    let id = jobs.submit_in(tx, new).await?;
                    audit::record(tx, entry.on(id.to_string())).await?;
                    Ok(id)
                })
            })
            .await
    }

    /// Refuses who may not do this with exports of all these projects. It tells nobody more of a
    /// project than the id that was asked for.
    pub(crate) async fn may_export(
        &self,
        actor: &Actor,
        projects: &[i64],
        action: Action,
    ) -> Result<(), VulnError> {
        let permission = Permission::new(Resource::ExportCve, action);
        for id in projects {
            let facts = self.catalog.project_facts_by_id(actor, ProjectId(*id));
            let may = match facts.await? {
                Some(facts) => allows(actor, &facts, permission),
                None if actor.user().is_some_and(|user| user.sysadmin) => {
                    return Err(VulnError::NotFound(format!("project {id}")));
                }
                None => false,
            };
            if !may {
                let named = id.to_string();
                return Err(Refusal::of(actor, permission, Some(&named)).into());
            }
        }
        Ok(())
    }

    /// An export of this owner, with its file.
    pub(crate) async fn export_of(
        &self,
        owner: i64,
        id: ExecutionId,
    ) -> Result<(Execution, Option<FileRow>), VulnError> {
        let run = self.jobs.execution(EXPORT, Some(owner), id).await?;
        let file = store::files(&self.db, &[id]).await?.remove(&id.get());
        Ok((run, file))
    }

    /// The exports of this owner, newest first, with their files.
    pub(crate) async fn exports_of(
        &self,
        owner: i64,
    ) -> Result<Vec<(Execution, Option<FileRow>)>, VulnError> {
        let query = ExecutionQuery {
            vendors: &[EXPORT],
            vendor_id: Some(owner),
            ..ExecutionQuery::default()
        };
        // Those that wait come on top of those that are kept.
        let (runs, _) = self.jobs.executions(query, KEPT + WAITING, 0).await?;
        let ids: Vec<ExecutionId> = runs.iter().map(|run| run.id).collect();
        let mut files = store::files(&self.db, &ids).await?;
        let pairs = runs.into_iter().map(|run| {
            let file = files.remove(&run.id.get());
            (run, file)
        });
        Ok(pairs.collect())
    }

    async fn export(&self, task: &TaskContext, criteria: &Criteria) -> Result<(), VulnError> {
        let filters = criteria.filters().map_err(VulnError::Invalid)?;
        let mut sheet = Sheet {
            file: Writer::begin(self.db.clone(), task.execution(), task.attempt()).await?,
            told: HashMap::new(),
            artifacts: 0,
        };
        sheet.file.row(&sheet::COLUMNS).await?;
        for project in &criteria.projects {
            let mut after = String::new();
            loop {
                let page = store::repositories(&self.db, *project, &after, REPOSITORIES).await?;
                for (id, name) in &page {
                    if filters.takes(name) {
                        self.export_repository(task, (criteria, &filters), (*id, name), &mut sheet)
                            .await?;
                    }
                }
                match page.into_iter().next_back() {
                    Some((_, last)) => after = last,
                    None => break,
                }
            }
        }
        let (artifacts, entries) = (sheet.artifacts, sheet.file.entries());
        sheet.file.end(task.clock().now().plus(KEPT_FOR)).await?;
        task.log(format!(
            "{entries} vulnerabilities in {artifacts} artifacts"
        ));
        Ok(())
    }

    async fn export_repository(
        &self,
        task: &TaskContext,
        (criteria, filters): (&Criteria, &Filters),
        (repository, name): (i64, &str),
        sheet: &mut Sheet,
    ) -> Result<(), VulnError> {
        let mut after = String::new();
        loop {
            let page = store::artifacts(&self.db, repository, &after, ARTIFACTS).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after.clone_from(&last.digest);
            let taken = self.taken(repository, &page, (criteria, filters)).await?;
            for artifact in page {
                if !taken.contains(&artifact.id) {
                    continue;
                }
                sheet.artifacts += 1;
                task.progress(sheet.artifacts, 0);
                if !artifact.scanner.is_empty() {
                    let of = (task, name, &artifact);
                    self.collect_outside(of, &criteria.cves, &mut sheet.file)
                        .await?;
                    continue;
                }
                let (mut package, mut cve) = (0, String::new());
                loop {
                    task.check_stop().map_err(|_| VulnError::Stopped)?;
                    let at = (package, &*cve);
                    let (db, cves) = (&self.db, &criteria.cves);
                    let rows = store::findings(db, artifact.image, at, cves, FINDINGS).await?;
                    let Some(last) = rows.last() else { break };
                    (package, cve) = (last.package_id, last.name.clone());
                    self.learn(&rows, &mut sheet.told).await?;
                    for row in &rows {
                        let told = sheet.told.get(&row.advisory_id);
                        let of = (name, &*artifact.digest, BUILT_IN);
                        write(&mut sheet.file, of, row, told).await?;
                    }
                }
            }
        }
    }

    /// Those of these artifacts that the filters let through. What an index is called and bears
    /// counts for its images too.
    async fn taken(
        &self,
        repository: i64,
        page: &[ArtifactRow],
        (criteria, filters): (&Criteria, &Filters),
    ) -> Result<HashSet<i64>, VulnError> {
        let mut taken: HashSet<i64> = page.iter().map(|artifact| artifact.id).collect();
        if filters.tags.is_none() && criteria.labels.is_empty() {
            return Ok(taken);
        }
        let digests: Vec<&str> = page.iter().map(|it| it.digest.as_str()).collect();
        let mut through: HashMap<i64, Vec<i64>> = HashMap::new();
        for artifact in page {
            through.entry(artifact.id).or_default().push(artifact.id);
        }
        for (digest, index) in store::indexes(&self.db, repository, &digests).await? {
            let image = page.iter().find(|it| it.digest == digest);
            let images = through.entry(index).or_default();
            images.extend(image.map(|image| image.id));
        }
        let all: Vec<i64> = through.keys().copied().collect();
        if let Some(pattern) = &filters.tags {
            let (mut named, mut after) = (HashSet::<i64>::new(), 0);
            loop {
                let tags = store::tags(&self.db, &all, after, TAGS).await?;
                let Some((last, ..)) = tags.last() else { break };
                after = *last;
                for (_, _, bearer) in tags.iter().filter(|(_, name, _)| pattern.matches(name)) {
                    named.extend(through.get(bearer).into_iter().flatten());
                }
            }
            taken.retain(|id| named.contains(id));
        }
        if !criteria.labels.is_empty() {
            let bearers = store::labelled(&self.db, &all, &criteria.labels).await?;
            let images = bearers.iter().filter_map(|(id,)| through.get(id));
            let labelled: HashSet<i64> = images.flatten().copied().collect();
            taken.retain(|id| labelled.contains(id));
        }
        Ok(taken)
    }

    /// Reads what the advisories of these rows say, where that is not remembered.
    async fn learn(
        &self,
        rows: &[FindingRow],
        told: &mut HashMap<i64, Told>,
    ) -> Result<(), VulnError> {
        if told.len() > REMEMBERED {
            told.clear();
        }
        let mut ids: Vec<i64> = rows.iter().map(|row| row.advisory_id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| !told.contains_key(id));
        for ids in ids.chunks(200) {
            let advisories = feeds::bodies(&self.db, ids).await?;
            for id in ids {
                let advisory = advisories.get(id);
                let said = advisory.map(|advisory| Told {
                    cwes: advisory.cwes.join("; "),
                    cvss: third(advisory).map(|(vector, score)| (vector.to_owned(), score)),
                });
                told.insert(*id, said.unwrap_or_default());
            }
        }
        Ok(())
    }
}

/// Writes a row; Harbor's columns.
async fn write(
    file: &mut Writer,
    (repository, digest, scanner): (&str, &str, &str),
    row: &FindingRow,
    told: Option<&Told>,
) -> Result<(), VulnError> {
    let mut more = json!({"status": row.status, "layer": row.layer, "path": row.path});
    if let Some((vector, score)) = told.and_then(|told| told.cvss.as_ref()) {
        more["cvss_v3_score"] = json!(score);
        more["cvss_v3_vector"] = json!(vector);
    }
    if let Some(since) = row.exploited_since {
        more["exploited_since"] = Timestamp::from_micros(since).to_rfc3339().into();
    }
    file.row(&[
        repository,
        digest,
        &row.name,
        &row.package,
        &row.version,
        row.fixed_version.as_deref().unwrap_or_default(),
        word(row.severity),
        told.map_or("", |told| &told.cwes),
        &more.to_string(),
        scanner,
    ])
    .await
}
