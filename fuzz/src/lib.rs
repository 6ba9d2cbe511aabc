//! What each fuzz target does with its bytes, and what must then hold.
//!
//! `crates/oci/tests/it` includes this file and runs the same functions over `seeds/` and
//! mutations of it, so that every test run covers them and not only a fuzzing one.

use berth_oci::{
    Digest, Manifest, ManifestKind, RangeOutcome, Reference, RepositoryName, Route, Scope,
    accessory_type, artifact_type_name, cosign_subject, fallback_tag, media_type,
    parse_content_range, parse_fallback_tag, parse_range, parse_route, parse_scopes,
};

/// A function that takes any bytes.
pub type Entry = fn(&[u8]);

/// Every target, by its name and the name of its folder under `seeds`.
pub const ENTRIES: [(&str, Entry); 6] = [
    ("reference", reference),
    ("manifest", manifest),
    ("range", range),
    ("content_range", content_range),
    ("scope", scope),
    ("route", route),
];

/// Digests, names, tags and the digests hidden in tags.
pub fn reference(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.as_str(), text);
        assert_eq!(digest.hex().len(), digest.algorithm().hex_len());
    }
    if let Ok(reference) = Reference::parse(text) {
        assert_eq!(reference.as_str(), text);
        assert!(is_safe_segment(
            text.trim_start_matches("sha256:")
                .trim_start_matches("sha512:")
        ));
    }
    if let Ok(name) = RepositoryName::parse(text) {
        assert_eq!(format!("{}/{}", name.project(), name.rest()), text);
        assert!(text.split('/').all(is_safe_segment));
    }
    if let Some(digest) = parse_fallback_tag(text) {
        assert_eq!(fallback_tag(&digest), text);
    }
    if let Some(digest) = cosign_subject(text) {
        assert!(text.starts_with(&fallback_tag(&digest)));
    }
}

/// Manifests, under each content type that steers the reading.
pub fn manifest(bytes: &[u8]) {
    let types = [
        None,
        Some(media_type::OCI_MANIFEST),
        Some(media_type::OCI_INDEX),
        Some("application/vnd.example.thing+json; charset=utf-8"),
    ];
    for content_type in types {
        let Ok(manifest) = Manifest::parse(bytes, content_type) else {
            continue;
        };
        assert!(media_type::is_valid(&manifest.media_type));
        match manifest.kind {
            ManifestKind::Image => assert!(manifest.manifests.is_empty()),
            ManifestKind::Index => {
                assert!(manifest.config.is_none() && manifest.layers.is_empty());
            }
        }
        for descriptor in manifest.descriptors() {
            assert!(i64::try_from(descriptor.size).is_ok());
        }
        assert!(!artifact_type_name(&manifest).is_empty());
        assert!(manifest.subject.is_none() || accessory_type(&manifest, None).is_some());
        // Stored with its media type, it reads the same ever after.
        let again = Manifest::parse(bytes, Some(&manifest.media_type));
        assert_eq!(again.as_ref(), Ok(&manifest));
    }
}

/// `Range` headers, over sizes at the edges.
pub fn range(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    for size in [0, 1, 2, 1000, u64::MAX - 1, u64::MAX] {
        if let RangeOutcome::Partial {
            start,
            end_inclusive,
        } = parse_range(text, size)
        {
            assert!(start <= end_inclusive && end_inclusive < size);
        }
    }
}

/// `Content-Range` headers of chunks.
pub fn content_range(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    if let Ok((start, end)) = parse_content_range(text) {
        assert!(start <= end && i64::try_from(end).is_ok());
        assert_eq!(
            parse_content_range(&format!("{start}-{end}")),
            Ok((start, end))
        );
    }
}

/// Token scopes; each line is one parameter.
pub fn scope(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    if let Ok(scopes) = parse_scopes(text.lines()) {
        let texts: Vec<String> = scopes.iter().map(Scope::to_string).collect();
        assert!(
            texts
                .iter()
                .all(|text| text.bytes().all(|byte| byte.is_ascii_graphic()))
        );
        assert_eq!(parse_scopes(texts.iter().map(String::as_str)), Ok(scopes));
    }
}

/// Paths under `/v2`.
pub fn route(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let Ok(route) = parse_route("GET", text) else {
        return;
    };
    if let Some(name) = route.name() {
        assert!(name.as_str().split('/').all(is_safe_segment));
    }
    let built = match &route {
        Route::Base => "/v2/".to_owned(),
        Route::Catalog => "/v2/_catalog".to_owned(),
        Route::Extensions => "/v2/_oci/ext/discover".to_owned(),
        Route::TagsList { name } => format!("/v2/{name}/tags/list"),
        Route::Manifest { name, reference } => format!("/v2/{name}/manifests/{reference}"),
        Route::Blob { name, digest } => format!("/v2/{name}/blobs/{digest}"),
        Route::UploadStart { name } => format!("/v2/{name}/blobs/uploads/"),
        Route::Upload { name, id } => format!("/v2/{name}/blobs/uploads/{id}"),
        Route::Referrers { name, digest } => format!("/v2/{name}/referrers/{digest}"),
    };
    assert_eq!(parse_route("GET", &built), Ok(route));
}

/// A segment that stays where it is put, in a URL as in a file system.
fn is_safe_segment(segment: &str) -> bool {
    !segment.is_empty()
        && !segment.starts_with('.')
        && segment
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}
