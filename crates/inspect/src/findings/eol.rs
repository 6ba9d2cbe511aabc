//! When distributions stop to mend what is found in them.
//!
//! The invariant: a release that is not listed has no end that is known, and gives no finding; what
//! is over is judged by the day on which somebody asks, and never stored.

use berth_advisories::Distro;

use super::{Finding, Severity};

/// The rule of these findings: images are to be built on what still gets security updates (CIS
/// Docker Benchmark, 4.4).
pub const RULE: &str = "CIS-DI-0004";

/// A release: who makes it, `VERSION_ID` or its beginning, the last day on which all of it gets
/// security updates, and the last day on which much of it gets them from others, without payment
/// (Debian's long-term support).
type Release = (
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
);

const RELEASES: &[Release] = &[
    ("debian", "7", "2016-04-25", Some("2018-05-31")),
    ("debian", "8", "2018-06-17", Some("2020-06-30")),
    ("debian", "9", "2020-07-18", Some("2022-06-30")),
    ("debian", "10", "2022-09-10", Some("2024-06-30")),
    ("debian", "11", "2024-08-14", Some("2026-08-31")),
    ("debian", "12", "2026-07-11", Some("2028-06-30")),
    ("debian", "13", "2028-08-09", Some("2030-06-30")),
    ("ubuntu", "14.04", "2019-04-25", None),
    ("ubuntu", "16.04", "2021-04-30", None),
    ("ubuntu", "18.04", "2023-05-31", None),
    ("ubuntu", "18.10", "2019-07-18", None),
    ("ubuntu", "19.04", "2020-01-23", None),
    ("ubuntu", "19.10", "2020-07-17", None),
    ("ubuntu", "20.04", "2025-05-29", None),
    ("ubuntu", "20.10", "2021-07-22", None),
    ("ubuntu", "21.04", "2022-01-20", None),
    ("ubuntu", "21.10", "2022-07-14", None),
    ("ubuntu", "22.04", "2027-06-01", None),
    ("ubuntu", "22.10", "2023-07-20", None),
    ("ubuntu", "23.04", "2024-01-25", None),
    ("ubuntu", "23.10", "2024-07-11", None),
    ("ubuntu", "24.04", "2029-05-31", None),
    ("ubuntu", "24.10", "2025-07-10", None),
    ("ubuntu", "25.04", "2026-01-15", None),
    ("ubuntu", "25.10", "2026-07-09", None),
    ("ubuntu", "26.04", "2031-05-29", None),
    ("alpine", "3.6", "2019-05-01", None),
    ("alpine", "3.7", "2019-11-01", None),
    ("alpine", "3.8", "2020-05-01", None),
    ("alpine", "3.9", "2020-11-01", None),
    ("alpine", "3.10", "2021-05-01", None),
    ("alpine", "3.11", "2021-11-01", None),
    ("alpine", "3.12", "2022-05-01", None),
    ("alpine", "3.13", "2022-11-01", None),
    ("alpine", "3.14", "2023-05-01", None),
    ("alpine", "3.15", "2023-11-01", None),
    ("alpine", "3.16", "2024-05-23", None),
    ("alpine", "3.17", "2024-11-22", None),
    ("alpine", "3.18", "2025-05-09", None),
    ("alpine", "3.19", "2025-11-01", None),
    ("alpine", "3.20", "2026-04-01", None),
    ("alpine", "3.21", "2026-11-01", None),
    ("alpine", "3.22", "2027-05-01", None),
    ("alpine", "3.23", "2027-11-01", None),
    ("rhel", "6", "2020-11-30", None),
    ("rhel", "7", "2024-06-30", None),
    ("rhel", "8", "2029-05-31", None),
    ("rhel", "9", "2032-05-31", None),
    ("rhel", "10", "2035-05-31", None),
    // Of Linux and Stream, which have the same name, the one that ended last.
    ("centos", "6", "2020-11-30", None),
    ("centos", "7", "2024-06-30", None),
    ("centos", "8", "2024-05-31", None),
    ("centos", "9", "2027-05-31", None),
    ("almalinux", "8", "2029-03-01", None),
    ("almalinux", "9", "2032-05-31", None),
    ("almalinux", "10", "2035-05-31", None),
    ("rocky", "8", "2029-05-31", None),
    ("rocky", "9", "2032-05-31", None),
    ("rocky", "10", "2035-05-31", None),
    ("ol", "6", "2021-03-31", None),
    ("ol", "7", "2024-12-31", None),
    ("ol", "8", "2029-07-31", None),
    ("ol", "9", "2032-06-30", None),
    ("ol", "10", "2035-06-30", None),
    ("opensuse-leap", "15.0", "2019-12-03", None),
    ("opensuse-leap", "15.1", "2021-02-02", None),
    ("opensuse-leap", "15.2", "2022-01-04", None),
    ("opensuse-leap", "15.3", "2022-12-31", None),
    ("opensuse-leap", "15.4", "2023-12-07", None),
    ("opensuse-leap", "15.5", "2024-12-31", None),
    ("opensuse-leap", "15.6", "2026-04-30", None),
    ("opensuse-leap", "16.0", "2027-10-31", None),
    ("sles", "12.4", "2020-06-30", None),
    ("sles", "12.5", "2024-10-31", None),
    ("sles", "15", "2019-12-31", None),
    ("sles", "15.1", "2021-01-31", None),
    ("sles", "15.2", "2021-12-31", None),
    ("sles", "15.3", "2022-12-31", None),
    ("sles", "15.4", "2023-12-31", None),
    ("sles", "15.5", "2024-12-31", None),
    ("sles", "15.6", "2025-12-31", None),
    ("sles", "15.7", "2031-07-31", None),
    ("amzn", "2018.03", "2023-12-31", None),
    ("amzn", "2", "2026-06-30", None),
    ("amzn", "2023", "2029-06-30", None),
    ("fedora", "36", "2023-05-16", None),
    ("fedora", "37", "2023-12-05", None),
    ("fedora", "38", "2024-05-21", None),
    ("fedora", "39", "2024-11-26", None),
    ("fedora", "40", "2025-05-13", None),
    ("fedora", "41", "2025-12-15", None),
    ("fedora", "42", "2026-05-13", None),
];

