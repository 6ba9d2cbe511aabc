//! What a child says of a layer: frames of a letter, four bytes of length and JSON.
//!
//! Invariant: reading takes no more than [`MOST`] bytes, holds one frame at a time beside the
//! report, and gives a report only if it is whole and every count and text in it is one that
//! [`inspect_layer`](berth_inspect::inspect_layer) could have given.

use std::io::{self, Read, Write};

use berth_inspect::findings::Finding;
use berth_inspect::{
    Compression, Database, FoundPackage, INDEXER_REVISION, Incomplete, LayerReport, Limits, Link,
    Origin, ReleaseFile, Sound, is_sound_path,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Bytes of a whole report.
pub const MOST: u64 = 64 * 1024 * 1024;
/// Bytes of one frame.
const FRAME: usize = 256 * 1024;
/// Reasons why something was left unread.
const REASONS: usize = 1000;

/// Why a report cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// It cannot be read or written.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is over before it is whole.
    #[error("it ends too early")]
    Short,
    /// It is longer than any is.
    #[error("it is longer than {MOST} bytes")]
    Long,
    /// A frame that is none.
    #[error("there is a frame that is none")]
    Frame,
    /// A frame whose content is not what its letter says.
    #[error("a frame cannot be read: {0}")]
    Content(#[from] serde_json::Error),
    /// A frame at a place where none of its kind is.
    #[error("its frames are not in order")]
    Order,
    /// More of something than is kept.
    #[error("it lists more {0} than are kept")]
    Many(&'static str),
    /// Something that cannot be in a layer.
    #[error("it holds {0} that cannot be")]
    Unsound(&'static str),
}

/// What a child says.
#[derive(Debug)]
pub enum Answer {
    /// What is in the layer.
    Report(Box<LayerReport>),
    /// Why there is none, in a sentence.
    Refused(String),
}

/// What is said first.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    revision: u32,
    diff_id: Option<String>,
    compression: Compression,
    compressed_bytes: u64,
    bytes: u64,
    entries: u64,
}

/// A database, whose packages follow.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Opened {
    path: String,
    origin: Origin,
}

/// Writes a report.
pub fn write_report(out: &mut impl Write, report: &LayerReport) -> Result<(), WireError> {
    let mut frames = Frames { out, written: 0 };
    frames.put(
        b'H',
        &Head {
            revision: report.revision,
            diff_id: report.diff_id.clone(),
            compression: report.compression,
            compressed_bytes: report.compressed_bytes,
            bytes: report.bytes,
            entries: report.entries,
        },
    )?;
    frames.all(b'R', &report.releases)?;
    for database in &report.databases {
        let Database {
            path,
            origin,
            packages,
        } = database;
        frames.put(
            b'D',
            &Opened {
                path: path.clone(),
                origin: *origin,
            },
        )?;
        frames.all(b'd', packages)?;
    }
    frames.all(b'P', &report.packages)?;
    frames.all(b'W', &report.whiteouts)?;
    frames.all(b'O', &report.opaque)?;
    frames.all(b'X', &report.replaced)?;
    frames.all(b'L', &report.links)?;
    frames.all(b'F', &report.findings)?;
    frames.all(b'I', &report.incomplete)?;
    frames.put(b'E', &())
}

/// Writes why there is no report.
pub fn write_refusal(out: &mut impl Write, why: &str) -> Result<(), WireError> {
    let why: String = why.chars().take(1024).collect();
    Frames { out, written: 0 }.put(b'B', &why)
}

struct Frames<'a, W> {
    out: &'a mut W,
    written: u64,
}

impl<W: Write> Frames<'_, W> {
    fn put<T: Serialize>(&mut self, letter: u8, content: &T) -> Result<(), WireError> {
        let content = serde_json::to_vec(content)?;
        self.written += 5 + content.len() as u64;
        if content.len() > FRAME || self.written > MOST {
            return Err(WireError::Long);
        }
        self.out.write_all(&[letter])?;
        self.out.write_all(&(content.len() as u32).to_be_bytes())?;
        self.out.write_all(&content)?;
        Ok(())
    }

    fn all<T: Serialize>(&mut self, letter: u8, list: &[T]) -> Result<(), WireError> {
        list.iter()
            .try_for_each(|content| self.put(letter, content))
    }
}

/// Reads what a child says of a layer that was read within `limits`. What follows its end is left.
pub fn read_answer(input: impl Read, limits: &Limits) -> Result<Answer, WireError> {
    let mut input = input.take(MOST + 1);
    let mut content = Vec::new();
    let mut reading: Option<Reading<'_>> = None;
    loop {
        let mut head = [0; 5];
        fill(&mut input, &mut head)?;
        let [letter, length @ ..] = head;
        let length = u32::from_be_bytes(length) as usize;
        if length > FRAME {
            return Err(WireError::Frame);
        }
        content.resize(length, 0);
        fill(&mut input, &mut content)?;
        match (&mut reading, letter) {
            (None, b'B') => {
                let why: String = serde_json::from_slice(&content)?;
                let why = why.chars().filter(|letter| !letter.is_control());
                return Ok(Answer::Refused(why.take(1024).collect()));
            }
            (None, b'H') => reading = Some(Reading::of(serde_json::from_slice(&content)?, limits)?),
            (Some(_), b'E') => break,
            (Some(reading), _) => reading.frame(letter, &content)?,
            (None, _) => return Err(WireError::Order),
        }
    }
    let reading = reading.ok_or(WireError::Order)?;
    Ok(Answer::Report(Box::new(reading.report)))
}

