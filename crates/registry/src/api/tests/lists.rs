//! Lists and reads: what is shown, filtered, sorted and paged, and to whom.

use berth_testkit::both_engines;
use http::Method;
use serde_json::json;

use super::support::{descriptor, digest_of, repository, world};

#[tokio::test]
async fn artifacts_are_listed_newest_first_in_pages() {
    both_engines(|db| async move {
        let world = world(db).await;
        let mut digests = Vec::new();
        for n in 0..5 {
            let bytes = world.image("p/app", &format!("v{n}"), &format!("make {n}")).await;
            digests.insert(0, digest_of(&bytes).to_string());
        }
        let path = repository("app/artifacts");
        let all = world.get(&path).await;
        assert_eq!(all.each("digest"), digests);
        assert_eq!(all.total(), "5");
        let second = world.get(&format!("{path}?page=2&page_size=2")).await;
        assert_eq!(second.each("digest"), digests[2..4]);
        assert_eq!(
            second.headers["link"],
            format!(
                "<{path}?page=1&page_size=2>; rel=\"prev\" , <{path}?page=3&page_size=2>; rel=\"next\""
            )
        );
        let past = world.get(&format!("{path}?page=9&page_size=2")).await;
        assert_eq!((past.json, past.headers["x-total-count"].to_str().unwrap()), (json!([]), "5"));
        let oldest = world.get(&format!("{path}?sort=push_time&page_size=1")).await;
        assert_eq!(oldest.each("digest"), digests[4..]);
        let refused = world.call("alice", Method::GET, &format!("{path}?sort=mood"), None).await;
        assert_eq!((refused.status, refused.code()), (400, "BAD_REQUEST"));
    })
    .await;
}

#[tokio::test]
async fn an_artifact_is_shown_in_harbors_words() {
    both_engines(|db| async move {
        let world = world(db).await;
        let bytes = world.image("p/a/b", "v1", "make").await;
        world.image("p/a/b", "v2", "make").await;
        let digest = digest_of(&bytes).to_string();
        for path in [
            repository("a%252Fb/artifacts/v1"),
            repository("a%2Fb/artifacts/v1"),
            repository(&format!("a%252Fb/artifacts/{digest}")),
            repository(&format!("a%252Fb/artifacts/{}", digest.replace(':', "%3A"))),
        ] {
            let found = world.get(&path).await.json;
            assert_eq!(found["digest"], digest, "{path}");
        }
        let found = world.get(&repository("a%252Fb/artifacts/v1")).await.json;
        assert_eq!(found["repository_name"], "p/a/b");
        assert_eq!(found["type"], "IMAGE");
        assert_eq!(
            found["media_type"],
            "application/vnd.oci.image.config.v1+json"
        );
        assert_eq!(
            found["manifest_media_type"],
            "application/vnd.oci.image.manifest.v1+json"
        );
        assert_eq!(found["push_time"], "2026-03-04T05:06:07.000Z");
        assert_eq!(found["pull_time"], "0001-01-01T00:00:00.000Z");
        assert_eq!(found["extra_attrs"]["architecture"], "amd64");
        assert!(found["size"].as_i64().unwrap() > bytes.len() as i64);
        for null in ["annotations", "references", "labels", "accessories"] {
            assert!(found[null].is_null() && found.get(null).is_some(), "{null}");
        }
        let tags = found["tags"].as_array().unwrap();
        assert_eq!((tags.len(), &tags[0]["name"]), (2, &json!("v2")));
        assert_eq!(tags[0]["artifact_id"], found["id"]);
        let href = found["addition_links"]["build_history"]["href"]
            .as_str()
            .unwrap();
        assert_eq!(
            href,
            repository(&format!(
                "a%252Fb/artifacts/{digest}/additions/build_history"
            ))
        );
        let history = world.get(href).await.json;
        assert_eq!(history, json!([{ "created_by": "RUN make" }]));
        let bare = world
            .get(&repository("a%252Fb/artifacts/v1?with_tag=false"))
            .await
            .json;
        assert!(bare["tags"].is_null());
    })
    .await;
}

