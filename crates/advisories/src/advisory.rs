//! An advisory, whatever feed it came from.
//!
//! Invariant: [`Advisory::settle`] has been called on every advisory that leaves an importer: lists
//! are sorted and without doubles, events are in the order of their versions. Equal content has
//! equal bytes, and so an equal [`Advisory::fingerprint`].

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::version;
use crate::{Ecosystem, Severity, cvss_severity};

/// One advisory of one feed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Advisory {
    /// The name by which people know it: a CVE where it speaks of exactly one.
    pub id: String,
    /// The name that the feed gives it; unique within the feed.
    pub feed_id: String,
    /// What it is about: each is reported as a vulnerability of its own. A distribution's advisory
    /// often mends several at once. Never empty.
    pub vulnerabilities: Vec<String>,
    /// Other names of the same vulnerability.
    pub aliases: Vec<String>,
    /// One line.
    pub summary: String,
    /// The text, in Markdown or plain.
    pub details: String,
    /// How the feed itself rates it.
    pub rating: Option<Severity>,
    /// CVSS vectors, of any version.
    pub cvss: Vec<String>,
    /// `CWE-79` and the like.
    pub cwes: Vec<String>,
    /// Where to read more.
    pub references: Vec<Reference>,
    /// When it was published, in microseconds UTC.
    pub published: Option<i64>,
    /// When it was changed last, in microseconds UTC.
    pub modified: Option<i64>,
    /// When it was withdrawn, in microseconds UTC. Withdrawn, it affects nothing.
    pub withdrawn: Option<i64>,
    /// What it is if no vulnerability: `unmaintained`, `notice`, `bugfix`.
    pub informational: Option<String>,
    /// What it affects.
    pub affected: Vec<Affected>,
}

/// A link.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reference {
    /// `ADVISORY`, `FIX`, `WEB`, `PACKAGE`, ….
    pub kind: String,
    /// The address; http or https.
    pub url: String,
}

/// What a name in an advisory names.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Names {
    /// The package itself.
    #[default]
    Package,
    /// The source package that it was built from; ranges are of the source's versions.
    Source,
}

/// What is known of a package that no version mends.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Unfixed {
    /// Somebody is still finding out.
    UnderInvestigation,
    /// Affected, and nothing more is said.
    #[default]
    Affected,
    /// It will be mended some day, not now.
    FixDeferred,
    /// Whoever packages it has decided not to.
    WillNotFix,
    /// The package gets no more fixes at all.
    EndOfLife,
}

/// One package of one ecosystem, and which of its versions are affected.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Affected {
    /// Where the package is.
    pub ecosystem: Ecosystem,
    /// Its name, normal for the ecosystem.
    pub name: String,
    /// What the name names.
    #[serde(default)]
    pub names: Names,
    /// Ranges of versions, each by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<Vec<Event>>,
    /// Versions listed one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
    /// What is said where no version mends it.
    #[serde(default)]
    pub unfixed: Unfixed,
    /// The rating for this release, where it differs from the advisory's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<Severity>,
    /// Only on these architectures, if any is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub architectures: Vec<String>,
    /// Only of this rpm module stream, `name:stream`; `*` if the stream is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
}

/// A place in the order of versions where being affected begins or ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Affected from here on; `0` is before every version.
    Introduced(String),
    /// No longer affected from here on.
    Fixed(String),
    /// No longer affected after this.
    LastAffected(String),
    /// Nothing is said from here on.
    Limit(String),
}

impl Event {
    /// The version it stands at.
    pub fn version(&self) -> &str {
        match self {
            Self::Introduced(version)
            | Self::Fixed(version)
            | Self::LastAffected(version)
            | Self::Limit(version) => version,
        }
    }

    /// Whether it stands before every version.
    pub(crate) fn is_beginning(&self) -> bool {
        matches!(self, Self::Introduced(version) if version == "0")
    }
}

impl Affected {
    /// A package of which nothing is said yet.
    pub fn new(ecosystem: Ecosystem, name: &str, names: Names) -> Self {
        let name = ecosystem.normal_name(name).into_owned();
        Self {
            ecosystem,
            name,
            names,
            ranges: Vec::new(),
            versions: Vec::new(),
            unfixed: Unfixed::default(),
            rating: None,
            architectures: Vec::new(),
            module: None,
        }
    }

    /// Adds "every version before this one"; without a version, every version.
    #[must_use]
    pub fn fixed_in(mut self, version: Option<&str>) -> Self {
        let mut range = vec![Event::Introduced("0".to_owned())];
        range.extend(version.map(|version| Event::Fixed(version.to_owned())));
        self.ranges.push(range);
        self
    }
}

impl Advisory {
    /// Brings the lists into their order and names it. Importers call it last.
    pub(crate) fn settle(&mut self) {
        for list in [
            &mut self.vulnerabilities,
            &mut self.aliases,
            &mut self.cvss,
            &mut self.cwes,
        ] {
            list.sort();
            list.dedup();
        }
        if self.vulnerabilities.is_empty() {
            self.vulnerabilities.push(self.feed_id.clone());
        }
        self.id = match self.vulnerabilities.as_slice() {
            [only] => only.clone(),
            _ => self.feed_id.clone(),
        };
        let id = self.id.clone();
        self.aliases.retain(|alias| *alias != id);
        self.references.sort();
        self.references.dedup();
        for affected in &mut self.affected {
            let kind = affected.ecosystem.kind();
            for range in &mut affected.ranges {
                // Stable: at one version, what was written later holds.
                range.sort_by(|a, b| {
                    b.is_beginning()
                        .cmp(&a.is_beginning())
                        .then_with(|| version::compare(kind, a.version(), b.version()))
                });
            }
            affected.ranges.sort();
            affected.ranges.dedup();
            affected.versions.sort();
            affected.versions.dedup();
            affected.architectures.sort();
            affected.architectures.dedup();
        }
        self.affected.sort();
        self.affected.dedup();
    }

    /// Whether it can affect anything: not withdrawn, and a vulnerability.
    pub fn is_in_force(&self) -> bool {
        self.withdrawn.is_none() && self.informational.is_none()
    }

    /// How grave it is: by the feed's own word, else by CVSS.
    pub fn severity(&self) -> Severity {
        self.rating
            .or_else(|| cvss_severity(self.cvss.iter().map(String::as_str)))
            .unwrap_or_default()
    }

    /// How grave it is for one of the packages it affects.
    pub fn severity_for(&self, affected: &Affected) -> Severity {
        affected.rating.unwrap_or_else(|| self.severity())
    }

    /// SHA-256 in hex over the content. The time of the last change does not count: many feeds
    /// touch it without changing anything.
    pub fn fingerprint(&self) -> String {
        let mut content = self.clone();
        content.modified = None;
        // Strings, numbers and lists always are JSON.
        let bytes = serde_json::to_vec(&content).unwrap_or_default();
        hex::encode(Sha256::digest(bytes))
    }
}
