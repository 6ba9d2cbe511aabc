//! The directory of a zip archive and the content of single members, as Java reads them: by the
//! central directory at the end, never by what stands in between.

use std::io::{self, Read};

use flate2::read::DeflateDecoder;

use crate::spool::{Onward, ReadAt};

/// Members of one archive that are looked at.
const MAX_MEMBERS: usize = 200_000;

/// Bytes of a central directory.
const MAX_DIRECTORY: u64 = 64 * 1024 * 1024;

const END: usize = 22;
const END_MAGIC: &[u8] = b"PK\x05\x06";

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: String,
    method: u16,
    compressed: u64,
    header: u64,
}

/// Why an archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Not a zip archive, or a damaged one.
    #[error("{0}")]
    Format(&'static str),
    /// The bytes cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

fn number(bytes: &[u8], at: usize, width: usize) -> Result<u64, Problem> {
    let raw = bytes
        .get(at..at + width)
        .ok_or(Problem::Format("the archive is cut off"))?;
    Ok(raw
        .iter()
        .rev()
        .fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

/// The members that `wanted` asks for, in the order of the directory.
pub fn members(
    file: &(impl ReadAt + ?Sized),
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Member>, Problem> {
    let (start, size, shift) = directory(file)?;
    let bytes = file.bytes(start, usize::try_from(size).unwrap_or(usize::MAX))?;
    let mut members = Vec::new();
    let mut at = 0;
    for _ in 0..MAX_MEMBERS {
        if bytes.get(at..at + 4) != Some(b"PK\x01\x02") {
            return Ok(members);
        }
        let name_len = number(&bytes, at + 28, 2)? as usize;
        let extra_len = number(&bytes, at + 30, 2)? as usize;
        let comment_len = number(&bytes, at + 32, 2)? as usize;
        let name = bytes
            .get(at + 46..at + 46 + name_len)
            .ok_or(Problem::Format("the archive's directory is cut off"))?;
        let name = String::from_utf8_lossy(name).into_owned();
        if wanted(&name) {
            let extra_at = at + 46 + name_len;
            let extra = bytes
                .get(extra_at..extra_at + extra_len)
                .unwrap_or_default();
            let (compressed, header) = wide(
                extra,
                number(&bytes, at + 24, 4)?,
                number(&bytes, at + 20, 4)?,
                number(&bytes, at + 42, 4)?,
            );
            members.push(Member {
                name,
                method: number(&bytes, at + 10, 2)? as u16,
                compressed,
                header: header.saturating_add(shift),
            });
        }
        at += 46 + name_len + extra_len + comment_len;
    }
    Err(Problem::Format("more members than are read"))
}

/// Where the central directory is, its size, and what has been put before the archive.
fn directory(file: &(impl ReadAt + ?Sized)) -> Result<(u64, u64, u64), Problem> {
    const NO_END: Problem = Problem::Format("not a zip archive: it has no directory");
    let tail_len = file.len().min(65535 + END as u64);
    let tail_at = file.len() - tail_len;
    let tail = file.bytes(tail_at, tail_len as usize)?;
    let at = memchr::memmem::rfind_iter(&tail, END_MAGIC)
        .find(|at| tail.len() - at >= END)
        .ok_or(NO_END)?;
    let mut end_at = tail_at + at as u64;
    let mut size = number(&tail, at + 12, 4)?;
    let mut start = number(&tail, at + 16, 4)?;
    if start == 0xffff_ffff || size == 0xffff_ffff {
        let locator = file.bytes(end_at.saturating_sub(20), 20)?;
        if locator.starts_with(b"PK\x06\x07") {
            let record_at = number(&locator, 8, 8)?;
            let record = file.bytes(record_at, 56)?;
            if !record.starts_with(b"PK\x06\x06") {
                return Err(NO_END);
            }
            size = number(&record, 40, 8)?;
            start = number(&record, 48, 8)?;
            end_at = record_at;
        }
    }
    if size > MAX_DIRECTORY {
        return Err(Problem::Format("the archive's directory is too large"));
    }
    // A script before the archive moves everything; the directory ends where its end record begins.
    let real = end_at
        .checked_sub(size)
        .ok_or(Problem::Format("the archive's directory is cut off"))?;
    let shift = real.saturating_sub(start);
    Ok((real, size, shift))
}

/// Sizes and offsets that do not fit into four bytes stand in an extra field.
fn wide(extra: &[u8], mut size: u64, mut compressed: u64, mut header: u64) -> (u64, u64) {
    let mut rest = extra;
    while rest.len() >= 4 {
        let kind = u16::from_le_bytes([rest[0], rest[1]]);
        let length = usize::from(u16::from_le_bytes([rest[2], rest[3]]));
        let Some(mut field) = rest.get(4..4 + length) else {
            break;
        };
        rest = &rest[4 + length..];
        if kind != 1 {
            continue;
        }
        for value in [&mut size, &mut compressed, &mut header] {
            if *value == 0xffff_ffff
                && let Ok(number) = number(field, 0, 8)
            {
                *value = number;
                field = &field[8..];
            }
        }
    }
    (compressed, header)
}

impl Member {
    /// The content, uncompressed. The sizes that the archive claims are not believed: the caller
    /// bounds what it reads.
    pub fn open<'a, R: ReadAt + ?Sized>(&self, file: &'a R) -> Result<Box<dyn Read + 'a>, Problem> {
        let header = file.bytes(self.header, 30)?;
        if !header.starts_with(b"PK\x03\x04") {
            return Err(Problem::Format(
                "a member of the archive is not where it should be",
            ));
        }
        let at = self.header + 30 + number(&header, 26, 2)? + number(&header, 28, 2)?;
        let content = Onward::new(file, at, self.compressed);
        match self.method {
            0 => Ok(Box::new(content)),
            8 => Ok(Box::new(DeflateDecoder::new(content))),
            _ => Err(Problem::Format(
                "a member is compressed in a way that Java does not read",
            )),
        }
    }
}
