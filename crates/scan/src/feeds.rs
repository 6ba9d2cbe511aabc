//! Advisories from files: OSV JSON (a zip archive as OSV publishes it, a folder, a file), Alpine's
//! secdb, Debian's tracker, and the list of exploited vulnerabilities.
//!
//! Invariant: a file that cannot be used is an error; an entry that cannot be used is counted.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::Path;

use berth_advisories::{
    Advisory, AdvisoryIndex, Epss, FeedError, OsvOptions, parse_alpine_secdb, parse_kev, parse_osv,
    read_debian_tracker, read_epss,
};
use berth_model::Timestamp;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ScanError;

/// Largest document, but for Debian's tracker, which is read as a stream.
const LARGEST: u64 = 64 * 1024 * 1024;
/// Largest stream, uncompressed.
const LARGEST_UNPACKED: u64 = 2 * 1024 * 1024 * 1024;
/// What files begin with, by RFC 1952, RFC 8878 and APPNOTE.TXT 4.3.7.
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const ZIP: &[u8] = b"PK\x03\x04";
/// How deep folders are looked into.
const DEPTH: usize = 8;

/// A feed that was read.
#[derive(Clone, Debug, Serialize)]
pub struct Feed {
    /// The file's name.
    pub name: String,
    /// sha256 of the file; of a folder, over its documents in their order.
    pub revision: String,
    /// Advisories taken.
    pub advisories: usize,
    /// Documents and entries that could not be used.
    pub skipped: usize,
    /// When the newest of them was changed, microseconds UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<i64>,
}

/// All advisories that an image is held against.
#[derive(Debug, Default)]
pub struct Feeds {
    /// What they affect.
    pub index: AdvisoryIndex,
    /// Where they are from.
    pub feeds: Vec<Feed>,
    /// How likely vulnerabilities are to be exploited, by EPSS.
    pub epss: HashMap<String, f64>,
    /// Vulnerabilities that are known to be exploited, and since when that is known.
    pub exploited: BTreeMap<String, Timestamp>,
}

/// Something that a feed tells.
#[derive(Debug)]
pub enum Told {
    /// An advisory.
    Advisory(Box<Advisory>),
    /// A vulnerability that is known to be exploited, and since when that is known.
    Exploited(String, Timestamp),
    /// How likely a vulnerability is to be exploited within thirty days, 0 to 1, by EPSS.
    Probability(String, f64),
}

/// The reading of one feed.
struct Reading<'a> {
    each: &'a mut dyn FnMut(Told),
    options: OsvOptions,
    hash: Sha256,
    /// What was told, of any kind.
    told: usize,
    advisories: usize,
    skipped: usize,
    newest: Option<i64>,
}

/// The keys by which documents are told apart.
#[derive(Deserialize)]
struct Form {
    id: Option<IgnoredAny>,
    vulnerabilities: Option<IgnoredAny>,
    #[serde(rename = "catalogVersion")]
    catalog_version: Option<IgnoredAny>,
    packages: Option<IgnoredAny>,
    distroversion: Option<IgnoredAny>,
}

impl Feeds {
    /// Adds what a file or a folder holds. `binary_names`: names of packages of distributions are
    /// names of binary packages, whatever is usual there.
    ///
    /// # Errors
    /// When it cannot be read or holds no advisories.
    pub fn add(&mut self, path: &Path, binary_names: bool) -> Result<(), ScanError> {
        let feed = read_feed(path, binary_names, &mut |told| match told {
            Told::Advisory(advisory) => self.index.insert(*advisory),
            Told::Exploited(name, since) => {
                self.exploited.insert(name, since);
            }
            Told::Probability(name, probability) => {
                self.epss.insert(name, probability);
            }
        })?;
        self.feeds.push(feed);
        Ok(())
    }
}

