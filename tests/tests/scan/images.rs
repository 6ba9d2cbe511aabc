//! Made images: exit codes, what goes where, and documents judged by the validators of their
//! formats.

use std::fs;
use std::path::{Path, PathBuf};

use berth_e2e::Run;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{fetched, report, scan, text, tools};

/// A folder with a root file system and a feed.
struct Made {
    folder: TempDir,
}

impl Made {
    fn new() -> Self {
        let made = Self {
            folder: TempDir::new().unwrap(),
        };
        made.write("root/etc/os-release", "ID=debian\nVERSION_ID=99\n");
        made.write(
            "root/var/lib/dpkg/status",
            "Package: bash\nStatus: install ok installed\nVersion: 5.2-1\n\n\
             Package: curl\nStatus: install ok installed\nVersion: 8.0-1\n\n",
        );
        made.advisory(
            "CVE-2026-1001",
            "bash",
            Some("5.2-2"),
            "AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        );
        made.advisory(
            "CVE-2026-1002",
            "curl",
            None,
            "AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N",
        );
        made
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn advisory(&self, id: &str, package: &str, fixed: Option<&str>, vector: &str) {
        let mut events = vec![json!({"introduced": "0"})];
        events.extend(fixed.map(|version| json!({"fixed": version})));
        let advisory = json!({
            "id": id,
            "summary": "Something bad",
            "affected": [{
                "package": {"ecosystem": "Debian:99", "name": package},
                "ranges": [{"type": "ECOSYSTEM", "events": events}],
            }],
            "severity": [{"type": "CVSS_V3", "score": format!("CVSS:3.1/{vector}")}],
            "references": [{"type": "WEB", "url": "https://example.com/advisory"}],
        });
        self.write(&format!("feed/{id}.json"), advisory.to_string());
    }

    fn code(&self, args: &[&str]) -> Option<i32> {
        let (root, feed) = (self.path("root"), self.path("feed"));
        scan(&[&["rootfs", text(&root), "--db", text(&feed)], args].concat()).code
    }
}

#[test]
fn exit_codes_say_what_ci_has_to_know() {
    let made = Made::new();
    for (args, code) in [
        (&[][..], 0),
        (&["--fail-on", "critical"], 1),
        (&["--fail-on", "low"], 1),
        (&["--fail-on", "critical", "--ignore", "CVE-2026-1001"], 0),
        (&["--fail-on", "low", "--ignore", "CVE-2026-1001"], 1),
        (
            &[
                "--fail-on",
                "low",
                "--ignore",
                "CVE-2026-1001",
                "--ignore-unfixed",
            ],
            0,
        ),
        (&["--fail-on-finding", "info"], 0),
        (&["--fail-on", "terrible"], 2),
        (&["--format", "poem"], 2),
        (&["--platform", "amd64"], 2),
        (&["--vex", "/nowhere"], 2),
        (&["--ignore-file", "/nowhere"], 2),
        (&["--output", "/nowhere/report"], 2),
    ] {
        assert_eq!(made.code(args), Some(code), "{args:?}");
    }
    // A secret in a file.
    made.write(
        "root/root/.ssh/id_rsa",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n",
    );
    assert_eq!(made.code(&["--fail-on-finding", "high"]), Some(1));
    assert_eq!(
        made.code(&["--fail-on", "critical", "--ignore", "CVE-2026-1001"]),
        Some(0)
    );

    let missing = made.path("missing");
    let root = made.path("root");
    let feed = made.path("feed");
    for args in [
        &["rootfs", text(&missing), "--db", text(&feed)][..],
        &["oci-layout", text(&root), "--db", text(&feed)],
        &["archive", text(&missing), "--db", text(&feed)],
        &["rootfs", text(&root)],
        &["rootfs", text(&root), "--db", text(&missing)],
        &["rootfs", text(&root), "--db", text(&root)],
    ] {
        let ran = scan(args);
        assert_eq!(ran.code, Some(2), "{ran}");
        assert!(
            ran.stdout.is_empty() && ran.stderr.starts_with("berth: "),
            "{ran}"
        );
    }
}

#[test]
fn what_could_not_be_read_is_no_pass() {
    let made = Made::new();
    fs::remove_dir_all(made.path("root/var/lib/dpkg")).unwrap();
    std::os::unix::fs::symlink("/nowhere", made.path("root/var/lib/dpkg")).unwrap();
    let (root, feed) = (made.path("root"), made.path("feed"));
    let args = ["rootfs", text(&root), "--db", text(&feed)];
    let ran = scan(&args);
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("--allow-incomplete"), "{ran}");
    assert!(
        ran.stdout.contains("Not read: var/lib/dpkg/status"),
        "{ran}"
    );
    let ran = scan(&[&args[..], &["--allow-incomplete", "--fail-on", "low"]].concat());
    assert_eq!(ran.code, Some(0), "{ran}");
}

#[test]
fn the_report_goes_where_it_is_told() {
    let made = Made::new();
    let (root, feed, file) = (
        made.path("root"),
        made.path("feed"),
        made.path("report.json"),
    );
    let args = [
        "rootfs",
        text(&root),
        "--db",
        text(&feed),
        "--format",
        "json",
    ];
    let ran = scan(&[&args[..], &["--output", text(&file), "--fail-on", "low"]].concat());
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran}");
    let written: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let ids: Vec<_> = written["vulnerabilities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["CVE-2026-1001", "CVE-2026-1002"]);
}

#[test]
fn jars_in_jars_are_found() {
    if !tools(&["jar"]) {
        return;
    }
    let made = Made::new();
    let jar = |name: &str, from: &Path| {
        let run = Run::new("jar")
            .arg("cf")
            .arg(made.path(name))
            .arg("-C")
            .arg(from)
            .arg(".");
        run.run().expect_ok();
    };
    made.write(
        "inner/META-INF/maven/org.example/logger/pom.properties",
        "groupId=org.example\nartifactId=logger\nversion=2.14.1\n",
    );
    made.write("inner/org/example/Logger.class", "x");
    fs::create_dir_all(made.path("outer/BOOT-INF/lib")).unwrap();
    jar("outer/BOOT-INF/lib/logger-2.14.1.jar", &made.path("inner"));
    fs::create_dir_all(made.path("root/opt")).unwrap();
    jar("root/opt/app.jar", &made.path("outer"));
    for (nr, fixed) in ["2.15.0", "2.14.1", "2.14.1-rc1"].iter().enumerate() {
        let advisory = json!({"id": format!("CVE-2026-200{nr}"), "affected": [{
            "package": {"ecosystem": "Maven", "name": "org.example:logger"},
            "ranges": [{"type": "ECOSYSTEM",
                "events": [{"introduced": "2.0-beta9"}, {"fixed": fixed}]}]}]});
        made.write(&format!("maven/{nr}.json"), advisory.to_string());
    }
    let (root, feed) = (made.path("root"), made.path("maven"));
    let report = report(&["rootfs", text(&root), "--db", text(&feed)]);
    let found = report["vulnerabilities"].as_array().unwrap();
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0]["id"], "CVE-2026-2000");
    let path = found[0]["path"].as_str().unwrap();
    assert_eq!(path, "opt/app.jar!/BOOT-INF/lib/logger-2.14.1.jar");
}

