//! Real packages against real advisories, judged by dpkg, packaging and npm's semver.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use berth_e2e::Run;
use berth_e2e::command::{is_root, skip};
use berth_e2e::content::digest;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{assert_same, feeds, fetched, found, judged, report, scan, text, tools};

/// Old enough to have had advisories.
const PYTHON: [&str; 8] = [
    "django==3.2.0",
    "requests==2.19.0",
    "pyyaml==5.4.1",
    "jinja2==2.10",
    "urllib3==1.24",
    "flask==0.12",
    "pillow==8.0.0",
    "cryptography==3.2",
];

fn python(folder: &Path) -> bool {
    let run = Run::new("python3")
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args(["--no-deps", "--no-compile", "--only-binary=:all:"])
        .args(["--python-version", "3.9", "--platform", "manylinux1_x86_64"])
        .args([
            "--platform",
            "manylinux2010_x86_64",
            "--platform",
            "manylinux2014_x86_64",
        ])
        .arg("--target")
        .arg(folder)
        .args(PYTHON);
    fetched(run, "Python packages")
}

fn has_packaging() -> bool {
    let there = Run::new("python3")
        .args(["-c", "import packaging"])
        .run()
        .ok();
    if !there {
        skip("python3 has no packaging");
    }
    there
}

#[test]
fn python_is_judged_by_packaging() {
    let Some(feeds) = feeds() else { return };
    if !tools(&["python3"]) || !has_packaging() {
        return;
    }
    let root = TempDir::new().unwrap();
    let site = root.path().join("opt/app/lib/python3.9/site-packages");
    if !python(&site) {
        return;
    }
    let feed = feeds.join("PyPI.zip");
    let report = report(&["rootfs", text(root.path()), "--db", text(&feed)]);
    let found = found(&report, "pypi");
    assert!(found.len() > 50, "old packages have many: {}", found.len());
    assert_same("Python", &found, &judged("PyPI", &feed, &site));
}

/// Makes a root file system of Debian, with or without its security updates.
fn debian(suite: &str, updates: bool, to: &Path) -> bool {
    let mirrors = Run::new("apt-get")
        .args([
            "indextargets",
            "--format",
            "$(REPO_URI)",
            "Created-By: Packages",
        ])
        .run();
    let mirrors = mirrors.stdout;
    let Some(mirror) = mirrors.lines().find(|line| !line.contains("security")) else {
        skip("apt has no repository of Debian");
        return false;
    };
    let mut sources = format!("deb {mirror} {suite} main\n");
    let security = mirrors.lines().find(|line| line.contains("security"));
    if let (true, Some(security)) = (updates, security) {
        let _ = writeln!(sources, "deb {mirror} {suite}-updates main");
        let _ = writeln!(sources, "deb {security} {suite}-security main");
    }
    let run = Run::new("mmdebstrap")
        .args([
            "--quiet",
            "--variant=minbase",
            "--include=curl,python3-minimal",
            suite,
        ])
        .arg(to)
        .arg("-")
        .input(sources)
        .limit(std::time::Duration::from_mins(9));
    fetched(run, "Debian")
}

/// Writes a layout of these layers; a layer is stored plain or by gzip, as its name says.
fn layout(folder: &Path, layers: &[PathBuf]) {
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    let put = |bytes: &[u8], media_type: &str| -> Value {
        let digest = digest(bytes);
        let file = blobs.join(digest.strip_prefix("sha256:").unwrap());
        fs::write(file, bytes).unwrap();
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    };
    let layers: Vec<Value> = layers
        .iter()
        .map(|layer| {
            let packed = layer.extension().is_some_and(|it| it == "gz");
            let kind = if packed { "tar+gzip" } else { "tar" };
            let media_type = format!("application/vnd.oci.image.layer.v1.{kind}");
            put(&fs::read(layer).unwrap(), &media_type)
        })
        .collect();
    let config = json!({"architecture": "amd64", "os": "linux", "config": {}});
    let config = put(
        config.to_string().as_bytes(),
        "application/vnd.oci.image.config.v1+json",
    );
    let manifest = json!({"schemaVersion": 2, "config": config, "layers": layers});
    let manifest = put(
        manifest.to_string().as_bytes(),
        "application/vnd.oci.image.manifest.v1+json",
    );
    let index = json!({"schemaVersion": 2, "manifests": [manifest]});
    fs::write(folder.join("index.json"), index.to_string()).unwrap();
}