/// Reads a file or a folder and gives each thing it tells to `each`, in the order in which it is
/// there; only one is held at a time, but for documents that tell several. `binary_names` is as in
/// [`Feeds::add`].
///
/// # Errors
/// When it cannot be read or tells nothing; `each` may have been given part of it.
pub fn read_feed(
    path: &Path,
    binary_names: bool,
    each: &mut dyn FnMut(Told),
) -> Result<Feed, ScanError> {
    let mut reading = Reading {
        each,
        options: OsvOptions { binary_names },
        hash: Sha256::new(),
        told: 0,
        advisories: 0,
        skipped: 0,
        newest: None,
    };
    if path.is_dir() {
        reading.folder(path, DEPTH)?;
    } else if starts_with(path, ZIP)? {
        reading.archive(path)?;
    } else {
        reading.file(path)?;
    }
    if reading.told == 0 {
        return Err(ScanError::NoFeed {
            path: path.to_owned(),
        });
    }
    Ok(Feed {
        name: path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        revision: format!("sha256:{}", hex::encode(reading.hash.finalize())),
        advisories: reading.advisories,
        skipped: reading.skipped,
        newest: reading.newest,
    })
}

fn ends_with(path: &Path, extension: &str) -> bool {
    path.extension()
        .is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

impl Reading<'_> {
    fn take(&mut self, advisory: Advisory) {
        self.advisories += 1;
        self.newest = self.newest.max(advisory.modified);
        self.tell(Told::Advisory(Box::new(advisory)));
    }

    fn tell(&mut self, told: Told) {
        self.told += 1;
        (self.each)(told);
    }

    fn folder(&mut self, path: &Path, depth: usize) -> Result<(), ScanError> {
        let failed = |error| ScanError::read(path, error);
        let entries: Result<Vec<_>, _> = fs::read_dir(path).map_err(failed)?.collect();
        let mut entries = entries.map_err(failed)?;
        // In one order, so that the same documents are the same revision.
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let (kind, path) = (entry.file_type().map_err(failed)?, entry.path());
            if kind.is_dir() && depth > 0 {
                self.folder(&path, depth - 1)?;
            } else if kind.is_file() && ends_with(&path, "json") {
                let bytes = read(&path)?;
                self.hash.update(&bytes);
                self.osv(&entry.file_name().to_string_lossy(), &bytes);
            }
        }
        Ok(())
    }

    fn archive(&mut self, path: &Path) -> Result<(), ScanError> {
        let failed = |error: std::io::Error| ScanError::read(path, error);
        let broken = |error: zip::result::ZipError| match error {
            zip::result::ZipError::Io(error) => failed(error),
            other => failed(std::io::Error::other(other)),
        };
        self.hash_file(path)?;
        let file = File::open(path).map_err(failed)?;
        let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(broken)?;
        let mut bytes = Vec::new();
        for nr in 0..archive.len() {
            let document = archive.by_index(nr).map_err(broken)?;
            let name = document.name().map_err(broken)?.into_owned();
            if !document.is_file() || !ends_with(Path::new(&name), "json") {
                continue;
            }
            bytes.clear();
            document
                .take(LARGEST + 1)
                .read_to_end(&mut bytes)
                .map_err(failed)?;
            self.osv(&name, &bytes);
        }
        Ok(())
    }

    fn hash_file(&mut self, path: &Path) -> Result<(), ScanError> {
        let failed = |error| ScanError::read(path, error);
        let mut file = File::open(path).map_err(failed)?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = file.read(&mut buffer).map_err(failed)?;
            if read == 0 {
                return Ok(());
            }
            self.hash.update(&buffer[..read]);
        }
    }

    /// Takes an OSV document of many, of which one may be broken.
    fn osv(&mut self, name: &str, bytes: &[u8]) {
        match parse_osv(name, bytes, self.options) {
            Ok(parsed) => {
                self.skipped += parsed.skipped;
                self.take(parsed.advisory);
            }
            Err(_) => self.skipped += 1,
        }
    }

    /// Takes a file of its own, whose form shows in its first key.
    fn file(&mut self, path: &Path) -> Result<(), ScanError> {
        let cause = |cause: FeedError| ScanError::Feed {
            path: path.to_owned(),
            cause,
        };
        self.hash_file(path)?;
        let name = path.display().to_string();
        if is_csv(path)? {
            let each = |one: Epss| {
                self.tell(Told::Probability(one.cve, one.score));
                Ok(())
            };
            let reader = BufReader::new(open(path)?);
            return read_epss(&name, reader, each).map(drop).map_err(cause);
        }
        let bytes = start(path)?;
        if bytes.len() as u64 > LARGEST {
            drop(bytes);
            return self.tracker(path);
        }
        let form: Form = serde_json::from_slice(&bytes).map_err(|_| ScanError::NoFeed {
            path: path.to_owned(),
        })?;
        if form.vulnerabilities.is_some() && form.catalog_version.is_some() {
            for one in parse_kev(&name, &bytes).map_err(cause)? {
                self.tell(Told::Exploited(one.cve, Timestamp::from_micros(one.added)));
            }
        } else if form.packages.is_some() && form.distroversion.is_some() {
            for advisory in parse_alpine_secdb(&name, &bytes).map_err(cause)? {
                self.take(advisory);
            }
        } else if form.id.is_some() {
            let parsed = parse_osv(&name, &bytes, self.options).map_err(cause)?;
            self.skipped += parsed.skipped;
            self.take(parsed.advisory);
        } else {
            self.tracker(path)?;
        }
        Ok(())
    }

    /// Debian's tracker is one document that is too large to be held.
    fn tracker(&mut self, path: &Path) -> Result<(), ScanError> {
        let reader = BufReader::new(open(path)?);
        let each = |advisory| {
            self.take(advisory);
            Ok(())
        };
        read_debian_tracker(reader, each)
            .map(drop)
            .map_err(|cause| ScanError::Feed {
                path: path.to_owned(),
                cause,
            })
    }
}

