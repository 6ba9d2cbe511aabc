//! Where advisories may be fetched from.

use std::fmt;

use berth_oci::{Reference, RepositoryName};

/// An address of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A file: `https://host/all.zip`.
    File(String),
    /// An artifact in another registry: `oci://host/repository:tag`; `oci+http://` without TLS.
    Artifact {
        /// `https://host`.
        base: String,
        repository: String,
        reference: Reference,
    },
    /// An artifact in this registry: `registry:project/repository:tag`.
    Local {
        repository: RepositoryName,
        reference: Reference,
    },
}

impl Source {
    /// Reads an address; the error says what is wrong with it.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        if url.len() > 2048 {
            return Err("it is longer than 2048 bytes".to_owned());
        }
        if url.starts_with("https://") || url.starts_with("http://") {
            return Ok(Self::File(url.to_owned()));
        }
        if let Some(rest) = url.strip_prefix("registry:") {
            let (name, reference) = split(rest)?;
            let repository = RepositoryName::parse(name).map_err(|error| error.to_string())?;
            return Ok(Self::Local {
                repository,
                reference,
            });
        }
        let (scheme, rest) = match url.split_once("://") {
            Some(("oci", rest)) => ("https", rest),
            Some(("oci+http", rest)) => ("http", rest),
            _ => {
                return Err(
                    "it must begin with https://, http://, oci://, oci+http:// or registry:"
                        .to_owned(),
                );
            }
        };
        let (host, rest) = rest.split_once('/').ok_or("it names no repository")?;
        let fine = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
        if host.is_empty() || !host.chars().all(fine) {
            return Err(format!("{host:?} is no host"));
        }
        let (repository, reference) = split(rest)?;
        let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/".contains(c);
        if repository.is_empty() || repository.contains("..") || !repository.chars().all(fine) {
            return Err(format!("{repository:?} is no repository"));
        }
        Ok(Self::Artifact {
            base: format!("{scheme}://{host}"),
            repository: repository.to_owned(),
            reference,
        })
    }
}

/// Shown as it is written.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(url) => f.write_str(url),
            Self::Artifact {
                base,
                repository,
                reference,
            } => write!(f, "{base}/{repository} {}", reference.as_str()),
            Self::Local {
                repository,
                reference,
            } => write!(f, "{} {}", repository.as_str(), reference.as_str()),
        }
    }
}

fn split(text: &str) -> Result<(&str, Reference), String> {
    let (name, reference) = match text.split_once('@') {
        Some(parts) => parts,
        None => text.rsplit_once(':').unwrap_or((text, "latest")),
    };
    let reference = Reference::parse(reference).map_err(|error| error.to_string())?;
    Ok((name, reference))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let shown = |url: &str| Source::parse(url).map(|source| source.to_string());
        assert_eq!(
            shown("oci://example.org:5000/a/b:v1"),
            Ok("https://example.org:5000/a/b v1".into())
        );
        assert_eq!(
            shown("oci+http://example.org/a/b"),
            Ok("http://example.org/a/b latest".into())
        );
        let digest = format!("sha256:{}", "0".repeat(64));
        assert_eq!(
            shown(&format!("registry:library/advisories@{digest}")),
            Ok(format!("library/advisories {digest}"))
        );
        assert_eq!(
            shown("https://example.org/a.zip"),
            Ok("https://example.org/a.zip".into())
        );
        for wrong in [
            "file:///etc/passwd",
            "oci://example.org",
            "oci:///a/b",
            "oci://user@example.org/a",
            "oci://example.org/../a:b",
            "oci://example.org/a?b:c",
            "registry:nothing",
            "registry:a/b:not a tag",
            "",
        ] {
            assert!(Source::parse(wrong).is_err(), "{wrong}");
        }
    }
}
