//! A client of a server under test: requests, users, projects, tokens, and bytes by hand.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::answer::Answer;
use crate::app::ADMIN_PASSWORD;
use crate::contract;

/// A user who can log in.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) password: String,
}

/// Speaks to one server. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    pub(crate) base: Arc<str>,
    pub(crate) address: SocketAddr,
    pub(crate) admin: Login,
}

/// A request being put together. Its caller is `admin` unless said otherwise.
#[must_use]
pub(crate) struct Call {
    request: reqwest::RequestBuilder,
    auth: Auth,
}

enum Auth {
    Nobody,
    Basic(Login),
    Bearer(String),
}

impl Client {
    pub(crate) fn new(base: String) -> Self {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        let address = base.strip_prefix("http://").unwrap().parse().unwrap();
        let admin = Login {
            id: 1,
            name: "admin".to_owned(),
            password: ADMIN_PASSWORD.to_owned(),
        };
        Self {
            http,
            base: base.into(),
            address,
            admin,
        }
    }

    /// Starts a request; `path` begins with `/` and is sent as it is.
    pub(crate) fn call(&self, method: Method, path: &str) -> Call {
        let url = format!("{}{path}", self.base);
        Call {
            request: self.http.request(method, url),
            auth: Auth::Basic(self.admin.clone()),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    pub(crate) fn head(&self, path: &str) -> Call {
        self.call(Method::HEAD, path)
    }

    pub(crate) fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    pub(crate) fn put(&self, path: &str) -> Call {
        self.call(Method::PUT, path)
    }

    pub(crate) fn patch(&self, path: &str) -> Call {
        self.call(Method::PATCH, path)
    }

    pub(crate) fn delete(&self, path: &str) -> Call {
        self.call(Method::DELETE, path)
    }

    /// Makes a user who is in no project.
    pub(crate) async fn user(&self, name: &str) -> Login {
        let password = format!("Pass-{name}-1");
        let body = json!({
            "username": name,
            "email": format!("{name}@example.org"),
            "realname": name,
            "password": password,
        });
        let made = self.post("/api/v2.0/users").json(&body).await.expect(201);
        Login {
            id: made
                .need("location")
                .rsplit('/')
                .next()
                .unwrap()
                .parse()
                .unwrap(),
            name: name.to_owned(),
            password,
        }
    }

    /// Makes a project; gives its id.
    pub(crate) async fn project(&self, name: &str, public: bool) -> i64 {
        let body = json!({
            "project_name": name,
            "metadata": {"public": public.to_string()},
        });
        let made = self.post("/api/v2.0/projects").json(&body).await;
        let made = made.expect(201);
        let id = made.need("location").rsplit('/').next().unwrap();
        id.parse().unwrap()
    }

    /// Gives a user a role (Harbor's ids: 1 projectAdmin, 2 developer, 3 guest, 4 maintainer,
    /// 5 limitedGuest) in a project; gives the member's id.
    pub(crate) async fn member(&self, project: &str, user: &Login, role: u8) -> i64 {
        let path = format!("/api/v2.0/projects/{project}/members");
        let body = json!({"role_id": role, "member_user": {"username": user.name}});
        let made = self.post(&path).json(&body).await.expect(201);
        let id = made.need("location").rsplit('/').next().unwrap();
        id.parse().unwrap()
    }

    /// Makes a robot of a `RobotCreate`; gives its login.
    pub(crate) async fn robot(&self, body: &Value) -> Login {
        let made = self.post("/api/v2.0/robots").json(body).await.expect(201);
        let made = made.json();
        Login {
            id: made["id"].as_i64().unwrap(),
            name: made["name"].as_str().unwrap().to_owned(),
            password: made["secret"].as_str().unwrap().to_owned(),
        }
    }

    /// Asks the token service for scopes, as `who` or as nobody.
    pub(crate) async fn token_answer(&self, who: Option<&Login>, scopes: &[&str]) -> Answer {
        let mut path = "/service/token?service=harbor-registry".to_owned();
        for scope in scopes {
            path.push_str("&scope=");
            path.push_str(scope);
        }
        let call = self.get(&path);
        match who {
            Some(login) => call.by(login).send().await,
            None => call.nobody().send().await,
        }
    }

    /// A token for scopes, as `who` or as nobody.
    pub(crate) async fn token(&self, who: Option<&Login>, scopes: &[&str]) -> String {
        let answer = self.token_answer(who, scopes).await.expect(200);
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    /// Sends bytes as they are on a connection of their own and reads all that comes back.
    pub(crate) async fn raw(&self, request: &[u8]) -> Vec<u8> {
        let mut connection = TcpStream::connect(self.address).await.unwrap();
        // The server may have answered and closed before it has read everything.
        let _ = connection.write_all(request).await;
        let mut answer = Vec::new();
        let _ = connection.read_to_end(&mut answer).await;
        answer
    }

    /// [`Self::raw`] with a request line of one's own, as `admin`; gives status and body.
    pub(crate) async fn raw_request(
        &self,
        method: &str,
        target: &str,
        headers: &str,
        body: &[u8],
    ) -> Answer {
        let mut request = format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
             Authorization: {}\r\n{headers}\r\n",
            self.address,
            self.admin.basic(),
        )
        .into_bytes();
        request.extend_from_slice(body);
        read_raw(&self.raw(&request).await)
    }
}

impl Login {
    /// The value of `Authorization` for Basic.
    pub(crate) fn basic(&self) -> String {
        use base64::Engine;
        let pair = format!("{}:{}", self.name, self.password);
        let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
        format!("Basic {encoded}")
    }
}

/// Reads an answer that the end of the connection ends. A body in chunks stays as it came.
fn read_raw(bytes: &[u8]) -> Answer {
    let end = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(bytes)));
    let head = str::from_utf8(&bytes[..end]).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':').unwrap();
        headers.append(
            HeaderName::try_from(name).unwrap(),
            HeaderValue::from_str(value.trim()).unwrap(),
        );
    }
    Answer {
        status: status.parse().unwrap(),
        headers,
        body: Bytes::copy_from_slice(&bytes[end + 4..]),
    }
}

