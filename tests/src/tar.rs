//! Writes tar archives (POSIX ustar): enough of them for image layers.

/// An archive being written, in memory.
#[derive(Debug, Default)]
pub(crate) struct Archive {
    bytes: Vec<u8>,
}

const BLOCK: usize = 512;

impl Archive {
    pub(crate) fn folder(&mut self, path: &str) {
        self.entry(path, b'5', 0o755, "", &[]);
    }

    pub(crate) fn file(&mut self, path: &str, mode: u32, content: &[u8]) {
        self.entry(path, b'0', mode, "", content);
    }

    pub(crate) fn link(&mut self, path: &str, target: &str) {
        self.entry(path, b'2', 0o777, target, &[]);
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.bytes.resize(self.bytes.len() + 2 * BLOCK, 0);
        self.bytes
    }

    fn entry(&mut self, path: &str, kind: u8, mode: u32, target: &str, content: &[u8]) {
        assert!(path.len() < 100, "{path} is too long for this archive");
        let mut header = [0_u8; BLOCK];
        put(&mut header, 0, path);
        put(&mut header, 100, &format!("{mode:07o}"));
        put(&mut header, 108, "0000000");
        put(&mut header, 116, "0000000");
        put(&mut header, 124, &format!("{:011o}", content.len()));
        put(&mut header, 136, "00000000000");
        header[156] = kind;
        put(&mut header, 157, target);
        put(&mut header, 257, "ustar");
        put(&mut header, 263, "00");
        // The sum is taken with spaces in its own place.
        put(&mut header, 148, "        ");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        put(&mut header, 148, &format!("{sum:06o}\0 "));
        self.bytes.extend_from_slice(&header);
        self.bytes.extend_from_slice(content);
        let end = self.bytes.len().next_multiple_of(BLOCK);
        self.bytes.resize(end, 0);
    }
}

fn put(header: &mut [u8; BLOCK], at: usize, text: &str) {
    header[at..at + text.len()].copy_from_slice(text.as_bytes());
}
