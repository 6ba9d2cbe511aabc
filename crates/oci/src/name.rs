//! Names of repositories and tags, and the reference that ends a manifest's path.
//!
//! Invariant: a [`RepositoryName`] or [`TagName`] holds nothing but the characters of its grammar
//! (OCI distribution 1.1, "Pulling manifests"), so it needs no escaping in a URL or a path.

use std::{fmt, str::FromStr};

use berth_model::{Code, Coded, Limits};

use crate::digest::{Digest, DigestError};

/// Why a repository name was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A part of the name breaks the grammar.
    #[error(
        "a repository name is parts of a-z and 0-9, joined inside by '.', '_', '__' or dashes and separated by '/'"
    )]
    Grammar,
    /// The name has no repository below its project.
    #[error("a repository name must be <project>/<repository>; name the project to use")]
    NoProject,
    /// The name is too long.
    #[error(
        "a repository name is at most {} bytes with its project",
        Limits::REPOSITORY_NAME_BYTES
    )]
    TooLong,
}

impl Coded for NameError {
    fn code(&self) -> Code {
        Code::NameInvalid
    }
}

/// A repository's full name, `<project>/<repository>`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryName {
    text: String,
    slash: usize,
}

impl RepositoryName {
    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.len() > Limits::REPOSITORY_NAME_BYTES {
            return Err(NameError::TooLong);
        }
        if !text.split('/').all(is_component) {
            return Err(NameError::Grammar);
        }
        let slash = text.find('/').ok_or(NameError::NoProject)?;
        Ok(Self {
            text: text.to_owned(),
            slash,
        })
    }

    /// The full name.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The project: the first part.
    pub fn project(&self) -> &str {
        &self.text[..self.slash]
    }

    /// The name within its project: everything after the first slash.
    pub fn rest(&self) -> &str {
        &self.text[self.slash + 1..]
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(text: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let ends_ok = |end: Option<&u8>| end.is_some_and(|byte| alphanumeric(*byte));
    if !ends_ok(bytes.first()) || !ends_ok(bytes.last()) {
        return false;
    }
    bytes
        .split(|byte| alphanumeric(*byte))
        .all(|separator| match separator {
            [] | b"." | b"_" | b"__" => true,
            dashes => dashes.iter().all(|byte| *byte == b'-'),
        })
}

/// Why a tag was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a tag is 1 to 128 characters of a-z, A-Z, 0-9, '_', '.' and '-', and starts with none of '.' and '-'"
)]
pub struct TagError;

impl Coded for TagError {
    fn code(&self) -> Code {
        Code::TagInvalid
    }
}

/// A tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagName(String);

impl TagName {
    /// Reads a tag.
    pub fn parse(text: &str) -> Result<Self, TagError> {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        match text.as_bytes() {
            [first, rest @ ..]
                if word(*first)
                    && rest.len() < 128
                    && rest
                        .iter()
                        .all(|byte| word(*byte) || matches!(byte, b'.' | b'-')) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(TagError),
        }
    }

    /// The tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a manifest reference was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// It has no colon, so it was read as a tag.
    #[error(transparent)]
    Tag(#[from] TagError),
    /// It has a colon, so it was read as a digest.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

impl Coded for ReferenceError {
    fn code(&self) -> Code {
        match self {
            Self::Tag(error) => error.code(),
            Self::Digest(error) => error.code(),
        }
    }
}

/// What names a manifest within its repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reference {
    /// By tag, which may move.
    Tag(TagName),
    /// By digest, which never changes.
    Digest(Digest),
}

impl Reference {
    /// Reads a reference. No tag has a colon and every digest has one.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        if text.contains(':') {
            Ok(Self::Digest(text.parse()?))
        } else {
            Ok(Self::Tag(TagName::parse(text)?))
        }
    }

    /// The reference as text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Tag(tag) => tag.as_str(),
            Self::Digest(digest) => digest.as_str(),
        }
    }

    /// The tag, if it is one.
    pub const fn tag(&self) -> Option<&TagName> {
        match self {
            Self::Tag(tag) => Some(tag),
            Self::Digest(_) => None,
        }
    }

    /// The digest, if it is one.
    pub const fn digest(&self) -> Option<&Digest> {
        match self {
            Self::Tag(_) => None,
            Self::Digest(digest) => Some(digest),
        }
    }
}

