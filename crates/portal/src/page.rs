//! The one page of the portal, in which everything else happens.
//!
//! Invariant: a page is sent with a nonce of its own, and only styles that carry it may be written
//! into it; scripts may come as files of this server only.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use berth_crypto::random_token;
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::files::bundle;

/// What stands in the page for the nonce.
const NONCE: &str = "__STYLE_NONCE__";

/// Shown where the portal was not there when the program was compiled.
const NOT_BUILT: &str = include_str!("not-built.html");

/// What programs are told that ask for the front page.
const WELCOME: &str =
    "Berth is running. Log in with: docker login <this host>\nThe API is at /api/v2.0.\n";

/// Whether the portal is in this program.
pub const fn is_built() -> bool {
    bundle::INDEX.is_some()
}

/// The front page: the portal for browsers, a word for everything else.
pub(crate) fn front(headers: &HeaderMap) -> Response {
    let browser = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("text/html"));
    let mut response = if browser {
        answer()
    } else {
        WELCOME.into_response()
    };
    response
        .headers_mut()
        .insert(VARY, HeaderValue::from_static("accept"));
    response
}

/// The page, with a nonce that no other answer has.
pub(crate) fn answer() -> Response {
    let nonce = random_token();
    let html = bundle::INDEX.unwrap_or(NOT_BUILT).replace(NONCE, &nonce);
    let mut response = Body::from(html).into_response();
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy(&nonce)) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    let fixed = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        // With a nonce in it no copy may be used twice; it is small.
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Nothing but what this server sends itself; and nobody may frame it.
fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; \
         img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    use http::header::{ACCEPT, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
    use http::{HeaderMap, HeaderValue};
    use http_body_util::BodyExt;

    use super::{NONCE, answer, front};

    #[tokio::test]
    async fn a_page_lets_in_no_script_of_others_and_has_its_own_nonce() {
        let (one, other) = (answer(), answer());
        let policy = |response: &axum::response::Response| {
            let found = response.headers()[CONTENT_SECURITY_POLICY].to_str();
            found.unwrap().to_owned()
        };
        assert!(policy(&one).contains("script-src 'self';"));
        assert!(!policy(&one).contains("unsafe"));
        assert_ne!(policy(&one), policy(&other));
        let body = one.into_body().collect().await.unwrap().to_bytes();
        assert!(!String::from_utf8_lossy(&body).contains(NONCE));
    }

    #[test]
    fn browsers_get_the_page_and_programs_a_word() {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        let kind = |headers: &HeaderMap| front(headers).headers()[CONTENT_TYPE].clone();
        assert_eq!(kind(&headers), "text/plain; charset=utf-8");
        headers.insert(
            ACCEPT,
            HeaderValue::from_static("text/html,application/xhtml+xml"),
        );
        assert_eq!(kind(&headers), "text/html; charset=utf-8");
    }
}
