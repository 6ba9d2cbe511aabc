//! All SQL of this crate, one module a table.
//!
//! Invariant: every statement is one text for both engines, values are always bound, and every
//! query by id of a thing in a project is scoped by the project's id.

pub(crate) mod allowlist;
pub(crate) mod event;
pub(crate) mod label;
pub(crate) mod log;
pub(crate) mod member;
pub(crate) mod metadata;
pub(crate) mod project;
pub(crate) mod pulls;
pub(crate) mod quota;
pub(crate) mod repository;
pub(crate) mod role;
pub(crate) mod setting;
