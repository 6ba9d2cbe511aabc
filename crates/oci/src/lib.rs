//! The grammar of OCI distribution and image specifications, and of registry token scopes.
//!
//! Pure: no I/O, no async. Every function takes bytes a stranger may have written, answers in
//! time linear to them and never panics; a value of these types is known to be well formed.

mod artifact;
mod digest;
mod link;
mod manifest;
pub mod media_type;
mod name;
mod range;
mod route;
mod scope;

pub use artifact::{
    accessory_type, artifact_type_name, cosign_subject, fallback_tag, parse_fallback_tag,
};
pub use digest::{Algorithm, Digest, DigestError};
pub use link::next_link;
pub use manifest::{Descriptor, Manifest, ManifestError, ManifestKind, Platform};
pub use name::{NameError, Reference, ReferenceError, RepositoryName, TagError, TagName};
pub use range::{ContentRangeError, RangeOutcome, parse_content_range, parse_range};
pub use route::{Route, RouteError, parse_route};
pub use scope::{Scope, ScopeAction, ScopeError, parse_scopes};
