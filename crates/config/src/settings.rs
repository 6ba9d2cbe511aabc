//! The settings themselves. [`Settings::load`] is the only way to them.
//!
//! Operators change the rest, Harbor's configuration keys, while the server runs; those live in
//! the database.

mod check;

use std::net::SocketAddr;
use std::path::PathBuf;

use berth_model::Secret;
use ipnet::IpNet;
use serde::Deserialize;

use crate::Key;
use crate::key::Kind;
use crate::layers::{self, Entry, Sources};
use crate::problem::{Invalid, Origin, Problem};

/// Makes a section's struct and its keys from one list of
/// `field: Type = Kind, default;`.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $name:ident $prefix:literal {
            $(
                $(#[doc = $doc:literal])+
                $field:ident: $type:ty = $kind:expr, $default:expr;
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $(
                $(#[doc = $doc])+
                pub $field: $type,
            )+
        }

        impl $name {
            const KEYS: &[Key] = &[$(
                Key {
                    name: concat!($prefix, stringify!($field)),
                    kind: $kind,
                    default: $default,
                    doc: &[$($doc),+],
                },
            )+];
        }
    };
}

section! {
    /// `[http]`: where and how the server listens.
    HttpSettings "http." {
        /// Address and port to listen on. Default 127.0.0.1:8080.
        listen: SocketAddr = Kind::Address, Some("127.0.0.1:8080");
        /// The URL clients reach the server by, like https://registry.example.com, without a path.
        /// Default: what the request says.
        external_url: Option<String> = Kind::Text, None;
        /// The URL by which servers beside this one reach it, like http://berth:8080, without a
        /// path: scanners that are to use the internal address pull from there. Default:
        /// 127.0.0.1 and the port of listen.
        internal_url: Option<String> = Kind::Text, None;
        /// PEM file with the certificate chain. With tls_key it turns HTTPS on; both are read
        /// again when they change. Default: plain HTTP.
        tls_cert: Option<PathBuf> = Kind::Path, None;
        /// PEM file with the certificate's private key.
        tls_key: Option<PathBuf> = Kind::Path, None;
        /// PEM file with the root certificate that clients have to trust, for
        /// /api/v2.0/systeminfo/getcert. Default: none.
        ca_file: Option<PathBuf> = Kind::Path, None;
        /// Networks or addresses of proxies whose X-Forwarded-For and X-Forwarded-Proto are
        /// believed. Default: this machine.
        trusted_proxies: Vec<IpNet> = Kind::Networks, Some("127.0.0.1/32,::1/128");
        /// Address and port of a second listener with /metrics only. Default: none.
        metrics_listen: Option<SocketAddr> = Kind::Address, None;
        /// Seconds that requests under way are given at shutdown, 0 to 3600. Default 30.
        drain_seconds: u64 = Kind::Count, Some("30");
    }
}

section! {
    /// `[database]`: where the rows are.
    DatabaseSettings "database." {
        /// postgres://user:password@host/name or sqlite:///path. Default: SQLite in the data
        /// folder.
        url: Option<Secret<String>> = Kind::Secret, None;
        /// File that holds the URL, instead of url.
        url_file: Option<PathBuf> = Kind::Path, None;
        /// Connections to the database at most, 2 to 1000. Default 16.
        connections: u64 = Kind::Count, Some("16");
    }
}

section! {
    /// `[storage]`: where the bytes are.
    StorageSettings "storage." {
        /// Whether bytes are on the disk before a push is answered. Turning it off can lose
        /// pushes at a power cut. Default true.
        sync: bool = Kind::Bool, Some("true");
    }
}

section! {
    /// `[auth]`: tokens and sign-in.
    AuthSettings "auth." {
        /// Seconds a registry token is valid, 60 to 3600, until token_expiration is set. Default 300.
        token_lifetime_seconds: u64 = Kind::Count, Some("300");
        /// Days a refresh token is valid, 1 to 365. Default 30.
        refresh_token_days: u64 = Kind::Count, Some("30");
    }
}

section! {
    /// `[registry]`: what a push must satisfy.
    RegistrySettings "registry." {
        /// Whether an image manifest may be pushed before its layers, or without those that the
        /// repository never held (a sparse mirror). A layer that the repository lost since, to a
        /// deletion or collection, refuses the push either way. Default true.
        sparse_manifests: bool = Kind::Bool, Some("true");
        /// Days that what was deleted can be brought back, 0 to 365, until undelete_days is set;
        /// 0 for never. Its bytes are kept as long. Default 7.
        undelete_days: u64 = Kind::Count, Some("7");
    }
}

