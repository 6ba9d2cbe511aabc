//! Reads layers in a process of its own that may do nothing else.
//!
//! [`Indexer`] is what the server holds; [`index_layer`] is what its child runs. The child gets the
//! bytes of one layer on its standard input and writes what is in it to its standard output
//! (`wire.rs`), then it is gone.
//!
//! Invariants: whatever a layer makes of the child, the server gets a report or an error, in bounded
//! time and memory; and nothing a child says is believed that a layer could not hold.

mod child;
#[cfg(target_os = "linux")]
mod confine;
mod error;
mod indexer;
mod process;
pub mod wire;

pub use child::{Limited, index_layer};
pub use error::IndexError;
pub use indexer::{Bounds, Indexer, Program};
