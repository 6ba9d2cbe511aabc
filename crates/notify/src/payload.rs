//! What targets are sent: Harbor's payload, CloudEvents 1.0, or Slack's blocks.
//!
//! Invariant: names and texts of users go through the JSON writer, never into a template.

use berth_model::{ArtifactEvent, ArtifactOutcome, Event, EventKind, Happening, ReplicationEnd};
use serde_json::{Map, Value, json};

use crate::policies::Format;

/// Longest text of one block of Slack, characters; Slack refuses 3000.
const BLOCK: usize = 2_800;

/// What is known of where an event happened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) project_name: String,
    pub(crate) public: bool,
    /// When the repository was made, Unix seconds; 0 when it is gone.
    pub(crate) repository_made: i64,
    /// What clients put before a repository's name; may be empty.
    pub(crate) host: String,
}

/// A body and its media type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Body {
    pub(crate) text: String,
    pub(crate) media_type: &'static str,
}

/// The body for a target of a policy; `id` tells it from all others.
pub(crate) fn body(event: &Event, place: &Place, format: Format, policy: i64, id: &str) -> Body {
    let data = data(event, place);
    match format {
        Format::Default => Body {
            text: default(event, data).to_string(),
            media_type: "application/json",
        },
        Format::CloudEvents => Body {
            text: cloud_event(event, data, policy, id).to_string(),
            media_type: "application/cloudevents+json",
        },
        Format::Slack => Body {
            text: slack(event, &data).to_string(),
            media_type: "application/json",
        },
    }
}

fn default(event: &Event, data: Value) -> Value {
    json!({
        "type": event.what.kind().as_str(),
        "occur_at": event.at.seconds(),
        "operator": event.operator,
        "event_data": data,
    })
}

fn cloud_event(event: &Event, data: Value, policy: i64, id: &str) -> Value {
    json!({
        "specversion": "1.0",
        "id": id,
        "requestid": id,
        "source": format!("/projects/{}/webhook/policies/{policy}", event.project),
        "type": cloud_type(event.what.kind()),
        "datacontenttype": "application/json",
        "time": event.at.to_rfc3339(),
        "operator": event.operator,
        "data": data,
    })
}

const fn cloud_type(kind: EventKind) -> &'static str {
    match kind {
        EventKind::PushArtifact => "harbor.artifact.pushed",
        EventKind::PullArtifact => "harbor.artifact.pulled",
        EventKind::DeleteArtifact => "harbor.artifact.deleted",
        EventKind::QuotaExceed => "harbor.quota.exceeded",
        EventKind::QuotaWarning => "harbor.quota.warned",
        EventKind::ScanningFailed => "harbor.scan.failed",
        EventKind::ScanningStopped => "harbor.scan.stopped",
        EventKind::ScanningCompleted => "harbor.scan.completed",
        EventKind::Replication => "harbor.replication.status.changed",
        EventKind::TagRetention => "harbor.tag_retention.finished",
    }
}

