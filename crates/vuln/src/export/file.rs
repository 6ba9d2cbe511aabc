//! [`Writer`]: the file of an export, written in pieces, and [`stream`], which reads it.
//!
//! Invariant: a piece is at most [`PIECE`] and one row long, whoever writes it; the file counts
//! only once all its pieces are there.

use berth_db::Db;
use berth_model::{ExecutionId, Timestamp};
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt, unfold};
use sha2::{Digest, Sha256};

use super::sheet;
use crate::VulnError;
use crate::store::export::{self as store, FileRow};

/// Bytes after which a piece ends.
const PIECE: usize = 1024 * 1024;
/// Longest piece that is read: what a row adds is bounded by what a scan keeps of a package.
const LONGEST_PIECE: usize = 4 * PIECE;
/// Largest file.
const LARGEST: u64 = 4 * 1024 * 1024 * 1024;
/// How hard a piece is compressed.
const LEVEL: i32 = 3;

/// A file that is being written.
pub(super) struct Writer {
    db: Db,
    execution: ExecutionId,
    attempt: i64,
    text: String,
    hash: Sha256,
    /// With the first, which names the columns.
    rows: u64,
    pieces: i64,
    size: u64,
}

impl Writer {
    pub(super) async fn begin(
        db: Db,
        execution: ExecutionId,
        attempt: i64,
    ) -> Result<Self, VulnError> {
        db.write::<_, VulnError, _>(move |tx| {
            Box::pin(async move { Ok(store::begin(tx, execution, attempt).await?) })
        })
        .await?;
        Ok(Self {
            db,
            execution,
            attempt,
            text: String::new(),
            hash: Sha256::new(),
            rows: 0,
            pieces: 0,
            size: 0,
        })
    }

    /// Rows without the first.
    pub(super) const fn entries(&self) -> u64 {
        self.rows.saturating_sub(1)
    }

    /// Adds a row.
    pub(super) async fn row(&mut self, cells: &[&str]) -> Result<(), VulnError> {
        sheet::row(&mut self.text, cells);
        self.rows += 1;
        if self.text.len() >= PIECE {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), VulnError> {
        if self.text.is_empty() {
            return Ok(());
        }
        self.hash.update(self.text.as_bytes());
        self.size += self.text.len() as u64;
        if self.size > LARGEST || self.text.len() > LONGEST_PIECE {
            return Err(VulnError::Invalid(format!(
                "the export is larger than {} GiB: ask for fewer projects, or filter them",
                LARGEST >> 30
            )));
        }
        self.pieces += 1;
        let content = zstd::bulk::compress(self.text.as_bytes(), LEVEL)
            .map_err(|error| VulnError::Invalid(error.to_string()))?;
        self.text.clear();
        let place = (self.execution, self.attempt, self.pieces);
        self.db
            .write::<_, VulnError, _>(move |tx| {
                Box::pin(async move { Ok(store::put_piece(tx, place, content).await?) })
            })
            .await
    }

    /// Ends the file, which can be fetched until then.
    pub(super) async fn end(mut self, expires_at: Timestamp) -> Result<(), VulnError> {
        self.flush().await?;
        let file = FileRow {
            execution_id: self.execution.get(),
            attempt: self.attempt,
            entries: self.entries() as i64,
            size: self.size as i64,
            digest: hex::encode(self.hash.finalize()),
            expires_at: expires_at.micros(),
        };
        self.db
            .write::<_, VulnError, _>(move |tx| {
                Box::pin(async move { Ok(store::put(tx, &file).await?) })
            })
            .await
    }
}

/// The bytes of a file. Once all of them have been taken, nobody can fetch it again.
pub(super) fn stream(db: Db, file: FileRow) -> BoxStream<'static, Result<Bytes, std::io::Error>> {
    let reading = Reading {
        left: file.size,
        db,
        file,
        nr: 0,
    };
    unfold(Some(reading), async |reading| {
        let mut reading = reading?;
        match reading.next().await {
            Ok(Some(piece)) => Some((Ok(piece), Some(reading))),
            Ok(None) => None,
            Err(error) => Some((Err(std::io::Error::other(error)), None)),
        }
    })
    .boxed()
}

struct Reading {
    db: Db,
    file: FileRow,
    nr: i64,
    left: i64,
}

impl Reading {
    async fn next(&mut self) -> Result<Option<Bytes>, VulnError> {
        if self.left <= 0 {
            return Ok(None);
        }
        self.nr += 1;
        let missing = || VulnError::NotFound("a part of the export".to_owned());
        let place = (
            ExecutionId(self.file.execution_id),
            self.file.attempt,
            self.nr,
        );
        let content = store::piece(&self.db, place).await?.ok_or_else(missing)?;
        let piece = zstd::bulk::decompress(&content, LONGEST_PIECE).map_err(|_| missing())?;
        self.left -= piece.len() as i64;
        Ok(Some(piece.into()))
    }
}

/// Who has taken everything drops this with nothing left.
impl Drop for Reading {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        if self.left > 0 {
            return;
        }
        let (db, execution) = (self.db.clone(), ExecutionId(self.file.execution_id));
        runtime.spawn(async move {
            let expired = db
                .write::<_, VulnError, _>(move |tx| {
                    Box::pin(async move { Ok(store::expire(tx, execution).await?) })
                })
                .await;
            if let Err(error) = expired {
                tracing::warn!(%execution, %error, "an export that was fetched stays until it is old");
            }
        });
    }
}
