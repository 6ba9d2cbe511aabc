//! OpenVEX: what somebody says about vulnerabilities of a product, and how that changes a finding.
//!
//! Lenient as other importers: a statement without product, vulnerability or known status is
//! counted and left out. Invariant: a statement speaks of a package only through a package URL or
//! an image's digest that it names itself; it never reaches further than what it names.

use serde_json::Value;

use crate::Purl;
use crate::text::{self, FeedError, LONGEST_SUMMARY, MOST_ITEMS};

/// The largest document that is taken.
const LARGEST: usize = 16 << 20;
/// How many statements and products are taken.
const MOST_STATEMENTS: usize = 50_000;

/// What a statement says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VexStatus {
    /// The vulnerability does not matter there.
    NotAffected,
    /// It does.
    Affected,
    /// The product has the fix, whatever its version says.
    Fixed,
    /// Somebody is still finding out.
    UnderInvestigation,
}

impl VexStatus {
    /// The word in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAffected => "not_affected",
            Self::Affected => "affected",
            Self::Fixed => "fixed",
            Self::UnderInvestigation => "under_investigation",
        }
    }

    /// Whether a finding is taken out of the count.
    pub fn silences(self) -> bool {
        matches!(self, Self::NotAffected | Self::Fixed)
    }
}

/// A product: an image or a package, and what of it is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Product {
    purl: Option<Purl>,
    digest: Option<String>,
    /// Only these parts of it; all if empty.
    parts: Vec<Purl>,
    /// It named parts, be they readable or not.
    has_parts: bool,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VexStatement {
    /// Every name of the vulnerability.
    pub vulnerabilities: Vec<String>,
    /// What is said.
    pub status: VexStatus,
    /// Why it is not affected, by OpenVEX's list; or the author's words.
    pub justification: Option<String>,
    /// When it was said, in microseconds UTC.
    pub timestamp: Option<i64>,
    products: Vec<Product>,
}

/// A document that could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VexDocument {
    /// Its own id.
    pub id: String,
    /// Who says it.
    pub author: String,
    /// What is said, in the order of the document.
    pub statements: Vec<VexStatement>,
    /// How many statements could not be used.
    pub skipped: usize,
}

/// What a finding is about, as statements name it.
#[derive(Debug, Clone, Copy)]
pub struct VexSubject<'a> {
    /// The vulnerability's id and aliases.
    pub vulnerabilities: &'a [&'a str],
    /// The package URL of the package.
    pub package: &'a Purl,
    /// Digests of the image: of the manifest and of indexes that name it.
    pub digests: &'a [&'a str],
    /// The package URL of the image, `pkg:oci/…`, if it has one.
    pub image: Option<&'a Purl>,
}

/// Reads an OpenVEX document.
pub fn parse_openvex(entry: &str, json: &[u8]) -> Result<VexDocument, FeedError> {
    if json.len() > LARGEST {
        return Err(FeedError::TooLarge {
            entry: text::cut(entry, text::LONGEST_NAME).to_owned(),
            limit: LARGEST as u64,
        });
    }
    let document: Value =
        serde_json::from_slice(json).map_err(|error| FeedError::malformed(entry, error))?;
    let context = document["@context"].as_str().unwrap_or_default();
    if !context.starts_with("https://openvex.dev/ns") {
        return Err(FeedError::malformed(
            entry,
            "its @context is not https://openvex.dev/ns",
        ));
    }
    let field = |name: &str| {
        let text = document[name].as_str().and_then(text::name);
        text.unwrap_or_default().to_owned()
    };
    let values = document["statements"]
        .as_array()
        .ok_or_else(|| FeedError::malformed(entry, "it has no statements"))?;
    let said = time(&document);
    let statements: Vec<VexStatement> = values
        .iter()
        .take(MOST_STATEMENTS)
        .filter_map(|value| statement(value, said))
        .collect();
    Ok(VexDocument {
        id: field("@id"),
        author: field("author"),
        skipped: values.len() - statements.len(),
        statements,
    })
}

