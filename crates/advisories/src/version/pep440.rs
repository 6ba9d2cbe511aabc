//! The order of Python versions (PEP 440).
//!
//! Invariant: what `packaging.version` decides. Text that is no such version comes before all that
//! are, and among itself in the order that setuptools once gave it, so that the order is total.

use std::cmp::Ordering;

use super::number;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    match (Version::parse(a), Version::parse(b)) {
        (Some(a), Some(b)) => a.compare(&b),
        (Some(_), None) => Ordering::Greater,
        (None, Some(_)) => Ordering::Less,
        (None, None) => legacy_key(a).cmp(&legacy_key(b)),
    }
}

pub(super) fn is_valid(text: &str) -> bool {
    Version::parse(text).is_some()
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum PreRelease {
    Alpha,
    Beta,
    Candidate,
}

/// The parts of a version; digits as they were written, an absent number empty.
struct Version<'a> {
    epoch: &'a [u8],
    release: &'a [u8],
    pre: Option<(PreRelease, &'a [u8])>,
    post: Option<&'a [u8]>,
    dev: Option<&'a [u8]>,
    local: Option<&'a [u8]>,
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut input = Input(text.trim().as_bytes());
        input.word(&["v"]);
        let (first, rest) = number::take_digits(input.0);
        let epoch = if let [b'!', rest @ ..] = rest {
            if first.is_empty() {
                return None;
            }
            input.0 = rest;
            first
        } else {
            &[]
        };
        let release = input.release()?;
        let pre = input.pre();
        let post = input.post();
        let dev = input.suffix(&["dev"]);
        let local = match input.0.split_first() {
            Some((b'+', local)) => {
                input.0 = &[];
                Some(local)
            }
            _ => None,
        };
        let whole = input.0.is_empty() && local.is_none_or(is_local);
        whole.then_some(Self {
            epoch,
            release,
            pre,
            post,
            dev,
            local,
        })
    }

    fn compare(&self, other: &Self) -> Ordering {
        number::compare(self.epoch, other.epoch)
            .then_with(|| super::semver::compare_numbers(self.release, other.release))
            .then_with(|| {
                let ((a, x), (b, y)) = (self.pre_key(), other.pre_key());
                a.cmp(&b).then_with(|| number::compare(x, y))
            })
            // No post-release is older than the first, no development release newer than the last.
            .then_with(|| optional(self.post, other.post))
            .then_with(|| match (self.dev, other.dev) {
                (None, Some(_)) => Ordering::Greater,
                (Some(_), None) => Ordering::Less,
                (a, b) => optional(a, b),
            })
            .then_with(|| compare_local(self.local, other.local))
    }

    /// A development release of the final release comes before its pre-releases.
    fn pre_key(&self) -> (u8, &'a [u8]) {
        match self.pre {
            Some((kind, digits)) => (1 + kind as u8, digits),
            None if self.post.is_none() && self.dev.is_some() => (0, &[]),
            None => (4, &[]),
        }
    }
}

fn optional(a: Option<&[u8]>, b: Option<&[u8]>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => number::compare(a, b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b'-' | b'_' | b'.')
}

fn is_local(text: &[u8]) -> bool {
    text.split(|byte| is_separator(*byte))
        .all(|part| !part.is_empty() && part.iter().all(u8::is_ascii_alphanumeric))
}

