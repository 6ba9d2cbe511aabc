//! Maps of sparse files in the three ways that archives write them.

use std::io::BufRead;

use super::header::{Block, Format, format, numeric};
use super::pax::{Records, SPARSE_MAP, integer};
use super::{BLOCK, Failure, MAX_SPECIAL, Malformed, read_block};

/// A region that is in the archive; what lies between regions is zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) offset: i64,
    pub(super) length: i64,
}

const BAD: Malformed = Malformed("the map of a sparse file is malformed");
const TOO_LONG: Malformed = Malformed("the map of a sparse file is too long");
const MAX_REGIONS: usize = 1 << 20;

fn push(regions: &mut Vec<Region>, offset: i64, length: i64) -> Result<(), Malformed> {
    if regions.len() >= MAX_REGIONS {
        return Err(TOO_LONG);
    }
    regions.push(Region { offset, length });
    Ok(())
}

/// The old GNU way: in the header and in blocks after it. Gives the real size as well.
pub(super) fn old_gnu(
    reader: &mut impl BufRead,
    block: &Block,
) -> Result<(i64, Vec<Region>), Failure> {
    if format(block) != Some(Format::Gnu) {
        return Err(BAD.into());
    }
    let size = numeric(&block[483..495])?;
    let mut regions = Vec::new();
    let mut table = block[386..483].to_vec();
    let mut total = table.len();
    while total < MAX_SPECIAL {
        let entries = table.len() / 24;
        for entry in table[..entries * 24].chunks_exact(24) {
            if entry[0] == 0 {
                break;
            }
            push(&mut regions, numeric(&entry[..12])?, numeric(&entry[12..])?)?;
        }
        if table[entries * 24] == 0 {
            return Ok((size, regions));
        }
        table = read_block(reader)?.to_vec();
        total += table.len();
    }
    Err(TOO_LONG.into())
}

/// What extended headers say of a sparse file.
pub(super) struct Described {
    pub(super) name: Option<Vec<u8>>,
    pub(super) size: Option<i64>,
    /// The map, or nothing if it stands before the data.
    pub(super) regions: Option<Vec<Region>>,
}

/// The PAX ways, if the records describe a sparse file in a version that is known.
pub(super) fn described(records: &Records) -> Result<Option<Described>, Malformed> {
    let get = |key: &[u8]| records.get(key).map_or(&[][..], Vec::as_slice);
    let in_data = match (get(b"GNU.sparse.major"), get(b"GNU.sparse.minor")) {
        (b"0", b"0" | b"1") => false,
        (b"1", b"0") => true,
        (b"", b"") if !get(SPARSE_MAP).is_empty() => false,
        _ => return Ok(None),
    };
    let name = get(b"GNU.sparse.name");
    let size = match (get(b"GNU.sparse.size"), get(b"GNU.sparse.realsize")) {
        (b"", b"") => None,
        (b"", size) | (size, _) => Some(integer(size)?),
    };
    Ok(Some(Described {
        name: (!name.is_empty()).then(|| name.to_vec()),
        size,
        regions: if in_data {
            None
        } else {
            Some(listed(records)?)
        },
    }))
}

/// Format 0.1: the map is a record.
fn listed(records: &Records) -> Result<Vec<Region>, Malformed> {
    let count = records
        .get(&b"GNU.sparse.numblocks"[..])
        .ok_or(BAD)
        .and_then(|count| integer(count))?;
    let map = records.get(SPARSE_MAP).map_or(&[][..], Vec::as_slice);
    let numbers: Vec<&[u8]> = if map.is_empty() {
        Vec::new()
    } else {
        map.split(|byte| *byte == b',').collect()
    };
    if usize::try_from(count)
        .ok()
        .and_then(|count| count.checked_mul(2))
        != Some(numbers.len())
    {
        return Err(BAD);
    }
    let mut regions = Vec::new();
    for pair in numbers.chunks_exact(2) {
        push(&mut regions, integer(pair[0])?, integer(pair[1])?)?;
    }
    Ok(regions)
}

/// Format 1.0: the map is the first blocks of the data, decimal lines. Gives how many bytes of the
/// data it took.
pub(super) fn in_data(
    reader: &mut impl BufRead,
    available: i64,
) -> Result<(i64, Vec<Region>), Failure> {
    let mut lines = Lines {
        reader,
        available,
        taken: 0,
        pending: Vec::new(),
        at: 0,
    };
    let count = lines.number()?;
    let count = usize::try_from(count).map_err(|_| BAD)?;
    let mut regions = Vec::new();
    for _ in 0..count {
        let offset = lines.number()?;
        let length = lines.number()?;
        push(&mut regions, offset, length)?;
    }
    Ok((lines.taken, regions))
}

struct Lines<'a, R> {
    reader: &'a mut R,
    available: i64,
    taken: i64,
    pending: Vec<u8>,
    at: usize,
}

impl<R: BufRead> Lines<'_, R> {
    fn number(&mut self) -> Result<i64, Failure> {
        let mut from = self.at;
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.pending[from..]) {
                let line = &self.pending[self.at..from + end];
                let number = integer(line)?;
                self.at = from + end + 1;
                return Ok(number);
            }
            from = self.pending.len();
            let taken = self.taken + BLOCK as i64;
            if taken > MAX_SPECIAL as i64 {
                return Err(TOO_LONG.into());
            }
            if taken > self.available {
                return Err(Malformed("the map of a sparse file is cut off").into());
            }
            self.pending.extend_from_slice(&read_block(self.reader)?);
            self.taken = taken;
        }
    }
}

/// Whether the regions are in order, apart, and within the file.
pub(super) fn valid(regions: &[Region], size: i64) -> bool {
    let mut end = 0;
    size >= 0
        && regions.iter().all(|region| {
            let fits = region.offset >= 0
                && region.length >= 0
                && region.offset <= i64::MAX - region.length
                && region.offset + region.length <= size
                && end <= region.offset;
            if fits {
                end = region.offset + region.length;
            }
            fits
        })
}
