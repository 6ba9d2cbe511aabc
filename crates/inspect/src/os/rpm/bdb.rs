//! Berkeley DB's hash format, as rpm used it: the values are headers, nearly all on overflow pages.

use super::{MAX_HEADER, MAX_HEADERS, Outcome, Problem, exact};
use crate::spool::ReadAt;

const HASH_MAGIC: u32 = 0x0006_1561;
const PAGE_HEADER: usize = 26;

const HASH_UNSORTED: u8 = 2;
const OVERFLOW: u8 = 7;
const HASH: u8 = 13;

const KEY_DATA: u8 = 1;
const OFF_PAGE: u8 = 3;

/// The numbers of a database, which are in the order of the machine that wrote it.
#[derive(Clone, Copy)]
struct Order {
    big: bool,
}

impl Order {
    fn u32(self, bytes: &[u8], at: usize) -> Result<u32, Problem> {
        let raw: [u8; 4] = bytes
            .get(at..at + 4)
            .and_then(|raw| raw.try_into().ok())
            .ok_or(BAD)?;
        Ok(if self.big {
            u32::from_be_bytes(raw)
        } else {
            u32::from_le_bytes(raw)
        })
    }

    fn u16(self, bytes: &[u8], at: usize) -> Result<usize, Problem> {
        let raw: [u8; 2] = bytes
            .get(at..at + 2)
            .and_then(|raw| raw.try_into().ok())
            .ok_or(BAD)?;
        let value = if self.big {
            u16::from_be_bytes(raw)
        } else {
            u16::from_le_bytes(raw)
        };
        Ok(usize::from(value))
    }
}

const BAD: Problem = Problem::Format("a page of the database is damaged");
const CUT: &str = "the database is cut off";

pub(super) fn blobs(database: &(impl ReadAt + ?Sized), visit: &mut impl FnMut(&[u8])) -> Outcome {
    let head = exact(database, 0, 512, CUT)?;
    let orders = [Order { big: false }, Order { big: true }];
    let mut orders = orders.into_iter();
    let Some(order) = orders.find(|order| matches!(order.u32(&head, 12), Ok(HASH_MAGIC))) else {
        return Err(Problem::Format("not a hash database of Berkeley DB"));
    };
    let page_size = order.u32(&head, 20)? as usize;
    if !(512..=65536).contains(&page_size) || !page_size.is_power_of_two() || head[24] != 0 {
        return Err(Problem::Format(
            "a database in a form that rpm does not use",
        ));
    }
    let last = order.u32(&head, 32)?;
    let there = database.len() / page_size as u64;
    let mut problem = (u64::from(last) >= there).then_some(Problem::Format(CUT));
    let mut reader = Overflow {
        database,
        order,
        page_size,
        // Each overflow page belongs to one value; a page read twice means a loop.
        budget: there,
    };
    let mut seen = 0_usize;
    for number in 1..there.min(u64::from(last) + 1) {
        let page = exact(database, number * page_size as u64, page_size, CUT)?;
        if !matches!(page[25], HASH | HASH_UNSORTED) {
            continue;
        }
        let entries = order.u16(&page, 20)?;
        for entry in (1..entries).step_by(2) {
            seen += 1;
            if seen > MAX_HEADERS {
                return Err(Problem::Format("more packages than are read"));
            }
            match value(&mut reader, &page, entry) {
                // The first record is a counter, not a header.
                Ok(blob) if blob.len() > 16 => visit(&blob),
                Ok(_) => {}
                Err(error) => problem = Some(error),
            }
        }
    }
    problem.map_or(Ok(()), Err)
}

