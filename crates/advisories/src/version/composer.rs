//! The order of Composer versions: normalised to four numbers and a stability, then compared as
//! PHP's `version_compare` does.
//!
//! Invariant: what `composer/semver` decides for versions. A branch (`dev-main`) has no place in
//! that order: it comes before every version, and text that is neither before every branch.

use std::cmp::Ordering;

use super::number;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    match (normalise(a), normalise(b)) {
        (Normal::Version(a), Normal::Version(b)) => php(&a, &b),
        (Normal::Branch(a), Normal::Branch(b)) | (Normal::Neither(a), Normal::Neither(b)) => {
            a.cmp(b)
        }
        (a, b) => a.rank().cmp(&b.rank()),
    }
}

pub(super) fn is_valid(text: &str) -> bool {
    matches!(normalise(text), Normal::Version(_))
}

enum Normal<'a> {
    Neither(&'a str),
    Branch(&'a str),
    Version(String),
}

impl Normal<'_> {
    fn rank(&self) -> u8 {
        match self {
            Self::Neither(_) => 0,
            Self::Branch(_) => 1,
            Self::Version(_) => 2,
        }
    }
}

fn normalise(text: &str) -> Normal<'_> {
    let mut version = text.trim();
    if let Some((aliased, alias)) = version.split_once(" as ")
        && !aliased.trim().contains([' ', ','])
        && !alias.trim().contains([' ', ','])
    {
        version = aliased.trim();
    }
    if let Some((plain, flag)) = version.rsplit_once('@')
        && ["stable", "rc", "beta", "alpha", "dev"]
            .iter()
            .any(|stability| flag.eq_ignore_ascii_case(stability))
    {
        version = plain;
    }
    if matches!(version, "master" | "trunk" | "default") {
        return Normal::Branch(version);
    }
    if version
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("dev-"))
    {
        return Normal::Branch(&version[4..]);
    }
    if let Some((plain, build)) = version.split_once('+')
        && !plain.is_empty()
        && !build.is_empty()
        && !build.contains(char::is_whitespace)
    {
        version = plain;
    }
    let bytes = version.as_bytes();
    let numbers = match bytes {
        [b'v' | b'V', rest @ ..] => rest,
        _ => bytes,
    };
    classical(numbers)
        .or_else(|| dated(numbers))
        .or_else(|| numeric_branch(numbers))
        .map_or(Normal::Neither(version), Normal::Version)
}

/// `1.2.3.4` with at most five digits at first, and a stability.
fn classical(text: &[u8]) -> Option<String> {
    let (first, mut rest) = number::take_digits(text);
    if first.is_empty() || first.len() > 5 {
        return None;
    }
    let mut version = String::from_utf8_lossy(first).into_owned();
    for _ in 0..3 {
        version.push('.');
        match rest {
            [b'.', digit, ..] if digit.is_ascii_digit() => {
                let (digits, after) = number::take_digits(&rest[1..]);
                version.push_str(&String::from_utf8_lossy(digits));
                rest = after;
            }
            _ => version.push('0'),
        }
    }
    stability(rest, version)
}

/// A date, with or without a time: `20240131`, `2024-01-31.2`.
fn dated(text: &[u8]) -> Option<String> {
    let (year, rest) = text.split_at_checked(4)?;
    if !number::is_number(year) {
        return None;
    }
    let version = String::from_utf8_lossy(year).into_owned();
    // One to six pairs of digits and then up to three more: as many as let the rest be a stability.
    // Which way they are cut makes no difference to the version.
    let mut cuts = vec![(version, rest)];
    for _ in 0..6 {
        let Some(longer) = cuts.last().and_then(|cut| extended(cut, 2)) else {
            break;
        };
        cuts.push(longer);
    }
    cuts.remove(0);
    for cut in cuts.iter().rev() {
        let found = [3, 2, 1]
            .into_iter()
            .filter_map(|length| extended(cut, length))
            .chain([cut.clone()])
            .find_map(|(version, rest)| stability(rest, version));
        if found.is_some() {
            return found;
        }
    }
    None
}

type Cut<'a> = (String, &'a [u8]);

/// The cut with one more run of digits.
fn extended<'a>((version, rest): &Cut<'a>, length: usize) -> Option<Cut<'a>> {
    let (separator, digits, rest) = separated(rest, length)?;
    Some((format!("{version}{separator}{digits}"), rest))
}

