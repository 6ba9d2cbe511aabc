//! The crate at its boundary: real children and false ones.
#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

mod confined;
mod failing;
mod layers;
mod made;
mod wire;
