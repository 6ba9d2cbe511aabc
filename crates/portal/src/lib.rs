//! The portal: the web interface for people, embedded in the program.
//!
//! Invariant: no page runs a script that this server did not send as a file of its own; and the
//! portal answers its own addresses only, so that a mistyped address of the API is never answered
//! with a page.

mod files;
mod page;

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use berth_iam::{Access, Endpoint};
use http::{HeaderMap, Method, StatusCode};

pub use page::is_built;

/// The addresses of the portal's pages, as in `web/src/router.tsx`.
const PAGES: [&str; 8] = [
    "/login",
    "/projects",
    "/projects/{*rest}",
    "/search",
    "/profile",
    "/logs",
    "/admin",
    "/admin/{*rest}",
];

/// Where Harbor has its portal; bookmarks and links in messages lead there.
const HARBORS: [&str; 2] = ["/harbor", "/harbor/{*rest}"];

/// The routes of the portal.
pub fn endpoints() -> Vec<Endpoint> {
    let public = |path, handler| Endpoint::new(Method::GET, path, Access::Public, handler);
    let pages = PAGES
        .iter()
        .map(|path| public(path, get(async || page::answer())));
    let harbors = HARBORS
        .iter()
        .map(|path| public(path, get(async || Redirect::to("/"))));
    let files = [
        public(
            "/assets/{*path}",
            get(async |Path(path): Path<String>, headers: HeaderMap| {
                files::answer(&format!("/assets/{path}"), &headers)
                    .unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
            }),
        ),
        public(
            "/favicon.svg",
            get(async |headers: HeaderMap| {
                files::answer("/favicon.svg", &headers)
                    .unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
            }),
        ),
        public("/", get(async |headers: HeaderMap| page::front(&headers))),
    ];
    pages.chain(harbors).chain(files).collect()
}
