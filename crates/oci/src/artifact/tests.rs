use proptest::prelude::*;

use super::*;

const EMPTY: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

fn descriptor(media_type: &str, extra: &str) -> String {
    format!(r#"{{"mediaType":"{media_type}","digest":"{EMPTY}","size":2{extra}}}"#)
}

fn image(config: &str, layer_extra: &str, extra: &str) -> Manifest {
    let text = format!(
        r#"{{"schemaVersion":2,"config":{},"layers":[{}]{extra}}}"#,
        descriptor(config, ""),
        descriptor(media_type::OCI_LAYER, layer_extra),
    );
    Manifest::parse(text.as_bytes(), Some(media_type::OCI_MANIFEST)).unwrap()
}

fn index(extra: &str) -> Manifest {
    let text = format!(r#"{{"schemaVersion":2,"manifests":[]{extra}}}"#);
    Manifest::parse(text.as_bytes(), Some(media_type::OCI_INDEX)).unwrap()
}

#[test]
fn image_types() {
    let typed = |artifact_type: &str| format!(r#","artifactType":"{artifact_type}""#);
    for (config, extra, expected) in [
        (media_type::OCI_CONFIG, String::new(), "IMAGE"),
        (media_type::DOCKER_CONFIG, String::new(), "IMAGE"),
        (
            media_type::OCI_CONFIG,
            typed("application/vnd.x.thing"),
            "IMAGE",
        ),
        (media_type::HELM_CONFIG, String::new(), "CHART"),
        (media_type::CNAB_CONFIG, String::new(), "CNAB"),
        (media_type::WASM_CONFIG, String::new(), "WASM"),
        (
            media_type::OCI_CONFIG,
            r#","annotations":{"run.oci.handler":"wasm"}"#.to_owned(),
            "WASM",
        ),
        (
            media_type::OCI_CONFIG,
            r#","annotations":{"module.wasm.image/variant":"compat"}"#.to_owned(),
            "WASM",
        ),
        (media_type::CNAI_CONFIG, String::new(), "CNAI"),
        (
            media_type::OCI_EMPTY,
            typed(media_type::CNAI_MANIFEST),
            "CNAI",
        ),
        (media_type::HARBOR_SBOM, String::new(), "SBOM"),
        (
            media_type::OCI_EMPTY,
            typed(media_type::HARBOR_SBOM),
            "SBOM",
        ),
        (
            "application/vnd.acme.rocket.config.v1+json",
            String::new(),
            "ROCKET",
        ),
        (
            "application/vnd.acme.rocket.engine.config.v1+json",
            String::new(),
            "ROCKET.ENGINE",
        ),
        (
            media_type::OCI_EMPTY,
            typed("application/vnd.acme.rocket.config.v1+json"),
            "ROCKET",
        ),
        (media_type::OCI_EMPTY, String::new(), "UNKNOWN"),
        (
            "application/vnd.acme.config.v1+json",
            String::new(),
            "UNKNOWN",
        ),
        ("application/octet-stream", String::new(), "UNKNOWN"),
        ("", String::new(), "UNKNOWN"),
    ] {
        assert_eq!(
            artifact_type_name(&image(config, "", &extra)),
            expected,
            "{config} {extra}"
        );
    }
    let long = format!("application/vnd.a.{}.config.v1+json", "b".repeat(65));
    assert_eq!(artifact_type_name(&image(&long, "", "")), "UNKNOWN");
}

#[test]
fn index_types() {
    for (extra, expected) in [
        ("", "IMAGE"),
        (
            r#","annotations":{"org.opencontainers.artifactType":"application/vnd.cnab.manifest.v1"}"#,
            "CNAB",
        ),
        (
            r#","artifactType":"application/vnd.cnab.manifest.v1""#,
            "CNAB",
        ),
        (r#","artifactType":"application/vnd.acme.thing""#, "UNKNOWN"),
    ] {
        assert_eq!(artifact_type_name(&index(extra)), expected, "{extra}");
    }
}

#[test]
fn accessories_by_subject() {
    let subject = format!(r#","subject":{}"#, descriptor(media_type::OCI_MANIFEST, ""));
    let typed = |artifact_type: &str| format!(r#"{subject},"artifactType":"{artifact_type}""#);
    let nydus = r#","annotations":{"containerd.io/snapshot/nydus-bootstrap":"true"}"#;
    for (config, layer, extra, expected) in [
        (
            media_type::OCI_EMPTY,
            "",
            typed(media_type::SIGSTORE_BUNDLE),
            "signature.cosign",
        ),
        (
            media_type::COSIGN_CONFIG,
            "",
            subject.clone(),
            "signature.cosign",
        ),
        (
            media_type::COSIGN_CONFIG,
            "",
            typed("application/x.y"),
            "signature.cosign",
        ),
        (
            media_type::OCI_EMPTY,
            "",
            typed(media_type::NOTATION_SIGNATURE),
            "signature.notation",
        ),
        (
            media_type::NOTATION_SIGNATURE,
            "",
            subject.clone(),
            "signature.notation",
        ),
        (media_type::HARBOR_SBOM, "", subject.clone(), "sbom.harbor"),
        (
            media_type::OCI_EMPTY,
            "",
            typed(media_type::HARBOR_SBOM),
            "sbom.harbor",
        ),
        (
            media_type::OCI_CONFIG,
            nydus,
            subject.clone(),
            "accelerator.nydus",
        ),
        (
            media_type::OCI_CONFIG,
            "",
            subject.clone(),
            "subject.accessory",
        ),
        (
            media_type::OCI_EMPTY,
            "",
            typed("application/x.y"),
            "subject.accessory",
        ),
    ] {
        let manifest = image(config, layer, &extra);
        assert_eq!(
            accessory_type(&manifest, None),
            Some(expected),
            "{config} {extra}"
        );
    }
    // Without a subject nothing is an accessory, whatever it is made of.
    for config in [media_type::COSIGN_CONFIG, media_type::NOTATION_SIGNATURE] {
        assert_eq!(accessory_type(&image(config, nydus, ""), Some("v1")), None);
    }
    assert_eq!(
        accessory_type(&index(&subject), None),
        Some("subject.accessory")
    );
}

#[test]
fn accessories_by_tag() {
    let manifest = image(media_type::OCI_CONFIG, "", "");
    let tag = EMPTY.replace(':', "-");
    for (suffix, expected) in [
        (".sig", Some("signature.cosign")),
        (".att", Some("subject.accessory")),
        (".sbom", Some("subject.accessory")),
        (".txt", None),
        ("", None),
        (".sig.sig", None),
    ] {
        let tag = format!("{tag}{suffix}");
        assert_eq!(accessory_type(&manifest, Some(&tag)), expected, "{tag}");
        let subject = expected.map(|_| EMPTY.parse().unwrap());
        assert_eq!(cosign_subject(&tag), subject, "{tag}");
    }
    assert_eq!(cosign_subject("sha256-abc.sig"), None);
    assert_eq!(cosign_subject(&format!("{}.sig", tag.to_uppercase())), None);
}

#[test]
fn fallback_tags() {
    let digest: Digest = EMPTY.parse().unwrap();
    let tag = fallback_tag(&digest);
    assert_eq!(tag, EMPTY.replace(':', "-"));
    assert_eq!(parse_fallback_tag(&tag), Some(digest));
    let long = Digest::of(Algorithm::Sha512, b"");
    assert_eq!(fallback_tag(&long), format!("sha512-{}", &long.hex()[..64]));
    assert_eq!(parse_fallback_tag(&fallback_tag(&long)), None);
    for bad in [
        "",
        "latest",
        "sha256-",
        "sha256-abc",
        "sha256:abc",
        "blake3-00",
    ] {
        assert_eq!(parse_fallback_tag(bad), None, "{bad}");
    }
}

proptest! {
    #[test]
    fn no_tag_panics(tag in ".{0,80}|sha256-[a-f0-9]{60,66}(\\.sig)?") {
        if let Some(digest) = parse_fallback_tag(&tag) {
            prop_assert_eq!(fallback_tag(&digest), tag.clone());
        }
        if let Some(digest) = cosign_subject(&tag) {
            let prefix = fallback_tag(&digest);
            prop_assert!(tag.starts_with(&prefix));
        }
    }

    #[test]
    fn every_fallback_tag_is_a_tag(bytes in proptest::collection::vec(any::<u8>(), 0..8)) {
        for algorithm in Algorithm::ALL {
            let digest = Digest::of(algorithm, &bytes);
            prop_assert!(crate::TagName::parse(&fallback_tag(&digest)).is_ok());
        }
    }

    #[test]
    fn types_are_short_words(config in "application/vnd\\.[a-z.]{0,80}config\\.v1\\+json|[ -!#-\\[\\]-~]{0,40}") {
        let name = artifact_type_name(&image(&config, "", ""));
        prop_assert!((1..=TYPE_BYTES).contains(&name.len()));
        prop_assert_eq!(name.to_ascii_uppercase(), name);
    }
}
