//! [`Indexer`]: reads layers where the settings say.
//!
//! Invariant: whoever stops waiting ends the reading; nothing goes on for nobody.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use berth_inspect::{LayerReport, Limits, inspect_layer};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::IndexError;
use crate::process::{self, Life};

/// Pieces of a layer on their way to the thread that hands them on.
const AHEAD: usize = 4;

/// What reading one layer may take.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes of memory.
    pub memory: u64,
    /// Time, of which the work itself takes no more either.
    pub time: Duration,
}

/// What is started to read a layer: its memory, its seconds and the folder of its temporary file
/// follow the arguments.
#[derive(Clone, Debug)]
pub struct Program {
    /// The program.
    pub path: PathBuf,
    /// What stands before those.
    pub arguments: Vec<OsString>,
}

impl Program {
    /// This very program, also when an upgrade has put another in its place.
    pub fn this() -> Self {
        let itself = PathBuf::from("/proc/self/exe");
        let path = if itself.exists() {
            itself
        } else {
            std::env::current_exe().unwrap_or(itself)
        };
        Self {
            path,
            arguments: vec!["index-layer".into()],
        }
    }
}

/// Reads layers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Indexer {
    /// `None`: in this process.
    program: Option<Arc<Program>>,
    bounds: Bounds,
}

impl Indexer {
    /// Reads each layer in a process of its own.
    pub fn apart(program: Program, bounds: Bounds) -> Self {
        Self {
            program: Some(Arc::new(program)),
            bounds,
        }
    }

    /// Reads layers in this process, which bounds their time alone.
    pub const fn here(bounds: Bounds) -> Self {
        Self {
            program: None,
            bounds,
        }
    }

    /// What is in a layer, whose bytes come in pieces.
    pub async fn read(
        &self,
        layer: impl Stream<Item = io::Result<Bytes>> + Unpin,
        stop: &CancellationToken,
    ) -> Result<LayerReport, IndexError> {
        let (pieces, coming) = mpsc::channel(AHEAD);
        let life = Ended(Arc::new(Life::default()));
        let (program, bounds, lived) = (self.program.clone(), self.bounds, Arc::clone(&life.0));
        let reading = tokio::task::spawn_blocking(move || match program {
            Some(program) => process::read(&program, bounds, coming, &lived),
            None => read_here(coming, &lived),
        });
        let reading = async {
            let sending = hand_on(layer, pieces);
            let (failed, read) = tokio::join!(sending, reading);
            match failed {
                Some(error) => Err(IndexError::Source(error)),
                None => read.unwrap_or_else(|error| Err(IndexError::Died(error.to_string()))),
            }
        };
        tokio::select! {
            report = reading => report,
            () = stop.cancelled() => Err(IndexError::Stopped),
            () = tokio::time::sleep(self.bounds.time) => Err(IndexError::Time(self.bounds.time)),
        }
    }
}

/// Hands a layer's pieces on, and that they are all; gives why they are not.
async fn hand_on(
    mut layer: impl Stream<Item = io::Result<Bytes>> + Unpin,
    pieces: mpsc::Sender<Piece>,
) -> Option<io::Error> {
    while let Some(piece) = layer.next().await {
        match piece {
            // Whoever reads has seen enough: what it says tells why.
            Ok(piece) => pieces.send(Some(piece)).await.ok()?,
            Err(error) => return Some(error),
        }
    }
    let _ = pieces.send(None).await;
    None
}

/// A piece of a layer; nothing after the last.
pub(crate) type Piece = Option<Bytes>;

/// Ends the reading when it is dropped.
struct Ended(Arc<Life>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn read_here(coming: mpsc::Receiver<Piece>, life: &Life) -> Result<LayerReport, IndexError> {
    let reader = Pieces {
        coming,
        rest: Bytes::new(),
        whole: false,
    };
    let report = inspect_layer(reader, &Limits::default(), &|| life.is_over());
    if life.is_over() {
        return Err(IndexError::Stopped);
    }
    report.map_err(|error| IndexError::Unreadable(error.to_string()))
}

/// A layer as a reader for a thread that may wait.
struct Pieces {
    coming: mpsc::Receiver<Piece>,
    rest: Bytes,
    whole: bool,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            if self.whole {
                return Ok(0);
            }
            match self.coming.blocking_recv() {
                Some(Some(piece)) => self.rest = piece,
                Some(None) => self.whole = true,
                None => return Err(io::Error::other("the layer does not come to its end")),
            }
        }
        let taken = self.rest.split_to(buffer.len().min(self.rest.len()));
        buffer[..taken.len()].copy_from_slice(&taken);
        Ok(taken.len())
    }
}
