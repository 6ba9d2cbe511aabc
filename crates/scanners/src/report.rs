//! What an external scanner found.
//!
//! Invariant: nothing in a report is the scanner's unchecked word: rows are bounded and without
//! doubles, severities are known ones, links are web addresses, and what the whole report comes to
//! is counted here from its rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Most rows of one report.
const ROWS: usize = 100_000;
/// Longest short text, bytes; a description may be longer.
const SHORT: usize = 512;
const DESCRIPTION: usize = 8 * 1024;
/// Most links and weaknesses of one row.
const LINKS: usize = 20;

/// Why a report cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReportProblem {
    /// It is no JSON of the form.
    #[error("it cannot be read: {0}")]
    Form(#[from] serde_json::Error),
    /// It speaks of another image.
    #[error("it is about {0}, not about the image that was to be scanned")]
    Other(String),
    /// It is too long.
    #[error("it has more than {ROWS} rows")]
    Rows,
    /// A row that names nothing.
    #[error("row {0} does not say which vulnerability, or of which package")]
    Nameless(usize),
}

/// How grave a vulnerability is, by the names and in the order of the adapter API.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Severity {
    /// Nothing was found; of a whole report only.
    None,
    /// Nobody has rated it, or by a word that is not known.
    #[default]
    Unknown,
    /// Of no practical weight.
    Negligible,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

impl Severity {
    fn read(word: &str) -> Self {
        [
            ("negligible", Self::Negligible),
            ("low", Self::Low),
            ("medium", Self::Medium),
            ("high", Self::High),
            ("critical", Self::Critical),
        ]
        .into_iter()
        .find_map(|(name, severity)| word.eq_ignore_ascii_case(name).then_some(severity))
        .unwrap_or_default()
    }
}

/// One vulnerability of one package.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The vulnerability's name.
    pub id: String,
    /// The package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// The version that mends it, or nothing.
    pub fix_version: String,
    /// How grave it is.
    pub severity: Severity,
    /// What is said of it.
    pub description: String,
    /// Where to read more.
    pub links: Vec<String>,
    /// CVSS as the scanner prefers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_cvss: Option<Map<String, Value>>,
    /// Weaknesses.
    pub cwe_ids: Vec<String>,
    /// What is done about it, by the scanner's word, or nothing: `fixed`, `affected`.
    pub status: String,
}

impl Item {
    /// Its CVSS 3 score times ten; 0: none is told.
    pub fn score(&self) -> i64 {
        let score = self
            .preferred_cvss
            .as_ref()
            .and_then(|it| it.get("score_v3"));
        let score = score.and_then(Value::as_f64).unwrap_or(0.0);
        (score.clamp(0.0, 10.0) * 10.0).round() as i64
    }
}

/// A report, checked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// When it was made, as the scanner says.
    pub generated_at: String,
    /// The gravest severity of its rows.
    pub severity: Severity,
    /// Its rows, the gravest first.
    pub vulnerabilities: Vec<Item>,
}

