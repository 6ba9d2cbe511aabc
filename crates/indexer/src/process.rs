//! One child: started, fed, listened to, and gone.
//!
//! Invariant: when this returns, the child is no more.

use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use berth_inspect::{LayerReport, Limits};
use tokio::sync::mpsc;

use crate::IndexError;
use crate::indexer::{Bounds, Piece, Program};
use crate::wire::{Answer, WireError, read_answer};

/// Time that a child which closed its output is given to end.
const GRACE: Duration = Duration::from_secs(1);
/// Whether a complaint of one that did its work was logged: it would be that of every other.
static TOLD: AtomicBool = AtomicBool::new(false);
/// Bytes of what it complains about that are kept.
const COMPLAINT: u64 = 4096;

/// A reading that may be ended from outside.
#[derive(Debug, Default)]
pub(crate) struct Life {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    over: bool,
    child: Option<Child>,
}

impl Life {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under this lock panics half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends it, now or as soon as it begins.
    pub(crate) fn end(&self) {
        let mut state = self.state();
        state.over = true;
        if let Some(child) = &mut state.child {
            let _ = child.kill();
        }
    }

    /// Whether it was ended.
    pub(crate) fn is_over(&self) -> bool {
        self.state().over
    }

    fn begin(&self, child: Child) {
        let mut state = self.state();
        let over = state.over;
        let child = state.child.insert(child);
        if over {
            let _ = child.kill();
        }
    }

    /// How the child ended; it is killed if it does not.
    fn bury(&self, at_once: bool) -> Option<ExitStatus> {
        let until = Instant::now() + GRACE;
        loop {
            let mut state = self.state();
            let child = state.child.as_mut()?;
            if at_once || Instant::now() >= until {
                let _ = child.kill();
                let mut child = state.child.take()?;
                drop(state);
                return child.wait().ok();
            }
            if let Ok(Some(status)) = child.try_wait() {
                state.child = None;
                return Some(status);
            }
            drop(state);
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Reads a layer in a process of its own.
///
/// It is started by this thread, which stays until it is gone: the kernel ends it with this thread.
pub(crate) fn read(
    program: &Program,
    bounds: Bounds,
    coming: mpsc::Receiver<Piece>,
    life: &Life,
) -> Result<LayerReport, IndexError> {
    let mut child = Command::new(&program.path)
        .args(&program.arguments)
        .arg(bounds.memory.to_string())
        .arg(bounds.time.as_secs().max(1).to_string())
        .arg(std::env::temp_dir())
        .env_clear()
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(IndexError::Start)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    life.begin(child);
    let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
        life.bury(true);
        return Err(IndexError::Died("it has no streams".to_owned()));
    };
    let (answer, status, complaint) = thread::scope(|scope| {
        let feeding = scope.spawn(move || feed(coming, stdin, life));
        let complaining = scope.spawn(move || complaint(stderr));
        let answer = read_answer(stdout, &Limits::default());
        // Of one that said nothing it matters how it ended.
        let status = life.bury(!matches!(answer, Err(WireError::Short)));
        let _ = feeding.join();
        (answer, status, complaining.join().unwrap_or_default())
    });
    if life.is_over() {
        return Err(IndexError::Stopped);
    }
    let error = match answer {
        Ok(Answer::Report(report)) => {
            if !complaint.is_empty() && !TOLD.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    complaint,
                    "processes that read layers are less confined here"
                );
            }
            return Ok(*report);
        }
        Ok(Answer::Refused(why)) => return Err(IndexError::Unreadable(why)),
        Err(WireError::Short) => why(status, &complaint, bounds),
        Err(error) => IndexError::Nonsense(error),
    };
    tracing::warn!(%error, complaint, "a process that read a layer failed");
    Err(error)
}

/// Hands the layer on until it is all there, or the child has seen enough.
fn feed(mut coming: mpsc::Receiver<Piece>, mut stdin: ChildStdin, life: &Life) {
    loop {
        match coming.blocking_recv() {
            Some(Some(piece)) => {
                if stdin.write_all(&piece).is_err() {
                    return;
                }
            }
            Some(None) => return,
            // A layer without its end must not look whole.
            None => return life.end(),
        }
    }
}

/// What a child says beside its answer, on one line.
fn complaint(mut stderr: impl Read) -> String {
    let mut kept = Vec::new();
    let _ = (&mut stderr).take(COMPLAINT).read_to_end(&mut kept);
    // Nobody listens further, but it may talk.
    let _ = std::io::copy(&mut stderr, &mut std::io::sink());
    let kept = String::from_utf8_lossy(&kept);
    kept.trim().replace(|letter: char| letter.is_control(), " ")
}

/// Why a child is gone that said nothing.
fn why(status: Option<ExitStatus>, complaint: &str, bounds: Bounds) -> IndexError {
    /// Ended by its limit of work.
    const OUT_OF_TIME: i32 = 24;
    // What Rust says before it aborts.
    if complaint.contains("memory allocation of") {
        return IndexError::Memory(bounds.memory);
    }
    let Some(status) = status else {
        return IndexError::Died("nobody knows how".to_owned());
    };
    match status.signal() {
        Some(OUT_OF_TIME) => IndexError::Time(bounds.time),
        _ if complaint.is_empty() => IndexError::Died(status.to_string()),
        _ => IndexError::Died(format!("{status}: {complaint}")),
    }
}
