//! `/v2` and `/service/token` over HTTP: who is asking, what for, and the answer's form.

mod access;
mod answer;
mod blobs;
mod listing;
mod manifests;
mod query;
mod remains;
mod token;

use std::net::IpAddr;

use berth_http::{Body, Caller, ClientAddr, IdleTimeout, Operation, RequestId};
use berth_iam::Actor;
use berth_oci::{Route, parse_route};
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response};
use hyper::body::Incoming;

use crate::uploads::RequestBody;
use crate::{Registry, RegistryError};
use query::Query;
use remains::Remains;

/// A request under `/v2`, with its caller known.
pub(crate) struct Call {
    pub(crate) parts: Parts,
    pub(crate) query: Query,
    pub(crate) actor: Actor,
    pub(crate) address: IpAddr,
}

/// What is known of a request for its access line and the counters, however it ends.
#[derive(Default)]
struct Known {
    caller: Option<Caller>,
    operation: Option<Operation>,
}

impl Call {
    fn is_head(&self) -> bool {
        self.parts.method == Method::HEAD
    }

    fn header(&self, name: http::HeaderName) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }
}

impl Registry {
    /// Answers a request under `/v2`.
    pub async fn handle_v2(&self, request: Request<Incoming>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let request_id = request_id(&parts);
        let base = self.base_url(&parts);
        let mut known = Known::default();
        let answered = self.dispatch(parts, Remains::of(body), &mut known).await;
        let mut response =
            answered.unwrap_or_else(|error| answer::error(&error, &request_id, &base));
        if let Some(caller) = known.caller {
            response.extensions_mut().insert(caller);
        }
        if let Some(operation) = known.operation {
            response.extensions_mut().insert(operation);
        }
        response
    }

    async fn dispatch(
        &self,
        parts: Parts,
        body: Remains,
        known: &mut Known,
    ) -> Result<Response<Body>, RegistryError> {
        let address = client(&parts);
        let authorization = parts.headers.get(http::header::AUTHORIZATION);
        let actor = self.inner.iam.authenticate(authorization, address).await?;
        if matches!(actor, Actor::Anonymous) && authorization.is_none() {
            // Before anything else, so that a client learns where to log in whatever it asks.
            return Err(access::challenge(&parts));
        }
        known.caller = Some(Caller(actor.name().into()));
        let route = parse_route(parts.method.as_str(), parts.uri.path())?;
        known.operation = Some(Operation(operation(&route)));
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        let call = Call {
            parts,
            query,
            actor,
            address,
        };
        if !matches!(call.parts.method, Method::GET | Method::HEAD)
            && self.inner.catalog.settings().read_only
        {
            return Err(RegistryError::Denied(
                "the system is in read-only mode: nothing can be pushed or deleted now".to_owned(),
            ));
        }
        self.serve(call, route, body).await
    }

    async fn serve(
        &self,
        call: Call,
        route: Route,
        body: Remains,
    ) -> Result<Response<Body>, RegistryError> {
        match (route, call.parts.method.clone()) {
            (Route::Manifest { name, reference }, Method::GET | Method::HEAD) => {
                self.get_manifest(&call, &name, &reference).await
            }
            (Route::Blob { name, digest }, Method::GET | Method::HEAD) => {
                self.get_blob(&call, &name, &digest).await
            }
            // Pulls are most of the traffic; the rest is boxed, so that they do not carry its size.
            (route, method) => Box::pin(self.serve_other(call, route, method, body)).await,
        }
    }

