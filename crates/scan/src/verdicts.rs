//! What somebody has said about vulnerabilities: OpenVEX documents, and lists of what is ignored.
//!
//! Invariant: no vulnerability disappears: one that does not count is kept in the report with who
//! says so.

use std::fs;
use std::io::Read;
use std::path::Path;

use berth_advisories::{Purl, VexDocument, VexSubject, parse_openvex, vex_verdict};
use berth_model::Timestamp;

use crate::{Ignored, Report, ScanError, Vulnerability};

/// Largest document.
const LARGEST: u64 = 16 * 1024 * 1024;

/// What has been said.
#[derive(Debug, Default)]
pub struct Verdicts {
    documents: Vec<VexDocument>,
    allowed: Vec<Allowed>,
}

/// An entry of a list.
#[derive(Debug)]
struct Allowed {
    /// A vulnerability, or the rule of a finding.
    id: String,
    /// It counts from then on.
    until: Option<Timestamp>,
    reason: String,
}

impl Allowed {
    fn is_in_force(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl Verdicts {
    /// Adds an OpenVEX document.
    ///
    /// # Errors
    /// When it cannot be read or is none.
    pub fn add_vex(&mut self, path: &Path) -> Result<(), ScanError> {
        let bytes = read(path)?;
        let document = parse_openvex("the document", &bytes).map_err(|cause| ScanError::Feed {
            path: path.to_owned(),
            cause,
        })?;
        self.documents.push(document);
        Ok(())
    }

    /// Ignores a vulnerability, or a rule of secrets and practice.
    pub fn ignore(&mut self, id: impl Into<String>) {
        self.allowed.push(Allowed {
            id: id.into(),
            until: None,
            reason: "ignored on the command line".to_owned(),
        });
    }

    /// Adds a list: an id on each line, `exp:2026-12-31` behind it where it ends, and comments
    /// after `#`, the last of which is the reason.
    ///
    /// # Errors
    /// When it cannot be read or a line is none of this.
    pub fn add_list(&mut self, path: &Path) -> Result<(), ScanError> {
        let text = String::from_utf8_lossy(&read(path)?).into_owned();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        for (nr, line) in text.lines().enumerate() {
            let broken = |problem: &str| ScanError::List {
                path: path.to_owned(),
                line: nr + 1,
                problem: problem.to_owned(),
            };
            let (entry, comment) = line.split_once('#').unwrap_or((line, ""));
            let mut words = entry.split_whitespace();
            let Some(id) = words.next() else {
                continue;
            };
            let until = words
                .next()
                .map(|word| {
                    let date = word.strip_prefix("exp:").and_then(Timestamp::parse);
                    date.ok_or_else(|| broken("after the id only `exp:2026-12-31` may follow"))
                })
                .transpose()?;
            if words.next().is_some() {
                return Err(broken("one line is one id: put words behind a #"));
            }
            let reason = match comment.trim() {
                "" => name.to_string(),
                comment => format!("{name}: {comment}"),
            };
            self.allowed.push(Allowed {
                id: id.to_owned(),
                until,
                reason,
            });
        }
        Ok(())
    }

    /// Takes out of the report what does not count.
    pub fn apply(&self, report: &mut Report, now: Timestamp) {
        let digests: Vec<String> = report
            .digest
            .iter()
            .chain(&report.indexes)
            .cloned()
            .collect();
        let digests: Vec<&str> = digests.iter().map(String::as_str).collect();
        for it in std::mem::take(&mut report.vulnerabilities) {
            match self.reason(&it, &digests, now) {
                Some(reason) => report.ignored.push(Ignored {
                    vulnerability: it,
                    reason,
                }),
                None => report.vulnerabilities.push(it),
            }
        }
        let allows = |rule: &str| self.allows(&[rule], now).is_some();
        report.findings.retain(|it| !allows(&it.finding.rule));
        report.practice.retain(|it| !allows(&it.rule));
    }

    fn allows(&self, ids: &[&str], now: Timestamp) -> Option<&Allowed> {
        self.allowed
            .iter()
            .find(|it| it.is_in_force(now) && ids.contains(&it.id.as_str()))
    }

    fn reason(&self, it: &Vulnerability, digests: &[&str], now: Timestamp) -> Option<String> {
        let mut ids = vec![it.id.as_str()];
        ids.extend(it.aliases.iter().map(String::as_str));
        if let Some(allowed) = self.allows(&ids, now) {
            return Some(allowed.reason.clone());
        }
        let purl: Purl = it.purl.parse().ok()?;
        let subject = VexSubject {
            vulnerabilities: &ids,
            package: &purl,
            digests,
            image: None,
        };
        let said = vex_verdict(&self.documents, &subject).filter(|it| it.status.silences())?;
        let why = said.justification.as_deref().unwrap_or_default();
        Some(
            format!("VEX: {} {why}", said.status.as_str())
                .trim_end()
                .to_owned(),
        )
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ScanError> {
    let failed = |cause| ScanError::read(path, cause);
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(bytes)
}
