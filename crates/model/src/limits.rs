//! Every limit of the system in one place. `docs/limits.md` explains them to operators.

use std::time::Duration;

/// Limits on what a client may send or ask for.
#[derive(Clone, Copy, Debug)]
pub struct Limits;

impl Limits {
    /// Largest manifest, bytes (OCI distribution 1.1 asks for at least 4 MiB).
    pub const MANIFEST_BYTES: usize = 4 * 1024 * 1024;
    /// Deepest nesting of a manifest's JSON.
    pub const MANIFEST_DEPTH: usize = 64;
    /// Most descriptors (layers or manifests) in one manifest.
    pub const MANIFEST_DESCRIPTORS: usize = 20_000;
    /// Largest JSON body of an API call, bytes.
    pub const API_BODY_BYTES: usize = 1024 * 1024;
    /// Largest body of a token request, bytes.
    pub const TOKEN_BODY_BYTES: usize = 16 * 1024;
    /// Most scopes in one token request.
    pub const TOKEN_SCOPES: usize = 64;
    /// Longest repository name, with its project, bytes.
    pub const REPOSITORY_NAME_BYTES: usize = 255;
    /// Largest page of `tags/list` and `_catalog`; `n` above it is cut down to it.
    pub const V2_PAGE: usize = 10_000;
    /// Page of `tags/list` and `_catalog` when the client names none.
    pub const V2_PAGE_DEFAULT: usize = 10_000;
    /// Entries of one referrers answer; more are reached by `Link`.
    pub const REFERRERS_PAGE: usize = 100;
    /// Bytes of one referrers answer, whatever the number of entries.
    pub const REFERRERS_BYTES: usize = 3 * 1024 * 1024;
    /// Largest page of a list under `/api`.
    pub const API_PAGE: usize = 100;
    /// Entries of the page that `page_size=0` asks for, which is how clients ask for all.
    pub const API_WHOLE_LIST: usize = 1_000;
    /// Most `tag` parameters of one manifest push (OCI distribution main asks for at least 10).
    pub const PUSH_TAGS: usize = 64;
    /// Most unfinished uploads of one caller.
    pub const UPLOADS_PER_CALLER: i64 = 1_000;
    /// Unfinished uploads are dropped after this much silence.
    pub const UPLOAD_IDLE: Duration = Duration::from_hours(24);
    /// A body that stands still for this long is given up.
    pub const BODY_IDLE: Duration = Duration::from_mins(1);
    /// Time a client has to send a request's head; an idle connection is kept as long.
    pub const HEAD_TIMEOUT: Duration = Duration::from_mins(1);
    /// Largest request head, bytes.
    pub const HEAD_BYTES: usize = 64 * 1024;
    /// Time a client has to finish the TLS handshake.
    pub const TLS_HANDSHAKE: Duration = Duration::from_secs(10);
    /// Open connections; more wait in the kernel's queue.
    pub const CONNECTIONS: usize = 16_384;
}
