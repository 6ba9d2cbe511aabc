//! Read buffers that are used again.
//!
//! Invariant: the pool keeps at most [`KEPT`] buffers; more may be in use, none is shared.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Bytes of one buffer, and of one read.
pub(crate) const BUFFER: usize = 256 * 1024;
/// Reads up to this size get memory of their own size instead.
const EXACT: usize = 32 * 1024;
/// Unused buffers kept: 16 MiB.
const KEPT: usize = 64;

/// A bounded stack of unused buffers. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pool {
    free: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Pool {
    /// A buffer of `length` bytes, at most [`BUFFER`]; its contents are arbitrary.
    pub(crate) fn take(&self, length: usize) -> Buffer {
        let length = length.min(BUFFER);
        if length <= EXACT {
            return Buffer {
                bytes: vec![0; length],
                length,
                home: None,
            };
        }
        let reused = self.lock().pop();
        Buffer {
            bytes: reused.unwrap_or_else(|| vec![0; BUFFER]),
            length,
            home: Some(self.clone()),
        }
    }

    fn put(&self, buffer: Vec<u8>) {
        let mut free = self.lock();
        if free.len() < KEPT {
            free.push(buffer);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A buffer that returns to its pool when it, or the last [`Bytes`] made of it, is dropped.
#[derive(Debug)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    length: usize,
    home: Option<Pool>,
}

impl Buffer {
    pub(crate) fn as_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.length]
    }

    pub(crate) fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            home.put(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_return_and_the_pool_stays_bounded() {
        let pool = Pool::default();
        let whole = pool.take(BUFFER).freeze();
        let part = whole.slice(10..20);
        drop(whole);
        assert_eq!(pool.lock().len(), 0, "a part of it is still in use");
        drop(part);
        assert_eq!(pool.lock().len(), 1);
        let many: Vec<_> = (0..2 * KEPT).map(|_| pool.take(BUFFER)).collect();
        drop(many);
        assert_eq!(pool.lock().len(), KEPT);
        assert_eq!(pool.take(10).as_ref().len(), 10);
        assert_eq!(pool.lock().len(), KEPT);
    }
}
