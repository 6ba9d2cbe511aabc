//! Icons of artifacts by their type, as pictures that this server draws itself.
//!
//! Invariant: an icon is found by the digest of its bytes, and none comes from what was pushed.

use std::sync::LazyLock;

use axum::extract::Path;
use base64::Engine;
use berth_http::{ApiError, Json};
use berth_oci::{Algorithm, Digest};
use schemars::JsonSchema;
use serde::Serialize;

use super::not_found;

const MEDIA_TYPE: &str = "image/svg+xml";

/// What is drawn in a square of 24 × 24 for each type. The first is for those without their own.
const DRAWN: [(&str, &str); 9] = [
    ("", "M6 2h8l5 5v15H6zM14 2v5h5"),
    ("IMAGE", "M12 2l9 5v10l-9 5-9-5V7zM3 7l9 5 9-5M12 12v10"),
    (
        "CHART",
        "M12 6a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM12 2v20M2 12h20M5 5l14 14M19 5L5 19",
    ),
    ("CNAB", "M3 8h18v12H3zM8 8V4h8v4M3 13h18"),
    (
        "WASM",
        "M3 3h18v18H3zM8 3a4 4 0 0 0 8 0M7 12l2 6 2-5 2 5 2-6",
    ),
    ("SBOM", "M5 3h14v18H5zM8 8h8M8 12h8M8 16h5"),
    (
        "signature.cosign",
        "M4 20h16M6 16c4-10 8-14 12-12-1 6-6 10-12 12z",
    ),
    (
        "signature.notation",
        "M12 3a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM9 14l-2 7 5-3 5 3-2-7",
    ),
    ("accelerator.nydus", "M13 2L5 14h6l-1 8 9-13h-6z"),
];

struct Drawing {
    kind: &'static str,
    digest: String,
    /// Base64 of the picture.
    content: String,
}

static DRAWINGS: LazyLock<Vec<Drawing>> = LazyLock::new(|| {
    let draw = |(kind, path): &(&'static str, &str)| {
        let picture = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 24 24\" fill=\"none\" \
             stroke=\"#3b5b7a\" stroke-width=\"1.5\" stroke-linejoin=\"round\">\
             <path d=\"{path}\"/></svg>"
        );
        Drawing {
            kind,
            digest: Digest::of(Algorithm::Sha256, picture.as_bytes()).to_string(),
            content: base64::engine::general_purpose::STANDARD.encode(picture),
        }
    };
    DRAWN.iter().map(draw).collect()
});

/// The digest of the icon for an artifact's or accessory's type.
pub(super) fn icon(kind: &str) -> &'static str {
    let all = DRAWINGS.iter();
    let own = all.clone().find(|drawing| drawing.kind == kind);
    let found = own.or_else(|| all.clone().next());
    found.map_or("", |drawing| drawing.digest.as_str())
}

/// A picture.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Icon")]
pub(super) struct IconBody {
    #[serde(rename = "content-type")]
    content_type: &'static str,
    /// Base64.
    content: &'static str,
}

/// `GET` of an icon by the digest that artifacts name.
pub(super) async fn read(Path(digest): Path<String>) -> Result<Json<IconBody>, ApiError> {
    let digest: Digest = digest
        .parse()
        .map_err(|_| ApiError::bad_request("the digest in the path is not one"))?;
    let found = DRAWINGS
        .iter()
        .find(|drawing| drawing.digest == digest.as_str());
    let drawing = found.ok_or_else(|| not_found(format_args!("icon {digest}")))?;
    Ok(Json(IconBody {
        content_type: MEDIA_TYPE,
        content: &drawing.content,
    }))
}