/// Whether a file begins with these bytes: names say nothing of files that were downloaded.
fn starts_with(path: &Path, magic: &[u8]) -> Result<bool, ScanError> {
    let failed = |error| ScanError::read(path, error);
    let mut start = Vec::new();
    File::open(path)
        .and_then(|file| file.take(magic.len() as u64).read_to_end(&mut start))
        .map_err(failed)?;
    Ok(start == magic)
}

/// Whether a document is lines of text: JSON begins with a bracket.
fn is_csv(path: &Path) -> Result<bool, ScanError> {
    let mut start = Vec::new();
    open(path)?
        .take(64)
        .read_to_end(&mut start)
        .map_err(|error| ScanError::read(path, error))?;
    let first = start.trim_ascii_start().first().copied();
    Ok(matches!(first, Some(b'#' | b'a'..=b'z')))
}

/// Opens a document, compressed or not.
fn open(path: &Path) -> Result<Box<dyn Read>, ScanError> {
    let failed = |error| ScanError::read(path, error);
    let file = File::open(path).map_err(failed)?;
    let reader: Box<dyn Read> = if starts_with(path, GZIP)? {
        Box::new(flate2::read::MultiGzDecoder::new(BufReader::new(file)))
    } else if starts_with(path, ZSTD)? {
        Box::new(zstd::Decoder::new(file).map_err(failed)?)
    } else {
        Box::new(file)
    };
    Ok(Box::new(reader.take(LARGEST_UNPACKED)))
}

/// A document, or as much of it as tells that it is too large to be held.
fn start(path: &Path) -> Result<Vec<u8>, ScanError> {
    let mut bytes = Vec::new();
    open(path)?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| ScanError::read(path, error))?;
    Ok(bytes)
}

fn read(path: &Path) -> Result<Vec<u8>, ScanError> {
    let bytes = start(path)?;
    if bytes.len() as u64 > LARGEST {
        let problem = format!("it is larger than {LARGEST} bytes");
        return Err(ScanError::read(path, std::io::Error::other(problem)));
    }
    Ok(bytes)
}
