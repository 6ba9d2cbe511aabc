//! Pages of lists under `/api`: `page`, `page_size`, `X-Total-Count` and `Link`.
//!
//! Invariant: a [`Page`] is never larger than [`Limits::API_WHOLE_LIST`] and its offset never
//! overflows.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use berth_model::Limits;
use http::header::LINK;
use http::request::Parts;
use http::{HeaderValue, Uri};
use serde::Serialize;

use crate::ApiError;

/// The page of a list a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Which page, counted from 1.
    pub page: u32,
    /// Entries of a page: 1 to [`Limits::API_PAGE`], or [`Limits::API_WHOLE_LIST`].
    pub page_size: u32,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            page: 1,
            page_size: 10,
        }
    }
}

impl Page {
    /// Reads `page` and `page_size` from a query string; 422 for what they cannot be. Clients of
    /// Harbor ask for page 0 where they mean the first, and for 0 entries where they mean all.
    pub fn from_query(query: &str) -> Result<Self, ApiError> {
        let mut page = Self::default();
        for (key, value) in pairs(query) {
            match key.as_str() {
                "page" => page.page = number("page", &value, u32::MAX)?.max(1),
                "page_size" => {
                    page.page_size = match number("page_size", &value, Limits::API_PAGE as u32)? {
                        0 => Limits::API_WHOLE_LIST as u32,
                        size => size,
                    }
                }
                _ => {}
            }
        }
        Ok(page)
    }

    /// Entries before this page.
    pub const fn offset(&self) -> i64 {
        (self.page as i64 - 1) * self.page_size as i64
    }

    /// Entries of this page at most.
    pub const fn limit(&self) -> i64 {
        self.page_size as i64
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Self::from_query(parts.uri.query().unwrap_or_default())
    }
}

fn pairs(query: &str) -> Vec<(String, String)> {
    serde_urlencoded::from_str(query).unwrap_or_default()
}

fn number(key: &str, value: &str, most: u32) -> Result<u32, ApiError> {
    value
        .parse()
        .ok()
        .filter(|number| *number <= most)
        .ok_or_else(|| {
            ApiError::unprocessable(format!("{key} in query must be a number from 0 to {most}"))
        })
}

/// What a client wants of a list and in which order: its `q` and `sort`, empty where not said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Conditions.
    pub q: String,
    /// What to sort by.
    pub sort: String,
}

impl<S: Send + Sync> FromRequestParts<S> for ListQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let mut wanted = Self::default();
        for (key, value) in pairs(parts.uri.query().unwrap_or_default()) {
            match key.as_str() {
                "q" if wanted.q.is_empty() => wanted.q = value,
                "sort" if wanted.sort.is_empty() => wanted.sort = value,
                _ => {}
            }
        }
        Ok(wanted)
    }
}

/// A page of a list, with the total count and links to its neighbours.
///
/// `uri` is the address as the client sent it; behind a nested router that is
/// [`axum::extract::OriginalUri`].
pub fn list_response<T: Serialize>(items: &[T], total: u64, page: &Page, uri: &Uri) -> Response {
    let mut response = axum::Json(items).into_response();
    let headers = response.headers_mut();
    headers.insert("x-total-count", total.into());
    if let Some(links) = links(total, *page, uri) {
        headers.insert(LINK, links);
    }
    response
}

fn links(total: u64, page: Page, uri: &Uri) -> Option<HeaderValue> {
    let size = u64::from(page.page_size);
    let before = (u64::from(page.page) - 1) * size;
    let mut links = Vec::with_capacity(2);
    if page.page > 1 && before <= total {
        links.push(link(uri, page.page - 1, page.page_size, "prev"));
    }
    if before + size < total {
        links.push(link(
            uri,
            page.page.saturating_add(1),
            page.page_size,
            "next",
        ));
    }
    // Harbor separates them with a blank on both sides of the comma.
    (!links.is_empty())
        .then(|| HeaderValue::from_str(&links.join(" , ")).ok())
        .flatten()
}

fn link(uri: &Uri, page: u32, page_size: u32, rel: &str) -> String {
    let mut query = pairs(uri.query().unwrap_or_default());
    query.retain(|(key, _)| key != "page" && key != "page_size");
    query.push(("page".to_owned(), page.to_string()));
    let page_size = if page_size as usize > Limits::API_PAGE {
        0
    } else {
        page_size
    };
    query.push(("page_size".to_owned(), page_size.to_string()));
    let query = serde_urlencoded::to_string(query).unwrap_or_default();
    format!("<{}?{query}>; rel=\"{rel}\"", uri.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_defaults_and_bounds() {
        assert_eq!(Page::from_query("").unwrap(), Page::default());
        let page = Page::from_query("q=a&page=3&page_size=100").unwrap();
        assert_eq!((page.offset(), page.limit()), (200, 100));
        let last = Page::from_query("page=4294967295&page_size=100").unwrap();
        assert_eq!(last.offset(), 429_496_729_400);
        let whole = Page::from_query("page=0&page_size=0").unwrap();
        assert_eq!((whole.offset(), whole.limit()), (0, 1000));
        for query in [
            "page=-1",
            "page=abc",
            "page=",
            "page=4294967296",
            "page_size=-1",
            "page_size=101",
            "page_size=1e1",
        ] {
            let error = Page::from_query(query).unwrap_err();
            assert_eq!(error.code().status(), 422, "{query}");
        }
    }

    fn link_header(total: u64, query: &str) -> Option<String> {
        let uri: Uri = format!("/api/v2.0/projects?{query}").parse().unwrap();
        let page = Page::from_query(query).unwrap();
        let response = list_response(&["x"], total, &page, &uri);
        assert_eq!(response.headers()["x-total-count"], total.to_string());
        response
            .headers()
            .get(LINK)
            .map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn neighbours_are_linked_and_the_filter_kept() {
        assert_eq!(link_header(10, ""), None);
        assert_eq!(
            link_header(11, "").unwrap(),
            r#"</api/v2.0/projects?page=2&page_size=10>; rel="next""#
        );
        assert_eq!(link_header(1000, "page_size=0"), None);
        assert_eq!(
            link_header(1001, "page=0&page_size=0").unwrap(),
            r#"</api/v2.0/projects?page=2&page_size=0>; rel="next""#
        );
        assert_eq!(
            link_header(30, "page=2&q=name%3D~a%2Cb&page_size=5").unwrap(),
            concat!(
                r#"</api/v2.0/projects?q=name%3D%7Ea%2Cb&page=1&page_size=5>; rel="prev" , "#,
                r#"</api/v2.0/projects?q=name%3D%7Ea%2Cb&page=3&page_size=5>; rel="next""#
            )
        );
        assert!(!link_header(30, "page=3").unwrap().contains("next"));
        assert_eq!(link_header(5, "page=9"), None);
    }
}
