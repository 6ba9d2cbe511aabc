//! Our reader of archives against Go's, which the container runtimes unpack with: a layer that the
//! two read differently could show packages to one and run others.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use berth_inspect::tar::{Entry, Failure, Reader};
use sha2::{Digest, Sha256};

use crate::archive::{Archive, header, sum};

const CASES: usize = 6000;
const MOST: u64 = 1 << 20;

/// A sequence of numbers that is the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below.max(1) as u64) as usize
    }
}

fn with(name: &str, flag: u8, size: u64, change: impl Fn(&mut [u8; 512])) -> [u8; 512] {
    let mut block = header(name.as_bytes(), flag, size, b"");
    change(&mut block);
    sum(&mut block);
    block
}

fn old_gnu_sparse() -> Archive {
    let block = with("sparse", b'S', 6, |block| {
        block[257..265].copy_from_slice(b"ustar  \0");
        block[345..369].fill(0);
        for (at, value) in [(386, 2), (398, 3), (410, 20), (422, 3), (483, 30)] {
            block[at..at + 12].copy_from_slice(format!("{value:011o}\0").as_bytes());
        }
        block[482] = 1;
    });
    let mut archive = Archive::default();
    archive.0.extend(block);
    archive.0.extend([0; 512]);
    archive.0.extend(b"abcdef");
    archive.0.resize(archive.0.len().next_multiple_of(512), 0);
    archive
}

fn seeds() -> Vec<Vec<u8>> {
    let file = |archive: Archive| archive.file("plain", b"data");
    let base256 = |block: &mut [u8; 512]| {
        block[124..136].fill(0);
        block[124] = 0x80;
        block[135] = 4;
    };
    let mut map = b"2\n2\n3\n20\n3\n".to_vec();
    map.resize(512, 0);
    map.extend(b"abcdef");
    let mut seeds = vec![
        file(Archive::default()).file("other", vec![1; 700]).end(),
        file(Archive::default().pax(&[("path", "long/name"), ("size", "4"), ("mtime", "1.5")]))
            .end(),
        file(Archive::default().pax(&[("linkpath", "t"), ("uid", "7"), ("gid", "-1")])).end(),
        file(
            Archive::default()
                .entry("L", b'L', "", b"gnu/long\0")
                .entry("K", b'K', "", b"target\0"),
        )
        .end(),
        file(
            Archive::default()
                .entry("g", b'g', "", b"12 path=abc\n")
                .pax(&[("path", "x")]),
        )
        .end(),
        file(
            Archive::default()
                .pax(&[("path", "x")])
                .entry("g", b'g', "", b""),
        )
        .end(),
        Archive::default()
            .raw(&with("base256", b'0', 0, base256), b"data")
            .file("z", b"")
            .end(),
        Archive::default()
            .raw(&with("v7/", 0, 0, |block| block[257..].fill(0)), b"")
            .file("z", b"1")
            .end(),
        Archive::default()
            .raw(
                &with("name", b'0', 4, |block| {
                    block[345..351].copy_from_slice(b"prefix");
                }),
                b"data",
            )
            .end(),
        Archive::default()
            .raw(
                &with("name", b'0', 4, |block| {
                    block[257..265].copy_from_slice(b"ustar  \0");
                    block[345..351].copy_from_slice(b"prefix");
                }),
                b"data",
            )
            .end(),
        Archive::default()
            .raw(
                &with("name", b'0', 4, |block| {
                    block[345..351].copy_from_slice(b"prefix");
                    block[508..512].copy_from_slice(b"tar\0");
                }),
                b"data",
            )
            .end(),
        Archive::default()
            .entry("h", b'1', "plain", b"")
            .entry("s", b'2', "x", b"")
            .file("z", b"1")
            .end(),
        old_gnu_sparse().file("z", b"1").end(),
        Archive::default()
            .pax(&[
                ("GNU.sparse.major", "1"),
                ("GNU.sparse.minor", "0"),
                ("GNU.sparse.name", "real"),
                ("GNU.sparse.realsize", "30"),
            ])
            .file("s", &map)
            .file("z", b"1")
            .end(),
        Archive::default()
            .pax(&[
                ("GNU.sparse.size", "30"),
                ("GNU.sparse.numblocks", "2"),
                ("GNU.sparse.map", "2,3,20,3"),
            ])
            .file("s", b"abcdef")
            .end(),
        Archive::default()
            .pax(&[
                ("GNU.sparse.size", "30"),
                ("GNU.sparse.numblocks", "1"),
                ("GNU.sparse.offset", "2"),
                ("GNU.sparse.numbytes", "3"),
            ])
            .file("s", b"abc")
            .end(),
    ];
    let joined: Vec<u8> = seeds
        .iter()
        .flat_map(|seed| seed[..seed.len() - 1024].to_vec())
        .collect();
    seeds.push(joined);
    seeds
}

