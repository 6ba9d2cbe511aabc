//! A server's process: started, watched, stopped by its id.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// Clock ticks of a second in `/proc/<pid>/stat`: fixed by the kernel's interface (proc(5)).
const TICKS: f64 = 100.0;
/// Time a server has to come up, and to go.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server. Dropping it stops it.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    output: PathBuf,
}

impl Process {
    /// Starts `command` with its output in `output`.
    pub(crate) fn start(
        name: &'static str,
        command: &mut Command,
        output: PathBuf,
    ) -> anyhow::Result<Self> {
        let log = File::create(&output)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{name} could not be started"))?;
        Ok(Self {
            name,
            child,
            output,
        })
    }

    /// Waits until `ready` gives something, or the server has ended.
    pub(crate) fn wait<T>(&mut self, ready: impl Fn(&str) -> Option<T>) -> anyhow::Result<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = read(&self.output);
            if let Some(found) = ready(&said) {
                return Ok(found);
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status}: {said}", self.name);
            }
            if Instant::now() > deadline {
                bail!("{} did not come up: {said}", self.name);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Seconds of processor time that it and its children have used.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        tree(self.child.id()).into_iter().map(cpu_of).sum()
    }

    /// The most memory it ever held, MiB.
    pub(crate) fn peak_mib(&self) -> f64 {
        peak_of(self.child.id()).unwrap_or(f64::NAN)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The polite signal: nginx's workers would outlive a master that is killed.
        let asked = Command::new("kill")
            .arg("-TERM")
            .arg(self.child.id().to_string())
            .status();
        let deadline = Instant::now() + PATIENCE;
        while asked.is_ok() && Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(path: &Path) -> String {
    let mut text = Vec::new();
    if let Ok(file) = File::open(path) {
        // A server that fails over and over must not fill our memory.
        let _ = file.take(64 * 1024).read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// A process and its children. Servers here have one level of them.
fn tree(id: u32) -> Vec<u32> {
    let children = read(Path::new(&format!("/proc/{id}/task/{id}/children")));
    let children = children.split_whitespace().filter_map(|id| id.parse().ok());
    std::iter::once(id).chain(children).collect()
}

fn cpu_of(id: u32) -> f64 {
    cpu_in(&read(Path::new(&format!("/proc/{id}/stat")))).unwrap_or(0.0)
}

/// User and system time in the text of `stat`. The name before them may contain spaces.
fn cpu_in(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS)
}

/// The most memory that a process ever held, MiB; nothing once it is gone.
pub(crate) fn peak_of(id: u32) -> Option<f64> {
    peak_in(&read(Path::new(&format!("/proc/{id}/status"))))
}

fn peak_in(status: &str) -> Option<f64> {
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::{cpu_in, peak_in};

    #[test]
    fn times_are_found_behind_a_name_with_spaces() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 1 0 9 9 9";
        assert_eq!(cpu_in(stat), Some(3.0));
        assert_eq!(cpu_in(""), None);
    }

    #[test]
    fn the_peak_is_in_mebibytes() {
        assert_eq!(peak_in("VmPeak: 9 kB\nVmHWM:\t   2048 kB\n"), Some(2.0));
        assert_eq!(peak_in("VmPeak: 9 kB\n"), None);
    }
}
