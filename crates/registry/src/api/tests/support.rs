//! A registry with projects and users, pushes into it, and calls of its routes.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use berth_blob::{BlobStore, StoreOptions};
use berth_catalog::{Catalog, NewEntity, NewMember, NewProject};
use berth_crypto::KeyFile;
use berth_db::{Db, args};
use berth_http::{ApiError, BodyError};
use berth_iam::{Access, Actor, Caller, HashCost, Iam, IamOptions, User, require};
use berth_model::{Clock, ProjectId, Role, Timestamp, UserId};
use berth_oci::{Algorithm, Digest, Reference, RepositoryName};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::manifests::Push;
use crate::uploads::Chunk;
use crate::{Pusher, Registry, RegistryOptions};

pub(super) const GRACE: Duration = Duration::from_hours(2);

pub(super) struct World {
    pub(super) db: Db,
    pub(super) registry: Registry,
    pub(super) clock: Clock,
    pub(super) app: Router,
    project: ProjectId,
    _folder: tempfile::TempDir,
}

/// An answer of the API.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) json: Value,
}

impl Answer {
    pub(super) fn total(&self) -> &str {
        self.headers["x-total-count"].to_str().unwrap()
    }

    /// The value of `key` in each element of a list.
    pub(super) fn each(&self, key: &str) -> Vec<String> {
        let all = self
            .json
            .as_array()
            .unwrap_or_else(|| panic!("not a list: {}", self.json));
        all.iter()
            .map(|one| {
                one[key]
                    .as_str()
                    .map_or_else(|| one[key].to_string(), str::to_owned)
            })
            .collect()
    }

    pub(super) fn code(&self) -> &str {
        self.json["errors"][0]["code"].as_str().unwrap_or_default()
    }
}

async fn account(db: &Db, name: &'static str, sysadmin: bool) -> Caller {
    let row: Result<(i64,), berth_db::DbError> = db
        .write(move |tx| {
            Box::pin(async move {
                tx.one(
                    "INSERT INTO user_account (username, password_changed_at, sysadmin, \
                     created_at, updated_at) VALUES ($1, 0, $2, 0, 0) RETURNING id",
                    args![name, sysadmin],
                )
                .await
            })
        })
        .await;
    let user = User {
        id: UserId(row.unwrap().0),
        name: name.to_owned(),
        sysadmin,
    };
    Caller::new(Actor::User(Arc::new(user)), IpAddr::V4(Ipv4Addr::LOCALHOST))
}

fn anonymous() -> Caller {
    Caller::new(Actor::Anonymous, IpAddr::V4(Ipv4Addr::LOCALHOST))
}

/// The users alice, who administers the private projects `p` and the public `open`, guest, who may
/// read `p`, and bob, who administers `other`; and admin.
pub(super) async fn world(db: Db) -> World {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::manual(Timestamp::parse("2026-03-04T05:06:07").unwrap());
    let blobs = BlobStore::open(folder.path().join("store"), StoreOptions::default()).await;
    let key = KeyFile::load_or_create(folder.path().join("key")).unwrap();
    let hash_cost = HashCost {
        memory_kib: 8,
        passes: 1,
        lanes: 1,
    };
    let iam = Iam::open(
        db.clone(),
        clock.clone(),
        &key,
        IamOptions {
            hash_cost,
            ..IamOptions::default()
        },
    )
    .await
    .unwrap();
    let catalog = Catalog::open(db.clone(), clock.clone()).await.unwrap();
    let callers = [
        ("admin", account(&db, "admin", true).await),
        ("alice", account(&db, "alice", false).await),
        ("bob", account(&db, "bob", false).await),
        ("guest", account(&db, "guest", false).await),
    ];
    let mut project = ProjectId(0);
    for (owner, name, public) in [(2, "other", false), (1, "open", true), (1, "p", false)] {
        let new = NewProject {
            name: name.to_owned(),
            public,
            metadata: Vec::new(),
            storage_limit: None,
            allowlist: None,
        };
        project = catalog
            .create_project(&callers[owner].1, new)
            .await
            .unwrap();
    }
    let facts = catalog
        .project_facts_by_id(&callers[1].1.actor, project)
        .await
        .unwrap()
        .unwrap();
    let guest = NewMember {
        entity: NewEntity::User {
            id: None,
            name: "guest".to_owned(),
        },
        role: Role::Guest.id(),
    };
    catalog
        .create_member(&callers[1].1, &facts, guest)
        .await
        .unwrap();
    let options = RegistryOptions {
        grace: GRACE,
        token_lifetime: Duration::from_mins(30),
        sparse_manifests: false,
        external_url: None,
        internal_url: None,
    };
    let registry = Registry::new(
        db.clone(),
        blobs.unwrap(),
        catalog.clone(),
        iam,
        clock.clone(),
        options,
    );
    let app = gated(&registry, &catalog, &callers);
    World {
        db,
        registry,
        clock,
        app,
        project,
        _folder: folder,
    }
}

