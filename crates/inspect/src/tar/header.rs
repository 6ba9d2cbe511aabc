//! One 512-byte header of an archive, read as Go's `archive/tar` reads it: that is the reader of
//! the container runtimes, and whoever reads differently can be shown something else than what runs.

use super::{BLOCK, Malformed};

/// The raw block.
pub(super) type Block = [u8; BLOCK];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    V7,
    /// POSIX: ustar, with or without PAX.
    Ustar,
    Gnu,
    Star,
}

/// The fields that matter here.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) name: Vec<u8>,
    pub(super) link: Vec<u8>,
    pub(super) flag: u8,
    pub(super) mode: i64,
    pub(super) uid: i64,
    pub(super) gid: i64,
    pub(super) size: i64,
}

/// The format, or nothing if the checksum is wrong.
pub(super) fn format(block: &Block) -> Option<Format> {
    let said = octal(&block[148..156]).ok()?;
    let (mut unsigned, mut signed) = (0_i64, 0_i64);
    for (index, byte) in block.iter().enumerate() {
        let byte = if (148..156).contains(&index) {
            b' '
        } else {
            *byte
        };
        unsigned += i64::from(byte);
        signed += i64::from(byte.cast_signed());
    }
    if said != unsigned && said != signed {
        return None;
    }
    let magic = &block[257..263];
    Some(if magic == b"ustar\0" && &block[508..512] == b"tar\0" {
        Format::Star
    } else if magic == b"ustar\0" {
        Format::Ustar
    } else if magic == b"ustar " && &block[263..265] == b" \0" {
        Format::Gnu
    } else {
        Format::V7
    })
}

pub(super) fn parse(block: &Block) -> Result<Header, Malformed> {
    let Some(format) = format(block) else {
        return Err(Malformed("a header whose checksum is wrong"));
    };
    let mut header = Header {
        flag: block[156],
        name: string(&block[0..100]).to_vec(),
        link: string(&block[157..257]).to_vec(),
        size: numeric(&block[124..136])?,
        mode: numeric(&block[100..108])?,
        uid: numeric(&block[108..116])?,
        gid: numeric(&block[116..124])?,
    };
    numeric(&block[136..148])?;
    if format == Format::V7 {
        return Ok(header);
    }
    numeric(&block[329..337])?;
    numeric(&block[337..345])?;
    let prefix = match format {
        Format::V7 => &[][..],
        Format::Ustar => string(&block[345..500]),
        Format::Star => {
            numeric(&block[476..488])?;
            numeric(&block[488..500])?;
            string(&block[345..476])
        }
        // Old writers in Go put a prefix where GNU has times.
        Format::Gnu => {
            let time = |field: &[u8]| field[0] == 0 || numeric(field).is_ok();
            let prefix = string(&block[345..500]);
            if time(&block[345..357]) && time(&block[357..369]) || !prefix.is_ascii() {
                &[][..]
            } else {
                prefix
            }
        }
    };
    if !prefix.is_empty() {
        header.name = [prefix, b"/", &header.name].concat();
    }
    Ok(header)
}

/// Up to the first NUL.
pub(super) fn string(field: &[u8]) -> &[u8] {
    match memchr::memchr(0, field) {
        Some(end) => &field[..end],
        None => field,
    }
}

/// Base 256 if the first bit is set, else octal.
pub(super) fn numeric(field: &[u8]) -> Result<i64, Malformed> {
    const TOO_LARGE: Malformed = Malformed("a number in a header is too large");
    let first = field.first().copied().unwrap_or_default();
    if first & 0x80 == 0 {
        return octal(field);
    }
    let inverted = if first & 0x40 == 0 { 0 } else { 0xff };
    let mut value = 0_u64;
    for (index, byte) in field.iter().enumerate() {
        let mut byte = byte ^ inverted;
        if index == 0 {
            byte &= 0x7f;
        }
        if value >> 56 > 0 {
            return Err(TOO_LARGE);
        }
        value = value << 8 | u64::from(byte);
    }
    let value = i64::try_from(value).map_err(|_| TOO_LARGE)?;
    Ok(if inverted == 0 { value } else { !value })
}

fn octal(field: &[u8]) -> Result<i64, Malformed> {
    const BAD: Malformed = Malformed("a number in a header is not octal");
    let padding = |byte: &u8| *byte == b' ' || *byte == 0;
    let Some(start) = field.iter().position(|byte| !padding(byte)) else {
        return Ok(0);
    };
    let end = field
        .iter()
        .rposition(|byte| !padding(byte))
        .unwrap_or(start);
    let digits = string(&field[start..=end]);
    let mut value = 0_u64;
    for digit in digits {
        if !(b'0'..=b'7').contains(digit) || value >> 61 > 0 {
            return Err(BAD);
        }
        value = value << 3 | u64::from(digit - b'0');
    }
    // As Go does: a value above the signed range turns negative and is refused as a size later.
    Ok(value.cast_signed())
}
