//! PAX extended headers: records that override the fields of the header after them.

use std::collections::HashMap;

use super::Malformed;
use super::header::Header;

const BAD: Malformed = Malformed("an extended header is malformed");

/// Records by key.
pub(super) type Records = HashMap<Vec<u8>, Vec<u8>>;

pub(super) const SPARSE_MAP: &[u8] = b"GNU.sparse.map";

/// Reads all records of one extended header; the last of a key counts.
pub(super) fn parse(mut rest: &[u8]) -> Result<Records, Malformed> {
    let mut records = Records::new();
    // Format 0.0 of sparse files repeats two keys; it is turned into the list of format 0.1.
    let mut map: Vec<&[u8]> = Vec::new();
    while !rest.is_empty() {
        let (key, value, after) = record(rest)?;
        rest = after;
        let offset = key == b"GNU.sparse.offset";
        if offset || key == b"GNU.sparse.numbytes" {
            if map.len().is_multiple_of(2) != offset || value.contains(&b',') {
                return Err(BAD);
            }
            map.push(value);
        } else {
            records.insert(key.to_vec(), value.to_vec());
        }
    }
    if !map.is_empty() {
        records.insert(SPARSE_MAP.to_vec(), map.join(&b','));
    }
    Ok(records)
}

/// A key, its value, and what follows the record.
type Record<'a> = (&'a [u8], &'a [u8], &'a [u8]);

/// `LENGTH KEY=VALUE\n`, and what follows.
fn record(text: &[u8]) -> Result<Record<'_>, Malformed> {
    let space = memchr::memchr(b' ', text).ok_or(BAD)?;
    let length = integer(&text[..space])?;
    let length = usize::try_from(length).map_err(|_| BAD)?;
    if length < 5 || length > text.len() || length <= space + 1 {
        return Err(BAD);
    }
    let (body, after) = (&text[space + 1..length - 1], &text[length..]);
    if text[length - 1] != b'\n' {
        return Err(BAD);
    }
    let equals = memchr::memchr(b'=', body).ok_or(BAD)?;
    let (key, value) = (&body[..equals], &body[equals + 1..]);
    let textual = matches!(key, b"path" | b"linkpath" | b"uname" | b"gname");
    let checked = if textual { value } else { key };
    if key.is_empty() || checked.contains(&0) {
        return Err(BAD);
    }
    Ok((key, value, after))
}

/// A decimal number, signed or not.
pub(super) fn integer(text: &[u8]) -> Result<i64, Malformed> {
    str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(BAD)
}

/// Puts records over a header. Empty values change nothing.
pub(super) fn merge(header: &mut Header, records: &Records) -> Result<(), Malformed> {
    for (key, value) in records {
        if value.is_empty() {
            continue;
        }
        match key.as_slice() {
            b"path" => header.name.clone_from(value),
            b"linkpath" => header.link.clone_from(value),
            b"uid" => header.uid = integer(value)?,
            b"gid" => header.gid = integer(value)?,
            b"size" => header.size = integer(value)?,
            b"atime" | b"mtime" | b"ctime" => time(value)?,
            _ => {}
        }
    }
    Ok(())
}

/// Times are not used, but a bad one makes a runtime refuse the layer.
fn time(value: &[u8]) -> Result<(), Malformed> {
    let (seconds, fraction) = match memchr::memchr(b'.', value) {
        Some(point) => (&value[..point], &value[point + 1..]),
        None => (value, &[][..]),
    };
    integer(seconds)?;
    if fraction.iter().all(u8::is_ascii_digit) {
        Ok(())
    } else {
        Err(BAD)
    }
}
