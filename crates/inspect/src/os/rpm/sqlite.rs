//! SQLite's file format, just enough to walk one table: rpm keeps its headers in `Packages(hnum,
//! blob)`.

use super::{MAX_HEADER, MAX_HEADERS, Outcome, Problem, exact};
use crate::spool::ReadAt;

const BAD: Problem = Problem::Format("a page of the database is damaged");
const CUT: &str = "the database is cut off";
const CIRCLES: Problem = Problem::Format("the pages of the database go in circles");

/// Deeper trees than SQLite can build.
const MAX_DEPTH: usize = 20;

pub(super) fn blobs(database: &(impl ReadAt + ?Sized), visit: &mut impl FnMut(&[u8])) -> Outcome {
    let head = exact(database, 0, 100, CUT)?;
    let page_size = match u16::from_be_bytes([head[16], head[17]]) {
        1 => 65536,
        size => usize::from(size),
    };
    let usable = page_size - usize::from(head[20]).min(page_size);
    if !(512..=65536).contains(&page_size) || !page_size.is_power_of_two() || usable < 480 {
        return Err(Problem::Format("a database with pages of no possible size"));
    }
    let pages = database.len().div_ceil(page_size as u64);
    let mut reader = Pages {
        database,
        page_size,
        usable,
        count: pages,
        budget: pages * 2 + 8,
        overflow_budget: pages * 2 + 8,
        records: 0,
    };
    let mut root = None;
    reader.walk(1, 0, &mut |record: &[u8]| {
        let columns = columns(record)?;
        let text = |index: usize| columns.get(index).copied().unwrap_or(&[]);
        if text(0) == b"table" && text(1).eq_ignore_ascii_case(b"Packages") {
            root = Some(integer(text(3)));
        }
        Ok(())
    })?;
    let Some(root) = root else {
        return Err(Problem::Format("the database has no table of packages"));
    };
    reader.records = 0;
    reader.walk(root, 0, &mut |record: &[u8]| {
        if let Some(blob) = columns(record)?.get(1) {
            visit(blob);
        }
        Ok(())
    })
}

struct Pages<'a, R: ?Sized> {
    database: &'a R,
    page_size: usize,
    usable: usize,
    count: u64,
    /// Pages of the tree that may still be read; each belongs to one place.
    budget: u64,
    overflow_budget: u64,
    records: usize,
}

impl<R: ReadAt + ?Sized> Pages<'_, R> {
    fn page(&self, number: u64) -> Result<Vec<u8>, Problem> {
        if number == 0 || number > self.count {
            return Err(Problem::Format("a page lies outside the database"));
        }
        let offset = (number - 1) * self.page_size as u64;
        exact(self.database, offset, self.page_size, CUT)
    }

    /// Every record of the table whose tree begins at `number`, in order.
    fn walk(
        &mut self,
        number: u64,
        depth: usize,
        visit: &mut impl FnMut(&[u8]) -> Outcome,
    ) -> Outcome {
        self.budget = self.budget.checked_sub(1).ok_or(CIRCLES)?;
        if depth > MAX_DEPTH {
            return Err(CIRCLES);
        }
        let page = self.page(number)?;
        let start = if number == 1 { 100 } else { 0 };
        let kind = page[start];
        let cells = usize::from(u16_be(&page, start + 3)?);
        let pointers = start + if kind == 5 { 12 } else { 8 };
        for cell in 0..cells {
            let at = usize::from(u16_be(&page, pointers + cell * 2)?);
            match kind {
                5 => self.walk(u64::from(u32_be(&page, at)?), depth + 1, visit)?,
                13 => {
                    self.records += 1;
                    if self.records > MAX_HEADERS {
                        return Err(Problem::Format("more packages than are read"));
                    }
                    visit(&self.record(&page, at)?)?;
                }
                _ => return Err(BAD),
            }
        }
        match kind {
            5 => self.walk(u64::from(u32_be(&page, start + 8)?), depth + 1, visit),
            13 => Ok(()),
            _ => Err(BAD),
        }
    }

    /// The payload of a cell, its overflow pages included.
    fn record(&mut self, page: &[u8], at: usize) -> Result<Vec<u8>, Problem> {
        let mut rest = page.get(at..).ok_or(BAD)?;
        let length = usize::try_from(varint(&mut rest)?).map_err(|_| BAD)?;
        varint(&mut rest)?;
        if length > MAX_HEADER {
            return Err(Problem::Format("a record is too large"));
        }
        let largest = self.usable - 35;
        if length <= largest {
            return Ok(rest.get(..length).ok_or(BAD)?.to_vec());
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let kept = least + (length - least) % (self.usable - 4);
        let local = if kept <= largest { kept } else { least };
        let mut record = rest.get(..local).ok_or(BAD)?.to_vec();
        let mut next = u64::from(u32_be(rest, local)?);
        while record.len() < length {
            self.overflow_budget = self.overflow_budget.checked_sub(1).ok_or(CIRCLES)?;
            let page = self.page(next)?;
            next = u64::from(u32_be(&page, 0)?);
            let wanted = (length - record.len()).min(self.usable - 4);
            record.extend_from_slice(&page[4..4 + wanted]);
        }
        Ok(record)
    }
}

/// The values of a record, as bytes.
fn columns(record: &[u8]) -> Result<Vec<&[u8]>, Problem> {
    let mut rest = record;
    let header = usize::try_from(varint(&mut rest)?).map_err(|_| BAD)?;
    let taken = record.len() - rest.len();
    if header < taken {
        return Err(BAD);
    }
    let mut types = rest.get(..header - taken).ok_or(BAD)?;
    let mut body = record.get(header..).ok_or(BAD)?;
    let mut columns = Vec::new();
    while !types.is_empty() && columns.len() < 16 {
        let length = match varint(&mut types)? {
            kind @ 0..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            8..=11 => 0,
            kind => (kind - 12) / 2,
        };
        let length = usize::try_from(length).map_err(|_| BAD)?;
        if length > body.len() {
            return Err(BAD);
        }
        let (value, after) = body.split_at(length);
        columns.push(value);
        body = after;
    }
    Ok(columns)
}

/// A page number that is a value.
fn integer(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .take(8)
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

fn varint(bytes: &mut &[u8]) -> Result<u64, Problem> {
    let mut value = 0_u64;
    for index in 0..9 {
        let (first, rest) = bytes.split_first().ok_or(BAD)?;
        *bytes = rest;
        if index == 8 {
            return Ok(value << 8 | u64::from(*first));
        }
        value = value << 7 | u64::from(first & 0x7f);
        if first & 0x80 == 0 {
            break;
        }
    }
    Ok(value)
}

fn u16_be(bytes: &[u8], at: usize) -> Result<u16, Problem> {
    let raw = bytes.get(at..at + 2).and_then(|raw| raw.try_into().ok());
    raw.map(u16::from_be_bytes).ok_or(BAD)
}

fn u32_be(bytes: &[u8], at: usize) -> Result<u32, Problem> {
    let raw = bytes.get(at..at + 4).and_then(|raw| raw.try_into().ok());
    raw.map(u32::from_be_bytes).ok_or(BAD)
}
