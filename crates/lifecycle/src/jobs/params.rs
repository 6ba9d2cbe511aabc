//! The parameters of the job types, as Harbor spells them where it has them.
//!
//! Invariant: what is read is within its bounds; keys that are not known here are passed over, as
//! clients of Harbor send some that mean nothing to this storage.

use std::time::Duration;

use berth_catalog::LogPurge;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::GcOptions;

/// The longest a line can be asked to be kept: Harbor's bound, 27 years.
const LONGEST_RETENTION: i64 = 240_000;
/// Longest time limit: a week.
const LONGEST_MINUTES: u64 = 7 * 24 * 60;
/// Highest rates.
const HIGHEST_RATE: u32 = 1_000_000;
const HIGHEST_MIB: u64 = 100_000;

/// Reads parameters; none are an empty object.
pub(super) fn read<T: DeserializeOwned>(params: &Value) -> Result<T, String> {
    // An array would be taken for the fields in their order.
    let params = match params {
        Value::Null => Value::Object(serde_json::Map::new()),
        Value::Object(_) => params.clone(),
        _ => return Err("the parameters must be a JSON object".to_owned()),
    };
    serde_json::from_value(params).map_err(|error| error.to_string())
}

const fn one() -> i64 {
    1
}

/// What a garbage collection takes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct GcParams {
    /// Whether artifacts without a tag are deleted too.
    #[serde(default)]
    delete_untagged: bool,
    /// Whether nothing is deleted, only counted.
    #[serde(default)]
    dry_run: bool,
    /// Whether what was deleted and can still be brought back is deleted for good.
    #[serde(default)]
    empty_trash: bool,
    /// How many things are deleted at the same time, 1 to 10.
    #[serde(default = "one")]
    workers: i64,
    /// Minutes after which it ends with what is done; 0: none.
    #[serde(default)]
    time_limit_minutes: u64,
    /// Deletions in a second at most; 0: no bound.
    #[serde(default)]
    rate_limit: u32,
}

impl GcParams {
    pub(super) fn options(&self) -> Result<GcOptions, String> {
        if !(1..=10).contains(&self.workers) {
            return Err("workers must be 1 to 10".to_owned());
        }
        if self.time_limit_minutes > LONGEST_MINUTES {
            return Err(format!("time_limit_minutes must be 0 to {LONGEST_MINUTES}"));
        }
        if self.rate_limit > HIGHEST_RATE {
            return Err(format!("rate_limit must be 0 to {HIGHEST_RATE}"));
        }
        let limit = Duration::from_secs(60 * self.time_limit_minutes);
        Ok(GcOptions {
            delete_untagged: self.delete_untagged,
            dry_run: self.dry_run,
            empty_trash: self.empty_trash,
            workers: self.workers as usize,
            time_limit: (!limit.is_zero()).then_some(limit),
            rate: (self.rate_limit > 0).then_some(self.rate_limit),
        })
    }
}

/// What a purge of the access log takes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct PurgeParams {
    /// Hours that lines are kept, 0 to 240000.
    audit_retention_hour: i64,
    /// Names of events or operations, joined by commas, `other` for all but those of artifacts;
    /// none: every event.
    #[serde(default)]
    include_event_types: String,
    /// Operations, joined by commas: what older clients send instead.
    #[serde(default)]
    include_operations: String,
    /// Whether nothing is deleted, only counted.
    #[serde(default)]
    pub(super) dry_run: bool,
}

impl PurgeParams {
    /// The events to be deleted; empty: all.
    pub(super) fn events(&self) -> Result<Vec<String>, String> {
        if !(0..=LONGEST_RETENTION).contains(&self.audit_retention_hour) {
            return Err(format!(
                "audit_retention_hour must be 0 to {LONGEST_RETENTION}"
            ));
        }
        let both = format!("{},{}", self.include_event_types, self.include_operations);
        LogPurge::events(&both).map_err(|error| error.to_string())
    }

    pub(super) const fn retention(&self) -> Duration {
        Duration::from_secs(3600 * self.audit_retention_hour.unsigned_abs())
    }
}

/// What a scrub takes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct ScrubParams {
    /// MiB read in a second at most; 0: no bound; not given: what the server is configured for.
    #[serde(default)]
    rate_mib: Option<u64>,
}

impl ScrubParams {
    pub(super) fn rate(&self, configured: u64) -> Result<u64, String> {
        let rate = self.rate_mib.unwrap_or(configured);
        if rate > HIGHEST_MIB {
            return Err(format!("rate_mib must be 0 to {HIGHEST_MIB}"));
        }
        Ok(rate)
    }
}

/// What a repair takes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct RepairParams {
    /// Whether every blob is hashed, and not only looked at.
    #[serde(default)]
    pub(super) rehash: bool,
    /// Whether nothing is changed, only reported.
    #[serde(default)]
    pub(super) dry_run: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_have_bounds() {
        let gc = |params: Value| read::<GcParams>(&params)?.options();
        assert_eq!(gc(Value::Null).unwrap(), GcOptions::default());
        let all = json!({"delete_untagged": true, "delete_tag": true, "dry_run": true,
            "workers": 10, "time_limit_minutes": 5, "rate_limit": 7, "redis_url_reg": "x"});
        let all = gc(all).unwrap();
        assert_eq!(all.time_limit, Some(Duration::from_mins(5)));
        assert_eq!((all.workers, all.rate), (10, Some(7)));
        for bad in [
            json!({"workers": 0}),
            json!({"workers": 11}),
            json!({"workers": -1}),
            json!({"workers": "many"}),
            json!({"time_limit_minutes": 1e9}),
            json!({"rate_limit": 2_000_000}),
            json!([]),
        ] {
            assert!(gc(bad.clone()).is_err(), "{bad}");
        }
        let purge = |params: Value| read::<PurgeParams>(&params)?.events();
        assert_eq!(purge(json!({"audit_retention_hour": 24})).unwrap().len(), 0);
        let pulls = json!({"audit_retention_hour": 24, "include_operations": "pull"});
        assert_eq!(purge(pulls).unwrap(), ["pull_artifact"]);
        let artifacts = json!({"audit_retention_hour": 24,
            "include_event_types": "create_artifact, delete_artifact,pull_artifact,pull"});
        assert_eq!(purge(artifacts).unwrap().len(), 3);
        let others = json!({"audit_retention_hour": 24, "include_event_types": "other"});
        let others = purge(others).unwrap();
        assert!(others.contains(&"login_user".to_owned()));
        assert!(!others.contains(&"pull_artifact".to_owned()));
        for bad in [
            json!({}),
            json!({"audit_retention_hour": -1}),
            json!({"audit_retention_hour": 240_001}),
            json!({"audit_retention_hour": 1, "include_event_types": "eat_artifact"}),
            json!({"audit_retention_hour": 1, "include_operations": "eat"}),
        ] {
            assert!(purge(bad.clone()).is_err(), "{bad}");
        }
    }
}
