//! Layers as they come from strangers.

mod archive;
mod fuzz_replay;
mod hostile;
mod layers;
mod tar_differential;
