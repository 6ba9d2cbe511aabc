//! When a layer gives no report at all.

/// Why there is no report. What is merely damaged or too large gives a report that says so.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes could not be read from where they are: worth another try.
    #[error("the layer could not be read: {0}")]
    Read(#[source] std::io::Error),
    /// A compression that no layer has.
    #[error("the layer is compressed with {0}, which layers are not: use gzip or zstd")]
    Compression(&'static str),
    /// No temporary file could be written.
    #[error("a temporary file could not be written: {0}")]
    Spool(#[source] std::io::Error),
}
