//! Who is calling and what they may do: users, passwords, tokens and the role matrix.
//!
//! Invariant: rights are read when they are needed. What is remembered (verified passwords,
//! verified tokens) saves work only and is checked against the truth, or the time, at each use.

pub mod access;
mod actor;
mod authority;
mod endpoint;

pub use access::{Permission, ProjectFacts, Refusal};
pub use actor::{Actor, Caller, User};
pub use authority::{
    AccessEntry, Authority, AuthorityError, Claims, ISSUER, IssuedToken, SERVICE, TokenError,
};
pub use endpoint::{Access, Endpoint};
