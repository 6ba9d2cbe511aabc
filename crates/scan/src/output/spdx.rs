//! SPDX 2.3 in JSON: what the image is made of. It has no place for vulnerabilities.

use std::collections::{BTreeMap, BTreeSet};

use berth_advisories::{Package, Purl};
use serde_json::{Value, json};

use super::Bill;

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const IMAGE: &str = "SPDXRef-Image";

pub(super) fn document(bill: &Bill<'_>) -> Value {
    let distro = bill.distro;
    let mut image = package(IMAGE, bill.name, "CONTAINER");
    if let Some(digest) = bill.digest {
        image["versionInfo"] = json!(digest);
        if let Some(hex) = digest.strip_prefix("sha256:") {
            image["checksums"] = json!([{"algorithm": "SHA256", "checksumValue": hex}]);
        }
    }
    let mut packages = vec![image];
    let mut relationships = vec![relationship(DOCUMENT, "DESCRIBES", IMAGE)];
    if let Some(distro) = distro {
        let mut system = package("SPDXRef-OperatingSystem", &distro.id, "OPERATING-SYSTEM");
        if !distro.version_id.is_empty() {
            system["versionInfo"] = json!(distro.version_id);
        }
        packages.push(system);
        relationships.push(relationship(IMAGE, "CONTAINS", "SPDXRef-OperatingSystem"));
    }
    let mut by_purl: BTreeMap<String, (&Package, BTreeSet<&str>)> = BTreeMap::new();
    for found in bill.packages {
        let purl = Purl::of(&found.package, distro).to_string();
        let known = by_purl
            .entry(purl)
            .or_insert_with(|| (&found.package, BTreeSet::new()));
        known.1.insert(&found.path);
    }
    for (nr, (purl, (found, paths))) in by_purl.iter().enumerate() {
        // Identifiers have letters, digits, dots and hyphens: a number is unique, a name is not.
        let id = format!("SPDXRef-Package-{}", nr + 1);
        let mut package = package(&id, &found.name, "LIBRARY");
        package["versionInfo"] = json!(found.version);
        package["externalRefs"] = json!([{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": purl,
        }]);
        let paths: Vec<&str> = paths.iter().copied().take(20).collect();
        package["sourceInfo"] = json!(format!("named in {}", paths.join(", ")));
        if !found.licenses.is_empty() {
            // What packages state is mostly no expression of SPDX.
            let stated = found.licenses.join(", ");
            package["licenseComments"] = json!(format!("the package states: {stated}"));
        }
        packages.push(package);
        relationships.push(relationship(IMAGE, "CONTAINS", &id));
    }
    json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": bill.name,
        "documentNamespace": format!("urn:uuid:{}", bill.serial()),
        "creationInfo": {
            // SPDX has whole seconds.
            "created": format!("{}Z", bill.created.get(..19).unwrap_or_default()),
            "creators": [concat!("Tool: berth-", env!("CARGO_PKG_VERSION"))],
        },
        "documentDescribes": [IMAGE],
        "packages": packages,
        "relationships": relationships,
    })
}

fn package(id: &str, name: &str, purpose: &str) -> Value {
    json!({
        "SPDXID": id,
        "name": name,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": purpose,
    })
}

fn relationship(from: &str, kind: &str, to: &str) -> Value {
    json!({"spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to})
}
