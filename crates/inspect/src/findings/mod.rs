//! What is in an image besides packages: secrets, doubtful files, bad practice.
//!
//! The invariant: no finding holds the secret it speaks of.

pub mod accounts;
pub mod eol;
pub mod files;
pub mod history;
pub mod practice;
mod rules;
pub mod secrets;

use serde::{Deserialize, Serialize};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Little harm.
    Low,
    /// Some harm.
    Medium,
    /// Much harm.
    High,
    /// Act at once.
    Critical,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// The file; empty for what is in the image's configuration.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The line in the file, or the entry of the history, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The id of the rule; it stays the same from version to version.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// What was found, in a few words.
    pub title: String,
    /// Where it stands, with the secret struck out, or what to do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}