/// Every endpoint behind what the server puts before it, the user being named by a header.
fn gated(registry: &Registry, catalog: &Catalog, callers: &[(&'static str, Caller)]) -> Router {
    let callers: Arc<[(&'static str, Caller)]> = callers.to_vec().into();
    let mut app = Router::new();
    for endpoint in crate::endpoints(registry.clone()) {
        let (catalog, callers, access) = (catalog.clone(), callers.clone(), endpoint.access);
        let gate = from_fn(move |request: Request, next: Next| {
            let (catalog, callers) = (catalog.clone(), callers.clone());
            async move {
                match admit(&catalog, &callers, access, request).await {
                    Ok(request) => next.run(request).await,
                    Err(error) => error.into_response(),
                }
            }
        });
        app = app.route(endpoint.path, endpoint.handler.layer(gate));
    }
    // A route of another crate that calls the same part of the path otherwise.
    app.route(
        "/api/v2.0/projects/{project_name_or_id}/summary",
        axum::routing::get(|| async {}),
    )
}

async fn admit(
    catalog: &Catalog,
    callers: &[(&'static str, Caller)],
    access: Access,
    request: Request,
) -> Result<Request, ApiError> {
    let (mut parts, body) = request.into_parts();
    let user = parts.headers.get("user").map(|user| user.to_str().unwrap());
    let caller = callers.iter().find(|(name, _)| Some(*name) == user);
    let caller = caller.map_or_else(anonymous, |(_, caller)| caller.clone());
    if let Access::Project(permission) = access {
        let params = RawPathParams::from_request_parts(&mut parts, &())
            .await
            .unwrap();
        let (name, value) = params
            .iter()
            .find(|(name, _)| name.starts_with("project_name"))
            .unwrap();
        let by_name = name == "project_name";
        let facts = catalog.resolve(&caller.actor, value, by_name).await?;
        let facts = facts.ok_or_else(|| ApiError::forbidden("no such project"))?;
        require(&caller.actor, &facts, permission)?;
        parts.extensions.insert(facts);
    }
    parts.extensions.insert(caller);
    Ok(Request::from_parts(parts, body))
}

/// The path of a repository of `p`, its name encoded as given.
pub(super) fn repository(name: &str) -> String {
    format!("/api/v2.0/projects/p/repositories/{name}")
}

pub(super) fn digest_of(bytes: &[u8]) -> Digest {
    Digest::of(Algorithm::Sha256, bytes)
}

/// How a manifest describes another one or a blob.
pub(super) fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({
        "mediaType": media_type,
        "digest": digest_of(bytes).as_str(),
        "size": bytes.len(),
    })
}

pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

impl World {
    pub(super) async fn call(
        &self,
        user: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("user", user)
            .header("content-type", "application/json")
            .body(body.map_or_else(axum::body::Body::empty, |body| body.to_string().into()))
            .unwrap();
        let response: Response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            json,
        }
    }

    /// A call that answers 200.
    pub(super) async fn get(&self, path: &str) -> Answer {
        let answer = self.call("alice", Method::GET, path, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.json);
        answer
    }

    pub(super) async fn status(&self, user: &str, method: Method, path: &str) -> u16 {
        self.call(user, method, path, None).await.status
    }

    async fn pusher(&self, name: &RepositoryName) -> Pusher {
        let facts = self
            .registry
            .inner
            .catalog
            .project_facts(&Actor::Anonymous, name.project());
        Pusher {
            name: "alice".to_owned(),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            project: facts.await.unwrap().map_or(self.project, |facts| facts.id),
        }
    }

    pub(super) async fn push_blob(&self, repository: &str, bytes: &[u8]) {
        let name = RepositoryName::parse(repository).unwrap();
        let body = http_body_util::Full::new(Bytes::copy_from_slice(bytes))
            .map_err(|never| -> BodyError { match never {} });
        let chunk = Chunk {
            range: None,
            length: Some(bytes.len() as u64),
            body: Box::pin(body),
        };
        let pusher = self.pusher(&name).await;
        self.registry
            .put_blob(&pusher, &name, &digest_of(bytes), chunk)
            .await
            .unwrap();
    }

    /// Pushes a manifest under a tag, or by digest where the tag is empty. Time passes.
    pub(super) async fn push(&self, repository: &str, tag: &str, manifest: &Value) -> Vec<u8> {
        let bytes = serde_json::to_vec(manifest).unwrap();
        let name = RepositoryName::parse(repository).unwrap();
        let reference = if tag.is_empty() {
            Reference::Digest(digest_of(&bytes))
        } else {
            Reference::parse(tag).unwrap()
        };
        let push = Push {
            payload: bytes.clone().into(),
            content_type: manifest["mediaType"].as_str().map(str::to_owned),
            reference,
            tags: Vec::new(),
        };
        let pusher = self.pusher(&name).await;
        self.registry
            .push_manifest(&pusher, &name, push)
            .await
            .unwrap();
        self.clock.advance(Duration::from_secs(1));
        bytes
    }

    /// Pushes an image of one layer that nothing else has.
    pub(super) async fn image(&self, repository: &str, tag: &str, what: &str) -> Vec<u8> {
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "created": "2026-01-02T03:04:05Z",
            "history": [{ "created_by": format!("RUN {what}") }],
        });
        let (config, layer) = (config.to_string(), format!("layer of {what}"));
        self.push_blob(repository, config.as_bytes()).await;
        self.push_blob(repository, layer.as_bytes()).await;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, config.as_bytes()),
            "layers": [descriptor(LAYER, layer.as_bytes())],
        });
        self.push(repository, tag, &manifest).await
    }

    /// Pushes an index of manifests.
    pub(super) async fn index(&self, repository: &str, tag: &str, of: &[&[u8]]) -> Vec<u8> {
        let entries: Vec<Value> = of
            .iter()
            .map(|bytes| {
                let mut entry = descriptor(MANIFEST, bytes);
                entry["platform"] = json!({ "architecture": "arm64", "os": "linux" });
                entry
            })
            .collect();
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries });
        self.push(repository, tag, &index).await
    }

    /// Pushes something about a manifest: by its subject, or only by the tag.
    pub(super) async fn attach(
        &self,
        repository: &str,
        tag: &str,
        to: Option<&[u8]>,
        what: &str,
    ) -> Vec<u8> {
        self.push_blob(repository, b"{}").await;
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": "application/vnd.example.note",
            "config": descriptor("application/vnd.oci.empty.v1+json", b"{}"),
            "layers": [descriptor("application/vnd.oci.empty.v1+json", b"{}")],
            "annotations": { "what": what },
        });
        if let Some(subject) = to {
            manifest["subject"] = descriptor(MANIFEST, subject);
        }
        self.push(repository, tag, &manifest).await
    }

    /// One number from the database.
    pub(super) async fn count(&self, sql: &'static str) -> i64 {
        let (count,): (i64,) = self.db.one(sql, args![]).await.unwrap();
        count
    }
}
