//! What each target of `berth-advisories` does with its bytes, and what must then hold.
//!
//! `crates/advisories/tests/it` includes this file and runs the same functions over `seeds/` and
//! mutations of it. It is no module of the library: that one is included by another crate's tests.

use berth_advisories::{
    Advisory, AdvisoryIndex, OsvOptions, Package, PackageKind, Purl, parse_alpine_secdb, parse_kev,
    parse_openvex, parse_osv, read_debian_tracker, read_epss, version,
};

/// A function that takes any bytes.
pub type Entry = fn(&[u8]);

/// Every target, by its name and the name of its folder under `seeds`.
pub const ENTRIES: [(&str, Entry); 7] = [
    ("advisories_osv", osv),
    ("advisories_debian_tracker", debian_tracker),
    ("advisories_alpine_secdb", alpine_secdb),
    ("advisories_exploited", exploited),
    ("advisories_version", compare),
    ("advisories_purl", purl),
    ("advisories_openvex", openvex),
];

/// What holds of every advisory that an importer lets through.
fn is_settled(advisory: &Advisory) {
    assert!(!advisory.id.is_empty() && !advisory.feed_id.is_empty());
    assert!(!advisory.vulnerabilities.is_empty());
    let stored = serde_json::to_string(advisory).expect("an advisory is JSON");
    let read: Advisory = serde_json::from_str(&stored).expect("and reads again");
    assert_eq!(&read, advisory);
    assert_eq!(read.fingerprint(), advisory.fingerprint());
    advisory.severity();
    // Whatever it says can be asked about.
    let index: AdvisoryIndex = [advisory.clone()].into_iter().collect();
    for affected in advisory.affected.iter().take(8) {
        let kind = affected.ecosystem.kind();
        for event in affected.ranges.iter().flatten().take(8) {
            let package = Package {
                kind,
                name: affected.name.clone(),
                version: event.version().to_owned(),
                architecture: None,
                source: None,
                module: None,
                vendor: None,
                licenses: Vec::new(),
            };
            let _ = index.matches(&package, None);
        }
    }
}

/// Advisories in the OSV format.
pub fn osv(bytes: &[u8]) {
    for binary_names in [false, true] {
        if let Ok(parsed) = parse_osv("fuzz", bytes, OsvOptions { binary_names }) {
            is_settled(&parsed.advisory);
        }
    }
}

/// The Debian security tracker.
pub fn debian_tracker(bytes: &[u8]) {
    let _ = read_debian_tracker(bytes, |advisory| {
        is_settled(&advisory);
        Ok(())
    });
}

/// Alpine's security database.
pub fn alpine_secdb(bytes: &[u8]) {
    for advisory in parse_alpine_secdb("fuzz", bytes).into_iter().flatten() {
        is_settled(&advisory);
    }
}

/// The catalogue of exploited vulnerabilities, and probabilities of exploitation.
pub fn exploited(bytes: &[u8]) {
    for known in parse_kev("fuzz", bytes).into_iter().flatten() {
        assert!(known.cve.starts_with("CVE-"));
    }
    let _ = read_epss("fuzz", bytes, |epss| {
        assert!((0.0..=1.0).contains(&epss.score) && (0.0..=1.0).contains(&epss.percentile));
        Ok(())
    });
}

/// Three versions, a line each: an order by every kind's rules.
pub fn compare(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let mut lines = text.lines();
    let [a, b, c] = [(); 3].map(|()| lines.next().unwrap_or_default());
    for kind in [
        PackageKind::Deb,
        PackageKind::Apk,
        PackageKind::Rpm,
        PackageKind::Npm,
        PackageKind::Pypi,
        PackageKind::Golang,
        PackageKind::Maven,
        PackageKind::Gem,
        PackageKind::Composer,
        PackageKind::Nuget,
    ] {
        let order = |a: &str, b: &str| version::compare(kind, a, b);
        assert!(order(a, a).is_eq());
        assert_eq!(order(a, b), order(b, a).reverse());
        if order(a, b).is_le() && order(b, c).is_le() {
            assert_eq!(order(a, c), order(a, b).then(order(b, c)));
        }
        version::is_valid(kind, a);
    }
}

/// Package URLs.
pub fn purl(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let Ok(purl) = text.parse::<Purl>() else {
        return;
    };
    assert_eq!(purl.to_string().parse(), Ok(purl.clone()), "{purl}");
    assert!(purl.covers(&purl));
    if let Some(package) = purl.package() {
        let _ = Purl::of(&package, None).to_string();
    }
}

/// OpenVEX documents.
pub fn openvex(bytes: &[u8]) {
    if let Ok(document) = parse_openvex("fuzz", bytes) {
        for statement in &document.statements {
            assert!(!statement.vulnerabilities.is_empty());
        }
    }
}
