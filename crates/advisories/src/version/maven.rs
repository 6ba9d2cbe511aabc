//! The order of Maven versions: numbers and qualifiers, split at `.`, `-` and where digits meet
//! letters.
//!
//! Invariant: what Maven 3's `ComparableVersion` decides wherever that is an order; it is not one
//! for every text (a qualifier behind a dot in the middle, `1.sp.1`, can stand in a circle). Here
//! each qualifier opens a section of its own, as at the end of a version, and the order is total.

use std::cmp::Ordering;

use super::number;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
    let (a, b) = (tokens(&a), tokens(&b));
    for place in 0..a.len().max(b.len()) {
        let left = a.get(place).unwrap_or(&Token::Release);
        let right = b.get(place).unwrap_or(&Token::Release);
        let order = left.compare(right);
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

pub(super) fn is_valid(text: &str) -> bool {
    let text = text.trim();
    text.bytes().all(|byte| byte.is_ascii_graphic())
        && text.bytes().any(|byte| byte.is_ascii_digit())
        // A property that nobody replaced.
        && !text.contains("${")
}

/// What stands at a place, the oldest first; where a version has ended stands `Release`.
enum Token<'a> {
    /// A qualifier that comes before the release, by its rank.
    Before(u8),
    /// The release itself: the end, `ga`, `final`, `release`.
    Release,
    /// `sp`.
    ServicePack,
    /// Any other qualifier.
    Other(&'a str),
    /// A number behind a `-` or behind a qualifier.
    Section(&'a [u8]),
    /// A number behind a `.`.
    Number(&'a [u8]),
}

impl Token<'_> {
    fn rank(&self) -> u8 {
        match self {
            Self::Before(rank) => *rank,
            Self::Release => 5,
            Self::ServicePack => 6,
            Self::Other(_) => 7,
            Self::Section(_) => 8,
            Self::Number(_) => 9,
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Other(a), Self::Other(b)) => a.cmp(b),
            (Self::Section(a), Self::Section(b)) | (Self::Number(a), Self::Number(b)) => {
                number::compare(a, b)
            }
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }

    fn is_null(&self) -> bool {
        match self {
            Self::Release => true,
            Self::Section(digits) | Self::Number(digits) => number::is_zero(digits),
            Self::Before(_) | Self::ServicePack | Self::Other(_) => false,
        }
    }

    fn qualifier(text: &str, digit_follows: bool) -> Token<'_> {
        match text {
            "alpha" => Token::Before(0),
            "beta" => Token::Before(1),
            "milestone" => Token::Before(2),
            "rc" | "cr" => Token::Before(3),
            "snapshot" => Token::Before(4),
            "a" if digit_follows => Token::Before(0),
            "b" if digit_follows => Token::Before(1),
            "m" if digit_follows => Token::Before(2),
            "" | "ga" | "final" | "release" => Token::Release,
            "sp" => Token::ServicePack,
            other => Token::Other(other),
        }
    }
}

/// The tokens without those that mean nothing: zeros and releases at the end of each section.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let mut rest = text;
    // The first number opens the version as if a dot stood before it.
    let mut section = false;
    loop {
        let first_is_digit = rest.starts_with(|first: char| first.is_ascii_digit());
        let end = rest
            .find(|c: char| c == '.' || c == '-' || c.is_ascii_digit() != first_is_digit)
            .unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let digit_follows = after.starts_with(|next: char| next.is_ascii_digit());
        let token = if word.is_empty() || first_is_digit {
            let digits = word.as_bytes();
            if section {
                Token::Section(digits)
            } else {
                Token::Number(digits)
            }
        } else {
            Token::qualifier(word, digit_follows)
        };
        if !matches!(token, Token::Number(_)) {
            trim(&mut tokens);
        }
        tokens.push(token);
        let mut next = after.chars();
        match next.next() {
            None => break,
            Some('.') => section = false,
            Some('-') => section = true,
            Some(_) => {
                section = true;
                rest = after;
                continue;
            }
        }
        rest = next.as_str();
        // `1.` and `1-` end with a separator that brings nothing.
        if rest.is_empty() {
            break;
        }
    }
    trim(&mut tokens);
    tokens
}

fn trim(tokens: &mut Vec<Token<'_>>) {
    while tokens.last().is_some_and(Token::is_null) {
        tokens.pop();
    }
}