fn value(
    reader: &mut Overflow<'_, impl ReadAt + ?Sized>,
    page: &[u8],
    entry: usize,
) -> Result<Vec<u8>, Problem> {
    let order = reader.order;
    let offset = order.u16(page, PAGE_HEADER + entry * 2)?;
    match page.get(offset) {
        Some(&OFF_PAGE) => {
            let first = order.u32(page, offset + 4)?;
            let length = order.u32(page, offset + 8)? as usize;
            reader.read(first, length)
        }
        Some(&KEY_DATA) => {
            // Entries are laid from the end of the page: this one ends where the one before begins.
            let end = order.u16(page, PAGE_HEADER + (entry - 1) * 2)?;
            Ok(page.get(offset + 1..end).ok_or(BAD)?.to_vec())
        }
        _ => Err(BAD),
    }
}

struct Overflow<'a, R: ?Sized> {
    database: &'a R,
    order: Order,
    page_size: usize,
    budget: u64,
}

impl<R: ReadAt + ?Sized> Overflow<'_, R> {
    fn read(&mut self, first: u32, length: usize) -> Result<Vec<u8>, Problem> {
        if length > MAX_HEADER {
            return Err(BAD);
        }
        let mut blob = Vec::new();
        let mut next = first;
        while next != 0 && blob.len() < length {
            self.budget = self
                .budget
                .checked_sub(1)
                .ok_or(Problem::Format("the pages of the database go in circles"))?;
            let offset = u64::from(next) * self.page_size as u64;
            let page = exact(self.database, offset, self.page_size, CUT)?;
            if page[25] != OVERFLOW {
                return Err(BAD);
            }
            let held = self.order.u16(&page, 22)?;
            let data = page.get(PAGE_HEADER..PAGE_HEADER + held).ok_or(BAD)?;
            blob.extend_from_slice(data);
            next = self.order.u32(&page, 16)?;
        }
        if blob.len() < length {
            return Err(BAD);
        }
        blob.truncate(length);
        Ok(blob)
    }
}

#[cfg(test)]
mod tests {
    use super::super::header::tests::sample;
    use super::*;

    fn page(kind: u8, next: u32, entries: u16, free: u16) -> Vec<u8> {
        let mut page = vec![0; 512];
        page[16..20].copy_from_slice(&next.to_le_bytes());
        page[20..22].copy_from_slice(&entries.to_le_bytes());
        page[22..24].copy_from_slice(&free.to_le_bytes());
        page[25] = kind;
        page
    }

    fn database(blob: &[u8], loops: bool) -> Vec<u8> {
        let mut meta = vec![0; 512];
        meta[12..16].copy_from_slice(&HASH_MAGIC.to_le_bytes());
        meta[20..24].copy_from_slice(&512_u32.to_le_bytes());
        meta[25] = 8;
        meta[32..36].copy_from_slice(&3_u32.to_le_bytes());
        let mut hash = page(HASH, 0, 2, 490);
        hash[26..28].copy_from_slice(&507_u16.to_le_bytes());
        hash[28..30].copy_from_slice(&490_u16.to_le_bytes());
        hash[507] = KEY_DATA;
        hash[490] = OFF_PAGE;
        hash[494..498].copy_from_slice(&2_u32.to_le_bytes());
        let length = if loops { 100_000 } else { blob.len() as u32 };
        hash[498..502].copy_from_slice(&length.to_le_bytes());
        let cut = blob.len().min(200);
        let mut first = page(OVERFLOW, if loops { 2 } else { 3 }, 1, cut as u16);
        first[26..26 + cut].copy_from_slice(&blob[..cut]);
        let mut second = page(OVERFLOW, 0, 1, (blob.len() - cut) as u16);
        second[26..26 + blob.len() - cut].copy_from_slice(&blob[cut..]);
        [meta, hash, first, second].concat()
    }

    #[test]
    fn overflow_pages_are_put_together() {
        let blob = sample("thing");
        let whole = database(&blob, false);
        let mut seen = Vec::new();
        blobs(whole.as_slice(), &mut |found: &[u8]| {
            seen.push(found.to_vec());
        })
        .unwrap();
        assert_eq!(seen, std::slice::from_ref(&blob));
        assert!(blobs(&whole[..1024], &mut |_: &[u8]| ()).is_err());
        assert!(blobs(database(&blob, true).as_slice(), &mut |_: &[u8]| ()).is_err());
    }
}
