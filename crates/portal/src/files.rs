//! Scripts, styles and pictures of the portal.
//!
//! Invariant: a file under `/assets` has the hash of its bytes in its name, so browsers keep it for
//! ever; what is sent is one of the forms that the browser says it takes.

use std::sync::LazyLock;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use berth_crypto::sha256_hex;
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};

/// One file, as it was built, and smaller where that helps.
pub(crate) struct File {
    pub(crate) path: &'static str,
    pub(crate) plain: &'static [u8],
    pub(crate) gzip: Option<&'static [u8]>,
    pub(crate) brotli: Option<&'static [u8]>,
}

/// What the build script found.
pub(crate) mod bundle {
    use super::File;

    include!(concat!(env!("OUT_DIR"), "/bundle.rs"));
}

/// The tag of each file, in their order.
static TAGS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let tag = |file: &File| {
        let digest = sha256_hex(file.plain);
        digest.get(..32).unwrap_or(&digest).to_owned()
    };
    bundle::FILES.iter().map(tag).collect()
});

/// The file at this path, or 304 for whoever has it; none if there is no such file.
pub(crate) fn answer(path: &str, headers: &HeaderMap) -> Option<Response> {
    let at = bundle::FILES.iter().position(|file| file.path == path)?;
    let file = bundle::FILES.get(at)?;
    Some(send(file, TAGS.get(at)?, headers))
}

fn send(file: &File, tag: &str, headers: &HeaderMap) -> Response {
    let (bytes, encoding) = choose(file, headers);
    // The forms of a file differ in their bytes, so they differ in their tags.
    let tag = format!("\"{tag}-{}\"", encoding.unwrap_or("plain"));
    let known = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|sent| sent.trim().trim_start_matches("W/"))
        .any(|sent| sent == "*" || sent == tag);
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Body::from(Bytes::from_static(bytes)).into_response()
    };
    let kept = if file.path.starts_with("/assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    if let (Some(encoding), false) = (encoding, known) {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    let fixed = [
        (CONTENT_TYPE, media_type(file.path)),
        (CACHE_CONTROL, kept),
        (VARY, "accept-encoding"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn choose(file: &File, headers: &HeaderMap) -> (&'static [u8], Option<&'static str>) {
    let taken = |wanted: &str| {
        headers
            .get_all(ACCEPT_ENCODING)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|offer| takes(offer, wanted))
    };
    match (file.brotli, file.gzip) {
        (Some(bytes), _) if taken("br") => (bytes, Some("br")),
        (_, Some(bytes)) if taken("gzip") => (bytes, Some("gzip")),
        _ => (file.plain, None),
    }
}

/// Whether one part of `Accept-Encoding` names this encoding and does not refuse it by `q=0`.
fn takes(offer: &str, wanted: &str) -> bool {
    let mut parts = offer.split(';').map(str::trim);
    let named = parts
        .next()
        .is_some_and(|name| name.eq_ignore_ascii_case(wanted));
    let refused = parts
        .filter_map(|part| part.strip_prefix("q="))
        .any(|weight| weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0));
    named && !refused
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" => "application/json",
        "woff2" => "font/woff2",
        "png" => "image/png",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, ETAG, IF_NONE_MATCH};
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::{File, send, takes};

    const FILE: File = File {
        path: "/assets/a-1.js",
        plain: b"plain",
        gzip: Some(b"gzip"),
        brotli: Some(b"br"),
    };

    fn with(name: http::HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        headers
    }

    #[test]
    fn a_browser_gets_the_smallest_form_that_it_takes() {
        let encoding = |accepted: &str| {
            let response = send(&FILE, "t", &with(ACCEPT_ENCODING, accepted));
            let found = response.headers().get(CONTENT_ENCODING).cloned();
            found.map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(encoding("gzip, deflate, br").as_deref(), Some("br"));
        assert_eq!(encoding("gzip, br;q=0").as_deref(), Some("gzip"));
        assert_eq!(encoding("identity"), None);
    }

    #[test]
    fn a_refused_encoding_is_not_taken() {
        assert!(takes(" BR ", "br"));
        assert!(takes("br;q=0.5", "br"));
        assert!(!takes("br; q=0.0", "br"));
        assert!(!takes("brotli", "br"));
    }

    #[test]
    fn whoever_has_a_form_is_not_sent_it_again() {
        let first = send(&FILE, "t", &with(ACCEPT_ENCODING, "gzip"));
        assert_eq!(first.status(), StatusCode::OK);
        assert!(
            first.headers()[CACHE_CONTROL]
                .to_str()
                .unwrap()
                .contains("immutable")
        );
        let tag = first.headers()[ETAG].clone();
        let mut again = with(ACCEPT_ENCODING, "gzip");
        again.insert(IF_NONE_MATCH, tag.clone());
        assert_eq!(send(&FILE, "t", &again).status(), StatusCode::NOT_MODIFIED);
        // What it has is not the form it asks for now.
        let mut other = with(ACCEPT_ENCODING, "br");
        other.insert(IF_NONE_MATCH, tag);
        assert_eq!(send(&FILE, "t", &other).status(), StatusCode::OK);
    }
}