fn slack(event: &Event, data: &Value) -> Value {
    let at = event.at.seconds();
    let pretty = serde_json::to_string_pretty(data).unwrap_or_default();
    // Slack's own marks are escaped first, so that the cut cannot leave half of one open.
    let pretty: String = escape(&pretty).chars().take(BLOCK).collect();
    let lines = [
        "*Berth webhook events*".to_owned(),
        format!("*event_type:* {}", event.what.kind().as_str()),
        format!(
            "*occur_at:* <!date^{at}^{{date}} at {{time}}|{}>",
            event.at.to_rfc3339()
        ),
        format!("*operator:* {}", escape(&event.operator)),
        "*event_data:*".to_owned(),
        format!("```{pretty}```"),
    ];
    let blocks = lines
        .into_iter()
        .map(|text| json!({"type": "section", "text": {"type": "mrkdwn", "text": text}}));
    json!({"blocks": blocks.collect::<Vec<_>>()})
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Harbor's `event_data`.
fn data(event: &Event, place: &Place) -> Value {
    let mut data = Map::new();
    match &event.what {
        Happening::PushArtifact(artifact)
        | Happening::PullArtifact(artifact)
        | Happening::DeleteArtifact(artifact) => about(&mut data, artifact, place),
        Happening::QuotaExceed(quota) | Happening::QuotaWarning(quota) => {
            if !quota.digest.is_empty() {
                let resource = json!({"digest": quota.digest, "tag": ""});
                data.insert("resources".to_owned(), json!([resource]));
            }
            if !quota.repository.is_empty() {
                data.insert(
                    "repository".to_owned(),
                    repository(&quota.repository, place),
                );
            }
            data.insert(
                "custom_attributes".to_owned(),
                json!({"Details": quota.details}),
            );
        }
        Happening::ScanningFailed(scan)
        | Happening::ScanningStopped(scan)
        | Happening::ScanningCompleted(scan) => {
            about(&mut data, &scan.artifact, place);
            let overview: Option<Value> = serde_json::from_str(&scan.overview).ok();
            if let (Some(overview), Some(resources)) = (overview, data.get_mut("resources")) {
                let field = if scan.scan_type == "sbom" {
                    "sbom_overview"
                } else {
                    "scan_overview"
                };
                for resource in resources.as_array_mut().into_iter().flatten() {
                    resource[field] = overview.clone();
                }
            }
            data.insert("scan".to_owned(), json!({"scan_type": scan.scan_type}));
        }
        Happening::Replication(replication) => {
            let of = |wanted: bool| {
                let found = replication.artifacts.iter();
                let found = found.filter(|artifact| artifact.reason.is_empty() == wanted);
                found.map(outcome).collect::<Vec<_>>()
            };
            let told = json!({
                "harbor_hostname": place.host,
                "job_status": replication.status,
                "artifact_type": "image",
                "authentication_type": "basic",
                "override_mode": replication.overwrites,
                "trigger_type": replication.trigger,
                "policy_creator": replication.policy_creator,
                "execution_timestamp": event.at.seconds(),
                "src_resource": end(&replication.source),
                "dest_resource": end(&replication.destination),
                "successful_artifact": of(true),
                "failed_artifact": of(false),
            });
            data.insert("replication".to_owned(), told);
        }
        Happening::TagRetention(retention) => {
            let told = json!({
                "total": retention.total,
                "retained": retention.retained,
                "harbor_hostname": place.host,
                "project_name": place.project_name,
                "retention_policy_id": retention.policy_id,
                "result": retention.result,
                "deleted_artifact": retention.deleted.iter().map(outcome).collect::<Vec<_>>(),
            });
            data.insert("retention".to_owned(), told);
        }
    }
    Value::Object(data)
}

fn about(data: &mut Map<String, Value>, artifact: &ArtifactEvent, place: &Place) {
    let name = &artifact.repository;
    let host = match place.host.as_str() {
        "" => String::new(),
        host => format!("{host}/"),
    };
    let resources: Vec<Value> = if artifact.tags.is_empty() {
        // As Harbor has it: without a tag the digest stands in its place.
        vec![json!({
            "digest": artifact.digest,
            "tag": artifact.digest,
            "resource_url": format!("{host}{name}@{}", artifact.digest),
        })]
    } else {
        let resources = artifact.tags.iter().map(|tag| {
            json!({
                "digest": artifact.digest,
                "tag": tag,
                "resource_url": format!("{host}{name}:{tag}"),
            })
        });
        resources.collect()
    };
    data.insert("resources".to_owned(), Value::Array(resources));
    data.insert("repository".to_owned(), repository(name, place));
}

fn repository(name: &str, place: &Place) -> Value {
    let (namespace, rest) = name.split_once('/').unwrap_or((&place.project_name, name));
    let mut told = Map::new();
    if place.repository_made > 0 {
        told.insert("date_created".to_owned(), place.repository_made.into());
    }
    told.insert("name".to_owned(), rest.into());
    told.insert("namespace".to_owned(), namespace.into());
    told.insert("repo_full_name".to_owned(), name.into());
    let kind = if place.public { "public" } else { "private" };
    told.insert("repo_type".to_owned(), kind.into());
    Value::Object(told)
}

fn outcome(artifact: &ArtifactOutcome) -> Value {
    let mut told = json!({
        "type": artifact.kind,
        "status": artifact.status,
        "name_tag": artifact.name,
    });
    if !artifact.reason.is_empty() {
        told["fail_reason"] = artifact.reason.clone().into();
    }
    told
}

fn end(end: &ReplicationEnd) -> Value {
    json!({
        "registry_name": end.registry_name,
        "registry_type": end.registry_type,
        "endpoint": end.endpoint,
        "namespace": end.namespace,
    })
}

#[cfg(test)]
mod every_kind;

#[cfg(test)]
mod tests {
    use berth_model::{ProjectId, QuotaEvent, Timestamp};

    use super::*;

    fn event(what: Happening) -> Event {
        Event {
            project: ProjectId(7),
            at: Timestamp::from_seconds(1_700_000_000),
            operator: "alice".to_owned(),
            what,
        }
    }

    fn place() -> Place {
        Place {
            project_name: "team".to_owned(),
            public: false,
            repository_made: 1_600_000_000,
            host: "registry.example".to_owned(),
        }
    }

    fn pushed(tags: &[&str]) -> Happening {
        Happening::PushArtifact(ArtifactEvent {
            repository: "team/a/b".to_owned(),
            digest: "sha256:1".to_owned(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        })
    }

    fn read(event: &Event, format: Format) -> (Value, &'static str) {
        let body = body(event, &place(), format, 3, "an-id");
        (serde_json::from_str(&body.text).unwrap(), body.media_type)
    }

    #[test]
    fn the_default_payload_has_harbors_shape() {
        let (body, media_type) = read(&event(pushed(&["v1"])), Format::Default);
        assert_eq!(media_type, "application/json");
        let expected = json!({
            "type": "PUSH_ARTIFACT",
            "occur_at": 1_700_000_000,
            "operator": "alice",
            "event_data": {
                "resources": [{
                    "digest": "sha256:1",
                    "tag": "v1",
                    "resource_url": "registry.example/team/a/b:v1",
                }],
                "repository": {
                    "date_created": 1_600_000_000,
                    "name": "a/b",
                    "namespace": "team",
                    "repo_full_name": "team/a/b",
                    "repo_type": "private",
                },
            },
        });
        assert_eq!(body, expected);
        let (untagged, _) = read(&event(pushed(&[])), Format::Default);
        let resource = &untagged["event_data"]["resources"][0];
        assert_eq!(resource["tag"], "sha256:1");
        assert_eq!(
            resource["resource_url"],
            "registry.example/team/a/b@sha256:1"
        );
    }

    #[test]
    fn cloud_events_have_their_attributes() {
        let (body, media_type) = read(&event(pushed(&["v1"])), Format::CloudEvents);
        assert_eq!(media_type, "application/cloudevents+json");
        for (field, value) in [
            ("specversion", "1.0"),
            ("id", "an-id"),
            ("source", "/projects/7/webhook/policies/3"),
            ("type", "harbor.artifact.pushed"),
            ("datacontenttype", "application/json"),
            ("time", "2023-11-14T22:13:20.000Z"),
            ("operator", "alice"),
        ] {
            assert_eq!(body[field], value, "{field}");
        }
        assert_eq!(body["data"]["resources"][0]["tag"], "v1");
    }

    #[test]
    fn slack_gets_blocks_whatever_names_hold() {
        let mut event = event(Happening::QuotaExceed(QuotaEvent {
            repository: "team/x".to_owned(),
            digest: String::new(),
            details: format!("\"quoted\" <!channel> & {}", "long ".repeat(2_000)),
        }));
        event.operator = "<@U1>\"\\".to_owned();
        let (body, _) = read(&event, Format::Slack);
        let blocks = body["blocks"].as_array().unwrap();
        assert_eq!(blocks.len(), 6);
        for block in blocks {
            let text = block["text"]["text"].as_str().unwrap();
            assert!(text.chars().count() < 3_000);
            assert!(
                !text.contains("<!channel>") && !text.contains("<@U1>"),
                "{text}"
            );
        }
        assert_eq!(blocks[3]["text"]["text"], "*operator:* &lt;@U1&gt;\"\\");
    }
}
