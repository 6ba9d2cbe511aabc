//! How much of a stranger's layer is read. The invariant: whatever is not read is named in the
//! report, so a report without reasons is whole.

use serde::{Deserialize, Serialize};

/// Bounds on the reading of one layer.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Entries of the archive.
    pub entries: u64,
    /// Bytes of one path.
    pub path_bytes: usize,
    /// Components of one path.
    pub path_depth: usize,
    /// Uncompressed bytes of the layer.
    pub total_bytes: u64,
    /// Uncompressed bytes for each compressed one, once `ratio_floor` is passed.
    pub ratio: u64,
    /// Uncompressed bytes below which no ratio is suspicious.
    pub ratio_floor: u64,
    /// Bytes of one dpkg or apk database.
    pub database_bytes: u64,
    /// Bytes of one rpm database; it goes to an anonymous temporary file.
    pub rpm_bytes: u64,
    /// Bytes of one Java archive, and of all that is unpacked from it.
    pub archive_bytes: u64,
    /// How deep archives in archives are followed.
    pub archive_depth: usize,
    /// Bytes of one executable.
    pub binary_bytes: u64,
    /// Bytes of any other file that lists packages.
    pub metadata_bytes: u64,
    /// Bytes of a text file that is searched for secrets.
    pub text_bytes: u64,
    /// Packages of the layer, those of databases included.
    pub packages: usize,
    /// Findings of the layer.
    pub findings: usize,
    /// Whiteouts, links and other paths that a merge needs.
    pub paths: usize,
}

const MIB: u64 = 1024 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 2_000_000,
            path_bytes: 4096,
            path_depth: 256,
            total_bytes: 64 * 1024 * MIB,
            ratio: 200,
            ratio_floor: 1024 * MIB,
            database_bytes: 64 * MIB,
            rpm_bytes: 512 * MIB,
            archive_bytes: 256 * MIB,
            archive_depth: 3,
            binary_bytes: 512 * MIB,
            metadata_bytes: 16 * MIB,
            text_bytes: 10 * MIB,
            packages: 200_000,
            findings: 5_000,
            paths: 400_000,
        }
    }
}

/// Why something was left unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The caller stopped the reading, mostly because time was up.
    Cancelled,
    /// The compressed stream ends early or is damaged.
    StreamBroken,
    /// The archive is not what a runtime would unpack; nothing after this place was read.
    ArchiveBroken,
    /// More uncompressed bytes than are read.
    TotalBytes,
    /// The layer unpacks to suspiciously much.
    Ratio,
    /// More entries than are read.
    Entries,
    /// A path that is too long or too deep.
    Path,
    /// A file that should be read is too large.
    FileTooLarge,
    /// A package database cannot be read, or not to its end.
    Database,
    /// A package database is reached by a link to something that was not read.
    Link,
    /// A file that lists packages, or an archive in the layer, cannot be read.
    File,
    /// Archives in archives, deeper than they are followed.
    Depth,
    /// More packages than are kept.
    Packages,
    /// More findings than are kept.
    Findings,
    /// More whiteouts and links than are kept.
    Paths,
}

/// One thing that was left unread.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Incomplete {
    /// Why.
    pub reason: Reason,
    /// Where in the layer; empty if it concerns all of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// A sentence for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// Reasons as they gather. A hostile layer may give one for every entry, so only the first of each
/// kind are kept.
#[derive(Debug, Default)]
pub(crate) struct Reasons(Vec<Incomplete>);

/// How many reasons of one kind are kept.
const KEPT_OF_A_KIND: usize = 20;

/// A sentence as it may be kept: some quote what a stranger wrote.
fn sentence(detail: &str) -> String {
    let told = detail.chars().filter(|letter| *letter != '\0');
    told.take(1024).collect()
}

impl Reasons {
    pub(crate) fn add(&mut self, reason: Reason, path: &str, detail: impl Into<String>) {
        let alike = self.0.iter().filter(|known| known.reason == reason);
        if alike.count() >= KEPT_OF_A_KIND {
            return;
        }
        let entry = Incomplete {
            reason,
            path: path.chars().filter(|it| *it != '\0').take(512).collect(),
            detail: sentence(&detail.into()),
        };
        if !self.0.contains(&entry) {
            self.0.push(entry);
        }
    }

    pub(crate) fn into_vec(self) -> Vec<Incomplete> {
        self.0
    }
}
