//! Every template, and what follows for artifacts.

use serde_json::json;

use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_000 * 86_400);

fn day(days_ago: i64) -> Timestamp {
    Timestamp::from_seconds((1_000 - days_ago) * 86_400)
}

fn rule(template: &str, number: i64, tags: &str) -> RetentionRule {
    serde_json::from_value(json!({
        "action": "retain",
        "template": template,
        "params": {template: number},
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": tags}],
        "scope_selectors": {"repository":
            [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]},
    }))
    .unwrap()
}

fn tag(name: &str, digest: &str, pushed: i64, pulled: Option<i64>) -> Tagged {
    Tagged {
        name: name.to_owned(),
        digest: digest.to_owned(),
        pushed_at: day(pushed),
        pulled_at: pulled.map(day),
    }
}

fn held(digest: &str) -> Held {
    Held {
        digest: digest.to_owned(),
        pushed_at: day(30),
        pulled_at: None,
        fresh: false,
        children: Vec::new(),
        subject: None,
    }
}

fn plan(rules: &[RetentionRule], tags: &[Tagged], held: &[Held]) -> Plan {
    let rules = RetentionRules::read(rules).unwrap();
    rules.plan("app", tags.to_vec(), held, &Immutability::default(), NOW)
}

/// The names of what is kept, and the digests of what goes.
fn outcome(plan: &Plan) -> (Vec<&str>, Vec<&str>) {
    let mut kept: Vec<&str> = plan
        .reviewed
        .iter()
        .filter(|it| it.decision != Decision::Delete)
        .map(|it| it.candidate.name())
        .collect();
    let mut gone: Vec<&str> = plan.artifacts.iter().map(String::as_str).collect();
    kept.sort_unstable();
    gone.sort_unstable();
    (kept, gone)
}

/// Four tags of four artifacts: pushed and pulled so many days ago.
fn four() -> (Vec<Tagged>, Vec<Held>) {
    let tags = vec![
        tag("a", "A", 1, None),
        tag("b", "B", 5, Some(2)),
        tag("c", "C", 10, Some(1)),
        tag("d", "D", 20, Some(15)),
    ];
    (tags, vec![held("A"), held("B"), held("C"), held("D")])
}

#[test]
fn each_template_keeps_what_it_says() {
    let (tags, artifacts) = four();
    for (template, number, kept) in [
        ("latestPushedK", 2, vec!["a", "b"]),
        ("latestPulledN", 2, vec!["b", "c"]),
        ("latestPulledN", 4, vec!["a", "b", "c", "d"]),
        ("nDaysSinceLastPush", 5, vec!["a", "b"]),
        ("nDaysSinceLastPull", 3, vec!["b", "c"]),
        ("always", 0, vec!["a", "b", "c", "d"]),
        ("latestActiveK", 3, vec!["a", "b", "c"]),
        ("lastXDays", 16, vec!["a", "b", "c", "d"]),
        ("lastXDays", 3, vec!["a", "b", "c"]),
    ] {
        let plan = plan(&[rule(template, number, "**")], &tags, &artifacts);
        assert_eq!(outcome(&plan).0, kept, "{template} {number}");
        assert_eq!(plan.artifacts.len(), 4 - kept.len(), "{template} {number}");
    }
}

#[test]
fn what_any_rule_keeps_is_kept_and_the_rule_is_named() {
    let (tags, artifacts) = four();
    let rules = [rule("latestPushedK", 1, "{a,b}"), rule("always", 0, "d")];
    let plan = plan(&rules, &tags, &artifacts);
    assert_eq!(outcome(&plan), (vec!["a", "d"], vec!["B", "C"]));
    let by: Vec<_> = plan
        .reviewed
        .iter()
        .map(|it| (it.candidate.name(), it.decision))
        .collect();
    assert!(by.contains(&("a", Decision::Retain { rule: 1 })), "{by:?}");
    assert!(by.contains(&("d", Decision::Retain { rule: 2 })), "{by:?}");
}

#[test]
fn a_kept_tag_does_not_keep_its_siblings() {
    let tags = [tag("v1", "A", 9, None), tag("old", "A", 9, None)];
    let plan = plan(&[rule("always", 0, "v*")], &tags, &[held("A")]);
    assert_eq!(outcome(&plan), (vec!["v1"], vec![]));
}

#[test]
fn untagged_artifacts_are_kept_only_where_a_rule_speaks_of_them() {
    let new = Held {
        fresh: true,
        ..held("N")
    };
    let artifacts = [held("A"), new];
    let kept = plan(&[rule("always", 0, "v*")], &[], &artifacts);
    assert_eq!(outcome(&kept), (vec!["A"], vec![]));
    let mut without = rule("always", 0, "**");
    without.tag_selectors[0].extras = r#"{"untagged": false}"#.to_owned();
    let gone = plan(&[without], &[], &artifacts);
    assert_eq!(outcome(&gone), (vec![], vec!["A"]));
}