/// Changes an archive a little, mostly such that its headers stay valid.
fn mutate(bytes: &mut Vec<u8>, numbers: &mut Numbers) {
    const BYTES: &[u8] = b"\0 01278/=,.\n\xff\x80xgLKS5+-";
    const FIELDS: [(usize, usize); 9] = [
        (0, 100),
        (100, 8),
        (108, 8),
        (124, 12),
        (136, 12),
        (156, 1),
        (257, 8),
        (345, 155),
        (482, 14),
    ];
    for _ in 0..=numbers.next(3) {
        let blocks = bytes.len() / 512;
        if blocks == 0 {
            return;
        }
        let start = numbers.next(blocks) * 512;
        match numbers.next(10) {
            0..=4 => {
                let (field, len) = FIELDS[numbers.next(FIELDS.len())];
                let at = start + field + numbers.next(len);
                bytes[at] = BYTES[numbers.next(BYTES.len())];
                if bytes[start] != 0 {
                    sum(&mut bytes[start..start + 512]);
                }
            }
            5 | 6 => {
                let at = start + numbers.next(40);
                bytes[at] = BYTES[numbers.next(BYTES.len())];
            }
            7 => {
                let cut = numbers.next(bytes.len());
                bytes.truncate(cut);
            }
            8 => {
                let block = bytes[start..start + 512].to_vec();
                bytes.splice(start..start, block);
            }
            _ => {
                bytes.drain(start..start + 512);
            }
        }
    }
}

fn ours(archive: &[u8]) -> String {
    let mut lines = String::new();
    let mut reader = Reader::new(archive);
    loop {
        match reader.next_entry() {
            Ok(None) => return lines + "end\n",
            Err(_) => return lines + "error\n",
            Ok(Some(entry)) if entry.flag == b'g' => {}
            Ok(Some(entry)) if entry.size > MOST => return lines + "large\n",
            Ok(Some(entry)) => match line(&mut reader, &entry) {
                Ok(line) => lines += &line,
                Err(_) => return lines + "error\n",
            },
        }
    }
}

fn line(reader: &mut Reader<&[u8]>, entry: &Entry) -> Result<String, Failure> {
    let mut hash = Sha256::new();
    loop {
        let data = reader.data()?;
        if data.is_empty() {
            break;
        }
        hash.update(data);
        let count = data.len();
        reader.consume(count);
    }
    Ok(format!(
        "{} {} {} {} {} {} {} {}\n",
        hex::encode(&entry.name),
        hex::encode(&entry.link),
        entry.flag,
        entry.mode,
        entry.uid,
        entry.gid,
        entry.size,
        hex::encode(&hash.finalize()[..8])
    ))
}

fn theirs(archives: &[Vec<u8>]) -> Option<Vec<String>> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/tarlist/main.go");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tarlist");
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg(&source)
        .env("GO111MODULE", "off")
        .status();
    if !built.is_ok_and(|status| status.success()) {
        return None;
    }
    let mut child = Command::new(&program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut input = child.stdin.take()?;
    let mut all = Vec::new();
    for archive in archives {
        all.extend((archive.len() as u32).to_le_bytes());
        all.extend(archive);
    }
    let writer = std::thread::spawn(move || input.write_all(&all));
    let output = child.wait_with_output().ok()?;
    writer.join().ok()?.ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut listings = vec![String::new()];
    for line in text.lines() {
        if let Some(last) = listings.last_mut() {
            last.push_str(line);
            last.push('\n');
        }
        if matches!(line, "end" | "error" | "large") {
            listings.push(String::new());
        }
    }
    listings.pop();
    Some(listings)
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that is left out says so")]
fn archives_read_as_runtimes_read_them() {
    let seeds = seeds();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut archives = seeds.clone();
    while archives.len() < CASES {
        let mut archive = seeds[numbers.next(seeds.len())].clone();
        mutate(&mut archive, &mut numbers);
        archives.push(archive);
    }
    let Some(listings) = theirs(&archives) else {
        eprintln!("SKIPPED: Go is not installed, so archives were not compared with its reader");
        return;
    };
    assert_eq!(listings.len(), archives.len());
    let mut ends = [0_usize; 3];
    for (index, (archive, theirs)) in archives.iter().zip(&listings).enumerate() {
        let ours = ours(archive);
        // A file that is too large to compare may be refused by us already.
        let large = theirs.ends_with("large\n");
        let same = if large {
            let before = theirs.trim_end_matches("large\n");
            ours == *theirs || ours == format!("{before}error\n")
        } else {
            ours == *theirs
        };
        if !same {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("differs.tar");
            std::fs::write(&path, archive).expect("a writable folder");
            panic!(
                "case {index} ({}):\nours\n{ours}\nGo's\n{theirs}",
                path.display()
            );
        }
        let end = ["end\n", "error\n", "large\n"]
            .iter()
            .position(|end| theirs.ends_with(end));
        ends[end.expect("an end")] += 1;
    }
    // Both outcomes must be common, or the comparison shows little.
    assert!(ends[0] > CASES / 10 && ends[1] > CASES / 10, "{ends:?}");
}
