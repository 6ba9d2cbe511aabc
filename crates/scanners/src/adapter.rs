//! [`Adapter`]: one external scanner, spoken to by the pluggable scanner API, versions 1.0 and 1.1.
//!
//! Invariant: every call has an end, every answer a bound, and an answer that is not what the API
//! says is an error with a sentence.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use berth_model::Secret;
use berth_remote::{Egress, EgressError, Received, Sending};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::report::{Report, ReportProblem};

/// The report of vulnerabilities that every scanner of today writes.
pub const VULNERABILITY_REPORT: &str = "application/vnd.security.vulnerability.report; version=1.1";
/// The report of what an image holds.
pub const SBOM_REPORT: &str = "application/vnd.security.sbom.report+json; version=1.0";

/// What a scanner must be able to read.
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const OLD_REPORT: &str = "application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0";
const METADATA: &str = "application/vnd.scanner.adapter.metadata+json; version=1.1, \
     application/vnd.scanner.adapter.metadata+json; version=1.0";
const REQUEST: &str = "application/vnd.scanner.adapter.scan.request+json; version=1.1";
const RESPONSE: &str = "application/vnd.scanner.adapter.scan.response+json; version=1.0";
const REFRESH_AFTER: HeaderName = HeaderName::from_static("refresh-after");
const API_KEY: HeaderName = HeaderName::from_static("x-scanneradapter-api-key");

/// Time for one call.
const CALL: Duration = Duration::from_secs(10);
/// Time for the call that brings a report.
const FETCH: Duration = Duration::from_mins(2);
/// Largest report, bytes.
const REPORT_BYTES: usize = 64 * 1024 * 1024;
/// Longest id of a scan, bytes.
const ID: usize = 512;
/// The pause between two questions for a report, where the scanner does not say, and its bounds.
const PAUSE: Duration = Duration::from_secs(5);
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(1);
/// Faults in a row after which a scanner is given up.
const FAULTS: u32 = 5;

/// Why a scanner cannot be used, or did not scan.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    /// It was not reached, or did not answer in time.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// It answered that it will not or cannot.
    #[error("it answered {0}: {1}")]
    Refused(u16, String),
    /// It answered with something else than the API says.
    #[error("its answer is not that of a scanner: {0}")]
    Answer(String),
    /// Its report cannot be used.
    #[error("its report cannot be used: {0}")]
    Report(#[from] ReportProblem),
    /// No report in the time there is.
    #[error("there was no report within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The scan was stopped.
    #[error("stopped")]
    Stopped,
}

impl AdapterError {
    /// Whether the same call may succeed a little later.
    fn passes(&self) -> bool {
        match self {
            Self::Egress(error) => !error.is_final(),
            Self::Refused(status, _) => matches!(status, 429 | 502..=504),
            _ => false,
        }
    }
}

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

    fn checked(mut self) -> Result<Self, AdapterError> {
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

/// Where a scanner is to read an image.
#[derive(Clone, Debug, Serialize)]
pub struct ScanRegistry {
    /// The registry's address.
    pub url: String,
    /// A header that lets it read this image, and nothing else.
    pub authorization: String,
}

/// The image to be scanned.
#[derive(Clone, Debug, Serialize)]
pub struct ScanArtifact {
    /// With its project.
    pub repository: String,
    /// Its manifest.
    pub digest: String,
    /// A tag, or nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tag: String,
    /// The manifest's media type.
    pub mime_type: String,
}

/// A scan to be made.
#[derive(Clone, Debug)]
pub struct ScanRequest {
    /// Where it is read.
    pub registry: ScanRegistry,
    /// What is read.
    pub artifact: ScanArtifact,
}

/// An answer to the question for a report.
#[derive(Clone, Debug)]
pub enum Polled {
    /// Not yet: ask again after this time.
    NotYet(Duration),
    /// The report, checked.
    Ready(Box<Report>),
}

/// One external scanner.
#[derive(Clone, Debug)]
pub struct Adapter {
    egress: Egress,
    base: String,
    headers: HeaderMap,
    skip_verify: bool,
}

/// The header that a credential goes into, and what it says there. `auth` is Harbor's word.
pub(crate) fn credential_header(
    auth: &str,
    credential: Option<&Secret<String>>,
) -> Result<Option<(HeaderName, HeaderValue)>, String> {
    let name = match auth {
        "" => return Ok(None),
        "Basic" | "Bearer" => AUTHORIZATION,
        "X-ScannerAdapter-API-Key" => API_KEY,
        other => {
            let other: String = other.chars().take(40).collect();
            return Err(format!(
                "auth is empty, Basic, Bearer or X-ScannerAdapter-API-Key, not {other:?}"
            ));
        }
    };
    let Some(credential) = credential.filter(|it| !it.expose().is_empty()) else {
        return Err(format!("{auth} needs an access_credential"));
    };
    let text = credential.expose();
    let text = match auth {
        "Basic" if !text.contains(':') => {
            return Err("the access_credential of Basic is user:password".to_owned());
        }
        "Basic" => format!("Basic {}", STANDARD.encode(text)),
        "Bearer" => format!("Bearer {text}"),
        _ => text.clone(),
    };
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| "the access_credential holds what no header can hold".to_owned())?;
    value.set_sensitive(true);
    Ok(Some((name, value)))
}

