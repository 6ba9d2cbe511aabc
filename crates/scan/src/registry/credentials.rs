//! Who pulls, by the files and helpers of Docker and Podman.
//!
//! Source: Docker's `config.json` (`auths`, `credHelpers`, `credsStore`) and the protocol of
//! credential helpers; `containers-auth.json(5)`.
//!
//! Invariant: nothing here is written, and what a file says is used for the registry alone that it
//! names.

use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use berth_model::Secret;
use berth_remote::Credentials;
use serde::Deserialize;

use super::ImageName;
use crate::ScanError;

/// Largest file, and largest answer of a helper.
const LARGEST: u64 = 1024 * 1024;
/// What Docker calls its own registry.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";
/// The name that stands for a token.
const TOKEN: &str = "<token>";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    auths: HashMap<String, Entry>,
    #[serde(rename = "credHelpers")]
    helpers: HashMap<String, String>,
    #[serde(rename = "credsStore")]
    store: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: Option<Secret<String>>,
    username: Option<String>,
    password: Option<Secret<String>>,
    identitytoken: Option<Secret<String>>,
}

/// What is known of who pulls this image; nothing if no file speaks of it.
///
/// # Errors
/// When a file cannot be read, or a helper that it names fails.
pub fn find(name: &ImageName) -> Result<Option<Credentials>, ScanError> {
    for path in files(|name| env::var_os(name)) {
        let Some(config) = read(&path)? else { continue };
        if let Some(found) = config.find(name, &path)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The files that are looked at, in this order.
fn files(variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let folder = |name: &str| {
        variable(name)
            .filter(|it| !it.is_empty())
            .map(PathBuf::from)
    };
    if let Some(file) = folder("REGISTRY_AUTH_FILE") {
        return vec![file];
    }
    let home = folder("HOME");
    let home = |below: &str| home.as_ref().map(|home| home.join(below));
    let docker = folder("DOCKER_CONFIG").or_else(|| home(".docker"));
    let podman = folder("XDG_CONFIG_HOME").or_else(|| home(".config"));
    let all = [
        docker.map(|folder| folder.join("config.json")),
        folder("XDG_RUNTIME_DIR").map(|folder| folder.join("containers/auth.json")),
        podman.map(|folder| folder.join("containers/auth.json")),
    ];
    all.into_iter().flatten().collect()
}

fn read(path: &Path) -> Result<Option<Config>, ScanError> {
    let failed = |cause| ScanError::read(path, cause);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut bytes = Vec::new();
    let read = file.take(LARGEST + 1).read_to_end(&mut bytes);
    read.map_err(failed)?;
    // What a parser says of a broken file could show what is in it.
    match serde_json::from_slice(&bytes) {
        Ok(config) if bytes.len() as u64 <= LARGEST => Ok(Some(config)),
        _ => Err(ScanError::no_image(path, "it is no file of credentials")),
    }
}

/// The names under which a file may have an entry, the closest first: Podman's may be for a part of
/// a registry.
fn keys(name: &ImageName) -> Vec<String> {
    let mut key = format!("{}/{}", name.registry(), name.repository());
    let mut keys = vec![key.clone()];
    while let Some((shorter, _)) = key.rsplit_once('/') {
        keys.push(shorter.to_owned());
        key = shorter.to_owned();
    }
    if name.registry() == "docker.io" {
        keys.push(DOCKER_HUB.to_owned());
        keys.push("index.docker.io".to_owned());
    }
    keys
}

/// A key of a file without what older Dockers wrote around the host.
fn bare(key: &str) -> &str {
    let key = key.split_once("://").map_or(key, |(_, rest)| rest);
    let key = key.trim_end_matches('/');
    let shorter = key.strip_suffix("/v1").or(key.strip_suffix("/v2"));
    shorter.unwrap_or(key)
}

impl Config {
    fn find(&self, name: &ImageName, path: &Path) -> Result<Option<Credentials>, ScanError> {
        let keys = keys(name);
        for key in &keys {
            if let Some(helper) = self.helpers.get(key) {
                return ask(helper, key);
            }
        }
        for key in &keys {
            let entry = self.auths.get(key).or_else(|| {
                let mut others = self.auths.iter();
                others
                    .find(|(known, _)| bare(known) == key)
                    .map(|(_, entry)| entry)
            });
            if let Some(found) = entry.map(|it| it.credentials(path)).transpose()?.flatten() {
                return Ok(Some(found));
            }
        }
        let Some(store) = &self.store else {
            return Ok(None);
        };
        let key = if name.registry() == "docker.io" {
            DOCKER_HUB
        } else {
            name.registry()
        };
        ask(store, key)
    }
}

impl Entry {
    /// `None`: it is empty, as Docker writes it where a helper has the rest.
    fn credentials(&self, path: &Path) -> Result<Option<Credentials>, ScanError> {
        let given = |secret: &Option<Secret<String>>| {
            let text = secret.as_ref().map(Secret::expose);
            text.filter(|text| !text.is_empty()).cloned()
        };
        if let Some(token) = given(&self.identitytoken) {
            return Ok(Some(Credentials::IdentityToken(Secret::new(token))));
        }
        if let Some(auth) = given(&self.auth) {
            let decoded = STANDARD.decode(auth.trim()).ok();
            let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
            let both = decoded.as_deref().and_then(|text| text.split_once(':'));
            let (user, password) = both.ok_or_else(|| {
                ScanError::no_image(path, "an `auth` in it is not the base64 of name:password")
            })?;
            return Ok(Some(Credentials::Password {
                user: user.to_owned(),
                password: Secret::new(password.trim_end_matches('\0').to_owned()),
            }));
        }
        let user = self.username.clone().filter(|user| !user.is_empty());
        let both = user.zip(given(&self.password));
        Ok(both.map(|(user, password)| Credentials::Password {
            user,
            password: Secret::new(password),
        }))
    }
}

/// Asks a helper; nothing if it knows nobody.
fn ask(helper: &str, registry: &str) -> Result<Option<Credentials>, ScanError> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(rename = "Username")]
        user: String,
        #[serde(rename = "Secret")]
        secret: Secret<String>,
    }
    let program = format!("docker-credential-{helper}");
    let problem = |what: &str| ScanError::no_image(&program, what);
    let fine = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if helper.is_empty() || !helper.chars().all(fine) {
        return Err(problem("this is no name of a credential helper"));
    }
    let failed = |cause| ScanError::read(&program, cause);
    let mut child = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read it says why by how it ends.
        let _ = stdin.write_all(registry.as_bytes());
    }
    let mut answer = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        let read = stdout.take(LARGEST).read_to_end(&mut answer);
        read.map_err(failed)?;
    }
    let status = child.wait().map_err(failed)?;
    if !status.success() {
        let said = String::from_utf8_lossy(&answer).to_lowercase();
        return if said.contains("credentials not found") {
            Ok(None)
        } else {
            Err(problem("it failed: log in again, or give --username"))
        };
    }
    let answer: Answer =
        serde_json::from_slice(&answer).map_err(|_| problem("its answer is none"))?;
    Ok(Some(if answer.user == TOKEN {
        Credentials::IdentityToken(answer.secret)
    } else {
        Credentials::Password {
            user: answer.user,
            password: answer.secret,
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(config: &str, name: &str) -> Option<String> {
        let config: Config = serde_json::from_str(config).unwrap();
        let found = config.find(&name.parse().unwrap(), Path::new("config.json"));
        match found.unwrap()? {
            Credentials::Password { user, password } => {
                Some(format!("{user}:{}", password.expose()))
            }
            Credentials::IdentityToken(token) => Some(format!("token {}", token.expose())),
        }
    }

    #[test]
    fn the_closest_entry_counts() {
        let of = |both: &str| format!(r#"{{"auth": "{}"}}"#, STANDARD.encode(both));
        let config = format!(
            r#"{{"auths": {{"h.example": {}, "h.example/team": {}, "https://old.example/v1/": {},
                "https://index.docker.io/v1/": {}, "t.example": {{"identitytoken": "t"}},
                "empty.example": {{}}}}}}"#,
            of("a:1"),
            of("b:2:3"),
            of("c:4"),
            of("d:5")
        );
        for (name, found) in [
            ("h.example/app", Some("a:1")),
            ("h.example/teams/app", Some("a:1")),
            ("h.example/team/app", Some("b:2:3")),
            ("old.example/app", Some("c:4")),
            ("alpine", Some("d:5")),
            ("t.example/app", Some("token t")),
            ("empty.example/app", None),
            ("other.example/app", None),
            ("example/app", Some("d:5")),
        ] {
            assert_eq!(user(&config, name).as_deref(), found, "{name}");
        }
    }

    #[test]
    fn files_are_those_of_docker_and_podman() {
        let of = |set: &[(&str, &str)]| {
            let found = files(|name| {
                let value = set.iter().find(|(known, _)| *known == name);
                value.map(|(_, value)| (*value).into())
            });
            let found = found.iter().map(|path| path.display().to_string());
            found.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(of(&[("HOME", "/h"), ("REGISTRY_AUTH_FILE", "/f")]), "/f");
        assert_eq!(
            of(&[("HOME", "/h")]),
            "/h/.docker/config.json /h/.config/containers/auth.json"
        );
        assert_eq!(
            of(&[
                ("DOCKER_CONFIG", "/d"),
                ("XDG_RUNTIME_DIR", "/r"),
                ("HOME", "")
            ]),
            "/d/config.json /r/containers/auth.json"
        );
    }

    #[test]
    fn what_is_wrong_is_said_without_showing_it() {
        let config: Config =
            serde_json::from_str(r#"{"auths": {"h.example": {"auth": "c2VjcmV0"}}}"#).unwrap();
        let name: ImageName = "h.example/a".parse().unwrap();
        let error = config.find(&name, Path::new("config.json")).unwrap_err();
        assert!(error.to_string().contains("name:password"), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
        assert!(ask("../../bin/sh", "h.example").is_err());
    }
}
