//! Patterns against cases written down, a naive matcher, and people who mean harm.

use proptest::prelude::*;

use super::*;

fn matches(pattern: &str, name: &str) -> bool {
    Pattern::parse(pattern).unwrap().matches(name)
}

#[test]
fn patterns_match_what_harbors_do() {
    for (pattern, name, wanted) in [
        ("", "anything/at/all", true),
        ("abc", "abc", true),
        ("abc", "abcd", false),
        ("*", "v1.0", true),
        ("*", "a/b", false),
        ("**", "a/b/c", true),
        ("**", "v1", true),
        ("a*", "a", true),
        ("a*/b", "abc/b", true),
        ("a*/b", "a/c/b", false),
        ("a/**", "a", false),
        ("a/**", "a/b", true),
        ("a/**", "a/b/c", true),
        ("**/c", "c", true),
        ("**/c", "a/b/c", true),
        ("**/c", "a/abc", false),
        ("a/**/b", "a/b", true),
        ("a/**/b", "a/x/y/b", true),
        ("a/**/b", "ab", false),
        ("a**b", "axxb", true),
        ("a**b", "a/b", false),
        ("**/*-dev", "team/app-dev", true),
        ("?", "a", true),
        ("?", "/", false),
        ("v?.?", "v1.2", true),
        ("ab[b-d]", "abc", true),
        ("ab[^b-d]", "abc", false),
        ("ab[!b-d]", "abe", true),
        ("a[^a]b", "a/b", false),
        ("[\\]a]", "]", true),
        ("[x\\-]", "-", true),
        ("a\\*b", "a*b", true),
        ("a\\*b", "axb", false),
        ("{v*,release-*}", "release-7", true),
        ("{v*,release-*}", "main", false),
        ("ab{c,d,*}", "abcde", true),
        ("{a/b,c}/d", "a/b/d", true),
        ("{a,{b,c}d}", "cd", true),
        ("{a,{b,c}d}", "b", false),
        ("a{,b}", "a", true),
        ("{**,x}", "a/b", true),
        ("}", "}", true),
        ("a,b", "a,b", true),
    ] {
        assert_eq!(matches(pattern, name), wanted, "{pattern} on {name}");
    }
}

#[test]
fn what_cannot_be_read_is_refused() {
    for pattern in ["[", "[a", "a[^", "{a,b", "{a,{b}", "\\", "a\\", "{[}"] {
        assert_eq!(
            Pattern::parse(pattern),
            Err(PatternError::Open),
            "{pattern}"
        );
    }
    for pattern in ["[]", "[^]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[z-a]"] {
        assert_eq!(
            Pattern::parse(pattern),
            Err(PatternError::Class),
            "{pattern}"
        );
    }
    let long = "a".repeat(LONGEST + 1);
    assert_eq!(Pattern::parse(&long), Err(PatternError::TooLong));
}

#[test]
fn braces_are_not_written_out_without_end() {
    for pattern in [
        "{a,b}".repeat(40),
        "{,}".repeat(340),
        format!("{}{}", "{".repeat(500), "}".repeat(500)),
    ] {
        // Written out, it would not fit into memory.
        let _ = Pattern::parse(&pattern);
    }
    assert_eq!(
        Pattern::parse(&"{a,b}".repeat(40)),
        Err(PatternError::TooMany)
    );
}

#[test]
fn hostile_patterns_end_soon() {
    let name = "a".repeat(255);
    for pattern in [
        "*a".repeat(500) + "b",
        "**/".repeat(340) + "b",
        "{*a,*b}*".repeat(5) + "c",
    ] {
        let pattern = Pattern::parse(&pattern).unwrap();
        // By trying every way it would not end in a lifetime.
        assert!(!pattern.matches(&name));
    }
}

/// By components, one choice after the other.
fn naive(pattern: &[&str], name: &[&str]) -> bool {
    match (pattern, name) {
        ([], []) | (["**"], [_, ..]) => true,
        (["**", rest @ ..], name) => {
            !name.is_empty() && (0..name.len()).any(|skip| naive(rest, &name[skip..]))
        }
        ([first, pattern @ ..], [component, name @ ..]) => {
            let (first, component): (Vec<char>, Vec<char>) =
                (first.chars().collect(), component.chars().collect());
            naive_component(&first, &component) && naive(pattern, name)
        }
        _ => false,
    }
}

fn naive_component(pattern: &[char], name: &[char]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        (['*', pattern @ ..], _) => {
            (0..=name.len()).any(|skip| naive_component(pattern, &name[skip..]))
        }
        (['?', pattern @ ..], [_, name @ ..]) => naive_component(pattern, name),
        ([one, pattern @ ..], [other, name @ ..]) => one == other && naive_component(pattern, name),
        _ => false,
    }
}

proptest! {
    #[test]
    fn patterns_match_as_the_naive_matcher_says(
        pattern in "[ab?*/]{1,9}|(\\*\\*|a|b|\\*|a\\*)(/(\\*\\*|a|b|\\*|\\*b)){0,4}",
        name in "[ab]{1,4}(/[ab]{1,3}){0,4}",
    ) {
        let components: Vec<&str> = pattern.split('/').collect();
        // `***` is no component of two stars, and an empty component no name.
        prop_assume!(!pattern.contains("***") && !components.contains(&""));
        let names: Vec<&str> = name.split('/').collect();
        prop_assert_eq!(matches(&pattern, &name), naive(&components, &names), "{} on {}", pattern, name);
    }

    #[test]
    fn no_text_is_too_much(pattern in "[a-c{},*?\\[\\]\\\\^!/-]{0,60}", name in "[a-c/]{0,30}") {
        if let Ok(pattern) = Pattern::parse(&pattern) {
            pattern.matches(&name);
        }
    }
}
