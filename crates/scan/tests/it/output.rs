//! The report in every form, held against the rules of each.

use std::collections::BTreeSet;

use berth_scan::output::{Format, write};
use berth_scan::{Report, Verdicts, scan};
use serde_json::{Value, json};

use crate::made::{DEBIAN, Layout, NOW, Stored, Tar, feeds, osv, status};

/// An image with something of everything, hostile texts among it.
fn report() -> Report {
    let layout = Layout::new();
    let key = format!("AKIA{}", "QYLPMN5HXWZ4KR7T");
    let layer = Tar::new()
        .file("etc/os-release", DEBIAN)
        .file(
            "var/lib/dpkg/status",
            status(&[("bash", "5.2-1"), ("curl", "8.0-1"), ("tar", "1")]),
        )
        .file(
            "app/a b/node_modules/left/package.json",
            r#"{"name":"left","version":"1.0.0"}"#,
        )
        .file(
            "app/c/node_modules/left/package.json",
            r#"{"name":"left","version":"1.0.0"}"#,
        )
        .file("app/settings.ini", format!("[aws]\nkey = {key}\n"))
        .end();
    let config = json!({"config": {"User": "root"},
        "history": [{"created_by": "RUN sudo apt-get update"}]});
    let image = layout.image(&[(layer, Stored::Gzip)], config);
    let layout = layout.tag(image, Some("registry.example/app:v1"));
    let mut forged = osv("CVE-2026-1001", "Debian:12", "bash", Some("5.2-2"));
    forged["summary"] = json!("Bad\u{1b}[2J\r\nHIGH  CVE-FORGED \u{202e}drawkcab");
    let advisories = [
        forged,
        osv("CVE-2026-1002", "npm", "left", Some("2.0.0")),
        osv("CVE-2026-1003", "Debian:12", "curl", None),
        osv("CVE-2026-1004", "Debian:12", "tar", None),
    ];
    let mut report = scan(layout.read(None).unwrap(), &feeds(&advisories), NOW);
    let mut verdicts = Verdicts::default();
    verdicts.ignore("CVE-2026-1004");
    verdicts.apply(&mut report, NOW);
    assert_eq!(report.vulnerabilities.len(), 4);
    assert!(
        report
            .findings
            .iter()
            .any(|it| it.finding.path == "app/settings.ini")
    );
    report
}

fn text(format: Format) -> String {
    let mut bytes = Vec::new();
    write(&report(), format, &mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    // No form gives the secret away.
    assert!(!text.contains("QYLPMN5HXWZ4KR7T"));
    text
}

fn document(format: Format) -> Value {
    serde_json::from_str(&text(format)).unwrap()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key]
        .as_array()
        .unwrap_or_else(|| panic!("no {key} in {value}"))
}

fn string<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("no {key} in {value}"))
}

#[test]
fn the_table_is_for_people() {
    let text = text(Format::Table);
    let forbidden = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!text.contains(forbidden), "{text:?}");
    assert!(
        !text
            .lines()
            .any(|line| line.starts_with("HIGH  CVE-FORGED")),
        "{text}"
    );
    for part in [
        "registry.example/app:v1 (Debian 12), 5 packages",
        "Vulnerabilities: 4 (4 critical)",
        "CVE-2026-1002  left     1.0.0    2.0.0",
        "CVE-2026-1003  curl     8.0-1    affected",
        "app/settings.ini:2, layer 1",
        "CIS-DI-0001",
        "CVE-2026-1004 of tar: ignored on the command line",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
}

#[test]
fn json_has_everything() {
    let report = document(Format::Json);
    assert_eq!(report["created"], "2026-11-01T12:00:00.000Z");
    assert_eq!(list(&report, "packages").len(), 5);
    assert_eq!(list(&report, "vulnerabilities").len(), 4);
    assert_eq!(list(&report, "ignored")[0]["id"], "CVE-2026-1004");
    assert_eq!(list(&report, "feeds")[0]["advisories"], 4);
    assert_eq!(report["distro"]["id"], "debian");
    let first = &report["vulnerabilities"][0];
    assert_eq!(
        first["purl"],
        "pkg:deb/debian/bash@5.2-1?arch=amd64&distro=debian-12"
    );
    assert_eq!(first["layer"], 0);
    let rules: Vec<&str> = list(&report, "practice")
        .iter()
        .map(|it| string(it, "rule"))
        .collect();
    assert!(rules.contains(&"CIS-DI-0001"), "{rules:?}");
}

