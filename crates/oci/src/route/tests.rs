use proptest::prelude::*;

use super::*;

const HEX: &str = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
const ID: &str = "0191f6a0-7c3e-7d2a-8b1f-3c5d7e9f0a1b";

fn route(path: &str) -> Result<Route, RouteError> {
    parse_route("GET", path)
}

fn name(text: &str) -> RepositoryName {
    RepositoryName::parse(text).unwrap()
}

fn digest() -> Digest {
    format!("sha256:{HEX}").parse().unwrap()
}

fn manifest(repository: &str, reference: &str) -> Route {
    Route::Manifest {
        name: name(repository),
        reference: Reference::parse(reference).unwrap(),
    }
}

#[test]
fn fixed_paths() {
    for (path, expected) in [
        ("/v2", Route::Base),
        ("/v2/", Route::Base),
        ("/v2/_catalog", Route::Catalog),
        ("/v2/_oci/ext/discover", Route::Extensions),
    ] {
        assert_eq!(route(path), Ok(expected), "{path}");
    }
}

#[test]
fn repository_paths() {
    let digest = digest();
    for (path, expected) in [
        (
            "/v2/p/r/tags/list".to_owned(),
            Route::TagsList { name: name("p/r") },
        ),
        ("/v2/p/r/manifests/v1".to_owned(), manifest("p/r", "v1")),
        (
            format!("/v2/p/r/manifests/{digest}"),
            manifest("p/r", digest.as_str()),
        ),
        (
            format!("/v2/p/r/manifests/sha256%3A{HEX}"),
            manifest("p/r", digest.as_str()),
        ),
        (
            format!("/v2/p/r/s/blobs/{digest}"),
            Route::Blob {
                name: name("p/r/s"),
                digest: digest.clone(),
            },
        ),
        (
            "/v2/p/r/blobs/uploads/".to_owned(),
            Route::UploadStart { name: name("p/r") },
        ),
        (
            "/v2/p/r/blobs/uploads".to_owned(),
            Route::UploadStart { name: name("p/r") },
        ),
        (
            format!("/v2/p/r/blobs/uploads/{ID}"),
            Route::Upload {
                name: name("p/r"),
                id: ID.to_owned(),
            },
        ),
        (
            format!("/v2/p/r/referrers/{digest}"),
            Route::Referrers {
                name: name("p/r"),
                digest: digest.clone(),
            },
        ),
        ("/v2/%70/r/manifests/v%31".to_owned(), manifest("p/r", "v1")),
    ] {
        assert_eq!(route(&path), Ok(expected), "{path}");
    }
}

/// The words of the API are legal parts of a name, so only the right end may decide.
#[test]
fn names_that_look_like_paths() {
    let digest = digest();
    for (path, expected) in [
        (
            "/v2/p/blobs/uploads/tags/list".to_owned(),
            Route::TagsList {
                name: name("p/blobs/uploads"),
            },
        ),
        (
            "/v2/a/blobs/uploads/b/manifests/v1".to_owned(),
            manifest("a/blobs/uploads/b", "v1"),
        ),
        (
            "/v2/p/blobs/uploads/blobs/uploads/".to_owned(),
            Route::UploadStart {
                name: name("p/blobs/uploads"),
            },
        ),
        (
            format!("/v2/p/blobs/uploads/blobs/uploads/{ID}"),
            Route::Upload {
                name: name("p/blobs/uploads"),
                id: ID.to_owned(),
            },
        ),
        (
            format!("/v2/p/blobs/uploads/blobs/{digest}"),
            Route::Blob {
                name: name("p/blobs/uploads"),
                digest: digest.clone(),
            },
        ),
        (
            "/v2/manifests/manifests/manifests/manifests".to_owned(),
            manifest("manifests/manifests", "manifests"),
        ),
        (
            "/v2/p/tags/list/tags/list".to_owned(),
            Route::TagsList {
                name: name("p/tags/list"),
            },
        ),
        (
            "/v2/p/tags/manifests/list".to_owned(),
            manifest("p/tags", "list"),
        ),
        (
            "/v2/p/manifests/tags/list".to_owned(),
            Route::TagsList {
                name: name("p/manifests"),
            },
        ),
        (
            format!("/v2/p/referrers/referrers/{digest}"),
            Route::Referrers {
                name: name("p/referrers"),
                digest: digest.clone(),
            },
        ),
        ("/v2/v2/v2/manifests/v2".to_owned(), manifest("v2/v2", "v2")),
    ] {
        assert_eq!(route(&path), Ok(expected), "{path}");
    }
}

