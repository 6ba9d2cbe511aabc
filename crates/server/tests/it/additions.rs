//! Additions: what an image's config and a chart's archive tell, each with its own media type.

use berth_oci::media_type;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{App, both};
use crate::content::{descriptor, image, noise};

const ARTIFACTS: &str = "/api/v2.0/projects/library/repositories";

async fn addition(app: &App, artifact: &str, name: &str) -> Answer {
    let path = format!("{ARTIFACTS}/{artifact}/additions/{name}");
    app.get(&path).send().await
}

#[track_caller]
fn is(answer: Answer, kind: &str) -> Answer {
    let answer = answer.expect(200);
    assert_eq!(answer.need("content-type"), kind);
    assert_eq!(answer.need("x-content-type-options"), "nosniff");
    answer
}

const JSON: &str = "application/json; charset=utf-8";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_tells_how_it_was_built() {
    both(async |app| {
        let history = json!([{"created": "2026-01-01T00:00:00Z", "created_by": "COPY . /"}]);
        let config = json!({"architecture": "amd64", "os": "linux", "history": history});
        let (config, layer) = (Bytes::from(config.to_string()), noise(1, 10));
        app.push_blob("library/app", &config).await;
        app.push_blob("library/app", &layer).await;
        let manifest = image(&config, &layer);
        app.put_manifest("library/app", "1", &manifest)
            .await
            .expect(201);
        let built = is(
            addition(app, "app/artifacts/1", "build_history").await,
            JSON,
        );
        assert_eq!(built.json(), history);
        let whole = is(addition(app, "app/artifacts/1", "manifest").await, JSON);
        assert_eq!(whole.json(), manifest);
        for other in ["values.yaml", "readme.md", "dependencies", "nonsense"] {
            let answer = addition(app, "app/artifacts/1", other).await;
            answer.refused(400, "BAD_REQUEST");
        }
        let none = addition(app, "app/artifacts/2", "build_history").await;
        none.refused(404, "NOT_FOUND");
    })
    .await;
}

fn chart(files: &[(&str, &str)]) -> Bytes {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive
            .append_data(&mut header, path, text.as_bytes())
            .unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap().into()
}

async fn push_chart(app: &App, name: &str, config: &Value, archive: &Bytes) {
    let repository = format!("library/{name}");
    let config = Bytes::from(config.to_string());
    app.push_blob(&repository, &config).await;
    app.push_blob(&repository, archive).await;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "config": descriptor(media_type::HELM_CONFIG, &config),
        "layers": [descriptor(media_type::HELM_CHART, archive)],
    });
    let pushed = app.put_manifest(&repository, "1.0.0", &manifest).await;
    pushed.expect(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chart_shows_its_values_readme_and_dependencies() {
    both(async |app| {
        let needs = json!([{"name": "db", "version": "~1", "repository": "oci://x/charts"}]);
        let config = json!({"name": "app", "version": "1.0.0", "dependencies": needs});
        let archive = chart(&[
            ("app/Chart.yaml", "name: app\n"),
            ("app/charts/db/values.yaml", "wrong: true\n"),
            ("app/values.yaml", "replicas: 1\n"),
            ("app/README.md", "# <script>alert(1)</script>\n"),
        ]);
        push_chart(app, "app", &config, &archive).await;
        let of = "app/artifacts/1.0.0";
        let values = is(
            addition(app, of, "values.yaml").await,
            "text/plain; charset=utf-8",
        );
        assert_eq!(values.body, "replicas: 1\n");
        let readme = is(
            addition(app, of, "readme.md").await,
            "text/markdown; charset=utf-8",
        );
        assert_eq!(readme.body, "# <script>alert(1)</script>\n");
        assert!(readme.need("content-security-policy").contains("sandbox"));
        let dependencies = is(addition(app, of, "dependencies").await, JSON);
        assert_eq!(dependencies.json(), needs);
        let refused = addition(app, of, "build_history").await;
        refused.refused(400, "BAD_REQUEST");

        // The links of the list lead there.
        let listed = app.get(&format!("{ARTIFACTS}/{of}")).send().await;
        let listed = listed.expect(200).json();
        assert_eq!(listed["type"], "CHART");
        let links = listed["addition_links"].as_object().unwrap();
        assert_eq!(links.len(), 3);
        for link in links.values() {
            assert_eq!(link["absolute"], false);
            app.get(link["href"].as_str().unwrap())
                .send()
                .await
                .expect(200);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chart_without_a_file_or_with_none_at_all_says_so() {
    both(async |app| {
        let bare = chart(&[("bare/Chart.yaml", "name: bare\n")]);
        push_chart(app, "bare", &json!({"name": "bare"}), &bare).await;
        let of = "bare/artifacts/1.0.0";
        let readme = addition(app, of, "readme.md").await;
        readme.refused(404, "NOT_FOUND");
        let dependencies = is(addition(app, of, "dependencies").await, JSON);
        assert_eq!(dependencies.json(), json!([]));
        let broken = Bytes::from_static(b"no archive");
        push_chart(app, "broken", &json!("no config"), &broken).await;
        for name in ["values.yaml", "dependencies"] {
            let answer = addition(app, "broken/artifacts/1.0.0", name).await;
            answer.refused(412, "PRECONDITION");
        }
    })
    .await;
}
