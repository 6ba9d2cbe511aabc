//! Who is calling and what they may do: users, passwords, tokens and the role matrix.
//!
//! Invariant: rights are read when they are needed. What is remembered (verified passwords,
//! verified tokens) saves work only and is checked against the truth, or the time, at each use.

pub mod access;
mod actor;
pub mod audit;
mod authority;
mod credentials;
mod endpoint;
mod error;
pub mod groups;
mod iam;
mod lockout;
mod operation;
mod passwords;
mod refresh;
mod registration;
pub mod robots;
mod routes;
mod sessions;
mod together;
mod users;

pub use access::{
    Grants, Level, Permission, PermissionSet, Place, ProjectFacts, Refusal, allows, allows_system,
    permissions, require, require_system,
};
pub use actor::{Actor, Caller, User};
pub use audit::{Author, Entry};
pub use authority::{
    AccessEntry, Authority, AuthorityError, Claims, ISSUER, IssuedToken, SCANNER, SERVICE,
    TokenError,
};
pub use endpoint::{Access, Endpoint};
pub use error::IamError;
pub use iam::{Iam, IamOptions, LoginSink, RobotPrefix};
pub use operation::{Operation, Paging, Parameter, ParameterKind, SchemaOf};
pub use passwords::HashCost;
pub use registration::RegistrationSwitch;
pub use robots::{Robot, RobotAccount, Robots};
pub use routes::{PermissionAnswer, ProjectLookup, endpoints};
pub use sessions::SessionToken;
pub use users::{Account, FIRST_ADMIN, NewUser, Profile, RemovalHook, UserQuery, Users};