/// Text in and out, the same for each kind of name.
macro_rules! textual {
    ($name:ident, $error:ident) => {
        impl FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Self::parse(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

textual!(RepositoryName, NameError);
textual!(TagName, TagError);
textual!(Reference, ReferenceError);

impl fmt::Debug for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for TagName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn repository_names() {
        for (text, project, rest) in [
            ("library/alpine", "library", "alpine"),
            ("a/b/c/d", "a", "b/c/d"),
            ("0/1", "0", "1"),
            ("p/a.b_c__d-e---f", "p", "a.b_c__d-e---f"),
            ("p/blobs/uploads", "p", "blobs/uploads"),
            ("manifests/tags/list", "manifests", "tags/list"),
        ] {
            let name = RepositoryName::parse(text).unwrap();
            assert_eq!((name.project(), name.rest()), (project, rest));
            assert_eq!(name.as_str(), text);
        }
        let longest = format!("p/{}", "a".repeat(253));
        assert!(RepositoryName::parse(&longest).is_ok());
    }

    #[test]
    fn refused_repository_names() {
        for text in [
            "", "/", "a/", "/a", "a//b", "A/b", "a/B", "a/..", "a/.", "../a", "a/.b", "a/b.",
            "a/_b", "a/b-", "a/b..c", "a/b___c", "a/b._c", "a/b-_c", "a/b c", "a/é", "a/b\0",
            "a/b%2fc", "a\\b/c", "a/b:c", "a/b@c", "_oci/ext",
        ] {
            assert_eq!(
                RepositoryName::parse(text),
                Err(NameError::Grammar),
                "{text}"
            );
        }
        assert_eq!(RepositoryName::parse("alpine"), Err(NameError::NoProject));
        let long = format!("p/{}", "a".repeat(254));
        assert_eq!(RepositoryName::parse(&long), Err(NameError::TooLong));
        assert_eq!(NameError::Grammar.code(), Code::NameInvalid);
        assert!(
            NameError::NoProject
                .to_string()
                .contains("<project>/<repository>")
        );
        assert!(NameError::TooLong.to_string().contains("255"));
    }

    #[test]
    fn tags() {
        for ok in [
            "latest",
            "v1.2.3",
            "_",
            "A",
            "0.1_x-y",
            "a..b",
            &"x".repeat(128),
        ] {
            assert_eq!(TagName::parse(ok).unwrap().as_str(), ok);
        }
        for bad in [
            "",
            ".a",
            "-a",
            "a b",
            "a/b",
            "a+b",
            "é",
            "..",
            "a\0",
            &"x".repeat(129),
        ] {
            assert_eq!(TagName::parse(bad), Err(TagError), "{bad}");
        }
    }

    #[test]
    fn references() {
        let digest = format!("sha256:{}", "0".repeat(64));
        assert!(matches!(Reference::parse("v1"), Ok(Reference::Tag(_))));
        assert!(Reference::parse(&digest).unwrap().digest().is_some());
        let code = |text: &str| Reference::parse(text).unwrap_err().code();
        assert_eq!(code("-v1"), Code::TagInvalid);
        assert_eq!(code("sha256:abc"), Code::DigestInvalid);
        assert_eq!(code("v1:latest"), Code::DigestInvalid);
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_keeps_the_text(text in "[a-z0-9A-Z._/:@-]{0,40}|.{0,40}") {
            if let Ok(name) = RepositoryName::parse(&text) {
                prop_assert_eq!(name.to_string(), text.clone());
                prop_assert_eq!(format!("{}/{}", name.project(), name.rest()), text.clone());
            }
            if let Ok(reference) = Reference::parse(&text) {
                prop_assert_eq!(reference.to_string(), text);
            }
        }

        #[test]
        fn legal_names_are_taken(
            text in "[a-z0-9]{1,4}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}(/[a-z0-9]{1,4}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}){1,3}"
        ) {
            prop_assert!(RepositoryName::parse(&text).is_ok());
        }

        #[test]
        fn legal_tags_are_taken(text in "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}") {
            prop_assert!(TagName::parse(&text).is_ok());
        }
    }
}
