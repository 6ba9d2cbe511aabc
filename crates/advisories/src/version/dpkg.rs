//! The order of Debian versions (deb-version(7)): `[epoch:]upstream[-revision]`.
//!
//! Invariant: byte for byte what `dpkg --compare-versions` decides; text that is no version is
//! ordered by the same rule.

use std::cmp::Ordering;

use super::number;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (split(a), split(b));
    number::compare(a.epoch, b.epoch)
        .then_with(|| part(a.upstream, b.upstream))
        .then_with(|| part(a.revision, b.revision))
}

pub(super) fn is_valid(text: &str) -> bool {
    let version = split(text);
    !version.upstream.is_empty()
        && text
            .trim()
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".+-~:_".contains(&byte))
}

struct Version<'a> {
    epoch: &'a [u8],
    upstream: &'a [u8],
    revision: &'a [u8],
}

fn split(text: &str) -> Version<'_> {
    let text = text.trim();
    let (epoch, rest) = match text.split_once(':') {
        Some((epoch, rest)) if number::is_number(epoch.as_bytes()) => (epoch, rest),
        _ => ("", text),
    };
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    Version {
        epoch: epoch.as_bytes(),
        upstream: upstream.as_bytes(),
        revision: revision.as_bytes(),
    }
}

/// Compares upstream versions or revisions: text and number by turns.
fn part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        loop {
            let (left, right) = (weight(a), weight(b));
            if left != right {
                return left.cmp(&right);
            }
            if left == 0 {
                break;
            }
            // Equal weights other than zero: both have a byte that is no digit.
            (a, b) = (&a[1..], &b[1..]);
        }
        let (left, a_rest) = number::take_digits(a);
        let (right, b_rest) = number::take_digits(b);
        let numbers = number::compare(left, right);
        if numbers.is_ne() {
            return numbers;
        }
        (a, b) = (a_rest, b_rest);
    }
    Ordering::Equal
}

/// What the first byte weighs among text: `~` is less than nothing, letters less than the rest.
fn weight(text: &[u8]) -> i32 {
    match text.first() {
        None => 0,
        Some(byte) if byte.is_ascii_digit() => 0,
        Some(b'~') => -1,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    }
}
