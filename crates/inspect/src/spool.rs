//! A file of the layer that has to be read out of order: in memory while it is small, in an
//! anonymous temporary file when it is not.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::unix::fs::FileExt;
use std::rc::Rc;

use crate::Limits;

/// Up to here a file stays in memory.
const IN_MEMORY: usize = 8 * 1024 * 1024;

/// Bytes that can be read anywhere.
pub trait ReadAt {
    /// How many there are.
    fn len(&self) -> u64;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills as much of `buffer` as there are bytes from `offset` on.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Up to `count` bytes from `offset` on: fewer at the end.
    fn bytes(&self, offset: u64, count: usize) -> io::Result<Vec<u8>> {
        let there = self.len().saturating_sub(offset);
        let mut bytes = vec![0; count.min(usize::try_from(there).unwrap_or(usize::MAX))];
        let read = self.read_at(offset, &mut bytes)?;
        bytes.truncate(read);
        Ok(bytes)
    }
}

impl ReadAt for [u8] {
    fn len(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let start = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(<[u8]>::len(self));
        let count = buffer.len().min(<[u8]>::len(self) - start);
        buffer[..count].copy_from_slice(&self[start..start + count]);
        Ok(count)
    }
}

/// Temporary files that are not in use: for a process that may open none. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Spares(Rc<RefCell<Vec<File>>>);

impl Spares {
    /// So many are in use at once by one layer: a file and the archives in each other.
    pub fn needed(limits: &Limits) -> usize {
        limits.archive_depth + 1
    }

    /// An empty temporary file.
    fn take(&self) -> io::Result<File> {
        let Some(mut file) = self.0.borrow_mut().pop() else {
            return tempfile::tempfile();
        };
        file.set_len(0)?;
        file.rewind()?;
        Ok(file)
    }

    fn give(&self, file: File) {
        self.0.borrow_mut().push(file);
    }
}

/// What is in the files is lost.
impl From<Vec<File>> for Spares {
    fn from(files: Vec<File>) -> Self {
        Self(Rc::new(RefCell::new(files)))
    }
}

/// The bytes of one file. Used for one file after the other: the memory is kept, and so is the
/// temporary file.
#[derive(Debug, Default)]
pub(crate) struct Spool {
    memory: Vec<u8>,
    file: Option<File>,
    spares: Spares,
    len: u64,
}

impl Spool {
    pub(crate) fn new(spares: &Spares) -> Self {
        let mut spool = Self::default();
        spool.spares = spares.clone();
        spool
    }

    pub(crate) fn clear(&mut self) {
        self.memory.clear();
        self.len = 0;
        if let Some(file) = self.file.take() {
            self.spares.give(file);
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.len += bytes.len() as u64;
        match &mut self.file {
            Some(file) => file.write_all(bytes),
            None if self.memory.len() + bytes.len() <= IN_MEMORY => {
                self.memory.extend_from_slice(bytes);
                Ok(())
            }
            None => {
                let mut file = self.spares.take()?;
                file.write_all(&self.memory)?;
                file.write_all(bytes)?;
                self.memory.clear();
                self.file = Some(file);
                Ok(())
            }
        }
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.clear();
    }
}

impl ReadAt for Spool {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(file) = &self.file else {
            return self.memory.as_slice().read_at(offset, buffer);
        };
        let mut count = 0;
        while count < buffer.len() {
            match file.read_at(&mut buffer[count..], offset + count as u64) {
                Ok(0) => break,
                Ok(read) => count += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(count)
    }
}

/// Reads bytes that can be read anywhere from one place on, as a stream.
#[derive(Debug)]
pub(crate) struct Onward<'a, R: ?Sized> {
    inner: &'a R,
    at: u64,
    end: u64,
}

impl<'a, R: ReadAt + ?Sized> Onward<'a, R> {
    pub(crate) fn new(inner: &'a R, at: u64, count: u64) -> Self {
        Self {
            inner,
            at,
            end: at.saturating_add(count).min(inner.len()),
        }
    }
}

impl<R: ReadAt + ?Sized> io::Read for Onward<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let there = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let count = buffer.len().min(there);
        let read = self.inner.read_at(self.at, &mut buffer[..count])?;
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_file_read_alike() {
        let spares = Spares::from(vec![tempfile::tempfile().unwrap()]);
        let mut spool = Spool::new(&spares);
        for size in [
            1_usize,
            IN_MEMORY,
            IN_MEMORY + 9,
            3,
            IN_MEMORY + 1,
            IN_MEMORY + 5,
        ] {
            spool.clear();
            let content: Vec<u8> = (0..size).map(|index| (index % 251) as u8).collect();
            for part in content.chunks(1024 * 1024) {
                spool.write(part).unwrap();
            }
            assert_eq!(spool.file.is_some(), size > IN_MEMORY);
            assert_eq!(spool.len(), size as u64);
            assert_eq!(spool.bytes(0, size + 9).unwrap(), content);
            assert_eq!(
                spool.bytes(size as u64 - 1, 9).unwrap(),
                content[size - 1..]
            );
            assert_eq!(spares.0.borrow().is_empty(), size > IN_MEMORY);
            assert_eq!(spool.bytes(size as u64 + 5, 9).unwrap(), [0; 0]);
        }
    }
}
