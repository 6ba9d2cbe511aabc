//! Connections to a log server, which speaks no HTTP.
//!
//! Invariant: they end at public addresses, in private networks (where log servers are), and where
//! the configuration allows it; never at this machine, its link, or the addresses at which clouds
//! serve a machine's own secrets, unless the configuration names them.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UdpSocket};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};

use crate::address::is_private;
use crate::{Egress, EgressError};

/// Time for the name, the connection and the handshake together.
const TIME: Duration = Duration::from_secs(10);

/// A connection, with or without TLS.
pub trait LogStream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> LogStream for T {}

impl Egress {
    /// Connects to a log server; with `tls`, its certificate must be that of `host`.
    pub async fn connect_log(
        &self,
        host: &str,
        port: u16,
        tls: bool,
    ) -> Result<Box<dyn LogStream>, EgressError> {
        let connected = tokio::time::timeout(TIME, self.connect(host, port, tls)).await;
        connected.unwrap_or(Err(EgressError::TimedOut(TIME)))
    }

    async fn connect(
        &self,
        host: &str,
        port: u16,
        tls: bool,
    ) -> Result<Box<dyn LogStream>, EgressError> {
        let failed = |error: std::io::Error| EgressError::Connection(error.to_string());
        let addresses = self.log_addresses(host, port).await?;
        let stream = TcpStream::connect(addresses.as_slice())
            .await
            .map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        if !tls {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| EgressError::Connection(error.to_string()))?;
        let connector = self.connector()?;
        let stream = connector.connect(name, stream).await.map_err(failed)?;
        Ok(Box::new(stream))
    }

    /// A socket whose datagrams go to a log server.
    pub async fn datagrams(&self, host: &str, port: u16) -> Result<UdpSocket, EgressError> {
        let failed = |error: std::io::Error| EgressError::Connection(error.to_string());
        let looked = tokio::time::timeout(TIME, self.log_addresses(host, port)).await;
        let addresses = looked.unwrap_or(Err(EgressError::TimedOut(TIME)))?;
        let own: SocketAddr = if addresses.first().is_some_and(SocketAddr::is_ipv6) {
            ([0_u16; 8], 0).into()
        } else {
            ([0_u8; 4], 0).into()
        };
        let socket = UdpSocket::bind(own).await.map_err(failed)?;
        socket.connect(addresses.as_slice()).await.map_err(failed)?;
        Ok(socket)
    }

    async fn log_addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, EgressError> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let found = tokio::net::lookup_host((bare, port))
            .await
            .map_err(|error| EgressError::Unresolved(host.to_owned(), error.to_string()))?;
        let found: Vec<SocketAddr> = found.collect();
        let allowed = self.allowed();
        let may = |address: IpAddr| {
            allowed.has_host(bare) || allowed.has_address(address) || is_private(address)
        };
        let kept: Vec<SocketAddr> = found
            .iter()
            .copied()
            .filter(|found| may(found.ip()))
            .collect();
        match (kept.is_empty(), found.first()) {
            (false, _) => Ok(kept),
            (true, Some(first)) => Err(EgressError::Forbidden {
                host: host.to_owned(),
                address: first.ip(),
            }),
            (true, None) => Err(EgressError::Unresolved(
                host.to_owned(),
                "it has no address".to_owned(),
            )),
        }
    }

    fn connector(&self) -> Result<TlsConnector, EgressError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        for certificate in CertificateDer::pem_slice_iter(self.authorities()) {
            let certificate = certificate.map_err(|error| EgressError::Setup(error.to_string()))?;
            roots.add_parsable_certificates([certificate]);
        }
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| EgressError::Setup(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(config)))
    }
}
