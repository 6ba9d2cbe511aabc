//! The server's API: only what tests of other things need, and requests by hand for the rest.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::Image;
use crate::content::digest;
use crate::image::{INDEX, MANIFEST, MultiArch};

/// A user who can log in.
#[derive(Clone, Debug)]
pub struct Login {
    /// The user's id.
    pub id: i64,
    /// The name.
    pub name: String,
    /// The password.
    pub password: String,
}

impl Login {
    /// The value of `Authorization` for Basic.
    pub fn basic(&self) -> String {
        let pair = format!("{}:{}", self.name, self.password);
        format!("Basic {}", STANDARD.encode(pair))
    }
}

/// A role of a project's member, by Harbor's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "Harbor's names")]
pub enum Role {
    ProjectAdmin = 1,
    Developer = 2,
    Guest = 3,
    Maintainer = 4,
    LimitedGuest = 5,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Reply {
    /// What was asked, for messages.
    pub line: String,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// Demands a status.
    #[track_caller]
    #[must_use = "the status was checked; say so with `let _` if nothing else matters"]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(
            self.status,
            status,
            "{} answered {:?}",
            self.line,
            String::from_utf8_lossy(&self.body)
        );
        self
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!(
                "{} answered no JSON: {error}: {:?}",
                self.line,
                String::from_utf8_lossy(&self.body)
            )
        })
    }

    /// A header that has to be there.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let Some(value) = self.headers.get(name) else {
            panic!("{} answered without {name}: {:?}", self.line, self.headers)
        };
        value.to_str().unwrap()
    }

    /// The id at the end of `Location`.
    #[track_caller]
    pub fn id(&self) -> i64 {
        let location = self.header("location");
        location.rsplit('/').next().unwrap().parse().unwrap()
    }
}

/// Speaks to one server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Api {
    http: reqwest::Client,
    base: String,
}

impl Api {
    /// Speaks to the server at `base`.
    pub fn new(base: &str) -> Self {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self {
            http,
            base: base.to_owned(),
        }
    }

    /// A request to add to; `path` begins with `/`, or is an absolute URL that the server gave.
    pub fn request(&self, method: Method, path: &str, who: Option<&Login>) -> RequestBuilder {
        let url = if path.starts_with('/') {
            format!("{}{path}", self.base)
        } else {
            path.to_owned()
        };
        let request = self.http.request(method, url);
        match who {
            Some(login) => request.header("authorization", login.basic()),
            None => request,
        }
    }

    /// Sends a request and reads the answer; an error if the connection breaks.
    pub async fn try_send(&self, request: RequestBuilder) -> Result<Reply, reqwest::Error> {
        let request = request.build()?;
        let line = format!("{} {}", request.method(), request.url());
        let answer = self.http.execute(request).await?;
        Ok(Reply {
            line,
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.bytes().await?,
        })
    }

    /// Sends a request and reads the answer.
    pub async fn send(&self, request: RequestBuilder) -> Reply {
        self.try_send(request).await.unwrap()
    }

    /// GET.
    pub async fn get(&self, path: &str, who: Option<&Login>) -> Reply {
        self.send(self.request(Method::GET, path, who)).await
    }

    /// HEAD.
    pub async fn head(&self, path: &str, who: Option<&Login>) -> Reply {
        self.send(self.request(Method::HEAD, path, who)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str, who: Option<&Login>) -> Reply {
        self.send(self.request(Method::DELETE, path, who)).await
    }

    /// POST of JSON.
    pub async fn post(&self, path: &str, who: Option<&Login>, body: &Value) -> Reply {
        let request = self.request(Method::POST, path, who).json(body);
        self.send(request).await
    }

    /// PUT of JSON.
    pub async fn put(&self, path: &str, who: Option<&Login>, body: &Value) -> Reply {
        self.send(self.request(Method::PUT, path, who).json(body))
            .await
    }

    /// Makes a user who is in no project.
    pub async fn create_user(&self, admin: &Login, name: &str) -> Login {
        let password = "User-pass-1";
        let body = json!({
            "username": name,
            "email": format!("{name}@example.org"),
            "realname": name,
            "password": password,
        });
        let made = self.post("/api/v2.0/users", Some(admin), &body).await;
        Login {
            id: made.expect(201).id(),
            name: name.to_owned(),
            password: password.to_owned(),
        }
    }

    /// Makes a project; gives its id.
    pub async fn create_project(&self, owner: &Login, name: &str, public: bool) -> i64 {
        let body = json!({"project_name": name, "metadata": {"public": public.to_string()}});
        let made = self.post("/api/v2.0/projects", Some(owner), &body).await;
        made.expect(201).id()
    }

    /// Makes a user a member of a project; gives the member's id.
    pub async fn add_member(&self, admin: &Login, project: &str, user: &Login, role: Role) -> i64 {
        let body = json!({"role_id": role as u8, "member_user": {"username": user.name}});
        let path = format!("/api/v2.0/projects/{project}/members");
        let made = self.post(&path, Some(admin), &body).await;
        made.expect(201).id()
    }

    /// Pushes an image without any client, under a tag.
    pub async fn push(&self, who: &Login, repository: &str, tag: &str, image: &Image) {
        for blob in image.blobs() {
            self.push_blob(who, repository, blob).await;
        }
        self.put_manifest(who, repository, tag, MANIFEST, &image.manifest)
            .await;
    }

    /// Pushes an index and its images, under a tag.
    pub async fn push_index(&self, who: &Login, repository: &str, tag: &str, index: &MultiArch) {
        for image in &index.images {
            self.push(who, repository, &image.digest(), image).await;
        }
        self.put_manifest(who, repository, tag, INDEX, &index.index)
            .await;
    }

    /// Pushes a blob in one request.
    pub async fn push_blob(&self, who: &Login, repository: &str, bytes: &[u8]) {
        let path = format!("/v2/{repository}/blobs/uploads/?digest={}", digest(bytes));
        let request = self
            .request(Method::POST, &path, Some(who))
            .header("content-type", "application/octet-stream")
            .body(bytes.to_vec());
        let _ = self.send(request).await.expect(201);
    }

    /// Pushes a manifest.
    pub async fn put_manifest(
        &self,
        who: &Login,
        repository: &str,
        reference: &str,
        media_type: &str,
        bytes: &[u8],
    ) {
        let path = format!("/v2/{repository}/manifests/{reference}");
        let request = self
            .request(Method::PUT, &path, Some(who))
            .header("content-type", media_type)
            .body(bytes.to_vec());
        let _ = self.send(request).await.expect(201);
    }

    /// The manifest behind a tag or digest, as it is stored.
    pub async fn get_manifest(&self, who: &Login, repository: &str, reference: &str) -> Reply {
        let path = format!("/v2/{repository}/manifests/{reference}");
        self.get(&path, Some(who)).await
    }

    /// The tags of a repository.
    pub async fn tags(&self, who: &Login, repository: &str) -> Vec<String> {
        let path = format!("/v2/{repository}/tags/list");
        let answer = self.get(&path, Some(who)).await.expect(200).json();
        let tags = answer["tags"].as_array().cloned().unwrap_or_default();
        tags.iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    }

    /// The manifests that refer to `subject`.
    pub async fn referrers(&self, who: &Login, repository: &str, subject: &str) -> Vec<Value> {
        let path = format!("/v2/{repository}/referrers/{subject}");
        let answer = self.get(&path, Some(who)).await.expect(200).json();
        answer["manifests"].as_array().cloned().unwrap_or_default()
    }
}
