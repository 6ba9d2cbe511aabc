//! All SQL of this crate.
//!
//! Invariant: every statement is one text for both engines, values are always bound, and every
//! query by id of a policy for a client is scoped by the project's id.

pub(crate) mod policy;
