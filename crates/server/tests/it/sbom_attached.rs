//! SBOMs that clients attach, beside those that the server makes; what becomes of SBOMs when images
//! are copied, brought back, or deleted meanwhile.

use berth_oci::media_type;
use bytes::Bytes;
use serde_json::json;

use crate::app::{App, Setup, both, both_with};
use crate::content::{descriptor, sha256};
use crate::immutable::rule;
use crate::sbom::{SPDX, accessories, addition, generate, made, sbom, wanted};
use crate::scanning::{artifact, layer, push};

/// Attaches what says of itself to be an SBOM, as a client may; gives its digest.
pub(crate) async fn forge(
    app: &App,
    repository: &str,
    subject: &str,
    content: &Bytes,
    held: bool,
) -> String {
    let config = Bytes::from_static(b"{}");
    app.push_blob(repository, &config).await;
    if held {
        app.push_blob(repository, content).await;
    }
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "artifactType": media_type::HARBOR_SBOM,
        "config": descriptor(media_type::HARBOR_SBOM, &config),
        "layers": [descriptor(SPDX, content)],
        "subject": {"mediaType": media_type::OCI_MANIFEST, "digest": subject, "size": 2},
    });
    let digest = sha256(manifest.to_string().as_bytes());
    let put = app.put_manifest(repository, &digest, &manifest).await;
    put.expect(201);
    digest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_sbom_takes_the_place_of_older_ones_and_of_nothing_else() {
    both(async |app| {
        app.project("newer", false).await;
        let image = push(app, "newer/app", "v1", &layer(&[("lib", "1")])).await;
        let old = Bytes::from_static(b"{\"spdxVersion\": \"old\"}");
        let old = forge(app, "newer/app", &image, &old, true).await;
        // Until there is one of ours, it is the one there is: so a copy of an image has its own.
        let at = addition("newer/app", "v1");
        let told = app.get(&at).send().await.expect(200).json();
        assert_eq!(told["spdxVersion"], "old");
        let subject = json!({"mediaType": media_type::OCI_MANIFEST, "digest": image, "size": 2});
        let theirs = app.attach("newer/app", &subject, SPDX, "theirs").await;
        let theirs = theirs.expect(201).need("docker-content-digest").to_owned();
        let first = made(app, "newer/app", "v1").await;
        let theirs = ("subject.accessory".to_owned(), theirs);
        assert_eq!(
            accessories(app, "newer/app", "v1").await,
            [theirs.clone(), sbom(&first)]
        );
        let gone = app.get(&artifact("newer/app", &old)).send().await;
        gone.refused(404, "NOT_FOUND");
        // One that a rule keeps stays beside the new one.
        let kept = Bytes::from_static(b"{\"spdxVersion\": \"kept\"}");
        let kept = forge(app, "newer/app", &image, &kept, true).await;
        app.post(&format!("{}/tags", artifact("newer/app", &kept)))
            .json(&json!({"name": "kept"}))
            .await
            .expect(201);
        app.fix("newer", &rule("**", "kept")).await;
        let delete = artifact("newer/app", &first);
        app.delete(&delete).send().await.expect(200);
        let second = made(app, "newer/app", "v1").await;
        assert_eq!(
            accessories(app, "newer/app", "v1").await,
            [theirs, sbom(&kept), sbom(&second)]
        );
        let told = app.get(&at).send().await.expect(200).json();
        assert_eq!(
            told["spdxVersion"], "SPDX-2.3",
            "ours is the one that counts"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_clients_attach_and_ask_for_does_no_harm() {
    both(async |app| {
        app.project("harm", false).await;
        let image = push(app, "harm/app", "v1", &layer(&[("lib", "1")])).await;
        let at = format!("{}/scan", artifact("harm/app", "v1"));
        for wrong in [
            json!({"scan_type": "SBOM"}),
            json!({"scan_type": 1}),
            json!([]),
        ] {
            let answer = app.post(&at).json(&wrong).await;
            assert!(matches!(answer.status, 400 | 422), "{}", answer.text());
        }
        // Forged ones: without their content, and with content that is none.
        let nothing = Bytes::from_static(b"nowhere");
        let nowhere = forge(app, "harm/app", &image, &nothing, false).await;
        let read = addition("harm/app", "v1");
        app.get(&read).send().await.expect(404);
        app.get(&addition("harm/app", &nowhere))
            .send()
            .await
            .expect(404);
        let script = Bytes::from_static(b"<script>alert(1)</script>");
        forge(app, "harm/app", &image, &script, true).await;
        app.get(&read).send().await.refused(404, "NOT_FOUND");
        // Nothing that is no image has one made.
        let path = format!("{}/scan", artifact("harm/app", &nowhere));
        app.post(&path)
            .json(&wanted())
            .await
            .refused(400, "BAD_REQUEST");
        // One whose image is gone tells nothing of another repository's.
        let lost = sha256(b"gone");
        let orphan = forge(app, "harm/app", &lost, &nothing, true).await;
        let other = format!("{}?format=cyclonedx", addition("harm/app", &orphan));
        app.get(&other).send().await.expect(404);
        app.project("elsewhere", false).await;
        let stranger = addition("elsewhere/app", &image);
        app.get(&stranger).send().await.refused(404, "NOT_FOUND");
        // What cannot be read is an error of this one, and of nothing else.
        push(app, "harm/app", "junk", &Bytes::from(vec![0x1f; 5000])).await;
        let junk = generate(app, "harm/app", "junk").await;
        assert!(matches!(
            junk["scan_status"].as_str(),
            Some("Success" | "Error")
        ));
        made(app, "harm/app", "v1").await;
        let found = app.get(&read).send().await.expect(200).json();
        assert_eq!(found["spdxVersion"], "SPDX-2.3");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_sbom_comes_along_with_a_copy_and_when_it_is_brought_back() {
    let setup = Setup {
        tweak: |settings| settings.registry.undelete_days = 7,
        ..Setup::default()
    };
    both_with(&setup, async |app| {
        app.project("lives", false).await;
        app.project("copies", false).await;
        push(app, "lives/app", "v1", &layer(&[("lib", "1")])).await;
        let digest = made(app, "lives/app", "v1").await;
        let read = addition("lives/app", "v1");
        let document = app.get(&read).send().await.expect(200).body;
        let copies = "/api/v2.0/projects/copies/repositories/app/artifacts";
        app.post(&format!("{copies}?from=lives/app:v1"))
            .send()
            .await
            .expect(201);
        let copied = addition("copies/app", "v1");
        let told = app.get(&copied).send().await.expect(200).body;
        assert_eq!(told, document);
        let other = format!("{copied}?format=cyclonedx");
        let other = app.get(&other).send().await.expect(200).json();
        assert_eq!(other["components"][0]["name"], "lib", "{other}");
        // One of its own takes the place of that.
        let own = made(app, "copies/app", "v1").await;
        assert_ne!(own, digest);
        assert_eq!(accessories(app, "copies/app", "v1").await, [sbom(&own)]);
        assert_eq!(accessories(app, "lives/app", "v1").await, [sbom(&digest)]);
        app.delete(&artifact("lives/app", "v1"))
            .send()
            .await
            .expect(200);
        app.get(&read).send().await.refused(404, "NOT_FOUND");
        let back = "/api/v2.0/projects/lives/repositories/app/tags/v1/_restore";
        app.post(back).json(&json!({})).await.expect(200);
        let told = app.get(&read).send().await.expect(200).body;
        assert_eq!(told, document);
        let again = made(app, "lives/app", "v1").await;
        assert_eq!(accessories(app, "lives/app", "v1").await, [sbom(&again)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_that_is_deleted_meanwhile_leaves_no_sbom() {
    both(async |app| {
        app.project("race", false).await;
        for turn in 0..12 {
            let tag = format!("v{turn}");
            push(app, "race/app", &tag, &layer(&[("lib", &tag)])).await;
            let at = artifact("race/app", &tag);
            let asked = app.post(&format!("{at}/scan")).json(&wanted()).await;
            asked.expect(202);
            // Early, late, and in between.
            tokio::time::sleep(std::time::Duration::from_millis(turn * 4)).await;
            app.delete(&at).send().await.expect(200);
        }
        for _ in 0..1200 {
            let open = "SELECT COUNT(*) FROM execution WHERE status IN ('Pending', 'Running')";
            if app.count(open).await == 0 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        let left = "SELECT COUNT(*) FROM manifest WHERE accessory_type = 'sbom.harbor'";
        assert_eq!(app.count(left).await, 0);
        assert_eq!(app.count("SELECT COUNT(*) FROM image_sbom").await, 0);
        let (problems, _) = app.check(true).await;
        assert!(problems.is_empty(), "{problems:?}");
    })
    .await;
}
