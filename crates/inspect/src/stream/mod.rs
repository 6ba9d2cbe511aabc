//! The bytes of a layer: uncompressed, hashed, counted and bounded, once and in order.
//!
//! The invariant: everything that comes out has gone into the hash, and the hash is given out only
//! if the whole stream was seen and its compression was intact.

mod codec;

use std::io::{self, BufRead, Read};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::thread;

use sha2::{Digest, Sha256};

use crate::Error;
use crate::limits::{Limits, Reason};

pub use codec::Compression;

/// How many bytes are handed over at once. Large enough that handing over costs nothing, small
/// enough to stay in the processor's cache.
const CHUNK: usize = 256 * 1024;

/// How many chunks wait. With the two at work this is all the memory the stream takes.
const WAITING: usize = 4;

/// Why a stream ended before its end.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{detail}")]
pub(crate) struct Stop {
    pub(crate) reason: Reason,
    pub(crate) detail: String,
}

impl Stop {
    /// The reason inside an error of `Stream`.
    pub(crate) fn of(error: &io::Error) -> Option<&Stop> {
        error.get_ref()?.downcast_ref::<Stop>()
    }
}

fn stop(reason: Reason, detail: impl Into<String>) -> io::Error {
    io::Error::other(Stop {
        reason,
        detail: detail.into(),
    })
}

/// What is known of a stream when it is over.
#[derive(Debug)]
pub(crate) struct Summary {
    /// sha256 of the uncompressed bytes, if all of them were seen.
    pub(crate) diff_id: Option<String>,
    pub(crate) bytes: u64,
    pub(crate) compressed_bytes: u64,
    pub(crate) compression: Compression,
}

/// The uncompressed bytes, as they come.
pub(crate) struct Stream<'a> {
    filled: Receiver<io::Result<Vec<u8>>>,
    spent: Sender<Vec<u8>>,
    current: Vec<u8>,
    at: usize,
    hash: Sha256,
    bytes: u64,
    ended: bool,
    failed: Option<Stop>,
    compressed: &'a AtomicU64,
    limits: &'a Limits,
    cancel: &'a dyn Fn() -> bool,
}

/// Counts what is read and remembers why reading failed: what the decoder makes of it is no longer
/// told apart from damage.
struct Source<'a, R> {
    inner: R,
    compressed: &'a AtomicU64,
    failure: &'a Mutex<Option<io::Error>>,
}

impl<R: Read> Read for Source<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.inner.read(buffer) {
                Ok(count) => {
                    self.compressed.fetch_add(count as u64, Ordering::Relaxed);
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let copy = io::Error::new(error.kind(), error.to_string());
                    if let Ok(mut failure) = self.failure.lock() {
                        *failure = Some(error);
                    }
                    return Err(copy);
                }
            }
        }
    }
}

