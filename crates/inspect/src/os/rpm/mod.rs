//! rpm: three formats of database around one format of package header.
//!
//! All of them are read in place by offsets that a stranger wrote: every offset is checked, every
//! walk from page to page is bounded by the number of pages.

mod bdb;
pub mod header;
mod ndb;
mod sqlite;

use std::io;

use super::{Listed, Owners};
use crate::report::Origin;
use crate::spool::ReadAt;

/// No header of a package is larger than this: what claims to be is not read.
const MAX_HEADER: usize = 64 * 1024 * 1024;

/// More headers than this are not read.
const MAX_HEADERS: usize = 100_000;

/// What reading a database came to.
type Outcome = Result<(), Problem>;

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("{0}")]
    Format(&'static str),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads a database in the format that its bytes say; the name of the file is only a hint.
pub fn packages(database: &(impl ReadAt + ?Sized), hint: Origin, owners: &mut Owners) -> Listed {
    let mut listed = Listed::default();
    let mut broken = 0_usize;
    let mut visit = |blob: &[u8]| match header::package(blob, owners) {
        Ok(Some(package)) => listed.packages.push(package),
        Ok(None) => {}
        Err(_) => broken += 1,
    };
    let outcome = match database.bytes(0, 16) {
        Ok(head) if head.is_empty() => Ok(()),
        Ok(head) if head.starts_with(b"SQLite format 3\0") => sqlite::blobs(database, &mut visit),
        Ok(head) if head.starts_with(b"RpmP") => ndb::blobs(database, &mut visit),
        Ok(_) if matches!(hint, Origin::RpmBdb) => bdb::blobs(database, &mut visit),
        Ok(_) => Err(Problem::Format("not a database of rpm")),
        Err(error) => Err(error.into()),
    };
    if let Err(problem) = outcome {
        listed.problem = Some(problem.to_string());
    } else if broken > 0 {
        listed.problem = Some(format!("{broken} headers of packages are damaged"));
    }
    listed
}

fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Exactly `count` bytes.
fn exact(
    database: &(impl ReadAt + ?Sized),
    offset: u64,
    count: usize,
    otherwise: &'static str,
) -> Result<Vec<u8>, Problem> {
    if count > MAX_HEADER {
        return Err(Problem::Format(otherwise));
    }
    let bytes = database.bytes(offset, count)?;
    if bytes.len() == count {
        Ok(bytes)
    } else {
        Err(Problem::Format(otherwise))
    }
}