#[test]
fn paths_that_are_none() {
    for path in [
        "",
        "/",
        "v2/",
        "/v2//",
        "/v1/",
        "/v2x",
        "/v2x/p/r/tags/list",
        "/V2/",
        "/v2/p/r",
        "/v2/p/r/tags",
        "/v2/p/r/tags/list/",
        "/v2/p/r/tags/lists",
        "/v2/p/r/manifests",
        "/v2/p/r/manifests/",
        "/v2/p/r/blobs/",
        "/v2//p/r/manifests/v1",
        "/v2/p//r/manifests/v1",
        "/v2/p/r//manifests/v1",
        "/v2/p/r/manifests//v1",
        "//v2/p/r/manifests/v1",
        "/v2/p/../q/manifests/v1",
        "/v2/p/%2e%2e/q/manifests/v1",
        "/v2/p/%2E./manifests/v1",
        "/v2/%2e%2e%2fetc/r/manifests/v1",
        "/v2/p%2fr/manifests/v1",
        "/v2/p%2Fr/x/manifests/v1",
        "/v2/p/r%2fmanifests/v1",
        "/v2/p/r/manifests/%2e%2e",
        "/v2/p/r/manifests/..",
        "/v2/p/r%00/manifests/v1",
        "/v2/p/r/manifests/v1%00",
        "/v2/p/r%5c..%5cx/manifests/v1",
        "/v2/p/r/manifests/%0d%0aX:1",
        "/v2/p/r/manifests/%ff",
        "/v2/_oci/ext/other",
        "/v2/_catalog/",
        "/v2/p/r/uploads/0191f6a0-7c3e-7d2a-8b1f-3c5d7e9f0a1b",
        "/v2/p/r/blobs/uploads//",
    ] {
        let error = route(path).unwrap_err();
        assert_eq!(error, RouteError::NotFound, "{path}");
        assert_eq!(error.code().status(), 404);
    }
}

#[test]
fn illegal_parts() {
    let long = format!("/v2/p/{}/manifests/v1", "a".repeat(254));
    for path in [
        "/v2/P/r/manifests/v1",
        "/v2/p/-r/tags/list",
        "/v2/p/r%20s/manifests/v1",
        "/v2/p/r%252fs/manifests/v1",
        "/v2/p/r%zz/manifests/v1",
        "/v2/_catalog/tags/list",
        "/v2/alpine/manifests/latest",
        &long,
    ] {
        let error = route(path).unwrap_err();
        assert_eq!(error.code(), Code::NameInvalid, "{path}");
    }
    assert_eq!(
        route("/v2/alpine/manifests/latest"),
        Err(RouteError::Name(NameError::NoProject))
    );
    for (path, code) in [
        ("/v2/p/r/manifests/-v1", Code::TagInvalid),
        ("/v2/p/r/manifests/v%201", Code::TagInvalid),
        ("/v2/p/r/manifests/sha256:abc", Code::DigestInvalid),
        ("/v2/p/r/blobs/sha256:abc", Code::DigestInvalid),
        ("/v2/p/r/blobs/latest", Code::DigestInvalid),
        ("/v2/p/r/referrers/latest", Code::DigestInvalid),
        ("/v2/p/r/blobs/uploads/1", Code::BlobUploadUnknown),
        (
            "/v2/p/r/blobs/uploads/0191f6a0-7c3e-7d2a-8b1f-3c5d7e9f0a1",
            Code::BlobUploadUnknown,
        ),
        (
            "/v2/p/r/blobs/uploads/0191F6A0-7C3E-7D2A-8B1F-3C5D7E9F0A1B",
            Code::BlobUploadUnknown,
        ),
    ] {
        let error = route(path).unwrap_err();
        assert_eq!(error.code(), code, "{path}");
        assert!([400, 404].contains(&error.code().status()));
    }
}

proptest! {
    #[test]
    fn no_path_panics(path in ".{0,80}|/v2/[a-z0-9%./_:-]{0,80}") {
        if let Ok(route) = route(&path)
            && let Some(name) = route.name()
        {
            prop_assert!(!name.as_str().contains(".."));
        }
    }

    #[test]
    fn built_paths_read_back(
        repository in "(manifests|tags|blobs|uploads|list|referrers|[a-z]{1,5})(/(manifests|tags|blobs|uploads|list|referrers|[a-z]{1,5})){1,4}",
        tag in "(list|uploads|manifests|[a-zA-Z0-9_][a-zA-Z0-9._]{0,9})",
    ) {
        let name = name(&repository);
        let digest = digest();
        let expect = [
            (format!("/v2/{repository}/manifests/{tag}"), manifest(&repository, &tag)),
            (format!("/v2/{repository}/tags/list"), Route::TagsList { name: name.clone() }),
            (
                format!("/v2/{repository}/blobs/{digest}"),
                Route::Blob { name: name.clone(), digest: digest.clone() },
            ),
            (
                format!("/v2/{repository}/referrers/{digest}"),
                Route::Referrers { name: name.clone(), digest },
            ),
            (
                format!("/v2/{repository}/blobs/uploads/"),
                Route::UploadStart { name: name.clone() },
            ),
            (
                format!("/v2/{repository}/blobs/uploads/{ID}"),
                Route::Upload { name, id: ID.to_owned() },
            ),
        ];
        for (path, expected) in expect {
            prop_assert_eq!(route(&path), Ok(expected));
        }
    }
}
