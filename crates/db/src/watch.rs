//! Keeping what was read until its tables change.
//!
//! Where all writes of the process pass one connection, that connection says which tables it
//! changes; a reader may then keep what it found without asking again. On PostgreSQL, where other
//! replicas write, nothing is kept.
//!
//! Invariant: once a write has been answered, nothing read before it is given out. What another
//! process writes to the same file is seen after [`OTHERS`] at the latest.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// How long something is kept at most: `berth admin` writes to the file of a running server.
const OTHERS: Duration = Duration::from_secs(1);

/// The tables somebody watches; shared with the writing connection.
#[derive(Clone, Default)]
pub(crate) struct Watches {
    watched: Arc<RwLock<Vec<Arc<Watched>>>>,
}

struct Watched {
    tables: &'static [&'static str],
    generation: AtomicU64,
    /// Changed in the transaction that is open.
    open: AtomicBool,
}

impl Watches {
    fn add(&self, tables: &'static [&'static str]) -> Arc<Watched> {
        let watched = Arc::new(Watched {
            tables,
            generation: AtomicU64::new(0),
            open: AtomicBool::new(false),
        });
        let mut list = self.watched.write().unwrap_or_else(PoisonError::into_inner);
        list.push(Arc::clone(&watched));
        watched
    }

    /// A row of `table` changes. What is read from now until the commit is old at the commit.
    pub(crate) fn changed(&self, table: &str) {
        let list = self.watched.read().unwrap_or_else(PoisonError::into_inner);
        for watched in list.iter().filter(|it| it.tables.contains(&table)) {
            watched.open.store(true, Ordering::SeqCst);
            watched.generation.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// The transaction is over, one way or the other.
    pub(crate) fn ended(&self) {
        let list = self.watched.read().unwrap_or_else(PoisonError::into_inner);
        for watched in list.iter() {
            if watched.open.swap(false, Ordering::SeqCst) {
                watched.generation.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

/// Rows kept by key until one of the tables they came from changes; see [`Db::kept`](crate::Db::kept).
pub struct Kept<K, V> {
    watched: Option<Arc<Watched>>,
    most: usize,
    rows: Mutex<HashMap<K, Row<V>>>,
}

struct Row<V> {
    generation: u64,
    read_at: Instant,
    value: V,
}

impl<K, V> std::fmt::Debug for Kept<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept(…)")
    }
}

impl<K: Eq + Hash, V: Clone> Kept<K, V> {
    pub(crate) fn new(
        watches: Option<&Watches>,
        tables: &'static [&'static str],
        most: usize,
    ) -> Self {
        Self {
            watched: watches.map(|watches| watches.add(tables)),
            most,
            rows: Mutex::new(HashMap::new()),
        }
    }

    /// What is kept for `key`, or what `read` gives, which is kept then.
    ///
    /// # Errors
    /// Those of `read`; they are not kept.
    pub async fn get_or<E>(
        &self,
        key: K,
        read: impl Future<Output = Result<V, E>>,
    ) -> Result<V, E> {
        let Some(watched) = &self.watched else {
            return read.await;
        };
        let generation = watched.generation.load(Ordering::SeqCst);
        let now = Instant::now();
        if let Some(row) = self.lock().get(&key)
            && row.generation == generation
            && now.duration_since(row.read_at) < OTHERS
        {
            return Ok(row.value.clone());
        }
        let value = read.await?;
        let mut rows = self.lock();
        if rows.len() >= self.most {
            rows.clear();
        }
        let row = Row {
            generation,
            read_at: now,
            value: value.clone(),
        };
        rows.insert(key, row);
        Ok(value)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Row<V>>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
