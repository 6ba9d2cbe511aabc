//! [`RetentionRules`]: which tags of a repository are kept, and by which rule.
//!
//! Invariants: a tag is deleted only if no rule keeps it, whatever other tags name the same
//! artifact; an artifact goes only if no tag of it is left and nothing that stays needs it; a tag
//! that is immutable is not deleted.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use berth_model::Timestamp;

use crate::rule::word;
use crate::{Immutability, RetentionRule, Rule, RuleError};

mod plan;

pub use plan::{Candidate, Decision, Held, Plan, Reviewed, Tagged};

/// Most rules of a policy.
const MOST_RULES: usize = 15;
const DAY: Duration = Duration::from_hours(24);

/// What the number of a template counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Tags.
    Count,
    /// Days.
    Days,
    /// It has no number.
    None,
}

/// A kind of retention rule.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// Its name on the wire, and that of its parameter.
    pub name: &'static str,
    /// What it keeps, with `#` for its number.
    pub keeps: &'static str,
    /// What the number counts.
    pub unit: Unit,
    /// Whether it is offered; the others are taken from old policies.
    pub offered: bool,
    test: Test,
}

#[derive(Clone, Copy, Debug)]
enum Test {
    Latest(Time),
    Within(Time),
    Always,
}

#[derive(Clone, Copy, Debug)]
enum Time {
    Pushed,
    Pulled,
    Active,
}

impl Time {
    fn of(self, candidate: &Candidate) -> Option<Timestamp> {
        match self {
            Self::Pushed => Some(candidate.pushed_at),
            Self::Pulled => candidate.pulled_at,
            Self::Active => Some(candidate.pushed_at).max(candidate.pulled_at),
        }
    }
}

const fn template(
    name: &'static str,
    keeps: &'static str,
    unit: Unit,
    offered: bool,
    test: Test,
) -> Template {
    Template {
        name,
        keeps,
        unit,
        offered,
        test,
    }
}

/// Every kind of rule.
pub const TEMPLATES: &[Template] = &[
    template(
        "latestPushedK",
        "the most recently pushed # artifacts",
        Unit::Count,
        true,
        Test::Latest(Time::Pushed),
    ),
    template(
        "latestPulledN",
        "the most recently pulled # artifacts",
        Unit::Count,
        true,
        Test::Latest(Time::Pulled),
    ),
    template(
        "nDaysSinceLastPush",
        "pushed within the last # days",
        Unit::Days,
        true,
        Test::Within(Time::Pushed),
    ),
    template(
        "nDaysSinceLastPull",
        "pulled within the last # days",
        Unit::Days,
        true,
        Test::Within(Time::Pulled),
    ),
    template("always", "always", Unit::None, true, Test::Always),
    template(
        "latestActiveK",
        "the most recently active # artifacts",
        Unit::Count,
        false,
        Test::Latest(Time::Active),
    ),
    template(
        "lastXDays",
        "active within the last # days",
        Unit::Days,
        false,
        Test::Within(Time::Active),
    ),
];

#[derive(Clone, Debug)]
struct Kept {
    /// Where it stands in the policy, from 1.
    number: usize,
    rule: Rule,
    template: &'static Template,
    parameter: i64,
}

/// The rules of a policy, read.
#[derive(Clone, Debug)]
pub struct RetentionRules {
    rules: Vec<Kept>,
}

impl RetentionRules {
    /// Reads the rules of a policy, or says what is wrong with them.
    pub fn read(rules: &[RetentionRule]) -> Result<Self, RuleError> {
        if rules.len() > MOST_RULES {
            return Err(RuleError::TooManyRules(MOST_RULES));
        }
        let mut all = Vec::with_capacity(rules.len());
        let mut seen: Vec<RetentionRule> = Vec::new();
        for (at, rule) in rules.iter().enumerate() {
            let same = RetentionRule {
                id: 0,
                ..rule.clone()
            };
            if let Some(before) = seen.iter().position(|before| *before == same) {
                return Err(RuleError::Twice(at + 1, before + 1));
            }
            seen.push(same);
            let kept = Kept::read(at + 1, rule)?;
            if !rule.disabled {
                all.push(kept);
            }
        }
        Ok(Self { rules: all })
    }