/// Whether each release of a distribution is listed by its whole number: what follows a point names
/// another release there, and not an update of one.
fn is_exact(id: &str) -> bool {
    matches!(id, "ubuntu" | "sles" | "opensuse-leap")
}

fn release(distro: &Distro) -> Option<&'static Release> {
    let version = distro.version_id.as_str();
    let fits = |listed: &str| match version.strip_prefix(listed) {
        Some("") => true,
        Some(rest) => rest.starts_with('.') && !is_exact(&distro.id),
        None => false,
    };
    let mut releases = RELEASES.iter();
    releases.find(|(id, listed, ..)| *id == distro.id && fits(listed))
}

/// What is to be said of a distribution on the day `today`, `YYYY-MM-DD`.
pub fn check(distro: &Distro, today: &str) -> Option<Finding> {
    let (id, listed, end, longer) = release(distro)?;
    let finding = |severity, title: String, detail: String| Finding {
        path: String::new(),
        line: None,
        rule: RULE.to_owned(),
        severity,
        title,
        detail,
    };
    let last = longer.unwrap_or(end);
    if today > last {
        return Some(finding(
            Severity::High,
            format!("{id} {listed} is past its end of life"),
            format!(
                "there have been no security updates for everybody since {last}: build on a \
                 release that gets them"
            ),
        ));
    }
    (today > *end).then(|| {
        finding(
            Severity::Info,
            format!("{id} {listed} is in long-term support"),
            format!(
                "the distribution's own security updates ended on {end}, and those of volunteers, \
                 for a part of it, end on {last}: plan to build on a later release"
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distro(id: &str, version: &str) -> Distro {
        Distro {
            id: id.into(),
            version_id: version.into(),
            ..Distro::default()
        }
    }

    fn grave(id: &str, version: &str, today: &str) -> Option<Severity> {
        check(&distro(id, version), today).map(|finding| finding.severity)
    }

    #[test]
    fn the_last_day_is_a_good_one() {
        let (info, high) = (Some(Severity::Info), Some(Severity::High));
        assert_eq!(grave("debian", "10", "2022-09-10"), None);
        assert_eq!(grave("debian", "10", "2022-09-11"), info);
        assert_eq!(grave("debian", "10", "2024-06-30"), info);
        assert_eq!(grave("debian", "10", "2024-07-01"), high);
        assert_eq!(grave("ubuntu", "20.04", "2025-05-29"), None);
        assert_eq!(grave("ubuntu", "20.04", "2025-05-30"), high);
        let said = check(&distro("alpine", "3.18.4"), "2026-01-01").unwrap();
        assert_eq!(said.title, "alpine 3.18 is past its end of life");
        assert!(said.detail.contains("since 2025-05-09"), "{}", said.detail);
    }

    #[test]
    fn a_release_is_no_other() {
        let far = "2099-01-01";
        assert!(grave("almalinux", "9.4", far).is_some());
        assert!(grave("amzn", "2", far).is_some());
        assert_eq!(grave("amzn", "2", "2026-06-30"), None);
        assert_eq!(grave("amzn", "2023.6", "2026-07-01"), None);
        // Alpine 3.1 is not 3.10, and a service pack is a release.
        assert_eq!(grave("alpine", "3.1", far), None);
        assert_eq!(grave("sles", "15.7", "2030-01-01"), None);
        assert!(grave("sles", "15", "2030-01-01").is_some());
        assert_eq!(grave("sles", "15.8", far), None);
        // What is not known is not judged.
        for (id, version) in [("gentoo", ""), ("debian", ""), ("debian", "99"), ("", "")] {
            assert_eq!(grave(id, version, far), None, "{id} {version}");
        }
    }

    #[test]
    fn the_table_is_made_of_days() {
        let is_day = |day: &str| {
            let numbers: Vec<Option<u32>> = day.split('-').map(|it| it.parse().ok()).collect();
            day.len() == 10 && matches!(numbers[..], [Some(2010..2050), Some(1..=12), Some(1..=31)])
        };
        for (nr, (id, version, end, longer)) in RELEASES.iter().enumerate() {
            assert!(is_day(end) && longer.is_none_or(is_day), "{id} {version}");
            assert!(longer.is_none_or(|longer| longer > *end), "{id} {version}");
            let same = |other: &Release| other.0 == *id && other.1 == *version;
            assert!(!RELEASES[nr + 1..].iter().any(same), "{id} {version} twice");
        }
    }
}
