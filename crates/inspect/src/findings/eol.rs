//! When the support of distributions ends.

use berth_advisories::Distro;

/// The last day of public support, long-term support without payment included. A distribution that
/// is not listed has no end that we know.
const ENDS: &[(&str, &str, &str)] = &[
    ("debian", "8", "2020-06-30"),
    ("debian", "9", "2022-06-30"),
    ("debian", "10", "2024-06-30"),
    ("debian", "11", "2026-08-31"),
    ("debian", "12", "2028-06-30"),
    ("debian", "13", "2030-06-30"),
    ("ubuntu", "14.04", "2019-04-25"),
    ("ubuntu", "16.04", "2021-04-30"),
    ("ubuntu", "18.04", "2023-05-31"),
    ("ubuntu", "20.04", "2025-05-31"),
    ("ubuntu", "22.04", "2027-04-21"),
    ("ubuntu", "23.10", "2024-07-11"),
    ("ubuntu", "24.04", "2029-05-31"),
    ("ubuntu", "24.10", "2025-07-10"),
    ("ubuntu", "25.04", "2026-01-15"),
    ("ubuntu", "25.10", "2026-07-15"),
    ("alpine", "3.10", "2021-05-01"),
    ("alpine", "3.11", "2021-11-01"),
    ("alpine", "3.12", "2022-05-01"),
    ("alpine", "3.13", "2022-11-01"),
    ("alpine", "3.14", "2023-05-01"),
    ("alpine", "3.15", "2023-11-01"),
    ("alpine", "3.16", "2024-05-23"),
    ("alpine", "3.17", "2024-11-22"),
    ("alpine", "3.18", "2025-05-09"),
    ("alpine", "3.19", "2025-11-01"),
    ("alpine", "3.20", "2026-04-01"),
    ("alpine", "3.21", "2026-11-01"),
    ("alpine", "3.22", "2027-05-01"),
    ("centos", "6", "2020-11-30"),
    ("centos", "7", "2024-06-30"),
    ("centos", "8", "2021-12-31"),
    ("almalinux", "8", "2029-03-01"),
    ("almalinux", "9", "2032-05-31"),
    ("almalinux", "10", "2035-05-31"),
    ("rocky", "8", "2029-05-31"),
    ("rocky", "9", "2032-05-31"),
    ("rocky", "10", "2035-05-31"),
    ("ol", "7", "2024-12-31"),
    ("ol", "8", "2029-07-31"),
    ("ol", "9", "2032-06-30"),
    ("rhel", "6", "2020-11-30"),
    ("rhel", "7", "2024-06-30"),
    ("rhel", "8", "2029-05-31"),
    ("rhel", "9", "2032-05-31"),
    ("rhel", "10", "2035-05-31"),
    ("amzn", "2018.03", "2023-12-31"),
    ("amzn", "2", "2026-06-30"),
    ("amzn", "2023", "2029-06-30"),
    ("fedora", "39", "2024-11-26"),
    ("fedora", "40", "2025-05-13"),
    ("fedora", "41", "2025-12-15"),
    ("fedora", "42", "2026-05-13"),
];

/// The last day of support, `YYYY-MM-DD`.
pub fn end_of_support(distro: &Distro) -> Option<&'static str> {
    let version = distro.version_id.as_str();
    let matches = |known: &str| {
        version == known
            || version
                .strip_prefix(known)
                .is_some_and(|rest| rest.starts_with('.') && distro.id != "ubuntu")
    };
    ENDS.iter()
        .find(|(id, known, _)| *id == distro.id && matches(known))
        .map(|(_, _, end)| *end)
}

/// Whether support is over on the day `today`, `YYYY-MM-DD`.
pub fn is_over(distro: &Distro, today: &str) -> bool {
    end_of_support(distro).is_some_and(|end| today > end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_known() {
        let distro = |id: &str, version: &str| Distro {
            id: id.into(),
            version_id: version.into(),
            ..Distro::default()
        };
        assert_eq!(
            end_of_support(&distro("alpine", "3.18.4")),
            Some("2025-05-09")
        );
        assert_eq!(end_of_support(&distro("alpine", "3.1")), None);
        assert_eq!(
            end_of_support(&distro("almalinux", "9.4")),
            Some("2032-05-31")
        );
        assert!(is_over(&distro("debian", "10"), "2024-07-01"));
        assert!(!is_over(&distro("debian", "10"), "2024-06-30"));
        assert!(!is_over(&distro("gentoo", ""), "2099-01-01"));
        assert!(ENDS.iter().all(|(_, _, end)| end.len() == 10));
    }
}
