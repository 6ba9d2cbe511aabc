//! The importers of other feeds than OSV.

use berth_advisories::{
    Advisory, AdvisoryIndex, Epss, FeedError, PackageKind, Severity, parse_alpine_secdb, parse_kev,
    read_debian_tracker, read_epss,
};

use crate::matching::{distro, package};

const TRACKER: &str = r#"{"curl":{
  "CVE-2024-0001":{"description":"text","debianbug":1,"scope":"remote","releases":{
    "bookworm":{"status":"resolved","repositories":{"bookworm":"7.88.1-10"},"fixed_version":"7.88.1-10+deb12u5","urgency":"low"},
    "trixie":{"status":"resolved","fixed_version":"0","urgency":"unimportant"},
    "bullseye":{"status":"open","urgency":"end-of-life"},
    "buster":{"status":"open","urgency":"medium**","nodsa":"Minor issue","nodsa_reason":"ignored"},
    "sid":{"status":"undetermined","urgency":"not yet assigned"},
    "unheard-of":{"status":"open","urgency":"high"}}},
  "CVE-2024-0002":{"releases":{
    "bookworm":{"status":"open","urgency":"not yet assigned","nodsa":"Minor issue","nodsa_reason":"postponed"},
    "bullseye":{"status":"open","urgency":"unimportant"},
    "buster":{"status":"open","nodsa":"Minor issue","nodsa_reason":""}}},
  "CVE-2024-0003":{"releases":{"bookworm":{"status":"resolved","fixed_version":"0"}}}},
 "odd":{"CVE-2024-0004":7}}"#;

fn tracker(json: &str) -> Result<Vec<Advisory>, FeedError> {
    let mut advisories = Vec::new();
    read_debian_tracker(json.as_bytes(), |advisory| {
        advisories.push(advisory);
        Ok(())
    })?;
    Ok(advisories)
}

#[test]
fn the_tracker_tells_fixed_from_not_fixed() {
    let advisories = tracker(TRACKER).expect("a tracker");
    let ids: Vec<&str> = advisories.iter().map(|one| one.feed_id.as_str()).collect();
    assert_eq!(ids, ["CVE-2024-0001/curl", "CVE-2024-0002/curl"]);
    let index: AdvisoryIndex = advisories.into_iter().collect();
    let found = |release: &str| -> Vec<(String, String, Severity)> {
        let curl = package(PackageKind::Deb, "curl", "7.88.1-10");
        let hits = index
            .matches(&curl, Some(&distro("debian", release)))
            .expect("covered");
        hits.iter()
            .map(|hit| {
                let fixed = hit.matched.fixed_version.clone().unwrap_or_default();
                let verdict = format!("{} {fixed}", hit.matched.status.as_str());
                (
                    hit.advisory.id.clone(),
                    verdict.trim().to_owned(),
                    hit.advisory.severity_for(hit.affected),
                )
            })
            .collect()
    };
    let expect = |rows: &[(&str, &str, Severity)]| -> Vec<(String, String, Severity)> {
        rows.iter()
            .map(|(id, verdict, severity)| ((*id).to_owned(), (*verdict).to_owned(), *severity))
            .collect()
    };
    assert_eq!(
        found("12"),
        expect(&[
            ("CVE-2024-0001", "fixed 7.88.1-10+deb12u5", Severity::Low),
            ("CVE-2024-0002", "fix_deferred", Severity::Unknown),
        ])
    );
    assert_eq!(
        found("11"),
        expect(&[
            ("CVE-2024-0001", "end_of_life", Severity::Unknown),
            ("CVE-2024-0002", "affected", Severity::Negligible),
        ])
    );
    assert_eq!(
        found("10"),
        expect(&[
            ("CVE-2024-0001", "will_not_fix", Severity::Medium),
            ("CVE-2024-0002", "fix_deferred", Severity::Unknown),
        ])
    );
    assert_eq!(found("13"), expect(&[]));
}

#[test]
fn a_broken_tracker_names_the_place() {
    let Err(FeedError::Malformed { entry, .. }) = tracker(&TRACKER[..TRACKER.len() / 2]) else {
        panic!("half a tracker is none");
    };
    assert_eq!(entry, "curl, CVE-2024-0001");
    for json in ["", "[]", "{\"a\":[]}", "{} {}", &"{\"a\":".repeat(10_000)] {
        assert!(
            matches!(tracker(json), Err(FeedError::Malformed { .. })),
            "{}",
            json.len()
        );
    }
    let stopped = read_debian_tracker(TRACKER.as_bytes(), |_| Err("the disk is full".to_owned()));
    assert_eq!(
        stopped,
        Err(FeedError::Stopped("the disk is full".to_owned()))
    );
}

