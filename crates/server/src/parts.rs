//! The stores and services of one process, opened in the order they need each other.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use berth_blob::{BlobError, BlobStore, FaultPlan, StoreOptions};
use berth_catalog::{Catalog, CatalogError, CatalogOptions};
use berth_config::{Isolation, Settings};
use berth_crypto::{CryptoError, KeyFile};
use berth_db::{DatabaseUrl, Db, DbError};
use berth_iam::{Iam, IamError, IamOptions};
use berth_indexer::{Bounds, Indexer, Program};
use berth_jobs::{Jobs, JobsError, JobsOptions};
use berth_lifecycle::{Lifecycle, Retention};
use berth_model::{Clock, Secret, UserId};
use berth_notify::Notify;
use berth_registry::{Registry, RegistryOptions};
use berth_remote::{Allowed, Egress, EgressOptions};
use berth_scanners::Scanners;
use berth_vuln::{Outside, Scanning};
use serde_json::{Map, Value};

/// Why the services could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The data folder cannot be made or used.
    #[error("the data folder {0} cannot be used: {1}")]
    Data(String, #[source] io::Error),
    /// The database cannot be opened or brought up to date.
    #[error("the database cannot be used: {0}")]
    Db(#[from] DbError),
    /// The blob store cannot be opened.
    #[error("the blob store cannot be used: {0}")]
    Blob(#[from] BlobError),
    /// The key file cannot be made or read.
    #[error("the key file cannot be used: {0}")]
    Crypto(#[from] CryptoError),
    /// What the configuration holds fast is not readable.
    #[error("configuration.overwrite must be a JSON object of settings: {0}")]
    Overwrite(#[source] serde_json::Error),
    /// Users and keys cannot be set up.
    #[error("users and keys cannot be set up: {0}")]
    Iam(#[from] IamError),
    /// The certificates for calls cannot be read.
    #[error("egress.ca_file cannot be read: {0}")]
    Authorities(#[source] io::Error),
    /// The client for calls cannot be set up.
    #[error("calls to other servers cannot be set up: {0}")]
    Egress(String),
    /// Projects cannot be set up.
    #[error("projects cannot be set up: {0}")]
    Catalog(#[from] CatalogError),
    /// Jobs cannot be set up.
    #[error("jobs cannot be set up: {0}")]
    Jobs(#[from] JobsError),
}

/// What the server's own configuration says of the settings that the API changes.
fn catalog_options(
    settings: &Settings,
    key_file: Arc<KeyFile>,
) -> Result<CatalogOptions, SetupError> {
    let frozen = match &settings.configuration.overwrite {
        Some(text) => serde_json::from_str(text.expose()).map_err(SetupError::Overwrite)?,
        None => Map::new(),
    };
    let minutes = settings.auth.token_lifetime_seconds.div_ceil(60);
    let days = settings.registry.undelete_days;
    let defaults = Map::from_iter([
        ("token_expiration".to_owned(), Value::from(minutes)),
        ("undelete_days".to_owned(), Value::from(days)),
    ]);
    Ok(CatalogOptions {
        sealer: Some(key_file),
        defaults,
        frozen,
    })
}

/// An address without the slash at its end.
fn bare(url: &str) -> String {
    url.trim_end_matches('/').to_owned()
}

/// Where servers beside this one reach it.
fn internal_url(settings: &Settings) -> String {
    let http = &settings.http;
    if let Some(url) = &http.internal_url {
        return bare(url);
    }
    let scheme = if http.tls_cert.is_some() {
        "https"
    } else {
        "http"
    };
    let mut address = http.listen;
    if address.ip().is_unspecified() {
        address.set_ip([127, 0, 0, 1].into());
    }
    format!("{scheme}://{address}")
}

/// The one client that goes out.
fn open_egress(settings: &Settings) -> Result<Egress, SetupError> {
    let configured = &settings.egress;
    let told = |error: &dyn std::error::Error| SetupError::Egress(error.to_string());
    let authorities = match &configured.ca_file {
        Some(path) => std::fs::read(path).map_err(SetupError::Authorities)?,
        None => Vec::new(),
    };
    let options = EgressOptions {
        allowed: Allowed::parse(configured.allow.as_deref().unwrap_or_default())
            .map_err(|error| told(&error))?,
        proxy: configured.proxy.clone(),
        no_proxy: configured.no_proxy.clone(),
        authorities,
    };
    Egress::new(options).map_err(|error| told(&error))
}

/// Where layers are read.
fn open_indexer(settings: &Settings, program: Option<Program>) -> Indexer {
    let bounds = Bounds {
        memory: settings.scan.layer_memory_mib * 1024 * 1024,
        time: Duration::from_secs(settings.scan.layer_seconds),
    };
    match settings.scan.isolation {
        Isolation::Process => Indexer::apart(program.unwrap_or_else(Program::this), bounds),
        Isolation::None => Indexer::here(bounds),
    }
}

/// Everything that requests are answered with. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The database.
    pub db: Db,
    /// Bytes.
    pub blobs: BlobStore,
    /// Users and rights.
    pub iam: Iam,
    /// Projects, members and the access log.
    pub catalog: Catalog,
    /// The registry core.
    pub registry: Registry,
    /// Garbage collection and checks.
    pub lifecycle: Lifecycle,
    /// Webhooks.
    pub notify: Notify,
    /// The one client that goes out.
    pub egress: Egress,
    /// Which scanners there are.
    pub scanners: Scanners,
    /// Tag retention.
    pub retention: Retention,
    /// Scans of images.
    pub scanning: Scanning,
    /// Work beside requests; its types are registered in `jobs.rs`.
    pub jobs: Jobs,
}

impl Parts {
    /// Opens everything, and makes on the first start what has to be there.
    pub async fn open(settings: &Settings, clock: Clock) -> Result<Self, SetupError> {
        Self::open_with(settings, clock, None, None).await
    }

    /// As [`Self::open`], for tests: where the storage meets faults, or another program reads
    /// layers.
    pub async fn open_with(
        settings: &Settings,
        clock: Clock,
        faults: Option<FaultPlan>,
        indexer: Option<Program>,
    ) -> Result<Self, SetupError> {
        Self::make_data_folder(settings)?;
        let data = &settings.data;
        let url = DatabaseUrl::from_str(settings.database_url().expose())?;
        let db = Db::connect(&url, settings.database.connections as u32).await?;
        berth_schema::migrate(&db).await?;
        let options = StoreOptions {
            sync: settings.storage.sync,
            faults,
        };
        let blobs = BlobStore::open(data.join("store"), options).await?;
        let key_file = Arc::new(KeyFile::load_or_create(data.join("secret.key"))?);
        let options = IamOptions {
            refresh_lifetime: Duration::from_hours(24 * settings.auth.refresh_token_days),
            ..IamOptions::default()
        };
        let iam = Iam::open(db.clone(), clock.clone(), &key_file, options).await?;
        let options = catalog_options(settings, key_file.clone())?;
        let catalog = Catalog::open_with(db.clone(), clock.clone(), options).await?;
        let recorder = catalog.recorder().clone();
        let named = catalog.clone();
        iam.name_robots(Arc::new(move || named.settings().robot_name_prefix.clone()));
        let settings_of = catalog.clone();
        iam.let_register(Arc::new(move || settings_of.settings().self_registration));
        iam.on_removal(Arc::new(Catalog::forget_user));
        iam.watch_logins(Arc::new(move |entry| recorder.record(entry)));
        let grace = Duration::from_secs(settings.gc.grace_seconds);
        let registry = Registry::new(
            db.clone(),
            blobs.clone(),
            catalog.clone(),
            iam.clone(),
            clock.clone(),
            RegistryOptions {
                grace,
                token_lifetime: Duration::from_secs(settings.auth.token_lifetime_seconds),
                sparse_manifests: settings.registry.sparse_manifests,
                external_url: settings.http.external_url.clone(),
                internal_url: Some(internal_url(settings)),
            },
        );
        let options = JobsOptions {
            workers: settings.jobs.workers as usize,
            ..JobsOptions::default()
        };
        let jobs = Jobs::new(db.clone(), clock.clone(), options);
        let retention = Retention::new(
            db.clone(),
            catalog.clone(),
            registry.clone(),
            jobs.clone(),
            clock.clone(),
        );
        let egress = open_egress(settings)?;
        let scanners = Scanners::new(db.clone(), clock.clone(), egress.clone(), key_file.clone());
        let scanning = Scanning::new(
            db.clone(),
            catalog.clone(),
            registry.clone(),
            jobs.clone(),
            egress.clone(),
            clock.clone(),
            open_indexer(settings, indexer),
            Outside {
                scanners: scanners.clone(),
                authority: iam.authority().clone(),
                external_url: settings.http.external_url.as_deref().map(bare),
                internal_url: internal_url(settings),
            },
        );
        let lifecycle = Lifecycle::new(db.clone(), blobs.clone(), registry.clone(), clock, grace);
        let notify = Notify::new(
            db.clone(),
            catalog.clone(),
            jobs.clone(),
            egress.clone(),
            key_file,
            settings.http.external_url.as_deref(),
        );
        let parts = Self {
            db,
            blobs,
            iam,
            catalog,
            registry,
            lifecycle,
            notify,
            egress,
            scanners,
            retention,
            scanning,
            jobs,
        };
        crate::jobs::register(&parts, settings);
        Ok(parts)
    }

    /// Makes the data folder, for its owner's eyes only: it holds password hashes and keys.
    pub fn make_data_folder(settings: &Settings) -> Result<(), SetupError> {
        let data = &settings.data;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data)
            .map_err(|error| SetupError::Data(data.display().to_string(), error))
    }

    /// Makes the first administrator and the first project. Gives the administrator's password
    /// if it was made up here.
    pub async fn first_start(
        &self,
        password: Option<Secret<String>>,
    ) -> Result<Option<Secret<String>>, SetupError> {
        let made = self.iam.ensure_admin(password).await?;
        self.catalog.seed(UserId(1)).await?;
        crate::jobs::schedule_defaults(self).await?;
        Ok(made)
    }

    /// Finishes what is under way and closes the stores.
    pub async fn close(&self) {
        self.registry.drain().await;
        if let Err(error) = self.catalog.close().await {
            tracing::error!(%error, "the last lines of the access log could not be written");
        }
        self.db.close().await;
    }
}