#[tokio::test]
async fn parts_of_others_are_hidden_unless_asked_for() {
    both_engines(|db| async move {
        let world = world(db).await;
        let one = world.image("p/app", "", "one").await;
        let two = world.image("p/app", "two", "two").await;
        let index = world.index("p/app", "v1", &[&one, &two]).await;
        let note = world.attach("p/app", "", Some(&index), "a note").await;
        let cosign = format!("{}.sig", digest_of(&two).to_string().replace(':', "-"));
        let signature = world.attach("p/app", &cosign, None, "a signature").await;
        let lost = descriptor("application/x", b"never pushed");
        let orphan = world
            .attach("p/app", "", Some(lost.to_string().as_bytes()), "lost")
            .await;
        let names = |of: &[&Vec<u8>]| -> Vec<String> {
            of.iter()
                .map(|bytes| digest_of(bytes).to_string())
                .collect()
        };
        let path = repository("app/artifacts");
        let shown = world.get(&format!("{path}?with_accessory=true")).await;
        assert_eq!(shown.each("digest"), names(&[&orphan, &index, &two]));
        assert_eq!(shown.total(), "3");
        let base = world.get(&format!("{path}?q=base%3D*")).await;
        assert_eq!(base.each("digest"), names(&[&orphan, &index, &two, &one]));

        let references = shown.json[1]["references"].as_array().unwrap();
        assert_eq!(references.len(), 2);
        assert_eq!(references[0]["child_digest"], digest_of(&one).as_str());
        assert_eq!(references[0]["parent_id"], shown.json[1]["id"]);
        assert_eq!(references[1]["child_id"], shown.json[2]["id"]);
        assert_eq!(references[0]["platform"]["architecture"], "arm64");
        assert_eq!(shown.json[1]["addition_links"], json!({}));

        let accessory = &shown.json[1]["accessories"][0];
        assert_eq!(accessory["digest"], digest_of(&note).as_str());
        assert_eq!(accessory["type"], "subject.accessory");
        assert_eq!(accessory["subject_artifact_id"], shown.json[1]["id"]);
        assert_eq!(accessory["subject_artifact_repo"], "p/app");
        assert_eq!(
            shown.json[2]["accessories"][0]["digest"],
            digest_of(&signature).as_str()
        );
        assert_eq!(shown.json[2]["accessories"][0]["type"], "signature.cosign");

        let of_two = world
            .get(&repository("app/artifacts/two/accessories"))
            .await;
        assert_eq!(
            (of_two.each("digest"), of_two.total()),
            (names(&[&signature]), "1")
        );
        let none = world
            .get(&repository("app/artifacts/two/accessories?q=type%3Dx"))
            .await;
        assert_eq!(none.total(), "0");
        let listed = world.get("/api/v2.0/projects/p/repositories").await.json;
        assert_eq!(listed[0]["artifact_count"], 3);
    })
    .await;
}

