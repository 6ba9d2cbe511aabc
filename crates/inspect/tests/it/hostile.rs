//! Layers made to harm: each gives a report that says what is missing, or an error, and soon.

use std::cell::Cell;
use std::io::{self, Read};

use berth_inspect::{Error, Limits, Reason, inspect_layer, merge};

use crate::archive::{Archive, gzip, header, inspect, names, status, zip, zip_of};

fn reasons(report: &berth_inspect::LayerReport) -> Vec<Reason> {
    report.incomplete.iter().map(|one| one.reason).collect()
}

fn limits() -> Limits {
    Limits {
        ratio: 50,
        ratio_floor: 1024 * 1024,
        ..Limits::default()
    }
}

#[test]
fn bombs_are_put_down() {
    let mut zeros = Archive::default()
        .file("var/lib/dpkg/status", status(&[("a", "1")]))
        .raw(&header(b"zeros", b'0', 1 << 32, b""), b"")
        .0;
    zeros.resize(32 * 1024 * 1024, 0);
    for bomb in [gzip(&zeros), zstd::encode_all(zeros.as_slice(), 1).unwrap()] {
        let report = inspect_layer(bomb.as_slice(), &limits(), &|| false).unwrap();
        assert_eq!(reasons(&report), [Reason::Ratio]);
        assert_eq!(report.diff_id, None);
        assert_eq!(names(&report), ["a 1"]);
        assert!(report.bytes < 16 * 1024 * 1024);
    }
    let total = Limits {
        total_bytes: 1024 * 1024,
        ..Limits::default()
    };
    let report = inspect_layer(zeros.as_slice(), &total, &|| false).unwrap();
    assert_eq!(reasons(&report), [Reason::TotalBytes]);
}

/// Headers without end.
struct Entries {
    left: u64,
    block: [u8; 512],
    at: usize,
}

impl Read for Entries {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut written = 0;
        while written < buffer.len() && self.left > 0 {
            let count = (512 - self.at).min(buffer.len() - written);
            buffer[written..written + count].copy_from_slice(&self.block[self.at..self.at + count]);
            written += count;
            self.at = (self.at + count) % 512;
            self.left -= u64::from(self.at == 0);
        }
        Ok(written)
    }
}

#[test]
fn endless_entries_end() {
    let entries = |left| Entries {
        left,
        block: header(b"etc/x", b'0', 0, b""),
        at: 0,
    };
    let few = Limits {
        entries: 100_000,
        ..Limits::default()
    };
    let report = inspect_layer(entries(110_000), &few, &|| false).unwrap();
    assert_eq!(reasons(&report), [Reason::Entries]);
    // The rest is still hashed.
    assert!(report.diff_id.is_some());
    let asked = Cell::new(0);
    let cancel = || {
        asked.set(asked.get() + 1);
        asked.get() > 100
    };
    let report = inspect_layer(entries(u64::MAX), &Limits::default(), &cancel).unwrap();
    assert!(reasons(&report).contains(&Reason::Cancelled));
    assert_eq!(report.diff_id, None);
}

#[test]
fn what_is_cut_off_says_so() {
    let whole = Archive::default()
        .file("var/lib/dpkg/status", status(&[("a", "1")]))
        .file("b", vec![7; 5000])
        .end();
    let packed = gzip(&whole);
    let report = inspect(&packed[..packed.len() - 12]);
    assert_eq!(reasons(&report), [Reason::StreamBroken]);
    assert_eq!(report.diff_id, None);
    let report = inspect(&whole[..whole.len() - 4000]);
    assert_eq!(reasons(&report), [Reason::ArchiveBroken]);
    assert_eq!(names(&report), ["a 1"]);
    let garbage = [packed.clone(), b"garbage".to_vec()].concat();
    assert_eq!(reasons(&inspect(&garbage)), [Reason::StreamBroken]);
    assert_eq!(
        reasons(&inspect(b"{\"not\": \"a layer\"}")),
        [Reason::ArchiveBroken]
    );
    assert_eq!(reasons(&inspect(b"")), []);
    assert!(matches!(
        inspect_layer(&b"BZh91AY&SY"[..], &Limits::default(), &|| false),
        Err(Error::Compression("bzip2"))
    ));
}

/// Fails after some bytes.
struct Failing(usize);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::Error::other("the disk is gone"));
        }
        let count = buffer.len().min(self.0);
        buffer[..count].fill(0);
        self.0 -= count;
        Ok(count)
    }
}

#[test]
fn a_failing_source_is_an_error_and_no_report() {
    for bytes in [0, 3, 600_000] {
        let outcome = inspect_layer(Failing(bytes), &Limits::default(), &|| false);
        assert!(matches!(outcome, Err(Error::Read(_))), "{bytes}");
    }
}