    async fn serve_other(
        &self,
        call: Call,
        route: Route,
        method: Method,
        body: Remains,
    ) -> Result<Response<Body>, RegistryError> {
        let read = matches!(method, Method::GET | Method::HEAD);
        let allowed = methods(&route);
        match (route, method) {
            (Route::Base, _) if read => Ok(answer::base()),
            (Route::Extensions, _) if read => {
                Ok(answer::json(&serde_json::json!({"extensions": []})))
            }
            (Route::Catalog, _) if read => self.get_catalog(&call).await,
            (Route::TagsList { name }, _) if read => self.get_tags(&call, &name).await,
            (Route::Referrers { name, digest }, _) if read => {
                self.get_referrers(&call, &name, &digest).await
            }
            (Route::Manifest { name, reference }, Method::PUT) => {
                self.put_manifest(&call, &name, reference, incoming(body))
                    .await
            }
            (Route::Manifest { name, reference }, Method::DELETE) => {
                self.remove_manifest(&call, &name, &reference).await
            }
            (Route::Blob { name, digest }, Method::DELETE) => {
                self.remove_blob(&call, &name, &digest).await
            }
            (Route::UploadStart { name }, Method::POST) => {
                self.post_upload(&call, &name, incoming(body)).await
            }
            (Route::Upload { name, id }, Method::GET) => self.get_upload(&call, &name, &id).await,
            (Route::Upload { name, id }, Method::PATCH) => {
                self.patch_upload(&call, &name, &id, incoming(body)).await
            }
            (Route::Upload { name, id }, Method::PUT) => {
                self.put_upload(&call, &name, &id, incoming(body)).await
            }
            (Route::Upload { name, id }, Method::DELETE) => {
                self.delete_upload(&call, &name, &id).await
            }
            _ => Err(RegistryError::MethodNotAllowed(allowed)),
        }
    }

    /// Scheme and host as the client sees them, for the challenge's realm.
    fn base_url(&self, parts: &Parts) -> String {
        let options = &self.inner.options;
        let named = parts.headers.get(http::header::HOST);
        let named = named.and_then(|host| host.to_str().ok());
        if let Some(url) = &options.internal_url
            && named.is_some_and(|host| url.split_once("://").is_some_and(|(_, at)| at == host))
        {
            return url.clone();
        }
        if let Some(url) = &options.external_url {
            return url.trim_end_matches('/').to_owned();
        }
        let https = parts
            .extensions
            .get::<ClientAddr>()
            .is_some_and(|client| client.https);
        let host = named
            .or_else(|| parts.uri.authority().map(http::uri::Authority::as_str))
            .filter(|host| !host.contains(['"', '\\', ' ', '/']))
            .unwrap_or("localhost");
        format!("{}://{host}", if https { "https" } else { "http" })
    }
}

fn incoming(body: Remains) -> RequestBody {
    Box::pin(IdleTimeout::<Remains>::new(body))
}

fn request_id(parts: &Parts) -> RequestId {
    parts
        .extensions
        .get::<RequestId>()
        .cloned()
        .unwrap_or_else(RequestId::random)
}

fn client(parts: &Parts) -> IpAddr {
    parts
        .extensions
        .get::<ClientAddr>()
        .map_or(IpAddr::from([127, 0, 0, 1]), |client| client.ip)
}

/// What a route can be asked, for `Allow` (RFC 9110 §15.5.6).
const fn methods(route: &Route) -> &'static str {
    match route {
        Route::Base
        | Route::Extensions
        | Route::Catalog
        | Route::TagsList { .. }
        | Route::Referrers { .. } => "GET, HEAD",
        Route::Manifest { .. } => "GET, HEAD, PUT, DELETE",
        Route::Blob { .. } => "GET, HEAD, DELETE",
        Route::UploadStart { .. } => "POST",
        Route::Upload { .. } => "GET, PATCH, PUT, DELETE",
    }
}

const fn operation(route: &Route) -> &'static str {
    match route {
        Route::Base => "v2_base",
        Route::Catalog => "v2_catalog",
        Route::TagsList { .. } => "v2_tags",
        Route::Manifest { .. } => "v2_manifest",
        Route::Blob { .. } => "v2_blob",
        Route::UploadStart { .. } => "v2_upload_start",
        Route::Upload { .. } => "v2_upload",
        Route::Referrers { .. } => "v2_referrers",
        Route::Extensions => "v2_extensions",
    }
}

pub(crate) async fn read_manifest_body(body: RequestBody) -> Result<Bytes, RegistryError> {
    use berth_http::BodyError;
    match berth_http::read_body(body, berth_model::Limits::MANIFEST_BYTES).await {
        Ok(bytes) => Ok(bytes),
        Err(BodyError::TooLarge(_)) => {
            Err(RegistryError::Manifest(berth_oci::ManifestError::TooLarge))
        }
        Err(BodyError::Idle(_)) => Err(RegistryError::Idle),
        Err(_) => Err(RegistryError::Broken),
    }
}
