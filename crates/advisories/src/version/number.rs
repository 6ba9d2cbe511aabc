//! Runs of ASCII digits as numbers of any length. Invariant: no number is too large to compare.

use std::cmp::Ordering;

/// Compares two runs of digits by value; an empty run is zero.
pub(super) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (significant(a), significant(b));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Whether the run of digits has the value zero.
pub(super) fn is_zero(digits: &[u8]) -> bool {
    significant(digits).is_empty()
}

/// Whether it is a number: digits and nothing else, at least one.
pub(super) fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// Splits off the longest start whose bytes all are of one sort.
pub(super) fn take(text: &[u8], is: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = text
        .iter()
        .position(|byte| !is(*byte))
        .unwrap_or(text.len());
    text.split_at(end)
}

/// Splits off the digits at the start.
pub(super) fn take_digits(text: &[u8]) -> (&[u8], &[u8]) {
    take(text, |byte| byte.is_ascii_digit())
}

fn significant(digits: &[u8]) -> &[u8] {
    take(digits, |byte| byte == b'0').1
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering::{Equal, Greater, Less};

    use super::compare;

    #[test]
    fn numbers_have_no_limit() {
        assert_eq!(compare(b"", b"000"), Equal);
        assert_eq!(compare(b"9", b"10"), Less);
        assert_eq!(compare(b"010", b"10"), Equal);
        assert_eq!(
            compare(b"18446744073709551616", b"18446744073709551615"),
            Greater
        );
    }
}