#[test]
fn tricks_with_paths_do_not_hide_a_database() {
    let text = status(&[("hidden", "1")]);
    for path in [
        "./var/lib/dpkg/status",
        "/var/lib/dpkg/status",
        "../../var/lib/dpkg/status",
        "var//lib/./dpkg/x/../status",
        "var/lib/dpkg/status/",
    ] {
        let report = Archive::default().file(path, &text).report();
        let image = merge(&[report]);
        assert_eq!(image.packages.len(), 1, "{path}");
    }
    // Names in extended headers count before those in the header, and so do sizes.
    let mut data = text.clone().into_bytes();
    let size = data.len().to_string();
    data.resize(data.len().next_multiple_of(512), 0);
    let mut lying = Archive::default().pax(&[("path", "var/lib/dpkg/status"), ("size", &size)]);
    lying.0.extend(header(b"README", b'0', 0, b""));
    lying.0.extend(&data);
    let report = lying.file("after", "x").report();
    assert_eq!(names(&report), ["hidden 1"]);
    assert_eq!(report.entries, 2);
    let long = Archive::default()
        .entry("././@LongLink", b'L', "", b"var/lib/dpkg/status\0")
        .file("x", &text)
        .report();
    assert_eq!(names(&long), ["hidden 1"]);
}

#[test]
fn the_last_entry_of_a_path_counts() {
    let (first, second) = (status(&[("a", "1")]), status(&[("b", "2")]));
    let twice = Archive::default()
        .file("var/lib/dpkg/status", &first)
        .file("./var/lib/dpkg/status", &second)
        .report();
    assert_eq!(names(&twice), ["b 2"]);
    let replaced = Archive::default()
        .file("var/lib/dpkg/status", &first)
        .entry("var/lib", b'2', "elsewhere", b"")
        .report();
    assert_eq!(names(&replaced), [""; 0]);
}

#[test]
fn hard_links_carry_what_was_read() {
    let text = status(&[("a", "1")]);
    let known = Archive::default()
        .file("opt/dpkg/status", &text)
        .entry("var/lib/dpkg/status", b'1', "opt/dpkg/status", b"")
        .report();
    assert_eq!(merge(&[known]).packages.len(), 1);
    let unknown = Archive::default()
        .file("opt/x", &text)
        .entry("var/lib/dpkg/status", b'1', "opt/x", b"")
        .report();
    assert_eq!(reasons(&unknown), [Reason::Link]);
}

#[test]
fn archives_in_archives_end() {
    let mut jar = zip(&[(
        "META-INF/maven/g/a/pom.properties",
        b"groupId=g\nartifactId=a\nversion=1",
    )]);
    for _ in 0..20 {
        jar = zip(&[
            ("inner.jar", &jar),
            ("META-INF/MANIFEST.MF", b"Implementation-Version: 1\n"),
        ]);
    }
    let report = Archive::default().file("deep.jar", &jar).report();
    assert_eq!(reasons(&report), [Reason::Depth]);
    assert_eq!(report.packages.len(), 4);
    let mut packed = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    io::copy(&mut io::repeat(0).take(20 * 1024 * 1024), &mut packed).unwrap();
    let bomb = zip_of(&[("bomb.jar", 8, 10, packed.finish().unwrap())]);
    let small = Limits {
        archive_bytes: 4 * 1024 * 1024,
        ..Limits::default()
    };
    let layer = Archive::default().file("bomb.jar", &bomb).end();
    let report = inspect_layer(layer.as_slice(), &small, &|| false).unwrap();
    assert_eq!(reasons(&report), [Reason::FileTooLarge]);
}

#[test]
fn damaged_databases_say_so() {
    let mut sqlite = b"SQLite format 3\0".to_vec();
    sqlite.extend([0x10, 0, 1, 1, 0, 64, 32, 32]);
    sqlite.resize(4096, 0xff);
    for (path, bytes) in [
        ("var/lib/rpm/rpmdb.sqlite", sqlite),
        ("var/lib/rpm/Packages.db", b"RpmP\xff\xff\xff\xff".to_vec()),
        ("var/lib/rpm/Packages", vec![0; 4096]),
        ("var/lib/dpkg/status", b"Package: a\n\n".to_vec()),
        ("lib/apk/db/installed", b"P:a\n\n".to_vec()),
    ] {
        let report = Archive::default().file(path, bytes).report();
        assert_eq!(reasons(&report), [Reason::Database], "{path}");
    }
    for path in [
        "a.jar",
        "a.deps.json",
        "x/node_modules/y/package.json",
        "Cargo.lock",
    ] {
        let report = Archive::default().file(path, b"\x00\x01[").report();
        assert_eq!(reasons(&report), [Reason::File], "{path}");
    }
    let small = Limits {
        database_bytes: 1000,
        packages: 5,
        ..Limits::default()
    };
    let large = status(&vec![("a", "1"); 1000]);
    let layer = Archive::default().file("var/lib/dpkg/status", large).end();
    let report = inspect_layer(layer.as_slice(), &small, &|| false).unwrap();
    assert!(reasons(&report).contains(&Reason::FileTooLarge));
    let small = Limits {
        packages: 5,
        ..Limits::default()
    };
    let report = inspect_layer(layer.as_slice(), &small, &|| false).unwrap();
    assert_eq!(reasons(&report), [Reason::Packages]);
    assert_eq!(report.databases[0].packages.len(), 5);
}

#[test]
fn long_lines_and_many_findings_are_bounded() {
    let mut layer = Archive::default().file("etc/line", vec![b'a'; 9_000_000]);
    for index in 0..200 {
        layer = layer.mode(&format!("usr/bin/f{index}"), 0o4755, b"");
    }
    let few = Limits {
        findings: 50,
        ..Limits::default()
    };
    let report = inspect_layer(layer.end().as_slice(), &few, &|| false).unwrap();
    assert_eq!(report.findings.len(), 50);
    assert!(reasons(&report).contains(&Reason::Findings));
}
