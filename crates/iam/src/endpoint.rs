//! [`Endpoint`]: a route together with what it asks of its caller.
//!
//! Invariant: a handler is served only behind the access it states here; the server wraps all
//! endpoints in one layer that reads it.

use axum::routing::MethodRouter;
use http::Method;

use crate::access::Permission;
use crate::operation::Operation;

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
    /// As `Project`, with one of two permissions: the body or what is found says which is needed,
    /// and the handler asks [`access`](crate::access) for that one.
    ProjectEither(Permission, Permission),
    /// A permission on the system; while visitors may make accounts, nothing of visitors.
    Registration(Permission),
    /// That the caller is the user `{user_id}` of the path, or holds the permission on the system.
    SelfOr(Permission),
    /// That the caller is known, and may do what the handler asks of [`access`](crate::access)
    /// as soon as it has read whose the thing is: the path names it by an id of its own, or the
    /// body names the project. A thing the caller may not even see is answered as one that is not
    /// there.
    ByObject,
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
    /// What the API document says of it; none: it is not part of the document.
    pub operation: Option<Operation>,
}

impl Endpoint {
    /// A route.
    pub fn new(method: Method, path: &'static str, access: Access, handler: MethodRouter) -> Self {
        Self {
            method,
            path,
            access,
            handler,
            operation: None,
        }
    }

    /// With what the API document says of it.
    #[must_use]
    pub const fn describe(mut self, operation: Operation) -> Self {
        self.operation = Some(operation);
        self
    }
}
