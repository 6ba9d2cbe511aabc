//! Rules about tags: which are chosen, which may not change, which are kept; and about pulls: which
//! images may be.
//!
//! Invariant: nothing here reads or writes anything. A decision follows from what is passed in, so
//! a dry run and the run that deletes decide alike; and a pattern that was accepted is matched in
//! time bounded by its length and that of the name.

pub mod expression;
mod glob;
mod immutability;
pub mod pull;
mod retention;
mod rule;

pub use glob::{Pattern, PatternError};
pub use immutability::Immutability;
pub use retention::{
    Candidate, Decision, Held, Plan, RetentionRules, Reviewed, TEMPLATES, Tagged, Template, Unit,
};
pub use rule::{
    ImmutableRule, ImmutableSelector, RetentionRule, RetentionSelector, Rule, RuleError,
};