/// An image of Debian with a tree of Python packages on top, judged by dpkg.
fn debian_image(suite: &str, release: &str, updates: bool) -> Option<usize> {
    let feeds = feeds()?;
    if !tools(&["mmdebstrap", "dpkg-query", "tar", "gzip"]) || !is_root("mmdebstrap") {
        return None;
    }
    let place = TempDir::new().unwrap();
    let base = place.path().join("base.tar");
    if !debian(suite, updates, &base) {
        return None;
    }
    let root = place.path().join("root");
    fs::create_dir(&root).unwrap();
    let unpack = Run::new("tar").arg("-C").arg(&root).arg("-xf").arg(&base);
    unpack.run().expect_ok();
    // The base and nothing, then the base, packed, below a file.
    let packed = place.path().join("base.tar.gz");
    fs::copy(&base, place.path().join("again.tar")).unwrap();
    let again = place.path().join("again.tar");
    Run::new("gzip").arg("-1").arg(&again).run().expect_ok();
    fs::rename(place.path().join("again.tar.gz"), &packed).unwrap();
    let feed = feeds.join("Debian.zip");
    let judged = judged(&format!("Debian:{release}"), &feed, &root);
    let db = ["--db-binary", text(&feed)];
    for (name, layers) in [("plain", [base.clone()]), ("packed", [packed])] {
        let folder = place.path().join(name);
        layout(&folder, &layers);
        let report = report(&[&["oci-layout", text(&folder)], &db[..]].concat());
        assert_eq!(report["distro"]["version_id"], release);
        assert_eq!(report["incomplete"], json!([]));
        assert_same(&format!("{suite}, {name}"), &found(&report, "deb"), &judged);
    }
    let folder = report(&[&["rootfs", text(&root)], &db[..]].concat());
    assert_same(&format!("{suite}, folder"), &found(&folder, "deb"), &judged);
    let fails = [&["rootfs", text(&root), "--fail-on", "negligible"], &db[..]].concat();
    let code = scan(&fails).code;
    assert_eq!(code, Some(i32::from(!judged.is_empty())));
    Some(judged.len())
}

#[test]
fn debian_without_updates_is_judged_by_dpkg() {
    if let Some(count) = debian_image("bullseye", "11", false) {
        assert!(count > 20, "so old a release has many: {count}");
    }
}

#[test]
fn debian_with_updates_is_judged_by_dpkg() {
    debian_image("bookworm", "12", true);
}

#[test]
fn executables_of_go_are_judged_by_semver() {
    let Some(feeds) = feeds() else { return };
    if !tools(&["go", "node", "npm", "python3"]) {
        return;
    }
    let root = TempDir::new().unwrap();
    let source = root.path().join("src");
    fs::create_dir_all(&source).unwrap();
    fs::write(
        source.join("go.mod"),
        "module example.com/app\n\ngo 1.18\n\nrequire (\n\tgolang.org/x/text v0.3.5\n\
         \tgithub.com/gin-gonic/gin v1.6.0\n\tgopkg.in/yaml.v2 v2.2.1\n)\n",
    )
    .unwrap();
    fs::write(
        source.join("main.go"),
        "package main\n\nimport (\n\t\"github.com/gin-gonic/gin\"\n\t\"golang.org/x/text/language\"\n\
         \t\"gopkg.in/yaml.v2\"\n)\n\nfunc main() {\n\tvar x map[string]string\n\
         \t_ = yaml.Unmarshal([]byte(\"a: b\"), &x)\n\t_, _ = language.Parse(\"en\")\n\
         \tgin.Default()\n}\n",
    )
    .unwrap();
    let go = |args: &[&str]| {
        let run = Run::new("go").args(args).folder(&source);
        run.env("GOFLAGS", "-mod=mod")
            .env("GOTOOLCHAIN", "local")
            .limit(std::time::Duration::from_mins(5))
    };
    if !fetched(go(&["build", "-o", "../app", "."]), "Go modules") {
        return;
    }
    fs::remove_dir_all(&source).unwrap();
    let app = root.path().join("app");
    let listed = Run::new("go").args(["version", "-m"]).arg(&app).run();
    let mut packages = String::new();
    for line in listed.expect_ok().lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["dep", name, version, ..] => {
                let version = version.trim_start_matches('v');
                let _ = writeln!(packages, "{name} {version}");
            }
            [_, version] if version.starts_with("go1") => {
                let version = version.trim_start_matches("go");
                // Go counts 1.24 as the first of its releases.
                let dots = version.matches('.').count();
                let _ = writeln!(
                    packages,
                    "stdlib {version}{}",
                    if dots < 2 { ".0" } else { "" }
                );
            }
            _ => {}
        }
    }
    let list = TempDir::new().unwrap();
    let list = list.path().join("packages");
    fs::create_dir_all(list.parent().unwrap()).unwrap();
    fs::write(&list, packages).unwrap();
    let feed = feeds.join("Go.zip");
    let report = report(&["rootfs", text(root.path()), "--db", text(&feed)]);
    let found = found(&report, "golang");
    assert!(found.len() > 10, "old modules have some: {}", found.len());
    assert_same("Go", &found, &judged("Go", &feed, &list));
}

