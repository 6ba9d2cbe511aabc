//! Puts the services together: state, router, enforcement of access, supervision.
//!
//! Nothing here knows what a request means. [`Parts`] opens the stores and services in the order
//! they need each other; [`Server`] listens, hands each request to the service its path belongs
//! to, and ends them all in the reverse order.

mod background;
mod descriptors;
mod enforce;
mod health;
mod jobs;
mod lock;
mod openapi;
mod parts;
mod router;
mod server;
mod session;
mod systeminfo;

pub use lock::DataLock;
pub use openapi::openapi;
pub use parts::{Parts, SetupError};
pub use router::endpoints;
pub use server::{ServeError, Server};
