//! Settings that operators change while the server runs (Harbor's configuration keys).
//!
//! Invariant: what the database holds was validated; the snapshot in memory is replaced as part of
//! the commit that changes it, so the replica that answered a PUT obeys it from then on.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use berth_db::Db;
use berth_iam::audit::MUTED;
use berth_model::{Code, Coded};
use serde_json::{Map, Value, json};

use crate::audit::EVENTS;
use crate::{Catalog, CatalogError, Entry, recorder, store};

/// Longest banner, bytes: it is part of every page and of an anonymous answer.
const LONGEST_BANNER: usize = 8 * 1024;

/// Who may create projects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restriction {
    /// Every user.
    #[default]
    Everyone,
    /// System administrators only.
    AdminOnly,
}

impl Restriction {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Everyone => "everyone",
            Self::AdminOnly => "adminonly",
        }
    }
}

/// All settings, with their defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Pushes, deletions and other changes under `/v2` are refused.
    pub read_only: bool,
    /// Visitors may make an account.
    pub self_registration: bool,
    /// Who may create projects.
    pub project_creation_restriction: Restriction,
    /// A text shown above every page; Harbor's portal puts JSON in it.
    pub banner_message: String,
    /// Pulls are not written to the access log.
    pub pull_audit_log_disable: bool,
    /// Events that are not written to the access log, joined by commas.
    pub disabled_audit_log_event_types: String,
}

/// Why a setting was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// There is no such setting.
    #[error("there is no setting {0:?}")]
    Unknown(String),
    /// A value of the wrong type or out of range.
    #[error("the setting {key} must be {expected}")]
    Value {
        /// The setting.
        key: &'static str,
        /// What it may be.
        expected: &'static str,
    },
}

impl Coded for SettingError {
    fn code(&self) -> Code {
        Code::BadRequest
    }
}

impl From<SettingError> for CatalogError {
    fn from(error: SettingError) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl Settings {
    /// Sets one key from its JSON value.
    pub fn set(&mut self, key: &str, value: &Value) -> Result<(), SettingError> {
        match key {
            "read_only" => self.read_only = flag("read_only", value)?,
            "self_registration" => self.self_registration = flag("self_registration", value)?,
            "project_creation_restriction" => {
                self.project_creation_restriction = match value.as_str() {
                    Some("everyone") => Restriction::Everyone,
                    Some("adminonly") => Restriction::AdminOnly,
                    _ => {
                        return Err(SettingError::Value {
                            key: "project_creation_restriction",
                            expected: "\"everyone\" or \"adminonly\"",
                        });
                    }
                }
            }
            "banner_message" => {
                let text = value
                    .as_str()
                    .filter(|text| text.len() <= LONGEST_BANNER)
                    .ok_or(SettingError::Value {
                        key: "banner_message",
                        expected: "a text of at most 8 KiB",
                    })?;
                text.clone_into(&mut self.banner_message);
            }
            "pull_audit_log_disable" => {
                self.pull_audit_log_disable = flag("pull_audit_log_disable", value)?;
            }
            MUTED => self.disabled_audit_log_event_types = events(value)?,
            unknown => return Err(SettingError::Unknown(unknown.to_owned())),
        }
        Ok(())
    }

    /// Every key with its value, as the API shows them.
    pub fn to_json(&self) -> Map<String, Value> {
        let values = [
            ("read_only", json!(self.read_only)),
            ("self_registration", json!(self.self_registration)),
            (
                "project_creation_restriction",
                json!(self.project_creation_restriction.as_str()),
            ),
            ("banner_message", json!(self.banner_message)),
            ("pull_audit_log_disable", json!(self.pull_audit_log_disable)),
            (MUTED, json!(self.disabled_audit_log_event_types)),
        ];
        values
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect()
    }

    /// From the rows of the table. A row that this version does not understand is left out and
    /// logged: after a downgrade the server must still start.
    pub(crate) fn from_rows(rows: Vec<(String, String)>) -> Self {
        let mut settings = Self::default();
        for (key, text) in rows {
            let read = serde_json::from_str(&text)
                .map_err(|error| error.to_string())
                .and_then(|value| settings.set(&key, &value).map_err(|e| e.to_string()));
            if let Err(error) = read {
                tracing::warn!(key, error, "a stored setting is ignored");
            }
        }
        settings
    }
}

fn flag(key: &'static str, value: &Value) -> Result<bool, SettingError> {
    value.as_bool().ok_or(SettingError::Value {
        key,
        expected: "true or false",
    })
}

/// Names of events, joined by commas.
fn events(value: &Value) -> Result<String, SettingError> {
    let refused = SettingError::Value {
        key: MUTED,
        expected: "names of GET /api/v2.0/auditlog-exts/events, joined by commas",
    };
    let Some(text) = value.as_str() else {
        return Err(refused);
    };
    let names: Vec<&str> = text
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    if names.iter().all(|name| EVENTS.contains(name)) {
        Ok(names.join(","))
    } else {
        Err(refused)
    }
}

/// The settings in memory.
#[derive(Debug)]
pub(crate) struct Snapshot {
    current: ArcSwap<Settings>,
    /// Counts changes made here. A refresh that began before one is thrown away, or it would
    /// bring back what the change replaced.
    changes: Mutex<u64>,
}

impl Snapshot {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            current: ArcSwap::from_pointee(settings),
            changes: Mutex::new(0),
        }
    }

    pub(crate) fn get(&self) -> Arc<Settings> {
        self.current.load_full()
    }

    pub(crate) async fn refresh(&self, db: &Db) -> Result<(), CatalogError> {
        let before = *self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = store::setting::load(db).await?;
        let changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        if *changes == before {
            self.current.store(Arc::new(loaded));
        }
        Ok(())
    }

    fn apply(&self, patch: &Map<String, Value>) {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        *changes += 1;
        let mut next = Settings::clone(&self.current.load());
        for (key, value) in patch {
            // The patch was validated before it was written.
            let _ = next.set(key, value);
        }
        self.current.store(Arc::new(next));
    }
}

