//! Webhook policies: what they are, what they may be, and keeping them.
//!
//! Invariant: a stored target can be called as far as its address tells, its secrets are sealed,
//! and a secret stays with the address it was given for. Who listens to what is kept in step with
//! the policies, in the same transaction.

use std::collections::{BTreeSet, HashMap};

use berth_catalog::record_in;
use berth_iam::{Caller, Entry, ProjectFacts};
use berth_model::{EventKind, ProjectId, Secret, Timestamp};
use http::HeaderValue;

use crate::{Notify, NotifyError, store};

/// Most policies of a project, and targets of a policy.
const POLICIES: i64 = 100;
const TARGETS: usize = 10;
/// Longest name, description and secret, bytes.
const NAME: usize = 255;
const DESCRIPTION: usize = 1024;
const SECRET: usize = 4096;

/// How a target is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TargetKind {
    Http,
    Slack,
}

impl TargetKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Slack => "slack",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Http, Self::Slack]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }

    /// The vendor of its executions, and the job type that delivers.
    pub(crate) const fn vendor(self) -> &'static str {
        match self {
            Self::Http => "WEBHOOK",
            Self::Slack => "SLACK",
        }
    }
}

/// What is sent to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Default,
    CloudEvents,
    /// Slack's blocks.
    Slack,
}

impl Format {
    /// The word on the wire; Slack has no choice and so no word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "Default",
            Self::CloudEvents => "CloudEvents",
            Self::Slack => "",
        }
    }
}

/// A target, with its secrets open.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) kind: TargetKind,
    pub(crate) address: String,
    pub(crate) format: Format,
    pub(crate) skip_cert_verify: bool,
    pub(crate) auth_header: Option<Secret<String>>,
    pub(crate) signing_secret: Option<Secret<String>>,
}

/// A policy.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) id: i64,
    pub(crate) project: ProjectId,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) creator: String,
    pub(crate) enabled: bool,
    pub(crate) kinds: Vec<EventKind>,
    pub(crate) targets: Vec<Target>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// A target as somebody wants it. A secret that is absent stays as it was for this address; an
/// empty one is taken away.
#[derive(Clone, Debug, Default)]
pub(crate) struct WantedTarget {
    pub(crate) kind: String,
    pub(crate) address: String,
    pub(crate) format: String,
    pub(crate) skip_cert_verify: bool,
    pub(crate) auth_header: Option<Secret<String>>,
    pub(crate) signing_secret: Option<Secret<String>>,
}

/// A policy as somebody wants it.
#[derive(Clone, Debug, Default)]
pub(crate) struct WantedPolicy {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) enabled: bool,
    pub(crate) kinds: Vec<String>,
    pub(crate) targets: Vec<WantedTarget>,
}

