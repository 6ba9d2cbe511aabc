//! [`RemoteRepository`]: pulls from a repository of another registry.
//!
//! Source: OCI distribution 1.1, "Pull"; Docker's token authentication ("Token Authentication
//! Specification" and "Oauth2").
//!
//! Invariant: a manifest has the digest by which it was asked for, and credentials go to the
//! registry and to the token server that it names, never from TLS to none.

mod challenge;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use berth_model::{Code, Coded, Secret};
use berth_oci::{Algorithm, Digest, Reference, media_type};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use url::Url;

use self::challenge::Challenge;
use crate::{Arriving, Egress, EgressError, Sending};

/// Time for a manifest or a token, and for each part of a blob.
const SHORT: Duration = Duration::from_secs(30);
/// Largest manifest.
const MANIFEST: usize = 4 * 1024 * 1024;
/// Manifests that are read.
const ACCEPTED: [&str; 4] = [
    media_type::OCI_MANIFEST,
    media_type::OCI_INDEX,
    media_type::DOCKER_SCHEMA2,
    media_type::DOCKER_LIST,
];
/// The name under which refresh tokens are used.
const CLIENT: &str = "berth";

/// How somebody shows who they are.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// By name and password.
    Password {
        /// The name.
        user: String,
        /// The password, or a token in its place.
        password: Secret<String>,
    },
    /// By a token that the token server takes for one to pull with.
    IdentityToken(Secret<String>),
}

/// Why something could not be pulled.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The call failed.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// Nobody may pull it without showing who they are.
    #[error("{host} wants a login")]
    Login {
        /// The registry.
        host: String,
    },
    /// These credentials do not do.
    #[error("{host} refuses the login of {user}: {said}")]
    Refused {
        /// The registry or its token server.
        host: String,
        /// Whose they are.
        user: String,
        /// What it said.
        said: String,
    },
    /// It is not there, or is not to be seen.
    #[error("{host} has no {what}, or does not show it to {user}")]
    Missing {
        /// The registry.
        host: String,
        /// What was asked for.
        what: String,
        /// Who asked.
        user: String,
    },
    /// Another answer than what was asked for.
    #[error("{address} answered {status}{said}")]
    Status {
        /// What was called.
        address: String,
        /// The status.
        status: StatusCode,
        /// What it said, behind a colon.
        said: String,
    },
    /// An answer that is none.
    #[error("{host}: {what}")]
    Unclear {
        /// Who answered.
        host: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// What came is not what was asked for.
    #[error("{host} sent a manifest that is not {wanted}")]
    Digest {
        /// The registry.
        host: String,
        /// What was asked for.
        wanted: Digest,
    },
}

impl Coded for PullError {
    fn code(&self) -> Code {
        match self {
            Self::Egress(error) => error.code(),
            _ => Code::BadRequest,
        }
    }
}

/// A manifest as it came.
#[derive(Clone, Debug)]
pub struct RemoteManifest {
    /// Its digest: the one asked for, else its sha256.
    pub digest: Digest,
    /// What it is said to be; empty if nothing is said.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Bytes,
}

/// A repository of another registry.
#[derive(Debug)]
pub struct RemoteRepository {
    egress: Egress,
    /// `https://host:port`.
    base: String,
    name: String,
    credentials: Option<Credentials>,
    /// What the registry wanted to see last.
    authorization: Option<HeaderValue>,
}

impl RemoteRepository {
    /// The repository `name` of the registry at `base`, like `https://registry.example.com`.
    pub fn new(egress: Egress, base: &str, name: &str, credentials: Option<Credentials>) -> Self {
        Self {
            egress,
            base: base.trim_end_matches('/').to_owned(),
            name: name.to_owned(),
            credentials,
            authorization: None,
        }
    }

    fn host(&self) -> String {
        let (_, host) = self.base.split_once("://").unwrap_or(("", &self.base));
        host.to_owned()
    }

    fn user(&self) -> String {
        match &self.credentials {
            Some(Credentials::Password { user, .. }) => user.clone(),
            Some(Credentials::IdentityToken(_)) => "the owner of the token".to_owned(),
            None => "everybody".to_owned(),
        }
    }

    fn unclear(&self, what: &'static str) -> PullError {
        PullError::Unclear {
            host: self.host(),
            what,
        }
    }

