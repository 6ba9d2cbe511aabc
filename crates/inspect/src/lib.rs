//! What is inside an image: layers are read once, as streams, and give packages and findings.
//!
//! No network, no database, nothing is extracted to disk. Everything read here comes from
//! strangers: every length, depth and count has a bound, and a hostile layer gives an error or an
//! incomplete list that says so, never a panic and never unbounded work.
//!
//! [`inspect_layer`] reads one layer, [`merge`] puts the reports of an image's layers together,
//! [`findings::practice::check`] looks at its configuration.

mod error;
pub mod findings;
mod image;
pub mod lang;
mod layer;
mod limits;
pub mod os;
mod path;
mod report;
mod select;
mod sound;
mod spool;
mod stream;
pub mod tar;

pub use error::Error;
pub use image::{ImageFinding, ImagePackage, ImageReport, merge};
pub use layer::{inspect_layer, inspect_layer_with};
pub use limits::{Incomplete, Limits, Reason};
pub use report::{Database, FoundPackage, LayerReport, Link, Origin, ReleaseFile};
pub use sound::{Sound, is_sound_path};
pub use spool::{ReadAt, Spares};
pub use stream::Compression;

/// Which packages and findings this code knows to find. A report of another revision is out of
/// date: raise the number with every change that lets layers give something else.
pub const INDEXER_REVISION: u32 = 1;
