//! Immutable tags: the rules of projects, and what they forbid.
//!
//! Invariant: the rules are read in the transaction that would move or delete a tag, which holds
//! its repository; a change of rules waits for those that hold one and is seen by all that come
//! after. So what was answered before a rule was made may stand, and nothing after it goes past
//! the rule, whatever names the tag: itself, a digest, an index, its repository.

use berth_catalog::{CatalogError, Entry, record_in};
use berth_db::{DbError, Tx};
use berth_iam::{Caller, ProjectFacts};
use berth_model::{ManifestId, ProjectId, RepositoryId, Timestamp};
use berth_oci::Digest;
use berth_policy::{Immutability, ImmutableRule};

use crate::store::immutable as store;
use crate::store::{immutable::RuleRow, tags};
use crate::trash::Deletion;
use crate::{Registry, RegistryError};

/// Most rules of a project.
const MOST_RULES: usize = 100;
/// Largest rule, bytes of its JSON.
const LARGEST: usize = 16 * 1024;
/// Tags looked at together when a repository is deleted.
const PAGE: i64 = 1_000;

/// Points a tag at a manifest whose row is locked, and writes its history.
pub(crate) async fn point(
    tx: &mut Tx,
    repository: RepositoryId,
    name: &str,
    manifest: ManifestId,
    digest: &Digest,
    by: &str,
    now: Timestamp,
) -> Result<(), RegistryError> {
    let moved = tags::point(tx, repository, name, manifest, digest, by, now).await?;
    // A tag that is new, or names this already, is nobody's to refuse. A refusal undoes the rest.
    if moved {
        guard(tx, repository, &[name.to_owned()], "overwritten").await?;
    }
    Ok(())
}

/// Removes one tag; its manifest stays. `false` when there is none.
pub(crate) async fn untag(
    tx: &mut Tx,
    repository: RepositoryId,
    name: &str,
    deletion: &Deletion,
) -> Result<bool, RegistryError> {
    if !tags::delete(tx, repository, name, &deletion.by, deletion.now).await? {
        return Ok(false);
    }
    guard(tx, repository, &[name.to_owned()], "deleted").await?;
    Ok(true)
}

/// Refuses if a tag of a locked manifest must stay.
pub(crate) async fn guard_all_of(
    tx: &mut Tx,
    repository: RepositoryId,
    manifest: ManifestId,
) -> Result<(), RegistryError> {
    let names = store::tags_of(tx, manifest).await?;
    if names.is_empty() {
        return Ok(());
    }
    guard(tx, repository, &names, "deleted").await
}

/// Refuses if a tag of a repository must stay.
pub(crate) async fn guard_repository(
    tx: &mut Tx,
    repository: RepositoryId,
) -> Result<(), RegistryError> {
    let (name, rules) = in_force(tx, repository).await?;
    if rules.is_empty() {
        return Ok(());
    }
    let mut last = String::new();
    loop {
        let names = store::tags_after(tx, repository, &last, PAGE).await?;
        refuse(&name, &rules, &names, "deleted")?;
        match names.into_iter().next_back() {
            Some(name) => last = name,
            None => return Ok(()),
        }
    }
}

async fn guard(
    tx: &mut Tx,
    repository: RepositoryId,
    tags: &[String],
    doing: &'static str,
) -> Result<(), RegistryError> {
    let (name, rules) = in_force(tx, repository).await?;
    refuse(&name, &rules, tags, doing)
}

fn refuse(
    repository: &str,
    rules: &Immutability,
    tags: &[String],
    doing: &'static str,
) -> Result<(), RegistryError> {
    match tags.iter().find(|tag| rules.protects(tag)) {
        None => Ok(()),
        Some(tag) => Err(RegistryError::Immutable {
            repository: repository.to_owned(),
            tag: tag.clone(),
            doing,
        }),
    }
}

/// The name of a repository and the rules that speak of it.
async fn in_force(
    tx: &mut Tx,
    repository: RepositoryId,
) -> Result<(String, Immutability), RegistryError> {
    let rows = store::of_repository(tx, repository).await?;
    let name = rows
        .first()
        .map(|(name, _)| name.clone())
        .unwrap_or_default();
    let stored = rows.iter().filter_map(|(_, rule)| rule.as_deref());
    let rules = Immutability::of(inside(&name), stored);
    Ok((name, rules))
}

/// A repository's name without its project.
pub(crate) fn inside(repository: &str) -> &str {
    repository
        .split_once('/')
        .map_or(repository, |(_, rest)| rest)
}

/// The rules of a project, for lists.
pub(crate) struct ProjectRules(Vec<String>);

impl ProjectRules {
    /// Those that speak of a repository.
    pub(crate) fn of(&self, repository: &str) -> Immutability {
        Immutability::of(inside(repository), self.0.iter().map(String::as_str))
    }
}