/// A report as it comes.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    generated_at: String,
    artifact: Option<ToldArtifact>,
    /// Some scanners write null for none.
    vulnerabilities: Option<Vec<ToldItem>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ToldArtifact {
    digest: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ToldItem {
    id: String,
    package: String,
    version: String,
    fix_version: Option<String>,
    severity: Option<String>,
    description: Option<String>,
    links: Option<Vec<String>>,
    preferred_cvss: Option<Map<String, Value>>,
    cwe_ids: Option<Vec<String>>,
    status: Option<String>,
}

fn cut(mut text: String, most: usize) -> String {
    text.truncate(text.floor_char_boundary(most));
    text
}

impl ToldItem {
    fn checked(self) -> Item {
        let links = self.links.unwrap_or_default().into_iter();
        let is_web = |link: &String| {
            (link.starts_with("https://") || link.starts_with("http://")) && link.len() <= 2048
        };
        let cwes = self.cwe_ids.unwrap_or_default().into_iter();
        let cvss = self.preferred_cvss.unwrap_or_default().into_iter();
        let known = |key: &str| matches!(key, "score_v3" | "score_v2" | "vector_v3" | "vector_v2");
        let cvss: Map<String, Value> = cvss
            .filter(|(key, value)| match value {
                Value::Number(_) => known(key),
                Value::String(text) => known(key) && text.len() <= SHORT,
                _ => false,
            })
            .collect();
        let told = self.status.unwrap_or_default();
        let is_word = told.len() <= 32 && told.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        Item {
            status: if is_word { told } else { String::new() },
            id: cut(self.id, SHORT),
            package: cut(self.package, SHORT),
            version: cut(self.version, SHORT),
            fix_version: cut(self.fix_version.unwrap_or_default(), SHORT),
            severity: Severity::read(self.severity.as_deref().unwrap_or_default()),
            description: cut(self.description.unwrap_or_default(), DESCRIPTION),
            links: links.filter(is_web).take(LINKS).collect(),
            preferred_cvss: (!cvss.is_empty()).then_some(cvss),
            cwe_ids: cwes.filter(|it| it.len() <= 32).take(LINKS).collect(),
        }
    }
}

impl Report {
    /// Reads a report of the manifest `digest`.
    pub fn read(bytes: &[u8], digest: &str) -> Result<Self, ReportProblem> {
        let told: Told = serde_json::from_slice(bytes)?;
        if let Some(artifact) = told.artifact
            && !artifact.digest.is_empty()
            && artifact.digest != digest
        {
            return Err(ReportProblem::Other(cut(artifact.digest, 100)));
        }
        let rows = told.vulnerabilities.unwrap_or_default();
        if rows.len() > ROWS {
            return Err(ReportProblem::Rows);
        }
        let mut kept: BTreeMap<(String, String, String), Item> = BTreeMap::new();
        for (nr, row) in rows.into_iter().enumerate() {
            if row.id.is_empty() || row.package.is_empty() {
                return Err(ReportProblem::Nameless(nr));
            }
            let item = row.checked();
            let key = (item.id.clone(), item.package.clone(), item.version.clone());
            // Told twice: the graver word holds.
            match kept.get(&key) {
                Some(known) if known.severity >= item.severity => {}
                _ => {
                    kept.insert(key, item);
                }
            }
        }
        let mut vulnerabilities: Vec<Item> = kept.into_values().collect();
        vulnerabilities.sort_by_key(|item| std::cmp::Reverse(item.severity));
        let gravest = vulnerabilities.first().map(|item| item.severity);
        Ok(Self {
            generated_at: cut(told.generated_at, 64),
            severity: gravest.unwrap_or(Severity::None),
            vulnerabilities,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Result<Report, ReportProblem> {
        Report::read(value.to_string().as_bytes(), "sha256:a")
    }

    #[test]
    fn what_a_scanner_says_is_counted_again() {
        let report = read(&json!({
            "severity": "None",
            "artifact": {"digest": "sha256:a"},
            "vulnerabilities": [
                {"id": "CVE-1", "package": "a", "version": "1", "severity": "low",
                 "links": ["javascript:alert(1)", "https://example.com/1"],
                 "preferred_cvss": {"score_v3": 5.5, "else": [1]}},
                {"id": "CVE-1", "package": "a", "version": "1", "severity": "Critical"},
                {"id": "CVE-2", "package": "b", "version": "2", "severity": "dreadful"},
            ],
        }))
        .unwrap();
        assert_eq!(report.severity, Severity::Critical);
        let rows: Vec<_> = report
            .vulnerabilities
            .iter()
            .map(|it| (it.id.as_str(), it.severity))
            .collect();
        assert_eq!(
            rows,
            [("CVE-1", Severity::Critical), ("CVE-2", Severity::Unknown)]
        );
    }

    #[test]
    fn links_lead_to_the_web() {
        let row = json!({"id": "CVE-1", "package": "a", "links": ["javascript:x", "https://e.org"],
            "preferred_cvss": {"score_v3": 5.5, "else": [1]}});
        let report = read(&json!({"vulnerabilities": [row]})).unwrap();
        let item = &report.vulnerabilities[0];
        assert_eq!(item.links, ["https://e.org"]);
        assert_eq!(item.preferred_cvss.as_ref().unwrap().len(), 1);
    }

    #[test]
    fn a_report_without_rows_is_clean() {
        for empty in [
            json!({}),
            json!({"vulnerabilities": null}),
            json!({"vulnerabilities": []}),
        ] {
            assert_eq!(read(&empty).unwrap().severity, Severity::None);
        }
    }

    #[test]
    fn lies_are_refused() {
        for lie in [
            json!({"artifact": {"digest": "sha256:b"}, "vulnerabilities": []}),
            json!({"vulnerabilities": [{"id": "", "package": "a"}]}),
            json!({"vulnerabilities": [{"id": "CVE-1"}]}),
            json!({"vulnerabilities": "none"}),
            json!([1]),
        ] {
            assert!(read(&lie).is_err(), "{lie}");
        }
    }
}
