//! The archive in a layer, entry by entry, in one pass and without a copy of the data.
//!
//! The invariant: entries, sizes and data are those that Go's `archive/tar` gives to the container
//! runtimes, so what is looked at here is what will run. `tests/it/tar_differential.rs` holds the
//! two against each other. Where they differ, on purpose:
//!
//! - a sparse file whose map does not fit its data is refused when its header is read; Go refuses
//!   it when its data is read to the end, which unpacking does;
//! - in format 1.0 of sparse maps, Go reads the map's lines before it looks at the numbers, so a
//!   map that is both malformed and cut off gives another error, but an error all the same.

mod header;
mod pax;
mod sparse;

use std::io::{self, BufRead};

use header::{Block, Header};
use sparse::Region;

const BLOCK: usize = 512;

/// The largest extended header, long name or sparse map.
const MAX_SPECIAL: usize = 1 << 20;

static ZEROS: [u8; 4096] = [0; 4096];

/// What an archive may not look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub(crate) &'static str);

/// Why no further entry can be read.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The archive is damaged or made to confuse.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The stream failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

const CUT_OFF: Malformed = Malformed("the archive is cut off");

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file with data.
    File,
    /// Another name of a file.
    HardLink,
    /// A symbolic link.
    Symlink,
    /// A directory.
    Directory,
    /// A device or a pipe.
    Special,
    /// Something runtimes pass over or refuse.
    Other,
}

/// One entry.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The name as written.
    pub name: Vec<u8>,
    /// The target of a link.
    pub link: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// The type as written.
    pub flag: u8,
    /// Permission bits, setuid and setgid among them.
    pub mode: u32,
    /// The owner.
    pub uid: i64,
    /// The group.
    pub gid: i64,
    /// Bytes of the file when it is unpacked.
    pub size: u64,
}

/// Reads entries and their data.
#[derive(Debug)]
pub struct Reader<R> {
    inner: R,
    /// Bytes of the current entry that are still in the archive.
    physical: u64,
    padding: usize,
    /// Bytes of the current entry that are still to be given, holes included.
    logical: u64,
    position: u64,
    regions: std::vec::IntoIter<Region>,
    region: Option<Region>,
}

