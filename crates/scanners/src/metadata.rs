//! [`Metadata`]: what an external scanner says of itself.
//!
//! Invariant: what was checked names a scanner that reads images and writes reports we can read.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::AdapterError;
use crate::adapter::{OLD_REPORT, SBOM_REPORT, VULNERABILITY_REPORT};

/// What a scanner must be able to read.
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// The property in which a scanner says how it logs in to a registry.
const LOGS_IN_BY: &str = "harbor.scanner-adapter/registry-authorization-type";

/// Who a scanner is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Scanner")]
#[serde(default)]
pub struct Scanned {
    /// Its name.
    pub name: String,
    /// Who makes it.
    pub vendor: String,
    /// Its version.
    pub version: String,
}

/// One thing that a scanner can do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ScannerCapability")]
#[serde(default)]
pub struct Capability {
    /// `vulnerability` or `sbom`; a scanner of the first version says nothing and means the first.
    #[serde(rename = "type")]
    pub kind: String,
    /// The manifests it reads.
    pub consumes_mime_types: Vec<String>,
    /// The reports it writes.
    pub produces_mime_types: Vec<String>,
}

/// What a scanner says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ScannerAdapterMetadata")]
#[serde(default)]
pub struct Metadata {
    /// Who it is.
    pub scanner: Scanned,
    /// What it can do.
    pub capabilities: Vec<Capability>,
    /// What else it says, such as the age of its data.
    pub properties: BTreeMap<String, String>,
}

impl Metadata {
    /// Whether it can do this: `vulnerability` or `sbom`.
    pub fn can(&self, kind: &str) -> bool {
        self.capabilities.iter().any(|it| it.kind == kind)
    }

    /// Whether it wants a token; else it takes a name and a password, as Harbor assumes too.
    pub fn wants_bearer(&self) -> bool {
        self.properties.get(LOGS_IN_BY).map(String::as_str) == Some("Bearer")
    }

    /// The report of vulnerabilities that it writes of manifests of this type; `None`: it does not
    /// read them.
    pub fn report_of(&self, manifest: &str) -> Option<&'static str> {
        let mut able = self.capabilities.iter().filter(|it| {
            let reads = it.consumes_mime_types.iter().any(|one| one == manifest);
            it.kind == "vulnerability" && reads
        });
        let able = able.next()?;
        let writes = |kind: &str| {
            let mut written = able.produces_mime_types.iter();
            written.any(|it| same_type(it, kind))
        };
        Some(if writes(VULNERABILITY_REPORT) {
            VULNERABILITY_REPORT
        } else {
            OLD_REPORT
        })
    }

    pub(crate) fn checked(mut self) -> Result<Self, AdapterError> {
        let wrong = |what: String| Err(AdapterError::Answer(what));
        let who = &self.scanner;
        for (name, value) in [
            ("name", &who.name),
            ("vendor", &who.vendor),
            ("version", &who.version),
        ] {
            if value.is_empty() || value.len() > 255 {
                return wrong(format!("its scanner.{name} is missing or too long"));
            }
        }
        if self.capabilities.is_empty() {
            return wrong("it names nothing that it can do".to_owned());
        }
        for capability in &mut self.capabilities {
            if capability.kind.is_empty() {
                "vulnerability".clone_into(&mut capability.kind);
            }
            let reads = |kind: &str| capability.consumes_mime_types.iter().any(|it| it == kind);
            if !reads(DOCKER_MANIFEST) {
                return wrong(format!("it does not read {DOCKER_MANIFEST}"));
            }
            let wanted: &[&str] = match capability.kind.as_str() {
                "vulnerability" => &[VULNERABILITY_REPORT, OLD_REPORT],
                "sbom" => &[SBOM_REPORT],
                other => {
                    let other: String = other.chars().take(40).collect();
                    return wrong(format!("{other:?} is nothing that a scanner does"));
                }
            };
            let mut written = capability.produces_mime_types.iter();
            if !written.any(|it| wanted.iter().any(|one| same_type(it, one))) {
                return wrong(format!("it does not write {}", wanted[0]));
            }
        }
        Ok(self)
    }
}

/// Media types are equal whatever blanks stand between their parts.
fn same_type(a: &str, b: &str) -> bool {
    let bare = |text: &str| -> String { text.chars().filter(|c| !c.is_whitespace()).collect() };
    bare(a) == bare(b)
}
