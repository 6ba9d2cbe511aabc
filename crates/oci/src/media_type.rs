//! Media types of manifests, configurations and layers, and how to compare them.
//!
//! Invariant: the constants are bare types, without parameters, spelled as their owners register
//! them.

/// OCI image manifest.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// OCI image index.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// OCI image configuration.
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// The empty descriptor's content, `{}`.
pub const OCI_EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// OCI artifact manifest, withdrawn before OCI image 1.1 but still pushed.
pub const OCI_ARTIFACT_MANIFEST: &str = "application/vnd.oci.artifact.manifest.v1+json";
/// OCI layer, uncompressed.
pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// OCI layer, gzip.
pub const OCI_LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// OCI layer, zstd.
pub const OCI_LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
/// OCI layer that is fetched from elsewhere, uncompressed.
pub const OCI_LAYER_NONDISTRIBUTABLE: &str =
    "application/vnd.oci.image.layer.nondistributable.v1.tar";
/// OCI layer that is fetched from elsewhere, gzip.
pub const OCI_LAYER_NONDISTRIBUTABLE_GZIP: &str =
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
/// OCI layer that is fetched from elsewhere, zstd.
pub const OCI_LAYER_NONDISTRIBUTABLE_ZSTD: &str =
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd";

/// Docker image manifest, schema 1, unsigned.
pub const DOCKER_SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+json";
/// Docker image manifest, schema 1, signed.
pub const DOCKER_SCHEMA1_SIGNED: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";
/// Docker image manifest, schema 2.
pub const DOCKER_SCHEMA2: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker manifest list.
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Docker image configuration.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// Docker layer, gzip.
pub const DOCKER_LAYER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
/// Docker layer that is fetched from elsewhere, uncompressed.
pub const DOCKER_LAYER_FOREIGN: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar";
/// Docker layer that is fetched from elsewhere, gzip.
pub const DOCKER_LAYER_FOREIGN_GZIP: &str =
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";

/// Helm chart configuration.
pub const HELM_CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
/// Helm chart content.
pub const HELM_CHART: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
/// CNAB bundle configuration.
pub const CNAB_CONFIG: &str = "application/vnd.cnab.config.v1+json";
/// CNAB bundle, as the index's artifact type annotation names it.
pub const CNAB_MANIFEST: &str = "application/vnd.cnab.manifest.v1";
/// WebAssembly module configuration, as Harbor names it.
pub const WASM_CONFIG: &str = "application/vnd.wasm.config.v1+json";
/// WebAssembly module configuration of the CNCF artifact layout.
pub const WASM_CONFIG_V0: &str = "application/vnd.wasm.config.v0+json";
/// AI model configuration.
pub const CNAI_CONFIG: &str = "application/vnd.cncf.model.config.v1+json";
/// AI model, as an artifact type.
pub const CNAI_MANIFEST: &str = "application/vnd.cncf.model.manifest.v1+json";
/// Harbor's generated software bill of materials.
pub const HARBOR_SBOM: &str = "application/vnd.goharbor.harbor.sbom.v1";
/// Cosign signature attached by OCI 1.1 `subject`.
pub const COSIGN_CONFIG: &str = "application/vnd.dev.cosign.artifact.sig.v1+json";
/// Sigstore bundle, the artifact type of cosign 3 signatures.
pub const SIGSTORE_BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// Layer of a cosign signature.
pub const COSIGN_SIGNATURE_LAYER: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// Notary project signature.
pub const NOTATION_SIGNATURE: &str = "application/vnd.cncf.notary.signature";
/// BuildKit cache configuration, an entry of an index whose other entries are layers.
pub const BUILDKIT_CACHE_CONFIG: &str = "application/vnd.buildkit.cacheconfig.v0";

/// The bare type: `a/b; charset=x` becomes `a/b`.
pub fn strip_parameters(text: &str) -> &str {
    text.split_once(';').map_or(text, |(bare, _)| bare).trim()
}

/// Whether `text` is a bare media type of RFC 6838: `restricted-name "/" restricted-name`.
///
/// Such a text is also a valid header value, so it may be answered as `Content-Type`.
pub fn is_valid(text: &str) -> bool {
    text.split_once('/')
        .is_some_and(|(top, sub)| is_restricted_name(top) && is_restricted_name(sub))
}

/// Media types are compared without regard to case (RFC 6838, section 4.2).
pub fn is_same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// `restricted-name` of RFC 6838, section 4.2.
fn is_restricted_name(text: &str) -> bool {
    let first_ok = text
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric());
    first_ok
        && text.len() <= 127
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_stripped() {
        for (text, bare) in [
            ("a/b; charset=x", "a/b"),
            ("a/b;charset=x;q=1", "a/b"),
            (" a/b ", "a/b"),
            ("a/b", "a/b"),
            ("a/b;", "a/b"),
            ("", ""),
            (";", ""),
        ] {
            assert_eq!(strip_parameters(text), bare);
        }
    }

    #[test]
    fn validity() {
        for ok in [
            OCI_INDEX,
            DOCKER_SCHEMA1_SIGNED,
            COSIGN_CONFIG,
            "a/b",
            "application/x.y-z_1+q",
        ] {
            assert!(is_valid(ok), "{ok}");
        }
        let long = format!("a/{}", "b".repeat(128));
        for bad in [
            "",
            "a",
            "a/",
            "/b",
            "a/b/c",
            "a/b;c",
            "a /b",
            "a/b\r\nX: y",
            "a/é",
            &long,
        ] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
