//! Images made to do harm, or to hide something: every one ends soon, and what was not read is
//! said.

use std::fs;
use std::time::{Duration, Instant};

use berth_scan::{Feeds, Image, ScanError, Source, scan};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::made::{
    DEBIAN, Layout, NOW, Stored, Tar, base, feeds, gzip, layout, osv, packages, read,
};
use crate::made::{status, write};

/// Runs it and demands that it ends soon, in an unoptimised build on a busy machine.
fn soon<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let result = run();
    let took = began.elapsed();
    assert!(took < Duration::from_mins(1), "{what} took {took:?}");
    result
}

/// Nothing, as small as it gets.
fn zeros(size: usize) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, &vec![0; size]).unwrap();
    encoder.finish().unwrap()
}

fn is_whole(image: Image) -> bool {
    let feeds = feeds(&[osv("CVE-2026-1001", "Debian:12", "x", None)]);
    scan(image, &feeds, NOW).is_whole()
}

#[test]
fn bombs_are_put_down() {
    // Two gibibytes of nothing in two mebibytes, before the database.
    let mut plain = Tar::new().file("etc/os-release", DEBIAN).end();
    plain.truncate(1024);
    let mut header = tar::Header::new_gnu();
    header.set_path("app/zeros").unwrap();
    header.set_size(2 << 30);
    header.set_mode(0o644);
    header.set_cksum();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &plain).unwrap();
    std::io::Write::write_all(&mut encoder, header.as_bytes()).unwrap();
    let head = encoder.finish().unwrap();
    let zeros = zeros(64 << 20);
    let bomb: Vec<u8> = head.into_iter().chain(zeros.repeat(32)).collect();
    let layout = Layout::new();
    let layer = layout.blob(&bomb, "application/vnd.oci.image.layer.v1.tar+gzip");
    let config = layout.blob(b"{}", "application/vnd.oci.image.config.v1+json");
    let manifest = json!({"config": config, "layers": [layer]}).to_string();
    let image = layout.blob(manifest.as_bytes(), "x");
    let layout = layout.tag(image, None);
    let image = soon("a bomb", || layout.read(None)).unwrap();
    assert!(!is_whole(image));
}

#[test]
fn names_that_lead_out_stay_in() {
    let layer = Tar::new()
        .file("etc/os-release", DEBIAN)
        .raw_name(
            "../../../../var/lib/dpkg/status",
            status(&[("up", "1")]).as_bytes(),
        )
        .raw_name(
            "/app/node_modules/abs/package.json",
            br#"{"name":"abs","version":"1.0.0"}"#,
        )
        .end();
    let image = layout(&[(layer, Stored::Gzip)]).read(None).unwrap();
    assert_eq!(packages(&image), ["up 1 @0", "abs 1.0.0 @0"]);

    // A manifest that names files elsewhere.
    let secret = TempDir::new().unwrap();
    let file = secret.path().join("secret");
    write(&file, base(&[("stolen", "1")]));
    let folder = TempDir::new().unwrap();
    write(folder.path().join("a.json"), "{}");
    let up = format!("../{}/secret", secret.path().file_name().unwrap().display());
    for layer in [file.display().to_string(), up] {
        let list = json!([{"Config": "a.json", "RepoTags": ["a:1"], "Layers": [layer]}]);
        write(folder.path().join("manifest.json"), list.to_string());
        let error = read(&Source::OciLayout(folder.path().to_owned()), None).unwrap_err();
        assert!(error.to_string().ends_with("is missing"), "{error}");
    }
    let digests = [
        "sha256:../../../etc/passwd",
        "sha256:ABC",
        "md5:00",
        "",
        "sha256:",
    ];
    for digest in digests {
        let layout = Layout::new().tag(json!({"digest": digest}), None);
        let error = layout.read(None).unwrap_err();
        assert!(error.to_string().ends_with("is no digest"), "{error}");
    }
}

