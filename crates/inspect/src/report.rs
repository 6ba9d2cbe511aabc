//! What one layer holds, as it is stored and merged.

use berth_advisories::{Distro, Package};
use serde::{Deserialize, Serialize};

use crate::findings::Finding;
use crate::limits::Incomplete;
use crate::stream::Compression;

/// Where a package was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// dpkg's status file, or one of `status.d`.
    Dpkg,
    /// apk's installed database.
    Apk,
    /// rpm's database in SQLite.
    RpmSqlite,
    /// rpm's own format.
    RpmNdb,
    /// rpm's database in Berkeley DB.
    RpmBdb,
    /// `node_modules/*/package.json`.
    NodeModule,
    /// `*.dist-info/METADATA` or `*.egg-info`.
    PythonMetadata,
    /// Build information of an executable made by Go.
    GoBinary,
    /// The audit section of an executable made by cargo-auditable.
    RustBinary,
    /// `Cargo.lock`.
    CargoLock,
    /// `pom.properties` in a Java archive.
    JavaPom,
    /// The manifest or the name of a Java archive.
    JavaManifest,
    /// `specifications/*.gemspec`.
    Gemspec,
    /// `vendor/composer/installed.json`.
    ComposerInstalled,
    /// `*.deps.json`.
    DotnetDeps,
    /// `packages.lock.json`.
    NugetLock,
}

impl Origin {
    /// Whether it is the database of the distribution's package manager.
    pub fn is_os(self) -> bool {
        matches!(
            self,
            Self::Dpkg | Self::Apk | Self::RpmSqlite | Self::RpmNdb | Self::RpmBdb
        )
    }
}

/// The package database of a distribution. The last one that an image holds at a path counts whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    /// Where it is.
    pub path: String,
    /// Its format.
    pub origin: Origin,
    /// What it lists, in its order.
    pub packages: Vec<Package>,
}

/// A package that a language's tools installed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FoundPackage {
    /// The file that names it; archives in archives after `!/`.
    pub path: String,
    /// What kind of file that is.
    pub origin: Origin,
    /// The package.
    pub package: Package,
    /// The package of the distribution that owns the file: then the distribution's advisories
    /// speak for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned_by: Option<String>,
}

/// A file that says which distribution this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseFile {
    /// Where it is.
    pub path: String,
    /// What it says.
    pub distro: Distro,
}

/// A symbolic link that may lead to something of interest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Link {
    /// Where it is.
    pub path: String,
    /// What it points to, from the root.
    pub target: String,
}

/// What one layer holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerReport {
    /// `INDEXER_REVISION` of who made it.
    pub revision: u32,
    /// sha256 of the uncompressed bytes, unless not all of them could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff_id: Option<String>,
    /// How the layer is compressed.
    pub compression: Compression,
    /// Bytes as stored.
    pub compressed_bytes: u64,
    /// Bytes of the archive.
    pub bytes: u64,
    /// Entries of the archive.
    pub entries: u64,
    /// Files that say which distribution this is.
    pub releases: Vec<ReleaseFile>,
    /// Databases of package managers.
    pub databases: Vec<Database>,
    /// Packages of languages.
    pub packages: Vec<FoundPackage>,
    /// Paths that are gone from the layers below, with what is below them.
    pub whiteouts: Vec<String>,
    /// Directories whose content in the layers below is gone.
    pub opaque: Vec<String>,
    /// Files at paths where a lower layer may have had packages, and which have none.
    pub replaced: Vec<String>,
    /// Symbolic links by which databases may be reached, and which replace what was there.
    pub links: Vec<Link>,
    /// Secrets and doubtful files.
    pub findings: Vec<Finding>,
    /// What was left unread. Empty: the report is whole.
    pub incomplete: Vec<Incomplete>,
}
