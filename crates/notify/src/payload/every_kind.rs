//! Every kind of event in every format, held against the fields that receivers read. A kind that
//! is added does not compile here until it is listed.

use berth_model::{
    ArtifactEvent, ArtifactOutcome, Event, EventKind, Happening, ProjectId, QuotaEvent,
    ReplicationEnd, ReplicationEvent, RetentionEvent, ScanEvent, Timestamp,
};
use serde_json::{Value, json};

use super::{Place, body};
use crate::policies::Format;

fn artifact() -> ArtifactEvent {
    ArtifactEvent {
        repository: "team/app".to_owned(),
        digest: "sha256:1".to_owned(),
        tags: vec!["v1".to_owned()],
    }
}

fn quota() -> QuotaEvent {
    QuotaEvent {
        repository: "team/app".to_owned(),
        digest: "sha256:1".to_owned(),
        details: "used up".to_owned(),
    }
}

fn scan(scan_type: &str) -> ScanEvent {
    ScanEvent {
        artifact: artifact(),
        scan_type: scan_type.to_owned(),
        overview: json!({"severity": "High"}).to_string(),
    }
}

fn outcome(reason: &str) -> ArtifactOutcome {
    ArtifactOutcome {
        kind: "image".to_owned(),
        status: "Success".to_owned(),
        name: "app:v1".to_owned(),
        reason: reason.to_owned(),
    }
}

fn replication() -> ReplicationEvent {
    ReplicationEvent {
        status: "Success".to_owned(),
        trigger: "MANUAL".to_owned(),
        policy_creator: "alice".to_owned(),
        overwrites: true,
        source: ReplicationEnd {
            registry_name: "here".to_owned(),
            registry_type: "harbor".to_owned(),
            endpoint: "https://registry.example".to_owned(),
            namespace: "team".to_owned(),
        },
        destination: ReplicationEnd::default(),
        artifacts: vec![outcome(""), outcome("no room")],
    }
}

fn retention() -> RetentionEvent {
    RetentionEvent {
        repository: "team/app".to_owned(),
        policy_id: 4,
        result: "SUCCESS".to_owned(),
        total: 10,
        retained: 9,
        deleted: vec![outcome("")],
    }
}

fn happening(kind: EventKind) -> Happening {
    match kind {
        EventKind::PushArtifact => Happening::PushArtifact(artifact()),
        EventKind::PullArtifact => Happening::PullArtifact(artifact()),
        EventKind::DeleteArtifact => Happening::DeleteArtifact(artifact()),
        EventKind::QuotaExceed => Happening::QuotaExceed(quota()),
        EventKind::QuotaWarning => Happening::QuotaWarning(quota()),
        EventKind::ScanningFailed => Happening::ScanningFailed(scan("vulnerability")),
        EventKind::ScanningStopped => Happening::ScanningStopped(scan("vulnerability")),
        EventKind::ScanningCompleted => Happening::ScanningCompleted(scan("vulnerability")),
        EventKind::Replication => Happening::Replication(replication()),
        EventKind::TagRetention => Happening::TagRetention(retention()),
    }
}

/// What a receiver reads, and what it finds: the data's paths and values.
fn expected(kind: EventKind) -> (&'static str, Vec<(&'static str, Value)>) {
    let artifact = || {
        vec![
            ("/resources/0/digest", json!("sha256:1")),
            ("/resources/0/tag", json!("v1")),
            (
                "/resources/0/resource_url",
                json!("registry.example/team/app:v1"),
            ),
            ("/repository/name", json!("app")),
            ("/repository/namespace", json!("team")),
            ("/repository/repo_full_name", json!("team/app")),
            ("/repository/repo_type", json!("public")),
            ("/repository/date_created", json!(1_600_000_000)),
        ]
    };
    let quota = || {
        vec![
            ("/resources/0/digest", json!("sha256:1")),
            ("/repository/repo_full_name", json!("team/app")),
            ("/custom_attributes/Details", json!("used up")),
        ]
    };
    let scan = || {
        let mut fields = artifact();
        let overview = json!("High");
        fields.push(("/resources/0/scan_overview/severity", overview));
        fields.push(("/scan/scan_type", json!("vulnerability")));
        fields
    };
    match kind {
        EventKind::PushArtifact => ("harbor.artifact.pushed", artifact()),
        EventKind::PullArtifact => ("harbor.artifact.pulled", artifact()),
        EventKind::DeleteArtifact => ("harbor.artifact.deleted", artifact()),
        EventKind::QuotaExceed => ("harbor.quota.exceeded", quota()),
        EventKind::QuotaWarning => ("harbor.quota.warned", quota()),
        EventKind::ScanningFailed => ("harbor.scan.failed", scan()),
        EventKind::ScanningStopped => ("harbor.scan.stopped", scan()),
        EventKind::ScanningCompleted => ("harbor.scan.completed", scan()),
        EventKind::Replication => (
            "harbor.replication.status.changed",
            vec![
                ("/replication/job_status", json!("Success")),
                ("/replication/harbor_hostname", json!("registry.example")),
                ("/replication/trigger_type", json!("MANUAL")),
                ("/replication/policy_creator", json!("alice")),
                ("/replication/override_mode", json!(true)),
                ("/replication/src_resource/namespace", json!("team")),
                (
                    "/replication/successful_artifact/0/name_tag",
                    json!("app:v1"),
                ),
                (
                    "/replication/failed_artifact/0/fail_reason",
                    json!("no room"),
                ),
            ],
        ),
        EventKind::TagRetention => (
            "harbor.tag_retention.finished",
            vec![
                ("/retention/total", json!(10)),
                ("/retention/retained", json!(9)),
                ("/retention/project_name", json!("team")),
                ("/retention/retention_policy_id", json!(4)),
                ("/retention/result", json!("SUCCESS")),
                ("/retention/deleted_artifact/0/name_tag", json!("app:v1")),
            ],
        ),
    }
}

fn told(kind: EventKind, format: Format) -> Value {
    let event = Event {
        project: ProjectId(7),
        at: Timestamp::from_seconds(1_700_000_000),
        operator: "alice".to_owned(),
        what: happening(kind),
    };
    let place = Place {
        project_name: "team".to_owned(),
        public: true,
        repository_made: 1_600_000_000,
        host: "registry.example".to_owned(),
    };
    let body = body(&event, &place, format, 3, "an-id");
    serde_json::from_str(&body.text).unwrap()
}

#[test]
fn every_kind_tells_what_receivers_read() {
    for kind in EventKind::ALL {
        let (cloud_type, fields) = expected(kind);
        let plain = told(kind, Format::Default);
        assert_eq!(plain["type"], kind.as_str());
        assert_eq!(plain["occur_at"], 1_700_000_000);
        assert_eq!(plain["operator"], "alice");
        let cloud = told(kind, Format::CloudEvents);
        assert_eq!(cloud["type"], cloud_type);
        assert_eq!(cloud["specversion"], "1.0");
        assert_eq!(cloud["source"], "/projects/7/webhook/policies/3");
        for (path, value) in fields {
            for data in [&plain["event_data"], &cloud["data"]] {
                assert_eq!(
                    data.pointer(path),
                    Some(&value),
                    "{}: {path}",
                    kind.as_str()
                );
            }
        }
        let slack = told(kind, Format::Slack);
        let second = slack["blocks"][1]["text"]["text"].as_str().unwrap();
        assert!(second.ends_with(kind.as_str()), "{second}");
        assert_eq!(slack["blocks"].as_array().unwrap().len(), 6);
    }
}
