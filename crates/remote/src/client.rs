//! [`Egress`]: sends one request and reads its answer, within bounds.
//!
//! Invariant: each hop is judged by itself; what was meant for one host is never sent to another.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, COOKIE, HeaderMap, LOCATION, PROXY_AUTHORIZATION};
use http::{Method, StatusCode};
use tokio::io::AsyncWriteExt;
use url::{Host, Url};

use crate::error::told;
use crate::resolver::Guarded;
use crate::{Allowed, EgressError};

/// Time a connection may take to stand.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest address, bytes.
const LONGEST: usize = 2048;

/// How the client is set up.
#[derive(Clone, Debug, Default)]
pub struct EgressOptions {
    /// What may be called beyond public addresses.
    pub allowed: Allowed,
    /// A proxy that all calls go through, `http://host:port`. It is trusted to be as careful with
    /// names as this client is.
    pub proxy: Option<String>,
    /// Hosts that are called without the proxy, separated by commas.
    pub no_proxy: Option<String>,
    /// Certificates of authorities that are believed beside the system's, PEM.
    pub authorities: Vec<u8>,
}

/// The client. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Egress {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    verifying: reqwest::Client,
    trusting: reqwest::Client,
    guarded: Guarded,
    /// Certificates of authorities, PEM.
    authorities: Vec<u8>,
}

/// A request to be sent.
#[derive(Clone, Debug)]
pub struct Sending {
    /// The method.
    pub method: Method,
    /// The address.
    pub address: String,
    /// The headers. Those marked sensitive, and credentials, do not follow a redirect to another
    /// host.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Time for everything, redirects included.
    pub time_out: Duration,
    /// Largest answer that is read, bytes.
    pub most: usize,
    /// Most redirects that are followed.
    pub redirects: usize,
    /// Whether the certificate of the other side is not looked at.
    pub skip_verify: bool,
}

