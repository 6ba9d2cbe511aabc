//! [`Notify`]: the handle on everything in this crate.

use std::sync::Arc;

use berth_catalog::Catalog;
use berth_crypto::KeyFile;
use berth_db::Db;
use berth_jobs::Jobs;
use berth_remote::Egress;

use crate::deliver::Deliver;
use crate::policies::TargetKind;

/// Webhooks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Notify {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) catalog: Catalog,
    pub(crate) jobs: Jobs,
    pub(crate) egress: Egress,
    pub(crate) sealer: Arc<KeyFile>,
    /// What clients put before a repository's name; empty when it is not known.
    pub(crate) registry_host: String,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notify").finish_non_exhaustive()
    }
}

impl Notify {
    /// Puts it together and registers its job types. `external_url` is where clients reach the
    /// server.
    pub fn new(
        db: Db,
        catalog: Catalog,
        jobs: Jobs,
        egress: Egress,
        sealer: Arc<KeyFile>,
        external_url: Option<&str>,
    ) -> Self {
        let host = external_url.unwrap_or_default();
        let host = host.split_once("://").map_or(host, |(_, rest)| rest);
        let notify = Self {
            inner: Arc::new(Inner {
                db,
                catalog,
                jobs: jobs.clone(),
                egress,
                sealer,
                registry_host: host.trim_end_matches('/').to_owned(),
            }),
        };
        for kind in [TargetKind::Http, TargetKind::Slack] {
            jobs.register(Deliver {
                notify: notify.clone(),
                kind,
            });
        }
        notify
    }
}
