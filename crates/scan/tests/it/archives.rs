//! Tar archives: what `docker save` writes, now and before, and OCI layouts in archives.

use std::fs;

use berth_scan::Source;
use serde_json::json;
use tempfile::TempDir;

use crate::made::{Layout, Stored, Tar, base, digest, packages, read};

fn archive(bytes: &[u8]) -> (TempDir, Source) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("image.tar");
    fs::write(&file, bytes).unwrap();
    (folder, Source::Archive(file))
}

fn config(layers: &[&[u8]]) -> String {
    let ids: Vec<String> = layers.iter().map(|it| digest(it)).collect();
    json!({"os": "linux", "rootfs": {"type": "layers", "diff_ids": ids}}).to_string()
}

#[test]
fn dockers_own_archive_is_read() {
    let (one, two) = (base(&[("one", "1")]), base(&[("two", "2")]));
    let first = digest(&one).replacen("sha256:", "blobs/sha256/", 1);
    let list = json!([
        {"Config": "a.json", "RepoTags": ["registry.example/app:v1"], "Layers": [first]},
        {"Config": "b.json", "RepoTags": ["app:v2", "app:v3"], "Layers": ["2/layer.tar"]},
        {"Config": "b.json", "RepoTags": null, "Layers": ["2/layer.tar"]},
    ]);
    let bytes = Tar::new()
        .file(&first, &one)
        .file("./2/layer.tar", &two)
        .file("a.json", config(&[&one]))
        .file("b.json", config(&[&two]))
        .file("manifest.json", list.to_string())
        .end();
    let (_folder, source) = archive(&bytes);
    for (reference, expected) in [
        ("registry.example/app:v1", "one 1 @0"),
        ("app:v3", "two 2 @0"),
        ("v2", "two 2 @0"),
    ] {
        let image = read(&source, Some(reference)).unwrap();
        assert_eq!(packages(&image), [expected], "{reference}");
        assert_eq!(image.digest, None);
    }
    let image = read(&source, Some("v1")).unwrap();
    assert_eq!(image.layers[0].digest, digest(&one));
    for reference in [None, Some("v9")] {
        let error = read(&source, reference).unwrap_err().to_string();
        assert!(error.contains("by its tag"), "{error}");
    }
}

#[test]
fn layers_that_are_links_in_older_archives_are_followed() {
    let layer = base(&[("one", "1")]);
    let empty = Tar::new().file("app/x", "x").end();
    let list = json!([{
        "Config": "a.json",
        "RepoTags": ["app:v1"],
        "Layers": ["1/layer.tar", "2/layer.tar", "3/layer.tar"],
    }]);
    let bytes = Tar::new()
        .link("3/layer.tar", "../1/layer.tar")
        .file("1/layer.tar", &layer)
        .file("2/layer.tar", &empty)
        .file("a.json", config(&[&layer, &empty, &layer]))
        .file("manifest.json", list.to_string())
        .end();
    let (_folder, source) = archive(&bytes);
    let image = read(&source, None).unwrap();
    assert_eq!(packages(&image), ["one 1 @0"]);
    assert_eq!(image.layers.len(), 3);
}

#[test]
fn a_layout_in_an_archive_is_read_in_place() {
    let layout = Layout::new();
    let image = layout.image(&[(base(&[("one", "1")]), Stored::Zstd)], json!({}));
    let layout = layout.tag(image, Some("v1"));
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_dir_all(".", layout.path()).unwrap();
    let (_folder, source) = archive(&builder.into_inner().unwrap());
    let image = read(&source, Some("v1")).unwrap();
    assert_eq!(packages(&image), ["one 1 @0"]);
    assert!(image.digest.is_some());
}

#[test]
fn what_is_no_image_says_so() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("missing");
    for source in [
        Source::Archive(missing.clone()),
        Source::OciLayout(missing.clone()),
        Source::Rootfs(missing),
    ] {
        let error = read(&source, None).unwrap_err().to_string();
        assert!(error.contains("missing"), "{error}");
    }
    let (_kept, source) = archive(&Tar::new().file("app/x", "x").end());
    let error = read(&source, None).unwrap_err().to_string();
    assert!(error.contains("neither an OCI layout"), "{error}");
    let (_kept, source) = archive(&crate::made::gzip(&Tar::new().file("x", "x").end()));
    let error = read(&source, None).unwrap_err().to_string();
    assert!(error.contains("is to be unpacked first"), "{error}");
}