#[test]
fn alpine_lists_fixes() {
    let json = r#"{"distroversion":"v3.20","reponame":"main","urlprefix":"https://dl-cdn.alpinelinux.org/alpine","packages":[
      {"pkg":{"name":"musl","secfixes":{"0":["CVE-2017-0001"],"1.2.5-r1":["CVE-2025-26519"],
        "1.2.5-r3":["CVE_2025-26519 (+ regression fix)","XSA-1 XPA","CVE-2025-0001 CVE-2025-0002"]}}},
      {"pkg":{"name":"odd","secfixes":[]}},{"other":1}]}"#;
    let advisories = parse_alpine_secdb("main.json", json.as_bytes()).expect("a database");
    let rows: Vec<(&str, &str)> = advisories
        .iter()
        .map(|one| (one.id.as_str(), one.affected[0].ranges[0][1].version()))
        .collect();
    assert_eq!(
        rows,
        [
            ("CVE-2025-0001", "1.2.5-r3"),
            ("CVE-2025-0002", "1.2.5-r3"),
            ("CVE-2025-26519", "1.2.5-r3"),
            ("XSA-1", "1.2.5-r3"),
        ]
    );
    assert_eq!(
        advisories[0].affected[0].ecosystem.to_string(),
        "alpine:3.20"
    );
    let index: AdvisoryIndex = advisories.into_iter().collect();
    let alpine = distro("alpine", "3.20.3");
    let hits = |version| {
        let musl = package(PackageKind::Apk, "musl", version);
        index.matches(&musl, Some(&alpine)).expect("covered").len()
    };
    assert_eq!((hits("1.2.5-r0"), hits("1.2.5-r3")), (4, 0));
    for json in [
        "",
        "{}",
        r#"{"distroversion":"x","packages":[]}"#,
        r#"{"distroversion":"v3.20"}"#,
    ] {
        assert!(
            parse_alpine_secdb("main.json", json.as_bytes()).is_err(),
            "{json}"
        );
    }
}

#[test]
fn exploited_vulnerabilities() {
    let json = r#"{"title":"x","vulnerabilities":[
      {"cveID":"CVE-2024-0001","dateAdded":"1970-01-02","dueDate":"1970-01-03","knownRansomwareCampaignUse":"Known"},
      {"cveID":"CVE-2024-0002","dateAdded":"1970-01-02","knownRansomwareCampaignUse":"Unknown"},
      {"cveID":"nonsense","dateAdded":"1970-01-02"},{"cveID":"CVE-2024-0003"},7]}"#;
    let known = parse_kev("kev.json", json.as_bytes()).expect("a catalogue");
    assert_eq!(known.len(), 2);
    assert_eq!(
        (known[0].added, known[0].ransomware),
        (86_400_000_000, true)
    );
    assert_eq!((known[1].due, known[1].ransomware), (None, false));
    assert!(parse_kev("kev.json", b"{}").is_err());
}

#[test]
fn probabilities() {
    let read = |csv: &str| {
        let mut rows: Vec<Epss> = Vec::new();
        read_epss("epss.csv", csv.as_bytes(), |row| {
            rows.push(row);
            Ok(())
        })
        .map(|count| (count, rows))
    };
    let (count, rows) = read(
        "#model_version:v2025.03.14,score_date:2025-08-25T12:55:00Z\ncve,epss,percentile\nCVE-1999-0001,0.01025,0.76517\r\nCVE-1999-0002,1.0,1\n",
    )
    .expect("a list");
    assert_eq!(count, 2);
    assert!((rows[0].score - 0.01025).abs() < 1e-9 && (rows[0].percentile - 0.76517).abs() < 1e-9);
    let Err(FeedError::Malformed { entry, .. }) =
        read("CVE-1999-0001,0.1,0.2\nCVE-1999-0002,7,1\n")
    else {
        panic!("seven is no probability");
    };
    assert_eq!(entry, "epss.csv, line 2");
    assert!(matches!(
        read(&"x".repeat(10_000)),
        Err(FeedError::TooLarge { .. })
    ));
    assert!(read("CVE-1999-0001,NaN,0.2\n").is_err());
}
