//! The decoder takes what the encoder writes, and nothing that a layer could not hold.

#[expect(unreachable_pub, reason = "the file is shared with the fuzz crate")]
#[path = "../../../../fuzz/src/indexer.rs"]
mod targets;

use std::fs;
use std::path::Path;

use berth_advisories::{Distro, Package, PackageKind, SourcePackage};
use berth_indexer::wire::{Answer, WireError, read_answer, write_refusal, write_report};
use berth_inspect::findings::{Finding, Severity};
use berth_inspect::{
    Compression, Database, FoundPackage, INDEXER_REVISION, Incomplete, LayerReport, Limits, Link,
    Origin, Reason, ReleaseFile,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    "[^\\x00]{1,30}"
}

fn package() -> impl Strategy<Value = Package> {
    (
        text(),
        text(),
        option::of(text()),
        option::of((text(), text())),
        vec(text(), 0..3),
    )
        .prop_map(|(name, version, architecture, source, licenses)| Package {
            kind: PackageKind::Rpm,
            name,
            version,
            source: source.map(|(name, version)| SourcePackage { name, version }),
            module: architecture.clone(),
            vendor: architecture.clone(),
            architecture,
            licenses,
        })
}

fn report() -> impl Strategy<Value = LayerReport> {
    let counts = (any::<u32>(), any::<u32>(), 0..2_000_000_u64, any::<bool>());
    let databases = vec((text(), vec(package(), 0..4)), 0..3);
    let packages = vec((text(), package(), option::of(text())), 0..4);
    let lists = [(); 3].map(|()| vec(text(), 0..4));
    let others = (vec((text(), text()), 0..3), vec((text(), text()), 0..3));
    (counts, databases, packages, lists, others).prop_map(
        |(counts, databases, packages, [whiteouts, opaque, replaced], (links, told))| LayerReport {
            revision: INDEXER_REVISION,
            diff_id: counts.3.then(|| format!("sha256:{}", "0a".repeat(32))),
            compression: Compression::Zstd,
            compressed_bytes: counts.0.into(),
            bytes: counts.1.into(),
            entries: counts.2,
            releases: vec![ReleaseFile {
                path: "etc/os-release".to_owned(),
                distro: Distro::default(),
            }],
            databases: databases
                .into_iter()
                .map(|(path, packages)| Database {
                    path,
                    origin: Origin::RpmNdb,
                    packages,
                })
                .collect(),
            packages: packages
                .into_iter()
                .map(|(path, package, owned_by)| FoundPackage {
                    path,
                    origin: Origin::GoBinary,
                    package,
                    owned_by,
                })
                .collect(),
            whiteouts,
            opaque,
            replaced,
            links: links
                .into_iter()
                .map(|(path, target)| Link { path, target })
                .collect(),
            findings: told
                .iter()
                .map(|(path, title)| Finding {
                    path: path.clone(),
                    line: Some(3),
                    rule: "secret".to_owned(),
                    severity: Severity::High,
                    title: title.clone(),
                    detail: String::new(),
                })
                .collect(),
            incomplete: told
                .into_iter()
                .map(|(path, detail)| Incomplete {
                    reason: Reason::Ratio,
                    path,
                    detail,
                })
                .collect(),
        },
    )
}

fn written(report: &LayerReport) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_report(&mut bytes, report).unwrap();
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read(report in report(), cut in any::<prop::sample::Index>()) {
        let bytes = written(&report);
        let Answer::Report(read) = read_answer(&*bytes, &Limits::default()).unwrap() else {
            panic!("it is a report");
        };
        prop_assert_eq!(&*read, &report);
        // Not one byte may be missing.
        let cut = cut.index(bytes.len());
        prop_assert!(matches!(
            read_answer(&bytes[..cut], &Limits::default()),
            Err(WireError::Short)
        ));
    }

    #[test]
    fn counts_beyond_the_limits_are_refused(report in report()) {
        let packages = report.packages.len()
            + report.databases.iter().map(|it| it.packages.len()).sum::<usize>();
        prop_assume!(packages > 0);
        let limits = Limits { packages: packages - 1, ..Limits::default() };
        prop_assert!(matches!(read_answer(&*written(&report), &limits), Err(WireError::Many(_))));
        let limits = Limits { packages, ..Limits::default() };
        prop_assert!(read_answer(&*written(&report), &limits).is_ok());
    }

    #[test]
    fn any_bytes_are_an_answer_or_none(bytes in vec(any::<u8>(), 0..200)) {
        targets::answer(&bytes);
    }
}

fn frame(letter: u8, content: &str) -> Vec<u8> {
    let length = (content.len() as u32).to_be_bytes();
    [&[letter], &length[..], content.as_bytes()].concat()
}

