//! Databases of rpm as rpm itself and Berkeley DB write them: what is found in them is what
//! `rpm -qa` lists.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use berth_e2e::Run;
use berth_e2e::command::skip;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{scan, text, tools};

/// So many packages that a hash database of Berkeley DB has to split its buckets.
const PACKAGES: usize = 60;

/// Name, version with its epoch, and architecture.
type Listed = BTreeSet<(String, String, String)>;

/// Packages of every form: with epochs and without, of several architectures, short and long.
fn spec() -> String {
    let mut spec = String::from(
        "Name: first\nEpoch: 7\nVersion: 1.2~rc1\nRelease: 3.el9\nSummary: The first\n\
         License: MIT\nVendor: Example\n%description\nThe first.\n%files\n",
    );
    for nr in 1..PACKAGES {
        let arch = if nr % 3 == 0 {
            "BuildArch: noarch\n"
        } else {
            ""
        };
        // The epoch of the first is taken on, so that each says its own.
        let epoch = [0, 1, 20][nr % 3];
        // Up to some hundred kilobytes: longer than any page.
        let lines = if nr % 20 == 0 { 4_000 } else { nr };
        let words = format!("Words about number {nr}.\n").repeat(lines);
        let _ = write!(
            spec,
            "%package -n some-{nr}\nEpoch: {epoch}\nVersion: {nr}.0^git{nr}\n\
             Release: {nr}.el9_{nr}\nSummary: Number {nr}\n{arch}%description -n some-{nr}\n\
             {words}\n%files -n some-{nr}\n"
        );
    }
    spec
}

fn rpm(database: &Path, backend: &str) -> Run {
    Run::new("rpm")
        .arg("--dbpath")
        .arg(database)
        .args(["--define", &format!("_db_backend {backend}")])
}

/// Builds the packages: one set for each architecture.
fn built(folder: &Path) -> Vec<PathBuf> {
    let file = folder.join("first.spec");
    fs::write(&file, spec()).unwrap();
    let mut packages = Vec::new();
    for architecture in ["x86_64", "i686"] {
        let top = folder.join(architecture);
        let build = Run::new("rpmbuild")
            .args(["--quiet", "-bb", "--target", architecture])
            .args(["--define", &format!("_topdir {}", text(&top))])
            .arg(&file);
        build.run().expect_ok();
        for kind in [architecture, "noarch"] {
            // What is of no architecture came with the first set.
            if kind == "noarch" && !packages.is_empty() && architecture != "x86_64" {
                continue;
            }
            let files = fs::read_dir(top.join("RPMS").join(kind)).unwrap();
            packages.extend(files.map(|file| file.unwrap().path()));
        }
    }
    packages
}

/// Installs the packages; `false`, said aloud, where this rpm does not write such a database.
fn installed(database: &Path, backend: &str, packages: &[PathBuf]) -> bool {
    fs::create_dir_all(database).unwrap();
    let ran = rpm(database, backend)
        .args(["--justdb", "--nodeps", "--noscripts", "--nosignature"])
        .args(["--ignorearch", "--ignoreos", "--install"])
        .args(packages)
        .run();
    if ran.stderr.contains("invalid %_db_backend") {
        skip(&format!("this rpm does not write {backend}"));
        return false;
    }
    ran.expect_ok();
    true
}

/// What rpm lists.
fn judged(database: &Path, backend: &str) -> Listed {
    let shown = "%{name} %{epochnum}:%{version}-%{release} %{arch}\\n";
    let ran = rpm(database, backend)
        .args(["-qa", "--queryformat", shown])
        .run();
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let version = words[1].strip_prefix("0:").unwrap_or(words[1]);
        (words[0].to_owned(), version.to_owned(), words[2].to_owned())
    };
    ran.expect_ok().lines().map(line).collect()
}

