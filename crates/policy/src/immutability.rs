//! [`Immutability`]: whether a tag may be moved or deleted.
//!
//! Invariant: a rule that was stored is applied; one that cannot be read any more protects all.

use crate::rule::word;
use crate::{ImmutableRule, Rule, RuleError};

/// The rules of a project that apply to one repository.
#[derive(Clone, Debug, Default)]
pub struct Immutability {
    rules: Vec<Rule>,
    unreadable: bool,
}

impl ImmutableRule {
    /// Reads the rule, or says what is wrong with it. An action and a template that are left out
    /// are the only ones there are.
    pub fn check(&self) -> Result<Rule, RuleError> {
        if !matches!(self.action.as_str(), "" | "immutable") {
            return Err(word("action", "immutable", &self.action));
        }
        if !matches!(self.template.as_str(), "" | "immutable_template") {
            return Err(word("template", "immutable_template", &self.template));
        }
        self.selectors()
    }
}

impl Immutability {
    /// Of those stored rules that speak of a repository; `name` is without its project.
    pub fn of<'a>(name: &str, rules: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all = Self::default();
        for stored in rules {
            let read = serde_json::from_str::<ImmutableRule>(stored).ok();
            match read.and_then(|rule| Some((rule.disabled, rule.check().ok()?))) {
                Some((true, _)) => {}
                Some((false, rule)) => {
                    if rule.covers(name) {
                        all.rules.push(rule);
                    }
                }
                None => all.unreadable = true,
            }
        }
        all
    }

    /// Whether no rule speaks of the repository.
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty() && !self.unreadable
    }

    /// Whether a tag of the repository must stay as it is.
    pub fn protects(&self, tag: &str) -> bool {
        self.unreadable || self.rules.iter().any(|rule| rule.chooses(Some(tag)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(repositories: &str, tags: &str, disabled: bool) -> String {
        serde_json::json!({
            "disabled": disabled,
            "action": "immutable",
            "template": "immutable_template",
            "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": tags}],
            "scope_selectors": {"repository":
                [{"kind": "doublestar", "decoration": "repoMatches", "pattern": repositories}]},
        })
        .to_string()
    }

    #[test]
    fn a_rule_protects_where_it_speaks() {
        let rules = [stored("app/**", "v*", false), stored("**", "release", true)];
        let of = |name| Immutability::of(name, rules.iter().map(String::as_str));
        assert!(of("app/web").protects("v1"));
        assert!(!of("app/web").protects("main"));
        assert!(!of("app/web").protects("release"), "the rule is disabled");
        assert!(of("other").is_empty());
    }

    #[test]
    fn what_cannot_be_read_protects() {
        assert!(Immutability::of("app", ["{"]).protects("anything"));
        assert!(!Immutability::of("app", ["{"]).is_empty());
    }

    #[test]
    fn rules_are_refused_with_a_reason() {
        let mut rule = ImmutableRule::default();
        assert_eq!(rule.check().err(), Some(RuleError::NoTags));
        rule = serde_json::from_str(&stored("**", "[", false)).unwrap();
        assert!(matches!(rule.check(), Err(RuleError::Pattern(..))));
        rule = serde_json::from_str(&stored("**", "v*", false)).unwrap();
        rule.tag_selectors[0].decoration = "repoMatches".to_owned();
        assert!(matches!(rule.check(), Err(RuleError::Word { .. })));
        rule.tag_selectors[0].decoration = "matches".to_owned();
        rule.action = "retain".to_owned();
        assert!(matches!(rule.check(), Err(RuleError::Word { .. })));
    }
}
