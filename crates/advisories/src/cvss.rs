//! CVSS vectors: which version they are of and the base score they come to.
//!
//! Invariant: a vector that cannot be read has no score; none is ever guessed.

use ::cvss::{Cvss, v2};

use crate::Severity;

/// No vector of any version is longer.
const LONGEST: usize = 512;

/// The versions of CVSS, the one to prefer last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CvssVersion {
    /// 2.0.
    V2,
    /// 3.0 or 3.1.
    V3,
    /// 4.0.
    V4,
}

/// A vector that could be read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CvssScore {
    /// Which version it is of.
    pub version: CvssVersion,
    /// The base score, 0.0 to 10.0 in tenths.
    pub score: f64,
}

/// Reads a vector of any version; version 2 with or without parentheses.
pub fn cvss_score(vector: &str) -> Option<CvssScore> {
    let vector = vector.trim();
    if vector.len() > LONGEST || !vector.is_ascii() {
        return None;
    }
    let (version, score) = if vector.starts_with("CVSS:3") || vector.starts_with("CVSS:4") {
        let parsed: Cvss = vector.parse().ok()?;
        let version = match parsed {
            Cvss::CvssV40(_) => CvssVersion::V4,
            _ => CvssVersion::V3,
        };
        (version, parsed.score())
    } else {
        let plain = vector
            .trim_start_matches("CVSS2#")
            .trim_start_matches("CVSS:2.0/")
            .trim_matches(['(', ')']);
        let parsed: v2::Vector = plain.parse().ok()?;
        (CvssVersion::V2, parsed.score().value())
    };
    score.is_finite().then_some(CvssScore {
        version,
        score: (score.clamp(0.0, 10.0) * 10.0).round() / 10.0,
    })
}

/// The severity by the newest version among the vectors; the worst of several of that version.
pub fn cvss_severity<'a>(vectors: impl IntoIterator<Item = &'a str>) -> Option<Severity> {
    vectors
        .into_iter()
        .filter_map(cvss_score)
        .max_by(|a, b| {
            a.version
                .cmp(&b.version)
                .then_with(|| a.score.total_cmp(&b.score))
        })
        .map(|best| Severity::from_score(best.score))
}

#[cfg(test)]
mod tests {
    use super::{CvssVersion, cvss_score, cvss_severity};
    use crate::Severity;

    #[test]
    fn each_version_has_its_score() {
        for (vector, version, score) in [
            (
                "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
                CvssVersion::V3,
                9.8,
            ),
            (
                "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N",
                CvssVersion::V3,
                6.1,
            ),
            (
                "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:N",
                CvssVersion::V3,
                7.5,
            ),
            (
                "CVSS:3.1/AV:L/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N",
                CvssVersion::V3,
                0.0,
            ),
            (
                "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
                CvssVersion::V4,
                9.3,
            ),
            ("AV:N/AC:L/Au:N/C:P/I:P/A:P", CvssVersion::V2, 7.5),
            ("(AV:N/AC:L/Au:N/C:N/I:N/A:C)", CvssVersion::V2, 7.8),
        ] {
            let read = cvss_score(vector).expect(vector);
            assert_eq!((read.version, read.score), (version, score), "{vector}");
        }
    }

    #[test]
    fn what_is_no_vector_has_no_score() {
        for text in [
            "",
            "7.5",
            "CVSS:3.1/",
            "CVSS:9.0/AV:N",
            "CVSS:3.1/AV:N/AV:L",
            "é",
        ] {
            assert!(cvss_score(text).is_none(), "{text}");
        }
        assert_eq!(cvss_severity(["nothing"]), None);
        assert_eq!(
            cvss_severity([
                "AV:N/AC:L/Au:N/C:C/I:C/A:C",
                "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N",
            ]),
            Some(Severity::Medium)
        );
    }
}
