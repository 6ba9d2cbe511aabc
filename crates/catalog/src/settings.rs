//! Settings that operators change while the server runs (Harbor's configuration keys).
//!
//! A new key is one line of the table in `settings/keys.rs`.
//!
//! Invariant: what the database holds was validated; the snapshot in memory is replaced as part of
//! the commit that changes it, so the replica that answered a PUT obeys it from then on. The others
//! read the table again every few seconds.

mod check;
mod key;
mod keys;
mod schema;
mod snapshot;

use berth_crypto::KeyFile;
use berth_model::{Code, Coded};
use serde_json::{Map, Value};

pub use check::{MOST_STORAGE, UNLIMITED};
pub use key::{Kind, Restriction, SettingKey};
pub use keys::Settings;
pub use schema::{Configurations, ConfigurationsResponse};
pub(crate) use snapshot::Snapshot;

use crate::CatalogError;

/// Why a setting was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// There is no such setting.
    #[error("there is no setting {0:?}")]
    Unknown(String),
    /// A value of the wrong type or out of range.
    #[error("the setting {key} must be {expected}")]
    Value {
        /// The setting.
        key: &'static str,
        /// What it may be.
        expected: String,
    },
    /// A setting that the file or the environment holds fast.
    #[error("the setting {0} is set by the server's configuration file and cannot be changed here")]
    Frozen(&'static str),
    /// A secret, in a program that has no key to seal it with.
    #[error("the setting {0} is a secret and cannot be kept here")]
    Unsealed(&'static str),
    /// Settings that do not go together.
    #[error("{0}")]
    Together(String),
}

impl Coded for SettingError {
    fn code(&self) -> Code {
        match self {
            Self::Frozen(_) => Code::Forbidden,
            _ => Code::BadRequest,
        }
    }
}

/// The one secret that Harbor's definition of the answer has. Clients fail without the key: it is
/// answered empty, and what is sent back empty changes nothing.
pub(crate) const EMPTY_SECRET: &str = "uaa_client_secret";

impl Settings {
    /// The definition of a key.
    pub fn key(name: &str) -> Option<&'static SettingKey> {
        Self::KEYS.iter().find(|key| key.name == name)
    }

    /// Sets one key from its JSON value.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<(), SettingError> {
        let Some(key) = Self::key(name) else {
            return Err(SettingError::Unknown(name.to_owned()));
        };
        let fits = key.kind.fits(value) && self.assign(key.name, value);
        fits.then_some(()).ok_or_else(|| SettingError::Value {
            key: key.name,
            expected: key.kind.expected(),
        })
    }

    /// Sets the given keys, or none of them.
    pub fn patched(&self, patch: &Map<String, Value>) -> Result<Self, SettingError> {
        let mut next = self.clone();
        for (key, value) in patch {
            next.set(key, value)?;
        }
        next.check()?;
        Ok(next)
    }

    /// Lays the rows of the table over these settings. A row that this version does not understand
    /// is left out and logged: after a downgrade the server must still start.
    fn with_rows(&self, rows: Vec<(String, String)>, sealer: Option<&KeyFile>) -> Self {
        let mut settings = self.clone();
        for (name, text) in rows {
            let read = serde_json::from_str(&text)
                .map_err(|error| error.to_string())
                .and_then(|stored| unseal(&name, stored, sealer))
                .and_then(|value| settings.set(&name, &value).map_err(|e| e.to_string()));
            if let Err(error) = read {
                tracing::warn!(key = name, error, "a stored setting is ignored");
            }
        }
        settings
    }
}

/// What a sealed setting opens with: it does not open as another one.
fn context(name: &str) -> String {
    format!("setting:{name}")
}

/// A value as the table holds it: JSON, and of a secret the sealed bytes in hexadecimal.
fn seal(key: &SettingKey, value: &Value, sealer: Option<&KeyFile>) -> Result<String, CatalogError> {
    let (true, Some(text)) = (key.is_secret(), value.as_str()) else {
        return Ok(value.to_string());
    };
    let sealer = sealer.ok_or(SettingError::Unsealed(key.name))?;
    let sealed = sealer.seal(&context(key.name), text.as_bytes())?;
    Ok(Value::String(hex::encode(sealed)).to_string())
}

fn unseal(name: &str, stored: Value, sealer: Option<&KeyFile>) -> Result<Value, String> {
    if !Settings::key(name).is_some_and(SettingKey::is_secret) {
        return Ok(stored);
    }
    let sealer = sealer.ok_or("there is no key to open it with")?;
    let sealed = stored.as_str().and_then(|text| hex::decode(text).ok());
    let sealed = sealed.ok_or("it is not sealed")?;
    let plain = sealer
        .open(&context(name), &sealed)
        .map_err(|e| e.to_string())?;
    let text = std::str::from_utf8(&plain).map_err(|e| e.to_string())?;
    Ok(Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests;
