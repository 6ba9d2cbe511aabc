//! [`Lines`] writes log lines on a thread of its own.
//!
//! Invariant: handing over a line never waits. When the reader of standard error is slower than
//! we write, lines are lost and counted, and requests go on.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use tracing_subscriber::fmt::MakeWriter;

/// Lines that may wait.
const QUEUE: usize = 8192;
/// Longest line, bytes; with [`QUEUE`] it bounds the memory.
const LINE_BYTES: usize = 16 * 1024;
/// Bytes gathered before they are written although more lines wait.
const BATCH_BYTES: usize = 64 * 1024;
/// Longest wait for the last lines at the end.
const FAREWELL: Duration = Duration::from_secs(2);

/// How many log lines were lost; clones count together.
#[derive(Clone, Debug, Default)]
pub struct DroppedLines(pub(crate) Counter);

impl DroppedLines {
    /// Lines lost so far.
    pub fn count(&self) -> u64 {
        self.0.get()
    }
}

enum Message {
    Line(Vec<u8>),
    /// Only to wake the thread up.
    Wake,
}

/// The near end of the queue.
#[derive(Clone)]
pub(crate) struct Lines {
    queue: SyncSender<Message>,
    dropped: DroppedLines,
}

/// Waits for the last lines when dropped.
pub(crate) struct Farewell {
    queue: SyncSender<Message>,
    closing: Arc<AtomicBool>,
    done: Receiver<()>,
}

impl Lines {
    /// Starts the thread that writes to `sink`.
    pub(crate) fn start(sink: impl Write + Send + 'static) -> io::Result<(Self, Farewell)> {
        let (queue, lines) = sync_channel(QUEUE);
        let (finished, done) = sync_channel(1);
        let closing = Arc::new(AtomicBool::new(false));
        let closed = Arc::clone(&closing);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || {
                write_all(&lines, sink, &closed);
                let _ = finished.send(());
            })?;
        let farewell = Farewell {
            queue: queue.clone(),
            closing,
            done,
        };
        let dropped = DroppedLines::default();
        Ok((Self { queue, dropped }, farewell))
    }

    pub(crate) fn dropped(&self) -> DroppedLines {
        self.dropped.clone()
    }
}

impl Write for Lines {
    /// Takes one whole line, which is how the formatter hands them over.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if line.len() > LINE_BYTES {
            self.dropped.0.inc();
            return Ok(line.len());
        }
        match self.queue.try_send(Message::Line(line.to_vec())) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                self.dropped.0.inc();
            }
            // After the farewell there is nothing left to slow down.
            Err(TrySendError::Disconnected(_)) => io::stderr().write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Drop for Farewell {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Release);
        // A full queue keeps the thread awake anyway.
        let _ = self.queue.try_send(Message::Wake);
        match self.done.recv_timeout(FAREWELL) {
            Ok(()) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
    }
}

/// Writes lines in batches until the farewell.
fn write_all(lines: &Receiver<Message>, mut sink: impl Write, closing: &AtomicBool) {
    let mut batch = Vec::with_capacity(BATCH_BYTES);
    while let Ok(first) = lines.recv() {
        // Read before the queue is emptied: a farewell that comes later leaves a message that
        // brings us round again, so no line before it is missed.
        let ending = closing.load(Ordering::Acquire);
        let mut next = Some(first);
        while let Some(message) = next {
            if let Message::Line(line) = message {
                batch.extend_from_slice(&line);
            }
            if batch.len() >= BATCH_BYTES {
                break;
            }
            next = lines.try_recv().ok();
        }
        // There is nowhere to report that the log cannot be written.
        let _ = sink.write_all(&batch).and_then(|()| sink.flush());
        let full = batch.len() >= BATCH_BYTES;
        batch.clear();
        if ending && !full {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A reader that does not read until it is let.
    struct Stuck(Receiver<()>, Page);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            self.1.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_farewell_waits_for_every_line() {
        let page = Page::default();
        let (mut lines, farewell) = Lines::start(page.clone()).unwrap();
        for number in 0..5_000 {
            let line = format!("{number}\n");
            lines.write_all(line.as_bytes()).unwrap();
        }
        let dropped = lines.dropped();
        drop(farewell);
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        assert_eq!(dropped.count(), 0);
        assert_eq!(text.lines().count(), 5_000);
        assert!(text.ends_with("4999\n"));
    }

    #[test]
    fn a_stuck_reader_costs_lines_not_time() {
        let (go, wait) = channel();
        let page = Page::default();
        let (mut lines, farewell) = Lines::start(Stuck(wait, page.clone())).unwrap();
        for _ in 0..QUEUE * 4 {
            lines.write_all(b"line\n").unwrap();
        }
        // The writer is stuck with at most one batch, and the queue is full.
        let dropped = lines.dropped().count();
        assert!(dropped >= QUEUE as u64, "{dropped}");
        drop(go);
        drop(farewell);
        let written = page.0.lock().unwrap().len() as u64 / 5;
        assert_eq!(
            written + dropped,
            QUEUE as u64 * 4,
            "each line is written or counted"
        );
    }

    #[test]
    fn an_endless_line_is_counted_instead() {
        let (mut lines, _farewell) = Lines::start(io::sink()).unwrap();
        lines.write_all(&vec![b'x'; LINE_BYTES + 1]).unwrap();
        assert_eq!(lines.dropped().count(), 1);
    }
}