#[test]
fn crates_are_judged_by_semver() {
    let Some(feeds) = feeds() else { return };
    if !tools(&["cargo", "node", "npm", "python3"]) {
        return;
    }
    let root = TempDir::new().unwrap();
    let source = TempDir::new().unwrap();
    fs::create_dir_all(source.path().join("src")).unwrap();
    fs::write(source.path().join("src/main.rs"), "fn main() {}\n").unwrap();
    fs::write(
        source.path().join("Cargo.toml"),
        "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\n\
         time = \"=0.1.43\"\nsmallvec = \"=1.6.0\"\nregex = \"=1.5.4\"\nchrono = \"=0.4.19\"\n\
         hyper = { version = \"=0.14.9\", features = [\"full\"] }\n\n[workspace]\n",
    )
    .unwrap();
    let cargo = |args: &[&str]| {
        let run = Run::new("cargo").args(args).folder(source.path());
        run.env("CARGO_TARGET_DIR", source.path().join("target"))
            .limit(std::time::Duration::from_mins(5))
    };
    if !fetched(cargo(&["generate-lockfile"]), "crates") {
        return;
    }
    let audited = cargo(&["auditable", "--version"]).run().ok();
    let feed = feeds.join("crates.io.zip");
    let place = TempDir::new().unwrap();
    let list = place.path().join("packages");
    let write = |packages: &mut dyn Iterator<Item = (String, String)>| {
        let mut lines = String::new();
        for (name, version) in packages {
            let _ = writeln!(lines, "{name} {version}");
        }
        fs::write(&list, lines).unwrap();
    };
    let lock = fs::read_to_string(source.path().join("Cargo.lock")).unwrap();
    let names = lock.lines().filter_map(|line| line.strip_prefix("name = "));
    let versions = lock
        .lines()
        .filter_map(|line| line.strip_prefix("version = \""));
    let bare = |text: &str| text.trim_matches('"').to_owned();
    write(&mut names.map(bare).zip(versions.map(bare)));
    fs::create_dir_all(root.path().join("app")).unwrap();
    fs::write(root.path().join("app/Cargo.lock"), &lock).unwrap();
    let args = ["rootfs", text(root.path()), "--db", text(&feed)];
    let locked = found(&report(&args), "cargo");
    assert!(locked.len() > 5, "old crates have some: {}", locked.len());
    assert_same("Cargo.lock", &locked, &judged("crates.io", &feed, &list));

    if !audited {
        skip("cargo-auditable is not installed");
        return;
    }
    fs::remove_file(root.path().join("app/Cargo.lock")).unwrap();
    cargo(&["auditable", "build", "--locked"]).run().expect_ok();
    fs::copy(
        source.path().join("target/debug/app"),
        root.path().join("app/app"),
    )
    .unwrap();
    let tree = cargo(&["tree", "--locked", "--prefix", "none", "-e", "normal,build"]).run();
    let lines = tree.expect_ok().lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let name = words.next()?.to_owned();
        Some((name, words.next()?.trim_start_matches('v').to_owned()))
    });
    write(&mut lines.collect::<Vec<_>>().into_iter());
    let built = found(&report(&args), "cargo");
    assert_same(
        "audited executable",
        &built,
        &judged("crates.io", &feed, &list),
    );
}

