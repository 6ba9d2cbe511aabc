//! An audit line as RFC 5424 writes it.
//!
//! Invariant: whatever names and texts of users hold, the message is one line, its structured data
//! has the fields written here and no others, and its length is bounded.

use std::fmt::Write;

use berth_iam::Entry;

/// Facility 13, log audit; severity 6, informational, and 4, warning, for what was refused.
const DONE: u8 = 13 * 8 + 6;
const REFUSED: u8 = 13 * 8 + 4;
/// The element's name. 32473 is the number that RFC 5612 keeps for those without one of their own.
const ELEMENT: &str = "berth@32473";
/// Longest value of a field, characters.
const LONGEST: usize = 1024;
/// Longest host name and longest message id, as RFC 5424 bounds them.
const HOST: usize = 255;
const MESSAGE_ID: usize = 32;

/// The message of a line that happened so many times.
pub(super) fn message(entry: &Entry, times: i64, host: &str) -> String {
    let priority = if entry.failed { REFUSED } else { DONE };
    let mut text = format!(
        "<{priority}>1 {} {} berth {} {} [{ELEMENT}",
        entry.at.to_rfc3339(),
        word(host, HOST),
        std::process::id(),
        word(&entry.event(), MESSAGE_ID),
    );
    let result = if entry.failed { "failure" } else { "success" };
    let project = entry.project_id.map(|id| id.to_string());
    let times = times.to_string();
    for (name, value) in [
        ("operation", entry.operation.as_str()),
        ("resource_type", &entry.resource_type),
        ("resource", &entry.resource),
        ("operator", &entry.username),
        ("address", &entry.address),
        ("result", result),
        ("project_id", project.as_deref().unwrap_or_default()),
        ("repository", &entry.repository),
        ("tag", &entry.tag),
        ("digest", &entry.digest),
        ("times", &times),
    ] {
        if !value.is_empty() {
            let _ = write!(text, " {name}=\"{}\"", escaped(value));
        }
    }
    let who = match entry.username.as_str() {
        "" => "anonymous",
        name => name,
    };
    let said = match entry.description.as_str() {
        "" => String::new(),
        said => format!(": {said}"),
    };
    let words = format!(
        "{who} {} {} {}{said} ({result})",
        entry.operation, entry.resource_type, entry.resource
    );
    let _ = write!(text, "] {}", on_one_line(&words));
    text
}

/// A field of the header: printable ASCII without spaces.
fn word(text: &str, longest: usize) -> String {
    let printable = |c: char| if c.is_ascii_graphic() { c } else { '_' };
    let word: String = text.chars().take(longest).map(printable).collect();
    if word.is_empty() {
        "-".to_owned()
    } else {
        word
    }
}

/// A value of structured data.
fn escaped(value: &str) -> String {
    let cut: String = value.chars().take(LONGEST).collect();
    let mut text = String::with_capacity(cut.len());
    for c in on_one_line(&cut).chars() {
        if matches!(c, '"' | '\\' | ']') {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

/// Control characters and line separators as `#` and three octal digits, or as a space.
fn on_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{2028}' | '\u{2029}' => line.push(' '),
            c if c.is_control() => {
                let _ = write!(line, "#{:03o}", c as u32);
            }
            c => line.push(c),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use berth_model::{ProjectId, Timestamp};

    use super::*;

    fn entry() -> Entry {
        Entry {
            at: Timestamp::from_micros(1_700_000_000_123_456),
            username: "alice".to_owned(),
            address: "192.0.2.7".to_owned(),
            operation: "delete".to_owned(),
            resource_type: "artifact".to_owned(),
            resource: "team/app:v1".to_owned(),
            project_id: Some(ProjectId(7)),
            ..Entry::default()
        }
    }

    #[test]
    fn a_line_has_its_header_its_fields_and_its_words() {
        let pid = std::process::id();
        assert_eq!(
            message(&entry(), 2, "registry.example"),
            format!(
                "<110>1 2023-11-14T22:13:20.123Z registry.example berth {pid} delete_artifact \
                 [berth@32473 operation=\"delete\" resource_type=\"artifact\" \
                 resource=\"team/app:v1\" operator=\"alice\" address=\"192.0.2.7\" \
                 result=\"success\" project_id=\"7\" times=\"2\"] \
                 alice delete artifact team/app:v1 (success)"
            )
        );
        let refused = message(&entry().refused(), 1, "");
        assert!(refused.starts_with("<108>1 "), "{refused}");
        assert!(refused.contains("Z - berth "), "{refused}");
    }

    #[test]
    fn nothing_that_users_write_ends_a_field_or_a_line() {
        let mut hostile = entry();
        hostile.resource = "a\"] [x y=\"1\n<110>1 - forged\\".to_owned();
        hostile.username = "eve\r\n\u{0}\u{85}\u{2028}x".to_owned();
        hostile.operation = "two words\n".to_owned();
        hostile.description = "said\n<110>1 forged".to_owned();
        let told = message(&hostile, 1, "a host\n");
        assert!(!told.chars().any(char::is_control), "{told:?}");
        assert!(
            told.contains(r#"resource="a\"\] [x y=\"1#012<110>1 - forged\\""#),
            "{told}"
        );
        assert!(
            told.contains("operator=\"eve#015#012#000#205 x\""),
            "{told}"
        );
        assert!(told.contains(" a_host_ berth "), "{told}");
    }

    #[test]
    fn a_message_is_bounded() {
        let long = "\u{0}".repeat(100_000);
        let told = message(
            &Entry {
                resource: long.clone(),
                repository: long.clone(),
                tag: long,
                ..entry()
            },
            1,
            "h",
        );
        assert!(told.len() < 16 * 1024 + 400_400, "{}", told.len());
        assert!(escaped(&"\u{0}".repeat(100_000)).len() == 4 * LONGEST);
    }
}
