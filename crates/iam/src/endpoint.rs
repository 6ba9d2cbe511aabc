//! [`Endpoint`]: a route together with what it asks of its caller.
//!
//! Invariant: a handler is served only behind the access it states here; the server wraps all
//! endpoints in one layer that reads it.

use axum::routing::MethodRouter;
use http::Method;

use crate::access::Permission;

/// What a route asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    Public,
    /// That the caller is known.
    Authenticated,
    /// A permission on the system.
    System(Permission),
    /// A permission in the project that the path names (`{project_name_or_id}` or
    /// `{project_name}`). The handler finds its `ProjectFacts` as a request extension.
    Project(Permission),
    /// That the caller is the user `{user_id}` of the path, or holds the permission on the system.
    SelfOr(Permission),
}

/// A route together with what it asks of its caller.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The method it answers.
    pub method: Method,
    /// The path in axum's syntax: `/api/v2.0/projects/{project_name_or_id}`.
    pub path: &'static str,
    /// What is asked of the caller.
    pub access: Access,
    /// What answers, for [`Endpoint::method`] only.
    pub handler: MethodRouter,
}

impl Endpoint {
    /// A route.
    pub fn new(method: Method, path: &'static str, access: Access, handler: MethodRouter) -> Self {
        Self {
            method,
            path,
            access,
            handler,
        }
    }
}