#[test]
fn sarif_keeps_its_rules() {
    let sarif = document(Format::Sarif);
    assert_eq!(sarif["version"], "2.1.0");
    assert!(string(&sarif, "$schema").ends_with("sarif-2.1.0.json"));
    let [run] = list(&sarif, "runs") else {
        panic!("one run is expected");
    };
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "Berth");
    let rules = list(driver, "rules");
    let ids: BTreeSet<&str> = rules.iter().map(|it| string(it, "id")).collect();
    assert_eq!(ids.len(), rules.len(), "ids of rules are unique");
    for rule in rules {
        for text in ["shortDescription", "fullDescription", "help"] {
            assert!(!string(&rule[text], "text").is_empty(), "{rule}");
        }
        let level = string(&rule["defaultConfiguration"], "level");
        assert!(
            ["none", "note", "warning", "error"].contains(&level),
            "{rule}"
        );
        let grade: f64 = string(&rule["properties"], "security-severity")
            .parse()
            .unwrap();
        assert!((0.0..=10.0).contains(&grade), "{rule}");
        if let Some(link) = rule["helpUri"].as_str() {
            assert!(link.starts_with("https://"), "{rule}");
        }
    }
    let results = list(run, "results");
    let mut marks = BTreeSet::new();
    for result in results {
        let rule = result["ruleIndex"].as_u64().unwrap();
        assert_eq!(rules[rule as usize]["id"], result["ruleId"]);
        assert!(!string(&result["message"], "text").is_empty());
        let [place] = list(result, "locations") else {
            panic!("one place is expected: {result}");
        };
        let uri = string(&place["physicalLocation"]["artifactLocation"], "uri");
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._~+%-".contains(c);
        assert!(!uri.is_empty() && uri.chars().all(plain), "{uri}");
        if let Some(region) = place["physicalLocation"].get("region") {
            assert!(region["startLine"].as_u64().unwrap() >= 1);
        }
        for (_, mark) in result["partialFingerprints"].as_object().unwrap() {
            assert!(
                marks.insert(mark.as_str().unwrap()),
                "{mark} is there twice"
            );
        }
    }
    let of =
        |rule: &str| -> Vec<&Value> { results.iter().filter(|it| it["ruleId"] == rule).collect() };
    assert_eq!(of("CVE-2026-1002").len(), 2);
    let place = &of("CVE-2026-1002")[0]["locations"][0]["physicalLocation"];
    assert_eq!(
        place["artifactLocation"]["uri"],
        "app/a%20b/node_modules/left/package.json"
    );
    assert_eq!(
        of("CVE-2026-1004")[0]["suppressions"][0]["kind"],
        "external"
    );
    assert!(of("CVE-2026-1001")[0].get("suppressions").is_none());
    assert_eq!(of("CIS-DI-0001").len(), 1);
    let lines = results
        .iter()
        .filter_map(|it| it["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64());
    assert!(
        lines.collect::<Vec<_>>().contains(&2),
        "the secret is in line 2"
    );
}

#[test]
fn cyclonedx_keeps_its_rules() {
    let bom = document(Format::CycloneDx);
    assert_eq!(
        (&bom["bomFormat"], &bom["specVersion"]),
        (&json!("CycloneDX"), &json!("1.6"))
    );
    assert_eq!(bom["version"], 1);
    let serial = string(&bom, "serialNumber")
        .strip_prefix("urn:uuid:")
        .unwrap();
    assert_eq!(
        serial.split('-').map(str::len).collect::<Vec<_>>(),
        [8, 4, 4, 4, 12]
    );
    let components = list(&bom, "components");
    let vulnerabilities = list(&bom, "vulnerabilities");
    let root = std::iter::once(&bom["metadata"]["component"]);
    let all: Vec<&str> = root
        .chain(components)
        .chain(vulnerabilities)
        .map(|it| string(it, "bom-ref"))
        .collect();
    let refs: BTreeSet<&str> = all.iter().copied().collect();
    assert_eq!(refs.len(), all.len(), "every bom-ref is there once");
    // Three of Debian, one of npm at two places, and the distribution.
    assert_eq!(components.len(), 5);
    for component in components {
        let known = ["library", "operating-system"].contains(&string(component, "type"));
        assert!(
            known && !string(component, "name").is_empty(),
            "{component}"
        );
        if component["type"] == "library" {
            assert_eq!(component["purl"], component["bom-ref"]);
            assert!(string(component, "purl").starts_with("pkg:"));
        }
    }
    let left = components.iter().find(|it| it["name"] == "left").unwrap();
    assert_eq!(list(&left["evidence"], "occurrences").len(), 2);
    assert_eq!(vulnerabilities.len(), 3);
    for it in vulnerabilities {
        let affected = list(it, "affects");
        assert!(!affected.is_empty());
        for one in affected {
            assert!(refs.contains(string(one, "ref")), "{one} is no component");
        }
        assert_eq!(it["ratings"][0]["severity"], "critical");
        assert_eq!(it["ratings"][0]["score"], 9.8);
    }
}

#[test]
fn spdx_keeps_its_rules() {
    let spdx = document(Format::Spdx);
    assert_eq!(spdx["spdxVersion"], "SPDX-2.3");
    assert_eq!(spdx["dataLicense"], "CC0-1.0");
    assert_eq!(spdx["SPDXID"], "SPDXRef-DOCUMENT");
    assert!(!string(&spdx, "documentNamespace").contains('#'));
    assert_eq!(spdx["creationInfo"]["created"], "2026-11-01T12:00:00Z");
    assert!(
        list(&spdx["creationInfo"], "creators")[0]
            .as_str()
            .unwrap()
            .starts_with("Tool: ")
    );
    let packages = list(&spdx, "packages");
    let ids: BTreeSet<&str> = packages.iter().map(|it| string(it, "SPDXID")).collect();
    assert_eq!(ids.len(), packages.len());
    // The image, the distribution, three of Debian and one of npm.
    assert_eq!(packages.len(), 6);
    for package in packages {
        let id = string(package, "SPDXID").strip_prefix("SPDXRef-").unwrap();
        assert!(
            id.chars()
                .all(|c| c.is_ascii_alphanumeric() || "-.".contains(c)),
            "{id}"
        );
        assert_eq!(package["downloadLocation"], "NOASSERTION");
        assert_eq!(package["filesAnalyzed"], false);
        for reference in package["externalRefs"].as_array().into_iter().flatten() {
            assert_eq!(reference["referenceCategory"], "PACKAGE-MANAGER");
            assert_eq!(reference["referenceType"], "purl");
            assert!(string(reference, "referenceLocator").starts_with("pkg:"));
        }
    }
    let relationships = list(&spdx, "relationships");
    assert_eq!(relationships.len(), packages.len());
    assert_eq!(relationships[0]["relationshipType"], "DESCRIBES");
    for it in relationships {
        assert!(ids.contains(string(it, "relatedSpdxElement")), "{it}");
    }
}