#[test]
fn validators_take_the_documents() {
    if !tools(&["python3"]) {
        return;
    }
    let made = Made::new();
    made.write(
        "root/app/node_modules/a/package.json",
        r#"{"name":"a","version":"1.0.0","license":"MIT"}"#,
    );
    let (root, feed, site) = (made.path("root"), made.path("feed"), made.path("site"));
    let install = Run::new("python3")
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--target",
        ])
        .arg(&site)
        .args(["cyclonedx-python-lib[json-validation]", "spdx-tools"])
        .limit(std::time::Duration::from_mins(5));
    if !fetched(install, "validators") {
        return;
    }
    let judges = [
        (
            "cyclonedx",
            "import sys; from cyclonedx.schema import SchemaVersion; \
             from cyclonedx.validation.json import JsonStrictValidator as V; \
             sys.exit(V(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read()))",
        ),
        (
            "spdx",
            "import sys; from spdx_tools.spdx.parser.parse_anything import parse_file; \
             from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document \
             as v; wrong = v(parse_file(sys.argv[1])); \
             sys.exit('\\n'.join(m.validation_message for m in wrong) or None)",
        ),
    ];
    for (format, judge) in judges {
        let file = made.path(&format!("report.{format}.json"));
        let args = [
            "rootfs",
            text(&root),
            "--db",
            text(&feed),
            "--format",
            format,
        ];
        scan(&[&args[..], &["--output", text(&file)]].concat()).expect_ok();
        let judged = Run::new("python3")
            .args(["-c", judge])
            .arg(&file)
            .env("PYTHONPATH", &site);
        judged.run().expect_ok();
        // The judge would have seen a mistake.
        let mut broken: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        for place in ["/components/0/type", "/packages/0/SPDXID"] {
            if let Some(value) = broken.pointer_mut(place) {
                *value = json!("not that");
            }
        }
        fs::write(&file, broken.to_string()).unwrap();
        let judged = Run::new("python3")
            .args(["-c", judge])
            .arg(&file)
            .env("PYTHONPATH", &site);
        assert!(!judged.run().ok(), "{format}");
    }
}
