//! The order of semantic versions (semver.org, §11), read leniently: for Cargo, npm and, through
//! their own modules, Go and NuGet.
//!
//! Invariant: build metadata does not count; missing numbers are 0; a leading `v` or `=` does not
//! count; what follows the numbers without `-` is a pre-release all the same (npm's loose form).

use std::cmp::Ordering;

use super::number;

/// The two parts of a version that are ordered.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    /// Numbers with dots between.
    pub(super) numbers: &'a [u8],
    /// What stands behind the `-`, with dots between.
    pub(super) pre_release: Option<&'a [u8]>,
}

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (split(a).0, split(b).0);
    compare_numbers(a.numbers, b.numbers)
        .then_with(|| compare_pre_release(a.pre_release, b.pre_release, Ord::cmp))
}

/// Whether it has a number at the start and nothing behind the numbers but what `-` and `+` bring.
pub(super) fn is_valid(text: &str) -> bool {
    let (parts, clean) = split(text);
    clean && !parts.numbers.is_empty()
}

/// The parts, and whether they are separated as the grammar demands.
pub(super) fn split(text: &str) -> (Parts<'_>, bool) {
    let text = text.trim().trim_start_matches(['v', 'V', '=', ' ']);
    let (core, _) = text.split_once('+').unwrap_or((text, ""));
    let core = core.as_bytes();
    let mut end = 0;
    loop {
        let (digits, _) = number::take_digits(&core[end..]);
        if digits.is_empty() {
            // A dot with no number behind it belongs to what follows.
            end = end.saturating_sub(1);
            break;
        }
        end += digits.len();
        if core.get(end) != Some(&b'.') {
            break;
        }
        end += 1;
    }
    let (numbers, rest) = core.split_at(end);
    let (pre_release, clean) = match rest.split_first() {
        None => (None, true),
        Some((b'-', rest)) => (Some(rest), !rest.is_empty()),
        Some((b'.', rest)) => (Some(rest), false),
        Some(_) => (Some(rest), false),
    };
    (
        Parts {
            numbers,
            pre_release,
        },
        clean,
    )
}

/// Compares numbers with dots between, the shorter one filled with zeros.
pub(super) fn compare_numbers(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a, mut b) = (dotted(a), dotted(b));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (left, right) => {
                let order = number::compare(left.unwrap_or_default(), right.unwrap_or_default());
                if order.is_ne() {
                    return order;
                }
            }
        }
    }
}

/// Compares pre-releases: none is the newest; numbers are older than words; more is newer.
pub(super) fn compare_pre_release(
    a: Option<&[u8]>,
    b: Option<&[u8]>,
    words: impl Fn(&[u8], &[u8]) -> Ordering,
) -> Ordering {
    let (a, b) = match (a, b) {
        (None, None) => return Ordering::Equal,
        (None, Some(_)) => return Ordering::Greater,
        (Some(_), None) => return Ordering::Less,
        (Some(a), Some(b)) => (a, b),
    };
    let (mut a, mut b) = (dotted(a), dotted(b));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(left), Some(right)) => {
                match (number::is_number(left), number::is_number(right)) {
                    (true, true) => number::compare(left, right),
                    (true, false) => Ordering::Less,
                    (false, true) => Ordering::Greater,
                    (false, false) => words(left, right),
                }
            }
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn dotted(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'.')
}
