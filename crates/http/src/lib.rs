//! The server loop, TLS, bodies, errors on the wire and what every request shares.
//!
//! Everything here is bounded: heads, bodies, connections, handshakes and silences all have a
//! limit from [`berth_model::Limits`], and a client that exceeds one harms only itself.

mod body;
mod error;
mod json;
mod observe;
mod page;
mod peer;
mod query;
mod request_body;
mod request_id;
mod serve;
mod tls;

pub use body::{Body, BoxError};
pub use error::{ApiError, ErrorResponse, error_response, errors_schema};
pub use json::Json;
pub use observe::{Caller, Metered, Observe, Observer, Operation, Outcome, Silent, observe};
pub use page::{ListQuery, Page, list_response};
pub use peer::{ClientAddr, ConnInfo, TrustedProxies};
pub use query::Query;
pub use request_body::{BodyError, IdleTimeout, read_body, read_body_within};
pub use request_id::RequestId;
pub use serve::{ServeOptions, Service, bind, serve};
pub use tls::{Tls, TlsError};
