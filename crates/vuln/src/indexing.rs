//! Reading what an image holds, layer by layer.
//!
//! Invariant: a layer that this revision of the code has read is not read again.

use std::io;

use berth_indexer::IndexError;
use berth_inspect::{INDEXER_REVISION, ImageReport, LayerReport, merge};
use berth_jobs::TaskContext;
use berth_oci::{Descriptor, Manifest, RepositoryName};
use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;

use crate::store::packages;
use crate::{Scanning, VulnError};

/// Packages of all layers of an image together, those of databases included.
const PACKAGES: usize = 500_000;

/// Refuses images whose layers hold more together than is kept in memory.
fn bound(report: &LayerReport, held: &mut usize) -> Result<(), VulnError> {
    let databases = report.databases.iter().map(|it| it.packages.len());
    *held += databases.sum::<usize>() + report.packages.len();
    if *held > PACKAGES {
        return Err(VulnError::Invalid(format!(
            "its layers hold more than {PACKAGES} packages"
        )));
    }
    Ok(())
}

impl Scanning {
    /// What an image holds.
    pub(crate) async fn contents(
        &self,
        task: &TaskContext,
        repository: &RepositoryName,
        image: &Manifest,
    ) -> Result<ImageReport, VulnError> {
        let (mut layers, mut held) = (Vec::new(), 0);
        let total = image.layers.len() as u64;
        for (nr, layer) in image.layers.iter().enumerate() {
            task.check_stop().map_err(|_| VulnError::Stopped)?;
            let (report, read) = self.layer(repository, layer, task.stop()).await?;
            let how = if read { "read" } else { "known already" };
            task.log(format!("layer {}: {how}", layer.digest));
            bound(&report, &mut held)?;
            layers.push(report);
            task.progress(nr as u64 + 1, total);
        }
        Ok(merge(&layers))
    }

    /// What an image holds, as far as that is known without reading its layers; `None`: not all of
    /// them were read by this revision of the code.
    pub(crate) async fn known_contents(
        &self,
        image: &Manifest,
    ) -> Result<Option<ImageReport>, VulnError> {
        let (mut layers, mut held) = (Vec::new(), 0);
        for layer in &image.layers {
            let Some(report) = self.known_layer(layer).await? else {
                return Ok(None);
            };
            bound(&report, &mut held)?;
            layers.push(report);
        }
        Ok(Some(merge(&layers)))
    }

    async fn known_layer(&self, layer: &Descriptor) -> Result<Option<LayerReport>, VulnError> {
        let (digest, revision) = (layer.digest.as_str(), i64::from(INDEXER_REVISION));
        let content = packages::layer(&self.db, digest, revision).await?;
        Ok(content.and_then(|content| serde_json::from_slice(&content).ok()))
    }

    /// What a layer holds; whether it had to be read.
    pub(crate) async fn layer(
        &self,
        repository: &RepositoryName,
        layer: &Descriptor,
        stop: &CancellationToken,
    ) -> Result<(LayerReport, bool), VulnError> {
        if let Some(report) = self.known_layer(layer).await? {
            return Ok((report, false));
        }
        let (digest, revision) = (layer.digest.as_str(), i64::from(INDEXER_REVISION));
        let report = self.read_layer(repository, layer, stop).await?;
        let content = serde_json::to_vec(&report).map_err(|error| VulnError::Index {
            layer: digest.to_owned(),
            cause: IndexError::Unreadable(error.to_string()),
        })?;
        let (digest, now) = (digest.to_owned(), self.clock.now());
        self.db
            .write::<_, VulnError, _>(move |tx| {
                Box::pin(async move {
                    packages::put_layer(tx, &digest, revision, content, now).await?;
                    Ok(())
                })
            })
            .await?;
        Ok((report, true))
    }

    async fn read_layer(
        &self,
        repository: &RepositoryName,
        layer: &Descriptor,
        stop: &CancellationToken,
    ) -> Result<LayerReport, VulnError> {
        let stream = self.registry.blob_stream(repository, &layer.digest).await?;
        let stream = stream.map(|piece| piece.map_err(|error| io::Error::other(error.to_string())));
        let report = self.indexer.read(Box::pin(stream), stop).await;
        report.map_err(|error| match error {
            IndexError::Stopped => VulnError::Stopped,
            cause => VulnError::Index {
                layer: layer.digest.to_string(),
                cause,
            },
        })
    }
}
