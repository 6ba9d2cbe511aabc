//! Certificates that are replaced on disk take effect without a restart.
//!
//! Invariant: there is always a working certificate; one that cannot be used is logged and the
//! one before it stays.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use berth_model::Secret;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_util::sync::CancellationToken;

/// Largest certificate or key file that is read, bytes.
const FILE_BYTES: u64 = 1024 * 1024;
/// Longest certificate chain.
const CHAIN: usize = 32;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{} holds no usable {what} in PEM form", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
    },
    /// Certificate and key do not work together.
    #[error("certificate {} cannot be used with its key: {source}", path.display())]
    Rejected {
        /// The certificate file.
        path: PathBuf,
        /// What the TLS library said.
        source: rustls::Error,
    },
}

/// The server's certificate and key, as they are on disk now.
#[derive(Debug)]
pub struct Tls {
    cert: PathBuf,
    key: PathBuf,
    config: ArcSwap<ServerConfig>,
    seen: Mutex<Stamp>,
}

/// What tells two versions of the files apart.
type Stamp = [Option<(i64, i64, u64, u64)>; 2];

impl Tls {
    /// How often the files are looked at by [`Tls::watch`].
    pub const POLL: Duration = Duration::from_secs(5);

    /// Reads certificate chain and key from PEM files.
    pub fn load(cert: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Arc<Self>, TlsError> {
        let (cert, key) = (cert.into(), key.into());
        // Stamped before reading: a change while reading is seen as one later.
        let seen = stamp(&cert, &key);
        let config = read_config(&cert, &key)?;
        Ok(Arc::new(Self {
            config: ArcSwap::from_pointee(config),
            seen: Mutex::new(seen),
            cert,
            key,
        }))
    }

    /// What new connections are to use.
    pub fn config(&self) -> Arc<ServerConfig> {
        self.config.load_full()
    }

    /// Reads the files again, whether they changed or not.
    pub fn reload(&self) -> Result<(), TlsError> {
        let now = stamp(&self.cert, &self.key);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = now;
        self.config
            .store(Arc::new(read_config(&self.cert, &self.key)?));
        Ok(())
    }

    /// Reloads the files whenever they change, looking every `period`, until `shutdown`.
    pub async fn watch(self: Arc<Self>, period: Duration, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(period) => {}
            }
            let tls = Arc::clone(&self);
            let _ = tokio::task::spawn_blocking(move || tls.reload_if_changed()).await;
        }
    }

    fn reload_if_changed(&self) {
        let before = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if stamp(&self.cert, &self.key) == before {
            return;
        }
        match self.reload() {
            Ok(()) => tracing::info!(cert = %self.cert.display(), "certificate reloaded"),
            Err(error) => tracing::error!(%error, "new certificate is not used, the old one stays"),
        }
    }
}

fn stamp(cert: &Path, key: &Path) -> Stamp {
    [cert, key].map(|path| {
        let of = |data: Metadata| (data.mtime(), data.mtime_nsec(), data.size(), data.ino());
        std::fs::metadata(path).ok().map(of)
    })
}

fn read_config(cert: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let pem = read_file(cert)?;
    let chain = CertificateDer::pem_slice_iter(&pem)
        .take(CHAIN)
        .collect::<Result<Vec<_>, _>>()
        .ok()
        .filter(|chain| !chain.is_empty())
        .ok_or_else(|| TlsError::Pem {
            path: cert.to_owned(),
            what: "certificate",
        })?;
    let pem = Secret::new(read_file(key)?);
    let private = PrivateKeyDer::from_pem_slice(pem.expose()).map_err(|_| TlsError::Pem {
        path: key.to_owned(),
        what: "private key",
    })?;
    let rejected = |source| TlsError::Rejected {
        path: cert.to_owned(),
        source,
    };
    // The provider is named here so that nothing depends on a process-wide default.
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(rejected)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(rejected)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn read_file(path: &Path) -> Result<Vec<u8>, TlsError> {
    let failed = |source| TlsError::Read {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(FILE_BYTES).read_to_end(&mut bytes))
        .map_err(failed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str) -> (String, String) {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn a_bad_pair_is_refused_and_the_old_one_stays() {
        let dir = tempfile::tempdir().unwrap();
        let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
        assert!(matches!(Tls::load(&cert, &key), Err(TlsError::Read { .. })));

        let (first_cert, first_key) = pair("one.test");
        std::fs::write(&cert, &first_cert).unwrap();
        std::fs::write(&key, &first_key).unwrap();
        let tls = Tls::load(&cert, &key).unwrap();
        let first = tls.config();

        let (second_cert, second_key) = pair("two.test");
        std::fs::write(&cert, &second_cert).unwrap();
        assert!(
            matches!(tls.reload(), Err(TlsError::Rejected { .. })),
            "keys differ"
        );
        std::fs::write(&key, "no key").unwrap();
        assert!(matches!(
            tls.reload(),
            Err(TlsError::Pem {
                what: "private key",
                ..
            })
        ));
        std::fs::write(&cert, "").unwrap();
        assert!(matches!(
            tls.reload(),
            Err(TlsError::Pem {
                what: "certificate",
                ..
            })
        ));
        assert!(Arc::ptr_eq(&first, &tls.config()));

        std::fs::write(&cert, &second_cert).unwrap();
        std::fs::write(&key, &second_key).unwrap();
        tls.reload_if_changed();
        assert!(!Arc::ptr_eq(&first, &tls.config()));
    }
}
