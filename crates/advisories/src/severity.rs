//! How grave a vulnerability is, by Harbor's names and codes.
//!
//! Invariant: who packages knows best: a feed's own rating comes before any score.

use serde::{Deserialize, Serialize};

/// Ordered from the least to the gravest.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub enum Severity {
    /// Nothing was found; only a whole report has it.
    None,
    /// Nobody has rated it yet.
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
    /// The name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Unknown => "Unknown",
            Self::Negligible => "Negligible",
            Self::Low => "Low",
            Self::Medium => "Medium",
            Self::High => "High",
            Self::Critical => "Critical",
        }
    }

    /// The number by which severities are compared with a threshold.
    pub fn code(self) -> u8 {
        match self {
            Self::None | Self::Unknown => 0,
            Self::Negligible => 1,
            Self::Low => 2,
            Self::Medium => 3,
            Self::High => 4,
            Self::Critical => 5,
        }
    }

    /// Reads the word by which a feed rates: its own, Debian's, Red Hat's or GitHub's.
    ///
    /// `None` where the word says that nobody has rated it.
    pub fn from_word(word: &str) -> Option<Self> {
        // Debian marks a rating that it guessed with asterisks.
        let word = word.trim().trim_end_matches('*');
        [
            ("critical", Self::Critical),
            ("important", Self::High),
            ("high", Self::High),
            ("moderate", Self::Medium),
            ("medium", Self::Medium),
            ("low", Self::Low),
            ("negligible", Self::Negligible),
            ("unimportant", Self::Negligible),
        ]
        .into_iter()
        .find_map(|(name, severity)| word.eq_ignore_ascii_case(name).then_some(severity))
    }

    /// The band that a CVSS score falls into; 0 is a vulnerability without impact.
    pub fn from_score(score: f64) -> Self {
        match score {
            score if score >= 9.0 => Self::Critical,
            score if score >= 7.0 => Self::High,
            score if score >= 4.0 => Self::Medium,
            score if score > 0.0 => Self::Low,
            _ => Self::Negligible,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Severity;

    #[test]
    fn words_and_scores() {
        assert_eq!(Severity::from_word("MODERATE"), Some(Severity::Medium));
        assert_eq!(Severity::from_word("low**"), Some(Severity::Low));
        assert_eq!(Severity::from_word("not yet assigned"), None);
        assert_eq!(Severity::from_score(9.0), Severity::Critical);
        assert_eq!(Severity::from_score(8.9), Severity::High);
        assert_eq!(Severity::from_score(0.1), Severity::Low);
        assert!(Severity::Unknown < Severity::Negligible);
        assert_eq!(Severity::Critical.code(), 5);
    }
}
