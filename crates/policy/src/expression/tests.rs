use proptest::prelude::*;

use super::*;

const VARIABLES: [(&str, Type); 5] = [
    ("count", Type::INT),
    ("yes", Type::BOOL),
    ("name", Type::TEXT),
    ("tags", Type::List(Element::Text)),
    ("many", Type::List(Element::Text)),
];

fn values() -> Vec<Value> {
    let many: Vec<String> = (0..100).map(|nr| format!("v{nr}")).collect();
    vec![
        Value::Int(3),
        Value::Bool(true),
        Value::text("team/app"),
        Value::texts(["v1", "v2", "latest"]),
        Value::texts(many.iter().map(String::as_str)),
    ]
}

fn evaluate(text: &str) -> Result<Value, String> {
    let read = Expression::parse(text, &VARIABLES, Type::BOOL).map_err(|it| it.to_string())?;
    read.evaluate(&values()).map_err(|it| it.to_string())
}

#[test]
fn expressions_come_to_what_cel_says() {
    for text in [
        "true",
        "!false && !!yes",
        "count == 3",
        "count != 4 && count < 4 && count <= 3 && count > 2 && count >= 3",
        "count < 3.5 && 2.5 < count && count == 3.0 && !(count == 3.1)",
        "1 + 2 * 3 == 7 && (1 + 2) * 3 == 9 && 7 / 2 == 3 && -7 / 2 == -3 && -7 % 3 == -1",
        "10 - 3 - 2 == 5",
        "--1 == 1 && -count == -3 && 0x1F == 31 && 1.5e3 == 1500.0 && .5 < 1.0",
        "9223372036854775807 > 9223372036854775806.0 || true",
        "9007199254740993 > 9007199254740992.0",
        "double(count) / 2.0 == 1.5",
        "1.0 / 0.0 > 1000000",
        "yes || count / 0 == 1",
        "count / 0 == 1 || yes",
        "!(false && count / 0 == 1) && !(count / 0 == 1 && false)",
        "yes ? count == 3 : count / 0 == 1",
        "(false ? 1 : yes ? 2 : 3) == 2",
        "'v1' in tags && !('v9' in tags) && count in [1, 2, 3,]",
        "tags.size() == 3 && size(tags) == 3 && size('añb') == 3",
        "tags[2] == 'latest' && [1, 2][0] == 1",
        "tags == ['v1', 'v2', 'latest'] && tags != ['v1']",
        "name.startsWith('team/') && name.endsWith('app') && name.contains('m/a')",
        "name.matches('^[a-z]+/app$') && !name.matches('^app')",
        "'it\\'s \\u00e9 \\\\ \\n' == \"it's é \\\\ \\n\" && r'\\d' == '\\\\d'",
        "tags.all(t, size(t) > 1) && tags.exists(t, t == 'latest')",
        "tags.exists_one(t, t.startsWith('l')) && !tags.exists_one(t, t.startsWith('v'))",
        "tags.filter(t, t.startsWith('v')).size() == 2",
        "tags.exists(t, tags.all(u, u == t || u != t))",
        "tags.exists(t, size(t) / (size(t) - 2) == 1)",
        "'b' > 'a' && 'B' < 'a'",
        "true // and so on\n && yes",
        "count < 30 == true",
    ] {
        assert_eq!(evaluate(text), Ok(Value::Bool(true)), "{text}");
    }
    for (text, why) in [
        ("count / 0 == 1", "divided by zero"),
        ("count % 0 == 1", "divided by zero"),
        ("9223372036854775807 + count > 0", "too large"),
        ("-(0 - 9223372036854775807 - 1) > 0", "too large"),
        ("(0 - 9223372036854775807 - 1) / -1 > 0", "too large"),
        ("tags[3] == ''", "no such place"),
        ("tags[-1] == ''", "no such place"),
        ("tags.all(t, size(t) / 0 == 1)", "divided by zero"),
        (
            "many.all(a, many.all(b, many.all(c, a + 1 == 1 || true)))",
            "do not go together",
        ),
        (
            "many.all(a, many.all(b, many.all(c, c != 'x')))",
            "too many steps",
        ),
        ("many.all(a, many.all(b, b.matches('v')))", "too many steps"),
        ("many.all(a, many.all(b, b in many))", "too many steps"),
        ("true || many.all(a, many.all(b, many.all(c, true)))", ""),
        (
            "many.all(a, many.all(b, many.all(c, true))) || true",
            "too many steps",
        ),
    ] {
        match evaluate(text) {
            Ok(_) => assert!(why.is_empty(), "{text}"),
            Err(error) => assert!(!why.is_empty() && error.contains(why), "{text}: {error}"),
        }
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, said) in [
        ("", "line 1, column 1: a value is missing before the end"),
        (
            "count == ",
            "line 1, column 10: a value is missing before the end",
        ),
        (
            "count ==\n &&",
            "line 2, column 2: a value is missing before \"&&\"",
        ),
        ("count = 1", "line 1, column 7: \"=\" sets nothing here"),
        ("yes & yes", "line 1, column 5: write \"&&\""),
        (
            "nothing == 1",
            "line 1, column 1: there is no \"nothing\"; known are count, yes",
        ),
        ("yes && é", "line 1, column 8: 'é' is not understood"),
        ("'é' == nope", "line 1, column 8: there is no \"nope\""),
        (
            "count == 'a'",
            "line 1, column 7: int cannot be compared so with string",
        ),
        ("yes < yes", "line 1, column 5: bool cannot be compared so"),
        (
            "count + 1.5 > 1.0",
            "column 7: int and double do not go together here: write double",
        ),
        (
            "name + 'a' == ''",
            "column 6: string and string do not go together",
        ),
        (
            "count && yes",
            "line 1, column 1: what \"&&\" joins must be bool, not int",
        ),
        (
            "yes && count",
            "line 1, column 8: what \"&&\" joins must be bool, not int",
        ),
        ("count", "the rule is int, and must be bool"),
        ("!count", "must be bool, not int"),
        ("-yes", "bool has no negative"),
        ("yes yes", "line 1, column 5: \"yes\" is not expected here"),
        ("(yes", "line 1, column 5: \")\" is missing before the end"),
        ("[yes", "\",\" is missing before the end"),
        ("count in tags", "int cannot be in list(string)"),
        ("1 in 2", "int cannot be in int"),
        (
            "[1, 'a'].size() > 0",
            "an entry of this list must be int, not string",
        ),
        ("[[1]].size() > 0", "a list of lists is not known here"),
        ("[].size() > 0", "a value is missing before \"]\""),
        (
            "tags.nothing() > 0",
            "there is no function \"nothing\" of list(string)",
        ),
        ("nothing(1)", "there is no function \"nothing\""),
        ("name.first == 1", "string has no field \"first\""),
        ("name[0] == 'a'", "string has no places"),
        ("tags['a'] == 'a'", "a place must be int, not string"),
        ("count.all(t, true)", "int is no list to go through"),
        ("tags.all(tags, true)", "\"tags\" is taken"),
        ("tags.all(t, tags.all(t, true))", "\"t\" is taken"),
        ("tags.all(t, 1)", "what is asked of each must be bool"),
        (
            "tags.all(1, true)",
            "a name for what is gone through is missing",
        ),
        ("t == 'a' || tags.all(t, true)", "there is no \"t\""),
        (
            "name.matches(name)",
            "matches takes a pattern that is written here",
        ),
        (
            "name.matches('(')",
            "this is no pattern, or one that is too large",
        ),
        (
            "name.matches('(.{200}){200}')",
            "this is no pattern, or one that is too large",
        ),
        ("name.startsWith(1)", "what startsWith takes must be string"),
        ("yes ? 1 : 'a'", "both ends of \"? :\" must be alike"),
        ("size(count) > 1", "int has no size"),
        ("double(name) > 1.0", "string is no number"),
        ("'abc", "column 1: a string does not end"),
        ("yes == 'a\nb'", "line 1, column 8: a string does not end"),
        ("'\\q' == ''", "column 2: this escape is not known"),
        ("'\\u12' == ''", "\\u takes four hexadecimal digits"),
        ("'\\ud800' == ''", "\\u takes four hexadecimal digits"),
        (
            "9223372036854775808 > 1",
            "a whole number must be below 2^63",
        ),
        ("1u == 1", "a number must end before a letter"),
        ("null == yes", "there is no \"null\""),
        ("{'a': 1}.size() > 0", "a value is missing before \"{\""),
        ("yes; yes", "\";\" is not expected here"),
    ] {
        let error = evaluate(text).expect_err(text);
        assert!(error.contains(said), "{text}: {error}");
    }
}