fn fill(input: &mut io::Take<impl Read>, buffer: &mut [u8]) -> Result<(), WireError> {
    match input.read_exact(buffer) {
        Ok(()) => Ok(()),
        Err(_) if input.limit() == 0 => Err(WireError::Long),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(WireError::Short),
        Err(error) => Err(WireError::Io(error)),
    }
}

/// A report as it comes.
struct Reading<'a> {
    report: LayerReport,
    limits: &'a Limits,
    packages: usize,
    /// The place of the last frame's letter among [`ORDER`].
    at: usize,
}

/// Letters after the head, in the order in which they come. A database and its packages are one.
const ORDER: &[u8] = b"RDPWOXLFI";

impl<'a> Reading<'a> {
    fn of(head: Head, limits: &'a Limits) -> Result<Self, WireError> {
        let hex = |text: &str| {
            text.strip_prefix("sha256:").is_some_and(|hex| {
                hex.len() == 64
                    && hex
                        .bytes()
                        .all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it))
            })
        };
        if head.revision != INDEXER_REVISION {
            return Err(WireError::Unsound("a revision"));
        }
        if head.diff_id.as_deref().is_some_and(|it| !hex(it)) {
            return Err(WireError::Unsound("a digest"));
        }
        // Both counts stop one step behind their limits.
        if head.entries > limits.entries + 1 {
            return Err(WireError::Many("entries"));
        }
        if i64::try_from(head.bytes.max(head.compressed_bytes)).is_err() {
            return Err(WireError::Unsound("a size"));
        }
        Ok(Self {
            report: LayerReport {
                revision: head.revision,
                diff_id: head.diff_id,
                compression: head.compression,
                compressed_bytes: head.compressed_bytes,
                bytes: head.bytes,
                entries: head.entries,
                releases: Vec::new(),
                databases: Vec::new(),
                packages: Vec::new(),
                whiteouts: Vec::new(),
                opaque: Vec::new(),
                replaced: Vec::new(),
                links: Vec::new(),
                findings: Vec::new(),
                incomplete: Vec::new(),
            },
            limits,
            packages: 0,
            at: 0,
        })
    }

    fn frame(&mut self, letter: u8, content: &[u8]) -> Result<(), WireError> {
        let kind = if letter == b'd' { b'D' } else { letter };
        let place = ORDER.iter().position(|it| *it == kind);
        let place = place.ok_or(WireError::Frame)?;
        if place < self.at {
            return Err(WireError::Order);
        }
        self.at = place;
        let (paths, report) = (self.limits.paths, &mut self.report);
        match letter {
            b'R' => keep::<ReleaseFile>(content, &mut report.releases, paths, "releases"),
            b'D' => {
                let Opened { path, origin } = serde_json::from_slice(content)?;
                if report.databases.len() >= paths {
                    return Err(WireError::Many("databases"));
                }
                if !is_sound_path(&path) || !origin.is_os() {
                    return Err(WireError::Unsound("a database"));
                }
                report.databases.push(Database {
                    path,
                    origin,
                    packages: Vec::new(),
                });
                Ok(())
            }
            b'd' | b'P' => {
                // Those of databases and the others together.
                self.packages += 1;
                let most = self.limits.packages;
                if self.packages > most {
                    return Err(WireError::Many("packages"));
                }
                if letter == b'P' {
                    return keep::<FoundPackage>(content, &mut report.packages, most, "packages");
                }
                let database = report.databases.last_mut().ok_or(WireError::Order)?;
                keep(content, &mut database.packages, most, "packages")
            }
            b'W' => path(content, &mut report.whiteouts, paths),
            b'O' => path(content, &mut report.opaque, paths),
            b'X' => path(content, &mut report.replaced, paths),
            b'L' => keep::<Link>(content, &mut report.links, paths, "links"),
            b'F' => {
                let most = self.limits.findings;
                keep::<Finding>(content, &mut report.findings, most, "findings")
            }
            _ => keep::<Incomplete>(content, &mut report.incomplete, REASONS, "reasons"),
        }
    }
}

fn keep<T: DeserializeOwned + Sound>(
    content: &[u8],
    list: &mut Vec<T>,
    most: usize,
    what: &'static str,
) -> Result<(), WireError> {
    if list.len() >= most {
        return Err(WireError::Many(what));
    }
    let item: T = serde_json::from_slice(content)?;
    if !item.is_sound() {
        return Err(WireError::Unsound(what));
    }
    list.push(item);
    Ok(())
}

fn path(content: &[u8], list: &mut Vec<String>, most: usize) -> Result<(), WireError> {
    if list.len() >= most {
        return Err(WireError::Many("paths"));
    }
    let path: String = serde_json::from_slice(content)?;
    if !is_sound_path(&path) {
        return Err(WireError::Unsound("a path"));
    }
    list.push(path);
    Ok(())
}