    /// Whether some rule speaks of a repository; one of which none does is left alone. `name` is
    /// without its project.
    pub fn cover(&self, name: &str) -> bool {
        self.rules.iter().any(|kept| kept.rule.covers(name))
    }

    /// What becomes of each tag of a repository, and of each artifact without one.
    pub fn plan(
        &self,
        name: &str,
        tags: Vec<Tagged>,
        held: &[Held],
        immutable: &Immutability,
        now: Timestamp,
    ) -> Plan {
        let covering: Vec<&Kept> = self
            .rules
            .iter()
            .filter(|it| it.rule.covers(name))
            .collect();
        if covering.is_empty() {
            return Plan::default();
        }
        let candidates = plan::candidates(tags, held);
        let mut by: Vec<Option<usize>> = vec![None; candidates.len()];
        for kept in covering {
            for at in kept.keeps(&candidates, now) {
                by[at].get_or_insert(kept.number);
            }
        }
        let reviewed = candidates
            .into_iter()
            .zip(by)
            .map(|(candidate, by)| {
                let protected = candidate
                    .tag
                    .as_deref()
                    .is_some_and(|it| immutable.protects(it));
                let decision = match by {
                    Some(rule) => Decision::Retain { rule },
                    None if protected => Decision::Immutable,
                    None => Decision::Delete,
                };
                Reviewed {
                    candidate,
                    decision,
                }
            })
            .collect();
        plan::settle(reviewed, held)
    }
}

impl Kept {
    fn read(number: usize, rule: &RetentionRule) -> Result<Self, RuleError> {
        if !matches!(rule.action.as_str(), "" | "retain") {
            return Err(word("action", "retain", &rule.action));
        }
        let template = TEMPLATES
            .iter()
            .find(|it| it.name == rule.template)
            .ok_or_else(|| {
                let known = "latestPushedK, latestPulledN, nDaysSinceLastPush, \
                             nDaysSinceLastPull, always, latestActiveK or lastXDays";
                word("template", known, &rule.template)
            })?;
        let most = match template.unit {
            Unit::None => 0,
            Unit::Count => 1_000_000,
            Unit::Days => 36_500,
        };
        let parameter = if template.unit == Unit::None {
            0
        } else {
            rule.params
                .get(template.name)
                .and_then(whole)
                .filter(|number| (1..=most).contains(number))
                .ok_or(RuleError::Parameter {
                    template: template.name,
                    most,
                })?
        };
        Ok(Self {
            number,
            rule: rule.selectors()?,
            template,
            parameter,
        })
    }

    /// Which of the candidates it keeps.
    fn keeps(&self, candidates: &[Candidate], now: Timestamp) -> Vec<usize> {
        let mut chosen: Vec<usize> = (0..candidates.len())
            .filter(|at| self.rule.chooses(candidates[*at].tag.as_deref()))
            .collect();
        match self.template.test {
            Test::Always => {}
            Test::Within(time) => {
                let days = u32::try_from(self.parameter).unwrap_or(u32::MAX);
                let since = now.minus(DAY * days);
                chosen.retain(|at| time.of(&candidates[*at]) >= Some(since));
            }
            Test::Latest(time) => {
                // Of those that were never pulled the newest come first; names make it one order.
                chosen.sort_by(|one, other| {
                    let key = |at: usize| {
                        let it = &candidates[at];
                        (time.of(it), it.pushed_at)
                    };
                    key(*other)
                        .cmp(&key(*one))
                        .then_with(|| candidates[*one].name().cmp(candidates[*other].name()))
                });
                chosen.truncate(usize::try_from(self.parameter).unwrap_or(usize::MAX));
            }
        }
        chosen
    }
}

/// A whole number, as clients write one.
fn whole(value: &serde_json::Value) -> Option<i64> {
    match value {
        serde_json::Value::String(text) => text.trim().parse().ok(),
        value => value.as_i64().or_else(|| {
            let number = value.as_f64()?;
            (number.fract() == 0.0 && number.abs() < 1e12).then_some(number as i64)
        }),
    }
}

#[cfg(test)]
mod tests;