impl Registry {
    /// The rules of a project that are in force.
    pub(crate) async fn immutability(&self, project: ProjectId) -> Result<ProjectRules, DbError> {
        let rules = store::of_project(&self.inner.db, project).await?;
        Ok(ProjectRules(rules))
    }

    pub(crate) async fn immutable_rules(
        &self,
        project: ProjectId,
        asked: (&str, &str),
        part: (i64, i64),
    ) -> Result<(Vec<ImmutableRule>, i64), RegistryError> {
        let (rows, total) = store::page(&self.inner.db, project, asked, part).await?;
        Ok((rows.into_iter().map(shown).collect(), total))
    }

    pub(crate) async fn add_immutable_rule(
        &self,
        caller: &Caller,
        project: &ProjectFacts,
        rule: &ImmutableRule,
    ) -> Result<i64, RegistryError> {
        let (text, disabled) = written(rule)?;
        let (id, entry) = (project.id, self.rule_entry(caller, "create", project));
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let rules = store::list(tx, id).await?;
                    if rules.len() >= MOST_RULES {
                        return Err(CatalogError::Precondition(format!(
                            "a project has at most {MOST_RULES} immutable rules: join some of them"
                        ))
                        .into());
                    }
                    unlike(&rules, 0, &text)?;
                    let made = store::insert(tx, id, &text, disabled, entry.at).await?;
                    store::settle(tx, id).await?;
                    record_in(tx, named(entry, made)).await?;
                    Ok(made)
                })
            })
            .await
    }

    pub(crate) async fn change_immutable_rule(
        &self,
        caller: &Caller,
        project: &ProjectFacts,
        rule_id: i64,
        rule: &ImmutableRule,
    ) -> Result<(), RegistryError> {
        let (text, disabled) = written(rule)?;
        let (id, entry) = (project.id, self.rule_entry(caller, "update", project));
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    unlike(&store::list(tx, id).await?, rule_id, &text)?;
                    if !store::update(tx, id, rule_id, (&text, disabled), entry.at).await? {
                        return Err(no_rule(rule_id));
                    }
                    store::settle(tx, id).await?;
                    Ok(record_in(tx, named(entry, rule_id)).await?)
                })
            })
            .await
    }

    pub(crate) async fn remove_immutable_rule(
        &self,
        caller: &Caller,
        project: &ProjectFacts,
        rule_id: i64,
    ) -> Result<(), RegistryError> {
        let (id, entry) = (project.id, self.rule_entry(caller, "delete", project));
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    if !store::delete(tx, id, rule_id).await? {
                        return Err(no_rule(rule_id));
                    }
                    Ok(record_in(tx, named(entry, rule_id)).await?)
                })
            })
            .await
    }

    fn rule_entry(&self, caller: &Caller, operation: &str, project: &ProjectFacts) -> Entry {
        let now = self.inner.clock.now();
        Entry::by(caller, operation, "immutable_rule", now)
            .in_project(project.id)
            .on(format!("{}/immutabletagrules", project.name))
    }
}

fn named(mut entry: Entry, id: i64) -> Entry {
    entry.resource = format!("{}/{id}", entry.resource);
    entry
}

fn no_rule(id: i64) -> RegistryError {
    CatalogError::NotFound(format!("immutable rule {id} not found in this project")).into()
}

/// The rule as it is stored, and whether it is disabled.
fn written(rule: &ImmutableRule) -> Result<(String, bool), RegistryError> {
    let invalid = |reason: String| RegistryError::from(CatalogError::Invalid(reason));
    rule.check().map_err(|error| invalid(error.to_string()))?;
    let plain = ImmutableRule {
        id: 0,
        disabled: false,
        action: "immutable".to_owned(),
        template: "immutable_template".to_owned(),
        ..rule.clone()
    };
    let text = serde_json::to_string(&plain).map_err(|error| invalid(error.to_string()))?;
    if text.len() > LARGEST {
        return Err(invalid(format!("a rule is at most {LARGEST} bytes long")));
    }
    Ok((text, rule.disabled))
}

/// Refuses a rule that says what another one says.
fn unlike(rules: &[RuleRow], id: i64, text: &str) -> Result<(), RegistryError> {
    match rules.iter().find(|row| row.id != id && row.rule == text) {
        None => Ok(()),
        Some(row) => Err(CatalogError::Conflict(format!(
            "the project has this immutable rule already, its id is {}",
            row.id
        ))
        .into()),
    }
}

fn shown(row: RuleRow) -> ImmutableRule {
    let rule: ImmutableRule = serde_json::from_str(&row.rule).unwrap_or_default();
    ImmutableRule {
        id: row.id,
        disabled: row.disabled,
        ..rule
    }
}
