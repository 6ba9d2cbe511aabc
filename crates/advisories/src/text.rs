//! What all importers share: bounds, times, identifiers and the error that names an entry.
//!
//! Invariant: nothing that a feed says makes a stored text longer than the bounds here.

use chrono::{DateTime, NaiveDate};
use serde_json::Value;

/// The longest identifier, package name or version that is taken.
pub(crate) const LONGEST_NAME: usize = 512;
/// The longest summary.
pub(crate) const LONGEST_SUMMARY: usize = 2_000;
/// The longest text.
pub(crate) const LONGEST_DETAILS: usize = 64_000;
/// How many links, aliases and the like an advisory may have.
pub(crate) const MOST_ITEMS: usize = 1_000;

/// A feed that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// The bytes are not what the format demands.
    #[error("{entry}: {reason}")]
    Malformed {
        /// Which entry, as far as it is known.
        entry: String,
        /// What is wrong.
        reason: String,
    },
    /// More than is taken from anybody.
    #[error("{entry}: larger than {limit} bytes")]
    TooLarge {
        /// Which entry.
        entry: String,
        /// The bound.
        limit: u64,
    },
    /// Whoever takes the entries has had enough.
    #[error("stopped: {0}")]
    Stopped(String),
}

impl FeedError {
    pub(crate) fn malformed(entry: &str, reason: impl ToString) -> Self {
        let mut reason = reason.to_string();
        reason.truncate(reason.floor_char_boundary(300));
        Self::Malformed {
            entry: cut(entry, LONGEST_NAME).to_owned(),
            reason,
        }
    }
}

/// The start of a text, at most so many bytes long.
pub(crate) fn cut(text: &str, longest: usize) -> &str {
    &text[..text.floor_char_boundary(longest)]
}

/// A name, identifier or version: trimmed, not empty, not long, no control characters.
pub(crate) fn name(text: &str) -> Option<&str> {
    let text = text.trim();
    let fits = !text.is_empty() && text.len() <= LONGEST_NAME && !text.contains(char::is_control);
    fits.then_some(text)
}

/// The texts of a list of JSON, whatever else is in it.
pub(crate) fn names(value: &Value) -> Vec<String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter_map(name)
        .take(MOST_ITEMS)
        .map(str::to_owned)
        .collect()
}

/// A time of RFC 3339 or a date, in microseconds UTC; times before 1970 are none.
pub(crate) fn time(text: &str) -> Option<i64> {
    let text = text.trim();
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.timestamp_micros())
        .ok()
        .or_else(|| {
            let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
            Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros())
        })
        .filter(|micros| *micros >= 0)
}

/// Whether it is the number of a CVE: `CVE-2024-12345`.
pub(crate) fn is_cve(text: &str) -> bool {
    let Some((year, number)) = text
        .strip_prefix("CVE-")
        .and_then(|rest| rest.split_once('-'))
    else {
        return false;
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    year.len() == 4 && digits(year) && (4..=12).contains(&number.len()) && digits(number)
}

/// The CVE in a text such as `CVE_2019-1234 (+ regression fix)` or `DEBIAN-CVE-2024-1`.
pub(crate) fn find_cve(text: &str) -> Option<String> {
    let start = text.find("CVE")?;
    let word = text[start..]
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
        .next()?
        .replace('_', "-");
    let mut parts = word.splitn(4, '-');
    let cve = format!("{}-{}-{}", parts.next()?, parts.next()?, parts.next()?);
    is_cve(&cve).then_some(cve)
}

#[cfg(test)]
mod tests {
    use super::{cut, find_cve, is_cve, name, time};

    #[test]
    fn identifiers_and_times() {
        assert!(is_cve("CVE-2024-12345") && !is_cve("CVE-24-1") && !is_cve("CVE-2024-1x345"));
        assert_eq!(
            find_cve("CVE_2019-1234 (+ regression fix)").as_deref(),
            Some("CVE-2019-1234")
        );
        assert_eq!(
            find_cve("DEBIAN-CVE-2024-0001").as_deref(),
            Some("CVE-2024-0001")
        );
        assert_eq!(find_cve("XSA-123"), None);
        assert_eq!(time("1970-01-02"), Some(86_400_000_000));
        assert_eq!(time("1970-01-01T00:00:01.5+00:00"), Some(1_500_000));
        assert_eq!(time("0001-01-01T00:00:00Z"), None);
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(name(" a\u{0}b "), None);
    }
}
