use berth_model::{Code, Coded};
use proptest::prelude::*;

use super::*;
use crate::media_type::{
    BUILDKIT_CACHE_CONFIG, DOCKER_LAYER_FOREIGN_GZIP, DOCKER_LAYER_GZIP, DOCKER_LIST,
    DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED, DOCKER_SCHEMA2, HELM_CONFIG, OCI_ARTIFACT_MANIFEST,
    OCI_CONFIG, OCI_EMPTY, OCI_INDEX, OCI_LAYER_GZIP, OCI_LAYER_NONDISTRIBUTABLE_ZSTD,
    OCI_MANIFEST,
};

const D: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
const ZERO: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn descriptor(media_type: &str) -> String {
    format!(r#"{{"mediaType":"{media_type}","digest":"{D}","size":2}}"#)
}

/// An image with `fields` in the place of its layers.
fn image(fields: &str) -> String {
    let config = descriptor(OCI_CONFIG);
    format!(r#"{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","config":{config}{fields}}}"#)
}

fn index(manifests: &str) -> String {
    format!(r#"{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":{manifests}}}"#)
}

fn read(text: &str) -> Result<Manifest, ManifestError> {
    Manifest::parse(text.as_bytes(), None)
}

fn malformed(text: &str) -> String {
    match read(text) {
        Err(ManifestError::Malformed(why)) => why,
        other => panic!("{text} gave {other:?}"),
    }
}

#[test]
fn an_image() {
    let layer = format!(
        r#"{{"mediaType":"{OCI_LAYER_GZIP}","digest":"{D}","size":9223372036854775807,
            "urls":["https://a.example/x"],"annotations":{{"k":"v","n":null}},"data":"e30=","x":[1e400]}}"#
    );
    let text = image(&format!(
        r#","layers":[{layer},{layer}],"subject":{},"annotations":{{"a":"b"}},"artifactType":"x/y","new":{{"A":1,"a":1}}"#,
        descriptor(OCI_MANIFEST)
    ));
    let manifest = read(&text).unwrap();
    assert_eq!(manifest.media_type, OCI_MANIFEST);
    assert_eq!(manifest.kind, ManifestKind::Image);
    assert_eq!(manifest.effective_artifact_type(), Some("x/y"));
    assert_eq!(manifest.config.as_ref().unwrap().digest.as_str(), D);
    assert_eq!(manifest.layers.len(), 2, "the same layer twice is legal");
    assert_eq!(manifest.descriptors().count(), 3);
    assert_eq!(manifest.subject.as_ref().unwrap().media_type, OCI_MANIFEST);
    assert_eq!(manifest.annotations["a"], "b");
    let layer = &manifest.layers[0];
    assert_eq!(layer.size, i64::MAX as u64);
    assert_eq!(layer.urls, ["https://a.example/x"]);
    assert!(layer.has_data && !manifest.config.as_ref().unwrap().has_data);
    assert_eq!(layer.annotations.as_ref().unwrap()["n"], "");
}

#[test]
fn an_index() {
    let entry = format!(
        r#"{{"mediaType":"{OCI_MANIFEST}","digest":"{D}","size":2,"platform":{{"architecture":"amd64","os":"windows",
            "os.version":"10","os.features":["win32k"],"variant":"v1","features":["sse4"]}}}}"#
    );
    let manifest = read(&index(&format!("[{entry}]"))).unwrap();
    assert_eq!(manifest.kind, ManifestKind::Index);
    assert_eq!(manifest.effective_artifact_type(), None);
    let platform = manifest.manifests[0].platform.clone().unwrap();
    assert_eq!(
        (platform.architecture.as_str(), platform.os.as_str()),
        ("amd64", "windows")
    );
    let json = serde_json::to_string(&manifest.manifests[0]).unwrap();
    assert_eq!(
        json,
        format!(
            r#"{{"mediaType":"{OCI_MANIFEST}","digest":"{D}","size":2,"platform":{{"architecture":"amd64","os":"windows","os.version":"10","os.features":["win32k"],"variant":"v1"}}}}"#
        )
    );
    assert_eq!(
        serde_json::from_str::<Descriptor>(&json).unwrap(),
        manifest.manifests[0]
    );
}

