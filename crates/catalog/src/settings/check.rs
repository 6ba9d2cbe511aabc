//! The rules that values of settings follow, alone and together.
//!
//! Invariant: rules look at the value only; nothing is fetched and no name is resolved.

use serde_json::Value;

use super::{SettingError, Settings};
use crate::audit::EVENTS;

/// The storage limit that says there is none.
pub const UNLIMITED: i64 = -1;
/// The largest storage limit, bytes: 1024 TiB.
pub const MOST_STORAGE: i64 = 1 << 50;

/// Longest banner, bytes: it is part of every page and of an anonymous answer.
const LONGEST_BANNER: usize = 8 * 1024;
const LONGEST_LINE: usize = 1024;
const LONGEST_LIST: usize = 8 * 1024;
const LONGEST_PREFIX: usize = 32;
const SECONDS_OF_A_DAY: i64 = 86_400;

impl Settings {
    /// What does not go together.
    pub(super) fn check(&self) -> Result<(), SettingError> {
        let wrong = |text: &str| Err(SettingError::Together(text.to_owned()));
        if self.skip_audit_log_database && self.audit_log_forward_endpoint.is_empty() {
            return wrong(
                "skip_audit_log_database needs audit_log_forward_endpoint: audit lines would be lost",
            );
        }
        if self.storage_per_project == 0 {
            return wrong("the setting storage_per_project must be -1 or at least 1");
        }
        Ok(())
    }
}

pub(super) fn web_address(text: &str) -> bool {
    let with_host = |uri: http::Uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri
                .authority()
                .is_some_and(|a| !a.host().is_empty() && !a.as_str().contains('@'))
    };
    text.is_empty() || (text.len() <= LONGEST_LINE && text.parse().is_ok_and(with_host))
}

pub(super) fn text_map(text: &str) -> bool {
    if text.len() > LONGEST_LINE {
        return false;
    }
    let read: Result<serde_json::Map<String, Value>, _> = serde_json::from_str(text);
    read.is_ok_and(|map| map.values().all(Value::is_string))
}

pub(super) fn banner(text: &str) -> bool {
    if text.is_empty() {
        return true;
    }
    if text.len() > LONGEST_BANNER {
        return false;
    }
    let Ok(Value::Object(banner)) = serde_json::from_str(text) else {
        return false;
    };
    let known = banner.iter().all(|(name, value)| match name.as_str() {
        "message" => value.is_string(),
        "type" => matches!(
            value.as_str(),
            Some("success" | "info" | "warning" | "danger")
        ),
        "closable" => value.is_boolean(),
        "fromDate" | "toDate" => value.is_null() || value.as_str().is_some_and(|d| d.len() <= 64),
        _ => false,
    });
    known && banner.contains_key("message")
}

pub(super) fn robot_prefix(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-$+@".contains(&byte);
    (1..=LONGEST_PREFIX).contains(&text.len()) && text.bytes().all(allowed)
}

pub(super) fn scan_schedule(value: &Value) -> bool {
    match value["type"].as_str() {
        Some("none") => true,
        Some("daily") => value["parameter"]["daily_time"]
            .as_i64()
            .is_some_and(|time| (0..SECONDS_OF_A_DAY).contains(&time)),
        _ => false,
    }
}

pub(super) fn syslog_address(text: &str) -> bool {
    if text.is_empty() {
        return true;
    }
    let rest = ["tcp://", "udp://", "tls://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .unwrap_or(text);
    let Ok(authority) = rest.parse::<http::uri::Authority>() else {
        return false;
    };
    let host = authority.host();
    text.len() <= LONGEST_LINE
        && !host.is_empty()
        && !rest.contains('@')
        && authority.port_u16().is_some_and(|port| port != 0)
}

pub(super) fn event_types(text: &str) -> bool {
    text.len() <= LONGEST_LIST
        && text
            .split(',')
            .map(str::trim)
            .all(|name| name.is_empty() || EVENTS.contains(&name))
}