/// Advisories at and beside a version, in every way in which OSV can say it.
fn around(nr: usize, name: &str, version: &str) -> Vec<Value> {
    let (core, _) = version.split_once(['-', '+']).unwrap_or((version, ""));
    let mut parts = core.splitn(3, '.').map(|part| part.parse::<u64>().unwrap());
    let mut part = || parts.next().unwrap();
    let (major, minor, patch) = (part(), part(), part());
    let next = format!("{major}.{minor}.{}", patch + 1);
    let events = |pairs: &[(&str, &str)]| -> Value {
        let events: Vec<Value> = pairs
            .iter()
            .map(|(kind, text)| json!({*kind: text}))
            .collect();
        json!({"type": "SEMVER", "events": events})
    };
    let first_of_next = format!("{next}-0");
    let candidate = format!("{core}-rc.1");
    let far = format!("{}.0.0", major + 1);
    let forms = [
        json!({"ranges": [events(&[("introduced", "0"), ("fixed", version)])]}),
        json!({"ranges": [events(&[("introduced", "0"), ("fixed", &next)])]}),
        json!({"ranges": [events(&[("introduced", version), ("last_affected", version)])]}),
        json!({"ranges": [events(&[("introduced", &next), ("fixed", &far)])]}),
        json!({"ranges": [events(&[("introduced", "0"), ("fixed", &candidate)])]}),
        json!({"ranges": [events(&[("introduced", "0"), ("fixed", &first_of_next)])]}),
        json!({"ranges": [events(&[("introduced", "0"), ("fixed", "0.0.1"),
            ("introduced", version), ("fixed", &far)])]}),
        json!({"ranges": [events(&[("introduced", "0.0.0-0"), ("fixed", "0.0.0")]),
            events(&[("introduced", &candidate), ("fixed", version)])]}),
        json!({"versions": [version, "0.0.0"]}),
        json!({"versions": [next, candidate]}),
    ];
    let forms = forms.into_iter().enumerate();
    forms
        .map(|(form, mut affected)| {
            affected["package"] = json!({"ecosystem": "npm", "name": name});
            json!({"id": format!("TEST-{nr}-{form}"), "affected": [affected]})
        })
        .collect()
}

#[test]
fn npm_is_judged_by_semver() {
    if !tools(&["npm", "node", "python3"]) {
        return;
    }
    let root = TempDir::new().unwrap();
    let app = root.path().join("srv/app");
    fs::create_dir_all(&app).unwrap();
    fs::write(
        app.join("package.json"),
        r#"{"name":"app","version":"1.0.0"}"#,
    )
    .unwrap();
    let packages = [
        "express@4.16.0",
        "lodash@4.17.4",
        "@babel/core@7.0.0-rc.1",
        "minimist@0.0.8",
    ];
    let install = Run::new("npm")
        .args([
            "install",
            "--silent",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
        ])
        .args(packages)
        .folder(&app)
        .env("npm_config_cache", root.path().join("cache"))
        .limit(std::time::Duration::from_mins(5));
    if !fetched(install, "npm packages") {
        return;
    }
    fs::remove_dir_all(root.path().join("cache")).unwrap();
    let listed = Run::new("npm")
        .args(["ls", "--all", "--parseable", "--long"])
        .folder(&app)
        .run();
    let place = TempDir::new().unwrap();
    let (list, feed) = (place.path().join("packages"), place.path().join("feed"));
    fs::create_dir(&feed).unwrap();
    let mut lines = String::new();
    for (nr, line) in listed.stdout.lines().enumerate().skip(1) {
        let (name, version) = line.split(':').nth(1).unwrap().rsplit_once('@').unwrap();
        let _ = writeln!(lines, "{name} {version}");
        for advisory in around(nr, name, version) {
            let file = feed.join(format!("{}.json", advisory["id"].as_str().unwrap()));
            fs::write(file, advisory.to_string()).unwrap();
        }
    }
    fs::write(&list, &lines).unwrap();
    let report = report(&["rootfs", text(root.path()), "--db", text(&feed)]);
    let found = found(&report, "npm");
    assert!(found.len() > 200, "half of the advisories: {}", found.len());
    assert_same("npm", &found, &judged("npm", &feed, &list));
}