#[test]
fn links_in_circles_end() {
    let layer = Tar::new()
        .link("etc/os-release", "../usr/lib/os-release")
        .link("usr/lib/os-release", "../../etc/os-release")
        .link("var", "var")
        .link("lib", "lib/lib")
        .link("app/a", "b")
        .link("app/b", "a")
        .end();
    let image = soon("circles", || layout(&[(layer, Stored::Gzip)]).read(None)).unwrap();
    assert_eq!(packages(&image), [""; 0]);
    assert_eq!(image.content.distro, None);
}

#[test]
fn damaged_layers_are_not_passed_over() {
    let plain = base(&[("bash", "5.2")]);
    // Cut short after its database, which is then known but not all there is.
    let layout_of = |stored: Vec<u8>, id: &str| {
        let layout = Layout::new();
        let layer = layout.blob(&stored, "application/vnd.oci.image.layer.v1.tar+gzip");
        let config = json!({"rootfs": {"type": "layers", "diff_ids": [id]}});
        let config = layout.blob(config.to_string().as_bytes(), "x");
        let manifest = json!({"config": config, "layers": [layer]}).to_string();
        let image = layout.blob(manifest.as_bytes(), "x");
        layout.tag(image, None)
    };
    let whole = gzip(&plain);
    let id = crate::made::digest(&plain);
    assert!(is_whole(layout_of(whole.clone(), &id).read(None).unwrap()));
    let cut = whole[..whole.len() - 9].to_vec();
    assert!(!is_whole(layout_of(cut, &id).read(None).unwrap()));
    // Another layer than the configuration names.
    let other = gzip(&base(&[("bash", "5.3")]));
    let error = layout_of(other, &id).read(None).unwrap_err();
    assert!(
        error.to_string().contains("is not the layer that"),
        "{error}"
    );
    // What is compressed with something that layers are not.
    let error = layout_of(b"\xfd7zXZ\0rest of it".to_vec(), &id)
        .read(None)
        .unwrap_err();
    assert!(matches!(error, ScanError::Layer { .. }), "{error}");
    // No archive at all.
    let text = vec![b'x'; 4096];
    let text_id = crate::made::digest(&text);
    assert!(!is_whole(layout_of(text, &text_id).read(None).unwrap()));
}

#[test]
fn missing_and_changed_documents_are_errors() {
    let damage = |what: fn(&Layout, &Value)| {
        let layout = Layout::new();
        let image = layout.image(&[(base(&[("bash", "5.2")]), Stored::Gzip)], json!({}));
        let file = layout.file_of(image["digest"].as_str().unwrap());
        let manifest: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        let layout = layout.tag(image, None);
        what(&layout, &manifest);
        layout.read(None).unwrap_err().to_string()
    };
    let error = damage(|layout, manifest| {
        fs::remove_file(layout.file_of(manifest["layers"][0]["digest"].as_str().unwrap())).unwrap();
    });
    assert!(error.ends_with("is missing"), "{error}");
    let error = damage(|layout, manifest| {
        fs::remove_file(layout.file_of(manifest["config"]["digest"].as_str().unwrap())).unwrap();
    });
    assert!(error.ends_with("is missing"), "{error}");
    let error = damage(|layout, manifest| {
        fs::write(
            layout.file_of(manifest["config"]["digest"].as_str().unwrap()),
            "{}",
        )
        .unwrap();
    });
    assert!(error.contains("is damaged: its digest is"), "{error}");
    let error = damage(|layout, _| {
        fs::write(layout.path().join("index.json"), "{").unwrap();
    });
    assert!(error.contains("index.json is broken"), "{error}");
    // A folder and a pipe in the place of a layer.
    let error = damage(|layout, manifest| {
        let file = layout.file_of(manifest["layers"][0]["digest"].as_str().unwrap());
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
    });
    assert!(error.contains("no regular file"), "{error}");
    let error = damage(|layout, manifest| {
        let file = layout.file_of(manifest["layers"][0]["digest"].as_str().unwrap());
        fs::remove_file(&file).unwrap();
        let pipe = std::process::Command::new("mkfifo").arg(&file).status();
        assert!(pipe.unwrap().success());
    });
    assert!(error.contains("no regular file"), "{error}");
}

