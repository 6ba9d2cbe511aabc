//! The table of keys against itself, its rules and its documentation.

use std::collections::HashSet;

use serde_json::json;

use super::*;

fn patch(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn every_default_fits_its_key_and_survives_its_own_json() {
    let settings = Settings::default();
    settings.check().unwrap();
    let names: HashSet<&str> = Settings::KEYS.iter().map(|key| key.name).collect();
    assert_eq!(names.len(), Settings::KEYS.len());
    let mut copy = Settings::default();
    for (key, value) in settings.to_json() {
        copy.set(&key, &value)
            .unwrap_or_else(|error| panic!("{error}"));
    }
    assert_eq!(copy.to_json(), settings.to_json());
}

#[test]
fn every_key_is_documented_once() {
    let text = include_str!("../../../../docs/configuration.md");
    for key in Settings::KEYS {
        let row = format!("| `{}` |", key.name);
        assert_eq!(
            text.matches(&row).count(),
            1,
            "{row} in docs/configuration.md"
        );
    }
}

#[test]
fn a_secret_is_never_shown() {
    let mut settings = Settings::default();
    for key in Settings::KEYS.iter().filter(|key| key.is_secret()) {
        settings.set(key.name, &json!("hunter2")).unwrap();
        assert!(!settings.to_json().contains_key(key.name));
    }
    assert!(!format!("{settings:?}").contains("hunter2"));
    assert_eq!(settings.ldap_search_password.expose(), "hunter2");
}

#[test]
fn unknown_keys_wrong_types_and_values_out_of_range_are_refused_by_name() {
    let mut settings = Settings::default();
    for (key, value) in [
        ("read_only", json!("true")),
        ("read_only", json!(1)),
        ("read_only", json!(null)),
        ("project_creation_restriction", json!("nobody")),
        ("auth_mode", json!("ldap_auth")),
        ("token_expiration", json!(0)),
        ("token_expiration", json!(1.5)),
        ("token_expiration", json!("30")),
        ("session_timeout", json!(-1)),
        ("ldap_scope", json!(3)),
        ("ldap_url", json!("x".repeat(1025))),
        ("ldap_url", json!("a\0b")),
        ("oidc_endpoint", json!("ftp://example.test")),
        ("oidc_endpoint", json!("https://me:pw@example.test")),
        ("oidc_extra_redirect_parms", json!("[]")),
        ("oidc_extra_redirect_parms", json!("{\"a\":1}")),
        ("oidc_client_secret", json!("x".repeat(4097))),
        ("oidc_client_secret", json!(7)),
        ("robot_name_prefix", json!("")),
        ("robot_name_prefix", json!("ro bot")),
        ("storage_per_project", json!(-2)),
        ("storage_per_project", json!(MOST_STORAGE + 1)),
        ("scan_all_policy", json!("none")),
        ("scan_all_policy", json!({"type": "hourly"})),
        (
            "scan_all_policy",
            json!({"type": "daily", "parameter": {"daily_time": 86400}}),
        ),
        ("banner_message", json!("hello")),
        ("banner_message", json!("{\"type\":\"info\"}")),
        (
            "banner_message",
            json!("{\"message\":\"a\",\"type\":\"loud\"}"),
        ),
        (
            "banner_message",
            json!("{\"message\":\"a\",\"html\":\"<b>\"}"),
        ),
        (
            "banner_message",
            json!(format!("{{\"message\":\"{}\"}}", "x".repeat(8192))),
        ),
        ("audit_log_forward_endpoint", json!("example.test")),
        (
            "audit_log_forward_endpoint",
            json!("http://example.test:514"),
        ),
        ("audit_log_forward_endpoint", json!("me@example.test:514")),
        (
            "disabled_audit_log_event_types",
            json!("pull_artifact,eat_artifact"),
        ),
        ("no_such_key", json!(true)),
    ] {
        let error = settings.set(key, &value).unwrap_err();
        assert!(error.to_string().contains(key), "{error}");
    }
    assert_eq!(settings.to_json(), Settings::default().to_json());
}

#[test]
fn good_values_are_taken() {
    let banner = json!({
        "message": "down at noon", "type": "warning", "closable": true,
        "fromDate": "2026-01-01", "toDate": null,
    });
    let next = Settings::default()
        .patched(&patch(json!({
            "banner_message": banner.to_string(),
            "oidc_endpoint": "https://login.example.test/realms/main",
            "oidc_extra_redirect_parms": "{\"prompt\":\"login\"}",
            "scan_all_policy": {"type": "daily", "parameter": {"daily_time": 7200}},
            "storage_per_project": 1,
            "robot_name_prefix": "bot+",
            "disabled_audit_log_event_types": "pull_artifact, create_artifact",
            "audit_log_forward_endpoint": "tls://[::1]:6514",
            "skip_audit_log_database": true,
        })))
        .unwrap();
    assert_eq!(next.robot_name_prefix, "bot+");
    assert!(next.skip_audit_log_database);
}

#[test]
fn settings_must_go_together() {
    let alone = patch(json!({"skip_audit_log_database": true}));
    assert!(Settings::default().patched(&alone).is_err());
    let zero = patch(json!({"storage_per_project": 0}));
    assert!(Settings::default().patched(&zero).is_err());
}

#[test]
fn a_row_of_another_version_does_not_stop_the_start() {
    let row = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let rows = vec![
        row("from_the_future", "1"),
        row("read_only", "true"),
        row("banner_message", "not json"),
        row("oidc_client_secret", "\"not sealed\""),
    ];
    let settings = Settings::default().with_rows(rows, None);
    assert!(settings.read_only);
    assert!(settings.banner_message.is_empty());
    assert!(settings.oidc_client_secret.expose().is_empty());
}