section! {
    /// `[gc]`: garbage collection.
    GcSettings "gc." {
        /// Whether garbage is collected by itself. Default true.
        enabled: bool = Kind::Bool, Some("true");
        /// Seconds between two collections, 1 to 604800. Default 3600.
        interval_seconds: u64 = Kind::Count, Some("3600");
        /// Seconds that unreferenced bytes are kept, 0 to 2592000; a push that takes longer
        /// between its parts than this may have to send some again. Default 7200.
        grace_seconds: u64 = Kind::Count, Some("7200");
    }
}

section! {
    /// `[egress]`: what the server calls, for webhooks and other registries.
    EgressSettings "egress." {
        /// Networks, addresses and names of hosts that may be called although they are not public,
        /// like 10.0.0.0/8,hooks.internal. Default: none.
        allow: Option<Vec<String>> = Kind::Hosts, None;
        /// Proxy for all calls, like http://proxy.example.com:3128. Default: none; the variables
        /// http_proxy and https_proxy are not read.
        proxy: Option<String> = Kind::Text, None;
        /// Hosts and networks that are called without the proxy, separated by commas.
        no_proxy: Option<String> = Kind::Text, None;
        /// PEM file with certificates of authorities that are believed beside the system's.
        ca_file: Option<PathBuf> = Kind::Path, None;
    }
}

section! {
    /// `[configuration]`: settings of the API that are held fast here.
    ConfigurationSettings "configuration." {
        /// JSON object of settings of /api/v2.0/configurations, like {"self_registration": false}.
        /// They hold from the start and cannot be changed through the API. Default: none.
        overwrite: Option<Secret<String>> = Kind::Secret, None;
        /// File that holds the object, instead of overwrite.
        overwrite_file: Option<PathBuf> = Kind::Path, None;
    }
}

section! {
    /// `[jobs]`: work beside requests.
    JobsSettings "jobs." {
        /// Jobs that run at the same time in this process, 0 to 200; 0 leaves them to other
        /// processes of the same database. Default 10.
        workers: u64 = Kind::Count, Some("10");
        /// What this process does: all; web answers requests and leaves jobs and collections to
        /// others; worker does those, and answers only for its health and metrics. Needs
        /// PostgreSQL unless it is all. Default all.
        role: Role = Kind::Choice(&["all", "web", "worker"]), Some("all");
    }
}

section! {
    /// `[scan]`: reading the layers of images.
    ScanSettings "scan." {
        /// Where layers are read: process, one of its own for each, which may do nothing else; none
        /// for the server's own process, where starting others is forbidden. Default process.
        isolation: Isolation = Kind::Choice(&["process", "none"]), Some("process");
        /// MiB of memory that reading one layer may take in a process of its own, 128 to 65536.
        /// Default 1024.
        layer_memory_mib: u64 = Kind::Count, Some("1024");
        /// Seconds that reading one layer may take, 10 to 3600. Default 900.
        layer_seconds: u64 = Kind::Count, Some("900");
    }
}

section! {
    /// `[scrub]`: reading stored bytes again to find what went bad.
    ScrubSettings "scrub." {
        /// MiB read in a second at most, 0 to 100000; 0 is no bound. Default 32.
        rate_mib: u64 = Kind::Count, Some("32");
    }
}

section! {
    /// `[log]`: what is written to standard error.
    LogSettings "log." {
        /// text for people, json for machines. Default text.
        format: LogFormat = Kind::Choice(&["text", "json"]), Some("text");
        /// error, warn, info, debug or trace, also by module like info,berth_registry=debug.
        /// Default info.
        level: String = Kind::Text, Some("info");
        /// Whether each request is logged. Default true.
        access: bool = Kind::Bool, Some("true");
    }
}

section! {
    /// `[tracing]`: OpenTelemetry traces.
    TracingSettings "tracing." {
        /// URL of an OTLP collector that takes HTTP, like http://localhost:4318. Default: none,
        /// which turns tracing off.
        otlp_endpoint: Option<String> = Kind::Text, None;
        /// Share of requests that are traced, 0 to 1. Default 1.
        sample_ratio: f64 = Kind::Ratio, Some("1");
    }
}

impl EgressSettings {
    /// No key of this section has a default, so it may be absent altogether.
    const fn none() -> Self {
        Self {
            allow: None,
            proxy: None,
            no_proxy: None,
            ca_file: None,
        }
    }
}