impl Catalog {
    /// Changes the given settings and leaves the others; all or none.
    pub async fn update_settings(
        &self,
        patch: Map<String, Value>,
        mut entry: Entry,
    ) -> Result<(), CatalogError> {
        let mut probe = Settings::default();
        for (key, value) in &patch {
            probe.set(key, value)?;
        }
        if patch.is_empty() {
            return Ok(());
        }
        let now = self.clock().now();
        let snapshot = self.snapshot();
        entry.at = now;
        self.db()
            .write(move |tx| {
                Box::pin(async move {
                    for (key, value) in &patch {
                        store::setting::put(tx, key, &value.to_string(), now).await?;
                    }
                    recorder::record_in(tx, entry).await?;
                    tx.after_commit(move || snapshot.apply(&patch));
                    Ok(())
                })
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_survives_its_own_json() {
        let settings = Settings {
            read_only: true,
            self_registration: true,
            project_creation_restriction: Restriction::AdminOnly,
            banner_message: "hello".to_owned(),
            pull_audit_log_disable: true,
            disabled_audit_log_event_types: "pull_artifact,login_user".to_owned(),
        };
        let mut copy = Settings::default();
        for (key, value) in settings.to_json() {
            copy.set(&key, &value).unwrap();
        }
        assert_eq!(copy, settings);
    }

    #[test]
    fn unknown_keys_and_wrong_types_are_refused() {
        let mut settings = Settings::default();
        for (key, value) in [
            ("read_only", json!("true")),
            ("read_only", json!(1)),
            ("project_creation_restriction", json!("nobody")),
            ("banner_message", json!("x".repeat(LONGEST_BANNER + 1))),
            ("banner_message", json!(null)),
            (MUTED, json!("pull_artifact,eat_artifact")),
            (MUTED, json!(true)),
            ("no_such_key", json!(true)),
        ] {
            assert!(settings.set(key, &value).is_err(), "{key}");
        }
        assert_eq!(settings, Settings::default());
    }

    #[test]
    fn a_row_of_another_version_does_not_stop_the_start() {
        let rows = vec![
            ("from_the_future".to_owned(), "1".to_owned()),
            ("read_only".to_owned(), "true".to_owned()),
            ("banner_message".to_owned(), "not json".to_owned()),
        ];
        let settings = Settings::from_rows(rows);
        assert!(settings.read_only);
        assert!(settings.banner_message.is_empty());
    }
}