/// Reads `reader` to its end while `visit` looks at the uncompressed bytes.
///
/// Decompression has a thread of its own: it is what takes the time, and hashing and looking are
/// done beside it.
pub(crate) fn read<R: Read + Send, T>(
    reader: R,
    limits: &Limits,
    cancel: &dyn Fn() -> bool,
    visit: impl FnOnce(&mut Stream<'_>) -> T,
) -> Result<(T, Summary, Option<Stop>), Error> {
    let compressed = AtomicU64::new(0);
    let failure = Mutex::new(None);
    let mut source = Source {
        inner: reader,
        compressed: &compressed,
        failure: &failure,
    };
    let mut head = [0; codec::MAGIC];
    let head_len = fill(&mut source, &mut head).map_err(Error::Read)?;
    let compression = Compression::of(&head[..head_len])?;
    let (filled_sender, filled) = sync_channel(WAITING);
    let (spent, spent_receiver) = channel();
    let mut stream = Stream {
        filled,
        spent,
        current: Vec::new(),
        at: 0,
        hash: Sha256::new(),
        bytes: 0,
        ended: false,
        failed: None,
        compressed: &compressed,
        limits,
        cancel,
    };
    let visited = thread::scope(|scope| {
        scope.spawn(move || {
            let whole = io::Cursor::new(head).take(head_len as u64).chain(source);
            pump(compression, whole, &filled_sender, &spent_receiver);
        });
        let visited = visit(&mut stream);
        stream.drain();
        // Tells the other thread, should it still be decoding, that nobody listens.
        let (_, nobody) = sync_channel(0);
        stream.filled = nobody;
        visited
    });
    if let Ok(mut failure) = failure.lock()
        && let Some(error) = failure.take()
    {
        return Err(Error::Read(error));
    }
    let summary = Summary {
        diff_id: (stream.ended && stream.failed.is_none())
            .then(|| format!("sha256:{}", hex::encode(stream.hash.finalize()))),
        bytes: stream.bytes,
        compressed_bytes: compressed.load(Ordering::Relaxed),
        compression,
    };
    Ok((visited, summary, stream.failed))
}

/// Decodes and hands over until the end, an error, or nobody listens.
fn pump(
    compression: Compression,
    source: impl Read,
    filled: &SyncSender<io::Result<Vec<u8>>>,
    spent: &Receiver<Vec<u8>>,
) {
    let mut decoder = match compression.decoder(source) {
        Ok(decoder) => decoder,
        Err(error) => {
            let _ = filled.send(Err(error));
            return;
        }
    };
    loop {
        let mut chunk = match spent.try_recv() {
            Ok(chunk) => chunk,
            Err(TryRecvError::Empty) => Vec::new(),
            Err(TryRecvError::Disconnected) => return,
        };
        chunk.resize(CHUNK, 0);
        let mut len = 0;
        let mut failed = None;
        while len < CHUNK {
            match decoder.read(&mut chunk[len..]) {
                Ok(0) => break,
                Ok(count) => len += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        chunk.truncate(len);
        if len > 0 && filled.send(Ok(chunk)).is_err() {
            return;
        }
        if let Some(error) = failed {
            let _ = filled.send(Err(error));
            return;
        }
        if len < CHUNK {
            return;
        }
    }
}

/// Reads until the buffer is full or the source ends.
fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while len < buffer.len() {
        match source.read(&mut buffer[len..])? {
            0 => break,
            count => len += count,
        }
    }
    Ok(len)
}

impl Stream<'_> {
    fn next_chunk(&mut self) -> io::Result<()> {
        if let Some(failed) = &self.failed {
            return Err(io::Error::other(failed.clone()));
        }
        if (self.cancel)() {
            return Err(self.fail(Reason::Cancelled, "stopped before the end of the layer"));
        }
        match self.filled.recv() {
            Ok(Ok(chunk)) => {
                let spent = std::mem::replace(&mut self.current, chunk);
                if spent.capacity() > 0 {
                    let _ = self.spent.send(spent);
                }
                self.at = 0;
                self.hash.update(&self.current);
                self.bytes += self.current.len() as u64;
                self.check()
            }
            Ok(Err(error)) => Err(self.fail(Reason::StreamBroken, error.to_string())),
            // The sender goes away after its last chunk.
            Err(_) => {
                self.ended = true;
                self.current.clear();
                self.at = 0;
                Ok(())
            }
        }
    }

    fn fail(&mut self, reason: Reason, detail: impl Into<String>) -> io::Error {
        let detail = detail.into();
        self.current.clear();
        self.at = 0;
        self.failed = Some(Stop {
            reason,
            detail: detail.clone(),
        });
        stop(reason, detail)
    }

    fn check(&mut self) -> io::Result<()> {
        if self.bytes > self.limits.total_bytes {
            let detail = format!("more than {} bytes uncompressed", self.limits.total_bytes);
            return Err(self.fail(Reason::TotalBytes, detail));
        }
        if self.bytes > self.limits.ratio_floor {
            let compressed = self.compressed.load(Ordering::Relaxed).max(1);
            if self.bytes / compressed >= self.limits.ratio {
                let detail = format!("{compressed} bytes unpack to more than {}", self.bytes);
                return Err(self.fail(Reason::Ratio, detail));
            }
        }
        Ok(())
    }

    /// Sees the rest: what follows the archive is part of the hash.
    fn drain(&mut self) {
        while !self.ended && self.next_chunk().is_ok() {}
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Stream<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at >= self.current.len() && !self.ended {
            self.next_chunk()?;
        }
        Ok(&self.current[self.at..])
    }

    fn consume(&mut self, count: usize) {
        self.at = (self.at + count).min(self.current.len());
    }
}
