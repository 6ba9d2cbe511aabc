//! SBOMs: how they are made, where they are, who may have them made, and what becomes of them.

use berth_oci::media_type;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::app::{App, both};
use crate::client::Login;
use crate::content::sha256;
use crate::corruption::{Damage, damage, stored};
use crate::scanning::{artifact, layer, push, scanned, set};
use crate::webhooks::{self, Receiver};

pub(crate) const SPDX: &str = "application/spdx+json";
const CYCLONEDX: &str = "application/vnd.cyclonedx+json";
const JSON: &str = "application/json; charset=utf-8";

pub(crate) fn wanted() -> Value {
    json!({"scan_type": "sbom"})
}

/// An artifact with its SBOM's overview.
async fn read(app: &App, repository: &str, reference: &str) -> Value {
    let path = artifact(repository, reference);
    let path = format!("{path}?with_sbom_overview=true&with_accessory=true");
    app.get(&path).send().await.expect(200).json()
}

/// The overview once the making of it has ended.
async fn ended(app: &App, repository: &str, reference: &str) -> Value {
    for _ in 0..1200 {
        let found = read(app, repository, reference).await;
        let overview = &found["sbom_overview"];
        if matches!(
            overview["scan_status"].as_str(),
            Some("Success" | "Error" | "Stopped")
        ) {
            return overview.clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("the SBOM of {repository}:{reference} does not end");
}

pub(crate) async fn generate(app: &App, repository: &str, reference: &str) -> Value {
    let path = format!("{}/scan", artifact(repository, reference));
    app.post(&path).json(&wanted()).await.expect(202);
    ended(app, repository, reference).await
}

/// The SBOM's digest.
pub(crate) async fn made(app: &App, repository: &str, reference: &str) -> String {
    let overview = generate(app, repository, reference).await;
    assert_eq!(overview["scan_status"], "Success", "{overview}");
    overview["sbom_digest"].as_str().unwrap().to_owned()
}

pub(crate) fn addition(repository: &str, reference: &str) -> String {
    format!("{}/additions/sbom", artifact(repository, reference))
}

/// What kind its accessories are, and their digests; the oldest first.
pub(crate) async fn accessories(
    app: &App,
    repository: &str,
    reference: &str,
) -> Vec<(String, String)> {
    let path = artifact(repository, reference);
    let path = format!("{path}/accessories?sort=id");
    let found = app.get(&path).send().await.expect(200).json();
    let found = found.as_array().unwrap().iter();
    let text = |it: &Value, key: &str| it[key].as_str().unwrap().to_owned();
    found
        .map(|it| (text(it, "type"), text(it, "digest")))
        .collect()
}

pub(crate) fn sbom(digest: &str) -> (String, String) {
    ("sbom.harbor".to_owned(), digest.to_owned())
}

/// A layer of plain tar with a Python package that a package of Debian brought.
fn with_python() -> Bytes {
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |path: &str, text: &str| {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append_data(&mut header, path, text.as_bytes()).unwrap();
    };
    let place = "usr/lib/python3/dist-packages/six-1.16.0.dist-info/METADATA";
    add(
        "etc/os-release",
        "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n",
    );
    add(
        "var/lib/dpkg/status",
        "Package: python3-six\nStatus: install ok installed\nArchitecture: all\n\
         Version: 1.16.0-4\nSource: six\n\n",
    );
    add(
        "var/lib/dpkg/info/python3-six.list",
        &format!("/.\n/{place}\n"),
    );
    add(
        place,
        "Metadata-Version: 2.1\nName: six\nVersion: 1.16.0\nLicense: MIT\n\n",
    );
    Bytes::from(tar.into_inner().unwrap())
}

/// A document without what changes each time.
fn lasting(document: &Value) -> Value {
    let mut document = document.clone();
    document["creationInfo"] = Value::Null;
    document["documentNamespace"] = Value::Null;
    document
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_sbom_is_made_and_read_and_belongs_to_its_image() {
    both(async |app| {
        app.project("bills", false).await;
        let image = push(app, "bills/app", "v1", &with_python()).await;
        let before = read(app, "bills/app", "v1").await;
        assert_eq!(before["sbom_overview"], Value::Null, "{before}");
        let at = addition("bills/app", "v1");
        app.get(&at).send().await.refused(404, "NOT_FOUND");
        let overview = generate(app, "bills/app", "v1").await;
        assert_eq!(overview["scan_status"], "Success", "{overview}");
        assert_eq!(overview["scanner"]["name"], "Berth", "{overview}");
        assert!(overview["end_time"].is_string() && overview["duration"].is_i64());
        let digest = overview["sbom_digest"].as_str().unwrap();
        let found = read(app, "bills/app", "v1").await;
        let link = found["addition_links"]["sbom"]["href"].as_str().unwrap();
        assert!(link.ends_with("/additions/sbom"), "{link}");
        assert_eq!(found["accessories"][0]["type"], "sbom.harbor", "{found}");
        assert_eq!(found["accessories"][0]["digest"], digest);
        // The document has everything, also what a package of the distribution brought.
        let answer = app.get(&at).send().await.expect(200);
        assert_eq!(answer.need("content-type"), JSON);
        assert_eq!(answer.need("x-content-type-options"), "nosniff");
        assert!(answer.need("content-security-policy").contains("sandbox"));
        let document = answer.json();
        assert_eq!(document["spdxVersion"], "SPDX-2.3");
        assert_eq!(document["name"], format!("bills/app@{image}"));
        let packages = document["packages"].as_array().unwrap();
        let named: Vec<&str> = packages
            .iter()
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        assert_eq!(named[1..], ["debian", "python3-six", "six"], "{document}");
        let six = &packages[3];
        assert_eq!(
            six["externalRefs"][0]["referenceLocator"],
            "pkg:pypi/six@1.16.0"
        );
        assert_eq!(six["licenseComments"], "the package states: MIT");
        // It is the layer of the accessory, as anybody pulls it, and what the accessory tells.
        let manifest = app
            .get(&format!("/v2/bills/app/manifests/{digest}"))
            .send()
            .await
            .expect(200)
            .json();
        assert_eq!(manifest["artifactType"], media_type::HARBOR_SBOM);
        assert_eq!(manifest["config"]["mediaType"], media_type::HARBOR_SBOM);
        assert_eq!(manifest["subject"]["digest"], image.as_str());
        assert_eq!(manifest["layers"][0]["mediaType"], SPDX);
        let created = document["creationInfo"]["created"].as_str().unwrap();
        let noted = manifest["annotations"]["created"].as_str().unwrap();
        assert_eq!(noted[..19], created[..19]);
        let blob = manifest["layers"][0]["digest"].as_str().unwrap();
        let blob = app.get(&format!("/v2/bills/app/blobs/{blob}")).send().await;
        assert_eq!(blob.expect(200).json(), document);
        let own = app.get(&addition("bills/app", digest)).send().await;
        assert_eq!(own.expect(200).json(), document);
        let referrers = format!("/v2/bills/app/referrers/{image}");
        let referrers = app.get(&referrers).send().await.expect(200).json();
        assert_eq!(
            referrers["manifests"][0]["artifactType"],
            media_type::HARBOR_SBOM
        );
        let report = overview["report_id"].as_str().unwrap();
        let log = format!("{}/scan/{report}/log", artifact("bills/app", "v1"));
        let log = app.get(&log).send().await.expect(200).text();
        assert!(log.contains("2 packages"), "{log}");
        // A report of another kind is none of a scan.
        assert_eq!(found["scan_overview"], Value::Null, "{found}");
        // The same again is the same accessory.
        assert_eq!(made(app, "bills/app", "v1").await, digest);
        let one = accessories(app, "bills/app", "v1").await;
        assert_eq!(one, [sbom(digest)]);
        // One that is deleted is there no more, and is made anew.
        let at_digest = artifact("bills/app", digest);
        app.delete(&at_digest).send().await.expect(200);
        let without = read(app, "bills/app", "v1").await;
        assert_eq!(without["sbom_overview"]["sbom_digest"], Value::Null);
        app.get(&at).send().await.refused(404, "NOT_FOUND");
        let digest = made(app, "bills/app", "v1").await;
        let again = app.get(&at).send().await.expect(200).json();
        assert_eq!(lasting(&again), lasting(&document));
        // It goes with its image.
        app.delete(&artifact("bills/app", "v1"))
            .send()
            .await
            .expect(200);
        let gone = app.get(&artifact("bills/app", &digest)).send().await;
        gone.refused(404, "NOT_FOUND");
        assert_eq!(app.count("SELECT COUNT(*) FROM image_sbom").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_packages_are_read_as_cyclonedx() {
    both(async |app| {
        app.project("forms", false).await;
        let image = push(app, "forms/app", "v1", &with_python()).await;
        let at = addition("forms/app", "v1");
        let other = format!("{at}?format=cyclonedx");
        app.get(&other).send().await.refused(404, "NOT_FOUND");
        let digest = made(app, "forms/app", "v1").await;
        let answer = app.get(&other).send().await.expect(200);
        assert_eq!(answer.need("content-type"), CYCLONEDX);
        let document = answer.json();
        assert_eq!(document["specVersion"], "1.6");
        assert!(document.get("vulnerabilities").is_none(), "{document}");
        assert_eq!(document["metadata"]["component"]["version"], image.as_str());
        let purls: Vec<&str> = document["components"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|it| it["purl"].as_str())
            .collect();
        let six = "pkg:deb/debian/python3-six@1.16.0-4?arch=all&distro=debian-12&upstream=six";
        assert_eq!(purls, [six, "pkg:pypi/six@1.16.0"], "{document}");
        let again = app.get(&other).send().await.expect(200);
        assert_eq!(again.body, answer.body, "it is made the same way each time");
        let accepted = app.get(&at).header("accept", CYCLONEDX).send().await;
        assert_eq!(accepted.expect(200).body, answer.body);
        let by_digest = format!("{}?format=cyclonedx", addition("forms/app", &digest));
        let by_digest = app.get(&by_digest).send().await.expect(200);
        assert_eq!(by_digest.body, answer.body);
        let spdx = app.get(&at).header("accept", SPDX).send().await.expect(200);
        assert_eq!(spdx.need("content-type"), SPDX);
        let named = format!("{at}?format=spdx");
        let named = app.get(&named).header("accept", CYCLONEDX).send().await;
        assert_eq!(named.expect(200).body, spdx.body);
        let wrong = format!("{at}?format=csv");
        app.get(&wrong).send().await.refused(400, "BAD_REQUEST");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_pushed_gets_its_sbom_where_its_project_wants_that() {
    let setup = webhooks::setup();
    crate::app::both_with(&setup, async |app| {
        app.project("pushed", false).await;
        let mut receiver = Receiver::start(vec![200; 8]).await;
        let target = json!([{"type": "http", "address": receiver.address}]);
        let kinds = ["PUSH_ARTIFACT", "SCANNING_COMPLETED"];
        webhooks::make(app, "pushed", "all", &kinds, target).await;
        let both = json!({"auto_sbom_generation": "true", "auto_scan": "true"});
        set(app, "pushed", both).await;
        let image = push(app, "pushed/app", "v1", &layer(&[("lib", "1")])).await;
        let overview = ended(app, "pushed/app", "v1").await;
        assert_eq!(overview["scan_status"], "Success", "{overview}");
        scanned(app, "pushed/app", "v1").await;
        let digest = overview["sbom_digest"].as_str().unwrap();
        let mut told = Vec::new();
        for _ in 0..4 {
            let (_, body) = receiver.next().await;
            let body: Value = serde_json::from_str(&body).unwrap();
            let data = &body["event_data"];
            let resource = &data["resources"][0];
            let status = &resource["sbom_overview"]["scan_status"];
            told.push(format!(
                "{} {} {} {}",
                body["type"].as_str().unwrap(),
                data["scan"]["scan_type"].as_str().unwrap_or("-"),
                resource["digest"].as_str().unwrap(),
                status.as_str().unwrap_or("-"),
            ));
        }
        told.sort();
        // The accessory is told as others that are pushed, and is not looked into itself.
        let mut expected = [
            format!("PUSH_ARTIFACT - {image} -"),
            format!("PUSH_ARTIFACT - {digest} -"),
            format!("SCANNING_COMPLETED sbom {image} Success"),
            format!("SCANNING_COMPLETED vulnerability {image} -"),
        ];
        expected.sort();
        assert_eq!(told, expected);
        assert_eq!(app.count("SELECT COUNT(*) FROM image_sbom").await, 1);
        assert_eq!(app.count("SELECT COUNT(*) FROM image_scan").await, 1);
        set(app, "pushed", json!({"auto_sbom_generation": "false"})).await;
        push(app, "pushed/app", "v2", &layer(&[("lib", "2")])).await;
        scanned(app, "pushed/app", "v2").await;
        assert_eq!(app.count("SELECT COUNT(*) FROM image_sbom").await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_image_of_an_index_gets_its_own() {
    both(async |app| {
        app.project("index", false).await;
        let one = push(app, "index/app", "one", &layer(&[("one", "1")])).await;
        let two = push(app, "index/app", "two", &layer(&[("two", "1")])).await;
        let entry = |digest: &str| {
            json!({"mediaType": media_type::OCI_MANIFEST, "digest": digest, "size": 2,
                "platform": {"architecture": "amd64", "os": "linux"}})
        };
        let absent = entry(&sha256(b"not here"));
        let index = json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_INDEX,
            "manifests": [entry(&one), entry(&two), absent],
        });
        let put = app.put_manifest("index/app", "all", &index).await;
        put.expect(201);
        let overview = generate(app, "index/app", "all").await;
        assert_eq!(overview["scan_status"], "Success", "{overview}");
        assert_eq!(overview["sbom_digest"], Value::Null, "{overview}");
        assert!(accessories(app, "index/app", "all").await.is_empty());
        let at = addition("index/app", "all");
        app.get(&at).send().await.refused(404, "NOT_FOUND");
        for (digest, package) in [(&one, "one"), (&two, "two")] {
            let overview = ended(app, "index/app", digest).await;
            assert_eq!(overview["scan_status"], "Success", "{overview}");
            let at = addition("index/app", digest);
            let document = app.get(&at).send().await.expect(200).json();
            assert_eq!(document["packages"][2]["name"], package, "{document}");
            let report = overview["report_id"].as_str().unwrap();
            let log = format!("{}/scan/{report}/log", artifact("index/app", digest));
            let log = app.get(&log).send().await.expect(200).text();
            assert_eq!(log.matches("1 packages").count(), 1, "{log}");
        }
    })
    .await;
}

/// Pauses or resumes the making of SBOMs.
async fn pause(app: &App, action: &str) {
    let at = "/api/v2.0/jobservice/queues/SBOM";
    let body = json!({"action": action});
    app.put(at).json(&body).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_fails_or_is_stopped_is_told() {
    let setup = webhooks::setup();
    crate::app::both_with(&setup, async |app| {
        app.project("ends", false).await;
        let mut receiver = Receiver::start(vec![200; 8]).await;
        let target = json!([{"type": "http", "address": receiver.address}]);
        let kinds = ["SCANNING_FAILED", "SCANNING_STOPPED"];
        webhooks::make(app, "ends", "sboms", &kinds, target).await;
        let mut told = async || {
            let (_, body) = receiver.next().await;
            let body: Value = serde_json::from_str(&body).unwrap();
            let data = &body["event_data"];
            let overview = &data["resources"][0]["sbom_overview"]["scan_status"];
            format!("{} {} {overview}", body["type"], data["scan"]["scan_type"])
        };
        let held = layer(&[("gone", "1")]);
        push(app, "ends/app", "broken", &held).await;
        damage(&stored(app, &sha256(&held)), Damage::Remove);
        let overview = generate(app, "ends/app", "broken").await;
        assert_eq!(overview["scan_status"], "Error", "{overview}");
        assert_eq!(told().await, r#""SCANNING_FAILED" "sbom" "Error""#);
        pause(app, "pause").await;
        push(app, "ends/app", "waits", &layer(&[("lib", "1")])).await;
        let at = artifact("ends/app", "waits");
        let stop = format!("{at}/scan/stop");
        app.post(&stop)
            .json(&wanted())
            .await
            .refused(404, "NOT_FOUND");
        app.post(&format!("{at}/scan"))
            .json(&wanted())
            .await
            .expect(202);
        // A scan is something else.
        app.post(&stop).send().await.refused(404, "NOT_FOUND");
        app.post(&stop).json(&wanted()).await.expect(202);
        let overview = ended(app, "ends/app", "waits").await;
        assert_eq!(overview["scan_status"], "Stopped");
        assert_eq!(told().await, r#""SCANNING_STOPPED" "sbom" "Stopped""#);
        pause(app, "resume").await;
        made(app, "ends/app", "waits").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_its_project_has_no_room_for_is_not_stored() {
    both(async |app| {
        let id = app.project("full", false).await;
        let image = push(app, "full/app", "v1", &layer(&[("lib", "1")])).await;
        let used = app.used(id).await;
        app.set_limit(id, used + 100).await.expect(200);
        let overview = generate(app, "full/app", "v1").await;
        assert_eq!(overview["scan_status"], "Error", "{overview}");
        assert_eq!(app.used(id).await, used);
        assert!(accessories(app, "full/app", "v1").await.is_empty());
        let report = overview["report_id"].as_str().unwrap();
        let log = format!("{}/scan/{report}/log", artifact("full/app", &image));
        let log = app.get(&log).send().await.expect(200).text();
        assert!(log.contains("quota"), "{log}");
        app.set_limit(id, -1).await.expect(200);
        made(app, "full/app", "v1").await;
        assert!(app.used(id).await > used, "it is counted");
    })
    .await;
}

/// A robot of the project `roles` that may do this.
async fn robot(app: &App, name: &str, words: &[(&str, &str)]) -> Login {
    let access: Vec<Value> = words
        .iter()
        .map(|(resource, action)| json!({"resource": resource, "action": action}))
        .collect();
    let part = json!({"kind": "project", "namespace": "roles", "access": access});
    let body = json!({"name": name, "level": "project", "duration": -1, "permissions": [part]});
    app.robot(&body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_to_scan_is_none_to_make_sboms_nor_the_other_way_round() {
    both(async |app| {
        app.project("roles", false).await;
        push(app, "roles/app", "v1", &layer(&[("lib", "1")])).await;
        let bills = [("sbom", "create"), ("sbom", "stop"), ("sbom", "read")];
        let scans = [("scan", "create"), ("scan", "stop"), ("scan", "read")];
        let bills = robot(app, "bills", &bills).await;
        let scans = robot(app, "scans", &scans).await;
        let developer = app.user("developer").await;
        app.member("roles", &developer, 2).await;
        let at = artifact("roles/app", "v1");
        let (scan, stop) = (format!("{at}/scan"), format!("{at}/scan/stop"));
        let other = json!({"scan_type": "vulnerability"});
        for path in [&scan, &stop] {
            for (who, body) in [
                (&bills, &other),
                (&scans, &wanted()),
                (&developer, &wanted()),
                (&developer, &other),
            ] {
                app.post(path)
                    .by(who)
                    .json(body)
                    .await
                    .refused(403, "FORBIDDEN");
            }
        }
        app.post(&scan).by(&bills).json(&wanted()).await.expect(202);
        app.post(&scan).by(&scans).send().await.expect(202);
        let sbom = ended(app, "roles/app", "v1").await;
        let found = scanned(app, "roles/app", "v1").await;
        for (who, own, others) in [(&bills, &sbom, &found), (&scans, &found, &sbom)] {
            let log = |overview: &Value| {
                format!("{at}/scan/{}/log", overview["report_id"].as_str().unwrap())
            };
            app.get(&log(own)).by(who).send().await.expect(200);
            let refused = app.get(&log(others)).by(who).send().await;
            refused.refused(403, "FORBIDDEN");
        }
        app.post(&stop).by(&bills).json(&wanted()).await.expect(202);
        // Who may see the artifact may read it.
        let read = addition("roles/app", "v1");
        app.get(&read).by(&developer).send().await.expect(200);
        app.get(&read)
            .nobody()
            .send()
            .await
            .refused(401, "UNAUTHORIZED");
        app.get(&read)
            .by(&bills)
            .send()
            .await
            .refused(403, "FORBIDDEN");
    })
    .await;
}