impl Notify {
    /// Makes a policy; gives its id.
    pub(crate) async fn create_policy(
        &self,
        caller: &Caller,
        facts: &ProjectFacts,
        wanted: WantedPolicy,
    ) -> Result<i64, NotifyError> {
        let now = self.inner.catalog.now();
        let mut policy = self.read(facts.id, wanted, &[]).await?;
        caller.actor.name().clone_into(&mut policy.creator);
        (policy.created_at, policy.updated_at) = (now, now);
        let entry = self.entry(caller, facts, "create", &policy.name);
        let (notify, project) = (self.clone(), facts.id);
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    if store::policy::count_in(tx, project).await? >= POLICIES {
                        return Err(NotifyError::Invalid(format!(
                            "a project has at most {POLICIES} webhook policies: delete one first"
                        )));
                    }
                    let id = store::policy::insert(tx, &policy)
                        .await?
                        .ok_or_else(|| NotifyError::Taken(policy.name.clone()))?;
                    notify.write_targets(tx, id, &policy.targets).await?;
                    notify.listen(tx, project).await?;
                    record_in(tx, entry).await?;
                    Ok(id)
                })
            })
            .await
    }

    /// Changes a policy of this project, whole.
    pub(crate) async fn update_policy(
        &self,
        caller: &Caller,
        facts: &ProjectFacts,
        id: i64,
        wanted: WantedPolicy,
    ) -> Result<(), NotifyError> {
        let before = self.policy(facts.id, id).await?;
        let mut policy = self.read(facts.id, wanted, &before.targets).await?;
        policy.id = id;
        policy.updated_at = self.inner.catalog.now();
        let entry = self.entry(caller, facts, "update", &policy.name);
        let (notify, project) = (self.clone(), facts.id);
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    if store::policy::name_taken(tx, project, id, &policy.name).await? {
                        return Err(NotifyError::Taken(policy.name));
                    }
                    if !store::policy::update(tx, &policy).await? {
                        return Err(NotifyError::NotFound(id));
                    }
                    notify.write_targets(tx, id, &policy.targets).await?;
                    notify.listen(tx, project).await?;
                    record_in(tx, entry).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Deletes a policy of this project. What waits to be delivered for it is given up.
    pub(crate) async fn delete_policy(
        &self,
        caller: &Caller,
        facts: &ProjectFacts,
        id: i64,
    ) -> Result<(), NotifyError> {
        let policy = self.policy(facts.id, id).await?;
        let entry = self.entry(caller, facts, "delete", &policy.name);
        let (notify, project) = (self.clone(), facts.id);
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    if !store::policy::delete(tx, project, id).await? {
                        return Err(NotifyError::NotFound(id));
                    }
                    notify.listen(tx, project).await?;
                    record_in(tx, entry).await?;
                    Ok(())
                })
            })
            .await
    }

    /// A policy of this project.
    pub(crate) async fn policy(&self, project: ProjectId, id: i64) -> Result<Policy, NotifyError> {
        let row = store::policy::find(&self.inner.db, project, id).await?;
        let row = row.ok_or(NotifyError::NotFound(id))?;
        let mut policies = self.with_targets(vec![row]).await?;
        policies.pop().ok_or(NotifyError::NotFound(id))
    }

    /// Fills in the targets of policies.
    pub(crate) async fn with_targets(
        &self,
        rows: Vec<store::policy::PolicyRow>,
    ) -> Result<Vec<Policy>, NotifyError> {
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let mut targets: HashMap<i64, Vec<Target>> = HashMap::new();
        for row in store::policy::targets(&self.inner.db, &ids).await? {
            let of = row.policy_id;
            targets.entry(of).or_default().push(self.open_target(row)?);
        }
        let policies = rows.into_iter().map(|row| {
            let targets = targets.remove(&row.id).unwrap_or_default();
            row.into_policy(targets)
        });
        Ok(policies.collect())
    }

    fn open_target(&self, row: store::policy::TargetRow) -> Result<Target, NotifyError> {
        let open = |sealed: Option<Vec<u8>>, what: &str| {
            let context = context(row.policy_id, row.position, what);
            let opened = sealed.map(|sealed| self.inner.sealer.open(&context, &sealed));
            let opened = opened.transpose()?;
            Ok::<_, NotifyError>(
                opened.map(|plain| Secret::new(String::from_utf8_lossy(&plain).into_owned())),
            )
        };
        let kind = TargetKind::parse(&row.kind).unwrap_or(TargetKind::Http);
        Ok(Target {
            kind,
            format: match (kind, row.payload_format.as_str()) {
                (TargetKind::Slack, _) => Format::Slack,
                (TargetKind::Http, "CloudEvents") => Format::CloudEvents,
                (TargetKind::Http, _) => Format::Default,
            },
            auth_header: open(row.auth_header.clone(), "auth_header")?,
            signing_secret: open(row.signing_secret.clone(), "signing_secret")?,
            address: row.address,
            skip_cert_verify: row.skip_cert_verify,
        })
    }

    async fn write_targets(
        &self,
        tx: &mut berth_db::Tx,
        policy: i64,
        targets: &[Target],
    ) -> Result<(), NotifyError> {
        store::policy::delete_targets(tx, policy).await?;
        for (position, target) in (0_i64..).zip(targets) {
            let seal = |secret: &Option<Secret<String>>, what: &str| {
                let context = context(policy, position, what);
                let secret = secret.as_ref();
                secret
                    .map(|secret| self.inner.sealer.seal(&context, secret.expose().as_bytes()))
                    .transpose()
            };
            let row = store::policy::TargetRow {
                policy_id: policy,
                position,
                kind: target.kind.as_str().to_owned(),
                address: target.address.clone(),
                payload_format: target.format.as_str().to_owned(),
                skip_cert_verify: target.skip_cert_verify,
                auth_header: seal(&target.auth_header, "auth_header")?,
                signing_secret: seal(&target.signing_secret, "signing_secret")?,
            };
            store::policy::insert_target(tx, row).await?;
        }
        Ok(())
    }

    /// Says anew which kinds of events of a project are listened to.
    async fn listen(&self, tx: &mut berth_db::Tx, project: ProjectId) -> Result<(), NotifyError> {
        let texts = store::policy::enabled_kinds(tx, project).await?;
        let kinds: BTreeSet<EventKind> = texts
            .iter()
            .flat_map(|text| store::policy::kinds(text))
            .collect();
        let kinds: Vec<EventKind> = kinds.into_iter().collect();
        let outbox = self.inner.catalog.outbox();
        Ok(outbox.listen(tx, project, &kinds).await?)
    }

    fn entry(&self, caller: &Caller, facts: &ProjectFacts, did: &str, name: &str) -> Entry {
        Entry::by(caller, did, "webhook", self.inner.catalog.now())
            .on(format!("{}/{name}", facts.name))
            .in_project(facts.id)
    }

    async fn read(
        &self,
        project: ProjectId,
        wanted: WantedPolicy,
        before: &[Target],
    ) -> Result<Policy, NotifyError> {
        let invalid = |text: String| NotifyError::Invalid(text);
        let name = wanted.name.trim().to_owned();
        if name.is_empty() || name.len() > NAME || name.chars().any(char::is_control) {
            return Err(invalid(format!("name must be 1 to {NAME} bytes of text")));
        }
        if wanted.description.len() > DESCRIPTION {
            return Err(invalid(format!(
                "description is longer than {DESCRIPTION} bytes"
            )));
        }
        let mut kinds = BTreeSet::new();
        for kind in &wanted.kinds {
            let known = EventKind::parse(kind).ok_or_else(|| {
                let names: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
                invalid(format!(
                    "event_types: {kind:?} is not an event type, use some of {}",
                    names.join(", ")
                ))
            })?;
            kinds.insert(known);
        }
        if kinds.is_empty() {
            return Err(invalid(
                "event_types must name at least one event".to_owned(),
            ));
        }
        if wanted.targets.is_empty() || wanted.targets.len() > TARGETS {
            return Err(invalid(format!("targets must be 1 to {TARGETS}")));
        }
        let mut targets = Vec::new();
        for (n, target) in wanted.targets.into_iter().enumerate() {
            targets.push(self.read_target(n + 1, target, before).await?);
        }
        Ok(Policy {
            id: 0,
            project,
            name,
            description: wanted.description,
            creator: String::new(),
            enabled: wanted.enabled,
            kinds: kinds.into_iter().collect(),
            targets,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        })
    }

    async fn read_target(
        &self,
        n: usize,
        wanted: WantedTarget,
        before: &[Target],
    ) -> Result<Target, NotifyError> {
        let invalid = |text: String| NotifyError::Invalid(format!("target {n}: {text}"));
        let kind = TargetKind::parse(&wanted.kind)
            .ok_or_else(|| invalid("type must be http or slack".to_owned()))?;
        let format = match (kind, wanted.format.as_str()) {
            (TargetKind::Slack, "") => Format::Slack,
            (TargetKind::Slack, _) => {
                return Err(invalid(
                    "slack takes no payload_format: leave it out".to_owned(),
                ));
            }
            (TargetKind::Http, "" | "Default") => Format::Default,
            (TargetKind::Http, "CloudEvents") => Format::CloudEvents,
            (TargetKind::Http, _) => {
                return Err(invalid(
                    "payload_format must be Default or CloudEvents".to_owned(),
                ));
            }
        };
        let checked = self.inner.egress.check_now(&wanted.address).await;
        checked.map_err(|error| NotifyError::Target(n, error))?;
        let same = before
            .iter()
            .find(|target| target.kind == kind && target.address == wanted.address);
        let keep = |wanted: Option<Secret<String>>, held: Option<Secret<String>>| match wanted {
            None => held,
            Some(secret) if secret.expose().is_empty() => None,
            Some(secret) => Some(secret),
        };
        let auth_header = keep(
            wanted.auth_header,
            same.and_then(|target| target.auth_header.clone()),
        );
        let signing_secret = keep(
            wanted.signing_secret,
            same.and_then(|target| target.signing_secret.clone()),
        );
        for (name, secret) in [
            ("auth_header", &auth_header),
            ("signing_secret", &signing_secret),
        ] {
            if secret
                .as_ref()
                .is_some_and(|secret| secret.expose().len() > SECRET)
            {
                return Err(invalid(format!("{name} is longer than {SECRET} bytes")));
            }
        }
        let unusable = |secret: &Secret<String>| HeaderValue::from_str(secret.expose()).is_err();
        if auth_header.as_ref().is_some_and(unusable) {
            return Err(invalid("auth_header must be one line of text".to_owned()));
        }
        Ok(Target {
            kind,
            address: wanted.address,
            format,
            skip_cert_verify: wanted.skip_cert_verify,
            auth_header,
            signing_secret,
        })
    }
}

/// What a sealed secret opens with: it does not open as another one, or for another policy.
fn context(policy: i64, position: i64, what: &str) -> String {
    format!("webhook:{policy}:{position}:{what}")
}
