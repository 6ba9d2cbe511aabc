//! Registries that lie, break off or lead elsewhere: none of it becomes a report.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;

use berth_model::Secret;
use berth_scan::{Credentials, Image, ImageName, Limits, Platform, Pulling, ScanError};
use serde_json::json;

use crate::made::{DEBIAN, Tar, digest, gzip, status};

/// What a registry answers on each path, and what it was asked.
struct Registry {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Registry {
    /// Each answer is a whole one, its head included.
    fn start(answers: HashMap<String, Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let (mut head, mut buffer) = (Vec::new(), [0; 4096]);
                while !head.windows(4).any(|it| it == b"\r\n\r\n") {
                    match stream.read(&mut buffer) {
                        Ok(read) if read > 0 => head.extend_from_slice(&buffer[..read]),
                        _ => break,
                    }
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                let missing = answer("404 Not Found", "", b"");
                // Some answers are for whoever shows credentials.
                let shown = answers.get(&format!("shown {path}"));
                let shown = shown.filter(|_| head.contains("authorization: "));
                let answer = shown.or_else(|| answers.get(&path));
                let _ = stream.write_all(answer.unwrap_or(&missing));
                seen.lock().unwrap().push(head);
            }
        });
        Self { address, asked }
    }

    fn pull(&self, reference: &str, credentials: Option<Credentials>) -> Result<Image, ScanError> {
        let name = format!("{}/a/b{reference}", self.address);
        let name: ImageName = name.parse().unwrap();
        let pulling = Pulling {
            credentials,
            insecure: true,
            ..Pulling::default()
        };
        Image::pull(&name, pulling, &Platform::default(), &Limits::default())
    }
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn ok(body: &[u8]) -> Vec<u8> {
    answer("200 OK", "", body)
}

/// An image, by the paths under which a registry has its parts.
struct Parts {
    layer: Vec<u8>,
    config: Vec<u8>,
    manifest: Vec<u8>,
}

impl Parts {
    fn new() -> Self {
        let archive = Tar::new()
            .file("etc/os-release", DEBIAN)
            .file("var/lib/dpkg/status", status(&[("bash", "5.2")]))
            .end();
        let layer = gzip(&archive);
        let config = json!({"os": "linux", "rootfs": {"diff_ids": [digest(&archive)]}});
        let config = config.to_string().into_bytes();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": digest(&config), "size": config.len()},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                "digest": digest(&layer), "size": layer.len()}],
        });
        Self {
            layer,
            config,
            manifest: manifest.to_string().into_bytes(),
        }
    }

    fn blob(bytes: &[u8]) -> String {
        format!("/v2/a/b/blobs/{}", digest(bytes))
    }

    fn answers(&self) -> HashMap<String, Vec<u8>> {
        HashMap::from([
            ("/v2/a/b/manifests/v1".to_owned(), ok(&self.manifest)),
            (
                format!("/v2/a/b/manifests/{}", digest(&self.manifest)),
                ok(&self.manifest),
            ),
            (Self::blob(&self.config), ok(&self.config)),
            (Self::blob(&self.layer), ok(&self.layer)),
        ])
    }
}

#[test]
fn an_image_is_pulled_and_read() {
    let parts = Parts::new();
    let registry = Registry::start(parts.answers());
    let image = registry.pull(":v1", None).unwrap();
    assert_eq!(image.digest.as_deref(), Some(&*digest(&parts.manifest)));
    assert_eq!(image.content.packages[0].package.name, "bash");
    assert_eq!(image.layers[0].digest, digest(&parts.layer));
    let by_digest = format!("@{}", digest(&parts.manifest));
    registry.pull(&by_digest, None).unwrap();
}

#[test]
fn what_a_registry_lies_is_found_out() {
    let parts = Parts::new();
    let fails = |answers: HashMap<String, Vec<u8>>, reference: &str, says: &str| {
        let error = Registry::start(answers).pull(reference, None).unwrap_err();
        assert!(error.to_string().contains(says), "{says}: {error}");
    };
    let with = |path: String, answer: Vec<u8>| {
        let mut answers = parts.answers();
        answers.insert(path, answer);
        answers
    };
    let other = Tar::new().file("etc/os-release", DEBIAN).end();
    let layer = Parts::blob(&parts.layer);
    // Another layer, which is whole: by its content, and by its bytes where nothing names that.
    fails(with(layer.clone(), ok(&gzip(&other))), ":v1", "");
    let trailing = {
        let mut longer = parts.layer.clone();
        longer[4] ^= 1;
        longer
    };
    fails(with(layer.clone(), ok(&trailing)), ":v1", "something else");
    // More than was said, less than was said, nothing.
    let more = [&parts.layer[..], &[0; 100]].concat();
    fails(with(layer.clone(), ok(&more)), ":v1", "larger than");
    let mut torn = ok(&parts.layer);
    torn.truncate(torn.len() - 10);
    fails(with(layer.clone(), torn), ":v1", "could not be read");
    let gone = answer("404 Not Found", "", b"");
    fails(with(layer, gone), ":v1", "has no a/b");
    let config = Parts::blob(&parts.config);
    let mut changed = parts.config.clone();
    changed[2] = b'X';
    fails(with(config, ok(&changed)), ":v1", "another digest");
    let by_digest = format!("sha256:{}", "0".repeat(64));
    let lying = format!("/v2/a/b/manifests/{by_digest}");
    fails(
        with(lying, ok(&parts.manifest)),
        &format!("@{by_digest}"),
        "sent a manifest that is not",
    );
    let manifest = || "/v2/a/b/manifests/v1".to_owned();
    fails(with(manifest(), ok(b"<html>")), ":v1", "");
    let busy = br#"{"errors": [{"code": "TOOMANYREQUESTS", "message": "come back later"}]}"#;
    let busy = answer("429 Too Many Requests", "", busy);
    fails(with(manifest(), busy), ":v1", "come back later");
    let unauthorized = answer("401 Unauthorized", "", b"");
    fails(with(manifest(), unauthorized), ":v1", "how to log in");
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [],
    });
    let index = ok(index.to_string().as_bytes());
    fails(with(manifest(), index), ":v1", "no image for");
}

#[test]
fn a_password_goes_to_the_registry_and_not_where_it_leads() {
    let parts = Parts::new();
    let elsewhere = Registry::start(HashMap::from([("/layer".to_owned(), ok(&parts.layer))]));
    let mut answers = parts.answers();
    let manifest = "/v2/a/b/manifests/v1".to_owned();
    let basic = "www-authenticate: Basic realm=\"a\"\r\n";
    let basic = answer("401 Unauthorized", basic, b"");
    answers.insert(manifest.clone(), basic);
    answers.insert(format!("shown {manifest}"), ok(&parts.manifest));
    let away = format!("location: http://{}/layer\r\n", elsewhere.address);
    let away = answer("307 Temporary Redirect", &away, b"");
    answers.insert(Parts::blob(&parts.layer), away);
    let registry = Registry::start(answers);
    let password = Credentials::Password {
        user: "me".to_owned(),
        password: Secret::new("word".to_owned()),
    };
    registry.pull(":v1", Some(password)).unwrap();
    // With the manifest, the configuration and the layer.
    let asked = registry.asked.lock().unwrap().concat();
    let shown = "authorization: Basic bWU6d29yZA==";
    assert_eq!(asked.matches(shown).count(), 3, "{asked}");
    let asked = elsewhere.asked.lock().unwrap().concat();
    assert!(asked.starts_with("GET /layer"), "{asked}");
    assert!(!asked.contains("authorization"), "{asked}");
}
