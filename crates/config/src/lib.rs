//! What an operator may set: one file, the environment, flags, and what came from where.
//!
//! Invariant: a value that is unknown, of the wrong type or out of range stops the start with a
//! message that names the key and its source; nothing is silently ignored.

mod key;
mod layers;
mod problem;
mod settings;

pub use key::Key;
pub use layers::{ConfigFile, Entry, Sources};
pub use problem::{Invalid, Origin, Problem};
pub use settings::{
    AuthSettings, DatabaseSettings, GcSettings, HttpSettings, Isolation, LogFormat, LogSettings,
    RegistrySettings, Role, ScanSettings, Settings, StorageSettings, TracingSettings,
};
