//! rpm's own format: slots that point to blobs.

use super::{MAX_HEADERS, Outcome, Problem, exact, u32_le};
use crate::spool::ReadAt;

const PAGE: usize = 4096;
const SLOT: usize = 16;
const MAX_SLOT_PAGES: usize = 2048;

const SLOT_MAGIC: u32 = u32::from_le_bytes(*b"Slot");
const BLOB_MAGIC: u32 = u32::from_le_bytes(*b"BlbS");

pub(super) fn blobs(database: &(impl ReadAt + ?Sized), visit: &mut impl FnMut(&[u8])) -> Outcome {
    const BAD: Problem = Problem::Format("the database's slots are damaged");
    let head = exact(database, 0, 32, "the database is cut off")?;
    let pages = u32_le(&head, 12).ok_or(BAD)? as usize;
    if u32_le(&head, 4) != Some(0) || pages == 0 || pages > MAX_SLOT_PAGES {
        return Err(Problem::Format(
            "a version of the database that is not known",
        ));
    }
    let slots = exact(database, 0, pages * PAGE, "the database is cut off")?;
    let mut seen = 0_usize;
    // The header takes the place of the first two slots.
    for slot in slots.chunks_exact(SLOT).skip(2) {
        if u32_le(slot, 0) != Some(SLOT_MAGIC) {
            return Err(BAD);
        }
        let package = u32_le(slot, 4).ok_or(BAD)?;
        let offset = u64::from(u32_le(slot, 8).ok_or(BAD)?) * 16;
        if package == 0 || offset == 0 {
            continue;
        }
        seen += 1;
        if seen > MAX_HEADERS {
            return Err(Problem::Format("more packages than are read"));
        }
        let head = exact(database, offset, 16, "a package lies outside the database")?;
        if u32_le(&head, 0) != Some(BLOB_MAGIC) || u32_le(&head, 4) != Some(package) {
            return Err(Problem::Format("a slot points to no package"));
        }
        let length = u32_le(&head, 12).ok_or(BAD)? as usize;
        visit(&exact(
            database,
            offset + 16,
            length,
            "a package is cut off",
        )?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::header::tests::sample;
    use super::*;

    #[test]
    fn slots_lead_to_packages() {
        let blob = sample("thing");
        let mut database = Vec::new();
        for word in [u32::from_le_bytes(*b"RpmP"), 0, 1, 1, 2, 0, 0, 0] {
            database.extend(word.to_le_bytes());
        }
        for word in [SLOT_MAGIC, 1, 256, 9] {
            database.extend(word.to_le_bytes());
        }
        while database.len() < PAGE {
            database.extend(SLOT_MAGIC.to_le_bytes());
            database.extend([0; 12]);
        }
        for word in [BLOB_MAGIC, 1, 0, blob.len() as u32] {
            database.extend(word.to_le_bytes());
        }
        database.extend(&blob);
        let mut seen = Vec::new();
        blobs(database.as_slice(), &mut |found: &[u8]| {
            seen.push(found.to_vec());
        })
        .unwrap();
        assert_eq!(seen, [blob]);
        for cut in [0, 31, 4000, PAGE + 3, database.len() - 1] {
            assert!(
                blobs(&database[..cut], &mut |_: &[u8]| ()).is_err(),
                "{cut}"
            );
        }
    }
}
