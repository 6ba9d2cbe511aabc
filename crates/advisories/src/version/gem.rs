//! The order of RubyGems versions: numbers and words by turns, words before numbers.
//!
//! Invariant: what `Gem::Version` decides: `-` means `.pre.`, missing segments are 0, and zeros
//! right before the first word do not count.

use std::cmp::Ordering;

use super::number;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (segments(a), segments(b));
    for place in 0..a.len().max(b.len()) {
        let left = a.get(place).copied().unwrap_or(Segment::Number(b""));
        let right = b.get(place).copied().unwrap_or(Segment::Number(b""));
        let order = match (left, right) {
            (Segment::Word(left), Segment::Word(right)) => left.cmp(right),
            (Segment::Word(_), Segment::Number(_)) => Ordering::Less,
            (Segment::Number(_), Segment::Word(_)) => Ordering::Greater,
            (Segment::Number(left), Segment::Number(right)) => number::compare(left, right),
        };
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

pub(super) fn is_valid(text: &str) -> bool {
    let text = text.trim();
    text.starts_with(|first: char| first.is_ascii_digit())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-')
        && text.split('.').all(|part| !part.is_empty())
}

#[derive(Clone, Copy)]
enum Segment<'a> {
    Number(&'a [u8]),
    Word(&'a [u8]),
}

fn segments(text: &str) -> Vec<Segment<'_>> {
    let mut rest = text.as_bytes();
    let mut segments = Vec::new();
    let mut in_release = true;
    while let Some(first) = rest.first() {
        let segment = if first.is_ascii_digit() {
            let (digits, after) = number::take_digits(rest);
            rest = after;
            Segment::Number(digits)
        } else if first.is_ascii_alphabetic() {
            let (word, after) = number::take(rest, |byte| byte.is_ascii_alphabetic());
            rest = after;
            Segment::Word(word)
        } else {
            rest = &rest[1..];
            if *first != b'-' {
                continue;
            }
            Segment::Word(b"pre")
        };
        if in_release && matches!(segment, Segment::Word(_)) {
            in_release = false;
            while matches!(segments.last(), Some(Segment::Number(digits)) if number::is_zero(digits))
            {
                segments.pop();
            }
        }
        segments.push(segment);
    }
    segments
}
