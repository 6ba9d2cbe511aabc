//! The tables of this crate.

pub(crate) mod export;
pub(crate) mod external;
pub(crate) mod feeds;
pub(crate) mod gate;
pub(crate) mod hub;
pub(crate) mod images;
pub(crate) mod newest;
pub(crate) mod packages;
pub(crate) mod sboms;
pub(crate) mod sources;
pub(crate) mod state;
pub(crate) mod trend;
pub(crate) mod vex;
pub(crate) mod weights;