impl Sending {
    /// A request with the usual bounds: 10 s, 1 MiB, three redirects.
    pub fn new(method: Method, address: impl Into<String>) -> Self {
        Self {
            method,
            address: address.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            time_out: Duration::from_secs(10),
            most: 1024 * 1024,
            redirects: 3,
            skip_verify: false,
        }
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// Where it came from, after redirects.
    pub address: Url,
}

impl Egress {
    /// Sets the client up.
    pub fn new(options: EgressOptions) -> Result<Self, EgressError> {
        let setup = |error: reqwest::Error| EgressError::Setup(told(&error));
        let proxy = options.proxy.as_deref().map(read_proxy).transpose()?;
        let guarded = Guarded {
            allowed: Arc::new(options.allowed),
            proxy: proxy
                .as_ref()
                .and_then(|url| url.host_str())
                .map(str::to_owned),
        };
        let authorities =
            reqwest::Certificate::from_pem_bundle(&options.authorities).map_err(setup)?;
        let builder = || {
            let mut builder = reqwest::Client::builder()
                .user_agent(concat!("berth/", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(CONNECT)
                .pool_max_idle_per_host(4)
                .dns_resolver(guarded.clone())
                .no_proxy();
            if let Some(url) = &proxy {
                let exceptions = options.no_proxy.as_deref().unwrap_or_default();
                let through = reqwest::Proxy::all(url.clone()).map_err(setup)?;
                builder =
                    builder.proxy(through.no_proxy(reqwest::NoProxy::from_string(exceptions)));
            }
            Ok::<_, EgressError>(builder)
        };
        let verifying = builder()?.tls_certs_merge(authorities.clone()).build();
        let verifying = match verifying {
            Ok(client) => client,
            Err(error) => {
                // An image without any certificates still calls what its operator configured.
                tracing::warn!(
                    error = told(&error),
                    "the system has no usable certificates"
                );
                let own = builder()?.tls_certs_only(authorities);
                own.build().map_err(setup)?
            }
        };
        let trusting = builder()?.tls_danger_accept_invalid_certs(true);
        Ok(Self {
            inner: Arc::new(Inner {
                verifying,
                trusting: trusting.build().map_err(setup)?,
                guarded,
                authorities: options.authorities,
            }),
        })
    }

    pub(crate) fn allowed(&self) -> &Allowed {
        &self.inner.guarded.allowed
    }

    pub(crate) fn authorities(&self) -> &[u8] {
        &self.inner.authorities
    }

    /// Reads an address and refuses one that can never be called.
    pub fn check(&self, address: &str) -> Result<Url, EgressError> {
        let refused = |reason| EgressError::Address {
            address: without_credentials(address),
            reason,
        };
        if address.len() > LONGEST {
            return Err(refused("it is longer than 2048 bytes"));
        }
        let url = Url::parse(address)
            .map_err(|_| refused("it is not a URL like https://example.com/path"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused("it must begin with http:// or https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused(
                "it holds a user name or a password: put them into a header instead",
            ));
        }
        let literal = match url.host() {
            None => return Err(refused("it names no host")),
            Some(Host::Domain(_)) => None,
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
        };
        match literal {
            Some(address) if !self.inner.guarded.allowed.has_address(address) => {
                Err(EgressError::Forbidden {
                    host: url.host_str().unwrap_or_default().to_owned(),
                    address,
                })
            }
            _ => Ok(url),
        }
    }

    /// As [`Self::check`], and looks the name up: for telling somebody early. A name that is not
    /// known now may be known later, and is let pass.
    pub async fn check_now(&self, address: &str) -> Result<Url, EgressError> {
        let url = self.check(address)?;
        let Some(Host::Domain(name)) = url.host() else {
            return Ok(url);
        };
        let looked = tokio::time::timeout(CONNECT, self.inner.guarded.addresses(name)).await;
        match looked {
            Ok(Err(error @ EgressError::Forbidden { .. })) => Err(error),
            _ => Ok(url),
        }
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&self, sending: Sending) -> Result<Received, EgressError> {
        let (limit, most) = (sending.time_out, sending.most);
        let received = async {
            let mut body = BytesMut::new();
            let mut answer = self.follow(sending).await?;
            while let Some(part) = answer.part(most, body.len()).await? {
                body.extend_from_slice(&part);
            }
            Ok(answer.received(body.freeze()))
        };
        tokio::time::timeout(limit, received)
            .await
            .unwrap_or(Err(EgressError::TimedOut(limit)))
    }

    /// As [`Self::send`], for answers that are too large to be held: the body of a 200 goes to
    /// `file` and is not in what is given back.
    ///
    /// # Errors
    /// As [`Self::send`], and when the file cannot be written.
    pub async fn download(
        &self,
        sending: Sending,
        file: &mut tokio::fs::File,
    ) -> Result<Received, EgressError> {
        let (limit, most) = (sending.time_out, sending.most);
        let unwritten = |error: std::io::Error| EgressError::File(error.to_string());
        let received = async {
            let mut answer = self.follow(sending).await?;
            if answer.response.status() != StatusCode::OK {
                return Ok(answer.received(Bytes::new()));
            }
            let mut length = 0;
            while let Some(part) = answer.part(most, length).await? {
                length += part.len();
                file.write_all(&part).await.map_err(unwritten)?;
            }
            file.flush().await.map_err(unwritten)?;
            Ok(answer.received(Bytes::new()))
        };
        tokio::time::timeout(limit, received)
            .await
            .unwrap_or(Err(EgressError::TimedOut(limit)))
    }

    /// Sends a request and gives the answer before its body has come: for bodies that are neither
    /// held nor written down. Its time is that of the head, and then of each part.
    pub async fn open(&self, sending: Sending) -> Result<Arriving, EgressError> {
        let (limit, most) = (sending.time_out, sending.most);
        let answer = tokio::time::timeout(limit, self.follow(sending)).await;
        let answer = answer.unwrap_or(Err(EgressError::TimedOut(limit)))?;
        Ok(Arriving {
            answer,
            limit,
            most,
            read: 0,
        })
    }

    async fn follow(&self, mut sending: Sending) -> Result<Answer, EgressError> {
        let mut url = self.check(&sending.address)?;
        let mut followed = 0;
        loop {
            let response = self.hop(&sending, url.clone()).await?;
            let keeps = match response.status().as_u16() {
                307 | 308 => true,
                301..=303 => matches!(sending.method, Method::GET | Method::HEAD),
                _ => return Ok(Answer { response, url }),
            };
            if sending.redirects == 0 || !keeps {
                return Ok(Answer { response, url });
            }
            if followed == sending.redirects {
                return Err(EgressError::Redirects(followed + 1));
            }
            followed += 1;
            let next = response
                .headers()
                .get(LOCATION)
                .and_then(|value| value.to_str().ok())
                .and_then(|text| url.join(text).ok())
                .ok_or_else(|| EgressError::Redirect("it names no address".to_owned()))?;
            if url.scheme() == "https" && next.scheme() == "http" {
                return Err(EgressError::Redirect(
                    "it leads from https to http".to_owned(),
                ));
            }
            let next = self.check(next.as_str())?;
            if next.origin() != url.origin() {
                forget_secrets(&mut sending.headers);
            }
            url = next;
        }
    }

    async fn hop(&self, sending: &Sending, url: Url) -> Result<reqwest::Response, EgressError> {
        let client = if sending.skip_verify {
            &self.inner.trusting
        } else {
            &self.inner.verifying
        };
        let request = client.request(sending.method.clone(), url);
        let request = request
            .headers(sending.headers.clone())
            .body(sending.body.clone());
        request.send().await.map_err(explain)
    }
}

/// An answer whose body is still to be read.
struct Answer {
    response: reqwest::Response,
    /// Where it came from.
    url: Url,
}

impl Answer {
    /// The next part of the body, of which `read` bytes have been read and at most `most` may be.
    async fn part(&mut self, most: usize, read: usize) -> Result<Option<Bytes>, EgressError> {
        if self.response.content_length().unwrap_or(0) > most as u64 {
            return Err(EgressError::TooLarge(most));
        }
        let part = self.response.chunk().await.map_err(explain)?;
        if part.as_ref().map_or(0, Bytes::len) > most - read {
            return Err(EgressError::TooLarge(most));
        }
        Ok(part)
    }

    fn received(self, body: Bytes) -> Received {
        Received {
            status: self.response.status(),
            headers: self.response.headers().clone(),
            body,
            address: self.url,
        }
    }
}

/// An answer whose body comes in parts.
pub struct Arriving {
    answer: Answer,
    limit: Duration,
    most: usize,
    read: usize,
}

impl Arriving {
    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.answer.response.status()
    }

    /// Its headers.
    pub fn headers(&self) -> &HeaderMap {
        self.answer.response.headers()
    }

    /// The next part of the body; nothing after the last.
    pub async fn part(&mut self) -> Result<Option<Bytes>, EgressError> {
        let part = self.answer.part(self.most, self.read);
        let part = tokio::time::timeout(self.limit, part).await;
        let part = part.unwrap_or(Err(EgressError::TimedOut(self.limit)))?;
        self.read += part.as_ref().map_or(0, Bytes::len);
        Ok(part)
    }
}

fn read_proxy(text: &str) -> Result<Url, EgressError> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| {
            EgressError::Setup(
                "egress.proxy must be a URL like http://proxy.example.com:3128".into(),
            )
        })
}

/// The resolver's refusal where there was one, else what went wrong in words.
fn explain(error: reqwest::Error) -> EgressError {
    let error = error.without_url();
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(inner) = cause {
        match inner.downcast_ref::<EgressError>() {
            Some(EgressError::Forbidden { host, address }) => {
                return EgressError::Forbidden {
                    host: host.clone(),
                    address: *address,
                };
            }
            Some(EgressError::Unresolved(host, reason)) => {
                return EgressError::Unresolved(host.clone(), reason.clone());
            }
            _ => cause = inner.source(),
        }
    }
    EgressError::Connection(told(&error))
}

fn forget_secrets(headers: &mut HeaderMap) {
    for name in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION] {
        headers.remove(name);
    }
    let secret: Vec<_> = headers
        .iter()
        .filter(|(_, value)| value.is_sensitive())
        .map(|(name, _)| name.clone())
        .collect();
    for name in secret {
        headers.remove(name);
    }
}

/// An address as it may be shown: cut, and without what stands before an `@`.
fn without_credentials(address: &str) -> String {
    let shown: String = address.chars().take(200).collect();
    match shown.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => shown,
    }
}
