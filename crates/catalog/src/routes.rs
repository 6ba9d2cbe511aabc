//! Harbor's API over the catalog.
//!
//! Invariant: a handler does not ask who may; each endpoint states its access, and the server's
//! layer has decided before the handler runs.

mod allowlists;
mod configurations;
mod labels;
mod logs;
mod members;
mod metadatas;
mod params;
mod projects;
mod quotas;
mod robots;
mod system;

use berth_iam::{Access, Endpoint, Iam, Permission};
use berth_model::{Action, Resource};

use crate::Catalog;

pub use projects::ProjectBody;

pub use labels::{LabelBody, LabelRequest};

/// What the system says about itself.
#[derive(Clone, Debug, Default)]
pub struct SystemFacts {
    /// The version of this program.
    pub version: String,
    /// The address clients reach it at, `https://host[:port]`; empty when not configured.
    pub external_url: String,
    /// What blobs are kept in: `filesystem`, `s3`.
    pub storage: String,
    /// Whether there is a root certificate to download.
    pub ca_root: bool,
}

/// Every endpoint of this crate but those of robots.
pub fn endpoints(catalog: Catalog, facts: SystemFacts) -> Vec<Endpoint> {
    let mut endpoints = projects::endpoints(&catalog);
    endpoints.extend(metadatas::endpoints(&catalog));
    endpoints.extend(members::endpoints(&catalog));
    endpoints.extend(allowlists::endpoints(&catalog));
    endpoints.extend(labels::endpoints(&catalog));
    endpoints.extend(logs::endpoints(&catalog));
    endpoints.extend(quotas::endpoints(&catalog));
    endpoints.extend(configurations::endpoints(&catalog));
    endpoints.extend(system::endpoints(&catalog, facts));
    endpoints
}

/// The endpoints of robots, whose secrets `iam` makes and keeps.
pub fn robot_endpoints(catalog: &Catalog, iam: &Iam) -> Vec<Endpoint> {
    robots::endpoints(catalog, iam)
}

const fn project(resource: Resource, action: Action) -> Access {
    Access::Project(Permission::new(resource, action))
}

const fn system(resource: Resource, action: Action) -> Access {
    Access::System(Permission::new(resource, action))
}