impl Adapter {
    /// The scanner at this address, with the header that lets us in.
    pub(crate) fn new(
        egress: Egress,
        url: &str,
        header: Option<(HeaderName, HeaderValue)>,
        skip_verify: bool,
    ) -> Self {
        Self {
            egress,
            base: format!("{}/api/v1", url.trim_end_matches('/')),
            headers: header.into_iter().collect(),
            skip_verify,
        }
    }

    fn sending(&self, method: Method, path: &str, accept: &str) -> Result<Sending, AdapterError> {
        let mut sending = Sending::new(method, format!("{}{path}", self.base));
        sending.headers = self.headers.clone();
        let accept = HeaderValue::from_str(accept)
            .map_err(|_| AdapterError::Answer("it names no media type".to_owned()))?;
        sending.headers.insert(ACCEPT, accept);
        sending.time_out = CALL;
        // A redirect is how "not yet" is said; it leads nowhere else.
        sending.redirects = 0;
        sending.skip_verify = self.skip_verify;
        Ok(sending)
    }

    /// What it says of itself, checked.
    pub async fn metadata(&self) -> Result<Metadata, AdapterError> {
        let sending = self.sending(Method::GET, "/metadata", METADATA)?;
        let received = self.egress.send(sending).await?;
        if received.status != StatusCode::OK {
            return Err(refused(&received));
        }
        let metadata: Metadata = serde_json::from_slice(&received.body)
            .map_err(|error| AdapterError::Answer(format!("metadata: {error}")))?;
        metadata.checked()
    }

    /// Asks for a scan; gives its id.
    pub async fn request(&self, wanted: &ScanRequest) -> Result<String, AdapterError> {
        let mut sending = self.sending(Method::POST, "/scan", RESPONSE)?;
        let kind = HeaderValue::from_static(REQUEST);
        sending.headers.insert(CONTENT_TYPE, kind);
        let body = serde_json::json!({
            "registry": wanted.registry,
            "artifact": wanted.artifact,
            "enabled_capabilities": [{
                "type": "vulnerability",
                "produces_mime_types": [VULNERABILITY_REPORT],
            }],
        });
        sending.body = body.to_string().into();
        let received = self.egress.send(sending).await?;
        if received.status != StatusCode::ACCEPTED {
            return Err(refused(&received));
        }
        let answer: Value = serde_json::from_slice(&received.body)
            .map_err(|error| AdapterError::Answer(format!("scan: {error}")))?;
        match answer["id"].as_str() {
            Some(id) if !id.is_empty() && id.len() <= ID => Ok(id.to_owned()),
            _ => Err(AdapterError::Answer("it gave the scan no usable id".into())),
        }
    }

    /// Asks once for the report of a scan of the manifest `digest`.
    pub async fn poll(&self, id: &str, digest: &str) -> Result<Polled, AdapterError> {
        let id = utf8_percent_encode(id, NON_ALPHANUMERIC);
        let path = format!("/scan/{id}/report");
        let mut sending = self.sending(Method::GET, &path, VULNERABILITY_REPORT)?;
        sending.most = REPORT_BYTES;
        sending.time_out = FETCH;
        let received = self.egress.send(sending).await?;
        match received.status {
            StatusCode::OK => {
                let report = Report::read(&received.body, digest)?;
                Ok(Polled::Ready(Box::new(report)))
            }
            StatusCode::FOUND => Ok(Polled::NotYet(pause(&received.headers))),
            _ => Err(refused(&received)),
        }
    }

    /// Scans, and waits for the report; no longer than `limit`.
    pub async fn scan(
        &self,
        wanted: &ScanRequest,
        limit: Duration,
        stop: &CancellationToken,
    ) -> Result<Report, AdapterError> {
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(AdapterError::Stopped),
            () = tokio::time::sleep(limit) => Err(AdapterError::TimedOut(limit)),
            report = self.scan_on(wanted) => report,
        }
    }

    async fn scan_on(&self, wanted: &ScanRequest) -> Result<Report, AdapterError> {
        let id = self.request(wanted).await?;
        let mut faults = 0;
        loop {
            match self.poll(&id, &wanted.artifact.digest).await {
                Ok(Polled::Ready(report)) => return Ok(*report),
                Ok(Polled::NotYet(pause)) => {
                    faults = 0;
                    tokio::time::sleep(pause).await;
                }
                Err(error) if error.passes() && faults < FAULTS => {
                    faults += 1;
                    tokio::time::sleep(SHORTEST).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

fn pause(headers: &HeaderMap) -> Duration {
    headers
        .get(REFRESH_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map_or(PAUSE, Duration::from_secs)
        .clamp(SHORTEST, LONGEST)
}

/// An answer that is none of success, in the scanner's own words where it has some.
fn refused(received: &Received) -> AdapterError {
    let told: Option<Value> = serde_json::from_slice(&received.body).ok();
    let message = told
        .as_ref()
        .and_then(|told| told["error"]["message"].as_str())
        .unwrap_or("without a word");
    let message = message
        .chars()
        .filter(|c| !c.is_control())
        .take(300)
        .collect();
    AdapterError::Refused(received.status.as_u16(), message)
}