#[test]
fn huge_and_deep_documents_are_refused() {
    let layout = layout(&[(base(&[]), Stored::Gzip)]);
    let index = layout.path().join("index.json");
    let huge = format!("{{\"manifests\":[{}]}}", " ".repeat(9 << 20));
    fs::write(&index, huge).unwrap();
    let error = layout.read(None).unwrap_err().to_string();
    assert!(error.contains("is larger than"), "{error}");
    fs::write(&index, "[".repeat(1 << 20)).unwrap();
    let error = layout.read(None).unwrap_err().to_string();
    assert!(error.contains("is broken"), "{error}");

    // An index in an index in an index and so on.
    let layout = Layout::new();
    let mut image = layout.image(&[(base(&[]), Stored::Gzip)], json!({}));
    for _ in 0..6 {
        image = layout.index(&[image]);
    }
    let error = layout.tag(image, None).read(None).unwrap_err().to_string();
    assert!(error.ends_with("nested too deeply"), "{error}");

    // More layers than an image has.
    let layout = Layout::new();
    let layer = layout.blob(&gzip(&base(&[])), "x");
    let config = layout.blob(b"{}", "x");
    let manifest = json!({"config": config, "layers": vec![layer; 1_001]}).to_string();
    let image = layout.blob(manifest.as_bytes(), "x");
    let error = layout.tag(image, None).read(None).unwrap_err().to_string();
    assert!(error.ends_with("too many layers"), "{error}");

    // A configuration that nests too deeply is not checked, and that is said.
    let layout = Layout::new();
    let layer = layout.blob(&gzip(&base(&[("bash", "1")])), "x");
    let config = layout.blob("[".repeat(1000).as_bytes(), "x");
    let manifest = json!({"config": config, "layers": [layer]}).to_string();
    let image = layout.blob(manifest.as_bytes(), "x");
    let image = layout.tag(image, None).read(None).unwrap();
    assert_eq!(packages(&image), ["bash 1 @0"]);
    assert_eq!(image.warnings.len(), 1, "{:?}", image.warnings);
}

#[test]
fn truncated_and_doubled_databases_are_read_as_far_as_they_go() {
    let mut text = status(&[("bash", "5.2"), ("curl", "8")]);
    text.push_str("Package: half\nStatus: install ok inst");
    let layer = Tar::new()
        .file("etc/os-release", DEBIAN)
        .file("var/lib/dpkg/status", status(&[("old", "1")]))
        .file("var/lib/dpkg/status", text)
        .end();
    let image = layout(&[(layer, Stored::Gzip)]).read(None).unwrap();
    assert_eq!(packages(&image), ["bash 5.2 @0", "curl 8 @0"]);
}

#[test]
fn archives_that_lie_about_their_sizes_are_refused() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("image.tar");
    let mut header = tar::Header::new_gnu();
    header.set_path("manifest.json").unwrap();
    header.set_size(1 << 40);
    header.set_mode(0o644);
    header.set_cksum();
    fs::write(&file, [header.as_bytes().as_slice(), b"[]"].concat()).unwrap();
    let error = soon("a lying archive", || {
        read(&Source::Archive(file.clone()), None)
    });
    assert!(error.is_err());
    fs::write(&file, b"garbage".repeat(1000)).unwrap();
    assert!(read(&Source::Archive(file), None).is_err());
}

#[test]
fn feeds_that_are_damaged_are_no_feeds() {
    let folder = TempDir::new().unwrap();
    for (name, bytes) in [
        ("a.zip", b"PK\x03\x04 and nothing more".as_slice()),
        ("b.json", b"{"),
        ("c.json", b"{}"),
        ("d.json", b"[1,2]"),
        ("e.json", b"{\"id\":1}"),
        ("f.zst", b"\x28\xb5\x2f\xfd and nothing more"),
        ("g.csv.gz", b"\x1f\x8b\x08 and nothing more"),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        let mut feeds = Feeds::default();
        assert!(feeds.add(&file, false).is_err(), "{name}");
        assert!(feeds.feeds.is_empty(), "{name}");
    }
    let empty = TempDir::new().unwrap();
    assert!(Feeds::default().add(empty.path(), false).is_err());
    assert!(
        Feeds::default()
            .add(&empty.path().join("none"), false)
            .is_err()
    );
}
