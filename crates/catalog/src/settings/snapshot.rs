//! [`Snapshot`]: the settings in memory, and how they change.
//!
//! Invariant: a refresh that began before a change made here never brings back what the change
//! replaced. A frozen key has the value of the server's own configuration, whatever the table says.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use berth_crypto::KeyFile;
use berth_db::Db;
use berth_iam::audit;
use berth_model::Timestamp;
use serde_json::{Map, Value};

use super::{EMPTY_SECRET, SettingError, SettingKey, Settings, seal};
use crate::catalog::CatalogOptions;
use crate::{Catalog, CatalogError, Entry, recorder, store};

#[derive(Debug)]
pub(crate) struct Snapshot {
    current: ArcSwap<Settings>,
    /// What holds before the table is read.
    base: Settings,
    /// What holds whatever the table says.
    frozen: Map<String, Value>,
    sealer: Option<Arc<KeyFile>>,
    /// Counts changes made here.
    changes: Mutex<u64>,
}

impl Snapshot {
    pub(crate) async fn load(db: &Db, options: CatalogOptions) -> Result<Self, CatalogError> {
        let base = Settings::default().patched(&options.defaults)?;
        base.patched(&options.frozen)?;
        let snapshot = Self {
            current: ArcSwap::from_pointee(base.clone()),
            base,
            frozen: options.frozen,
            sealer: options.sealer,
            changes: Mutex::new(0),
        };
        snapshot.current.store(Arc::new(snapshot.read(db).await?));
        Ok(snapshot)
    }

    /// Writes down what is frozen of the access log's rules: they are read from the table, in the
    /// transactions that write lines.
    pub(crate) async fn keep_rules(&self, db: &Db, now: Timestamp) -> Result<(), CatalogError> {
        let rules = [audit::MUTED, audit::FORWARD_TO, audit::FORWARD_ONLY];
        let rows: Vec<(&'static str, String)> = rules
            .into_iter()
            .filter_map(|name| Some((name, self.frozen.get(name)?.to_string())))
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        db.write(move |tx| {
            Box::pin(async move {
                for (name, value) in &rows {
                    store::setting::put(tx, name, value, now).await?;
                }
                Ok(())
            })
        })
        .await
    }

    pub(crate) fn get(&self) -> Arc<Settings> {
        self.current.load_full()
    }

    async fn read(&self, db: &Db) -> Result<Settings, CatalogError> {
        let rows = store::setting::load(db).await?;
        let stored = self.base.with_rows(rows, self.sealer.as_deref());
        // What is frozen was checked with the defaults; beside stored values it holds all the same.
        let mut settings = stored;
        for (key, value) in &self.frozen {
            settings.set(key, value)?;
        }
        Ok(settings)
    }

    pub(crate) async fn refresh(&self, db: &Db) -> Result<(), CatalogError> {
        let before = *self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = self.read(db).await?;
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

    /// The key of a change, unless it is held fast; asking for what holds already is no change.
    fn changed(
        &self,
        name: &str,
        value: &Value,
    ) -> Result<Option<&'static SettingKey>, SettingError> {
        if self.frozen.get(name) == Some(value) {
            return Ok(None);
        }
        self.key(name).map(Some)
    }

    fn key(&self, name: &str) -> Result<&'static SettingKey, SettingError> {
        let key = Settings::key(name).ok_or_else(|| SettingError::Unknown(name.to_owned()))?;
        if self.frozen.contains_key(name) {
            return Err(SettingError::Frozen(key.name));
        }
        Ok(key)
    }
}

/// Whether a client sent a key without a value: `null`, a schedule without its type, or the empty
/// secret that it was answered.
fn says_nothing(key: &str, value: &Value) -> bool {
    match key {
        _ if value.is_null() => true,
        "scan_all_policy" => value.is_object() && value["type"].is_null(),
        EMPTY_SECRET => value == "",
        _ => false,
    }
}

impl Catalog {
    /// Whether `key` can be changed while the server runs.
    pub fn setting_is_editable(&self, key: &str) -> bool {
        self.snapshot().key(key).is_ok()
    }

    /// Changes the given settings and leaves the others; all or none.
    pub async fn update_settings(
        &self,
        mut patch: Map<String, Value>,
        mut entry: Entry,
    ) -> Result<(), CatalogError> {
        patch.retain(|key, value| !says_nothing(key, value));
        let snapshot = self.snapshot();
        snapshot.get().patched(&patch)?;
        let mut rows = Vec::with_capacity(patch.len());
        for (name, value) in &patch {
            if let Some(key) = snapshot.changed(name, value)? {
                rows.push((key.name, seal(key, value, snapshot.sealer.as_deref())?));
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let now = self.clock().now();
        entry.at = now;
        self.db()
            .write(move |tx| {
                Box::pin(async move {
                    for (name, value) in &rows {
                        store::setting::put(tx, name, value, now).await?;
                    }
                    recorder::record_in(tx, entry).await?;
                    tx.after_commit(move || snapshot.apply(&patch));
                    Ok(())
                })
            })
            .await
    }
}