#[test]
fn what_belongs_to_a_kept_artifact_stays() {
    let index = Held {
        children: vec!["C1".to_owned(), "C2".to_owned()],
        ..held("I")
    };
    let signature = Held {
        subject: Some("C1".to_owned()),
        ..held("S")
    };
    let artifacts = [index, held("C1"), held("C2"), signature];
    // A child has a tag of its own, which no rule keeps: the tag goes, the artifact stays.
    let tags = [
        tag("v1", "I", 9, None),
        tag("x86", "C1", 9, None),
        tag("sig", "S", 9, None),
    ];
    let kept = plan(&[rule("always", 0, "v1")], &tags, &artifacts);
    assert_eq!(outcome(&kept), (vec!["v1"], vec![]));
    assert_eq!(
        kept.reviewed.len(),
        2,
        "a signature's tag follows what it signs"
    );
    let gone = plan(&[rule("always", 0, "none")], &tags, &artifacts);
    assert_eq!(outcome(&gone), (vec![], vec!["C1", "I"]));
}

#[test]
fn immutable_tags_are_never_deleted() {
    let (tags, artifacts) = four();
    let stored =
        json!({"tag_selectors": [{"decoration": "matches", "pattern": "{a,d}"}]}).to_string();
    let immutable = Immutability::of("app", [stored.as_str()]);
    let rules = RetentionRules::read(&[rule("latestPushedK", 1, "**")]).unwrap();
    let plan = rules.plan("app", tags, &artifacts, &immutable, NOW);
    assert_eq!(outcome(&plan), (vec!["a", "d"], vec!["B", "C"]));
    let decisions: Vec<_> = plan.reviewed.iter().map(|it| it.decision).collect();
    assert_eq!(
        decisions,
        [
            Decision::Immutable,
            Decision::Delete,
            Decision::Delete,
            Decision::Retain { rule: 1 }
        ]
    );
}

#[test]
fn a_pull_by_digest_counts_for_all_tags() {
    let artifact = Held {
        pulled_at: Some(day(1)),
        ..held("A")
    };
    let tags = [tag("a", "A", 90, Some(80)), tag("b", "A", 90, None)];
    let rules = [rule("nDaysSinceLastPull", 7, "**")];
    let plan = plan(&rules, &tags, std::slice::from_ref(&artifact));
    assert_eq!(outcome(&plan).0, ["a", "b"]);
    // The last pull was that of tag a: b is as unused as it looks.
    let tags = [tag("a", "A", 90, Some(1)), tag("b", "A", 90, None)];
    let plan = super::tests::plan(&rules, &tags, &[artifact]);
    assert_eq!(outcome(&plan).0, ["a"]);
}

#[test]
fn a_repository_of_which_no_rule_speaks_is_left_alone() {
    let (tags, artifacts) = four();
    let mut elsewhere = rule("latestPushedK", 1, "**");
    elsewhere.scope_selectors.get_mut("repository").unwrap()[0].pattern = "other/**".to_owned();
    assert_eq!(plan(&[elsewhere], &tags, &artifacts), Plan::default());
    let mut disabled = rule("latestPushedK", 1, "**");
    disabled.disabled = true;
    assert_eq!(plan(&[disabled], &tags, &artifacts), Plan::default());
}

#[test]
fn policies_are_refused_with_a_reason() {
    let read = |rules: &[RetentionRule]| RetentionRules::read(rules).err();
    let one = rule("latestPushedK", 1, "**");
    assert_eq!(
        read(&[one.clone(), one.clone()]),
        Some(RuleError::Twice(2, 1))
    );
    let many: Vec<_> = (1..=16).map(|n| rule("latestPushedK", n, "**")).collect();
    assert_eq!(read(&many), Some(RuleError::TooManyRules(15)));
    for number in [
        json!(0),
        json!(-1),
        json!(1.5),
        json!("x"),
        json!(null),
        json!(1e300),
    ] {
        let mut rule = one.clone();
        rule.params
            .insert("latestPushedK".to_owned(), number.clone());
        assert!(
            matches!(read(&[rule]), Some(RuleError::Parameter { .. })),
            "{number}"
        );
    }
    for number in [json!(3), json!(3.0), json!("3")] {
        let mut rule = one.clone();
        rule.params.insert("latestPushedK".to_owned(), number);
        assert_eq!(read(&[rule]), None);
    }
    assert!(matches!(
        read(&[rule("nothing", 1, "**")]),
        Some(RuleError::Word { .. })
    ));
    assert!(matches!(
        read(&[rule("always", 1, "[")]),
        Some(RuleError::Pattern(..))
    ));
}