    /// A manifest, by tag or digest.
    pub async fn manifest(&mut self, reference: &Reference) -> Result<RemoteManifest, PullError> {
        let wanted = reference.as_str();
        let address = format!("{}/v2/{}/manifests/{wanted}", self.base, self.name);
        let mut sending = Sending::new(Method::GET, address);
        sending.time_out = SHORT;
        sending.most = MANIFEST;
        let accepted = HeaderValue::from_str(&ACCEPTED.join(", "));
        let accepted = accepted.map_err(|_| self.unclear("no manifest can be asked for"))?;
        sending.headers.insert(header::ACCEPT, accepted);
        let mut received = self.egress.send(self.allowed(&sending)).await?;
        if received.status == StatusCode::UNAUTHORIZED {
            self.log_in(&received.headers).await?;
            received = self.egress.send(self.allowed(&sending)).await?;
        }
        self.check(received.status, &sending.address, wanted, &received.body)?;
        let algorithm = reference.digest().map(Digest::algorithm);
        let digest = Digest::of(algorithm.unwrap_or(Algorithm::Sha256), &received.body);
        if let Reference::Digest(wanted) = reference
            && *wanted != digest
        {
            return Err(PullError::Digest {
                host: self.host(),
                wanted: wanted.clone(),
            });
        }
        let media_type = received.headers.get(header::CONTENT_TYPE);
        let media_type = media_type.and_then(|value| value.to_str().ok());
        Ok(RemoteManifest {
            digest,
            media_type: media_type.unwrap_or_default().to_owned(),
            bytes: received.body,
        })
    }

    /// A blob of at most `size` bytes, as it comes. Its digest is the caller's to compare.
    pub async fn blob(&mut self, digest: &Digest, size: u64) -> Result<Arriving, PullError> {
        let address = format!("{}/v2/{}/blobs/{digest}", self.base, self.name);
        let mut sending = Sending::new(Method::GET, address);
        sending.time_out = SHORT;
        sending.most = usize::try_from(size).unwrap_or(usize::MAX);
        sending.redirects = 5;
        let mut arriving = self.egress.open(self.allowed(&sending)).await?;
        // Also when a token is over that did before.
        if arriving.status() == StatusCode::UNAUTHORIZED {
            self.log_in(&arriving.headers().clone()).await?;
            arriving = self.egress.open(self.allowed(&sending)).await?;
        }
        self.check(arriving.status(), &sending.address, digest.as_str(), b"")?;
        Ok(arriving)
    }

    fn check(
        &self,
        status: StatusCode,
        address: &str,
        wanted: &str,
        body: &[u8],
    ) -> Result<(), PullError> {
        match status {
            StatusCode::OK => Ok(()),
            StatusCode::UNAUTHORIZED if self.credentials.is_none() => {
                Err(PullError::Login { host: self.host() })
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
                Err(PullError::Missing {
                    host: self.host(),
                    what: format!("{} {wanted}", self.name),
                    user: self.user(),
                })
            }
            status => Err(PullError::Status {
                address: address.to_owned(),
                status,
                said: said(body),
            }),
        }
    }

    fn allowed(&self, sending: &Sending) -> Sending {
        let mut sending = sending.clone();
        if let Some(value) = &self.authorization {
            sending.headers.insert(header::AUTHORIZATION, value.clone());
        }
        sending
    }

    /// Shows what the registry wants to see.
    async fn log_in(&mut self, refused: &HeaderMap) -> Result<(), PullError> {
        let challenges = refused.get_all(header::WWW_AUTHENTICATE).iter();
        let challenges: Vec<Challenge> = challenges
            .filter_map(|value| value.to_str().ok())
            .filter_map(Challenge::parse)
            .collect();
        let of = |scheme: &str| challenges.iter().find(|it| it.scheme == scheme);
        let value = if let Some(bearer) = of("bearer") {
            let token = self.token(bearer).await?;
            format!("Bearer {token}")
        } else if of("basic").is_some() {
            match &self.credentials {
                Some(Credentials::Password { user, password }) => basic(user, password),
                _ => return Err(PullError::Login { host: self.host() }),
            }
        } else {
            return Err(self.unclear("it does not say how to log in"));
        };
        let value = HeaderValue::from_str(&value);
        let mut value = value.map_err(|_| self.unclear("what it sent is no token"))?;
        value.set_sensitive(true);
        self.authorization = Some(value);
        Ok(())
    }