/// A separator if there is one, and exactly so many digits.
fn separated(text: &[u8], length: usize) -> Option<(&'static str, &str, &[u8])> {
    let (separator, text) = match text {
        [b'.' | b':' | b'-', rest @ ..] => (".", rest),
        _ => ("", text),
    };
    let (digits, rest) = text.split_at_checked(length)?;
    if !number::is_number(digits) {
        return None;
    }
    Some((separator, str::from_utf8(digits).ok()?, rest))
}

/// `1.2.x-dev`: newer than every version of that series.
fn numeric_branch(text: &[u8]) -> Option<String> {
    let text = str::from_utf8(text).ok()?;
    let end = text.len().checked_sub(3)?;
    let (branch, dev) = text.split_at_checked(end)?;
    if !dev.eq_ignore_ascii_case("dev") {
        return None;
    }
    let branch = branch.strip_suffix(['-', '.']).unwrap_or(branch);
    let mut parts: Vec<&str> = branch.split('.').collect();
    let known = parts.len();
    parts.resize(known.max(4), "x");
    let mut version = String::new();
    for (place, part) in parts.iter().enumerate() {
        let any = matches!(*part, "x" | "X" | "*");
        if place > 3 || (place == 0 && any) || !(any || number::is_number(part.as_bytes())) {
            return None;
        }
        version.push_str(if place > 0 { "." } else { "" });
        version.push_str(if any { "9999999" } else { part });
    }
    Some(version + "-dev")
}

/// Reads the stability behind the numbers; nothing may follow it.
fn stability(text: &[u8], mut version: String) -> Option<String> {
    const WORDS: [(&str, &str); 9] = [
        ("stable", ""),
        ("beta", "beta"),
        ("b", "beta"),
        ("rc", "RC"),
        ("alpha", "alpha"),
        ("a", "alpha"),
        ("patch", "patch"),
        ("pl", "patch"),
        ("p", "patch"),
    ];
    let separator = |text: &[u8]| usize::from(matches!(text.first(), Some(b'.' | b'-' | b'_')));
    let starts = |text: &[u8], word: &str| {
        text.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
    };
    let mut rest = &text[separator(text)..];
    let mut stable = false;
    if let Some((word, name)) = WORDS.iter().find(|(word, _)| starts(rest, word)) {
        rest = &rest[word.len()..];
        let start = rest;
        loop {
            let skipped = usize::from(matches!(rest.first(), Some(b'.' | b'-')));
            let (digits, after) = number::take_digits(&rest[skipped..]);
            if digits.is_empty() {
                break;
            }
            rest = after;
        }
        stable = name.is_empty();
        if !stable {
            let numbers = str::from_utf8(&start[..start.len() - rest.len()]).ok()?;
            version.push('-');
            version.push_str(name);
            version.push_str(numbers.trim_start_matches(['.', '-']));
        }
    }
    if rest.is_empty() {
        return Some(version);
    }
    let skipped = usize::from(matches!(rest.first(), Some(b'.' | b'-')));
    if !rest[skipped..].eq_ignore_ascii_case(b"dev") {
        return None;
    }
    if !stable {
        version.push_str("-dev");
    }
    Some(version)
}

/// PHP's `version_compare`, over what `normalise` makes.
fn php(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        let (left, a_rest) = part(a);
        let (right, b_rest) = part(b);
        if left.is_empty() && right.is_empty() {
            return Ordering::Equal;
        }
        let order = rank(left).cmp(&rank(right)).then_with(|| {
            if number::is_number(left) && number::is_number(right) {
                number::compare(left, right)
            } else {
                Ordering::Equal
            }
        });
        if order.is_ne() {
            return order;
        }
        (a, b) = (a_rest, b_rest);
    }
}

/// The next run of digits or letters; empty at the end.
fn part(text: &[u8]) -> (&[u8], &[u8]) {
    let (_, text) = number::take(text, |byte| !byte.is_ascii_alphanumeric());
    match text.first() {
        Some(first) if first.is_ascii_digit() => number::take_digits(text),
        _ => number::take(text, |byte| byte.is_ascii_alphabetic()),
    }
}

/// The end stands between what comes before a release and the numbers that go on.
fn rank(part: &[u8]) -> u8 {
    match part {
        b"dev" => 0,
        b"alpha" => 1,
        b"beta" => 2,
        b"RC" => 3,
        b"" => 4,
        [first, ..] if first.is_ascii_digit() => 5,
        _ => 6,
    }
}
