//! Replays the fuzz targets over their committed seeds, and over mutations of them.

#[expect(unreachable_pub, reason = "the file is shared with the fuzz crate")]
#[path = "../../../../fuzz/src/inspect.rs"]
mod targets;

use std::fs;
use std::path::Path;

use targets::ENTRIES;

#[test]
fn seeds_and_mutations_of_them_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    let mut number = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
        (number % below.max(1) as u64) as usize
    };
    for (name, entry) in ENTRIES {
        let mut paths: Vec<_> = fs::read_dir(root.join(name))
            .unwrap_or_else(|error| panic!("{name}: {error}"))
            .map(|file| file.expect("a folder entry").path())
            .collect();
        paths.sort();
        assert!(!paths.is_empty(), "{name} has no seeds");
        for path in paths {
            let seed = fs::read(&path).expect("a seed");
            entry(&seed);
            for _ in 0..300 {
                let mut bytes = seed.clone();
                for _ in 0..=next(4) {
                    let at = next(bytes.len());
                    match next(5) {
                        0 if !bytes.is_empty() => bytes[at] = next(256) as u8,
                        1 if !bytes.is_empty() => bytes[at] ^= 1 << next(8),
                        2 => bytes.truncate(at),
                        3 => bytes.insert(at, [0, 0xff, 0x7f, 0x80, b'\n', b':'][next(6)]),
                        _ if !bytes.is_empty() => {
                            let end = bytes.len().min(at + next(64));
                            bytes.drain(at..end);
                        }
                        _ => {}
                    }
                }
                entry(&bytes);
            }
        }
    }
}
