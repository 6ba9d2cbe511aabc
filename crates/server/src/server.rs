//! Listening, handing requests on, and ending in good order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use berth_config::Settings;
use berth_http::{Body, ServeOptions, Tls, TlsError, TrustedProxies, bind, observe, serve};
use berth_registry::Registry;
use berth_telemetry::Metrics;
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::Parts;
use crate::background;
use crate::descriptors;
use crate::enforce::Gate;
use crate::router;

/// Why the server could not begin to serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] io::Error),
    /// The certificate or its key cannot be used.
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
}

/// A server that listens and has not begun to answer.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    metrics_listener: Option<TcpListener>,
    tls: Option<Arc<Tls>>,
    address: SocketAddr,
}

impl Server {
    /// Takes the configured addresses.
    pub fn listen(settings: &Settings) -> Result<Self, ServeError> {
        let open = |address| bind(address).map_err(|error| ServeError::Listen(address, error));
        let listener = open(settings.http.listen)?;
        let address = listener
            .local_addr()
            .map_err(|error| ServeError::Listen(settings.http.listen, error))?;
        let metrics_listener = settings.http.metrics_listen.map(open).transpose()?;
        let tls = match (&settings.http.tls_cert, &settings.http.tls_key) {
            (Some(cert), Some(key)) => Some(Tls::load(cert, key)?),
            _ => None,
        };
        Ok(Self {
            listener,
            metrics_listener,
            tls,
            address,
        })
    }

    /// Where clients reach it, for people.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Serves until `shutdown`, then drains and closes everything. `was_alone`: no other process
    /// worked on the data folder when this one began.
    pub async fn run(
        self,
        parts: Parts,
        settings: &Settings,
        metrics: Arc<Metrics>,
        was_alone: bool,
        shutdown: CancellationToken,
    ) {
        let background_tasks = TaskTracker::new();
        let role = settings.jobs.role;
        background::count_collections(&parts, metrics.clone());
        if role.works() && settings.gc.enabled {
            let interval = Duration::from_secs(settings.gc.interval_seconds);
            let stop = shutdown.clone();
            let work = background::collect(parts.clone(), interval, was_alone, stop);
            background_tasks.spawn(work);
        }
        let stop = shutdown.clone();
        background_tasks.spawn(background::count(parts.clone(), metrics.clone(), stop));
        if role.works() {
            let (scanning, stop) = (parts.scanning.clone(), shutdown.clone());
            background_tasks.spawn(background::match_again(scanning, stop));
        }
        let (notify, stop) = (parts.notify.clone(), shutdown.clone());
        background_tasks.spawn(async move { notify.dispatch(stop).await });
        let (notify, stop) = (parts.notify.clone(), shutdown.clone());
        background_tasks.spawn(async move { notify.forward_audit(stop).await });
        if role.works() && settings.jobs.workers > 0 {
            let (jobs, stop) = (parts.jobs.clone(), shutdown.clone());
            background_tasks.spawn(async move { jobs.work(stop).await });
        }
        if let Some(tls) = self.tls.clone() {
            background_tasks.spawn(tls.watch(Tls::POLL, shutdown.clone()));
        }
        if let Some(listener) = self.metrics_listener {
            let router = Router::new().route(
                "/metrics",
                axum::routing::get(router::metrics_text).with_state(metrics.clone()),
            );
            let service = move |request: Request<Incoming>| through(router.clone(), request);
            let stop = shutdown.clone();
            background_tasks.spawn(async move {
                serve(listener, ServeOptions::default(), service, stop).await;
            });
        }
        let gate = Gate {
            iam: parts.iam.clone(),
            catalog: parts.catalog.clone(),
        };
        let endpoints = if role.serves() {
            router::endpoints(&parts, settings, &metrics)
        } else {
            router::endpoints_of_workers(&parts, &metrics)
        };
        let api = router::build(endpoints, &gate);
        let registry = role.serves().then(|| parts.registry.clone());
        let service =
            move |request: Request<Incoming>| answer(registry.clone(), api.clone(), request);
        let proxies = TrustedProxies::new(settings.http.trusted_proxies.iter().copied());
        let observed = observe(service, proxies, metrics);
        let options = ServeOptions {
            tls: self.tls,
            drain: Duration::from_secs(settings.http.drain_seconds),
            connections: descriptors::for_connections(),
            ..ServeOptions::default()
        };
        let cut = serve(self.listener, options, observed, shutdown).await;
        if cut > 0 {
            tracing::warn!(cut, "connections were still busy at the end and were cut");
        }
        background_tasks.close();
        background_tasks.wait().await;
        parts.close().await;
    }
}

/// Hands a request to the service its path belongs to. The registry's come first and skip the
/// router: they are most of the traffic.
async fn answer(
    registry: Option<Registry>,
    api: Router,
    request: Request<Incoming>,
) -> Response<Body> {
    let path = request.uri().path();
    if let Some(registry) = registry {
        if path == "/v2" || path.starts_with("/v2/") {
            return registry.handle_v2(request).await;
        }
        if path == "/service/token" {
            return Box::pin(registry.handle_token(request)).await;
        }
    }
    Box::pin(through(api, request)).await
}

async fn through(router: Router, request: Request<Incoming>) -> Response<Body> {
    match router.oneshot(request).await {
        Ok(response) => response.map(Body::from),
        Err(never) => match never {},
    }
}
