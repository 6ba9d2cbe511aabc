//! SPDX 2.3 in JSON: what the image is made of. It has no place for vulnerabilities.

use berth_advisories::Package;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use super::{Bill, Each, Places};

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const IMAGE: &str = "SPDXRef-Image";
const SYSTEM: &str = "SPDXRef-OperatingSystem";
/// Files that one package is said to be named in.
const NAMED_IN: usize = 20;

pub(super) struct Document<'a>(pub(super) &'a Bill<'a>);

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bill = self.0;
        let held = bill.held();
        // Identifiers have letters, digits, dots and hyphens: a number is unique, a name is not.
        let id = |nr: usize| format!("SPDXRef-Package-{}", nr + 1);
        let packages = || {
            let rows = held.iter().enumerate();
            let rows =
                rows.map(|(nr, (purl, (found, places)))| library(&id(nr), purl, found, places));
            [Some(image(bill)), system(bill)]
                .into_iter()
                .flatten()
                .chain(rows)
        };
        let relationships = || {
            let system = bill.distro.map(|_| SYSTEM.to_owned());
            let parts = system.into_iter().chain((0..held.len()).map(id));
            let parts = parts.map(|part| relationship(IMAGE, "CONTAINS", &part));
            std::iter::once(relationship(DOCUMENT, "DESCRIBES", IMAGE)).chain(parts)
        };
        // SPDX has whole seconds.
        let created = format!("{}Z", bill.created.get(..19).unwrap_or_default());
        let creators = [concat!("Tool: berth-", env!("CARGO_PKG_VERSION"))];
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("spdxVersion", "SPDX-2.3")?;
        map.serialize_entry("dataLicense", "CC0-1.0")?;
        map.serialize_entry("SPDXID", DOCUMENT)?;
        map.serialize_entry("name", bill.name)?;
        map.serialize_entry("documentNamespace", &format!("urn:uuid:{}", bill.serial()))?;
        let creation = json!({"created": created, "creators": creators});
        map.serialize_entry("creationInfo", &creation)?;
        map.serialize_entry("documentDescribes", &[IMAGE])?;
        map.serialize_entry("packages", &Each(packages))?;
        map.serialize_entry("relationships", &Each(relationships))?;
        map.end()
    }
}

fn image(bill: &Bill<'_>) -> Value {
    let mut image = package(IMAGE, bill.name, "CONTAINER");
    if let Some(digest) = bill.digest {
        image["versionInfo"] = json!(digest);
        if let Some(hex) = digest.strip_prefix("sha256:") {
            image["checksums"] = json!([{"algorithm": "SHA256", "checksumValue": hex}]);
        }
    }
    image
}

fn system(bill: &Bill<'_>) -> Option<Value> {
    let distro = bill.distro?;
    let mut system = package(SYSTEM, &distro.id, "OPERATING-SYSTEM");
    if !distro.version_id.is_empty() {
        system["versionInfo"] = json!(distro.version_id);
    }
    Some(system)
}

fn library(id: &str, purl: &str, found: &Package, places: &Places<'_>) -> Value {
    let mut package = package(id, &found.name, "LIBRARY");
    package["versionInfo"] = json!(found.version);
    package["externalRefs"] = json!([{
        "referenceCategory": "PACKAGE-MANAGER",
        "referenceType": "purl",
        "referenceLocator": purl,
    }]);
    let places: Vec<&str> = places.iter().copied().take(NAMED_IN).collect();
    package["sourceInfo"] = json!(format!("named in {}", places.join(", ")));
    if !found.licenses.is_empty() {
        // What packages state is mostly no expression of SPDX.
        let stated = found.licenses.join(", ");
        package["licenseComments"] = json!(format!("the package states: {stated}"));
    }
    package
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