fn time(value: &Value) -> Option<i64> {
    ["last_updated", "timestamp"]
        .iter()
        .find_map(|field| value[*field].as_str().and_then(text::time))
}

fn statement(value: &Value, said: Option<i64>) -> Option<VexStatement> {
    let status = match value["status"].as_str()? {
        "not_affected" => VexStatus::NotAffected,
        "affected" => VexStatus::Affected,
        "fixed" => VexStatus::Fixed,
        "under_investigation" => VexStatus::UnderInvestigation,
        _ => return None,
    };
    let vulnerability = &value["vulnerability"];
    // The first version of the format had the bare name.
    let mut vulnerabilities: Vec<String> = [vulnerability, &vulnerability["name"]]
        .into_iter()
        .filter_map(|name| name.as_str().and_then(text::name))
        .map(str::to_owned)
        .collect();
    vulnerabilities.extend(text::names(&vulnerability["aliases"]));
    let products: Vec<Product> = value["products"]
        .as_array()?
        .iter()
        .take(MOST_STATEMENTS)
        .filter_map(product)
        .collect();
    if vulnerabilities.is_empty() || products.is_empty() {
        return None;
    }
    let justification = ["justification", "impact_statement", "action_statement"]
        .iter()
        .find_map(|field| value[*field].as_str())
        .map(|text| text::cut(text, LONGEST_SUMMARY).to_owned());
    Some(VexStatement {
        vulnerabilities,
        status,
        justification,
        timestamp: time(value).or(said),
        products,
    })
}

fn product(value: &Value) -> Option<Product> {
    let id = value.as_str().or_else(|| value["@id"].as_str());
    let purl = |value: &Value, id: Option<&str>| {
        let purl = value["identifiers"]["purl"].as_str();
        purl.or(id).and_then(|text| text.parse::<Purl>().ok())
    };
    let own = purl(value, id);
    let hash = value["hashes"]["sha-256"].as_str();
    let digest = hash
        .map(|hex| format!("sha256:{hex}"))
        .or_else(|| id.filter(|id| is_digest(id)).map(str::to_owned))
        .or_else(|| {
            let version = &own.as_ref().filter(|purl| purl.kind == "oci")?.version;
            is_digest(version).then(|| version.clone())
        });
    let parts = value["subcomponents"].as_array();
    let product = Product {
        purl: own,
        digest,
        has_parts: parts.is_some_and(|parts| !parts.is_empty()),
        parts: parts
            .into_iter()
            .flatten()
            .take(MOST_ITEMS)
            .filter_map(|part| purl(part, part.as_str().or_else(|| part["@id"].as_str())))
            .collect(),
    };
    (product.purl.is_some() || product.digest.is_some()).then_some(product)
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

impl Product {
    fn covers(&self, subject: &VexSubject<'_>) -> bool {
        let is_part =
            || !self.has_parts || self.parts.iter().any(|part| part.covers(subject.package));
        if let Some(digest) = &self.digest {
            return subject.digests.contains(&digest.as_str()) && is_part();
        }
        let Some(purl) = &self.purl else {
            return false;
        };
        if purl.kind == "oci" {
            return subject.image.is_some_and(|image| purl.covers(image)) && is_part();
        }
        // A package by itself; parts of a package are not told apart.
        !self.has_parts && purl.covers(subject.package)
    }
}

impl VexStatement {
    /// Whether it speaks of the subject.
    pub fn covers(&self, subject: &VexSubject<'_>) -> bool {
        let named = subject
            .vulnerabilities
            .iter()
            .any(|id| self.vulnerabilities.iter().any(|own| own == id));
        named && self.products.iter().any(|product| product.covers(subject))
    }
}

/// The statement that counts: the latest one that speaks of the subject. At one time, what was
/// written later.
pub fn vex_verdict<'a>(
    documents: impl IntoIterator<Item = &'a VexDocument>,
    subject: &VexSubject<'_>,
) -> Option<&'a VexStatement> {
    documents
        .into_iter()
        .flat_map(|document| &document.statements)
        .filter(|statement| statement.covers(subject))
        .max_by_key(|statement| statement.timestamp)
}