/// What a scan lists of a file system with this database.
fn found(root: &Path) -> Listed {
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::write(
        root.join("etc/os-release"),
        "ID=almalinux\nVERSION_ID=9.4\n",
    )
    .unwrap();
    let feed = TempDir::new().unwrap();
    let advisory = json!({"id": "TEST-1", "affected": [{
        "package": {"ecosystem": "AlmaLinux:9", "name": "none"}, "versions": ["1-1"]}]});
    fs::write(feed.path().join("1.json"), advisory.to_string()).unwrap();
    let args = ["rootfs", text(root), "--db", text(feed.path())];
    // It fails where something could not be read.
    let ran = scan(&[&args[..], &["--format", "cyclonedx"]].concat());
    let report: Value = serde_json::from_str(ran.expect_ok()).unwrap();
    let components = report["components"].as_array().unwrap();
    let packages = components.iter().filter_map(|it| {
        let purl = it["purl"].as_str()?;
        let (_, qualifiers) = purl.strip_prefix("pkg:rpm/")?.split_once('?')?;
        let mut qualifiers = qualifiers.split('&');
        let architecture = qualifiers.find_map(|it| it.strip_prefix("arch="))?;
        let text = |key: &str| it[key].as_str().unwrap().to_owned();
        Some((text("name"), text("version"), architecture.to_owned()))
    });
    packages.collect()
}

#[track_caller]
fn assert_same(what: &str, found: &Listed, judged: &Listed) {
    assert!(judged.len() > PACKAGES, "{what}: {}", judged.len());
    let missing: Vec<_> = judged.difference(found).collect();
    let extra: Vec<_> = found.difference(judged).collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "{what}: missing {missing:?}, extra {extra:?}"
    );
}

fn written_by_rpm(backend: &str) {
    if !tools(&["rpm", "rpmbuild"]) {
        return;
    }
    let place = TempDir::new().unwrap();
    let root = place.path().join("root");
    let database = root.join("var/lib/rpm");
    if installed(&database, backend, &built(place.path())) {
        assert_same(backend, &found(&root), &judged(&database, backend));
    }
}

#[test]
fn sqlite_of_rpm_is_judged_by_rpm() {
    written_by_rpm("sqlite");
}

#[test]
fn ndb_of_rpm_is_judged_by_rpm() {
    written_by_rpm("ndb");
}

/// Writes the headers of an SQLite database as a dump that `db_load` takes; record 0 is a counter.
const DUMP: &str = "
import sqlite3, struct, sys
database, page, order = sys.argv[1], sys.argv[2], sys.argv[3]
number = '>I' if order == '4321' else '<I'
print('VERSION=3', 'format=bytevalue', 'type=hash', 'db_pagesize=' + page, 'db_lorder=' + order,
      'HEADER=END', sep='\\n')
rows = sqlite3.connect(database).execute('SELECT hnum, blob FROM Packages').fetchall()
last = max(row[0] for row in rows)
for key, blob in [(0, struct.pack(number, last)), *rows]:
    print(' ' + struct.pack(number, key).hex(), ' ' + blob.hex(), sep='\\n')
print('DATA=END')
";

#[test]
fn berkeley_db_is_judged_by_rpm() {
    if !tools(&["rpm", "rpmbuild", "python3", "db5.3_load"]) {
        return;
    }
    let place = TempDir::new().unwrap();
    let source = place.path().join("sqlite");
    if !installed(&source, "sqlite", &built(place.path())) {
        return;
    }
    let expected = judged(&source, "sqlite");
    // Values on pages of their own, and beside their keys; both orders of bytes.
    for (page, order) in [(512, 1234), (4096, 1234), (65536, 1234), (4096, 4321)] {
        let what = format!("pages of {page}, order {order}");
        let root = place.path().join(format!("{page}-{order}"));
        let database = root.join("var/lib/rpm");
        fs::create_dir_all(&database).unwrap();
        let dump = Run::new("python3")
            .args(["-c", DUMP])
            .arg(source.join("rpmdb.sqlite"))
            .args([page.to_string(), order.to_string()])
            .run();
        let load = Run::new("db5.3_load")
            .arg(database.join("Packages"))
            .input(format!("{}\n", dump.expect_ok()));
        load.run().expect_ok();
        assert_same(&what, &found(&root), &expected);
        // rpm reads what this machine would have written, where it still reads it at all.
        let native = order
            == if cfg!(target_endian = "big") {
                4321
            } else {
                1234
            };
        let backend = rpm(&database, "bdb_ro").args(["--quiet", "-qa"]).run();
        if native && !backend.stderr.contains("invalid %_db_backend") {
            assert_same(&what, &judged(&database, "bdb_ro"), &expected);
        }
    }
}