#[tokio::test]
async fn artifacts_are_found_by_what_they_are() {
    both_engines(|db| async move {
        let world = world(db).await;
        let plain = world.image("p/app", "", "plain").await;
        let first = world.image("p/app", "v1.0", "first").await;
        let second = world.image("p/app", "V1.1", "second").await;
        world.attach("p/app", "note_x", None, "note").await;
        let path = repository("app/artifacts?sort=push_time&q=");
        let digest = digest_of(&first).to_string();
        let (all, plain, second) = (4, digest_of(&plain), digest_of(&second));
        for (q, expected) in [
            ("tags%3D*", 3),
            ("tags%3Dnil", 1),
            ("tags%3D~v1", 2),
            ("tags%3D~_", 1),
            ("tags%3Dv1.0", 1),
            ("tags%3Dv1", 0),
            ("tags%253Dv1.0", 1),
            ("labels%3D(1%202)", 0),
            ("type%3DIMAGE", 3),
            ("type%3D~imag,tags%3D*", 2),
            ("media_type%3Dapplication/vnd.oci.image.config.v1%2Bjson", 0),
            (
                "media_type%3Dapplication/vnd.oci.image.config.v1%252Bjson",
                3,
            ),
            (
                "push_time%3D%5B2026-03-04T05:06:08~2026-03-04T05:06:09%5D",
                2,
            ),
            ("push_time%3D%5B~2026-03-04T05:06:07%5D", 1),
            ("size%3D%5B1~%5D", all),
            (&format!("digest%3D{digest}"), 1),
            (&format!("digest%3D%7B{digest}%20{plain}%20{second}%7D"), 3),
            ("digest%3Dx'%20OR%20'1'%3D'1", 0),
        ] {
            let found = world.get(&format!("{path}{q}")).await;
            assert_eq!(found.total(), expected.to_string(), "{q}");
            assert_eq!(found.json.as_array().unwrap().len(), expected, "{q}");
        }
        for q in ["base%3Dall", "tags%3D%7Ba%20b%7D", "colour%3Dred"] {
            assert_eq!(
                world
                    .status("alice", Method::GET, &format!("{path}{q}"))
                    .await,
                400,
                "{q}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_projects_artifacts_are_listed_across_repositories() {
    both_engines(|db| async move {
        let world = world(db).await;
        for (repository, tag) in [("p/a", "1"), ("p/b", "2"), ("p/a", "3"), ("open/c", "4")] {
            world.image(repository, tag, tag).await;
        }
        let path = "/api/v2.0/projects/p/artifacts";
        let all = world.get(path).await;
        assert_eq!(all.each("repository_name"), ["p/a", "p/b", "p/a"]);
        let latest = world
            .get(&format!("{path}?latest_in_repository=true"))
            .await;
        assert_eq!(latest.each("repository_name"), ["p/a", "p/b"]);
        assert_eq!(latest.json[0]["tags"][0]["name"], "3");
        let tagged = world.get(&format!("{path}?q=tags%3D4")).await;
        assert_eq!(tagged.total(), "0");
        let named = world.get(&format!("{path}?q=repository_name%3Dp/b")).await;
        assert_eq!(named.total(), "1");
    })
    .await;
}

#[tokio::test]
async fn everybody_sees_the_repositories_that_are_for_them() {
    both_engines(|db| async move {
        let world = world(db).await;
        for name in ["p/app", "open/tool", "other/secret"] {
            world.image(name, "v1", name).await;
        }
        for (user, expected) in [
            ("admin", vec!["other/secret", "open/tool", "p/app"]),
            ("alice", vec!["open/tool", "p/app"]),
            ("guest", vec!["open/tool", "p/app"]),
            ("bob", vec!["other/secret", "open/tool"]),
            ("", vec!["open/tool"]),
        ] {
            let seen = world
                .call(user, Method::GET, "/api/v2.0/repositories", None)
                .await;
            assert_eq!(seen.each("name"), expected, "{user}");
            assert_eq!(seen.total(), expected.len().to_string());
        }
        let found = world
            .get("/api/v2.0/repositories?q=name%3D~TOOL&sort=name")
            .await;
        assert_eq!(found.each("name"), ["open/tool"]);
        let of_project = world.get("/api/v2.0/projects/open/repositories").await;
        assert_eq!(of_project.each("name"), ["open/tool"]);
    })
    .await;
}

#[tokio::test]
async fn nothing_is_reached_through_another_project() {
    both_engines(|db| async move {
        let world = world(db).await;
        let mine = world.image("p/app", "v1", "mine").await;
        let theirs = world.image("other/secret", "v1", "theirs").await;
        for path in [
            repository("secret"),
            repository("..%252Fother%252Fsecret"),
            repository("other%252Fsecret"),
            repository("secret/artifacts"),
            repository("secret/artifacts/v1/tags"),
            repository(&format!("app/artifacts/{}", digest_of(&theirs))),
            repository(&format!("app/artifacts/{}/accessories", digest_of(&theirs))),
            repository("app/artifacts/none/additions/build_history"),
            repository("%25ff"),
        ] {
            let answer = world.call("alice", Method::GET, &path, None).await;
            let expected = if path.ends_with("ff") { 400 } else { 404 };
            assert_eq!(answer.status, expected, "{path}: {}", answer.json);
        }
        for path in [repository("app/artifacts"), repository("app/artifacts/v1")] {
            assert_eq!(world.status("bob", Method::GET, &path).await, 403, "{path}");
            assert_eq!(world.status("", Method::GET, &path).await, 401, "{path}");
        }
        let secret = "/api/v2.0/projects/other/repositories/secret";
        for method in [Method::GET, Method::DELETE] {
            assert_eq!(world.status("alice", method, secret).await, 403);
        }
        assert_eq!(
            world
                .status(
                    "alice",
                    Method::DELETE,
                    &repository("..%252Fother%252Fsecret")
                )
                .await,
            404
        );
        let digest = repository(&format!("app/artifacts/{}", digest_of(&mine)));
        assert_eq!(
            world.get(&digest).await.json["digest"],
            digest_of(&mine).as_str()
        );
        let malformed = repository("app/artifacts/a:b");
        assert_eq!(world.status("alice", Method::GET, &malformed).await, 400);
    })
    .await;
}
