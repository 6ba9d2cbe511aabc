//! Rules as clients write them, and [`Rule`]: which tags a rule speaks of.
//!
//! Invariant: a [`Rule`] has patterns that were accepted; what cannot be read is refused when it
//! is written and never met later.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Pattern, PatternError};

/// Most selectors of one kind in a rule.
const MOST_SELECTORS: usize = 16;

/// Why a rule was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// A pattern that cannot be read.
    #[error("{0:?}: {1}")]
    Pattern(String, PatternError),
    /// A word that is none of those known.
    #[error("a rule's {what} is {known}, not {found:?}")]
    Word {
        /// What it is said of.
        what: &'static str,
        /// The words known.
        known: &'static str,
        /// The word found.
        found: String,
    },
    /// Without selectors of tags a rule says nothing.
    #[error("a rule needs a selector of tags: matches \"**\" means all")]
    NoTags,
    /// More selectors than anybody needs.
    #[error("a rule has at most {MOST_SELECTORS} selectors of a kind")]
    TooMany,
    /// A parameter that is missing or out of bounds.
    #[error("a rule {template} needs a whole number from 1 to {most} as its parameter")]
    Parameter {
        /// The rule's template.
        template: &'static str,
        /// The largest number allowed.
        most: i64,
    },
    /// Two rules that say the same.
    #[error("rule {0} says the same as rule {1}")]
    Twice(usize, usize),
    /// More rules than are read.
    #[error("a policy has at most {0} rules")]
    TooManyRules(usize),
}

/// Rules of two kinds look alike on the wire, and have names of their own in the API document.
macro_rules! wire {
    ($(#[$doc:meta])* $rule:ident, $(#[$selector_doc:meta])* $selector:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(default)]
        pub struct $rule {
            /// Its id, given by the server.
            pub id: i64,
            /// Kept as it is; rules have no order.
            pub priority: i64,
            /// Whether it is not applied for now.
            pub disabled: bool,
            /// What it does.
            pub action: String,
            /// What kind of rule it is.
            pub template: String,
            /// The template's numbers.
            #[serde(deserialize_with = "or_default")]
            pub params: BTreeMap<String, Value>,
            /// Which tags it speaks of: all must choose a tag.
            #[serde(deserialize_with = "or_default")]
            pub tag_selectors: Vec<$selector>,
            /// Under `repository`, which repositories: all must choose it.
            #[serde(deserialize_with = "or_default")]
            pub scope_selectors: BTreeMap<String, Vec<$selector>>,
        }

        $(#[$selector_doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(default)]
        pub struct $selector {
            /// How the pattern is written: `doublestar`.
            pub kind: String,
            /// `matches` or `excludes`, of repositories `repoMatches` or `repoExcludes`.
            pub decoration: String,
            /// The pattern.
            pub pattern: String,
            /// JSON: `{"untagged": false}` leaves artifacts without a tag out.
            #[serde(deserialize_with = "or_default")]
            pub extras: String,
        }

        impl $rule {
            /// The rule's selectors, read.
            pub fn selectors(&self) -> Result<Rule, RuleError> {
                let of = |selectors: &[$selector], matches, excludes, what| {
                    if selectors.len() > MOST_SELECTORS {
                        return Err(RuleError::TooMany);
                    }
                    selectors
                        .iter()
                        .map(|it| {
                            let words = (matches, excludes, what);
                            Selector::read((&it.kind, &it.decoration, &it.pattern, &it.extras), words)
                        })
                        .collect::<Result<Vec<_>, _>>()
                };
                if self.tag_selectors.is_empty() {
                    return Err(RuleError::NoTags);
                }
                if let Some(scope) = self.scope_selectors.keys().find(|it| *it != "repository") {
                    return Err(word("scope", "repository", scope));
                }
                let none = Vec::new();
                let repositories = self.scope_selectors.get("repository").unwrap_or(&none);
                Ok(Rule {
                    repositories: of(repositories, "repoMatches", "repoExcludes", REPOSITORY_WORDS)?,
                    tags: of(&self.tag_selectors, "matches", "excludes", TAG_WORDS)?,
                })
            }
        }
    };
}

wire! {
    /// A rule that keeps tags from being changed.
    ImmutableRule,
    /// A choice of tags or repositories.
    ImmutableSelector
}

wire! {
    /// A rule that keeps tags from being deleted by retention.
    RetentionRule,
    /// A choice of tags or repositories.
    RetentionSelector
}

const REPOSITORY_WORDS: &str = "repoMatches or repoExcludes";
const TAG_WORDS: &str = "matches or excludes";

/// Clients send null for what they leave out.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

pub(crate) fn word(what: &'static str, known: &'static str, found: &str) -> RuleError {
    let found = found.chars().take(80).collect();
    RuleError::Word { what, known, found }
}

#[derive(Clone, Debug)]
struct Selector {
    pattern: Pattern,
    excludes: bool,
    untagged: bool,
}

impl Selector {
    fn read(
        (kind, decoration, pattern, extras): (&str, &str, &str, &str),
        (matches, excludes, words): (&str, &str, &'static str),
    ) -> Result<Self, RuleError> {
        if !matches!(kind, "doublestar" | "") {
            return Err(word("kind of selector", "doublestar", kind));
        }
        let excludes = match decoration {
            found if found == matches => false,
            found if found == excludes => true,
            found => return Err(word("decoration", words, found)),
        };
        let untagged = match extras.trim() {
            "" => true,
            extras => serde_json::from_str::<Value>(extras)
                .ok()
                .filter(Value::is_object)
                .ok_or_else(|| word("extras", "a JSON object, written as a text", extras))?
                .get("untagged")
                .and_then(Value::as_bool)
                .unwrap_or(true),
        };
        Ok(Self {
            pattern: Pattern::parse(pattern)
                .map_err(|error| RuleError::Pattern(pattern.chars().take(80).collect(), error))?,
            excludes,
            untagged,
        })
    }

    fn chooses(&self, name: &str) -> bool {
        self.pattern.matches(name) != self.excludes
    }
}

/// Which repositories and tags a rule speaks of.
#[derive(Clone, Debug)]
pub struct Rule {
    repositories: Vec<Selector>,
    tags: Vec<Selector>,
}

impl Rule {
    /// Whether it speaks of a repository; `name` is without its project.
    pub fn covers(&self, name: &str) -> bool {
        self.repositories.iter().all(|it| it.chooses(name))
    }

    /// Whether it speaks of a tag, or of an artifact that has none.
    pub fn chooses(&self, tag: Option<&str>) -> bool {
        self.tags
            .iter()
            .all(|it| tag.map_or(it.untagged, |tag| it.chooses(tag)))
    }
}
