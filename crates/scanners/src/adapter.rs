//! [`Adapter`]: one external scanner, spoken to by the pluggable scanner API, versions 1.0 and 1.1.
//!
//! Invariant: every call has an end, every answer a bound, and an answer that is not what the API
//! says is an error with a sentence.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use berth_model::Secret;
use berth_remote::{Egress, EgressError, Received, Sending};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::Metadata;
use crate::report::{Report, ReportProblem};

/// The report of vulnerabilities that every scanner of today writes.
pub const VULNERABILITY_REPORT: &str = "application/vnd.security.vulnerability.report; version=1.1";
/// The report of what an image holds.
pub const SBOM_REPORT: &str = "application/vnd.security.sbom.report+json; version=1.0";

/// The one that the first version of the API knew.
pub(crate) const OLD_REPORT: &str =
    "application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0";
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

/// Where a scanner is to read an image.
#[derive(Clone, Debug)]
pub struct ScanRegistry {
    /// The registry's address.
    pub url: String,
    /// A header that lets it read this image, and nothing else.
    pub authorization: Secret<String>,
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
    /// The report that is wanted; see [`Metadata::report_of`].
    pub report: &'static str,
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
            return Err(self.refused(&received, ""));
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
            "registry": {
                "url": wanted.registry.url,
                "authorization": wanted.registry.authorization.expose(),
            },
            "artifact": wanted.artifact,
            "enabled_capabilities": [{
                "type": "vulnerability",
                "produces_mime_types": [wanted.report],
            }],
        });
        sending.body = body.to_string().into();
        let received = self.egress.send(sending).await?;
        if received.status != StatusCode::ACCEPTED {
            let given = wanted.registry.authorization.expose();
            return Err(self.refused(&received, given));
        }
        let answer: Value = serde_json::from_slice(&received.body)
            .map_err(|error| AdapterError::Answer(format!("scan: {error}")))?;
        match answer["id"].as_str() {
            Some(id) if !id.is_empty() && id.len() <= ID => Ok(id.to_owned()),
            _ => Err(AdapterError::Answer("it gave the scan no usable id".into())),
        }
    }

    /// Asks once for the report of a scan.
    pub async fn poll(&self, id: &str, wanted: &ScanRequest) -> Result<Polled, AdapterError> {
        let id = utf8_percent_encode(id, NON_ALPHANUMERIC);
        let path = format!("/scan/{id}/report");
        let mut sending = self.sending(Method::GET, &path, wanted.report)?;
        sending.most = REPORT_BYTES;
        sending.time_out = FETCH;
        let received = self.egress.send(sending).await?;
        match received.status {
            StatusCode::OK => {
                check_type(&received.headers)?;
                let report = Report::read(&received.body, &wanted.artifact.digest)?;
                Ok(Polled::Ready(Box::new(report)))
            }
            StatusCode::FOUND => Ok(Polled::NotYet(pause(&received.headers))),
            _ => Err(self.refused(&received, wanted.registry.authorization.expose())),
        }
    }

    /// Scans, and waits for the report; no longer than `limit`. What the scanner answers is told to
    /// `say`, without the credentials of either side, whatever the scanner makes of them.
    pub async fn scan(
        &self,
        wanted: &ScanRequest,
        limit: Duration,
        stop: &CancellationToken,
        say: &(dyn Fn(String) + Send + Sync),
    ) -> Result<Report, AdapterError> {
        let given = wanted.registry.authorization.expose();
        let say = |text: String| say(self.without_secrets(text, given));
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(AdapterError::Stopped),
            () = tokio::time::sleep(limit) => Err(AdapterError::TimedOut(limit)),
            report = self.scan_on(wanted, &say) => report,
        }
    }

    async fn scan_on(
        &self,
        wanted: &ScanRequest,
        say: &(dyn Fn(String) + Send + Sync),
    ) -> Result<Report, AdapterError> {
        let id = self.request(wanted).await?;
        say(format!("it took the scan as {}", shown(&id, 100)));
        let (mut faults, mut told) = (0, None);
        loop {
            match self.poll(&id, wanted).await {
                Ok(Polled::Ready(report)) => return Ok(*report),
                Ok(Polled::NotYet(pause)) => {
                    faults = 0;
                    // Once, and again when it changes its mind: there may be thousands.
                    if told.replace(pause) != Some(pause) {
                        let seconds = pause.as_secs();
                        say(format!(
                            "it is not done: it is asked again every {seconds} s"
                        ));
                    }
                    tokio::time::sleep(pause).await;
                }
                Err(error) if error.passes() && faults < FAULTS => {
                    faults += 1;
                    say(format!("{error}; it is asked again"));
                    tokio::time::sleep(SHORTEST).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// An answer that is none of success, in the scanner's own words where it has some.
    fn refused(&self, received: &Received, given: &str) -> AdapterError {
        let told: Option<Value> = serde_json::from_slice(&received.body).ok();
        let message = told
            .as_ref()
            .and_then(|told| told["error"]["message"].as_str())
            .unwrap_or("without a word");
        // Cut afterwards: half a secret would not be recognised.
        let message = self.without_secrets(message.to_owned(), given);
        AdapterError::Refused(received.status.as_u16(), shown(&message, 300))
    }

    /// What a scanner said, without its own credential and without the header that it was given:
    /// it may say them back.
    pub fn without_secrets(&self, mut text: String, given: &str) -> String {
        let own = self.headers.values().filter_map(|it| it.to_str().ok());
        for secret in own.chain([given]) {
            let bare = secret.split_once(' ').map_or(secret, |(_, bare)| bare);
            let decoded = STANDARD.decode(bare).ok();
            let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
            let password = decoded.as_deref().and_then(|it| it.split_once(':'));
            let parts = [Some(bare), password.map(|(_, password)| password)];
            for part in parts.into_iter().flatten().filter(|it| !it.is_empty()) {
                text = text.replace(part, "***");
            }
        }
        text
    }
}

/// What a stranger says, fit for a line of a log.
fn shown(text: &str, most: usize) -> String {
    let plain = text.chars().filter(|c| !c.is_control());
    plain.take(most).collect()
}

/// Refuses an answer that says of itself that it is no report of vulnerabilities.
fn check_type(headers: &HeaderMap) -> Result<(), AdapterError> {
    let Some(told) = headers.get(CONTENT_TYPE) else {
        return Ok(());
    };
    let told = told.to_str().unwrap_or_default();
    let essence = |kind: &str| {
        let essence = kind.split(';').next().unwrap_or_default();
        essence.trim().to_ascii_lowercase()
    };
    // Some write only that it is JSON.
    let known = [VULNERABILITY_REPORT, OLD_REPORT, "application/json"];
    if known.iter().any(|kind| essence(kind) == essence(told)) {
        return Ok(());
    }
    let told = shown(told, 100);
    Err(AdapterError::Answer(format!(
        "its report is {told:?} and not {VULNERABILITY_REPORT:?}"
    )))
}

fn pause(headers: &HeaderMap) -> Duration {
    headers
        .get(REFRESH_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map_or(PAUSE, Duration::from_secs)
        .clamp(SHORTEST, LONGEST)
}