impl ConfigurationSettings {
    /// No key of this section has a default, so it may be absent altogether.
    const fn none() -> Self {
        Self {
            overwrite: None,
            overwrite_file: None,
        }
    }
}

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything.
    All,
    /// Requests.
    Web,
    /// Jobs and what goes on beside requests.
    Worker,
}

impl Role {
    /// Whether clients are served.
    pub const fn serves(self) -> bool {
        !matches!(self, Self::Worker)
    }

    /// Whether jobs run here and garbage is collected.
    pub const fn works(self) -> bool {
        !matches!(self, Self::Web)
    }
}

/// Where layers are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// Each in a process of its own.
    Process,
    /// In the server's process.
    None,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// All settings, checked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Folder of everything the server keeps. Default ./berth-data.
    pub data: PathBuf,
    /// `[http]`.
    pub http: HttpSettings,
    /// `[database]`.
    pub database: DatabaseSettings,
    /// `[storage]`.
    pub storage: StorageSettings,
    /// `[auth]`.
    pub auth: AuthSettings,
    /// `[registry]`.
    pub registry: RegistrySettings,
    /// `[gc]`.
    pub gc: GcSettings,
    /// `[egress]`.
    #[serde(default = "EgressSettings::none")]
    pub egress: EgressSettings,
    /// `[configuration]`.
    #[serde(default = "ConfigurationSettings::none")]
    pub configuration: ConfigurationSettings,
    /// `[jobs]`.
    pub jobs: JobsSettings,
    /// `[scan]`.
    pub scan: ScanSettings,
    /// `[scrub]`.
    pub scrub: ScrubSettings,
    /// `[log]`.
    pub log: LogSettings,
    /// `[tracing]`.
    pub tracing: TracingSettings,
    #[serde(skip)]
    entries: Vec<Entry>,
}

const ROOT: &[Key] = &[Key {
    name: "data",
    kind: Kind::Path,
    default: Some("./berth-data"),
    doc: &[" Folder of everything the server keeps. Default ./berth-data."],
}];

const SECTIONS: [&[Key]; 14] = [
    ROOT,
    HttpSettings::KEYS,
    DatabaseSettings::KEYS,
    StorageSettings::KEYS,
    AuthSettings::KEYS,
    RegistrySettings::KEYS,
    GcSettings::KEYS,
    EgressSettings::KEYS,
    ScanSettings::KEYS,
    ScrubSettings::KEYS,
    ConfigurationSettings::KEYS,
    JobsSettings::KEYS,
    LogSettings::KEYS,
    TracingSettings::KEYS,
];

impl Settings {
    /// All keys there are, in the order of the documentation.
    pub fn keys() -> impl Iterator<Item = &'static Key> {
        SECTIONS.into_iter().flatten()
    }

    /// Reads all sources, the strongest last: defaults, file, environment, command line.
    pub fn load(sources: &Sources) -> Result<Self, Invalid> {
        let merged = layers::merge(sources)?;
        let entries = merged.entries;
        let mut settings: Self = merged.config.try_deserialize().map_err(|error| Invalid {
            problems: vec![Problem {
                key: String::new(),
                message: error.to_string(),
                origin: Origin::Default,
            }],
        })?;
        settings.entries = entries;
        let problems = settings.check();
        if problems.is_empty() {
            Ok(settings)
        } else {
            Err(Invalid { problems })
        }
    }

    /// Each key with its value and where it came from, secrets hidden.
    pub fn explain(&self) -> &[Entry] {
        &self.entries
    }

    /// The database to use: the one that was set, or SQLite in the data folder.
    pub fn database_url(&self) -> Secret<String> {
        self.database.url.clone().unwrap_or_else(|| {
            Secret::new(format!("sqlite://{}", self.data.join("berth.db").display()))
        })
    }

    /// Whether several processes may work on the same data: not with SQLite.
    pub fn is_shared(&self) -> bool {
        let url = self.database.url.as_ref();
        url.is_some_and(|url| url.expose().starts_with("postgres"))
    }

    /// Where `key` was set.
    fn origin(&self, key: &str) -> Origin {
        self.entries
            .iter()
            .find(|entry| entry.key.name == key)
            .map(|entry| entry.origin.clone())
            .unwrap_or_default()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::load(&Sources::default()).expect("the defaults are valid")
    }
}