    /// A token for pulls, from where the registry says.
    async fn token(&self, challenge: &Challenge) -> Result<String, PullError> {
        let unclear = |what| self.unclear(what);
        let realm = challenge.get("realm");
        let realm = realm.ok_or_else(|| unclear("it does not say where tokens are"))?;
        let realm =
            Url::parse(realm).map_err(|_| unclear("the address of its tokens is no address"))?;
        if self.base.starts_with("https:") && realm.scheme() != "https" {
            return Err(unclear("it wants a login to be sent without TLS"));
        }
        let host = realm.host_str().unwrap_or_default().to_owned();
        let scope = match challenge.get("scope") {
            Some(scope) if !scope.is_empty() => scope.to_owned(),
            _ => format!("repository:{}:pull", self.name),
        };
        let mut asked = vec![("scope", scope.as_str())];
        asked.extend(challenge.get("service").map(|service| ("service", service)));
        let received = self.egress.send(self.asking(realm, asked)?).await?;
        match received.status {
            StatusCode::OK => {
                token_of(&received.body).ok_or_else(|| unclear("what it sent is no token"))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST
                if self.credentials.is_some() =>
            {
                let said = said(&received.body);
                let said = said.strip_prefix(": ").unwrap_or("it does not say why");
                Err(PullError::Refused {
                    host,
                    user: self.user(),
                    said: said.to_owned(),
                })
            }
            StatusCode::UNAUTHORIZED => Err(PullError::Login { host: self.host() }),
            status => Err(PullError::Status {
                address: host,
                status,
                said: said(&received.body),
            }),
        }
    }

    /// The request for a token.
    fn asking(&self, mut realm: Url, asked: Vec<(&str, &str)>) -> Result<Sending, PullError> {
        let mut sending = match &self.credentials {
            Some(Credentials::IdentityToken(token)) => {
                let mut form = asked;
                form.push(("grant_type", "refresh_token"));
                form.push(("refresh_token", token.expose()));
                form.push(("client_id", CLIENT));
                let body = serde_urlencoded::to_string(form)
                    .map_err(|_| self.unclear("no token can be asked for"))?;
                let mut sending = Sending::new(Method::POST, realm.as_str());
                let form = HeaderValue::from_static("application/x-www-form-urlencoded");
                sending.headers.insert(header::CONTENT_TYPE, form);
                sending.body = Bytes::from(body);
                // What is in a body would follow a redirect.
                sending.redirects = 0;
                sending
            }
            with_password => {
                realm.query_pairs_mut().extend_pairs(asked);
                let mut sending = Sending::new(Method::GET, realm.as_str());
                if let Some(Credentials::Password { user, password }) = with_password {
                    let value = HeaderValue::from_str(&basic(user, password));
                    let mut value = value.map_err(|_| self.unclear("no token can be asked for"))?;
                    value.set_sensitive(true);
                    sending.headers.insert(header::AUTHORIZATION, value);
                }
                sending
            }
        };
        sending.time_out = SHORT;
        Ok(sending)
    }
}

fn basic(user: &str, password: &Secret<String>) -> String {
    let both = Secret::new(format!("{user}:{}", password.expose()));
    format!("Basic {}", STANDARD.encode(both.expose()))
}

fn token_of(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Answer {
        token: Option<String>,
        access_token: Option<String>,
    }
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let token = answer.token.filter(|token| !token.is_empty());
    token.or(answer.access_token).filter(|it| !it.is_empty())
}

/// What a registry said of an error, behind a colon.
fn said(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<Said>,
    }
    #[derive(Deserialize)]
    struct Said {
        #[serde(default)]
        message: String,
    }
    let Ok(told) = serde_json::from_slice::<Errors>(body) else {
        return String::new();
    };
    let message = told.errors.into_iter().next().map(|it| it.message);
    let message = message.unwrap_or_default();
    let message: String = message
        .chars()
        .filter(|letter| !letter.is_control())
        .take(300)
        .collect();
    if message.is_empty() {
        return message;
    }
    format!(": {message}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_on_one_line() {
        let body = br#"{"errors": [{"code": "DENIED", "message": "not\n you"}]}"#;
        assert_eq!(said(body), ": not you");
        assert_eq!(said(b"<html>"), "");
        assert_eq!(said(b"{}"), "");
    }

    #[test]
    fn tokens_have_two_names() {
        assert_eq!(token_of(br#"{"token": "a"}"#).as_deref(), Some("a"));
        let both = br#"{"token": "", "access_token": "b"}"#;
        assert_eq!(token_of(both).as_deref(), Some("b"));
        assert_eq!(token_of(br#"{"token": ""}"#), None);
        assert_eq!(token_of(b"a"), None);
    }
}