/// None of these may exhaust the stack, which in tests is two megabytes.
#[test]
fn what_is_deep_or_long_is_refused() {
    let both = |open: &str, inner: &str, close: &str| {
        let times = (LONGEST - 40) / (open.len() + close.len());
        format!(
            "{}{inner}{}",
            open.repeat(times - 2),
            close.repeat(times - 2)
        )
    };
    for text in [
        both("(", "yes", ")"),
        both("(", "", ""),
        both("[", "1", "]"),
        both("[", "", ""),
        both("size(", "name", ")"),
        both("!(", "yes", ")"),
        both("-(", "1", ")"),
        both("tags.all(t,", "", ")"),
        both("tags[", "0", "]"),
        both("yes?", "yes", ":yes"),
        both("yes?yes:", "yes", ""),
        both("1+", "1", "") + " > 0",
        both("1-", "1", "") + " > 0",
        both("1*", "1", "") + " > 0",
        both("1==", "1", ""),
        both("1<", "1", ""),
        "tags".to_owned() + &".filter(t,yes)".repeat(100) + ".size() > 0",
        "x".repeat(LONGEST + 1),
        "yes".to_owned() + &" ".repeat(LONGEST),
        both("{", "", ""),
        both("\"", "", ""),
        both(".", "", ""),
        both("\u{1}\u{ffff}", "", ""),
    ] {
        evaluate(&text).expect_err(&text);
    }
    // What is flat is not deep.
    for text in [
        both("yes&&", "yes", ""),
        both("false||", "yes", ""),
        both("!", "yes", ""),
    ] {
        assert!(text.len() > 1000 && evaluate(&text).is_ok(), "{text}");
    }
    let list = format!("count in [{}3]", "1,".repeat(900));
    assert_eq!(evaluate(&list), Ok(Value::Bool(true)));
}

proptest! {
    #[test]
    fn no_text_is_more_than_wrong(text in "\\PC{0,60}") {
        let _ = evaluate(&text);
    }

    #[test]
    fn no_words_are_more_than_wrong(words in prop::collection::vec(prop::sample::select(vec![
        "count", "yes", "name", "tags", "many", "t", "1", "2.5", "'a'", "(", ")", "[", "]", ",",
        ".", "&&", "||", "==", "<", "in", "+", "-", "!", "?", ":", ".size()", ".all(t,", "*", "/",
    ]), 0..30)) {
        let _ = evaluate(&words.join(" "));
    }
}
