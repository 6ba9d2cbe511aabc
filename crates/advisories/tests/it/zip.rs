//! As much of the zip format as the feeds in the tests need.

use std::io::Read;

use flate2::read::DeflateDecoder;

/// The files of an archive in its order; the archive is trusted.
pub(crate) fn files(archive: &[u8]) -> impl Iterator<Item = (String, Vec<u8>)> + '_ {
    let number = |at: usize, size: usize| {
        archive[at..at + size]
            .iter()
            .rev()
            .fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte))
    };
    let end = archive
        .windows(4)
        .rposition(|bytes| bytes == b"PK\x05\x06")
        .expect("a zip archive");
    let mut at = number(end + 16, 4);
    (0..number(end + 10, 2)).map(move |_| {
        let (packed, size) = (number(at + 20, 4), number(at + 24, 4));
        let name_end = at + 46 + number(at + 28, 2);
        let name = String::from_utf8_lossy(&archive[at + 46..name_end]).into_owned();
        let local = number(at + 42, 4);
        let data = local + 30 + number(local + 26, 2) + number(local + 28, 2);
        let packed = &archive[data..data + packed];
        let mut bytes = Vec::with_capacity(size);
        if number(at + 10, 2) == 8 {
            DeflateDecoder::new(packed)
                .read_to_end(&mut bytes)
                .expect("deflated data");
        } else {
            bytes.extend_from_slice(packed);
        }
        at = name_end + number(at + 30, 2) + number(at + 32, 2);
        (name, bytes)
    })
}
