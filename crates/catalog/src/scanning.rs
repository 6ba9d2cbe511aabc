//! What a project says of scans and of what they find.

use std::sync::Arc;

use berth_db::Tx;
use berth_model::{ProjectId, Timestamp};
use berth_policy::pull::{Limits, PullRule};

use crate::{Catalog, CatalogError, store};

/// A project's rules about vulnerabilities, with the list that applies to it.
#[derive(Clone, Debug, Default)]
pub struct ScanRules {
    /// From which severity on images are held back, by its word; `None`: none is.
    pub prevent: Option<String>,
    /// How many vulnerabilities an image may have.
    pub limits: Option<Limits>,
    /// What must be true of an image that is pulled.
    pub rule: Option<Arc<PullRule>>,
    /// Why one of these cannot be read: then nothing may be pulled.
    pub broken: Option<String>,
    /// Vulnerabilities that are let pass.
    pub allowed: Vec<String>,
    /// Seconds since the epoch after which none is let pass any more.
    pub allowed_until: Option<i64>,
}

impl ScanRules {
    /// Whether nothing is held back.
    pub const fn is_empty(&self) -> bool {
        self.prevent.is_none()
            && self.limits.is_none()
            && self.rule.is_none()
            && self.broken.is_none()
    }

    /// The vulnerabilities that are let pass at `now`.
    pub fn passing(&self, now: Timestamp) -> &[String] {
        let expired = self
            .allowed_until
            .is_some_and(|until| until <= now.seconds());
        if expired { &[] } else { &self.allowed }
    }

    /// Whether a vulnerability is let pass at `now`.
    pub fn lets_pass(&self, name: &str, now: Timestamp) -> bool {
        self.passing(now).iter().any(|allowed| allowed == name)
    }
}

impl Catalog {
    /// The rules of a project: its own allow-list, or the system's where it uses that.
    pub async fn scan_rules(&self, project: ProjectId) -> Result<ScanRules, CatalogError> {
        let rows = store::metadata::of_projects(self.db(), &[project]).await?;
        let value = |key: &str| {
            let row = rows.iter().find(|(_, name, _)| name == key);
            row.map(|(.., value)| value.as_str())
        };
        let mut rules = ScanRules::default();
        if value("prevent_vul") == Some("true") {
            rules.prevent = Some(value("severity").unwrap_or("low").to_owned());
        }
        let set = |key: &str| value(key).filter(|value| !value.is_empty());
        // Both were checked when they were set; by another version maybe.
        let broken = |key: &str, error: &dyn std::error::Error| {
            Some(format!("{key} cannot be read: {error}"))
        };
        match set("vulnerability_limits").map(Limits::parse) {
            Some(Ok(limits)) => rules.limits = Some(limits),
            Some(Err(error)) => rules.broken = broken("vulnerability_limits", &error),
            None => {}
        }
        match set("pull_rule").map(PullRule::parse) {
            Some(Ok(rule)) => rules.rule = Some(Arc::new(rule)),
            Some(Err(error)) => rules.broken = broken("pull_rule", &error),
            None => {}
        }
        if rules.is_empty() {
            return Ok(rules);
        }
        // As in Harbor, the system's list applies unless the project says otherwise.
        let own = value("reuse_sys_cve_allowlist") == Some("false");
        let list = if own {
            let mut lists = self.allowlists(&[project]).await?;
            lists.pop().unwrap_or_default()
        } else {
            self.system_allowlist().await?
        };
        (rules.allowed, rules.allowed_until) = (list.items, list.expires_at);
        Ok(rules)
    }
}

/// What is done at once with what is pushed to a project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WantedOfPushes {
    /// It is scanned.
    pub scan: bool,
    /// Its SBOM is made.
    pub sbom: bool,
}

/// What a project wants done at once with what is pushed to it.
pub async fn wanted_of_pushes(
    tx: &mut Tx,
    project: ProjectId,
) -> Result<WantedOfPushes, CatalogError> {
    const KEYS: [&str; 2] = ["auto_scan", "auto_sbom_generation"];
    let set = store::metadata::set_among(tx, project, KEYS).await?;
    let is_set = |key: &str| set.iter().any(|name| name == key);
    Ok(WantedOfPushes {
        scan: is_set(KEYS[0]),
        sbom: is_set(KEYS[1]),
    })
}
