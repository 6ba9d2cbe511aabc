//! Bytes on the local disk, found by the key they were stored under.
//!
//! The database is the truth about which blobs exist; this crate keeps their bytes. Its promise: a
//! [`Stored`] answer means the exact bytes of that digest are durable, and a read yields exactly
//! the bytes asked for or an error, never fewer and never others.
//!
//! Layout under the root: `blobs/<algorithm>/<first two hex digits>/<hex>-<upload>` for what is
//! complete, `uploads/<id>` for what is not, `quarantine/` for what turned out to be damaged.

mod blob;
mod disk;
mod error;
mod faults;
mod hasher;
mod key;
mod pool;
mod sink;
mod store;
mod upload;
mod walk;

pub use blob::{Blob, BlobStream};
pub use error::{BlobError, CommitError};
pub use faults::{Fault, FaultPlan, PowerLoss, Step};
pub use hasher::Checkpoint;
pub use store::{BlobStore, StoreOptions, Verdict};
pub use upload::{Stored, Upload};
pub use walk::{Entry, Walk};
