//! [`ImageName`]: how people call an image in a registry.

use std::fmt;
use std::str::FromStr;

use berth_oci::Reference;

/// The registry of names that name none.
const DOCKER_HUB: &str = "docker.io";
/// Where that registry is.
const DOCKER_HUB_AT: &str = "registry-1.docker.io";
/// Longest name.
const LONGEST: usize = 1024;

/// `registry.example.com/project/app:v1`, or with `@sha256:…`. As with Docker, a name without a
/// registry is one of Docker Hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageName {
    registry: String,
    repository: String,
    reference: Reference,
    /// As it was written.
    text: String,
}

impl ImageName {
    /// The registry, by the name under which credentials are kept.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Host and port to call.
    pub fn host(&self) -> &str {
        if self.registry == DOCKER_HUB {
            DOCKER_HUB_AT
        } else {
            &self.registry
        }
    }

    /// The repository.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag, or the digest.
    pub const fn reference(&self) -> &Reference {
        &self.reference
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for ImageName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err("it is too long for the name of an image".to_owned());
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        let (name, tag) = match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (name, None),
        };
        let reference = digest.or(tag).unwrap_or("latest");
        let reference = Reference::parse(reference).map_err(|error| error.to_string())?;
        let (registry, repository) = match name.split_once('/') {
            Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => {
                (host, rest.to_owned())
            }
            Some(_) => (DOCKER_HUB, name.to_owned()),
            None => (DOCKER_HUB, format!("library/{name}")),
        };
        let registry = match registry {
            "index.docker.io" | DOCKER_HUB_AT => DOCKER_HUB,
            other => other,
        };
        let host = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
        if registry.is_empty() || !registry.chars().all(host) {
            return Err(format!("`{registry}` is no registry"));
        }
        let fine = |part: &str| {
            let letter =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
            !part.is_empty() && !part.starts_with('.') && part.chars().all(letter)
        };
        if !repository.split('/').all(fine) {
            return Err(format!(
                "`{repository}` is no repository: write REGISTRY/REPOSITORY:TAG, in lower case"
            ));
        }
        Ok(Self {
            registry: registry.to_owned(),
            repository,
            reference,
            text: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_as_docker_does() {
        let parts = |text: &str| {
            let name: ImageName = text.parse().unwrap();
            (
                name.registry().to_owned(),
                name.repository().to_owned(),
                name.reference().as_str().to_owned(),
            )
        };
        let digest = format!("sha256:{}", "0".repeat(64));
        for (text, registry, repository, reference) in [
            ("alpine", "docker.io", "library/alpine", "latest"),
            ("a/b:1", "docker.io", "a/b", "1"),
            ("docker.io/a/b", "docker.io", "a/b", "latest"),
            ("localhost/a", "localhost", "a", "latest"),
            ("host:5000/a/b/c:v1.2", "host:5000", "a/b/c", "v1.2"),
            ("host.example/a", "host.example", "a", "latest"),
            ("[::1]:5000/a:1", "[::1]:5000", "a", "1"),
            (
                &format!("h.example/a:1@{digest}"),
                "h.example",
                "a",
                &digest,
            ),
        ] {
            let expected = (registry.into(), repository.into(), reference.into());
            assert_eq!(parts(text), expected, "{text}");
        }
        assert_eq!("a/b".parse::<ImageName>().unwrap().host(), DOCKER_HUB_AT);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "a".repeat(2000);
        for text in [
            "",
            "h.example/",
            "h.example/A",
            "h.example/a/../b",
            "h.example//a",
            "https://h.example/a",
            "h.example/a:",
            "h.example/a@sha256:12",
            "user@h.example/a",
            "h.ex ample/a",
            &long,
        ] {
            assert!(text.parse::<ImageName>().is_err(), "{text}");
        }
    }
}