fn head() -> Vec<u8> {
    let head = format!(
        r#"{{"revision":{INDEXER_REVISION},"diff_id":null,"compression":"gzip","compressed_bytes":1,"bytes":1,"entries":1}}"#
    );
    frame(b'H', &head)
}

#[test]
fn what_cannot_be_is_not_believed() {
    let wrong = |frames: &[Vec<u8>]| {
        let bytes = [frames.concat(), frame(b'E', "null")].concat();
        match read_answer(&*bytes, &Limits::default()) {
            Err(error) => error.to_string(),
            Ok(answer) => panic!("believed: {answer:?}"),
        }
    };
    let told = |text: &str, needle: &str| assert!(text.contains(needle), "{text}");
    let package = r#"{"kind":"deb","name":"a","version":"1"}"#;
    let database = r#"{"path":"var/lib/dpkg/status","origin":"dpkg"}"#;
    assert!(read_answer(&*[head(), frame(b'E', "null")].concat(), &Limits::default()).is_ok());
    told(&wrong(&[]), "order");
    told(&wrong(&[frame(b'W', "\"a\"")]), "order");
    told(&wrong(&[head(), head()]), "none");
    told(&wrong(&[head(), frame(b'd', package)]), "order");
    told(
        &wrong(&[head(), frame(b'W', "\"a\""), frame(b'D', database)]),
        "order",
    );
    told(&wrong(&[head(), frame(b'?', "1")]), "none");
    told(&wrong(&[head(), frame(b'W', "{}")]), "cannot be read");
    told(&wrong(&[head(), frame(b'W', "\"a\\u0000b\"")]), "a path");
    let long = format!("\"{}\"", "a".repeat(20_000));
    told(&wrong(&[head(), frame(b'O', &long)]), "a path");
    let nameless = package.replace("\"a\"", "\"\"");
    told(
        &wrong(&[head(), frame(b'D', database), frame(b'd', &nameless)]),
        "packages",
    );
    let other = String::from_utf8(head()[5..].to_vec()).unwrap();
    let other = |from: &str, to: &str| frame(b'H', &other.replace(from, to));
    told(
        &wrong(&[other("\"revision\":", "\"revision\":9")]),
        "a revision",
    );
    told(&wrong(&[other("null", "\"sha256:12\"")]), "a digest");
    told(
        &wrong(&[other("\"entries\":1", "\"entries\":99999999")]),
        "entries",
    );
    told(
        &wrong(&[other("\"bytes\":1", "\"bytes\":18446744073709551615")]),
        "a size",
    );
    let huge = [&[b'W'][..], &u32::MAX.to_be_bytes(), b"x"].concat();
    told(&wrong(&[head(), huge]), "none");
}

#[test]
fn an_endless_answer_is_given_up() {
    struct Endless(Vec<u8>, usize);
    impl std::io::Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            for byte in buffer.iter_mut() {
                *byte = self.0[self.1 % self.0.len()];
                self.1 += 1;
            }
            Ok(buffer.len())
        }
    }
    let wide = Limits {
        paths: usize::MAX,
        ..Limits::default()
    };
    let path = format!("\"{}\"", "a".repeat(16_000));
    let endless = Endless(frame(b'W', &path), 0);
    let head = head();
    let answer = std::io::Read::chain(&*head, endless);
    assert!(matches!(read_answer(answer, &wide), Err(WireError::Long)));
}

#[test]
fn a_refusal_is_a_sentence_on_one_line() {
    let mut bytes = Vec::new();
    write_refusal(&mut bytes, &format!("no\n\u{1b}[31m{}", "x".repeat(9000))).unwrap();
    match read_answer(&*bytes, &Limits::default()).unwrap() {
        Answer::Refused(why) => {
            assert!(why.starts_with("no[31mx") && why.len() <= 1024, "{why}");
        }
        Answer::Report(_) => panic!("it is a refusal"),
    }
}

#[test]
fn seeds_and_mutations_of_them_hold() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/indexer_answer");
    let mut number = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
        (number % below.max(1) as u64) as usize
    };
    let mut count = 0;
    for seed in fs::read_dir(seeds).unwrap() {
        let seed = fs::read(seed.unwrap().path()).unwrap();
        targets::answer(&seed);
        count += 1;
        for _ in 0..500 {
            let mut bytes = seed.clone();
            for _ in 0..=next(3) {
                let at = next(bytes.len());
                match next(3) {
                    0 if !bytes.is_empty() => bytes[at] = next(256) as u8,
                    1 => bytes.truncate(at),
                    _ => bytes.insert(at, [0, 0xff, b'"', b'D', b'E'][next(5)]),
                }
            }
            targets::answer(&bytes);
        }
    }
    assert!(count > 0);
}
