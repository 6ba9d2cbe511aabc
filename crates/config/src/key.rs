//! [`Key`] is one setting: its name, its type, its default and its description.
//!
//! Invariant: keys are made only by the `section!` macro that also makes the field of the same
//! name, so the two cannot differ.

use std::net::{IpAddr, SocketAddr};

use config::{Value, ValueKind};
use ipnet::IpNet;

/// Most entries of a list.
const LIST: usize = 256;

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The name, as `section.key`.
    pub name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) default: Option<&'static str>,
    /// The description, one entry a line, each with a leading blank.
    pub doc: &'static [&'static str],
}

/// The type of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Path,
    Secret,
    Bool,
    Count,
    Ratio,
    Address,
    Networks,
    Hosts,
    Choice(&'static [&'static str]),
}

impl Key {
    /// The environment variable that sets the key.
    pub fn env(&self) -> String {
        format!("BERTH_{}", self.name.replace('.', "__").to_uppercase())
    }

    /// The default, if there is one.
    pub const fn default(&self) -> Option<&'static str> {
        self.default
    }

    /// Whether the value must not be shown.
    pub fn is_secret(&self) -> bool {
        self.kind == Kind::Secret
    }

    /// `value` as the key's type, or what it should have been.
    pub(crate) fn read(&self, value: &Value) -> Result<ValueKind, String> {
        match self.kind {
            Kind::Text | Kind::Path | Kind::Secret => match &value.kind {
                ValueKind::String(text) => Ok(ValueKind::String(text.clone())),
                _ => Err("must be text".to_owned()),
            },
            Kind::Bool => read_bool(&value.kind),
            Kind::Count => read_count(&value.kind),
            Kind::Ratio => read_ratio(&value.kind),
            Kind::Address => read_address(&value.kind),
            Kind::Networks => read_networks(&value.kind),
            Kind::Hosts => read_hosts(&value.kind),
            Kind::Choice(choices) => match &value.kind {
                ValueKind::String(text) if choices.contains(&text.as_str()) => {
                    Ok(ValueKind::String(text.clone()))
                }
                _ => Err(format!("must be one of {}", choices.join(", "))),
            },
        }
    }

    /// The value as `berth config check` shows it.
    pub(crate) fn show(&self, value: &ValueKind) -> String {
        match value {
            _ if self.is_secret() => "(secret)".to_owned(),
            ValueKind::Array(values) => values
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(","),
            other => other.to_string(),
        }
    }
}

fn read_bool(value: &ValueKind) -> Result<ValueKind, String> {
    let read = match value {
        ValueKind::Boolean(value) => Some(*value),
        ValueKind::String(text) => text.parse().ok(),
        _ => None,
    };
    read.map(ValueKind::Boolean)
        .ok_or_else(|| "must be true or false".to_owned())
}

fn read_count(value: &ValueKind) -> Result<ValueKind, String> {
    let read = match value {
        ValueKind::I64(value) => u64::try_from(*value).ok(),
        ValueKind::U64(value) => Some(*value),
        ValueKind::String(text) => text.parse().ok(),
        _ => None,
    };
    read.map(ValueKind::U64)
        .ok_or_else(|| "must be a whole number, not negative".to_owned())
}

fn read_ratio(value: &ValueKind) -> Result<ValueKind, String> {
    let read = match value {
        ValueKind::Float(value) => Some(*value),
        ValueKind::I64(value) => Some(*value as f64),
        ValueKind::String(text) => text.parse().ok(),
        _ => None,
    };
    read.map(ValueKind::Float)
        .ok_or_else(|| "must be a number".to_owned())
}

fn read_address(value: &ValueKind) -> Result<ValueKind, String> {
    match value {
        ValueKind::String(text) if text.parse::<SocketAddr>().is_ok() => {
            Ok(ValueKind::String(text.clone()))
        }
        _ => Err("must be an address with a port, like 127.0.0.1:8080 or [::]:8080".to_owned()),
    }
}

fn read_networks(value: &ValueKind) -> Result<ValueKind, String> {
    read_list(value, |text| {
        network(text)
            .ok_or_else(|| format!("'{text}' is not a network like 10.0.0.0/8 or an address"))
    })
}

fn read_hosts(value: &ValueKind) -> Result<ValueKind, String> {
    let name = |text: &str| {
        let letters = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        let is_name = text.bytes().all(letters) && text.bytes().any(|b| b.is_ascii_alphabetic());
        is_name.then(|| text.to_ascii_lowercase())
    };
    read_list(value, |text| {
        network(text).or_else(|| name(text)).ok_or_else(|| {
            format!("'{text}' is not a network like 10.0.0.0/8, an address, or the name of a host")
        })
    })
}

fn network(text: &str) -> Option<String> {
    let network = text
        .parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.ok().map(|network| network.to_string())
}

/// A list, in one text with commas or as an array, of entries that `read` accepts.
fn read_list(
    value: &ValueKind,
    read: impl Fn(&str) -> Result<String, String>,
) -> Result<ValueKind, String> {
    let texts: Vec<&str> = match value {
        ValueKind::String(text) => text.split(',').map(str::trim).collect(),
        ValueKind::Array(values) => values
            .iter()
            .map(|value| match &value.kind {
                ValueKind::String(text) => Ok(text.as_str()),
                _ => Err("must be a list of text".to_owned()),
            })
            .collect::<Result<_, _>>()?,
        _ => return Err("must be a list of text".to_owned()),
    };
    if texts.len() > LIST {
        return Err(format!("must have at most {LIST} entries"));
    }
    let entries = texts
        .into_iter()
        .filter(|text| !text.is_empty())
        .map(|text| read(text).map(|entry| Value::new(None, entry)))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(ValueKind::Array(entries))
}