impl Call {
    /// Calls as this user, by password.
    pub(crate) fn by(mut self, login: &Login) -> Self {
        self.auth = Auth::Basic(login.clone());
        self
    }

    /// Calls with this token.
    pub(crate) fn bearer(mut self, token: &str) -> Self {
        self.auth = Auth::Bearer(token.to_owned());
        self
    }

    /// Calls as nobody.
    pub(crate) fn nobody(mut self) -> Self {
        self.auth = Auth::Nobody;
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// Sends these bytes, with their length.
    pub(crate) fn body(mut self, bytes: impl Into<Bytes>) -> Self {
        self.request = self.request.body(bytes.into());
        self
    }

    /// Sends these pieces as they come, with `Transfer-Encoding: chunked`.
    pub(crate) fn pieces(mut self, pieces: Vec<Bytes>) -> Self {
        let stream =
            futures_util::stream::iter(pieces.into_iter().map(Ok::<_, std::convert::Infallible>));
        self.request = self.request.body(reqwest::Body::wrap_stream(stream));
        self
    }

    /// Sends a form.
    pub(crate) async fn form(mut self, pairs: &[(&str, &str)]) -> Answer {
        self.request = self.request.form(pairs);
        self.send().await
    }

    /// Sends JSON.
    pub(crate) async fn json(mut self, value: &Value) -> Answer {
        self.request = self.request.json(value);
        self.send().await
    }

    /// Sends the request and reads the whole answer.
    pub(crate) async fn send(self) -> Answer {
        self.try_send().await.unwrap()
    }

    /// [`Self::send`], where the server may cut the connection.
    pub(crate) async fn try_send(self) -> Result<Answer, reqwest::Error> {
        let request = match self.auth {
            Auth::Nobody => self.request,
            Auth::Basic(login) => self.request.basic_auth(login.name, Some(login.password)),
            Auth::Bearer(token) => self.request.bearer_auth(token),
        };
        let (client, request) = request.build_split();
        let request = request?;
        let method = request.method().clone();
        let target = request.url().path().to_owned();
        let response = client.execute(request).await?;
        let answer = Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await?,
        };
        contract::check(&method, &target, &answer);
        Ok(answer)
    }
}