/// Local versions: none is the oldest; words are older than numbers; more is newer.
fn compare_local(a: Option<&[u8]>, b: Option<&[u8]>) -> Ordering {
    let (a, b) = match (a, b) {
        (Some(a), Some(b)) => (a, b),
        (a, b) => return a.is_some().cmp(&b.is_some()),
    };
    let mut a = a.split(|byte| is_separator(*byte));
    let mut b = b.split(|byte| is_separator(*byte));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(left), Some(right)) => {
                match (number::is_number(left), number::is_number(right)) {
                    (true, true) => number::compare(left, right),
                    (true, false) => Ordering::Greater,
                    (false, true) => Ordering::Less,
                    (false, false) => {
                        let lower = |text: &[u8]| text.to_ascii_lowercase();
                        lower(left).cmp(&lower(right))
                    }
                }
            }
        };
        if order.is_ne() {
            return order;
        }
    }
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// Takes the first of the words that stands here, whatever its case.
    fn word(&mut self, words: &[&'static str]) -> Option<&'static str> {
        let word = words.iter().find(|word| {
            self.0
                .get(..word.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
        })?;
        self.0 = &self.0[word.len()..];
        Some(word)
    }

    fn separator(&mut self) {
        if let Some((first, rest)) = self.0.split_first()
            && is_separator(*first)
        {
            self.0 = rest;
        }
    }

    fn digits(&mut self) -> &'a [u8] {
        let (digits, rest) = number::take_digits(self.0);
        self.0 = rest;
        digits
    }

    /// Numbers with dots between.
    fn release(&mut self) -> Option<&'a [u8]> {
        let start = self.0;
        if self.digits().is_empty() {
            return None;
        }
        while let [b'.', next, ..] = self.0
            && next.is_ascii_digit()
        {
            self.0 = &self.0[1..];
            self.digits();
        }
        Some(&start[..start.len() - self.0.len()])
    }

    /// `[-_.]word[-_.]number`, where everything but the word may be missing.
    fn suffix(&mut self, words: &[&'static str]) -> Option<&'a [u8]> {
        self.worded(words).map(|(_, digits)| digits)
    }

    fn worded(&mut self, words: &[&'static str]) -> Option<(&'static str, &'a [u8])> {
        let start = self.0;
        self.separator();
        let Some(word) = self.word(words) else {
            self.0 = start;
            return None;
        };
        // A separator counts here even if no number follows it: what comes next needs none.
        self.separator();
        Some((word, self.digits()))
    }

    fn pre(&mut self) -> Option<(PreRelease, &'a [u8])> {
        const WORDS: [&str; 8] = ["alpha", "a", "beta", "b", "preview", "pre", "c", "rc"];
        let (word, digits) = self.worded(&WORDS)?;
        let kind = match word {
            "alpha" | "a" => PreRelease::Alpha,
            "beta" | "b" => PreRelease::Beta,
            _ => PreRelease::Candidate,
        };
        Some((kind, digits))
    }

    fn post(&mut self) -> Option<&'a [u8]> {
        if let [b'-', next, ..] = self.0
            && next.is_ascii_digit()
        {
            self.0 = &self.0[1..];
            return Some(self.digits());
        }
        self.suffix(&["post", "rev", "r"])
    }
}

/// The key by which setuptools ordered what PEP 440 does not know.
fn legacy_key(text: &str) -> Vec<String> {
    let text = text.trim().to_ascii_lowercase();
    let mut rest = text.as_bytes();
    let mut key: Vec<String> = Vec::new();
    while let Some(first) = rest.first() {
        let (part, after) = match first {
            b'.' | b'-' => rest.split_at(1),
            first if first.is_ascii_digit() => number::take_digits(rest),
            first if first.is_ascii_lowercase() => {
                number::take(rest, |byte| byte.is_ascii_lowercase())
            }
            _ => number::take(rest, |byte| {
                !byte.is_ascii_digit() && !byte.is_ascii_lowercase() && byte != b'.' && byte != b'-'
            }),
        };
        rest = after;
        let part = String::from_utf8_lossy(part);
        let part = match part.as_ref() {
            "." => continue,
            "-" => "*final-".to_owned(),
            "pre" | "preview" | "rc" => "*c".to_owned(),
            "dev" => "*@".to_owned(),
            digits if number::is_number(digits.as_bytes()) => format!("{digits:0>8}"),
            word => format!("*{word}"),
        };
        push_legacy(&mut key, part);
    }
    push_legacy(&mut key, "*final".to_owned());
    key
}

fn push_legacy(key: &mut Vec<String>, part: String) {
    if part.starts_with('*') {
        if part.as_str() < "*final" {
            while key.last().is_some_and(|last| last == "*final-") {
                key.pop();
            }
        }
        while key.last().is_some_and(|last| last == "00000000") {
            key.pop();
        }
    }
    key.push(part);
}
