//! How a layer is compressed, told by its first bytes: media types lie, and runtimes look at the
//! bytes too.

use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use serde::{Deserialize, Serialize};

use crate::Error;

/// How many bytes tell the compression.
pub(crate) const MAGIC: usize = 6;

/// What is read from the source at once.
const INPUT: usize = 128 * 1024;

/// The largest window of zstd that is followed: 128 MiB, what its own tools accept unasked. The
/// window is memory, and a stranger chooses it.
const WINDOW_LOG: u32 = 27;

/// The compression of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// A bare archive.
    None,
    /// gzip, of one member or many.
    Gzip,
    /// zstd, of one frame or many.
    Zstd,
}

impl Compression {
    pub(crate) fn of(head: &[u8]) -> Result<Self, Error> {
        match head {
            [0x1f, 0x8b, ..] => Ok(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Ok(Self::Zstd),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41] => Err(Error::Compression("bzip2")),
            [0xfd, b'7', b'z', b'X', b'Z', 0] => Err(Error::Compression("xz")),
            _ => Ok(Self::None),
        }
    }

    pub(crate) fn decoder<'a>(self, source: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
        Ok(match self {
            Self::None => Box::new(source),
            Self::Gzip => Box::new(MultiGzDecoder::new(BufReader::with_capacity(INPUT, source))),
            Self::Zstd => {
                let input = BufReader::with_capacity(INPUT, source);
                let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
                decoder.window_log_max(WINDOW_LOG)?;
                Box::new(decoder)
            }
        })
    }
}
