//! Scopes of a token request (distribution token specification, "Requesting a token").
//!
//! Invariant: kinds, names and actions are printable ASCII of bounded length, and no list of
//! scopes is longer than [`Limits::TOKEN_SCOPES`] or names a resource twice.

use std::{collections::BTreeSet, fmt};

use berth_model::{Code, Coded, Limits};

/// Longest name: a repository, and the host with a port that some clients put before it.
const NAME_BYTES: usize = Limits::REPOSITORY_NAME_BYTES + 261;
/// Longest kind or action.
const WORD_BYTES: usize = 64;
/// Most actions on one resource; the specification knows four.
const ACTIONS: usize = 16;

/// The actions a scope may ask for. Others are carried along: asking for too much is no error.
#[derive(Clone, Copy, Debug)]
pub struct ScopeAction;

impl ScopeAction {
    /// Read manifests and blobs.
    pub const PULL: &str = "pull";
    /// Write manifests and blobs.
    pub const PUSH: &str = "push";
    /// Delete manifests, tags and blobs.
    pub const DELETE: &str = "delete";
    /// Everything.
    pub const ALL: &str = "*";
    /// Pull past the content policies, for scanners (Harbor).
    pub const SCANNER_PULL: &str = "scanner-pull";
}

/// One resource and what is to be done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// `repository` or `registry`; others grant nothing. The class in brackets is left out.
    pub kind: String,
    /// The resource's name, not yet known to be a legal repository name.
    pub name: String,
    /// The actions asked for.
    pub actions: BTreeSet<String>,
}

impl Scope {
    /// The kind of repositories.
    pub const REPOSITORY: &str = "repository";
    /// The kind of the registry itself; its only resource is `catalog`.
    pub const REGISTRY: &str = "registry";
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:", self.kind, self.name)?;
        for (index, action) in self.actions.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{action}")?;
        }
        Ok(())
    }
}

/// Why the scopes of a token request were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// Not `type:name:actions`, or with characters no name has.
    #[error("a scope is <type>:<name>:<action>,<action>, such as repository:library/alpine:pull")]
    Malformed,
    /// Too many resources.
    #[error(
        "a token is for at most {} resources; ask for fewer scopes",
        Limits::TOKEN_SCOPES
    )]
    TooMany,
}

impl Coded for ScopeError {
    fn code(&self) -> Code {
        Code::BadRequest
    }
}

/// Reads every `scope` parameter; each may hold several scopes separated by spaces.
///
/// Scopes of one resource are merged; resources keep the order in which they came first.
pub fn parse_scopes<'a>(values: impl Iterator<Item = &'a str>) -> Result<Vec<Scope>, ScopeError> {
    let mut scopes: Vec<Scope> = Vec::new();
    for text in values.flat_map(str::split_ascii_whitespace) {
        let scope = parse_scope(text)?;
        let same = |other: &&mut Scope| other.kind == scope.kind && other.name == scope.name;
        if let Some(known) = scopes.iter_mut().find(same) {
            known.actions.extend(scope.actions);
            if known.actions.len() > ACTIONS {
                return Err(ScopeError::Malformed);
            }
        } else if scopes.len() < Limits::TOKEN_SCOPES {
            scopes.push(scope);
        } else {
            return Err(ScopeError::TooMany);
        }
    }
    Ok(scopes)
}

/// Reads one scope, split at its first and last colon: the name may hold a host with a port.
fn parse_scope(text: &str) -> Result<Scope, ScopeError> {
    let (kind, rest) = text.split_once(':').ok_or(ScopeError::Malformed)?;
    let (name, actions) = rest.rsplit_once(':').ok_or(ScopeError::Malformed)?;
    let kind = match kind.split_once('(') {
        Some((kind, class)) => {
            let class = class.strip_suffix(')').ok_or(ScopeError::Malformed)?;
            if !is_word(class) {
                return Err(ScopeError::Malformed);
            }
            kind
        }
        None => kind,
    };
    if !is_word(kind) || !is_name(name) {
        return Err(ScopeError::Malformed);
    }
    let mut wanted = BTreeSet::new();
    for action in actions.split(',').filter(|action| !action.is_empty()) {
        let legal = action == ScopeAction::ALL || is_word(action);
        if !legal || wanted.len() == ACTIONS {
            return Err(ScopeError::Malformed);
        }
        wanted.insert(action.to_owned());
    }
    Ok(Scope {
        kind: kind.to_owned(),
        name: name.to_owned(),
        actions: wanted,
    })
}

