//! Projects, members, repositories, the access log and the settings operators change at run time.
//!
//! Invariant: a deleted project does not exist for anybody, and what an actor may not see is not
//! told apart from what is not there. Every administrative change writes its access log entry in
//! its own transaction.

mod allowlists;
mod audit;
mod catalog;
mod error;
mod facts;
mod labels;
mod members;
mod metadata;
mod outbox;
mod projects;
mod quotas;
mod recorder;
pub mod repositories;
pub mod robots;
mod routes;
mod scanning;
mod settings;
mod statistics;
mod store;
mod viewer;

pub use allowlists::{Allowlist, NewAllowlist};
pub use audit::{AuditEntry, AuditScope, LogPurge};
pub use berth_db::query;
pub use berth_iam::Entry;
pub use catalog::{Catalog, CatalogOptions};
pub use error::CatalogError;
pub use labels::{Label, LabelText};
pub use members::{Entity, Member, NewEntity, NewMember};
pub use metadata::set_retention_id;
pub use outbox::Outbox;
pub use projects::{NewProject, Project, ProjectFilter, ProjectUpdate, Summary};
pub use quotas::{Quota, QuotaExceeded, QuotaFilter, QuotaPush, QuotaUse, charge};
pub use recorder::{PullKept, Recorder, record_in};
pub use repositories::Repository;
pub use routes::{LabelBody, LabelRequest, ProjectBody, SystemFacts, endpoints, robot_endpoints};
pub use scanning::{ScanRules, WantedOfPushes, wanted_of_pushes};
pub use settings::{
    Configurations, ConfigurationsResponse, Kind, MOST_STORAGE, Restriction, SettingError,
    SettingKey, Settings, UNLIMITED,
};
pub use statistics::{FoundRepository, SearchResult, Statistics};
pub use viewer::Viewer;