#[test]
fn what_clients_push() {
    let zero = format!(r#"{{"mediaType":"application/x","digest":"{ZERO}","size":0}}"#);
    let layer = descriptor(OCI_LAYER_GZIP);
    let cases = [
        ("no layers", image(""), OCI_MANIFEST),
        ("null layers", image(r#","layers":null"#), OCI_MANIFEST),
        ("zero layers", image(r#","layers":[]"#), OCI_MANIFEST),
        (
            "null fields",
            image(r#","subject":null,"annotations":null,"manifests":null"#),
            OCI_MANIFEST,
        ),
        (
            "unknown field blobs",
            image(r#","blobs":["x"]"#),
            OCI_MANIFEST,
        ),
        (
            "zero-byte config",
            format!(r#"{{"schemaVersion":2,"config":{zero},"layers":[{layer}]}}"#),
            OCI_MANIFEST,
        ),
        (
            "helm without mediaType",
            format!(
                r#"{{"schemaVersion":2,"config":{},"layers":[{layer}]}}"#,
                descriptor(HELM_CONFIG)
            ),
            OCI_MANIFEST,
        ),
        (
            "docker",
            format!(
                r#"{{"schemaVersion":2,"mediaType":"{DOCKER_SCHEMA2}","config":{zero},"layers":[{}]}}"#,
                descriptor(DOCKER_LAYER_GZIP)
            ),
            DOCKER_SCHEMA2,
        ),
        (
            "descriptor without mediaType",
            image(&format!(
                r#","layers":[{{"digest":"{D}","size":1,"platform":null,"urls":null,"data":null}}]"#
            )),
            OCI_MANIFEST,
        ),
    ];
    for (what, text, content_type) in cases {
        let manifest = Manifest::parse(text.as_bytes(), Some(content_type))
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(manifest.kind, ManifestKind::Image, "{what}");
        assert_eq!(manifest.media_type, content_type, "{what}");
    }
    for (what, text, content_type) in [
        ("empty index", index("[]"), OCI_INDEX),
        ("null manifests", index("null"), OCI_INDEX),
        (
            "docker list",
            format!(r#"{{"schemaVersion":2,"manifests":[{layer}]}}"#),
            DOCKER_LIST,
        ),
        (
            "buildkit cache",
            index(&format!("[{layer},{}]", descriptor(BUILDKIT_CACHE_CONFIG))),
            OCI_INDEX,
        ),
        (
            "unknown index",
            format!(r#"{{"manifests":[{layer}]}}"#),
            "application/x.list",
        ),
    ] {
        let manifest = Manifest::parse(text.as_bytes(), Some(content_type))
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(manifest.kind, ManifestKind::Index, "{what}");
    }
}

#[test]
fn unknown_and_withdrawn_types() {
    let manifest = Manifest::parse(b"{}", Some("application/x.thing+json; charset=utf-8")).unwrap();
    assert_eq!(manifest.media_type, "application/x.thing+json");
    assert_eq!(manifest.kind, ManifestKind::Image);
    assert_eq!(manifest.effective_artifact_type(), None);
    let text = format!(
        r#"{{"blobs":[{}],"mediaType":"{OCI_ARTIFACT_MANIFEST}","artifactType":"a/b"}}"#,
        descriptor(OCI_LAYER_GZIP)
    );
    let manifest = read(&text).unwrap();
    assert_eq!(manifest.layers.len(), 1);
    assert_eq!(manifest.effective_artifact_type(), Some("a/b"));
    let bad = format!(r#"{{"mediaType":"{OCI_ARTIFACT_MANIFEST}","blobs":["x"]}}"#);
    assert!(matches!(read(&bad), Err(ManifestError::Malformed(_))));
}

#[test]
fn effective_artifact_types() {
    let of = |text: &str| {
        read(text)
            .unwrap()
            .effective_artifact_type()
            .map(str::to_owned)
    };
    assert_eq!(of(&image("")).as_deref(), Some(OCI_CONFIG));
    assert_eq!(
        of(&image(r#","artifactType":"""#)).as_deref(),
        Some(OCI_CONFIG)
    );
    assert_eq!(
        of(&image(r#","artifactType":"a/b""#)).as_deref(),
        Some("a/b")
    );
    assert_eq!(
        of(&index(r#"[],"artifactType":"a/b""#)).as_deref(),
        Some("a/b")
    );
    assert_eq!(of(&index("[]")), None);
}

#[test]
fn non_distributable_layers() {
    for (media_type, expected) in [
        (DOCKER_LAYER_FOREIGN_GZIP, true),
        (OCI_LAYER_NONDISTRIBUTABLE_ZSTD, true),
        (OCI_LAYER_GZIP, false),
        (OCI_EMPTY, false),
        ("", false),
    ] {
        let descriptor: Descriptor = serde_json::from_str(&descriptor(media_type)).unwrap();
        assert_eq!(descriptor.is_non_distributable(), expected, "{media_type}");
    }
}

#[test]
fn media_types_must_agree() {
    let text = image("");
    let with = |content_type: &str| Manifest::parse(text.as_bytes(), Some(content_type));
    assert!(with(&format!("{OCI_MANIFEST}; charset=utf-8")).is_ok());
    assert!(with(&OCI_MANIFEST.to_uppercase()).is_ok());
    assert!(with("").is_ok());
    for other in [OCI_INDEX, DOCKER_SCHEMA2, "application/json"] {
        let error = with(other).unwrap_err();
        assert!(
            matches!(error, ManifestError::MediaTypeMismatch { .. }),
            "{other}"
        );
        assert!(error.to_string().contains(other));
    }
    assert_eq!(read("{}"), Err(ManifestError::MediaTypeMissing));
    assert_eq!(
        read(r#"{"mediaType":""}"#),
        Err(ManifestError::MediaTypeMissing)
    );
    for bad in ["text", "a/b\\r\\nX-Y: z", "a/b;c=d", "a b/c"] {
        let text = format!(r#"{{"mediaType":"{bad}"}}"#);
        assert!(
            matches!(read(&text), Err(ManifestError::MediaTypeInvalid(_))),
            "{bad}"
        );
    }
    let long = format!(r#"{{"mediaType":"{}"}}"#, "é".repeat(10_000));
    assert!(
        read(&long).unwrap_err().to_string().len() < 1000,
        "errors repeat little"
    );
}

/// CVE-2021-41190: one document that two clients read as two things.
#[test]
fn one_document_is_one_thing() {
    let layers = format!(r#","layers":[{}]"#, descriptor(OCI_LAYER_GZIP));
    let config = descriptor(OCI_CONFIG);
    let manifests = format!(r#","manifests":[{}]"#, descriptor(OCI_MANIFEST));
    for (text, error) in [
        (
            image(&format!("{layers}{manifests}")),
            ManifestError::Ambiguous,
        ),
        (image(r#","manifests":[]"#), ManifestError::Ambiguous),
        (index(&format!("[]{layers}")), ManifestError::Ambiguous),
        (
            index(&format!(r#"[],"config":{config}"#)),
            ManifestError::Ambiguous,
        ),
        (
            format!(r#"{{"mediaType":"a/b","config":{config}{manifests}}}"#),
            ManifestError::Ambiguous,
        ),
        (
            format!(r#"{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","config":{config}}}"#),
            ManifestError::NotAnIndex,
        ),
        (
            format!(r#"{{"schemaVersion":2,"mediaType":"{DOCKER_LIST}"{layers}}}"#),
            ManifestError::NotAnIndex,
        ),
        (
            format!(r#"{{"schemaVersion":2,"mediaType":"{DOCKER_SCHEMA2}"{manifests}}}"#),
            ManifestError::NotAnImage,
        ),
        (
            format!(r#"{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}"{layers}}}"#),
            ManifestError::ConfigMissing,
        ),
    ] {
        assert_eq!(read(&text), Err(error), "{text}");
    }
    for (fields, why) in [
        (r#","layers":[],"layers":[]"#, "duplicate field layers"),
        (r#","layers":[],"l\u0061yers":[]"#, "duplicate field layers"),
        (r#","layers":null,"layers":[]"#, "duplicate field layers"),
        (r#","config":null"#, "duplicate field config"),
        (r#","Layers":[]"#, "field layers is misspelled"),
        (r#","MANIFESTS":[]"#, "field manifests is misspelled"),
        (",\"manife\u{17f}ts\":[]", "field manifests is misspelled"),
        (r#","mediatype":"x/y""#, "field mediaType is misspelled"),
        (r#","x":1,"x":1"#, "duplicate field"),
        (
            r#","annotations":{"a":"1","a":"2"}"#,
            "duplicate annotation",
        ),
        (
            r#","layers":[{"digest":"a","digest":"b"}]"#,
            "a digest is sha256:",
        ),
    ] {
        let text = image(fields);
        assert!(
            malformed(&text).contains(why),
            "{text} gave {}",
            malformed(&text)
        );
    }
    for (key, why) in [
        (r#""size":3"#, "duplicate field size"),
        (r#""Size":3"#, "field size is misspelled"),
        (r#""x":1,"x":2"#, "duplicate field"),
    ] {
        let text = image(&format!(r#","layers":[{{"digest":"{D}","size":2,{key}}}]"#));
        assert!(malformed(&text).contains(why), "{text}");
    }
}

#[test]
fn schema_versions() {
    for text in [
        r#"{"schemaVersion":1,"name":"a","fsLayers":[{"blobSum":"x"}]}"#.to_owned(),
        format!(r#"{{"schemaVersion":1,"mediaType":"{OCI_MANIFEST}"}}"#),
        format!(r#"{{"mediaType":"{DOCKER_SCHEMA1}"}}"#),
        format!(r#"{{"schemaVersion":2,"mediaType":"{DOCKER_SCHEMA1_SIGNED}"}}"#),
    ] {
        assert_eq!(read(&text), Err(ManifestError::Schema1), "{text}");
    }
    let text = image("");
    for content_type in [DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED] {
        let error = Manifest::parse(text.as_bytes(), Some(content_type)).unwrap_err();
        assert_eq!(error, ManifestError::Schema1);
        assert!(error.to_string().contains("push with a current client"));
    }
    let config = descriptor(OCI_CONFIG);
    for text in [
        format!(r#"{{"mediaType":"{OCI_MANIFEST}","config":{config}}}"#),
        format!(r#"{{"schemaVersion":3,"mediaType":"{OCI_MANIFEST}","config":{config}}}"#),
        r#"{"schemaVersion":0,"mediaType":"a/b"}"#.to_owned(),
    ] {
        assert_eq!(read(&text), Err(ManifestError::SchemaVersion), "{text}");
    }
    malformed(r#"{"schemaVersion":"2","mediaType":"a/b"}"#);
    malformed(r#"{"schemaVersion":2.0,"mediaType":"a/b"}"#);
}

#[test]
fn refused_text() {
    let good = image("");
    let deep = |levels: usize| {
        image(&format!(
            r#","x":{}{}"#,
            "[".repeat(levels - 1),
            "]".repeat(levels - 1)
        ))
    };
    assert!(read(&deep(Limits::MANIFEST_DEPTH)).is_ok());
    assert_eq!(
        read(&deep(Limits::MANIFEST_DEPTH + 1)),
        Err(ManifestError::TooDeep)
    );
    assert_eq!(read(&"[".repeat(1_000_000)), Err(ManifestError::TooDeep));
    let quoted = image(&format!(
        r#","x":"{}\"{}""#,
        "[".repeat(100),
        "{".repeat(100)
    ));
    assert!(read(&quoted).is_ok(), "brackets in a text are no nesting");
    assert_eq!(
        read(&format!("\u{feff}{good}")),
        Err(ManifestError::Encoding)
    );
    assert_eq!(
        Manifest::parse(b"{\"x\":\"\xff\"}", None),
        Err(ManifestError::Encoding)
    );
    for text in [
        "",
        " ",
        "null",
        "[]",
        "\"x\"",
        "{",
        &format!("{good}x"),
        &format!("{good}{good}"),
        &format!("{good}\0"),
        &good.replace('"', "'"),
        &image(","),
        &image(r#","x":01"#),
        &image(r#","x":NaN"#),
        &image(r#","layers":{}"#),
        &image(r#","layers":[null]"#),
        &image(r#","layers":[[]]"#),
        &image(r#","annotations":{"a":1}"#),
        &image(r#","annotations":["a"]"#),
        &image(r#","subject":{}"#),
        &image(r#","artifactType":1"#),
    ] {
        malformed(text);
    }
    for spaced in [format!(" {good}\n"), format!("\r\n\t{good}")] {
        assert!(read(&spaced).is_ok());
    }
}

#[test]
fn refused_descriptors() {
    let with = |digest: &str, size: &str| {
        image(&format!(
            r#","layers":[{{"mediaType":"a/b","digest":"{digest}","size":{size}}}]"#
        ))
    };
    for size in ["0", "1", "10737418240", "9223372036854775807"] {
        assert!(read(&with(D, size)).is_ok(), "{size}");
    }
    for size in [
        "-1",
        "-0",
        "1.0",
        "1.5",
        "1e3",
        "1e400",
        "9223372036854775808",
        "18446744073709551616",
        "\"2\"",
        "null",
        "[]",
        "true",
    ] {
        malformed(&with(D, size));
    }
    for digest in ["", "sha256:abc", "../../etc/passwd", &D.to_uppercase()] {
        assert!(
            malformed(&with(digest, "1")).contains("a digest is"),
            "{digest}"
        );
    }
    let blake3 = D.replace("sha256", "blake3");
    assert!(malformed(&with(&blake3, "1")).contains("use sha256 or sha512"));
    assert!(malformed(&image(r#","layers":[{"size":1}]"#)).contains("digest"));
    let no_size = image(&format!(r#","layers":[{{"digest":"{D}"}}]"#));
    assert!(malformed(&no_size).contains("size"));
}

#[test]
fn limits() {
    let list = |count: usize| {
        // Short entries: so many full descriptors would be larger than a manifest may be.
        let entry = format!(r#"{{"digest":"{D}","size":2}}"#);
        image(&format!(r#","layers":[{}]"#, vec![entry; count].join(",")))
    };
    assert_eq!(read(&list(10_000)).unwrap().layers.len(), 10_000);
    let most = list(Limits::MANIFEST_DESCRIPTORS);
    assert!(most.len() <= Limits::MANIFEST_BYTES);
    assert!(read(&most).is_ok());
    let more = list(Limits::MANIFEST_DESCRIPTORS + 1);
    assert_eq!(read(&more), Err(ManifestError::TooManyDescriptors));
    let more = list(Limits::MANIFEST_DESCRIPTORS + 1000);
    assert_eq!(read(&more), Err(ManifestError::TooManyDescriptors));

    let padded = |bytes: usize| {
        let empty = image(r#","annotations":{"a":""}"#).len();
        image(&format!(
            r#","annotations":{{"a":"{}"}}"#,
            "x".repeat(bytes - empty)
        ))
    };
    let largest = padded(Limits::MANIFEST_BYTES);
    assert_eq!(largest.len(), Limits::MANIFEST_BYTES);
    assert!(read(&largest).is_ok());
    let error = read(&padded(Limits::MANIFEST_BYTES + 1)).unwrap_err();
    assert_eq!(error, ManifestError::TooLarge);
    assert_eq!(error.code(), Code::ManifestTooLarge);
    assert_eq!(ManifestError::Ambiguous.code(), Code::ManifestInvalid);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Manifest::parse(&bytes, Some(OCI_MANIFEST));
    }

    #[test]
    fn descriptors_read_back(
        size in 0..=i64::MAX as u64,
        media_type in ".{0,20}",
        artifact_type in proptest::option::of(".{1,20}"),
        annotations in proptest::option::of(proptest::collection::btree_map(".{0,8}", ".{0,8}", 0..4)),
        urls in proptest::collection::vec(".{0,8}", 0..3),
        content in any::<u8>(),
    ) {
        let descriptor = Descriptor {
            media_type,
            digest: crate::Digest::of(crate::Algorithm::Sha256, &[content]),
            size,
            artifact_type,
            annotations,
            urls,
            platform: None,
            has_data: false,
        };
        let json = serde_json::to_string(&descriptor).unwrap();
        prop_assert_eq!(serde_json::from_str::<Descriptor>(&json).unwrap(), descriptor);
    }
}