fn is_word(text: &str) -> bool {
    (1..=WORD_BYTES).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_name(text: &str) -> bool {
    (1..=NAME_BYTES).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-/:*[]".contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(values: &[&str]) -> Result<String, ScopeError> {
        let scopes = parse_scopes(values.iter().copied())?;
        Ok(scopes
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" "))
    }

    #[test]
    fn scopes() {
        for (values, text) in [
            (&[][..], ""),
            (&["", "  "][..], ""),
            (&["repository:p/r:pull"][..], "repository:p/r:pull"),
            (
                &["repository:p/r:push,pull"][..],
                "repository:p/r:pull,push",
            ),
            (
                &["repository:p/r:pull,push repository:p/s:pull"][..],
                "repository:p/r:pull,push repository:p/s:pull",
            ),
            (
                &[
                    "repository:p/r:pull",
                    "repository:p/s:pull",
                    "repository:p/r:push",
                ][..],
                "repository:p/r:pull,push repository:p/s:pull",
            ),
            (&["registry:catalog:*"][..], "registry:catalog:*"),
            (&["repository(plugin):p/r:pull"][..], "repository:p/r:pull"),
            (
                &["repository:host.example:5000/p/r:pull"][..],
                "repository:host.example:5000/p/r:pull",
            ),
            (&["repository:a:b:pull"][..], "repository:a:b:pull"),
            (&["repository:p/r:"][..], "repository:p/r:"),
            (&["repository:p/r:pull,,pull"][..], "repository:p/r:pull"),
            (
                &["repository:p/r:scanner-pull"][..],
                "repository:p/r:scanner-pull",
            ),
        ] {
            assert_eq!(read(values).as_deref(), Ok(text), "{values:?}");
        }
    }

    /// The name is all between the outer colons, so it cannot pass for the part before a colon.
    #[test]
    fn the_name_keeps_its_colons() {
        let scopes = parse_scopes(["repository:p/r:x:pull"].into_iter()).unwrap();
        assert_eq!(scopes[0].name, "p/r:x");
        assert!(crate::RepositoryName::parse(&scopes[0].name).is_err());
    }

    #[test]
    fn refused_scopes() {
        let long = format!("repository:{}:pull", "a".repeat(NAME_BYTES + 1));
        let many: Vec<String> = (0..=ACTIONS).map(|n| format!("a{n}")).collect();
        let actions = format!("repository:p/r:{}", many.join(","));
        for value in [
            "repository",
            "repository:p/r",
            ":p/r:pull",
            "repository::pull",
            "repository(plugin:p/r:pull",
            "repository():p/r:pull",
            "Repository:p/r:pull",
            "repository:p/é:pull",
            "repository:p/r\0:pull",
            "repository:p/r:pu\"ll",
            "repository:p/\"r:pull",
            &long,
            &actions,
        ] {
            assert_eq!(read(&[value]), Err(ScopeError::Malformed), "{value}");
        }
        assert_eq!(ScopeError::Malformed.code().status(), 400);
    }

    #[test]
    fn scopes_are_counted_after_merging() {
        let scopes = |count: usize| -> Vec<String> {
            (0..count)
                .map(|n| format!("repository:p/r{n}:pull"))
                .collect()
        };
        let most = scopes(Limits::TOKEN_SCOPES).join(" ");
        assert!(read(&[&most, &most]).is_ok());
        let more = scopes(Limits::TOKEN_SCOPES + 1).join(" ");
        assert_eq!(read(&[&more]), Err(ScopeError::TooMany));
    }

    proptest! {
        #[test]
        fn accepted_scopes_read_back(value in ".{0,80}|(repository|registry):[a-z/:.0-9]{0,30}:[a-z,*]{0,20}( [a-z:,]{0,20})?") {
            if let Ok(scopes) = parse_scopes(std::iter::once(value.as_str())) {
                let texts: Vec<String> = scopes.iter().map(ToString::to_string).collect();
                prop_assert_eq!(parse_scopes(texts.iter().map(String::as_str)), Ok(scopes));
            }
        }
    }
}
