//! Names to addresses, those left out that must not be called.
//!
//! Invariant: it is asked for each new connection, so what it gives is what is connected to.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{Allowed, EgressError};

/// The resolver of the client.
#[derive(Clone, Debug)]
pub(crate) struct Guarded {
    pub(crate) allowed: Arc<Allowed>,
    /// The proxy that the operator chose, wherever it is.
    pub(crate) proxy: Option<String>,
}

impl Guarded {
    /// The addresses of a name that may be called.
    pub(crate) async fn addresses(&self, host: &str) -> Result<Vec<SocketAddr>, EgressError> {
        let unresolved = |reason: String| EgressError::Unresolved(host.to_owned(), reason);
        let found = tokio::net::lookup_host((host, 0))
            .await
            .map_err(|error| unresolved(error.to_string()))?;
        let found: Vec<SocketAddr> = found.collect();
        let Some(first) = found.first().copied() else {
            return Err(unresolved("it has no address".to_owned()));
        };
        if self.allowed.has_host(host) || self.proxy.as_deref() == Some(host) {
            return Ok(found);
        }
        let may = |found: &SocketAddr| self.allowed.has_address(found.ip());
        let kept: Vec<SocketAddr> = found.into_iter().filter(may).collect();
        if kept.is_empty() {
            return Err(EgressError::Forbidden {
                host: host.to_owned(),
                address: first.ip(),
            });
        }
        Ok(kept)
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let guarded = self.clone();
        Box::pin(async move {
            let found = guarded.addresses(name.as_str()).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