impl<R: BufRead> Reader<R> {
    /// Begins at the first header.
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            physical: 0,
            padding: 0,
            logical: 0,
            position: 0,
            regions: Vec::new().into_iter(),
            region: None,
        }
    }

    /// The next entry; nothing at the end of the archive. What is unread of the one before is
    /// passed over.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, Failure> {
        let mut records = None;
        let mut long_name = None;
        let mut long_link = None;
        loop {
            self.skip()?;
            // Runtimes take an archive that ends within padding for whole.
            if !self.skip_padding()? {
                return Ok(None);
            }
            let Some(block) = self.header_block()? else {
                return Ok(None);
            };
            let mut header = header::parse(&block)?;
            self.begin(&header)?;
            match header.flag {
                b'x' => records = Some(pax::parse(&self.special()?)?),
                b'g' => {
                    pax::parse(&self.special()?)?;
                    return Ok(Some(entry(header)));
                }
                b'L' => long_name = Some(header::string(&self.special()?).to_vec()),
                b'K' => long_link = Some(header::string(&self.special()?).to_vec()),
                _ => {
                    let records = records.unwrap_or_default();
                    pax::merge(&mut header, &records)?;
                    if let Some(name) = long_name.filter(|name: &Vec<u8>| !name.is_empty()) {
                        header.name = name;
                    }
                    if let Some(link) = long_link.filter(|link: &Vec<u8>| !link.is_empty()) {
                        header.link = link;
                    }
                    if header.flag == 0 {
                        header.flag = if header.name.ends_with(b"/") {
                            b'5'
                        } else {
                            b'0'
                        };
                    }
                    // The records may have changed the size.
                    self.begin(&header)?;
                    self.begin_sparse(&mut header, &records, &block)?;
                    return Ok(Some(entry(header)));
                }
            }
        }
    }

    /// What there is of the current entry's data without waiting; empty at its end.
    pub fn data(&mut self) -> Result<&[u8], Failure> {
        if self.logical == 0 {
            return Ok(&[]);
        }
        while let Some(region) = self.region {
            let start = region.offset as u64;
            let end = start + region.length as u64;
            if self.position < start {
                return Ok(zeros((start - self.position).min(self.logical)));
            }
            if self.position < end {
                let wanted = (end - self.position).min(self.physical).min(self.logical);
                let available = self.inner.fill_buf()?;
                if available.is_empty() {
                    return Err(CUT_OFF.into());
                }
                let count = available
                    .len()
                    .min(usize::try_from(wanted).unwrap_or(usize::MAX));
                return Ok(&available[..count]);
            }
            self.region = self.regions.next();
        }
        Ok(zeros(self.logical))
    }

    /// Goes on by `count` bytes of what `data` gave.
    pub fn consume(&mut self, count: usize) {
        let hole = match self.region {
            Some(region) => self.position < region.offset as u64,
            None => true,
        };
        if !hole {
            self.inner.consume(count);
            self.physical = self.physical.saturating_sub(count as u64);
        }
        self.position += count as u64;
        self.logical = self.logical.saturating_sub(count as u64);
    }

    /// Sets out to read the data that follows a header.
    fn begin(&mut self, header: &Header) -> Result<(), Malformed> {
        let size = if has_no_data(header.flag) {
            0
        } else {
            header.size
        };
        let size = u64::try_from(size).map_err(|_| Malformed("a file of negative size"))?;
        self.physical = size;
        self.padding = (BLOCK - (size % BLOCK as u64) as usize) % BLOCK;
        self.logical = size;
        self.position = 0;
        self.regions = Vec::new().into_iter();
        self.region = Some(Region {
            offset: 0,
            length: size.cast_signed(),
        });
        Ok(())
    }

    fn begin_sparse(
        &mut self,
        header: &mut Header,
        records: &pax::Records,
        block: &Block,
    ) -> Result<(), Failure> {
        let regions = if header.flag == b'S' {
            let (size, regions) = sparse::old_gnu(&mut self.inner, block)?;
            header.size = size;
            regions
        } else if let Some(described) = sparse::described(records)? {
            if let Some(name) = described.name {
                header.name = name;
            }
            if let Some(size) = described.size {
                header.size = size;
            }
            if let Some(regions) = described.regions {
                regions
            } else {
                let available = self.physical.cast_signed();
                let (taken, regions) = sparse::in_data(&mut self.inner, available)?;
                self.physical -= taken.cast_unsigned();
                regions
            }
        } else {
            return Ok(());
        };
        if has_no_data(header.flag) || !sparse::valid(&regions, header.size) {
            return Err(Malformed("the map of a sparse file does not fit the file").into());
        }
        let held: i64 = regions.iter().map(|region| region.length).sum();
        if held.cast_unsigned() != self.physical {
            return Err(Malformed("the map of a sparse file does not fit its data").into());
        }
        self.logical = header.size.cast_unsigned();
        self.regions = regions.into_iter();
        self.region = self.regions.next();
        Ok(())
    }

    /// Passes over the rest of the data.
    fn skip(&mut self) -> Result<(), Failure> {
        while self.physical > 0 {
            let available = self.inner.fill_buf()?.len() as u64;
            if available == 0 {
                return Err(CUT_OFF.into());
            }
            let count = available.min(self.physical);
            self.inner.consume(count as usize);
            self.physical -= count;
        }
        Ok(())
    }

    /// Whether all of the padding was there.
    fn skip_padding(&mut self) -> Result<bool, Failure> {
        while self.padding > 0 {
            let available = self.inner.fill_buf()?.len();
            if available == 0 {
                return Ok(false);
            }
            let count = available.min(self.padding);
            self.inner.consume(count);
            self.padding -= count;
        }
        Ok(true)
    }

    /// The next header; nothing at the end: no more bytes, or a block of zeros and then another or
    /// no more bytes.
    fn header_block(&mut self) -> Result<Option<Block>, Failure> {
        let Some(block) = self.block_or_end()? else {
            return Ok(None);
        };
        if block.iter().any(|byte| *byte != 0) {
            return Ok(Some(block));
        }
        match self.block_or_end()? {
            Some(block) if block.iter().any(|byte| *byte != 0) => {
                Err(Malformed("a block of zeros amid the archive").into())
            }
            _ => Ok(None),
        }
    }

    fn block_or_end(&mut self) -> Result<Option<Block>, Failure> {
        if self.inner.fill_buf()?.is_empty() {
            return Ok(None);
        }
        Ok(Some(read_block(&mut self.inner)?))
    }

    /// All data of an extended header or long name.
    fn special(&mut self) -> Result<Vec<u8>, Failure> {
        if self.logical > MAX_SPECIAL as u64 {
            return Err(Malformed("an extended header is too long").into());
        }
        let mut bytes = Vec::with_capacity(self.logical.min(64 * 1024) as usize);
        loop {
            let count = {
                let data = self.data()?;
                bytes.extend_from_slice(data);
                data.len()
            };
            if count == 0 {
                return Ok(bytes);
            }
            self.consume(count);
        }
    }
}

fn zeros(count: u64) -> &'static [u8] {
    &ZEROS[..count.min(ZEROS.len() as u64) as usize]
}

fn read_block(reader: &mut impl BufRead) -> Result<Block, Failure> {
    let mut block = [0; BLOCK];
    let mut len = 0;
    while len < BLOCK {
        let available = reader.fill_buf()?;
        if available.is_empty() {
            return Err(CUT_OFF.into());
        }
        let count = available.len().min(BLOCK - len);
        block[len..len + count].copy_from_slice(&available[..count]);
        reader.consume(count);
        len += count;
    }
    Ok(block)
}

/// Types that have no data whatever their size says.
fn has_no_data(flag: u8) -> bool {
    matches!(flag, b'1'..=b'6')
}

fn entry(header: Header) -> Entry {
    let kind = match header.flag {
        b'0' | b'S' => Kind::File,
        b'1' => Kind::HardLink,
        b'2' => Kind::Symlink,
        b'3' | b'4' | b'6' => Kind::Special,
        b'5' => Kind::Directory,
        _ => Kind::Other,
    };
    Entry {
        name: header.name,
        link: header.link,
        kind,
        flag: header.flag,
        mode: (header.mode & 0o7777) as u32,
        uid: header.uid,
        gid: header.gid,
        size: u64::try_from(header.size).unwrap_or_default(),
    }
}
