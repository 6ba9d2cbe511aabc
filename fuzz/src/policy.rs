//! What each target of `berth-policy` does with its bytes, and what must then hold.
//!
//! `crates/policy/tests/it` includes this file and runs the same functions over `seeds/` and
//! mutations of it.

use berth_policy::expression::LONGEST;
use berth_policy::pull::{Counts, Facts, Limits, PullRule};

/// A function that takes any bytes.
pub type Entry = fn(&[u8]);

/// Every target, by its name and the name of its folder under `seeds`.
pub const ENTRIES: [(&str, Entry); 1] = [("pull_rule", pull_rule)];

/// Rules in CEL, and limits.
pub fn pull_rule(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    if let Ok(limits) = Limits::parse(text) {
        let written = limits.to_string();
        assert_eq!(Limits::parse(&written).expect("what it writes"), limits);
        assert_eq!(limits.exceeded(&Counts::default()), None);
    }
    match PullRule::parse(text) {
        Ok(rule) => {
            assert!(text.len() <= LONGEST);
            assert_eq!(rule.text(), text);
            let facts = Facts {
                scanned: true,
                repository: "team/app",
                tags: (0..100).map(|nr| format!("v{nr}")).collect(),
                ..Facts::default()
            };
            // The same of the same, whatever it is.
            assert_eq!(rule.holds(&facts), rule.holds(&facts));
        }
        Err(error) => {
            let lines: Vec<&str> = text.split('\n').collect();
            let line = lines.get(error.line - 1).expect("a line of the text");
            assert!(error.column <= line.chars().count() + 1, "{error}");
        }
    }
}
